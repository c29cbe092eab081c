"""The U-Net on the encoder EfficientNet-Lite0; importing this module imports torch."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from radiogen.imaging.outlines.unet import NetSettings
from radiogen.imaging.outlines.unet_encoder import CHANNELS, Encoder, as_imagenet
from radiogen.imaging.outlines.unet_torch import Block, place, resized

#: widest level of the way up, in channels of its last level
_WIDEST = 8


class PretrainedUNet(nn.Module):
    """A way up on the four levels of the encoder, whose deepest one is also told row and column.

    ``forward`` takes grey values from 0 to 1 (B × 1 × n × n) and gives the logits at full size and those of the deeper levels,
    which take part in training only.
    """

    def __init__(self, settings: NetSettings) -> None:
        super().__init__()
        levels = len(CHANNELS)
        widths = [settings.base * min(2**level, _WIDEST) for level in range(levels)]
        self.encoder = Encoder()
        self.bottom = Block(CHANNELS[-1] + 2, widths[-1], settings.dropout)
        self.up = nn.ModuleList(
            Block(widths[k] + CHANNELS[k - 1], widths[k - 1], settings.dropout) for k in range(levels - 1, 0, -1)
        )
        self.deep = nn.ModuleList(nn.Conv2d(widths[k - 1], 1, 1) for k in range(levels - 1, 1, -1))
        self.out = nn.Conv2d(widths[0], 1, 1)

    def start(self) -> None:
        """Take ImageNet's weights into the encoder; the rest stays as it was drawn."""
        self.encoder.load_imagenet()

    def parts(self, settings: NetSettings) -> list[dict[str, Any]]:
        """What is trained, with the share of the learning rate that each part gets; the rest is held fast."""
        stages = list(self.encoder.stages)
        for module in (self.encoder.stem, *(stages[: settings.frozen] if settings.encoder_rate else stages)):
            module.requires_grad_(False)
        encoder = [p for p in self.encoder.parameters() if p.requires_grad]
        others = [p for name, p in self.named_parameters() if not name.startswith("encoder.")]
        return [{"params": others, "share": 1.0}, *([{"params": encoder, "share": settings.encoder_rate}] if encoder else [])]

    def forward(self, grey: Tensor) -> tuple[Tensor, list[Tensor]]:
        size = grey.shape[-2:]
        passed = self.encoder(as_imagenet(grey).contiguous(memory_format=torch.channels_last))
        x = self.bottom(torch.cat([passed[-1], place(passed[-1])], dim=1))
        deep = []
        for k, block in enumerate(self.up):
            before = passed[-2 - k]
            wider = functional.interpolate(x, size=before.shape[-2:], mode="bilinear", align_corners=False)
            x = block(torch.cat([wider, before], dim=1))
            if k < len(self.deep):
                deep.append(resized(self.deep[k](x), size))
        return resized(self.out(x), size), deep
