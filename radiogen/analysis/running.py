"""All analyses of a cohort, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from radiogen.analysis.association import associate
from radiogen.analysis.classification import classify
from radiogen.analysis.description import describe
from radiogen.analysis.result import Result
from radiogen.analysis.survival import survive
from radiogen.analysis.tasks import Progress
from radiogen.cohort.config import AssociateSection, ClassifySection, SurviveSection
from radiogen.errors import RadiogenError

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
    jobs += [(title_of(section), _job(cohort, section, n_jobs, progress)) for section in cohort.config.analyses]
    for title, job in jobs:
        try:
            results.append(job())
        except RadiogenError as error:
            failures.append((title, error))
    return results, failures


def title_of(section: AssociateSection | ClassifySection | SurviveSection) -> str:
    """The heading of an analysis: its own, or one made from what it asks."""
    if section.title:
        return section.title
    if isinstance(section, AssociateSection):
        return f"Associations with {', '.join(section.targets)}"
    if isinstance(section, ClassifySection):
        return f"Prediction of {section.target}"
    return f"Survival: {section.endpoint}"


def _job(
    cohort: Cohort, section: AssociateSection | ClassifySection | SurviveSection, n_jobs: int, progress: Progress | None
) -> Callable[[], Result]:
    title = title_of(section)

    def work() -> Result:
        if isinstance(section, AssociateSection):
            return associate(cohort, section.targets, section.inputs, adjust=section.adjust, n_jobs=n_jobs, title=title)
        if isinstance(section, ClassifySection):
            return classify(
                cohort, section.target, section.inputs, models=section.models, folds=section.folds, repeats=section.repeats,
                missing_modality=section.missing_modality, n_jobs=n_jobs, progress=progress, title=title,
            )  # fmt: skip
        return survive(
            cohort, section.endpoint, section.inputs, models=section.models, groups=section.groups, folds=section.folds,
            repeats=section.repeats, missing_modality=section.missing_modality, n_jobs=n_jobs, progress=progress, title=title,
        )  # fmt: skip

    return work
