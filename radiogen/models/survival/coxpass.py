"""Cox's partial likelihood and its gradient in one pass over sorted units: order once, then O(n) an epoch.

Torch-free; :mod:`radiogen.models.survival.losses` wraps it for torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from radiogen.compiled import compiled
from radiogen.errors import fail

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
TIES = ("efron", "breslow")


@compiled
def _tops(eta, weight, start, stratum, top, group):  # type: ignore[no-untyped-def]
    """Largest log-hazard of the risk set of each group of equal times, and the group of each unit."""
    highest = -np.inf
    for g in range(start.size - 1):
        if g == 0 or stratum[start[g]] != stratum[start[g] - 1]:
            highest = -np.inf
        for i in range(start[g], start[g + 1]):
            group[i] = g
            if weight[i] > 0.0 and eta[i] > highest:
                highest = eta[i]
        top[g] = highest


@compiled
def _sums(part, weight, event, start, stratum, efron, shrink, gradient, at_risk, mass):  # type: ignore[no-untyped-def]
    """Risk sums of every event and the gradient; ``part`` is each unit's hazard relative to the top of its group.

    ``shrink[g]`` brings hazards relative to the top of group g - 1 to that of group g.  The tied part of a risk set is added
    and never taken away, so that nothing cancels.
    """
    groups = start.size - 1
    rates, tied = np.zeros(groups), np.zeros(groups)
    total, k = 0.0, 0
    for g in range(groups):
        first, last = start[g], start[g + 1]
        total = 0.0 if g == 0 or stratum[first] != stratum[first - 1] else total * shrink[g]
        dead, deaths, own = 0.0, 0, 0.0
        for i in range(first, last):
            if event[i] and weight[i] > 0.0:
                dead += part[i]
                deaths += 1
                own += weight[i]
            else:
                total += part[i]
        for step in range(deaths):
            share = step / deaths if efron and step else 0.0
            at_risk[k] = total + (1.0 - share) * dead
            mass[k] = own / deaths
            rate = mass[k] / at_risk[k]
            rates[g] += rate
            tied[g] += rate * share
            k += 1
        total += dead
    hazard = 0.0
    for g in range(groups - 1, -1, -1):
        first, last = start[g], start[g + 1]
        follows = g < groups - 1 and stratum[last] == stratum[last - 1]
        hazard = rates[g] + (hazard * shrink[g + 1] if follows else 0.0)
        for i in range(first, last):
            own = hazard - tied[g] if event[i] else hazard
            gradient[i] = part[i] * own - weight[i] * event[i]


@dataclass(frozen=True)
class CoxOrder:
    """Order and ties of times, found once for all evaluations of the likelihood.

    Parameters
    ----------
    order : ndarray of int, shape (n,)
        Units sorted by stratum and falling time.
    start : ndarray of int, shape (groups + 1,)
        First of the sorted units of every group of equal times in a stratum, and n at the end.
    stratum : ndarray of int, shape (n,)
    event : ndarray of bool, shape (n,)
    weight : ndarray, shape (n,)
        All three of the sorted units.
    efron : bool
        Rule for ties.
    """

    order: Ints
    start: Ints
    stratum: Ints
    event: Bools
    weight: Floats
    efron: bool

    @cached_property
    def events(self) -> float:
        """Sum of the weights of the events."""
        return float(self.weight[self.event].sum())

    def evaluate(self, log_hazard: ArrayLike) -> tuple[float, Floats]:
        """Mean negative log partial likelihood per event, and its gradient in the given order.

        Parameters
        ----------
        log_hazard : array, shape (n,)
            Finite, in the order of the times given to :func:`cox_order`.

        Raises
        ------
        RadiogenError
            RG705 where the length differs or a value is not finite.
        """
        eta = np.asarray(log_hazard, dtype=np.float64)
        if eta.shape != self.order.shape:
            raise fail("RG705", f"`log_hazard` has shape {eta.shape} and there are {self.order.size} times.")
        loss, by_order = self.evaluate_sorted(eta[self.order])
        gradient = np.empty(eta.size)
        gradient[self.order] = by_order
        return loss, gradient

    def evaluate_sorted(self, eta: Floats) -> tuple[float, Floats]:
        """:meth:`evaluate` of log-hazards that are in the order of :attr:`order`, and so is the gradient.

        Parameters
        ----------
        eta : ndarray of float64, shape (n,)
        """
        if not np.isfinite(eta).all():
            raise fail("RG705", f"`log_hazard` has {int((~np.isfinite(eta)).sum())} values that are not finite.")
        gradient = np.zeros(eta.size)
        if self.events == 0.0:
            return 0.0, gradient
        top, group = np.empty(self.start.size - 1), np.empty(eta.size, dtype=np.int64)
        _tops(eta, self.weight, self.start, self.stratum, top, group)
        dead = self._dead
        at_risk, mass = np.empty(dead.size), np.empty(dead.size)
        # exponentials and logarithms of whole arrays are several times quicker than within a compiled loop
        relative = eta - top[group]
        part = self.weight * np.exp(np.minimum(relative, 0.0))
        with np.errstate(invalid="ignore"):  # infinite tops: units of weight 0, or the start of a stratum
            shrink = np.exp(np.r_[-np.inf, top[:-1]] - top)
        shrink[~(shrink <= 1.0)] = 0.0
        _sums(part, self.weight, self.event, self.start, self.stratum, self.efron, shrink, gradient, at_risk, mass)
        loss = float(mass @ np.log(at_risk)) - float(self.weight[dead] @ relative[dead])
        return loss / self.events, gradient / self.events

    @cached_property
    def _dead(self) -> Ints:
        """Sorted units whose events count."""
        return np.flatnonzero(self.event & (self.weight > 0))


def cox_order(
    time: ArrayLike,
    event: ArrayLike,
    ties: str = "efron",
    strata: ArrayLike | None = None,
    weights: ArrayLike | None = None,
) -> CoxOrder:
    """Sort units for the partial likelihood; reused by every epoch.

    Parameters
    ----------
    time : array, shape (n,)
        Follow-up times, 0 or more; equal times are ties, a unit censored at an event's time is at risk of it.
    event : array of 0 and 1, shape (n,)
    ties : {"efron", "breslow"}, default "efron"
        Efron's rule is the more exact of the two where several events share a time.
    strata : array of int, shape (n,), optional
        Units are compared within their stratum only.
    weights : array, shape (n,), optional
        Case weights, 0 or more; a unit of weight 0 takes no part.

    Returns
    -------
    CoxOrder

    Raises
    ------
    RadiogenError
        RG705 for arrays of other lengths or values, RG402 for a negative time, RG708 for an unknown rule.

    Examples
    --------
    >>> value, gradient = cox_order([1, 2], [1, 1]).evaluate([0.0, 0.0])
    >>> round(value, 4), gradient.tolist()
    (0.3466, [-0.25, 0.25])
    """
    if ties not in TIES:
        raise fail("RG708", f"`ties` must be one of {', '.join(TIES)}.", value=ties)
    t, happened = np.asarray(time, dtype=np.float64), np.asarray(event)
    weight = np.ones(t.size) if weights is None else np.asarray(weights, dtype=np.float64)
    stratum = np.zeros(t.size, dtype=np.int64) if strata is None else np.asarray(strata).astype(np.int64)
    for name, array in (("time", t), ("event", happened), ("weights", weight), ("strata", stratum)):
        if array.ndim != 1 or array.size != t.size or t.size == 0:
            raise fail("RG705", f"`{name}` must have one dimension and the length of `time`, at least 1.", value=array.shape)
    if not np.isfinite(t).all() or not np.isfinite(weight).all() or (weight < 0).any():
        raise fail("RG705", "`time` and `weights` must be finite, and weights 0 or more.")
    if (t < 0).any():
        raise fail("RG402", f"`time` has {int((t < 0).sum())} negative values.", value=t.min())
    if not np.isin(happened, (0, 1)).all():
        raise fail("RG705", "`event` must be 0 (censored) and 1 (event).")
    order = np.lexsort((-t, stratum))
    t, stratum = t[order], stratum[order]
    new = np.r_[True, (np.diff(t) != 0) | (np.diff(stratum) != 0)]
    start = np.r_[np.flatnonzero(new), t.size].astype(np.int64)
    return CoxOrder(order, start, stratum, happened[order].astype(bool), weight[order], ties == "efron")
