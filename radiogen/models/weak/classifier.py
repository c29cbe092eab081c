"""A classifier for units whose labels are strong, weak or missing."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from radiogen.errors import fail
from radiogen.models.tabular.estimator import NetClassifier, Weights
from radiogen.models.tabular.table import Floats, Ints, Scaling, check_range, check_word, read_classes, read_table
from radiogen.models.weak.pseudo import pseudo_labels

METHODS = ("supervised", "mean_teacher", "pseudo")
STRENGTHS = ("strong", "weak", "none")
#: kinds of label as numbers: an unlabelled unit has no class
_STRONG, _WEAK, _NONE = 0, 1, 2
Bools = NDArray[np.bool_]


class WeakClassifier(NetClassifier):
    """A small network that also learns from weak labels and from units without one.

    Parameters
    ----------
    method : {"supervised", "mean_teacher", "pseudo"}, default "mean_teacher"
        Labelled units alone; or also agreement, on the others, with the running average of the network; or rounds in which units
        are labelled of which it is sure.
    hidden : int, default 32
    dropout : float, default 0.0
    steps : int, default 200
        Of training, each on all units; of ``"pseudo"``, per round.
    learning_rate : float, default 0.01
    weight_decay : float, default 0.01
    decay : float, default 0.99
        Of the running average, which all methods predict by.
    noise : float, default 0.2
        Standard deviation of the jitter of standardised features in the two views of the mean teacher.
    consistency : float, default 30.0
        Largest weight of agreement; it rises over the first ``ramp`` of the steps.
    ramp : float, default 0.5
    threshold : float, default 0.95
        Least probability of a pseudo-label.
    rounds : int, default 3
        Of pseudo-labels.
    weak_weight : float, default 0.5
        Weight of a weak label against a strong one.
    noise_robust : {"none", "smoothing", "gce", "forward"}, default "none"
        Loss of weak labels; see :func:`radiogen.models.weak.losses.noisy_loss`.
    noise_rate : float, default 0.0
        Known share of weak labels that are wrong, for ``"smoothing"`` and ``"forward"``.
    random_state : int, default 0

    Attributes
    ----------
    classes_ : array
        Classes of strong and weak labels.
    n_pseudo_ : int
        Units that bore a pseudo-label in the last round.

    Notes
    -----
    The loss is

    .. math:: \\frac{\\sum_{strong} \\ell_i + w \\sum_{weak} \\tilde\\ell_i}{n_{strong} + w\\, n_{weak}}
        + c(t) \\, \\overline{\\lVert p_s(x') - p_t(x'') \\rVert^2}

    with agreement of student s and teacher t on units without a strong label alone, so that all methods are the same where all
    labels are strong.  Units without a label also take part in the standardisation; whatever stands in their ``y`` is never
    read.  Probabilities are not calibrated: strong labels are too few to learn it from.

    Unlabelled units help where classes are clusters; where they are not, they may do harm.  Compare with ``"supervised"``.

    References
    ----------
    Tarvainen A, Valpola H (2017) NeurIPS 30, arXiv 1703.01780; Lee D-H (2013) ICML Workshop on Challenges in Representation
    Learning.

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.models.weak.classifier import WeakClassifier
    >>> x = np.random.default_rng(0).normal(size=(40, 2)) + np.repeat([[-2], [2]], 20, axis=0)
    >>> strength = np.where(np.arange(40) % 10 == 0, "strong", "none")
    >>> model = WeakClassifier(hidden=8, steps=40).fit(x, np.repeat(["low", "high"], 20), strength)
    >>> model.predict([[-3, -3], [3, 3]]).tolist()
    ['low', 'high']
    """

    _ARRAYS: ClassVar[tuple[str, ...]] = ("mean_", "scale_")
    _NUMBERS: ClassVar[tuple[str, ...]] = ("n_features_in_", "n_pseudo_")

    mean_: Floats
    scale_: Floats
    n_pseudo_: int

    def __init__(
        self,
        method: Literal["supervised", "mean_teacher", "pseudo"] = "mean_teacher",
        *,
        hidden: int = 32,
        dropout: float = 0.0,
        steps: int = 200,
        learning_rate: float = 0.01,
        weight_decay: float = 0.01,
        decay: float = 0.99,
        noise: float = 0.2,
        consistency: float = 30.0,
        ramp: float = 0.5,
        threshold: float = 0.95,
        rounds: int = 3,
        weak_weight: float = 0.5,
        noise_robust: Literal["none", "smoothing", "gce", "forward"] = "none",
        noise_rate: float = 0.0,
        random_state: int = 0,
    ) -> None:
        self.method = method
        self.hidden = hidden
        self.dropout = dropout
        self.steps = steps
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.decay = decay
        self.noise = noise
        self.consistency = consistency
        self.ramp = ramp
        self.threshold = threshold
        self.rounds = rounds
        self.weak_weight = weak_weight
        self.noise_robust = noise_robust
        self.noise_rate = noise_rate
        self.random_state = random_state

    def fit(self, X: Any, y: Any, strength: Any = None) -> Self:
        """Learn.

        Parameters
        ----------
        X : DataFrame or array, shape (n, p)
            All units, without missing values; unlabelled ones are of the training part too.
        y : array-like, shape (n,)
            The class; of units without a label anything.
        strength : array-like of {"strong", "weak", "none"}, shape (n,), optional
            What each label is worth: sure, possibly wrong, or none.  Default all strong.

        Raises
        ------
        RadiogenError
            RG705 for missing or infinite values, other lengths, unknown strengths or a labelled unit without a class; RG701 for
            fewer than two classes among the labelled units; RG708 for a parameter out of range; RG704 where training diverges.
        """
        self._check()
        values, names = read_table(X)
        kind = _strengths(strength, len(values))
        self.classes_, codes = _labels(y, kind)
        if self.noise_rate >= 1 - 1 / len(self.classes_):
            raise fail("RG708", f"with {len(self.classes_)} classes labels of this noise rate say nothing", value=self.noise_rate)
        self._learn_columns(values, names)
        scaling = Scaling.of(values)
        self.mean_, self.scale_ = scaling.mean, scaling.scale
        units = scaling(values)
        self.n_pseudo_ = 0
        self.weights_ = self._train(units, codes, kind)
        if self.method == "pseudo" and (kind == _NONE).any():
            self._label_and_train(units, codes, kind)
        return self

    def predict_proba(self, X: Any) -> Floats:
        """Probabilities of the classes, shape (m, classes), by the network's running average.

        Raises
        ------
        RadiogenError
            RG705 before ``fit``, for missing or infinite values, or other columns.
        """
        values = self._columns(X)
        return self._proba(Scaling(self.mean_, self.scale_)(values))

    def _proba(self, units: Floats) -> Floats:
        import torch

        from radiogen.models.tabular.descent import loaded, seeded

        with seeded(0), torch.no_grad():
            logits = loaded(self._net(), self.weights_)(torch.from_numpy(units))
            return np.asarray(logits.softmax(dim=1).numpy(), dtype=np.float64)

    def _check(self) -> None:
        self._check_seed(self.random_state)
        check_word("method", self.method, METHODS)
        check_word("noise_robust", self.noise_robust, ("none", "smoothing", "gce", "forward"))
        for name, most in (("hidden", 4096), ("steps", 1_000_000), ("rounds", 1000)):
            check_range(name, getattr(self, name), 1, most, whole=True)
        for name, high in (
            ("dropout", 0.95), ("learning_rate", 1.0), ("weight_decay", 10.0), ("decay", 1.0), ("noise", 100.0),
            ("consistency", 1e6), ("ramp", 1.0), ("threshold", 1.0), ("weak_weight", 1000.0), ("noise_rate", 1.0),
        ):  # fmt: skip
            check_range(name, getattr(self, name), 0, high)

    def _label_and_train(self, units: Floats, codes: Ints, kind: Ints) -> None:
        """Rounds of pseudo-labels; they count as weak ones and are given anew in each round."""
        bare = np.flatnonzero(kind == _NONE)
        known = codes[kind == _STRONG] if (kind == _STRONG).any() else codes[kind == _WEAK]
        counts = np.bincount(known, minlength=len(self.classes_))
        for _ in range(int(self.rounds)):
            found = pseudo_labels(self._proba(units[bare]), threshold=self.threshold, shares=np.maximum(counts, 1))
            if not len(found.rows):
                return
            own, worth = codes.copy(), kind.copy()
            own[bare[found.rows]], worth[bare[found.rows]] = found.codes, _WEAK
            self.n_pseudo_ = len(found.rows)
            self.weights_ = self._train(units, own, worth)

    def _net(self) -> Any:
        from torch import nn

        from radiogen.models.tabular.descent import mlp

        first = mlp(self.n_features_in_, self.hidden, self.dropout)
        return nn.Sequential(*first, *mlp(self.hidden, self.hidden, self.dropout), nn.Linear(self.hidden, len(self.classes_)))

    def _train(self, units: Floats, codes: Ints, kind: Ints) -> Weights:
        """Weights of the running average."""
        import torch

        from radiogen.models.tabular.descent import descend, seeded, weights_of
        from radiogen.models.weak.losses import noisy_loss
        from radiogen.models.weak.teacher import MeanTeacher, ramp_up

        labelled, soft = np.flatnonzero(kind != _NONE), np.flatnonzero(kind != _STRONG)
        weak = torch.from_numpy(kind[labelled] == _WEAK)
        weight = torch.where(weak, float(self.weak_weight), 1.0)
        x, y = torch.from_numpy(units[labelled]).float(), torch.from_numpy(codes[labelled])
        others = torch.from_numpy(units[soft]).float()
        agree = self.method == "mean_teacher" and len(soft) > 0
        with seeded(int(self.random_state)):
            pair = MeanTeacher(self._net(), self.decay)
            pair.train()

            def loss(step: int) -> Any:
                logits = pair.student(x)
                robust = noisy_loss(logits, y, self.noise_robust, noise_rate=self.noise_rate)
                each = torch.where(weak, robust, noisy_loss(logits, y))
                value = (weight * each).sum() / weight.sum().clamp_min(1e-12)
                if agree:
                    views = [others + self.noise * torch.randn_like(others) for _ in range(2)]
                    value = value + self.consistency * ramp_up(step, int(self.ramp * self.steps)) * pair.consistency(*views)
                return value

            descend(pair.student, loss, steps=int(self.steps), learning_rate=self.learning_rate,
                    weight_decay=self.weight_decay, after=lambda _step: pair.update())
            return weights_of(pair.teacher)


def _strengths(strength: Any, n: int) -> Ints:
    if strength is None:
        return np.zeros(n, dtype=np.int64)
    values = np.asarray(strength, dtype=object)
    if values.shape != (n,):
        raise fail("RG705", f"`strength` must have one word per unit: it has the shape {values.shape}, for {n} units")
    odd = [word for word in values if not isinstance(word, str) or word not in STRENGTHS]
    if odd:
        raise fail("RG705", f"`strength` is one of {', '.join(STRENGTHS)}", value=odd[0])
    return np.array([STRENGTHS.index(word) for word in values], dtype=np.int64)


def _labels(y: Any, kind: Ints) -> tuple[NDArray[Any], Ints]:
    """Classes, and the class of each labelled unit (0 for the others); what stands in the others is never looked at."""
    values = list(y)
    if len(values) != len(kind):
        raise fail("RG705", f"`y` has {len(values)} values, and there are {len(kind)} units")
    labelled = np.flatnonzero(kind != _NONE)
    if not len(labelled):
        raise fail("RG701", "no unit has a label")
    # of the labelled ones alone, so that a word among the others does not turn numbers into text
    classes, own = read_classes(np.array([values[i] for i in labelled]), len(labelled))
    codes = np.zeros(len(kind), dtype=np.int64)
    codes[labelled] = own
    return classes, codes
