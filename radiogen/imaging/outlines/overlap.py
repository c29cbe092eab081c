"""How well two outlines of the same region agree: overlap, and distance between their borders."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radiogen.errors import fail
from radiogen.imaging.image import Spacing, check_spacing
from radiogen.imaging.regions import Mask

#: share of the border distances that the robust Hausdorff distance leaves below itself
ROBUST_PERCENTILE = 95.0


@dataclass(frozen=True)
class Agreement:
    """All measures of one pair of masks.

    Parameters
    ----------
    dice, jaccard : float
        0 to 1.
    hausdorff, hausdorff95, surface : float
        Largest, robust and mean distance of the borders, in ``unit``.
    unit : str
        ``"mm"`` where the spacing was given, else ``"px"``.
    """

    dice: float
    jaccard: float
    hausdorff: float
    hausdorff95: float
    surface: float
    unit: str


def dice(a: Mask, b: Mask) -> float:
    """Dice coefficient: twice the common pixels over the pixels of both.

    Parameters
    ----------
    a, b : ndarray of bool, H × W

    Returns
    -------
    float
        0 to 1.

    Raises
    ------
    RadiogenError
        RG705 where the shapes differ, RG505 where both masks are empty.

    References
    ----------
    Dice LR (1945) Ecology 26:297-302, doi 10.2307/1932409.

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.imaging.outlines.overlap import dice
    >>> dice(np.array([[1, 1, 0, 0]], bool), np.array([[0, 1, 1, 0]], bool))
    0.5
    """
    a, b = _pair(a, b)
    return 2.0 * int((a & b).sum()) / (int(a.sum()) + int(b.sum()))


def jaccard(a: Mask, b: Mask) -> float:
    """Jaccard index: the common pixels over the pixels of either; parameters and errors as for :func:`dice`.

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.imaging.outlines.overlap import jaccard
    >>> round(jaccard(np.array([[1, 1, 0, 0]], bool), np.array([[0, 1, 1, 0]], bool)), 4)
    0.3333
    """
    a, b = _pair(a, b)
    return int((a & b).sum()) / int((a | b).sum())


def hausdorff(a: Mask, b: Mask, *, spacing_mm: float | Spacing | None = None, percentile: float = 100.0) -> float:
    """Hausdorff distance of the borders of two masks: how far one strays from the other at most.

    From every border pixel of one mask the distance to the nearest border pixel of the other is taken; of these
    the percentile; and of the two directions the larger.

    Parameters
    ----------
    a, b : ndarray of bool, H × W
    spacing_mm : float or (float, float), optional
        Millimetres per row and per column; without it distances are in pixels.
    percentile : float, default 100
        100 is Hausdorff's own; 95 is not decided by a few pixels (:func:`hausdorff95`).

    Returns
    -------
    float
        In mm where the spacing is given, else in pixels.

    Raises
    ------
    RadiogenError
        RG705 where the shapes differ, RG505 where a mask is empty, RG509 wrong spacing, RG708 a percentile
        outside 0 to 100.

    Notes
    -----
    A border pixel is one of the mask with one of its four neighbours, or the edge of the image, outside.
    Definitions of the 95 % distance differ between programs: some pool both directions.  Here it is the
    larger of the two directed ones.

    References
    ----------
    Huttenlocher DP et al. (1993) IEEE TPAMI 15:850-863, doi 10.1109/34.232073.

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.imaging.outlines.overlap import hausdorff
    >>> a, b = np.zeros((5, 9), bool), np.zeros((5, 9), bool)
    >>> a[1:4, 1:4], b[1:4, 3:6] = True, True
    >>> hausdorff(a, b), round(hausdorff(a, b, spacing_mm=(0.2, 0.1)), 3)
    (2.0, 0.2)
    """
    if not 0 < percentile <= 100:
        raise fail("RG708", "the percentile must lie above 0 and not above 100", value=percentile)
    return max(float(np.percentile(d, percentile)) for d in border_distances(a, b, spacing_mm=spacing_mm))


def hausdorff95(a: Mask, b: Mask, *, spacing_mm: float | Spacing | None = None) -> float:
    """:func:`hausdorff` at the 95th percentile, the larger of the two directed distances."""
    return hausdorff(a, b, spacing_mm=spacing_mm, percentile=ROBUST_PERCENTILE)


def surface_distance(a: Mask, b: Mask, *, spacing_mm: float | Spacing | None = None) -> float:
    """Mean distance between the borders of two masks, over the border pixels of both.

    Parameters, unit and errors as for :func:`hausdorff`.

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.imaging.outlines.overlap import surface_distance
    >>> a, b = np.zeros((1, 6), bool), np.zeros((1, 6), bool)
    >>> a[0, 0:2], b[0, 1:4] = True, True
    >>> surface_distance(a, b)
    0.8
    """
    return float(np.concatenate(border_distances(a, b, spacing_mm=spacing_mm)).mean())


def agreement(a: Mask, b: Mask, *, spacing_mm: float | Spacing | None = None) -> Agreement:
    """All measures at once; parameters and errors as for :func:`hausdorff`.

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.imaging.outlines.overlap import agreement
    >>> a = np.zeros((5, 9), bool); a[1:4, 1:4] = True
    >>> agreement(a, a)
    Agreement(dice=1.0, jaccard=1.0, hausdorff=0.0, hausdorff95=0.0, surface=0.0, unit='px')
    """
    there, back = border_distances(a, b, spacing_mm=spacing_mm)
    return Agreement(
        dice=dice(a, b),
        jaccard=jaccard(a, b),
        hausdorff=float(max(there.max(), back.max())),
        hausdorff95=float(max(np.percentile(there, ROBUST_PERCENTILE), np.percentile(back, ROBUST_PERCENTILE))),
        surface=float(np.concatenate([there, back]).mean()),
        unit="px" if spacing_mm is None else "mm",
    )


def border(mask: Mask) -> Mask:
    """The pixels of a mask with one of their four neighbours, or the edge of the image, outside."""
    inside = np.zeros_like(mask)
    inside[1:-1, 1:-1] = mask[:-2, 1:-1] & mask[2:, 1:-1] & mask[1:-1, :-2] & mask[1:-1, 2:]
    return np.asarray(mask & ~inside)


def border_distances(
    a: Mask, b: Mask, *, spacing_mm: float | Spacing | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Distance of each border pixel of ``a`` to the border of ``b``, and of ``b`` to ``a``.

    Parameters, unit and errors as for :func:`hausdorff`.
    """
    from scipy.ndimage import distance_transform_edt

    a, b = _pair(a, b)
    for mask in (a, b):
        if not mask.any():
            raise fail("RG505", "a mask without a pixel has no border")
    spacing = check_spacing(spacing_mm) or (1.0, 1.0)
    edge_a, edge_b = border(a), border(b)
    to_b = distance_transform_edt(~edge_b, sampling=spacing)[edge_a]
    to_a = distance_transform_edt(~edge_a, sampling=spacing)[edge_b]
    return np.asarray(to_b, dtype=np.float64), np.asarray(to_a, dtype=np.float64)


def _pair(a: Mask, b: Mask) -> tuple[Mask, Mask]:
    a, b = np.asarray(a, dtype=bool), np.asarray(b, dtype=bool)
    if a.shape != b.shape or a.ndim != 2:
        raise fail("RG705", f"two masks of one shape (rows × columns) are needed, not {a.shape} and {b.shape}")
    if not a.any() and not b.any():
        raise fail("RG505", "both masks are empty; their agreement is not defined")
    return a, b
