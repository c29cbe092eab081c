"""Stacks of a simulated cohort, of all four modalities, and of real pictures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

import radiogen as rg
from radiogen.cohort.cohort import Cohort
from radiogen.errors import RadiogenError
from radiogen.features.pictures import stack
from radiogen.imaging import read_image, read_mask


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    """Three patients who have every modality."""
    cohort = rg.load_cohort(rg.simulate.cohort(tmp_path_factory.mktemp("sim"), n=20, seed=1))
    owners = [set(cohort.images.loc[cohort.images["modality"] == m, "unit"]) for m in ("bmode", "swe", "doppler", "ceus")]
    return cohort.subset(sorted(set.intersection(*owners))[:3])


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that the tests of this file share."""
    return tmp_path_factory.mktemp("cache")


def test_every_modality(simulated: Cohort, kept: Path) -> None:
    three = set(simulated.index)
    shapes = {"bmode": (1,), "swe": (2,), "doppler": (3,), "ceus": (16, 1)}
    for modality, shape in shapes.items():
        found = stack(simulated, modality, size=(32, 32), cache=kept)
        assert found.pixels.shape[1:] == (*shape, 32, 32)
        assert set(found.unit) == three and not len(found.missing)
        assert found.details["calibrated"].all() and found.pixels.max() > 60


def test_b_mode_is_darker_in_the_lesion_than_around_it(simulated: Cohort, kept: Path) -> None:
    inside = stack(simulated, "bmode", view="masked", size=(64, 64), cache=kept).pixels.astype(float)
    around = stack(simulated, "bmode", view="ring", size=(64, 64), cache=kept).pixels.astype(float)
    for lesion, ring in zip(inside, around, strict=True):
        assert lesion[lesion > 0].mean() < ring[ring > 0].mean()


def test_stiffness_is_that_of_the_truth(simulated: Cohort, kept: Path) -> None:
    found = stack(simulated, "swe", view="masked", size=(64, 64), cache=kept)
    for k, unit in enumerate(found.unit):
        kpa = np.asarray(PillowImage.open(simulated.root / "truth" / "swe" / f"{unit}.png")) / 100  # kept as kPa times 100
        row = simulated.images[(simulated.images["modality"] == "swe") & (simulated.images["unit"] == unit)].iloc[0]
        mask = read_mask(row["masks"], read_image(row["image"]).shape)
        shown = found.pixels[k, 0][found.pixels[k, 1] == 255] * (found.scale.high / 255)
        assert shown.mean() == pytest.approx(kpa[mask].mean(), rel=0.1)


def test_spectra_are_whole_strips(simulated: Cohort, kept: Path) -> None:
    found = stack(simulated, "doppler", kind="spectrum", view="whole", size=(40, 100), cache=kept)
    types = simulated.images.loc[simulated.images["modality"] == "doppler", "type"]
    assert len(found) == (types == "spectrum").sum() and found.other == (types != "spectrum").sum()
    assert found.channels == ("grey",)


def test_without_a_word_in_the_manifest_the_file_tells(simulated: Cohort, kept: Path) -> None:
    told = stack(simulated, "doppler", kind="spectrum", view="whole", size=(40, 100), cache=kept)
    silent = replace(simulated, images=simulated.images.assign(type=None))
    found = stack(silent, "doppler", kind="spectrum", view="whole", size=(40, 100), cache=kept)
    strips = [k for k, name in enumerate(told.image) if name.endswith(".dcm")]  # other files do not say what they show
    assert strips and found.image == tuple(told.image[k] for k in strips)
    np.testing.assert_array_equal(found.pixels, told.pixels[strips])
    assert len(found) + found.other == (simulated.images["modality"] == "doppler").sum()
    colour = stack(silent, "doppler", size=(32, 32), cache=kept)
    assert colour.other == len(strips)
    with pytest.raises(RadiogenError, match="RG708"):
        stack(simulated, "doppler", kind="spectrum", cache=kept)  # a strip has no lesion


def test_cines_show_the_bolus(simulated: Cohort, kept: Path) -> None:
    found = stack(simulated, "ceus", view="masked", size=(32, 32), cache=kept)
    assert found.curve is not None and found.frame_times_s is not None
    shown = found.pixels[:, :, 0].astype(float)
    brightness = np.array([[f[f > 0].mean() if f.any() else 0 for f in loop] for loop in shown])
    for own, unit in zip(brightness, found.unit, strict=True):
        # grey levels are the logarithm of the power: frames and curve fall together; the first lies on the steep rise
        curve = np.log1p(found.curve.loc[unit].to_numpy(dtype=float))
        assert np.corrcoef(own[1:], curve[1:])[0, 1] > 0.95 and own[0] < own[1]
    step = float(np.diff(found.curve.attrs["times_s"])[0])
    assert np.abs(np.diff(found.frame_times_s, axis=1) - step).max() <= 1.2 + 1e-9  # the loops' frame interval


def test_loops_do_not_depend_on_the_number_of_processes(simulated: Cohort, kept: Path) -> None:
    one = stack(simulated, "ceus", size=(32, 32), cache=kept)
    two = stack(simulated, "ceus", size=(32, 32), cache=False, n_jobs=2)
    assert one.pixels.tobytes() == two.pixels.tobytes() and one.digest == two.digest
    assert one.curve is not None and one.curve.equals(two.curve)


def test_busi(shared: Path, repo: Path, kept: Path) -> None:
    cohort = rg.load_cohort(repo / "cohorts" / "busi", data=shared / "data" / "busi")
    some = cohort.subset(cohort.index[:12])
    found = stack(some, "bmode", size=(48, 48), cache=kept)
    assert len(found) == (some.images["masks"].str.len() > 0).sum() and found.details["pixel_mm"].isna().all()
    whole = stack(some, "bmode", view="whole", size=(48, 48), cache=kept)
    assert len(whole) == len(some.images)
    # the brightness of the lesion's box in the file and in the stack
    row = some.images[some.images["image"] == found.image[0]].iloc[0]
    mask = read_mask(row["masks"], read_image(row["image"]).shape)
    grey = np.asarray(PillowImage.open(found.image[0]).convert("L"), dtype=float)
    masked = stack(some, "bmode", view="masked", size=(48, 48), cache=kept)
    shown = masked.pixels[0, 0].astype(float)
    assert shown[shown > 0].mean() == pytest.approx(grey[mask].mean(), rel=0.1)
