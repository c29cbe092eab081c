"""Rank and table statistics for many columns at once; the functions for one pair use them too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import chdtr, chdtrc, chndtr, gammaln, ndtr
from scipy.stats import t as student

from radiogen.stats._uniroot import uniroot
from radiogen.stats._validate import Bools, Floats, Ints, normal_quantile

#: statistics up to which each noncentrality is searched for by itself; the knots of the curve for more
_CURVE = 200


@dataclass(frozen=True)
class Columns:
    """Statistic, p-value and effect with interval of each column."""

    statistic: Floats
    p: Floats
    effect: Floats
    se: Floats
    lower: Floats
    upper: Floats


def rank_sum(x: Floats, second: Bools, level: float) -> Columns:
    """Wilcoxon's rank-sum test of each column of x (n × m): R's p-value, AUC with DeLong's interval.

    No column may be constant, and both groups need two units.
    """
    m, n = int(second.sum()), int((~second).sum())
    ranks = midranks(x)
    inside, outside = ranks[second], ranks[~second]
    w = inside.sum(axis=0) - m * (m + 1) / 2
    total = m + n
    sigma = np.sqrt(m * n / 12 * (total + 1 - _tie_term(ranks) / (total * (total - 1))))
    gap = w - m * n / 2
    z = (gap - 0.5 * np.sign(gap)) / sigma
    v10 = (inside - midranks(x[second])) / n
    v01 = 1 - (outside - midranks(x[~second])) / m
    auc = w / (m * n)
    se = np.sqrt(v10.var(axis=0, ddof=1) / m + v01.var(axis=0, ddof=1) / n)
    margin = normal_quantile(level) * se
    p = 2 * np.minimum(ndtr(z), ndtr(-z))
    return Columns(w, p, auc, se, np.maximum(0, auc - margin), np.minimum(1, auc + margin))


def kruskal(x: Floats, codes: Ints, level: float) -> Columns:
    """Kruskal and Wallis' test of each column of x (n × m), with epsilon squared."""
    n = x.shape[0]
    sizes = np.bincount(codes).astype(float)
    ranks = midranks(x)
    sums = np.zeros((sizes.size, x.shape[1]))
    np.add.at(sums, codes, ranks)
    h = 12 / (n * (n + 1)) * (sums**2 / sizes[:, None]).sum(axis=0) - 3 * (n + 1)
    # rounding can bring a null H just below 0
    h = np.maximum(0.0, h / (1 - _tie_term(ranks) / (n**3 - n)))
    df = sizes.size - 1.0
    low, high = noncentrality(h, df, level)
    effect = h / (n - 1)
    upper = np.maximum(effect, np.minimum(1, high / (n - 1)))
    lower = np.minimum(effect, low / (n - 1))
    return Columns(h, chdtrc(df, h), effect, np.full_like(h, np.nan), lower, upper)


def spearman_rho(x: Floats, y: Floats, level: float) -> Columns:
    """Spearman's correlation of each column of x (n × m) with y, Student's t and Fisher's z."""
    n = y.size
    a = midranks(x)
    b = midranks(y[:, None])[:, 0]
    a = a - a.mean(axis=0)
    b = b - b.mean()
    rho = np.clip(b @ a / np.sqrt((a**2).sum(axis=0) * (b**2).sum()), -1, 1)
    # at |rho| = 1 but for rounding, t is infinite and p is 0, as in R
    rho = np.where(np.abs(rho) > 1 - 1e-15, np.sign(rho), rho)
    with np.errstate(divide="ignore"):
        statistic = rho * np.sqrt((n - 2) / ((1 - rho) * (1 + rho)))
        centre = np.arctanh(rho)
    se = np.sqrt((1 + rho**2 / 2) / (n - 3))
    margin = normal_quantile(level) * se
    p = 2 * student.sf(np.abs(statistic), n - 2)
    return Columns(statistic, p, rho, se * (1 - rho**2), np.tanh(centre - margin), np.tanh(centre + margin))


def midranks(x: Floats) -> Floats:
    """Ranks from 1 within each column, ties sharing their mean; scipy's ``rankdata`` at twice the speed."""
    rows = np.ascontiguousarray(x.T)
    m, n = rows.shape
    order = np.argsort(rows, axis=1)
    ranked = np.take_along_axis(rows, order, axis=1)
    new = np.ones((m, n), dtype=bool)
    new[:, 1:] = ranked[:, 1:] != ranked[:, :-1]
    starts = np.flatnonzero(new.ravel())
    sizes = np.diff(np.r_[starts, m * n])
    shared = np.repeat(starts % n + (sizes + 1) / 2, sizes).reshape(m, n)
    ranks = np.empty((m, n))
    np.put_along_axis(ranks, order, shared, axis=1)
    return ranks.T


def _tie_term(ranks: Floats) -> Floats:
    """Sum of t³ - t over the ties of each column, from the sum of squares that the ties take away."""
    n = ranks.shape[0]
    return np.asarray(12 * (n * (n + 1) * (2 * n + 1) / 6 - (ranks**2).sum(axis=0)))


def noncentrality(statistic: Floats, df: float, level: float) -> tuple[Floats, Floats]:
    """Limits of the noncentrality of a chi-squared statistic, by inverting its distribution.

    A limit is 0 where even the central distribution lies on the far side of the statistic.
    """
    tail = (1 - level) / 2
    return _invert(statistic, df, 1 - tail), _invert(statistic, df, tail)


