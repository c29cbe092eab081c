"""The patient-similarity graph and its two controls as classifiers of the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from radiogen.models.classifiers import Fit, TrainingData

#: name in an analysis -> whose neighbours are heard; the controls tell whether the edges add anything
GRAPHS = {"graph": "nearest", "graph_shuffled": "random", "graph_none": "self"}


class GraphPredictor:
    """Class probabilities of a fitted graph classifier; classes that it never saw have probability 0."""

    def __init__(self, model: Any, n_classes: int) -> None:
        self.model, self.n_classes = model, n_classes

    def __call__(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        out = np.zeros((len(x), self.n_classes))
        out[:, self.model.classes_] = self.model.predict_proba(x)
        return out


def fit_graph(name: str, data: TrainingData, seed: int) -> Fit:
    """Fit the graph or one of its controls; nothing is tuned.

    Parameters
    ----------
    name : {"graph", "graph_shuffled", "graph_none"}
    data : TrainingData
    seed : int
    """
    from radiogen.models.classifiers import Fit
    from radiogen.models.graphs.patients import GraphClassifier

    def grown(x: NDArray[np.float64], y: NDArray[np.int_], groups: NDArray[np.int_]) -> GraphPredictor:
        model = GraphClassifier(edges=GRAPHS[name], random_state=seed)  # type: ignore[arg-type]
        return GraphPredictor(model.fit(x, y, groups), data.n_classes)

    groups = np.arange(len(data.y)) if data.groups is None else data.groups
    inner = np.zeros((len(data.y), data.n_classes))
    everybody = np.arange(len(data.y))
    for fold in data.folds:
        train = np.setdiff1d(everybody, fold.test)
        inner[fold.test] = grown(fold.train_x, fold.train_y, groups[train])(fold.test_x)
    model = grown(data.x, data.y, groups)
    return Fit(model, inner, {"neighbours": int(model.model.n_neighbors_), "edges": GRAPHS[name]})
