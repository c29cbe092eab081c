"""Fitted models of other libraries as plain arrays, so that they can be kept without pickle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radiogen.errors import fail
from radiogen.models.classifiers import ForestPredictor, SigmoidPredictor
from radiogen.models.risk import ForestRisk

FloatArray = NDArray[np.float64]

#: rows sent through all trees at a time
_ROWS = 4096


@dataclass(frozen=True)
class StoredTrees:
    """The trees of a forest, one after the other.

    Parameters
    ----------
    root : array of int, shape (trees,)
        Position of each tree's first node.
    feature : array of int, shape (nodes,)
        Column of the split; negative in leaves.
    threshold : array, shape (nodes,)
        A unit goes left if its value, rounded to single precision as scikit-learn does, is at most this.
    left, right : array of int, shape (nodes,)
        Positions of the children.
    value : array, shape (nodes, outputs)
        What a leaf predicts.
    """

    root: NDArray[np.int64]
    feature: NDArray[np.int64]
    threshold: FloatArray
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    value: FloatArray

    def __post_init__(self) -> None:
        inside = self.feature >= 0
        at = np.arange(len(self.feature))
        for side in (self.left, self.right):
            # children stand behind their parent: every walk down a tree ends
            if ((side <= at) | (side >= len(at)))[inside].any():
                raise fail("RG705", "the nodes of a tree are not in order")

    @classmethod
    def of(cls, trees: Sequence[Any], *, shares: bool) -> StoredTrees:
        """From fitted trees; ``shares`` turns the values of leaves into shares of classes."""
        parts: dict[str, list[NDArray[Any]]] = {k: [] for k in ("feature", "threshold", "left", "right", "value")}
        root, start = [], 0
        for tree in trees:
            root.append(start)
            value = tree.value.reshape(tree.node_count, -1)
            if shares:
                value = value / value.sum(axis=1, keepdims=True)
            for name, own in (
                ("feature", tree.feature), ("threshold", tree.threshold), ("left", tree.children_left + start),
                ("right", tree.children_right + start), ("value", value),
            ):  # fmt: skip
                parts[name].append(np.asarray(own))
            start += tree.node_count
        # without a tree there is nothing to join
        whole = {k: np.concatenate(v) if v else np.zeros((0, 1) if k == "value" else 0) for k, v in parts.items()}
        return cls(
            np.array(root, dtype=np.int64), whole["feature"].astype(np.int64), whole["threshold"].astype(float),
            whole["left"].astype(np.int64), whole["right"].astype(np.int64), whole["value"].astype(float),
        )  # fmt: skip

    def mean(self, x: FloatArray) -> FloatArray:
        """Mean over trees of what each unit's leaves predict, shape (m, outputs)."""
        single = np.asarray(x, dtype=np.float32)
        return np.vstack([self._mean(single[at : at + _ROWS]) for at in range(0, max(len(single), 1), _ROWS)])

    def leaves(self, x: FloatArray) -> FloatArray:
        """What each unit's leaf predicts in each tree, one output, shape (trees, m)."""
        single = np.asarray(x, dtype=np.float32)
        parts = [self.value[self._nodes(single[at : at + _ROWS]), 0].T for at in range(0, max(len(single), 1), _ROWS)]
        return np.hstack(parts)

    def _nodes(self, x: NDArray[np.float32]) -> NDArray[np.int64]:
        """Leaf of each unit in each tree, shape (m, trees)."""
        node = np.repeat(self.root[None, :], len(x), axis=0)
        inside = self.feature[node] >= 0
        rows = np.arange(len(x))[:, None]
        while inside.any():
            split = np.maximum(self.feature[node], 0)
            goes_left = x[rows, split] <= self.threshold[node]
            node = np.where(inside, np.where(goes_left, self.left[node], self.right[node]), node)
            inside = self.feature[node] >= 0
        return node

    def _mean(self, x: NDArray[np.float32]) -> FloatArray:
        node = self._nodes(x)
        total = np.zeros((len(x), self.value.shape[1]))
        for tree in range(node.shape[1]):
            total += self.value[node[:, tree]]
        return total / node.shape[1]


@dataclass(frozen=True)
class StoredForest:
    """Class probabilities of a forest."""

    trees: StoredTrees
    classes: NDArray[np.int64]
    n_classes: int

    def __call__(self, x: FloatArray) -> FloatArray:
        out = np.zeros((len(x), self.n_classes))
        out[:, self.classes] = self.trees.mean(x)
        return out


