"""Bootstrap draws as counts: how often each unit stands in each resample."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr
from scipy.stats import t as student

from radiogen.errors import fail
from radiogen.stats._validate import Floats, Ints, groups, same_length

#: numbers held at once, so that memory stays bounded whatever the number of resamples
_CELLS = 4_000_000


def check_draws(n_boot: int, *, least: int = 2) -> int:
    """The number of resamples, checked."""
    if isinstance(n_boot, bool) or not isinstance(n_boot, int | np.integer) or n_boot < least:
        raise fail("RG708", f"`n_boot` must be a whole number, {least} or more.", value=n_boot)
    return int(n_boot)


def check_seed(seed: int) -> np.random.Generator:
    """The generator of a seed, checked."""
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise fail("RG708", "`seed` must be a whole number, 0 or more.", value=seed)
    return np.random.default_rng(int(seed))


def cluster_codes(cluster: Sequence[Any] | ArrayLike | None, n: int) -> tuple[Ints | None, int]:
    """Codes of the clusters and their number; without clusters every unit is its own."""
    if cluster is None:
        return None, n
    codes, names = groups(cluster, "cluster")
    same_length(cluster=codes, data=np.empty(n))
    if len(names) < 2:
        raise fail("RG701", "A bootstrap by cluster needs at least two clusters.")
    return codes, len(names)


def chunks(n_boot: int, n: int) -> Iterator[int]:
    """Sizes of the pieces in which resamples of ``n`` units are made."""
    size = max(1, _CELLS // max(1, n))
    for start in range(0, n_boot, size):
        yield min(size, n_boot - start)


def counts(
    rng: np.random.Generator, size: int, n: int, codes: Ints | None = None, strata: Sequence[Ints] | None = None
) -> Floats:
    """Counts of each of ``n`` units in ``size`` resamples, shape (size, n).

    With ``codes`` whole clusters are drawn; with ``strata`` (rows or clusters of each stratum) as many of each
    stratum as there are.
    """
    drawn = n if codes is None else int(codes.max()) + 1
    blocks = [np.arange(drawn)] if strata is None else strata
    out = np.zeros((size, drawn))
    for block in blocks:
        picks = rng.integers(0, block.size, (size, block.size))
        picks += np.arange(size)[:, None] * block.size
        tally = np.bincount(picks.ravel(), minlength=size * block.size).reshape(size, block.size)
        out[:, block] = tally
    return out if codes is None else out[:, codes]


def percentile(replicates: Floats, level: float, size: int | None = None) -> tuple[Floats, Floats]:
    """Percentile limits along the first axis.

    With ``size``, the units that an estimate rests on, the tails are made smaller as Student's quantile and the
    divisor n - 1 make a mean's interval wider: plain percentiles are too narrow in small samples.  Hesterberg, Am Stat
    2015;69:371, doi 10.1080/00031305.2015.1089789.
    """
    tail = (1 - level) / 2
    if size is not None:
        tail = float(ndtr(np.sqrt(size / (size - 1)) * student.ppf(tail, size - 1)))
    low, high = np.quantile(replicates, [tail, 1 - tail], axis=0)
    return low, high
