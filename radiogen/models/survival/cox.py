"""Cox's model, equal to R's ``coxph``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from radiogen.errors import fail
from radiogen.models.survival.baseline import Baseline
from radiogen.models.survival.casesets import CaseSets, case_sets, centred_within, in_a_risk_set
from radiogen.models.survival.coxcolumns import estimable, in_order, refuse, wald_table, whole_model_tests
from radiogen.models.survival.exactties import exact_objective
from radiogen.models.survival.interface import Floats, Ints, SurvivalModel, matrix, time_points
from radiogen.models.survival.strata import split_strata
from radiogen.stats._design import standardise
from radiogen.stats._newton import Fit, Objective, covariance, maximise
from radiogen.stats._partial import objective
from radiogen.stats._validate import Bools, choice, groups, normal_quantile, number, tie_times

TIES = ("efron", "breslow", "exact")


class Cox(SurvivalModel):
    """Cox's proportional hazards model without penalty.

    Parameters
    ----------
    ties : {"efron", "breslow", "exact"}, default "efron"
        Rule for events at one time.  Efron's is R's default and close to the exact one; ``"exact"`` is the likelihood of truly
        discrete times, for few ties and few hundred units, without weights and robust errors.
    strata : str or sequence of str, optional
        Columns of ``X``, numbers or text, whose combinations have baseline hazards of their own and no coefficient.
    splines : mapping of str to int or sequence of float, optional
        Columns that enter as restricted cubic splines (:func:`radiogen.stats.rcs`): the number of knots, or the knots.  Their
        terms are ``age``, ``age'``, ``age''``, …
    robust : bool, default False
        Sandwich standard errors (Lin and Wei), valid where hazards are not proportional.
    level : float, default 0.95
        Of the intervals.

    Attributes
    ----------
    summary_ : DataFrame
        Index ``term``; ``coef``, ``se``, ``robust_se``, ``z``, ``p``, ``hr``, ``lower`` and ``upper`` (of the hazard ratio),
        ``note``.
    aliased_ : dict of str to str
        Terms without an estimate and the reason (constant, a linear combination of others): left out of predictions, as R does.
    coef_ : ndarray, shape (terms,)
        Log hazard ratios, 0 for aliased terms.
    covariance_ : DataFrame
        Of the estimated coefficients, robust where that was asked for.
    loglik_ : tuple of float
        Log partial likelihood without predictors and at the estimate.
    tests_ : DataFrame
        Tests of the whole model.
    baselines_ : dict of str to Baseline
        By stratum, for a unit at the mean of the predictors; ``"all"`` without strata, which ``baseline_`` is too.
    knots_ : dict of str to ndarray

    Notes
    -----
    Left truncation, weights, clusters and rows of one unit over time are given to :meth:`fit`.  A column that separates events
    from the others at risk has no estimate: the error (RG704) names it and offers :class:`FirthCox`.

    References
    ----------
    Cox DR. Regression models and life-tables. JRSS B 1972;34:187-202. doi:10.1111/j.2517-6161.1972.tb00899.x; Efron B. JASA
    1977;72:557-565. doi:10.1080/01621459.1977.10480613; Lin DY, Wei LJ. JASA 1989;84:1074-1078.
    doi:10.1080/01621459.1989.10478874

    Examples
    --------
    >>> import pandas as pd
    >>> x = pd.DataFrame({"stiff": [1, 0, 1, 1, 0, 0]})
    >>> model = Cox().fit(x, [1, 2, 3, 4, 5, 6], [1, 1, 0, 1, 1, 0])
    >>> model.summary_.loc["stiff", ["coef", "hr"]].astype(float).round(3).tolist()
    [1.073, 2.924]
    """

    summary_: pd.DataFrame
    aliased_: dict[str, str]
    coef_: Floats
    covariance_: pd.DataFrame
    loglik_: tuple[float, float]
    tests_: pd.DataFrame
    baselines_: dict[str, Baseline]
    knots_: dict[str, Floats]

    def __init__(
        self,
        ties: str = "efron",
        strata: str | Sequence[str] | None = None,
        splines: Mapping[str, int | Sequence[float]] | None = None,
        robust: bool = False,
        level: float = 0.95,
    ) -> None:
        self.ties = ties
        self.strata = strata
        self.splines = splines
        self.robust = robust
        self.level = level

    def fit(
        self,
        X: ArrayLike | pd.DataFrame,
        time: ArrayLike,
        event: ArrayLike,
        entry: ArrayLike | None = None,
        weights: ArrayLike | None = None,
        cluster: ArrayLike | None = None,
        ids: ArrayLike | None = None,
    ) -> Self:
        """Fit the model.

        Parameters
        ----------
        X : array or DataFrame, shape (n, p)
            Numbers without missing values, beside the columns of ``strata``.
        time : array, shape (n,)
            Follow-up times, 0 or more; the end of each row where ``entry`` is given.
        event : array of 0 and 1, shape (n,)
        entry : array, shape (n,), optional
            Times at which rows came under observation (left truncation), before ``time``.
        weights : array, shape (n,), optional
            Case weights above 0.  Of sampling weights take robust errors.
        cluster : array, shape (n,), optional
            Clusters, such as the patient of a lesion: the sandwich variance sums over each.
        ids : array, shape (n,), optional
            Unit of each row, where predictors change over time and a unit has several rows (``entry``, ``time``]; they must not
            overlap.  Where a unit has more than one event, errors are clustered by unit.

        Returns
        -------
        self

        Raises
        ------
        RadiogenError
            RG705, RG402 for unusable arrays, RG203 for a missing column, RG410 without events, RG701 with as many columns as
            units (use :class:`Coxnet`) or fewer clusters than columns, RG704 where the likelihood has no maximum or the fit does
            not converge, with the column, RG708 for a parameter out of range.
        """
        frame, strata = split_strata(X, self.strata)
        return self._fit_checked(frame, time, event, strata=strata, entry=entry, weights=weights, cluster=cluster, ids=ids)

    def predict_survival(self, X: ArrayLike | pd.DataFrame, times: ArrayLike) -> Floats:
        """Probability to be without event until after each time, by the baseline of the unit's stratum.

        Parameters
        ----------
        X : array or DataFrame, shape (m, p)
            With the columns of ``strata``; predictors are taken to stay as they are.
        times : float or array, shape (T,)

        Returns
        -------
        ndarray, shape (m, T)

        Raises
        ------
        RadiogenError
            RG705 for a stratum that had no event in the training data.
        """
        frame, labels = split_strata(X, self.strata)
        if labels is None:
            return super().predict_survival(X, times)
        eta, points = self._log_hazard(self._known(frame)), time_points(times)
        out = np.empty((eta.size, points.size))
        for label in np.unique(labels):
            if label not in self.baselines_:
                raise fail("RG705", f"The training data have no event in the stratum '{label}'.", value=label)
            own = labels == label
            out[own] = self.baselines_[label].survival(eta[own], points)
        return out

    def _fit(self, x: Floats, time: Floats, event: Ints, **extra: Any) -> None:
        choice(self.ties, "ties", TIES)
        normal_quantile(self.level)
        dead, entry = event == 1, extra.get("entry")
        time, entry = _under_observation(time, entry)
        weights = _weights(extra.get("weights"), time.size)
        cluster = _clusters(time, dead, entry, extra.get("cluster"), extra.get("ids"))
        labels = extra.get("strata", np.full(time.size, "all", dtype=object))
        names, codes = np.unique(labels, return_inverse=True)
        if self.ties == "exact" and (extra.get("weights") is not None or self.robust or cluster is not None):
            raise fail("RG708", "The exact rule has neither weights nor robust errors; use `ties='efron'`.", value=self.ties)
        self._find_knots(x)
        terms, columns = self._terms(), self._expand(x)
        at_risk = in_a_risk_set(time, dead, codes, entry)
        kept, self.aliased_ = estimable(centred_within(columns[at_risk], codes[at_risk]), terms, "A Cox model")
        self._kept = np.array(kept)
        own, self._centre, scale = standardise(columns[:, kept])
        rule = "breslow" if self.ties == "exact" else self.ties
        sets = case_sets(time, dead, own, codes, entry, rule, weights)
        function = objective(sets) if self.ties != "exact" else exact_objective(time, dead, own, codes, entry)
        fit = maximise(function, own)
        refuse(fit, own, [terms[k] for k in kept])
        sandwich = None
        if self.robust or cluster is not None:
            sandwich = _sandwich(sets, fit, weights, cluster)
        self._keep(fit, function, sandwich, scale, terms)
        curves = {str(names[codes[rows[0]]]): Baseline(*part.log_cumulative(fit.beta)) for rows, part in sets}
        self.baselines_ = curves
        if self.strata is None:
            self.baseline_ = curves["all"]

    def _keep(self, fit: Fit, function: Objective, sandwich: Floats | None, scale: Floats, terms: list[str]) -> None:
        null = function(np.zeros(fit.beta.size))
        self.coef_ = np.zeros(len(terms))
        self.coef_[self._kept] = fit.beta / scale
        naive, both = covariance(fit.information), np.outer(scale, scale)
        chosen = naive if sandwich is None else sandwich
        robust = None if sandwich is None else np.sqrt(np.diag(sandwich)) / scale
        own = [terms[k] for k in self._kept]
        self.covariance_ = pd.DataFrame(chosen / both, index=own, columns=own)
        self.summary_ = wald_table(
            terms, self.aliased_, fit.beta / scale, np.sqrt(np.diag(naive)) / scale, robust, self.level
        )  # fmt: skip
        self.loglik_, self.tests_ = (null[0], fit.loglik), whole_model_tests(null, fit, sandwich)

    def _log_hazard(self, x: Floats) -> Floats:
        return np.asarray((self._expand(x)[:, self._kept] - self._centre) @ self.coef_[self._kept])

    def _find_knots(self, x: Floats) -> None:
        from radiogen.stats.splines import given_knots, rcs_knots

        names = list(self.feature_names_in_)
        self.knots_ = {}
        for name, wanted in (self.splines or {}).items():
            if name not in names:
                raise fail("RG203", f"`X` lacks the column '{name}' of `splines`.", column=name)
            found = rcs_knots(x[:, names.index(name)], wanted) if np.ndim(wanted) == 0 else given_knots(wanted)
            self.knots_[name] = found

    def _terms(self) -> list[str]:
        extra = {name: len(knots) - 2 for name, knots in self.knots_.items()}
        return [name + "'" * k for name in self.feature_names_in_ for k in range(1 + extra.get(name, 0))]

    def _expand(self, x: Floats) -> Floats:
        if not self.knots_:
            return x
        from radiogen.stats.splines import rcs

        parts = [
            rcs(x[:, k], self.knots_[name]) if name in self.knots_ else x[:, [k]]
            for k, name in enumerate(self.feature_names_in_)
        ]
        return matrix(np.column_stack(parts))


def _under_observation(time: Floats, entry: Any) -> tuple[Floats, Floats | None]:
    """Ends and beginnings of rows, made equal where they differ by rounding only."""
    if entry is None:
        return time, None
    late = number(entry, "entry")
    if (late < 0).any():
        raise fail("RG402", f"`entry` has {int((late < 0).sum())} negative values.", value=late.min())
    if time.any():
        both = tie_times(np.r_[time, late])
        time, late = both[: time.size], both[time.size :]
    if (late >= time).any():
        raise fail("RG705", f"`entry` must lie before `time`; it does not in {int((late >= time).sum())} rows.")
    return time, late


def _weights(weights: Any, n: int) -> Floats:
    if weights is None:
        return np.ones(n)
    found = number(weights, "weights")
    if (found <= 0).any():
        raise fail("RG705", "`weights` must be above 0; leave out units that do not count.", value=found.min())
    return found


def _clusters(time: Floats, event: Bools, entry: Floats | None, cluster: Any, ids: Any) -> Ints | None:
    """Cluster of each row; rows of one unit are checked, and are a cluster where it has several events."""
    if ids is not None:
        unit, _ = groups(ids, "ids")
        if not in_order(time, entry, ids).all():
            raise fail(
                "RG705", "Rows of one unit overlap: each must begin, at its `entry`, where the one before it ended or later.",
                fix="Give `entry` and `time` of each row; of lesions of one patient give `cluster`, not `ids`.",
            )  # fmt: skip
        if cluster is None and np.bincount(unit, weights=event).max() > 1:
            return unit
    return None if cluster is None else groups(cluster, "cluster")[0]


def _sandwich(
    sets: Sequence[tuple[NDArray[np.int64], CaseSets]], fit: Fit, weights: Floats, cluster: Ints | None
) -> Floats:
    """Lin and Wei's variance from weighted score residuals, summed by cluster."""
    residuals = np.zeros((weights.size, fit.beta.size))
    for rows, part in sets:
        residuals[rows] = part.score_residuals(fit.beta)
    moves = weights[:, None] * residuals @ covariance(fit.information)
    if cluster is not None:
        count = int(cluster.max()) + 1
        if count <= fit.beta.size:
            raise fail("RG701", f"A variance by cluster needs more clusters than terms; there are {count}.", value=count)
        moves = np.column_stack([np.bincount(cluster, weights=column) for column in moves.T])
    return np.asarray(moves.T @ moves)
