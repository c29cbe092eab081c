"""Gradient boosting of Cox's partial likelihood with small trees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from radiogen.errors import fail
from radiogen.models.stored import StoredBoost, StoredTrees
from radiogen.models.survival.baseline import baseline_hazard
from radiogen.models.survival.coxpass import TIES, cox_order
from radiogen.models.survival.interface import Floats, Ints, SurvivalModel, check_number
from radiogen.models.survival.netspec import member_seeds
from radiogen.models.survival.search import fold_of
from radiogen.stats._validate import choice

#: matrix, times and events to learn from, and the same of the units left out
Halves = tuple[tuple[Floats, Floats, Ints], tuple[Floats, Floats, Ints]]


class GradientBoostedCox(SurvivalModel):
    """Cox model whose log-hazard is a sum of small regression trees; their number by cross-validation within the data.

    Parameters
    ----------
    n_stages : int, default 300
        Trees at most.
    learning_rate : float, default 0.05
        Factor of each tree.
    max_depth : int, default 2
        Of a tree: interactions of two columns.
    min_leaf : int, default 10
        Fewest units of a leaf.
    subsample : float, default 0.7
        Share of the units that a tree sees.
    max_features : str, int, float or None, default None
        Columns tried at a split; None: all.
    n_folds : int, default 5
        Folds in which the number of trees is chosen, fewer where there are fewer events; 0 takes ``n_stages`` trees.
    patience : int, default 50
        Trees without a better likelihood of the units left out after which the folds stop.
    ties : {"efron", "breslow"}, default "efron"
    random_state : int, numpy Generator or None, default 0

    Attributes
    ----------
    n_stages_ : int
        Trees of the model, 0 where no tree helps units left out: then all have the same risk.
    loss_ : DataFrame
        ``stage`` and ``loss``, the mean negative log partial likelihood per event of units left out.
    trees_ : StoredBoost
        The trees as arrays.

    Notes
    -----
    Each tree is fitted by least squares to the martingale residuals under the trees before it, as scikit-survival's
    ``GradientBoostingSurvivalAnalysis`` does, in O(n) a tree whatever the number of events.

    References
    ----------
    Friedman JH. Greedy function approximation: a gradient boosting machine. Ann Stat 2001;29:1189-1232.
    doi:10.1214/aos/1013203451; Ridgeway G. The state of boosting. Comput Sci Stat 1999;31:172-181.

    Examples
    --------
    >>> random = np.random.default_rng(0)
    >>> x = random.normal(size=(150, 2))
    >>> model = GradientBoostedCox(n_stages=40, n_folds=2).fit(x, random.exponential(np.exp(-x[:, 0])), np.ones(150))
    >>> bool(np.corrcoef(model.log_hazard(x), x[:, 0])[0, 1] > 0.5)
    True
    """

    n_stages_: int
    loss_: pd.DataFrame
    trees_: StoredBoost

    def __init__(
        self,
        n_stages: int = 300,
        learning_rate: float = 0.05,
        max_depth: int = 2,
        min_leaf: int = 10,
        subsample: float = 0.7,
        max_features: str | int | float | None = None,
        n_folds: int = 5,
        patience: int = 50,
        ties: str = "efron",
        random_state: int | np.random.Generator | None = 0,
    ) -> None:
        self.n_stages = n_stages
        self.learning_rate = learning_rate
        self.max_depth = max_depth
        self.min_leaf = min_leaf
        self.subsample = subsample
        self.max_features = max_features
        self.n_folds = n_folds
        self.patience = patience
        self.ties = ties
        self.random_state = random_state

    def fit(
        self, X: ArrayLike | pd.DataFrame, time: ArrayLike, event: ArrayLike, groups: ArrayLike | None = None
    ) -> Self:
        """Fit the model.

        Parameters
        ----------
        X : array or DataFrame, shape (n, p)
            Numbers without missing values.
        time : array, shape (n,)
            Follow-up times, 0 or more.
        event : array of 0 and 1, shape (n,)
        groups : array, shape (n,), optional
            Units of one group, such as lesions of a patient, stay in one fold.

        Returns
        -------
        self

        Raises
        ------
        RadiogenError
            RG705, RG402 for unusable arrays, RG410 without events, RG701 with fewer than two (groups with) events to choose the
            number of trees by, RG708 for a parameter out of range.
        """
        return self._fit_checked(X, time, event, groups=groups)

    def _fit(self, x: Floats, time: Floats, event: Ints, **extra: Any) -> None:
        folds = int(self._checked().n_folds)
        if not folds:
            self.fit_stages(x, time, event, ())
            return
        groups = extra.get("groups")
        codes = np.arange(event.size) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
        dead = len(np.unique(codes[event == 1]))
        if dead < 2:
            raise fail("RG701", f"{dead} units (groups) have an event; the number of trees cannot be chosen by cross-validation.",
                       value=dead, fix="Set `n_folds=0`, or use a Cox model.")  # fmt: skip
        random = np.random.default_rng(member_seeds(self.random_state, 2)[1])
        fold = fold_of(event, groups, min(folds, dead), random)
        halves: list[Halves] = []
        for k in range(int(fold.max()) + 1):
            left, kept = fold == k, fold != k
            halves.append(((x[kept], time[kept], event[kept]), (x[left], time[left], event[left])))
        self.fit_stages(x, time, event, halves)

    def fit_stages(self, x: Floats, time: Floats, event: Ints, halves: Sequence[Halves]) -> Self:
        """Fit on checked arrays, with given folds for the number of trees.

        Parameters
        ----------
        x : ndarray, shape (n, p)
        time, event : ndarray, shape (n,)
        halves : sequence of ((x, time, event), (x, time, event))
            What is learnt from and what is left out, each prepared in its own way; none: ``n_stages`` trees.

        Returns
        -------
        self
        """
        self.n_stages_ = int(self._checked().n_stages)
        seed = member_seeds(self.random_state, 1)[0]
        self.loss_ = pd.DataFrame({"stage": np.zeros(0, dtype=int), "loss": np.zeros(0)})
        if halves:
            losses = self._losses(halves, seed)
            self.loss_ = pd.DataFrame({"stage": np.arange(len(losses)), "loss": losses})
            self.n_stages_ = int(np.argmin(losses))
        booster = _Booster(self, x, time, event, seed)
        self.trees_ = StoredBoost(StoredTrees.of([booster.grow() for _ in range(self.n_stages_)], shares=False), booster.rate)
        self._centre = float(self.trees_(x).mean())
        self.baseline_ = baseline_hazard(self._log_hazard(x), time, event)
        return self

    def _losses(self, halves: Sequence[Halves], seed: np.random.SeedSequence) -> list[float]:
        """Mean loss of the units left out after each tree; all folds grow together until it no longer falls."""
        boosters = [_Booster(self, *learn, seed) for learn, _ in halves]
        orders = [cox_order(time, event, self.ties) for _, (_, time, event) in halves]
        single = [rest[0].astype(np.float32) for _, rest in halves]
        eta = [np.zeros(len(rest)) for rest in single]
        events, losses = sum(order.events for order in orders), []
        for stage in range(int(self.n_stages) + 1):
            for k, booster in enumerate(boosters if stage else ()):
                eta[k] = eta[k] + booster.rate * booster.grow().predict(single[k])[:, 0]
            total = sum(order.evaluate(own)[0] * order.events for order, own in zip(orders, eta, strict=True))
            losses.append(float(total / events))
            if stage - int(np.argmin(losses)) >= int(self.patience):
                break
        return losses

    def _checked(self) -> Self:
        for name, low, high in (("n_stages", 1, 100_000), ("max_depth", 1, 50), ("min_leaf", 1, 1_000_000), ("n_folds", 0, 100),
                                ("patience", 1, 100_000)):  # fmt: skip
            check_number(name, getattr(self, name), low, high, whole=True)
        check_number("learning_rate", self.learning_rate, 1e-6, 1.0)
        check_number("subsample", self.subsample, 0.05, 1.0)
        choice(self.ties, "ties", TIES)
        if self.n_folds == 1:
            raise fail("RG708", "`n_folds` must be 0, or 2 and more.", value=self.n_folds)
        return self

    def _log_hazard(self, x: Floats) -> Floats:
        return np.asarray(self.trees_(x) - self._centre)


class _Booster:
    """Grows one tree after another."""

    def __init__(
        self, settings: GradientBoostedCox, x: Floats, time: Floats, event: Ints, seed: np.random.SeedSequence
    ) -> None:
        self.settings, self.rate = settings, float(settings.learning_rate)
        self.x, self.order = x.astype(np.float32), cox_order(time, event, settings.ties)
        self.eta = np.zeros(len(x))
        # every booster of one model draws the same numbers
        self.random = np.random.default_rng(seed)

    def grow(self) -> Any:
        """The next tree, fitted to the martingale residuals."""
        from sklearn.tree import DecisionTreeRegressor

        own, n = self.settings, len(self.x)
        residual = -self.order.evaluate(self.eta)[1] * self.order.events
        tree = DecisionTreeRegressor(
            max_depth=int(own.max_depth), min_samples_leaf=int(own.min_leaf), max_features=own.max_features,
            random_state=int(self.random.integers(2**31)),
        )  # fmt: skip
        rows = np.sort(self.random.permutation(n)[: max(1, round(own.subsample * n))]) if own.subsample < 1 else np.arange(n)
        try:
            fitted = tree.fit(self.x[rows], residual[rows]).tree_
        except ValueError as error:
            raise fail("RG708", f"Boosting refuses its settings: {error}") from error
        self.eta += self.rate * fitted.predict(self.x)[:, 0]
        return fitted
