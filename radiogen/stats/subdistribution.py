"""Fine and Gray's regression of a cumulative incidence, equal to R's ``cmprsk::crr``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import chi2, norm

from radiogen.errors import fail
from radiogen.stats._censoring import status_times
from radiogen.stats._covariates import Spread, columns_for, levels_of, spreads
from radiogen.stats._design import Design, aliased, design, listed, standardise, take
from radiogen.stats._newton import culprits, maximise
from radiogen.stats._subdistribution import WeightedRiskSets
from radiogen.stats._validate import Floats, Ints, groups, normal_quantile, numbers
from radiogen.stats.result import StatResult


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class FineGrayResult(StatResult):
    """A fitted Fine-Gray model; the fields of :class:`StatResult` hold the log subdistribution hazard ratios.

    Parameters
    ----------
    loglik : tuple of float
        Log pseudo-likelihood without covariates and at the estimate; twice their difference has no
        chi-squared distribution, so ``tests`` has Wald's test only.
    tests : DataFrame
        Wald's test of the whole model: ``test``, ``statistic``, ``df``, ``p``.
    covariance : DataFrame
        Sandwich covariance of the estimable coefficients.
    not_estimable : mapping of str to str
        Terms without an estimate and the reason.
    linear_predictor : ndarray, shape (n,)
        Centred at the mean of the covariates, in the order of the frame.
    baseline : DataFrame
        ``time`` and cumulative subdistribution ``hazard`` (Breslow) of a unit with mean covariates.
    levels : mapping of str to tuple of str
        Levels of each categorical covariate, the reference first.
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
    baseline: pd.DataFrame = field(default_factory=pd.DataFrame)
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    means: Mapping[str, float] = field(default_factory=dict)
    spreads: Mapping[str, Spread] = field(default_factory=dict)

    def predict_linear(self, frame: pd.DataFrame) -> Floats:
        """Linear predictor of other rows, centred at the means of the data of the fit.

        Parameters
        ----------
        frame : DataFrame, m rows
            The covariates of the model.

        Returns
        -------
        ndarray, shape (m,)

        Raises
        ------
        RadiogenError
            RG203 for a missing column, RG705 for missing values or a level that the model has not seen.
        """
        coef = dict(zip(self.label or (), np.atleast_1d(np.asarray(self.estimate)), strict=True))
        columns = columns_for(frame, list(self.means), self.levels) - np.array(list(self.means.values()))
        return np.asarray(columns @ np.array([coef[term] for term in self.means]))

    def predict(self, frame: pd.DataFrame, horizons: ArrayLike) -> Floats:
        """Predicted cumulative incidence of the event by each horizon.

        Parameters
        ----------
        frame : DataFrame, m rows
            The covariates of the model.
        horizons : array-like of float, shape (h,)
            Times; none beyond the last event adds anything, since the hazard is not known there.

        Returns
        -------
        ndarray, shape (m, h)
            1 - exp(-cumulative subdistribution hazard × its ratio against the mean covariates).

        Raises
        ------
        RadiogenError
            As :meth:`predict_linear`; RG708 for a negative horizon.
        """
        wanted = numbers(horizons, "horizons")
        if (wanted < 0).any():
            raise fail("RG708", "`horizons` must not be negative.", value=wanted.min())
        hazard = np.r_[0.0, self.baseline["hazard"].to_numpy()]
        at = hazard[np.searchsorted(self.baseline["time"].to_numpy(), wanted, side="right")]
        return np.asarray(-np.expm1(-np.exp(self.predict_linear(frame))[:, None] * at))


