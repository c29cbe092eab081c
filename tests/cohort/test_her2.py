"""HER2 by ASCO/CAP 2018: every group, every boundary, every IHC score."""

from __future__ import annotations

import itertools
from typing import Any

import pandas as pd
import pytest

from radiogen.cohort.config import Her2Marker
from radiogen.cohort.her2 import ish_group, parse_her2
from radiogen.errors import Findings, Problem

NAMES = {"ihc": "IHC", "ish": "FISH", "ish_ratio": "RATIO", "ish_copies": "COPIES", "column": "HER2"}
POS, NEG = "positive", "negative"


def read(cells: dict[str, list[Any]], **options: Any) -> tuple[pd.DataFrame, list[Problem]]:
    findings = Findings()
    n = len(next(iter(cells.values())))
    index = [f"p{i}" for i in range(n)]
    columns = {key: pd.Series(texts, index=index, dtype=object) for key, texts in cells.items()}
    section = Her2Marker(**{key: NAMES[key] for key in cells}, **options)
    frame = parse_her2(columns, section, file="c.csv", rows=pd.Series(range(2, n + 2), index=index), findings=findings)
    assert list(frame.index) == index
    return frame, list(findings)


def one(**cells: str | None) -> tuple[Any, list[str]]:
    frame, problems = read({key: [text] for key, text in cells.items()})
    status = frame["her2"].iloc[0]
    return (None if pd.isna(status) else status), [p.code for p in problems]


# Worked out by hand from the issue: rows are the ISH groups, columns IHC 0, 1+, 2+, 3+, missing.
TABLE = {
    1: (NEG, NEG, POS, POS, POS),
    2: (NEG, NEG, NEG, POS, None),
    3: (NEG, NEG, POS, POS, None),
    4: (NEG, NEG, NEG, POS, None),
    5: (NEG, NEG, NEG, POS, NEG),
    None: (NEG, NEG, None, POS, None),
}
IHC = ("0", "1+", "2+", "3+", None)
GROUPS = {
    ("1.99", "3.99"): 5, ("1.99", "4.0"): 4, ("1.99", "5.99"): 4, ("1.99", "6.0"): 3,
    ("2.0", "3.99"): 2, ("2.0", "4.0"): 1, ("2.0", "5.99"): 1, ("2.0", "6.0"): 1,
}
#: IHC and ISH in opposite directions
DISCORDANT = {("0", 1), ("1+", 1), ("3+", 5)}


@pytest.mark.parametrize(("numbers", "group"), list(GROUPS.items()))
def test_groups_at_their_boundaries(numbers: tuple[str, str], group: int) -> None:
    assert ish_group(float(numbers[0]), float(numbers[1])) == group


@pytest.mark.parametrize(("numbers", "ihc"), list(itertools.product(GROUPS, IHC)))
def test_every_boundary_with_every_score(numbers: tuple[str, str], ihc: str | None) -> None:
    group = GROUPS[numbers]
    status, codes = one(ihc=ihc, ish_ratio=numbers[0], ish_copies=numbers[1])
    assert status == TABLE[group][IHC.index(ihc)]
    assert codes == (["RG305"] if (ihc, group) in DISCORDANT else [])


@pytest.mark.parametrize("ihc", IHC)
def test_without_ish(ihc: str | None) -> None:
    status, codes = one(ihc=ihc, ish_ratio=None, ish_copies=None)
    assert status == TABLE[None][IHC.index(ihc)]
    assert codes == (["RG304"] if ihc == "2+" else [])


@pytest.mark.parametrize(("ihc", "text"), list(itertools.product(IHC, ("amplified", "Not amplified"))))
def test_ish_as_text(ihc: str | None, text: str) -> None:
    # as group 1 and group 5
    group = 1 if text == "amplified" else 5
    status, codes = one(ihc=ihc, ish=text)
    assert status == TABLE[group][IHC.index(ihc)]
    assert codes == (["RG305"] if (ihc, group) in DISCORDANT else [])


