"""Rows put together from a unit and a background, for models of tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from radiogen.errors import fail

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


class Table:
    """Units and background as matrices, and a model that is asked about mixtures of both.

    Parameters
    ----------
    predict : callable
        Gets a DataFrame where ``x`` is one, else a matrix; gives shape (m,) or (m, outputs).
    x, background : DataFrame or array
        Of the same columns.
    """

    def __init__(self, predict: Callable[[Any], ArrayLike], x: Any, background: Any) -> None:
        self.predict = predict
        self.frame = isinstance(x, pd.DataFrame)
        if self.frame != isinstance(background, pd.DataFrame) or np.ndim(x) != 2 or np.ndim(background) != 2:
            raise fail("RG705", "`X` and `background` must both be DataFrames or both matrices")
        self.columns = list(x.columns) if self.frame else list(range(np.shape(x)[1]))
        other = list(background.columns) if self.frame else list(range(np.shape(background)[1]))
        if self.columns != other or not len(background) or not len(x):
            raise fail("RG705", "`X` and `background` must have the same columns and at least one row", value=other[:5])
        self.types = x.dtypes if self.frame else None
        self.x = x.to_numpy() if self.frame else np.asarray(x)
        self.background = background.to_numpy() if self.frame else np.asarray(background)
        self.units = list(x.index) if self.frame else list(range(len(x)))

    def ask(self, rows: NDArray[Any]) -> FloatArray:
        """Predictions of rows, shape (m, outputs)."""
        given: Any = rows
        if self.frame:
            given = pd.DataFrame(rows, columns=self.columns).astype(self.types)
        found = np.asarray(self.predict(given), dtype=float)
        if found.shape[:1] != (len(rows),) or found.ndim > 2:
            raise fail("RG705", f"`predict` must give one row for each of {len(rows)} rows", value=found.shape)
        if not np.isfinite(found).all():
            raise fail("RG705", "`predict` gives values that are not finite")
        return found.reshape(len(rows), -1)

    def numbers(self) -> pd.DataFrame:
        """The units' values, as they came."""
        return pd.DataFrame(self.x, columns=self.columns, index=self.units)
