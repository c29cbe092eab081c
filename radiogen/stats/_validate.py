"""Checks of arguments that all functions of this room share: coded errors, never a silent NaN."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Set
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from radiogen.errors import fail

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

#: models square their covariates: beyond this, and below one over it, squares are no numbers any more
_FAR = 1e100
#: a status is a small code
MOST_CODE = 1e6
#: R's tolerance for times that differ by rounding only (survival::aeqSurv)
_TIE_TOLERANCE = float(np.sqrt(np.finfo(float).eps))


#: the tie rule of all estimates from risk sets, for their method
EVENTS_FIRST = "events before censorings of the same time"


def number(x: ArrayLike | pd.Series, name: str, *, missing: bool = False) -> Floats:
    """A one-dimensional array of finite float64; NaN passes only where ``missing`` is true."""
    values = _to_float(x, name)
    if values.ndim != 1:
        raise fail("RG705", f"`{name}` must have one dimension and has {values.ndim}.", fix="Give one column of numbers.")
    if values.size == 0:
        raise fail("RG705", f"`{name}` is empty.", fix="See why no unit is left: a filter, a join or missing values.")
    if not missing and np.isnan(values).any():
        raise fail(
            "RG705", f"`{name}` has {int(np.isnan(values).sum())} missing values (NaN) of {values.size}.",
            fix=f"Leave these units out, or impute `{name}`, before the call: no unit is dropped silently.",
        )  # fmt: skip
    if np.isinf(values).any():
        raise fail(
            "RG705", f"`{name}` has {int(np.isinf(values).sum())} infinite values.",
            fix="Find the division by zero or the logarithm of 0 that made them, and leave these units out.",
        )  # fmt: skip
    return values


def numbers(x: Any, name: str) -> Floats:
    """One number or several, as an array of one dimension."""
    return number(x if isinstance(x, pd.Series | pd.Index) else np.atleast_1d(array_of(x, name)), name)


def array_of(x: Any, name: str) -> NDArray[Any]:
    """An array of what is given; masked values are missing, and rows of different length are refused."""
    if isinstance(x, np.ma.MaskedArray):
        hidden = np.ma.getmaskarray(x)
        if not hidden.any():
            return np.asarray(x.data)
        out = x.data.astype(float if x.dtype.kind in "biuf" else object)
        out[hidden] = np.nan
        return np.asarray(out)
    if isinstance(x, str | bytes | Mapping | Set | Iterator):
        raise fail(
            "RG705", f"`{name}` must be an array and is {type(x).__name__}.", fix="Give a list, an array or a column of a frame."
        )  # fmt: skip
    try:
        return np.asarray(x)
    except ValueError as error:
        raise fail("RG705", f"`{name}` has rows of different length.", fix="Give one value per unit.") from error


def moderate(values: Floats, name: str) -> Floats:
    """Numbers whose squares are numbers too: neither their size nor their spread is beyond 1e100 or below 1e-100."""
    if values.size and (np.abs(values).max() > _FAR or 0 < np.ptp(values) < 1 / _FAR):
        raise fail(
            "RG705", f"The size or spread of `{name}` lies beyond 1e100 or below 1e-100.", column=name,
            fix=f"Give '{name}' in another unit; check whether such a value stands for a missing one.",
            value=float(values[np.abs(values).argmax()]),
        )  # fmt: skip
    return values


def _to_float(x: Any, name: str) -> Floats:
    try:
        if isinstance(x, pd.Series | pd.Index | pd.api.extensions.ExtensionArray):
            series = pd.Series(x)
            if isinstance(series.dtype, pd.CategoricalDtype) or series.dtype.kind in "mMc":
                raise TypeError
            return series.to_numpy(dtype=float, na_value=np.nan)
        array = array_of(x, name)
        if array.dtype.kind not in "biuf" and not (array.dtype.kind == "O" and _all_numbers(array)):
            raise TypeError
        if array.dtype.kind == "O":
            return pd.Series(array.ravel()).to_numpy(dtype=float, na_value=np.nan).reshape(array.shape)
        return array.astype(float)
    except (TypeError, ValueError, OverflowError) as error:
        raise fail("RG705", f"`{name}` must be numbers.", fix=f"Give `{name}` as an array of numbers, one per unit.") from error


def _all_numbers(array: NDArray[Any]) -> bool:
    return all(v is None or v is pd.NA or isinstance(v, int | float | np.number | np.bool_) for v in array.ravel())


def is_number(value: Any) -> bool:
    """Whether an option is one finite number, and neither text nor true or false."""
    return isinstance(value, int | float | np.number) and not isinstance(value, bool | np.bool_) and bool(np.isfinite(value))


def binary(y: ArrayLike | pd.Series, name: str = "y", *, least: int = 1) -> Bools:
    """Values 0/1 or False/True, as bool, with at least ``least`` units in each class."""
    values = number(y, name)
    if not np.isin(values, (0.0, 1.0)).all():
        odd = sorted(set(values[~np.isin(values, (0.0, 1.0))].tolist()))[:3]
        raise fail(
            "RG705", f"`{name}` must be 0 and 1 (or False and True).", value=odd,
            fix=f"Write 1 for the class of interest: `{name} == value`.",
        )  # fmt: skip
    positive = values == 1.0
    for word, count in (("1", int(positive.sum())), ("0", int((~positive).sum()))):
        if count < least:
            raise fail("RG701", f"`{name}` has {count} units with value {word}; at least {least} are needed.")
    return positive


def same_length(**arrays: Any) -> int:
    """Check that all arrays have one length and return it."""
    sizes = {name: _size(a, name) for name, a in arrays.items() if a is not None}
    if len(set(sizes.values())) > 1:
        words = ", ".join(f"`{k}` {v}" for k, v in sizes.items())
        raise fail("RG705", f"Lengths differ: {words}.", fix="Give one value per unit in each.")
    return next(iter(sizes.values()))


def _size(array: Any, name: str) -> int:
    if isinstance(array, str) or not hasattr(array, "__len__") or np.ndim(array) == 0:
        raise fail("RG705", f"`{name}` must be an array.", fix=f"Give `{name}` as a list, an array or a column of a frame.")
    return len(array)


def survival(time: ArrayLike | pd.Series, event: ArrayLike | pd.Series) -> tuple[Floats, Bools]:
    """Positive times and 0/1 events of one length; times that differ by rounding are made equal."""
    t = number(time, "time")
    e = number(event, "event")
    same_length(time=t, event=e)
    if (t < 0).any():
        raise fail("RG402", f"`time` has {int((t < 0).sum())} negative values.", value=t.min())
    if (t == 0).any():
        raise fail("RG403", f"`time` has {int((t == 0).sum())} zeros.")
    if not np.isin(e, (0.0, 1.0)).all():
        raise fail(
            "RG705", "`event` must be 0 (censored) and 1 (event).", value=e[~np.isin(e, (0.0, 1.0))][0],
            fix="Write `event == code` with the code of the event; competing events need a function that takes them.",
        )  # fmt: skip
    return tie_times(t), e == 1.0


def tie_times(time: Floats) -> Floats:
    """Make times equal that differ by rounding only, as R's ``survival::aeqSurv`` does."""
    unique, inverse = np.unique(time, return_inverse=True)
    gaps = np.diff(unique)
    new = np.r_[True, (gaps > _TIE_TOLERANCE) & (gaps / np.mean(np.abs(unique)) > _TIE_TOLERANCE)]
    if new.all():
        return time
    return np.asarray(unique[new][np.cumsum(new) - 1][inverse])


