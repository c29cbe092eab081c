"""The weak classifier: unlabelled units help, their labels are never read, and without them all methods are one."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.base import clone

from radiogen.errors import RadiogenError
from radiogen.models import WeakClassifier
from radiogen.models.weak.classifier import METHODS

QUICK = {"hidden": 8, "steps": 40}


def _clusters(seed: int, n: int, apart: float = 1.8) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    x = rng.normal(size=(n, 6))
    x[:, :2] += apart * (2 * y[:, None] - 1)
    return x, y


def _few(y: np.ndarray, each: int = 5) -> np.ndarray:
    found = np.full(len(y), "none", dtype=object)
    for k in (0, 1):
        found[np.flatnonzero(y == k)[:each]] = "strong"
    return found


@pytest.fixture(scope="module")
def data() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    x, y = _clusters(0, 80)
    return x, y, _few(y)


@pytest.mark.parametrize("method", METHODS)
def test_what_stands_in_unlabelled_units_is_never_read(data: tuple, method: str) -> None:
    x, y, strength = data
    first = WeakClassifier(method, **QUICK).fit(x, y, strength)
    answers = first.predict_proba(x)
    bare = strength == "none"
    for other in (1 - y, np.nan, None, "garbage"):
        changed = y.astype(object)
        changed[bare] = other[bare] if isinstance(other, np.ndarray) else other
        model = WeakClassifier(method, **QUICK).fit(x, changed, strength)
        assert model.classes_.tolist() == [0, 1]
        assert np.array_equal(model.predict_proba(x), answers)


def test_unlabelled_units_matter_unless_the_method_is_supervised(data: tuple) -> None:
    x, y, strength = data
    order = np.random.default_rng(0).permutation(80)
    moved = x.copy()
    bare = np.flatnonzero(strength == "none")
    # the same means and standard deviations, so that the standardisation stays: columns shuffled among the unlabelled
    moved[bare, 0] = x[bare[np.argsort(order[: len(bare)])], 0]
    for method, same in (("supervised", True), ("mean_teacher", False)):
        one, two = (WeakClassifier(method, **QUICK).fit(u, y, strength).predict_proba(x[:9]) for u in (x, moved))
        assert bool(np.abs(one - two).max() < 1e-6) is same


def test_all_strong_all_methods_agree(data: tuple) -> None:
    x, y, _ = data
    answers = [WeakClassifier(method, **QUICK).fit(x, y).predict_proba(x) for method in METHODS]
    assert np.array_equal(answers[0], answers[1]) and np.array_equal(answers[0], answers[2])


def test_pseudo_labels_are_used(data: tuple) -> None:
    x, y, strength = data
    model = WeakClassifier("pseudo", **QUICK, threshold=0.7, rounds=2).fit(x, y, strength)
    assert 20 < model.n_pseudo_ <= 70
    sceptic = WeakClassifier("pseudo", **QUICK, threshold=1.0).fit(x, y, strength)
    assert sceptic.n_pseudo_ == 0
    alone = WeakClassifier("supervised", **QUICK).fit(x, y, strength)
    assert np.array_equal(sceptic.predict_proba(x), alone.predict_proba(x))
    assert np.abs(model.predict_proba(x) - alone.predict_proba(x)).max() > 1e-3


def test_weak_labels_count_by_their_weight(data: tuple) -> None:
    x, y, strength = data
    weak = np.where(strength == "none", "weak", strength)
    wrong = np.where(strength == "strong", y, 1 - y)
    nothing = WeakClassifier("supervised", **QUICK, weak_weight=0.0).fit(x, wrong, weak).predict_proba(x)
    few = WeakClassifier("supervised", **QUICK).fit(x, wrong, strength).predict_proba(x)
    assert np.allclose(nothing, few, atol=1e-5)
    full = WeakClassifier("supervised", **QUICK, weak_weight=1.0).fit(x, wrong, weak)
    assert np.mean(full.predict(x) == y) < 0.5 < np.mean(few.argmax(axis=1) == y)


def test_state_seed_generator_and_threads(data: tuple) -> None:
    x, y, strength = data
    model = WeakClassifier(**QUICK)
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    first = model.fit(x, y, strength).predict_proba(x)
    assert torch.equal(torch.get_rng_state(), before)
    try:
        torch.set_num_threads(2)
        again = clone(model).fit(x, y, strength).predict_proba(x)
    finally:
        torch.set_num_threads(threads)
    assert np.abs(first - again).max() < 1e-5
    assert np.array_equal(WeakClassifier.from_state(*model.state()).predict_proba(x), first)
    alone = np.concatenate([model.predict_proba(row[None]) for row in x[:10]])
    assert np.abs(alone - first[:10]).max() < 1e-12


def test_refusals(data: tuple) -> None:
    x, y, strength = data
    lost = y.astype(float)
    lost[np.flatnonzero(strength == "strong")[0]] = np.nan
    for bad, code in (
        (lambda: WeakClassifier(**QUICK).fit(x, lost, strength), "RG705"), (lambda: WeakClassifier(**QUICK).fit(x, y, ["sure"] * 80), "RG705"),
        (lambda: WeakClassifier(**QUICK).fit(x, y, ["none"] * 80), "RG701"), (lambda: WeakClassifier(**QUICK).fit(x, y[:3]), "RG705"),
        (lambda: WeakClassifier(**QUICK).fit(x, y, strength[:3]), "RG705"), (lambda: WeakClassifier("magic").fit(x, y), "RG708"),
        (lambda: WeakClassifier(**QUICK, noise_rate=0.5).fit(x, y), "RG708"), (lambda: WeakClassifier().predict_proba(x), "RG705"),
        (lambda: WeakClassifier(**QUICK).fit(x, np.where(strength == "none", y, 1), strength), "RG701"),
    ):  # fmt: skip
        with pytest.raises(RadiogenError) as error:
            bad()
        assert error.value.code == code


@pytest.mark.slow
def test_the_mean_teacher_learns_from_unlabelled_units() -> None:
    """Ten labels, 190 units without one, averaged over seeds."""
    gains = []
    for seed in range(6):
        x, y = _clusters(seed, 600)
        strength = _few(y[:200])
        share = [np.mean(WeakClassifier(m, random_state=seed).fit(x[:200], y[:200], strength).predict(x[200:]) == y[200:])
                 for m in ("mean_teacher", "supervised")]
        gains.append(share[0] - share[1])
    assert np.mean(gains) > 0.01
    assert sum(g > 0 for g in gains) >= 5


@pytest.mark.slow
def test_a_loss_that_knows_the_noise_bears_wrong_labels() -> None:
    gains = []
    for seed in range(4):
        x, y = _clusters(seed, 700, apart=1.2)
        rng = np.random.default_rng(seed)
        seen = np.where(rng.random(300) < 0.35, 1 - y[:300], y[:300])
        weak = np.full(300, "weak")
        plain, robust = (
            np.mean(WeakClassifier("supervised", noise_robust=kind, noise_rate=0.35, random_state=seed)
                    .fit(x[:300], seen, weak).predict(x[300:]) == y[300:]) for kind in ("none", "gce")
        )
        gains.append(robust - plain)
    assert np.mean(gains) > 0.01
