"""What happens to image and region before the filters: normalisation, resampling, cropping and resegmentation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radiogen.errors import fail
from radiogen.imaging.regions import bounding_box

Image = NDArray[np.float64]
Mask = NDArray[np.bool_]
Spacing = tuple[float, float]
Setting = Mapping[str, Any]

#: pyradiomics' own defaults
_PAD = 5
_INTERPOLATOR = "sitkBSpline"
#: pixels after resampling; more take gigabytes and minutes
_MOST_PIXELS = 25_000_000


@dataclass(frozen=True)
class Prepared:
    """An image and its region, ready for the filters.

    Parameters
    ----------
    image : ndarray of float64, H × W
    mask : ndarray of bool, H × W
        The region of texture and grey values.
    shape : ndarray of bool
        The region of the shape, cut to a box; it differs from ``mask`` only after resegmentation.
    spacing_mm : (float, float)
        Per row and per column.
    """

    image: Image
    mask: Mask
    shape: Mask
    spacing_mm: Spacing


def prepare(image: Image, mask: Mask, spacing_mm: Spacing, setting: Setting) -> Prepared:
    """Image and region after everything that pyradiomics' settings ask for before the filters.

    Parameters
    ----------
    image : ndarray of float64, H × W
    mask : ndarray of bool, H × W
        Not empty.
    spacing_mm : (float, float)
        Per row and per column.
    setting : mapping
        ``normalize``, ``normalizeScale``, ``removeOutliers``, ``resampledPixelSpacing``, ``interpolator``,
        ``padDistance``, ``preCrop``, ``resegmentRange``, ``resegmentMode``, ``resegmentShape``,
        ``minimumROISize``, ``minimumROIDimensions``; defaults are pyradiomics'.

    Raises
    ------
    RadiogenError
        RG705 an image of one grey value that should be normalised, RG510 a region that is too small afterwards, RG508
        a picture of more than 25 million pixels after resampling.

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.features.radiomics.preprocessing import prepare
    >>> image = np.array([[0.0, 0, 0, 4], [0, 4, 4, 4]]); mask = np.ones((2, 4), bool)
    >>> prepare(image, mask, (1.0, 1.0), {"normalize": True, "normalizeScale": 100}).image[0].round(1).tolist()
    [-93.5, -93.5, -93.5, 93.5]
    """
    if setting.get("normalize"):
        image = normalised(image, setting)
    if setting.get("resampledPixelSpacing") and setting.get("interpolator", _INTERPOLATOR) is not None:
        image, mask, spacing_mm = resampled(image, mask, spacing_mm, setting)
    elif setting.get("preCrop"):
        image, mask = _cropped(image, mask, setting)
    check_size(mask, setting)
    texture = resegmented(image, mask, setting)
    shape = texture if setting.get("resegmentShape") else mask
    top, bottom, left, right = bounding_box(texture)
    return Prepared(image, texture, shape[top : bottom + 1, left : right + 1], spacing_mm)


def check_size(mask: Mask, setting: Setting) -> None:
    """Refuse a region that is too small for texture.

    Raises
    ------
    RadiogenError
        RG505 empty, RG510 too few rows, columns or pixels.
    """
    size = int(np.count_nonzero(mask))
    if size == 0:
        raise fail("RG505", "the mask has no pixel")
    top, bottom, left, right = bounding_box(mask)
    rows, columns = bottom - top + 1, right - left + 1
    if min(rows, columns) < 2:
        raise fail("RG510", f"the region has {rows} rows and {columns} columns; texture needs at least 2 of each")
    if setting.get("minimumROIDimensions", 2) > 2:
        raise fail("RG510", "`minimumROIDimensions` is 3 and the region has two dimensions")
    smallest = setting.get("minimumROISize")
    if smallest is not None and size <= smallest:
        raise fail("RG510", f"the region has {size} pixels; more than {smallest} are asked for (`minimumROISize`)")


def normalised(image: Image, setting: Setting) -> Image:
    """``normalizeScale`` times (x - mean) / standard deviation, both of the whole image.

    With ``removeOutliers`` n, values beyond n standard deviations are set to n standard deviations first.
    """
    from radiogen.features.radiomics.compensated import sums

    count = image.size
    total, squares = sums(np.ravel(image))
    variance = (squares - total * total / count) / (count - 1)
    if image.min() == image.max() or not variance > 0:  # what rounding leaves of a variance of 0 may be above it
        raise fail("RG705", "the image has one grey value throughout, so that it cannot be normalised")
    found: Image = (image - total / count) * (1.0 / np.sqrt(variance))
    limit = setting.get("removeOutliers")
    if limit is not None:
        found = np.clip(found, -limit, limit)
    return found * float(setting.get("normalizeScale", 1))


def resegmented(image: Image, mask: Mask, setting: Setting) -> Mask:
    """The part of the region whose grey values lie in ``resegmentRange`` (one lower limit, or two limits).

    ``resegmentMode``: ``absolute`` grey values, ``relative`` to the largest of the region, or ``sigma``: standard
    deviations from the region's mean.
    """
    limits = setting.get("resegmentRange")
    if limits is None:
        return mask
    values, mode = image[mask], setting.get("resegmentMode", "absolute")
    limits = sorted(limits)
    if mode == "relative":
        limits = [np.max(values) * limit for limit in limits]
    elif mode == "sigma":
        limits = [np.mean(values) + np.std(values) * limit for limit in limits]
    kept = values >= limits[0]
    if len(limits) == 2:
        kept &= values <= limits[1]
    found = np.zeros_like(mask)
    found[mask] = kept
    if not kept.any():
        raise fail("RG510", f"no pixel of the region is left after resegmentation to {setting['resegmentRange']} ({mode})")
    check_size(found, setting)
    return found


def _cropped(image: Image, mask: Mask, setting: Setting) -> tuple[Image, Mask]:
    """The region's box with ``padDistance`` pixels more on each side, as far as the image goes."""
    top, bottom, left, right = bounding_box(mask, setting.get("padDistance", _PAD))
    cut = np.s_[top : bottom + 1, left : right + 1]
    return np.ascontiguousarray(image[cut]), np.ascontiguousarray(mask[cut])


