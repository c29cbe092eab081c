"""One filtered image, cut to the region: what the filters hand to the feature classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class FilteredImage:
    """A filtered image and its region, both cut to the region's bounding box.

    Parameters
    ----------
    name : str
        pyradiomics' name of the filtered image: ``"original"``, ``"wavelet-LH"``, ``"log-sigma-2-0-mm-3D"``.
    image : ndarray of float64, H × W
        Filtered values in the bounding box of the region, contiguous.
    mask : ndarray of bool, H × W
        The region; it touches all four sides.
    spacing_mm : (float, float)
        Per row and per column, after resampling.
    setting : mapping
        pyradiomics' settings, with those of the image type in place of the common ones.
    """

    name: str
    image: NDArray[np.float64]
    mask: NDArray[np.bool_]
    spacing_mm: tuple[float, float]
    setting: Mapping[str, Any]
