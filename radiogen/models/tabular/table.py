"""Tables, classes, groups and options as a network takes them; errors name what is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radiogen.errors import fail

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def read_table(X: Any, what: str = "X", *, missing: bool = False) -> tuple[Floats, tuple[str, ...] | None]:
    """A table as float64 and the names of its columns, where it has any.

    Parameters
    ----------
    X : DataFrame or array-like, shape (n, p)
    what : str
        Its name in errors.
    missing : bool, default False
        Whether NaN passes.

    Raises
    ------
    RadiogenError
        RG705 for text, another number of dimensions, no row or column, two columns of one name, infinite or (unless
        ``missing``) missing values.

    Examples
    --------
    >>> from radiogen.models.tabular.table import read_table
    >>> read_table([[1, 2], [3, 4]])[0].shape
    (2, 2)
    """
    names = tuple(str(c) for c in X.columns) if isinstance(X, pd.DataFrame) else None
    if names is not None and len(set(names)) < len(names):
        raise fail("RG705", f"two columns of `{what}` have one name", column=next(n for n in names if names.count(n) > 1))
    try:
        values = X.to_numpy(dtype=np.float64, na_value=np.nan) if names is not None else np.asarray(X, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise fail("RG705", f"`{what}` must hold numbers") from error
    if values.ndim != 2 or 0 in values.shape:
        raise fail("RG705", f"`{what}` needs rows and columns, and has the shape {values.shape}")
    wrong = np.isinf(values) if missing else ~np.isfinite(values)
    if wrong.any():
        column = int(np.flatnonzero(wrong.any(axis=0))[0])
        word = "infinite" if missing else "missing or infinite"
        raise fail("RG705", f"`{what}` has {int(wrong.sum())} {word} values", column=names[column] if names else str(column))
    return values, names


def read_classes(y: Any, n: int) -> tuple[NDArray[Any], Ints]:
    """The classes in order, and the number of the class of each unit.

    Raises
    ------
    RadiogenError
        RG705 for another length than ``n`` or a class that is not known; RG701 for fewer than two classes.

    Examples
    --------
    >>> from radiogen.models.tabular.table import read_classes
    >>> read_classes(["wild", "mutated", "wild"], 3)[1].tolist()
    [1, 0, 1]
    """
    values = y if isinstance(y, pd.Series | pd.Categorical) else np.asarray(y)
    if np.ndim(values) != 1 or len(values) != n:
        raise fail("RG705", f"`y` must be one class per unit: it has the shape {np.shape(values)}, and there are {n} units")
    if pd.isna(values).any():
        raise fail("RG705", f"`y` is not known in {int(pd.isna(values).sum())} units")
    classes, codes = np.unique(np.asarray(values), return_inverse=True)
    if len(classes) < 2:
        raise fail("RG701", "all units are of one class; a classifier needs two")
    return classes, codes.astype(np.int64)


def read_groups(groups: Any, n: int) -> Ints:
    """Numbers of the groups (patients); without groups each unit is its own.

    Raises
    ------
    RadiogenError
        RG705 for another length or a group that is not known.
    """
    if groups is None:
        return np.arange(n)
    values = groups if isinstance(groups, pd.Series | pd.Categorical) else np.asarray(groups)
    if np.ndim(values) != 1 or len(values) != n:
        raise fail("RG705", f"`groups` must have one value per unit: it has the shape {np.shape(values)}, for {n} units")
    codes = pd.factorize(np.asarray(values))[0].astype(np.int64)
    if (codes < 0).any():
        raise fail("RG705", f"the group of {int((codes < 0).sum())} units is not known")
    return codes


@dataclass(frozen=True)
class Scaling:
    """Means and standard deviations of columns, learnt on training units.

    Parameters
    ----------
    mean, scale : array, shape (p,)
        A constant column has scale 1, so that it becomes zero and no infinity.
    """

    mean: Floats
    scale: Floats

    @classmethod
    def of(cls, values: Floats) -> Scaling:
        """Learnt from rows; NaN is left out."""
        mean, sd = np.nanmean(values, axis=0), np.nanstd(values, axis=0)
        # a constant column has a standard deviation of some rounding errors
        flat = sd <= 1e-12 * np.maximum(np.abs(mean), 1e-300)
        return cls(mean, np.where(flat, 1.0, sd))

    def __call__(self, values: Floats) -> Floats:
        """Standardised values."""
        return (values - self.mean) / self.scale


def check_range(name: str, value: Any, low: float, high: float, *, whole: bool = False) -> None:
    """Refuse (RG708) an option that is not a number, or a whole one, from ``low`` to ``high``."""
    kinds = (int, np.integer) if whole else (int, float, np.number)
    if isinstance(value, bool | np.bool_) or not isinstance(value, kinds) or not low <= value <= high:
        raise fail("RG708", f"`{name}` must be a {'whole ' if whole else ''}number from {low:g} to {high:g}", value=value)


def check_word(name: str, value: Any, words: Sequence[str]) -> None:
    """Refuse (RG708) an option that is none of the words."""
    if not isinstance(value, str) or value not in words:
        raise fail("RG708", f"`{name}` must be one of {', '.join(words)}", value=value)
