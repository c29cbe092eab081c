"""Least squares for one bolus: a grid of beginnings, refinement within bounds, outlying frames, recirculation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radiogen.imaging.bolus.shapes import Shape

Floats = NDArray[np.float64]

#: five parameters need some more frames
MIN_FRAMES = 8
#: the grid of beginnings looks at no more than about so many means of neighbouring frames
_GRID_FRAMES = 64
#: beginnings that are refined
_BEGINNINGS = 3
#: the origin lies at most this share of the loop before its first frame
_BEFORE = 0.25
#: the first pass ends where the curve has fallen to this share of its peak
_FIRST_PASS = 0.4
#: a tail above the first pass by this share of the peak is recirculation, if it is more than noise
_TAIL = 0.04
#: z values: beyond them a tail, an offset below zero, a single frame are no noise
_TAIL_Z, _BELOW_ZERO_Z, _OUTLIER_Z = 5.0, 4.0, 6.0
#: and a single frame is left out only where it is this share of the curve's range away from both neighbours
_OUTLIER_SHARE = 0.25
#: a curve of which this share of the frames has the lowest value is cut off there; how often it is then trimmed
_AT_FLOOR, _TRIMMINGS = 0.1, 6


@dataclass(frozen=True)
class Bolus:
    """A fitted curve: offset + height · f((t − origin) / delay; shape).

    ``gain`` is the fall in the sum of squares against a constant, over the variance of the noise.
    """

    kind: Shape
    origin: float
    delay: float
    shape: float
    height: float
    offset: float
    squares: float
    r2: float
    noise_sd: float
    gain: float
    until: float
    n_frames: int

    @property
    def peak_s(self) -> float:
        """Time of the peak."""
        return self.origin + self.delay

    def at(self, x: float) -> float:
        """The time of a place x on the unit curve."""
        return self.origin + self.delay * x

    def curve(self, times: Floats) -> Floats:
        """The fitted curve at any times."""
        return np.asarray(self.offset + self.height * self.kind.curve((times - self.origin) / self.delay, self.shape))


def fit_bolus(times: Floats, values: Floats, kind: Shape) -> Bolus:
    """The bolus that fits a curve best; see :func:`radiogen.imaging.bolus.kinetics.fit_curve` for what is left out.

    Parameters
    ----------
    times, values : ndarray of float64, length N ≥ 8
        Finite, times increasing, values not all equal.
    kind : Shape
    """
    keep = _steady(values)
    times, values = times[keep], values[keep]
    found = _fit(times, values, kind)
    if (values <= values.min() + 1e-9 * np.ptp(values)).mean() >= _AT_FLOOR:
        found = _symmetric(times, values, found)
    return _first_pass(times, values, found) or found


def _symmetric(times: Floats, values: Floats, found: Bolus) -> Bolus:
    """The fit where noise is cut off at a floor: what lies as far above the curve as the floor below is cut off too."""
    floor = float(values.min())
    for _ in range(_TRIMMINGS):
        cut = np.minimum(values, np.maximum(2 * found.curve(times) - floor, floor))
        if np.ptp(cut) <= 0.1 * np.ptp(values):  # nothing stands out from the noise
            return found
        place = _place(found)
        place[3:] /= float(np.ptp(cut))
        trimmed = _refined(times, cut, found.kind, 0.0 if floor >= 0 else -np.inf, [place])
        found = _bolus(times, values, found.kind, _place(trimmed), 1.0)
    return found


def _place(found: Bolus) -> Floats:
    """The parameters of the least squares problem."""
    return np.array([found.origin, np.log(found.delay), np.log(found.shape), found.height, found.offset])


def _steady(values: Floats) -> NDArray[np.bool_]:
    """Frames that are no spikes: far above both neighbours or far below both, by more than noise."""
    from scipy.ndimage import median_filter

    smooth = median_filter(values, 5, mode="nearest")
    spread = 1.4826 * float(np.median(np.abs(values - smooth)))
    least = max(_OUTLIER_Z * spread, _OUTLIER_SHARE * float(np.ptp(smooth)))
    before, after = np.diff(values, prepend=values[0]), -np.diff(values, append=values[-1])
    spikes = (np.minimum(before, after) > least) | (np.maximum(before, after) < -least)
    return np.asarray(~spikes if (~spikes).sum() >= MIN_FRAMES else np.ones(len(values), dtype=bool))


def _first_pass(times: Floats, values: Floats, whole: Bolus) -> Bolus | None:
    """A fit of the first pass alone where what comes after it is no part of it, else None."""
    left = values - whole.curve(times)
    if left[1:] @ left[:-1] <= 2 / np.sqrt(len(left)) * (left @ left):  # neighbours are not alike: what is left is noise
        return None
    x = np.linspace(1.0, 30.0, 2000)
    below = np.flatnonzero(whole.kind.curve(x, whole.shape) <= _FIRST_PASS)
    if not len(below):
        return None
    early = times <= whole.at(float(x[below[0]]))
    if early.sum() < 2 * MIN_FRAMES or (~early).sum() < MIN_FRAMES:
        return None
    first = _fit(times[early], values[early], whole.kind)
    if not times[0] < first.peak_s < times[early][-1]:
        return None
    excess = values[~early] - first.curve(times[~early])
    error = first.noise_sd / np.sqrt(len(excess))
    # what the fit of the first pass explains better there than the fit of all frames
    better = float(((values[early] - whole.curve(times[early])) ** 2).sum() - first.squares)
    noise = max(first.noise_sd, 1e-9 * first.height) ** 2
    recirculates = excess.mean() > max(_TAIL * first.height, _TAIL_Z * error) and better > _TAIL_Z**2 * noise
    return first if recirculates else None


def _fit(times: Floats, values: Floats, kind: Shape) -> Bolus:
    """Least squares with the offset held at or above zero, unless the frames are clearly below."""
    held = _refined(times, values, kind, 0.0)
    scale = float(np.ptp(values))
    if held.offset > 1e-5 * scale:
        return held
    # what a step of Gauss and Newton without the bound would gain
    residuals, derivatives = _problem(times, values, kind)
    place = _place(held)
    table = derivatives(place)
    step = np.linalg.lstsq(table, -residuals(place), rcond=None)[0]
    clearly = float(((table @ step) ** 2).sum()) > _BELOW_ZERO_Z**2 * held.noise_sd**2 + 1e-9 * scale**2
    return _refined(times, values, kind, -np.inf) if step[4] < 0 and clearly else held


def _refined(times: Floats, values: Floats, kind: Shape, lowest: float, begin_at: list[Floats] | None = None) -> Bolus:
    """The best of several refined beginnings, with the offset not below ``lowest``."""
    from scipy.optimize import least_squares

    span, scale = float(times[-1] - times[0]), float(np.ptp(values))
    earliest = times[0] - _BEFORE * span
    lower = np.array([earliest, np.log(1e-3 * span), np.log(kind.bounds[0]), 0.0, lowest])
    upper = np.array([times[-1], np.log(5 * span), np.log(kind.bounds[1]), 50.0, np.inf])
    inside = 1e-6 * np.array([span, 1, 1, 1, 1])
    residuals, derivatives = _problem(times, values / scale, kind)
    best = None
    for place in begin_at or _beginnings(times, values / scale, kind, earliest):
        begin = np.clip(place, lower + inside, upper - inside)
        tried = least_squares(
            residuals, begin, derivatives, bounds=(lower, upper), x_scale=[0.1 * span, 0.3, 0.3, 1.0, 0.1],
            max_nfev=100, ftol=1e-9, xtol=1e-9, gtol=1e-9,
        )  # fmt: skip
        if best is None or tried.cost < best.cost:
            best = tried
    if best is None:  # the grid always has an entry
        raise AssertionError("no beginning for the fit")
    return _bolus(times, values, kind, best.x, scale)


def _bolus(times: Floats, values: Floats, kind: Shape, found: Floats, scale: float) -> Bolus:
    origin, delay, shape = float(found[0]), float(np.exp(found[1])), float(np.exp(found[2]))
    height, offset = float(found[3] * scale), float(found[4] * scale)
    fitted = offset + height * kind.curve((times - origin) / delay, shape)
    squares, total = float(((values - fitted) ** 2).sum()), float(((values - values.mean()) ** 2).sum())
    variance = squares / (len(times) - 5)
    gain = (total - squares) / max(variance, 1e-12 * scale**2)
    return Bolus(
        kind, origin, delay, shape, height, offset, squares, 1 - squares / total, float(np.sqrt(variance)), gain,
        float(times[-1]), len(times),
    )  # fmt: skip


def _problem(times: Floats, values: Floats, kind: Shape) -> tuple[Callable[[Floats], Floats], Callable[[Floats], Floats]]:
    """Residuals and derivatives by (origin, ln delay, ln shape, height, offset)."""

    def residuals(p: Floats) -> Floats:
        return np.asarray(p[3] * kind.curve((times - p[0]) / np.exp(p[1]), float(np.exp(p[2]))) + p[4] - values)

    def derivatives(p: Floats) -> Floats:
        delay, shape = float(np.exp(p[1])), float(np.exp(p[2]))
        x = (times - p[0]) / delay
        after = x > 0
        log, by_x, by_s = kind.log_curve(x[after], shape)
        unit = np.exp(log)
        table = np.zeros((len(times), 5))
        table[after, 0] = -p[3] * unit * by_x / delay
        table[after, 1] = -p[3] * unit * by_x * x[after]
        table[after, 2] = p[3] * unit * by_s * shape
        table[after, 3] = unit
        table[:, 4] = 1.0
        return np.nan_to_num(table)  # 0 · ∞ just after the origin

    return residuals, derivatives


def _beginnings(times: Floats, values: Floats, kind: Shape, earliest: float) -> list[Floats]:
    """The best places of a grid: origin, ln delay, ln shape, and the height and offset that fit best there."""
    t, v = _thinned(times), _thinned(values)
    high = np.argsort(v, kind="stable")[-max(8, len(v) // 8) :]
    grid = [
        (peak - delay, delay, shape)
        for peak in np.unique(np.quantile(t[high], np.linspace(0, 1, 7)))
        for delay in (peak - earliest) * np.geomspace(0.08, 1.0, 7)
        for shape in kind.starts
    ]
    curves = np.array([kind.curve((t - origin) / delay, shape) for origin, delay, shape in grid])
    centred, target = curves - curves.mean(axis=1, keepdims=True), v - v.mean()
    power, product = (centred**2).sum(axis=1), centred @ target
    power = np.maximum(power, 1e-9)
    explained = np.where(product > 0, product**2 / power, -1.0)
    chosen: list[int] = []
    for index in np.argsort(-explained, kind="stable"):
        # neighbours of one delay and peak end in the same place
        if all(grid[index][:2] != grid[other][:2] for other in chosen):
            chosen.append(int(index))
        if len(chosen) == _BEGINNINGS:
            break
    heights = np.maximum(product / power, 0.05)
    offsets = v.mean() - heights * curves.mean(axis=1)
    return [np.array([grid[i][0], np.log(grid[i][1]), np.log(grid[i][2]), heights[i], offsets[i]]) for i in chosen]


def _thinned(values: Floats) -> Floats:
    """Means of neighbouring frames, about :data:`_GRID_FRAMES` of them."""
    groups = np.array_split(values, min(len(values), _GRID_FRAMES))
    return np.array([g.mean() for g in groups])
