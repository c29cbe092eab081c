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


class Draws:
    """Batches without end: every picture once in random order, then again.

    Parameters
    ----------
    grey, truth : ndarray, n × m × m float32
        Pictures (0 to 1) and masks (0 to 1).
    size : int
        Side of the variants.
    seed : int
    """

    def __init__(self, grey: NDArray[np.float32], truth: NDArray[np.float32], size: int, seed: int) -> None:
        self._grey, self._truth = torch.from_numpy(grey)[:, None], torch.from_numpy(truth)[:, None]
        self._lesions = torch.from_numpy(np.flatnonzero(truth.reshape(len(truth), -1).max(axis=1) > 0))
        self._size = size
        self._random = torch.Generator().manual_seed(seed)
        self._order: list[int] = []

    def batch(self, n: int) -> tuple[Tensor, Tensor]:
        """So many pictures and masks, n × 1 × size × size."""
        while len(self._order) < n:
            self._order += torch.randperm(len(self._grey), generator=self._random).tolist()
        these, self._order = self._order[:n], self._order[n:]
        x, y = self._varied(torch.tensor(these))
        other = self._lesions[torch.randint(len(self._lesions), (n,), generator=self._random)]
        return self._pasted(x, y, *self._varied(other))

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
        near = functional.max_pool2d(lesion, 5, 1, 2)
        ring = (functional.max_pool2d(lesion, 15, 1, 7) - near).clamp(0, 1)

        def around(values: Tensor) -> Tensor:
            return (values * ring).sum((1, 2, 3), keepdim=True) / (ring.sum((1, 2, 3), keepdim=True) + 1e-3)

        soft = functional.avg_pool2d(near, 7, 1, 3)
        match = ((around(x) + 0.03) / (around(other) + 0.03)).clamp(0.5, 2)
        cuts = ((y * lesion).sum((1, 2, 3)) > 0) & ((y * (1 - lesion)).sum((1, 2, 3)) > 0)
        do = (torch.rand(len(x), generator=self._random) < _PASTE) & ~cuts
        share = soft * do[:, None, None, None].float()
        return x * (1 - share) + other * match * share, torch.maximum(y, lesion * do[:, None, None, None].float())
