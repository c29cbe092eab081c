"""Adam and AdamW with a rate per step, and their state as plain tensors; importing this module imports torch."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from radiogen.models.fusion.spec import TrainSettings

#: longest gradient: a batch with an odd unit does not throw the weights away
_LONGEST = 5.0


class Optimiser:
    """Steps of a network's weights.

    Parameters
    ----------
    net : nn.Module
    settings : TrainSettings
        ``optimizer`` and ``weight_decay``.  Weights decay; biases, scales of normalisations and other vectors do not.

    References
    ----------
    Kingma DP, Ba J (2015) ICLR, doi 10.48550/arXiv.1412.6980; Loshchilov I, Hutter F (2019) ICLR,
    doi 10.48550/arXiv.1711.05101 (AdamW).
    """

    def __init__(self, net: nn.Module, settings: TrainSettings) -> None:
        self._parameters = list(net.parameters())
        decay = [p for p in self._parameters if p.ndim > 1]
        rest = [p for p in self._parameters if p.ndim <= 1]
        groups = [{"params": decay, "weight_decay": settings.weight_decay}, {"params": rest, "weight_decay": 0.0}]
        kind = torch.optim.AdamW if settings.optimizer == "adamw" else torch.optim.Adam
        self._inner = kind([g for g in groups if g["params"]], lr=settings.learning_rate, fused=True)

    def clear(self) -> None:
        """Forget the gradients."""
        self._inner.zero_grad(set_to_none=True)

    def step(self, rate: float) -> None:
        """One step with this learning rate; weights without a gradient stay as they are."""
        with_gradient = [p for p in self._parameters if p.grad is not None]
        if not with_gradient:
            return
        nn.utils.clip_grad_norm_(with_gradient, _LONGEST, foreach=True)
        for group in self._inner.param_groups:
            group["lr"] = rate
        self._inner.step()

    def state(self) -> dict[str, Tensor]:
        """Moments and counts by the number of the parameter and their name: ``"3/exp_avg"``."""
        return {
            f"{number}/{name}": value
            for number, p in enumerate(self._parameters) for name, value in self._inner.state.get(p, {}).items()
        }  # fmt: skip

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Take what :meth:`state` gave, laid out in memory as each parameter is."""
        for key, value in state.items():
            number, _, name = key.partition("/")
            p = self._parameters[int(number)]
            held = torch.empty_like(p).copy_(value) if value.shape == p.shape and name != "step" else value.clone()
            self._inner.state[p][name] = held.to(p.device)
