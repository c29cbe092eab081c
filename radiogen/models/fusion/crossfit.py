"""One network per inner fold, averaged: each stops early on its own fold and predicts it out of fold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from radiogen.errors import RadiogenError, fail
from radiogen.models.fusion.examples import Examples, Labels
from radiogen.models.fusion.spec import HeadSpec, Plan

if TYPE_CHECKING:
    from radiogen.models.training import Trained
    from radiogen.progress import Progress

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int_]

#: probabilities are cut to this before their log-odds are taken
_CLIP = 1e-6


@dataclass(frozen=True)
class Part:
    """What one member learns from.

    Parameters
    ----------
    prepare : callable
        From units of any kind to :class:`Examples`; fitted on the member's own training rows alone.
    plan : Plan
        Inputs as ``prepare`` makes them.
    examples : Examples
        All units of the training part, prepared.
    train, validation : array of int
        Positions in ``examples``.
    """

    prepare: Callable[[Any], Examples]
    plan: Plan
    examples: Examples
    train: IntArray
    validation: IntArray


@dataclass(frozen=True)
class CrossFitted:
    """The members and what they predict together.

    Parameters
    ----------
    head : HeadSpec
        The head that is reported; further heads only help the network to learn.
    members : tuple of (prepare, Trained)
    offsets : tuple of float
        Mean log-hazard of each member's training units, which is taken off (survival; else 0).
    modalities : tuple of str
    """

    head: HeadSpec
    members: tuple[tuple[Callable[[Any], Examples], Trained], ...]
    offsets: tuple[float, ...]
    modalities: tuple[str, ...]

    def predict(self, units: Any, present: NDArray[np.bool_] | None = None) -> FloatArray:
        """Mean over members of class probabilities, shape (n, classes), or of log-hazards, shape (n, 1).

        Parameters
        ----------
        units : object
            What the members' ``prepare`` takes.
        present : array of bool, shape (n, modalities), optional
            Hides modalities that a unit has.

        Returns
        -------
        array
            NaN for units with fewer modalities than the plan's ``min_modalities``.
        """
        return self._mean(self._prepared(units), present)

    def present(self, units: Any) -> NDArray[np.bool_]:
        """Who has which modality."""
        return self.members[0][0](units).present

    def score(self, units: Any, present: NDArray[np.bool_] | None = None) -> FloatArray:
        """The prediction on the scale on which contributions add up.

        Log-odds of the second of two classes, shape (n, 1); log-probabilities of several, shape (n, classes);
        log-hazard, shape (n, 1).
        """
        return on_additive_scale(self.predict(units, present), self.head)

    def game(self, units: Any) -> Callable[[NDArray[np.bool_]], FloatArray]:
        """:meth:`score` as a function of ``present`` alone; the units are prepared once, however many subsets are asked for."""
        prepared = self._prepared(units)
        return lambda present: on_additive_scale(self._mean(prepared, present), self.head)

    def _prepared(self, units: Any) -> list[Examples]:
        return [prepare(units) for prepare, _ in self.members]

    def _mean(self, prepared: list[Examples], present: NDArray[np.bool_] | None) -> FloatArray:
        parts = []
        for examples, (_, trained), offset in zip(prepared, self.members, self.offsets, strict=True):
            seen = examples if present is None else examples.with_present(present)
            parts.append(trained.predict(seen)[self.head.name] - offset)
        return np.asarray(np.mean(parts, axis=0), dtype=np.float64)


def on_additive_scale(prediction: FloatArray, head: HeadSpec) -> FloatArray:
    """Probabilities as log-odds (two classes) or log-probabilities (several); log-hazards as they are."""
    if head.kind == "survival":
        return prediction
    p = np.clip(prediction, _CLIP, 1 - _CLIP)
    return np.log(p[:, 1:] / p[:, :1]) if p.shape[1] == 2 else np.log(p)


def cross_fit(
    parts: Sequence[Part], labels: Labels, groups: IntArray, *, seeds: Sequence[int], progress: Progress | None = None
) -> tuple[CrossFitted, FloatArray]:
    """Train one network per part.

    Parameters
    ----------
    parts : sequence of Part
        One per inner fold; their validation rows are disjoint and cover all units, and the first head of
        their plans is the one reported.
    labels : Labels
        Of all units of the training part.
    groups : array of int, shape (n,)
        Units that belong together.
    seeds : sequence of int
        One per part.

    Returns
    -------
    fitted : CrossFitted
    inner : array, shape (n, classes) or (n, 1)
        Each unit's prediction by the member that was not trained on it; NaN for units with too few modalities, and for those
        of an inner fold without a member.

    Raises
    ------
    RadiogenError
        RG701 where no inner fold has a training part with labels that differ.

    Notes
    -----
    Few units may have a modality, and all of one inner training part the same label: that fold has no member, and the others
    predict.
    """
    from radiogen.models.training import train

    head = parts[0].plan.heads[0]
    known = np.flatnonzero(labels.known[head.name])
    members, offsets, inner = [], [], None
    reason: RadiogenError | None = None
    for part, seed in zip(parts, seeds, strict=True):
        try:
            trained = train(
                part.plan, part.examples, labels, groups, seed=seed, rows=part.train, validation=part.validation,
                progress=progress,
            )  # fmt: skip
        except RadiogenError as error:
            if error.problems[0].code != "RG701":
                raise
            reason = error
            continue
        found = trained.predict(part.examples)[head.name]
        own = np.intersect1d(part.train, known)
        offset = float(np.nanmean(found[own])) if head.kind == "survival" else 0.0
        inner = np.full(found.shape, np.nan) if inner is None else inner
        inner[part.validation] = found[part.validation] - offset
        members.append((part.prepare, trained))
        offsets.append(offset)
    if inner is None:
        names = ", ".join(parts[0].plan.modalities)
        raise fail("RG701", f"no network on {names} can be trained: in every inner fold the units that have it are of one class, "
                   "or without events", fix="Leave this input out, or merge classes.") from reason
    return CrossFitted(head, tuple(members), tuple(offsets), parts[0].plan.modalities), inner

