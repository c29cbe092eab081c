"""How masks and pictures are grown, moved, turned and drawn again."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from radiogen.errors import fail
from radiogen.imaging.regions import bounding_box, box_slices

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]
Size = tuple[float, float]

#: tails of a Gaussian filter, in standard deviations
_TRUNCATE = 4.0
#: displacements beyond so many standard deviations are not expected on any outline
_REACH = 6.0


def grown(mask: Mask, amount: float, size: Size) -> Mask:
    """The region with all pixels that are at most ``amount`` from it; RG522 where it leaves the picture."""
    from scipy.ndimage import distance_transform_edt

    margin = tuple(math.ceil(amount / s) + 1 for s in size)
    window, offset = _window(mask, margin)
    near = distance_transform_edt(~window, sampling=size) <= amount * (1 + 1e-9)
    return _placed(window | near, offset, mask.shape)


def shrunk(mask: Mask, amount: float, size: Size) -> Mask:
    """The region without all pixels that are at most ``amount`` from its border; the picture's border is none."""
    from scipy.ndimage import distance_transform_edt

    if mask.all():
        return mask.copy()
    found = np.zeros_like(mask)
    # the nearest pixel outside is never farther off than the frame of pixels round the region
    part = box_slices(bounding_box(mask, margin=1))
    found[part] = distance_transform_edt(mask[part], sampling=size) > amount * (1 + 1e-9)
    return found


def contour(mask: Mask, sd: float, length: float, size: Size, rng: np.random.Generator) -> Mask:
    """The region within its signed distance displaced by a smooth random field of this standard deviation.

    The field is white noise under a Gaussian filter, whose correlation at a distance d is exp(−d² / (4 σ²)); it is
    scaled by the filter's own weights, not by the field's spread, so that small regions are not displaced less.
    """
    from scipy.ndimage import distance_transform_edt

    margin = tuple(math.ceil(_REACH * sd / s) + 1 for s in size)
    window, offset = _window(mask, margin)
    field = _field(window.shape, tuple(length / s for s in size), rng)
    # distances from centre to centre of pixels: the outline runs half a pixel from either
    half = 0.5 * math.sqrt(size[0] * size[1])
    outside = distance_transform_edt(~window, sampling=size)
    inside = distance_transform_edt(window, sampling=size)
    signed = np.where(window, half - inside, outside - half)
    return _placed(_joined(signed <= sd * field, window), offset, mask.shape)


def _field(shape: tuple[int, ...], sigma: tuple[float, ...], rng: np.random.Generator) -> Floats:
    """A stationary Gaussian field of unit variance."""
    from scipy.ndimage import correlate1d

    kernels = [_gaussian(s) for s in sigma]
    pads = [len(k) // 2 for k in kernels]
    field = rng.standard_normal([n + 2 * p for n, p in zip(shape, pads, strict=True)])
    for axis, kernel in enumerate(kernels):
        field = correlate1d(field, kernel / math.sqrt(float(kernel @ kernel)), axis=axis, mode="constant")
    return np.ascontiguousarray(field[tuple(slice(p, p + n) for n, p in zip(shape, pads, strict=True))])


def _gaussian(sigma: float) -> Floats:
    radius = math.ceil(_TRUNCATE * sigma)
    return np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)


def _joined(found: Mask, original: Mask) -> Mask:
    """Without the pieces that do not touch the original region, and without holes that it does not have."""
    from scipy.ndimage import label

    pieces, count = label(found, structure=np.ones((3, 3)))
    touching = np.zeros(count + 1, dtype=bool)
    touching[np.unique(pieces[original])] = True
    touching[0] = False
    kept = touching[pieces]
    holes, count = label(~kept)
    # a hole is filled where it lies wholly in the original region; the outside is at the window's border
    open_ = np.zeros(count + 1, dtype=bool)
    open_[np.unique(holes[~original])] = True
    return kept | (~open_[holes] & (holes > 0))


