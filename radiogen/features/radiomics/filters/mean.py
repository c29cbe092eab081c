"""The mean filter of IBSI."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from radiogen.features.radiomics.filters.mirrored import convolved
from radiogen.features.radiomics.filters.naming import names_of
from radiogen.features.radiomics.filters.view import Options, Response, View


def apply(view: View, options: Options) -> Iterator[Response]:
    """Means over squares of ``meanSize`` × ``meanSize`` pixels; one image per size.

    References
    ----------
    Whybra P, Zwanenburg A et al. The Image Biomarker Standardization Initiative: standardized convolutional filters
    for reproducible radiomics and enhanced clinical insights. Radiology 2024;310(2):e231319.
    doi:10.1148/radiol.231319
    """
    for name, size in zip(names_of("Mean", options), options["meanSize"], strict=True):
        ones = np.ones(size)  # sums of whole numbers are exact, and so is a mean that is a whole number
        yield name, convolved(view.image, view.box, ones, ones) / size**2
