"""The logarithm of the grey values with their sign, scaled to the range of the image."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from radiogen.features.radiomics.filters.square import ZERO
from radiogen.features.radiomics.filters.view import Options, Response, View


def apply(view: View, options: Options) -> Iterator[Response]:
    """Sign of x times c ln(|x| + 1) with c = max|x| / ln(max|x| + 1), the maximum taken over the whole image."""
    if view.largest == 0:
        yield "logarithm", ZERO
        return
    scale = view.largest / np.log(np.array([view.largest + 1]))[0]
    yield "logarithm", np.copysign(np.log(np.abs(view.crop) + 1), view.crop) * scale
