"""The model of a transparent colour overlay, and its inversion.

A pixel of the overlay is ``opacity · C(t) + (1 − opacity) · g · (1, 1, 1)``: the bar's colour C at place t (0 low
end, 1 high end), laid over the grey value g of the B-mode picture beneath, which is not known.  Grey has no part in
the plane across the grey axis (``chroma``): there the pixel is ``opacity · chroma(C(t))``, so that the nearest point
of the bar's curve gives t.  What is then left of the brightness must be a grey value between 0 and 255.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d

from radiogen.imaging.colour.strips import Floats, chroma

#: points of the bar's curve
_POINTS = 256
#: pixels that are decoded together, to bound the memory
_CHUNK = 8192
#: tints that lie closer together than this (of 255) are decoded once
CELL = 0.25


@dataclass(frozen=True, eq=False)
class Curve:
    """A colour bar as K points: place, chroma, brightness, and how far the map may bend away between two rows."""

    places: Floats
    tints: Floats
    brightness: Floats
    bends: Floats


@dataclass(frozen=True, eq=False)
class Solutions:
    """For N tints the places on the bar that could have made them, best first.

    ``places`` and ``distances`` are N × 3; where there are fewer solutions the distance is infinite.
    """

    places: Floats
    distances: Floats


def curve_of(colours: Floats, *, clean: bool) -> Curve:
    """A bar's colours, low end first, as a curve of evenly spaced points.

    Between two rows of the bar the map may turn a corner that the bar does not show; half of the bend that the rows
    around show is allowed for.  Of a bar that compression made uneven nothing is.
    """
    places = np.linspace(0, 1, min(_POINTS, max(len(colours), 64)))
    own = np.linspace(0, 1, len(colours))
    points = np.stack([np.interp(places, own, colours[:, c]) for c in range(3)], axis=1)
    bend = np.zeros(len(colours))
    if clean:
        # bends of one unit are rounding
        bend[1:-1] = np.maximum(np.linalg.norm(np.diff(chroma(colours), n=2, axis=0), axis=1) / 2 - 1, 0)
        bend = maximum_filter1d(bend, 3)
    return Curve(places, chroma(points), points.mean(axis=1), np.interp(places, own, bend))


def solve(tints: Floats, curve: Curve, opacity: float) -> Solutions:
    """Places on the bar nearest to each tint (N × 2), at most three that lie apart."""
    parts = [_solve(tints[i : i + _CHUNK], curve, opacity) for i in range(0, len(tints), _CHUNK)]
    if not parts:
        return Solutions(np.empty((0, 3)), np.empty((0, 3)))
    return Solutions(np.concatenate([p for p, _ in parts]), np.concatenate([d for _, d in parts]))


def _solve(tints: Floats, curve: Curve, opacity: float) -> tuple[Floats, Floats]:
    points = (opacity * curve.tints).astype(np.float32)
    own = tints.astype(np.float32)
    squared = (own**2).sum(axis=1)[:, None] - 2 * own @ points.T + (points**2).sum(axis=1)[None]
    padded = np.pad(squared, ((0, 0), (1, 1)), constant_values=np.inf)
    lowest = (squared <= padded[:, :-2]) & (squared < padded[:, 2:])
    dips = np.where(lowest, squared, np.inf)
    places, distances = np.zeros((len(own), 3)), np.full((len(own), 3), np.inf)
    rows = np.arange(len(own))
    for k in range(3):
        nearest = dips.argmin(axis=1)
        found = np.isfinite(dips[rows, nearest])
        place, distance = _projected(tints, curve, opacity, nearest)
        places[:, k], distances[:, k] = place, np.where(found, distance, np.inf)
        dips[rows, nearest] = np.inf
    order = distances.argsort(axis=1, kind="stable")
    return np.take_along_axis(places, order, axis=1), np.take_along_axis(distances, order, axis=1)


def _projected(tints: Floats, curve: Curve, opacity: float, nearest: NDArray[np.intp]) -> tuple[Floats, Floats]:
    """Foot of the perpendicular on the two pieces of the curve that meet in the nearest point: place and distance."""
    best_place, best = curve.places[nearest], np.linalg.norm(tints - opacity * curve.tints[nearest], axis=1)
    last = len(curve.places) - 1
    for side in (-1, 1):
        other = np.clip(nearest + side, 0, last)
        start, way = opacity * curve.tints[nearest], opacity * (curve.tints[other] - curve.tints[nearest])
        length = np.maximum((way**2).sum(axis=1), 1e-9)
        share = np.clip(((tints - start) * way).sum(axis=1) / length, 0, 1)
        distance = np.linalg.norm(tints - start - share[:, None] * way, axis=1)
        closer = distance < best
        place = curve.places[nearest] + share * (curve.places[other] - curve.places[nearest])
        best_place, best = np.where(closer, place, best_place), np.where(closer, distance, best)
    return best_place, best


def impossible(brightness: Floats, places: Floats, curve: Curve, opacity: float, slack: float) -> Floats:
    """How far (of 255, as a distance between colours) the grey beneath would have to lie beyond black or white.

    Parameters
    ----------
    brightness : ndarray
        Mean of red, green and blue of each pixel.
    places : ndarray, same shape
    curve, opacity
    slack : float
        Grey values that compression or rounding may add.
    """
    lowest = opacity * np.interp(places, curve.places, curve.brightness)
    highest = lowest + (1 - opacity) * 255
    beyond = np.maximum(np.maximum(lowest - brightness, brightness - highest) - slack, 0)
    return np.asarray(np.sqrt(3.0) * beyond, dtype=np.float64)
