"""Risk sets with case weights: likelihood, score residuals and baseline hazard, as R's ``coxph`` weighs them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from radiogen.stats._partial import RiskSets
from radiogen.stats._validate import Bools, Floats, Ints

_SMALLEST = 1e-290


class CaseSets(RiskSets):
    """The risk sets of one stratum, whose units count as often as their weights say.

    Parameters
    ----------
    time : ndarray, shape (n,)
    event : ndarray of bool, shape (n,)
        With at least one event.
    x : ndarray, shape (n, p)
        Centred and scaled.
    entry : ndarray, shape (n,), or None
        At risk at t where entry < t <= time.
    ties : {"efron", "breslow"}
    weights : ndarray, shape (n,)
        Above 0.

    Notes
    -----
    Each of the events tied at one time has their mean weight, and is compared with the weighted risk set less Efron's part.
    """

    def __init__(
        self, time: Floats, event: Bools, x: Floats, entry: Floats | None, ties: str, weights: Floats
    ) -> None:
        super().__init__(time, event, x, entry, ties)
        self.case = weights[self.order]
        counts = np.diff(np.r_[self.starts, self.rows.size])
        self.mass = (np.add.reduceat(self.case[self.rows], self.starts) / counts)[self.which]
        self.observed = self.case[self.rows] @ self.x[self.rows]

    def weights(self, beta: Floats) -> Floats:
        """Relative hazards of the sorted rows times their weights."""
        return np.asarray(super().weights(beta) * self.case)

    def evaluate(self, beta: Floats) -> tuple[float, Floats, Floats]:
        """Log partial likelihood, gradient and information."""
        eta = self.x @ beta
        eta = eta - eta.max()
        hazard = self.case * np.exp(eta)
        risk = self.total(hazard)
        if not (risk > _SMALLEST).all():
            return -np.inf, self.observed, np.full((beta.size, beta.size), np.nan)
        means = self.total(hazard[:, None] * self.x) / risk[:, None]
        loglik = float(self.case[self.rows] @ eta[self.rows] - self.mass @ np.log(risk))
        share = hazard * self.spread_back(self.mass / risk)
        information = self.x.T @ (share[:, None] * self.x) - means.T @ (self.mass[:, None] * means)
        return loglik, self.observed - self.mass @ means, information

    def score_residuals(self, beta: Floats) -> Floats:
        """What one unit of each row adds to the score, in the order given; not yet times its weight."""
        means, risk = self.means(beta)
        rate = self.mass / risk
        expected = self.spread_back(rate)
        sums = np.column_stack([self.spread_back(column * rate) for column in means.T])
        own = self.weights(beta) / self.case
        residuals = -own[:, None] * (self.x * expected[:, None] - sums)
        residuals[self.rows] += self.schoenfeld(beta)
        out = np.empty_like(residuals)
        out[self.order] = residuals
        return out

    def log_cumulative(self, beta: Floats) -> tuple[Floats, Floats]:
        """Event times, and the logarithm of the cumulative hazard from each on for a unit with covariates 0."""
        eta = self.x @ beta
        top = float(eta.max())
        steps = np.add.reduceat(self.mass / self.total(self.case * np.exp(eta - top)), self.starts)
        return self.times[self.at[self.starts]], np.asarray(np.log(np.cumsum(steps)) - top)


def case_sets(
    time: Floats, event: Bools, x: Floats, strata: Ints, entry: Floats | None, ties: str, weights: Floats
) -> list[tuple[Ints, CaseSets]]:
    """The risk sets of each stratum with events, and the rows that are in it.

    Parameters
    ----------
    time, event, x, entry, ties, weights
        As of :class:`CaseSets`.
    strata : ndarray of int, shape (n,)
    """
    found = []
    for code in np.unique(strata[event]):
        own = np.flatnonzero(strata == code)
        late = None if entry is None else entry[own]
        found.append((own, CaseSets(time[own], event[own], x[own], late, ties, weights[own])))
    return found


def in_a_risk_set(time: Floats, event: Bools, strata: Ints, entry: Floats | None) -> Bools:
    """Rows that are at risk at an event of their stratum: the others tell nothing about coefficients.

    Parameters
    ----------
    time, entry : ndarray, shape (n,)
    event : ndarray of bool, shape (n,)
    strata : ndarray of int, shape (n,)
    """
    at_risk = np.zeros(time.size, dtype=bool)
    for code in np.unique(strata[event]):
        own = strata == code
        dead = np.unique(time[own & event])
        passed = np.searchsorted(dead, time[own], side="right")
        before = 0 if entry is None else np.searchsorted(dead, entry[own], side="right")
        at_risk[own] = passed > before
    return at_risk


def centred_within(x: Floats, strata: Ints) -> Floats:
    """Columns less their mean in each stratum: only what varies within strata can be estimated.

    Parameters
    ----------
    x : ndarray, shape (n, p)
    strata : ndarray of int, shape (n,)
    """
    out = x.copy()
    codes: Sequence[int] = np.unique(strata).tolist()
    for code in codes if len(codes) > 1 else ():
        own = strata == code
        part = x[own] - x[own].mean(axis=0)
        # rounding of the mean must not look like a difference
        out[own] = np.where(np.abs(part) <= 1e-12 * np.abs(x[own]).max(axis=0), 0.0, part)
    return out
