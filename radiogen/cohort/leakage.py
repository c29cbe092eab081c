"""Predictors that would leak the answer: copies, recodings and perfect splits of an outcome."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from radiogen.cohort.cohort import Cohort
from radiogen.cohort.config import AssociateSection, ClassifySection
from radiogen.errors import Findings, RadiogenError

#: below this many units, or with fewer in the smaller class, a perfect split may be chance
_MIN_UNITS, _MIN_CLASS = 20, 5
#: a number that follows a follow-up time as closely as this is the time in another unit or on another scale
_SAME_TIME = 0.999
#: a scale on which a time keeps its order and correlates less than this with itself is none that people use
_LOOSE = 0.3
#: chance, over all features of a modality, that one of them splits two classes perfectly
_CHANCE = 1e-3
_Outcome = tuple[str, tuple[str, ...], pd.Series]


def check_predictors(cohort: Cohort, findings: Findings) -> None:
    """Report RG408 and RG409 for the declared predictors and the finished features of modalities.

    An outcome's own source column is always refused; any other predictor is refused where it follows a follow-up time,
    splits the classes of an outcome without an error in at least 20 units with 5 in the smaller class, or is known in
    some classes only.
    """
    config = cohort.config
    accepted = set(config.accept_predictors)
    for column in cohort.predictors:
        if column in config.exclude_predictors:
            findings.add("RG409", f"'{column}' is a predictor and stands in `exclude_predictors`",
                         column=f"tables.{_table(cohort, column)}.predictors", value=column)
    for outcome, columns, values in _outcomes(cohort):
        for column in cohort.predictors:
            what = ""
            if column in columns:
                what = f"is the column that '{outcome}' is made from"
            elif column in accepted:
                continue
            elif determines(cohort.clinical[column], values):
                what = f"determines '{outcome}' without a single error"
            elif _known_by_class(cohort.clinical[column], values):
                what = f"is known in some classes of '{outcome}' only, so that its presence gives the outcome away"
            if what:
                findings.add("RG408", f"the predictor '{column}' {what}", column=f"tables.{_table(cohort, column)}.predictors",
                             value=column)
    _check_features(cohort, accepted, findings)


def _table(cohort: Cohort, column: str) -> str:
    return next((n for n, s in cohort.config.tables.items() if column in s.predictors), "?")


def _outcomes(cohort: Cohort) -> list[_Outcome]:
    """Name, source columns and values of all that is predicted from the clinic."""
    sections = [a for a in cohort.config.analyses if isinstance(a, ClassifySection) and a.target not in cohort.endpoints]
    names = [a.target for a in sections if a.inputs is None or "clinical" in a.inputs]
    return [*_endpoints(cohort), *_targets(cohort, names)]


def _endpoints(cohort: Cohort) -> list[_Outcome]:
    return [(n, e.columns, e.data[c]) for n, e in cohort.endpoints.items() for c in e.data.columns]


def _targets(cohort: Cohort, names: list[str]) -> list[_Outcome]:
    found: list[_Outcome] = []
    for name in dict.fromkeys(names):
        try:
            target = cohort.target(name)
        except RadiogenError:  # a name that does not exist is reported where it stands in the YAML
            continue
        found.append((name, target.columns, target.values))
    return found


# -- finished features ---------------------------------------------------------------------


def _check_features(cohort: Cohort, accepted: set[str], findings: Findings) -> None:
    """RG408 for columns of feature tables that hold an outcome."""
    names: list[str] = []
    for section in cohort.config.analyses:
        names += section.targets if isinstance(section, AssociateSection) else []
        names += [section.target] if isinstance(section, ClassifySection) else []
    outcomes = [*_endpoints(cohort), *_targets(cohort, [n for n in names if n not in cohort.endpoints])]
    reported: set[str] = set()
    for modality, frame in cohort.modalities.items():
        for outcome, _, values in outcomes:
            for column in _giving_away(frame, values):
                if column in accepted or column in reported:
                    continue
                reported.add(column)
                findings.add("RG408", f"the feature '{column}' determines '{outcome}' without a single error",
                             column=f"modalities.{modality}.features", value=column,
                             fix=f"Name the real features in `use:` of the modality, or put '{column}' into `accept_predictors`.")


def _giving_away(frame: pd.DataFrame, values: pd.Series) -> list[str]:
    """Features that are a follow-up time, or split classes perfectly where chance cannot."""
    known = values.notna().to_numpy()
    x, y = frame.to_numpy(dtype=float)[known], values[known]
    if len(y) < _MIN_UNITS or not x.shape[1]:
        return []
    if _is_time(y):
        close = [i for i in range(x.shape[1]) if _follows(x[:, i], y.to_numpy(dtype=float))]
        return [str(frame.columns[i]) for i in close]
    codes, classes = pd.factorize(y)
    if len(classes) < 2:
        return []
    rows = [codes == k for k in range(len(classes))]
    low = np.vstack([np.fmin.reduce(x[r], axis=0) for r in rows])
    high = np.vstack([np.fmax.reduce(x[r], axis=0) for r in rows])
    order = np.argsort(low, axis=0)
    low, high = np.take_along_axis(low, order, axis=0), np.take_along_axis(high, order, axis=0)
    split = (high[:-1] < low[1:]).all(axis=0)
    found = []
    for i in np.flatnonzero(split):
        sizes = np.array([np.isfinite(x[r, i]).sum() for r in rows])
        n, least = int(sizes.sum()), int(sizes.min())
        if n >= _MIN_UNITS and least >= _MIN_CLASS and 2 * x.shape[1] / math.comb(n, least) < _CHANCE:
            found.append(str(frame.columns[i]))
    return found


def _is_time(y: pd.Series) -> bool:
    return bool(pd.api.types.is_numeric_dtype(y)) and y.nunique() > 10


def _follows(x: np.ndarray, y: np.ndarray) -> bool:
    """Whether a number is a follow-up time in another unit, or a transformation of it that keeps the order."""
    both = np.isfinite(x) & np.isfinite(y)
    x, y = x[both], y[both]
    if len(x) < _MIN_UNITS or len(np.unique(x)) <= 10:
        return False
    straight = abs(np.corrcoef(x, y)[0, 1])
    if straight > _SAME_TIME or straight < _LOOSE:
        return bool(straight > _SAME_TIME)
    ranks = pd.DataFrame({"x": x, "y": y}).rank().to_numpy()
    return bool(abs(np.corrcoef(ranks.T)[0, 1]) > _SAME_TIME)


def _known_by_class(predictor: pd.Series, outcome: pd.Series) -> bool:
    """Whether a predictor is known in all units of some classes and in none of the others."""
    y = outcome.dropna()
    if len(y) < _MIN_UNITS or _is_time(y) or y.nunique() < 2:
        return False
    known = predictor[y.index].notna()
    if min(known.sum(), (~known).sum()) < _MIN_CLASS:
        return False
    return bool((known.groupby(y.to_numpy()).nunique() == 1).all())


# -- one predictor ---------------------------------------------------------------------------


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
        A time that the predictor follows (in another unit, rounded, or on another scale); classes that one threshold of a number
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
    if _is_time(y):
        return bool(numeric and _follows(x.to_numpy(dtype=float), y.to_numpy(dtype=float)))
    counts = y.value_counts()
    if len(counts) < 2 or counts.iloc[1] < _MIN_CLASS:
        return False
    if numeric and x.nunique() > 10:
        spans = x.groupby(y.to_numpy()).agg(["min", "max"]).sort_values("min")
        return bool((spans["max"].to_numpy()[:-1] < spans["min"].to_numpy()[1:]).all())
    few = x.nunique() <= max(10, len(x) // 10)
    return bool(few and (y.groupby(x.astype(str).to_numpy()).nunique() == 1).all())
