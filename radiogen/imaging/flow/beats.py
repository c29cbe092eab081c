"""Heart beats in the envelope of a Doppler spectrum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import find_peaks, savgol_filter

Floats = NDArray[np.float64]

#: heart beats are searched for with these periods (200 to 30 a minute)
PERIODS_S = (0.3, 2.0)
#: height of the autocorrelation, and rise of a beat as a share of the envelope's range, at least
_REGULAR, _RISE = 0.25, 0.4
#: widths in s over which the envelope is smoothed: to find beats, and to read their peaks
_SMOOTH_S, _PEAK_S = 0.06, 0.045
#: the end of diastole is the end of a straight line through the velocities of so many seconds before the upstroke …
_DIASTOLE_S = 0.12
#: … less those that the upstroke may have touched
_UPSTROKE_S = 0.015
#: the foot of a smoothed upstroke is found later than it is by so much
_LATE_S = 0.004


@dataclass(frozen=True)
class Beat:
    """One whole beat, from foot to foot.

    Parameters
    ----------
    start_s, peak_s, end_s : float
        Times of the foot before, of the systolic peak and of the foot after, from the first column.
    psv, edv, mean : float
        Peak systolic velocity, end-diastolic velocity before the next upstroke, and the mean over time of the
        envelope, in the envelope's unit.
    """

    start_s: float
    peak_s: float
    end_s: float
    psv: float
    edv: float
    mean: float


def find_beats(envelope: Floats, s_per_px: float) -> tuple[Beat, ...]:
    """The whole beats of an envelope.

    The period comes from the autocorrelation; systolic peaks stand out by 40 % of the envelope's range and lie at least
    0.6 periods apart.  A beat begins at the foot of its upstroke: where the tangent to the steepest rise meets the
    lowest velocity before it.  The end-diastolic velocity is the end of a straight line fitted to the 0.12 s before
    the foot.  A beat counts where both its feet are seen.

    Parameters
    ----------
    envelope : ndarray of float64
        Velocity at every column, in the main direction positive.
    s_per_px : float
        Seconds per column.

    Returns
    -------
    tuple of Beat
        In order of time; empty where nothing pulsates.
    """
    smooth = _smoothed(envelope, _SMOOTH_S / s_per_px)
    low, high = np.quantile(envelope, [0.02, 0.98])
    period = _period(smooth, s_per_px)
    if period is None or high - low <= 0:
        return ()
    # a peak cut off by the end of the strip still shows the foot before it
    framed = np.pad(smooth, 1, constant_values=float(smooth.min()))
    peaks, _ = find_peaks(framed, distance=max(1, round(0.6 * period / s_per_px)), prominence=_RISE * (high - low))
    peaks = peaks - 1
    fine = _smoothed(envelope, _PEAK_S / s_per_px)
    feet = [_foot(envelope, smooth, peak, before, period, s_per_px) for before, peak in zip([0, *peaks[:-1]], peaks, strict=True)]
    beats = []
    for number in range(len(peaks) - 1):
        start, end = feet[number], feet[number + 1]
        if start is None or end is None:
            continue
        inside = slice(max(0, round(start[0])), max(round(start[0]) + 1, round(end[0])))
        around = slice(max(0, peaks[number] - 3), peaks[number] + 4)
        beats.append(
            Beat(start[0] * s_per_px, peaks[number] * s_per_px, end[0] * s_per_px, float(fine[around].max()), end[1],
                 float(envelope[inside].mean()))
        )  # fmt: skip
    return tuple(beats)


def _smoothed(values: Floats, width: float) -> Floats:
    """Local parabolas over so many columns, 5 at least."""
    window = max(5, 2 * round(width / 2) + 1)
    return np.asarray(savgol_filter(values, window, 2), dtype=np.float64) if window <= len(values) else values


def _period(smooth: Floats, s_per_px: float) -> float | None:
    """The first clear maximum of the autocorrelation, in seconds; None where nothing repeats."""
    waves = smooth - smooth.mean()
    n = len(waves)
    first, last = int(np.ceil(PERIODS_S[0] / s_per_px)), min(int(PERIODS_S[1] / s_per_px), int(0.8 * n))
    power = float(waves @ waves)
    if last - first < 3 or power <= 0:
        return None
    spectrum = np.abs(np.fft.rfft(waves, 2 * n)) ** 2
    lags = np.arange(first - 1, last + 2)
    # overlap shrinks with the lag: the mean product, not the sum
    alike = np.fft.irfft(spectrum)[lags] / power * n / (n - lags)
    tops, _ = find_peaks(alike)
    tops = tops[alike[tops] > _REGULAR]
    if not len(tops):
        return None
    best = tops[alike[tops] >= 0.8 * alike[tops].max()][0]
    return float(lags[best] * s_per_px)


def _foot(
    envelope: Floats, smooth: Floats, peak: int, before: int, period: float, s_per_px: float
) -> tuple[float, float] | None:
    """Column of the foot before a peak, and the velocity there; None where the strip begins too late to see it."""
    start = max(before, peak - round(0.45 * period / s_per_px))
    lowest = start + int(np.argmin(smooth[start : peak + 1]))
    if peak - lowest < 2:
        return None
    rise = np.diff(smooth[lowest : peak + 1])
    steepest = lowest + int(np.argmax(rise))
    middle = (smooth[steepest] + smooth[steepest + 1]) / 2
    foot = steepest + 0.5 - (middle - smooth[lowest]) / rise.max()
    last = round(foot - _UPSTROKE_S / s_per_px)
    width = max(5, round(min(_DIASTOLE_S, 0.15 * period) / s_per_px))
    first = max(0, last - width + 1)
    if last - first + 1 < 5:
        return None
    column = np.arange(first, last + 1)
    slope, level = np.polyfit(column - foot + _LATE_S / s_per_px, envelope[first : last + 1], 1)
    # diastole falls: a line that rises is noise, and then its mean is the better estimate
    return foot, float(level) if slope < 0 else float(envelope[first : last + 1].mean())
