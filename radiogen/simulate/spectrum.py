"""Pulsed-wave Doppler strips whose velocities are known.

A strip is made as a scanner makes one.  The heart gives the maximum velocity at every time; the blood in the sample
volume moves with all velocities from zero up to it; the window of the Fourier transform and the time it takes blur
the power spectrum; its power at every point is exponentially distributed (speckle) and lies on a floor of noise; the
wall filter takes away what is slow; the logarithm of the power is shown in grey.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, gaussian_filter1d

from radiogen.errors import fail
from radiogen.simulate.draws import Floats
from radiogen.simulate.lettering import write

#: rows (velocity) and columns (time) of every strip
SHAPE = (208, 448)
#: share of the spectrum that the gain leaves below white
_BELOW_WHITE = 0.98
_LINE = 120


@dataclass(frozen=True)
class SpectrumPicture:
    """A strip with its calibration and the truth behind it.

    Parameters
    ----------
    image : ndarray of uint8, shape :data:`SHAPE`
    cm_s_per_px, s_per_px : float
        Velocity per row and time per column.
    baseline_row : int
        Row of velocity zero.
    direction : {1, -1}
        1 where the flow is shown above the baseline.
    psv_cm_s, edv_cm_s, tamv_cm_s : float
        Peak systolic and end-diastolic velocity, and the mean over time of the maximum velocity, over the whole beats.
    ri, pi, sd_ratio : float
        (PSV − EDV) / PSV, (PSV − EDV) / TAMV, and PSV / EDV (infinite without flow in diastole).
    heart_rate_per_min : float
    n_beats : int
        Whole beats that are shown.
    envelope_cm_s : ndarray of float64
        True maximum velocity at every column.
    """

    image: NDArray[np.uint8]
    cm_s_per_px: float
    s_per_px: float
    baseline_row: int
    direction: int
    psv_cm_s: float
    edv_cm_s: float
    tamv_cm_s: float
    ri: float
    pi: float
    sd_ratio: float
    heart_rate_per_min: float
    n_beats: int
    envelope_cm_s: Floats


def draw_velocities(rng: np.random.Generator, vascularity: float, flow: float) -> tuple[float, float]:
    """Peak systolic and end-diastolic velocity in cm/s of a lesion with these latent traits.

    The medians are 14 cm/s and a resistive index of 0.72.

    Parameters
    ----------
    rng : Generator
    vascularity, flow : float
        Latent traits of :func:`radiogen.simulate.appearance.draw_latents`.
    """
    psv = 14.0 * float(np.exp(0.2 * vascularity + 0.25 * flow + 0.10 * rng.standard_normal()))
    ri = float(np.clip(0.72 + 0.05 * flow + 0.05 * rng.standard_normal(), 0.35, 0.98))
    return psv, psv * (1 - ri)


def draw_spectrum(
    rng: np.random.Generator,
    psv_cm_s: float,
    edv_cm_s: float,
    *,
    snr_db: float = 20.0,
    direction: int = 1,
    heart_rate_per_min: float | None = None,
) -> SpectrumPicture:
    """One strip of 3 to 5 beats.

    Parameters
    ----------
    rng : Generator
    psv_cm_s, edv_cm_s : float
        Velocities of the average beat; single beats differ by about 2 %.
    snr_db : float, default 20
        Power of the spectrum at peak systole over the noise; 8 is a poor and 30 a perfect picture.
    direction : {1, -1}, default 1
        -1 draws the flow below the baseline.
    heart_rate_per_min : float, optional
        Default: drawn from 58 to 95.

    Returns
    -------
    SpectrumPicture

    Raises
    ------
    RadiogenError
        RG708 for velocities that are not 0 ≤ EDV < PSV, and a direction that is neither 1 nor -1.
    """
    if not 0 <= edv_cm_s < psv_cm_s or direction not in (1, -1):
        raise fail("RG708", "velocities must be 0 ≤ EDV < PSV, the direction 1 or -1", value=(psv_cm_s, edv_cm_s, direction))
    rows, columns = SHAPE
    rate = float(rng.uniform(58, 95)) if heart_rate_per_min is None else heart_rate_per_min
    s_per_px = float(rng.uniform(3.3, 5.2)) * 60 / rate / columns
    beats = _Beats.drawn(rng, psv_cm_s, edv_cm_s, 60 / rate, columns * s_per_px)
    envelope = beats.velocity((np.arange(columns, dtype=np.float64) + 0.5) * s_per_px)
    baseline = round(rows * float(rng.uniform(0.72, 0.80)))
    cm_s_per_px = psv_cm_s / (baseline * float(rng.uniform(0.62, 0.82)))
    power = _power(rng, envelope, baseline, cm_s_per_px, s_per_px)
    grey = _shown(rng, power, snr_db)
    if direction < 0:  # as the scanner's "invert" does: the strip upside down
        grey, baseline = np.ascontiguousarray(grey[::-1]), rows - 1 - baseline
    _dress(grey, baseline, cm_s_per_px, direction)
    psv, edv, tamv = beats.summary()
    return SpectrumPicture(
        grey, cm_s_per_px, s_per_px, baseline, direction, psv, edv, tamv, (psv - edv) / psv, (psv - edv) / tamv,
        psv / edv if edv > 0 else float("inf"), 60 / float(np.mean(np.diff(beats.feet))), len(beats.feet) - 1, envelope,
    )  # fmt: skip


@dataclass(frozen=True)
class _Beats:
    """Every beat from its foot to the next; the feet that lie within the strip bound its whole beats."""

    starts: Floats
    peaks: Floats
    ends: Floats
    upstroke: float
    early: float
    decay: float
    seconds: float

    @classmethod
    def drawn(cls, rng: np.random.Generator, psv: float, edv: float, period: float, seconds: float) -> _Beats:
        number = int(np.ceil(seconds / period)) + 3
        # the first foot lies before the strip
        lengths = period * (1 + 0.02 * rng.standard_normal(number))
        starts = -period * float(rng.uniform(0.15, 0.95)) + np.concatenate([[0.0], np.cumsum(lengths)[:-1]])
        return cls(
            starts=starts,
            peaks=psv * (1 + 0.02 * rng.standard_normal(number)),
            ends=edv * (1 + 0.02 * rng.standard_normal(number)),
            upstroke=float(rng.uniform(0.07, 0.10)) / period,
            early=float(rng.uniform(0.35, 0.65)),
            decay=float(rng.uniform(0.10, 0.18)),
            seconds=seconds,
        )

    @property
    def feet(self) -> Floats:
        """Feet in the strip with room to be seen."""
        return self.starts[(self.starts > 0.05) & (self.starts < self.seconds - 0.02)]

    def velocity(self, time: Floats) -> Floats:
        beat = np.clip(np.searchsorted(self.starts, time, side="right") - 1, 0, len(self.starts) - 2)
        phase = (time - self.starts[beat]) / (self.starts[beat + 1] - self.starts[beat])
        shape = self._shape(phase)
        # the end of the beat before is the level from which this one rises
        before = np.where(beat > 0, self.ends[beat - 1], self.ends[0])
        base = np.where(phase < self.upstroke, before, self.ends[beat])
        return np.asarray(base + (self.peaks[beat] - base) * shape, dtype=np.float64)

    def _shape(self, phase: Floats) -> Floats:
        """0 at the feet and 1 at the peak: a rise, a fast fall and a slow one."""
        after = np.maximum(phase - self.upstroke, 0)
        rest = 1 - self.upstroke
        last = self.early * np.exp(-rest / self.decay)
        fall = self.early * np.exp(-after / self.decay) + (1 - self.early) * (1 - after / rest)
        rise = 0.5 - 0.5 * np.cos(np.pi * np.clip(phase / self.upstroke, 0, 1))
        return np.asarray(np.where(phase < self.upstroke, rise, (fall - last) / (1 - last)), dtype=np.float64)

    def summary(self) -> tuple[float, float, float]:
        """PSV, EDV and mean maximum velocity of the whole beats."""
        feet = self.feet
        number = np.searchsorted(self.starts, feet[:-1] + 1e-9) - 1
        time = np.linspace(feet[0], feet[-1], 4000, endpoint=False)
        return (
            float(self.peaks[number].mean()),
            float(self.ends[number].mean()),
            float(self.velocity(time).mean()),
        )


def _power(rng: np.random.Generator, envelope: Floats, baseline: int, cm_s_per_px: float, s_per_px: float) -> Floats:
    """Mean power density, 1 on average at the largest velocity; rows above the baseline are positive velocities."""
    rows = SHAPE[0]
    top = envelope / cm_s_per_px
    height = baseline - np.arange(rows, dtype=np.float64)[:, None]
    inside = np.clip(top[None, :] - height + 0.5, 0, 1) * (height > 0)
    # from parabolic flow (all velocities alike) to blunter profiles (more blood at the larger ones)
    blunt = float(rng.uniform(0.0, 1.5))
    density = inside * np.clip(height / np.maximum(top[None, :], 1), 0.02, 1) ** blunt * (1 + blunt)
    density *= top.max() / np.maximum(top[None, :], 8)
    density = gaussian_filter(density, (float(rng.uniform(0.8, 1.4)), 0.008 / s_per_px))
    wall = float(rng.uniform(0.02, 0.035)) * top.max()
    return np.asarray(density * (1 - np.exp(-0.5 * (height / wall) ** 8)), dtype=np.float64)


def _shown(rng: np.random.Generator, power: Floats, snr_db: float) -> NDArray[np.uint8]:
    """Speckle, noise and log compression."""
    floor = 10 ** (-snr_db / 10)
    waves = gaussian_filter(rng.standard_normal((4, *SHAPE)), (0, 0.6, 0.6))
    speckle = (waves**2).mean(axis=0)
    speckle /= speckle.mean()
    level = 10 * np.log10((power + floor) * speckle + 1e-12)
    black = -snr_db + float(rng.uniform(-5, 2))
    white = float(np.quantile(level[power > 0.3], _BELOW_WHITE))
    grey = gaussian_filter1d(np.clip((level - black) / (white - black), 0, 1), 0.5, axis=1)
    return np.asarray(np.rint(255 * grey), dtype=np.uint8)


def _dress(grey: NDArray[np.uint8], baseline: int, cm_s_per_px: float, direction: int) -> None:
    """The baseline, ticks every 5 cm/s at the right edge, and text in the corner away from the flow."""
    grey[baseline] = np.maximum(grey[baseline], _LINE)
    for velocity in range(-500, 505, 5):
        row = round(baseline - velocity / cm_s_per_px)
        if 0 <= row < SHAPE[0]:
            grey[row, -4:] = 220
    write(grey, 4 if direction > 0 else SHAPE[0] - 10, 4, "PW cm/s", 200)
