"""Proportions of independent groups compared."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import chi2, fisher_exact

from radiogen.errors import fail
from radiogen.stats._validate import Floats, choice, normal_quantile, number, same_length
from radiogen.stats.result import StatResult
from radiogen.stats.thresholds import proportion_interval


def compare_proportions(
    k: ArrayLike,
    n: ArrayLike,
    test: str = "chi_squared",
    correct: bool = False,
    names: Sequence[str] | None = None,
    level: float = 0.95,
) -> StatResult:
    """Proportions of two or more independent groups, such as the sensitivity in two hospitals.

    Parameters
    ----------
    k, n : array-like of int, shape (groups,)
        Successes and trials of each of at least two groups.
    test : {"chi_squared", "fisher"}, default "chi_squared"
        Pearson's chi-squared test, or for two groups Fisher's exact test.
    correct : bool, default False
        Yates' continuity correction of the chi-squared test of two groups, which R's ``prop.test`` applies by default
        and which makes the test conservative.
    names : sequence of str, optional
        Names of the groups; by default "1", "2", ….
    level : float, default 0.95
        Level of the intervals.

    Returns
    -------
    StatResult
        For two groups rows ``difference`` (first less second, Newcombe's score interval), ``ratio`` and ``odds_ratio``
        (intervals on the logarithm), then one row for each group with its Wilson interval; for more groups the latter
        alone.  ``statistic``, ``df`` and ``p`` belong to the common test and are the same in each row.

    Raises
    ------
    RadiogenError
        RG705 for counts that are not whole numbers with 0 <= k <= n or fewer than two groups; RG701 for n = 0; RG708
        for an unknown test, or Fisher's test of more than two groups.

    Notes
    -----
    A ratio with a zero in it has no interval on the logarithm: its limits are empty and a note says so.

    References
    ----------
    Newcombe (method 10 for independent proportions), Stat Med 1998;17:873,
    doi 10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I.

    Examples
    --------
    >>> r = compare_proportions([56, 48], [70, 80])
    >>> [round(float(v[0]), 4) for v in (r.estimate, r.lower, r.upper)]
    [0.2, 0.0524, 0.3339]
    """
    choice(test, "test", ("chi_squared", "fisher"))
    z = normal_quantile(level)
    good, size = number(k, "k"), number(n, "n")
    same_length(k=good, n=size)
    if good.size < 2:
        raise fail("RG705", "At least two groups are needed to compare proportions.")
    single = proportion_interval(good, size, level=level)
    labels = [str(j + 1) for j in range(good.size)] if names is None else [str(name) for name in names]
    if len(labels) != good.size:
        raise fail("RG705", f"`names` has {len(labels)} names for {good.size} groups.")
    statistic, df, p, how = _test(good, size, test, correct)
    estimate, lower, upper = (np.asarray(v, dtype=float) for v in (single.estimate, single.lower, single.upper))
    notes: tuple[str, ...] = ()
    events, trials = good, size
    if good.size == 2:
        contrast, notes = _contrasts(good, size, estimate, lower, upper, z)
        estimate, lower, upper = (np.r_[c, v] for c, v in zip(contrast.T, (estimate, lower, upper), strict=True))
        labels = ["difference", "ratio", "odds_ratio", *labels]
        events, trials = np.r_[[good.sum()] * 3, good], np.r_[[size.sum()] * 3, size]
    return StatResult(
        method=f"{how}; Wilson intervals of the proportions" + ("; Newcombe's of the difference" if good.size == 2 else ""),
        estimate=estimate, lower=lower, upper=upper, statistic=statistic, df=df, p=p, n=trials.astype(np.int64),
        events=events.astype(np.int64), label=labels, level=level, notes=notes,
    )  # fmt: skip


def _test(k: Floats, n: Floats, test: str, correct: bool) -> tuple[float | None, float | None, float, str]:
    if test == "fisher":
        if k.size != 2:
            raise fail("RG708", "Fisher's exact test is for two groups here; use `test=\"chi_squared\"`.", value=k.size)
        rows = [[int(a), int(b - a)] for a, b in zip(k, n, strict=True)]
        if 0 in (k.sum(), (n - k).sum()):
            return None, None, 1.0, "Fisher's exact test"
        return None, None, float(fisher_exact(rows)[1]), "Fisher's exact test"
    share = k.sum() / n.sum()
    df = float(k.size - 1)
    if share in (0.0, 1.0):
        return 0.0, df, 1.0, "Pearson's chi-squared test"
    observed = np.column_stack([k, n - k])
    expected = np.outer(n, [share, 1 - share])
    yates = min(0.5, float(np.abs(observed - expected).min())) if correct and k.size == 2 else 0.0
    statistic = float(((np.abs(observed - expected) - yates) ** 2 / expected).sum())
    how = "Pearson's chi-squared test" + (" with Yates' correction" if yates else "")
    return statistic, df, float(chi2.sf(statistic, df)), how


def _contrasts(
    k: Floats, n: Floats, p: Floats, lower: Floats, upper: Floats, z: float
) -> tuple[Floats, tuple[str, ...]]:
    """Difference, ratio and odds ratio (rows) with their limits (columns)."""
    gap = p[0] - p[1]
    low = gap - np.hypot(p[0] - lower[0], upper[1] - p[1])
    high = gap + np.hypot(upper[0] - p[0], p[1] - lower[1])
    rows, notes = [[gap, low, high]], []
    ratios = {
        "ratio": (p[0], p[1], 1 / np.where(k > 0, k, np.nan) - 1 / n),
        "odds_ratio": (
            k[0] * (n[1] - k[1]), k[1] * (n[0] - k[0]), 1 / np.where(k > 0, k, np.nan) + 1 / np.where(n > k, n - k, np.nan),
        ),
    }  # fmt: skip
    for name, (top, bottom, variance) in ratios.items():
        value = np.nan if top == bottom == 0 else np.inf if bottom == 0 else top / bottom
        margin = z * np.sqrt(variance.sum())
        if np.isfinite(margin) and 0 < value < np.inf:
            rows.append([value, value * np.exp(-margin), value * np.exp(margin)])
        else:
            rows.append([value, np.nan, np.nan])
            notes.append(f"{name}: a count is 0, so there is no interval on the logarithm.")
    return np.array(rows), tuple(notes)
