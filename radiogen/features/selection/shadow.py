"""Columns that are more important than the best of their own shuffled copies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radiogen.features.selection.selector import Selector, at_least, inside, one_of, varies
from radiogen.features.selection.target import Bools, Floats, Ints, Target
from radiogen.stats.nelson import null_martingale

#: fewest shadows: with few columns left the best of their shadows would be too easy to beat
_FEWEST_SHADOWS = 5
CONFIRMED, TENTATIVE, REJECTED = "confirmed", "tentative", "rejected"


class ShadowFeatures(Selector):
    """Boruta: a forest ranks the columns beside shuffled copies (shadows), again and again; those that win stay.

    Parameters
    ----------
    forest : {"random_forest", "extra_trees"}, default "random_forest"
        "extra_trees" is faster and less decided.
    n_trees : int, default 100
    max_depth : int or None, default 5
        Shallow trees are faster and their importances steadier.
    max_runs : int, default 100
        Forests at most; it ends earlier where every column is decided.
    alpha : float, default 0.05
        Of the two-sided binomial test after each run, divided by the number of columns that varied.
    keep_tentative : bool, default False
        Whether columns that are still open at the end stay.
    at_least : int, default 0
        Keep the columns with most wins up to this number where fewer stay.
    random_state : int, default 0
        Every run has a seed of its own.

    Attributes
    ----------
    support_ : ndarray of bool, shape (p,)
    decision_ : ndarray of str, shape (p,)
        "confirmed", "tentative" or "rejected".
    hits_ : ndarray of int, shape (p,)
        Runs in which the column was more important than the best shadow.
    n_runs_ : int

    Notes
    -----
    In each run every column not yet rejected gets a shadow (at least five in all), and a forest is grown on both.  A column
    whose importance (mean decrease of impurity) is above that of the best shadow has a hit.  Without any relation a hit
    comes in less than half of the runs; hits against a binomial with 1/2 confirm or reject.  Boruta finds
    all columns that say something, copies too.  The original uses permutation importance; since columns and shadows have
    the same distributions, the bias of impurity towards columns of many values is the same in both.

    Survival: a forest of regression on the martingale residuals of the model without covariates, which rise with the hazard.

    References
    ----------
    Kursa MB, Rudnicki WR. Feature selection with the Boruta package. J Stat Softw 2010;36(11).
    doi:10.18637/jss.v036.i11.  Therneau TM, Grambsch PM, Fleming TR. Martingale-based residuals for survival models.
    Biometrika 1990;77:147. doi:10.1093/biomet/77.1.147

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.features.selection import ShadowFeatures
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(80, 4))
    >>> found = ShadowFeatures(n_trees=30, max_runs=25).fit(x, (x[:, 1] > 0).astype(int))
    >>> found.decision_.tolist()
    ['rejected', 'confirmed', 'rejected', 'rejected']
    """

    def __init__(
        self, forest: str = "random_forest", n_trees: int = 100, max_depth: int | None = 5, max_runs: int = 100,
        alpha: float = 0.05, keep_tentative: bool = False, at_least: int = 0, random_state: int = 0,
    ) -> None:  # fmt: skip
        self.forest = forest
        self.n_trees = n_trees
        self.max_depth = max_depth
        self.max_runs = max_runs
        self.alpha = alpha
        self.keep_tentative = keep_tentative
        self.at_least = at_least
        self.random_state = random_state

    def _learn(self, x: Floats, target: Target | None, groups: NDArray[Any] | None) -> Mapping[str, NDArray[Any]]:
        assert target is not None  # _outcome_needed
        one_of(self.forest, "forest", ("random_forest", "extra_trees"))
        for name in ("n_trees", "max_runs"):
            inside(getattr(self, name), name, 1, np.inf, whole=True)
        inside(self.alpha, "alpha", 0, 1)
        if self.max_depth is not None:
            inside(self.max_depth, "max_depth", 1, np.inf, whole=True)
        inside(self.at_least, "at_least", 0, np.inf, whole=True)
        known = varies(x)
        decision = np.where(known, TENTATIVE, REJECTED).astype(object)
        hits = np.zeros(x.shape[1], dtype=np.int64)
        self.n_runs_ = 0
        seeds = np.random.SeedSequence(self.random_state).spawn(self.max_runs)
        for run, seed in enumerate(seeds, start=1):
            if not (decision == TENTATIVE).any():
                break
            hits += self._run(x, target, decision != REJECTED, np.random.default_rng(seed))
            decision = self._decide(decision, hits, run, int(known.sum()))
            self.n_runs_ = run
        support = (decision == CONFIRMED) | ((decision == TENTATIVE) & self.keep_tentative)
        wins = np.where(known, hits, np.nan).astype(float)
        return {"support": at_least(support, wins, self.at_least), "decision": decision.astype(str), "hits": hits}

    def _run(self, x: Floats, target: Target, live: Bools, rng: np.random.Generator) -> Ints:
        """1 for each column that beats the best shadow."""
        columns = np.flatnonzero(live)
        sources = np.resize(columns, max(len(columns), _FEWEST_SHADOWS))
        shadows = rng.permuted(x[:, sources], axis=0)
        importance = self._importance(np.hstack([x[:, columns], shadows]), target, int(rng.integers(2**31)))
        found = np.zeros(x.shape[1], dtype=np.int64)
        found[columns] = importance[: len(columns)] > importance[len(columns) :].max()
        return found

    def _importance(self, x: Floats, target: Target, seed: int) -> Floats:
        from sklearn import ensemble

        family = {"random_forest": "RandomForest", "extra_trees": "ExtraTrees"}[self.forest]
        kind = "Regressor" if target.kind == "survival" else "Classifier"
        y = null_martingale(target.times, target.event) if target.kind == "survival" else target.codes
        options = {"max_features": "sqrt", **({} if target.kind == "survival" else {"class_weight": "balanced"})}
        grower = getattr(ensemble, family + kind)(self.n_trees, max_depth=self.max_depth, random_state=seed, **options)
        return np.asarray(grower.fit(x, y).feature_importances_)

    def _decide(self, decision: NDArray[Any], hits: Ints, run: int, tests: int) -> NDArray[Any]:
        from scipy.stats import binom

        open_ = decision == TENTATIVE
        limit = self.alpha / max(tests, 1) / 2
        found = decision.copy()
        found[open_ & (binom.sf(hits - 1, run, 0.5) < limit)] = CONFIRMED
        found[open_ & (binom.cdf(hits, run, 0.5) < limit)] = REJECTED
        return found
