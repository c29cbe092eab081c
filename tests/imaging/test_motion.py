"""Rigid motion that was planted, and noise that must not be taken for it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, shift

from radiogen.errors import RadiogenError
from radiogen.imaging.bolus.motion import follow

ROWS, COLUMNS, FRAMES = 72, 80, 40


def scene(seed: int) -> np.ndarray:
    field = gaussian_filter(np.random.default_rng(seed).normal(size=(ROWS + 40, COLUMNS + 40)), 2)
    return 200 * (field - field.min()) / np.ptp(field)


def planted() -> np.ndarray:
    k = np.arange(FRAMES)
    moved = np.column_stack([4 * np.sin(k / 3), 2.5 * np.cos(k / 5)])
    return moved - moved[0]


def loop(noise: float = 8.0) -> np.ndarray:
    rng, still = np.random.default_rng(1), scene(0)
    frames = [shift(still, d, order=3)[20:-20, 20:-20] + rng.normal(0, noise, (ROWS, COLUMNS)) for d in planted()]
    return np.clip(frames, 0, 255).astype(np.uint8)


def test_shifts_are_found_to_a_tenth_of_a_pixel() -> None:
    found = follow(loop())
    assert found.followed and not found.too_far.any()
    assert np.abs(found.shifts_px - planted()).max() < 0.15


def test_shifts_count_from_the_reference_frame() -> None:
    found = follow(loop(), reference_frame=7)
    assert np.abs(found.shifts_px - (planted() - planted()[7])).max() < 0.15


def test_a_large_pane_is_averaged_down_and_shifts_stay_in_its_pixels() -> None:
    large = np.repeat(np.repeat(loop(), 4, axis=1), 4, axis=2)
    assert np.abs(follow(large).shifts_px - 4 * planted()).max() < 0.8
    colours = np.repeat(loop()[..., None], 3, axis=3)
    np.testing.assert_allclose(follow(colours).shifts_px, follow(loop()).shifts_px, atol=1e-3)


def test_text_that_stands_still_does_not_hold_the_tissue() -> None:
    frames = loop()
    frames[:, :8, :40:2] = 255
    assert np.abs(follow(frames).shifts_px - planted()).max() < 0.3


def test_another_plane_and_a_far_frame_are_named() -> None:
    frames = loop()
    frames[10] = scene(5)[20:-20, 20:-20]
    frames[20] = shift(scene(0), (18, 0), order=1)[20:-20, 20:-20]  # a fifth of 72 rows is 14.4
    found = follow(frames)
    assert np.flatnonzero(found.too_far).tolist() == [10, 20]


def test_noise_is_not_motion() -> None:
    noise = np.random.default_rng(2).integers(0, 255, (30, 64, 64)).astype(np.uint8)
    found = follow(noise)
    assert not found.followed and not found.shifts_px.any() and not found.too_far.any()


@pytest.mark.parametrize("frames", [np.full((5, 20, 20), 7, np.uint8), np.zeros((1, 20, 20), np.uint8)])
def test_pictures_that_never_change_have_no_motion(frames: np.ndarray) -> None:
    assert not follow(frames).shifts_px.any()


def test_a_contrast_pane_that_lights_up_is_followed_once_it_is_lit() -> None:
    rng, moved = np.random.default_rng(3), planted()
    bright = np.linspace(-0.5, 1.5, FRAMES).clip(0, 1)
    frames = [b * shift(scene(0), d, order=1)[20:-20, 20:-20] + rng.normal(8, 3, (ROWS, COLUMNS)) for b, d in zip(bright, moved, strict=True)]
    found = follow(np.clip(frames, 0, 255).astype(np.uint8), brightness_changes=True)
    lit = bright > 0.3
    off = found.shifts_px[lit] - moved[lit]
    assert not found.too_far.any()
    assert np.abs(off - np.median(off, axis=0)).max() < 0.4


def test_speckle_that_changes_in_a_still_contrast_pane_is_not_followed() -> None:
    rng = np.random.default_rng(4)
    rows, columns = np.mgrid[:ROWS, :COLUMNS]
    lesion = np.where((rows - 36) ** 2 + (columns - 40) ** 2 < 18**2, 140, 60)
    frames = lesion * rng.gamma(2, 0.5, (FRAMES, ROWS, COLUMNS))
    assert not follow(np.clip(frames, 0, 255).astype(np.uint8), brightness_changes=True).shifts_px.any()


def test_wrong_calls_are_errors() -> None:
    for frames, reference, code in ((np.zeros((5, 5), np.uint8), 0, "RG705"), (np.zeros((3, 5, 5), np.uint8), 3, "RG708")):
        with pytest.raises(RadiogenError) as caught:
            follow(frames, reference_frame=reference)
        assert caught.value.code == code
