"""Small pieces of the Cox model that others build on: residuals without predictors, and Breslow's likelihood."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def null_martingale(time: ArrayLike, event: ArrayLike) -> NDArray[np.float64]:
    """Martingale residuals of the model without predictors.

    Parameters
    ----------
    time : array, shape (n,)
    event : array of 0 and 1, shape (n,)

    Returns
    -------
    array, shape (n,)
        Event less the Nelson-Aalen cumulative hazard at the unit's own time.  The correlation of a predictor with it
        is, up to a scale, the predictor's Cox score statistic.

    References
    ----------
    Therneau TM, Grambsch PM, Fleming TR. Martingale-based residuals for survival models. Biometrika 1990;77:147-160.
    doi:10.1093/biomet/77.1.147

    Examples
    --------
    >>> from radiogen.stats.nelson import null_martingale
    >>> null_martingale([1, 2, 4], [1, 1, 0]).round(3).tolist()
    [0.667, 0.167, -0.833]
    """
    happened = np.asarray(event, dtype=float)
    inverse = np.unique(np.asarray(time, dtype=float), return_inverse=True)[1]
    events = np.bincount(inverse, weights=happened)
    at_risk = np.bincount(inverse)[::-1].cumsum()[::-1]
    return np.asarray(happened - np.cumsum(events / at_risk)[inverse])


def breslow_likelihood(eta: NDArray[np.float64], time: ArrayLike, event: ArrayLike) -> NDArray[np.float64]:
    """Log partial likelihood (Breslow's rule for ties) of linear predictors.

    Parameters
    ----------
    eta : array, shape (n, S)
        Log hazards, one column for each model.
    time : array, shape (n,)
    event : array of 0 and 1, shape (n,)

    Returns
    -------
    array, shape (S,)

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.stats.nelson import breslow_likelihood
    >>> bool(np.isclose(breslow_likelihood(np.zeros((2, 1)), [1, 2], [1, 1])[0], -np.log(2)))
    True
    """
    times = np.asarray(time, dtype=float)
    order = np.argsort(-times, kind="stable")
    own = eta[order]
    top = own.max(axis=0)
    running = np.log(np.cumsum(np.exp(own - top), axis=0)) + top
    # the risk set of a time holds all units tied at it
    falling = -times[order]
    last = np.searchsorted(falling, falling, side="right") - 1
    happened = np.asarray(event)[order].astype(bool)
    return np.asarray((own - running[last])[happened].sum(axis=0))