def groups(group: Any, name: str = "group") -> tuple[Ints, list[Any]]:
    """Codes 0, 1, … and the levels that occur: in the order of a categorical, otherwise sorted."""
    array = group if isinstance(group, pd.Series | pd.Categorical) else _labels(group, name)
    if array.ndim != 1 or len(array) == 0:
        raise fail(
            "RG705", f"`{name}` must have one dimension and at least one value.", fix="Give one label for each unit."
        )  # fmt: skip
    series = pd.Series(array).reset_index(drop=True)
    if series.dtype == object and not all(isinstance(v, Hashable) for v in series):
        raise fail("RG705", f"`{name}` holds lists or other things that are no labels.", fix="Give one label for each unit.")
    if series.isna().any():
        raise fail(
            "RG705", f"`{name}` has {int(series.isna().sum())} missing values of {len(series)}.",
            fix="Leave these units out, or give the missing a level of their own.",
        )  # fmt: skip
    if isinstance(series.dtype, pd.CategoricalDtype):
        series = series.cat.remove_unused_categories()
        return np.asarray(series.cat.codes, dtype=np.int64), list(series.cat.categories)
    present = list(pd.unique(series))
    try:
        levels = sorted(present)
    except TypeError:
        levels = sorted(present, key=str)
    if all(isinstance(level, str) for level in levels):
        # as R and spreadsheets sort text: upper and lower case together
        levels = sorted(levels, key=lambda level: (level.casefold(), level))
    position = {level: index for index, level in enumerate(levels)}
    codes = series.map(position)
    return np.asarray(codes, dtype=np.int64), levels


def _labels(group: Any, name: str) -> NDArray[Any]:
    array = array_of(group, name) if isinstance(group, np.ma.MaskedArray | str | bytes | Mapping | Set | Iterator) else group
    return np.asarray(array, dtype=object)


def word(level: Any) -> str:
    """A level as text: 1.0 is shown as 1."""
    whole = isinstance(level, float | np.floating) and float(level).is_integer()
    return str(int(level)) if whole else str(level)


def normal_quantile(level: float) -> float:
    """The two-sided standard normal quantile of an interval's level."""
    if not isinstance(level, int | float) or not 0 < level < 1:
        raise fail("RG708", "`level` must lie between 0 and 1, such as 0.95.", value=level)
    return float(ndtri(0.5 + level / 2))


def choice(value: str, name: str, allowed: tuple[str, ...]) -> str:
    """A word out of those allowed."""
    if value not in allowed:
        raise fail("RG708", f"`{name}` must be one of {', '.join(allowed)}.", value=value)
    return value
