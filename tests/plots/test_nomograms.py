"""Nomograms and competing risks drawn: ticks stand where the points are, labels do not lie on each other, text stays text."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from radiogen import plots, stats
from radiogen.errors import RadiogenError
from radiogen.plots import theme
from radiogen.plots.nomogram_rows import nomogram_rows

EVIL = '<img src=x onerror="alert(1)">'
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    n = 120
    age, stage = rng.uniform(30, 80, n), rng.choice(list("abc"), n)
    time = rng.exponential(40 * np.exp(-0.03 * (age - 50) - 0.5 * (stage == "c")))
    status = rng.choice([0, 1, 2], n, p=[0.3, 0.5, 0.2])
    return pd.DataFrame({"time": time + 0.1, "status": status, "event": (status == 1) * 1, "age": age, "stage": stage})


@pytest.fixture(scope="module")
def nomogram(data: pd.DataFrame) -> stats.NomogramResult:
    return stats.nomogram(stats.cox_regression(data, "time", "event", ["age", "stage"]), [12, 36])


def test_ticks_stand_at_their_points(nomogram: stats.NomogramResult) -> None:
    rows = {r.title: r for r in nomogram_rows(nomogram, 300, 11)}
    assert list(rows) == ["Points", "age", "stage", "Total points", "Risk by 12", "Risk by 36"]
    own = nomogram.axes[nomogram.axes["axis"] == "age"]
    assert [t.place for t in rows["age"].ticks] == pytest.approx((own["points"] / 100).tolist())
    top = nomogram.total[-1]
    for title, column in (("Risk by 12", "risk_12"), ("Risk by 36", "risk_36")):
        for tick in rows[title].ticks:
            assert nomogram.predict(tick.place * top)[column].iloc[0] == pytest.approx(float(tick.label), rel=1e-9)


@pytest.mark.parametrize("room", [250, 300, 900])
def test_labels_do_not_lie_on_each_other(nomogram: stats.NomogramResult, room: float) -> None:
    for row in nomogram_rows(nomogram, room, 11):
        for side in (-1, 1):
            ends = sorted((t.place * room - 3 * len(t.label), t.place * room + 3 * len(t.label)) for t in row.ticks if t.side == side)
            assert all(left[1] < right[0] for left, right in pairwise(ends))
        assert all(t.side for t in (row.ticks[0], row.ticks[-1]))


def test_an_axis_that_runs_back_has_labels_above() -> None:
    rng = np.random.default_rng(1)
    x = rng.uniform(0, 10, 400)
    frame = pd.DataFrame({"x": x, "y": (rng.uniform(size=400) < 1 / (1 + np.exp((x - 5) ** 2 / 4 - 1))).astype(int)})
    terms = stats.model_terms(frame, ["x"], splines={"x": 4})
    result = stats.nomogram(stats.logistic_regression(terms.frame, "y", terms.columns), terms=terms)
    row = nomogram_rows(result, 300, 11)[1]
    places = np.array([t.place for t in row.ticks])
    top = int(places.argmax())
    assert 2 < top < 8
    shown = [(k, t.side) for k, t in enumerate(row.ticks) if t.side and k not in (top, top + 1)]
    assert any(side == 1 for k, side in shown if k > top + 1) and any(side == -1 for k, side in shown if k < top)


def test_the_figure_has_the_theme_and_a_sentence(nomogram: stats.NomogramResult) -> None:
    figure = plots.nomogram(nomogram, labels={"age": "Age (years)"}, event="death", unit="months")
    meta = figure.layout.meta
    assert figure.layout.template.layout.colorway[0] == theme.PALETTE[0]
    assert meta["table"] == "nomogram" and meta["min_width"] <= 360
    best = "Age (years)" if nomogram.estimate[0] == 100 else "stage"
    assert meta["caption"].startswith(f"Nomogram of 2 predictors; {best} spans the most points. At ")
    assert "risk of death by 12 months is 0." in meta["caption"] and meta["caption"].endswith(".")
    titles = [a.text for a in figure.layout.annotations]
    assert "Age (years)" in titles and "Risk of death by 36 months" in titles
    hover = [h for t in figure.data if t.mode == "markers" for h in t.text]
    assert any(h.startswith("Age (years): 30, ") for h in hover)


def test_a_user_string_never_becomes_markup(data: pd.DataFrame) -> None:
    frame = data.rename(columns={"stage": EVIL}).assign(**{EVIL: data["stage"] + EVIL})
    result = stats.nomogram(stats.cox_regression(frame, "time", "event", ["age", EVIL]), [12])
    content = json.loads(plots.nomogram(result, event=EVIL, unit=EVIL).to_json())
    content["layout"].pop("meta")
    content["layout"].pop("template")
    assert not re.findall(r"<img", json.dumps(content)) and "&lt;img src" in json.dumps(content)
    tree = ElementTree.fromstring(plots.nomogram_svg(result, title=EVIL, event=EVIL, unit=EVIL))
    assert {e.tag.removeprefix(SVG) for e in tree.iter()} <= {"svg", "title", "rect", "path", "text"}


def test_svg_is_a_page_in_millimetres(nomogram: stats.NomogramResult, tmp_path) -> None:
    words = plots.nomogram_svg(nomogram, tmp_path / "n.svg", width=150, title="Survival", unit="months")
    assert (tmp_path / "n.svg").read_text(encoding="utf-8") == words
    tree = ElementTree.fromstring(words)
    assert tree.get("width") == "150mm" and tree.get("viewBox").split()[2] == "150"
    texts = [t.text for t in tree.iter(f"{SVG}text")]
    assert {"Survival", "Points", "age", "stage", "Total points", "Risk by 12 months", "a", "b", "c"} <= set(texts)
    height = float(tree.get("viewBox").split()[3])
    for element in tree.iter(f"{SVG}text"):
        assert 0 < float(element.get("x")) < 150 and 0 < float(element.get("y")) < height
    # the tick of 100 points is at the end of the axis, 8 mm from the edge
    hundred = next(t for t in tree.iter(f"{SVG}text") if t.text == "100")
    assert float(hundred.get("x")) == pytest.approx(142)


def test_a_logistic_model_and_its_linear_predictor(data: pd.DataFrame) -> None:
    result = stats.nomogram(stats.logistic_regression(data, "event", ["age", "stage"]))
    titles = [r.title for r in nomogram_rows(result, 300, 11, event="relapse", linear=True)]
    assert titles[-2:] == ["Linear predictor", "Probability of relapse"]
    without = stats.nomogram(stats.cox_regression(data, "time", "event", ["age"]))
    assert nomogram_rows(without, 300, 11)[-1].title == "Linear predictor"
    assert "the linear predictor is" in plots.nomogram(without).layout.meta["caption"]


@pytest.mark.parametrize(("code", "call"), [
    ("RG705", lambda n: plots.nomogram(pd.DataFrame())),
    ("RG705", lambda n: plots.nomogram_svg(None)),
    ("RG708", lambda n: plots.nomogram_svg(n, width=10)),
])  # fmt: skip
def test_what_is_no_nomogram_is_refused(nomogram: stats.NomogramResult, code: str, call) -> None:
    with pytest.raises(RadiogenError) as error:
        call(nomogram)
    assert error.value.code == code


# -- competing risks


def test_every_cause_and_group_has_a_curve(data: pd.DataFrame) -> None:
    result = stats.cumulative_incidence(data["time"], data["status"], data["stage"])
    test = stats.gray_test(data["time"], data["status"], data["stage"])
    figure = plots.cumulative_incidences(result, causes={1: "relapse", 2: "death"}, unit="months", test=test)
    names = [t.name for t in figure.data if t.showlegend]
    assert sorted(names) == sorted(f"{c}, {g}" for c in ("relapse", "death") for g in "abc")
    assert "Gray's test: p " in figure.layout.meta["caption"] and "for death." in figure.layout.meta["caption"]
    one = plots.cumulative_incidences(result, causes={2: "death"})
    assert len([t for t in one.data if t.showlegend]) == 3
    with pytest.raises(RadiogenError):
        plots.cumulative_incidences(result, causes={9: "x"})


def test_stacked_states_add_up_to_one(data: pd.DataFrame) -> None:
    result = stats.cumulative_incidence(data["time"], data["status"], data["stage"])
    figure = plots.stacked_incidence(result, "b", causes={1: EVIL}, unit="months")
    total = np.sum([np.asarray(t.y, float) for t in figure.data], axis=0)
    assert total == pytest.approx(np.ones(total.size)) and len(figure.data) == 3
    assert "<img" not in json.dumps([t.name for t in figure.data])
    last = result.incidence_at(1e9)
    want = last[(last["group"] == "b") & (last["cause"] == 1)]["incidence"].iloc[0]
    assert figure.data[0].y[-1] == pytest.approx(want)
    with pytest.raises(RadiogenError):
        plots.stacked_incidence(result)
