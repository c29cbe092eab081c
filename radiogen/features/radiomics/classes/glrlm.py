"""Grey level run length matrices (GLRLM) and their features."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from radiogen.compiled import compiled
from radiogen.features.radiomics.classes.emphasis import EMPHASES, emphases
from radiogen.features.radiomics.classes.inputs import Inputs
from radiogen.features.radiomics.classes.offsets import lengths

#: feature -> place in the result of :func:`emphases`
FEATURES = dict(zip((
    "ShortRunEmphasis", "LongRunEmphasis", "GrayLevelNonUniformity", "GrayLevelNonUniformityNormalized",
    "RunLengthNonUniformity", "RunLengthNonUniformityNormalized", "RunPercentage", "GrayLevelVariance", "RunVariance",
    "RunEntropy", "LowGrayLevelRunEmphasis", "HighGrayLevelRunEmphasis", "ShortRunLowGrayLevelEmphasis",
    "ShortRunHighGrayLevelEmphasis", "LongRunLowGrayLevelEmphasis", "LongRunHighGrayLevelEmphasis",
), range(len(EMPHASES)), strict=True))  # fmt: skip

#: directions of runs (rows, columns)
DIRECTIONS = np.array([[1, 1], [1, 0], [1, -1], [0, 1]])


def run_lengths(inputs: Inputs, wanted: tuple[str, ...]) -> dict[str, float]:
    """Features of the run length matrices: the mean over the directions, or of their weighted sum.

    Parameters
    ----------
    inputs : Inputs
        ``levels``; of the settings ``weightingNorm`` (default none: one matrix per direction).
    wanted : tuple of str
        Names of features.

    Returns
    -------
    dict
        All features of the family.  A direction in which no line of the region has two pixels is left out, and
        where none is left the features are NaN.

    References
    ----------
    Galloway MM. Texture analysis using gray level run lengths. Comput Graph Image Process 1975;4(2):172-179.
    doi:10.1016/S0146-664X(75)80008-6
    """
    grey = inputs.levels.present
    rows = []
    for matrix in run_length_matrices(inputs):
        lengths_found, codes = np.nonzero(matrix)
        entries = matrix[lengths_found, codes].astype(np.float64)
        rows.append(emphases(lengths_found + 1, codes, entries, grey, len(matrix)))
    means = np.mean(rows, axis=0) if rows else np.full(len(EMPHASES), np.nan)
    found = {name: float(means[place]) for name, place in FEATURES.items()}
    if not rows and inputs.setting.get("weightingNorm") is not None:
        found |= {"RunEntropy": 0.0, "RunVariance": 0.0}  # pyradiomics: of a matrix of zeros, sums of nothing
    return found


def run_length_matrices(inputs: Inputs) -> list[NDArray[np.float64]]:
    """One matrix of run length (from 1) by level present for each direction, or their weighted sum."""
    levels, norm = inputs.levels, inputs.setting.get("weightingNorm")
    rows, columns = inputs.mask.shape
    counts = np.zeros((len(DIRECTIONS), max(rows, columns) + 1, len(levels.present) + 1), np.int32)
    longest = count_runs(levels.codes, levels.pad, DIRECTIONS, counts)
    counts = counts[:, 1:, 1:]
    used = [longest[a] > 1 or _two_on_a_line(inputs.mask, DIRECTIONS[a]) for a in range(len(DIRECTIONS))]
    if norm is None:
        return [counts[a, : longest[a]] for a in range(len(DIRECTIONS)) if used[a]]
    if not any(used):
        return []
    steps = lengths(DIRECTIONS, inputs.spacing, norm)
    weights = np.ones(len(DIRECTIONS)) if steps is None else steps
    return [np.tensordot(np.where(used, weights, 0.0), counts[:, : longest.max()], axes=1)]


def _two_on_a_line(mask: NDArray[np.bool_], direction: NDArray[np.int64]) -> bool:
    """Whether two pixels of the region are on one line of a direction."""
    r, c = np.nonzero(mask)
    line = r * int(direction[1]) - c * int(direction[0])
    return len(np.unique(line)) < len(line)


@compiled
def count_runs(codes, pad, directions, counts):  # type: ignore[no-untyped-def]
    """Count runs into ``counts`` (direction, length, code), of which row and column 0 stay 0.

    Returns the longest run per direction.
    """
    rows, columns = codes.shape[0] - 2 * pad, codes.shape[1] - 2 * pad
    longest = np.zeros(directions.shape[0], np.int64)
    runs = np.zeros((2, columns + 2), np.int32)  # the run up to each pixel, of this row and the one above
    place, ends = np.zeros(columns, np.uint32), np.zeros(columns + 1, np.uint32)
    wide = np.uint32(counts.shape[2])
    for a in range(directions.shape[0]):
        down, right = directions[a, 0], directions[a, 1]
        table, most = counts[a].reshape(counts.shape[1] * counts.shape[2]), np.int32(0)
        runs[:] = 0
        for r in range(rows):
            here = codes[r + pad, pad : pad + columns]
            before = codes[r + pad - down, pad - right : pad - right + columns]
            after = codes[r + pad + down, pad + right : pad + right + columns]
            now = runs[r % 2, 1 : columns + 1]
            last = runs[(r - down) % 2, 1 - right : columns + 1 - right]
            for c in range(columns):
                now[c] = last[c] + 1 if before[c] == here[c] else 1
            for c in range(columns):
                place[c] = now[c] * wide + here[c]
                most = max(most, now[c] if here[c] > 0 else np.int32(0))
            number = 0
            for c in range(columns):  # without a branch, which would be guessed wrong half of the time
                ends[number] = place[c]
                number += (after[c] != here[c]) & (here[c] > 0)
            for k in range(number):
                table[ends[k]] += 1
        longest[a] = most
    return longest
