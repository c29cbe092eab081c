"""Writing the contrast loops of a cohort, with their masks."""

from __future__ import annotations

from typing import Any

import pandas as pd

from radiogen.simulate.album import Album
from radiogen.simulate.contrast import CeusLoop, draw_ceus
from radiogen.simulate.dicom_writer import tissue_region
from radiogen.simulate.planes import draw_plane, scanner_of
from radiogen.simulate.views import Generators, Written

_COLUMNS = ["patient_id", "image", "mask", "reference", "dynamic_range_db"]


def write_ceus(album: Album, patients: pd.DataFrame, generator: Generators) -> Written:
    """Draw and write every patient's loop as multi-frame DICOM, compressed as scanners do (JPEG baseline).

    Parameters
    ----------
    album : Album
        Writes them, into ``data/ceus/``.
    patients : DataFrame
        Rows of :func:`draw_truth` with CEUS; the index is the patient's number.
    generator : callable
        Of the task.

    Returns
    -------
    (manifest, truth)
        One row per loop; the boluses, the dynamic range and the motion by patient.
    """
    rows: list[dict[str, object]] = []
    truth: dict[str, list[Any]] = {}
    for number, patient in patients.iterrows():
        rng = generator(number, 0)
        plane = draw_plane(rng, patient)
        peak, time = float(patient["latent_peak"]), float(patient["latent_time"])
        loop = draw_ceus(rng, plane, peak, time, scanner_of(patient))
        row = _write(album, patient, loop)
        rows.append(row)
        down, across = loop.shifts_px.round(3).T.tolist()
        moved = {"shift_rows_px": down, "shift_columns_px": across}
        known = {"image": f"data/{row['image']}", "spacing_mm": loop.spacing_mm, **loop.truth(), **moved}
        truth[str(patient["patient_id"])] = [known]
    return pd.DataFrame(rows, columns=_COLUMNS), truth


def _write(album: Album, patient: pd.Series, loop: CeusLoop) -> dict[str, object]:
    name = str(patient["patient_id"])
    image, mask, reference = f"ceus/loops/{name}.dcm", f"ceus/masks/{name}.png", f"ceus/reference/{name}.png"
    panes = [tissue_region(b[:2], b[2:], loop.spacing_mm) for b in (loop.tissue_box, loop.contrast_box)]
    album.dicom(
        f"data/{image}", loop.frames, name, str(patient["scanner"]), panes, frame_time_ms=loop.frame_interval_ms,
        compression="jpeg",
    )  # fmt: skip
    album.mask(f"data/{mask}", loop.mask)
    there = bool(loop.reference.any())
    if there:
        album.mask(f"data/{reference}", loop.reference)
    # a lesion as wide as the pane leaves no parenchyma at its depth
    return {"patient_id": name, "image": image, "mask": mask, "reference": reference if there else None,
            "dynamic_range_db": loop.dynamic_range_db}  # fmt: skip
