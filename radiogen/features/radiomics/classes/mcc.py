"""The maximal correlation coefficient of co-occurrence matrices."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from radiogen.compiled import compiled
from radiogen.features.radiomics.classes.emphasis import EPSILON
from radiogen.features.radiomics.classes.inputs import Levels
from radiogen.features.radiomics.classes.rounding import as_laid_out, mean_of_numbers


def correlation_coefficients(matrices: NDArray[np.float64], levels: Levels) -> float:
    """Mean over the matrices of the root of the second largest eigenvalue of Haralick's Q.

    Parameters
    ----------
    matrices : ndarray, k × n × n
        Each sums to one.
    levels : Levels
        Those of rows and columns.

    Returns
    -------
    float
        1 for a single level.

    Notes
    -----
    Q(i, j) = Σ p(i, k) p(j, k) / (px(i) py(k)) has the squared singular values of p(i, k) / √(px(i) py(k)) for
    eigenvalues.  The largest is 1 and belongs to the roots of the margins; with it taken off, a few steps of
    Lanczos' iteration find the next.  pyradiomics adds a small number to the divisor, which moves eigenvalues
    that hang on rare levels; first-order perturbation puts that in.  Where the residual of the one or the bound of
    the other's second order is above 1e-10 of the eigenvalue (eigenvalues that coincide or vanish, very many levels)
    all eigenvalues of Q are computed, as pyradiomics does.

    References
    ----------
    Haralick RM, Shanmugam K, Dinstein I. IEEE Trans Syst Man Cybern 1973;SMC-3(6):610-621.
    doi:10.1109/TSMC.1973.4309314
    """
    if len(levels.present) < 2:
        return 1.0
    if len(matrices) == 0:
        return float("nan")
    found = np.array([second_eigenvalue(p, levels.present) for p in matrices])
    if np.isnan(found).any():
        return _by_all_eigenvalues(as_laid_out(matrices, levels))
    return float(np.sqrt(found).mean())


def _by_all_eigenvalues(p: NDArray[np.float64]) -> float:
    """From matrices 1 × n × n × k, with pyradiomics' order of sums: what vanishes is a rounding error, and so is its sign."""
    px, py = p.sum(2, keepdims=True), p.sum(1, keepdims=True)
    q = p[:, :, None, 0, :] * p[:, None, :, 0, :] / (px * py[:, :, :1, :] + EPSILON)
    for k in range(1, p.shape[1]):
        q += p[:, :, None, k, :] * p[:, None, :, k, :] / (px * py[:, :, k : k + 1, :] + EPSILON)
    values = np.sort(np.linalg.eigvals(q[0].transpose(2, 0, 1)), axis=1)[:, -2]
    with np.errstate(invalid="ignore"):
        return mean_of_numbers(np.sqrt(values))


@compiled
def second_eigenvalue(p, grey):  # type: ignore[no-untyped-def]
    """Second largest eigenvalue of Q of one matrix, or NaN where the iteration cannot give it to 1e-10."""
    n = p.shape[0]
    eps = 2.220446049250313e-16
    px, py, rx, ry = np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n)
    for i in range(n):
        for j in range(n):
            px[i] += p[i, j]
            py[j] += p[i, j]
    rarest_x, rarest_y, mean = 1.0, 1.0, 0.0
    for i in range(n):
        rx[i], ry[i] = np.sqrt(px[i]), np.sqrt(py[i])
        mean += grey[i] * px[i]
        rarest_x = px[i] if 0 < px[i] < rarest_x else rarest_x
        rarest_y = py[i] if 0 < py[i] < rarest_y else rarest_y
    b, b_turned = np.zeros((n, n)), np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            if p[i, j] != 0:
                b[i, j] = p[i, j] / (rx[i] * ry[j])
                b_turned[j, i] = b[i, j]
    most = min(n - 1, 200)
    basis = np.zeros((most + 2, n))
    alpha, beta, ritz = np.zeros(most + 2), np.zeros(most + 2), np.zeros(most + 2)
    z, w = np.zeros(n), np.zeros(n)
    for i in range(n):
        basis[0, i] = rx[i]  # the eigenvector of the eigenvalue 1, to which all others are orthogonal
        if px[i] > 0:  # near the vector that is sought, and with a part of every other
            z[i] = 0.05 * rx[i] * (grey[i] - mean) + (((i * 37 + 11) % 101) / 101 - 0.4) / np.sqrt(n)
    value, left_over, steps, norm = 0.0, 1.0, 0, 1.0
    while True:
        for _ in range(2):
            for k in range(steps + 1):
                part = _dot(basis[k], z)
                for i in range(n):
                    z[i] -= part * basis[k, i]
        norm = np.sqrt(_dot(z, z))
        exhausted = norm < 1e-13 or steps == most
        if steps > 0 and (exhausted or norm < 1e-5 or steps % 4 == 0):
            value, tail = _largest(alpha[1 : steps + 1], beta[1 : steps + 1], value, left_over, ritz)
            left_over = norm * tail  # an eigenvalue is as near as this, whatever lies next to it
            if left_over < 1e-10 * value:
                break
        if exhausted:
            break
        beta[steps] = norm
        steps += 1
        for i in range(n):
            basis[steps, i] = z[i] / norm
            w[i] = 0.0
            z[i] = 0.0
        for i in range(n):
            v = basis[steps, i]
            for j in range(n):
                w[j] += v * b[i, j]
        for j in range(n):
            v = w[j]
            for i in range(n):
                z[i] += v * b_turned[j, i]
        alpha[steps] = _dot(z, basis[steps])
    if value < 1e-7 or (left_over > 1e-10 * value and norm > 1e-13):
        return np.nan
    for i in range(n):  # the eigenvector, in z
        z[i] = 0.0
        for k in range(steps):
            z[i] += ritz[k] * basis[k + 1, i]
    # how the small number in the divisor moves the eigenvalue
    g, h = np.zeros(n), np.zeros(n)
    for i in range(n):
        for k in range(n):
            if p[i, k] != 0:
                q = px[i] * py[k]
                g[k] += p[i, k] * z[i] / rx[i]
                h[k] += rx[i] * z[i] * p[i, k] / (q * q)
    shift = right = left = 0.0
    for i in range(n):
        to_right = to_left = 0.0
        for k in range(n):
            if p[i, k] != 0:
                q = px[i] * py[k]
                to_right += p[i, k] * g[k] / (q * q)
                to_left += p[i, k] * h[k]
        if px[i] > 0:
            to_right, to_left = eps * rx[i] * to_right, eps * to_left / rx[i]
            shift -= z[i] * to_right
            right += to_right * to_right
            left += to_left * to_left
    right, left = np.sqrt(right), np.sqrt(left)
    gap = min(value - _second(alpha[1 : steps + 1], beta[1 : steps + 1], value), 1.0 - value)
    unsure = right * left > 1e-10 * value * gap or right * eps > 1e-10 * value * rarest_x * rarest_y
    return np.nan if unsure else value + shift


