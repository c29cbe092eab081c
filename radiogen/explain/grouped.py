"""Shapley values of groups of columns: modalities, feature classes."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from radiogen.errors import fail
from radiogen.explain.attribution import SINGLE, Attribution, assemble
from radiogen.explain.games import exact_shapley, members
from radiogen.explain.rows import Table

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

#: 2**12 coalitions
MOST = 12


def grouped_shapley(
    predict: Callable[[Any], ArrayLike],
    X: Any,
    background: Any,
    groups: Mapping[Any, Hashable],
    *,
    present: ArrayLike | None = None,
    permutations: int = 200,
    seed: int = 0,
    exact: bool | None = None,
    outputs: Sequence[Hashable] = (),
    scale: str = "",
    batch: int = 20_000,
) -> Attribution:
    """Shapley values over groups of columns of a table.

    A group that is left out has the values of background rows, all groups that are left out those of the same row.

    Parameters
    ----------
    predict : callable
        DataFrame (or matrix, as ``X`` is) to shape (m,) or (m, outputs).  Take log-odds or log-hazards rather than
        probabilities, which saturate.
    X, background : DataFrame or array, shape (n, p) and (b, p)
        Units to explain, and units of the training data.  The cost is ``2**groups * b`` predictions per unit.
    groups : mapping of column to group
        Every column, once; see :func:`radiogen.explain.feature_groups`.
    present : array of bool, shape (n, groups), optional
        Which groups a unit has, in the order in which they first occur among the columns.  A group that it does not have
        keeps the unit's own (missing) values throughout and gets NaN.
    permutations : int, default 200
        Orders per unit where there are more than 12 groups, in pairs of an order and its reverse, rounded up so that every
        background row is used equally often.
    seed : int, default 0
        Every unit starts the stream anew.
    exact : bool, optional
        Default: all subsets up to 12 groups, permutations beyond.
    outputs : sequence, optional
        Names of the outputs.
    scale : str
    batch : int, default 20000
        Rows that ``predict`` sees at once.

    Returns
    -------
    Attribution
        Columns are the groups.  It adds up either way.  From permutations ``se`` has the Monte Carlo standard errors.

    Raises
    ------
    RadiogenError
        RG705 for columns without a group or shapes that do not fit; RG708 for too few permutations.

    References
    ----------
    Strumbelj E, Kononenko I. Explaining prediction models and individual predictions with feature contributions. Knowl Inf
    Syst 2014;41:647-665. doi:10.1007/s10115-013-0679-x
    Mitchell R, Cooper J, Frank E, Holmes G. Sampling permutations for Shapley value estimation. J Mach Learn Res 2022;23:1-46.

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.explain import grouped_shapley
    >>> x, background = np.array([[1.0, 2.0, 3.0]]), np.zeros((1, 3))
    >>> found = grouped_shapley(lambda z: z[:, 0] * z[:, 1] + z[:, 2], x, background, {0: "a", 1: "b", 2: "b"})
    >>> found.values.iloc[0].to_dict()
    {'a': 1.0, 'b': 4.0}
    """
    table = Table(predict, X, background)
    missing = [c for c in table.columns if c not in groups]
    if missing:
        raise fail("RG705", f"the column '{missing[0]}' has no group", value=missing[0])
    names = list(dict.fromkeys(groups[c] for c in table.columns))
    belongs = np.array([names.index(groups[c]) for c in table.columns])
    have = np.ones((len(table.x), len(names)), dtype=bool) if present is None else np.asarray(present, dtype=bool)
    if have.shape != (len(table.x), len(names)):
        raise fail("RG705", f"`present` must have the shape {(len(table.x), len(names))}", value=have.shape)
    every = len(names) <= MOST if exact is None else exact
    if every and len(names) > MOST:
        raise fail("RG708", f"all subsets are played with at most {MOST} groups, not {len(names)}", value=len(names))
    if permutations < 2:
        raise fail("RG708", "`permutations` must be at least 2", value=permutations)
    if every:
        each = [_exact(table, i, belongs, have[i], batch) for i in range(len(table.x))]
        how = f"Exact Shapley values over {len(names)} groups of columns (all subsets)"
    else:
        each = [_sampled(table, i, belongs, have[i], permutations, seed, batch) for i in range(len(table.x))]
        how = f"Shapley values over {len(names)} groups of columns from at least {permutations} orders in antithetic pairs"
    values, errors = np.stack([e[0] for e in each]), np.stack([e[1] for e in each])
    for array in (values, errors):
        array[~have] = np.nan
    many = values.shape[2]
    outs = tuple(outputs) or ((SINGLE,) if many == 1 else tuple(range(many)))
    if len(outs) != many:
        raise fail("RG705", f"{len(outs)} names are given for {many} outputs", value=outs)
    return assemble(
        values, names, base=np.stack([e[2] for e in each]), prediction=np.stack([e[3] for e in each]), units=table.units,
        method=f"{how}, against {len(table.background)} background rows.", outputs=outs, scale=scale,
        se=None if every else errors, extra={"groups": dict(groups)},
    )  # fmt: skip


_Found = tuple[FloatArray, FloatArray, FloatArray, FloatArray]


def _exact(table: Table, unit: int, belongs: NDArray[np.int_], has: BoolArray, batch: int) -> _Found:
    """Values (groups, outputs), errors of 0, base and prediction of one unit."""
    own = np.flatnonzero(has)
    inside = np.ones((1 << len(own), len(has)), dtype=bool)
    if not len(own):
        found = table.ask(table.x[unit][None])[0]
        zero = np.zeros((len(has), len(found)))
        return zero, zero.copy(), found, found
    inside[:, own] = members(len(own))
    b = len(table.background)
    most = max(1, batch // b)
    worth = []
    for first in range(0, len(inside), most):
        taken = inside[first : first + most][:, belongs]
        rows = np.where(taken[:, None], table.x[unit], table.background[None])
        worth.append(table.ask(rows.reshape(-1, rows.shape[2])).reshape(len(taken), b, -1).mean(axis=1))
    v = np.concatenate(worth)
    # the last coalition needs no background: its mean over it is rounded
    v[-1] = table.ask(table.x[unit][None])[0]
    values = np.zeros((len(has), v.shape[1]))
    values[own] = exact_shapley(v)
    return values, np.zeros_like(values), v[0], v[-1]


def _sampled(
    table: Table, unit: int, belongs: NDArray[np.int_], has: BoolArray, permutations: int, seed: int, batch: int
) -> _Found:
    rng = np.random.default_rng(seed)
    own = np.flatnonzero(has)
    b = len(table.background)
    pairs = -(-permutations // 2)
    rows = rng.choice(b, pairs, replace=False) if b > pairs else np.tile(np.arange(b), -(-pairs // b))
    half = [rng.permutation(own) for _ in rows]
    orders = np.array([o for order in half for o in (order, order[::-1])]).reshape(2 * len(rows), len(own))
    # the place of each group in each order; what the unit has not keeps its own value from the start
    place = np.full((len(orders), len(has)), -1)
    np.put_along_axis(place, orders, np.broadcast_to(np.arange(len(own)), orders.shape), axis=1)
    steps = np.arange(len(own) + 1)
    stands = np.repeat(rows, 2)
    most = max(1, batch // len(steps))
    found = []
    for first in range(0, len(orders), most):
        at = place[first : first + most][:, belongs]
        taken = at[:, None] < steps[None, :, None]
        mixed = np.where(taken, table.x[unit], table.background[stands[first : first + most]][:, None])
        found.append(table.ask(mixed.reshape(-1, mixed.shape[2])).reshape(len(at), len(steps), -1))
    v = np.concatenate(found)
    gains = np.zeros((len(orders), len(has), v.shape[2]))
    np.put_along_axis(gains, orders[:, :, None], np.diff(v, axis=1), axis=1)
    each = gains.reshape(len(rows), 2, len(has), -1).mean(axis=1)
    errors = each.std(axis=0, ddof=1) / np.sqrt(len(rows)) if len(rows) > 1 else np.full(each.shape[1:], np.nan)
    return each.mean(axis=0), errors, v[:, 0].mean(axis=0), v[:, -1].mean(axis=0)
