"""How sure an ensemble is, and what is gained by leaving out those of whom it is not; no torch here.

Members are the networks of an ensemble, or passes of one network with dropout left on
(:meth:`radiogen.models.training.trained.Trained.samples`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radiogen.errors import fail
from radiogen.models.fusion.examples import BoolArray, FloatArray

#: probabilities are not taken for smaller before a logarithm
_LEAST = 1e-12


def ensemble_uncertainty(probabilities: FloatArray) -> pd.DataFrame:
    """Predictive entropy and its two parts.

    Parameters
    ----------
    probabilities : array, shape (members, n, classes)
        Each row sums to 1; rows of units that are not predicted are NaN.

    Returns
    -------
    DataFrame
        One row per unit, in nats: ``entropy`` of the mean prediction; ``expected_entropy``, the mean of the members'
        entropies (what no more data of the kind would mend); ``mutual_information``, their difference (what the members
        disagree on); and ``spread``, the largest standard deviation over members of a class's probability.

    Raises
    ------
    RadiogenError
        RG705 for another shape.

    References
    ----------
    Lakshminarayanan B et al. (2017) NeurIPS 30, doi 10.48550/arXiv.1612.01474; Gal Y, Ghahramani Z (2016) ICML 1050-1059,
    doi 10.48550/arXiv.1506.02142; Houlsby N et al. (2011) doi 10.48550/arXiv.1112.5745 (mutual information).

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.models.training.uncertainty import ensemble_uncertainty
    >>> ensemble_uncertainty(np.array([[[1.0, 0.0]], [[0.0, 1.0]]])).round(3).iloc[0].to_dict()
    {'entropy': 0.693, 'expected_entropy': 0.0, 'mutual_information': 0.693, 'spread': 0.5}
    """
    p = np.asarray(probabilities, dtype=float)
    if p.ndim != 3 or not len(p):
        raise fail("RG705", "`probabilities` must have the shape (members, n, classes)", value=p.shape)
    entropy, expected = _entropy(p.mean(axis=0)), _entropy(p).mean(axis=0)
    return pd.DataFrame({
        "entropy": entropy, "expected_entropy": expected, "mutual_information": np.maximum(entropy - expected, 0.0),
        "spread": p.std(axis=0).max(axis=1),
    })  # fmt: skip


def _entropy(p: FloatArray) -> FloatArray:
    return np.asarray(-(p * np.log(np.maximum(p, _LEAST))).sum(axis=-1))


@dataclass(frozen=True)
class Abstention:
    """Leave a unit without a prediction where its uncertainty is above the threshold.

    Parameters
    ----------
    threshold : float
    coverage : float
        Share of the units it was chosen on that are predicted.
    measure : str
        What the uncertainty is, for the record.
    """

    threshold: float
    coverage: float
    measure: str = "entropy"

    def keeps(self, uncertainty: FloatArray) -> BoolArray:
        """Who is predicted; units whose uncertainty is not known are not."""
        return np.asarray(np.asarray(uncertainty, dtype=float) <= self.threshold)


def choose_abstention(uncertainty: FloatArray, coverage: float = 0.8, measure: str = "entropy") -> Abstention:
    """The threshold at which a share of units is predicted.

    Parameters
    ----------
    uncertainty : array, shape (n,)
        Out of fold: uncertainties of units that a network was trained on are too small.  NaN is passed over.
    coverage : float, default 0.8
        Share that is at least predicted.
    measure : str, default "entropy"
        Its name, for the record.

    Returns
    -------
    Abstention
        Its ``coverage`` is the share reached; equal uncertainties are kept together, so that it may be larger.

    Raises
    ------
    RadiogenError
        RG705 without a finite uncertainty, RG708 for a coverage out of (0, 1].

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.models.training.uncertainty import choose_abstention
    >>> rule = choose_abstention(np.array([0.1, 0.4, 0.2, 0.3, 0.5]), coverage=0.6)
    >>> rule.threshold, rule.keeps(np.array([0.3, 0.31])).tolist()
    (0.3, [True, False])
    """
    if not 0 < coverage <= 1:
        raise fail("RG708", "`coverage` must be above 0 and at most 1.", value=coverage)
    known = np.sort(np.asarray(uncertainty, dtype=float)[np.isfinite(uncertainty)])
    if not len(known):
        raise fail("RG705", "there is no uncertainty to choose a threshold on")
    # 0.6 of 5 are 3 units, whatever 0.6 * 5 is in floating point
    threshold = float(known[max(int(np.ceil(coverage * len(known) - 1e-9)), 1) - 1])
    return Abstention(threshold, float((known <= threshold).mean()), measure)


def risk_coverage(uncertainty: FloatArray, loss: FloatArray) -> pd.DataFrame:
    """The mean loss of those predicted, for every share that is.

    Parameters
    ----------
    uncertainty : array, shape (n,)
        NaN is passed over.
    loss : array, shape (n,)
        Of each unit: 1 for a wrong class and 0 for a right one, the Brier score, …

    Returns
    -------
    DataFrame
        ``coverage``, ``risk``, ``threshold``, ``n``, one row per value of the uncertainty from the surest on: equal ones are
        predicted together.  ``attrs["area"]`` is the area under the curve, the mean risk over the n coverages.

    Raises
    ------
    RadiogenError
        RG705 for other lengths, or where nothing is known.

    References
    ----------
    Geifman Y, El-Yaniv R (2017) NeurIPS 30, doi 10.48550/arXiv.1705.08500.

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.models.training.uncertainty import risk_coverage
    >>> risk_coverage(np.array([0.1, 0.2, 0.3]), np.array([0, 0, 1]))[["coverage", "risk"]].round(3).to_numpy().tolist()
    [[0.333, 0.0], [0.667, 0.0], [1.0, 0.333]]
    """
    u, of_unit = np.asarray(uncertainty, dtype=float), np.asarray(loss, dtype=float)
    if u.ndim != 1 or u.shape != of_unit.shape:
        raise fail("RG705", "`uncertainty` and `loss` must have one shape (n,)", value=(u.shape, of_unit.shape))
    known = np.isfinite(u) & np.isfinite(of_unit)
    if not known.any():
        raise fail("RG705", "there is no unit whose uncertainty and loss are known")
    order = np.argsort(u[known], kind="stable")
    u, of_unit = u[known][order], of_unit[known][order]
    last = np.flatnonzero(np.append(np.diff(u) > 0, True))
    n = last + 1
    risk: NDArray[np.float64] = np.cumsum(of_unit)[last] / n
    frame = pd.DataFrame({"coverage": n / len(u), "risk": risk, "threshold": u[last], "n": n})
    frame.attrs["area"] = float(np.repeat(risk, np.diff(n, prepend=0)).mean())
    return frame
