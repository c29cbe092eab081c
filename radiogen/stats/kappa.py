"""Agreement of raters who sort into categories: Cohen's kappa of two, Fleiss' kappa of many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from radiogen.errors import fail
from radiogen.stats._validate import Floats, Ints, array_of, groups, normal_quantile, number, same_length, word
from radiogen.stats.result import StatResult

Labels: TypeAlias = Sequence[Any] | ArrayLike | pd.Series

_PERFECT = "The raters agree on every unit: the standard error is 0 and the interval has no width."


def cohen_kappa(
    a: Labels,
    b: Labels,
    weights: str | ArrayLike | None = None,
    categories: Sequence[Any] | None = None,
    level: float = 0.95,
) -> StatResult:
    """Cohen's kappa of two raters, plain or weighted, with Fleiss, Cohen and Everitt's standard error.

    Parameters
    ----------
    a, b : array-like, shape (n,)
        The category that each rater gave to each unit.
    weights : {None, "linear", "quadratic"} or array-like of float, shape (c, c), default None
        Credit for near misses between ordered categories: None counts full agreement only, "linear" gives
        ``1 − |i − j| / (c − 1)``, "quadratic" 1 − (i − j)²/(c − 1)²; or a table of one's own, 1 on its diagonal.
    categories : sequence, optional
        All categories in their order; by default those that occur, sorted, or the order of a categorical.
    level : float, default 0.95
        Level of the interval.

    Returns
    -------
    StatResult
        ``estimate``, ``se``, ``lower``, ``upper`` (estimate ± z · se, cut at ±1); ``statistic`` is z of no
        agreement beyond chance with the standard error under that hypothesis (``result["se_null"]``) and ``p``;
        ``result["observed"]`` and ``result["expected"]`` agreement; ``result["table"]`` the counts.

    Raises
    ------
    RadiogenError
        RG705 for unusable arrays, a category that is not named, weights of the wrong form, or where chance alone gives
        full agreement (both raters used one and the same category); RG701 for fewer than two units; RG708 for an
        unknown word or level.

    Notes
    -----
    With shares p_ij, credits w_ij, margins ``p_i.`` and ``p_.j``: P_o = Σ w p_ij, P_e = Σ w p_i+ p_+j, kappa =
    (P_o − P_e)/(1 − P_e).  It depends on the prevalence of the categories, so kappas of different cohorts are not
    comparable.  Quadratic weights make it nearly ICC(2,1) of the category numbers.

    References
    ----------
    Cohen, Psychol Bull 1968;70:213, doi 10.1037/h0026256.  Fleiss, Cohen and Everitt, Psychol Bull 1969;72:323,
    doi 10.1037/h0028106.

    Examples
    --------
    Of 10 lesions both call 4 benign and 4 malignant: 0.8 observed, 0.5 expected.

    >>> r = cohen_kappa([0] * 5 + [1] * 5, [0] * 4 + [1] * 5 + [0])
    >>> round(r.estimate, 10)
    0.6
    """
    z = normal_quantile(level)
    table = _cross(a, b, categories)
    names = [word(v) for v in table.columns]
    w, told = _credits(weights, len(names))
    n = int(table.to_numpy().sum())
    if n < 2:
        raise fail("RG701", f"{n} unit; kappa needs two.")
    p = table.to_numpy(dtype=float) / n
    rows, columns = p.sum(axis=1), p.sum(axis=0)
    observed, expected = float((w * p).sum()), float(rows @ w @ columns)
    if 1 - expected < 1e-12:
        raise fail("RG705", "Chance alone gives full agreement (one category only): kappa is not defined.", value=names[0])
    kappa = (observed - expected) / (1 - expected)
    both = (w @ columns)[:, None] + (rows @ w)[None, :]
    spread = float((p * (w - both * (1 - kappa)) ** 2).sum() - (kappa - expected * (1 - kappa)) ** 2)
    null = float((np.outer(rows, columns) * (w - both) ** 2).sum() - expected**2)
    se = float(np.sqrt(max(0.0, spread) / n) / (1 - expected))
    se_null = float(np.sqrt(max(0.0, null) / n) / (1 - expected))
    # what rounding leaves is no variance
    if null < 1e-14:
        raise fail("RG705", "One rater used one category only: whether they agree beyond chance cannot be told.", value=names)
    perfect = observed > 1 - 1e-12
    return StatResult(
        method=f"Cohen's kappa, {told}, standard error of Fleiss, Cohen and Everitt",
        estimate=1.0 if perfect else kappa, se=se, lower=max(-1.0, kappa - z * se), upper=min(1.0, kappa + z * se),
        statistic=kappa / se_null, p=float(2 * ndtr(-abs(kappa / se_null))), n=n, level=level,
        extra={"observed": observed, "expected": expected, "se_null": se_null, "table": table},
        notes=(_PERFECT,) if perfect else (),
    )  # fmt: skip


def _cross(a: Labels, b: Labels, categories: Sequence[Any] | None) -> pd.DataFrame:
    """Counts of the pairs over one set of categories."""
    first, levels_a = groups(a, "a")
    second, levels_b = groups(b, "b")
    same_length(a=first, b=second)
    one, two = [levels_a[k] for k in first], [levels_b[k] for k in second]
    names = list(categories) if categories is not None else _common(a, b, one + two)
    at = {name: k for k, name in enumerate(names)}
    if len(at) < len(names):
        raise fail("RG705", "A category is named twice.", value=names)
    if strange := sorted({str(v) for v in one + two if v not in at}):
        raise fail("RG705", "A category occurs that is not in `categories`.", value=strange[:3])
    counts = np.zeros((len(names), len(names)), dtype=np.int64)
    np.add.at(counts, ([at[v] for v in one], [at[v] for v in two]), 1)
    return pd.DataFrame(counts, index=pd.Index(names, name="a"), columns=pd.Index(names, name="b"))


def _common(a: Labels, b: Labels, seen: list[Any]) -> list[Any]:
    """The categories of both, in the order of a categorical where there is one, otherwise sorted."""
    for labels in (a, b):
        if isinstance(getattr(labels, "dtype", None), pd.CategoricalDtype):
            levels = list(pd.Series(labels).cat.categories)
            if set(seen) <= set(levels):
                return levels
    array = np.empty(len(seen), dtype=object)
    array[:] = seen
    return groups(array, "a and b")[1]


def _credits(weights: str | ArrayLike | None, size: int) -> tuple[Floats, str]:
    gap = np.abs(np.subtract.outer(np.arange(size), np.arange(size))) / max(1, size - 1)
    if weights is None:
        return np.eye(size), "unweighted"
    if isinstance(weights, str):
        if weights not in ("linear", "quadratic"):
            raise fail("RG708", "`weights` must be None, linear, quadratic or a table.", value=weights)
        return (1 - gap if weights == "linear" else 1 - gap**2), f"{weights} weights"
    table = array_of(weights, "weights")
    if table.shape != (size, size):
        raise fail("RG705", f"`weights` must be {size} × {size}, one row and column for each category.", value=table.shape)
    w = number(table.ravel(), "weights").reshape(size, size)
    if not np.allclose(np.diag(w), 1) or w.max() > 1 or w.min() < 0:
        raise fail("RG705", "`weights` are credits from 0 to 1, with 1 on the diagonal.")
    return w, "weights given"


def fleiss_kappa(ratings: ArrayLike | pd.DataFrame, counts: bool = False, level: float = 0.95) -> StatResult:
    """Fleiss' kappa of several raters.

    Parameters
    ----------
    ratings : array-like or DataFrame, shape (n, m), or (n, c) with ``counts``
        The category that each of m raters gave to each of n units.  The raters need not be the same for each unit,
        but as many.
    counts : bool, default False
        ``ratings`` holds how many raters put each unit into each of c categories.
    level : float, default 0.95
        Level of the interval.

    Returns
    -------
    StatResult
        ``estimate``; ``se``, ``lower``, ``upper`` of Gwet's variance, which holds whatever kappa is; ``statistic`` is
        z of no agreement beyond chance with the standard error under that hypothesis (``result["se_null"]``) and ``p``;
        ``result["categories"]`` is a frame with each category's share, kappa, z and p; ``result["raters"]``.

    Raises
    ------
    RadiogenError
        RG705 for unusable tables, units with different numbers of raters or one category only; RG701 for fewer than
        two units or raters; RG708 for a level out of range.

    References
    ----------
    Fleiss, Psychol Bull 1971;76:378, doi 10.1037/h0031619.  Fleiss, Nee and Landis (standard error under chance),
    Psychol Bull 1979;86:974, doi 10.1037/0033-2909.86.5.974.  Gwet, Educ Psychol Meas 2021;81:781,
    doi 10.1177/0013164420973080.

    Examples
    --------
    >>> round(fleiss_kappa([[3, 0], [0, 3], [3, 0], [1, 2]], counts=True).estimate, 4)
    0.6571
    """
    z = normal_quantile(level)
    table, names = _counts(ratings) if counts else _counted(ratings)
    n, raters = table.shape[0], int(table[0].sum())
    share = table.sum(axis=0) / (n * raters)
    expected = float((share**2).sum())
    agreed = ((table**2).sum(axis=1) - raters) / (raters * (raters - 1))
    kappa = (float(agreed.mean()) - expected) / (1 - expected)
    # Gwet: the influence of each unit on the observed agreement and on the shares
    own = (agreed - expected) / (1 - expected) - 2 * (1 - kappa) * (table @ share / raters - expected) / (1 - expected)
    se = float(np.sqrt(((own - kappa) ** 2).sum() / (n * (n - 1))))
    q = 1 - share
    total = float(share @ q)
    scale = np.sqrt(2 / (n * raters * (raters - 1)))
    se_null = float(scale * np.sqrt(max(0.0, total**2 - float(share @ (q * (q - share))))) / total)
    by = 1 - (table * (raters - table)).sum(axis=0) / (n * raters * (raters - 1) * share * q)
    frame = pd.DataFrame({"category": names, "share": share, "kappa": by, "z": by / scale, "p": 2 * ndtr(-np.abs(by / scale))})
    return StatResult(
        method=f"Fleiss' kappa of {raters} raters, Gwet's standard error",
        estimate=kappa, se=se, lower=max(-1.0, kappa - z * se), upper=min(1.0, kappa + z * se),
        statistic=kappa / se_null, p=float(2 * ndtr(-abs(kappa / se_null))), n=n, level=level,
        extra={"se_null": se_null, "raters": raters, "categories": frame},
        notes=(_PERFECT,) if agreed.min() == 1 else (),
    )  # fmt: skip


def _counted(ratings: ArrayLike | pd.DataFrame) -> tuple[Floats, list[str]]:
    """Counts per unit and category from the raters' words."""
    given = ratings.to_numpy() if isinstance(ratings, pd.DataFrame) else array_of(ratings, "ratings")
    array: NDArray[Any] = given.astype(object)
    if array.ndim != 2 or not array.size:
        raise fail("RG705", "`ratings` must have two dimensions, units × raters.", value=array.shape)
    codes, levels = groups(array.ravel(), "ratings")
    codes = codes.reshape(array.shape)
    table = np.stack([(codes == k).sum(axis=1) for k in range(len(levels))], axis=1).astype(float)
    return _checked(table, [word(v) for v in levels])


