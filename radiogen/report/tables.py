"""Tables as the page shows them: formatted, cut where they are long, whole in the download."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup

from radiogen.plots.naming import model_name
from radiogen.plots.text import NONE, interval, num, plain, pvalue, share
from radiogen.report.labels import METRICS, P_COLUMNS, SHARES, column_label, table_title
from radiogen.report.payload import columnar, json_block

#: rows shown of a table that is longer
SHOWN = 20
#: rows shown of tables that are points of a curve
_POINTS = {"roc": 6, "km": 12, "cumulative_incidence": 12, "calibration_curve": 12}
_CELL = 160
#: columns for which a page has no room
_ASIDE = {"associations": ("statistic", "note", "test")}
#: below this a coefficient is what rounding left of zero
_ZERO = 1e-9
#: marks of notes; none can be taken for a digit of the number before it
_LETTERS = ("ᵃ", "ᵇ", "ᶜ", "ᵈ", "ᵉ")


@dataclass(frozen=True)
class TableView:
    """One table of the page.

    ``head`` holds (label, is_numeric) of each column, ``rows`` the cells as text, ``constant`` what is the
    same in all rows, ``data`` the JSON of the download.
    """

    id: str
    title: str
    head: tuple[tuple[str, bool], ...]
    rows: tuple[tuple[str, ...], ...]
    total: int
    constant: str
    note: str
    filename: str
    data: Markup

    @property
    def cut(self) -> bool:
        """Whether rows are left out of the page."""
        return len(self.rows) < self.total


def slug(value: str, limit: int = 40) -> str:
    """Lower-case ASCII letters, digits and hyphens, for ids and file names.

    Examples
    --------
    >>> slug("TP53 <mutation>")
    'tp53-mutation'
    """
    return re.sub(r"[^a-z0-9]+", "-", value.lower()).strip("-")[:limit].strip("-") or "x"


def view(
    name: str, frame: pd.DataFrame, identifier: str, *, title: str = "", note: str = "", level: float = 0.95, whole: bool = False
) -> TableView:
    """Make the view of a table.

    Parameters
    ----------
    name : str
        Its key among the tables of a result.
    frame : DataFrame
        As privacy allows it to be shown.
    identifier : str
        Its id in the page.
    title : str
        Its heading; default from the key.
    note : str
        A sentence under it.
    level : float
        Confidence level of its intervals.
    whole : bool
        Show all rows and columns.
    """
    ordered = _ordered(frame)
    if name == "table_one":
        ordered, tests = _lettered(ordered)
        note = f"{note} {tests}".strip()
    shown = ordered if whole else ordered.head(_POINTS.get(name, SHOWN))
    constant = {} if whole else _constant(ordered)
    aside = [c for c in _ASIDE.get(name, ()) if c in ordered and c not in constant and not _blank(ordered[c])]
    head: list[tuple[str, bool]] = []
    columns: list[list[str]] = []
    for label, numeric, cells in _columns(name, shown, {*constant, *aside}, level, whole):
        head.append((label, numeric))
        columns.append(cells)
    if aside:
        note = f"{note} In the download alone: {', '.join(column_label(c, name).lower() for c in aside)}.".strip()
    return TableView(
        id=identifier, title=title or table_title(name), head=tuple(head), rows=tuple(zip(*columns, strict=True)),
        total=len(frame), constant="; ".join(f"{column_label(k)}: {v}" for k, v in constant.items()), note=note,
        filename=f"radiogen-{identifier}.csv", data=json_block(columnar(frame, 6 if name in _POINTS else 10)),
    )


def _ordered(frame: pd.DataFrame) -> pd.DataFrame:
    """Associations with the smallest p first; all else in its own order."""
    if "feature" in frame and "p" in frame and len(frame) > SHOWN:
        return frame.sort_values("p", kind="stable", na_position="last")
    if "feature" in frame and "coefficient" in frame:
        order = pd.to_numeric(frame["coefficient"], errors="coerce").abs().sort_values(ascending=False, kind="stable")
        return frame.loc[order.index] if frame.index.is_unique else frame
    return frame


def _constant(frame: pd.DataFrame) -> dict[str, str]:
    """Text columns, and n, that say the same in every row of a table of three rows or more."""
    if len(frame) < 3 or not frame.columns.is_unique:
        return {}
    named = ("target", "class", "model", "set", "method", "test", "n", "events", "metric", "effect_name", "grouping", "df")
    found = [c for c in named if c in frame and frame[c].nunique(dropna=False) == 1 and not pd.isna(frame[c].iloc[0])]
    return {c: num(frame[c].iloc[0]) if c in ("n", "events", "df") else _cell(plain(frame[c].iloc[0]), c) for c in found}


def _lettered(frame: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Table 1 with a letter at each p-value in place of the column of tests, and what the letters mean."""
    columns = {str(c).lower(): c for c in frame.columns}
    if "test" not in columns or "p" not in columns:
        return frame, ""
    tests, p = frame[columns["test"]].tolist(), frame[columns["p"]].tolist()
    named = [t for t in dict.fromkeys(tests) if isinstance(t, str) and t]
    letters = dict(zip(named, _LETTERS, strict=False))
    if len(letters) < len(named):
        return frame, ""
    marked = [f"{v}{letters[t]}" if t in letters and str(v) else v for v, t in zip(p, tests, strict=True)]
    out = frame.assign(**{columns["p"]: pd.Series(marked, index=frame.index, dtype=object)}).drop(columns=columns["test"])
    return out, "; ".join(f"{letter} {test}" for test, letter in letters.items()) + "." if letters else ""


