"""Features, batches and covariates of one call, checked and as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radiogen.errors import fail

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Call:
    """What one call of ``fit`` or ``transform`` brings.

    Parameters
    ----------
    values : ndarray, shape (n, p)
        Features; NaN is missing.
    names : tuple of str, length p
        Names of the features.
    columns : tuple of str
        Names of all columns of X, batch and covariates among them.
    batch : ndarray of str, length n
    covariates : DataFrame, n rows
    frame : DataFrame or None
        The features as they were given, where that was a frame.
    """

    values: Floats
    names: tuple[str, ...]
    columns: tuple[str, ...]
    batch: NDArray[np.object_]
    covariates: pd.DataFrame
    frame: pd.DataFrame | None


def read_call(X: Any, batch: Any, covariates: Any, own_batch: str | None, own_covariates: Sequence[str]) -> Call:
    """Sort out X, batch and covariates, given beside X or as columns of it.

    Raises
    ------
    RadiogenError
        RG708 given twice or not at all, RG203 a column that X lacks, RG705 what cannot be used.
    """
    if isinstance(own_covariates, str):
        raise fail("RG708", "`covariates` is a sequence of names of columns", value=own_covariates)
    if (own_batch is None) == (batch is None):
        text = "the batch is named as a column and given beside X; give one" if batch is not None else (
            "the batch is not given: name its column in `ComBat(batch=…)`, or pass `batch=` with X")
        raise fail("RG708", text, column="batch")
    own_covariates = own_covariates or ()
    if own_covariates and covariates is not None:
        raise fail("RG708", "covariates are named as columns and given beside X; give one", column="covariates")
    taken = [*([own_batch] if own_batch is not None else []), *own_covariates]
    frame = X if isinstance(X, pd.DataFrame) else None
    if taken and frame is None:
        raise fail("RG708", f"X must be a DataFrame with the columns {', '.join(taken)}", column=taken[0])
    if frame is not None:
        lacking = [c for c in taken if c not in frame.columns]
        if lacking:
            raise fail("RG203", f"X has no column '{lacking[0]}'", column=lacking[0])
        if frame.columns.has_duplicates:
            raise fail("RG705", f"X has the column '{frame.columns[frame.columns.duplicated()][0]}' twice")
        if own_batch is not None:
            batch = frame[own_batch]
        beside = frame[list(own_covariates)] if own_covariates else _aligned(covariates, frame.index)
        features = frame.drop(columns=taken)
        values, names = _matrix(features), tuple(str(c) for c in features.columns)
        batch = _aligned(batch, frame.index) if isinstance(batch, pd.Series) else batch
    else:
        features = None
        values = _matrix(X)
        beside = covariates
        names = tuple(f"x{i}" for i in range(values.shape[1]))
    _check_values(values, names)
    columns = tuple(str(c) for c in frame.columns) if frame is not None else names
    labels = _labels(batch, len(values))
    return Call(values, names, columns, labels, _beside(beside, len(values)), features)


def _aligned(given: Any, index: pd.Index) -> Any:
    """A Series or DataFrame beside X has the rows of X, in its order."""
    if isinstance(given, pd.Series | pd.DataFrame) and not given.index.equals(index):
        raise fail("RG705", "batch and covariates must have the rows of X, in its order", fix="Use `.loc[X.index]`.")
    return given


def _matrix(X: Any) -> Floats:
    if isinstance(X, pd.DataFrame):
        texts = [c for c, d in X.dtypes.items() if not (pd.api.types.is_numeric_dtype(d) or pd.api.types.is_bool_dtype(d))]
        if texts:
            raise fail("RG705", f"features must be numbers; '{texts[0]}' is {X[texts[0]].dtype}", column=str(texts[0]),
                       fix="Name columns that are no features in `batch` or `covariates`, or leave them out.")  # fmt: skip
        return X.to_numpy(dtype=np.float64, na_value=np.nan)
    array = np.asarray(X)
    if array.ndim != 2 or array.dtype.kind not in "biuf":
        raise fail("RG705", f"X must be a two-dimensional array of numbers; it is {array.dtype} of shape {array.shape}")
    return array.astype(np.float64)


def _check_values(values: Floats, names: tuple[str, ...]) -> None:
    if not values.shape[1]:
        raise fail("RG705", "X has no feature")
    infinite = np.isinf(values).any(axis=0)
    if infinite.any():
        first = names[int(np.flatnonzero(infinite)[0])]
        raise fail("RG705", f"{int(infinite.sum())} features have infinite values, such as '{first}'", column=first)


def _labels(batch: Any, n: int) -> NDArray[np.object_]:
    """Batches as text; a missing one is refused, since nothing can be done to that unit."""
    series = pd.Series(batch).reset_index(drop=True)
    if len(series) != n:
        raise fail("RG705", f"X has {n} rows and the batch {len(series)}", column="batch")
    if series.isna().any():
        raise fail("RG705", f"the batch of {int(series.isna().sum())} of {n} units is not known", column="batch",
                   fix="Fill in the batch, or leave these units out of the harmonisation.")  # fmt: skip
    return np.array([label_text(v) for v in series], dtype=object)


def label_text(value: Any) -> str:
    """A batch as text: 3, 3.0 and "3" are one scanner, since a column with gaps becomes floating."""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def _beside(covariates: Any, n: int) -> pd.DataFrame:
    if covariates is None:
        return pd.DataFrame(index=range(n))
    if isinstance(covariates, pd.Series):
        covariates = covariates.to_frame(covariates.name if covariates.name is not None else "covariate")
    if not isinstance(covariates, pd.DataFrame):
        raise fail("RG705", "covariates must be a DataFrame with one column for each", column="covariates")
    if len(covariates) != n:
        raise fail("RG705", f"X has {n} rows and the covariates {len(covariates)}", column="covariates")
    found = covariates.reset_index(drop=True)
    missing = found.isna().sum()
    if missing.any():
        column = str(missing.idxmax())
        raise fail("RG705", f"the covariate '{column}' is missing in {int(missing.max())} of {n} units", column=column,
                   fix="Impute it beforehand, inside the fold, or leave it out.")  # fmt: skip
    return found
