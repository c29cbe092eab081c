"""Area under the ROC curve with DeLong's variance, and tests of two areas."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import norm
from scipy.stats import t as student

from radiogen.errors import fail
from radiogen.stats._validate import Bools, Floats, Ints, binary, normal_quantile, number, same_length
from radiogen.stats.result import StatResult

_DEGENERATE = (
    "The classes do not overlap, or all scores are equal: DeLong's variance is 0 and the interval has no width; it says "
    "nothing about other samples."
)
_NO_VARIANCE = "Both scores separate the classes fully: the difference of the AUCs has no variance."
_SAME_ORDER = "The two scores order the units in the same way; there is nothing to test."


def components(positive: Bools, score: Floats) -> tuple[float, Floats, Floats]:
    """AUC and DeLong's structural components of positives and negatives, from midranks.

    O(n log n): Sun and Xu, IEEE Signal Process Lett 2014;21:1389, doi 10.1109/LSP.2014.2337313.
    """
    share = _beaten(positive, score)
    v10, v01 = share[positive], 1.0 - share[~positive]
    return float(v10.mean()), v10, v01


def _beaten(positive: Bools, score: Floats) -> Floats:
    """For each unit the share of the other class with a lower score, ties counted one half; one sort."""
    order = np.argsort(score)
    ranked, flag = score[order], positive[order]
    m, n = int(flag.sum()), int(flag.size - flag.sum())
    # twice the number below and tied, so that halves stay whole: first for scores that all differ
    up_to: Ints = np.cumsum(flag)
    first = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
    if first.size == ranked.size:
        lower_pos: Ints = 2 * (up_to - flag)
        lower_all: Ints = 2 * np.arange(ranked.size)
    else:
        last = np.r_[first[1:], ranked.size] - 1
        through = up_to[last]
        before: Ints = up_to[first] - flag[first]
        size = last - first + 1
        lower_pos = np.repeat(through + before, size)
        lower_all = np.repeat(first + last + 1, size)
    out = np.empty(ranked.size)
    out[order] = np.where(flag, (lower_all - lower_pos) / (2 * n), lower_pos / (2 * m))
    return out


def influence(positive: Bools, score: Floats) -> tuple[float, Floats]:
    """AUC and one value per unit whose sum of squares is DeLong's variance."""
    auc, v10, v01 = components(positive, score)
    values = np.empty(score.size)
    m, n = v10.size, v01.size
    values[positive] = (v10 - auc) / np.sqrt(m * (m - 1.0))
    values[~positive] = (v01 - auc) / np.sqrt(n * (n - 1.0))
    return auc, values


def roc_auc(y: ArrayLike, score: ArrayLike, level: float = 0.95) -> StatResult:
    """Area under the ROC curve with DeLong's interval.

    Parameters
    ----------
    y : array-like of 0/1, shape (n,)
        The class; 1 is positive.  At least two units in each class.
    score : array-like of float, shape (n,)
        Higher means more likely positive; the direction is never chosen from the data.
    level : float, default 0.95
        Level of the interval.

    Returns
    -------
    StatResult
        ``estimate`` is P(score of a positive > score of a negative) + half the ties; ``lower``
        and ``upper`` the Wald interval cut at 0 and 1, as pROC gives it; ``events`` the positives.

    Raises
    ------
    RadiogenError
        RG705 for arrays of different length, missing or infinite values or ``y`` that is not
        0/1; RG701 with fewer than two units in a class.

    References
    ----------
    DeLong, DeLong and Clarke-Pearson, Biometrics 1988;44:837, doi 10.2307/2531595.

    Examples
    --------
    >>> r = roc_auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    >>> r.estimate
    0.75
    """
    positive, values = _inputs(y, score)
    z = normal_quantile(level)
    auc, spread = influence(positive, values)
    se = float(np.sqrt(np.sum(spread**2)))
    return StatResult(
        method="AUC, tied scores one half, DeLong, Wald interval cut at 0 and 1",
        estimate=auc,
        se=se,
        lower=max(0.0, auc - z * se),
        upper=min(1.0, auc + z * se),
        n=positive.size,
        events=int(positive.sum()),
        level=level,
        notes=(_DEGENERATE,) if se == 0 else (),
    )


