"""Epochs, early stopping and the best state of one network; importing this module imports torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from radiogen.errors import RadiogenError, fail
from radiogen.models.survival.mlp import Mlp, standardisation
from radiogen.models.survival.netspec import NetSpec
from radiogen.models.survival.training_torch import Optimizer, Parameters, Perceptron, torch_device

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
#: outputs (n × K) to the loss and its gradient
Loss = Callable[[Tensor], tuple[float, Tensor]]
#: rows to the loss of these rows; rows are taken in this order
LossOf = Callable[[Ints], Loss]


@dataclass(frozen=True)
class Training:
    """A trained network and how it came about.

    Parameters
    ----------
    net : Mlp
    train_loss : ndarray, shape (epochs,)
        With dropout as it was in the epoch, without the penalty.
    validation_loss : ndarray, shape (epochs,)
        Empty without early stopping.
    best_epoch : int
        Epochs behind the weights that were kept.
    """

    net: Mlp
    train_loss: Floats
    validation_loss: Floats
    best_epoch: int

    def curves(self, member: int) -> pd.DataFrame:
        """Losses by epoch, as rows of a history."""
        checked = self.validation_loss if self.validation_loss.size else np.full(self.train_loss.size, np.nan)
        epochs = np.arange(1, self.train_loss.size + 1)
        return pd.DataFrame({"member": member, "epoch": epochs, "train_loss": self.train_loss, "validation_loss": checked})


def train_net(
    x: Floats, learn: Ints, check: Ints, loss_of: LossOf, outputs: int, spec: NetSpec, penalty: float,
    standardize: bool, seed: np.random.SeedSequence,
) -> Training:  # fmt: skip
    """Train one network.

    Parameters
    ----------
    x : ndarray, shape (n, p)
    learn, check : ndarray of int
        Rows to learn from and rows of early stopping; no early stopping where ``check`` is empty.
    loss_of : callable
        Rows to their loss; called once for all rows of each part, and for every mini-batch.
    outputs : int
        Outputs of the network.
    spec : NetSpec
    penalty : float
        Factor of the sum of squared weights.
    standardize : bool
        By mean and standard deviation of the rows to learn from.
    seed : numpy SeedSequence

    Raises
    ------
    RadiogenError
        RG704 where the loss is no longer finite.
    """
    start, dropout, order = (np.random.SeedSequence(entropy=seed.entropy, spawn_key=(*seed.spawn_key, k)) for k in range(3))
    device = torch_device(spec.device)
    centre, scale = standardisation(x[learn], standardize)
    table = torch.from_numpy((x - centre) / scale).to(device, torch.float64 if spec.precision == "float64" else torch.float32)
    parameters = Parameters([x.shape[1], *spec.hidden, outputs], spec, np.random.default_rng(start), device)
    batch = learn.size if spec.batch_size is None else min(spec.batch_size, learn.size)
    run = _Run(
        Perceptron(parameters, spec, batch, dropout), Optimizer(parameters, spec, penalty), table[learn], learn, loss_of,
        np.random.default_rng(order),
    )  # fmt: skip
    judge = _Judge(Perceptron(parameters, spec, check.size, dropout), table[check], loss_of(check)) if check.size else None
    if judge is not None:
        judge.net.running = run.net.running
    train_loss, best_epoch = [], spec.epochs
    with torch.no_grad():
        for epoch in range(spec.epochs):
            train_loss.append(_guarded(run.epoch, epoch))
            if judge is not None and judge.stop(epoch, spec.patience):
                break
    if judge is not None:
        best_epoch = judge.best_epoch
        judge.restore()
    net = Mlp(run.net.layers(), spec.activation, centre, scale)
    return Training(net, np.array(train_loss), np.array(judge.losses if judge else []), best_epoch)


def _guarded(step: Callable[[int], float], epoch: int) -> float:
    try:
        loss = step(epoch)
    except RadiogenError as error:
        if error.code != "RG705":
            raise
        loss = np.nan
    if not np.isfinite(loss):
        raise fail(
            "RG704", f"the network's loss is no longer finite in epoch {epoch + 1}.",
            fix="Lower `learning_rate`, keep `standardize=True`, and look for extreme values in the predictors.",
        )  # fmt: skip
    return loss


class _Run:
    """The learning part."""

    def __init__(
        self, net: Perceptron, optimizer: Optimizer, x: Tensor, rows: Ints, loss_of: LossOf, random: np.random.Generator
    ) -> None:
        self.net, self.optimizer, self.x, self.rows, self.loss_of, self.random = net, optimizer, x, rows, loss_of, random
        self.loss = loss_of(rows) if net.rows == rows.size else None

    def epoch(self, number: int) -> float:
        """One pass over all rows; the loss, averaged over batches."""
        if self.loss is not None:
            return self._step(self.x, self.loss, number)
        order = self.random.permutation(self.rows.size)
        parts = [np.sort(p) for p in np.array_split(order, -(-order.size // self.net.rows))]
        return float(np.mean([self._step(self.x[p], self.loss_of(self.rows[p]), number) for p in parts]))

    def _step(self, x: Tensor, loss: Loss, number: int) -> float:
        value, slope = loss(self.net.forward(x, learning=True))
        self.net.backward(slope)
        self.optimizer.step(number)
        return value


class _Judge:
    """The part that stops training early and keeps the best weights."""

    def __init__(self, net: Perceptron, x: Tensor, loss: Loss) -> None:
        self.net, self.x, self.loss = net, x, loss
        self.losses: list[float] = []
        self.best, self.best_epoch = np.inf, 0
        self.kept: list[Tensor] = []

    def stop(self, epoch: int, patience: int) -> bool:
        """Judge the weights after an epoch; whether patience is at its end."""
        value = _guarded(lambda _: self.loss(self.net.forward(self.x, learning=False))[0], epoch)
        self.losses.append(value)
        if value < self.best:
            self.best, self.best_epoch = value, epoch + 1
            state = [self.net.p.vector, *self.net.running]
            if self.kept:
                for old, new in zip(self.kept, state, strict=True):
                    old.copy_(new)
            else:
                self.kept = [v.clone() for v in state]
        return epoch + 1 - self.best_epoch >= patience

    def restore(self) -> None:
        """Bring the best weights back."""
        for old, new in zip(self.kept, [self.net.p.vector, *self.net.running], strict=True):
            new.copy_(old)
