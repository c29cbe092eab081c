"""What one training works on; nothing here imports torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radiogen.errors import fail
from radiogen.models.fusion.examples import BoolArray, Examples, IntArray, Labels
from radiogen.models.fusion.spec import HeadSpec, Plan
from radiogen.models.training.seeds import Purpose, generator
from radiogen.models.training.splitting import InnerSplit, inner_split


@dataclass(frozen=True)
class Job:
    """Everything that decides the outcome of a training.

    Parameters
    ----------
    plan : Plan
    examples : Examples
        Those trained and validated on, and no others.
    labels : Labels
        Of the examples.
    train, validation : array of int
        Positions in the examples.
    seed : int
    start : object or None
        A network to begin with in place of a random one.
    path : Path or None
        Of the checkpoint.
    fingerprint : str
    """

    plan: Plan
    examples: Examples
    labels: Labels
    train: IntArray
    validation: IntArray
    seed: int
    start: Any = None
    path: Path | None = None
    fingerprint: str = ""

    @property
    def whole(self) -> bool:
        """Whether a step needs all training units at once, for its risk sets."""
        return any(head.kind == "survival" for head in self.plan.heads)


def check_arguments(plan: Plan, examples: Examples, labels: Labels, groups: NDArray[np.generic]) -> None:
    """RG705 where plan, examples, labels and groups do not fit one another."""
    n = len(examples)
    if examples.modalities != plan.modalities:
        wanted = ", ".join(plan.modalities)
        raise fail("RG705", f"the examples must have the plan's modalities, {wanted}", value=", ".join(examples.modalities))
    if len(groups) != n:
        raise fail("RG705", f"there are {len(groups)} groups for {n} units", value=len(groups))
    for head in plan.heads:
        if head.name not in labels.targets or head.name not in labels.known:
            raise fail("RG705", f"there are no labels for the head '{head.name}'", value=head.name)
        if len(labels.targets[head.name]) != n or len(labels.known[head.name]) != n:
            raise fail("RG705", f"the head '{head.name}' needs {n} labels", value=len(labels.targets[head.name]))
    column = {name: k for k, name in enumerate(plan.modalities)}
    for spec in plan.inputs:
        if spec.kind == "table" or spec.columns:
            if spec.name not in examples.tables:
                raise fail("RG705", f"there is no table for the input '{spec.name}'", value=spec.name)
            there = examples.present[:, column[spec.modality]]
            if not np.isfinite(examples.tables[spec.name][there]).all():
                raise fail("RG705", f"the table '{spec.name}' must be finite where it is present", value=spec.name)
        if spec.kind != "table" and spec.name not in examples.pictures:
            raise fail("RG705", f"there are no pictures for the input '{spec.name}'", value=spec.name)


def usable(plan: Plan, examples: Examples, labels: Labels, rows: Sequence[int] | IntArray | None) -> IntArray:
    """Positions of units that can be learnt from: enough modalities, and a label of at least one head."""
    at = np.arange(len(examples)) if rows is None else np.asarray(rows, dtype=int)
    enough = examples.present.sum(axis=1) >= plan.net.min_modalities
    labelled = np.any([np.asarray(labels.known[h.name], dtype=bool) for h in plan.heads], axis=0)
    return at[enough[at] & labelled[at]]


def part_rows(
    plan: Plan, examples: Examples, labels: Labels, groups: NDArray[np.generic], *, seed: int,
    rows: Sequence[int] | IntArray | None, validation: Sequence[int] | IntArray | None,
) -> InnerSplit:  # fmt: skip
    """Who is trained on and who is validated on.

    Raises
    ------
    RadiogenError
        RG701 where nothing is left to learn from, RG705 where a group stands on both sides.
    """
    at = usable(plan, examples, labels, rows)
    settings = plan.training
    if validation is not None:
        beside = usable(plan, examples, labels, validation)
        at = at[~np.isin(at, beside)] if rows is None else at
        if np.isin(np.asarray(groups)[at], np.asarray(groups)[beside]).any():
            raise fail("RG705", "a group stands in the training and in the validation part", value="validation")
        split = InnerSplit(at, beside, "" if len(beside) else "no inner validation: nobody of it can be used")
    elif settings.patience == 0:
        split = InnerSplit(at, at[:0], "no inner validation: `patience` is 0")
    else:
        split = inner_split(labels, plan.heads, groups, at, settings.validation_share, generator(seed, Purpose.SPLIT))
    if not any(_learnable(labels, head, split.train) for head in plan.heads):
        raise fail("RG701", f"{len(split.train)} units can be trained on, and no head has labels among them that differ")
    return split


def _learnable(labels: Labels, head: HeadSpec, rows: IntArray) -> bool:
    """Whether a head has anything to say: two classes, or times of at least one unit."""
    known: BoolArray = np.asarray(labels.known[head.name], dtype=bool)[rows]
    if head.kind == "survival":
        return bool(known.any())
    return len(np.unique(np.asarray(labels.targets[head.name])[rows][known])) > 1
