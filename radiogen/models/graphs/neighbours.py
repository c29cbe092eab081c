"""Who is whose neighbour: the nearest training units of other patients, or, as a control, random ones."""

from __future__ import annotations

from hashlib import sha256

import numpy as np
from scipy.spatial.distance import cdist

from radiogen.errors import fail
from radiogen.models.tabular.table import Floats, Ints

#: rows whose distances to all training units are in memory at once
_ROWS = 512


def most_neighbours(groups: Ints) -> int:
    """How many neighbours every training unit can have: units of other groups.

    Raises
    ------
    RadiogenError
        RG701 where all units are of one group.
    """
    fewest = len(groups) - int(np.bincount(groups).max())
    if fewest < 1:
        raise fail("RG701", "all units are of one group (patient), so that none has a neighbour of another")
    return fewest


def nearest_neighbours(units: Floats, training: Floats, k: int, groups: Ints | None = None) -> Ints:
    """The k nearest training units of each unit, by Euclidean distance, the nearest first.

    Parameters
    ----------
    units : array, shape (n, p)
    training : array, shape (m, p)
    k : int
        At most the number of units that are allowed.
    groups : array of int, shape (m,), optional
        Where ``units`` are the training units themselves: their groups.  A unit's neighbours are of other groups then,
        so that neither it nor another lesion of its patient is among them.

    Returns
    -------
    array of int, shape (n, k)
        Rows of ``training``.  Of equally near units those that stand first are taken; each row depends on its own unit and
        on the training units alone.

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.models.graphs.neighbours import nearest_neighbours
    >>> line = np.array([[0.0], [1.0], [3.0], [7.0]])
    >>> nearest_neighbours(line, line, 1, groups=np.array([0, 0, 1, 2])).ravel().tolist()
    [2, 2, 1, 2]
    """
    found = np.empty((len(units), k), dtype=np.int64)
    for start in range(0, len(units), _ROWS):
        rows = slice(start, start + _ROWS)
        # pair by pair: a product of matrices would round differently in batches of different size
        distance = cdist(units[rows], training)
        if groups is not None:
            distance[groups[rows, None] == groups] = np.inf
        found[rows] = np.argsort(distance, axis=1, kind="stable")[:, :k]
    return found


def random_neighbours(units: Floats, training: Floats, k: int, seed: int, groups: Ints | None = None) -> Ints:
    """As :func:`nearest_neighbours`, but drawn by chance.

    The draw of a unit depends on the seed and on its own values alone, so that it is the same whoever else is predicted.
    """
    found = np.empty((len(units), k), dtype=np.int64)
    everyone = np.arange(len(training))
    for i, unit in enumerate(units):
        words = np.frombuffer(sha256((unit + 0.0).tobytes()).digest(), dtype=np.uint32)
        allowed = everyone if groups is None else everyone[groups != groups[i]]
        found[i] = np.random.default_rng([seed, *words.tolist()]).choice(allowed, size=k, replace=False)
    return found
