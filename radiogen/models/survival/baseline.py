"""The baseline hazard under given log-hazards, and survival curves from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from radiogen.models.survival.coxpass import CoxOrder, cox_order

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Baseline:
    """Cumulative baseline hazard, a step function of time.

    Parameters
    ----------
    times : ndarray, shape (K,)
        Times with events, rising.
    log_hazard : ndarray, shape (K,)
        Logarithm of the cumulative hazard from each of them on, for a unit whose log-hazard is 0.
    """

    times: Floats
    log_hazard: Floats

    def log_cumulative(self, at: ArrayLike) -> Floats:
        """Logarithm of the cumulative hazard at times; minus infinity before the first event.

        Parameters
        ----------
        at : array, shape (T,)

        Returns
        -------
        ndarray, shape (T,)
        """
        padded = np.r_[-np.inf, self.log_hazard]
        return np.asarray(padded[np.searchsorted(self.times, np.asarray(at, dtype=float), side="right")])

    def survival(self, log_hazard: ArrayLike, at: ArrayLike) -> Floats:
        """Survival of units at times.

        Parameters
        ----------
        log_hazard : array, shape (n,)
        at : array, shape (T,)

        Returns
        -------
        ndarray, shape (n, T)
            exp(-H0(t) exp(log_hazard)), from logarithms, so that no product of 0 and infinity arises.
        """
        eta = np.asarray(log_hazard, dtype=float)
        with np.errstate(over="ignore"):
            return np.asarray(np.exp(-np.exp(self.log_cumulative(at)[None, :] + eta[:, None])))


def baseline_hazard(
    log_hazard: ArrayLike, time: ArrayLike, event: ArrayLike, ties: str = "breslow", weights: ArrayLike | None = None
) -> Baseline:
    """Breslow's estimate of the cumulative baseline hazard.

    Parameters
    ----------
    log_hazard : array, shape (n,)
        Fitted log-hazards of the units.
    time : array, shape (n,)
    event : array of 0 and 1, shape (n,)
        With at least one event.
    ties : {"breslow", "efron"}, default "breslow"
        ``"efron"`` takes the tied events one after another out of the risk set by parts, as R's ``survfit`` does after a fit
        with Efron's rule.
    weights : array, shape (n,), optional
        Case weights.

    Returns
    -------
    Baseline

    References
    ----------
    Breslow N. Covariance analysis of censored survival data. Biometrics 1974;30:89-99. doi:10.2307/2529620

    Examples
    --------
    >>> import numpy as np
    >>> baseline_hazard([0.0, 0.0, 0.0], [1, 2, 3], [1, 0, 1]).survival([0.0], [0, 1, 3]).round(3).tolist()
    [[1.0, 0.717, 0.264]]
    """
    eta = np.asarray(log_hazard, dtype=float)
    order = cox_order(time, event, ties, weights=weights)
    steps = _log_steps(eta[order.order], order)
    at = np.asarray(time, dtype=float)[order.order][order.start[:-1]]
    kept = np.isfinite(steps)
    rising = steps[kept][::-1]
    return Baseline(at[kept][::-1].copy(), np.logaddexp.accumulate(rising) if rising.size else rising)


def _log_steps(eta: Floats, order: CoxOrder) -> Floats:
    """Logarithm of the hazard's step at each group of equal times, latest first; minus infinity without an event."""
    with np.errstate(divide="ignore"):
        logs = eta + np.log(order.weight)
    running = np.logaddexp.accumulate(logs)
    counted = order.event & (order.weight > 0)
    deaths = np.add.reduceat(counted.astype(float), order.start[:-1])
    mass = np.add.reduceat(order.weight * counted, order.start[:-1])
    with np.errstate(divide="ignore"):
        steps = np.asarray(np.log(mass) - running[order.start[1:] - 1])
    if order.efron:
        for g in np.flatnonzero(deaths > 1):
            first, last = order.start[g], order.start[g + 1]
            dead, count = counted[first:last], int(deaths[g])
            others = np.logaddexp.reduce(logs[first:last][~dead], initial=running[first - 1] if first else -np.inf)
            own = np.logaddexp.reduce(logs[first:last][dead])
            left = np.logaddexp(others, own + np.log1p(-np.arange(count) / count))
            steps[g] = np.log(mass[g] / count) + np.logaddexp.reduce(-left)
    return steps
