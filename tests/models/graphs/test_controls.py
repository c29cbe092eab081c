"""The graph beside its controls: it must not win where the neighbours carry nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from radiogen.errors import RadiogenError
from radiogen.models.graphs.controls import edges_sentence, graph_with_controls
from radiogen.models.graphs.patients import GraphClassifier

QUICK = GraphClassifier(hidden=8, epochs=20, calibration_folds=0, n_neighbors=5)


def _table(gaps: list[tuple[float, float]]) -> pd.DataFrame:
    return pd.DataFrame({
        "model": ["graph", "mlp", "shuffled"], "auc": [0.8, *(0.8 - gap for gap, _ in gaps)],
        "difference": [np.nan, *(gap for gap, _ in gaps)], "p": [np.nan, *(p for _, p in gaps)],
    })  # fmt: skip


@pytest.mark.parametrize(
    ("gaps", "start"),
    [
        ([(0.1, 0.01), (0.1, 0.02)], "The edges added to the prediction"),
        ([(0.1, 0.01), (0.1, 0.2)], "That the edges added anything is not shown, for the graph did not beat shuffled edges"),
        ([(0.1, 0.06), (0.1, 0.02)], "That the edges added anything is not shown, for the graph did not beat no edges"),
        ([(0.01, 0.5), (-0.01, 0.5)], "There is no sign"),
        ([(-0.1, 0.01), (0.1, 0.02)], "The edges did not add to the prediction, and the graph did worse"),
    ],
)
def test_the_sentence(gaps: list[tuple[float, float]], start: str) -> None:
    assert edges_sentence(_table(gaps)).startswith(start)


def test_the_table_and_its_folds() -> None:
    rng = np.random.default_rng(0)
    x, groups = rng.normal(size=(80, 4)), np.arange(80) // 2
    y = (x[:, 0] + rng.normal(size=80) > 0).astype(int)
    table = graph_with_controls(x, y, groups, folds=3, seed=2, model=QUICK)
    assert table["model"].tolist() == ["graph", "mlp", "shuffled"]
    assert table["n"].tolist() == [80] * 3 and table["events"].tolist() == [int(y.sum())] * 3
    gaps = table["auc"][0] - table["auc"][1:]
    assert np.allclose(gaps, table["difference"][1:])
    assert (table["lower"] < table["auc"]).all() and (table["auc"] < table["upper"]).all()
    assert table.attrs["sentence"] == edges_sentence(table)
    again = graph_with_controls(x, y, groups, folds=3, seed=2, model=QUICK)
    pd.testing.assert_frame_equal(table, again)


def test_refusals() -> None:
    x = np.random.default_rng(0).normal(size=(30, 2))
    with pytest.raises(RadiogenError) as three:
        graph_with_controls(x, np.arange(30) % 3)
    with pytest.raises(RadiogenError) as few:
        graph_with_controls(x, np.arange(30) < 3, folds=5)
    assert (three.value.code, few.value.code) == ("RG703", "RG701")


@pytest.mark.slow
def test_the_graph_does_not_win_where_neighbours_carry_nothing_more() -> None:
    """The class follows from the features; those of others say nothing beyond them."""
    gaps, wins = [], 0
    for seed in range(8):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(150, 6))
        y = (x[:, 0] + rng.normal(size=150) > 0).astype(int)
        table = graph_with_controls(x, y, folds=3, seed=seed, model=GraphClassifier(hidden=16, calibration_folds=0))
        gaps.append(table["difference"][1])
        wins += table.attrs["sentence"].startswith("The edges added")
    assert wins <= 1
    assert np.mean(gaps) < 0.015


@pytest.mark.slow
def test_the_graph_wins_where_neighbours_tell_more() -> None:
    """Forty kinds, told apart by 19 columns; the class follows from the kind and shows, with much noise, in one column more.

    Units of one kind are neighbours, and the mean of that column over them says more than a unit's own.
    """
    for seed in range(2):
        rng = np.random.default_rng(seed)
        kind = np.repeat(np.arange(40), 8)
        y = kind % 2
        x = (2 * rng.normal(size=(40, 20)))[kind] + rng.normal(size=(320, 20))
        x[:, 0] = 2 * y - 1 + 2 * rng.normal(size=320)
        model = GraphClassifier(5, hidden=16, layer="sage", calibration_folds=0)
        table = graph_with_controls(x, y, folds=3, seed=seed, model=model)
        assert table.attrs["sentence"].startswith("The edges added")
        assert (table["difference"][1:] > 0.03).all()
