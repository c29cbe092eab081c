"""Firth's penalised regression, finite where the classes or the hazards are separated."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import chdtri

from radiogen.errors import fail
from radiogen.stats._design import Design, aliased, design, listed, take
from radiogen.stats._logit import logit
from radiogen.stats._newton import Objective, covariance
from radiogen.stats._partial import objective, risk_sets
from radiogen.stats._validate import Floats, binary, normal_quantile, survival
from radiogen.stats.cox import spread
from radiogen.stats.logistic import INTERCEPT
from radiogen.stats.result import StatResult

_SETTINGS: dict[str, Any] = {"backend": "numpy", "max_iter": 500}
#: tried in turn: near the maximum the package's halving of steps can stop at what rounding leaves
_TOLERANCES = (1e-6, 1e-5, 1e-4)


def firth_logistic(frame: pd.DataFrame, outcome: str, covariates: Sequence[str], level: float = 0.95) -> StatResult:
    """Logistic regression with Firth's penalty: finite odds ratios under separation, less bias with few events.

    Parameters
    ----------
    frame : DataFrame, n rows
        One row per unit, without missing values in the columns used.
    outcome : str
        Column of 0 and 1.
    covariates : sequence of str
        Columns; text and categories enter as indicators against the first level, named ``column[level]``.
    level : float, default 0.95
        Level of the profile penalised-likelihood intervals.

    Returns
    -------
    StatResult
        First row ``(Intercept)``; ``estimate`` is the log odds ratio, ``lower`` and ``upper`` its profile interval,
        ``statistic`` the penalised likelihood-ratio chi-squared with ``df`` 1 and ``p``; ``se`` is Wald's, for
        information: under separation the profile is skewed and Wald's interval is wrong.  ``to_frame()`` adds
        ``odds_ratio``, ``or_lower``, ``or_upper`` and ``note``; aliased columns have no numbers and a reason.

    Raises
    ------
    RadiogenError
        RG203 for a column that is not there; RG705 for unusable columns; RG701 where only one class occurs; RG704
        where no covariate can be estimated or the fit or a profile does not converge.

    Notes
    -----
    Maximises ln L(β) + ½ ln det I(β), by the package firthmodels.  Predicted probabilities of such a fit are drawn
    towards one half; do not report them as calibrated.

    References
    ----------
    Firth, Biometrika 1993;80:27, doi 10.1093/biomet/80.1.27.  Heinze and Schemper, Stat Med 2002;21:2409,
    doi 10.1002/sim.1047.

    Examples
    --------
    All with x = 1 have the outcome, none with x = 0: log odds ratio 2 ln(3.5/0.5) by adding a half to each cell.

    >>> d = pd.DataFrame({"y": [0, 0, 0, 1, 1, 1], "x": [0, 0, 0, 1, 1, 1]})
    >>> firth_logistic(d, "y", ["x"]).estimate.round(4).tolist()
    [-1.9459, 3.8918]
    """
    normal_quantile(level)
    data = take(frame, [outcome, *listed(covariates)])
    if not len(data) or not covariates:
        raise fail("RG705", "A logistic model needs rows and at least one covariate.")
    y = binary(data[outcome], outcome)
    model, lost, x, scale = _columns(data[list(covariates)])
    from firthmodels import FirthLogisticRegression

    found = _run(FirthLogisticRegression, x, y.astype(int), level, "logistic")
    # firthmodels has the intercept last
    order, factor = [x.shape[1], *range(x.shape[1])], np.r_[1.0, 1 / scale]
    estimate = np.r_[float(np.squeeze(found["intercept"])), found["coef"]] * factor
    rest = {name: found[name][order] for name in ("p", "lower", "upper")}
    whole = np.column_stack([np.ones(y.size), x])
    rest["se"] = _wald(logit(y, whole), estimate / factor)
    return _result(
        "logistic regression, Firth's penalty, profile interval, penalised likelihood-ratio test", model, lost,
        estimate, rest, factor, "odds_ratio", "or", [INTERCEPT], y.size, int(y.sum()), level,
    )  # fmt: skip


def firth_cox(frame: pd.DataFrame, duration: str, event: str, covariates: Sequence[str], level: float = 0.95) -> StatResult:
    """Cox regression with Firth's penalty: finite hazard ratios where a group has no event.

    Parameters
    ----------
    frame : DataFrame, n rows
        One row per unit, without missing values in the columns used.
    duration, event : str
        Columns of positive times and of 0 (censored) and 1 (event).
    covariates : sequence of str
        Columns, coded as by :func:`radiogen.stats.cox_regression`.
    level : float, default 0.95
        Level of the profile penalised-likelihood intervals.

    Returns
    -------
    StatResult
        As :func:`firth_logistic`, without an intercept and with ``hazard_ratio``, ``hr_lower`` and ``hr_upper``.

    Raises
    ------
    RadiogenError
        RG203, RG402, RG403, RG705 for unusable columns; RG701 without events; RG704 where no covariate can be
        estimated or the fit or a profile does not converge.

    Notes
    -----
    Breslow's rule for ties, by the package firthmodels.

    References
    ----------
    Heinze and Schemper, Biometrics 2001;57:114, doi 10.1111/j.0006-341X.2001.00114.x.

    Examples
    --------
    >>> d = pd.DataFrame({"t": [1, 2, 3, 4, 5, 6], "e": [1, 1, 1, 0, 0, 0], "x": [1, 1, 1, 0, 0, 0]})
    >>> bool(np.isfinite(firth_cox(d, "t", "e", ["x"]).estimate[0]))
    True
    """
    normal_quantile(level)
    data = take(frame, [duration, event, *listed(covariates)])
    if not len(data) or not covariates:
        raise fail("RG705", "A Cox model needs rows and at least one covariate.")
    time, died = survival(data[duration], data[event])
    if not died.any():
        raise fail("RG701", "A Cox model needs events; all times are censored.", column=event)
    model, lost, x, scale = _columns(data[list(covariates)])
    from firthmodels import FirthCoxPH

    found = _run(FirthCoxPH, x, (died, time), level, "Cox")
    factor = 1 / scale
    rest = {name: found[name] for name in ("p", "lower", "upper")}
    rest["se"] = _wald(objective(risk_sets(time, died, x, None, None, "breslow")), found["coef"])
    return _result(
        "Cox regression, Firth's penalty, Breslow ties, profile interval, penalised likelihood-ratio test", model, lost,
        found["coef"] * factor, rest, factor, "hazard_ratio", "hr", [],
        time.size, int(died.sum()), level,
    )  # fmt: skip


def _columns(frame: pd.DataFrame) -> tuple[Design, dict[int, str], Floats, Floats]:
    """The model matrix, what of it is aliased, and its other columns at a standard deviation of 1."""
    model = design(frame)
    lost = aliased(model.x, model.terms)
    kept = [k for k in range(len(model.terms)) if k not in lost]
    if not kept:
        reasons = ", ".join(f"'{model.terms[k]}' {why}" for k, why in lost.items())
        raise fail("RG704", f"No covariate can be estimated: {reasons}.", column=model.terms[0])
    if len(kept) >= len(frame) - 1:
        raise fail("RG701", f"{len(kept)} columns and {len(frame)} rows: a penalty for bias is no substitute for data.")
    x = model.x[:, kept]
    scale = x.std(axis=0)
    return model, lost, x / scale, scale


def _wald(likelihood: Objective, beta: Floats) -> Floats:
    """Standard errors from the information of the likelihood at the penalised estimate, as R's brglm2 and logistf."""
    return np.asarray(np.sqrt(np.diag(covariance(likelihood(beta)[2]))))


