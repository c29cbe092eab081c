"""The maximum-velocity envelope of a Doppler spectrum, in rows from its baseline."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, label, uniform_filter, uniform_filter1d

Floats = NDArray[np.float64]

#: rows beside the baseline that its line may cover
_GUARD = 2
#: rows inside the edge that have to be bright: less than the clear window under the systole of blunt flow is wide
_BAND = 10
#: price of moving the edge by one row from one column to the next, in rows of full contrast that must speak for it
_STIFF = 0.5
#: grey that parts spectrum from background in the first step, as a share of the way from the one to the other
_CUT = 0.4
#: fall of the grey from the spectrum's level beside the edge to the background, as a share, at which single columns are cut
_FALL = 0.3
#: the same on the mean of all columns, where the edge is sharp, and where it is blurred: the logarithm of a blurred edge
#: falls late, so that half way would lie too far out
_SHARP, _BLURRED = 0.5, 0.15
#: rows from a fall of 0.3 to one of 0.7 of an edge that is sharp, and of one that is blurred
_SHARP_ROWS, _BLURRED_ROWS = 1.0, 1.6
#: columns from which on a mean of all columns is taken
_FEW = 10
#: columns averaged to find the levels of spectrum and background
_COARSE = 3
#: rows on either side of the path that are looked at in the second step, and rows of it that are spectrum
_REACH, _INSIDE = 12, 8
#: grey between background and spectrum, at least, of 255 and in standard deviations of the background
_LEAST_CONTRAST, _LEAST_SNR = 4.0, 3.0
#: rows of an envelope that are told from the line of the baseline
_LEAST = _GUARD + 2


@dataclass(frozen=True, eq=False)
class Trace:
    """The envelope of a strip.

    Parameters
    ----------
    height_px : ndarray of float64, one per column
        Rows from the baseline to the edge of the spectrum: positive in the main direction of flow, negative where
        only the other side of the baseline has a spectrum, 0 where neither has.
    direction : {1, -1}
        1 where the main flow is above the baseline, -1 where it is below.
    snr : float
        Mean grey of the spectrum above the background, in standard deviations of the background (both of the strip
        averaged over 3 × 3 pixels); infinite where the background is black throughout.
    other_share : float
        Area of the spectrum on the other side of the baseline as a share of both.
    clipped : ndarray of bool, one per column
        Where the spectrum reaches the end of the strip: the true velocity is larger, or aliased.
    """

    height_px: Floats
    direction: int
    snr: float
    other_share: float
    clipped: NDArray[np.bool_]

    @property
    def traced_share(self) -> float:
        """Share of columns with a spectrum."""
        return float((self.height_px != 0).mean())


def trace_envelope(strip: Floats, baseline: float, columns_averaged: int = 3) -> Trace:
    """Trace the edge of a spectrum.

    In each column the spectrum is what is bright between the baseline and some row.  An edge fits where the ten rows
    within it are bright and none beyond it is, counted from a grey between spectrum and background; over all columns the
    line of the best total fit is found that pays for every row by which it rises or falls (dynamic programming).  So a
    speck or a letter outside, and speckle inside, do not move it.  The line is then made finer than a row: columns
    nearby are averaged along it and cut where the grey has fallen by 30 %, and the whole line is moved to the edge of
    the mean of all columns.

    Parameters
    ----------
    strip : ndarray of float64, H × W
        Grey values, the strip alone.
    baseline : float
        Row of velocity zero, from 0.
    columns_averaged : int, default 3
        Columns averaged along the line in the second step, an odd number.

    Returns
    -------
    Trace
        Heights are 0 throughout where no spectrum was found.

    Notes
    -----
    Edge by cumulated intensity follows the geometric method, see Steinman AH, Tavakkoli J, Myers JG, Cobbold RSC,
    Johnston KW. Sources of error in maximum velocity estimation using linear phased-array Doppler systems with steady
    flow. Ultrasound Med Biol 2001;27(5):655-664.
    """
    sides = {sign: _side(strip, baseline, sign) for sign in (1, -1)}
    smooth = {sign: uniform_filter(side, 3) for sign, side in sides.items() if side.size}
    if not smooth:
        return _nothing(strip.shape[1])
    low, high = _two_levels(np.concatenate([s[_GUARD:].ravel() for s in smooth.values()]))
    if high - low < _LEAST_CONTRAST:
        return _nothing(strip.shape[1])
    # the levels are found on columns averaged by threes, the path then on all
    for step in (_COARSE, 1):
        part = {sign: _averaged(side, step) for sign, side in smooth.items()}
        paths = {sign: _path(_cleaned(_averaged(sides[sign], step), s, low, high), low, high) for sign, s in part.items()}
        low, spread, high = _levels(part, paths, low, high)
        if high - low < max(_LEAST_CONTRAST, _LEAST_SNR * spread):
            return _nothing(strip.shape[1])
    areas = {sign: float(path.sum()) for sign, path in paths.items()}
    direction = max(areas, key=lambda sign: areas[sign])
    if areas[direction] <= 0:
        return _nothing(strip.shape[1])
    height = _finer(sides[direction], paths[direction], low, high, columns_averaged)
    clipped = paths[direction] >= len(sides[direction]) - 2
    other = paths.get(-direction)
    if other is not None:
        backwards = (height == 0) & (other > 0)
        height = np.where(backwards, -_finer(sides[-direction], other, low, high, columns_averaged), height)
    snr = (high - low) / spread if spread > 0 else float("inf")
    return Trace(height, direction, snr, 1 - areas[direction] / sum(areas.values()), clipped)


def _nothing(columns: int) -> Trace:
    return Trace(np.zeros(columns), 1, 0.0, 0.0, np.zeros(columns, dtype=bool))


def _side(strip: Floats, baseline: float, sign: int) -> Floats:
    """One side of the baseline; row 0 is the first beside it."""
    row = round(baseline)
    return strip[:row][::-1] if sign > 0 else strip[row + 1 :]


def _averaged(side: Floats, step: int) -> Floats:
    """Means of so many columns each; a rest at the end goes with the last."""
    number = max(1, side.shape[1] // step)
    starts = step * np.arange(number)
    width = np.diff(np.append(starts, side.shape[1]))
    return np.asarray(np.add.reduceat(side, starts, axis=1) / width, dtype=np.float64)


def _two_levels(grey: Floats) -> tuple[float, float]:
    """Means of the two groups of grey values that a threshold by Otsu's rule parts."""
    low, high = float(grey.min()), float(grey.max())
    if high - low < 1:
        return low, high
    counts, edges = np.histogram(grey, bins=128, range=(low, high))
    centres = (edges[:-1] + edges[1:]) / 2
    number = np.cumsum(counts)
    total = np.cumsum(counts * centres)
    below = total[:-1] / np.maximum(number[:-1], 1)
    above = (total[-1] - total[:-1]) / np.maximum(number[-1] - number[:-1], 1)
    between = number[:-1] * (number[-1] - number[:-1]).astype(float) * (above - below) ** 2
    best = int(np.argmax(between))
    return float(below[best]), float(above[best])


