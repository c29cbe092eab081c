"""Laws' kernels: products of level, edge, spot, wave and ripple."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from radiogen.features.radiomics.filters.mirrored import POOLING, convolved
from radiogen.features.radiomics.filters.naming import names_of
from radiogen.features.radiomics.filters.view import Box, Options, Response, View

_WEIGHTS = {
    "L3": (1, 2, 1), "E3": (-1, 0, 1), "S3": (-1, 2, -1),
    "L5": (1, 4, 6, 4, 1), "E5": (-1, -2, 0, 2, 1), "S5": (-1, 0, 2, 0, -1), "W5": (-1, 2, 0, -2, 1), "R5": (1, -4, 6, -4, 1),
}  # fmt: skip
#: name -> whole numbers; what is made of them is divided once by the norm, so that it is exact where that can be
KERNELS = {name: np.array(w, np.float64) for name, w in _WEIGHTS.items()}


def apply(view: View, options: Options) -> Iterator[Response]:
    """One image per pair of kernels in ``lawsKernels``, as ``E5L5``: E5 along the rows, L5 down the columns.

    With ``lawsRotation`` the responses of the kernel turned by 0°, 90°, 180° and 270° are pooled
    (``lawsPooling``); with ``lawsEnergyDistance`` δ the mean of the absolute response over (2 δ + 1)² pixels follows.

    References
    ----------
    Laws KI. Rapid texture identification. Proc SPIE 1980;238:376-381. doi:10.1117/12.959169

    Whybra P, Zwanenburg A et al. Radiology 2024;310(2):e231319. doi:10.1148/radiol.231319
    """
    distance = options.get("lawsEnergyDistance")
    for name, pair in zip(names_of("Laws", options), options["lawsKernels"], strict=True):
        wanted = view.box if distance is None else _grown(view, distance)
        response, norm = _response(view, wanted, pair, options), _norm(pair)
        yield name, response / norm if distance is None else _energy(np.abs(response), view, wanted, distance, norm)


def _norm(pair: str) -> float:
    """What makes the pair's weights, squared, sum to one: 10 for E5W5."""
    return sqrt(float(np.sum(KERNELS[pair[:2]] ** 2) * np.sum(KERNELS[pair[2:]] ** 2)))


def _response(view: View, box: Box, pair: str, options: Options) -> NDArray[np.float64]:
    """The response to the kernels of whole numbers."""
    across, down = KERNELS[pair[:2]], KERNELS[pair[2:]]
    turns = [(across, down)]
    if options.get("lawsRotation", False):
        turns += [(down[::-1], across), (across[::-1], down[::-1]), (down, across[::-1])]
    maps = [convolved(view.image, box, down=d, across=a) for a, d in turns]
    return maps[0] if len(maps) == 1 else POOLING[options.get("lawsPooling", "max")](maps)


def _grown(view: View, distance: int) -> Box:
    """The box and what its energies need of the image."""
    r0, r1, c0, c1 = view.box
    height, width = view.image.shape
    return max(r0 - distance, 0), min(r1 + distance, height), max(c0 - distance, 0), min(c1 + distance, width)


def _energy(response: NDArray[np.float64], view: View, grown: Box, distance: int, norm: float) -> NDArray[np.float64]:
    """Means of the responses divided by the norm; beyond the image they go on mirrored."""
    r0, r1, c0, c1 = view.box
    top, _, left, _ = grown
    ones = np.ones(2 * distance + 1)
    return convolved(response, (r0 - top, r1 - top, c0 - left, c1 - left), ones, ones) / (norm * len(ones) ** 2)
