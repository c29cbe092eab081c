"""Paths of penalised Cox models, and their cross-validated likelihood."""

from __future__ import annotations

import warnings

import numpy as np

from radiogen.errors import fail
from radiogen.stats._validate import Floats, Ints
from radiogen.stats.nelson import breslow_likelihood

#: shares of the path that are tried, from the whole of it on
_SHARES = (1.0, 0.8, 0.6, 0.4, 0.2)


def coxnet_path(
    x: Floats,
    time: Floats,
    event: Ints,
    l1_ratio: float,
    penalties: Floats | None,
    *,
    count: int,
    least: float,
    tolerance: float = 1e-7,
) -> tuple[Floats, Floats]:
    """Coefficients along a path of penalties, from the strongest on.

    Parameters
    ----------
    x : ndarray, shape (n, p)
        Of one scale: the penalty is the same for all columns.
    time : ndarray, shape (n,)
    event : ndarray of 0 and 1, shape (n,)
    l1_ratio : float
        Share of the lasso, above 0.
    penalties : ndarray, shape (S,), or None
        Falling; None: ``count`` of them from the weakest that leaves the model empty.
    count : int
    least : float
        The last penalty of such a path as a share of the first.
    tolerance : float, default 1e-7
        Of the coordinate descent.

    Returns
    -------
    penalties : ndarray, shape (S',)
    coefficients : ndarray, shape (p, S')

    Raises
    ------
    RadiogenError
        RG704 where not even the strong penalties can be fitted.

    Notes
    -----
    The coordinate descent overflows where a weak penalty leaves the likelihood all but flat; the path is then cut shorter, from
    the weak end: S' may be less than S.
    """
    from sksurv.linear_model import CoxnetSurvivalAnalysis
    from sksurv.util import Surv

    trouble: Exception | None = None
    for share in _SHARES:
        model = CoxnetSurvivalAnalysis(
            l1_ratio=l1_ratio, n_alphas=count, alpha_min_ratio=least**share,
            alphas=None if penalties is None else penalties[: max(1, round(share * len(penalties)))],
            fit_baseline_model=False, max_iter=100_000, tol=tolerance,
        )  # fmt: skip
        with warnings.catch_warnings():
            # an empty model is a legitimate setting here; sksurv warns of it
            warnings.simplefilter("ignore")
            try:
                model.fit(x, Surv.from_arrays(event.astype(bool), time))
            except (ValueError, ArithmeticError) as error:
                trouble = error
                continue
        return np.asarray(model.alphas_, dtype=float), np.asarray(model.coef_, dtype=float)
    raise fail("RG704", f"the penalised Cox model of a training fold did not converge: {trouble}") from trouble


def left_out_gain(
    whole_x: Floats, whole_time: Floats, whole_event: Ints, part: Ints, coefficients: Floats
) -> Floats:
    """Log partial likelihood of all units less that of the part a model was fitted on: what the others add.

    Parameters
    ----------
    whole_x : ndarray, shape (n, p)
    whole_time, whole_event : ndarray, shape (n,)
    part : ndarray of int
        Positions of the units fitted on.
    coefficients : ndarray, shape (p, S)
        From the part.

    Returns
    -------
    ndarray, shape (S,)

    References
    ----------
    Verweij PJM, van Houwelingen HC. Cross-validation in survival analysis. Stat Med 1993;12:2305-2314.
    doi:10.1002/sim.4780122407
    """
    eta = whole_x @ coefficients
    return breslow_likelihood(eta, whole_time, whole_event) - breslow_likelihood(eta[part], whole_time[part], whole_event[part])
