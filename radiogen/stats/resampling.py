"""Bootstrap intervals of any statistic."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri

from radiogen.errors import RadiogenError, fail
from radiogen.stats._draws import check_draws, check_seed, chunks, cluster_codes, counts
from radiogen.stats._resampled import NAMED, named
from radiogen.stats._validate import Floats, Ints, array_of, choice, groups, moderate, normal_quantile, same_length
from radiogen.stats.result import StatResult

#: beyond so many units the jackknife leaves out blocks of units
_JACKKNIFE = 2000
_METHODS = ("bca", "percentile", "basic")
#: counts (resamples × units) -> values (resamples × statistics); NaN where a resample has none
_Evaluate = Callable[[Floats], Floats]


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class BootstrapResult(StatResult):
    """A statistic with its bootstrap interval.

    Parameters
    ----------
    replicates : ndarray, shape (resamples,) or (resamples, statistics)
        The statistic in each resample that had one.
    """

    replicates: Floats = field(default_factory=lambda: np.empty(0))


def bootstrap_ci(
    statistic: Callable[..., Any] | str,
    data: Any,
    method: str = "bca",
    n_boot: int = 2000,
    level: float = 0.95,
    cluster: Sequence[Any] | ArrayLike | None = None,
    strata: Sequence[Any] | ArrayLike | None = None,
    weighted: bool = False,
    seed: int = 0,
) -> BootstrapResult:
    """Bootstrap interval of a statistic of units or of clusters of units.

    Parameters
    ----------
    statistic : callable or {"auc", "concordance"}
        Function of the data that returns a number, or an array of numbers.  "auc" of data (y, score) and "concordance"
        (Harrell's C) of data (time, event, risk) are computed for all resamples at once.
    data : array, DataFrame, or tuple of arrays
        One row per unit.  Of a tuple the rows stay together and the function takes the arrays as arguments.
    method : {"bca", "percentile", "basic"}, default "bca"
        Bias-corrected and accelerated (second-order correct, the default), percentile, or basic (reflected) interval.
    n_boot : int, default 2000
        Resamples; with fewer than 1,000 the limits of a 95 % interval wobble.
    level : float, default 0.95
        Level of the interval.
    cluster : array-like, shape (n,), optional
        Units with the same value (lesions of a patient) are drawn, and left out by the jackknife, together.
    strata : array-like, shape (n,), optional
        Groups of fixed size, such as the classes of a case-control sample; each keeps its number of units (or of
        clusters, which must then lie inside the strata).
    weighted : bool, default False
        Whether the function takes, after the data, counts of shape (resamples, n) and returns one value for each
        row: faster, where the statistic can be written so.
    seed : int, default 0
        Seed of the resampling.

    Returns
    -------
    BootstrapResult
        ``estimate`` (of the data), ``se`` (standard deviation of the replicates), limits, ``result["bias"]`` and for
        bca ``["bias_correction"]`` (z0) and ``["acceleration"]``.

    Raises
    ------
    RadiogenError
        RG705 for data of different lengths, a statistic that is not finite on the data, or a bca interval that does not
        exist (the estimate lies outside all replicates); RG701 with fewer than two units or clusters or where more than
        half of the resamples have no statistic; RG708 for an option out of range.

    Notes
    -----
    Resamples in which the statistic is not finite, or raises an error of radiogen (one class only), are left out and
    counted in a note.  The acceleration comes from the jackknife; with more than 2,000 units (or clusters) it leaves out blocks
    of them.  The bootstrap is no cure for few units, and fails for extremes such as a maximum.

    References
    ----------
    Efron, JASA 1987;82:171, doi 10.1080/01621459.1987.10478410.  DiCiccio and Efron, Stat Sci 1996;11:189,
    doi 10.1214/ss/1032280214.  Field and Welsh (clusters), JRSS B 2007;69:369, doi 10.1111/j.1467-9868.2007.00593.x.

    Examples
    --------
    >>> x = np.array([9.0, 4.0, 7.0, 1.0, 2.0, 8.0, 3.0, 3.0, 2.0, 10.0])
    >>> r = bootstrap_ci(np.mean, x, method="percentile", n_boot=500)
    >>> r.estimate, 2 < r.lower < 4.9 < r.upper < 8
    (4.9, True)
    """
    choice(method, "method", _METHODS)
    z = normal_quantile(level)
    check_draws(n_boot)
    rng = check_seed(seed)
    n = _length(data)
    codes, drawn_units = cluster_codes(cluster, n)
    if drawn_units < 2:
        raise fail("RG701", "A bootstrap needs at least two units.", value=drawn_units)
    blocks = _blocks(strata, codes, n)
    evaluate = _evaluator(statistic, data, n, weighted)
    estimate = evaluate(np.ones((1, n)))[0]
    if not np.isfinite(estimate).all():
        raise fail("RG705", "The statistic of the data is not finite.", value=float(estimate[~np.isfinite(estimate)][0]))
    moderate(estimate, "statistic")
    replicates = np.vstack([evaluate(counts(rng, size, n, codes, blocks)) for size in chunks(n_boot, n)])
    usable = np.isfinite(replicates).all(axis=1)
    if usable.sum() < max(2, n_boot / 2):
        raise fail("RG701", f"{int((~usable).sum())} of {n_boot} resamples have no statistic.")
    lost = int((~usable).sum())
    notes: tuple[str, ...] = (f"{lost} of {n_boot} resamples had no statistic and were left out.",) if lost else ()
    kept = replicates[usable]
    extra: dict[str, Any] = {"bias": _single(kept.mean(axis=0) - estimate)}
    flat = np.ptp(kept, axis=0) <= 1e-12 * (1 + np.abs(estimate))
    if flat.any():
        notes += ("The statistic is the same in every resample: an interval without width says nothing about other samples.",)
    if method == "bca":
        lower, upper, bias, acceleration = _bca(evaluate, kept, estimate, flat, n, codes, z, rng)
        extra |= {"bias_correction": _single(bias), "acceleration": _single(acceleration)}
    else:
        tails = [(1 - level) / 2, (1 + level) / 2]
        lower, upper = np.quantile(kept, tails, axis=0)
        if method == "basic":
            lower, upper = 2 * estimate - upper, 2 * estimate - lower
    what = statistic if isinstance(statistic, str) else getattr(statistic, "__name__", "statistic")
    how = "" if codes is None else " by cluster"
    return BootstrapResult(
        method=f"{what}, {method} bootstrap interval{how}, {n_boot} resamples (seed {seed})",
        estimate=_single(estimate), se=_single(kept.std(axis=0, ddof=1)), lower=_single(lower), upper=_single(upper),
        n=n, level=level, extra=extra, notes=notes, replicates=kept[:, 0] if kept.shape[1] == 1 else kept,
    )  # fmt: skip


def _plain(value: Any) -> Floats:
    """What a statistic returned, as real numbers."""
    array = np.asarray(value)
    if array.dtype.kind not in "biufO":
        raise fail("RG705", "The statistic must return a number or numbers.", value=array.dtype)
    return array.astype(float)


def _single(values: Floats) -> Any:
    array = np.asarray(values, dtype=float)
    return float(array[0]) if array.size == 1 else array


def _length(data: Any) -> int:
    if isinstance(data, tuple | list) and not all(np.ndim(part) == 0 for part in data):
        if any(np.ndim(part) == 0 for part in data):
            raise fail("RG705", "`data` must be one array or frame, or a tuple of arrays of one length.")
        n = same_length(**{f"data[{k}]": part for k, part in enumerate(data)})
        if n == 0:
            raise fail("RG705", "`data` is empty.")
        return n
    if np.ndim(data) == 0:
        raise fail("RG705", "`data` must have one row per unit.")
    if len(data) == 0:
        raise fail("RG705", "`data` is empty.")
    return len(data)


def _blocks(strata: Any, codes: Ints | None, n: int) -> list[Ints] | None:
    """The units, or clusters, of each stratum."""
    if strata is None:
        return None
    levels, _ = groups(strata, "strata")
    same_length(strata=levels, data=np.empty(n))
    if codes is not None:
        frame = pd.DataFrame({"cluster": codes, "level": levels}).drop_duplicates()
        if frame["cluster"].duplicated().any():
            raise fail("RG705", "A cluster has units in several strata.")
        levels = frame.sort_values("cluster")["level"].to_numpy()
    return [np.flatnonzero(levels == level) for level in np.unique(levels)]


def _evaluator(statistic: Callable[..., Any] | str, data: Any, n: int, weighted: bool) -> _Evaluate:
    if isinstance(statistic, str):
        fast = named(statistic, data)
        return lambda w: fast(w)[:, None]
    if not callable(statistic):
        raise fail("RG708", f"`statistic` must be a function or one of {', '.join(NAMED)}.", value=statistic)
    function = statistic
    parts, take = _taker(data)
    if weighted:

        def all_at_once(w: Floats) -> Floats:
            values = np.asarray(function(*parts, w), dtype=float)
            if values.shape[:1] != w.shape[:1]:
                raise fail("RG705", f"With `weighted` the statistic must return {len(w)} values and gave {values.shape}.")
            return values.reshape(len(w), -1)

        return all_at_once

    size: list[int] = []

    def one(row: Floats) -> Floats:
        rows = np.repeat(np.arange(n), row.astype(np.int64))
        try:
            values = np.atleast_1d(_plain(function(*take(rows)))).ravel()
        except (TypeError, ValueError, ArithmeticError) as error:
            raise fail(
                "RG705", f"The statistic cannot be computed: {type(error).__name__}: {error}",
                fix="Check the type of the data: arrays of text or objects have no mean.",
            ) from error  # fmt: skip
        except RadiogenError:
            # a resample without one of the classes; the first call is on the data themselves and must succeed
            if not size:
                raise
            return np.full(size[0], np.nan)
        if size and values.size != size[0]:
            raise fail("RG705", "The statistic returns arrays of different length.", value=values.size)
        size[:] = [values.size]
        return values

    return lambda w: np.array([one(row) for row in w])


def _taker(data: Any) -> tuple[tuple[Any, ...], Callable[[Ints], tuple[Any, ...]]]:
    """The data as arguments, and a function that takes rows of them."""
    several = isinstance(data, tuple | list) and not all(np.ndim(part) == 0 for part in data)
    given = data if several else (data,)
    parts = tuple(p if isinstance(p, pd.DataFrame) else _array(p) for p in given)

    def take(rows: Ints) -> tuple[Any, ...]:
        return tuple(p.iloc[rows] if isinstance(p, pd.DataFrame) else p[rows] for p in parts)

    return parts, take


def _array(part: Any) -> Any:
    return part.to_numpy() if isinstance(part, pd.Series) else array_of(part, "data")


def _bca(
    evaluate: _Evaluate, kept: Floats, estimate: Floats, flat: Any, n: int, codes: Ints | None, z: float,
    rng: np.random.Generator,
) -> tuple[Floats, Floats, Floats, Floats]:  # fmt: skip
    # replicates equal to the estimate but for rounding count one half
    near = np.abs(kept - estimate) <= 1e-12 * (1 + np.abs(estimate))
    share = ((kept < estimate) & ~near).mean(axis=0) + near.mean(axis=0) / 2
    if (((share == 0) | (share == 1)) & ~flat).any():
        raise fail(
            "RG705", "The estimate lies outside all replicates: the bias correction has no finite value.",
            fix='Use `method="percentile"`, or another statistic; the bootstrap may fail for this one.',
        )  # fmt: skip
    bias = np.where(flat, 0.0, ndtri(np.where(flat, 0.5, share)))
    acceleration = _acceleration(evaluate, n, codes, rng)
    limits = np.empty((2, estimate.size))
    for row, side in enumerate((-z, z)):
        moved = bias + side
        probability = ndtr(bias + moved / (1 - acceleration * moved))
        limits[row] = [np.quantile(kept[:, j], probability[j]) for j in range(estimate.size)]
    return limits[0], limits[1], bias, acceleration


def _acceleration(evaluate: _Evaluate, n: int, codes: Ints | None, rng: np.random.Generator) -> Floats:
    """From the skewness of the jackknife's values."""
    units = np.arange(n) if codes is None else codes
    total = int(units.max()) + 1
    size = min(total, _JACKKNIFE)
    # blocks of units in random order where there are too many to leave out one by one
    block = np.arange(total) if size == total else rng.permutation(np.arange(total) % size)
    place = block[units]
    values = []
    for start in range(0, size, max(1, 2_000_000 // n)):
        stop = min(size, start + max(1, 2_000_000 // n))
        values.append(evaluate((place[None, :] != np.arange(start, stop)[:, None]).astype(float)))
    jackknife = np.vstack(values)
    jackknife = jackknife[np.isfinite(jackknife).all(axis=1)]
    if len(jackknife) < 2:
        return np.zeros(jackknife.shape[1])
    gap = jackknife.mean(axis=0) - jackknife
    # free of the unit, so that cubes of very large or small values are numbers
    gap = gap / np.maximum(np.abs(gap).max(axis=0), np.finfo(float).tiny)
    spread = (gap**2).sum(axis=0)
    cubes = (gap**3).sum(axis=0)
    return np.divide(cubes, 6 * spread**1.5, out=np.zeros_like(cubes), where=spread > 0)
