"""What happens before the filters: normalisation, cropping, resampling and resegmentation by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from radiogen.errors import RadiogenError
from radiogen.features.radiomics import extract
from radiogen.features.radiomics.preprocessing import prepare


def scene() -> tuple[np.ndarray, np.ndarray]:
    image = np.arange(80.0).reshape(8, 10)
    mask = np.zeros(image.shape, bool)
    mask[2:5, 3:7] = True
    return image, mask


def code(image: np.ndarray, mask: np.ndarray, setting: dict[str, Any]) -> str:
    with pytest.raises(RadiogenError) as caught:
        prepare(image, mask, (1.0, 1.0), setting)
    return caught.value.code


def test_nothing_asked_nothing_done() -> None:
    image, mask = scene()
    found = prepare(image, mask, (0.1, 0.2), {"binWidth": 5})
    assert found.image is image and found.mask is mask and found.spacing_mm == (0.1, 0.2)
    assert found.shape.shape == (3, 4) and found.shape.all()


def test_normalisation_by_hand() -> None:
    """1, 2, 3, 4, 10: mean 4, variance (9 + 4 + 1 + 0 + 36) / 4 = 12.5; twice over, with the outlier cut at 1."""
    image, mask = np.array([[1.0, 2, 3, 4, 10]] * 2), np.ones((2, 5), bool)
    deviation = np.sqrt(2 * 50 / 9)  # ten values: the sum of squares is twice 50, divided by 10 - 1
    expected = 100 * (image - 4) / deviation
    np.testing.assert_allclose(prepare(image, mask, (1, 1), {"normalize": True, "normalizeScale": 100}).image, expected)
    cut = prepare(image, mask, (1, 1), {"normalize": True, "normalizeScale": 100, "removeOutliers": 1}).image
    np.testing.assert_allclose(cut, np.minimum(expected, 100))
    for flat in (3.0, 13.7):
        assert code(np.full((13, 44), flat), np.ones((13, 44), bool), {"normalize": True}) == "RG705"


def test_precrop_leaves_the_padding_and_stops_at_the_border() -> None:
    image, mask = scene()
    found = prepare(image, mask, (1.0, 1.0), {"preCrop": True, "padDistance": 3})
    np.testing.assert_array_equal(found.image, image[0:8, 0:10])
    found = prepare(image, mask, (1.0, 1.0), {"preCrop": True, "padDistance": 1})
    np.testing.assert_array_equal(found.image, image[1:6, 2:8])
    np.testing.assert_array_equal(found.mask, mask[1:6, 2:8])


def test_resampling_of_a_plane_keeps_the_plane() -> None:
    """Grey = 100 x + 10 y in mm; linear interpolation keeps it, and the first new pixel's centre lies at half its size."""
    rows, columns = np.mgrid[:40, :50]
    x, y = (columns + 0.5) * 0.1, (rows + 0.5) * 0.2
    mask = np.zeros((40, 50), bool)
    mask[10:30, 10:40] = True
    setting = {"resampledPixelSpacing": [0.2, 0.4], "interpolator": "sitkLinear", "padDistance": 100}
    found = prepare(100 * x + 10 * y, mask, (0.2, 0.1), setting)
    assert found.image.shape == (20, 25) and found.spacing_mm == (0.4, 0.2)
    new_rows, new_columns = np.mgrid[:20, :25]
    np.testing.assert_allclose(found.image, 100 * (new_columns + 0.5) * 0.2 + 10 * (new_rows + 0.5) * 0.4, rtol=1e-9)
    assert found.mask.sum() == 10 * 15
    # columns come first in the setting, and 0 leaves an axis as it is
    kept = prepare(100 * x + 10 * y, mask, (0.2, 0.1), {**setting, "resampledPixelSpacing": [0, 0.4]})
    assert kept.image.shape == (20, 50) and kept.spacing_mm == (0.4, 0.1)


def test_the_spacing_that_it_has_already_only_crops() -> None:
    image, mask = scene()
    found = prepare(image, mask, (0.2, 0.1), {"resampledPixelSpacing": [0.1, 0.2], "padDistance": 0})
    np.testing.assert_array_equal(found.image, image[2:5, 3:7])
    unchanged = prepare(image, mask, (0.2, 0.1), {"resampledPixelSpacing": [0.3, 0.3], "interpolator": None})
    assert unchanged.image is image


@pytest.mark.parametrize(
    ("setting", "kept"),
    [
        ({"resegmentRange": [30, 40]}, [33, 34, 35, 36]),
        ({"resegmentRange": [40, 30]}, [33, 34, 35, 36]),  # sorted
        ({"resegmentRange": [34]}, [34, 35, 36, 43, 44, 45, 46]),
        ({"resegmentRange": [0.75], "resegmentMode": "relative"}, [35, 36, 43, 44, 45, 46]),  # of 46: 34.5
        # mean 34.5, variance 200/3 + 1.25: one deviation is 8.24, so that 26.26 to 42.74 stay
        ({"resegmentRange": [-1, 1], "resegmentMode": "sigma"}, [33, 34, 35, 36]),
    ],
)
def test_resegmentation_by_hand(setting: dict[str, Any], kept: list[float]) -> None:
    image, mask = scene()
    image[2, 6] = 20  # outside every range, so that no row is kept for its sake
    image[4, 3:7] = [43, 44, 45, 46]
    image[3, 3:7] = [33, 34, 35, 36]
    image[2, 3:6] = [23, 24, 25]
    if len(kept) == 4:  # one row is too few for texture
        assert code(image, mask, setting) == "RG510"
    else:
        found = prepare(image, mask, (1.0, 1.0), setting)
        assert image[found.mask].tolist() == kept


def test_the_shape_is_that_of_the_region_before_resegmentation() -> None:
    """In the box of what is left, as in pyradiomics; with resegmentShape it is what is left."""
    image, mask = scene()
    image[3, 4] = 0
    setting = {"resegmentRange": [23, 100]}
    found = prepare(image, mask, (1.0, 1.0), setting)
    assert found.mask.sum() == 11 and found.shape.sum() == 12
    assert prepare(image, mask, (1.0, 1.0), {**setting, "resegmentShape": True}).shape.sum() == 11


def test_what_is_left_must_be_large_enough() -> None:
    image, mask = scene()
    assert code(image, mask, {"resegmentRange": [1000]}) == "RG510"
    assert code(image, mask, {"minimumROISize": 12}) == "RG510"
    assert code(image, mask, {"resegmentRange": [33], "minimumROISize": 8}) == "RG510"
    assert prepare(image, mask, (1.0, 1.0), {"resegmentRange": [33], "minimumROISize": 7}).mask.sum() == 8
    assert code(image, mask, {"minimumROIDimensions": 3}) == "RG510"


def test_the_least_size_counts_pixels_after_resampling() -> None:
    image, mask = scene()  # 12 pixels of 1 mm, 192 of 0.25 mm
    setting = {"minimumROISize": 100, "resampledPixelSpacing": [0.25, 0.25], "interpolator": "sitkLinear"}
    settings = {"featureClass": {"firstorder": ["Energy"]}, "setting": setting}
    assert np.isfinite(extract(image, mask, (1.0, 1.0), settings, engine="native")).all()
    with pytest.raises(RadiogenError, match="RG510"):
        extract(image, mask, (1.0, 1.0), {"setting": {"minimumROISize": 100}}, engine="native")
