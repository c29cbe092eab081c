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


def uno_concordance(time: Floats, event: Bools, risk: Floats, tau: float | None = None) -> Weighted:
    """Concordance of pairs whose first event lies before ``tau``, each weighted by 1 / G(T-)².

    Parameters
    ----------
    time, event, risk : ndarray, shape (n,)
        Checked times, events and risks.
    tau : float, optional
        Pairs whose first event is at ``tau`` or later are left out.  Without it all count.

    Notes
    -----
    C is a ratio of two V-statistics.  The influence has three parts: the unit as the earlier of a pair,
    as the later, and through the estimated distribution of the censoring, which enters squared.

    Examples
    --------
    >>> t, e = np.array([1.0, 2.0, 3.0, 4.0]), np.array([True, True, False, True])
    >>> round(uno_concordance(t, e, np.array([4.0, 1.0, 3.0, 2.0])).estimate, 3)
    0.6
    """
    first = event if tau is None else event & (time < tau)
    if not first.any():
        raise fail("RG701", "No event lies before `tau`." if tau is not None else "There is no event.", value=tau)
    lost = censoring(time, event.astype(np.int64))
    weight = np.where(first, 1 / lost.before() ** 2, 0.0)
    lower, tied, later, higher, equal, earlier = _directed(time, event, first, risk, weight)
    total = float(np.sum(weight * later))
    if total == 0:
        raise fail("RG701", "No pair of units can be compared: there is no event before a later time.")
    c = float(np.sum(weight * (lower + tied / 2)) / total)
    as_first = weight * (lower + tied / 2 - c * later)
    as_later = higher + equal / 2 - c * earlier
    influence = as_first + as_later + lost.carry(2 * as_first)
    return Weighted(c, influence / total, float(time.max()) if tau is None else float(tau))


def _directed(
    time: Floats, event: Bools, first: Bools, risk: Floats, weight: Floats
) -> tuple[Floats, Floats, Floats, Floats, Floats, Floats]:
    """Of each event before tau the later units with lower risk, equal risk and all; of each unit the weights
    of such events before it with higher risk, equal risk and all.  O(n log² n), as Harrell's pairs are counted."""
    _, place = np.unique(np.column_stack([time, ~event]), axis=0, return_inverse=True)
    place = place.reshape(-1).astype(np.int64)
    _, rank = np.unique(risk, return_inverse=True)
    by_rank = np.argsort(rank, kind="stable")
    lower, tied, later, higher, equal, earlier = (np.zeros(time.size) for _ in range(6))
    for bit in range(int(place.max()).bit_length()):
        block: Ints = place >> (bit + 1)
        order = by_rank[np.argsort(block[by_rank], kind="stable")]
        late = (place[order] >> bit) & 1
        less_l, same_l, all_l = around(block[order], rank[order], late)
        starts = first[order] & (late == 0)
        less_e, same_e, all_e = around(block[order], rank[order], np.where(starts, weight[order], 0.0))
        ends = late == 1
        lower[order] += np.where(starts, less_l, 0)
        tied[order] += np.where(starts, same_l, 0)
        later[order] += np.where(starts, all_l, 0)
        higher[order] += np.where(ends, all_e - less_e - same_e, 0)
        equal[order] += np.where(ends, same_e, 0)
        earlier[order] += np.where(ends, all_e, 0)
    return lower, tied, later, higher, equal, earlier
