"""Cox regression, equal to R's ``coxph``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import chi2, norm

from radiogen.errors import fail
from radiogen.stats._covariates import Spread, columns_for, levels_of, spreads
from radiogen.stats._coxfit import CoxFit, fit_cox
from radiogen.stats._newton import Fit, covariance
from radiogen.stats._validate import Floats, groups, normal_quantile, numbers
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
        Covariance of the estimable coefficients (robust where it was asked for).
    not_estimable : mapping of str to str
        Terms without an estimate and the reason.
    linear_predictor : ndarray, shape (n,)
        Centred at the mean of the covariates, in the order of the frame.
    concordance : StatResult or None
        Harrell's C of the linear predictor on the same data (apparent, not validated).  None with strata
        or late entry, where pairs are not comparable across them.
    baseline : DataFrame
        Cumulative hazard of a unit with mean covariates, by the rule for ties: ``stratum``, ``time``, ``hazard``.
    levels : mapping of str to tuple of str
        Levels of each categorical covariate, the reference first; what a new frame is coded by.
    means : mapping of str to float
        Mean of each estimated term, which ``baseline`` refers to.
    spreads : mapping of str to Spread
        What values each covariate takes, for the axes of a nomogram.
    """

    loglik: tuple[float, float] = (np.nan, np.nan)
    tests: pd.DataFrame = field(default_factory=pd.DataFrame)
    covariance: pd.DataFrame = field(default_factory=pd.DataFrame)
    not_estimable: Mapping[str, str] = field(default_factory=dict)
    linear_predictor: Floats = field(default_factory=lambda: np.empty(0))
    concordance: StatResult | None = None
    baseline: pd.DataFrame = field(default_factory=pd.DataFrame)
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    means: Mapping[str, float] = field(default_factory=dict)
    spreads: Mapping[str, Spread] = field(default_factory=dict)

    def predict_risk(self, frame: pd.DataFrame, horizons: ArrayLike) -> Floats:
        """Predicted probability of the event by each horizon.

        Parameters
        ----------
        frame : DataFrame, m rows
            The covariates of the model.
        horizons : array-like of float, shape (h,)
            Times; none beyond the last event time adds anything, since the hazard is not known there.

        Returns
        -------
        ndarray, shape (m, h)
            1 - exp(-cumulative hazard × hazard ratio against the mean covariates).

        Raises
        ------
        RadiogenError
            RG203 for a missing column, RG705 for missing values or a level that the model has not seen,
            RG708 for a model with strata.
        """
        wanted = numbers(horizons, "horizons")
        if self.baseline["stratum"].nunique() > 1:
            raise fail("RG708", "A stratified model has no one baseline; fit one model per stratum to predict.")
        hazard = np.r_[0.0, self.baseline["hazard"].to_numpy()]
        at = hazard[np.searchsorted(self.baseline["time"].to_numpy(), wanted, side="right")]
        return np.asarray(-np.expm1(-np.exp(self.predict_linear(frame))[:, None] * at))

    def predict_linear(self, frame: pd.DataFrame) -> Floats:
        """Linear predictor of other rows, centred at the means of the data of the fit."""
        coef = dict(zip(self.label or (), np.atleast_1d(np.asarray(self.estimate)), strict=True))
        columns = columns_for(frame, list(self.means), self.levels) - np.array(list(self.means.values()))
        return np.asarray(columns @ np.array([coef[term] for term in self.means]))


