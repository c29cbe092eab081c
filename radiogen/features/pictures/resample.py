"""A window of a picture brought to a number of rows and columns, without aliasing and without what is to stay unseen."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray

from radiogen.imaging.regions import Mask

Floats = NDArray[np.float64]

#: places are told apart down to this share of a pixel; below lies what floating point adds
_HAIR = 1e-9


@dataclass(frozen=True)
class Window:
    """Which part of a picture is shown.

    Parameters
    ----------
    top, left : float
        Where the window begins, in source pixels: 0 is the upper (left) border of the first pixel.  It may lie beyond
        the picture.
    rows, columns : float
        Source pixels for one output row and one output column.
    """

    top: float
    left: float
    rows: float
    columns: float

    def source(self, size: tuple[int, int]) -> tuple[slice, slice]:
        """The source pixels that lie in the window, in part at least, when it has this size."""
        ends = ((self.top, self.rows * size[0]), (self.left, self.columns * size[1]))
        rows, columns = (slice(max(0, floor(a + _HAIR)), max(0, ceil(a + length - _HAIR))) for a, length in ends)
        return rows, columns


def resample(planes: Floats, keep: Mask, window: Window, size: tuple[int, int]) -> tuple[Floats, Mask]:
    """The window as ``size`` pixels, made of the pixels of ``keep`` alone.

    Each output pixel is the mean of the kept source pixels under a triangle that is as wide as an output pixel and at
    least as wide as a source pixel: linear interpolation where a picture is enlarged, and no aliasing where it is made
    smaller.  What is not kept, or lies beyond the picture, has no weight, so that nothing of it leaks over the border.
    An output pixel whose nearest source pixel is not kept is 0.

    Parameters
    ----------
    planes : ndarray of float64, C × H × W
        May be NaN outside ``keep``.
    keep : ndarray of bool, H × W
    window : Window
    size : (int, int)
        Rows and columns wanted.

    Returns
    -------
    planes : ndarray of float64, C × rows × columns
    inside : ndarray of bool, rows × columns
        Where the nearest source pixel is kept.

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.features.pictures.resample import Window, resample
    >>> picture = np.arange(16.0).reshape(1, 4, 4)
    >>> found, inside = resample(picture, np.ones((4, 4), bool), Window(2, 2, 1, 1), (3, 3))
    >>> found[0].tolist()
    [[10.0, 11.0, 0.0], [14.0, 15.0, 0.0], [0.0, 0.0, 0.0]]
    """
    down, rows, by_row = _weights(window.top, window.rows, size[0], keep.shape[0])
    right, columns, by_column = _weights(window.left, window.columns, size[1], keep.shape[1])
    seen = keep[rows, columns]
    inside = np.zeros(size, dtype=bool)
    r, c = np.flatnonzero(down >= 0), np.flatnonzero(right >= 0)
    inside[np.ix_(r, c)] = keep[np.ix_(down[r], right[c])]
    weight = np.where(inside, by_row @ seen.astype(np.float64) @ by_column.T, 1.0)
    found = np.stack([by_row @ np.where(seen, plane[rows, columns], 0.0) @ by_column.T for plane in planes])
    return np.where(inside, found / weight, 0.0), inside


def _weights(start: float, step: float, count: int, length: int) -> tuple[NDArray[np.int64], slice, Floats]:
    """Nearest source pixel of each output pixel (-1: beyond), the source pixels that matter, and their weights."""
    centres = start + (np.arange(count) + 0.5) * step
    nearest = np.floor(centres + _HAIR).astype(np.int64)
    nearest[(nearest < 0) | (nearest >= length)] = -1
    reach = max(1.0, step)
    first = int(np.clip(np.floor(centres[0] - reach - 0.5), 0, length))
    last = int(np.clip(np.ceil(centres[-1] + reach + 0.5), first, length))
    pixels = np.arange(first, last) + 0.5
    return nearest, slice(first, last), np.maximum(0.0, 1 - np.abs(centres[:, None] - pixels) / reach)


def to_bytes(planes: Floats) -> NDArray[np.uint8]:
    """Values from 0 to 255, rounded; what lies beyond is cut off."""
    # rounded twice, so that 127.49999999999 and 127.5 do not depend on the order of a sum
    return np.clip(np.rint(np.round(planes, 6)), 0, 255).astype(np.uint8)
