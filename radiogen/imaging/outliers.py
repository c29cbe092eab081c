"""What the neighbours say: which of several places on the bar a pixel has, and which pixels are marks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, gaussian_filter, maximum_filter, median_filter, minimum_filter

from radiogen.imaging.regions import Mask
from radiogen.imaging.strips import Floats

#: side of the blocks whose medians stand for the surroundings
_BLOCK = 5
#: a pixel may leave the range of the medians around it by this share of the scale, and so many times the usual
_LEAVE, _TIMES = 0.035, 4.0
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


def stray(values: Floats, where: Mask, *, lossy: bool) -> Mask:
    """Pixels whose value lies outside the range of the medians around them: thin marks that have a colour of the bar.

    Parameters
    ----------
    values : ndarray, H × W
        Places on the bar, 0 to 1.
    where : ndarray of bool, H × W
        Pixels whose value counts.
    lossy : bool
        In a compressed picture the pixels beside strays are taken with them.

    Returns
    -------
    ndarray of bool, H × W
    """
    medians, known = _medians(values, where)
    if not known.any():
        return np.zeros_like(where)
    medians = medians[tuple(distance_transform_edt(~known, return_distances=False, return_indices=True))]
    calm = median_filter(medians, 3, mode="nearest")
    low, high = (_stretched(f(calm, 3, mode="nearest"), values.shape) for f in (minimum_filter, maximum_filter))
    beyond = np.maximum(np.maximum(low - values, values - high), 0)
    usual = _stretched(medians, values.shape)
    scatter = 1.4826 * float(np.median(np.abs(values - usual)[where]))
    return np.asarray(where & (beyond > _LEAVE + _TIMES * scatter))


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
