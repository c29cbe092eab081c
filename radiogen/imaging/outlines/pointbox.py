"""The box of a lesion from a point near its middle."""

from __future__ import annotations

import numpy as np

from radiogen.errors import RadiogenError, fail
from radiogen.imaging.image import Spacing
from radiogen.imaging.outlines.outline import ANGLES, RADII, WEIGHTS, best_outline, ray_evidence
from radiogen.imaging.outlines.phase import Floats
from radiogen.imaging.outlines.window import cut_window
from radiogen.imaging.regions import Box

#: sizes that are tried, as the share of the picture's smaller side that the geometric mean of the box takes
SIZES = np.geomspace(0.08, 0.75, 9)
#: widths over heights that are tried: breast lesions are wider than tall more often than not
SHAPES = (0.8, 1.25, 2.0)
#: worth of a size e times as large: a smaller outline finds its evidence more easily (an inner structure, a calcified
#: focus), which the search makes up for; chosen on the same 24 lesions as the weights of the outline
_WORTH_OF_SIZE = 0.15
#: rounds in which the box follows the outline found in it
_ROUNDS = 3


def find_box(grey: Floats, point: tuple[int, int], spacing_mm: Spacing | None = None) -> Box:
    """Search the box whose outline fits the picture best, and let it follow that outline.

    Parameters
    ----------
    grey : ndarray, H × W float64
    point : (int, int)
        Row and column in pixels from 0, near the middle of the lesion.
    spacing_mm : (float, float), optional

    Returns
    -------
    tuple of int
        Top, bottom, left, right, both ends inside.

    Raises
    ------
    RadiogenError
        RG708 where the point is not in the picture, RG530 where no box has an outline.
    """
    point = _check_point(point, grey.shape)  # type: ignore[arg-type]
    candidates = []
    for size in SIZES:
        for shape in SHAPES:
            found = _tried(grey, _around(point, float(size), shape, grey.shape), spacing_mm)  # type: ignore[arg-type]
            if found is not None:
                candidates.append((found[0] + _WORTH_OF_SIZE * float(np.log(size)), found[1]))
    if not candidates:
        raise fail("RG530", "no outline was found around the point", value=list(point))
    _, box = max(candidates, key=lambda c: c[0])
    for _ in range(_ROUNDS):
        again = _tried(grey, box, spacing_mm)
        if again is None or again[1] == box:
            break
        box = again[1]
    return box


def _check_point(point: tuple[int, int], shape: tuple[int, int]) -> tuple[int, int]:
    try:
        row, column = (int(v) for v in point)
    except (TypeError, ValueError) as error:
        raise fail("RG708", "a point is two whole numbers: row, column", value=point) from error
    if not (0 <= row < shape[0] and 0 <= column < shape[1]):
        raise fail("RG708", f"the point (row {row}, column {column}) does not lie in {shape[0]} × {shape[1]} pixels",
                   value=[row, column])
    return row, column


def _around(point: tuple[int, int], size: float, shape: float, picture: tuple[int, int]) -> Box:
    side = size * min(picture)
    tall, wide = side / np.sqrt(shape) / 2, side * np.sqrt(shape) / 2
    return _clipped(point[0] - tall, point[0] + tall, point[1] - wide, point[1] + wide, picture)


def _clipped(top: float, bottom: float, left: float, right: float, picture: tuple[int, int]) -> Box:
    return (
        max(round(top), 0), min(round(bottom), picture[0] - 1), max(round(left), 0), min(round(right), picture[1] - 1)
    )  # fmt: skip


def _tried(grey: Floats, box: Box, spacing_mm: Spacing | None) -> tuple[float, Box] | None:
    """How well the picture's outline in a box stands out, and the box around that outline."""
    try:
        window = cut_window(grey, box, spacing_mm)
    except RadiogenError as error:
        if error.code != "RG530":
            raise
        return None  # too few pixels, or no contrast: one candidate less
    score = np.tensordot(WEIGHTS, ray_evidence(window), axes=1)
    radii = best_outline(score)
    at = np.abs(RADII[None, :] - radii[:, None]).argmin(axis=1)
    height = score.max(axis=1, keepdims=True)
    log_share = score - height - np.log(np.exp(score - height).sum(axis=1, keepdims=True))
    worth = float(log_share[np.arange(len(at)), at].mean())
    top, bottom, left, right = window.box
    middle = ((top + bottom) / 2, (left + right) / 2)
    v, u = radii * np.sin(ANGLES) * (bottom - top) / 2, radii * np.cos(ANGLES) * (right - left) / 2
    new = _clipped(middle[0] + v.min(), middle[0] + v.max() - 1, middle[1] + u.min(), middle[1] + u.max() - 1, grey.shape)  # type: ignore[arg-type]
    return worth, new
