"""Offsets between a pixel and its neighbours, and their weights, in pyradiomics' order."""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle, islice

import numpy as np
from numpy.typing import NDArray

from radiogen.errors import fail

_NORMS: dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "infinity": lambda steps: steps.max(axis=1),
    "euclidean": lambda steps: np.sqrt((steps**2).sum(axis=1)),
    "manhattan": lambda steps: steps.sum(axis=1),
}


def neighbour_offsets(shape: tuple[int, int], distances: tuple[int, ...], both: bool) -> NDArray[np.int64]:
    """Steps (rows, columns) to the neighbours at the given distances.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns of the bounding box; a step that leaves it from every pixel does not count.
    distances : tuple of int
        Chessboard distances.  One that is named twice counts twice, as in pyradiomics.
    both : bool
        Whether a neighbour on either side counts, or only the one below or to the right.

    Returns
    -------
    ndarray of int64, n × 2

    Raises
    ------
    RadiogenError
        RG510 if the region is smaller than every distance.

    Examples
    --------
    >>> from radiogen.features.radiomics.classes.offsets import neighbour_offsets
    >>> neighbour_offsets((3, 3), (1,), both=False).tolist()
    [[1, 1], [1, 0], [1, -1], [0, 1]]
    """
    reach = max(distances)
    steps = range(reach, -reach - 1, -1)
    valid = [(r, c) for r in steps for c in steps if abs(r) < shape[0] and abs(c) < shape[1]]
    found = [step for step in valid if max(abs(step[0]), abs(step[1])) in distances]
    number = sum(max(abs(r), abs(c)) == d for d in distances for r, c in valid)
    number = number if both else number // 2
    if number == 0:
        raise fail(
            "RG510",
            f"the region's box of {shape[0]} × {shape[1]} pixels has no two pixels at a distance of "
            f"{' or '.join(map(str, distances))}; `distances` must be smaller",
            column="distances",
        )
    return np.array(list(islice(cycle(found), number)), np.int64)


def lengths(offsets: NDArray[np.int64], spacing: tuple[float, float], norm: str) -> NDArray[np.float64] | None:
    """Length of each step in mm by a norm, or None where all steps weigh the same.

    Parameters
    ----------
    offsets : ndarray, n × 2
    spacing : (float, float)
        Per row and per column.
    norm : str
        ``weightingNorm``: "infinity", "euclidean", "manhattan"; any other means that no weighting is done.
    """
    steps = np.abs(offsets) * np.asarray(spacing)
    return _NORMS[norm](steps) if norm in _NORMS else None