def fine_gray(
    frame: pd.DataFrame,
    duration: str,
    status: str,
    covariates: Sequence[str],
    cause: int = 1,
    level: float = 0.95,
    censoring_group: str | None = None,
) -> FineGrayResult:
    """Fit a proportional subdistribution hazards model (Fine and Gray).

    Parameters
    ----------
    frame : DataFrame, n rows
        One row per unit, without missing values in the columns used.
    duration : str
        Column of positive follow-up times.
    status : str
        Column of 0 (censored), 1 (the event), 2 and up (competing events).
    covariates : sequence of str
        Columns.  Numbers enter as they are; text and categories as indicators against the first level, named
        ``column[level]``.
    cause : int, default 1
        The code of the event that is modelled.
    level : float, default 0.95
        Level of the Wald intervals.
    censoring_group : str, optional
        Column of groups within which censoring is estimated; by default it is taken to be the same for all.

    Returns
    -------
    FineGrayResult
        ``estimate``, ``se``, ``lower`` and ``upper`` are log subdistribution hazard ratios, ``statistic`` is z;
        ``to_frame()`` adds ``hazard_ratio``, ``hr_lower``, ``hr_upper`` and ``note``.  Constant and aliased columns
        have no numbers and a reason (RG707).  ``predict(frame, horizons)`` gives the cumulative incidence.

    Raises
    ------
    RadiogenError
        RG203 for a column that is not there; RG402, RG403, RG705 for unusable columns; RG701 without the event;
        RG704 where the likelihood has no maximum or no covariate can be estimated, with the columns named;
        RG708 for ``cause``.

    Notes
    -----
    The estimand is the effect on the cumulative incidence in the presence of the competing events: exp(b) is the ratio
    of -log(1 - incidence).  It is not the ratio of the rates of the event, for which competing events are censored in
    :func:`cox_regression`.  Censoring is taken to be independent of the covariates and the events (within its group).
    Its distribution is estimated by Kaplan-Meier; the sandwich variance accounts for that.  Tied events have the same
    risk set (Breslow's rule), as in R.

    References
    ----------
    Fine and Gray, JASA 1999;94:496, doi 10.1080/01621459.1999.10474144.

    Examples
    --------
    >>> d = pd.DataFrame({"t": [1, 2, 3, 4, 5, 6], "s": [1, 2, 1, 0, 1, 2], "x": [1, 0, 0, 1, 1, 0]})
    >>> fit = fine_gray(d, "t", "s", ["x"])
    >>> fit.estimate.round(4).tolist()
    [1.007]
    >>> fit.predict(pd.DataFrame({"x": [0, 1]}), [3]).round(3).tolist()
    [[0.187], [0.433]]
    """
    z = normal_quantile(level)
    names = [duration, status, *listed(covariates)]
    extra = [censoring_group] if censoring_group and censoring_group not in names else []
    data = take(frame, [*names, *extra])
    if not len(data) or not covariates:
        raise fail("RG705", "A Fine-Gray model needs rows and at least one covariate.")
    t, s = status_times(data[duration], data[status], status)
    if isinstance(cause, bool) or not isinstance(cause, int | np.integer) or cause < 1:
        raise fail("RG708", "`cause` must be a code of 1 or more.", value=cause)
    if not (s == cause).any():
        raise fail("RG701", f"A Fine-Gray model needs the event; nobody has status {cause}.", column=status)
    kind = np.where(s == cause, 1, np.where(s > 0, 2, 0))
    layer = np.zeros(t.size, dtype=np.int64) if censoring_group is None else groups(data[censoring_group], censoring_group)[0]
    own = data[list(covariates)]
    model = design(own)
    lost = aliased(_informative(t, kind, model.x), model.terms)
    kept = [k for k in range(len(model.terms)) if k not in lost]
    if not kept:
        reasons = ", ".join(f"'{model.terms[k]}' {why}" for k, why in lost.items())
        raise fail("RG704", f"No covariate can be estimated: {reasons}.", column=model.terms[0])
    x, centre, scale = standardise(model.x[:, kept])
    sets = WeightedRiskSets(t, kind, x, layer)
    fit = maximise(sets.evaluate, x)
    terms = [model.terms[k] for k in kept]
    if not fit.converged:
        bad = culprits(fit, terms)
        message = f"The pseudo-likelihood has no maximum along {', '.join(bad)}: the hazard ratio runs to 0 or infinity."
        raise fail("RG704", message, column=bad[0])
    coef, cov = fit.beta / scale, sets.sandwich(fit.beta, fit.information) / np.outer(scale, scale)
    return FineGrayResult(
        **_rows(coef, np.sqrt(np.diag(cov)), kept, model, lost, z),
        method="Fine-Gray regression, Breslow ties, Kaplan-Meier censoring weights, sandwich Wald interval"
        + (f", censoring by {censoring_group}" if censoring_group else ""),
        n=t.size, events=int((kind == 1).sum()), label=model.terms, level=level,
        notes=tuple(f"RG707: '{model.terms[k]}' is not estimable: {why}." for k, why in lost.items()),
        loglik=(sets.evaluate(np.zeros(len(kept)))[0], fit.loglik), tests=_wald(coef, cov),
        covariance=pd.DataFrame(cov, index=terms, columns=terms),
        not_estimable={model.terms[k]: why for k, why in lost.items()}, linear_predictor=x @ fit.beta,
        baseline=pd.DataFrame({"time": sets.times, "hazard": sets.cumulative_hazard(fit.beta)}),
        levels=levels_of(own), means=dict(zip(terms, centre.tolist(), strict=True)), spreads=spreads(own),
    )  # fmt: skip


def _informative(time: Floats, kind: Ints, x: Floats) -> Floats:
    """The rows that are in a risk set of the event: those censored before the first one are not."""
    return np.asarray(x[(time >= time[kind == 1].min()) | (kind == 2)])


def _rows(coef: Floats, se: Floats, kept: list[int], model: Design, lost: Mapping[int, str], z: float) -> dict[str, Any]:
    def full(values: Floats) -> Floats:
        out = np.full(len(model.terms), np.nan)
        out[kept] = values
        return out

    # a ratio beyond the largest float is shown as infinite
    with np.errstate(over="ignore"):
        ratios = {
            "hazard_ratio": full(np.exp(coef)), "hr_lower": full(np.exp(coef - z * se)), "hr_upper": full(np.exp(coef + z * se)),
        }  # fmt: skip
    note = [f"not estimable: {lost[k]}" if k in lost else "" for k in range(len(model.terms))]
    return {
        "estimate": full(coef), "se": full(se), "lower": full(coef - z * se), "upper": full(coef + z * se),
        "statistic": full(coef / se), "p": full(2 * norm.sf(np.abs(coef / se))), "extra": {**ratios, "note": note},
    }  # fmt: skip


def _wald(coef: Floats, cov: Floats) -> pd.DataFrame:
    statistic = float(coef @ np.linalg.solve(cov, coef))
    p = float(chi2.sf(statistic, coef.size))
    return pd.DataFrame({"test": ["Wald"], "statistic": [statistic], "df": [coef.size], "p": [p]})
