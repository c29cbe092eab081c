"""Cumulative incidence with competing events (Aalen and Johansen), as R's ``cmprsk::cuminc`` gives it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from radiogen.errors import fail
from radiogen.stats._censoring import status_times
from radiogen.stats._validate import EVENTS_FIRST, Floats, Ints, groups, normal_quantile, numbers, same_length, word
from radiogen.stats.result import StatResult

_CURVE = (("incidence", 0.0), ("std_err", 0.0), ("lower", np.nan), ("upper", np.nan))


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class CumulativeIncidenceResult(StatResult):
    """Cumulative incidence of every cause in every group.

    The fields of :class:`StatResult` have one row per group and cause: the incidence at the group's last time,
    with ``extra["group"]`` and ``extra["cause"]``.

    Parameters
    ----------
    curve : DataFrame
        One row per group, cause and distinct time of the group: ``group``, ``cause``, ``time``, ``incidence``,
        ``std_err``, ``lower``, ``upper``, ``n_risk``, ``n_event`` (of the cause), ``n_competing``, ``n_censor``.
        The limits have no value (NaN) where the incidence is 0 or 1.
    groups : tuple
        The groups in order; ``("all",)`` without a group.
    causes : tuple of int
        The causes that occur.
    """

    curve: pd.DataFrame = field(default_factory=pd.DataFrame)
    groups: tuple[Any, ...] = ()
    causes: tuple[int, ...] = ()

    def incidence_at(self, times: ArrayLike, extend: bool = True) -> pd.DataFrame:
        """Cumulative incidence at given times, as ``cmprsk::timepoints`` in R.

        Parameters
        ----------
        times : array-like of float
            Times in the unit of the data.
        extend : bool, default True
            Whether the last value is carried on beyond a group's last time, where nobody is at risk (``n_risk`` 0).

        Returns
        -------
        DataFrame
            ``group``, ``cause``, ``time``, ``n_risk``, ``incidence``, ``std_err``, ``lower``, ``upper``.

        Raises
        ------
        RadiogenError
            RG705 for unusable times; RG708 for a time beyond a group's follow-up with ``extend=False``.
        """
        wanted = numbers(times, "times")
        parts = []
        for (group, cause), part in self.curve.groupby(["group", "cause"], sort=False):
            known = part["time"].to_numpy()
            if not extend and wanted.max() > known[-1]:
                raise fail("RG708", f"The follow-up of group '{group}' ends at {known[-1]:g}.", value=wanted.max())
            before = np.searchsorted(known, wanted, side="left")
            at_risk = np.r_[part["n_risk"].to_numpy(), 0][before]
            columns = {"group": [group] * wanted.size, "cause": cause, "time": wanted, "n_risk": at_risk}
            place = np.searchsorted(known, wanted, side="right")
            for key, start in _CURVE:
                columns[key] = np.r_[start, part[key].to_numpy()][place]
            parts.append(pd.DataFrame(columns))
        return pd.concat(parts, ignore_index=True)


def cumulative_incidence(
    time: ArrayLike, status: ArrayLike, group: Sequence[Any] | ArrayLike | None = None, level: float = 0.95
) -> CumulativeIncidenceResult:
    """Probability of each event by time, where the events compete.

    Parameters
    ----------
    time : array-like of float, shape (n,)
        Positive follow-up times.
    status : array-like of int, shape (n,)
        0 censored; 1, 2, … the event that came first.
    group : array-like, shape (n,), optional
        Group of each unit; a categorical keeps its order.
    level : float, default 0.95
        Level of the pointwise intervals.

    Returns
    -------
    CumulativeIncidenceResult
        ``curve`` and ``incidence_at(times)``; a cause that a group never has stays at 0 there.

    Raises
    ------
    RadiogenError
        RG402 negative time, RG403 zero time, RG705 for other unusable arrays, RG701 where all are censored.

    Notes
    -----
    The estimand is P(T <= t, cause k) in a world where the other events go on happening; one minus Kaplan-Meier with
    the others censored overstates it.  Events come before censorings at a tied time, and times that differ by rounding
    only are tied.  The variance is that of Gray (1988) with the correction for ties of ``cmprsk``; the intervals are
    symmetric for log(-log(incidence)).

    References
    ----------
    Aalen and Johansen, Scand J Stat 1978;5:141.  Gray, Ann Stat 1988;16:1141, doi 10.1214/aos/1176350951.

    Examples
    --------
    >>> r = cumulative_incidence([1, 2, 3, 4], [1, 2, 1, 0])
    >>> r.incidence_at([2, 3])["incidence"].tolist()
    [0.25, 0.5, 0.25, 0.25]
    """
    normal_quantile(level)
    t, s = status_times(time, status, "status")
    codes, names = (np.zeros(t.size, dtype=np.int64), ["all"]) if group is None else groups(group)
    same_length(time=t, group=codes)
    causes = [int(c) for c in np.unique(s) if c > 0]
    if not causes:
        raise fail("RG701", "All times are censored; no cumulative incidence can be estimated.")
    parts, rows = [], []
    for code, name in enumerate(names):
        own = codes == code
        for cause in causes:
            part = cause_curve(t[own], s[own], cause, level)
            rows.append([word(name), cause, int(own.sum()), int((s[own] == cause).sum()), *part.iloc[-1][[k for k, _ in _CURVE]]])
            part.insert(0, "group", [name] * len(part))
            part.insert(1, "cause", cause)
            parts.append(part)
    table = pd.DataFrame(rows, columns=["group", "cause", "n", "events", *(k for k, _ in _CURVE)])
    labels = [f"cause {c}" if group is None else f"{g}, cause {c}" for g, c in zip(table["group"], table["cause"], strict=True)]
    bare = [label for label, narrow in zip(labels, table["lower"].isna(), strict=True) if narrow]
    return CumulativeIncidenceResult(
        notes=(f"No interval at the last time, where the incidence is 0 or 1: {', '.join(bare)}.",) if bare else (),
        method=f"cumulative incidence (Aalen-Johansen, {EVENTS_FIRST}) at the last time, Gray's variance, log(-log) interval",
        estimate=table["incidence"].to_numpy(float), se=table["std_err"].to_numpy(float),
        lower=table["lower"].to_numpy(float), upper=table["upper"].to_numpy(float), n=table["n"].to_numpy(),
        events=table["events"].to_numpy(), label=labels, level=level,
        extra={"group": table["group"].tolist(), "cause": table["cause"].tolist()},
        curve=pd.concat(parts, ignore_index=True), groups=tuple(names), causes=tuple(causes),
    )  # fmt: skip


def cause_curve(time: Floats, status: Ints, cause: int = 1, level: float = 0.95) -> pd.DataFrame:
    """The curve of one cause in one group.

    Parameters
    ----------
    time : ndarray, shape (n,)
        Positive follow-up times.
    status : ndarray of int, shape (n,)
        0 censored, 1, 2, … the events.
    cause : int, default 1
        The event of interest.
    level : float, default 0.95
        Level of the pointwise intervals.

    Returns
    -------
    DataFrame
        One row per distinct time, with the columns of :class:`CumulativeIncidenceResult`'s ``curve``.

    Examples
    --------
    >>> cause_curve(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1, 2, 1, 0]))["incidence"].tolist()
    [0.25, 0.25, 0.5, 0.5]
    """
    times, place = np.unique(time, return_inverse=True)
    total = np.bincount(place).astype(float)
    own = np.bincount(place, weights=status == cause).astype(float)
    other = np.bincount(place, weights=(status != cause) & (status != 0)).astype(float)
    risk = total[::-1].cumsum()[::-1]
    survival = np.cumprod(1 - (own + other) / risk)
    before = np.r_[1.0, survival[:-1]]
    incidence = np.cumsum(before * own / risk)
    error = np.sqrt(_variance(incidence, before, survival, own, other, risk))
    z = normal_quantile(level)
    lower, upper = np.full(times.size, np.nan), np.full(times.size, np.nan)
    inner = (incidence > 0) & (incidence < 1)
    width = z * error[inner] / (incidence[inner] * np.abs(np.log(incidence[inner])))
    # an exponent beyond the largest float gives the limit 0, as it should
    with np.errstate(over="ignore"):
        lower[inner] = incidence[inner] ** np.exp(width)
        upper[inner] = incidence[inner] ** np.exp(-width)
    return pd.DataFrame({
        "time": times, "incidence": incidence, "std_err": error, "lower": lower, "upper": upper,
        "n_risk": risk.astype(np.int64), "n_event": own.astype(np.int64), "n_competing": other.astype(np.int64),
        "n_censor": (total - own - other).astype(np.int64),
    })  # fmt: skip


def _variance(incidence: Floats, before: Floats, survival: Floats, own: Floats, other: Floats, risk: Floats) -> Floats:
    """Gray's variance at each time.

    An event of the cause at u moves the incidence at t by 1 - (F(t) - F(u)) / S(u), a competing one by
    -(F(t) - F(u)) / S(u), each in units of S(u-) / at risk; the sums over u are kept as three running sums.
    """
    back = np.divide(1.0, survival, out=np.zeros_like(survival), where=survival > 0)
    one = _tied(own, risk) * before**2
    two = np.where(survival > 0, _tied(other, risk) * before**2, 0.0)
    first, second = 1 + incidence * back, incidence * back
    constant = np.cumsum(first**2 * one + second**2 * two)
    linear = np.cumsum(back * (first * one + second * two))
    square = np.cumsum(back**2 * (one + two))
    return np.asarray(np.maximum(constant - 2 * incidence * linear + incidence**2 * square, 0.0))


def _tied(count: Floats, risk: Floats) -> Floats:
    """Variance of a number of tied events over the squared number at risk."""
    share = np.divide(count - 1, risk - 1, out=np.zeros_like(risk), where=(count > 1) & (risk > 1))
    return np.asarray((1 - share) * count / risk**2)
