"""Agreement between predicted probabilities and outcomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from radiogen.errors import fail
from radiogen.stats._calibration import bins, histogram, log_likelihood, rms_indices, tests
from radiogen.stats._draws import check_draws, check_seed
from radiogen.stats._logit import logit
from radiogen.stats._lowess import lowess, lowess_se
from radiogen.stats._newton import covariance, maximise
from radiogen.stats._validate import Bools, Floats, binary, is_number, normal_quantile, number, same_length
from radiogen.stats.result import StatResult

#: points of the smooth curve that are kept for drawing
_CURVE_POINTS = 500
_LABELS = ("intercept", "slope", "brier", "scaled_brier", "ici", "e50", "e90", "emax")


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class CalibrationResult(StatResult):
    """Measures of calibration, one row each, the smooth curve and the tests.

    Parameters
    ----------
    curve : DataFrame
        ``predicted`` and ``observed`` (smoothed), with the pointwise band ``lower`` and ``upper``.
    tests : DataFrame
        ``test``, ``statistic``, ``df``, ``p``: ``hosmer_lemeshow`` (for a model fitted on these units, groups - 2
        degrees of freedom), ``hosmer_lemeshow_external`` (for other units, as many as groups), ``spiegelhalter`` (z),
        ``unreliability`` (likelihood ratio of intercept 0 and slope 1).
    bins : DataFrame
        Groups of similar predictions: ``n``, ``events``, ``expected``, ``predicted``, ``observed``, ``lowest``,
        ``highest``.
    histogram : DataFrame
        ``lower``, ``upper``, ``events``, ``nonevents``: the distribution of the predictions.
    indices : mapping of str to float
        The values of R's ``rms::val.prob`` under its names ("Dxy", "C (ROC)", "R2", "D", …, "S:p").
    """

    curve: pd.DataFrame = field(default_factory=pd.DataFrame)
    tests: pd.DataFrame = field(default_factory=pd.DataFrame)
    bins: pd.DataFrame = field(default_factory=pd.DataFrame)
    histogram: pd.DataFrame = field(default_factory=pd.DataFrame)
    indices: Mapping[str, float] = field(default_factory=dict)

    def value(self, label: str) -> float:
        """The estimate of one measure by its label."""
        names = list(self.label or ())
        if label not in names:
            raise fail("RG708", f"There is no measure '{label}'; there are {', '.join(names)}.", value=label)
        return float(np.asarray(self.estimate)[names.index(label)])


def calibration(
    y: ArrayLike,
    p: ArrayLike,
    level: float = 0.95,
    clip: float | None = None,
    n_boot: int = 0,
    seed: int = 0,
    groups: int = 10,
) -> CalibrationResult:
    """Calibration intercept and slope, Brier scores and distances from a smooth calibration curve.

    Parameters
    ----------
    y : array-like of 0/1, shape (n,)
        The outcome.
    p : array-like of float, shape (n,)
        Predicted probabilities, made without these outcomes.
    level : float, default 0.95
        Level of the intervals.
    clip : float, optional
        Predictions of exactly 0 or 1 have no logit and are refused; with ``clip`` (such as 0.001)
        the intercept and slope use predictions cut to clip and 1 - clip, and a note counts them.
        The other measures always use the predictions as they are.
    n_boot : int, default 0
        Bootstrap resamples for the intervals of ICI, E50, E90 and Emax and the band of the curve;
        0 gives these measures without interval and the band from the smoother's own variance.
    seed : int, default 0
        Seed of the bootstrap.
    groups : int, default 10
        Groups of the Hosmer-Lemeshow test, by quantiles of the predictions; 10 is what the paper and R use.

    Returns
    -------
    CalibrationResult
        Rows ``intercept`` (calibration in the large: intercept with logit(p) as offset; ideal 0),
        ``slope`` (of logit(p); ideal 1), ``brier``, ``scaled_brier`` (1 - Brier / Brier of the
        prevalence), ``ici`` (mean absolute distance between p and the curve), ``e50``, ``e90``
        (its quantiles) and ``emax``.  ``result["slope_intercept"]`` is the intercept fitted
        together with the slope.  Further ``curve``, ``tests``, ``bins``, ``histogram`` and ``indices``.

    Raises
    ------
    RadiogenError
        RG705 for unusable arrays, probabilities outside 0 to 1, constant predictions, or 0 or 1
        without ``clip``; RG701 where only one class occurs; RG704 where the predictions separate
        the classes, so that the slope is infinite; RG708 for an option out of range.

    Notes
    -----
    Intervals are Wald's for intercept and slope and from the variance of the squared errors for
    the Brier score; the scaled score's also has the variance of the prevalence.  The curve is
    lowess with span 2/3 and no robustness steps, as in R's ``rms::val.prob``; its pointwise band is
    Wald's, with the variance of the smoother's weighted sum, cut at 0 and 1, and takes no account of
    the smoother's bias.  ICI, E50, E90 and Emax are never 0 in a sample, even for a calibrated model.

    References
    ----------
    Van Calster et al., BMC Med 2019;17:230, doi 10.1186/s12916-019-1466-7.  Austin and Steyerberg
    (ICI), Stat Med 2019;38:4051, doi 10.1002/sim.8281.  Hosmer and Lemeshow, Commun Stat 1980;9:1043,
    doi 10.1080/03610928008827941.  Spiegelhalter, Stat Med 1986;5:421, doi 10.1002/sim.4780050506.

    Examples
    --------
    >>> y = [0, 0, 0, 1, 0, 1, 1, 1]
    >>> r = calibration(y, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8])
    >>> round(r.value("brier"), 3)
    0.13
    """
    z = normal_quantile(level)
    predicted = number(p, "p")
    same_length(y=number(y, "y"), p=predicted)
    positive = binary(y)
    log_odds, notes = _log_odds(predicted, clip)
    check_draws(n_boot, least=0)
    check_draws(groups, least=3)
    line = _fit(positive, np.column_stack([np.ones(positive.size), log_odds]), 0.0)
    large = _fit(positive, np.ones((positive.size, 1)), log_odds)
    scores, score_se = _brier(positive, predicted)
    smooth = lowess(predicted, positive.astype(float))
    estimate = np.r_[large[0][0], line[0][1], scores, _distances(predicted, smooth)]
    se = np.r_[large[1][0], line[1][1], score_se, [np.nan] * 4]
    lower, upper = estimate - z * se, estimate + z * se
    lower[2] = max(0.0, lower[2])
    curve = _curve(predicted, smooth, z)
    method = "calibration; logistic recalibration (Wald), lowess span 2/3"
    if n_boot:
        lower[4:], upper[4:], curve = _bootstrap(positive, predicted, curve, level, n_boot, seed)
        method += f", percentile bootstrap of {n_boot} (seed {seed}) for the smooth curve"
    else:
        notes += ("ICI, E50, E90 and Emax are without interval; give n_boot.",)
    recalibrated = log_likelihood(positive, line[0][0] + line[0][1] * log_odds)
    table = bins(positive, predicted, groups)
    found, more = tests(positive, predicted, log_odds, recalibrated, table)
    return CalibrationResult(
        method=method, estimate=estimate, se=se, lower=lower, upper=upper, n=positive.size,
        events=int(positive.sum()), label=list(_LABELS), level=level,
        extra={"slope_intercept": float(line[0][0]), "mean_predicted": float(predicted.mean())},
        notes=(*notes, *more), curve=curve, tests=found, bins=table,
        histogram=histogram(positive, predicted),
        indices=rms_indices(positive, predicted, log_odds, (float(line[0][0]), float(line[0][1])), recalibrated,
                            np.abs(predicted - smooth)),
    )  # fmt: skip


def _brier(y: Bools, p: Floats) -> tuple[Floats, Floats]:
    """Brier and scaled Brier score with their standard errors."""
    squared, share = (p - y) ** 2, float(y.mean())
    brier, worst = float(squared.mean()), share * (1 - share)
    # the derivative of the scaled score with respect to each unit's weight
    influence = -(squared - brier) / worst + brier / worst**2 * (1 - 2 * share) * (y - share)
    root = np.sqrt(squared.size)
    return np.array([brier, 1 - brier / worst]), np.array([squared.std(ddof=1), influence.std(ddof=1)]) / root


def _log_odds(p: Floats, clip: float | None) -> tuple[Floats, tuple[str, ...]]:
    if p.min() < 0 or p.max() > 1:
        raise fail("RG705", "`p` must be probabilities between 0 and 1.", value=(p.min(), p.max()))
    if np.ptp(p) == 0:
        raise fail("RG705", "`p` is constant; the calibration slope has no value.", value=p[0])
    edge = int(((p == 0) | (p == 1)).sum())
    if clip is None:
        if edge:
            raise fail(
                "RG705",
                f"{edge} predictions are exactly 0 or 1, which have no logit.",
                fix="Give `clip=0.001`, or predictions that are not 0 or 1.",
            )
        return np.log(p) - np.log1p(-p), ()
    if not (is_number(clip) and 0 < clip < 0.5):
        raise fail("RG708", "`clip` must lie between 0 and 0.5.", value=clip)
    cut = np.clip(p, clip, 1 - clip)
    if np.ptp(cut) == 0:
        raise fail("RG705", "`p` is constant once cut; the calibration slope has no value.", value=cut[0])
    count = int((cut != p).sum())
    note = f"For intercept and slope {count} of {p.size} predictions were cut to {clip:g} and {1 - clip:g}."
    return np.log(cut) - np.log1p(-cut), (note,) if count else ()


def _fit(y: Bools, x: Floats, offset: Floats | float) -> tuple[Floats, Floats]:
    fit = maximise(logit(y, x, offset), x)
    if not fit.converged:
        raise fail("RG704", "The predictions separate the classes: the calibration slope is infinite.")
    return fit.beta, np.sqrt(np.diag(covariance(fit.information)))


def _distances(p: Floats, smooth: Floats) -> Floats:
    gap = np.abs(p - smooth)
    return np.array([gap.mean(), np.quantile(gap, 0.5), np.quantile(gap, 0.9), gap.max()])


def _curve(p: Floats, smooth: Floats, z: float) -> pd.DataFrame:
    x, first = np.unique(p, return_index=True)
    # a smoothed share of 0 or 1 has no binomial variance, but half a unit of doubt
    half = 0.5 / p.size
    share = np.clip(smooth, half, 1 - half)
    margin = z * lowess_se(p, share * (1 - share))
    pick = np.unique(np.linspace(0, x.size - 1, min(x.size, _CURVE_POINTS)).round().astype(int))
    rows = first[pick]
    lower = np.minimum(smooth[rows], np.clip(smooth[rows] - margin[rows], 0, 1))
    upper = np.maximum(smooth[rows], np.clip(smooth[rows] + margin[rows], 0, 1))
    return pd.DataFrame({"predicted": x[pick], "observed": smooth[rows], "lower": lower, "upper": upper})


def _bootstrap(
    y: Bools, p: Floats, curve: pd.DataFrame, level: float, n_boot: int, seed: int
) -> tuple[Floats, Floats, pd.DataFrame]:
    rng = check_seed(seed)
    grid = curve["predicted"].to_numpy()
    measures, lines = np.empty((n_boot, 4)), np.empty((n_boot, grid.size))
    for b in range(n_boot):
        rows = rng.integers(0, p.size, p.size)
        smooth = lowess(p[rows], y[rows].astype(float))
        measures[b] = _distances(p[rows], smooth)
        x, first = np.unique(p[rows], return_index=True)
        lines[b] = np.interp(grid, x, smooth[first])
    tails = [(1 - level) / 2, (1 + level) / 2]
    low, high = np.quantile(measures, tails, axis=0)
    band = np.quantile(lines, tails, axis=0)
    return low, high, curve.assign(lower=band[0], upper=band[1])
