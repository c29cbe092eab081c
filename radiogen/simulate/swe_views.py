"""Writing the elastograms of a cohort, with their masks and the true stiffness behind every pixel."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radiogen.simulate.album import Album
from radiogen.simulate.appearance import FEATURES
from radiogen.simulate.draws import Floats
from radiogen.simulate.elastography import SwePicture, draw_swe
from radiogen.simulate.planes import draw_plane, scanner_of
from radiogen.simulate.views import Generators, Written

_COLUMNS = ["patient_id", "image", "mask", "reference", "spacing_mm", "scale_max"]
#: end of the colour scale in kPa: the usual one, and the one for lesions that have more than this share above it
_SCALES_KPA, _TOO_STIFF = (180.0, 300.0), 0.02
#: share of pictures that were exported as JPEG, and its quality
_JPEG_SHARE, _QUALITY = 0.12, 85
#: the maps of truth hold kPa times this
MAP_FACTOR = 100
#: how much stiffer scanner Beta shows the same lesion, in units of the latent trait, as in the feature tables
_BETA = next(f.beta / f.latents["stiffness"] for f in FEATURES["swe"] if f.name == "swe_mean_kpa")


def write_swe(album: Album, patients: pd.DataFrame, generator: Generators) -> Written:
    """Draw and write every patient's elastogram as a colour picture, most as PNG and some as JPEG.

    Parameters
    ----------
    album : Album
        Writes them, into ``data/swe/``, and the true stiffness into ``truth/swe/``: 16-bit grey, kPa times 100,
        0 where there is no overlay.
    patients : DataFrame
        Rows of :func:`draw_truth` with SWE; the index is the patient's number.
    generator : callable
        Of the task.

    Returns
    -------
    (manifest, truth)
        One row per picture; colour map, opacity and statistics of the true stiffness by patient.
    """
    rows: list[dict[str, object]] = []
    truth: dict[str, list[Any]] = {}
    for number, patient in patients.iterrows():
        rng = generator(number, 0)
        picture = _draw(rng, patient)
        row, known = _write(album, str(patient["patient_id"]), picture, jpeg=bool(rng.random() < _JPEG_SHARE))
        rows.append(row)
        truth[str(patient["patient_id"])] = [known]
    return pd.DataFrame(rows, columns=_COLUMNS), truth


def _draw(rng: np.random.Generator, patient: pd.Series) -> SwePicture:
    """The elastogram on the usual scale; on the longer one where the usual one is too short."""
    plane, scanner = draw_plane(rng, patient), scanner_of(patient)
    stiffness = float(patient["latent_stiffness"]) + (_BETA if scanner.name == "Beta" else 0.0)
    start = rng.bit_generator.state
    for scale in _SCALES_KPA:
        # the same numbers again: the same lesion, shown otherwise
        rng.bit_generator.state = start
        picture = draw_swe(rng, plane, stiffness, scanner, scale_max_kpa=scale)
        if np.mean(picture.kpa[picture.mask] > scale) <= _TOO_STIFF:
            break
    return picture


def _write(album: Album, name: str, picture: SwePicture, *, jpeg: bool) -> tuple[dict[str, object], dict[str, Any]]:
    image, mask, reference = (f"swe/{kind}/{name}.png" for kind in ("images", "masks", "reference"))
    if jpeg:
        image = f"swe/images/{name}.jpg"
        album.jpeg(f"data/{image}", picture.image, _QUALITY)
    else:
        album.png(f"data/{image}", picture.image)
    album.mask(f"data/{mask}", picture.mask)
    album.mask(f"data/{reference}", picture.reference)
    stiffness = f"truth/swe/{name}.png"
    album.png(stiffness, _map(picture.kpa))
    row: dict[str, object] = {"patient_id": name, "image": image, "mask": mask, "reference": reference,
                              "spacing_mm": picture.spacing_mm, "scale_max": picture.scale_max_kpa}  # fmt: skip
    known = {
        "image": f"data/{image}",
        "stiffness_map": stiffness,
        "spacing_mm": picture.spacing_mm,
        "scale_max_kpa": picture.scale_max_kpa,
        "colour_map": picture.colour_map,
        "opacity": picture.opacity,
        "bar_box": list(picture.bar_box),
        "overlay_box": list(picture.overlay_box),
        "marked_pixels": int(picture.planted.sum()),
        "lesion": _statistics(picture, picture.mask),
        "reference": _statistics(picture, picture.reference),
    }
    return row, known


def _map(kpa: Floats) -> NDArray[np.uint16]:
    return np.rint(np.nan_to_num(kpa * MAP_FACTOR).clip(0, 65535)).astype(np.uint16)


def _statistics(picture: SwePicture, region: NDArray[np.bool_]) -> dict[str, float]:
    """Of what the colours can show, which is no more than the scale has, marks lying over it or not."""
    values = picture.shown_kpa[region]
    values = values[np.isfinite(values)]
    return {
        "mean_kpa": float(values.mean()),
        "max_kpa": float(values.max()),
        "min_kpa": float(values.min()),
        "sd_kpa": float(values.std(ddof=1)),
        "median_kpa": float(np.median(values)),
        "p90_kpa": float(np.percentile(values, 90)),
        "beyond_scale_share": float(np.mean(picture.kpa[region] > picture.scale_max_kpa)),
    }
