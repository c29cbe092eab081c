"""Cox's partial likelihood with Efron's or Breslow's rule for ties, its gradient, information and residuals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from radiogen.stats._newton import Objective
from radiogen.stats._validate import Bools, Floats, Ints

_SMALLEST = 1e-290


class RiskSets:
    """The risk sets of one stratum.

    Parameters
    ----------
    time : ndarray, shape (n,)
        Times; equal times are ties.
    event : ndarray of bool, shape (n,)
        Events.
    x : ndarray, shape (n, p)
        Covariates, centred and scaled.
    entry : ndarray, shape (n,), optional
        Times at which units came under observation: at risk at t where entry < t <= time.
    ties : {"efron", "breslow"}
        Rule for tied events.

    Notes
    -----
    With d events at one time the l-th of them (l = 0, …, d - 1) is compared with the risk set less
    l/d of the weight of those d (Efron), or with the whole risk set (Breslow).  Sums over risk sets
    are cumulative sums from the last time back, so one evaluation is O(n p + events p²).
    """

    def __init__(self, time: Floats, event: Bools, x: Floats, entry: Floats | None = None, ties: str = "efron") -> None:
        self.order = np.lexsort((~event, time))
        self.x, self.event = x[self.order], event[self.order]
        self.times, self.first, self.position = np.unique(time[self.order], return_index=True, return_inverse=True)
        #: sorted rows with an event, one entry each, and the place of their time
        self.rows: Ints = np.flatnonzero(self.event)
        self.at: Ints = self.position[self.rows]
        new = np.r_[True, np.diff(self.at) != 0][: self.rows.size]
        self.starts: Ints = np.flatnonzero(new)
        self.which: Ints = np.cumsum(new) - 1
        tied = np.diff(np.r_[self.starts, self.rows.size])
        self.fraction: Floats = (np.arange(self.rows.size) - self.starts[self.which]) / tied[self.which]
        if ties == "breslow":
            self.fraction = np.zeros(self.rows.size)
        self.observed = self.x[self.rows].sum(axis=0)
        self.entry = None if entry is None else entry[self.order]
        if self.entry is not None:
            self.by_entry = np.argsort(self.entry, kind="stable")
            self.late: Ints = np.searchsorted(self.entry[self.by_entry], self.times, side="left")
            self.entered: Ints = np.searchsorted(self.times, self.entry, side="right")

    def weights(self, beta: Floats) -> Floats:
        """Relative hazards of the sorted rows, the largest 1."""
        eta = self.x @ beta
        return np.asarray(np.exp(eta - eta.max(initial=-np.inf)))

    def total(self, values: Floats) -> Floats:
        """Sum of values of the sorted rows over the risk set of each event, less Efron's tied part."""
        sums = _from_back(values)[self.first[self.at]]
        if self.entry is not None:
            padded = np.concatenate([_from_back(values[self.by_entry]), np.zeros((1, *values.shape[1:]))])
            sums = sums - padded[self.late[self.at]]
        part = np.add.reduceat(values[self.rows], self.starts)[self.which]
        fraction = self.fraction if values.ndim == 1 else self.fraction[:, None]
        return np.asarray(sums - fraction * part)

    def spread_back(self, values: Floats) -> Floats:
        """Sum over events of a value of each event, for every sorted row that is in its risk set."""
        running = np.cumsum(np.bincount(self.at, weights=values, minlength=self.times.size))
        sums = running[self.position]
        if self.entry is not None:
            sums = sums - np.r_[0.0, running][self.entered]
        own = np.bincount(self.at, weights=self.fraction * values, minlength=self.times.size)[self.position]
        return np.asarray(sums - np.where(self.event, own, 0.0))

    def evaluate(self, beta: Floats) -> tuple[float, Floats, Floats]:
        """Log partial likelihood, gradient and information."""
        p = self.x.shape[1]
        if not self.rows.size:
            return 0.0, np.zeros(p), np.zeros((p, p))
        eta = self.x @ beta
        eta = eta - eta.max()
        weight = np.exp(eta)
        risk = self.total(weight)
        # a step so far out that a risk set has lost its weight to underflow is no candidate
        if not (risk > _SMALLEST).all():
            return -np.inf, self.observed, np.full((p, p), np.nan)
        means = self.total(weight[:, None] * self.x) / risk[:, None]
        loglik = float(eta[self.rows].sum() - np.log(risk).sum())
        share = weight * self.spread_back(1 / risk)
        information = self.x.T @ (share[:, None] * self.x) - means.T @ means
        return loglik, self.observed - means.sum(axis=0), information

    def means(self, beta: Floats) -> tuple[Floats, Floats]:
        """Weighted mean of the covariates in the risk set of each event, and the weight of that set."""
        weight = self.weights(beta)
        risk = self.total(weight)
        return self.total(weight[:, None] * self.x) / risk[:, None], risk

    def information(self, beta: Floats, factor: Floats) -> Floats:
        """Sum over events of the covariance of the covariates in its risk set, each times a factor."""
        means, risk = self.means(beta)
        share = self.weights(beta) * self.spread_back(factor / risk)
        return np.asarray(self.x.T @ (share[:, None] * self.x) - means.T @ (factor[:, None] * means))

    def schoenfeld(self, beta: Floats) -> Floats:
        """Covariates of each event less their mean in its risk set; tied events share one mean."""
        means, _ = self.means(beta)
        counts = np.diff(np.r_[self.starts, self.rows.size])
        averaged = np.add.reduceat(means, self.starts) / counts[:, None]
        return np.asarray(self.x[self.rows] - averaged[self.which])

    def score_residuals(self, beta: Floats) -> Floats:
        """What each unit adds to the score, in the order given: the base of robust variances."""
        means, risk = self.means(beta)
        weight = self.weights(beta)
        expected = self.spread_back(1 / risk)
        sums = np.column_stack([self.spread_back(column / risk) for column in means.T])
        residuals = -weight[:, None] * (self.x * expected[:, None] - sums)
        residuals[self.rows] += self.schoenfeld(beta)
        out = np.empty_like(residuals)
        out[self.order] = residuals
        return out

    def martingale(self, beta: Floats) -> Floats:
        """Martingale residual of each unit, in the order given."""
        weight = self.weights(beta)
        out = np.empty(weight.size)
        out[self.order] = self.event - weight * self.spread_back(1 / self.total(weight)) if self.rows.size else 0.0
        return out

    def cumulative_hazard(self, beta: Floats) -> tuple[Floats, Floats]:
        """Event times, and the cumulative hazard after each for a unit with covariates 0."""
        eta = self.x @ beta
        top = float(eta.max(initial=0.0))
        risk = self.total(np.exp(eta - top))
        steps = np.add.reduceat(np.exp(-top) / risk, self.starts)
        return self.times[self.at[self.starts]], np.cumsum(steps)


