"""Reclassification and integrated discrimination of two sets of predicted probabilities."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import norm

from radiogen.errors import fail
from radiogen.stats._horizon import probabilities
from radiogen.stats._validate import Bools, Floats, Ints, binary, normal_quantile, numbers
from radiogen.stats.result import StatResult

_LABELS = ("nri", "events", "nonevents")
#: two predictions that differ by less are probably the same number in another arithmetic
_ROUNDING = 1e-8


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class ReclassificationResult(StatResult):
    """Net reclassification, one row each for the sum, the events and the non-events.

    Parameters
    ----------
    table : DataFrame
        Units by ``outcome`` ("event", "nonevent"; "all" for censored data), ``old`` and ``new`` class of risk, with
        their count ``n``; for the continuous index the classes are "lower", "same", "higher" in ``new`` alone.
    """

    table: pd.DataFrame = field(default_factory=pd.DataFrame)


def net_reclassification(
    y: ArrayLike, p_old: ArrayLike, p_new: ArrayLike, cuts: ArrayLike | None = None, level: float = 0.95
) -> ReclassificationResult:
    """Net reclassification index, of events and of non-events apart.

    Parameters
    ----------
    y : array-like of 0/1, shape (n,)
        The outcome; 1 is the event.  At least two units in each class.
    p_old, p_new : array-like of float, shape (n,)
        Predicted probabilities of the old and of the new model.
    cuts : float or array-like of float, optional
        Limits of the classes of risk, such as ``[0.05, 0.2]``; a probability equal to a limit belongs to the higher
        class.  Without them (the default) every rise and fall counts: the continuous index.
    level : float, default 0.95
        Level of the Wald intervals.

    Returns
    -------
    ReclassificationResult
        Rows ``nri`` (the sum of the two others, between -2 and 2), ``events`` (share moved up less share moved down)
        and ``nonevents`` (share moved down less share moved up), each with ``se``, limits, z and p;
        ``result["up"]`` and ``["down"]`` are counts in these rows; ``table`` counts the moves.

    Raises
    ------
    RadiogenError
        RG705 for unusable arrays or values that are not probabilities; RG701 with fewer than two units in a class;
        RG708 for cuts that are not increasing between 0 and 1.

    Notes
    -----
    Estimand: P(up | event) - P(down | event) + P(down | non-event) - P(up | non-event) for models fixed before.
    Variances are multinomial, without assuming an index of 0, as in R's ``Hmisc::improveProb``.  A model fitted on
    these same units looks better than it is, and the continuous index is positive even for a useless marker that was
    fitted here (Pepe et al., doi 10.1002/sim.6396); show it beside calibration and net benefit.

    References
    ----------
    Pencina et al., Stat Med 2008;27:157, doi 10.1002/sim.2929, and 2011;30:11, doi 10.1002/sim.4085.

    Examples
    --------
    >>> r = net_reclassification([1, 1, 0, 0], [0.4, 0.5, 0.4, 0.5], [0.6, 0.4, 0.3, 0.2])
    >>> r.estimate.tolist()
    [1.0, 0.0, 1.0]
    """
    z = normal_quantile(level)
    positive = binary(y, least=2)
    old, new = probabilities(p_old, "p_old", positive.size), probabilities(p_new, "p_new", positive.size)
    limits = None if cuts is None else check_cuts(cuts)
    move = moves(old, new, limits)
    up = np.array([(move[side] > 0).sum() for side in (positive, ~positive)], dtype=float)
    down = np.array([(move[side] < 0).sum() for side in (positive, ~positive)], dtype=float)
    size = np.array([positive.sum(), (~positive).sum()], dtype=float)
    parts = (up - down) / size * np.array([1.0, -1.0])
    variance = (up + down) / size**2 - (up - down) ** 2 / size**3
    # all moves in one direction: rounding must not leave a variance
    variance[(np.abs(up - down) == size) | (up + down == 0)] = 0.0
    estimate = np.r_[parts.sum(), parts]
    se = np.sqrt(np.r_[variance.sum(), variance])
    statistic, p, notes = wald(estimate, se, _LABELS)
    kind = "continuous" if limits is None else f"categorical (cuts {', '.join(f'{c:g}' for c in limits)})"
    return ReclassificationResult(
        method=f"net reclassification index, {kind}, multinomial variance, Wald",
        estimate=estimate, se=se, lower=estimate - z * se, upper=estimate + z * se, statistic=statistic, p=p,
        n=positive.size, events=int(positive.sum()), label=list(_LABELS), level=level,
        extra={"up": np.r_[up.sum(), up].astype(np.int64), "down": np.r_[down.sum(), down].astype(np.int64)},
        notes=(*notes, *rounding_note(old, new, limits)),
        table=move_table({"event": positive, "nonevent": ~positive}, old, new, limits),
    )  # fmt: skip


def integrated_discrimination(
    y: ArrayLike, p_old: ArrayLike, p_new: ArrayLike, level: float = 0.95
) -> StatResult:
    """Integrated discrimination improvement, of events and of non-events apart.

    Parameters
    ----------
    y : array-like of 0/1, shape (n,)
        The outcome; 1 is the event.  At least two units in each class.
    p_old, p_new : array-like of float, shape (n,)
        Predicted probabilities of the old and of the new model.
    level : float, default 0.95
        Level of the Wald intervals.

    Returns
    -------
    StatResult
        Rows ``idi`` (the sum of the two others), ``events`` (mean rise of the probability among events) and
        ``nonevents`` (mean fall among non-events), each with ``se``, limits, z and p; ``result["slope_old"]`` and
        ``["slope_new"]`` are the discrimination slopes, ``["relative"]`` the index over the old slope (None where that is 0).

    Raises
    ------
    RadiogenError
        As :func:`net_reclassification`.

    Notes
    -----
    Estimand: the difference of the discrimination slopes (mean probability of events less that of non-events) of two
    models fixed before.  Unequal variances of the two classes, as in R's ``Hmisc::improveProb``.  For nested models
    fitted on these units the test does not hold its level (Demler et al., doi 10.1002/sim.6647).

    References
    ----------
    Pencina et al., Stat Med 2008;27:157, doi 10.1002/sim.2929.

    Examples
    --------
    >>> r = integrated_discrimination([1, 1, 0, 0], [0.4, 0.5, 0.4, 0.5], [0.6, 0.4, 0.3, 0.2])
    >>> r.estimate.round(3).tolist()
    [0.25, 0.05, 0.2]
    """
    z = normal_quantile(level)
    positive = binary(y, least=2)
    old, new = probabilities(p_old, "p_old", positive.size), probabilities(p_new, "p_new", positive.size)
    change = new - old
    parts = np.array([change[positive].mean(), -change[~positive].mean()])
    variance = np.array([change[side].var(ddof=1) / side.sum() for side in (positive, ~positive)])
    estimate = np.r_[parts.sum(), parts]
    se = np.sqrt(np.r_[variance.sum(), variance])
    statistic, p, notes = wald(estimate, se, ("idi", *_LABELS[1:]))
    slope_old = float(old[positive].mean() - old[~positive].mean())
    return StatResult(
        method="integrated discrimination improvement, unequal variances, Wald",
        estimate=estimate, se=se, lower=estimate - z * se, upper=estimate + z * se, statistic=statistic, p=p,
        n=positive.size, events=int(positive.sum()), label=["idi", *_LABELS[1:]], level=level,
        extra={
            "slope_old": slope_old,
            "slope_new": float(new[positive].mean() - new[~positive].mean()),
            "relative": float(estimate[0] / slope_old) if slope_old != 0 else None,
        },
        notes=notes,
    )  # fmt: skip


def check_cuts(cuts: ArrayLike) -> Floats:
    """Increasing limits of classes between 0 and 1."""
    limits = numbers(cuts, "cuts")
    if limits.min() <= 0 or limits.max() >= 1 or (np.diff(limits) <= 0).any():
        raise fail("RG708", "`cuts` must increase and lie between 0 and 1.", value=limits.tolist()[:5])
    return limits


def moves(old: Floats, new: Floats, limits: Floats | None) -> Ints:
    """1 where the new model puts a unit higher, -1 where lower, 0 where it stays."""
    if limits is None:
        return np.sign(new - old).astype(np.int64)
    change = np.searchsorted(limits, new, side="right") - np.searchsorted(limits, old, side="right")
    return np.sign(change).astype(np.int64)


def move_table(sides: dict[str, Bools], old: Floats, new: Floats, limits: Floats | None) -> pd.DataFrame:
    """Counts of units by outcome, old and new class."""
    rows = []
    if limits is None:
        move = moves(old, new, None)
        for outcome, side in sides.items():
            for name, code in (("lower", -1), ("same", 0), ("higher", 1)):
                rows.append({"outcome": outcome, "old": "any", "new": name, "n": int((move[side] == code).sum())})
        return pd.DataFrame(rows)
    names = _class_names(limits)
    before, after = (np.searchsorted(limits, v, side="right") for v in (old, new))
    for outcome, side in sides.items():
        for i, first in enumerate(names):
            for j, second in enumerate(names):
                count = int((side & (before == i) & (after == j)).sum())
                rows.append({"outcome": outcome, "old": first, "new": second, "n": count})
    return pd.DataFrame(rows)


def _class_names(limits: Floats) -> list[str]:
    inner = [f"{a:g} to <{b:g}" for a, b in pairwise(limits)]
    return [f"<{limits[0]:g}", *inner, f"≥{limits[-1]:g}"]


def wald(estimate: Floats, se: Floats, labels: tuple[str, ...]) -> tuple[Floats, Floats, tuple[str, ...]]:
    """z, p and a note for the rows that have no variance."""
    flat = se == 0
    statistic = np.divide(estimate, se, out=np.where(estimate == 0, 0.0, np.nan), where=~flat)
    p = np.where(np.isnan(statistic), np.nan, 2 * norm.sf(np.abs(statistic)))
    notes = []
    for name, value, none in zip(labels, estimate, flat, strict=True):
        if none and value == 0:
            notes.append(f"{name}: nothing changes between the two models; there is nothing to test.")
        elif none:
            notes.append(f"{name}: all units change alike, so the variance is 0: no test, an interval without width.")
    return statistic, p, tuple(notes)


def rounding_note(old: Floats, new: Floats, limits: Floats | None) -> tuple[str, ...]:
    """A warning where the continuous index counts differences that are probably rounding."""
    tiny = int(((old != new) & (np.abs(new - old) < _ROUNDING)).sum())
    if limits is not None or tiny == 0:
        return ()
    return (f"{tiny} units differ by less than {_ROUNDING:g} and count as moved; round the predictions if this is noise.",)
