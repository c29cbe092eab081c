"""Small cells, ids and paths stay out of the page, its downloads and its figures alike."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from radiogen.analysis.result import Result
from radiogen.report import render
from radiogen.report.privacy import Privacy, coarse_curve, privacy_of, short_path, suppress_table, suppressed

from . import synthetic
from .test_payload import parse


def test_one_small_cell_takes_the_smallest_other_with_it():
    # of 23 known patients 3 + 8 + 12: with the 8 shown, the 3 could be computed
    assert suppressed(np.array([[3.0, 8.0, 12.0]]), 5, rows=True, columns=False).tolist() == [[1, 2, 0]]


def test_two_small_cells_hide_each_other():
    assert suppressed(np.array([[3.0, 4.0, 12.0]]), 5, rows=True, columns=False).tolist() == [[1, 1, 0]]


def test_zero_and_the_limit_are_shown():
    assert suppressed(np.array([[0.0, 5.0, 12.0]]), 5, rows=True, columns=False).sum() == 0


def test_in_a_table_with_both_totals_a_square_of_four_is_hidden():
    counts = np.array([[3.0, 8.0], [12.0, 15.0], [12.0, 8.0]])
    marks = suppressed(counts, 5, rows=True, columns=True)
    assert marks[0, 0] == 1 and (marks > 0).sum() == 4
    assert all(s in (0, 2) for s in (marks > 0).sum(axis=0)) and all(s in (0, 2) for s in (marks > 0).sum(axis=1))


def test_table_one_hides_the_count_and_what_would_give_it_away():
    shown, _ = suppress_table("table_one", synthetic.describe().tables["table_one"], 5)
    grade = shown[shown["variable"] == "grade"]
    assert grade["TP53 mutated"].tolist()[0] == "<5"
    assert (grade[["TP53 mutated", "TP53 wild type"]] == "≥5").to_numpy().sum() == 3
    # means are no counts, and the groups' sizes are not small
    assert shown.iloc[1]["TP53 mutated"] == "53.0 (10.1)" and shown.iloc[0]["TP53 mutated"] == "28"


def test_table_one_as_the_statistics_print_it():
    frame = pd.DataFrame({
        "Variable": ["n", "grade", ""], "Level": ["", "1", "2"], "Overall": ["20", "9 (45.0%)", "11 (55.0%)"],
        "a": ["10", "2 (20.0%)", "8 (80.0%)"], "b": ["10", "7 (70.0%)", "3 (30.0%)"], "Missing": ["", "0", ""],
    })
    shown, _ = suppress_table("table_one", frame, 5)
    assert shown["a"].tolist() == ["10", "<5", "≥5"] and shown["b"].tolist() == ["10", "≥5", "<5"]
    assert shown["Overall"].tolist() == ["20", "9 (45.0%)", "11 (55.0%)"] and shown["Missing"].tolist() == ["", "0", ""]


def test_mutations_are_hidden_in_the_table_and_left_out_of_the_figure():
    shown, drawn = suppress_table("mutations", synthetic.describe().tables["mutations"], 5)
    assert shown.loc[1, ["mutated", "wild_type", "not_tested"]].tolist() == ["<5", 49, "≥5"]
    assert np.isnan(drawn.loc[1, "mutated"]) and drawn.loc[1, "wild_type"] == 49


def test_a_long_table_is_hidden_within_its_variable():
    frame = pd.DataFrame({"marker": ["er", "er", "her2", "her2"], "value": list("pnpn"), "n": [2, 30, 12, 20],
                          "share": [2 / 32, 30 / 32, 12 / 32, 20 / 32]})
    shown, drawn = suppress_table("markers", frame, 5)
    assert shown["n"].tolist() == ["<5", "≥5", 12, 20]
    assert shown["share"].tolist()[:2] == ["", ""] and drawn["share"].isna().tolist() == [True, True, False, False]


def test_min_cell_of_one_hides_nothing():
    frame = synthetic.describe().tables["mutations"]
    assert suppress_table("mutations", frame, 1)[0] is frame


def test_small_counts_are_in_no_part_of_the_file():
    result = synthetic.describe()
    result.tables["mutations"] = pd.DataFrame({"gene": ["G"], "mutated": [3], "wild_type": [9321], "not_tested": [8]})
    page = parse(render(synthetic.cohort(), [result]))
    table = json.loads(page.data["tab-the-cohort-mutations-data"])
    assert table["columns"][1:] == [{"l": ["<5"], "c": [0]}, {"v": [9321]}, {"l": ["≥5"], "c": [0]}]
    bars = json.loads(page.data["fig-the-cohort-mutations-data"])["data"]
    assert [b["x"] for b in bars] == [[None], [9321], [None]]


PRIVACY = Privacy(min_cell=5, show_ids=False, ids=frozenset({"P0001", "7", "1234", "MB-0001"}))


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("images of 'P0001' and P0002", "images of '[id]' and P0002"),
        ("patient MB-0001.", "patient [id]."),
        ("7 patients", "7 patients"),  # a short number may be a count
        ("patient '7'", "patient '[id]'"),
        ("id 1234", "id [id]"),
    ],
)
def test_ids_are_taken_out_of_texts(said, shown):
    assert PRIVACY.redact(said) == shown


def test_id_columns_are_dropped_and_ids_in_cells_hidden():
    frame = pd.DataFrame({"patient": ["P0001"], "unit": ["months"], "what": ["P0001"], "n": [3]})
    assert PRIVACY.table(frame).to_dict("list") == {"unit": ["months"], "what": ["[id]"], "n": [3]}
    assert list(PRIVACY.table(frame.assign(unit="P0001"))) == ["what", "n"]


def test_no_id_is_in_the_file_unless_asked_for():
    results = [dataclasses.replace(r, tables={**r.tables, "extra": pd.DataFrame({"unit": ["P0001"], "x": [1.0]})})
               for r in synthetic.results()]
    hidden = render(synthetic.cohort(), results)
    assert "P0001" not in hidden and "P0000" not in hidden
    assert "P0001" in render(synthetic.cohort(show_ids=True), results)


def test_predictions_are_never_written():
    result = synthetic.classify()
    assert result.predictions is not None
    shown, drawn = privacy_of(synthetic.cohort()).result(result)
    assert shown.predictions is None and drawn.predictions is None


def test_tables_of_extremes_are_left_out():
    result = synthetic.describe()
    result.tables["table_one_tidy"] = pd.DataFrame({"variable": ["age"], "minimum": [31.4159], "maximum": [92.0]})
    assert "31.4" not in render(synthetic.cohort(), [result]).replace("sha256-", "").split('id="main"')[1].split("<script>")[0]


@pytest.mark.parametrize(
    ("path", "root", "shown"),
    [("/a/b/c.csv", "/a", "b/c.csv"), ("/z/c.csv", "/a", "c.csv"), ("c.csv", ".", "c.csv"), ("C:\\u\\c.csv", "/a", "c.csv")],
)
def test_paths_do_not_name_folders_of_the_machine(path, root, shown):
    assert short_path(path, root) == shown


# -- curves over time ------------------------------------------------------------------------------


def km() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Events at 3.14, 10 and 24.5, numbers at risk at 0, 10 and 20."""
    curve = pd.DataFrame({"grouping": "g", "group": "a", "time": [3.14, 10.0, 24.5], "survival": [0.9, 0.8, 0.4], "n_risk": [10, 8, 2],
                          "n_event": 1, "n_censor": 0})
    return curve, pd.DataFrame({"grouping": "g", "group": "a", "time": [0.0, 10.0, 20.0], "n_risk": [10, 8, 5]})


