"""Does an effect differ between groups: tests of interaction and the effect in each group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import chi2, norm

from radiogen.errors import RadiogenError, fail
from radiogen.stats._coxfit import CoxFit, fit_design
from radiogen.stats._design import Design, design, is_numeric, listed, take
from radiogen.stats._validate import Floats, groups, normal_quantile, survival, word
from radiogen.stats.result import StatResult

#: a numeric group with more values than this has no subgroups
_LEVELS = 10


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class InteractionResult(StatResult):
    """An interaction; the fields of :class:`StatResult` hold the likelihood-ratio test.

    Parameters
    ----------
    tests : DataFrame
        Likelihood-ratio and Wald test of all product terms: ``test``, ``statistic``, ``df``, ``p``.
    coefficients : DataFrame
        The Cox model with the products: ``term``, ``estimate`` (log hazard ratio), ``se``, ``lower``,
        ``upper``, ``p``, ``hazard_ratio``; ``a:b`` is a product.
    subgroups : DataFrame
        ``label``, ``term``, ``n``, ``events``, ``estimate`` (hazard ratio of the treatment), ``lower``,
        ``upper``, ``p``, ``note``: one row for all units and one for each group, each from a Cox model of
        its own.  Ready for :func:`radiogen.plots.subgroup_forest`.
    """

    tests: pd.DataFrame = field(default_factory=pd.DataFrame)
    coefficients: pd.DataFrame = field(default_factory=pd.DataFrame)
    subgroups: pd.DataFrame = field(default_factory=pd.DataFrame)

    def _repr_html_(self) -> str:
        parts = [super()._repr_html_(), *(t.to_html(index=False, escape=True) for t in (self.tests, self.subgroups))]
        return "\n".join(parts)


def interaction_test(
    frame: pd.DataFrame,
    duration: str,
    event: str,
    treatment: str,
    group: str,
    adjust: Sequence[str] = (),
    level: float = 0.95,
) -> InteractionResult:
    """Test whether the hazard ratio of a treatment (or marker) differs between groups.

    Parameters
    ----------
    frame : DataFrame, n rows
        One row per unit, without missing values in the columns used.
    duration, event : str
        Columns of positive times, and of 0 (censored) and 1 (event).
    treatment : str
        Column whose effect is asked for: a number, or categories against the first.
    group : str
        Column of the groups; a number with more than ten values is a linear modifier without subgroups.
    adjust : sequence of str, default ()
        Further covariates, in all models.
    level : float, default 0.95
        Level of the Wald intervals.

    Returns
    -------
    InteractionResult
        ``statistic``, ``df`` and ``p`` of the likelihood-ratio test; ``tests``, ``coefficients`` and
        ``subgroups``.

    Raises
    ------
    RadiogenError
        RG203 for a column that is not there; RG402, RG403, RG705 for unusable columns; RG701 without
        events; RG704 where a model has no maximum or no product can be estimated (a group with one
        treatment only).

    Notes
    -----
    Cox models with Efron's ties: main effects and products against main effects alone.  A subgroup
    with too few events keeps its row with the reason in ``note``.  A difference between subgroups is
    judged by the interaction test, never by one p-value being small and the other not.

    References
    ----------
    Altman and Bland, BMJ 2003;326:219, doi 10.1136/bmj.326.7382.219.

    Examples
    --------
    >>> d = pd.DataFrame({"t": [4, 3, 8, 6, 9, 7, 2, 5, 1, 10, 12, 11], "e": [1] * 12,
    ...                   "arm": [0, 1] * 6, "sex": list("ffffffmmmmmm")})
    >>> r = interaction_test(d, "t", "e", "arm", "sex")
    >>> r.df, r.subgroups["label"].tolist()
    (1.0, ['All', 'sex: f', 'sex: m'])
    """
    z = normal_quantile(level)
    others = listed(adjust)
    data = take(frame, [duration, event, treatment, group, *others])
    t, e = survival(data[duration], data[event])
    if not e.any():
        raise fail("RG701", "A Cox model needs events; all times are censored.", column=event)
    main = design(data[[treatment, group, *others]])
    both = _products(main, treatment, group)
    without, whole = fit_design(t, e, main), fit_design(t, e, both)
    names = set(whole.terms) - set(without.terms)
    products = [k for k, term in enumerate(whole.terms) if term in names]
    if not products:
        raise fail("RG704", f"No product of '{treatment}' and '{group}' can be estimated.", column=group)
    tests = _tests(without, whole, products)
    first = tests.iloc[0]
    return InteractionResult(
        method=f"interaction of {treatment} and {group}, Cox regression, Efron ties, likelihood ratio",
        statistic=float(first["statistic"]),
        df=float(first["df"]),
        p=float(first["p"]),
        n=t.size,
        events=int(e.sum()),
        level=level,
        notes=tuple(f"RG707: '{both.terms[k]}' is not estimable: {why}." for k, why in whole.lost.items()),
        tests=tests,
        coefficients=_coefficients(whole, z),
        subgroups=_subgroups(data, t, e, treatment, group, others, z),
    )


def _products(main: Design, treatment: str, group: str) -> Design:
    columns, terms, sources = [main.x], list(main.terms), list(main.sources)
    for i, one in enumerate(main.sources):
        for j, two in enumerate(main.sources):
            if one == treatment and two == group:
                columns.append((main.x[:, i] * main.x[:, j])[:, None])
                terms.append(f"{main.terms[i]}:{main.terms[j]}")
                sources.append(f"{treatment}:{group}")
    return Design(np.hstack(columns), terms, sources)


def _tests(without: CoxFit, whole: CoxFit, products: list[int]) -> pd.DataFrame:
    beta = whole.coefficients[products]
    wald = float(beta @ np.linalg.solve(whole.covariance[np.ix_(products, products)], beta))
    statistics = {"likelihood ratio": max(0.0, 2 * (whole.fit.loglik - without.fit.loglik)), "Wald": wald}
    frame = pd.DataFrame({"test": list(statistics), "statistic": list(statistics.values()), "df": float(len(products))})
    return frame.assign(p=chi2.sf(frame["statistic"], len(products)))


def _coefficients(fit: CoxFit, z: float) -> pd.DataFrame:
    beta, se = fit.coefficients, np.sqrt(np.diag(fit.covariance))
    return pd.DataFrame({
        "term": fit.terms, "estimate": beta, "se": se, "lower": beta - z * se, "upper": beta + z * se,
        "p": 2 * norm.sf(np.abs(beta / se)), "hazard_ratio": _ratio(beta),
    })  # fmt: skip


def _subgroups(
    data: pd.DataFrame, time: Floats, event: Any, treatment: str, group: str, others: list[str], z: float
) -> pd.DataFrame:
    rows = _effects(data, time, event, treatment, others, "All", z)
    if not is_numeric(data[group]) or data[group].nunique() <= _LEVELS:
        codes, levels = groups(data[group], group)
        for code, level in enumerate(levels):
            use = codes == code
            rows += _effects(data[use], time[use], event[use], treatment, others, f"{group}: {word(level)}", z)
    return pd.DataFrame(rows)


def _effects(
    data: pd.DataFrame, time: Floats, event: Any, treatment: str, others: list[str], label: str, z: float
) -> list[dict[str, Any]]:
    """The hazard ratio of each indicator of the treatment among these units."""
    base = {"label": label, "n": int(time.size), "events": int(event.sum())}
    blank = dict.fromkeys(("estimate", "lower", "upper", "p"), np.nan)
    if not event.any():
        return [{**base, "term": treatment, **blank, "note": "no event"}]
    try:
        fit = fit_design(time, event, design(data[[treatment, *others]]))
    except RadiogenError as error:
        return [{**base, "term": treatment, **blank, "note": error.problems[0].message}]
    rows = []
    for k, column in enumerate(fit.kept):
        if fit.model.sources[column] != treatment:
            continue
        beta, se = float(fit.coefficients[k]), float(np.sqrt(fit.covariance[k, k]))
        low, middle, high = (float(v) for v in _ratio(np.array([beta - z * se, beta, beta + z * se])))
        p = float(2 * norm.sf(abs(beta / se)))
        rows.append({**base, "term": fit.terms[k], "estimate": middle, "lower": low, "upper": high, "p": p, "note": ""})
    return rows or [{**base, "term": treatment, **blank, "note": "the treatment does not vary"}]


def _ratio(beta: Floats) -> Floats:
    # a ratio beyond the largest float is shown as infinite
    with np.errstate(over="ignore"):
        return np.asarray(np.exp(beta))
