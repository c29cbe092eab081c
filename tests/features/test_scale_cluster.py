"""Extraction on a Dask cluster: the same bytes, and workers that would give others are refused."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from radiogen.cli import main
from radiogen.cohort import load_cohort
from radiogen.cohort.cohort import Cohort
from radiogen.errors import RadiogenError
from radiogen.features import FeatureCache, cluster, extract, probe, write_features
from tests.features.tiny_cohorts import write_cohort

distributed = pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    return load_cohort(write_cohort(tmp_path_factory.mktemp("tiny"), 20))


@contextmanager
def two_workers() -> Iterator[Any]:
    """A client of a scheduler with two workers, all in this process."""
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": False, "dashboard_address": None}
    with distributed.LocalCluster(**options) as made, made.get_client() as client:
        yield client


@contextmanager
def two_workers_outside() -> Iterator[str]:
    """The address of a scheduler with two workers, which other processes reach."""
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": False, "dashboard_address": None}
    with distributed.LocalCluster(**options, protocol="tcp://", host="127.0.0.1") as made:
        yield made.scheduler_address


def table_bytes(cohort: Cohort, folder: Path) -> bytes:
    (path,) = write_features(cohort, folder)
    return path.read_bytes()


def test_two_workers_give_the_bytes_of_one_process(tiny: Cohort, tmp_path: Path) -> None:
    alone = extract(tiny, cache=False)
    with two_workers() as client:
        together = extract(tiny, scheduler=client, cache=tmp_path / "cache")
        assert client.status == "running"  # a client that was given stays open
        again = extract(tiny, scheduler=client.scheduler.address, cache=tmp_path / "cache")
    assert FeatureCache(tmp_path / "cache").size().entries == 21
    one, two, three = (table_bytes(c, tmp_path / n) for c, n in ((alone, "1"), (together, "2"), (again, "3")))
    assert one == two == three
    assert alone.sources == together.sources and alone.findings == together.findings


def test_a_scheduler_that_is_not_there(tiny: Cohort) -> None:
    for address in ("tcp://127.0.0.1:9", "no-address:::"):
        with pytest.raises(RadiogenError) as caught:
            extract(tiny, cache=False, scheduler=address)
        assert caught.value.code == "RG903" and "dask scheduler" in caught.value.problems[0].fix


def test_the_command_takes_a_scheduler(tiny: Cohort, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["extract", str(tiny.root), "-o", str(tmp_path / "out"), "--cache", str(tmp_path / "c"), "--scheduler"]
    with pytest.raises(SystemExit) as ended:
        main([*words, "tcp://127.0.0.1:9"])
    assert ended.value.code == 2 and "RG903" in capsys.readouterr().err and not (tmp_path / "out").exists()
    with two_workers_outside() as address:
        done = subprocess.run([sys.executable, "-m", "radiogen", *words, address], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "bmode.parquet").read_bytes() == table_bytes(extract(tiny, cache=False), tmp_path / "own")


def test_a_scheduler_without_workers(tiny: Cohort, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_PATIENCE_S", 0.1)
    options = {"n_workers": 0, "processes": False, "dashboard_address": None}
    with (
        distributed.LocalCluster(**options) as made,
        made.get_client() as client,
        pytest.raises(RadiogenError, match="no worker"),
    ):
        extract(tiny, cache=False, scheduler=client)


def test_distributed_is_optional(tiny: Cohort, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(RadiogenError) as caught:
        extract(tiny, cache=False, scheduler="tcp://127.0.0.1:9")
    assert caught.value.code == "RG902" and "radiogen[dask]" in caught.value.problems[0].fix


def test_a_worker_without_radiogen_can_be_asked() -> None:
    """The source of the question runs where nothing but the standard library is."""
    source = f"{inspect.getsource(probe.look)}\nimport json\nprint(json.dumps(look(['numpy'], {{'/no/such/file': 3}})))"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", source], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert found["radiogen"] is None and "radiogen" in found["why"]
    assert found["packages"] == {"numpy": None} and found["unseen"] == ["/no/such/file"]


class Fake:
    """A client whose one worker answers as it is told to."""

    def __init__(self, **told: Any) -> None:
        self.told = told

    def wait_for_workers(self, n: int, timeout: float) -> None:
        """There is one."""

    def run(self, function: Any, text: str, words: dict[str, Any]) -> dict[str, Any]:
        """What this process would answer, changed."""
        answer = function(text, words)
        if "hide" in self.told:
            answer["unseen"] = [name for name in words["words"][1] if self.told["hide"] in name]
        return {"tcp://10.0.0.7:1": {**answer, **{k: v for k, v in self.told.items() if k in answer}}}


@pytest.mark.parametrize(
    ("told", "code", "words"),
    [
        ({"radiogen": None, "why": "No module named 'radiogen'"}, "RG904", "has no radiogen"),
        ({"radiogen": "0.0.1"}, "RG904", "has radiogen 0.0.1"),
        ({"code": "0"}, "RG904", "other source files"),
        ({"packages": {"numpy": "1.0", "pillow": None}}, "RG904", "numpy 1.0 (here "),
        ({"hide": "images"}, "RG905", "does not see 1 of 1 images"),
        ({"hide": "unfinished"}, "RG905", "folder of the cache"),
    ],
)
def test_workers_that_are_refused(told: dict[str, Any], code: str, words: str, tiny: Cohort, tmp_path: Path) -> None:
    from radiogen.features.job import package_versions
    from radiogen.features.jobs import make_jobs, rows_of

    cache = FeatureCache(tmp_path)
    cache.open()
    jobs = make_jobs(tiny, rows_of(tiny.images), versions=package_versions(), cache=cache)
    versions = {name: jobs[0].versions[name] for name in ("numpy", "pillow") if name in jobs[0].versions}
    jobs = [replace(job, versions={"numpy": "x", **versions}) for job in jobs]
    cluster.check_workers(Fake(), jobs)  # a worker that is like this machine is taken
    with pytest.raises(RadiogenError) as caught:
        cluster.check_workers(Fake(**told), jobs)
    assert caught.value.code == code and words in str(caught.value) and caught.value.problems[0].fix
    assert "10.0.0.7" in str(caught.value)
    assert not list((tmp_path / "unfinished").iterdir())
