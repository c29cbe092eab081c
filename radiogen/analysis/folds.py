"""Folds that keep groups together and classes balanced, and the seeds of tasks."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int_]


def task_seed(seed: int, *key: int | str) -> int:
    """The seed of one task, the same whatever else runs and in whatever order.

    Parameters
    ----------
    seed : int
        Seed of the analysis.
    *key : int or str
        What the task is: stage, repeat, fold, inputs, model.

    Returns
    -------
    int
        Below 2**32; drawn from a child of ``numpy.random.SeedSequence(seed)``.
    """
    numbers = tuple(k if isinstance(k, int) else zlib.crc32(k.encode()) for k in key)
    return int(np.random.SeedSequence(seed, spawn_key=numbers).generate_state(1)[0])


def make_folds(strata: IntArray, groups: IntArray, folds: int, seed: int) -> IntArray:
    """The fold of each unit: groups whole, strata spread as evenly as they allow.

    Parameters
    ----------
    strata : array of int, shape (n,)
        Class numbers, or 0 and 1 for censored and event.
    groups : array of int, shape (n,)
        Units with one number stay in one fold.
    folds : int
    seed : int

    Returns
    -------
    array of int, shape (n,)
        0 … ``folds - 1``.

    Notes
    -----
    Groups are taken in random order, large ones and those of rare strata first; each goes to the
    fold that has the fewest units of the group's strata, then the fewest units; ties are drawn.

    Examples
    --------
    >>> import numpy as np
    >>> fold = make_folds(np.array([0, 0, 0, 0, 1, 1]), np.arange(6), 2, seed=1)
    >>> np.bincount(fold).tolist(), np.bincount(fold[4:]).tolist()
    ([3, 3], [1, 1])
    """
    rng = np.random.default_rng(seed)
    names, member = np.unique(groups, return_inverse=True)
    classes, code = np.unique(strata, return_inverse=True)
    content = np.zeros((len(names), len(classes)))
    np.add.at(content, (member, code), 1.0)
    size = content.sum(axis=1)
    rarity = (content / content.sum(axis=0)).max(axis=1) / size
    order = rng.permutation(len(names))
    order = order[np.lexsort((-rarity[order], -size[order]))]
    share = content.sum(axis=0)
    held = np.zeros((folds, len(classes)))
    chosen = np.zeros(len(names), dtype=int)
    for group in order:
        load = ((held + content[group]) ** 2 - held**2) @ (1 / share)
        cost = load + 1e-6 * held.sum(axis=1)
        best = np.flatnonzero(cost <= cost.min() + 1e-12)
        fold = int(best[0] if len(best) == 1 else best[rng.integers(len(best))])
        held[fold] += content[group]
        chosen[group] = fold
    return chosen[member]


@dataclass(frozen=True)
class Split:
    """One training and one test part, with inner folds of the training part.

    ``train`` and ``test`` are positions of units; ``inner`` holds, per inner fold, positions
    *within* ``train`` of its training and test part.
    """

    repeat: int
    fold: int
    train: IntArray
    test: IntArray
    inner: tuple[tuple[IntArray, IntArray], ...]


def inner_splits(strata: IntArray, groups: IntArray, folds: int, seed: int) -> tuple[tuple[IntArray, IntArray], ...]:
    """Inner folds of a training part: positions within it."""
    fold = make_folds(strata, groups, folds, seed)
    used = [k for k in range(folds) if (fold == k).any()]
    return tuple((np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in used)


def outer_splits(
    strata: IntArray, groups: IntArray, *, folds: int, repeats: int, inner_folds: int, seed: int
) -> list[Split]:
    """All splits of a repeated, nested cross-validation.

    Parameters
    ----------
    strata, groups : array of int, shape (n,)
        As in :func:`make_folds`.
    folds, repeats, inner_folds : int
    seed : int

    Returns
    -------
    list of Split, length ``folds * repeats``
    """
    splits = []
    for repeat in range(repeats):
        fold = make_folds(strata, groups, folds, task_seed(seed, "outer", repeat))
        for k in range(folds):
            train, test = np.flatnonzero(fold != k), np.flatnonzero(fold == k)
            inner = inner_splits(strata[train], groups[train], inner_folds, task_seed(seed, "inner", repeat, k))
            splits.append(Split(repeat, k, train, test, inner))
    return splits


def locked_split(strata: IntArray, groups: IntArray, *, inner_folds: int, seed: int) -> Split:
    """All units as training part and none as test part: the split of the final model."""
    inner = inner_splits(strata, groups, inner_folds, task_seed(seed, "inner", "locked"))
    return Split(-1, -1, np.arange(len(strata)), np.arange(0), inner)
