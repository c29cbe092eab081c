"""From one input to one vector per unit: tables, stills and loops.

Every encoder takes a batch and who has its modality, reads the numbers of those alone, and gives the vectors of all units
(zeros for the others) with who has the input.  Nothing is normalised over units, so that a unit's vector does not depend on
the rest of the batch.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from radiogen.errors import fail
from radiogen.models.fusion.batch import Batch
from radiogen.models.fusion.pooling import GatedPool, by_owner
from radiogen.models.fusion.spec import InputSpec, NetSettings

#: waves of the time axis of a loop
_WAVES = 3
#: numbers that say when a frame was taken
TIME_FEATURES = 1 + 2 * _WAVES


class TableEncoder(nn.Module):
    """Columns (standardised in training) through one hidden layer, with a linear bypass.

    With hundreds of units most of what a table says is linear; the bypass lets it through without a detour.

    Parameters
    ----------
    columns, hidden, width : int
    dropout : float
        Of the hidden layer.

    Examples
    --------
    >>> import torch
    >>> from radiogen.models.fusion.encoders import TableEncoder
    >>> TableEncoder(columns=5, hidden=8, width=4, dropout=0.0)(torch.zeros(2, 5)).shape
    torch.Size([2, 4])
    """

    def __init__(self, columns: int, hidden: int, width: int, dropout: float) -> None:
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(columns, hidden), nn.GELU(), nn.Dropout(dropout), nn.Linear(hidden, width))
        self.bypass = nn.Linear(columns, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x) + self.bypass(x)


class PictureReader(nn.Module):
    """Pictures to vectors: a backbone, and the level of each channel.

    A backbone that normalises each picture loses how bright it is as a whole, which for a map of stiffness is the message;
    mean and standard deviation of every channel therefore stand beside its features.

    Parameters
    ----------
    spec : InputSpec
        Its backbone and weights.
    channels : int, optional
        Default those of the input; more where inputs are stacked.

    Attributes
    ----------
    backbone : nn.Module
    features : int
        Length of a picture's vector: the backbone's features and two numbers per channel.
    """

    def __init__(self, spec: InputSpec, channels: int | None = None) -> None:
        super().__init__()
        self.name = spec.name
        self.channels = spec.channels if channels is None else channels
        self.backbone = make_backbone(spec.backbone, self.channels, spec.weights)
        self.deep = int(self.backbone.features)
        self.features = self.deep + 2 * self.channels
        self.norm = nn.LayerNorm(self.deep)

    def read(self, pixels: Tensor) -> Tensor:
        """What is learnt from a picture before anything of this network is trained; a frozen backbone's may be kept.

        Parameters
        ----------
        pixels : Tensor, shape (…, channels, rows, columns)
            uint8, or float from 0 to 1.

        Returns
        -------
        Tensor, shape (…, features)
            It may stand in the place of the pixels of a :class:`radiogen.models.fusion.batch.Batch`.
        """
        if pixels.shape[-3] != self.channels:
            raise fail("RG705", f"pictures of '{self.name}' must have {self.channels} channels", value=pixels.shape[-3])
        lead = pixels.shape[:-3]
        flat = scaled(pixels).reshape(-1, *pixels.shape[-3:])
        spread = torch.sqrt(flat.var((2, 3), correction=0) + 1e-6)  # never the root of 0, whose slope is infinite
        level = 4 * torch.cat([flat.mean((2, 3)), spread], 1) - 1  # a quarter, usual on a display, becomes 0
        return torch.cat([self.backbone(flat).to(level.dtype), level], 1).reshape(*lead, self.features)

    def forward(self, pixels: Tensor) -> Tensor:
        """Pixels, or what :meth:`read` made of them, to vectors."""
        known = pixels.dim() <= 3 and pixels.is_floating_point()
        if known and pixels.shape[-1] != self.features:
            raise fail("RG705", f"features of '{self.name}' must be {self.features}", value=pixels.shape[-1])
        raw = pixels if known else self.read(pixels)
        return torch.cat([self.norm(raw[..., : self.deep]), raw[..., self.deep :]], -1)


class TimePool(nn.Module):
    """Frames to one vector: gated attention over time, and the course of every number.

    The course is the mean of a number times the cosines of half a turn, one and one and a half over the loop: it says at once
    when a number rises and falls, which attention would have to learn from weights and times together.

    Parameters
    ----------
    width : int
        Numbers of a frame.
    hidden : int
        Of the attention.

    Attributes
    ----------
    features : int
        Length of a loop's vector.

    Examples
    --------
    >>> import torch
    >>> from radiogen.models.fusion.encoders import TimePool
    >>> TimePool(width=4, hidden=2)(torch.zeros(3, 9, 4)).shape
    torch.Size([3, 16])
    """

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.features = (1 + _WAVES) * width
        self.pool = GatedPool(width, hidden)

    def forward(self, frames: Tensor) -> Tensor:
        everyone = frames.new_ones(frames.shape[:2], dtype=torch.bool)
        waves = torch.cos(_turns(frames)).to(frames.dtype)
        course = torch.einsum("mtw,tk->mkw", frames, waves) / frames.shape[1]
        return torch.cat([self.pool(frames, everyone), course.flatten(1)], 1)


class TableInput(nn.Module):
    """The encoder of a table.

    Parameters
    ----------
    spec : InputSpec
    net : NetSettings
    """

    def __init__(self, spec: InputSpec, net: NetSettings) -> None:
        super().__init__()
        self.spec = spec
        self.encoder = TableEncoder(len(spec.columns), net.hidden, net.width, net.dropout)

    def forward(self, batch: Batch, present: Tensor) -> tuple[Tensor, Tensor]:
        """Vectors (B × width) and who has the input (B)."""
        at = present.nonzero().squeeze(1)
        return spread_out(self.encoder(table_of(batch, self.spec)[at]), at, len(batch)), present


class ImageInput(nn.Module):
    """The encoder of stills: each through the backbone, the unit's pooled by gated attention.

    Parameters
    ----------
    spec : InputSpec
    net : NetSettings
    """

    def __init__(self, spec: InputSpec, net: NetSettings) -> None:
        super().__init__()
        self.spec, self.width = spec, net.width
        self.reader = PictureReader(spec)
        self.project = _projection(self.reader.features, net)
        self.pool = GatedPool(net.width, half(net.width))

    def forward(self, batch: Batch, present: Tensor) -> tuple[Tensor, Tensor]:
        """Vectors (B × width) and who has the input (B): a unit without a picture has not."""
        pixels, owner = pictures_of(batch, self.spec, present)
        if not len(owner):
            return torch.zeros(len(batch), self.width, device=present.device), torch.zeros_like(present)
        padded, mask = by_owner(self.project(self.reader(pixels)), owner, len(batch))
        return self.pool(padded, mask), mask.any(1)


class CineInput(nn.Module):
    """The encoder of loops: frames through the backbone, their course over time, the unit's loops pooled; the curve joins them.

    Parameters
    ----------
    spec : InputSpec
        ``columns`` name the values of the curve, if there is one.
    net : NetSettings
    """

    def __init__(self, spec: InputSpec, net: NetSettings) -> None:
        super().__init__()
        self.spec, self.width = spec, net.width
        self.reader = PictureReader(spec)
        self.project = _projection(self.reader.features + TIME_FEATURES, net)
        self.over_time = TimePool(net.width, half(net.width))
        self.loop = nn.Linear(self.over_time.features, net.width)
        self.pool = GatedPool(net.width, half(net.width))
        self.curve = TableEncoder(len(spec.columns), net.hidden, net.width, net.dropout) if spec.columns else None
        self.both = nn.Linear(2 * net.width, net.width) if spec.columns else None

    def forward(self, batch: Batch, present: Tensor) -> tuple[Tensor, Tensor]:
        """Vectors (B × width) and who has the input (B): a unit without a loop has not."""
        pixels, owner = pictures_of(batch, self.spec, present)
        if not len(owner):
            return torch.zeros(len(batch), self.width, device=present.device), torch.zeros_like(present)
        loops = self.loop(self.over_time(self.project(with_times(self.reader(pixels)))))
        padded, mask = by_owner(loops, owner, len(batch))
        pooled, has = self.pool(padded, mask), mask.any(1)
        if self.curve is None or self.both is None:
            return pooled, has
        at = has.nonzero().squeeze(1)
        curve = self.curve(table_of(batch, self.spec)[at])
        return spread_out(self.both(torch.cat([pooled[at], curve], 1)), at, len(batch)), has


def make_encoder(spec: InputSpec, net: NetSettings) -> nn.Module:
    """The encoder of an input.

    Parameters
    ----------
    spec : InputSpec
    net : NetSettings

    Returns
    -------
    nn.Module
        Called with a batch and the column of its modality in ``present``, gives vectors (B × width) and who has the input.

    Examples
    --------
    >>> from radiogen.models.fusion.encoders import make_encoder
    >>> from radiogen.models.fusion.spec import InputSpec, NetSettings
    >>> type(make_encoder(InputSpec("clinical", "table", columns=("age",)), NetSettings())).__name__
    'TableInput'
    """
    return {"table": TableInput, "image": ImageInput, "cine": CineInput}[spec.kind](spec, net)


def make_backbone(name: str, channels: int, weights: str | None) -> Any:
    """The backbone of this name, with `features` and a forward from B × channels × rows × columns to B × features."""
    from radiogen.models.backbones.make import backbone

    return backbone(name, in_channels=channels, weights=weights)


def scaled(pixels: Tensor) -> Tensor:
    """Pixels as floats from 0 to 1."""
    return pixels if pixels.is_floating_point() else pixels.to(torch.float32) / 255


def table_of(batch: Batch, spec: InputSpec) -> Tensor:
    """The columns of an input, shape (B, columns)."""
    table = batch.tables.get(spec.name)
    if table is None or table.shape[1] != len(spec.columns):
        found = "no table" if table is None else f"{table.shape[1]} columns"
        raise fail("RG705", f"the input '{spec.name}' needs {len(spec.columns)} columns and gets {found}", value=spec.name)
    return table


def pictures_of(batch: Batch, spec: InputSpec, present: Tensor) -> tuple[Tensor, Tensor]:
    """Pixels and owners of an input, of those who have its modality; the pixels of the others are not touched."""
    if spec.name not in batch.pictures:
        raise fail("RG705", f"the input '{spec.name}' gets no pictures", value=spec.name)
    pixels, owner = batch.pictures[spec.name]
    keep = present[owner]
    return (pixels, owner) if bool(keep.all()) else (pixels[keep], owner[keep])


def spread_out(values: Tensor, at: Tensor, units: int) -> Tensor:
    """Rows at their units' positions, shape (units, width), zeros elsewhere."""
    return values.new_zeros(units, values.shape[1]).index_put((at,), values)


def with_times(frames: Tensor) -> Tensor:
    """Frames (m × frames × features) with what says when they were taken: the share of the loop that has passed, in waves."""
    share, turns = _share(frames)[:, None], _turns(frames)
    times = torch.cat([share, torch.sin(turns), torch.cos(turns)], 1).to(frames.dtype)
    return torch.cat([frames, times.expand(frames.shape[0], -1, -1)], 2)


def _share(frames: Tensor) -> Tensor:
    """Share of the loop that has passed at each frame, shape (frames,)."""
    n = frames.shape[1]
    return torch.linspace(0, 1, n, device=frames.device) if n > 1 else torch.zeros(1, device=frames.device)


def _turns(frames: Tensor) -> Tensor:
    """Angles of the waves at each frame, shape (frames, waves)."""
    return math.pi * torch.arange(1, _WAVES + 1, device=frames.device) * _share(frames)[:, None]


def half(width: int) -> int:
    """Half a width, at least 1: rows of the attention's maps."""
    return max(1, width // 2)


def _projection(features: int, net: NetSettings) -> nn.Module:
    return nn.Sequential(nn.Linear(features, net.width), nn.GELU(), nn.Dropout(net.dropout))
