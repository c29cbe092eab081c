"""Columns to which a penalised model gives a coefficient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radiogen.errors import fail
from radiogen.features.selection.paths import deviance, path, penalties
from radiogen.features.selection.selector import Selector, at_least, inside, one_of, standardised, varies
from radiogen.features.selection.target import Floats, Target


class ElasticNet(Selector):
    """Keep the columns with a coefficient in a logistic, multinomial or Cox model with an elastic-net penalty.

    Parameters
    ----------
    l1_ratio : float, default 0.5
        Share of the L1 part, above 0 to 1.  Below 1 columns that correlate come in together, not one for all.
    rule : {"1se", "min"}, default "1se"
        "min": the penalty with the least deviance in cross-validation.  "1se": the strongest within one standard error of
        it, which keeps fewer false columns.
    n_splits : int, default 5
        Folds of the inner cross-validation, stratified by class or event; by patient where ``fit`` is given ``groups``.
    n_penalties : int, default 40
    at_least : int, default 0
        Keep the columns that enter first, up to this number, where the penalty leaves fewer.
    random_state : int, default 0
        Of the folds.

    Attributes
    ----------
    support_ : ndarray of bool, shape (p,)
    coef_ : ndarray, shape (p,) or (p, K) for K > 2 classes
        Coefficients per standard deviation of each column.
    entry_ : ndarray, shape (p,)
        Strongest penalty at which the column has a coefficient; NaN where it has none on the whole path.
    penalty_, penalties_, deviance_, error_
        The penalty chosen; those tried, with the mean deviance in cross-validation and its standard error.

    Notes
    -----
    Columns are standardised inside; ``transform`` gives them as they were.  Logistic and multinomial paths: reweighted least
    squares around scikit-learn's coordinate descent.  Survival: scikit-survival's ``CoxnetSurvivalAnalysis``, and
    the cross-validated partial likelihood.

    References
    ----------
    Zou H, Hastie T. Regularization and variable selection via the elastic net. J R Stat Soc B 2005;67:301.
    doi:10.1111/j.1467-9868.2005.00503.x.  Simon N et al. Regularization paths for Cox's proportional hazards model via
    coordinate descent. J Stat Softw 2011;39(5). doi:10.18637/jss.v039.i05

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.features.selection import ElasticNet
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(120, 6))
    >>> y = (x[:, 2] + 0.5 * rng.normal(size=120) > 0).astype(int)
    >>> ElasticNet(l1_ratio=0.9).fit(x, y).get_support(indices=True)
    array([2])
    """

    def __init__(
        self, l1_ratio: float = 0.5, rule: str = "1se", n_splits: int = 5, n_penalties: int = 40, at_least: int = 0,
        random_state: int = 0,
    ) -> None:  # fmt: skip
        self.l1_ratio = l1_ratio
        self.rule = rule
        self.n_splits = n_splits
        self.n_penalties = n_penalties
        self.at_least = at_least
        self.random_state = random_state

    def _share(self) -> float:
        inside(self.l1_ratio, "l1_ratio", 0.01, 1)
        return float(self.l1_ratio)

    def _learn(self, x: Floats, target: Target | None, groups: NDArray[Any] | None) -> Mapping[str, NDArray[Any]]:
        assert target is not None  # _outcome_needed
        share = self._share()
        one_of(self.rule, "rule", ("1se", "min"))
        inside(self.n_splits, "n_splits", 2, np.inf, whole=True)
        inside(self.n_penalties, "n_penalties", 3, np.inf, whole=True)
        inside(self.at_least, "at_least", 0, np.inf, whole=True)
        z = standardised(x)
        self.penalties_ = penalties(z, target, share, self.n_penalties)
        self._cross_validate(x, target, groups, share)
        lowest = int(np.argmin(self.deviance_))
        limit = self.deviance_[lowest] + (self.error_[lowest] if self.rule == "1se" else 0.0)
        chosen = int(np.flatnonzero(self.deviance_ <= limit)[0])
        self.penalty_ = float(self.penalties_[chosen])
        fits = np.array([b for _, b in path(z, target, self.penalties_, share)])
        entered = (fits != 0).any(axis=1) & varies(x)
        entry = np.where(entered.any(axis=0), self.penalties_[entered.argmax(axis=0)], np.nan)
        coef = fits[chosen].T if fits.shape[1] > 1 else fits[chosen, 0]
        return {"support": at_least(entered[chosen], entry, self.at_least), "coef": coef, "entry": entry}

    def _cross_validate(self, x: Floats, target: Target, groups: NDArray[Any] | None, share: float) -> None:
        scores = []
        everyone = np.arange(len(x))
        for train, test in folds(target, groups, self.n_splits, self.random_state):
            mean, spread = x[train].mean(axis=0), x[train].std(axis=0)
            known = varies(x[train])
            z = np.where(known, (x - mean) / np.where(known, spread, 1.0), 0.0)
            fits = path(z[train], target.take(train), self.penalties_, share)
            scores.append([deviance(z @ b.T + a, target, test, train, everyone) for a, b in fits])
        table = np.array(scores)
        self.deviance_ = table.mean(axis=0)
        self.error_ = table.std(axis=0, ddof=1) / np.sqrt(len(table))


class Lasso(ElasticNet):
    """Keep the columns with a coefficient in a logistic, multinomial or Cox model with a lasso penalty.

    Parameters
    ----------
    rule : {"1se", "min"}, default "1se"
    n_splits : int, default 5
    n_penalties : int, default 40
    at_least : int, default 0
    random_state : int, default 0
        All as of :class:`ElasticNet`, whose attributes it has too.

    Notes
    -----
    Of columns that correlate strongly the lasso keeps one, which in another sample would be another.

    References
    ----------
    Tibshirani R. Regression shrinkage and selection via the lasso. J R Stat Soc B 1996;58:267.
    doi:10.1111/j.2517-6161.1996.tb02080.x

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.features.selection import Lasso
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(120, 6))
    >>> time, event = rng.exponential(np.exp(-x[:, 4])), np.ones(120)
    >>> Lasso().fit(x, np.column_stack([time, event])).get_support(indices=True)
    array([4])
    """

    def __init__(
        self, rule: str = "1se", n_splits: int = 5, n_penalties: int = 40, at_least: int = 0, random_state: int = 0
    ) -> None:
        super().__init__(1.0, rule, n_splits, n_penalties, at_least, random_state)

    def _share(self) -> float:
        return 1.0


def folds(target: Target, groups: NDArray[Any] | None, n_splits: int, seed: int) -> list[tuple[NDArray[Any], NDArray[Any]]]:
    """Rows to learn from and rows left out, stratified by class or event, patients whole."""
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    strata = target.codes
    counts = np.bincount(strata if groups is None else _highest(strata, groups))
    if target.kind == "survival":
        # events must be spread over the folds; a handful of censored units need not be
        few, what = int(counts[1]), "events"
        strata = strata if counts[0] >= n_splits else np.zeros_like(strata)
    else:
        few, what = int(counts.min()), "units in a class"
    if few < n_splits:
        text = f"there are {few} {what}, fewer than the {n_splits} folds of the inner cross-validation"
        raise fail("RG603", text, column="n_splits")
    splitter = (StratifiedKFold if groups is None else StratifiedGroupKFold)(n_splits, shuffle=True, random_state=seed)
    return list(splitter.split(strata[:, None], strata, groups))


def _highest(codes: NDArray[Any], groups: NDArray[Any]) -> NDArray[Any]:
    """Of each patient the highest class of the rows."""
    found = np.zeros(int(groups.max()) + 1, dtype=np.int64)
    np.maximum.at(found, groups, codes)
    return found
