"""Vessel trees that grow into a lesion from outside."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from radiogen.simulate.draws import Floats
from radiogen.simulate.lesion import Lesion

#: length of one step of a centre line in mm
STEP_MM = 0.1
#: width of a stem's lumen as colour shows it, in mm
_RADIUS_MM = (0.30, 0.52)
#: a branch is so much thinner than its stem
_THINNER = 0.78


@dataclass(frozen=True)
class Vessel:
    """One unbranched vessel.

    Parameters
    ----------
    tree : int
        Number of the tree that it belongs to, from 0.
    points_mm : ndarray of float64, n × 2
        Centre line: row and column in mm from the upper left corner of the picture.
    radius_mm : float
    velocity_cm_s : float
        Velocity on the centre line; positive towards the probe.
    """

    tree: int
    points_mm: Floats
    radius_mm: float
    velocity_cm_s: float

    @property
    def length_mm(self) -> float:
        """Length of the centre line."""
        steps = np.diff(self.points_mm, axis=0)
        return float(np.hypot(steps[:, 0], steps[:, 1]).sum())


def grow_trees(rng: np.random.Generator, lesion: Lesion, number: int, fastest_cm_s: float) -> tuple[Vessel, ...]:
    """Trees around a lesion, the stems evenly spread and all pointing into it.

    Parameters
    ----------
    rng : Generator
    lesion : Lesion
    number : int
        Trees.
    fastest_cm_s : float
        Velocities on the stems' centre lines lie between 35 and 90 % of it.
    """
    first = float(rng.uniform(0, 2 * np.pi))
    vessels: list[Vessel] = []
    for tree in range(number):
        angle = first + 2 * np.pi * (tree + float(rng.uniform(-0.3, 0.3))) / number
        edge = float(lesion.radius(np.array([angle]))[0])
        centre = np.array([lesion.y_mm, lesion.x_mm])
        outwards = np.array([np.sin(angle), np.cos(angle)])
        start = centre + outwards * (edge + float(rng.uniform(0.6, 2.2)))
        aim = centre + outwards * edge * float(rng.uniform(0.3, 0.8))
        heading = float(np.arctan2(*(aim - start)))
        sign = 1.0 if rng.random() < 0.55 else -1.0
        stem = Vessel(
            tree, _walk(rng, start, heading, float(np.hypot(*(aim - start)))),
            float(rng.uniform(*_RADIUS_MM)), sign * fastest_cm_s * float(rng.uniform(0.35, 0.9)),
        )  # fmt: skip
        vessels += [stem, *_branches(rng, stem)]
    return tuple(vessels)


def _walk(rng: np.random.Generator, start: Floats, heading: float, length_mm: float) -> Floats:
    """A line that winds about its heading."""
    steps = max(4, round(length_mm / STEP_MM))
    turns = np.zeros(steps)
    noise = rng.standard_normal(steps)
    for k in range(1, steps):  # turns are forgotten over about 1 mm, so that the line keeps its course
        turns[k] = turns[k - 1] * (1 - STEP_MM / 1.0) + 0.16 * noise[k]
    angles = heading + turns
    moves = STEP_MM * np.stack([np.sin(angles), np.cos(angles)], axis=1)
    return np.asarray(np.vstack([start, start + np.cumsum(moves, axis=0)]), dtype=np.float64)


def _branches(rng: np.random.Generator, stem: Vessel) -> list[Vessel]:
    """Up to two branches of a stem, leaving it in its inner half."""
    found = []
    for _ in range(int(rng.integers(0, 3))):
        place = int(len(stem.points_mm) * float(rng.uniform(0.45, 0.85)))
        back, here = stem.points_mm[max(place - 4, 0)], stem.points_mm[place]
        heading = float(np.arctan2(*(here - back))) + float(rng.choice([-1, 1])) * float(rng.uniform(0.6, 1.1))
        length = stem.length_mm * float(rng.uniform(0.3, 0.55))
        found.append(
            replace(stem, points_mm=_walk(rng, here, heading, length), radius_mm=_THINNER * stem.radius_mm,
                    velocity_cm_s=stem.velocity_cm_s * float(rng.uniform(0.6, 0.9)))
        )  # fmt: skip
    return found


@dataclass(frozen=True)
class Field:
    """Distance of every pixel from the nearest centre line, and what that vessel is."""

    distance_mm: Floats
    radius_mm: Floats
    velocity_cm_s: Floats

    def lumen(self, scale: float) -> NDArray[np.bool_]:
        """Pixels within the vessels when all radii are scaled."""
        return np.asarray(self.distance_mm <= scale * self.radius_mm, dtype=bool)


def field_of(vessels: tuple[Vessel, ...], shape: tuple[int, int], spacing_mm: float) -> Field:
    """Lay vessels into a picture; thick ones cover thin ones where they meet."""
    from scipy.ndimage import distance_transform_edt

    radius, velocity = np.zeros(shape), np.zeros(shape)
    for vessel in sorted(vessels, key=lambda v: v.radius_mm):
        # pixel r covers the depths from r to r + 1 spacings
        pixels = np.floor(vessel.points_mm / spacing_mm).astype(int)
        pixels = pixels[((pixels >= 0) & (pixels < shape)).all(axis=1)]
        radius[pixels[:, 0], pixels[:, 1]] = vessel.radius_mm
        velocity[pixels[:, 0], pixels[:, 1]] = vessel.velocity_cm_s
    if not radius.any():
        return Field(np.full(shape, np.inf), radius, velocity)
    distance, nearest = distance_transform_edt(radius == 0, sampling=spacing_mm, return_indices=True)
    at = tuple(nearest)
    return Field(np.asarray(distance), radius[at], velocity[at])
