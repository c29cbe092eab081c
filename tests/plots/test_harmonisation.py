"""Figures of harmonisation draw the numbers given and tell batches apart without colour."""

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


def shares() -> pd.DataFrame:
    return pd.DataFrame({"stage": ["before"] * 4 + ["after"] * 4, "partial": [0.2, 0.4, 0.05, 0.6, 0.0, 0.001, 0.002, 0.003]})


def units(batches: int = 3, each: int = 5, word: str = "") -> pd.DataFrame:
    rng = np.random.default_rng(0)
    names = [f"{word}s{i:02d}" for i in range(batches) for _ in range(each + (i == 1))]
    part = pd.DataFrame({"batch": names, "pc1": rng.normal(size=len(names)), "pc2": rng.normal(size=len(names))})
    return pd.concat([part.assign(stage="before"), part.assign(stage="after", pc1=part["pc1"] / 2)], ignore_index=True)


def test_the_distribution_is_drawn_over_features() -> None:
    figure = plots.batch_variance(shares(), what="scanner")
    before = figure.data[0]
    assert list(before.x) == [0, 0.05, 0.2, 0.4, 0.6] and list(before.y) == [0, 0.25, 0.5, 0.75, 1]
    assert {t.line.dash for t in figure.data} == {"solid", "dash"}
    assert [t.name for t in figure.data] == ["before", "after"]


def test_the_caption_says_the_medians() -> None:
    caption = plots.batch_variance(shares(), what="scanner").layout.meta["caption"]
    assert caption == (
        "The scanner explains 30\u00a0% of the variance of the median feature before (more than 10\u00a0% in 3 of 4 features) and "
        "0.1\u00a0% of the variance of the median feature after (more than 10\u00a0% in 0 of 4 features)."
    )


def test_many_features_are_thinned_and_keep_their_ends() -> None:
    many = pd.DataFrame({"stage": "before", "partial": np.random.default_rng(0).uniform(size=5000)})
    curve = plots.batch_variance(many).data[0]
    assert len(curve.x) <= 401 and curve.x[-1] == many["partial"].max() and curve.y[-1] == 1


def test_every_batch_has_a_colour_and_a_symbol_of_its_own() -> None:
    figure = plots.batch_components(units(10))
    signs = {(t.marker.color, t.marker.symbol) for t in figure.data}
    assert len(signs) == 10 and len(figure.data) == 20
    three = plots.batch_components(units(3)).data
    assert len({t.marker.symbol for t in three}) == 3
    assert [t.showlegend for t in three] == [True] * 3 + [False] * 3
    assert {t.xaxis for t in three} == {"x", "x2"}


def test_points_are_the_units() -> None:
    data = units(3)
    figure = plots.batch_components(data)
    second = next(t for t in figure.data if t.name == "s01" and t.xaxis == "x2")
    expected = data[(data["batch"] == "s01") & (data["stage"] == "after")]
    np.testing.assert_array_equal(second.x, expected["pc1"])
    np.testing.assert_array_equal(second.y, expected["pc2"])


def test_beyond_twelve_batches_the_small_ones_are_others() -> None:
    figure = plots.batch_components(units(15))
    names = list(dict.fromkeys(t.name for t in figure.data))
    assert len(names) == 13 and names[0] == "s01" and names[-1] == "other"
    assert "the 12 with the most units have signs of their own" in figure.layout.meta["caption"]


def test_shares_of_the_components_are_at_the_axes() -> None:
    data = units(2)
    before = data["stage"] == "before"
    data = data.assign(share1=np.where(before, 0.5, 0.3), share2=np.where(before, 0.2, 0.1))
    figure = plots.batch_components(data, what="scanner")
    assert figure.layout.xaxis.title.text == "Component 1 (50\u00a0%)" and figure.layout.yaxis2.title.text == "Component 2 (10\u00a0%)"
    assert figure.layout.meta["caption"] == (
        "11 units of 2 scanners, before and after harmonisation; the two components hold 70\u00a0% before and 40\u00a0% after of the variance."
    )


def test_theme_meta_and_escaped_words() -> None:
    for figure in (
        plots.batch_variance(shares().assign(stage=EVIL), what=EVIL), plots.batch_components(units(2, word=EVIL), what=EVIL)
    ):  # fmt: skip
        assert figure.layout.meta["title"] and figure.layout.meta["caption"].endswith(".")
        assert figure.layout.template.layout.colorway[0] == theme.PALETTE[0]
        content = json.loads(figure.to_json())
        content["layout"].pop("meta")
        tags = set(re.findall(r"<[^>]*>?", json.dumps(content, ensure_ascii=False)))
        assert tags <= {"<br>", "<extra>", "</extra>"}


def test_what_cannot_be_drawn_is_refused() -> None:
    for call in (
        lambda: plots.batch_variance(shares().assign(partial=np.nan)), lambda: plots.batch_variance(shares().assign(partial=20.0)),
        lambda: plots.batch_components(units().assign(pc1=np.nan)),
    ):  # fmt: skip
        with pytest.raises(RadiogenError) as error:
            call()
        assert error.value.code == "RG705"
