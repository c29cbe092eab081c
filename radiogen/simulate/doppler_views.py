"""Writing the Doppler pictures of a cohort: colour flow with its box and bar, and pulsed-wave strips."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from radiogen.simulate.album import Album
from radiogen.simulate.dicom_writer import ScreenRegion, colour_bar_region, colour_flow_region, spectrum_region, tissue_region
from radiogen.simulate.doppler import MARGIN, DopplerPicture, draw_colour_doppler
from radiogen.simulate.planes import draw_plane, geometry, scanner_of
from radiogen.simulate.spectrum import SpectrumPicture, draw_spectrum, draw_velocities
from radiogen.simulate.vessels import Vessel
from radiogen.simulate.views import Generators, Written

_COLUMNS = ["patient_id", "image", "type", "mask", "spacing_mm", "scale_max"]
#: how each scanner is set: end of the colour scale in cm/s
_SCALE_CM_S = {"Alpha": 8.0, "Beta": 10.0}
#: share of patients with a strip, of those with a vessel to put the sample volume in
_STRIP_TAKEN = 0.9
#: share of strips with the flow above the baseline, and the range of their signal-to-noise ratio in dB
_UPWARDS, _SNR_DB = 0.75, (13.0, 26.0)
#: every n-th point of a centre line goes into the truth, which is 0.5 mm
_THINNED = 5


def write_doppler(album: Album, patients: pd.DataFrame, generator: Generators) -> Written:
    """Draw and write a colour picture for every patient, and a strip for most: centre A exports DICOM, B PNG.

    Strips are DICOM everywhere, since their calibration cannot be read off the picture.

    Parameters
    ----------
    album : Album
        Writes them, into ``data/doppler/``.
    patients : DataFrame
        Rows of :func:`draw_truth` with Doppler; the index is the patient's number.
    generator : callable
        Of the task.

    Returns
    -------
    (manifest, truth)
        One row per picture; vessels, indices and velocities by patient.
    """
    rows: list[dict[str, object]] = []
    truth: dict[str, list[Any]] = {}
    for number, patient in patients.iterrows():
        rng = generator(number, 0)
        picture = _colour_picture(rng, patient)
        row, known = _write_colour(album, patient, picture)
        rows.append(row)
        truth[str(patient["patient_id"])] = [known]
        strip = _strip(rng, patient, picture)
        if strip is not None:
            row, known = _write_strip(album, patient, strip)
            rows.append(row)
            truth[str(patient["patient_id"])].append(known)
    return pd.DataFrame(rows, columns=_COLUMNS), truth


def _colour_picture(rng: np.random.Generator, patient: pd.Series) -> tuple[DopplerPicture, dict[str, Any]]:
    plane = draw_plane(rng, patient)
    scanner = scanner_of(patient)
    scale = _SCALE_CM_S[scanner.name]
    picture = draw_colour_doppler(rng, plane, float(patient["latent_vascularity"]), scanner, scale_max_cm_s=scale)
    return picture, geometry(plane, 1)


def _strip(rng: np.random.Generator, patient: pd.Series, drawn: tuple[DopplerPicture, dict[str, Any]]) -> SpectrumPicture | None:
    """A strip of a vessel in the lesion; None where there is none, or none was taken."""
    if drawn[0].vessel_count == 0 or rng.random() >= _STRIP_TAKEN:
        return None
    psv, edv = draw_velocities(rng, float(patient["latent_vascularity"]), float(patient["latent_flow"]))
    direction = 1 if rng.random() < _UPWARDS else -1
    return draw_spectrum(rng, psv, edv, snr_db=float(rng.uniform(*_SNR_DB)), direction=direction)


def _write_colour(
    album: Album, patient: pd.Series, drawn: tuple[DopplerPicture, dict[str, Any]]
) -> tuple[dict[str, object], dict[str, Any]]:
    picture, outline = drawn
    name, scanner = str(patient["patient_id"]), str(patient["scanner"])
    mask = f"doppler/masks/{name}.png"
    album.mask(f"data/{mask}", picture.mask)
    spacing: float | None = None
    if patient["centre"] == "A":
        image = f"doppler/images/{name}.dcm"
        album.dicom(f"data/{image}", picture.image, name, scanner, _colour_regions(picture))
    else:
        image, spacing = f"doppler/images/{name}.png", picture.spacing_mm
        album.png(f"data/{image}", picture.image)
    row: dict[str, object] = {"patient_id": name, "image": image, "type": "colour", "mask": mask, "spacing_mm": spacing,
                              "scale_max": picture.scale_max_cm_s}  # fmt: skip
    known = {
        "type": "colour",
        "image": f"data/{image}",
        "spacing_mm": picture.spacing_mm,
        "scale_max_cm_s": picture.scale_max_cm_s,
        "bar_box": list(picture.bar_box),
        "colour_box": list(picture.colour_box),
        "vascularity_index_pct": picture.vascularity_index_pct,
        "vessel_count": picture.vessel_count,
        "length_mm": picture.length_mm,
        "area_mm2": outline["area_mm2"],
        "vessels": [_vessel(v) for v in picture.vessels],
    }
    return row, known


def _colour_regions(picture: DopplerPicture) -> list[ScreenRegion]:
    top, bottom, left, right = picture.colour_box
    bar = picture.bar_box
    rows, columns = picture.image.shape[0], picture.image.shape[1] - MARGIN
    return [
        tissue_region((0, rows - 1), (0, columns - 1), picture.spacing_mm, low_priority=True),
        colour_flow_region((top, bottom), (left, right), picture.spacing_mm),
        colour_bar_region((bar[0], bar[1]), (bar[2], bar[3])),
    ]


def _vessel(vessel: Vessel) -> dict[str, Any]:
    """Centre line in mm (rows, then columns), every half millimetre and at its end."""
    points = np.vstack([vessel.points_mm[:-1:_THINNED], vessel.points_mm[-1:]]).round(2)
    return {
        "tree": vessel.tree,
        "radius_mm": vessel.radius_mm,
        "velocity_cm_s": vessel.velocity_cm_s,
        "rows_mm": points[:, 0].tolist(),
        "columns_mm": points[:, 1].tolist(),
    }


def _write_strip(album: Album, patient: pd.Series, strip: SpectrumPicture) -> tuple[dict[str, object], dict[str, Any]]:
    name, scanner = str(patient["patient_id"]), str(patient["scanner"])
    image = f"doppler/spectra/{name}.dcm"
    rows, columns = strip.image.shape
    region = spectrum_region((0, rows - 1), (0, columns - 1), strip.cm_s_per_px, strip.s_per_px, strip.baseline_row)
    album.dicom(f"data/{image}", strip.image, name, scanner, [region])
    numbers = ("cm_s_per_px", "s_per_px", "baseline_row", "direction", "psv_cm_s", "edv_cm_s", "tamv_cm_s", "ri", "pi",
               "sd_ratio", "heart_rate_per_min", "n_beats")  # fmt: skip
    known = {"type": "spectrum", "image": f"data/{image}", **{k: getattr(strip, k) for k in numbers}}
    row: dict[str, object] = {"patient_id": name, "image": image, "type": "spectrum", "mask": None, "spacing_mm": None,
                              "scale_max": None}  # fmt: skip
    return row, known
