"""What the planning functions return, and the checks that they share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil, isfinite

import pandas as pd

from radiogen.errors import fail
from radiogen.stats.result import StatResult

#: no study is larger; a plan that needs more asks for what cannot be had
_LARGEST = 10**9


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class SampleSize(StatResult):
    """A sample size and what it was computed from.

    ``estimate`` is what the formula gives before it is rounded up, ``n`` the units needed (None where only events were
    asked for) and ``events`` the events needed.

    Parameters
    ----------
    criteria : DataFrame
        One row per criterion or group that the size must satisfy, with its own ``n``.
    """

    criteria: pd.DataFrame = field(default_factory=pd.DataFrame)


def between(value: float, name: str, low: float, high: float) -> float:
    """A number strictly between two bounds."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not low < value < high:
        bound = f"between {low:g} and {high:g}" if isfinite(high) else f"above {low:g}"
        raise fail("RG708", f"`{name}` must be a number {bound}.", value=value)
    return float(value)


def whole(value: int, name: str, least: int) -> int:
    """A whole number."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise fail("RG708", f"`{name}` must be a whole number of at least {least}.", value=value)
    return value


def up(value: float) -> int:
    """Rounded up; what rounding left above a whole number does not count."""
    if not isfinite(value) or value > _LARGEST:
        raise fail("RG708", "No study is large enough for the precision or power asked for.", value=value)
    return ceil(value - 1e-9 * max(1.0, abs(value)))


def smallest(enough: Callable[[float], bool], start: float) -> float:
    """The smallest real size from ``start`` on that is enough; ``enough`` stays true once it is."""
    low = high = start
    while not enough(high):
        low, high = high, 2 * high
        up(high)
    for _ in range(200):
        if high - low <= 1e-12 * high:
            break
        middle = (low + high) / 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
