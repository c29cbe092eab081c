"""What the networks on tables share: reading, folds, calibration and training."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from radiogen.errors import RadiogenError
from radiogen.models.tabular.calibration import calibrated, fit_calibration, plain
from radiogen.models.tabular.descent import descend, loaded, mlp, seeded, weights_of
from radiogen.models.tabular.split import inner_folds
from radiogen.models.tabular.table import Scaling, read_classes, read_groups, read_table


def test_scaling_by_hand() -> None:
    scaling = Scaling.of(np.array([[1.0, 0.1], [3.0, 0.1], [np.nan, 0.1]]))
    assert scaling.mean.tolist() == [2, pytest.approx(0.1)] and scaling.scale.tolist() == [1, 1]
    assert scaling(np.array([[4.0, 0.1]])).round(12).tolist() == [[2, 0]]


def test_reading_refuses() -> None:
    for bad, code in (
        (lambda: read_table([1, 2]), "RG705"), (lambda: read_table([["a"]]), "RG705"), (lambda: read_table([[np.inf]]), "RG705"),
        (lambda: read_table(np.empty((0, 3))), "RG705"), (lambda: read_table(pd.DataFrame([[1, 2]], columns=["a", "a"])), "RG705"),
        (lambda: read_table(pd.DataFrame({"a": [pd.NA]}, dtype="Int64")), "RG705"), (lambda: read_classes([0, None], 2), "RG705"),
        (lambda: read_classes([1, 1], 2), "RG701"), (lambda: read_groups(["a", None], 2), "RG705"), (lambda: read_groups([1], 2), "RG705"),
    ):  # fmt: skip
        with pytest.raises(RadiogenError) as error:
            bad()
        assert error.value.code == code
    assert read_table(pd.DataFrame({"a": [1, pd.NA]}, dtype="Int64"), missing=True)[1] == ("a",)


def test_folds_keep_groups_whole_and_test_everyone_once() -> None:
    codes, groups = np.tile([0, 0, 1], 20), np.repeat(np.arange(30), 2)
    folds = inner_folds(codes, groups, 3, 0)
    assert sorted(np.concatenate([test for _, test in folds])) == list(range(60))
    assert not any(set(groups[train]) & set(groups[test]) for train, test in folds)
    # class 1 in two groups only
    assert inner_folds(np.array([0] * 8 + [1, 1]), np.arange(10), 3, 0) == []
    assert inner_folds(codes, groups, 1, 0) == []


def test_calibration_undoes_what_was_done_to_the_logits() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(4000, 3)) * 1.5
    chance = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    codes = (rng.random((4000, 1)) > chance.cumsum(axis=1)).sum(axis=1)
    found = fit_calibration(3 * logits + [1.0, 0.0, -1.0], codes)
    assert found[0] == pytest.approx(1 / 3, abs=0.02)
    assert np.allclose(found[1:], [-1 / 3, 0, 1 / 3], atol=0.1)
    assert np.abs(calibrated(3 * logits + [1.0, 0.0, -1.0], found) - chance).mean() < 0.02
    assert np.allclose(calibrated(logits, plain(3)), chance)


def test_calibration_never_turns_the_order() -> None:
    score = np.linspace(-2, 2, 40)
    logits = np.column_stack([-score, score])
    upside_down = (score < 0).astype(int)
    p = calibrated(logits, fit_calibration(logits, upside_down))[:, 1]
    assert (np.diff(p) > 0).all()


def test_training_leaves_generator_and_threads_as_they_were() -> None:
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    with seeded(3):
        first = torch.rand(2)
        assert torch.get_num_threads() == 1
    with seeded(3):
        assert torch.equal(torch.rand(2), first)
    assert torch.equal(torch.get_rng_state(), state) and torch.get_num_threads() == threads


def test_descent_finds_a_line_and_refuses_a_loss_that_explodes() -> None:
    with seeded(0):
        net = torch.nn.Linear(1, 1)
    x = torch.linspace(-1, 1, 20)[:, None]
    course = descend(net, lambda _: ((net(x) - 3 * x - 1) ** 2).mean(), steps=300, learning_rate=0.1, weight_decay=0.0)
    assert course[-1] < 1e-4 < course[0]
    assert float(net.weight.detach()) == pytest.approx(3, abs=0.05)
    with pytest.raises(RadiogenError) as error:
        descend(net, lambda _: (net(x) * float("nan")).mean(), steps=3, learning_rate=0.1, weight_decay=0.0)
    assert error.value.code == "RG704"


def test_weights_go_out_and_in() -> None:
    with seeded(1):
        net = mlp(3, 4, 0.5)
    kept = weights_of(net)
    back = loaded(mlp(3, 4, 0.5), kept)
    assert all(value.dtype == torch.float64 for value in back.state_dict().values())
    x = torch.ones(2, 3)
    assert torch.allclose(back(x.double()).float(), net.eval()(x), atol=1e-6)
    with torch.no_grad():
        net[0].weight.zero_()
    assert np.abs(kept["0.weight"]).max() > 0
