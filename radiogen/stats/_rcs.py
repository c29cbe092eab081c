"""Restricted cubic splines: cubic between the knots, straight beyond the outer ones."""

from __future__ import annotations

import numpy as np

from radiogen.stats._validate import Floats

#: Harrell's quantiles for the knots by their number (Regression Modeling Strategies, table 2.3)
_QUANTILES = {3: (0.1, 0.5, 0.9), 4: (0.05, 0.35, 0.65, 0.95), 5: (0.05, 0.275, 0.5, 0.725, 0.95)}
KNOTS = tuple(_QUANTILES)


def knots_of(x: Floats, count: int) -> Floats:
    """Different knots at Harrell's quantiles; fewer than three mean that only a straight line can be drawn."""
    return np.unique(np.quantile(x, _QUANTILES[count]))


def basis(x: Floats, knots: Floats) -> Floats:
    """Columns x and, for k >= 3 knots, k - 2 cubic ones, scaled by the squared range of the knots (n × (k - 1))."""
    if knots.size < 3:
        return x[:, None]
    last, before = knots[-1], knots[-2]
    size = (last - knots[0]) ** 2
    columns = [x]
    for knot in knots[:-2]:
        cubic = np.maximum(x - knot, 0) ** 3
        cubic = cubic - np.maximum(x - before, 0) ** 3 * (last - knot) / (last - before)
        cubic = cubic + np.maximum(x - last, 0) ** 3 * (before - knot) / (last - before)
        columns.append(cubic / size)
    return np.column_stack(columns)
