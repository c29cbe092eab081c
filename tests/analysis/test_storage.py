"""A saved result comes back the same; a damaged one is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from radiogen.analysis import associate, classify, describe, load_result
from radiogen.analysis.result import Result
from radiogen.errors import RadiogenError

from .making import make_cohort


@pytest.fixture(scope="module")
def result() -> Result:
    return classify(make_cohort(60, 3, external=8), "TP53", folds=2, repeats=1)


def test_round_trip(result: Result, tmp_path: Path) -> None:
    folder = result.save(tmp_path / "r")
    back = load_result(folder)
    for name, table in result.tables.items():
        pd.testing.assert_frame_equal(back.tables[name], table, check_exact=True)
    assert list(back.tables) == list(result.tables)
    assert result.predictions is not None and back.predictions is not None
    pd.testing.assert_frame_equal(back.predictions, result.predictions, check_exact=True)
    for name in ("kind", "title", "settings", "versions", "methods", "notes"):
        assert getattr(back, name) == getattr(result, name)
    assert back.figures().keys() == result.figures().keys()


@pytest.mark.parametrize("make", [describe, lambda c: associate(c, ["TP53", "subtype"])])
def test_other_kinds_come_back(make: object, tmp_path: Path) -> None:
    made = make(make_cohort(40, 2))  # type: ignore[operator]
    back = load_result(made.save(tmp_path / "r"))
    for name, table in made.tables.items():
        pd.testing.assert_frame_equal(back.tables[name], table, check_dtype=bool(len(table)))


def test_saving_again_replaces_and_leaves_nothing_behind(result: Result, tmp_path: Path) -> None:
    result.save(tmp_path / "r")
    result.save(tmp_path / "r")
    assert [p.name for p in tmp_path.iterdir()] == ["r"]
    load_result(tmp_path / "r")


def test_other_files_are_not_overwritten(result: Result, tmp_path: Path) -> None:
    (tmp_path / "thesis.docx").write_text("x")
    with pytest.raises(RadiogenError) as error:
        result.save(tmp_path)
    assert error.value.code == "RG803"
    assert (tmp_path / "thesis.docx").exists()


def _drop_table(folder: Path) -> None:
    (folder / "table00.parquet").unlink()


def _change_table(folder: Path) -> None:
    path = folder / "predictions.parquet"
    path.write_bytes(path.read_bytes()[:-10])


def _break_json(folder: Path) -> None:
    (folder / "result.json").write_text("{", encoding="utf-8")


def _other_json(folder: Path) -> None:
    (folder / "result.json").write_text('{"a": 1}', encoding="utf-8")


def _later(folder: Path) -> None:
    about = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    (folder / "result.json").write_text(json.dumps({**about, "radiogen_result": 99}), encoding="utf-8")


def _no_notes(folder: Path) -> None:
    about = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    (folder / "result.json").write_text(json.dumps({k: v for k, v in about.items() if k != "notes"}), encoding="utf-8")


@pytest.mark.parametrize("damage", [_drop_table, _change_table, _break_json, _other_json, _later, _no_notes])
def test_a_damaged_result_is_refused(damage: object, result: Result, tmp_path: Path) -> None:
    folder = result.save(tmp_path / "r")
    damage(folder)  # type: ignore[operator]
    with pytest.raises(RadiogenError) as error:
        load_result(folder)
    assert error.value.code == "RG802"


def test_a_folder_without_a_result_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RadiogenError) as error:
        load_result(tmp_path)
    assert error.value.code == "RG802"
