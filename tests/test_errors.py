"""Problems, findings and the exception that carries them."""

from __future__ import annotations

import pickle

import pytest

from radiogen.catalogue import CATALOGUE
from radiogen.errors import Findings, RadiogenError, fail, problem


def test_a_problem_says_what_where_and_how_to_mend_it() -> None:
    shown = problem("RG204", "the patient 'x' stands twice", file="a.csv", row=3, column="id", value="x").render().splitlines()
    assert shown[0] == "RG204 error: the patient 'x' stands twice"
    assert shown[1].strip() == "where: a.csv, row 3, column 'id', value 'x'"
    assert shown[2].strip().startswith("fix:")


def test_many_of_one_kind_end_in_a_count() -> None:
    findings = Findings()
    for row in range(2, 10):
        findings.add("RG402", f"time of row {row}", file="a.csv", row=row, column="time")
    findings.add("RG304", "a note")
    shown = findings.shown()
    assert len(shown) == Findings.SHOWN_PER_PLACE + 1
    assert shown[4].message == "time of row 6 (and 3 more like this)"
    assert [p.severity for p in shown] == ["error"] * 5 + ["note"]
    assert (len(findings), len(findings.errors)) == (9, 8)


def test_errors_raise_and_notes_do_not() -> None:
    findings = Findings()
    findings.add("RG304", "a note")
    findings.raise_if_errors()
    findings.add("RG402", "an error", row=2)
    with pytest.raises(RadiogenError) as caught:
        findings.raise_if_errors()
    assert caught.value.codes == ("RG402",)


def test_yaml_lines_are_found_for_keys() -> None:
    findings = Findings()
    findings.add("RG203", "no column", column="analyses.1.target")
    findings.add("RG402", "a row", file="a.csv", row=2, column="time")
    findings.place("cohort.yaml", {("analyses", 1): 12, ("time",): 3})
    placed = {p.code: p for p in findings}
    assert (placed["RG203"].file, placed["RG203"].line) == ("cohort.yaml", 12)
    assert placed["RG402"].line is None


def test_an_error_survives_another_process() -> None:
    error = fail("RG705", "wrong length", value=3)
    assert pickle.loads(pickle.dumps(error)).problems == error.problems  # noqa: S301


def test_every_code_has_its_hundred_a_title_a_meaning_and_a_fix() -> None:
    for code, entry in CATALOGUE.items():
        assert code[:2] == "RG" and code[2] in "123456789" and len(code) == 5
        assert entry.title and entry.meaning.endswith(".") and entry.fix
