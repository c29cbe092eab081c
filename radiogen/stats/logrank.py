"""The log-rank test of two or more groups: weighted, stratified, for trend, and between pairs of groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import chi2

from radiogen.errors import fail
from radiogen.stats._validate import Bools, Floats, Ints, choice, groups, number, same_length, survival, word
from radiogen.stats.multiplicity import fdr
from radiogen.stats.result import StatResult

_WEIGHTS = ("log-rank", "gehan", "tarone-ware", "peto", "fleming-harrington")
_ADJUST = ("holm", "bh", "bonferroni", "none")


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class LogRankResult(StatResult):
    """A log-rank test with its table.

    Parameters
    ----------
    table : DataFrame
        ``group``, ``n``, ``observed`` and ``expected`` events of each group (weighted in a weighted test).
    pairs : DataFrame
        With ``pairwise``: ``group_1``, ``group_2``, ``statistic``, ``p`` and ``p_adjusted`` of each pair.
    """

    table: pd.DataFrame = field(default_factory=pd.DataFrame)
    pairs: pd.DataFrame = field(default_factory=pd.DataFrame)

    def _repr_html_(self) -> str:
        parts = [super()._repr_html_(), self.table.to_html(index=False, escape=True)]
        return "\n".join(parts if self.pairs.empty else [*parts, self.pairs.to_html(index=False, escape=True)])


def log_rank_test(
    time: ArrayLike,
    event: ArrayLike,
    group: Sequence[Any] | ArrayLike,
    weight: str = "log-rank",
    rho: float = 0.0,
    gamma: float = 0.0,
    strata: Sequence[Any] | ArrayLike | None = None,
    trend: bool | ArrayLike = False,
    pairwise: str | None = None,
) -> LogRankResult:
    """Test that the survival of all groups is the same, as R's ``survdiff``.

    Parameters
    ----------
    time : array-like of float, shape (n,)
        Positive follow-up times.
    event : array-like of 0/1, shape (n,)
        1 where the event was seen, 0 where the time is censored.
    group : array-like, shape (n,)
        Group of each unit; at least two groups.
    weight : {"log-rank", "gehan", "tarone-ware", "peto", "fleming-harrington"}, default "log-rank"
        Weight of each event time: 1; n at risk; its root; the survival Π(1 - d / (n + 1)) of Peto and
        Peto; or S(t-)^rho (1 - S(t-))^gamma with the Kaplan-Meier estimate S of all groups together.
        The weight must be chosen before the curves are seen.
    rho, gamma : float, default 0
        Powers of Fleming and Harrington: rho = 1 stresses early differences (R's ``survdiff(rho = 1)``),
        gamma = 1 late ones.  Given without ``weight`` they choose it.
    strata : array-like, shape (n,), optional
        Observed less expected and variances are summed over strata; groups are compared within them.
    trend : bool or array-like of float, default False
        True tests a trend over the groups in their order with scores 1, 2, …; numbers are the scores of
        the groups, in order.  One degree of freedom.
    pairwise : {"holm", "bh", "bonferroni", "none"}, optional
        Also test each pair of groups, with this adjustment of the p-values, in ``pairs``.

    Returns
    -------
    LogRankResult
        ``statistic`` is chi-squared with ``df`` groups - 1, or 1 for trend (a group that is never at risk
        at an event does not count); ``table`` has n, observed and expected events.

    Raises
    ------
    RadiogenError
        RG402, RG403, RG705 for unusable arrays; RG701 for one group, no event, or groups that are
        never at risk together; RG708 for an unknown option.

    Notes
    -----
    Tied events get the hypergeometric variance.  At tied times events come before censorings.  Survival
    weights are those of each stratum.

    References
    ----------
    Mantel, Cancer Chemother Rep 1966;50:163.  Peto and Peto, JRSS A 1972;135:185,
    doi 10.2307/2344317.  Fleming and Harrington, Commun Stat 1981;10:763, doi 10.1080/03610928108828073.
    Tarone and Ware, Biometrika 1977;64:156, doi 10.1093/biomet/64.1.156.  Holm, Scand J Stat 1979;6:65.

    Examples
    --------
    >>> r = log_rank_test([1, 2, 3, 4], [1, 1, 1, 1], ["a", "a", "b", "b"])
    >>> round(r.statistic, 4), r.df
    (2.8824, 1.0)
    """
    choice(weight, "weight", _WEIGHTS)
    for name, power in (("rho", rho), ("gamma", gamma)):
        if not np.isfinite(power) or power < 0:
            raise fail("RG708", f"`{name}` must be 0 or more.", value=power)
    if weight not in ("log-rank", "fleming-harrington") and (rho or gamma):
        raise fail("RG708", "`rho` and `gamma` belong to the weights of Fleming and Harrington.", value=weight)
    t, e = survival(time, event)
    codes, names = groups(group)
    by = np.zeros(t.size, dtype=np.int64) if strata is None else groups(strata, "strata")[0]
    same_length(time=t, group=codes, strata=by)
    if len(names) < 2:
        raise fail("RG701", f"A log-rank test needs two groups; all units are in '{names[0]}'.")
    if not e.any():
        raise fail("RG701", "A log-rank test needs events; all times are censored.")
    kind = "fleming-harrington" if rho or gamma else weight
    observed, expected, variance = _all_strata(t, e, codes, by, len(names), (kind, rho, gamma))
    statistic, df, scored = _statistic(observed, expected, variance, _scores(trend, len(names)))
    table = pd.DataFrame({"group": names, "n": np.bincount(codes), "observed": observed, "expected": expected})
    words = {"fleming-harrington": f"Fleming-Harrington (rho {rho:g}, gamma {gamma:g}) weighted log-rank test",
             "gehan": "Gehan-Wilcoxon test", "tarone-ware": "Tarone-Ware test", "peto": "Peto-Peto test"}
    extra = ["trend" if scored else "", "stratified" if strata is not None else "", "hypergeometric variance at ties"]
    return LogRankResult(
        method=", ".join([words.get(kind, "log-rank test"), *filter(None, extra)]),
        statistic=statistic,
        df=df,
        p=float(chi2.sf(statistic, df)),
        n=t.size,
        events=int(e.sum()),
        table=table.astype({"observed": np.int64}) if kind == "log-rank" else table,
        pairs=pd.DataFrame() if pairwise is None else _pairs(t, e, codes, by, names, (kind, rho, gamma), pairwise),
    )


def _scores(trend: bool | ArrayLike, k: int) -> Floats | None:
    if isinstance(trend, bool | np.bool_):
        return np.arange(1.0, k + 1) if trend else None
    scores = number(trend, "trend")
    if scores.size != k:
        raise fail("RG705", f"`trend` must have one score for each of the {k} groups.", value=scores.size)
    if np.ptp(scores) == 0:
        raise fail("RG705", "`trend` has the same score for all groups.")
    return scores


def _statistic(observed: Floats, expected: Floats, variance: Floats, scores: Floats | None) -> tuple[float, float, bool]:
    """Chi-squared, its degrees of freedom and whether it is of a trend."""
    gap = observed - expected
    if scores is not None:
        spread = float(scores @ variance @ scores)
        if spread <= 1e-12 * float(np.sum(scores**2)) * max(1.0, float(np.trace(variance))):
            raise fail("RG701", "The groups are never at risk at the same event time and cannot be compared.")
        return float((scores @ gap) ** 2 / spread), 1.0, True
    used = np.diag(variance) > 0
    part = gap[used][1:]
    matrix = variance[np.ix_(used, used)][1:, 1:]
    if part.size == 0 or np.linalg.matrix_rank(matrix) < part.size:
        raise fail("RG701", "Some groups are never at risk at the same event time and cannot be compared.")
    return float(part @ np.linalg.solve(matrix, part)), float(part.size), False


def _pairs(
    time: Floats, event: Bools, codes: Ints, by: Ints, names: list[Any], kind: tuple[str, float, float], adjust: str
) -> pd.DataFrame:
    """Each pair of groups on its own units; a pair that cannot be compared has no numbers and a note."""
    choice(adjust, "pairwise", _ADJUST)
    rows: list[dict[str, Any]] = []
    for a, b in combinations(range(len(names)), 2):
        use = (codes == a) | (codes == b)
        row: dict[str, Any] = {"group_1": word(names[a]), "group_2": word(names[b])}
        own = (codes[use] == b).astype(np.int64)
        moments = _all_strata(time[use], event[use], own, by[use], 2, kind)
        if moments[2][0, 0] > 0:
            statistic = _statistic(*moments, None)[0]
            rows.append({**row, "statistic": statistic, "p": float(chi2.sf(statistic, 1)), "note": ""})
        else:
            rows.append({**row, "statistic": np.nan, "p": np.nan, "note": "no event while both are at risk"})
    frame = pd.DataFrame(rows)
    frame.insert(4, "p_adjusted", _adjusted(frame["p"].to_numpy(), adjust))
    return frame


def _adjusted(p: Floats, adjust: str) -> Floats:
    if adjust == "bh":
        return fdr(p, "bh")
    out = p.copy()
    known = np.flatnonzero(~np.isnan(p))
    if adjust == "bonferroni":
        out[known] = np.minimum(1.0, p[known] * known.size)
    elif adjust == "holm":
        order = known[np.argsort(p[known], kind="stable")]
        out[order] = np.minimum(1.0, np.maximum.accumulate(p[order] * np.arange(known.size, 0, -1)))
    return out


def _all_strata(
    time: Floats, event: Bools, codes: Ints, by: Ints, k: int, kind: tuple[str, float, float]
) -> tuple[Floats, Floats, Floats]:
    parts = [_moments(time[by == s], event[by == s], codes[by == s], k, kind) for s in np.unique(by)]
    observed, expected, variance = (np.sum([p[i] for p in parts], axis=0) for i in range(3))
    return observed, expected, variance


def _moments(
    time: Floats, event: Bools, codes: Ints, k: int, kind: tuple[str, float, float]
) -> tuple[Floats, Floats, Floats]:
    """Weighted observed and expected events per group and the covariance of their difference."""
    times, position = np.unique(time, return_inverse=True)
    counts = np.zeros((times.size, k))
    np.add.at(counts, (position, codes), 1.0)
    deaths = np.zeros((times.size, k))
    np.add.at(deaths, (position[event], codes[event]), 1.0)
    at_risk = np.cumsum(counts[::-1], axis=0)[::-1]
    here = deaths.sum(axis=1) > 0
    n_group, died = at_risk[here], deaths[here]
    n, d = n_group.sum(axis=1), died.sum(axis=1)
    w = _event_weights(n, d, *kind)
    share = n_group / n[:, None]
    # with one unit at risk the variance is 0, and its formula 0/0
    factor = w**2 * np.where(n > 1, d * (n - d) / np.maximum(n - 1, 1), 0.0)
    variance = np.diag(factor @ share) - (share * factor[:, None]).T @ share
    return w @ died, (share * (w * d)[:, None]).sum(axis=0), variance


def _event_weights(n: Floats, d: Floats, kind: str, rho: float, gamma: float) -> Floats:
    if kind == "gehan":
        return n
    if kind == "tarone-ware":
        return np.asarray(np.sqrt(n))
    if kind == "peto":
        return np.asarray(np.cumprod(1 - d / (n + 1)), dtype=float)
    if kind == "fleming-harrington":
        before = np.r_[1.0, np.cumprod(1 - d / n)[:-1]]
        return np.asarray(before**rho * (1 - before) ** gamma)
    return np.ones(n.size)
