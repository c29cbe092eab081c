"""What :func:`radiogen.features.radiomics.extract` takes and refuses: arrays and types of pixels, spacings, settings."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from radiogen.errors import RadiogenError
from radiogen.features.radiomics import extract, load_settings
from tests.features.radiomics.small_pictures import FIRST, code, four_pixels, noise


@pytest.mark.parametrize(
    "spacing", [(-0.1, 0.1), (0.0, 0.1), (math.nan, 0.1), (0.1, math.inf), 0.1, (0.1,), (0.1, 0.1, 0.1), "ab", (None, 0.1)]
)
def test_a_spacing_is_two_numbers_above_zero(spacing: Any) -> None:
    with pytest.raises(RadiogenError, match="two numbers above zero") as caught:
        extract(*noise(), spacing, FIRST)
    assert caught.value.code == "RG509" and caught.value.problems[0].column == "spacing_mm"


def test_lists_are_arrays_and_objects_and_complex_numbers_are_not_pixels(engine: str) -> None:
    image, mask = four_pixels()
    found = extract(image.tolist(), mask.tolist(), [0.5, 0.25], FIRST, engine)  # type: ignore[arg-type]
    assert found.equals(extract(image, mask, (0.5, 0.25), FIRST, engine))
    for wrong in (image.astype(object), image + 0j, [["a"]], [[1], [1, 2]]):
        assert code(wrong, mask, settings=FIRST, engine=engine) == "RG705"
    assert code(image, [[True], [True, False]], settings=FIRST, engine=engine) == "RG705"


def test_a_picture_too_large_after_resampling_is_refused_before_it_is_made(engine: str) -> None:
    """20 × 26 pixels at a ten-thousandth of their size, with 5 new ones on each side and one for the rounding up."""
    for tiny in (1e-4, 1e-310):
        with pytest.raises(RadiogenError, match="resampledPixelSpacing") as caught:
            extract(*noise(), (1.0, 1.0), {"setting": {"resampledPixelSpacing": [tiny, tiny]}}, engine)
        assert caught.value.code == "RG508"
        assert ("200011 × 260011" if tiny == 1e-4 else "inf") in caught.value.problems[0].message


def test_distances_beyond_the_region_are_refused_by_name(engine: str) -> None:
    image, mask = four_pixels()
    settings = {"featureClass": {"glcm": []}, "setting": {"distances": [5]}}
    with pytest.raises(RadiogenError, match="distances") as caught:
        extract(image, mask, settings=settings, engine=engine)
    assert caught.value.code == "RG510" and caught.value.problems[0].column == "distances"


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.uint16, np.int32, np.int64, np.float32])
@pytest.mark.parametrize("setting", [{}, {"resampledPixelSpacing": [0.15, 0.15]}, {"normalize": True, "normalizeScale": 100}])
def test_both_engines_agree_on_every_type_of_pixel(kind: type, setting: dict[str, Any]) -> None:
    pytest.importorskip("radiomics")
    image, mask = noise(4)
    assert image.max() > 250  # bins of 5 beyond it do not fit into 8 bits
    settings = {"featureClass": {"firstorder": [], "glcm": []}, "setting": {"binWidth": 5, **setting}}
    ours = extract(image.astype(kind), mask, (0.1, 0.1), settings, "native")
    theirs = extract(image.astype(kind), mask, (0.1, 0.1), settings, "pyradiomics")
    np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-12)
    whole = extract(image.astype(np.int16), mask, (0.1, 0.1), settings, "native")
    if kind is not np.float32:  # whole numbers are rounded after resampling, whatever their type
        assert ours.equals(whole)


def test_resampled_whole_numbers_are_those_of_pyradiomics_itself() -> None:
    pytest.importorskip("radiomics")
    import SimpleITK
    from radiomics.firstorder import RadiomicsFirstOrder
    from radiomics.imageoperations import resampleImage

    image, mask = noise(5)
    picture, region = SimpleITK.GetImageFromArray(image.astype(np.int16)), SimpleITK.GetImageFromArray(mask.astype(np.uint8))
    new = resampleImage(picture, region, resampledPixelSpacing=[1.5, 0.7])
    theirs = RadiomicsFirstOrder(*new).execute()
    settings = {"featureClass": {"firstorder": ["Mean", "Energy"]}, "setting": {"resampledPixelSpacing": [1.5, 0.7]}}
    found = extract(image.astype(np.int16), mask, (1.0, 1.0), settings)
    assert found["original_firstorder_Energy"] == theirs["Energy"] == round(float(theirs["Energy"]))
    assert found["original_firstorder_Mean"] == pytest.approx(theirs["Mean"], rel=1e-12)


def test_a_wrong_setting_is_named_in_the_column() -> None:
    for setting, column in (
        ({"setting": {"resegmentRange": [90, 30]}}, "resegmentRange"), ({"setting": {"normalize": 1}}, "normalize"),
        ({"imageType": {"LBP3D": {}}}, "imageType"), ({"featureClass": {"glcm": ["Contrasts"]}}, "glcm"),
        ({"imageType": {"Mean": {"meanSize": [4]}}}, "meanSize"), ({"setting": 5}, "setting"),
    ):  # fmt: skip
        with pytest.raises(RadiogenError) as caught:
            load_settings(setting)
        assert caught.value.code == "RG104" and caught.value.problems[0].column == column
