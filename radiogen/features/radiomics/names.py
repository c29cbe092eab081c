"""Names of the radiomics features, which are pyradiomics', and which of them carry a unit."""

from __future__ import annotations

from typing import Any

from radiogen.features.radiomics.filters.naming import names_of

#: class -> its features in pyradiomics' order; features that pyradiomics has deprecated are left out
FEATURES: dict[str, tuple[str, ...]] = {
    "firstorder": (
        "10Percentile", "90Percentile", "Energy", "Entropy", "InterquartileRange", "Kurtosis", "Maximum",
        "MeanAbsoluteDeviation", "Mean", "Median", "Minimum", "Range", "RobustMeanAbsoluteDeviation",
        "RootMeanSquared", "Skewness", "TotalEnergy", "Uniformity", "Variance",
    ),
    "shape2D": (
        "Elongation", "MajorAxisLength", "MaximumDiameter", "MeshSurface", "MinorAxisLength", "Perimeter",
        "PerimeterSurfaceRatio", "PixelSurface", "Sphericity",
    ),
    "glcm": (
        "Autocorrelation", "ClusterProminence", "ClusterShade", "ClusterTendency", "Contrast", "Correlation",
        "DifferenceAverage", "DifferenceEntropy", "DifferenceVariance", "Id", "Idm", "Idmn", "Idn", "Imc1", "Imc2",
        "InverseVariance", "JointAverage", "JointEnergy", "JointEntropy", "MCC", "MaximumProbability", "SumAverage",
        "SumEntropy", "SumSquares",
    ),
    "glrlm": (
        "GrayLevelNonUniformity", "GrayLevelNonUniformityNormalized", "GrayLevelVariance", "HighGrayLevelRunEmphasis",
        "LongRunEmphasis", "LongRunHighGrayLevelEmphasis", "LongRunLowGrayLevelEmphasis", "LowGrayLevelRunEmphasis",
        "RunEntropy", "RunLengthNonUniformity", "RunLengthNonUniformityNormalized", "RunPercentage", "RunVariance",
        "ShortRunEmphasis", "ShortRunHighGrayLevelEmphasis", "ShortRunLowGrayLevelEmphasis",
    ),
    "glszm": (
        "GrayLevelNonUniformity", "GrayLevelNonUniformityNormalized", "GrayLevelVariance", "HighGrayLevelZoneEmphasis",
        "LargeAreaEmphasis", "LargeAreaHighGrayLevelEmphasis", "LargeAreaLowGrayLevelEmphasis",
        "LowGrayLevelZoneEmphasis", "SizeZoneNonUniformity", "SizeZoneNonUniformityNormalized", "SmallAreaEmphasis",
        "SmallAreaHighGrayLevelEmphasis", "SmallAreaLowGrayLevelEmphasis", "ZoneEntropy", "ZonePercentage",
        "ZoneVariance",
    ),
    "gldm": (
        "DependenceEntropy", "DependenceNonUniformity", "DependenceNonUniformityNormalized", "DependenceVariance",
        "GrayLevelNonUniformity", "GrayLevelVariance", "HighGrayLevelEmphasis", "LargeDependenceEmphasis",
        "LargeDependenceHighGrayLevelEmphasis", "LargeDependenceLowGrayLevelEmphasis", "LowGrayLevelEmphasis",
        "SmallDependenceEmphasis", "SmallDependenceHighGrayLevelEmphasis", "SmallDependenceLowGrayLevelEmphasis",
    ),
    "ngtdm": ("Busyness", "Coarseness", "Complexity", "Contrast", "Strength"),
}

#: image types that only radiogen's own engine has
NATIVE_TYPES = ("Mean", "Laws", "Gabor")

#: image types that exist in 2D
IMAGE_TYPES = (
    "Original", "Wavelet", "LoG", "Square", "SquareRoot", "Logarithm", "Exponential", "Gradient", "LBP2D", *NATIVE_TYPES,
)

#: features in mm, mm² or 1/mm, or multiplied by the area of a pixel
PHYSICAL: frozenset[tuple[str, str]] = frozenset({
    ("shape2D", "MajorAxisLength"), ("shape2D", "MaximumDiameter"), ("shape2D", "MeshSurface"),
    ("shape2D", "MinorAxisLength"), ("shape2D", "Perimeter"), ("shape2D", "PerimeterSurfaceRatio"),
    ("shape2D", "PixelSurface"), ("firstorder", "TotalEnergy"),
})  # fmt: skip


def feature_names(settings: dict[str, dict[str, Any]], *, calibrated: bool) -> tuple[str, ...]:
    """Names of all features that the settings ask for, in the order of the table.

    Parameters
    ----------
    settings : dict
        From :func:`load_settings`.
    calibrated : bool
        Whether the pixel spacing is known.  If not, widths in names count pixels (:func:`uncalibrated`).
    """
    classes = settings["featureClass"]
    names = [f"original_shape2D_{f}" for f in _chosen(classes, "shape2D")]
    for image in image_names(settings):
        names += [f"{image}_{c}_{f}" for c in classes if c != "shape2D" for f in _chosen(classes, c)]
    return tuple(names if calibrated else (uncalibrated(n, settings) for n in names))


def _chosen(classes: dict[str, Any], name: str) -> tuple[str, ...]:
    return () if name not in classes else tuple(classes[name]) or FEATURES[name]


def image_names(settings: dict[str, dict[str, Any]]) -> tuple[str, ...]:
    """Names of the filtered images in the order of the table: pyradiomics' where it has the image type."""
    return tuple(n for kind in settings["imageType"] for n in names_of(kind, _merged(settings, kind)))


def uncalibrated(name: str, settings: dict[str, dict[str, Any]]) -> str:
    """The name of a feature of an image without pixel spacing: it may not claim millimetres.

    ``log-sigma-2-0-mm-3D`` becomes ``log-sigma-2-0-px-2D``, ``gradient`` (grey values per mm) ``gradient-px``, and
    in the names of Gabor filters ``mm`` becomes ``px``.
    """
    image, _, rest = name.partition("_")
    if image.startswith("log-sigma-"):
        image = f"{image.removesuffix('-mm-3D')}-px-2D"
    elif image.startswith("gabor-"):
        image = image.replace("-mm", "-px")
    elif image == "gradient" and _merged(settings, "Gradient").get("gradientUseSpacing", True):
        image = "gradient-px"
    return f"{image}_{rest}"


def _merged(settings: dict[str, dict[str, Any]], kind: str) -> dict[str, Any]:
    return {**settings["setting"], **settings["imageType"].get(kind, {})}


def is_physical(name: str) -> bool:
    """Whether the value of a feature depends on the size of a pixel in mm."""
    _, feature_class, feature = name.split("_", 2)
    return (feature_class, feature) in PHYSICAL
