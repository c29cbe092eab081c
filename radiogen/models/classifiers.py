"""Classifiers that tune and calibrate themselves inside the data they are given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radiogen.errors import fail
from radiogen.models.graph_models import GRAPHS, fit_graph
from radiogen.models.linear import fit_elastic_net, penalty_grid, predict_elastic_net

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int_]

FOREST_TREES = 300
FOREST_LEAF = 5
SVM_COSTS = (0.1, 1.0, 10.0)
#: the SVM's cost is tuned on at most so many units of each inner training part
SVM_TUNING_UNITS = 600


@dataclass(frozen=True)
class InnerFold:
    """One inner split: preprocessing was fitted on its training part alone."""

    train_x: FloatArray
    train_y: IntArray
    test_x: FloatArray
    test: IntArray


@dataclass
class TrainingData:
    """What a classifier may see of one training fold.

    Parameters
    ----------
    x : array, shape (n, p)
        Preprocessed predictors.
    y : array of int, shape (n,)
        Classes 0 … ``n_classes - 1``.
    n_classes : int
    inner : callable
        Makes the inner folds; called once, and only if the model tunes.
    clustered : bool
        Whether several units share a group; then out-of-bag predictions are not out of group.
    groups : array of int, shape (n,), optional
        Group of each unit.
    """

    x: FloatArray
    y: IntArray
    n_classes: int
    inner: Callable[[], list[InnerFold]]
    clustered: bool = False
    groups: IntArray | None = None

    @cached_property
    def folds(self) -> list[InnerFold]:
        """The inner folds."""
        return self.inner()


@dataclass(frozen=True)
class Fit:
    """A fitted classifier.

    Parameters
    ----------
    predict : callable
        Matrix of shape (m, p) to class probabilities of shape (m, n_classes).
    inner : array, shape (n, n_classes)
        Probabilities of the training units from models that did not see them; cut-points come from here.
    settings : dict
        What was tuned.
    weights : array, shape (n_classes or 1, p), or None
        Standardised coefficients, or the forest's impurity importances (in one row).
    """

    predict: Callable[[FloatArray], FloatArray]
    inner: FloatArray
    settings: dict[str, Any] = field(default_factory=dict)
    weights: FloatArray | None = None


def fit_classifier(name: str, data: TrainingData, seed: int) -> Fit:
    """Fit one classifier by name.

    Parameters
    ----------
    name : {"elastic_net", "forest", "svm", "graph", "graph_shuffled", "graph_none"}
    data : TrainingData
    seed : int

    Returns
    -------
    Fit

    Raises
    ------
    RadiogenError
        RG702 for an unknown name.
    """
    if name not in CLASSIFIERS:
        raise fail("RG702", f"there is no classifier '{name}'; there are {sorted(CLASSIFIERS)}", value=name)
    return CLASSIFIERS[name](data, seed)


# -- elastic net -------------------------------------------------------------------


@dataclass(frozen=True)
class LinearPredictor:
    """Class probabilities of one fitted elastic net."""

    intercept: FloatArray
    coefficients: FloatArray

    def __call__(self, x: FloatArray) -> FloatArray:
        return predict_elastic_net(x, self.intercept[None], self.coefficients[None])[0]


def _indicators(y: IntArray, n_classes: int) -> FloatArray:
    return (y == 1).astype(float)[:, None] if n_classes == 2 else np.eye(n_classes)[y]


def _log_loss(probability: FloatArray, y: IntArray) -> FloatArray:
    """Mean negative log-likelihood per setting, shape (S,)."""
    own = np.take_along_axis(probability, y[None, :, None], axis=2)[:, :, 0]
    return np.asarray(-np.log(np.clip(own, 1e-12, None)).mean(axis=1))


def _elastic_net(data: TrainingData, seed: int) -> Fit:
    """Strength and L1 share by the inner log-likelihood; of equals the sparser."""
    y = _indicators(data.y, data.n_classes)
    grid = penalty_grid(data.x, y)
    inner = np.zeros((len(grid), len(data.y), data.n_classes))
    for fold in data.folds:
        train_y = _indicators(fold.train_y, data.n_classes)
        b0, b = fit_elastic_net(fold.train_x, train_y, grid, tolerance=1e-4)
        inner[:, fold.test] = predict_elastic_net(fold.test_x, b0, b)
    best = int(np.argmin(_log_loss(inner, data.y)))
    b0, b = fit_elastic_net(data.x, y, (grid[best],), tolerance=1e-6, max_iter=20_000)
    settings = {"strength": grid[best].strength, "l1_ratio": grid[best].l1_ratio}
    return Fit(LinearPredictor(b0[0], b[0]), inner[best], settings, b[0])


# -- random forest -----------------------------------------------------------------


@dataclass(frozen=True)
class ForestPredictor:
    """Class probabilities of a forest; a class that it never saw has probability 0."""

    forest: Any
    n_classes: int

    def __call__(self, x: FloatArray) -> FloatArray:
        out = np.zeros((len(x), self.n_classes))
        out[:, self.forest.classes_] = self.forest.predict_proba(x)
        return out


def _grow(x: FloatArray, y: IntArray, n_classes: int, seed: int, *, out_of_bag: bool) -> ForestPredictor:
    from sklearn import config_context
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(
        FOREST_TREES, min_samples_leaf=FOREST_LEAF, max_features="sqrt", bootstrap=True,
        oob_score=out_of_bag, random_state=seed, n_jobs=1,
    )  # fmt: skip
    # checking the parameters anew for each tree takes longer than growing it
    with config_context(skip_parameter_validation=True, assume_finite=True):
        return ForestPredictor(forest.fit(x, y), n_classes)


def _forest(data: TrainingData, seed: int) -> Fit:
    """Nothing is tuned; out-of-bag probabilities serve the cut-point unless units are clustered."""
    model = _grow(data.x, data.y, data.n_classes, seed, out_of_bag=not data.clustered)
    if data.clustered:
        inner = np.zeros((len(data.y), data.n_classes))
        for fold in data.folds:
            part = _grow(fold.train_x, fold.train_y, data.n_classes, seed, out_of_bag=False)
            inner[fold.test] = part(fold.test_x)
    else:
        inner = model.forest.oob_decision_function_
        # a unit in every bag (all but impossible with 300 trees) takes the class shares
        inner = np.where(np.isfinite(inner), inner, np.bincount(data.y) / len(data.y))
    weights = model.forest.feature_importances_[None]
    return Fit(model, inner, {"trees": FOREST_TREES, "min_samples_leaf": FOREST_LEAF}, weights)


# -- support vector machine ----------------------------------------------------------


@dataclass(frozen=True)
class SigmoidPredictor:
    """Class probabilities of an SVM: a sigmoid per class, scaled to sum to one."""

    machine: Any
    slopes: FloatArray
    offsets: FloatArray
    n_classes: int

    def __call__(self, x: FloatArray) -> FloatArray:
        return _sigmoids(_decision(self.machine, x, self.n_classes), self.slopes, self.offsets)


def _decision(machine: Any, x: FloatArray, n_classes: int) -> FloatArray:
    """Decision values, one column per class that has a sigmoid (two classes: the second)."""
    values = np.asarray(machine.decision_function(x), dtype=float)
    if n_classes == 2:
        return values[:, None]
    out = np.full((len(x), n_classes), values.min() - 1.0)
    out[:, machine.classes_] = values if values.ndim == 2 else np.column_stack([-values, values])
    return out


def _sigmoids(decision: FloatArray, slopes: FloatArray, offsets: FloatArray) -> FloatArray:
    single = 0.5 * (1 + np.tanh(0.5 * (decision * slopes + offsets)))
    if decision.shape[1] == 1:
        return np.hstack([1 - single, single])
    return np.asarray(single / np.maximum(single.sum(axis=1, keepdims=True), 1e-12))


def _platt(decision: FloatArray, truth: NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and offset of Platt's sigmoid with his smoothed labels; a falling one becomes flat.

    Platt (1999), Probabilistic outputs for support vector machines; solved by Newton steps.
    """
    n1, n0 = int(truth.sum()), int((~truth).sum())
    label = np.where(truth, (n1 + 1) / (n1 + 2), 1 / (n0 + 2))
    centre, scale = float(decision.mean()), float(decision.std()) or 1.0
    z = np.column_stack([(decision - centre) / scale, np.ones(len(decision))])
    beta = np.array([0.0, np.log(label.mean() / (1 - label.mean()))])
    for _ in range(100):
        mean = 0.5 * (1 + np.tanh(0.5 * (z @ beta)))
        hessian = (z * (mean * (1 - mean))[:, None]).T @ z + 1e-9 * np.eye(2)
        change = np.linalg.solve(hessian, z.T @ (label - mean))
        # half steps keep Newton from overshooting on separated data
        beta = beta + change * min(1.0, 2.0 / max(float(np.abs(change).max()), 1e-12))
        if np.abs(change).max() < 1e-8:
            break
    if beta[0] <= 0:
        return 0.0, float(np.log(label.mean() / (1 - label.mean())))
    return float(beta[0] / scale), float(beta[1] - beta[0] * centre / scale)


