"""What the feature classes compute from: the values of the region and its grey levels, each prepared once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radiogen.errors import fail
from radiogen.features.radiomics.classes.discretise import bin_edges, level_map
from radiogen.features.radiomics.filtered import FilteredImage

#: images that ITK computes in single precision; pyradiomics bins them in single precision
SINGLE = ("log-sigma-", "gradient")
#: above this number of grey levels in the region its co-occurrence matrices take more than half a gigabyte
MOST_LEVELS = 4000


@dataclass(frozen=True)
class Levels:
    """The discretised region.

    Parameters
    ----------
    padded : ndarray of int32, (H + 2 pad) × (W + 2 pad)
        Grey level, from 1; 0 outside the region.
    codes : ndarray of int32, of the same shape
        Rank of the level among the levels present, from 1; 0 outside the region.
    pad : int
        Width of the frame of zeros, at least the largest distance of the settings.
    present : ndarray of float64, n
        The levels present, ascending.
    counts : ndarray of int64, n
        Pixels per level present.
    """

    padded: NDArray[np.int32]
    codes: NDArray[np.int32]
    pad: int
    present: NDArray[np.float64]
    counts: NDArray[np.int64]

    @property
    def highest(self) -> int:
        """The highest level, pyradiomics' number of grey levels."""
        return int(self.present[-1])


class Inputs:
    """Inputs of the feature classes for one filtered image; each is prepared when first asked for."""

    def __init__(self, filtered: FilteredImage) -> None:
        self.name = filtered.name
        # one kind of array for the kernels, which are compiled anew for arrays that cannot be written to
        self.image = np.require(filtered.image, requirements=["C", "W"])
        self.mask = np.require(filtered.mask, requirements=["C", "W"])
        self.spacing = filtered.spacing_mm
        self.setting: Mapping[str, Any] = filtered.setting

    @cached_property
    def values(self) -> NDArray[np.float64]:
        """Values of the region, row by row.

        Raises
        ------
        RadiogenError
            RG516 if a value is not finite, as after a square of an image of zeros.
        """
        values = self.image[self.mask].astype(np.float64, copy=False)
        if not np.isfinite(values).all():
            raise fail("RG516", f"the image '{self.name}' has values that are not finite in the region")
        return values

    @cached_property
    def distances(self) -> tuple[int, ...]:
        """Distances between neighbours, in pixels (``distances``, default 1).

        Raises
        ------
        RadiogenError
            RG104 if they are not whole numbers from 1.
        """
        given = self.setting.get("distances", [1])
        if not isinstance(given, list | tuple) or not given or any(not isinstance(d, int) or d < 1 for d in given):
            raise fail("RG104", "`distances` must be a list of whole numbers from 1", value=given, column="distances")
        return tuple(given)

    @cached_property
    def levels(self) -> Levels:
        """The discretised region.

        Raises
        ------
        RadiogenError
            RG516 if there are more grey levels than a matrix can hold.
        """
        image, values = self.image, self.values
        single = image.dtype == np.float32 or self.name.startswith(SINGLE)
        edges = bin_edges(values.astype(np.float32) if single else values, self.setting).astype(np.float64, copy=False)
        pad = max(min(max(self.distances), max(image.shape)), 1)
        padded = np.zeros((image.shape[0] + 2 * pad, image.shape[1] + 2 * pad), np.int32)
        counts = level_map(image.astype(np.float64, copy=False), self.mask, edges, padded, pad)
        present = np.flatnonzero(counts)
        if len(present) > MOST_LEVELS:
            raise fail("RG516", f"the image '{self.name}' has {len(present)} grey levels; a larger `binWidth` is needed")
        return Levels(padded, _ranks(padded, present), pad, (present + 1).astype(np.float64), counts[present])


def _ranks(padded: NDArray[np.int32], present: NDArray[np.intp]) -> NDArray[np.int32]:
    if present[-1] + 1 == len(present):
        return padded
    table = np.zeros(int(present[-1]) + 2, np.int32)
    table[present + 1] = np.arange(1, len(present) + 1)
    return table[padded]
