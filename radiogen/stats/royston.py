"""Royston and Sauerbrei's D: the separation of a prognostic index."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri
from scipy.stats import norm, rankdata

from radiogen.errors import fail
from radiogen.stats._coxfit import fit_design
from radiogen.stats._design import Design
from radiogen.stats._validate import Floats, normal_quantile, number, same_length, survival
from radiogen.stats.result import StatResult

#: divides normal scores so that D is the log hazard ratio between the two halves
_KAPPA = float(np.sqrt(8 / np.pi))
#: variance of the error of the Cox model on the log scale
_SIGMA2 = float(np.pi**2 / 6)


def royston_d(time: ArrayLike, event: ArrayLike, risk: ArrayLike, level: float = 0.95) -> StatResult:
    """Log hazard ratio between two halves of equal size with high and low risk, and the variation it explains.

    Parameters
    ----------
    time : array-like of float, shape (n,)
        Positive follow-up times.
    event : array-like of 0/1, shape (n,)
        1 where the event was seen, 0 where the time is censored.
    risk : array-like of float, shape (n,)
        Prognostic index; higher means an earlier event.  Only its order counts.
    level : float, default 0.95
        Level of the Wald interval.

    Returns
    -------
    StatResult
        ``estimate`` is D, ``statistic`` is z.  ``result["r2"]`` (R²_D, the share of variation on the log
        hazard scale) with ``["r2_lower"]`` and ``["r2_upper"]``, and ``["hazard_ratio"]`` = exp(D).

    Raises
    ------
    RadiogenError
        RG402, RG403, RG705 for unusable arrays; RG701 without events; RG704 for a constant risk or one
        that orders the events fully.

    Notes
    -----
    Cox regression (Efron ties) on the normal scores of the risks, Φ⁻¹((rank - 3/8) / (n + 1/4)) /
    √(8/π); tied risks share the mean of their scores, as R's ``survival::royston``.  R²_D =
    (D²/κ²) / (π²/6 + D²/κ²) with κ² = 8/π; its limits are those of D carried over.

    References
    ----------
    Royston and Sauerbrei, Stat Med 2004;23:723, doi 10.1002/sim.1621.

    Examples
    --------
    >>> r = royston_d([1, 2, 3, 4, 5, 6], [1, 1, 1, 1, 1, 1], [6, 2, 5, 3, 4, 1])
    >>> round(r.estimate, 3), round(r["r2"], 3)
    (2.143, 0.523)
    """
    z_level = normal_quantile(level)
    t, e = survival(time, event)
    r = number(risk, "risk")
    same_length(time=t, risk=r)
    if not e.any():
        raise fail("RG701", "D needs events; all times are censored.")
    own = fit_design(t, e, Design(_scores(r)[:, None], ["risk"], ["risk"]))
    d, se = float(own.coefficients[0]), float(np.sqrt(own.covariance[0, 0]))
    lower, upper = d - z_level * se, d + z_level * se
    return StatResult(
        method="Royston and Sauerbrei's D, normal scores, Cox regression with Efron ties, Wald",
        estimate=d,
        se=se,
        lower=lower,
        upper=upper,
        statistic=d / se,
        p=float(2 * norm.sf(abs(d / se))),
        n=t.size,
        events=int(e.sum()),
        level=level,
        extra={
            "hazard_ratio": float(np.exp(d)),
            "r2": _explained(d),
            "r2_lower": _explained(min(lower, upper, key=abs)) if lower * upper > 0 else 0.0,
            "r2_upper": _explained(max(lower, upper, key=abs)),
        },
    )


def _scores(risk: Floats) -> Floats:
    order = np.argsort(risk, kind="stable")
    each = np.empty(risk.size)
    each[order] = ndtri((np.arange(1, risk.size + 1) - 0.375) / (risk.size + 0.25)) / _KAPPA
    _, group = np.unique(rankdata(risk), return_inverse=True)
    return np.asarray((np.bincount(group, weights=each) / np.bincount(group))[group])


def _explained(d: float) -> float:
    part = d**2 / _KAPPA**2
    return part / (_SIGMA2 + part)
