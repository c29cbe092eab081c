"""All members of an ensemble, one after another, with their checkpoint; importing this module imports torch."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from radiogen.models.fusion.examples import IntArray
from radiogen.models.training.checkpoint import Checkpoint
from radiogen.models.training.data import Data
from radiogen.models.training.job import Job
from radiogen.models.training.member import Member, Standing
from radiogen.models.training.team import Team
from radiogen.progress import Progress

_LABEL = "training"


@dataclass(frozen=True)
class Outcome:
    """Trained networks with what happened on the way.

    Parameters
    ----------
    nets : list of nn.Module
        In evaluation mode.
    history : list of dict
    seconds : list of (member, epoch, seconds)
        Of this run alone; wall-clock time decides nothing.
    """

    nets: list[nn.Module]
    history: list[dict[str, Any]]
    seconds: list[tuple[int, int, float]]


class _Keeper:
    """Writes the checkpoint after every epoch and remembers who is done."""

    def __init__(self, job: Job, team: Team, progress: Progress | None) -> None:
        self.job, self.team, self.progress = job, team, progress
        self.file = Checkpoint(job.path, job.fingerprint)
        self.done: list[dict[str, Tensor]] = []
        self.standings: list[Standing] = []
        self.seconds: list[tuple[int, int, float]] = []
        self._clock = time.perf_counter()

    def restart(self) -> tuple[dict[str, Any], dict[str, Tensor]] | None:
        """What a run of before has left."""
        stored = self.file.load()
        if stored is None:
            return None
        about, tensors = stored
        self.standings = [Standing.from_dict(s) for s in about["done"]]
        self.done = [_under(tensors, f"member{k}") for k in range(len(self.standings))]
        return about, tensors

    def keep(self, member: Member) -> None:
        """After an epoch."""
        now = time.perf_counter()
        self.seconds.append((member.number, member.standing.epoch - 1, now - self._clock))
        self._clock = now
        current = {"net": dict(member.net.state_dict()), "best": member.best, "optimiser": member.optimiser.state()}
        self._write({"current": member.standing.to_dict()}, current)

    def finish(self, member: Member, weights: dict[str, Tensor]) -> None:
        """After a member."""
        self.done.append(weights)
        self.standings.append(member.standing)
        self._write({"current": None}, {})

    def _write(self, about: Mapping[str, Any], current: Mapping[str, Mapping[str, Tensor]]) -> None:
        if self.team.rank or self.job.path is None:
            return
        parts = {**{f"member{k}": weights for k, weights in enumerate(self.done)}, **current}
        tensors = {f"{part}/{name}": t for part, named in parts.items() for name, t in named.items()}
        self.file.save({**about, "done": [s.to_dict() for s in self.standings]}, tensors)

    def report(self, member: Member) -> None:
        """Progress in epochs of all members."""
        if self.progress is not None:
            epochs = self.job.plan.training.epochs
            self.progress(member.number * epochs + member.standing.epoch, self.job.plan.training.ensemble * epochs, _LABEL)


def _under(tensors: Mapping[str, Tensor], part: str) -> dict[str, Tensor]:
    return {name[len(part) + 1 :]: t for name, t in tensors.items() if name.startswith(part + "/")}


def run(job: Job, device: torch.device, team: Team, progress: Progress | None = None) -> Outcome:
    """Train all members of a job.

    Torch's own generators are as they were afterwards.
    """
    settings = job.plan.training
    keeper = _Keeper(job, team, progress)
    stored = keeper.restart()
    gpus = [device.index or 0] if device.type == "cuda" else []
    nets = []
    with torch.random.fork_rng(devices=gpus), torch.cuda.device(device) if gpus else nullcontext():
        data = Data(job, device)
        for number in range(settings.ensemble):
            member = Member(job, number, data, team)
            if number >= len(keeper.done):
                _restore(member, stored if number == len(keeper.done) else None)
                stored = None
                keeper.finish(member, member.run(keeper.keep, keeper.report))
            member.net.load_state_dict(keeper.done[number])
            nets.append(member.net.eval())
    if progress is not None:
        progress(settings.ensemble * settings.epochs, settings.ensemble * settings.epochs, _LABEL)
    return Outcome(nets, [row for s in keeper.standings for row in s.history], keeper.seconds)


def _restore(member: Member, stored: tuple[dict[str, Any], dict[str, Tensor]] | None) -> None:
    """Put a member where it was when the checkpoint was written."""
    if stored is None or stored[0]["current"] is None:
        return
    about, tensors = stored
    member.standing = Standing.from_dict(about["current"])
    member.net.load_state_dict(_under(tensors, "net"))
    best = _under(tensors, "best")
    member.best = {name: t.to(member.data.device) for name, t in best.items()}
    member.optimiser.restore(_under(tensors, "optimiser"))


def predicted(nets: list[nn.Module], data: Data, rows: IntArray) -> list[dict[str, Tensor]]:
    """Logits of each network in full precision, of the units at these positions."""
    found = []
    with torch.no_grad():
        for net in nets:
            parts = [net(data.units(rows[at : at + 64])) for at in range(0, len(rows), 64)]
            found.append({name: torch.cat([p[name] for p in parts]) for name in parts[0]})
    return found
