"""Bootstrap of concordances: all resamples at once from the matrix of pairs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from radiogen.errors import fail
from radiogen.stats._validate import Bools, Floats, Ints, number, same_length, survival
from radiogen.stats.harrell import count_pairs
from radiogen.stats.result import StatResult

#: above this the matrix of pairs takes more memory than sorting takes time
_MATRIX = 5000
#: resamples in one product
_BLOCK = 500


def concordance_bootstrap(
    time: ArrayLike,
    event: ArrayLike,
    risk: ArrayLike | Mapping[str, Any],
    n_boot: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> StatResult:
    """Percentile intervals of Harrell's C over bootstrap samples of units.

    Parameters
    ----------
    time : array-like of float, shape (n,)
        Positive follow-up times.
    event : array-like of 0/1, shape (n,)
        1 where the event was seen, 0 where the time is censored.
    risk : array-like of float, shape (n,), or a mapping of name to such
        Higher means an earlier event.  Several are drawn with the same resamples, and their
        differences from the first have rows of their own.
    n_boot : int, default 2000
        Resamples; percentiles at 2.5 % want a thousand at least.
    level : float, default 0.95
        Level of the percentile interval.
    seed : int, default 0
        Seed of the resamples.

    Returns
    -------
    StatResult
        One row per risk and one per difference from the first; ``se`` is the standard deviation of the
        draws; ``result["draws"]`` maps each label to its draws, shape (n_boot,).

    Raises
    ------
    RadiogenError
        RG402, RG403, RG705 for unusable arrays; RG701 where no pair can be compared, in the data or in a
        resample; RG708 for fewer than 100 resamples or a level outside 0 to 1.

    Notes
    -----
    Pair and tie rules of :func:`radiogen.stats.concordance`.  With the counts W (n × resamples) of each
    unit, the concordant and the comparable pairs of all resamples are the column sums of W ∘ KW and
    W ∘ PW, where K and P say what each pair of units is; a unit drawn twice is no pair with itself.
    Above 5,000 units each resample is sorted instead.

    References
    ----------
    Efron and Tibshirani, An Introduction to the Bootstrap, 1993.

    Examples
    --------
    >>> r = concordance_bootstrap([1, 2, 3, 4, 5, 6], [1, 1, 1, 1, 1, 1], [5, 6, 3, 4, 2, 1], n_boot=200)
    >>> round(float(r.estimate[0]), 3)
    0.867
    """
    if not isinstance(n_boot, int | np.integer) or n_boot < 100:
        raise fail("RG708", "`n_boot` must be at least 100.", value=n_boot)
    if not isinstance(level, int | float) or not 0 < level < 1:
        raise fail("RG708", "`level` must lie between 0 and 1, such as 0.95.", value=level)
    t, e = survival(time, event)
    named = risk if isinstance(risk, Mapping) else {"risk": risk}
    risks = {str(name): number(values, str(name)) for name, values in named.items()}
    same_length(time=t, **risks)
    first, *others = risks
    estimates = {name: count_pairs(t, e, r).estimate for name, r in risks.items()}
    draws = {name: _draws(t, e, r, int(n_boot), seed) for name, r in risks.items()}
    for name in others:
        label = f"{name} - {first}"
        estimates[label], draws[label] = estimates[name] - estimates[first], draws[name] - draws[first]
    tails = 100 * np.array([(1 - level) / 2, (1 + level) / 2])
    limits = np.array([np.percentile(d, tails) for d in draws.values()])
    return StatResult(
        method=f"Harrell's C, percentile bootstrap of {n_boot:,} resamples of units (seed {seed})",
        estimate=np.array(list(estimates.values())),
        se=np.array([np.std(d, ddof=1) for d in draws.values()]),
        lower=limits[:, 0],
        upper=limits[:, 1],
        n=np.full(len(draws), t.size),
        events=np.full(len(draws), int(e.sum())),
        label=list(draws),
        level=level,
        extra={"draws": draws},
    )


def _draws(time: Floats, event: Bools, risk: Floats, n_boot: int, seed: int) -> Floats:
    rng = np.random.default_rng(seed)
    n = time.size
    concordant, comparable = _pair_matrices(time, event, risk) if n <= _MATRIX else (None, None)
    parts = []
    for start in range(0, n_boot, _BLOCK):
        rows = rng.integers(0, n, (min(_BLOCK, n_boot - start), n))
        if concordant is None or comparable is None:
            parts.append(np.array([count_pairs(time[r], event[r], risk[r]).estimate for r in rows]))
            continue
        counts = _counts(rows, n)
        won, pairs = _quadratic(concordant, counts), _quadratic(comparable, counts)
        if (pairs == 0).any():
            raise fail("RG701", "A bootstrap sample has no pair that can be compared: there are too few events.")
        parts.append(won / pairs)
    return np.concatenate(parts)


def _counts(rows: Ints, n: int) -> np.ndarray:
    """How often each unit is in each resample, (n, resamples)."""
    shift = np.arange(rows.shape[0])[:, None] * n
    flat = np.bincount((rows + shift).ravel(), minlength=rows.shape[0] * n)
    return flat.reshape(rows.shape[0], n).T.astype(np.float32)


def _quadratic(matrix: np.ndarray, counts: np.ndarray) -> Floats:
    # halves and counts of a few thousand are exact in single precision; their sum is taken in double
    return np.asarray(np.einsum("ij,ij->j", counts, matrix @ counts, dtype=np.float64))


def _pair_matrices(time: Floats, event: Bools, risk: Floats) -> tuple[np.ndarray, np.ndarray]:
    """For each pair (row first): whether it counts as concordant (one half if tied), and whether it is comparable."""
    later = (time[:, None] < time) | ((time[:, None] == time) & ~event)
    comparable = event[:, None] & later
    won = np.where(risk[:, None] > risk, 1.0, np.where(risk[:, None] == risk, 0.5, 0.0))
    return np.where(comparable, won, 0.0).astype(np.float32), comparable.astype(np.float32)
