"""The command `radiogen features`."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from radiogen.cli import main
from radiogen.features.dictionary import COLUMNS, feature_dictionary


@pytest.fixture(autouse=True)
def width(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal of 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")


def run(*words: str) -> int:
    try:
        main(["features", *words])
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def test_the_table_fits_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == 0
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 80
    assert f"{len(feature_dictionary())} features" in text
    # once under its heading, not once a picture
    assert sum(line.startswith("JointEntropy") for line in text.splitlines()) == 2  # bmode and swe
    assert "column: bmode_original_glcm_Autocorrelation" in text


def test_csv_and_json_and_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--format", "csv") == 0
    read = pd.read_csv(io.StringIO(capsys.readouterr().out), dtype=str, keep_default_na=False)
    pd.testing.assert_frame_equal(read.astype(object), feature_dictionary())
    assert run("--modality", "doppler", "-o", str(tmp_path / "new" / "d.json")) == 0
    rows = json.loads((tmp_path / "new" / "d.json").read_text(encoding="utf-8"))
    assert tuple(rows[0]) == COLUMNS and {r["modality"] for r in rows} == {"doppler"}
    assert run("--class", "GLCM", "--modality", "swe", "-o", str(tmp_path / "d.md")) == 0
    lines = (tmp_path / "d.md").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "## swe: glcm, lesion" and sum(ln.startswith("| `swe_original_glcm_") for ln in lines) == 24


def test_search_needs_all_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--search", "transit TIME", "--format", "csv") == 0
    found = pd.read_csv(io.StringIO(capsys.readouterr().out))["feature"].tolist()
    assert found == ["ceus_mean_transit_time_s", "ceus_local_transit_time_s"]
    assert run("--search", "tensor") == 0
    assert "No feature" in capsys.readouterr().out


def test_one_feature_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--show", "bmode_wavelet_LH_glcm_JointEntropy") == 0
    text = capsys.readouterr().out
    for word in ("TU9B", "wavelet LH", "bit", "p(i,j)", "Haralick"):
        assert word in text
    # and of a picture without spacing
    assert run("--show", "bmode_log_sigma_2_0_px_2D_glcm_Id") == 0
    assert run("--uncalibrated", "--show", "bmode_log_sigma_2_0_mm_3D_glcm_Id") == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--show", "swe_mean_kPa"), "Did you mean 'swe_mean_kpa'"),
        (("--class", "glc"), "Did you mean 'glcm'"),
        (("--modality", "bmod"), "Did you mean 'bmode'"),
        (("--format", "jsn"), "Did you mean 'json'"),
        (("nowhere.yaml",), "RG108"),
    ],
)
def test_wrong_words_end_with_2_and_the_nearest(words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*words) == 2
    assert said in capsys.readouterr().err


def test_a_cohort_counts_with_its_settings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "cohort.yaml").write_text(
        "radiogen: 1\ncohort: {name: tiny}\ntables:\n  clinical: {path: c.csv, id: id}\nmodalities:\n"
        "  bmode:\n    images: b.csv\n    rings: [{width: 2}]\n    settings: {featureClass: {firstorder: [Mean]}}\n"
    )
    assert run(str(tmp_path), "--format", "csv") == 0
    found = pd.read_csv(io.StringIO(capsys.readouterr().out))["feature"].tolist()
    assert found == ["bmode_original_firstorder_Mean", "bmode_outside_2_mm_original_firstorder_Mean"]


def test_the_page_is_the_dictionary(repo: Path) -> None:
    command = [sys.executable, str(repo / "docs" / "make_features.py"), "--check"]
    assert subprocess.run(command, cwd=repo, env={"PYTHONPATH": str(repo)}).returncode == 0
