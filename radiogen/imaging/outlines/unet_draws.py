"""Random variants of pictures and masks, from which a network learns; importing this module imports torch."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

#: largest turn in degrees, shift in half pictures, and stretch as a logarithm (as a whole, and of its shape)
_TURN, _SHIFT, _STRETCH, _SHAPE = 15.0, 0.2, 0.35, 0.15
#: spread of the elastic bend in half pictures, on a grid of so many points
_BEND, _KNOTS = 0.03, 6
#: logarithm of gamma, gain, offset, change of gain from the middle to either end of the depth, speckle
_GAMMA, _GAIN, _OFFSET, _DEPTH, _SPECKLE = 0.4, 0.2, 0.08, 0.3, 0.15
#: share of the pictures into which the lesion of another one is pasted
_PASTE = 0.5
#: side of the coarse pictures in which the pasted lesion's border is found
_COARSE = 64


class Draws:
    """Batches without end: every picture once in random order, then again; of those without a lesion not more than a share.

    Parameters
    ----------
    grey, truth : ndarray, n × m × m float32
        Pictures (0 to 1) and masks (0 to 1).
    size : int
        Side of the variants.
    seed : int
    empty : float, default 1
        Largest share of pictures without a lesion in a round.
    """

    def __init__(
        self, grey: NDArray[np.float32], truth: NDArray[np.float32], size: int, seed: int, empty: float = 1.0
    ) -> None:
        self._grey, self._truth = torch.from_numpy(grey)[:, None], torch.from_numpy(truth)[:, None]
        drawn = truth.reshape(len(truth), -1).max(axis=1) > 0
        self._lesions, self._empties = torch.from_numpy(np.flatnonzero(drawn)), torch.from_numpy(np.flatnonzero(~drawn))
        self._most = len(self._empties) if empty == 1 else round(empty / (1 - empty) * len(self._lesions))
        self._size = size
        self._random = torch.Generator().manual_seed(seed)
        self._order: list[int] = []

    def batch(self, n: int) -> tuple[Tensor, Tensor]:
        """So many pictures and masks, n × 1 × size × size."""
        while len(self._order) < n:
            self._order += self._round()
        these, self._order = self._order[:n], self._order[n:]
        x, y = self._varied(torch.tensor(these))
        other = self._lesions[torch.randint(len(self._lesions), (n,), generator=self._random)]
        return self._pasted(x, y, *self._varied(other))

    def _round(self) -> list[int]:
        """The pictures of one round in random order."""
        if self._most >= len(self._empties):
            return torch.randperm(len(self._grey), generator=self._random).tolist()
        few = self._empties[torch.randperm(len(self._empties), generator=self._random)[: self._most]]
        these = torch.cat([self._lesions, few])
        return these[torch.randperm(len(these), generator=self._random)].tolist()

    def _even(self, n: int, reach: float) -> Tensor:
        return (torch.rand(n, generator=self._random) * 2 - 1) * reach

    def _varied(self, these: Tensor) -> tuple[Tensor, Tensor]:
        grid = self._grid(len(these))
        x = functional.grid_sample(self._grey[these], grid, padding_mode="reflection", align_corners=False)
        y = functional.grid_sample(self._truth[these], grid, padding_mode="reflection", align_corners=False)
        return self._shaded(x), (y > 0.5).float()

    def _grid(self, n: int) -> Tensor:
        """Where each pixel of a variant is taken from."""
        turn = self._even(n, math.radians(_TURN))
        scale, shape = torch.exp(self._even(n, _STRETCH)), torch.exp(self._even(n, _SHAPE))
        mirror = torch.where(self._even(n, 1.0) < 0, -1.0, 1.0)
        matrix = torch.zeros(n, 2, 3)
        matrix[:, 0, 0], matrix[:, 0, 1] = scale * shape * torch.cos(turn) * mirror, -scale * shape * torch.sin(turn)
        matrix[:, 1, 0], matrix[:, 1, 1] = scale / shape * torch.sin(turn) * mirror, scale / shape * torch.cos(turn)
        matrix[:, 0, 2], matrix[:, 1, 2] = self._even(n, _SHIFT), self._even(n, _SHIFT)
        grid = functional.affine_grid(matrix, [n, 1, self._size, self._size], align_corners=False)
        knots = torch.randn(n, 2, _KNOTS, _KNOTS, generator=self._random) * _BEND
        bend = functional.interpolate(knots, size=(self._size, self._size), mode="bicubic", align_corners=True)
        return grid + bend.permute(0, 2, 3, 1)

    def _shaded(self, x: Tensor) -> Tensor:
        """Another gain, gamma and gain along depth, and speckle."""
        n = len(x)

        def each(values: Tensor) -> Tensor:
            return values[:, None, None, None]

        x = x.clamp(1e-4, 1) ** torch.exp(each(self._even(n, _GAMMA)))
        x = x * (1 + each(self._even(n, _GAIN))) + each(self._even(n, _OFFSET))
        depth = torch.linspace(-1, 1, self._size)[None, None, :, None]
        x = x * (1 + each(self._even(n, _DEPTH)) * depth)
        strength = each(torch.rand(n, generator=self._random)) * _SPECKLE
        return (x * (1 + strength * torch.randn(x.shape, generator=self._random))).clamp(0, 1.2)

    def _pasted(self, x: Tensor, y: Tensor, other: Tensor, lesion: Tensor) -> tuple[Tensor, Tensor]:
        """Lesions of other pictures put in with a soft border, unless they would cut through one that is there."""
        coarse = max(1, self._size // _COARSE)  # borders are as wide in large pictures, and are found in coarse ones
        near = functional.max_pool2d(functional.max_pool2d(lesion, coarse), 5, 1, 2)
        ring = (functional.max_pool2d(near, 11, 1, 5) - near).clamp(0, 1)

        def around(values: Tensor) -> Tensor:
            few = functional.avg_pool2d(values, coarse)
            return (few * ring).sum((1, 2, 3), keepdim=True) / (ring.sum((1, 2, 3), keepdim=True) + 1e-3)

        soft = functional.avg_pool2d(near, 7, 1, 3)
        if coarse > 1:
            soft = functional.interpolate(soft, size=lesion.shape[-2:], mode="bilinear", align_corners=False)
        match = ((around(x) + 0.03) / (around(other) + 0.03)).clamp(0.5, 2)
        cuts = ((y * lesion).sum((1, 2, 3)) > 0) & ((y * (1 - lesion)).sum((1, 2, 3)) > 0)
        do = (torch.rand(len(x), generator=self._random) < _PASTE) & ~cuts
        share = soft * do[:, None, None, None].float()
        return x * (1 - share) + other * match * share, torch.maximum(y, lesion * do[:, None, None, None].float())
