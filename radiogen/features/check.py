"""Opening every image and mask of a cohort to see whether extraction will work."""

from __future__ import annotations

from radiogen.cohort.cohort import Cohort
from radiogen.errors import Problem
from radiogen.features.jobs import column_of, image_problems, make_jobs, pictures, rows_of, run_jobs
from radiogen.features.near_duplicates import conflict_problem, find_twins, screens_of, twin_problem
from radiogen.features.parallel import workers
from radiogen.features.part import unmasked
from radiogen.progress import Progress


def check_images(cohort: Cohort, n_jobs: int = 1, *, progress: Progress | None = None) -> list[Problem]:
    """Open and verify every image and mask of the manifests, at all visits; nothing is written.

    Parameters
    ----------
    cohort : Cohort
    n_jobs : int, default 1
        Processes; -1 for all processors.
    progress : callable, optional
        Called as ``progress(done, total, label)``.

    Returns
    -------
    list of Problem
        With manifest, row, column and value.  Errors: image (RG501) or mask (RG503) missing, unreadable (RG502),
        sizes that differ (RG504), empty mask (RG505), too large (RG508), spacing not a positive number
        (RG509), region too small (RG510), a kind without grey values (RG511), and near-duplicates whose labels
        contradict each other (RG506).  Warnings: other near-duplicates of different patients (RG507), coloured
        marks (RG512), a region as large as the image (RG515), an unusual spacing (RG509).

    Raises
    ------
    RadiogenError
        RG708 wrong ``n_jobs``, RG104 wrong radiomics settings of a modality.
    """
    n_jobs = workers(n_jobs)
    rows = rows_of(cohort.images)
    jobs = make_jobs(cohort, rows, measure=False)
    outcomes = run_jobs(jobs, n_jobs, progress, "checking images")
    found = [
        p
        for row, job, outcome in zip(rows, jobs, outcomes, strict=True)
        for p in image_problems(cohort, row, job, outcome)
    ]
    for name in dict.fromkeys(row.modality for row in rows):
        bare = unmasked(cohort, name, [row for row in rows if row.modality == name])
        found += [] if bare is None else [bare]
    for twins in find_twins(pictures(rows, outcomes), cohort.units["group"], screens_of(cohort)):
        column = column_of(cohort, twins.a.modality, "image")
        conflict = conflict_problem(cohort, twins, column, "error")
        found.append(conflict if conflict is not None else twin_problem(cohort, twins, column))
    return found