def shifted(mask: Mask, image: Floats | None, move: Size) -> tuple[Mask, Floats | None]:
    """Region and picture moved down and right by pixels and parts of pixels; RG522 where the region leaves."""
    margin = tuple(math.ceil(abs(m)) + 1 for m in move)
    window, offset = _window(mask, margin)
    from scipy.ndimage import shift

    # a hair less: a move by half a pixel would have both edges at exactly one half
    moved = shift(window.astype(np.float64), [m * (1 - 1e-6) for m in move], order=1, mode="constant") > 0.5
    picture = None if image is None else np.asarray(shift(image, move, order=1, mode="nearest"), dtype=np.float64)
    return _placed(moved, offset, mask.shape), picture


def turned(mask: Mask, image: Floats | None, degrees: float, size: Size) -> tuple[Mask, Floats | None]:
    """Region and picture turned anticlockwise about the region's centre of mass; RG522 where the region leaves."""
    rows, columns = np.nonzero(mask)
    centre = np.array([rows.mean(), columns.mean()])
    reach = math.hypot(*(np.ptp(i) * s for i, s in zip((rows, columns), size, strict=True)))
    margin = tuple(math.ceil(reach / s) + 2 for s in size)
    window, offset = _window(mask, margin)
    matrix = _rotation(degrees, size)
    moved = _affine(window.astype(np.float64), matrix, centre - offset, "constant") > 0.5 - 1e-9
    picture = None if image is None else _affine(image, matrix, centre, "nearest")
    return _placed(moved, offset, mask.shape), picture


def _rotation(degrees: float, size: Size) -> Floats:
    """From a place in the turned picture to the place it came from, in pixels; rows point down."""
    angle = math.radians(degrees)
    back = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    scale = np.diag(size)
    return np.linalg.inv(scale) @ back @ scale


def _affine(array: Floats, matrix: Floats, centre: Floats, mode: str) -> Floats:
    from scipy.ndimage import affine_transform

    return np.asarray(affine_transform(array, matrix, offset=centre - matrix @ centre, order=1, mode=mode))


def noisy(image: Floats, mask: Mask, sd: float | None, rng: np.random.Generator) -> Floats:
    """The picture with Gaussian noise; where no spread is given, with that of the noise it has in the region."""
    spread = _noise(image, mask) if sd is None else sd
    return image + spread * rng.standard_normal(image.shape)


def _noise(image: Floats, mask: Mask) -> float:
    """Median absolute diagonal difference of 2 × 2 pixels in the bounding box, as a standard deviation."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    part = image[max(rows[0] - 1, 0) : rows[-1] + 2, max(columns[0] - 1, 0) : columns[-1] + 2]
    diagonal = (part[:-1, :-1] - part[:-1, 1:] - part[1:, :-1] + part[1:, 1:]) / 2
    if not diagonal.size:
        return 0.0
    return float(np.median(np.abs(diagonal)) / 0.6745)


def _window(mask: Mask, margin: tuple[int, ...]) -> tuple[Mask, NDArray[np.intp]]:
    """The region with a margin all round, beyond the picture too, and the place of its first pixel."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    cut = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return np.pad(cut, [(m, m) for m in margin]), np.array([rows[0] - margin[0], columns[0] - margin[1]])


def _placed(window: Mask, offset: NDArray[np.intp], shape: tuple[int, ...]) -> Mask:
    """The window's region back in the picture; RG522 where it reaches beyond."""
    whole = np.zeros(shape, dtype=bool)
    rows, columns = np.nonzero(window)
    rows, columns = rows + offset[0], columns + offset[1]
    beyond = (rows < 0) | (rows >= shape[0]) | (columns < 0) | (columns >= shape[1])
    if beyond.any():
        raise fail("RG522", f"{int(beyond.sum())} of {len(beyond)} pixels of the perturbed region lie beyond the picture")
    whole[rows, columns] = True
    return whole
