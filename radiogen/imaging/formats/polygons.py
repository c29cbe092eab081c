"""Outlines drawn in LabelMe: JSON files of polygons, rectangles and circles."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from radiogen.errors import RadiogenError, fail

#: a file with its picture inside has a few million bytes
MAX_JSON_BYTES = 100_000_000
#: borders crossed by rows that are worked out at most: an outline with a thousand corners has thousands
_MAX_CROSSINGS = 20_000_000
#: kinds of drawing that have no area
_LINES = ("line", "linestrip", "point", "points")


@dataclass(frozen=True)
class _Shape:
    kind: str
    label: str
    points: NDArray[np.float64]  # x, y


def read_polygons(
    data: bytes, shape: tuple[int, int], *, resize: Literal["nearest"] | None = None, label: str | int | None = None
) -> NDArray[np.bool_]:
    """The area of the outlines of a LabelMe file, as a mask.

    A pixel is inside where its centre is.  Coordinates count from the upper left corner of the picture, so that the
    centre of the first pixel is at (0.5, 0.5).  An outline that crosses itself is filled by the even-odd rule;
    several outlines are united.  Lines and points have no area and are left out.

    Parameters
    ----------
    data : bytes
        The JSON file.
    shape : (int, int)
        Rows and columns of the image.
    resize : {"nearest"}, optional
        Scale the coordinates where the file was drawn on a picture of another size.  Default: that is an error.
    label : str or int, optional
        Only outlines of this label.  Default: all, where they have one label.

    Returns
    -------
    ndarray of bool, shape ``shape``
        May be empty, where an outline surrounds no pixel's centre.

    Raises
    ------
    RadiogenError
        RG531 where the file is not such an annotation, has no outline of the label, or has several labels and none is
        asked for; RG504 where it was drawn on a picture of another size.

    Examples
    --------
    >>> from radiogen.imaging.formats.polygons import read_polygons
    >>> square = '{"label": "lesion", "shape_type": "polygon", "points": [[1, 1], [3, 1], [3, 3], [1, 3]]}'
    >>> read_polygons(f'{{"imageHeight": 4, "imageWidth": 5, "shapes": [{square}]}}'.encode(), (4, 5)).astype(int)
    array([[0, 0, 0, 0, 0],
           [0, 1, 1, 0, 0],
           [0, 1, 1, 0, 0],
           [0, 0, 0, 0, 0]])
    """
    content = _content(data)
    scale = _scale(content, shape, resize)
    mask = np.zeros(shape, dtype=bool)
    for drawn in _chosen(_shapes(content), label):
        mask |= _filled(drawn, scale, shape)
    return mask


def _content(data: bytes) -> dict[str, Any]:
    if len(data) > MAX_JSON_BYTES:
        raise fail("RG531", f"the JSON file has {len(data):,} bytes; the cap is {MAX_JSON_BYTES:,}")
    try:
        content = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise fail("RG531", "the JSON file is not UTF-8") from error
    except RecursionError as error:
        raise fail("RG531", "the JSON file is nested too deeply") from error
    except ValueError as error:
        raise fail("RG531", "the file is damaged: it cannot be read as JSON") from error
    if not isinstance(content, dict) or not isinstance(content.get("shapes"), list):
        raise fail("RG531", "the JSON file is no LabelMe annotation: it has no list 'shapes'")
    return content


def _scale(content: dict[str, Any], shape: tuple[int, int], resize: str | None) -> NDArray[np.float64]:
    """Columns and rows of the image per column and row of the picture that was drawn on."""
    drawn = (content.get("imageHeight"), content.get("imageWidth"))
    if not all(isinstance(n, int | float) and not isinstance(n, bool) and np.isfinite(n) and n >= 1 for n in drawn):
        raise fail("RG531", "the JSON file does not say on how large a picture it was drawn (imageHeight, imageWidth)")
    rows, columns = float(drawn[0]), float(drawn[1])  # type: ignore[arg-type]
    if (rows, columns) != (shape[0], shape[1]) and resize is None:
        text = f"the outlines were drawn on {rows:g} × {columns:g} pixels (rows × columns)"
        raise fail("RG504", f"{text}, the image has {shape[0]} × {shape[1]}")
    return np.array([shape[1] / columns, shape[0] / rows])


def _shapes(content: dict[str, Any]) -> list[_Shape]:
    return [_shape(number, item) for number, item in enumerate(content["shapes"], start=1)]


def _shape(number: int, item: Any) -> _Shape:
    if not isinstance(item, dict):
        raise _wrong(number, "is not an object")
    kind = item.get("shape_type") or "polygon"  # files of early versions have polygons only
    name = item.get("label")
    if not isinstance(kind, str) or not isinstance(name, str | int) or isinstance(name, bool):
        raise _wrong(number, "has no label or kind")
    if kind in _LINES:
        return _Shape(kind, str(name).strip(), np.zeros((0, 2)))
    need = {"polygon": (3, None), "rectangle": (2, 4), "circle": (2, 2)}.get(kind)
    if need is None:
        raise _wrong(number, "is of a kind that is not read (polygon, rectangle and circle are)")
    try:
        points = np.array(item.get("points"), dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise _wrong(number, "has points that are not pairs of numbers") from None
    if points.ndim != 2 or points.shape[1] != 2 or not np.isfinite(points).all():
        raise _wrong(number, "has points that are not pairs of numbers")
    if len(points) < need[0] or (need[1] is not None and len(points) > need[1]):
        raise _wrong(number, f"is a {kind} with {len(points)} points")
    return _Shape(kind, str(name).strip(), points)


def _wrong(number: int, what: str) -> RadiogenError:
    return fail("RG531", f"shape {number} of the JSON file {what}")


def _chosen(shapes: list[_Shape], label: str | int | None) -> list[_Shape]:
    areas = [s for s in shapes if s.kind not in _LINES]
    labels = list(dict.fromkeys(s.label for s in areas))
    if not areas:
        raise fail("RG531", "the JSON file has no polygon, rectangle or circle")
    named = ", ".join(f"'{name}'" for name in labels[:10])
    if label is None and len(labels) > 1:
        raise fail("RG531", f"the outlines have several labels ({named}), and it is not said which is the lesion")
    found = [s for s in areas if label is None or s.label == str(label).strip()]
    if not found:
        raise fail("RG531", f"no outline has the label '{label}'; there is {named}", value=label)
    return found


def _filled(drawn: _Shape, scale: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.bool_]:
    points = drawn.points
    if drawn.kind == "circle":
        return _circle(points, scale, shape)
    if drawn.kind == "rectangle":
        (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
        points = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
    return _polygon(points * scale, shape)


def _circle(points: NDArray[np.float64], scale: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """The first point is the centre, the second lies on the circle; on a picture of other proportions an ellipse."""
    radius = float(np.hypot(*(points[1] - points[0])))
    down = (np.arange(shape[0]) + 0.5) / scale[1] - points[0, 1]
    across = (np.arange(shape[1]) + 0.5) / scale[0] - points[0, 0]
    return np.asarray(down[:, None] ** 2 + across[None, :] ** 2 <= radius**2)


def _polygon(points: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Pixels from which a ray to the left crosses the border an odd number of times."""
    height, width = shape
    # far outside is outside: without this, coordinates such as 1e300 would overflow
    points = np.clip(points, -1e6, 1e6)
    start, end = points, np.roll(points, -1, axis=0)
    upper = np.where((start[:, 1] <= end[:, 1])[:, None], start, end)
    lower = np.where((start[:, 1] <= end[:, 1])[:, None], end, start)
    # rows whose centre lies on the edge, its upper end counted and its lower end not
    first = np.clip(np.ceil(upper[:, 1] - 0.5), 0, height).astype(np.int64)
    last = np.clip(np.ceil(lower[:, 1] - 0.5), 0, height).astype(np.int64)
    counts = last - first
    if counts.sum() > _MAX_CROSSINGS:
        raise fail("RG531", "an outline of the JSON file has too many corners")
    edge = np.repeat(np.arange(len(points)), counts)
    row = first[edge] + np.arange(len(edge)) - np.repeat(np.cumsum(counts) - counts, counts)
    share = (row + 0.5 - upper[edge, 1]) / (lower[edge, 1] - upper[edge, 1])
    x = upper[edge, 0] + share * (lower[edge, 0] - upper[edge, 0])
    column = np.clip(np.ceil(x - 0.5), 0, width).astype(np.int64)
    crossings = np.bincount(row * (width + 1) + column, minlength=height * (width + 1)).reshape(height, width + 1)
    return np.asarray(np.cumsum(crossings, axis=1)[:, :width] % 2 == 1)
