"""Cox's score test for thousands of columns one by one."""

from __future__ import annotations

import numpy as np

from radiogen.features.selection.target import Bools, Floats


def cox_score(x: Floats, time: Floats, event: Bools) -> Floats:
    """Score statistic of each column in a Cox model of its own, Efron's rule for ties; chi-squared with one degree.

    Parameters
    ----------
    x : ndarray, shape (n, p)
    time : ndarray, shape (n,)
    event : ndarray of bool, shape (n,)

    Returns
    -------
    ndarray, shape (p,)
        0 for a column that does not vary in any risk set.
    """
    order = np.argsort(time, kind="stable")
    x, time, event = x[order] - x.mean(axis=0), time[order], event[order]
    first, sums = np.zeros(x.shape[1]), np.zeros(x.shape[1])
    gradient = np.zeros(x.shape[1])
    information = np.zeros(x.shape[1])
    last = len(time)
    number = 0
    for start in np.unique(time, return_index=True)[1][::-1]:
        block = x[start:last]
        number += last - start
        last = start
        first = first + block.sum(axis=0)
        sums = sums + (block**2).sum(axis=0)
        tied = block[event[start : start + len(block)]]
        d = len(tied)
        if not d:
            continue
        tied_first, tied_sums = tied.sum(axis=0), (tied**2).sum(axis=0)
        gradient += tied_first
        for share in np.arange(d) / d:
            weight = number - share * d
            mean = (first - share * tied_first) / weight
            gradient -= mean
            information += np.maximum((sums - share * tied_sums) / weight - mean**2, 0.0)
    known = information > 1e-12 * np.maximum((x**2).sum(axis=0), np.finfo(float).tiny)
    return np.asarray(np.where(known, gradient**2 / np.where(known, information, 1.0), 0.0))