def cox_regression(
    frame: pd.DataFrame,
    duration: str,
    event: str,
    covariates: Sequence[str],
    level: float = 0.95,
    ties: str = "efron",
    strata: str | Sequence[str] | None = None,
    robust: bool = False,
    cluster: str | None = None,
    entry: str | None = None,
    eps: float | None = None,
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
    ties : {"efron", "breslow"}, default "efron"
        Rule for tied events; Efron's is R's default and the closer to the exact likelihood.
    strata : str or sequence of str, optional
        Columns whose combinations have baseline hazards of their own.
    robust : bool, default False
        Sandwich variance (Lin and Wei): valid where hazards are not proportional.
    cluster : str, optional
        Column of clusters (the patient of a lesion); the sandwich variance sums over each.
    entry : str, optional
        Column of the times at which units came under observation (left truncation).
    eps : float, optional
        Stop where a step changes the log-likelihood by less than this share of itself; by default the fit goes on
        to the maximum.  Only of use to get the digits of programs that stop: 1e-4 is that of R's ``rms::cph``.

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
        orders the events fully), with the columns named; RG708 for an unknown option.

    Notes
    -----
    Times that differ by rounding only are ties.  The score test equals the log-rank test where there is one
    binary covariate and no ties.  With a robust variance the Wald test is robust, the other two tests and
    the log-likelihood are not.

    References
    ----------
    Cox, JRSS B 1972;34:187, doi 10.1111/j.2517-6161.1972.tb00899.x.  Efron, JASA 1977;72:557,
    doi 10.1080/01621459.1977.10480613.  Lin and Wei, JASA 1989;84:1074, doi 10.1080/01621459.1989.10478874.

    Examples
    --------
    >>> d = pd.DataFrame({"t": [1, 2, 3, 4, 5, 6], "e": [1, 1, 0, 1, 1, 0], "x": [1, 0, 1, 1, 0, 0]})
    >>> cox_regression(d, "t", "e", ["x"]).estimate.round(4).tolist()
    [1.0731]
    """
    z = normal_quantile(level)
    if eps is not None and (isinstance(eps, bool) or not isinstance(eps, int | float) or not 0 < eps < 1):
        raise fail("RG708", "`eps` must lie between 0 and 1.", value=eps)
    own, data = fit_cox(frame, duration, event, covariates, ties, strata, entry, [cluster] if cluster else [], eps)
    model, kept, lost, coef, lp = own.model, own.kept, own.lost, own.coefficients, own.linear_predictor
    sandwich = robust or cluster is not None
    cov = _sandwich(own, data[cluster] if cluster else None) if sandwich else own.covariance
    se, size = np.sqrt(np.diag(cov)), len(model.terms)
    null, gradient, information = own.objective(np.zeros(len(kept)))
    simple = strata is None and entry is None
    return CoxResult(
        **_rows(coef, se, kept, size, z),
        method=_method(ties, sandwich, strata is not None, entry is not None),
        n=own.time.size,
        events=int(own.event.sum()),
        label=model.terms,
        level=level,
        notes=tuple(f"RG707: '{model.terms[k]}' is not estimable: {why}." for k, why in lost.items()),
        loglik=(null, own.fit.loglik),
        tests=_tests(null, own.fit, gradient, information, float(coef @ np.linalg.solve(cov, coef))),
        covariance=pd.DataFrame(cov, index=own.terms, columns=own.terms),
        not_estimable={model.terms[k]: why for k, why in lost.items()},
        linear_predictor=lp,
        # rounding must not break ties between equal rows
        concordance=concordance(own.time, own.event, np.round(lp / max(1e-300, float(np.abs(lp).max())), 12), level=level)
        if simple and _comparable(own) else None,
        baseline=_baseline(own),
        levels=levels_of(data[list(covariates)]),
        means=dict(zip(own.terms, own.centre.tolist(), strict=True)),
        spreads=spreads(data[list(covariates)]),
        extra=_ratios(coef, se, kept, lost, size, z),
    )


def _method(ties: str, sandwich: bool, stratified: bool, truncated: bool) -> str:
    words = ["Cox regression", f"{ties.capitalize()} ties", "robust Wald interval" if sandwich else "Wald interval"]
    return ", ".join(words + ["stratified"] * stratified + ["late entry"] * truncated)


def _comparable(own: CoxFit) -> bool:
    """Whether any unit outlives an event: with all events at one last time there is no pair."""
    first = own.time[own.event].min()
    return bool(((own.time > first) | ((own.time == first) & ~own.event)).any())


def _sandwich(own: CoxFit, cluster: pd.Series | None) -> Floats:
    """Lin and Wei's variance from the score residuals, summed by cluster."""
    residuals = np.zeros_like(own.x)
    for rows, sets in own.sets:
        residuals[rows] = sets.score_residuals(own.fit.beta)
    moves = residuals @ covariance(own.fit.information) / own.scale
    if cluster is not None:
        codes, names = groups(cluster, str(cluster.name))
        if len(names) <= own.x.shape[1]:
            raise fail("RG701", f"A variance by cluster needs more clusters than terms; there are {len(names)}.")
        moves = np.column_stack([np.bincount(codes, weights=column) for column in moves.T])
    return np.asarray(moves.T @ moves)


def _baseline(own: CoxFit) -> pd.DataFrame:
    parts = []
    for rows, sets in own.sets:
        times, hazard = sets.cumulative_hazard(own.fit.beta)
        name = own.stratum_names[0 if own.strata is None else int(own.strata[rows[0]])]
        parts.append(pd.DataFrame({"stratum": name, "time": times, "hazard": hazard}))
    return pd.concat(parts, ignore_index=True)


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


def _tests(null: float, fit: Fit, gradient: Floats, information: Floats, wald: float) -> pd.DataFrame:
    statistics = {
        "likelihood ratio": 2 * (fit.loglik - null),
        "Wald": wald,
        "score": float(gradient @ covariance(information) @ gradient),
    }
    frame = pd.DataFrame({"test": list(statistics), "statistic": list(statistics.values())})
    frame["df"] = fit.beta.size
    frame["p"] = chi2.sf(frame["statistic"], fit.beta.size)
    return frame
