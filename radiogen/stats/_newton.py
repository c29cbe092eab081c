"""Newton's method for concave log-likelihoods, with a clear answer when there is no maximum."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from radiogen.stats._validate import Floats

#: log-likelihood, gradient and information at given coefficients
Objective = Callable[[Floats], tuple[float, Floats, Floats]]

_MAX_STEPS = 40
#: the fit has converged when no linear predictor moves by more than this (relative to the largest)
_MOVE = 1e-9
#: rounding alone can keep nearly collinear columns from coming below _MOVE
_MOVE_ROUGH = 1e-5


@dataclass(frozen=True)
class Fit:
    """Where Newton's method ended.

    ``direction`` is the last full step: where there is no maximum it points to infinity.
    """

    beta: Floats
    loglik: float
    information: Floats
    converged: bool
    direction: Floats


def maximise(objective: Objective, x: Floats, start: Floats | None = None) -> Fit:
    """Maximise a concave log-likelihood of a linear predictor ``x @ beta`` (x: n × p)."""
    beta = np.zeros(x.shape[1]) if start is None else start.copy()
    value, gradient, information = objective(beta)
    step = np.zeros_like(beta)
    move = np.inf
    for _ in range(_MAX_STEPS):
        trial = _solve(information, gradient)
        if trial is None:
            return Fit(beta, value, information, False, step)
        step = trial
        move = float(np.max(np.abs(x @ step), initial=0.0))
        size = 1.0 + float(np.max(np.abs(x @ beta), initial=0.0))
        accepted = _line_search(objective, beta, step, value)
        if accepted is None:
            break
        gain = accepted[1] - value
        beta, value, gradient, information = accepted
        if move <= _MOVE * size:
            return Fit(beta, value, information, True, step)
        # with no maximum the likelihood levels off while the predictors go on growing
        if abs(gain) < 1e-11 * (1 + abs(value)) and move > 0.1:
            return Fit(beta, value, information, False, step)
    size = 1.0 + float(np.max(np.abs(x @ beta), initial=0.0))
    return Fit(beta, value, information, move <= _MOVE_ROUGH * size, step)


def until_still(objective: Objective, x: Floats, eps: float) -> Fit:
    """Newton's steps as R's ``coxph`` takes them: until a whole step changes the log-likelihood by a share below ``eps``."""
    beta = np.zeros(x.shape[1])
    value, gradient, information = objective(beta)
    for _ in range(_MAX_STEPS):
        step = _solve(information, gradient)
        if step is None:
            break
        parts = 1
        new = objective(beta + step)
        while not (np.isfinite(new[0]) and new[0] >= value) and parts < _MAX_STEPS:
            parts += 1
            new = objective(beta + step / parts)
        done = parts == 1 and abs(new[0] - value) <= eps * abs(new[0])
        beta, (value, gradient, information) = beta + step / parts, new
        if done:
            return Fit(beta, value, information, True, step)
    return Fit(beta, value, information, False, np.zeros_like(beta))


def _solve(information: Floats, gradient: Floats) -> Floats | None:
    if gradient.size == 0:
        return gradient
    diagonal = np.diag(information)
    if not np.isfinite(information).all() or (diagonal <= 0).any():
        return None
    scale = np.sqrt(diagonal)
    try:
        factor = np.linalg.cholesky(information / np.outer(scale, scale))
    except np.linalg.LinAlgError:
        return None
    half = np.linalg.solve(factor, gradient / scale)
    return np.asarray(np.linalg.solve(factor.T, half) / scale)


def _line_search(
    objective: Objective, beta: Floats, step: Floats, value: float
) -> tuple[Floats, float, Floats, Floats] | None:
    """Halve the step until the log-likelihood does not fall (beyond rounding)."""
    slack = 1e-11 * (1 + abs(value))
    length = 1.0
    while length > 1e-6:
        trial = beta + length * step
        new, gradient, information = objective(trial)
        if np.isfinite(new) and new >= value - slack:
            return trial, new, gradient, information
        length /= 2
    return None


def covariance(information: Floats) -> Floats:
    """The inverse of an information matrix, scaled to unit diagonal on the way."""
    if information.shape[0] == 0:
        return information
    scale = np.sqrt(np.diag(information))
    return np.asarray(np.linalg.inv(information / np.outer(scale, scale)) / np.outer(scale, scale))


def culprits(fit: Fit, terms: list[str]) -> list[str]:
    """The terms whose coefficients run to infinity, the fastest first."""
    size = np.abs(fit.direction)
    if size.size == 0 or size.max() == 0:
        return terms
    return [terms[k] for k in np.argsort(-size, kind="stable") if size[k] > 0.05 * size.max()]
