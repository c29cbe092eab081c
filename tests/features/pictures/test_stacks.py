"""Stacks of tiny cohorts: order, what is missing, the cache, and the options."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PillowImage

from radiogen.cohort.cohort import Cohort
from radiogen.errors import RadiogenError, fail
from radiogen.features import FeatureCache
from radiogen.features.pictures import stack, work
from radiogen.imaging import read_image
from tests.features.conftest import write_image, write_mask

CohortOf = Callable[..., Cohort]
Rows = list[dict[str, Any]]
SMALL: dict[str, Any] = {"size": (24, 24), "cache": False}


def refuse(*args: Any, **kwargs: Any) -> Any:
    raise AssertionError("a picture was decoded")


def grey_of(row: dict[str, Any]) -> np.ndarray[Any, Any]:
    return np.asarray(PillowImage.open(row["image"]), dtype=np.float64)


# -- what is in it --------------------------------------------------------------------------------


def test_units_in_the_order_of_the_manifest_with_all_their_pictures(
    trio: Rows, cohort_of: CohortOf, tmp_path: Path
) -> None:
    again = {**trio[0], "image": write_image(tmp_path / "second.png", seed=9)}
    cohort = cohort_of([trio[2], trio[0], trio[1], again], units=["u0", "u1", "u2", "u9"])
    found = stack(cohort, "bmode", **SMALL)
    assert found.unit.tolist() == ["u2", "u0", "u1", "u0"]
    assert found.image == tuple(str(r["image"]) for r in (trio[2], trio[0], trio[1], again))
    assert found.owner(cohort.index).tolist() == [2, 0, 1, 0]
    assert found.pixels.shape == (4, 1, 24, 24) and found.pixels.dtype == np.uint8
    assert found.channels == ("grey",) and not found.physical and not len(found.missing)
    assert (found.scale.low, found.scale.high) == (0, 1)


def test_pixels_are_those_of_the_file(trio: Rows, cohort_of: CohortOf) -> None:
    # rows 15 to 34 and columns 20 to 49: 30 columns and no margin are 30 × 30 pixels from row 10 and column 20
    found = stack(cohort_of(trio[:1]), "bmode", size=(30, 30), margin=0.0, cache=False)
    np.testing.assert_array_equal(found.pixels[0, 0], grey_of(trio[0])[10:40, 20:50])
    masked = stack(cohort_of(trio[:1]), "bmode", size=(30, 30), margin=0.0, view="masked", cache=False)
    assert not masked.pixels[0, 0, :5].any() and not masked.pixels[0, 0, 25:].any()
    np.testing.assert_array_equal(masked.pixels[0, 0, 5:25], grey_of(trio[0])[15:35, 20:50])


def test_sixteen_bits_are_shares_of_full_scale(cohort_of: CohortOf, tmp_path: Path) -> None:
    grey = np.linspace(0, 4095, 60 * 80).reshape(60, 80).astype(np.uint16)
    PillowImage.fromarray(grey).save(tmp_path / "deep.png")
    rows = [{"unit": "u0", "image": tmp_path / "deep.png", "masks": (write_mask(tmp_path / "m.png"),)}]
    found = stack(cohort_of(rows), "bmode", view="whole", size=(80, 80), cache=False)
    np.testing.assert_array_equal(found.pixels[0, 0, 10:70], np.rint(np.round(grey * (255 / 4095), 6)))


def test_spacing_is_named_picture_by_picture(trio: Rows, cohort_of: CohortOf) -> None:
    trio[1] |= {"spacing_row_mm": 0.2, "spacing_col_mm": 0.2}
    found = stack(cohort_of(trio), "bmode", view="ring", ring_mm=1.0, ring_share=0.25, **SMALL)
    assert found.details["calibrated"].tolist() == [False, True, False]
    assert found.details["ring_unit"].tolist() == ["px", "mm", "px"]
    # 30 columns of 0.2 mm and 1 mm on both sides, over 24 pixels
    assert found.details["pixel_mm"][1] == pytest.approx((6 + 2) / 24)
    assert found.details["ring_width"][0] == pytest.approx(0.25 * np.sqrt(4 * 600 / np.pi))
    assert found.ring == "1 mm in 1 pictures, 25 % of the lesion's equivalent diameter (spacing not known) in 2"
    assert [p.code for p in found.problems] == ["RG513"]


# -- what is missing ------------------------------------------------------------------------------


def test_pictures_that_cannot_be_used_are_named(trio: Rows, cohort_of: CohortOf, tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    rows = [
        {"unit": "a", "image": tmp_path / "gone.png", "masks": trio[0]["masks"]}, trio[0],
        {"unit": "b", "image": broken, "masks": trio[0]["masks"]},
        {"unit": "c", "image": trio[1]["image"]},
        {"unit": "d", "image": trio[1]["image"], "masks": (write_mask(tmp_path / "other.png", size=(30, 30)),)},
    ]  # fmt: skip
    found = stack(cohort_of(rows), "bmode", **SMALL)
    assert found.unit.tolist() == ["u0"]
    assert list(zip(found.missing["unit"], found.missing["code"], strict=True)) == [
        ("a", "RG501"), ("b", "RG502"), ("c", "RG503"), ("d", "RG504"),
    ]  # fmt: skip
    assert all(found.missing["reason"].str.len() > 10)
    assert [(p.code, p.severity) for p in found.problems[:3]] == [("RG501", "warning"), ("RG502", "warning"), ("RG504", "warning")]
    assert found.problems[0].row == 2 and found.problems[2].column == "mask"
    # the whole picture needs no mask
    assert stack(cohort_of(rows), "bmode", view="whole", **SMALL).unit.tolist() == ["u0", "c"]


@pytest.mark.parametrize("keep", [False, True])
def test_no_picture_at_all(trio: Rows, cohort_of: CohortOf, tmp_path: Path, keep: bool) -> None:
    bare = [{"unit": r["unit"], "image": r["image"]} for r in trio]
    found = stack(cohort_of(bare), "bmode", size=(24, 24), cache=tmp_path if keep else False)
    assert found.pixels.shape == (0, 1, 24, 24) and len(found.missing) == 3 and len(found) == 0
    assert {p.code for p in found.problems} == {"RG503", "RG706"}
    assert "RG706" in {p.code for p in stack(cohort_of(bare[:1]), "bmode", **SMALL).problems}
    assert len(stack(cohort_of(trio).subset(np.zeros(3, bool)), "bmode", **SMALL)) == 0


def test_visits(trio: Rows, cohort_of: CohortOf) -> None:
    rows = [{**trio[0], "visit": "T0"}, {**trio[1], "unit": "u0", "visit": "T2"}]
    cohort = cohort_of(rows, visits={"baseline": "T0", "order": ["T0", "T2"]})
    assert stack(cohort, "bmode", **SMALL).image == (str(trio[0]["image"]),)
    later = stack(cohort, "bmode", visit="T2", **SMALL)
    assert later.image == (str(trio[1]["image"]),) and later.details["visit"].tolist() == ["T2"]
    with pytest.raises(RadiogenError, match="RG109"):
        stack(cohort, "bmode", visit="T3", **SMALL)


# -- the cache ------------------------------------------------------------------------------------


def test_the_second_call_decodes_nothing(
    trio: Rows, cohort_of: CohortOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cohort, cache = cohort_of(trio), tmp_path / "cache"
    fresh = stack(cohort, "bmode", size=(24, 24), cache=False)
    first = stack(cohort, "bmode", size=(24, 24), cache=cache)
    monkeypatch.setattr(work, "read_image", refuse)
    again = stack(cohort, "bmode", size=(24, 24), cache=cache)
    assert isinstance(again.pixels, np.memmap) and not again.pixels.flags.writeable
    for other in (first, again):
        np.testing.assert_array_equal(other.pixels, fresh.pixels)
        assert other.digest == fresh.digest and other.details.equals(fresh.details) and other.problems == fresh.problems
    # a part of the cohort, in another order of files, needs no decoding either
    part = stack(cohort.subset(["u1"]), "bmode", size=(24, 24), cache=cache)
    np.testing.assert_array_equal(part.pixels, fresh.pixels[1:2])
    with pytest.raises(AssertionError, match="decoded"):
        stack(cohort, "bmode", size=(24, 25), cache=cache)


def test_a_changed_file_is_another_picture(trio: Rows, cohort_of: CohortOf, tmp_path: Path) -> None:
    cohort, cache = cohort_of(trio), tmp_path / "cache"
    first = stack(cohort, "bmode", size=(24, 24), cache=cache)
    kept = first.pixels.copy()
    write_image(Path(trio[1]["image"]), seed=77)
    changed = stack(cohort, "bmode", size=(24, 24), cache=cache)
    assert changed.digest != first.digest
    assert [bool((a == b).all()) for a, b in zip(kept, changed.pixels, strict=True)] == [True, False, True]
    np.testing.assert_array_equal(kept, first.pixels)  # the first stack stays what it was


@pytest.mark.parametrize("damage", [lambda b: b[:-7], lambda b: b[:-1] + bytes([b[-1] ^ 1]), lambda b: b""])
def test_damaged_pixels_are_made_again(trio: Rows, cohort_of: CohortOf, tmp_path: Path, damage: Any) -> None:
    cohort, cache = cohort_of(trio), tmp_path / "cache"
    right = np.array(stack(cohort, "bmode", size=(24, 24), cache=cache).pixels)
    (path,) = cache.rglob("*.npy")
    path.write_bytes(damage(path.read_bytes()))
    np.testing.assert_array_equal(stack(cohort, "bmode", size=(24, 24), cache=cache).pixels, right)


def test_pruning_takes_pixels_and_descriptions(trio: Rows, cohort_of: CohortOf, tmp_path: Path) -> None:
    cohort, cache = cohort_of(trio), FeatureCache(tmp_path / "cache")
    right = np.array(stack(cohort, "bmode", size=(24, 24), cache=cache).pixels)
    pixels = sum(p.stat().st_size for p in cache.folder.rglob("*.npy"))
    assert pixels >= 3 * 24 * 24 and cache.size().entries == 4  # three pictures and the stack
    assert cache.size().bytes == pixels + sum(p.stat().st_size for p in cache.folder.rglob("*.json"))
    assert cache.prune() == 4 and not list(cache.folder.rglob("*.npy"))
    np.testing.assert_array_equal(stack(cohort, "bmode", size=(24, 24), cache=cache).pixels, right)


def test_a_broken_picture_is_tried_again_and_the_others_are_not(
    trio: Rows, cohort_of: CohortOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = Path(trio[1]["image"]).read_bytes()
    Path(trio[1]["image"]).write_bytes(sound[:200])
    cohort, cache = cohort_of(trio), tmp_path / "cache"
    assert stack(cohort, "bmode", size=(24, 24), cache=cache).unit.tolist() == ["u0", "u2"]
    read: list[Any] = []

    def counted(path: Any, **options: Any) -> Any:
        read.append(path)
        return read_image(path, **options)

    monkeypatch.setattr(work, "read_image", counted)
    found = stack(cohort, "bmode", size=(24, 24), cache=cache)
    assert found.missing["code"].tolist() == ["RG502"] and isinstance(found.pixels, np.memmap)
    Path(trio[1]["image"]).write_bytes(sound)
    assert stack(cohort, "bmode", size=(24, 24), cache=cache).unit.tolist() == ["u0", "u1", "u2"]
    assert read == [str(trio[1]["image"])] * 2


def test_a_picture_that_can_be_read_later_joins_the_stack(
    trio: Rows, cohort_of: CohortOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cohort = cohort_of(trio)

    def without_a_decoder(path: Any, **options: Any) -> Any:
        if path == str(trio[1]["image"]):
            raise fail("RG902", "a package for this compression is missing", file=path)
        return read_image(path, **options)

    monkeypatch.setattr(work, "read_image", without_a_decoder)
    assert stack(cohort, "bmode", size=(24, 24), cache=tmp_path).missing["code"].tolist() == ["RG902"]
    monkeypatch.undo()  # the package is installed now, and the files are the same
    found = stack(cohort, "bmode", size=(24, 24), cache=tmp_path)
    assert found.unit.tolist() == ["u0", "u1", "u2"] and not len(found.missing)
    np.testing.assert_array_equal(found.pixels, stack(cohort, "bmode", **SMALL).pixels)


def test_two_processes_give_the_same_bytes(trio: Rows, cohort_of: CohortOf, tmp_path: Path) -> None:
    cohort = cohort_of(trio)
    one = stack(cohort, "bmode", view="lesion+ring", size=(24, 24), n_jobs=1, cache=tmp_path / "one")
    two = stack(cohort, "bmode", view="lesion+ring", size=(24, 24), n_jobs=2, cache=tmp_path / "two")
    assert one.pixels.tobytes() == two.pixels.tobytes() and one.digest == two.digest
    files = [sorted(p.relative_to(tmp_path / f) for p in (tmp_path / f).rglob("*.*")) for f in ("one", "two")]
    assert files[0] == files[1]
    assert all((tmp_path / "one" / p).read_bytes() == (tmp_path / "two" / p).read_bytes() for p in files[0])


def test_two_runs_at_once(trio: Rows, cohort_of: CohortOf, tmp_path: Path) -> None:
    cohort = cohort_of(trio)
    right = stack(cohort, "bmode", **SMALL).pixels
    with ThreadPoolExecutor(4) as runs:
        found = list(runs.map(lambda _: stack(cohort, "bmode", size=(24, 24), cache=tmp_path), range(8)))
    for other in found:
        np.testing.assert_array_equal(other.pixels, right)
    assert len(list(tmp_path.rglob("*.npy"))) == 1 and not list(tmp_path.rglob("*.tmp"))


def test_progress_counts_pictures(trio: Rows, cohort_of: CohortOf) -> None:
    said: list[tuple[int, int, str]] = []
    stack(cohort_of(trio), "bmode", progress=lambda *now: said.append(now), **SMALL)
    assert said == [(k, 3, "decoding pictures") for k in range(4)]


# -- options --------------------------------------------------------------------------------------


def test_options_give_the_same_of_another_cohort(trio: Rows, cohort_of: CohortOf) -> None:
    found = stack(cohort_of(trio), "bmode", view="ring", size=(24, 20), ring_share=0.4, cache=False)
    assert json.loads(json.dumps(found.options))["size"] == [24, 20]
    again = stack(cohort_of(trio[1:]), "bmode", cache=False, **found.options)
    np.testing.assert_array_equal(again.pixels, found.pixels[1:])
    assert again.options == found.options


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"view": "pair"}, "RG708"), ({"view": "border"}, "RG708"), ({"kind": "stiffness"}, "RG708"),
        ({"size": (2, 24)}, "RG708"), ({"size": (24.5, 24)}, "RG708"), ({"margin": -1.0}, "RG708"),
        ({"ring_mm": 0.0}, "RG708"), ({"frames": 1}, "RG708"), ({"start": "injection"}, "RG708"), ({"n_jobs": 0}, "RG708"),
    ],
)  # fmt: skip
def test_options_out_of_range(trio: Rows, cohort_of: CohortOf, options: dict[str, Any], code: str) -> None:
    with pytest.raises(RadiogenError, match=code):
        stack(cohort_of(trio), "bmode", cache=False, **options)


def test_modalities_that_are_not_there(trio: Rows, cohort_of: CohortOf) -> None:
    with pytest.raises(RadiogenError, match="RG109"):
        stack(cohort_of(trio), "swe", cache=False)
    table = cohort_of(trio, modality={"images": None, "features": "bmode.parquet"})
    with pytest.raises(RadiogenError, match="RG706"):
        stack(table, "bmode", cache=False)
