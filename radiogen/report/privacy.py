"""What a report may show of single patients: small cells, ids, paths.

The same rules hold for tables, downloads, figures and texts, because all of them are made
from what leaves this module.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from radiogen.analysis.result import Result
    from radiogen.cohort import Cohort

#: columns that name a single unit
ID_COLUMNS = frozenset({"unit_id", "patient", "patient_id", "lesion", "lesion_id", "id", "ids"})
#: columns that hold ids in some tables and words in others
_PERHAPS = frozenset({"unit", "group"})
#: columns of a description that are no counts by group
_NOT_GROUPS = frozenset({"variable", "level", "missing", "test", "p", "q", "smd", "method", "note"})
#: columns of count tables that are totals, not cells
_TOTALS = frozenset({"n", "total", "known", "share", "percent", "tested"})
#: tables that stand elsewhere in the report under stricter rules: extremes are values of single patients, and findings
#: name rows of files
_NOT_SHOWN = {"describe": frozenset({"table_one_tidy", "flow", "qc"})}
_COUNT = re.compile(r"^\s*(\d[\d,\u202f\u00a0 ]*?)\s*(?:\((?:[\d.]+\s*%|<\s*[\d.]+\s*%)\))?\s*$")
_WORD = re.compile(r"[^\s,;:'\"()\[\]{}]+")
WITHHELD = "[id]"


@dataclass(frozen=True)
class Privacy:
    """The rules of one cohort.

    Parameters
    ----------
    min_cell : int
        Counts from 1 to this less one are suppressed.  A count of 0 is shown: it names nobody.
    show_ids : bool
        Whether ids may appear.
    ids : frozenset of str
        Ids of units and patients.
    """

    min_cell: int
    show_ids: bool
    ids: frozenset[str]

    def redact(self, value: str) -> str:
        """The text with every id of a unit or patient taken out, unless ids may be shown.

        An id of up to three digits is taken out only between quotes: elsewhere it may be a count.
        """
        if self.show_ids or not self.ids:
            return value

        def hide(found: re.Match[str]) -> str:
            word = found.group()
            bare = word.rstrip(".")
            if bare not in self.ids:
                return word
            quoted = value[found.start() - 1 : found.start()] in ("'", '"')
            return word if bare.isdigit() and len(bare) < 4 and not quoted else WITHHELD + word[len(bare) :]

        return _WORD.sub(hide, value)

    def table(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The frame without id columns, and without ids among its texts."""
        if self.show_ids:
            return frame
        kept = frame.loc[:, [not self._names_units(frame, i) for i in range(frame.shape[1])]]
        out = kept.copy()
        for place, dtype in enumerate(kept.dtypes):
            if not pd.api.types.is_numeric_dtype(dtype):
                cells = [self._cell(v) for v in kept.iloc[:, place].tolist()]
                out.isetitem(place, pd.Series(cells, index=kept.index, dtype=object))
        return out

    def _names_units(self, frame: pd.DataFrame, place: int) -> bool:
        name = str(frame.columns[place]).lower()
        if name in _PERHAPS:
            return any(str(v) in self.ids for v in frame.iloc[:, place].unique())
        return name in ID_COLUMNS

    def _cell(self, value: Any) -> Any:
        return self.redact(value) if isinstance(value, str) else value

    def result(self, result: Result) -> tuple[Result, Result]:
        """The result as its tables may be shown, and as its figures may draw it.

        Small cells read ``<5`` in the first; in the second they are NaN.  Only counts that describe
        the cohort are suppressed: those of models are not counts of a patient's properties.  Unless
        ``min_cell`` is below 2, curves over time are made coarser (:func:`coarse_curve`), and ROC curves lose
        their thresholds.
        """
        left_out = _NOT_SHOWN.get(result.kind, frozenset())
        tables = {k: self.table(v) for k, v in result.tables.items() if k not in left_out}
        shown, drawn = dict(tables), dict(tables)
        if self.min_cell > 1:
            for name in tables.keys() & CURVES:
                shown[name], drawn[name] = coarse_curve(tables[name], tables.get("risk_table"))
            if "roc" in tables:
                # each is the prediction for a single unit
                shown["roc"] = drawn["roc"] = tables["roc"].drop(columns="threshold", errors="ignore")
        if result.kind == "describe":
            for name, frame in tables.items():
                shown[name], drawn[name] = suppress_table(name, frame, self.min_cell)
        return replace(result, tables=shown, predictions=None), replace(result, tables=drawn, predictions=None)


