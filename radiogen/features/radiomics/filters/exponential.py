"""The exponential of the grey values, scaled to the range of the image."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from radiogen.features.radiomics.filters.square import ZERO
from radiogen.features.radiomics.filters.view import Options, Response, View


def apply(view: View, options: Options) -> Iterator[Response]:
    """exp(c x) with c = ln(max|x|) / max|x|, the maximum taken over the whole image."""
    if view.largest == 0:
        yield "exponential", ZERO
        return
    yield "exponential", np.exp(np.log(view.largest) / view.largest * view.crop)
