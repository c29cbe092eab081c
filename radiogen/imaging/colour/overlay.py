"""Where the coloured overlay lies in a picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from radiogen.imaging.colour.strips import chroma
from radiogen.imaging.regions import Mask

#: chroma (of 255) from which a pixel counts as coloured, without and with the traces of JPEG
_TINTED, _TINTED_LOSSY = 5.0, 10.0
#: pieces smaller than this share of the largest are text, logos and marks
_PIECE = 0.1
#: an overlay has at least this share of the picture
_LEAST = 0.002
#: share of the outermost lines of the bounding box that a rectangular overlay fills, on each side
_STRAIGHT = 0.4


def find_overlay(rgb: NDArray[np.uint8], without: Mask, *, lossy: bool) -> Mask:
    """The area of the colour overlay: its box where it is a rectangle, else its filled outline.

    The coloured pixels that lie close together make pieces; small ones (text, a logo, calipers) are left out, holes
    (marks, places without signal) are filled.  Where a piece reaches the border of its bounding box along most of
    each side the overlay is that box: the pale end of a colour map leaves gaps along the border otherwise.

    Parameters
    ----------
    rgb : ndarray, H × W × 3 uint8
    without : ndarray of bool, H × W
        Pixels that do not belong to it: the colour bar with its surroundings.
    lossy : bool
        Whether the picture bears traces of JPEG, which tints grey pixels.

    Returns
    -------
    ndarray of bool, H × W
        Empty where there is none.
    """
    tint = np.linalg.norm(chroma(rgb.astype(np.float32)), axis=2)
    coloured = (tint > (_TINTED_LOSSY if lossy else _TINTED)) & ~without
    dense = ndimage.uniform_filter(coloured.astype(np.float32), 5) > 0.55
    pieces, count = ndimage.label(dense)
    found = np.zeros_like(coloured)
    if count == 0:
        return found
    sizes = np.bincount(pieces.ravel())[1:]
    if sizes.max() < _LEAST * coloured.size:
        return found
    places = ndimage.find_objects(pieces)
    for k in np.flatnonzero(sizes >= _PIECE * sizes.max()):
        found |= _outline(pieces == k + 1, coloured, places[k])
    return found & ~without


def _outline(piece: Mask, coloured: Mask, place: tuple[slice, slice]) -> Mask:
    rows, columns = (slice(max(s.start - 4, 0), s.stop + 4) for s in place)
    near = ndimage.binary_dilation(piece[rows, columns], iterations=2) & coloured[rows, columns]
    whole = ndimage.binary_fill_holes(_closed(near | piece[rows, columns], 7))
    # the coloured neighbours that a stray mark adds are no part of the box
    firm = whole & (ndimage.uniform_filter(whole.astype(np.float32), 3) > 0.6)
    inner = np.zeros_like(piece)
    inner[rows, columns] = whole
    if not firm.any():
        return inner
    across, down = np.flatnonzero(firm.mean(axis=0) > 0), np.flatnonzero(firm.mean(axis=1) > 0)
    box = _full_lines(firm, down, across)
    if box is None:
        return inner
    top, bottom, left, right = box
    filled = np.zeros_like(whole)
    filled[top : bottom + 1, left : right + 1] = True
    inner[rows, columns] = filled
    return inner


def _full_lines(piece: Mask, down: NDArray[np.intp], across: NDArray[np.intp]) -> tuple[int, int, int, int] | None:
    """The box whose outermost lines the piece fills in good part, at most a few lines inside its bounding box."""
    box = [int(down[0]), int(down[-1]), int(across[0]), int(across[-1])]
    for side, step in enumerate((1, -1, 1, -1)):
        for _ in range(6):
            line = piece[box[side], box[2] : box[3] + 1] if side < 2 else piece[box[0] : box[1] + 1, box[side]]
            if line.mean() >= _STRAIGHT:
                break
            box[side] += step
        else:
            return None
    return box[0], box[1], box[2], box[3]


def _closed(mask: Mask, size: int) -> Mask:
    """Closing by a square of so many pixels; what lies beyond the picture is empty."""
    grey = np.pad(mask.astype(np.uint8), size)
    for axis in range(2):
        grey = ndimage.maximum_filter1d(grey, size, axis=axis)
    for axis in range(2):
        grey = ndimage.minimum_filter1d(grey, size, axis=axis)
    return np.asarray(grey[size:-size, size:-size], dtype=bool)
