"""A large piece of speckle noise, from which small ones are cut; importing this module imports torch."""

from __future__ import annotations

import numpy as np
import torch
from scipy.ndimage import uniform_filter
from torch import Tensor

#: the piece is by so many pixels larger than the largest picture: so many places to cut from, squared
_ROOM = 192


def speckle_tiles(side: int, rng: np.random.Generator) -> Tensor:
    """Rayleigh noise of mean 1 whose grains are about two pixels wide.

    Parameters
    ----------
    side : int
        Of the largest picture, pixels.
    rng : numpy Generator

    Returns
    -------
    Tensor of float32, shape (side + 192, side + 192)

    Notes
    -----
    The envelope of a complex Gaussian field, which is what many scatterers smaller than the resolution give.

    References
    ----------
    Burckhardt CB (1978) IEEE Trans Sonics Ultrason 25:1-6, doi 10.1109/T-SU.1978.30978.

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.models.training.speckle import speckle_tiles
    >>> tile = speckle_tiles(64, np.random.default_rng(0))
    >>> tile.shape, round(float(tile.mean()), 3)
    (torch.Size([256, 256]), 1.0)
    """
    n = side + _ROOM
    real, imaginary = (uniform_filter(rng.normal(size=(n, n)), 2, mode="wrap") for _ in range(2))
    envelope = np.hypot(real, imaginary)
    return torch.from_numpy((envelope / envelope.mean()).astype(np.float32))
