"""Extraction of a cohort: features, cache, workers, broken images, visits, ledger, duplicates."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image as PillowImage

from radiogen.cohort.cohort import Cohort
from radiogen.errors import RadiogenError
from radiogen.features import FeatureCache, extract, write_features
from radiogen.features import radiomics as rx
from radiogen.imaging import read_image, read_mask
from tests.features.conftest import write_image, write_mask

SMALL = {"imageType": {"Original": {}}, "featureClass": {"firstorder": ["Mean", "Maximum"], "shape2D": ["Perimeter"]}}
CohortOf = Callable[..., Cohort]
Rows = list[dict[str, Any]]


def refuse(*args: Any) -> Any:
    raise AssertionError("the engine was called")


# -- values ------------------------------------------------------------------------------------


def test_columns_and_values_are_those_of_one_image(trio: Rows, cohort_of: CohortOf) -> None:
    table = extract(cohort_of(trio), cache=False).modalities["bmode"]
    assert table.shape == (3, 753) and list(table.index) == ["u0", "u1", "u2"]
    assert {"bmode_wavelet_LH_glcm_JointEntropy", "bmode_log_sigma_2_0_px_2D_ngtdm_Busyness"} <= set(table.columns)
    image, mask = read_image(trio[1]["image"]), read_mask(trio[1]["masks"], (60, 80))
    alone = rx.extract(image.pixels, mask)
    np.testing.assert_array_equal(table.loc["u1"].to_numpy(), alone.to_numpy())


def test_the_pictures_are_in_the_provenance(trio: Rows, cohort_of: CohortOf) -> None:
    first = extract(cohort_of(trio), cache=False, settings=SMALL)
    again = extract(first, cache=False, settings=SMALL)
    assert [(s.role, s.path) for s in first.sources] == [("images", "bmode: 3 images, 3 masks")]
    assert again.sources == first.sources
    write_image(Path(trio[0]["image"]), seed=99)
    assert extract(cohort_of(trio), cache=False, settings=SMALL).sources != first.sources


def test_spacing_comes_from_the_manifest(trio: Rows, cohort_of: CohortOf) -> None:
    for row in trio:
        row |= {"spacing_row_mm": 0.5, "spacing_col_mm": 0.5}
    found = extract(cohort_of(trio), cache=False, settings=SMALL)
    perimeter = found.modalities["bmode"]["bmode_original_shape2D_Perimeter"]
    # 20 × 30 pixels of half a millimetre, four corners cut
    assert perimeter["u0"] == pytest.approx((2 * 19 + 2 * 29 + 4 * np.sqrt(0.5)) * 0.5)
    assert found.findings == ()


def test_mixed_spacing_is_reported_and_kept_apart(trio: Rows, cohort_of: CohortOf) -> None:
    trio[0] |= {"spacing_row_mm": 0.1, "spacing_col_mm": 0.1}
    settings = {**SMALL, "imageType": {"LoG": {"sigma": [1.0]}}, "featureClass": {"firstorder": ["Mean"]}}
    found = extract(cohort_of(trio), cache=False, settings=settings)
    table = found.modalities["bmode"]
    assert table["bmode_log_sigma_1_0_mm_3D_firstorder_Mean"].notna().tolist() == [True, False, False]
    assert table["bmode_log_sigma_1_0_px_2D_firstorder_Mean"].notna().tolist() == [False, True, True]
    assert [(p.code, p.severity) for p in found.findings] == [("RG513", "warning")]


@pytest.mark.parametrize(("how", "expected"), [("median", 20), ("mean", 30), ("max", 60), ("first", 60)])
def test_several_images_of_a_unit(tmp_path: Path, cohort_of: CohortOf, how: str, expected: float) -> None:
    mask = write_mask(tmp_path / "m.png")
    rows = []
    for value in (60, 10, 20):
        PillowImage.fromarray(np.full((60, 80), value, np.uint8)).save(tmp_path / f"{value}.png")
        rows.append({"unit": "u0", "image": tmp_path / f"{value}.png", "masks": (mask,)})
    found = extract(cohort_of(rows, modality={"aggregate": how}), cache=False, settings=SMALL)
    assert found.modalities["bmode"].loc["u0", "bmode_original_firstorder_Mean"] == expected


def test_settings_of_the_modality_and_of_the_call(trio: Rows, cohort_of: CohortOf) -> None:
    cohort = cohort_of(trio, modality={"settings": SMALL})
    assert extract(cohort, cache=False).modalities["bmode"].shape == (3, 3)
    other = {"featureClass": {"firstorder": ["Mean"]}}
    assert extract(cohort, cache=False, settings=other).modalities["bmode"].shape == (3, 1)


# -- workers, cache, progress --------------------------------------------------------------------


def test_the_number_of_workers_changes_nothing(trio: Rows, cohort_of: CohortOf, tmp_path: Path) -> None:
    cohort = cohort_of(trio)
    one, two = extract(cohort, 1, cache=tmp_path / "a"), extract(cohort, 2, cache=tmp_path / "b")
    pd.testing.assert_frame_equal(one.modalities["bmode"], two.modalities["bmode"], check_exact=True)
    files = [{p.name: p.read_bytes() for p in (tmp_path / f).rglob("*.json")} for f in "ab"]
    assert len(files[0]) == 3 and files[0] == files[1]


def test_a_cache_hit_gives_the_same_bytes_without_the_engine(
    trio: Rows, cohort_of: CohortOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cohort = cohort_of(trio)
    first = extract(cohort, cache=tmp_path / "cache")
    monkeypatch.setattr("radiogen.features.radiomics.with_native.compute", refuse)
    second = extract(cohort, cache=tmp_path / "cache")
    assert first.modalities["bmode"].to_numpy().tobytes() == second.modalities["bmode"].to_numpy().tobytes()
    assert list(first.modalities["bmode"].columns) == list(second.modalities["bmode"].columns)
    assert first.findings == second.findings
    # content decides: the same pictures under other names are found too
    for row in trio:
        row["image"] = Path(shutil.copy(row["image"], row["image"].with_stem(row["image"].stem + "-copy")))
    extract(cohort_of(trio), cache=tmp_path / "cache")


@pytest.mark.parametrize("change", ["image", "mask", "spacing", "settings", "resize"])
def test_whatever_decides_a_value_is_in_the_key(trio: Rows, cohort_of: CohortOf, tmp_path: Path, change: str) -> None:
    cache, options = FeatureCache(tmp_path / "cache"), {"settings": SMALL}
    modality: dict[str, Any] = {}
    extract(cohort_of(trio), cache=cache, **options)
    if change == "image":
        write_image(trio[0]["image"], seed=99)
    elif change == "mask":
        write_mask(trio[0]["masks"][0], box=(10, 35, 20, 50))
    elif change == "spacing":
        trio[0] |= {"spacing_row_mm": 0.1, "spacing_col_mm": 0.1}
    elif change == "settings":
        options = {"settings": {**SMALL, "setting": {"binWidth": 7}}}
    else:
        modality = {"resize": "nearest"}
    extract(cohort_of(trio, modality=modality), cache=cache, **options)
    assert cache.size().entries == (6 if change in ("settings", "resize") else 4)


def test_a_damaged_entry_is_computed_again(trio: Rows, cohort_of: CohortOf, tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path / "cache")
    first = extract(cohort_of(trio), cache=cache, settings=SMALL)
    sound = {p: p.read_bytes() for p in cache.folder.rglob("*.json")}
    victim = next(iter(sound))
    victim.write_bytes(sound[victim][:-20])
    second = extract(cohort_of(trio), cache=cache, settings=SMALL)
    pd.testing.assert_frame_equal(first.modalities["bmode"], second.modalities["bmode"], check_exact=True)
    assert {p: p.read_bytes() for p in cache.folder.rglob("*.json")} == sound


def test_an_interrupted_run_goes_on(
    trio: Rows, cohort_of: CohortOf, tmp_path: Path
) -> None:
    cache = FeatureCache(tmp_path / "cache")

    def stop(done: int, total: int, label: str) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        extract(cohort_of(trio), cache=cache, settings=SMALL, progress=stop)
    assert cache.size().entries == 2
    seen: list[tuple[int, int]] = []
    extract(cohort_of(trio), cache=cache, settings=SMALL, progress=lambda d, t, label: seen.append((d, t)))
    assert seen == [(2, 3), (3, 3)]  # two from the cache, one new


def test_the_default_cache_is_the_users(
    trio: Rows, cohort_of: CohortOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RADIOGEN_CACHE", str(tmp_path / "mine"))
    extract(cohort_of(trio), settings=SMALL)
    assert FeatureCache(tmp_path / "mine").size().entries == 3


# -- what cannot be used ---------------------------------------------------------------------------


def test_one_bad_image_costs_its_own_row(trio: Rows, cohort_of: CohortOf, tmp_path: Path) -> None:
    whole = trio[1]["image"].read_bytes()
    trio[1]["image"].write_bytes(whole[:300])
    found = extract(cohort_of(trio), cache=tmp_path / "c", settings=SMALL)
    table = found.modalities["bmode"]
    assert table["bmode_original_firstorder_Mean"].notna().tolist() == [True, False, True]
    (entry,) = found.ledger.of("bmode")
    assert (entry.step, entry.reason, entry.ids) == ("features", "unreadable image (RG502)", ("u1",))
    assert found.ledger.remaining == 3
    bad = next(p for p in found.findings if p.code == "RG502")
    assert (bad.severity, bad.file, bad.row, bad.column, bad.value) == ("warning", "bmode.csv", 3, "image", "i1.png")
    trio[1]["image"].write_bytes(whole)  # a failure is not remembered
    mended = extract(cohort_of(trio), cache=tmp_path / "c", settings=SMALL)
    assert mended.modalities["bmode"]["bmode_original_firstorder_Mean"].notna().all()
    assert mended.ledger.entries == ()


def test_every_reason_has_its_line(cohort_of: CohortOf, tmp_path: Path) -> None:
    good_image, good_mask = write_image(tmp_path / "good.png", 0), write_mask(tmp_path / "mask.png")
    other = [write_image(tmp_path / f"i{k}.png", 10 + k) for k in range(6)]
    write_mask(tmp_path / "small.png", size=(30, 30), box=(3, 20, 3, 20))
    write_mask(tmp_path / "empty.png", box=(0, 0, 0, 0))
    write_mask(tmp_path / "thin.png", box=(4, 5, 4, 60))
    rows = [
        {"unit": "good", "image": good_image, "masks": (good_mask,)},
        {"unit": "gone", "image": tmp_path / "gone.png", "masks": (good_mask,)},
        {"unit": "nomask", "image": other[0], "masks": (tmp_path / "nomask.png",)},
        {"unit": "size", "image": other[1], "masks": (tmp_path / "small.png",)},
        {"unit": "empty", "image": other[2], "masks": (tmp_path / "empty.png",)},
        {"unit": "thin", "image": other[3], "masks": (tmp_path / "thin.png",)},
        {"unit": "unmasked", "image": other[4], "masks": ()},
        {"unit": "spacing", "image": other[5], "masks": (good_mask,), "spacing_row_mm": -1.0, "spacing_col_mm": 0.1},
    ]
    found = extract(cohort_of(rows), cache=False, settings=SMALL)
    assert {e.ids[0]: e.reason for e in found.ledger.of("bmode")} == {
        "gone": "image missing (RG501)", "nomask": "mask missing (RG503)",
        "size": "mask and image of different size (RG504)", "empty": "empty mask (RG505)",
        "thin": "region too small (RG510)", "unmasked": "no mask", "spacing": "spacing not understood (RG509)",
    }  # fmt: skip
    assert found.modalities["bmode"].notna().any(axis=1).tolist() == [True] + [False] * 7
    # RG528, on the quality of pictures, has tests of its own
    columns = {p.code: p.column for p in found.findings if p.severity == "warning" and p.code != "RG528"}
    assert columns == {
        "RG501": "image", "RG503": "mask", "RG504": "mask", "RG505": "mask", "RG510": "mask", "RG509": "spacing_mm",
    }  # fmt: skip


def test_one_of_several_images_left_out(trio: Rows, cohort_of: CohortOf, tmp_path: Path) -> None:
    rows = [*trio, {"unit": "u0", "image": tmp_path / "none.png", "masks": trio[0]["masks"]}]
    found = extract(cohort_of(rows), cache=False, settings=SMALL)
    assert found.modalities["bmode"]["bmode_original_firstorder_Mean"].notna().all()
    (entry,) = found.ledger.of("bmode")
    assert entry.ids == ("u0",) and "left out: image missing (RG501)" in entry.reason


def test_no_usable_image_at_all_is_an_error_that_names_them(trio: Rows, cohort_of: CohortOf) -> None:
    for row in trio:
        row["image"].write_bytes(b"")
    with pytest.raises(RadiogenError) as caught:
        extract(cohort_of(trio), cache=False)
    assert caught.value.codes == ("RG706", "RG502", "RG502", "RG502")


def test_faults_of_the_call_stop_the_run(trio: Rows, cohort_of: CohortOf, tmp_path: Path) -> None:
    cohort = cohort_of(trio)
    (tmp_path / "file").write_text("")
    for expected, options in {
        "RG708": {"n_jobs": 0},
        "RG109": {"modalities": ["bmod"]},
        "RG104": {"settings": {"setting": {"binWidth": -1}}, "cache": False},
        "RG801": {"cache": tmp_path / "file", "settings": SMALL},
    }.items():
        with pytest.raises(RadiogenError) as caught:
            extract(cohort, **options)
        assert caught.value.code == expected
    with pytest.raises(RadiogenError, match="RG708"):
        extract(cohort, engine="nativ")


def test_coloured_pictures_are_refused_and_marks_reported_once(trio: Rows, cohort_of: CohortOf) -> None:
    for row, share in zip(trio, (0, 3, 3), strict=True):
        pixels = np.asarray(PillowImage.open(row["image"]).convert("RGB")).copy()
        pixels[:share, :share] = (255, 255, 0)
        if share == 0:
            pixels[:30] = (0, 0, 255)
        PillowImage.fromarray(pixels).save(row["image"])
    found = extract(cohort_of(trio), cache=False, settings=SMALL)
    codes = [p.code for p in found.findings]
    assert codes.count("RG511") == 1 and codes.count("RG512") == 1
    assert "and 1 more" in next(p for p in found.findings if p.code == "RG512").message


# -- visits, feature tables, empty modalities -----------------------------------------------------------


def test_only_the_baseline_visit_is_measured(trio: Rows, cohort_of: CohortOf) -> None:
    for row, visit in zip(trio, ("T0", "T2", "T0"), strict=True):
        row["visit"] = visit
    trio[2] |= {"unit": "u0"}
    found = extract(cohort_of(trio, visits={"baseline": "T0", "order": ["T0", "T2"]}), cache=False, settings=SMALL)
    assert found.modalities["bmode"]["bmode_original_firstorder_Mean"].notna().tolist() == [True, False]
    assert [(e.reason, e.ids) for e in found.ledger.of("bmode")] == [("no image at the baseline visit", ("u1",))]


def test_a_feature_table_is_joined_and_a_second_run_replaces_the_first(trio: Rows, cohort_of: CohortOf) -> None:
    own = pd.DataFrame({"bmode_mean_kpa": [1.0, 2.0, 3.0]}, index=["u0", "u1", "u2"])
    once = extract(cohort_of(trio, features=own), cache=False, settings=SMALL)
    assert once.modalities["bmode"].columns[0] == "bmode_mean_kpa" and once.modalities["bmode"].shape == (3, 4)
    twice = extract(once, cache=False, settings={"featureClass": {"firstorder": ["Mean"]}})
    assert list(twice.modalities["bmode"].columns) == ["bmode_mean_kpa", "bmode_original_firstorder_Mean"]
    assert len(twice.findings) == len(once.findings)
    clash = own.rename(columns={"bmode_mean_kpa": "bmode_original_firstorder_Mean"})
    with pytest.raises(RadiogenError, match="RG215"):
        extract(cohort_of(trio, features=clash), cache=False, settings=SMALL)


def test_a_modality_that_nobody_has(cohort_of: CohortOf) -> None:
    cohort = cohort_of([], units=["u0", "u1"])
    assert extract(cohort, cache=False).modalities == {}


def test_images_without_any_mask_give_no_table(trio: Rows, cohort_of: CohortOf) -> None:
    for row in trio:
        row["masks"] = ()
    found = extract(cohort_of(trio), cache=False)
    assert "bmode" not in found.modalities
    assert [(e.reason, e.n) for e in found.ledger.of("bmode")] == [("no mask", 3)]


def test_features_are_written_as_parquet(trio: Rows, cohort_of: CohortOf, tmp_path: Path) -> None:
    found = extract(cohort_of(trio), cache=False, settings=SMALL)
    assert write_features(found, tmp_path / "out") == [tmp_path / "out" / "bmode.parquet"]
    back = pd.read_parquet(tmp_path / "out" / "bmode.parquet")
    pd.testing.assert_frame_equal(back, found.modalities["bmode"], check_exact=True)
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["bmode.parquet"]
    (tmp_path / "file").write_text("")
    with pytest.raises(RadiogenError, match="RG801"):
        write_features(found, tmp_path / "file")


# -- near-duplicates ---------------------------------------------------------------------------------


def with_copies(trio: Rows, tmp_path: Path) -> Rows:
    """``u3`` is a copy of ``u0``, ``u4`` a smaller, brighter one."""
    exact = Path(shutil.copy(trio[0]["image"], tmp_path / "exact.png"))
    bright = PillowImage.open(trio[0]["image"]).resize((70, 50)).point(lambda v: min(255, v + 15))
    bright.save(tmp_path / "bright.png")
    small = write_mask(tmp_path / "small.png", size=(50, 70), box=(10, 30, 15, 45))
    return [
        *trio,
        {"unit": "u3", "image": exact, "masks": trio[0]["masks"]},
        {"unit": "u4", "image": tmp_path / "bright.png", "masks": (small,)},
    ]


def test_near_duplicates_share_a_group(trio: Rows, cohort_of: CohortOf, tmp_path: Path) -> None:
    rows = with_copies(trio, tmp_path)
    found = extract(cohort_of(rows, external=("u4",)), cache=tmp_path / "c", settings=SMALL)
    assert found.units["group"].to_dict() == {"u0": "u0", "u1": "u1", "u2": "u2", "u3": "u0", "u4": "u0"}
    (warning,) = (p for p in found.findings if p.code == "RG507")
    assert warning.severity == "warning" and warning.message.startswith("3 pairs") and "external" in warning.message
    again = extract(cohort_of(rows), cache=tmp_path / "c", settings=SMALL)  # fingerprints come from the cache
    assert again.units["group"].equals(found.units["group"])


def test_conflicting_labels_are_named(trio: Rows, cohort_of: CohortOf, tmp_path: Path) -> None:
    labels = {"u0": "benign", "u1": "benign", "u2": "malignant", "u3": "malignant", "u4": np.nan}
    found = extract(cohort_of(with_copies(trio, tmp_path), labels=labels), cache=False, settings=SMALL)
    (conflict,) = (p for p in found.findings if p.code == "RG506")
    assert conflict.severity == "warning"
    for word in ("i0.png", "exact.png", "dx: benign against malignant", "all pixels equal"):
        assert word in conflict.message


def test_two_images_of_one_patient_are_no_leak(trio: Rows, cohort_of: CohortOf, tmp_path: Path) -> None:
    rows = with_copies(trio, tmp_path)[:4]
    rows[3]["unit"] = "u0"
    found = extract(cohort_of(rows), cache=False, settings=SMALL)
    assert "RG507" not in [p.code for p in found.findings]


def test_busi(shared: Path, cohort_of: CohortOf) -> None:
    """Four real images, one with two masks; a mean and an area checked against numpy."""
    folder = shared / "data" / "busi"
    index = pd.read_csv(folder / "index.csv").set_index("image").loc[
        ["benign (100).png", "benign (107).png", "malignant (27).png", "malignant (28).png"]
    ]
    rows = [
        {"unit": name, "image": folder / "images" / name, "masks": [folder / "masks" / m for m in row["masks"].split(";")]}
        for name, row in index.iterrows()
    ]
    found = extract(cohort_of(rows), n_jobs=2, cache=False)
    table = found.modalities["bmode"]
    physical = table.columns[table.isna().all()]
    assert len(physical) == 7 + 8 and table.drop(columns=physical).notna().all(axis=None)
    assert found.units["group"].tolist() == ["benign (100).png", "benign (107).png"] + ["malignant (27).png"] * 2
    grey = np.asarray(PillowImage.open(rows[0]["image"]).convert("L")).astype(float)
    union = np.any([np.asarray(PillowImage.open(m).convert("L")) > 0 for m in rows[0]["masks"]], axis=0)
    assert len(rows[0]["masks"]) == 2
    assert table.loc["benign (100).png", "bmode_original_firstorder_Mean"] == pytest.approx(grey[union].mean(), rel=1e-12)
    assert union.mean() == pytest.approx(index["lesion_area_fraction"].iloc[0], abs=1e-4)
