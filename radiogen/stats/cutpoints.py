"""Cut-points chosen where groups differ most, with p-values that account for the search."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import norm

from radiogen.errors import fail
from radiogen.stats._validate import Bools, Floats, Ints, choice, is_number, number, same_length, survival
from radiogen.stats.result import StatResult

_METHODS = ("Lau92", "Lau94", "HL", "permutation")
#: the exact distribution needs memory of the third power of n
_HL_LARGEST = 300
#: pairs of cut-points searched by xtile: more are thinned out evenly
_XTILE_CUTS = 100
_BLOCK = 200


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class CutpointResult(StatResult):
    """Chosen cut-points; ``estimate`` is the cut-point (or one per row), ``p`` is corrected for the search.

    Parameters
    ----------
    profile : DataFrame
        Every cut-point searched (``cutpoint``, or ``lower`` and ``upper`` of two) with its ``statistic``
        and the size of the groups.
    """

    profile: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def cutpoints(self) -> tuple[float, ...]:
        """The cut-points; a value up to and including a cut-point is in the lower group."""
        return tuple(float(v) for v in np.atleast_1d(np.asarray(self.estimate)))


def maximally_selected_cutpoint(
    x: ArrayLike,
    time: ArrayLike,
    event: ArrayLike,
    method: str = "Lau92",
    min_prop: float = 0.1,
    max_prop: float = 0.9,
    n_perm: int = 10_000,
    seed: int = 0,
) -> CutpointResult:
    """The cut-point of a marker with the largest log-rank statistic, and the p-value of that maximum.

    Parameters
    ----------
    x : array-like of float, shape (n,)
        The marker.
    time : array-like of float, shape (n,)
        Positive follow-up times.
    event : array-like of 0/1, shape (n,)
        1 where the event was seen, 0 where the time is censored.
    method : {"Lau92", "Lau94", "HL", "permutation"}, default "Lau92"
        How the p-value is found: the asymptotic formula of Lausen and Schumacher (1992), their improved
        Bonferroni bound over the cut-points that there are (1994), the bound from the exact conditional
        distribution of integer scores by Hothorn and Lausen (2003; up to 300 units), or permutation.
    min_prop, max_prop : float, defaults 0.1 and 0.9
        The lower group has at least and at most this share of the units.
    n_perm : int, default 10,000
        Permutations; their p is (1 + exceeding) / (1 + n_perm).
    seed : int, default 0
        Seed of the permutations.

    Returns
    -------
    CutpointResult
        ``estimate`` is the cut-point (units with x up to it are the lower group), ``statistic`` the
        maximal standardised statistic M, ``p`` its corrected p-value; ``result["p_uncorrected"]`` is the
        p-value of the same split if it had been given beforehand: never report it alone.

    Raises
    ------
    RadiogenError
        RG402, RG403, RG705 for unusable arrays, also for a constant marker; RG701 without events or
        without a cut-point between the shares; RG708 for an unknown option or HL with more than 300 units.

    Notes
    -----
    Log-rank scores a_i = event_i - Σ over T_j ≤ T_i of event_j / (n - #{T ≤ T_j} + 1); their sum in the
    lower group is standardised with its permutation mean and variance.  For HL the scores are mapped to
    integers 0 … n, so M differs slightly, and the number is R's to the last digit: maxstat leaves out
    groups whose scores are all 0 and, with ties in x, subtracts joint probabilities of neighbouring group
    sizes also where one of them is no cut-point.  The hazard ratio at a chosen cut-point is biased away from 1;
    validate it on other data.

    References
    ----------
    Lausen and Schumacher, Biometrics 1992;48:73, doi 10.2307/2532740.  Hothorn and Lausen, Comput Stat
    Data Anal 2003;43:121, doi 10.1016/S0167-9473(02)00225-6.

    Examples
    --------
    >>> r = maximally_selected_cutpoint([1, 2, 3, 4, 5, 6], [9, 8, 9, 2, 3, 1], [1, 0, 1, 1, 1, 1], "Lau94")
    >>> r.estimate, round(r.statistic, 3)
    (3.0, 2.093)
    """
    choice(method, "method", _METHODS)
    if not (is_number(min_prop) and is_number(max_prop) and 0 <= min_prop < max_prop <= 1):
        raise fail("RG708", "`min_prop` and `max_prop` must be shares with min_prop < max_prop.", value=(min_prop, max_prop))
    values, t, e = _checked(x, time, event)
    scores = log_rank_scores(t, e)
    if method == "HL":
        if t.size > _HL_LARGEST:
            raise fail("RG708", f"HL handles up to {_HL_LARGEST} units; use Lau94 or permutation.", value=t.size)
        scores = _integers(scores)
    order = np.argsort(values, kind="stable")
    sizes = _sizes(values[order], min_prop, max_prop)
    statistics = _standardised(scores[order], sizes)
    best = int(np.argmax(statistics))
    m = float(statistics[best])
    # with all shares allowed the formula has no limits of its own
    p = {
        "Lau92": lambda: _lausen92(m, min_prop, max_prop, t.size),
        "Lau94": lambda: _lausen94(m, sizes, t.size),
        "HL": lambda: _hothorn(m, scores[order], sizes),
        "permutation": lambda: _permutation(m, scores, sizes, n_perm, seed),
    }[method]()
    cuts = values[order][sizes - 1]
    how = f"permutation ({n_perm:,}, seed {seed})" if method == "permutation" else method
    return CutpointResult(
        method=f"maximally selected log-rank statistic, {how} p-value, lower group {min_prop:.0%} to {max_prop:.0%}",
        estimate=float(cuts[best]),
        statistic=m,
        p=p,
        n=t.size,
        events=int(e.sum()),
        extra={"p_uncorrected": float(2 * norm.sf(m)), "cutpoints_searched": int(sizes.size)},
        profile=pd.DataFrame({"cutpoint": cuts, "statistic": statistics, "n_lower": sizes, "n_upper": t.size - sizes}),
    )


def xtile(
    x: ArrayLike,
    time: ArrayLike,
    event: ArrayLike,
    min_prop: float = 0.1,
    n_perm: int = 1000,
    seed: int = 0,
) -> CutpointResult:
    """Two cut-points of a marker with the largest log-rank statistic of three groups, and a corrected p-value.

    Parameters
    ----------
    x, time, event
        As in :func:`maximally_selected_cutpoint`.
    min_prop : float, default 0.1
        Least share of the units in each of the three groups.
    n_perm : int, default 1,000
        Permutations of the outcome against the marker; the search is repeated in each.
    seed : int, default 0
        Seed of the permutations.

    Returns
    -------
    CutpointResult
        ``estimate`` has the two cut-points; ``statistic`` and ``p`` are of the maximum (the same on both
        rows); ``result["p_uncorrected"]`` is the chi-squared p-value with two degrees of freedom that
        ignores the search.

    Raises
    ------
    RadiogenError
        As :func:`maximally_selected_cutpoint`.

    Notes
    -----
    What X-tile does by eye or by a split into halves: all pairs of cut-points are tried (of more than 100
    possible cut-points evenly spaced ones), the statistic of a pair being the sum over groups of n × (mean
    score)² over the permutation variance of the log-rank scores.  The p-value repeats the whole search
    on permuted outcomes: (1 + exceeding) / (1 + n_perm).

    References
    ----------
    Camp, Dolled-Filhart and Rimm, Clin Cancer Res 2004;10:7252, doi 10.1158/1078-0432.CCR-04-0713.

    Examples
    --------
    >>> t = [9, 8, 9, 7, 5, 5, 4, 6, 2, 3, 1, 2]
    >>> xtile(range(12), t, [1] * 12, min_prop=0.25, n_perm=200).cutpoints
    (2.0, 7.0)
    """
    if not (is_number(min_prop) and 0 < min_prop <= 1 / 3):
        raise fail("RG708", "`min_prop` must lie above 0 and not above 1/3: there are three groups.", value=min_prop)
    _check_permutations(n_perm)
    values, t, e = _checked(x, time, event)
    n = t.size
    scores = log_rank_scores(t, e)
    order = np.argsort(values, kind="stable")
    sizes = _sizes(values[order], min_prop, 1 - min_prop)
    if sizes.size > _XTILE_CUTS:
        sizes = sizes[np.unique(np.linspace(0, sizes.size - 1, _XTILE_CUTS).round().astype(int))]
    first, second = np.triu_indices(sizes.size, 1)
    wide = sizes[second] - sizes[first] >= max(1, int(np.floor(n * min_prop)))
    first, second = first[wide], second[wide]
    if not first.size:
        raise fail("RG701", "No two cut-points leave three groups of the least size.", value=min_prop)
    statistics = _three_groups(scores[order][None, :], sizes, first, second)[0]
    best = int(np.argmax(statistics))
    maximum = float(statistics[best])
    rng = np.random.default_rng(seed)
    above = 0
    for start in range(0, n_perm, _BLOCK):
        drawn = rng.permuted(np.tile(scores, (min(_BLOCK, n_perm - start), 1)), axis=1)
        above += int(np.sum(_three_groups(drawn, sizes, first, second).max(axis=1) >= maximum * (1 - 1e-12)))
    cuts = values[order][sizes - 1]
    lower, upper = float(cuts[first[best]]), float(cuts[second[best]])
    p = (1 + above) / (1 + n_perm)
    low, middle = sizes[first], sizes[second] - sizes[first]
    return CutpointResult(
        method=f"two maximally selected cut-points, three-group log-rank scores, permutation p-value ({n_perm:,}, seed {seed})",
        estimate=np.array([lower, upper]),
        statistic=np.full(2, maximum),
        p=np.full(2, p),
        n=n,
        events=int(e.sum()),
        label=["lower cut-point", "upper cut-point"],
        extra={"p_uncorrected": float(np.exp(-maximum / 2)), "pairs_searched": int(first.size)},
        profile=pd.DataFrame({
            "lower": cuts[first], "upper": cuts[second], "statistic": statistics, "n_low": low, "n_middle": middle,
            "n_high": n - low - middle,
        }),
    )  # fmt: skip


def log_rank_scores(time: Floats, event: Bools) -> Floats:
    """Log-rank scores: event less the sum of 1 / (units left, the tied counted once) over events so far."""
    order = np.argsort(time, kind="stable")
    rank = np.searchsorted(time[order], time, side="right")
    part = event / (time.size - rank + 1)
    return np.asarray(event - np.cumsum(part[order])[rank - 1])


def _checked(x: ArrayLike, time: ArrayLike, event: ArrayLike) -> tuple[Floats, Floats, Bools]:
    values = number(x, "x")
    t, e = survival(time, event)
    same_length(x=values, time=t)
    if not e.any():
        raise fail("RG701", "A cut-point needs events; all times are censored.")
    if np.ptp(values) == 0:
        raise fail("RG705", "`x` is constant.", value=values[0])
    if np.ptp(log_rank_scores(t, e)) <= 1e-12:
        raise fail("RG701", "All units have the same outcome: nothing can be split.")
    return values, t, e


def _sizes(ordered: Floats, min_prop: float, max_prop: float) -> Ints:
    """Sizes of the lower group at each possible cut-point (no cut goes between equal values)."""
    n = ordered.size
    sizes = np.flatnonzero(np.diff(ordered) > 0) + 1
    sizes = sizes[(sizes >= max(1, np.floor(n * min_prop))) & (sizes <= np.floor(n * max_prop))]
    if not sizes.size:
        raise fail("RG701", "No cut-point leaves both groups the share of units asked for.", value=(min_prop, max_prop))
    return sizes


def _moments(scores: Floats, sizes: Ints) -> tuple[Floats, Floats]:
    """Permutation mean and variance of the sum of scores in a group of each size."""
    n = scores.size
    m = sizes.astype(float)
    variance = m * (n - m) / (n**2 * (n - 1)) * (n * np.sum(scores**2) - scores.sum() ** 2)
    return m / n * scores.sum(), variance


def _standardised(ordered: Floats, sizes: Ints) -> Floats:
    mean, variance = _moments(ordered, sizes)
    return np.asarray(np.abs(np.cumsum(ordered)[sizes - 1] - mean) / np.sqrt(variance))


def _three_groups(ordered: Floats, sizes: Ints, first: Ints, second: Ints) -> Floats:
    """Statistic of three groups for each row of ordered scores and each pair of cut-points."""
    n = ordered.shape[1]
    centred = ordered - ordered.mean(axis=1, keepdims=True)
    sums = np.cumsum(centred, axis=1)[:, sizes - 1]
    low, high = sums[:, first], -sums[:, second]
    n_low, n_high = sizes[first], n - sizes[second]
    middle, n_middle = -(low + high), n - n_low - n_high
    variance = np.sum(centred**2, axis=1, keepdims=True) / (n - 1)
    return np.asarray((low**2 / n_low + middle**2 / n_middle + high**2 / n_high) / variance)


def _lausen92(b: float, low: float, high: float, n: int) -> float:
    low, high = low if low > 0 else 1 / n, high if high < 1 else 1 - 1 / n
    if b < 1:
        return 1.0
    density = float(norm.pdf(b))
    return float(min(1.0, max(0.0, 4 * density / b + density * (b - 1 / b) * np.log(high * (1 - low) / ((1 - high) * low)))))


def _lausen94(b: float, sizes: Ints, n: int) -> float:
    one, two = sizes[:-1].astype(float), sizes[1:].astype(float)
    gap = np.sqrt(1 - one * (n - two) / ((n - one) * two))
    joint = float(np.sum(np.exp(-(b**2) / 2) / np.pi * (gap - (b**2 / 4 - 1) * gap**3 / 6)))
    # written as in maxstat: beyond b = 8.3 rounding takes the first part away, and R's digits are kept
    return float(min(1.0, max(0.0, 1 - (norm.cdf(b) - norm.cdf(-b)) + joint)))


def _integers(scores: Floats) -> Floats:
    shifted = scores - scores.min()
    # half a unit is rounded to the even number, as R does
    return np.asarray(np.round(shifted * scores.size / shifted.max()))


def _hothorn(b: float, ordered: Floats, sizes: Ints) -> float:
    """Upper bound of P(max ≥ b) from the distributions of the sums of integer scores of each group size."""
    scores = (ordered - ordered.min()).astype(np.int64)
    n, top = scores.size, int(scores.sum())
    share = _sum_distributions(scores)
    m = np.arange(n + 1)
    mean, variance = _moments(scores.astype(float), m)
    sums = np.arange(top + 1)
    safe = np.where(variance > 0, variance, 1.0)
    distance = np.abs(sums - mean[:, None]) / np.sqrt(safe)[:, None]
    if sizes.size == 1:
        # nothing was searched: the exact two-sided test of this one split, the split itself included
        size = int(sizes[0])
        return float(min(1.0, share[size][distance[size] >= b * (1 - 1e-12)].sum()))
    # R leaves out groups whose scores are all 0, and with them a little of the lower tail
    beyond = (distance > b) & (share > 0) & (sums > 0)
    total = np.where(beyond, share, 0.0).sum(axis=1)
    largest = int(scores.max())
    for size in range(int(sizes.min()), n - 1):
        # sums from which every next unit leaves the following size beyond b too
        stays_low = np.zeros(top + 1, dtype=bool)
        stays_low[: top + 1 - largest] = beyond[size + 1, largest:]
        low = beyond[size] & (sums < mean[size]) & stays_low
        high = beyond[size] & (sums > mean[size]) & beyond[size + 1]
        total[size + 1] -= share[size][low | high].sum()
    return float(min(1.0, max(0.0, total[sizes].sum())))


def _sum_distributions(scores: Ints) -> Floats:
    """Probability of each sum of the scores of a random group of each size, (n + 1, total + 1)."""
    n, top = scores.size, int(scores.sum())
    counts = np.zeros((n + 1, top + 1))
    counts[0, 0] = 1.0
    reached = 0
    # after j scores the rows hold counts of groups over binomial(j, size): all stay between 0 and 1
    for done, score in enumerate(scores, start=1):
        reached += int(score)
        size = np.arange(1, done + 1)[:, None]
        new = counts[: done + 1, : reached + 1] * (1 - np.arange(done + 1)[:, None] / done)
        new[1:, score:] += counts[:done, : reached + 1 - score] * (size / done)
        counts[: done + 1, : reached + 1] = new
    return counts


def _permutation(m: float, scores: Floats, sizes: Ints, n_perm: int, seed: int) -> float:
    _check_permutations(n_perm)
    mean, variance = _moments(scores, sizes)
    rng = np.random.default_rng(seed)
    above = 0
    for start in range(0, n_perm, _BLOCK):
        drawn = rng.permuted(np.tile(scores, (min(_BLOCK, n_perm - start), 1)), axis=1)
        largest = np.max(np.abs(np.cumsum(drawn, axis=1)[:, sizes - 1] - mean) / np.sqrt(variance), axis=1)
        above += int(np.sum(largest >= m * (1 - 1e-12)))
    return (1 + above) / (1 + n_perm)


def _check_permutations(n_perm: int) -> None:
    if not isinstance(n_perm, int | np.integer) or n_perm < 100:
        raise fail("RG708", "`n_perm` must be at least 100.", value=n_perm)