def _counts(ratings: ArrayLike | pd.DataFrame) -> tuple[Floats, list[str]]:
    frame = ratings if isinstance(ratings, pd.DataFrame) else pd.DataFrame(np.atleast_2d(array_of(ratings, "ratings")))
    if not frame.size:
        raise fail("RG705", "`ratings` is empty.")
    table = np.column_stack([number(frame.iloc[:, j], "ratings") for j in range(frame.shape[1])])
    if (table < 0).any() or (table != np.round(table)).any():
        raise fail("RG705", "Counts must be whole numbers from 0 on.")
    return _checked(table, [str(c) for c in frame.columns])


def _checked(table: Floats, names: list[str]) -> tuple[Floats, list[str]]:
    raters: Ints = table.sum(axis=1).astype(np.int64)
    if (raters != raters[0]).any():
        raise fail("RG705", "Every unit must have as many raters.", value=(int(raters.min()), int(raters.max())))
    if table.shape[0] < 2 or raters[0] < 2:
        raise fail("RG701", f"{table.shape[0]} units and {raters[0]} raters; Fleiss' kappa needs two of each.")
    used = table.sum(axis=0) > 0
    if used.sum() < 2:
        raise fail("RG705", "One category only: chance alone gives full agreement and kappa is not defined.")
    return table[:, used], [name for name, one in zip(names, used, strict=True) if one]
