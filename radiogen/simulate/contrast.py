"""Contrast loops: a bolus passes through lesion and parenchyma, seen beside the B-mode picture while the patient breathes.

The left pane is the B-mode picture, the right one the contrast signal. The mean
power of the contrast signal follows a lognormal bolus, other in the lesion than
in the parenchyma; speckle multiplies it, new in every frame as bubbles move and
smoothed by the scanner's persistence; log compression with a known dynamic
range makes grey levels of it. The unit of power, 1 a.u., is the power that the
scanner shows as black.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, gaussian_filter, shift
from scipy.optimize import brentq

from radiogen.simulate.bmode import Picture
from radiogen.simulate.draws import Floats
from radiogen.simulate.scanner import Scanner

#: pixels of the picture along the side of one pixel of a pane
SCALE = 2
FRAMES = 64
FRAME_INTERVAL_MS = 1200.0
#: the median peak enhancement of 22 stands this far above black
GAIN_DB = 20.0
#: the dynamic range of the contrast pane above that of the scanner's B-mode
RANGE_ABOVE_BMODE_DB = 15.0
#: power of the tissue that the contrast pane does not suppress, in a.u.
CLUTTER = 6.0
#: standard deviation of the speckle's point spread function in pixels
GRAIN = 1.1
#: persistence: the share of the frame before in the speckle of a frame
PERSISTENCE = 0.5


@dataclass(frozen=True)
class BolusTruth:
    """A lognormal bolus: peak · exp(−ln²((t − origin) / delay) / 2σ²) above the offset.

    ``time_to_peak_s`` counts from the first frame, ``mean_transit_time_s`` from the origin, ``arrival_time_s`` is where
    the tangent at the steepest rise meets the offset, and ``rise_time_s`` the time from there to the peak.
    """

    origin_s: float
    delay_s: float
    sigma: float
    peak_enhancement_au: float
    offset_au: float

    @property
    def time_to_peak_s(self) -> float:
        return self.origin_s + self.delay_s

    @property
    def rise_time_s(self) -> float:
        return self.delay_s * _rise(self.sigma)

    @property
    def arrival_time_s(self) -> float:
        return self.time_to_peak_s - self.rise_time_s

    @property
    def mean_transit_time_s(self) -> float:
        return self.delay_s * _transit(self.sigma)

    @property
    def auc_au_s(self) -> float:
        area = self.sigma * np.sqrt(2 * np.pi) * np.exp(self.sigma**2 / 2)
        return float(self.peak_enhancement_au * self.delay_s * area)

    def enhancement(self, times_s: Floats) -> Floats:
        """Power above the offset at any times, at unit peak."""
        x = np.maximum((times_s - self.origin_s) / self.delay_s, 1e-12)
        return np.asarray(np.exp(-0.5 * (np.log(x) / self.sigma) ** 2), dtype=np.float64)

    def truth(self) -> dict[str, float]:
        """All parameters by the names of the features, with origin, delay, sigma and offset."""
        names = ("peak_enhancement_au", "time_to_peak_s", "rise_time_s", "arrival_time_s", "mean_transit_time_s", "auc_au_s")
        return {n: float(getattr(self, n)) for n in (*names, "origin_s", "delay_s", "sigma", "offset_au")}


@dataclass(frozen=True)
class CeusLoop:
    """A contrast loop with the truth behind it.

    Parameters
    ----------
    frames : ndarray of uint8, N × H × 2W
        Tissue pane on the left, contrast pane on the right.
    frame_interval_ms : float
    mask, reference : ndarray of bool, H × 2W
        Lesion and parenchyma beside it, in the contrast pane, where they lie in the first frame.
    spacing_mm : float
    tissue_box, contrast_box : (top, bottom, left, right)
        The panes, in pixels from 0, both ends inside.
    dynamic_range_db : float
    lesion_bolus, reference_bolus : BolusTruth
        Of the mean power of either region.
    shifts_px : ndarray of float64, N × 2
        How far the tissue has moved since the first frame: rows, columns.
    """

    frames: NDArray[np.uint8]
    frame_interval_ms: float
    mask: NDArray[np.bool_]
    reference: NDArray[np.bool_]
    spacing_mm: float
    tissue_box: tuple[int, int, int, int]
    contrast_box: tuple[int, int, int, int]
    dynamic_range_db: float
    lesion_bolus: BolusTruth
    reference_bolus: BolusTruth
    shifts_px: Floats

    @property
    def times_s(self) -> Floats:
        """Time of each frame, the first at 0."""
        return np.arange(len(self.frames)) * self.frame_interval_ms / 1000

    def truth(self) -> dict[str, object]:
        """What the truth file says of the loop."""
        return {
            "model": "lognormal",
            "unit": "1 a.u. is the power shown as black",
            **self.lesion_bolus.truth(),
            "reference": self.reference_bolus.truth(),
            "dynamic_range_db": self.dynamic_range_db,
            "frame_interval_ms": self.frame_interval_ms,
            "largest_shift_px": float(np.abs(self.shifts_px).max()),
        }


def draw_ceus(
    rng: np.random.Generator,
    picture: Picture,
    peak: float,
    time: float,
    scanner: Scanner,
    *,
    frames: int = FRAMES,
    frame_interval_ms: float = FRAME_INTERVAL_MS,
) -> CeusLoop:
    """The contrast loop of a lesion.

    Parameters
    ----------
    rng : Generator
        The patient's own.
    picture : Picture
        The lesion's B-mode picture, which becomes the tissue pane at half its resolution.
    peak, time : float
        Latent traits: height of the enhancement, and slowness of the bolus.
    scanner : Scanner
    frames : int, default 64
    frame_interval_ms : float, default 1200
        Together 77 s.

    Returns
    -------
    CeusLoop
    """
    tissue, mask = _smaller(picture)
    lesion = _bolus(rng, peak, time, scanner)
    beside = _parenchyma(rng, lesion)
    times = np.arange(frames) * frame_interval_ms / 1000
    shifts = _breathing(rng, times, picture.spacing_mm * SCALE)
    reference = _beside(mask)
    weights = _perfusion(rng, mask, reference)
    dynamic_range = scanner.range_db + RANGE_ABOVE_BMODE_DB
    rows, columns = mask.shape
    loop = np.empty((frames, rows, 2 * columns), dtype=np.uint8)
    inside, outside = np.where(mask, weights, 0.0), np.where(mask, 0.0, weights)
    curves = lesion.enhancement(times) * lesion.peak_enhancement_au, beside.enhancement(times) * beside.peak_enhancement_au
    speckle = _speckle(rng, mask.shape)
    for number, moved in enumerate(shifts):
        speckle = PERSISTENCE * speckle + (1 - PERSISTENCE) * _speckle(rng, mask.shape)
        power = CLUTTER + shift(inside * curves[0][number] + outside * curves[1][number], moved, order=1, mode="nearest")
        shown = shift(tissue, moved, order=1, mode="nearest") + 1.5 * rng.standard_normal(mask.shape)
        loop[number, :, :columns] = np.rint(np.clip(shown, 0, 255))
        loop[number, :, columns:] = _compressed(power * speckle, dynamic_range)
    boxes = (0, rows - 1, 0, columns - 1), (0, rows - 1, columns, 2 * columns - 1)
    return CeusLoop(
        loop, frame_interval_ms, _right(mask), _right(reference), picture.spacing_mm * SCALE, *boxes, dynamic_range, lesion,
        beside, shifts,
    )  # fmt: skip


def _right(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return np.hstack([np.zeros_like(mask), mask])


def _smaller(picture: Picture) -> tuple[Floats, NDArray[np.bool_]]:
    """Picture and mask at the resolution of a pane."""
    rows, columns = picture.image.shape[0] // SCALE, picture.image.shape[1] // SCALE
    grey, mask = (
        a[: rows * SCALE, : columns * SCALE].reshape(rows, SCALE, columns, SCALE).mean(axis=(1, 3))
        for a in (picture.image.astype(np.float64), picture.mask.astype(np.float64))
    )
    return grey, np.asarray(mask >= 0.5)


def _rise(sigma: float) -> float:
    """Share of the delay from the foot of the steepest tangent to the peak."""
    steepest = (-(sigma**2) - sigma * np.sqrt(sigma**2 + 4)) / 2  # ln x where the second derivative is 0
    return float(1 - np.exp(steepest) * (1 + sigma**2 / steepest))


def _transit(sigma: float) -> float:
    """Mean time since the origin over the delay."""
    return float(np.exp(1.5 * sigma**2))


def _bolus(rng: np.random.Generator, peak: float, time: float, scanner: Scanner) -> BolusTruth:
    """Peak, times and width as in the feature tables, and the lognormal curve that has them."""
    beta = float(scanner.name == "Beta")
    noise = rng.standard_normal(4)
    height = 22 * float(np.exp(0.35 * peak + 0.12 * noise[0] + 0.30 * beta)) * 10 ** (GAIN_DB / 10)
    top = 14 * float(np.exp(0.22 * time + 0.10 * noise[1] - 0.06 * beta))
    rise = 8.5 * float(np.exp(0.24 * time + 0.12 * noise[2] - 0.06 * beta))
    transit = 38 * float(np.exp(0.12 * time + 0.20 * noise[3]))
    low, high = 0.45, 1.1
    wanted = min(max(transit / rise, _transit(low) / _rise(low)), _transit(high) / _rise(high))
    sigma = float(brentq(lambda s: _transit(s) / _rise(s) - wanted, low, high))
    delay = rise / _rise(sigma)
    # the loop begins before the contrast arrives
    return BolusTruth(max(top - delay, 1.0), delay, sigma, height, CLUTTER)


def _parenchyma(rng: np.random.Generator, lesion: BolusTruth) -> BolusTruth:
    """The tissue around: less contrast, later and slower."""
    share, late, slow = 0.16 * np.exp(0.2 * rng.standard_normal()), rng.uniform(0.5, 3.0), rng.uniform(1.05, 1.35)
    return BolusTruth(
        lesion.origin_s + float(late), lesion.delay_s * float(slow), lesion.sigma, lesion.peak_enhancement_au * float(share),
        CLUTTER,
    )  # fmt: skip


def _breathing(rng: np.random.Generator, times: Floats, spacing_mm: float) -> Floats:
    """Breathing and a slow drift of the hand, in pixels since the first frame."""
    amplitude = rng.uniform(0.2, 0.7, 2) * (1.0, 0.5)
    period, phase = rng.uniform(3.5, 5.5), rng.uniform(0, 2 * np.pi)
    drift = rng.normal(0, 0.4, 2) * (times / times[-1])[:, None]
    moved = amplitude * np.sin(2 * np.pi * times / period + phase)[:, None] + drift
    return np.asarray((moved - moved[0]) / spacing_mm, dtype=np.float64)


def _beside(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Parenchyma at the lesion's depth, away from it and from the border of the pane."""
    distance = distance_transform_edt(~mask)
    lines = np.flatnonzero(mask.any(axis=1))
    middle = round(float(lines.mean()))
    found = np.zeros_like(mask)
    found[max(middle - 9, 6) : middle + 10, 8:-8] = True
    return np.asarray(found & (distance > 5) & (distance < 24))


def _perfusion(rng: np.random.Generator, mask: NDArray[np.bool_], reference: NDArray[np.bool_]) -> Floats:
    """Vessels are unevenly spread: a smooth random map, of mean 1 over the lesion and over the reference region."""
    field = gaussian_filter(rng.standard_normal(mask.shape), 4.0, mode="wrap")
    weights = np.exp(0.35 * field / field.std())
    weights[mask] /= weights[mask].mean()
    weights[~mask] /= weights[reference].mean() if reference.any() else weights[~mask].mean()
    return np.asarray(weights, dtype=np.float64)


def _speckle(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Fully developed speckle: power with an exponential distribution of mean 1."""
    field = gaussian_filter(rng.standard_normal((2, *shape)), (0, GRAIN, GRAIN), mode="wrap")
    return np.asarray((field**2).sum(axis=0) * (2 * np.pi * GRAIN**2), dtype=np.float64)


def _compressed(power: Floats, dynamic_range_db: float) -> NDArray[np.uint8]:
    """Grey levels of powers, black at 1 a.u. and white the dynamic range above it."""
    level = 255 * 10 * np.log10(np.maximum(power, 1.0)) / dynamic_range_db
    return np.asarray(np.rint(np.minimum(level, 255)), dtype=np.uint8)