def test_the_table_of_a_curve_holds_round_times_alone():
    shown, _ = coarse_curve(*km())
    assert list(shown) == ["grouping", "group", "time", "survival", "n_risk"]
    # at 20 the value is that of the step at 10
    assert shown[["time", "survival", "n_risk"]].to_numpy().tolist() == [[10.0, 0.8, 8.0], [20.0, 0.8, 5.0]]


def test_the_drawn_curve_has_its_times_rounded_up_to_a_hundredth_of_the_grid():
    _, drawn = coarse_curve(*km())
    # steps of 0.1: 3.14 becomes 3.2; what lies on a round time stays, so that values there stay too
    assert drawn["time"].tolist() == pytest.approx([3.2, 10.0, 24.5])
    assert drawn["survival"].tolist() == [0.9, 0.8, 0.4]


def test_no_time_of_an_event_is_in_the_file_unless_small_cells_are_shown():
    curve, risk = km()
    risk = risk.assign(time=[0.0, 7.0, 14.0])
    result = Result("survive", "S", {"km": curve.assign(time=[3.14159, 10.27182, 24.51234]), "risk_table": risk})
    hidden = parse(render(synthetic.cohort(), [result])).data
    assert not [k for k, v in hidden.items() if any(t in v for t in ("3.14159", "10.2718", "24.5123"))]
    shown = parse(render(synthetic.cohort(min_cell=0), [result])).data
    assert "3.14159" in shown["tab-s-km-data"]


def test_the_thresholds_of_a_roc_curve_are_predictions_for_single_units():
    shown, drawn = privacy_of(synthetic.cohort()).result(synthetic.classify())
    assert "threshold" not in shown.tables["roc"] and "threshold" not in drawn.tables["roc"]
    shown, _ = privacy_of(synthetic.cohort(min_cell=0)).result(synthetic.classify())
    assert "threshold" in shown.tables["roc"]
