"""The magnitude of the gradient, by central differences."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from radiogen.features.radiomics.filters.view import Options, Response, View


def apply(view: View, options: Options) -> Iterator[Response]:
    """√(gx² + gy²) in grey values per mm, or per pixel where ``gradientUseSpacing`` is false.

    At the image's border the first and the last line go on, so that the difference there is one-sided and halved.
    """
    r0, r1, c0, c1 = view.box
    rows = _clipped(r0 - 1, r1 + 1, view.image.shape[0])
    columns = _clipped(c0 - 1, c1 + 1, view.image.shape[1])
    around = view.image[np.ix_(rows, columns)]
    down, across = view.spacing_mm if options.get("gradientUseSpacing", True) else (1.0, 1.0)
    x, y = 0.5 * (1.0 / across), 0.5 * (1.0 / down)
    gx = around[1:-1, 2:] * x - around[1:-1, :-2] * x
    gy = around[2:, 1:-1] * y - around[:-2, 1:-1] * y
    yield "gradient", np.sqrt(gx * gx + gy * gy).astype(np.float32)


def _clipped(first: int, last: int, size: int) -> NDArray[np.intp]:
    return np.clip(np.arange(first, last), 0, size - 1)
