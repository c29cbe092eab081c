"""Co-occurrence features that are made of rounding errors, with the order of pyradiomics' sums.

Where levels are independent of each other, or spread evenly about their mean, some features are differences of equal
sums.  What is left is rounding, and pyradiomics' feature is the sign or the root of it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from radiogen.features.radiomics.classes.emphasis import EPSILON
from radiogen.features.radiomics.classes.inputs import Levels


def as_laid_out(matrices: NDArray[np.float64], levels: Levels) -> NDArray[np.float64]:
    """Matrices (k × n × n) as 1 × n × n × k in pyradiomics' layout in memory, which decides the order of sums.

    It deletes the levels that are not there with ``numpy.delete``, which selects along the axis and so turns the
    layout, unless it is a single level that is deleted.
    """
    p = np.ascontiguousarray(np.moveaxis(matrices, 0, 2))[None]
    if levels.highest - len(levels.present) == 1:
        return p
    all_levels = np.ones(len(levels.present), bool)
    return p[:, all_levels][:, :, all_levels]


def shade(p: NDArray[np.float64], grey: NDArray[np.float64]) -> float:
    """Cluster shade."""
    i, j = grey[None, :, None, None], grey[None, None, :, None]
    ux, uy = np.sum(i * p, (1, 2), keepdims=True), np.sum(j * p, (1, 2), keepdims=True)
    return float(np.sum(p * ((i + j - ux - uy) ** 3), (1, 2)).mean())


def information(p: NDArray[np.float64]) -> dict[str, float]:
    """The informational measures of correlation."""
    px, py = p.sum(2, keepdims=True), p.sum(1, keepdims=True)
    hx = -1 * np.sum(px * np.log2(px + EPSILON), (1, 2))
    hy = -1 * np.sum(py * np.log2(py + EPSILON), (1, 2))
    hxy = -1 * np.sum(p * np.log2(p + EPSILON), (1, 2))
    hxy1 = -1 * np.sum(p * np.log2(px * py + EPSILON), (1, 2))
    hxy2 = -1 * np.sum(px * py * np.log2(px * py + EPSILON), (1, 2))
    widest, first = np.fmax(hx, hy), hxy - hxy1
    with np.errstate(invalid="ignore"):  # the root of a rounding error below zero is left out of the mean
        second = (1 - np.e ** (-2 * (hxy2 - hxy))) ** 0.5
    first[widest != 0] /= widest[widest != 0]
    first[widest == 0] = 0
    second[hxy2 == hxy] = 0
    return {"Imc1": float(first.mean()), "Imc2": mean_of_numbers(second)}


def mean_of_numbers(values: NDArray[np.float64] | NDArray[np.complex128]) -> float:
    """Mean of what is not NaN, or NaN; of complex numbers the real part."""
    values = values[~np.isnan(values)]
    return float(values.mean().real) if values.size else float("nan")