def _machine(x: FloatArray, y: IntArray, cost: float) -> Any:
    from sklearn.svm import SVC

    return SVC(C=cost, kernel="rbf", gamma="scale", decision_function_shape="ovr").fit(x, y)


def _pairs_right(decision: FloatArray, y: IntArray) -> float:
    """Mean one-vs-rest AUC of decision values, for tuning."""
    from scipy.stats import rankdata

    areas = []
    for column in range(decision.shape[1]):
        truth = y == (1 if decision.shape[1] == 1 else column)
        n1, n0 = int(truth.sum()), int((~truth).sum())
        if n1 and n0:
            rank = rankdata(decision[:, column])[truth].sum()
            areas.append((rank - n1 * (n1 + 1) / 2) / (n1 * n0))
    return float(np.mean(areas)) if areas else 0.5


def _tune_cost(data: TrainingData, rng: np.random.Generator) -> float:
    """Cost with the best inner AUC; of equals the smallest."""
    score = np.zeros(len(SVM_COSTS))
    for fold in data.folds:
        rows = np.arange(len(fold.train_y))
        if len(rows) > SVM_TUNING_UNITS:
            rows = np.sort(rng.permutation(rows)[:SVM_TUNING_UNITS])
            # a subsample that lost a class would tune another problem
            if len(np.unique(fold.train_y[rows])) < data.n_classes:
                rows = np.arange(len(fold.train_y))
        for i, cost in enumerate(SVM_COSTS):
            machine = _machine(fold.train_x[rows], fold.train_y[rows], cost)
            decision = _decision(machine, fold.test_x, data.n_classes)
            score[i] += _pairs_right(decision, data.y[fold.test])
    return SVM_COSTS[int(np.argmax(np.round(score, 10)))]


def _svm(data: TrainingData, seed: int) -> Fit:
    """Radial kernel; cost tuned and sigmoids fitted on inner predictions."""
    cost = _tune_cost(data, np.random.default_rng(seed))
    columns = 1 if data.n_classes == 2 else data.n_classes
    decision = np.zeros((len(data.y), columns))
    for fold in data.folds:
        decision[fold.test] = _decision(_machine(fold.train_x, fold.train_y, cost), fold.test_x, data.n_classes)
    classes = [1] if columns == 1 else list(range(columns))
    pairs = [_platt(decision[:, j], data.y == c) for j, c in enumerate(classes)]
    slopes, offsets = np.array([a for a, _ in pairs]), np.array([b for _, b in pairs])
    model = SigmoidPredictor(_machine(data.x, data.y, cost), slopes, offsets, data.n_classes)
    return Fit(model, _sigmoids(decision, slopes, offsets), {"cost": cost, "gamma": "scale"})


CLASSIFIERS: dict[str, Callable[[TrainingData, int], Fit]] = {
    "elastic_net": _elastic_net,
    "forest": _forest,
    "svm": _svm,
    **{name: partial(fit_graph, name) for name in GRAPHS},
}
