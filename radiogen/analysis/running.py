"""All analyses of a cohort, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from radiogen.analysis.association import associate
from radiogen.analysis.classification import classify
from radiogen.analysis.description import describe
from radiogen.analysis.result import Result
from radiogen.analysis.survival import survive
from radiogen.cohort.config import AssociateSection, ClassifySection, SurviveSection
from radiogen.errors import RadiogenError, problem
from radiogen.progress import Progress

if TYPE_CHECKING:
    from radiogen.cohort.cohort import Cohort



def run(
    cohort: Cohort, n_jobs: int = 1, progress: Progress | None = None
) -> tuple[list[Result], list[tuple[str, RadiogenError]]]:
    """Describe a cohort and run every analysis that its YAML lists.

    Parameters
    ----------
    cohort : Cohort
    n_jobs : int, default 1
        Processes.
    progress : callable, optional
        ``progress(done, total, title)``.

    Returns
    -------
    results : list of Result
        The description first, then the analyses in the order of the YAML.
    failures : list of (str, RadiogenError)
        Title and error of each analysis that could not be done; the others go on.
    """
    results: list[Result] = []
    failures: list[tuple[str, RadiogenError]] = []
    jobs: list[tuple[str, Callable[[], Result]]] = [("Description", lambda: describe(cohort))]
    jobs += [(title_of(section, cohort), _job(cohort, section, n_jobs, progress)) for section in cohort.config.analyses]
    for title, job in jobs:
        try:
            results.append(job())
        except RadiogenError as error:
            failures.append((title, error))
        except Exception as error:
            # a fault of ours in one analysis must not cost the others; the report shows it as RG999
            failures.append((title, RadiogenError(problem("RG999", f"{type(error).__name__}: {error}"))))
    return results, failures


def _available(names: Sequence[str], known: Collection[str]) -> tuple[list[str], tuple[str, ...]]:
    """The models of this release, and a note on the names of the format that it does not have."""
    there = [n for n in names if n in known]
    lacking = [n for n in names if n not in known]
    note = (f"This release does not have the model {' or '.join(lacking)}; it was left out.",) if lacking and there else ()
    return there or list(names), note


def title_of(section: AssociateSection | ClassifySection | SurviveSection, cohort: Cohort) -> str:
    """The heading of an analysis: its own, or one made from what it asks."""
    if section.title:
        return section.title
    if isinstance(section, AssociateSection):
        return f"Associations with {', '.join(section.targets)}"
    if isinstance(section, ClassifySection):
        return f"Prediction of {_label(section.target, cohort)}"
    label = _label(section.endpoint, cohort)
    return f"Survival: {label}" if label == section.endpoint else label


def _label(name: str, cohort: Cohort) -> str:
    """The text for people of an endpoint; other names stand for themselves."""
    endpoint = cohort.endpoints.get(name)
    return name if endpoint is None else endpoint.label or name


def _job(
    cohort: Cohort, section: AssociateSection | ClassifySection | SurviveSection, n_jobs: int, progress: Progress | None
) -> Callable[[], Result]:
    title = title_of(section, cohort)

    def work() -> Result:
        from radiogen.models import CLASSIFIERS, RISK_MODELS

        if isinstance(section, AssociateSection):
            return associate(cohort, section.targets, section.inputs, adjust=section.adjust, n_jobs=n_jobs, title=title)
        if isinstance(section, ClassifySection):
            models, note = _available(section.models, (*CLASSIFIERS, "fusion"))
            result = classify(
                cohort, section.target, section.inputs, models=models, folds=section.folds, repeats=section.repeats,
                missing_modality=section.missing_modality, harmonize=section.harmonize, stable=section.stable,
                select=section.select, network=section.network, n_jobs=n_jobs, progress=progress, title=title,
            )  # fmt: skip
            return replace(result, notes=(*result.notes, *note))
        models, note = _available(section.models, (*RISK_MODELS, "fusion"))
        result = survive(
            cohort, section.endpoint, section.inputs, models=models, groups=section.groups, folds=section.folds,
            repeats=section.repeats, missing_modality=section.missing_modality, harmonize=section.harmonize,
            stable=section.stable, select=section.select, network=section.network, n_jobs=n_jobs, progress=progress, title=title,
        )  # fmt: skip
        return replace(result, notes=(*result.notes, *note))

    return work
