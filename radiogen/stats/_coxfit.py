"""One fit of a Cox model for all functions that start from it: checks, aliased columns, Newton's method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from radiogen.errors import fail
from radiogen.stats._design import Design, aliased, design, listed, standardise, take
from radiogen.stats._newton import Fit, Objective, covariance, culprits, maximise, until_still
from radiogen.stats._partial import RiskSets, objective, risk_sets
from radiogen.stats._validate import Bools, Floats, Ints, choice, groups, number, survival

#: rounding left by centring within strata
_NOTHING = 1e-12


@dataclass(frozen=True)
class CoxFit:
    """A fitted Cox model on standardised columns, and the way back.

    ``kept`` are the columns of ``model`` that can be estimated, ``lost`` the others with the reason; ``x``
    holds the kept ones, standardised; ``sets`` the risk sets of each stratum with the rows in it.
    """

    time: Floats
    event: Bools
    strata: Ints | None
    stratum_names: list[str]
    model: Design
    kept: list[int]
    lost: Mapping[int, str]
    x: Floats
    centre: Floats
    scale: Floats
    sets: list[tuple[Ints, RiskSets]]
    objective: Objective
    fit: Fit

    @property
    def terms(self) -> list[str]:
        """Names of the estimated columns."""
        return [self.model.terms[k] for k in self.kept]

    @property
    def coefficients(self) -> Floats:
        """Log hazard ratios of the estimated columns in their own units."""
        return np.asarray(self.fit.beta / self.scale)

    @property
    def covariance(self) -> Floats:
        """Their covariance from the information."""
        return np.asarray(covariance(self.fit.information) / np.outer(self.scale, self.scale))

    @property
    def linear_predictor(self) -> Floats:
        """Centred at the mean of the covariates."""
        return np.asarray(self.x @ self.fit.beta)


def fit_cox(
    frame: pd.DataFrame,
    duration: str,
    event: str,
    covariates: Sequence[str],
    ties: str = "efron",
    strata: str | Sequence[str] | None = None,
    entry: str | None = None,
    also: Sequence[str] = (),
    eps: float | None = None,
) -> tuple[CoxFit, pd.DataFrame]:
    """Fit a Cox model; the fit and the columns used (``also`` names further ones that must be there).

    ``eps`` stops early, at so small a relative change of the log-likelihood; by default the fit goes on to the maximum.
    """
    choice(ties, "ties", ("efron", "breslow"))
    by = [] if strata is None else [strata] if isinstance(strata, str) else list(strata)
    names = [duration, event, *listed(covariates), *by, *([entry] if entry else []), *also]
    data = take(frame, names)
    if not len(data) or not covariates:
        raise fail("RG705", "A Cox model needs rows and at least one covariate.")
    t, e = survival(data[duration], data[event])
    if not e.any():
        raise fail("RG701", "A Cox model needs events; all times are censored.", column=event)
    late = None if entry is None else _entries(data[entry], entry, t)
    codes, levels = _strata(data, by)
    return fit_design(t, e, design(data[list(covariates)]), ties, codes, levels, late, eps), data


def fit_design(
    time: Floats, event: Bools, model: Design, ties: str = "efron", strata: Ints | None = None,
    stratum_names: Sequence[str] = ("all",), entry: Floats | None = None, eps: float | None = None,
) -> CoxFit:  # fmt: skip
    """Fit a Cox model to a model matrix."""
    lost = aliased(_informative(time, event, model.x, strata), model.terms)
    kept = [index for index in range(len(model.terms)) if index not in lost]
    if not kept:
        reasons = ", ".join(f"'{model.terms[k]}' {why}" for k, why in lost.items())
        raise fail("RG704", f"No covariate can be estimated: {reasons}.", column=model.terms[0])
    x, centre, scale = standardise(model.x[:, kept])
    sets = risk_sets(time, event, x, strata, entry, ties)
    function = objective(sets)
    fit = maximise(function, x) if eps is None else until_still(function, x, eps)
    if not fit.converged:
        names = culprits(fit, [model.terms[k] for k in kept])
        raise fail(
            "RG704",
            f"The partial likelihood has no maximum along {', '.join(names)}: the hazard ratio runs to 0 or infinity.",
            column=names[0],
        )
    return CoxFit(
        time, event, strata, list(stratum_names), model, kept, lost, x, centre, scale, sets, function, fit
    )  # fmt: skip


def _informative(time: Floats, event: Bools, x: Floats, strata: Ints | None) -> Floats:
    """The rows that are in a risk set, centred within strata: only what varies there can be estimated."""
    if strata is None:
        return np.asarray(x[time >= time[event].min()])
    parts = []
    for code in np.unique(strata[event]):
        own = strata == code
        part = x[own & (time >= time[own & event].min())]
        centred = part - part.mean(axis=0)
        parts.append(np.where(np.abs(centred) <= _NOTHING * np.abs(part).max(axis=0), 0.0, centred))
    return np.concatenate(parts)


def _entries(column: pd.Series, name: str, time: Floats) -> Floats:
    late = number(column, name)
    if (late < 0).any():
        raise fail("RG402", f"`{name}` has {int((late < 0).sum())} negative values.", column=name)
    if (late >= time).any():
        raise fail("RG705", f"`{name}` must lie before the time; it does not in {int((late >= time).sum())} rows.", column=name)
    return late


def _strata(data: pd.DataFrame, by: Sequence[str]) -> tuple[Ints | None, list[str]]:
    if not by:
        return None, ["all"]
    parts = [groups(data[name], name) for name in by]
    joint = np.zeros(len(data), dtype=np.int64)
    for codes, levels in parts:
        joint = joint * len(levels) + codes
    used, codes = np.unique(joint, return_inverse=True)
    rows = [int(np.flatnonzero(joint == u)[0]) for u in used]
    names = [", ".join(f"{name}={data[name].iloc[row]}" for name in by) for row in rows]
    return codes.astype(np.int64), names
