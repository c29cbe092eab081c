"""The lesion's outline from a box or a point."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from radiogen.errors import fail
from radiogen.imaging.image import Image, Spacing, check_spacing
from radiogen.imaging.outlines.levelset import evolve
from radiogen.imaging.outlines.outline import WEIGHTS, best_outline, draw_outline, ray_evidence
from radiogen.imaging.outlines.phase import Floats, phase_edges
from radiogen.imaging.outlines.window import MARGIN, Window, check_box, cut_window
from radiogen.imaging.regions import Box, Mask

Point = tuple[int, int]
Method = Literal["contour", "outline", "ellipse"]
METHODS: tuple[Method, ...] = ("contour", "outline", "ellipse")
#: bands in which the level set sees edges, in window pixels: finer than the outline's, since it starts near the border
_FINE = (10.0, 16.0, 24.0, 32.0)


def segment(
    image: Image | NDArray[np.float64],
    *,
    box: Box | None = None,
    point: Point | None = None,
    spacing_mm: float | Spacing | None = None,
    method: Method = "contour",
) -> Mask:
    """Draw the outline of one lesion from a box around it, or from a point in it.

    Parameters
    ----------
    image : Image or ndarray, H × W
        Colours count by their luminance; of a loop the frame in the middle.
    box : (int, int, int, int), optional
        Top, bottom, left and right of the lesion in pixels from 0, both ends inside.  It need not be exact: edges
        up to a tenth of its size off are expected.
    point : (int, int), optional
        Row and column of a pixel near the middle of the lesion; the box is then searched for.  Boxes are the
        better input by far.
    spacing_mm : float or (float, float), optional
        Millimetres per row and per column; only their ratio counts.  Default: that of the image, else square pixels.
    method : {"contour", "outline", "ellipse"}, default "contour"
        ``"contour"``: the outline, refined by the level set on phase edges.  ``"outline"``: the star-shaped outline
        alone.  ``"ellipse"``: the ellipse inscribed in the box, with no look at the picture; the yardstick.

    Returns
    -------
    ndarray of bool, H × W

    Raises
    ------
    RadiogenError
        RG530 with neither box nor point, with a box of less than 4 pixels along a side, without contrast, or where
        no outline is found; RG708 where box or point leave the image, both are given, or the method is unknown;
        RG705 for an array that is no picture; RG509 for a wrong spacing.

    Notes
    -----
    A lesion is taken to be darker than what surrounds it.  The weights of the outline's evidence were fitted on
    24 lesions of BUSI; docs/segmentation.md has its figures on the images that were not used.

    References
    ----------
    The parts: :func:`radiogen.imaging.outlines.phase.phase_edges`, :func:`radiogen.imaging.outlines.outline.best_outline`,
    :func:`radiogen.imaging.outlines.levelset.evolve`.

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.imaging.outlines.overlap import dice
    >>> from radiogen.imaging.segment import segment
    >>> y, x = np.mgrid[:120, :160]
    >>> truth = np.hypot((y - 60) / 25, (x - 80) / 35) < 1
    >>> grey = np.where(truth, 60.0, 140.0) + np.random.default_rng(0).normal(0, 20, truth.shape)
    >>> bool(dice(segment(grey, box=(32, 88, 42, 118)), truth) > 0.93)
    True
    """
    if method not in METHODS:
        raise fail("RG708", f"the method is one of {', '.join(METHODS)}", value=method)
    grey, spacing = _picture(image, spacing_mm)
    shape = (int(grey.shape[0]), int(grey.shape[1]))
    if box is not None and point is not None:
        raise fail("RG708", "give either a box or a point")
    if box is None and point is None:
        raise fail("RG530", "there is neither a box nor a point")
    if box is None:
        from radiogen.imaging.outlines.pointbox import find_box

        assert point is not None
        box = find_box(grey, point, spacing)
    box = check_box(box, shape)
    if method == "ellipse":
        return ellipse(box, shape)
    window = cut_window(grey, box, spacing)
    radii = best_outline(np.tensordot(WEIGHTS, ray_evidence(window), axes=1))
    return _finished(_drawn(window, radii, shape, refine=method == "contour"))


def ellipse(box: Box, shape: tuple[int, int]) -> Mask:
    """The ellipse inscribed in a box: what a box alone says of a lesion.

    Parameters
    ----------
    box : tuple of int
        Top, bottom, left, right in pixels from 0, both ends inside.
    shape : (int, int)
        Rows and columns of the image.

    Examples
    --------
    >>> from radiogen.imaging.segment import ellipse
    >>> ellipse((0, 3, 0, 3), (4, 4)).astype(int).tolist()
    [[0, 1, 1, 0], [1, 1, 1, 1], [1, 1, 1, 1], [0, 1, 1, 0]]
    """
    top, bottom, left, right = box
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    v = (rows - (top + bottom) / 2) / ((bottom - top + 1) / 2)
    u = (columns - (left + right) / 2) / ((right - left + 1) / 2)
    return np.asarray(v**2 + u**2 <= 1)


def _picture(image: Image | NDArray[np.float64], spacing_mm: float | Spacing | None) -> tuple[Floats, Spacing | None]:
    declared = check_spacing(spacing_mm)
    if isinstance(image, Image):
        return image.luminance(), declared or image.spacing_mm
    grey = np.asarray(image, dtype=np.float64)
    if grey.ndim != 2 or not grey.size or not np.isfinite(grey).all():
        raise fail("RG705", f"a picture has rows, columns and finite grey values; the array has the shape {grey.shape}")
    return grey, declared


def _drawn(window: Window, radii: Floats, shape: tuple[int, int], *, refine: bool) -> Mask:
    v, u = window.frame(shape)
    if not refine:
        return np.asarray(draw_outline(radii, v, u) > 0)
    start = draw_outline(radii, window.v, window.u) > 0
    found = evolve(window.grey, start, phase_edges(window.grey, _FINE), window.valid)
    near = (np.abs(v) < 1 + 2 * MARGIN) & (np.abs(u) < 1 + 2 * MARGIN)
    return np.asarray((window.at(found, v, u) > 0) & near)


def _finished(mask: Mask) -> Mask:
    """The largest connected part without holes."""
    from scipy.ndimage import binary_fill_holes, label

    parts, n = label(mask)
    if n == 0:
        raise fail("RG530", "no outline was found in the box")
    largest = 1 + int(np.argmax(np.bincount(parts.ravel())[1:]))
    return np.asarray(binary_fill_holes(parts == largest), dtype=bool)
