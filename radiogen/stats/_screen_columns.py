"""Tests of many numeric columns against one target at once, from one sorting of the columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import chdtrc, ndtr, stdtr

from radiogen.stats._effects import noncentrality
from radiogen.stats._validate import Bools, Floats, Ints, normal_quantile

#: numbers of a block of columns: 16 MB in float64
_BLOCK = 2_000_000


@dataclass(frozen=True)
class Columns:
    """One test of each column: arrays of one length; ``reason`` is empty where the test was done."""

    n: Ints
    statistic: Floats
    p: Floats
    effect: Floats
    lower: Floats
    upper: Floats
    reason: Any


@dataclass(frozen=True)
class Sorted:
    """Columns sorted once (m × n); see :mod:`radiogen.stats._rank_kernels`."""

    order: Ints
    new: Bools
    known: Ints
    there: Bools

    @property
    def size(self) -> int:
        """Number of columns."""
        return int(self.order.shape[0])


def sorted_blocks(x: Floats) -> Iterator[tuple[slice, Sorted]]:
    """Rows of x (m × n, NaN missing) in blocks, sorted."""
    from radiogen.stats._rank_kernels import sort_columns

    step = max(1, _BLOCK // max(1, x.shape[1]))
    for start in range(0, x.shape[0], step):
        part = x[start : start + step]
        yield slice(start, start + part.shape[0]), Sorted(*sort_columns(part), there=~np.isnan(part))


def against_two(columns: Sorted, codes: Ints, level: float) -> list[Columns]:
    """Wilcoxon's rank-sum test and AUC with DeLong's interval; codes t × n, -1 missing; one answer per target."""
    from radiogen.stats._rank_kernels import two_groups

    ones, zeros = (np.ascontiguousarray((codes == group).T, dtype=float) for group in (1, 0))
    sums = two_groups(columns.order, columns.new, columns.known, ones, zeros)
    return [_two(sums[:, k], level) for k in range(codes.shape[0])]


def one_by_many(column: Sorted, ones: Floats, zeros: Floats, level: float) -> Columns:
    """The same for one column and many ways to split it (n × t, 1 where a unit is of the group), at once."""
    from radiogen.stats._rank_kernels import two_groups

    return _two(two_groups(column.order, column.new, column.known, ones, zeros)[0], level)


def _two(sums: Floats, level: float) -> Columns:
    m, n, w, s2, r2, ties, blocks = sums.T
    total = m + n
    reason = _first(
        (total == 0, "no unit has both values"), ((m == 0) | (n == 0), "the target has one level here"),
        ((m < 2) | (n < 2), "a group has fewer than 2 units"), (blocks < 2, "the feature is constant"),
    )  # fmt: skip
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = w - m * n / 2
        z = (gap - 0.5 * np.sign(gap)) / np.sqrt(m * n / 12 * (total + 1 - ties / (total * (total - 1))))
        auc = w / (m * n)
        # variances of the placements of each group among the other; where the groups do not overlap they are all equal
        apart = (w == 0) | (w == m * n)
        v10 = np.where(apart, 0.0, np.maximum(0.0, s2 - w**2 / m) / (n**2 * (m - 1)))
        v01 = np.where(apart, 0.0, np.maximum(0.0, r2 - (m * n - w) ** 2 / n) / (m**2 * (n - 1)))
        margin = normal_quantile(level) * np.sqrt(v10 / m + v01 / n)
        p = 2 * np.minimum(ndtr(z), ndtr(-z))
    return _columns(total, w, p, auc, np.maximum(0, auc - margin), np.minimum(1, auc + margin), reason)


def against_many(columns: Sorted, codes: Ints, levels: int, level: float) -> Columns:
    """Kruskal and Wallis' test and epsilon squared; codes of n units, -1 missing."""
    from radiogen.stats._rank_kernels import many_groups

    sizes, sums, ties, blocks = many_groups(
        columns.order, columns.new, columns.known, np.ascontiguousarray(codes, dtype=np.int16), levels
    )
    n = sizes.sum(axis=1)
    present = (sizes > 0).sum(axis=1)
    reason = _first(
        (n == 0, "no unit has both values"), (present < 2, "the target has one level here"), (n < 3, "fewer than 3 units"),
        (blocks < 2, "the feature is constant"),
    )  # fmt: skip
    ok = reason == ""
    h, p, low, high = (np.full(columns.size, np.nan) for _ in range(4))
    count = n[ok].astype(float)
    # rounding can bring a null H just below 0
    raw = (np.where(sizes[ok] > 0, sums[ok].astype(float) ** 2 / 4 / np.maximum(1, sizes[ok]), 0.0)).sum(axis=1)
    h[ok] = np.maximum(0.0, (12 / (count * (count + 1)) * raw - 3 * (count + 1)) / (1 - ties[ok] / (count**3 - count)))
    for groups in np.unique(present[ok]):
        own = ok & (present == groups)
        p[own] = chdtrc(groups - 1.0, h[own])
        low[own], high[own] = noncentrality(h[own], groups - 1.0, level)
    effect = h / (n - 1)
    upper = np.maximum(effect, np.minimum(1, high / (n - 1)))
    return _columns(n, h, p, effect, np.minimum(effect, low / (n - 1)), upper, reason)


def against_number(columns: Sorted, y: Floats, level: float) -> Columns:
    """Spearman's correlation with Student's t and Bonett and Wright's interval; y of n units, NaN missing."""
    from radiogen.stats._rank_kernels import rank_products, sort_columns

    order, new, known = sort_columns(y[None, :])
    sums = rank_products(columns.order, columns.new, columns.known, columns.there, order[0], new[0], int(known[0])).astype(float)
    n, products, ties_x, ties_y, blocks_x, blocks_y = sums.T
    reason = _first(
        (n == 0, "no unit has both values"), (n < 4, "fewer than 4 units"), (blocks_y < 2, "the target is constant"),
        (blocks_x < 2, "the feature is constant"),
    )  # fmt: skip
    with np.errstate(divide="ignore", invalid="ignore"):
        squares_x, squares_y = (n**3 - n - ties_x) / 12, (n**3 - n - ties_y) / 12
        rho = (products / 4 - n * (n + 1) ** 2 / 4) / np.sqrt(squares_x * squares_y)
        # at |rho| = 1 but for rounding, t is infinite and p is 0, as in R
        rho = np.where(np.abs(rho) > 1 - 1e-15, np.sign(rho), np.clip(rho, -1, 1))
        statistic = rho * np.sqrt((n - 2) / ((1 - rho) * (1 + rho)))
        p = 2 * stdtr(n - 2, -np.abs(statistic))
        centre, margin = np.arctanh(rho), normal_quantile(level) * np.sqrt((1 + rho**2 / 2) / (n - 3))
        lower, upper = np.tanh(centre - margin), np.tanh(centre + margin)
    return _columns(n, statistic, p, rho, lower, upper, reason)


def _first(*reasons: tuple[Bools, str]) -> Any:
    """Of each column the first reason that applies, or nothing."""
    out = np.full(reasons[0][0].size, "", dtype=object)
    for holds, words in reversed(reasons):
        out[holds] = words
    return out


def _columns(n: Any, statistic: Floats, p: Floats, effect: Floats, lower: Floats, upper: Floats, reason: Any) -> Columns:
    bad = reason != ""
    whole = np.asarray(n).astype(np.int64)
    a, b, c, d, e = (np.where(bad, np.nan, v) for v in (statistic, p, effect, lower, upper))
    return Columns(whole, a, b, c, d, e, reason)
