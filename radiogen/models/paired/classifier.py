"""A classifier on the tables of two visits, where either may be missing."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radiogen.errors import fail
from radiogen.models.tabular.calibration import calibrated, fit_calibration, plain
from radiogen.models.tabular.estimator import NetClassifier, Weights
from radiogen.models.tabular.split import inner_folds
from radiogen.models.tabular.table import Floats, Ints, Scaling, check_range, check_word, read_classes, read_groups, read_table

MODES = ("siamese", "both", "delta", "before", "after")
Bools = NDArray[np.bool_]


class PairedClassifier(NetClassifier):
    """Classes from a first and a second visit.

    Parameters
    ----------
    mode : {"siamese", "both", "delta", "before", "after"}, default "siamese"
        ``"siamese"``: one encoder for both visits, and a head that sees both embeddings, their difference and its absolute
        value; ``"both"``: the same without differences; ``"delta"``: the difference of the standardised values alone;
        ``"before"`` and ``"after"``: one visit alone.
    hidden : int, default 32
    dropout : float, default 0.3
    visit_dropout : float, default 0.2
        Probability that one visit of a pair is hidden in a step of training, so that the network also learns to do with one.
    epochs : int, default 100
        Steps on all training units at once.
    learning_rate : float, default 0.01
    weight_decay : float, default 0.1
    calibration_folds : int, default 3
        Inner folds by group for a slope and an intercept per class; below 2, or where a class has fewer groups: none.
    random_state : int, default 0

    Attributes
    ----------
    classes_ : array

    Notes
    -----
    With a shared encoder :math:`e`, presences :math:`m_1, m_2` and :math:`m = m_1 m_2`, the Siamese logits are

    .. math:: z = W [m_1 e_1,\\; m_2 e_2,\\; m (e_2 - e_1),\\; m |e_2 - e_1|,\\; m_1,\\; m_2] .

    Both visits are standardised by the same means and standard deviations, of all training visits.  The modes ``"siamese"``
    and ``"both"`` predict from whichever visit there is; the others give NaN where what they need is missing.

    References
    ----------
    Bromley J et al. (1993) NeurIPS 6:737 (Siamese networks).

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.models.paired.classifier import PairedClassifier
    >>> rng = np.random.default_rng(0)
    >>> t0 = rng.normal(size=(60, 2)); t1 = t0 + rng.normal(size=(60, 2))
    >>> model = PairedClassifier(hidden=8, epochs=20).fit((t0, t1), t1[:, 0] > t0[:, 0])
    >>> model.predict_proba((t0[:3], None)).shape
    (3, 2)
    """

    _ARRAYS: ClassVar[tuple[str, ...]] = ("mean_", "scale_", "calibration_")

    mean_: Floats
    scale_: Floats
    calibration_: Floats

    def __init__(
        self,
        mode: Literal["siamese", "both", "delta", "before", "after"] = "siamese",
        *,
        hidden: int = 32,
        dropout: float = 0.3,
        visit_dropout: float = 0.2,
        epochs: int = 100,
        learning_rate: float = 0.01,
        weight_decay: float = 0.1,
        calibration_folds: int = 3,
        random_state: int = 0,
    ) -> None:
        self.mode = mode
        self.hidden = hidden
        self.dropout = dropout
        self.visit_dropout = visit_dropout
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.calibration_folds = calibration_folds
        self.random_state = random_state

    def fit(self, X: tuple[Any, Any], y: Any, groups: Any = None) -> Self:
        """Learn from pairs of visits.

        Parameters
        ----------
        X : (table, table)
            First and second visit, n × p each: DataFrames of one index with the same columns, or arrays.  A row of NaN alone is a
            visit that was not made; single missing values are imputed beforehand.  Units that the mode cannot use are left out.
        y : array-like, shape (n,)
        groups : array-like, shape (n,), optional
            Patient of each unit, for the folds of the calibration.

        Raises
        ------
        RadiogenError
            RG705 for tables that do not fit, single missing values or infinite ones; RG701 where fewer than two classes have
            units that the mode can use; RG708 for a parameter out of range; RG704 where training diverges.
        """
        self._check()
        before, after, names = _pair(X)
        classes, codes = read_classes(y, len(before))
        owner = read_groups(groups, len(before))
        present = _present(before, after)
        used = self._usable(present)
        self.classes_ = classes
        lacking = [str(c) for c, n in zip(classes, np.bincount(codes[used], minlength=len(classes)), strict=True) if not n]
        if lacking:
            raise fail("RG701", f"no unit of class '{lacking[0]}' has the visits that mode '{self.mode}' needs")
        before, after, present, codes, owner = before[used], after[used], present[used], codes[used], owner[used]
        self._learn_columns(before, names)
        self._learn_scale(before, after, present)
        views = self._views(before, after, present)
        self.calibration_ = self._calibrate(views, present, codes, owner)
        self.weights_ = self._train(views, present, codes)
        return self

    def predict_proba(self, X: tuple[Any, Any]) -> Floats:
        """Probabilities of the classes.

        Parameters
        ----------
        X : (table or None, table or None)
            As in :meth:`fit`; None where nobody has that visit.

        Returns
        -------
        array, shape (m, classes)
            NaN for units without the visits that the mode needs.

        Raises
        ------
        RadiogenError
            RG705 before ``fit``, or for tables that do not fit.
        """
        self._check_fitted()
        tables = _two(X)
        if all(table is None for table in tables):
            raise fail("RG705", "`X` has no visit")
        rows = len(next(t for t in tables if t is not None))
        nothing = np.full((rows, self.n_features_in_), np.nan)
        _same_units(*tables)
        before, after = (nothing if t is None else self._columns(t, w, missing=True)
                         for t, w in zip(tables, ("before", "after"), strict=True))
        if before.shape != after.shape:
            raise fail("RG705", f"the visits have {len(before)} and {len(after)} rows")
        present = _present(before, after)
        usable = self._usable(present)
        found = np.full((rows, len(self.classes_)), np.nan)
        if usable.any():
            views = self._views(before[usable], after[usable], present[usable])
            found[usable] = calibrated(self._logits(views, present[usable], self.weights_), self.calibration_)
        return found

    def _check(self) -> None:
        self._check_seed(self.random_state)
        check_word("mode", self.mode, MODES)
        for name, high in (("hidden", 4096), ("epochs", 100_000)):
            check_range(name, getattr(self, name), 1, high, whole=True)
        for name in ("dropout", "visit_dropout"):
            check_range(name, getattr(self, name), 0, 0.95)
        check_range("calibration_folds", self.calibration_folds, 0, 20, whole=True)
        check_range("learning_rate", self.learning_rate, 1e-9, 1)
        check_range("weight_decay", self.weight_decay, 0, 10)

    def _usable(self, present: Bools) -> Bools:
        """Units with the visits that the mode needs."""
        if self.mode == "delta":
            return np.asarray(present.all(axis=1))
        column = {"before": 0, "after": 1}.get(self.mode)
        return np.asarray(present.any(axis=1)) if column is None else present[:, column]

    def _learn_scale(self, before: Floats, after: Floats, present: Bools) -> None:
        visits = {"before": [before], "after": [after], "delta": [after - before]}.get(
            self.mode, [before[present[:, 0]], after[present[:, 1]]]
        )
        scaling = Scaling.of(np.concatenate(visits))
        # a difference keeps its zero: no change stays no change
        self.mean_ = np.zeros_like(scaling.mean) if self.mode == "delta" else scaling.mean
        self.scale_ = scaling.scale

    def _views(self, before: Floats, after: Floats, present: Bools) -> tuple[Floats, Floats]:
        """What the network takes as its two visits; of the modes with one view, twice the same.  Absent visits are zero."""
        one = {"before": before, "after": after, "delta": after - before}.get(self.mode)
        scaling = Scaling(self.mean_, self.scale_)
        if one is not None:
            return scaling(one), scaling(one)
        return np.where(present[:, :1], scaling(before), 0.0), np.where(present[:, 1:], scaling(after), 0.0)

    def _net(self) -> Any:
        from radiogen.models.paired.tables import PairNet

        kind = self.mode if self.mode in ("siamese", "both") else "one"
        return PairNet(self.n_features_in_, len(self.classes_), self.hidden, self.dropout, kind)

    def _logits(self, views: tuple[Floats, Floats], present: Bools, weights: Weights) -> Floats:
        import torch

        from radiogen.models.tabular.descent import loaded, seeded

        with seeded(0), torch.no_grad():
            net = loaded(self._net(), weights)
            first, second, there = (torch.from_numpy(np.ascontiguousarray(a)) for a in (*views, present))
            return np.asarray(net(first, second, there).numpy(), dtype=np.float64)

    def _calibrate(self, views: tuple[Floats, Floats], present: Bools, codes: Ints, owner: Ints) -> Floats:
        folds = inner_folds(codes, owner, int(self.calibration_folds), int(self.random_state))
        if not folds:
            return plain(len(self.classes_))
        found = np.empty((len(codes), len(self.classes_)))
        for train, test in folds:
            weights = self._train((views[0][train], views[1][train]), present[train], codes[train])
            found[test] = self._logits((views[0][test], views[1][test]), present[test], weights)
        return fit_calibration(found, codes)

    def _train(self, views: tuple[Floats, Floats], present: Bools, codes: Ints) -> Weights:
        import torch

        from radiogen.models.tabular.descent import descend, seeded, weights_of

        first, second = (torch.from_numpy(view.astype(np.float32)) for view in views)
        y, rng = torch.from_numpy(codes), np.random.default_rng(int(self.random_state))
        both = np.asarray(present.all(axis=1))
        with seeded(int(self.random_state)):
            net = self._net()

            def loss(_step: int) -> Any:
                shown = present.copy()
                hidden = np.flatnonzero(both & (rng.random(len(both)) < self.visit_dropout))
                shown[hidden, rng.integers(0, 2, len(hidden))] = False
                return torch.nn.functional.cross_entropy(net(first, second, torch.from_numpy(shown)), y)

            descend(net, loss, steps=int(self.epochs), learning_rate=self.learning_rate, weight_decay=self.weight_decay)
            return weights_of(net)


def _two(X: Any) -> tuple[Any, Any]:
    if not isinstance(X, tuple | list) or len(X) != 2:
        raise fail("RG705", "`X` must be a pair: the table of the first visit and that of the second")
    return X[0], X[1]


def _same_units(before: Any, after: Any) -> None:
    if isinstance(before, pd.DataFrame) and isinstance(after, pd.DataFrame) and not before.index.equals(after.index):
        raise fail("RG705", "the two visits are of other units, or in another order",
                   fix="Bring both tables to one index: `after.reindex(before.index)`; a row of NaN is a visit not made.")


def _pair(X: Any) -> tuple[Floats, Floats, tuple[str, ...] | None]:
    before, after = _two(X)
    if before is None or after is None:
        raise fail("RG705", "training needs the tables of both visits")
    _same_units(before, after)
    first, names = read_table(before, "before", missing=True)
    if names is not None and isinstance(after, pd.DataFrame):
        other = {str(c): c for c in after.columns}
        if set(other) != set(names):
            raise fail("RG705", "the two visits have other columns", column=sorted(set(other) ^ set(names))[0])
        after = after[[other[name] for name in names]]
    second, _ = read_table(after, "after", missing=True)
    if first.shape != second.shape:
        raise fail("RG705", f"the visits have the shapes {first.shape} and {second.shape}")
    return first, second, names


def _present(before: Floats, after: Floats) -> Bools:
    """Which visits were made, n × 2; a row is known or not made."""
    found = []
    for values, what in ((before, "before"), (after, "after")):
        missing = np.isnan(values)
        partly = missing.any(axis=1) & ~missing.all(axis=1)
        if partly.any():
            raise fail("RG705", f"{int(partly.sum())} visits of `{what}` lack single values",
                       fix="Impute them in the training part, or make the whole row NaN where the visit was not made.")
        found.append(~missing.all(axis=1))
    return np.column_stack(found)
