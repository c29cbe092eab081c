"""Images of a cohort to features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from radiogen.cohort.cohort import Cohort
from radiogen.cohort.ledger import Ledger
from radiogen.errors import Findings, Problem, RadiogenError, fail
from radiogen.features.cache import FeatureCache, open_cache
from radiogen.features.families import family_of
from radiogen.features.job import Job, Outcome
from radiogen.features.jobs import column_of, make_jobs, pictures, rows_of, run_jobs
from radiogen.features.near_duplicates import Twins, conflict_problem, find_twins, merge_groups, screens_of, summary_problem
from radiogen.features.parallel import workers
from radiogen.features.part import STEP, Part
from radiogen.features.quality import quality_findings, quality_table
from radiogen.features.radiomics import DEFAULT_ENGINE
from radiogen.features.sources import ROLE, picture_sources
from radiogen.progress import Progress

#: these are faults of the call, not of one image
_FATAL = {"RG104", "RG801", "RG901"}


def extract(
    cohort: Cohort,
    n_jobs: int = 1,
    *,
    modalities: Sequence[str] | None = None,
    cache: FeatureCache | str | Path | bool | None = None,
    progress: Progress | None = None,
    engine: str = DEFAULT_ENGINE,
    settings: str | Path | Mapping[str, Any] | None = None,
    scheduler: Any = None,
) -> Cohort:
    """Measure the images of a cohort; gives a new cohort with their features.

    For every modality with images, each image of the baseline visit (all images where no visits are declared)
    is read with its masks and measured in its own resolution; several images of one unit are joined by the
    modality's ``aggregate``.  An image that cannot be used costs its own row: its features are missing, a
    line of the ledger says who and why, and a warning names file and row.

    Parameters
    ----------
    cohort : Cohort
    n_jobs : int, default 1
        Processes; -1 for all processors.  The result does not depend on it.
    modalities : sequence of str, optional
        Modalities to measure; default all that have images.
    cache : folder, bool or FeatureCache, optional
        Where features are kept, found by the content of image, masks, spacing, settings and the versions of the
        packages.  Default: ``$RADIOGEN_CACHE`` or the user's cache folder; False: nowhere.  An interrupted run
        goes on from here.
    progress : callable, optional
        Called as ``progress(done, total, label)``; default: silent.
    engine : {"native", "pyradiomics"}, default "native"
        Engine of the radiomics; see :func:`radiogen.features.radiomics.extract`.
    settings : path or mapping, optional
        Radiomics settings in pyradiomics' layout, in place of those of the modalities.
    scheduler : str or distributed.Client, optional
        A Dask scheduler, such as ``"tcp://10.0.0.1:8786"``, whose workers measure the images in place of ``n_jobs``
        processes.  They need the same radiogen and packages, and must see images and cache under the same paths.
        The result is that of one process.

    Returns
    -------
    Cohort
        With features in ``modalities`` (columns ``{modality}_{feature}``, ``-`` written ``_``), joined to a
        finished feature table where the modality has one; fold groups (``units["group"]``) in which units that
        share nearly the same picture are one group; ledger and findings extended.

    Raises
    ------
    RadiogenError
        RG109 unknown modality, RG708 unknown engine or n_jobs, RG104 settings refused, RG901 engine not
        installed, RG801 cache not writable, RG902 distributed not installed, RG903, RG904, RG905 scheduler not reached,
        workers that are unlike this machine or do not see the files, RG215 a feature table has a column that extraction
        gives too; and all problems at once where no image of any modality could be used (a modality that is lost while another
        is not is a warning).

    Notes
    -----
    Images without a mask are not measured; the ledger counts them.  Without pixel spacing the features in mm
    are missing by rule.  Where one modality mixes images with and without spacing, filter widths in mm and in
    pixels stand in different columns.

    Examples
    --------
    >>> import radiogen as rg                                           # doctest: +SKIP
    >>> cohort = rg.extract(rg.load_cohort("cohort.yaml"), n_jobs=2)    # doctest: +SKIP
    """
    n_jobs = workers(n_jobs)
    names = _modalities(cohort, modalities)
    images = cohort.images[cohort.images["modality"].isin(names)] if len(cohort.images) else cohort.images
    if images.empty:
        return cohort
    baseline = rows_of(images[_at_baseline(cohort, images)])
    kinds = dict.fromkeys(cohort.config.modalities[name].kind_for(name) for name in dict.fromkeys(r.modality for r in baseline))
    versions = {k: v for kind in kinds for k, v in family_of(kind).versions(engine).items()}
    store = open_cache(cache)
    if store is not None:
        store.open()
    jobs = make_jobs(cohort, baseline, settings=settings, engine=engine, versions=versions, cache=store)
    outcomes = run_jobs(jobs, n_jobs, progress, "measuring images", scheduler)
    _raise_fatal(outcomes)
    ledger = Ledger(cohort.ledger.start, tuple(e for e in cohort.ledger.entries if not _ours(e, names)))
    findings: list[Problem] = []
    tables = {}
    parts = {
        name: Part(cohort, name, [d for d in zip(baseline, jobs, outcomes, strict=True) if d[0].modality == name])
        for name in dict.fromkeys(images["modality"])
    }
    lost = [p for p in parts.values() if p.lost]
    if lost and len(lost) == sum(p.tried > 0 for p in parts.values()):
        raise RadiogenError(Findings(problem for p in lost for problem in p.total_loss()).shown())
    for name, part in parts.items():
        units = dict.fromkeys(images.loc[images["modality"] == name, "unit"])
        if part.lost:
            findings.append(replace(part.total_loss()[0], severity="warning"))
        findings += part.findings()
        ledger = part.entries(ledger, list(units))
        table = part.joined()
        if table is not None:
            tables[str(name)] = table
    # the features stand in the tables now: they are not held twice
    del parts, part, lost
    outcomes = [replace(outcome, features=None) for outcome in outcomes]
    twins = find_twins(pictures(baseline, outcomes), cohort.units["group"], screens_of(cohort))
    groups = merge_groups(cohort.units["group"], ((t.a.unit, t.b.unit) for t in twins))
    quality = quality_table(cohort, baseline, outcomes, twins)
    said = [*findings, *_said_of(cohort, twins), *quality_findings(cohort, quality)]
    new = tuple(f for f in said if f not in cohort.findings)
    done = cohort.with_features(tables, ledger=ledger, groups=groups, findings=new)
    others = tuple(s for s in done.sources if s.role != ROLE)
    return replace(done, sources=(*others, *picture_sources(images, _known(jobs, outcomes))), quality=quality)


def _modalities(cohort: Cohort, asked: Sequence[str] | None) -> list[str]:
    known = list(cohort.config.modalities)
    for name in asked or ():
        if name not in known:
            raise fail("RG109", f"there is no modality '{name}'; the cohort has {', '.join(known) or 'none'}", value=name)
    return list(dict.fromkeys(asked)) if asked is not None else known


def _at_baseline(cohort: Cohort, images: pd.DataFrame) -> pd.Series:
    if cohort.config.visits is None:
        return pd.Series(True, index=images.index)
    return images["visit"].eq(cohort.config.visits.baseline)


def _known(jobs: Sequence[Job], outcomes: Sequence[Outcome]) -> dict[str, bytes]:
    """SHA-256 of the files that were read, by path."""
    return {
        path: outcome.files[32 * i : 32 * i + 32]
        for job, outcome in zip(jobs, outcomes, strict=True)
        if outcome.files
        for i, path in enumerate(job.paths)
    }


def _ours(entry: Any, names: Sequence[str]) -> bool:
    """Whether an entry of the ledger comes from an earlier extraction of these modalities."""
    return entry.step == STEP and entry.scope in names


def _raise_fatal(outcomes: Sequence[Outcome]) -> None:
    for outcome in outcomes:
        if outcome.error is not None and outcome.error.code in _FATAL:
            raise RadiogenError(replace(outcome.error, file=None))


def _said_of(cohort: Cohort, twins: Sequence[Twins]) -> list[Problem]:
    """What is to be said about near-duplicates."""
    found: list[Problem] = []
    for modality in dict.fromkeys(t.a.modality for t in twins):
        these = [t for t in twins if t.a.modality == modality]
        column = column_of(cohort, modality, "image")
        found.append(summary_problem(cohort, these, column))
        found += [c for t in these if (c := conflict_problem(cohort, t, column, "warning")) is not None]
    return found