def _columns(
    table: str, frame: pd.DataFrame, left_out: set[str], level: float, whole: bool
) -> list[tuple[str, bool, list[str]]]:
    names = [str(c) for c in frame.columns]
    bounds = _bounds(names)
    hidden = {b for pair in bounds.values() for b in pair} | left_out
    out = []
    for place, name in enumerate(names):
        series = frame.iloc[:, place]
        if name in hidden or (not whole and len(series) > 1 and _blank(series)):
            continue
        if name in bounds:
            lower, upper = (frame[b].tolist() for b in bounds[name])
            cells = [interval(e, lo, up) for e, lo, up in zip(series.tolist(), lower, upper, strict=True)]
            if table == "medians":
                cells = [_reached(c) for c in cells]
            out.append((f"{column_label(name, table)} ({level:.0%} interval)".replace("%", " %"), True, cells))
        else:
            out.append((column_label(name, table), _is_numeric(series), [_cell(v, name) for v in series.tolist()]))
    return out


def _reached(cell: str) -> str:
    """A median, and the end of its interval, may lie beyond the follow-up."""
    return "not reached" if cell == NONE else cell.replace(f"to {NONE})", "to not reached)")


def _bounds(names: list[str]) -> dict[str, tuple[str, str]]:
    """Estimate -> its bounds: ``estimate, lower, upper``, or ``x, x_lower, x_upper``."""
    found: dict[str, tuple[str, str]] = {}
    if {"lower", "upper"} <= set(names):
        main = next((n for n in ("estimate", "effect", "survival", "incidence", "observed") if n in names), None)
        if main:
            found[main] = ("lower", "upper")
    for name in names:
        stem = "adjusted" if name == "adjusted_or" else name
        if f"{stem}_lower" in names and f"{stem}_upper" in names:
            found[name] = (f"{stem}_lower", f"{stem}_upper")
    return found if len(set(names)) == len(names) else {}


def _blank(series: pd.Series) -> bool:
    return all(pd.isna(v) or v == "" for v in series.tolist())


def _is_numeric(series: pd.Series) -> bool:
    if pd.api.types.is_bool_dtype(series):
        return False
    if pd.api.types.is_numeric_dtype(series):
        return True
    texts = [str(v) for v in series.tolist() if not pd.isna(v) and str(v)]
    return bool(texts) and all(re.match(r"^[<≥≤]?[−-]?\d", t) for t in texts)


def _cell(value: Any, name: str) -> str:
    if isinstance(value, str):
        if name == "model":
            return model_name(value)
        return METRICS.get(value, plain(value, _CELL)) if name == "metric" else plain(value, _CELL)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return plain(", ".join(str(v) for v in value), _CELL)
    if pd.isna(value):
        return "–"
    if name in P_COLUMNS:
        return pvalue(value)
    if name in SHARES:
        return share(value)
    if name == "coefficient" and abs(float(value)) < _ZERO:
        return "0"
    try:
        return num(float(value))
    except (TypeError, ValueError):
        return plain(value, _CELL)
