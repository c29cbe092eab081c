"""Stiffness features of pictures drawn so that every number is known."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from radiogen.errors import RadiogenError
from radiogen.features.elastography import ELASTOGRAPHY, measure, names, settings
from radiogen.features.family import Examination
from radiogen.imaging import Image

#: declared as a user would in the YAML
OPTIONS = {"unit": "kPa", "scale_max": 100.0}
#: no texture: the engine is not what is tested here
PLAIN = {"imageType": {"Original": {}}, "featureClass": {"firstorder": ["Mean"]}}


def colours(share: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """From blue through green to red."""
    t = np.asarray(share, dtype=np.float64)
    return 255 * np.stack([np.clip(2 * t - 1, 0, 1), 1 - np.abs(2 * t - 1), np.clip(1 - 2 * t, 0, 1)], axis=-1)


def examination(spacing_mm: float | None = 0.2, **changes: object) -> Examination:
    """A lesion of 40 × 40 pixels at 50 kPa, upper quarter at 90; 80 kPa within 10 pixels around it; else 20 kPa."""
    share = np.full((200, 240), 0.2)
    share[60:120, 70:130] = 0.8
    share[70:110, 80:120] = 0.5
    share[70:80, 80:120] = 0.9
    picture = np.zeros((200, 240, 3))
    picture[10:190, 10:200] = (0.5 * colours(share) + 0.5 * 80)[10:190, 10:200]
    picture[40:141, 215:227] = colours(np.linspace(1, 0, 101))[:, None]
    mask, reference = np.zeros((2, 200, 240), dtype=bool)
    mask[70:110, 80:120] = True
    reference[150:170, 20:40] = True
    image = Image(np.rint(picture).astype(np.uint8), None, "PNG", "RGB")
    pair = None if spacing_mm is None else (spacing_mm, spacing_mm)
    return replace(Examination(image, mask, reference, pair), **changes)  # type: ignore[arg-type]


def values(exam: Examination, **options: object) -> dict[str, float]:
    chosen = settings({**OPTIONS, "settings": PLAIN, **options})
    return measure(exam, chosen, "pyradiomics").values.to_dict()


def test_the_lesion_by_hand() -> None:
    found = values(examination())
    # a quarter at 90 and three quarters at 50
    assert found["mean_kpa"] == pytest.approx(60, abs=0.5)
    assert found["median_kpa"] == pytest.approx(50, abs=0.5)
    assert found["max_kpa"] == pytest.approx(90, abs=0.5)
    assert found["min_kpa"] == pytest.approx(50, abs=0.5)
    assert found["p90_kpa"] == pytest.approx(90, abs=0.5)
    # n − 1: 40 · sqrt(0.25 · 0.75 · 1600 / 1599)
    assert found["sd_kpa"] == pytest.approx(40 * math.sqrt(0.1875 * 1600 / 1599), abs=0.3)
    assert found["ratio"] == pytest.approx(3.0, abs=0.03)
    assert found["share_above_80_kpa_pct"] == pytest.approx(25)
    assert found["original_firstorder_Mean"] == pytest.approx(found["mean_kpa"])


def test_the_shell_is_two_millimetres_wide_and_stands_beside_the_lesion() -> None:
    found = values(examination(0.2), stiff_above=75)
    assert found["shell_mean_kpa"] == pytest.approx(80, abs=0.5)
    assert found["shell_sd_kpa"] < 0.5
    assert found["shell_share_above_75_kpa_pct"] == pytest.approx(100)
    assert found["shell_ratio"] == pytest.approx(4.0, abs=0.04)
    # 2 mm are 10 pixels: 4 sides of 40 × 10, and 4 corners, the pixels at most 10 away
    corner = sum(math.hypot(x, y) <= 10 for x in range(1, 11) for y in range(1, 11))
    shell = 4 * 400 + 4 * corner
    both = (1600 * found["mean_kpa"] + shell * found["shell_mean_kpa"]) / (1600 + shell)
    assert found["with_shell_mean_kpa"] == pytest.approx(both, abs=0.01)


def test_one_wrong_pixel_does_not_make_the_maximum() -> None:
    exam = examination()
    pixels = exam.image.pixels.copy()
    pixels[95, 100] = np.rint(0.5 * colours(1.0) + 40)
    found = values(replace(exam, image=replace(exam.image, pixels=pixels)))
    assert found["max_kpa"] == pytest.approx(90, abs=0.5)


def test_without_spacing_a_shell_in_mm_is_missing_with_its_reason() -> None:
    measured = measure(examination(None), settings({**OPTIONS, "settings": PLAIN}), "pyradiomics")
    shell = [n for n in measured.values.index if n.startswith(("shell_", "with_shell_"))]
    assert len(shell) == 16
    assert measured.values[shell].isna().all()
    assert all("spacing" in measured.values.attrs["missing"][n] for n in shell)
    assert not measured.values.drop(shell).isna().any()
    in_pixels = measure(examination(None), settings({**OPTIONS, "settings": PLAIN, "shell_px": 10}), "pyradiomics")
    assert in_pixels.values["shell_mean_kpa"] == pytest.approx(80, abs=0.5)


def test_without_a_reference_the_ratio_is_missing_with_its_reason() -> None:
    measured = measure(examination(reference=None), settings({**OPTIONS, "settings": PLAIN}), "pyradiomics")
    ratios = ["ratio", "shell_ratio", "with_shell_ratio"]
    assert measured.values[ratios].isna().all()
    assert {measured.values.attrs["missing"][n] for n in ratios} == {"no reference region is drawn"}


@pytest.mark.parametrize("spacing", [0.2, None])
def test_the_names_are_fixed_and_texture_follows(spacing: float | None) -> None:
    chosen = settings(OPTIONS)
    measured = measure(examination(spacing), chosen, "pyradiomics")
    expected = names(chosen, calibrated=spacing is not None)
    assert tuple(measured.values.index) == expected
    assert len(set(expected)) == len(expected)
    assert expected[0] == "mean_kpa"
    assert chosen["texture"]["setting"]["binWidth"] == 5
    assert measured.values["original_glcm_JointEntropy"] > 0
    assert not any("shape2D" in n for n in expected)


def test_speeds_keep_their_unit_unless_asked() -> None:
    found = values(examination(), unit="m/s", scale_max=10)
    assert found["mean_m_s"] == pytest.approx(6, abs=0.05)
    assert found["share_above_5p16_m_s_pct"] == pytest.approx(25)  # 80 kPa are 5.16 m/s: 5.0 is below, 9.0 above
    turned = values(examination(), unit="m/s", scale_max=10, to_kpa=True)
    # a quarter at 3 · 9² and three quarters at 3 · 5² kPa
    assert turned["mean_kpa"] == pytest.approx(0.25 * 243 + 0.75 * 75, rel=0.01)


def test_a_lesion_partly_outside_the_overlay_is_told_and_measured_within() -> None:
    exam = examination()
    assert exam.mask is not None
    mask = exam.mask.copy()
    mask[:] = False
    mask[20:40, 190:210] = True  # half of it in black
    measured = measure(replace(exam, mask=mask), settings({**OPTIONS, "settings": PLAIN}), "pyradiomics")
    assert measured.quality["decoded_share_pct"] == pytest.approx(50)
    assert measured.values["mean_kpa"] == pytest.approx(20, abs=0.5)
    assert "RG521" in [p.code for p in measured.problems]


def test_quality_counts_what_is_at_the_end_of_the_scale() -> None:
    exam = examination()
    pixels = exam.image.pixels.copy()
    pixels[70:90, 80:120] = np.rint(0.5 * colours(1.0) + 40)
    quality = measure(
        replace(exam, image=replace(exam.image, pixels=pixels)), settings({**OPTIONS, "settings": PLAIN}), "pyradiomics"
    ).quality
    assert quality["saturated_share_pct"] == pytest.approx(50, abs=3)
    assert quality["opacity"] == pytest.approx(0.5, abs=0.01)
    assert quality["decoded_share_pct"] > 95


def test_a_small_lesion_has_stiffness_and_no_texture() -> None:
    exam = examination()
    assert exam.mask is not None
    mask = np.zeros_like(exam.mask)
    mask[95:101, 95:101] = True
    measured = measure(replace(exam, mask=mask), settings(OPTIONS), "pyradiomics")
    assert measured.values["mean_kpa"] == pytest.approx(50, abs=0.5)
    assert np.isnan(measured.values["original_glcm_JointEntropy"])
    assert [p.code for p in measured.problems] == ["RG510"]


@pytest.mark.parametrize(
    ("options", "code"), [({"unit": None}, "RG520"), ({"scale_max": None}, "RG520"), ({"unit": "bar"}, "RG520")]
)
def test_what_is_not_declared_is_not_guessed(options: dict[str, object], code: str) -> None:
    with pytest.raises(RadiogenError) as caught:
        values(examination(), **options)
    assert caught.value.code == code


def test_a_lesion_beyond_the_overlay_and_a_missing_mask_are_errors() -> None:
    mask = np.zeros((200, 240), dtype=bool)
    mask[195:199, 100:110] = True
    with pytest.raises(RadiogenError) as outside:
        values(examination(mask=mask))
    with pytest.raises(RadiogenError) as none:
        values(examination(mask=None))
    assert [outside.value.code, none.value.code] == ["RG522", "RG705"]


def test_the_input_is_not_changed_and_the_family_is_complete() -> None:
    exam = examination()
    before = exam.image.pixels.copy()
    values(exam)
    np.testing.assert_array_equal(exam.image.pixels, before)
    assert ELASTOGRAPHY.needs_mask(None)
    assert "scipy" in ELASTOGRAPHY.versions("pyradiomics")
