"""A smooth of scaled Schoenfeld residuals: how a log hazard ratio moves over time."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import t as student

from radiogen.errors import fail
from radiogen.stats._validate import Floats, moderate, normal_quantile, number

#: knots of the natural spline: its ends and two inside, as R's plot of cox.zph (df = 4)
_KNOTS = (0.0, 1 / 3, 2 / 3, 1.0)
_POINTS = 60


def schoenfeld_smooth(residuals: pd.DataFrame, level: float = 0.95, points: int = _POINTS) -> pd.DataFrame:
    """Natural-spline smooth of scaled Schoenfeld residuals with a pointwise band.

    Parameters
    ----------
    residuals : DataFrame
        What :func:`radiogen.stats.schoenfeld_residuals` gives, scaled.
    level : float, default 0.95
        Level of the pointwise band.
    points : int, default 60
        Places at which the smooth is given, evenly over the transformed time.

    Returns
    -------
    DataFrame
        ``term``, ``transformed``, ``time`` (the event time there), ``estimate``, ``lower``, ``upper``: the log
        hazard ratio over time.

    Raises
    ------
    RadiogenError
        RG701 with fewer than eight events or four different times; RG705 for another table; RG708 for
        an option out of range.

    Notes
    -----
    Least squares on a natural cubic spline of the transformed time with knots at the thirds; the band is
    of the mean, with the residuals' own variance, and each term by itself.

    References
    ----------
    Grambsch and Therneau, Biometrika 1994;81:515, doi 10.1093/biomet/81.3.515.

    Examples
    --------
    >>> r = pd.DataFrame({"time": range(1, 10), "transformed": range(1, 10), "stratum": "all", "x": [0.5] * 9})
    >>> schoenfeld_smooth(r, points=3)["estimate"].round(6).tolist()
    [0.5, 0.5, 0.5]
    """
    normal_quantile(level)
    needed = {"time", "transformed", "stratum"}
    if not isinstance(residuals, pd.DataFrame) or not needed <= set(residuals.columns):
        raise fail("RG705", "`residuals` must be the table of schoenfeld_residuals.")
    if points < 2:
        raise fail("RG708", "`points` must be at least 2.", value=points)
    names = [str(name) for name in residuals.columns]
    if len(set(names)) < len(names):
        raise fail("RG705", "`residuals` has a column twice.", value=names, fix="Give the table of `schoenfeld_residuals`.")
    for name in ("time", "transformed"):
        moderate(number(residuals[name], name), name)
    parts = [
        _one(residuals, str(name), level, points) for name in residuals.columns if name not in needed
    ]  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def _one(residuals: pd.DataFrame, term: str, level: float, points: int) -> pd.DataFrame:
    values = number(residuals[term], term, missing=True)
    known = residuals[~np.isnan(values)]
    x, y = number(known["transformed"], "transformed") if len(known) else np.empty(0), values[~np.isnan(values)]
    moderate(y, term)
    knots = np.quantile(x, _KNOTS) if x.size else np.empty(0)
    if x.size < 2 * len(_KNOTS) or np.unique(knots).size < len(_KNOTS):
        raise fail("RG701", f"A smooth of '{term}' needs eight events at different times; there are {x.size}.")
    at = np.linspace(x.min(), x.max(), points)
    basis, where = _natural(x, knots), _natural(at, knots)
    coefficients, *_ = np.linalg.lstsq(basis, y, rcond=None)
    left = x.size - basis.shape[1]
    variance = float(np.sum((y - basis @ coefficients) ** 2) / left)
    error = np.sqrt(variance * np.einsum("ij,jk,ik->i", where, np.linalg.inv(basis.T @ basis), where))
    middle, reach = where @ coefficients, float(student.ppf(0.5 + level / 2, left))
    order = np.argsort(x, kind="stable")
    return pd.DataFrame({
        "term": term, "transformed": at, "time": np.interp(at, x[order], known["time"].to_numpy(dtype=float)[order]),
        "estimate": middle, "lower": middle - reach * error, "upper": middle + reach * error,
    })  # fmt: skip


def _natural(x: Floats, knots: Floats) -> Floats:
    """Basis of natural cubic splines: constant, linear and one column for each inner knot."""
    width = knots[-1] - knots[0]

    def cubic(knot: float) -> Floats:
        return np.asarray(np.maximum((x - knot) / width, 0.0) ** 3)

    last, before = knots[-1], knots[-2]
    columns = [np.ones(x.size), (x - knots[0]) / width]
    for knot in knots[:-2]:
        share = (last - knot) / (last - before)
        columns.append(cubic(knot) - cubic(before) * share + cubic(last) * (share - 1))
    return np.column_stack(columns)
