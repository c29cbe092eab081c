"""Agreement between predicted risks at a horizon and censored outcomes."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from radiogen.errors import RadiogenError, fail
from radiogen.stats._calibration import quantile_groups
from radiogen.stats._cox_risk import cox_risk
from radiogen.stats._draws import check_draws, check_seed
from radiogen.stats._horizon import check_horizon, probabilities, risk_at, statuses
from radiogen.stats._lowess import lowess, lowess_se
from radiogen.stats._pseudo import cloglog_regression, pseudo_values
from radiogen.stats._rcs import KNOTS, basis, knots_of
from radiogen.stats._validate import Floats, Ints, choice, is_number, normal_quantile
from radiogen.stats.result import StatResult

_CURVE_POINTS = 500
_DISTANCES = ("ici", "e50", "e90", "emax")


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class CalibrationSurvivalResult(StatResult):
    """Measures of calibration at a horizon, one row each, the smooth curve and the groups.

    Parameters
    ----------
    curve : DataFrame
        ``predicted`` and ``observed`` risk (smoothed), with the pointwise band ``lower`` and ``upper``.
    bins : DataFrame
        Groups of similar risk: ``n``, ``events`` (seen by the horizon), ``predicted`` (mean), ``observed``
        (Kaplan-Meier, or Aalen-Johansen with competing events), ``lower``, ``upper``.
    histogram : DataFrame
        ``lower``, ``upper``, ``n``: the distribution of the predicted risks.
    """

    curve: pd.DataFrame = field(default_factory=pd.DataFrame)
    bins: pd.DataFrame = field(default_factory=pd.DataFrame)
    histogram: pd.DataFrame = field(default_factory=pd.DataFrame)

    def value(self, label: str) -> float:
        """The estimate of one measure by its label."""
        names = list(self.label or ())
        if label not in names:
            raise fail("RG708", f"There is no measure '{label}'; there are {', '.join(names)}.", value=label)
        return float(np.asarray(self.estimate)[names.index(label)])


def calibration_survival(
    time: ArrayLike,
    event: ArrayLike,
    risk: ArrayLike,
    horizon: float,
    competing: bool | None = None,
    smooth: str | None = None,
    knots: int = 3,
    groups: int = 10,
    level: float = 0.95,
    clip: float | None = None,
    n_boot: int = 0,
    seed: int = 0,
) -> CalibrationSurvivalResult:
    """Calibration of predicted risks at a horizon under censoring.

    Parameters
    ----------
    time : array-like of float, shape (n,)
        Positive follow-up times.
    event : array-like of 0/1, shape (n,)
        1 where the event was seen, 0 where the time is censored, 2 and up for competing events.
    risk : array-like of float, shape (n,)
        Predicted probability of the event by the horizon (not of survival), made without these outcomes.
    horizon : float
        Time in the unit of ``time``, inside the follow-up.
    competing : bool, optional
        Whether there are competing events, so that the risk is a cumulative incidence.  By default codes of 2 and up
        say so; 1 and 2 without any 0 are refused, since some files write censored and event like that.
    smooth : {"cox", "pseudo"}, optional
        The smooth curve: a Cox model of a restricted cubic spline of log(-log(1 - risk)), over the whole follow-up (the
        default without competing events); or lowess of pseudo-observations (the default with them, and without a
        proportional-hazards assumption).
    knots : {3, 4, 5}, default 3
        Knots of the spline, at Harrell's quantiles; three as in the paper.
    groups : int, default 10
        Groups of similar risk for ``bins``.
    level : float, default 0.95
        Level of the intervals.
    clip : float, optional
        Risks of exactly 0 or 1 have no log(-log(1 - risk)) and are refused; with ``clip`` (such as 0.001) the risks
        are cut to clip and 1 - clip, and a note counts them.
    n_boot : int, default 0
        Bootstrap resamples for the intervals of ICI, E50, E90 and Emax; 0 gives these without interval.
    seed : int, default 0
        Seed of the bootstrap.

    Returns
    -------
    CalibrationSurvivalResult
        Rows ``oe`` (observed risk over mean predicted risk; ideal 1), ``intercept`` (of pseudo-observations with
        log(-log(1 - risk)) as offset; ideal 0), ``slope`` (ideal 1), without competing events ``slope_cox`` (the
        coefficient of log(-log(1 - risk)) in a Cox model of the whole follow-up; ideal 1), ``ici``, ``e50``, ``e90`` and
        ``emax`` (mean, median, 90th percentile and largest distance of the curve from the risks).
        ``result["observed"]`` and ``["expected"]`` make the ratio; ``["oe_greenwood_lower"]``, ``["oe_greenwood_upper"]``,
        ``["oe_poisson_lower"]`` and ``["oe_poisson_upper"]`` are limits that papers print, with Greenwood's variance of the
        observed risk alone, and with 1 / events, as the variance of its logarithm.

    Raises
    ------
    RadiogenError
        RG402, RG403, RG705 for unusable arrays, risks that are constant or 0 or 1 without ``clip``; RG701 without an
        event by the horizon; RG704 where a recalibration has no finite solution; RG708 for an option out of range.

    Notes
    -----
    Censoring is taken to be independent of event and risk (for ``smooth="cox"`` and the groups: given the risk).
    Intervals: O/E on the logarithm, with the variance of the pseudo-observations and the risks together (Greenwood's, of
    the observed risk alone, is too large, since a sample of high risks has more events too); intercept and slope with the
    sandwich variance; the Cox curve with the variance of its cumulative hazard, on the logarithm of that hazard.

    References
    ----------
    Austin, Harrell and van Klaveren, Stat Med 2020;39:2714, doi 10.1002/sim.8570.  van Geloven et al., BMJ
    2022;377:e069249, doi 10.1136/bmj-2021-069249.  McLernon et al., Ann Intern Med 2023;176:105, doi 10.7326/M22-0844.

    Examples
    --------
    >>> risk = [0.1, 0.3, 0.2, 0.6, 0.4, 0.7, 0.5, 0.8]
    >>> r = calibration_survival([8, 9, 7, 1, 6, 5, 2, 3], [0, 1, 1, 1, 0, 1, 1, 1], risk, 4, groups=2)
    >>> round(r.value("oe"), 4)
    0.8333
    """
    z = normal_quantile(level)
    t, status, competing = statuses(time, event, competing)
    tau = check_horizon(t, status, horizon)
    p = probabilities(risk, "risk", t.size)
    p, notes = _cut(p, clip)
    check_draws(n_boot, least=0)
    check_draws(groups, least=2)
    how = choice(smooth or ("pseudo" if competing else "cox"), "smooth", ("cox", "pseudo"))
    if how == "cox" and competing:
        raise fail("RG708", "With competing events the curve is smoothed with `smooth=\"pseudo\"`.", value=smooth)
    if knots not in KNOTS:
        raise fail("RG708", f"`knots` must be one of {', '.join(map(str, KNOTS))}.", value=knots)
    values = pseudo_values(t, status, tau)
    rows, extra = _weak(t, status, tau, p, values, z, competing)
    fit, lower_fit, upper_fit, more = _smooth(t, status, tau, p, values, how, knots, z)
    rows += [[d, np.nan, np.nan, np.nan] for d in _distances(p, fit)]
    table = np.array(rows)
    words = f"Cox model of a spline with {knots} knots" if how == "cox" else "lowess of pseudo-observations, span 2/3"
    method = f"calibration by {tau:g}; O/E (log), pseudo-observations (sandwich), curve: {words}"
    if n_boot:
        drawn, lost = _bootstrap(t, status, tau, p, how, knots, n_boot, seed)
        table[-4:, 1] = drawn.std(axis=0, ddof=1)
        table[-4:, 2], table[-4:, 3] = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=0)
        method += f", percentile bootstrap of {n_boot} (seed {seed})"
        notes += (f"{lost} of {n_boot} resamples had no curve and were left out.",) if lost else ()
    else:
        notes += ("ICI, E50, E90 and Emax are without interval; give n_boot.",)
    labels = ["oe", "intercept", "slope", *([] if competing else ["slope_cox"]), *_DISTANCES]
    return CalibrationSurvivalResult(
        method=method, estimate=table[:, 0], se=table[:, 1], lower=table[:, 2], upper=table[:, 3], n=t.size,
        events=int(((status == 1) & (t <= tau)).sum()), label=labels, level=level, extra=extra, notes=(*notes, *more),
        curve=_curve(p, fit, lower_fit, upper_fit), bins=_bins(t, status, tau, p, groups, z),
        histogram=_histogram(p),
    )  # fmt: skip


def _cut(p: Floats, clip: float | None) -> tuple[Floats, tuple[str, ...]]:
    edge = int(((p == 0) | (p == 1)).sum())
    if clip is None and edge:
        raise fail(
            "RG705", f"{edge} risks are exactly 0 or 1, which have no complementary log-log.",
            fix="Give `clip=0.001`, or risks that are not 0 or 1.",
        )  # fmt: skip
    if clip is not None and not (is_number(clip) and 0 < clip < 0.5):
        raise fail("RG708", "`clip` must lie between 0 and 0.5.", value=clip)
    cut = p if clip is None else np.clip(p, clip, 1 - clip)
    if np.ptp(cut) == 0:
        raise fail("RG705", "`risk` is constant; a calibration slope has no value.", value=cut[0])
    count = int((cut != p).sum())
    return cut, (f"{count} of {p.size} risks were cut to {clip:g} and {1 - (clip or 0):g}.",) if count else ()


def _cloglog(p: Floats) -> Floats:
    return np.asarray(np.log(-np.log1p(-p)))


def _weak(
    time: Floats, status: Ints, tau: float, p: Floats, values: Floats, z: float, competing: bool
) -> tuple[list[list[float]], dict[str, float]]:
    """Rows of estimate, standard error and limits: O/E, intercept, slopes."""
    n, expected = time.size, float(p.mean())
    observed = float(risk_at(time, status, tau)[0])
    ratio = observed / expected
    # a sample of high risks has more events too: the ratio varies less than its numerator
    log_se = float((values / observed - p / expected).std(ddof=1) / np.sqrt(n))
    events = int(((status == 1) & (time <= tau)).sum())
    rows = [[ratio, ratio * log_se, ratio * np.exp(-z * log_se), ratio * np.exp(z * log_se)]]
    cll = _cloglog(p)
    large, large_se = cloglog_regression(values, np.ones((n, 1)), cll, np.zeros(1))
    line, line_se = cloglog_regression(values, np.column_stack([np.ones(n), cll]), np.zeros(n), np.array([0.0, 1.0]))
    pairs = [(large[0], large_se[0]), (line[1], line_se[1])]
    if not competing:
        model = cox_risk(time, status == 1, cll[:, None], tau)
        pairs.append((model.beta[0] / model.scale[0], np.sqrt(model.cov[0, 0]) / model.scale[0]))
    rows += [[b, s, b - z * s, b + z * s] for b, s in pairs]
    numerator, poisson = z * _risk_se(time, status, tau, values) / observed, z / np.sqrt(events)
    return rows, {
        "observed": observed, "expected": expected, "slope_intercept": float(line[0]),
        "oe_greenwood_lower": ratio * float(np.exp(-numerator)), "oe_greenwood_upper": ratio * float(np.exp(numerator)),
        "oe_poisson_lower": ratio * float(np.exp(-poisson)), "oe_poisson_upper": ratio * float(np.exp(poisson)),
    }  # fmt: skip


def _risk_se(time: Floats, status: Ints, tau: float, values: Floats | None = None) -> float:
    """Greenwood's standard error; with competing events that of the mean of the pseudo-observations."""
    if (status == 2).any():
        own = pseudo_values(time, status, tau) if values is None else values
        return float(own.std(ddof=1) / np.sqrt(own.size)) if own.size > 1 else 0.0
    times, count = np.unique(time[(status == 1) & (time <= tau)], return_counts=True)
    at_risk = time.size - np.searchsorted(np.sort(time), times, side="left")
    if (at_risk == count).any():
        return 0.0
    survival = 1 - risk_at(time, status, tau)[0]
    return float(survival * np.sqrt((count / (at_risk * (at_risk - count))).sum()))


