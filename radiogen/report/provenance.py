"""Where the numbers come from: versions, seed, inputs, findings, and the date if one is given."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from radiogen.errors import fail
from radiogen.plots.text import plain
from radiogen.report.privacy import Privacy, short_path
from radiogen.report.sections import redacted

if TYPE_CHECKING:
    from radiogen.analysis.result import Result
    from radiogen.cohort import Cohort
    from radiogen.errors import Problem


def versions(results: Sequence[Result]) -> list[tuple[str, str]]:
    """Package and version, radiogen and plotly among them; two versions of one are both named."""
    import plotly

    import radiogen

    found: dict[str, dict[str, None]] = {"radiogen": {radiogen.__version__: None}, "plotly": {plotly.__version__: None}}
    for result in results:
        for name, version in result.versions.items():
            if version != "not installed" or name not in found:
                found.setdefault(plain(name), {})[plain(version)] = None
    return [(name, ", ".join(v)) for name, v in sorted(found.items(), key=lambda item: item[0].lower())]


def sources(cohort: Cohort) -> list[tuple[str, str, str]]:
    """Role, path below the cohort's folder, and SHA-256 of each input file."""
    root = str(cohort.root)
    return [(plain(s.role), plain(short_path(s.path, root)), plain(s.sha256)) for s in cohort.sources]


def findings(cohort: Cohort, privacy: Privacy) -> list[tuple[Problem, int]]:
    """Warnings and notes of reading the cohort, those that read the same counted once."""
    counted: dict[Problem, int] = {}
    root = str(cohort.root)
    for found in cohort.findings:
        safe = redacted(found, privacy)
        if safe.file is not None:
            safe = type(safe)(**{**safe.__dict__, "file": short_path(safe.file, root)})
        counted[safe] = counted.get(safe, 0) + 1
    return list(counted.items())


def generated() -> str:
    """The date that ``SOURCE_DATE_EPOCH`` names, or nothing.

    The clock is never asked: the same inputs give the same bytes.
    """
    value = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not value:
        return ""
    try:
        return datetime.fromtimestamp(int(value), tz=UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (ValueError, OverflowError, OSError):
        raise fail("RG708", "SOURCE_DATE_EPOCH must be a number of seconds since 1970", value=value) from None
