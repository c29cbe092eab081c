"""Subtypes: every boundary, and every combination against an independent brute force."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd
import pytest

from radiogen.cohort.config import MarkerSection, PercentMarker, SubtypeSection
from radiogen.cohort.subtype import SUBTYPES, derive_subtype, describe_rule, marker_cuts
from radiogen.errors import RadiogenError

A, B_NEG, B_POS = "Luminal A-like", "Luminal B-like HER2-", "Luminal B-like HER2+"
HER2, TN, NONE = "HER2-positive non-luminal", "Triple negative", "Unclassified"


def section(rule: str = "st_gallen_2013", **options: Any) -> SubtypeSection:
    return SubtypeSection(rule=rule, **options)


def frame(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame({name: [value] for name, value in columns.items()})


def one(rule: SubtypeSection, cuts: dict[str, float] | None = None, **columns: Any) -> str | None:
    found = derive_subtype(frame(**columns), rule, cuts=cuts).iloc[0]
    return None if pd.isna(found) else found


def known(er: float, pr: float, her2: str, ki67: float) -> dict[str, Any]:
    """Markers as the percent parser gives them."""
    return {
        "er": "positive" if er >= 1 else "negative", "pr": "positive" if pr >= 1 else "negative", "her2": her2,
        "ki67": "high" if ki67 >= 20 else "low", "er_percent": er, "pr_percent": pr, "ki67_percent": ki67,
    }


@pytest.mark.parametrize(
    ("er", "pr", "her2", "ki67", "expected"),
    [
        (90, 90, "negative", 19, A), (90, 90, "negative", 19.9, A), (90, 90, "negative", 20, B_NEG),
        (90, 20, "negative", 5, A), (90, 19, "negative", 5, B_NEG), (90, 19.9, "negative", 5, B_NEG),
        (90, 0, "negative", 5, B_NEG), (1, 20, "negative", 19, A), (0.99, 0.99, "negative", 5, TN),
        (0.99, 1, "negative", 5, NONE), (0.99, 1, "positive", 5, NONE), (1, 0, "negative", 5, B_NEG),
        (90, 90, "positive", 5, B_POS), (1, 0, "positive", 90, B_POS), (0, 0, "positive", 90, HER2), (0, 0, "negative", 90, TN),
    ],
)
def test_st_gallen_boundaries(er: float, pr: float, her2: str, ki67: float, expected: str) -> None:
    assert one(section(), **known(er, pr, her2, ki67)) == expected
    # the status of ER may be missing where its percentage is known
    assert one(section(), **{**known(er, pr, her2, ki67), "er": np.nan, "pr": np.nan}) == expected


@pytest.mark.parametrize(("ki67", "expected"), [(13, A), (13.9, A), (14, B_NEG), (19, B_NEG), (20, B_NEG)])
def test_ki67_14(ki67: float, expected: str) -> None:
    assert one(section("ki67_14"), **known(90, 90, "negative", ki67)) == expected
    assert one(section("ki67_14"), **known(90, 10, "negative", ki67)) == B_NEG


def test_ki67_14_takes_a_declared_cut() -> None:
    assert one(section("ki67_14", ki67_high=15), **known(90, 90, "negative", 14)) == A


@pytest.mark.parametrize(
    ("ki67", "pr", "expected"),
    [(13, 0, A), (13.9, 19, A), (14, 19, B_NEG), (14, 20, A), (19, 20, A), (19.9, 20, A), (19.9, 19.9, B_NEG), (20, 90, B_NEG)],
)
def test_maisonneuve(ki67: float, pr: float, expected: str) -> None:
    assert one(section("maisonneuve"), **known(90, pr, "negative", ki67)) == expected


def test_pr_alone() -> None:
    luminal = section(pr_alone="luminal")
    assert one(luminal, **known(0, 30, "negative", 5)) == A
    assert one(luminal, **known(0, 10, "negative", 5)) == B_NEG
    assert one(luminal, **known(0, 30, "positive", 5)) == B_POS
    assert one(luminal, **known(0, 0, "positive", 5)) == HER2


def test_declared_cuts() -> None:
    assert one(section(ki67_high=30, pr_high=10), **known(90, 10, "negative", 29)) == A
    assert one(section(ki67_high=30, pr_high=10), **known(90, 9, "negative", 29)) == B_NEG


def test_missing_markers_that_the_others_decide() -> None:
    nan = np.nan
    assert one(section(), er="positive", pr=nan, her2="negative", ki67_percent=30.0) == B_NEG
    assert one(section(), er="positive", her2="positive") == B_POS
    assert one(section(), er="positive", pr="negative", her2="negative") == B_NEG
    assert one(section(), er="negative", pr="negative", her2="negative") == TN
    assert one(section(), er="negative", pr="positive") == NONE
    assert one(section(pr_alone="luminal"), pr="positive", her2="positive") == B_POS
    assert one(section("maisonneuve"), er="positive", her2="negative", ki67_percent=10.0) == A


def test_missing_markers_that_leave_it_open() -> None:
    assert one(section(), er="positive", pr="positive", her2="negative", ki67_percent=10.0) is None
    assert one(section(), er="positive", pr_percent=50.0, her2="negative") is None
    assert one(section(), er="positive", pr_percent=50.0, ki67_percent=10.0) is None
    assert one(section(), er="negative", pr="negative") is None
    assert one(section(), pr="negative", her2="negative", ki67_percent=10.0) is None
    assert one(section("maisonneuve"), er="positive", pr="positive", her2="negative", ki67_percent=15.0) is None
    assert derive_subtype(pd.DataFrame(index=["a", "b"]), section()).isna().all()


@pytest.mark.parametrize(
    ("status", "cut", "expected"),
    [("low", 20, A), ("high", 20, B_NEG), ("low", 14, A), ("high", 14, None), ("low", 30, None), ("high", 30, B_NEG),
     ("low", np.nan, None), ("high", np.nan, None)],
)
def test_ki67_known_as_a_status_alone(status: str, cut: float, expected: str | None) -> None:
    markers = {"er": "positive", "pr_percent": 50.0, "pr": "positive", "her2": "negative", "ki67": status}
    assert one(section(), {"ki67": cut}, **markers) == expected
    assert one(section(), None, **markers) is None


def test_ki67_limit_taken_as_its_own_limit_keeps_its_status() -> None:
    # '<20' with `below: limit` is 20 with status low
    markers = {"er": "positive", "pr": "positive", "pr_percent": 50.0, "her2": "negative", "ki67": "low", "ki67_percent": 20.0}
    assert one(section(), {"ki67": 20.0}, **markers) == A


@pytest.mark.parametrize(
    ("status", "cut", "expected"),
    [("negative", np.nan, B_NEG), ("negative", 1, B_NEG), ("negative", 20, B_NEG), ("negative", 30, None),
     ("positive", 1, None), ("positive", np.nan, None), ("positive", 20, A), ("positive", 19, None)],
)
def test_pr_known_as_a_status_alone(status: str, cut: float, expected: str | None) -> None:
    markers = {"er": "positive", "pr": status, "her2": "negative", "ki67_percent": 10.0}
    assert one(section(), {"pr": cut}, **markers) == expected


def brute_force(rule: str, er: float, pr: float, her2: bool, ki67: float, luminal: bool) -> str:
    """The issue's sentences, one after the other, for markers that are all known."""
    er_pos, pr_pos = er >= 1, pr >= 1
    if not er_pos and pr_pos and not luminal:
        return NONE
    if er_pos or pr_pos:
        if her2:
            return B_POS
        if rule == "maisonneuve":
            return A if ki67 < 14 or (14 <= ki67 < 20 and pr >= 20) else B_NEG
        cut = 14 if rule == "ki67_14" else 20
        if ki67 < cut and pr >= 20:
            return A
        assert ki67 >= cut or pr < 20
        return B_NEG
    return HER2 if her2 else TN


