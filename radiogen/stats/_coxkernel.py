"""Compiled Cox fits of one feature after another beside fixed covariates: what :mod:`radiogen.stats.coxscreen` runs.

Rows are in the order of time, events before censorings.  A row without the feature's value is left out of its fit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

#: how a fit ended
FITTED, CONSTANT, NO_EVENT, COLLINEAR, NO_MAXIMUM = range(5)


def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile on the first call; keep it on disk where there is a place for it."""
    try:
        kernel: Callable[..., Any] = njit(cache=True, error_model="numpy")(function)
    except RuntimeError:  # no folder for the cache
        kernel = njit(error_model="numpy")(function)
    return kernel


@_compiled
def _solve(matrix, vector, first, size, out):  # type: ignore[no-untyped-def]
    """Solve the block [first:size] of a positive definite system by Cholesky; False where it is singular."""
    k = size - first
    factor = np.zeros((k, k))
    for i in range(k):
        for j in range(i + 1):
            total = matrix[first + i, first + j]
            for m in range(j):
                total -= factor[i, m] * factor[j, m]
            if i == j:
                if not total > 1e-10 * matrix[first + i, first + i]:
                    return False
                factor[i, i] = np.sqrt(total)
            else:
                factor[i, j] = total / factor[j, j]
    for i in range(k):
        total = vector[first + i]
        for m in range(i):
            total -= factor[i, m] * out[first + m]
        out[first + i] = total / factor[i, i]
    for i in range(k - 1, -1, -1):
        total = out[first + i]
        for m in range(i + 1, k):
            total -= factor[m, i] * out[first + m]
        out[first + i] = total / factor[i, i]
    return True


@_compiled
def _evaluate(x, event, place, beta, gradient, information):  # type: ignore[no-untyped-def]
    """Log partial likelihood with Efron's ties; fills the gradient and the information."""
    n, p = x.shape
    gradient[:] = 0.0
    information[:] = 0.0
    eta = np.zeros(n)
    top = -np.inf
    for i in range(n):
        for a in range(p):
            eta[i] += beta[a] * x[i, a]
        top = max(top, eta[i])
    s0, loglik = 0.0, 0.0
    s1, s2, d1, d2, mean = np.zeros(p), np.zeros((p, p)), np.zeros(p), np.zeros((p, p)), np.zeros(p)
    i = n - 1
    while i >= 0:
        here = place[i]
        deaths, d0 = 0, 0.0
        d1[:] = 0.0
        d2[:] = 0.0
        while i >= 0 and place[i] == here:
            w = np.exp(eta[i] - top)
            s0 += w
            for a in range(p):
                wa = w * x[i, a]
                s1[a] += wa
                for b in range(a + 1):
                    s2[a, b] += wa * x[i, b]
            if event[i]:
                deaths += 1
                d0 += w
                loglik += eta[i] - top
                for a in range(p):
                    wa = w * x[i, a]
                    d1[a] += wa
                    gradient[a] += x[i, a]
                    for b in range(a + 1):
                        d2[a, b] += wa * x[i, b]
            i -= 1
        for step in range(deaths):
            f = step / deaths
            risk = s0 - f * d0
            loglik -= np.log(risk)
            for a in range(p):
                mean[a] = (s1[a] - f * d1[a]) / risk
                gradient[a] -= mean[a]
                for b in range(a + 1):
                    information[a, b] += (s2[a, b] - f * d2[a, b]) / risk - mean[a] * mean[b]
    for a in range(p):
        for b in range(a):
            information[b, a] = information[a, b]
    return loglik


