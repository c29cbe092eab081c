"""The score test of proportional hazards, and scaled Schoenfeld residuals, equal to R's ``cox.zph``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy.stats import chi2, rankdata

from radiogen.errors import fail
from radiogen.stats._coxfit import CoxFit, fit_cox
from radiogen.stats._validate import Floats, choice
from radiogen.stats.result import StatResult

_TRANSFORMS = ("km", "rank", "identity", "log")


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class ProportionalHazardsResult(StatResult):
    """Tests of proportional hazards, one row for each covariate and one for all (``GLOBAL``).

    Parameters
    ----------
    residuals : DataFrame
        Scaled Schoenfeld residuals, as :func:`schoenfeld_residuals` gives them with the same transform.
    """

    residuals: pd.DataFrame = field(default_factory=pd.DataFrame)


def proportional_hazards_test(
    frame: pd.DataFrame,
    duration: str,
    event: str,
    covariates: Sequence[str],
    transform: str = "km",
    ties: str = "efron",
    strata: str | Sequence[str] | None = None,
) -> ProportionalHazardsResult:
    """Test whether hazard ratios change over time.

    Parameters
    ----------
    frame, duration, event, covariates, ties, strata
        As in :func:`radiogen.stats.cox_regression`.
    transform : {"km", "rank", "identity", "log"}, default "km"
        The function of time g(t) along which a log hazard ratio may change: 1 - Kaplan-Meier just before
        t (R's default: robust against outlying times), the rank of the time, the time or its logarithm.

    Returns
    -------
    ProportionalHazardsResult
        ``statistic`` (chi-squared), ``df`` and ``p`` by covariate and ``GLOBAL``.  A categorical covariate
        is one row with as many degrees of freedom as it has indicators.

    Raises
    ------
    RadiogenError
        As :func:`radiogen.stats.cox_regression`; RG701 where all events are at one time; RG708 for an
        unknown transform.

    Notes
    -----
    The score test of theta = 0 in the hazard exp(x (beta + theta (g(t) - mean of g at the events))), with
    beta at its estimate and its information taken into account.  This is ``cox.zph`` of survival 3.0
    and later, not the approximation before it.  A small p speaks against proportional hazards;
    with few events a large one says little: look at the residuals.

    References
    ----------
    Grambsch and Therneau, Biometrika 1994;81:515, doi 10.1093/biomet/81.3.515.

    Examples
    --------
    >>> d = pd.DataFrame({"t": [1, 2, 3, 4, 5, 6], "e": [1, 1, 0, 1, 1, 1], "x": [1, 0, 1, 1, 0, 0]})
    >>> r = proportional_hazards_test(d, "t", "e", ["x"])
    >>> r.label, r.statistic.round(4).tolist()
    (['x', 'GLOBAL'], [0.0536, 0.0536])
    """
    own, score, information, terms = _score(frame, duration, event, covariates, transform, ties, strata)
    p = own.x.shape[1]
    statistics, df = [], []
    for columns in [*terms.values(), list(range(p))]:
        use = np.r_[np.arange(p), p + np.array(columns)]
        gradient = np.r_[np.zeros(p), score[columns]]
        statistics.append(float(gradient @ np.linalg.solve(information[np.ix_(use, use)], gradient)))
        df.append(float(len(columns)))
    return ProportionalHazardsResult(
        method=f"score test of proportional hazards (cox.zph), time by {transform}, {ties.capitalize()} ties",
        statistic=np.array(statistics),
        df=np.array(df),
        p=chi2.sf(statistics, df),
        n=own.time.size,
        events=int(own.event.sum()),
        label=[*terms, "GLOBAL"],
        notes=tuple(f"RG707: '{own.model.terms[k]}' is not estimable: {why}." for k, why in own.lost.items()),
        residuals=_scaled(own, transform),
    )


def schoenfeld_residuals(
    frame: pd.DataFrame,
    duration: str,
    event: str,
    covariates: Sequence[str],
    transform: str = "km",
    ties: str = "efron",
    strata: str | Sequence[str] | None = None,
    scaled: bool = True,
) -> pd.DataFrame:
    """Schoenfeld residuals of a Cox model, one row per event.

    Parameters
    ----------
    frame, duration, event, covariates, transform, ties, strata
        As in :func:`proportional_hazards_test`.
    scaled : bool, default True
        Scaled by the mean variance over the events and centred at the coefficient: a smooth of them
        over g(t) estimates the log hazard ratio at that time.  Otherwise the plain residuals.

    Returns
    -------
    DataFrame
        ``time``, ``transformed`` (g of the time), ``stratum`` and one column per term, in order of
        stratum and time.

    Raises
    ------
    RadiogenError
        As :func:`proportional_hazards_test`.

    Notes
    -----
    Events tied in time share one mean of their risk set (with Efron's rule the mean over its steps).
    In a stratum where a term does not vary its scaled residual has no value (NaN), as in R.

    References
    ----------
    Schoenfeld, Biometrika 1982;69:239, doi 10.1093/biomet/69.1.239.

    Examples
    --------
    >>> d = pd.DataFrame({"t": [1, 2, 3, 4, 5, 6], "e": [1, 1, 0, 1, 1, 1], "x": [1, 0, 1, 1, 0, 0]})
    >>> float(abs(schoenfeld_residuals(d, "t", "e", ["x"], scaled=False)["x"].sum().round(12)))
    0.0
    """
    choice(transform, "transform", _TRANSFORMS)
    own, _ = fit_cox(frame, duration, event, covariates, ties, strata)
    return _scaled(own, transform) if scaled else _plain(own, transform)


def _score(
    frame: pd.DataFrame, duration: str, event: str, covariates: Sequence[str], transform: str, ties: str,
    strata: str | Sequence[str] | None,
) -> tuple[CoxFit, Floats, Floats, dict[str, list[int]]]:  # fmt: skip
    """The fit, the score of theta, the joint information, and the columns of each covariate."""
    choice(transform, "transform", _TRANSFORMS)
    own, _ = fit_cox(frame, duration, event, covariates, ties, strata)
    g = _transformed(own, transform)
    g = g - g[own.event].mean()
    if np.ptp(g[own.event]) <= 1e-12:
        raise fail("RG701", "All events are at one time: nothing can change over time.", column=duration)
    p, beta = own.x.shape[1], own.fit.beta
    score, information = np.zeros(p), np.zeros((2 * p, 2 * p))
    for rows, sets in own.sets:
        at = g[rows][sets.order][sets.rows]
        score += at @ sets.schoenfeld(beta)
        plain, first, second = (sets.information(beta, at**k) for k in (0, 1, 2))
        information += np.block([[plain, first], [first, second]])
    terms: dict[str, list[int]] = {}
    for index, column in enumerate(own.kept):
        terms.setdefault(own.model.sources[column], []).append(index)
    return own, score, information, terms


def _transformed(own: CoxFit, transform: str) -> Floats:
    if transform == "identity":
        return own.time
    if transform == "log":
        return np.asarray(np.log(own.time))
    if transform == "rank":
        return np.asarray(rankdata(own.time), dtype=float)
    _, position = np.unique(own.time, return_inverse=True)
    died = np.bincount(position, weights=own.event)
    risk = own.time.size - np.r_[0, np.cumsum(np.bincount(position))[:-1]]
    return np.asarray(1 - np.r_[1.0, np.cumprod(1 - died / risk)][position])


def _plain(own: CoxFit, transform: str) -> pd.DataFrame:
    g = _transformed(own, transform)
    parts = []
    for rows, sets in own.sets:
        mine = rows[sets.order][sets.rows]
        name = own.stratum_names[0 if own.strata is None else int(own.strata[mine[0]])]
        part = pd.DataFrame({"time": own.time[mine], "transformed": g[mine], "stratum": name})
        values = sets.schoenfeld(own.fit.beta) * own.scale
        parts.append(pd.concat([part, pd.DataFrame(values, columns=own.terms)], axis=1))
    return pd.concat(parts, ignore_index=True)


def _scaled(own: CoxFit, transform: str) -> pd.DataFrame:
    frame = _plain(own, transform)
    values = frame[own.terms].to_numpy()
    varies = [np.ptp(own.x[rows], axis=0) > 1e-12 for rows, _ in own.sets]
    counts = [sets.rows.size for _, sets in own.sets]
    # events in strata where both of two terms vary
    used = np.sum([c * np.outer(v, v) for c, v in zip(counts, varies, strict=True)], axis=0)
    information = own.fit.information * np.outer(own.scale, own.scale)
    mean = information / np.where(used > 0, used, 1)
    at = 0
    for count, vary in zip(counts, varies, strict=True):
        mine = slice(at, at + count)
        inner = np.linalg.solve(mean[np.ix_(vary, vary)], values[mine][:, vary].T).T
        values[mine] = np.nan
        block = values[mine]
        block[:, vary] = inner
        at += count
    frame[own.terms] = values + own.coefficients
    return frame
