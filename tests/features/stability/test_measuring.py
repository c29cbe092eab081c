"""Stability of features under perturbation, between readers and between pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image as PillowImage

from radiogen.errors import RadiogenError
from radiogen.features.stability import Contour, Dilate, Erode, Noise, Shift, from_images, from_readers, icc, stability
from tests.features.conftest import make_cohort, write_image, write_mask

FEW = {"featureClass": {"firstorder": ["Mean", "Minimum"], "shape2D": ["PixelSurface", "Sphericity"]}, "setting": {"minimumROISize": 9}}


def code(call) -> str:
    with pytest.raises(RadiogenError) as error:
        call()
    return error.value.code


def cases(n: int = 5, spacing: Any = (0.1, 0.1)) -> list:
    """Even lesions, brighter and larger one after the other, on a dark ground."""
    found = []
    for i in range(n):
        image, mask = np.full((40, 40), 10.0), np.zeros((40, 40), bool)
        mask[10 : 20 + i, 10:20] = True
        image[mask] = 50 + 20 * i
        found.append((f"u{i}", image, mask, spacing))
    return found


def test_the_repeats_are_what_was_measured() -> None:
    found = stability(cases(), [Erode(1), Dilate(1)], settings=FEW)
    assert found.repeats.index.get_level_values(1)[:3].to_list() == ["original", "erode_1_px", "dilate_1_px"]
    area = found.repeats["original_shape2D_PixelSurface"].unstack().loc["u0"]
    # 10 × 10 pixels of 0.01 mm²; 8 × 8; and 100 + 4 × 10
    assert area.loc[["original", "erode_1_px", "dilate_1_px"]].to_list() == pytest.approx([1.0, 0.64, 1.4])
    mean = found.repeats["original_firstorder_Mean"].unstack().loc["u0"]
    assert mean.loc[["original", "erode_1_px", "dilate_1_px"]].to_list() == pytest.approx([50, 50, (50 * 100 + 10 * 40) / 140])
    assert found.problems.empty
    pd.testing.assert_frame_equal(found.table, icc(found.repeats))


def test_what_a_margin_changes_is_less_stable() -> None:
    table = stability(cases(), [Erode(1), Dilate(1)], settings=FEW).table
    assert table.loc["original_firstorder_Mean", "icc"] > table.loc["original_shape2D_PixelSurface", "icc"]
    # the darkest pixel of a dilated region is the ground's: the same in all lesions
    assert table.loc["original_firstorder_Minimum", "icc"] < 0.5
    consistent = stability(cases(), [Erode(1), Dilate(1)], settings=FEW, model="3,1").table
    assert consistent.loc["original_shape2D_PixelSurface", "icc"] > table.loc["original_shape2D_PixelSurface", "icc"]


def test_what_is_not_possible_is_missing_with_its_reason() -> None:
    given = cases()
    given[1][2][:] = False
    given[1][2][0:10, 5:15] = True  # at the border: cannot be dilated
    given[2] = ("u2", given[2][1], given[2][2], None)  # no spacing
    found = stability(given, [Dilate(1), Erode(0.1, "mm"), Erode(4)], settings=FEW)
    problems = found.problems.set_index(["lesion", "repeat"])["code"].to_dict()
    assert problems[("u1", "dilate_1_px")] == "RG522"
    assert problems[("u2", "erode_0.1_mm")] == "RG509"
    assert problems[("u0", "erode_4_px")] == "RG510"  # 2 × 2 pixels are left
    assert found.repeats.loc[("u1", "dilate_1_px")].isna().all() and found.repeats.loc[("u2", "erode_0.1_mm")].isna().all()
    assert found.repeats.loc[("u1", "original")].notna().all()
    assert len(found.repeats) == 5 * 4


def test_the_number_of_processes_changes_nothing() -> None:
    rng = np.random.default_rng(0)
    noisy = [(i, image + rng.normal(size=image.shape), mask, s) for i, image, mask, s in cases(4)]
    how = [Contour(1), Contour(1), Noise(2)]
    one = stability(noisy, how, settings=FEW, seed=5)
    two = stability(iter(noisy), how, settings=FEW, seed=5, n_jobs=2)
    pd.testing.assert_frame_equal(one.repeats, two.repeats)
    # nor does the order, nor who else is there
    other = stability(noisy[:0:-1], how, settings=FEW, seed=5)
    pd.testing.assert_frame_equal(one.repeats.loc[["u3", "u1"]], other.repeats.loc[["u3", "u1"]])
    assert not one.repeats.equals(stability(noisy, how, settings=FEW, seed=6).repeats)


def test_progress_is_shown() -> None:
    said = []
    stability(cases(3), [Erode(1)], settings=FEW, progress=lambda done, total, label: said.append((done, total)))
    assert said == [(1, 3), (2, 3), (3, 3)]


def test_what_is_refused() -> None:
    given = cases(3)
    assert code(lambda: stability(given, [], settings=FEW)) == "RG708"
    assert code(lambda: stability(given, engine="none", settings=FEW)) == "RG708"
    assert code(lambda: stability(given[:1], settings=FEW)) == "RG701"
    assert code(lambda: stability([*given, given[0]], settings=FEW)) == "RG705"
    assert code(lambda: stability([c[:3] for c in given], settings=FEW)) == "RG705"
    assert code(lambda: stability([(c[0], c[1][:5], c[2], None) for c in given], settings=FEW)) == "RG705"
    assert code(lambda: stability(given, settings={"featureClass": {"nothing": []}})) == "RG104"
    assert code(lambda: stability(given, [Erode(9)], settings={**FEW, "setting": {"minimumROISize": 999}})) == "RG701"


# -- cohorts ------------------------------------------------------------------------------


def cohort_rows(folder: Path, n: int = 4) -> list[dict[str, Any]]:
    return [
        {"unit": f"u{i}", "image": write_image(folder / f"i{i}.png", seed=i),
         "masks": (write_mask(folder / f"m{i}.png", box=(15, 35 + i, 20, 50)),)} for i in range(n)
    ]  # fmt: skip


def test_of_a_cohort_features_are_called_as_in_extraction(tmp_path: Path) -> None:
    from radiogen.features import extract

    cohort = make_cohort(cohort_rows(tmp_path), modality={"settings": FEW})
    found = stability(cohort, [Erode(1), Shift(1, 1)])
    features = extract(cohort, cache=False).modalities["bmode"]
    original = found.repeats.xs("original", level=1)
    pd.testing.assert_frame_equal(original.dropna(axis=1), features.dropna(axis=1), check_names=False, check_like=True)
    assert set(found.repeats.columns) == set(features.columns)
    assert code(lambda: stability(cohort, modality="swe")) == "RG109"


def test_several_pictures_of_a_unit_are_joined_under_each_perturbation(tmp_path: Path) -> None:
    rows = cohort_rows(tmp_path, 3)
    rows.append({"unit": "u0", "image": write_image(tmp_path / "more.png", seed=9), "masks": rows[0]["masks"]})
    joined = stability(make_cohort(rows, modality={"settings": FEW, "aggregate": "mean"}), [Erode(1)]).repeats
    single = stability(make_cohort(rows[:3], modality={"settings": FEW}), [Erode(1)]).repeats
    more = stability(make_cohort([rows[3], rows[1]], modality={"settings": FEW}), [Erode(1)]).repeats
    name = "bmode_original_firstorder_Mean"
    for repeat in ("original", "erode_1_px"):
        expected = (single.loc[("u0", repeat), name] + more.loc[("u0", repeat), name]) / 2
        assert joined.loc[("u0", repeat), name] == pytest.approx(expected)
    assert len(joined) == 6


def read_by_two(folder: Path, reader: str = "reader", miss: bool = False) -> Any:
    """Three lesions outlined by two readers, with the manifest on disk."""
    lines, rows = [f"id,image,mask,{reader}"], []
    for i in range(3):
        write_image(folder / f"i{i}.png", seed=i)
        for j, who in enumerate(("anna", "bo")):
            mask = write_mask(folder / f"m{i}{who}.png", box=(15, 35 + 3 * i + j, 20, 50))
            lines.append(f"u{i},i{i}.png,m{i}{who}.png,{'' if miss and i == 1 else who}")
            rows.append({"unit": f"u{i}", "image": folder / f"i{i}.png", "masks": (mask,), "manifest": str(folder / "bmode.csv"),
                         "row": len(lines)})  # fmt: skip
    (folder / "bmode.csv").write_text("\n".join(lines) + "\n")
    cohort = make_cohort(rows, modality={"settings": FEW})
    object.__setattr__(cohort, "root", folder)
    return cohort


def test_readers_of_the_manifest_are_compared(tmp_path: Path) -> None:
    found = from_readers(read_by_two(tmp_path), cache=False)
    assert found.repeats.index.to_list() == [(f"u{i}", w) for i in range(3) for w in ("anna", "bo")]
    # heights 20, 23, 26 and a row more for the second reader, 30 columns each; in pixels, as the spacing is not known
    assert found.repeats["bmode_original_shape2D_PixelSurface"].isna().all()
    assert found.table.loc["bmode_original_shape2D_PixelSurface", "reason"] == "fewer than 2 repeats have values"
    x = found.repeats["bmode_original_firstorder_Mean"].unstack()
    assert found.table.loc["bmode_original_firstorder_Mean", "icc"] == pytest.approx(icc(x.to_numpy())["icc"].iloc[0])
    assert found.table.loc["bmode_original_firstorder_Mean", ["n", "k"]].to_list() == [3, 2]


def test_a_reader_s_unusable_mask_is_missing_with_its_reason(tmp_path: Path) -> None:
    cohort = read_by_two(tmp_path)
    PillowImage.fromarray(np.zeros((60, 80), np.uint8)).save(tmp_path / "m1bo.png")
    found = from_readers(cohort, cache=False)
    assert found.problems[["lesion", "repeat", "code"]].to_numpy().tolist() == [["u1", "bo", "RG505"]]
    assert found.table.loc["bmode_original_firstorder_Mean", "n"] == 2


def test_readers_that_are_not_named_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert code(lambda: from_readers(read_by_two(tmp_path / "a", reader="drawn_by"), cache=False)) == "RG203"
    assert code(lambda: from_readers(read_by_two(tmp_path / "b", miss=True), cache=False)) == "RG705"


def test_pictures_of_a_unit_are_compared(tmp_path: Path) -> None:
    rows = cohort_rows(tmp_path, 3)
    again = [{**r, "image": write_image(tmp_path / f"again{i}.png", seed=50 + i)} for i, r in enumerate(rows[:2])]
    cohort = make_cohort([*rows, *again], modality={"settings": FEW})
    found = from_images(cohort, cache=False)
    assert found.repeats.index.to_list() == [("u0", "1"), ("u0", "2"), ("u1", "1"), ("u1", "2")]
    assert found.table["model"].unique().tolist() == ["1,1"]
    assert code(lambda: from_images(cohort, images=3, cache=False)) == "RG701"
    assert code(lambda: from_images(cohort, images=1, cache=False)) == "RG708"
