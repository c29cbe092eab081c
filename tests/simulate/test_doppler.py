"""Simulated Doppler pictures: their truth holds, and what is measured in them is near to it."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image as PillowImage

from radiogen.errors import RadiogenError
from radiogen.imaging.doppler import measure_flow, measure_spectrum
from radiogen.simulate.bmode import Traits, draw_picture
from radiogen.simulate.doppler import MARGIN, DopplerPicture, draw_colour_doppler
from radiogen.simulate.scanner import SCANNERS
from radiogen.simulate.spectrum import SpectrumPicture, draw_spectrum, draw_velocities
from radiogen.simulate.vessels import Vessel, field_of


def draw(seed: int, vascularity: float, scanner: str = "Alpha", power: bool = False) -> DopplerPicture:
    rng = np.random.default_rng(seed)
    traits = Traits(float(rng.uniform(10, 32)), *rng.normal(0, 0.6, 5))
    return draw_colour_doppler(rng, draw_picture(rng, traits, SCANNERS[scanner]), vascularity, SCANNERS[scanner], power=power)


def jpeg(image: np.ndarray, subsampling: int) -> np.ndarray:
    buffer = io.BytesIO()
    PillowImage.fromarray(image).save(buffer, "JPEG", quality=85, subsampling=subsampling)
    return np.asarray(PillowImage.open(buffer))


@pytest.fixture(scope="module")
def pictures() -> list[DopplerPicture]:
    return [draw(seed, vascularity, "Alpha" if seed % 2 else "Beta") for seed, vascularity in enumerate([-1.5, -0.5, 0, 0.5, 1, 2])]


# -- colour -----------------------------------------------------------------------------------


def test_a_picture_and_its_truth_agree(pictures: list[DopplerPicture]) -> None:
    for p in pictures:
        rows, columns = p.mask.shape
        assert p.image.shape == (rows, columns, 3) and p.flow_cm_s.shape == (rows, columns)
        assert p.vascularity_index_pct == pytest.approx(100 * (p.flow_cm_s != 0)[p.mask].mean())
        assert not p.flow_cm_s[:, -MARGIN:].any() and not p.mask[:, -MARGIN:].any()
        assert np.abs(p.flow_cm_s).max() < p.scale_max_cm_s
        top, bottom, left, right = p.colour_box
        outside = np.ones_like(p.mask)
        outside[top : bottom + 1, left : right + 1] = False
        assert not (p.flow_cm_s != 0)[outside].any() and not p.mask[outside].any()
        # colour where there is flow, grey elsewhere but for the bar and the outline of the box
        spread = np.ptp(p.image.astype(int), axis=2)
        assert spread[p.flow_cm_s != 0].min() > 40
        assert not spread[top + 1 : bottom, left + 1 : right][p.flow_cm_s[top + 1 : bottom, left + 1 : right] == 0].any()


def test_the_same_seed_gives_the_same_picture() -> None:
    assert (draw(3, 0.5).image == draw(3, 0.5).image).all()


def test_more_vascularity_is_more_flow_in_more_vessels() -> None:
    low, high = ([draw(seed, v) for seed in range(12)] for v in (-1.2, 1.2))
    index = [np.median([p.vascularity_index_pct for p in group]) for group in (low, high)]
    # 5.5 · exp(0.5 · v)
    assert index[0] == pytest.approx(5.5 * np.exp(-0.6), rel=0.35)
    assert index[1] == pytest.approx(5.5 * np.exp(0.6), rel=0.35)
    assert np.mean([p.vessel_count for p in high]) > np.mean([p.vessel_count for p in low]) + 0.5


def test_vessels_enter_from_outside(pictures: list[DopplerPicture]) -> None:
    for p in pictures:
        for tree in range(p.trees):
            stem = next(v for v in p.vessels if v.tree == tree)
            row, column = (int(x / p.spacing_mm) for x in stem.points_mm[0])
            inside = 0 <= row < p.mask.shape[0] and 0 <= column < p.mask.shape[1] and p.mask[row, column]
            assert not inside


def test_a_single_vessel_is_laid_where_it_is() -> None:
    points = np.column_stack([np.full(81, 4.95), np.linspace(2.0, 10.0, 81)])
    vessel = Vessel(0, points, 0.25, -2.0)
    field = field_of((vessel,), (100, 120), 0.1)
    lumen = field.lumen(1.0)
    # 0.25 mm on either side of row 49, columns 20 to 100 and round ends
    assert lumen[47:52, 60].all() and not lumen[46, 60] and not lumen[52, 60]
    assert lumen[49, 18] and not lumen[49, 17]
    assert (field.velocity_cm_s[lumen] == -2).all()
    assert vessel.length_mm == pytest.approx(8.0)
    assert not field_of((), (9, 9), 0.1).lumen(1.0).any()


def test_power_pictures_have_amplitudes() -> None:
    p = draw(4, 1.0, power=True)
    assert p.power and p.flow_cm_s.min() == 0 and 0.2 < p.flow_cm_s.max() < 1
    found = measure_flow(p.image, p.mask, power=True).values
    assert found["vascularity_index_pct"] == pytest.approx(p.vascularity_index_pct)
    inside = p.flow_cm_s[p.mask]
    assert found["flow_index"] == pytest.approx(100 * inside[inside > 0].mean(), abs=1)


def test_indices_are_read_off_exactly_without_compression(pictures: list[DopplerPicture]) -> None:
    for p in pictures:
        found = measure_flow(p.image, p.mask, spacing_mm=p.spacing_mm, scale_max=p.scale_max_cm_s)
        assert found.values["vascularity_index_pct"] == pytest.approx(p.vascularity_index_pct)
        assert found.values["vessel_count"] == p.vessel_count
        coloured = p.flow_cm_s != 0
        # half of the step from one to the next of the 96 colours of the bar, and rounding of colours
        step = 2 * p.scale_max_cm_s / 95
        error = np.abs(found.velocity_cm_s - p.flow_cm_s)[coloured]
        assert np.quantile(error, 0.95) < 0.55 * step and error.max() < step
        assert not found.problems


@pytest.mark.parametrize("subsampling", [0, 2])
def test_the_vascularity_index_is_within_two_points_after_jpeg(pictures: list[DopplerPicture], subsampling: int) -> None:
    for p in pictures:
        found = measure_flow(jpeg(p.image, subsampling), p.mask).values["vascularity_index_pct"]
        assert found == pytest.approx(p.vascularity_index_pct, abs=2.0)


# -- spectra ----------------------------------------------------------------------------------


def measured(p: SpectrumPicture) -> dict[str, float]:
    found = measure_spectrum(p.image, cm_s_per_px=p.cm_s_per_px, s_per_px=p.s_per_px, baseline_row=p.baseline_row)
    assert found.direction == p.direction
    return dict(found.values)


def test_the_truth_of_a_strip_is_consistent() -> None:
    p = draw_spectrum(np.random.default_rng(2), 16.0, 4.0, heart_rate_per_min=72)
    assert p.image.dtype == np.uint8 and p.envelope_cm_s.shape == (p.image.shape[1],)
    assert p.psv_cm_s == pytest.approx(16, rel=0.05) and p.edv_cm_s == pytest.approx(4, rel=0.05)
    assert p.ri == pytest.approx((p.psv_cm_s - p.edv_cm_s) / p.psv_cm_s)
    assert p.pi == pytest.approx((p.psv_cm_s - p.edv_cm_s) / p.tamv_cm_s)
    assert p.edv_cm_s < p.tamv_cm_s < p.psv_cm_s
    assert p.envelope_cm_s.max() == pytest.approx(p.psv_cm_s, rel=0.06)
    assert p.heart_rate_per_min == pytest.approx(72, rel=0.05)
    assert 2 <= p.n_beats <= 5
    # the trace stays on the strip
    assert p.envelope_cm_s.max() / p.cm_s_per_px < p.baseline_row


def test_below_the_baseline() -> None:
    up, down = (draw_spectrum(np.random.default_rng(2), 16.0, 4.0, direction=d) for d in (1, -1))
    assert down.baseline_row == up.image.shape[0] - 1 - up.baseline_row
    assert measured(down)["psv_cm_s"] == pytest.approx(measured(up)["psv_cm_s"], rel=0.01)


@pytest.mark.parametrize("snr_db", [10.0, 14.0, 20.0, 28.0])
def test_velocities_are_within_five_percent(snr_db: float) -> None:
    errors = []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        psv, edv = draw_velocities(rng, *rng.normal(size=2))
        p = draw_spectrum(rng, psv, edv, snr_db=snr_db, direction=1 if seed % 2 else -1)
        v = measured(p)
        errors.append([v["psv_cm_s"] / p.psv_cm_s - 1, v["edv_cm_s"] / p.edv_cm_s - 1, v["ri"] - p.ri, v["pi"] / p.pi - 1,
                       v["heart_rate_per_min"] / p.heart_rate_per_min - 1])  # fmt: skip
    psv, edv, ri, pi, rate = np.median(np.abs(errors), axis=0)
    assert psv < 0.05 and edv < 0.05 and ri < 0.02 and pi < 0.08 and rate < 0.01


def test_velocities_follow_the_latent_traits() -> None:
    draws = [draw_velocities(np.random.default_rng(k), 0.0, 0.0) for k in range(400)]
    psv = np.array([d[0] for d in draws])
    ri = np.array([1 - d[1] / d[0] for d in draws])
    assert np.median(psv) == pytest.approx(14, rel=0.03) and np.median(ri) == pytest.approx(0.72, abs=0.01)
    faster = np.median([draw_velocities(np.random.default_rng(k), 1.0, 1.0)[0] for k in range(400)])
    assert faster / np.median(psv) == pytest.approx(np.exp(0.45), rel=0.01)


@pytest.mark.parametrize(("psv", "edv", "direction"), [(5.0, 6.0, 1), (5.0, -1.0, 1), (5.0, 2.0, 0)])
def test_impossible_strips_are_refused(psv: float, edv: float, direction: int) -> None:
    with pytest.raises(RadiogenError) as raised:
        draw_spectrum(np.random.default_rng(0), psv, edv, direction=direction)
    assert raised.value.code == "RG708"
