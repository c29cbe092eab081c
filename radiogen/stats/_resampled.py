"""Statistics of many resamples at once, from counts of the units (resamples × units)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from radiogen.errors import fail
from radiogen.stats._validate import Bools, Floats, binary, number, same_length, survival
from radiogen.stats.harrell import count_pairs

#: counts (resamples × units) -> one value per resample, NaN where it has none
Weighted = Callable[[Floats], Floats]
#: pairs of so many units still fit into memory as a matrix
_MATRIX = 5000


def auc_of_counts(y: Any, score: Any) -> Weighted:
    """The AUC of resamples: one sort for all of them."""
    values = number(score, "score")
    same_length(y=number(y, "y"), score=values)
    positive = binary(y)
    order = np.argsort(values, kind="stable")
    first = np.flatnonzero(np.r_[True, np.diff(values[order]) != 0])
    cases, controls = order[positive[order]], order[~positive[order]]
    # with the controls below each case, and those tied with it
    at_case, at_control = (np.searchsorted(values[order][first], values[side]) for side in (cases, controls))
    starts = np.searchsorted(at_control, np.arange(first.size))
    stops = np.r_[starts[1:], controls.size]

    def statistic(w: Floats) -> Floats:
        below = np.zeros((w.shape[0], controls.size + 1))
        np.cumsum(w[:, controls], axis=1, out=below[:, 1:])
        own = w[:, cases]
        wins = (own * (below[:, starts[at_case]] + below[:, stops[at_case]])).sum(axis=1) / 2
        pairs = own.sum(axis=1) * below[:, -1]
        return np.divide(wins, pairs, out=np.full(len(w), np.nan), where=pairs > 0)

    return statistic


def concordance_of_counts(time: Any, event: Any, risk: Any) -> Weighted:
    """Harrell's C of resamples: one matrix of pairs for all of them."""
    t, e = survival(time, event)
    r = number(risk, "risk")
    same_length(time=t, risk=r)
    count_pairs(t, e, r)
    if t.size > _MATRIX:
        return _one_by_one(t, e, r)
    _, place = np.unique(np.column_stack([t, ~e]), axis=0, return_inverse=True)
    place = place.reshape(-1)
    # small whole numbers and halves are exact in single precision, so that the order of summation changes nothing
    usable = (e[:, None] & (place[:, None] < place[None, :])).astype(np.float32)
    won = usable * ((r[:, None] > r[None, :]) + np.float32(0.5) * (r[:, None] == r[None, :])).astype(np.float32)

    def statistic(w: Floats) -> Floats:
        single = w.astype(np.float32)
        pairs = np.einsum("bj,bj->b", single @ usable, w)
        wins = np.einsum("bj,bj->b", single @ won, w)
        return np.divide(wins, pairs, out=np.full(len(w), np.nan), where=pairs > 0)

    return statistic


def _one_by_one(time: Floats, event: Bools, risk: Floats) -> Weighted:
    def one(row: Floats) -> float:
        rows = np.repeat(np.arange(row.size), row.astype(np.int64))
        if not event[rows].any():
            return float("nan")
        return count_pairs(time[rows], event[rows], risk[rows]).estimate

    return lambda w: np.array([one(row) for row in w])


NAMED: dict[str, tuple[Callable[..., Weighted], tuple[str, ...]]] = {
    "auc": (auc_of_counts, ("y", "score")),
    "concordance": (concordance_of_counts, ("time", "event", "risk")),
}


def named(name: str, data: Any) -> Weighted:
    """A statistic that is known by name, for its arrays."""
    if name not in NAMED:
        raise fail("RG708", f"`statistic` must be a function or one of {', '.join(NAMED)}.", value=name)
    make, needed = NAMED[name]
    if not isinstance(data, tuple | list) or len(data) != len(needed):
        raise fail("RG705", f"For `statistic=\"{name}\"` the data are a tuple ({', '.join(needed)}).")
    return make(*data)
