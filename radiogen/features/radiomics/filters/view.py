"""What a filter is given: the whole image, and the box in which its result is wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: first row, last row (excluded), first column, last column (excluded)
Box = tuple[int, int, int, int]
Options = Mapping[str, Any]
#: name of the filtered image, and its values in the box or the reason why there are none
Response = tuple[str, "NDArray[np.floating[Any]] | str"]
Apply = Callable[["View", Options], Iterator[Response]]


@dataclass(frozen=True)
class View:
    """An image and the box around its region.

    Parameters
    ----------
    image : ndarray of float64, H × W
        The whole image, C order, after normalisation and resampling.
    box : (int, int, int, int)
        First row, last row (excluded), first column, last column (excluded) of the region.
    spacing_mm : (float, float)
        Per row and per column.
    """

    image: NDArray[np.float64]
    box: Box
    spacing_mm: tuple[float, float]

    @cached_property
    def crop(self) -> NDArray[np.float64]:
        """The image in the box, contiguous."""
        r0, r1, c0, c1 = self.box
        return np.ascontiguousarray(self.image[r0:r1, c0:c1])

    @cached_property
    def largest(self) -> float:
        """The largest absolute value of the whole image."""
        return float(max(self.image.max(), -self.image.min()))

    @cached_property
    def transposed(self) -> NDArray[np.float64]:
        """The whole image, columns first, contiguous."""
        return np.ascontiguousarray(self.image.T)
