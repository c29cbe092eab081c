"""Radiomics of one image, by whichever engine."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radiogen.errors import fail
from radiogen.features.radiomics.names import feature_names, is_physical, uncalibrated
from radiogen.features.radiomics.settings import Settings, load_settings

#: engine -> module with ``compute(image, mask, spacing_mm, settings)`` and ``PACKAGES``
ENGINES = {"pyradiomics": "radiogen.features.radiomics.with_pyradiomics"}


def extract(
    image: NDArray[np.float64],
    mask: NDArray[np.bool_],
    spacing_mm: tuple[float, float] | None = None,
    settings: str | Path | Mapping[str, Any] | None = None,
    engine: str = "pyradiomics",
) -> pd.Series:
    """Radiomics features of one region of one grey image, in true 2D.

    Parameters
    ----------
    image : ndarray, H × W
        Grey values, finite; the whole image, since filters look beyond the region.
    mask : ndarray of bool, H × W
        The region.
    spacing_mm : (float, float), optional
        Millimetres per row and per column.  Default None, not known: then the features with a physical unit
        (lengths and areas of the shape, total energy) are NaN by rule, the widths of LoG filters count pixels
        and their names say so (``log-sigma-2-0-px-2D``), and pixels are taken as square.
    settings : path or mapping, optional
        Layout of pyradiomics' parameter files; default and reasons: see :func:`load_settings`.
    engine : {"pyradiomics"}, default "pyradiomics"

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
        RG510 region too small (one row or column, or not more pixels than ``minimumROISize``), RG509 settings
        that need a spacing, RG101, RG102, RG104, RG201 wrong settings, RG516 where the engine fails.

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
    _check_arrays(image, mask)
    check_region(mask, resolved)
    if spacing_mm is None and resolved["setting"].get("resampledPixelSpacing"):
        raise fail("RG509", "`resampledPixelSpacing` is in mm and the image has no pixel spacing", column="settings")
    values = compute(image, mask, spacing_mm or (1.0, 1.0), resolved)
    return _series(values, resolved, spacing_mm is not None)


def engine_versions(engine: str) -> dict[str, str]:
    """Versions of the packages that decide an engine's values; nothing heavy is imported.

    Raises
    ------
    RadiogenError
        RG708 unknown engine, RG901 engine not installed.
    """
    found = {}
    for name in _module(engine).PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError as error:
            raise fail("RG901", f"the engine '{engine}' needs {name}, which is not installed", value=name) from error
    return found


def _module(engine: str) -> Any:
    if engine not in ENGINES:
        raise fail("RG708", f"there is no radiomics engine '{engine}'; there is {', '.join(ENGINES)}", value=engine)
    return importlib.import_module(ENGINES[engine])


def _check_arrays(image: NDArray[np.float64], mask: NDArray[np.bool_]) -> None:
    if image.ndim != 2 or mask.shape != image.shape:
        raise fail("RG705", f"image and mask must be 2D of one shape; they are {image.shape} and {mask.shape}")
    if mask.dtype != np.bool_:
        raise fail("RG705", f"the mask must be of type bool, it is {mask.dtype}")
    if not np.isfinite(image).all():
        raise fail("RG705", "the image has values that are not finite")


def check_region(mask: NDArray[np.bool_], settings: Settings) -> None:
    """Refuse a region that is too small for texture: RG505 empty, RG510 too few rows, columns or pixels."""
    size = int(mask.sum())
    if size == 0:
        raise fail("RG505", "the mask has no pixel")
    rows, columns = int(mask.any(axis=1).sum()), int(mask.any(axis=0).sum())
    if min(rows, columns) < 2:
        raise fail("RG510", f"the region has {rows} rows and {columns} columns; texture needs at least 2 of each")
    smallest = settings["setting"].get("minimumROISize")
    if smallest is not None and size <= smallest:
        raise fail("RG510", f"the region has {size} pixels; more than {smallest} are asked for (`minimumROISize`)")


def _series(values: dict[str, float], settings: Settings, calibrated: bool) -> pd.Series:
    missing: dict[str, str] = {}
    numbers: dict[str, float] = {}
    for name in feature_names(settings, calibrated=True):
        shown = name if calibrated else uncalibrated(name, settings)
        numbers[shown] = values.get(name, float("nan"))
        if not calibrated and is_physical(name):
            numbers[shown], missing[shown] = float("nan"), "the pixel spacing is not known"
        elif name not in values:
            missing[shown] = "the engine gave no value: the image is too small for the filter, or a package is missing"
        elif not np.isfinite(numbers[shown]):
            numbers[shown], missing[shown] = float("nan"), "not defined for this region"
    series = pd.Series(numbers, dtype=np.float64)
    series.attrs["missing"] = missing
    return series
