"""The features of contrast loops: names, values against the truth, and reasons of missing ones."""

from __future__ import annotations

import numpy as np
import pytest

from radiogen.errors import RadiogenError
from radiogen.features.contrast import CONTRAST, KINETIC, NAMES, PATTERN, RELATIVE
from radiogen.features.family import Examination, Measured
from radiogen.imaging import Image

TIMES = np.arange(0, 70, 0.5)
ROWS, COLUMNS = 60, 64


def bolus(t0: float, m: float = 12.0, s: float = 0.5) -> np.ndarray:
    x = np.maximum((TIMES - t0) / m, 1e-12)
    return np.exp(-0.5 * (np.log(x) / s) ** 2)


def regions() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lesion, its inner part, and a reference beside it."""
    r, c = np.mgrid[:ROWS, :COLUMNS]
    radius = np.hypot(r - 30, c - 26)
    reference = np.zeros((ROWS, COLUMNS), bool)
    reference[10:50, 50:62] = True
    return radius < 14, radius < 14 / np.sqrt(2), reference


def examination(rim_first_s: float = 0.0, seed: int = 0) -> Examination:
    lesion, core, reference = regions()
    rng = np.random.default_rng(seed)
    rim, inner, beside = (b[:, None, None] for b in (bolus(5), bolus(5 + rim_first_s), bolus(8)))
    power = 20 + np.where(core, 1.6e4 * inner, np.where(lesion, 2.4e4 * rim, 4e3 * beside))
    power = power * rng.exponential(size=power.shape)
    pixels = np.rint(np.clip(255 * 10 * np.log10(np.maximum(power, 1)) / 60, 0, 255)).astype(np.uint8)
    image = Image(pixels, None, "DICOM", "MONOCHROME2", n_frames=len(TIMES), frame_times_s=TIMES)
    return Examination(image, lesion, reference)


def measured(exam: Examination, **options: object) -> Measured:
    return CONTRAST.measure(exam, CONTRAST.settings({"dynamic_range_db": 60.0, **options}), "radiogen")


def test_names_are_fixed_and_keep_those_of_the_simulated_tables() -> None:
    settings = CONTRAST.settings({})
    assert settings["curve"] == "lognormal" and settings["motion"] == "rigid"
    names = CONTRAST.names(settings, calibrated=False)
    assert names == CONTRAST.names(settings, calibrated=True) == NAMES == (*KINETIC, *RELATIVE, *PATTERN)
    assert len(set(names)) == len(names) and not any("mm" in name for name in names)
    table = {"peak_enhancement_au", "time_to_peak_s", "rise_time_s", "mean_transit_time_s", "wash_in_rate_au_per_s", "auc_au_s"}
    assert table <= set(names)
    assert CONTRAST.needs_mask(None) and set(CONTRAST.versions("radiogen")) == {"numpy", "scipy"}


def test_values_against_the_loop_that_was_made() -> None:
    found = measured(examination())
    values = found.values
    assert values.index.tolist() == list(NAMES) and values.notna().all() and values.attrs["missing"] == {}
    assert values["peak_enhancement_au"] == pytest.approx(2e4, rel=0.05)
    assert values["time_to_peak_s"] == pytest.approx(17, rel=0.03)
    assert values["mean_transit_time_s"] == pytest.approx(17.46, rel=0.05)
    assert values["auc_au_s"] == pytest.approx(2e4 * 17.04, rel=0.05)
    assert values["peak_enhancement_ratio"] == pytest.approx(5, rel=0.06)
    assert values["auc_ratio"] == pytest.approx(5, rel=0.06)
    assert values["time_to_peak_difference_s"] == pytest.approx(-3, abs=0.5)
    assert values["rim_core_peak_ratio"] == pytest.approx(1.5, rel=0.08)
    assert values["rim_core_arrival_difference_s"] == pytest.approx(0, abs=0.3)
    assert values["non_enhancing_share"] == 0
    # the bright rim lifts its neighbours above the middle in the 3 × 3 averages
    assert values["enhanced_area_ratio"] == pytest.approx(1.1, abs=0.15)
    # levels 1.2 and 0.8 of the mean in equal shares: 0.2; blocks on the border of the halves lower it, speckle lifts it
    assert 0.15 < values["heterogeneity_cv"] < 0.25
    # one pane: nothing to follow motion by, which a note says
    assert [(p.code, p.severity) for p in found.problems] == [("RG533", "note")] and found.quality["excluded_share"] == 0 and found.quality["linear"] == 1


def test_contrast_that_moves_inwards_has_a_negative_difference() -> None:
    assert measured(examination(rim_first_s=2.0)).values["rim_core_arrival_difference_s"] == pytest.approx(-2, abs=0.4)


@pytest.mark.parametrize("curve", ["gamma_variate", "ldrw"])
def test_the_model_can_be_chosen(curve: str) -> None:
    values = measured(examination(), curve=curve).values
    assert values["time_to_peak_s"] == pytest.approx(17, rel=0.04)
    assert values["auc_au_s"] == pytest.approx(2e4 * 17.04, rel=0.08)


def test_without_a_declared_range_amplitudes_are_relative_and_times_hold() -> None:
    found = measured(examination(), dynamic_range_db=None)
    assert [p.code for p in found.problems] == ["RG527", "RG533"] and found.quality["linear"] == 0
    assert found.values["peak_enhancement_au"] < 255
    assert found.values["time_to_peak_s"] == pytest.approx(17, abs=2.5)


def test_without_a_reference_its_features_are_missing_with_a_reason() -> None:
    exam = examination()
    found = measured(Examination(exam.image, exam.mask))
    assert found.values[list(RELATIVE)].isna().all()
    assert {found.values.attrs["missing"][n] for n in RELATIVE} == {"no reference region is drawn"}
    assert found.values.notna().sum() == len(NAMES) - len(RELATIVE)


def test_a_loop_without_contrast_is_missing_with_a_reason_and_a_warning() -> None:
    exam = examination()
    flat = Image(np.full_like(exam.image.pixels, 40), None, "DICOM", "M", n_frames=len(TIMES), frame_times_s=TIMES)
    found = measured(Examination(flat, exam.mask, exam.reference))
    assert found.values.isna().all()
    assert {p.code for p in found.problems} == {"RG526", "RG533"}
    assert all("flat" in reason for reason in found.values.attrs["missing"].values())
    assert set(found.values.attrs["missing"]) == set(NAMES)


def test_a_loop_that_ends_early_lacks_the_wash_out_only() -> None:
    exam, n = examination(), 42  # 20.5 s; the steepest fall is at 22.7 s
    short = Image(exam.image.pixels[:n], None, "DICOM", "M", n_frames=n, frame_times_s=TIMES[:n])
    values = measured(Examination(short, exam.mask, exam.reference)).values
    assert values[["auc_au_s", "mean_transit_time_s", "wash_out_rate_au_per_s", "auc_ratio"]].isna().all()
    assert values["time_to_peak_s"] == pytest.approx(17, rel=0.05)
    assert "ends before the steepest fall" in values.attrs["missing"]["auc_ratio"]


def test_a_tiny_lesion_has_a_curve_and_no_pattern() -> None:
    exam = examination()
    tiny = np.zeros_like(exam.mask)
    tiny[30, 24:26] = True
    values = measured(Examination(exam.image, tiny)).values
    assert np.isnan(values["heterogeneity_cv"]) and "fewer than 8 blocks" in values.attrs["missing"]["heterogeneity_cv"]


def test_errors_cost_the_row() -> None:
    exam = examination()
    for bad, code in (
        (Examination(exam.image.frame(3), exam.mask), "RG532"),
        (Examination(exam.image, None), "RG505"),
        (Examination(Image(exam.image.pixels, None, "AVI", "L", n_frames=len(TIMES)), exam.mask), "RG525"),
    ):
        with pytest.raises(RadiogenError) as caught:
            measured(bad)
        assert caught.value.code == code
