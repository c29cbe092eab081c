"""Figures of internal validation draw the numbers given and say them."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from radiogen import plots, stats
from radiogen.errors import RadiogenError

RNG = np.random.default_rng(0)
X = pd.DataFrame(RNG.normal(size=(80, 3)), columns=["a", "<b>", "c"])
Y = (RNG.random(80) < 1 / (1 + np.exp(-X["a"]))).astype(int)


def test_optimism_shows_apparent_and_corrected() -> None:
    result = stats.optimism_bootstrap("logistic", X, Y, ["auc", "brier", "emax"], n_boot=40)
    fig = plots.optimism(result)
    corrected, apparent = fig.data
    np.testing.assert_allclose(corrected.x, result.estimate)
    np.testing.assert_allclose(apparent.x, result["index_orig"])
    # emax has no interval
    assert corrected.error_x.array[2] == 0 and corrected.error_x.array[0] > 0
    assert fig.layout.meta["data"]["optimism"] == list(result["optimism"])
    json.loads(fig.to_json())


def test_bootstrap_distribution_holds_every_resample() -> None:
    result = stats.bootstrap_ci(np.median, X["a"], n_boot=300)
    fig = plots.bootstrap_distribution(result, name="Median")
    assert sum(fig.data[0].y) == 300
    assert [shape.x0 for shape in fig.layout.shapes] == [result.estimate, result.lower, result.upper]
    assert "from 300 resamples" in fig.layout.meta["caption"]


def test_threshold_curves_leave_out_what_has_no_denominator() -> None:
    table = stats.threshold_table([0, 0, 1, 1], [0.1, 0.6, 0.4, 0.9], [0.05, 0.5, 0.95])
    fig = plots.threshold_curves(table)
    lines = {t.name: t for t in fig.data if t.name}
    assert list(lines["Sensitivity"].y) == [1, 0.5, 0]
    # nobody is positive at 0.95
    assert list(lines["Positive predictive value"].x) == [0.05, 0.5]
    assert fig.layout.meta["data"]["ppv"][2] is None
    assert "At 0.0500 sensitivity 1" in fig.layout.meta["caption"]


def test_coefficient_path() -> None:
    frame = X.assign(t=np.exp(-X["a"]) + 0.1, e=1)
    result = stats.cox_elastic_net(frame, "t", "e", list(X.columns))
    fig = plots.coefficient_path(result.coefficients)
    line = fig.data[0]
    assert list(line.x) == sorted(result.coefficients.columns)
    np.testing.assert_allclose(line.y, result.coefficients.loc["a"].to_numpy()[::-1])
    assert fig.data[1].name == "&lt;b&gt;"
    assert fig.layout.meta["data"]["term"] == list(X.columns)


@pytest.mark.parametrize(
    "call",
    [
        lambda: plots.optimism(None), lambda: plots.bootstrap_distribution(stats.roc_auc(Y, X["a"])),
        lambda: plots.threshold_curves(pd.DataFrame()), lambda: plots.coefficient_path(pd.DataFrame({1.0: [0.0]})),
    ],
)  # fmt: skip
def test_refused(call: object) -> None:
    with pytest.raises(RadiogenError) as caught:
        call()  # type: ignore[operator]
    assert caught.value.code == "RG705"
