"""Training of discrete-time survival networks; importing this module imports torch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from radiogen.models.survival.discrete_losses import deephit_loss, nnet_survival_loss
from radiogen.models.survival.loop_torch import Loss, Training, train_net
from radiogen.models.survival.netspec import NetSpec

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def train_discrete(
    x: Floats, interval: Ints, event: Ints, held: NDArray[np.bool_], shape: tuple[int, int], ranking: float | None,
    spec: NetSpec, standardize: bool, seed: np.random.SeedSequence,
) -> Training:  # fmt: skip
    """Train one network on a likelihood of intervals.

    Parameters
    ----------
    x : ndarray, shape (n, p)
    interval, event : ndarray of int, shape (n,)
    held : ndarray of bool, shape (n,)
        Rows of early stopping.
    shape : (int, int)
        Intervals and causes.
    ranking : float or None
        Factor of DeepHit's ranking; None is Nnet-survival.
    spec : NetSpec
    standardize : bool
    seed : numpy SeedSequence

    Returns
    -------
    Training
    """
    intervals, causes = shape

    def value(logits: Tensor, at: Tensor, status: Tensor) -> Tensor:
        cells = logits[:, : intervals * causes].reshape(-1, intervals, causes)
        if ranking is None:
            return nnet_survival_loss(cells, at, status)
        return deephit_loss(cells, logits[:, -1], at, status, ranking)

    def loss_of(rows: Ints) -> Loss:
        return _Graded(value, interval[rows], event[rows])

    outputs = intervals * causes + (ranking is not None)
    learn = np.flatnonzero(~held)
    return train_net(x, learn, np.flatnonzero(held), loss_of, outputs, spec, spec.l2 / learn.size, standardize, seed)


class _Graded:
    """A loss whose gradient with respect to the outputs comes from autograd."""

    def __init__(self, value: Callable[[Tensor, Tensor, Tensor], Tensor], interval: Ints, event: Ints) -> None:
        self.value, self.interval, self.event = value, torch.from_numpy(interval), torch.from_numpy(event)

    def __call__(self, outputs: Tensor) -> tuple[float, Tensor]:
        with torch.enable_grad():
            logits = outputs.detach().clone().requires_grad_()
            loss = self.value(logits, self.interval.to(outputs.device), self.event.to(outputs.device))
            (slope,) = torch.autograd.grad(loss, logits)
        return float(loss.detach()), slope