def _smooth(
    time: Floats, status: Ints, tau: float, p: Floats, values: Floats, how: str, knots: int, z: float
) -> tuple[Floats, Floats, Floats, tuple[str, ...]]:
    """Smoothed observed risk of each unit with its band."""
    if how == "pseudo":
        fit = lowess(p, values)
        margin = z * lowess_se(p, np.full(p.size, float(((values - fit) ** 2).mean())))
        return fit, np.minimum(fit, np.clip(fit - margin, 0, 1)), np.maximum(fit, np.clip(fit + margin, 0, 1)), ()
    cll = _cloglog(p)
    places = knots_of(cll, knots)
    # as many different risks as columns leave the last column without information
    places = places if np.unique(cll).size > places.size else places[:0]
    note = () if places.size >= 3 else ("The risks have too few different values for a spline; the curve is a straight line.",)
    x = basis(cll, places)
    return (*cox_risk(time, status == 1, x, tau).risk(x, z), note)


def _distances(p: Floats, fit: Floats) -> Floats:
    gap = np.abs(p - fit)
    return np.array([gap.mean(), np.quantile(gap, 0.5), np.quantile(gap, 0.9), gap.max()])


def _curve(p: Floats, fit: Floats, lower: Floats, upper: Floats) -> pd.DataFrame:
    x, first = np.unique(p, return_index=True)
    pick = np.unique(np.linspace(0, x.size - 1, min(x.size, _CURVE_POINTS)).round().astype(int))
    rows = first[pick]
    return pd.DataFrame({"predicted": x[pick], "observed": fit[rows], "lower": lower[rows], "upper": upper[rows]})


