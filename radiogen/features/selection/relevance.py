"""How strongly each column goes with an outcome, for many columns at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc

from radiogen.features.selection.selector import varies
from radiogen.features.selection.survival import cox_score
from radiogen.features.selection.target import Floats, Ints, Target


def statistic(x: Floats, target: Target) -> Floats:
    """F statistic of the one-way analysis of variance; Cox score statistic of a survival outcome; 0 for a constant.

    A column that separates the classes without any spread inside them has an infinite F, here the largest number.
    """
    if target.kind == "survival":
        return np.where(varies(x), cox_score(x, target.times, target.event), 0.0)
    return _f(x, target.codes)


def _f(x: Floats, codes: Ints) -> Floats:
    counts = np.bincount(codes).astype(float)
    centred = x - x.mean(axis=0)
    sums = np.zeros((len(counts), x.shape[1]))
    np.add.at(sums, codes, centred)
    between = (sums**2 / counts[:, None]).sum(axis=0)
    total = (centred**2).sum(axis=0)
    within = np.maximum(total - between, 0.0)
    known = varies(x)
    floor = np.finfo(float).eps * np.where(known, total, 1.0)
    ratio = (between / (len(counts) - 1)) / np.maximum(within / max(len(x) - len(counts), 1), floor)
    return np.asarray(np.where(known, ratio, 0.0))


def p_values(x: Floats, target: Target, test: str) -> Floats:
    """p-value of each column; NaN for a column that cannot be tested.

    ``test`` "rank": Wilcoxon's rank-sum test (normal approximation, ties and continuity corrected) for two classes,
    Kruskal and Wallis' for more.  "f": analysis of variance.  Survival: the score test of Cox's model in either case.
    """
    from scipy.stats import f as f_distribution
    from scipy.stats import kruskal, mannwhitneyu

    known = varies(x)
    found = np.full(x.shape[1], np.nan)
    if not known.any():
        return found
    some = x[:, known]
    groups = [some[target.codes == k] for k in range(len(target.classes))]
    if target.kind == "survival":
        found[known] = chdtrc(1, cox_score(some, target.times, target.event))
    elif test == "f":
        df = len(target.classes) - 1, len(some) - len(target.classes)
        found[known] = f_distribution.sf(_f(some, target.codes), *df)
    elif target.kind == "binary":
        found[known] = mannwhitneyu(*groups, axis=0, method="asymptotic").pvalue
    else:
        found[known] = kruskal(*groups, axis=0).pvalue
    return found


def concordance(x: Floats, target: Target) -> Floats:
    """|2 C − 1| of each column: Harrell's C of a survival outcome, the area under the curve of two classes."""
    from scipy.stats import rankdata

    from radiogen.stats.harrell import count_pairs

    if target.kind == "survival":
        found = [count_pairs(target.times, target.event, column) for column in x.T]
        pairs = [(p.concordant.sum(), p.discordant.sum(), p.tied.sum()) for p in found]
        return np.array([abs(c - d) / max(c + d + t, 1) for c, d, t in pairs], dtype=float)
    positive = target.codes == 1
    m, n = int(positive.sum()), int((~positive).sum())
    ranks = rankdata(x, axis=0)[positive].sum(axis=0)
    return np.asarray(np.abs(2 * (ranks - m * (m + 1) / 2) / (m * n) - 1))


def three_levels(x: Floats) -> NDArray[np.int64]:
    """Each column as 0, 1, 2: below, within and above half a standard deviation around its mean."""
    mean, half = x.mean(axis=0), x.std(axis=0) / 2
    return (x > mean - half).astype(np.int64) + (x > mean + half)


def information(levels: NDArray[np.int64], other: NDArray[np.int64]) -> Floats:
    """Mutual information (nats) of each column of levels with a variable of levels 0 … K − 1."""
    n = len(levels)
    counts = np.array([[((levels == a) & (other == b)[:, None]).sum(axis=0) for b in range(int(other.max()) + 1)]
                       for a in range(int(levels.max()) + 1)], dtype=float) / n  # fmt: skip
    rows, columns = counts.sum(axis=1, keepdims=True), counts.sum(axis=0, keepdims=True)
    product = rows * columns
    ratio = np.divide(counts, product, out=np.ones_like(counts), where=counts > 0)
    return np.asarray(np.maximum((counts * np.log(ratio)).sum(axis=(0, 1)), 0.0))
