"""Deriche's recursive Gaussian and its second derivative, with ITK's coefficients, borders and roundings.

Every operation stands in the order in which ITK 5 does it, and what ITK keeps in single precision between two passes
is kept in single precision here: the results have the same bits.
"""

from __future__ import annotations

from functools import lru_cache
from math import cos, exp, sin
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radiogen.compiled import compiled

#: lines that are filtered side by side; their buffers stay in the cache of one core
_LANES = 16
#: unsigned indices, since signed ones may count from the end and are looked at one by one
_U = np.uintp
_F, _ROW, _ROW2, _ROW3, _ROW4 = (_U(_LANES * m) for m in (1, 3, 6, 9, 12))

#: constants of Deriche's fit by four exponentials: (a1, b1, a2, b2) of the Gaussian and of its second derivative
_GAUSSIAN = (1.3530, 1.8151, -0.3531, 0.0902)
_SECOND = (-1.3563, 5.2318, 0.3446, -2.2355)
_W1, _L1, _W2, _L2 = 0.6681, -1.3932, 2.0787, -1.3732


@lru_cache(maxsize=256)
def coefficients(sigma: float, spacing: float, order: int) -> NDArray[np.float64]:
    """The twenty numbers of the recursion along one axis.

    Parameters
    ----------
    sigma : float
        Width of the Gaussian, in the unit of ``spacing``.
    spacing : float
        Size of a pixel along the axis.
    order : {0, 2}
        0 smooths; 2 takes the second derivative, multiplied by sigma² (ITK's normalisation across scales).

    Returns
    -------
    ndarray of float64, 20
        N0..N3 (causal), M1..M4 (anticausal), D1..D4 (recursion), and what stands in for D at the two borders.

    References
    ----------
    Deriche R. Recursively implementing the Gaussian and its derivatives. INRIA research report 1893, 1993.

    Farnebäck G, Westin CF. Improving Deriche-style recursive Gaussian filters. J Math Imaging Vis 2006;26:293-299.
    doi:10.1007/s10851-006-8464-z
    """
    width = sigma / spacing
    d, (sd, dd, ed) = _denominator(width)
    n0, (sn0, dn0, en0) = _numerator(width, _GAUSSIAN)
    if order == 0:
        scale = 1.0 / (2 * sn0 / sd - n0[0])
        n = [v * scale for v in n0]
    else:
        n2, (sn2, dn2, en2) = _numerator(width, _SECOND)
        beta = -(2 * sn2 - sd * n2[0]) / (2 * sn0 - sd * n0[0])
        n = [b + beta * a for a, b in zip(n0, n2, strict=True)]
        sn, dn, en = sn2 + beta * sn0, dn2 + beta * dn0, en2 + beta * en0
        alpha = en * sd * sd - ed * sn * sd - 2 * dn * dd * sd + 2 * dd * dd * sn
        alpha /= sd * sd * sd
        scale = sigma * sigma / alpha
        n = [v * scale for v in n]
    m = [n[1] - d[0] * n[0], n[2] - d[1] * n[0], n[3] - d[2] * n[0], -d[3] * n[0]]
    sn, sm, total = n[0] + n[1] + n[2] + n[3], m[0] + m[1] + m[2] + m[3], 1.0 + d[0] + d[1] + d[2] + d[3]
    return np.array([*n, *m, *d, *(v * sn / total for v in d), *(v * sm / total for v in d)])


def _numerator(width: float, fit: tuple[float, float, float, float]) -> tuple[list[float], tuple[float, float, float]]:
    a1, b1, a2, b2 = fit
    s1, s2, c1, c2 = sin(_W1 / width), sin(_W2 / width), cos(_W1 / width), cos(_W2 / width)
    e1, e2 = exp(_L1 / width), exp(_L2 / width)
    n1 = e2 * (b2 * s2 - (a2 + 2 * a1) * c2)
    n1 += e1 * (b1 * s1 - (a1 + 2 * a2) * c1)
    n2 = (a1 + a2) * c2 * c1
    n2 -= b1 * c2 * s1 + b2 * c1 * s2
    n2 *= 2 * e1 * e2
    n2 += a2 * e1 * e1 + a1 * e2 * e2
    n3 = e2 * e1 * e1 * (b2 * s2 - a2 * c2)
    n3 += e1 * e2 * e2 * (b1 * s1 - a1 * c1)
    n0 = a1 + a2
    return [n0, n1, n2, n3], (n0 + n1 + n2 + n3, n1 + 2 * n2 + 3 * n3, n1 + 4 * n2 + 9 * n3)


def _denominator(width: float) -> tuple[list[float], tuple[float, float, float]]:
    c1, c2 = cos(_W1 / width), cos(_W2 / width)
    e1, e2 = exp(_L1 / width), exp(_L2 / width)
    d4 = e1 * e1 * e2 * e2
    d3 = -2 * c1 * e1 * e2 * e2
    d3 += -2 * c2 * e2 * e1 * e1
    d2 = 4 * c2 * c1 * e1 * e2
    d2 += e1 * e1 + e2 * e2
    d1 = -2 * (e2 * c2 + e1 * c1)
    sums = (1.0 + d1 + d2 + d3 + d4, d1 + 2 * d2 + 3 * d3 + 4 * d4, d1 + 4 * d2 + 9 * d3 + 16 * d4)
    return [d1, d2, d3, d4], sums


