"""Colour bars: found where they are, measured row by row, refused where there is none."""

from __future__ import annotations

import numpy as np
import pytest

from radiogen.errors import RadiogenError
from radiogen.imaging.colour.colourbar import find_colour_bar
from radiogen.imaging.colour.compression import has_jpeg_traces
from radiogen.imaging.image import Region
from tests.imaging.swe_pictures import MAPS, Rgb, as_jpeg, elastogram, jet


def screen(shape: tuple[int, int] = (180, 240), seed: int = 3) -> Rgb:
    """Grey speckle between black margins."""
    rng = np.random.default_rng(seed)
    picture = np.zeros((*shape, 3), np.uint8)
    picture[10:-40, 50:-60] = rng.integers(0, 200, (shape[0] - 50, shape[1] - 110, 1))
    return picture


def ramp(length: int, name: str = "jet") -> Rgb:
    """The colours of a bar from its low end on."""
    return np.rint(255 * MAPS[name](np.linspace(0, 1, length))).astype(np.uint8)


@pytest.mark.parametrize("name", MAPS)
@pytest.mark.parametrize(("column", "width"), [(8, 8), (190, 12), (185, 40)])
def test_a_vertical_bar_is_found_to_the_row(name: str, column: int, width: int) -> None:
    picture = screen()
    picture[40:140, column : column + width] = ramp(100, name)[::-1, None]
    bar = find_colour_bar(picture)
    assert bar.box == (40, 139, column, column + width - 1)
    assert (bar.orientation, bar.high_end, bar.clean) == ("vertical", "top", True)
    np.testing.assert_array_equal(bar.colours, ramp(100, name))


def test_a_horizontal_bar_has_its_high_end_at_the_right() -> None:
    picture = screen()
    picture[150:160, 20:180] = ramp(160)[None]
    bar = find_colour_bar(picture)
    assert bar.box == (150, 159, 20, 179)
    assert (bar.orientation, bar.high_end) == ("horizontal", "right")
    np.testing.assert_array_equal(bar.colours, ramp(160))


def test_frame_ticks_and_lines_across_do_not_disturb() -> None:
    picture = screen()
    picture[39:141, 189:203] = 220  # a frame
    picture[40:140, 190:202] = ramp(100)[::-1, None]
    picture[40:140:20, 203:206] = 255  # ticks beside
    picture[70, 190:202] = 255  # a line across
    bar = find_colour_bar(picture)
    assert bar.box == (40, 139, 190, 201)
    # the line is bridged by the rows on either side: 39 rows below the top lies row 60 from the low end
    np.testing.assert_allclose(bar.colours, ramp(100), atol=6)


@pytest.mark.parametrize("subsampling", ["4:2:0", "4:4:4"])
@pytest.mark.parametrize("name", ["jet", "viridis", "inverted"])
def test_in_a_jpeg_the_ends_are_right_to_a_row(name: str, subsampling: str) -> None:
    picture = screen()
    picture[40:140, 190:202] = ramp(100, name)[::-1, None]
    bar = find_colour_bar(as_jpeg(picture, subsampling=subsampling))
    assert abs(bar.box[0] - 40) <= 1
    assert abs(bar.box[1] - 139) <= 1
    assert not bar.clean


def test_of_two_bars_the_one_that_explains_the_overlay_is_taken() -> None:
    found = elastogram("viridis", 0.5, side="left")
    picture = found.rgb.copy()
    picture[60:200, 290:300] = ramp(140, "hot")[::-1, None]
    assert find_colour_bar(picture).box == found.bar


def test_a_declared_box_may_be_too_large_and_a_region_says_where() -> None:
    picture = screen()
    picture[40:140, 190:202] = ramp(100)[::-1, None]
    assert find_colour_bar(picture, box=(36, 143, 187, 206)).box == (40, 139, 190, 201)
    region = Region((38, 141), (188, 204), 14, 1, None)
    assert find_colour_bar(picture, regions=(region,)).box == (40, 139, 190, 201)
    # a tissue region says nothing about the bar
    assert find_colour_bar(picture, regions=(Region((0, 20), (0, 20), 1, 1, None),)).box == (40, 139, 190, 201)


def test_a_short_declared_box_is_taken_as_it_is() -> None:
    picture = screen()
    picture[40:60, 190:194] = ramp(20)[::-1, None]
    bar = find_colour_bar(picture, box=(40, 59, 190, 193))
    np.testing.assert_array_equal(bar.colours, ramp(20))


def test_a_diverging_bar_is_one_across_its_dark_gap() -> None:
    picture = screen()
    half = np.linspace(0, 1, 50)[:, None]
    warm = 255 * np.hstack([0.5 + half / 2, half, 0 * half])
    cold = 255 * np.hstack([0 * half, half, 0.5 + half / 2])
    picture[20:70, 200:214], picture[70:80, 200:214], picture[80:130, 200:214] = warm[::-1, None], 0, cold[:, None]
    bar = find_colour_bar(picture, kind="diverging")
    assert bar.box == (20, 129, 200, 213)
    assert bar.colours[-1].argmax() == 0  # the high end, at the top, is warm
    assert bar.colours[0, 2] > bar.colours[0, 0]


@pytest.mark.parametrize("jpeg", [False, True])
def test_without_a_colour_bar_nothing_is_taken_for_one(jpeg: bool) -> None:
    picture = screen()
    picture[40:140, 190:202] = np.linspace(255, 0, 100, dtype=np.uint8)[:, None, None]  # a grey bar
    picture[150:160, 20:180] = (20, 60, 200)  # a coloured stripe
    with pytest.raises(RadiogenError) as caught:
        find_colour_bar(as_jpeg(picture) if jpeg else picture)
    assert caught.value.code == "RG519"


def test_an_overlay_without_its_bar_is_no_bar() -> None:
    picture = screen()
    picture[20:120, 60:160] = np.rint(255 * jet(np.linspace(0, 1, 100)))[:, None]  # layers, as wide as long
    with pytest.raises(RadiogenError) as caught:
        find_colour_bar(picture)
    assert caught.value.code == "RG519"


@pytest.mark.parametrize(("box", "code"), [((10, 60, 60, 70), "RG519"), ((10, 400, 60, 70), "RG708")])
def test_a_wrong_declared_box_is_refused(box: tuple[int, int, int, int], code: str) -> None:
    with pytest.raises(RadiogenError) as caught:
        find_colour_bar(screen(), box=box)
    assert caught.value.code == code


def test_reversed_and_mask() -> None:
    picture = screen()
    picture[40:140, 190:202] = ramp(100)[::-1, None]
    bar = find_colour_bar(picture)
    other = bar.reversed()
    assert other.high_end == "bottom"
    np.testing.assert_array_equal(other.colours, bar.colours[::-1])
    assert int(bar.mask((180, 240)).sum()) == 100 * 12
    assert int(bar.mask((180, 240), margin=2).sum()) == 104 * 16


def test_traces_of_jpeg_are_seen() -> None:
    picture = elastogram("jet", 0.5, size=(320, 400)).rgb
    assert not has_jpeg_traces(picture)
    assert has_jpeg_traces(as_jpeg(picture))
