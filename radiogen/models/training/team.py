"""Processes that train one network together, each on its share of every batch; importing this module imports torch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, distributed, nn

from radiogen.models.fusion.examples import IntArray


@dataclass(frozen=True)
class Team:
    """One process of a team; alone it does nothing of what follows.

    Parameters
    ----------
    rank : int
        Number of this process, 0 for the one that reports.
    size : int
        Processes.
    """

    rank: int = 0
    size: int = 1

    def share(self, rows: IntArray) -> IntArray:
        """The units of a batch that are this process's."""
        return rows[self.rank :: self.size]

    def average(self, parameters: Iterable[nn.Parameter], weight: float) -> None:
        """Replace the gradients by the weighted sum over processes; the weights of all processes sum to 1.

        A parameter that no process has a gradient of keeps none, as in a training by one process.
        """
        if self.size == 1:
            return
        wanted = [p for p in parameters if p.requires_grad]
        pieces = [(torch.zeros_like(p) if p.grad is None else p.grad * weight).reshape(-1) for p in wanted]
        has = torch.tensor([float(p.grad is not None) for p in wanted], device=pieces[0].device)
        flat = torch.cat([*pieces, has])
        distributed.all_reduce(flat)
        sums, has = flat[: -len(wanted)], flat[-len(wanted) :]
        for p, part, some in zip(wanted, sums.split([p.numel() for p in wanted]), has.tolist(), strict=True):
            p.grad = part.reshape(p.shape).to(p.dtype) if some else None

    def total(self, values: Tensor) -> Tensor:
        """The sum over processes."""
        if self.size > 1:
            distributed.all_reduce(values)
        return values

    def agree(self, value: float, device: torch.device) -> float:
        """The value of process 0, so that all of them stop at one epoch."""
        if self.size == 1:
            return value
        shared = torch.tensor([value], dtype=torch.float64, device=device)
        distributed.broadcast(shared, 0)
        return float(shared)


@contextmanager
def joined(rank: int, size: int, meeting: Path, backend: str) -> Iterator[Team]:
    """A process as a member of its team, which meets by a file.

    Parameters
    ----------
    rank, size : int
    meeting : Path
        A file that is not there yet.
    backend : {"gloo", "nccl"}
    """
    distributed.init_process_group(backend, init_method=meeting.absolute().as_uri(), rank=rank, world_size=size)
    try:
        yield Team(rank, size)
    finally:
        distributed.destroy_process_group()
