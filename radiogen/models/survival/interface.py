"""What all survival models share: checked arguments, names of predictors, parameters as scikit-learn has them."""

from __future__ import annotations

import inspect
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from radiogen.errors import fail
from radiogen.models.survival.baseline import Baseline
from radiogen.stats._validate import is_number, number, same_length, tie_times

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class SurvivalModel:
    """Base of the survival models; a subclass writes ``_fit`` and ``_log_hazard``, and ``__init__`` with named parameters.

    ``__init__`` stores its arguments unchanged under their names, so that ``get_params``, ``set_params`` and scikit-learn's
    ``clone`` work; they are checked in ``_fit``.  ``_fit`` gets checked float64 arrays and leaves what it learns in attributes
    that end in ``_``.  A model whose ``fit`` takes more (groups, weights, strata) overrides it and calls ``_fit_checked``,
    which gives these to ``_fit`` by name where they are not None.  A model with proportional hazards sets ``baseline_``, and
    survival follows from it; others override ``_survival``.

    Attributes
    ----------
    feature_names_in_ : ndarray of str, shape (p,)
        Columns of the data frame fitted on; ``x0``, ``x1``, … for an array.
    n_features_in_ : int
    last_time_ : float
        Longest follow-up of the training data: survival is not known beyond it.
    """

    #: whether events may be 2 and more: competing risks
    _competing: ClassVar[bool] = False
    #: fewest events of the first cause
    _least_events: ClassVar[int] = 1

    baseline_: Baseline
    feature_names_in_: NDArray[Any]
    n_features_in_: int
    last_time_: float
    _framed: bool

    def fit(self, X: ArrayLike | pd.DataFrame, time: ArrayLike, event: ArrayLike) -> Self:
        """Fit the model.

        Parameters
        ----------
        X : array or DataFrame, shape (n, p)
            Numbers without missing values.
        time : array, shape (n,)
            Follow-up times, 0 or more, in any unit.
        event : array, shape (n,)
            1 where the event was seen at ``time``, 0 where the time is censored; models of competing risks take 2, 3, …

        Returns
        -------
        self

        Raises
        ------
        RadiogenError
            RG705 for unusable arrays, RG402 for a negative time, RG410 without events, RG708 for a parameter out of range.
        """
        return self._fit_checked(X, time, event)

    def _fit_checked(self, X: ArrayLike | pd.DataFrame, time: ArrayLike, event: ArrayLike, **extra: Any) -> Self:
        """Check the arguments and hand them to ``_fit``; ``extra`` is one value for each unit, or None: groups, weights, …"""
        x = self._columns(X)
        t, e = survival_arrays(time, event, competing=self._competing)
        same_length(X=x, time=t, event=e, **extra)
        if int((e == 1).sum()) < self._least_events:
            raise fail("RG410", f"there are {int((e == 1).sum())} events; at least {self._least_events} are needed.")
        self.last_time_ = float(t.max())
        self._fit(x, t, e, **{name: value for name, value in extra.items() if value is not None})
        return self

    def log_hazard(self, X: ArrayLike | pd.DataFrame) -> Floats:
        """Log relative hazard, its mean over the training units about 0.

        Parameters
        ----------
        X : array or DataFrame, shape (m, p)

        Returns
        -------
        ndarray, shape (m,)
        """
        return self._log_hazard(self._known(X))

    def predict_risk(self, X: ArrayLike | pd.DataFrame) -> Floats:
        """Risk score, higher for an earlier event; the log-hazard where the model has one.

        Parameters
        ----------
        X : array or DataFrame, shape (m, p)

        Returns
        -------
        ndarray, shape (m,)
        """
        return self.log_hazard(X)

    def predict_survival(self, X: ArrayLike | pd.DataFrame, times: ArrayLike) -> Floats:
        """Probability to be without event until after each time.

        Parameters
        ----------
        X : array or DataFrame, shape (m, p)
        times : float or array, shape (T,)
            0 or more, in the unit of the training times, in any order.

        Returns
        -------
        ndarray, shape (m, T)
            Beyond ``last_time_`` the last value is carried on, because nothing is known there.
        """
        return self._survival(self._known(X), time_points(times))

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Parameters by name."""
        return {name: getattr(self, name) for name in self._parameters()}

    def set_params(self, **params: Any) -> Self:
        """Set parameters by name; RG708 for one that does not exist."""
        known = self._parameters()
        for name, value in params.items():
            if name not in known:
                raise fail("RG708", f"{type(self).__name__} has no parameter '{name}'; it has {', '.join(known)}", value=name)
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        defaults = {name: p.default for name, p in inspect.signature(type(self)).parameters.items()}
        changed = [f"{k}={v!r}" for k, v in self.get_params().items() if v is not defaults[k] and v != defaults[k]]
        return f"{type(self).__name__}({', '.join(changed)})"

    def _fit(self, x: Floats, time: Floats, event: Ints, **extra: Any) -> None:
        raise NotImplementedError

    def _log_hazard(self, x: Floats) -> Floats:
        raise NotImplementedError

    def _survival(self, x: Floats, times: Floats) -> Floats:
        return self.baseline_.survival(self._log_hazard(x), times)

    @classmethod
    def _parameters(cls) -> list[str]:
        return list(inspect.signature(cls).parameters)

    def _columns(self, X: ArrayLike | pd.DataFrame) -> Floats:
        """The training matrix; remembers its columns."""
        x = matrix(X)
        self._framed = isinstance(X, pd.DataFrame)
        names = [str(c) for c in X.columns] if isinstance(X, pd.DataFrame) else [f"x{k}" for k in range(x.shape[1])]
        if len(set(names)) < len(names):
            raise fail("RG210", "`X` has two columns of one name.", column=next(n for n in names if names.count(n) > 1))
        self.feature_names_in_, self.n_features_in_ = np.array(names, dtype=object), len(names)
        return x

    def _known(self, X: ArrayLike | pd.DataFrame) -> Floats:
        """The matrix to predict for, its columns in the order of the training matrix."""
        if not hasattr(self, "n_features_in_"):
            raise fail("RG708", f"this {type(self).__name__} is not fitted; call `fit` first.")
        if isinstance(X, pd.DataFrame) and self._framed:
            X = X.rename(columns=str)
            for name in self.feature_names_in_:
                if name not in X.columns:
                    raise fail("RG203", f"`X` lacks the column '{name}' that the model was fitted on.", column=name)
            X = X[list(self.feature_names_in_)]
        x = matrix(X)
        if x.shape[1] != self.n_features_in_:
            raise fail("RG705", f"`X` has {x.shape[1]} columns and the model was fitted on {self.n_features_in_}.")
        return x


def matrix(X: ArrayLike | pd.DataFrame, name: str = "X") -> Floats:
    """A finite float64 matrix with at least one row and one column; RG705 names the column that is not.

    Parameters
    ----------
    X : array or DataFrame, shape (n, p)
    name : str
        For the message.

    Returns
    -------
    ndarray, shape (n, p)
    """
    if isinstance(X, pd.DataFrame):
        if X.shape[0] == 0 or X.shape[1] == 0:
            raise fail("RG705", f"`{name}` is empty.")
        return np.column_stack([number(X.iloc[:, k], f"{name}[{X.columns[k]!r}]") for k in range(X.shape[1])])
    values = np.asarray(X)
    if values.ndim != 2:
        raise fail("RG705", f"`{name}` must have two dimensions, units × columns, and has {values.ndim}.")
    if values.size == 0:
        raise fail("RG705", f"`{name}` is empty.")
    return number(values.ravel(), name).reshape(values.shape)


def survival_arrays(time: ArrayLike, event: ArrayLike, *, competing: bool = False) -> tuple[Floats, Ints]:
    """Times of 0 or more and events; times that differ by rounding only are made equal.

    Parameters
    ----------
    time : array, shape (n,)
    event : array, shape (n,)
        0 and 1, or with ``competing`` whole numbers from 0.

    Returns
    -------
    time : ndarray of float64, shape (n,)
    event : ndarray of int64, shape (n,)

    Raises
    ------
    RadiogenError
        RG402 for a negative time, RG705 for other unusable values.
    """
    t, e = number(time, "time"), number(event, "event")
    same_length(time=t, event=e)
    if (t < 0).any():
        raise fail("RG402", f"`time` has {int((t < 0).sum())} negative values.", value=t.min())
    odd = (e < 0) | (e != np.floor(e)) if competing else ~np.isin(e, (0.0, 1.0))
    if odd.any():
        wanted = "0 (censored), 1 (event), 2, 3, … (competing events)" if competing else "0 (censored) and 1 (event)"
        raise fail("RG705", f"`event` must be {wanted}.", value=e[odd][0])
    # the tolerance for ties is relative to the mean time, which is 0 where all times are
    return (tie_times(t) if t.any() else t), e.astype(np.int64)


def time_points(times: ArrayLike) -> Floats:
    """Times at which curves are read, one or several, each 0 or more.

    Parameters
    ----------
    times : float or array, shape (T,)

    Returns
    -------
    ndarray, shape (T,)
    """
    points = number(np.atleast_1d(np.asarray(times)), "times")
    if (points < 0).any():
        raise fail("RG708", "`times` must be 0 or more.", value=points.min())
    return points


def check_number(name: str, value: Any, low: float, high: float, *, whole: bool = False) -> None:
    """RG708 where a parameter is no number from ``low`` to ``high``.

    Parameters
    ----------
    name : str
    value : object
    low, high : float
    whole : bool, default False
        Only whole numbers.
    """
    if not is_number(value) or not low <= value <= high or (whole and value != int(value)):
        kind = "a whole number" if whole else "a number"
        raise fail("RG708", f"`{name}` must be {kind} from {low:g} to {high:g}.", value=value)
