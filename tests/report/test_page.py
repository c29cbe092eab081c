"""The file as a whole: complete, deterministic, under its policy, and honest about what failed."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import re

import pandas as pd
import pytest

from radiogen.analysis.result import Result
from radiogen.errors import RadiogenError, fail
from radiogen.report import render, write
from radiogen.report.csp import inline, placeholders
from radiogen.report.summary import sentences
from radiogen.report.tables import view

from . import synthetic
from .test_payload import parse


@pytest.fixture(scope="module")
def text() -> str:
    return render(synthetic.cohort(), synthetic.results(), failures=[("Relapse", fail("RG701", "only 3 events are left"))])


def test_the_same_inputs_give_the_same_bytes(text):
    again = render(synthetic.cohort(), synthetic.results(), failures=[("Relapse", fail("RG701", "only 3 events are left"))])
    assert again == text


def test_the_date_comes_from_the_environment_alone(text, monkeypatch):
    assert not re.search(r"Date: ", text)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    assert "Date: 1970-01-01 00:00 UTC" in render(synthetic.cohort(), [])
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    with pytest.raises(RadiogenError) as error:
        render(synthetic.cohort(), [])
    assert error.value.code == "RG708"


def test_an_ordinary_report_is_below_six_megabytes(text):
    assert len(text.encode()) < 6e6
    assert text.count("plotly.js v") == 1


def test_every_inline_script_and_style_is_allowed_by_its_hash_and_no_other(text):
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text).group(1).replace("&#39;", "'")
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'" and rules["connect-src"] == "'none'" and rules["img-src"] == "data: blob:"
    assert "unsafe-inline" not in policy and "unsafe-eval" not in policy and "http" not in policy
    for tag, rule, more in (("script", "script-src", 0), ("style", "style-src", 1)):
        bodies = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        hashes = {f"'sha256-{base64.b64encode(hashlib.sha256(b.encode()).digest()).decode()}'" for b in bodies}
        # plotly's own empty style element
        empty = {"'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"} if more else set()
        assert set(rules[rule].split()) == hashes | empty and bodies


def test_nothing_refers_to_the_network(text):
    page = parse(text)
    assert all(link.startswith("#") for link in page.links)
    assert page.elements["link"] == page.elements["iframe"] == page.elements["img"] == 0


def test_every_link_has_a_target_and_every_id_is_given_once(text):
    body = text.split("<script>")[0]
    ids = re.findall(r'\bid="([^"]+)"', body)
    assert len(ids) == len(set(ids))
    assert {link[1:] for link in parse(text).links} <= set(ids)


def test_every_figure_has_heading_sentence_data_and_numbers(text):
    page = parse(text)
    figures = re.findall(r'<figure.*?</figure>', text, re.DOTALL)
    assert len(figures) == page.elements["figure"] > 20
    for figure in figures:
        assert re.search(r"<h3[^>]*>.*Figure \d+\.", figure) and re.search(r'class="caption"[^>]*>[^<]+\.', figure)
        assert "<details" in figure or "Numbers of this figure" in figure
        identifier = re.search(r'class="plot" id="([^"]+)"', figure).group(1)
        content = json.loads(page.data[f"{identifier}-data"])
        assert content["data"] and "template" not in content["layout"]


def test_sections_come_in_order_with_the_description_first():
    results = [synthetic.survive(), synthetic.describe()]
    text = render(synthetic.cohort(), results)
    assert text.index('id="the-cohort"') < text.index('id="overall-survival"')


def test_simulated_data_are_stamped_and_real_data_are_not(text):
    assert 'class="stamp"' in text and 'class="watermark"' in text and "Simulated data: 60 patients" in text
    real = render(synthetic.cohort(simulated=False), [])
    assert 'class="stamp"' not in real and 'class="watermark"' not in real


def test_a_failed_analysis_says_why_and_the_rest_goes_on(text):
    assert "RG701: Too few patients for the analysis." in text and "Only 3 events are left" in text
    assert "4 analyses" not in text and "5 analyses were asked for, of which 1 could not be run" in text
    assert "Overall survival" in text


def test_an_unknown_kind_is_shown_with_its_tables():
    result = Result("stability", "Stability of features", {"icc": pd.DataFrame({"feature": ["a"], "icc": [0.91234]})})
    text = render(synthetic.cohort(), [result])
    assert "Stability of features" in text and "0.912" in text and "Icc" in text


def test_figures_that_cannot_be_drawn_leave_their_tables_and_a_reason():
    confusion = pd.DataFrame({"truth": ["a", "a"], "predicted": ["a", "a"], "n": [1234, 2]})
    text = render(synthetic.cohort(), [Result("classify", "Broken", {"confusion": confusion})])
    assert "The figures of this analysis could not be drawn: a confusion matrix takes" in text and "1,234" in text


def test_two_results_of_one_title_have_their_own_ids():
    text = render(synthetic.cohort(), [synthetic.associate(), synthetic.associate()])
    assert 'id="features-and-genes"' in text and 'id="features-and-genes-2"' in text


def test_empty_tables_are_left_out():
    result = Result("classify", "Nothing", {"performance": pd.DataFrame(columns=["metric", "estimate"]), "roc": pd.DataFrame()})
    text = render(synthetic.cohort(), [result])
    assert "Nothing" in text and "tab-nothing" not in text


def test_provenance_names_seed_versions_and_hashes(text):
    for word in ("Seed 7", "ab" * 32, "clinical.csv", "scikit-learn", "plotly", "radiogen"):
        assert word in text


def test_write_replaces_the_file_whole(tmp_path):
    target = tmp_path / "report.html"
    target.write_text("old")
    assert write(synthetic.cohort(), [], target) == target
    assert target.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(RadiogenError) as error:
        write(synthetic.cohort(), [], tmp_path / "no" / "report.html")
    assert error.value.code == "RG801"


def test_inline_content_must_not_end_its_element():
    for bad in ("a</script>", "a</STYLE >", "<!--", "a\r\n"):
        with pytest.raises(ValueError, match="inline"):
            inline(bad)


def test_placeholders_are_found_in_the_bundle():
    assert placeholders(f'if(!document.getElementById("{"0" * 64}"))') == ("0" * 64,)


# -- sentences and tables -----------------------------------------------------------------


def test_the_summary_of_a_classification_quotes_the_tables():
    sentence, = sentences(synthetic.classify())
    # the forest has the higher AUC, but elastic net is listed first: 0.62 and 0.62 + 0.15
    assert sentence == (
        "Model: elastic net, the first listed (random forest: in the table). Out of fold (n = 48, 21 mutated), the AUC is "
        "0.62 (0.53 to 0.70) with clinical data alone and 0.77 (0.68 to 0.85) with all together (clinical data, B-mode and "
        "shear-wave elastography); paired difference 0.15 (0.02 to 0.28), p = 0.027."
    )


def test_the_first_model_is_the_first_of_the_settings_and_each_set_has_a_sentence():
    result = synthetic.classify()
    both = pd.concat([result.tables["performance"], result.tables["performance"].assign(set="external", n=12, events=5)])
    tables = {**result.tables, "performance": both}
    listed = dataclasses.replace(result, tables=tables, settings={"models": ["forest", "elastic_net"]})
    first, second = sentences(listed)
    assert "Model: random forest, the first listed (elastic net" in first and "0.64 (0.55 to 0.72) with clinical data alone" in first
    assert second.startswith("In the external data (n = 12, 5 mutated), the AUC is 0.64")


def test_the_summary_of_survival_names_what_could_not_be_estimated():
    found = sentences(synthetic.survive())
    assert found[0] == "Log-rank tests of os by group: Ki-67 p = 0.024 (24 events)."
    assert "grade 3 2.10 (1.68 to 2.94)" in found[1] and "SWE mean per kPa 1.35" in found[1]
    assert found[1].endswith("1 term could not be estimated.")


def test_medians_have_units_and_may_lie_beyond_the_follow_up():
    medians = pd.DataFrame({"grouping": ["overall", "er"], "group": ["all", "x"], "n": [120, 60], "events": [52, 20],
                            "estimate": [77.5, 80.0], "lower": [66.0, 70.0], "upper": float("nan"), "follow_up": [68.7, 60.0]})
    result = Result("survive", "x", {"medians": medians}, settings={"endpoint": "os", "unit": "months"})
    assert sentences(result, {"os": "Overall survival"}) == [
        "Median overall survival was 77.5 months (66 to not reached): 52 events in 120; median follow-up 68.7 months."]
    assert view("medians", medians, "x").rows[0][4] == "77.5 (66.0 to not reached)"


def test_the_summary_of_associations_counts():
    frame = pd.DataFrame({"feature": ["a", "b"], "target": "T", "effect": [0.7, 0.5], "effect_name": "AUC", "lower": [0.6, 0.4],
                          "upper": [0.8, 0.6], "p": [0.001, 0.9], "q": [0.002, 0.9]})
    found = sentences(Result("associate", "x", {"associations": frame}))
    assert found[0] == "2 features were tested against T: 1 of 2 associations has a false discovery rate below 0.05."
    assert "a with T: AUC 0.70 (0.60 to 0.80), p = 0.001, q = 0.002" in found[1]


def test_intervals_are_merged_and_long_tables_cut_but_whole_in_the_download():
    made = view("associations", synthetic.associations(), "x")
    labels = [label for label, _ in made.head]
    assert "Effect (95 % interval)" in labels and "Adjusted odds ratio (95 % interval)" in labels
    assert "lower" not in labels and made.total == 120 and len(made.rows) == 20 and made.cut
    assert json.loads(str(made.data))["rows"] == 120
    p = [row[labels.index("p")] for row in made.rows]
    assert p == sorted(p, key=lambda v: 0.0 if v.startswith("<") else float(v))


def test_what_is_the_same_in_all_rows_is_said_once():
    frame = pd.DataFrame({"model": ["m"] * 3, "metric": list("abc"), "estimate": [0.1, 0.2, 0.3], "n": [9] * 3})
    made = view("performance", frame, "x")
    assert made.constant == "Model: m; n: 9" and [label for label, _ in made.head] == ["Metric", "Estimate"]


def test_table_one_names_its_tests_in_a_note():
    frame = pd.DataFrame({"variable": ["age", "grade", ""], "level": ["", "1", "2"], "overall": ["54", "9", "11"],
                          "p": ["0.642", "<0.001", ""], "test": ["Wilcoxon rank-sum", "chi-squared", ""]})
    made = view("table_one", frame, "x", note="Median.", whole=True)
    assert [label for label, _ in made.head] == ["Variable", "Level", "Overall", "p"]
    assert [row[3] for row in made.rows] == ["0.642ᵃ", "<0.001ᵇ", ""]
    assert made.note == "Median. ᵃ Wilcoxon rank-sum; ᵇ chi-squared."
    # the download keeps the column
    assert "test" in json.loads(str(made.data))["names"]


def test_a_report_without_analyses_says_so():
    assert "No analysis was asked for." in render(synthetic.cohort(), [])


def test_one_result_may_stand_alone(tmp_path):
    one = synthetic.results()[1]
    alone = write(synthetic.cohort(), one, tmp_path / "a.html").read_text(encoding="utf-8")
    assert alone == write(synthetic.cohort(), [one], tmp_path / "b.html").read_text(encoding="utf-8")
