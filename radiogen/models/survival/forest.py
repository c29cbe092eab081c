"""Random survival forest on coarsened times, so that its memory does not grow with the number of different times."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radiogen.errors import fail
from radiogen.models.survival.interface import Floats, Ints, SurvivalModel, check_number
from radiogen.models.survival.intervals import between_cuts, cut_points, to_intervals
from radiogen.models.survival.netspec import member_seeds

#: rows sent through the forest at a time
_ROWS = 2000


class SurvivalForest(SurvivalModel):
    """Random survival forest: log-rank splits, survival curves averaged over trees.

    Parameters
    ----------
    n_trees : int, default 200
    min_leaf : int, default 15
        Fewest units of a leaf.
    max_features : str, int, float or None, default "sqrt"
        Columns tried at a split, as in scikit-learn.
    max_samples : float or None, default None
        Share of the units that a tree is grown on, drawn with replacement; None: as many as there are.
    n_times : int, default 50
        Follow-up is cut into so many intervals of about equally many events.  Every node of every tree keeps a curve: its memory
        is proportional to this number instead of to the number of different times.
    importance : bool, default False
        Permutation importance from units out of bag.
    n_jobs : int, default 1
        Threads that grow trees; results do not depend on it.
    random_state : int, numpy Generator or None, default 0

    Attributes
    ----------
    forest_ : sksurv.ensemble.RandomSurvivalForest
    cuts_ : ndarray, shape (K,)
        Ends of the intervals.
    importance_ : DataFrame
        With ``importance``: index ``term``; ``importance``, the fall of Harrell's C out of bag when the column is permuted.
    oob_concordance_ : float
        With ``importance``: Harrell's C of the risk out of bag.

    Notes
    -----
    An event falls into the interval that holds its time; a unit censored in the second half of an interval counts as having
    survived it.  Between the ends of intervals survival follows a straight line, and beyond the last it stays.

    ``predict_risk`` is the number of events to be expected, the cumulative hazard summed over the ends of the intervals.
    ``log_hazard`` is the logarithm of it, centred; hazards of a forest are not proportional.

    References
    ----------
    Ishwaran H et al. Random survival forests. Ann Appl Stat 2008;2:841-860. doi:10.1214/08-AOAS169

    Examples
    --------
    >>> random = np.random.default_rng(0)
    >>> x = random.normal(size=(100, 2))
    >>> model = SurvivalForest(n_trees=10).fit(x, random.exponential(np.exp(-x[:, 0])), np.ones(100))
    >>> bool(np.corrcoef(model.predict_risk(x), x[:, 0])[0, 1] > 0.5)
    True
    """

    forest_: Any
    cuts_: Floats
    importance_: pd.DataFrame
    oob_concordance_: float

    def __init__(
        self,
        n_trees: int = 200,
        min_leaf: int = 15,
        max_features: str | int | float | None = "sqrt",
        max_samples: float | None = None,
        n_times: int = 50,
        importance: bool = False,
        n_jobs: int = 1,
        random_state: int | np.random.Generator | None = 0,
    ) -> None:
        self.n_trees = n_trees
        self.min_leaf = min_leaf
        self.max_features = max_features
        self.max_samples = max_samples
        self.n_times = n_times
        self.importance = importance
        self.n_jobs = n_jobs
        self.random_state = random_state

    def predict_risk(self, X: Any) -> Floats:
        """Expected number of events, higher for an earlier event.

        Parameters
        ----------
        X : array or DataFrame, shape (m, p)

        Returns
        -------
        ndarray, shape (m,)
        """
        return self._expected(self._known(X))

    def _fit(self, x: Floats, time: Floats, event: Ints, **extra: Any) -> None:
        from sksurv.ensemble import RandomSurvivalForest
        from sksurv.util import Surv

        for name, low, high in (("n_trees", 1, 100_000), ("min_leaf", 1, 1_000_000), ("n_times", 1, 10_000)):
            check_number(name, getattr(self, name), low, high, whole=True)
        if len(x) < 2 * int(self.min_leaf):
            raise fail("RG701", f"{len(x)} units make no two leaves of {self.min_leaf}.", value=len(x),
                       fix="Use a smaller `min_leaf` or a Cox model.")  # fmt: skip
        seed = int(member_seeds(self.random_state, 1)[0].generate_state(1)[0])
        self.cuts_ = cut_points(time, event, int(self.n_times))
        survived = to_intervals(time, event, self.cuts_)
        # an event in interval k comes at its end, k + 1; one who survived s intervals is at risk until s
        step = (survived + event).astype(float)
        if np.ptp(step) == 0:
            raise fail("RG704", "All units have one follow-up time: a forest has no curves to tell apart.", value=time[0],
                       fix="Use a classifier of the event, or a Cox model.")  # fmt: skip
        forest = RandomSurvivalForest(
            int(self.n_trees), min_samples_split=2 * int(self.min_leaf), min_samples_leaf=int(self.min_leaf),
            max_features=self.max_features, max_samples=self.max_samples, random_state=seed, n_jobs=self.n_jobs,
        )  # fmt: skip
        try:
            forest.fit(x, Surv.from_arrays(event == 1, step))
        except ValueError as error:
            raise fail("RG708", f"The forest refuses its settings: {error}") from error
        # trees are added up in one order, whatever the number of threads that grew them
        self.forest_ = forest.set_params(n_jobs=1)
        self._places = forest.unique_times_.astype(int)
        self._centre = float(np.log(np.maximum(self._expected(x), _LEAST)).mean())
        if self.importance:
            self._permute(x, time, event, seed)

    def _expected(self, x: Floats) -> Floats:
        parts = [self.forest_.predict(x[at : at + _ROWS]) for at in range(0, len(x), _ROWS)]
        return np.asarray(np.concatenate(parts), dtype=float)

    def _log_hazard(self, x: Floats) -> Floats:
        return np.asarray(np.log(np.maximum(self._expected(x), _LEAST)) - self._centre)

    def _survival(self, x: Floats, times: Floats) -> Floats:
        parts = []
        for at in range(0, len(x), _ROWS):
            own = np.asarray(self.forest_.predict_survival_function(x[at : at + _ROWS], return_array=True))
            # the curve at every cut: at one without a time of its own it is as at the time before
            before = np.searchsorted(self._places, np.arange(1, self.cuts_.size + 1), side="right")
            whole = np.column_stack([np.ones(len(own)), own])[:, before]
            parts.append(between_cuts(whole, 1.0, self.cuts_, times))
        return np.vstack(parts)

    def _permute(self, x: Floats, time: Floats, event: Ints, seed: int) -> None:
        out_of_bag = _out_of_bag(self.forest_, len(x))
        used = np.flatnonzero(out_of_bag.any(axis=1))

        def concordance(values: Floats) -> float:
            from sksurv.metrics import concordance_index_censored

            single, total = values.astype(np.float32), np.zeros(len(values))
            for tree, left_out in zip(self.forest_.estimators_, out_of_bag.T, strict=True):
                total[left_out] += tree.predict(single[left_out], check_input=False)
            risk = total[used] / out_of_bag[used].sum(axis=1)
            return float(concordance_index_censored(event[used] == 1, time[used], risk)[0])

        random, falls = np.random.default_rng(seed), []
        self.oob_concordance_ = concordance(x)
        for k in range(x.shape[1]):
            mixed = x.copy()
            mixed[:, k] = x[random.permutation(len(x)), k]
            falls.append(self.oob_concordance_ - concordance(mixed))
        self.importance_ = pd.DataFrame(
            {"importance": falls}, index=pd.Index([str(name) for name in self.feature_names_in_], name="term")
        )


#: an expected number of events below this is as good as none
_LEAST = 1e-6


def _out_of_bag(forest: Any, n: int) -> NDArray[np.bool_]:
    """Units that a tree has not seen, shape (n, trees)."""
    out = np.ones((n, len(forest.estimators_)), dtype=bool)
    for k, drawn in enumerate(forest.estimators_samples_):
        out[drawn, k] = False
    return out
