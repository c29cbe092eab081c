"""Bolus models against integrals worked out by other means, fits against known curves, and curves that are none."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import gamma, invgauss, lognorm

from radiogen.errors import RadiogenError
from radiogen.imaging.bolus.kinetics import PARAMETERS, fit_curve
from radiogen.imaging.bolus.shapes import SHAPES

MODELS = tuple(SHAPES)
SHAPE = {"lognormal": 0.5, "gamma_variate": 3.0, "ldrw": 3.0}


def bolus(times: np.ndarray, model: str = "lognormal", t0: float = 5.0, m: float = 12.0, pe: float = 100.0) -> np.ndarray:
    return pe * SHAPES[model].curve((times - t0) / m, SHAPE[model])


# -- the models ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("which", range(5))
def test_areas_means_and_inflections_are_those_of_numerical_integration(model: str, which: int) -> None:
    shape = SHAPES[model]
    s = shape.starts[which]

    def f(x: float) -> float:
        return float(shape.curve(np.array([x]), s)[0])

    ranges = ((0, 1), (1, 6), (6, np.inf))
    parts = [quad(g, a, b, limit=300)[0] for g in (f, lambda x: x * f(x)) for a, b in ranges]
    area, moment = sum(parts[:3]), sum(parts[3:])
    assert f(1.0) == pytest.approx(1.0)
    assert shape.area_to(math.inf, s) == pytest.approx(area, rel=1e-8)
    assert shape.area_to(1.0, s) == pytest.approx(parts[0], rel=1e-8)
    assert shape.area_to(0.0, s) == 0.0
    assert shape.mean(s) == pytest.approx(moment / area, rel=1e-8)
    x = np.linspace(0.01, 6, 60_001)
    slopes = np.gradient(shape.curve(x, s), x)
    assert shape.inflections(s) == pytest.approx((x[slopes.argmax()], x[slopes.argmin()]), abs=3e-4)


@pytest.mark.parametrize("model", MODELS)
def test_derivatives_are_those_of_finite_differences(model: str) -> None:
    x, s, h = np.array([0.3, 0.9, 2.0]), SHAPE[model], 1e-6
    _, by_x, by_s = SHAPES[model].log_curve(x, s)
    value = SHAPES[model].log_curve
    np.testing.assert_allclose(by_x, (value(x + h, s)[0] - value(x - h, s)[0]) / (2 * h), rtol=1e-6)
    np.testing.assert_allclose(by_s, (value(x, s + h)[0] - value(x, s - h)[0]) / (2 * h), rtol=1e-6)


def test_the_curves_are_the_densities_of_scipy_scaled_to_their_peak() -> None:
    x = np.linspace(0.05, 5, 50)
    # lognormal of mode 1: mu = sigma²; gamma of mode 1: shape s + 1, scale 1 / s
    law = lognorm(0.5, scale=np.exp(0.25))
    np.testing.assert_allclose(SHAPES["lognormal"].curve(x, 0.5), law.pdf(x) / law.pdf(1.0))
    law = gamma(4.0, scale=1 / 3)
    np.testing.assert_allclose(SHAPES["gamma_variate"].curve(x, 3.0), law.pdf(x) / law.pdf(1.0))
    # LDRW of mu = 1: the density of 1/z with z inverse Gaussian of mean 1 and shape 3, its mode at r
    r = (np.sqrt(37) - 1) / 6
    law = invgauss(1 / 3, scale=3.0)

    def density(u: np.ndarray) -> np.ndarray:
        return law.pdf(1 / u) / u**2

    np.testing.assert_allclose(SHAPES["ldrw"].curve(x, 3.0), density(x * r) / density(np.array(r)), rtol=1e-10)


# -- parameters ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS)
def test_a_clean_curve_gives_its_parameters_back(model: str) -> None:
    times = np.arange(0, 90, 0.25)
    curve = bolus(times, model) + 7.0
    before = curve.copy()
    fit = fit_curve(times, curve, model)
    np.testing.assert_array_equal(curve, before)
    shape, s = SHAPES[model], SHAPE[model]
    assert fit.ok and fit.missing == {}
    assert fit.peak_enhancement == pytest.approx(100, rel=1e-4)  # amplitude is kept, above the offset
    assert fit.offset == pytest.approx(7, abs=1e-2)
    assert fit.time_to_peak_s == pytest.approx(17, rel=1e-4)
    assert fit.mean_transit_time_s == pytest.approx(12 * shape.mean(s), rel=1e-3)
    assert fit.auc == pytest.approx(1200 * shape.area_to(math.inf, s), rel=1e-3)
    # the others from the curve itself, on a fine grid: steepest tangents, trapezoids
    t = np.linspace(5.001, 90, 400_001)
    y = bolus(t, model)
    slope = np.gradient(y, t)
    rise, fall = int(slope.argmax()), int(slope.argmin())
    begin, end = t[rise] - y[rise] / slope[rise], t[fall] - y[fall] / slope[fall]
    assert fit.wash_in_rate == pytest.approx(slope[rise], rel=1e-3)
    assert fit.wash_out_rate == pytest.approx(-slope[fall], rel=1e-3)
    assert fit.arrival_time_s == pytest.approx(begin, rel=1e-3)
    assert fit.rise_time_s == pytest.approx(17 - begin, rel=1e-3)
    assert fit.fall_time_s == pytest.approx(end - 17, rel=1e-3)
    step = t[1] - t[0]
    wash_in, wash_out = y[(t >= begin) & (t <= 17)].sum() * step, y[(t >= 17) & (t <= end)].sum() * step
    assert fit.wash_in_auc == pytest.approx(wash_in, rel=2e-3)
    assert fit.wash_out_auc == pytest.approx(wash_out, rel=2e-3)
    assert fit.wash_in_wash_out_auc == pytest.approx(wash_in + wash_out, rel=2e-3)
    assert fit.wash_in_perfusion_index == pytest.approx(wash_in / (17 - begin), rel=2e-3)
    assert fit.arrival_time_s + fit.local_transit_time_s == pytest.approx(5 + 12 * shape.mean(s), rel=1e-3)
    assert fit.r2 > 0.9999
    np.testing.assert_allclose(fit.curve(times), curve, atol=0.02)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(("rate", "seconds"), [(2, 90), (10, 60)])
def test_median_errors_at_snr_10_are_below_5_percent(model: str, rate: int, seconds: int) -> None:
    rng = np.random.default_rng(7)
    times = np.arange(0, seconds, 1 / rate)
    errors = []
    for _ in range(24):
        t0, m = rng.uniform(0, 10), rng.uniform(8, 18)
        fit = fit_curve(times, bolus(times, model, t0, m) + rng.normal(0, 10, len(times)), model)
        shape, s = SHAPES[model], SHAPE[model]
        truth = (t0 + m, m * shape.mean(s), 100, 100 * m * shape.area_to(math.inf, s))
        found = (fit.time_to_peak_s, fit.mean_transit_time_s, fit.peak_enhancement, fit.auc)
        errors.append([abs(a / b - 1) for a, b in zip(found, truth, strict=True)])
    assert (np.median(errors, axis=0) < 0.05).all()


@pytest.mark.parametrize("truth", MODELS)
@pytest.mark.parametrize("model", MODELS)
def test_peak_times_and_areas_hold_where_the_model_is_another(truth: str, model: str) -> None:
    times = np.arange(0, 90, 0.2)
    fit = fit_curve(times, bolus(times, truth) + np.random.default_rng(3).normal(0, 5, len(times)), model)
    assert fit.time_to_peak_s == pytest.approx(17, rel=0.05)
    assert fit.peak_enhancement == pytest.approx(100, rel=0.05)
    assert fit.auc == pytest.approx(1200 * SHAPES[truth].area_to(math.inf, SHAPE[truth]), rel=0.08)
    # the mean time since the model's own origin moves with the origin; on the clock it holds
    mean = 5 + 12 * SHAPES[truth].mean(SHAPE[truth])
    assert fit.arrival_time_s + fit.local_transit_time_s == pytest.approx(mean, rel=0.08)


@pytest.mark.parametrize("height", [5.0, 100.0, 1e5])
def test_amplitudes_scale_with_the_curve_and_times_do_not(height: float) -> None:
    times = np.arange(0, 60, 0.5)
    noisy = bolus(times) + np.random.default_rng(0).normal(0, 5, len(times))
    fit, scaled = fit_curve(times, noisy), fit_curve(times, noisy * height / 100)
    assert scaled.peak_enhancement == pytest.approx(fit.peak_enhancement * height / 100, rel=1e-6)
    assert scaled.auc == pytest.approx(fit.auc * height / 100, rel=1e-6)
    assert scaled.time_to_peak_s == pytest.approx(fit.time_to_peak_s, rel=1e-6)
    later = fit_curve(times + 40, noisy)
    assert later.time_to_peak_s == pytest.approx(fit.time_to_peak_s + 40, rel=1e-5)
    assert later.rise_time_s == pytest.approx(fit.rise_time_s, rel=1e-4)


def test_irregular_times_and_missing_frames() -> None:
    rng = np.random.default_rng(1)
    times = np.sort(rng.uniform(0, 70, 250))
    values = bolus(times) + rng.normal(0, 5, 250)
    values[::6] = np.nan
    fit = fit_curve(times, values)
    assert fit.n_frames == np.isfinite(values).sum()
    assert fit.time_to_peak_s == pytest.approx(17, rel=0.03)
    assert fit.auc == pytest.approx(1704, rel=0.05)


def test_a_negative_offset_is_fitted_where_it_is_clear() -> None:
    times = np.arange(0, 60, 0.25)
    fit = fit_curve(times, bolus(times) - 20 + np.random.default_rng(2).normal(0, 3, len(times)))
    assert fit.offset == pytest.approx(-20, abs=1.5)
    assert fit.peak_enhancement == pytest.approx(100, rel=0.03)


def test_single_flashes_are_left_out() -> None:
    times = np.arange(0, 60, 0.2)
    values = bolus(times) + np.random.default_rng(4).normal(0, 3, len(times))
    values[[40, 200]] = 900, -400
    fit = fit_curve(times, values)
    assert fit.n_frames == len(times) - 2
    assert fit.auc == pytest.approx(1704, rel=0.03)


def test_noise_cut_off_at_black_does_not_lift_the_offset() -> None:
    times = np.arange(0, 90, 0.2)
    found = []
    for seed in range(5):
        noisy = bolus(times) + np.random.default_rng(seed).normal(0, 10, len(times))
        found.append(fit_curve(times, np.maximum(noisy, 0)).auc)
    # the mean of the positive part of the noise is 4; over 90 s a plain fit would miss 150 to 350 of the 1704
    assert np.median(found) == pytest.approx(1704, rel=0.04)


def test_the_first_pass_is_fitted_where_contrast_recirculates() -> None:
    times = np.arange(0, 90, 0.5)
    noise = np.random.default_rng(5).normal(0, 2, len(times))
    second = 20 * SHAPES["lognormal"].curve((times - 30) / 18, 0.4)
    fit = fit_curve(times, bolus(times) + second + noise)
    assert fit.fitted_until_s < 40
    assert fit.mean_transit_time_s == pytest.approx(17.46, rel=0.05)
    assert fit.auc == pytest.approx(1704, rel=0.03)
    assert fit_curve(times, bolus(times) + noise).fitted_until_s == times[-1]


# -- curves that cannot be measured ---------------------------------------------------------------------------------------

TIMES = np.arange(0, 60, 0.5)
NOISE = np.random.default_rng(6).normal(0, 1, len(TIMES))


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (np.zeros_like(TIMES), "flat: all its values are equal"),
        (np.full_like(TIMES, 1e5), "flat: all its values are equal"),
        (50 + NOISE, "flat: no rise and fall"),
        (100 * np.exp(-TIMES / 10) + NOISE, "begins after the steepest rise"),
        (bolus(TIMES, t0=-12), "begins after the steepest rise"),
        (100 - TIMES, "begins after the steepest rise"),
        (TIMES + NOISE, "ends before or at the peak"),
        (100 * (1 - np.exp(-TIMES / 10)) + NOISE, "ends before or at the peak"),
        (np.where(np.arange(len(TIMES)) < 7, 1.0 * np.arange(len(TIMES)), np.nan), "only 7 frames"),
        (np.full_like(TIMES, np.nan), "only 0 frames"),
    ],
)
def test_what_is_no_bolus_is_missing_with_a_reason(values: np.ndarray, reason: str) -> None:
    fit = fit_curve(TIMES, values)
    assert not fit.ok and reason in str(fit.reason)
    assert all(math.isnan(getattr(fit, name)) and reason in fit.missing[name] for name in PARAMETERS)
    assert np.isnan(fit.curve(TIMES)).all()


def test_two_frames_are_too_few() -> None:
    assert "only 2 frames" in str(fit_curve(np.array([0.0, 1.0]), np.array([0.0, 5.0])).reason)


def test_noise_alone_is_not_taken_for_a_bolus() -> None:
    rng = np.random.default_rng(8)
    assert not any(fit_curve(TIMES, 50 + rng.normal(0, 5, len(TIMES))).ok for _ in range(10))


def test_a_loop_that_ends_in_the_wash_out_lacks_what_leans_on_it() -> None:
    times = np.arange(0, 21, 0.25)  # the steepest fall is at 5 + 12 · 1.48 = 22.7 s
    fit = fit_curve(times, bolus(times) + np.random.default_rng(9).normal(0, 2, len(times)))
    assert fit.ok and fit.time_to_peak_s == pytest.approx(17, rel=0.03)
    assert fit.peak_enhancement == pytest.approx(100, rel=0.03)
    assert math.isnan(fit.auc) and math.isnan(fit.mean_transit_time_s)
    assert set(fit.missing) == {
        "mean_transit_time_s", "wash_out_rate", "wash_out_auc", "wash_in_wash_out_auc", "auc", "fall_time_s",
        "local_transit_time_s",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("times", "values", "model", "code"),
    [
        (TIMES[::-1], bolus(TIMES), "lognormal", "RG705"),
        (np.zeros_like(TIMES), bolus(TIMES), "lognormal", "RG705"),
        (np.where(TIMES == 3, np.nan, TIMES), bolus(TIMES), "lognormal", "RG705"),
        (TIMES[:-1], bolus(TIMES), "lognormal", "RG705"),
        (TIMES, bolus(TIMES), "weibull", "RG702"),
    ],
)
def test_wrong_calls_are_errors(times: np.ndarray, values: np.ndarray, model: str, code: str) -> None:
    with pytest.raises(RadiogenError) as caught:
        fit_curve(times, values, model)  # type: ignore[arg-type]
    assert caught.value.code == code
