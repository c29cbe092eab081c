"""Sums that keep what rounding loses."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from radiogen.compiled import compiled


@compiled
def sums(values: NDArray[np.float64]) -> tuple[float, float]:
    """Sum and sum of squares, with Kahan's compensation.

    Parameters
    ----------
    values : ndarray of float64, N
    """
    total = lost = squares = lost_squares = 0.0
    for value in values:
        part = value - lost
        new = total + part
        lost = (new - total) - part
        total = new
        part = value * value - lost_squares
        new = squares + part
        lost_squares = (new - squares) - part
        squares = new
    return total, squares
