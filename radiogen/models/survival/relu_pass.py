"""What stands between two matrix products of a network with rectified units: one pass over memory instead of four."""

from __future__ import annotations

from radiogen.compiled import compiled


@compiled
def relu_forward(z, offset, draws, threshold):  # type: ignore[no-untyped-def]
    """Add offsets, cut at 0 and leave out units whose draw lies below the threshold; in place."""
    for i in range(z.shape[0]):
        for j in range(z.shape[1]):
            value = z[i, j] + offset[j]
            z[i, j] = value if (value > 0.0) & (draws[i, j] >= threshold) else z.dtype.type(0.0)


@compiled
def relu_plain(z, offset):  # type: ignore[no-untyped-def]
    """Add offsets and cut at 0; in place."""
    for i in range(z.shape[0]):
        for j in range(z.shape[1]):
            value = z[i, j] + offset[j]
            z[i, j] = value if value > 0.0 else z.dtype.type(0.0)


@compiled
def relu_backward(slope, y, part, total):  # type: ignore[no-untyped-def]
    """Let the gradient through where a unit was active, in place, and sum it over rows into ``total``.

    Sums are taken over 64 rows in the precision of the network (``part``) and then in float64.
    """
    total[:] = 0.0
    for first in range(0, slope.shape[0], 64):
        part[:] = 0.0
        for i in range(first, min(first + 64, slope.shape[0])):
            for j in range(slope.shape[1]):
                kept = slope[i, j] if y[i, j] > 0.0 else slope.dtype.type(0.0)
                slope[i, j] = kept
                part[j] += kept
        for j in range(slope.shape[1]):
            total[j] += part[j]
