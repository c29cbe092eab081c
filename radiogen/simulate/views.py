"""Writing the B-mode pictures and masks of a cohort."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radiogen.simulate.bmode import Picture, Traits, draw_picture
from radiogen.simulate.scanner import SCANNERS

#: share of patients with a second, orthogonal view
_TWO_VIEWS = 0.12


def write_views(
    data: Path, patients: pd.DataFrame, generator: Callable[..., np.random.Generator]
) -> tuple[pd.DataFrame, dict[str, list[Any]], list[str]]:
    """Draw and write every patient's pictures.

    Parameters
    ----------
    data : Path
        Folder of the tables; pictures go into ``bmode/``.
    patients : DataFrame
        Rows of :func:`draw_truth` with B-mode; the index is the patient's number.
    generator : callable
        ``generator(patient, view)`` gives the random numbers of a picture.

    Returns
    -------
    (manifest, lesions, files)
        One row per picture; the geometry of each patient's lesion by view; names inside ``data``.
    """
    for kind in ("images", "masks"):
        (data / "bmode" / kind).mkdir(parents=True)
    rows: list[dict[str, object]] = []
    lesions: dict[str, list[Any]] = {}
    files: list[str] = []
    for number, patient in patients.iterrows():
        name = str(patient["patient_id"])
        for view, picture in enumerate(_pictures(int(number), patient, generator), start=1):  # type: ignore[call-overload]
            image, mask = (f"bmode/{kind}/{name}_{view}.png" for kind in ("images", "masks"))
            _write_png(data / image, picture.image)
            _write_png(data / mask, np.where(picture.mask, 255, 0).astype(np.uint8))
            files += [image, mask]
            rows.append(
                {"patient_id": name, "image": image, "mask": mask, "view": view, "spacing_mm": picture.spacing_mm}
            )
            lesions.setdefault(name, []).append(_geometry(picture, view))
    return pd.DataFrame(rows), lesions, files


def _pictures(number: int, patient: pd.Series, generator: Callable[..., np.random.Generator]) -> list[Picture]:
    traits = Traits(
        diameter_mm=float(patient["latent_diameter_mm"]),
        **{k: float(patient[f"latent_{k}"]) for k in ("margin", "texture", "shadow", "contrast", "aspect")},
    )
    scanner = SCANNERS[str(patient["scanner"])]
    first = generator(number, 0)
    second = bool(first.random() < _TWO_VIEWS)
    # across the first plane the lesion is a little smaller
    across = replace(traits, diameter_mm=traits.diameter_mm * float(first.uniform(0.75, 1.0)))
    pictures = [draw_picture(first, traits, scanner)]
    if second:
        pictures.append(draw_picture(generator(number, 1), across, scanner))
    return pictures


def _geometry(picture: Picture, view: int) -> dict[str, Any]:
    lesion = picture.lesion
    return {
        "view": view,
        "spacing_mm": picture.spacing_mm,
        "centre_x_mm": lesion.x_mm,
        "centre_y_mm": lesion.y_mm,
        "half_width_mm": lesion.half_width_mm,
        "half_height_mm": lesion.half_height_mm,
        "tilt_rad": lesion.tilt,
        "waves": [list(w) for w in lesion.waves],
        "spikes": [list(s) for s in lesion.spikes],
        "area_mm2": lesion.area_mm2,
        "diameter_mm": lesion.diameter_mm,
        "shadow_db": picture.shadow_db,
        "heterogeneity_db": picture.heterogeneity_db,
    }


def _write_png(path: Path, pixels: NDArray[np.uint8]) -> None:
    from PIL import Image

    Image.fromarray(pixels).save(path, optimize=False)
