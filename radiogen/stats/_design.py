"""Model matrices: numbers as they are, categories as indicators, aliased columns found and named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from radiogen.errors import fail
from radiogen.stats._validate import Floats, groups, moderate, number, word

#: a column whose part outside the others is smaller than this is aliased (R's qr tolerance)
_ALIASED = 1e-7


@dataclass(frozen=True)
class Design:
    """A model matrix (n × p, without intercept), the name of each column and its covariate."""

    x: Floats
    terms: list[str]
    sources: list[str]


def take(frame: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """The columns named, each once and present."""
    if not isinstance(frame, pd.DataFrame):
        raise fail("RG705", "`frame` must be a pandas DataFrame.", value=type(frame).__name__)
    for name in columns:
        found = int((frame.columns == name).sum())
        if found != 1:
            code = "RG203" if found == 0 else "RG210"
            raise fail(code, f"The frame has {found} columns '{name}'.", column=name)
    if len(set(columns)) != len(columns):
        raise fail("RG705", "A column is named twice.", value=list(columns))
    return frame[list(columns)]


def listed(columns: Sequence[str]) -> list[str]:
    """Column names as a list; one name alone is a slip that would be read letter by letter."""
    if isinstance(columns, str):
        raise fail("RG705", "Give the columns as a list of names.", value=columns)
    return list(columns)


def design(frame: pd.DataFrame) -> Design:
    """The model matrix of a frame.

    Numbers and booleans give one column.  Text and categories give one 0/1 column per level but
    the first (in the order of the categorical, otherwise sorted), named ``column[level]``.
    """
    columns: list[Floats] = []
    terms: list[str] = []
    sources: list[str] = []
    for name in frame.columns:
        series = frame[name]
        if series.isna().any():
            count = f"{int(series.isna().sum())} missing values of {len(series)}"
            raise fail("RG705", f"Covariate '{name}' has {count}.", column=str(name))
        if is_numeric(series):
            columns.append(moderate(number(series, str(name)), str(name)))
            terms.append(str(name))
            sources.append(str(name))
            continue
        codes, levels = groups(series, str(name))
        for code, level in enumerate(levels[1:], start=1):
            columns.append((codes == code).astype(float))
            terms.append(f"{name}[{word(level)}]")
            sources.append(str(name))
        if len(levels) == 1:
            columns.append(np.zeros(len(series)))
            terms.append(str(name))
            sources.append(str(name))
    x = np.column_stack(columns) if columns else np.empty((len(frame), 0))
    return Design(x, terms, sources)


def is_numeric(series: pd.Series) -> bool:
    """Whether a column holds numbers or truth values rather than categories."""
    if isinstance(series.dtype, pd.CategoricalDtype):
        return False
    if series.dtype.kind in "mMc":
        name = str(series.name)
        raise fail("RG703", f"Column '{name}' holds dates or complex numbers.", column=name)
    if pd.api.types.is_numeric_dtype(series.dtype):
        return True
    values = series.dropna()
    return bool(len(values)) and all(isinstance(v, int | float | np.number | np.bool_) for v in values)


def aliased(x: Floats, terms: list[str]) -> dict[int, str]:
    """Columns that an intercept and the columns before them determine, with the reason.

    Works through the columns in the order given, as R's ``lm`` and ``coxph`` do, so that the
    later of two collinear columns is the one left out.
    """
    centred = x - x.mean(axis=0)
    basis = np.empty((x.shape[0], 0))
    kept: list[int] = []
    found: dict[int, str] = {}
    for index in range(x.shape[1]):
        column = centred[:, index]
        norm = float(np.linalg.norm(column))
        if np.ptp(x[:, index]) <= 1e-13 * np.max(np.abs(x[:, index]), initial=0.0):
            found[index] = "constant"
            continue
        rest = column.copy()
        # twice: one pass of Gram-Schmidt is not accurate enough near collinearity
        for _ in range(2):
            rest = rest - basis @ (basis.T @ rest)
        if np.linalg.norm(rest) <= _ALIASED * norm:
            found[index] = _reason(centred, kept, column, terms)
            continue
        basis = np.column_stack([basis, rest / np.linalg.norm(rest)])
        kept.append(index)
    return found


def _reason(centred: Floats, kept: list[int], column: Floats, terms: list[str]) -> str:
    before = centred[:, kept]
    scale = np.linalg.norm(before, axis=0)
    weights = np.linalg.lstsq(before / scale, column, rcond=None)[0]
    share = np.abs(weights) / np.linalg.norm(column)
    names = [terms[k] for k, s in zip(kept, share, strict=True) if s > 1e-6]
    return f"linear combination of {', '.join(names)}" if names else "linear combination of other columns"


def standardise(x: Floats) -> tuple[Floats, Floats, Floats]:
    """Columns with mean 0 and standard deviation 1, and the means and deviations taken out."""
    centre = x.mean(axis=0)
    scale = x.std(axis=0)
    return (x - centre) / scale, centre, scale