def risk_sets(
    time: Floats, event: Bools, x: Floats, strata: Ints | None = None, entry: Floats | None = None, ties: str = "efron"
) -> list[tuple[Ints, RiskSets]]:
    """The risk sets of each stratum with events, and the rows that are in it."""
    codes = np.zeros(time.size, dtype=np.int64) if strata is None else strata
    found = []
    for code in np.unique(codes[event]):
        own = np.flatnonzero(codes == code)
        found.append((own, RiskSets(time[own], event[own], x[own], None if entry is None else entry[own], ties)))
    return found


def objective(sets: Sequence[tuple[Ints, RiskSets]]) -> Objective:
    """The log partial likelihood over all strata as a function of the coefficients."""

    def evaluate(beta: Floats) -> tuple[float, Floats, Floats]:
        parts = [s.evaluate(beta) for _, s in sets]
        return sum(p[0] for p in parts), np.sum([p[1] for p in parts], axis=0), np.sum([p[2] for p in parts], axis=0)

    return evaluate


def _from_back(values: Floats) -> Floats:
    return np.asarray(np.cumsum(values[::-1], axis=0)[::-1])


def efron(time: Floats, event: Bools, x: Floats) -> Objective:
    """The log partial likelihood of one stratum with Efron's ties as a function of the coefficients."""
    return RiskSets(time, event, x).evaluate
