"""The sections of a report: one for each result, whatever its kind, and one for each that failed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from radiogen.errors import Problem, RadiogenError
from radiogen.plots.text import plain
from radiogen.report.drawing import Drawing, drawing
from radiogen.report.labels import COARSE_NOTES, KINDS, NOTES, table_title
from radiogen.report.privacy import Privacy, settings_out
from radiogen.report.tables import TableView, slug, view
from radiogen.report.thumbnails import Thumbnail

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from radiogen.analysis.result import Result

#: tables that open a section of their kind, before its figures
_FIRST = {"describe": ("table_one",)}
#: tables shown whole
_WHOLE = frozenset({"table_one", "modalities", "markers", "mutations", "subtype", "qc", "endpoints"})
#: tables whose numbers stand in a figure already
_FOLDED = frozenset({"risk_table", "missing", "batch_variance", "batch_components"})
_SMALL_CELLS = (
    "Counts from 1 to {below} are shown as <{cell}; ≥{cell} stands where the exact count would give another one away."
)


@dataclass(frozen=True)
class Plate:
    """A figure with its number and its table; the table of several figures stands with the first."""

    number: int
    drawing: Drawing
    table: TableView | None
    elsewhere: str = ""


@dataclass(frozen=True)
class Numbered:
    """A table that stands by itself, with its number."""

    number: int
    table: TableView
    folded: bool = False


@dataclass(frozen=True)
class Section:
    """One section of the page."""

    id: str
    title: str
    kind: str
    lead: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    first: tuple[Numbered, ...] = ()
    plates: tuple[Plate, ...] = ()
    tables: tuple[Numbered, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()
    failures: tuple[Problem, ...] = ()
    thumbnails: tuple[Thumbnail, ...] = ()
    thumbnails_note: str = ""


@dataclass
class Counter:
    """Numbers of figures and tables, and the ids given so far."""

    figures: int = 0
    tables: int = 0
    ids: set[str] = field(default_factory=set)

    def figure(self) -> int:
        """The next figure's number."""
        self.figures += 1
        return self.figures

    def table(self) -> int:
        """The next table's number."""
        self.tables += 1
        return self.tables

    def id(self, wanted: str, limit: int = 40) -> str:
        """A free id like the one wanted."""
        free, index = slug(wanted, limit), 2
        while free in self.ids:
            free, index = f"{slug(wanted, limit)}-{index}", index + 1
        self.ids.add(free)
        return free


def result_section(
    shown: Result, drawn: Result, privacy: Privacy, counter: Counter, lead: Iterable[str]
) -> Section:
    """The section of one result.

    Parameters
    ----------
    shown, drawn : Result
        The result as privacy allows its tables to be shown, and its figures to be drawn.
    privacy : Privacy
    counter : Counter
    lead : iterable of str
        Sentences that open the section.
    """
    prefix = counter.id(shown.title)
    level = float(shown.settings.get("level", 0.95)) if _is_level(shown.settings.get("level", 0.95)) else 0.95
    views = {
        name: view(
            name, frame, counter.id(f"tab-{prefix}-{slug(name)}", 90), level=level, title=table_title(name, shown.kind),
            whole=name in _WHOLE and shown.kind == "describe", note=_note(shown, name, privacy),
        )
        for name, frame in shown.tables.items()
        if len(frame) and frame.shape[1]
    }
    first = [Numbered(counter.table(), views.pop(n)) for n in _FIRST.get(shown.kind, ()) if n in views]
    plates: list[Plate] = []
    given: dict[str, str] = {n.table.id: "" for n in first}
    figures, troubles = _figures_of(drawn)
    for name, figure in figures.items():
        made = drawing(name, figure, counter.id(f"fig-{prefix}-{slug(name)}", 90))
        table = views.pop(made.table, None)
        if table is not None:
            given[made.table] = table.id
        plates.append(Plate(counter.figure(), made, table, "" if table is not None else given.get(made.table, "")))
    return Section(
        id=prefix, title=plain(shown.title), kind=KINDS.get(shown.kind, plain(shown.kind).capitalize()),
        lead=tuple(lead),
        notes=tuple(privacy.redact(n) for n in (*(() if "table_one" in shown.tables else shown.notes), *troubles)),
        first=tuple(first), plates=tuple(plates),
        tables=tuple(Numbered(counter.table(), v, n in _FOLDED) for n, v in views.items()),
        settings=settings_rows(settings_out(shown.settings, privacy)),
    )


def _figures_of(result: Result) -> tuple[dict[str, Figure], tuple[str, ...]]:
    """The figures, or in their place why they cannot be drawn: the tables are shown all the same."""
    try:
        return result.figures(), ()
    except RadiogenError as error:
        return {}, (f"The figures of this analysis could not be drawn: {error.problems[0].message}.",)


def _is_level(value: Any) -> bool:
    return isinstance(value, (int, float)) and 0 < value < 1


def _note(result: Result, name: str, privacy: Privacy) -> str:
    """What stands under a table: the notes of a description belong to Table 1."""
    words = [privacy.redact(n) for n in result.notes] if name == "table_one" else []
    frame = result.tables[name]
    small = f"<{privacy.min_cell}"
    if result.kind == "describe" and any(small in frame.iloc[:, i].tolist() for i in range(frame.shape[1])):
        words.append(_SMALL_CELLS.format(below=privacy.min_cell - 1, cell=privacy.min_cell))
    words += [notes[name] for notes in (NOTES, COARSE_NOTES if privacy.min_cell > 1 else {}) if name in notes]
    return " ".join(words)


def settings_rows(settings: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Settings as (key, value) texts."""
    return tuple((plain(k), plain(_value(v), 600)) for k, v in settings.items())


def _value(value: Any) -> str:
    if isinstance(value, (list, tuple)) and all(isinstance(v, (str, int, float)) for v in value):
        return ", ".join(str(v) for v in value)
    if isinstance(value, (dict, list, tuple)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def failure_section(title: str, error: RadiogenError, privacy: Privacy, counter: Counter) -> Section:
    """The section of an analysis that could not be run: it says why and what to do."""
    return Section(
        id=counter.id(title), title=plain(title), kind="Not run", failures=tuple(redacted(p, privacy) for p in error.problems)
    )


def redacted(found: Problem, privacy: Privacy) -> Problem:
    """The problem without ids; its row and value stay out unless ids may be shown."""
    if privacy.show_ids:
        return found
    return Problem(
        code=found.code, message=privacy.redact(found.message), fix=privacy.redact(found.fix), severity=found.severity,
        file=found.file, line=found.line, column=found.column,
    )


def flow_section(frame: pd.DataFrame, start: int, unit: str, privacy: Privacy, counter: Counter) -> Section:
    """Who is in the cohort, from the ledger alone."""
    from radiogen import plots

    prefix = counter.id("flow")
    safe = frame.assign(reason=[privacy.redact(str(r)) for r in frame["reason"]]) if len(frame) else frame
    made = drawing("flow", plots.flow(safe, start, unit=unit), counter.id("fig-flow"))
    table = view("flow", safe, counter.id("tab-flow"), whole=True) if len(safe) else None
    return Section(
        id=prefix, title="Who is in the cohort", kind="Cohort", plates=(Plate(counter.figure(), made, table),)
    )


