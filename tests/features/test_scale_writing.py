"""What a file of features says of itself, and that it depends on nothing but the data and the settings."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from radiogen.cli import app
from radiogen.cohort import load_cohort
from radiogen.cohort.paths import file_digest
from radiogen.errors import RadiogenError
from radiogen.features import extract, write_features, writing
from radiogen.features.cache_limits import days, size_bytes
from radiogen.features.outcome import Numbers
from radiogen.features.units import unit_of
from tests.features.tiny_cohorts import write_cohort


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_cohort(tmp_path_factory.mktemp("tiny"), 8)


def written(cohort: Path, folder: Path, n_jobs: int = 1, cache: Path | bool = False) -> Path:
    (path,) = write_features(extract(load_cohort(cohort), n_jobs, cache=cache), folder)
    return path


def test_the_same_bytes_for_any_number_of_workers_and_from_the_cache(cohort: Path, tmp_path: Path) -> None:
    one = written(cohort, tmp_path / "1").read_bytes()
    assert written(cohort, tmp_path / "2", 2).read_bytes() == one
    assert written(cohort, tmp_path / "4", 4, tmp_path / "cache").read_bytes() == one
    assert written(cohort, tmp_path / "c", 2, tmp_path / "cache").read_bytes() == one
    # in another folder of another name too
    moved = Path(shutil.copytree(cohort.parent, tmp_path / "elsewhere" / "moved")) / "cohort.yaml"
    assert written(moved, tmp_path / "m").read_bytes() == one


def test_what_the_file_says_of_itself(cohort: Path, tmp_path: Path) -> None:
    schema = pq.read_schema(written(cohort, tmp_path))
    told = json.loads(schema.metadata[b"radiogen"])
    assert told["format"] == 1 and told["modality"] == told["kind"] == "bmode" and told["aggregate"] == "median"
    assert told["settings"]["radiomics"]["featureClass"] == {"firstorder": []}
    assert told["manifest"] == {"file": "bmode.csv", "sha256": file_digest(cohort.with_name("bmode.csv"))}
    assert told["images"]["told"] == "bmode: 9 images, 9 masks" and len(told["images"]["sha256"]) == 64
    assert {"numpy", "pillow", "SimpleITK"} <= set(told["packages"])
    assert schema.metadata[b"radiogen"].decode() == json.dumps(told, sort_keys=True)
    assert str(tmp_path) not in str(schema.metadata) and str(cohort.parent) not in str(schema.metadata)
    assert schema.field("bmode_original_firstorder_TotalEnergy").metadata == {b"unit": "mm²".encode()}
    assert schema.field("bmode_original_firstorder_Mean").metadata is None


def test_two_images_of_one_patient_are_joined_in_blocks(cohort: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = ["id,image,mask", *(f"p{k // 2},images/{k}.png,images/mask.png" for k in range(8))]
    other = Path(shutil.copytree(cohort.parent, tmp_path / "other")) / "cohort.yaml"
    other.with_name("bmode.csv").write_text("\n".join(rows) + "\n")
    found = extract(load_cohort(other), cache=False).modalities["bmode"]["bmode_original_firstorder_Mean"]
    single = pd.read_parquet(written(cohort, tmp_path / "o"))["bmode_original_firstorder_Mean"]
    # the median of two is their mean; p7 had pictures 7 and 8, which is not used here
    expected = [(single[f"p{2 * k}"] + single[f"p{2 * k + 1}"]) / 2 for k in range(3)]
    np.testing.assert_allclose(found[["p0", "p1", "p2"]], expected, rtol=1e-15)
    assert found[["p4", "p5", "p6", "p7"]].isna().all()
    monkeypatch.setattr("radiogen.features.part._AT_ONCE", 1)
    again = extract(load_cohort(other), cache=False).modalities["bmode"]["bmode_original_firstorder_Mean"]
    assert again.equals(found)


def test_row_groups_bound_what_a_reader_holds(cohort: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = pd.read_parquet(written(cohort, tmp_path / "whole"))
    monkeypatch.setattr(writing, "_GROUP", 3 * 18)  # three rows of 18 features
    path = written(cohort, tmp_path / "groups")
    file = pq.ParquetFile(path)
    assert [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)] == [3, 3, 2]
    pd.testing.assert_frame_equal(pd.read_parquet(path), whole, check_exact=True)


def test_what_a_killed_run_left_beside_the_file_goes(cohort: Path, tmp_path: Path) -> None:
    import os

    old, fresh = tmp_path / ".bmode.parquet.11.tmp", tmp_path / ".bmode.parquet.12.tmp"
    for left in (old, fresh):
        left.write_text("half")
    os.utime(old, (1, 1))
    written(cohort, tmp_path)
    assert not old.exists() and fresh.exists()  # another run may still write the fresh one


def test_the_settings_of_rows_are_named(cohort: Path, tmp_path: Path) -> None:
    made = Path(shutil.copytree(cohort.parent, tmp_path / "ceus")) / "cohort.yaml"
    table = made.with_name("bmode.csv")
    lines = table.read_text().splitlines()
    table.write_text("\n".join([f"{lines[0]},dynamic_range_db", *(f"{line},60" for line in lines[1:])]) + "\n")
    told = json.loads(pq.read_schema(written(made, tmp_path / "o")).metadata[b"radiogen"])
    assert told["per_image"] == ["dynamic_range_db"]


@pytest.mark.parametrize(
    ("column", "unit"),
    [
        ("swe_mean_kpa", "kPa"), ("swe_share_above_80_kpa_pct", "%"), ("doppler_vessel_area_mm2", "mm²"),
        ("doppler_psv_cm_s", "cm/s"), ("ceus_time_to_peak_s", "s"), ("ceus_wash_in_rate_au_per_s", "au/s"),
        ("bmode_original_shape2D_PerimeterSurfaceRatio", "1/mm"), ("bmode_original_shape2D_Sphericity", None),
        ("bmode_outside_2_mm_original_firstorder_Mean", None), ("bmode_wavelet_LH_glcm_MCC", None),
    ],
)  # fmt: skip
def test_units(column: str, unit: str | None) -> None:
    assert unit_of(column) == unit


def test_numbers_are_a_mapping_and_travel() -> None:
    import pickle

    found = Numbers({"a": 1.5, "b": float("nan")})
    back = pickle.loads(pickle.dumps(found))  # noqa: S301  made here
    assert dict(back).keys() == {"a", "b"} and back["a"] == 1.5 and np.isnan(back["b"])
    assert back.get("c") is None and len(Numbers()) == 0
    assert back._names is found._names  # a million of them share one tuple


def test_the_cache_command(tmp_path: Path) -> None:
    from radiogen.features.cache import FeatureCache, digest

    store = FeatureCache(tmp_path)
    for k in range(4):
        store.put(digest(k), "x" * 2000)

    def say(*words: str) -> str:
        return CliRunner().invoke(app, ["cache", "--cache", str(tmp_path), *words], catch_exceptions=False).output

    assert say("--size").startswith("4 files, 0.0 MB")
    assert say("--prune", "1d").startswith("0 files deleted")
    assert say("--max-size", "5kB").startswith("2 files deleted")
    assert say("--prune").startswith("2 files deleted")
    with pytest.raises(RadiogenError, match="without --prune"):
        say("30d")


@pytest.mark.parametrize("text", ["", "30", "d", "30 y", "-1d", "1e3d"])
def test_limits_that_are_none(text: str) -> None:
    for read in (days, size_bytes):
        with pytest.raises(RadiogenError, match="RG708"):
            read(text)


def test_limits() -> None:
    assert (days("12h"), days("4w"), days("30 D")) == (0.5, 28.0, 30.0)
    assert (size_bytes("500MB"), size_bytes("1.5 tb"), size_bytes("10B")) == (500_000_000, 1_500_000_000_000, 10)