def _cleaned(side: Floats, smooth: Floats, low: float, high: float) -> Floats:
    """The side without what is bright and hangs neither on the baseline nor on the spectrum: text, ticks, specks."""
    bright = smooth > (low + high) / 2
    parts, number = label(binary_dilation(bright, iterations=2))
    if number <= 1:
        return side
    root = max(_GUARD + 4, round(0.08 * len(side)))
    size = np.bincount((parts * bright).ravel(), minlength=number + 1)
    size[0] = 0
    # the spectrum's own pieces may come apart, but they are large
    kept = size >= 0.25 * size.max()
    kept[np.unique(parts[:root])] |= size[np.unique(parts[:root])] >= 0.005 * size.max()
    kept[0] = True
    return np.asarray(np.where(kept[parts], side, np.minimum(side, low)), dtype=np.float64)


def _path(side: Floats, low: float, high: float) -> NDArray[np.int64]:
    """Rows of spectrum in each column, 0 for none: the line of the best total fit."""
    rows, columns = side.shape
    fit = np.clip((side - low) / (high - low) - _CUT, -1.0, 1.0)
    fit[:_GUARD] = 0
    bright = np.vstack([np.zeros(columns), np.cumsum(fit, axis=0)])
    start = np.maximum(np.arange(rows + 1) - _BAND, 0)
    # under blunt flow the spectrum is dark inside too, so that only what is bright beyond the edge speaks against it
    beyond = np.vstack([np.zeros(columns), np.cumsum(np.maximum(fit, 0), axis=0)])
    score = bright - np.take_along_axis(bright, start[:, None], axis=0) - (beyond[-1] - beyond)
    toll = _STIFF * np.arange(rows + 1)
    came = np.empty((columns, rows + 1), dtype=np.int64)
    best = score[:, 0]
    for column in range(1, columns):
        below, from_below = _running_best(best + toll)
        above, from_above = _running_best((best - toll)[::-1])
        below, above = below - toll, above[::-1] + toll
        came[column] = np.where(below >= above, from_below, rows - from_above[::-1])
        best = np.maximum(below, above) + score[:, column]
    path = np.empty(columns, dtype=np.int64)
    path[-1] = int(np.argmax(best))
    for column in range(columns - 1, 0, -1):
        path[column - 1] = came[column, path[column]]
    path[path < _LEAST] = 0
    return path


