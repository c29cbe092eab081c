"""Measures of performance by name, for internal validation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.special import expit

from radiogen.errors import fail
from radiogen.stats._calibration import log_likelihood
from radiogen.stats._logit import logit
from radiogen.stats._newton import maximise
from radiogen.stats._partial import efron
from radiogen.stats._validate import Bools, Floats
from radiogen.stats.harrell import count_pairs
from radiogen.stats.roc import components

#: outcome and predictions -> value
Metric = Callable[[Any, Any], float]
#: outcome and predictions -> values by name
Measures = Callable[[Any, Any], dict[str, float]]

BINARY = ("dxy", "r2", "intercept", "slope", "emax", "d", "u", "q", "brier", "g", "gp", "auc")
SURVIVAL = ("concordance", "dxy", "r2", "slope", "d", "u", "q", "g")
#: measures that need the logistic recalibration of the predictions
_RECALIBRATED = {"r2", "intercept", "slope", "emax", "d", "u", "q", "g", "gp"}
#: predictions of 0 and 1, as of a forest on its own training data, have no logit
_EDGE = 1e-6


def binary_measures(names: Sequence[str]) -> Measures:
    """Measures of predicted probabilities of a 0/1 outcome."""
    wanted = set(names)

    def measure(y: Bools, p: Floats) -> dict[str, float]:
        out: dict[str, float] = {}
        if wanted & {"auc", "dxy"}:
            # an order that rounding alone makes is none
            auc = components(y, np.round(p, 14))[0]
            out |= {"auc": auc, "dxy": 2 * auc - 1}
        if "brier" in wanted:
            out["brier"] = float(((p - y) ** 2).mean())
        if wanted & _RECALIBRATED:
            out |= _recalibrated(y, np.clip(p, _EDGE, 1 - _EDGE))
        return {name: out[name] for name in names if name != "emax"}

    return measure


def _recalibrated(y: Bools, p: Floats) -> dict[str, float]:
    """As R's ``rms::validate`` computes them from a logistic model of the linear predictor."""
    n, share = y.size, float(y.mean())
    log_odds = np.log(p) - np.log1p(-p)
    x = np.column_stack([np.ones(n), log_odds])
    if np.ptp(log_odds) < 1e-12:
        raise fail("RG704", "The predictions are constant; a calibration slope has no value.")
    # the right answer for a model judged on its own data is 0 and 1
    fit = maximise(logit(y, x), x, np.array([0.0, 1.0]))
    if not fit.converged:
        raise fail("RG704", "The predictions separate the classes: the calibration slope is infinite.")
    intercept, slope = float(fit.beta[0]), float(fit.beta[1])
    null = n * (share * np.log(share) + (1 - share) * np.log1p(-share))
    ratio = 2 * (fit.loglik - null)
    d = (ratio - 1) / n
    u = (2 * (fit.loglik - log_likelihood(y, log_odds)) - 2) / n
    return {
        "r2": float((1 - np.exp(-ratio / n)) / (1 - np.exp(2 * null / n))), "intercept": intercept, "slope": slope,
        "d": d, "u": u, "q": d - u, "g": gini(slope * log_odds), "gp": gini(expit(intercept + slope * log_odds)),
    }  # fmt: skip


def gini(x: Floats) -> float:
    """Gini's mean difference: the mean distance of two units."""
    n = x.size
    return float(2 * (np.sort(x) @ (2 * np.arange(1, n + 1) - n - 1)) / (n * (n - 1)))


def largest_error(intercept: float, slope: float) -> float:
    """The largest distance between a probability and its recalibration, on rms' grid."""
    p = np.arange(1, 2000) * 0.0005
    return float(np.abs(p - expit(intercept + slope * (np.log(p) - np.log1p(-p)))).max())


def survival_measures(names: Sequence[str]) -> Measures:
    """Measures of a risk score (higher is an earlier event) for a censored time."""
    wanted = set(names)

    def measure(outcome: tuple[Floats, Bools], score: Floats) -> dict[str, float]:
        time, event = outcome
        out: dict[str, float] = {}
        if wanted & {"concordance", "dxy"}:
            size = max(1e-300, float(np.abs(score).max()))
            c = count_pairs(time, event, np.round(score / size, 12)).estimate
            out |= {"concordance": c, "dxy": 2 * c - 1}
        if wanted - {"concordance", "dxy"}:
            out |= _cox_recalibrated(time, event, score)
        return {name: out[name] for name in names}

    return measure


def _cox_recalibrated(time: Floats, event: Bools, score: Floats) -> dict[str, float]:
    """As R's ``rms::validate`` computes them from a Cox model of the linear predictor."""
    n, spread = time.size, float(score.std())
    if spread == 0:
        raise fail("RG704", "The risk score is constant; a calibration slope has no value.")
    x = ((score - score.mean()) / spread)[:, None]
    objective = efron(time, event, x)
    fit = maximise(objective, x)
    if not fit.converged:
        raise fail("RG704", "The risk score orders the events fully: the calibration slope is infinite.")
    slope, null = float(fit.beta[0]) / spread, -2 * objective(np.zeros(1))[0]
    ratio = 2 * fit.loglik + null
    d = (ratio - 1) / null
    u = (2 * (fit.loglik - objective(np.array([spread]))[0]) - 2) / null
    return {
        "slope": slope, "r2": float((1 - np.exp(-ratio / n)) / (1 - np.exp(-null / n))), "d": d, "u": u, "q": d - u,
        "g": gini(slope * score),
    }  # fmt: skip
