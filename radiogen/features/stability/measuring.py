"""Features of perturbed regions, and how well they agree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radiogen.cohort.cohort import Cohort
from radiogen.cohort.frames import feature_name
from radiogen.errors import Problem, RadiogenError, fail
from radiogen.features.parallel import in_order, silent, workers
from radiogen.features.radiomics import ENGINES, extract, load_settings
from radiogen.features.stability.perturbations import DEFAULT_PERTURBATIONS, Perturbation, names_of
from radiogen.features.stability.perturbing import perturb
from radiogen.features.stability.pictures import Picture, chosen_modality, pictures_of, read_picture
from radiogen.features.stability.result import Stability, joined
from radiogen.progress import Progress

#: name of the repeat without any perturbation
ORIGINAL = "original"
#: lesions in flight for each process: enough that a slow one does not hold up the others
_AHEAD = 8
#: codes of faults of the call; all others are about one picture or region
_OF_THE_CALL = frozenset({"RG101", "RG102", "RG104", "RG201", "RG705", "RG708", "RG901", "RG902"})

Case = tuple[str, NDArray[np.float64], NDArray[np.bool_], tuple[float, float] | None]


def stability(
    cases: Cohort | Iterable[Case],
    perturbations: Sequence[Perturbation] = DEFAULT_PERTURBATIONS,
    *,
    modality: str | None = None,
    settings: str | Path | Mapping[str, Any] | None = None,
    engine: str | None = None,
    n_jobs: int = 1,
    seed: int = 0,
    model: str | Sequence[str] = "2,1",
    confidence: float = 0.95,
    progress: Progress | None = None,
) -> Stability:
    """Measure radiomics under perturbations of the region, and how far each feature stays what it is.

    Parameters
    ----------
    cases : Cohort, or iterable of (id, image, mask, spacing_mm)
        Of a cohort, the grey pictures of one modality at the baseline visit that have a mask; several of one unit
        are joined by the modality's ``aggregate`` under each perturbation, as in extraction, and features are
        called as there (``{modality}_{feature}``).  Otherwise ids, which differ, grey values, the region and the
        spacing (None where it is not known), read a few at a time, so that a generator keeps the memory small.
    perturbations : sequence, default :data:`DEFAULT_PERTURBATIONS`
        At least one; the unperturbed region is always measured too.
    modality : str, optional
        Of a cohort; default its one modality of grey pictures.
    settings : path or mapping, optional
        Radiomics settings; default those of the modality, else of :func:`radiogen.features.radiomics.extract`.
    engine : str, optional
        Engine of the radiomics; default that of :func:`radiogen.features.radiomics.extract`.
    n_jobs : int, default 1
        Processes; -1 for all processors.  The result does not depend on it.
    seed : int, default 0
        Of random perturbations; see :func:`perturb`.  Of a cohort they depend on unit and file name of the picture.
    model, confidence
        As for :func:`icc`.  ``"2,1"`` counts a feature that always grows under dilation as unstable; ``"3,1"``
        does not.
    progress : callable, optional
        Called as ``progress(done, total, label)``; of an iterable without a length the total is what has come.

    Returns
    -------
    Stability
        ``table``, ``repeats`` (the unperturbed region is ``"original"``) and ``problems``.

    Raises
    ------
    RadiogenError
        RG708 no perturbation, unknown engine, model or modality; RG705 an id twice or arrays that do not fit;
        RG701 fewer than 2 lesions, or none that could be measured; RG104 settings refused; RG901 engine not
        installed.

    References
    ----------
    Zwanenburg A et al. Assessing robustness of radiomic features by image perturbation. Sci Rep 2019;9:614.
    doi:10.1038/s41598-018-36938-4

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.features.stability import Dilate, Erode, stability
    >>> rng, mask = np.random.default_rng(0), np.zeros((30, 30), bool)
    >>> mask[8:22, 8:22] = True
    >>> cases = [(f"u{i}", rng.normal(50 + 2 * i, 5, (30, 30)), mask, None) for i in range(1, 7)]
    >>> settings = {"featureClass": {"firstorder": ["Mean", "Minimum"]}}
    >>> stability(cases, [Dilate(1), Erode(1)], settings=settings).table["icc"].round(2).to_dict()
    {'original_firstorder_Mean': 1.0, 'original_firstorder_Minimum': 0.99}
    """
    if not perturbations:
        raise fail("RG708", "stability needs at least one perturbation")
    if engine is not None and engine not in ENGINES:
        raise fail("RG708", f"there is no radiomics engine '{engine}'; there is {', '.join(ENGINES)}", value=engine)
    names_of(perturbations)
    n_jobs = workers(n_jobs)
    aggregate: str | None = None
    prefix: str | None = None
    jobs: Iterable[_Job]
    if isinstance(cases, Cohort):
        prefix = chosen_modality(cases, modality, plain=True)
        pictures, declared, aggregate = pictures_of(cases, prefix)
        resolved = load_settings(declared if settings is None else settings)
        keys = [f"{p.lesion}/{Path(p.row.image).name}" for p in pictures]
        jobs = [
            _Job(p.lesion, p, tuple(perturbations), resolved, engine, seed, key) for p, key in zip(pictures, keys, strict=True)
        ]
    else:
        resolved = load_settings(settings)
        jobs = (_Job(str(c[0]), _given(c), tuple(perturbations), resolved, engine, seed, str(c[0])) for c in cases)
    total = len(jobs) if isinstance(jobs, list) else len(cases) if isinstance(cases, Sequence) else 0
    measured = list(_run(jobs, n_jobs, total, progress or silent))
    rows = [(m.lesion, name, _renamed(found, prefix)) for m in measured for name, found in m.features.items()]
    problems = [(m.lesion, *said) for m in measured for said in m.problems]
    return joined(rows, problems, aggregate=aggregate, model=model, confidence=confidence)


@dataclass(frozen=True, eq=False)
class _Job:
    """One picture and all that is done with it."""

    lesion: str
    picture: Any
    perturbations: tuple[Perturbation, ...]
    settings: Mapping[str, Any]
    engine: str | None
    seed: int
    key: str


@dataclass(frozen=True, eq=False)
class _Measured:
    """Features of one picture by repeat, and what could not be done: (repeat, code, message)."""

    lesion: str
    features: dict[str, pd.Series | None]
    problems: list[tuple[str, str, str]]


def _given(case: Case) -> Any:
    try:
        _, image, mask, spacing = case
    except (TypeError, ValueError) as error:
        raise fail("RG705", "a case is (id, image, mask, spacing_mm)") from error
    return np.asarray(image, dtype=np.float64), np.asarray(mask), spacing


def _run(jobs: Iterable[_Job], n_jobs: int, total: int, show: Progress) -> Iterator[_Measured]:
    """Results in order; of an iterable only some lesions are held at a time."""
    waiting = iter(jobs)
    done = 0
    while batch := list(islice(waiting, _AHEAD * n_jobs)):
        for found in in_order(_measure, batch, n_jobs):
            done += 1
            show(done, max(total, done), "perturbing regions")
            yield found


def _measure(job: _Job) -> _Measured:
    names = names_of(job.perturbations)
    try:
        image, mask, spacing = read_picture(job.picture) if isinstance(job.picture, Picture) else job.picture
        changed = perturb(mask, image, job.perturbations, spacing_mm=spacing, seed=job.seed, key=job.key)
    except RadiogenError as error:
        _raise_if_of_the_call(error)
        every = (ORIGINAL, *names)
        return _Measured(job.lesion, dict.fromkeys(every), [(n, *_said(error.problems[0])) for n in every])
    found = _Measured(job.lesion, {}, [])
    _extract(found, job, ORIGINAL, image, mask, spacing)
    for one in changed:
        if one.problem is not None:
            found.features[one.name] = None
            found.problems.append((one.name, *_said(one.problem)))
        else:
            _extract(found, job, one.name, one.image, one.mask, spacing)
    return found


def _extract(found: _Measured, job: _Job, name: str, image: Any, mask: Any, spacing: tuple[float, float] | None) -> None:
    found.features[name] = None
    engine = {} if job.engine is None else {"engine": job.engine}
    try:
        found.features[name] = extract(image, mask, spacing, job.settings, **engine)
    except RadiogenError as error:
        _raise_if_of_the_call(error)
        found.problems.append((name, *_said(error.problems[0])))


def _raise_if_of_the_call(error: RadiogenError) -> None:
    if error.code in _OF_THE_CALL:
        raise error


def _said(problem: Problem) -> tuple[str, str]:
    return problem.code, problem.message


def _renamed(found: pd.Series | None, modality: str | None) -> pd.Series | None:
    return found if found is None or modality is None else found.rename(lambda n: feature_name(modality, n))
