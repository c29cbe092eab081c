"""Several processes, one per device, that train one network; importing this module imports torch."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import multiprocessing

from radiogen.models.training.job import Job
from radiogen.models.training.running import Outcome, run
from radiogen.models.training.team import joined
from radiogen.progress import Progress


def run_together(job: Job, device: torch.device, size: int, meeting: Path, progress: Progress | None = None) -> Outcome:
    """Train by data-parallel steps: each process takes its share of every batch, and gradients are averaged.

    This process is the first of the team; the others are started beside it and end with it.  On GPUs process k takes
    GPU k and NCCL carries the gradients, on the CPU Gloo does.

    Parameters
    ----------
    job : Job
        Sent to the other processes; its ``start`` network and pictures with it.
    device : torch.device
        Decides the kind of device.
    size : int
        Processes.
    meeting : Path
        A file that is not there yet, by which the processes find one another.
    progress : callable, optional

    References
    ----------
    Li S et al. (2020) VLDB 13:3005-3018, doi 10.14778/3415478.3415530.
    """
    backend = "nccl" if device.type == "cuda" else "gloo"
    others = multiprocessing.spawn(
        _other, args=(job, device.type, size, meeting, backend, torch.get_num_threads()), nprocs=size - 1, join=False
    )
    try:
        with joined(0, size, meeting, backend) as team:
            outcome = run(job, _device(device.type, 0), team, progress)
        others.join()
        return outcome
    finally:
        for process in others.processes:
            if process.is_alive():
                process.terminate()


def _other(index: int, job: Job, kind: str, size: int, meeting: Path, backend: str, threads: int) -> None:
    """What the processes beside the first one do."""
    torch.set_num_threads(threads)
    with joined(index + 1, size, meeting, backend) as team:
        run(job, _device(kind, index + 1), team)


def _device(kind: str, index: int) -> torch.device:
    return torch.device("cuda", index) if kind == "cuda" else torch.device("cpu")
