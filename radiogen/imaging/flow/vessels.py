"""The centre lines of vessels in a mask: length and branch points."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from radiogen.errors import fail
from radiogen.imaging.image import Spacing

Mask = NDArray[np.bool_]
#: the half of the eight neighbours that comes later in the order of rows; each link is found once
_LATER = ((0, 1), (1, 0), (1, -1), (1, 1))


#: rounds of smoothing: each pixel is then the mean of about three on either side
_SMOOTHING = 6
#: pixels of the line that give the direction of its end, and steps in which it is drawn out
_AIM, _FINE = 4, 0.25


@dataclass(frozen=True)
class CentreLines:
    """The skeleton of a mask as pixels and the links between them.

    Parameters
    ----------
    pixels : ndarray of int, n × 2
        Row and column of every pixel of the skeleton.
    links : ndarray of int, m × 2
        Pairs of numbers of neighbouring pixels.
    radius_px : ndarray of float64, length n
        Distance of every pixel's centre from the edge of the mask.
    tips : ndarray of float64, n × 2
        At free ends the rows and columns from there to the end of the vessel, in the direction of the line; else 0.
    shape : (int, int)
        Rows and columns of the mask.
    """

    pixels: NDArray[np.int64]
    links: NDArray[np.int64]
    radius_px: NDArray[np.float64]
    tips: NDArray[np.float64]
    shape: tuple[int, int]

    def length(self, within: Mask | None = None, spacing_mm: Spacing | None = None) -> float:
        """Length of the centre lines, in mm where the spacing is given and in pixels where not.

        A step to a neighbour in the row or column counts one pixel, a diagonal step √2 (in mm: the hypotenuse).  A
        slanting line of such steps is a staircase, up to 8 % longer than the line; therefore the steps are taken
        after the line was smoothed over its neighbours, with ends and branch points held.  A skeleton ends short of
        the end of its vessel; each free end is drawn out to the edge, so that a straight vessel of 20 pixels has the
        length 20 at every width.

        Parameters
        ----------
        within : ndarray of bool, shape ``shape``, optional
            Only what lies inside counts; a step across the border counts half.  Default: all.
        spacing_mm : (float, float), optional
            Millimetres per row and per column.
        """
        row, column = spacing_mm or (1.0, 1.0)
        inside = self._inside(within)
        places = self._smoothed() * np.array([row, column])
        steps = places[self.links[:, 0]] - places[self.links[:, 1]]
        weight = inside[self.links].mean(axis=1)
        tips = np.hypot(*(self.tips[inside] * np.array([row, column])).T)
        # a vessel as long as it is wide has no line: its length is its width
        alone = 2 * self.radius_px[inside & (self.degree() == 0)] * np.sqrt(row * column)
        return float((np.hypot(steps[:, 0], steps[:, 1]) * weight).sum() + tips.sum() + alone.sum())

    def branch_points(self, within: Mask | None = None) -> int:
        """Number of places where three or more centre lines meet; neighbouring pixels are one place.

        Parameters
        ----------
        within : ndarray of bool, shape ``shape``, optional
            Only what lies inside counts.  Default: all.
        """
        from scipy.ndimage import label

        canvas = np.zeros(self.shape, dtype=bool)
        meeting = self.pixels[(self.degree() >= 3) & self._inside(within)]
        canvas[meeting[:, 0], meeting[:, 1]] = True
        return int(label(canvas, structure=np.ones((3, 3)))[1])

    def degree(self) -> NDArray[np.int64]:
        """Number of links of every pixel."""
        return np.bincount(self.links.ravel(), minlength=len(self.pixels))

    def _smoothed(self) -> NDArray[np.float64]:
        """Places of the pixels without the staircase: each moved half way to the middle of its two neighbours."""
        places = self.pixels.astype(np.float64)
        free = self.degree() == 2
        for _ in range(_SMOOTHING):
            total = np.zeros_like(places)
            for one, other in (self.links.T, self.links[:, ::-1].T):
                np.add.at(total, one, places[other])
            places[free] = 0.5 * places[free] + 0.25 * total[free]
        return places

    def _inside(self, within: Mask | None) -> Mask:
        if within is None:
            return np.ones(len(self.pixels), dtype=bool)
        return np.asarray(within[self.pixels[:, 0], self.pixels[:, 1]], dtype=bool)


def centre_lines(mask: Mask) -> CentreLines:
    """The centre lines of the vessels in a mask, without spurs.

    The mask is thinned to a skeleton one pixel wide.  Of two pixels that touch at a corner only those are linked that
    no third pixel of the skeleton links already.  A side branch that ends within the width of the vessel it leaves
    (its length is not above the distance from the branch point to the edge, and a pixel) is a wrinkle of the edge and
    is cut off.

    Parameters
    ----------
    mask : ndarray of bool, H × W

    Returns
    -------
    CentreLines

    Raises
    ------
    RadiogenError
        RG705 where the mask is no two-dimensional mask.

    References
    ----------
    Lee TC, Kashyap RL, Chu CN. Building skeleton models via 3-D medial surface axis thinning algorithms.
    CVGIP Graph Models Image Process 1994;56(6):462-478. doi:10.1006/cgip.1994.1042

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.imaging.flow.vessels import centre_lines
    >>> mask = np.zeros((9, 30), bool); mask[3:6, 5:25] = True
    >>> lines = centre_lines(mask)
    >>> lines.length(), round(lines.length(spacing_mm=(0.1, 0.1)), 9), lines.branch_points()
    (20.0, 2.0, 0)
    """
    from scipy.ndimage import distance_transform_edt
    from skimage.morphology import skeletonize

    if mask.ndim != 2 or mask.dtype != np.bool_:
        raise fail("RG705", f"a mask is two-dimensional and of type bool; this is {mask.ndim}-dimensional {mask.dtype}")
    if not mask.any():
        return _lines(np.zeros((0, 2), dtype=np.int64), mask.shape, np.zeros(mask.shape))
    # a frame of background: a vessel that touches the border of the picture ends there
    framed = np.pad(mask, 1)
    skeleton = skeletonize(framed, method="lee")[1:-1, 1:-1]
    # from the centre of a pixel to the edge, which lies half a pixel before the first pixel outside
    depth = distance_transform_edt(framed)[1:-1, 1:-1] - 0.5
    lines = _lines(np.argwhere(skeleton).astype(np.int64), mask.shape, depth)
    while len(spurs := _spurs(lines)):
        lines = _lines(np.delete(lines.pixels, spurs, axis=0), mask.shape, depth)
    return replace(lines, tips=_tips(lines, mask))


def _lines(pixels: NDArray[np.int64], shape: tuple[int, ...], depth: NDArray[np.float64]) -> CentreLines:
    """Pixels with the links between them."""
    number = np.full((shape[0] + 2, shape[1] + 2), -1, dtype=np.int64)
    rows, columns = pixels[:, 0] + 1, pixels[:, 1] + 1
    number[rows, columns] = np.arange(len(pixels))
    links = []
    for down, right in _LATER:
        other = number[rows + down, columns + right]
        found = other >= 0
        if down and right:  # at a corner, unless a third pixel lies between
            found &= (number[rows + down, columns] < 0) & (number[rows, columns + right] < 0)
        links.append(np.column_stack([np.flatnonzero(found), other[found]]))
    radius = depth[pixels[:, 0], pixels[:, 1]].astype(np.float64)
    tips = np.zeros((len(pixels), 2))
    return CentreLines(pixels, np.vstack(links), radius, tips, (int(shape[0]), int(shape[1])))


def _tips(lines: CentreLines, mask: Mask) -> NDArray[np.float64]:
    """From every free end straight on until the mask ends, in rows and columns."""
    tips = np.zeros((len(lines.pixels), 2))
    neighbours = _neighbours(lines)
    for end, around in enumerate(neighbours):
        if len(around) != 1:
            continue
        back, before, here = [end], end, around[0]
        while len(neighbours[here]) == 2 and len(back) < _AIM:
            back.append(here)
            before, here = here, next(n for n in neighbours[here] if n != before)
        ahead = (lines.pixels[end] - lines.pixels[here]).astype(np.float64)
        ahead /= np.hypot(*ahead)
        far = lines.radius_px[end] + 2.0
        steps = np.arange(_FINE / 2, far, _FINE)
        place = np.floor(lines.pixels[end] + steps[:, None] * ahead + 0.5).astype(np.int64)
        within = ((place >= 0) & (place < mask.shape)).all(axis=1)
        within[within] = mask[place[within, 0], place[within, 1]]
        tips[end] = ahead * _FINE * (int(np.argmin(within)) if not within.all() else len(steps))
    return tips


def _neighbours(lines: CentreLines) -> list[list[int]]:
    found: list[list[int]] = [[] for _ in lines.pixels]
    for a, b in lines.links.tolist():
        found[a].append(b)
        found[b].append(a)
    return found


def _spurs(lines: CentreLines) -> list[int]:
    """Numbers of the pixels of side branches that are no longer than the vessel is wide, the shortest at each place."""
    neighbours = _neighbours(lines)
    shortest: dict[int, list[int]] = {}
    for end, around in enumerate(neighbours):
        if len(around) != 1:
            continue
        path, before, here = [end], end, around[0]
        while len(neighbours[here]) == 2:
            path.append(here)
            before, here = here, next(n for n in neighbours[here] if n != before)
        if len(neighbours[here]) < 3 or len(path) > lines.radius_px[here] + 1.0:
            continue
        if here not in shortest or len(path) < len(shortest[here]):
            shortest[here] = path
    return sorted({pixel for path in shortest.values() for pixel in path})

