"""Columns of Cox models: which can be estimated, and tables of what came out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.stats import chi2, norm

from radiogen.errors import fail
from radiogen.stats._design import aliased
from radiogen.stats._newton import Fit, covariance, culprits
from radiogen.stats._validate import Bools, Floats, normal_quantile

#: the last step of a fit moves a linear predictor so far where it runs to infinity
_RUNS = 0.1


def estimable(informative: Floats, terms: Sequence[str], name: str) -> tuple[list[int], dict[str, str]]:
    """Columns that have an estimate, and the others with the reason.

    Parameters
    ----------
    informative : ndarray, shape (n, p)
        Rows that are in a risk set.
    terms : sequence of str, length p
    name : str
        The model, for messages.

    Returns
    -------
    kept : list of int
    lost : dict of str to str
        Term to "constant" or "linear combination of …", the later of two columns that say the same.

    Raises
    ------
    RadiogenError
        RG701 with as many columns as rows or more, RG704 where no column can be estimated.
    """
    n, p = informative.shape
    if p >= n:
        raise fail(
            "RG701", f"{name} without a penalty cannot be fitted: there are {p} columns and {n} units at risk.", value=p,
            fix="Use `Coxnet`, which chooses among columns by a penalty, or take fewer columns.",
        )  # fmt: skip
    lost = aliased(informative, list(terms))
    kept = [k for k in range(p) if k not in lost]
    if not kept:
        reasons = ", ".join(f"'{terms[k]}' {why}" for k, why in lost.items())
        raise fail("RG704", f"No column can be estimated: {reasons}.", column=terms[0])
    return kept, {terms[k]: why for k, why in lost.items()}


def refuse(fit: Fit, x: Floats, terms: Sequence[str]) -> None:
    """RG704 where the likelihood has no maximum or Newton's method did not reach it, with the columns behind it.

    Parameters
    ----------
    fit : Fit
    x : ndarray, shape (n, p)
    terms : sequence of str, length p
    """
    if fit.converged:
        return
    names = culprits(fit, list(terms))
    words, more = ", ".join(f"'{name}'" for name in names[:5]), f" and {len(names) - 5} more" if len(names) > 5 else ""
    if not fit.direction.any():
        raise fail("RG704", f"The data tell nothing about the coefficients of {words}{more}: no comparison of units is left.",
                   column=names[0])  # fmt: skip
    if float(np.abs(x @ fit.direction).max()) > _RUNS:
        raise fail(
            "RG704", f"The partial likelihood has no maximum along {words}{more}: these columns separate units with an event "
            "from the others at risk, and the hazard ratio runs to 0 or infinity.", column=names[0],
            fix="Use `FirthCox`, whose estimates stay finite, or `Coxnet`; or merge levels that have no event.",
        )  # fmt: skip
    raise fail("RG704", f"The Cox model did not converge; the coefficient of {words}{more} still moved.", column=names[0],
               fix="The columns named are all but collinear with others: leave one out.")  # fmt: skip


def wald_table(
    terms: Sequence[str], lost: Mapping[str, str], coef: Floats, se: Floats, robust: Floats | None, level: float
) -> pd.DataFrame:
    """Coefficients with Wald intervals, one row for each term.

    Parameters
    ----------
    terms : sequence of str
        All of them.
    lost : mapping
        Those without an estimate, with the reason: their numbers are missing, as R shows NA.
    coef, se : ndarray
        Of the others.
    robust : ndarray or None
        Sandwich standard errors; z, p and the interval are by them where they are given.
    level : float

    Returns
    -------
    DataFrame
        Index ``term``; columns ``coef``, ``se``, ``robust_se``, ``z``, ``p``, ``hr``, ``lower``, ``upper``, ``note``.  ``lower``
        and ``upper`` are of the hazard ratio.
    """
    wide = normal_quantile(level) * (se if robust is None else robust)
    z = coef / (se if robust is None else robust)
    with np.errstate(over="ignore"):  # a ratio beyond the largest float is shown as infinite
        values = {
            "coef": coef, "se": se, "robust_se": np.full(coef.size, np.nan) if robust is None else robust, "z": z,
            "p": 2 * norm.sf(np.abs(z)), "hr": np.exp(coef), "lower": np.exp(coef - wide), "upper": np.exp(coef + wide),
        }  # fmt: skip
    return in_all_rows(pd.DataFrame(values, index=[t for t in terms if t not in lost]), terms, lost)


def in_all_rows(table: pd.DataFrame, terms: Sequence[str], lost: Mapping[str, str]) -> pd.DataFrame:
    """A table of the estimated terms as one of all terms, with a column ``note``.

    Parameters
    ----------
    table : DataFrame
    terms : sequence of str
    lost : mapping of str to str
    """
    whole = table.reindex(pd.Index(list(terms), name="term"))
    whole["note"] = [f"not estimable: {lost[t]}" if t in lost else "" for t in terms]
    return whole


def whole_model_tests(null: tuple[float, Floats, Floats], fit: Fit, robust: Floats | None) -> pd.DataFrame:
    """Likelihood-ratio, Wald and score test of all coefficients together.

    Parameters
    ----------
    null : (float, ndarray of shape (p,), ndarray of shape (p, p))
        Log-likelihood, gradient and information where all coefficients are 0.
    fit : Fit
    robust : ndarray, shape (p, p), or None
        Sandwich covariance; Wald's test is by it where it is given.

    Returns
    -------
    DataFrame
        Columns ``test``, ``statistic``, ``df``, ``p``.
    """
    loglik, gradient, information = null
    spread = covariance(fit.information) if robust is None else robust
    statistics = {
        "likelihood ratio": 2 * (fit.loglik - loglik),
        "Wald": float(fit.beta @ np.linalg.solve(spread, fit.beta)),
        "score": float(gradient @ covariance(information) @ gradient),
    }
    table = pd.DataFrame({"test": list(statistics), "statistic": list(statistics.values())})
    table["df"] = fit.beta.size
    table["p"] = chi2.sf(table["statistic"], fit.beta.size)
    return table


def in_order(time: Floats, entry: Floats | None, ids: object) -> Bools:
    """Whether each row of a unit begins at or after the end of the row before it.

    Parameters
    ----------
    time, entry : ndarray, shape (n,)
    ids : array, shape (n,)

    Returns
    -------
    ndarray of bool, shape (n,)
        False for rows that overlap an earlier one.
    """
    codes = pd.factorize(np.asarray(ids, dtype=object))[0]
    begin = np.zeros(time.size) if entry is None else entry
    order = np.lexsort((time, begin, codes))
    same = np.r_[False, codes[order][1:] == codes[order][:-1]]
    late = np.r_[True, begin[order][1:] >= time[order][:-1]]
    out = np.ones(time.size, dtype=bool)
    out[order] = ~same | late
    return out
