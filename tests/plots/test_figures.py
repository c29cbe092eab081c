"""Figures draw the numbers they are given, say so in a sentence, and refuse what they cannot draw."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest

from radiogen import plots
from radiogen.errors import RadiogenError
from radiogen.plots import theme
from radiogen.plots.cohort import gaps

NAN = float("nan")
EVIL = '<img src=x onerror="alert(1)">'


def associations() -> pd.DataFrame:
    """Three features, two targets; two associations with q below 0.05."""
    rows = [
        ("a", "TP53", 0.80, 0.001, 0.006), ("b", "TP53", 0.45, 0.500, 0.600), ("c", "TP53", 0.52, 0.700, 0.700),
        ("a", "PIK3CA", 0.60, 0.200, 0.300), ("b", "PIK3CA", 0.25, 0.010, 0.030), ("c", "PIK3CA", 0.50, 0.900, 0.900),
    ]
    frame = pd.DataFrame(rows, columns=["feature", "target", "effect", "p", "q"])
    return frame.assign(effect_name="AUC", lower=frame["effect"] - 0.1, upper=frame["effect"] + 0.1, n=50)


def forest_rows() -> pd.DataFrame:
    return pd.DataFrame({
        "term": ["age", "grade", "er"], "level": ["", "3", ""], "estimate": [1.02, 2.5, NAN], "lower": [0.99, 1.5, NAN],
        "upper": [1.05, 4.2, NAN], "p": [0.2, 0.001, NAN], "n": 100, "events": 30, "note": ["", "", "separates"],
    })


def km_rows() -> pd.DataFrame:
    """Four patients: event at 1, censored at 2, event at 3, censored at 4: S = 3/4, then 3/8."""
    return pd.DataFrame({
        "group": "all", "time": [1.0, 2.0, 3.0, 4.0], "survival": [0.75, 0.75, 0.375, 0.375], "n_risk": [4, 3, 2, 1],
        "n_event": [1, 0, 1, 0], "n_censor": [0, 1, 0, 1],
    })


def every_figure(word: str = "x") -> dict[str, object]:
    """Each public figure once, with a user's string wherever one can stand."""
    a = associations().replace({"feature": {"a": word}, "target": {"TP53": word}})
    roc = pd.DataFrame({"model": word, "inputs": word, "fpr": [0.0, 0.5, 1.0], "tpr": [0.0, 0.9, 1.0]})
    groups = km_rows().assign(group=word)
    return {
        "volcano": plots.volcano(a),
        "heatmap": plots.association_heatmap(a),
        "roc": plots.roc(roc),
        "calibration": plots.calibration_curve(pd.DataFrame({"model": word, "predicted": [0.1, 0.9], "observed": [0.2, 0.8]})),
        "confusion": plots.confusion_matrix(pd.DataFrame({"truth": [word, "b"], "predicted": [word, word], "n": [3, 1]})),
        "forest": plots.forest(forest_rows().assign(term=word, note=word, model=word)),
        "km": plots.kaplan_meier(groups, pd.DataFrame({"group": word, "time": [0.0, 2.0], "n_risk": [4, 3]}), unit=word),
        "incidence": plots.cumulative_incidence(groups.rename(columns={"survival": "incidence"}), unit=word),
        "flow": plots.flow(pd.DataFrame({"step": word, "scope": ["cohort", word], "reason": word, "n": [2, 1]}), 9, unit=word),
        "availability": plots.availability(pd.DataFrame({"modality": [word], "n": [3], "share": [0.3], "images": [4]})),
        "missing": plots.missingness(pd.DataFrame({"variable": [word], "share": [0.3]})),
        "mutations": plots.mutations(pd.DataFrame({"gene": [word], "mutated": [3], "wild_type": [7], "not_tested": [0]})),
        "classes": plots.classes(pd.DataFrame({"subtype": [word, "b"], "n": [3, NAN]})),
        "performance": plots.performance(pd.DataFrame({
            "model": [word], "inputs": [word], "metric": [word], "estimate": [0.7], "lower": [0.6], "upper": [0.8]})),
        "importance": plots.importance(pd.DataFrame({"feature": [word], "selected_share": [0.5], "coefficient": [-1.0]})),
    }


