"""Overlap of two masks."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from radiogen.errors import fail
from radiogen.stats._validate import array_of
from radiogen.stats.result import StatResult


def dice(a: ArrayLike, b: ArrayLike) -> StatResult:
    """Dice coefficient of two masks, with Jaccard's index.

    Parameters
    ----------
    a, b : array-like of bool or 0/1, any shape
        Two masks of one shape; pixels, voxels, or what two raters marked.

    Returns
    -------
    StatResult
        ``estimate`` is ``2 |a ∩ b| / (|a| + |b|)``, ``result["jaccard"]`` ``|a ∩ b| / |a ∪ b|``; ``n`` is the size of the
        union.  There is no interval: neighbouring pixels are not independent; over patients use
        :func:`radiogen.stats.bootstrap_ci` on their coefficients.

    Raises
    ------
    RadiogenError
        RG705 for masks of different shape, with other values than 0 and 1, or both empty.

    Notes
    -----
    Distances between borders are in :mod:`radiogen.imaging.outlines`.

    References
    ----------
    Dice, Ecology 1945;26:297, doi 10.2307/1932409.

    Examples
    --------
    >>> dice([[1, 1, 0], [0, 1, 0]], [[1, 0, 0], [0, 1, 1]]).estimate
    0.6666666666666666
    """
    first, second = _mask(a, "a"), _mask(b, "b")
    if first.shape != second.shape:
        raise fail("RG705", "The masks differ in shape.", value=(first.shape, second.shape))
    both, either = int((first & second).sum()), int((first | second).sum())
    if either == 0:
        raise fail("RG705", "Both masks are empty: there is no overlap to measure.")
    return StatResult(
        method="Dice coefficient", estimate=2 * both / (both + either), n=either, extra={"jaccard": both / either}
    )


def _mask(mask: ArrayLike, name: str) -> NDArray[np.bool_]:
    array = array_of(mask, name)
    if array.dtype.kind not in "biuf" or not np.isin(array, (0, 1)).all():
        raise fail("RG705", f"`{name}` must be a mask of 0 and 1 (or False and True).")
    return array.astype(bool)
