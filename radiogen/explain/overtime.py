"""Attributions of survival probabilities over time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from radiogen.errors import fail
from radiogen.explain.attribution import Attribution

FloatArray = NDArray[np.float64]


def time_dependent(
    explain: Callable[[Callable[[Any], ArrayLike]], Attribution],
    predict_survival: Callable[[Any, FloatArray], ArrayLike],
    times: ArrayLike,
) -> pd.DataFrame:
    """Attributions of ``S(t)`` at several times.

    Parameters
    ----------
    explain : callable
        Takes a function of inputs to shape (n, times) and gives its attribution, such as
        ``lambda f: grouped_shapley(f, X, background, groups)`` or ``lambda f: shap_values(f, X, background)``.
    predict_survival : callable
        ``predict_survival(X, times)`` to survival probabilities, shape (n, times).
    times : array, shape (times,)
        Rising, in the unit of the endpoint.

    Returns
    -------
    DataFrame
        ``unit``, ``time``, ``feature``, ``value``, ``feature_value`` and ``se`` where known, ``base``, ``prediction``,
        ``residual``: at every time the values of a unit sum to ``prediction - base``, within ``residual``.  A negative value
        lowers survival.

    Raises
    ------
    RadiogenError
        RG705 for times that do not rise, or an attribution of another number of outputs.

    References
    ----------
    Krzyziński M, Spytek M, Baniecki H, Biecek P. SurvSHAP(t): time-dependent explanations of machine learning survival
    models. Knowl Based Syst 2023;262:110234. doi:10.1016/j.knosys.2022.110234

    Examples
    --------
    Exponential survival whose hazard doubles with the feature; the background does not have it:

    >>> import numpy as np
    >>> from radiogen.explain import grouped_shapley, time_dependent
    >>> survival = lambda x, t: np.exp(-np.outer(0.1 * 2 ** x[:, 0], t))
    >>> explain = lambda f: grouped_shapley(f, np.array([[1.0]]), np.array([[0.0]]), {0: "stiff"})
    >>> time_dependent(explain, survival, [5.0, 10.0])["value"].round(3).tolist()
    [-0.239, -0.233]
    """
    at = np.asarray(times, dtype=float)
    if at.ndim != 1 or not len(at) or not np.isfinite(at).all() or (np.diff(at) <= 0).any():
        raise fail("RG705", "`times` must be finite and rise", value=times)
    found = explain(lambda x: np.asarray(predict_survival(x, at), dtype=float))
    if len(found.outputs) != len(at):
        raise fail("RG705", f"the attribution has {len(found.outputs)} outputs for {len(at)} times", value=len(found.outputs))
    long = found.to_frame()
    place = dict(zip(found.outputs, at, strict=True))
    long.insert(1, "time", long["output"].map(place).astype(float))
    return long.drop(columns="output")


def time_importance(frame: pd.DataFrame) -> pd.DataFrame:
    """Mean over units of the absolute attribution over time, by feature.

    Parameters
    ----------
    frame : DataFrame
        Of :func:`time_dependent`.

    Returns
    -------
    DataFrame
        ``feature``, ``importance`` (time-weighted mean of ``|value|`` between the first and the last time, mean over the units
        that have it), ``share``; the largest first.

    Examples
    --------
    >>> import pandas as pd
    >>> from radiogen.explain import time_importance
    >>> rows = {"unit": 0, "feature": "a", "time": [0.0, 2.0, 3.0], "value": [0.0, -0.2, -0.2]}
    >>> time_importance(pd.DataFrame(rows))["importance"].round(4).tolist()
    [0.1333]
    """
    ordered = frame.assign(size=frame["value"].abs()).sort_values("time", kind="stable")
    each = ordered.groupby(["feature", "unit"], sort=False)[["time", "size"]].apply(_mean_over_time)
    mean = each.groupby(level="feature", sort=False).mean()
    found = mean.sort_values(ascending=False, kind="stable").rename("importance").reset_index()
    total = found["importance"].sum()
    return found.assign(share=found["importance"] / total if total > 0 else np.nan)


def _mean_over_time(part: pd.DataFrame) -> float:
    time, size = part["time"].to_numpy(dtype=float), part["size"].to_numpy(dtype=float)
    if len(time) == 1:
        return float(size[0])
    return float(((size[1:] + size[:-1]) / 2 * np.diff(time)).sum() / (time[-1] - time[0]))
