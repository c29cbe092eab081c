"""Restricted mean survival time and its difference between two groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm

from radiogen.errors import fail
from radiogen.stats._validate import EVENTS_FIRST, Bools, Floats, groups, is_number, normal_quantile, same_length, survival, word
from radiogen.stats.result import StatResult


def rmst(
    time: ArrayLike,
    event: ArrayLike,
    tau: float,
    group: Sequence[Any] | ArrayLike | None = None,
    level: float = 0.95,
) -> StatResult:
    """Mean time lived up to a horizon: the area under the Kaplan-Meier curve from 0 to ``tau``.

    Parameters
    ----------
    time : array-like of float, shape (n,)
        Positive follow-up times.
    event : array-like of 0/1, shape (n,)
        1 where the event was seen, 0 where the time is censored.
    tau : float
        Horizon in the unit of the times.
    group : array-like, shape (n,), optional
        Group of each unit; one row each.
    level : float, default 0.95
        Level of the Wald interval.

    Returns
    -------
    StatResult
        ``estimate`` and ``se`` in the unit of the times; ``result["time_lost"]`` is ``tau`` less the
        estimate.  One row without a group, one for each group otherwise.

    Raises
    ------
    RadiogenError
        RG402, RG403, RG705 for unusable arrays; RG708 for a horizon that is not positive, or one that
        lies beyond the follow-up of a group that is not over (its last time is censored): the curve is
        not known there.

    Notes
    -----
    Greenwood's variance without a correction for small samples, as ``print(survfit, rmean = tau)`` in R.
    At tied times events come before censorings.

    References
    ----------
    Royston and Parmar, BMC Med Res Methodol 2013;13:152, doi 10.1186/1471-2288-13-152.

    Examples
    --------
    >>> rmst([1, 2, 3, 4], [1, 0, 1, 1], tau=3).estimate
    2.5
    """
    z = normal_quantile(level)
    t, e = survival(time, event)
    codes, names = (np.zeros(t.size, dtype=np.int64), ["all"]) if group is None else groups(group)
    same_length(time=t, group=codes)
    pairs = [_area(t[codes == k], e[codes == k], tau, "" if group is None else word(name)) for k, name in enumerate(names)]
    mean, se = np.array([p[0] for p in pairs]), np.sqrt([p[1] for p in pairs])
    n, events = np.bincount(codes), np.bincount(codes, weights=e).astype(np.int64)
    alone = group is None
    return StatResult(
        method=f"restricted mean survival time to {tau:g} (Kaplan-Meier, {EVENTS_FIRST}), Greenwood, Wald",
        estimate=float(mean[0]) if alone else mean,
        se=float(se[0]) if alone else se,
        lower=_single(mean - z * se, alone),
        upper=_single(mean + z * se, alone),
        n=int(n[0]) if alone else n,
        events=int(events[0]) if alone else events,
        label=None if alone else [word(name) for name in names],
        level=level,
        extra={"tau": float(tau), "time_lost": _single(tau - mean, alone)},
    )


def rmst_difference(
    time: ArrayLike,
    event: ArrayLike,
    group: Sequence[Any] | ArrayLike,
    tau: float,
    level: float = 0.95,
) -> StatResult:
    """Difference of the restricted mean survival times of two groups, with its test.

    Parameters
    ----------
    time, event : array-like, shape (n,)
        As in :func:`rmst`.
    group : array-like, shape (n,)
        Two groups; the second in order (sorted, or that of a categorical) less the first.
    tau : float
        Horizon in the unit of the times, within the follow-up of both groups.
    level : float, default 0.95
        Level of the interval.

    Returns
    -------
    StatResult
        ``estimate`` is the difference in time; ``statistic`` is z.  ``result["ratio"]`` with
        ``["ratio_lower"]``, ``["ratio_upper"]``, ``["ratio_p"]`` and ``result["loss_ratio"]`` (of the
        time lost) with the same endings; ``result["means"]`` and ``["ses"]`` of the two groups.

    Raises
    ------
    RadiogenError
        As :func:`rmst`; RG701 unless there are two groups and events up to ``tau``.

    Notes
    -----
    Groups are independent: the variance is the sum of the two.  Ratios have Wald intervals on the log
    scale.  No proportional hazards are assumed.

    References
    ----------
    Uno et al., J Clin Oncol 2014;32:2380, doi 10.1200/JCO.2014.55.2208.

    Examples
    --------
    >>> r = rmst_difference([1, 2, 3, 4, 2, 4, 5, 6], [1, 1, 1, 1, 1, 1, 1, 1], list("aaaabbbb"), tau=4)
    >>> r.estimate, r.label
    (1.0, 'b - a')
    """
    z_level = normal_quantile(level)
    t, e = survival(time, event)
    codes, names = groups(group)
    same_length(time=t, group=codes)
    if len(names) != 2:
        raise fail("RG701", f"A difference needs two groups; there {'is' if len(names) == 1 else 'are'} {len(names)}.")
    parts = [_area(t[codes == k], e[codes == k], tau, word(name)) for k, name in enumerate(names)]
    means, variances = np.array([p[0] for p in parts]), np.array([p[1] for p in parts])
    se = float(np.sqrt(variances.sum()))
    if se == 0:
        raise fail("RG701", f"No event up to {tau:g} leaves a difference with a variance.", value=tau)
    difference = float(means[1] - means[0])
    z = difference / se
    return StatResult(
        method=f"difference of restricted mean survival times to {tau:g} (Kaplan-Meier, {EVENTS_FIRST}), Greenwood, Wald",
        estimate=difference,
        se=se,
        lower=difference - z_level * se,
        upper=difference + z_level * se,
        statistic=z,
        p=float(2 * norm.sf(abs(z))),
        n=t.size,
        events=int(e.sum()),
        label=f"{word(names[1])} - {word(names[0])}",
        level=level,
        extra={
            "tau": float(tau),
            "means": means,
            "ses": np.sqrt(variances),
            **_ratio("ratio", means, variances, z_level),
            **_ratio("loss_ratio", tau - means, variances, z_level),
        },
        notes=() if (tau > means).all() else ("In one group no time is lost: the ratio of lost times has no value.",),
    )


def _curve(time: Floats, event: Bools, tau: float) -> tuple[Floats, Floats, Floats]:
    """Event times up to ``tau``, Greenwood's term of each, and the area under the curve from each to ``tau``."""
    times, position = np.unique(time, return_inverse=True)
    died = np.bincount(position, weights=event, minlength=times.size)
    risk = time.size - np.r_[0, np.cumsum(np.bincount(position))[:-1]]
    use = (died > 0) & (times <= tau)
    surv = np.cumprod(1 - died[use] / risk[use])
    widths = np.diff(np.r_[times[use], tau])
    # where all that are left die, nothing is left of the area
    left = (risk - died)[use]
    term = np.divide(died[use], risk[use] * left, out=np.zeros(left.size), where=left > 0)
    return times[use], term, np.cumsum((widths * surv)[::-1])[::-1]


