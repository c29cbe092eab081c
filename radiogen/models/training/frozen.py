"""Backbones that stay as they are, and what they make of every picture, computed once; importing this module imports torch."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from radiogen.models.fusion.batch import Batch
from radiogen.models.fusion.examples import Examples, Pictures
from radiogen.models.fusion.spec import Plan, TrainSettings
from radiogen.models.training.devices import autocast_type, float32_norms, pick_device

#: pictures, or frames of loops, that pass through a backbone at a time
_AT_ONCE = 64


def readers_of(net: nn.Module) -> Mapping[str, Any]:
    """What reads the pictures of a network, by input; none in a network that does not say."""
    ask = getattr(net, "readers", None)
    return ask() if ask is not None else {}


def pretrained(net: nn.Module, started: bool) -> list[str]:
    """Readers whose backbones have learnt before: their weights came from a file, or the whole network did."""
    return [name for name, reader in readers_of(net).items() if started or reader.backbone.report.source != "random"]


def is_frozen(settings: TrainSettings, epoch: int) -> bool:
    """Whether pretrained backbones stay as they are in this epoch."""
    return settings.freeze_epochs < 0 or epoch < settings.freeze_epochs


def set_modes(net: nn.Module, names: list[str], frozen: bool) -> None:
    """Training mode for all but pretrained backbones, which keep their normalisation and are frozen or not.

    Means and variances of BatchNorm are kept as they came even where the weights learn again: batches of a few pictures
    would disturb them.
    """
    net.train()
    readers = readers_of(net)
    for name in names:
        readers[name].backbone.freeze(frozen, statistics=True)


def cacheable(net: nn.Module, names: list[str], plan: Plan) -> list[str]:
    """Inputs whose pictures reach a frozen backbone one by one: those of early fusion's stacks do not."""
    channels = {spec.name: spec.channels for spec in plan.inputs}
    readers = readers_of(net)
    return [name for name in names if channels.get(name) == readers[name].channels]


def with_embeddings(batch: Batch, net: nn.Module, names: list[str], autocast: AbstractContextManager[Any]) -> Batch:
    """The batch with what the backbones make of the pictures of these inputs in their place."""
    readers = readers_of(net)
    found = {name: (_read(readers[name], batch.pictures[name][0], autocast), batch.pictures[name][1]) for name in names}
    return replace(batch, pictures={**batch.pictures, **found})


def _read(reader: Any, pixels: Tensor, autocast: AbstractContextManager[Any]) -> Tensor:
    if pixels.is_floating_point() and pixels.dim() <= 3:
        return pixels  # they were read before
    each = max(1, _AT_ONCE // (pixels.shape[1] if pixels.dim() == 5 else 1))
    parts = []
    device = next(reader.parameters()).device
    with torch.no_grad():
        for at in range(0, len(pixels), each):
            with autocast:
                parts.append(reader.read(pixels[at : at + each].to(device)))
    return torch.cat(parts) if parts else torch.zeros(*pixels.shape[:-3], reader.features, device=device)


def embedded(plan: Plan, examples: Examples, net: nn.Module | None = None) -> Examples:
    """Examples with what frozen pretrained backbones make of their pictures, for searches over fusions and heads.

    Parameters
    ----------
    plan : Plan
        Its inputs name backbones and weights; ``training.device`` and ``training.precision`` are followed.
    examples : Examples
        With pictures.
    net : FusionNet, optional
        Whose backbones are used; default those that the plan names.

    Returns
    -------
    Examples
        They can be trained on and predicted again and again, as long as the backbones are the same and stay frozen
        (``freeze_epochs=-1``).  Pictures of backbones without pretrained weights stay pictures.

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.models.fusion.examples import Examples, Pictures
    >>> from radiogen.models.fusion.network import FusionNet
    >>> from radiogen.models.fusion.spec import HeadSpec, InputSpec, Plan
    >>> from radiogen.models.training.frozen import embedded
    >>> plan = Plan((InputSpec("bmode", "image", size=(32, 32)),), (HeadSpec("a", "binary", ("no", "yes")),))
    >>> pictures = Pictures(np.zeros((2, 1, 32, 32), dtype=np.uint8), np.arange(2))
    >>> examples = Examples(np.array(["a", "b"]), ("bmode",), np.ones((2, 1), dtype=bool), {}, {"bmode": pictures})
    >>> embedded(plan, examples, FusionNet(plan)).pictures["bmode"].pixels.shape
    (2, 66)
    """
    from radiogen.models.fusion.batch import to_batch
    from radiogen.models.fusion.network import FusionNet

    device = pick_device(plan.training.device)
    kind = autocast_type(plan.training, device, pictures=True)
    used = FusionNet(plan) if net is None else net
    names = cacheable(used, pretrained(used, net is not None), plan)
    was, place = used.training, next(used.parameters()).device
    used.to(device).eval()
    try:
        with float32_norms(used, device):
            batch = with_embeddings(to_batch(examples), used, names, torch.autocast(device.type, kind, enabled=kind is not None))
    finally:
        used.to(place).train(was)
    found: dict[str, Any] = {
        name: Pictures(batch.pictures[name][0].cpu().numpy(), np.asarray(examples.pictures[name].owner)) for name in names
    }
    return replace(examples, pictures={**examples.pictures, **found})