def _bins(time: Floats, status: Ints, tau: float, p: Floats, groups: int, z: float) -> pd.DataFrame:
    rows = []
    codes = quantile_groups(p, groups)
    for code in np.unique(codes):
        side = codes == code
        risk, error = float(risk_at(time[side], status[side], tau)[0]), _risk_se(time[side], status[side], tau)
        row = {
            "n": int(side.sum()), "events": int(((status == 1) & (time <= tau))[side].sum()),
            "predicted": float(p[side].mean()), "observed": risk, "lower": np.nan, "upper": np.nan,
        }  # fmt: skip
        # no interval where nothing, or everything, has happened
        if error > 0 and 0 < risk < 1:
            centre, margin = np.log(-np.log1p(-risk)), z * error / ((1 - risk) * -np.log1p(-risk))
            row |= {"lower": float(-np.expm1(-np.exp(centre - margin))), "upper": float(-np.expm1(-np.exp(centre + margin)))}
        rows.append(row)
    return pd.DataFrame(rows)


def _histogram(p: Floats, count: int = 20) -> pd.DataFrame:
    edges = np.linspace(0, 1, count + 1)
    place = np.minimum((p * count).astype(np.int64), count - 1)
    return pd.DataFrame({"lower": edges[:-1], "upper": edges[1:], "n": np.bincount(place, minlength=count)})


def _bootstrap(
    time: Floats, status: Ints, tau: float, p: Floats, how: str, knots: int, n_boot: int, seed: int
) -> tuple[Floats, int]:
    """Distances in resamples, and how many resamples had no curve."""
    rng = check_seed(seed)
    drawn = []
    for _ in range(n_boot):
        rows = rng.integers(0, p.size, p.size)
        t, s, q = time[rows], status[rows], p[rows]
        # a resample may have no event by the horizon, or one risk only
        if t.max() < tau or not ((s == 1) & (t <= tau)).any() or np.ptp(q) == 0:
            continue
        values = pseudo_values(t, s, tau) if how == "pseudo" else np.empty(0)
        try:
            drawn.append(_distances(q, _smooth(t, s, tau, q, values, how, knots, 0.0)[0]))
        except RadiogenError as error:
            # no maximum in this resample; the caller says how many were lost
            if error.code != "RG704":
                raise
    if len(drawn) < max(2, n_boot / 2):
        raise fail("RG701", f"Only {len(drawn)} of {n_boot} resamples have an event by the horizon and different risks.")
    return np.array(drawn), n_boot - len(drawn)
