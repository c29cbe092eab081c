"""Features of the same lesions from several readers or several pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from radiogen.cohort.cohort import Cohort
from radiogen.cohort.frames import feature_name
from radiogen.cohort.paths import Folder
from radiogen.cohort.tables import read_table
from radiogen.errors import Findings, RadiogenError, fail
from radiogen.features.cache import FeatureCache, open_cache
from radiogen.features.families import family_of
from radiogen.features.job import Job, Outcome
from radiogen.features.jobs import ImageRow, image_problems, make_jobs, run_jobs
from radiogen.features.parallel import workers
from radiogen.features.radiomics import DEFAULT_ENGINE
from radiogen.features.stability.pictures import baseline_rows, chosen_modality
from radiogen.features.stability.result import Stability, joined
from radiogen.progress import Progress

#: these are faults of the call, not of one picture
_FATAL = {"RG104", "RG801", "RG901"}


def from_readers(
    cohort: Cohort,
    modality: str | None = None,
    *,
    settings: str | Path | Mapping[str, Any] | None = None,
    engine: str | None = None,
    n_jobs: int = 1,
    model: str | Sequence[str] = "2,1",
    confidence: float = 0.95,
    cache: FeatureCache | str | Path | bool | None = None,
    progress: Progress | None = None,
) -> Stability:
    """Agreement between readers: the column ``reader`` of the manifest says who drew the mask of a row.

    Parameters
    ----------
    cohort : Cohort
        Whose manifest names the same lesions several times, once for each reader.
    modality : str, optional
        Of any kind; default the only one with images.
    settings, engine, n_jobs, cache, progress
        As for :func:`radiogen.extract`.
    model, confidence
        As for :func:`icc`.

    Returns
    -------
    Stability
        Repeats are the readers.  Several pictures of one reader are joined by the modality's ``aggregate``.

    Raises
    ------
    RadiogenError
        RG203 the manifest has no column ``reader``; RG705 rows without a reader, or one reader only; RG708, RG109
        the modality; RG701 nothing to compare; RG104, RG801, RG901 as in extraction.

    Examples
    --------
    >>> from radiogen.features.stability import from_readers                    # doctest: +SKIP
    >>> from_readers(cohort, "bmode").table["icc"].median()                     # doctest: +SKIP
    """
    name = chosen_modality(cohort, modality, plain=False)
    rows = [r for r in baseline_rows(cohort, name) if r.masks]
    who = _readers(cohort, name)
    bare = [r for r in rows if who.get((r.manifest, r.row)) is None]
    if bare:
        raise fail("RG705", f"{len(bare)} rows of the manifest name no reader", file=bare[0].manifest, row=bare[0].row)
    repeats = [str(who[r.manifest, r.row]) for r in rows]
    if len(set(repeats)) < 2:
        raise fail("RG705", f"agreement needs at least 2 readers; '{name}' has {len(set(repeats))}")
    return _measured(cohort, name, rows, repeats, settings, engine, n_jobs, model, confidence, cache, progress)


def from_images(
    cohort: Cohort,
    modality: str | None = None,
    *,
    images: int = 2,
    settings: str | Path | Mapping[str, Any] | None = None,
    engine: str | None = None,
    n_jobs: int = 1,
    model: str | Sequence[str] = "1,1",
    confidence: float = 0.95,
    cache: FeatureCache | str | Path | bool | None = None,
    progress: Progress | None = None,
) -> Stability:
    """Agreement between pictures of the same lesion, such as two planes or two sweeps.

    Parameters
    ----------
    cohort : Cohort
        Of which units have several pictures of a modality at the baseline visit.
    modality : str, optional
        Of any kind; default the only one with images.
    images : int, default 2
        The first so many of each unit in the order of the manifest are compared; units with fewer do not count.
    settings, engine, n_jobs, cache, progress
        As for :func:`radiogen.extract`.
    model : str or sequence of str, default "1,1"
        The first picture of one lesion has nothing to do with the first of another: the one-way form.
    confidence : float, default 0.95

    Returns
    -------
    Stability
        Repeats are ``"1"``, ``"2"``, ….

    Raises
    ------
    RadiogenError
        RG708 fewer than 2 images asked for, or the modality; RG109; RG701 fewer than 2 units have so many pictures;
        RG104, RG801, RG901 as in extraction.
    """
    if images < 2:
        raise fail("RG708", "agreement needs at least 2 images of each unit", value=images)
    name = chosen_modality(cohort, modality, plain=False)
    by_unit: dict[str, list[ImageRow]] = {}
    for row in baseline_rows(cohort, name):
        if row.masks:
            by_unit.setdefault(row.unit, []).append(row)
    enough = [found[:images] for found in by_unit.values() if len(found) >= images]
    if len(enough) < 2:
        raise fail("RG701", f"{len(enough)} units of '{name}' have {images} or more images with a mask; 2 are needed")
    rows = [row for found in enough for row in found]
    repeats = [str(i) for found in enough for i in range(1, len(found) + 1)]
    return _measured(cohort, name, rows, repeats, settings, engine, n_jobs, model, confidence, cache, progress)


def _measured(
    cohort: Cohort, name: str, rows: Sequence[ImageRow], repeats: Sequence[str], settings: Any, engine: str | None, n_jobs: int,
    model: str | Sequence[str], confidence: float, cache: Any, progress: Progress | None,
) -> Stability:
    section = cohort.config.modalities[name]
    chosen = DEFAULT_ENGINE if engine is None else engine
    versions = family_of(section.kind_for(name)).versions(chosen)
    jobs = make_jobs(cohort, rows, settings=settings, engine=chosen, versions=versions, cache=open_cache(cache))
    outcomes = run_jobs(jobs, workers(n_jobs), progress, "measuring repeats")
    measured, problems = [], []
    for row, repeat, job, outcome in zip(rows, repeats, jobs, outcomes, strict=True):
        if outcome.error is not None and outcome.error.code in _FATAL:
            raise RadiogenError(outcome.error)
        measured.append((row.unit, repeat, _features(job, outcome, name)))
        wrong = [p for p in image_problems(cohort, row, job, outcome) if p.severity == "error"]
        problems += [(row.unit, repeat, p.code, f"{p.message} ({p.where})") for p in wrong[:1]]
    return joined(measured, problems, aggregate=section.aggregate, model=model, confidence=confidence)


def _features(job: Job, outcome: Outcome, modality: str) -> pd.Series | None:
    if outcome.features is None:
        return None
    names = family_of(job.kind).names(job.settings, calibrated=outcome.calibrated)
    return pd.Series(outcome.features, index=[feature_name(modality, n) for n in names])


def _readers(cohort: Cohort, modality: str) -> dict[tuple[str, int], str | None]:
    """Who drew the masks: (manifest, row) -> reader.  The images of a cohort do not carry it, its manifest does."""
    section = cohort.config.modalities[modality]
    assert section.images is not None  # it has rows
    findings = Findings()
    folder = Folder(cohort.root, True, cohort.root / "cohort.yaml", findings)
    raw = read_table(section.reading(section.images), f"modalities.{modality}.images", folder)
    if raw is None or not raw.has(section.column("reader"), findings, f"modalities.{modality}.columns.reader"):
        findings.raise_if_errors()
        raise fail("RG203", f"the manifest of '{modality}' names no readers")
    column = raw.frame[section.column("reader")]
    return {(raw.file, int(row)): reader for row, reader in zip(raw.rows, column, strict=True)}
