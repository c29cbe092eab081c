"""How much of each feature's variance goes with the batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radiogen.errors import fail
from radiogen.features.harmonize.design import Covariates, check_rank
from radiogen.features.harmonize.tables import read_call

Floats = NDArray[np.float64]


def variance_explained(X: Any, batch: Any, covariates: pd.DataFrame | None = None) -> pd.DataFrame:
    """Share of each feature's variance that goes with the batch, beyond what covariates explain.

    Parameters
    ----------
    X : DataFrame or array, shape (n, p)
        Features; of each the units count that have it.
    batch : array-like, length n
    covariates : DataFrame, n rows, optional
        Known causes of differences between patients.

    Returns
    -------
    DataFrame, index feature
        ``share`` of the total variance, ``partial`` (of the variance that covariates leave; the partial R²),
        ``adjusted`` (``partial`` less what batches that mean nothing would have by chance, at least 0), ``f``,
        ``df1``, ``df2``, ``p``, ``n``; NaN, with the ``reason``, where a feature has one value only or too few.

    Raises
    ------
    RadiogenError
        RG701 fewer than 2 batches, RG705 what cannot be used, RG710 batch and covariates cannot be told apart.

    Notes
    -----
    With the residual sums of squares of least squares on the covariates alone, R₀, and with the batch, R₁, and the
    total T: share = (R₀ − R₁) / T, partial = (R₀ − R₁) / R₀, adjusted = 1 − (1 − partial) (n − 1 − m) / df2, with m
    columns of covariates and df2 = n − m − number of batches.  Only locations are compared, no scales.

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.features.harmonize import variance_explained
    >>> X = np.array([[1.0, 1.0], [3.0, 3.0], [5.0, 1.0], [7.0, 3.0]])
    >>> variance_explained(X, ["a", "a", "b", "b"])["share"].round(3).to_list()
    [0.8, 0.0]
    """
    call = read_call(X, batch, covariates, None, ())
    labels, codes = np.unique(call.batch.astype(str), return_inverse=True)
    if len(labels) < 2:
        raise fail("RG701", f"there is {len(labels)} batch; its share of the variance needs at least 2")
    levels = Covariates.learn(call.covariates)
    beside = levels.columns(call.covariates)
    indicators = np.eye(len(labels))[codes]
    check_rank(indicators, beside, levels.terms)
    groups: dict[bytes, list[int]] = {}
    known = ~np.isnan(call.values)
    for j in range(len(call.names)):
        groups.setdefault(known[:, j].tobytes(), []).append(j)
    empty = [np.full(len(call.names), np.nan) for _ in range(5)]
    sums = _Sums(empty[0], empty[1], empty[2], empty[3], empty[4], np.zeros(len(call.names), dtype=bool))
    for columns in groups.values():
        _of_pattern(sums, call.values, indicators, beside, known[:, columns[0]], np.array(columns))
    return _table(sums, known.sum(axis=0), call.names)


@dataclass(frozen=True)
class _Sums:
    """Sums of squares and ranks of each feature; NaN where it has too few units."""

    total: Floats
    without: Floats
    within: Floats
    rank_small: Floats
    rank_large: Floats
    constant: NDArray[np.bool_]


def _of_pattern(
    sums: _Sums, values: Floats, indicators: Floats, beside: Floats, known: NDArray[np.bool_], columns: NDArray[np.int64]
) -> None:
    """Fill in the features that have their values in the same units."""
    n, x = int(known.sum()), values[np.ix_(known, columns)]
    rows = indicators[known][:, indicators[known].any(axis=0)]
    small, large = np.hstack([np.ones((n, 1)), beside[known]]), np.hstack([rows, beside[known]])
    if not n:
        return
    sums.without[columns], sums.rank_small[columns] = _rest(small, x)
    sums.within[columns], sums.rank_large[columns] = _rest(large, x)
    sums.total[columns] = ((x - x.mean(axis=0)) ** 2).sum(axis=0)
    sums.constant[columns] = np.sqrt(sums.total[columns] / n) <= 1e-12 * np.abs(x).max(axis=0)


def _table(sums: _Sums, n: NDArray[np.int64], names: tuple[str, ...]) -> pd.DataFrame:
    from scipy.stats import f as f_distribution

    df1, df2 = sums.rank_large - sums.rank_small, n - sums.rank_large
    few = ~((df1 >= 1) & (df2 >= 1))
    none = few | sums.constant
    with np.errstate(all="ignore"):
        gain = np.maximum(sums.without - sums.within, 0.0)
        partial = gain / sums.without
        f = gain / df1 / (sums.within / df2)
        found = pd.DataFrame({
            "share": gain / sums.total, "partial": partial,
            "adjusted": np.clip(1 - (1 - partial) * (n - sums.rank_small) / df2, 0.0, None),
            "f": f, "df1": df1, "df2": df2, "p": f_distribution.sf(f, df1, df2),
        }, index=pd.Index(names, name="feature"))  # fmt: skip
    found.loc[none, ["share", "partial", "adjusted", "f", "p"]] = np.nan
    found.loc[few, ["df1", "df2"]] = np.nan
    reason = np.full(len(n), None, dtype=object)
    reason[sums.constant] = "all values are equal"
    reason[few] = "too few units have a value"
    return found.assign(n=n, reason=reason)


def _rest(design: Floats, x: Floats) -> tuple[Floats, int]:
    """Residual sums of squares and the rank of the design."""
    scale = np.sqrt((design**2).mean(axis=0))
    scale[scale == 0] = 1.0
    beta, _, rank, _ = np.linalg.lstsq(design / scale, x, rcond=1e-9)
    return ((x - design / scale @ beta) ** 2).sum(axis=0), int(rank)
