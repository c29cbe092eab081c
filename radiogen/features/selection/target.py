"""What an outcome is: two classes, several classes, or times with events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radiogen.errors import fail

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Kind = Literal["binary", "multiclass", "survival"]

#: fractions, or more distinct numbers than this that are also more than a third of the units, are a measurement, not classes
_MOST_CLASSES = 20
#: a selector needs so many units of a class, or events
_FEWEST = 2


@dataclass(frozen=True)
class Target:
    """An outcome in one form.

    Parameters
    ----------
    kind : {"binary", "multiclass", "survival"}
    codes : ndarray of int, shape (n,)
        Class numbers 0 … K − 1; of a survival outcome 1 where there is an event.
    classes : tuple
        The classes in the order of their numbers; empty for survival.
    time : ndarray of float, shape (n,), or None
        Time to event or censoring.
    """

    kind: Kind
    codes: Ints
    classes: tuple[Any, ...] = ()
    time: Floats | None = None

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def event(self) -> Bools:
        """Whether there is an event; of a survival outcome only."""
        return np.asarray(self.codes == 1)

    @property
    def times(self) -> Floats:
        """Times of a survival outcome."""
        if self.time is None:
            raise fail("RG703", f"a {self.kind} outcome has no times")
        return self.time

    def take(self, rows: NDArray[Any]) -> Target:
        """The outcome of some units, with the same classes."""
        return Target(self.kind, self.codes[rows], self.classes, None if self.time is None else self.time[rows])


def as_target(y: Any) -> Target:
    """Tell whether an outcome is binary, multi-class or survival, and bring it into one form.

    Parameters
    ----------
    y : array-like
        One dimension: classes (numbers, text, true and false, a categorical).  A structured array of one
        field of true and false and one of numbers, as scikit-survival makes it: survival.  A DataFrame with the columns
        ``time`` and ``event``: survival.  An array of two columns: survival, the time first, then the event as 0 and 1.

    Returns
    -------
    Target

    Raises
    ------
    RadiogenError
        RG703 for numbers that are a measurement and not classes, or a table of another form; RG705 for missing values, or
        an event that is not 0 and 1; RG701 for fewer than two classes, a class with one unit, or fewer than two
        events; RG402 and RG403 for times that are negative or zero.

    Examples
    --------
    >>> from radiogen.features.selection import as_target
    >>> as_target(["wild type", "mutated", "mutated", "wild type"]).classes
    ('mutated', 'wild type')
    >>> as_target([[5.0, 1], [8.0, 0], [2.5, 1]]).kind
    'survival'
    """
    if isinstance(y, Target):
        return y
    if y is None:
        raise fail("RG705", "this selection needs an outcome, and `y` is None")
    if isinstance(y, pd.DataFrame):
        return _of_frame(y)
    if isinstance(y, pd.Series | pd.Categorical):
        return _classes(pd.Series(y))
    array = np.asarray(y)
    if array.dtype.names:
        return _of_structured(array)
    if array.ndim == 2 and array.shape[1] == 2:
        return _survival(array[:, 0], array[:, 1])
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        text = "an outcome has one dimension (classes), or two columns, time and event; this one has the shape"
        raise fail("RG703", f"{text} {array.shape}")
    return _classes(pd.Series(array))


def _of_frame(y: pd.DataFrame) -> Target:
    if {"time", "event"} <= set(y.columns):
        return _survival(y["time"].to_numpy(), y["event"].to_numpy())
    if y.shape[1] == 1:
        return _classes(y.iloc[:, 0])
    raise fail("RG703", "a table as outcome needs the columns 'time' and 'event'", value=", ".join(map(str, y.columns)))


def _of_structured(y: NDArray[Any]) -> Target:
    names = y.dtype.names or ()
    events = [n for n in names if y.dtype[n].kind == "b"]
    times = [n for n in names if y.dtype[n].kind in "fiu"]
    if len(names) != 2 or len(events) != 1 or len(times) != 1:
        text = "a structured outcome has one field of true and false (the event) and one of numbers (the time)"
        raise fail("RG703", text, value=", ".join(names))
    return _survival(y[times[0]], y[events[0]])


def _numbers(values: NDArray[Any], name: str) -> Floats:
    try:
        found = pd.Series(values).to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise fail("RG705", f"the {name} of a survival outcome must be numbers", column=name) from error
    if not np.isfinite(found).all():
        raise fail("RG705", f"the {name} is missing or infinite for {int((~np.isfinite(found)).sum())} units", column=name)
    return np.asarray(found)


def _survival(time: NDArray[Any], event: NDArray[Any]) -> Target:
    t, e = _numbers(time, "time"), _numbers(event, "event")
    if not np.isin(e, (0.0, 1.0)).all():
        hint = " Are the two columns the wrong way round?" if np.isin(t, (0.0, 1.0)).all() else ""
        raise fail("RG705", f"the event must be 0 (censored) and 1.{hint}", column="event", value=e[~np.isin(e, (0.0, 1.0))][0])
    if (t < 0).any():
        raise fail("RG402", f"{int((t < 0).sum())} times are negative", column="time", value=t.min())
    if (t == 0).any():
        raise fail("RG403", f"{int((t == 0).sum())} times are 0", column="time")
    if e.sum() < _FEWEST:
        raise fail("RG701", f"a selection needs {_FEWEST} events, and there are {int(e.sum())}")
    return Target("survival", e.astype(np.int64), (), t)


def _classes(y: pd.Series) -> Target:
    if not len(y):
        raise fail("RG705", "the outcome is empty")
    if y.isna().any():
        raise fail("RG705", f"the outcome is missing for {int(y.isna().sum())} of {len(y)} units")
    _check_discrete(y)
    if isinstance(y.dtype, pd.CategoricalDtype):
        y = y.cat.remove_unused_categories()
        classes, codes = list(y.cat.categories), np.asarray(y.cat.codes)
    else:
        values = y.to_numpy()
        try:
            found, codes = np.unique(values, return_inverse=True)
        except TypeError as error:
            raise fail("RG705", "the classes of the outcome are of several types, such as text and numbers") from error
        classes = found.tolist()
    counts = np.bincount(codes, minlength=len(classes))
    if len(classes) < 2:
        raise fail("RG701", "the outcome has one class", value=classes[0])
    if counts.min() < _FEWEST:
        text = f"a class of the outcome has {counts.min()} unit; {_FEWEST} are needed"
        raise fail("RG701", text, value=classes[int(counts.argmin())])
    return Target("binary" if len(classes) == 2 else "multiclass", codes.astype(np.int64).ravel(), tuple(classes))


def _check_discrete(y: pd.Series) -> None:
    if isinstance(y.dtype, pd.CategoricalDtype) or not pd.api.types.is_numeric_dtype(y.dtype) or y.dtype.kind == "b":
        return
    values = y.to_numpy(dtype=np.float64)
    distinct = len(np.unique(values))
    fractions = bool((values != np.round(values)).any()) and distinct > 2
    if fractions or distinct > max(_MOST_CLASSES, len(y) / 3):
        text = f"the outcome has {distinct} different numbers: it is a measurement, and selection needs classes or survival"
        raise fail("RG703", text, fix="Cut it into classes, or give time and event.")
