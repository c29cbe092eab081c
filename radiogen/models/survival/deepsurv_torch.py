"""DeepSurv's loss on sorted rows; importing this module imports torch."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from radiogen.models.survival.coxpass import CoxOrder, cox_order
from radiogen.models.survival.loop_torch import Loss, Training, train_net
from radiogen.models.survival.netspec import NetSpec

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def train_deepsurv(
    x: Floats, time: Floats, event: Ints, held: NDArray[np.bool_], ties: str, spec: NetSpec, standardize: bool,
    seed: np.random.SeedSequence,
) -> Training:  # fmt: skip
    """Train one network on Cox's partial likelihood.

    Parameters
    ----------
    x : ndarray, shape (n, p)
    time, event : ndarray, shape (n,)
    held : ndarray of bool, shape (n,)
        Rows of early stopping.
    ties : {"efron", "breslow"}
    spec : NetSpec
    standardize : bool
    seed : numpy SeedSequence

    Returns
    -------
    Training
    """
    # rows by falling time once and for all: any sorted choice of rows is then in order for the likelihood
    order = np.argsort(-time, kind="stable")
    x, time, event, held = x[order], time[order], event[order], held[order]

    def loss_of(rows: Ints) -> Loss:
        return _CoxLoss(cox_order(time[rows], event[rows], ties))

    events = float((event[~held] == 1).sum())
    # the penalty stands beside the likelihood's sum over events, the loss is its mean
    return train_net(
        x, np.flatnonzero(~held), np.flatnonzero(held), loss_of, 1, spec, spec.l2 / max(events, 1.0), standardize, seed
    )


class _CoxLoss:
    """Mean negative log partial likelihood of rows that stand by falling time."""

    def __init__(self, order: CoxOrder) -> None:
        self.order = order

    def __call__(self, outputs: Tensor) -> tuple[float, Tensor]:
        eta = outputs[:, 0].to("cpu", torch.float64).numpy()
        value, gradient = self.order.evaluate_sorted(eta)
        return value, torch.from_numpy(gradient[:, None]).to(outputs.device, outputs.dtype)
