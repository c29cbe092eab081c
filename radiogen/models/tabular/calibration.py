"""Logits to probabilities that are right on average: one slope for all logits and one intercept per class."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from radiogen.models.tabular.table import Floats, Ints

#: a slope of 0 would give everybody the same prediction and lose the order
_SLOPES = (0.02, 10.0)
#: how strongly intercepts are held at zero, as so many units would
_PRIOR = 1.0


def plain(classes: int) -> Floats:
    """The calibration that changes nothing."""
    return np.r_[1.0, np.zeros(classes)]


def fit_calibration(logits: Floats, codes: Ints, weight: Floats | None = None) -> Floats:
    """Slope and intercepts with the lowest log loss on units that the model had not seen.

    Parameters
    ----------
    logits : array, shape (n, K)
    codes : array of int, shape (n,)
        Class of each unit.
    weight : array, shape (n,), optional

    Returns
    -------
    array, shape (1 + K,)
        Slope, from 0.02 to 10, and intercepts that sum to zero.

    Notes
    -----
    Temperature scaling alone would pull an uncertain model towards equal classes; with intercepts it goes to the classes'
    shares.  With two classes this is Platt's scaling.

    References
    ----------
    Guo C et al. (2017) ICML, arXiv 1706.04599; Platt J (1999), Probabilistic outputs for support vector machines.

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.models.tabular.calibration import calibrated, fit_calibration
    >>> logits = np.zeros((100, 2)); codes = np.repeat([0, 1], [80, 20])
    >>> calibrated(logits[:1], fit_calibration(logits, codes)).round(1).tolist()
    [[0.8, 0.2]]
    """
    w = np.ones(len(codes)) if weight is None else weight
    truth = np.eye(logits.shape[1])[codes]

    def loss(parameters: Floats) -> tuple[float, Floats]:
        slope, intercepts = parameters[0], parameters[1:]
        scores = slope * logits + intercepts
        miss = w[:, None] * (softmax(scores, axis=1) - truth)
        value = -(w[:, None] * truth * log_softmax(scores, axis=1)).sum() + _PRIOR * (intercepts**2).sum() / 2
        return float(value), np.r_[(miss * logits).sum(), miss.sum(axis=0) + _PRIOR * intercepts]

    start = plain(logits.shape[1])
    bounds = [_SLOPES, *[(-10.0, 10.0)] * logits.shape[1]]
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    found[1:] -= found[1:].mean()
    return np.asarray(found, dtype=np.float64)


def calibrated(logits: Floats, calibration: Floats) -> Floats:
    """Probabilities, shape (n, K)."""
    return np.asarray(softmax(calibration[0] * logits + calibration[1:], axis=1), dtype=np.float64)
