"""Windows worked out by hand: which source pixels stand where, and what never leaks in."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from radiogen.errors import RadiogenError
from radiogen.features.pictures import views_of
from radiogen.features.pictures.resample import Window, resample, to_bytes
from radiogen.features.pictures.views import (
    Geometry,
    around_lesion,
    equivalent_diameter,
    field_of,
    stretched,
    whole,
    without_margins,
)
from radiogen.imaging import Image
from radiogen.imaging.region import Region


def cut(picture: NDArray[np.float64], geometry: Geometry, size: tuple[int, int]) -> NDArray[np.float64]:
    return resample(picture[None], geometry.keep, geometry.window, size)[0][0]


def box_of(shape: tuple[int, int]) -> tuple[int, int, int, int]:
    return 0, shape[0] - 1, 0, shape[1] - 1


EIGHT = np.arange(64.0).reshape(8, 8)


def test_the_lesion_in_the_middle_by_hand() -> None:
    mask = np.zeros((8, 8), bool)
    mask[2:4, 3:7] = True  # 2 × 4; a margin of a quarter of 4 on each side: 6 × 6, centred on row 3 and column 5
    found = around_lesion("lesion", mask, box_of((8, 8)), (6, 6), None, margin=0.25)
    assert found.window == Window(0, 2, 1, 1) and np.isnan(found.pixel_mm)
    np.testing.assert_array_equal(cut(EIGHT, found, (6, 6)), EIGHT[0:6, 2:8])


def test_a_lesion_at_the_border_is_padded_and_not_shifted() -> None:
    mask = np.zeros((8, 8), bool)
    mask[0:2, 0:4] = True  # centred on row 1 and column 2: two rows and one column lie beyond the picture
    found = cut(EIGHT, around_lesion("lesion", mask, box_of((8, 8)), (6, 6), None, margin=0.25), (6, 6))
    assert not found[:2].any() and not found[:, 0].any()
    np.testing.assert_array_equal(found[2:, 1:], EIGHT[0:4, 0:5])


def test_rows_and_columns_of_different_millimetres() -> None:
    ramp = np.repeat(10.0 * np.arange(8)[:, None], 8, axis=1)
    mask = np.zeros((8, 8), bool)
    mask[2:4, 2:6] = True  # 0.4 × 0.4 mm
    found = around_lesion("lesion", mask, box_of((8, 8)), (4, 4), (0.2, 0.1), margin=0.0)
    assert found.window == Window(2, 2, 0.5, 1) and found.pixel_mm == pytest.approx(0.1)
    # the rows stand at 2.25, 2.75, 3.25 and 3.75, and the ramp is 10 (y - 0.5)
    np.testing.assert_allclose(cut(ramp, found, (4, 4))[:, 0], [17.5, 22.5, 27.5, 32.5])
    # of the lesion alone: row 2 is 20 and row 3 is 30, and what lies beyond has no weight
    alone = around_lesion("masked", mask, box_of((8, 8)), (4, 4), (0.2, 0.1), margin=0.0)
    np.testing.assert_allclose(cut(ramp, alone, (4, 4))[:, 0], [20, 22.5, 27.5, 30])


def test_a_size_that_is_no_square_keeps_the_aspect() -> None:
    mask = np.zeros((40, 40), bool)
    mask[10:20, 10:30] = True  # 10 × 20 into 20 × 20: a pixel each, five rows above and below
    found = around_lesion("lesion", mask, box_of((40, 40)), (20, 20), None, margin=0.0)
    assert found.window == Window(5, 10, 1, 1)
    wide = around_lesion("lesion", mask, box_of((40, 40)), (10, 40), None, margin=0.0)
    assert wide.window == Window(10, 0, 1, 1)


def disc(radius: int, size: int) -> NDArray[np.bool_]:
    y, x = np.indices((size, size)) - size // 2
    return np.hypot(y, x) <= radius


def test_the_ring_of_a_disc_has_its_width() -> None:
    mask = disc(20, 101)
    # 41 pixels of 0.1 mm and 1 mm on both sides are 61 pixels: the window is the picture's own pixels
    found = around_lesion("ring", mask, box_of((101, 101)), (61, 61), (0.1, 0.1), ring_mm=1.0)
    assert (found.ring_width, found.ring_unit) == (1.0, "mm") and found.pixel_mm == pytest.approx(0.1)
    shown = cut(np.full((101, 101), 7.0), found, (61, 61))
    middle = np.flatnonzero(shown[30])
    assert middle.tolist() == [*range(10), *range(51, 61)]
    # as many pixel centres as lie between 2 and 3 mm, to within those of its two borders
    assert (shown > 0).sum() * 0.01 == pytest.approx(np.pi * (3**2 - 2**2), rel=0.02)


def test_a_ring_without_spacing_is_a_share_of_the_diameter() -> None:
    mask = disc(20, 101)
    found = around_lesion("lesion+ring", mask, box_of((101, 101)), (64, 64), None, ring_share=0.2)
    assert found.ring_unit == "px" and found.ring_width == pytest.approx(0.2 * equivalent_diameter(mask))
    assert np.isnan(found.pixel_mm)
    both = np.flatnonzero(found.keep[50])
    assert both[0] == 50 - 20 - int(found.ring_width) and both[-1] == 50 + 20 + int(found.ring_width)


@pytest.mark.parametrize("size", [(61, 61), (23, 23), (150, 150)])
def test_nothing_of_the_lesion_leaks_into_its_ring(size: tuple[int, int]) -> None:
    mask = disc(20, 101)
    picture = np.where(mask, 250.0, 10.0)
    found = around_lesion("ring", mask, box_of((101, 101)), size, (0.1, 0.1), ring_mm=1.0)
    shown = cut(picture, found, size)
    np.testing.assert_allclose(np.unique(np.round(shown, 9)), [0, 10])
    alone = cut(picture, around_lesion("masked", mask, box_of((101, 101)), size, (0.1, 0.1)), size)
    np.testing.assert_allclose(np.unique(np.round(alone, 9)), [0, 250])


def test_a_ring_that_is_not_in_the_picture_is_refused() -> None:
    with pytest.raises(RadiogenError, match="RG522"):
        around_lesion("ring", np.ones((8, 8), bool), box_of((8, 8)), (8, 8), None)


def test_making_smaller_does_not_alias() -> None:
    stripes = np.zeros((80, 80))
    stripes[::4] = 200.0  # the nearest rows alone would give 0 everywhere
    found, _ = resample(stripes[None], np.ones((80, 80), bool), Window(0, 0, 4, 4), (20, 20))
    np.testing.assert_allclose(found[0, 1:-1], 50.0)
    assert to_bytes(np.array([127.4999999999, 127.5, 300.0, -3.0])).tolist() == [128, 128, 255, 0]


def test_the_whole_is_letterboxed_in_millimetres() -> None:
    # 10 × 20 pixels of 0.2 × 0.1 mm are a square: no black at any side
    found = whole(box_of((10, 20)), (10, 20), (20, 20), (0.2, 0.1))
    assert found.window == Window(0, 0, 0.5, 1) and found.pixel_mm == pytest.approx(0.1)
    # without spacing the pixels count: half of the height is black
    flat = cut(np.full((10, 20), 9.0), whole(box_of((10, 20)), (10, 20), (20, 20), None), (20, 20))
    assert np.flatnonzero(flat.any(axis=1)).tolist() == list(range(5, 15)) and flat.any(axis=0).all()


def test_margins_of_one_grey_are_left_out() -> None:
    picture = np.zeros((20, 30))
    picture[4:15, 6:25] = np.random.default_rng(0).uniform(20, 200, (11, 19))
    assert without_margins(picture, (0, 19, 0, 29)) == (4, 14, 6, 24)
    assert without_margins(np.full((20, 30), 3.0), (2, 9, 1, 20)) == (2, 9, 1, 20)


def test_the_pane_of_the_lesion_and_not_its_colour_box() -> None:
    panes = (
        Region((0, 39), (0, 29), 1, 1, (0.1, 0.1)), Region((10, 25), (5, 25), 2, 1, (0.1, 0.1)),
        Region((0, 39), (30, 79), 1, 1, (0.2, 0.2)),
    )  # fmt: skip
    image = Image(np.zeros((40, 80)), None, "DICOM", "MONOCHROME2", regions=panes)
    mask = np.zeros((40, 80), bool)
    mask[12:20, 8:20] = True
    assert field_of(image, mask) == (0, 39, 0, 29)
    assert field_of(image, None) == (0, 39, 30, 79)
    # what lies in the other pane is not shown, though the window reaches there
    mask[12:20, 20:30] = True
    found = around_lesion("lesion", mask, field_of(image, mask), (40, 40), (0.1, 0.1), margin=0.5)
    assert not found.keep[:, 30:].any() and found.window.left + 40 * found.window.columns > 30


def test_a_strip_is_stretched() -> None:
    found = stretched((0, 9, 5, 24), (10, 30), (5, 40))
    assert found.window == Window(0, 5, 2, 0.5) and np.isnan(found.pixel_mm)


def test_names_of_views() -> None:
    assert views_of("pair") == ("whole", "lesion") and views_of("lesion+ring") == ("lesion+ring",)
    with pytest.raises(RadiogenError, match="RG708"):
        views_of("leison")
