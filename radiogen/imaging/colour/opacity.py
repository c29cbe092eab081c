"""The opacity of a colour overlay, estimated from the picture itself."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from radiogen.imaging.colour.blending import Curve, impossible, solve
from radiogen.imaging.colour.strips import Floats, chroma
from radiogen.imaging.image import coloured_pixels
from radiogen.imaging.regions import Mask, bounding_box, box_slices

#: opacities tried first, then ever closer to the best
_COARSE = np.round(np.arange(0.10, 1.001, 0.03), 3)
_FINE = ((0.02, 5), (0.006, 5), (0.002, 5))
#: pixels looked at, in the coarse and the fine search
_FEW, _MANY = 700, 1500
#: bands inside and outside the border of the overlay, in pixels from it, whose speckle is compared
_BAND = (4, 14)
#: pixels that each band must have, and how near to the truth the comparison comes
_BAND_PIXELS, _NEAR = 300, 0.1
#: a range of opacities this wide is looked at again
_WIDE = 0.05
#: a pixel costs no more than this (of 255): text and cross-hairs must not pull
_CAP = 10.0


@dataclass(frozen=True)
class Opacity:
    """The opacity and what is known of it.

    Parameters
    ----------
    value : float
        0 to 1.
    low, high : float
        Opacities that explain the picture as well, within what its pixels can tell.
    noise : float
        Median distance of the pixels to the bar's colours, in units of 0 to 255.
    """

    value: float
    low: float
    high: float
    noise: float


def estimate_opacity(colours: NDArray[np.uint8], curve: Curve, slack: float, speckle: float = math.nan) -> Opacity:
    """The opacity at which most pixels are some colour of the bar over some grey.

    Parameters
    ----------
    colours : ndarray, N × 3
        Pixels of the overlay.
    curve : Curve
    slack : float
        Grey values that compression or rounding may add.
    speckle : float, default NaN
        What :func:`speckle_opacity` gives; it weighs only where the colours leave a wide range.

    Returns
    -------
    Opacity
        ``low`` and ``high`` are far apart where the picture holds only colours of one hue, from which the opacity
        cannot be told.
    """
    pixels = colours.astype(np.float64)
    tints, brightness = chroma(pixels), pixels.mean(axis=1)
    few, many = _spread(len(pixels), _FEW), _spread(len(pixels), _MANY)
    tried = {float(a): _costs(tints[few], brightness[few], curve, float(a), slack) for a in _COARSE}
    best = min(tried, key=lambda a: tried[a].mean())
    costs: dict[float, Floats] = {}
    step = float(_COARSE[1] - _COARSE[0])
    for width, count in _FINE:
        around = best + np.linspace(-step, step, 2 * count + 1)
        for a in np.unique(np.clip(np.round(around, 4), 0.05, 1.0)):
            if float(a) not in costs:
                costs[float(a)] = _costs(tints[many], brightness[many], curve, float(a), slack)
        best = min(costs, key=lambda a: costs[a].mean())
        step = width
    low, high = _alike(_costs(tints[few], brightness[few], curve, best, slack), tried, best)
    if high - low > _WIDE and low - _NEAR <= speckle <= high + _NEAR:
        between = {float(a): _costs(tints[few], brightness[few], curve, float(a), slack) for a in np.linspace(low, high, 15)}
        least = min(between.values(), key=lambda c: float(c.mean()))
        weighed = {a: _excess(c, least) + 0.5 * ((a - speckle) / _NEAR) ** 2 for a, c in between.items()}
        best = min(weighed, key=lambda a: weighed[a])
        costs[best] = between[best]
    return Opacity(best, low, high, float(np.median(costs[best])))


def _spread(count: int, wanted: int) -> NDArray[np.intp]:
    return np.unique(np.linspace(0, max(count - 1, 0), min(count, wanted)).astype(np.intp))


def _costs(tints: Floats, brightness: Floats, curve: Curve, opacity: float, slack: float) -> Floats:
    """What each pixel is away from the nearest colour of the bar over a possible grey, capped."""
    found = solve(tints, curve, opacity)
    extra = impossible(brightness[:, None], found.places, curve, opacity, slack)
    return np.asarray(np.minimum(np.hypot(found.distances, extra).min(axis=1), _CAP), dtype=np.float64)


def _alike(best: Floats, others: dict[float, Floats], value: float) -> tuple[float, float]:
    """The range of opacities around the best whose costs are not clearly higher, pixel by pixel."""
    ranges = {-1: value, 1: value}
    for side in ranges:
        for a in sorted((a for a in others if (a - value) * side > 0), key=lambda a: abs(a - value)):
            if _excess(others[a], best) > 1:
                break
            ranges[side] = a
    return ranges[-1], ranges[1]


def _excess(costs: Floats, least: Floats) -> float:
    """How much higher costs are than the least, in units of what the pixels can tell."""
    more = costs - least
    return float(more.mean() / (0.05 * (0.2 + least.mean()) + 2 * more.std() / np.sqrt(len(more))))


def speckle_opacity(rgb: NDArray[np.uint8], overlay: Mask, without: Mask) -> float:
    """The opacity as the speckle tells it: one minus the speckle inside the overlay's border over that outside.

    The overlay weakens the speckle of the B-mode picture beneath it by one minus its opacity.  Speckle differs from
    place to place, so that this is right to about 0.1 only.

    Parameters
    ----------
    rgb : ndarray, H × W × 3 uint8
    overlay, without : ndarray of bool, H × W
        The overlay, and what is neither overlay nor B-mode (the bar).

    Returns
    -------
    float
        NaN where it cannot be compared, such as an overlay that fills the picture.
    """
    rows, columns = box_slices(bounding_box(overlay, margin=_BAND[1] + 1))
    piece, inside = rgb[rows, columns], overlay[rows, columns]
    brightness = piece.mean(axis=2)
    fine = np.zeros_like(brightness)
    fine[:, 1:-1] = np.abs(brightness[:, 1:-1] - (brightness[:, :-2] + brightness[:, 2:]) / 2)
    first, last = _BAND
    away = [distance_transform_edt(m) for m in (inside, ~inside)]
    near, beyond = ((d > first) & (d <= last) for d in away)
    # not the black screen, and no coloured marks
    beyond &= ~without[rows, columns] & (brightness > 10) & (brightness < 245) & ~coloured_pixels(piece)
    if min(int(near.sum()), int(beyond.sum())) < _BAND_PIXELS:
        return math.nan
    outside = float(np.median(fine[beyond]))
    return 1 - float(np.median(fine[near])) / outside if outside > 1 else math.nan
