"""The Laplacian of Gaussian, multiplied by sigma²: bright blobs of that size give negative values."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

import numpy as np
from numpy.typing import NDArray

from radiogen.features.radiomics.filters.naming import names_of
from radiogen.features.radiomics.filters.recursive_gaussian import coefficients, filter_lines
from radiogen.features.radiomics.filters.view import Options, Response, View

#: the recursion needs as many samples per line
_SHORTEST = 4


def apply(view: View, options: Options) -> Iterator[Response]:
    """One image per width in ``sigma`` (mm).

    The recursion has no end, so that every line is filtered over its whole length; but only the lines that the box
    depends on are filtered.
    """
    for name, sigma in zip(names_of("LoG", options), options["sigma"], strict=True):
        yield name, _refusal(view, float(sigma)) or laplacian(view, float(sigma))


def _refusal(view: View, sigma: float) -> str:
    """pyradiomics' own rule for images that are too small."""
    needed = [max(_SHORTEST, ceil(sigma / size) + 1) for size in view.spacing_mm]
    if all(n >= least for n, least in zip(view.image.shape, needed, strict=True)):
        return ""
    shape = " × ".join(map(str, view.image.shape))
    return f"the image of {shape} pixels is too small for a LoG filter of this width: at least {needed[0]} × {needed[1]}"


def laplacian(view: View, sigma: float) -> NDArray[np.float32]:
    """Sum of the second derivatives of the smoothed image, in the box.

    Single precision where ITK has it: after every pass and after every sum.
    """
    r0, r1, c0, c1 = view.box
    down, across = view.spacing_mm
    along_x = filter_lines(view.transposed, c0, c1, coefficients(sigma, across, 2))
    along_x = filter_lines(along_x, r0, r1, coefficients(sigma, down, 0))
    along_y = filter_lines(view.image, r0, r1, coefficients(sigma, down, 2))
    along_y = filter_lines(along_y, c0, c1, coefficients(sigma, across, 0))
    total = (along_x.T.astype(np.float64) * (1.0 / (across * across))).astype(np.float32)
    return (total.astype(np.float64) + along_y.astype(np.float64) * (1.0 / (down * down))).astype(np.float32)
