"""Whether a picture was once compressed with loss, told from its pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn

from radiogen.imaging.image import LUMINANCE

#: blocks looked at, evenly spread over the picture
_BLOCKS = 1500
#: fewer fine details than this in all blocks say nothing
_FEWEST = 12
#: rounding to whole grey values alone gives fine details below this; JPEG's own steps are more than three times as large
_STEP = 1.8


def has_jpeg_traces(rgb: NDArray[np.uint8]) -> bool:
    """Whether the blocks of 8 × 8 pixels show the coarse steps to which JPEG rounds fine detail.

    JPEG of the usual qualities rounds the high frequencies of each block to multiples of about 8 and more: nearly all
    become 0 and none small.  In a picture never compressed small ones are the rule.  A picture that was cropped or
    resized after compression has lost the blocks and is not recognised.

    Parameters
    ----------
    rgb : ndarray, H × W × 3 uint8

    Returns
    -------
    bool
        False too where the picture has too little detail to tell.

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.imaging.colour.compression import has_jpeg_traces
    >>> noise = np.random.default_rng(1).integers(90, 110, (64, 64, 1)).astype(np.uint8).repeat(3, axis=2)
    >>> has_jpeg_traces(noise)
    False
    """
    rows, columns = rgb.shape[0] // 8, rgb.shape[1] // 8
    if rows * columns == 0:
        return False
    blocks = rgb[: rows * 8, : columns * 8].reshape(rows, 8, columns, 8, 3).swapaxes(1, 2).reshape(-1, 8, 8, 3)
    # clipping at black and white after decompression hides the steps
    inside = (blocks.reshape(len(blocks), -1).max(axis=1) < 250) & (np.ptp(blocks.reshape(len(blocks), -1), axis=1) > 6)
    inside &= blocks.reshape(len(blocks), -1).min(axis=1) > 2
    chosen = blocks[inside]
    chosen = chosen[:: max(1, len(chosen) // _BLOCKS)].astype(np.float64) @ LUMINANCE
    if len(chosen) == 0:
        return False
    u, v = np.indices((8, 8))
    fine = np.abs(dctn(chosen, axes=(1, 2), norm="ortho"))[:, (u + v >= 6) & (u + v <= 10)]
    # straight edges of screens and bars have few fine details, and none between
    fine = fine[(fine >= 3 * _STEP).sum(axis=1) >= 3]
    none, small, large = (fine < _STEP).sum(), ((fine >= _STEP) & (fine < 3 * _STEP)).sum(), (fine >= 3 * _STEP).sum()
    return bool(large >= _FEWEST and small < 0.15 * none and large > 2 * small)
