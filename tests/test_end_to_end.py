"""The main job through the command line: a cohort file in, one report out."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest


def radiogen(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own."""
    return subprocess.run([sys.executable, "-m", "radiogen", *map(str, words)], capture_output=True, text=True)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A small simulated cohort with few analyses, and its report."""
    folder = tmp_path_factory.mktemp("simulated")
    assert radiogen("simulate", folder, "--n", 80, "--seed", 5, "--no-images").returncode == 0
    path = folder / "cohort.yaml"
    text = path.read_text(encoding="utf-8")
    analyses = (
        "analyses:\n"
        "  - {kind: associate, targets: [TP53, her2], inputs: [swe, ceus]}\n"
        "  - {kind: classify, target: TP53, inputs: [clinical, swe], models: [elastic_net, fusion], folds: 3, repeats: 1, "
        "network: {epochs: 3}}\n"
        "  - {kind: survive, endpoint: os, inputs: [clinical, swe], models: [cox], folds: 3, repeats: 1}\n"
        "  - {kind: classify, target: PTEN, inputs: [swe], folds: 5, repeats: 1, title: Too rare a gene}\n"
    )
    path.write_text(re.sub(r"^analyses:\n.*?(?=^\S)", analyses + "\n", text, flags=re.DOTALL | re.MULTILINE), encoding="utf-8")
    report = folder / "out" / "report.html"
    done = radiogen("report", path, "-o", report, "--jobs", 1, "--cache", folder / "cache")
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert "Too rare a gene" in done.stderr
    assert str(report) in done.stdout
    return path, report


def test_the_report_says_that_the_data_are_simulated(simulated: tuple[Path, Path]) -> None:
    html = simulated[1].read_text(encoding="utf-8")
    assert "Simulated data" in html
    assert "Too rare a gene" in html
    assert "Fusion networks had an encoder for each block of inputs" in html


def test_plotly_is_in_the_file_once_and_nothing_comes_from_the_network(simulated: tuple[Path, Path]) -> None:
    html = simulated[1].read_text(encoding="utf-8")
    assert html.count("plotly.js v") <= 1
    assert len(html) < 8_000_000
    assert re.findall(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=[\"']?https?:", html) == []
    assert "default-src &#39;none&#39;" in html or "default-src 'none'" in html


def test_the_report_does_not_depend_on_the_number_of_processes(simulated: tuple[Path, Path], tmp_path: Path) -> None:
    again = tmp_path / "again.html"
    done = radiogen("report", simulated[0], "-o", again, "--jobs", 2, "--cache", tmp_path / "cache")
    assert done.returncode == 0, done.stderr
    assert again.read_bytes() == simulated[1].read_bytes()


def test_no_id_of_a_patient_is_in_the_report(simulated: tuple[Path, Path]) -> None:
    assert "SIM-0" not in simulated[1].read_text(encoding="utf-8")


def test_help_names_the_commands() -> None:
    done = radiogen("--help")
    assert done.returncode == 0
    for command in ("init", "check", "extract", "report", "simulate", "schema", "cache", "doctor"):
        assert command in done.stdout


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("report", "nothing.yaml"), 2, "RG108"),
        (("check",), 2, "Missing argument"),
        (("simulate", "x", "--n", "5"), 2, "RG708"),
        (("report", "cohorts/gbsg2", "-o", "cohorts"), 2, "RG801"),
        (("check", "cohorts/metabric"), 1, "--data"),
    ],
)
def test_wrong_calls_end_with_a_code_and_no_traceback(
    words: tuple[str, ...], code: int, says: str, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repo)
    done = radiogen(*words)
    assert done.returncode == code
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_init_gives_a_cohort_that_checks(tmp_path: Path) -> None:
    assert radiogen("init", tmp_path / "mine").returncode == 0
    assert radiogen("check", tmp_path / "mine").returncode == 0
    assert radiogen("init", tmp_path / "mine").returncode == 2


def test_schema_and_doctor() -> None:
    import json

    assert "cohort" in json.loads(radiogen("schema").stdout)["properties"]
    done = radiogen("doctor")
    assert done.returncode == 0
    assert "engine pyradiomics" in done.stdout
