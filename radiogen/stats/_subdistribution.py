"""The weighted partial likelihood of the subdistribution hazard, its information, baseline and sandwich variance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from radiogen.stats._newton import covariance
from radiogen.stats._validate import Floats, Ints

_SMALLEST = 1e-290


@dataclass(frozen=True)
class _Sums:
    """Weights and weighted sums at given coefficients; the largest linear predictor ``top`` is taken out of both."""

    top: float
    weight: Floats
    risk: Floats
    means: Floats


class WeightedRiskSets:
    """Risk sets in which units with a competing event stay, weighted by the chance of not being censored.

    Parameters
    ----------
    time : ndarray, shape (n,)
        Times; equal times are ties.
    kind : ndarray of int, shape (n,)
        0 censored, 1 the event, 2 a competing event.
    x : ndarray, shape (n, p)
        Covariates, centred and scaled.
    layer : ndarray of int, shape (n,)
        Groups with censoring distributions of their own, numbered from 0.

    Notes
    -----
    A unit with a competing event at T weighs G(t-) / G(T-) at t > T, with G the Kaplan-Meier estimate of being
    uncensored (events and censorings at one time both count as at risk, as in ``cmprsk::crr``).  Tied events are
    compared with the same risk set (Breslow).  Sums over risk sets are running sums, so an evaluation is O(n p²).
    """

    def __init__(self, time: Floats, kind: Ints, x: Floats, layer: Ints) -> None:
        order = np.argsort(time, kind="stable")
        self.order = order
        self.time, self.kind, self.x, self.layer = time[order], kind[order], x[order], layer[order]
        self.times, self.count = np.unique(self.time[self.kind == 1], return_counts=True)
        self.layers = [np.flatnonzero(self.layer == k) for k in range(int(layer.max()) + 1)]
        #: chance of being uncensored just before each event time, by layer
        self.free = np.array([_free_before(self.time[rows], self.kind[rows], self.times) for rows in self.layers])
        own = np.empty(self.time.size)
        for rows in self.layers:
            own[rows] = _free_before(self.time[rows], self.kind[rows], self.time[rows])
        #: 1 / G(T-) of the units with a competing event, else 0
        self.stay = np.where(self.kind == 2, 1 / own, 0.0)
        self.from_ = np.searchsorted(self.time, self.times, side="left")
        #: number of event times up to and including each unit's own time
        self.passed: Ints = np.searchsorted(self.times, self.time, side="right")
        self.observed = self.x[self.kind == 1].sum(axis=0)

    def _total(self, values: Floats) -> Floats:
        """Weighted sum of values over the risk set of each event time."""
        sums = np.cumsum(values[::-1], axis=0)[::-1][self.from_]
        shape = (-1,) + (1,) * (values.ndim - 1)
        for free, rows in zip(self.free, self.layers, strict=True):
            gone = np.where(self.layer == self.layer[rows[0]], self.stay, 0.0).reshape(shape) * values
            before = np.concatenate([np.zeros((1, *values.shape[1:])), np.cumsum(gone, axis=0)])[self.from_]
            sums = sums + free.reshape(shape) * before
        return np.asarray(sums)

    def _collected(self, values: Floats) -> Floats:
        """Sum over event times of a value of each, times the weight of every unit at it (times × k gives n × k)."""
        table = values if values.ndim == 2 else values[:, None]
        running = np.concatenate([np.zeros((1, table.shape[1])), np.cumsum(table, axis=0)])
        out = running[self.passed]
        for free, rows in zip(self.free, self.layers, strict=True):
            later = np.concatenate([np.cumsum((free[:, None] * table)[::-1], axis=0)[::-1], np.zeros((1, table.shape[1]))])
            out[rows] += self.stay[rows, None] * later[self.passed[rows]]
        return np.asarray(out.reshape(self.time.size, *values.shape[1:]))

    def _sums(self, beta: Floats) -> _Sums:
        eta = self.x @ beta
        top = float(eta.max())
        weight = np.exp(eta - top)
        risk = self._total(weight)
        with np.errstate(divide="ignore", invalid="ignore"):
            means = self._total(weight[:, None] * self.x) / risk[:, None]
        return _Sums(top, weight, risk, means)

    def evaluate(self, beta: Floats) -> tuple[float, Floats, Floats]:
        """Log partial likelihood, gradient and information."""
        p = self.x.shape[1]
        s = self._sums(beta)
        # a step so far out that a risk set has lost its weight to underflow is no candidate
        if not (s.risk > _SMALLEST).all():
            return -np.inf, self.observed, np.full((p, p), np.nan)
        loglik = float(self.observed @ beta - (self.count * (np.log(s.risk) + s.top)).sum())
        share = s.weight * self._collected(self.count / s.risk)
        information = self.x.T @ (share[:, None] * self.x) - s.means.T @ (self.count[:, None] * s.means)
        return loglik, self.observed - self.count @ s.means, information

    def cumulative_hazard(self, beta: Floats) -> Floats:
        """Cumulative subdistribution hazard after each event time for a unit with covariates 0."""
        s = self._sums(beta)
        return np.asarray(np.cumsum(self.count / s.risk * np.exp(-s.top)))

    def influence(self, beta: Floats) -> Floats:
        """What each unit adds to the score, its part in the estimated weights included (in the order given)."""
        s = self._sums(beta)
        hazard = self.count / s.risk
        expected = self._collected(np.column_stack([hazard, hazard[:, None] * s.means]))
        score = -s.weight[:, None] * (self.x * expected[:, :1] - expected[:, 1:])
        events = self.kind == 1
        score[events] += self.x[events] - s.means[self.passed[events] - 1]
        for free, rows in zip(self.free, self.layers, strict=True):
            score[rows] += self._from_weights(s, free, rows, hazard)
        out = np.empty_like(score)
        out[self.order] = score
        return out

    def _from_weights(self, s: _Sums, free: Floats, rows: Ints, hazard: Floats) -> Floats:
        """The influence of the units of one layer through its estimate of the censoring."""
        time, lost = self.time[rows], self.kind[rows] == 0
        places, position = np.unique(time, return_inverse=True)
        gone = np.bincount(position, weights=lost)
        at_risk = np.cumsum(np.bincount(position)[::-1])[::-1]
        stay = self.stay[rows] * s.weight[rows]
        until = np.concatenate([np.zeros((1, 1 + self.x.shape[1])),
                                np.cumsum(stay[:, None] * np.column_stack([np.ones(rows.size), self.x[rows]]), axis=0)])
        # units whose competing event came before a censoring, and the events from then on
        before = until[np.searchsorted(time, places, side="left")]
        future = np.column_stack([free * hazard, (free * hazard)[:, None] * s.means])
        after = np.concatenate([np.cumsum(future[::-1], axis=0)[::-1], np.zeros((1, future.shape[1]))])
        after = after[np.searchsorted(self.times, places, side="left")]
        pull = before[:, 1:] * after[:, :1] - before[:, :1] * after[:, 1:]
        rate = pull / at_risk[:, None]
        running = np.cumsum(rate * (gone / at_risk)[:, None], axis=0)
        return np.asarray(np.where(lost[:, None], rate[position], 0.0) - running[position])

    def sandwich(self, beta: Floats, information: Floats) -> Floats:
        """Fine and Gray's covariance of the coefficients."""
        moves = self.influence(beta) @ covariance(information)
        return np.asarray(moves.T @ moves)


def _free_before(time: Floats, kind: Ints, wanted: Floats) -> Floats:
    """Kaplan-Meier estimate of being uncensored just before given times; 0 beyond the last time of all."""
    times, position = np.unique(time, return_inverse=True)
    lost = np.bincount(position, weights=kind == 0)
    at_risk = np.cumsum(np.bincount(position)[::-1])[::-1]
    free = np.r_[1.0, np.cumprod(1 - lost / at_risk)][np.searchsorted(times, wanted, side="left")]
    return np.asarray(np.where(wanted > times[-1], 0.0, free))
