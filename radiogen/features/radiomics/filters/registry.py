"""The image types of the engine ``native``: what each needs, and the filtered images of a region."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module

import numpy as np
from numpy.typing import NDArray

from radiogen.features.radiomics.filtered import FilteredImage
from radiogen.features.radiomics.filters.view import Apply, View
from radiogen.features.radiomics.settings import Settings
from radiogen.imaging.regions import bounding_box

_HERE = "radiogen.features.radiomics.filters"


@dataclass(frozen=True)
class Filter:
    """One image type.

    Parameters
    ----------
    module : str
        The file of this folder that has its ``apply(view, options)``; imported when first used.
    margin : str
        How far beyond the region's box the filter looks, and what it sees beyond the image.
    whole_image : str
        The number of the whole image that it needs, if any.
    """

    module: str
    margin: str = "none"
    whole_image: str = ""

    @property
    def apply(self) -> Apply:
        """``(view, options)`` to names with values in the box, or with the reason why there are none."""
        found: Apply = import_module(f"{_HERE}.{self.module}").apply
        return found


#: image type -> its filter
FILTERS: dict[str, Filter] = {
    "Original": Filter("original"),
    "Wavelet": Filter("wavelet", "length of the filters - 1, times the levels; the image is periodic"),
    "LoG": Filter("laplacian_of_gaussian", "the whole line, since the recursion has no end; the last value goes on"),
    "Square": Filter("square", whole_image="largest absolute value"),
    "SquareRoot": Filter("square_root", whole_image="largest absolute value"),
    "Logarithm": Filter("logarithm", whole_image="largest absolute value"),
    "Exponential": Filter("exponential", whole_image="largest absolute value"),
    "Gradient": Filter("gradient", "1 pixel; the last value goes on"),
    "LBP2D": Filter("local_binary_pattern", "the radius, rounded up; zero"),
    "Mean": Filter("mean", "half the size; mirrored"),
    "Laws": Filter("laws", "1 or 2 pixels, and the distance of the energy; mirrored"),
    "Gabor": Filter("gabor", "to where the envelope is below 1e-10; mirrored"),
}


def filtered_or_reason(
    image: NDArray[np.float64], mask: NDArray[np.bool_], spacing_mm: tuple[float, float], settings: Settings
) -> Iterator[tuple[str, FilteredImage | str]]:
    """Names of all images that the settings ask for, each with the image or with the reason why there is none.

    Parameters, order and names are those of :func:`filtered_images`.
    """
    top, bottom, left, right = bounding_box(mask)
    view = View(np.ascontiguousarray(image, dtype=np.float64), (top, bottom + 1, left, right + 1), spacing_mm)
    region = np.ascontiguousarray(mask[top : bottom + 1, left : right + 1])
    for kind, options in settings["imageType"].items():
        setting = {**settings["setting"], **options}
        for name, values in FILTERS[kind].apply(view, setting):
            if isinstance(values, str):
                yield name, values
            elif not np.isfinite(values).all() and not np.isfinite(values[region]).all():
                yield name, "the filter is not defined at some pixels of the region"
            else:
                yield name, FilteredImage(name, np.ascontiguousarray(values, dtype=np.float64), region, spacing_mm, setting)


def filtered_images(
    image: NDArray[np.float64], mask: NDArray[np.bool_], spacing_mm: tuple[float, float], settings: Settings
) -> Iterator[FilteredImage]:
    """The filtered images of a region, cut to its bounding box, in pyradiomics' order.

    Parameters
    ----------
    image : ndarray of float64, H × W
        The whole image, after normalisation and resampling.
    mask : ndarray of bool, H × W
        The region, not empty.
    spacing_mm : (float, float)
        Per row and per column.
    settings : dict
        From :func:`~radiogen.features.radiomics.load_settings`.

    Yields
    ------
    FilteredImage
        Images that cannot be made (too small, or zero everywhere) are left out; :func:`filtered_or_reason` says why.
    """
    for _, found in filtered_or_reason(image, mask, spacing_mm, settings):
        if not isinstance(found, str):
            yield found
