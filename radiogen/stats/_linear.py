"""A fitted model as sets of predictors whose contributions to the linear predictor add up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from radiogen.errors import fail
from radiogen.stats._covariates import Spread, columns_for, split
from radiogen.stats._validate import Floats
from radiogen.stats.cox import CoxResult
from radiogen.stats.logistic import INTERCEPT, LogisticResult
from radiogen.stats.subdistribution import FineGrayResult
from radiogen.stats.terms import ModelTerms


@dataclass(frozen=True)
class PredictorSet:
    """Predictors that interact, directly or through others, and the terms they are in."""

    predictors: tuple[str, ...]
    terms: tuple[str, ...]

    @property
    def name(self) -> str:
        """The predictors in one string."""
        return ", ".join(self.predictors)

    def contribution(self, full: pd.DataFrame, model: LinearModel) -> Floats:
        """The set's part of the linear predictor for rows that have all columns."""
        coef = np.array([model.coef[term] for term in self.terms])
        return np.asarray(columns_for(full, self.terms, model.levels) @ coef)


@dataclass(frozen=True)
class LinearModel:
    """Coefficients, intercept and what is known of the predictors of any of the three models."""

    name: str
    logistic: bool
    coef: Mapping[str, float]
    intercept: float
    levels: Mapping[str, tuple[str, ...]]
    spreads: Mapping[str, Spread]
    fitted: Floats
    sets: tuple[PredictorSet, ...]
    built: ModelTerms | None

    def expand(self, frame: pd.DataFrame, predictors: Sequence[str] | None = None) -> pd.DataFrame:
        """Rows with the columns of splines and interactions of some predictors, or of all."""
        if not isinstance(frame, pd.DataFrame):
            raise fail("RG705", "`frame` must be a pandas DataFrame.", value=type(frame).__name__)
        if self.built is None:
            return frame
        return self.built.expand(frame, predictors or [p for s in self.sets for p in s.predictors])


def linear_model(model: Any, terms: ModelTerms | None) -> LinearModel:
    """The linear part of a fitted model."""
    if not isinstance(model, LogisticResult | CoxResult | FineGrayResult):
        wanted = "a result of logistic_regression, cox_regression or fine_gray"
        raise fail("RG705", f"`model` must be {wanted}.", value=type(model).__name__)
    if terms is not None and not isinstance(terms, ModelTerms):
        raise fail("RG705", "`terms` must be a result of model_terms.", value=type(terms).__name__)
    if isinstance(model, CoxResult) and model.baseline["stratum"].nunique() > 1:
        raise fail("RG708", "A stratified model has no one baseline; fit one model per stratum.")
    labels = [model.label] if isinstance(model.label, str) else list(model.label or ())
    estimates = np.atleast_1d(np.asarray(model.estimate, dtype=float))
    coef = {t: float(b) for t, b in zip(labels, estimates, strict=True) if np.isfinite(b)}
    # the survival models are centred at the means of their terms
    means = {} if isinstance(model, LogisticResult) else model.means
    intercept = coef.pop(INTERCEPT, 0.0) - sum(coef[t] * m for t, m in means.items())
    own = {term: _members(term, model.levels, terms) for term in coef}
    if terms is None:
        _no_built_columns(list(own.values()))
    sets = _joined(own)
    logistic = isinstance(model, LogisticResult)
    name = "a logistic model" if logistic else "a Cox model" if isinstance(model, CoxResult) else "a Fine-Gray model"
    return LinearModel(name, logistic, coef, intercept, model.levels, model.spreads, model.linear_predictor, sets, terms)


def _members(term: str, levels: Mapping[str, tuple[str, ...]], terms: ModelTerms | None) -> tuple[str, ...]:
    """The predictors of a term."""
    if terms is not None and term in terms.built:
        return terms.built[term]
    return (split(term, levels)[0],)


def _no_built_columns(sources: list[tuple[str, ...]]) -> None:
    """Refuse columns that look like parts of a spline or products of others: apart they would make no sense."""
    names = {s for (s,) in sources}
    for name in names:
        stem = name.rstrip("'")
        parts = [p.split("[")[0].rstrip("'") for p in name.split(":")]
        if (stem != name and stem in names) or (len(parts) > 1 and set(parts) <= names):
            raise fail(
                "RG708", f"'{name}' looks like a column of a spline or an interaction.",
                fix="Give `terms=`, the result of `model_terms` that made it.", value=name,
            )  # fmt: skip


def _joined(own: Mapping[str, tuple[str, ...]]) -> tuple[PredictorSet, ...]:
    """Predictors that share a term, in the order in which they come first."""
    home: dict[str, int] = {}
    for index, members in enumerate(own.values()):
        found = {home[m] for m in members if m in home}
        target = min(found, default=index)
        home = {m: target if h in found else h for m, h in home.items()} | dict.fromkeys(members, target)
    sets = []
    for place in sorted(set(home.values())):
        predictors = tuple(m for m, h in home.items() if h == place)
        sets.append(PredictorSet(predictors, tuple(t for t, members in own.items() if home[members[0]] == place)))
    return tuple(sets)
