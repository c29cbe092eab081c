"""Reclassification and integrated discrimination at a horizon, from censored follow-up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from radiogen.errors import fail
from radiogen.stats._draws import check_draws, check_seed, chunks, cluster_codes, counts, percentile
from radiogen.stats._horizon import check_horizon, free_at, inverse_weights, probabilities, risk_at, statuses
from radiogen.stats._validate import Floats, Ints, choice, normal_quantile
from radiogen.stats.reclassify import ReclassificationResult, check_cuts, move_table, moves, rounding_note, wald
from radiogen.stats.result import StatResult

#: weights of the resamples (rows) and their measures, three for each row
_Measure = Callable[[Floats | None], Floats]
_LABELS = ("nri", "events", "nonevents")
_WORDS = {"kaplan_meier": "Kaplan-Meier in those who move (Pencina)", "ipcw": "inverse probability of censoring (Uno)"}


def net_reclassification_survival(
    time: ArrayLike,
    event: ArrayLike,
    p_old: ArrayLike,
    p_new: ArrayLike,
    horizon: float,
    cuts: ArrayLike | None = None,
    method: str = "kaplan_meier",
    level: float = 0.95,
    n_boot: int = 1000,
    seed: int = 0,
    cluster: ArrayLike | None = None,
) -> ReclassificationResult:
    """Net reclassification index for an event by a horizon, with censoring.

    Parameters
    ----------
    time : array-like of float, shape (n,)
        Positive follow-up times.
    event : array-like of 0/1, shape (n,)
        1 where the event was seen, 0 where the time is censored.
    p_old, p_new : array-like of float, shape (n,)
        Probabilities of the event by the horizon (not of survival).
    horizon : float
        Time in the unit of ``time``, inside the follow-up; an event exactly then counts.
    cuts : float or array-like of float, optional
        Limits of the classes of risk; without them the continuous index.
    method : {"kaplan_meier", "ipcw"}, default "kaplan_meier"
        How the events by the horizon are counted under censoring: by the Kaplan-Meier risks of those who move up, of
        those who move down and of all; or with weights of the inverse probability of censoring.  Both take censoring
        to be independent of the event, the first only within those who move up and those who move down.
    level : float, default 0.95
        Level of the percentile intervals, which are expanded for the size of the smaller class (Hesterberg).
    n_boot : int, default 1000
        Bootstrap resamples for standard error and interval.
    seed : int, default 0
        Seed of the bootstrap.
    cluster : array-like, shape (n,), optional
        Units with the same value (lesions of a patient) are drawn together.

    Returns
    -------
    ReclassificationResult
        Rows ``nri``, ``events``, ``nonevents`` as in :func:`radiogen.stats.net_reclassification`; z and p from the
        bootstrap standard error.  ``result["risk"]`` is the Kaplan-Meier risk of all by the horizon, ``["risk_up"]`` and
        ``["risk_down"]`` those of the units moved up and down (None where nobody moves so).

    Raises
    ------
    RadiogenError
        RG402, RG403, RG705 for unusable arrays; RG701 without an event by the horizon; RG708 for a horizon beyond the
        follow-up, cuts that do not increase, or an unknown method.

    References
    ----------
    Pencina, D'Agostino and Steyerberg, Stat Med 2011;30:11, doi 10.1002/sim.4085.  Uno et al., Stat Med 2013;32:2430,
    doi 10.1002/sim.5647.  Hesterberg (intervals), Am Stat 2015;69:371, doi 10.1080/00031305.2015.1089789.

    Examples
    --------
    >>> r = net_reclassification_survival([1, 2, 3, 4], [1, 1, 1, 0], [.5, .5, .5, .5], [.7, .8, .2, .3], 2.5)
    >>> r.estimate.tolist()
    [2.0, 1.0, 1.0]
    """
    choice(method, "method", tuple(_WORDS))
    t, status, _ = statuses(time, event, False)
    tau = check_horizon(t, status, horizon)
    old, new = probabilities(p_old, "p_old", t.size), probabilities(p_new, "p_new", t.size)
    limits = None if cuts is None else check_cuts(cuts)
    move = moves(old, new, limits)
    up, down = move > 0, move < 0
    measure = _kaplan_meier_nri(t, status, tau, move) if method == "kaplan_meier" else _ipcw_nri(t, status, tau, move)
    fields, notes = _bootstrap(measure, t.size, _smaller(t, status, tau), _LABELS, level, n_boot, seed, cluster)
    kind = "continuous" if limits is None else f"categorical (cuts {', '.join(f'{c:g}' for c in limits)})"
    short = [word for word, side in (("up", up), ("down", down)) if side.any() and t[side].max() < tau]
    if short and method == "kaplan_meier":
        notes += (f"The follow-up of those moved {' and '.join(short)} ends before the horizon; their last risk is carried on.",)
    return ReclassificationResult(
        method=f"net reclassification index by {tau:g}, {kind}, {_WORDS[method]}, {_drawn(n_boot, seed)}",
        **fields,
        n=t.size, events=int(((status == 1) & (t <= tau)).sum()), label=list(_LABELS), level=level,
        extra={
            "risk": float(risk_at(t, status, tau)[0]),
            "risk_up": float(risk_at(t[up], status[up], tau)[0]) if up.any() else None,
            "risk_down": float(risk_at(t[down], status[down], tau)[0]) if down.any() else None,
        },
        notes=(*notes, *rounding_note(old, new, limits)),
        table=move_table({"all": np.ones(t.size, dtype=bool)}, old, new, limits),
    )  # fmt: skip


def integrated_discrimination_survival(
    time: ArrayLike,
    event: ArrayLike,
    p_old: ArrayLike,
    p_new: ArrayLike,
    horizon: float,
    level: float = 0.95,
    n_boot: int = 1000,
    seed: int = 0,
    cluster: ArrayLike | None = None,
) -> StatResult:
    """Integrated discrimination improvement for an event by a horizon, with censoring.

    Parameters
    ----------
    time, event, p_old, p_new, horizon, level, n_boot, seed, cluster
        As in :func:`net_reclassification_survival`.

    Returns
    -------
    StatResult
        Rows ``idi``, ``events`` (mean rise among those with the event by the horizon) and ``nonevents`` (mean fall
        among the others).

    Raises
    ------
    RadiogenError
        As :func:`net_reclassification_survival`.

    Notes
    -----
    Means are weighted by the inverse probability of censoring, so that units censored before the horizon, whose
    outcome is not known, are represented by those still followed.

    References
    ----------
    Uno et al., Stat Med 2013;32:2430, doi 10.1002/sim.5647.

    Examples
    --------
    >>> r = integrated_discrimination_survival([1, 2, 3, 4], [1, 1, 1, 0], [.5, .5, .5, .5], [.7, .8, .2, .3], 2.5)
    >>> r.estimate.round(3).tolist()
    [0.5, 0.25, 0.25]
    """
    t, status, _ = statuses(time, event, False)
    tau = check_horizon(t, status, horizon)
    change = probabilities(p_new, "p_new", t.size) - probabilities(p_old, "p_old", t.size)
    labels = ("idi", *_LABELS[1:])
    measure, least = _weighted(t, status, tau, change), _smaller(t, status, tau)
    fields, notes = _bootstrap(measure, t.size, least, labels, level, n_boot, seed, cluster)
    return StatResult(
        method=f"integrated discrimination improvement by {tau:g}, {_WORDS['ipcw']}, {_drawn(n_boot, seed)}",
        **fields,
        n=t.size, events=int(((status == 1) & (t <= tau)).sum()), label=list(labels), level=level, notes=notes,
    )  # fmt: skip


def _drawn(n_boot: int, seed: int) -> str:
    return f"expanded percentile bootstrap of {n_boot} (seed {seed})"


def _smaller(time: Floats, status: Ints, tau: float) -> int:
    """Units known to be in the smaller of the two classes at the horizon, at least 2."""
    return max(2, min(int(((status == 1) & (time <= tau)).sum()), int(free_at(time, status, tau).sum())))


def _kaplan_meier_nri(time: Floats, status: Ints, tau: float, move: Ints) -> _Measure:
    sides = [np.flatnonzero(move > 0), np.flatnonzero(move < 0)]

    def measure(weights: Floats | None) -> Floats:
        w = np.ones((1, time.size)) if weights is None else weights
        everyone = risk_at(time, status, tau, w)
        share = [w[:, rows].sum(axis=1) / w.sum(axis=1) for rows in sides]
        risk = [risk_at(time[rows], status[rows], tau, w[:, rows]) if rows.size else np.zeros(len(w)) for rows in sides]
        with np.errstate(divide="ignore", invalid="ignore"):
            events = (risk[0] * share[0] - risk[1] * share[1]) / everyone
            nonevents = ((1 - risk[1]) * share[1] - (1 - risk[0]) * share[0]) / (1 - everyone)
        return np.column_stack([events + nonevents, events, nonevents])

    return measure


def _ipcw_nri(time: Floats, status: Ints, tau: float, move: Ints) -> _Measure:
    return _weighted(time, status, tau, move.astype(float))


def _weighted(time: Floats, status: Ints, tau: float, change: Floats) -> _Measure:
    """Weighted means of a change among events and of its opposite among non-events."""
    early, late = (status == 1) & (time <= tau), free_at(time, status, tau)

    def measure(weights: Floats | None) -> Floats:
        w = np.ones((1, time.size)) if weights is None else weights
        inverse = inverse_weights(time, status, tau, w) * w
        with np.errstate(divide="ignore", invalid="ignore"):
            events = inverse[:, early] @ change[early] / inverse[:, early].sum(axis=1)
            nonevents = -(inverse[:, late] @ change[late]) / inverse[:, late].sum(axis=1)
        return np.column_stack([events + nonevents, events, nonevents])

    return measure


def _bootstrap(
    measure: _Measure, n: int, least: int, labels: tuple[str, ...], level: float, n_boot: int, seed: int,
    cluster: ArrayLike | None,
) -> tuple[dict[str, Any], tuple[str, ...]]:  # fmt: skip
    """Estimate, standard error, percentile limits, z and p, and notes."""
    normal_quantile(level)
    check_draws(n_boot)
    rng = check_seed(seed)
    codes, _ = cluster_codes(cluster, n)
    estimate = measure(None)[0]
    if not np.isfinite(estimate).all():
        raise fail("RG701", "By the horizon all units, or none, have the event: one of the two classes is empty.")
    drawn = np.vstack([measure(counts(rng, size, n, codes)) for size in chunks(n_boot, n)])
    usable = np.isfinite(drawn).all(axis=1)
    if usable.sum() < max(2, 0.5 * n_boot):
        raise fail("RG701", f"{int((~usable).sum())} of {n_boot} resamples have no event or no non-event by the horizon.")
    notes = () if usable.all() else (f"{int((~usable).sum())} of {n_boot} resamples lack a class and were left out.",)
    kept = drawn[usable]
    se = kept.std(axis=0, ddof=1)
    # replicates that are all equal keep a spread of rounding
    se[np.ptp(kept, axis=0) < 1e-12] = 0.0
    lower, upper = percentile(kept, level, least)
    statistic, p, flat = wald(estimate, se, labels)
    fields = {"estimate": estimate, "se": se, "lower": lower, "upper": upper, "statistic": statistic, "p": p}
    return fields, (*notes, *flat)
