"""The forms of the intraclass correlation: mean squares, then estimate, interval and F test; many features at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: values of a feature that differ by less than this share of their size are one value
_EQUAL = 1e-12


@dataclass(frozen=True)
class Squares:
    """Mean squares of the two-way table lesions × repeats, one number for each feature.

    Parameters
    ----------
    lesions, within, repeats, error : ndarray, length p
        MSR (between lesions), MSW (within lesions), MSC (between repeats), MSE (the rest).
    n : ndarray, length p
        Lesions that have all repeats.
    constant : ndarray of bool, length p
        Whether all values are equal.
    k : int
        Repeats.
    """

    lesions: Floats
    within: Floats
    repeats: Floats
    error: Floats
    n: Floats
    constant: NDArray[np.bool_]
    k: int

    #: what has one value for each feature
    PER_FEATURE: ClassVar[tuple[str, ...]] = ("lesions", "within", "repeats", "error", "n", "constant")


def squares_of(x: Floats) -> Squares:
    """Mean squares of features (lesions × repeats × features); lesions that lack a repeat of a feature do not count for it."""
    _, k, _ = x.shape
    whole: NDArray[np.bool_] = np.asarray(~np.isnan(x).any(axis=1))
    n = whole.sum(axis=0).astype(float)
    x = np.where(whole[:, None, :], x, 0.0)
    with np.errstate(all="ignore"):
        largest = np.abs(x).max(axis=(0, 1), initial=0.0)
        centre = x.sum(axis=(0, 1)) / (n * k)
        x = np.where(whole[:, None, :], x - np.where(n > 0, centre, 0.0), 0.0)
        spread = np.abs(x).max(axis=(0, 1), initial=0.0)
        lesion, repeat = x.mean(axis=1), x.sum(axis=0) / n
        between = k * (lesion**2).sum(axis=0)
        columns = n * (repeat**2).sum(axis=0)
        # residuals rather than differences of sums: those lose digits where the repeats are nearly equal
        within = ((x - lesion[:, None, :]) ** 2).sum(axis=(0, 1))
        rest = np.where(whole[:, None, :], x - lesion[:, None, :] - repeat[None], 0.0)
        error = (rest**2).sum(axis=(0, 1))
        return Squares(
            lesions=between / (n - 1), within=within / (n * (k - 1)), repeats=columns / (k - 1),
            error=error / ((n - 1) * (k - 1)), n=n, constant=spread <= _EQUAL * largest, k=k,
        )  # fmt: skip


def form(model: str, s: Squares, confidence: float) -> dict[str, Floats]:
    """Estimate, interval and F test of one form; columns ``icc``, ``lower``, ``upper``, ``f``, ``df1``, ``df2``, ``p``."""
    from scipy.stats import f as f_distribution

    single = AVERAGES.get(model, model)
    found = FORMS[single](s, (1 + confidence) / 2)
    if model in AVERAGES:
        found = {**found, **{c: _averaged(found[c], s.k) for c in ("icc", "lower", "upper")}}
    return {**found, "p": f_distribution.sf(found["f"], found["df1"], found["df2"])}


def _averaged(single: Floats, k: int) -> Floats:
    """Spearman and Brown: the reliability of the mean of k measurements."""
    share = 1 + (k - 1) * single
    # at −1 / (k − 1) and below the variance of the mean would be negative: nothing bounds the reliability
    return np.where(share > 0, k * single / share, -np.inf)


def _quantile(q: float, df1: Floats, df2: Floats) -> Floats:
    from scipy.stats import f as f_distribution

    return np.asarray(f_distribution.ppf(q, df1, df2), dtype=np.float64)


def _one_way(s: Squares, q: float) -> dict[str, Floats]:
    return _ratio(s.lesions, s.within, s.n - 1, s.n * (s.k - 1), s.k, q)


def _consistency(s: Squares, q: float) -> dict[str, Floats]:
    return _ratio(s.lesions, s.error, s.n - 1, (s.n - 1) * (s.k - 1), s.k, q)


def _ratio(lesions: Floats, error: Floats, df1: Floats, df2: Floats, k: int, q: float) -> dict[str, Floats]:
    """An ICC that is a function of one F ratio, so that its interval is exact."""
    f = lesions / error
    low, high = _quantile(q, df1, df2), _quantile(q, df2, df1)
    return {
        "icc": (lesions - error) / (lesions + (k - 1) * error),
        "lower": (lesions / low - error) / (lesions / low + (k - 1) * error),
        "upper": (lesions * high - error) / (lesions * high + (k - 1) * error),
        "f": f, "df1": df1, "df2": df2,
    }  # fmt: skip


def _agreement(s: Squares, q: float) -> dict[str, Floats]:
    """McGraw and Wong's case 2A, with Satterthwaite's degrees of freedom."""
    n, k, msr, msc, mse = s.n, s.k, s.lesions, s.repeats, s.error
    icc = (msr - mse) / (msr + (k - 1) * mse + k * (msc - mse) / n)
    # a and b of McGraw and Wong, both times n (1 − ρ): at ρ = 1 they would be infinite, and their ratio is what counts
    a, b = k * icc * msc, (n * (1 - icc) + k * icc * (n - 1)) * mse
    df1, df2 = n - 1, (n - 1) * (k - 1)
    v = (a + b) ** 2 / (a**2 / (k - 1) + b**2 / df2)
    v = np.where((a == 0) & (b == 0), df2, v)
    low, high = _quantile(q, df1, v), _quantile(q, v, df1)
    rest = k * msc + (k * n - k - n) * mse
    lower = n * (msr / low - mse) / (rest + n * msr / low)
    upper = n * (high * msr - mse) / (rest + n * high * msr)
    return {
        # the approximation can miss the estimate itself where it is far below 0
        "icc": icc, "lower": np.minimum(lower, icc), "upper": np.maximum(upper, icc), "f": msr / mse, "df1": df1, "df2": df2,
    }  # fmt: skip


#: form -> estimate, interval and F test of single measurements
FORMS: Mapping[str, Callable[[Squares, float], dict[str, Floats]]] = {"1,1": _one_way, "2,1": _agreement, "3,1": _consistency}
#: form of the mean of k measurements -> that of a single one
AVERAGES: Mapping[str, str] = {"1,k": "1,1", "2,k": "2,1", "3,k": "3,1"}