def strings(value: object) -> list[str]:
    """All strings in a JSON value."""
    if isinstance(value, dict):
        return [s for v in value.values() for s in strings(v)]
    if isinstance(value, list):
        return [s for v in value for s in strings(v)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize("name", sorted(every_figure()))
def test_every_figure_has_the_theme_and_a_sentence(name):
    figure = every_figure()[name]
    meta = figure.layout.meta
    assert meta["title"] and meta["table"] and meta["caption"].endswith(".")
    assert figure.layout.template.layout.colorway[0] == theme.PALETTE[0]


@pytest.mark.parametrize("name", sorted(every_figure()))
def test_a_user_string_never_reaches_a_label_as_markup(name):
    def tags(word: str) -> list[str]:
        content = json.loads(every_figure(word)[name].to_json())
        content["layout"].pop("meta")  # plain text; whoever shows it escapes it
        found = " ".join(strings(content))
        assert word == "x" or "&lt;img src" in found
        return [t for t in re.findall(r"<[^>]*>?", found) if t != "<br>"]

    # the figure's own templates may hold this tag; the user's string adds none
    assert tags(EVIL) == tags("x") and set(tags("x")) <= {"<extra>", "</extra>"}


def test_volcano_counts_and_names_the_best():
    caption = plots.volcano(associations()).layout.meta["caption"]
    assert "2 of 6 associations (3 features, 2 targets)" in caption
    assert "a with TP53 (AUC 0.80 (0.70 to 0.90), q = 0.006)" in caption


def test_volcano_draws_all_points_at_minus_log10_p():
    figure = plots.volcano(associations())
    y = np.concatenate([np.asarray(t.y, float) for t in figure.data])
    assert len(y) == 6 and y.max() == pytest.approx(3.0)


def test_volcano_of_many_points_keeps_the_smallest_p():
    rng = np.random.default_rng(0)
    n = 20_000
    p = rng.uniform(size=n)
    frame = pd.DataFrame({"feature": [f"f{i}" for i in range(n)], "target": "T", "effect": 0.5 + (rng.uniform(size=n) - 0.5) * 0.1,
                          "effect_name": "AUC", "p": p, "q": 1.0})
    figure = plots.volcano(frame)
    drawn = np.concatenate([np.asarray(t.y, float) for t in figure.data])
    assert len(drawn) < n and drawn.max() == pytest.approx(-np.log10(p.min()))
    assert "20,000 associations" in figure.layout.meta["caption"]


def test_mixed_effect_measures_are_refused():
    frame = associations()
    frame.loc[0, "effect_name"] = "epsilon squared"
    for draw in (plots.volcano, plots.association_heatmap):
        with pytest.raises(RadiogenError) as error:
            draw(frame)
        assert error.value.code == "RG705"


def test_heatmap_marks_the_significant_cells_and_is_centred_on_no_effect():
    cells = plots.association_heatmap(associations()).data[0]
    assert sum(t == "•" for row in cells.text for t in row) == 2
    assert (cells.zmin + cells.zmax) / 2 == pytest.approx(0.5)


def test_heatmap_puts_like_rows_side_by_side():
    values = {"a": (0.9, 0.9), "b": (0.1, 0.1), "c": (0.88, 0.9), "d": (0.12, 0.1)}
    rows = [(f, t, e) for f, pair in values.items() for t, e in zip(("T1", "T2"), pair, strict=True)]
    frame = pd.DataFrame(rows, columns=["feature", "target", "effect"]).assign(effect_name="AUC", p=0.01, q=0.2)
    order = "".join(plots.association_heatmap(frame).data[0].y)
    assert {order[:2], order[2:]} in ({"ac", "bd"}, {"ca", "bd"}, {"ac", "db"}, {"ca", "db"})


def test_roc_leaves_out_points_on_straight_lines_only():
    fpr = [0.0, 0.0, 0.25, 0.5, 1.0]
    tpr = [0.0, 0.5, 0.5, 0.5, 1.0]  # (0.25, 0.5) lies on a line
    curve = plots.roc(pd.DataFrame({"model": "m", "fpr": fpr, "tpr": tpr})).data[0]
    assert list(curve.x) == [0.0, 0.0, 0.5, 1.0] and list(curve.y) == [0.0, 0.5, 0.5, 1.0]


def test_roc_takes_the_area_from_the_performance_table():
    curves = pd.DataFrame({"model": "m", "inputs": ["a", "a", "b", "b"], "fpr": [0, 1, 0, 1], "tpr": [0, 1, 0, 1]})
    table = pd.DataFrame({"model": "m", "inputs": ["a", "b"], "metric": "AUC", "estimate": [0.6, 0.8], "lower": [0.5, 0.7],
                          "upper": [0.7, 0.9]})
    figure = plots.roc(curves, table)
    assert figure.data[1].name == "b, AUC 0.80 (0.70 to 0.90)"
    assert figure.layout.meta["caption"].endswith("from 0.60 (0.50 to 0.70) for a to 0.80 (0.70 to 0.90) for b.")


def test_confusion_matrix_shares_are_of_the_truth():
    frame = pd.DataFrame({"truth": ["n", "n", "p", "p"], "predicted": ["n", "p", "n", "p"], "n": [30, 10, 5, 15]})
    figure = plots.confusion_matrix(frame)
    assert figure.data[0].z.tolist() == [[0.75, 0.25], [0.25, 0.75]]
    assert "45 of 60" in figure.layout.meta["caption"] and "75" in figure.layout.meta["caption"]


def test_confusion_matrix_of_two_models_is_refused():
    frame = pd.DataFrame({"truth": ["n", "n"], "predicted": ["n", "n"], "n": [1, 2]})
    with pytest.raises(RadiogenError, match="one model"):
        plots.confusion_matrix(frame)


def test_forest_shows_what_cannot_be_estimated():
    figure = plots.forest(forest_rows())
    assert len(figure.data[0].x) == 2
    assert [a.text for a in figure.layout.annotations].count("not estimable") == 1
    caption = figure.layout.meta["caption"]
    assert "1 of 2 intervals excludes 1" in caption and "grade: 3" in caption and "1 effect could not be estimated" in caption


def test_forest_is_on_a_log_axis_with_whole_intervals():
    figure = plots.forest(forest_rows())
    bars = figure.data[0]
    assert figure.layout.xaxis.type == "log"
    assert bars.x[1] - bars.error_x.arrayminus[1] == pytest.approx(1.5)
    assert bars.x[1] + bars.error_x.array[1] == pytest.approx(4.2)


def test_forest_cuts_a_huge_interval_and_says_so():
    frame = pd.DataFrame({"label": ["x"], "estimate": [3.0], "lower": [0.001], "upper": [9000.0]})
    figure = plots.forest(frame)
    assert {t.marker.symbol for t in figure.data} >= {"triangle-left", "triangle-right"}
    assert "3.00 (0.00 to 9,000.00)" in figure.layout.annotations[0].text


def test_kaplan_meier_starts_at_one_and_ticks_where_censored():
    figure = plots.kaplan_meier(km_rows())
    line = next(t for t in figure.data if t.mode == "lines")
    ticks = next(t for t in figure.data if t.mode == "markers")
    assert (line.x[0], line.y[0]) == (0.0, 1.0) and line.line.shape == "hv"
    # (2, 0.75) moves nothing and the last row ends the line
    assert list(line.x) == [0.0, 1.0, 3.0, 4.0] and list(line.y) == [1.0, 0.75, 0.375, 0.375]
    assert list(ticks.x) == [2.0, 4.0] and list(ticks.y) == [0.75, 0.375]


def test_kaplan_meier_writes_the_numbers_at_risk():
    risk = pd.DataFrame({"group": "all", "time": [0.0, 2.0], "n_risk": [4, 3]})
    figure = plots.kaplan_meier(km_rows(), risk, unit="months", p=0.03)
    table = next(t for t in figure.data if t.mode == "text")
    assert list(table.text) == ["4", "3"]
    assert figure.layout.meta["caption"] == "At 2 months survival is 0.75; log-rank p = 0.030."


def test_cumulative_incidence_starts_at_zero():
    frame = pd.DataFrame({"group": "all", "time": [1.0, 2.0], "incidence": [0.1, 0.3]})
    line = plots.cumulative_incidence(frame).data[0]
    assert list(line.y) == [0.0, 0.1, 0.3]


def test_flow_adds_up():
    ledger = pd.DataFrame({
        "step": ["reading", "rules", "rules", "split", "images"], "scope": ["cohort", "cohort", "cohort", "external", "bmode"],
        "reason": list("abcde"), "n": [1, 2, 3, 10, 4],
    })
    figure = plots.flow(ledger, 100)
    words = " ".join(a.text for a in figure.layout.annotations)
    assert all(w in words for w in ("100 patients", "99 patients", "94 patients", "84 patients", "(n = 5)", "Images e: bmode (4)"))
    assert "6 (6.0\u00a0%) were left out and 94 are" in figure.layout.meta["caption"]


def test_suppressed_counts_stay_out_of_figures():
    figure = plots.classes(pd.DataFrame({"subtype": ["A", "B"], "n": [30.0, NAN]}))
    assert "1 count is suppressed" in figure.layout.meta["caption"]
    assert any(a.text == "suppressed" for a in figure.layout.annotations)


@pytest.mark.parametrize("draw", [plots.volcano, plots.roc, plots.forest, plots.kaplan_meier, plots.availability])
def test_nothing_to_draw_is_an_error(draw):
    columns = ["feature", "target", "effect", "effect_name", "p", "q", "time", "survival", "share"]
    with pytest.raises(RadiogenError) as error:
        draw(pd.DataFrame(columns=columns, dtype=float))
    assert error.value.code == "RG705"


def test_powers_of_ten_need_no_markup():
    # plotly's own choice, 10<sup>-19</sup>, needs a style attribute
    for axis in (theme.pio.templates[theme.NAME].layout.xaxis, theme.pio.templates[theme.NAME].layout.yaxis):
        assert axis.exponentformat == "e"
    assert plots.association_heatmap(associations()).data[0].colorbar.exponentformat == "e"


# -- who is left out -------------------------------------------------------------------------------


def test_gaps_say_everything_once_and_by_kind():
    rows = [
        ("subtype", "subtype", "subtype not known", 26), ("markers", "er", "er: not known", 3), ("markers", "pr", "pr: not known", 1),
        ("mutations", "TP53", "TP53: not tested", 14), ("mutations", "PTEN", "PTEN: not tested", 14),
        ("endpoints", "os", "Overall survival: not known", 2), ("modalities", "swe", "no swe", 24), ("rules", "cohort", "benign", 9),
    ]
    assert gaps(pd.DataFrame(rows, columns=["step", "scope", "reason", "n"])) == [
        "Subtype not known: 26", "Markers not known: er (3), pr (1)", "Genes not tested: TP53 and PTEN (14 each)",
        "Endpoints not known: Overall survival (2)", "Modalities not available: swe (24)",
    ]


def test_of_many_gaps_the_largest_are_named():
    rows = [("mutations", f"G{i}", f"G{i}: not tested", i) for i in range(1, 21)]
    line, = gaps(pd.DataFrame(rows, columns=["step", "scope", "reason", "n"]))
    assert line.startswith("Genes not tested: G20 (20), G19 (19)") and line.endswith("G13 (13); and 12 more with at most 13 each")


# -- forest and importance -------------------------------------------------------------------------


def differences() -> pd.DataFrame:
    return pd.DataFrame({"label": ["a", "b", "a", "b"], "set": ["development"] * 2 + ["external"] * 2, "estimate": [0.1, 0.2, 0.3, 0.4],
                         "lower": [0.0, 0.1, 0.2, 0.3], "upper": [0.2, 0.3, 0.4, 0.5]})


def test_no_two_effects_lie_on_one_row():
    for frame in (differences(), differences().assign(model=differences()["set"]), differences().drop(columns="set")):
        figure = plots.forest(frame, ratio=False)
        written = [a.y for a in figure.layout.annotations if a.text]
        assert len(set(written)) == 4
    assert list(plots.forest(differences(), ratio=False).layout.yaxis.ticktext) == [
        "b, external", "a, external", "b, development", "a, development"]


def test_importance_is_called_what_it_is():
    frame = pd.DataFrame({"feature": ["a", "b", "c"], "coefficient": [0.5, -2.0, 3e-20], "selected_share": [1.0, 0.5, 1.0]})
    figure = plots.importance(frame, weight_name="Coefficient per SD")
    assert figure.layout.xaxis.title.text == "Coefficient per SD" and figure.layout.meta["title"] == "Features by coefficient per SD"
    # the third weight is zero but for rounding
    assert list(figure.data[0].x) == [0.5, -2.0]
    caption = figure.layout.meta["caption"]
    assert caption.startswith("b has the largest absolute coefficient per SD (−2, used in 50\u00a0%") and "1 feature has none" in caption


def test_weights_of_zero_are_refused():
    with pytest.raises(RadiogenError) as error:
        plots.importance(pd.DataFrame({"feature": ["a"], "coefficient": [1e-20]}))
    assert error.value.code == "RG705"


def test_features_that_differ_in_their_middle_have_labels_that_differ():
    names = [f"bmode_log_sigma_{i}_0_mm_3D_glcm_{'Very' * 12}LongName" for i in (1, 2, 3)]
    figure = plots.importance(pd.DataFrame({"feature": names, "importance": [3.0, 2.0, 1.0]}))
    assert len(set(figure.layout.yaxis.ticktext)) == 3
    assert all(any(n in h for h in figure.data[0].hovertext) for n in (names[0][:60], names[1][:60]))


# -- many groups -----------------------------------------------------------------------------------


def test_of_forty_groups_the_largest_twelve_are_drawn_without_bands():
    parts = [km_rows().assign(group=f"g{i}", n_risk=[i + 4, 3, 2, 1], lower=0.1, upper=0.9) for i in range(40)]
    figure = plots.kaplan_meier(pd.concat(parts))
    named = [t.name for t in figure.data if t.name]
    assert named == [f"g{i}" for i in range(28, 40)]
    assert figure.layout.meta["caption"].endswith("The 12 largest of 40 groups are drawn.")
    assert not [t for t in figure.data if t.fill]


def test_groups_are_named_with_what_they_are_groups_of():
    two = pd.concat([km_rows().assign(group="1"), km_rows().assign(group="2")])
    risk = pd.DataFrame({"group": ["1", "2"], "time": 0.0, "n_risk": 4})
    figure = plots.kaplan_meier(two, risk, by="grade")
    assert [t.name for t in figure.data if t.name] == ["grade: 1", "grade: 2"]
    assert list(figure.layout.yaxis2.ticktext) == ["2", "1"]
    assert "Number at risk, grade" in [a.text for a in figure.layout.annotations]
