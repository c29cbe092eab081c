"""The native feature classes against the consensus values of the IBSI's digital phantom, slice by slice."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from radiogen.features.radiomics.classes.registry import chosen, measure
from radiogen.features.radiomics.filtered import FilteredImage

#: IBSI's short name -> ours; only the kurtosis is defined differently
GLCM = {
    "joint_max": "MaximumProbability", "joint_avg": "JointAverage", "joint_var": "SumSquares", "joint_entr": "JointEntropy",
    "diff_avg": "DifferenceAverage", "diff_var": "DifferenceVariance", "diff_entr": "DifferenceEntropy",
    "sum_avg": "SumAverage", "sum_var": "ClusterTendency", "sum_entr": "SumEntropy", "energy": "JointEnergy",
    "contrast": "Contrast", "dissimilarity": "DifferenceAverage", "inv_diff": "Id", "inv_diff_norm": "Idn",
    "inv_diff_mom": "Idm", "inv_diff_mom_norm": "Idmn", "inv_var": "InverseVariance", "corr": "Correlation",
    "auto_corr": "Autocorrelation", "clust_tend": "ClusterTendency", "clust_shade": "ClusterShade",
    "clust_prom": "ClusterProminence", "info_corr1": "Imc1", "info_corr2": "Imc2",
}  # fmt: skip
GLRLM = {
    "sre": "ShortRunEmphasis", "lre": "LongRunEmphasis", "lgre": "LowGrayLevelRunEmphasis", "hgre": "HighGrayLevelRunEmphasis",
    "srlge": "ShortRunLowGrayLevelEmphasis", "srhge": "ShortRunHighGrayLevelEmphasis",
    "lrlge": "LongRunLowGrayLevelEmphasis", "lrhge": "LongRunHighGrayLevelEmphasis", "glnu": "GrayLevelNonUniformity",
    "glnu_norm": "GrayLevelNonUniformityNormalized", "rlnu": "RunLengthNonUniformity",
    "rlnu_norm": "RunLengthNonUniformityNormalized", "r_perc": "RunPercentage", "gl_var": "GrayLevelVariance",
    "rl_var": "RunVariance", "rl_entr": "RunEntropy",
}  # fmt: skip
GLSZM = {
    "sze": "SmallAreaEmphasis", "lze": "LargeAreaEmphasis", "lgze": "LowGrayLevelZoneEmphasis",
    "hgze": "HighGrayLevelZoneEmphasis", "szlge": "SmallAreaLowGrayLevelEmphasis", "szhge": "SmallAreaHighGrayLevelEmphasis",
    "lzlge": "LargeAreaLowGrayLevelEmphasis", "lzhge": "LargeAreaHighGrayLevelEmphasis", "glnu": "GrayLevelNonUniformity",
    "glnu_norm": "GrayLevelNonUniformityNormalized", "zsnu": "SizeZoneNonUniformity",
    "zsnu_norm": "SizeZoneNonUniformityNormalized", "z_perc": "ZonePercentage", "gl_var": "GrayLevelVariance",
    "zs_var": "ZoneVariance", "zs_entr": "ZoneEntropy",
}  # fmt: skip
GLDM = {
    "lde": "SmallDependenceEmphasis", "hde": "LargeDependenceEmphasis", "lgce": "LowGrayLevelEmphasis",
    "hgce": "HighGrayLevelEmphasis", "ldlge": "SmallDependenceLowGrayLevelEmphasis",
    "ldhge": "SmallDependenceHighGrayLevelEmphasis", "hdlge": "LargeDependenceLowGrayLevelEmphasis",
    "hdhge": "LargeDependenceHighGrayLevelEmphasis", "glnu": "GrayLevelNonUniformity", "dcnu": "DependenceNonUniformity",
    "dcnu_norm": "DependenceNonUniformityNormalized", "gl_var": "GrayLevelVariance", "dc_var": "DependenceVariance",
    "dc_entr": "DependenceEntropy",
}  # fmt: skip
NGTDM = {name.lower(): name for name in ("Coarseness", "Contrast", "Busyness", "Complexity", "Strength")}
FIRST = {
    "stat_mean": "Mean", "stat_var": "Variance", "stat_skew": "Skewness", "stat_median": "Median", "stat_min": "Minimum",
    "stat_p10": "10Percentile", "stat_p90": "90Percentile", "stat_max": "Maximum", "stat_iqr": "InterquartileRange",
    "stat_range": "Range", "stat_mad": "MeanAbsoluteDeviation", "stat_rmad": "RobustMeanAbsoluteDeviation",
    "stat_energy": "Energy", "stat_rms": "RootMeanSquared", "ih_entropy": "Entropy", "ih_uniformity": "Uniformity",
}  # fmt: skip


@pytest.fixture(scope="module")
def phantom(shared: Path) -> tuple[np.ndarray, np.ndarray]:
    """Grey levels and region, slices × rows × columns."""
    from SimpleITK import GetArrayFromImage, ReadImage

    folder = shared / "data" / "ibsi" / "digital_phantom"
    image, mask = (GetArrayFromImage(ReadImage(str(folder / f"{name}.nii.gz"))) for name in ("phantom", "mask"))
    return image.astype(float), mask > 0


@pytest.fixture(scope="module")
def consensus(shared: Path) -> dict[str, tuple[float, float]]:
    """Tag -> value and tolerance; a value given to three digits is exact to half of the last."""
    with (shared / "data" / "ibsi" / "ibsi_1_dig_phantom.csv").open() as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    return {row["tag"]: (float(row["reference value"]), float(row["tolerance"])) for row in rows if row["reference value"]}


def slices(phantom: tuple[np.ndarray, np.ndarray], family: str, **setting: object) -> dict[str, float]:
    """Features of every slice, averaged over the slices."""
    found = []
    for image, mask in zip(*phantom, strict=True):
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        filtered = FilteredImage("original", np.ascontiguousarray(image[box]), np.ascontiguousarray(mask[box]), (1.0, 1.0), {"binWidth": 1, **setting})
        found.append(measure(filtered, chosen({family: []})))
    return {name.partition("_")[2]: float(np.mean([values[name] for values in found])) for name in found[0]}


def differing(found: dict[str, float], expected: dict[str, tuple[float, float]], names: dict[str, str], tag: str) -> list[str]:
    """Names of features outside the tolerance."""
    out = []
    for short, name in names.items():
        value, tolerance = expected[tag.format(short)]
        rounding = 0.5 * 10 ** (np.floor(np.log10(abs(value))) - 2) * 1.0001 if value else 1e-12
        if abs(found[name] - value) > max(tolerance, rounding):
            out.append(f"{name}: {found[name]:.6g}, not {value} ± {tolerance}")
    return out


def test_first_order(phantom: tuple[np.ndarray, np.ndarray], consensus: dict[str, tuple[float, float]]) -> None:
    """The slices side by side: first order does not ask where a value is."""
    image, mask = (np.hstack(list(part)) for part in phantom)
    filtered = FilteredImage("original", image, mask, (1.0, 1.0), {"binWidth": 1})
    found = {k.partition("_")[2]: v for k, v in measure(filtered, chosen({"firstorder": []})).items()}
    assert differing(found, consensus, FIRST, "{}") == []
    assert found["Kurtosis"] - 3 == pytest.approx(consensus["stat_kurt"][0], abs=5e-4)  # IBSI's is reduced by 3


@pytest.mark.parametrize(("aggregation", "norm"), [("2D_avg", None), ("2D_comb", "no_weighting")])
@pytest.mark.parametrize(("family", "names", "tag"), [("glcm", GLCM, "cm"), ("glrlm", GLRLM, "rlm")])
def test_directions(
    phantom: tuple[np.ndarray, np.ndarray], consensus: dict[str, tuple[float, float]],
    family: str, names: dict[str, str], tag: str, aggregation: str, norm: str | None,
) -> None:  # fmt: skip
    """One matrix per slice and direction, or the directions of a slice merged (pyradiomics: ``no_weighting``)."""
    found = slices(phantom, family, weightingNorm=norm)
    assert differing(found, consensus, names, f"{tag}_{{}}_{aggregation}") == []


@pytest.mark.parametrize(("family", "names", "tag"), [("glszm", GLSZM, "szm"), ("gldm", GLDM, "ngl"), ("ngtdm", NGTDM, "ngt")])
def test_matrices_without_direction(
    phantom: tuple[np.ndarray, np.ndarray], consensus: dict[str, tuple[float, float]], family: str, names: dict[str, str], tag: str
) -> None:
    assert differing(slices(phantom, family), consensus, names, f"{tag}_{{}}_2D") == []
