"""The engine ``pyradiomics``: pyradiomics 3.0.1 on true 2D images."""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radiogen.errors import RadiogenError, fail
from radiogen.features.radiomics.preprocessing import check_resampled
from radiogen.features.radiomics.settings import Settings, settings_text

_LOGGERS = ("radiomics", "pykwalify")
_EXTRACTORS: dict[str, Any] = {}
#: pyradiomics and SimpleITK keep state per process, so one extraction runs at a time in a process
_LOCK = threading.RLock()


def compute(
    image: NDArray[np.float64], mask: NDArray[np.bool_], spacing_mm: tuple[float, float], settings: Settings
) -> dict[str, float]:
    """All features of one image by pyradiomics, under its own names.

    The image is handed over as a 2D SimpleITK image and ``force2D`` stays off: a one-slice volume would lose
    the LoG features, and ``force2D`` on a 2D image turns the wavelet into a one-dimensional one.

    Raises
    ------
    RadiogenError
        RG901 not installed, RG104 settings that pyradiomics refuses, RG508 too many pixels after resampling, RG510
        region too small, RG516 where pyradiomics fails.
    """
    check_resampled(mask, spacing_mm, settings["setting"])
    maker = _extractor_class()  # before the loggers are silenced: the import sets their levels
    import SimpleITK

    with _LOCK, _quiet():
        extractor = _extractor(maker, settings)
        picture = SimpleITK.GetImageFromArray(_as_itk_takes_it(image))
        region = SimpleITK.GetImageFromArray(mask.astype(np.uint8))
        for part in (picture, region):
            part.SetSpacing((spacing_mm[1], spacing_mm[0]))  # ITK counts columns first
        try:
            found = extractor.execute(picture, region, label=1)
        except Exception as error:  # pyradiomics raises ValueError, SimpleITK RuntimeError, filters anything
            raise _refusal(error) from error
    return {name: float(np.real(value)) for name, value in found.items()}


def _refusal(error: Exception) -> RadiogenError:
    """pyradiomics' own message, with the code for what it says."""
    message = " ".join(str(error).split())[:200]
    if "angle count" in message:
        text = f"the region has no two pixels at one of the `distances`, which must be smaller (pyradiomics: {message})"
        return fail("RG510", text, column="distances")
    return fail("RG510" if "mask" in message or "ROI" in message else "RG516", f"pyradiomics: {message}")


def _as_itk_takes_it(image: NDArray[Any]) -> NDArray[Any]:
    """Whole numbers as int32, so that resampling rounds them, but no smaller type, whose bins' edges overflow; else float64."""
    whole = image.dtype.kind in "biu" and np.can_cast(image.dtype, np.int32)
    return np.ascontiguousarray(image, dtype=np.int32 if whole else np.float64)


def _extractor_class() -> Any:
    try:
        from radiomics.featureextractor import RadiomicsFeatureExtractor
    except ImportError as error:
        raise fail("RG901", f"pyradiomics cannot be imported: {error}") from error
    return RadiomicsFeatureExtractor


def _extractor(maker: Any, settings: Settings) -> Any:
    """The extractor of these settings; building one validates them, which costs as much as a small image."""
    key = settings_text(settings)
    if key not in _EXTRACTORS:
        forced = {"label": 1, "force2D": False, "additionalInfo": False}
        layout = {**settings, "setting": {**settings["setting"], **forced}}
        try:
            _EXTRACTORS[key] = maker(layout)
        except Exception as error:  # pykwalify's SchemaError and whatever its rules raise
            message = " ".join(str(error).split())[:300]
            raise fail("RG104", f"pyradiomics refuses the settings: {message}", column="settings") from error
    return _EXTRACTORS[key]


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence pyradiomics' chatter, use one SimpleITK thread, and put everything back."""
    import SimpleITK

    loggers = [logging.getLogger(name) for name in _LOGGERS]
    levels = [logger.level for logger in loggers]
    threads = SimpleITK.ProcessObject.GetGlobalDefaultNumberOfThreads()
    try:
        for logger in loggers:
            logger.setLevel(logging.CRITICAL + 1)
        SimpleITK.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            yield
    finally:
        SimpleITK.ProcessObject.SetGlobalDefaultNumberOfThreads(threads)
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