@compiled
def filter_lines(
    data: NDArray[np.floating[Any]], first: int, last: int, k: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Filter the columns of ``data`` and give samples ``first`` to ``last`` (excluded) of each, one column per row.

    Parameters
    ----------
    data : ndarray of float32 or float64, n × lines
        At least four samples per line; C order.
    first, last : int
        The samples that are wanted; the recursion itself begins at the two ends of the line, where the first and
        the last value are taken to go on for ever.
    k : ndarray of float64, 20
        From :func:`coefficients`.

    Returns
    -------
    ndarray of float32, lines × (last - first)
    """
    n, lines = data.shape
    flat = data.ravel()
    wide = last - first
    out = np.empty(lines * wide, np.float32)
    w = np.zeros(_U(n) * _ROW, np.float64)  # per sample: the values, the causal part, the anticausal part
    for start in range(0, lines, _LANES):
        count = _U(min(_LANES, lines - start))
        for i in range(n):
            to, at = _U(i) * _ROW, _U(i * lines + start)
            for c in range(count):
                w[to + c] = flat[at + c]
        _causal(w, last, k)
        _anticausal(w, n, first, k)
        for i in range(first, last):
            at, to = _U(i) * _ROW + _F, _U(start * wide + i - first)
            for c in range(count):
                out[to + c * _U(wide)] = w[at + c] + w[at + c + _F]
    return out.reshape((lines, wide))


@compiled
def _causal(w: NDArray[np.float64], last: int, k: NDArray[np.float64]) -> None:
    n0, n1, n2, n3, d1, d2, d3, d4 = k[0], k[1], k[2], k[3], k[8], k[9], k[10], k[11]
    p1, p2, p3, p4 = k[12], k[13], k[14], k[15]
    for c in range(_U(0), _F):
        v, x1, x2, x3, to = w[c], w[c + _ROW], w[c + _ROW2], w[c + _ROW3], c + _F
        f0 = (v * n0 + v * n1 + v * n2 + v * n3) - (v * p1 + v * p2 + v * p3 + v * p4)
        f1 = (x1 * n0 + v * n1 + v * n2 + v * n3) - (f0 * d1 + v * p2 + v * p3 + v * p4)
        f2 = (x2 * n0 + x1 * n1 + v * n2 + v * n3) - (f1 * d1 + f0 * d2 + v * p3 + v * p4)
        f3 = (x3 * n0 + x2 * n1 + x1 * n2 + v * n3) - (f2 * d1 + f1 * d2 + f0 * d3 + v * p4)
        w[to], w[to + _ROW], w[to + _ROW2], w[to + _ROW3] = f0, f1, f2, f3
    for i in range(4, last):
        start = _U(i) * _ROW
        for c in range(start, start + _F):
            to = c + _F
            w[to] = (w[c] * n0 + w[c - _ROW] * n1 + w[c - _ROW2] * n2 + w[c - _ROW3] * n3) - (
                w[to - _ROW] * d1 + w[to - _ROW2] * d2 + w[to - _ROW3] * d3 + w[to - _ROW4] * d4
            )


@compiled
def _anticausal(w: NDArray[np.float64], n: int, first: int, k: NDArray[np.float64]) -> None:
    m1, m2, m3, m4, d1, d2, d3, d4 = k[4], k[5], k[6], k[7], k[8], k[9], k[10], k[11]
    q1, q2, q3, q4 = k[16], k[17], k[18], k[19]
    end = _U(n - 4) * _ROW
    for c in range(end, end + _F):
        x2, x1, v, to = w[c + _ROW], w[c + _ROW2], w[c + _ROW3], c + _F + _F
        b0 = (v * m1 + v * m2 + v * m3 + v * m4) - (v * q1 + v * q2 + v * q3 + v * q4)
        b1 = (v * m1 + v * m2 + v * m3 + v * m4) - (b0 * d1 + v * q2 + v * q3 + v * q4)
        b2 = (x1 * m1 + v * m2 + v * m3 + v * m4) - (b1 * d1 + b0 * d2 + v * q3 + v * q4)
        b3 = (x2 * m1 + x1 * m2 + v * m3 + v * m4) - (b2 * d1 + b1 * d2 + b0 * d3 + v * q4)
        w[to], w[to + _ROW], w[to + _ROW2], w[to + _ROW3] = b3, b2, b1, b0
    for i in range(n - 5, first - 1, -1):
        start = _U(i) * _ROW
        for c in range(start, start + _F):
            to = c + _F + _F
            w[to] = (w[c + _ROW] * m1 + w[c + _ROW2] * m2 + w[c + _ROW3] * m3 + w[c + _ROW4] * m4) - (
                w[to + _ROW] * d1 + w[to + _ROW2] * d2 + w[to + _ROW3] * d3 + w[to + _ROW4] * d4
            )
