"""Cox's partial likelihood with Efron's rule for ties, its gradient and information."""

from __future__ import annotations

import numpy as np

from radiogen.stats._newton import Objective
from radiogen.stats._validate import Bools, Floats

_SMALLEST = 1e-290


def efron(time: Floats, event: Bools, x: Floats) -> Objective:
    """The log partial likelihood as a function of the coefficients.

    Parameters
    ----------
    time : ndarray, shape (n,)
        Times; equal times are ties.
    event : ndarray of bool, shape (n,)
        Events.
    x : ndarray, shape (n, p)
        Covariates, centred and scaled.

    Notes
    -----
    With d events at one time the l-th of them (l = 0, …, d - 1) is compared with the risk set less
    l/d of the weight of those d.  Sums over risk sets are cumulative sums from the last time back,
    so one evaluation is O(n p + events p²).
    """
    order = np.lexsort((~event, time))
    x, event = x[order], event[order]
    times, first, position = np.unique(time[order], return_index=True, return_inverse=True)
    rows = np.flatnonzero(event)
    at = position[rows]
    new = np.r_[True, np.diff(at) != 0]
    starts = np.flatnonzero(new)
    which = np.cumsum(new) - 1
    tied = np.diff(np.r_[starts, rows.size])
    fraction = (np.arange(rows.size) - starts[which]) / tied[which]
    observed = x[rows].sum(axis=0)

    def objective(beta: Floats) -> tuple[float, Floats, Floats]:
        eta = x @ beta
        eta = eta - eta.max()
        weight = np.exp(eta)
        weighted = weight[:, None] * x
        # event times only: the risk set begins with the first unit of that time
        begin = first[at]
        risk = _from_back(weight)[begin] - fraction * np.add.reduceat(weight[rows], starts)[which]
        # a step so far out that a risk set has lost its weight to underflow is no candidate
        if not (risk > _SMALLEST).all():
            return -np.inf, observed, np.full((x.shape[1],) * 2, np.nan)
        tied_part = np.add.reduceat(weighted[rows], starts)[which]
        sums = _from_back(weighted)[begin] - fraction[:, None] * tied_part
        means = sums / risk[:, None]
        loglik = float(eta[rows].sum() - np.log(risk).sum())
        # how often each unit's own x xᵀ enters: in every risk set before its time, less the tied part
        in_sets = np.cumsum(np.bincount(at, weights=1 / risk, minlength=times.size))[position]
        own = np.bincount(at, weights=fraction / risk, minlength=times.size)[position]
        share = weight * (in_sets - np.where(event, own, 0.0))
        information = x.T @ (share[:, None] * x) - means.T @ means
        return loglik, observed - means.sum(axis=0), information

    return objective


def _from_back(values: Floats) -> Floats:
    return np.asarray(np.cumsum(values[::-1], axis=0)[::-1])
