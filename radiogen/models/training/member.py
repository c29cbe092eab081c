"""One network trained from its first epoch, or from where it was, to its last; importing this module imports torch."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from radiogen.errors import fail
from radiogen.models.fusion.batch import Batch, LabelBatch
from radiogen.models.fusion.examples import IntArray
from radiogen.models.fusion.heads import total_loss
from radiogen.models.training.augment import Augmenter
from radiogen.models.training.data import Data
from radiogen.models.training.devices import autocast_type, float32_norms
from radiogen.models.training.frozen import cacheable, is_frozen, pretrained, set_modes, with_embeddings
from radiogen.models.training.job import Job
from radiogen.models.training.optimiser import Optimiser
from radiogen.models.training.sampling import class_weights, epoch_batches, hide_modalities, unit_weights
from radiogen.models.training.schedule import learning_rate
from radiogen.models.training.seeds import Purpose, generator, torch_seed
from radiogen.models.training.steps import backward, backward_in_pieces, reseed
from radiogen.models.training.team import Team

#: units that are validated at a time
_AT_ONCE = 64


@dataclass
class Standing:
    """How far a member is: what JSON holds of it."""

    epoch: int = 0
    best: float = math.inf
    best_epoch: int = -1
    waited: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Plain values; JSON knows no infinity."""
        return {**self.__dict__, "best": None if math.isinf(self.best) else self.best}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Standing:
        """What :meth:`to_dict` gave."""
        return cls(**{**plain, "best": math.inf if plain["best"] is None else plain["best"]})


