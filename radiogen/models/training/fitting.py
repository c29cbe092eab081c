"""Training of a fusion network; importing this module imports torch."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from radiogen.errors import fail
from radiogen.models.fusion.examples import Examples, IntArray, Labels
from radiogen.models.fusion.spec import Plan
from radiogen.models.training.calibration import FEWEST, fit_temperature
from radiogen.models.training.checkpoint import fingerprint
from radiogen.models.training.data import Data
from radiogen.models.training.devices import check_gpus, pick_device
from radiogen.models.training.frozen import pretrained
from radiogen.models.training.job import Job, check_arguments, part_rows
from radiogen.models.training.running import Outcome, predicted, run
from radiogen.models.training.seeds import Purpose, torch_seed
from radiogen.models.training.team import Team
from radiogen.models.training.together import run_together
from radiogen.models.training.trained import HISTORY, Trained
from radiogen.progress import Progress


def train(
    plan: Plan,
    examples: Examples,
    labels: Labels,
    groups: Sequence[Any] | NDArray[Any],
    *,
    seed: int,
    rows: Sequence[int] | IntArray | None = None,
    validation: Sequence[int] | IntArray | None = None,
    net: torch.nn.Module | None = None,
    checkpoint: str | Path | None = None,
    progress: Progress | None = None,
) -> Trained:
    """Train the network, or the ensemble, that a plan describes.

    Parameters
    ----------
    plan : Plan
        Inputs, heads, shape and :class:`radiogen.models.fusion.spec.TrainSettings`.
    examples : Examples
        n units, ready for the network (tables complete and standardised where present).
    labels : Labels
        Of the units; those of whom nothing is known are left out.
    groups : sequence, shape (n,)
        Patients: units of one never stand on both sides of the inner split.
    seed : int
        Decides everything that is drawn.  On one machine with one thread equal seeds give equal weights, bit by bit;
        torch's own generator is as it was afterwards.
    rows : sequence of int, optional
        Positions of the units trained on; default all (but ``validation``).
    validation : sequence of int, optional
        Positions of the units for early stopping and temperature.  Default: a share of the groups, drawn so that every
        class keeps its own share (none where ``patience`` is 0).
    net : FusionNet, optional
        Begin with this one in place of random weights; it is copied, and its backbones count as pretrained.
    checkpoint : path, optional
        A file that holds the state after every epoch.  Where it exists, the training goes on from it, and ends with the
        weights of one that was never interrupted.
    progress : callable, optional
        Called with epochs done, epochs in all and ``"training"``.

    Returns
    -------
    Trained

    Raises
    ------
    RadiogenError
        RG701 where no head has labels that differ, RG705 where the arguments do not fit one another, RG708 for a seed
        below 0, RG720 or RG721 for a checkpoint of another training or a damaged one, RG722 where the loss is not finite
        any more, RG723 for a device that is not there.

    Notes
    -----
    With a survival head every step sees all training units, because risk sets join them: in as many steps as batches
    would make where no picture has to be read, and in one step per epoch, piece by piece with the gradient of the whole,
    where pictures have.  Augmentation and cached embeddings exclude each other: with ``freeze_epochs=-1`` a picture is read
    once if ``augment`` is off, and in every epoch if it is on.

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.models.fusion.examples import Examples, Labels
    >>> from radiogen.models.fusion.spec import HeadSpec, InputSpec, Plan, TrainSettings
    >>> from radiogen.models.training import train
    >>> x = np.random.default_rng(0).normal(size=(60, 2))
    >>> plan = Plan((InputSpec("clinical", "table", columns=("age", "grade")),), (HeadSpec("TP53", "binary", ("no", "yes")),),
    ...             training=TrainSettings(epochs=3))
    >>> examples = Examples(np.arange(60).astype(str), ("clinical",), np.ones((60, 1), dtype=bool), {"clinical": x})
    >>> labels = Labels({"TP53": (x[:, 0] > 0).astype(int)}, {"TP53": np.ones(60, dtype=bool)})
    >>> trained = train(plan, examples, labels, np.arange(60), seed=1)
    >>> trained.predict(examples)["TP53"].shape
    (60, 2)
    """
    who = np.asarray(groups)
    if isinstance(seed, bool) or seed < 0:
        raise fail("RG708", "`seed` must be a whole number of at least 0.", value=seed)
    check_arguments(plan, examples, labels, who)
    split = part_rows(plan, examples, labels, who, seed=int(seed), rows=rows, validation=validation)
    used = np.concatenate([split.train, split.validation])
    path = None if checkpoint is None else Path(checkpoint)
    own_examples, own_labels, own_groups = examples.take(used), labels.take(used), who[used]
    job = Job(
        plan, own_examples, own_labels, np.arange(len(split.train)), np.arange(len(split.train), len(used)), int(seed), net, path,
        "" if path is None else _print_of(plan, own_examples, own_labels, own_groups, len(split.train), seed, net),
    )  # fmt: skip
    notes = [split.note] if split.note else []
    device = pick_device(plan.training.device)
    outcome = _run(job, device, notes, progress)
    return _finished(job, outcome, device, notes)


def _print_of(
    plan: Plan, examples: Examples, labels: Labels, groups: NDArray[Any], cut: int, seed: int, net: torch.nn.Module | None
) -> str:
    """What a checkpoint must have been written with."""
    pictures = {k: {"pixels": p.pixels, "owner": p.owner} for k, p in examples.pictures.items()}
    # numbers of what is not there or not known decide nothing
    column = {spec.name: plan.modalities.index(spec.modality) for spec in plan.inputs}
    tables = {k: np.where(examples.present[:, [column[k]]], t, 0.0) for k, t in examples.tables.items() if k in column}
    known = {k: np.asarray(w, dtype=bool) for k, w in labels.known.items()}
    full = {k: np.asarray(t, dtype=float) for k, t in labels.targets.items()}
    targets = {k: np.where(known[k].reshape(-1, *[1] * (t.ndim - 1)), t, 0.0) for k, t in full.items()}
    _, of_group = np.unique(groups, return_inverse=True)
    start = {} if net is None else net.state_dict()
    return fingerprint(
        plan.to_dict(), int(seed), cut, np.asarray(examples.present), tables, pictures, known, targets, of_group, start
    )


def _run(job: Job, device: torch.device, notes: list[str], progress: Progress | None) -> Outcome:
    """By one process, or by as many as there are devices."""
    settings = job.plan.training
    if settings.devices == 1:
        return run(job, device, Team(), progress)
    if job.whole:
        notes.append("one device: risk sets are not divided among several")
        return run(job, device, Team(), progress)
    if device.type == "cuda":
        check_gpus(settings.devices)
    with tempfile.TemporaryDirectory() as folder:
        return run_together(job, device, settings.devices, Path(folder) / "meeting", progress)


def _finished(job: Job, outcome: Outcome, device: torch.device, notes: list[str]) -> Trained:
    settings = job.plan.training
    temperature = {head.name: 1.0 for head in job.plan.heads}
    if settings.calibrate and len(job.validation):
        temperature.update(_temperatures(job, outcome, device, notes))
    elif settings.calibrate and any(head.kind != "survival" for head in job.plan.heads):
        notes.append("no temperature: there is no inner validation part")
    if settings.freeze_epochs < 0 and settings.augment and pretrained(outcome.nets[0], job.start is not None):
        notes.append("frozen backbones read every picture in every epoch, because augmentation changes it")
    if job.whole and any(i.kind != "table" for i in job.plan.inputs) and (settings.augment or settings.freeze_epochs >= 0):
        notes.append("one step per epoch where pictures are read: every step sees all units, for their risk sets")
    seeds = tuple(torch_seed(job.seed, Purpose.START, k) for k in range(settings.ensemble))
    return Trained(
        job.plan, outcome.nets, pd.DataFrame(outcome.history, columns=list(HISTORY)), temperature, seeds, tuple(notes),
        pd.DataFrame(outcome.seconds, columns=["member", "epoch", "seconds"]),
    )  # fmt: skip


def _temperatures(job: Job, outcome: Outcome, device: torch.device, notes: list[str]) -> dict[str, float]:
    """Of each head by the validation part, in full precision as predictions are."""
    part = job.examples.take(job.validation)
    labels = job.labels.take(job.validation)
    beside = Job(job.plan, part, labels, np.arange(0), np.arange(len(part)), job.seed)
    data = Data(beside, device)
    members = predicted(outcome.nets, data, np.arange(len(part)))
    found = {}
    for head in job.plan.heads:
        if head.kind == "survival":
            continue
        known = data.labels.known[head.name]
        if int(known.sum()) < FEWEST:
            notes.append(f"no temperature for '{head.name}': {int(known.sum())} validation labels, fewer than {FEWEST}")
        found[head.name] = fit_temperature([m[head.name][known] for m in members], data.labels.targets[head.name][known], head)
    return found


