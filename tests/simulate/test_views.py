"""Manifests, files and truth of the modalities agree with each other."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pydicom
import pytest
from ruamel.yaml import YAML

from radiogen.imaging import read_image, read_mask
from radiogen.imaging.elastography import decode_stiffness
from radiogen.simulate.album import Album
from radiogen.simulate.appearance import MODALITIES
from radiogen.simulate.build import draw_truth
from radiogen.simulate.draws import generator
from radiogen.simulate.effects import DEFAULT
from radiogen.simulate.pictures import WRITERS
from radiogen.simulate.swe_views import MAP_FACTOR


@pytest.fixture(scope="module")
def manifests(folder: Path) -> dict[str, pd.DataFrame]:
    return {m: pd.read_csv(folder / f"data/{m}.csv") for m in MODALITIES}


@pytest.mark.parametrize("modality", MODALITIES)
def test_manifests_name_the_pictures_of_those_who_have_the_modality(
    folder: Path, truth: dict[str, Any], manifests: dict[str, pd.DataFrame], modality: str
) -> None:
    table = manifests[modality]
    assert list(dict.fromkeys(table["patient_id"])) == [k for k, p in truth["patients"].items() if p["has"][modality]]
    for column in ("image", "mask", "reference"):
        for name in table.get(column, pd.Series(dtype=str)).dropna():
            assert f"data/{name}" in truth["files"]
    known = [e["image"] for p in truth["patients"].values() for e in p["lesion" if modality == "bmode" else modality]]
    assert known == [f"data/{name}" for name in table["image"]]


@pytest.mark.parametrize("modality", MODALITIES)
def test_masks_fit_their_pictures(folder: Path, manifests: dict[str, pd.DataFrame], modality: str) -> None:
    for row in manifests[modality].itertuples():
        image = read_image(folder / "data" / row.image)
        for name in (row.mask, getattr(row, "reference", None)):
            if isinstance(name, str):
                mask = read_mask([folder / "data" / name], image.shape)
                assert 20 < mask.sum() < 0.5 * mask.size


def test_every_picture_has_its_spacing_from_the_file_or_from_the_manifest_and_not_from_both(
    folder: Path, truth: dict[str, Any], manifests: dict[str, pd.DataFrame]
) -> None:
    for modality, table in manifests.items():
        for row in table.itertuples():
            image = read_image(folder / "data" / row.image)
            declared = getattr(row, "spacing_mm", np.nan)
            entries = truth["patients"][row.patient_id]["lesion" if modality == "bmode" else modality]
            entry = next(e for e in entries if e["image"] == f"data/{row.image}")
            if getattr(row, "type", None) == "spectrum":
                assert image.spacing_mm is None and np.isnan(declared)
                continue
            assert (image.spacing_mm is None) == np.isfinite(declared)
            found = declared if image.spacing_mm is None else image.spacing_mm[0]
            assert found == pytest.approx(entry["spacing_mm"])


def test_colour_pictures_have_the_flow_of_the_truth(
    folder: Path, truth: dict[str, Any], manifests: dict[str, pd.DataFrame]
) -> None:
    table = manifests["doppler"]
    table = table[table["type"] == "colour"]
    shares = []
    for row in table.itertuples():
        entry = truth["patients"][row.patient_id]["doppler"][0]
        image = read_image(folder / "data" / row.image)
        mask = read_mask([folder / "data" / row.mask], image.shape)
        coloured = np.ptp(image.rgb().astype(int), axis=2) > 20
        top, bottom, left, right = entry["bar_box"]
        assert coloured[top : bottom + 1, left : right + 1].mean() > 0.8
        shares.append((100 * coloured[mask].mean(), entry["vascularity_index_pct"]))
        assert row.scale_max == entry["scale_max_cm_s"]
        top, bottom, left, right = entry["colour_box"]
        for vessel in entry["vessels"]:
            lines = (np.array([vessel["rows_mm"], vessel["columns_mm"]]) / entry["spacing_mm"]).astype(int)
            within = (lines[0] > top) & (lines[0] < bottom) & (lines[1] > left) & (lines[1] < right)
            # the truth has hundredths of a millimetre, which may be a pixel's edge
            assert (~coloured[tuple(lines[:, within])]).sum() <= 1 and vessel["radius_mm"] > 0
    measured, true = np.array(shares).T
    assert measured == pytest.approx(true, rel=1e-8)
    assert true.max() > 5


def test_strips_carry_the_calibration_of_the_truth(
    folder: Path, truth: dict[str, Any], manifests: dict[str, pd.DataFrame]
) -> None:
    table = manifests["doppler"]
    strips = table[table["type"] == "spectrum"]
    assert len(strips) >= 8 and strips["mask"].isna().all()
    directions = set()
    for row in strips.itertuples():
        entry = truth["patients"][row.patient_id]["doppler"][1]
        dataset = pydicom.dcmread(folder / "data" / row.image)
        (region,) = dataset.SequenceOfUltrasoundRegions
        assert region.RegionDataType == 3
        assert -region.PhysicalDeltaY == pytest.approx(entry["cm_s_per_px"])
        assert region.PhysicalDeltaX == pytest.approx(entry["s_per_px"])
        assert region.ReferencePixelY0 == entry["baseline_row"]
        assert entry["ri"] == pytest.approx((entry["psv_cm_s"] - entry["edv_cm_s"]) / entry["psv_cm_s"])
        # flow from the wall filter up to the end-diastolic velocity all the time, and none beyond the peak
        grey = dataset.pixel_array[:, :-6].astype(float)
        side = grey[: entry["baseline_row"]][::-1] if entry["direction"] > 0 else grey[entry["baseline_row"] + 1 :]
        slow, fast = (v / entry["cm_s_per_px"] for v in (entry["edv_cm_s"], entry["psv_cm_s"]))
        assert side[int(0.6 * slow)].mean() > side[int(1.1 * fast) :].mean() + 60
        directions.add(entry["direction"])
    assert directions == {1, -1}


def test_contrast_loops_rise_to_the_peak_of_the_truth(
    folder: Path, truth: dict[str, Any], manifests: dict[str, pd.DataFrame]
) -> None:
    section = YAML(typ="safe").load((folder / "cohort.yaml").read_text())["modalities"]["ceus"]
    for row in manifests["ceus"].itertuples():
        entry = truth["patients"][row.patient_id]["ceus"][0]
        loop = read_image(folder / "data" / row.image)
        assert loop.is_loop and loop.frame_times_s is not None
        assert row.dynamic_range_db == entry["dynamic_range_db"]
        boxes = [(r.rows[0], r.rows[1], r.columns[0], r.columns[1]) for r in loop.regions]
        assert boxes == [tuple(section["tissue_box"]), tuple(section["contrast_box"])]
        mask = read_mask([folder / "data" / row.mask], loop.shape)
        left, right = boxes[1][2], boxes[1][3]
        assert not mask[:, :left].any() and mask[:, left : right + 1].any()
        # grey to power by the declared range, and the mean over the lesion against the bolus of the truth
        power = 10 ** (loop.pixels[:, mask] / 255 * row.dynamic_range_db / 10)
        curve = power.mean(axis=1)
        peak = int(np.argmin(np.abs(loop.frame_times_s - entry["time_to_peak_s"])))
        around = curve[max(peak - 1, 0) : peak + 2].mean()
        assert around == pytest.approx(entry["peak_enhancement_au"] + entry["offset_au"], rel=0.15)
        assert curve[0] < 0.05 * around
        assert np.argmax(curve) * loop.frame_times_s[1] == pytest.approx(entry["time_to_peak_s"], abs=6)


def test_maps_of_true_stiffness_are_those_that_the_pictures_show(
    folder: Path, truth: dict[str, Any], manifests: dict[str, pd.DataFrame]
) -> None:
    errors: dict[str, list[float]] = {".png": [], ".jpg": []}
    for row in manifests["swe"].itertuples():
        entry = truth["patients"][row.patient_id]["swe"][0]
        image = read_image(folder / "data" / row.image)
        kpa = read_image(folder / entry["stiffness_map"]).pixels / MAP_FACTOR
        shown = np.where(kpa > 0, np.minimum(kpa, row.scale_max), np.nan)
        top, bottom, left, right = entry["overlay_box"]
        outside = np.ones(shown.shape, dtype=bool)
        outside[top : bottom + 1, left : right + 1] = False
        assert np.isnan(shown[outside]).all() and np.isfinite(shown[~outside]).mean() > 0.9
        mask = read_mask([folder / "data" / row.mask], image.shape)
        values = shown[mask & np.isfinite(shown)]
        lesion = entry["lesion"]
        assert [values.mean(), values.min(), values.max(), np.median(values)] == pytest.approx(
            [lesion["mean_kpa"], lesion["min_kpa"], lesion["max_kpa"], lesion["median_kpa"]], abs=0.006
        )
        # the longer scale was chosen for stiff lesions and for no others
        assert row.scale_max in (180, 300) and (lesion["beyond_scale_share"] <= 0.02 or row.scale_max == 300)
        found = decode_stiffness(image, scale_max=row.scale_max, unit="kPa").values
        errors[row.image[-4:]].append(float(np.nanmedian(np.abs(found - shown))) / row.scale_max)
    assert max(errors[".png"]) < 0.01 and len(errors[".png"]) >= 12
    assert max(errors[".jpg"]) < 0.025 and errors[".jpg"]


def test_latent_traits_are_seen_in_the_truth_of_the_pictures(truth: dict[str, Any]) -> None:
    def correlation(modality: str, number: int, latent: str, value: Callable[[dict[str, Any]], float], cause: str) -> float:
        patients = [p for p in truth["patients"].values() if len(p.get(modality, [])) > number]
        patients = [p for p in patients if p["scanner"] == cause]
        pairs = [(p["latent"][latent], np.log(value(p[modality][number]))) for p in patients]
        return float(np.corrcoef(np.array(pairs).T)[0, 1])

    assert correlation("swe", 0, "stiffness", lambda e: e["lesion"]["mean_kpa"], "Alpha") > 0.9
    assert correlation("doppler", 0, "vascularity", lambda e: e["vascularity_index_pct"], "Alpha") > 0.8
    assert correlation("ceus", 0, "peak", lambda e: e["peak_enhancement_au"], "Alpha") > 0.8
    assert correlation("ceus", 0, "time", lambda e: e["time_to_peak_s"], "Alpha") > 0.7


def test_pictures_follow_from_the_latent_traits_and_the_scanner_alone(tmp_path: Path) -> None:
    truth = draw_truth(20, 5, DEFAULT).iloc[3:4]
    labels = [c for c in truth.columns if c.startswith(("mut_", "lp_"))]
    labels += ["er", "pr", "her2", "subtype", "grade", "node_status", "os_months", "os_status", "pcr", "age", "size_mm"]
    other = truth.copy()
    donor = draw_truth(20, 6, DEFAULT).iloc[11:12]
    other[labels] = donor[labels].to_numpy()
    assert (truth[labels].to_numpy() != other[labels].to_numpy()).sum() >= 8
    for task, write in WRITERS.values():
        for name, frame in (("a", truth), ("b", other)):
            write(Album(tmp_path / name, 5), frame, partial(generator, 5, task))
    files = [p.relative_to(tmp_path / "a") for p in (tmp_path / "a").rglob("*") if p.is_file()]
    assert len(files) >= 11
    assert all((tmp_path / "a" / f).read_bytes() == (tmp_path / "b" / f).read_bytes() for f in files)
