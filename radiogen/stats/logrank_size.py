"""How many events and patients a comparison of two survival curves needs."""

from __future__ import annotations

from math import exp, expm1, inf, log

import pandas as pd
from scipy.special import ndtri

from radiogen.errors import fail
from radiogen.stats._validate import choice
from radiogen.stats.planning import SampleSize, between, up


def sample_size_log_rank(
    hazard_ratio: float,
    power: float = 0.8,
    alpha: float = 0.05,
    share: float = 0.5,
    method: str = "schoenfeld",
    control_median: float | None = None,
    accrual: float = 0.0,
    follow_up: float | None = None,
    dropout: float = 0.0,
    sides: int = 2,
) -> SampleSize:
    """Events, and with a design the patients, that a log-rank test of two groups needs.

    Parameters
    ----------
    hazard_ratio : float
        Ratio to be found, second group over first (control).
    power : float, default 0.8
        Probability of finding it.
    alpha : float, default 0.05
        Type-I error.
    share : float, default 0.5
        Share of the patients in the second group (with the marker, or treated).
    method : {"schoenfeld", "freedman"}, default "schoenfeld"
        Schoenfeld's log hazard ratio, or Freedman's, which asks for more where the ratio is far from 1 and the shares
        are unequal in the other direction.
    control_median : float, optional
        Median survival of the first group; survival is taken as exponential.  Without it only events are given.
    accrual : float, default 0
        Time over which patients enter evenly; 0 is all at once.
    follow_up : float, optional
        Time from the last entry to the analysis.
    dropout : float, default 0
        Hazard of being lost, exponential, the same in both groups.
    sides : {1, 2}, default 2
        Of the test.

    Returns
    -------
    SampleSize
        ``estimate`` events before rounding, ``events``, ``n`` patients (None without a design),
        ``result["event_share"]``; ``criteria`` with one row per group: ``group``, ``n``, ``events``, ``event_share``.

    Raises
    ------
    RadiogenError
        RG708 for a number out of its range, a hazard ratio of 1, or a design that is not whole.

    Notes
    -----
    z = z_(1−α/2) + z_power.  Schoenfeld: d = z² / (π₁ π₂ (ln HR)²).  Freedman, with r = π₂/π₁:
    d = z² (1 + r HR)² / (r (1 − HR)²).  A patient has the event with probability
    λ/(λ+η) · (1 − (e^(−(λ+η)f) − e^(−(λ+η)(a+f)))/((λ+η)a)), a accrual, f follow-up, η dropout.

    References
    ----------
    Schoenfeld, Biometrics 1983;39:499, doi 10.2307/2531021.  Freedman, Stat Med 1982;1:121, doi 10.1002/sim.4780010204.

    Examples
    --------
    Collett's example: a log hazard ratio of -0.557, power 90 %.

    >>> sample_size_log_rank(0.573, power=0.9).events
    136
    """
    ratio = between(hazard_ratio, "hazard_ratio", 0, inf)
    if ratio == 1:
        raise fail("RG708", "A hazard ratio of 1 is no difference to be found.", value=ratio)
    choice(method, "method", ("schoenfeld", "freedman"))
    if sides not in (1, 2):
        raise fail("RG708", "`sides` is 1 or 2.", value=sides)
    second = between(share, "share", 0, 1)
    total = float(ndtri(1 - between(alpha, "alpha", 0, 1) / sides) + ndtri(between(power, "power", 0, 1)))
    if total <= 0:
        raise fail("RG708", "This power is below `alpha`: no events are needed for it.", value=power)
    allocation = second / (1 - second)
    if method == "schoenfeld":
        events = total**2 / (second * (1 - second) * log(ratio) ** 2)
    else:
        events = total**2 * (1 + allocation * ratio) ** 2 / (allocation * (1 - ratio) ** 2)
    words = f"log-rank test, events by {method.capitalize()}, {sides}-sided {100 * alpha:g}%, power {100 * power:g}%"
    if control_median is None:
        if follow_up is not None or accrual or dropout:
            raise fail("RG708", "A design with accrual, follow-up or dropout needs `control_median`.")
        return SampleSize(method=words, estimate=events, events=up(events))
    if follow_up is None or not all(0 <= v < inf for v in (follow_up, accrual, dropout)) or accrual + follow_up == 0:
        raise fail("RG708", "A design needs `follow_up`, and times and dropout from 0 on.", value=follow_up)
    hazard = log(2) / between(control_median, "control_median", 0, inf)
    chances = [_event(h, accrual, follow_up, dropout) for h in (hazard, hazard * ratio)]
    overall = (1 - second) * chances[0] + second * chances[1]
    need = up(events)
    n = up(need / overall)
    groups = pd.DataFrame({"group": ["first (control)", "second"], "n": [(1 - second) * n, second * n], "event_share": chances})
    groups["events"] = groups["n"] * groups["event_share"]
    return SampleSize(
        method=f"{words}; exponential survival, {accrual:g} accrual, {follow_up:g} follow-up", estimate=events, n=n, events=need,
        extra={"event_share": overall}, criteria=groups,
    )  # fmt: skip


def _event(hazard: float, accrual: float, follow_up: float, dropout: float) -> float:
    """Probability that a patient's event is seen."""
    both = hazard + dropout
    staying = exp(-both * follow_up)
    if accrual > 0:
        staying *= -expm1(-both * accrual) / (both * accrual)
    return hazard / both * (1 - staying)
