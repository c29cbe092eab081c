"""Every feature against every target: one table of tests, effects and false discovery rates."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from radiogen.errors import fail
from radiogen.stats import _effects
from radiogen.stats._design import is_numeric
from radiogen.stats._validate import Bools, Floats, Ints, choice, groups, normal_quantile, number, word
from radiogen.stats.multiplicity import fdr

#: features handled at once: their ranks are held in memory
_BLOCK = 1000
_RANK_SUM, _KRUSKAL, _SPEARMAN = "Wilcoxon rank-sum", "Kruskal-Wallis", "Spearman"
_FISHER, _CHI = "Fisher exact", "chi-squared"
_EFFECTS = {
    _RANK_SUM: "AUC",
    _KRUSKAL: "epsilon squared",
    _SPEARMAN: "Spearman rho",
    _FISHER: "odds ratio",
    _CHI: "Cramér's V",
}
_COLUMNS = (
    "feature", "target", "test", "statistic", "effect", "effect_name", "lower", "upper", "n", "p", "q",
    "contrast", "note",
)  # fmt: skip


@dataclass(frozen=True)
class _Variable:
    """A column as numbers (numeric) or codes (-1 missing) with its levels."""

    name: str
    known: Bools
    values: Floats
    codes: Ints
    levels: list[str]

    @property
    def kind(self) -> str:
        return "numeric" if not self.levels else ("binary" if len(self.levels) == 2 else "categorical")


def association_screen(
    features: pd.DataFrame,
    targets: pd.DataFrame | Mapping[Hashable, pd.Series],
    fdr_method: str = "bh",
    level: float = 0.95,
) -> pd.DataFrame:
    """Test every feature against every target, with an effect, its interval and q-values.

    Parameters
    ----------
    features : DataFrame, shape (n, m)
        Numbers, or text and categories.  Missing values are left out pair by pair.
    targets : DataFrame or mapping of name to Series, each of n rows
        Numbers with more than two values are continuous; all else is categorical.
    fdr_method : {"bh", "by"}, default "bh"
        See :func:`radiogen.stats.fdr`; each target is a family of its own.
    level : float, default 0.95
        Level of the intervals.

    Returns
    -------
    DataFrame
        One row per feature and target: ``feature``, ``target``, ``test``, ``statistic``, ``effect``,
        ``effect_name``, ``lower``, ``upper``, ``n``, ``p``, ``q``, ``contrast`` (which level is
        compared with which) and ``note``.  A pair that cannot be tested (constant, too few units)
        keeps its row with test "not tested", no numbers and the reason in ``note``; it is not
        counted in q.

    Raises
    ------
    RadiogenError
        RG705 for tables of different length or index, or infinite values; RG708 for an unknown
        option.

    Notes
    -----
    Number against two levels: Wilcoxon's rank-sum test and AUC (DeLong).  Number against three
    or more levels: Kruskal-Wallis and epsilon squared.  Two numbers: Spearman.  Two variables of
    two levels: Fisher's test and conditional odds ratio, as R gives it.  Other categories: chi-squared and
    Cramér's V.  A numeric column of two values is taken as two levels.  The p-values are those of
    the functions for one pair.

    Examples
    --------
    >>> f = pd.DataFrame({"size": [1.0, 2.0, 3.0, 4.0, 5.0, 7.0]})
    >>> t = pd.DataFrame({"TP53": ["WT", "WT", "MUT", "WT", "MUT", "MUT"]})
    >>> association_screen(f, t)[["test", "effect", "contrast"]].to_numpy().tolist()
    [['Wilcoxon rank-sum', 0.1111111111111111, 'WT > MUT']]
    """
    choice(fdr_method, "fdr_method", ("bh", "by"))
    normal_quantile(level)
    if not isinstance(features, pd.DataFrame) or not features.shape[0] or not features.shape[1]:
        raise fail("RG705", "`features` must be a DataFrame with rows and columns.")
    columns = [(str(k), _aligned(str(k), s, features)) for k, s in _items(targets)]
    if not columns:
        raise fail("RG705", "`targets` has no columns.")
    variables = [_variable(str(name), series) for name, series in features.items()]
    parts = []
    for name, series in columns:
        part = _one_target(variables, _variable(name, series), level)
        part["q"] = fdr(part["p"].to_numpy(), fdr_method)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)[list(_COLUMNS)]


def _items(targets: pd.DataFrame | Mapping[Hashable, pd.Series]) -> list[tuple[Hashable, pd.Series]]:
    if isinstance(targets, pd.DataFrame | Mapping):
        return list(targets.items())
    raise fail("RG705", "`targets` must be a DataFrame or a mapping of name to Series.")


def _aligned(name: str, series: Any, features: pd.DataFrame) -> pd.Series:
    column = series if isinstance(series, pd.Series) else pd.Series(np.asarray(series), index=features.index)
    if len(column) != len(features) or not column.index.equals(features.index):
        raise fail("RG705", f"Target '{name}' and the features differ in rows or row labels.", column=name)
    return column


def _variable(name: str, series: pd.Series) -> _Variable:
    known = series.notna().to_numpy(dtype=bool)
    values, codes = np.full(len(series), np.nan), np.full(len(series), -1, dtype=np.int64)
    if not known.any():
        return _Variable(name, known, values, codes, [])
    if is_numeric(series):
        values = number(series, name, missing=True)
        if np.unique(values[known]).size > 2:
            return _Variable(name, known, values, codes, [])
    codes[known], levels = groups(series[known], name)
    return _Variable(name, known, values, codes, [word(v) for v in levels])


def _one_target(variables: list[_Variable], target: _Variable, level: float) -> pd.DataFrame:
    """All features against one target; numeric features in blocks of one pattern of missing values."""
    rows: list[dict[str, Any]] = [{} for _ in variables]
    blocks: dict[bytes, list[int]] = {}
    for index, feature in enumerate(variables):
        if feature.kind == "numeric" and feature.known.any():
            blocks.setdefault((feature.known & target.known).tobytes(), []).append(index)
        else:
            rows[index] = _single(feature, target, level)
    for members in blocks.values():
        for start in range(0, len(members), _BLOCK):
            some = members[start : start + _BLOCK]
            for index, row in zip(some, _block([variables[k] for k in some], target, level), strict=True):
                rows[index] = row
    frame = pd.DataFrame(rows)
    frame.insert(0, "target", target.name)
    frame.insert(0, "feature", [v.name for v in variables])
    return frame


def _row(
    test: str, n: int, statistic: float, effect: tuple[float, float, float], p: float, contrast: str, note: str
) -> dict[str, Any]:
    return {
        "test": test, "statistic": statistic, "effect": effect[0], "effect_name": _EFFECTS.get(test, ""),
        "lower": effect[1], "upper": effect[2], "n": n, "p": p, "contrast": contrast, "note": note,
    }  # fmt: skip


def _refused(n: int, note: str) -> dict[str, Any]:
    return _row("not tested", n, np.nan, (np.nan, np.nan, np.nan), np.nan, "", note)


def _block(features: list[_Variable], target: _Variable, level: float) -> list[dict[str, Any]]:
    """Numeric features with the same missing values against one target."""
    use = features[0].known & target.known
    n = int(use.sum())
    reason, test, run, contrast = _plan(target, use, level)
    x = np.column_stack([f.values[use] for f in features])
    varies = np.ptp(x, axis=0) > 0 if n else np.zeros(len(features), dtype=bool)
    rows = [_refused(n, reason or "the feature is constant") for _ in features]
    if reason or not varies.any():
        return rows
    c = run(x[:, varies])
    for at, index in enumerate(np.flatnonzero(varies)):
        note = "no overlap: the interval has no width" if c.lower[at] == c.upper[at] else ""
        effect = (float(c.effect[at]), float(c.lower[at]), float(c.upper[at]))
        rows[index] = _row(test, n, float(c.statistic[at]), effect, float(c.p[at]), contrast, note)
    return rows


def _plan(
    target: _Variable, use: Bools, level: float
) -> tuple[str, str, Callable[[Floats], _effects.Columns], str]:
    """Why a number cannot be tested against this target (or ""), the test and how to run it."""
    if target.kind == "numeric":
        values = target.values[use]
        if values.size >= 4 and np.ptp(values) == 0:
            return "the target is constant", "", _unused, ""
        few = "fewer than 4 units" if values.size < 4 else ""
        return few, _SPEARMAN, lambda x: _effects.spearman_rho(x, values, level), ""
    present, codes = np.unique(target.codes[use], return_inverse=True)
    names = [target.levels[k] for k in present]
    if len(names) < 2:
        return "the target has one level here", "", _unused, ""
    if len(names) == 2 and target.kind == "binary":
        few = "a group has fewer than 2 units" if np.bincount(codes).min() < 2 else ""
        return few, _RANK_SUM, lambda x: _effects.rank_sum(x, codes == 1, level), f"{names[1]} > {names[0]}"
    few = "fewer than 3 units" if codes.size < 3 else ""
    return few, _KRUSKAL, lambda x: _effects.kruskal(x, codes, level), f"{len(names)} levels"


def _unused(x: Floats) -> _effects.Columns:
    raise AssertionError("a test that was refused is not run")


def _single(feature: _Variable, target: _Variable, level: float) -> dict[str, Any]:
    """A categorical feature against any target."""
    use = feature.known & target.known
    n = int(use.sum())
    if not n:
        return _refused(0, "no unit has both values")
    if target.kind == "numeric":
        return _block([target], feature, level)[0]
    rows, a = np.unique(feature.codes[use], return_inverse=True)
    columns, b = np.unique(target.codes[use], return_inverse=True)
    if rows.size < 2 or columns.size < 2:
        return _refused(n, "the feature is constant" if rows.size < 2 else "the target has one level here")
    table = np.zeros((rows.size, columns.size), dtype=np.int64)
    np.add.at(table, (a, b), 1)
    if table.shape == (2, 2):
        p, _, lower, upper = _effects.fisher_table(table, level)
        contrast = f"{feature.levels[rows[1]]} and {target.levels[columns[1]]}"
        note = "an empty cell: the odds ratio is 0 or infinite" if (table == 0).any() else ""
        return _row(_FISHER, n, np.nan, (_effects.fisher_ratio_of_r(table), lower, upper), p, contrast, note)
    t = _effects.chi_squared_table(table.astype(float), False, level)
    note = f"smallest expected count {t.least_expected:.2g}" if t.least_expected < 5 else ""
    contrast = f"{table.shape[0]} × {table.shape[1]} levels"
    return _row(_CHI, n, t.statistic, (t.v, t.lower, t.upper), t.p, contrast, note)
