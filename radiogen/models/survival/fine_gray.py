"""Fine and Gray's model of a cumulative incidence under the interface of the survival models."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from radiogen.errors import fail
from radiogen.models.survival.baseline import Baseline
from radiogen.models.survival.coxcolumns import estimable, wald_table
from radiogen.models.survival.interface import Floats, Ints, SurvivalModel, check_number, time_points
from radiogen.stats._validate import normal_quantile


class FineGray(SurvivalModel):
    """Proportional hazards of the subdistribution: what predictors do to the incidence of an event beside competing ones.

    Parameters
    ----------
    cause : int, default 1
        Code of the event that is modelled; the other codes but 0 compete with it.
    level : float, default 0.95
        Of the intervals.

    Attributes
    ----------
    summary_ : DataFrame
        Index ``term``; ``coef``, ``se`` (sandwich), ``z``, ``p``, ``hr``, ``lower``, ``upper`` (of the subdistribution hazard
        ratio), ``note``.
    aliased_ : dict of str to str
        Terms without an estimate and the reason.
    coef_ : ndarray, shape (p,)
        0 for aliased terms.
    baseline_ : Baseline
        Of the subdistribution.

    Notes
    -----
    Equal to R's ``cmprsk::crr`` (:func:`radiogen.stats.fine_gray`).  :meth:`predict_survival` is 1 − :meth:`predict_incidence`:
    the probability of *no event of this cause* by a time, whether or not a competing one has come.  Without competing events
    it is Cox's model with Breslow's rule.

    References
    ----------
    Fine JP, Gray RJ. A proportional hazards model for the subdistribution of a competing risk. JASA 1999;94:496-509.
    doi:10.1080/01621459.1999.10474144

    Examples
    --------
    >>> model = FineGray().fit([[1], [0], [0], [1], [1], [0]], [1, 2, 3, 4, 5, 6], [1, 2, 1, 0, 1, 2])
    >>> model.predict_incidence([[0], [1]], [3]).round(3).tolist()
    [[0.187], [0.433]]
    """

    _competing: ClassVar[bool] = True
    _least_events: ClassVar[int] = 0

    summary_: pd.DataFrame
    aliased_: dict[str, str]
    coef_: Floats

    def __init__(self, cause: int = 1, level: float = 0.95) -> None:
        self.cause = cause
        self.level = level

    def predict_incidence(self, X: ArrayLike | pd.DataFrame, times: ArrayLike) -> Floats:
        """Probability that the event of ``cause`` has come by each time.

        Parameters
        ----------
        X : array or DataFrame, shape (m, p)
        times : float or array, shape (T,)

        Returns
        -------
        ndarray, shape (m, T)
        """
        return np.asarray(1.0 - self._survival(self._known(X), time_points(times)))

    def _fit(self, x: Floats, time: Floats, event: Ints, **extra: Any) -> None:
        from radiogen.stats.subdistribution import fine_gray

        check_number("cause", self.cause, 1, 1e6, whole=True)
        normal_quantile(self.level)
        own, names = event == self.cause, [str(name) for name in self.feature_names_in_]
        if not own.any():
            raise fail("RG410", f"there is no event of cause {self.cause}.", value=self.cause)
        competing = (event > 0) & ~own
        kept, self.aliased_ = estimable(x[(time >= time[own].min()) | competing], names, "A Fine-Gray model")
        # the likelihood knows the order of times only; so times of 0 are like others
        at, order = np.unique(time, return_inverse=True)
        terms = [f"c{k}" for k in range(len(kept))]
        frame = pd.DataFrame(x[:, kept], columns=terms).assign(time=order + 1.0, status=event)
        found = fine_gray(_renamed(frame, terms, [names[k] for k in kept]), _TIME, _STATUS, [names[k] for k in kept],
                          cause=int(self.cause))  # fmt: skip
        coef, se = np.asarray(found.estimate), np.asarray(found.se)
        self.coef_, self._centre = np.zeros(x.shape[1]), x.mean(axis=0)
        self.coef_[kept] = coef
        self.summary_ = wald_table(names, self.aliased_, coef, se, None, self.level).drop(columns="robust_se")
        when = at[found.baseline["time"].to_numpy().astype(int) - 1]
        self.baseline_ = Baseline(when, np.log(found.baseline["hazard"].to_numpy()))

    def _log_hazard(self, x: Floats) -> Floats:
        return np.asarray((x - self._centre) @ self.coef_)


#: names that no column of a person's table has
_TIME, _STATUS = "\x00time", "\x00status"


def _renamed(frame: pd.DataFrame, terms: list[str], names: list[str]) -> pd.DataFrame:
    """Columns under their own names, so that messages name them."""
    return frame.rename(columns={"time": _TIME, "status": _STATUS, **dict(zip(terms, names, strict=True))})
