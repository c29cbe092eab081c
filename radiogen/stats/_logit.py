"""The logistic log-likelihood, its gradient and information."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from radiogen.stats._newton import Objective
from radiogen.stats._validate import Bools, Floats


def logit(y: Bools, x: Floats, offset: Floats | float = 0.0) -> Objective:
    """The log-likelihood of 0/1 outcomes as a function of the coefficients of ``x`` (n × p)."""
    outcome = y.astype(float)

    def objective(beta: Floats) -> tuple[float, Floats, Floats]:
        eta = x @ beta + offset
        fitted = expit(eta)
        # log(1 + exp(eta)) without overflow
        loglik = float(outcome @ eta - np.logaddexp(0.0, eta).sum())
        weight = fitted * expit(-eta)
        return loglik, x.T @ (outcome - fitted), x.T @ (weight[:, None] * x)

    return objective
