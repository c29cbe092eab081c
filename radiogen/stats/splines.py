"""Restricted cubic splines with Harrell's basis and default knots, as R's ``rms::rcs``."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from radiogen.errors import fail
from radiogen.stats._rcs import basis
from radiogen.stats._validate import Floats, array_of, moderate, number

#: a value that so large a share has is a pile, for which quantiles are no good knots
_PILE = 0.05
#: with fewer values the outer quantiles are too uncertain; the fifth smallest and largest take their place
_ENOUGH, _FIFTH = 100, 4


def rcs(x: ArrayLike, knots: int | Sequence[float] | Floats = 5) -> Floats:
    """Columns of a restricted cubic spline: cubic between the knots, straight beyond the outer ones.

    Parameters
    ----------
    x : array-like of float, shape (n,)
        Values.
    knots : int or sequence of float, default 5
        How many knots, placed by :func:`rcs_knots`, or the knots themselves (those of the fit, for new data).

    Returns
    -------
    ndarray, shape (n, k - 1)
        First ``x`` itself, then k - 2 columns with cubic pieces divided by the squared distance of the outer knots.

    Raises
    ------
    RadiogenError
        RG705 for unusable values or too few different ones; RG708 for fewer than three knots or equal ones.

    Notes
    -----
    With knots t_1 < … < t_k the j-th column is {(x - t_j)_+³ - (x - t_{k-1})_+³ (t_k - t_j) / (t_k - t_{k-1}) +
    (x - t_k)_+³ (t_{k-1} - t_j) / (t_k - t_{k-1})} / (t_k - t_1)².

    References
    ----------
    Harrell, Regression Modeling Strategies, 2nd ed. 2015, section 2.4.5, doi 10.1007/978-3-319-19425-7.

    Examples
    --------
    >>> rcs([0, 1, 2, 3, 4], [1, 2, 3])[:, 1].tolist()
    [0.0, 0.0, 0.25, 1.5, 3.0]
    """
    values = moderate(number(x, "x"), "x")
    return basis(values, rcs_knots(values, knots) if np.ndim(knots) == 0 else given_knots(knots))


def given_knots(knots: object) -> Floats:
    """Knots that the caller has chosen: three or more, ascending, all different."""
    places = number(array_of(knots, "knots"), "knots")
    if places.size < 3 or not (np.diff(places) > 0).all():
        raise fail("RG708", "`knots` must be three or more ascending numbers.", value=places.tolist())
    return places


def rcs_knots(x: ArrayLike, count: object = 5) -> Floats:
    """Default knots: quantiles by their number.

    Parameters
    ----------
    x : array-like of float, shape (n,)
        Values.
    count : int, default 5
        Number of knots, 3 to 10; 4 or 5 suffice nearly always, 3 for samples below 100 or so.

    Returns
    -------
    ndarray, shape (k,)
        Ascending; fewer than ``count`` where values are tied so much that quantiles fall together.

    Raises
    ------
    RadiogenError
        RG705 for unusable values or fewer than three different knots; RG708 for a count out of range.

    Notes
    -----
    Outer quantiles are 0.1 and 0.9 for three knots, 0.05 and 0.95 for up to six, 0.025 and 0.975 beyond; the others lie
    at even steps between.  With fewer than 100 values the outer knots are the fifth smallest and largest value.  Where
    5 % or more of the values are equal to the smallest (or largest) and no other value is as frequent, the next value is
    a knot and the quantiles are those of the values beyond it.  All this is as in R's ``Hmisc::rcspline.eval``.

    References
    ----------
    Harrell, Regression Modeling Strategies, 2nd ed. 2015, table 2.3, doi 10.1007/978-3-319-19425-7.

    Examples
    --------
    >>> rcs_knots(range(101), 4).tolist()
    [5.0, 35.0, 65.0, 95.0]
    """
    values = np.sort(moderate(number(x, "x"), "x"))
    if isinstance(count, bool) or not isinstance(count, int | np.integer) or not 3 <= count <= 10:
        raise fail("RG708", "The number of knots must be 3 to 10.", value=count)
    different, copies = np.unique(values, return_counts=True)
    if different.size - 2 <= count:
        return _checked(different[1:-1])
    first, last = _piles(different, copies / values.size)
    if first is not None:
        values = values[values > first]
    if last is not None:
        values = values[values < last]
    ends = [k for k in (first, last) if k is not None]
    knots = _quantile_knots(values, int(count) - len(ends), int(count))
    if values.size < _ENOUGH:
        if values.size <= _FIFTH:
            raise fail("RG705", f"`x` has {values.size} values between its piles, too few for the knots of a spline.")
        knots[0] = values[_FIFTH] if first is None else knots[0]
        knots[-1] = values[-1 - _FIFTH] if last is None else knots[-1]
    return _checked(np.unique(np.r_[knots, ends]))


def _piles(different: Floats, share: Floats) -> tuple[float | None, float | None]:
    """The values next to the ends where the ends are piles."""
    if share[1:-1].max() >= _PILE:
        return None, None
    first = float(different[1]) if share[0] >= _PILE else None
    # a pile at the lower end has taken its neighbour along
    return first, float(different[-2]) if share[-1] >= _PILE else None


def _quantile_knots(values: Floats, inner: int, count: int) -> Floats:
    if values.size == 0:
        raise fail("RG705", "`x` has too few different values for a spline.")
    if inner == 1:
        return np.array([np.median(values)])
    outer = 0.1 if count == 3 else 0.05 if count <= 6 else 0.025
    knots = np.quantile(values, np.linspace(0.5 if inner == 2 else outer, 1 - outer, inner))
    if np.unique(knots).size < min(inner, 3):
        knots = np.quantile(values, np.linspace(outer, 1 - outer, 2 * inner))
    return np.asarray(knots)


def _checked(knots: Floats) -> Floats:
    if knots.size < 3:
        raise fail("RG705", "`x` has too few different values for a spline; enter it as it is, or as a category.")
    return np.asarray(knots)
