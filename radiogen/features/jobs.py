"""From the images of a cohort to jobs, and from outcomes back to the rows of its manifests."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from radiogen.cohort.cohort import Cohort
from radiogen.errors import Problem
from radiogen.features.cache import FeatureCache
from radiogen.features.families import family_of
from radiogen.features.family import Settings
from radiogen.features.job import MASK_CODES, Job, Outcome, lookup, package_versions, process
from radiogen.features.near_duplicates import Picture
from radiogen.features.parallel import in_order, silent
from radiogen.features.radiomics import DEFAULT_ENGINE
from radiogen.features.shelf import Shelf
from radiogen.progress import Progress

#: entries looked up here before other processes are started; if all are there, none is needed
_PROBED = 1000
_NOTHING: Mapping[str, float] = {}


@dataclass(frozen=True, slots=True)
class ImageRow:
    """One row of ``Cohort.images``."""

    unit: str
    modality: str
    image: str
    masks: tuple[str, ...]
    spacing_mm: tuple[float, float] | None
    manifest: str
    row: int
    patient: str = ""
    visit: str | None = None
    reference: str | None = None
    type: str | None = None
    mask_source: str | None = None
    declared: Mapping[str, float] = field(default_factory=dict)


def rows_of(images: pd.DataFrame) -> list[ImageRow]:
    """The rows of ``Cohort.images`` with types."""
    return [
        ImageRow(
            unit=str(r["unit"]),
            modality=str(r["modality"]),
            image=str(r["image"]),
            masks=tuple(str(m) for m in r["masks"]),
            spacing_mm=_spacing(float(r["spacing_row_mm"]), float(r["spacing_col_mm"])),
            manifest=str(r["manifest"]),
            row=int(r["row"]),
            patient=str(r["patient"]),
            visit=_text(r["visit"]),
            reference=_text(r["reference"]),
            type=_text(r["type"]),
            mask_source=_text(r["mask_source"]),
            declared=dict(r["declared"]) if r["declared"] else _NOTHING,
        )
        for r in _records(images)
    ]


def _records(images: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """The rows one after the other: all of them as dicts would take more memory than anything made of them."""
    names = list(images.columns)
    return (dict(zip(names, values, strict=True)) for values in images.itertuples(index=False, name=None))


def _text(value: Any) -> str | None:
    """Text, or None for an empty cell, which pandas may hold as NaN."""
    return value if isinstance(value, str) else None


def _spacing(row: float, column: float) -> tuple[float, float] | None:
    """Spacing as declared; NaN is not known, and anything else is left to the reader to judge."""
    return None if math.isnan(row) or math.isnan(column) else (row, column)


def make_jobs(
    cohort: Cohort,
    rows: Sequence[ImageRow],
    *,
    settings: Any = None,
    engine: str = DEFAULT_ENGINE,
    versions: Mapping[str, str] | None = None,
    measure: bool = True,
    cache: FeatureCache | None = None,
) -> list[Job]:
    """One job per row; settings given here take the place of the modality's."""
    common = {**package_versions(), **(versions or {})}
    resolved: dict[Any, Settings] = {}
    return [_job(cohort, row, settings, resolved, engine, common, measure, cache) for row in rows]


def _job(
    cohort: Cohort, row: ImageRow, settings: Any, resolved: dict[Any, Settings], engine: str, versions: Mapping[str, str],
    measure: bool, cache: FeatureCache | None,
) -> Job:
    section = cohort.config.modalities[row.modality]
    kind = section.kind_for(row.modality)
    family = family_of(kind)
    options = {**section.options(), **row.declared}
    if settings is not None:
        options["settings"] = settings
    key = (row.modality, tuple(sorted(row.declared.items())))
    if key not in resolved:
        resolved[key] = family.settings(options)
    return Job(
        kind=kind,
        image=_absolute(row.image),
        masks=tuple(_absolute(m) for m in row.masks),
        spacing_mm=row.spacing_mm,
        resize=section.resize,
        settings=resolved[key],
        engine=engine,
        versions=versions,
        measure=measure and (bool(row.masks) or not family.needs_mask(row.type)),
        cache=cache,
        reference=None if row.reference is None else _absolute(row.reference),
        type=row.type,
        mask_label=section.mask_label,
        calibration=section.calibration,
        frame_interval_ms=options["frame_interval_ms"],
    )


def _absolute(path: str) -> str:
    """For workers, who stand in other folders; the same text where nothing is to be done, which a million rows share."""
    return path if Path(path).is_absolute() else str(Path(path).absolute())


def run_jobs(
    jobs: Sequence[Job], n_jobs: int, progress: Progress | None, label: str, scheduler: Any = None
) -> list[Outcome]:
    """The outcome of every job, in ``n_jobs`` processes or on a cluster; what is in the cache is taken from there.

    The workers look into the cache and write to it, each image as soon as it is done.
    """
    show = progress or silent
    limit = len(jobs) if n_jobs == 1 and scheduler is None else _PROBED
    outcomes: list[Outcome] = []
    shelf = Shelf()
    for job in jobs[:limit]:
        found = lookup(job)
        if found is None:
            break
        outcomes.append(shelf.kept(found))
    show(len(outcomes), len(jobs), label)
    rest = jobs[len(outcomes) :]
    if scheduler is None or not rest:
        fresh = in_order(process, rest, n_jobs)
    else:
        from radiogen.features.cluster import on_cluster

        fresh = on_cluster(process, rest, scheduler)
    for outcome in fresh:
        outcomes.append(shelf.kept(outcome))
        show(len(outcomes), len(jobs), label)
    return outcomes


def column_of(cohort: Cohort, modality: str, role: str) -> str:
    """Name of a manifest's column."""
    return cohort.config.modalities[modality].column(role)


def image_problems(cohort: Cohort, row: ImageRow, job: Job, outcome: Outcome) -> list[Problem]:
    """The problems of one image as they stand in the manifest: file, row, column and value."""
    return [_placed(cohort, row, job, p) for p in outcome.problems]


def _placed(cohort: Cohort, row: ImageRow, job: Job, found: Problem) -> Problem:
    about_mask = found.file in job.masks or (found.file is None and bool(job.masks) and found.code in MASK_CODES)
    about_reference = job.reference is not None and found.file == job.reference
    first_mask = job.masks[0] if about_mask else job.image
    name = Path(found.file or first_mask).name
    role, value = ("reference" if about_reference else "mask" if about_mask else "image"), name
    if found.code == "RG509" and job.spacing_mm is not None:
        role, value = "spacing_mm", "{:g} x {:g}".format(*job.spacing_mm)
    message = found.message if name in found.message else f"{found.message} ({name})"
    column = column_of(cohort, row.modality, role)
    return replace(found, message=message, file=row.manifest, row=row.row, column=column, value=value)


def pictures(rows: Sequence[ImageRow], outcomes: Sequence[Outcome]) -> list[Picture]:
    """The readable images, for the search for duplicates."""
    return [
        Picture(r.unit, r.modality, r.image, r.manifest, r.row, outcome.fingerprint)
        for r, outcome in zip(rows, outcomes, strict=True)
        if outcome.fingerprint is not None
    ]


def summed_up(problems: Sequence[Problem], key: Callable[[Problem], Any]) -> list[Problem]:
    """The first problem of each kind, with the number of the others."""
    groups: dict[Any, list[Problem]] = {}
    for found in problems:
        groups.setdefault(key(found), []).append(found)
    return [
        same[0] if len(same) == 1 else replace(same[0], message=f"{same[0].message}; and {len(same) - 1} more like this")
        for same in groups.values()
    ]
