"""Broken cohorts: each gives its code, its place and its fix; none a traceback, none a wrong number."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from radiogen.analysis.checking import check_cohort
from radiogen.catalogue import CATALOGUE
from radiogen.errors import RadiogenError

from .conftest import Files, Maker


@dataclass(frozen=True)
class Case:
    """One way to break the good cohort, and what must be said of it."""

    code: str
    yaml: tuple[str, str] | None = None
    cell: tuple[str, int, str, str] | None = None  # file, row as a spreadsheet numbers it, column, new value
    change: Callable[[Files], None] | None = None
    row: int | None = None
    column: str | None = None
    value: str | None = None
    says: str = ""


def _cell(file: str, row: int, column: str, value: str) -> Callable[[Files], None]:
    def change(files: Files) -> None:
        header = files[file][0]
        files[file][row - 1][header.index(column)] = value

    return change


def _append(file: str, cells: list[str]) -> Callable[[Files], None]:
    return lambda files: files[file].append(cells)


def _column(file: str, column: str, new: Callable[[str, int], str]) -> Callable[[Files], None]:
    def change(files: Files) -> None:
        at = files[file][0].index(column)
        for i, row in enumerate(files[file][1:]):
            row[at] = new(row[at], i)

    return change


CASES = {
    "unknown key": Case("RG102", yaml=("predictors: [age, grade]", "predictor: [age, grade]"), says="Did you mean 'predictors'"),
    "unknown top key": Case("RG102", yaml=("endpoints:", "endpoint:"), says="Did you mean 'endpoints'"),
    "duplicate key": Case("RG103", yaml=("batch: {centre: centre}", "batch: {centre: centre}\nbatch: {centre: centre}")),
    "not YAML": Case("RG101", yaml=("cohort: {name: small", "cohort: {name: small]")),
    "wrong type": Case("RG104", yaml=("predictors: [age, grade]", "predictors: age")),
    "wrong version": Case("RG107", yaml=("radiogen: 1", "radiogen: 2")),
    "required key": Case("RG105", yaml=("cohort: {name: small, unit: patient}", "cohort: {unit: patient}")),
    "model misspelt": Case("RG104", yaml=("target: TP53,", "target: TP53, models: [forrest],"), says="Did you mean 'forest'"),
    "unknown target": Case("RG109", yaml=("target: TP53", "target: TP35"), says="Did you mean 'TP53'"),
    "unknown input": Case("RG109", yaml=("inputs: [clinical]}", "inputs: [clincal]}"), says="Did you mean 'clinical'"),
    "file missing": Case("RG201", yaml=("path: follow_up.csv", "path: followup.csv")),
    "column missing": Case("RG203", yaml=("column: er,", "column: ER,"), says="Did you mean 'er'"),
    "path outside": Case("RG106", yaml=("path: follow_up.csv", "path: ../follow_up.csv")),
    "duplicate patient": Case("RG204", cell=("clinical.csv", 9, "patient_id", "P002"), row=9, column="patient_id", value="P002"),
    "lost zeros": Case("RG206", cell=("follow_up.csv", 4, "patient_id", "P3"), row=4, value="P3", says="P003"),
    "stray spaces": Case("RG207", cell=("follow_up.csv", 4, "patient_id", "P003 "), row=4, value="P003 "),
    "case variant": Case("RG208", cell=("follow_up.csv", 4, "patient_id", "p003"), row=4, value="p003"),
    "empty id": Case("RG209", cell=("clinical.csv", 4, "patient_id", ""), row=4),
    "duplicate column": Case("RG210", cell=("clinical.csv", 1, "grade", "age")),
    "text among numbers": Case("RG211", cell=("clinical.csv", 6, "age", "about 50"), row=6, column="age", value="about 50"),
    "undeclared missing": Case("RG212", cell=("clinical.csv", 6, "age", "unknown"), row=6, column="age", value="unknown"),
    "decimal comma": Case("RG217", change=_column("clinical.csv", "age", lambda v, i: f'"{v},5"'), column="age"),
    "no id in common": Case("RG214", change=_column("follow_up.csv", "patient_id", lambda v, i: f"X{i}")),
    "ragged row": Case("RG202", change=_append("clinical.csv", ["P099", "50"]), row=26),
    "same column twice": Case("RG215", change=_column("follow_up.csv", "start", lambda v, i: v), yaml=("[age, grade]", "[age, grade, months]"),
                              cell=("clinical.csv", 1, "pcr", "months")),
    "mixed units": Case("RG301", change=_column("clinical.csv", "ki67", lambda v, i: "20%" if i == 2 else "0.2" if i == 5 else v), column="ki67"),
    "fractions as percent": Case("RG307", change=_column("clinical.csv", "ki67", lambda v, i: f"0.{10 + i}"), column="ki67"),
    "marker unit undeclared": Case("RG306", yaml=("pr: {column: pr, unit: percent}", "pr: {column: pr}")),
    "marker out of range": Case("RG303", cell=("clinical.csv", 5, "er", "150"), row=5, column="er", value="150"),
    "marker not understood": Case("RG302", cell=("clinical.csv", 5, "er", "weak"), row=5, column="er", value="weak"),
    "HER2 out of range": Case("RG303", cell=("clinical.csv", 5, "her2", "4+"), row=5, column="her2", value="4+"),
    "no tested list": Case("RG310", yaml=(", sequenced: tested.csv}", "}")),
    "mutated, not tested": Case("RG312", change=lambda f: f["tested.csv"].pop(1)),
    "event values undeclared": Case("RG401", yaml=("event_values: [1], censor_values: [0]", "censor_values: [0]"), says="'dead' holds 0, 1"),
    "binary values undeclared": Case("RG401", yaml=('positive: ["yes"], ', "")),
    "negative time": Case("RG402", cell=("follow_up.csv", 7, "months", "-3"), row=7, column="months", value="-3"),
    "zero time": Case("RG403", cell=("follow_up.csv", 7, "months", "0"), row=7, column="months", value="0"),
    "text time": Case("RG404", cell=("follow_up.csv", 7, "months", "lost"), row=7, column="months", value="lost"),
    "infinite time": Case("RG404", cell=("follow_up.csv", 7, "months", "inf"), row=7, column="months", value="inf"),
    "event before origin": Case("RG405", cell=("follow_up.csv", 7, "end", "2019-12-31"), row=7, column="end", value="2019-12-31",
                                yaml=("time: months", "origin: start, until: end")),
    "impossible date": Case("RG412", cell=("follow_up.csv", 7, "end", "2021-02-30"), row=7, column="end", value="2021-02-30",
                            yaml=("time: months", "origin: start, until: end")),
    "status undeclared": Case("RG406", cell=("follow_up.csv", 7, "dead", "2"), row=7, column="dead", value="2"),
    "time unit undeclared": Case("RG411", yaml=("time: months, unit: months", "time: months")),
    "no event": Case("RG410", change=_column("follow_up.csv", "dead", lambda v, i: "0")),
    "predictor is the outcome": Case("RG408", yaml=("predictors: [age, grade]", "predictors: [age, pcr]"), value="pcr"),
    "predictor determines": Case("RG408", change=_column("clinical.csv", "grade", lambda v, i: "abb"[i % 3]), value="grade"),
    "excluded predictor": Case("RG409", yaml=("batch:", "exclude_predictors: [grade]\nbatch:"), value="grade"),
    "external level missing": Case("RG602", yaml=("{centre: [B]}", "{centre: [C]}"), value="C"),
    "all external": Case("RG602", yaml=("{centre: [B]}", "{centre: [A, B]}")),
    "image missing": Case("RG501", cell=("bmode.csv", 3, "image", "nothing.png"), row=3, column="image"),
    "mask missing": Case("RG503", cell=("bmode.csv", 3, "mask", "nothing.png"), row=3, column="mask"),
    "mask of another image": Case("RG504", cell=("bmode.csv", 3, "mask", "P004_mask.png"), row=3),
    "bad spacing": Case("RG509", cell=("bmode.csv", 3, "spacing_mm", "0"), row=3, column="spacing_mm", value="0"),
    "code for missing": Case("RG227", cell=("clinical.csv", 6, "age", "999"), row=6, column="age", value="999"),
    "visits without a column": Case("RG203", yaml=("batch:", "visits: {baseline: T0}\nbatch:"), says="has no column 'visit'"),
    "image of nobody": Case("RG213", change=_append("bmode.csv", ["X9", "P001.png", "P001_mask.png", "0.1"])),
}  # fmt: skip


def _build(case: Case, make: Maker) -> Path:
    def change(files: Files) -> None:
        if case.change is not None:
            case.change(files)
        if case.cell is not None:
            _cell(*case.cell)(files)

    def yaml(text: str) -> str:
        if case.yaml is None:
            return text
        assert case.yaml[0] in text
        return text.replace(*case.yaml, 1)

    return make(change, yaml)


@pytest.mark.parametrize("name", CASES)
def test_each_gives_its_code_place_and_fix(name: str, make: Maker) -> None:
    case = CASES[name]
    _, findings = check_cohort(_build(case, make))
    found = [p for p in findings if p.code == case.code]
    assert found, f"found only {[p.render() for p in findings]}"
    problem = found[0]
    assert problem.fix
    assert case.row is None or case.row in [p.row for p in found]
    assert case.column is None or problem.column == case.column
    assert case.value is None or problem.value == case.value
    assert case.says in problem.message
    assert problem.file or problem.column


def test_the_good_cohort_has_no_error(make: Maker) -> None:
    cohort, findings = check_cohort(make())
    assert [p.render() for p in findings.errors] == []
    assert cohort is not None
    assert len(cohort) == 24


def test_her2_2_plus_without_ish_is_counted_not_refused(make: Maker) -> None:
    cohort, findings = check_cohort(make(_column("clinical.csv", "ish", lambda v, i: "")))
    assert findings.errors == ()
    assert "RG304" in [p.code for p in findings]
    assert cohort is not None
    assert cohort.markers["her2"].isna().sum() == 6


@pytest.mark.parametrize(("kind", "code"), [("empty", "RG505"), ("text", "RG502"), ("truncated", "RG502"), ("zero bytes", "RG502")])
def test_broken_pictures(kind: str, code: str, make: Maker) -> None:
    path = make()
    picture = path.parent / "P002.png"
    if kind == "empty":
        Image.fromarray(np.zeros((42, 50), dtype=np.uint8)).save(path.parent / "P002_mask.png")
    elif kind == "text":
        picture.write_text("not a picture")
    else:
        picture.write_bytes(picture.read_bytes()[: 200 if kind == "truncated" else 0])
    _, findings = check_cohort(path)
    found = [p for p in findings.errors if p.code == code]
    assert [p.row for p in found] == [3]
    assert "bmode.csv" in str(found[0].file)


def test_all_problems_come_in_one_run(make: Maker) -> None:
    def change(files: Files) -> None:
        _cell("clinical.csv", 6, "age", "fifty")(files)
        _cell("follow_up.csv", 7, "months", "-3")(files)
        _cell("bmode.csv", 3, "mask", "nothing.png")(files)

    _, findings = check_cohort(make(change))
    assert {p.code for p in findings.errors} == {"RG211", "RG402", "RG503"}


def test_tables_of_lesions_that_disagree_about_the_patient(tmp_path: Path) -> None:
    (tmp_path / "l.csv").write_text("lesion,patient,size\nl1,p1,10\nl2,p1,12\nl3,p2,9\n")
    (tmp_path / "m.csv").write_text("lesion,patient,depth\nl3,p2,3\nl9,p7,1\nl1,p2,4\nl2,,5\n")
    (tmp_path / "cohort.yaml").write_text(
        "radiogen: 1\ncohort: {name: x, unit: lesion}\ntables:\n  l: {path: l.csv, id: lesion, patient: patient, predictors: [size]}\n"
        "  m: {path: m.csv, id: lesion, patient: patient, predictors: [depth]}\n"
    )
    _, findings = check_cohort(tmp_path)
    assert [(p.code, p.row, p.column, p.value) for p in findings.errors] == [("RG205", 4, "patient", "p2")]


def test_lesions_orphans_and_both_sides(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("patient,age\np1,50\np2,60\n")
    (tmp_path / "l.csv").write_text("lesion,patient,centre,size\nl1,p1,A,10\nl2,p1,B,12\nl3,p2,A,9\nl4,p9,A,7\n")
    (tmp_path / "cohort.yaml").write_text(
        "radiogen: 1\ncohort: {name: x, unit: lesion}\ntables:\n  p: {path: p.csv, id: patient, predictors: [age]}\n"
        "  l: {path: l.csv, id: lesion, patient: patient, predictors: [size]}\nsplit: {external: {centre: [B]}}\n"
    )
    _, findings = check_cohort(tmp_path)
    found = {p.code: p for p in findings.errors}
    assert set(found) == {"RG205", "RG601"}
    assert (found["RG205"].row, found["RG205"].value) == (5, "p9")
    assert found["RG601"].value == "p1"


def test_near_duplicates_with_conflicting_labels_are_reported(make: Maker) -> None:
    path = make()
    (path.parent / "P002.png").write_bytes((path.parent / "P001.png").read_bytes())
    (path.parent / "P002_mask.png").write_bytes((path.parent / "P001_mask.png").read_bytes())
    _, findings = check_cohort(path)
    assert "RG506" in [p.code for p in findings]


def test_check_writes_nothing_and_exits_1_without_traceback(make: Maker) -> None:
    path = make(_cell("follow_up.csv", 7, "months", "-3"))
    before = sorted(p.name for p in path.parent.iterdir())
    done = subprocess.run([sys.executable, "-m", "radiogen", "check", str(path)], capture_output=True, text=True)
    assert done.returncode == 1
    assert "RG402" in done.stderr
    assert "row 7" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert sorted(p.name for p in path.parent.iterdir()) == before


def test_load_cohort_raises_all_errors(make: Maker) -> None:
    import radiogen as rg

    with pytest.raises(RadiogenError) as caught:
        rg.load_cohort(make(_cell("follow_up.csv", 7, "months", "-3")))
    assert caught.value.code == "RG402"
    assert "fix:" in str(caught.value)


def test_every_code_is_documented(repo: Path) -> None:
    text = (repo / "docs" / "errors.md").read_text(encoding="utf-8")
    assert [c for c in CATALOGUE if f"## {c}" not in text] == []
