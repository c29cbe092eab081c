"""Cox's model with Firth's penalty: finite where a column separates the events."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from radiogen.errors import RadiogenError, fail
from radiogen.models.survival.baseline import baseline_hazard
from radiogen.models.survival.casesets import in_a_risk_set
from radiogen.models.survival.coxcolumns import estimable, in_all_rows
from radiogen.models.survival.interface import Floats, Ints, SurvivalModel
from radiogen.stats._design import standardise
from radiogen.stats._newton import covariance
from radiogen.stats._partial import objective, risk_sets
from radiogen.stats._validate import choice, normal_quantile

INTERVALS = ("profile", "wald")
#: tried in turn: near the maximum the package's halving of steps can stop at what rounding leaves
_TOLERANCES = (1e-6, 1e-5, 1e-4)


class FirthCox(SurvivalModel):
    """Cox's model with Firth's penalty, for few events and for columns that separate them; Breslow's rule for ties.

    Parameters
    ----------
    intervals : {"profile", "wald"}, default "profile"
        Profile penalised-likelihood intervals and likelihood-ratio tests, right under separation and slow with many columns;
        ``"wald"`` takes standard errors, which are wrong there, and suffices where only predictions are wanted.
    level : float, default 0.95
        Of the intervals.

    Attributes
    ----------
    summary_ : DataFrame
        Index ``term``; ``coef``, ``se`` (Wald's, for information), ``p``, ``hr``, ``lower``, ``upper`` (of the hazard ratio),
        ``note``.
    aliased_ : dict of str to str
        Terms without an estimate and the reason.
    coef_ : ndarray, shape (p,)
        Log hazard ratios, 0 for aliased terms.

    Notes
    -----
    Maximises ln L(b) + ½ ln det I(b), by the package firthmodels.  Hazard ratios are drawn towards 1, the more the fewer events.

    References
    ----------
    Heinze G, Schemper M. A solution to the problem of monotone likelihood in Cox regression. Biometrics 2001;57:114-119.
    doi:10.1111/j.0006-341X.2001.00114.x

    Examples
    --------
    >>> model = FirthCox().fit([[1], [1], [1], [0], [0], [0]], [1, 2, 3, 4, 5, 6], [1, 1, 1, 0, 0, 0])
    >>> bool(model.coef_[0] > 0 and np.isfinite(model.summary_["upper"]).all())
    True
    """

    summary_: pd.DataFrame
    aliased_: dict[str, str]
    coef_: Floats

    def __init__(self, intervals: str = "profile", level: float = 0.95) -> None:
        self.intervals = intervals
        self.level = level

    def _fit(self, x: Floats, time: Floats, event: Ints, **extra: Any) -> None:
        choice(self.intervals, "intervals", INTERVALS)
        z = normal_quantile(self.level)
        names, dead = [str(name) for name in self.feature_names_in_], event == 1
        at_risk = in_a_risk_set(time, dead, np.zeros(time.size, dtype=np.int64), None)
        kept, self.aliased_ = estimable(x[at_risk], names, "A Cox model")
        # the likelihood knows the order of times only; so times of 0 are like others
        order = np.asarray(np.unique(time, return_inverse=True)[1], dtype=np.float64) + 1.0
        own, self._centre, scale = standardise(x[:, kept])
        terms = [names[k] for k in kept]
        if self.intervals == "profile":
            table = _profile(own, order, dead, scale, self.level)
        else:
            table = _wald(own, order, dead, scale, z)
        with np.errstate(over="ignore"):  # a ratio beyond the largest float is shown as infinite
            table["hr"] = np.exp(table["coef"])
            table[["lower", "upper"]] = np.exp(table[["lower", "upper"]])
        table.index = pd.Index(terms)
        self._kept, self.coef_ = np.array(kept), np.zeros(x.shape[1])
        self.coef_[kept] = table["coef"]
        self.summary_ = in_all_rows(table[["coef", "se", "p", "hr", "lower", "upper"]], names, self.aliased_)
        self.baseline_ = baseline_hazard(self._log_hazard(x), time, event)

    def _log_hazard(self, x: Floats) -> Floats:
        return np.asarray((x[:, self._kept] - self._centre) @ self.coef_[self._kept])


def _profile(x: Floats, time: Floats, dead: Any, scale: Floats, level: float) -> pd.DataFrame:
    from radiogen.stats.firth import firth_cox

    names = [f"c{k}" for k in range(x.shape[1])]
    frame = pd.DataFrame(x, columns=names).assign(time=time, event=dead.astype(float))
    try:
        found = firth_cox(frame, "time", "event", names, level=level)
    except RadiogenError as error:
        if error.code != "RG704":
            raise
        raise fail(
            "RG704", "Firth's fit or the profile of one of its coefficients did not converge.", value=x.shape[1],
            fix="Use `intervals='wald'` where only predictions are wanted, or fewer columns.",
        ) from error  # fmt: skip
    own = {name: np.asarray(getattr(found, from_)) / scale for name, from_ in
           (("coef", "estimate"), ("se", "se"), ("lower", "lower"), ("upper", "upper"))}  # fmt: skip
    return pd.DataFrame({**own, "p": np.asarray(found.p)})


def _wald(x: Floats, time: Floats, dead: Any, scale: Floats, z: float) -> pd.DataFrame:
    from firthmodels import FirthCoxPH

    problem: Exception | None = None
    for tolerance in _TOLERANCES:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                model = FirthCoxPH(backend="numpy", max_iter=500, gtol=tolerance, xtol=tolerance).fit(x, (dead, time))
                break
            except (Warning, ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
                problem = error
    else:
        raise fail("RG704", f"Firth's fit did not converge: {problem}.", value=x.shape[1]) from problem
    beta = np.asarray(model.coef_, dtype=float)
    information = objective(risk_sets(time, dead, x, None, None, "breslow"))(beta)[2]
    coef, se = beta / scale, np.sqrt(np.diag(covariance(information))) / scale
    lower, upper = coef - z * se, coef + z * se
    return pd.DataFrame({"coef": coef, "se": se, "lower": lower, "upper": upper, "p": 2 * norm.sf(np.abs(coef / se))})
