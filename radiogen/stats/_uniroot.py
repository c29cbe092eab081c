"""R's root finder, for numbers that R gives only to the tolerance of its ``uniroot``."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

_EPSILON = float(np.finfo(float).eps)
#: the default tolerance of R's uniroot
R_TOLERANCE = _EPSILON**0.25


def uniroot(f: Callable[[float], float], low: float, high: float, tol: float = R_TOLERANCE) -> float:
    """Brent's root finder step by step as R has it, so that it stops where R stops.

    R. P. Brent, Algorithms for Minimization without Derivatives, 1973, chapter 4 (``zeroin``).
    """
    a, b = low, high
    fa, fb = f(a), f(b)
    if fa == 0:
        return a
    c, fc = a, fa
    for _ in range(1000):
        before = b - a
        if abs(fc) < abs(fb):
            # b is the best guess so far, c is on the other side of the root
            a, b, c = b, c, b
            fa, fb, fc = fb, fc, fb
        least = 2 * _EPSILON * abs(b) + tol / 2
        step = (c - b) / 2
        if abs(step) <= least or fb == 0:
            break
        if abs(before) >= least and abs(fa) > abs(fb):
            step = _interpolate((a, b, c), (fa, fb, fc), before, least, step)
        if abs(step) < least:
            step = least if step > 0 else -least
        a, fa = b, fb
        b += step
        fb = f(b)
        if (fb > 0 and fc > 0) or (fb < 0 and fc < 0):
            c, fc = a, fa
    return b


def _interpolate(
    x: tuple[float, float, float], y: tuple[float, float, float], before: float, least: float, bisect: float
) -> float:
    """Secant or inverse quadratic step where it stays inside, otherwise the bisecting one."""
    (a, b, c), (fa, fb, fc) = x, y
    gap = c - b
    if a == c:
        ratio = fb / fa
        p, q = gap * ratio, 1 - ratio
    else:
        q, t1, t2 = fa / fc, fb / fc, fb / fa
        p = t2 * (gap * q * (q - t1) - (b - a) * (t1 - 1))
        q = (q - 1) * (t1 - 1) * (t2 - 1)
    if p > 0:
        q = -q
    else:
        p = -p
    inside = p < 0.75 * gap * q - abs(least * q) / 2 and p < abs(before * q / 2)
    return p / q if inside else bisect
