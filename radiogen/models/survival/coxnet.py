"""Cox's model with an elastic-net penalty, and the radiomics score that it gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from radiogen.errors import fail
from radiogen.models.survival.baseline import baseline_hazard
from radiogen.models.survival.coxpath import coxnet_path, left_out_gain
from radiogen.models.survival.interface import Floats, Ints, SurvivalModel, check_number
from radiogen.models.survival.mlp import standardisation
from radiogen.models.survival.netspec import member_seeds
from radiogen.models.survival.search import fold_of
from radiogen.stats._validate import choice, is_number

RULES = ("min", "1se")
#: the last penalty of the path as a share of the first, with more units than columns and otherwise
_LEAST, _LEAST_WIDE = 0.01, 0.05
_TOLERANCE = 1e-10


class Coxnet(SurvivalModel):
    """Cox's model with lasso or elastic-net penalty; the strength by cross-validated partial likelihood.

    Parameters
    ----------
    l1_ratio : float or sequence of float, default 1.0
        Share of the lasso, above 0 to 1; of several the best is taken.  1 chooses few columns; less keeps correlated ones
        together.
    penalty : float, optional
        Strength; by default it is chosen.
    n_penalties : int, default 50
        Length of the path.
    n_folds : int, default 10
        Folds of the cross-validation; fewer where there are fewer events.
    rule : {"min", "1se"}, default "min"
        ``"min"``: the best likelihood.  ``"1se"``: the strongest penalty within one standard error of it, with fewer columns.
    random_state : int, numpy Generator or None, default 0
        Of the folds.

    Attributes
    ----------
    formula_ : str
        The score in the units of the columns, such as ``Rad-score = 0.31 × swe_mean_kpa − 0.2 × echo``.
    summary_ : DataFrame
        Index ``term``; ``coef``, ``coef_per_sd``, ``hr_per_sd``.  No errors: penalised coefficients are biased on purpose.
    coef_ : ndarray, shape (p,)
        On the scale of the columns.
    penalty_, l1_ratio_ : float
    path_ : DataFrame
        ``l1_ratio``, ``penalty``, ``loss``, ``se``, ``selected``; the loss is minus twice the partial log-likelihood of the units
        left out per event of theirs.  Missing where ``penalty`` was given.
    n_folds_ : int

    Notes
    -----
    Minimises -loglik(b) / n + penalty · (l1_ratio Σ|b_j| + (1 - l1_ratio) Σ b_j² / 2) over columns divided by their standard
    deviations, as R's glmnet does with ``standardize = TRUE``; Breslow's rule for ties.  ``groups`` of :meth:`fit` stay in one
    fold.

    References
    ----------
    Simon N, Friedman J, Hastie T, Tibshirani R. J Stat Softw 2011;39(5):1-13. doi:10.18637/jss.v039.i05

    Examples
    --------
    >>> random = np.random.default_rng(0)
    >>> x = pd.DataFrame(random.normal(size=(120, 30))).add_prefix("f")
    >>> model = Coxnet(rule="1se").fit(x, random.exponential(np.exp(-x["f0"])), np.ones(120))
    >>> model.formula_.startswith("Rad-score = 0.") and "f0" in model.formula_
    True
    """

    formula_: str
    summary_: pd.DataFrame
    coef_: Floats
    penalty_: float
    l1_ratio_: float
    path_: pd.DataFrame
    n_folds_: int

    def __init__(
        self,
        l1_ratio: float | Sequence[float] = 1.0,
        penalty: float | None = None,
        n_penalties: int = 50,
        n_folds: int = 10,
        rule: str = "min",
        random_state: int | np.random.Generator | None = 0,
    ) -> None:
        self.l1_ratio = l1_ratio
        self.penalty = penalty
        self.n_penalties = n_penalties
        self.n_folds = n_folds
        self.rule = rule
        self.random_state = random_state

    def fit(
        self, X: ArrayLike | pd.DataFrame, time: ArrayLike, event: ArrayLike, groups: ArrayLike | None = None
    ) -> Self:
        """Fit the model.

        Parameters
        ----------
        X : array or DataFrame, shape (n, p)
            Numbers without missing values; more columns than units are allowed.
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
            RG705, RG402 for unusable arrays, RG410 without events, RG701 with fewer than three (groups with) events to choose the
            penalty by, RG704 where no column varies or no penalty can be fitted, RG708 for a parameter out of range.
        """
        return self._fit_checked(X, time, event, groups=groups)

    def rad_score(self, X: ArrayLike | pd.DataFrame) -> Floats:
        """The score of ``formula_``, not centred.

        Parameters
        ----------
        X : array or DataFrame, shape (m, p)

        Returns
        -------
        ndarray, shape (m,)
        """
        return np.asarray(self._known(X) @ self.coef_)

    def _fit(self, x: Floats, time: Floats, event: Ints, **extra: Any) -> None:
        ratios = self._checked()
        centre, scale = standardisation(x, True)
        own = (x - centre) / scale
        own[:, np.ptp(x, axis=0) <= 1e-13 * np.abs(x).max(axis=0)] = 0.0
        if not own.any():
            raise fail("RG704", "No column varies.", column=str(self.feature_names_in_[0]))
        if self.penalty is not None:
            beta = _path(own, time, event, ratios[0], np.array([float(self.penalty)]), 1)[1][:, 0]
            self.penalty_, self.l1_ratio_, self.n_folds_, self.path_ = float(self.penalty), ratios[0], 0, pd.DataFrame()
        else:
            beta = self._chosen(own, time, event, ratios, extra.get("groups"))
        self.coef_, self._centre = beta / scale, centre
        table = {"coef": self.coef_, "coef_per_sd": beta, "hr_per_sd": np.exp(beta)}
        self.summary_ = pd.DataFrame(table, index=pd.Index([str(n) for n in self.feature_names_in_], name="term"))
        self.formula_ = formula(self.coef_, [str(n) for n in self.feature_names_in_])
        self.baseline_ = baseline_hazard(self._log_hazard(x), time, event)

    def _checked(self) -> list[float]:
        choice(self.rule, "rule", RULES)
        check_number("n_folds", self.n_folds, 2, 100, whole=True)
        check_number("n_penalties", self.n_penalties, 2, 1000, whole=True)
        if self.penalty is not None and not (is_number(self.penalty) and self.penalty > 0):
            raise fail("RG708", "`penalty` must be above 0; without a penalty use `Cox`.", value=self.penalty)
        ratios = np.atleast_1d(np.asarray(self.l1_ratio, dtype=float)).tolist()
        if not ratios or not all(0 < r <= 1 for r in ratios):
            raise fail("RG708", "`l1_ratio` must lie above 0 and not above 1.", value=self.l1_ratio)
        if self.penalty is not None and len(ratios) > 1:
            raise fail("RG708", "With `penalty` given, `l1_ratio` must be one number.", value=self.l1_ratio)
        return ratios

    def _chosen(self, x: Floats, time: Floats, event: Ints, ratios: list[float], groups: Any) -> Floats:
        codes = np.arange(event.size) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
        dead = len(np.unique(codes[event == 1]))
        if dead < 3:
            raise fail("RG701", f"{dead} units (groups) have an event; a penalty cannot be chosen by cross-validation with fewer "
                       "than 3.", value=dead, fix="Give `penalty`.")  # fmt: skip
        self.n_folds_ = min(int(self.n_folds), dead)
        random = np.random.default_rng(member_seeds(self.random_state, 1)[0])
        fold = fold_of(event, groups, self.n_folds_, random)
        tables, paths = [], []
        for ratio in ratios:
            penalties, path = _path(x, time, event, ratio, None, int(self.n_penalties))
            loss, error = _validated(x, time, event, fold, ratio, penalties)
            paths.append(path)
            tables.append(pd.DataFrame({
                "l1_ratio": ratio, "penalty": penalties, "loss": loss, "se": error, "selected": (path != 0).sum(axis=0),
            }))  # fmt: skip
        self.path_ = pd.concat(tables, ignore_index=True)
        best = int(np.argmin([table["loss"].min() for table in tables]))
        table, at = tables[best], int(tables[best]["loss"].argmin())
        if self.rule == "1se":
            # penalties fall along the table
            at = int(np.flatnonzero(table["loss"] <= table["loss"][at] + table["se"][at])[0])
        self.penalty_, self.l1_ratio_ = float(table["penalty"][at]), ratios[best]
        return np.asarray(paths[best][:, at])

    def _log_hazard(self, x: Floats) -> Floats:
        return np.asarray((x - self._centre) @ self.coef_)


def _path(x: Floats, time: Floats, event: Ints, ratio: float, penalties: Floats | None, count: int) -> tuple[Floats, Floats]:
    least = _LEAST if x.shape[0] > x.shape[1] else _LEAST_WIDE
    return coxnet_path(x, time, event, ratio, penalties, count=count, least=least, tolerance=_TOLERANCE)


def _validated(x: Floats, time: Floats, event: Ints, fold: Ints, ratio: float, penalties: Floats) -> tuple[Floats, Floats]:
    """Loss of each penalty and its standard error over folds, weighted by their events; infinite where a fold has no fit."""
    each, weight = [], []
    for k in range(int(fold.max()) + 1):
        part = np.flatnonzero(fold != k)
        centre, scale = standardisation(x[part], True)
        own = (x - centre) / scale
        # a column that is constant in the part would be anything in the rest
        own[:, np.ptp(x[part], axis=0) <= 1e-12] = 0.0
        loss = np.full(penalties.size, np.inf)
        if own[part].any():
            coefficients = _path(own[part], time[part], event[part], ratio, penalties, penalties.size)[1]
        else:
            coefficients = np.zeros((x.shape[1], penalties.size))
        events = float(event[fold == k].sum())
        gain = left_out_gain(own, time, event, part, coefficients)
        loss[: gain.size] = -2.0 * gain / events
        each.append(loss)
        weight.append(events)
    losses, shares = np.array(each), np.array(weight) / np.sum(weight)
    mean = shares @ losses
    with np.errstate(invalid="ignore"):  # infinite losses have no spread
        error = np.sqrt(shares @ (losses - mean) ** 2 / (len(each) - 1))
    return mean, np.where(np.isfinite(mean), error, np.inf)


def formula(coef: Floats, names: Sequence[str]) -> str:
    """A linear score as text, with four significant digits.

    Parameters
    ----------
    coef : ndarray, shape (p,)
    names : sequence of str, length p

    Returns
    -------
    str

    Examples
    --------
    >>> formula(np.array([0.31, 0.0, -2.0]), ["a", "b", "c"])
    'Rad-score = 0.31 × a − 2 × c'
    """
    parts = [(value, name) for value, name in zip(coef.tolist(), names, strict=True) if value != 0]
    if not parts:
        return "Rad-score = 0"
    first = ("−" if parts[0][0] < 0 else "") + f"{abs(parts[0][0]):.4g} × {parts[0][1]}"
    return "Rad-score = " + first + "".join(f" {'−' if v < 0 else '+'} {abs(v):.4g} × {name}" for v, name in parts[1:])
