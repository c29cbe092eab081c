"""Simulated elastograms: the truth fits the pixels, and decoding finds it again."""

from __future__ import annotations

import numpy as np
import pytest

from radiogen.imaging.elastography import decode_stiffness
from radiogen.simulate.bmode import Picture, Traits, draw_picture
from radiogen.simulate.colourmaps import COLOUR_MAPS, colours_of
from radiogen.simulate.elastography import SwePicture, draw_swe
from radiogen.simulate.scanner import SCANNERS
from tests.imaging.swe_pictures import as_jpeg


def bmode(seed: int = 4) -> Picture:
    return draw_picture(np.random.default_rng(seed), Traits(16, 0, 0, 0, 0, 0), SCANNERS["Alpha"])


def swe(picture: Picture, seed: int = 7, stiffness: float = 0.0, **options: object) -> SwePicture:
    return draw_swe(np.random.default_rng(seed), picture, stiffness, SCANNERS["Alpha"], **options)  # type: ignore[arg-type]


def test_the_pixels_are_the_truth_blended_over_the_picture() -> None:
    picture = bmode()
    found = swe(picture, colour_map="jet", opacity=0.4)
    inside = np.isfinite(found.kpa) & ~found.planted
    rows, columns = np.nonzero(inside)
    # the screen has a line of text above the picture
    down = found.image.shape[0] - picture.image.shape[0]
    grey = picture.image[rows - down, columns].astype(np.float64)
    expected = 0.4 * colours_of("jet", found.kpa[inside] / 180) + 0.6 * grey[:, None]
    assert np.abs(found.image[inside] - expected).max() <= 0.5 + 1e-9
    top, bottom, left, right = found.bar_box
    np.testing.assert_array_equal(
        found.image[top : bottom + 1, left], np.rint(colours_of("jet", np.linspace(1, 0, bottom - top + 1))).astype(np.uint8)
    )
    assert right - left + 1 >= 8


def test_a_stiffer_trait_is_a_stiffer_lesion_with_a_stiff_rim() -> None:
    picture = bmode()
    soft, hard = (swe(picture, stiffness=s, scale_max_kpa=300.0) for s in (-1.0, 1.0))
    means = [float(np.nanmean(s.kpa[s.mask])) for s in (soft, hard)]
    # median 58 · exp(±0.38), the rim of a lesion a little softened by what lies beside it
    assert 1.7 < means[1] / means[0] < 2.2
    assert np.nanmean(hard.kpa[hard.reference]) < 0.5 * means[1]
    assert not (hard.reference & hard.mask).any()


@pytest.mark.parametrize("name", COLOUR_MAPS)
@pytest.mark.parametrize(("opacity", "jpeg", "limit"), [(0.3, False, 0.01), (0.7, False, 0.01), (0.5, True, 0.025)])
def test_decoding_finds_the_truth_in_every_map(name: str, opacity: float, jpeg: bool, limit: float) -> None:
    found = swe(bmode(11), seed=3, stiffness=0.6, colour_map=name, opacity=opacity)
    decoded = decode_stiffness(as_jpeg(found.image) if jpeg else found.image, scale_max=found.scale_max_kpa)
    right = np.isfinite(found.kpa) & ~found.planted
    error = np.abs(decoded.values - found.shown_kpa)[right] / found.scale_max_kpa
    assert np.nanmedian(error) <= limit
    if found.planted.any():
        assert decoded.flagged[found.planted].mean() >= 0.95


def test_the_same_numbers_give_the_same_picture() -> None:
    picture = bmode()
    np.testing.assert_array_equal(swe(picture).image, swe(picture).image)
