"""The features of many images side by side, in memory that is given back."""

from __future__ import annotations

import mmap
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from radiogen.features.outcome import Outcome

#: bytes that are asked for at once
_BLOCK = 4 * 2**20


class Shelf:
    """Puts the features of outcomes into large blocks.

    Arrays of a few kilobytes, one per image, would be cut out of the heap between things that stay, and what is freed
    there serves no table.  A block goes back to the system when the last of its rows is dropped.

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.features.outcome import Outcome
    >>> from radiogen.features.shelf import Shelf
    >>> shelf = Shelf()
    >>> [shelf.kept(Outcome(np.array([k, 0.5]))).features.tolist() for k in range(2)]
    [[0.0, 0.5], [1.0, 0.5]]
    """

    def __init__(self) -> None:
        #: by number of features: the block that is being filled and the rows taken
        self._open: dict[int, tuple[NDArray[np.float64], int]] = {}

    def kept(self, outcome: Outcome) -> Outcome:
        """The outcome with its features on the shelf."""
        values = outcome.features
        if values is None or not len(values):
            return outcome
        block, taken = self._open.get(len(values), (None, 0))
        if block is None or taken == len(block):
            rows = max(1, _BLOCK // (8 * len(values)))
            memory = mmap.mmap(-1, rows * len(values) * 8)
            block, taken = np.frombuffer(memory, np.float64).reshape(rows, len(values)), 0
        block[taken] = values
        self._open[len(values)] = block, taken + 1
        return replace(outcome, features=block[taken])
