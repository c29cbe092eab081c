"""The inner validation part of a training set: whole groups, with the labels' shares kept; no torch here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radiogen.models.fusion.examples import FloatArray, IntArray, Labels
from radiogen.models.fusion.spec import HeadSpec

#: fewest groups of which some can be spared for validation
_FEWEST_GROUPS = 8
#: fewest events that a survival head is validated on
_FEWEST_EVENTS = 2


@dataclass(frozen=True)
class InnerSplit:
    """Positions of the units trained on and of those validated on (none, and why, where that cannot be)."""

    train: IntArray
    validation: IntArray
    note: str = ""


def inner_split(
    labels: Labels, heads: Sequence[HeadSpec], groups: NDArray[np.generic], rows: IntArray, share: float,
    rng: np.random.Generator,
) -> InnerSplit:  # fmt: skip
    """Put whole groups aside for validation, so that every class of every head keeps its share.

    Parameters
    ----------
    labels : Labels
        Of all units.
    heads : sequence of HeadSpec
    groups : array, shape (n,)
        Patients: units of one group stay together.
    rows : array of int
        Positions of the units that may be used.
    share : float
        Of the units, wanted for validation.
    rng : numpy Generator

    Returns
    -------
    InnerSplit
        Without a validation part, and with a note, where there are fewer than 8 groups or no head would have two
        classes (two events) on either side.

    Notes
    -----
    Iterative stratification over groups: the rarest label is dealt out first, each of its groups to the side that still
    wants most of it.  Events and censored units are the labels of a survival head.

    References
    ----------
    Sechidis K et al. (2011) ECML PKDD 145-158, doi 10.1007/978-3-642-23808-6_10.

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.models.fusion.examples import Labels
    >>> from radiogen.models.fusion.spec import HeadSpec
    >>> from radiogen.models.training.splitting import inner_split
    >>> y = np.repeat([0, 1], 10)
    >>> labels = Labels({"a": y}, {"a": np.ones(20, dtype=bool)})
    >>> heads = [HeadSpec("a", "binary", ("no", "yes"))]
    >>> split = inner_split(labels, heads, np.arange(20), np.arange(20), 0.2, np.random.default_rng(0))
    >>> np.bincount(y[split.validation]).tolist(), len(split.train)
    ([2, 2], 16)
    """
    names, of_row = np.unique(np.asarray(groups)[rows], return_inverse=True)
    if len(names) < _FEWEST_GROUPS:
        return InnerSplit(rows, rows[:0], f"no inner validation: there are {len(names)} groups, fewer than {_FEWEST_GROUPS}")
    tokens = _tokens(labels, heads, rows)
    sizes = np.bincount(of_row, minlength=len(names)).astype(float)
    counts = np.stack([np.bincount(of_row, weights=t, minlength=len(names)) for t in tokens], axis=1).astype(float)
    chosen = _deal(counts, sizes, share, rng)
    validation = rows[chosen[of_row]]
    train = rows[~chosen[of_row]]
    if not any(_usable(labels, head, train) and _usable(labels, head, validation) for head in heads):
        return InnerSplit(rows, rows[:0], "no inner validation: no head has two classes or two events on either side")
    return InnerSplit(train, validation)


def _tokens(labels: Labels, heads: Sequence[HeadSpec], rows: IntArray) -> list[FloatArray]:
    """One indicator per head and class (event or not); a head without labels has none, and then all units are alike."""
    found: list[FloatArray] = []
    for head in heads:
        known = np.asarray(labels.known[head.name], dtype=bool)[rows]
        word = _class_of(labels, head, rows)
        found += [(known & (word == value)).astype(float) for value in np.unique(word[known])]
    return found or [np.ones(len(rows))]


def _class_of(labels: Labels, head: HeadSpec, rows: IntArray) -> IntArray:
    target = np.asarray(labels.targets[head.name])[rows]
    target = target[:, 1] if head.kind == "survival" else target
    return np.where(np.asarray(labels.known[head.name], dtype=bool)[rows], target, 0).astype(int)


def _deal(counts: FloatArray, sizes: FloatArray, share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Which groups go to validation."""
    shares = np.array([1 - share, share])
    wanted, wanted_units = shares[:, None] * counts.sum(axis=0), shares * sizes.sum()
    free, chosen = np.ones(len(sizes), dtype=bool), np.zeros(len(sizes), dtype=bool)
    order = rng.permutation(len(sizes))
    while free.any():
        left = ((counts > 0) & free[:, None]).sum(axis=0)
        label = int(np.where(left > 0, left, np.iinfo(int).max).argmin())
        these = [g for g in order if free[g] and (counts[g, label] > 0 or left[label] == 0)]
        for g in sorted(these, key=lambda g: -counts[g, label]):
            side = _side(wanted[:, label], wanted_units) if left[label] else _side(wanted_units, wanted_units)
            chosen[g], free[g] = side == 1, False
            wanted[side] -= counts[g]
            wanted_units[side] -= sizes[g]
    return chosen


def _side(wanted: FloatArray, wanted_units: FloatArray) -> int:
    """Validation where more is wanted there; of equals the side that wants more units; else training."""
    gap = wanted[1] - wanted[0]
    if abs(gap) < 1e-9:
        gap = wanted_units[1] - wanted_units[0]
    return int(gap > 1e-9)


def _usable(labels: Labels, head: HeadSpec, rows: IntArray) -> bool:
    known = np.asarray(labels.known[head.name], dtype=bool)[rows]
    word = _class_of(labels, head, rows)[known]
    if head.kind == "survival":
        return int(word.sum()) >= _FEWEST_EVENTS
    return len(np.unique(word)) >= 2
