"""Decoding of shear-wave pictures whose stiffness is known, made by another hand than the simulator."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.ndimage import binary_dilation

from radiogen.errors import RadiogenError
from radiogen.imaging.colour.colourbar import find_colour_bar
from radiogen.imaging.elastography import StiffnessMap, decode_stiffness
from radiogen.imaging.image import Image
from tests.imaging.swe_pictures import MAPS, Elastogram, as_jpeg, elastogram, hot


def decode(found: Elastogram, *, jpeg: bool = False) -> StiffnessMap:
    return decode_stiffness(as_jpeg(found.rgb) if jpeg else found.rgb, scale_max=180)


def median_error(found: Elastogram, decoded: StiffnessMap) -> float:
    """Of the pixels without marks, as a share of the scale."""
    right = found.overlay & ~found.planted
    return float(np.nanmedian(np.abs(decoded.values[right] - 180 * found.shares[right])) / 180)


@pytest.mark.parametrize("name", MAPS)
@pytest.mark.parametrize("opacity", [0.3, 0.7])
def test_a_lossless_picture_is_decoded_and_its_marks_are_flagged(name: str, opacity: float) -> None:
    found = elastogram(name, opacity, seed=int(10 * opacity))
    decoded = decode(found)
    assert median_error(found, decoded) <= 0.01
    assert abs(decoded.opacity - opacity) < 0.01
    assert decoded.flagged[found.planted].mean() >= 0.95
    # away from marks nothing is lost
    right = found.overlay & ~binary_dilation(found.planted, iterations=4)
    assert decoded.flagged[right].mean() < 0.01
    np.testing.assert_array_equal(decoded.overlay, found.overlay)


@pytest.mark.parametrize("name", MAPS)
@pytest.mark.parametrize(("opacity", "side"), [(0.3, "left"), (0.5, "right"), (0.7, "right")])
def test_a_jpeg_is_decoded_within_its_limits(name: str, opacity: float, side: str) -> None:
    found = elastogram(name, opacity, side=side, seed=2)
    decoded = decode(found, jpeg=True)
    assert median_error(found, decoded) <= 0.025
    assert decoded.flagged[found.planted].mean() >= 0.9
    right = found.overlay & ~binary_dilation(found.planted, iterations=4)
    assert decoded.flagged[right].mean() < 0.1


def test_an_opaque_overlay_is_known_for_one() -> None:
    found = elastogram("jet", 1.0)
    decoded = decode(found)
    assert decoded.opacity == 1.0
    assert median_error(found, decoded) <= 0.01


def test_a_pixel_by_hand() -> None:
    """Bar from blue (low) to red (high), half opaque: 0.5 · (51, 0, 204) + 0.5 · 100 = (75.5, 50, 152), a fifth up."""
    picture = np.zeros((160, 160, 3))
    ramp = np.linspace(0, 255, 101)
    bar = np.stack([ramp, 0 * ramp, 255 - ramp], axis=1)
    picture[20:121, 140:150] = bar[::-1, None]
    picture[20:120, 10:111] = 0.5 * bar[None] + 50
    picture[60:70, 30:40] = (76, 50, 152)
    decoded = decode_stiffness(np.rint(picture).astype(np.uint8), scale_max=200, opacity=0.5)
    assert decoded.opacity_range == (0.5, 0.5)
    assert abs(decoded.values[65, 35] - 40) < 0.5
    assert decoded.residual[65, 35] < 1


def test_the_declared_scale_and_its_lower_end_count() -> None:
    found = elastogram("jet", 0.5, marks=False)
    low, high = decode_stiffness(found.rgb, scale_max=10, unit="m/s"), decode_stiffness(found.rgb, scale_max=10, scale_min=2, unit="m/s")
    np.testing.assert_allclose(high.values, 2 + 0.8 * low.values)
    assert low.unit == "m/s"


def test_speed_becomes_modulus_only_on_request() -> None:
    found = elastogram("jet", 0.5, marks=False)
    decoded = decode_stiffness(found.rgb, scale_max=10, unit="m/s")
    modulus = decoded.to_kpa()
    # 3 · 1000 kg/m³ · (5 m/s)² = 75 kPa; 0.9 of it at 900 kg/m³
    row, column = np.unravel_index(np.nanargmin(np.abs(decoded.values - 5)), decoded.values.shape)
    assert modulus.values[row, column] == pytest.approx(3 * decoded.values[row, column] ** 2)
    assert modulus.scale == (0, 300)
    assert decoded.to_kpa(900).values[row, column] == pytest.approx(0.9 * modulus.values[row, column])
    assert modulus.to_kpa() is modulus
    with pytest.raises(RadiogenError) as caught:
        decoded.to_kpa(0)
    assert caught.value.code == "RG708"


def test_counts_add_up_and_what_is_not_decoded_is_missing() -> None:
    decoded = decode(elastogram("viridis", 0.5))
    counts = decoded.counts
    assert counts["overlay"] == counts["decoded"] + counts["flagged"]
    assert counts["decoded"] == int(np.isfinite(decoded.values).sum())
    assert np.isnan(decoded.residual[~decoded.overlay]).all()
    assert np.isfinite(decoded.residual[decoded.overlay]).all()


def test_places_without_colour_in_the_box_are_flagged() -> None:
    found = elastogram("jet", 0.5, marks=False)
    picture = found.rgb.copy()
    spot = np.zeros(found.overlay.shape, dtype=bool)
    spot[100:118, 100:120] = True
    picture[spot] = 90
    decoded = decode_stiffness(picture, scale_max=180)
    assert decoded.overlay[spot].all()
    assert decoded.flagged[spot].mean() > 0.95


def test_an_opacity_that_colours_cannot_tell_is_told() -> None:
    """Only the black-to-red part of a hot map: one hue, in which paler and lower look the same."""
    rng = np.random.default_rng(5)
    shares = 0.05 + 0.25 * np.linspace(0, 1, 150)[None] + 0 * np.zeros((120, 1))
    picture = np.zeros((160, 220, 3))
    picture[20:140, 20:170] = 0.5 * 255 * hot(shares) + 0.5 * rng.uniform(20, 200, (120, 150, 1))
    picture[30:130, 200:212] = 255 * hot(np.linspace(1, 0, 100))[:, None]
    whole = np.rint(picture).astype(np.uint8)
    decoded = decode_stiffness(whole, scale_max=180)
    assert decoded.opacity_range[1] - decoded.opacity_range[0] > 0.1
    assert [p.code for p in decoded.problems] == ["RG528"]
    declared = decode_stiffness(whole, scale_max=180, opacity=0.5)
    assert declared.problems == ()
    assert np.nanmedian(np.abs(declared.values[20:140, 20:170] - 180 * shares)) < 1.8


def test_bar_box_and_overlay_box_may_be_declared() -> None:
    found = elastogram("hues", 0.6, marks=False)
    rows, columns = np.nonzero(found.overlay)
    place = (int(rows.min()), int(rows.max()), int(columns.min()), int(columns.max()))
    free = decode(found)
    told = decode_stiffness(found.rgb, scale_max=180, bar=found.bar, box=place)
    np.testing.assert_array_equal(free.values, told.values)
    turned = decode_stiffness(found.rgb, scale_max=180, bar=find_colour_bar(found.rgb).reversed())
    np.testing.assert_allclose(turned.values, 180 - free.values, atol=0.5)


def test_an_image_is_decoded_as_its_pixels_are() -> None:
    rgb = elastogram("jet", 0.5).rgb
    image = Image(rgb, None, "PNG", "RGB")
    np.testing.assert_array_equal(decode_stiffness(image, scale_max=180).values, decode_stiffness(rgb, scale_max=180).values)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"scale_max": None}, "RG520"), ({"scale_max": 180, "unit": "mmHg"}, "RG520"), ({"scale_max": 10, "scale_min": 10}, "RG520"),
        ({"scale_max": float("nan")}, "RG520"), ({"scale_max": 180, "opacity": 1.2}, "RG708"),
        ({"scale_max": 180, "box": (0, 500, 0, 10)}, "RG708"),
    ],
)  # fmt: skip
def test_wrong_calls_have_codes(options: dict[str, Any], code: str) -> None:
    with pytest.raises(RadiogenError) as caught:
        decode_stiffness(elastogram("jet", 0.5).rgb, **options)
    assert caught.value.code == code


def test_other_pictures_are_refused() -> None:
    found = elastogram("jet", 0.5)
    grey = np.repeat(found.rgb[..., :1], 3, axis=2)
    with pytest.raises(RadiogenError) as no_bar:
        decode_stiffness(grey, scale_max=180)
    only_bar = grey.copy()
    top, bottom, left, right = found.bar
    only_bar[top : bottom + 1, left : right + 1] = found.rgb[top : bottom + 1, left : right + 1]
    with pytest.raises(RadiogenError) as no_overlay:
        decode_stiffness(only_bar, scale_max=180)
    with pytest.raises(RadiogenError) as wrong_bar:  # an overlay in other colours than the bar's
        other = elastogram("hot", 0.6, marks=False).rgb.copy()
        other[top : bottom + 1, left : right + 1] = elastogram("viridis", 0.6).rgb[top : bottom + 1, left : right + 1]
        decode_stiffness(other, scale_max=180)
    with pytest.raises(RadiogenError) as not_colour:
        decode_stiffness(found.rgb[..., 0], scale_max=180)
    assert [e.value.code for e in (no_bar, no_overlay, wrong_bar, not_colour)] == ["RG511", "RG522", "RG519", "RG511"]
