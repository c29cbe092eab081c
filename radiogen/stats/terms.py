"""Columns for splines and interactions, remembered so that new data and nomograms get the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from radiogen.errors import fail
from radiogen.stats._covariates import indicator, levels_of
from radiogen.stats._design import is_numeric, listed, take
from radiogen.stats._rcs import basis
from radiogen.stats._validate import Floats, number
from radiogen.stats.splines import given_knots, rcs_knots


@dataclass(frozen=True, repr=False, eq=False)
class ModelTerms:
    """A frame with the columns of splines and interactions, and how they were made.

    Parameters
    ----------
    frame : DataFrame
        The frame given, with the new columns: ``age'``, ``age''`` for a spline of ``age``; ``age:er[pos]`` for an
        interaction.
    columns : list of str
        What to give a model as its covariates: the predictors, then the new columns.
    predictors : tuple of str
        The predictors themselves.
    knots : mapping of str to ndarray
        Knots of each predictor with a spline.
    interactions : tuple of tuple of str
        The predictors of each interaction.
    levels : mapping of str to tuple of str
        Levels of the categorical predictors, the reference first.
    built : mapping of str to tuple of str
        The predictors that each new column is made of.
    """

    frame: pd.DataFrame
    columns: list[str]
    predictors: tuple[str, ...]
    knots: Mapping[str, Floats]
    interactions: tuple[tuple[str, ...], ...]
    levels: Mapping[str, tuple[str, ...]]
    built: Mapping[str, tuple[str, ...]]

    def apply(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Another frame with the same columns added, from the knots and levels of the first.

        Parameters
        ----------
        frame : DataFrame
            Has the predictors.

        Returns
        -------
        DataFrame

        Raises
        ------
        RadiogenError
            RG203 for a missing column, RG705 for missing values or a level that was not there.
        """
        return self.expand(frame, self.predictors)

    def expand(self, frame: pd.DataFrame, predictors: Sequence[str]) -> pd.DataFrame:
        """As :meth:`apply`, with the columns of some predictors only; the frame need not have the others."""
        parts = {name: self._parts(frame, name) for name in predictors if name in self.predictors}
        new = {column: values for name in self.knots if name in parts for column, values in list(parts[name].items())[1:]}
        for members in self.interactions:
            if not set(members) <= set(parts):
                continue
            products = {"": np.ones(len(frame))}
            for name in members:
                products = {_joined(a, b): x * y for a, x in products.items() for b, y in parts[name].items()}
            new.update(products)
        return frame.drop(columns=[c for c in new if c in frame]).assign(**new)

    def _parts(self, frame: pd.DataFrame, name: str) -> dict[str, Floats]:
        """The columns of one predictor by name."""
        series = take(frame, [name])[name]
        if name in self.levels:
            known = self.levels[name]
            return {f"{name}[{level}]": indicator(series, level, known) for level in known[1:]}
        values = number(series, name)
        if name not in self.knots:
            return {name: values}
        return {name + "'" * k: column for k, column in enumerate(basis(values, self.knots[name]).T)}

    def __repr__(self) -> str:
        return f"ModelTerms({', '.join(self.columns)})"


def model_terms(
    frame: pd.DataFrame,
    covariates: Sequence[str],
    splines: Mapping[str, int | Sequence[float]] | None = None,
    interactions: Sequence[tuple[str, ...]] = (),
) -> ModelTerms:
    """Build the columns of restricted cubic splines and interactions for a regression.

    Parameters
    ----------
    frame : DataFrame, n rows
        One row per unit, without missing values in the predictors.
    covariates : sequence of str
        The predictors; text and categories stay as they are, the model codes them.
    splines : mapping of str to int or sequence of float, optional
        Predictors with a spline: the number of knots (placed by :func:`rcs_knots`) or the knots.
    interactions : sequence of tuples of str, optional
        Predictors whose product enters, with all columns of their splines and levels.

    Returns
    -------
    ModelTerms
        Give ``terms.frame`` and ``terms.columns`` to the regression, and ``terms`` to :func:`nomogram`.

    Raises
    ------
    RadiogenError
        RG203 for a column that is not there; RG705 for unusable columns; RG703 for a spline of a category; RG708 for
        knots or interactions that make no sense; RG210 where a new column's name is taken.

    References
    ----------
    Harrell, Regression Modeling Strategies, 2nd ed. 2015, chapter 2, doi 10.1007/978-3-319-19425-7.

    Examples
    --------
    >>> d = pd.DataFrame({"age": range(40, 52), "er": list("npnpnpnpnpnp")})
    >>> model_terms(d, ["age", "er"], splines={"age": [42, 45, 48]}, interactions=[("age", "er")])
    ModelTerms(age, er, age', age:er[p], age':er[p])
    """
    names = listed(covariates)
    data = take(frame, names)
    for name in names:
        if data[name].isna().any():
            raise fail("RG705", f"Covariate '{name}' has {int(data[name].isna().sum())} missing values.", column=name)
    wanted = dict(splines or {})
    pairs = tuple(_interaction(members, names) for members in interactions)
    for name in wanted:
        if name not in names:
            raise fail("RG708", f"The spline of '{name}' needs '{name}' among the covariates.", value=name)
        if not is_numeric(data[name]):
            raise fail("RG703", f"'{name}' is a category; a spline needs numbers.", column=name)
    if any(set(a) == set(b) for a, b in combinations(pairs, 2)):
        raise fail("RG708", "An interaction is named twice.")
    knots = {n: rcs_knots(data[n], k) if np.ndim(k) == 0 else given_knots(k) for n, k in wanted.items()}
    levels = levels_of(data)
    draft = ModelTerms(frame, [], tuple(names), knots, pairs, levels, {})
    full = draft.apply(data)
    new = [c for c in full.columns if c not in names]
    taken = [c for c in new if c in frame.columns]
    if taken:
        raise fail("RG210", f"The frame has a column '{taken[0]}' already.", column=taken[0])
    built: dict[str, tuple[str, ...]] = {n + "'" * k: (n,) for n, places in knots.items() for k in range(1, places.size - 1)}
    for members in pairs:
        for column in _products(draft, data.iloc[:1], members):
            built[column] = members
    return ModelTerms(frame.assign(**{c: full[c] for c in new}), [*names, *new], tuple(names), knots, pairs, levels, built)


def _interaction(members: tuple[str, ...], names: list[str]) -> tuple[str, ...]:
    if isinstance(members, str) or len(members) < 2 or len(set(members)) < len(members):
        raise fail("RG708", "An interaction is a tuple of two or more different covariates.", value=members)
    lost = [m for m in members if m not in names]
    if lost:
        raise fail("RG708", f"The interaction of '{lost[0]}' needs '{lost[0]}' among the covariates.", value=members)
    return tuple(members)


def _products(terms: ModelTerms, row: pd.DataFrame, members: tuple[str, ...]) -> list[str]:
    """Names of the columns of one interaction."""
    names = [""]
    for member in members:
        names = [_joined(a, b) for a in names for b in terms._parts(row, member)]
    return names


def _joined(a: str, b: str) -> str:
    return f"{a}:{b}" if a else b
