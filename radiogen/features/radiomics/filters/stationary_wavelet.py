"""One level of the stationary (undecimated) wavelet transform of a periodic image, cut to a box.

The sums run in the order in which PyWavelets' ``swtn`` takes them, so that the results have the same bits.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from radiogen.compiled import compiled

_U = np.uintp


@compiled
def _terms(n: int, taps: int, first: int, last: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Which sample each term of each sum takes, and which tap: in the order of PyWavelets.

    Near the end of the line PyWavelets begins with the samples beyond it, from the nearest to the farthest.
    """
    at = np.empty((last - first, taps), np.intp)
    tap = np.empty((last - first, taps), np.intp)
    for o in range(first, last):
        reach = o + taps // 2  # the sample of tap 0
        beyond = max(0, reach - n + 1)
        for t in range(taps):
            which = beyond - 1 - t if t < beyond else t
            tap[o - first, t] = which
            at[o - first, t] = (reach - which) % n
    return at, tap


@compiled
def _down(
    data: NDArray[np.float64], height: int, start: int, low: NDArray[np.float64], high: NDArray[np.float64], first: int, last: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Low and high pass down the columns, for rows ``first`` to ``last`` (excluded) of an image of ``height`` rows.

    ``data`` begins with row ``start`` of the image and goes on periodically.
    """
    width, taps = data.shape[1], low.size
    at, tap = _terms(height, taps, first, last)
    flat = data.ravel()
    lows, highs = np.zeros((last - first) * width), np.zeros((last - first) * width)
    for o in range(last - first):
        to = _U(o * width)
        for t in range(taps):
            source = _U((at[o, t] - start) % height * width)
            f, g = low[tap[o, t]], high[tap[o, t]]
            for c in range(_U(width)):
                x = flat[source + c]
                lows[to + c] += f * x
                highs[to + c] += g * x
    return lows.reshape((last - first, width)), highs.reshape((last - first, width))


@compiled
def _across(
    data: NDArray[np.float64],
    rows: NDArray[np.intp],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    first: int,
    last: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Low and high pass along the given rows, for columns ``first`` to ``last`` (excluded)."""
    n = data.shape[1]
    width, taps = last - first, low.size
    at, tap = _terms(n, taps, first, last)
    line = np.empty(width + taps)  # the samples that the row's sums take, beyond its ends too
    lows, highs = np.zeros(rows.size * width), np.zeros(rows.size * width)
    plain = max(0, min(width, n - taps // 2 - first))  # up to here the taps come in their own order
    start = first + taps // 2 - taps + 1  # the sample of the last tap of the first sum
    for r in range(rows.size):
        row = rows[r]
        for i in range(width + taps - 1):
            line[i] = data[row, (start + i) % n]
        to = _U(r * width)
        for t in range(taps):
            f, g, shift = low[t], high[t], _U(taps - 1 - t)
            for c in range(_U(plain)):
                x = line[c + shift]
                lows[to + c] += f * x
                highs[to + c] += g * x
        for c in range(plain, width):
            for t in range(taps):
                x = data[row, at[c, t]]
                lows[to + _U(c)] += low[tap[c, t]] * x
                highs[to + _U(c)] += high[tap[c, t]] * x
    return lows.reshape((rows.size, width)), highs.reshape((rows.size, width))


def analyse(
    data: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64], box: tuple[int, int, int, int]
) -> dict[str, NDArray[np.float64]]:
    """Approximation and details of one level, in a box.

    Parameters
    ----------
    data : ndarray of float64, H × W
        The whole image, which goes on periodically; both sides even.
    low, high : ndarray of float64, taps
        The wavelet's decomposition filters.
    box : (int, int, int, int)
        First row, last row (excluded), first column, last column (excluded).

    Returns
    -------
    dict of str to ndarray of float64
        ``LL``, ``LH``, ``HL``, ``HH``; the first letter is the filter along the rows, the second down the columns.
    """
    r0, r1, c0, c1 = box
    height, taps = data.shape[0], low.size
    start = r0 + taps // 2 - taps + 1
    count = min(height, r1 - r0 + taps - 1)
    rows = np.arange(start, start + count) % height
    found = {}
    for letter, part in zip("LH", _across(data, rows, low, high, c0, c1), strict=True):
        found[f"{letter}L"], found[f"{letter}H"] = _down(part, height, start, low, high, r0, r1)
    return found
