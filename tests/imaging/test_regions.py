"""Regions of interest, with answers counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from radiogen.errors import RadiogenError
from radiogen.imaging.image import Region
from radiogen.imaging.regions import bounding_box, box_mask, box_slices, region_mask, ring


def square(size: int = 9, low: int = 3, high: int = 5) -> np.ndarray:
    mask = np.zeros((size, size), bool)
    mask[low : high + 1, low : high + 1] = True
    return mask


def test_a_crop_with_margin_stops_at_the_border() -> None:
    mask = square()
    assert bounding_box(mask) == (3, 5, 3, 5)
    assert bounding_box(mask, margin=10) == (0, 8, 0, 8)
    assert mask[box_slices(bounding_box(mask))].all()


def test_rings_of_a_square() -> None:
    mask = square()
    # 3 x 3: four sides of three pixels, then the corners at distance sqrt(2)
    assert ring(mask, 1, unit="px").sum() == 12
    assert ring(mask, 1.5, unit="px").sum() == 16
    # inside: all but the pixel in the middle is beside the border
    assert ring(mask, 1, unit="px", side="inside").sum() == 8
    assert ring(mask, 2, unit="px", side="inside").sum() == 9


def test_a_ring_in_mm_follows_the_spacing() -> None:
    mask = square()
    # rows 0.1 mm, columns 0.3 mm: 0.3 mm are three rows and one column; 0.32 mm reaches one row beside a column
    assert ring(mask, 0.3, spacing_mm=(0.1, 0.3)).sum() == 2 * 3 * 3 + 2 * 3
    assert ring(mask, 0.32, spacing_mm=(0.1, 0.3)).sum() == 2 * 3 * 3 + 2 * 3 + 4


def test_three_times_a_tenth_is_not_lost_to_rounding() -> None:
    assert ring(square(), 0.1 + 0.2, spacing_mm=(0.1, 0.1)).sum() == ring(square(), 3, unit="px").sum()


def test_a_ring_is_clipped_to_the_field() -> None:
    field = box_mask((0, 5, 0, 8), (9, 9))
    clipped = ring(square(), 2, unit="px", within=field)
    assert clipped.sum() < ring(square(), 2, unit="px").sum()
    assert not clipped[6:].any()


def test_a_region_that_fills_the_image_has_no_ring() -> None:
    full = np.ones((4, 4), bool)
    assert not ring(full, 1, unit="px").any()
    assert not ring(full, 1, unit="px", side="inside").any()


def test_a_dicom_region_is_a_field() -> None:
    region = Region(rows=(2, 9), columns=(1, 3), data_type=1, spatial_format=1, spacing_mm=(0.1, 0.1))
    found = region_mask(region, (8, 8))
    assert found.sum() == 6 * 3 and found[2:, 1:4].all()


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda: ring(np.zeros((3, 3), bool), 1, unit="px"), "RG505"),
        (lambda: ring(square(), 0, unit="px"), "RG708"),
        (lambda: ring(square(), 2), "RG509"),
        (lambda: bounding_box(np.zeros((3, 3), bool)), "RG505"),
        (lambda: box_mask((0, 9, 0, 3), (9, 9)), "RG708"),
    ],
)
def test_what_cannot_be_drawn_is_refused(call, code) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(RadiogenError) as error:
        call()
    assert error.value.codes == (code,) or code in error.value.codes