class Member:
    """One network of an ensemble, in training.

    Parameters
    ----------
    job : Job
    number : int
        Of the member, from 0.
    data : Data
    team : Team

    Attributes
    ----------
    net : nn.Module
    standing : Standing
    """

    def __init__(self, job: Job, number: int, data: Data, team: Team) -> None:
        self.job, self.number, self.data, self.team = job, number, data, team
        self.plan, self.settings = job.plan, job.plan.training
        reseed(torch_seed(job.seed, Purpose.START, number))
        self.net = _begun(job).to(data.device, memory_format=torch.channels_last)
        self.pretrained = pretrained(self.net, job.start is not None)
        self.optimiser = Optimiser(self.net, self.settings)
        self.best: dict[str, Tensor] = {}
        self.standing = Standing()
        train_labels = job.labels.take(job.train)
        self._weights = _on(class_weights(train_labels, self.plan.heads), data) if self.settings.balance == "weights" else None
        self._drawn = unit_weights(train_labels, self.plan.heads) if self.settings.balance == "sampling" else None
        pictured = [i for i in self.plan.inputs if i.kind != "table"]
        kind = autocast_type(self.settings, data.device, bool(pictured))
        self._autocast = torch.autocast(data.device.type, kind, enabled=kind is not None)
        self._augment = None
        if self.settings.augment and pictured:
            self._augment = Augmenter(pictured, generator(job.seed, Purpose.SPECKLE, number))
        self._cached: Batch | None = None

    def run(self, keep: Callable[[Member], None], report: Callable[[Member], None]) -> dict[str, Tensor]:
        """Train to the end; ``keep`` and ``report`` are called after every epoch.

        Returns
        -------
        dict of str to Tensor
            The weights after the epoch with the least validation loss, or after the last one.
        """
        with float32_norms(self.net, self.data.device):
            while self.standing.epoch < self.settings.epochs and not self._waited_enough():
                self._epoch(self.standing.epoch)
                self.standing.epoch += 1
                keep(self)
                report(self)
        return self.best or state_of(self.net)

    def _waited_enough(self) -> bool:
        return 0 < self.settings.patience <= self.standing.waited

    def _epoch(self, epoch: int) -> None:
        frozen = is_frozen(self.settings, epoch)
        set_modes(self.net, self.pretrained, frozen)
        units = self._units(frozen)
        plan = self._batches(epoch, light=units is not None and self._all_cached(units))
        tally = _Tally([h.name for h in self.plan.heads], self.data.device)
        rate = 0.0
        for step, rows in enumerate(plan):
            rate = learning_rate(self.settings, epoch, step, len(plan))
            self._step(epoch, step, rows, rate, units, tally)
        means = tally.means(self.team)
        total = sum(h.weight * means.get(h.name, 0.0) for h in self.plan.heads)
        self._record(epoch, "train", {**means, "total": total}, rate)
        if len(self.job.validation):
            self._validate(epoch, rate, units)

    def _units(self, frozen: bool) -> Batch:
        """All units, with embeddings in place of pictures that a frozen backbone reads as they are."""
        names = cacheable(self.net, self.pretrained, self.plan)
        if not frozen or self._augment is not None or not names:
            return self.data.batch
        if self._cached is None:
            self._cached = with_embeddings(self.data.batch, self.net, names, self._autocast)
        return self._cached

    @staticmethod
    def _all_cached(units: Batch) -> bool:
        return all(pixels.is_floating_point() and pixels.dim() <= 3 for pixels, _ in units.pictures.values())

    def _batches(self, epoch: int, light: bool) -> list[IntArray]:
        """The units of each step.

        Risk sets need all units in every step.  Where no picture has to be read there are as many steps as batches would
        make; else one, because each takes as long as an epoch.
        """
        rng = generator(self.job.seed, Purpose.ORDER, self.number, epoch)
        rows = self.job.train
        if not self.job.whole:
            return epoch_batches(rows, self.settings.batch_size, rng, self._drawn)
        steps = math.ceil(len(rows) / self.settings.batch_size) if light else 1
        return [rows if self._drawn is None else epoch_batches(rows, len(rows), rng, self._drawn)[0] for _ in range(steps)]

    def _step(self, epoch: int, step: int, rows: IntArray, rate: float, units: Batch, tally: _Tally) -> None:
        place = (self.number, epoch, step)
        seen = hide_modalities(
            self.data.present[rows], self.settings.modality_dropout, generator(self.job.seed, Purpose.MODALITIES, *place)
        )
        mine = self.team.share(np.arange(len(rows)))
        self.optimiser.clear()
        if len(mine):
            labels = self.data.labels_of(rows[mine])
            loss_of = partial(self._loss, labels=labels)
            if self.job.whole and not self._all_cached(units) and len(mine) > self.settings.batch_size:
                cuts = [mine[at : at + self.settings.batch_size] for at in range(0, len(mine), self.settings.batch_size)]
                seeds = [torch_seed(self.job.seed, Purpose.NETWORK, *place, k) for k in range(len(cuts))]
                pieces = partial(self._piece, cuts=cuts, rows=rows, seen=seen, units=units, place=place)
                by_head = backward_in_pieces(self.net, pieces, seeds, loss_of, self._autocast)
            else:
                reseed(torch_seed(self.job.seed, Purpose.NETWORK, *place, self.team.rank))
                batch = self._piece(self.team.rank, cuts=[mine] * self.team.size, rows=rows, seen=seen, units=units, place=place)
                by_head = backward(self.net, batch, loss_of, self._autocast)
            tally.add(by_head, labels)
        self.team.average(self.net.parameters(), len(mine) / len(rows))
        self.optimiser.step(rate)

    def _piece(
        self, number: int, *, cuts: list[IntArray], rows: IntArray, seen: Any, units: Batch, place: tuple[int, ...]
    ) -> Batch:
        """One piece of a step, its pictures augmented by draws of its own."""
        at = cuts[number]
        batch = self.data.units(rows[at], seen[at], units)
        if self._augment is None:
            return batch
        pictures = self._augment(batch.pictures, len(batch), generator(self.job.seed, Purpose.AUGMENT, *place, number))
        return Batch(batch.present, batch.tables, {**batch.pictures, **pictures})

    def _loss(self, outputs: dict[str, Tensor], labels: LabelBatch) -> tuple[Tensor, dict[str, Tensor]]:
        for head in self.plan.heads:
            # class losses that are not finite show at the end of the epoch; hazards are looked at on the processor anyway
            if head.kind == "survival" and not bool(torch.isfinite(outputs[head.name]).all()):
                raise fail("RG722", f"the log-hazards of '{head.name}' are not finite", value=head.name)
        return total_loss(outputs, labels, self.plan.heads, self.settings, self._weights)

    def _validate(self, epoch: int, rate: float, units: Batch) -> None:
        rows = self.job.validation
        outputs = self.outputs(rows, units)
        with torch.no_grad():
            loss, by_head = self._loss(outputs, self.data.labels_of(rows))
        value = self.team.agree(float(loss), self.data.device)
        self._record(epoch, "validation", {**{k: float(v) for k, v in by_head.items()}, "total": value}, rate)
        if value < self.standing.best:
            self.standing.best, self.standing.best_epoch, self.standing.waited = value, epoch, 0
            self.best = state_of(self.net)
        else:
            self.standing.waited += 1

    def outputs(self, rows: IntArray, units: Batch | None = None) -> dict[str, Tensor]:
        """Logits by head of the units at these positions, as in validation."""
        self.net.eval()
        parts = []
        with torch.no_grad():
            for at in range(0, len(rows), _AT_ONCE):
                batch = self.data.units(rows[at : at + _AT_ONCE], None, units)
                with self._autocast:
                    parts.append(self.net(batch))
        return {name: torch.cat([p[name].float() for p in parts]) for name in parts[0]}

    def _record(self, epoch: int, part: str, losses: Mapping[str, float], rate: float) -> None:
        if not all(math.isfinite(v) for v in losses.values()):
            raise fail("RG722", f"the {part} loss of epoch {epoch + 1} is not finite", value=rate)
        self.standing.history += [
            {"member": self.number, "epoch": epoch, "part": part, "head": name, "loss": value, "learning_rate": rate}
            for name, value in losses.items()
        ]


class _Tally:
    """Mean losses of an epoch: of each head over its known labels, without a look at the device after every step."""

    def __init__(self, heads: list[str], device: torch.device) -> None:
        self.heads = heads
        self._sums = torch.zeros(2, len(heads), dtype=torch.float64, device=device)

    def add(self, by_head: Mapping[str, Tensor], labels: LabelBatch) -> None:
        counts = torch.stack([labels.known[name].sum() for name in self.heads]).double()
        losses = torch.stack([by_head[name] for name in self.heads]).double()
        self._sums += torch.stack([losses * counts, counts])

    def means(self, team: Team) -> dict[str, float]:
        sums, counts = team.total(self._sums.clone()).tolist()
        return {name: s / n for name, s, n in zip(self.heads, sums, counts, strict=True) if n}


def state_of(net: nn.Module) -> dict[str, Tensor]:
    """A copy of the weights that later steps do not change."""
    return {name: value.detach().clone() for name, value in net.state_dict().items()}


def _begun(job: Job) -> nn.Module:
    if job.start is not None:
        return copy.deepcopy(job.start)
    from radiogen.models.fusion.network import FusionNet

    return FusionNet(job.plan)


def _on(weights: Mapping[str, Any], data: Data) -> dict[str, Tensor]:
    return {name: torch.from_numpy(w).float().to(data.device) for name, w in weights.items()}
