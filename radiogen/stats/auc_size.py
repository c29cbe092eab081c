"""How many patients an area under the ROC curve needs: for a test, or for an interval of a given width."""

from __future__ import annotations

from math import exp, sqrt

import pandas as pd
from scipy.special import ndtri

from radiogen.errors import fail
from radiogen.stats._validate import choice, normal_quantile
from radiogen.stats.planning import SampleSize, between, smallest, up


def sample_size_auc(
    auc: float,
    prevalence: float = 0.5,
    null: float | None = None,
    width: float | None = None,
    power: float = 0.8,
    alpha: float = 0.05,
    level: float = 0.95,
    method: str | None = None,
) -> SampleSize:
    """Patients needed to show that an AUC differs from another value, or to estimate it precisely.

    Parameters
    ----------
    auc : float
        Area expected, above 0.5.
    prevalence : float, default 0.5
        Share of patients with the outcome.
    null : float, optional
        Test: the area under the null hypothesis, 0.5 for no discrimination.
    width : float, optional
        Precision: width of the interval (upper minus lower limit); 0.1 is Riley's target for external validation.
    power, alpha : float, default 0.8 and 0.05
        Of the two-sided test.
    level : float, default 0.95
        Of the interval.
    method : {"obuchowski", "hanley", "newcombe"}, optional
        Variance of the area.  For a test "obuchowski" (default; binormal, R's ``pROC::power.roc.test``) or "hanley"
        (Hanley and McNeil); for precision "newcombe" (default; as Riley et al.) or "hanley".

    Returns
    -------
    SampleSize
        ``n``, ``events``; ``estimate`` is n before rounding, ``result["cases"]`` and ``result["controls"]`` its parts.

    Raises
    ------
    RadiogenError
        RG708 for a number out of its range, or unless one of ``null`` and ``width`` is given.

    Notes
    -----
    Test: the smallest n with ``|AUC − null|`` ≥ z_(1−α/2) SE(null) + z_power SE(AUC).  Precision: 2 z SE(AUC) ≤ width.

    - Obuchowski, k controls per case, a = 1.414 Φ⁻¹(A): 0.0099 exp(−a²/2)(5a² + 8 + (a² + 8)/k) / cases
    - Hanley and McNeil: (A(1 − A) + (n₁ − 1)(A/(2 − A) − A²) + (n₀ − 1)(2A²/(1 + A) − A²)) / (n₁ n₀)
    - Newcombe: A(1 − A)(1 + (n/2 − 1)(1 − A)/(2 − A) + (n/2 − 1) A/(1 + A)) / (n² φ(1 − φ))

    References
    ----------
    Hanley and McNeil, Radiology 1982;143:29, doi 10.1148/radiology.143.1.7063747.  Obuchowski, Lieber and Wians, Clin Chem
    2004;50:1118, doi 10.1373/clinchem.2004.031823.  Riley et al., Stat Med 2021;40:4230, doi 10.1002/sim.9025.

    Examples
    --------
    >>> r = sample_size_auc(0.8, prevalence=0.018, width=0.1)
    >>> r.n, r.events
    (4252, 77)
    """
    a = between(auc, "auc", 0.5, 1)
    share = between(prevalence, "prevalence", 0, 1)
    if (null is None) == (width is None):
        raise fail("RG708", "Give `null` for a test or `width` for precision, and not both.")
    if null is not None:
        kind = choice(method or "obuchowski", "method", ("obuchowski", "hanley"))
        base = between(null, "null", 0.499999, 1)
        if base == a:
            raise fail("RG708", "`auc` equals `null`: there is no difference to be found.", value=a)
        z = float(ndtri(1 - between(alpha, "alpha", 0, 1) / 2)), float(ndtri(between(power, "power", alpha / 2, 1)))

        def enough(n: float) -> bool:
            return z[0] * sqrt(_variance(kind, base, n, share)) + z[1] * sqrt(_variance(kind, a, n, share)) <= abs(a - base)

        aim = f"test against {base:g}, two-sided {100 * alpha:g}%, power {100 * power:g}%"
    else:
        kind = choice(method or "newcombe", "method", ("newcombe", "hanley"))
        half = between(width if width is not None else 0.0, "width", 0, 1) / 2
        quantile = normal_quantile(level)

        def enough(n: float) -> bool:
            return quantile * sqrt(_variance(kind, a, n, share)) <= half

        aim = f"{100 * level:g}% interval of width {width:g}"
    # one case and one control at least
    n = smallest(enough, max(2.0, 1 / share, 1 / (1 - share)))
    table = pd.DataFrame({"group": ["cases", "controls"], "n": [n * share, n * (1 - share)]})
    return SampleSize(
        method=f"sample size of an AUC of {a:g}, {aim}; variance by {kind.capitalize()}", estimate=n, n=up(n),
        events=up(up(n) * share), extra={"cases": n * share, "controls": n * (1 - share)}, criteria=table,
    )  # fmt: skip


def _variance(kind: str, a: float, n: float, share: float) -> float:
    cases, controls = n * share, n * (1 - share)
    if kind == "obuchowski":
        # 1.414 and 0.0099 are the paper's, and R's
        x = float(ndtri(a)) * 1.414
        return 0.0099 * exp(-(x**2) / 2) * (5 * x**2 + 8 + (x**2 + 8) * cases / controls) / cases
    if kind == "hanley":
        first, second = a / (2 - a), 2 * a**2 / (1 + a)
        return (a * (1 - a) + (cases - 1) * (first - a**2) + (controls - 1) * (second - a**2)) / (cases * controls)
    other = n / 2 - 1
    return a * (1 - a) * (1 + other * (1 - a) / (2 - a) + other * a / (1 + a)) / (n**2 * share * (1 - share))
