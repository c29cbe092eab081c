"""Kaplan and Meier's estimator with Greenwood's variance, as R's ``survfit`` gives it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from radiogen.errors import fail
from radiogen.stats._validate import (
    EVENTS_FIRST,
    Bools,
    Floats,
    choice,
    groups,
    normal_quantile,
    numbers,
    same_length,
    survival,
    word,
)
from radiogen.stats.result import StatResult

#: R compares a survival of exactly one half with this tolerance (survival:::survmean)
_HALF_TOLERANCE = float(np.sqrt(np.finfo(float).eps))


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class KaplanMeierResult(StatResult):
    """Survival curves: the fields of :class:`StatResult` hold the median of each group.

    Parameters
    ----------
    curve : DataFrame
        One row per group and distinct time: ``group``, ``time``, ``n_risk``, ``n_event``,
        ``n_censor``, ``survival``, ``std_err`` (Greenwood, of the survival), ``lower``, ``upper``.
        Where the survival is 0, ``std_err`` and the limits have no value (NaN), as in R.
    groups : tuple
        The groups in order; ``("all",)`` without a group.
    """

    curve: pd.DataFrame = field(default_factory=pd.DataFrame)
    groups: tuple[Any, ...] = ()

    @property
    def medians(self) -> pd.DataFrame:
        """Median survival of each group with its interval; NaN means "not reached"."""
        frame = self.to_frame()[["label", "n", "events", "estimate", "lower", "upper"]]
        return frame.rename(columns={"label": "group", "estimate": "median"})

    def at_risk(self, times: ArrayLike) -> pd.DataFrame:
        """Number at risk just before each time, one row per group and time.

        Parameters
        ----------
        times : array-like of float
            Times in the unit of the data.

        Returns
        -------
        DataFrame
            ``group``, ``time``, ``n_risk``, and the ``n_event`` and ``n_censor`` up to and
            including that time.
        """
        wanted = numbers(times, "times")
        parts = []
        for name in self.groups:
            part = self.curve[self.curve["group"] == name]
            before = np.searchsorted(part["time"].to_numpy(), wanted, side="left")
            until = np.searchsorted(part["time"].to_numpy(), wanted, side="right")
            columns = {"group": [name] * wanted.size, "time": wanted, "n_risk": np.r_[part["n_risk"], 0][before]}
            for key in ("n_event", "n_censor"):
                columns[key] = np.r_[0, part[key].cumsum()][until]
            parts.append(pd.DataFrame(columns))
        return pd.concat(parts, ignore_index=True)

    def survival_at(self, times: ArrayLike, extend: bool = True) -> pd.DataFrame:
        """Survival at given times, as ``summary(survfit, times, extend)`` in R.

        Parameters
        ----------
        times : array-like of float
            Times in the unit of the data.
        extend : bool, default True
            Whether the last value is carried on beyond a group's last time.  That value is then an
            extrapolation with nobody at risk (``n_risk`` is 0).

        Returns
        -------
        DataFrame
            ``group``, ``time``, ``n_risk``, ``survival``, ``std_err``, ``lower``, ``upper``.

        Raises
        ------
        RadiogenError
            RG708 for a time beyond a group's follow-up with ``extend=False``.
        """
        wanted = numbers(times, "times")
        frame = self.at_risk(wanted).drop(columns=["n_event", "n_censor"])
        values: dict[str, list[Floats]] = {key: [] for key in ("survival", "std_err", "lower", "upper")}
        for name in self.groups:
            part = self.curve[self.curve["group"] == name]
            last = part["time"].iloc[-1]
            if not extend and wanted.max() > last:
                raise fail("RG708", f"The follow-up of group '{name}' ends at {last:g}.", value=wanted.max())
            index = np.searchsorted(part["time"].to_numpy(), wanted, side="right")
            for key, start in (("survival", 1.0), ("std_err", 0.0), ("lower", 1.0), ("upper", 1.0)):
                values[key].append(np.r_[start, part[key].to_numpy()][index])
        for key, parts in values.items():
            frame[key] = np.concatenate(parts)
        return frame


def kaplan_meier(
    time: ArrayLike,
    event: ArrayLike,
    group: Sequence[Any] | ArrayLike | None = None,
    level: float = 0.95,
    conf_type: str = "log",
) -> KaplanMeierResult:
    """Survival curves with intervals, medians and numbers at risk.

    Parameters
    ----------
    time : array-like of float, shape (n,)
        Positive follow-up times.
    event : array-like of 0/1, shape (n,)
        1 where the event was seen, 0 where the time is censored.
    group : array-like, shape (n,), optional
        Group of each unit; a categorical keeps its order.
    level : float, default 0.95
        Level of the intervals.
    conf_type : {"log", "log-log", "plain"}, default "log"
        Scale of the pointwise intervals; "log" is R's default.

    Returns
    -------
    KaplanMeierResult
        ``curve``, ``medians``, ``at_risk(times)`` and ``survival_at(times)``.  Medians and their
        limits (Brookmeyer and Crowley) are NaN where the curve does not come down to one half.

    Raises
    ------
    RadiogenError
        RG402 negative time, RG403 zero time, RG705 for other unusable arrays, RG708 for an unknown
        ``conf_type``.

    Notes
    -----
    At tied times events come before censorings.  Times that differ by rounding only are taken as
    tied, as R does.

    References
    ----------
    Kaplan and Meier, JASA 1958;53:457, doi 10.1080/01621459.1958.10501452.  Brookmeyer and Crowley,
    Biometrics 1982;38:29, doi 10.2307/2530286.

    Examples
    --------
    >>> km = kaplan_meier([1, 2, 3, 4], [1, 0, 1, 1])
    >>> km.curve["survival"].tolist()
    [0.75, 0.75, 0.375, 0.0]
    >>> km.estimate
    array([3.])
    """
    choice(conf_type, "conf_type", ("log", "log-log", "plain"))
    z = normal_quantile(level)
    t, e = survival(time, event)
    codes, names = (np.zeros(t.size, dtype=np.int64), ["all"]) if group is None else groups(group)
    same_length(time=t, group=codes)
    parts = []
    for code, name in enumerate(names):
        part = _curve(t[codes == code], e[codes == code], z, conf_type)
        part.insert(0, "group", [name] * len(part))
        parts.append(part)
    medians = np.array([[_half(p[k], p["time"]) for k in ("survival", "lower", "upper")] for p in parts])
    missing = [word(name) for name, m in zip(names, medians[:, 0], strict=True) if np.isnan(m)]
    notes: tuple[str, ...] = (f"Median not reached: {', '.join(missing)}.",) if missing else ()
    for side, column in (("Lower", 1), ("Upper", 2)):
        open_ = [word(n) for n, m in zip(names, medians, strict=True) if np.isnan(m[column]) and not np.isnan(m[0])]
        notes += (f"{side} limit of the median not reached: {', '.join(open_)}.",) if open_ else ()
    return KaplanMeierResult(
        method=f"Kaplan-Meier, {EVENTS_FIRST}; Greenwood, {conf_type} interval; median with Brookmeyer-Crowley limits",
        estimate=medians[:, 0],
        lower=medians[:, 1],
        upper=medians[:, 2],
        n=np.bincount(codes),
        events=np.bincount(codes, weights=e).astype(np.int64),
        label=[word(name) for name in names],
        level=level,
        notes=notes,
        curve=pd.concat(parts, ignore_index=True),
        groups=tuple(names),
    )


def reverse_kaplan_meier(
    time: ArrayLike, event: ArrayLike, group: Sequence[Any] | ArrayLike | None = None, level: float = 0.95
) -> KaplanMeierResult:
    """Median follow-up: Kaplan and Meier's estimator with event and censoring exchanged.

    Parameters
    ----------
    time, event, group, level
        As in :func:`kaplan_meier`.

    Returns
    -------
    KaplanMeierResult
        Its median is the median potential follow-up; ``events`` counts the censored.

    Raises
    ------
    RadiogenError
        As :func:`kaplan_meier`.

    Notes
    -----
    At tied times censorings come before events here, as ``survfit(Surv(time, 1 - event))`` does.

    References
    ----------
    Schemper and Smith, Control Clin Trials 1996;17:343, doi 10.1016/0197-2456(96)00075-X.

    Examples
    --------
    >>> reverse_kaplan_meier([1, 2, 3, 4], [1, 0, 0, 0]).estimate
    array([3.])
    """
    t, e = survival(time, event)
    result = kaplan_meier(t, ~e, group, level)
    words = "reverse Kaplan-Meier (median follow-up), Greenwood, log interval"
    return KaplanMeierResult(**{**result.__dict__, "method": words})


def _curve(time: Floats, event: Bools, z: float, conf_type: str) -> pd.DataFrame:
    times, position = np.unique(time, return_inverse=True)
    n_event = np.bincount(position, weights=event, minlength=times.size)
    n_all = np.bincount(position, minlength=times.size)
    n_risk = np.cumsum(n_all[::-1])[::-1].astype(float)
    surv = np.cumprod(1 - n_event / n_risk)
    with np.errstate(divide="ignore", invalid="ignore"):
        # the standard error of log S; infinite once S is 0
        se_log = np.sqrt(np.cumsum(n_event / (n_risk * (n_risk - n_event))))
        se = np.where(surv > 0, surv * se_log, np.nan)
    lower, upper = _limits(surv, se_log, z, conf_type)
    return pd.DataFrame(
        {
            "time": times,
            "n_risk": n_risk.astype(np.int64),
            "n_event": n_event.astype(np.int64),
            "n_censor": (n_all - n_event).astype(np.int64),
            "survival": surv,
            "std_err": se,
            "lower": lower,
            "upper": upper,
        }
    )


def _limits(surv: Floats, se_log: Floats, z: float, conf_type: str) -> tuple[Floats, Floats]:
    alive = surv > 0
    s = np.where(alive, surv, 0.5)
    se = np.where(alive, se_log, 0.0)
    if conf_type == "log":
        lower, upper = s * np.exp(-z * se), np.minimum(1.0, s * np.exp(z * se))
    elif conf_type == "plain":
        lower, upper = np.maximum(0.0, s - z * s * se), np.minimum(1.0, s + z * s * se)
    else:
        # log(-log S) has no value at S = 1, where nothing has happened yet
        inner = np.where(s < 1, s, 0.5)
        width = z * se / -np.log(inner)
        lower = np.where(s < 1, np.exp(np.log(inner) * np.exp(width)), 1.0)
        upper = np.where(s < 1, np.exp(np.log(inner) * np.exp(-width)), 1.0)
    return np.where(alive, lower, np.nan), np.where(alive, upper, np.nan)


def _half(values: pd.Series, times: pd.Series) -> float:
    """The time where a curve falls below one half; the middle of a flat piece at exactly one half."""
    y, x = values.to_numpy(), times.to_numpy()
    keep = ~np.isnan(y) & (y < 0.5 + _HALF_TOLERANCE)
    if not keep.any():
        return float("nan")
    y, x = y[keep], x[keep]
    if abs(y[0] - 0.5) < _HALF_TOLERANCE and (y < y[0]).any():
        return float((x[0] + x[np.flatnonzero(y < y[0])[0]]) / 2)
    return float(x[0])
