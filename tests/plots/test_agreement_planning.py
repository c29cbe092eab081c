"""Figures of agreement, planning and regression tables draw the numbers given and say them."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from radiogen import plots, stats
from radiogen.errors import RadiogenError

EVIL = '<img src=x onerror="alert(1)">'


def measured() -> stats.BlandAltmanResult:
    return stats.bland_altman([10.0, 12, 14, 17, 20], [11.0, 12, 13, 16, 18])


def test_bland_altman_draws_points_bias_and_limits() -> None:
    result = measured()
    fig = plots.bland_altman(result, first="reader A", second="reader B", unit="mm")
    points = fig.data[-1]
    assert list(points.x) == [10.5, 12, 13.5, 16.5, 19] and list(points.y) == [-1, 0, 1, 1, 2]
    lines = [t.y[0] for t in fig.data if t.mode == "lines" and t.fill is None]
    np.testing.assert_allclose(lines, result.estimate)
    bands = [(min(t.y), max(t.y)) for t in fig.data if t.fill == "toself"]
    np.testing.assert_allclose(bands, np.column_stack([result.lower, result.upper]))
    assert fig.layout.xaxis.title.text == "Mean of reader A and reader B (mm)"
    assert fig.layout.yaxis.title.text == "reader A − reader B (mm)"
    assert fig.layout.meta["data"]["difference"] == [-1, 0, 1, 1, 2]
    assert "In 5 units reader A minus reader B is on average 0.600" in fig.layout.meta["caption"]


def test_ratios_have_their_line_at_one() -> None:
    fig = plots.bland_altman(stats.bland_altman([10.0, 12, 14, 17], [11.0, 12, 13, 16], scale="ratio"))
    assert fig.layout.shapes[0].y0 == 1 and "times second" in fig.layout.meta["caption"]


def test_curve_of_power_has_its_band_and_target() -> None:
    frame = pd.DataFrame({"n": [40, 20, 60], "estimate": [0.7, 0.4, 0.9], "lower": [0.6, 0.3, 0.8], "upper": [0.8, 0.5, 0.95]})
    fig = plots.sample_size_curve(frame, target=0.8)
    assert list(fig.data[1].x) == [20, 40, 60] and list(fig.data[1].y) == [0.4, 0.7, 0.9]
    assert list(fig.data[0].y) == [0.3, 0.6, 0.8, 0.95, 0.8, 0.5]
    assert fig.layout.shapes[0].y0 == 0.8
    assert fig.layout.meta["caption"] == "Power first reaches 0.8 at 60 (patients)."
    never = plots.sample_size_curve(frame, target=0.99)
    assert never.layout.meta["caption"] == "Power does not reach 0.99 (patients)."


def test_curves_of_several_models_have_symbols_of_their_own() -> None:
    sizes = [{"model": m, "hr": hr, "events": stats.sample_size_log_rank(hr, method=m).events}
             for m in ("schoenfeld", "freedman") for hr in (0.5, 0.6, 0.7)]  # fmt: skip
    fig = plots.sample_size_curve(pd.DataFrame(sizes), x="hr", y="events", x_title="Hazard ratio", y_title="Events")
    assert [t.name for t in fig.data] == ["schoenfeld", "freedman"] and fig.layout.showlegend
    assert len({t.marker.symbol for t in fig.data}) == 2 and len({t.line.dash for t in fig.data}) == 2
    assert "schoenfeld: Events goes from 66" in fig.layout.meta["caption"]


def test_regression_table_as_a_forest() -> None:
    rng = np.random.default_rng(0)
    d = pd.DataFrame({"x": rng.normal(size=80), "g": rng.choice(list("ab"), 80), "t": rng.exponential(size=80) + 0.1, "e": 1})
    table = stats.regression_table(stats.regression_fits(d.assign(twice=2 * d["x"]), ["x", "twice", "g"], duration="t", event="e"))
    fig = plots.regression_forest(table)
    assert [t.name for t in fig.data[:2]] == ["univariable", "multivariable"]
    assert set(fig.layout.yaxis.ticktext) == {"x", "twice", "g: a", "g: b"}
    drawn = sorted(v for t in fig.data for v in t.x)
    np.testing.assert_allclose(drawn, sorted(table.tidy["estimate"].dropna()))
    assert any(a.text == "not estimable" for a in fig.layout.annotations)
    assert fig.layout.xaxis.title.text == "Hazard ratio" and "1 effect could not be estimated" in fig.layout.meta["caption"]


def test_nothing_is_refused() -> None:
    for call in (
        lambda: plots.sample_size_curve(pd.DataFrame({"n": [np.nan], "estimate": [0.5]})),
        lambda: plots.sample_size_curve(pd.DataFrame({"n": [1]})),
    ):
        with pytest.raises(RadiogenError) as caught:
            call()
        assert caught.value.code == "RG705"


def test_names_are_text() -> None:
    figs = [
        plots.bland_altman(measured(), first=EVIL, second="b", unit=EVIL),
        plots.sample_size_curve(pd.DataFrame({"n": [1, 2], "estimate": [0.1, 0.2], "model": EVIL}), x_title=EVIL, y_title=EVIL),
    ]
    for fig in figs:
        shown = fig.to_plotly_json()
        shown["layout"].pop("meta")
        assert "<img" not in json.dumps(shown, default=str)
