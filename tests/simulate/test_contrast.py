"""Simulated contrast loops against the truth that comes with them."""

from __future__ import annotations

import numpy as np
import pytest

from radiogen.imaging import Image
from radiogen.imaging.bolus.kinetics import fit_curve
from radiogen.imaging.contrast import time_intensity
from radiogen.simulate.bmode import Picture, Traits, draw_picture
from radiogen.simulate.contrast import BolusTruth, CeusLoop, _beside, _speckle, draw_ceus
from radiogen.simulate.scanner import SCANNERS


@pytest.fixture(scope="module")
def picture() -> Picture:
    return draw_picture(np.random.default_rng(0), Traits(18.0, 0.0, 0.0, 0.0, 0.0, 0.0), SCANNERS["Alpha"])


@pytest.fixture(scope="module")
def loop(picture: Picture) -> CeusLoop:
    return draw_ceus(np.random.default_rng(1), picture, 0.0, 0.0, SCANNERS["Alpha"])


def test_the_truth_of_a_bolus_is_that_of_its_curve() -> None:
    truth = BolusTruth(4.0, 10.0, 0.6, 2000.0, 6.0)
    times = np.linspace(4, 400, 1_000_001)
    curve = 2000 * truth.enhancement(times)
    step = times[1] - times[0]
    assert curve.max() == pytest.approx(2000) and times[curve.argmax()] == pytest.approx(14, abs=1e-3)
    assert truth.auc_au_s == pytest.approx(curve.sum() * step, rel=1e-5)
    assert truth.mean_transit_time_s == pytest.approx((curve * (times - 4)).sum() / curve.sum(), rel=1e-3)
    slope = np.gradient(curve, times)
    k = slope.argmax()
    assert truth.arrival_time_s == pytest.approx(times[k] - curve[k] / slope[k], abs=1e-3)
    assert truth.rise_time_s == pytest.approx(14 - truth.arrival_time_s)


def test_layout_of_a_loop(loop: CeusLoop, picture: Picture) -> None:
    n, rows, columns = loop.frames.shape
    assert (n, rows, columns) == (64, 100, 224) and loop.frames.dtype == np.uint8
    assert loop.times_s[-1] == pytest.approx(63 * 1.2)
    assert loop.spacing_mm == pytest.approx(2 * picture.spacing_mm)
    assert loop.tissue_box == (0, 99, 0, 111) and loop.contrast_box == (0, 99, 112, 223)
    for mask in (loop.mask, loop.reference):
        assert mask.shape == (rows, columns) and mask[:, 112:].sum() > 100 and not mask[:, :112].any()
    assert not (loop.mask & loop.reference).any()
    assert loop.mask.sum() * loop.spacing_mm**2 == pytest.approx(picture.lesion.area_mm2, rel=0.05)
    assert not loop.shifts_px[0].any() and 0.3 < np.abs(loop.shifts_px).max() < 12
    small = picture.image.astype(float).reshape(100, 2, 112, 2).mean(axis=(1, 3))
    assert np.abs(loop.frames[0, :, :112] - small).mean() < 2


def test_the_same_generator_gives_the_same_loop(loop: CeusLoop, picture: Picture) -> None:
    again = draw_ceus(np.random.default_rng(1), picture, 0.0, 0.0, SCANNERS["Alpha"])
    np.testing.assert_array_equal(again.frames, loop.frames)
    assert again.truth() == loop.truth()


def test_speckle_has_an_exponential_power_of_mean_one() -> None:
    fields = np.array([_speckle(np.random.default_rng(k), (100, 112)) for k in range(30)])
    assert fields.mean() == pytest.approx(1, abs=0.02)
    assert fields.std() == pytest.approx(1, abs=0.05)


def test_a_reference_lies_beside_the_lesion() -> None:
    mask = np.zeros((100, 112), bool)
    mask[40:60, 40:70] = True
    rows, columns = np.nonzero(_beside(mask))
    assert len(rows) > 300 and rows.min() >= 40 and rows.max() <= 60
    assert ((columns < 35) | (columns > 74)).all()


def test_measured_curves_are_those_of_the_truth(picture: Picture) -> None:
    errors = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        made = draw_ceus(rng, picture, float(rng.normal()), float(rng.normal()), SCANNERS["Beta" if seed % 2 else "Alpha"])
        n = len(made.frames)
        image = Image(made.frames, None, "DICOM", "MONOCHROME2", n_frames=n, frame_times_s=made.times_s)
        found = time_intensity(
            image, made.mask, dynamic_range_db=made.dynamic_range_db, contrast_box=made.contrast_box, tissue_box=made.tissue_box,
            reference=made.reference,
        )  # fmt: skip
        assert np.abs(found.shifts_px - made.shifts_px).max() < 0.5
        assert found.saturated_share < 0.02 and not found.excluded.any() and not found.problems
        for curve, truth in ((found.lesion, made.lesion_bolus), (found.reference, made.reference_bolus)):
            assert curve is not None
            fit, true = fit_curve(found.times_s, curve), truth.truth()
            pairs = (
                (fit.peak_enhancement, true["peak_enhancement_au"]), (fit.time_to_peak_s, true["time_to_peak_s"]),
                (fit.mean_transit_time_s, true["mean_transit_time_s"]), (fit.auc, true["auc_au_s"]),
            )  # fmt: skip
            errors.append([abs(a / b - 1) for a, b in pairs])
    # PE, TTP, mTT (its tail goes on beyond the loop), AUC
    assert (np.median(errors[::2], axis=0) < [0.05, 0.05, 0.08, 0.05]).all()
    assert (np.median(errors[1::2], axis=0) < [0.06, 0.06, 0.12, 0.08]).all()


def test_traits_move_peak_and_times(picture: Picture) -> None:
    def truth(peak: float, time: float) -> BolusTruth:
        return draw_ceus(np.random.default_rng(3), picture, peak, time, SCANNERS["Alpha"], frames=2).lesion_bolus

    base = truth(0, 0)
    assert truth(1, 0).peak_enhancement_au / base.peak_enhancement_au == pytest.approx(np.exp(0.35))
    assert truth(0, 1).rise_time_s / base.rise_time_s == pytest.approx(np.exp(0.24))
    assert truth(0, 1).time_to_peak_s > base.time_to_peak_s
    assert 500 < base.peak_enhancement_au < 10_000  # 22, a hundredfold above black
