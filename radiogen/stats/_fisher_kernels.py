"""Fisher's exact test of many 2 × 2 tables: compiled loops over the hypergeometric distribution, without tables of logarithms.

Probabilities are relative to the most probable table and follow from their neighbours' by a ratio; the sums stop where what is
left is below rounding.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from radiogen.compiled import compiled
from radiogen.stats._uniroot import R_TOLERANCE

_EPSILON = float(np.finfo(float).eps)
#: terms below this share of the largest do not change a sum
_NOTHING = 1e-17
#: relative tolerance of R within which two tables are equally probable
_EQUAL = 1 + 1e-7
#: log odds ratios beyond this are 0 or infinite
_FAR = 200.0


@compiled
def _mode(ratio: float, row: int, column: int, n: int, low: int, high: int) -> Any:
    """The most probable first cell at an odds ratio."""
    a, b = low, high
    while a < b:
        k = (a + b) // 2
        if ratio * (row - k) * (column - k) >= (k + 1.0) * (n - row - column + k + 1.0):
            a = k + 1
        else:
            b = k
    return a


@compiled
def _sums(ratio: float, at: int, row: int, column: int, n: int, low: int, high: int) -> Any:
    """Of the terms: their sum, their first moment about ``at``, and both over the cells from ``at`` on and up to it."""
    mode = _mode(ratio, row, column, n, low, high)
    own = float(mode - at)
    total, moment = 1.0, own
    upper, upper_moment = (1.0, own) if mode >= at else (0.0, 0.0)
    lower, lower_moment = (1.0, own) if mode <= at else (0.0, 0.0)
    term, k = 1.0, mode
    while k < high and term > _NOTHING:
        term *= ratio * (row - k) * (column - k) / ((k + 1.0) * (n - row - column + k + 1.0))
        k += 1
        part = term * (k - at)
        total += term
        moment += part
        if k >= at:
            upper += term
            upper_moment += part
        if k <= at:
            lower += term
            lower_moment += part
    term, k = 1.0, mode
    while k > low and term > _NOTHING:
        term *= k * (n - row - column + k) / (ratio * (row - k + 1.0) * (column - k + 1.0))
        k -= 1
        part = term * (k - at)
        total += term
        moment += part
        if k >= at:
            upper += term
            upper_moment += part
        if k <= at:
            lower += term
            lower_moment += part
    return total, moment, upper, upper_moment, lower, lower_moment


@compiled
def _probability(at: int, row: int, column: int, n: int, low: int, high: int, terms: Any) -> Any:
    """Two-sided p: the tables that are no more probable than the one seen."""
    mode = _mode(1.0, row, column, n, low, high)
    terms[mode - low] = 1.0
    for k in range(mode, high):
        terms[k + 1 - low] = terms[k - low] * ((row - k) * (column - k) / ((k + 1.0) * (n - row - column + k + 1.0)))
    for k in range(mode, low, -1):
        terms[k - 1 - low] = terms[k - low] * (k * (n - row - column + k) / ((row - k + 1.0) * (column - k + 1.0)))
    size = high - low + 1
    limit = terms[at - low] * _EQUAL
    total = kept = 0.0
    for k in range(size):
        total += terms[k]
        if terms[k] <= limit:
            kept += terms[k]
    return min(1.0, kept / total)


@compiled
def _gap(x: float, inverse: bool, at: int, row: int, column: int, n: int, low: int, high: int) -> Any:
    """Mean of the first cell at the odds ratio x, or 1 / x, less the one seen."""
    if not inverse and x == 0:
        return float(low - at)
    ratio = 1 / x if inverse else x
    mode = _mode(ratio, row, column, n, low, high)
    total, moment = 1.0, float(mode - at)
    term, k = 1.0, mode
    while k < high and term > _NOTHING:
        term *= ratio * (row - k) * (column - k) / ((k + 1.0) * (n - row - column + k + 1.0))
        k += 1
        total += term
        moment += term * (k - at)
    term, k = 1.0, mode
    while k > low and term > _NOTHING:
        term *= k * (n - row - column + k) / (ratio * (row - k + 1.0) * (column - k + 1.0))
        k -= 1
        total += term
        moment += term * (k - at)
    return moment / total


@compiled
def _ratio_of_r(at: int, row: int, column: int, n: int, low: int, high: int) -> Any:
    """The odds ratio as R's ``fisher.test`` finds it: Brent's root finder, to R's tolerance."""
    if at == low:
        return 0.0
    if at == high:
        return np.inf
    middle = _gap(1.0, False, at, row, column, n, low, high)
    if middle == 0:
        return 1.0
    inverse = middle < 0
    a, b = (_EPSILON, 1.0) if inverse else (0.0, 1.0)
    fa, fb = _gap(a, inverse, at, row, column, n, low, high), middle
    if fa == 0:
        return 1 / a if inverse else a
    c, fc = a, fa
    for _ in range(1000):
        before = b - a
        if abs(fc) < abs(fb):
            a, b, c = b, c, b
            fa, fb, fc = fb, fc, fb
        least = 2 * _EPSILON * abs(b) + R_TOLERANCE / 2
        step = (c - b) / 2
        if abs(step) <= least or fb == 0:
            break
        if abs(before) >= least and abs(fa) > abs(fb):
            gap = c - b
            if a == c:
                p, q = gap * (fb / fa), 1 - fb / fa
            else:
                q, t1, t2 = fa / fc, fb / fc, fb / fa
                p = t2 * (gap * q * (q - t1) - (b - a) * (t1 - 1))
                q = (q - 1) * (t1 - 1) * (t2 - 1)
            if p > 0:
                q = -q
            else:
                p = -p
            if p < 0.75 * gap * q - abs(least * q) / 2 and p < abs(before * q / 2):
                step = p / q
        if abs(step) < least:
            step = least if step > 0 else -least
        a, fa = b, fb
        b += step
        fb = _gap(b, inverse, at, row, column, n, low, high)
        if (fb > 0 and fc > 0) or (fb < 0 and fc < 0):
            c, fc = a, fa
    return 1 / b if inverse else b


