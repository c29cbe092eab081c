"""The log-rank test of two or more groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import chi2

from radiogen.errors import fail
from radiogen.stats._validate import Bools, Floats, Ints, groups, same_length, survival
from radiogen.stats.result import StatResult


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class LogRankResult(StatResult):
    """A log-rank test with its table.

    Parameters
    ----------
    table : DataFrame
        ``group``, ``n``, ``observed`` and ``expected`` events of each group.
    """

    table: pd.DataFrame = field(default_factory=pd.DataFrame)

    def _repr_html_(self) -> str:
        return super()._repr_html_() + "\n" + self.table.to_html(index=False, escape=True)


def log_rank_test(time: ArrayLike, event: ArrayLike, group: Sequence[Any] | ArrayLike) -> LogRankResult:
    """Test that the survival of all groups is the same, as R's ``survdiff``.

    Parameters
    ----------
    time : array-like of float, shape (n,)
        Positive follow-up times.
    event : array-like of 0/1, shape (n,)
        1 where the event was seen, 0 where the time is censored.
    group : array-like, shape (n,)
        Group of each unit; at least two groups.

    Returns
    -------
    LogRankResult
        ``statistic`` is chi-squared with ``df`` groups - 1 (a group that is never at risk at an
        event does not count); ``table`` has n, observed and expected events.

    Raises
    ------
    RadiogenError
        RG402, RG403, RG705 for unusable arrays; RG701 for one group, no event, or groups that are
        never at risk together.

    Notes
    -----
    Tied events get the hypergeometric variance.

    References
    ----------
    Mantel, Cancer Chemother Rep 1966;50:163.  Peto and Peto, JRSS A 1972;135:185,
    doi 10.2307/2344317.

    Examples
    --------
    >>> r = log_rank_test([1, 2, 3, 4], [1, 1, 1, 1], ["a", "a", "b", "b"])
    >>> round(r.statistic, 4), r.df
    (2.8824, 1.0)
    """
    t, e = survival(time, event)
    codes, names = groups(group)
    same_length(time=t, group=codes)
    if len(names) < 2:
        raise fail("RG701", f"A log-rank test needs two groups; all units are in '{names[0]}'.")
    if not e.any():
        raise fail("RG701", "A log-rank test needs events; all times are censored.")
    observed, expected, variance = _moments(t, e, codes, len(names))
    used = expected > 0
    gap = (observed - expected)[used][1:]
    matrix = variance[np.ix_(used, used)][1:, 1:]
    if gap.size == 0 or np.linalg.matrix_rank(matrix) < gap.size:
        raise fail("RG701", "Some groups are never at risk at the same event time and cannot be compared.")
    statistic = float(gap @ np.linalg.solve(matrix, gap))
    df = float(gap.size)
    sizes = np.bincount(codes)
    table = pd.DataFrame({"group": names, "n": sizes, "observed": observed, "expected": expected})
    return LogRankResult(
        method="log-rank test, hypergeometric variance at ties",
        statistic=statistic,
        df=df,
        p=float(chi2.sf(statistic, df)),
        n=t.size,
        events=int(e.sum()),
        table=table.astype({"observed": np.int64}),
    )


def _moments(time: Floats, event: Bools, codes: Ints, k: int) -> tuple[Floats, Floats, Floats]:
    """Observed and expected events per group and the covariance of their difference."""
    times, position = np.unique(time, return_inverse=True)
    counts = np.zeros((times.size, k))
    np.add.at(counts, (position, codes), 1.0)
    deaths = np.zeros((times.size, k))
    np.add.at(deaths, (position[event], codes[event]), 1.0)
    at_risk = np.cumsum(counts[::-1], axis=0)[::-1]
    here = deaths.sum(axis=1) > 0
    n_group, d = at_risk[here], deaths[here].sum(axis=1)
    n = n_group.sum(axis=1)
    share = n_group / n[:, None]
    # with one unit at risk the variance is 0, and its formula 0/0
    factor = np.where(n > 1, d * (n - d) / np.maximum(n - 1, 1), 0.0)
    variance = np.diag(factor @ share) - (share * factor[:, None]).T @ share
    return deaths.sum(axis=0), (share * d[:, None]).sum(axis=0), variance
