"""Discrimination and accuracy of risks at horizons under censoring: AUC, Brier score, IPA and integrated Brier score."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from radiogen.errors import fail
from radiogen.stats._timescores import NULL, At, Found, HorizonResult, Risks, horizon_result, paired, prepare, score_all
from radiogen.stats._validate import EVENTS_FIRST, Floats, Ints
from radiogen.stats.result import StatResult

#: a null risk this near 0 or 1 is rounding
_CERTAIN = 1e-12
_WEIGHTS = f"Kaplan-Meier censoring weights ({EVENTS_FIRST}), influence function, Wald"


def time_dependent_auc(
    time: ArrayLike, event: ArrayLike, risk: Risks, horizons: ArrayLike | float, cause: int = 1, level: float = 0.95
) -> HorizonResult:
    """Cumulative/dynamic AUC: who has the event by a horizon, against who has not.

    Parameters
    ----------
    time : array-like of float, shape (n,)
        Positive follow-up times.
    event : array-like of int, shape (n,)
        0 censored, 1 the event; 2 and up competing events.
    risk : array-like, shape (n,) or (n, h), or a mapping of name to such
        Higher means an earlier event; one column for all horizons or one each.  Several models in a
        mapping are compared in pairs.
    horizons : float or array-like of float, shape (h,)
        Ascending times at which the event is or is not there.
    cause : int, default 1
        The status that counts as the event.
    level : float, default 0.95
        Level of the Wald intervals, which are cut at 0 and 1.

    Returns
    -------
    HorizonResult
        One row per model and horizon, ``contrasts`` of all pairs of models.

    Raises
    ------
    RadiogenError
        RG402, RG403, RG705 for unusable arrays; RG701 where nobody has the event by a horizon or nobody
        is without it; RG708 for a horizon beyond the follow-up or an unknown option.

    Notes
    -----
    Cases: the event by the horizon.  Controls: no event by the horizon, and with competing risks also
    those with a competing event by then (Blanche's second definition).  Each is weighted by the inverse
    probability of being uncensored, 1 / G(T-) or 1 / G(horizon), with G by Kaplan and Meier; events come
    before censorings at a tied time.  Risks tied between a case and a control count one half.  The
    variance includes that of the estimated weights, as ``riskRegression::Score`` does; with heavy ties
    (whole years) it is a few per cent off the jackknife, in R and here.  Censoring must not depend on the risk.

    References
    ----------
    Blanche, Dartigues and Jacqmin-Gadda, Stat Med 2013;32:5381, doi 10.1002/sim.5958.

    Examples
    --------
    >>> time_dependent_auc([1, 2, 3, 4], [1, 1, 1, 1], [4, 2, 3, 1], 2.5).estimate
    array([0.75])
    """
    t, status, wanted, risks = prepare(time, event, risk, horizons, cause, probability=False)
    found = score_all(t, status, wanted, risks, _auc)
    method = f"cumulative/dynamic AUC, tied risks one half, {_WEIGHTS}"
    return horizon_result(found, method, "AUC", level, status, t, (0.0, 1.0))


def time_dependent_auc_difference(
    time: ArrayLike, event: ArrayLike, risk_a: ArrayLike, risk_b: ArrayLike, horizons: ArrayLike | float,
    cause: int = 1, level: float = 0.95,
) -> StatResult:  # fmt: skip
    """Paired test of two time-dependent AUCs on the same units.

    Parameters
    ----------
    time, event, horizons, cause, level
        As in :func:`time_dependent_auc`.
    risk_a, risk_b : array-like, shape (n,) or (n, h)
        The two risks.

    Returns
    -------
    StatResult
        ``estimate`` is AUC(b) - AUC(a) at each horizon; ``result["a"]`` and ``["b"]`` the two.

    Raises
    ------
    RadiogenError
        As :func:`time_dependent_auc`.

    Examples
    --------
    >>> r = time_dependent_auc_difference([1, 2, 3, 4], [1, 1, 1, 1], [4, 2, 3, 1], [4, 3, 2, 1], 2.5)
    >>> r.estimate.tolist()
    [0.25]
    """
    both = time_dependent_auc(time, event, {"a": risk_a, "b": risk_b}, horizons, cause, level)
    return paired(both, f"difference of two cumulative/dynamic AUCs, paired, {_WEIGHTS}")


def brier_score(
    time: ArrayLike, event: ArrayLike, risk: Risks, horizons: ArrayLike | float, cause: int = 1, level: float = 0.95
) -> HorizonResult:
    """Mean squared distance between the event by a horizon (0 or 1) and its predicted probability.

    Parameters
    ----------
    time, event, horizons, cause, level
        As in :func:`time_dependent_auc`.
    risk : array-like, shape (n,) or (n, h), or a mapping of name to such
        Predicted probability of the event (not of survival) by each horizon: one column each.

    Returns
    -------
    HorizonResult
        One row per model and horizon; the model without covariates ("Null model": the Kaplan-Meier or
        Aalen-Johansen estimate of the same data) comes first, and ``contrasts`` has it too.

    Raises
    ------
    RadiogenError
        RG402, RG403, RG705 for unusable arrays, also for a risk outside 0 to 1 and one column for several
        horizons; RG701 where nobody has the event by a horizon; RG708 for a horizon beyond the follow-up.

    Notes
    -----
    Weights as in :func:`time_dependent_auc`; a competing event by the horizon is an event that did not
    happen.  The variance includes that of the estimated weights.

    References
    ----------
    Graf et al., Stat Med 1999;18:2529.  Gerds and Schumacher, Biom J 2006;48:1029,
    doi 10.1002/bimj.200610301.

    Examples
    --------
    >>> r = brier_score([1, 2, 3, 4], [1, 1, 1, 1], [0.9, 0.6, 0.5, 0.2], 2.5)
    >>> r.to_frame()[["model", "estimate"]].round(4).to_numpy().tolist()
    [['Null model', 0.25], ['risk', 0.115]]
    """
    found, status, t = _brier_all(time, event, risk, horizons, cause)
    return horizon_result(found, f"Brier score, {_WEIGHTS}", "Brier score", level, status, t, (0.0, 1.0))


def brier_difference(
    time: ArrayLike, event: ArrayLike, risk_a: ArrayLike, risk_b: ArrayLike, horizons: ArrayLike | float,
    cause: int = 1, level: float = 0.95,
) -> StatResult:  # fmt: skip
    """Paired test of two Brier scores on the same units.

    Parameters
    ----------
    time, event, horizons, cause, level
        As in :func:`brier_score`.
    risk_a, risk_b : array-like, shape (n,) or (n, h)
        The two predicted probabilities.

    Returns
    -------
    StatResult
        ``estimate`` is Brier(b) - Brier(a) at each horizon: negative where b is the better.

    Raises
    ------
    RadiogenError
        As :func:`brier_score`.

    Examples
    --------
    >>> r = brier_difference([1, 2, 3, 4], [1, 1, 1, 1], [0.5] * 4, [0.9, 0.6, 0.5, 0.2], 2.5)
    >>> r.estimate.round(3).tolist()
    [-0.135]
    """
    found, status, t = _brier_all(time, event, {"a": risk_a, "b": risk_b}, horizons, cause)
    own = {key: value for key, value in found.items() if key[0] != NULL}
    both = horizon_result(own, "Brier score", "Brier score", level, status, t)
    return paired(both, f"difference of two Brier scores, paired, {_WEIGHTS}")


def index_of_prediction_accuracy(
    time: ArrayLike, event: ArrayLike, risk: Risks, horizons: ArrayLike | float, cause: int = 1, level: float = 0.95
) -> HorizonResult:
    """IPA: the share of the null model's Brier score that a model takes away (scaled Brier score).

    Parameters
    ----------
    time, event, risk, horizons, cause, level
        As in :func:`brier_score`.

    Returns
    -------
    HorizonResult
        1 - Brier / Brier of the null model, one row per model and horizon; ``contrasts`` of all pairs of
        models.  1 is perfect, 0 no better than the same risk for everybody, below 0 harmful.

    Raises
    ------
    RadiogenError
        As :func:`brier_score`.

    Notes
    -----
    Delta method from the influence of both Brier scores.  That the null risk is estimated has no
    influence of first order: it minimises its own Brier score.

    References
    ----------
    Kattan and Gerds, Diagn Progn Res 2018;2:7, doi 10.1186/s41512-018-0029-2.

    Examples
    --------
    >>> index_of_prediction_accuracy([1, 2, 3, 4], [1, 1, 1, 1], [0.9, 0.6, 0.5, 0.2], 2.5).estimate.round(2)
    array([0.54])
    """
    found, status, t = _ipa_all(time, event, risk, horizons, cause)
    method = f"index of prediction accuracy, 1 - Brier / Brier of the null model, {_WEIGHTS}"
    return horizon_result(found, method, "IPA", level, status, t, (-np.inf, 1.0))


def ipa_difference(
    time: ArrayLike, event: ArrayLike, risk_a: ArrayLike, risk_b: ArrayLike, horizons: ArrayLike | float,
    cause: int = 1, level: float = 0.95,
) -> StatResult:  # fmt: skip
    """Paired test of two indices of prediction accuracy on the same units.

    Parameters
    ----------
    time, event, horizons, cause, level
        As in :func:`brier_score`.
    risk_a, risk_b : array-like, shape (n,) or (n, h)
        The two predicted probabilities.

    Returns
    -------
    StatResult
        ``estimate`` is IPA(b) - IPA(a) at each horizon.

    Raises
    ------
    RadiogenError
        As :func:`brier_score`.

    Examples
    --------
    >>> r = ipa_difference([1, 2, 3, 4], [1, 1, 1, 1], [0.5] * 4, [0.9, 0.6, 0.5, 0.2], 2.5)
    >>> r.estimate.round(2).tolist()
    [0.54]
    """
    both = index_of_prediction_accuracy(time, event, {"a": risk_a, "b": risk_b}, horizons, cause, level)
    return paired(both, f"difference of two indices of prediction accuracy, paired, {_WEIGHTS}")


def integrated_brier(
    time: ArrayLike, event: ArrayLike, risk: Risks, horizons: ArrayLike, cause: int = 1, level: float = 0.95
) -> HorizonResult:
    """Brier score averaged over the time between the first and the last horizon.

    Parameters
    ----------
    time, event, cause, level
        As in :func:`brier_score`.
    risk : array-like, shape (n, h), or a mapping of name to such
        Predicted probability of the event by each horizon.
    horizons : array-like of float, shape (h,)
        At least two ascending times; the closer, the finer the average.

    Returns
    -------
    HorizonResult
        One row per model, the null model first; ``horizon`` is the last of the horizons.
        ``result["ipa"]`` is 1 - integrated Brier score / that of the null model.

    Raises
    ------
    RadiogenError
        As :func:`brier_score`; RG708 for fewer than two horizons.

    Notes
    -----
    Trapezoidal rule between the horizons given, divided by their range; the average does not begin at
    0 unless the horizons nearly do.  The variance is that of the weighted sum of influence values.

    References
    ----------
    Graf et al., Stat Med 1999;18:2529.

    Examples
    --------
    >>> risk = [[0.8, 0.9], [0.3, 0.6], [0.2, 0.5], [0.1, 0.2]]
    >>> integrated_brier([1, 2, 3, 4], [1, 1, 1, 1], risk, [1.5, 2.5])["model"]
    ['Null model', 'risk']
    """
    found, status, t = _brier_all(time, event, risk, horizons, cause)
    wanted = np.array(list(dict.fromkeys(k[1] for k in found)))
    if wanted.size < 2:
        raise fail("RG708", "An integrated Brier score needs two horizons or more.", value=wanted.tolist())
    gaps = np.diff(wanted)
    share = (np.r_[gaps, 0.0] + np.r_[0.0, gaps]) / 2 / (wanted[-1] - wanted[0])
    means = {
        (name, float(wanted[-1])): (
            float(sum(s * found[name, h][0] for s, h in zip(share, wanted, strict=True))),
            np.asarray(sum(s * found[name, h][1] for s, h in zip(share, wanted, strict=True))),
        )
        for name in dict.fromkeys(k[0] for k in found)
    }
    method = f"integrated Brier score from {wanted[0]:g} to {wanted[-1]:g} ({wanted.size} horizons, trapezoids), {_WEIGHTS}"
    result = horizon_result(means, method, "integrated Brier score", level, status, t, (0.0, 1.0))
    values = np.asarray(result.estimate)
    return HorizonResult(**{**result.__dict__, "extra": {**result.extra, "ipa": 1 - values / values[0]}})


def _brier_all(
    time: ArrayLike, event: ArrayLike, risk: Risks, horizons: ArrayLike | float, cause: int
) -> tuple[Found, Ints, Floats]:
    """Brier scores of the null model and of all others."""
    t, status, wanted, risks = prepare(time, event, risk, horizons, cause, probability=True)
    if NULL in risks:
        raise fail("RG708", f"'{NULL}' is the name of the model without covariates; call yours otherwise.", value=NULL)
    expected = _incidence(t, status, wanted)
    flat = np.minimum(expected, 1 - expected) < _CERTAIN
    if flat.any():
        raise fail("RG701", f"By {wanted[flat][0]:g} everybody or nobody has had the event: nothing is left to predict.",
                   value=wanted[flat][0], fix="Choose a horizon at which both still occur.")  # fmt: skip
    null = np.broadcast_to(expected, (t.size, wanted.size))
    return score_all(t, status, wanted, {NULL: null, **risks}, _brier), status, t


def _ipa_all(
    time: ArrayLike, event: ArrayLike, risk: Risks, horizons: ArrayLike | float, cause: int
) -> tuple[Found, Ints, Floats]:
    found, status, t = _brier_all(time, event, risk, horizons, cause)
    scaled: Found = {}
    for (name, horizon), (value, influence) in found.items():
        if name == NULL:
            continue
        null, of_null = found[NULL, horizon]
        if null <= 0:
            raise fail("RG701", f"Everybody has the event by {horizon:g}: the null model is perfect.", value=horizon)
        scaled[name, horizon] = (1 - value / null, value / null**2 * of_null - influence / null)
    return scaled, status, t


def _incidence(time: Floats, status: Ints, horizons: Floats) -> Floats:
    """Aalen and Johansen's cumulative incidence of status 1; with one kind of event 1 - Kaplan-Meier."""
    times, position = np.unique(time, return_inverse=True)
    own = np.bincount(position, weights=status == 1, minlength=times.size)
    every = np.bincount(position, weights=status != 0, minlength=times.size)
    risk = time.size - np.r_[0, np.cumsum(np.bincount(position))[:-1]]
    before = np.r_[1.0, np.cumprod(1 - every / risk)[:-1]]
    reached = np.r_[0.0, np.cumsum(before * own / risk)]
    return np.asarray(reached[np.searchsorted(times, horizons, side="right")])


def _brier(risk: Floats, here: At) -> tuple[float, Floats]:
    parts = here.weight * (here.case - risk) ** 2
    value = float(parts.mean())
    own = np.where(here.free, 0.0, parts)
    fixed = float(np.where(here.free, parts, 0.0).mean())
    return value, parts - value + here.lost.carry(own, fixed, here.horizon, events_at_risk=True)


def _auc(risk: Floats, here: At) -> tuple[float, Floats]:
    control = here.free | here.other
    if not control.any():
        raise fail("RG701", f"Nobody is without the event at {here.horizon:g}.", value=here.horizon)
    n = risk.size
    w, v = np.where(here.case, here.weight, 0.0), np.where(control, here.weight, 0.0)
    _, rank = np.unique(risk, return_inverse=True)
    of_cases, of_controls = (np.bincount(rank, weights=u) / n for u in (w, v))
    cases, controls = float(of_cases.sum()), float(of_controls.sum())
    # share of controls below each unit's risk, and of cases above it; ties one half
    below = (np.cumsum(of_controls) - of_controls / 2)[rank]
    above = (cases - np.cumsum(of_cases) + of_cases / 2)[rank]
    auc = float(np.sum(w * below) / n / (cases * controls))
    case_part = w * (below - auc * controls) / (cases * controls)
    control_part = v * (above - auc * cases) / (cases * controls)
    own = np.where(here.free, 0.0, case_part + control_part)
    fixed = float(np.where(here.free, control_part, 0.0).mean())
    return auc, case_part + control_part + here.lost.carry(own, fixed, here.horizon, events_at_risk=True)
