"""Landmark data: units still under observation at a landmark, with time counted from there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from radiogen.errors import fail
from radiogen.stats._design import take
from radiogen.stats._validate import Floats, is_number, number, numbers, survival
from radiogen.stats.result import StatResult


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class LandmarkResult(StatResult):
    """Landmark data, one row of the result for each landmark.

    Parameters
    ----------
    frame : DataFrame
        The rows under observation at each landmark, all columns kept, with ``duration`` counted from the
        landmark and cut at the window, and the column ``landmark``.
    """

    frame: pd.DataFrame = field(default_factory=pd.DataFrame)


def landmark(
    frame: pd.DataFrame,
    duration: str,
    event: str,
    at: float | ArrayLike,
    window: float | None = None,
    occurred: str | Sequence[str] = (),
) -> LandmarkResult:
    """Prepare data so that what happens during follow-up can be a covariate without immortal time.

    Parameters
    ----------
    frame : DataFrame, n rows
        One row per unit.
    duration, event : str
        Columns of positive times, and of 0 (censored) and 1 (event).
    at : float or array-like of float
        Landmark in the unit of the times; several give stacked data (stratify by ``landmark`` and take
        the unit as cluster).
    window : float, optional
        Follow-up after the landmark is cut here; later events are censored.
    occurred : str or sequence of str, default ()
        Columns with the time of an intermediate event (response, relapse), missing where it was never
        seen.  Each gives ``{column}_by_landmark``: 1 where it came at or before the landmark, else 0.

    Returns
    -------
    LandmarkResult
        ``frame``; ``n`` units and ``events`` after each landmark; ``result["excluded_events"]`` and
        ``["excluded_censored"]`` count those whose follow-up ended at or before it.

    Raises
    ------
    RadiogenError
        RG203 for a column that is not there; RG402, RG403, RG705 for unusable columns; RG701 where nobody is
        left at a landmark; RG708 for a landmark that is negative, or a window that is not positive.

    Notes
    -----
    A unit whose event or censoring is at the landmark itself is no longer under observation: time
    after it would be 0.  Choose the landmark before looking at the outcomes.

    References
    ----------
    Anderson, Cain and Gelber, J Clin Oncol 1983;1:710, doi 10.1200/JCO.1983.1.11.710.  van Houwelingen, Scand J
    Stat 2007;34:70, doi 10.1111/j.1467-9469.2006.00529.x.

    Examples
    --------
    >>> d = pd.DataFrame({"t": [2.0, 5.0, 9.0], "e": [1, 1, 0], "response": [1.0, 4.0, None]})
    >>> landmark(d, "t", "e", at=3, occurred="response").frame[["t", "response_by_landmark"]].to_numpy().tolist()
    [[2.0, 0.0], [6.0, 0.0]]
    """
    columns = [occurred] if isinstance(occurred, str) else list(occurred)
    data = take(frame, [duration, event, *columns])
    made = {"landmark", *(f"{name}_by_landmark" for name in columns)} & set(frame.columns)
    if made:
        raise fail("RG705", "The frame has columns that landmark data would overwrite; rename them.", value=sorted(made))
    t, e = survival(data[duration], data[event])
    points = numbers(at, "at")
    if (points < 0).any() or np.unique(points).size < points.size:
        raise fail("RG708", "Landmarks must be different and not negative.", value=points.tolist())
    if window is not None and not (is_number(window) and window > 0):
        raise fail("RG708", "`window` must be a positive number.", value=window)
    seen = {name: _times(data[name], name) for name in columns}
    parts = []
    for point in points:
        left = t > point
        if not left.any():
            raise fail("RG701", f"Nobody is under observation at {point:g}.", value=point)
        after = t[left] - point
        end = np.inf if window is None else float(window)
        part = frame[left].copy()
        part[duration] = np.minimum(after, end)
        part[event] = (e[left] & (after <= end)).astype(np.int64)
        part["landmark"] = float(point)
        for name, values in seen.items():
            part[f"{name}_by_landmark"] = (values[left] <= point).astype(np.int64)
        parts.append(part)
    whole = pd.concat(parts, ignore_index=len(parts) > 1)
    return LandmarkResult(
        method="landmark data, follow-up beyond it" + ("" if window is None else f", window {window:g}"),
        n=np.array([len(part) for part in parts]),
        events=np.array([int(part[event].sum()) for part in parts]),
        label=[f"{point:g}" for point in points],
        extra={
            "excluded_events": [int((e & (t <= point)).sum()) for point in points],
            "excluded_censored": [int((~e & (t <= point)).sum()) for point in points],
        },
        frame=whole,
    )


def _times(column: pd.Series, name: str) -> Floats:
    values = number(column, name, missing=True)
    if (values < 0).any():
        raise fail("RG402", f"`{name}` has {int((values < 0).sum())} negative values.", column=name)
    return np.where(np.isnan(values), np.inf, values)
