"""Logistic regression, equal to R's ``glm(family = binomial)``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy.special import expit
from scipy.stats import chi2, norm

from radiogen.errors import fail
from radiogen.stats._covariates import Spread, columns_for, levels_of, spreads
from radiogen.stats._design import aliased, design, listed, standardise, take
from radiogen.stats._logit import logit
from radiogen.stats._newton import covariance, culprits, maximise
from radiogen.stats._validate import Floats, binary, normal_quantile
from radiogen.stats.result import StatResult

INTERCEPT = "(Intercept)"


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class LogisticResult(StatResult):
    """A fitted logistic model; the fields of :class:`StatResult` hold the log odds ratios.

    Parameters
    ----------
    loglik : tuple of float
        Log-likelihood of the intercept alone and at the estimate.
    tests : DataFrame
        The likelihood-ratio test of the whole model: ``test``, ``statistic``, ``df``, ``p``.
    covariance : DataFrame
        Covariance of the estimable coefficients.
    not_estimable : mapping of str to str
        Terms without an estimate and the reason.
    linear_predictor : ndarray, shape (n,)
        The fitted logit of each row.
    levels : mapping of str to tuple of str
        Levels of each categorical covariate, the reference first; what a new frame is coded by.
    spreads : mapping of str to Spread
        What values each covariate takes, for the axes of a nomogram.
    """

    loglik: tuple[float, float] = (np.nan, np.nan)
    tests: pd.DataFrame = field(default_factory=pd.DataFrame)
    covariance: pd.DataFrame = field(default_factory=pd.DataFrame)
    not_estimable: Mapping[str, str] = field(default_factory=dict)
    linear_predictor: Floats = field(default_factory=lambda: np.empty(0))
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    spreads: Mapping[str, Spread] = field(default_factory=dict)

    def predict_linear(self, frame: pd.DataFrame) -> Floats:
        """Logit of other rows.

        Parameters
        ----------
        frame : DataFrame, m rows
            The covariates of the model.

        Returns
        -------
        ndarray, shape (m,)

        Raises
        ------
        RadiogenError
            RG203 for a missing column, RG705 for missing values or a level that the model has not seen.
        """
        coef = {t: b for t, b in zip(self.label or (), np.asarray(self.estimate), strict=True) if not np.isnan(b)}
        terms = [t for t in coef if t != INTERCEPT]
        return np.asarray(coef[INTERCEPT] + columns_for(frame, terms, self.levels) @ np.array([coef[t] for t in terms]))

    def predict_risk(self, frame: pd.DataFrame) -> Floats:
        """Predicted probability of the outcome for other rows (m,); arguments and errors as :meth:`predict_linear`."""
        return np.asarray(expit(self.predict_linear(frame)))


def logistic_regression(
    frame: pd.DataFrame, outcome: str, covariates: Sequence[str], level: float = 0.95
) -> LogisticResult:
    """Fit a logistic model by maximum likelihood.

    Parameters
    ----------
    frame : DataFrame, n rows
        One row per unit, without missing values in the columns used.
    outcome : str
        Column of 0 and 1.
    covariates : sequence of str
        Columns; text and categories enter as indicators against the first level, named
        ``column[level]``.
    level : float, default 0.95
        Level of the Wald intervals.

    Returns
    -------
    LogisticResult
        First row ``(Intercept)``; ``estimate`` is the log odds ratio and ``statistic`` z;
        ``to_frame()`` adds ``odds_ratio``, ``or_lower``, ``or_upper`` and ``note``.  Aliased and
        constant columns have no numbers and a reason (RG707), as R shows NA.

    Raises
    ------
    RadiogenError
        RG203 for a column that is not there; RG705 for unusable columns; RG701 where only one
        class occurs; RG704 where the columns separate the classes, with the columns named.

    References
    ----------
    Albert and Anderson (separation), Biometrika 1984;71:1, doi 10.1093/biomet/71.1.1.

    Examples
    --------
    >>> d = pd.DataFrame({"y": [0, 0, 0, 1, 1, 0, 1, 1], "x": [0, 0, 0, 0, 1, 1, 1, 1]})
    >>> np.exp(logistic_regression(d, "y", ["x"]).estimate).round(4).tolist()
    [0.3333, 9.0]
    """
    z_level = normal_quantile(level)
    data = take(frame, [outcome, *listed(covariates)])
    if not len(data) or not covariates:
        raise fail("RG705", "A logistic model needs rows and at least one covariate.")
    y = binary(data[outcome], outcome)
    model = design(data[list(covariates)])
    lost = aliased(model.x, model.terms)
    kept = [index for index in range(len(model.terms)) if index not in lost]
    z, centre, scale = standardise(model.x[:, kept])
    x = np.column_stack([np.ones(y.size), z])
    fit = maximise(logit(y, x), x)
    if not fit.converged:
        names = culprits(fit, [INTERCEPT, *(model.terms[k] for k in kept)])
        names = [name for name in names if name != INTERCEPT] or names
        message = f"The classes are separated by {', '.join(names)}: the odds ratio has no finite value."
        raise fail("RG704", message, column=names[0])
    # back from standardised columns
    back = np.diag(np.r_[1.0, 1 / scale])
    back[0, 1:] = -centre / scale
    coef, cov = back @ fit.beta, back @ covariance(fit.information) @ back.T
    se = np.sqrt(np.diag(cov))
    terms = [INTERCEPT, *model.terms]
    rows = [0, *(k + 1 for k in kept)]

    def full(values: Floats) -> Floats:
        out = np.full(len(terms), np.nan)
        out[rows] = values
        return out

    share = y.mean()
    null = float(y.size * (share * np.log(share) + (1 - share) * np.log1p(-share)))
    statistic = 2 * (fit.loglik - null)
    with np.errstate(over="ignore"):
        ratios = {
            "odds_ratio": full(np.exp(coef)),
            "or_lower": full(np.exp(coef - z_level * se)),
            "or_upper": full(np.exp(coef + z_level * se)),
        }
    return LogisticResult(
        method="logistic regression, maximum likelihood, Wald interval",
        estimate=full(coef),
        se=full(se),
        lower=full(coef - z_level * se),
        upper=full(coef + z_level * se),
        statistic=full(coef / se),
        p=full(2 * norm.sf(np.abs(coef / se))),
        n=y.size,
        events=int(y.sum()),
        label=terms,
        level=level,
        extra={**ratios, "note": ["", *_reasons(lost, len(model.terms))]},
        notes=tuple(f"RG707: '{model.terms[k]}' is not estimable: {why}." for k, why in lost.items()),
        loglik=(null, fit.loglik),
        tests=pd.DataFrame(
            {
                "test": ["likelihood ratio"],
                "statistic": [statistic],
                "df": [len(kept)],
                "p": [float(chi2.sf(statistic, len(kept))) if kept else np.nan],
            }
        ),
        covariance=pd.DataFrame(cov, index=[terms[k] for k in rows], columns=[terms[k] for k in rows]),
        not_estimable={model.terms[k]: why for k, why in lost.items()},
        linear_predictor=x @ fit.beta,
        levels=levels_of(data[list(covariates)]),
        spreads=spreads(data[list(covariates)]),
    )


def _reasons(lost: Mapping[int, str], size: int) -> list[str]:
    return [f"not estimable: {lost[k]}" if k in lost else "" for k in range(size)]
