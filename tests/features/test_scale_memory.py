"""What is held and kept for each image stays small, and comes back with all its bits."""

from __future__ import annotations

import json
import pickle
import weakref
from pathlib import Path

import numpy as np
import pytest

from radiogen.errors import problem
from radiogen.features import shelf
from radiogen.features.job import Job, names_of
from radiogen.features.outcome import Numbers, Outcome, from_entry, names_digest, to_entry
from radiogen.features.radiomics import load_settings
from radiogen.imaging import fingerprint

N = 753


def an_outcome(seed: int) -> Outcome:
    rng = np.random.default_rng(seed)
    features = rng.normal(size=N)
    features[:3] = np.nan, -0.0, 5e-324
    said = problem("RG512", "coloured marks", file="/a/machine's/path.png")
    quality = Numbers({"focus": 0.1 + 0.2, "cnr": np.nan})
    return Outcome(features, fingerprint(rng.random((60, 80))), (said,), True, quality, b"\x01" * 64)


def test_an_entry_keeps_every_bit_and_no_path() -> None:
    first = an_outcome(1)
    text = json.dumps(to_entry(first, "names"))
    assert "path.png" not in text and len(text) < 16_000  # 753 numbers of 8 bytes in base64, the fingerprint, few words
    back = from_entry(json.loads(text))
    assert first.features is not None and back.features is not None
    assert back.features.tobytes() == first.features.tobytes()
    assert back.features.flags.writeable  # as fresh ones are
    assert back.quality["focus"] == first.quality["focus"] and np.isnan(back.quality["cnr"])
    assert [p.code for p in back.problems] == ["RG512"] and back.problems[0].file is None
    assert back.calibrated and back.files == b""


def test_what_travels_between_processes_is_small() -> None:
    settings = {"radiomics": load_settings(), "rings": []}
    job = Job("bmode", "/data/images/1.png", ("/data/masks/1.png",), None, None, settings, "pyradiomics", {"numpy": "2.4.6"})
    assert len(pickle.dumps(job)) < 2_000
    assert len(pickle.dumps(an_outcome(2))) < 14_000  # 6 kB of features, 4 kB of thumbnail


def test_names_follow_settings_and_calibration() -> None:
    settings = {"radiomics": load_settings(), "rings": []}
    job = Job("bmode", "a.png", (), None, None, settings, "pyradiomics", {})
    with_mm, without = names_of(job, True), names_of(job, False)
    assert len(with_mm[0]) == len(without[0]) == N and with_mm[0] != without[0]
    assert with_mm[1] == names_digest(with_mm[0]) != without[1]
    assert names_of(job, True)[0] is with_mm[0]  # shared by all images


def test_a_block_is_given_back_when_its_rows_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf, "_BLOCK", 2 * 8 * N)  # two rows
    place = shelf.Shelf()
    given = [an_outcome(k) for k in range(3)]
    kept = [place.kept(outcome) for outcome in given]
    for one, other in zip(given, kept, strict=True):
        assert one.features is not None and other.features is not None
        assert one.features.tobytes() == other.features.tobytes()
    first, third = kept[0].features, kept[2].features
    assert first is not None and third is not None
    assert np.shares_memory(first.base, kept[1].features) and not np.shares_memory(first.base, third)
    memory = weakref.ref(first.base)
    del first, kept, other
    assert memory() is None
    assert place.kept(Outcome()).features is None


def test_the_search_for_copies_finds_them_across_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from radiogen.imaging import find_duplicates

    prints = [fingerprint(np.random.default_rng(seed % 7).random((40, 50))) for seed in range(11)]
    whole = find_duplicates(prints)
    assert [(p.i, p.j) for p in whole] == [(0, 7), (1, 8), (2, 9), (3, 10)]
    monkeypatch.setattr("radiogen.imaging.duplicates._BLOCK", 3)
    assert find_duplicates(prints) == whole
