"""ER, PR and Ki-67: every form, every unit, every boundary."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from radiogen.cohort.config import PercentMarker
from radiogen.cohort.markers import marker_cut, parse_percent_marker
from radiogen.errors import Findings, Problem


def read(name: str, cells: list[Any], **options: Any) -> tuple[pd.DataFrame, list[Problem]]:
    """Parse cells that stand in rows 2, 3, … of a file; ids are not positions on purpose."""
    findings = Findings()
    index = [f"p{i}" for i in range(len(cells))]
    section = PercentMarker(column="COL", **options)
    frame = parse_percent_marker(name, pd.Series(cells, index=index, dtype=object), section, file="c.csv",
                                 rows=pd.Series(range(2, len(cells) + 2), index=index), findings=findings)
    assert list(frame.index) == index
    return frame, list(findings)


def values(frame: pd.DataFrame, column: str) -> list[Any]:
    return [None if pd.isna(v) else v for v in frame[column]]


def codes(problems: list[Problem]) -> list[str]:
    return [p.code for p in problems]


P, N = "positive", "negative"


def test_forms_of_a_percentage() -> None:
    cells = ["20%", "20 %", "20", "20.0", " 7.5 %", "100", "0", None, "80％"]
    frame, problems = read("er", cells, unit="percent")
    assert problems == []
    assert values(frame, "er_percent") == [20, 20, 20, 20, 7.5, 100, 0, None, 80]
    assert values(frame, "er") == [P, P, P, P, P, P, N, None, P]
    assert values(frame, "er_source")[:2] == ["20%", "20 %"]
    assert list(frame.columns) == ["er", "er_percent", "er_source"]


@pytest.mark.parametrize(("name", "cut", "yes", "no"), [("er", 1, P, N), ("pr", 1, P, N), ("ki67", 20, "high", "low")])
def test_default_cuts_are_inclusive(name: str, cut: float, yes: str, no: str) -> None:
    cells = [f"{cut - 0.01:.2f}%", f"{cut}%", f"{cut + 0.01:.2f}%"]
    frame, problems = read(name, cells, unit="percent")
    assert problems == []
    assert values(frame, name) == [no, yes, yes]


def test_declared_cut() -> None:
    frame, _ = read("er", ["9.9", "10", "50"], unit="percent", cut=10)
    assert values(frame, "er") == [N, P, P]
    frame, _ = read("ki67", ["13", "14", "50"], unit="percent", cut=14)
    assert values(frame, "ki67") == ["low", "high", "high"]


def test_fractions_are_exact_at_the_cut() -> None:
    # 0.29 * 100 is 28.999999999999996 in binary floating point
    frame, problems = read("ki67", ["0.29", "0.28", "1", "0", None], unit="fraction", cut=29)
    assert problems == []
    assert values(frame, "ki67_percent") == [29, 28, 100, 0, None]
    assert values(frame, "ki67") == ["high", "low", "high", "low", None]


def test_unit_not_declared() -> None:
    frame, problems = read("ki67", ["20", None])
    assert codes(problems) == ["RG306"]
    assert "markers.ki67" in problems[0].fix
    assert values(frame, "ki67") == [None, None]
    assert values(frame, "ki67_source") == ["20", None]


@pytest.mark.parametrize(
    ("cells", "fraction", "percent"),
    [(["15", "20%", "0.2"], 2, 1), (["0.2", "20", "80"], 0, 1), (["0.1-0.2", "40"], 0, 1), (["0.2", ">90"], 0, 1),
     (["0.2", "0.5%"], 0, 1)],
)
@pytest.mark.parametrize("name", ["er", "pr", "ki67"])
def test_two_units_in_a_percent_column(name: str, cells: list[str], fraction: int, percent: int) -> None:
    frame, problems = read(name, cells, unit="percent", ranges="midpoint")
    assert codes(problems) == ["RG301"]
    assert problems[0].row == fraction + 2 and problems[0].value == cells[fraction]
    assert f"'{cells[percent]}' in row {percent + 2}" in problems[0].message
    assert frame[name].isna().all() and frame[f"{name}_percent"].isna().all()


def test_one_percent_is_no_fraction() -> None:
    frame, problems = read("er", ["1", "20", "0"], unit="percent")
    assert problems == [] and values(frame, "er") == [P, P, N]


def test_confirm_says_that_small_percentages_are_real() -> None:
    frame, problems = read("ki67", ["0.5", "20", "80%"], unit="percent", confirm=True)
    assert problems == []
    assert values(frame, "ki67_percent") == [0.5, 20, 80]


def test_two_units_in_a_fraction_column() -> None:
    assert codes(read("er", ["0.2", "20%"], unit="fraction")[1]) == ["RG301"]
    assert codes(read("er", ["0.2", "20", "0.9"], unit="fraction")[1]) == ["RG301"]
    problems = read("er", ["20", "30"], unit="fraction")[1]
    assert codes(problems) == ["RG303", "RG303"] and "unit: percent" in problems[0].fix
    problems = read("er", ["20%", "0", "30%"], unit="fraction")[1]
    assert codes(problems) == ["RG302"] and "unit: percent" in problems[0].fix


def test_fractions_declared_as_percent() -> None:
    problems = read("ki67", ["0.2", "0.8", None, "1"], unit="percent")[1]
    assert codes(problems) == ["RG307"] and "unit: fraction" in problems[0].fix
    problems = read("er", ["0", "1", "1"], unit="percent")[1]
    assert codes(problems) == ["RG307"] and "unit: status" in problems[0].fix and problems[0].row == 3
    assert read("er", ["0.2", "0.8"], unit="percent", confirm=True)[1] == []
    # with a percent sign, or where all are zero, there is no doubt
    assert read("er", ["0.2%", "0.8%"], unit="percent")[1] == []
    assert read("er", ["0", "0"], unit="percent")[1] == []


@pytest.mark.parametrize("cell", ["-5", "-0.5%", "101", "120%", "−5", "90-110", "<120", ">101"])
def test_out_of_range(cell: str) -> None:
    frame, problems = read("er", ["50", cell], unit="percent", ranges="midpoint", below="half")
    assert codes(problems) == ["RG303"]
    assert (problems[0].row, problems[0].value, problems[0].column) == (3, cell, "COL")
    assert values(frame, "er") == [P, None]


@pytest.mark.parametrize("cell", ["positive", "20%+", "ca. 20", "2 0", "20-10", "10--20", "-", "20²", "nan", "1e", "20/100", "<"])
def test_not_understood(cell: str) -> None:
    frame, problems = read("ki67", ["50", cell], unit="percent", ranges="midpoint", below="half")
    assert codes(problems) == ["RG302"] and problems[0].value == cell and problems[0].row == 3
    assert values(frame, "ki67_percent") == [50, None]


def test_decimal_comma() -> None:
    frame, problems = read("ki67", ["12,5", "12,5 %", "50"], unit="percent")
    assert codes(problems) == ["RG217", "RG217"]
    assert values(frame, "ki67_percent") == [None, None, 50]


@pytest.mark.parametrize(("option", "percent"), [("midpoint", 15), ("lower", 10), ("upper", 20)])
@pytest.mark.parametrize("cell", ["10-20", "10–20", "10 - 20 %", "10%-20%", "10 to 20", "10~20"])
def test_ranges(cell: str, option: str, percent: float) -> None:
    frame, problems = read("ki67", [cell, "40"], unit="percent", ranges=option)
    assert problems == []
    assert values(frame, "ki67_percent") == [percent, 40]
    # 10 to 20 straddles the cut of 20, so that the declared number decides
    assert values(frame, "ki67") == ["high" if percent >= 20 else "low", "high"]


@pytest.mark.parametrize(("option", "percent"), [("half", 2.5), ("zero", 0), ("limit", 5)])
@pytest.mark.parametrize("cell", ["<5", "< 5 %", "<=5", "≤5", "＜5"])
def test_limits_from_above(cell: str, option: str, percent: float) -> None:
    frame, problems = read("ki67", [cell, "40"], unit="percent", below=option)
    assert problems == []
    assert values(frame, "ki67_percent") == [percent, 40]
    assert values(frame, "ki67") == ["low", "high"]


@pytest.mark.parametrize(("option", "percent"), [("midpoint", 95), ("lower", 90), ("upper", 100)])
@pytest.mark.parametrize("cell", [">90", "≥ 90", ">=90%"])
def test_limits_from_below_are_ranges_up_to_100(cell: str, option: str, percent: float) -> None:
    frame, problems = read("ki67", [cell], unit="percent", ranges=option)
    assert problems == []
    assert values(frame, "ki67_percent") == [percent] and values(frame, "ki67") == ["high"]


def test_status_comes_from_the_interval_before_the_number() -> None:
    # '<1' taken as 1 is still below the cut of 1; '<=1' may be 1, and is taken as it
    frame, problems = read("er", ["<1", "<=1", ">1", "40"], unit="percent", below="limit", ranges="lower")
    assert problems == []
    assert values(frame, "er_percent") == [1, 1, 1, 40]
    assert values(frame, "er") == [N, P, P, P]
    frame, _ = read("ki67", ["<20", "<=20", "≥20"], unit="percent", below="limit", ranges="lower")
    assert values(frame, "ki67") == ["low", "high", "high"]


def test_undeclared_intervals_of_er_and_pr_give_the_status_where_it_is_certain() -> None:
    for name in ("er", "pr"):
        frame, problems = read(name, ["<1", "≥ 20", "10-20", ">90", "50"], unit="percent")
        assert values(frame, name) == [N, P, P, P, P]
        assert values(frame, f"{name}_percent") == [None, None, None, None, 50]
        assert [(p.code, p.severity) for p in problems] == [("RG308", "note")]
        assert "4 cells" in problems[0].message
        # a range that starts at the cut is at or above it
        assert values(read(name, ["1-5"], unit="percent")[0], name) == [P]
        frame, problems = read(name, ["<10", "0-5", "50"], unit="percent")
        assert values(frame, name) == [None, None, P]
        assert codes(problems) == ["RG302", "RG302"]
        assert "below:" in problems[0].fix and "ranges:" in problems[1].fix


def test_undeclared_intervals_of_ki67_are_refused() -> None:
    frame, problems = read("ki67", ["<1", "10-20", "≥30", "50"], unit="percent")
    assert codes(problems) == ["RG302"] * 3
    assert "`below: half`" in problems[0].fix and "`ranges: midpoint`" in problems[1].fix
    assert values(frame, "ki67_percent") == [None, None, None, 50]


def test_fraction_intervals_are_scaled() -> None:
    frame, problems = read("ki67", ["0.1-0.2", "<0.05", ">0.9"], unit="fraction", ranges="midpoint", below="half")
    assert problems == []
    assert values(frame, "ki67_percent") == [15, 2.5, 95]


def test_allred() -> None:
    cells = ["0", "2", "3", "8", "7/8", "5.0", None]
    frame, problems = read("pr", cells, unit="allred")
    assert problems == []
    assert values(frame, "pr") == [N, N, P, P, P, P, None]
    assert frame["pr_percent"].isna().all()
    for cell in ("1", "9", "-1", "2.5"):
        assert codes(read("pr", [cell], unit="allred")[1]) == ["RG303"]
    for cell in ("20%", "positive"):
        assert codes(read("pr", [cell], unit="allred")[1]) == ["RG302"]
    assert codes(read("ki67", ["3"], unit="allred")[1]) == ["RG104"]
    assert codes(read("er", ["3"], unit="allred", cut=10)[1]) == ["RG104"]


def test_status_with_declared_values() -> None:
    frame, problems = read("er", ["Positve", "Negative", None], unit="status", positive=["Positve"], negative=["Negative"])
    assert problems == []
    assert values(frame, "er") == [P, N, None] and frame["er_percent"].isna().all()
    # numbers compare as numbers, other text exactly
    frame, problems = read("er", ["1", "1.0", "0", " 0"], unit="status", positive=[1], negative=["0"])
    assert problems == [] and values(frame, "er") == [P, P, N, N]
    frame, problems = read("er", ["positive", "POSITIVE"], unit="status", positive=["positive"])
    assert codes(problems) == ["RG302"] and problems[0].row == 3
    frame, problems = read("er", ["x"], unit="status", positive=["x", 1], negative=["1.0"])
    assert codes(problems) == ["RG104"]


def test_status_with_self_evident_words() -> None:
    frame, problems = read("er", ["Positive", "NEG", "pos", "negative", "+", "-"], unit="status")
    assert problems == []
    assert values(frame, "er") == [P, N, P, N, P, N]
    frame, problems = read("ki67", ["High", "low", "positive"], unit="status")
    assert problems == [] and values(frame, "ki67") == ["high", "low", "high"]
    assert codes(read("er", ["high", "1", "Positve"], unit="status")[1]) == ["RG302"] * 3
    # without a '+' in the column, '-' may as well mean missing
    assert codes(read("er", ["positive", "-"], unit="status")[1]) == ["RG302"]


def test_cut_of_the_status() -> None:
    assert marker_cut("ki67", PercentMarker(column="x", unit="percent")) == 20
    assert marker_cut("pr", PercentMarker(column="x", unit="fraction")) == 1
    assert marker_cut("pr", PercentMarker(column="x", unit="status", cut=10)) == 10
    assert np.isnan(marker_cut("ki67", PercentMarker(column="x", unit="status")))
    assert np.isnan(marker_cut("er", PercentMarker(column="x", unit="allred")))
