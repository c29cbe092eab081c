"""Cleveland's lowess without robustness steps, as R's ``lowess(x, y, iter = 0)``, with pointwise standard errors."""

from __future__ import annotations

from collections.abc import Iterator

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
    fitted = np.empty(xs.size)
    last = -1
    for i, left, right, tied in _anchors(xs, span):
        begin, stop, weight = _weights(xs, i, left, right)
        fitted[i] = weight @ ys[begin:stop]
        if last >= 0 and last < i - 1:
            share = (xs[last + 1 : i] - xs[last]) / (xs[i] - xs[last])
            fitted[last + 1 : i] = share * fitted[i] + (1 - share) * fitted[last]
        fitted[i : tied + 1] = fitted[i]
        last = tied
    out = np.empty(xs.size)
    out[order] = fitted
    return out


def lowess_se(x: Floats, variance: Floats, span: float = 2 / 3) -> Floats:
    """Standard error of the smoothed y at each x, from the variance of each y.

    Every smoothed value is a weighted sum of the y, so its variance is the sum of the squared weights times the
    variances; between two anchors it is that of the interpolation, with their covariance.
    """
    order = np.argsort(x, kind="stable")
    xs, spread = x[order], variance[order]
    out = np.empty(xs.size)
    last, before = -1, (0, np.empty(0))
    for i, left, right, tied in _anchors(xs, span):
        begin, stop, weight = _weights(xs, i, left, right)
        out[i] = weight**2 @ spread[begin:stop]
        if last >= 0 and last < i - 1:
            share = (xs[last + 1 : i] - xs[last]) / (xs[i] - xs[last])
            first, old = before
            low, high = max(first, begin), min(first + old.size, stop)
            shared = old[low - first : high - first] * weight[low - begin : high - begin]
            joint = float(shared @ spread[low:high]) if high > low else 0.0
            out[last + 1 : i] = share**2 * out[i] + (1 - share) ** 2 * out[last] + 2 * share * (1 - share) * joint
        out[i : tied + 1] = out[i]
        last, before = tied, (begin, weight)
    error = np.empty(xs.size)
    error[order] = np.sqrt(np.maximum(out, 0.0))
    return error


def _anchors(xs: Floats, span: float) -> Iterator[tuple[int, int, int, int]]:
    """Anchor, first and last of its window, and the last point tied with it."""
    n = xs.size
    width = max(2, min(n, int(span * n + 1e-7)))
    gap = 0.01 * (xs[-1] - xs[0])
    left, i = 0, 0
    while True:
        # the window of `width` points nearest to xs[i]; it only ever moves right
        while left + width < n and xs[i] - xs[left] > xs[left + width] - xs[i]:
            left += 1
        tied = int(np.searchsorted(xs, xs[i], side="right")) - 1
        yield i, left, left + width - 1, tied
        if tied >= n - 1:
            return
        i = max(tied + 1, int(np.searchsorted(xs, xs[tied] + gap, side="right")) - 1)


def _weights(x: Floats, i: int, left: int, right: int) -> tuple[int, int, Floats]:
    """Where the weights of the straight line at x[i] begin and stop, and the weights."""
    reach = max(x[i] - x[left], x[right] - x[i])
    # points tied with the last of the window belong to it
    stop = int(np.searchsorted(x, x[i] + 0.999 * reach, side="right"))
    begin = int(np.searchsorted(x, x[i] - 0.999 * reach, side="left"))
    xs = x[begin:stop]
    distance = np.abs(xs - x[i])
    if reach <= 0:
        return begin, stop, np.full(xs.size, 1.0 / xs.size)
    weight = np.where(distance <= 0.001 * reach, 1.0, (1 - (distance / reach) ** 3) ** 3)
    weight /= weight.sum()
    centre = float(weight @ xs)
    variance = float(weight @ (xs - centre) ** 2)
    # nearly all weight at one place: no slope can be fitted
    if np.sqrt(variance) > 0.001 * (x[-1] - x[0]):
        weight = weight * ((x[i] - centre) / variance * (xs - centre) + 1)
    return begin, stop, weight
