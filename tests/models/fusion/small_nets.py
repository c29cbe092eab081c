"""Small networks and batches for the tests of fusion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from radiogen.models.fusion.batch import Batch
from radiogen.models.fusion.network import FusionNet
from radiogen.models.fusion.spec import FUSIONS, HeadSpec, InputSpec, NetSettings, Plan

HEADS = (
    HeadSpec("TP53", "binary", ("wild type", "mutated")),
    HeadSpec("subtype", "multiclass", ("luminal A", "luminal B", "HER2", "basal")),
    HeadSpec("grade", "ordinal", ("1", "2", "3")),
    HeadSpec("os", "survival"),
)
#: four modalities; two inputs share "bmode"; B-mode and SWE show one plane
INPUTS = (
    InputSpec("clinical", "table", columns=("age", "grade", "size")),
    InputSpec("bmode", "image", size=(16, 16), aligned="plane"),
    InputSpec("bmode:radiomics", "table", modality="bmode", columns=("a", "b")),
    InputSpec("swe", "image", channels=3, size=(16, 16), aligned="plane", physical=True),
    InputSpec("ceus", "cine", columns=("peak", "slope"), size=(16, 16)),
)
__all__ = ["FUSIONS", "HEADS", "INPUTS", "garbage", "mixed_batch", "net_of", "with_pictures"]


class Tiny(nn.Module):
    """A backbone of five features."""

    features, name = 5, "tiny"

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(channels, 5, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.convolution(x)).mean((2, 3))


def tiny_backbone(name: str, channels: int, weights: str | None) -> Tiny:
    """In the place of the real ones."""
    return Tiny(channels)


def net_of(fusion: str, inputs: tuple[InputSpec, ...] = INPUTS, heads: tuple[HeadSpec, ...] = HEADS, seed: int = 0) -> FusionNet:
    """A network in evaluation mode."""
    torch.manual_seed(seed)
    settings = NetSettings(fusion=fusion, width=8, hidden=8)
    net = FusionNet(Plan(inputs, heads, settings))
    with torch.no_grad():  # weights of the late fusion and of normalisation that are not their symmetric start
        for parameter in net.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return net.eval()


def mixed_batch(present: Tensor | None = None, units: int = 6, seed: int = 1) -> Batch:
    """Units with all of :data:`INPUTS`; B-mode once to three times, SWE once or twice, CEUS once (the first unit twice), of three frames."""
    rng = np.random.default_rng(seed)
    owner = np.repeat(np.arange(units), 1 + np.arange(units) % 3)
    rng.shuffle(owner)
    swe_owner = np.repeat(np.arange(units), 1 + (np.arange(units) + 1) % 2)

    def pictures(at: np.ndarray, *shape: int) -> tuple[Tensor, Tensor]:
        return torch.from_numpy(rng.integers(0, 256, (len(at), *shape), dtype=np.uint8)), torch.from_numpy(at.astype(np.int64))

    def table(columns: int) -> Tensor:
        return torch.from_numpy(rng.normal(size=(units, columns)).astype(np.float32))

    return Batch(
        torch.ones(units, 4, dtype=torch.bool) if present is None else present,
        {"clinical": table(3), "bmode:radiomics": table(2), "ceus": table(2)},
        {
            "bmode": pictures(owner, 1, 16, 16), "swe": pictures(swe_owner, 3, 16, 16),
            "ceus": pictures(np.arange(units + 1) % units, 3, 1, 16, 16),
        },
    )  # fmt: skip


def with_pictures(batch: Batch, change: Callable[[str, Tensor, Tensor], tuple[Tensor, Tensor]]) -> Batch:
    """The batch with other pictures."""
    return replace(batch, pictures={k: change(k, *p) for k, p in batch.pictures.items()})


def garbage(batch: Batch, inputs: tuple[InputSpec, ...] = INPUTS) -> Batch:
    """The batch as floats, with NaN wherever a modality is absent."""
    modality = Plan(inputs, HEADS).modalities
    absent = {i.name: ~batch.present[:, modality.index(i.modality)] for i in inputs}

    def spoilt(name: str, pixels: Tensor, owner: Tensor) -> tuple[Tensor, Tensor]:
        changed = pixels.float() / 255
        changed[absent[name][owner]] = torch.nan
        return changed, owner

    tables = {k: torch.where(absent[k][:, None], torch.nan, t) for k, t in batch.tables.items()}
    return with_pictures(replace(batch, tables=tables), spoilt)
