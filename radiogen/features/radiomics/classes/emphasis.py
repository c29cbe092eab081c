"""Features that the matrices of runs, zones and dependences have in common."""

from __future__ import annotations

import numpy as np

from radiogen.compiled import compiled

EPSILON = float(np.spacing(1.0))

#: what :func:`emphases` returns, in order
EMPHASES = (
    "small", "large", "grey_nonuniformity", "grey_nonuniformity_normalised", "size_nonuniformity",
    "size_nonuniformity_normalised", "percentage", "grey_variance", "size_variance", "entropy",
    "low_grey", "high_grey", "small_low", "small_high", "large_low", "large_high",
)  # fmt: skip


@compiled
def emphases(sizes, codes, weights, grey, largest):  # type: ignore[no-untyped-def]
    """Sixteen features of a matrix of grey level by size, given by its entries that are not zero.

    ``sizes`` (from 1, at most ``largest``), ``codes`` (index into ``grey``) and ``weights`` (number of runs,
    zones or pixels) are the entries.
    """
    by_size, by_grey = np.zeros(largest + 1), np.zeros(grey.size)
    total = pixels = 0.0
    for k in range(sizes.size):
        by_size[sizes[k]] += weights[k]
        by_grey[codes[k]] += weights[k]
    for g in range(grey.size):
        total += by_grey[g]
    out = np.zeros(16)
    entropy = small_low = small_high = large_low = large_high = 0.0
    for k in range(sizes.size):
        w = weights[k]
        i2 = grey[codes[k]] * grey[codes[k]]
        j2 = float(sizes[k]) * float(sizes[k])
        p = w / total
        entropy -= p * np.log2(p + 2.220446049250313e-16)
        small_low += w / (i2 * j2)
        small_high += w * i2 / j2
        large_low += w * j2 / i2
        large_high += w * i2 * j2
    small = large = size_squares = size_mean = 0.0
    for j in range(1, largest + 1):
        w = by_size[j]
        if w != 0:
            j2 = float(j) * float(j)
            small += w / j2
            large += w * j2
            size_squares += w * w
            pixels += w * j
            size_mean += w / total * j
    low = high = grey_squares = grey_mean = 0.0
    for g in range(grey.size):
        w, i2 = by_grey[g], grey[g] * grey[g]
        low += w / i2
        high += w * i2
        grey_squares += w * w
        grey_mean += w / total * grey[g]
    size_variance = grey_variance = 0.0
    for j in range(1, largest + 1):
        if by_size[j] != 0:
            size_variance += by_size[j] / total * (j - size_mean) ** 2
    for g in range(grey.size):
        grey_variance += by_grey[g] / total * (grey[g] - grey_mean) ** 2
    out[0], out[1] = small / total, large / total
    out[2], out[3] = grey_squares / total, grey_squares / (total * total)
    out[4], out[5] = size_squares / total, size_squares / (total * total)
    out[6], out[7], out[8], out[9] = total / pixels, grey_variance, size_variance, entropy
    out[10], out[11] = low / total, high / total
    out[12], out[13] = small_low / total, small_high / total
    out[14], out[15] = large_low / total, large_high / total
    return out
