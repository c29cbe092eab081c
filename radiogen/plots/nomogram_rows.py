"""The rows of a nomogram: places of ticks between 0 and 1, and labels that do not lie on each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from radiogen.errors import fail
from radiogen.plots.text import plain, width

if TYPE_CHECKING:
    from radiogen.stats import NomogramResult

#: width of a character in units of the font's size, and the gap between labels in the same units
_CHARACTER, _GAP = 0.56, 0.55
#: digits of labels and hover texts
_DIGITS = 4


@dataclass(frozen=True)
class Tick:
    """A mark at a place from 0 to 1; ``side`` is -1 below the line, 1 above it, 0 without room for the label."""

    place: float
    label: str
    hover: str
    side: int


@dataclass(frozen=True)
class Row:
    """One horizontal axis with its title; ``kind`` is points, predictor, total, linear or outcome."""

    title: str
    kind: str
    ticks: tuple[Tick, ...]

    @property
    def above(self) -> bool:
        """Whether labels stand above the line."""
        return any(t.side > 0 for t in self.ticks)


def nomogram_rows(
    result: NomogramResult, room: float, size: float, *, labels: Mapping[str, str] | None = None, event: str = "",
    unit: str = "", linear: bool = False,
) -> list[Row]:
    """All rows from the top down.

    Parameters
    ----------
    result : NomogramResult
        What ``radiogen.stats.nomogram`` returned.
    room, size : float
        Length of the longest axis and size of the labels' font, in one unit.
    labels : mapping of str to str, optional
        Titles of predictors.
    event, unit : str
        What the event is, and the unit of the horizons.
    linear : bool
        Whether there is a row of the linear predictor.

    Returns
    -------
    list of Row

    Raises
    ------
    RadiogenError
        RG705 for something else than a nomogram.
    """
    from radiogen.stats.points import NomogramResult

    if not isinstance(result, NomogramResult):
        raise fail("RG705", "a nomogram is drawn from what radiogen.stats.nomogram returns", value=type(result).__name__)
    most = float(np.asarray(result.estimate).max())
    rows = [_row("Points", "points", [(p / most, f"{p:g}", f"{p:g} points") for p in _steps(most)], room, size)]
    for axis, part in result.axes.groupby("axis", sort=False):
        title = _title(str(axis), str(part["predictor"].iloc[0]), labels or {})
        marks = [
            (p / most, plain(v, 24), f"{title}: {plain(v)}, {_shown(p)} points")
            for v, p in zip(part["value"], part["points"], strict=True)
        ]
        rows.append(_row(title, "predictor", marks, room, size))
    top = float(result.total[-1])
    marks = []
    for total, predicted in zip(result.total, result.predict(result.total).to_dict("records"), strict=True):
        named = [f"{outcome_title(n, event, unit)} {_shown(predicted[n])}" for n in dict.fromkeys(result.outcomes["axis"])]
        marks.append((float(total) / top, f"{total:g}", ", ".join([f"{total:g} total points", *named])))
    rows.append(_row("Total points", "total", marks, room, size))
    if linear or result.outcomes.empty:
        rows.append(_scaled("Linear predictor", "linear", result.linear, "linear_predictor", top, room, size))
    for axis, part in result.outcomes.groupby("axis", sort=False):
        rows.append(_scaled(outcome_title(str(axis), event, unit), "outcome", part, "probability", top, room, size))
    return rows


def outcome_title(column: str, event: str = "", unit: str = "") -> str:
    """Title of the row of a probability from its column's name."""
    word, _, horizon = column.partition("_")
    what = plain(event)
    if word == "probability":
        return f"Probability of {what}" if what else "Probability"
    when = f"{horizon} {plain(unit)}".strip()
    if word == "survival":
        return f"Probability of no {what} by {when}" if what else f"Survival at {when}"
    return f"Risk of {what} by {when}" if what else f"Risk by {when}"


def _title(axis: str, predictor: str, labels: Mapping[str, str]) -> str:
    name = labels.get(predictor, predictor)
    inside = axis[len(predictor) :]
    for key, label in labels.items():
        inside = inside.replace(f"({key}=", f"({label}=").replace(f" {key}=", f" {label}=")
    return plain(name + inside, 60)


def _steps(most: float) -> list[float]:
    return [most * k / 10 for k in range(11)]


def _scaled(title: str, kind: str, part: pd.DataFrame, column: str, top: float, room: float, size: float) -> Row:
    """A row on the scale of the total points; what lies beyond their axis is left out."""
    inside = part[(part["points"] >= -1e-9 * top) & (part["points"] <= top * (1 + 1e-9))]
    marks = [
        (p / top, f"{v:.10g}", f"{title}: {v:.10g} at {_shown(p)} total points")
        for v, p in zip(inside[column], inside["points"], strict=True)
    ]
    return _row(title, kind, marks, room, size)


def _shown(value: float) -> str:
    return f"{round(float(value), _DIGITS):.{_DIGITS}g}"


def _row(title: str, kind: str, marks: list[tuple[float, str, str]], room: float, size: float) -> Row:
    places = np.array([m[0] for m in marks])
    sides = _sides(places, [m[1] for m in marks], room / size)
    ticks = tuple(Tick(float(p), word, hover, side) for (p, word, hover), side in zip(marks, sides, strict=True))
    return Row(title, kind, ticks)


def _sides(places: np.ndarray[Any, Any], words: list[str], room: float) -> list[int]:
    """Labels below the line, then above it, then none; where an axis runs back its labels are above."""
    back = _runs_back(places)
    sides = [0] * places.size
    taken: dict[int, list[tuple[float, float]]] = {-1: [], 1: []}
    for index in _order(places.size):
        half = (_CHARACTER * width(words[index]) + _GAP) / 2
        span = (float(places[index]) * room - half, float(places[index]) * room + half)
        for side in (1, -1) if back[index] else (-1, 1):
            if all(span[1] <= low or span[0] >= high for low, high in taken[side]):
                taken[side].append(span)
                sides[index] = side
                break
    return sides


def _runs_back(places: np.ndarray[Any, Any]) -> list[bool]:
    """Ticks on pieces that run against the axis's first direction."""
    if places.size < 3:
        return [False] * places.size
    steps = np.sign(np.diff(places))
    moving = steps[steps != 0]
    first = moving[0] if moving.size else 1.0
    return [False, *(bool(s == -first) for s in steps)]


def _order(count: int) -> list[int]:
    """The ends first, then every other one, then the rest: what is left out lies between labels."""
    if count < 3:
        return list(range(count))
    inner = list(range(1, count - 1))
    return [0, count - 1, *inner[1::2], *inner[::2]] if count > 6 else [0, count - 1, *inner]
