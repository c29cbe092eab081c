"""Local phase: where the shape of the grey profile, whatever its contrast, is that of an edge.

A step between dark and bright keeps its local phase when gain or attenuation change its height, which makes it
the edge sign of choice in ultrasound.  Phase comes from the monogenic signal: the picture, band-passed by a
log-Gabor filter (the even part), and the two parts of its Riesz transform (the odd part, a vector).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radiogen.errors import fail

Floats = NDArray[np.float64]
#: ratio of the spread of the log-Gabor filter to its centre frequency: about two octaves
BANDWIDTH = 0.55


@dataclass(frozen=True)
class Monogenic:
    """A picture seen through one band: even part, and odd part as a vector that points to the bright side."""

    even: Floats
    odd_rows: Floats
    odd_columns: Floats


@dataclass(frozen=True)
class Edges:
    """Step edges of a picture.

    Parameters
    ----------
    strength : ndarray, H × W
        Feature asymmetry, 0 (no step) to 1.
    rows, columns : ndarray, H × W
        Unit vector from the dark side to the bright one.
    """

    strength: Floats
    rows: Floats
    columns: Floats

    def along(self, rows: Floats, columns: Floats) -> Floats:
        """Strength of the steps from dark to bright in a direction (unit vectors); negative from bright to dark."""
        return self.strength * (self.rows * rows + self.columns * columns)


def monogenic(picture: Floats, wavelength: float, *, bandwidth: float = BANDWIDTH) -> Monogenic:
    """The monogenic signal of a picture in one band.

    Parameters
    ----------
    picture : ndarray, H × W
        Grey values.
    wavelength : float
        Centre of the band, in pixels; at least 2.
    bandwidth : float, default 0.55
        Spread of the log-Gabor filter over its centre frequency, between 0 and 1.

    Returns
    -------
    Monogenic

    Raises
    ------
    RadiogenError
        RG708 for a wavelength below 2 pixels.

    References
    ----------
    Felsberg M, Sommer G (2001) IEEE Trans Signal Process 49:3136-3144, doi 10.1109/78.969520.

    Examples
    --------
    At a step from dark to bright the odd part points to the bright side and the even part is nil.

    >>> import numpy as np
    >>> from radiogen.imaging.outlines.phase import monogenic
    >>> step = np.repeat(np.repeat([[0.0, 1.0]], 32, axis=1), 16, axis=0)
    >>> signal = monogenic(step, 16)
    >>> bool(signal.odd_columns[8, 32] > 0.1), bool(abs(signal.odd_rows[8, 32]) < 1e-9)
    (True, True)
    """
    if not wavelength >= 2:
        raise fail("RG708", "a wavelength has at least 2 pixels", value=wavelength)
    height, width = picture.shape
    # mirrored beyond the border, since the Fourier transform would join opposite sides
    half = (height // 2, width // 2)
    padded = np.pad(picture, ((half[0], half[0]), (half[1], half[1])), mode="symmetric")
    spectrum = np.fft.fft2(padded)
    rows, columns = np.fft.fftfreq(padded.shape[0])[:, None], np.fft.fftfreq(padded.shape[1])[None, :]
    radius = np.hypot(rows, columns)
    radius[0, 0] = 1.0
    band = np.exp(-(np.log(radius * wavelength) ** 2) / (2 * np.log(bandwidth) ** 2))
    band[0, 0] = 0.0
    passed = spectrum * band
    inner = (slice(half[0], half[0] + height), slice(half[1], half[1] + width))
    parts = (passed, passed * (1j * rows / radius), passed * (1j * columns / radius))
    even, odd_rows, odd_columns = (np.fft.ifft2(part).real[inner] for part in parts)
    return Monogenic(even, odd_rows, odd_columns)


def phase_edges(picture: Floats, wavelengths: Sequence[float]) -> Edges:
    """Step edges by feature asymmetry, the mean over several bands.

    In every band the asymmetry is ``max(|odd| − |even| − T, 0) / amplitude``: 1 at a clean step, 0 on lines, in
    flat parts and in noise.  The threshold T is the geometric mean of the amplitude over the picture, so that
    what has the strength of the speckle is no edge.

    Parameters
    ----------
    picture : ndarray, H × W
    wavelengths : sequence of float
        In pixels, at least one.

    Returns
    -------
    Edges

    Raises
    ------
    RadiogenError
        RG708 without a wavelength, or with one below 2 pixels.

    References
    ----------
    Kovesi P (1999) Videre 1(3):1-26; Mulet-Parada M, Noble JA (2000) Med Image Anal 4:21-30,
    doi 10.1016/S1361-8415(00)00006-2; Belaid A et al. (2011) IEEE Trans Inf Technol Biomed 15:138-147,
    doi 10.1109/TITB.2010.2090889.

    Examples
    --------
    The same step at a tenth of its height is the same edge.

    >>> import numpy as np
    >>> from radiogen.imaging.outlines.phase import phase_edges
    >>> step = np.repeat(np.repeat([[0.0, 1.0]], 32, axis=1), 64, axis=0)
    >>> high, low = phase_edges(step, [16]).strength, phase_edges(step / 10, [16]).strength
    >>> bool(high[32, 31] > 0.5), bool(np.allclose(high, low))
    (True, True)
    """
    if not len(wavelengths):
        raise fail("RG708", "at least one wavelength is needed")
    strength, rows, columns = (np.zeros(picture.shape) for _ in range(3))
    tiny = 1e-9 * float(np.ptp(picture)) + 1e-300
    for wavelength in wavelengths:
        signal = monogenic(picture, wavelength)
        odd = np.hypot(signal.odd_rows, signal.odd_columns)
        amplitude = np.hypot(signal.even, odd) + tiny
        threshold = np.exp(np.log(amplitude).mean())
        strength += np.maximum(odd - np.abs(signal.even) - threshold, 0) / amplitude / len(wavelengths)
        rows += signal.odd_rows
        columns += signal.odd_columns
    length = np.hypot(rows, columns) + tiny
    return Edges(strength, rows / length, columns / length)
