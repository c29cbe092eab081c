"""A classifier on the graph of similar patients: inductive, so that a prediction never depends on other new patients."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

import numpy as np
from sklearn.base import clone

from radiogen.errors import fail
from radiogen.models.graphs.neighbours import most_neighbours, nearest_neighbours, random_neighbours
from radiogen.models.tabular.calibration import calibrated, fit_calibration, plain
from radiogen.models.tabular.estimator import NetClassifier, Weights
from radiogen.models.tabular.split import inner_folds
from radiogen.models.tabular.table import Floats, Ints, Scaling, check_range, check_word, read_classes, read_groups, read_table

LAYERS = ("gatv2", "sage")
EDGES = ("nearest", "random", "self")


class GraphClassifier(NetClassifier):
    """Each unit hears its most similar training units: a graph neural network on a table.

    Parameters
    ----------
    n_neighbors : int, default 10
        Nearest training units of other groups, by Euclidean distance of the standardised columns; fewer where there are
        fewer.
    layer : {"gatv2", "sage"}, default "gatv2"
        Neighbours weighted by attention, or their mean.
    hidden : int, default 32
        Width; a multiple of ``heads``.
    heads : int, default 2
        Attentions of GATv2 side by side.
    dropout : float, default 0.5
    epochs : int, default 60
        Steps on all training units at once.
    calibration_folds : int, default 3
        Inner folds by group, from which a slope and an intercept per class are learnt that make the probabilities right on
        average; below 2, or where a class has fewer groups than folds: none.
    learning_rate : float, default 0.01
    weight_decay : float, default 0.1
    class_weight : {"balanced"} or None, default None
        ``"balanced"``: each class has the same weight in the loss.
    edges : {"nearest", "random", "self"}, default "nearest"
        ``"random"`` and ``"self"`` are the controls: neighbours drawn by chance, and each unit its own only neighbour,
        which makes the same layers with the same number of weights a plain multilayer perceptron.
    random_state : int, default 0

    Attributes
    ----------
    classes_ : array
    n_neighbors_ : int
        Neighbours that were used.
    calibration_ : array, shape (1 + classes,)
        Slope and intercepts of the logits.
    training_ : array, shape (n, p)
        Standardised training units: a new unit is attached to them, so **the model holds the data it was fitted on**.
    controls_ : dict
        The fitted controls, after :meth:`fit_with_controls`.

    Notes
    -----
    For a unit :math:`i` with neighbours :math:`N(i)` among the training units and an encoder :math:`h = \\mathrm{MLP}(x)`,

    .. math:: z_i = W \\,\\mathrm{ReLU}\\bigl(\\mathrm{LN}(h_i + \\sum_{j \\in N(i)} \\alpha_{ij} U h_j)\\bigr),

    where :math:`\\alpha` is GATv2's attention or 1/k.  There is one round of messages: in a second one a unit, and others of
    its group, would come back to it by way of its neighbours.  Messages are features, never labels.  Training units never
    hear new units, and new units never hear one another.

    References
    ----------
    Brody S, Alon U, Yahav E (2022) ICLR, arXiv 2105.14491 (GATv2); Hamilton W, Ying R, Leskovec J (2017) NeurIPS,
    arXiv 1706.02216 (SAGE, inductive learning).

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.models.graphs.patients import GraphClassifier
    >>> x = np.random.default_rng(0).normal(size=(60, 3))
    >>> model = GraphClassifier(n_neighbors=5, hidden=8, epochs=20).fit(x, x[:, 0] > 0)
    >>> p = model.predict_proba(x[:4])
    >>> bool(np.allclose(p[2], model.predict_proba(x[2:3])[0]))
    True
    """

    _ARRAYS: ClassVar[tuple[str, ...]] = ("mean_", "scale_", "training_", "calibration_")
    _NUMBERS: ClassVar[tuple[str, ...]] = ("n_features_in_", "n_neighbors_")

    mean_: Floats
    scale_: Floats
    training_: Floats
    n_neighbors_: int
    calibration_: Floats
    controls_: dict[str, GraphClassifier]

    def __init__(
        self,
        n_neighbors: int = 10,
        *,
        layer: Literal["gatv2", "sage"] = "gatv2",
        hidden: int = 32,
        heads: int = 2,
        dropout: float = 0.5,
        epochs: int = 60,
        calibration_folds: int = 3,
        learning_rate: float = 0.01,
        weight_decay: float = 0.1,
        class_weight: Literal["balanced"] | None = None,
        edges: Literal["nearest", "random", "self"] = "nearest",
        random_state: int = 0,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.layer = layer
        self.hidden = hidden
        self.heads = heads
        self.dropout = dropout
        self.epochs = epochs
        self.calibration_folds = calibration_folds
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.class_weight = class_weight
        self.edges = edges
        self.random_state = random_state

    def fit(self, X: Any, y: Any, groups: Any = None) -> Self:
        """Build the graph of the training units and train on it.

        Parameters
        ----------
        X : DataFrame or array, shape (n, p)
            Without missing values; it is standardised here.
        y : array-like, shape (n,)
            The class of each unit.
        groups : array-like, shape (n,), optional
            Patient of each unit; a unit's neighbours are units of others.

        Raises
        ------
        RadiogenError
            RG705 for missing or infinite values or other lengths, RG701 for one class or one group, RG708 for a
            parameter out of range, RG704 where training diverges, RG902 without torch-geometric.
        """
        self._check()
        values, names = read_table(X)
        classes, codes = read_classes(y, len(values))
        owner = read_groups(groups, len(values))
        self.n_neighbors_ = min(int(self.n_neighbors), most_neighbours(owner))
        self._learn_columns(values, names)
        self.classes_ = classes
        scaling = Scaling.of(values)
        self.mean_, self.scale_, self.training_ = scaling.mean, scaling.scale, scaling(values)
        self.calibration_ = self._calibrate(codes, owner)
        self.weights_ = self._train(self.training_, codes, owner)
        return self

    def predict_proba(self, X: Any) -> Floats:
        """Probabilities of the classes; each unit is attached alone to its nearest training units.

        Parameters
        ----------
        X : DataFrame or array, shape (m, p)
            A DataFrame's columns are taken by name.

        Returns
        -------
        array, shape (m, classes)

        Raises
        ------
        RadiogenError
            RG705 before ``fit``, for missing or infinite values, or other columns.
        """
        values = self._columns(X)
        units = Scaling(self.mean_, self.scale_)(values)
        return calibrated(self._logits(units, self.training_, self.n_neighbors_, self.weights_), self.calibration_)

    def controls(self) -> dict[str, GraphClassifier]:
        """The two controls, not fitted: ``"mlp"`` without edges and ``"shuffled"`` with random ones."""
        return {"mlp": clone(self).set_params(edges="self"), "shuffled": clone(self).set_params(edges="random")}

    def fit_with_controls(self, X: Any, y: Any, groups: Any = None) -> Self:
        """:meth:`fit`, and its controls on the same data into ``controls_``."""
        self.fit(X, y, groups)
        self.controls_ = {name: model.fit(X, y, groups) for name, model in self.controls().items()}
        return self

    def _check(self) -> None:
        self._check_seed(self.random_state)
        for name, high in (("n_neighbors", 10_000), ("hidden", 4096), ("heads", 64), ("epochs", 100_000)):
            check_range(name, getattr(self, name), 1, high, whole=True)
        check_range("dropout", self.dropout, 0, 0.95)
        check_range("calibration_folds", self.calibration_folds, 0, 20, whole=True)
        check_range("learning_rate", self.learning_rate, 1e-9, 1)
        check_range("weight_decay", self.weight_decay, 0, 10)
        check_word("layer", self.layer, LAYERS)
        check_word("edges", self.edges, EDGES)
        check_word("class_weight", self.class_weight or "None", ("balanced", "None"))
        if self.hidden % self.heads:
            raise fail("RG708", f"`hidden` must be a multiple of `heads` ({self.heads})", value=self.hidden)

    def _attach(self, units: Floats, training: Floats, k: int, groups: Ints | None) -> Ints:
        """Rows of the training units that each unit hears; with groups, for the training units themselves."""
        if self.edges == "self":
            return np.arange(len(units))[:, None]
        if self.edges == "random":
            return random_neighbours(units, training, k, int(self.random_state), groups)
        return nearest_neighbours(units, training, k, groups)

    def _net(self) -> Any:
        from radiogen.models.graphs.layers import NeighbourNet

        return NeighbourNet(self.n_features_in_, len(self.classes_), self.hidden, self.layer, self.heads, self.dropout)

    def _logits(self, units: Floats, training: Floats, k: int, weights: Weights) -> Floats:
        """Of units that are attached, each alone, to these training units."""
        import torch

        from radiogen.models.tabular.descent import loaded, seeded

        near = torch.from_numpy(self._attach(units, training, k, None))
        with seeded(0), torch.no_grad():
            net = loaded(self._net(), weights)
            target = net.encoder(torch.from_numpy(units))
            source = target if self.edges == "self" else net.encoder(torch.from_numpy(training))
            return np.asarray(net(source, target, near).numpy(), dtype=np.float64)

    def _calibrate(self, codes: Ints, owner: Ints) -> Floats:
        """Slope and intercepts from inner folds, whose test units the model has not seen."""
        found = np.empty((len(codes), len(self.classes_)))
        folds = inner_folds(codes, owner, int(self.calibration_folds), int(self.random_state))
        # without two groups to train on there is no neighbour
        if not folds or any(len(np.unique(owner[train])) < 2 for train, _ in folds):
            return plain(len(self.classes_))
        for train, test in folds:
            k = min(self.n_neighbors_, most_neighbours(owner[train]))
            weights = self._train(self.training_[train], codes[train], owner[train])
            found[test] = self._logits(self.training_[test], self.training_[train], k, weights)
        return fit_calibration(found, codes, self._class_shares(codes)[codes])

    def _class_shares(self, codes: Ints) -> Floats:
        counts = np.bincount(codes, minlength=len(self.classes_))
        return len(codes) / (len(counts) * counts) if self.class_weight == "balanced" else np.ones(len(counts))

    def _train(self, units: Floats, codes: Ints, owner: Ints) -> Weights:
        """Weights learnt on the graph of these units."""
        import torch

        from radiogen.models.tabular.descent import descend, seeded, weights_of

        criterion = torch.nn.CrossEntropyLoss(torch.from_numpy(self._class_shares(codes)).float())
        k = min(self.n_neighbors_, most_neighbours(owner))
        x, y, near = (torch.from_numpy(a) for a in (units.astype(np.float32), codes, self._attach(units, units, k, owner)))
        with seeded(int(self.random_state)):
            net = self._net()

            def loss(_step: int) -> Any:
                state = net.encoder(x)
                return criterion(net(state, state, near), y)

            descend(net, loss, steps=int(self.epochs), learning_rate=self.learning_rate, weight_decay=self.weight_decay)
            return weights_of(net)
