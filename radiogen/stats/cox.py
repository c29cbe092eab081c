"""Cox regression with Efron's ties, equal to R's ``coxph``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import chi2, norm

from radiogen.errors import fail
from radiogen.stats._design import aliased, design, listed, standardise, take
from radiogen.stats._newton import Fit, covariance, culprits, maximise
from radiogen.stats._partial import efron
from radiogen.stats._validate import Floats, normal_quantile, survival
from radiogen.stats.harrell import concordance
from radiogen.stats.result import StatResult


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class CoxResult(StatResult):
    """A fitted Cox model; the fields of :class:`StatResult` hold the log hazard ratios.

    Parameters
    ----------
    loglik : tuple of float
        Log partial likelihood without covariates and at the estimate.
    tests : DataFrame
        Likelihood-ratio, Wald and score test of the whole model: ``test``, ``statistic``, ``df``, ``p``.
    covariance : DataFrame
        Covariance of the estimable coefficients.
    not_estimable : mapping of str to str
        Terms without an estimate and the reason.
    linear_predictor : ndarray, shape (n,)
        Centred at the mean of the covariates, in the order of the frame.
    concordance : StatResult
        Harrell's C of the linear predictor on the same data (apparent, not validated).
    """

    loglik: tuple[float, float] = (np.nan, np.nan)
    tests: pd.DataFrame = field(default_factory=pd.DataFrame)
    covariance: pd.DataFrame = field(default_factory=pd.DataFrame)
    not_estimable: Mapping[str, str] = field(default_factory=dict)
    linear_predictor: Floats = field(default_factory=lambda: np.empty(0))
    concordance: StatResult | None = None


def cox_regression(
    frame: pd.DataFrame, duration: str, event: str, covariates: Sequence[str], level: float = 0.95
) -> CoxResult:
    """Fit a Cox proportional-hazards model.

    Parameters
    ----------
    frame : DataFrame, n rows
        One row per unit, without missing values in the columns used.
    duration : str
        Column of positive follow-up times.
    event : str
        Column of 0 (censored) and 1 (event).
    covariates : sequence of str
        Columns.  Numbers enter as they are; text and categories as indicators against the first
        level, named ``column[level]``.
    level : float, default 0.95
        Level of the Wald intervals.

    Returns
    -------
    CoxResult
        ``estimate``, ``se``, ``lower`` and ``upper`` are log hazard ratios, ``statistic`` is z;
        ``to_frame()`` adds ``hazard_ratio``, ``hr_lower``, ``hr_upper`` and ``note``.  A constant
        column, or one that the columns before it determine, has no numbers: its row's ``note`` and
        ``not_estimable`` give the reason (RG707), as R shows NA.

    Raises
    ------
    RadiogenError
        RG203 for a column that is not there; RG402, RG403, RG705 for unusable times, events or
        covariates; RG701 without events; RG704 where the likelihood has no maximum (a covariate
        orders the events fully), with the columns named.

    Notes
    -----
    Ties by Efron's rule; times that differ by rounding only are ties.  The score test equals the
    log-rank test where there is one binary covariate and no ties.

    References
    ----------
    Cox, JRSS B 1972;34:187, doi 10.1111/j.2517-6161.1972.tb00899.x.  Efron, JASA 1977;72:557,
    doi 10.1080/01621459.1977.10480613.

    Examples
    --------
    >>> d = pd.DataFrame({"t": [1, 2, 3, 4, 5, 6], "e": [1, 1, 0, 1, 1, 0], "x": [1, 0, 1, 1, 0, 0]})
    >>> cox_regression(d, "t", "e", ["x"]).estimate.round(4).tolist()
    [1.0731]
    """
    z = normal_quantile(level)
    data = take(frame, [duration, event, *listed(covariates)])
    if not len(data) or not covariates:
        raise fail("RG705", "A Cox model needs rows and at least one covariate.")
    t, e = survival(data[duration], data[event])
    if not e.any():
        raise fail("RG701", "A Cox model needs events; all times are censored.", column=event)
    model = design(data[list(covariates)])
    # units censored before the first event are in no risk set and say nothing about a coefficient
    lost = aliased(model.x[t >= t[e].min()], model.terms)
    kept = [index for index in range(len(model.terms)) if index not in lost]
    if not kept:
        reasons = ", ".join(f"'{model.terms[k]}' {why}" for k, why in lost.items())
        raise fail("RG704", f"No covariate can be estimated: {reasons}.", column=model.terms[0])
    x, _, scale = standardise(model.x[:, kept])
    objective = efron(t, e, x)
    start = np.zeros(len(kept))
    fit = maximise(objective, x)
    if not fit.converged:
        names = culprits(fit, [model.terms[k] for k in kept])
        raise fail(
            "RG704",
            f"The partial likelihood has no maximum along {', '.join(names)}: the hazard ratio runs to 0 or infinity.",
            column=names[0],
        )
    coef = fit.beta / scale
    cov = covariance(fit.information) / np.outer(scale, scale)
    lp = x @ fit.beta
    null, gradient, information = objective(start)
    # rounding must not break ties between equal rows
    shown = np.round(lp / max(1e-300, float(np.abs(lp).max())), 12)
    return CoxResult(
        **_rows(coef, np.sqrt(np.diag(cov)), kept, len(model.terms), z),
        method="Cox regression, Efron ties, Wald interval",
        n=t.size,
        events=int(e.sum()),
        label=model.terms,
        level=level,
        notes=tuple(f"RG707: '{model.terms[k]}' is not estimable: {why}." for k, why in lost.items()),
        loglik=(null, fit.loglik),
        tests=_tests(null, fit, gradient, information),
        covariance=pd.DataFrame(cov, index=[model.terms[k] for k in kept], columns=[model.terms[k] for k in kept]),
        not_estimable={model.terms[k]: why for k, why in lost.items()},
        linear_predictor=lp,
        concordance=concordance(t, e, shown, level=level),
        extra=_ratios(coef, np.sqrt(np.diag(cov)), kept, lost, len(model.terms), z),
    )


def spread(values: Floats, kept: Sequence[int], size: int) -> Floats:
    """Values of the estimable terms among all terms; NaN for the others."""
    full = np.full(size, np.nan)
    full[list(kept)] = values
    return full


def _rows(coef: Floats, se: Floats, kept: Sequence[int], size: int, z: float) -> dict[str, Any]:
    return {
        "estimate": spread(coef, kept, size),
        "se": spread(se, kept, size),
        "lower": spread(coef - z * se, kept, size),
        "upper": spread(coef + z * se, kept, size),
        "statistic": spread(coef / se, kept, size),
        "p": spread(2 * norm.sf(np.abs(coef / se)), kept, size),
    }


def _ratios(
    coef: Floats, se: Floats, kept: Sequence[int], lost: Mapping[int, str], size: int, z: float
) -> dict[str, Any]:
    # a ratio beyond the largest float is shown as infinite
    with np.errstate(over="ignore"):
        ratios = {
            "hazard_ratio": spread(np.exp(coef), kept, size),
            "hr_lower": spread(np.exp(coef - z * se), kept, size),
            "hr_upper": spread(np.exp(coef + z * se), kept, size),
        }
    return {**ratios, "note": [f"not estimable: {lost[k]}" if k in lost else "" for k in range(size)]}


def _tests(null: float, fit: Fit, gradient: Floats, information: Floats) -> pd.DataFrame:
    statistics = {
        "likelihood ratio": 2 * (fit.loglik - null),
        "Wald": float(fit.beta @ fit.information @ fit.beta),
        "score": float(gradient @ covariance(information) @ gradient),
    }
    frame = pd.DataFrame({"test": list(statistics), "statistic": list(statistics.values())})
    frame["df"] = fit.beta.size
    frame["p"] = chi2.sf(frame["statistic"], fit.beta.size)
    return frame
