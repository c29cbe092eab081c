"""Writing the B-mode pictures and masks of a cohort."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from radiogen.simulate.album import Album
from radiogen.simulate.bmode import SHAPE, Picture, draw_picture
from radiogen.simulate.dicom_writer import tissue_region
from radiogen.simulate.planes import geometry, scanner_of, traits_of

#: share of patients with a second, orthogonal view
_TWO_VIEWS = 0.12
#: ``generator(patient, view)`` gives the random numbers of a picture
Generators = Callable[..., np.random.Generator]
#: what is true of the pictures: modality -> patient -> one entry per picture
Pictured = dict[str, dict[str, list[Any]]]
#: one row per picture, and what is true of each patient's pictures
Written = tuple[pd.DataFrame, dict[str, list[Any]]]


def write_bmode(album: Album, patients: pd.DataFrame, generator: Generators) -> Written:
    """Draw and write every patient's pictures: centre A exports DICOM with its calibration, centre B PNG.

    Parameters
    ----------
    album : Album
        Writes them, into ``data/bmode/``.
    patients : DataFrame
        Rows of :func:`draw_truth` with B-mode; the index is the patient's number.
    generator : callable
        Of the task.

    Returns
    -------
    (manifest, geometry)
        One row per picture, without ``spacing_mm`` where the file itself is calibrated; the geometry of each
        patient's lesion by view.
    """
    rows: list[dict[str, object]] = []
    lesions: dict[str, list[Any]] = {}
    for number, patient in patients.iterrows():
        name = str(patient["patient_id"])
        for view, picture in enumerate(_pictures(int(number), patient, generator), start=1):  # type: ignore[call-overload]
            image, spacing = _write(album, f"{name}_{view}", patient, picture)
            mask = f"bmode/masks/{name}_{view}.png"
            album.mask(f"data/{mask}", picture.mask)
            rows.append({"patient_id": name, "image": image, "mask": mask, "view": view, "spacing_mm": spacing})
            lesions.setdefault(name, []).append({**geometry(picture, view), "image": f"data/{image}"})
    return pd.DataFrame(rows, columns=["patient_id", "image", "mask", "view", "spacing_mm"]), lesions


def _pictures(number: int, patient: pd.Series, generator: Generators) -> list[Picture]:
    traits, scanner = traits_of(patient), scanner_of(patient)
    first = generator(number, 0)
    second = bool(first.random() < _TWO_VIEWS)
    # across the first plane the lesion is a little smaller
    across = replace(traits, diameter_mm=traits.diameter_mm * float(first.uniform(0.75, 1.0)))
    pictures = [draw_picture(first, traits, scanner)]
    if second:
        pictures.append(draw_picture(generator(number, 1), across, scanner))
    return pictures


def _write(album: Album, stem: str, patient: pd.Series, picture: Picture) -> tuple[str, float | None]:
    """The picture's name, and the spacing that its file does not tell."""
    if patient["centre"] != "A":
        name = f"bmode/images/{stem}.png"
        album.png(f"data/{name}", picture.image)
        return name, picture.spacing_mm
    name = f"bmode/images/{stem}.dcm"
    region = tissue_region((0, SHAPE[0] - 1), (0, SHAPE[1] - 1), picture.spacing_mm)
    album.dicom(f"data/{name}", picture.image, str(patient["patient_id"]), str(patient["scanner"]), [region])
    return name, None