def privacy_of(cohort: Cohort) -> Privacy:
    """The rules that the cohort's YAML sets."""
    section = cohort.config.privacy
    ids: Iterable[Any] = [*cohort.index, *cohort.units["patient"]] if "patient" in cohort.units else cohort.index
    ledger = [i for entry in cohort.ledger.entries for i in entry.ids]
    return Privacy(section.min_cell, section.show_ids, frozenset(str(i) for i in [*ids, *ledger]))


def short_path(path: str, root: str) -> str:
    """The path below the cohort's folder; of any other only the file's name."""
    name = path.replace("\\", "/")
    base = root.replace("\\", "/").rstrip("/")
    if base and base != "." and name.startswith(base + "/"):
        return name[len(base) + 1 :]
    if PurePosixPath(name).is_absolute() or PureWindowsPath(path).is_absolute():
        return PurePosixPath(name).name
    return name


# -- small cells ----------------------------------------------------------------------------------


def suppressed(counts: np.ndarray, min_cell: int, *, rows: bool, columns: bool) -> np.ndarray:
    """Which cells to suppress: 1 those below the limit, 2 those that would give them away.

    Parameters
    ----------
    counts : array of float, (r, c)
        Counts; NaN where a cell is no count.
    min_cell : int
        Counts of 1 to ``min_cell - 1`` are small.
    rows, columns : bool
        Whether the total of each row (column) is known to the reader: then one suppressed cell could
        be computed from the others, and the smallest other one is suppressed with it.

    Returns
    -------
    array of int, (r, c)

    Examples
    --------
    >>> suppressed(np.array([[3.0, 8.0, 12.0]]), 5, rows=True, columns=False)
    array([[1, 2, 0]])
    """
    marks = np.where((counts > 0) & (counts < min_cell), 1, 0)
    changed = True
    while changed:
        changed = False
        for view, values, wanted in ((marks, counts, rows), (marks.T, counts.T, columns)):
            for line, cells in zip(view, values, strict=True):
                if wanted and int((line > 0).sum()) == 1:
                    changed |= _hide_another(line, cells, (view > 0).sum(axis=0) == 1)
    return marks


def _hide_another(line: np.ndarray, cells: np.ndarray, helpful: np.ndarray) -> bool:
    """Suppress one more cell of a line: if possible one whose crossing line needs a second cell too."""
    free = (line == 0) & (cells > 0)
    for candidates in (free & helpful, free):
        if candidates.any():
            line[int(np.argmin(np.where(candidates, cells, np.inf)))] = 2
            return True
    return False


