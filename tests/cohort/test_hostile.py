"""Files and cohort files as they come in real life: none is read wrongly in silence."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest

from radiogen.analysis.checking import check_cohort
from radiogen.cohort import ids as id_checks
from radiogen.cohort.config import Reading
from radiogen.cohort.paths import Folder
from radiogen.cohort.tables import read_table
from radiogen.cohort.values import fold, is_number, looks_missing
from radiogen.errors import Findings

from .conftest import Files, Maker

IDS = [f"P{i:03d}" for i in range(1, 25)]


def _read(folder: Path, name: str, data: bytes | str, **options: object) -> tuple[object, Findings]:
    (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode())
    findings = Findings()
    raw = read_table(Reading(path=name, **options), "tables.t", Folder(folder, False, folder / "c.yaml", findings))
    return raw, findings


# -- text files -------------------------------------------------------------------------

BROKEN_TEXT = {
    "quote open to the end": ('id,a,b\n1,2,3\n2,3,"4\n3,4,5\n', {}, 3, "never closed"),
    "quotes swallow rows": ('id,a,b\n1,2,"3\n2,3,4\n3,4,5"\n', {}, 2, "closes in row 4"),
    "quote closed early": ('id,a\n1,"2"x\n', {}, 2, "cannot be read"),
    "NUL late in the file": ("id,a\n" + "1,2\n" * 9000 + "2,\x00\n", {}, 9002, "encoding"),
    "UTF-16 without mark": ("id,a\n1,2\n".encode("utf-16-le"), {}, 1, "encoding"),
    "UTF-8 declared as latin-1": ("id,a\n1,Köln\n", {"encoding": "latin-1"}, None, "UTF-8"),
    "workbook named csv": (b"PK\x03\x04rest", {}, None, "Excel"),
    "codec that is no text": ("id,a\n1,2\n", {"encoding": "base64"}, None, "encoding"),
}


@pytest.mark.parametrize("name", BROKEN_TEXT)
def test_text_that_cannot_be_trusted_is_refused(name: str, tmp_path: Path) -> None:
    data, options, row, says = BROKEN_TEXT[name]
    raw, findings = _read(tmp_path, "t.csv", data, **options)
    assert raw is None
    (problem,) = findings
    assert (problem.code, problem.row) == ("RG202", row)
    assert says in problem.message + problem.fix


GOOD_TEXT = {
    "CR": ("t.csv", "id,a\r1,2\r", {}),
    "blank columns": ("t.csv", "id,a,,\n1,2,,\n", {}),
    "invisible in the header": ("t.csv", "\ufeff\ufeffid,a\u200b\n1,2\u00a0\n", {}),
    "separator in a quoted name": ("t.csv", 'id;a;"b, c"\n1;2;3\n', {}),
    "cell of two lines": ("t.csv", 'id,a,note\n1,2,"x\ny"\n', {}),
    "MAF has no quoting": ("t.maf", '#v\nid\ta\tnote\n1\t2\t"x\n', {}),
    "commas declared": ("t.csv", 'id;a;b\n1;2;"1.234,5"\n', {"decimal": ","}),
}


@pytest.mark.parametrize("name", GOOD_TEXT)
def test_odd_text_is_read(name: str, tmp_path: Path) -> None:
    file, data, options = GOOD_TEXT[name]
    raw, findings = _read(tmp_path, file, data, **options)
    assert list(findings) == []
    assert raw.frame[["id", "a"]].to_numpy().tolist() == [["1", "2"]]  # type: ignore[attr-defined]
    if options:
        assert raw.frame["b"].tolist() == ["1234.5"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("cells", [["0.123", "0,5"], ["1.234", "2.500"], ["1.234", "12,5"], ["3.5", "1.234,5"]])
def test_numbers_that_can_be_read_in_two_ways_are_refused(cells: list[str], tmp_path: Path) -> None:
    rows = "".join(f"{i};{c}\n" for i, c in enumerate(cells))
    _, findings = _read(tmp_path, "t.csv", "id;a\n" + rows, decimal=",")
    assert {p.code for p in findings.errors} == {"RG217"}


# -- workbooks -----------------------------------------------------------------------------


def _workbook(change: Callable[[openpyxl.worksheet.worksheet.Worksheet], None]) -> bytes:
    book = openpyxl.Workbook()
    for row in (["id", "a", "b"], ["1", 2, 3], ["2", 3, 4], ["3", 4, 5]):
        book.active.append(row)
    change(book.active)
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()


def _cut(data: bytes) -> bytes:
    """The workbook with its sheet broken off."""
    cut = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(cut, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name)[: 300 if "sheet1" in name else None])
    return cut.getvalue()


BROKEN_BOOKS: dict[str, tuple[Callable[..., None], int, str]] = {
    "merged": (lambda s: s.merge_cells("B2:B3"), 2, "B2:B3"),
    "formula never calculated": (lambda s: s.__setitem__("B3", "=B2+1"), 3, "=B2+1"),
    "note beside the table": (lambda s: s.__setitem__("E3", "check!"), 3, ""),
}


@pytest.mark.parametrize("name", BROKEN_BOOKS)
def test_workbooks_whose_cells_would_be_lost_are_refused(name: str, tmp_path: Path) -> None:
    change, row, value = BROKEN_BOOKS[name]
    raw, findings = _read(tmp_path, "t.xlsx", _workbook(change))
    assert raw is None
    assert [(p.code, p.row, p.value or "") for p in findings] == [("RG202", row, value)]


def test_a_damaged_workbook_is_no_traceback(tmp_path: Path) -> None:
    raw, findings = _read(tmp_path, "t.xlsx", _cut(_workbook(lambda s: None)))
    assert raw is None
    assert [p.code for p in findings] == ["RG202"]


# -- ids and values ------------------------------------------------------------------------

ONE_ID = {
    "Ｐ００３": "RG208", "\u0420003": "RG208", "P 003": "RG208", "P\u200b003": "RG208", "p003": "RG208", "P3": "RG206", "P003.0": "RG208",
    "P_003": "RG208",
}  # fmt: skip


@pytest.mark.parametrize("text", ONE_ID)
def test_an_id_written_in_another_way_is_an_error(text: str, make: Maker) -> None:
    def change(files: Files) -> None:
        files["follow_up.csv"][3][0] = text

    _, findings = check_cohort(make(change))
    assert [(p.code, p.row, p.value) for p in findings.errors] == [(ONE_ID[text], 4, text)]


@pytest.mark.parametrize("text", ["NA", "Total", "1.2E+16", "2020-03-02", "2-Mar", "未知"])
def test_what_is_no_id(text: str, make: Maker) -> None:
    _, findings = check_cohort(make(lambda files: files["clinical.csv"][3].__setitem__(0, text)))
    # NA is declared as missing in this table, so that the id is empty
    assert findings.errors[0].code == ("RG209" if text == "NA" else "RG222")
    assert findings.errors[0].row == 4


def test_dates_are_ids_where_all_are(tmp_path: Path) -> None:
    raw, findings = _read(tmp_path, "t.csv", "id\n2020-01-02\n2020-01-03\n")
    assert id_checks.read_ids(raw, "id", findings) is not None  # type: ignore[arg-type]
    assert list(findings) == []


def test_two_writings_of_one_id_in_one_table(make: Maker) -> None:
    _, findings = check_cohort(make(lambda files: files["clinical.csv"][24].__setitem__(0, "P1")))
    assert ("RG206", 25, "P1") in [(p.code, p.row, p.value) for p in findings.errors]


def test_values() -> None:
    assert not is_number("1e999")
    assert is_number("1e9")
    assert fold("P\u20110Ｏ1 ") == fold("p-0o1")
    assert [looks_missing(t) for t in ("n.a.", "—", "不详", "unk.", "no", "low", "0")] == [True] * 4 + [False] * 3


# -- the YAML --------------------------------------------------------------------------------

BASE = "radiogen: 1\ncohort: {name: x}\ntables:\n  c: {path: c.csv, id: id, predictors: [age]}\n"
BROKEN_YAML = {
    "path that cannot be": (BASE.replace("c.csv", '"a\\0b.csv"'), "RG201", ""),
    "path too long": (BASE.replace("c.csv", "a" * 300 + ".csv"), "RG201", ""),
    "path misspelt": (BASE.replace("c.csv", "d.csv"), "RG201", "Did you mean 'c.csv'"),
    "bomb": ("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
             + "".join(f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 9)) + BASE, "RG101", "unfolds"),
    "section empty": (BASE + "endpoints:\n", "RG104", "nothing here"),
    "list for keys": (BASE + "endpoints: []\n", "RG104", "{key: value}"),
    "levels twice": (BASE.replace("[age]", "[age], levels: {y: [1, 1.0]}"), "RG104", "twice"),
    "levels in another table": (BASE + "  d: {path: d.csv, id: id, levels: {y: [0, 1]}}\n", "RG203", "belongs to the table 'c'"),
    "delimiter of two": (BASE.replace("id: id", 'id: id, delimiter: "::"'), "RG104", ""),
    "name of an input": (BASE + "modalities: {clinical: {features: c.csv}}\n", "RG104", "every cohort has"),
    "name of a target": (BASE + "endpoints: {er: {kind: binary, column: y, positive: [1], negative: [0]}}\n", "RG104", "every cohort"),
    "table_one unknown": (BASE + "table_one: agee\n", "RG109", "Did you mean 'age'"),
    "exclude_predictors unknown": (BASE + "exclude_predictors: [agee]\n", "RG109", "Did you mean 'age'"),
    "adjust unknown": (BASE + "analyses: [{kind: associate, targets: [er], adjust: [agee]}]\nmarkers: {er: {column: y, unit: status, positive: [1], negative: [0]}}\n", "RG109", "Did you mean 'age'"),
    "classify a survival": (BASE + "endpoints: {os: {kind: survival, time: age, unit: days, event: y, event_values: [1], censor_values: "
                            "[0]}}\nanalyses: [{kind: classify, target: os}]\n", "RG703", "survival"),
    "survive a class": (BASE + "endpoints: {p: {kind: binary, column: y, positive: [1], negative: [0]}}\n"
                        "analyses: [{kind: survive, endpoint: p}]\n", "RG703", "binary"),
    "inputs empty": (BASE + "endpoints: {p: {kind: binary, column: y, positive: [1], negative: [0]}}\n"
                     "analyses: [{kind: classify, target: p, inputs: []}]\n", "RG104", "empty"),
    "rule without markers": (BASE + "subtype: {rule: st_gallen_2013}\n", "RG105", "markers.er"),
    "subtype not known": (BASE + "subtype: {column: s}\n", "RG212", "'unknown'"),
    "group not known": (BASE + "table_one: s\n", "RG212", "'unknown'"),
    "id as predictor": (BASE.replace("[age]", "[age, id]"), "RG223", "is an id"),
    "name as predictor": (BASE.replace("[age]", "[age, name]"), "RG223", "30 categories"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN_YAML)
def test_broken_yaml(name: str, tmp_path: Path) -> None:
    text, code, says = BROKEN_YAML[name]
    rows = [f"{i},{40 + i * 7 % 31},{i % 2},{['A', 'B', 'unknown'][i % 3]},Anna {i}" for i in range(1, 31)]
    (tmp_path / "c.csv").write_text("\n".join(["id,age,y,s,name", *rows]))
    (tmp_path / "cohort.yaml").write_text(text)
    if "d: {path" in text:
        (tmp_path / "d.csv").write_text("id,z\n1,2\n")
    _, findings = check_cohort(tmp_path)
    found = [p for p in findings.errors if p.code == code]
    assert found, [p.render() for p in findings]
    assert says in found[0].message
    assert found[0].fix
    assert found[0].line or found[0].row or found[0].file


def test_links_that_loop_are_no_traceback(make: Maker) -> None:
    path = make()
    for name in ("follow_up.csv", "P002.png"):
        (path.parent / name).unlink()
        (path.parent / name).symlink_to(name)
    _, findings = check_cohort(path)
    assert [p.code for p in findings.errors] == ["RG201", "RG201"]


# -- endpoints, leaks, features --------------------------------------------------------------


def _column(file: str, name: str, value: Callable[[int], object]) -> Callable[[Files], None]:
    def change(files: Files) -> None:
        for i, row in enumerate(files[file]):
            row.append(name if i == 0 else str(value(i - 1)))

    return change


def _months(i: int) -> float:
    return 10 + 1.5 * (i * 5 % 13)


LEAKS: dict[str, Callable[[int], object]] = {
    "time in days": lambda i: round(_months(i) * 30.4),
    "time on a log scale": lambda i: f"{_months(i) ** 0.5:.4f}",
    "known of the dead alone": lambda i: ["heart", "cancer"][i % 2] if i % 5 in (0, 2) else "",
}


@pytest.mark.parametrize("name", LEAKS)
def test_leaks_in_disguise(name: str, make: Maker) -> None:
    change = _column("follow_up.csv", "leak", LEAKS[name])
    _, findings = check_cohort(make(change, lambda t: t.replace("[age, grade]", "[age, leak]")))
    assert [(p.code, p.value) for p in findings.errors] == [("RG408", "leak")]


@pytest.mark.parametrize("date", ["9999-12-31", "0202-01-15", "2021-06-3045", "44377"])
def test_dates_that_are_none(date: str, make: Maker) -> None:
    def change(files: Files) -> None:
        files["follow_up.csv"][5][4] = date

    _, findings = check_cohort(make(change, lambda t: t.replace("time: months", "origin: start, until: end")))
    assert [(p.code, p.row, p.value) for p in findings.errors] == [("RG412", 6, date)]


def test_a_status_in_another_spelling_is_suggested(make: Maker) -> None:
    def change(files: Files) -> None:
        for row in files["follow_up.csv"][1:]:
            row[2] = "Dead of disease" if row[2] == "1" else "alive"

    def yaml(text: str) -> str:
        return text.replace("event_values: [1], censor_values: [0]", 'event_values: ["dead of disease"], censor_values: [alive]')

    _, findings = check_cohort(make(change, yaml))
    assert findings.errors[0].code == "RG406"
    assert "Did you mean 'dead of disease'" in findings.errors[0].message


FEATURES: dict[str, tuple[str, Callable[[int], str], str]] = {
    "decimal comma": ("a", lambda i: f'"{i},5"', "RG217"),
    "mostly missing": ("a", lambda i: "NA" if i % 3 else str(i), "RG212"),
    "mostly limits": ("a", lambda i: "<0.1" if i % 3 else str(i), "RG211"),
    "overflow": ("a", lambda i: "1e999" if i == 3 else str(i), "RG219"),
    "text alone": ("a", lambda i: f"x{i}", "RG706"),
    "two names are one": ("a b,a_b", lambda i: f"{i * 7 % 5},{i}", "RG210"),
    "the outcome": ("a,label", lambda i: f"{i * 7 % 5},{int(i % 3 == 0)}", "RG408"),
    "the time": ("a,m", lambda i: f"{i * 7 % 5},{_months(i)}", "RG408"),
}


@pytest.mark.parametrize("name", FEATURES)
def test_feature_tables_lose_nothing_in_silence(name: str, make: Maker) -> None:
    header, row, code = FEATURES[name]
    path = make(yaml=lambda t: t.replace("bmode: {images: bmode.csv}", "swe: {features: swe.csv}"))
    lines = [f"patient_id,{header}", *(f"{p},{row(i)}" for i, p in enumerate(IDS))]
    (path.parent / "swe.csv").write_text("\n".join(lines))
    _, findings = check_cohort(path)
    assert [p.code for p in findings.errors] == [code]


def test_columns_left_out_and_rows_made_one_are_said(make: Maker) -> None:
    path = make(yaml=lambda t: t.replace("bmode: {images: bmode.csv}", "swe: {features: swe.csv}"))
    lines = [",patient_id,a,note", *(f"{i},{p},{i * 7 % 5},x" for i, p in enumerate([*IDS, "P001"]))]
    (path.parent / "swe.csv").write_text("\n".join(lines))
    cohort, findings = check_cohort(path)
    assert [p.code for p in findings] == ["RG226", "RG225"]
    assert cohort is not None
    assert list(cohort.modalities["swe"].columns) == ["swe_a"]
    assert cohort.modalities["swe"].at["P001", "swe_a"] == 1.5  # the median of 0 and 24 * 7 % 5


def test_a_baseline_that_nobody_has(make: Maker) -> None:
    def change(files: Files) -> None:
        for row, visit in zip(files["bmode.csv"], ["visit", "T1", "T1", "T2", "T2"], strict=True):
            row.append(visit)

    path = make(change, lambda t: t.replace("batch:", "visits: {baseline: T0, order: [T0, T1, T2]}\nbatch:"))
    _, findings = check_cohort(path)
    assert [(p.code, p.value) for p in findings.errors] == [("RG109", "T0")]


def test_mask_and_image_are_two_files(make: Maker) -> None:
    _, findings = check_cohort(make(lambda files: files["bmode.csv"][2].__setitem__(2, "P002.png")))
    assert [(p.code, p.row) for p in findings.errors] == [("RG517", 3)]


# -- studies and exports -----------------------------------------------------------------------


def test_redcap_takes_the_last_instance_of_every_instrument(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(
        "id,redcap_repeat_instrument,redcap_repeat_instance,age,size,lab\n"
        "a,,,50,,\na,visit,1,,11,\na,visit,2,,12,\na,blood,1,,,7\nb,,,60,,\nc,visit,3,,9,\n"
    )
    text = "radiogen: 1\ncohort: {name: x}\ntables:\n  t: {path: t.csv, format: redcap, id: id, repeat: REPEAT}\n"
    (tmp_path / "cohort.yaml").write_text(text.replace("REPEAT", "last"))
    cohort, findings = check_cohort(tmp_path)
    assert findings.errors == ()
    assert cohort is not None
    assert cohort.clinical.loc["a", ["age", "size", "lab"]].tolist() == [50, 12, 7]
    assert cohort.clinical.loc["c", "size"] == 9
    (tmp_path / "cohort.yaml").write_text(text.replace("REPEAT", "1"))
    cohort, findings = check_cohort(tmp_path)
    assert cohort is not None
    assert list(cohort.index) == ["a", "b"]
    assert [p.code for p in findings] == ["RG224"]  # c has no first visit


def test_cbioportal_samples_join_by_whole_ids(tmp_path: Path) -> None:
    study = tmp_path / "study"
    study.mkdir()
    (study / "data_clinical_patient.txt").write_text("#a\nPATIENT_ID\tAGE\nP1\t50\nP2\t60\n")
    (study / "data_clinical_sample.txt").write_text("#a\nPATIENT_ID\tSAMPLE_ID\tKIND\nP1 \tS1\tprimary\nP2\tS2\tprimary\n")
    text = "radiogen: 1\ncohort: {name: x}\ntables:\n  t: {path: study, format: cbioportal, id: PATIENT_ID}\n"
    (tmp_path / "cohort.yaml").write_text(text)
    _, findings = check_cohort(tmp_path)
    assert [(p.code, p.row, p.value) for p in findings.errors] == [("RG207", 3, "P1 ")]
