"""Cleveland's lowess without robustness steps, as R's ``lowess(x, y, iter = 0)``."""

from __future__ import annotations

import numpy as np

from radiogen.stats._validate import Floats


def lowess(x: Floats, y: Floats, span: float = 2 / 3) -> Floats:
    """Smoothed y at each x.

    A straight line is fitted around anchor points that are at least 1 % of the range apart, with
    tricube weights over the nearest ``span`` of the points; values between are interpolated.
    Cleveland, JASA 1979;74:829, doi 10.1080/01621459.1979.10481038.
    """
    order = np.argsort(x, kind="stable")
    xs, ys = x[order], y[order]
    n = xs.size
    width = max(2, min(n, int(span * n + 1e-7)))
    gap = 0.01 * (xs[-1] - xs[0])
    fitted = np.empty(n)
    left, last, i = 0, -1, 0
    while True:
        # the window of `width` points nearest to xs[i]; it only ever moves right
        while left + width < n and xs[i] - xs[left] > xs[left + width] - xs[i]:
            left += 1
        fitted[i] = _line(xs, ys, i, left, left + width - 1)
        if last >= 0 and last < i - 1:
            share = (xs[last + 1 : i] - xs[last]) / (xs[i] - xs[last])
            fitted[last + 1 : i] = share * fitted[i] + (1 - share) * fitted[last]
        tied = int(np.searchsorted(xs, xs[i], side="right")) - 1
        fitted[i : tied + 1] = fitted[i]
        last = tied
        if last >= n - 1:
            break
        i = max(last + 1, int(np.searchsorted(xs, xs[last] + gap, side="right")) - 1)
    out = np.empty(n)
    out[order] = fitted
    return out


def _line(x: Floats, y: Floats, i: int, left: int, right: int) -> float:
    """The weighted straight line at x[i]."""
    reach = max(x[i] - x[left], x[right] - x[i])
    # points tied with the last of the window belong to it
    stop = int(np.searchsorted(x, x[i] + 0.999 * reach, side="right"))
    begin = int(np.searchsorted(x, x[i] - 0.999 * reach, side="left"))
    xs, ys = x[begin:stop], y[begin:stop]
    distance = np.abs(xs - x[i])
    if reach <= 0:
        return float(ys.mean())
    weight = np.where(distance <= 0.001 * reach, 1.0, (1 - (distance / reach) ** 3) ** 3)
    weight /= weight.sum()
    centre = float(weight @ xs)
    variance = float(weight @ (xs - centre) ** 2)
    # nearly all weight at one place: no slope can be fitted
    if np.sqrt(variance) > 0.001 * (x[-1] - x[0]):
        weight = weight * ((x[i] - centre) / variance * (xs - centre) + 1)
    return float(weight @ ys)
