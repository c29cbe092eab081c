"""Areas under the ROC curve of more than two classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from radiogen.errors import fail
from radiogen.stats._validate import Floats, groups, normal_quantile, number, same_length, word
from radiogen.stats.result import StatResult
from radiogen.stats.roc import influence

#: probabilities come in float32 too, so their sum is 1 only to a few digits
_SUM_TOLERANCE = 1e-3


def roc_auc_multiclass(
    y: ArrayLike, proba: ArrayLike | pd.DataFrame, classes: Sequence[Any] | None = None, level: float = 0.95
) -> StatResult:
    """One-versus-rest AUC of each class and their unweighted mean (macro), with intervals.

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

    Returns
    -------
    StatResult
        One row per class and a last row ``macro``.  With two classes all rows are equal to the
        AUC of :func:`radiogen.stats.roc_auc`.  ``events`` is the size of the class.

    Raises
    ------
    RadiogenError
        RG705 for shapes that do not fit, values that are not probabilities or a class of ``y``
        without a column; RG701 for a class with fewer than two units inside or outside.

    Notes
    -----
    Each unit has a DeLong influence value in every one-versus-rest AUC.  The standard error of
    the macro AUC is the root of the sum of squares of the mean of these values, so that the
    dependence between the AUCs is accounted for.  Intervals are Wald's, cut at 0 and 1.

    References
    ----------
    DeLong, DeLong and Clarke-Pearson, Biometrics 1988;44:837, doi 10.2307/2531595.

    Examples
    --------
    >>> p = np.array([[.8, .1, .1], [.6, .3, .1], [.2, .7, .1], [.1, .8, .1], [.1, .2, .7], [.1, .75, .15]])
    >>> roc_auc_multiclass(list("aabbcc"), p).estimate.round(3).tolist()
    [1.0, 0.875, 1.0, 0.958]
    """
    z = normal_quantile(level)
    names, columns = _columns(y, proba, classes)
    series = pd.Series(np.asarray(y, dtype=object))
    aucs, values, sizes = [], [], []
    for name, column in zip(names, columns.T, strict=True):
        inside = (series == name).to_numpy(dtype=bool)
        if min(inside.sum(), (~inside).sum()) < 2:
            count = f"{int(inside.sum())} of {inside.size} units"
            raise fail("RG701", f"Class '{word(name)}' has {count}; two inside and two outside are needed.")
        auc, spread = influence(inside, column)
        aucs.append(auc)
        values.append(spread)
        sizes.append(int(inside.sum()))
    spreads = np.vstack([*values, np.mean(values, axis=0)])
    estimate = np.r_[aucs, np.mean(aucs)]
    se = np.sqrt(np.sum(spreads**2, axis=1))
    return StatResult(
        method="one-versus-rest AUC, DeLong; macro: unweighted mean, DeLong influence values",
        estimate=estimate,
        se=se,
        lower=np.clip(estimate - z * se, 0, 1),
        upper=np.clip(estimate + z * se, 0, 1),
        n=len(series),
        events=np.array([*sizes, len(series)]),
        label=[*(word(name) for name in names), "macro"],
        level=level,
    )


def _columns(
    y: ArrayLike, proba: ArrayLike | pd.DataFrame, classes: Sequence[Any] | None
) -> tuple[list[Any], Floats]:
    _, present = groups(y, "y")
    if classes is not None:
        names = list(classes)
    else:
        names = list(proba.columns) if isinstance(proba, pd.DataFrame) else present
    array: NDArray[Any] = np.asarray(proba)
    values: NDArray[Any] = number(array.ravel(), "proba").reshape(array.shape)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim == 1 and len(names) == 2:
        values = np.column_stack([1 - values, values])
    if values.ndim != 2 or values.shape[1] != len(names):
        raise fail("RG705", f"`proba` has shape {array.shape}; {len(names)} classes need a column each.")
    same_length(y=np.asarray(y, dtype=object), proba=values)
    if len(set(names)) != len(names) or len(names) < 2:
        raise fail("RG705", "`classes` must name at least two different classes.", value=names)
    strange = [level for level in present if level not in names]
    if strange:
        raise fail("RG705", "`y` has classes without a column of `proba`.", value=strange[:3])
    if values.min() < 0 or np.abs(values.sum(axis=1) - 1).max() > _SUM_TOLERANCE:
        raise fail("RG705", "`proba` must hold probabilities: not negative, each row with sum 1.")
    return names, values
