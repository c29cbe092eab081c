"""Weights by the inverse probability of censoring, and what their estimation adds to an influence function."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from radiogen.errors import fail
from radiogen.stats._validate import MOST_CODE, Bools, Floats, Ints, number, same_length, tie_times


@dataclass(frozen=True)
class Censoring:
    """Kaplan and Meier's estimator of remaining uncensored, with events before censorings at a tied time.

    Parameters
    ----------
    times : ndarray, shape (k,)
        Distinct times, ascending.
    free : ndarray, shape (k,)
        Probability of a censoring time beyond each of them.
    lost : ndarray, shape (k,)
        Units censored at each.
    at_risk : ndarray, shape (k,)
        Units that could still be censored at each: those seen until then, less those with an event there.
    position : ndarray, shape (n,)
        Place of each unit's time among the distinct times.
    censored : ndarray of bool, shape (n,)
        Units that were censored.
    """

    times: Floats
    free: Floats
    lost: Floats
    at_risk: Floats
    position: Ints
    censored: Bools

    def before(self) -> Floats:
        """Probability of being uncensored just before each unit's own time."""
        return np.asarray(np.r_[1.0, self.free][self.position])

    def at(self, time: float) -> float:
        """Probability of being uncensored at one time."""
        return float(np.r_[1.0, self.free][np.searchsorted(self.times, time, side="right")])

    def carry(self, share: Floats, fixed: float = 0.0, until: float = np.inf, events_at_risk: bool = False) -> Floats:
        """What the estimation of the weights adds to each unit's influence on a weighted mean.

        Parameters
        ----------
        share : ndarray, shape (n,)
            What each unit adds to the mean through a weight 1 / G(T-) at its own time.
        fixed : float
            The part of the mean that is weighted by 1 / G(until).
        until : float
            That common time.
        events_at_risk : bool, default False
            Units with an event at a time count as at risk of being censored at it, as riskRegression has
            it.  It matters with heavy ties only, where False is nearer to the jackknife.

        Notes
        -----
        d log G(t) of unit i is -∫ dM_i(u) / π(u) over u up to t, with the martingale M of the censoring and
        the share π at risk of it; the mean reacts with the opposite sign.
        """
        n = share.size
        sums = np.bincount(self.position, weights=share, minlength=self.times.size)
        later = (sums.sum() - np.cumsum(sums)) / n + np.where(self.times <= until, fixed, 0.0)
        at_risk = np.cumsum(np.bincount(self.position)[::-1])[::-1] if events_at_risk else self.at_risk
        open_ = at_risk > 0
        per_unit = np.divide(later * n, at_risk, out=np.zeros(later.size), where=open_)
        hazard = np.divide(self.lost, at_risk, out=np.zeros(later.size), where=open_)
        running = np.cumsum(per_unit * hazard)
        # otherwise a unit with an event at a time is no longer at risk of being censored at it
        past = np.where(self.censored | events_at_risk, running[self.position], np.r_[0.0, running][self.position])
        return np.asarray(np.where(self.censored, per_unit[self.position], 0.0) - past)


def censoring(time: Floats, status: Ints) -> Censoring:
    """The distribution of the censoring times; status 0 is censored, all else an event."""
    times, position = np.unique(time, return_inverse=True)
    lost = np.bincount(position, weights=status == 0, minlength=times.size)
    seen = np.bincount(position, minlength=times.size)
    at_risk = np.cumsum(seen[::-1])[::-1] - (seen - lost)
    hazard = np.divide(lost, at_risk, out=np.zeros(times.size), where=at_risk > 0)
    return Censoring(times, np.cumprod(1 - hazard), lost.astype(float), at_risk.astype(float), position, status == 0)


def status_times(time: ArrayLike, status: ArrayLike, name: str = "event") -> tuple[Floats, Ints]:
    """Positive times and status 0, 1, 2, … of one length; times that differ by rounding are made equal."""
    t = number(time, "time")
    s = number(status, name)
    same_length(**{"time": t, name: s})
    if (t < 0).any():
        raise fail("RG402", f"`time` has {int((t < 0).sum())} negative values.", value=t.min())
    if (t == 0).any():
        raise fail("RG403", f"`time` has {int((t == 0).sum())} zeros.")
    if (s < 0).any() or (s != np.floor(s)).any():
        odd = s[(s < 0) | (s != np.floor(s))][0]
        raise fail(
            "RG705", f"`{name}` must be 0 (censored), 1 (the event) or 2 and up (competing events).", value=odd,
            fix="Recode: 0 where the time is censored, 1 for the event of interest, 2 and up for the others.",
        )  # fmt: skip
    if (s > MOST_CODE).any():
        raise fail("RG705", f"`{name}` has values that are no codes.", value=s.max(), fix="Use whole numbers such as 0, 1 and 2.")
    if set(np.unique(s)) == {1.0, 2.0}:
        # R's own data sets write censored as 1 and dead as 2: taken as they stand, the censored would be the events
        raise fail(
            "RG705", f"`{name}` has the values 1 and 2 and no 0: it is not clear who is censored.",
            fix="Recode to 0 and 1; where nobody is censored and 2 is a competing event, write it as 3.",
        )  # fmt: skip
    return tie_times(t), s.astype(np.int64)
