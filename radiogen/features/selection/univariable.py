"""Columns whose own test against the outcome survives the control of the false discovery rate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radiogen.features.selection.relevance import p_values
from radiogen.features.selection.selector import Selector, at_least, inside, one_of
from radiogen.features.selection.target import Floats, Target


class UnivariableFDR(Selector):
    """Test each column against the outcome and keep those with a false discovery rate of at most ``alpha``.

    Parameters
    ----------
    alpha : float, default 0.05
        Expected share of false ones among those kept.
    method : {"bh", "by"}, default "bh"
        Benjamini and Hochberg, or Benjamini and Yekutieli for any dependence; see :func:`radiogen.stats.fdr`.
    test : {"rank", "f"}, default "rank"
        "rank": Wilcoxon's rank-sum test for two classes, Kruskal and Wallis' for more.  "f": analysis of variance, for
        columns that are near normal.  Survival: the score test of Cox's model, one column at a time.
    at_least : int, default 0
        Keep the columns of smallest p up to this number where fewer pass.  A pipeline whose model needs a column takes 1;
        then the rate is not controlled where the columns were filled up.

    Attributes
    ----------
    support_ : ndarray of bool, shape (p,)
    p_, q_ : ndarray, shape (p,)
        p-values and adjusted p-values; NaN where a column is constant and was not tested.

    Notes
    -----
    The rate holds for the units of the fit.  The effects of what was kept are too large on these units.

    References
    ----------
    Benjamini Y, Hochberg Y. Controlling the false discovery rate. J R Stat Soc B 1995;57:289.
    doi:10.1111/j.2517-6161.1995.tb02031.x

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.features.selection import UnivariableFDR
    >>> y = np.repeat([0, 1], 8)
    >>> x = np.column_stack([np.arange(16.0), np.tile([1.0, 2.0], 8)])
    >>> UnivariableFDR().fit(x, y).get_support()
    array([ True, False])
    """

    def __init__(self, alpha: float = 0.05, method: str = "bh", test: str = "rank", at_least: int = 0) -> None:
        self.alpha = alpha
        self.method = method
        self.test = test
        self.at_least = at_least

    def _learn(self, x: Floats, target: Target | None, groups: NDArray[Any] | None) -> Mapping[str, NDArray[Any]]:
        from radiogen.stats import fdr

        assert target is not None  # _outcome_needed
        inside(self.alpha, "alpha", 0, 1)
        one_of(self.test, "test", ("rank", "f"))
        inside(self.at_least, "at_least", 0, np.inf, whole=True)
        p = p_values(x, target, self.test)
        q = fdr(p, self.method)
        return {"support": at_least(np.nan_to_num(q, nan=2.0) <= self.alpha, -p, self.at_least), "p": p, "q": q}
