"""The cache: content decides, damage is noticed, pruning removes what is old."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from radiogen.errors import RadiogenError
from radiogen.features.cache import CacheSize, FeatureCache, default_folder, digest, open_cache

KEYS = [digest(i) for i in range(4)]


def test_what_goes_in_comes_out(tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path)
    entry = {"features": {"a": 0.1 + 0.2, "b": None}, "n": 3}
    assert cache.get(KEYS[0]) is None
    cache.put(KEYS[0], entry)
    assert cache.get(KEYS[0]) == entry
    assert cache.get(KEYS[1]) is None
    assert not list(tmp_path.rglob("*.tmp"))


@pytest.mark.parametrize("damage", [lambda b: b[:-9], lambda b: b"", lambda b: b.replace(b"0.25", b"0.35"), lambda b: b"[]"])
def test_a_damaged_entry_counts_as_absent(tmp_path: Path, damage: object) -> None:
    cache = FeatureCache(tmp_path)
    cache.put(KEYS[0], {"a": 0.25})
    path = cache.path(KEYS[0])
    path.write_bytes(damage(path.read_bytes()))  # type: ignore[operator]
    assert cache.get(KEYS[0]) is None


def test_many_writers_and_readers_at_once(tmp_path: Path) -> None:
    cache, entry = FeatureCache(tmp_path), {"values": list(range(2000))}

    def use(_: int) -> bool:
        cache.put(KEYS[0], entry)
        return cache.get(KEYS[0]) == entry  # a half-written file would not be

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(use, range(64)))
    assert cache.size().entries == 1 and not list(tmp_path.rglob("*.tmp"))


def test_an_entry_under_another_key_is_not_believed(tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path)
    cache.put(KEYS[0], 1)
    cache.path(KEYS[1]).parent.mkdir(exist_ok=True)
    cache.path(KEYS[0]).rename(cache.path(KEYS[1]))
    assert cache.get(KEYS[1]) is None


def test_size_and_pruning(tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path)
    assert cache.size() == CacheSize(0, 0)
    now = time.time()
    for age, key in enumerate(KEYS):  # 0, 10, 20, 30 days old
        cache.put(key, "x" * 100)
        os.utime(cache.path(key), (now - age * 864_000, now - age * 864_000))
    one = cache.path(KEYS[0]).stat().st_size
    left_behind = tmp_path / "unfinished" / "dead-1.tmp"
    left_behind.write_text("half")
    os.utime(left_behind, (now - 90_000, now - 90_000))
    assert cache.size() == CacheSize(4, 4 * one)
    assert cache.prune(older_than_days=25) == 1
    assert cache.get(KEYS[3]) is None and cache.get(KEYS[2]) is not None
    assert not left_behind.exists()
    assert cache.prune(max_bytes=one + 1) == 2
    assert cache.get(KEYS[0]) is not None and cache.get(KEYS[1]) is None
    assert cache.prune() == 1
    assert cache.size().entries == 0
    with pytest.raises(RadiogenError, match="RG708"):
        cache.prune(max_bytes=-1)


def test_a_folder_that_cannot_be_written_is_coded(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(RadiogenError) as caught:
        FeatureCache(tmp_path / "file").put(KEYS[0], 1)
    assert caught.value.code == "RG801"
    assert "RADIOGEN_CACHE" in caught.value.problems[0].fix


def test_where_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RADIOGEN_CACHE", str(tmp_path / "mine"))
    assert default_folder() == tmp_path / "mine"
    assert open_cache(None) == open_cache(True) == FeatureCache(tmp_path / "mine")
    assert open_cache(False) is None
    assert open_cache(tmp_path) == FeatureCache(tmp_path)
    monkeypatch.delenv("RADIOGEN_CACHE")
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "radiogen"