def test_group_without_ihc_column() -> None:
    frame, problems = read({"ish_ratio": ["2.5", "1.2", "2.5", "1.5"], "ish_copies": ["6", "2", "3", "7"]})
    assert [None if pd.isna(v) else v for v in frame["her2"]] == [POS, NEG, None, None]
    assert problems == []


@pytest.mark.parametrize(
    ("ihc", "ratio", "copies", "expected"),
    [
        # ratio alone: groups 1 or 2 (3, 4 or 5), which differ for 2+ and for missing IHC
        ("2+", "3", None, None), ("2+", "1", None, None), (None, "3", None, None), ("1+", "3", None, NEG), ("3+", "1", None, POS),
        # copies alone: 6 and more is group 1 or 3, below 4 group 2 or 5, between 1 or 4
        ("2+", None, "6", POS), ("2+", None, "5.99", None), ("2+", None, "4", None), ("2+", None, "3.99", NEG),
        (None, None, "6", None), (None, None, "3", None), ("0", None, "9", NEG), ("3+", None, "2", POS),
    ],
)
def test_one_number_of_two(ihc: str | None, ratio: str | None, copies: str | None, expected: str | None) -> None:
    status, codes = one(ihc=ihc, ish_ratio=ratio, ish_copies=copies)
    assert status == expected
    assert codes == (["RG304"] if ihc == "2+" and expected is None else [])


def test_rule_names_the_groups_still_possible() -> None:
    frame, _ = read({"ihc": ["2+", "2+"], "ish_ratio": ["1", None], "ish_copies": [None, "4"]})
    assert frame["her2_rule"].tolist() == [
        "IHC 2+, ISH group 3 or 4 or 5: not decided, ASCO/CAP 2018", "IHC 2+, ISH group 1 or 4: not decided, ASCO/CAP 2018"]


def test_text_where_the_numbers_do_not_decide() -> None:
    assert one(ihc="2+", ish="amplified", ish_ratio="3", ish_copies=None) == (POS, [])
    assert one(ihc="2+", ish="not amplified", ish_ratio="1.1", ish_copies=None) == (NEG, [])
    # group 4 is negative with 2+, whatever the text says
    assert one(ihc="2+", ish="amplified", ish_ratio="1.5", ish_copies="5") == (NEG, [])


def test_text_against_numbers() -> None:
    assert one(ihc="2+", ish="not amplified", ish_ratio="3", ish_copies="9") == (None, ["RG305", "RG304"])
    assert one(ihc="3+", ish="amplified", ish_ratio="1", ish_copies="2") == (POS, ["RG305"])
    assert one(ihc=None, ish="amplified", ish_ratio="1", ish_copies="2") == (None, ["RG305"])


@pytest.mark.parametrize(
    ("text", "score"),
    [("0", "0"), ("1", "1+"), ("2", "2+"), ("3", "3+"), ("0+", "0"), ("1+", "1+"), ("2+", "2+"), ("3 +", "3+"), ("+", "1+"),
     ("++", "2+"), ("+++", "3+"), ("score 2+", "2+"), ("Score 3", "3+"), ("(2+)", "2+"), ("IHC 2+", "2+"), ("HER2: 1+", "1+"),
     ("HER-2 3+", "3+"), ("2.0", "2+")],
)
def test_forms_of_the_score(text: str, score: str) -> None:
    frame, problems = read({"ihc": [text]})
    assert frame["her2_ihc"].tolist() == [score]
    assert [p.code for p in problems if p.code != "RG304"] == []


