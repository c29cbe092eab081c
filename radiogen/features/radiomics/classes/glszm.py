"""Grey level size zone matrix (GLSZM) and its features."""

from __future__ import annotations

import numpy as np

from radiogen.compiled import compiled
from radiogen.features.radiomics.classes.emphasis import EMPHASES, emphases
from radiogen.features.radiomics.classes.inputs import Inputs

#: feature -> place in the result of :func:`emphases`
FEATURES = dict(zip((
    "SmallAreaEmphasis", "LargeAreaEmphasis", "GrayLevelNonUniformity", "GrayLevelNonUniformityNormalized",
    "SizeZoneNonUniformity", "SizeZoneNonUniformityNormalized", "ZonePercentage", "GrayLevelVariance", "ZoneVariance",
    "ZoneEntropy", "LowGrayLevelZoneEmphasis", "HighGrayLevelZoneEmphasis", "SmallAreaLowGrayLevelEmphasis",
    "SmallAreaHighGrayLevelEmphasis", "LargeAreaLowGrayLevelEmphasis", "LargeAreaHighGrayLevelEmphasis",
), range(len(EMPHASES)), strict=True))  # fmt: skip


def size_zones(inputs: Inputs, wanted: tuple[str, ...]) -> dict[str, float]:
    """Features of the matrix of zones: pixels of one level that touch by an edge or a corner.

    Parameters
    ----------
    inputs : Inputs
        ``levels``.
    wanted : tuple of str
        Names of features.

    Returns
    -------
    dict
        All features of the family.

    References
    ----------
    Thibault G et al. Texture indexes and gray level size zone matrix: application to cell nuclei classification.
    Pattern Recognition and Information Processing 2009:140-145.
    """
    levels = inputs.levels
    sizes, codes, number = count_zones(levels.codes, levels.pad, len(levels.present))
    found = emphases(sizes, codes, number, levels.present, int(sizes.max()))
    return {name: float(found[place]) for name, place in FEATURES.items()}


@compiled
def count_zones(codes, pad, n):  # type: ignore[no-untyped-def]
    """The entries of the matrix that are not zero: size, code - 1, number of zones.

    Zones are joined in a tree (union and find): a pixel takes the zone of a neighbour above or to the left, and
    where two zones meet in it the later root hangs on the earlier one.
    """
    rows, columns = codes.shape[0] - 2 * pad, codes.shape[1] - 2 * pad
    wide = columns + 2
    labels = np.zeros((2, wide), np.int32)  # of this row and the one above; 0 on the frame
    parent = np.zeros(rows * columns + 1, np.int32)
    size = np.zeros(rows * columns + 1, np.int32)
    level = np.zeros(rows * columns + 1, np.int32)
    used = 0
    for r in range(rows):
        here = codes[r + pad, pad - 1 : pad + columns + 1]
        above = codes[r + pad - 1, pad - 1 : pad + columns + 1]
        now, before = labels[r % 2], labels[(r + 1) % 2]
        for c in range(1, columns + 1):
            code = here[c]
            if code == 0:
                continue
            if above[c] == code:
                label = before[c]
            else:
                label = before[c + 1] if above[c + 1] == code else 0
                other = now[c - 1] if here[c - 1] == code else (before[c - 1] if above[c - 1] == code else 0)
                if label == 0:
                    label = other
                elif other != 0 and other != label:
                    while parent[label] != label:
                        parent[label] = parent[parent[label]]
                        label = parent[label]
                    while parent[other] != other:
                        parent[other] = parent[parent[other]]
                        other = parent[other]
                    if other < label:
                        label, other = other, label
                    parent[other] = label
                if label == 0:
                    used += 1
                    label = used
                    parent[label], level[label] = label, code - 1
            now[c] = label
            size[label] += 1
    zones = 0
    per_level, largest = np.zeros(n + 1, np.int64), 0
    for k in range(used, 0, -1):  # a parent comes before its children
        if parent[k] != k:
            size[parent[k]] += size[k]
        else:
            zones += 1
            per_level[level[k] + 1] += 1
            largest = max(largest, size[k])
    for g in range(n):
        per_level[g + 1] += per_level[g]
    ordered = np.zeros(zones, np.int32)  # sizes, level by level
    place = per_level.copy()
    for k in range(1, used + 1):
        if parent[k] == k:
            ordered[place[level[k]]] = size[k]
            place[level[k]] += 1
    sizes, found, number = np.zeros(zones, np.int64), np.zeros(zones, np.int64), np.zeros(zones)
    seen, entries = np.zeros(largest + 1, np.int64), 0
    for g in range(n):
        for k in range(per_level[g], per_level[g + 1]):
            seen[ordered[k]] += 1
        for k in range(per_level[g], per_level[g + 1]):
            s = ordered[k]
            if seen[s] > 0:
                sizes[entries], found[entries], number[entries] = s, g, seen[s]
                entries += 1
                seen[s] = 0
    return sizes[:entries], found[:entries], number[:entries]
