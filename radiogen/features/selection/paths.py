"""Paths of the elastic net: from the penalty that empties the model to weak ones, for classes and for survival."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from radiogen.features.selection.target import Floats, Target
from radiogen.stats.nelson import breslow_likelihood, null_martingale

#: least weight of a unit in a step of reweighted least squares, as in glmnet
_LEAST_WEIGHT = 1e-5
#: a fit has converged where no linear predictor moves by more; ten times as much with several classes, fitted in turn
_MOVED = 1e-4
_MOST_STEPS = 50
#: columns whose slope is at least this share of the penalty are looked at from the first
_NEAR = 0.8
#: deviance of a probability of zero is cut here
_SMALLEST = 1e-12


def response(target: Target) -> Floats:
    """Indicators of the classes, n × K: one column for two classes; martingale residuals of survival."""
    if target.kind == "survival":
        return null_martingale(target.times, target.event)[:, None]
    if target.kind == "binary":
        return (target.codes == 1).astype(float)[:, None]
    return np.eye(len(target.classes))[target.codes]


def penalties(x: Floats, target: Target, l1_ratio: float, number: int, smallest: float | None = None) -> Floats:
    """Strengths from the least that empties the model down to ``smallest`` of it.

    Default 0.01 where there are more units than columns, else 0.05; on the scale of the mean log likelihood, as in glmnet.
    """
    y = response(target)
    centred = y if target.kind == "survival" else y - y.mean(axis=0)
    strongest = float(np.abs(x.T @ centred).max()) / len(x) / l1_ratio
    ratio = smallest if smallest is not None else 0.01 if len(x) > x.shape[1] else 0.05
    return np.asarray(max(strongest, 1e-10) * np.geomspace(1.0, ratio, number))


def path(x: Floats, target: Target, strengths: Floats, l1_ratio: float) -> Iterator[tuple[Floats, Floats]]:
    """Intercepts (K,) and coefficients (K, p) at each strength, from the strongest on, each begun from the one before.

    Parameters
    ----------
    x : ndarray, shape (n, p)
        Standardised columns.
    target : Target
    strengths : ndarray
        Falling.
    l1_ratio : float
        Share of the L1 part, above 0.
    """
    if target.kind == "survival":
        yield from _cox_path(x, target, strengths, l1_ratio)
        return
    y = response(target)
    share = np.clip(y.mean(axis=0), 1e-9, 1 - 1e-9)
    intercept = np.log(share / (1 - share)) if y.shape[1] == 1 else np.log(share)
    coefficients = np.zeros((y.shape[1], x.shape[1]))
    for strength in strengths:
        intercept, coefficients = _screened_fit(x, y, float(strength), l1_ratio, intercept, coefficients)
        yield intercept, coefficients


def _screened_fit(
    x: Floats, y: Floats, strength: float, l1_ratio: float, intercept: Floats, coefficients: Floats
) -> tuple[Floats, Floats]:
    """The fit on the columns that may get a coefficient; whoever violates the optimum's conditions afterwards joins them.

    Tibshirani R et al. Strong rules for discarding predictors in lasso-type problems. J R Stat Soc B 2012;74:245.
    doi:10.1111/j.1467-9868.2011.01004.x
    """
    limit = strength * l1_ratio
    live = (coefficients != 0).any(axis=0) | (_slope(x, y, x @ coefficients.T + intercept) >= _NEAR * limit)
    while True:
        found = np.zeros_like(coefficients)
        some = np.ascontiguousarray(x[:, live])
        if some.shape[1]:
            intercept, found[:, live] = _fit(some, y, strength, l1_ratio, intercept, coefficients[:, live])
        wrong = ~live & (_slope(x, y, x @ found.T + intercept) > limit + _MOVED)
        if not wrong.any():
            return intercept, found
        live, coefficients = live | wrong, found


def _slope(x: Floats, y: Floats, eta: Floats) -> Floats:
    """Steepness of the mean log likelihood in each column, of the class where it is largest."""
    return np.asarray(np.abs(x.T @ (y - probabilities(eta))).max(axis=1) / len(x))


def _fit(
    x: Floats, y: Floats, strength: float, l1_ratio: float, intercept: Floats, coefficients: Floats
) -> tuple[Floats, Floats]:
    """Reweighted least squares, one class after the other, each step a lasso by coordinate descent.

    Friedman J, Hastie T, Tibshirani R. J Stat Softw 2010;33(1). doi:10.18637/jss.v033.i01
    """
    a, b = intercept.copy(), coefficients.copy()
    eta = x @ b.T + a
    value = _objective(eta, y, b, strength, l1_ratio)
    for _ in range(_MOST_STEPS):
        old_a, old_b, old_eta = a.copy(), b.copy(), eta.copy()
        for k in range(y.shape[1]):
            p = probabilities(eta)[:, k]
            weight = np.maximum(p * (1 - p), _LEAST_WEIGHT)
            a[k], b[k] = _weighted_lasso(x, eta[:, k] + (y[:, k] - p) / weight, weight, strength, l1_ratio, b[k])
            eta[:, k] = x @ b[k] + a[k]
        new = _objective(eta, y, b, strength, l1_ratio)
        # the objective is convex: somewhere on the way back it is lower
        halvings = 0
        while new > value + 1e-10 and halvings < 20:
            a, b, eta = (a + old_a) / 2, (b + old_b) / 2, (eta + old_eta) / 2
            new = _objective(eta, y, b, strength, l1_ratio)
            halvings += 1
        value = new
        if np.abs(eta - old_eta).max() < (_MOVED if y.shape[1] == 1 else 10 * _MOVED):
            break
    if y.shape[1] > 1:
        a = a - a.mean()
    return a, b


def _weighted_lasso(
    x: Floats, z: Floats, weight: Floats, strength: float, l1_ratio: float, start: Floats
) -> tuple[float, Floats]:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import enet_path

    total = weight.sum()
    mean, middle = weight @ x / total, float(weight @ z / total)
    root = np.sqrt(weight)
    design = np.asfortranarray((x - mean) * root[:, None])
    with warnings.catch_warnings():
        # an inner step need not be exact: the outer loop goes on until nothing moves
        warnings.simplefilter("ignore", ConvergenceWarning)
        _, found, _ = enet_path(
            design, (z - middle) * root, l1_ratio=l1_ratio, alphas=np.array([strength]), coef_init=start.copy(),
            precompute=False, check_input=False, tol=1e-6, max_iter=2000,
        )  # fmt: skip
    b = np.asarray(found[:, 0])
    return middle - float(mean @ b), b


def probabilities(eta: Floats) -> Floats:
    """Of each class; of one column, of the second class."""
    if eta.shape[1] == 1:
        return np.asarray(expit(eta))
    return np.exp(eta - _log_sum(eta)[:, None])


def _log_sum(eta: Floats) -> Floats:
    """Logarithm of the sum of exponentials of each row."""
    peak = eta.max(axis=1)
    return np.asarray(peak + np.log(np.exp(eta - peak[:, None]).sum(axis=1)))


def _objective(eta: Floats, y: Floats, b: Floats, strength: float, l1_ratio: float) -> float:
    if y.shape[1] == 1:
        likelihood = (y * eta - np.logaddexp(0.0, eta)).sum()
    else:
        likelihood = (y * eta).sum() - _log_sum(eta).sum()
    penalty = l1_ratio * np.abs(b).sum() + (1 - l1_ratio) / 2 * (b**2).sum()
    return float(-likelihood / len(y) + strength * penalty)


def _cox_path(x: Floats, target: Target, strengths: Floats, l1_ratio: float) -> Iterator[tuple[Floats, Floats]]:
    from sksurv.linear_model import CoxnetSurvivalAnalysis
    from sksurv.util import Surv

    y = Surv.from_arrays(target.event, target.times)
    model = CoxnetSurvivalAnalysis(alphas=strengths, l1_ratio=l1_ratio, max_iter=100_000)
    with warnings.catch_warnings():
        # the first strength empties the model on purpose
        warnings.filterwarnings("ignore", message="all coefficients are zero")
        try:
            model.fit(x, y)
            coefficients = model.coef_.T
        except ArithmeticError:
            # too weak a penalty for these units: the path ends before it
            coefficients = _shorter(x, y, strengths, l1_ratio)
    for i in range(len(strengths)):
        yield np.zeros(1), np.asarray(coefficients[min(i, len(coefficients) - 1)])[None, :]


def _shorter(x: Floats, y: Floats, strengths: Floats, l1_ratio: float) -> Floats:
    from sksurv.linear_model import CoxnetSurvivalAnalysis

    low, high = 1, len(strengths) - 1
    found = np.zeros((1, x.shape[1]))
    while low <= high:
        middle = (low + high) // 2
        try:
            fitted = CoxnetSurvivalAnalysis(alphas=strengths[:middle], l1_ratio=l1_ratio, max_iter=100_000).fit(x, y)
            found, low = fitted.coef_.T, middle + 1
        except ArithmeticError:
            high = middle - 1
    return np.asarray(found)


def deviance(eta: Floats, target: Target, rows: NDArray[Any], train: NDArray[Any], everyone: NDArray[Any]) -> float:
    """Deviance per left-out unit, or event, of linear predictors (n, K) for the units of ``rows``.

    Survival: twice the fall of the log partial likelihood of all units when those left out are taken away, so that few
    events in a fold suffice (Verweij PJM, van Houwelingen HC. Stat Med 1993;12:2305. doi:10.1002/sim.4780122407).
    """
    if target.kind == "survival":
        time, event = target.times, target.event
        whole = breslow_likelihood(eta[everyone], time[everyone], event[everyone])[0]
        part = breslow_likelihood(eta[train], time[train], event[train])[0]
        return float(-2 * (whole - part) / max(int(event[rows].sum()), 1))
    y, p = response(target)[rows], probabilities(eta[rows])
    chance = np.where(y == 1, p, 1 - p)[:, 0] if y.shape[1] == 1 else (p * y).sum(axis=1)
    return float(-2 * np.log(np.maximum(chance, _SMALLEST)).mean())
