"""Odds ratios of many features, each adjusted for the same covariates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import norm

from radiogen.errors import fail
from radiogen.stats._design import aliased, design, standardise
from radiogen.stats._logit import logit
from radiogen.stats._newton import covariance, maximise
from radiogen.stats._validate import Bools, Floats, binary, choice, moderate, normal_quantile, number, same_length
from radiogen.stats.result import StatResult

_TOLERANCE = 1e-7


@dataclass(frozen=True)
class _Base:
    """The covariates of one set of complete rows: model matrix, its basis and the fit without features."""

    x: Floats
    basis: Floats
    beta: Floats
    reason: str


def adjusted_odds_ratio(
    x: ArrayLike | pd.Series | pd.DataFrame,
    y: ArrayLike | pd.Series,
    covariates: pd.DataFrame | None = None,
    level: float = 0.95,
    per_sd: bool = True,
    missing: str = "raise",
) -> StatResult:
    """Odds ratio of a feature (or of each of many) from a logistic model with covariates.

    Parameters
    ----------
    x : array-like of float, shape (n,), or DataFrame, shape (n, m)
        One feature, or many: each has a model of its own.
    y : array-like of 0/1, shape (n,)
        The class.
    covariates : DataFrame, n rows, optional
        Adjusted for in every model; text and categories enter as indicators.
    level : float, default 0.95
        Level of the Wald intervals.
    per_sd : bool, default True
        Odds ratio per standard deviation of the feature (over the rows used), so that features of
        different units can be compared; otherwise per unit.
    missing : {"raise", "drop"}, default "raise"
        What to do with rows where ``y``, a covariate or the feature is missing.  "drop" leaves them
        out feature by feature, and ``n`` says how many remain.

    Returns
    -------
    StatResult
        ``estimate``, ``lower``, ``upper`` are odds ratios, ``se`` is that of the log odds ratio,
        ``statistic`` is z.  ``result["reason"]`` is empty, or says why a feature is not estimable
        (constant, determined by the covariates, separates the classes, one class left); its
        numbers are then NaN.

    Raises
    ------
    RadiogenError
        RG705 for unusable arrays, RG701 where ``y`` has one class, RG708 for an unknown option.

    Examples
    --------
    >>> r = adjusted_odds_ratio([0, 0, 0, 0, 1, 1, 1, 1], [0, 0, 0, 1, 1, 0, 1, 1], per_sd=False)
    >>> round(r.estimate, 4)
    9.0
    """
    choice(missing, "missing", ("raise", "drop"))
    z = normal_quantile(level)
    drop = missing == "drop"
    features = x if isinstance(x, pd.DataFrame) else pd.DataFrame({"x": number(x, "x", missing=drop)})
    outcome = number(y, "y", missing=drop)
    same_length(x=features, y=outcome, covariates=covariates)
    if features.shape[1] == 0:
        raise fail("RG705", "`x` has no columns.")
    whole = ~np.isnan(outcome)
    if covariates is not None:
        if covariates.isna().any(axis=None) and not drop:
            names = [str(c) for c in covariates.columns[covariates.isna().any()]]
            raise fail("RG705", f"Covariates have missing values: {', '.join(names)}.", column=names[0])
        whole &= covariates.notna().all(axis=1).to_numpy()
    if not whole.any():
        raise fail("RG701", "No row has both the outcome and all covariates.")
    binary(outcome[whole])
    bases: dict[bytes, _Base] = {}
    rows = []
    for name in features.columns:
        values = number(features[name], str(name), missing=drop)
        use = whole & ~np.isnan(values)
        moderate(values[use], str(name))
        key = use.tobytes()
        if key not in bases:
            bases[key] = _base(outcome[use] == 1.0, None if covariates is None else covariates[use])
        rows.append(_one(values[use], outcome[use] == 1.0, bases[key], per_sd))
    table = pd.DataFrame(rows, columns=["beta", "se", "n", "events", "reason"])
    return _result(table, [str(name) for name in features.columns], z, level, per_sd, isinstance(x, pd.DataFrame))


def _base(y: Bools, covariates: pd.DataFrame | None) -> _Base:
    empty = np.empty((y.size, 0))
    if y.size == 0 or y.all() or not y.any():
        return _Base(empty, empty, np.empty(0), "only one class is left")
    columns = empty
    if covariates is not None and covariates.shape[1]:
        model = design(covariates)
        lost = aliased(model.x, model.terms)
        columns = standardise(model.x[:, [k for k in range(len(model.terms)) if k not in lost]])[0]
    x = np.column_stack([np.ones(y.size), columns])
    fit = maximise(logit(y, x), x)
    basis = np.linalg.qr(x)[0]
    return _Base(x, basis, fit.beta, "" if fit.converged else "the covariates separate the classes")


def _one(x: Floats, y: Bools, base: _Base, per_sd: bool) -> tuple[float, float, int, int, str]:
    """Log odds ratio, its standard error, n, events and the reason where there is none."""

    def refuse(reason: str) -> tuple[float, float, int, int, str]:
        return np.nan, np.nan, y.size, int(y.sum()), reason

    if base.reason:
        return refuse(base.reason)
    if x.size < 2 or np.ptp(x) <= 1e-13 * np.abs(x).max():
        return refuse("constant")
    centred = x - x.mean()
    rest = centred - base.basis @ (base.basis.T @ centred)
    if np.linalg.norm(rest) <= _TOLERANCE * np.linalg.norm(centred):
        return refuse("linear combination of the covariates")
    sd = float(x.std(ddof=1))
    columns = np.column_stack([base.x, centred / sd])
    fit = maximise(logit(y, columns), columns, np.r_[base.beta, 0.0])
    if not fit.converged:
        return refuse("separates the classes")
    se = float(np.sqrt(covariance(fit.information)[-1, -1]))
    unit = 1.0 if per_sd else sd
    return float(fit.beta[-1]) / unit, se / unit, y.size, int(y.sum()), ""


def _result(table: pd.DataFrame, names: list[str], z: float, level: float, per_sd: bool, many: bool) -> StatResult:
    beta, se = table["beta"].to_numpy(dtype=float), table["se"].to_numpy(dtype=float)
    with np.errstate(over="ignore"):
        estimate, lower, upper = np.exp(beta), np.exp(beta - z * se), np.exp(beta + z * se)
    statistic = beta / se
    p = 2 * norm.sf(np.abs(statistic))
    reasons = table["reason"].tolist()
    notes = tuple(f"RG707: '{n}' is not estimable: {r}." for n, r in zip(names, reasons, strict=True) if r)
    unit = "standard deviation" if per_sd else "unit"
    method = f"logistic regression, adjusted odds ratio per {unit}, Wald interval"
    if many:
        return StatResult(
            method=method, estimate=estimate, se=se, lower=lower, upper=upper, statistic=statistic, p=p,
            n=table["n"].to_numpy(), events=table["events"].to_numpy(), label=names, level=level,
            extra={"reason": reasons}, notes=notes,
        )  # fmt: skip
    return StatResult(
        method=method, estimate=float(estimate[0]), se=float(se[0]), lower=float(lower[0]), upper=float(upper[0]),
        statistic=float(statistic[0]), p=float(p[0]), n=int(table["n"][0]), events=int(table["events"][0]),
        level=level, extra={"reason": reasons[0]}, notes=notes,
    )  # fmt: skip
