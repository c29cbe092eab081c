"""Pseudo-observations of the risk at a horizon and regression on them."""

from __future__ import annotations

import numpy as np

from radiogen.errors import fail
from radiogen.stats._horizon import risk_at
from radiogen.stats._validate import Floats, Ints

_STEPS = 100
#: log(-log) of a risk so far out that it is 0 or 1
_FAR = 500.0


def pseudo_values(time: Floats, status: Ints, horizon: float) -> Floats:
    """Jackknife pseudo-observations of the probability of event 1 by the horizon, O(n log n).

    Unit i has n F - (n - 1) F(-i), where F is Kaplan and Meier's (Aalen and Johansen's) estimate with all units and
    F(-i) without it.  Andersen, Klein and Rosthøj, Biometrika 2003;90:15, doi 10.1093/biomet/90.1.15.
    """
    n = time.size
    hit = (status > 0) & (time <= horizon)
    times, place = np.unique(time[hit], return_inverse=True)
    size = times.size
    died = np.bincount(place, minlength=size).astype(float)
    first = np.bincount(place, weights=status[hit] == 1, minlength=size)
    at_risk = n - np.searchsorted(np.sort(time), times, side="left").astype(float)
    # with every unit: the risk still to come from each event time on
    tail = np.zeros(size + 1)
    for k in range(size - 1, -1, -1):
        tail[k] = first[k] / at_risk[k] + (1 - died[k] / at_risk[k]) * tail[k + 1]
    # without one unit that is still at risk after each event time
    fewer = np.maximum(at_risk - 1, 1)
    alive = np.r_[1.0, np.cumprod(1 - died / fewer)]
    before = np.r_[0.0, np.cumsum(alive[:-1] * first / fewer)]
    start = np.searchsorted(times, time, side="left")
    out = before[start] + alive[start] * tail[start]
    # units that leave at an event time were at risk then
    inside = start < size
    at = np.flatnonzero(inside)[times[start[inside]] == time[inside]]
    k = start[at]
    own, own_first = (status[at] > 0).astype(float), (status[at] == 1).astype(float)
    out[at] = before[k] + alive[k] * (
        (first[k] - own_first) / fewer[k] + (1 - (died[k] - own) / fewer[k]) * tail[k + 1]
    )
    return np.asarray(n * risk_at(time, status, horizon)[0] - (n - 1) * out)


def cloglog_regression(values: Floats, x: Floats, offset: Floats, start: Floats) -> tuple[Floats, Floats]:
    """Coefficients and robust standard errors of pseudo-observations on x with the complementary log-log link.

    Independent working correlation and constant variance; the standard errors are the sandwich's.
    """
    beta = start.copy()

    def parts(b: Floats) -> tuple[Floats, Floats, Floats]:
        eta = np.clip(x @ b + offset, -700.0, 30.0)
        hazard = np.exp(eta)
        slope = np.exp(eta - hazard)
        return values + np.expm1(-hazard), slope, slope * (1 - hazard)

    residual, slope, bend = parts(beta)
    loss = float(residual @ residual)
    for _ in range(_STEPS):
        lever = x * slope[:, None]
        step = _descent(x, lever, residual, bend)
        length = 1.0
        while length > 1e-8:
            new, new_slope, new_bend = parts(beta + length * step)
            if float(new @ new) <= loss * (1 + 1e-12):
                break
            length /= 2
        else:
            # no step lowers the sum of squares: it is at its smallest but for rounding
            break
        beta, residual, slope, bend, loss = beta + length * step, new, new_slope, new_bend, float(new @ new)
        if np.max(np.abs(length * step)) < 1e-10 * (1 + np.max(np.abs(beta))):
            break
    lever = x * slope[:, None]
    gradient, size = lever.T @ residual, np.linalg.norm(lever, axis=0) * np.linalg.norm(residual)
    if not (np.abs(gradient) <= 1e-6 * size).all() or np.max(np.abs(x @ beta)) > _FAR:
        raise fail("RG704", "The recalibration of the risks does not converge: it runs to 0 or infinity.")
    lever = x * slope[:, None]
    try:
        bread = np.linalg.inv(lever.T @ lever)
    except np.linalg.LinAlgError as error:
        raise fail("RG704", "The recalibration of the risks has no unique solution: there are too few units.") from error
    meat = (lever * residual[:, None]).T @ (lever * residual[:, None])
    return beta, np.sqrt(np.diag(bread @ meat @ bread))


def _descent(x: Floats, lever: Floats, residual: Floats, bend: Floats) -> Floats:
    """Newton's step for the sum of squares where it is convex, otherwise that of Gauss and Newton."""
    gauss = lever.T @ lever
    full = gauss - (x * (residual * bend)[:, None]).T @ x
    for matrix in (full, gauss):
        try:
            np.linalg.cholesky(matrix)
            return np.asarray(np.linalg.solve(matrix, lever.T @ residual))
        except np.linalg.LinAlgError:
            # not convex here; the second matrix is, unless the columns are collinear
            continue
    raise fail("RG704", "The recalibration of the risks has no solution.")
