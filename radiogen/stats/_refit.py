"""Models that are fitted again in every resample, from what the caller calls a fit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from radiogen.errors import fail
from radiogen.stats._design import aliased, design, standardise, take
from radiogen.stats._logit import logit
from radiogen.stats._newton import maximise
from radiogen.stats._partial import efron
from radiogen.stats._validate import Floats, Ints, array_of, number, survival

#: rows to fit on -> predictions for all rows
Refit = Callable[[Ints], Any]


def rows_of(table: Any, rows: Ints) -> Any:
    """Rows of a frame, series or array."""
    return table.iloc[rows] if isinstance(table, pd.DataFrame | pd.Series) else table[rows]


def is_survival(y: Any) -> bool:
    """Whether an outcome has a time and an event."""
    if isinstance(y, pd.DataFrame) or (isinstance(y, tuple) and len(y) == 2):
        return True
    array = array_of(y, "y")
    return getattr(array.dtype, "names", None) is not None or array.ndim == 2


def time_and_event(y: Any) -> tuple[Floats, Any]:
    """Times and events of a frame, a tuple, a structured array (event, time) or two columns."""
    if isinstance(y, tuple):
        return survival(*y)
    if isinstance(y, pd.DataFrame):
        if {"time", "event"} <= set(y.columns):
            return survival(y["time"], y["event"])
        if y.shape[1] != 2:
            raise fail("RG705", "`y` needs the columns time and event.")
        return survival(y.iloc[:, 0], y.iloc[:, 1])
    array = array_of(y, "y")
    if array.dtype.names:
        event = [name for name in array.dtype.names if array.dtype[name].kind == "b"]
        other = [name for name in array.dtype.names if name not in event]
        if len(event) != 1 or len(other) != 1:
            raise fail("RG705", "A structured `y` needs one field of truth values (the event) and one of times.")
        return survival(array[other[0]], array[event[0]])
    if array.shape[1] != 2:
        raise fail("RG705", "`y` needs two columns, time and event.", value=array.shape)
    return survival(array[:, 0], array[:, 1])


def matrix(x: Any) -> tuple[Floats, list[str]]:
    """A numeric matrix of the predictors; categories become indicators, the same in every resample."""
    if isinstance(x, pd.DataFrame):
        take(x, list(x.columns))
        for name in x.columns:
            if x[name].isna().any():
                raise fail("RG705", f"Predictor '{name}' has {int(x[name].isna().sum())} missing values.", column=str(name))
        model = design(x)
        return model.x, model.terms
    array = array_of(x, "X")
    if array.ndim != 2:
        raise fail("RG705", "`X` must have a row per unit and a column per predictor.", value=array.shape)
    return number(array.ravel(), "X").reshape(array.shape), [f"x{j + 1}" for j in range(array.shape[1])]


def refitter(fit: Any, x: Any, y: Any) -> tuple[Refit, str]:
    """How to fit again on some rows and predict all, and the model's name."""
    if isinstance(fit, str):
        if fit == "logistic":
            return _logistic(matrix(x)[0], y), "logistic regression"
        if fit == "cox":
            return _cox(matrix(x)[0], *y), "Cox regression"
        raise fail("RG708", "`fit` must be \"logistic\", \"cox\", a function or an estimator.", value=fit)
    table = x if isinstance(x, pd.DataFrame) else array_of(x, "X")
    if hasattr(fit, "fit") and hasattr(fit, "get_params"):
        return _estimator(fit, table, y), type(fit).__name__
    if callable(fit):

        def again(rows: Ints) -> Any:
            predict = fit(rows_of(table, rows), take_outcome(y, rows))
            if not callable(predict):
                raise fail("RG705", "`fit` must return a function that predicts from X.")
            return predict(table)

        return again, getattr(fit, "__name__", "model")
    raise fail("RG708", "`fit` must be \"logistic\", \"cox\", a function or an estimator.", value=type(fit).__name__)


def take_outcome(y: Any, rows: Ints) -> Any:
    """Rows of an outcome; of a survival outcome both arrays."""
    return tuple(part[rows] for part in y) if isinstance(y, tuple) else y[rows]


def _usable(x: Floats) -> Ints:
    lost = aliased(x, [str(j) for j in range(x.shape[1])])
    return np.array([j for j in range(x.shape[1]) if j not in lost], dtype=np.int64)


def _logistic(x: Floats, y: Any) -> Refit:
    def again(rows: Ints) -> Floats:
        own = y[rows].astype(bool)
        if own.all() or not own.any():
            raise fail("RG701", "A resample has one class only.")
        kept = _usable(x[rows])
        z, centre, scale = standardise(x[rows][:, kept])
        columns = np.column_stack([np.ones(rows.size), z])
        found = maximise(logit(own, columns), columns)
        if not found.converged:
            raise fail("RG704", "The predictors separate the classes.")
        eta = found.beta[0] + ((x[:, kept] - centre) / scale) @ found.beta[1:]
        return np.asarray(1 / (1 + np.exp(-np.clip(eta, -700, 700))))

    return again


def _cox(x: Floats, time: Floats, event: Any) -> Refit:
    def again(rows: Ints) -> Floats:
        if not event[rows].any():
            raise fail("RG701", "A resample has no event.")
        kept = _usable(x[rows])
        if kept.size == 0:
            raise fail("RG704", "All predictors are constant.")
        z, centre, scale = standardise(x[rows][:, kept])
        found = maximise(efron(time[rows], event[rows], z), z)
        if not found.converged:
            raise fail("RG704", "The partial likelihood has no maximum.")
        return np.asarray(((x[:, kept] - centre) / scale) @ found.beta)

    return again


def _estimator(fit: Any, table: Any, y: Any) -> Refit:
    from sklearn.base import clone

    def again(rows: Ints) -> Any:
        outcome = take_outcome(y, rows)
        if isinstance(outcome, tuple):
            time, event = outcome
            outcome = np.array(list(zip(event, time, strict=True)), dtype=[("event", bool), ("time", float)])
        model = clone(fit).fit(rows_of(table, rows), outcome)
        if not isinstance(y, tuple) and hasattr(model, "predict_proba"):
            return np.asarray(model.predict_proba(table))[:, 1]
        return np.asarray(model.predict(table))

    return again