@compiled
def _dot(a, b):  # type: ignore[no-untyped-def]
    """Sum of products in four sums, which the processor can work on side by side."""
    s0 = s1 = s2 = s3 = 0.0
    whole = a.size // 4 * 4
    for k in range(0, whole, 4):
        s0 += a[k] * b[k]
        s1 += a[k + 1] * b[k + 1]
        s2 += a[k + 2] * b[k + 2]
        s3 += a[k + 3] * b[k + 3]
    for k in range(whole, a.size):
        s0 += a[k] * b[k]
    return (s0 + s1) + (s2 + s3)


@compiled
def _above(diagonal, beside, x):  # type: ignore[no-untyped-def]
    """How many eigenvalues of a symmetric tridiagonal matrix are above x (Sturm's sequence)."""
    count, q = 0, 1.0
    for k in range(diagonal.size):
        q = diagonal[k] - x - (beside[k - 1] * beside[k - 1] / q if k > 0 else 0.0)
        if q == 0:
            q = 1e-300
        if q > 0:
            count += 1
    return count


@compiled
def _ranked(diagonal, beside, rank, low, high):  # type: ignore[no-untyped-def]
    """The eigenvalue of a symmetric tridiagonal matrix with ``rank`` larger ones, which lies between two numbers."""
    for _ in range(60):
        middle = 0.5 * (low + high)
        if high - low < 1e-14 * high:
            break
        if _above(diagonal, beside, middle) > rank:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


@compiled
def _second(diagonal, beside, first):  # type: ignore[no-untyped-def]
    """Second largest eigenvalue of a symmetric tridiagonal matrix, 0 if there is none."""
    return _ranked(diagonal, beside, 1, 0.0, first) if diagonal.size > 1 else 0.0


@compiled
def _largest(diagonal, beside, least, guess, vector):  # type: ignore[no-untyped-def]
    """Largest eigenvalue of a symmetric tridiagonal matrix, not below ``least``, and the last part of its vector.

    Most often it is above ``least`` by no more than ``guess``.  The unit vector is written into ``vector``.
    """
    m = diagonal.size
    high = least + guess if _above(diagonal, beside, least + guess) == 0 else 1.001
    first = _ranked(diagonal, beside, 0, least, high)
    x = first + 1e-12  # just above, where the factorisation needs no pivots
    pivots = np.zeros(m)
    for k in range(m):
        vector[k] = 1.0
        pivots[k] = diagonal[k] - x - (beside[k - 1] * beside[k - 1] / pivots[k - 1] if k > 0 else 0.0)
    for _ in range(4):  # inverse iteration
        for k in range(1, m):
            vector[k] -= beside[k - 1] / pivots[k - 1] * vector[k - 1]
        norm = 0.0
        for k in range(m - 1, -1, -1):
            vector[k] = vector[k] / pivots[k] - (beside[k] / pivots[k] * vector[k + 1] if k + 1 < m else 0.0)
            norm += vector[k] * vector[k]
        norm = np.sqrt(norm)
        for k in range(m):
            vector[k] /= norm
    return first, abs(vector[m - 1])
