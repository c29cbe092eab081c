"""From a frame of predictors to a matrix: everything that is learnt is learnt in ``fit``.

Median imputation with missing indicators, one-hot coding with a fixed reference level,
scaling, filters for constant and for nearly equal columns, and a univariable screen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radiogen.errors import fail
from radiogen.stats.nelson import null_martingale

FloatArray = NDArray[np.float64]

#: a missing indicator needs so many training units with the value missing, and with it known
MIN_INDICATOR = 5


def class_response(y: NDArray[np.int_], n_classes: int) -> FloatArray:
    """Class membership as an indicator matrix, the response of a univariable screen.

    Parameters
    ----------
    y : array of int, shape (n,)
        Class numbers 0 … ``n_classes - 1``.
    n_classes : int

    Returns
    -------
    array, shape (n, n_classes)
    """
    return np.eye(n_classes)[np.asarray(y, dtype=int)]


def survival_response(time: FloatArray, event: NDArray[np.int_]) -> FloatArray:
    """Martingale residuals of the model without predictors, the response of a survival screen.

    The correlation of a predictor with them is, up to a scale, its Cox score statistic.

    Parameters
    ----------
    time : array, shape (n,)
    event : array of 0 and 1, shape (n,)

    Returns
    -------
    array, shape (n, 1)
        Event indicator minus the Nelson-Aalen cumulative hazard at the unit's own time.
    """
    return null_martingale(time, event)[:, None]


@dataclass
class Preprocessor:
    """Frame of predictors in, standardised matrix out; fitted on training data only.

    Parameters
    ----------
    screened : sequence of str
        Columns that the correlation filter and the screen may drop (image features).
        All others stay whenever they vary.
    max_correlation : float, default 0.95
        Of two columns whose absolute Pearson correlation in the training data is higher, the
        later one is dropped if it is among ``screened``: texture features come in near copies.
    keep : int or None, default 100
        At most so many of the ``screened`` columns stay, those most related to the response
        in the training data.  None keeps all.

    Attributes
    ----------
    names : list of str
        Columns of the matrix: numeric columns by name, ``column=level`` for a category
        against its reference, ``column (missing)`` for a missing indicator.
    reference : dict of str to str
        Reference level of each categorical column.

    Notes
    -----
    A numeric column's missing value becomes the training median, and an indicator column says
    so where at least five training units lack the value and five have it.  Columns that are
    missing for the same training units share one indicator, so that a modality that was not done
    adds one column, not one per feature.  A missing category has all its dummies at zero and its
    own indicator.  A level that the training data did not have is treated as the reference.  All
    columns, dummies included, are scaled to mean 0 and standard deviation 1 of the training data.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> frame = pd.DataFrame({"age": [40.0, 50.0, np.nan, 60.0], "side": ["left", "right", "left", "left"]})
    >>> p = Preprocessor().fit(frame)
    >>> p.names
    ['age', 'side=right']
    >>> p.transform(frame)[2].round(2).tolist()
    [0.0, -0.58]
    """

    screened: Sequence[str] = ()
    max_correlation: float = 0.95
    keep: int | None = 100
    names: list[str] = field(default_factory=list, init=False)
    reference: dict[str, str] = field(default_factory=dict, init=False)

    def fit(self, frame: pd.DataFrame, response: FloatArray | None = None) -> Preprocessor:
        """Learn medians, levels, scales and which columns stay.

        Parameters
        ----------
        frame : DataFrame, shape (n, columns)
            Numeric or categorical columns.
        response : array, shape (n, m), optional
            What the screen relates columns to; needed where ``keep`` bites.

        Returns
        -------
        Preprocessor
            Itself, fitted.

        Raises
        ------
        RadiogenError
            RG705 if there are no rows, or an infinite value.  Where no column varies the matrix is one
            column of zeros.
        """
        if not len(frame):
            raise fail("RG705", "there are no rows to fit the preprocessing on")
        kinds = [(c, is_numeric(d)) for c, d in frame.dtypes.items()]
        self._numeric = [c for c, number in kinds if number]
        self._categorical = [c for c, number in kinds if not number]
        self._learn_numeric(frame)
        self._learn_levels(frame)
        self._learn_indicators(frame)
        raw, names = self._raw(frame)
        self._mean, self._scale = raw.mean(axis=0), raw.std(axis=0)
        kept = np.flatnonzero(self._scale > 1e-10 * np.maximum(1.0, np.abs(self._mean)))
        if not len(kept):
            # a rare category can be absent from one fold: a column of zeros says nothing, and the fold goes on
            kept, self._scale = np.array([0]), np.full(raw.shape[1], np.inf)
        z: FloatArray = (raw[:, kept] - self._mean[kept]) / self._scale[kept]
        screened = set(self.screened)
        can_drop = np.array([names[i] in screened for i in kept])
        stay = _uncorrelated(z, can_drop, self.max_correlation)
        kept, z, can_drop = kept[stay], z[:, stay], can_drop[stay]
        if self.keep is not None and can_drop.sum() > self.keep:
            stay = _screen(z, can_drop, self.keep, response)
            kept = kept[stay]
        self._kept = kept
        self.names = [names[i] for i in kept]
        return self

    def transform(self, frame: pd.DataFrame) -> FloatArray:
        """The matrix of a frame with the same columns.

        Parameters
        ----------
        frame : DataFrame, shape (n, columns)

        Returns
        -------
        array, shape (n, len(names))
        """
        raw, _ = self._raw(frame)
        kept = self._kept
        return (raw[:, kept] - self._mean[kept]) / self._scale[kept]

    def kinds(self) -> dict[str, bool]:
        """Whether each column with a known value in training is used as a number (else as a category)."""
        return {**dict.fromkeys(self._numeric, True), **dict.fromkeys(self._levels, False)}

    # -- what is learnt -----------------------------------------------------------

    def _learn_numeric(self, frame: pd.DataFrame) -> None:
        values = frame[self._numeric].to_numpy(dtype=float, na_value=np.nan)
        if np.isinf(values).any():
            raise fail("RG705", "a predictor holds an infinite value")
        known = ~np.isnan(values)
        some = known.any(axis=0)
        self._numeric = [c for c, keep in zip(self._numeric, some, strict=True) if keep]
        self._median = np.nanmedian(values[:, some], axis=0) if some.any() else np.zeros(0)

    def _learn_levels(self, frame: pd.DataFrame) -> None:
        self._levels: dict[str, list[str]] = {}
        for column in self._categorical:
            levels = levels_of(frame[column])
            if levels:
                self.reference[column] = levels[0]
                self._levels[column] = levels[1:]

    def _learn_indicators(self, frame: pd.DataFrame) -> None:
        patterns: dict[bytes, str] = {}
        columns = [*self._numeric, *self._levels]
        missing = frame[columns].isna().to_numpy()
        count = missing.sum(axis=0)
        for i in np.flatnonzero((count >= MIN_INDICATOR) & (len(frame) - count >= MIN_INDICATOR)):
            patterns.setdefault(missing[:, i].tobytes(), columns[i])
        self._indicators = list(patterns.values())

    def _raw(self, frame: pd.DataFrame) -> tuple[FloatArray, list[str]]:
        values = frame[self._numeric].to_numpy(dtype=float, na_value=np.nan)
        parts = [np.where(np.isnan(values), self._median, values)]
        names = list(self._numeric)
        for column, levels in self._levels.items():
            text = as_text(frame[column])
            for level in levels:
                parts.append((text == level).to_numpy(dtype=float)[:, None])
                names.append(f"{column}={level}")
        for column in self._indicators:
            parts.append(frame[column].isna().to_numpy(dtype=float)[:, None])
            names.append(f"{column} (missing)")
        if not names:
            return np.zeros((len(frame), 1)), [str(frame.columns[0])]
        return np.hstack(parts), names


def is_numeric(dtype: Any) -> bool:
    """Whether a column of this dtype is used as a number (true/false columns are categories)."""
    return pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_bool_dtype(dtype)


def as_text(column: pd.Series) -> pd.Series:
    """A categorical column as text, missing values kept missing."""
    known = column.notna()
    return column.astype(object).where(~known, column.astype(object).astype(str)).where(known, None)


def levels_of(column: pd.Series) -> list[str]:
    """Levels of a categorical column that occur, the reference first.

    A pandas categorical keeps its declared order; other columns are sorted.
    """
    present = set(as_text(column).dropna())
    if isinstance(column.dtype, pd.CategoricalDtype):
        return [str(level) for level in column.cat.categories if str(level) in present]
    return sorted(present)


def _uncorrelated(z: FloatArray, can_drop: NDArray[np.bool_], limit: float) -> NDArray[np.int_]:
    """Positions of the columns that stay: a later near copy goes if it may go."""
    if not can_drop.any():
        return np.arange(z.shape[1])
    correlation = np.abs(z.T @ z) / len(z)
    gone = np.zeros(z.shape[1], dtype=bool)
    for i in range(z.shape[1]):
        if not gone[i]:
            later = np.flatnonzero(correlation[i, i + 1 :] > limit) + i + 1
            gone[later[can_drop[later]]] = True
    return np.flatnonzero(~gone)


def _screen(
    z: FloatArray, can_drop: NDArray[np.bool_], keep: int, response: FloatArray | None
) -> NDArray[np.int_]:
    """Positions of the columns that stay: all exempt ones and the most related others."""
    if response is None:
        raise fail("RG705", f"{int(can_drop.sum())} columns are to be screened to {keep} without a response")
    centred = response - response.mean(axis=0)
    basis, diagonal, _ = np.linalg.svd(centred, full_matrices=False)
    basis = basis[:, diagonal > 1e-8 * max(diagonal[0], 1e-300)]
    related = ((basis.T @ z) ** 2).sum(axis=0)
    related[~can_drop] = -np.inf
    best = np.argsort(-related, kind="stable")[:keep]
    stay = ~can_drop
    stay[best] = True
    return np.flatnonzero(stay)
