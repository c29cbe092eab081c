"""The false discovery rate of a family of tests."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from radiogen.errors import fail
from radiogen.stats._validate import Floats, choice, number

#: ways to adjust p-values that :func:`fdr` knows
METHODS = ("bh", "by", "storey")
#: cut-points at which the share of null hypotheses is estimated (Storey and Tibshirani's)
_LAMBDA = np.arange(1, 20) * 0.05


def fdr(p: ArrayLike, method: str = "bh") -> Floats:
    """Adjusted p-values (q) of one family of tests.

    Parameters
    ----------
    p : array-like of float, shape (m,)
        p-values between 0 and 1.  NaN marks a test that could not be done: it stays NaN and is
        not counted, as in R's ``p.adjust``.
    method : {"bh", "by", "storey"}, default "bh"
        Benjamini and Hochberg, valid under independence and positive dependence; Benjamini and
        Yekutieli, valid under any dependence and larger by the factor 1 + 1/2 + … + 1/m; or Storey's
        q-values, smaller by the estimated share of true null hypotheses (:func:`null_share`), for
        hundreds of tests and weak dependence.

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
    choice(method, "method", METHODS)
    values = number(p, "p", missing=True)
    done = ~np.isnan(values)
    tested = values[done]
    if tested.size and (tested.min() < 0 or tested.max() > 1):
        raise fail("RG705", "`p` must lie between 0 and 1.", value=(tested.min(), tested.max()))
    m = tested.size
    factor = 1.0
    if method == "by":
        factor = float(np.sum(1 / np.arange(1, m + 1)))
    if method == "storey" and m:
        factor = null_share(tested)
    order = np.argsort(-tested, kind="stable")
    ranks = np.arange(m, 0, -1)
    adjusted = np.minimum(1.0, np.minimum.accumulate(tested[order] * m / ranks) * factor)
    if method == "storey":
        # a q-value is the smallest rate at which the test is called, and that is at most the share of null hypotheses
        adjusted = np.minimum(factor, adjusted)
    q = np.full(values.size, np.nan)
    back = np.empty(m)
    back[order] = adjusted
    q[done] = back
    return q


def null_share(p: ArrayLike) -> float:
    """Estimated share of true null hypotheses (pi0) among many tests.

    Parameters
    ----------
    p : array-like of float, shape (m,)
        p-values between 0 and 1; NaN is not counted.

    Returns
    -------
    float
        The estimate #{p ≥ λ} / (m (1 − λ)) at the λ of 0.05, 0.10, …, 0.95 whose estimated mean squared error is
        smallest (R's ``qvalue::pi0est(method = "bootstrap")``); at most 1.

    Raises
    ------
    RadiogenError
        RG705 for values outside 0 to 1; RG701 where there is no p-value, or so few or such small ones that the estimate
        is 0 and would call everything.

    References
    ----------
    Storey, Taylor and Siegmund, JRSS B 2004;66:187, doi 10.1111/j.1467-9868.2004.00439.x.

    Examples
    --------
    >>> null_share([k / 100 for k in range(1, 101)])
    1.0
    """
    values = number(p, "p", missing=True)
    values = values[~np.isnan(values)]
    m = values.size
    if not m:
        raise fail("RG701", "There is no p-value to estimate the share of null hypotheses from.")
    if values.min() < 0 or values.max() > 1:
        raise fail("RG705", "`p` must lie between 0 and 1.", value=(values.min(), values.max()))
    above = np.array([float((values >= cut).sum()) for cut in _LAMBDA])
    shares = above / (m * (1 - _LAMBDA))
    error = above / (m * (1 - _LAMBDA)) ** 2 * (1 - above / m) + (shares - np.quantile(shares, 0.1)) ** 2
    share = min(1.0, float(shares[error == error.min()].min()))
    if share <= 0:
        raise fail("RG701", f"The share of null hypotheses cannot be estimated from these {m} p-values: none is large.")
    return share
