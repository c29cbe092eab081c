"""Neighbouring grey tone difference matrix (NGTDM) and its features."""

from __future__ import annotations

import numpy as np

from radiogen.compiled import compiled
from radiogen.features.radiomics.classes.inputs import Inputs
from radiogen.features.radiomics.classes.offsets import neighbour_offsets

#: what :func:`describe_tones` returns, in order
DESCRIBED = ("Busyness", "Coarseness", "Complexity", "Contrast", "Strength")


def tone_differences(inputs: Inputs, wanted: tuple[str, ...]) -> dict[str, float]:
    """Features of the differences between a pixel's level and the mean of its neighbours' levels.

    Parameters
    ----------
    inputs : Inputs
        ``levels``; of the settings ``distances`` (default 1).
    wanted : tuple of str
        Names of features.

    Returns
    -------
    dict
        All features of the family.  A pixel without neighbours counts with the difference 0.  Of a region of
        one level the coarseness is 1e6 and the others are 0.

    References
    ----------
    Amadasun M, King R. Textural features corresponding to textural properties. IEEE Trans Syst Man Cybern
    1989;19(5):1264-1274. doi:10.1109/21.44046
    """
    levels = inputs.levels
    offsets = neighbour_offsets(inputs.mask.shape, inputs.distances, both=True)
    differences = sum_differences(levels.padded, levels.codes, levels.pad, offsets, len(levels.present))
    found = describe_tones(levels.counts.astype(np.float64), differences, levels.present)
    return dict(zip(DESCRIBED, found.tolist(), strict=True))


@compiled
def sum_differences(levels, codes, pad, offsets, n):  # type: ignore[no-untyped-def]
    """Per code - 1 the sum of the absolute differences from the mean of the neighbours in the region."""
    rows, columns = levels.shape[0] - 2 * pad, levels.shape[1] - 2 * pad
    differences = np.zeros(n)
    number, total = np.zeros(columns, np.int32), np.zeros(columns, np.int32)
    for r in range(rows):
        here = levels[r + pad, pad : pad + columns]
        code = codes[r + pad, pad : pad + columns]
        number[:] = 0
        total[:] = 0
        for a in range(offsets.shape[0]):
            right = pad + offsets[a, 1]
            there = levels[r + pad + offsets[a, 0], right : right + columns]
            for c in range(columns):
                number[c] += there[c] > 0
                total[c] += there[c]
        for c in range(columns):
            if code[c] > 0 and number[c] > 0:
                differences[code[c] - 1] += abs(here[c] - total[c] / number[c])
    return differences


@compiled
def describe_tones(counts, s, grey):  # type: ignore[no-untyped-def]
    """The features from the pixels, the differences and the level of each row."""
    n = counts.size
    pixels = product = differences = 0.0
    for i in range(n):
        pixels += counts[i]
    for i in range(n):
        product += counts[i] / pixels * s[i]
        differences += s[i]
    apart = contrast = complexity = strength = 0.0
    for i in range(n):
        pi = counts[i] / pixels
        for j in range(i + 1, n):  # every sum is symmetric and its diagonal is zero
            pj, step = counts[j] / pixels, grey[j] - grey[i]
            apart += abs(grey[i] * pi - grey[j] * pj)
            contrast += pi * pj * step * step
            complexity += step * (pi * s[i] + pj * s[j]) / (pi + pj)
            strength += (pi + pj) * step * step
    out = np.zeros(5)
    out[0] = product / (2 * apart) if apart != 0 else 0.0
    out[1] = 1 / product if product != 0 else 1e6
    out[2] = 2 * complexity / pixels
    out[3] = 2 * contrast * differences / pixels / (n * (n - 1)) if n > 1 else 0.0
    out[4] = 2 * strength / differences if differences != 0 else 0.0
    return out
