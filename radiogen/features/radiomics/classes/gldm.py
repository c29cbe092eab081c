"""Grey level dependence matrix (GLDM) and its features."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from radiogen.compiled import compiled
from radiogen.features.radiomics.classes.emphasis import EMPHASES, emphases
from radiogen.features.radiomics.classes.inputs import Inputs
from radiogen.features.radiomics.classes.offsets import neighbour_offsets

#: feature -> place in the result of :func:`emphases`
FEATURES = {name: EMPHASES.index(place) for name, place in {
    "SmallDependenceEmphasis": "small", "LargeDependenceEmphasis": "large", "GrayLevelNonUniformity": "grey_nonuniformity",
    "DependenceNonUniformity": "size_nonuniformity", "DependenceNonUniformityNormalized": "size_nonuniformity_normalised",
    "GrayLevelVariance": "grey_variance", "DependenceVariance": "size_variance", "DependenceEntropy": "entropy",
    "LowGrayLevelEmphasis": "low_grey", "HighGrayLevelEmphasis": "high_grey",
    "SmallDependenceLowGrayLevelEmphasis": "small_low", "SmallDependenceHighGrayLevelEmphasis": "small_high",
    "LargeDependenceLowGrayLevelEmphasis": "large_low", "LargeDependenceHighGrayLevelEmphasis": "large_high",
}.items()}  # fmt: skip


def dependences(inputs: Inputs, wanted: tuple[str, ...]) -> dict[str, float]:
    """Features of the matrix of dependences: how many neighbours of a pixel are of its level.

    Parameters
    ----------
    inputs : Inputs
        ``levels``; of the settings ``distances`` (default 1) and ``gldm_a`` (default 0), the largest difference
        of levels at which a neighbour still counts.
    wanted : tuple of str
        Names of features.

    Returns
    -------
    dict
        All features of the family.  The pixel itself counts, so that the least dependence is 1.

    References
    ----------
    Sun C, Wee WG. Neighboring gray level dependence matrix for texture classification. Comput Vis Graph Image
    Process 1983;23(3):341-352. doi:10.1016/0734-189X(83)90032-4
    """
    matrix = dependence_matrix(inputs)
    codes, dependence = np.nonzero(matrix)
    entries = matrix[codes, dependence].astype(np.float64)
    found = emphases(dependence + 1, codes, entries, inputs.levels.present, matrix.shape[1])
    return {name: float(found[place]) for name, place in FEATURES.items()}


def dependence_matrix(inputs: Inputs) -> NDArray[np.int64]:
    """Pixels by level present and number of dependent neighbours."""
    levels = inputs.levels
    offsets = neighbour_offsets(inputs.mask.shape, inputs.distances, both=True)
    matrix: NDArray[np.int64] = count_dependences(
        levels.padded, levels.codes, levels.pad, offsets, int(inputs.setting.get("gldm_a", 0)), len(levels.present)
    )
    return matrix


@compiled
def count_dependences(levels, codes, pad, offsets, most, n):  # type: ignore[no-untyped-def]
    """Pixels by code - 1 and number of neighbours whose level differs by at most ``most``."""
    rows, columns = levels.shape[0] - 2 * pad, levels.shape[1] - 2 * pad
    matrix = np.zeros((n, offsets.shape[0] + 1), np.int64)
    number = np.zeros(columns, np.int32)
    for r in range(rows):
        here = levels[r + pad, pad : pad + columns]
        code = codes[r + pad, pad : pad + columns]
        number[:] = 0
        for a in range(offsets.shape[0]):
            right = pad + offsets[a, 1]
            there = levels[r + pad + offsets[a, 0], right : right + columns]
            for c in range(columns):
                number[c] += (there[c] > 0) & (abs(there[c] - here[c]) <= most)
        for c in range(columns):
            if code[c] > 0:
                matrix[code[c] - 1, number[c]] += 1
    return matrix
