"""Cox regression with an elastic-net penalty, equal to R's ``glmnet``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from radiogen.errors import fail
from radiogen.stats._design import design, listed, take
from radiogen.stats._glmnet_order import glmnet_times
from radiogen.stats._newton import Objective
from radiogen.stats._partial import objective, risk_sets
from radiogen.stats._validate import Floats, choice, is_number, number, numbers, survival
from radiogen.stats.result import StatResult

#: a path without penalties given has so many, down to this share of the first
_PATH, _SHARE = 50, 0.01
_STEPS, _SWEEPS, _TRY = 100, 2000, 5
#: the largest move of a standardised coefficient at which a fit ends; sweeps inside a step go further
_MOVE, _INNER = 1e-9, 1e-12


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class ElasticNetResult(StatResult):
    """Penalised log hazard ratios; the fields of :class:`StatResult` have one row per penalty and term.

    Parameters
    ----------
    coefficients : DataFrame
        One row per term, one column per penalty; on the scale of the covariates.
    """

    coefficients: pd.DataFrame = field(default_factory=pd.DataFrame)


def cox_elastic_net(
    frame: pd.DataFrame,
    duration: str,
    event: str,
    covariates: Sequence[str],
    penalties: float | ArrayLike | None = None,
    l1_ratio: float = 1.0,
    ties: str = "breslow",
) -> ElasticNetResult:
    """Cox models with lasso, ridge or elastic-net penalties.

    Parameters
    ----------
    frame : DataFrame, n rows
        One row per unit, without missing values in the columns used.
    duration : str
        Column of positive follow-up times.
    event : str
        Column of 0 (censored) and 1 (event).
    covariates : sequence of str
        Columns; text and categories enter as indicators, as in :func:`cox_regression`.
    penalties : float or array-like of float, optional
        Strengths lambda, above 0; by default 50 from the weakest that leaves every coefficient at 0 down to a
        hundredth of it.
    l1_ratio : float, default 1
        Share of the lasso: 1 is the lasso, values between are the elastic net; above 0.
    ties : {"breslow", "efron", "glmnet"}, default "breslow"
        Rule for tied events; ``glmnet`` has Breslow's.  "glmnet" is Breslow's rule with the risk sets of glmnet 4.1 as it
        stands, only for its last digits: see Notes.

    Returns
    -------
    ElasticNetResult
        ``coefficients`` (terms × penalties); in ``to_frame()`` the columns ``penalty`` and ``estimate``.  Penalised
        coefficients are biased on purpose and have no standard errors.

    Raises
    ------
    RadiogenError
        RG203 for a column that is not there; RG402, RG403, RG705 for unusable times, events or covariates; RG701
        without events; RG704 where all covariates are constant; RG708 for an option out of range.

    Notes
    -----
    Estimand: the log hazard ratios that minimise the penalised likelihood; biased towards 0, for prediction.

    Minimises -loglik(b) / n + lambda {l1_ratio Σ|b_j| + (1 - l1_ratio) Σ b_j² / 2}, where b belongs to columns divided by
    their standard deviations (with n, not n - 1); coefficients are given on the original scale.  This is ``glmnet(x,
    Surv(time, event), family = "cox", lambda = ...)`` with its ``standardize = TRUE``.  Newton's quadratic with the whole
    information matrix, solved by coordinate descent, until no coefficient moves: for hundreds of terms rather than
    thousands.  A constant column has the coefficient 0.  Of identical columns the lasso has many solutions; the first
    column gets the weight.

    A unit censored at the time of an event is at risk there.  glmnet puts it 2.2e-14 later to that end, which rounding
    swallows from a time of 256 on; the unit then counts or not as an unstable sort has it, and the coefficients change with
    the order of the rows.  With ``ties="glmnet"`` they are glmnet's; the difference is in the fourth digit.

    References
    ----------
    Simon, Friedman, Hastie and Tibshirani, J Stat Softw 2011;39(5):1, doi 10.18637/jss.v039.i05.

    Examples
    --------
    >>> d = pd.DataFrame({"t": [1, 2, 3, 4, 5, 6], "e": [1, 1, 0, 1, 1, 0], "x": [1, 0, 1, 1, 0, 0]})
    >>> cox_elastic_net(d, "t", "e", ["x"], [1.0, 0.01]).coefficients.loc["x"].round(3).tolist()
    [0.0, 1.028]
    """
    choice(ties, "ties", ("breslow", "efron", "glmnet"))
    if not is_number(l1_ratio) or not 0 < l1_ratio <= 1:
        raise fail("RG708", "`l1_ratio` must lie above 0 and not above 1.", value=l1_ratio)
    data = take(frame, [duration, event, *listed(covariates)])
    if not len(data) or not len(listed(covariates)):
        raise fail("RG705", "A Cox model needs rows and at least one covariate.")
    t, e = survival(data[duration], data[event])
    if not e.any():
        raise fail("RG701", "A Cox model needs events; all times are censored.", column=event)
    model = design(data[list(covariates)])
    # divided first, so that squares of very large values are numbers too
    largest = np.abs(model.x).max(axis=0)
    unit = model.x / np.where(largest > 0, largest, 1.0)
    varies = np.ptp(unit, axis=0) > 1e-13
    if not varies.any():
        raise fail("RG704", "All covariates are constant.", column=model.terms[0])
    scale = unit[:, varies].std(axis=0)
    x = (unit[:, varies] - unit[:, varies].mean(axis=0)) / scale
    asked = number(data[duration], duration)
    rule = ("breslow", glmnet_times(asked, e)) if ties == "glmnet" else (ties, t)
    function = objective(risk_sets(rule[1], e, x, ties=rule[0]))
    strengths = _strengths(penalties, function(np.zeros(x.shape[1]))[1] / t.size, l1_ratio)
    full = np.zeros((len(model.terms), strengths.size))
    beta = np.zeros(x.shape[1])
    # from the strongest, each fit starts where the one before it ended
    for k in np.argsort(-strengths, kind="stable"):
        beta = _fit(function, t.size, float(strengths[k]), float(l1_ratio), beta)
        full[varies, k] = beta / scale / largest[varies]
    constant = [term for term, keep in zip(model.terms, varies, strict=True) if not keep]
    words = "glmnet's Breslow" if ties == "glmnet" else ties.capitalize()
    return ElasticNetResult(
        method=f"Cox regression, elastic net with {l1_ratio:g} lasso, {words} ties, standardised columns",
        estimate=full.T.ravel(),
        n=t.size,
        events=int(e.sum()),
        label=model.terms * strengths.size,
        extra={"penalty": np.repeat(strengths, len(model.terms)), "terms": tuple(model.terms)},
        notes=(f"Constant, and left at 0: {', '.join(constant)}.",) if constant else (),
        coefficients=pd.DataFrame(full, index=model.terms, columns=pd.Index(strengths, name="penalty")),
    )


def _strengths(penalties: float | ArrayLike | None, gradient: Floats, ratio: float) -> Floats:
    if penalties is None:
        first = float(np.abs(gradient).max()) / ratio
        if first <= 0:
            raise fail("RG704", "No covariate changes the likelihood; there is no path of penalties.")
        return first * np.geomspace(1.0, _SHARE, _PATH)
    values = numbers(penalties, "penalties")
    if (values <= 0).any():
        raise fail("RG708", "`penalties` must be above 0; without a penalty use `cox_regression`.", value=float(values.min()))
    return values


def _fit(function: Objective, n: int, strength: float, ratio: float, start: Floats) -> Floats:
    """Newton's method for the penalised likelihood: each step minimises the quadratic with the penalty itself."""
    hard, soft = strength * ratio, strength * (1 - ratio)

    def cost(loglik: float, beta: Floats) -> float:
        return float(-loglik / n + hard * np.abs(beta).sum() + soft * np.sum(beta**2) / 2)

    beta = start
    value, gradient, information = function(beta)
    for _ in range(_STEPS):
        step = _quadratic(-gradient / n, information / n, beta, hard, soft) - beta
        if float(np.abs(step).max()) <= _MOVE * (1 + float(np.abs(beta).max())):
            return beta + step
        now, length = cost(value, beta), 1.0
        while True:
            trial = beta + length * step
            value, gradient, information = function(trial)
            if np.isfinite(value) and cost(value, trial) <= now + 1e-12 * (1 + abs(now)):
                break
            length /= 2
            if length < 1e-9:
                raise fail("RG704", "The penalised likelihood cannot be improved and is not at its maximum.", value=strength)
        beta = trial
    raise fail("RG704", "The penalised Cox model did not converge.", value=strength)


