"""Gabor filters: waves of one length and direction under a Gaussian envelope."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from math import ceil, cos, hypot, log, pi, radians, sin, sqrt

import numpy as np
from numpy.typing import NDArray

from radiogen.features.radiomics.filters.mirrored import POOLING, mirrored
from radiogen.features.radiomics.filters.naming import gabor_variants, names_of
from radiogen.features.radiomics.filters.view import Options, Response, View

#: the kernel ends where its envelope is below this
_NEGLIGIBLE = 1e-10


def apply(view: View, options: Options) -> Iterator[Response]:
    """The modulus of the response, one image per ``gaborSigma``, ``gaborWavelength`` (both mm) and ``gaborAngle``.

    With ``gaborRotationStep`` the responses at all multiples of that angle are pooled (``gaborPooling``).

    References
    ----------
    Whybra P, Zwanenburg A et al. Radiology 2024;310(2):e231319. doi:10.1148/radiol.231319
    """
    aspect = float(options.get("gaborAspect", 1.0))
    for name, (sigma, wavelength, angle) in zip(names_of("Gabor", options), gabor_variants(options), strict=True):
        angles = [angle] if angle is not None else _turns(options["gaborRotationStep"])
        maps = [_modulus(view, kernel(sigma, wavelength, aspect, a, view.spacing_mm)) for a in angles]
        yield name, maps[0] if angle is not None else POOLING[options.get("gaborPooling", "mean")](maps)


def _turns(step: float) -> list[float]:
    """Half a turn is enough: the modulus of the response is the same from the other side."""
    return [k * step for k in range(round(180 / step))]


@lru_cache(maxsize=64)
def kernel(
    sigma: float, wavelength: float, aspect: float, angle: float, spacing_mm: tuple[float, float]
) -> NDArray[np.complex128]:
    """exp(-(x'² + γ² y'²) / 2 σ² + 2 π i x' / λ), the axis x' turned clockwise by ``angle`` degrees from the rows.

    Parameters
    ----------
    sigma, wavelength : float
        In mm.
    aspect : float
        γ; below 1 the envelope is longer across the wave than along it.
    angle : float
        In degrees, clockwise as the image is shown; 0: the wave runs along the rows.
    spacing_mm : (float, float)
        Per row and per column.
    """
    theta = radians(angle)
    reach = sigma * sqrt(-2 * log(_NEGLIGIBLE))
    half_down = ceil(hypot(reach * sin(theta), reach / aspect * cos(theta)) / spacing_mm[0])
    half_across = ceil(hypot(reach * cos(theta), reach / aspect * sin(theta)) / spacing_mm[1])
    y, x = np.mgrid[-half_down : half_down + 1, -half_across : half_across + 1].astype(np.float64)
    x, y = x * spacing_mm[1], y * spacing_mm[0]
    along, beside = x * cos(theta) + y * sin(theta), y * cos(theta) - x * sin(theta)
    found: NDArray[np.complex128] = np.exp(
        -(along**2 + (aspect * beside) ** 2) / (2 * sigma**2) + 2j * pi * along / wavelength
    )
    return found


def _modulus(view: View, weights: NDArray[np.complex128]) -> NDArray[np.float64]:
    from scipy.signal import oaconvolve

    down, across = weights.shape[0] // 2, weights.shape[1] // 2
    around = mirrored(view.image, view.box, down, across)
    return np.ascontiguousarray(np.abs(oaconvolve(around, weights, mode="valid")))
