"""The outline of a lesion in a box as one radius per direction, found over all outlines at once.

Every direction from the box's centre has candidate radii, each with evidence that the border lies there: the
phase edge from dark to bright, the contrast across it, the grey values inside against those of the surrounding
ring, the mean grey inside, and how far it lies from the ellipse inscribed in the box.  The evidence is weighted
to a logit, and dynamic programming finds the closed outline with the largest sum.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter, gaussian_filter1d

from radiogen.imaging.outlines.phase import Floats, phase_edges
from radiogen.imaging.outlines.window import Window

#: directions, and candidate radii in units of the inscribed ellipse
ANGLES = (np.arange(64) + 0.5) * (2 * np.pi / 64)
RADII = np.linspace(0.3, 1.4, 56)
#: centres of the phase's bands in window pixels: 0.28, 0.42 and 0.61 of the lesion's size
WAVELENGTHS = (20.0, 30.0, 44.0)
#: radii over which the grey values on both sides of a candidate are averaged
_NEAR = 10
#: grey levels of the histograms, and how they are smoothed
_LEVELS, _SMOOTH = 32, 2.0
#: radii that an outline may jump from one direction to the next, and the price of a jump squared
_JUMP, _PRICE = 2, 0.03

#: what each candidate is judged by
EVIDENCE = (
    "phase_edge", "likelihood", "contrast", "mean_inside",
    "off_ellipse", "off_ellipse_squared", "beyond_ellipse", "beyond_ellipse_squared",
)  # fmt: skip
#: weights of a conditional logit of the border's radius, fitted on every fourth lesion image of BUSI by name with
#: exact boxes, boxes moved by up to 5 and 10 % a side, and boxes 10 % too large (benchmarks/segmentation_busi.py)
WEIGHTS = np.array([0.447, 1.391, 1.337, 1.351, 1.808, -4.062, -4.472, -13.041])


def ray_evidence(window: Window) -> Floats:
    """The evidence for every candidate.

    Parameters
    ----------
    window : Window

    Returns
    -------
    ndarray, evidence × directions × radii
        In the order of :data:`EVIDENCE`.
    """
    grey, rho = window.grey, window.rho
    v, u = np.sin(ANGLES)[:, None] * RADII, np.cos(ANGLES)[:, None] * RADII
    edges = phase_edges(grey, WAVELENGTHS)
    edge = window.at(edges.along(*window.outward), v, u)
    ratio = likelihood_ratio(
        gaussian_filter(grey, 1.0),
        np.exp(-((rho / 0.6) ** 4)) * window.valid,
        ((rho > 1.1) & (rho < 1.7) & window.valid).astype(np.float64),
    )
    area = np.cumsum(window.at(ratio, v, u) * RADII, axis=1) * (RADII[1] - RADII[0])
    profile = window.at(gaussian_filter(grey, 1.0), v, u) / (grey[rho < 1.4].std() + 1e-9)
    contrast, inside = _sides(profile)
    off = np.broadcast_to(RADII - 1, edge.shape)
    beyond = np.maximum(off, 0)
    return np.stack([edge, area - area.mean(axis=1, keepdims=True), contrast, inside, off, off**2, beyond, beyond**2])


def likelihood_ratio(grey: Floats, inside: Floats, outside: Floats) -> Floats:
    """Log likelihood ratio of grey values (0 to 1) inside against outside, by smoothed histograms.

    Parameters
    ----------
    grey : ndarray, h × w
    inside, outside : ndarray, h × w
        Weight of every pixel in the two histograms.

    Returns
    -------
    ndarray, h × w
        Positive where the grey value is more frequent inside.
    """
    level = np.clip((grey * _LEVELS).astype(int), 0, _LEVELS - 1)
    shares = []
    for weight in (inside, outside):
        counts = np.bincount(level.ravel(), weight.ravel(), _LEVELS)
        counts = gaussian_filter1d(counts, _SMOOTH, mode="constant")
        shares.append(counts / max(counts.sum(), 1e-12) + 0.1 / _LEVELS)
    return np.asarray(np.log(shares[0] / shares[1])[level])


def _sides(profile: Floats) -> tuple[Floats, Floats]:
    """Mean grey just outside a candidate less that just inside, and the mean from the first radius to it."""
    total = np.concatenate([np.zeros((len(profile), 1)), np.cumsum(profile, axis=1)], axis=1)
    at = np.arange(profile.shape[1])
    low, high = np.maximum(at - _NEAR, 0), np.minimum(at + _NEAR, profile.shape[1])
    within = (total[:, at] - total[:, low]) / np.maximum(at - low, 1)
    without = (total[:, high] - total[:, at]) / np.maximum(high - at, 1)
    return without - within, total[:, at] / np.maximum(at, 1)


def best_outline(score: Floats) -> Floats:
    """The closed outline with the largest sum of scores less the price of its jumps.

    Parameters
    ----------
    score : ndarray, directions × radii

    Returns
    -------
    ndarray, length directions
        Radius of each direction, in units of the inscribed ellipse.

    Notes
    -----
    The directions are gone round three times and the middle round is taken, which closes the outline without
    a search over its first radius.

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.imaging.outlines.outline import RADII, best_outline
    >>> score = np.zeros((64, 56)); score[:, 30] = 1.0; score[7, 50] = 5.0    # one wild direction
    >>> bool((best_outline(score) == RADII[30]).all())
    True
    """
    n, m = score.shape
    steps = range(-_JUMP, _JUMP + 1)
    rounds = np.concatenate([score, score, score])
    value = rounds[0].copy()
    came: list[np.ndarray] = []
    for row in rounds[1:]:
        options = np.full((len(steps), m), -np.inf)
        for k, step in enumerate(steps):
            low, high = max(0, -step), min(m, m - step)
            options[k, low:high] = value[low + step : high + step] - _PRICE * step**2
        best = options.argmax(axis=0)
        came.append(best)
        value = options[best, np.arange(m)] + row
    path = [int(value.argmax())]
    for best in reversed(came):
        path.append(path[-1] + steps[int(best[path[-1]])])
    return np.asarray(RADII[np.array(path[::-1])[n : 2 * n]])


def draw_outline(radii: Floats, v: Floats, u: Floats) -> Floats:
    """How far inside an outline points lie: its radius in their direction less their own; above 0 is inside.

    Parameters
    ----------
    radii : ndarray
        One per direction of :data:`ANGLES`.
    v, u : ndarray
        Points in units of the half box.
    """
    angles = np.concatenate([ANGLES[-1:] - 2 * np.pi, ANGLES, ANGLES[:1] + 2 * np.pi])
    closed = np.concatenate([radii[-1:], radii, radii[:1]])
    return np.asarray(np.interp(np.arctan2(v, u) % (2 * np.pi), angles, closed) - np.hypot(v, u))
