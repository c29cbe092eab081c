"""Risk sets with case weights: likelihood, score residuals and baseline hazard, as R's ``coxph`` weighs them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from radiogen.compiled import compiled
from radiogen.stats._partial import RiskSets
from radiogen.stats._validate import Bools, Floats, Ints

_SMALLEST = 1e-290


@compiled
def _pass(x, hazard, eta, case, event, first, efron, gradient, information):  # type: ignore[no-untyped-def]
    """Log partial likelihood in one pass from the last time back, without late entry; minus infinity where a risk set vanishes.

    Tied events share sums: the mean of the l-th risk set is (s1 - f d1) / r with f = l / deaths, so that its outer products add
    up to three terms for each time.  Only the lower half of ``information`` is filled.
    """
    n, p = x.shape
    s0, s1, s2 = 0.0, np.zeros(p), np.zeros((p, p))
    d1, d2 = np.zeros(p), np.zeros((p, p))
    loglik, end = 0.0, n
    for g in range(first.size - 1, -1, -1):
        begin = first[g]
        d0, deaths, own = 0.0, 0, 0.0
        d1[:] = 0.0
        d2[:] = 0.0
        for i in range(begin, end):
            s0 += hazard[i]
            for a in range(p):
                part = hazard[i] * x[i, a]
                s1[a] += part
                for b in range(a + 1):
                    s2[a, b] += part * x[i, b]
            if event[i]:
                deaths += 1
                d0 += hazard[i]
                own += case[i]
                loglik += case[i] * eta[i]
        end_of_group, end = end, begin
        if deaths == 0:
            continue
        tied = efron and deaths > 1
        for i in range(begin, end_of_group if tied else begin):
            if event[i]:
                for a in range(p):
                    part = hazard[i] * x[i, a]
                    d1[a] += part
                    for b in range(a + 1):
                        d2[a, b] += part * x[i, b]
        mass = own / deaths
        rate, lost, squared, mixed, twice = 0.0, 0.0, 0.0, 0.0, 0.0
        for step in range(deaths):
            f = step / deaths if tied else 0.0
            risk = s0 - f * d0
            if not risk > 1e-290:
                return -np.inf
            loglik -= mass * np.log(risk)
            rate += mass / risk
            lost += mass * f / risk
            squared += mass / risk / risk
            mixed += mass * f / risk / risk
            twice += mass * f * f / risk / risk
        for a in range(p):
            gradient[a] -= rate * s1[a] - lost * d1[a]
            for b in range(a + 1):
                information[a, b] += rate * s2[a, b] - squared * s1[a] * s1[b]
                if tied:
                    outer = mixed * (s1[a] * d1[b] + d1[a] * s1[b]) - twice * d1[a] * d1[b]
                    information[a, b] += outer - lost * d2[a, b]
    return loglik


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
        self.case, self.efron = weights[self.order], ties == "efron"
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
        if self.entry is None:
            return self._in_one_pass(eta, hazard)
        risk = self.total(hazard)
        if not (risk > _SMALLEST).all():
            return -np.inf, self.observed, np.full((beta.size, beta.size), np.nan)
        means = self.total(hazard[:, None] * self.x) / risk[:, None]
        loglik = float(self.case[self.rows] @ eta[self.rows] - self.mass @ np.log(risk))
        share = hazard * self.spread_back(self.mass / risk)
        information = self.x.T @ (share[:, None] * self.x) - means.T @ (self.mass[:, None] * means)
        return loglik, self.observed - self.mass @ means, information

    def _in_one_pass(self, eta: Floats, hazard: Floats) -> tuple[float, Floats, Floats]:
        p = self.x.shape[1]
        gradient, lower = self.observed.copy(), np.zeros((p, p))
        loglik = _pass(self.x, hazard, eta, self.case, self.event, self.first, self.efron, gradient, lower)
        information = lower + np.tril(lower, -1).T
        return float(loglik), gradient, information if np.isfinite(loglik) else np.full((p, p), np.nan)

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