@_compiled
def _maximise(x, event, place, beta, first, gradient, information):  # type: ignore[no-untyped-def]
    """Newton's method over the coefficients from ``first`` on; the log-likelihood, and 1 where it has a maximum."""
    n, p = x.shape
    step, trial = np.zeros(p), np.zeros(p)
    value = _evaluate(x, event, place, beta, gradient, information)
    for _ in range(40):
        if not _solve(information, gradient, first, p, step):
            return value, 0
        move, size = 0.0, 1.0
        for i in range(n):
            moved, at = 0.0, 0.0
            for a in range(first, p):
                moved += step[a] * x[i, a]
                at += beta[a] * x[i, a]
            move, size = max(move, abs(moved)), max(size, 1.0 + abs(at))
        length, accepted = 1.0, False
        new = value
        while length > 1e-6:
            for a in range(p):
                trial[a] = beta[a] + (length * step[a] if a >= first else 0.0)
            new = _evaluate(x, event, place, trial, gradient, information)
            if np.isfinite(new) and new >= value - 1e-11 * (1 + abs(value)):
                accepted = True
                break
            length /= 2
        if not accepted:
            value = _evaluate(x, event, place, beta, gradient, information)
            return value, 1 if move <= 1e-5 * size else 0
        gain = new - value
        value = new
        for a in range(p):
            beta[a] = trial[a]
        if move <= 1e-9 * size:
            return value, 1
        # with no maximum the likelihood levels off while the predictors go on growing
        if abs(gain) < 1e-11 * (1 + abs(value)) and move > 0.1:
            return value, 0
    return value, 0


@_compiled
def fit_columns(features, covariates, event, place, start, out, codes):  # type: ignore[no-untyped-def]
    """Fit each feature beside the covariates.

    ``features`` (m, n) with NaN where missing; ``covariates`` (n, q); ``start`` (q,) their coefficients without a
    feature.  ``out`` (m, 7) is filled with the log hazard ratio, its standard error, the score and the
    likelihood-ratio statistic, units, events and standard deviation; ``codes`` (m,) with how the fit ended.
    """
    m, n = features.shape
    q = covariates.shape[1]
    p = q + 1
    for column in range(m):
        used, events, mean = 0, 0, 0.0
        for i in range(n):
            if not np.isnan(features[column, i]):
                used += 1
                events += event[i]
                mean += features[column, i]
        out[column, 4], out[column, 5] = used, events
        mean /= max(used, 1)
        spread, largest = 0.0, 0.0
        for i in range(n):
            if not np.isnan(features[column, i]):
                spread += (features[column, i] - mean) ** 2
                largest = max(largest, abs(features[column, i]))
        sd = np.sqrt(spread / max(used, 1))
        out[column, 6] = sd * np.sqrt(used / (used - 1)) if used > 1 else 0.0
        if used < 2 or sd <= 1e-13 * largest:
            codes[column] = CONSTANT
            continue
        if events == 0:
            codes[column] = NO_EVENT
            continue
        x, e, at = np.empty((used, p)), np.empty(used, np.bool_), np.empty(used, np.int64)
        k = 0
        for i in range(n):
            if not np.isnan(features[column, i]):
                x[k, 0] = (features[column, i] - mean) / sd
                for a in range(q):
                    x[k, a + 1] = covariates[i, a]
                e[k], at[k] = event[i], place[i]
                k += 1
        beta, gradient, information = np.zeros(p), np.zeros(p), np.zeros((p, p))
        for a in range(q):
            beta[a + 1] = start[a]
        null = _evaluate(x, e, at, beta, gradient, information)
        if q:
            null, fine = _maximise(x, e, at, beta, 1, gradient, information)
            if not fine:
                codes[column] = COLLINEAR
                continue
        part = np.zeros(p)
        effective = information[0, 0]
        if q:
            if not _solve(information, information[:, 0].copy(), 1, p, part):
                codes[column] = COLLINEAR
                continue
            for a in range(1, p):
                effective -= information[0, a] * part[a]
        if not effective > 1e-9 * max(information[0, 0], 1e-12 * events):
            codes[column] = COLLINEAR if q else CONSTANT
            continue
        out[column, 2] = gradient[0] ** 2 / effective
        value, fine = _maximise(x, e, at, beta, 0, gradient, information)
        if not fine:
            codes[column] = NO_MAXIMUM
            continue
        unit, inverse = np.zeros(p), np.zeros(p)
        unit[0] = 1.0
        if not _solve(information, unit, 0, p, inverse):
            codes[column] = NO_MAXIMUM
            continue
        out[column, 0], out[column, 1] = beta[0] / sd, np.sqrt(inverse[0]) / sd
        out[column, 3] = 2 * (value - null)
        codes[column] = FITTED
