"""Loops whose curves are known: linearisation, panes, motion, times, maps and patterns."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, shift

from radiogen.errors import RadiogenError
from radiogen.imaging import Image, Region
from radiogen.imaging.bolus.cine import intensities, trimmed_mean
from radiogen.imaging.bolus.kinetics import fit_curve
from radiogen.imaging.bolus.parametric import (
    ParametricMaps,
    enhanced_area_ratio,
    heterogeneity,
    non_enhancing_share,
    parametric_maps,
    rim_and_core,
)
from radiogen.imaging.bolus.shapes import SHAPES
from radiogen.imaging.contrast import find_panes, time_intensity

ROWS, COLUMNS = 48, 56
TIMES = np.arange(0, 60, 0.5)
BOLUS = SHAPES["lognormal"].curve((TIMES - 5) / 12, 0.5)


def ellipse(row: float = 24, column: float = 28, height: float = 12, width: float = 14) -> np.ndarray:
    r, c = np.mgrid[:ROWS, :COLUMNS]
    return np.asarray(((r - row) / height) ** 2 + ((c - column) / width) ** 2 < 1)


def levels(power: np.ndarray, dynamic_range: float = 60.0) -> np.ndarray:
    """Log compression: black at 1, white the dynamic range above it."""
    shown = 255 * 10 * np.log10(np.maximum(power, 1.0)) / dynamic_range
    return np.rint(np.clip(shown, 0, 255)).astype(np.uint8)


def image(pixels: np.ndarray, times: np.ndarray | None = TIMES, regions: tuple[Region, ...] = ()) -> Image:
    return Image(pixels, None, "DICOM", "MONOCHROME2", regions, n_frames=len(pixels), frame_times_s=times)


def speckled(seed: int, peak: float = 2e4, clutter: float = 20.0, around: float = 0.2, range_db: float = 60.0) -> Image:
    rng = np.random.default_rng(seed)
    weights = np.where(ellipse(), 1.0, around)
    power = (clutter + peak * BOLUS[:, None, None] * weights) * rng.exponential(size=(len(TIMES), ROWS, COLUMNS))
    return image(levels(power, range_db))


# -- linearisation ------------------------------------------------------------------------------------------------------


def test_intensities_by_hand() -> None:
    table = intensities(51.0)  # 0.2 dB a level
    assert table[0] == 0
    assert table[50] == pytest.approx(10 - 1)  # 10 dB
    assert table[255] == pytest.approx(10**5.1 - 1)
    np.testing.assert_array_equal(intensities(None), np.arange(256))


def test_the_region_is_averaged_after_linearisation() -> None:
    # two pixels of 40 and of 20 dB: mean power 5050, less the 1 of black; the mean level, 30 dB, would say 999
    loop = np.zeros((2, 4, 4), np.uint8)
    loop[1, 1, 1:3] = 170, 85
    mask = np.zeros((4, 4), bool)
    mask[1, 1:3] = True
    found = time_intensity(image(loop, np.array([0.0, 1.0])), mask, dynamic_range_db=60, motion="none")
    assert found.lesion.tolist() == pytest.approx([0, 5049])
    assert found.linear and found.unit == "linear a.u." and not found.problems
    grey = time_intensity(image(loop, np.array([0.0, 1.0])), mask, motion="none")
    assert grey.lesion.tolist() == [0, 127.5]
    assert not grey.linear and grey.unit == "relative grey" and [p.code for p in grey.problems] == ["RG527"]


def test_trimmed_mean_is_the_centre_of_a_symmetric_law_cut_off_at_black() -> None:
    values = np.random.default_rng(0).normal(1.0, 2.0, 200_000)
    assert np.maximum(values, 0).mean() == pytest.approx(1.396, abs=0.02)  # 1 Φ(½) + 2 φ(½)
    assert trimmed_mean(np.maximum(values, 0)) == pytest.approx(1.0, abs=0.03)
    assert trimmed_mean(np.maximum(values - 2, 0)) == 0.0


@pytest.mark.parametrize("range_db", [50.0, 60.0])
def test_a_log_compressed_speckle_loop_gives_its_parameters_back(range_db: float) -> None:
    loop = speckled(1, range_db=range_db)
    before = loop.pixels.copy()
    found = time_intensity(loop, ellipse(), dynamic_range_db=range_db)
    np.testing.assert_array_equal(loop.pixels, before)
    fit = fit_curve(found.times_s, found.lesion)
    assert fit.peak_enhancement == pytest.approx(2e4, rel=0.05)
    assert fit.time_to_peak_s == pytest.approx(17, rel=0.03)
    assert fit.mean_transit_time_s == pytest.approx(12 * math.exp(0.375), rel=0.05)
    assert fit.auc == pytest.approx(2e4 * 12 * SHAPES["lognormal"].area_to(math.inf, 0.5), rel=0.05)


def test_pixel_noise_cut_off_at_black_does_not_lift_the_baseline() -> None:
    rng = np.random.default_rng(2)
    power = 1e4 * BOLUS[:, None, None] * ellipse() + rng.normal(0, 1e3, (len(TIMES), ROWS, COLUMNS))
    found = time_intensity(image(levels(power)), ellipse(), dynamic_range_db=60)
    assert abs(found.lesion[:8].mean()) < 100  # a plain mean gives 1e3 / √(2π) = 399
    assert fit_curve(TIMES, found.lesion).auc == pytest.approx(1e4 * 12 * SHAPES["lognormal"].area_to(math.inf, 0.5), rel=0.03)


def test_a_tinted_pane_is_read_by_its_luminance_with_a_remark() -> None:
    grey = speckled(3).pixels
    tinted = np.stack([grey, grey // 2, grey // 4], axis=-1)
    found = time_intensity(image(tinted), ellipse(), dynamic_range_db=60, motion="none")
    assert "RG514" in [p.code for p in found.problems]
    same = np.repeat(grey[..., None], 3, axis=-1)
    plain = time_intensity(image(same), ellipse(), dynamic_range_db=60, motion="none")
    assert not plain.problems
    np.testing.assert_allclose(plain.lesion, time_intensity(image(grey), ellipse(), dynamic_range_db=60, motion="none").lesion)


def test_white_pixels_are_named() -> None:
    found = time_intensity(speckled(4, peak=5e6), ellipse(), dynamic_range_db=60, motion="none")
    assert found.saturated_share > 0.5 and "RG528" in [p.code for p in found.problems]


# -- panes --------------------------------------------------------------------------------------------------------------


def dual(amplitude: float = 0.0, seed: int = 5) -> tuple[Image, np.ndarray, np.ndarray]:
    """Tissue pane left, contrast pane right, both moving; image, mask in the contrast pane, shifts."""
    rng = np.random.default_rng(seed)
    tissue = gaussian_filter(rng.normal(size=(ROWS, COLUMNS)), 1.5)
    tissue = 200 * (tissue - tissue.min()) / np.ptp(tissue)
    moved = amplitude * np.column_stack([np.sin(TIMES / 2), 0.5 * np.sin(TIMES / 3)])
    weights = np.where(ellipse(), 2e4, 1e3)
    frames = []
    for bolus, d in zip(BOLUS, moved, strict=True):
        power = shift(weights * bolus + 20, d, order=1, mode="nearest") * rng.exponential(size=(ROWS, COLUMNS))
        shown = shift(tissue, d, order=1, mode="nearest") + rng.normal(0, 5, (ROWS, COLUMNS))
        frames.append(np.hstack([np.clip(shown, 0, 255).astype(np.uint8), levels(power)]))
    return image(np.array(frames)), np.hstack([np.zeros_like(ellipse()), ellipse()]), moved


CONTRAST_BOX, TISSUE_BOX = (0, ROWS - 1, COLUMNS, 2 * COLUMNS - 1), (0, ROWS - 1, 0, COLUMNS - 1)


def test_motion_is_followed_on_the_tissue_pane() -> None:
    loop, mask, moved = dual(amplitude=4.0)
    boxes: dict[str, Any] = {"contrast_box": list(CONTRAST_BOX), "tissue_box": list(TISSUE_BOX)}
    found = time_intensity(loop, mask, dynamic_range_db=60, **boxes)
    assert np.abs(found.shifts_px - moved).max() < 0.2 and not found.excluded.any()
    still = time_intensity(loop, mask, dynamic_range_db=60, motion="none", **boxes)
    corrected, plain = fit_curve(TIMES, found.lesion), fit_curve(TIMES, still.lesion)
    assert corrected.peak_enhancement == pytest.approx(2e4, rel=0.05)
    assert plain.peak_enhancement < 0.93 * 2e4


def test_frames_that_are_too_far_are_left_out_of_the_curve() -> None:
    loop, mask, _ = dual()
    loop.pixels[30] = np.roll(loop.pixels[30], 20, axis=0)
    found = time_intensity(loop, mask, dynamic_range_db=60, contrast_box=CONTRAST_BOX, tissue_box=TISSUE_BOX)
    assert np.flatnonzero(found.excluded).tolist() == [30] and math.isnan(found.lesion[30])
    assert [p.code for p in found.problems] == ["RG533"]
    assert fit_curve(TIMES, found.lesion).n_frames == len(TIMES) - 1


def test_two_dicom_regions_are_told_apart_by_the_mask() -> None:
    loop, mask, _ = dual()
    regions = tuple(Region((b[0], b[1]), (b[2], b[3]), 1, 1, (0.2, 0.2)) for b in (TISSUE_BOX, CONTRAST_BOX))
    panes = find_panes(image(loop.pixels, regions=regions), mask)
    assert panes.contrast == CONTRAST_BOX and panes.tissue == TISSUE_BOX
    # drawn on the other pane, that one is measured: which is which is not guessed from the picture
    assert find_panes(image(loop.pixels, regions=regions), mask[:, ::-1]).contrast == TISSUE_BOX
    assert find_panes(loop, mask).contrast == (0, ROWS - 1, 0, 2 * COLUMNS - 1) and find_panes(loop, mask).tissue is None


def test_a_mask_on_the_declared_tissue_pane_is_carried_over() -> None:
    loop, mask, _ = dual()
    drawn = np.hstack([ellipse(), np.zeros_like(ellipse())])
    panes = find_panes(loop, drawn, drawn, CONTRAST_BOX, TISSUE_BOX)
    np.testing.assert_array_equal(panes.mask, mask)
    np.testing.assert_array_equal(panes.reference, mask)
    for box in (None, (0, ROWS - 1, 0, COLUMNS - 10)):  # no tissue pane, or one of another size
        with pytest.raises(RadiogenError) as caught:
            find_panes(loop, drawn, None, CONTRAST_BOX, box)
        assert caught.value.code == "RG522"


# -- wrong input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"times_s": TIMES[:-1]}, "RG705"),
        ({"times_s": TIMES[::-1]}, "RG705"),
        ({"mask": np.ones((3, 3), bool)}, "RG504"),
        ({"mask": np.zeros((ROWS, COLUMNS), bool)}, "RG505"),
        ({"dynamic_range_db": 0.0}, "RG708"),
        ({"dynamic_range_db": math.nan}, "RG708"),
        ({"motion": "affine"}, "RG708"),
        ({"contrast_box": [0, 999, 0, 5]}, "RG708"),
        ({"contrast_box": [0, 3, 0, 3]}, "RG522"),
        ({"reference": np.zeros((ROWS, COLUMNS), bool)}, "RG505"),
    ],
)
def test_wrong_calls_are_errors(change: dict[str, Any], code: str) -> None:
    arguments: dict[str, Any] = {"mask": ellipse(), **change}
    with pytest.raises(RadiogenError) as caught:
        time_intensity(speckled(0), **arguments)
    assert caught.value.code == code


def test_stills_unknown_times_and_deep_pixels_are_errors() -> None:
    still = Image(np.zeros((ROWS, COLUMNS)), None, "PNG", "L")
    deep = image(np.full((3, ROWS, COLUMNS), 4000, np.uint16), np.arange(3.0))
    for loop, code in ((still, "RG532"), (image(speckled(0).pixels, None), "RG525"), (deep, "RG511")):
        with pytest.raises(RadiogenError) as caught:
            time_intensity(loop, ellipse())
        assert caught.value.code == code


def test_declared_times_take_the_place_of_the_files() -> None:
    loop = image(speckled(0).pixels, None)
    assert time_intensity(loop, ellipse(), times_s=TIMES * 2).times_s[-1] == 119


# -- maps and patterns --------------------------------------------------------------------------------------------------


def test_maps_show_a_later_half_and_a_defect() -> None:
    rng = np.random.default_rng(6)
    late = SHAPES["lognormal"].curve((TIMES - 10) / 12, 0.5)
    curves = np.where((np.arange(COLUMNS) >= 28)[None, None, :], late[:, None, None], BOLUS[:, None, None])
    mask = np.zeros((ROWS, COLUMNS), bool)
    mask[12:36, 12:44] = True
    weights = np.where(mask, 1.0, 0.05)
    weights[12:20, 12:28] = 0.02  # 8 × 16 of 24 × 32 pixels: a sixth
    power = (20 + 2e4 * curves * weights) * rng.gamma(4, 0.25, (len(TIMES), ROWS, COLUMNS))
    found = time_intensity(image(levels(power)), mask, dynamic_range_db=60, motion="none")
    fit = fit_curve(TIMES, found.lesion)
    maps = parametric_maps(found, fit)
    top, _, left, _ = maps.box
    rows, columns = (np.arange(n) * maps.block + first for n, first in zip(maps.level.shape, (top, left), strict=True))
    lower = (rows >= 20) & (rows + maps.block <= 36)
    first = maps.time_to_peak_s[np.ix_(lower, (columns >= 12) & (columns + maps.block <= 28))]
    second = maps.time_to_peak_s[np.ix_(lower, (columns >= 28) & (columns + maps.block <= 44))]
    assert np.median(first) == pytest.approx(17, abs=1) and np.median(second) == pytest.approx(22, abs=1)
    inside = maps.inside
    assert np.median(maps.peak_enhancement[inside]) == pytest.approx(2e4, rel=0.15)
    assert np.nanmedian(maps.wash_in_rate[inside]) == pytest.approx(fit_curve(TIMES, 2e4 * BOLUS).wash_in_rate, rel=0.25)
    assert np.median(maps.auc[inside]) == pytest.approx(2e4 * 12 * SHAPES["lognormal"].area_to(math.inf, 0.5), rel=0.15)
    assert non_enhancing_share(maps) == pytest.approx(1 / 6, abs=0.03)
    # levels 1 and 0.02 in shares 5/6 and 1/6: standard deviation over mean is 0.365 / 0.837
    assert heterogeneity(maps) == pytest.approx(0.44, abs=0.08)


def blocks(level: np.ndarray, lesion: np.ndarray) -> ParametricMaps:
    return ParametricMaps(4, (0, 79, 0, 79), lesion.astype(float), level, level, level, level, level, level)


def test_the_enhanced_area_over_the_mask_by_hand() -> None:
    r, c = np.mgrid[:20, :20]
    lesion = (abs(r - 9.5) < 4) & (abs(c - 9.5) < 4)  # 8 × 8 blocks
    wider = (abs(r - 9.5) < 5) & (abs(c - 9.5) < 5)  # 10 × 10
    assert enhanced_area_ratio(blocks(np.where(lesion, 1.0, 0.1), lesion)) == pytest.approx(1, abs=0.07)
    # the corners are rounded off by the averaging over 3 × 3 blocks
    assert enhanced_area_ratio(blocks(np.where(wider, 1.0, 0.1), lesion)) == pytest.approx(100 / 64, abs=0.07)
    assert math.isnan(enhanced_area_ratio(blocks(np.where(lesion, 1.0, 0.9), lesion)))
    far = np.where(lesion | ((r < 2) & (c < 4)), 1.0, 0.1)  # another bright spot does not count
    assert enhanced_area_ratio(blocks(far, lesion)) == pytest.approx(1, abs=0.07)


def test_rim_and_core_halve_the_area_and_the_core_lies_inside() -> None:
    rim, core = rim_and_core(ellipse())
    assert abs(int(rim.sum()) - int(core.sum())) <= 1 and not (rim & core).any()
    r, c = np.nonzero(core)
    assert np.hypot((r - 24) / 12, (c - 28) / 14).max() < 0.85
    assert rim_and_core(np.ones((1, 1), bool))[1].sum() == 0


def test_maps_need_a_fit_and_sensible_settings() -> None:
    found = time_intensity(speckled(0), ellipse(), dynamic_range_db=60, motion="none")
    with pytest.raises(RadiogenError) as caught:
        parametric_maps(found, fit_curve(TIMES, np.zeros_like(TIMES)))
    assert caught.value.code == "RG705"
    with pytest.raises(RadiogenError) as caught:
        parametric_maps(found, fit_curve(TIMES, found.lesion), smooth_s=0)
    assert caught.value.code == "RG708"


def test_a_still_loop_of_one_pane_is_not_moved() -> None:
    """Before the bolus a contrast pane holds noise; no motion may be made of it, nor frames left out."""
    rng = np.random.default_rng(5)
    times = np.arange(0, 60, 0.5)
    bolus = np.exp(-0.5 * (np.log(np.maximum(times - 8, 1e-6) / 12) / 0.5) ** 2)
    frames = np.clip(rng.normal(6, 3, (len(times), 60, 80)), 0, 255)
    frames[:, 20:40, 20:60] += 150 * bolus[:, None, None]
    loop = Image(frames.astype(np.uint8), None, "TIFF", "L", n_frames=len(times), frame_times_s=times)
    mask = np.zeros((60, 80), bool)
    mask[20:40, 20:60] = True
    found = time_intensity(loop, mask)
    assert not found.shifts_px.any() and not found.excluded.any()
    assert ("RG533", "note") in [(p.code, p.severity) for p in found.problems]
