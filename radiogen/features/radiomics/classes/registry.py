"""The feature families, what each needs, and how they are measured on one filtered image."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from radiogen.features.radiomics.classes.firstorder import first_order
from radiogen.features.radiomics.classes.glcm import co_occurrence
from radiogen.features.radiomics.classes.gldm import dependences
from radiogen.features.radiomics.classes.glrlm import run_lengths
from radiogen.features.radiomics.classes.glszm import size_zones
from radiogen.features.radiomics.classes.inputs import Inputs
from radiogen.features.radiomics.classes.ngtdm import tone_differences
from radiogen.features.radiomics.classes.shape2d import shape
from radiogen.features.radiomics.filtered import FilteredImage
from radiogen.features.radiomics.names import FEATURES


@dataclass(frozen=True)
class Family:
    """A feature class.

    Parameters
    ----------
    name : str
        pyradiomics' name.
    needs : tuple of str
        Attributes of :class:`Inputs` that it computes from.
    compute : callable
        ``compute(inputs, wanted)`` gives a mapping from feature to value with at least what is wanted.
    """

    name: str
    needs: tuple[str, ...]
    compute: Callable[[Inputs, tuple[str, ...]], dict[str, float]]


FAMILIES = (
    Family("firstorder", ("values", "levels"), first_order),
    Family("shape2D", ("mask",), shape),
    Family("glcm", ("levels", "distances"), co_occurrence),
    Family("glrlm", ("levels",), run_lengths),
    Family("glszm", ("levels",), size_zones),
    Family("gldm", ("levels", "distances"), dependences),
    Family("ngtdm", ("levels", "distances"), tone_differences),
)


def chosen(feature_class: Mapping[str, list[str]]) -> dict[str, tuple[str, ...]]:
    """Wanted features by class; an empty list means all of the class.

    Examples
    --------
    >>> from radiogen.features.radiomics.classes.registry import chosen
    >>> chosen({"ngtdm": [], "firstorder": ["Mean"]})["ngtdm"]
    ('Busyness', 'Coarseness', 'Complexity', 'Contrast', 'Strength')
    """
    return {name: tuple(features) or FEATURES[name] for name, features in feature_class.items()}


def measure(filtered: FilteredImage, wanted: Mapping[str, tuple[str, ...]]) -> dict[str, float]:
    """Features of one filtered image, under names such as ``glcm_Contrast``.

    Parameters
    ----------
    filtered : FilteredImage
        Image and region in the region's bounding box.
    wanted : mapping
        From :func:`chosen`.  A family that is not named costs nothing, and what several families need is
        prepared once.

    Returns
    -------
    dict
        Family by family in the order of ``wanted``; NaN where a feature is not defined.

    Raises
    ------
    RadiogenError
        RG516 for values that are not finite or too many grey levels; RG510 for distances beyond the region; RG104
        for distances that are not whole numbers from 1.

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.features.radiomics.classes.registry import measure
    >>> from radiogen.features.radiomics.filtered import FilteredImage
    >>> image = np.array([[1.0, 2.0], [3.0, 4.0]])
    >>> filtered = FilteredImage("original", image, np.ones((2, 2), bool), (1.0, 1.0), {"binWidth": 1})
    >>> measure(filtered, {"firstorder": ("Mean", "Uniformity")})
    {'firstorder_Mean': 2.5, 'firstorder_Uniformity': 0.25}
    """
    inputs = Inputs(filtered)
    families = {family.name: family for family in FAMILIES}
    found: dict[str, float] = {}
    for name, features in wanted.items():
        values = families[name].compute(inputs, features)
        found.update({f"{name}_{feature}": values[feature] for feature in features})
    return found
