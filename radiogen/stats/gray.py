"""Gray's test of cumulative incidence between groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import chi2

from radiogen.errors import fail
from radiogen.stats._censoring import status_times
from radiogen.stats._validate import EVENTS_FIRST, Floats, Ints, groups, same_length, word
from radiogen.stats.result import StatResult

#: a covariance matrix with a smaller share of its largest eigenvalue is singular
_SINGULAR = 1e-10
#: a variance of events below this times the above is rounding
_ROUNDED = 1e-4


def gray_test(
    time: ArrayLike,
    status: ArrayLike,
    group: Sequence[Any] | ArrayLike,
    strata: Sequence[Any] | ArrayLike | None = None,
    rho: float = 0.0,
) -> StatResult:
    """Test whether groups differ in the cumulative incidence of each cause.

    Parameters
    ----------
    time : array-like of float, shape (n,)
        Positive follow-up times.
    status : array-like of int, shape (n,)
        0 censored; 1, 2, … the event that came first.
    group : array-like, shape (n,)
        Group of each unit; at least two groups.
    strata : array-like, shape (n,), optional
        Strata: groups are compared within each and the differences added up.
    rho : float, default 0
        Weight (1 - incidence before)^rho; 0 weighs all times alike, above 0 the early ones.

    Returns
    -------
    StatResult
        One row per cause that occurs (``label`` "cause 1", …): ``statistic``, ``df`` (groups less one) and ``p``;
        ``events`` counts the cause.  A cause that cannot be tested has no numbers and a note (RG707) that says so.
        ``result["scores"]`` holds one array per cause: observed less expected of
        each group but the last.

    Raises
    ------
    RadiogenError
        RG402, RG403, RG705 for unusable arrays; RG701 with fewer than two groups or all censored; RG704 where
        no cause can be tested (a group has left before the first event); RG708 for ``rho``.

    Notes
    -----
    The hypothesis is that the subdistribution hazards of the cause are the same in all groups; the other causes may
    differ.  A unit with a competing event stays in the risk set, as estimated from each group's own incidence.  Events
    come before censorings at a tied time; the variance has the correction for ties of R's ``cmprsk``.

    References
    ----------
    Gray, Ann Stat 1988;16:1141, doi 10.1214/aos/1176350951.

    Examples
    --------
    >>> time, status = [1, 2, 3, 4, 5, 6, 7, 8], [1, 1, 2, 1, 0, 2, 1, 0]
    >>> r = gray_test(time, status, list("aaaabbbb"))
    >>> r.label
    ['cause 1', 'cause 2']
    >>> r.statistic.round(4).tolist()
    [3.774, 0.9172]
    """
    t, s = status_times(time, status, "status")
    codes, names = groups(group)
    layers, _ = (np.zeros(t.size, dtype=np.int64), ["all"]) if strata is None else groups(strata, "strata")
    same_length(time=t, group=codes, strata=layers)
    if isinstance(rho, bool) or not isinstance(rho, int | float) or not np.isfinite(rho):
        raise fail("RG708", "`rho` must be a finite number.", value=rho)
    if len(names) < 2:
        raise fail("RG701", "A comparison needs at least two groups.", value=word(names[0]))
    causes = [int(c) for c in np.unique(s) if c > 0]
    if not causes:
        raise fail("RG701", "All times are censored; there is no incidence to compare.")
    statistics, scores, notes = [], [], []
    for cause in causes:
        kind = np.where(s == cause, 1, np.where(s > 0, 2, 0))
        parts = [_score(t[layers == k], kind[layers == k], codes[layers == k], len(names), rho) for k in np.unique(layers)]
        score, variance = np.sum([p[0] for p in parts], axis=0)[:-1], np.sum([p[1] for p in parts], axis=0)[:-1, :-1]
        scores.append(score)
        statistics.append(_statistic(score, variance))
        if np.isnan(statistics[-1]):
            notes.append(f"RG707: cause {cause} cannot be tested: its differences between the groups have no variance.")
    if len(notes) == len(causes):
        message = "The groups cannot be compared: at no cause's events do more than one of them have enough at risk."
        raise fail("RG704", message, value=", ".join(word(n) for n in names))
    statistic, df = np.array(statistics), len(names) - 1
    return StatResult(
        method=f"Gray's test, {EVENTS_FIRST}{f', rho = {rho:g}' if rho else ''}{', stratified' if strata is not None else ''}",
        statistic=statistic, df=np.full(statistic.size, float(df)), p=chi2.sf(statistic, df), n=t.size,
        events=np.array([int((s == c).sum()) for c in causes]), label=[f"cause {c}" for c in causes], notes=tuple(notes),
        extra={"scores": scores, "groups": tuple(map(word, names))},
    )  # fmt: skip


def _statistic(score: Floats, variance: Floats) -> float:
    """Score over variance, or NaN where the variance is singular."""
    roots = np.linalg.eigvalsh(variance) if np.isfinite(variance).all() else np.zeros(1)
    if roots[0] <= _SINGULAR * max(roots[-1], _ROUNDED):
        return float("nan")
    return float(score @ np.linalg.solve(variance, score))


def _score(time: Floats, kind: Ints, codes: Ints, size: int, rho: float) -> tuple[Floats, Floats]:
    """Observed less expected events of each group, and their covariance, in one stratum.

    ``kind`` is 0 censored, 1 the cause, 2 another cause.  With r at risk and S the Kaplan-Meier estimate of being free of
    any event, r / S estimates who would be at risk without competing events being taken out.
    """
    times = np.unique(time[kind > 0])
    if not times.size or not (kind == 1).any():
        return np.zeros(size), np.zeros((size, size))
    own, other, risk = (np.zeros((times.size, size)) for _ in range(3))
    for code in range(size):
        mine = codes == code
        for target, what in ((own, 1), (other, 2)):
            target[:, code] = np.bincount(np.searchsorted(times, time[mine & (kind == what)]), minlength=times.size)
        risk[:, code] = mine.sum() - np.searchsorted(np.sort(time[mine]), times, side="left")
    at_risk = risk > 0
    safe = np.where(at_risk, risk, 1.0)
    after = np.cumprod(np.where(at_risk, 1 - (own + other) / safe, 1.0), axis=0)
    before = np.concatenate([np.ones((1, size)), after[:-1]])
    steps = np.where(at_risk, before * own / safe, 0.0)
    incidence_before = np.cumsum(steps, axis=0) - steps
    free = np.where(at_risk, before, 1.0)
    open_ = np.where(at_risk, risk / free, 0.0)
    total, exposed = open_.sum(axis=1), open_ * (1 - incidence_before)
    count = own.sum(axis=1)
    pooled = np.cumsum(count / total)
    pooled_before = pooled - count / total
    # the pooled estimate may pass 1 by a rounding error, or in a tiny sample
    weight = np.maximum(1 - pooled_before, 0.0) ** rho
    score = (weight[:, None] * (own - count[:, None] * exposed / exposed.sum(axis=1, keepdims=True))).sum(axis=0)
    a = -weight[:, None, None] * open_[:, :, None] * open_[:, None, :] / total[:, None, None]
    a[:, np.arange(size), np.arange(size)] += weight[:, None] * open_
    with np.errstate(divide="ignore", invalid="ignore"):
        # nobody left in the pooled estimate gives no finite covariance, which the caller refuses
        c = np.cumsum(a * (count / (total * (1 - pooled_before)))[:, None, None], axis=0)
    left = c[-1] - c
    ratio = np.where(after > 0, (1 - pooled)[:, None] / np.where(after > 0, after, 1.0), 0.0)
    spread = _ties(np.broadcast_to(count[:, None], risk.shape), total[:, None] * free)
    first = np.where(at_risk, spread * free * count[:, None] / (total[:, None] * safe), 0.0)
    # once nobody of a group is free of an event, its own estimate moves no more
    with np.errstate(invalid="ignore"):
        move = a + np.where(after > 0, 1 - ratio, 1.0)[:, None, :] * left
        variance = np.einsum("tik,tjk,tk->ij", move, move, first)
        second = np.where((after > 0) & (other > 0), _ties(other, risk) * before**2 * other / safe**2, 0.0)
        move = ratio[:, None, :] * left
        return score, np.asarray(variance + np.einsum("tik,tjk,tk->ij", move, move, second))


def _ties(count: Floats, risk: Floats) -> Floats:
    """The part of the variance that ties leave."""
    share = np.divide(count - 1, risk - 1, out=np.zeros(risk.shape), where=(count > 1) & (risk > 1))
    return np.asarray(1 - share)
