"""Checking the images of a cohort: every fault with file, row, column and value; nothing is written."""

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
from radiogen.features import check_images
from radiogen.features.near_duplicates import merge_groups
from tests.features.conftest import write_image, write_mask

CohortOf = Callable[..., Cohort]
Rows = list[dict[str, Any]]


def test_a_sound_cohort_has_no_problems_and_nothing_is_written(trio: Rows, cohort_of: CohortOf, tmp_path: Path) -> None:
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")}
    for row in trio:
        row |= {"spacing_row_mm": 0.1, "spacing_col_mm": 0.1}
    assert check_images(cohort_of(trio)) == []
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")} == before


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_every_fault_is_found_in_one_run(cohort_of: CohortOf, tmp_path: Path, n_jobs: int) -> None:
    images = [write_image(tmp_path / f"i{k}.png", k) for k in range(10)]
    mask = write_mask(tmp_path / "mask.png")
    (tmp_path / "text.png").write_text("not a picture")
    write_mask(tmp_path / "other.png", size=(60, 81))
    write_mask(tmp_path / "empty.png", box=(0, 0, 0, 0))
    write_mask(tmp_path / "tiny.png", box=(10, 14, 10, 14))
    write_mask(tmp_path / "all.png", box=(0, 60, 0, 80))
    Path(shutil.copy(images[0], tmp_path / "copy.png"))
    cmyk = tmp_path / "cmyk.tif"
    PillowImage.new("CMYK", (80, 60)).save(cmyk)
    rows = [
        {"image": images[0], "masks": (mask,)},
        {"image": tmp_path / "gone.png", "masks": (mask,)},
        {"image": tmp_path / "text.png", "masks": (mask,)},
        {"image": images[1], "masks": (mask, tmp_path / "gone_mask.png")},
        {"image": images[2], "masks": (tmp_path / "other.png",)},
        {"image": images[3], "masks": (tmp_path / "empty.png",)},
        {"image": images[4], "masks": (tmp_path / "tiny.png",)},
        {"image": images[5], "masks": (mask,), "spacing_row_mm": 0.0, "spacing_col_mm": 0.1},
        {"image": images[6], "masks": (mask,), "spacing_row_mm": 80.0, "spacing_col_mm": 80.0},
        {"image": images[7], "masks": (tmp_path / "all.png",)},
        {"image": cmyk, "masks": (mask,)},
        {"image": tmp_path / "copy.png", "masks": (mask,)},
        {"image": images[8], "masks": ()},
        {"image": images[9], "masks": (tmp_path / "text.png",)},
    ]
    rows = [{"unit": f"u{i}", **row} for i, row in enumerate(rows)]
    labels = {"u0": "benign", "u11": "malignant"}
    columns = {"image": "picture", "mask": "outline"}
    found = check_images(cohort_of(rows, labels=labels, modality={"columns": columns}), n_jobs)
    assert {p.file for p in found} == {"bmode.csv"}
    assert [(p.code, p.severity, p.row, p.column, p.value) for p in found] == [
        ("RG501", "error", 3, "picture", "gone.png"),
        ("RG502", "error", 4, "picture", "text.png"),
        ("RG503", "error", 5, "outline", "gone_mask.png"),
        ("RG504", "error", 6, "outline", "other.png"),
        ("RG505", "error", 7, "outline", "empty.png"),
        ("RG510", "error", 8, "outline", "tiny.png"),
        ("RG509", "error", 9, "spacing_mm", "0 x 0.1"),
        ("RG509", "warning", 10, "spacing_mm", "80 x 80"),
        ("RG515", "warning", 11, "outline", "all.png"),
        ("RG511", "error", 12, "picture", "cmyk.tif"),
        ("RG502", "error", 15, "outline", "text.png"),
        ("RG503", "warning", 14, "outline", None),
        ("RG506", "error", 13, "picture", "copy.png"),
    ]
    assert "60 × 81" in found[3].message and "60 × 80" in found[3].message


def test_duplicates_without_conflict_are_a_warning(trio: Rows, cohort_of: CohortOf, tmp_path: Path) -> None:
    copy = shutil.copy(trio[0]["image"], tmp_path / "copy.png")
    rows = [*trio, {"unit": "u3", "image": copy, "masks": trio[0]["masks"]}]
    (found,) = check_images(cohort_of(rows, labels={"u0": "benign", "u3": "benign"}))
    assert (found.code, found.severity, found.row) == ("RG507", "warning", 5)
    assert "i0.png" in found.message and "(row 2)" in found.message


