"""Filters of one pixel or its neighbours: values by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from radiogen.features.radiomics import extract
from radiogen.features.radiomics.filters.registry import filtered_images, filtered_or_reason
from radiogen.features.radiomics.settings import load_settings


def filtered(image: np.ndarray, mask: np.ndarray, kind: str, spacing: tuple[float, float] = (1.0, 1.0), **options: Any) -> Any:
    settings = load_settings({"imageType": {kind: options}})
    (found,) = filtered_images(image, mask, spacing, settings)
    return found.image


def scene() -> tuple[np.ndarray, np.ndarray]:
    """-4 and 9 in the region's box, and 16, the largest of the image, outside it."""
    image = np.zeros((6, 7))
    image[2, 2], image[3, 4], image[0, 0] = -4, 9, 16
    mask = np.zeros(image.shape, bool)
    mask[2:4, 2:5] = True
    return image, mask


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("Original", [[-4, 0, 0], [0, 0, 9]]),
        ("Square", [[16 / 16, 0, 0], [0, 0, 81 / 16]]),
        ("SquareRoot", [[-8, 0, 0], [0, 0, 12]]),
        ("Logarithm", [[-np.log(5) * 16 / np.log(17), 0, 0], [0, 0, np.log(10) * 16 / np.log(17)]]),
        ("Exponential", [[16 ** (-4 / 16), 1, 1], [1, 1, 16 ** (9 / 16)]]),
    ],
)
def test_point_filters_are_scaled_to_the_whole_image(kind: str, expected: list[list[float]]) -> None:
    np.testing.assert_allclose(filtered(*scene(), kind), expected, rtol=1e-15)


def test_gradient_counts_millimetres_and_is_halved_at_the_border() -> None:
    """f = 3 x + 8 y in pixels; at 0.5 mm per row and 0.25 mm per column the slopes are 16 and 12 per mm."""
    rows, columns = np.mgrid[:5, :6].astype(float)
    image, mask = 3 * columns + 8 * rows, np.ones((5, 6), bool)
    found = filtered(image, mask, "Gradient", (0.5, 0.25))
    np.testing.assert_allclose(found[1:-1, 1:-1], 20, rtol=1e-7)
    np.testing.assert_allclose(found[0, 0], 10, rtol=1e-7)  # both differences reach over half the distance
    np.testing.assert_allclose(found[0, 2], np.float32(np.hypot(12, 8)), rtol=1e-7)
    pixels = filtered(image, mask, "Gradient", (0.5, 0.25), gradientUseSpacing=False)
    np.testing.assert_allclose(pixels[1:-1, 1:-1], np.hypot(3, 8), rtol=1e-7)


def test_local_binary_patterns_by_hand() -> None:
    """A bright pixel has no neighbour as bright: 0 of 8; a dark one in a bright field has all: 8."""
    image = np.full((9, 9), 50.0)
    image[2, 2], image[6, 6] = 90, 10
    mask = np.zeros((9, 9), bool)
    mask[2:7, 2:7] = True
    found = filtered(image, mask, "LBP2D")
    assert found[0, 0] == 0 and found[4, 4] == 8


def test_the_box_and_its_mask_are_cut_alike() -> None:
    image = np.arange(60.0).reshape(6, 10)
    mask = np.zeros(image.shape, bool)
    mask[1, 3], mask[4, 7] = True, True
    (found,) = filtered_images(image, mask, (0.2, 0.3), load_settings({"setting": {"binWidth": 7}}))
    np.testing.assert_array_equal(found.image, image[1:5, 3:8])
    assert found.mask.sum() == 2 and found.mask[0, 0] and found.mask[3, 4]
    assert found.image.flags.c_contiguous and found.mask.flags.c_contiguous
    assert (found.spacing_mm, found.setting) == ((0.2, 0.3), {"binWidth": 7})


def test_options_of_an_image_type_stand_in_place_of_the_common_settings() -> None:
    settings = load_settings({"imageType": {"Original": {}, "Square": {"binWidth": 3}}, "setting": {"binWidth": 7}})
    widths = {f.name: f.setting["binWidth"] for f in filtered_images(*scene(), (1.0, 1.0), settings)}
    assert widths == {"original": 7, "square": 3}


def test_what_cannot_be_filtered_says_why() -> None:
    _, mask = scene()
    settings = load_settings(
        {"imageType": {"Square": {}, "SquareRoot": {}, "Logarithm": {}, "Exponential": {}, "LoG": {"sigma": [2.0, 9.0]}}}
    )
    found = dict(filtered_or_reason(np.zeros((6, 7)), mask, (1.0, 1.0), settings))
    reasons = {name: value for name, value in found.items() if isinstance(value, str)}
    assert list(reasons) == ["square", "logarithm", "exponential", "log-sigma-9-0-mm-3D"]
    assert "zero everywhere" in reasons["square"] and "at least 10 × 10" in reasons["log-sigma-9-0-mm-3D"]
    flat = np.full((12, 12), 5.0)
    whole = np.zeros((12, 12), bool)
    whole[3:9, 3:9] = True
    patterns = load_settings({"imageType": {"LBP2D": {"lbp2DMethod": "var"}}})  # 0 / 0 where nothing varies
    ((name, reason),) = filtered_or_reason(flat, whole, (1.0, 1.0), patterns)
    assert name == "lbp-2D" and "not defined" in str(reason)


def test_the_reason_stands_in_the_missing_values() -> None:
    image, mask = np.zeros((20, 20)), np.zeros((20, 20), bool)
    mask[4:16, 5:15] = True
    settings = {"imageType": {"Original": {}, "Square": {}}, "featureClass": {"firstorder": ["Mean"]}}
    found = extract(image, mask, settings=settings, engine="native")
    assert found["original_firstorder_Mean"] == 0
    assert "zero everywhere" in found.attrs["missing"]["square_firstorder_Mean"]
