"""A small search over settings of a survival model, inside the data that it is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from radiogen.errors import RadiogenError, fail
from radiogen.models.survival.coxpass import cox_order
from radiogen.models.survival.interface import Floats, Ints, SurvivalModel, check_number
from radiogen.stats._validate import groups as group_codes

#: strength of the prior and size of the network: what differed most between the published settings
DEFAULT_GRID: Mapping[str, Sequence[Any]] = {"l2": (0.5, 2.0, 8.0), "hidden": ((32,), (64, 64))}


def search_settings(
    model: type[SurvivalModel], x: Floats, time: Floats, event: Ints, groups: ArrayLike | None,
    grid: Mapping[str, Sequence[Any]], folds: int, random_state: int, fixed: Mapping[str, Any],
) -> pd.DataFrame:  # fmt: skip
    """Cross-validated partial likelihood of every combination of settings.

    Parameters
    ----------
    model : type
        A model with ``log_hazard`` and a parameter ``random_state``.
    x : ndarray, shape (n, p)
    time, event : ndarray, shape (n,)
    groups : array, shape (n,), or None
        Units of one group stay in one fold.
    grid : mapping
        Parameter -> values.
    folds : int
    random_state : int
        Of the folds and the models.
    fixed : mapping
        Parameters that all share.

    Returns
    -------
    DataFrame
        One row for each combination, best first: its values and ``loss``, the mean negative log partial likelihood per event
        of the units left out, among themselves.  Combinations that diverge have an infinite loss.

    Raises
    ------
    RadiogenError
        RG708 for an empty grid or an unknown parameter, RG603 with fewer groups with an event than folds.
    """
    check_number("folds", folds, 2, 20, whole=True)
    if not grid or any(not isinstance(v, Sequence) or isinstance(v, str) or not len(v) for v in grid.values()):
        raise fail("RG708", "`grid` must map parameters to lists of values.", value=grid)
    fold = fold_of(event, groups, folds, np.random.default_rng(random_state))
    rows = []
    for values in product(*grid.values()):
        chosen = dict(zip(grid, values, strict=True))
        candidate = model().set_params(**{**fixed, **chosen, "random_state": random_state})
        rows.append({**chosen, "loss": _held_out_loss(candidate, x, time, event, groups, fold)})
    table = pd.DataFrame(rows).sort_values("loss", kind="stable", ignore_index=True)
    if not np.isfinite(table["loss"][0]):
        raise fail("RG704", "no combination of settings could be trained in every fold")
    return table


def fold_of(event: Ints, groups: ArrayLike | None, folds: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Fold of each unit; groups with an event, and those without, are spread evenly.

    Parameters
    ----------
    event : ndarray, shape (n,)
    groups : array, shape (n,), or None
    folds : int
    random : numpy Generator

    Returns
    -------
    ndarray of int, shape (n,)
    """
    codes = np.arange(event.size) if groups is None else group_codes(groups, "groups")[0]
    dead = np.bincount(codes, weights=event > 0) > 0
    if dead.sum() < folds:
        raise fail("RG603", f"{int(dead.sum())} units (groups) have an event and there are {folds} folds.")
    order = np.concatenate([random.permutation(np.flatnonzero(dead)), random.permutation(np.flatnonzero(~dead))])
    place = np.empty(dead.size, dtype=np.int64)
    place[order] = np.arange(dead.size) % folds
    return np.asarray(place[codes])


def _held_out_loss(
    model: SurvivalModel, x: Floats, time: Floats, event: Ints, groups: ArrayLike | None, fold: NDArray[np.int64]
) -> float:
    total, events = 0.0, 0.0
    for k in range(int(fold.max()) + 1):
        left, kept = fold == k, fold != k
        try:
            model._fit_checked(x[kept], time[kept], event[kept], groups=None if groups is None else np.asarray(groups)[kept])
        except RadiogenError as error:
            if error.code != "RG704":
                raise
            return float("inf")
        order = cox_order(time[left], event[left])
        total += order.evaluate(model.log_hazard(x[left]))[0] * order.events
        events += order.events
    return total / events
