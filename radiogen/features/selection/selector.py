"""What all selectors share: the check of the table, names, order of columns, and the result as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.feature_selection import SelectorMixin

from radiogen.errors import fail
from radiogen.features.selection.target import Bools, Floats, Target, as_target

#: variation below this share of the size of the values is rounding
_ROUNDING = 1e-10


class Selector(SelectorMixin, BaseEstimator):
    """A scikit-learn transformer that keeps some of the columns of a table.

    A subclass gives ``_learn(x, target, groups)``: ``support`` (which columns stay) and other arrays with one value per
    column, which become attributes with an underscore after the name.

    Notes
    -----
    - Fit it inside the training fold, as a step of a pipeline: chosen on all units, features of pure noise "predict".
    - A missing value is refused (RG705) and the column named: how to fill it in is a decision of its own, whose step
      stands before this one.  Infinite values are refused too.  ``transform`` only takes columns and checks no value.
    - The columns of a DataFrame are handled in the order of their names, so that ties, and the numbers of the random
      generator, do not depend on the order in which they stand.
    """

    #: whether ``fit`` works without an outcome
    _outcome_needed = True

    def fit(self, X: Any, y: Any = None, groups: Any = None) -> Selector:
        """Learn which columns stay.

        Parameters
        ----------
        X : DataFrame or array, shape (n, p)
            Finite numbers.
        y : array-like, optional
            See :func:`radiogen.features.selection.as_target`.
        groups : array-like, shape (n,), optional
            Patient of each row, for selectors that split the units: rows of one patient stay together.  In a
            pipeline: ``pipeline.fit(X, y, step__groups=patients)``.

        Returns
        -------
        Selector
            Itself, fitted.

        Raises
        ------
        RadiogenError
            RG705 for missing or infinite values, text, columns of one name, or different lengths; what
            :func:`as_target` raises; RG708 for a parameter out of range.
        """
        values, names = checked(X)
        target = None if y is None and not self._outcome_needed else as_target(y)
        if target is not None and len(target) != len(values):
            raise fail("RG705", f"the outcome has {len(target)} units and the table {len(values)}")
        if groups is not None and len(groups) != len(values):
            raise fail("RG705", f"`groups` has {len(groups)} values and the table {len(values)} rows")
        self.n_features_in_ = values.shape[1]
        if names is not None:
            self.feature_names_in_ = np.array(names, dtype=object)
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        order = np.arange(len(values.T)) if names is None else np.argsort(np.array(names, dtype=str), kind="stable")
        patients = None if groups is None else pd.factorize(np.asarray(groups))[0]
        found = self._learn(np.ascontiguousarray(values[:, order]), target, patients)
        back = np.empty_like(order)
        back[order] = np.arange(len(order))
        for name, per_column in found.items():
            setattr(self, f"{name}_", np.asarray(per_column)[back])
        return self

    def _learn(self, x: Floats, target: Target | None, groups: NDArray[Any] | None) -> Mapping[str, NDArray[Any]]:
        raise NotImplementedError

    def transform(self, X: Any) -> Any:
        """The columns that stay, as a DataFrame where a DataFrame is given.

        Parameters
        ----------
        X : DataFrame or array, shape (n, p)
            With the columns of ``fit``; a DataFrame's are taken by name, whatever their order.

        Returns
        -------
        DataFrame or array, shape (n, kept)
        """
        support = self.get_support()
        names = getattr(self, "feature_names_in_", None)
        if isinstance(X, pd.DataFrame) and names is not None:
            lacking = [n for n in names[support] if n not in X.columns]
            if lacking:
                raise fail("RG705", f"{len(lacking)} selected columns are not in the table", column=str(lacking[0]))
            return X[list(names[support])]
        array = X if isinstance(X, pd.DataFrame) else np.asarray(X)
        if array.ndim != 2 or array.shape[1] != self.n_features_in_:
            text = f"the table has the shape {array.shape}, and the selection was fitted on {self.n_features_in_} columns"
            raise fail("RG705", text)
        return array.loc[:, support] if isinstance(array, pd.DataFrame) else array[:, support]

    def _get_support_mask(self) -> Bools:
        if not hasattr(self, "support_"):
            raise fail("RG705", f"{type(self).__name__} is not fitted yet", fix="Call `fit` first.")
        return np.asarray(self.support_)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = self._outcome_needed
        return tags


def checked(X: Any) -> tuple[Floats, list[str] | None]:
    """A table as finite float64 and the names of its columns; coded errors name the column."""
    names = [str(c) for c in X.columns] if isinstance(X, pd.DataFrame) else None
    if names is not None and len(set(names)) < len(names):
        twice = next(n for n in names if names.count(n) > 1)
        raise fail("RG705", "two columns have one name", column=twice)
    if isinstance(X, pd.DataFrame):
        for name, dtype in zip(names or (), X.dtypes, strict=True):
            if not pd.api.types.is_numeric_dtype(dtype):
                raise fail("RG705", f"the column is {dtype}, and selection needs numbers", column=name)
        values = X.to_numpy(dtype=np.float64, na_value=np.nan)
    else:
        try:
            values = np.asarray(X, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise fail("RG705", "the table must hold numbers") from error
    if values.ndim != 2 or not values.shape[0] or not values.shape[1]:
        raise fail("RG705", f"the table needs rows and columns, and has the shape {values.shape}")
    for wrong, word in ((np.isnan(values), "missing"), (np.isinf(values), "infinite")):
        if wrong.any():
            column = int(np.flatnonzero(wrong.any(axis=0))[0])
            text = f"{int(wrong.any(axis=0).sum())} columns hold {word} values; the first has {int(wrong[:, column].sum())}"
            fix = "Impute before selecting, in the same pipeline (sklearn.impute.SimpleImputer)." if word == "missing" else None
            raise fail("RG705", text, column=names[column] if names else str(column), **({"fix": fix} if fix else {}))
    return values, names


def varies(x: Floats) -> Bools:
    """Which columns are more than a constant and its rounding."""
    size = np.maximum(np.abs(x).max(axis=0), np.finfo(float).tiny)
    return np.asarray(np.ptp(x, axis=0) > _ROUNDING * size)


def standardised(x: Floats) -> Floats:
    """Columns with mean 0 and standard deviation 1 (divisor n); constant columns are 0."""
    known = varies(x)
    centred = x - x.mean(axis=0)
    spread = np.where(known, centred.std(axis=0), 1.0)
    return np.where(known, centred / spread, 0.0)


def best(score: Floats, number: int) -> NDArray[np.int_]:
    """Positions of the largest scores, the earlier of equal ones first; NaN never."""
    order = np.argsort(-np.where(np.isnan(score), -np.inf, score), kind="stable")
    return order[: min(number, int((~np.isnan(score)).sum()))]


def at_least(support: Bools, score: Floats, number: int) -> Bools:
    """The columns that stay, filled up with the next best to at least ``number``."""
    if support.sum() >= number:
        return support
    ranked = np.where(support, np.inf, score)
    filled = np.zeros_like(support)
    filled[best(ranked, number)] = True
    return filled


def inside(value: Any, name: str, low: float, high: float, *, whole: bool = False) -> None:
    """Raise RG708 unless a parameter is a number between two limits, both included."""
    right = isinstance(value, int | np.integer) if whole else isinstance(value, int | float | np.number)
    if not right or isinstance(value, bool) or not low <= value <= high:
        kind = "a whole number" if whole else "a number"
        upper = f" to {high:g}" if np.isfinite(high) else " upwards"
        raise fail("RG708", f"`{name}` must be {kind} from {low:g}{upper}", column=name, value=value)


def one_of(value: Any, name: str, allowed: tuple[str, ...]) -> None:
    """Raise RG708 unless a parameter is one of the words allowed."""
    if value not in allowed:
        raise fail("RG708", f"`{name}` must be one of {', '.join(allowed)}", column=name, value=value)
