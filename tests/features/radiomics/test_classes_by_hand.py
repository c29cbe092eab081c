"""The native feature classes on images small enough to count by hand."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from radiogen.features.radiomics.classes.registry import chosen, measure
from radiogen.features.radiomics.filtered import FilteredImage

STEPS = [[1, 2], [2, 3]]
CORNER = [[1, 1, 1], [1, 2, 2], [1, 2, 1]]


def measured(image: Any, family: str, mask: Any = None, spacing: tuple[float, float] = (1.0, 1.0), **setting: Any) -> dict[str, float]:
    """Features of one family, without its name; bins of width 1 unless told otherwise."""
    values = np.array(image, float)
    region = np.ones(values.shape, bool) if mask is None else np.array(mask, bool)
    filtered = FilteredImage("original", values, region, spacing, {"binWidth": 1, **setting})
    return {name.partition("_")[2]: value for name, value in measure(filtered, chosen({family: []})).items()}


def check(found: Mapping[str, float], expected: Mapping[str, float], scale: float = 1) -> None:
    for name, value in expected.items():
        assert found[name] == pytest.approx(value / scale, rel=1e-12, abs=1e-12), name


def of_sizes(entries: Mapping[tuple[int, int], int]) -> dict[str, float]:
    """The sixteen features of {(level, size): number}, written out as sums."""
    total = sum(entries.values())
    by_level = {i: sum(n for (a, _), n in entries.items() if a == i) for i in {a for a, _ in entries}}
    by_size = {j: sum(n for (_, b), n in entries.items() if b == j) for j in {b for _, b in entries}}
    mean_level = sum(i * n for i, n in by_level.items()) / total
    mean_size = sum(j * n for j, n in by_size.items()) / total

    def mean(term: Any) -> float:
        return sum(n * term(i, j) for (i, j), n in entries.items()) / total

    return {
        "small": mean(lambda i, j: 1 / j**2), "large": mean(lambda i, j: j**2),
        "low": mean(lambda i, j: 1 / i**2), "high": mean(lambda i, j: i**2),
        "small_low": mean(lambda i, j: 1 / (i * j) ** 2), "small_high": mean(lambda i, j: (i / j) ** 2),
        "large_low": mean(lambda i, j: (j / i) ** 2), "large_high": mean(lambda i, j: (i * j) ** 2),
        "levels": sum(n**2 for n in by_level.values()) / total, "levels_norm": sum(n**2 for n in by_level.values()) / total**2,
        "sizes": sum(n**2 for n in by_size.values()) / total, "sizes_norm": sum(n**2 for n in by_size.values()) / total**2,
        "share": total / sum(j * n for j, n in by_size.items()),
        "level_variance": mean(lambda i, j: (i - mean_level) ** 2), "size_variance": mean(lambda i, j: (j - mean_size) ** 2),
        "entropy": -sum(n / total * math.log2(n / total) for n in entries.values()),
    }  # fmt: skip


# -- co-occurrence --------------------------------------------------------------------------


def test_glcm_by_hand() -> None:
    """1 2 / 2 3: across and down (1,2), (2,3); diagonal (1,3); the other diagonal (2,2), each in both orders."""
    across, diagonal, same = 2, 1, 1  # number of directions of each kind; each line below gives the sum over the four
    check(measured(STEPS, "glcm"), {
        "Contrast": across * 1 + diagonal * 4 + same * 0,
        "DifferenceAverage": across * 1 + diagonal * 2,
        "DifferenceVariance": 0, "DifferenceEntropy": 0, "ClusterShade": 0,
        "JointEnergy": across / 4 + diagonal / 2 + same,
        "JointEntropy": across * 2 + diagonal * 1,
        "MaximumProbability": across / 4 + diagonal / 2 + same,
        "Autocorrelation": across * (2 + 2 + 6 + 6) / 4 + diagonal * 3 + same * 4,
        "JointAverage": 4 * 2, "SumAverage": 4 * 4,
        "SumEntropy": across * 1, "ClusterTendency": across * 1, "ClusterProminence": across * 1,
        "SumSquares": across / 2 + diagonal * 1,
        "Correlation": across * 0 + diagonal * -1 + same * 1,
        "Id": across / 2 + diagonal / 3 + same, "Idm": across / 2 + diagonal / 5 + same,
        "Idn": across * 3 / 4 + diagonal * 3 / 5 + same, "Idmn": across * 9 / 10 + diagonal * 9 / 13 + same,
        "InverseVariance": across * 1 + diagonal / 4,
        "Imc1": across * (2 - 3) / 1.5 + diagonal * (1 - 2) / 1,
        "Imc2": (across + diagonal) * math.sqrt(1 - math.exp(-2)),
        "MCC": across * 1 + diagonal * 1 + same * 0,
    }, scale=4)  # fmt: skip


def test_glcm_in_one_order_only() -> None:
    """Across and down p(1,2) = p(2,3) = 1/2, diagonal p(1,3) = 1, and p(2,2) = 1."""
    found = measured(STEPS, "glcm", symmetricalGLCM=False)
    check(found, {"JointAverage": 1.5 + 1.5 + 1 + 2, "JointEntropy": 1 + 1, "SumAverage": 4 * 4, "Contrast": 1 + 1 + 4}, scale=4)


def test_glcm_weighted_by_distance() -> None:
    """One matrix: across and down 8 entries with weight 1/e, the diagonals 2 and 2 with weight 1/e²."""
    near, far = math.exp(-1), math.exp(-2)
    assert measured(STEPS, "glcm", weightingNorm="no_weighting")["Contrast"] == pytest.approx((8 * 1 + 2 * 4) / 12)
    found = measured(STEPS, "glcm", weightingNorm="euclidean")["Contrast"]
    assert found == pytest.approx((8 * near + 2 * far * 4) / (8 * near + 4 * far))
    steep = measured(STEPS, "glcm", weightingNorm="manhattan")["Contrast"]
    assert steep == pytest.approx((8 * near + 2 * math.exp(-4) * 4) / (8 * near + 4 * math.exp(-4)))
    square = measured(STEPS, "glcm", weightingNorm="infinity")["Contrast"]
    assert square == pytest.approx((8 + 8) / 12)  # all neighbours are at distance 1


def test_glcm_at_distance_two() -> None:
    """1 2 3 / 1 2 3 / 1 2 3 at distance 2: steps of two columns go from 1 to 3, steps of none stay."""
    found = measured([[1, 2, 3]] * 3, "glcm", distances=[2])
    # (2,2) (2,1) (2,0) (2,-1) (2,-2) (1,2) (1,-2) (0,2): columns by 2, 1, 0, 1, 2, 2, 2, 2
    assert found["Contrast"] == pytest.approx((4 + 1 + 0 + 1 + 4 + 4 + 4 + 4) / 8)


def test_glcm_of_one_level_and_of_pixels_without_neighbours() -> None:
    flat = measured([[7, 7], [7, 7]], "glcm")
    check(flat, {"MCC": 1, "Correlation": 1, "Imc1": 0, "Imc2": 0, "Contrast": 0, "JointEnergy": 1, "Idn": 1, "InverseVariance": 0})
    apart = measured([[1, 0, 0], [0, 0, 2]], "glcm", mask=[[1, 0, 0], [0, 0, 1]])
    assert all(math.isnan(value) for value in apart.values())


# -- runs, zones, dependences ---------------------------------------------------------------

GLRLM = {
    "small": "ShortRunEmphasis", "large": "LongRunEmphasis", "low": "LowGrayLevelRunEmphasis", "high": "HighGrayLevelRunEmphasis",
    "small_low": "ShortRunLowGrayLevelEmphasis", "small_high": "ShortRunHighGrayLevelEmphasis",
    "large_low": "LongRunLowGrayLevelEmphasis", "large_high": "LongRunHighGrayLevelEmphasis",
    "levels": "GrayLevelNonUniformity", "levels_norm": "GrayLevelNonUniformityNormalized",
    "sizes": "RunLengthNonUniformity", "sizes_norm": "RunLengthNonUniformityNormalized", "share": "RunPercentage",
    "level_variance": "GrayLevelVariance", "size_variance": "RunVariance", "entropy": "RunEntropy",
}  # fmt: skip
#: runs of CORNER: across and down are alike, since the image is its own mirror
ACROSS = {(1, 3): 1, (1, 1): 3, (2, 2): 1, (2, 1): 1}
DIAGONAL = {(1, 1): 6, (2, 1): 3}
OTHER_DIAGONAL = {(1, 1): 4, (1, 2): 1, (2, 1): 1, (2, 2): 1}


def test_glrlm_by_hand() -> None:
    tables = [of_sizes(runs) for runs in (ACROSS, ACROSS, DIAGONAL, OTHER_DIAGONAL)]
    expected = {name: sum(table[key] for table in tables) / 4 for key, name in GLRLM.items()}
    check(measured(CORNER, "glrlm"), expected)


def test_glrlm_weighted_by_distance() -> None:
    """Runs across and down weigh 1, diagonal ones √2; their number adds up to 12 + 16 √2, their pixels to 18 + 18 √2."""
    found = measured(CORNER, "glrlm", weightingNorm="euclidean")
    root = math.sqrt(2)
    assert found["RunPercentage"] == pytest.approx((12 + 16 * root) / (18 + 18 * root))
    assert measured(CORNER, "glrlm", weightingNorm="no_weighting")["RunPercentage"] == pytest.approx(28 / 36)


def test_glrlm_leaves_out_a_direction_without_two_pixels_on_a_line() -> None:
    """Two pixels in one row that do not touch: only the rows count, with two runs of length 1."""
    mask = [[1, 0, 1], [0, 0, 0]]
    found = measured([[1, 9, 1], [9, 9, 9]], "glrlm", mask=mask)
    check(found, {"RunLengthNonUniformity": 2, "RunPercentage": 1, "GrayLevelNonUniformity": 2})


def test_glszm_by_hand() -> None:
    """Level 1: five pixels round the corner and one alone; level 2: three."""
    names = {**GLRLM, "small": "SmallAreaEmphasis", "large": "LargeAreaEmphasis", "low": "LowGrayLevelZoneEmphasis",
             "high": "HighGrayLevelZoneEmphasis", "small_low": "SmallAreaLowGrayLevelEmphasis",
             "small_high": "SmallAreaHighGrayLevelEmphasis", "large_low": "LargeAreaLowGrayLevelEmphasis",
             "large_high": "LargeAreaHighGrayLevelEmphasis", "sizes": "SizeZoneNonUniformity",
             "sizes_norm": "SizeZoneNonUniformityNormalized", "share": "ZonePercentage", "size_variance": "ZoneVariance",
             "entropy": "ZoneEntropy"}  # fmt: skip
    table = of_sizes({(1, 5): 1, (1, 1): 1, (2, 3): 1})
    check(measured(CORNER, "glszm"), {name: table[key] for key, name in names.items()})


def test_glszm_joins_zones_that_meet_late() -> None:
    """A U, a W and a checkerboard of corners: zones that are seen as several until a lower row joins them."""
    u = [[2, 1, 2], [2, 1, 2], [2, 2, 2]]  # 7 pixels of level 2, 2 of level 1
    assert measured(u, "glszm")["ZoneVariance"] == pytest.approx(((7 - 4.5) ** 2 + (2 - 4.5) ** 2) / 2)
    w = [[2, 1, 2, 1, 2], [2, 1, 2, 1, 2], [1, 2, 1, 2, 1]]  # level 2: 8 pixels in one zone; level 1: 4 + … see below
    # level 1: (0,1) (1,1) touch (2,0) and (2,2); (2,2) touches (1,3), (0,3), and these touch (2,4): one zone of 7
    assert measured(w, "glszm")["LargeAreaEmphasis"] == pytest.approx((8**2 + 7**2) / 2)
    assert measured(np.indices((4, 4)).sum(axis=0) % 2 + 1, "glszm")["ZonePercentage"] == pytest.approx(2 / 16)


def test_gldm_by_hand() -> None:
    """Neighbours of the same level, the pixel itself included:  3 4 2 / 4 3 3 / 2 3 1."""
    table = of_sizes({(1, 3): 1, (1, 4): 2, (1, 2): 2, (1, 1): 1, (2, 3): 3})
    names = {"small": "SmallDependenceEmphasis", "large": "LargeDependenceEmphasis", "low": "LowGrayLevelEmphasis",
             "high": "HighGrayLevelEmphasis", "small_low": "SmallDependenceLowGrayLevelEmphasis",
             "small_high": "SmallDependenceHighGrayLevelEmphasis", "large_low": "LargeDependenceLowGrayLevelEmphasis",
             "large_high": "LargeDependenceHighGrayLevelEmphasis", "levels": "GrayLevelNonUniformity",
             "sizes": "DependenceNonUniformity", "sizes_norm": "DependenceNonUniformityNormalized",
             "level_variance": "GrayLevelVariance", "size_variance": "DependenceVariance", "entropy": "DependenceEntropy"}  # fmt: skip
    check(measured(CORNER, "gldm"), {name: table[key] for key, name in names.items()})


def test_gldm_with_a_tolerance_counts_every_neighbour_in_the_region() -> None:
    """With differences of 1 allowed all neighbours count, 4 6 4 / 6 9 6 / 4 6 4, and pixels outside the region do not."""
    table = of_sizes({(1, 4): 4, (1, 6): 2, (2, 6): 2, (2, 9): 1})
    assert measured(CORNER, "gldm", gldm_a=1)["DependenceEntropy"] == pytest.approx(table["entropy"])
    pair = measured([[1, 9], [9, 2]], "gldm", mask=[[1, 0], [0, 1]], gldm_a=5)
    assert pair["LargeDependenceEmphasis"] == pytest.approx(4)


# -- grey tone differences ------------------------------------------------------------------


def test_ngtdm_by_hand() -> None:
    """|level - mean of neighbours|: 1/3 2/5 2/3 / 2/5 3/4 3/5 / 2/3 3/5 1."""
    s1, s2, p1, p2 = 1 / 3 + 2 / 5 + 2 / 3 + 2 / 5 + 2 / 3 + 1, 3 / 4 + 3 / 5 + 3 / 5, 6 / 9, 3 / 9
    check(measured(CORNER, "ngtdm"), {
        "Coarseness": 1 / (p1 * s1 + p2 * s2),
        "Contrast": 2 * p1 * p2 / (2 * 1) * (s1 + s2) / 9,
        "Complexity": 2 * (p1 * s1 + p2 * s2) / 9,
        "Strength": 2 / (s1 + s2),
        "Busyness": 0,  # 1 p1 = 2 p2: the divisor is zero, and 0 is the answer that is agreed on
    })  # fmt: skip


def test_ngtdm_busyness() -> None:
    """Levels 1 1 3 / 1 1 3: left column |1 - 1| = 0, middle |1 - 9/5|, right |3 - 5/3|, twice each."""
    found = measured([[1, 1, 3], [1, 1, 3]], "ngtdm")
    s1, s3, p1, p3 = 2 * 4 / 5, 2 * 4 / 3, 4 / 6, 2 / 6
    assert found["Busyness"] == pytest.approx((p1 * s1 + p3 * s3) / (2 * abs(1 * p1 - 3 * p3)))


def test_ngtdm_of_one_level() -> None:
    check(measured([[4, 4], [4, 4]], "ngtdm"), {"Coarseness": 1e6, "Contrast": 0, "Busyness": 0, "Complexity": 0, "Strength": 0})


# -- first order and shape ------------------------------------------------------------------


def test_first_order_by_hand() -> None:
    found = measured([[10, 20], [30, 40]], "firstorder", spacing=(0.5, 0.25), binWidth=25, voxelArrayShift=5)
    energy = 15**2 + 25**2 + 35**2 + 45**2
    check(found, {
        "10Percentile": 13, "90Percentile": 37, "InterquartileRange": 32.5 - 17.5, "Median": 25, "Mean": 25, "Minimum": 10,
        "Maximum": 40, "Range": 30, "RobustMeanAbsoluteDeviation": 5, "MeanAbsoluteDeviation": 10, "Variance": 125,
        "Skewness": 0, "Kurtosis": ((15**4 + 5**4) / 2) / 125**2, "Energy": energy, "TotalEnergy": energy / 8,
        "RootMeanSquared": math.sqrt(energy / 4), "Entropy": 1, "Uniformity": 0.5,  # 10, 20 in a bin, 30, 40 in the next
    })  # fmt: skip


def test_first_order_of_a_flat_region() -> None:
    check(measured([[3, 3], [3, 3]], "firstorder"), {"Skewness": 0, "Kurtosis": 0, "Variance": 0, "Entropy": 0, "Uniformity": 1})


def test_shape_of_a_square() -> None:
    """4 × 4 pixels of 0.5 × 0.25 mm: the outline is the rectangle with its corners cut at half a pixel."""
    found = measured(np.ones((4, 4)), "shape2D", spacing=(0.5, 0.25))
    area, length = (16 - 4 / 8) * 0.125, 2 * 3 * 0.25 + 2 * 3 * 0.5 + 4 * math.hypot(0.25, 0.125)
    check(found, {
        "MeshSurface": area, "Perimeter": length, "PerimeterSurfaceRatio": length / area, "PixelSurface": 2,
        "Sphericity": 2 * math.sqrt(math.pi * area) / length,
        "MajorAxisLength": 4 * math.sqrt(1.25) * 0.5, "MinorAxisLength": 4 * math.sqrt(1.25) * 0.25, "Elongation": 0.5,
        "MaximumDiameter": math.hypot(4 * 0.5, 3 * 0.25),
    })  # fmt: skip


def test_shape_of_a_ring_and_of_pixels_that_touch_by_a_corner() -> None:
    ring = np.ones((3, 3), bool)
    ring[1, 1] = False
    found = measured(ring, "shape2D", mask=ring)
    check(found, {"MeshSurface": 9 - 4 / 8 - 1 / 2, "Perimeter": 4 * 2 + 8 * math.hypot(0.5, 0.5)})
    corner = measured(np.eye(2), "shape2D", mask=np.eye(2))
    check(corner, {"MeshSurface": 1, "Perimeter": 8 * math.hypot(0.5, 0.5), "MinorAxisLength": 0, "Elongation": 0})
