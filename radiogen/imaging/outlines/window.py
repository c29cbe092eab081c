"""The surroundings of a box, resampled so that every lesion has the same size in pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates

from radiogen.errors import fail
from radiogen.imaging.image import Spacing
from radiogen.imaging.regions import Box, Mask

Floats = NDArray[np.float64]
#: pixels of the side of the resampled box, as the geometric mean of height and width: speckle is smoothed
#: away and the border is drawn to about one per cent of the lesion's size
SIDE = 72
#: the window goes this share of the box beyond it on every side
MARGIN = 0.45
#: a small lesion is not magnified further: there is no more in the picture
LARGEST_ZOOM = 4.0
#: darkest and brightest share of the pixels that are cut off before grey values are scaled to 0 to 1
_TAIL = 0.5
#: a box with fewer pixels along a side has no outline
_SMALLEST = 4


@dataclass(frozen=True)
class Window:
    """A resampled part of a picture around a box.

    Parameters
    ----------
    grey : ndarray, h × w float64
        Grey values, 0 to 1; beyond the picture its last row or column goes on.
    valid : ndarray of bool, h × w
        Where the picture is.
    v, u : ndarray, h × w float64
        Rows and columns in units of the half box: the inscribed ellipse is ``v² + u² = 1``.
    box : tuple of float
        Top, bottom, left, right of the box in pixels of the picture, edges (not centres) of pixels.
    """

    grey: Floats
    valid: Mask
    v: Floats
    u: Floats
    box: tuple[float, float, float, float]

    @property
    def rho(self) -> Floats:
        """Distance from the centre, 1 at the inscribed ellipse."""
        return np.asarray(np.hypot(self.v, self.u))

    @property
    def outward(self) -> tuple[Floats, Floats]:
        """Unit vectors at right angles to the ellipses around the centre (rows, columns), in window pixels."""
        step_v, step_u = self.v[1, 0] - self.v[0, 0], self.u[0, 1] - self.u[0, 0]
        rows, columns = self.v * step_v, self.u * step_u
        length = np.hypot(rows, columns) + 1e-12
        return rows / length, columns / length

    def at(self, values: Floats, v: Floats, u: Floats) -> Floats:
        """Values of the window at points given in units of the half box, linear between pixels."""
        rows = (v - self.v[0, 0]) / (self.v[1, 0] - self.v[0, 0])
        columns = (u - self.u[0, 0]) / (self.u[0, 1] - self.u[0, 0])
        return np.asarray(map_coordinates(values, [rows, columns], order=1, mode="nearest"))

    def frame(self, shape: tuple[int, int]) -> tuple[Floats, Floats]:
        """Rows and columns of all pixels of the picture in units of the half box."""
        top, bottom, left, right = self.box
        rows, columns = np.arange(shape[0]) + 0.5, np.arange(shape[1]) + 0.5
        v = (rows - (top + bottom) / 2) / ((bottom - top) / 2)
        u = (columns - (left + right) / 2) / ((right - left) / 2)
        return np.asarray(np.broadcast_to(v[:, None], shape)), np.asarray(np.broadcast_to(u[None, :], shape))


def check_box(box: Box, shape: tuple[int, int]) -> Box:
    """The box as whole numbers.

    Raises
    ------
    RadiogenError
        RG708 where it is not four numbers, or leaves the picture; RG530 where it has fewer than 4 pixels along a side.
    """
    try:
        top, bottom, left, right = (int(v) for v in box)
    except (TypeError, ValueError) as error:
        raise fail("RG708", "a box is four whole numbers: top, bottom, left, right", value=box) from error
    if not (0 <= top <= bottom < shape[0] and 0 <= left <= right < shape[1]):
        text = f"the box (top {top}, bottom {bottom}, left {left}, right {right}) does not lie in {shape[0]} × {shape[1]} pixels"
        raise fail("RG708", text, value=[top, bottom, left, right])
    if min(bottom - top, right - left) + 1 < _SMALLEST:
        text = f"the box has {bottom - top + 1} × {right - left + 1} pixels; an outline needs {_SMALLEST} along each side"
        raise fail("RG530", text, value=[top, bottom, left, right])
    return top, bottom, left, right


def cut_window(grey: Floats, box: Box, spacing_mm: Spacing | None = None) -> Window:
    """The window of a box.

    Parameters
    ----------
    grey : ndarray, H × W float64
    box : tuple of int
        Top, bottom, left, right in pixels from 0, both ends inside.
    spacing_mm : (float, float), optional
        Where given, a window pixel has one length along rows and columns; otherwise pixels are taken as square.

    Raises
    ------
    RadiogenError
        RG708 and RG530 as in :func:`check_box`; RG530 where all pixels of the window are equal.
    """
    top, bottom, left, right = check_box(box, grey.shape)  # type: ignore[arg-type]
    height, width = bottom - top + 1, right - left + 1
    stretch = 1.0 if spacing_mm is None else float(np.sqrt(spacing_mm[0] / spacing_mm[1]))
    zoom = SIDE / np.sqrt(height * width)
    zoom_rows, zoom_columns = min(zoom * stretch, LARGEST_ZOOM), min(zoom / stretch, LARGEST_ZOOM)
    rows = max(round(height * zoom_rows * (1 + 2 * MARGIN)), 8)
    columns = max(round(width * zoom_columns * (1 + 2 * MARGIN)), 8)
    v = ((np.arange(rows) + 0.5) / rows * 2 - 1) * (1 + 2 * MARGIN)
    u = ((np.arange(columns) + 0.5) / columns * 2 - 1) * (1 + 2 * MARGIN)
    y, x = (top + bottom) / 2 + v * height / 2, (left + right) / 2 + u * width / 2
    part, above, before = _part(grey, y, x)
    smooth = gaussian_filter(part, [0.5 / z if z < 1 else 0.0 for z in (zoom_rows, zoom_columns)], mode="nearest")
    grid = np.meshgrid(y, x, indexing="ij")
    values = map_coordinates(smooth, [grid[0] - above, grid[1] - before], order=1, mode="nearest")
    inside = [(g >= -0.5) & (g <= n - 0.5) for g, n in zip(grid, grey.shape, strict=True)]
    valid = inside[0] & inside[1]
    return Window(
        _scaled(np.asarray(values, dtype=np.float64), valid), np.asarray(valid),
        np.repeat(v[:, None], columns, axis=1), np.repeat(u[None, :], rows, axis=0),
        (float(top), float(bottom + 1), float(left), float(right + 1)),
    )  # fmt: skip


def _part(grey: Floats, y: Floats, x: Floats) -> tuple[Floats, int, int]:
    """The part of the picture that the window needs, with its first row and column."""
    pad = 8
    first = [max(int(np.floor(c[0])) - pad, 0) for c in (y, x)]
    last = [min(int(np.ceil(c[-1])) + pad + 1, n) for c, n in zip((y, x), grey.shape, strict=True)]
    return np.asarray(grey[first[0] : last[0], first[1] : last[1]], dtype=np.float64), first[0], first[1]


def _scaled(values: Floats, valid: Mask) -> Floats:
    low, high = np.percentile(values[valid], [_TAIL, 100 - _TAIL])
    if not high - low > 1e-6 * max(abs(low), abs(high)):  # smoothing leaves traces of rounding in a flat picture
        raise fail("RG530", "the picture has no contrast around the box: all pixels are equal")
    return np.asarray(np.clip((values - low) / (high - low), 0, 1))
