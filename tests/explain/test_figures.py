"""Figures of attributions: the numbers they are given, a sentence, no markup of a user's."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from radiogen.errors import RadiogenError
from radiogen.plots import theme
from radiogen.plots.activation_maps import activation_overlay
from radiogen.plots.attribution_checks import interaction_heatmap, perturbation_curves
from radiogen.plots.attribution_units import attribution_over_time, waterfall
from radiogen.plots.attributions import VALUE_SCALE, attribution_bar, beeswarm, dependence

EVIL = '<img src=x onerror="alert(1)">'
NAN = float("nan")


def frame(features: int = 3, units: int = 4, word: str = "swe_mean_kpa") -> pd.DataFrame:
    """Unit u and feature f: attribution (f + 1) * (u - 1) / 10, value u; base 1."""
    rows = [
        {"unit": u, "output": "prediction", "feature": word if f == 0 else f"f{f}", "value": (f + 1) * (u - 1) / 10,
         "feature_value": float(u), "base": 1.0, "residual": 0.0}
        for u in range(units) for f in range(features)
    ]  # fmt: skip
    long = pd.DataFrame(rows)
    return long.assign(prediction=1.0 + long.groupby("unit")["value"].transform("sum"))


def importance(features: int = 3, word: str = "swe_mean_kpa") -> pd.DataFrame:
    names = [word, *(f"f{i}" for i in range(1, features))]
    sizes = np.arange(features, 0, -1.0)
    return pd.DataFrame({"output": "prediction", "feature": names, "mean_absolute": sizes, "n": 9, "share": sizes / sizes.sum()})


def pairs(word: str = "bmode") -> pd.DataFrame:
    return pd.DataFrame({"unit": [0, 1, 0, 1], "output": "prediction", "first": word, "second": ["swe", "swe", "ceus", "ceus"], "value": [0.5, 0.7, -0.1, NAN]})


def over_time(word: str = "a") -> pd.DataFrame:
    return pd.DataFrame({"unit": [0, 0, 1, 1] * 2, "time": [1.0, 2.0] * 4, "feature": [word] * 4 + ["b"] * 4, "value": [-0.1, -0.2, 0.3, 0.4, 0, 0, 0, 0.01]})


def curves() -> pd.DataFrame:
    return pd.DataFrame({"kind": ["deletion"] * 4, "order": ["attribution", "attribution", "random", "random"], "share": [0, 1, 0, 1.0], "prediction": [3, 0, 3, 0.0]})


def picture() -> tuple[np.ndarray, np.ndarray]:
    return np.full((20, 30), 100, dtype=np.uint8), np.outer(np.arange(20.0), np.ones(30))


def every(word: str) -> dict[str, object]:
    return {
        "beeswarm": beeswarm(frame(word=word), scale=word),
        "bar": attribution_bar(importance(word=word), scale=word, groups={word: word, "f1": "swe"}),
        "dependence": dependence(frame(word=word), word, colour_by="f1", scale=word),
        "waterfall": waterfall(frame(word=word).assign(unit=lambda f: f["unit"].map(lambda u: f"{word}{u}")), f"{word}3", scale=word),
        "time": attribution_over_time(over_time(word), unit_of_time=word),
        "interactions": interaction_heatmap(pairs(word), scale=word),
        "curves": perturbation_curves(curves(), scale=word),
        "overlay": activation_overlay(*picture(), title=word, of=word, meaning=word, note=word),
    }


@pytest.mark.parametrize("name", list(every("x")))
def test_a_user_s_string_never_becomes_markup(name):
    fig = every(EVIL)[name]
    plain = json.loads(fig.to_json())  # type: ignore[attr-defined]
    # title and caption are plain text, which whoever shows them escapes
    del plain["layout"]["meta"]
    assert "<img" not in json.dumps(plain)
    meta = fig.layout.meta  # type: ignore[attr-defined]
    assert meta["title"] and meta["caption"].endswith((".", ">")) and meta["table"] and meta["min_width"] >= 0


def test_more_than_twenty_features_are_summed_in_one_row():
    data = frame(features=25, units=5)
    fig = beeswarm(data)
    labels = list(fig.layout.yaxis.ticktext)
    assert len(labels) == 21 and labels[-1] == "5 others, summed" and labels[0] == "f24"
    # the others are the features of the smallest attributions, 1 to 5: unit 4 has 3 * 15 / 10
    last = [t for t in fig.data if np.round(np.mean(t.y)) == 0]
    assert max(last[0].x) == pytest.approx(4.5)
    bars = attribution_bar(importance(25))
    assert bars.data[0].x[-1] == pytest.approx(1 + 2 + 3 + 4 + 5) and bars.layout.yaxis.ticktext[-1] == "5 others, summed"
    steps = waterfall(data, 4).layout.meta["data"]
    assert len(steps["step"]) == 23 and steps["step"][1] == "5 others, summed" and steps["value"][1] == pytest.approx(4.5)


def test_the_beeswarm_draws_every_attribution_with_the_rank_of_its_value():
    fig = beeswarm(frame())
    assert len(fig.data) == 3 and sorted(fig.data[2].x) == pytest.approx([-0.1, 0, 0.1, 0.2])
    assert list(fig.data[2].marker.color) == pytest.approx([0, 1 / 3, 2 / 3, 1])
    assert "Over 4 units f2 has the largest mean absolute attribution (0.300)" in fig.layout.meta["caption"]
    lacking = frame().assign(feature_value=NAN)
    assert beeswarm(lacking).data[0].marker.symbol == "circle-open"


def test_the_scale_of_values_has_contrast_on_both_grounds():
    assert all(colour in theme.DARK for _, colour in VALUE_SCALE)


def test_a_large_cohort_is_thinned_and_says_so():
    fig = beeswarm(frame(features=1, units=900))
    assert len(fig.data[0].x) == 400 and "thinned" in fig.layout.meta["caption"]


def test_the_waterfall_leads_from_base_to_prediction():
    """Unit 3 has .2, .4 and .6 beyond the base 1; the largest stands on top."""
    fig = waterfall(frame(), 3)
    bars = [t for t in fig.data if t.type == "bar"]
    assert [b.base[0] for b in bars] == pytest.approx([1, 1.2, 1.6]) and [b.x[0] for b in bars] == pytest.approx([0.2, 0.4, 0.6])
    assert list(fig.layout.yaxis.ticktext) == ["base", "SWE mean (kPa) = 3", "f1 = 3", "f2 = 3", "prediction"]
    assert "The prediction 2.20 lies 1.20 above the base 1; f2 raises it most" in fig.layout.meta["caption"]


def test_the_waterfall_shows_what_is_not_attributed_and_what_is_absent():
    data = frame()
    data.loc[(data["unit"] == 3) & (data["feature"] == "f1"), "value"] = NAN
    fig = waterfall(data.assign(residual=-0.25), 3)
    assert fig.layout.meta["data"]["step"][1] == "residual: not attributed" and "does not have f1" in fig.layout.meta["caption"]


def test_several_outputs_need_a_choice():
    data = pd.concat([frame(), frame().assign(output="B")])
    with pytest.raises(RadiogenError, match="several outputs"):
        beeswarm(data)
    assert len(beeswarm(data, output="B").data) == 3


@pytest.mark.parametrize("draw", [
    lambda: beeswarm(frame().assign(value=NAN)), lambda: waterfall(frame(), 99), lambda: dependence(frame(), "none"),
    lambda: dependence(frame().drop(columns="feature_value"), "f1"), lambda: attribution_over_time(over_time(), unit=9),
    lambda: perturbation_curves(curves().iloc[:0]), lambda: activation_overlay(np.zeros((4, 4)), np.zeros((3, 4))),
    lambda: activation_overlay(np.zeros((4, 4)), np.full((4, 4), NAN)), lambda: activation_overlay(np.zeros(4), np.zeros(4)),
])  # fmt: skip
def test_what_cannot_be_drawn_is_refused(draw):
    with pytest.raises(RadiogenError):
        draw()


def test_interactions_are_means_over_the_units_that_have_both():
    fig = interaction_heatmap(pairs(), cross_modal=0.25)
    z = np.array(fig.data[0].z)
    assert z[0, 1] == z[1, 0] == pytest.approx(0.6) and z[0, 2] == pytest.approx(-0.1) and np.isnan(z[1, 2])
    assert "interactions make up 25\u00a0% of the attribution" in fig.layout.meta["caption"]


def test_mean_absolute_and_signed_curves_over_time():
    assert list(attribution_over_time(over_time()).data[0].y) == pytest.approx([0.2, 0.3])
    assert list(attribution_over_time(over_time(), unit=0).data[0].y) == pytest.approx([-0.1, -0.2])


def test_the_overlay_has_its_scale_and_where_it_is_strongest():
    fig = activation_overlay(*picture(), of="TP53")
    heat = next(t for t in fig.data if t.type == "heatmap")
    assert np.array(heat.z).max() == 1 and heat.zmin == 0 and heat.colorbar.title.text == "Share of the largest value"
    assert "The map for TP53 is strongest (19) 98\u00a0% of the way down" in fig.layout.meta["caption"]
    assert len(fig.layout.images) == 2 and fig.layout.images[0].source.startswith("data:image/png;base64,")
    both = activation_overlay(picture()[0], picture()[1] - 10)
    assert next(t for t in both.data if t.type == "heatmap").zmin == -1
    assert "zero everywhere" in activation_overlay(picture()[0], np.zeros((20, 30))).layout.meta["caption"]


@pytest.mark.parametrize("shape", [(200, 310), (3, 200, 310), (200, 310, 3), (1, 200, 310)])
def test_pictures_of_any_form(shape):
    fig = activation_overlay(np.zeros(shape), np.ones((200, 310)))
    z = np.array(next(t for t in fig.data if t.type == "heatmap").z)
    assert max(z.shape) <= 96 and (z == 1).all()
