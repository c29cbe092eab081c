"""Only features that come out alike when they are measured again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from radiogen.errors import fail
from radiogen.features.stability.agreement import icc
from radiogen.features.stability.forms import AVERAGES, FORMS
from radiogen.features.stability.repeats import check_index


class StabilityFilter(TransformerMixin, BaseEstimator):
    """Keep the features whose intraclass correlation reaches a threshold; a scikit-learn transformer.

    Stability is either known beforehand (``table``: measured on other patients, such as a pilot study or phantom) or
    measured in ``fit`` from ``repeats``, of the training units only, so that nothing of a test fold is seen.

    Parameters
    ----------
    table : DataFrame, optional
        As :func:`icc` gives it: index feature, columns ``icc``, ``lower``; one model.
    repeats : DataFrame, optional
        Index (unit, repeat), one column for each feature.  In ``fit`` the rows of those units count that are in
        the index of ``X``; it must therefore be a DataFrame with the units' ids.
    threshold : float, default 0.75
        "Good" reliability of Koo and Li (2016); 0.9 is "excellent".
    bound : {"lower", "estimate"}, default "lower"
        What must reach the threshold: the lower limit of the interval, as Koo and Li judge, or the estimate, which
        in few lesions keeps features by luck.
    model : str, default "2,1"
        Form of the ICC where ``repeats`` are given.
    confidence : float, default 0.95
        Of its interval.
    unmeasured : {"drop", "keep", "refuse"}, default "drop"
        What becomes of columns of ``X`` whose stability was not measured.

    Attributes
    ----------
    table_ : DataFrame, index feature
        The ICCs that decided; those of ``repeats`` are of the training units.
    n_units_ : int
        Training units that have repeats; 0 where ``table`` was given.
    support_ : ndarray of bool
        Which columns stay.
    feature_names_in_ : ndarray of str
    n_features_in_ : int

    Notes
    -----
    ``y`` is never looked at.  A feature without an ICC (constant, too few complete lesions) does not stay.  Where no
    feature reaches the threshold none stays, and the next step sees a matrix without columns.

    References
    ----------
    Koo TK, Li MY. A guideline of selecting and reporting intraclass correlation coefficients for reliability research.
    J Chiropr Med 2016;15:155-163. doi:10.1016/j.jcm.2016.02.012

    Examples
    --------
    >>> import pandas as pd
    >>> from radiogen.features.stability import StabilityFilter
    >>> table = pd.DataFrame({"icc": [0.95, 0.8], "lower": [0.9, 0.6]}, index=["mean", "busyness"])
    >>> X = pd.DataFrame({"mean": [1.0, 2.0], "busyness": [3.0, 4.0]}, index=["u1", "u2"])
    >>> StabilityFilter(table).fit_transform(X).columns.to_list()
    ['mean']
    """

    def __init__(
        self,
        table: pd.DataFrame | None = None,
        repeats: pd.DataFrame | None = None,
        *,
        threshold: float = 0.75,
        bound: Literal["lower", "estimate"] = "lower",
        model: str = "2,1",
        confidence: float = 0.95,
        unmeasured: Literal["drop", "keep", "refuse"] = "drop",
    ) -> None:
        self.table = table
        self.repeats = repeats
        self.threshold = threshold
        self.bound = bound
        self.model = model
        self.confidence = confidence
        self.unmeasured = unmeasured

    def fit(self, X: pd.DataFrame | NDArray, y: Any = None) -> StabilityFilter:
        """Measure stability on the training units, or take it from the table.

        Parameters
        ----------
        X : DataFrame or array, shape (n, p)
            Training features.  An array needs a ``table`` of p rows in the order of its columns.
        y : ignored

        Raises
        ------
        RadiogenError
            RG708 for an option that makes no sense, RG705 where table, repeats and X do not fit together, RG701
            where fewer than 2 training units were measured again.
        """
        self._check_options()
        names = _names(X)
        table, units = (self._known(), 0) if self.table is not None else self._measured(X)
        if names is None:
            names = [str(n) for n in table.index]
            if np.ndim(X) != 2 or np.shape(X)[1] != len(names):
                raise fail("RG705", f"the table has {len(names)} features and the array the shape {np.shape(X)}")
        limit = table["lower" if self.bound == "lower" else "icc"].astype(float).reindex(names)
        unknown = [n for n in names if n not in table.index]
        if unknown and self.unmeasured == "refuse":
            raise fail("RG705", f"the stability of {len(unknown)} features was not measured, such as '{unknown[0]}'",
                       column=unknown[0])  # fmt: skip
        support = limit.to_numpy() >= self.threshold
        if self.unmeasured == "keep":
            support |= np.isin(names, unknown)
        self.table_, self.n_units_, self.support_ = table, units, support
        self.feature_names_in_, self.n_features_in_ = np.asarray(names, dtype=object), len(names)
        return self

    def transform(self, X: pd.DataFrame | NDArray) -> Any:
        """The stable columns, in the order of ``X``; a DataFrame stays one."""
        check_is_fitted(self, "support_")
        if isinstance(X, pd.DataFrame):
            if [str(c) for c in X.columns] != list(self.feature_names_in_):
                raise fail("RG705", "the columns are not those the filter was fitted on")
            return X.loc[:, self.support_]
        array = np.asarray(X)
        if array.ndim != 2 or array.shape[1] != self.n_features_in_:
            raise fail("RG705", f"the array must have {self.n_features_in_} columns; its shape is {array.shape}")
        return array[:, self.support_]

    def get_support(self, indices: bool = False) -> NDArray:
        """Which columns stay, as bool or as positions."""
        check_is_fitted(self, "support_")
        return np.flatnonzero(self.support_) if indices else self.support_.copy()

    def get_feature_names_out(self, input_features: Sequence[str] | None = None) -> NDArray:
        """Names of the columns that stay."""
        check_is_fitted(self, "support_")
        return self.feature_names_in_[self.support_]

    def _check_options(self) -> None:
        if (self.table is None) == (self.repeats is None):
            raise fail("RG708", "give either `table` or `repeats`")
        if not 0 <= self.threshold <= 1:
            raise fail("RG708", "the threshold of an ICC lies between 0 and 1", value=self.threshold)
        for name, value, allowed in (
            ("bound", self.bound, ("lower", "estimate")), ("unmeasured", self.unmeasured, ("drop", "keep", "refuse")),
            ("model", self.model, (*FORMS, *AVERAGES)),
        ):  # fmt: skip
            if value not in allowed:
                raise fail("RG708", f"`{name}` must be one of {', '.join(allowed)}", value=value)

    def _known(self) -> pd.DataFrame:
        table = self.table
        assert table is not None
        lacking = [c for c in ("icc", "lower") if c not in table.columns]
        if lacking or table.index.has_duplicates:
            what = f"has no column '{lacking[0]}'" if lacking else "has a feature twice; give the rows of one model"
            raise fail("RG705", f"the table of ICCs {what}", value=None if lacking else table.index[table.index.duplicated()][0])
        return table

    def _measured(self, X: Any) -> tuple[pd.DataFrame, int]:
        repeats = self.repeats
        assert repeats is not None
        if not isinstance(X, pd.DataFrame):
            fix = "Give a DataFrame; in a Pipeline, `set_output(transform='pandas')` keeps the ids after earlier steps."
            raise fail("RG705", "with `repeats` X must be a DataFrame whose index holds the units' ids", fix=fix)
        check_index(repeats)
        mine = repeats[repeats.index.get_level_values(0).isin(X.index)]
        units = mine.index.get_level_values(0).nunique()
        if units < 2:
            raise fail("RG701", f"{units} of the {X.index.nunique()} training units were measured again; at least 2 are needed",
                       fix="Check that the index of X and the first level of `repeats` are the same ids.")  # fmt: skip
        known = set(X.columns)
        columns = [c for c in mine.columns if c in known]
        if not columns:
            raise fail("RG705", "X and the table of repeats have no column in common")
        return icc(mine[columns], model=self.model, confidence=self.confidence), units


def _names(X: Any) -> list[str] | None:
    """Names of the columns; None for an array, whose columns the table names."""
    return [str(c) for c in X.columns] if isinstance(X, pd.DataFrame) else None
