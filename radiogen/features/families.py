"""Which numbers are taken from the images of which modality.

A modality with features of its own is one more function and one more line in :data:`FAMILIES`; all others
are grey pictures, of which radiomics are taken.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radiogen.features.radiomics import engine_versions, extract, feature_names, load_settings
from radiogen.features.radiomics.settings import Settings

Spacing = tuple[float, float]
#: grey values, mask, spacing, settings, engine -> features by name
Measure = Callable[[NDArray[np.float64], NDArray[np.bool_], Spacing | None, Settings, str], pd.Series]


@dataclass(frozen=True)
class Family:
    """How one kind of image becomes numbers.

    Parameters
    ----------
    name : str
        Part of the cache key.
    measure : callable
        ``(grey, mask, spacing_mm, settings, engine) -> Series``.
    names : callable
        ``(settings, calibrated=…) -> tuple of str``, the index that ``measure`` gives.
    settings : callable
        Declared settings, or None, to complete settings.
    versions : callable
        Engine to the versions of the packages that decide a value.
    """

    name: str
    measure: Measure
    names: Callable[..., tuple[str, ...]]
    settings: Callable[[Any], Settings]
    versions: Callable[[str], dict[str, str]]


RADIOMICS = Family("radiomics", extract, feature_names, load_settings, engine_versions)

FAMILIES: dict[str, Family] = {"bmode": RADIOMICS}


def family_of(modality: str) -> Family:
    """The family of a modality; radiomics of grey values where it has none of its own."""
    return FAMILIES.get(modality, RADIOMICS)
