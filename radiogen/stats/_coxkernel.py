"""Compiled Cox fits of one feature after another beside fixed covariates: what :mod:`radiogen.stats.coxscreen` runs.

Rows are in the order of time, events before censorings.  A row without the feature's value is left out of its fit.
"""

from __future__ import annotations

import numpy as np

from radiogen.compiled import compiled

#: how a fit ended
FITTED, CONSTANT, NO_EVENT, COLLINEAR, NO_MAXIMUM = range(5)


@compiled
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


@compiled
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


@compiled
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
        # Newton's error after a step is of the order of its square
        if move <= 1e-5 * size:
            return value, 1
        # with no maximum the likelihood levels off while the predictors go on growing
        if abs(gain) < 1e-11 * (1 + abs(value)) and move > 0.1:
            return value, 0
    return value, 0


@compiled
def _evaluate_one(x, event, place, beta):  # type: ignore[no-untyped-def]
    """Log partial likelihood, its derivative and the information of one standardised covariate."""
    n = x.size
    top = -np.inf
    for i in range(n):
        top = max(top, beta * x[i])
    s0, s1, s2, loglik, gradient, information, product = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0
    i = n - 1
    while i >= 0:
        here = place[i]
        deaths, d0, d1, d2 = 0, 0.0, 0.0, 0.0
        while i >= 0 and place[i] == here:
            w = np.exp(beta * x[i] - top)
            wx = w * x[i]
            s0 += w
            s1 += wx
            s2 += wx * x[i]
            if event[i]:
                deaths += 1
                d0 += w
                d1 += wx
                d2 += wx * x[i]
                loglik += beta * x[i] - top
                gradient += x[i]
            i -= 1
        for step in range(deaths):
            f = step / deaths
            risk = s0 - f * d0
            # one logarithm for many factors
            product *= risk
            if product > 1e150 or product < 1e-150:
                loglik -= np.log(product)
                product = 1.0
            inverse = 1.0 / risk
            mean = (s1 - f * d1) * inverse
            gradient -= mean
            information += (s2 - f * d2) * inverse - mean * mean
    return loglik - np.log(product), gradient, information


@compiled
def _fit_one(x, event, place):  # type: ignore[no-untyped-def]
    """Coefficient, information, score and likelihood-ratio statistic of one covariate, and how the fit ended."""
    null, gradient, information = _evaluate_one(x, event, place, 0.0)
    if not information > 1e-12 * event.sum():
        return 0.0, 0.0, np.nan, 0.0, CONSTANT
    score = gradient**2 / information
    largest = 0.0
    for i in range(x.size):
        largest = max(largest, abs(x[i]))
    beta, value = 0.0, null
    for _ in range(40):
        if not information > 0:
            break
        step = gradient / information
        length, accepted = 1.0, False
        new = value
        while length > 1e-6:
            new, gradient, information = _evaluate_one(x, event, place, beta + length * step)
            if np.isfinite(new) and new >= value - 1e-11 * (1 + abs(value)):
                accepted = True
                break
            length /= 2
        if not accepted:
            break
        gain = new - value
        value = new
        beta += length * step
        move = largest * abs(step)
        # Newton's error after a step is of the order of its square
        if move <= 1e-5 * (1 + largest * abs(beta)):
            return beta, information, score, 2 * (value - null), FITTED
        # with no maximum the likelihood levels off while the predictor goes on growing
        if abs(gain) < 1e-11 * (1 + abs(value)) and move > 0.1:
            break
    return 0.0, 0.0, score, 0.0, NO_MAXIMUM


@compiled
def _standardised(values, event, place, row):  # type: ignore[no-untyped-def]
    """A feature's known values with mean 0 and deviation 1, their events, times and places; fills units, events, SD."""
    rows = np.flatnonzero(~np.isnan(values))
    x, e, at = values[rows], event[rows], place[rows]
    used = rows.size
    row[4], row[5], row[6] = used, e.sum(), 0.0
    if used < 2:
        return x, e, at, rows, 0.0, CONSTANT
    sd = x.std()
    row[6] = sd * np.sqrt(used / (used - 1))
    if sd <= 1e-13 * np.abs(x).max():
        return x, e, at, rows, sd, CONSTANT
    return (x - x.mean()) / sd, e, at, rows, sd, FITTED if e.any() else NO_EVENT


@compiled
def fit_alone(features, event, place, out, codes):  # type: ignore[no-untyped-def]
    """Fit each feature by itself.

    ``features`` (m, n) with NaN where missing.  ``out`` (m, 7) is filled with the log hazard ratio, its standard
    error, the score and the likelihood-ratio statistic, units, events and standard deviation; ``codes`` (m,) with
    how the fit ended.
    """
    for column in range(features.shape[0]):
        row = out[column]
        x, e, at, _, sd, code = _standardised(features[column], event, place, row)
        if code == FITTED:
            beta, information, row[2], gain, code = _fit_one(x, e, at)
            if code == FITTED:
                row[0], row[1], row[3] = beta / sd, 1 / np.sqrt(information) / sd, gain
        codes[column] = code


@compiled
def fit_beside(features, covariates, event, place, start, out, codes):  # type: ignore[no-untyped-def]
    """Fit each feature beside the covariates (n, q), whose coefficients without a feature are ``start``.

    Otherwise as :func:`fit_alone`.
    """
    p = covariates.shape[1] + 1
    for column in range(features.shape[0]):
        row = out[column]
        values, e, at, rows, sd, code = _standardised(features[column], event, place, row)
        if code != FITTED:
            codes[column] = code
            continue
        x = np.empty((rows.size, p))
        x[:, 0] = values
        x[:, 1:] = covariates[rows]
        beta, part, unit = np.zeros(p), np.zeros(p), np.zeros(p)
        gradient, information = np.zeros(p), np.zeros((p, p))
        beta[1:] = start
        codes[column] = COLLINEAR
        null, fine = _maximise(x, e, at, beta, 1, gradient, information)
        if not fine or not _solve(information, information[:, 0].copy(), 1, p, part):
            continue
        effective = information[0, 0]
        for a in range(1, p):
            effective -= information[0, a] * part[a]
        if not effective > 1e-9 * max(information[0, 0], 1e-12 * e.sum()):
            continue
        row[2] = gradient[0] ** 2 / effective
        codes[column] = NO_MAXIMUM
        value, fine = _maximise(x, e, at, beta, 0, gradient, information)
        unit[0] = 1.0
        if not fine or not _solve(information, unit, 0, p, part):
            continue
        row[0], row[1], row[3] = beta[0] / sd, np.sqrt(part[0]) / sd, 2 * (value - null)
        codes[column] = FITTED
