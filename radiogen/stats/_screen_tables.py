"""Tests of many columns of two levels against one target: two levels, more levels, or a number."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc

from radiogen.stats._effects import noncentrality
from radiogen.stats._screen_columns import one_by_many, sorted_blocks
from radiogen.stats._validate import Bools, Floats, Ints

#: Pearson's approximation is rough where a smallest expected count is below
_ROUGH = 5


@dataclass(frozen=True)
class TwoLevels:
    """Columns of two levels, each as two rows of indicators (m × n in single precision: counts are exact)."""

    at: Ints
    first: NDArray[np.float32]
    second: NDArray[np.float32]

    @cached_property
    def first_units(self) -> Floats:
        """The first level by unit (n × m), in double precision."""
        return np.ascontiguousarray(self.first.T, dtype=np.float64)

    @cached_property
    def second_units(self) -> Floats:
        """The second level by unit."""
        return np.ascontiguousarray(self.second.T, dtype=np.float64)


def two_levels(at: list[int], codes: list[Ints], n: int) -> TwoLevels:
    """Columns as codes 0, 1 and -1 (missing), and their places among all columns."""
    table = np.array(codes, dtype=np.int8).reshape(len(at), n)
    return TwoLevels(np.array(at, dtype=np.int64), (table == 0).astype(np.float32), (table == 1).astype(np.float32))


def against_two_levels(columns: TwoLevels, target: Ints, level: float) -> dict[str, Any]:
    """Fisher's test of each column; why a column has none stands in its note."""
    from radiogen.stats._fisher_kernels import fisher_tables

    zero, one = (target == 0).astype(np.float32), (target == 1).astype(np.float32)
    cells = np.column_stack([columns.first @ zero, columns.first @ one, columns.second @ zero, columns.second @ one])
    tables = np.ascontiguousarray(np.rint(cells), dtype=np.int64)
    n = tables.sum(axis=1)
    rows, sums = tables.reshape(-1, 2, 2).sum(axis=2), tables.reshape(-1, 2, 2).sum(axis=1)
    reason = _reasons(n, rows[:, 0], rows[:, 1], (sums > 0).all(axis=1))
    done = reason == ""
    found: Floats = np.full((n.size, 4), np.nan)
    if done.any():
        # columns of few units share their tables
        different, back = np.unique(tables[done], axis=0, return_inverse=True)
        found[done] = fisher_tables(different, (1 - level) / 2)[back.reshape(-1)]
    note = np.where(done & (tables == 0).any(axis=1), "an empty cell: the odds ratio is 0 or infinite", reason)
    return {
        "n": n, "p": found[:, 0], "effect": found[:, 1], "lower": found[:, 2], "upper": found[:, 3], "done": done, "note": note,
    }  # fmt: skip


def against_levels(columns: TwoLevels, target: Ints, levels: int, level: float) -> dict[str, Any]:
    """Pearson's chi-squared test and Cramér's V of each column; ``few`` where only two levels of the target are left."""
    shown = (target[:, None] == np.arange(levels)).astype(np.float32)
    counts = np.stack([columns.first @ shown, columns.second @ shown], axis=1).astype(np.float64)
    n, sums, rows = counts.sum(axis=(1, 2)), counts.sum(axis=1), counts.sum(axis=2)
    present = (sums > 0).sum(axis=1)
    reason = _reasons(n, rows[:, 0], rows[:, 1], present > 1)
    done = reason == ""
    statistic, p, v, low, high, least = (np.full(n.size, np.nan) for _ in range(6))
    expected = rows[:, :, None] * sums[:, None, :] / np.maximum(1, n)[:, None, None]
    gap = np.divide((counts - expected) ** 2, expected, out=np.zeros_like(counts), where=expected > 0)
    statistic[done] = gap.sum(axis=(1, 2))[done]
    least[done] = np.where(expected > 0, expected, np.inf).min(axis=(1, 2))[done]
    for groups in np.unique(present[done]):
        own = done & (present == groups)
        p[own] = chdtrc(groups - 1.0, statistic[own])
        low[own], high[own] = noncentrality(statistic[own], groups - 1.0, level)
    v[done] = np.sqrt(statistic[done] / n[done])
    lower = np.minimum(v, np.sqrt(low / np.maximum(1, n)))
    upper = np.maximum(v, np.minimum(1.0, np.sqrt(high / np.maximum(1, n))))
    rough = [f"smallest expected count {x:.2g}" if x < _ROUGH else "" for x in least]
    return {
        "n": n.astype(np.int64), "statistic": statistic, "p": p, "effect": np.minimum(v, 1.0), "lower": lower, "upper": upper,
        "done": done, "note": np.where(done, np.array(rough, dtype=object), reason), "few": done & (present == 2),
        "present": present,
    }  # fmt: skip


def against_values(columns: TwoLevels, values: Floats, level: float) -> dict[str, Any]:
    """Wilcoxon's rank-sum test of the numbers in the two groups of each column."""
    _, block = next(iter(sorted_blocks(np.ascontiguousarray(values[None, :]))))
    found = one_by_many(block, columns.second_units, columns.first_units, level)
    # the roles are exchanged: the target is the sorted column
    words = {"the target has one level here": "the feature is constant", "the feature is constant": "the target is constant"}
    out: dict[str, Any] = {name: getattr(found, name) for name in ("n", "statistic", "p", "effect", "lower", "upper")}
    reason = np.array([words.get(word, word) for word in found.reason], dtype=object)
    done: Bools = reason == ""
    flat = done & (out["lower"] == out["upper"])
    return {**out, "done": done, "note": np.where(flat, "no overlap: the interval has no width", reason)}


def _reasons(n: Any, first: Any, second: Any, varies: Any) -> Any:
    reason = np.full(n.size, "", dtype=object)
    reason[~varies] = "the target has one level here"
    reason[(first == 0) | (second == 0)] = "the feature is constant"
    reason[n == 0] = "no unit has both values"
    return reason
