"""Digits and signs as a scanner burns them into its pictures, the same with every version of every library."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: rows of three pixels, the upper first
_GLYPHS = {
    "0": "111 101 101 101 111", "1": "010 110 010 010 111", "2": "111 001 111 100 111", "3": "111 001 111 001 111",
    "4": "101 101 111 001 001", "5": "111 100 111 001 111", "6": "111 100 111 101 111", "7": "111 001 010 010 010",
    "8": "111 101 111 101 111", "9": "111 101 111 001 111", "+": "000 010 111 010 000", "-": "000 000 111 000 000",
    ".": "000 000 000 000 010", "/": "001 001 010 100 100", " ": "000 000 000 000 000", "c": "000 111 100 100 111",
    "m": "000 111 111 101 101", "s": "000 011 010 110 110", "P": "111 101 111 100 100", "W": "101 101 101 111 101",
}  # fmt: skip
#: columns from one letter to the next, and rows of a letter
ADVANCE, HEIGHT = 4, 5


def write(picture: NDArray[np.uint8], row: int, column: int, text: str, colour: ArrayLike = 200) -> None:
    """Write into a picture, in place; what lies beyond its edge is cut off.

    Parameters
    ----------
    picture : ndarray of uint8, H × W or H × W × 3
    row, column : int
        Upper left corner of the text.
    text : str
        Digits, ``+ - . /``, the letters of ``cm/s`` and ``PW``, blanks.
    colour : int or three ints, default 200
        Grey value, or red, green and blue.

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.simulate.lettering import write
    >>> picture = np.zeros((5, 8), np.uint8)
    >>> write(picture, 0, 0, "1-", 1)
    >>> print(picture)
    [[0 1 0 0 0 0 0 0]
     [1 1 0 0 0 0 0 0]
     [0 1 0 0 1 1 1 0]
     [0 1 0 0 0 0 0 0]
     [1 1 1 0 0 0 0 0]]
    """
    for place, letter in enumerate(text):
        dots = np.array([[c == "1" for c in line] for line in _GLYPHS[letter].split()])
        left = column + place * ADVANCE
        target = picture[row : row + HEIGHT, left : left + 3]
        target[dots[: target.shape[0], : target.shape[1]]] = colour