def _quadratic(slope: Floats, curve: Floats, at: Floats, hard: float, soft: float) -> Floats:
    """Minimise slope'(b - at) + (b - at)' curve (b - at) / 2 + hard Σ|b| + soft Σb² / 2.

    Coordinate descent finds which terms are in and their signs; then their equations are solved.
    """
    b, residual = at.copy(), slope.copy()
    diagonal = np.diag(curve)
    for sweep in range(_SWEEPS):
        before = b.copy()
        for j in np.flatnonzero(diagonal > 0):
            inner = diagonal[j] * b[j] - residual[j]
            new = np.sign(inner) * max(abs(inner) - hard, 0.0) / (diagonal[j] + soft)
            if new != b[j]:
                residual += curve[:, j] * (new - b[j])
                b[j] = new
        if np.abs(b - before).max() <= _INNER * (1 + np.abs(b).max()):
            return b
        if sweep % _TRY == _TRY - 1:
            exact = _solved(slope, curve, at, b, hard, soft)
            if exact is not None:
                return exact
    return b


def _solved(slope: Floats, curve: Floats, at: Floats, b: Floats, hard: float, soft: float) -> Floats | None:
    """The minimum where the terms that are in, and their signs, are those of b; None where they are not."""
    inside = b != 0
    sign = np.sign(b[inside])
    system = curve[np.ix_(inside, inside)] + soft * np.eye(int(inside.sum()))
    try:
        own = np.linalg.solve(system, curve[inside] @ at - slope[inside] - hard * sign)
    except np.linalg.LinAlgError:
        return None
    out = np.zeros_like(b)
    out[inside] = own
    left = np.abs(slope + curve @ (out - at))[~inside]
    agrees = np.isfinite(own).all() and (np.sign(own) == sign).all() and (left <= hard * (1 + 1e-9)).all()
    return out if agrees else None
