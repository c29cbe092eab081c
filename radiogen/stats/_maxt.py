"""Westfall and Young's step-down maxT: permutations of one target against many features at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from radiogen.stats._effects import midranks
from radiogen.stats._validate import Bools, Floats, Ints

#: permutations handled at once: their statistics of all features are held in memory
_CHUNK = 64
#: features multiplied at once
_ROWS = 4096

#: chi-squared statistics (features × permutations) of permuted targets (columns are permutations of the units)
Statistic = Callable[[Ints], Floats]


@dataclass(frozen=True)
class Target:
    """The target: where it is known, its numbers, or codes of so many levels (0 for a number)."""

    known: Bools
    values: Floats
    codes: Ints
    levels: int


def step_down(x: Floats, categories: Sequence[Ints], target: Target, permutations: int, seed: list[int]) -> Floats:
    """Adjusted p-values of numeric features (rows of x, NaN missing), then of categorical ones (codes, -1 missing)."""
    use = target.known
    y = _Numbers(midranks(target.values[use][:, None])[:, 0]) if not target.levels else _Levels(target.codes[use], target.levels)
    parts: list[tuple[float, int, Statistic]] = []
    for start in range(0, x.shape[0], _ROWS):
        block = x[start : start + _ROWS, use]
        parts.append((y.df, block.shape[0], y.of_ranks(*_centred_ranks(block))))
    for codes in categories:
        present, own = np.unique(codes[use], return_inverse=True)
        own = own - int(present[0] < 0)
        count = int((present >= 0).sum())
        parts.append((y.df * (count - 1), 1, y.of_levels(own, count)))
    degrees = np.repeat([df for df, _, _ in parts], [size for _, size, _ in parts]).astype(float)
    one_scale = np.ptp(degrees) == 0

    def statistics(rows: Ints) -> Floats:
        values = np.concatenate([part(rows) for _, _, part in parts])
        return values if one_scale else _normal(values, degrees[:, None])

    units = np.arange(int(use.sum()))
    seen = statistics(units[:, None])[:, 0]
    order = np.argsort(seen, kind="stable")
    bar = seen[order][:, None] * (1 - 1e-12) - 1e-12
    above = np.zeros(seen.size)
    rng = np.random.default_rng(seed)
    for start in range(0, permutations, _CHUNK):
        size = min(_CHUNK, permutations - start)
        rows = rng.permuted(np.tile(units[:, None], (1, size)), axis=0)
        above += (np.maximum.accumulate(statistics(rows)[order], axis=0) >= bar).sum(axis=1)
    p = (1 + above) / (1 + permutations)
    # from the largest statistic down no p-value may fall
    out = np.empty(seen.size)
    out[order[::-1]] = np.maximum.accumulate(p[::-1])
    return out


def _normal(x: Floats, df: Floats) -> Floats:
    """Wilson and Hilferty: chi-squared on the normal scale, without the underflow of a p-value."""
    return np.asarray((np.cbrt(x / df) - (1 - 2 / (9 * df))) / np.sqrt(2 / (9 * df)))


def _centred_ranks(x: Floats) -> tuple[Floats, Floats | None]:
    """Midranks among the known units minus their mean (0 where missing), and where known (None: everywhere)."""
    known = ~np.isnan(x)
    if known.all():
        ranks = midranks(np.ascontiguousarray(x.T)).T
        return ranks - (x.shape[1] + 1) / 2, None
    # missing values rank last, all above the known ones, whose ranks they do not touch
    ranks = midranks(np.where(known, x, np.inf).T).T
    return np.where(known, ranks - (known.sum(axis=1, keepdims=True) + 1) / 2, 0.0), known.astype(float)


class _Levels:
    """A target of levels: Kruskal and Wallis' statistic of numbers, Pearson's of categories."""

    def __init__(self, codes: Ints, levels: int) -> None:
        present, self.codes = np.unique(codes, return_inverse=True)
        self.levels = int(present.size)
        self.df = float(max(1, self.levels - 1))

    def of_ranks(self, ranks: Floats, known: Floats | None) -> Statistic:
        squares = (ranks**2).sum(axis=1)[:, None]
        n = (np.full((ranks.shape[0], 1), float(ranks.shape[1])) if known is None else known.sum(axis=1)[:, None])

        def statistic(rows: Ints) -> Floats:
            codes = self.codes[rows]
            total = np.zeros((ranks.shape[0], rows.shape[1]))
            for level in range(self.levels):
                inside = (codes == level).astype(float)
                size = inside.sum(axis=0)[None, :] if known is None else known @ inside
                total += (ranks @ inside) ** 2 / np.maximum(size, 1)
            return np.asarray((n - 1) * total / squares)

        return statistic

    def of_levels(self, own: Ints, count: int) -> Statistic:
        features = np.array([own == k for k in range(count)], dtype=float)
        sizes = features.sum(axis=1)[:, None]

        def statistic(rows: Ints) -> Floats:
            codes = self.codes[rows]
            total = np.zeros(rows.shape[1])
            for level in range(self.levels):
                cells = features @ (codes == level).astype(float)
                total += (cells**2 / sizes).sum(axis=0) / np.maximum(cells.sum(axis=0), 1)
            return np.asarray(sizes.sum() * (total - 1))[None, :]

        return statistic


class _Numbers:
    """A target of numbers: rank correlation with numbers, Kruskal and Wallis' statistic of categories."""

    def __init__(self, ranks: Floats) -> None:
        self.ranks = ranks - ranks.mean()
        self.df = 1.0

    def of_ranks(self, ranks: Floats, known: Floats | None) -> Statistic:
        squares = (ranks**2).sum(axis=1)[:, None]
        n = (np.full((ranks.shape[0], 1), float(ranks.shape[1])) if known is None else known.sum(axis=1)[:, None])

        def statistic(rows: Ints) -> Floats:
            y = self.ranks[rows]
            spread = (y**2).sum(axis=0)[None, :] if known is None else known @ y**2 - (known @ y) ** 2 / n
            return np.asarray((n - 1) * (ranks @ y) ** 2 / np.maximum(squares * spread, 1e-300))

        return statistic

    def of_levels(self, own: Ints, count: int) -> Statistic:
        features = np.array([own == k for k in range(count)], dtype=float)
        sizes = features.sum(axis=1)[:, None]
        inside = features.sum(axis=0)

        def statistic(rows: Ints) -> Floats:
            y = self.ranks[rows]
            mean = inside @ y / sizes.sum()
            between = ((features @ y) ** 2 / sizes).sum(axis=0) - sizes.sum() * mean**2
            spread = inside @ y**2 - sizes.sum() * mean**2
            return np.asarray((sizes.sum() - 1) * between / np.maximum(spread, 1e-300))[None, :]

        return statistic
