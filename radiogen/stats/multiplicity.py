"""The false discovery rate of a family of tests."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from radiogen.errors import fail
from radiogen.stats._validate import Floats, choice, number


def fdr(p: ArrayLike, method: str = "bh") -> Floats:
    """Adjusted p-values (q) of one family of tests.

    Parameters
    ----------
    p : array-like of float, shape (m,)
        p-values between 0 and 1.  NaN marks a test that could not be done: it stays NaN and is
        not counted, as in R's ``p.adjust``.
    method : {"bh", "by"}, default "bh"
        Benjamini and Hochberg, valid under independence and positive dependence; or Benjamini and
        Yekutieli, valid under any dependence and larger by the factor 1 + 1/2 + … + 1/m.

    Returns
    -------
    ndarray, shape (m,)
        Adjusted p-values in the order given.

    Raises
    ------
    RadiogenError
        RG705 for values outside 0 to 1; RG708 for an unknown method.

    References
    ----------
    Benjamini and Hochberg, JRSS B 1995;57:289, doi 10.1111/j.2517-6161.1995.tb02031.x.  Benjamini
    and Yekutieli, Ann Stat 2001;29:1165, doi 10.1214/aos/1013699998.

    Examples
    --------
    >>> fdr([0.01, 0.02, 0.9]).tolist()
    [0.03, 0.03, 0.9]
    """
    choice(method, "method", ("bh", "by"))
    values = number(p, "p", missing=True)
    done = ~np.isnan(values)
    tested = values[done]
    if tested.size and (tested.min() < 0 or tested.max() > 1):
        raise fail("RG705", "`p` must lie between 0 and 1.", value=(tested.min(), tested.max()))
    m = tested.size
    factor = float(np.sum(1 / np.arange(1, m + 1))) if method == "by" else 1.0
    order = np.argsort(-tested, kind="stable")
    ranks = np.arange(m, 0, -1)
    adjusted = np.minimum(1.0, np.minimum.accumulate(tested[order] * m / ranks * factor))
    q = np.full(values.size, np.nan)
    back = np.empty(m)
    back[order] = adjusted
    q[done] = back
    return q
