"""Near-duplicate images: a perceptual hash finds candidates, the pixels decide.

All breast ultrasound looks alike when it is made small: bright skin above, dark below.  So the slow course
of brightness is taken out before anything is compared, and what is left, the layout of tissue, is close to
uncorrelated between different pictures and nearly equal between two copies of one.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn, irfft2, rfft2
from scipy.ndimage import gaussian_filter

#: side of the square to which a picture is averaged before it is compared
SIDE = 64
#: coefficients per side of the hash: 16 × 16 = 256 bits
HASH_SIDE = 16
#: width of the Gaussian (in pixels of the small picture) whose course of brightness is taken out
BACKGROUND_SIGMA = 4.0
#: bits (of 256) that may differ between candidates
MAX_DISTANCE = 90
#: correlation of the aligned small pictures from which on two images are one picture
MIN_CORRELATION = 0.60
_BLOCK = 1024
#: alignment tries these magnifications of rows and of columns, and shifts up to this many small pixels
_SCALES = (0.88, 0.92, 0.96, 1.0, 1.04, 1.08, 1.12)
_SHIFT = 6
#: two pictures that agree this well as they are need no alignment
_CLEAR = 0.90


@dataclass(frozen=True, eq=False)
class Fingerprint:
    """What is kept of an image to compare it: 256 bits, a small picture and the digest of its pixels.

    Parameters
    ----------
    bits : ndarray of bool, 256
        Perceptual hash.
    thumbnail : ndarray of int8, 64 × 64
        The small picture without its slow course of brightness, standardised and scaled by 32.
    digest : str
        SHA-256 of shape and pixels.
    """

    bits: NDArray[np.bool_]
    thumbnail: NDArray[np.int8]
    digest: str

    def to_json(self) -> dict[str, str]:
        """The fingerprint as text, for a cache."""
        return {
            "bits": np.packbits(self.bits).tobytes().hex(),
            "thumbnail": base64.b64encode(self.thumbnail.tobytes()).decode("ascii"),
            "digest": self.digest,
        }

    @classmethod
    def from_json(cls, stored: dict[str, str]) -> Fingerprint:
        """The fingerprint back from :meth:`to_json`."""
        bits = np.unpackbits(np.frombuffer(bytes.fromhex(stored["bits"]), np.uint8)).astype(bool)
        thumbnail = np.frombuffer(base64.b64decode(stored["thumbnail"]), np.int8).reshape(SIDE, SIDE)
        return cls(bits, thumbnail, stored["digest"])


class Pair(NamedTuple):
    """Two images that are nearly one picture.

    ``distance`` counts the bits (of 256) in which the hashes differ, ``correlation`` is that of the small
    pictures, and ``exact`` says that shape and all pixels are equal.
    """

    i: int
    j: int
    distance: int
    correlation: float
    exact: bool


def fingerprint(grey: NDArray[np.float64], *, window: tuple[slice, slice] | None = None) -> Fingerprint:
    """Hash and small picture of one grey image.

    The image is averaged to 64 × 64, a Gaussian background (sigma 4) is subtracted and the rest standardised;
    each bit says whether one of the 16 × 16 lowest cosine coefficients lies above their median.

    Parameters
    ----------
    grey : ndarray, H × W
        At least one pixel; any range.
    window : (slice, slice), optional
        Rows and columns that are compared; the digest is of the whole.  Default: the whole picture.  Screens of one
        scanner agree in their frame, bar and text, whoever lies in them: there the surroundings of the lesion are compared.

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.imaging.duplicates import fingerprint
    >>> image = np.random.default_rng(0).random((90, 120))
    >>> a, b = fingerprint(image), fingerprint(image * 0.5 + 3)
    >>> int((a.bits != b.bits).sum()), a.digest == b.digest
    (0, False)
    """
    grey = np.ascontiguousarray(grey, dtype=np.float64)
    digest = hashlib.sha256(repr(grey.shape).encode() + grey.tobytes()).hexdigest()
    small = _area_average(grey if window is None else grey[window], SIDE)
    flat = small - gaussian_filter(small, BACKGROUND_SIGMA, mode="nearest")
    sd = float(flat.std())
    # a picture of one colour has no layout: rounding errors must not pass for one
    flat = flat / sd if sd > 1e-9 * max(1.0, float(np.abs(small).max())) else np.zeros_like(flat)
    coefficients = dctn(flat, norm="ortho")[:HASH_SIDE, :HASH_SIDE].ravel()
    bits = coefficients > np.median(coefficients)
    thumbnail = np.clip(np.rint(flat * 32), -127, 127).astype(np.int8)
    return Fingerprint(bits, thumbnail, digest)


def exact_print(grey: NDArray[np.float64]) -> Fingerprint:
    """A fingerprint that is found again only where all pixels are equal: for pictures that are alike by their nature.

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.imaging.duplicates import exact_print, find_duplicates
    >>> a, b = np.zeros((4, 4)), np.full((4, 4), 0.1)
    >>> [pair.exact for pair in find_duplicates([exact_print(a), exact_print(b), exact_print(a)])]
    [True]
    """
    full = fingerprint(grey)
    return Fingerprint(full.bits, np.zeros_like(full.thumbnail), full.digest)


def _area_average(grey: NDArray[np.float64], side: int) -> NDArray[np.float64]:
    """Mean over ``side × side`` cells that cover the image, fractions of pixels included."""
    return _cells(grey.shape[0], side) @ grey @ _cells(grey.shape[1], side).T


def _cells(old: int, new: int) -> NDArray[np.float64]:
    edges = np.linspace(0, old, new + 1)
    pixels = np.arange(old)
    upper = np.minimum(edges[1:, None], pixels + 1)
    lower = np.maximum(edges[:-1, None], pixels)
    return np.clip(upper - lower, 0, None) * (new / old)


def find_duplicates(
    prints: Sequence[Fingerprint],
    *,
    max_distance: int = MAX_DISTANCE,
    min_correlation: float = MIN_CORRELATION,
) -> list[Pair]:
    """All pairs of images that are nearly one picture.

    Parameters
    ----------
    prints : sequence of Fingerprint
        One per image.
    max_distance : int, default 90
        Bits of 256 that may differ between candidates.  Different breast ultrasound images differ in about
        126 bits, and in 98 or more (6,441 pairs of the BUSI data).
    min_correlation : float, default 0.60
        Correlation of the 64 × 64 pictures, background removed and aligned, from which on two images are one
        picture.  The most similar different images reach about 0.43, neighbouring frames of one lesion 0.67.

    Returns
    -------
    list of Pair
        Sorted by ``i``, then ``j``; ``i < j``.

    Notes
    -----
    What is found: copies, other sizes and file formats, other gain or contrast, calipers and text drawn in,
    trims of up to about 5 % in height and width, and frames of one lesion that show nearly the same layout.
    What is not: mirrored or turned pictures and larger crops.  The work grows with the square of the number
    of images, as matrix products over blocks of 1,024: 10,000 images take seconds.
    """
    if len(prints) < 2:
        return []
    pairs: list[Pair] = []
    for i, j, bits in _candidates(np.stack([p.bits for p in prints]), max_distance):
        pairs.extend(_compare(prints, i, j, bits, min_correlation))
    return sorted(pairs, key=lambda pair: pair[:2])


def _candidates(bits: NDArray[np.bool_], max_distance: int) -> Iterator[tuple[int, int, int]]:
    """Pairs of hashes that differ in few bits, and in how many; a block against a block, so that memory stays small."""
    for start in range(0, len(bits), _BLOCK):
        rows = _signs(bits[start : start + _BLOCK])
        for other in range(start, len(bits), _BLOCK):
            distance = (HASH_SIDE**2 - rows @ _signs(bits[other : other + _BLOCK]).T) / 2
            first, second = np.nonzero(distance <= max_distance)
            differ = distance[first, second]
            for i, j, d in zip(first + start, second + other, differ, strict=True):
                if i < j:
                    yield int(i), int(j), round(float(d))


def _signs(bits: NDArray[np.bool_]) -> NDArray[np.float32]:
    """1 and -1, whose products count the bits in which two hashes agree."""
    return np.asarray(bits, dtype=np.float32) * 2 - 1


def _compare(
    prints: Sequence[Fingerprint], i: int, j: int, distance: int, min_correlation: float
) -> list[Pair]:
    if prints[i].digest == prints[j].digest:
        return [Pair(i, j, distance, 1.0, True)]
    r = correlation(prints[i], prints[j])
    return [Pair(i, j, distance, r, False)] if r >= min_correlation else []


def correlation(a: Fingerprint, b: Fingerprint) -> float:
    """Correlation of two small pictures after alignment; 0 where one of them has no layout at all.

    Pictures that agree as they are are not aligned.  Otherwise rows and columns of ``a`` are magnified by
    0.88 to 1.12 and shifted by up to 6 of 64 small pixels, and the largest correlation with the central part
    of ``b`` counts.
    """
    x, y = a.thumbnail.astype(np.float64), b.thumbnail.astype(np.float64)
    plain = _shifted(x[np.newaxis], y, 0)
    if plain >= _CLEAR:
        return plain
    return max(plain, _shifted(_magnified(x), y, _SHIFT))


@cache
def _stretches() -> NDArray[np.float64]:
    """For each magnification the matrix that interpolates a row or column linearly about its middle, 0 beyond its ends."""
    centred = np.arange(SIDE) - (SIDE - 1) / 2
    places = np.stack([centred * scale for scale in _SCALES]) + (SIDE - 1) / 2
    weights = np.clip(1 - np.abs(places[:, :, np.newaxis] - np.arange(SIDE)), 0, None)
    inside = (places >= 0) & (places <= SIDE - 1)
    return np.asarray(np.where(inside[:, :, np.newaxis], weights, 0.0))


def _magnified(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """The picture in all magnifications of rows and of columns."""
    stretches = _stretches()
    rows = stretches @ x
    return np.asarray(rows[:, np.newaxis] @ stretches.transpose(0, 2, 1)).reshape(-1, SIDE, SIDE)


def _shifted(pictures: NDArray[np.float64], y: NDArray[np.float64], reach: int) -> float:
    """Largest correlation of the middle of ``y`` with windows of the pictures shifted by up to ``reach``."""
    middle = y[reach : SIDE - reach, reach : SIDE - reach]
    middle = middle - middle.mean()
    shape = (SIDE, SIDE)  # a product that wraps around does so outside the shifts that count
    product = irfft2(rfft2(pictures) * np.conj(rfft2(middle, shape)), shape)[:, : 2 * reach + 1, : 2 * reach + 1]
    squares = _window_sums(pictures**2, len(middle)) - _window_sums(pictures, len(middle)) ** 2 / middle.size
    scale = np.sqrt(np.maximum(squares, 0.0) * (middle**2).sum())
    return float(np.divide(product, scale, out=np.zeros_like(product), where=scale > 1e-6 * SIDE**2).max())


def _window_sums(pictures: NDArray[np.float64], side: int) -> NDArray[np.float64]:
    """Sums over all squares of a side that lie in the pictures."""
    total = np.pad(pictures, ((0, 0), (1, 0), (1, 0))).cumsum(axis=1).cumsum(axis=2)
    return np.asarray(total[:, side:, side:] - total[:, side:, :-side] - total[:, :-side, side:] + total[:, :-side, :-side])
