"""Filling in the masks of a cohort: what is written, what is left alone, and what the network may see."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image as Pillow

from radiogen.cohort.loader import load_cohort
from radiogen.errors import RadiogenError
from radiogen.features import mask_learning
from radiogen.features.segmentation import Segmented, segment_cohort
from radiogen.features.segmented_files import mask_png, yaml_with
from radiogen.imaging import read_mask
from radiogen.imaging.outlines.overlap import dice
from radiogen.imaging.outlines.unet import NetSettings

TINY = NetSettings(size=32, base=4, depth=2, steps=25, batch=6, learning_rate=0.01, dropout=0.0, nets=1)
N = 28  # p00 … p27: of the network's part, all but the last ones have a mask; p20 and later are the other hospital

YAML = """\
# a comment that stays
radiogen: 1
cohort: {name: "small"}   # so does this
tables:
  clinical: {path: clinical.csv, id: patient_id}
modalities:
  bmode:
    images: tables/bmode.csv   # the manifest
    aggregate: mean
split: {external: {centre: [B]}}
seed: 5
"""


def _picture(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:56, :64]
    row, column = rng.uniform(18, 38), rng.uniform(20, 44)
    mask = ((y - row) / rng.uniform(8, 13)) ** 2 + ((x - column) / rng.uniform(10, 15)) ** 2 <= 1
    background = 110 + 40 * np.sin(x / rng.uniform(6, 20) + rng.uniform(0, 6)) * np.cos(y / rng.uniform(6, 20))
    return np.clip(np.where(mask, 40.0, background) + rng.normal(0, 9, mask.shape), 0, 255).astype(np.uint8), mask


def _box(mask: np.ndarray) -> str:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return f"{rows[0]} {rows[-1]} {columns[0]} {columns[-1]}"


def _write(folder: Path, *, masked: int = 24, yaml: str = YAML) -> dict[str, np.ndarray]:
    """A cohort of 28 patients: the first ``masked`` have masks, then one has a box, one a point, two have neither."""
    (folder / "tables").mkdir(parents=True)
    truth, rows = {}, []
    for k in range(N):
        name = f"p{k:02d}"
        grey, mask = _picture(k)
        truth[name] = mask
        Pillow.fromarray(grey).save(folder / "tables" / f"{name}.png")
        row = {"patient_id": name, "image": f"{name}.png", "mask": "", "box": "", "point": "", "note": f"a, b {k}"}
        if k < masked:
            Pillow.fromarray((mask * 255).astype(np.uint8)).save(folder / "tables" / f"{name}_m.png")
            row["mask"] = f"{name}_m.png"
        elif k == N - 4:
            row["box"] = _box(mask)
        elif k == N - 3:
            row["point"] = " ".join(str(int(v)) for v in np.argwhere(mask).mean(axis=0))
        rows.append(row)
    pd.DataFrame(rows).to_csv(folder / "tables" / "bmode.csv", index=False)
    external = {f"p{k:02d}" for k in (0, 1, N - 1)}
    pd.DataFrame({"patient_id": list(truth), "centre": ["B" if p in external else "A" for p in truth]}).to_csv(
        folder / "clinical.csv", index=False
    )
    (folder / "cohort.yaml").write_text(yaml, encoding="utf-8")
    return truth


def _digests(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, np.ndarray], dict[str, str], Segmented]:
    pytest.importorskip("torch")
    folder = tmp_path_factory.mktemp("cohort")
    truth = _write(folder)
    before = _digests(folder)
    return folder, truth, before, segment_cohort(folder / "cohort.yaml", settings=TINY)


def test_inputs_are_not_changed_and_outputs_stand_beside_them(done) -> None:
    folder, _, before, found = done
    after = _digests(folder)
    assert {k: after[k] for k in before} == before
    new = sorted(set(after) - set(before))
    assert new[0] == "cohort.segmented.yaml"
    assert "tables/bmode.segmented.csv" in new
    assert all(n.startswith("tables/masks_automatic/bmode/") for n in new[1:] if n.endswith(".png"))
    assert len(found.masks) == 4 == sum(n.endswith(".png") for n in new)
    assert found.cohort_yaml == folder / "cohort.segmented.yaml"


def test_only_the_manifest_is_another_in_the_cohort_file(done) -> None:
    folder, _, _, _ = done
    text = (folder / "cohort.segmented.yaml").read_text(encoding="utf-8")
    assert text == YAML.replace("tables/bmode.csv ", '"tables/bmode.segmented.csv" ')


def test_the_new_manifest_is_the_old_one_with_masks_and_their_source(done) -> None:
    folder, _, _, _ = done
    old, new = (pd.read_csv(folder / "tables" / f, dtype=str, keep_default_na=False) for f in ("bmode.csv", "bmode.segmented.csv"))
    assert list(new.columns) == [*old.columns, "mask_source"]
    pd.testing.assert_frame_equal(new[["patient_id", "image", "box", "point", "note"]], old[["patient_id", "image", "box", "point", "note"]])
    assert new["mask_source"].tolist() == ["manual"] * 24 + ["contour", "contour", "unet", "unet"]
    assert new["mask"].tolist()[:24] == old["mask"].tolist()[:24]
    assert new["mask"].tolist()[24] == "masks_automatic/bmode/p24-row26.png"


def test_the_new_cohort_loads_with_a_mask_for_every_image(done) -> None:
    folder, truth, _, found = done
    cohort = load_cohort(folder / "cohort.segmented.yaml")
    assert [len(m) for m in cohort.images["masks"]] == [1] * N
    assert set(cohort.images["mask_source"]) == {"manual", "contour", "unet"}
    for row in cohort.images.to_dict("records"):
        mask = read_mask(row["masks"], truth[row["unit"]].shape)
        floor = {"manual": 1.0, "contour": 0.85, "unet": 0.3}[row["mask_source"]]
        assert dice(mask, truth[row["unit"]]) >= floor
    assert found.counts.loc["bmode"].to_dict() == {"contour": 2, "unet": 2, "none": 0}


def test_the_network_is_judged_on_patients_it_has_not_seen_and_never_sees_external_ones(done) -> None:
    _, _, _, found = done
    v = found.validation
    # 24 masks, of which p00 and p01 are external
    assert sorted(v["unit"]) == [f"p{k:02d}" for k in range(2, 24)]
    assert sorted(v["fold"].unique()) == [0, 1, 2, 3]
    assert v["fold"].value_counts().max() - v["fold"].value_counts().min() <= 1
    assert v["dice"].mean() > 0.5 and set(v["unit_of_distance"]) == {"px"}
    assert any("(small U-Net)" in n and "22 patients of the development data" in n and "no outcome was seen" in n for n in found.notes)


def test_each_fold_learns_from_the_others_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lessons of a fold hold none of the pictures that it is judged on, nor of their near-duplicates."""
    pytest.importorskip("torch")
    _write(tmp_path)
    # p05 is p04 once more, a little brighter: one group
    twin = np.asarray(Pillow.open(tmp_path / "tables" / "p04.png")).astype(int) + 2
    Pillow.fromarray(np.clip(twin, 0, 255).astype(np.uint8)).save(tmp_path / "tables" / "p05.png")
    (tmp_path / "tables" / "p05_m.png").write_bytes((tmp_path / "tables" / "p04_m.png").read_bytes())
    seen = []
    real = mask_learning._train_fold

    def spy(task):
        seen.append(task)
        return real(task)

    monkeypatch.setattr(mask_learning, "_train_fold", spy)
    segment_cohort(tmp_path, settings=NetSettings(size=32, base=4, depth=2, steps=1, nets=1))
    assert len(seen) == 4
    for task in seen:
        assert len(task.lessons) + len(task.held) == 22
        units = {s.unit for s in task.held}
        assert ("p04" in units) == ("p05" in units)
        held = [mask_learning.read_image(s.image).luminance() for s in task.held]
        from radiogen.imaging.outlines.unet import seen as small

        side = task.lessons[0][0].shape[0]
        for grey in held:
            assert not any(np.array_equal(small(grey, side), picture) for picture, _ in task.lessons)


