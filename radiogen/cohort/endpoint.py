"""Endpoints and targets: what a cohort is asked about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pandas as pd

EndpointKind = Literal["survival", "competing", "binary", "ordinal", "multiclass"]


@dataclass(frozen=True)
class Endpoint:
    """One endpoint of a cohort, with the values of every unit.

    Parameters
    ----------
    name : str
        Key in the YAML.
    kind : {"survival", "competing", "binary", "ordinal", "multiclass"}
        Kind of outcome.
    data : DataFrame, index unit id
        Survival: ``time`` (float) and ``event`` (1.0, 0.0).  Competing: ``time``
        and ``status`` (0.0 censored, 1.0 the event of interest, 2.0 …).  Otherwise:
        ``value``, the label of the class.  Not known is NaN.
    labels : tuple of str
        Competing: names of status 1, 2, …; binary: (negative, positive);
        ordinal and multi-class: the classes in order.
    unit : str
        Unit of time, or empty.
    columns : tuple of str
        Source columns; they may never be predictors.
    label : str
        Text for people.
    """

    name: str
    kind: EndpointKind
    data: pd.DataFrame
    labels: tuple[str, ...] = ()
    unit: str = ""
    columns: tuple[str, ...] = ()
    label: str = ""

    @property
    def known(self) -> pd.Series:
        """Whether the endpoint is known, per unit."""
        return self.data.notna().all(axis=1)

    def select(self, index: pd.Index) -> Endpoint:
        """The same endpoint for some units."""
        return Endpoint(
            self.name, self.kind, self.data.loc[index], self.labels, self.unit, self.columns, self.label
        )


@dataclass(frozen=True)
class Target:
    """A class label that models predict: mutation, receptor, subtype or endpoint.

    Parameters
    ----------
    name : str
        Name asked for, such as ``"TP53"``, ``"her2"``, ``"subtype"``, ``"pcr"``.
    kind : {"binary", "multiclass", "ordinal"}
        Binary targets have two classes, the negative first.
    values : Series, index unit id
        Labels; NaN where not known.
    classes : tuple of str
        The classes, in order; for binary targets (negative, positive).
    source : {"mutation", "marker", "subtype", "endpoint"}
        Where it comes from.
    columns : tuple of str
        Columns of tables that the target is made from; never predictors.
    """

    name: str
    kind: Literal["binary", "multiclass", "ordinal"]
    values: pd.Series
    classes: tuple[str, ...]
    source: Literal["mutation", "marker", "subtype", "endpoint"]
    columns: tuple[str, ...] = ()

    @property
    def known(self) -> pd.Series:
        """Whether the target is known, per unit."""
        return self.values.notna()
