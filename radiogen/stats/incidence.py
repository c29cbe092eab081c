"""Cumulative incidence with competing events (Aalen and Johansen)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm


def cumulative_incidence(
    time: NDArray[np.float64], status: NDArray[np.int_], cause: int = 1, level: float = 0.95
) -> pd.DataFrame:
    """Probability of the event of interest by time, with competing events counted as such.

    Parameters
    ----------
    time : array, shape (n,)
        Positive follow-up times.
    status : array of int, shape (n,)
        0 censored, 1, 2, … the events.
    cause : int, default 1
        The event of interest.
    level : float, default 0.95
        Level of the pointwise intervals, on the scale log(-log).

    Returns
    -------
    DataFrame
        One row per distinct time: ``time``, ``incidence``, ``std_err``, ``lower``, ``upper``, ``n_risk``,
        ``n_event`` (of the cause), ``n_competing``, ``n_censor``.  Limits are NaN while the incidence is 0.

    Notes
    -----
    Events come before censorings at tied times; times are not jittered.  The variance is the delta method's
    (Marubini and Valsecchi 1995, equation 10.12), as in R's ``cmprsk::cuminc``'s large-sample equivalent.

    References
    ----------
    Aalen and Johansen (1978), Scand J Stat 5:141.

    Examples
    --------
    >>> import numpy as np
    >>> f = cumulative_incidence(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1, 2, 1, 0]))
    >>> f["incidence"].tolist()
    [0.25, 0.25, 0.5, 0.5]
    """
    times, place = np.unique(time, return_inverse=True)
    total = np.bincount(place)
    own = np.bincount(place, weights=(status == cause).astype(float)).astype(float)
    other = np.bincount(place, weights=((status != cause) & (status != 0)).astype(float)).astype(float)
    risk = total[::-1].cumsum()[::-1].astype(float)
    survival = np.cumprod(1 - (own + other) / risk)
    before = np.r_[1.0, survival[:-1]]
    incidence = np.cumsum(before * own / risk)
    error = np.sqrt(_variance(incidence, before, own, own + other, risk))
    z = float(norm.ppf(0.5 + level / 2))
    lower, upper = np.full(len(times), np.nan), np.full(len(times), np.nan)
    inner = (incidence > 0) & (incidence < 1)
    width = z * error[inner] / (incidence[inner] * np.abs(np.log(incidence[inner])))
    lower[inner] = incidence[inner] ** np.exp(width)
    upper[inner] = incidence[inner] ** np.exp(-width)
    return pd.DataFrame({
        "time": times, "incidence": incidence, "std_err": error, "lower": lower, "upper": upper,
        "n_risk": risk.astype(int), "n_event": own.astype(int), "n_competing": other.astype(int),
        "n_censor": (total - own - other).astype(int),
    })  # fmt: skip


def _variance(
    incidence: NDArray[np.float64], before: NDArray[np.float64], own: NDArray[np.float64],
    every: NDArray[np.float64], risk: NDArray[np.float64],
) -> NDArray[np.float64]:  # fmt: skip
    """Delta-method variance of the incidence at each time, from running sums of its three parts."""
    # the last unit at risk leaves no one to vary
    a = np.divide(every, risk * (risk - every), out=np.zeros_like(risk), where=risk > every)
    b = before**2 * own * (risk - own) / risk**3
    c = before * own / risk**2
    one, two, three = np.cumsum(a), np.cumsum(incidence * a), np.cumsum(incidence**2 * a)
    first = incidence**2 * one - 2 * incidence * two + three
    third = incidence * np.cumsum(c) - np.cumsum(incidence * c)
    return np.asarray(np.maximum(first + np.cumsum(b) - 2 * third, 0.0))
