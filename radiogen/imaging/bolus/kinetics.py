"""Curve models fitted to time-intensity curves, and the parameters of perfusion that follow from them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from radiogen.errors import fail
from radiogen.imaging.bolus.fitting import MIN_FRAMES, Bolus, fit_bolus
from radiogen.imaging.bolus.shapes import SHAPES, Model, Shape

Floats = NDArray[np.float64]

#: parameters of :class:`CurveFit` that a fit gives, in the order of the tables
PARAMETERS = (
    "peak_enhancement", "time_to_peak_s", "rise_time_s", "mean_transit_time_s", "wash_in_rate", "wash_out_rate",
    "wash_in_auc", "wash_out_auc", "wash_in_wash_out_auc", "auc", "wash_in_perfusion_index", "fall_time_s",
    "arrival_time_s", "local_transit_time_s",
)  # fmt: skip
#: those that lean on the wash-out
_OF_WASH_OUT = (
    "mean_transit_time_s", "wash_out_rate", "wash_out_auc", "wash_in_wash_out_auc", "auc", "fall_time_s",
    "local_transit_time_s",
)  # fmt: skip
#: those that take in the tail beyond the loop, and the share of the area that must have been seen for them to stand
_OF_TAIL = ("mean_transit_time_s", "auc", "local_transit_time_s")
_SEEN = 1 / 2
#: the rise in sum of squares by the bolus, over the variance of the noise, below which a curve counts as flat
_FLAT = 40.0
#: and the share of the variance that the bolus must explain at least
_FLAT_R2 = 0.25
#: the share of its height by which a curve must have fallen in the last frame for its peak to have been seen
_FALLEN = 0.03


@dataclass(frozen=True)
class CurveFit:
    """A bolus fitted to a time-intensity curve; NaN where a parameter is missing.

    Amplitudes are in the unit u of the intensities, above the offset; areas in u · s, slopes in u / s.

    Parameters
    ----------
    model : {"lognormal", "gamma_variate", "ldrw"}
    reason : str or None
        Why nothing could be measured; None where the fit stands.
    missing : mapping of str to str
        Reasons by parameter; complete where ``reason`` is given, else the parameters of the wash-out where the loop
        ends before it.
    peak_enhancement : float
        PE: height of the peak above the offset.
    time_to_peak_s : float
        TTP: time of the peak on the clock of ``times_s``, from its zero (the first frame, or the injection where the
        times count from there).  From arrival it is the rise time.
    arrival_time_s : float
        t0: where the tangent at the steepest rise meets the offset.
    rise_time_s : float
        RT = TTP − t0.
    fall_time_s : float
        FT: from the peak to where the tangent at the steepest fall meets the offset.
    mean_transit_time_s : float
        mTT: mean of the time since the origin of the model, with the bolus as its density: exp(μ + σ²/2) of the
        lognormal, (α + 1) β of the gamma variate, μ (1 + 1/λ) of the LDRW.
    local_transit_time_s : float
        The same mean, counted from the arrival t0 in place of the model's origin ("mTT local").
    wash_in_rate, wash_out_rate : float
        WiR, WoR: steepest rise and steepest fall, both positive.
    wash_in_auc, wash_out_auc, wash_in_wash_out_auc : float
        WiAUC from t0 to the peak, WoAUC from the peak to the end of the fall time, WiWoAUC their sum.
    auc : float
        The whole area under the bolus, its tail extrapolated by the model.
    wash_in_perfusion_index : float
        WiPI = WiAUC / RT.
    r2 : float
        Share of the variance of the frames used that the fit explains.
    noise_sd : float
        Standard deviation of the residuals.
    offset : float
        Intensity before arrival.
    origin_s, delay_s, shape : float
        The parameters of the model: its origin, the delay from there to the peak, and its shape (σ, α or λ).
    fitted_until_s : float
        Time of the last frame used; before the end of the loop where contrast recirculates.
    n_frames : int
        Number of frames used.
    """

    model: Model
    reason: str | None = None
    missing: Mapping[str, str] = field(default_factory=dict)
    peak_enhancement: float = math.nan
    time_to_peak_s: float = math.nan
    arrival_time_s: float = math.nan
    rise_time_s: float = math.nan
    fall_time_s: float = math.nan
    mean_transit_time_s: float = math.nan
    local_transit_time_s: float = math.nan
    wash_in_rate: float = math.nan
    wash_out_rate: float = math.nan
    wash_in_auc: float = math.nan
    wash_out_auc: float = math.nan
    wash_in_wash_out_auc: float = math.nan
    auc: float = math.nan
    wash_in_perfusion_index: float = math.nan
    r2: float = math.nan
    noise_sd: float = math.nan
    offset: float = math.nan
    origin_s: float = math.nan
    delay_s: float = math.nan
    shape: float = math.nan
    fitted_until_s: float = math.nan
    n_frames: int = 0

    @property
    def ok(self) -> bool:
        """Whether the curve could be measured."""
        return self.reason is None

    def curve(self, times_s: Floats) -> Floats:
        """The fitted curve, offset included, at any times; NaN where there is no fit."""
        times = np.asarray(times_s, dtype=np.float64)
        if not self.ok:
            return np.full_like(times, np.nan)
        x = (times - self.origin_s) / self.delay_s
        return np.asarray(self.offset + self.peak_enhancement * SHAPES[self.model].curve(x, self.shape))


def fit_curve(times_s: Floats, intensity: Floats, model: Model = "lognormal") -> CurveFit:
    """Fit the first pass of a bolus to a time-intensity curve.

    The curve is I(t) = C + PE · f((t − t0) / m; s): the offset C, the model's origin t0, the delay m from there to the
    peak and the shape s are fitted together with PE by least squares within bounds.

    Parameters
    ----------
    times_s : ndarray of float, length N
        Time of each frame in seconds, strictly increasing; intervals may differ.
    intensity : ndarray of float, length N
        Mean intensity of the region in each frame, linear where it is to be physical; NaN for frames left out.
        Not changed, and never scaled to its maximum.
    model : {"lognormal", "gamma_variate", "ldrw"}, default "lognormal"
        The lognormal function is the most used one and fits perfusion curves of tumours well (Strouthos 2010).

    Returns
    -------
    CurveFit
        With a reason and NaN in place of parameters where the curve has no wash-in that a model can describe: fewer
        than 8 frames, flat, past its steepest rise in the first frame, or not yet fallen by 3 % of PE in the
        last.  Where the loop
        ends before the steepest fall, only what leans on the wash-out is missing, and where less than half of the
        fitted area lies within the loop, what takes in its tail (mean transit times and the whole area).

    Raises
    ------
    RadiogenError
        RG702 unknown model; RG705 where lengths differ, times are not finite or do not increase.

    Notes
    -----
    Beginnings: a grid over the time of the peak, the delay and the shape, with PE and C in closed form; the three best
    are refined with analytic derivatives.  Bounds: t0 from a quarter of the loop before its first frame (a curve may
    begin between two frames, or with a slow rise), C not below 0 (intensity is a power) unless the frames are clearly
    below it, shapes as in :data:`radiogen.imaging.bolus.shapes.SHAPES`.

    Single frames far from both their neighbours (six robust standard deviations and a quarter of the range: a movement,
    a flash) are left out.  Where the frames after the first pass lie above what a fit of the first pass foretells, by more
    than noise and more than 4 % of PE, contrast recirculates: the parameters are then those of the first pass, up to
    the fall to 40 % of PE.

    Where a tenth of the frames or more share the lowest value, noise was cut off there (black of a log-compressed loop),
    which would lift the offset: then what lies as far above the curve as the cut lies below it is cut off as well, and
    the fit repeated (symmetrically trimmed least squares, Powell 1986).

    A curve is flat where the bolus lowers the sum of squares by less than 40 times the variance of the noise, or
    explains less than a quarter of the variance; noise alone reaches that in fewer than 1 of 1,000 curves.

    The parameters follow from the model, not from single frames: with f' at the inflections x1 < 1 < x2,
    WiR = PE f'(x1) / m, t0 = origin + m (x1 − f(x1) / f'(x1)), and likewise for the fall; areas are integrals of f in
    closed form.

    References
    ----------
    Dietrich CF et al. EFSUMB Technical Review – Update 2023: Dynamic Contrast-Enhanced Ultrasound (DCE-CEUS) for the
    Quantification of Tumor Perfusion. Ultraschall Med 2024;45:36–46. doi:10.1055/a-2157-2587.
    Strouthos C et al. Indicator dilution models for the quantification of microvascular blood flow with bolus
    administration of ultrasound contrast agents. IEEE Trans Ultrason Ferroelectr Freq Control 2010;57:1296–1310.
    Mischi M, den Boer JA, Korsten HHM. On the physical and stochastic representation of an indicator dilution curve as
    a gamma variate. Physiol Meas 2008;29:281–294. doi:10.1088/0967-3334/29/3/001.
    Powell JL. Symmetrically trimmed least squares estimation for Tobit models. Econometrica 1986;54:1435–1460.

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.imaging.bolus.kinetics import fit_curve
    >>> t = np.arange(0, 60, 0.5)
    >>> u = np.maximum(t - 5, 1e-9)            # a lognormal bolus that starts at 5 s, mu = 2.7, sigma = 0.5
    >>> bolus = 1000 / u / 0.5 / np.sqrt(2 * np.pi) * np.exp(-(np.log(u) - 2.7) ** 2 / (2 * 0.5**2))
    >>> fit = fit_curve(t, 3 + bolus)
    >>> round(fit.auc), round(fit.mean_transit_time_s, 2), round(float(np.exp(2.7 + 0.5**2 / 2)), 2)
    (1000, 16.86, 16.86)
    """
    if model not in SHAPES:
        raise fail("RG702", f"the curve models are {', '.join(SHAPES)}", value=model)
    times, values = _checked(times_s, intensity)
    known = np.isfinite(values)
    times, values = times[known], values[known]
    if len(times) < MIN_FRAMES:
        return _without(model, f"only {len(times)} frames with a value; {MIN_FRAMES} are needed")
    if np.ptp(values) <= 1e-9 * float(np.abs(values).max(initial=0.0)):
        return _without(model, "the curve is flat: all its values are equal")
    bolus = fit_bolus(times, values, SHAPES[model])
    reason = _no_bolus(bolus, times)
    return _without(model, reason) if reason else _measured(bolus, model, float(times[-1]))


def _checked(times_s: Floats, intensity: Floats) -> tuple[Floats, Floats]:
    times, values = np.asarray(times_s, dtype=np.float64), np.asarray(intensity, dtype=np.float64)
    if times.ndim != 1 or times.shape != values.shape:
        raise fail("RG705", f"times and intensities must be of one length, not {times.shape} and {values.shape}")
    if not np.isfinite(times).all() or (np.diff(times) <= 0).any():
        raise fail("RG705", "the times of the frames must be finite and increase from frame to frame")
    return times, values


def _without(model: Model, reason: str) -> CurveFit:
    return CurveFit(model, reason, dict.fromkeys((*PARAMETERS, "r2"), reason))


def _no_bolus(bolus: Bolus, times: Floats) -> str | None:
    """Why the best fit is no bolus with a wash-in and a peak inside the loop."""
    if bolus.gain < _FLAT or bolus.r2 < _FLAT_R2:
        return "the curve is flat: no rise and fall stands out from the noise"
    last = float(bolus.curve(times[-1:])[0]) - bolus.offset
    if bolus.peak_s >= times[-1] or last > (1 - _FALLEN) * bolus.height:
        return "the intensity has not fallen by the last frame: the loop ends before or at the peak"
    if bolus.at(bolus.kind.inflections(bolus.shape)[0]) <= times[0]:
        return "the loop begins after the steepest rise: its wash-in was not seen"
    return None


def _measured(bolus: Bolus, model: Model, end: float) -> CurveFit:
    kind, s, m, height = bolus.kind, bolus.shape, bolus.delay, bolus.height
    rising, falling = kind.inflections(s)
    slope_in, begin = _tangent(kind, s, rising)
    slope_out, finish = _tangent(kind, s, falling)
    area, peak_area = height * m, kind.area_to(1.0, s)
    wash_in = area * (peak_area - kind.area_to(begin, s))
    wash_out = area * (kind.area_to(finish, s) - peak_area)
    found = {
        "peak_enhancement": height,
        "time_to_peak_s": bolus.peak_s,
        "arrival_time_s": bolus.at(begin),
        "rise_time_s": m * (1 - begin),
        "fall_time_s": m * (finish - 1),
        "mean_transit_time_s": m * kind.mean(s),
        "local_transit_time_s": m * (kind.mean(s) - begin),
        "wash_in_rate": height / m * slope_in,
        "wash_out_rate": -height / m * slope_out,
        "wash_in_auc": wash_in,
        "wash_out_auc": wash_out,
        "wash_in_wash_out_auc": wash_in + wash_out,
        "auc": area * kind.area_to(math.inf, s),
        "wash_in_perfusion_index": wash_in / (m * (1 - begin)),
    }
    missing: dict[str, str] = {}
    if bolus.at(falling) > end:
        missing = dict.fromkeys(_OF_WASH_OUT, "the loop ends before the steepest fall: the wash-out would be extrapolated")
    seen = kind.area_to((end - bolus.origin) / m, s) / kind.area_to(math.inf, s)
    if seen < _SEEN:
        reason = f"only {seen:.0%} of the fitted curve's area lies within the loop: its tail would be guessed"
        missing = {**dict.fromkeys(_OF_TAIL, reason), **missing}
    found = {name: value for name, value in found.items() if name not in missing}
    return CurveFit(
        model, None, missing, **found, r2=bolus.r2, noise_sd=bolus.noise_sd, offset=bolus.offset, origin_s=bolus.origin,
        delay_s=m, shape=s, fitted_until_s=bolus.until, n_frames=bolus.n_frames,
    )  # fmt: skip


def _tangent(kind: Shape, s: float, x: float) -> tuple[float, float]:
    """Slope of f at x, and where the tangent there meets zero."""
    log, by_x, _ = kind.log_curve(np.array([x]), s)
    return float(np.exp(log[0]) * by_x[0]), float(x - 1 / by_x[0])
