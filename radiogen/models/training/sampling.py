"""Which units a step sees, how much their classes weigh and which of their modalities are hidden; no torch here."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from radiogen.models.fusion.examples import BoolArray, FloatArray, IntArray, Labels
from radiogen.models.fusion.spec import HeadSpec


def class_weights(labels: Labels, heads: Sequence[HeadSpec]) -> dict[str, FloatArray]:
    """Weights that let the classes of a head count alike: known labels / (classes that occur × labels of the class).

    Parameters
    ----------
    labels : Labels
        Of the training part.
    heads : sequence of HeadSpec
        Survival heads have no classes and are passed over.

    Returns
    -------
    dict of str to array, shape (classes,)
        A class that does not occur has weight 1, which nothing uses.

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.models.fusion.examples import Labels
    >>> from radiogen.models.fusion.spec import HeadSpec
    >>> from radiogen.models.training.sampling import class_weights
    >>> labels = Labels({"a": np.array([0, 0, 0, 1, 1])}, {"a": np.array([True, True, True, True, False])})
    >>> class_weights(labels, [HeadSpec("a", "binary", ("no", "yes"))])["a"].round(3).tolist()
    [0.667, 2.0]
    """
    found = {}
    for head in heads:
        if head.kind == "survival":
            continue
        known = np.asarray(labels.known[head.name], dtype=bool)
        counts = np.bincount(np.asarray(labels.targets[head.name])[known].astype(int), minlength=len(head.classes))
        weights = np.ones(len(head.classes))
        there = counts > 0
        weights[there] = counts.sum() / (there.sum() * counts[there])
        found[head.name] = weights
    return found


def unit_weights(labels: Labels, heads: Sequence[HeadSpec]) -> FloatArray:
    """How often a unit is drawn with balanced sampling: the mean of its classes' weights over the heads known of it.

    Units of which no class is known weigh 1.

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.models.fusion.examples import Labels
    >>> from radiogen.models.fusion.spec import HeadSpec
    >>> from radiogen.models.training.sampling import unit_weights
    >>> labels = Labels({"a": np.array([0, 0, 0, 1, 1])}, {"a": np.array([True, True, True, True, False])})
    >>> unit_weights(labels, [HeadSpec("a", "binary", ("no", "yes"))]).round(3).tolist()
    [0.667, 0.667, 0.667, 2.0, 1.0]
    """
    weights = class_weights(labels, heads)
    n = len(next(iter(labels.known.values())))
    total, number = np.zeros(n), np.zeros(n)
    for name, of_class in weights.items():
        known = np.asarray(labels.known[name], dtype=bool)
        total[known] += of_class[np.asarray(labels.targets[name])[known].astype(int)]
        number += known
    return np.divide(total, number, out=np.ones(n), where=number > 0)


def epoch_batches(
    rows: IntArray, size: int, rng: np.random.Generator, weights: FloatArray | None = None
) -> list[IntArray]:
    """The units of an epoch, batch by batch.

    Parameters
    ----------
    rows : array of int, shape (n,)
        Positions of the training units.
    size : int
        Units of a batch; the last one may have fewer.
    rng : numpy Generator
    weights : array, shape (n,), optional
        Balanced sampling: n units are drawn with replacement in proportion to it.  Without it every unit is seen once.

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.models.training.sampling import epoch_batches
    >>> [len(b) for b in epoch_batches(np.arange(7), 3, np.random.default_rng(0))]
    [3, 3, 1]
    """
    if weights is None:
        order = rng.permutation(rows)
    else:
        order = rng.choice(rows, size=len(rows), p=weights / weights.sum())
    return [order[at : at + size] for at in range(0, len(order), size)]


def hide_modalities(present: BoolArray, probability: float, rng: np.random.Generator) -> BoolArray:
    """Modality dropout: each present modality of each unit is hidden with a probability; at least one stays.

    Parameters
    ----------
    present : array of bool, shape (n, modalities)
    probability : float
    rng : numpy Generator

    Returns
    -------
    array of bool, shape (n, modalities)
        Never more than ``present``; a unit with a modality keeps one, drawn evenly where chance had hidden all.

    References
    ----------
    Neverova N et al. (2016) ModDrop, IEEE TPAMI 38:1692-1706, doi 10.1109/TPAMI.2015.2461544.

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.models.training.sampling import hide_modalities
    >>> present = np.array([[True, False], [True, True]])
    >>> seen = hide_modalities(present, 0.9, np.random.default_rng(0))
    >>> bool(seen.any(axis=1).all()), bool((seen & ~present).any())
    (True, False)
    """
    if probability <= 0:
        return present
    chance: NDArray[np.float64] = rng.random(present.shape)
    kept = present & (chance >= probability)
    # the largest draw among those present stays: even among them, and most often it stayed anyway
    best = np.where(present, chance, -1.0).argmax(axis=1)
    lone = np.flatnonzero(present.any(axis=1))
    kept[lone, best[lone]] = True
    return kept
