"""B-mode pictures: tissue, lesion, speckle, shadow and the scanner's grey map.

A picture is made as a scanner makes one. A map of echo strength in decibels
(layers of the breast, the lesion, its halo) and the attenuation along each
beam set the strength of random scatterers; these are blurred by a point spread
function that widens away from the focus; the envelopes of a few looks are
averaged, log-compressed and mapped to grey.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, gaussian_filter1d

from radiogen.simulate.draws import Floats, expit
from radiogen.simulate.lesion import Lesion, draw_lesion
from radiogen.simulate.scanner import Scanner
from radiogen.simulate.tissue import blobs, breast_layers

#: rows (depth) and columns (width) of every picture
SHAPE = (200, 224)


@dataclass(frozen=True)
class Traits:
    """What a lesion looks like: latent traits of :func:`draw_latents`."""

    diameter_mm: float
    margin: float
    texture: float
    shadow: float
    contrast: float
    aspect: float


@dataclass(frozen=True)
class Picture:
    """A picture with its mask and the truth behind it."""

    image: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    lesion: Lesion
    spacing_mm: float
    shadow_db: float
    heterogeneity_db: float


def choose_spacing(scanner: Scanner, diameter_mm: float) -> float:
    """The smallest depth setting in which the lesion takes at most half of the depth."""
    for spacing in scanner.spacings_mm:
        if diameter_mm <= 0.5 * spacing * SHAPE[0] and diameter_mm <= 0.6 * spacing * SHAPE[1]:
            return spacing
    return scanner.spacings_mm[-1]


def draw_picture(rng: np.random.Generator, traits: Traits, scanner: Scanner) -> Picture:
    """One picture of a lesion.

    Parameters
    ----------
    rng : Generator
        The patient's own.
    traits : Traits
    scanner : Scanner

    Returns
    -------
    Picture
        8-bit grey of shape :data:`SHAPE`, mask of the same shape, and the geometry in mm.
    """
    spacing = choose_spacing(scanner, traits.diameter_mm)
    depth, width = SHAPE[0] * spacing, SHAPE[1] * spacing
    lesion = draw_lesion(rng, traits.diameter_mm, traits.margin, traits.aspect, (depth, width))
    distance, edge = lesion.offsets(SHAPE, spacing)
    heterogeneity = 2.2 * float(np.exp(0.45 * np.clip(traits.texture, -3, 3)))
    inside = expit((edge - distance) / _softness(rng, spacing))
    echo = breast_layers(rng, SHAPE, spacing, lesion.y_mm)
    echo += _halo(distance - edge, rng, spacing) * (1 - inside)
    core = _interior(rng, spacing, heterogeneity, traits.contrast)
    echo = echo * (1 - inside) + core * inside
    behind, total = _posterior(inside, traits.shadow, spacing, distance - edge)
    echo += behind + _beam_gain(rng, scanner)
    grey = _grey(_envelope(rng, echo, spacing, scanner), scanner)
    return Picture(grey, distance <= edge, lesion, spacing, total, heterogeneity)


def _softness(rng: np.random.Generator, spacing: float) -> Floats:
    """Width of the transition at the edge in mm: distinct on one side, blurred on another."""
    return np.asarray(0.32 * np.exp(0.55 * blobs(rng, SHAPE, spacing, 3.0, 3.0)), dtype=np.float64)


def _halo(outside_mm: Floats, rng: np.random.Generator, spacing: float) -> Floats:
    """The echogenic rim, of uneven thickness, brightest just outside the edge."""
    thickness = 1.6 * np.exp(0.35 * blobs(rng, SHAPE, spacing, 3.0, 3.0))
    return np.asarray(6.0 * np.exp(-np.maximum(outside_mm, 0) / thickness), dtype=np.float64)


def _interior(rng: np.random.Generator, spacing: float, heterogeneity_db: float, contrast: float) -> Floats:
    """Echo strength inside the lesion, in dB: dark, with blobs and a few bright foci."""
    base = -26.5 + 2.5 * contrast
    coarse = 0.8 * blobs(rng, SHAPE, spacing, 1.5, 1.1) + 0.6 * blobs(rng, SHAPE, spacing, 0.7, 0.5)
    foci = np.maximum(blobs(rng, SHAPE, spacing, 0.30, 0.22) - 2.6, 0)
    return np.asarray(base + heterogeneity_db * (coarse + 2.0 * foci), dtype=np.float64)


def _posterior(inside: Floats, shadow: float, spacing: float, outside_mm: Floats) -> tuple[Floats, float]:
    """Loss (or gain) of echo behind the lesion, and at the sides of a smooth one.

    The loss grows with the path through the lesion, up to a limit. Returned
    too is the loss behind the thickest part, positive for a shadow.
    """
    path = np.cumsum(inside, axis=0) * spacing
    thickest = float(path[-1].max())
    wanted = 1.5 + 4.0 * float(np.clip(shadow, -2.2, 3.5))
    loss = path / thickest * wanted
    # the beam is wide: the shadow's sides are soft; and it fades with depth
    loss = gaussian_filter1d(loss, 0.8 / spacing, axis=1)
    edge = np.cumsum(expit((0.35 - np.abs(outside_mm)) / 0.1), axis=0) * spacing
    refraction = 0.35 * np.minimum(edge, 4.0)
    return np.asarray(-loss - refraction * (1 - inside), dtype=np.float64), wanted


def _beam_gain(rng: np.random.Generator, scanner: Scanner) -> Floats:
    """Depth-dependent gain error and uneven contact of the probe along its face."""
    rows, columns = SHAPE
    depth = np.linspace(0, 1, rows)[:, None]
    contact = gaussian_filter1d(rng.standard_normal(columns), 14) * 7.0
    return np.asarray(scanner.tgc_db * depth**1.6 + contact[None, :] * (0.3 + 0.7 * depth), dtype=np.float64)


def _envelope(rng: np.random.Generator, echo_db: Floats, spacing: float, scanner: Scanner) -> Floats:
    """Mean envelope of a few looks, each fully developed speckle (Rayleigh)."""
    strength = 10 ** (echo_db / 20)
    rows = SHAPE[0]
    depth = np.linspace(0, 1, rows)
    widths = scanner.lateral_mm / spacing * np.array([1.0, 1.0 + scanner.spread / 2, 1.0 + scanner.spread])
    away = np.abs(depth - scanner.focus) / max(scanner.focus, 1 - scanner.focus)
    # three blurs of the same scatterers, mixed by depth, stand for a beam that widens steadily;
    # they are correlated, so the power of the mixture is w' R w
    weights = np.clip(1 - np.abs(away[None, :] * 2 - np.arange(3)[:, None]), 0, 1)
    alike = np.sqrt(2 * np.outer(widths, widths) / np.add.outer(widths**2, widths**2))
    weights = weights / np.sqrt(np.einsum("id,ij,jd->d", weights, alike, weights))
    noise = 10 ** ((scanner.noise_db + 6.0 * (depth[:, None] - 1)) / 20)
    total = np.zeros(SHAPE)
    for _ in range(scanner.looks):
        scatterers = rng.standard_normal((2, *SHAPE)) * strength
        scatterers = _blur(scatterers, scanner.axial_mm / spacing, axis=1)
        signal = sum(w[None, :, None] * _blur(scatterers, s, axis=2) for w, s in zip(weights, widths, strict=True))
        signal = signal + noise * rng.standard_normal((2, *SHAPE))
        total += np.hypot(signal[0], signal[1])
    return total / scanner.looks


def _blur(field: Floats, sigma: float, axis: int) -> Floats:
    """Gaussian blur that keeps the power of white noise."""
    kernel = gaussian_filter1d(np.eye(1, 81, 40)[0], sigma)
    return np.asarray(gaussian_filter1d(field, sigma, axis=axis) / np.sqrt((kernel**2).sum()), dtype=np.float64)


def _grey(envelope: Floats, scanner: Scanner) -> NDArray[np.uint8]:
    """Log compression and grey map; white is the echo of a strong reflector."""
    level = 20 * np.log10(np.maximum(envelope, 1e-9)) + scanner.gain_db
    shown = np.clip((level + scanner.range_db) / scanner.range_db, 0, 1) ** scanner.gamma
    shown = gaussian_filter(shown, 0.5)
    return np.asarray(np.rint(255 * np.clip(shown, 0, 1)), dtype=np.uint8)
