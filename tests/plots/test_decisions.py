"""Figures of decision curves, reclassification and calibration draw the numbers they are given."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest

from radiogen import plots
from radiogen.errors import RadiogenError
from radiogen.plots import theme

EVIL = '<img src=x onerror="alert(1)">'


def curve(word: str = "m") -> pd.DataFrame:
    """Two thresholds; the model is better than both strategies at 0.4 only."""
    rows = [(word, 0.2, 0.30), (word, 0.4, 0.20), ("all", 0.2, 0.35), ("all", 0.4, 0.10), ("none", 0.2, 0.0), ("none", 0.4, 0.0)]
    frame = pd.DataFrame(rows, columns=["model", "threshold", "net_benefit"])
    frame = frame.assign(lower=frame["net_benefit"] - 0.05, upper=frame["net_benefit"] + 0.05)
    for name in ("standardised", "interventions_avoided"):
        frame = frame.assign(**{name: frame["net_benefit"], f"{name}_lower": frame["lower"], f"{name}_upper": frame["upper"]})
    return frame


def table(word: str = "<0.2") -> pd.DataFrame:
    rows = [("event", word, word, 3), ("event", word, "high", 5), ("event", "high", word, 1), ("event", "high", "high", 1),
            ("nonevent", word, word, 8), ("nonevent", word, "high", 2), ("nonevent", "high", word, 6), ("nonevent", "high", "high", 4)]
    return pd.DataFrame(rows, columns=["outcome", "old", "new", "n"])


def index(word: str = "nri") -> pd.DataFrame:
    return pd.DataFrame({"label": [word, "events"], "estimate": [0.3, 0.2], "lower": [0.1, 0.05], "upper": [0.5, 0.35], "p": [0.003, 0.01]})


def bins() -> pd.DataFrame:
    return pd.DataFrame({"lower": [0.0, 0.5], "upper": [0.5, 1.0], "events": [2, 7], "nonevents": [9, 3]})


def every_figure(word: str = "x") -> dict[str, object]:
    line = pd.DataFrame({"model": word, "predicted": [0.1, 0.9], "observed": [0.2, 0.8]})
    return {
        "curve": plots.decision_curve(curve(word)),
        "avoided": plots.decision_curve(curve(word), quantity="interventions_avoided"),
        "table": plots.reclassification_table(table(word)),
        "index": plots.reclassification(index(word).assign(comparison=word)),
        "calibration": plots.calibration_curve(line, bins()),
    }


@pytest.mark.parametrize("name", sorted(every_figure()))
def test_theme_sentence_and_escaping(name: str) -> None:
    figure = every_figure()[name]
    meta = figure.layout.meta
    assert meta["title"] and meta["table"] and meta["caption"].endswith(".")
    assert figure.layout.template.layout.colorway[0] == theme.PALETTE[0]
    content = json.loads(every_figure(EVIL)[name].to_json())
    content["layout"].pop("meta")
    assert "<img" not in re.sub(r"</?extra>|<br>", "", json.dumps(content))
    json.dumps(figure.to_plotly_json(), default=lambda v: v.tolist())


def test_decision_curve_draws_model_band_and_both_strategies() -> None:
    figure = plots.decision_curve(curve())
    named = {t.name: t for t in figure.data if t.showlegend}
    assert list(named) == ["m", "treat all", "treat none"]
    assert list(named["m"].y) == [0.30, 0.20]
    assert sum(t.fill == "tonexty" for t in figure.data) == 1
    caption = figure.layout.meta["caption"].replace("\u00a0", " ")
    assert caption == "m has more net benefit than treating all or none at 40 %, at most by 0.100 at 40 %."
    # treating all falls far below: the axis follows the models
    assert figure.layout.yaxis.range[1] == pytest.approx(0.35 * 1.08)


def test_three_models_have_no_bands_and_a_useless_one_is_called_so() -> None:
    more = pd.concat([curve(), *(curve(name)[:2].assign(net_benefit=-0.1) for name in ("n", "o"))])
    figure = plots.decision_curve(more)
    assert not any(t.fill for t in figure.data)
    assert "n nowhere has more net benefit" in figure.layout.meta["caption"]


def test_reclassification_table_has_a_panel_for_each_outcome() -> None:
    figure = plots.reclassification_table(table())
    assert len(figure.data) == 2
    assert figure.layout.meta["caption"] == "Of 10 events 5 move up and 1 down; of 20 non-events 2 move up and 6 down."
    # an event that moves up and a non-event that moves down have the same colour, and it is not that of the opposite
    events, others = (np.array(t.z, dtype=float) for t in figure.data)
    assert events[0, 1] == others[1, 0] == -events[1, 0] != 0
    assert figure.data[0].text[0][1].replace("\u00a0", " ") == "5<br>50 %"


def test_reclassification_index() -> None:
    figure = plots.reclassification(index())
    assert list(figure.data[0].x) == [0.3, 0.2]
    assert figure.layout.meta["caption"] == "The net reclassification index is 0.30 (0.10 to 0.50) (p = 0.003)."


def test_histogram_stands_below_the_curve() -> None:
    figure = every_figure()["calibration"]
    bars = [t for t in figure.data if t.type == "bar"]
    assert [list(b.y) for b in bars] == [[2, 7], [-9, -3]]
    assert figure.layout.yaxis2.domain[1] < figure.layout.yaxis.domain[0]
    censored = plots.calibration_curve(pd.DataFrame({"predicted": [0.1, 0.9], "observed": [0.2, 0.8]}),
                                       pd.DataFrame({"lower": [0.0], "upper": [1.0], "n": [12]}))
    assert [list(t.y) for t in censored.data if t.type == "bar"] == [[12]]


@pytest.mark.parametrize(
    ("code", "draw"),
    [
        ("RG705", lambda: plots.decision_curve(curve()[:0])), ("RG708", lambda: plots.decision_curve(curve(), quantity="x")),
        ("RG705", lambda: plots.decision_curve(curve().drop(columns="threshold"))),
        ("RG705", lambda: plots.reclassification(index().assign(estimate=np.nan))),
        ("RG705", lambda: plots.reclassification_table(table().assign(old="any"))),
        ("RG705", lambda: plots.reclassification_table(table()[:0])),
    ],
)  # fmt: skip
def test_what_cannot_be_drawn(code: str, draw) -> None:
    with pytest.raises(RadiogenError) as caught:
        draw()
    assert caught.value.code == code