@pytest.mark.parametrize("n_jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_again_it_refuses_and_with_force_it_gives_the_same(done, n_jobs: int) -> None:
    folder, _, _, found = done
    first = {p.name: p.read_bytes() for p in found.masks}
    with pytest.raises(RadiogenError) as error:
        segment_cohort(folder / "cohort.yaml", settings=TINY)
    assert error.value.code == "RG803"
    again = segment_cohort(folder, settings=TINY, force=True, n_jobs=n_jobs)
    assert {p.name: p.read_bytes() for p in again.masks} == first
    pd.testing.assert_frame_equal(again.validation, found.validation)


def test_segmenting_the_segmented_cohort_has_nothing_to_do(done) -> None:
    folder, _, _, _ = done
    before = _digests(folder)
    found = segment_cohort(folder / "cohort.segmented.yaml", settings=TINY)
    assert found.cohort_yaml is None and found.masks == () and "No image lacks a mask" in found.notes[0]
    assert found.counts.empty
    assert _digests(folder) == before


def test_too_few_masks_for_a_network(tmp_path: Path) -> None:
    _write(tmp_path, masked=10)
    found = segment_cohort(tmp_path)
    assert found.counts.loc["bmode"].to_dict() == {"contour": 2, "unet": 0, "none": 16}
    assert len(found.problems) == 16
    first = found.problems[0]
    assert (first.code, first.severity, first.row, first.column) == ("RG530", "warning", 12, "mask")
    assert "8 patients" in first.message and "p10.png" in first.message
    new = pd.read_csv(tmp_path / "tables" / "bmode.segmented.csv", dtype=str, keep_default_na=False)
    assert (new["mask"] == "").sum() == 16 == (new["mask_source"] == "").sum()


def test_without_the_encoders_weights_it_says_so_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    from radiogen.features import segmentation
    from radiogen.imaging.outlines import unet_weights

    _write(tmp_path)
    before = _digests(tmp_path)
    monkeypatch.setattr(unet_weights, "find_spec", lambda name: None)
    monkeypatch.setattr(segmentation, "_by_contour", lambda *_: pytest.fail("the work has begun"))
    with pytest.raises(RadiogenError) as error:
        segment_cohort(tmp_path)
    assert error.value.code == "RG902"
    assert _digests(tmp_path) == before


def test_the_small_network_and_the_contour_need_no_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    from radiogen.imaging.outlines import unet_weights

    _write(tmp_path)
    monkeypatch.setattr(unet_weights, "find_spec", lambda name: None)
    assert segment_cohort(tmp_path, method="contour").counts.loc["bmode"].to_dict() == {"contour": 2, "unet": 0, "none": 2}
    found = segment_cohort(tmp_path, settings=TINY, force=True)
    assert found.counts.loc["bmode"].to_dict() == {"contour": 2, "unet": 2, "none": 0}


def test_contour_alone_and_a_box_that_cannot_be(tmp_path: Path) -> None:
    truth = _write(tmp_path)
    table = pd.read_csv(tmp_path / "tables" / "bmode.csv", dtype=str, keep_default_na=False)
    table.loc[26, "box"] = "2 300 4 20"  # leaves the picture
    table.loc[27, "box"] = _box(truth["p27"])
    (tmp_path / "tables" / "p24.png").write_bytes(b"no picture")
    table.to_csv(tmp_path / "tables" / "bmode.csv", index=False)
    found = segment_cohort(tmp_path, method="contour")
    assert {p.code: p.row for p in found.problems} == {"RG708": 28, "RG502": 26}
    assert found.images["mask_source"].tolist() == [None, "contour", None, "contour"]


def test_nothing_could_be_drawn(tmp_path: Path) -> None:
    _write(tmp_path, masked=N - 1)
    before = _digests(tmp_path)
    with pytest.raises(RadiogenError) as error:
        segment_cohort(tmp_path, method="contour")
    assert error.value.code == "RG530"
    assert _digests(tmp_path) == before


def test_a_semicolon_table_with_its_own_columns_folders_and_label(tmp_path: Path) -> None:
    yaml = YAML.replace(
        "    aggregate: mean\n",
        "    delimiter: ';'\n    encoding: latin-1\n    mask_dir: drawn\n    mask_label: 2\n    columns: {mask: Maske, box: Kasten}\n",
    )
    truth = _write(tmp_path, yaml=yaml)
    (tmp_path / "drawn").mkdir()
    for name in [f"p{k:02d}" for k in range(24)]:
        (tmp_path / "tables" / f"{name}_m.png").unlink()
        Pillow.fromarray((truth[name] * 2).astype(np.uint8)).save(tmp_path / "drawn" / f"{name}_m.png")
    table = pd.read_csv(tmp_path / "tables" / "bmode.csv", dtype=str, keep_default_na=False)
    table = table.rename(columns={"mask": "Maske", "box": "Kasten"}).assign(note="Größe; groß")
    table.to_csv(tmp_path / "tables" / "bmode.csv", index=False, sep=";", encoding="latin-1")
    found = segment_cohort(tmp_path, method="contour")
    assert found.counts.loc["bmode", "contour"] == 2
    cohort = load_cohort(tmp_path / "cohort.segmented.yaml")
    row = cohort.images.set_index("unit").loc["p24"]
    assert row["mask_source"] == "contour"
    assert dice(read_mask(row["masks"], truth["p24"].shape, label=2), truth["p24"]) > 0.85
    new = pd.read_csv(tmp_path / "tables" / "bmode.segmented.csv", sep=";", encoding="latin-1", dtype=str, keep_default_na=False)
    assert set(new["note"]) == {"Größe; groß"} and new.loc[24, "Maske"] == "../tables/masks_automatic/bmode/p24-row26.png"


@pytest.mark.parametrize(
    ("given", "code"), [({"modalities": ["swe"]}, "RG109"), ({"method": "magic"}, "RG708"), ({"n_jobs": 0}, "RG708")]
)
def test_wrong_calls(tmp_path: Path, given: dict, code: str) -> None:
    _write(tmp_path)
    with pytest.raises(RadiogenError) as error:
        segment_cohort(tmp_path, **given)
    assert error.value.code == code


def test_the_command_names_the_encoders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from radiogen.cli import main

    _write(tmp_path, masked=N - 4)
    with pytest.raises(SystemExit) as end:
        main(["segment", str(tmp_path), "--encoder", "vgg"])
    said = capsys.readouterr()
    assert end.value.code != 0 and "RG708" in said.out + said.err and "efficientnet_lite0" in said.out + said.err
    with pytest.raises(SystemExit) as end:
        main(["segment", str(tmp_path), "--encoder", "small", "--method", "contour"])
    assert end.value.code == 0 and (tmp_path / "cohort.segmented.yaml").is_file()


def test_masks_as_pictures(tmp_path: Path) -> None:
    mask = np.zeros((9, 7), bool)
    mask[2:5, 1:6] = True
    for label in (None, 3, "#ff0000", "red"):
        (tmp_path / "m.png").write_bytes(mask_png(mask, label))
        assert np.array_equal(read_mask(tmp_path / "m.png", mask.shape, label=label), mask)
    for label in ("tumour", 700):
        with pytest.raises(RadiogenError) as error:
            mask_png(mask, label)
        assert error.value.code == "RG708"


def test_the_cohort_file_is_changed_in_one_place_only() -> None:
    text = "modalities:\r\n  a: {images: 'x.csv', aggregate: mean} # ü\r\n  b:\r\n    images: >-\r\n      y.csv\r\n    rings: []\r\n"
    assert yaml_with(text, {"a": "x.new.csv"}) == text.replace("'x.csv'", '"x.new.csv"')
    both = yaml_with(text, {"a": "x.new.csv", "b": "y.new.csv"})
    assert '"y.new.csv"' in both and "y.csv" not in both
    with pytest.raises(RadiogenError) as error:
        yaml_with("modalities:\n  a: &m {images: x.csv}\n  b: *m\n", {"a": "x.new.csv"})
    assert error.value.code == "RG801"
