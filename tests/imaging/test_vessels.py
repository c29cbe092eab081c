"""Centre lines of vessels whose length and branches are known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from radiogen.errors import RadiogenError
from radiogen.imaging.flow.vessels import centre_lines


def _tube(shape: tuple[int, int], start: tuple[float, float], end: tuple[float, float], radius: float) -> np.ndarray:
    """Pixels within a radius of the line between two points."""
    rows, columns = np.indices(shape)
    d = np.subtract(end, start)
    t = np.clip(((rows - start[0]) * d[0] + (columns - start[1]) * d[1]) / (d @ d), 0, 1)
    return np.hypot(rows - start[0] - t * d[0], columns - start[1] - t * d[1]) <= radius


@pytest.mark.parametrize("width", [1, 2, 3, 4, 5, 7])
def test_a_straight_vessel_has_its_length_at_every_width(width: int) -> None:
    mask = np.zeros((30, 60), bool)
    mask[10 : 10 + width, 5:45] = True
    lines = centre_lines(mask)
    assert lines.length() == pytest.approx(40)
    assert lines.length(spacing_mm=(0.2, 0.2)) == pytest.approx(8)
    assert lines.branch_points() == 0
    assert centre_lines(mask.T).length() == pytest.approx(40)


def test_a_diagonal_step_counts_the_hypotenuse() -> None:
    mask = np.zeros((20, 20), bool)
    mask[np.arange(5, 15), np.arange(5, 15)] = True
    # nine diagonal steps, and half a diagonal at either end, to the quarter of a pixel
    assert centre_lines(mask).length() == pytest.approx(10 * math.sqrt(2), abs=0.13)
    # 0.3 mm down and 0.4 mm right make 0.5 mm
    assert centre_lines(mask).length(spacing_mm=(0.3, 0.4)) == pytest.approx(10 * 0.5, abs=0.05)


def test_a_corner_is_two_steps_and_no_branch() -> None:
    mask = np.zeros((20, 20), bool)
    mask[3, 3:12] = mask[3:12, 11] = True
    lines = centre_lines(mask)
    assert lines.branch_points() == 0
    assert 15.5 < lines.length() < 17.1  # 16 steps and two half pixels, the corner cut a little


@pytest.mark.parametrize("radius", [0.7, 1.2, 2.2, 3.5])
def test_a_y_has_one_branch_point(radius: float) -> None:
    centre = (50.0, 50.0)
    mask = np.zeros((100, 100), bool)
    for angle in np.radians([90, 210, 330]):
        mask |= _tube(mask.shape, centre, (50 - 35 * np.sin(angle), 50 + 35 * np.cos(angle)), radius)
    lines = centre_lines(mask)
    assert lines.branch_points() == 1
    assert lines.length() == pytest.approx(3 * (35 + radius), rel=0.02)


def test_a_cross_is_one_place_and_an_h_is_two() -> None:
    cross = np.zeros((41, 41), bool)
    cross[20, 5:36] = cross[5:36, 20] = True
    assert centre_lines(cross).branch_points() == 1
    h = np.zeros((41, 41), bool)
    h[5:36, 10] = h[5:36, 30] = h[20, 10:31] = True
    assert centre_lines(h).branch_points() == 2


def test_a_wrinkle_of_the_edge_is_no_branch() -> None:
    mask = np.zeros((30, 60), bool)
    mask[10:17, 5:50] = True
    mask[8:10, 25:27] = True
    assert centre_lines(mask).branch_points() == 0


def test_only_what_lies_within_counts() -> None:
    mask = np.zeros((30, 60), bool)
    mask[15, 10:50] = True
    half = np.zeros_like(mask)
    half[:, :30] = True
    lines = centre_lines(mask)
    # from the end (half a pixel) over 19 steps to column 29, and half of the step across the border
    assert lines.length(half) == pytest.approx(0.5 + 19 + 0.5)
    assert lines.length(~half) == pytest.approx(20)


def test_slanting_lines_are_not_longer_than_they_are() -> None:
    rng = np.random.default_rng(5)
    errors = []
    for _ in range(40):
        angle, middle = rng.uniform(0, np.pi), rng.uniform(45, 55, 2)
        half = 30 * np.array([np.sin(angle), np.cos(angle)])
        mask = _tube((100, 100), tuple(middle - half), tuple(middle + half), 1.5)
        errors.append(centre_lines(mask).length() / (60 + 3) - 1)
    assert max(np.abs(errors)) < 0.03
    assert abs(np.mean(errors)) < 0.01


def test_nothing_and_a_point() -> None:
    assert centre_lines(np.zeros((9, 9), bool)).length() == 0
    point = np.zeros((9, 9), bool)
    point[4, 4] = True
    assert centre_lines(point).length() == pytest.approx(1)


def test_a_vessel_at_the_border_of_the_picture() -> None:
    mask = np.zeros((20, 30), bool)
    mask[8:11, 0:30] = True
    assert centre_lines(mask).length() == pytest.approx(30)


def test_wrong_masks_are_refused() -> None:
    with pytest.raises(RadiogenError) as raised:
        centre_lines(np.zeros((4, 4)))
    assert raised.value.code == "RG705"
