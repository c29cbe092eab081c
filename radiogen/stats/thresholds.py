"""Counts at thresholds: sensitivity and its kin, proportions, the confusion table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import betaincinv

from radiogen.errors import fail
from radiogen.stats._validate import Floats, binary, choice, groups, normal_quantile, number, numbers, same_length
from radiogen.stats.result import StatResult

#: counts beyond this are not exact as floats
_MOST = 2.0**53
_PROPORTIONS = {
    "sensitivity": ("tp", "fn"),
    "specificity": ("tn", "fp"),
    "ppv": ("tp", "fp"),
    "npv": ("tn", "fn"),
}


def proportion_interval(
    k: ArrayLike, n: ArrayLike, method: str = "wilson", level: float = 0.95
) -> StatResult:
    """A proportion with its interval.

    Parameters
    ----------
    k, n : int or array-like of int
        Successes, and trials (at least 1).
    method : {"wilson", "exact"}, default "wilson"
        Wilson's score interval without continuity correction, whose mean coverage is close to the
        level; or Clopper and Pearson's, which never covers less than the level.
    level : float, default 0.95
        Level of the interval.

    Returns
    -------
    StatResult
        ``estimate``, ``lower``, ``upper`` (arrays where ``k`` or ``n`` is one).

    Raises
    ------
    RadiogenError
        RG705 for counts that are not whole numbers with 0 <= k <= n; RG701 for n = 0; RG708 for
        an unknown method.

    References
    ----------
    Wilson, JASA 1927;22:209, doi 10.1080/01621459.1927.10502953.  Clopper and Pearson, Biometrika
    1934;26:404, doi 10.1093/biomet/26.4.404.

    Examples
    --------
    >>> r = proportion_interval(8, 10)
    >>> round(r.lower, 4), round(r.upper, 4)
    (0.4902, 0.9433)
    """
    choice(method, "method", ("wilson", "exact"))
    counts, trials = np.broadcast_arrays(*_same(numbers(k, "k"), numbers(n, "n")))
    scalar = np.ndim(k) == 0 and np.ndim(n) == 0
    if (trials > _MOST).any():
        raise fail("RG705", "`n` is no count of trials.", value=trials.max(), fix="Give whole numbers of units.")
    if (trials < 1).any():
        raise fail("RG701", "A proportion needs at least one trial.", value=trials.min())
    if (counts < 0).any() or (counts > trials).any() or (counts % 1).any() or (trials % 1).any():
        raise fail("RG705", "`k` and `n` must be whole numbers with 0 <= k <= n.")
    lower, upper = _limits(counts, trials, method, level)
    estimate = counts / trials
    words = "Wilson" if method == "wilson" else "exact (Clopper-Pearson)"
    return StatResult(
        method=f"proportion, {words} interval",
        estimate=float(estimate[0]) if scalar else estimate,
        lower=float(lower[0]) if scalar else lower,
        upper=float(upper[0]) if scalar else upper,
        n=int(trials[0]) if scalar else trials.astype(np.int64),
        events=int(counts[0]) if scalar else counts.astype(np.int64),
        level=level,
    )


def _same(k: Floats, n: Floats) -> tuple[Floats, Floats]:
    """Two arrays of one length, or one number and an array."""
    if 1 not in (k.size, n.size):
        same_length(k=k, n=n)
    return k, n


def _limits(k: Floats, n: Floats, method: str, level: float) -> tuple[Floats, Floats]:
    z = normal_quantile(level)
    if method == "exact":
        tail = (1 - level) / 2
        lower = np.where(k == 0, 0.0, betaincinv(np.maximum(k, 1), n - k + 1, tail))
        upper = np.where(k == n, 1.0, betaincinv(k + 1, np.maximum(n - k, 1), 1 - tail))
        return lower, upper
    p = k / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    margin = z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    # at k = 0 and k = n the limit is 0 and 1 but for rounding
    return np.where(k == 0, 0.0, centre - margin), np.where(k == n, 1.0, centre + margin)


def threshold_table(
    y: ArrayLike, p: ArrayLike, thresholds: ArrayLike, method: str = "wilson", level: float = 0.95
) -> pd.DataFrame:
    """Sensitivity, specificity, predictive values, likelihood ratios and accuracy at thresholds.

    Parameters
    ----------
    y : array-like of 0/1, shape (n,)
        The class.
    p : array-like of float, shape (n,)
        Predicted probability or any score; a unit is called positive where p >= threshold.
    thresholds : float or array-like of float
        Thresholds in the units of ``p``.
    method : {"wilson", "exact"}, default "wilson"
        Interval of the proportions; see :func:`proportion_interval`.
    level : float, default 0.95
        Level of the intervals.

    Returns
    -------
    DataFrame
        One row per threshold: ``threshold``, ``tp``, ``fp``, ``tn``, ``fn``; ``sensitivity``,
        ``specificity``, ``ppv``, ``npv``, ``accuracy``, ``lr_positive`` and ``lr_negative``, each
        with ``_lower`` and ``_upper``; ``n``, ``events``, ``method`` and ``note``.  A cell is empty
        where the quantity has no denominator (nobody is called positive) or a likelihood ratio has
        no finite logarithm; ``note`` then says which and why.

    Raises
    ------
    RadiogenError
        RG705, RG701 or RG708 as :func:`roc_auc` and :func:`proportion_interval`.

    Notes
    -----
    Predictive values are those at this sample's prevalence.  Intervals of likelihood ratios are on
    the logarithm: Simel et al., J Clin Epidemiol 1991;44:763, doi 10.1016/0895-4356(91)90128-V.

    Examples
    --------
    >>> t = threshold_table([0, 0, 1, 1], [0.1, 0.6, 0.4, 0.9], 0.5)
    >>> t[["tp", "fp", "tn", "fn"]].to_numpy().tolist()
    [[1, 1, 1, 1]]
    """
    choice(method, "method", ("wilson", "exact"))
    score = number(p, "p")
    same_length(y=number(y, "y"), p=score)
    positive = binary(y)
    cuts = numbers(thresholds, "thresholds")
    rows = [_row(positive, score, float(cut), method, level) for cut in cuts]
    return pd.DataFrame(rows)


def _row(positive: Any, score: Floats, cut: float, method: str, level: float) -> dict[str, Any]:
    called = score >= cut
    counts = {
        "tp": int((called & positive).sum()),
        "fp": int((called & ~positive).sum()),
        "tn": int((~called & ~positive).sum()),
        "fn": int((~called & positive).sum()),
    }
    row: dict[str, Any] = {"threshold": cut, **counts}
    notes: list[str] = []
    for name, (good, bad) in _PROPORTIONS.items():
        _put(row, notes, name, counts[good], counts[good] + counts[bad], method, level)
    _put(row, notes, "accuracy", counts["tp"] + counts["tn"], score.size, method, level)
    m, n = int(positive.sum()), int((~positive).sum())
    _ratio(row, notes, "lr_positive", (counts["tp"], m), (counts["fp"], n), level)
    _ratio(row, notes, "lr_negative", (counts["fn"], m), (counts["tn"], n), level)
    words = "Wilson" if method == "wilson" else "exact (Clopper-Pearson)"
    row |= {"n": score.size, "events": m, "method": f"{words}; likelihood ratios: log"}
    return row | {"note": "; ".join(notes)}


def _put(row: dict[str, Any], notes: list[str], name: str, k: int, n: int, method: str, level: float) -> None:
    if n == 0:
        row |= {name: np.nan, f"{name}_lower": np.nan, f"{name}_upper": np.nan}
        notes.append(f"{name}: no unit in its denominator")
        return
    result = proportion_interval(k, n, method, level)
    row |= {name: result.estimate, f"{name}_lower": result.lower, f"{name}_upper": result.upper}


def _ratio(
    row: dict[str, Any],
    notes: list[str],
    name: str,
    top: tuple[int, int],
    bottom: tuple[int, int],
    level: float,
) -> None:
    (k, m), (j, n) = top, bottom
    row |= {name: np.nan, f"{name}_lower": np.nan, f"{name}_upper": np.nan}
    if j == 0:
        notes.append(f"{name}: division by zero")
        return
    ratio = (k / m) / (j / n)
    row[name] = ratio
    if k == 0:
        notes.append(f"{name}: 0, no interval on the logarithm")
        return
    margin = normal_quantile(level) * np.sqrt(1 / k - 1 / m + 1 / j - 1 / n)
    row |= {f"{name}_lower": ratio * np.exp(-margin), f"{name}_upper": ratio * np.exp(margin)}


def confusion(y_true: ArrayLike, y_pred: ArrayLike, classes: Sequence[Any] | None = None) -> pd.DataFrame:
    """The table of true against predicted class.

    Parameters
    ----------
    y_true, y_pred : array-like, shape (n,)
        True and predicted class.
    classes : sequence, optional
        All classes in the order wanted; by default those that occur in either, sorted.

    Returns
    -------
    DataFrame
        Counts; rows are the truth (index ``true``), columns the prediction (``predicted``).

    Raises
    ------
    RadiogenError
        RG705 for different lengths, missing values or a class that is not in ``classes``.

    Examples
    --------
    >>> confusion(["a", "a", "b"], ["a", "b", "b"]).to_numpy().tolist()
    [[1, 1], [0, 1]]
    """
    for labels, name in ((y_true, "y_true"), (y_pred, "y_pred")):
        groups(labels, name)
    truth, guess = np.asarray(y_true, dtype=object), np.asarray(y_pred, dtype=object)
    same_length(y_true=truth, y_pred=guess)
    _, present = groups(np.concatenate([truth, guess]), "y_true and y_pred")
    names = present if classes is None else list(classes)
    strange = [level for level in present if level not in names]
    if strange:
        raise fail("RG705", "A class occurs that is not in `classes`.", value=strange[:3])
    position = {level: index for index, level in enumerate(names)}
    table = np.zeros((len(names), len(names)), dtype=np.int64)
    np.add.at(table, ([position[v] for v in truth], [position[v] for v in guess]), 1)
    return pd.DataFrame(table, index=pd.Index(names, name="true"), columns=pd.Index(names, name="predicted"))
