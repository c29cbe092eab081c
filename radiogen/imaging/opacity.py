"""The opacity of a colour overlay, estimated from the picture itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radiogen.imaging.blending import Curve, impossible, solve
from radiogen.imaging.strips import Floats, chroma

#: opacities tried first, then ever closer to the best
_COARSE = np.round(np.arange(0.10, 1.001, 0.03), 3)
_FINE = ((0.02, 5), (0.006, 5), (0.002, 5))
#: pixels looked at, in the coarse and the fine search
_FEW, _MANY = 700, 1500
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


def estimate_opacity(colours: NDArray[np.uint8], curve: Curve, slack: float) -> Opacity:
    """The opacity at which most pixels are some colour of the bar over some grey.

    Parameters
    ----------
    colours : ndarray, N × 3
        Pixels of the overlay.
    curve : Curve
    slack : float
        Grey values that compression or rounding may add.

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
            more = others[a] - best
            if more.mean() > 0.05 * (0.2 + best.mean()) + 2 * more.std() / np.sqrt(len(more)):
                break
            ranges[side] = a
    return ranges[-1], ranges[1]
