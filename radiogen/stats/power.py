"""Power by simulation: cohorts drawn, tested, counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from radiogen.errors import RadiogenError, fail
from radiogen.stats._validate import is_number, numbers
from radiogen.stats.planning import between, whole
from radiogen.stats.result import StatResult
from radiogen.stats.thresholds import proportion_interval

#: no study is larger, and the memory of one drawing is bounded
_MOST = 10_000_000


def power_by_simulation(
    draw: Callable[[int, np.random.Generator], Any],
    test: Callable[[Any], Any],
    sizes: int | Sequence[int],
    simulations: int = 1000,
    alpha: float = 0.05,
    seed: int = 0,
    level: float = 0.95,
) -> StatResult:
    """Share of simulated studies whose test is significant, for each size.

    Parameters
    ----------
    draw : callable(n, generator)
        Draws one study of n units; all its randomness comes from the generator given.  ``rg.simulate`` has cohorts with
        known truth; any function of one's own will do.
    test : callable(study)
        Returns the p-value, or a result with one ``p``.
    sizes : int or sequence of int
        Units of a study.
    simulations : int, default 1000
        Studies of each size, at least 100.  The interval of a power of 80 % is then ± 2.5 points.
    alpha : float, default 0.05
        A study is counted where p < alpha.  With a null effect drawn, the share is the type-I error.
    seed : int, default 0
        Every study has a generator of its own, from seed, size and number, so that neither the order nor other
        sizes change it.
    level : float, default 0.95
        Level of the exact (Clopper-Pearson) intervals.

    Returns
    -------
    StatResult
        One row per size: ``estimate`` power, ``lower``, ``upper``, ``n``; ``result["refused"]``: studies in which the
        test refused (one class only, no maximum); they count as not significant.

    Raises
    ------
    RadiogenError
        RG708 for numbers out of range; RG705 where the test returns no p-value between 0 and 1.

    Examples
    --------
    >>> from radiogen.stats import rank_sum_test
    >>> r = power_by_simulation(
    ...     lambda n, rng: (rng.normal(np.repeat([0, 1.0], n // 2)), np.repeat([0, 1], n // 2)),
    ...     lambda study: rank_sum_test(*study), 40, simulations=200)
    >>> 0.75 < r.estimate < 0.95
    True
    """
    if isinstance(sizes, Sequence) and not len(sizes):
        raise fail("RG708", "Give at least one size.")
    wanted = [sizes] if isinstance(sizes, int | np.integer) else numbers(sizes, "sizes").tolist()
    for n in wanted:
        if whole(int(n) if float(n).is_integer() else n, "sizes", 1) > _MOST:
            raise fail("RG708", f"`sizes` must not be above {_MOST:,}.", value=int(n), fix="Give the units of one study.")
    wanted = [int(n) for n in wanted]
    for name, function in (("draw", draw), ("test", test)):
        if not callable(function):
            raise fail("RG708", f"`{name}` must be a function.", value=function, fix="See the example of `power_by_simulation`.")
    whole(simulations, "simulations", 100)
    between(alpha, "alpha", 0, 1)
    rows = [_one(draw, test, int(n), simulations, alpha, seed) for n in wanted]
    limits = [proportion_interval(found, simulations, "exact", level) for found, _ in rows]
    power = np.array([found / simulations for found, _ in rows])
    lower, upper = (np.array([float(getattr(one, side)) for one in limits]) for side in ("lower", "upper"))
    refused = np.array([count for _, count in rows])
    words = f"power by simulation, {simulations} studies, p < {alpha:g}, exact interval"
    notes = (f"The test refused {int(refused.sum())} studies; they count as not significant.",) if refused.any() else ()
    if isinstance(sizes, int | np.integer):
        return StatResult(
            method=words, estimate=float(power[0]), lower=float(lower[0]), upper=float(upper[0]), n=int(wanted[0]), level=level,
            extra={"refused": int(refused[0]), "alpha": alpha}, notes=notes,
        )  # fmt: skip
    return StatResult(
        method=words, estimate=power, lower=lower, upper=upper, n=np.array(wanted),
        label=[f"n = {n}" for n in wanted], level=level, extra={"refused": refused, "alpha": alpha}, notes=notes,
    )  # fmt: skip


def _one(
    draw: Callable[[int, np.random.Generator], Any], test: Callable[[Any], Any], n: int, simulations: int, alpha: float, seed: int
) -> tuple[int, int]:
    """Significant and refused studies of one size."""
    found = refused = 0
    for number in range(simulations):
        study = draw(n, np.random.default_rng([seed, n, number]))
        try:
            answer = test(study)
        except RadiogenError:
            # a study that cannot be analysed finds nothing; the result says how many there were
            refused += 1
            continue
        p = getattr(answer, "p", answer)
        if not is_number(p) or not 0 <= float(p) <= 1:
            raise fail(
                "RG705", "The test must return one p-value between 0 and 1.", value=str(p)[:40],
                fix="Return the p-value, or a result of radiogen.stats with one `p`.",
            )  # fmt: skip
        found += float(p) < alpha
    return found, refused