@compiled
def _limit(tail: float, rising: bool, start: float, at: int, row: int, column: int, n: int, low: int, high: int) -> Any:
    """The log odds ratio at which the tail from the seen cell on (rising) or up to it has the given probability.

    Newton's steps for the logarithm of the tail, inside a bracket that shrinks.
    """
    left, right, x = -_FAR, _FAR, start
    for _ in range(200):
        s = _sums(np.exp(x), at, row, column, n, low, high)
        share, moment = (s[2], s[3]) if rising else (s[4], s[5])
        share, moment = share / s[0], moment / s[0]
        above = share > tail if rising else share < tail
        if above:
            right = x
        else:
            left = x
        slope = moment - share * (s[1] / s[0])
        new, enough = (left + right) / 2, 1e-13
        if slope != 0 and share > 0:
            tried = x - share * np.log(share / tail) / slope
            if left < tried < right:
                # Newton's error is about the square of the last step
                new, enough = tried, 1e-7
        if abs(new - x) <= enough:
            return new
        x = new
    return x


@compiled
def fisher_tables(tables: Any, tail: float) -> Any:
    """Tables (m × 4: the cells row by row, both margins positive): p, R's odds ratio and the exact limits, m × 4."""
    out = np.empty((tables.shape[0], 4))
    largest = 0
    for i in range(tables.shape[0]):
        largest = max(largest, tables[i].sum())
    terms = np.empty(largest + 1)
    for i in range(tables.shape[0]):
        at, row, column, n = tables[i, 0], tables[i, 0] + tables[i, 1], tables[i, 0] + tables[i, 2], tables[i].sum()
        low, high = max(0, row + column - n), min(row, column)
        out[i, 0] = _probability(at, row, column, n, low, high, terms)
        out[i, 1] = _ratio_of_r(at, row, column, n, low, high)
        middle, spread = 0.0, 0.0
        for j in range(4):
            sign = 1.0 if j == 0 or j == 3 else -1.0
            middle += sign * np.log(tables[i, j] + 0.5)
            spread += 1 / (tables[i, j] + 0.5)
        reach = 2 * np.sqrt(spread)
        out[i, 2] = 0.0 if at == low else np.exp(_limit(tail, True, middle - reach, at, row, column, n, low, high))
        out[i, 3] = np.inf if at == high else np.exp(_limit(tail, False, middle + reach, at, row, column, n, low, high))
    return out
