"""A Cox model of a few columns and the risk it gives at a horizon, as R's ``survfit(coxph)`` with Efron's ties."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from radiogen.errors import fail
from radiogen.stats._design import standardise
from radiogen.stats._newton import covariance, maximise
from radiogen.stats._partial import efron
from radiogen.stats._validate import Bools, Floats


@dataclass(frozen=True)
class CoxRisk:
    """Coefficients (of standardised columns) and the cumulative hazard at the horizon for their mean."""

    beta: Floats
    cov: Floats
    centre: Floats
    scale: Floats
    hazard: float
    #: variance of the hazard for known coefficients
    spread: float
    #: the hazard's integral of the mean of the columns among those at risk
    drift: Floats

    def risk(self, x: Floats, z: float = 0.0) -> tuple[Floats, Floats, Floats]:
        """Risk by the horizon for each row, with limits from the variance of the log cumulative hazard."""
        columns = (x - self.centre) / self.scale
        log_hazard = columns @ self.beta + np.log(self.hazard)
        slope = columns - self.drift / self.hazard
        variance = self.spread / self.hazard**2 + np.einsum("ij,jk,ik->i", slope, self.cov, slope)
        margin = z * np.sqrt(np.maximum(variance, 0.0))
        return tuple(-np.expm1(-np.exp(log_hazard + side * margin)) for side in (0.0, -1.0, 1.0))  # type: ignore[return-value]


def cox_risk(time: Floats, event: Bools, x: Floats, horizon: float) -> CoxRisk:
    """Fit the model and take its cumulative hazard at the horizon."""
    columns, centre, scale = standardise(x)
    fit = maximise(efron(time, event, columns), columns)
    if not fit.converged:
        raise fail("RG704", "The Cox model of the predicted risk has no maximum: the risk orders the events fully.")
    weight = np.exp(columns @ fit.beta)
    order = np.argsort(time, kind="stable")
    both = np.column_stack([weight, weight[:, None] * columns])
    back = np.cumsum(both[order][::-1], axis=0)[::-1]
    rows = np.flatnonzero(event & (time <= horizon))
    rows = rows[np.argsort(time[rows], kind="stable")]
    first = np.flatnonzero(np.r_[True, np.diff(time[rows]) != 0])
    tied = np.diff(np.r_[first, rows.size])
    # the l-th of d tied events is compared with the risk set less l/d of their weight
    fraction = (np.arange(rows.size) - np.repeat(first, tied)) / np.repeat(tied, tied)
    own = np.repeat(np.add.reduceat(both[rows], first, axis=0), tied, axis=0)
    sums = back[np.searchsorted(time[order], time[rows], side="left")] - fraction[:, None] * own
    hazard = 1 / sums[:, 0]
    drift = (sums[:, 1:] * hazard[:, None] ** 2).sum(axis=0)
    return CoxRisk(
        fit.beta, covariance(fit.information), centre, scale, float(hazard.sum()), float((hazard**2).sum()), drift
    )
