"""The square of the grey values, scaled to the range of the image."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from radiogen.features.radiomics.filters.view import Options, Response, View

ZERO = "the image is zero everywhere, so that it cannot be scaled to its largest value"


def apply(view: View, options: Options) -> Iterator[Response]:
    """(c x)² with c = 1 / √max|x|, the maximum taken over the whole image."""
    if view.largest == 0:
        yield "square", ZERO
        return
    yield "square", ((1 / np.sqrt(view.largest)) * view.crop) ** 2
