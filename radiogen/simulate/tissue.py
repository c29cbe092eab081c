"""The breast around the lesion: skin, fat, gland, fascia and muscle, as echo strength."""

from __future__ import annotations

import numpy as np
from scipy import fft
from scipy.ndimage import gaussian_filter1d, map_coordinates

from radiogen.simulate.draws import Floats, expit


def blobs(
    rng: np.random.Generator, shape: tuple[int, int], spacing_mm: float, lateral_mm: float, axial_mm: float
) -> Floats:
    """A smooth random field of mean 0 and standard deviation 1, with blobs of this size."""
    rows, columns = _response(shape[0], axial_mm / spacing_mm), _response(shape[1], lateral_mm / spacing_mm)
    # a Gaussian blur that wraps around the edges; four times as fast as in space
    spectrum = fft.rfft2(rng.standard_normal(shape)) * rows[:, None] * columns[: shape[1] // 2 + 1]
    field = fft.irfft2(spectrum, s=shape)
    return np.asarray((field - field.mean()) / field.std(), dtype=np.float64)


def _response(n: int, sigma_px: float) -> Floats:
    """What a Gaussian blur of n periodic samples leaves of each frequency."""
    distance = np.fft.fftfreq(n) * n
    kernel = np.exp(-0.5 * (distance / sigma_px) ** 2)
    return np.asarray(np.fft.fft(kernel / kernel.sum()).real, dtype=np.float64)


def _curve(rng: np.random.Generator, columns: int, spacing_mm: float, smooth_mm: float, height_mm: float) -> Floats:
    """An undulating line: height in mm at every column."""
    line = gaussian_filter1d(rng.standard_normal(columns), smooth_mm / spacing_mm, mode="wrap")
    return np.asarray(height_mm * line / line.std(), dtype=np.float64)


def _lines(field: Floats, thickness_px: float) -> Floats:
    """1 on the zero line of a smooth field, falling to 0 within the thickness: curved thin septa."""
    slope = np.hypot(*np.gradient(field))
    return np.asarray(np.exp(-0.5 * (field / (thickness_px * np.maximum(slope, 1e-6))) ** 2), dtype=np.float64)


def _warped(field: Floats, shift_px: Floats) -> Floats:
    """A field whose rows are moved down by so many pixels at every column."""
    rows, columns = np.indices(field.shape, dtype=np.float64)
    moved = map_coordinates(field, [rows - shift_px[None, :], columns], order=1, mode="grid-wrap")
    return np.asarray(moved, dtype=np.float64)


def breast_layers(rng: np.random.Generator, shape: tuple[int, int], spacing_mm: float, centre_mm: float) -> Floats:
    """Echo strength of the tissue in dB, shape ``shape``.

    Parameters
    ----------
    rng : Generator
    shape : (rows, columns)
    spacing_mm : float
        Pixel size.
    centre_mm : float
        Depth of the lesion's centre; the gland is placed about it.
    """
    rows, columns = shape
    depth = rows * spacing_mm
    y: Floats = (np.arange(rows, dtype=np.float64) + 0.5)[:, None] * spacing_mm
    bend = _curve(rng, columns, spacing_mm, 7.0, 0.9) + rng.uniform(-0.06, 0.06) * spacing_mm * (
        np.arange(columns) - columns / 2
    )
    skin = rng.uniform(1.3, 2.2)
    fat = np.clip(centre_mm * rng.uniform(0.35, 0.75), 4.0, 0.4 * depth)
    gland = np.clip(centre_mm * rng.uniform(1.45, 1.95), 0.55 * depth, 0.85 * depth)
    fat_line = fat + bend + _curve(rng, columns, spacing_mm, 4.0, 0.8)
    gland_line = gland + bend + _curve(rng, columns, spacing_mm, 9.0, 0.6)
    below_skin, below_fat = expit((y - skin - 0.15 * bend) / 0.15), expit((y - fat_line) / 0.35)
    below_gland = expit((y - gland_line) / 0.25)
    shift = bend / spacing_mm
    echo = _fat(rng, shape, spacing_mm, shift)
    echo = echo * (1 - below_fat) + _gland(rng, shape, spacing_mm, shift) * below_fat
    echo = echo * (1 - below_gland) + _muscle(rng, shape, spacing_mm, shift) * below_gland
    fascia = np.exp(-0.5 * ((y - gland_line) / 0.35) ** 2)
    echo = np.maximum(echo, -30 + 27 * fascia * expit(2 + blobs(rng, shape, spacing_mm, 4.0, 1.0)))
    return echo * below_skin + _skin(y, skin) * (1 - below_skin)


def _skin(y: Floats, thickness_mm: float) -> Floats:
    """Two bright lines with a slightly darker dermis between."""
    lines = np.exp(-0.5 * ((y - 0.25) / 0.18) ** 2) + np.exp(-0.5 * ((y - thickness_mm) / 0.2) ** 2)
    return np.asarray(-9.0 + 8.0 * np.minimum(lines, 1), dtype=np.float64)


def _fat(rng: np.random.Generator, shape: tuple[int, int], spacing: float, shift: Floats) -> Floats:
    """Grey lobules between thin bright septa."""
    septa = _lines(_warped(blobs(rng, shape, spacing, 3.4, 1.3), shift), 0.9)
    present = expit(2.5 * blobs(rng, shape, spacing, 2.5, 1.0))
    return -17.5 + 1.2 * blobs(rng, shape, spacing, 2.0, 1.2) + 9.0 * septa * present


def _gland(rng: np.random.Generator, shape: tuple[int, int], spacing: float, shift: Floats) -> Floats:
    """Bright fibrous tissue with darker lobules, ducts and flat bright strands."""
    patches = _warped(blobs(rng, shape, spacing, 4.5, 1.6), shift)
    strands = np.maximum(_warped(blobs(rng, shape, spacing, 1.9, 0.17), shift) - 0.5, 0)
    fibres = _lines(_warped(blobs(rng, shape, spacing, 5.0, 0.9), shift), 0.8)
    return -14.5 + 3.0 * patches + 6.5 * strands + 6.0 * fibres * expit(patches)


def _muscle(rng: np.random.Generator, shape: tuple[int, int], spacing: float, shift: Floats) -> Floats:
    """Dark muscle with long bright striations along it."""
    streaks = np.maximum(_warped(blobs(rng, shape, spacing, 4.0, 0.16), shift) - 0.7, 0)
    return -21.0 + 1.0 * blobs(rng, shape, spacing, 4.0, 1.0) + 8.0 * streaks
