"""What the neighbours say: which of several places on the bar a pixel has, and which pixels are marks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from radiogen.imaging.colour.strips import Floats
from radiogen.imaging.regions import Mask

#: side of the blocks whose medians stand for the surroundings
_BLOCK = 5
#: a pixel may leave the range of the medians around it by this share of the scale (beside a mark by less), …
_LEAVE, _LEAVE_WEAK = 0.035, 0.01
#: … and be brighter than all of them by this (of 255), each and so many times the usual scatter
_BRIGHT = 15.0
#: of a compressed picture: residual allowed where values change by the whole scale, as a share of the bar's path; and
#: how far above its limit a residual must be for its neighbours to be looked at
_STEEP, _SURE = 0.045, 1.3
#: pixels that make a stroke
_STROKE = 4
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
        total = ndimage.gaussian_filter(weight, width)
        with np.errstate(invalid="ignore", divide="ignore"):
            around = (ndimage.gaussian_filter(value, width) / total)[where]
        known = torn & (total[where] > 0.02)
        away = np.where(near, np.abs(places - around[:, None]), np.inf)
        chosen[known] = away[known].argmin(axis=1)
        torn = torn & ~known
        if not torn.any():
            break
    return chosen


def marks(
    places: Floats, residual: Floats, brightness: Floats, where: Mask, threshold: float, *, blur: float = 0.0
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
    blur : float, default 0
        Of a compressed picture: the length of the bar's path through the colours, in units of 0 to 255, as far as
        the opacity leaves it.  Where the values change steeply compression mixes colours, and the residual may be
        larger.  0 for a picture without loss.

    Returns
    -------
    ndarray of bool, H × W
    """
    limit = np.full(where.shape, threshold)
    if blur:
        least, _, most, _ = _surroundings(places, where & (residual <= threshold))
        limit += _STEEP * blur * (most - least)
    wrong = where & (residual > limit)
    usable = where & ~wrong
    _, usual, high, scatter = _surroundings(brightness, usable)
    thin = _thinness(places, usable)
    rough = float(np.median(thin[usable])) if usable.any() else 0.0
    strong = (thin > _LEAVE + 5 * rough) | (brightness - high > _BRIGHT + 6 * scatter)
    weak = (thin > _LEAVE_WEAK + 2.5 * rough) | (brightness - usual > _BRIGHT / 2 + 3 * scatter)
    weak |= residual > np.maximum(0.35 * limit, 0.55)
    sure = where & (strong | (residual > (_SURE if blur else 1.0) * limit))
    beside = ndimage.binary_dilation(_clusters(sure), np.ones((3, 3), dtype=bool), iterations=2 if blur else 1)
    return np.asarray(where & (wrong | strong | (beside & weak)), dtype=bool)


def _thinness(places: Floats, usable: Mask) -> Floats:
    """How far each place juts out of all squares of the neighbourhood: 0 on slopes and at straight steps."""
    shape = places.shape
    if not usable.any():
        return np.zeros(shape)
    # what is wrong anyway takes the place of the nearest right pixel
    filled = places[tuple(ndimage.distance_transform_edt(~usable, return_distances=False, return_indices=True))]
    size = 5 if min(shape) < 300 else 7 if min(shape) < 600 else 9
    over = filled - _morphed(filled, size, ndimage.minimum_filter1d, ndimage.maximum_filter1d)
    under = _morphed(filled, size, ndimage.maximum_filter1d, ndimage.minimum_filter1d) - filled
    return np.asarray(np.maximum(over, under), dtype=np.float64)


def _morphed(values: Floats, size: int, first: Callable[..., Floats], then: Callable[..., Floats]) -> Floats:
    for step in (first, then):
        for axis in range(2):
            values = step(values, size, axis=axis, mode="nearest")
    return values


def _clusters(seeds: Mask) -> Mask:
    """Seeds without single stray pixels: what is left are strokes."""
    pieces, count = ndimage.label(seeds, structure=np.ones((3, 3)))
    sizes = np.bincount(pieces.ravel(), minlength=count + 1)
    large = sizes >= _STROKE
    large[0] = False
    return np.asarray(large[pieces], dtype=bool)


def _surroundings(values: Floats, where: Mask) -> tuple[Floats, Floats, Floats, float]:
    """Lowest, interpolated and highest of the block medians around each pixel, and the usual scatter about them."""
    medians, known = _medians(values, where)
    if not known.any():
        return values, values, values, 0.0
    medians = medians[tuple(ndimage.distance_transform_edt(~known, return_distances=False, return_indices=True))]
    calm = ndimage.median_filter(medians, 3, mode="nearest")
    low, high = (_stretched(f(calm, 3, mode="nearest"), values.shape) for f in (ndimage.minimum_filter, ndimage.maximum_filter))
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
