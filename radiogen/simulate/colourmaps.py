"""Colour maps as scanners paint them, given by a few colours each."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from radiogen.simulate.draws import Floats

Stop = tuple[float, tuple[int, int, int]]

#: name -> places from 0 (soft) to 1 (stiff) and their colours
COLOUR_MAPS: Mapping[str, tuple[Stop, ...]] = {
    "jet": (
        (0.0, (0, 0, 143)), (0.125, (0, 0, 255)), (0.375, (0, 255, 255)), (0.625, (255, 255, 0)), (0.875, (255, 0, 0)),
        (1.0, (128, 0, 0)),
    ),
    "rainbow": (
        (0.0, (20, 40, 200)), (0.25, (0, 170, 220)), (0.5, (40, 200, 60)), (0.75, (250, 210, 30)), (1.0, (220, 20, 20)),
    ),
    "hot": ((0.0, (30, 0, 0)), (0.4, (230, 20, 0)), (0.75, (255, 190, 0)), (1.0, (255, 255, 120))),
    "viridis": (
        (0.0, (68, 1, 84)), (0.25, (59, 82, 139)), (0.5, (33, 145, 140)), (0.75, (94, 201, 98)), (1.0, (253, 231, 37)),
    ),
    "violet": (
        (0.0, (70, 20, 150)), (0.3, (40, 90, 240)), (0.55, (30, 220, 170)), (0.8, (250, 200, 40)), (1.0, (240, 60, 30)),
    ),
}  # fmt: skip


def colours_of(name: str, share: Floats) -> NDArray[np.float64]:
    """The colour of each place of a map.

    Parameters
    ----------
    name : str
        Key of :data:`COLOUR_MAPS`.
    share : ndarray
        Places from 0 to 1; what lies beyond has the colour of the end.

    Returns
    -------
    ndarray, one axis more than ``share``
        Red, green, blue from 0 to 255.

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.simulate.colourmaps import colours_of
    >>> colours_of("jet", np.array([0.0, 0.25, 2.0])).tolist()
    [[0.0, 0.0, 143.0], [0.0, 127.5, 255.0], [128.0, 0.0, 0.0]]
    """
    places = [place for place, _ in COLOUR_MAPS[name]]
    stops = np.array([colour for _, colour in COLOUR_MAPS[name]], dtype=np.float64)
    return np.stack([np.interp(share, places, stops[:, channel]) for channel in range(3)], axis=-1)
