"""The square root of the grey values with their sign, scaled to the range of the image."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from radiogen.features.radiomics.filters.view import Options, Response, View


def apply(view: View, options: Options) -> Iterator[Response]:
    """Sign of x times √(c |x|) with c = max|x|, the maximum taken over the whole image."""
    yield "squareroot", np.copysign(np.sqrt(np.abs(view.crop) * view.largest), view.crop)