def _area(time: Floats, event: Bools, tau: float, name: str) -> tuple[float, float]:
    """Restricted mean and its variance."""
    if not is_number(tau) or tau <= 0:
        raise fail("RG708", "`tau` must be a positive number.", value=tau)
    whose = f" of group '{name}'" if name else ""
    last = float(time.max())
    if tau > last and not event[time == last].all():
        raise fail("RG708", f"The follow-up{whose} ends at {last:g} with a censored unit; `tau` lies beyond.", value=tau)
    times, term, rest = _curve(time, event, tau)
    if not times.size:
        return float(tau), 0.0
    return float(times[0] + rest[0]), float(np.sum(rest**2 * term))


def _ratio(name: str, values: Floats, variances: Floats, z: float) -> dict[str, float]:
    keys = (name, f"{name}_lower", f"{name}_upper", f"{name}_p")
    if (values <= 0).any():
        return dict.fromkeys(keys, float("nan"))
    log, se = float(np.log(values[1] / values[0])), float(np.sqrt(np.sum(variances / values**2)))
    numbers = (np.exp(log), np.exp(log - z * se), np.exp(log + z * se), 2 * norm.sf(abs(log) / se))
    return dict(zip(keys, map(float, numbers), strict=True))


def _single(values: Any, alone: bool) -> Any:
    return float(values[0]) if alone else values
