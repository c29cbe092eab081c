"""From pictures taken one by one to the stack: arrays, tables, and what is said about them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from radiogen.cohort.cohort import Cohort
from radiogen.errors import Problem, problem
from radiogen.features.job import Job
from radiogen.features.jobs import ImageRow, column_of, image_problems, summed_up
from radiogen.features.outcome import Outcome
from radiogen.features.pictures.kinds import channels_of, scale_of
from radiogen.features.pictures.result import PictureStack
from radiogen.features.pictures.taking import Taken, has_pixels
from radiogen.features.pictures.work import UNMASKED, Picture, Wish

_MISSING = ["unit", "image", "code", "reason"]
#: details that have a place of their own
_ELSEWHERE = ("curve", "frame_s")


def assemble(
    cohort: Cohort, modality: str, taken: Taken, *, rows: Sequence[ImageRow], usable: Sequence[ImageRow],
    jobs: Sequence[Job], shown: str, visit: str | None, other: int,
) -> PictureStack:  # fmt: skip
    """The stack of the pictures taken.

    Parameters
    ----------
    cohort : Cohort
    modality : str
    taken : Taken
    rows : sequence of ImageRow
        All pictures of the kind, in the order of the manifest.
    usable, jobs
        Those that were taken: the others have no mask.
    shown : str
        Unit of stiffness.
    visit : str or None
        As it was asked for.
    other : int
        Pictures of another kind.
    """
    wish = taken.wish
    good = [(row, p) for row, p in zip(usable, taken.pictures, strict=True) if has_pixels(p)]
    missing = _missing(rows, usable, taken.pictures)
    curve, times = _curves(cohort, modality, wish, good)
    return PictureStack(
        modality=modality,
        kind=wish.kind,
        view=wish.view,
        pixels=taken.pixels,
        unit=np.array([row.unit for row, _ in good], dtype=np.str_),
        image=tuple(row.image for row, _ in good),
        channels=channels_of(wish.kind, wish.colour, shown),
        scale=scale_of(wish.kind, shown, wish.top),
        physical=wish.kind == "stiffness",
        details=_details(good),
        missing=missing,
        options=_options(wish, visit),
        digest=taken.key,
        curve=curve,
        frame_times_s=times,
        problems=_problems(cohort, modality, taken, usable, jobs, missing, good, len(rows) - len(usable)),
        other=other + sum(p.other for p in taken.pictures),
    )


def _options(wish: Wish, visit: str | None) -> dict[str, Any]:
    """The keyword arguments that matter for this stack."""
    found: dict[str, Any] = {"kind": wish.kind, "view": wish.view, "size": wish.size, "visit": visit}
    if wish.colour:
        found["colour"] = True
    if wish.kind == "cine":
        found |= {"frames": wish.frames, "start": wish.start}
    numbers = {"margin": wish.margin, "ring_mm": wish.ring_mm, "ring_share": wish.ring_share, "scale_max": wish.top,
               "duration_s": wish.duration_s}  # fmt: skip
    return found | {name: value for name, value in numbers.items() if not math.isnan(value)}


def _details(good: Sequence[tuple[ImageRow, Picture]]) -> pd.DataFrame:
    rows: list[Mapping[str, Any]] = [
        {"visit": row.visit, "row": row.row, **{k: v for k, v in p.details.items() if k not in _ELSEWHERE}} for row, p in good
    ]
    found = pd.DataFrame(list(rows), columns=None if rows else ["visit", "row", "pixel_mm", "calibrated"])
    return found.astype({"pixel_mm": np.float64, "calibrated": bool})


def _missing(rows: Sequence[ImageRow], usable: Sequence[ImageRow], pictures: Sequence[Picture]) -> pd.DataFrame:
    """One line for each picture that is not there, in the order of the manifest."""
    errors = {id(row): p.error for row, p in zip(usable, pictures, strict=True)}
    lost = []
    for row in rows:
        if id(row) not in errors:
            lost.append((row.unit, row.image, "RG503", UNMASKED))
            continue
        error = errors[id(row)]
        if error is not None:
            lost.append((row.unit, row.image, error.code, error.message))
    return pd.DataFrame(lost, columns=_MISSING, dtype=object)


def _curves(
    cohort: Cohort, modality: str, wish: Wish, good: Sequence[tuple[ImageRow, Picture]]
) -> tuple[pd.DataFrame | None, np.ndarray[Any, np.dtype[np.float64]] | None]:
    """Curve of each unit, and the times of the frames."""
    if wish.kind != "cine":
        return None, None
    names = [f"curve_{k:02d}" for k in range(wish.frames)]
    linear = [bool(p.details["linear"]) for _, p in good]
    values = np.array([p.details["curve"] for _, p in good], dtype=np.float64).reshape(len(good), wish.frames)
    if any(linear):  # grey levels and linear units are not mixed
        values[~np.array(linear)] = np.nan
    units = pd.Index([row.unit for row, _ in good], name="unit")
    per_unit = pd.DataFrame(values, index=units, columns=names).groupby(level=0, sort=False)
    curve = pd.DataFrame(per_unit.agg(cohort.config.modalities[modality].aggregate))
    duration = 0.0 if math.isnan(wish.duration_s) else wish.duration_s
    curve.attrs["unit"] = "linear a.u." if any(linear) else "relative grey"
    curve.attrs["times_s"] = np.linspace(0.0, duration, wish.frames).tolist()
    times = np.array([p.details["frame_s"] for _, p in good], dtype=np.float64).reshape(len(good), wish.frames)
    return curve, times


# -- what is said about them ----------------------------------------------------------------------


def _problems(
    cohort: Cohort, modality: str, taken: Taken, usable: Sequence[ImageRow], jobs: Sequence[Job], missing: pd.DataFrame,
    good: Sequence[tuple[ImageRow, Picture]], bare: int,
) -> tuple[Problem, ...]:  # fmt: skip
    """Errors of pictures as warnings, one by one; remarks summed up; pictures without a mask; without spacing."""
    found = [
        p for row, job, picture in zip(usable, jobs, taken.pictures, strict=True)
        for p in image_problems(cohort, row, job, Outcome(problems=picture.problems))
    ]  # fmt: skip
    lost = [replace(p, severity="warning") for p in found if p.severity == "error"]
    remarks = summed_up([p for p in found if p.severity != "error"], key=lambda p: (p.code, p.column))
    said = [*lost, *remarks]
    column = column_of(cohort, modality, "mask")
    if bare:
        text = f"{bare} pictures of '{modality}' have no mask and are not in the view '{taken.wish.view}'"
        said.append(problem("RG503", text, severity="warning", column=column))
    if not good and len(missing):
        first = missing.iloc[0]
        text = f"none of the {len(missing)} pictures of '{modality}' can be used; {Path(first['image']).name}: {first['reason']}"
        said.insert(0, problem("RG706", text, severity="warning", value=modality, fix="Mend the images named below."))
    without = sum(not p.details["calibrated"] for _, p in good)
    if without and taken.wish.kind != "spectrum":
        text = f"{without} of {len(good)} pictures of '{modality}' have no pixel spacing: their pixels are taken for square"
        text += ", the ring has a share of the lesion's diameter" if "ring" in taken.wish.view else ""
        said.append(problem("RG513", text, column=column_of(cohort, modality, "spacing_mm")))
    return tuple(said)