def _running_best(values: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """The largest value so far, and where it stands."""
    best = np.maximum.accumulate(values)
    place = np.where(values == best, np.arange(len(values)), 0)
    return best, np.maximum.accumulate(place)


def _levels(
    smooth: dict[int, Floats], paths: dict[int, NDArray[np.int64]], low: float, high: float
) -> tuple[float, float, float]:
    """Background (mean and spread) beyond the edges, and the spectrum's level in the band within."""
    outside, inside = [], []
    for sign, side in smooth.items():
        row = np.arange(len(side))[:, None]
        outside.append(side[(row >= paths[sign] + 4) & (row >= _LEAST)])
        band = (row < paths[sign] - 2) & (row >= paths[sign] - _BAND) & (row >= _LEAST)
        inside.append(side[band])
    dark, light = np.concatenate(outside), np.concatenate(inside)
    if dark.size:
        # text is bright and rare
        low, spread = float(np.median(dark)), float(1.4826 * np.median(np.abs(dark - np.median(dark))))
        spread = max(spread, float(np.std(dark[dark <= np.quantile(dark, 0.95)])))
    else:
        spread = 0.0
    return low, spread, float(np.mean(light)) if light.size else high


def _finer(side: Floats, path: NDArray[np.int64], low: float, high: float, columns_averaged: int) -> Floats:
    """The edge to fractions of a row: where the grey, averaged along the line, has fallen half way."""
    rows, columns = side.shape
    offset = np.arange(-_REACH, _REACH + 1)
    place = path[None, :] + offset[:, None]
    # beyond the strip and on the baseline's line there is nothing to average
    known = (place >= _GUARD) & (place < rows) & (path > 0)[None, :]
    grey = np.where(known, side[np.clip(place, 0, rows - 1), np.arange(columns)[None, :]], 0.0)
    weight = uniform_filter1d(known.astype(float), columns_averaged, axis=1, mode="nearest")
    mean = uniform_filter1d(grey, columns_averaged, axis=1, mode="nearest") / np.maximum(weight, 1e-9)
    mean = np.where(weight > 0.2, mean, np.where(offset[:, None] < 0, high, low))
    level = mean[_REACH - _INSIDE : _REACH - 2].mean(axis=0)
    cut = low + (1 - _FALL) * np.maximum(level - low, 0.3 * (high - low))
    height = path.astype(np.float64)
    window = slice(_REACH - _INSIDE, _REACH + _INSIDE)
    # the best place to part bright from dark; there the averaged grey crosses the cut
    at = window.start + np.argmax(np.cumsum(mean[window] - cut[None, :], axis=0), axis=0)
    column = np.arange(columns)
    one, two = mean[at, column], mean[at + 1, column]
    found = (path > 0) & (one >= cut)
    share = np.clip((one - cut) / np.maximum(one - two, 1e-9), 0, 1)
    # row index i of a side lies i + 1 rows from the baseline
    exact = path + offset[at] + share + 1.0
    height = np.where(found, exact, height)
    return np.where(path > 0, np.maximum(height - _late(side, height, path > 0, low), 0.5), 0.0)


def _late(side: Floats, height: Floats, traced: NDArray[np.bool_], low: float) -> float:
    """Rows by which the cut of single columns lies beyond the edge, from the mean of all columns along the line.

    Where the mean edge is sharp, half way is its place whatever the scanner's map of grey.
    """
    columns = np.flatnonzero(traced)
    if len(columns) < _FEW:
        return 0.0
    row = np.round(height[columns]).astype(int) + np.arange(-_REACH, _REACH)[:, None]
    known = (row >= _GUARD) & (row < len(side))
    place = row + 1 - height[columns]
    bin_ = np.clip(np.floor((place + _REACH) * 4).astype(int), 0, 8 * _REACH - 1)[known]
    grey = side[np.clip(row, 0, len(side) - 1), columns][known]
    number = np.bincount(bin_, minlength=8 * _REACH)
    mean = np.bincount(bin_, grey, minlength=8 * _REACH) / np.maximum(number, 1)
    centre = (np.arange(8 * _REACH) + 0.5) / 4 - _REACH
    inside = (number > 0) & (centre > -_INSIDE) & (centre < -2.5)
    if not inside.any():
        return 0.0
    level = float(np.average(mean[inside], weights=number[inside]))

    def fallen(share: float) -> float:
        return _crossing(centre, mean, number, low + (1 - share) * (level - low))

    width = fallen(1 - _FALL) - fallen(_FALL)
    share = float(np.interp(width, [_SHARP_ROWS, _BLURRED_ROWS], [_SHARP, _BLURRED]))
    return float(np.clip(fallen(_FALL) - fallen(share), -1.0, 3.0))


def _crossing(centre: Floats, mean: Floats, number: NDArray[np.int64], cut: float) -> float:
    """Where a profile that falls passes a cut: the best place to part what is above from what is below."""
    known = (number > 0) & (np.abs(centre) < _INSIDE)
    place, grey = centre[known], mean[known]
    at = min(int(np.argmax(np.cumsum(grey - cut))), len(grey) - 2)
    return float(place[at] + (place[at + 1] - place[at]) * np.clip((grey[at] - cut) / max(grey[at] - grey[at + 1], 1e-9), 0, 1))