def _invert(statistic: Floats, df: float, p: float) -> Floats:
    """Noncentrality at which the distribution function at the statistic is p: a curve for a start, Newton, bisection."""
    if statistic.size <= _CURVE:
        return _bisect(statistic, df, p)
    far = chdtr(df, statistic) > p
    if not far.all():
        whole = np.zeros_like(statistic)
        whole[far] = _invert(statistic[far], df, p)
        return whole
    # the answer is a smooth function of the statistic, nearly a line in their square roots
    knots = np.linspace(np.sqrt(statistic.min()), np.sqrt(statistic.max()), _CURVE)
    out = np.interp(np.sqrt(statistic), knots, np.sqrt(_bisect(knots**2, df, p, 30))) ** 2
    rough = out <= 0
    for _ in range(4):
        # the derivative by the noncentrality is half the difference to two more degrees of freedom
        value = chndtr(statistic, df, out)
        with np.errstate(divide="ignore", invalid="ignore"):
            out = out + (value - p) / ((value - chndtr(statistic, df + 2, out)) / 2)
        rough |= ~(out > 0)
        out = np.where(rough, 0.0, out)
    rough |= np.abs(chndtr(statistic, df, out) - p) > 1e-12
    out[rough] = _bisect(statistic[rough], df, p)
    return out


def _bisect(statistic: Floats, df: float, p: float, steps: int = 60) -> Floats:
    low = np.zeros_like(statistic)
    # by the normal approximation the answer is within some 40 standard deviations
    high = statistic + 10 * np.sqrt(4 * statistic + 2 * df) + 100
    inside = chndtr(statistic, df, low) > p
    for _ in range(steps):
        middle = (low + high) / 2
        above = chndtr(statistic, df, middle) > p
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return np.where(inside, (low + high) / 2, 0.0)


@dataclass(frozen=True)
class Table:
    """A contingency table's chi-squared test and Cramér's V."""

    statistic: float
    df: float
    p: float
    v: float
    lower: float
    upper: float
    least_expected: float


def chi_squared_table(table: Floats, correct: bool, level: float) -> Table:
    """Pearson's test of a table without empty rows or columns."""
    n = table.sum()
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / n
    gap = np.abs(table - expected)
    if correct and table.shape == (2, 2):
        gap = gap - min(0.5, gap.min())
    statistic = float((gap**2 / expected).sum())
    df = float((table.shape[0] - 1) * (table.shape[1] - 1))
    base = n * (min(table.shape) - 1)
    # the effect is that of the uncorrected statistic
    plain = float(((table - expected) ** 2 / expected).sum())
    low, high = noncentrality(np.array([plain]), df, level)
    v = float(np.sqrt(plain / base))
    return Table(
        statistic, df, float(chdtrc(df, statistic)), min(v, 1.0), min(v, float(np.sqrt(low[0] / base))),
        max(v, min(1.0, float(np.sqrt(high[0] / base)))), float(expected.min()),
    )  # fmt: skip


def fisher_table(table: Ints, level: float) -> tuple[float, float, float, float]:
    """Fisher's exact test of a 2 × 2 table: p, conditional odds ratio and its exact limits.

    The two-sided p-value adds up the tables no more probable than the one seen, with R's relative
    tolerance of 1e-7.
    """
    a, support, chances = _hypergeometric(table)
    low, high = int(support[0]), int(support[-1])
    null = chances(0.0)
    p = min(1.0, float(null[null <= null[a - low] * (1 + 1e-7)].sum()))
    tail = (1 - level) / 2
    at = a - low
    estimate = _root(lambda r: float(chances(r) @ support) - a, a == low, a == high)
    lower = -np.inf if a == low else _root(lambda r: float(chances(r)[at:].sum()) - tail, False, False)
    upper = np.inf if a == high else _root(lambda r: tail - float(chances(r)[: at + 1].sum()), False, False)
    with np.errstate(over="ignore"):
        return p, float(np.exp(estimate)), float(np.exp(lower)), float(np.exp(upper))


def fisher_ratio_of_r(table: Ints) -> float:
    """The odds ratio as R's ``fisher.test`` gives it: searched for to a tolerance of 1.2e-4 only."""
    a, support, chances = _hypergeometric(table)
    if a in (support[0], support[-1]):
        return 0.0 if a == support[0] else np.inf

    def mean(ratio: float) -> float:
        if ratio == 0:
            return float(support[0])
        return float(chances(np.log(ratio)) @ support)

    if mean(1.0) > a:
        return uniroot(lambda r: mean(r) - a, 0.0, 1.0)
    if mean(1.0) < a:
        return 1 / uniroot(lambda r: mean(1 / r) - a, float(np.finfo(float).eps), 1.0)
    return 1.0


def _hypergeometric(table: Ints) -> tuple[int, Ints, Callable[[float], Floats]]:
    """First cell, its possible values and their probabilities at a log odds ratio, margins fixed."""
    a, row, column, n = int(table[0, 0]), int(table[0].sum()), int(table[:, 0].sum()), int(table.sum())
    support = np.arange(max(0, row + column - n), min(row, column) + 1)
    weight = _log_choose(row, support) + _log_choose(n - row, column - support)

    def chances(log_ratio: float) -> Floats:
        value = weight + log_ratio * (support - a)
        value = np.exp(value - value.max())
        return np.asarray(value / value.sum())

    return a, support, chances


def _log_choose(n: int, k: Ints) -> Floats:
    return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))


def _root(rising: Callable[[float], float], at_low: bool, at_high: bool) -> float:
    """The root of an increasing function of the log odds ratio; ±infinity at the edge of the support."""
    if at_low:
        return -np.inf
    if at_high:
        return np.inf
    return float(brentq(rising, -200.0, 200.0, xtol=1e-13, rtol=1e-13))
