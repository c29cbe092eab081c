"""Write a report: one HTML file, offline, under a strict Content-Security-Policy."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from radiogen.errors import RadiogenError, fail
from radiogen.plots.text import count, plain
from radiogen.report import csp, provenance
from radiogen.report.drawing import shared_json
from radiogen.report.privacy import CURVES, privacy_of
from radiogen.report.quality import quality_section
from radiogen.report.sections import Counter, Section, failure_section, flow_section, result_section
from radiogen.report.summary import cohort_sentences, sentences

if TYPE_CHECKING:
    from radiogen.analysis.result import Result
    from radiogen.cohort import Cohort

#: the description comes first, whatever the order of the analyses
_ORDER = {"describe": 0}
#: notes of one analysis that the summary repeats
_LIMITS = 3


def write(
    cohort: Cohort, results: Sequence[Result] | Result, path: str | Path, *,
    failures: Sequence[tuple[str, RadiogenError]] = (),
) -> Path:
    """Write one HTML file that holds all results of a cohort.

    Parameters
    ----------
    cohort : Cohort
        Name, ledger, findings, sources, seed and privacy rules are taken from it; no value of a patient.
    results : sequence of Result, or one Result
        In the order of the analyses; a description comes first.
    path : str or Path
        The file to write; an older one is replaced once the new one is complete.
    failures : sequence of (str, RadiogenError)
        Title and error of each analysis that could not be run: a section says why.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    RadiogenError
        RG801 where the file cannot be written, RG708 where ``SOURCE_DATE_EPOCH`` is no number.

    Notes
    -----
    The same inputs give the same bytes: the file carries a date only where the environment variable
    ``SOURCE_DATE_EPOCH`` names one.  Nothing in the file reaches for the network, and its policy would
    refuse it.  Counts of a patient's properties below ``privacy: min_cell`` are suppressed in tables,
    figures and downloads alike, and predictions of single units are never written.
    """
    target = Path(path)
    # a Result is a dataclass, not a sequence: one alone is taken as a list of one
    several = results if isinstance(results, Sequence) else [results]
    page = render(cohort, several, failures=failures)
    try:
        _write_whole(target, page)
    except OSError as error:
        raise fail("RG801", f"the report cannot be written: {error.strerror or error}", file=target) from error
    return target


def _write_whole(target: Path, page: str) -> None:
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(page)
        Path(name).chmod(0o666 & ~_umask())
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def render(cohort: Cohort, results: Sequence[Result], *, failures: Sequence[tuple[str, RadiogenError]] = ()) -> str:
    """The text of the file that :func:`write` writes."""
    from plotly.offline import get_plotlyjs

    plotly_js = csp.inline(get_plotlyjs())
    script, style = csp.inline(_static("report.js")), csp.inline(_static("report.css"))
    context = _context(cohort, results, failures)
    return _environment().get_template("report.html").render(
        **context,
        policy=Markup(csp.policy([plotly_js, script], [style])),
        plotly_js=Markup(plotly_js), script=Markup(script), style=Markup(style),
        placeholders=csp.placeholders(plotly_js), shared=shared_json(),
    )


def _context(
    cohort: Cohort, results: Sequence[Result], failures: Sequence[tuple[str, RadiogenError]]
) -> dict[str, Any]:
    privacy, counter = privacy_of(cohort), Counter()
    for reserved in ("summary", "methods", "provenance", "findings", "contents", "main", "top"):
        counter.id(reserved)
    ordered = sorted(results, key=lambda r: _ORDER.get(r.kind, 1))
    sections: list[Section] = [
        flow_section(cohort.ledger.to_frame(), cohort.ledger.start, cohort.unit, privacy, counter)
    ]
    labels = {name: endpoint.label for name, endpoint in cohort.endpoints.items() if endpoint.label}
    answers: list[tuple[str, str, list[str]]] = []
    for place, result in enumerate([*ordered, None]):
        if place == sum(r.kind in _ORDER for r in ordered):  # after the description
            quality = quality_section(cohort, privacy, counter)
            sections += [] if quality is None else [quality]
        if result is None:
            break
        shown, drawn = privacy.result(result)
        found = [privacy.redact(s) for s in sentences(shown, labels)]
        sections.append(result_section(shown, drawn, privacy, counter, found))
        if found:
            answers.append((sections[-1].id, sections[-1].title, found))
    sections += [failure_section(title, error, privacy, counter) for title, error in failures]
    config = cohort.config.cohort
    return {
        "name": plain(cohort.name), "description": plain(config.description), "citation": plain(config.citation),
        "simulated": _stamp(cohort), "cohort_sentences": cohort_sentences(cohort), "answers": answers,
        "limits": [(s.title, s.id, s.notes[:_LIMITS], len(s.notes) - _LIMITS) for s in sections if s.notes],
        "failed": [s for s in sections if s.failures],
        "asked": _asked(len(ordered) + len(failures)), "sections": sections,
        "methods": [(plain(r.title), [privacy.redact(m) for m in r.methods]) for r in ordered if r.methods],
        "versions": provenance.versions(ordered), "sources": provenance.sources(cohort), "seed": str(cohort.config.seed),
        "findings": provenance.findings(cohort, privacy), "generated": provenance.generated(),
        "min_cell": privacy.min_cell, "show_ids": privacy.show_ids,
        "curves": privacy.min_cell > 1 and any(CURVES & set(r.tables) for r in ordered), "unit": cohort.unit,
    }


def _asked(n: int) -> str:
    words = count(n, "analysis", "analyses") if n else "No analysis"
    return f"{words} {'was' if n < 2 else 'were'} asked for"


def _stamp(cohort: Cohort) -> str:
    """The words of the stamp of a simulated cohort; empty for a real one."""
    made = cohort.config.cohort.simulated
    if made is None:
        return ""
    return f"Simulated data: {count(made.n, 'patient')} made by a computer (seed {made.seed}), effects: {plain(made.effects)}"


def _static(name: str) -> str:
    return (files("radiogen.report") / "static" / name).read_text(encoding="utf-8").replace("\r\n", "\n")


@cache
def _environment() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("radiogen.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["breakable"] = _breakable
    return made


def _breakable(value: str) -> Markup:
    """Escaped text that may break after an underscore, as the long names of features must."""
    return Markup(str(escape(value)).replace("_", "_<wbr>"))
