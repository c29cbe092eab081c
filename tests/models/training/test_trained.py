"""What is trained predicts each unit by itself, calibrated, and says how sure it is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from radiogen.errors import RadiogenError
from radiogen.models.fusion.heads import probabilities
from radiogen.models.fusion.spec import HeadSpec
from radiogen.models.training import Trained, train
from radiogen.models.training.calibration import LEAST, fit_temperature
from tests.models.training.conftest import make, with_heads, with_training

BINARY = HeadSpec("a", "binary", ("no", "yes"))


@pytest.fixture(scope="module")
def ensemble() -> Trained:
    plan, examples, labels = make(pictures=True)
    plan = replace(with_training(plan, ensemble=2, epochs=2), net=replace(plan.net, min_modalities=2))
    return train(plan, examples, labels, np.arange(len(examples)), seed=1)


def test_shapes_sums_and_who_is_not_predicted(ensemble: Trained) -> None:
    _, examples, _ = make(pictures=True)
    present = np.ones_like(examples.present)
    present[0, 1:] = False
    found = ensemble.predict(examples, present)
    assert {k: v.shape for k, v in found.items()} == {"TP53": (48, 2), "grade": (48, 3), "os": (48, 1)}
    assert all(np.isnan(v[0]).all() and np.isfinite(v[1:]).all() for v in found.values())
    assert np.allclose(found["grade"][1:].sum(axis=1), 1) and (found["grade"][1:] >= 0).all()
    assert np.isfinite(ensemble.logits(examples, present)["TP53"]).all()
    assert {k: v.shape for k, v in ensemble.predict(examples.take([])).items()} == {"TP53": (0, 2), "grade": (0, 3), "os": (0, 1)}
    with pytest.raises(RadiogenError):
        ensemble.predict(replace(examples, modalities=("a", "b", "c")))


def test_a_unit_is_predicted_by_itself(ensemble: Trained) -> None:
    _, examples, _ = make(pictures=True)
    together = ensemble.predict(examples)
    for rows in ([7], [30, 7, 2]):
        alone = ensemble.predict(examples.take(rows))
        assert all(np.allclose(alone[k], together[k][rows], atol=1e-5, equal_nan=True) for k in together)
    sampled = ensemble.samples(examples, 3, seed=5)
    lone = ensemble.samples(examples.take([9, 7]), 3, seed=5)
    assert all(np.allclose(lone[k], sampled[k][:, [9, 7]], atol=1e-5, equal_nan=True) for k in sampled)


def test_members_and_samples(ensemble: Trained) -> None:
    _, examples, _ = make(pictures=True)
    members = ensemble.members(examples)["TP53"]
    assert members.shape == (2, 48, 2) and not np.allclose(members[0], members[1], equal_nan=True)
    assert np.allclose(members.mean(axis=0), ensemble.predict(examples)["TP53"], equal_nan=True)
    a, b, c = (ensemble.samples(examples, 4, seed=s)["TP53"] for s in (1, 1, 2))
    assert a.shape == (8, 48, 2)
    assert np.array_equal(a, b, equal_nan=True) and not np.allclose(a, c, equal_nan=True)
    assert len({a[k].tobytes() for k in range(8)}) == 8
    assert np.allclose(ensemble.predict(examples)["TP53"], members.mean(axis=0), equal_nan=True)  # no dropout is left behind
    with pytest.raises(RadiogenError):
        ensemble.samples(examples, 0)


def test_members_are_trained_alone_too() -> None:
    """The first member of an ensemble is the network that is trained without others."""
    plan, examples, labels = make()
    plan = with_training(with_heads(plan, "TP53"), calibrate=False)
    one = train(plan, examples, labels, np.arange(48), seed=1)
    two = train(with_training(plan, ensemble=2), examples, labels, np.arange(48), seed=1)
    assert np.array_equal(one.members(examples)["TP53"][0], two.members(examples)["TP53"][0], equal_nan=True)
    assert one.seeds == two.seeds[:1]


def test_temperature_by_hand() -> None:
    """All logits are ±2, three quarters of the signs are right: the odds of 3 are e^(2/T)."""
    target = torch.tensor([1] * 40 + [0] * 40)
    right = torch.tensor([True] * 30 + [False] * 10 + [True] * 30 + [False] * 10)
    sign = torch.where(right, 1.0, -1.0) * (2.0 * target - 1)
    t = fit_temperature([2 * sign[:, None]], target, BINARY)
    assert t == pytest.approx(2 / np.log(3), abs=1e-3)
    assert float(probabilities(2 * sign[:1, None] / t, BINARY)[0, 1]) == pytest.approx(0.75, abs=1e-3)
    # three classes: logits 2 for the one said, right in half of the cases: e^(2/T) / (e^(2/T) + 2) = 1/2
    said, truth = torch.arange(60) % 3, (torch.arange(60) % 3 + (torch.arange(60) >= 30)) % 3
    three = HeadSpec("b", "multiclass", ("x", "y", "z"))
    assert fit_temperature([2.0 * torch.eye(3)[said]], truth, three) == pytest.approx(2 / np.log(2), rel=2e-3)


def test_temperature_of_too_few_or_of_separated_classes() -> None:
    assert fit_temperature([torch.randn(19, 1)], torch.arange(19) % 2, BINARY) == 1.0
    assert fit_temperature([torch.randn(30, 1)], torch.zeros(30, dtype=torch.int64), BINARY) == 1.0
    assert fit_temperature([torch.randn(30, 1)], torch.zeros(30, dtype=torch.int64), HeadSpec("os", "survival")) == 1.0
    target = torch.arange(40) % 2
    assert fit_temperature([(2.0 * target - 1)[:, None]], target, BINARY) == pytest.approx(LEAST, rel=1e-3)


def test_temperature_is_of_the_validation_part_and_used() -> None:
    plan, examples, labels = make(n=150)
    plan = with_training(with_heads(plan, "TP53", "os"), epochs=8, learning_rate=0.02)
    rows, beside = np.arange(100), np.arange(100, 150)
    trained = train(plan, examples, labels, np.arange(150), seed=1, rows=rows, validation=beside)
    assert trained.temperature["os"] == 1.0 and trained.temperature["TP53"] != 1.0
    known = beside[labels.known["TP53"][beside]]
    logits = torch.from_numpy(trained.logits(examples)["TP53"][known])
    target = torch.from_numpy(np.asarray(labels.targets["TP53"])[known])
    assert trained.temperature["TP53"] == pytest.approx(fit_temperature([logits], target, plan.heads[0]), rel=1e-3)
    raw = 1 / (1 + np.exp(-trained.logits(examples)["TP53"][:, 0] / trained.temperature["TP53"]))
    assert np.allclose(trained.predict(examples)["TP53"][:, 1], raw, atol=1e-6)
    few = train(plan, examples, labels, np.arange(150), seed=1, rows=rows, validation=beside[:15])
    assert few.temperature["TP53"] == 1.0 and any("fewer than 20" in note for note in few.notes)
