"""Rank statistics of many sorted columns: compiled loops over tie blocks, exact (whole and half numbers).

Every column comes sorted once (``order``: its units from the smallest value on, the missing last; ``new``: whether a value
differs from the one before; ``known``: how many are not missing).  Each target then costs one walk along that order, with its
own missing units left out, so that no column is ever ranked again.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from radiogen.compiled import compiled
from radiogen.stats._validate import Bools, Floats, Ints


def sort_columns(x: Floats) -> tuple[Ints, Bools, Ints]:
    """Order, first of each tie block and number of known values of each row of x (m × n); NaN is missing."""
    order = np.argsort(x, axis=1)
    ranked = np.take_along_axis(x, order, axis=1)
    new = np.ones(x.shape, dtype=bool)
    new[:, 1:] = ranked[:, 1:] != ranked[:, :-1]
    return order, new, x.shape[1] - np.isnan(ranked).sum(axis=1)


@compiled
def two_groups(order: Any, new: Any, known: Any, ones: Any, zeros: Any) -> Any:
    """For each column and target (``ones``, ``zeros``: n × t, 1.0 where a unit is of that group) seven sums, m × t × 7.

    Units of group 1 and of group 0; sum and sum of squares of how many of group 0 lie below each of group 1 (ties half); sum of
    squares of how many of group 1 lie below each of group 0; sum of t³ - t over ties; distinct values.

    The loops over targets are the inner ones and have no branches, so that the processor takes several targets at once.
    """
    m, t = order.shape[0], ones.shape[1]
    out = np.zeros((m, t, 7))
    m1, m0, s, s2, r2, ties, merged, a, b = (
        np.empty(t), np.empty(t), np.empty(t), np.empty(t), np.empty(t), np.empty(t), np.empty(t), np.empty(t), np.empty(t),
    )  # fmt: skip
    for f in range(m):
        for k in range(t):
            m1[k] = m0[k] = s[k] = s2[k] = r2[k] = ties[k] = merged[k] = 0.0
        i = 0
        while i < known[f]:
            end = i + 1
            while end < known[f] and not new[f, end]:
                end += 1
            if end - i == 1:
                unit = order[f, i]
                for k in range(t):
                    one, zero, above, below = ones[unit, k], zeros[unit, k], m1[k], m0[k]
                    s[k] += one * below
                    s2[k] += one * below * below
                    r2[k] += zero * above * above
                    m1[k] = above + one
                    m0[k] = below + zero
            else:
                for k in range(t):
                    a[k] = b[k] = 0.0
                for j in range(i, end):
                    unit = order[f, j]
                    for k in range(t):
                        a[k] += ones[unit, k]
                        b[k] += zeros[unit, k]
                for k in range(t):
                    below, above, both = m0[k] + b[k] / 2, m1[k] + a[k] / 2, a[k] + b[k]
                    s[k] += a[k] * below
                    s2[k] += a[k] * below * below
                    r2[k] += b[k] * above * above
                    ties[k] += both * both * both - both
                    merged[k] += max(both - 1, 0.0)
                    m1[k] += a[k]
                    m0[k] += b[k]
            i = end
        for k in range(t):
            out[f, k, 0], out[f, k, 1], out[f, k, 2], out[f, k, 3], out[f, k, 4] = m1[k], m0[k], s[k], s2[k], r2[k]
            out[f, k, 5], out[f, k, 6] = ties[k], m1[k] + m0[k] - merged[k]
    return out


@compiled
def many_groups(order: Any, new: Any, known: Any, codes: Any, levels: int) -> Any:
    """For each column the units and doubled rank sum of each group (-1: missing), sum of t³ - t over ties, distinct values."""
    m = order.shape[0]
    sizes = np.zeros((m, levels), dtype=np.int64)
    sums = np.zeros((m, levels), dtype=np.int64)
    ties = np.zeros(m, dtype=np.int64)
    blocks = np.zeros(m, dtype=np.int64)
    for f in range(m):
        i = before = 0
        while i < known[f]:
            end = i + 1
            while end < known[f] and not new[f, end]:
                end += 1
            c = 0
            for j in range(i, end):
                if codes[order[f, j]] >= 0:
                    c += 1
            if c > 0:
                for j in range(i, end):
                    code = codes[order[f, j]]
                    if code >= 0:
                        sums[f, code] += 2 * before + c + 1
                        sizes[f, code] += 1
                ties[f] += c * c * c - c
                blocks[f] += 1
                before += c
            i = end
    return sizes, sums, ties, blocks


@compiled
def number_ranks(order: Any, new: Any, known: int, there: Any, ranks: Any) -> Any:
    """Doubled ranks of a target among the units where a column is ``there``, into ``ranks`` (0: missing); n, ties, distinct."""
    ranks[:] = 0
    i = before = ties = blocks = 0
    while i < known:
        end = i + 1
        while end < known and not new[end]:
            end += 1
        c = 0
        for j in range(i, end):
            if there[order[j]]:
                c += 1
        if c > 0:
            for j in range(i, end):
                if there[order[j]]:
                    ranks[order[j]] = 2 * before + c + 1
            ties += c * c * c - c
            blocks += 1
            before += c
        i = end
    return before, ties, blocks


@compiled
def rank_products(order: Any, new: Any, known: Any, there: Any, y_order: Any, y_new: Any, y_known: int) -> Any:
    """For each column against one number: common units, sum of products of doubled ranks, ties of both, distinct values of both.

    ``there`` (m × n) says where a column is known; the ranks are those among the common units.
    """
    m, n = order.shape
    out = np.zeros((m, 6), dtype=np.int64)
    everywhere = np.ones(n, dtype=np.bool_)
    whole = np.zeros(n, dtype=np.int64)
    own = np.zeros(n, dtype=np.int64)
    count, ties_y, blocks_y = number_ranks(y_order, y_new, y_known, everywhere, whole)
    for f in range(m):
        ranks = whole
        out[f, 0], out[f, 3], out[f, 5] = count, ties_y, blocks_y
        if known[f] < n:
            ranks = own
            out[f, 0], out[f, 3], out[f, 5] = number_ranks(y_order, y_new, y_known, there[f], own)
        i = before = 0
        while i < known[f]:
            end = i + 1
            while end < known[f] and not new[f, end]:
                end += 1
            c = total = 0
            for j in range(i, end):
                # a doubled rank is 2 at least: 0 marks a unit whose target is missing
                rank = ranks[order[f, j]]
                total += rank
                if rank > 0:
                    c += 1
            if c > 0:
                out[f, 1] += (2 * before + c + 1) * total
                out[f, 2] += c * c * c - c
                out[f, 4] += 1
                before += c
            i = end
    return out
