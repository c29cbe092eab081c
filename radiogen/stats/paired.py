"""Tests of paired proportions: classifiers that were judged on the same units."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import ndtr
from scipy.stats import binom, chi2

from radiogen.errors import fail
from radiogen.stats._validate import Bools, Floats, array_of, binary, normal_quantile, number, same_length
from radiogen.stats.result import StatResult
from radiogen.stats.thresholds import proportion_interval


def mcnemar_test(
    correct_a: ArrayLike, correct_b: ArrayLike, exact: bool = True, correct: bool = True, level: float = 0.95
) -> StatResult:
    """McNemar's test of two classifiers on the same units.

    Parameters
    ----------
    correct_a, correct_b : array-like of 0/1, shape (n,)
        Whether each unit was classified rightly (or called positive) by A and by B.
    exact : bool, default True
        Exact binomial test of the units on which the two differ; otherwise the chi-squared test.
    correct : bool, default True
        Continuity correction of the chi-squared test, as R's ``mcnemar.test`` applies it; without effect on the
        exact test.
    level : float, default 0.95
        Level of the intervals.

    Returns
    -------
    StatResult
        ``estimate`` is the share right by A less that by B, with Newcombe's score interval for paired proportions.
        ``statistic`` is the number right by A alone (exact) or chi-squared with ``df`` 1.
        ``result["share_a"]``, ``["share_b"]``; ``["both"]``, ``["a_only"]``, ``["b_only"]``, ``["neither"]`` count
        units; ``["odds_ratio"]`` (``a_only`` / ``b_only``) with ``["odds_ratio_lower"]`` and ``["odds_ratio_upper"]``
        from the Clopper-Pearson interval, infinite where ``b_only`` is 0 and None where nobody differs.

    Raises
    ------
    RadiogenError
        RG705 for arrays of different length, missing values, or values that are not 0 and 1.

    Notes
    -----
    Only units on which A and B differ tell them apart.  Where none does, p is 1.

    References
    ----------
    McNemar, Psychometrika 1947;12:153, doi 10.1007/BF02295996.  Newcombe (method 10), Stat Med 1998;17:2635,
    doi 10.1002/(SICI)1097-0258(19981130)17:22<2635::AID-SIM954>3.0.CO;2-C.

    Examples
    --------
    >>> a = [1, 1, 1, 1, 1, 1, 0, 0]
    >>> b = [1, 0, 0, 0, 0, 0, 0, 1]
    >>> r = mcnemar_test(a, b)
    >>> r.estimate, round(r.p, 5)
    (0.5, 0.21875)
    """
    z = normal_quantile(level)
    a, b = _right(correct_a, "correct_a"), _right(correct_b, "correct_b")
    same_length(correct_a=a, correct_b=b)
    cells = {"both": a & b, "a_only": a & ~b, "b_only": ~a & b, "neither": ~a & ~b}
    table = {name: int(cell.sum()) for name, cell in cells.items()}
    first, second, n = table["a_only"], table["b_only"], a.size
    differ = first + second
    lower, upper = _newcombe_paired(table, z)
    if exact:
        statistic, df = float(first), None
        p = min(1.0, 2 * float(binom.cdf(min(first, second), differ, 0.5))) if differ else 1.0
        how = "exact"
    else:
        gap = max(0.0, abs(first - second) - 1) if correct else float(abs(first - second))
        statistic, df = (gap**2 / differ if differ else 0.0), 1
        p = float(chi2.sf(statistic, 1))
        how = "chi-squared with continuity correction" if correct else "chi-squared"
    return StatResult(
        method=f"McNemar's test, {how}; difference with Newcombe's interval for paired proportions",
        estimate=(first - second) / n, lower=lower, upper=upper, statistic=statistic, df=df, p=p, n=n, level=level,
        extra={"share_a": float(a.mean()), "share_b": float(b.mean()), **table, **_odds(first, second, level)},
        notes=() if differ else ("The two agree on every unit; there is nothing to test.",),
    )  # fmt: skip


def cochran_q(correct: ArrayLike | pd.DataFrame, names: Sequence[str] | None = None, level: float = 0.95) -> StatResult:
    """Cochran's Q: whether several classifiers are right equally often on the same units.

    Parameters
    ----------
    correct : array-like of 0/1, shape (n, k)
        Whether each unit (row) was classified rightly by each of k >= 2 classifiers (columns).
    names : sequence of str, optional
        Names of the classifiers; by default the columns of a DataFrame, otherwise "1", "2", ….
    level : float, default 0.95
        Level of the Wilson intervals.

    Returns
    -------
    StatResult
        One row per classifier: ``estimate`` the share right with its Wilson interval; ``statistic`` Q, ``df`` k - 1
        and ``p`` of the common test are the same in each row.

    Raises
    ------
    RadiogenError
        RG705 for an array of another shape, missing values, or values that are not 0 and 1.

    Notes
    -----
    Q follows chi-squared with k - 1 degrees of freedom where enough units (about 24 / k) are classified differently;
    for two classifiers it is McNemar's chi-squared without correction.

    References
    ----------
    Cochran, Biometrika 1950;37:256, doi 10.1093/biomet/37.3-4.256.

    Examples
    --------
    >>> r = cochran_q([[1, 1, 0], [1, 0, 0], [1, 1, 1], [1, 0, 0], [1, 1, 0], [0, 0, 0]])
    >>> round(r.statistic, 4), r.df
    (6.0, 2)
    """
    normal_quantile(level)
    table, labels = _table(correct, names)
    n, k = table.shape
    column, row = table.sum(axis=0), table.sum(axis=1)
    spread = k * row.sum() - (row**2).sum()
    statistic = float((k - 1) * (k * (column**2).sum() - column.sum() ** 2) / spread) if spread > 0 else 0.0
    interval = proportion_interval(column, np.full(k, n), level=level)
    mixed = int(((row > 0) & (row < k)).sum())
    notes = []
    if mixed == 0:
        notes.append("All classifiers agree on every unit; there is nothing to test.")
    elif mixed * k < 24:
        notes.append(f"Only {mixed} units are classified differently; the chi-squared distribution is rough here.")
    return StatResult(
        method="Cochran's Q; shares with Wilson intervals",
        estimate=column / n, lower=interval.lower, upper=interval.upper, statistic=statistic, df=k - 1,
        p=float(chi2.sf(statistic, k - 1)), n=n, events=column.astype(np.int64), label=labels, level=level,
        extra={"differently": mixed}, notes=tuple(notes),
    )  # fmt: skip


def _right(values: ArrayLike, name: str) -> Bools:
    return binary(values, name, least=0)


def _table(correct: ArrayLike | pd.DataFrame, names: Sequence[str] | None) -> tuple[Floats, list[str]]:
    array = correct.to_numpy() if isinstance(correct, pd.DataFrame) else array_of(correct, "correct")
    if array.ndim != 2 or array.shape[1] < 2 or array.shape[0] < 1:
        raise fail("RG705", "`correct` must have a row per unit and a column for each of at least two classifiers.")
    values = number(array.ravel(), "correct").reshape(array.shape)
    if not np.isin(values, (0.0, 1.0)).all():
        raise fail("RG705", "`correct` must be 0 and 1 (or False and True).")
    if names is not None:
        labels = [str(name) for name in names]
    elif isinstance(correct, pd.DataFrame):
        labels = [str(name) for name in correct.columns]
    else:
        labels = [str(j + 1) for j in range(array.shape[1])]
    if len(labels) != array.shape[1]:
        raise fail("RG705", f"`names` has {len(labels)} names for {array.shape[1]} classifiers.")
    return values, labels


def _odds(first: int, second: int, level: float) -> dict[str, float | None]:
    names = ("odds_ratio", "odds_ratio_lower", "odds_ratio_upper")
    if first + second == 0:
        return dict.fromkeys(names)
    share = proportion_interval(first, first + second, "exact", level)
    values = [float(np.asarray(v)) for v in (share.estimate, share.lower, share.upper)]
    return {name: v / (1 - v) if v < 1 else np.inf for name, v in zip(names, values, strict=True)}


def _newcombe_paired(table: dict[str, int], z: float) -> tuple[float, float]:
    """Newcombe's method 10: Wilson limits of both shares, joined with their correlation."""
    e, f, g, h = (table[name] for name in ("both", "a_only", "b_only", "neither"))
    n = e + f + g + h
    level = float(2 * ndtr(z) - 1)
    (low_a, high_a), (low_b, high_b) = (_wilson(k, n, level) for k in (e + f, e + g))
    p_a, p_b = (e + f) / n, (e + g) / n
    size = (e + f) * (g + h) * (e + g) * (f + h)
    cross = e * h - f * g
    # a continuity correction for a positive association only
    top = max(cross - n / 2, 0) if cross > 0 else cross
    phi = top / np.sqrt(size) if size > 0 else 0.0
    below, above = (p_a - low_a, high_b - p_b), (high_a - p_a, p_b - low_b)

    def reach(pair: tuple[float, float]) -> float:
        return float(np.sqrt(max(0.0, pair[0] ** 2 - 2 * phi * pair[0] * pair[1] + pair[1] ** 2)))

    difference = p_a - p_b
    return max(-1.0, difference - reach(below)), min(1.0, difference + reach(above))


def _wilson(k: int, n: int, level: float) -> tuple[float, float]:
    found = proportion_interval(k, n, level=level)
    return float(np.asarray(found.lower)), float(np.asarray(found.upper))
