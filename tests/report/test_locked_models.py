"""A report of locked models in another cohort, and of what modalities contributed."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

import radiogen as rg
from radiogen.analysis import classify, predict
from radiogen.analysis.contributions import contribution_tables
from radiogen.analysis.result import Result
from tests.analysis.making import make_cohort


@pytest.fixture(scope="module")
def found() -> Result:
    made = classify(make_cohort(60, 3), "TP53", ["clinical", "bmode"], folds=2, repeats=1)
    return predict(made.model, make_cohort(50, 3, seed=1))


def _words(page: Path) -> str:
    return html.unescape(page.read_text(encoding="utf-8"))


def test_a_prediction_has_a_report_of_its_own(found: Result, tmp_path: Path) -> None:
    page = tmp_path / "r.html"
    rg.report.write(make_cohort(50, 3, seed=1), found, page)
    words = _words(page)
    assert "Validation of locked models" in words
    assert "In these data the AUC of mutated of the locked elastic net with clinical data and B-mode is" in words
    assert "AUC of mutated here and in development" in words
    assert "Inputs against the range of the development data" in words
    assert not re.search(r"\bu00[0-9]{2}\b", words)


def test_its_figures_are_of_its_tables(found: Result) -> None:
    figures = found.figures()
    assert next(iter(figures)) == "drift_auc_of_mutated" and "drift_calibration_slope" in figures
    assert {f.layout.meta["table"] for f in figures.values()} <= set(found.tables)


def test_predictions_alone_can_be_shown_too(found: Result, tmp_path: Path) -> None:
    page = tmp_path / "r.html"
    rg.report.write(make_cohort(50, 3), replace(found, tables={"ranges": found.tables["ranges"]}), page)
    assert "values outside the range of the development data" in _words(page)


def test_contributions_have_a_figure_and_a_name_of_their_own(tmp_path: Path) -> None:
    frame = pd.DataFrame({
        "unit": ["a", "a", "b", "b", "a"], "output": "mutated", "kind": ["modality"] * 4 + ["interaction"],
        "first": ["clinical", "swe"] * 2 + ["clinical"], "second": ["", "", "", "", "swe"], "value": [1.0, -1.0, -3.0, 0.0, -0.5],
        "residual": 0.0,
    })  # fmt: skip
    tables = contribution_tables("TP53", [("clinical + swe", frame)], "binary")
    result = Result("classify", "TP53", tables)
    assert result.figures()["modalities"].layout.xaxis.title.text == "Mean absolute Shapley value (log-odds)"
    page = tmp_path / "r.html"
    rg.report.write(make_cohort(30, 2), result, page)
    words = _words(page)
    assert "Contributions of the modalities" in words and "Interactions between modalities" in words
    assert "On average clinical data moved the log-odds of mutated" in words
