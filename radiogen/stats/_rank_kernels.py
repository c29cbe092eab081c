"""Rank statistics of many sorted columns: compiled loops over tie blocks, exact in integers (ranks doubled).

Every column comes sorted once (``order``: its units from the smallest value on, the missing last; ``new``: whether a value
differs from the one before; ``known``: how many are not missing).  Each target then costs one walk along that order, with its
own missing units left out, so that no column is ever ranked again.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from radiogen.stats._compile import compiled
from radiogen.stats._validate import Bools, Floats, Ints

Codes = NDArray[np.int8]


def sort_columns(x: Floats) -> tuple[Ints, Bools, Ints]:
    """Order, first of each tie block and number of known values of each row of x (m × n); NaN is missing."""
    order = np.argsort(x, axis=1)
    ranked = np.take_along_axis(x, order, axis=1)
    new = np.ones(x.shape, dtype=bool)
    new[:, 1:] = ranked[:, 1:] != ranked[:, :-1]
    return order, new, x.shape[1] - np.isnan(ranked).sum(axis=1)


@compiled
def two_groups(order: Any, new: Any, known: Any, codes: Any) -> Any:
    """For each column and target (codes 0, 1, -1 missing; t × n) eight sums, m × t × 8.

    Units of group 1 and of group 0; doubled sum and sum of squares of how many of group 0 lie below each of group 1
    (ties half), and of how many of group 1 lie below each of group 0; sum of t³ - t over ties; tie blocks.
    """
    m, t = order.shape[0], codes.shape[0]
    out = np.zeros((m, t, 8), dtype=np.int64)
    for f in range(m):
        for k in range(t):
            ones = zeros = a = b = 0
            for i in range(known[f] + 1):
                if i == known[f] or new[f, i]:
                    c = a + b
                    if c > 0:
                        below, under = 2 * zeros + b, 2 * ones + a
                        out[f, k, 2] += a * below
                        out[f, k, 3] += a * below * below
                        out[f, k, 4] += b * under
                        out[f, k, 5] += b * under * under
                        out[f, k, 6] += c * c * c - c
                        out[f, k, 7] += 1
                        ones += a
                        zeros += b
                        a = b = 0
                if i < known[f]:
                    code = codes[k, order[f, i]]
                    if code == 1:
                        a += 1
                    elif code == 0:
                        b += 1
            out[f, k, 0] = ones
            out[f, k, 1] = zeros
    return out


@compiled
def many_groups(order: Any, new: Any, known: Any, codes: Any, levels: int) -> Any:
    """For each column the units and doubled rank sum of each group, sum of t³ - t over ties, tie blocks."""
    m = order.shape[0]
    sizes = np.zeros((m, levels), dtype=np.int64)
    sums = np.zeros((m, levels), dtype=np.int64)
    ties = np.zeros(m, dtype=np.int64)
    blocks = np.zeros(m, dtype=np.int64)
    inside = np.zeros(levels, dtype=np.int64)
    for f in range(m):
        before = c = 0
        for i in range(known[f] + 1):
            if (i == known[f] or new[f, i]) and c > 0:
                rank = 2 * before + c + 1
                for g in range(levels):
                    sums[f, g] += inside[g] * rank
                    sizes[f, g] += inside[g]
                    inside[g] = 0
                ties[f] += c * c * c - c
                blocks[f] += 1
                before += c
                c = 0
            if i < known[f]:
                code = codes[order[f, i]]
                if code >= 0:
                    inside[code] += 1
                    c += 1
    return sizes, sums, ties, blocks


@compiled
def rank_products(order: Any, new: Any, known: Any, there: Any, y_order: Any, y_new: Any, y_known: int) -> Any:
    """For each column against one number: common units, sum of products of doubled ranks, ties of both, blocks of both.

    ``there`` (m × n) says where a column is known; the ranks are those among the common units.
    """
    m, n = order.shape
    out = np.zeros((m, 6), dtype=np.int64)
    ranks = np.zeros(n, dtype=np.int64)
    for f in range(m):
        ranks[:] = 0
        before = c = start = 0
        for j in range(y_known + 1):
            if j == y_known or y_new[j]:
                for i in range(start, j):
                    if there[f, y_order[i]]:
                        ranks[y_order[i]] = 2 * before + c + 1
                if c > 0:
                    out[f, 3] += c * c * c - c
                    out[f, 5] += 1
                before += c
                c = 0
                start = j
            if j < y_known and there[f, y_order[j]]:
                c += 1
        out[f, 0] = before
        before = c = total = 0
        for i in range(known[f] + 1):
            if (i == known[f] or new[f, i]) and c > 0:
                out[f, 1] += (2 * before + c + 1) * total
                out[f, 2] += c * c * c - c
                out[f, 4] += 1
                before += c
                c = total = 0
            # a doubled rank is 2 at least: 0 marks a unit whose target is missing
            if i < known[f] and ranks[order[f, i]] > 0:
                total += ranks[order[f, i]]
                c += 1
    return out