@pytest.mark.parametrize("rule", ["st_gallen_2013", "ki67_14", "maisonneuve"])
@pytest.mark.parametrize("alone", ["unclassified", "luminal"])
def test_every_combination_against_brute_force(rule: str, alone: str) -> None:
    receptor = (0.0, 0.99, 1.0, 19.0, 19.9, 20.0, 100.0)
    growth = (0.0, 13.0, 13.9, 14.0, 19.0, 19.9, 20.0, 100.0)
    cases = list(itertools.product((*receptor, None), (*receptor, None), (False, True, None), (*growth, None)))
    markers = pd.DataFrame(
        [{"er_percent": e, "pr_percent": p, "her2": None if h is None else ("negative", "positive")[h], "ki67_percent": k}
         for e, p, h, k in cases]
    ).astype({"er_percent": float, "pr_percent": float, "ki67_percent": float})
    found = derive_subtype(markers, section(rule, pr_alone=alone))
    expected = []
    for e, p, h, k in cases:
        completions = itertools.product(
            receptor if e is None else (e,), receptor if p is None else (p,), (False, True) if h is None else (h,),
            growth if k is None else (k,),
        )
        answers = {brute_force(rule, *c, alone == "luminal") for c in completions}
        expected.append(answers.pop() if len(answers) == 1 else None)
    assert [None if pd.isna(f) else f for f in found] == expected
    assert len(cases) == 1728 and 0 < sum(x is None for x in expected) < len(cases)
    assert set(SUBTYPES) >= set(found.dropna())


def test_index_and_name_are_kept() -> None:
    markers = frame(er="positive", her2="positive").set_axis(["p7"])
    found = derive_subtype(markers, section())
    assert found.index.tolist() == ["p7"] and found.name == "subtype"


def test_cuts_of_a_section() -> None:
    markers = MarkerSection(er=PercentMarker(column="a", unit="percent"), ki67=PercentMarker(column="b", unit="status"))
    cuts = marker_cuts(markers)
    assert cuts["er"] == 1 and np.isnan(cuts["ki67"]) and set(cuts) == {"er", "ki67"}


def test_wrong_use() -> None:
    with pytest.raises(RadiogenError) as raised:
        derive_subtype(frame(er="positive"), SubtypeSection(column="PAM50"))
    assert raised.value.code == "RG105"
    with pytest.raises(RadiogenError) as raised:
        derive_subtype(frame(er="Positive"), section())
    assert raised.value.code == "RG705"


def test_description_names_the_cuts_in_force() -> None:
    text = describe_rule(section())
    assert "Ki-67 < 20 % and PR ≥ 20 %" in text and "ER- PR+ is unclassified" in text and text.startswith("Subtype by St Gallen")
    assert all(s in text for s in SUBTYPES[:5])
    assert "Ki-67 < 14 % and PR ≥ 20 %" in describe_rule(section("ki67_14"))
    assert "Ki-67 ≥ 14 % and < 20 % with PR ≥ 20 %" in describe_rule(section("maisonneuve"))
    assert "ER+ or PR+ HER2+" in describe_rule(section(pr_alone="luminal"))
