"""Models of other libraries as arrays: the same predictions, and nothing that runs."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.svm import SVC

from radiogen.analysis.bundles.codec import Packer, unpack
from radiogen.errors import RadiogenError
from radiogen.models import CLASSIFIERS, RISK_MODELS, RiskTraining, TrainingData, fit_classifier, fit_risk_model
from radiogen.models.classifiers import InnerFold
from radiogen.models.graph_models import GRAPHS
from radiogen.models.risk import RiskFold
from radiogen.models.stored import StoredForest, StoredMachine, StoredTrees, storable

#: units, and which of them an inner fold leaves out
N, HALVES = 80, np.arange(80) % 2


def _data() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(6)
    x = rng.normal(size=(N, 4))
    return x, x[:, 0] + 0.5 * rng.normal(size=N), rng.normal(size=(300, 4))


def _classes(k: int) -> TrainingData:
    x, score, _ = _data()
    y = np.digitize(score, np.quantile(score, np.linspace(0, 1, k + 1)[1:-1]))
    halves = [(np.flatnonzero(h != HALVES), np.flatnonzero(h == HALVES)) for h in (0, 1)]
    return TrainingData(x, y, k, lambda: [InnerFold(x[a], y[a], x[b], b) for a, b in halves])


def _times() -> RiskTraining:
    x, score, _ = _data()
    time, event = np.exp(-score), (np.arange(N) % 4 > 0).astype(int)
    halves = [(np.flatnonzero(h != HALVES), np.flatnonzero(h == HALVES)) for h in (0, 1)]
    return RiskTraining(x, time, event, lambda: [RiskFold(x[a], a, x[b], b) for a, b in halves])


def _through_a_file(predictor: Any) -> Any:
    packer = Packer()
    return unpack(json.loads(json.dumps(packer.pack(storable(predictor)))), packer.arrays)


@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize("name", [n for n in CLASSIFIERS if n not in GRAPHS])
def test_every_classifier_can_be_kept(name: str, k: int) -> None:
    fit = fit_classifier(name, _classes(k), seed=1)
    new = _data()[2]
    np.testing.assert_allclose(_through_a_file(fit.predict)(new), fit.predict(new), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", list(RISK_MODELS))
def test_every_risk_model_can_be_kept(name: str) -> None:
    fit = fit_risk_model(name, _times(), seed=1)
    new = _data()[2]
    np.testing.assert_allclose(_through_a_file(fit.predict)(new), fit.predict(new), rtol=1e-10, atol=1e-12)


def test_trees_are_walked_as_scikit_learn_walks_them() -> None:
    data, (_, _, new) = _classes(3), _data()
    forest = RandomForestClassifier(20, min_samples_leaf=3, random_state=0).fit(data.x, data.y)
    trees = StoredTrees.of([t.tree_ for t in forest.estimators_], shares=True)
    np.testing.assert_allclose(trees.mean(new), forest.predict_proba(new), rtol=1e-12)
    # a value on a cut-point goes left, after rounding to single precision
    edge = np.repeat(np.zeros((1, 4)), 50, axis=0)
    cuts = trees.threshold[trees.feature == 0][:50]
    edge[: len(cuts), 0] = cuts
    np.testing.assert_allclose(trees.mean(edge), forest.predict_proba(edge), rtol=1e-12)
    assert trees.mean(np.zeros((0, 4))).shape == (0, 3)


def test_a_class_that_a_forest_never_saw_has_probability_zero() -> None:
    data = _classes(3)
    x, y = data.x[data.y != 1], data.y[data.y != 1]
    forest = RandomForestClassifier(5, random_state=0).fit(x, y)
    stored = StoredForest(StoredTrees.of([t.tree_ for t in forest.estimators_], shares=True), forest.classes_, 3)
    assert (stored(x)[:, 1] == 0).all()
    np.testing.assert_allclose(stored(x).sum(axis=1), 1)


def test_one_tree_by_hand() -> None:
    # left of 0.5: 10; right of it: left of 2 in the second column 20, else 30
    nodes: dict[str, Any] = {
        "root": np.array([0]), "feature": np.array([0, -2, 1, -2, -2]), "threshold": np.array([0.5, 0, 2, 0, 0]),
        "left": np.array([1, -1, 3, -1, -1]), "right": np.array([2, -1, 4, -1, -1]),
        "value": np.array([[0.0], [10], [0], [20], [30]]),
    }  # fmt: skip
    tree = StoredTrees(**nodes)
    assert tree.mean(np.array([[0.5, 9], [0.6, 2.0], [0.6, 2.1]]))[:, 0].tolist() == [10, 20, 30]
    for side, node in (("left", 0), ("right", 5), ("left", 2)):
        with pytest.raises(RadiogenError, match="not in order"):
            StoredTrees(**{**nodes, side: np.array([1 if side == "right" else node, -1, node, -1, -1])})


@pytest.mark.parametrize("k", [2, 3, 4])
def test_a_machine_decides_as_scikit_learn_does(k: int) -> None:
    data, (_, _, new) = _classes(k), _data()
    machine = SVC(C=1.0, gamma=0.3, decision_function_shape="ovr").fit(data.x, data.y)
    stored = StoredMachine(
        machine.support_vectors_, machine.n_support_, machine.dual_coef_, machine.intercept_, 0.3, machine.classes_
    )
    np.testing.assert_allclose(stored.decision_function(new), machine.decision_function(new), rtol=1e-9, atol=1e-11)


def test_what_is_radiogens_own_stays_as_it_is() -> None:
    fit = fit_classifier("elastic_net", _classes(2), seed=1)
    assert storable(fit.predict) is fit.predict