def suppress_table(name: str, frame: pd.DataFrame, min_cell: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A table of the description with small cells as text, and with small cells as NaN."""
    if min_cell < 2 or frame.empty:
        return frame, frame
    if name == "table_one":
        return (_table_one(frame, min_cell),) * 2
    if name in ("mutations", "markers", "subtype"):
        return _count_table(frame, min_cell)
    return frame, frame


def _mark(mark: int, min_cell: int) -> str:
    return f"<{min_cell}" if mark == 1 else f"≥{min_cell}"


def _table_one(frame: pd.DataFrame, min_cell: int) -> pd.DataFrame:
    """Cells such as ``3 (11.1 %)`` of each variable; overall is the total of the groups."""
    places: list[int] = [i for i, c in enumerate(frame.columns) if str(c).lower() not in _NOT_GROUPS]
    out = frame.astype(object).copy()
    variable = next((frame.iloc[:, i] for i, c in enumerate(frame.columns) if str(c).lower() == "variable"), None)
    name = pd.Series(0, index=frame.index) if variable is None else variable.where(variable != "").ffill()
    overall = [i for i in places if str(frame.columns[i]).lower().split(" ")[0] in ("overall", "all", "total")]
    groups = [i for i in places if i not in overall]
    for _, rows in pd.Series(range(len(frame))).groupby(name.to_numpy(), sort=False):
        at = rows.to_numpy()
        cells = np.asarray([[_count_in(frame.iat[int(r), i]) for i in (*groups, *overall)] for r in at])
        n = len(groups)
        marks = np.zeros_like(cells, dtype=int)
        several = len(at) > 1
        marks[:, :n] = suppressed(cells[:, :n], min_cell, rows=bool(overall) and n > 1, columns=several)
        marks[:, n:] = suppressed(cells[:, n:], min_cell, rows=False, columns=several)
        for r, line in zip(at, marks, strict=True):
            for i, mark in zip((*groups, *overall), line, strict=True):
                if mark:
                    out.iat[int(r), i] = _mark(int(mark), min_cell)
    return out


def _count_in(cell: Any) -> float:
    """The count of a formatted cell: ``12`` or ``12 (34.5 %)``; NaN for all else."""
    if isinstance(cell, (int, np.integer)):
        return float(cell)
    found = _COUNT.match(cell) if isinstance(cell, str) else None
    return float(re.sub(r"\D", "", found.group(1))) if found else float("nan")


def _count_table(frame: pd.DataFrame, min_cell: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    numeric = [c for c in frame if pd.api.types.is_numeric_dtype(frame[c]) and not pd.api.types.is_bool_dtype(frame[c])]
    cells = [c for c in numeric if str(c).lower() not in _TOTALS]
    long = not cells and "n" in numeric
    cells = ["n"] if long else cells
    if not cells:
        return frame, frame
    marks = np.zeros((len(frame), len(cells)), dtype=int)
    texts = [c for c in frame if c not in numeric]
    # in a long table the classes of one variable stand below each other; in a wide one beside each other
    codes = pd.factorize(frame[texts[0]])[0] if long and len(texts) > 1 else np.zeros(len(frame), dtype=int)
    for at in (np.flatnonzero(codes == code) for code in np.unique(codes)):
        values = frame[cells].to_numpy(dtype=float)[at]
        marks[at] = suppressed(values, min_cell, rows=not long, columns=long)
    shown, drawn = frame.copy(), frame.copy()
    for j, column in enumerate(cells):
        values = frame[column].tolist()
        shown[column] = pd.Series([_mark(m, min_cell) if m else v for v, m in zip(values, marks[:, j], strict=True)], frame.index)
        drawn[column] = frame[column].astype(float).where(marks[:, j] == 0)
    for column in numeric:
        if str(column).lower() in ("share", "percent"):
            shown[column] = frame[column].astype(object).where(~marks.any(axis=1), "")
            drawn[column] = frame[column].astype(float).where(~marks.any(axis=1))
    return shown, drawn


# -- curves over time -----------------------------------------------------------------------------

#: tables of which every row is the date of an event or of a last visit
CURVES = frozenset({"km", "cumulative_incidence"})
#: places between two times of the table of numbers at risk at which a curve may move
PLACES = 100


def coarse_curve(curve: pd.DataFrame, at_risk: pd.DataFrame | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A curve for the table, at the times of the numbers at risk alone, and one for the figure.

    Parameters
    ----------
    curve : DataFrame
        ``group`` and ``time``, where there are any ``grouping``, ``cause``, ``n_risk``, ``n_event``, ``n_censor``.
    at_risk : DataFrame or None
        ``time`` and, where there are any, ``group``, ``grouping``, ``n_risk``: the numbers at risk at round times.

    Returns
    -------
    shown : DataFrame
        The values at the last step up to each round time, with the number at risk then; without counts of events.
    drawn : DataFrame
        All steps, their times rounded up to a hundredth of the distance between two round times: about the width
        of a line.  A value at a round time is not changed by that.
    """
    counts = [c for c in ("n_event", "n_censor", "n_risk") if c in curve]
    times = np.unique(at_risk["time"].to_numpy(dtype=float)) if at_risk is not None and "time" in at_risk else np.array([])
    end = float(curve["time"].max()) if len(curve) else 0.0
    if len(times) < 2:
        times = np.linspace(0.0, end, 7)
    step = float(times[1] - times[0]) / PLACES
    if not step > 0:
        return curve.drop(columns=counts), curve
    # what lies on a place but for rounding stays there
    places = np.ceil(np.round(curve["time"].to_numpy(dtype=float) / step, 6))
    drawn = curve.assign(time=places * step)
    keys = [k for k in ("grouping", "group", "cause") if k in curve]
    values = [c for c in curve.columns if c not in (*keys, "time", *counts)]
    parts = []
    for _, part in curve.groupby(keys, sort=False, dropna=False) if keys else [((), curve)]:
        ordered = part.sort_values("time", kind="stable")
        last = np.searchsorted(ordered["time"].to_numpy(dtype=float), times, side="right") - 1
        inside = (last >= 0) & (times <= float(ordered["time"].iloc[-1]) + step)
        parts.append(ordered.iloc[last[inside]][[*keys, *values]].assign(time=times[inside]))
    shown = pd.concat(parts, ignore_index=True) if parts else curve.iloc[:0]
    if at_risk is not None and "n_risk" in at_risk:
        on = [k for k in ("grouping", "group", "time") if k in at_risk and k in shown]
        shown = shown.merge(at_risk[[*on, "n_risk"]].drop_duplicates(on), on=on, how="left")
    return shown[[c for c in (*keys, "time", *values, "n_risk") if c in shown]], drawn


def settings_out(settings: Mapping[str, Any], privacy: Privacy) -> dict[str, Any]:
    """Settings without keys that list units, and without the inputs' hashes, which stand in the provenance."""
    hidden = ID_COLUMNS | {"units", "patients"}
    return {k: v for k, v in settings.items() if k != "sources" and (privacy.show_ids or k.lower() not in hidden)}
