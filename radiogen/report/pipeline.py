"""From a cohort file to its report: load, extract, analyse, write."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from radiogen.cohort import Cohort, load_cohort
from radiogen.errors import RadiogenError
from radiogen.files import check_writable
from radiogen.progress import Progress


@dataclass(frozen=True)
class Report:
    """What :func:`report_cohort` made."""

    path: Path
    cohort: Cohort
    failures: tuple[tuple[str, RadiogenError], ...]


def report_cohort(
    path: str | Path, output: str | Path | None = None, *, data: str | Path | None = None, allow_outside: bool = False,
    n_jobs: int = 1, cache: str | Path | None = None, progress: Progress | None = None,
) -> Report:
    """Run all analyses of a cohort file and write the report.

    Parameters
    ----------
    path : str or Path
        The YAML or its folder.
    output : str or Path, optional
        The HTML file; default ``{cohort name}-report.html`` in the current folder.
    data, allow_outside
        As in :func:`radiogen.load_cohort`.
    n_jobs : int, default 1
        Processes; the numbers do not depend on it.
    cache : str or Path, optional
        Folder of extracted features.
    progress : callable, optional
        Told of every step.

    Returns
    -------
    Report
        Its ``failures`` are the analyses that could not be done; the report says why.

    Raises
    ------
    RadiogenError
        If the cohort itself has errors, or the file cannot be written (RG801).
    """
    from radiogen.analysis import run
    from radiogen.features import extract
    from radiogen.report import write

    cohort = load_cohort(path, data=data, allow_outside=allow_outside)
    target = Path(output) if output is not None else Path(f"{slug(cohort.name)}-report.html")
    check_writable(target)
    if len(cohort.images):
        cohort = extract(cohort, n_jobs=n_jobs, cache=cache, progress=progress)
    results, failures = run(cohort, n_jobs=n_jobs, progress=progress)
    written = write(cohort, results, target, failures=failures)
    return Report(written, cohort, tuple(failures))


def slug(name: str) -> str:
    """A file name from a cohort's name."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "cohort"
