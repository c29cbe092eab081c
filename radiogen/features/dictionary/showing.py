"""The dictionary as text: a table for the terminal, CSV, JSON, Markdown, or one entry in full."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from io import StringIO
from typing import Any

from radiogen.cohort.values import listing, suggest
from radiogen.errors import fail
from radiogen.features.dictionary.entry import Entry
from radiogen.features.dictionary.table import as_frame

FORMATS = ("table", "csv", "json", "markdown")
#: columns of the Markdown tables; the others stand in the headings
_MARKDOWN = ("feature", "filter", "unit", "formula", "ibsi", "note")
_HEADS = {"feature": "feature", "filter": "filter", "unit": "unit", "formula": "formula", "ibsi": "IBSI", "note": "note"}


def chosen(found: Sequence[Entry], *, feature_class: str | None = None, search: str | None = None) -> list[Entry]:
    """The entries of a class, with all words of a search in them, whatever the case.

    Raises
    ------
    RadiogenError
        RG708 for a class that there is not, with the nearest one.
    """
    if feature_class is not None:
        classes = list(dict.fromkeys(e.feature_class for e in found))
        named = {c.casefold(): c for c in classes}.get(feature_class.casefold())
        if named is None:
            text = f"there is no class '{feature_class}'.{suggest(feature_class, classes)} There are {listing(classes)}."
            raise fail("RG708", text, value=feature_class)
        found = [e for e in found if e.feature_class == named]
    words = (search or "").casefold().split()
    return [e for e in found if all(any(w in v.casefold() for v in e.row().values()) for w in words)]


def named(found: Sequence[Entry], name: str) -> Entry:
    """The entry of a column; RG708 with the nearest name where there is none."""
    for entry in found:
        if entry.feature == name:
            return entry
    names = [e.feature for e in found]
    nearest = suggest(name, names)
    fix = "`radiogen features` lists them; `--search` looks for words."
    raise fail("RG708", f"no feature is called '{name}'.{nearest}", value=name, fix=fix)


def render(found: Sequence[Entry], how: str = "table", *, width: int = 80) -> str:
    """Entries as text.

    Parameters
    ----------
    found : sequence of Entry
    how : {"table", "csv", "json", "markdown"}
        "table" is for reading: a feature that is taken on several filtered pictures stands there once, under a heading that
        names them.  The others have every column name.
    width : int
        Of the table, in characters.

    Raises
    ------
    RadiogenError
        RG708 for another format.
    """
    if how not in FORMATS:
        raise fail("RG708", f"the format is {listing(FORMATS)}.{suggest(how, FORMATS)}", value=how)
    if how == "csv":
        return as_frame(found).to_csv(index=False, lineterminator="\n").rstrip("\n")
    if how == "json":
        return json.dumps([e.row() for e in found], ensure_ascii=False, indent=1)
    return _markdown(found) if how == "markdown" else _table(found, width)


def render_entry(entry: Entry, *, width: int = 80) -> str:
    """One entry in full."""
    said = [
        ("modality", entry.modality), ("region", entry.region), ("class", f"{entry.feature_class}: {entry.short}"),
        ("filter", " = ".join(p for p in (entry.filter, entry.filter_formula) if p)), ("unit", entry.unit or "none"),
        ("formula", entry.formula), ("where", entry.symbols), ("IBSI", entry.ibsi or "none"), ("note", entry.note),
        ("reference", entry.reference),
    ]  # fmt: skip
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    for head, text in said:
        if text:
            table.add_row(head, text)
    return f"{entry.feature}\n{_drawn(table, width)}"


def groups(found: Iterable[Entry]) -> list[tuple[tuple[str, str, str], list[Entry]]]:
    """Entries by modality, region and class, in the order in which they first come."""
    sorted_: dict[tuple[str, str, str], list[Entry]] = {}
    for entry in found:
        sorted_.setdefault((entry.modality, entry.region, entry.feature_class), []).append(entry)
    return list(sorted_.items())


def _table(found: Sequence[Entry], width: int) -> str:
    parts = []
    for (modality, region, name), members in groups(found):
        filters = list(dict.fromkeys(e.filter for e in members if e.filter))
        heading = f"{modality} · {name} · {region}, {_count(len(members))}"
        on = _wrapped("on: " + ", ".join(filters), width) if filters else ""
        column = f"column: {members[0].feature}"
        parts.append("\n".join(p for p in (heading, on, column, _drawn(_once(members), width)) if p))
    last = f"{_count(len(found))}. One in full: radiogen features --show NAME" if found else "No feature has all of that."
    return "\n\n".join([*parts, last])


def _once(members: Sequence[Entry]) -> Any:
    """Each feature of a class once, whatever the pictures it is taken on."""
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="")
    for column in ("feature", "unit", "IBSI", "formula"):
        table.add_column(column, overflow="fold")
    seen: dict[str, list[Entry]] = {}
    for entry in members:
        seen.setdefault(entry.short, []).append(entry)
    for name, same in seen.items():
        units = list(dict.fromkeys(e.unit for e in same))
        table.add_row(name, units[0] if len(units) == 1 else "by picture", same[0].ibsi, same[0].formula)
    return table


def _count(n: int) -> str:
    return f"{n} feature{'' if n == 1 else 's'}"


def _wrapped(text: str, width: int) -> str:
    import textwrap

    return textwrap.fill(text, width, subsequent_indent="    ", break_on_hyphens=False)


def _drawn(table: Any, width: int) -> str:
    from rich.console import Console

    text = StringIO()
    console = Console(file=text, width=width, color_system=None, highlight=False, markup=False, emoji=False, legacy_windows=False)
    console.print(table)
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines())


def _markdown(found: Sequence[Entry]) -> str:
    parts = []
    for (modality, region, name), members in groups(found):
        columns = [c for c in _MARKDOWN if any(e.row()[c] for e in members)]
        lines = [f"## {modality}: {name}, {region}", "", _row(_HEADS[c] for c in columns), _row("---" for _ in columns)]
        lines += [_row(_cell(c, e.row()[c]) for c in columns) for e in members]
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(column: str, text: str) -> str:
    escaped = text.replace("|", "\\|").replace("*", "\\*")
    return f"`{text}`" if column == "feature" else escaped

