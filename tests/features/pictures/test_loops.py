"""Contrast loops: which frames are taken, at which times, and where the tissue lies in them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PillowImage

from radiogen.cohort.cohort import Cohort
from radiogen.errors import RadiogenError
from radiogen.features.pictures import stack, work
from radiogen.features.pictures.cine import Bolus, choose, frames_of, too_short
from radiogen.features.pictures.resample import Window
from radiogen.features.pictures.views import Geometry
from radiogen.imaging import Image
from radiogen.imaging.bolus.kinetics import fit_curve
from radiogen.imaging.contrast import Panes
from tests.features.conftest import write_mask

CohortOf = Callable[..., Cohort]


def write_loop(path: Path, levels: np.ndarray[Any, Any]) -> Path:
    """One frame of an even grey for each level."""
    pages = [PillowImage.fromarray(np.full((24, 30), v, np.uint8)) for v in levels]
    pages[0].save(path, save_all=True, append_images=pages[1:])
    return path


def bolus_levels(n: int, arrival: float) -> np.ndarray[Any, Any]:
    """Grey levels of a bolus, a frame each half second."""
    x = np.maximum((np.arange(n) * 0.5 - arrival) / 5, 1e-9)
    return np.rint(10 + 150 * np.exp(-np.log(x) ** 2 / (2 * 0.5**2))).astype(np.uint8)


@pytest.fixture
def cohort(tmp_path: Path, cohort_of: CohortOf) -> Callable[..., Cohort]:
    """Loops of the levels given, half a second a frame, with a lesion of 8 × 8 pixels."""
    mask = write_mask(tmp_path / "m.png", size=(24, 30), box=(8, 16, 10, 18))

    def make(*levels: np.ndarray[Any, Any], **section: Any) -> Cohort:
        rows = [
            {"unit": f"u{k}", "image": write_loop(tmp_path / f"{k}.tif", own), "masks": (mask,)} for k, own in enumerate(levels)
        ]
        return cohort_of(rows, modality={"kind": "ceus", "frame_interval_ms": 500.0, "motion": "none", **section})

    return make


def test_frames_at_even_times_of_the_common_duration(cohort: Callable[..., Cohort]) -> None:
    # 20 and 30 frames: 9.5 and 14.5 s; four frames at 0, 3.17, 6.33 and 9.5 s are the frames 0, 6, 13 and 19
    loops = cohort(np.arange(10, 30, dtype=np.uint8), np.arange(100, 130, dtype=np.uint8))
    found = stack(loops, "bmode", frames=4, start="first", size=(12, 12), cache=False)
    assert found.pixels.shape == (2, 4, 1, 12, 12) and found.channels == ("grey",)
    assert found.pixels[0, :, 0, 6, 6].tolist() == [10, 16, 23, 29]
    assert found.pixels[1, :, 0, 6, 6].tolist() == [100, 106, 113, 119]
    assert found.frame_times_s is not None and found.curve is not None
    assert found.frame_times_s.tolist() == [[0.0, 3.0, 6.5, 9.5]] * 2
    assert found.options["duration_s"] == 9.5
    # the curve itself lies at the times asked for: 2 grey levels a second
    np.testing.assert_allclose(found.curve.loc["u0"], [10, 10 + 19 / 3, 10 + 38 / 3, 29])
    assert found.curve.attrs["unit"] == "relative grey"
    np.testing.assert_allclose(found.curve.attrs["times_s"], [0, 9.5 / 3, 19 / 3, 9.5])


def test_from_the_arrival(cohort: Callable[..., Cohort]) -> None:
    early, late = bolus_levels(60, 2.0), bolus_levels(60, 8.0)
    found = stack(cohort(early, late), "bmode", frames=5, duration_s=16.0, size=(8, 8), cache=False)
    assert found.details["start"].tolist() == ["arrival", "arrival"]
    starts = [fit_curve(np.arange(60, dtype=np.float64) * 0.5, own.astype(np.float64)).arrival_time_s for own in (early, late)]
    np.testing.assert_allclose(found.details["start_s"], starts, rtol=1e-6)
    assert starts[1] - starts[0] == pytest.approx(6.0, abs=0.1)
    # seen from their arrivals the two loops are the same, to within half a frame of the steepest slope
    pixels = found.pixels[:, :, 0, 4, 4].astype(float)
    assert np.abs(pixels[0] - pixels[1]).max() < 20 and np.ptp(pixels[0]) > 80
    assert found.frame_times_s is not None
    assert np.abs(found.frame_times_s - np.linspace(0, 16, 5)).max() <= 0.25 + 1e-9


def test_from_the_first_frame_though_contrast_arrives_later(cohort: Callable[..., Cohort]) -> None:
    found = stack(cohort(bolus_levels(60, 8.0)), "bmode", frames=3, start="first", duration_s=10.0, size=(8, 8), cache=False)
    assert found.details["start"].tolist() == ["first frame"] and found.details["start_s"].tolist() == [0.0]
    assert found.pixels[0, :, 0, 4, 4].tolist() == bolus_levels(60, 8.0)[[0, 10, 20]].tolist()


def test_linear_curves_and_grey_levels_are_not_mixed(cohort: Callable[..., Cohort]) -> None:
    both = cohort(bolus_levels(60, 2.0), bolus_levels(60, 2.0))
    both.images.at[1, "declared"] = {"dynamic_range_db": 60.0}
    found = stack(both, "bmode", frames=3, size=(8, 8), cache=False)
    assert found.curve is not None and found.curve.attrs["unit"] == "linear a.u."
    assert found.curve.loc["u0"].isna().all() and (found.curve.loc["u1"] > 0).all()
    assert len(found) == 2 and found.details["linear"].tolist() == [False, True]


def test_a_loop_without_a_wash_in_starts_at_its_first_frame(cohort: Callable[..., Cohort]) -> None:
    flat = np.where(np.arange(60) % 2, 40, 41).astype(np.uint8)
    found = stack(cohort(bolus_levels(60, 2.0), flat), "bmode", frames=4, size=(8, 8), cache=False)
    assert found.details["start"].tolist() == ["arrival", "first frame"] and found.details["start_s"][1] == 0
    assert "RG526" in {p.code for p in found.problems}


def test_loops_that_end_too_soon_are_missing(cohort: Callable[..., Cohort]) -> None:
    loops = cohort(np.arange(40, dtype=np.uint8), np.arange(12, dtype=np.uint8), np.arange(36, dtype=np.uint8))
    found = stack(loops, "bmode", frames=3, start="first", size=(8, 8), cache=False)
    # 19.5, 5.5 and 17.5 s: the second has less than half of the middle one
    assert found.options["duration_s"] == 17.5 and found.unit.tolist() == ["u0", "u2"]
    assert found.missing["code"].tolist() == ["RG526"] and "5.5 s" in found.missing["reason"][0]
    short = stack(loops, "bmode", frames=3, start="first", duration_s=5.5, size=(8, 8), cache=False)
    assert short.unit.tolist() == ["u0", "u1", "u2"]
    assert short.pixels[1, :, 0, 4, 4].tolist() == [0, 5, 11]  # 2.75 s lies between two frames: the first of the two


def test_stills_and_loops_without_times(cohort: Callable[..., Cohort]) -> None:
    one, loop = np.array([9], np.uint8), np.arange(12, dtype=np.uint8)
    assert stack(cohort(one, loop), "bmode", frames=2, size=(8, 8), cache=False).missing["code"].tolist() == ["RG532"]
    untimed = stack(cohort(loop, frame_interval_ms=None), "bmode", frames=2, size=(8, 8), cache=False)
    assert untimed.missing["code"].tolist() == ["RG525"] and untimed.pixels.shape == (0, 2, 1, 8, 8)
    with pytest.raises(RadiogenError, match="RG708"):
        stack(cohort(loop), "bmode", colour=True, cache=False)


def test_loops_are_followed_once(
    cohort: Callable[..., Cohort], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loops = cohort(bolus_levels(60, 2.0), bolus_levels(50, 3.0), dynamic_range_db=60.0)
    fresh = stack(loops, "bmode", view="ring", size=(16, 16), cache=False)
    stack(loops, "bmode", frames=4, size=(8, 8), cache=tmp_path)

    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("followed again")

    monkeypatch.setattr(work, "find_bolus", refuse)
    other = stack(loops, "bmode", view="ring", size=(16, 16), cache=tmp_path)
    np.testing.assert_array_equal(other.pixels, fresh.pixels)
    assert other.curve is not None and other.curve.equals(fresh.curve) and other.curve.attrs["unit"] == "linear a.u."
    monkeypatch.setattr(work, "read_image", refuse)
    again = stack(loops, "bmode", view="ring", size=(16, 16), cache=tmp_path)
    assert isinstance(again.pixels, np.memmap) and again.digest == fresh.digest
    np.testing.assert_array_equal(again.pixels, fresh.pixels)


def test_frames_are_moved_back() -> None:
    rng = np.random.default_rng(0)
    tissue = rng.integers(1, 255, (20, 20)).astype(np.uint8)
    # frame 1 shows the tissue two rows lower and a column further left; the pane is columns 20 to 39
    loop = np.zeros((2, 20, 40), np.uint8)
    loop[0, :, 20:] = tissue
    loop[1, 2:, 20:39] = tissue[:-2, 1:]
    image = Image(loop, None, "TIFF", "L", n_frames=2)
    panes = Panes((0, 19, 20, 39), None, np.ones((20, 40), bool), None)
    shifts = np.array([[0.0, 0.0], [2.0, -1.0]])
    bolus = Bolus(np.arange(2.0), np.ones(2), shifts, True, np.nan, "")
    geometry = Geometry(Window(0, 0, 1, 1), np.ones((20, 20), bool), np.nan)
    first, second = frames_of(image, panes, bolus, np.array([0, 1]), geometry, (20, 20))[:, 0]
    np.testing.assert_array_equal(first, tissue)
    np.testing.assert_array_equal(second[:18, 1:], tissue[:18, 1:])
    assert not second[18:].any() and not second[:, 0].any()  # had left the pane


def test_frames_that_show_another_plane_are_not_chosen() -> None:
    lesion = np.array([0.0, 1.0, np.nan, 3.0, 4.0, np.nan])
    bolus = Bolus(np.arange(6.0), lesion, np.zeros((6, 2)), True, np.nan, "")
    found = choose(bolus, "first", 4.0, 3)
    assert found.numbers.tolist() == [0, 1, 4] and found.curve.tolist() == [0.0, 2.0, 4.0]
    assert bolus.span_s("first") == 4.0
    assert too_short(bolus, "first", 4.0) is None and too_short(bolus, "first", 4.5) is not None
    kept = Bolus.from_json(bolus.to_json())
    np.testing.assert_array_equal(kept.lesion, lesion)
    assert kept.shifts_px.shape == (6, 2) and np.isnan(kept.arrival_s)
