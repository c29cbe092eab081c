"""Intraclass correlation of many features at once, with exact intervals and F tests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radiogen.errors import fail
from radiogen.features.stability.forms import AVERAGES, FORMS, Squares, form, squares_of
from radiogen.features.stability.repeats import Repeats, as_repeats

Floats = NDArray[np.float64]

#: numbers of one block: 16 MB in float64, so that memory does not grow with the number of features
_BLOCK = 2_000_000


def icc(
    values: Floats | pd.DataFrame,
    *,
    model: str | Sequence[str] = "2,1",
    confidence: float = 0.95,
    names: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Intraclass correlation of every feature: how far it tells lesions apart when it is measured again.

    Parameters
    ----------
    values : ndarray, shape (n, k, p), or DataFrame
        n lesions, each measured k times (readers, pictures, perturbed regions), p features; shape (n, k) is one
        feature.  A DataFrame has the index (lesion, repeat) and one column for each feature.  NaN is missing:
        of each feature the lesions count that have all its repeats, and repeats that no lesion has do not count.
    model : str or sequence of str, default "2,1"
        After Shrout and Fleiss.  ``"1,1"``: the repeats of a lesion have no order (one-way; other readers for
        each lesion).  ``"2,1"``: the same repeats for all lesions, drawn from many, and a reader who always
        measures more is wrong (two-way random, absolute agreement): the usual choice.  ``"3,1"``: these repeats
        and no others, and a constant shift is no error (two-way mixed, consistency).  ``"1,k"``, ``"2,k"``,
        ``"3,k"``: of the mean of the k repeats.
    confidence : float, default 0.95
        Of the two-sided interval.
    names : sequence of str, optional
        Names of the features of an array; default ``x0``, ``x1``, ….

    Returns
    -------
    DataFrame, index feature
        ``model``, ``icc``, ``lower``, ``upper``, ``f``, ``df1``, ``df2`` and ``p`` (the F test of an ICC of 0),
        ``n`` (lesions used), ``k`` (repeats), ``reason`` (why there is no ICC, else None).  With several models
        the features stand once for each.

    Raises
    ------
    RadiogenError
        RG705 for arrays that do not fit and infinite values, RG708 for an unknown model or a confidence that is
        not between 0 and 1.

    Notes
    -----
    With the mean squares between lesions MSR, within lesions MSW, between repeats MSC and of the rest MSE::

        ICC(1,1) = (MSR − MSW) / (MSR + (k − 1) MSW)
        ICC(2,1) = (MSR − MSE) / (MSR + (k − 1) MSE + k (MSC − MSE) / n)
        ICC(3,1) = (MSR − MSE) / (MSR + (k − 1) MSE)

    Intervals of models 1 and 3 are exact under normality; those of model 2 rest on Satterthwaite's degrees of
    freedom (McGraw and Wong, case 2A).  Those of the averages follow from the single ones, k ρ / (1 + (k − 1) ρ).
    A feature with one value only has no ICC.  An ICC depends on how different the lesions are: it is that of
    these patients.

    References
    ----------
    Shrout PE, Fleiss JL. Intraclass correlations: uses in assessing rater reliability. Psychol Bull
    1979;86:420-428. doi:10.1037/0033-2909.86.2.420

    McGraw KO, Wong SP. Forming inferences about some intraclass correlation coefficients. Psychol Methods
    1996;1:30-46. doi:10.1037/1082-989X.1.1.30

    Examples
    --------
    Six subjects and four judges, of Shrout and Fleiss:

    >>> import numpy as np
    >>> from radiogen.features.stability import icc
    >>> judged = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]])
    >>> icc(judged, model=["1,1", "2,1", "3,1"])["icc"].round(2).to_list()
    [0.17, 0.29, 0.71]
    """
    models = [model] if isinstance(model, str) else list(model)
    for one in models:
        if one not in FORMS and one not in AVERAGES:
            raise fail("RG708", f"there is no ICC '{one}'; there is {', '.join([*FORMS, *AVERAGES])}", value=one)
    if not models:
        raise fail("RG708", "icc needs at least one model")
    if not 0 < confidence < 1:
        raise fail("RG708", "the confidence must be between 0 and 1", value=confidence)
    repeats = as_repeats(values, names)
    found = [_of_group(group, models, confidence) for group in repeats]
    table = pd.concat(found)
    order = {name: i for i, name in enumerate(dict.fromkeys(n for group in repeats for n in group.order))}
    place = pd.Series([order[n] for n in table["feature"]], index=table.index)
    rank = table["model"].map({m: i for i, m in enumerate(models)})
    table = table.iloc[np.lexsort((place.to_numpy(), rank.to_numpy()))]
    return table.set_index("feature")


def _of_group(group: Repeats, models: Sequence[str], confidence: float) -> pd.DataFrame:
    """ICCs of features that were measured in the same repeats."""
    n, k, p = group.values.shape
    if k < 2:
        return _without(group, models, k)
    step = max(1, _BLOCK // max(1, n * k))
    parts = [squares_of(group.values[:, :, i : i + step]) for i in range(0, p, step)]
    squares = Squares(k=k, **{f: np.concatenate([getattr(part, f) for part in parts]) for f in Squares.PER_FEATURE})
    reason = _reasons(squares)
    tables = []
    for model in models:
        with np.errstate(all="ignore"):
            columns = form(model, squares, confidence)
        table = pd.DataFrame({"feature": group.names, "model": model, **columns})
        table.loc[[r is not None for r in reason], ["icc", "lower", "upper", "f", "p"]] = np.nan
        tables.append(table.assign(n=squares.n.astype(int), k=k, reason=pd.Series(reason, dtype=object)))
    return pd.concat(tables)


def _without(group: Repeats, models: Sequence[str], k: int) -> pd.DataFrame:
    """Rows of features that no repeat, or one only, has."""
    empty = dict.fromkeys(("icc", "lower", "upper", "f", "df1", "df2", "p"), np.nan)
    reason = "fewer than 2 repeats have values"
    return pd.concat(
        [pd.DataFrame({"feature": group.names, "model": m, **empty, "n": 0, "k": k, "reason": reason}) for m in models]
    )


def _reasons(squares: Squares) -> list[str | None]:
    few = "fewer than 2 lesions have all repeats"
    return [few if n < 2 else "all values are equal" if c else None for n, c in zip(squares.n, squares.constant, strict=True)]
