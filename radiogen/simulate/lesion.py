"""The outline of a lesion, in millimetres, and its mask."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radiogen.simulate.draws import Floats

#: angles at which extents and areas are summed; the error of the area is below 1e-6
_ANGLES = np.linspace(-np.pi, np.pi, 2880, endpoint=False)


@dataclass(frozen=True)
class Lesion:
    """A star-shaped lesion: its edge at angle t is at distance ``radius(t)`` from its centre.

    Parameters
    ----------
    x_mm, y_mm : float
        Centre, from the upper left corner of the image.
    half_width_mm, half_height_mm, tilt : float
        The ellipse that the outline departs from, and its rotation in radians.
    waves : tuple of (order, share of the radius, phase)
        Lobulation.
    spikes : tuple of (angle, share of the radius, width in radians)
        Spiculation.
    """

    x_mm: float
    y_mm: float
    half_width_mm: float
    half_height_mm: float
    tilt: float
    waves: tuple[tuple[int, float, float], ...]
    spikes: tuple[tuple[float, float, float], ...]

    def radius(self, angle: Floats) -> Floats:
        """Distance of the edge from the centre in mm, at each angle in radians."""
        turned = angle - self.tilt
        a, b = self.half_width_mm, self.half_height_mm
        ellipse = a * b / np.hypot(b * np.cos(turned), a * np.sin(turned))
        shape = np.ones_like(ellipse)
        for order, share, phase in self.waves:
            shape = shape + share * np.cos(order * turned + phase)
        for place, share, width in self.spikes:
            off = np.angle(np.exp(1j * (turned - place)))
            shape = shape + share * np.exp(-0.5 * (off / width) ** 2)
        return np.asarray(ellipse * np.maximum(shape, 0.25), dtype=np.float64)

    @property
    def area_mm2(self) -> float:
        """Area inside the outline: half the integral of the squared radius."""
        return float(np.pi * np.mean(self.radius(_ANGLES) ** 2))

    @property
    def diameter_mm(self) -> float:
        """The longest chord through the centre."""
        r = self.radius(_ANGLES)
        return float((r + np.roll(r, len(r) // 2)).max())

    def offsets(self, shape: tuple[int, int], spacing_mm: float) -> tuple[Floats, Floats]:
        """Distance from the centre and radius of the edge, in mm, at every pixel's centre."""
        rows, columns = np.indices(shape, dtype=np.float64)
        dy, dx = (rows + 0.5) * spacing_mm - self.y_mm, (columns + 0.5) * spacing_mm - self.x_mm
        # arctan2 and radius() in a table: the edge is smooth against a 1/8 degree
        angle = np.arctan2(dy, dx)
        edge = np.interp(angle, _ANGLES, self.radius(_ANGLES), period=2 * np.pi)
        return np.hypot(dx, dy), np.asarray(edge, dtype=np.float64)

    def mask(self, shape: tuple[int, int], spacing_mm: float) -> NDArray[np.bool_]:
        """The pixels whose centre lies inside the outline."""
        distance, edge = self.offsets(shape, spacing_mm)
        return np.asarray(distance <= edge)


def draw_lesion(
    rng: np.random.Generator, diameter_mm: float, margin: float, aspect: float, field_mm: tuple[float, float]
) -> Lesion:
    """A lesion of this longest diameter, the more irregular the higher the trait ``margin``.

    Parameters
    ----------
    rng : Generator
    diameter_mm : float
        Longest chord through the centre.
    margin : float
        Latent trait, about -3 (smooth) to 3 (spiculated).
    aspect : float
        Latent trait; depth over width is about 0.66 + 0.14 · aspect.
    field_mm : (depth, width)
        Field of view.
    """
    ratio = float(np.clip(0.66 + 0.14 * aspect, 0.35, 1.3))
    strength = 0.04 * np.exp(0.50 * np.clip(margin, -3, 3))
    orders = np.arange(2, 13)
    shares = strength * rng.standard_normal(len(orders)) * (2.5 / orders) ** 0.7
    waves = tuple(
        (int(k), float(s), float(p)) for k, s, p in zip(orders, shares, rng.uniform(0, 2 * np.pi, len(orders)), strict=True)
    )
    number = min(int(rng.poisson(np.exp(0.3 + 0.7 * np.clip(margin, -3, 2.5)))), 11)
    spikes = tuple(
        (float(rng.uniform(-np.pi, np.pi)), float(rng.uniform(0.06, 0.24)), float(rng.uniform(0.05, 0.13)))
        for _ in range(number)
    )
    depth, width = field_mm
    x = width * rng.uniform(0.42, 0.58)
    raw = Lesion(x, 0.0, 1.0, ratio, float(rng.normal(0, 0.22)), waves, spikes)
    scale = diameter_mm / raw.diameter_mm
    upper, lower = (raw.radius(_ANGLES) * -np.sin(_ANGLES)).max(), (raw.radius(_ANGLES) * np.sin(_ANGLES)).max()
    # below the skin, above the lower edge, and else in the upper middle where lesions sit
    top, bottom = 3.0 + scale * upper, 0.94 * depth - scale * lower
    y = float(np.clip(depth * rng.uniform(0.34, 0.48), top, max(top, bottom)))
    return Lesion(x, y, scale, scale * ratio, raw.tilt, waves, spikes)
