"""Radiomics of one image, by whichever engine."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from radiogen.errors import fail
from radiogen.features.radiomics.names import NATIVE_TYPES, feature_names, is_physical
from radiogen.features.radiomics.preprocessing import check_size
from radiogen.features.radiomics.settings import Settings, load_settings

#: engine -> module with ``compute(image, mask, spacing_mm, settings)``; imported when something is measured
ENGINES = {
    "native": "radiogen.features.radiomics.with_native",
    "pyradiomics": "radiogen.features.radiomics.with_pyradiomics",
}
#: engine -> packages whose version can change a value
PACKAGES = {
    "native": ("numpy", "numba", "PyWavelets", "scikit-image", "SimpleITK", "scipy"),
    "pyradiomics": ("pyradiomics", "SimpleITK", "PyWavelets", "numpy"),
}
#: of the native engine; goes up when a value changes, so that features in the cache are measured again
REVISION = 1
#: the same numbers as pyradiomics, ten times faster, on every Python, and with more image types
DEFAULT_ENGINE = "native"
#: whole numbers up to here are kept as such: the edges of their bins, which reach beyond them, fit into 32 bits
_WHOLE = 2**30
_NO_VALUE = "the engine gave no value: the image is too small for the filter, or a package is missing"


def extract(
    image: ArrayLike,
    mask: ArrayLike,
    spacing_mm: tuple[float, float] | None = None,
    settings: str | Path | Mapping[str, Any] | None = None,
    engine: str = DEFAULT_ENGINE,
) -> pd.Series:
    """Radiomics features of one region of one grey image, in true 2D.

    Parameters
    ----------
    image : array_like of whole or real numbers, H × W
        Grey values, finite; the whole image, since filters look beyond the region.  Whole numbers stay whole after
        resampling, as in pyradiomics: they are rounded.
    mask : array_like of bool, H × W
        The region.
    spacing_mm : (float, float), optional
        Millimetres per row and per column, both above zero.  Default None, not known: then the features with a physical unit
        (lengths and areas of the shape, total energy) are NaN by rule, the widths of LoG filters count pixels
        and their names say so (``log-sigma-2-0-px-2D``), and pixels are taken as square.
    settings : path or mapping, optional
        Layout of pyradiomics' parameter files; default and reasons: see :func:`load_settings`.
    engine : {"native", "pyradiomics"}, default "native"
        ``native`` is radiogen's own: the same numbers, faster, and more image types (``Mean``, ``Laws``, ``Gabor``);
        ``pyradiomics`` is pyradiomics 3.0.1 where it is installed.

    Returns
    -------
    Series of float64
        Index: pyradiomics' names, such as ``wavelet-LH_glcm_JointEntropy``; always the same for the same
        settings and the same answer to whether the spacing is known.  What cannot be computed is NaN, and
        ``attrs["missing"]`` says why, by name.

    Raises
    ------
    RadiogenError
        RG708 unknown engine, RG901 engine not installed, RG705 arrays that do not fit, RG505 empty mask,
        RG510 region too small (one row or column, not more pixels than ``minimumROISize``, or smaller than every one of
        ``distances``), RG509 a spacing that is not two numbers above zero, or settings that need one, RG508 a picture of
        more than 25 million pixels after resampling, RG101, RG102, RG104, RG201 wrong settings (RG104 also for image
        types that the engine does not have), RG516 where the engine fails.

    References
    ----------
    van Griethuysen JJM et al. Computational radiomics system to decode the radiographic phenotype.
    Cancer Res 2017;77(21):e104-e107. doi:10.1158/0008-5472.CAN-17-0339

    Zwanenburg A et al. The Image Biomarker Standardization Initiative. Radiology 2020;295(2):328-338.
    doi:10.1148/radiol.2020191145

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.features.radiomics import extract
    >>> image = np.zeros((20, 20)); image[5:7, 5:7] = [[10, 20], [30, 40]]
    >>> settings = {"featureClass": {"firstorder": ["Mean", "Energy"]}}
    >>> extract(image, image > 0, settings=settings).to_dict()
    {'original_firstorder_Mean': 25.0, 'original_firstorder_Energy': 3000.0}
    """
    resolved = load_settings(settings)
    compute = _module(engine).compute
    _check_types(engine, resolved)
    pixels, region = _pixels(_array(image, "image")), _array(mask, "mask")
    _check_arrays(pixels, region)
    spacing_mm = None if spacing_mm is None else _spacing(spacing_mm)
    check_region(region, resolved)
    if spacing_mm is None and resolved["setting"].get("resampledPixelSpacing"):
        raise fail("RG509", "`resampledPixelSpacing` is in mm and the image has no pixel spacing", column="settings")
    values = compute(pixels, region, spacing_mm or (1.0, 1.0), resolved)
    return _series(values, json.dumps(resolved), spacing_mm is not None)


def engine_versions(engine: str) -> dict[str, str]:
    """Versions of all that decides an engine's values: packages, and the revision of radiogen's own engine.

    No engine is imported: where every image is in the cache, none is needed.

    Raises
    ------
    RadiogenError
        RG708 unknown engine, RG901 engine not installed.
    """
    found = {"revision": str(REVISION)} if engine == "native" else {}
    for name in PACKAGES[_known(engine)]:
        try:
            found[name] = version(name)
        except PackageNotFoundError as error:
            raise fail("RG901", f"the engine '{engine}' needs {name}, which is not installed", value=name) from error
    return found


def _module(engine: str) -> Any:
    return importlib.import_module(ENGINES[_known(engine)])


def _known(engine: str) -> str:
    if engine not in ENGINES:
        raise fail("RG708", f"there is no radiomics engine '{engine}'; there is {', '.join(ENGINES)}", value=engine)
    return engine


def _array(values: ArrayLike, name: str) -> NDArray[Any]:
    try:
        return np.asarray(values)
    except ValueError as error:  # lists of unequal lengths
        raise fail("RG705", f"the {name} is not an array: its rows have different lengths") from error


def _pixels(image: NDArray[Any]) -> NDArray[Any]:
    """The image as int32 where its type has whole numbers only and they fit, with room for the bins beyond, else as float64."""
    if image.dtype.kind not in "biuf":
        raise fail("RG705", f"the image must hold real numbers, it is of type {image.dtype}")
    whole = image.dtype.kind != "f" and image.size and int(image.min()) > -_WHOLE and int(image.max()) < _WHOLE
    with np.errstate(over="ignore"):  # what is beyond 64 bits becomes infinite, which is refused
        return image.astype(np.int32 if whole else np.float64, copy=False)


def _spacing(spacing_mm: Any) -> tuple[float, float]:
    """Two numbers above zero (RG509)."""
    text = "`spacing_mm` must be two numbers above zero, millimetres per row and per column"
    try:
        found = np.asarray(spacing_mm, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise fail("RG509", text, value=spacing_mm, column="spacing_mm") from error
    if found.shape != (2,) or not np.isfinite(found).all() or not (found > 0).all():
        raise fail("RG509", f"{text}; None where they are not known", value=spacing_mm, column="spacing_mm")
    return float(found[0]), float(found[1])


def _check_arrays(image: NDArray[np.float64], mask: NDArray[np.bool_]) -> None:
    if image.ndim != 2 or mask.shape != image.shape:
        raise fail("RG705", f"image and mask must be 2D of one shape; they are {image.shape} and {mask.shape}")
    if mask.dtype != np.bool_:
        raise fail("RG705", f"the mask must be of type bool, it is {mask.dtype}")
    if not np.isfinite(image).all():
        raise fail("RG705", "the image has values that are not finite")


def _check_types(engine: str, settings: Settings) -> None:
    for kind in NATIVE_TYPES:
        if engine != "native" and kind in settings["imageType"]:
            text = f"the engine '{engine}' has no image type '{kind}'; the engine 'native' has it"
            raise fail("RG104", text, value=kind, column="imageType")


def check_region(mask: NDArray[np.bool_], settings: Settings) -> None:
    """Refuse a region that is too small for texture.

    ``minimumROISize`` counts pixels after resampling; where there is one, the engine looks at it then.

    Raises
    ------
    RadiogenError
        RG505 empty, RG510 too few rows, columns or pixels.
    """
    setting = settings["setting"]
    if setting.get("resampledPixelSpacing"):
        setting = {k: v for k, v in setting.items() if k != "minimumROISize"}
    check_size(mask, setting)


@lru_cache(maxsize=32)
def _columns(text: str, calibrated: bool) -> tuple[tuple[str, ...], pd.Index, tuple[bool, ...]]:
    """The engine's names, the names that are shown, and whether the value is missing for want of a spacing."""
    settings = json.loads(text)
    names = feature_names(settings, calibrated=True)
    shown = names if calibrated else feature_names(settings, calibrated=False)
    return names, pd.Index(shown), tuple(not calibrated and is_physical(n) for n in names)


def _series(values: Mapping[str, float | str], text: str, calibrated: bool) -> pd.Series:
    """The values in the order of the table; a text in place of a filtered image says why it has no values."""
    names, shown, unscaled = _columns(text, calibrated)
    numbers = np.full(len(names), np.nan)
    missing: dict[str, str] = {}
    for i, name in enumerate(names):
        value = values.get(name)
        if unscaled[i]:
            missing[shown[i]] = "the pixel spacing is not known"
        elif value is None or isinstance(value, str):
            missing[shown[i]] = str(values.get(name.partition("_")[0], _NO_VALUE))
        elif not isfinite(value):
            missing[shown[i]] = "not defined for this region"
        else:
            numbers[i] = value
    series = pd.Series(numbers, index=shown)
    series.attrs["missing"] = missing
    return series