def delong_test(y: ArrayLike, a: ArrayLike, b: ArrayLike, level: float = 0.95) -> StatResult:
    """Paired test of two AUCs on the same units (DeLong).

    Parameters
    ----------
    y : array-like of 0/1, shape (n,)
        The class.
    a, b : array-like of float, shape (n,)
        The two scores.
    level : float, default 0.95
        Level of the interval of the difference.

    Returns
    -------
    StatResult
        ``estimate`` is AUC(a) - AUC(b), ``statistic`` is z; ``result["auc_a"]``, ``["auc_b"]``,
        ``["se_a"]``, ``["se_b"]`` and ``["covariance"]``.  Two scores of the same order give
        z = 0 and p = 1.

    Raises
    ------
    RadiogenError
        As :func:`roc_auc`; RG705 also where the AUCs differ but the variance is 0.

    Notes
    -----
    The test assumes scores that were not fitted on these units.  For nested models compared on
    their own training data it is not valid (Demler et al., doi 10.1002/sim.5328).

    References
    ----------
    DeLong, DeLong and Clarke-Pearson, Biometrics 1988;44:837, doi 10.2307/2531595.

    Examples
    --------
    >>> r = delong_test([0, 0, 0, 1, 1, 1], [1, 2, 4, 3, 5, 6], [2, 1, 5, 3, 4, 6])
    >>> round(r.estimate, 4)
    0.1111
    """
    positive, first = _inputs(y, a, "a")
    _, second = _inputs(y, b, "b")
    z_level = normal_quantile(level)
    auc_a, spread_a = influence(positive, first)
    auc_b, spread_b = influence(positive, second)
    difference = auc_a - auc_b
    se = float(np.sqrt(np.sum((spread_a - spread_b) ** 2)))
    if se == 0 and difference != 0:
        raise fail("RG705", _NO_VARIANCE)
    z = difference / se if se > 0 else 0.0
    return StatResult(
        method="difference of two AUCs, tied scores one half, DeLong, paired, Wald interval",
        estimate=difference,
        se=se,
        lower=difference - z_level * se,
        upper=difference + z_level * se,
        statistic=z,
        p=float(2 * norm.sf(abs(z))),
        n=positive.size,
        events=int(positive.sum()),
        level=level,
        extra={
            "auc_a": auc_a,
            "auc_b": auc_b,
            "se_a": float(np.sqrt(np.sum(spread_a**2))),
            "se_b": float(np.sqrt(np.sum(spread_b**2))),
            "covariance": float(np.sum(spread_a * spread_b)),
        },
        notes=(_SAME_ORDER,) if se == 0 else (),
    )


def delong_test_unpaired(
    y1: ArrayLike, s1: ArrayLike, y2: ArrayLike, s2: ArrayLike, level: float = 0.95
) -> StatResult:
    """Test of two AUCs on different units, with pROC's statistic D and its degrees of freedom.

    Parameters
    ----------
    y1, s1 : array-like, shape (n1,)
        Class and score of the first sample.
    y2, s2 : array-like, shape (n2,)
        Class and score of the second sample, of other units.
    level : float, default 0.95
        Level of the interval of the difference.

    Returns
    -------
    StatResult
        ``estimate`` is AUC 1 - AUC 2, ``statistic`` is D, ``df`` Welch-Satterthwaite's, p and
        interval from Student's t; ``result["auc_1"]`` and ``["auc_2"]``.

    Raises
    ------
    RadiogenError
        As :func:`roc_auc`; RG705 also where both variances are 0.

    References
    ----------
    Robin et al. (pROC), BMC Bioinformatics 2011;12:77, doi 10.1186/1471-2105-12-77.

    Examples
    --------
    >>> r = delong_test_unpaired([0, 0, 1, 1], [1, 3, 2, 4], [0, 0, 1, 1, 1], [1, 3, 2, 2, 4])
    >>> round(r.estimate, 4)
    0.0833
    """
    first, score_1 = _inputs(y1, s1, "s1")
    second, score_2 = _inputs(y2, s2, "s2")
    normal_quantile(level)
    auc_1, spread_1 = influence(first, score_1)
    auc_2, spread_2 = influence(second, score_2)
    v1, v2 = float(np.sum(spread_1**2)), float(np.sum(spread_2**2))
    if v1 + v2 == 0:
        raise fail("RG705", _NO_VARIANCE)
    se = float(np.sqrt(v1 + v2))
    df = (v1 + v2) ** 2 / (v1**2 / (first.size - 1) + v2**2 / (second.size - 1))
    difference = auc_1 - auc_2
    margin = float(student.ppf(0.5 + level / 2, df)) * se
    return StatResult(
        method="difference of two AUCs, tied scores one half, DeLong, unpaired, Student's t (pROC's D)",
        estimate=difference,
        se=se,
        lower=difference - margin,
        upper=difference + margin,
        statistic=difference / se,
        df=df,
        p=float(2 * student.sf(abs(difference / se), df)),
        n=first.size + second.size,
        events=int(first.sum() + second.sum()),
        level=level,
        extra={"auc_1": auc_1, "auc_2": auc_2},
    )


