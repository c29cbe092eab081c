"""Grey level co-occurrence matrices (GLCM) and their features."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from radiogen.compiled import compiled
from radiogen.errors import fail
from radiogen.features.radiomics.classes.inputs import Inputs
from radiogen.features.radiomics.classes.mcc import correlation_coefficients
from radiogen.features.radiomics.classes.offsets import lengths, neighbour_offsets
from radiogen.features.radiomics.classes.rounding import as_laid_out, information, shade

#: what :func:`describe` returns, in order
DESCRIBED = (
    "Autocorrelation", "ClusterProminence", "ClusterShade", "ClusterTendency", "Contrast", "Correlation",
    "DifferenceAverage", "DifferenceEntropy", "DifferenceVariance", "Id", "Idm", "Idmn", "Idn", "Imc1", "Imc2",
    "InverseVariance", "JointAverage", "JointEnergy", "JointEntropy", "MaximumProbability", "SumAverage",
    "SumEntropy", "SumSquares",
)  # fmt: skip
#: numbers in all matrices together, half a gigabyte
MOST_CELLS = 64_000_000
#: below this mutual information (bits) Imc1 and Imc2 are differences of rounding errors
_NEARLY_INDEPENDENT = 1e-6
#: below this part of the sum of absolute terms the cluster shade is a difference of rounding errors
_NEARLY_SYMMETRIC = 1e-6
_SHADE = DESCRIBED.index("ClusterShade")


def co_occurrence(inputs: Inputs, wanted: tuple[str, ...]) -> dict[str, float]:
    """Features of the co-occurrence matrices: the mean over the directions, or of their weighted sum.

    Parameters
    ----------
    inputs : Inputs
        ``levels``; of the settings ``distances`` (default 1), ``symmetricalGLCM`` (default true) and
        ``weightingNorm`` (default none: one matrix per direction).
    wanted : tuple of str
        Names of features.

    Returns
    -------
    dict
        At least what is wanted.  NaN where no two pixels are neighbours.

    References
    ----------
    Haralick RM, Shanmugam K, Dinstein I. Textural features for image classification. IEEE Trans Syst Man Cybern
    1973;SMC-3(6):610-621. doi:10.1109/TSMC.1973.4309314
    """
    matrices = co_occurrence_matrices(inputs)
    grey, highest = inputs.levels.present, inputs.levels.highest
    found = {name: float("nan") for name in DESCRIBED}
    if len(matrices):
        table = np.array([describe(p, grey, highest) for p in matrices])
        means = table[:, : len(DESCRIBED)].mean(axis=0)
        found = dict(zip(DESCRIBED, means.tolist(), strict=True))
        if table[:, -2].min() < _NEARLY_INDEPENDENT:
            found |= information(as_laid_out(matrices, inputs.levels))
        if (np.abs(table[:, _SHADE]) < _NEARLY_SYMMETRIC * table[:, -1]).any():
            found["ClusterShade"] = shade(as_laid_out(matrices, inputs.levels), grey)
    elif inputs.setting.get("weightingNorm") is not None and highest == 1:
        found["InverseVariance"] = 0.0  # pyradiomics: of a matrix of zeros, the sum of nothing
    if "MCC" in wanted:
        found["MCC"] = _maximal_correlation(matrices, inputs)
    return found


def _maximal_correlation(matrices: NDArray[np.float64], inputs: Inputs) -> float:
    """1 for a single level, with pairs or without; of a weighted sum without pairs, not defined."""
    if len(matrices) == 0 and inputs.setting.get("weightingNorm") is not None:
        return float("nan")
    return correlation_coefficients(matrices, inputs.levels)


def co_occurrence_matrices(inputs: Inputs) -> NDArray[np.float64]:
    """Co-occurrence matrices that sum to one, directions × n × n; rows and columns are the levels present.

    Directions without pairs are left out.

    Raises
    ------
    RadiogenError
        RG516 if they would take more than half a gigabyte.
    """
    levels, norm = inputs.levels, inputs.setting.get("weightingNorm")
    offsets = neighbour_offsets(inputs.mask.shape, inputs.distances, both=False)
    cells = len(offsets) * len(levels.present) ** 2
    if cells > MOST_CELLS:
        text = f"{len(offsets)} co-occurrence matrices of {len(levels.present)} grey levels are too large"
        raise fail("RG516", f"{text}; set a larger `binWidth` or fewer `distances`")
    symmetric = bool(inputs.setting.get("symmetricalGLCM", True))
    matrices = count_pairs(levels.codes, levels.pad, offsets, len(levels.present), symmetric)
    if norm is not None:
        steps = lengths(offsets, inputs.spacing, norm)
        weights = np.ones(len(offsets)) if steps is None else np.exp(-(steps**2))
        matrices = np.tensordot(weights, matrices, axes=1)[None]
    totals = matrices.sum(axis=(1, 2))
    if not totals.all():
        matrices, totals = matrices[totals > 0], totals[totals > 0]
    matrices /= totals[:, None, None]
    return matrices


@compiled
def count_pairs(codes, pad, offsets, n, symmetric):  # type: ignore[no-untyped-def]
    """Number of pairs of codes per offset, in one order or in both."""
    rows, columns = codes.shape[0] - 2 * pad, codes.shape[1] - 2 * pad
    counts = np.zeros((offsets.shape[0], n, n))
    # Row and column 0 of the tables gather the pairs that leave the region.  There are two tables, because pixels side
    # by side are often alike and a count that has just been written is slow to be read again.
    wide = np.uint32(n + 1)
    even, odd = np.zeros((n + 1) * (n + 1), np.int32), np.zeros((n + 1) * (n + 1), np.int32)
    place = np.zeros(columns, np.uint32)
    for a in range(offsets.shape[0]):
        even[:] = 0
        odd[:] = 0
        down, right = offsets[a, 0], pad + offsets[a, 1]
        for r in range(rows):
            here = codes[r + pad, pad : pad + columns]
            there = codes[r + pad + down, right : right + columns]
            for c in range(columns):
                place[c] = here[c] * wide + there[c]
            for c in range(0, columns - 1, 2):
                even[place[c]] += 1
                odd[place[c + 1]] += 1
            if columns % 2 == 1:
                even[place[columns - 1]] += 1
        for k in range(even.size):
            even[k] += odd[k]
        for i in range(1, n + 1):
            for j in range(1, n + 1):
                counts[a, i - 1, j - 1] = even[i * (n + 1) + j] + (even[j * (n + 1) + i] if symmetric else 0)
    return counts


@compiled
def describe(p, grey, highest):  # type: ignore[no-untyped-def]
    """The features of one matrix, then the mutual information in bits and the sum of the absolute terms of the shade."""
    n = grey.size
    eps = 2.220446049250313e-16
    px, py = np.zeros(n), np.zeros(n)
    add, sub = np.zeros(2 * highest + 1), np.zeros(highest)
    joint = energy = largest = auto = 0.0
    for i in range(n):
        gi, row, sum_row = int(grey[i]), p[i], 0.0
        for j in range(n):
            v = row[j]
            if v != 0:
                gj = int(grey[j])
                sum_row += v
                py[j] += v
                add[gi + gj] += v
                sub[abs(gi - gj)] += v
                joint -= v * np.log2(v + eps)
                energy += v * v
                auto += v * (gi * gj)
                largest = max(largest, v)
        px[i] = sum_row
    ux = uy = 0.0
    for i in range(n):
        ux += grey[i] * px[i]
        uy += grey[i] * py[i]
    covariance = ratio = 0.0
    for i in range(n):
        row, from_mean = p[i], grey[i] - ux
        for j in range(n):
            v = row[j]
            if v != 0:
                covariance += v * from_mean * (grey[j] - uy)
                ratio += v / (px[i] * py[j])
    variance_x = variance_y = hx = hy = hx_plain = hy_plain = 0.0
    with_x = with_y = 0
    for i in range(n):
        variance_x += px[i] * (grey[i] - ux) ** 2
        variance_y += py[i] * (grey[i] - uy) ** 2
        if px[i] != 0:
            with_x += 1
            hx -= px[i] * np.log2(px[i] + eps)
            hx_plain -= px[i] * np.log2(px[i])
        if py[i] != 0:
            with_y += 1
            hy -= py[i] * np.log2(py[i] + eps)
            hy_plain -= py[i] * np.log2(py[i])
    # log2(px py + eps) = log2 px + log2 py + eps / (px py ln 2), and the rest is below rounding
    hxy1 = hx_plain + hy_plain - eps / np.log(2.0) * ratio
    hxy2 = hx_plain + hy_plain - eps / np.log(2.0) * with_x * with_y
    out = np.zeros(25)
    sum_mean = sum_entropy = 0.0
    for k in range(2, 2 * highest + 1):
        v = add[k]
        if v != 0:
            d = k - ux - uy
            out[3] += v * d * d
            out[2] += v * d * d * d
            out[24] += v * abs(d * d * d)
            out[1] += v * d * d * d * d
            sum_mean += k * v
            sum_entropy -= v * np.log2(v + eps)
    difference_mean = difference_entropy = 0.0
    for k in range(highest):
        v = sub[k]
        if v != 0:
            square = float(k) * float(k)
            difference_mean += k * v
            difference_entropy -= v * np.log2(v + eps)
            out[4] += v * square
            out[9] += v / (1 + k)
            out[10] += v / (1 + square)
            out[11] += v / (1 + square / (highest * highest))
            out[12] += v / (1 + k / highest)
            if k > 0:
                out[15] += v / square
    for k in range(highest):
        out[8] += sub[k] * (k - difference_mean) ** 2
    sigmas = np.sqrt(variance_x) * np.sqrt(variance_y)
    widest = max(hx, hy)
    information = hxy2 - joint
    out[0], out[6], out[7] = auto, difference_mean, difference_entropy
    out[5] = covariance / (sigmas + eps) if sigmas != 0 else 1.0
    out[13] = (joint - hxy1) / widest if widest != 0 else 0.0
    out[14] = np.sqrt(max(1 - np.exp(-2 * information), 0.0))
    out[16], out[17], out[18], out[19] = ux, energy, joint, largest
    out[20], out[21], out[22], out[23] = sum_mean, sum_entropy, variance_x, information
    return out
