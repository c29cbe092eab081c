"""Local binary patterns: which of the pixels on a circle are at least as bright as its centre."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from math import ceil

import numpy as np

from radiogen.features.radiomics.filters.view import Options, Response, View


def apply(view: View, options: Options) -> Iterator[Response]:
    """scikit-image's patterns on ``lbp2DSamples`` points of a circle of ``lbp2DRadius`` pixels.

    The image is cut below and to the right only: the weights of the interpolation are rounded differently at other
    coordinates, and in flat areas a difference in the last bit decides the comparison.
    """
    from skimage.feature import local_binary_pattern

    r0, r1, c0, c1 = view.box
    radius = options.get("lbp2DRadius", 1)
    margin = ceil(radius) + 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it advises against floating point, which pyradiomics hands over
        found = local_binary_pattern(
            view.image[: r1 + margin, : c1 + margin],
            P=options.get("lbp2DSamples", 8),
            R=radius,
            method=options.get("lbp2DMethod", "uniform"),
        )
    yield "lbp-2D", np.ascontiguousarray(found[r0:r1, c0:c1], dtype=np.float64)
