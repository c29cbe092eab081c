"""Uno's concordance: pairs weighted by the inverse probability of censoring, with the influence of each unit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from radiogen.errors import fail
from radiogen.stats._censoring import censoring
from radiogen.stats._validate import Bools, Floats, Ints
from radiogen.stats.harrell import around


@dataclass(frozen=True)
class Weighted:
    """Uno's C with the influence of each unit, scaled so that their squares add up to the variance."""

    estimate: float
    influence: Floats
    tau: float


def uno_concordance(time: Floats, status: Ints, risk: Floats, tau: float | None = None) -> Weighted:
    """Concordance of pairs whose first event lies before ``tau``, each weighted by 1 / G(T-)².

    Parameters
    ----------
    time, status, risk : ndarray, shape (n,)
        Checked times, status (0 censored, 1 the event, 2 and up competing) and risks.
    tau : float, optional
        Pairs whose first event is at ``tau`` or later are left out.  Without it all count.

    Notes
    -----
    C is a ratio of two V-statistics.  The influence has three parts: the unit as the earlier of a pair,
    as the later, and through the estimated distribution of the censoring, which enters squared.

    An event is also paired with every competing event of the same time or before, after which the event can no longer
    come; such a pair is seen where neither unit is censored before its own time, and weighs 1 / {G(T-) G(T'-)}.

    Examples
    --------
    >>> t, s = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1, 1, 0, 1])
    >>> round(uno_concordance(t, s, np.array([4.0, 1.0, 3.0, 2.0])).estimate, 3)
    0.6
    """
    event, competing = status == 1, status > 1
    first = event if tau is None else event & (time < tau)
    if not first.any():
        raise fail("RG701", "No event lies before `tau`." if tau is not None else "There is no event.", value=tau)
    lost = censoring(time, status)
    before = lost.before()
    weight = np.where(first, 1 / before**2, 0.0)
    # a censored time outlives an event tied with it; so does the competing event, in the pairs below
    after = _directed(_places(time, np.where(status == 0, 1, 0)), first, risk, weight, np.ones(time.size))
    own, theirs = np.where(first, 1 / before, 0.0), np.where(competing, 1 / before, 0.0)
    gone = _directed(_places(-time, competing), first, risk, own, theirs)
    total = after.all_first.sum() + gone.all_first.sum()
    if total == 0:
        raise fail("RG701", "No pair of units can be compared: there is no event before a later time.")
    c = float((after.won_first.sum() + gone.won_first.sum()) / total)
    once = gone.won_first - c * gone.all_first
    as_first = after.won_first - c * after.all_first
    as_gone = gone.won_later - c * gone.all_later
    influence = as_first + once + after.won_later - c * after.all_later + as_gone
    influence = influence + lost.carry(2 * as_first + once + as_gone)
    return Weighted(c, influence / total, float(time.max()) if tau is None else float(tau))


@dataclass(frozen=True)
class _Pairs:
    """Weight of the pairs that each unit is in, as first and as later, and of those won (ties in risk one half)."""

    won_first: Floats
    all_first: Floats
    won_later: Floats
    all_later: Floats


def _places(time: Floats, late: Bools | Ints) -> Ints:
    """Places in time, of equal times the late ones after the others."""
    _, place = np.unique(np.column_stack([time, late]), axis=0, return_inverse=True)
    return place.reshape(-1).astype(np.int64)


def _directed(place: Ints, first: Bools, risk: Floats, weight: Floats, other: Floats) -> _Pairs:
    """Pairs of a first unit and one at a later place, weighing the product of ``weight`` and ``other``.

    The first wins with the higher risk.  O(n log² n), as Harrell's pairs are counted.
    """
    _, rank = np.unique(risk, return_inverse=True)
    by_rank = np.argsort(rank, kind="stable")
    won_first, all_first, won_later, all_later = (np.zeros(place.size) for _ in range(4))
    for bit in range(int(place.max()).bit_length()):
        block: Ints = place >> (bit + 1)
        order = by_rank[np.argsort(block[by_rank], kind="stable")]
        late = (place[order] >> bit) & 1
        less_l, same_l, all_l = around(block[order], rank[order], np.where(late == 1, other[order], 0.0))
        starts = first[order] & (late == 0)
        less_e, same_e, all_e = around(block[order], rank[order], np.where(starts, weight[order], 0.0))
        ends = late == 1
        own, theirs = weight[order], other[order]
        won_first[order] += np.where(starts, own * (less_l + same_l / 2), 0)
        all_first[order] += np.where(starts, own * all_l, 0)
        won_later[order] += np.where(ends, theirs * (all_e - less_e - same_e / 2), 0)
        all_later[order] += np.where(ends, theirs * all_e, 0)
    return _Pairs(won_first, all_first, won_later, all_later)
