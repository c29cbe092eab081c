"""The patient graph: neighbours worked out by hand, no leak between units, the same answer in every company."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone

from radiogen.errors import RadiogenError
from radiogen.models import GraphClassifier
from radiogen.models.graphs.neighbours import most_neighbours, nearest_neighbours, random_neighbours

QUICK = {"hidden": 8, "epochs": 15, "n_neighbors": 4}


@pytest.fixture(scope="module")
def data() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(90, 5))
    return x, np.where(x[:, 0] + 0.5 * rng.normal(size=90) > 0, "mutated", "wild"), np.arange(90) // 2


def test_neighbours_by_hand() -> None:
    line = np.array([[0.0], [1.0], [3.0], [7.0], [3.0]])
    own = np.arange(5)
    # of 3 and 3, equally far from 1 and from each other, the one that stands first
    assert nearest_neighbours(line, line, 2, own).tolist() == [[1, 2], [0, 2], [4, 1], [2, 4], [2, 1]]
    assert nearest_neighbours(np.array([[6.0]]), line, 2).tolist() == [[3, 2]]


def test_no_neighbour_of_the_own_patient() -> None:
    rng = np.random.default_rng(0)
    x, groups = rng.normal(size=(60, 3)), np.arange(60) // 3
    for found in (nearest_neighbours(x, x, 10, groups), random_neighbours(x, x, 10, 1, groups)):
        assert not (groups[found] == groups[:, None]).any()
        assert all(len(set(row)) == 10 for row in found.tolist())
    assert most_neighbours(np.array([0, 0, 0, 1, 2])) == 2


def test_random_neighbours_do_not_depend_on_the_company() -> None:
    x = np.random.default_rng(0).normal(size=(30, 3))
    together = random_neighbours(x, x, 5, 7)
    assert np.array_equal(random_neighbours(x[12:13], x, 5, 7)[0], together[12])
    assert not np.array_equal(random_neighbours(x, x, 5, 8), together)


@pytest.mark.parametrize("layer", ["gatv2", "sage"])
@pytest.mark.parametrize("edges", ["nearest", "random", "self"])
def test_a_prediction_alone_is_the_prediction_in_company(data: tuple, layer: str, edges: str) -> None:
    x, y, groups = data
    model = GraphClassifier(**QUICK, layer=layer, edges=edges).fit(x[:60], y[:60], groups[:60])
    together = model.predict_proba(x[60:])
    alone = np.concatenate([model.predict_proba(row[None]) for row in x[60:]])
    assert np.abs(together - alone).max() < 1e-12
    assert np.abs(model.predict_proba(x[60:][::-1])[::-1] - together).max() < 1e-12
    assert np.allclose(together.sum(axis=1), 1)


def test_the_edges_carry_something_to_the_unit_and_the_control_carries_nothing(data: tuple) -> None:
    x, y, _ = data
    for edges, moves in (("nearest", True), ("self", False)):
        model = GraphClassifier(**QUICK, edges=edges).fit(x, y)
        before = model.predict_proba(x[:5])
        model.training_ = model.training_ + 0.0
        model.training_[:, 1] += 3.0
        assert bool(np.abs(model.predict_proba(x[:5]) - before).max() > 1e-6) is moves


def test_the_perceptron_is_worked_out_by_hand(data: tuple) -> None:
    x, y, _ = data
    model = GraphClassifier(**QUICK, layer="sage", edges="self").fit(x, y)
    w = {name: value.astype(float) for name, value in model.weights_.items()}

    def norm(h: np.ndarray, name: str) -> np.ndarray:
        spread = np.sqrt(h.var(axis=1, keepdims=True) + 1e-5)
        return (h - h.mean(axis=1, keepdims=True)) / spread * w[f"{name}.weight"] + w[f"{name}.bias"]

    h = (x - x.mean(axis=0)) / x.std(axis=0) @ w["encoder.0.weight"].T + w["encoder.0.bias"]
    h = np.maximum(norm(h, "encoder.1"), 0)
    # each unit is its own only neighbour: the mean of the messages is its own
    state = h + h @ w["message.lin_l.weight"].T + w["message.lin_l.bias"]
    z = np.maximum(norm(state, "norm"), 0) @ w["head.2.weight"].T + w["head.2.bias"]
    z = model.calibration_[0] * z + model.calibration_[1:]
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    assert np.abs(model.predict_proba(x) - p).max() < 1e-9


def test_training_hears_nothing_of_the_own_patient(data: tuple) -> None:
    """Two copies of one unit, of one patient: neither is the other's neighbour, whatever the distance."""
    x, y, _ = data
    twice, labels = np.repeat(x, 2, axis=0), np.repeat(y, 2)
    model = GraphClassifier(**QUICK).fit(twice, labels, np.repeat(np.arange(90), 2))
    used = model._attach(model.training_, model.training_, 4, np.repeat(np.arange(90), 2))
    assert not (used // 2 == (np.arange(180) // 2)[:, None]).any()


def test_seeds_threads_and_generator(data: tuple) -> None:
    x, y, groups = data
    torch.manual_seed(5)
    state = torch.get_rng_state()
    first = GraphClassifier(**QUICK).fit(x, y, groups).predict_proba(x)
    assert torch.equal(torch.get_rng_state(), state)
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        again = GraphClassifier(**QUICK).fit(x, y, groups).predict_proba(x)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    assert np.abs(first - again).max() < 1e-5
    assert np.abs(GraphClassifier(**QUICK, random_state=1).fit(x, y, groups).predict_proba(x) - first).max() > 1e-4


def test_scikit_learn_manners(data: tuple) -> None:
    x, y, _ = data
    model = GraphClassifier(**{**QUICK, "epochs": 60}, class_weight="balanced")
    assert clone(model).get_params() == model.get_params()
    frame = pd.DataFrame(x, columns=list("abcde"))
    fitted = model.fit(frame, y)
    assert fitted.classes_.tolist() == ["mutated", "wild"] and fitted.n_features_in_ == 5
    assert np.array_equal(fitted.predict_proba(frame[list("edcba")]), fitted.predict_proba(frame))
    assert fitted.score(frame, y) > 0.7
    assert set(fitted.controls()) == {"mlp", "shuffled"}
    both = model.fit_with_controls(x, y).controls_
    sizes = {name: sum(a.size for a in m.weights_.values()) for name, m in {"graph": model, **both}.items()}
    assert len(set(sizes.values())) == 1


def test_state_gives_the_same_predictions_back(data: tuple) -> None:
    x, y, _ = data
    model = GraphClassifier(**QUICK).fit(pd.DataFrame(x, columns=list("abcde")), y)
    settings, arrays = model.state()
    back = GraphClassifier.from_state(settings, arrays)
    assert np.array_equal(back.predict_proba(x), model.predict_proba(x))
    assert back.classes_.tolist() == model.classes_.tolist()


def test_scale_and_shift_of_columns_do_not_matter(data: tuple) -> None:
    x, y, _ = data
    plain = GraphClassifier(**QUICK).fit(x, y).predict_proba(x[:9])
    moved = GraphClassifier(**QUICK).fit(x * 8 + 64, y).predict_proba(x[:9] * 8 + 64)
    assert np.abs(plain - moved).max() < 1e-4


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"n_neighbors": 0}, "RG708"), ({"hidden": 9, "heads": 2}, "RG708"), ({"layer": "gcn"}, "RG708"),
        ({"random_state": None}, "RG708"), ({"dropout": 1.0}, "RG708"), ({"class_weight": "both"}, "RG708"),
    ],
)  # fmt: skip
def test_options_that_are_none(data: tuple, change: dict, code: str) -> None:
    with pytest.raises(RadiogenError) as error:
        GraphClassifier(**{**QUICK, **change}).fit(data[0], data[1])
    assert error.value.code == code


def test_bad_input(data: tuple) -> None:
    x, y, _ = data
    hole = x.copy()
    hole[3, 2] = np.nan
    model = GraphClassifier(**QUICK)
    for bad, code in (
        (lambda: model.predict_proba(x), "RG705"), (lambda: model.fit(hole, y), "RG705"), (lambda: model.fit(x, y[:5]), "RG705"),
        (lambda: model.fit(x, ["a"] * 90), "RG701"), (lambda: model.fit(x, y, np.zeros(90)), "RG701"),
        (lambda: clone(model).fit(x, y).predict_proba(x[:, :3]), "RG705"), (lambda: model.fit(x[0], y), "RG705"),
    ):  # fmt: skip
        with pytest.raises(RadiogenError) as error:
            bad()
        assert error.value.code == code
