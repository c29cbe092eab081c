"""The engine ``native``: radiogen's own, in two dimensions, compiled on first use."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from radiogen.features.radiomics.classes.registry import chosen, measure
from radiogen.features.radiomics.filtered import FilteredImage
from radiogen.features.radiomics.filters.registry import filtered_or_reason
from radiogen.features.radiomics.preprocessing import Prepared, prepare
from radiogen.features.radiomics.settings import Settings


def compute(
    image: NDArray[np.float64], mask: NDArray[np.bool_], spacing_mm: tuple[float, float], settings: Settings
) -> dict[str, float | str]:
    """All features of one image under pyradiomics' names.

    What cannot be computed is left out or NaN; under the name of a filtered image that could not be made stands
    the reason.
    """
    wanted = chosen(settings["featureClass"])
    prepared = prepare(image, mask, spacing_mm, settings["setting"])
    found: dict[str, float | str] = {}
    if "shape2D" in wanted:
        outline = _outline(prepared, settings)
        found.update({f"original_{name}": value for name, value in measure(outline, {"shape2D": wanted["shape2D"]}).items()})
    classes = {k: v for k, v in wanted.items() if k != "shape2D"}
    if not classes:
        return found
    for name, filtered in filtered_or_reason(prepared.image, prepared.mask, prepared.spacing_mm, settings):
        if isinstance(filtered, str):
            found[name] = filtered
        else:
            found.update({f"{name}_{feature}": value for feature, value in measure(filtered, classes).items()})
    return found


def _outline(prepared: Prepared, settings: Settings) -> FilteredImage:
    """The region of the shape; its grey values play no part."""
    empty = np.zeros(prepared.shape.shape)
    return FilteredImage("original", empty, np.ascontiguousarray(prepared.shape), prepared.spacing_mm, settings["setting"])
