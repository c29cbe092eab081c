"""Every feature against every target: one table of tests, effects and false discovery rates."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from radiogen.errors import fail
from radiogen.stats import _effects
from radiogen.stats._design import is_numeric
from radiogen.stats._maxt import Target, step_down
from radiogen.stats._screen_columns import Columns, against_many, against_number, against_two, sorted_blocks
from radiogen.stats._screen_tables import TwoLevels, against_levels, against_two_levels, against_values, two_levels
from radiogen.stats._validate import Bools, Floats, Ints, array_of, choice, groups, normal_quantile, number, word
from radiogen.stats.multiplicity import METHODS, fdr

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
    "feature", "target", "test", "statistic", "effect", "effect_name", "lower", "upper", "n", "p", "q", "p_maxt",
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
    permutations: int = 0,
    seed: int = 0,
) -> pd.DataFrame:
    """Test every feature against every target, with an effect, its interval and q-values.

    Parameters
    ----------
    features : DataFrame, shape (n, m)
        Numbers, or text and categories.  Missing values are left out pair by pair.
    targets : DataFrame or mapping of name to Series, each of n rows
        Numbers with more than two values are continuous; all else is categorical.
    fdr_method : {"bh", "by", "storey"}, default "bh"
        See :func:`radiogen.stats.fdr`; each target is a family of its own.
    level : float, default 0.95
        Level of the intervals.
    permutations : int, default 0
        With 100 or more a column ``p_maxt`` is added: Westfall and Young's step-down maxT, the family-wise error over all
        features of a target, from so many permutations of the target among the units where it is known.
    seed : int, default 0
        Of the permutations.

    Returns
    -------
    DataFrame
        One row per feature and target: ``feature``, ``target``, ``test``, ``statistic``, ``effect``,
        ``effect_name``, ``lower``, ``upper``, ``n``, ``p``, ``q``, (``p_maxt``,) ``contrast`` (which level is
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
    the functions for one pair.  Numeric features are sorted once for all targets, and missing values of a feature or
    a target cost nothing more: 20,000 features take seconds a dozen targets.

    maxT keeps the correlation of the features and so loses less than Bonferroni.  Its statistics are the tests' chi-squared
    statistics (z² for two levels, without the continuity correction; rank correlation with the target's ranks among all
    its known units for numbers), brought to one normal scale (Wilson and Hilferty) where their degrees of freedom differ.

    References
    ----------
    Westfall and Young, Resampling-based multiple testing, Wiley 1993; Ge, Dudoit and Speed, Test 2003;12:1,
    doi 10.1007/BF02595811.

    Examples
    --------
    >>> f = pd.DataFrame({"size": [1.0, 2.0, 3.0, 4.0, 5.0, 7.0]})
    >>> t = pd.DataFrame({"TP53": ["WT", "WT", "MUT", "WT", "MUT", "MUT"]})
    >>> association_screen(f, t)[["test", "effect", "contrast"]].to_numpy().tolist()
    [['Wilcoxon rank-sum', 0.1111111111111111, 'WT > MUT']]
    """
    choice(fdr_method, "fdr_method", METHODS)
    normal_quantile(level)
    if permutations and (not isinstance(permutations, int) or permutations < 100):
        raise fail("RG708", "`permutations` must be 0 or a whole number of at least 100.", value=permutations)
    if not isinstance(features, pd.DataFrame) or not features.shape[0] or not features.shape[1]:
        raise fail("RG705", "`features` must be a DataFrame with rows and columns.")
    columns = [_variable(str(k), _aligned(str(k), s, features)) for k, s in _items(targets)]
    if not columns:
        raise fail("RG705", "`targets` has no columns.")
    table = _features(features)
    tested = _numeric_tests(table, columns, level)
    binary = [index for index, feature in table.others.items() if feature.kind == "binary"]
    pairs = two_levels(binary, [table.others[index].codes for index in binary], len(features))
    parts = []
    for at, target in enumerate(columns):
        part = _one_target(table, pairs, target, tested[at], level)
        part["q"] = fdr(part["p"].to_numpy(), fdr_method)
        if permutations:
            part["p_maxt"] = _maxt(table, target, part["p"].to_numpy(), permutations, [seed, at])
        parts.append(part)
    names = [c for c in _COLUMNS if c in parts[0]]
    return pd.concat(parts, ignore_index=True)[names]


def _items(targets: pd.DataFrame | Mapping[Hashable, pd.Series]) -> list[tuple[Hashable, pd.Series]]:
    if isinstance(targets, pd.DataFrame | Mapping):
        return list(targets.items())
    raise fail("RG705", "`targets` must be a DataFrame or a mapping of name to Series.")


def _aligned(name: str, series: Any, features: pd.DataFrame) -> pd.Series:
    if not isinstance(series, pd.Series):
        array = array_of(series, name)
        if array.shape != (len(features),):
            raise fail("RG705", f"Target '{name}' must have one value per unit.", column=name, value=array.shape)
        series = pd.Series(array, index=features.index)
    column = series
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


def _of_two(name: str, values: Floats, low: float, high: float) -> _Variable:
    """A number of two values, as codes."""
    known = ~np.isnan(values)
    codes = np.where(known, (values == high).astype(np.int64), -1)
    return _Variable(name, known, values, codes, [word(low), word(high)])


@dataclass(frozen=True)
class _Table:
    """Features: the numeric ones as rows of one matrix (``at`` their places), the others one by one."""

    names: list[str]
    at: Ints
    x: Floats
    others: dict[int, _Variable]


def _features(frame: pd.DataFrame) -> _Table:
    """Plain numeric columns are checked all at once; what else there is, column by column."""
    names = [str(name) for name in frame.columns]
    plain = np.array([isinstance(d, np.dtype) and d.kind in "iuf" for d in frame.dtypes])
    places = np.flatnonzero(plain)
    x = np.ascontiguousarray(frame.iloc[:, places].to_numpy(dtype=float).T) if places.size else np.empty((0, len(frame)))
    if np.isinf(x).any():
        first = int(places[np.isinf(x).any(axis=1).argmax()])
        number(frame.iloc[:, first], names[first], missing=True)
    # a number of more than two values: one that is neither the smallest nor the largest
    low, high = (f.reduce(x, axis=1, initial=np.nan) for f in (np.fmin, np.fmax))
    many = np.zeros(places.size, dtype=bool)
    # most columns show it in their first rows; the others are read to the end
    for columns in (slice(0, 50), slice(50, None)):
        left = np.flatnonzero(~many)
        part = x[left, columns]
        many[left] = ((part > low[left, None]) & (part < high[left, None])).any(axis=1)
    at, rows, others = list(places[many]), [x[many]], {}
    for row in np.flatnonzero(~many & (low < high)):
        others[int(places[row])] = _of_two(names[places[row]], x[row], float(low[row]), float(high[row]))
    for index in np.flatnonzero(~np.isin(np.arange(len(names)), [*at, *others])):
        feature = _variable(names[index], frame.iloc[:, index])
        if feature.kind == "numeric" and feature.known.any():
            at.append(index)
            rows.append(feature.values[None, :])
        else:
            others[int(index)] = feature
    return _Table(names, np.array(at, dtype=np.int64), rows[0] if len(rows) == 1 else np.concatenate(rows), others)


def _numeric_tests(table: _Table, targets: list[_Variable], level: float) -> list[list[Columns]]:
    """The tests of the numeric features against every target, block by block."""
    found: list[list[Columns]] = [[] for _ in targets]
    two = [k for k, target in enumerate(targets) if target.kind == "binary"]
    codes = np.array([targets[k].codes for k in two])
    for _, block in sorted_blocks(table.x):
        for k, columns in zip(two, against_two(block, codes, level) if two else [], strict=True):
            found[k].append(columns)
        for k, target in enumerate(targets):
            if target.kind == "categorical":
                found[k].append(against_many(block, target.codes, len(target.levels), level))
            elif target.kind == "numeric":
                found[k].append(against_number(block, target.values, level))
    return found


def _one_target(table: _Table, pairs: TwoLevels, target: _Variable, tested: list[Columns], level: float) -> pd.DataFrame:
    """All features against one target, in their order."""
    size = len(table.names)
    columns: dict[str, Any] = {"feature": np.array(table.names, dtype=object), "target": np.full(size, target.name, dtype=object)}
    for name in ("test", "effect_name", "contrast", "note"):
        columns[name] = np.full(size, "", dtype=object)
    for name in ("statistic", "effect", "lower", "upper", "p"):
        columns[name] = np.full(size, np.nan)
    columns["n"] = np.zeros(size, dtype=np.int64)
    if tested:
        _fill(columns, table.at, target, tested)
    left = set(table.others)
    if pairs.at.size and target.known.any():
        left -= _fill_pairs(columns, pairs, table, target, level)
    for index in sorted(left):
        for name, value in _single(table.others[index], target, level).items():
            columns[name][index] = value
    return pd.DataFrame(columns)


def _fill(columns: dict[str, Any], at: Ints, target: _Variable, tested: list[Columns]) -> None:
    """The tests of numeric features, at their places."""
    test = {"numeric": _SPEARMAN, "binary": _RANK_SUM, "categorical": _KRUSKAL}[target.kind]
    for name in ("n", "statistic", "p", "effect", "lower", "upper"):
        columns[name][at] = np.concatenate([getattr(block, name) for block in tested])
    reason = np.concatenate([block.reason for block in tested])
    done = reason == ""
    columns["test"][at] = np.where(done, test, "not tested")
    columns["effect_name"][at] = np.where(done, _EFFECTS[test], "")
    columns["contrast"][at] = np.where(done, _contrast(target), "")
    flat = done & (columns["lower"][at] == columns["upper"][at])
    columns["note"][at] = np.where(flat, "no overlap: the interval has no width", reason)


def _fill_pairs(columns: dict[str, Any], pairs: TwoLevels, table: _Table, target: _Variable, level: float) -> set[int]:
    """The tests of all features of two levels; the places that were filled."""
    names = [table.others[index].levels for index in pairs.at]
    if target.kind == "binary":
        test, found = _FISHER, against_two_levels(pairs, target.codes, level)
        contrast = [f"{own[1]} and {target.levels[1]}" for own in names]
    elif target.kind == "numeric":
        test, found = _RANK_SUM, against_values(pairs, target.values, level)
        contrast = [f"{own[1]} > {own[0]}" for own in names]
    else:
        test, found = _CHI, against_levels(pairs, target.codes, len(target.levels), level)
        contrast = [f"2 × {k} levels" for k in found.pop("present")]
    done = found.pop("done")
    # a target of which only two levels are left beside a feature is Fisher's
    use = ~found.pop("few", np.zeros(done.size, dtype=bool))
    at = pairs.at[use]
    for name, values in found.items():
        columns[name][at] = values[use]
    words: dict[str, Any] = {"test": test, "effect_name": _EFFECTS[test], "contrast": np.array(contrast, dtype=object)}
    for name, value in words.items():
        columns[name][at] = np.where(done, value, "not tested" if name == "test" else "")[use]
    return set(at.tolist())


def _contrast(target: _Variable) -> str:
    if target.kind == "numeric":
        return ""
    return f"{target.levels[1]} > {target.levels[0]}" if target.kind == "binary" else f"{len(target.levels)} levels"


def _maxt(table: _Table, target: _Variable, p: Floats, permutations: int, seed: list[int]) -> Floats:
    """Step-down maxT of the features that were tested; NaN for the others."""
    out = np.full(p.size, np.nan)
    tested = ~np.isnan(p)
    if not tested.any():
        return out
    rows = tested[table.at] if table.at.size else np.zeros(0, dtype=bool)
    others = [index for index in table.others if tested[index]]
    spec = Target(target.known, target.values, target.codes, len(target.levels))
    codes = [table.others[k].codes for k in others]
    adjusted = step_down(table.x[rows], codes, spec, permutations, seed)
    out[[*table.at[rows], *others]] = adjusted
    return out


def _row(
    test: str, n: int, statistic: float, effect: tuple[float, float, float], p: float, contrast: str, note: str
) -> dict[str, Any]:
    return {
        "test": test, "statistic": statistic, "effect": effect[0], "effect_name": _EFFECTS.get(test, ""),
        "lower": effect[1], "upper": effect[2], "n": n, "p": p, "contrast": contrast, "note": note,
    }  # fmt: skip


def _refused(n: int, note: str) -> dict[str, Any]:
    return _row("not tested", n, np.nan, (np.nan, np.nan, np.nan), np.nan, "", note)


def _single(feature: _Variable, target: _Variable, level: float) -> dict[str, Any]:
    """A categorical feature against any target."""
    use = feature.known & target.known
    n = int(use.sum())
    if not n:
        return _refused(0, "no unit has both values")
    if target.kind == "numeric":
        return _number_by_level(feature, target, use, level)
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


def _number_by_level(feature: _Variable, target: _Variable, use: Bools, level: float) -> dict[str, Any]:
    """A categorical feature against a number: the same tests, the other way round."""
    values = target.values[use]
    present, codes = np.unique(feature.codes[use], return_inverse=True)
    names = [feature.levels[k] for k in present]
    two = len(names) == 2 and feature.kind == "binary"
    reason = "the feature is constant" if len(names) < 2 else ""
    if not reason and (np.bincount(codes).min() < 2 if two else codes.size < 3):
        reason = "a group has fewer than 2 units" if two else "fewer than 3 units"
    if not reason and np.ptp(values) == 0:
        reason = "the target is constant"
    if reason:
        return _refused(values.size, reason)
    column = values[:, None]
    c = _effects.rank_sum(column, codes == 1, level) if two else _effects.kruskal(column, codes, level)
    note = "no overlap: the interval has no width" if c.lower[0] == c.upper[0] else ""
    contrast = f"{names[1]} > {names[0]}" if two else f"{len(names)} levels"
    effect = (float(c.effect[0]), float(c.lower[0]), float(c.upper[0]))
    return _row(_RANK_SUM if two else _KRUSKAL, values.size, float(c.statistic[0]), effect, float(c.p[0]), contrast, note)
