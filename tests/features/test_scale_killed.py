"""Runs that are killed, interrupted, or stand side by side: the table has the same bytes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from radiogen.cohort import load_cohort
from radiogen.features import FeatureCache, extract, write_features
from tests.features.tiny_cohorts import write_cohort

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")

PATIENTS, IMAGES = 27, 28


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_cohort(tmp_path_factory.mktemp("large"), PATIENTS, large=True)


@pytest.fixture(scope="module")
def undisturbed(cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The file of a run in one process, without a cache."""
    done = extract(load_cohort(cohort), cache=False)
    (path,) = write_features(done, tmp_path_factory.mktemp("undisturbed"))
    return path.read_bytes()


def start(cohort: Path, output: Path, cache: Path, jobs: int = 1) -> subprocess.Popen[str]:
    """``radiogen extract`` in a process group of its own."""
    words = ["extract", str(cohort), "-o", str(output), "--cache", str(cache), "--jobs", str(jobs)]
    return subprocess.Popen(
        [sys.executable, "-m", "radiogen", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip


def keys(cache: Path) -> list[str]:
    return [path.stem for path in cache.glob("??/*.json")]


def wait_for(run: subprocess.Popen[str], cache: Path, entries: int) -> None:
    """Until so many images are done; the moments are counted in images, not in seconds."""
    while len(keys(cache)) < entries:
        assert run.poll() is None, run.communicate()[1]
        time.sleep(0.001)


def interrupted(run: subprocess.Popen[str]) -> tuple[str, str]:
    """Ctrl-C, which the workers get too; once more where Python lost it (in a finaliser an interrupt is only printed)."""
    for _ in range(3):
        os.killpg(run.pid, signal.SIGINT)
        try:
            return run.communicate(timeout=2)
        except subprocess.TimeoutExpired:
            continue
    return run.communicate(timeout=60)


def finished(run: subprocess.Popen[str]) -> str:
    _, err = run.communicate(timeout=120)
    assert run.returncode == 0, err
    return err


def test_killed_at_five_random_moments(cohort: Path, undisturbed: bytes, tmp_path: Path) -> None:
    """Each run goes on from the last and is killed again; workers are killed with it."""
    moments = np.sort(np.random.default_rng(20260101).choice(np.arange(1, IMAGES - 2), 5, replace=False))
    cache, output = tmp_path / "cache", tmp_path / "out"
    for place, moment in enumerate(moments):
        before = len(keys(cache))
        run = start(cohort, output, cache, jobs=2 if place == 2 else 1)
        wait_for(run, cache, max(moment, before + 1))
        os.killpg(run.pid, signal.SIGKILL)
        _, said = run.communicate()
        assert run.returncode == -signal.SIGKILL
        if place < 2:  # what was done before is not done again (two workers leave gaps in the order)
            assert said.startswith(f"measuring images: {before} of {IMAGES}")
        store = FeatureCache(cache)
        assert all(store.get(key) is not None for key in keys(cache))
        assert not output.exists()
    assert moments[-1] <= len(keys(cache)) < IMAGES
    said = finished(start(cohort, output, cache))
    assert f"{IMAGES} of {IMAGES} (100 %)" in said
    assert (output / "bmode.parquet").read_bytes() == undisturbed
    assert [p.name for p in output.iterdir()] == ["bmode.parquet"]


def test_two_runs_at_once_on_one_cache(cohort: Path, undisturbed: bytes, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    runs = [start(cohort, tmp_path / name, cache) for name in ("a", "b")]
    for run in runs:
        finished(run)
    assert [(tmp_path / name / "bmode.parquet").read_bytes() == undisturbed for name in ("a", "b")] == [True, True]
    assert len(keys(cache)) == IMAGES and not list((cache / "unfinished").iterdir())


def test_an_interrupt_leaves_no_output_and_says_how_to_go_on(tmp_path: Path) -> None:
    cohort = write_cohort(tmp_path / "many", 119, large=True)  # so many that the interrupt comes before the end
    cache, output = tmp_path / "cache", tmp_path / "out"
    run = start(cohort, output, cache, jobs=2)
    wait_for(run, cache, 3)
    out, said = interrupted(run)
    assert run.returncode == 130 and out == "" and not output.exists()
    assert "the same command goes on from there" in said and "Traceback" not in said
    assert 3 <= len(keys(cache)) < 120
    assert "120 of 120 (100 %)" in finished(start(cohort, output, cache))
    assert [p.name for p in output.iterdir()] == ["bmode.parquet"]
