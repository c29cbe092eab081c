"""Areas under the ROC curve of more than two classes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from radiogen.errors import fail
from radiogen.stats._validate import Bools, Floats, array_of, choice, groups, normal_quantile, number, same_length, word
from radiogen.stats.result import StatResult
from radiogen.stats.roc import influence

#: probabilities come in float32 too, so their sum is 1 only to a few digits
_SUM_TOLERANCE = 1e-3


def roc_auc_multiclass(
    y: ArrayLike,
    proba: ArrayLike | pd.DataFrame,
    classes: Sequence[Any] | None = None,
    level: float = 0.95,
    scheme: str = "one-vs-rest",
) -> StatResult:
    """AUC of each class against the rest, or of each pair of classes, and their unweighted mean (macro).

    Parameters
    ----------
    y : array-like, shape (n,)
        The class of each unit.
    proba : array-like of float, shape (n, k)
        Predicted probabilities, one column per class; each row sums to 1.  For two classes a
        single column is taken as the probability of the second class.
    classes : sequence of length k, optional
        The class of each column.  By default the columns of a DataFrame, otherwise the sorted
        classes of ``y``.
    level : float, default 0.95
        Level of the intervals.
    scheme : {"one-vs-rest", "one-vs-one"}, default "one-vs-rest"
        Each class against all others; or each pair of classes among the units of the two (Hand and Till), which does
        not depend on how common the classes are.

    Returns
    -------
    StatResult
        One row per class, or per pair ("a vs b": the mean of the AUC of a's probability and of that of
        b's), and a last row ``macro``, the mean of the rows before.  With two classes all rows are equal to the
        AUC of :func:`radiogen.stats.roc_auc`.  ``events`` is the size of the class (of a pair, of both).

    Raises
    ------
    RadiogenError
        RG705 for shapes that do not fit, values that are not probabilities or a class of ``y``
        without a column; RG701 for a class with fewer than two units inside or outside; RG708 for an unknown
        scheme.

    Notes
    -----
    Each unit has a DeLong influence value in every single AUC (0 where it is of neither class of a pair).  The standard error of
    the macro AUC is the root of the sum of squares of the mean of these values, so that the
    dependence between the AUCs is accounted for.  Intervals are Wald's, cut at 0 and 1.

    References
    ----------
    DeLong, DeLong and Clarke-Pearson, Biometrics 1988;44:837, doi 10.2307/2531595.  Hand and Till, Mach Learn
    2001;45:171, doi 10.1023/A:1010920819831.

    Examples
    --------
    >>> p = np.array([[.8, .1, .1], [.6, .3, .1], [.2, .7, .1], [.1, .8, .1], [.1, .2, .7], [.1, .75, .15]])
    >>> roc_auc_multiclass(list("aabbcc"), p).estimate.round(3).tolist()
    [1.0, 0.875, 1.0, 0.958]
    """
    z = normal_quantile(level)
    choice(scheme, "scheme", ("one-vs-rest", "one-vs-one"))
    names, columns = _columns(y, proba, classes)
    series = pd.Series(np.asarray(y, dtype=object))
    inside = [(series == name).to_numpy(dtype=bool) for name in names]
    for name, own in zip(names, inside, strict=True):
        if min(own.sum(), (~own).sum()) < 2:
            count = f"{int(own.sum())} of {own.size} units"
            raise fail("RG701", f"Class '{word(name)}' has {count}; two inside and two outside are needed.")
    if scheme == "one-vs-rest":
        labels = [word(name) for name in names]
        found = [influence(own, column) for own, column in zip(inside, columns.T, strict=True)]
        sizes = [int(own.sum()) for own in inside]
    else:
        pairs = list(combinations(range(len(names)), 2))
        labels = [f"{word(names[a])} vs {word(names[b])}" for a, b in pairs]
        found = [_pair(inside[a], inside[b], columns[:, a], columns[:, b]) for a, b in pairs]
        sizes = [int((inside[a] | inside[b]).sum()) for a, b in pairs]
    aucs = [auc for auc, _ in found]
    values = [spread for _, spread in found]
    spreads = np.vstack([*values, np.mean(values, axis=0)])
    estimate = np.r_[aucs, np.mean(aucs)]
    se = np.sqrt(np.sum(spreads**2, axis=1))
    words = "one-versus-rest" if scheme == "one-vs-rest" else "one-versus-one (Hand-Till)"
    return StatResult(
        method=f"{words} AUC, DeLong; macro: unweighted mean, DeLong influence values",
        estimate=estimate,
        se=se,
        lower=np.clip(estimate - z * se, 0, 1),
        upper=np.clip(estimate + z * se, 0, 1),
        n=len(series),
        events=np.array([*sizes, len(series)]),
        label=[*labels, "macro"],
        level=level,
    )


def _pair(first: Bools, second: Bools, p_first: Floats, p_second: Floats) -> tuple[float, Floats]:
    """The mean of both AUCs of two classes among their units, and each unit's influence on it."""
    rows = np.flatnonzero(first | second)
    auc_a, spread_a = influence(first[rows], p_first[rows])
    auc_b, spread_b = influence(second[rows], p_second[rows])
    spread = np.zeros(first.size)
    spread[rows] = (spread_a + spread_b) / 2
    return (auc_a + auc_b) / 2, spread


def _columns(
    y: ArrayLike, proba: ArrayLike | pd.DataFrame, classes: Sequence[Any] | None
) -> tuple[list[Any], Floats]:
    codes, present = groups(y, "y")
    if classes is not None:
        names = list(classes)
    else:
        names = list(proba.columns) if isinstance(proba, pd.DataFrame) else present
    array: NDArray[Any] = array_of(proba, "proba")
    values: NDArray[Any] = number(array.ravel(), "proba").reshape(array.shape)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim == 1 and len(names) == 2:
        values = np.column_stack([1 - values, values])
    if values.ndim != 2 or values.shape[1] != len(names):
        raise fail("RG705", f"`proba` has shape {array.shape}; {len(names)} classes need a column each.")
    same_length(y=codes, proba=values)
    if len(set(names)) != len(names) or len(names) < 2:
        raise fail("RG705", "`classes` must name at least two different classes.", value=names)
    strange = [level for level in present if level not in names]
    if strange:
        raise fail("RG705", "`y` has classes without a column of `proba`.", value=strange[:3])
    if values.min() < 0 or np.abs(values.sum(axis=1) - 1).max() > _SUM_TOLERANCE:
        raise fail("RG705", "`proba` must hold probabilities: not negative, each row with sum 1.")
    return names, values
