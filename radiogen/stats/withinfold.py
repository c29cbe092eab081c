"""Concordance of out-of-fold predictions: only units of one test fold are compared.

Scores of different folds come from different models.  Comparing them pulls the area under the
curve below 0.5 where nothing is to be learnt: a fold with many positives has a training part with
few, so its model predicts less.  In 200 simulated null data sets (n = 152, 54 positive, 50
predictors, lasso) the mean area was 0.471 for predictions averaged over three repeats, 0.486 for
pooled folds, and 0.498 (standard error 0.004) for pairs within folds, as used here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from radiogen.stats._validate import tie_times
from radiogen.stats.harrell import count_pairs
from radiogen.stats.roc import components

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int_]
BoolArray = NDArray[np.bool_]

Z95 = float(norm.ppf(0.975))


@dataclass(frozen=True)
class Concordance:
    """A share of concordant pairs and what each group of units adds to its variance.

    Parameters
    ----------
    estimate : float
    influence : array, shape (groups,)
        The sum of squares is the variance.
    """

    estimate: float
    influence: FloatArray

    @property
    def se(self) -> float:
        """Standard error; zero where only rounding is left."""
        value = float(np.sqrt((self.influence**2).sum()))
        return value if value > 1e-12 else 0.0

    @property
    def lower(self) -> float:
        """Lower end of the 95 % interval, cut at 0; NaN where the variance is zero."""
        return max(0.0, self.estimate - Z95 * self.se) if self.se > 0 else float("nan")

    @property
    def upper(self) -> float:
        """Upper end of the 95 % interval, cut at 1; NaN where the variance is zero."""
        return min(1.0, self.estimate + Z95 * self.se) if self.se > 0 else float("nan")

    @property
    def degenerate(self) -> str:
        """Why there is no interval, or empty."""
        if self.se > 0:
            return ""
        if self.estimate == 0.5:
            return "the model gave everybody in a fold the same prediction"
        return "the predictions order all pairs alike"

    @property
    def p(self) -> float:
        """Two-sided p-value against 0.5; NaN where the variance is zero."""
        return _p(self.estimate - 0.5, self.se)


@dataclass(frozen=True)
class Difference:
    """A paired difference of two concordances."""

    estimate: float
    lower: float
    upper: float
    statistic: float
    p: float


def _p(distance: float, se: float) -> float:
    return float(2 * norm.sf(abs(distance) / se)) if se > 0 else float("nan")


def difference(a: Concordance, b: Concordance) -> Difference:
    """``a - b`` of two concordances on the same groups, with interval and test.

    Where both order all pairs alike the difference is 0 without variance: the statistic is 0 and p is 1.
    """
    estimate = a.estimate - b.estimate
    se = float(np.sqrt(((a.influence - b.influence) ** 2).sum()))
    if se < 1e-12:
        return Difference(estimate, estimate, estimate, 0.0, 1.0)
    return Difference(estimate, estimate - Z95 * se, estimate + Z95 * se, estimate / se, _p(estimate, se))


def mean(parts: list[Concordance]) -> Concordance:
    """The unweighted mean (macro average) of concordances on the same groups."""
    estimate = float(np.mean([part.estimate for part in parts]))
    return Concordance(estimate, np.mean([part.influence for part in parts], axis=0))


def fold_auc(
    positive: BoolArray, score: FloatArray, fold: IntArray, unit: IntArray, group: IntArray
) -> Concordance | None:
    """AUC over pairs of a positive and a negative in the same fold, with DeLong's variance.

    Parameters
    ----------
    positive : array of bool, shape (rows,)
        One row per unit and repeat.
    score : array, shape (rows,)
    fold : array of int, shape (rows,)
        A number per repeat and fold; only rows with one number are compared.
    unit : array of int, shape (rows,)
        Unit of each row, 0 … n - 1.
    group : array of int, shape (n,)
        Group of each unit, 0 …; units of a group are taken as dependent.

    Returns
    -------
    Concordance or None
        None if a class has fewer than two units or no fold holds both classes.

    Notes
    -----
    The estimate is the mean of the areas per repeat and fold, weighted by their numbers of pairs.
    A unit's influence is summed over repeats, so that repeats do not count as more units.  With one
    fold and one repeat both are DeLong's (1988, doi:10.2307/2531595); with folds the variance is
    that of LeDell, Petersen and van der Laan (2015, doi:10.1214/15-EJS1035).
    """
    rows_n, rows_d = np.zeros(len(score)), np.zeros(len(score))
    for k in np.unique(fold):
        rows = np.flatnonzero(fold == k)
        inside = positive[rows]
        n1, n0 = int(inside.sum()), int((~inside).sum())
        if n1 and n0:
            _, v10, v01 = components(inside, score[rows])
            rows_n[rows[inside]], rows_d[rows[inside]] = v10 * n0, n0
            rows_n[rows[~inside]], rows_d[rows[~inside]] = v01 * n1, n1
    pairs = rows_d[positive].sum()
    truth = np.zeros(len(group), dtype=bool)
    truth[unit] = positive
    used = np.unique(unit)
    m, n = int(truth[used].sum()), int((~truth[used]).sum())
    if min(m, n) < 2 or not pairs:
        return None
    estimate = float(rows_n[positive].sum() / pairs)
    own = np.bincount(unit, weights=rows_n - estimate * rows_d, minlength=len(group)) / pairs
    own *= np.where(truth, np.sqrt(m / (m - 1)), np.sqrt(n / (n - 1)))
    return Concordance(estimate, np.bincount(group, weights=own).astype(float))


def fold_harrell(
    time: FloatArray, event: IntArray, risk: FloatArray, fold: IntArray, unit: IntArray, group: IntArray
) -> Concordance | None:
    """Harrell's C over comparable pairs in the same fold, with its infinitesimal-jackknife variance.

    Parameters
    ----------
    time, event, risk : array, shape (rows,)
        One row per unit and repeat; a higher risk means an earlier event.
    fold, unit, group
        As in :func:`fold_auc`.

    Returns
    -------
    Concordance or None
        None if no fold has a comparable pair.

    Notes
    -----
    A pair is comparable if the earlier time is an event, or if the times are equal and one is an
    event and the other is not; equal risks count one half.  That is the rule of R's ``concordance``.
    """
    rows_n, rows_d = np.zeros(len(risk)), np.zeros(len(risk))
    for k in np.unique(fold):
        rows = np.flatnonzero(fold == k)
        t, e = tie_times(time[rows]), event[rows].astype(bool)
        if not (e & (t < t.max())).any() and not (e.any() and not e[t == t.max()].all()):
            continue
        found = count_pairs(t, e, risk[rows])
        rows_n[rows] = found.concordant + found.tied / 2
        rows_d[rows] = found.concordant + found.discordant + found.tied
    # each pair was counted for both of its units
    pairs = rows_d.sum() / 2
    if not pairs:
        return None
    estimate = float(rows_n.sum() / 2 / pairs)
    own = np.bincount(unit, weights=rows_n - estimate * rows_d, minlength=len(group)) / pairs
    return Concordance(estimate, np.bincount(group, weights=own).astype(float))


def mean_roc(positive: BoolArray, score: FloatArray, fold: IntArray) -> tuple[FloatArray, FloatArray]:
    """The mean ROC curve over folds, whose area is the estimate of :func:`fold_auc`.

    Parameters
    ----------
    positive, score, fold : array, shape (rows,)
        As in :func:`fold_auc`.

    Returns
    -------
    fpr, tpr : array
        At each false-positive rate the true-positive rates of the folds are averaged, weighted by their numbers
        of pairs; two points stand at a rate where the curve rises.
    """
    curves, weights = [], []
    for k in np.unique(fold):
        rows = fold == k
        n1, n0 = int(positive[rows].sum()), int((~positive[rows]).sum())
        if n1 and n0:
            curves.append(_curve(positive[rows], score[rows]))
            weights.append(n1 * n0)
    grid = np.unique(np.round(np.concatenate([c[0] for c in curves]), 12))
    low = np.average([_at(c, grid, 1) for c in curves], axis=0, weights=weights)
    high = np.average([_at(c, grid, 2) for c in curves], axis=0, weights=weights)
    fpr, tpr = np.repeat(grid, 2), np.column_stack([low, high]).ravel()
    keep = np.r_[True, (np.diff(fpr) > 0) | (np.diff(tpr) > 1e-15)]
    return fpr[keep], tpr[keep]


def _curve(positive: BoolArray, score: FloatArray) -> Any:
    """Distinct false-positive rates with the lowest and highest true-positive rate at each, three arrays."""
    order: IntArray = np.argsort(-score, kind="stable")
    last = np.r_[np.flatnonzero(np.diff(score[order])), order.size - 1]
    tpr = np.r_[0.0, np.cumsum(positive[order])[last] / positive.sum()]
    fpr: FloatArray = np.asarray(np.round(np.r_[0.0, np.cumsum(~positive[order])[last] / (~positive).sum()], 12))
    x, start = np.unique(fpr, return_index=True)
    end = np.r_[start[1:], fpr.size] - 1
    return x, tpr[start], tpr[end]


def _at(curve: Any, grid: FloatArray, side: int) -> FloatArray:
    """True-positive rates of one curve at a grid, at its rises the lower (1) or upper (2) end."""
    x, low, high = curve
    right = np.minimum(np.searchsorted(x, grid), len(x) - 1)
    left = np.maximum(right - 1, 0)
    width = np.where(x[right] > x[left], x[right] - x[left], 1.0)
    between = high[left] + (low[right] - high[left]) * (grid - x[left]) / width
    return np.asarray(np.where(x[right] == grid, curve[side][right], between))
