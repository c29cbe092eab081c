"""Pulsed-wave Doppler strips: calibration, envelope, and the indices of whole heart beats."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from radiogen.errors import Problem, fail, problem
from radiogen.imaging.flow.beats import Beat, find_beats
from radiogen.imaging.flow.envelope import Trace, trace_envelope
from radiogen.imaging.image import Image, coloured_pixels, positive
from radiogen.imaging.region import CM_PER_SECOND, SECONDS, Region
from radiogen.imaging.regions import Box, box_mask, box_slices

#: what is measured in a strip
SPECTRUM_NAMES = (
    "psv_cm_s", "edv_cm_s", "ri", "pi", "sd_ratio", "tamv_cm_s", "heart_rate_per_min", "n_beats", "beat_variation_pct",
)  # fmt: skip
#: below these the spectrum is no measurement: contrast in SDs of the background, share of columns with a spectrum
_LEAST_SNR, _LEAST_SHARE = 3.0, 0.3
#: a good measurement has at least so many beats that differ by at most so many percent, and so many columns traced
_GOOD_BEATS, _GOOD_VARIATION, _GOOD_SHARE = 2, 15.0, 0.9
#: seconds averaged along the envelope to place it within its row
_ALONG_S = 0.012
#: where more of the strip is coloured, the scanner shows its spectra in colour, and colours are no marks
_TINTED = 0.2
#: spectra at the end of the scale for longer than this share of a beat hide its peak
_CLIPPED = 0.02


@dataclass(frozen=True)
class Calibration:
    """Where a strip lies and what its pixels mean.

    Parameters
    ----------
    box : (int, int, int, int)
        Top, bottom, left, right of the strip in the picture, from 0, both ends inside.
    cm_s_per_px, s_per_px : float
        Velocity per row and time per column.
    baseline_row : float
        Row of velocity zero in the picture; it may lie at the border of the strip.
    """

    box: Box
    cm_s_per_px: float
    s_per_px: float
    baseline_row: float


@dataclass(frozen=True, eq=False)
class Spectrum:
    """What was measured in a pulsed-wave Doppler strip.

    Parameters
    ----------
    calibration : Calibration
    envelope_cm_s : ndarray of float64, one per column of the strip
        Maximum velocity: positive in the main direction of flow, negative where the flow is reversed, 0 where no
        spectrum is seen (no flow, or slower than the wall filter).
    direction : {1, -1}
        1 where the main flow is shown above the baseline, -1 where below.
    beats : tuple of Beat
        Whole beats, in cm/s and seconds from the left border of the strip.
    values : mapping of str to float
        Numbers by the names of :data:`SPECTRUM_NAMES`; what could not be measured is not in it.
    missing : mapping of str to str
        Why, by name.
    quality : mapping of str to float
        ``spectrum_snr``, ``traced_share``, ``other_side_share``, ``clipped_share`` and ``reliable`` (1 or 0).
    problems : tuple of Problem
        RG524 where PSV could not be measured.
    """

    calibration: Calibration
    envelope_cm_s: NDArray[np.float64]
    direction: int
    beats: tuple[Beat, ...]
    values: Mapping[str, float]
    missing: Mapping[str, str]
    quality: Mapping[str, float]
    problems: tuple[Problem, ...] = field(default=())

    @property
    def reliable(self) -> bool:
        """Whether there are two beats that differ by at most 15 %, traced in 90 % of the columns, and not clipped."""
        return bool(self.quality["reliable"])


def measure_spectrum(
    image: Image | NDArray[np.float64] | NDArray[np.uint8],
    *,
    box: Box | None = None,
    cm_s_per_px: float | None = None,
    s_per_px: float | None = None,
    baseline_row: float | None = None,
) -> Spectrum:
    """Trace the envelope of a pulsed-wave Doppler spectrum and measure it over whole beats.

    Parameters
    ----------
    image : Image or ndarray, H × W or H × W × 3
        A still with the strip.
    box : (top, bottom, left, right), optional
        Place of the strip in pixels from 0, both ends inside.  Default: the DICOM region of the spectrum; without
        one the whole picture is the strip.
    cm_s_per_px, s_per_px : float, optional
        Velocity per row and seconds per column.  Default: from the DICOM region.
    baseline_row : float, optional
        Row of velocity zero, in the picture.  Default: from the DICOM region.

    Returns
    -------
    Spectrum
        Velocities are those shown: where the examiner set the angle correction they are corrected, where not they are
        not; the picture does not tell.  ``ri`` = (PSV − EDV) / PSV and ``pi`` = (PSV − EDV) / TAMV, where PSV and EDV
        are means over the whole beats and TAMV is the mean over time of the maximum velocity, from the first foot to
        the last; ``sd_ratio`` = PSV / EDV; ``beat_variation_pct`` is the coefficient of variation of the beats' PSV.

    Raises
    ------
    RadiogenError
        RG523 where the calibration is neither in the file nor declared, RG511 for a loop, RG708 for a box or a
        baseline outside the picture, or a scale that is not above zero.

    Notes
    -----
    The side of the baseline with more spectrum gives the direction.  Where only the other side has a spectrum the flow
    is reversed, and EDV may be negative (RI is then above 1).  Coloured marks (ECG, the scanner's own trace) are
    taken out first.  A spectrum that reaches the end of the scale hides its peak, or comes back at the other end
    (aliasing, which is not undone): then PSV, RI, PI, S/D and TAMV are missing.

    References
    ----------
    Pourcelot L. Applications cliniques de l'examen Doppler transcutané. In: Vélocimétrie ultrasonore Doppler. Paris:
    INSERM; 1974:213-240 (resistive index).

    Gosling RG, King DH. Arterial assessment by Doppler-shift ultrasound. Proc R Soc Med 1974;67(6):447-449.
    doi:10.1177/00359157740676P113

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.imaging.flow.spectrum import measure_spectrum
    >>> time = np.arange(400) * 0.01
    >>> velocity = 5 + 10 * np.clip(1 - (time % 0.8) / 0.6, 0, 1)         # 15 falls to 5 cm/s, 75 times a minute
    >>> height = 100 - np.arange(120)[:, None]                            # rows above the baseline, row 100
    >>> strip = np.where((height > 0) & (height <= velocity / 0.2), 180.0, 10.0)
    >>> found = measure_spectrum(strip, cm_s_per_px=0.2, s_per_px=0.01, baseline_row=100)
    >>> found.values["n_beats"], round(found.values["heart_rate_per_min"]), round(found.values["edv_cm_s"])
    (3.0, 75, 5)
    """
    scale = calibrate(image, box=box, cm_s_per_px=cm_s_per_px, s_per_px=s_per_px, baseline_row=baseline_row)
    strip = _strip(_pixels(image), scale.box)
    averaged = max(1, 2 * round(_ALONG_S / scale.s_per_px) + 1)
    trace = trace_envelope(strip, scale.baseline_row - scale.box[0], min(averaged, 9))
    envelope = trace.height_px * scale.cm_s_per_px
    reason = _no_envelope(trace)
    beats = () if reason else find_beats(envelope, scale.s_per_px)
    if not reason and not beats:
        reason = "no whole heart beat was found"
    clipped = _clipped_share(trace, beats, scale.s_per_px)
    values, missing = _indices(beats, reason, clipped > _CLIPPED)
    quality = {
        "spectrum_snr": trace.snr if math.isfinite(trace.snr) else 999.0,
        "traced_share": trace.traced_share,
        "other_side_share": trace.other_share,
        "clipped_share": clipped,
    }
    good = len(beats) >= _GOOD_BEATS and values.get("beat_variation_pct", math.inf) <= _GOOD_VARIATION
    quality["reliable"] = float(good and trace.traced_share >= _GOOD_SHARE and clipped <= _CLIPPED)
    found = (problem("RG524", _said(missing)),) if "psv_cm_s" in missing else ()
    return Spectrum(scale, envelope, trace.direction, beats, values, missing, quality, found)


def calibrate(
    image: Image | NDArray[np.float64] | NDArray[np.uint8],
    *,
    box: Box | None = None,
    cm_s_per_px: float | None = None,
    s_per_px: float | None = None,
    baseline_row: float | None = None,
) -> Calibration:
    """Place and scale of a strip: what is declared, and from the DICOM region what is not.

    Of several spectrum regions the largest is taken (duplex pictures have one).  The region must give rows in cm/s
    and columns in seconds; a spectrum in kHz is no velocity.

    Raises
    ------
    RadiogenError
        As :func:`measure_spectrum`.
    """
    declared = {"cm_s_per_px": cm_s_per_px, "s_per_px": s_per_px}
    for name, value in declared.items():
        if value is not None and not positive(value):
            raise fail("RG708", f"{name} must be above zero", value=value)
    if isinstance(image, Image) and image.is_loop:
        raise fail("RG511", f"the image is a loop of {image.n_frames} frames; a spectrum is one still picture")
    shape = image.shape if isinstance(image, Image) else (int(image.shape[0]), int(image.shape[1]))
    region = _region(image) if isinstance(image, Image) else None
    if region is not None:
        row, column, zero = _of_region(region)
        cm_s_per_px, s_per_px = cm_s_per_px or row, s_per_px or column
        baseline_row = zero if baseline_row is None else baseline_row
        inside = (max(region.rows[0], 0), min(region.rows[1], shape[0] - 1),
                  max(region.columns[0], 0), min(region.columns[1], shape[1] - 1))  # fmt: skip
        box = inside if box is None else box
    if cm_s_per_px is None or s_per_px is None or baseline_row is None:
        have = {"cm_s_per_px": cm_s_per_px, "s_per_px": s_per_px, "baseline_row": baseline_row}
        names = ", ".join(name for name, value in have.items() if value is None)
        where = "the DICOM region of the spectrum does not give" if region is not None else "the picture does not say"
        raise fail("RG523", f"{where} {names}", column=names.split(", ")[0])
    box = (0, shape[0] - 1, 0, shape[1] - 1) if box is None else box
    box_mask(box, shape)  # RG708 where it leaves the picture
    if not box[0] - 1 <= baseline_row <= box[1] + 1:
        raise fail("RG708", f"the baseline (row {baseline_row:g}) lies outside the strip (rows {box[0]} to {box[1]})",
                   column="baseline_row", value=baseline_row)  # fmt: skip
    return Calibration(box, float(cm_s_per_px), float(s_per_px), float(baseline_row))


def _region(image: Image) -> Region | None:
    found = image.regions_of("spectrum")
    return max(found, key=lambda r: r.area) if found else None


def _of_region(region: Region) -> tuple[float | None, float | None, float | None]:
    """cm/s per row, s per column and the row of zero; None for what the region does not give."""
    row = column = zero = None
    if region.delta is not None:
        down, right = region.delta
        if region.units[0] == CM_PER_SECOND and positive(abs(down)):
            row = abs(down)
            if region.reference_pixel is not None:
                value = 0.0 if region.reference_value is None else region.reference_value[0]
                zero = region.reference_pixel[0] - value / down
        if region.units[1] == SECONDS and positive(abs(right)):
            column = abs(right)
    return row, column, zero


def _pixels(image: Image | NDArray[np.float64] | NDArray[np.uint8]) -> NDArray[np.float64]:
    """The picture as H × W × 3 or H × W float64."""
    return np.asarray(image.pixels if isinstance(image, Image) else image, dtype=np.float64)


def _strip(pixels: NDArray[np.float64], box: Box) -> NDArray[np.float64]:
    """The strip in grey, without coloured marks; a strip shown in colour counts by its largest channel."""
    crop = pixels[box_slices(box)]
    if crop.ndim == 2:
        return crop
    coloured = coloured_pixels(crop)
    grey = crop.max(axis=2)
    if coloured.mean() > _TINTED or not coloured.any():
        return np.asarray(grey, dtype=np.float64)
    without = np.where(coloured, 0.0, grey)
    for _ in range(3):  # marks are a few pixels wide: neighbours that are not coloured step in
        without = np.where(coloured, median_filter(without, size=5), without)
    return np.asarray(without, dtype=np.float64)


def _no_envelope(trace: Trace) -> str:
    if trace.snr < _LEAST_SNR or trace.traced_share < _LEAST_SHARE:
        return "no envelope could be traced"
    return ""


def _clipped_share(trace: Trace, beats: tuple[Beat, ...], s_per_px: float) -> float:
    """Share of the columns of the whole beats (of all, where there is none) in which the spectrum leaves the strip."""
    if not beats:
        return float(trace.clipped.mean())
    first, last = round(beats[0].start_s / s_per_px), round(beats[-1].end_s / s_per_px)
    return float(trace.clipped[max(first, 0) : last + 1].mean())


def _indices(beats: tuple[Beat, ...], reason: str, clipped: bool) -> tuple[dict[str, float], dict[str, str]]:
    if reason:
        missing = dict.fromkeys(SPECTRUM_NAMES, reason)
        del missing["n_beats"]
        return {"n_beats": 0.0}, missing
    psv = np.array([b.psv for b in beats])
    length = np.array([b.end_s - b.start_s for b in beats])
    top, low = float(psv.mean()), float(np.mean([b.edv for b in beats]))
    mean = float(np.average([b.mean for b in beats], weights=length))
    values = {
        "psv_cm_s": top, "edv_cm_s": low, "ri": (top - low) / top, "pi": (top - low) / mean, "tamv_cm_s": mean,
        "heart_rate_per_min": 60 / float(length.mean()), "n_beats": float(len(beats)),
    }  # fmt: skip
    missing = {}
    if low > 0:
        values["sd_ratio"] = top / low
    else:
        missing["sd_ratio"] = "there is no forward flow at the end of diastole"
    if len(beats) > 1:
        values["beat_variation_pct"] = 100 * float(psv.std(ddof=1)) / top
    else:
        missing["beat_variation_pct"] = "there is only one whole beat"
    if clipped:
        for name in ("psv_cm_s", "ri", "pi", "sd_ratio", "tamv_cm_s", "beat_variation_pct"):
            values.pop(name, None)
            missing[name] = "the spectrum reaches the end of the scale"
    return values, missing


def _said(missing: Mapping[str, str]) -> str:
    """The reasons in one sentence."""
    reasons = list(dict.fromkeys(missing.values()))
    return "; ".join(f"{reason} ({', '.join(n for n, r in missing.items() if r == reason)} missing)" for reason in reasons)
