"""Training of small networks: a seed of their own, one thread, AdamW along a cosine; importing this module imports torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from radiogen.errors import fail
from radiogen.imaging.outlines.unet_torch import one_thread

try:
    import torch
    from torch import Tensor, nn
except ImportError as error:  # pragma: no cover - the environment of the tests has torch
    raise fail("RG902", "the network needs torch", fix="pip install torch (the CPU build is enough)") from error

Weights = Mapping[str, NDArray[np.float32]]
#: longest gradient
_LONGEST = 5.0


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """torch's generator at a seed of its own and on one thread; both as before afterwards."""
    with torch.random.fork_rng(devices=[]), one_thread():
        # not torch.manual_seed: that would also seed generators of a GPU, which are not put back
        torch.default_generator.manual_seed(seed)
        yield


def mlp(columns: int, hidden: int, dropout: float) -> nn.Sequential:
    """One hidden layer; normalised per unit, so that a prediction never depends on other units."""
    return nn.Sequential(nn.Linear(columns, hidden), nn.LayerNorm(hidden), nn.ReLU(), nn.Dropout(dropout))


def descend(
    net: nn.Module,
    loss: Callable[[int], Tensor],
    *,
    steps: int,
    learning_rate: float,
    weight_decay: float,
    after: Callable[[int], None] | None = None,
) -> list[float]:
    """AdamW, the rate falling along half a cosine; gives the loss of each step.

    Parameters
    ----------
    net : Module
    loss : callable
        The number of the step to its loss.
    steps : int
    learning_rate, weight_decay : float
    after : callable, optional
        Called after each step with its number.

    Raises
    ------
    RadiogenError
        RG704 where the loss is no longer finite.
    """
    optimiser = torch.optim.AdamW(net.parameters(), lr=learning_rate, weight_decay=weight_decay)
    net.train()
    course = []
    for step in range(steps):
        for part in optimiser.param_groups:
            part["lr"] = learning_rate * (1 + np.cos(np.pi * step / steps)) / 2
        optimiser.zero_grad()
        value = loss(step)
        course.append(float(value.detach()))
        if not np.isfinite(course[-1]):
            raise fail("RG704", f"the loss of the network is not finite in step {step + 1}", fix="Lower `learning_rate`.")
        value.backward()
        nn.utils.clip_grad_norm_(net.parameters(), _LONGEST)
        optimiser.step()
        if after is not None:
            after(step)
    net.eval()
    return course


def weights_of(net: nn.Module) -> dict[str, NDArray[np.float32]]:
    """The weights as arrays of their own."""
    return {name: value.detach().cpu().numpy().copy() for name, value in net.state_dict().items()}


def loaded(net: nn.Module, weights: Weights) -> nn.Module:
    """A network with these weights, ready to predict in float64: what it says of a unit does not depend on the batch."""
    net.load_state_dict({name: torch.from_numpy(np.asarray(value).copy()) for name, value in weights.items()})
    return net.double().eval()
