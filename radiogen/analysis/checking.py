"""Everything that can be wrong with a cohort, found in one run; nothing is written."""

from __future__ import annotations

from pathlib import Path

from radiogen.cohort import Cohort, read_cohort
from radiogen.errors import Findings, RadiogenError
from radiogen.progress import Progress


def check_cohort(
    path: str | Path, *, data: str | Path | None = None, allow_outside: bool = False, images: bool = True, n_jobs: int = 1,
    progress: Progress | None = None,
) -> tuple[Cohort | None, Findings]:
    """Check a cohort file, its tables and its images.

    Parameters
    ----------
    path : str or Path
        The YAML or its folder.
    data : str or Path, optional
        Folder in which the paths resolve.
    allow_outside : bool, default False
        Let paths leave that folder.
    images : bool, default True
        Open every image and mask too.
    n_jobs : int, default 1
        Processes that open images.
    progress : callable, optional
        Told of every image.

    Returns
    -------
    cohort : Cohort or None
        None where the tables could not even be joined.
    findings : Findings
        Errors, warnings and notes.
    """
    findings = Findings()
    cohort = read_cohort(path, findings, data=data, allow_outside=allow_outside)
    if cohort is not None and images and len(cohort.images):
        from radiogen.features import check_images

        try:
            findings.extend(check_images(cohort, n_jobs=n_jobs, progress=progress))
        except RadiogenError as error:  # settings of radiomics that cannot be used: no image was opened
            findings.extend(error.problems)
    return cohort, findings