@pytest.mark.parametrize(
    ("text", "code"),
    [("4+", "RG303"), ("4", "RG303"), ("2.5", "RG302"), ("1-2", "RG302"), ("equivocal", "RG302"), ("-", "RG302"),
     ("++++", "RG302"), ("negative", "RG302"), ("her2", "RG302"), ("-1", "RG302")],
)
def test_scores_refused(text: str, code: str) -> None:
    # an ISH result does not stand in for a score that could not be read
    frame, problems = read({"ihc": ["0", text], "ish": [None, "amplified"]})
    assert [(p.code, p.row, p.value, p.column) for p in problems] == [(code, 3, text, "IHC")]
    assert frame["her2"].tolist()[0] == NEG and pd.isna(frame["her2"].iloc[1])
    if text == "negative":
        assert "column:" in problems[0].fix


def test_numbers_refused() -> None:
    frame, problems = read({"ihc": ["3+"] * 4, "ish_ratio": ["2,1", "high", "-1", "2.1"], "ish_copies": [None, None, None, "6"]})
    assert [(p.code, p.row, p.column) for p in problems] == [("RG217", 2, "RATIO"), ("RG302", 3, "RATIO"), ("RG303", 4, "RATIO")]
    assert [None if pd.isna(v) else v for v in frame["her2"]] == [None, None, None, POS]


def test_equivocal_patients_are_counted_once() -> None:
    frame, problems = read({"ihc": ["2+", "2+", "3+", "2+", "2+"], "ish_ratio": [None, None, None, "3", "3"],
                            "ish_copies": [None, None, None, "6", None]})
    assert [None if pd.isna(v) else v for v in frame["her2"]] == [None, None, POS, POS, None]
    assert [(p.code, p.severity) for p in problems] == [("RG304", "note")]
    assert problems[0].message.startswith("3 patients") and "; 1 of them" in problems[0].message


def test_echo() -> None:
    frame, _ = read({"ihc": ["2+", "3+", "2+", None], "ish": ["amplified", None, None, None],
                     "ish_ratio": [None, None, "1.5", None], "ish_copies": [None, None, "4.5", None]})
    assert frame["her2_rule"].tolist()[:3] == [
        "IHC 2+, ISH amplified, ASCO/CAP 2018", "IHC 3+, ASCO/CAP 2018", "IHC 2+, ISH group 4, ASCO/CAP 2018"]
    assert frame["her2_source"].tolist()[:3] == ["IHC: 2+; FISH: amplified", "IHC: 3+", "IHC: 2+; RATIO: 1.5; COPIES: 4.5"]
    assert frame[["her2", "her2_rule", "her2_source"]].iloc[3].isna().all()
    assert frame["her2_ish"].iloc[0] == "amplified" and frame["her2_ish"].iloc[1:].isna().all()
    assert frame["her2_ratio"].iloc[2] == 1.5 and frame["her2_copies"].iloc[2] == 4.5
    assert list(frame.columns) == ["her2", "her2_ihc", "her2_ish", "her2_ratio", "her2_copies", "her2_rule", "her2_source"]
    frame, _ = read({"ihc": ["0", "0"], "ish_ratio": ["2", "1"], "ish_copies": ["4", "2"]})
    assert frame["her2_ish"].tolist() == ["amplified", "not amplified"]


def test_finished_status() -> None:
    frame, problems = read({"column": ["Positive", "neg", None]})
    assert problems == [] and [None if pd.isna(v) else v for v in frame["her2"]] == [POS, NEG, None]
    assert frame["her2_source"].tolist()[:2] == ["Positive", "neg"]
    frame, problems = read({"column": ["GAIN", "NEUTRAL", "LOSS", "UNDEF"]}, positive=["GAIN"], negative=["NEUTRAL", "LOSS"])
    assert [None if pd.isna(v) else v for v in frame["her2"]] == [POS, NEG, NEG, None]
    assert [(p.code, p.value) for p in problems] == [("RG302", "UNDEF")]


def test_ish_with_declared_values() -> None:
    frame, problems = read({"ihc": ["2+", "2+", "2+"], "ish": ["1", "0.0", "2"]}, positive=[1], negative=[0])
    assert [None if pd.isna(v) else v for v in frame["her2"]] == [POS, NEG, None]
    assert [(p.code, p.row) for p in problems] == [("RG302", 4)]
