"""Figures of stability draw the numbers given and say how many features are stable."""

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


def table(word: str = "") -> pd.DataFrame:
    return pd.DataFrame(
        {"model": "2,1", "icc": [0.6, 0.95, np.nan, 0.8], "lower": [0.4, 0.9, np.nan, 0.75], "upper": [0.75, 0.98, np.nan, 0.86],
         "n": 50, "k": 4}, index=[f"{word}busyness", f"{word}mean", f"{word}constant", f"{word}entropy"],
    )  # fmt: skip


def summary(word: str = "") -> pd.DataFrame:
    return pd.DataFrame({
        "filter": [f"{word}original", f"{word}original", "wavelet_LH"], "class": ["glcm", "shape2D", "glcm"], "n": [24, 9, 24],
        "median": [0.8, 0.95, 0.5], "stable": [12, 9, 3], "share": [0.5, 1.0, 0.125],
    })  # fmt: skip


def above() -> pd.DataFrame:
    return pd.DataFrame({"model": "2,1", "threshold": [0.5, 0.75, 0.9], "n": [3, 2, 1], "of": 4, "share": [0.75, 0.5, 0.25]})


def test_few_features_have_rows_from_the_most_stable_on() -> None:
    figure = plots.icc_intervals(table())
    assert list(figure.data[0].x) == [0.95, 0.8, 0.6] and list(figure.data[0].y) == [2, 1, 0]
    assert list(figure.layout.yaxis.ticktext) == ["mean", "entropy", "busyness"]
    np.testing.assert_allclose(figure.data[0].error_x.arrayminus, [0.05, 0.05, 0.2])
    np.testing.assert_allclose(figure.data[0].error_x.array, [0.03, 0.06, 0.15])
    assert figure.layout.shapes[0].x0 == 0.75


def test_the_caption_counts_by_the_lower_limit() -> None:
    caption = plots.icc_intervals(table()).layout.meta["caption"]
    assert caption == (
        "The lower limit of the intraclass correlation reaches 0.75 in 2 of 3 features; the estimates reach from 0.60 (0.40 to 0.75) "
        "for busyness to 0.950 (0.900 to 0.980) for mean; 1 feature has none."
    )


def test_many_features_are_drawn_by_rank() -> None:
    rng = np.random.default_rng(0)
    value = rng.uniform(size=3000)
    many = pd.DataFrame({"icc": value, "lower": value - 0.1, "upper": value + 0.1}, index=[f"f{i}" for i in range(3000)])
    figure = plots.icc_intervals(many)
    points = next(t for t in figure.data if t.name == "estimate")
    assert len(points.x) == 1500 and points.x[0] == 1 and points.x[-1] == 3000
    assert points.y[0] == value.max() and points.y[-1] == value.min() and (np.diff(points.y) <= 0).all()
    assert figure.layout.shapes[0].y0 == 0.75


def test_the_heat_map_has_a_cell_for_each_class_and_filter() -> None:
    figure = plots.icc_heatmap(summary())
    cells = figure.data[0]
    np.testing.assert_array_equal(np.asarray(cells.z, float), [[0.5, 1.0], [0.125, np.nan]])
    assert list(cells.x) == ["glcm", "shape2D"] and list(cells.y) == ["original", "wavelet_LH"]
    assert cells.text[1][1] == "" and "12 of 24 stable" in cells.hovertext[0][0]
    assert figure.layout.meta["caption"] == (
        "24 of 57 features (42\u00a0%) are stable, with a limit of 0.75: most in shape2D of original (100\u00a0%), "
        "fewest in glcm of wavelet_LH (12\u00a0%)."
    )


def test_bars_of_the_thresholds() -> None:
    figure = plots.icc_shares(above())
    assert list(figure.data[0].x) == [0.75, 0.5, 0.25]
    assert list(figure.data[0].y) == ["≥ 0.5 (moderate)", "≥ 0.75 (good)", "≥ 0.9 (excellent)"]
    both = plots.icc_shares(pd.concat([above(), above().assign(model="3,1")]))
    assert [t.name for t in both.data] == ["ICC(2,1)", "ICC(3,1)"] and both.data[1].marker.pattern.shape == "/"


def test_theme_meta_and_escaped_words() -> None:
    many = pd.DataFrame({"icc": np.linspace(0, 1, 60), "lower": 0.0, "upper": 1.0}, index=[f"{EVIL}{i}" for i in range(60)])
    figures = [
        plots.icc_intervals(table(EVIL)), plots.icc_intervals(many), plots.icc_heatmap(summary(EVIL)),
        plots.icc_shares(above().assign(model=EVIL)), plots.icc_shares(pd.concat([above(), above().assign(model=EVIL)])),
    ]  # fmt: skip
    for figure in figures:
        assert figure.layout.meta["title"] and figure.layout.meta["caption"].endswith(".")
        assert figure.layout.template.layout.colorway[0] == theme.PALETTE[0]
        content = json.loads(figure.to_json())
        content["layout"].pop("meta")
        tags = set(re.findall(r"<[^>]*>?", json.dumps(content, ensure_ascii=False)))
        assert tags <= {"<br>", "<extra>", "</extra>"}


def test_what_cannot_be_drawn_is_refused() -> None:
    for call in (
        lambda: plots.icc_intervals(table().assign(icc=np.nan)),
        lambda: plots.icc_intervals(pd.concat([table(), table().assign(model="3,1")])),
        lambda: plots.icc_heatmap(summary().assign(n=0)), lambda: plots.icc_heatmap(pd.concat([summary(), summary()])),
        lambda: plots.icc_shares(above().assign(share=np.nan)),
    ):  # fmt: skip
        with pytest.raises(RadiogenError) as error:
            call()
        assert error.value.code == "RG705"
