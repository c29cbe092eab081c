"""A classifier of graphs of regions: GATv2 along their borders, and attention over the regions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from radiogen.errors import fail
from radiogen.models.graphs.regions import RegionGraph
from radiogen.models.tabular.calibration import calibrated, fit_calibration, plain
from radiogen.models.tabular.estimator import NetClassifier, Weights
from radiogen.models.tabular.split import inner_folds
from radiogen.models.tabular.table import Floats, Ints, Scaling, check_range, check_word, read_classes, read_groups

#: graphs that are predicted at once
_AT_ONCE = 64


class RegionGraphClassifier(NetClassifier):
    """The class of a lesion from the graph of its regions and of those around it.

    Parameters
    ----------
    hidden : int, default 32
        Width; a multiple of ``heads``.
    layers : int, default 2
        Rounds of messages between regions that touch.
    heads : int, default 2
    dropout : float, default 0.3
    epochs : int, default 30
        Passes over the graphs.
    batch_size : int, default 32
        Graphs in a step.
    learning_rate : float, default 0.005
    weight_decay : float, default 0.05
    calibration_folds : int, default 3
        Inner folds by group for a slope and an intercept per class; below 2, or where a class has fewer groups: none.
    class_weight : {"balanced"} or None, default None
    random_state : int, default 0

    Notes
    -----
    With regions :math:`x_v`, :math:`h^0 = \\mathrm{MLP}(x)` and :math:`N(v)` the regions that touch :math:`v` and itself,

    .. math:: h^{l+1}_v = \\mathrm{ReLU}\\bigl(\\mathrm{LN}(h^l_v + \\sum_{u \\in N(v)} \\alpha_{vu} U h^l_u)\\bigr),
        \\qquad z = W \\sum_v \\beta_v h^L_v,

    where :math:`\\alpha` is GATv2's attention and :math:`\\beta` the softmax, over the regions of a picture, of a linear gate.
    Features are standardised over the regions of the training graphs.  Nothing passes between graphs.

    References
    ----------
    Brody S, Alon U, Yahav E (2022) ICLR, arXiv 2105.14491; Ilse M, Tomczak J, Welling M (2018) ICML, arXiv 1802.04712
    (attention pooling); Li Y et al. (2016) ICLR, arXiv 1511.05493 (gated pooling of graphs).

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.models.graphs.region_classifier import RegionGraphClassifier
    >>> from radiogen.models.graphs.regions import region_graph
    >>> rows, columns = np.mgrid[:40, :40]
    >>> mask = (rows - 20) ** 2 + (columns - 20) ** 2 < 100
    >>> rng = np.random.default_rng(0)
    >>> dark = [region_graph(np.where(mask, 40.0, 120.0) + rng.normal(size=mask.shape), mask) for _ in range(6)]
    >>> bright = [region_graph(np.where(mask, 160.0, 120.0) + rng.normal(size=mask.shape), mask) for _ in range(6)]
    >>> model = RegionGraphClassifier(hidden=8, epochs=10).fit(dark + bright, ["dark"] * 6 + ["bright"] * 6)
    >>> model.predict([dark[0], bright[0]]).tolist()
    ['dark', 'bright']
    """

    _ARRAYS: ClassVar[tuple[str, ...]] = ("mean_", "scale_", "calibration_")

    mean_: Floats
    scale_: Floats
    calibration_: Floats

    def __init__(
        self,
        *,
        hidden: int = 32,
        layers: int = 2,
        heads: int = 2,
        dropout: float = 0.3,
        epochs: int = 30,
        batch_size: int = 32,
        learning_rate: float = 0.005,
        weight_decay: float = 0.05,
        calibration_folds: int = 3,
        class_weight: Literal["balanced"] | None = None,
        random_state: int = 0,
    ) -> None:
        self.hidden = hidden
        self.layers = layers
        self.heads = heads
        self.dropout = dropout
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.calibration_folds = calibration_folds
        self.class_weight = class_weight
        self.random_state = random_state

    def fit(self, X: Sequence[RegionGraph], y: Any, groups: Any = None) -> Self:
        """Learn from graphs.

        Parameters
        ----------
        X : sequence of RegionGraph
            One per lesion, all with the same features.
        y : array-like, shape (n,)
        groups : array-like, shape (n,), optional
            Patient of each graph, for the folds of the calibration.

        Raises
        ------
        RadiogenError
            RG705 for something that is no graph, other features or lengths; RG701 for one class; RG708 for a parameter out of
            range; RG704 where training diverges; RG902 without torch-geometric.
        """
        self._check()
        graphs = _checked(X)
        self.classes_, codes = read_classes(y, len(graphs))
        owner = read_groups(groups, len(graphs))
        nodes = np.concatenate([graph.nodes for graph in graphs])
        self._learn_columns(nodes, graphs[0].names)
        scaling = Scaling.of(nodes)
        self.mean_, self.scale_ = scaling.mean, scaling.scale
        self.calibration_ = self._calibrate(graphs, codes, owner)
        self.weights_ = self._train(graphs, codes)
        return self

    def predict_proba(self, X: Sequence[RegionGraph]) -> Floats:
        """Probabilities of the classes, shape (n, classes); each graph is predicted on its own.

        Raises
        ------
        RadiogenError
            RG705 before ``fit``, or for graphs with other features.
        """
        return calibrated(self._logits(self._graphs(X), self.weights_)[0], self.calibration_)

    def region_weights(self, X: Sequence[RegionGraph]) -> list[Floats]:
        """How much the pooling listens to each region: one array per graph, which sums to 1.

        These are weights inside the network, no attribution: a region that is heard need not speak for the class.
        """
        return self._logits(self._graphs(X), self.weights_)[1]

    def _graphs(self, X: Sequence[RegionGraph]) -> list[RegionGraph]:
        self._check_fitted()
        return _checked(X, tuple(self.feature_names_in_))

    def _check(self) -> None:
        self._check_seed(self.random_state)
        for name, high in (("hidden", 4096), ("layers", 10), ("heads", 64), ("epochs", 100_000), ("batch_size", 100_000)):
            check_range(name, getattr(self, name), 1, high, whole=True)
        check_range("dropout", self.dropout, 0, 0.95)
        check_range("calibration_folds", self.calibration_folds, 0, 20, whole=True)
        check_range("learning_rate", self.learning_rate, 1e-9, 1)
        check_range("weight_decay", self.weight_decay, 0, 10)
        check_word("class_weight", self.class_weight or "None", ("balanced", "None"))
        if self.hidden % self.heads:
            raise fail("RG708", f"`hidden` must be a multiple of `heads` ({self.heads})", value=self.hidden)

    def _net(self) -> Any:
        from radiogen.models.graphs.layers import RegionNet

        return RegionNet(self.n_features_in_, len(self.classes_), self.hidden, self.layers, self.heads, self.dropout)

    def _class_shares(self, codes: Ints) -> Floats:
        counts = np.bincount(codes, minlength=len(self.classes_))
        return len(codes) / (len(counts) * counts) if self.class_weight == "balanced" else np.ones(len(counts))

    def _calibrate(self, graphs: list[RegionGraph], codes: Ints, owner: Ints) -> Floats:
        folds = inner_folds(codes, owner, int(self.calibration_folds), int(self.random_state))
        if not folds:
            return plain(len(self.classes_))
        found = np.empty((len(codes), len(self.classes_)))
        for train, test in folds:
            weights = self._train([graphs[i] for i in train], codes[train])
            found[test] = self._logits([graphs[i] for i in test], weights)[0]
        return fit_calibration(found, codes, self._class_shares(codes)[codes])

    def _union(self, graphs: Sequence[RegionGraph]) -> tuple[Floats, Ints, Ints]:
        """Several graphs as one that falls into parts: standardised regions, edges and the graph of each region."""
        sizes = [len(graph.nodes) for graph in graphs]
        start = np.cumsum([0, *sizes[:-1]])
        nodes = Scaling(self.mean_, self.scale_)(np.concatenate([graph.nodes for graph in graphs]))
        edges = np.concatenate([graph.edges + first for graph, first in zip(graphs, start, strict=True)], axis=1)
        return nodes, edges.astype(np.int64), np.repeat(np.arange(len(graphs)), sizes)

    def _logits(self, graphs: list[RegionGraph], weights: Weights) -> tuple[Floats, list[Floats]]:
        """Logits of graphs, and the pooling's weights of their regions."""
        import torch

        from radiogen.models.tabular.descent import loaded, seeded

        scores: list[NDArray[np.float64]] = []
        heard: list[Floats] = []
        with seeded(0), torch.no_grad():
            net = loaded(self._net(), weights)
            for first in range(0, len(graphs), _AT_ONCE):
                part = graphs[first : first + _AT_ONCE]
                nodes, edges, graph = (torch.from_numpy(a) for a in self._union(part))
                scores.append(net(nodes, edges, graph, len(part)).numpy())
                gate = net.gate(net.states(nodes, edges))[:, 0]
                heard += [gate[graph == i].softmax(dim=0).numpy() for i in range(len(part))]
        return np.concatenate(scores), heard

    def _train(self, graphs: list[RegionGraph], codes: Ints) -> Weights:
        import torch

        from radiogen.models.tabular.descent import descend, seeded, weights_of

        criterion = torch.nn.CrossEntropyLoss(torch.from_numpy(self._class_shares(codes)).float())
        per_pass = -(-len(graphs) // int(self.batch_size))
        rng = np.random.default_rng(int(self.random_state))
        order: list[Ints] = []
        with seeded(int(self.random_state)):
            net = self._net()

            def loss(_step: int) -> Any:
                if not order:
                    order.extend(np.array_split(rng.permutation(len(graphs)), per_pass))
                rows = order.pop()
                nodes, edges, graph = self._union([graphs[i] for i in rows])
                logits = net(torch.from_numpy(nodes).float(), torch.from_numpy(edges), torch.from_numpy(graph), len(rows))
                return criterion(logits, torch.from_numpy(codes[rows]))

            descend(net, loss, steps=int(self.epochs) * per_pass, learning_rate=self.learning_rate,
                    weight_decay=self.weight_decay)
            return weights_of(net)


def _checked(graphs: Any, names: tuple[str, ...] | None = None) -> list[RegionGraph]:
    """A list of graphs with the same features."""
    if isinstance(graphs, RegionGraph) or not isinstance(graphs, Sequence | np.ndarray) or not len(graphs):
        raise fail("RG705", "`X` must be a sequence of graphs of regions, with at least one")
    for number, graph in enumerate(graphs):
        if not isinstance(graph, RegionGraph):
            raise fail("RG705", f"item {number} of `X` is a {type(graph).__name__} and no graph of regions")
        names = names or graph.names
        if graph.names != names:
            raise fail("RG705", f"graph {number} has the features {', '.join(graph.names)}, and others have {', '.join(names)}")
    return list(graphs)
