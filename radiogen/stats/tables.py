"""Table 1: who the patients are, by group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from radiogen.errors import RadiogenError, fail
from radiogen.stats._design import is_numeric, listed, take
from radiogen.stats._validate import Floats, Ints, groups, moderate, number, word
from radiogen.stats.bivariate import chi_squared, fisher_exact, kruskal_wallis, rank_sum_test

_ALL = "Overall"


@dataclass(frozen=True, repr=False, eq=False)
class TableOne:
    """A baseline table.

    Parameters
    ----------
    tidy : DataFrame
        One row per variable, level and group: ``variable``, ``level``, ``kind``, ``group``, ``n``
        (known), ``missing``; for categories ``count`` and ``percent`` (of the known); for numbers
        ``mean``, ``sd``, ``median``, ``q1``, ``q3``, ``minimum``, ``maximum``.
    tests : DataFrame
        One row per variable: ``variable``, ``test``, ``statistic``, ``df``, ``p``, ``smd``,
        ``smd_groups`` (the pair it is from) and ``note``.  Empty without ``by``.
    formatted : DataFrame
        The table as printed.
    groups : tuple of str
        The groups in order, ``Overall`` first.
    notes : tuple of str
        Footnotes.
    """

    tidy: pd.DataFrame
    tests: pd.DataFrame
    formatted: pd.DataFrame
    groups: tuple[str, ...]
    notes: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """The tidy table."""
        return self.tidy

    def __repr__(self) -> str:
        return self.formatted.to_string(index=False)

    def _repr_html_(self) -> str:
        from html import escape

        foot = "".join(f"<p>{escape(note)}</p>" for note in self.notes)
        return self.formatted.to_html(index=False, escape=True) + foot


def table_one(
    frame: pd.DataFrame,
    by: str | None = None,
    variables: Sequence[str] | None = None,
    mean: Sequence[str] = (),
) -> TableOne:
    """Describe every variable, overall and by group, with tests and standardised mean differences.

    Parameters
    ----------
    frame : DataFrame
        One row per unit.  Numbers with more than two values are described by quantiles; all else
        is counted by level.
    by : str, optional
        Column of the groups.  Rows where it is missing are left out, and a note says how many.
    variables : sequence of str, optional
        The columns described, in order; by default all but ``by``.
    mean : sequence of str, default ()
        Numeric variables printed as mean (SD) instead of median [IQR]; both are in the tidy table.

    Returns
    -------
    TableOne
        ``tidy``, ``tests`` and ``formatted``.

    Raises
    ------
    RadiogenError
        RG203 for a column that is not there; RG705 for infinite values or an unusable argument;
        RG701 where no row is left.

    Notes
    -----
    Numbers: Wilcoxon's rank-sum test for two groups, Kruskal-Wallis for more.  Categories:
    Fisher's exact test for a 2 × 2 table with an expected count below 5, otherwise chi-squared
    without correction.  The SMD is absolute; for categories of several levels it is Yang and
    Dalton's, and with more than two groups the largest over all pairs.  Where a test or SMD cannot
    be computed, ``note`` says why.  Quartiles are R's type 7.

    References
    ----------
    Yang and Dalton, SAS Global Forum 2012, paper 335.  Austin, Stat Med 2009;28:3083,
    doi 10.1002/sim.3697.

    Examples
    --------
    >>> d = pd.DataFrame({"arm": list("aaabbb"), "age": [50.0, 60, 70, 40, 50, 66], "er": [1, 1, 0, 0, 0, 1]})
    >>> table_one(d, by="arm").formatted["Overall"].tolist()
    ['6', '55 [50, 64.5]', '3 (50.0%)', '3 (50.0%)']
    """
    take(frame, [])
    names = [c for c in frame.columns if c != by] if variables is None else listed(variables)
    strange = [name for name in listed(mean) if name not in names]
    if strange:
        raise fail(
            "RG203", f"`mean` names '{strange[0]}', which is no variable of the table.", column=str(strange[0]),
            fix="Name variables that are described; categories have no mean.",
        )  # fmt: skip
    if not names:
        raise fail("RG705", "The frame has no variable to describe.")
    data = take(frame, names if by is None else [by, *names])
    notes: list[str] = []
    codes, levels = np.zeros(len(data), dtype=np.int64), [_ALL]
    if by is not None:
        known = data[by].notna().to_numpy(dtype=bool)
        if not known.all():
            notes.append(f"{int((~known).sum())} rows without '{by}' are left out.")
        data = data[known]
        if len(data):
            codes, found = groups(data[by], by)
            levels = [word(v) for v in found]
    if not len(data):
        raise fail("RG701", "No row is left to describe.")
    members = [(_ALL, np.ones(len(data), dtype=bool))]
    if by is not None:
        members += [(name, codes == k) for k, name in enumerate(levels)]
    tidy, tests, printed = [], [], [_head(members, by)]
    for name in names:
        rows = _describe(str(name), data[name], members)
        tidy += rows
        test = _test(str(name), data[name], codes, levels) if by is not None else None
        if test is not None:
            tests.append(test)
        printed += _print(rows, members, test, str(name) in mean)
    shown = pd.DataFrame(printed).fillna("")
    words = "Median [IQR] or mean (SD); n (%), per cent of the known."
    order = tuple(name for name, _ in members)
    return TableOne(pd.DataFrame(tidy), pd.DataFrame(tests), shown, order, (words, *notes))


def _head(members: list[tuple[str, Any]], by: str | None) -> dict[str, str]:
    row = {"Variable": "n", "Level": ""} | {name: str(int(rows.sum())) for name, rows in members}
    return row | ({"Missing": "", "p": "", "Test": "", "SMD": ""} if by is not None else {"Missing": ""})


def _continuous(series: pd.Series) -> bool:
    return is_numeric(series) and series.dropna().nunique() > 2


def _describe(name: str, series: pd.Series, members: list[tuple[str, Any]]) -> list[dict[str, Any]]:
    if _continuous(series):
        values = number(series, name, missing=True)
        return [_numeric(name, group, values[rows]) for group, rows in members]
    known = series.notna().to_numpy(dtype=bool)
    codes = np.full(len(series), -1, dtype=np.int64)
    levels: list[Any] = []
    if known.any():
        codes[known], levels = groups(series[known], name)
    rows_out = []
    for code, level in enumerate(levels or [""]):
        for group, rows in members:
            n, count = int(known[rows].sum()), int((codes[rows] == code).sum())
            row = {"variable": name, "level": word(level), "kind": "categorical", "group": group, "n": n}
            row |= {"missing": int(rows.sum()) - n, "count": count}
            rows_out.append(row | {"percent": 100 * count / n if n else np.nan})
    return rows_out


def _numeric(name: str, group: str, values: Floats) -> dict[str, Any]:
    known = moderate(values[~np.isnan(values)], name)
    row: dict[str, Any] = {
        "variable": name, "level": "", "kind": "numeric", "group": group,
        "n": known.size, "missing": values.size - known.size,
    }  # fmt: skip
    if known.size:
        q1, median, q3 = np.quantile(known, [0.25, 0.5, 0.75])
        row |= {"mean": known.mean(), "sd": known.std(ddof=1) if known.size > 1 else np.nan, "median": median}
        row |= {"q1": q1, "q3": q3, "minimum": known.min(), "maximum": known.max()}
    return row


def _test(name: str, series: pd.Series, codes: Ints, levels: list[str]) -> dict[str, Any]:
    known = series.notna().to_numpy(dtype=bool)
    row: dict[str, Any] = {"variable": name, "test": "none", "statistic": np.nan, "df": np.nan, "p": np.nan}
    notes = []
    try:
        result, row["test"] = _run(name, series[known], codes[known])
        row |= {"statistic": result.statistic, "df": result.df, "p": result.p}
        notes += list(result.notes)
    except RadiogenError as error:
        # one variable without a test must not lose the table; the reason is printed with it
        notes.append(error.problems[0].message)
    smd, pair = _largest_smd(name, series, codes, levels)
    return row | {"smd": smd, "smd_groups": pair, "note": " ".join(notes)}


def _run(name: str, series: pd.Series, codes: Ints) -> tuple[Any, str]:
    if not len(series):
        raise fail("RG701", "All values are missing.")
    if _continuous(series):
        values = number(series, name)
        if np.unique(codes).size == 2:
            return rank_sum_test(values, codes), "Wilcoxon rank-sum"
        return kruskal_wallis(values, codes), "Kruskal-Wallis"
    result = chi_squared(series, codes)
    if result["least_expected"] < 5 and result["table"].shape == (2, 2):
        return fisher_exact(series, codes), "Fisher exact"
    return result, "chi-squared"


def _largest_smd(name: str, series: pd.Series, codes: Ints, levels: list[str]) -> tuple[float, str]:
    """The largest standardised mean difference over all pairs of groups, and the pair."""
    known = series.notna().to_numpy(dtype=bool)
    best, pair = np.nan, ""
    if not known.any():
        return best, pair
    if _continuous(series):
        x = number(series, name, missing=True)[:, None]
    else:
        inner, values = groups(series[known], name)
        x = np.full((len(series), max(1, len(values) - 1)), np.nan)
        # one column per level but the first; the first is determined by them
        x[known] = inner[:, None] == np.arange(1, max(2, len(values)))
    for a in range(len(levels)):
        for b in range(a + 1, len(levels)):
            value = _smd(x[known & (codes == a)], x[known & (codes == b)], _continuous(series))
            if not np.isnan(value) and not value <= best:
                best, pair = value, f"{levels[a]} / {levels[b]}"
    return best, pair


def _smd(first: Floats, second: Floats, continuous: bool) -> float:
    if len(first) < 2 or len(second) < 2:
        return float("nan")
    gap = first.mean(axis=0) - second.mean(axis=0)
    # sample variance for numbers, p(1 - p) for indicators
    ddof = 1 if continuous else 0
    pooled = (np.atleast_2d(np.cov(first.T, ddof=ddof)) + np.atleast_2d(np.cov(second.T, ddof=ddof))) / 2
    if not gap.any():
        return 0.0
    inverse = np.linalg.pinv(pooled, hermitian=True)
    if np.abs(pooled @ inverse @ gap - gap).max() > 1e-8 * np.abs(gap).max():
        # the groups differ where neither varies
        return float("inf")
    return float(np.sqrt(gap @ inverse @ gap))


def _print(
    rows: list[dict[str, Any]], members: list[tuple[str, Any]], test: dict[str, Any] | None, as_mean: bool
) -> list[dict[str, str]]:
    printed: list[dict[str, str]] = []
    step = len(members)
    for start in range(0, len(rows), step):
        part = rows[start : start + step]
        line = {"Variable": part[0]["variable"] if start == 0 else "", "Level": part[0]["level"]}
        line |= {row["group"]: _cell(row, as_mean) for row in part}
        line["Missing"] = str(part[0]["missing"]) if start == 0 else ""
        if test is not None and start == 0:
            line |= {"p": _p(test["p"]), "Test": test["test"], "SMD": _number(test["smd"], ".3f")}
        printed.append(line)
    return printed


def _cell(row: dict[str, Any], as_mean: bool) -> str:
    if row["kind"] == "categorical":
        return f"{row['count']} ({_number(row['percent'], '.1f')}%)" if row["n"] else "–"
    if not row["n"]:
        return "–"
    if as_mean:
        return f"{row['mean']:.4g} ({_number(row['sd'], '.4g')})"
    return f"{row['median']:.4g} [{row['q1']:.4g}, {row['q3']:.4g}]"


def _number(value: float, form: str) -> str:
    return "–" if np.isnan(value) else format(value, form)


def _p(value: float) -> str:
    if np.isnan(value):
        return "–"
    return "<0.001" if value < 0.001 else f"{value:.3f}"
