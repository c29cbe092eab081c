"""Tables of every kind come out as the same text; studies and exports come down to one row per patient."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import radiogen as rg
from radiogen.cohort.config import Reading
from radiogen.cohort.paths import Folder
from radiogen.cohort.tables import read_table
from radiogen.cohort.values import canonical, looks_missing
from radiogen.errors import Findings, RadiogenError


def _folder(path: Path) -> Folder:
    return Folder(path, False, path / "cohort.yaml", Findings())


def _cohort(folder: Path, tables: str, more: str = "") -> rg.Cohort:
    (folder / "cohort.yaml").write_text(f"radiogen: 1\ncohort: {{name: x}}\ntables:\n{tables}\n{more}", encoding="utf-8")
    return rg.load_cohort(folder)


EXPECTED = [["001", "50.5", "high"], ["002", None, "low"]]


@pytest.mark.parametrize("kind", ["csv", "tsv", "excel", "parquet", "semicolon", "gb18030", "bom"])
def test_every_kind_of_table_gives_the_same_text(kind: str, tmp_path: Path) -> None:
    frame = pd.DataFrame({"id": ["001", "002"], "age": [50.5, None], "risk": ["high", "low"]})
    section = {"path": "t.csv"}
    if kind == "excel":
        section = {"path": "t.xlsx"}
        frame.to_excel(tmp_path / "t.xlsx", index=False)
    elif kind == "parquet":
        section = {"path": "t.parquet"}
        frame.to_parquet(tmp_path / "t.parquet")
    elif kind == "tsv":
        section = {"path": "t.tsv"}
        frame.to_csv(tmp_path / "t.tsv", index=False, sep="\t")
    elif kind == "semicolon":
        frame.to_csv(tmp_path / "t.csv", index=False, sep=";")
    elif kind == "gb18030":
        section = {"path": "t.csv", "encoding": "gb18030", "rename": {"年龄": "age"}}
        frame.rename(columns={"age": "年龄"}).to_csv(tmp_path / "t.csv", index=False, encoding="gb18030")
    else:
        frame.to_csv(tmp_path / "t.csv", index=False, encoding="utf-8-sig" if kind == "bom" else "utf-8")
    folder = _folder(tmp_path)
    raw = read_table(Reading(**section), "tables.t", folder)
    assert raw is not None
    assert list(raw.frame.columns) == ["id", "age", "risk"]
    assert raw.frame.to_numpy().tolist() == EXPECTED
    assert raw.rows.tolist() == [2, 3]


def test_decimal_comma_is_read_where_declared(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("id;age\na;50,5\nb;61,25\n")
    cohort = _cohort(tmp_path, '  t: {path: t.csv, id: id, predictors: [age], decimal: ","}')
    assert cohort.clinical["age"].tolist() == [50.5, 61.25]


def test_missing_and_recode(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("id,er,n\na,Positve,1\nb,Negative,999\nc,?,3\n")
    cohort = _cohort(tmp_path, '  t: {path: t.csv, id: id, predictors: [er, n], missing: ["?", 999], recode: {er: {Positve: Positive}}}')
    assert cohort.clinical["er"].tolist()[:2] == ["Positive", "Negative"]
    assert cohort.clinical["er"].isna().tolist() == [False, False, True]
    assert cohort.clinical["n"].tolist()[0] == 1.0
    assert cohort.clinical["n"].isna().tolist() == [False, True, False]


def test_levels_and_ordered(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("id,grade,side\na,II,left\nb,I,right\nc,III,left\n")
    cohort = _cohort(
        tmp_path, "  t: {path: t.csv, id: id, predictors: [grade, side], ordered: {grade: [I, II, III]}, levels: {side: [right, left]}}"
    )
    assert cohort.clinical["grade"].tolist() == [2.0, 1.0, 3.0]
    assert list(cohort.clinical["side"].cat.categories) == ["right", "left"]
    assert cohort.display("grade").tolist() == ["II", "I", "III"]
    assert cohort.display("grade").cat.ordered


def test_quoted_newlines_keep_the_row_numbers_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text('id,note,age\na,"two\nlines",50\nb,x,old\nc,x,60\nd,x,61\n')
    with pytest.raises(RadiogenError) as caught:
        _cohort(tmp_path, "  t: {path: t.csv, id: id, predictors: [age]}")
    assert (caught.value.code, caught.value.problems[0].row) == ("RG211", 4)


def test_wrong_encoding_names_the_row_and_the_byte(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes("id,name\na,x\nb,Müller\n".encode("latin-1"))
    with pytest.raises(RadiogenError) as caught:
        _cohort(tmp_path, "  t: {path: t.csv, id: id}")
    assert (caught.value.code, caught.value.problems[0].row) == ("RG202", 3)
    assert "0xfc" in str(caught.value)


def test_yaml_no_is_text(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("id,chemo\na,NO\nb,YES\n")
    cohort = _cohort(
        tmp_path, "  t: {path: t.csv, id: id}", "endpoints: {c: {kind: binary, column: chemo, positive: [YES], negative: [NO]}}"
    )
    assert cohort.endpoints["c"].data["value"].tolist() == ["negative", "positive"]


STUDY_HEADER = "#Patient Identifier\tAge\n#Patient Identifier\tAge\n#STRING\tNUMBER\n#1\t1\n"


def _study(folder: Path) -> None:
    (folder / "data_clinical_patient.txt").write_text(
        f"{STUDY_HEADER}PATIENT_ID\tAGE\tOS_MONTHS\tOS_STATUS\nA\t50\t10\t0:LIVING\nB\t60\t20\t1:DECEASED\nC\t70\t5\t1:DECEASED\n"
    )
    (folder / "data_clinical_sample.txt").write_text(
        f"{STUDY_HEADER}SAMPLE_ID\tPATIENT_ID\tGRADE\nA-1\tA\t2\nB-1\tB\t3\nC-1\tC\t1\n"
    )
    (folder / "data_mutations.txt").write_text(
        "#version 2.4\nHugo_Symbol\tTumor_Sample_Barcode\tVariant_Classification\tHGVSp_Short\n"
        "TP53\tB-1\tMissense_Mutation\tp.R175H\nTP53\tA-1\tSilent\tp.V31V\n"
    )
    (folder / "case_lists").mkdir()
    (folder / "case_lists" / "cases_sequenced.txt").write_text("stable_id: x\ncase_list_ids: A-1\tB-1\n")


def test_a_cbioportal_study_folder(tmp_path: Path) -> None:
    _study(tmp_path)
    cohort = _cohort(
        tmp_path, "  clinical: {path: ., format: cbioportal, id: PATIENT_ID, predictors: [AGE, GRADE]}",
        "mutations: {path: ., format: cbioportal, genes: [TP53]}\n"
        "endpoints: {os: {kind: survival, time: OS_MONTHS, unit: months, event: OS_STATUS, "
        'event_values: ["1:DECEASED"], censor_values: ["0:LIVING"]}}',
    )  # fmt: skip
    assert cohort.clinical["GRADE"].tolist() == [2.0, 3.0, 1.0]
    assert cohort.mutations["TP53"].tolist() == ["wild type", "mutated", "not tested"]
    assert cohort.survival("os")["event"].tolist() == [0, 1, 1]


def test_several_samples_of_a_patient_are_refused_unless_declared(tmp_path: Path) -> None:
    _study(tmp_path)
    with (tmp_path / "data_clinical_sample.txt").open("a") as file:
        file.write("A-2\tA\t3\n")
    with pytest.raises(RadiogenError) as caught:
        _cohort(tmp_path, "  clinical: {path: ., format: cbioportal, id: PATIENT_ID}")
    assert caught.value.code == "RG204"
    cohort = _cohort(tmp_path, "  clinical: {path: ., format: cbioportal, id: PATIENT_ID, repeat: last}")
    assert cohort.clinical["GRADE"].tolist()[0] == 3.0


REDCAP = """\
record_id,redcap_event_name,redcap_repeat_instrument,redcap_repeat_instance,age,ki67
1,baseline_arm_1,,,50,
1,baseline_arm_1,pathology,1,,10
1,baseline_arm_1,pathology,2,,30
1,followup_arm_1,,,51,
2,baseline_arm_1,,,60,
2,baseline_arm_1,pathology,1,,20
"""


@pytest.mark.parametrize(("repeat", "expected"), [("first", [10.0, 20.0]), ("last", [30.0, 20.0]), ("1", [10.0, 20.0])])
def test_redcap_events_and_instances(repeat: str, expected: list[float], tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text(REDCAP)
    cohort = _cohort(tmp_path, f"  r: {{path: r.csv, format: redcap, id: record_id, event: baseline_arm_1, repeat: {repeat}, predictors: [age]}}")
    assert cohort.clinical["age"].tolist() == [50.0, 60.0]
    assert cohort.clinical["ki67"].astype(float).tolist() == expected


@pytest.mark.parametrize("options", ["", "event: baseline_arm_1"])
def test_redcap_refuses_what_is_not_declared(options: str, tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text(REDCAP)
    with pytest.raises(RadiogenError) as caught:
        _cohort(tmp_path, f"  r: {{path: r.csv, format: redcap, id: record_id, {options}}}".replace(", }", "}"))
    assert caught.value.code == "RG216"


def test_paths_may_leave_the_folder_only_where_allowed(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    (tmp_path / "t.csv").write_text("id\na\n")
    with pytest.raises(RadiogenError) as caught:
        _cohort(inner, "  t: {path: ../t.csv, id: id}")
    assert caught.value.code == "RG106"
    assert len(rg.load_cohort(inner, allow_outside=True)) == 1


def test_a_link_out_of_the_folder_is_outside(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    (tmp_path / "t.csv").write_text("id\na\n")
    (inner / "t.csv").symlink_to(tmp_path / "t.csv")
    with pytest.raises(RadiogenError) as caught:
        _cohort(inner, "  t: {path: t.csv, id: id}")
    assert caught.value.code == "RG106"


def test_canonical_values() -> None:
    assert canonical(1) == canonical("1.0") == canonical(" 01 ") == "1"
    assert canonical("NO") == "NO"
    assert canonical(True) == canonical("TRUE") == "true"
    assert [looks_missing(v) for v in ("NA", "not available", "n/a", "999", "0", "no")] == [True, True, True, False, False, False]
