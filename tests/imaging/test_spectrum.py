"""Pulsed-wave strips: calibration, envelope and indices against waveforms that are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from radiogen.errors import RadiogenError
from radiogen.imaging import Image
from radiogen.imaging.doppler import SPECTRUM_NAMES, measure_spectrum
from radiogen.imaging.flow.beats import find_beats
from radiogen.imaging.flow.envelope import trace_envelope
from radiogen.imaging.flow.spectrum import calibrate
from radiogen.imaging.region import Region

SCALE = {"cm_s_per_px": 0.2, "s_per_px": 0.01, "baseline_row": 120}


def triangle(seconds: float = 4.0, step: float = 0.01, low: float = 4.0, high: float = 20.0, rise: float = 0.1) -> np.ndarray:
    """A pulse every 0.8 s: a straight rise in 0.1 s from 4 to 20 cm/s and a straight fall back."""
    phase = (np.arange(0, seconds, step) + 0.3) % 0.8
    return np.where(phase < rise, low + (high - low) * phase / rise, high - (high - low) * (phase - rise) / (0.8 - rise))


def strip(velocity: np.ndarray, *, rows: int = 160, baseline: int = 120, scale: float = 0.2, dark: float = 15, bright: float = 170,
          noise: float = 0.0, blur: float = 0.0, seed: int = 0) -> np.ndarray:  # fmt: skip
    """Grey below a velocity, by the share of each pixel that it covers; noise is Gaussian and linear in grey."""
    height = baseline - np.arange(rows)[:, None]
    sign = 1 if velocity.mean() >= 0 else -1
    covered = np.clip(np.abs(velocity)[None] / scale - sign * height + 0.5, 0, 1) * (sign * height > 0)
    grey = dark + (bright - dark) * (gaussian_filter(covered, (blur, 0)) if blur else covered)
    return np.clip(grey + noise * np.random.default_rng(seed).standard_normal(grey.shape), 0, 255)


# -- a strip worked out by hand -----------------------------------------------------------


def test_a_clean_strip_gives_the_waveform_back() -> None:
    found = measure_spectrum(strip(triangle()), **SCALE)
    v = found.values
    # the mean of a triangle from 4 to 20 is 12; its RI is 16/20, its PI 16/12, its S/D 5; 75 beats a minute
    assert v["psv_cm_s"] == pytest.approx(20, rel=0.03)
    assert v["edv_cm_s"] == pytest.approx(4, abs=0.15)
    assert v["ri"] == pytest.approx(0.8, abs=0.01)
    assert v["tamv_cm_s"] == pytest.approx(12, rel=0.01)
    assert v["pi"] == pytest.approx(16 / 12, rel=0.03)
    assert v["sd_ratio"] == pytest.approx(5, rel=0.04)
    assert v["heart_rate_per_min"] == pytest.approx(75, rel=0.005)
    # feet at 0.5, 1.3, 2.1, 2.9 and 3.7 s
    assert v["n_beats"] == 4
    assert v["beat_variation_pct"] < 1
    assert found.reliable and not found.problems and found.direction == 1
    assert not set(SPECTRUM_NAMES) - set(v)
    np.testing.assert_allclose([b.start_s for b in found.beats], [0.5, 1.3, 2.1, 2.9], atol=0.02)


def test_flow_below_the_baseline_is_the_same_upside_down() -> None:
    up = measure_spectrum(strip(triangle(), rows=240), **SCALE)
    down = measure_spectrum(strip(-triangle(), rows=240), **SCALE)
    assert down.direction == -1
    for name in SPECTRUM_NAMES:
        assert down.values[name] == pytest.approx(up.values[name], rel=1e-3, abs=0.05)


def test_twice_the_scale_is_twice_the_velocity() -> None:
    picture = strip(triangle())
    one = measure_spectrum(picture, **SCALE).values
    two = measure_spectrum(picture, **{**SCALE, "cm_s_per_px": 0.4, "s_per_px": 0.005}).values
    for name, factor in {"psv_cm_s": 2, "edv_cm_s": 2, "ri": 1, "pi": 1, "heart_rate_per_min": 2}.items():
        # the widths of smoothing are in seconds, so that half the time per column smooths over more of them
        assert two[name] == pytest.approx(factor * one[name], rel=0.04), name


def test_text_and_coloured_marks_do_not_matter() -> None:
    plain = strip(triangle(), noise=12)
    colour = np.repeat(plain[..., None], 3, axis=2).astype(np.uint8)
    colour[10:18, 20:60] = 230  # a block of text
    colour[4:7, 200:260] = 200
    ecg = (150 - 6 * (np.arange(400) % 80 < 4)).astype(int)
    colour[ecg, np.arange(400)] = (0, 255, 0)
    colour[115, ::2] = (255, 255, 0)  # a dotted line through the spectrum
    expected, found = measure_spectrum(plain, **SCALE).values, measure_spectrum(colour, **SCALE).values
    for name in ("psv_cm_s", "edv_cm_s", "tamv_cm_s"):
        assert found[name] == pytest.approx(expected[name], rel=0.02)


def test_a_wall_filter_and_a_clear_window_do_not_matter() -> None:
    velocity = triangle()
    picture = strip(velocity, noise=10)
    height = 120 - np.arange(160)[:, None]
    picture = np.where((height >= -6) & (height <= 6), 15, picture)  # 1.2 cm/s
    blunt = (height > 8) & (height < velocity[None] / 0.2 - 18)
    picture[blunt] = 15
    found = measure_spectrum(picture, **SCALE).values
    assert found["psv_cm_s"] == pytest.approx(20, rel=0.04)
    assert found["edv_cm_s"] == pytest.approx(4, rel=0.05)


def test_no_flow_in_diastole() -> None:
    velocity = np.maximum(triangle(low=-6.0), 0)
    found = measure_spectrum(strip(velocity), **SCALE)
    assert found.values["edv_cm_s"] == 0
    assert found.values["ri"] == pytest.approx(1)
    assert "sd_ratio" not in found.values and "diastole" in found.missing["sd_ratio"]
    assert not found.problems


def test_reversed_flow_in_diastole_is_negative() -> None:
    velocity = triangle(low=-5.0)
    forward, back = strip(np.maximum(velocity, 0), rows=200), strip(np.minimum(velocity, -1e-9), rows=200)
    found = measure_spectrum(np.maximum(forward, back), **SCALE).values
    assert found["edv_cm_s"] == pytest.approx(-5, rel=0.08)
    assert found["ri"] > 1.2


# -- what cannot be measured ----------------------------------------------------------------


@pytest.mark.parametrize("kind", ["noise", "black", "steady", "short"])
def test_without_a_beat_indices_are_missing_with_a_reason(kind: str) -> None:
    pictures = {
        "noise": np.random.default_rng(1).uniform(0, 60, (160, 400)),
        "black": np.zeros((160, 400)),
        "steady": strip(np.full(400, 10.0), noise=10),
        "short": strip(triangle(0.7), noise=10),
    }
    found = measure_spectrum(pictures[kind], **SCALE)
    assert found.values == {"n_beats": 0.0}
    assert set(found.missing) == set(SPECTRUM_NAMES) - {"n_beats"}
    assert [p.code for p in found.problems] == ["RG524"]
    assert not found.reliable


def test_a_spectrum_beyond_the_scale_has_no_peak() -> None:
    found = measure_spectrum(strip(triangle(high=30.0)), **SCALE)  # the strip ends at 24 cm/s
    assert "psv_cm_s" not in found.values and "end of the scale" in found.missing["psv_cm_s"]
    assert found.values["edv_cm_s"] == pytest.approx(4, abs=0.15)
    assert found.quality["clipped_share"] > 0.1
    assert [p.code for p in found.problems] == ["RG524"]


# -- calibration ----------------------------------------------------------------------------


def region(**changes: object) -> Region:
    """A strip in rows 50 to 209: 0.2 cm/s a row, 0.01 s a column, zero in row 170."""
    usual = Region((50, 209), (10, 409), 3, 3, None, units=(7, 4), delta=(-0.2, 0.01), reference_pixel=(170, 10),
                   reference_value=(0.0, 0.0))  # fmt: skip
    return replace(usual, **changes)  # type: ignore[arg-type]


def duplex(*regions: Region) -> Image:
    pixels = np.full((220, 420), 90.0)
    pixels[50:210, 10:410] = strip(triangle())
    return Image(pixels, None, "DICOM", "MONOCHROME2", regions)


def test_calibration_from_the_file() -> None:
    found = measure_spectrum(duplex(Region((0, 45), (0, 419), 1, 1, (0.1, 0.1)), region()))
    scale = found.calibration
    assert (scale.box, scale.cm_s_per_px, scale.s_per_px, scale.baseline_row) == ((50, 209, 10, 409), 0.2, 0.01, 170)
    assert found.values["psv_cm_s"] == pytest.approx(20, rel=0.03)
    assert found.values["heart_rate_per_min"] == pytest.approx(75, rel=0.01)


def test_a_reference_value_moves_the_baseline() -> None:
    # 10 cm/s at row 120, -0.2 cm/s a row downwards: zero is 50 rows below
    assert calibrate(duplex(region(reference_pixel=(120, 10), reference_value=(10.0, 0.0)))).baseline_row == pytest.approx(170)


def test_what_is_declared_wins() -> None:
    assert calibrate(duplex(region()), cm_s_per_px=0.5, baseline_row=160).cm_s_per_px == 0.5
    assert calibrate(duplex(region()), baseline_row=160).baseline_row == 160


@pytest.mark.parametrize(
    ("changes", "word"),
    [({"units": (5, 4)}, "cm_s_per_px"), ({"units": (7, 3)}, "s_per_px"), ({"reference_pixel": None}, "baseline_row"),
     ({"delta": None}, "cm_s_per_px, s_per_px")],
)  # fmt: skip
def test_an_incomplete_region_is_refused(changes: dict[str, object], word: str) -> None:
    with pytest.raises(RadiogenError) as raised:
        measure_spectrum(duplex(region(**changes)))
    assert raised.value.code == "RG523" and word in str(raised.value)


@pytest.mark.parametrize("given", [{}, {"cm_s_per_px": 0.2, "s_per_px": 0.01}, {"baseline_row": 100}])
def test_without_calibration_nothing_is_measured(given: dict[str, float]) -> None:
    with pytest.raises(RadiogenError) as raised:
        measure_spectrum(strip(triangle()), **given)
    assert raised.value.code == "RG523"


@pytest.mark.parametrize("wrong", [{"cm_s_per_px": 0.0}, {"s_per_px": float("nan")}, {"baseline_row": 500}, {"box": (0, 900, 0, 9)}])
def test_impossible_calibrations_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(RadiogenError) as raised:
        measure_spectrum(strip(triangle()), **{**SCALE, **wrong})
    assert raised.value.code == "RG708"


def test_a_loop_is_refused() -> None:
    loop = Image(np.zeros((3, 160, 400), np.uint8), None, "DICOM", "MONOCHROME2", n_frames=3)
    with pytest.raises(RadiogenError) as raised:
        measure_spectrum(loop, **SCALE)
    assert raised.value.code == "RG511"


# -- parts ------------------------------------------------------------------------------------


def test_the_edge_is_found_to_fractions_of_a_row() -> None:
    height = np.linspace(30.0, 34.0, 300)
    trace = trace_envelope(strip(height * 0.2, noise=15), 120)
    assert trace.traced_share == 1
    assert abs(np.median(trace.height_px - height)) < 0.6
    assert np.std(trace.height_px - height) < 0.5


def test_beats_of_a_perfect_envelope() -> None:
    beats = find_beats(triangle(), 0.01)
    assert len(beats) == 4
    assert [b.end_s for b in beats[:-1]] == pytest.approx([b.start_s for b in beats[1:]])
    assert np.mean([b.edv for b in beats]) == pytest.approx(4, abs=0.15)
    assert find_beats(np.full(400, 8.0), 0.01) == ()


@pytest.mark.parametrize(("noise", "blur"), [(0.0, 0.0), (25.0, 0.7), (45.0, 1.0)])
def test_strips_of_another_make_within_five_percent(noise: float, blur: float) -> None:
    """Linear grey and Gaussian noise, which the simulated cohorts do not have."""
    rng = np.random.default_rng(3)
    errors = []
    for seed in range(12):
        high = rng.uniform(12, 21)
        low = high * rng.uniform(0.15, 0.5)
        picture = strip(triangle(low=low, high=high), noise=noise, blur=blur, seed=seed)
        v = measure_spectrum(picture, **SCALE).values
        errors.append([v["psv_cm_s"] / high - 1, v["edv_cm_s"] / low - 1, v["ri"] - (1 - low / high)])
    psv, edv, ri = np.median(np.abs(errors), axis=0)
    assert psv < 0.05 and edv < 0.05 and ri < 0.02
