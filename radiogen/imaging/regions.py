"""Regions of interest: bounding crops, rings along a border, and what lies in a field."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from radiogen.errors import fail
from radiogen.imaging.image import Region, Spacing

Mask = NDArray[np.bool_]
Box = tuple[int, int, int, int]


def bounding_box(mask: Mask, margin: int = 0) -> Box:
    """The box around a mask: top, bottom, left, right, from 0, both ends inside.

    Parameters
    ----------
    mask : ndarray of bool, H × W
    margin : int, default 0
        Pixels added on every side, as far as the image goes.

    Raises
    ------
    RadiogenError
        RG505 for an empty mask.

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.imaging.regions import bounding_box
    >>> mask = np.zeros((5, 8), bool); mask[2, 3:5] = True
    >>> bounding_box(mask), bounding_box(mask, margin=2)
    ((2, 2, 3, 4), (0, 4, 1, 6))
    """
    if not mask.any():
        raise fail("RG505", "the mask has no pixel")
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    last_row, last_column = mask.shape[0] - 1, mask.shape[1] - 1
    return (
        max(int(rows[0]) - margin, 0), min(int(rows[-1]) + margin, last_row),
        max(int(columns[0]) - margin, 0), min(int(columns[-1]) + margin, last_column),
    )  # fmt: skip


def as_box(values: Sequence[int]) -> Box:
    """Top, bottom, left and right as a YAML or an array has them, as a box of whole numbers."""
    top, bottom, left, right = (int(v) for v in values)
    return top, bottom, left, right


def box_slices(box: Box) -> tuple[slice, slice]:
    """The slices of rows and of columns that a box stands for."""
    return slice(box[0], box[1] + 1), slice(box[2], box[3] + 1)


def box_mask(box: Box, shape: tuple[int, int]) -> Mask:
    """The box as a mask.

    Raises
    ------
    RadiogenError
        RG708 where the box leaves the image.
    """
    top, bottom, left, right = box
    if not (0 <= top <= bottom < shape[0] and 0 <= left <= right < shape[1]):
        text = f"the box (top {top}, bottom {bottom}, left {left}, right {right}) does not lie in {shape[0]} × {shape[1]} pixels"
        raise fail("RG708", text, value=list(box))
    mask = np.zeros(shape, dtype=bool)
    mask[box_slices(box)] = True
    return mask


def region_mask(region: Region, shape: tuple[int, int]) -> Mask:
    """A calibrated DICOM region as a mask, as far as it lies in the image."""
    (top, bottom), (left, right) = region.rows, region.columns
    return box_mask((max(top, 0), min(bottom, shape[0] - 1), max(left, 0), min(right, shape[1] - 1)), shape)


def ring(
    mask: Mask,
    width: float,
    *,
    spacing_mm: Spacing | None = None,
    unit: Literal["mm", "px"] = "mm",
    side: Literal["outside", "inside"] = "outside",
    within: Mask | None = None,
) -> Mask:
    """A ring of even width along the border of a region.

    Outside (peritumoral): the pixels not in the region whose centre is at most ``width`` from the centre of one
    that is.  Inside (the rim): the pixels of the region whose centre is at most ``width`` from the centre of one
    that is not.

    Parameters
    ----------
    mask : ndarray of bool, H × W
    width : float
    spacing_mm : (float, float), optional
        Millimetres per row and per column; needed where the width is in mm.
    unit : {"mm", "px"}, default "mm"
    side : {"outside", "inside"}, default "outside"
    within : ndarray of bool, H × W, optional
        The calibrated field; the ring is cut off at its border.  Default: the whole image.

    Returns
    -------
    ndarray of bool, H × W
        May be empty, where the region fills the field.

    Raises
    ------
    RadiogenError
        RG505 empty region, RG708 wrong width, RG509 a width in mm without spacing.

    Notes
    -----
    Distances are between centres, so that a pixel beside the region is one pixel away.  The border of the image is
    no border of the region: a lesion cut off by the image has no inner rim there.

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.imaging.regions import ring
    >>> mask = np.zeros((5, 5), bool); mask[2, 2] = True
    >>> int(ring(mask, 1, unit="px").sum()), int(ring(mask, 1.5, unit="px").sum())
    (4, 8)
    >>> int(ring(mask, 0.2, spacing_mm=(0.1, 0.2)).sum())
    6
    """
    from scipy.ndimage import distance_transform_edt

    if not mask.any():
        raise fail("RG505", "the mask has no pixel")
    if not (np.isfinite(width) and width > 0):
        raise fail("RG708", "the width of a ring must be above zero", value=width)
    if unit == "mm" and spacing_mm is None:
        raise fail("RG509", "a ring in mm needs the pixel spacing, which is not known")
    sampling = spacing_mm if unit == "mm" and spacing_mm is not None else (1.0, 1.0)
    # a hair of tolerance: 3 × 0.1 mm is more than 0.3 in floating point
    near = distance_transform_edt(~mask if side == "outside" else mask, sampling=sampling) <= width * (1 + 1e-9)
    found = near & (~mask if side == "outside" else mask)
    if mask.all() and side == "inside":  # no border in the image: the transform of all ones means nothing
        found = np.zeros_like(mask)
    return np.asarray(found if within is None else found & within, dtype=bool)
