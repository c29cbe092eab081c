"""Small pictures with a region, and the code of a refusal."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from radiogen.errors import RadiogenError
from radiogen.features.radiomics import extract

FIRST = {"imageType": {"Original": {}}, "featureClass": {"firstorder": []}, "setting": {"binWidth": 10}}


def four_pixels() -> tuple[np.ndarray, np.ndarray]:
    image = np.full((12, 12), 99.0)
    image[5:7, 5:7] = [[10, 20], [30, 40]]
    mask = np.zeros((12, 12), bool)
    mask[5:7, 5:7] = True
    return image, mask


def noise(seed: int = 0, shape: tuple[int, int] = (40, 50)) -> tuple[np.ndarray, np.ndarray]:
    image = np.random.default_rng(seed).integers(0, 256, shape).astype(float)
    mask = np.zeros(shape, bool)
    mask[10:30, 12:38] = True
    return image, mask


def code(*args: Any, **kwargs: Any) -> str:
    """Code of the error that :func:`extract` raises."""
    with pytest.raises(RadiogenError) as caught:
        extract(*args, **kwargs)
    return caught.value.code