def roc_curve(y: ArrayLike, score: ArrayLike) -> pd.DataFrame:
    """The empirical ROC curve.

    Parameters
    ----------
    y : array-like of 0/1, shape (n,)
        The class.
    score : array-like of float, shape (n,)
        Higher means more likely positive.

    Returns
    -------
    DataFrame
        ``fpr``, ``tpr`` and ``threshold`` (positive where score >= threshold), from (0, 0) at
        threshold infinity to (1, 1), one row per distinct score.

    Raises
    ------
    RadiogenError
        RG705 or RG701 as :func:`roc_auc`; one unit in each class is enough.

    Examples
    --------
    >>> roc_curve([0, 1, 1], [0.2, 0.2, 0.9])["tpr"].tolist()
    [0.0, 0.5, 1.0]
    """
    positive, values = _inputs(y, score, least=1)
    threshold, tp, fp = _counts(positive, values)
    return pd.DataFrame(
        {
            "fpr": np.r_[0.0, fp / (~positive).sum()],
            "tpr": np.r_[0.0, tp / positive.sum()],
            "threshold": np.r_[np.inf, threshold],
        }
    )


def youden_threshold(y: ArrayLike, score: ArrayLike) -> StatResult:
    """The threshold with the largest sensitivity + specificity - 1.

    Parameters
    ----------
    y : array-like of 0/1, shape (n,)
        The class.
    score : array-like of float, shape (n,)
        Higher means more likely positive; at least two distinct values.

    Returns
    -------
    StatResult
        ``estimate`` is the threshold, halfway between two neighbouring scores; a unit at or above
        it is called positive.  Of several best thresholds the lowest (most sensitive) is taken.
        ``result["youden"]``, ``["sensitivity"]`` and ``["specificity"]`` are those of this very
        sample, so they are too good; judge the threshold on other units.

    Raises
    ------
    RadiogenError
        RG705 or RG701 as :func:`roc_auc`; RG705 where the score is constant.

    References
    ----------
    Youden, Cancer 1950;3:32, doi 10.1002/1097-0142(1950)3:1<32::AID-CNCR2820030106>3.0.CO;2-3.

    Examples
    --------
    >>> youden_threshold([0, 0, 1, 1], [1.0, 2.0, 4.0, 5.0]).estimate
    3.0
    """
    positive, values = _inputs(y, score, least=1)
    threshold, tp, fp = _counts(positive, values)
    if threshold.size < 2:
        raise fail("RG705", "`score` is constant; it has no threshold.", value=values[0])
    m, n = int(positive.sum()), int((~positive).sum())
    # whole numbers, so that ties are ties
    gain = (tp * n - fp * m)[:-1]
    best = int(np.flatnonzero(gain == gain.max())[-1])
    cut = (threshold[best] + threshold[best + 1]) / 2
    # of two neighbouring floats the middle may round down to the lower score
    cut = cut if cut > threshold[best + 1] else threshold[best]
    j = float(gain[best] / (m * n))
    return StatResult(
        method="threshold of the largest Youden index",
        estimate=float(cut),
        n=positive.size,
        events=m,
        extra={"youden": j, "sensitivity": tp[best] / m, "specificity": 1 - fp[best] / n},
        notes=() if j > 0 else ("No threshold is better than chance in this sample.",),
    )


def _inputs(y: ArrayLike, score: ArrayLike, name: str = "score", least: int = 2) -> tuple[Bools, Floats]:
    values = number(score, name)
    same_length(y=number(y, "y"), **{name: values})
    return binary(y, least=least), values


def _counts(positive: Bools, score: Floats) -> tuple[Floats, Floats, Floats]:
    """Distinct scores from high to low, with true and false positives at or above each."""
    order = np.argsort(-score, kind="stable")
    ranked = score[order]
    last = np.r_[np.flatnonzero(np.diff(ranked)), ranked.size - 1]
    tp = np.cumsum(positive[order])[last].astype(float)
    return ranked[last], tp, last + 1.0 - tp
