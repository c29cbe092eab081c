"""An image that goes on as its own mirror image, and convolution with it: the borders of the IBSI filters."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from radiogen.features.radiomics.filters.view import Box

Values = NDArray[np.float64]

#: how the responses in several directions become one
POOLING: dict[str, Callable[[Sequence[Values]], Values]] = {
    "max": lambda maps: np.max(maps, axis=0),
    "mean": lambda maps: np.mean(maps, axis=0),
    "min": lambda maps: np.min(maps, axis=0),
}


def mirrored(image: Values, box: Box, down: int, across: int) -> Values:
    """The box with ``down`` rows and ``across`` columns more on each side.

    Beyond its border the image is mirrored, the border line included: ``c b a | a b c | c b a``.

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.features.radiomics.filters.mirrored import mirrored
    >>> mirrored(np.array([[1.0, 2.0, 3.0]]), (0, 1, 0, 2), 0, 2).tolist()
    [[2.0, 1.0, 1.0, 2.0, 3.0, 3.0]]
    """
    r0, r1, c0, c1 = box
    rows = _indices(r0 - down, r1 + down, image.shape[0])
    return image[np.ix_(rows, _indices(c0 - across, c1 + across, image.shape[1]))]


def _indices(first: int, last: int, size: int) -> NDArray[np.intp]:
    turn = np.arange(first, last) % (2 * size)
    return np.where(turn < size, turn, 2 * size - 1 - turn)


def convolved(image: Values, box: Box, down: Values, across: Values) -> Values:
    """Convolution with a separable kernel of odd lengths, in the box.

    Parameters
    ----------
    image : ndarray of float64, H × W
    box : (int, int, int, int)
    down, across : ndarray of float64
        The kernel down the columns and along the rows.
    """
    from scipy.ndimage import convolve1d

    half_down, half_across = len(down) // 2, len(across) // 2
    around = mirrored(image, box, half_down, half_across)
    along = convolve1d(around, across, axis=1)[:, half_across : around.shape[1] - half_across]
    found: Values = convolve1d(along, down, axis=0)[half_down : around.shape[0] - half_down]
    return np.ascontiguousarray(found)
