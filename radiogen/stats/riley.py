"""How many patients a prediction model needs: Riley's criteria."""

from __future__ import annotations

from math import ceil, exp, log, sqrt

import numpy as np
import pandas as pd
from scipy.special import expit, logit, ndtri

from radiogen.errors import fail
from radiogen.stats._validate import choice
from radiogen.stats.planning import SampleSize, between, up, whole


def sample_size_prediction_model(
    kind: str,
    parameters: int,
    r2_cs: float | None = None,
    c_statistic: float | None = None,
    r2_nagelkerke: float | None = None,
    prevalence: float | None = None,
    rate: float | None = None,
    mean_follow_up: float | None = None,
    horizon: float | None = None,
    shrinkage: float = 0.9,
    optimism: float = 0.05,
    margin: float = 0.05,
) -> SampleSize:
    """Smallest number of patients to develop a prediction model on, by the criteria of Riley and others.

    Parameters
    ----------
    kind : {"binary", "survival"}
        The outcome.
    parameters : int
        Candidate predictor *parameters*: a category of four levels is three, every spline term and interaction
        counts, and so does what selection will drop.
    r2_cs : float, optional
        Cox and Snell's R² that the model is expected to reach, from an earlier model and adjusted for optimism.
    c_statistic : float, optional
        Instead (binary only): the C statistic, turned into R² for a normal linear predictor.
    r2_nagelkerke : float, optional
        Instead: Nagelkerke's R²; 0.15 is a cautious guess where nothing is known.
    prevalence : float
        Binary: share of patients with the outcome.
    rate, mean_follow_up, horizon : float
        Survival: events per unit of time and patient, mean follow-up, and the time at which risk is predicted; all in
        one unit of time.
    shrinkage : float, default 0.9
        Expected uniform shrinkage that is still accepted: 10 % overfitting.
    optimism : float, default 0.05
        Accepted optimism of Nagelkerke's R².
    margin : float, default 0.05
        Accepted half-width of the 95 % interval of the overall risk.

    Returns
    -------
    SampleSize
        ``n`` and ``events`` needed (the largest of the criteria); ``result["per_parameter"]`` events per parameter;
        ``result["r2_cs"]``, ``["max_r2_cs"]``; ``criteria`` with ``criterion``, ``n``, ``events``, ``shrinkage``,
        ``per_parameter``.

    Raises
    ------
    RadiogenError
        RG708 for a number out of its range, a missing or superfluous one, or an R² above its maximum.

    Notes
    -----
    (i) n = P / ((S − 1) ln(1 − R²/S)) with S the accepted shrinkage; (ii) the same with S = R²/(R² + δ max R²);
    (iii) binary n = (1.96/margin)² φ(1 − φ); survival: the interval of 1 − exp(−rate · horizon) reaches no farther than
    the margin to either side.  max R² = 1 − exp(2 ln L₀/n), with ln L₀/n = φ ln φ + (1 − φ) ln(1 − φ), or for survival
    e ln e − e with e events per patient, as R's ``pmsampsize``.  R's package reports for (iii) of survival the size that
    (i) and (ii) give; here it is the size that (iii) itself needs.  As there, e is rounded up to four decimals in ln L₀.

    References
    ----------
    Riley et al., Stat Med 2019;38:1276, doi 10.1002/sim.7992; BMJ 2020;368:m441, doi 10.1136/bmj.m441; from a C statistic:
    Stat Med 2021;40:859, doi 10.1002/sim.8806.

    Examples
    --------
    >>> r = sample_size_prediction_model("binary", 24, r2_cs=0.288, prevalence=0.174)
    >>> r.n, r.events, r.criteria["n"].tolist()
    (662, 116, [623, 662, 221])
    """
    choice(kind, "kind", ("binary", "survival"))
    whole(parameters, "parameters", 1)
    s = between(shrinkage, "shrinkage", 0, 1)
    for value, name in ((optimism, "optimism"), (margin, "margin")):
        between(value, name, 0, 1)
    per, null, risk_n = _binary(prevalence, margin) if kind == "binary" else _survival(rate, mean_follow_up, horizon, margin)
    foreign = {"prevalence": prevalence}
    if kind == "binary":
        foreign = {"rate": rate, "mean_follow_up": mean_follow_up, "horizon": horizon}
    if superfluous := [name for name, value in foreign.items() if value is not None]:
        raise fail("RG708", f"`{superfluous[0]}` does not belong to a {kind} outcome.", value=superfluous[0])
    largest = 1 - exp(2 * null)
    r2 = _r2(kind, r2_cs, c_statistic, r2_nagelkerke, prevalence, largest)
    if r2 >= s:
        raise fail("RG708", "An R² as large as the accepted shrinkage leaves criterion (i) without a size.", value=r2)
    second = r2 / (r2 + optimism * largest)
    sizes = {
        "shrinkage": (up(_size(parameters, r2, s)), s),
        "optimism of R²": (up(_size(parameters, r2, second)), second),
        "overall risk": (up(risk_n), np.nan),
    }
    table = pd.DataFrame({"criterion": list(sizes), "n": [n for n, _ in sizes.values()]})
    table["events"] = table["n"] * per
    table["shrinkage"] = [one for _, one in sizes.values()]
    table["per_parameter"] = table["events"] / parameters
    n = int(table["n"].max())
    return SampleSize(
        method=f"sample size of a prediction model, {kind} outcome, criteria of Riley et al.",
        estimate=float(n), n=n, events=up(n * per), label=str(table["criterion"][int(table["n"].argmax())]),
        extra={"per_parameter": n * per / parameters, "parameters": parameters, "r2_cs": r2, "max_r2_cs": largest,
               "r2_nagelkerke": r2 / largest}, criteria=table,
    )  # fmt: skip


