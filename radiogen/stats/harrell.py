"""Harrell's and Uno's concordance with R's tie rules, and the standard error from each unit's influence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm

from radiogen.errors import fail
from radiogen.stats._censoring import status_times
from radiogen.stats._validate import Bools, Floats, Ints, choice, groups, is_number, normal_quantile, number, same_length
from radiogen.stats.result import StatResult

_VARIANCE = {"harrell": "infinitesimal jackknife", "uno": "influence function with estimated weights"}
_RULES = (
    "pairs tied in risk count one half, pairs of events at one time are left out, "
    "a censored time outlives an event tied with it"
)


def concordance(
    time: ArrayLike,
    event: ArrayLike,
    risk: ArrayLike,
    method: str = "harrell",
    level: float = 0.95,
    cluster: Sequence[Any] | ArrayLike | None = None,
    tau: float | None = None,
) -> StatResult:
    """Probability that of two units the one with the higher risk has the event first.

    Parameters
    ----------
    time : array-like of float, shape (n,)
        Positive follow-up times.
    event : array-like of int, shape (n,)
        1 where the event was seen, 0 where the time is censored; 2 and up a competing event, after which
        the event of interest cannot come: such a unit outlives all (Wolbers).
    risk : array-like of float, shape (n,)
        Higher means an earlier event (a Cox linear predictor, not a survival probability).
    method : {"harrell", "uno"}, default "harrell"
        Harrell's C over all comparable pairs; it depends on how censoring cuts the pairs.  Uno's C
        weights each pair by the inverse probability that it is comparable, and does not.
    level : float, default 0.95
        Level of the Wald interval, which is cut at 0 and 1.
    cluster : array-like, shape (n,), optional
        Units with the same value (lesions of a patient) are dependent; their influence values are
        summed before the variance is taken.
    tau : float, optional
        Only pairs whose first event lies before it.  For Uno's C choose it where enough units are still
        followed: weights grow as fewer are left.

    Returns
    -------
    StatResult
        ``estimate`` and ``se``; with Harrell's method ``result["concordant"]``, ``["discordant"]``, ``["tied_risk"]``,
        ``["tied_time"]`` and ``["tied_both"]`` are counts of pairs, as R's ``concordance`` has them.

    Raises
    ------
    RadiogenError
        RG402, RG403, RG705 for unusable arrays; RG701 where no pair can be compared; RG708 for an
        unknown method.

    Notes
    -----
    Two units are comparable where the shorter time is an event; an event and a censoring at one
    time are comparable, two events at one time are not.  Pairs tied in risk count one half.  The
    standard error is the infinitesimal jackknife of R's survival package.  O(n log² n).

    Uno's weights are 1 / G(T-)² with the Kaplan-Meier estimate G of the censoring, as R's
    ``concordance(timewt = "n/G2")``; the standard error includes the estimation of G, which R's does not.  With competing
    events the pair of an event and an earlier competing event has the weight 1 / {G(T-) G(T'-)}, T' being the time of the
    latter: the estimator of Wolbers et al. (2014), with G not depending on covariates, as R's ``pec::cindex`` has it.

    References
    ----------
    Harrell et al., JAMA 1982;247:2543, doi 10.1001/jama.1982.03320430047030.  Therneau and
    Atkinson, "Concordance", vignette of the R package survival.  Uno et al., Stat Med 2011;30:1105,
    doi 10.1002/sim.4154.  Wolbers et al., Epidemiology 2009;20:555, doi 10.1097/EDE.0b013e3181a39056;
    Biostatistics 2014;15:526, doi 10.1093/biostatistics/kxt059.

    Examples
    --------
    >>> concordance([1, 2, 3, 4], [1, 1, 0, 1], [4, 1, 3, 2]).estimate
    0.6
    """
    z = normal_quantile(level)
    t, status = _checked(time, event, method)
    r = number(risk, "risk")
    same_length(time=t, risk=r)
    estimate, influence, counts = _estimate(t, status, r, method, tau)
    se = float(np.sqrt(np.sum(_by_cluster(influence, cluster) ** 2)))
    words = _words(method, tau) + (", competing events outlive all" if (status > 1).any() else "")
    return StatResult(
        method=f"{words} ({_RULES}), {_VARIANCE[method]}{'' if cluster is None else ' by cluster'}, Wald",
        estimate=estimate,
        se=se,
        lower=max(0.0, estimate - z * se),
        upper=min(1.0, estimate + z * se),
        n=t.size,
        events=int((status == 1).sum()),
        level=level,
        extra=counts,
        notes=_narrow(se),
    )


def concordance_difference(
    time: ArrayLike,
    event: ArrayLike,
    risk_a: ArrayLike,
    risk_b: ArrayLike,
    level: float = 0.95,
    cluster: Sequence[Any] | ArrayLike | None = None,
    method: str = "harrell",
    tau: float | None = None,
) -> StatResult:
    """Paired test of two concordances on the same units.

    Parameters
    ----------
    time, event : array-like, shape (n,)
        As in :func:`concordance`.
    risk_a, risk_b : array-like of float, shape (n,)
        The two risks; higher means an earlier event.
    level : float, default 0.95
        Level of the interval of the difference.
    cluster, method, tau
        As in :func:`concordance`.

    Returns
    -------
    StatResult
        ``estimate`` is C(a) - C(b), ``statistic`` is z; ``result["c_a"]``, ``["c_b"]``,
        ``["se_a"]``, ``["se_b"]`` and ``["covariance"]``.

    Raises
    ------
    RadiogenError
        As :func:`concordance`; RG705 also where the C differ but the variance is 0.

    Notes
    -----
    The variance is the sum of squares of the differences of the units' influence values, which is
    what R's ``concordance(fit_a, fit_b)`` gives.

    Examples
    --------
    >>> concordance_difference([1, 2, 3, 4], [1, 1, 0, 1], [4, 1, 3, 2], [4, 3, 2, 1]).estimate
    -0.4
    """
    z_level = normal_quantile(level)
    t, status = _checked(time, event, method)
    a, b = number(risk_a, "risk_a"), number(risk_b, "risk_b")
    same_length(time=t, risk_a=a, risk_b=b)
    (c_a, spread_a, _), (c_b, spread_b, _) = (_estimate(t, status, r, method, tau) for r in (a, b))
    spread_a, spread_b = _by_cluster(spread_a, cluster), _by_cluster(spread_b, cluster)
    difference = c_a - c_b
    se = float(np.sqrt(np.sum((spread_a - spread_b) ** 2)))
    if se == 0 and difference != 0:
        raise fail("RG705", "The difference of the concordances has no variance: both order the units fully.")
    z = difference / se if se > 0 else 0.0
    return StatResult(
        method=f"difference of two {_words(method, tau)} ({_RULES}), paired, {_VARIANCE[method]}, Wald",
        estimate=difference,
        se=se,
        lower=difference - z_level * se,
        upper=difference + z_level * se,
        statistic=z,
        p=float(2 * norm.sf(abs(z))),
        n=t.size,
        events=int((status == 1).sum()),
        level=level,
        extra={
            "c_a": c_a,
            "c_b": c_b,
            "se_a": float(np.sqrt(np.sum(spread_a**2))),
            "se_b": float(np.sqrt(np.sum(spread_b**2))),
            "covariance": float(np.sum(spread_a * spread_b)),
        },
        notes=("The two risks order the units in the same way; there is nothing to test.",) if se == 0 else (),
    )


def _words(method: str, tau: float | None) -> str:
    return ("Harrell's C" if method == "harrell" else "Uno's C") + ("" if tau is None else f" before {tau:g}")


def _narrow(se: float) -> tuple[str, ...]:
    return ("All pairs are ordered alike: the interval has no width, which says nothing about other samples.",) if se == 0 else ()


def _checked(time: ArrayLike, event: ArrayLike, method: str) -> tuple[Floats, Ints]:
    choice(method, "method", tuple(_VARIANCE))
    return status_times(time, event)


def _estimate(time: Floats, status: Ints, risk: Floats, method: str, tau: float | None) -> tuple[float, Floats, dict[str, Any]]:
    """C, the influence of each unit and what else is shown."""
    if tau is not None and (not is_number(tau) or tau <= 0):
        raise fail("RG708", "`tau` must be a positive number.", value=tau)
    if method == "uno":
        from radiogen.stats.uno import uno_concordance

        found = uno_concordance(time, status, risk, tau)
        return found.estimate, found.influence, {"tau": found.tau}
    event = status == 1
    # a unit with a competing event is followed beyond all others
    time = np.where(status > 1, time.max() + 1, time) if (status > 1).any() else time
    if tau is not None:
        # a pair counts by its first event alone, so the rest may as well be censored just beyond
        time, event = np.minimum(time, tau), event & (time < tau)
    pairs = count_pairs(time, event, risk)
    counts = {
        "concordant": int(pairs.concordant.sum()) // 2,
        "discordant": int(pairs.discordant.sum()) // 2,
        "tied_risk": int(pairs.tied.sum()) // 2,
        **_event_ties(time, event, risk),
    }
    return pairs.estimate, pairs.influence, counts


@dataclass(frozen=True)
class Pairs:
    """For each unit the comparable pairs it is in: concordant, discordant and tied in risk."""

    concordant: Ints
    discordant: Ints
    tied: Ints

    @property
    def estimate(self) -> float:
        """Harrell's C."""
        total = (self.concordant + self.discordant + self.tied).sum()
        return float((self.concordant.sum() + self.tied.sum() / 2) / total)

    @property
    def influence(self) -> Floats:
        """Derivative of C with respect to the weight of each unit."""
        each = self.concordant + self.discordant + self.tied
        # every pair is counted at both of its units
        return np.asarray((self.concordant + self.tied / 2 - self.estimate * each) / (each.sum() / 2))


def count_pairs(time: Floats, event: Bools, risk: Floats) -> Pairs:
    """Count each unit's comparable pairs, O(n log² n).

    Order the units by time, events before censorings tied with them; a pair is comparable where
    the earlier is an event and the two stand at different places.  Two different places agree in
    their leading bits and then part at one bit, so each pair is counted once, at that bit.
    """
    _, place = np.unique(np.column_stack([time, ~event]), axis=0, return_inverse=True)
    place = place.reshape(-1).astype(np.int64)
    _, rank = np.unique(risk, return_inverse=True)
    by_rank = np.argsort(rank, kind="stable")
    concordant, discordant, tied = (np.zeros(time.size, dtype=np.int64) for _ in range(3))
    for bit in range(int(place.max()).bit_length()):
        block = place >> (bit + 1)
        order = by_rank[np.argsort(block[by_rank], kind="stable")]
        late = (place[order] >> bit) & 1
        less_l, same_l, all_l = around(block[order], rank[order], late)
        starts = event[order] & (late == 0)
        less_e, same_e, all_e = around(block[order], rank[order], starts.astype(np.int64))
        ends = late == 1
        more_l, more_e = all_l - less_l - same_l, all_e - less_e - same_e
        # an event with more risk than a later unit is concordant
        concordant[order] += np.where(starts, less_l, 0) + np.where(ends, more_e, 0)
        discordant[order] += np.where(starts, more_l, 0) + np.where(ends, less_e, 0)
        tied[order] += np.where(starts, same_l, 0) + np.where(ends, same_e, 0)
    if not (concordant.any() or discordant.any() or tied.any()):
        raise fail("RG701", "No pair of units can be compared: there is no event before a later time.")
    return Pairs(concordant, discordant, tied)


def around(block: Ints, rank: Ints, flag: Any) -> tuple[Any, Any, Any]:
    """Sums of a flag (or weight) over units of the same block with smaller rank, with equal rank, and in all.

    The arrays are sorted by block and, inside, by rank.
    """
    running = np.r_[0, np.cumsum(flag)]
    new_block = np.r_[True, np.diff(block) != 0]
    new_run = new_block | np.r_[True, np.diff(rank) != 0]

    def bounds(new: Bools) -> tuple[Any, Any]:
        first = np.flatnonzero(new)
        which = np.cumsum(new) - 1
        return running[first][which], running[np.r_[first[1:], new.size]][which]

    block_low, block_high = bounds(new_block)
    run_low, run_high = bounds(new_run)
    return run_low - block_low, run_high - run_low, block_high - block_low


def _event_ties(time: Floats, event: Bools, risk: Floats) -> dict[str, int]:
    """Pairs of events at one time, apart by whether they are also tied in risk."""
    _, per_time = np.unique(time[event], return_counts=True)
    _, per_both = np.unique(np.column_stack([time[event], risk[event]]), axis=0, return_counts=True)
    both = int((per_both * (per_both - 1) // 2).sum())
    return {"tied_time": int((per_time * (per_time - 1) // 2).sum()) - both, "tied_both": both}


def _by_cluster(influence: Floats, cluster: Sequence[Any] | ArrayLike | None) -> Floats:
    if cluster is None:
        return influence
    codes, names = groups(cluster, "cluster")
    same_length(risk=influence, cluster=codes)
    if len(names) < 2:
        raise fail("RG701", "A variance by cluster needs at least two clusters.")
    return np.bincount(codes, weights=influence).astype(float)
