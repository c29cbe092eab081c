"""Decision curves for an event by a horizon, with censoring and competing events."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from radiogen.stats._draws import check_draws, check_seed, chunks, cluster_codes, counts
from radiogen.stats._horizon import check_horizon, risk_at, statuses
from radiogen.stats._validate import Floats, Ints, normal_quantile
from radiogen.stats.decisions import DecisionCurve, Rates, assemble, check_thresholds, risk_table, stacked, words_of


def decision_curve_survival(
    time: ArrayLike,
    event: ArrayLike,
    risks: Mapping[str, ArrayLike] | pd.DataFrame | ArrayLike,
    horizon: float,
    thresholds: ArrayLike | None = None,
    competing: bool | None = None,
    level: float = 0.95,
    n_boot: int = 500,
    seed: int = 0,
    cluster: ArrayLike | None = None,
    harm: Mapping[str, float] | None = None,
) -> DecisionCurve:
    """Net benefit of models that predict the risk of an event by a horizon.

    Parameters
    ----------
    time : array-like of float, shape (n,)
        Positive follow-up times.
    event : array-like of 0/1, shape (n,)
        1 where the event was seen, 0 where the time is censored, 2 and up for competing events.
    risks : mapping, DataFrame or array-like
        Predicted probabilities of the event by the horizon (not of survival), one array of shape (n,) for each model.
    horizon : float
        Time in the unit of ``time``, inside the follow-up.
    thresholds : float or array-like of float, optional
        Risks from which on one would act; by default 0.01, 0.02, …, 0.99.
    competing : bool, optional
        Whether there are competing events.  By default codes of 2 and up say so; 1 and 2 without any 0 are refused.
    level, n_boot, seed, cluster, harm
        As in :func:`radiogen.stats.decision_curve`.

    Returns
    -------
    DecisionCurve
        As :func:`radiogen.stats.decision_curve`; ``prevalence`` is the estimated risk of all by the horizon.

    Raises
    ------
    RadiogenError
        RG402, RG403, RG705 for unusable arrays; RG701 without an event by the horizon; RG708 for a horizon beyond the
        follow-up or thresholds out of range.

    Notes
    -----
    Among the units at or above the threshold, a share x of all, the risk F by the horizon is Kaplan and Meier's, or with
    competing events Aalen and Johansen's: TP/n = x F and FP/n = x (1 - F).  Censoring is taken to be independent
    of the event among them.  Where the follow-up of these units ends before the horizon their last risk is carried on,
    and a note says at which thresholds.

    References
    ----------
    Vickers et al., BMC Med Inform Decis Mak 2008;8:53, doi 10.1186/1472-6947-8-53.

    Examples
    --------
    >>> r = decision_curve_survival([1, 2, 3, 4], [1, 0, 1, 0], [0.6, 0.5, 0.3, 0.1], 3.5, [0.2], n_boot=0)
    >>> round(float(r.estimate[0]), 4)
    0.75
    """
    normal_quantile(level)
    t, status, _ = statuses(time, event, competing)
    tau = check_horizon(t, status, horizon)
    models = risk_table(risks, t.size)
    cuts = check_thresholds(thresholds)
    check_draws(n_boot, least=0)
    rng = check_seed(seed)
    codes, _ = cluster_codes(cluster, t.size)
    point = {name: _rates(t, status, tau, risk, cuts, np.ones((1, t.size))) for name, risk in models.items()}
    share = float(risk_at(t, status, tau)[0])
    pieces, shares = [], []
    for size in chunks(n_boot, t.size):
        w = counts(rng, size, t.size, codes)
        pieces.append({name: _rates(t, status, tau, risk, cuts, w) for name, risk in models.items()})
        shares.append(risk_at(t, status, tau, w))
    drawn = {name: stacked([p[name] for p in pieces]) for name in point if pieces}
    kind = "Aalen-Johansen" if (status == 2).any() else "Kaplan-Meier"
    return assemble(
        point, share, drawn, np.concatenate(shares) if shares else np.empty(0), cuts,
        f"net benefit by {tau:g}, {kind}{words_of(n_boot, seed, cluster)}", level, harm or {}, list(models),
        n=t.size, events=int(((status == 1) & (t <= tau)).sum()), notes=_short(t, status, tau, models, cuts),
    )  # fmt: skip


def _rates(time: Floats, status: Ints, tau: float, risk: Floats, cuts: Floats, w: Floats) -> Rates:
    total = w.sum(axis=1)
    tp, fp = np.zeros((len(w), cuts.size)), np.zeros((len(w), cuts.size))
    before = -1
    for j, cut in enumerate(cuts):
        rows = np.flatnonzero(risk >= cut)
        if rows.size == before:
            # nobody stands between this threshold and the last
            tp[:, j], fp[:, j] = tp[:, j - 1], fp[:, j - 1]
            continue
        before = rows.size
        if rows.size == 0:
            continue
        own = w[:, rows]
        share = own.sum(axis=1) / total
        inside = risk_at(time[rows], status[rows], tau, own)
        tp[:, j], fp[:, j] = share * inside, share * (1 - inside)
    return Rates(tp, fp)


def _short(time: Floats, status: Ints, tau: float, models: Mapping[str, Floats], cuts: Floats) -> tuple[str, ...]:
    """Where the units at or above a threshold were not followed to the horizon."""
    notes = []
    for name, risk in models.items():
        found = []
        for cut in cuts:
            rows = risk >= cut
            if rows.any():
                last = time[rows].max()
                # a curve that has come down to 0 is complete
                if last < tau and (status[rows & (time == last)] == 0).any():
                    found.append(f"{cut:g}")
        if found:
            span = found[0] if len(found) == 1 else f"{found[0]} to {found[-1]}"
            notes.append(f"{name}: at thresholds {span} the follow-up ends before the horizon; the last risk is carried on.")
    return tuple(notes)
