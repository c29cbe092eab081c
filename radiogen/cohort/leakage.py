"""Predictors that would leak the answer: copies, recodings and perfect splits of an outcome."""

from __future__ import annotations

import numpy as np
import pandas as pd

from radiogen.cohort.cohort import Cohort
from radiogen.cohort.config import ClassifySection
from radiogen.errors import Findings

#: below this many units, or with fewer in the smaller class, a perfect split may be chance
_MIN_UNITS, _MIN_CLASS = 20, 5


def check_predictors(cohort: Cohort, findings: Findings) -> None:
    """Report RG408 and RG409 for the declared predictors.

    An outcome's own source column is always refused; any other predictor is refused
    where it equals a follow-up time, or splits the classes of an outcome without an error
    in at least 20 units with 5 in the smaller class.
    """
    config = cohort.config
    accepted = set(config.accept_predictors)
    for column in cohort.predictors:
        if column in config.exclude_predictors:
            findings.add("RG409", f"'{column}' is a predictor and stands in `exclude_predictors`",
                         column=f"tables.{_table(cohort, column)}.predictors", value=column)
    for outcome, columns, values in _outcomes(cohort):
        for column in cohort.predictors:
            if column in accepted:
                continue
            where = f"tables.{_table(cohort, column)}.predictors"
            if column in columns:
                findings.add("RG408", f"the predictor '{column}' is the column that '{outcome}' is made from", column=where,
                             value=column)
            elif determines(cohort.clinical[column], values):
                findings.add("RG408", f"the predictor '{column}' determines '{outcome}' without a single error", column=where,
                             value=column)


def _table(cohort: Cohort, column: str) -> str:
    return next((n for n, s in cohort.config.tables.items() if column in s.predictors), "?")


def _outcomes(cohort: Cohort) -> list[tuple[str, tuple[str, ...], pd.Series]]:
    """Name, source columns and values of all that is predicted from the clinic."""
    found: list[tuple[str, tuple[str, ...], pd.Series]] = []
    for name, endpoint in cohort.endpoints.items():
        for column in endpoint.data.columns:
            found.append((name, endpoint.columns, endpoint.data[column]))
    for section in cohort.config.analyses:
        if isinstance(section, ClassifySection) and section.target not in cohort.endpoints:
            if section.inputs is not None and "clinical" not in section.inputs:
                continue
            target = cohort.target(section.target)
            found.append((section.target, target.columns, target.values))
    return found


def determines(predictor: pd.Series, outcome: pd.Series) -> bool:
    """Whether a predictor gives an outcome away.

    Parameters
    ----------
    predictor : Series
        Numeric or categorical.
    outcome : Series
        Classes, or a numeric time.

    Returns
    -------
    bool
        A time that is a linear copy of the predictor; classes that one threshold of a number
        splits perfectly; or categories that each hold one class only.

    Examples
    --------
    >>> import pandas as pd
    >>> x = pd.Series([1.0] * 10 + [2.0] * 10)
    >>> determines(x, pd.Series(["a"] * 10 + ["b"] * 10))
    True
    """
    both = predictor.notna() & outcome.notna()
    x, y = predictor[both], outcome[both]
    if len(x) < _MIN_UNITS or x.nunique() < 2:
        return False
    numeric = pd.api.types.is_numeric_dtype(x)
    if pd.api.types.is_numeric_dtype(y) and y.nunique() > 10:
        return bool(numeric and abs(float(np.corrcoef(x.astype(float), y.astype(float))[0, 1])) > 1 - 1e-9)
    counts = y.value_counts()
    if len(counts) < 2 or counts.iloc[1] < _MIN_CLASS:
        return False
    if numeric and x.nunique() > 10:
        spans = x.groupby(y.to_numpy()).agg(["min", "max"]).sort_values("min")
        return bool((spans["max"].to_numpy()[:-1] < spans["min"].to_numpy()[1:]).all())
    few = x.nunique() <= max(10, len(x) // 10)
    return bool(few and (y.groupby(x.astype(str).to_numpy()).nunique() == 1).all())
