"""The stationary (undecimated) wavelet transform in two dimensions."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from radiogen.features.radiomics.filters.stationary_wavelet import analyse
from radiogen.features.radiomics.filters.view import Options, Response, View

_DETAILS = ("LH", "HL", "HH")


def apply(view: View, options: Options) -> Iterator[Response]:
    """The details of every level, then the approximation of the last.

    As in pyradiomics, an odd side is made even by its first line repeated at the end, the image goes on
    periodically, and every level filters the approximation of the one before with the same, undilated filters.
    """
    low, high = _filters(str(options.get("wavelet", "coif1")))
    height, width = view.image.shape
    data = np.pad(view.image, ((0, height % 2), (0, width % 2)), "wrap") if height % 2 or width % 2 else view.image
    whole = (0, data.shape[0], 0, data.shape[1])
    for _ in range(int(options.get("start_level", 0))):
        data = analyse(data, low, high, whole)["LL"]
    levels = int(options.get("level", 1))
    for level in range(1, levels + 1):
        prefix = "wavelet" if level == 1 else f"wavelet{level}"
        last = level == levels
        found = analyse(data, low, high, view.box if last else whole)
        for detail in _DETAILS:
            yield f"{prefix}-{detail}", found[detail] if last else _cut(found[detail], view)
        if last:
            yield f"{prefix}-LL", found["LL"]
        data = found["LL"]


def _cut(values: NDArray[np.float64], view: View) -> NDArray[np.float64]:
    r0, r1, c0, c1 = view.box
    return np.ascontiguousarray(values[r0:r1, c0:c1])


@lru_cache(maxsize=64)
def _filters(name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    import pywt

    wavelet = pywt.Wavelet(name)
    return np.array(wavelet.dec_lo), np.array(wavelet.dec_hi)
