"""Columns that hardly vary are left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radiogen.features.selection.selector import Selector, inside, varies
from radiogen.features.selection.target import Floats, Target


class Variance(Selector):
    """Leave out constant columns, columns of small variance, and columns that are one value nearly everywhere.

    Parameters
    ----------
    threshold : float, default 0
        A column stays where its variance (divisor n) is larger.  The default only leaves out constants: variances of
        features with different units cannot be compared.
    max_share : float, default 0.95
        A column goes where one value is held by more than this share of the units; such a column splits off a handful
        of units in any fold.  1: only constants go.

    Attributes
    ----------
    support_ : ndarray of bool, shape (p,)
    variance_ : ndarray, shape (p,)
    share_ : ndarray, shape (p,)
        Share of the units with the column's most frequent value.

    Notes
    -----
    The outcome is not used.  Variation of less than 1e-10 of the size of the values is rounding and counts as none.

    References
    ----------
    Kuhn M, Johnson K. Applied Predictive Modeling. Springer 2013, section 3.5 (near-zero variance).
    doi:10.1007/978-1-4614-6849-3

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.features.selection import Variance
    >>> Variance().fit(np.array([[1.0, 7.0], [2.0, 7.0], [4.0, 7.0]])).get_support()
    array([ True, False])
    """

    _outcome_needed = False

    def __init__(self, threshold: float = 0.0, max_share: float = 0.95) -> None:
        self.threshold = threshold
        self.max_share = max_share

    def _learn(self, x: Floats, target: Target | None, groups: NDArray[Any] | None) -> Mapping[str, NDArray[Any]]:
        inside(self.threshold, "threshold", 0, np.inf)
        inside(self.max_share, "max_share", 0, 1)
        share = np.array([np.unique(column, return_counts=True)[1].max() / len(column) for column in x.T])
        known = varies(x)
        variance = np.where(known, x.var(axis=0), 0.0)
        return {"support": known & (variance > self.threshold) & (share <= self.max_share), "variance": variance, "share": share}
