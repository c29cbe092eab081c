"""Figures of contributions and of drift draw the numbers given and say the largest."""

from __future__ import annotations

import json
from itertools import pairwise

import pandas as pd
import pytest

from radiogen import plots
from radiogen.errors import RadiogenError

EVIL = '<img src=x onerror="alert(1)">'


def shares(classes: tuple[str, ...] = ("mutated",)) -> pd.DataFrame:
    return pd.DataFrame([
        {"class": c, "modality": m, "estimate": e, "lower": e - 0.1, "upper": e + 0.2, "share": s, "n": n, "residual": 2e-7}
        for c in classes for m, e, s, n in (("clinical", 0.3, 0.25, 40), ("swe", 0.9, 0.75, 31))
    ])  # fmt: skip


def drifts() -> pd.DataFrame:
    return pd.DataFrame([
        {"model": "fusion", "inputs": "swe", "metric": "AUC of mutated", "development": 0.8, "estimate": 0.7, "lower": 0.6,
         "upper": 0.75, "n": 50},
        {"model": "fusion", "inputs": "clinical + swe", "metric": "AUC of mutated", "development": 0.8, "estimate": 0.75,
         "lower": 0.65, "upper": 0.85, "n": 50},
        {"model": "fusion", "inputs": "swe", "metric": "calibration slope", "development": float("nan"), "estimate": 0.5,
         "lower": 0.2, "upper": 0.8, "n": 50},
    ])  # fmt: skip


def test_bars_hold_the_contributions_with_their_intervals() -> None:
    figure = plots.modality_contributions(shares(), scale="log-odds")
    bar = figure.data[0]
    assert list(bar.x) == [0.3, 0.9] and list(bar.y) == [0.0, 1.0]
    assert list(bar.error_x.array) == pytest.approx([0.2, 0.2]) and list(bar.error_x.arrayminus) == pytest.approx([0.1, 0.1])
    assert list(figure.layout.yaxis.ticktext) == ["clinical data", "shear-wave elastography"]
    assert figure.layout.xaxis.title.text == "Mean absolute Shapley value (log-odds)" and not figure.layout.showlegend
    assert [a.text for a in figure.layout.annotations] == ["25\u00a0% of all", "75\u00a0% of all"]
    assert figure.layout.meta["caption"] == (
        "On average shear-wave elastography moved the log-odds of mutated by 0.90 (0.80 to 1.10), the most of 2 modalities, "
        "and made up 75\u00a0% of all contributions; contributions add up to the predictions to within 2e-07."
    )


def test_several_classes_have_bars_of_their_own_that_do_not_cover_each_other() -> None:
    figure = plots.modality_contributions(shares(("A", "B", "C")))
    assert [b.name for b in figure.data] == ["A", "B", "C"] and figure.layout.showlegend
    places = sorted(y for b in figure.data for y in b.y)
    assert min(b - a for a, b in pairwise(places)) >= figure.data[0].width
    assert len({(b.marker.color, b.marker.pattern.shape) for b in figure.data}) == 3


def test_drift_shows_here_and_development() -> None:
    figure = plots.drift(drifts(), "AUC of mutated")
    before, here = figure.data
    assert list(before.x) == [0.8, 0.8] and list(here.x) == [0.7, 0.75] and list(here.y) == [1, 0]
    assert figure.layout.meta["title"] == "AUC of mutated here and in development"
    assert figure.layout.meta["caption"] == (
        "1 of 2 intervals does not hold the value of development; for fusion network on clinical + swe the AUC of mutated is "
        "0.75 (0.65 to 0.85) here and 0.800 in development."
    )
    assert "not known in development" in plots.drift(drifts(), "calibration slope").layout.meta["caption"]
    assert plots.drift(drifts(), "calibration slope").layout.shapes[0].x0 == 1.0


def test_nothing_to_draw_is_refused() -> None:
    with pytest.raises(RadiogenError) as error:
        plots.modality_contributions(shares().assign(estimate=float("nan")))
    assert error.value.code == "RG705"
    with pytest.raises(RadiogenError) as error:
        plots.drift(drifts(), "Harrell C")
    assert error.value.code == "RG705"


def test_texts_of_the_data_cannot_be_markup() -> None:
    frame = shares().assign(modality=["a", EVIL], **{"class": EVIL})
    for figure in (plots.modality_contributions(frame), plots.drift(drifts().assign(inputs=EVIL), "AUC of mutated")):
        shown = json.loads(figure.to_json())
        shown["layout"].pop("meta")
        assert "<img" not in json.dumps(shown)
