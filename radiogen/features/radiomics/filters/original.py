"""The image itself."""

from __future__ import annotations

from collections.abc import Iterator

from radiogen.features.radiomics.filters.view import Options, Response, View


def apply(view: View, options: Options) -> Iterator[Response]:
    """The grey values of the box, as they are after normalisation and resampling."""
    yield "original", view.crop
