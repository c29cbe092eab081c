"""Learning curves and risk against coverage draw the numbers they get."""

from __future__ import annotations

import pandas as pd
import pytest

from radiogen.errors import RadiogenError
from radiogen.plots import theme
from radiogen.plots.training import learning_curves, risk_coverage_curve

ROWS = [
    (m, e, part, head, loss + m + (head == "total"))
    for m in (0, 1) for part, losses in (("train", (0.9, 0.5, 0.3)), ("validation", (0.8, 0.4, 0.6)))
    for e, loss in enumerate(losses) for head in ("TP53", "total")
]  # fmt: skip
HISTORY = pd.DataFrame(ROWS, columns=["member", "epoch", "part", "head", "loss"])


def test_one_network() -> None:
    fig = learning_curves(HISTORY[HISTORY["member"] == 0], "TP53")
    train, validation, least = fig.data
    assert list(train.x) == [1, 2, 3] and list(train.y) == [0.9, 0.5, 0.3]
    assert list(validation.y) == [0.8, 0.4, 0.6]
    assert list(least.x) == [2] and list(least.y) == [0.4]
    assert fig.layout.meta["caption"] == "Of 3 epochs the validation loss of TP53 is least at epoch 2, with 0.400."
    assert fig.layout.template.layout.colorway[0] == theme.PALETTE[0]


def test_an_ensemble_in_a_band() -> None:
    fig = learning_curves(HISTORY)
    high, low, median = fig.data[:3]
    assert list(high.y) == pytest.approx([2.9, 2.5, 2.3]) and list(low.y) == pytest.approx([1.9, 1.5, 1.3])
    assert list(median.y) == pytest.approx([2.4, 2.0, 1.8])
    assert "2 networks" in fig.layout.meta["caption"]


def test_without_validation_and_without_a_loss() -> None:
    caption = learning_curves(HISTORY[HISTORY["part"] == "train"], "TP53").layout.meta["caption"]
    assert "nothing was put aside" in caption and "is 0.800;" in caption
    with pytest.raises(RadiogenError) as caught:
        learning_curves(HISTORY, "os")
    assert caught.value.code == "RG705"


def test_risk_by_coverage() -> None:
    frame = pd.DataFrame({"coverage": [0.4, 0.8, 1.0], "risk": [0.0, 0.1, 0.25]})
    fig = risk_coverage_curve(frame)
    assert list(fig.data[0].x) == [0.4, 0.8, 1.0] and list(fig.data[0].y) == [0.0, 0.1, 0.25]
    caption = fig.layout.meta["caption"].replace("\u202f", " ").replace("\xa0", " ")
    assert caption == "Share of wrong predictions: 0.100 with 80 % predicted and 0.250 with all."
    both = risk_coverage_curve(pd.concat([frame.assign(model="fusion"), frame.assign(model='<b onclick="x">')]))
    assert both.layout.showlegend and "<b onclick" not in both.data[1].name
    with pytest.raises(RadiogenError):
        risk_coverage_curve(frame[:0])
