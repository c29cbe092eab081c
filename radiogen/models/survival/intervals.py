"""Follow-up cut into intervals: where an event or a censoring falls, and curves read between cuts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from radiogen.stats._validate import Floats, Ints


def cut_points(time: Floats, event: Ints, count: int) -> Floats:
    """Ends of intervals with about equally many events each; the last one is the longest follow-up.

    Parameters
    ----------
    time : ndarray, shape (n,)
    event : ndarray of int, shape (n,)
        Any cause counts.
    count : int
        At most so many intervals; fewer where events share times.

    Returns
    -------
    ndarray, shape (K,)
        Rising, above 0.

    Examples
    --------
    >>> cut_points(np.array([1.0, 2.0, 3.0, 4.0, 9.0]), np.array([1, 1, 2, 1, 0]), 2).tolist()
    [2.0, 9.0]
    """
    dead = np.sort(time[event > 0])
    # the smallest time by which a share of k / count of the events has come
    ranks = np.ceil(dead.size * np.arange(1, count) / count).astype(int) - 1
    inner = dead[np.maximum(ranks, 0)]
    last = time.max()
    kept = np.unique(inner[(inner > 0) & (inner < last)])
    return np.asarray(np.r_[kept, last if last > 0 else 1.0])


def to_intervals(time: Floats, event: Ints, cuts: Floats) -> Ints:
    """Intervals that each unit is known to have survived; for an event, the number of the interval it fell into.

    Parameters
    ----------
    time : ndarray, shape (n,)
    event : ndarray of int, shape (n,)
    cuts : ndarray, shape (K,)
        Ends of the intervals; interval k reaches from above ``cuts[k - 1]`` to ``cuts[k]``, the first one from 0.

    Returns
    -------
    ndarray of int, shape (n,)

    Notes
    -----
    A unit censored in the second half of an interval counts as having survived it, one censored in the first half does not
    (Gensheimer and Narasimhan 2019).

    Examples
    --------
    >>> to_intervals(np.array([1.0, 2.0, 4.0, 6.0, 9.0]), np.array([1, 1, 0, 0, 0]), np.array([2.0, 9.0])).tolist()
    [0, 0, 1, 2, 2]
    """
    within = np.minimum(np.searchsorted(cuts, time, side="left"), cuts.size - 1)
    edges = np.r_[0.0, cuts]
    middle = (edges[within] + edges[within + 1]) / 2
    return np.where(event > 0, within, within + (time >= middle)).astype(np.int64)


def between_cuts(values: NDArray[np.float64], first: float, cuts: Floats, at: Floats) -> Floats:
    """Straight lines between the values at the cuts; the last value is carried on.

    Parameters
    ----------
    values : ndarray, shape (n, K)
        At the cuts.
    first : float
        At time 0.
    cuts : ndarray, shape (K,)
    at : ndarray, shape (T,)

    Returns
    -------
    ndarray, shape (n, T)
    """
    edges = np.r_[0.0, cuts]
    whole = np.concatenate([np.full((len(values), 1), first), values], axis=1)
    inside = np.minimum(at, cuts[-1])
    right = np.clip(np.searchsorted(edges, inside, side="left"), 1, cuts.size)
    share = (inside - edges[right - 1]) / (edges[right] - edges[right - 1])
    return np.asarray(whole[:, right - 1] * (1.0 - share) + whole[:, right] * share)
