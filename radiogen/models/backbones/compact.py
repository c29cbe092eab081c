"""A small residual network for pictures of about 96 pixels that is trained from the start on a CPU."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

#: channels of the stem and of the three stages, at 1/4, 1/8 and 1/16 of the picture's side
WIDTHS = (16, 24, 40, 64)
#: channels that are normalised together
_GROUP = 8


class CompactTrunk(nn.Module):
    """Pictures from 0 to 1, B × C × H × W, to maps B × 64 × H/16 × W/16.

    96 thousand weights; 12 million multiplications for a picture of 96 pixels, so that an epoch over 500 of them takes about
    a second on one core.  A convolution 5 × 5 of stride 2, then three residual blocks.  Every later halving averages before
    it samples, so that a shift of the picture by a pixel changes little, and speckle is averaged rather than picked.
    GroupNorm instead of BatchNorm: what comes out for one picture depends on no other.  The blocks begin whole, not as
    their bypass: cohorts of hundreds give a few hundred steps, in which a slow start is not made good.

    References
    ----------
    He K et al. (2016) Identity mappings in deep residual networks. ECCV. https://doi.org/10.1007/978-3-319-46493-0_38
    Wu Y, He K (2018) Group normalization. ECCV. https://doi.org/10.1007/978-3-030-01261-8_1
    Zhang R (2019) Making convolutional networks shift-invariant again. ICML, arXiv:1904.11486
    """

    def __init__(self, channels: int = 1) -> None:
        super().__init__()
        self.stem = nn.Conv2d(channels, WIDTHS[0], 5, stride=2, padding=2, bias=False)
        self.norm = _norm(WIDTHS[0])
        self.blocks = nn.Sequential(*(_Block(a, b) for a, b in pairwise(WIDTHS)))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.norm(self.stem(x - 0.5)))
        return self.blocks(x)


class _Block(nn.Module):
    """Halve, then two convolutions 3 × 3 beside a bypass."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.first, self.first_norm = nn.Conv2d(before, after, 3, padding=1, bias=False), _norm(after)
        self.second, self.second_norm = nn.Conv2d(after, after, 3, padding=1, bias=False), _norm(after)
        self.bypass = nn.Conv2d(before, after, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.avg_pool2d(x, 2)
        y = functional.relu(self.first_norm(self.first(x)))
        return functional.relu(self.bypass(x) + self.second_norm(self.second(y)))


def _norm(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(channels // _GROUP, channels)


def multiplications(channels: int = 1, size: int = 96) -> int:
    """Multiplications of one picture's way through the convolutions.

    Examples
    --------
    >>> from radiogen.models.backbones.compact import multiplications
    >>> multiplications() // 1_000_000
    11
    """
    count = 0

    def add(module: nn.Conv2d, _: object, out: Tensor) -> None:
        nonlocal count
        count += out[0].numel() * module.weight[0].numel()

    trunk = CompactTrunk(channels)
    for module in trunk.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(add)
    with torch.no_grad():
        trunk(torch.zeros(1, channels, size, size))
    return count
