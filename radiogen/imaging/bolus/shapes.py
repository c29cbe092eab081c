"""The first pass of a bolus as a curve of one shape parameter: lognormal, gamma variate and local density random walk.

All three are written in the same way.  With the origin t0, the delay m from the origin to the peak and
x = (t − t0) / m the enhancement is PE · f(x; s), where f rises from 0 at x = 0 to 1 at x = 1 and falls back to 0; the
shape s alone says how fast.  So the peak enhancement and the time of the peak are parameters of every model, and
areas, slopes and mean times follow from functions of s that are worked out here once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]
Model = Literal["lognormal", "gamma_variate", "ldrw"]


@dataclass(frozen=True)
class Shape:
    """One model of a bolus at unit peak and unit delay.

    Parameters
    ----------
    name : str
    bounds : (float, float)
        Limits of the shape parameter.
    starts : tuple of float
        Values of the shape from which a fit begins, from wide to narrow curves.
    log_curve : callable
        ``(x, s) -> (ln f, d ln f / dx, d ln f / ds)`` for x > 0.
    inflections : callable
        ``(s) -> (x1, x2)``: where the curve rises and falls most steeply.
    area_to : callable
        ``(x, s)``: the integral of f from 0 to x; x may be infinite.
    mean : callable
        ``(s)``: mean of x with f as its (unnormalised) density.
    """

    name: str
    bounds: tuple[float, float]
    starts: tuple[float, ...]
    log_curve: Callable[[Floats, float], tuple[Floats, Floats, Floats]]
    inflections: Callable[[float], tuple[float, float]]
    area_to: Callable[[float, float], float]
    mean: Callable[[float], float]

    def curve(self, x: Floats, s: float) -> Floats:
        """f(x; s); 0 for x ≤ 0, where no logarithm is taken."""
        found = np.zeros_like(x)
        after = x > 0
        found[after] = np.exp(self.log_curve(x[after], s)[0])
        return found


# -- lognormal: the logarithm of the transit time is normal with standard deviation s ------------------------------------
# density exp(−(ln u − μ)² / 2s²) / u has its mode at m = exp(μ − s²); with y = ln(u / m) this is exp(−y² / 2s²) at unit peak


def _lognormal(x: Floats, s: float) -> tuple[Floats, Floats, Floats]:
    y = np.log(x)
    return -(y**2) / (2 * s**2), -y / (s**2 * x), y**2 / s**3


def _lognormal_inflections(s: float) -> tuple[float, float]:
    # f'' = 0 is y² + s² y − s² = 0
    root = s * np.sqrt(s**2 + 4)
    return float(np.exp((-(s**2) - root) / 2)), float(np.exp((-(s**2) + root) / 2))


def _lognormal_area(x: float, s: float) -> float:
    # the integral of exp(y − y² / 2s²) over y
    share = 1.0 if np.isinf(x) else float(special.ndtr((np.log(x) - s**2) / s)) if x > 0 else 0.0
    return float(s * np.sqrt(2 * np.pi) * np.exp(s**2 / 2) * share)


def _lognormal_mean(s: float) -> float:
    # exp(μ + s²/2) over the mode exp(μ − s²)
    return float(np.exp(1.5 * s**2))


# -- gamma variate: u^s exp(−u / β), mode s β ------------------------------------------------------------------------------


def _gamma(x: Floats, s: float) -> tuple[Floats, Floats, Floats]:
    shape = np.log(x) + 1 - x
    return s * shape, s * (1 / x - 1), shape


def _gamma_inflections(s: float) -> tuple[float, float]:
    # f'' = 0 is s (1/x − 1)² = 1/x²
    return float(1 - 1 / np.sqrt(s)), float(1 + 1 / np.sqrt(s))


def _gamma_area(x: float, s: float) -> float:
    share = 1.0 if np.isinf(x) else float(special.gammainc(s + 1, s * max(x, 0.0)))
    return float(np.exp(s - (s + 1) * np.log(s) + special.gammaln(s + 1)) * share)


def _gamma_mean(s: float) -> float:
    # (s + 1) β over s β
    return 1 + 1 / s


# -- local density random walk: u^(−1/2) exp(−(s/2)(μ/u + u/μ)), s the Péclet number over two -----------------------------
# the mode is r μ with r = (√(1 + 4s²) − 1) / 2s, which fulfils s (1/r − r) = 1


def _ratio(s: float) -> float:
    return float((np.sqrt(1 + 4 * s**2) - 1) / (2 * s))


def _ldrw(x: Floats, s: float) -> tuple[Floats, Floats, Floats]:
    r = _ratio(s)
    change = r / (s * np.sqrt(1 + 4 * s**2))  # dr/ds
    bend = 1 / (r * x) + r * x - 1 / r - r
    log = -0.5 * np.log(x) - 0.5 * s * bend
    by_x = -0.5 / x - 0.5 * s * (r - 1 / (r * x**2))
    by_s = -0.5 * bend - 0.5 * s * change * (x - 1 / (r**2 * x) + 1 / r**2 - 1)
    return log, by_x, by_s


def _ldrw_inflections(s: float) -> tuple[float, float]:
    # with h = d ln f / dx = a/x² − 1/2x − c, f'' = 0 is h² + h' = 0, times x⁴ a polynomial
    r = _ratio(s)
    a, c = s / (2 * r), s * r / 2
    roots = np.roots([c**2, c, 0.75 - 2 * a * c, -3 * a, a**2])
    real = np.sort(roots[np.abs(roots.imag) < 1e-6 * np.abs(roots)].real)
    return float(real[real < 1][-1]), float(real[real > 1][0])


def _ldrw_area(x: float, s: float) -> float:
    # 1 / (u / μ) has an inverse Gaussian distribution of mean 1 and shape s, whose distribution function is known
    r = _ratio(s)
    total = np.sqrt(2 * np.pi * r / s) * np.exp(0.5 * s * (1 / r + r) - s) / r
    if np.isinf(x):
        return float(total)
    if x <= 0:
        return 0.0
    z = 1 / (r * x)
    root = np.sqrt(s / z)
    below = special.ndtr(root * (z - 1)) + np.exp(2 * s + special.log_ndtr(-root * (z + 1)))
    return float(total * (1 - below))


def _ldrw_mean(s: float) -> float:
    # μ (1 + 1/s) over the mode r μ
    return (1 + 1 / s) / _ratio(s)


SHAPES: dict[str, Shape] = {
    "lognormal": Shape(
        "lognormal", (0.05, 1.6), (1.1, 0.7, 0.45, 0.3, 0.18),
        _lognormal, _lognormal_inflections, _lognormal_area, _lognormal_mean,
    ),
    "gamma_variate": Shape(
        "gamma_variate", (1.05, 200.0), (1.2, 2.2, 5.0, 12.0, 35.0), _gamma, _gamma_inflections, _gamma_area, _gamma_mean,
    ),
    "ldrw": Shape("ldrw", (0.1, 200.0), (0.4, 1.2, 4.0, 12.0, 35.0), _ldrw, _ldrw_inflections, _ldrw_area, _ldrw_mean),
}  # fmt: skip
