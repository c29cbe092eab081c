"""Probabilities at one horizon from censored times, for many bootstrap weights at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from radiogen.errors import fail
from radiogen.stats._validate import MOST_CODE, Bools, Floats, Ints, is_number, number, same_length, survival


def statuses(time: ArrayLike, event: ArrayLike, competing: bool | None) -> tuple[Floats, Ints, bool]:
    """Times, codes 0 (censored), 1 (the event), 2 (a competing event), and whether events compete.

    With None codes of 2 and up mean competing events, unless nobody is censored: 1 and 2 alone are how some files
    write censored and event.
    """
    codes = number(event, "event")
    if (codes < 0).any() or (codes % 1 != 0).any():
        odd = codes[(codes < 0) | (codes % 1 != 0)][0]
        raise fail("RG705", "`event` must be 0 (censored), 1 (the event) and 2 or more (competing).", value=odd)
    if (codes > MOST_CODE).any():
        raise fail("RG705", "`event` has values that are no codes.", value=codes.max(), fix="Use whole numbers: 0, 1 and 2.")
    more = bool((codes > 1).any())
    if more and competing is None and not (codes == 0).any():
        raise fail(
            "RG705", "`event` has the values 1 and 2 and no 0: it is not clear who is censored.",
            fix="Recode to 0 and 1, or give `competing=True` where all had an event.",
        )  # fmt: skip
    if more and competing is False:
        raise fail("RG705", "`event` must be 0 (censored) and 1 (event).", value=codes.max())
    t, _ = survival(time, (codes > 0).astype(float))
    return t, np.minimum(codes, 2).astype(np.int64), more or bool(competing)


def check_horizon(time: Floats, status: Ints, horizon: Any) -> float:
    """The horizon, inside the follow-up, with events up to it."""
    if not is_number(horizon) or horizon <= 0:
        raise fail("RG708", "`horizon` must be one positive time.", value=horizon)
    tau = float(horizon)
    if tau > time.max():
        raise fail("RG708", f"The follow-up ends at {time.max():g}, before the horizon.", value=tau)
    if not ((status == 1) & (time <= tau)).any():
        raise fail("RG701", f"No event is seen up to the horizon {tau:g}.")
    return tau


def probabilities(values: ArrayLike, name: str, n: int) -> Floats:
    """Probabilities between 0 and 1, one per unit."""
    p = number(values, name)
    same_length(**{name: p, "data": np.empty(n)})
    if p.min() < 0 or p.max() > 1:
        raise fail("RG705", f"`{name}` must be probabilities between 0 and 1.", value=(p.min(), p.max()))
    return p


def risk_at(time: Floats, status: Ints, horizon: float, weights: Floats | None = None) -> Floats:
    """Probability of event 1 by the horizon: Kaplan and Meier's, with competing events Aalen and Johansen's.

    ``weights`` (resamples × units) gives one probability for each row; without it there is one.  Where nobody is left
    at risk before the horizon the last value is carried on.  A row without weight has probability 0.
    """
    w = np.ones((1, time.size)) if weights is None else weights
    hit = (status > 0) & (time <= horizon)
    times = np.unique(time[hit])
    if times.size == 0:
        return np.zeros(w.shape[0])
    order = np.argsort(time, kind="stable")
    ordered = time[order]
    # units that leave between two event times form a segment
    starts = np.r_[0, np.searchsorted(ordered, times, side="left")]
    totals = np.cumsum(w[:, order], axis=1)
    before = np.concatenate([np.zeros((w.shape[0], 1)), totals], axis=1)[:, starts[1:]]
    at_risk = totals[:, -1:] - before
    dead = _per_time(w, time, hit, times)
    hazard = np.divide(dead, at_risk, out=np.zeros_like(dead), where=at_risk > 0)
    survival_after = np.cumprod(1 - hazard, axis=1)
    if not (status == 2).any():
        return np.asarray(1 - survival_after[:, -1])
    first = _per_time(w, time, hit & (status == 1), times)
    survival_before = np.concatenate([np.ones((w.shape[0], 1)), survival_after[:, :-1]], axis=1)
    cause = np.divide(first, at_risk, out=np.zeros_like(first), where=at_risk > 0)
    return np.asarray((survival_before * cause).sum(axis=1))


def _per_time(w: Floats, time: Floats, chosen: Any, times: Floats) -> Floats:
    """Weight of the chosen units at each of the times."""
    rows = np.flatnonzero(chosen)
    out = np.zeros((w.shape[0], times.size))
    if rows.size == 0:
        return out
    rows = rows[np.argsort(time[rows], kind="stable")]
    place = np.searchsorted(times, time[rows])
    first = np.flatnonzero(np.r_[True, np.diff(place) != 0])
    out[:, place[first]] = np.add.reduceat(w[:, rows], first, axis=1)
    return out


def free_at(time: Floats, status: Ints, horizon: float) -> Bools:
    """Units known to be free of any event at the horizon; one censored exactly then is."""
    return (time > horizon) | ((time == horizon) & (status == 0))


def inverse_weights(time: Floats, status: Ints, horizon: float, weights: Floats | None = None) -> Floats:
    """Inverse probability of censoring weights at the horizon, shape (resamples, units).

    A unit with an event by the horizon weighs 1 / G(time-), one free of it at the horizon 1 / G(horizon-), one
    censored before it nothing; G is Kaplan and Meier's estimator of the censoring, for which events come before
    censorings at the same time.  A unit censored exactly at the horizon has reached it free of the event.
    """
    w = np.ones((1, time.size)) if weights is None else weights
    lost = (status == 0) & (time < horizon)
    times = np.unique(time[lost])
    size = w.shape[0]
    if times.size == 0:
        free = np.ones((size, 1))
    else:
        order = np.argsort(time, kind="stable")
        ordered = time[order]
        totals = np.concatenate([np.zeros((size, 1)), np.cumsum(w[:, order], axis=1)], axis=1)
        at_risk = totals[:, -1:] - totals[:, np.searchsorted(ordered, times, side="left")]
        at_risk -= _per_time(w, time, (status > 0) & np.isin(time, times), times)
        gone = _per_time(w, time, lost, times)
        share = np.divide(gone, at_risk, out=np.zeros_like(gone), where=at_risk > 0)
        free = np.concatenate([np.ones((size, 1)), np.cumprod(1 - share, axis=1)], axis=1)
    known = ((status > 0) & (time <= horizon)) | free_at(time, status, horizon)
    place = np.searchsorted(times, np.minimum(time, horizon), side="left")
    g = free[:, place]
    return np.divide(1.0, g, out=np.zeros_like(g), where=known[None, :] & (g > 0))