@dataclass(frozen=True)
class StoredRisk:
    """Expected number of events of a survival forest."""

    trees: StoredTrees

    def __call__(self, x: FloatArray) -> FloatArray:
        return np.asarray(self.trees.mean(x)[:, 0])


@dataclass(frozen=True)
class StoredBoost:
    """Log-hazard of boosted trees, one output each.

    Parameters
    ----------
    trees : StoredTrees
    rate : float
        Factor of each tree.
    """

    trees: StoredTrees
    rate: float

    def stages(self, x: FloatArray) -> FloatArray:
        """Log-hazards after each tree, shape (trees, m)."""
        return np.asarray(self.rate * np.cumsum(self.trees.leaves(x), axis=0))

    def __call__(self, x: FloatArray) -> FloatArray:
        return np.asarray(self.rate * self.trees.leaves(x).sum(axis=0))


@dataclass(frozen=True)
class StoredMachine:
    """Decision values of a support vector machine with radial kernel, as scikit-learn gives them.

    Parameters
    ----------
    vectors : array, shape (k, p)
    counts : array of int, shape (classes,)
        Support vectors of each class.
    dual : array, shape (classes - 1, k)
    intercept : array, shape (pairs,)
    gamma : float
    classes_ : array of int
    """

    vectors: FloatArray
    counts: NDArray[np.int64]
    dual: FloatArray
    intercept: FloatArray
    gamma: float
    classes_: NDArray[np.int64]

    def decision_function(self, x: FloatArray) -> FloatArray:
        """Shape (m,) for two classes, else (m, classes)."""
        kernel = np.exp(-self.gamma * _distances(x, self.vectors))
        if len(self.classes_) == 2:
            return np.asarray(kernel @ self.dual[0] + self.intercept[0])
        return _one_against_rest(self._pairs(kernel), len(self.classes_))

    def _pairs(self, kernel: FloatArray) -> FloatArray:
        """Decision of every pair of classes, in the order (0, 1), (0, 2) …"""
        stop = np.cumsum(self.counts)
        own = [slice(b - n, b) for n, b in zip(self.counts, stop, strict=True)]
        columns: list[FloatArray] = []
        for i in range(len(own)):
            for j in range(i + 1, len(own)):
                value = kernel[:, own[i]] @ self.dual[j - 1, own[i]] + kernel[:, own[j]] @ self.dual[i, own[j]]
                columns.append(value + self.intercept[len(columns)])
        return np.column_stack(columns)


def _distances(a: FloatArray, b: FloatArray) -> FloatArray:
    from scipy.spatial.distance import cdist

    return np.asarray(cdist(a, b, "sqeuclidean"))


def _one_against_rest(pairs: FloatArray, classes: int) -> FloatArray:
    """Votes of the pairs, with their confidences squeezed to less than half a vote to break ties."""
    votes, confidence = np.zeros((len(pairs), classes)), np.zeros((len(pairs), classes))
    k = 0
    for i in range(classes):
        for j in range(i + 1, classes):
            # a pair's decision is positive for its first class
            confidence[:, i] += pairs[:, k]
            confidence[:, j] -= pairs[:, k]
            first = pairs[:, k] > 0
            votes[first, i] += 1
            votes[~first, j] += 1
            k += 1
    return votes + confidence / (3 * (np.abs(confidence) + 1))


def storable(predictor: Any) -> Any:
    """The same predictor without objects of other libraries; others are given back as they are.

    Parameters
    ----------
    predictor : callable
        Of :func:`radiogen.models.fit_classifier` or :func:`radiogen.models.fit_risk_model`.
    """
    if isinstance(predictor, ForestPredictor):
        forest = predictor.forest
        trees = StoredTrees.of([t.tree_ for t in forest.estimators_], shares=True)
        return StoredForest(trees, np.asarray(forest.classes_, dtype=np.int64), predictor.n_classes)
    if isinstance(predictor, ForestRisk):
        return StoredRisk(StoredTrees.of([t.tree_ for t in predictor.forest.estimators_], shares=False))
    if isinstance(predictor, SigmoidPredictor):
        return SigmoidPredictor(_machine(predictor.machine), predictor.slopes, predictor.offsets, predictor.n_classes)
    return predictor


def _machine(machine: Any) -> StoredMachine:
    if isinstance(machine, StoredMachine):
        return machine
    return StoredMachine(
        np.asarray(machine.support_vectors_, dtype=float), np.asarray(machine.n_support_, dtype=np.int64),
        np.asarray(machine.dual_coef_, dtype=float), np.asarray(machine.intercept_, dtype=float), float(machine._gamma),
        np.asarray(machine.classes_, dtype=np.int64),
    )  # fmt: skip