def _size(parameters: int, r2: float, shrinkage: float) -> float:
    return parameters / ((shrinkage - 1) * log(1 - r2 / shrinkage))


def _binary(prevalence: float | None, margin: float) -> tuple[float, float, float]:
    """Events per patient, null log-likelihood per patient, and the size of the third criterion."""
    if prevalence is None:
        raise fail("RG708", "A binary outcome needs `prevalence`.")
    share = between(prevalence, "prevalence", 0, 1)
    return share, share * log(share) + (1 - share) * log(1 - share), (1.96 / margin) ** 2 * share * (1 - share)


def _survival(rate: float | None, follow_up: float | None, horizon: float | None, margin: float) -> tuple[float, float, float]:
    if rate is None or follow_up is None or horizon is None:
        raise fail("RG708", "A survival outcome needs `rate`, `mean_follow_up` and `horizon`.")
    for value, name in ((rate, "rate"), (follow_up, "mean_follow_up"), (horizon, "horizon")):
        between(value, name, 0, np.inf)
    per = rate * follow_up
    if per >= 1:
        raise fail("RG708", "More than one event per patient: `rate` times `mean_follow_up` must be below 1.", value=per)
    # R takes events per 10,000 patients, rounded up, into the maximum of R²
    counted = min(0.9999, ceil(per * 10_000 - 1e-9) / 10_000)
    # the lower limit of the rate moves the risk farther than the upper one
    spread = log(1 + margin * exp(rate * horizon)) / (1.96 * horizon)
    return per, counted * log(counted) - counted, rate / spread**2 / follow_up


def _r2(
    kind: str, r2_cs: float | None, c: float | None, nagelkerke: float | None, prevalence: float | None, largest: float
) -> float:
    given = [v for v in (r2_cs, c, nagelkerke) if v is not None]
    if len(given) != 1:
        raise fail("RG708", "Give one of `r2_cs`, `c_statistic` and `r2_nagelkerke`.", value=len(given))
    if c is not None:
        if kind != "binary" or prevalence is None:
            raise fail("RG708", "`c_statistic` can be turned into R² for a binary outcome only.")
        return _r2_of_c(between(c, "c_statistic", 0.5, 1), prevalence)
    if nagelkerke is not None:
        return between(nagelkerke, "r2_nagelkerke", 0, 1) * largest
    r2 = between(r2_cs if r2_cs is not None else 0.0, "r2_cs", 0, 1)
    if r2 >= largest:
        raise fail("RG708", f"`r2_cs` must lie below its maximum here, {largest:.4g}.", value=r2)
    return r2


def _r2_of_c(c: float, prevalence: float) -> float:
    """R² of the true logistic model whose linear predictor is normal in both classes and has this C statistic."""
    gap = sqrt(2) * float(ndtri(c))
    points, weights = np.polynomial.hermite_e.hermegauss(120)
    weights = weights / weights.sum()
    loglik = 0.0
    # the score is N(0, 1) without and N(gap, 1) with the outcome: the log odds are a line in it
    for mean, share, sign in ((gap, prevalence, 1.0), (0.0, 1 - prevalence, -1.0)):
        eta = float(logit(prevalence)) + gap * (points + mean - gap / 2)
        loglik += share * float(weights @ np.log(expit(sign * eta)))
    null = prevalence * log(prevalence) + (1 - prevalence) * log(1 - prevalence)
    return 1 - exp(2 * (null - loglik))
