"""Cox regression of tens of thousands of features, each by itself or beside fixed covariates."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import chi2

from radiogen.errors import fail
from radiogen.stats._coxfit import fit_design
from radiogen.stats._design import design, is_numeric
from radiogen.stats._partial import RiskSets
from radiogen.stats._validate import Bools, Floats, Ints, array_of, choice, normal_quantile, number, same_length, survival
from radiogen.stats.multiplicity import fdr

_TESTS = ("wald", "score", "likelihood ratio")
#: permutations in one product
_BLOCK = 250
_NOTES = {
    1: "the feature is constant in the risk sets",
    2: "no event among the units with a value",
    3: "the feature is a linear combination of the covariates, or they cannot be fitted on the units with a value",
    4: "the likelihood has no maximum: the hazard ratio runs to 0 or infinity; the p-value is of the score test",
}


def cox_screen(
    features: pd.DataFrame | ArrayLike,
    time: ArrayLike,
    event: ArrayLike,
    adjust: pd.DataFrame | None = None,
    test: str = "wald",
    fdr_method: str = "bh",
    level: float = 0.95,
    per: str = "unit",
    n_perm: int = 0,
    seed: int = 0,
    target: str = "survival",
) -> pd.DataFrame:
    """Hazard ratio of every feature with its test and false discovery rate.

    Parameters
    ----------
    features : DataFrame or array-like, shape (n, m)
        Numbers.  Missing values are left out feature by feature.
    time : array-like of float, shape (n,)
        Positive follow-up times.
    event : array-like of 0/1, shape (n,)
        1 where the event was seen, 0 where the time is censored.
    adjust : DataFrame, n rows, optional
        Covariates beside every feature, without missing values; categories become indicators.
    test : {"wald", "score", "likelihood ratio"}, default "wald"
        Which p-value goes into ``p`` and ``q``.  The score test needs no fit and holds with separation.
    fdr_method : str, default "bh"
        Method of :func:`radiogen.stats.fdr`.
    level : float, default 0.95
        Level of the Wald intervals.
    per : {"unit", "sd"}, default "unit"
        Hazard ratio per unit of the feature, or per its standard deviation among the units used.
    n_perm : int, default 0
        Permutations for ``p_max_t``, the p-value adjusted for the family by the largest statistic
        (Westfall and Young, one step).  0 leaves it out; otherwise 100 at least.  Without ``adjust`` only.
    seed : int, default 0
        Seed of the permutations.
    target : str, default "survival"
        Name in the column ``target``.

    Returns
    -------
    DataFrame
        One row per feature: ``feature``, ``target``, ``test``, ``statistic`` (z, or chi-squared), ``effect``
        (hazard ratio), ``effect_name``, ``lower``, ``upper``, ``n``, ``events``, ``p``, ``q``, ``log_hr``,
        ``se``, ``p_score``, with permutations ``p_max_t``, and ``note``.  A feature that cannot be fitted keeps its row
        with the reason in ``note`` and is not counted in q.

    Raises
    ------
    RadiogenError
        RG402, RG403, RG705 for unusable arrays or infinite features; RG703 for a feature that is no number;
        RG701 without events; RG704 where the covariates cannot be fitted; RG708 for an unknown option.

    Notes
    -----
    Efron's ties; Newton's method to convergence for each feature from compiled code: the numbers are those
    of :func:`radiogen.stats.cox_regression`.  Max-T permutes outcomes against features and takes the score
    statistic with its permutation variance, with missing values as the feature's mean.

    References
    ----------
    Westfall and Young, Resampling-Based Multiple Testing, 1993.  Benjamini and Hochberg, JRSS B
    1995;57:289, doi 10.1111/j.2517-6161.1995.tb02031.x.

    Examples
    --------
    >>> f = pd.DataFrame({"a": [1.0, 0, 1, 1, 0, 0], "b": [1.0, 1, 1, 1, 1, 1]})
    >>> cox_screen(f, [1, 2, 3, 4, 5, 6], [1, 1, 0, 1, 1, 0])[["feature", "log_hr", "note"]].round(4).to_numpy().tolist()
    [['a', 1.0731, ''], ['b', nan, 'the feature is constant in the risk sets']]
    """
    choice(test, "test", _TESTS)
    choice(per, "per", ("unit", "sd"))
    z = normal_quantile(level)
    table, names = _table(features)
    t, e = survival(time, event)
    same_length(time=t, features=table)
    if not e.any():
        raise fail("RG701", "A Cox model needs events; all times are censored.")
    if n_perm and (not isinstance(n_perm, int | np.integer) or n_perm < 100 or adjust is not None):
        raise fail("RG708", "`n_perm` must be 0 or at least 100, and 0 with `adjust`.", value=n_perm)
    out, codes = _fit(table, t, e, adjust)
    frame = _frame(out, codes, names, test, z, per)
    frame.insert(1, "target", target)
    frame["q"] = fdr(frame["p"].to_numpy(), fdr_method)
    columns = ["feature", "target", "test", "statistic", "effect", "effect_name", "lower", "upper", "n", "events",
               "p", "q", "log_hr", "se", "p_score"]  # fmt: skip
    if n_perm:
        frame["p_max_t"] = np.where(codes == 1, np.nan, _max_t(table, t, e, int(n_perm), seed))
        columns.append("p_max_t")
    return frame[[*columns, "note"]]


def _table(features: pd.DataFrame | ArrayLike) -> tuple[Floats, list[str]]:
    if not isinstance(features, pd.DataFrame):
        array = array_of(features, "features")
        if array.ndim != 2:
            raise fail("RG705", "`features` must have rows and columns.", value=array.shape)
        features = pd.DataFrame(array)
    if not features.shape[0] or not features.shape[1]:
        raise fail("RG705", "`features` must have rows and columns.", value=features.shape)
    names = [str(name) for name in features.columns]
    if all(dtype.kind in "fiub" for dtype in features.dtypes):
        table = features.to_numpy(dtype=float, na_value=np.nan)
    else:
        odd = [name for name, (_, s) in zip(names, features.items(), strict=True) if not is_numeric(s) and not s.isna().all()]
        if odd:
            raise fail("RG703", f"{len(odd)} of the features are no numbers.", column=odd[0])
        table = np.column_stack([number(s, str(n), missing=True) for n, s in features.items()])
    bad = np.isinf(table).any(axis=0)
    if bad.any():
        raise fail("RG705", f"{int(bad.sum())} features have infinite values.", column=names[int(np.argmax(bad))])
    return table, names


def _fit(table: Floats, time: Floats, event: Bools, adjust: pd.DataFrame | None) -> tuple[Floats, Ints]:
    from radiogen.stats import _coxkernel as kernel

    order = np.lexsort((~event, time))
    place = np.unique(time[order], return_inverse=True)[1].astype(np.int64)
    out, codes = np.full((table.shape[1], 7), np.nan), np.zeros(table.shape[1], dtype=np.int64)
    rows = np.ascontiguousarray(table[order].T)
    if adjust is None:
        kernel.fit_alone(rows, event[order], place, out, codes)
        return out, codes
    if not isinstance(adjust, pd.DataFrame) or len(adjust) != time.size:
        raise fail("RG705", "`adjust` must be a DataFrame with as many rows as there are times.")
    own = fit_design(time, event, design(adjust))
    kernel.fit_beside(rows, np.ascontiguousarray(own.x[order]), event[order], place, own.fit.beta, out, codes)
    return out, codes


def _frame(out: Floats, codes: Ints, names: list[str], test: str, z: float, per: str) -> pd.DataFrame:
    coef, se, score, ratio, n, events, sd = out.T
    scale = sd if per == "sd" else np.ones(sd.size)
    coef, se = coef * scale, se * scale
    with np.errstate(over="ignore", invalid="ignore"):
        effect, lower, upper = np.exp(coef), np.exp(coef - z * se), np.exp(coef + z * se)
        wald = coef / se
    statistic = {"wald": wald, "score": score, "likelihood ratio": ratio}[test]
    infinite = codes == 4
    statistic = np.where(infinite, score, statistic)
    squared = np.where(infinite, score, wald**2 if test == "wald" else statistic)
    tests = np.full(codes.size, "Cox, " + {"wald": "Wald"}.get(test, test), dtype=object)
    tests[infinite] = "Cox, score"
    tests[np.isin(codes, (1, 2, 3))] = "not tested"
    return pd.DataFrame({
        "feature": names, "test": tests, "statistic": statistic, "effect": effect,
        "effect_name": "hazard ratio" if per == "unit" else "hazard ratio per SD", "lower": lower, "upper": upper,
        "n": n.astype(np.int64), "events": events.astype(np.int64), "p": chi2.sf(squared, 1), "log_hr": coef, "se": se,
        "p_score": chi2.sf(score, 1), "note": [_NOTES.get(int(c), "") for c in codes],
    })  # fmt: skip


def _max_t(table: Floats, time: Floats, event: Bools, n_perm: int, seed: int) -> Floats:
    """Share of permutations whose largest statistic over all features reaches that of each."""
    n = time.size
    residual = RiskSets(time, event, np.zeros((n, 1))).martingale(np.zeros(1))
    known = ~np.isnan(table)
    counts = np.maximum(known.sum(axis=0), 1)
    centred = np.where(known, table - np.where(known, table, 0.0).sum(axis=0) / counts, 0.0)
    length = np.sqrt((centred**2).sum(axis=0))
    unit = np.divide(centred, length, out=np.zeros_like(centred), where=length > 0)
    residual = (residual - residual.mean()) / np.std(residual, ddof=1)
    seen = np.abs(residual @ unit)
    rng = np.random.default_rng(seed)
    largest = []
    for start in range(0, n_perm, _BLOCK):
        drawn = rng.permuted(np.tile(residual, (min(_BLOCK, n_perm - start), 1)), axis=1)
        largest.append(np.abs(drawn @ unit).max(axis=1))
    ordered = np.sort(np.concatenate(largest))
    above = ordered.size - np.searchsorted(ordered, seen * (1 - 1e-12), side="left")
    return np.asarray((1 + above) / (1 + n_perm))
