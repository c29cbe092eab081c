"""What the neighbours say: which of several places on the bar a pixel has, and which pixels are marks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, distance_transform_edt, gaussian_filter, maximum_filter, median_filter, minimum_filter

from radiogen.imaging.regions import Mask
from radiogen.imaging.strips import Floats

#: side of the blocks whose medians stand for the surroundings
_BLOCK = 5
#: a pixel may leave the range of the medians around it by this share of the scale (beside a mark by less), …
_LEAVE, _LEAVE_WEAK = 0.035, 0.01
#: … and be brighter than all of them by this (of 255), each and so many times the usual scatter
_BRIGHT = 25.0
#: width in pixels of the neighbourhood that settles which of two places a pixel has
_NEAR = 4.0


def settled(
    where: Mask, places: Floats, near: NDArray[np.bool_], best: NDArray[np.intp], torn: NDArray[np.bool_]
) -> NDArray[np.intp]:
    """For pixels with several places, the one nearest to the value of the neighbours that have one only.

    Parameters
    ----------
    where : ndarray of bool, H × W
        The N pixels of the overlay.
    places : ndarray, N × 3
    near : ndarray of bool, N × 3
        Places that fit the pixel about equally well.
    best : ndarray of int, N
        The place that fits best.
    torn : ndarray of bool, N
        Pixels with several places that lie apart.

    Returns
    -------
    ndarray of int, N
    """
    rows = np.arange(len(best))
    chosen = best.copy()
    for width in (_NEAR, 4 * _NEAR):
        value, weight = np.zeros(where.shape), np.zeros(where.shape)
        value[where], weight[where] = np.where(torn, 0, places[rows, chosen]), ~torn
        total = gaussian_filter(weight, width)
        with np.errstate(invalid="ignore", divide="ignore"):
            around = (gaussian_filter(value, width) / total)[where]
        known = torn & (total[where] > 0.02)
        away = np.where(near, np.abs(places - around[:, None]), np.inf)
        chosen[known] = away[known].argmin(axis=1)
        torn = torn & ~known
        if not torn.any():
            break
    return chosen


def marks(
    places: Floats, residual: Floats, brightness: Floats, where: Mask, threshold: float, *, lossy: bool
) -> Mask:  # fmt: skip
    """Pixels of text, cross-hairs and other marks, and places without colour.

    A pixel is a mark where its residual is above the threshold, where its value leaves the range of the medians
    around it (marks are thin, stiffness is smooth), or where it is much brighter than speckle makes it.  The soft
    edges of marks are taken with them: neighbours that show weaker signs of the same.

    Parameters
    ----------
    places : ndarray, H × W
        Places on the bar, 0 to 1.
    residual : ndarray, H × W
    brightness : ndarray, H × W
        Mean of red, green and blue.
    where : ndarray of bool, H × W
        The overlay.
    threshold : float
        Of the residual.
    lossy : bool
        In a compressed picture marks blur further.

    Returns
    -------
    ndarray of bool, H × W
    """
    wrong = where & (residual > threshold)
    usable = where & ~wrong
    weak = residual > max(0.35 * threshold, 0.8)
    strong = np.zeros_like(where)
    signs = ((places, _LEAVE, _LEAVE_WEAK, 4.0, 2.5, True), (brightness, _BRIGHT, _BRIGHT / 2, 6.0, 3.0, False))
    for values, least, least_weak, times, times_weak, both in signs:
        low, usual, high, scatter = _surroundings(values, usable)
        beyond = np.maximum(low - values, values - high) if both else values - high
        strong |= beyond > least + times * scatter
        weak |= (np.abs(values - usual) if both else values - usual) > least_weak + times_weak * scatter
    seeds = where & (wrong | strong)
    beside = binary_dilation(seeds, np.ones((3, 3), dtype=bool), iterations=2 if lossy else 1)
    return np.asarray(seeds | (where & beside & weak), dtype=bool)


def _surroundings(values: Floats, where: Mask) -> tuple[Floats, Floats, Floats, float]:
    """Lowest, interpolated and highest of the block medians around each pixel, and the usual scatter about them."""
    medians, known = _medians(values, where)
    if not known.any():
        return values, values, values, 0.0
    medians = medians[tuple(distance_transform_edt(~known, return_distances=False, return_indices=True))]
    calm = median_filter(medians, 3, mode="nearest")
    low, high = (_stretched(f(calm, 3, mode="nearest"), values.shape) for f in (minimum_filter, maximum_filter))
    usual = _interpolated(calm, values.shape)
    scatter = 1.4826 * float(np.median(np.abs(values - usual)[where]))
    return low, usual, high, scatter


def _interpolated(blocks: Floats, shape: tuple[int, ...]) -> Floats:
    """Block medians at every pixel, bilinear between the centres of the blocks."""
    lines = []
    for count, size in zip(blocks.shape, shape, strict=True):
        place = np.clip((np.arange(size) - (_BLOCK - 1) / 2) / _BLOCK, 0, count - 1)
        first = np.minimum(place.astype(np.intp), max(count - 2, 0))
        lines.append((first, place - first))
    (i, u), (j, v) = lines
    last_i, last_j = np.minimum(i + 1, blocks.shape[0] - 1), np.minimum(j + 1, blocks.shape[1] - 1)
    rows = blocks[i] * (1 - u)[:, None] + blocks[last_i] * u[:, None]
    return np.asarray(rows[:, j] * (1 - v) + rows[:, last_j] * v, dtype=np.float64)


def _medians(values: Floats, where: Mask) -> tuple[Floats, Mask]:
    """Median of the counted pixels of every block, and where there are any."""
    rows, columns = (-(-n // _BLOCK) for n in values.shape)
    full = np.full((rows * _BLOCK, columns * _BLOCK), np.nan)
    full[: values.shape[0], : values.shape[1]] = np.where(where, values, np.nan)
    blocks = full.reshape(rows, _BLOCK, columns, _BLOCK).swapaxes(1, 2).reshape(rows, columns, -1)
    count = np.isfinite(blocks).sum(axis=2)
    ordered = np.sort(blocks, axis=2)  # NaN last
    middle = np.take_along_axis(ordered, (np.maximum(count - 1, 0) // 2)[..., None], axis=2)[..., 0]
    known = count >= _BLOCK
    return np.where(known, middle, 0.0), known


def _stretched(blocks: Floats, shape: tuple[int, ...]) -> Floats:
    return np.asarray(blocks.repeat(_BLOCK, axis=0).repeat(_BLOCK, axis=1)[: shape[0], : shape[1]], dtype=np.float64)
