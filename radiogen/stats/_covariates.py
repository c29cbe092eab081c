"""What a fitted model keeps of its data, so that other rows are coded as those of the fit were."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from radiogen.errors import fail
from radiogen.stats._design import is_numeric, take
from radiogen.stats._validate import Floats, groups, number, word

#: a number with at most so many different values is shown value by value, as in R's ``rms::datadist``
_FEW = 10


@dataclass(frozen=True)
class Spread:
    """The values of one covariate in the data of a fit.

    Parameters
    ----------
    levels : tuple of str
        Levels of a category, the reference first; empty for a number.
    low, high : float
        Smallest and largest value of a number.
    quartiles : tuple of float
        Its quartiles.
    values : tuple of float
        Its different values where there are at most ten.
    """

    levels: tuple[str, ...] = ()
    low: float = np.nan
    high: float = np.nan
    quartiles: tuple[float, ...] = ()
    values: tuple[float, ...] = ()


def spreads(frame: pd.DataFrame) -> dict[str, Spread]:
    """The spread of every column of a frame without missing values."""
    return {str(name): _spread(frame[name]) for name in frame.columns}


def levels_of(frame: pd.DataFrame) -> dict[str, tuple[str, ...]]:
    """Levels of the categorical columns, the reference first."""
    return {str(c): tuple(map(word, groups(frame[c], str(c))[1])) for c in frame.columns if not is_numeric(frame[c])}


def _spread(series: pd.Series) -> Spread:
    if not is_numeric(series):
        return Spread(levels=tuple(map(word, groups(series, str(series.name))[1])))
    values = number(series, str(series.name))
    different = np.unique(values)
    few = tuple(different.tolist()) if different.size <= _FEW else ()
    quartiles = tuple(np.quantile(values, [0.25, 0.5, 0.75]).tolist())
    return Spread((), float(different[0]), float(different[-1]), quartiles, few)


def columns_for(frame: pd.DataFrame, terms: Sequence[str], levels: Mapping[str, tuple[str, ...]]) -> Floats:
    """The columns of these terms for other rows (rows × terms).

    Raises RG203 for a column that is not there, RG705 for missing values and for a level that the model has not seen.
    """
    out = np.empty((len(frame), len(terms)))
    for index, term in enumerate(terms):
        name, level = split(term, levels)
        series = take(frame, [name])[name]
        out[:, index] = number(series, name) if level is None else indicator(series, level, levels[name])
    return out


def split(term: str, levels: Mapping[str, tuple[str, ...]]) -> tuple[str, str | None]:
    """The covariate of a term, and its level where it is a category."""
    for name, known in levels.items():
        if term.startswith(f"{name}[") and term[len(name) + 1 : -1] in known:
            return name, term[len(name) + 1 : -1]
    return term, None


def indicator(series: pd.Series, level: str, known: tuple[str, ...]) -> Floats:
    """1 where a category has the level, else 0."""
    name = str(series.name)
    if series.isna().any():
        raise fail("RG705", f"Covariate '{name}' has {int(series.isna().sum())} missing values.", column=name)
    words = series.map(word)
    new = sorted(set(words) - set(known))
    if new:
        raise fail("RG705", f"The model has not seen these levels of '{name}'.", value=new, column=name)
    return np.asarray(words == level, dtype=float)
