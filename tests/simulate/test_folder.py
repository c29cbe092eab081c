"""Files that no simulation wrote are safe."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from radiogen import simulate
from radiogen.cohort.paths import file_digest
from radiogen.errors import RadiogenError


def refused(folder: Path, **options: object) -> str:
    with pytest.raises(RadiogenError) as caught:
        simulate.cohort(folder, n=20, seed=2, images=False, **options)  # type: ignore[arg-type]
    return caught.value.code


def test_a_folder_with_foreign_files_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    assert refused(tmp_path) == "RG803"
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_force_writes_beside_foreign_files_and_does_not_delete_them(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    (tmp_path / "cohort.yaml").write_text("radiogen: 1\n")
    path = simulate.cohort(tmp_path, n=20, seed=2, images=False, force=True)
    assert path.read_text().startswith("# A simulated cohort")
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_an_earlier_simulation_is_replaced_without_leftovers(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    assert (tmp_path / "truth/swe").is_dir() and (tmp_path / "data/ceus/loops").is_dir()
    (tmp_path / "report.html").write_text("a report")
    simulate.cohort(tmp_path, n=20, seed=2, images=False)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["cohort.yaml", "data", "report.html", "truth.json"]
    assert sorted(p.name for p in (tmp_path / "data").iterdir()) == [
        "bmode.csv", "ceus.csv", "clinical.csv", "doppler.csv", "mutations.maf", "panel.csv", "swe.csv",
    ]  # fmt: skip


def test_the_yaml_alone_as_in_a_fresh_checkout_is_known_by_its_content(tmp_path: Path) -> None:
    first = simulate.cohort(tmp_path / "first", n=30, seed=1, images=False)
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    (checkout / "cohort.yaml").write_bytes(first.read_bytes())
    assert simulate.cohort(checkout, n=20, seed=2, images=False).is_file()


@pytest.mark.parametrize("name", ["cohort.yaml", "data/clinical.csv", "data/panel.csv"])
def test_a_file_that_was_edited_since_is_not_overwritten(tmp_path: Path, name: str) -> None:
    simulate.cohort(tmp_path, n=20, seed=1, images=False)
    edited = (tmp_path / name).read_text() + "# mine\n"
    (tmp_path / name).write_text(edited)
    before = (tmp_path / "truth.json").read_bytes()
    assert refused(tmp_path) == "RG803"
    assert (tmp_path / name).read_text() == edited
    assert (tmp_path / "truth.json").read_bytes() == before
    assert not list(tmp_path.glob(".simulate-*"))


def test_a_picture_that_was_edited_since_is_neither_overwritten_nor_removed(smaller: Path, tmp_path: Path) -> None:
    shutil.copytree(smaller, tmp_path, dirs_exist_ok=True)
    picture = next((tmp_path / "data/swe/images").iterdir())
    picture.write_bytes(b"mine")
    # a simulation of tables does not write this file, and leaves it where it is
    simulate.cohort(tmp_path, n=20, seed=2, images=False)
    assert picture.read_bytes() == b"mine"
    assert [p for p in tmp_path.rglob("*") if p.suffix in (".png", ".dcm", ".jpg")] == [picture]


def test_the_files_of_an_earlier_version_are_known_by_its_list(tmp_path: Path) -> None:
    simulate.cohort(tmp_path, n=20, seed=1, images=False)
    # another version of the package writes other comments into the YAML, and lists its hash
    old = (tmp_path / "cohort.yaml").read_bytes().replace(b"# positive from 1 % on", b"# from 1 %")
    (tmp_path / "cohort.yaml").write_bytes(old)
    assert refused(tmp_path) == "RG803"
    truth = json.loads((tmp_path / "truth.json").read_text())
    truth["files"]["cohort.yaml"] = file_digest(tmp_path / "cohort.yaml")
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    assert simulate.cohort(tmp_path, n=20, seed=2, images=False).read_bytes() != old


def test_a_forged_list_of_files_removes_nothing_outside_the_folder(tmp_path: Path) -> None:
    victim = tmp_path / "victim.txt"
    victim.write_text("keep me")
    folder = tmp_path / "cohort"
    folder.mkdir()
    forged = {"made_by": "radiogen.simulate", "files": {"../victim.txt": file_digest(victim)}}
    (folder / "truth.json").write_text(json.dumps(forged))
    simulate.cohort(folder, n=20, seed=2, images=False)
    assert victim.read_text() == "keep me"


def test_a_file_in_place_of_the_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert refused(tmp_path / "file") == "RG801"
    assert refused(tmp_path / "file", force=True) == "RG801"
