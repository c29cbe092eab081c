"""Which figures a result has: what its tables hold, and nothing for what they do not."""

from __future__ import annotations

import dataclasses

import pandas as pd
import pytest

from radiogen.analysis.result import Result

from . import synthetic

CLASSES = ("Luminal A-like", "Luminal B-like", "Triple negative")


def multiclass() -> Result:
    """Three classes, two inputs, one model."""
    performance, curves, confusion = [], [], []
    for k, inputs in enumerate(("clinical", "clinical + bmode")):
        base = {"target": "subtype", "model": "forest", "inputs": inputs, "set": "development"}
        for j, name in enumerate((*CLASSES, "macro")):
            auc = 0.6 + 0.1 * k + 0.02 * j
            performance.append({**base, "class": name, "metric": "macro AUC" if name == "macro" else "AUC", "estimate": auc,
                                "lower": auc - 0.05, "upper": auc + 0.05, "p": 0.01, "n": 90, "events": 30, "method": "DeLong"})
        for name in CLASSES:
            curves += [{**base, "class": name, "fpr": x, "tpr": x**0.5, "threshold": float("nan")} for x in (0.0, 0.25, 1.0)]
            confusion += [{**base, "truth": name, "predicted": other, "n": 20.5 if other == name else 4.75} for other in CLASSES]
    tables = {"performance": performance, "roc": curves, "confusion": confusion}
    return Result("classify", "Subtype", {k: pd.DataFrame(v) for k, v in tables.items()})


def competing() -> Result:
    """Two causes, two groups, one grouping."""
    rows = [{"grouping": "er", "group": g, "cause": c, "time": t, "incidence": t / 50, "lower": t / 60, "upper": t / 40,
             "n_risk": 20, "n_event": 1, "n_censor": 0}
            for g in ("negative", "positive") for c in ("relapse", "death") for t in (1.0, 5.0, 10.0)]
    risk = [{"grouping": "er", "group": g, "time": t, "n_risk": 20} for g in ("negative", "positive") for t in (0.0, 5.0)]
    return Result("survive", "Relapse", {"cumulative_incidence": pd.DataFrame(rows), "risk_table": pd.DataFrame(risk)},
                  settings={"time_unit": "months"})


@pytest.mark.parametrize("result", [*synthetic.results(), multiclass(), competing()], ids=lambda r: f"{r.kind} {r.title}")
def test_every_figure_names_a_table_of_its_result(result):
    figures = result.figures()
    assert figures
    for name, figure in figures.items():
        assert name.replace("_", "").isalnum() and name == name.lower()
        assert figure.layout.meta["table"] in result.tables


def test_of_many_classes_the_macro_average_is_compared_and_each_class_has_a_curve():
    figures = multiclass().figures()
    assert len(figures["performance"].data[0].x) == 2
    assert "macro AUC is highest for clinical + bmode" in figures["performance"].layout.meta["caption"]
    # the curves of the last inputs, and the diagonal
    names = [t.name for t in figures["roc"].data if t.name]
    assert len(names) == 3 and all(name.startswith(c) and "AUC 0.7" in name for name, c in zip(names, CLASSES, strict=True))


def test_competing_events_have_a_figure_for_each_cause():
    figures = competing().figures()
    assert set(figures) == {"cumulative_incidence_relapse_er", "cumulative_incidence_death_er"}
    caption = figures["cumulative_incidence_death_er"].layout.meta["caption"]
    # at 5 months 5/50 from 5/60 to 5/40, width 0.042: three decimals
    value = "0.100 (0.083 to 0.125)"
    assert caption == f"At 5 months cumulative incidence is {value} in er: negative and {value} in er: positive."


def test_effect_measures_are_drawn_apart():
    names = set(synthetic.associate().figures())
    assert {"volcano_auc", "volcano_epsilon_squared", "heatmap_auc", "adjusted"} == names


@pytest.mark.parametrize("kind", ["associate", "classify", "survive", "describe"])
def test_empty_tables_have_no_figures(kind):
    source = next(r for r in synthetic.results() if r.kind == kind)
    empty = dataclasses.replace(source, tables={k: v.iloc[:0] for k, v in source.tables.items()})
    assert empty.figures() == {}
    assert dataclasses.replace(source, tables={}).figures() == {}


def test_an_unknown_kind_has_no_figures():
    assert Result("other", "x", {}).figures() == {}


def test_a_model_that_uses_every_feature_has_no_figure_of_shares():
    frame = pd.DataFrame({"model": "rsf", "inputs": "clinical", "feature": ["a", "b"], "selected_share": 1.0, "coefficient": float("nan")})
    assert Result("survive", "x", {"features": frame}).figures() == {}


def test_weights_of_a_forest_are_no_coefficients():
    frame = pd.DataFrame({"model": ["elastic_net", "forest"] * 2, "inputs": "clinical", "feature": ["a", "a", "b", "b"],
                          "selected_share": 1.0, "coefficient": [0.3, 0.7, -0.2, 0.3]})
    figures = Result("classify", "x", {"features": frame}, settings={"classes": ["n", "p"]}).figures()
    assert figures["importance_elastic_net"].layout.xaxis.title.text == "Coefficient per SD"
    assert figures["importance_random_forest"].layout.xaxis.title.text == "Importance (mean decrease in impurity)"
    three = Result("classify", "x", {"features": frame}, settings={"classes": ["n", "p", "q"]}).figures()
    assert three["importance_elastic_net"].layout.xaxis.title.text == "Mean absolute coefficient per SD"


def test_weights_of_nothing_but_rounding_have_no_figure():
    frame = pd.DataFrame({"model": "elastic_net", "inputs": "clinical", "feature": ["a", "b"], "selected_share": 0.0,
                          "coefficient": [1e-20, -2e-19]})
    assert Result("classify", "x", {"features": frame}).figures() == {}


def test_differences_of_the_external_set_stand_beside_those_of_development():
    frame = pd.DataFrame({"model": "cox", "inputs_a": ["swe", "both"] * 2, "inputs_b": "clinical", "metric": "C",
                          "set": ["development"] * 2 + ["external"] * 2, "estimate": 0.1, "lower": 0.0, "upper": 0.2})
    figure = Result("survive", "x", {"comparisons": frame}).figures()["differences"]
    assert list(figure.layout.yaxis.ticktext) == ["both", "swe"] and [t.name for t in figure.data] == ["development", "external"]
    assert figure.layout.meta["title"] == "Differences in C from clinical alone"
    assert len({a.y for a in figure.layout.annotations if a.text}) == 4


def test_one_group_of_predictions_is_no_calibration_curve():
    frame = pd.DataFrame({"model": "forest", "inputs": ["a", "b"], "set": "external", "predicted": 0.4, "observed": 0.5})
    assert Result("classify", "x", {"calibration_curve": frame}).figures() == {}
