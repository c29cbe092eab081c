"""Intraclass correlation of one table of targets and raters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from radiogen.errors import fail
from radiogen.stats._validate import Floats, array_of, choice, moderate, normal_quantile, number
from radiogen.stats.icc_forms import AVERAGES, FORMS, form, squares_of
from radiogen.stats.result import StatResult

_KINDS = tuple(f"ICC({name})" for name in (*FORMS, *AVERAGES))
_WORDS = {
    "1": "one-way random effects, absolute agreement",
    "2": "two-way random effects, absolute agreement",
    "3": "two-way mixed effects, consistency",
}


def icc(
    table: ArrayLike | pd.DataFrame,
    kind: str | Sequence[str] = "ICC(2,1)",
    level: float = 0.95,
    missing: str = "raise",
) -> StatResult:
    """Intraclass correlation: how far raters (or repeats) tell the same targets apart.

    Parameters
    ----------
    table : array-like of float or DataFrame, shape (n, k)
        One row per target (lesion, patient), one column per rater or repeat.
    kind : str or sequence of str, default "ICC(2,1)"
        Form of Shrout and Fleiss.  ``"ICC(1,1)"``: other raters for each target.  ``"ICC(2,1)"``: the same
        raters for all, drawn from many, and a rater who always measures more is wrong: the usual choice.
        ``"ICC(3,1)"``: these raters and no others, a constant shift is no error.  ``"ICC(1,k)"``,
        ``"ICC(2,k)"``, ``"ICC(3,k)"``: of the mean of the k raters.  Several kinds give one row each.
    level : float, default 0.95
        Level of the interval.
    missing : {"raise", "drop"}, default "raise"
        "drop" leaves out targets that lack a rater, as R's ``psych::ICC`` does.

    Returns
    -------
    StatResult
        ``estimate``, ``lower``, ``upper``; ``statistic`` is the F test of an ICC of 0 with ``df`` (numerator)
        and ``result["df2"]`` (denominator), ``p``; ``n`` targets, ``result["k"]`` raters.

    Raises
    ------
    RadiogenError
        RG705 for a table that is not n × k finite numbers, with missing values under "raise", with all values equal, or
        where neither targets nor errors vary;
        RG701 with fewer than two targets or raters; RG708 for an unknown kind or level.

    Notes
    -----
    With the mean squares between targets MSR, within targets MSW, between raters MSC and of the rest MSE::

        ICC(1,1) = (MSR − MSW) / (MSR + (k − 1) MSW)
        ICC(2,1) = (MSR − MSE) / (MSR + (k − 1) MSE + k (MSC − MSE) / n)
        ICC(3,1) = (MSR − MSE) / (MSR + (k − 1) MSE)
        ICC(·,k) = k ICC(·,1) / (1 + (k − 1) ICC(·,1))

    Intervals of the first and third form are exact under normality; those of the second rest on Satterthwaite's
    degrees of freedom (McGraw and Wong, case 2A), and are too narrow with two or three raters who differ much (in
    simulations 95 % intervals covered 83 and 88 %).  An estimate may be negative; it is not cut at 0.  An ICC
    depends on how different the targets are: it is that of such patients.  A lower limit of a single rater at −1/(k − 1) or
    below bounds nothing for the mean of k, whose limit is then −infinity.

    References
    ----------
    Shrout and Fleiss, Psychol Bull 1979;86:420, doi 10.1037/0033-2909.86.2.420.  McGraw and Wong, Psychol
    Methods 1996;1:30, doi 10.1037/1082-989X.1.1.30.

    Examples
    --------
    Six targets and four judges, of Shrout and Fleiss:

    >>> judged = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    >>> icc(judged, ["ICC(1,1)", "ICC(2,1)", "ICC(3,k)"]).estimate.round(2).tolist()
    [0.17, 0.29, 0.91]
    """
    normal_quantile(level)
    kinds = [kind] if isinstance(kind, str) else list(kind)
    if not kinds:
        raise fail("RG708", "Give at least one kind of ICC.")
    for one in kinds:
        choice(one, "kind", _KINDS)
    values = _table(table, missing)
    n, k = values.shape
    squares = squares_of(values[:, :, None])
    if squares.constant[0]:
        raise fail("RG705", "All values are equal: there is nothing to tell the targets apart by.", value=values[0, 0])
    with np.errstate(divide="ignore", invalid="ignore"):
        # without any error the F ratio is infinite and the ICC is 1 with an interval of no width
        columns = [form(one[4:-1], squares, level) for one in kinds]
    many = not isinstance(kind, str)
    found = {name: np.array([float(c[name][0]) for c in columns]) for name in columns[0]}
    undefined = np.isnan([found[name] for name in ("icc", "lower", "upper", "f")]).any(axis=0)
    if undefined.any():
        first = kinds[int(undefined.argmax())]
        raise fail("RG705", f"{first} is not defined: the targets do not differ, and the raters differ by a constant only.")
    told = [f"{one}: {_WORDS[one[4]]}, {'mean of the raters' if one.endswith('k)') else 'single rater'}" for one in kinds]

    def value(name: str) -> float | Floats:
        return found[name] if many else float(found[name][0])

    return StatResult(
        method="intraclass correlation, " + ("F distribution" if many else f"{told[0]}; F distribution"),
        estimate=value("icc"), lower=value("lower"), upper=value("upper"), statistic=value("f"), df=value("df1"), p=value("p"),
        n=n, label=kinds if many else kinds[0], level=level, extra={"df2": value("df2"), "k": k},
        notes=tuple(told) if many else (),
    )  # fmt: skip


def _table(table: ArrayLike | pd.DataFrame, missing: str) -> Floats:
    """The table as finite numbers, whole rows only."""
    choice(missing, "missing", ("raise", "drop"))
    columns = table if isinstance(table, pd.DataFrame) else pd.DataFrame(_two_dimensional(table))
    if not columns.shape[0] or not columns.shape[1]:
        raise fail("RG705", "`table` is empty.")
    drop = missing == "drop"
    named = [(f"table, column {name}", columns.iloc[:, j]) for j, name in enumerate(columns.columns)]
    values = np.column_stack([number(column, name, missing=drop) for name, column in named])
    moderate(values[~np.isnan(values)], "table")
    whole = values[~np.isnan(values).any(axis=1)]
    if whole.shape[0] < 2 or whole.shape[1] < 2:
        raise fail("RG701", f"{whole.shape[0]} whole targets and {whole.shape[1]} raters; an ICC needs two of each.")
    return np.asarray(whole)


def _two_dimensional(table: ArrayLike) -> np.ndarray:
    try:
        array = array_of(table, "table")
    except ValueError as error:
        raise fail("RG705", "`table` must have rows of one length.") from error
    if array.ndim != 2:
        raise fail("RG705", f"`table` must have two dimensions, targets × raters, and has {array.ndim}.")
    return array
