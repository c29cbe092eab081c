"""Figures of scores over horizons, residuals, cut-points, restricted means and subgroups draw the numbers they get."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from radiogen import plots, stats
from radiogen.errors import RadiogenError
from radiogen.plots import theme

EVIL = '<img src=x onerror="alert(1)">'
SCORES = pd.DataFrame({
    "model": ["A", "A", "B", "B"], "horizon": [12.0, 60.0, 12.0, 60.0], "estimate": [0.6, 0.7, 0.65, 0.8],
    "lower": [0.5, 0.6, 0.55, 0.7], "upper": [0.7, 0.8, 0.75, 0.9],
})  # fmt: skip
PROFILE = pd.DataFrame({"cutpoint": [1.0, 2.0, 3.0], "statistic": [1.0, 2.5, 0.5], "n_lower": [3, 5, 8], "n_upper": [7, 5, 2]})
PAIRS = pd.DataFrame({"lower": [1.0, 1.0, 2.0], "upper": [2.0, 3.0, 3.0], "statistic": [4.0, 9.0, 1.0]})
RESIDUALS = pd.DataFrame({"time": np.arange(1.0, 21), "transformed": np.linspace(0, 0.9, 20), "stratum": "all", "x": np.tile([0.0, 1.0], 10)})
SUBGROUPS = pd.DataFrame({
    "label": ["All", "sex: f", "sex: m"], "term": "arm", "n": [30, 10, 20], "events": [12, 0, 12],
    "estimate": [0.5, np.nan, 0.4], "lower": [0.3, np.nan, 0.2], "upper": [0.8, np.nan, 0.9], "p": [0.01, np.nan, 0.02],
    "note": ["", "no event", ""],
})  # fmt: skip
CURVES = pd.DataFrame({"group": ["a", "a", "b"], "time": [1.0, 3.0, 2.0], "survival": [0.5, 0.25, 0.5]})
MEANS = pd.DataFrame({"label": ["a", "b"], "estimate": [1.75, 2.5], "lower": [1.0, 2.0], "upper": [2.4, 3.0]})


def every_figure(word: str = "x") -> dict[str, go.Figure]:
    renamed = RESIDUALS.rename(columns={"x": word})
    return {
        "scores": plots.horizon_scores(SCORES.replace({"model": {"A": word}}), unit=word),
        "brier": plots.horizon_scores(SCORES, "brier"),
        "profile": plots.cutpoint_profile(PROFILE, marker=word, p=0.03),
        "pairs": plots.cutpoint_profile(PAIRS, marker=word),
        "schoenfeld": plots.schoenfeld(renamed, stats.schoenfeld_smooth(renamed), word, coefficient=0.5, p=0.2, unit=word),
        "subgroups": plots.subgroup_forest(SUBGROUPS.replace({"label": {"All": word}}), p=0.4),
        "rmst": plots.rmst_areas(CURVES.replace({"group": {"a": word}}), MEANS.replace({"label": {"a": word}}), 4, unit=word),
    }


def strings(value: object) -> list[str]:
    if isinstance(value, dict):
        return [s for v in value.values() for s in strings(v)]
    if isinstance(value, list):
        return [s for v in value for s in strings(v)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize("name", sorted(every_figure()))
def test_theme_and_sentence(name: str) -> None:
    figure = every_figure()[name]
    meta = figure.layout.meta
    assert meta["title"] and meta["table"] and meta["caption"].endswith(".")
    assert figure.layout.template.layout.colorway[0] == theme.PALETTE[0]


@pytest.mark.parametrize("name", sorted(every_figure()))
def test_user_strings_are_no_markup(name: str) -> None:
    content = json.loads(every_figure(EVIL)[name].to_json())
    content["layout"].pop("meta")
    assert set(re.findall(r"<[^>]*>?", " ".join(strings(content)))) <= {"<br>", "<extra>", "</extra>"}


def test_scores_have_a_line_and_bars_for_each_model() -> None:
    figure = plots.horizon_scores(SCORES, "auc", unit="months")
    assert [t.name for t in figure.data] == ["A", "B"]
    assert list(figure.data[1].y) == [0.65, 0.8]
    assert list(figure.data[0].error_y.array) == pytest.approx([0.1, 0.1])
    assert "At 60 months the largest time-dependent AUC is that of B, 0.80 (0.70 to 0.90)" in figure.layout.meta["caption"]
    brier = plots.horizon_scores(SCORES, "brier").layout.meta["caption"]
    assert "smallest Brier score is that of A" in brier


def test_scores_of_one_model() -> None:
    figure = plots.horizon_scores(SCORES.query("model == 'A'").drop(columns=["model", "lower", "upper"]), "ipa")
    assert len(figure.data) == 1 and figure.layout.showlegend is False
    assert figure.data[0].error_y.array is None


def test_profile_marks_its_maximum() -> None:
    figure = plots.cutpoint_profile(PROFILE, marker="Ki67", p=0.03)
    assert (list(figure.data[1].x), list(figure.data[1].y)) == ([2.0], [2.5])
    assert "at 2 (5 units up to it, 5 above), corrected p = 0.030" in figure.layout.meta["caption"]
    two = plots.cutpoint_profile(PAIRS)
    assert "3 pairs" in two.layout.meta["caption"] and "at 1 and 3" in two.layout.meta["caption"]
    # rows are upper cut-points: (2, 1) = 4, (3, 1) = 9, (3, 2) = 1, nothing at (2, 2)
    np.testing.assert_array_equal(np.asarray(two.data[0].z, float), [[4, np.nan], [9, 1]])


def test_residuals_are_drawn_with_the_smooth() -> None:
    smooth = stats.schoenfeld_smooth(RESIDUALS)
    figure = plots.schoenfeld(RESIDUALS, smooth, "x", coefficient=0.5, p=0.04)
    assert len(figure.data[0].x) == 20
    line = next(t for t in figure.data if t.name == "smooth")
    np.testing.assert_allclose(line.y, smooth["estimate"])
    assert "p = 0.040" in figure.layout.meta["caption"] and "20 events" in figure.layout.meta["caption"]


def test_areas_end_at_the_horizon() -> None:
    figure = plots.rmst_areas(CURVES, MEANS, 4)
    # S of a: 1 to 1, ½ to 3, ¼ to 4: area 1 + 1 + ¼ is what the table would say
    assert list(figure.data[0].x) == [0, 1, 3, 4] and list(figure.data[0].y) == [1, 0.5, 0.25, 0.25]
    assert figure.data[1].name == "b: 2.50 (2.00 to 3.00)"
    assert "first 4" in figure.layout.meta["caption"]


def test_areas_of_numeric_groups() -> None:
    km = stats.kaplan_meier([1, 2, 3, 4], [1, 1, 1, 1], [0.0, 1.0, 0.0, 1.0])
    table = stats.rmst([1, 2, 3, 4], [1, 1, 1, 1], 3, group=[0.0, 1.0, 0.0, 1.0]).to_frame()
    assert len(plots.rmst_areas(km.curve, table, 3).data) == 2


def test_subgroups_say_sizes_and_interaction() -> None:
    figure = plots.subgroup_forest(SUBGROUPS, p=0.4)
    assert list(figure.layout.yaxis.ticktext)[::-1] == ["All (12/30)", "sex: f (0/10)", "sex: m (12/20)"]
    assert figure.layout.meta["caption"].endswith("Test of interaction: p = 0.400.")
    assert [a.text for a in figure.layout.annotations].count("not estimable") == 1


@pytest.mark.parametrize("draw", [
    lambda: plots.horizon_scores(SCORES[:0]),
    lambda: plots.cutpoint_profile(PROFILE[:0]),
    lambda: plots.schoenfeld(RESIDUALS, stats.schoenfeld_smooth(RESIDUALS), "other"),
    lambda: plots.subgroup_forest(SUBGROUPS[:0]),
    lambda: plots.rmst_areas(CURVES, MEANS.replace({"label": {"a": "z"}}), 4),
])  # fmt: skip
def test_nothing_to_draw(draw) -> None:
    with pytest.raises(RadiogenError) as caught:
        draw()
    assert caught.value.code == "RG705"


def test_an_unknown_measure_is_refused() -> None:
    with pytest.raises(RadiogenError) as caught:
        plots.horizon_scores(SCORES, "c")
    assert caught.value.code == "RG708"


def test_smooth_of_a_straight_line_is_the_line() -> None:
    r = RESIDUALS.assign(x=2 + 3 * RESIDUALS["transformed"] ** 1)
    s = stats.schoenfeld_smooth(r, points=5)
    np.testing.assert_allclose(s["estimate"], 2 + 3 * s["transformed"])
    np.testing.assert_allclose(s["upper"] - s["lower"], 0, atol=1e-6)
    for bad, code in ((r[:5], "RG701"), (r.drop(columns="time"), "RG705")):
        with pytest.raises(RadiogenError) as caught:
            stats.schoenfeld_smooth(bad)
        assert caught.value.code == code
