"""Early fusion: inputs joined as they are, before one encoder learns from them all."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from radiogen.errors import fail
from radiogen.models.fusion.batch import Batch
from radiogen.models.fusion.encoders import (
    TIME_FEATURES,
    PictureReader,
    TableEncoder,
    TimePool,
    half,
    pictures_of,
    scaled,
    table_of,
    with_times,
)
from radiogen.models.fusion.pooling import GatedPool, by_owner, places
from radiogen.models.fusion.spec import InputSpec, NetSettings


def stacks(inputs: tuple[InputSpec, ...]) -> list[tuple[InputSpec, ...]]:
    """Inputs of stills that early fusion lays on one another as channels, and the other pictures each alone.

    Parameters
    ----------
    inputs : tuple of InputSpec

    Returns
    -------
    list of tuple of InputSpec
        Stills are stacked where pixels at one place show the same tissue, that is where they share a non-empty ``aligned``
        word, and where one network can read them: one size, backbone and weights.

    Examples
    --------
    >>> from radiogen.models.fusion.early import stacks
    >>> from radiogen.models.fusion.spec import InputSpec
    >>> inputs = (InputSpec("grey", "image", aligned="plane"), InputSpec("ring", "image"),
    ...           InputSpec("swe", "image", aligned="plane", channels=3))
    >>> [[i.name for i in stack] for stack in stacks(inputs)]
    [['grey', 'swe'], ['ring']]
    """
    groups: dict[object, list[InputSpec]] = {}
    for spec in inputs:
        if spec.kind == "table":
            continue
        alike = (spec.aligned, spec.size, spec.backbone, spec.weights)
        groups.setdefault(alike if spec.kind == "image" and spec.aligned else spec.name, []).append(spec)
    return [tuple(group) for group in groups.values()]


class Stack(nn.Module):
    """Pictures of some inputs through one backbone, pooled by unit.

    The k-th pictures of a unit's inputs form one stack; where an input has no k-th picture, or is absent, its channels are 0
    and its bit beside the backbone's features is 0.

    Parameters
    ----------
    specs : tuple of InputSpec
        Those of one stack; one spec for pictures that stand alone.
    net : NetSettings

    Attributes
    ----------
    features : int
        Length of a unit's vector.
    """

    def __init__(self, specs: tuple[InputSpec, ...], net: NetSettings) -> None:
        super().__init__()
        self.specs = specs
        together = replace(specs[0], name="+".join(s.name for s in specs))
        self.reader = PictureReader(together, sum(s.channels for s in specs))
        self.over_time = TimePool(self.reader.features + TIME_FEATURES, half(net.width)) if specs[0].kind == "cine" else None
        read = self.reader.features if self.over_time is None else self.over_time.features
        self.features = read + (len(specs) if len(specs) > 1 else 0)
        self.pool = GatedPool(self.features, half(net.width))

    def forward(self, batch: Batch, present: Tensor) -> tuple[Tensor, Tensor]:
        """Vectors (B × features) and who has which of the inputs (B × inputs), from who may show them (B × inputs)."""
        shown = [pictures_of(batch, spec, present[:, k]) for k, spec in enumerate(self.specs)]
        has = torch.stack([torch.bincount(owner, minlength=len(batch)) > 0 for _, owner in shown], 1)
        if not bool(has.any()):
            return torch.zeros(len(batch), self.features, device=present.device), has
        read, owner = self._one(*shown[0]) if len(shown) == 1 else self._several(shown, len(batch))
        return self.pool(*by_owner(read, owner, len(batch))), has

    def _one(self, pixels: Tensor, owner: Tensor) -> tuple[Tensor, Tensor]:
        read = self.reader(pixels)
        return read if self.over_time is None else self.over_time(with_times(read)), owner

    def _several(self, shown: list[tuple[Tensor, Tensor]], units: int) -> tuple[Tensor, Tensor]:
        numbers = [places(owner, units)[0] for _, owner in shown]
        deepest = 1 + max(int(n.max()) for n in numbers if len(n))
        keys = [owner * deepest + number for (_, owner), number in zip(shown, numbers, strict=True)]
        rows = torch.unique(torch.cat(keys))
        channels, bits = [], []
        for spec, (pixels, _), key in zip(self.specs, shown, keys, strict=True):
            if pixels.dim() != 4:
                raise fail("RG705", f"'{spec.name}' is stacked with other inputs and needs its pixels", value=pixels.dim())
            at = torch.searchsorted(rows, key)
            plane = scaled(pixels)
            channels.append(plane.new_zeros(len(rows), *plane.shape[1:]).index_put((at,), plane))
            bits.append(plane.new_zeros(len(rows)).index_put((at,), plane.new_ones(len(at))))
        read = self.reader(torch.cat(channels, 1))
        return torch.cat([read, torch.stack(bits, 1).to(read.dtype)], 1), torch.div(rows, deepest, rounding_mode="floor")


class EarlyEncoder(nn.Module):
    """Everything that a unit has, side by side, through one encoder.

    Side by side stand: the columns of all tables and curves (0, the training mean, where absent), the vectors of the
    backbones of all stacks (0 where absent) and one bit per input that says whether it is there.

    Parameters
    ----------
    inputs : tuple of InputSpec
    net : NetSettings
    """

    def __init__(self, inputs: tuple[InputSpec, ...], net: NetSettings) -> None:
        super().__init__()
        self.inputs = inputs
        self.at = {spec.name: k for k, spec in enumerate(inputs)}
        self.stacks = nn.ModuleList(Stack(group, net) for group in stacks(inputs))
        columns = sum(len(spec.columns) for spec in inputs)
        length = columns + sum(stack.features for stack in self.stacks) + len(inputs)
        self.features = net.width
        self.encoder = TableEncoder(length, net.hidden, net.width, net.dropout)

    def forward(self, batch: Batch, present: Tensor) -> Tensor:
        """Vectors (B × width), from who may show which input (B × inputs)."""
        has = present.clone()
        vectors = []
        for stack in self.stacks:
            its = [self.at[spec.name] for spec in stack.specs]
            vector, has[:, its] = stack(batch, present[:, its])
            vectors.append(vector)
        columns = [
            torch.where(has[:, k, None], table_of(batch, spec), 0.0) for k, spec in enumerate(self.inputs) if spec.columns
        ]
        return self.encoder(torch.cat([*columns, *vectors, has.to(torch.float32)], 1))