def resampled(image: Image, mask: Mask, spacing_mm: Spacing, setting: Setting) -> tuple[Image, Mask, Spacing]:
    """Image (``interpolator``) and mask (nearest pixel) at ``resampledPixelSpacing``, cut to the region.

    ``resampledPixelSpacing`` is in mm per column and per row, in this order, which is pyradiomics'; 0 keeps the
    spacing of that axis.  The grid begins at the image's corner and ends ``padDistance`` new pixels beyond the region.
    """
    old, new = _spacings(spacing_mm, setting)
    if np.allclose(old, new):
        return *_cropped(image, mask, setting), spacing_mm
    first, size = _corner_and_size(mask, old, new, setting)
    ratio = old / new
    origin = 0.5 * (new - old) / old + first / ratio
    grid = (new.tolist(), size, origin)
    picture = _resample(image, old, grid, _interpolator(setting))
    region = _resample(mask.astype(np.uint8), old, grid, "sitkNearestNeighbor") == 1
    if not region.any():
        raise fail("RG510", "no pixel of the region is left at the spacing of `resampledPixelSpacing`")
    return picture, region, (float(new[1]), float(new[0]))


def _spacings(spacing_mm: Spacing, setting: Setting) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Spacing now and after resampling, per column and per row."""
    old = np.array([spacing_mm[1], spacing_mm[0]], np.float64)  # ITK counts columns first
    wanted = np.array(setting["resampledPixelSpacing"], np.float64)
    return old, np.where(wanted == 0, old, wanted)


def _corner_and_size(
    mask: Mask, old: NDArray[np.float64], new: NDArray[np.float64], setting: Setting
) -> tuple[NDArray[np.float64], list[int]]:
    """First column and row of the new grid that are kept, and how many columns and rows (RG508 if too many)."""
    pad = setting.get("padDistance", _PAD)
    top, bottom, left, right = bounding_box(mask)
    lower, upper = np.array([left, top]), np.array([right, bottom]) + 1
    with np.errstate(over="ignore", invalid="ignore"):  # a ratio without bound
        ratio = old / new
        first = np.maximum(np.floor((lower - 0.5) * ratio - pad), 0)
        last = np.minimum(np.ceil((upper - 0.5) * ratio + pad), np.ceil(np.array(mask.shape[::-1]) * ratio) - 1)
        columns, rows = np.nan_to_num(last - first + 1, nan=np.inf, posinf=np.inf)
    if not rows * columns <= _MOST_PIXELS:
        raise fail(
            "RG508",
            f"at the spacing of `resampledPixelSpacing` the picture would have {rows:.0f} × {columns:.0f} pixels; "
            f"{_MOST_PIXELS:,} are the most",
            value=setting["resampledPixelSpacing"],
            column="resampledPixelSpacing",
        )
    return first, [int(columns), int(rows)]


def check_resampled(mask: Mask, spacing_mm: Spacing, setting: Setting) -> None:
    """Refuse a picture that would be too large after resampling (RG508)."""
    if setting.get("resampledPixelSpacing") and setting.get("interpolator", _INTERPOLATOR) is not None:
        old, new = _spacings(spacing_mm, setting)
        _corner_and_size(mask, old, new, setting)


def _interpolator(setting: Setting) -> str | int:
    import SimpleITK

    found: str | int = setting.get("interpolator", _INTERPOLATOR)
    known = not isinstance(found, str) or hasattr(SimpleITK, found)
    return found if known else _INTERPOLATOR  # as pyradiomics does for names that ITK has dropped


def _resample(values: NDArray[Any], old: NDArray[np.float64], grid: Any, interpolator: str | int) -> NDArray[Any]:
    import SimpleITK

    spacing, size, origin = grid
    source = SimpleITK.GetImageFromArray(values)
    source.SetSpacing(old.tolist())
    resample = SimpleITK.ResampleImageFilter()
    resample.SetNumberOfThreads(1)
    resample.SetOutputSpacing(spacing)
    resample.SetSize(size)
    resample.SetOutputOrigin(source.TransformContinuousIndexToPhysicalPoint(origin.tolist()))
    resample.SetOutputDirection(source.GetDirection())
    resample.SetInterpolator(getattr(SimpleITK, interpolator) if isinstance(interpolator, str) else interpolator)
    found: NDArray[Any] = SimpleITK.GetArrayFromImage(resample.Execute(source))
    return found