def test_all_visits_are_opened(trio: Rows, cohort_of: CohortOf) -> None:
    for row, visit in zip(trio, ("T0", "T2", "T2"), strict=True):
        row["visit"] = visit
    trio[2]["image"].write_bytes(b"")
    (found,) = check_images(cohort_of(trio, visits={"baseline": "T0", "order": ["T0", "T2"]}))
    assert (found.code, found.row) == ("RG502", 4)


def test_wrong_settings_of_a_modality_are_found(trio: Rows, cohort_of: CohortOf) -> None:
    with pytest.raises(RadiogenError, match="RG104"):
        check_images(cohort_of(trio, modality={"settings": {"imageType": {"LoG": {}}}}))


def test_groups_merge_through_chains() -> None:
    groups = pd.Series({"a": "g1", "b": "g2", "c": "g3", "d": "g4", "e": "g2"})
    merged = merge_groups(groups, [("c", "b"), ("d", "c")])
    assert merged.to_dict() == {"a": "g1", "b": "g2", "c": "g2", "d": "g2", "e": "g2"}
    assert merge_groups(groups, []).equals(groups)


def test_no_images(cohort_of: CohortOf) -> None:
    assert check_images(cohort_of([], units=["u0"])) == []


def test_the_smallest_region_is_that_of_the_settings(trio: Rows, cohort_of: CohortOf) -> None:
    """Region sizes count pixels: 64 are too few, 65 enough, as the default settings say."""
    for size, expected in ((64, ["RG510"]), (65, [])):
        mask = np.zeros((60, 80), np.uint8)
        mask[:8, :8] = 1
        mask[20, 5] = size > 64
        PillowImage.fromarray(mask).save(trio[0]["masks"][0])
        assert [p.code for p in check_images(cohort_of(trio[:1]))] == expected


def test_an_inverted_mask_is_told(cohort_of: CohortOf, tmp_path: Path) -> None:
    mask = np.full((60, 80), 255, np.uint8)
    mask[15:38, 20:50] = 0
    PillowImage.fromarray(mask).save(tmp_path / "inverted.png")
    rows = [{"unit": "u0", "image": write_image(tmp_path / "i.png", 1), "masks": (tmp_path / "inverted.png",)}]
    (found,) = check_images(cohort_of(rows))
    assert found.code == "RG515" and "inverted" in found.message


def test_screens_that_are_alike_are_no_copies(cohort_of: CohortOf, tmp_path: Path) -> None:
    """A stiff disc in a soft field looks the same in every patient; the same file under another name does not count twice."""
    rng = np.random.default_rng(1)
    rows = []
    y, x = np.indices((120, 140))
    disc = np.hypot(y - 60, x - 60) < 25
    mask = tmp_path / "mask.png"
    PillowImage.fromarray(np.where(disc, 255, 0).astype(np.uint8)).save(mask)
    for k in range(3):
        screen = np.repeat(rng.normal(90, 25, (120, 140, 1)), 3, axis=2)
        screen[disc] += [90, 40, -40]
        PillowImage.fromarray(np.clip(screen, 0, 255).astype(np.uint8)).save(tmp_path / f"s{k}.png")
        rows.append({"unit": f"u{k}", "image": tmp_path / f"s{k}.png", "masks": (mask,)})
    Path(shutil.copy(tmp_path / "s0.png", tmp_path / "again.png"))
    rows.append({"unit": "u3", "image": tmp_path / "again.png", "masks": (mask,)})
    found = check_images(cohort_of(rows, modality={"kind": "doppler"}))
    twins = [p for p in found if p.code in ("RG506", "RG507")]
    assert [(p.row, p.value) for p in twins] == [(5, "again.png")]


def test_a_copy_is_found_although_its_mask_is_broken(cohort_of: CohortOf, trio: Rows, tmp_path: Path) -> None:
    copy = {"unit": "u3", "image": Path(shutil.copy(trio[0]["image"], tmp_path / "smaller.png")), "masks": (tmp_path / "gone.png",)}
    with PillowImage.open(copy["image"]) as picture:
        picture.resize((72, 54)).save(copy["image"])
    found = check_images(cohort_of([*trio, copy]))
    assert [(p.code, p.row) for p in found] == [("RG503", 5), ("RG507", 5)]
