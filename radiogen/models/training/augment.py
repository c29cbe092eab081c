"""Batches of ultrasound pictures moved and changed while training; importing this module imports torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from radiogen.models.fusion.spec import InputSpec
from radiogen.models.training.augmentation import Augmentation
from radiogen.models.training.speckle import speckle_tiles

#: pictures of an input (m × channels × rows × columns, or m × frames × … of loops) and the unit of each, in the batch
Pictures = tuple[Tensor, Tensor]
Draws = NDArray[np.float32]
#: half-widths of an acoustic shadow, as shares of the picture's width
_NARROW, _WIDE = 0.04, 0.15


class Augmenter:
    """Draws and applies changes to the pictures of a batch.

    Parameters
    ----------
    inputs : sequence of InputSpec
        ``aligned`` inputs of a unit are moved alike; ``physical`` ones are moved by whole pixels and never changed.
    rng : numpy Generator
        For the speckle, of which one large tile is drawn here; steps cut pieces out of it.
    settings : Augmentation, optional

    Notes
    -----
    A batch is moved by one ``grid_sample`` per input, and brightness changes are one product of a curve along depth, a
    shadow and speckle; a loop is drawn for once, so that its frames stay comparable.  What lies outside of a picture that
    was moved continues its border.  The order is: geometry, blur, brightness; values are kept within 0 … 1.

    Examples
    --------
    >>> import numpy as np, torch
    >>> from radiogen.models.fusion.spec import InputSpec
    >>> from radiogen.models.training.augment import Augmenter
    >>> augment = Augmenter([InputSpec("bmode", "image", size=(32, 32))], np.random.default_rng(0))
    >>> pictures = {"bmode": (torch.zeros(2, 1, 32, 32, dtype=torch.uint8), torch.tensor([0, 1]))}
    >>> changed, owner = augment(pictures, 2, np.random.default_rng(1))["bmode"]
    >>> changed.shape, changed.dtype
    (torch.Size([2, 1, 32, 32]), torch.float32)
    """

    def __init__(
        self, inputs: Sequence[InputSpec], rng: np.random.Generator, settings: Augmentation | None = None
    ) -> None:
        self.inputs = tuple(i for i in inputs if i.kind != "table")
        self.settings = settings or Augmentation()
        side = max((n for i in self.inputs for n in i.size), default=0)
        self._tile = speckle_tiles(side, rng) if side else torch.zeros(0, 0)

    def __call__(self, pictures: Mapping[str, Pictures], units: int, rng: np.random.Generator) -> dict[str, Pictures]:
        """The pictures of a batch as floats from 0 to 1, changed.

        Parameters
        ----------
        pictures : mapping of str to (Tensor, Tensor)
            By input: pixels (uint8, or floats from 0 to 1) and the position of the unit of each.
        units : int
            Of the batch.
        rng : numpy Generator
            All that is drawn comes from it.
        """
        words = dict.fromkeys(i.aligned for i in self.inputs if i.aligned)
        shared = {word: _draw_geometry(units, self.settings, rng) for word in words}
        changed = {}
        for spec in self.inputs:
            if spec.name not in pictures:
                continue
            pixels, owner = pictures[spec.name]
            number = len(pixels)
            own = _draw_geometry(number, self.settings, rng)
            brightness = _Brightness.draw(number, self.settings, rng)
            if number:
                geometry = shared[spec.aligned][owner.cpu().numpy()] if spec.aligned else own
                pixels = self._change(pixels, spec, geometry, brightness)
            changed[spec.name] = (pixels, owner)
        return changed

    def _change(self, pixels: Tensor, spec: InputSpec, geometry: Draws, brightness: _Brightness) -> Tensor:
        x = pixels.float().div_(255) if pixels.dtype == torch.uint8 else pixels
        shape = x.shape
        # the frames of a loop are channels for what is done to all of them alike
        x = x.reshape(shape[0], -1, *shape[-2:])
        x = move(x, geometry, nearest=spec.physical)
        if self._tile.device != x.device:
            self._tile = self._tile.to(x.device)
        if not spec.physical:
            x = brightness.apply(x, self._tile)
        return x.reshape(shape)


def _draw_geometry(number: int, settings: Augmentation, rng: np.random.Generator) -> Draws:
    """Mirror (1 or −1), angle in radians and scale, one row per picture."""
    draws = rng.random((number, 4))
    moved = draws[:, 3] < settings.moved
    flip = np.where(draws[:, 0] < settings.flip, -1.0, 1.0)
    angle = np.where(moved, np.deg2rad(settings.rotation) * (2 * draws[:, 1] - 1), 0.0)
    scale = np.where(moved, np.exp(np.log1p(settings.scale) * (2 * draws[:, 2] - 1)), 1.0)
    return np.stack([flip, angle, scale], axis=1).astype(np.float32)


def move(x: Tensor, geometry: Draws, *, nearest: bool) -> Tensor:
    """Mirror, turn and scale pictures about their centre.

    Parameters
    ----------
    x : Tensor of float, shape (m, channels, rows, columns)
    geometry : array, shape (m, 3)
        Mirror (−1 or 1), angle in radians, scale (above 1 is larger).
    nearest : bool
        Take whole pixels, so that no value arises that was not there; else linear between pixels.
    """
    flip, angle, scale = (geometry[:, k].astype(np.float64) for k in range(3))
    if not angle.any() and (scale == 1).all():
        turned = torch.from_numpy(np.flatnonzero(flip < 0)).to(x.device)
        return x.index_copy(0, turned, x[turned].flip(-1)) if len(turned) else x
    rows, columns = x.shape[-2:]
    cos, sin = np.cos(angle) / scale, np.sin(angle) / scale
    # a turn in pixels, written in coordinates from -1 to 1 of the rows (v) and the columns (u)
    across = _sum(flip * cos, -flip * sin * rows / columns, rows, columns, x)
    down = _sum(sin * columns / rows, cos, rows, columns, x)
    grid = torch.stack([across, down], dim=-1)
    mode = "nearest" if nearest else "bilinear"
    return functional.grid_sample(x, grid, mode=mode, padding_mode="border", align_corners=False)


def _sum(of_u: NDArray[np.float64], of_v: NDArray[np.float64], rows: int, columns: int, like: Tensor) -> Tensor:
    """of_u · u + of_v · v at the centres of all pixels, m × rows × columns; a sum of two lines is all that a turn takes."""
    u, v = ((2 * np.arange(n) + 1) / n - 1 for n in (columns, rows))
    lines = (of_u[:, None, None] * u[None, None, :], of_v[:, None, None] * v[None, :, None])
    first, second = (torch.from_numpy(line.astype(np.float32)).to(like.device, like.dtype) for line in lines)
    return first + second


@dataclass(frozen=True)
class _Brightness:
    """What is done to the grey values of each picture: gain and attenuation, sliders, shadow, speckle and its place, blur."""

    depth: Draws
    knots: Draws
    shadow: Draws
    speckle: Draws
    corner: NDArray[np.float64]
    blur: NDArray[np.bool_]

    @classmethod
    def draw(cls, number: int, settings: Augmentation, rng: np.random.Generator) -> _Brightness:
        """Draw for a number of pictures; as many numbers are drawn whatever the settings."""
        u = rng.random((number, 10))
        depth = np.stack([1 + settings.gain * (2 * u[:, 0] - 1), settings.attenuation * u[:, 1]], axis=1)
        knots = 1 + settings.tgc * (2 * rng.random((number, settings.tgc_knots)) - 1)
        strength = np.where(u[:, 2] < settings.shadow, settings.shadow_depth * u[:, 3], 0.0)
        # centre and half-width as shares of the width, the depth from which on it falls
        shadow = np.stack([strength, u[:, 4], _NARROW + (_WIDE - _NARROW) * u[:, 5], 0.8 * u[:, 6]], axis=1)
        speckle = np.where(u[:, 7] < settings.speckled, settings.speckle * rng.random(number), 0.0)
        blur = rng.random(number) < settings.blur
        single = [np.asarray(a, dtype=np.float32) for a in (depth, knots, shadow, speckle)]
        return cls(single[0], single[1], single[2], single[3], u[:, 8:], blur)

    def apply(self, x: Tensor, tile: Tensor) -> Tensor:
        """Blur, then brightness; values from 0 to 1."""
        blurred = torch.from_numpy(np.flatnonzero(self.blur)).to(x.device)
        if len(blurred):
            x = x.index_copy(0, blurred, _blur(x[blurred]))
        rows, columns = x.shape[-2:]
        along = torch.from_numpy(self._along_depth(rows)).to(x.device)
        # where no picture of the batch is shadowed or speckled one curve along depth is all there is
        if not self.shadow[:, 0].any() and not self.speckle.any():
            return (x * along[:, None, :, None]).clamp_(0, 1)
        field = along[:, :, None].expand(-1, -1, columns).contiguous()
        self._darken(field)
        self._speckle(field, tile)
        return (x * field[:, None]).clamp_(0, 1)

    def _along_depth(self, rows: int) -> Draws:
        """Gain, attenuation and the smooth curve of the sliders, m × rows."""
        y = np.linspace(0, 1, rows, dtype=np.float32)
        place = y * (self.knots.shape[1] - 1)
        left = np.minimum(place.astype(int), self.knots.shape[1] - 2)
        part = place - left
        # a half cosine between knots: no kinks along depth
        part = (1 - np.cos(np.pi * part)) / 2
        curve = self.knots[:, left] * (1 - part) + self.knots[:, left + 1] * part
        return np.asarray(self.depth[:, :1] * (1 - self.depth[:, 1:] * y) * curve, dtype=np.float32)

    def _darken(self, field: Tensor) -> None:
        """Shadows, into the field, of the pictures that have one."""
        chosen = np.flatnonzero(self.shadow[:, 0])
        if not len(chosen):
            return
        rows, columns = field.shape[-2:]
        strength, centre, width, start = self.shadow[chosen].T
        across = np.exp(-(((np.linspace(0, 1, columns)[None] - centre[:, None]) / width[:, None]) ** 2))
        down = np.clip((np.linspace(0, 1, rows)[None] - start[:, None]) / 0.1, 0, 1)
        loss = strength[:, None, None] * down[:, :, None] * across[:, None, :]
        at = torch.from_numpy(chosen).to(field.device)
        field[at] *= torch.from_numpy((1 - loss).astype(np.float32)).to(field.device)

    def _speckle(self, field: Tensor, tile: Tensor) -> None:
        """Rayleigh noise, into the field, of the pictures that get some."""
        chosen = np.flatnonzero(self.speckle)
        if not len(chosen):
            return
        rows, columns = field.shape[-2:]
        room = np.array([tile.shape[0] - rows + 1, tile.shape[1] - columns + 1])
        top, left = (torch.from_numpy(k) for k in np.floor(self.corner[chosen] * room).astype(np.int64).T)
        noise = tile.unfold(0, rows, 1).unfold(1, columns, 1)[top.to(field.device), left.to(field.device)]
        at = torch.from_numpy(chosen).to(field.device)
        field[at] *= 1 + torch.from_numpy(self.speckle[chosen]).to(field.device)[:, None, None] * (noise - 1)


def _blur(x: Tensor) -> Tensor:
    """Binomial of 3 × 3, borders continued."""
    padded = functional.pad(x, (1, 1, 1, 1), mode="replicate")
    across = padded[..., :-2] + 2 * padded[..., 1:-1] + padded[..., 2:]
    return (across[..., :-2, :] + 2 * across[..., 1:-1, :] + across[..., 2:, :]) / 16
