"""Columns of strata beside the predictors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from radiogen.errors import fail
from radiogen.stats._validate import word


def split_strata(
    X: ArrayLike | pd.DataFrame, strata: str | Sequence[str] | None
) -> tuple[ArrayLike | pd.DataFrame, NDArray[np.object_] | None]:
    """Predictors, and the label of each unit's stratum such as ``centre=A, grade=2``.

    Parameters
    ----------
    X : array or DataFrame, shape (n, p)
    strata : str, sequence of str or None
        None: no strata, and ``X`` is given back.

    Returns
    -------
    (X without these columns, ndarray of str or None)

    Raises
    ------
    RadiogenError
        RG705 where ``X`` is no frame or a stratum is missing, RG203 for a column that is not there.

    Examples
    --------
    >>> split_strata(pd.DataFrame({"a": [1.0, 2.0], "centre": ["A", "B"]}), "centre")[1].tolist()
    ['centre=A', 'centre=B']
    """
    if strata is None:
        return X, None
    names = [strata] if isinstance(strata, str) else list(strata)
    if not isinstance(X, pd.DataFrame):
        raise fail("RG705", "`X` must be a DataFrame that holds the columns of `strata`.", value=names)
    for name in names:
        if name not in X.columns:
            raise fail("RG203", f"`X` lacks the column '{name}' of `strata`.", column=name)
        if X[name].isna().any():
            raise fail("RG705", f"The stratum '{name}' is missing in {int(X[name].isna().sum())} rows.", column=name)
    parts = [[f"{name}={word(value)}" for value in X[name]] for name in names]
    labels = np.array([", ".join(row) for row in zip(*parts, strict=True)], dtype=object)
    return X.drop(columns=names), labels
