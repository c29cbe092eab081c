"""What of a picture is shown: the whole of it, the lesion, the ring around it, both, or the lesion alone."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from radiogen.errors import fail
from radiogen.features.pictures.resample import Floats, Window
from radiogen.imaging.image import GREY_TOLERANCE, Image, Spacing
from radiogen.imaging.regions import Box, Mask, bounding_box, box_mask, ring

#: views of one picture
VIEWS = ("whole", "lesion", "ring", "lesion+ring", "masked")
#: names that stand for several stacks
_SEVERAL = {"pair": ("whole", "lesion")}
#: margin around the lesion's box, as a share of its longer side: the border and what lies just beyond it are in view
MARGIN = 0.25
#: width of the peritumoral ring where the spacing is known, in the middle of the 3 to 10 mm of published work
RING_MM = 5.0
#: and where it is not, as a share of the lesion's equivalent diameter: 5 mm of a lesion of 2.5 cm
RING_SHARE = 0.2


@dataclass(frozen=True)
class Geometry:
    """What a view does to one picture.

    Parameters
    ----------
    window : Window
    keep : ndarray of bool, H × W
        Pixels that are shown; all others are 0.
    pixel_mm : float
        Millimetres per output pixel, the same down and across; NaN where the spacing is not known.
    ring_width : float
        NaN in views without a ring.
    ring_unit : str
        ``"mm"``, or ``"px"`` of the source where the spacing is not known; empty without a ring.
    """

    window: Window
    keep: Mask
    pixel_mm: float
    ring_width: float = math.nan
    ring_unit: str = ""


def views_of(name: str) -> tuple[str, ...]:
    """The views that a name stands for: one stack each.

    Parameters
    ----------
    name : str
        One of :data:`VIEWS`, or ``"pair"``: the whole picture and the lesion.

    Raises
    ------
    RadiogenError
        RG708 for another name.

    Examples
    --------
    >>> from radiogen.features.pictures import views_of
    >>> views_of("pair"), views_of("ring")
    (('whole', 'lesion'), ('ring',))
    """
    if name in VIEWS:
        return (name,)
    if name not in _SEVERAL:
        raise fail("RG708", f"there is no view '{name}'; there are {', '.join((*VIEWS, *_SEVERAL))}", value=name, column="view")
    return _SEVERAL[name]


def needs_lesion(view: str) -> bool:
    """Whether a view is drawn around a lesion."""
    return view != "whole"


def field_of(image: Image, mask: Mask | None) -> Box:
    """The pane in which the lesion lies; without a lesion the largest; the whole image where the file names none."""
    panes = [r for r in image.regions if r.is_picture]
    if mask is not None and mask.any():
        within = [r for r in panes if r.contains(mask)]
        panes = within or [r for r in panes if r.touches(mask)]
    last_row, last_column = image.shape[0] - 1, image.shape[1] - 1
    if not panes:
        return 0, last_row, 0, last_column
    # a colour box lies in the pane of its tissue, which is the larger one
    (top, bottom), (left, right) = max(((r.area, r.rows, r.columns) for r in panes), key=lambda found: found[0])[1:]
    return max(top, 0), min(bottom, last_row), max(left, 0), min(right, last_column)


def without_margins(brightness: Floats, field: Box) -> Box:
    """The field without the rows and columns at its border that are of one grey; all of it where nothing else is left."""
    top, bottom, left, right = field
    part = brightness[top : bottom + 1, left : right + 1]
    rows = np.flatnonzero(np.ptp(part, axis=1) > GREY_TOLERANCE)
    columns = np.flatnonzero(np.ptp(part, axis=0) > GREY_TOLERANCE)
    if not len(rows) or not len(columns):
        return field
    return top + int(rows[0]), top + int(rows[-1]), left + int(columns[0]), left + int(columns[-1])


def whole(field: Box, shape: tuple[int, int], size: tuple[int, int], spacing_mm: Spacing | None) -> Geometry:
    """The field in full, its aspect kept in millimetres, with black at two sides where the aspect differs."""
    window, pixel = _around(field, (0.0, 0.0), size, spacing_mm)
    return Geometry(window, box_mask(field, shape), pixel)


def stretched(field: Box, shape: tuple[int, int], size: tuple[int, int]) -> Geometry:
    """The field in full, its rows and columns stretched each to the size: they have no unit in common."""
    top, bottom, left, right = field
    window = Window(top, left, (bottom - top + 1) / size[0], (right - left + 1) / size[1])
    return Geometry(window, box_mask(field, shape), math.nan)


def around_lesion(
    view: str, mask: Mask, field: Box, size: tuple[int, int], spacing_mm: Spacing | None, *,
    margin: float = MARGIN, ring_mm: float = RING_MM, ring_share: float = RING_SHARE,
) -> Geometry:  # fmt: skip
    """A view drawn around the lesion: in the middle of the window, padded where that leaves the picture, never shifted.

    Parameters
    ----------
    view : {"lesion", "ring", "lesion+ring", "masked"}
    mask : ndarray of bool, H × W
    field : (top, bottom, left, right)
        The pane; what lies beyond is not shown.
    size : (int, int)
        Rows and columns of the output.
    spacing_mm : (float, float) or None
        Without it pixels are taken for square, and nothing is in millimetres.
    margin, ring_mm, ring_share : float
        See :func:`radiogen.features.pictures.stack`.

    Raises
    ------
    RadiogenError
        RG505 an empty mask, RG522 no pixel of the view lies in the pane.
    """
    pane = box_mask(field, mask.shape)
    box = bounding_box(mask)
    width, unit = math.nan, ""
    if view in ("lesion", "masked"):
        keep = pane if view == "lesion" else mask & pane
        sides = _sides(box, spacing_mm)
        beyond = (margin * max(sides), margin * max(sides))
    else:
        unit = "px" if spacing_mm is None else "mm"
        width = ring_mm if spacing_mm is not None else max(1.0, ring_share * equivalent_diameter(mask))
        around = ring(mask, width, spacing_mm=spacing_mm, unit="px" if spacing_mm is None else "mm", within=pane)
        keep = around | (mask & pane) if view == "lesion+ring" else around
        beyond = (width, width)
    if not keep.any():
        raise fail("RG522", f"no pixel of the view '{view}' lies in the picture")
    window, pixel = _around(box, beyond, size, spacing_mm)
    return Geometry(window, keep, pixel, width, unit)


def equivalent_diameter(mask: Mask) -> float:
    """Diameter of the disc that has as many pixels, in pixels.

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.features.pictures.views import equivalent_diameter
    >>> round(equivalent_diameter(np.ones((10, 10), bool)), 2)
    11.28
    """
    return math.sqrt(4 * int(mask.sum()) / math.pi)


def _sides(box: Box, spacing_mm: Spacing | None) -> tuple[float, float]:
    down, across = spacing_mm or (1.0, 1.0)
    return (box[1] - box[0] + 1) * down, (box[3] - box[2] + 1) * across


def _around(box: Box, beyond: tuple[float, float], size: tuple[int, int], spacing_mm: Spacing | None) -> tuple[Window, float]:
    """The window of this size in whose middle the box lies, at least so far (in mm or pixels) from its borders."""
    down, across = spacing_mm or (1.0, 1.0)
    high, wide = _sides(box, spacing_mm)
    pixel = max((high + 2 * beyond[0]) / size[0], (wide + 2 * beyond[1]) / size[1])
    rows, columns = pixel / down, pixel / across
    middle = (box[0] + box[1] + 1) / 2, (box[2] + box[3] + 1) / 2
    window = Window(middle[0] - rows * size[0] / 2, middle[1] - columns * size[1] / 2, rows, columns)
    return window, pixel if spacing_mm is not None else math.nan
