"""Agreement of two ways of measuring: Bland and Altman's limits."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import nct
from scipy.stats import t as student

from radiogen.errors import fail
from radiogen.stats._validate import Floats, choice, moderate, normal_quantile, number, same_length
from radiogen.stats.result import StatResult

_LABELS = ("bias", "lower limit of agreement", "upper limit of agreement")


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class BlandAltmanResult(StatResult):
    """Bias and limits of agreement; one row each, in this order.

    Parameters
    ----------
    points : DataFrame
        One row per unit: ``mean`` of the two measurements and ``difference`` (first minus second; first over second
        for ratios).
    slope : StatResult or None
        The difference (of logarithms for ratios) regressed on the mean: a slope other than 0 says that bias depends on
        size.  None with fewer than four units or equal means.
    scale : str
        ``"difference"`` or ``"ratio"``.
    """

    points: pd.DataFrame = field(default_factory=pd.DataFrame)
    slope: StatResult | None = None
    scale: str = "difference"


def bland_altman(
    a: ArrayLike | pd.Series,
    b: ArrayLike | pd.Series,
    agreement: float = 0.95,
    level: float = 0.95,
    scale: str = "difference",
    method: str = "exact",
) -> BlandAltmanResult:
    """Bias and limits of agreement of two measurements of the same units, with exact intervals.

    Parameters
    ----------
    a, b : array-like of float, shape (n,)
        The two measurements of each unit, in the same unit of measure.
    agreement : float, default 0.95
        Share of future differences that the limits should hold.
    level : float, default 0.95
        Level of the intervals of bias and limits.
    scale : {"difference", "ratio"}, default "difference"
        "ratio" works on logarithms and gives the geometric mean ratio a/b and ratio limits: right where differences
        grow with size.  Values must then be positive.
    method : {"exact", "approximate"}, default "exact"
        Intervals of the limits: exact from the noncentral t distribution (asymmetric, wider outwards), or Bland and
        Altman's t ± with variance s²(1/n + z²/(2(n − 1))), which is too narrow outwards in small samples.

    Returns
    -------
    BlandAltmanResult
        Rows "bias", "lower limit of agreement", "upper limit of agreement" with ``estimate``, ``lower``, ``upper``
        (and ``se`` of the differences' scale); ``statistic`` and ``p`` of the bias (paired t test); ``result["sd"]``;
        ``points`` for the figure; ``slope``.

    Raises
    ------
    RadiogenError
        RG705 for unusable arrays, values that are not positive with ratios, or differences without any spread;
        RG701 with fewer than three units; RG708 for an unknown option.

    Notes
    -----
    Limits are d̄ ± z s.  They suppose differences that are normal, independent (one pair per patient) and of the same
    spread at every size.  The exact limits of d̄ + z s are d̄ + s t′/√n, t′ being the quantile of the noncentral t
    distribution with n − 1 degrees of freedom and noncentrality z √n.

    References
    ----------
    Bland and Altman, Lancet 1986;1:307, doi 10.1016/S0140-6736(86)90837-8; Stat Methods Med Res 1999;8:135,
    doi 10.1177/096228029900800204.  Carkeet (exact intervals), Optom Vis Sci 2015;92:e71,
    doi 10.1097/OPX.0000000000000513.

    Examples
    --------
    >>> r = bland_altman([10.0, 12, 14, 17], [11.0, 12, 13, 16])
    >>> r.estimate.round(3).tolist()
    [0.25, -1.627, 2.127]
    """
    normal_quantile(level)
    z = normal_quantile(agreement)
    choice(scale, "scale", ("difference", "ratio"))
    choice(method, "method", ("exact", "approximate"))
    first, second = moderate(number(a, "a"), "a"), moderate(number(b, "b"), "b")
    n = same_length(a=first, b=second)
    if n < 3:
        raise fail("RG701", f"{n} units; limits of agreement need three.")
    ratio = scale == "ratio"
    if ratio and min(first.min(), second.min()) <= 0:
        raise fail("RG705", "Ratios need positive values.", value=float(min(first.min(), second.min())))
    d = np.log(first) - np.log(second) if ratio else first - second
    middle = np.sqrt(first * second) if ratio else (first + second) / 2
    with np.errstate(over="ignore", invalid="ignore"):
        sd = float(d.std(ddof=1))
    if not np.isfinite(sd):
        raise fail("RG705", "The differences are too large for their squares to be computed.", value=float(np.abs(d).max()))
    if sd <= 1e-12 * max(1e-300, float(np.abs(np.r_[first, second]).max() if not ratio else 1.0)):
        raise fail("RG705", "All differences are equal: there are no limits of agreement.", value=float(d[0]))
    bias = float(d.mean())
    tail, se = (1 - level) / 2, sd / np.sqrt(n)
    margin = float(student.ppf(1 - tail, n - 1)) * se
    inner, outer, se_limit = _limit(n, sd, z, tail, method)
    rows = np.array([
        [bias, bias - margin, bias + margin],
        [bias - z * sd, bias - outer, bias - inner],
        [bias + z * sd, bias + inner, bias + outer],
    ])  # fmt: skip
    shown = np.exp(rows) if ratio else rows
    t = bias / se
    words = f"({100 * agreement:g}%), {'ratios' if ratio else 'differences'}, {method} intervals"
    return BlandAltmanResult(
        method=f"Bland-Altman limits of agreement {words}",
        estimate=shown[:, 0], lower=shown[:, 1], upper=shown[:, 2], se=np.array([se, se_limit, se_limit]),
        statistic=np.array([t, np.nan, np.nan]), df=np.array([n - 1.0, np.nan, np.nan]),
        p=np.array([2 * float(student.sf(abs(t), n - 1)), np.nan, np.nan]), n=n, label=list(_LABELS), level=level,
        extra={"sd": sd, "agreement": agreement}, points=pd.DataFrame({"mean": middle, "difference": np.exp(d) if ratio else d}),
        slope=_slope(np.log(middle) if ratio else middle, d, level), scale=scale,
    )  # fmt: skip


def _limit(n: int, sd: float, z: float, tail: float, method: str) -> tuple[float, float, float]:
    """Distance of the inner and outer confidence limit of a limit of agreement from the bias, and its standard error."""
    se = sd * float(np.sqrt(1 / n + z**2 / (2 * (n - 1))))
    if method == "approximate":
        margin = float(student.ppf(1 - tail, n - 1)) * se
        return z * sd - margin, z * sd + margin, se
    inner, outer = (float(nct.ppf(q, n - 1, z * np.sqrt(n))) for q in (tail, 1 - tail))
    return sd * inner / np.sqrt(n), sd * outer / np.sqrt(n), se


def _slope(x: Floats, d: Floats, level: float) -> StatResult | None:
    n = x.size
    centred = x - x.mean()
    total = float(centred @ centred)
    if n < 4 or total <= 1e-20 * max(1e-300, float((x**2).sum())):
        return None
    slope = float(centred @ d) / total
    rest = d - d.mean() - slope * centred
    se = float(np.sqrt(rest @ rest / (n - 2) / total))
    margin = float(student.ppf(0.5 + level / 2, n - 2)) * se
    t = slope / se if se > 0 else np.inf
    return StatResult(
        method="difference regressed on the mean, least squares",
        estimate=slope, se=se, lower=slope - margin, upper=slope + margin,
        statistic=t, df=float(n - 2), p=float(2 * student.sf(abs(t), n - 2)), n=n, level=level,
    )  # fmt: skip
