"""First-order statistics: the distribution of the values in the region."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from radiogen.compiled import compiled
from radiogen.features.radiomics.classes.emphasis import EPSILON
from radiogen.features.radiomics.classes.inputs import Inputs


def first_order(inputs: Inputs, wanted: tuple[str, ...]) -> dict[str, float]:
    """Features of the values, and entropy and uniformity of their bins.

    Parameters
    ----------
    inputs : Inputs
        ``values``, and ``levels`` where entropy or uniformity is wanted; ``voxelArrayShift`` of the settings
        (default 0) is added before energies are summed.
    wanted : tuple of str
        Names of features.

    Returns
    -------
    dict
        At least what is wanted.  pyradiomics' kurtosis is not reduced by 3; of a flat region kurtosis and
        skewness are 0.

    References
    ----------
    van Griethuysen JJM et al. Cancer Res 2017;77(21):e104-e107. doi:10.1158/0008-5472.CAN-17-0339
    """
    values, shift = inputs.values, float(inputs.setting.get("voxelArrayShift", 0))
    mean, variance, third, fourth, absolute, energy, low, high = moments(values, shift).tolist()
    if variance <= _ROUNDING * max(low * low, high * high):
        mean, variance, third, fourth, absolute = _of_a_flat_region(values)
    scale = variance if variance != 0 else 1.0
    rows, columns = inputs.spacing
    found = {
        "Mean": mean, "Variance": variance, "MeanAbsoluteDeviation": absolute, "Skewness": third / scale**1.5,
        "Kurtosis": fourth / scale**2, "Minimum": low, "Maximum": high, "Range": high - low, "Energy": energy,
        "TotalEnergy": energy * (columns * rows), "RootMeanSquared": math.sqrt(energy / values.size),
    }  # fmt: skip
    if _ORDERED.intersection(wanted):
        found |= _order(values, low, high)
    if "Entropy" in wanted or "Uniformity" in wanted:
        found |= _histogram(inputs.levels.counts)
    return found


_ORDERED = frozenset({"10Percentile", "90Percentile", "InterquartileRange", "Median", "RobustMeanAbsoluteDeviation"})


#: below this ratio of variance to squared values the moments are made of rounding
_ROUNDING = 1e-18


def _of_a_flat_region(values: NDArray[np.float64]) -> tuple[float, float, float, float, float]:
    """Mean, central moments and mean absolute deviation with pyradiomics' order of operations."""
    mean = values.mean()
    from_mean = values - mean
    second, third, fourth = (np.power(from_mean, k).mean() for k in (2, 3, 4))
    return float(mean), float(second), float(third), float(fourth), float(np.abs(from_mean).mean())


def _order(values: NDArray[np.float64], smallest: float, largest: float) -> dict[str, float]:
    low, lower, median, upper, high = _percentiles(values, smallest, largest)
    return {
        "10Percentile": low, "90Percentile": high, "InterquartileRange": upper - lower, "Median": median,
        "RobustMeanAbsoluteDeviation": float(robust_deviation(values, low, high)),
    }  # fmt: skip


def _percentiles(values: NDArray[np.float64], smallest: float, largest: float) -> list[float]:
    """10th, 25th, 50th, 75th and 90th percentile by linear interpolation, with numpy's order of operations."""
    places = [(values.size - 1) * (percent / 100) for percent in (10, 25, 50, 75, 90)]
    below = [int(place) for place in places]
    ranks = np.array(below + [min(rank + 1, values.size - 1) for rank in below])
    around = order_statistics(values, ranks, smallest, largest).tolist()
    found = []
    for place, rank, low, high in zip(places, below, around[:5], around[5:], strict=True):
        part, step = place - rank, high - low
        found.append(low + step * part if part < 0.5 else high - step * (1 - part))
    return found


def order_statistics(
    values: NDArray[np.float64], ranks: NDArray[np.int64], smallest: float, largest: float
) -> NDArray[np.float64]:
    """The values of the given ranks (from 0) of unsorted values, whose extremes are known.

    Only the values that share a narrow class with one of them are sorted.
    """
    kept, places = values_near(values, ranks, smallest, largest)
    found: NDArray[np.float64] = np.sort(kept)[places]
    return found


@compiled
def values_near(values, ranks, low, high):  # type: ignore[no-untyped-def]
    """The values in the same of 1024 classes as one of the ranks, and the ranks among them."""
    classes = 1024
    scale = classes / (high - low) if high > low else 0.0
    if not scale < 1e300:  # all values are next to zero
        scale = 0.0
    place = np.zeros(values.size, np.int16)
    before = np.zeros(classes + 1, np.int64)
    for k in range(values.size):
        step = (values[k] - low) * scale
        at = int(step) if step < classes else classes - 1
        place[k] = at
        before[at + 1] += 1
    wanted = np.zeros(classes, np.int64)
    for at in range(classes):
        before[at + 1] += before[at]
        for rank in ranks:
            if before[at] <= rank < before[at + 1]:
                wanted[at] = 1
    left_out, size = 0, 0
    places = np.zeros(ranks.size, np.int64)
    for at in range(classes):
        if wanted[at] == 0:
            left_out += before[at + 1] - before[at]
        else:
            size += before[at + 1] - before[at]
            for i in range(ranks.size):
                if before[at] <= ranks[i] < before[at + 1]:
                    places[i] = ranks[i] - left_out
    kept, used = np.zeros(size), 0
    for k in range(values.size):
        if wanted[place[k]] == 1:
            kept[used] = values[k]
            used += 1
    return kept, places


@compiled
def moments(values, shift):  # type: ignore[no-untyped-def]
    """Mean, central moments 2 to 4, mean absolute deviation, energy of the shifted values, smallest and largest value.

    Sums are gathered in blocks, which keeps the rounding of long sums small.
    """
    n = values.size
    total = energy = 0.0
    low, high = values[0], values[0]
    for start in range(0, n, 256):
        part = part_energy = 0.0
        for k in range(start, min(start + 256, n)):
            v = values[k]
            part += v
            part_energy += (v + shift) * (v + shift)
            low, high = min(low, v), max(high, v)
        total += part
        energy += part_energy
    mean = total / n
    second = third = fourth = absolute = 0.0
    for start in range(0, n, 256):
        s2 = s3 = s4 = s1 = 0.0
        for k in range(start, min(start + 256, n)):
            d = values[k] - mean
            square = d * d
            s1 += abs(d)
            s2 += square
            s3 += square * d
            s4 += square * square
        absolute += s1
        second += s2
        third += s3
        fourth += s4
    return np.array([mean, second / n, third / n, fourth / n, absolute / n, energy, low, high])


@compiled
def robust_deviation(values, low, high):  # type: ignore[no-untyped-def]
    """Mean absolute deviation of the values from low to high, or NaN where there are none."""
    total, number, absolute = 0.0, 0, 0.0
    for start in range(0, values.size, 256):
        part = 0.0
        for v in values[start : start + 256]:
            inside = low <= v <= high  # a choice of terms and no branch, which would often be guessed wrong
            part += v if inside else 0.0
            number += inside
        total += part
    if number == 0:
        return np.nan
    mean = total / number
    for start in range(0, values.size, 256):
        part = 0.0
        for v in values[start : start + 256]:
            part += abs(v - mean) if low <= v <= high else 0.0
        absolute += part
    return absolute / number


def _histogram(counts: NDArray[np.int64]) -> dict[str, float]:
    p = counts / counts.sum()
    return {"Entropy": float(-1.0 * np.sum(p * np.log2(p + EPSILON))), "Uniformity": float((p**2).sum())}