def _run(engine: Any, x: Floats, y: Any, level: float, name: str) -> dict[str, Floats]:
    """Fit, penalised likelihood-ratio tests and profile limits; whatever the package warns of is an error here."""
    problem: Exception | None = None
    for tolerance in _TOLERANCES:
        try:
            return _fitted(engine(**_SETTINGS, gtol=tolerance, xtol=tolerance), x, y, level)
        except (Warning, ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
            problem = error
    words = f"The penalised {name} model or one of its profiles did not converge."
    raise fail("RG704", words, value=str(problem)[:120]) from problem


def _fitted(model: Any, x: Floats, y: Any, level: float) -> dict[str, Floats]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(x, y)
        model.lrt()
        limits = np.asarray(model.conf_int(alpha=1 - level, method="pl", max_iter=200, tol=1e-6))
    found = {"coef": model.coef_, "p": model.lrt_pvalues_, "lower": limits[:, 0], "upper": limits[:, 1]}
    if any(np.isnan(v).any() for v in found.values()):
        raise ArithmeticError("a profile has no end")
    return {**found, "intercept": np.asarray(getattr(model, "intercept_", 0.0))}


def _result(
    method: str, model: Design, lost: dict[int, str],
    estimate: Floats, rest: dict[str, Floats], factor: Floats, ratio: str, short: str,
    before: list[str], n: int, events: int, level: float,
) -> StatResult:  # fmt: skip
    terms = [*before, *model.terms]
    ahead = len(before)
    kept = [*range(ahead), *(k + ahead for k in range(len(model.terms)) if k not in lost)]

    def full(values: Floats) -> Floats:
        return spread(values, kept, len(terms))

    lower, upper = rest["lower"] * factor, rest["upper"] * factor
    # beyond the largest float a ratio is shown as infinite
    with np.errstate(over="ignore"):
        ratios = {ratio: full(np.exp(estimate)), f"{short}_lower": full(np.exp(lower)), f"{short}_upper": full(np.exp(upper))}
    notes = ["" if k in kept else f"not estimable: {lost[k - ahead]}" for k in range(len(terms))]
    return StatResult(
        method=method, estimate=full(estimate), se=full(rest["se"] * factor), lower=full(lower), upper=full(upper),
        statistic=full(chdtri(1, rest["p"])), df=full(np.ones(len(kept))), p=full(rest["p"]), n=n, events=events, label=terms,
        level=level, extra={**ratios, "note": notes},
        notes=tuple(f"RG707: '{model.terms[k]}' is not estimable: {why}." for k, why in lost.items()),
    )  # fmt: skip
