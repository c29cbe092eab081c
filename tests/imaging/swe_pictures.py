"""Elastograms made for tests: another hand than the simulator's, with other maps, marks and rounding."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage
from PIL import ImageDraw
from scipy.interpolate import PchipInterpolator
from scipy.ndimage import gaussian_filter

Rgb = NDArray[np.uint8]
Floats = NDArray[np.float64]


def jet(t: Floats) -> Floats:
    return np.stack([np.clip(1.5 - np.abs(4 * t - k), 0, 1) for k in (3, 2, 1)], axis=-1)


def hot(t: Floats) -> Floats:
    """From black through red and yellow to white: both ends are grey."""
    return np.stack([np.clip(t / 0.365, 0, 1), np.clip((t - 0.365) / 0.381, 0, 1), np.clip((t - 0.746) / 0.254, 0, 1)], axis=-1)


def viridis(t: Floats) -> Floats:
    """Smooth through a few of viridis' colours (a cubic, not straight lines)."""
    places = np.linspace(0, 1, 7)
    colours = np.array([(68, 1, 84), (68, 57, 130), (48, 104, 142), (33, 145, 140), (53, 183, 121), (145, 215, 67), (253, 231, 37)])
    return np.clip(PchipInterpolator(places, colours / 255)(t), 0, 1)


def hues(t: Floats) -> Floats:
    """Blue, the low end, to red by hue, through Pillow's own conversion."""
    flat = np.ravel(t)
    hsv = np.stack([np.rint((1 - flat) * 170), np.full(flat.shape, 255.0), np.full(flat.shape, 255.0)], axis=-1)[None]
    rgb = PillowImage.fromarray(hsv.astype(np.uint8), "HSV").convert("RGB")
    return (np.asarray(rgb)[0] / 255.0).reshape(*np.shape(t), 3)


def inverted(t: Floats) -> Floats:
    """Red is soft, as some makers have it."""
    return jet(1 - t)


MAPS = {"jet": jet, "hot": hot, "viridis": viridis, "hues": hues, "inverted": inverted}


@dataclass(frozen=True)
class Elastogram:
    """A picture and its truth: shares of the scale, where the overlay lies, which pixels marks cover."""

    rgb: Rgb
    shares: Floats
    overlay: NDArray[np.bool_]
    planted: NDArray[np.bool_]
    bar: tuple[int, int, int, int]


def elastogram(
    name: str, opacity: float, *, seed: int = 1, size: tuple[int, int] = (240, 320), side: str = "left", marks: bool = True
) -> Elastogram:
    """Speckle, an overlay with a stiff disc, a bar of 10 × 100 pixels, text and cross-hairs of four colours."""
    rng = np.random.default_rng(seed)
    rows, columns = size
    y, x = np.mgrid[:rows, :columns]
    grey = 30 + 110 * rng.rayleigh(0.5, size=size) * (0.6 + 0.4 * np.sin(x / 23 + y / 31) ** 2)
    grey = np.clip(gaussian_filter(grey, (0.7, 1.1)), 0, 255)
    screen = np.zeros((rows, columns, 3))
    first, last = (48, columns - 10) if side == "left" else (10, columns - 48)
    screen[14 : rows - 8, first:last] = grey[14 : rows - 8, first:last, None]
    top, bottom, left, right = 36, rows - 40, first + 26, last - 24
    shares = np.full(size, np.nan)
    disc = 1 / (1 + np.exp((np.hypot(y - rows * 0.5, (x - (left + right) / 2) * 0.8) - 38) / 4))
    wave = 0.05 * np.sin(x / 17.0) + 0.04 * np.cos(y / 13.0)
    shares[top:bottom, left:right] = np.clip(0.16 + wave + disc * (0.55 + 2 * wave), 0, 1)[top:bottom, left:right]
    overlay = np.isfinite(shares)
    # the order and the rounding of a scanner that works in whole grey values
    under = np.floor(screen[overlay])
    screen[overlay] = under + opacity * (np.rint(255 * MAPS[name](shares[overlay])) - under)
    column = 12 if side == "left" else columns - 30
    ramp = np.rint(255 * MAPS[name](np.linspace(1, 0, 100)))
    screen[60:160, column : column + 10] = ramp[:, None]
    picture = PillowImage.fromarray(np.floor(screen + 0.5).astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    draw.text((column - 4, 44), "180", fill=(255, 255, 255))
    draw.text((4, 1), "SWE kPa  MI 1.3", fill=(220, 220, 220))
    before = np.asarray(picture).copy()
    if marks:
        for k, colour in enumerate([(255, 255, 255), (255, 255, 0), (0, 255, 0), (190, 190, 190)]):
            centre = left + 30 + 40 * k, top + 30 + 30 * k
            draw.line((centre[0] - 6, centre[1], centre[0] + 6, centre[1]), fill=colour)
            draw.line((centre[0], centre[1] - 6, centre[0], centre[1] + 6), fill=colour)
        draw.text((left + 6, bottom - 18), "Mean 84.2 kPa", fill=(255, 255, 255))
    rgb = np.asarray(picture).copy()
    planted = (rgb != before).any(axis=2) & overlay
    return Elastogram(rgb, shares, overlay, planted, (60, 159, column, column + 9))


def as_jpeg(rgb: Rgb, quality: int = 85, subsampling: str = "4:2:0") -> Rgb:
    """The picture after compression."""
    buffer = io.BytesIO()
    PillowImage.fromarray(rgb).save(buffer, "JPEG", quality=quality, subsampling=subsampling)
    return np.asarray(PillowImage.open(io.BytesIO(buffer.getvalue())).convert("RGB"))
