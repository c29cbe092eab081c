"""Deletion and insertion: what becomes of a prediction when what is said to matter most goes, or comes, first."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from radiogen.errors import fail

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class PerturbationResult:
    """Deletion and insertion curves with their areas, beside random orders.

    Parameters
    ----------
    table : DataFrame
        ``unit``, ``kind`` ("deletion", "insertion"), ``auc``, ``random_auc`` (mean over random orders), ``random_sd``,
        ``gain``: how much better than random, positive is good for both kinds.
    curves : DataFrame
        ``unit``, ``kind``, ``order`` ("attribution", "random"), ``share`` (of what can be changed), ``prediction``.
    method : str
    """

    table: pd.DataFrame
    curves: pd.DataFrame
    method: str

    def summary(self) -> pd.DataFrame:
        """Means over units by kind, with the share of units in which the attribution beats the random orders."""
        groups = self.table.assign(better=self.table["gain"] > 0, n=1).groupby("kind", sort=False)
        means = groups[["auc", "random_auc", "gain", "better"]].mean()
        return pd.concat([groups["n"].sum(), means], axis=1).reset_index()

    def mean_curves(self) -> pd.DataFrame:
        """Mean prediction over units by kind, order and share."""
        return self.curves.groupby(["kind", "order", "share"], sort=False)["prediction"].mean().reset_index()

    def __repr__(self) -> str:
        return f"{self.method}\n{self.summary().to_string(index=False)}"

    def _repr_html_(self) -> str:
        return f"<p>{escape(self.method)}</p>\n{self.summary().to_html(index=False, escape=True)}"


def deletion_insertion(
    predict: Callable[[Any], ArrayLike],
    x: ArrayLike,
    attribution: ArrayLike,
    baseline: ArrayLike,
    *,
    steps: int = 20,
    random: int = 20,
    seed: int = 0,
    units: Sequence[Hashable] = (),
) -> PerturbationResult:
    """Deletion and insertion curves of an attribution, with random orders for reference.

    Deletion begins with the unit and replaces its values by the baseline's, those of the largest attribution first; a good
    attribution makes the prediction fall at once, and the area under the curve small.  Insertion begins with the baseline and
    puts the values back in the same order; a good attribution makes the area large.

    Parameters
    ----------
    predict : callable
        Array of shape (m, …) to shape (m,), such as the logit of one class.
    x : array, shape (n, …)
        Units: rows of features, or pictures (n, channels, rows, columns).
    attribution : array, shape of ``x``, or without the channels of pictures
        ``attribution.arrays[0]``.  What is NaN is never changed.
    baseline : array
        What stands in: one row or picture of the shape of a unit, or one for each unit (a blurred picture, say).
    steps : int, default 20
        Points of a curve beyond the first.
    random : int, default 20
        Random orders for reference.  Without them a small area says nothing: an order that removes tissue and leaves a grey
        plane makes any net unsure.
    seed : int, default 0
    units : sequence, optional
        Ids.

    Returns
    -------
    PerturbationResult

    Raises
    ------
    RadiogenError
        RG705 for shapes that do not fit, RG708 for ``steps`` or ``random`` below 1.

    References
    ----------
    Petsiuk V, Das A, Saenko K. RISE: randomized input sampling for explanation of black-box models. BMVC 2018.
    doi:10.48550/arXiv.1806.07421

    Examples
    --------
    The sum of (3, 1): without the 3 it is 1, without both 0, so that the area is (4 + 1) / 4 + (1 + 0) / 4.

    >>> import numpy as np
    >>> from radiogen.explain import deletion_insertion
    >>> x = np.array([[3.0, 1.0]])
    >>> found = deletion_insertion(lambda z: z.sum(axis=1), x, x, np.zeros(2), steps=2)
    >>> float(found.table.loc[0, "auc"])
    1.5
    """
    own, ranks = np.asarray(x, dtype=float), np.asarray(attribution, dtype=float)
    if steps < 1 or random < 1:
        raise fail("RG708", "`steps` and `random` must be at least 1", value=(steps, random))
    if ranks.shape not in (own.shape, own.shape[:1] + own.shape[2:]) or own.ndim < 2:
        raise fail("RG705", f"attributions must have the shape {own.shape}, or that without channels", value=ranks.shape)
    wide = ranks.shape == own.shape
    stands = np.asarray(baseline, dtype=float)
    try:
        stands = np.broadcast_to(stands, own.shape)
    except ValueError as error:
        raise fail("RG705", f"the baseline must fit units of the shape {own.shape[1:]}", value=stands.shape) from error
    ids = list(units) if len(units) else list(range(len(own)))
    rows: list[dict[str, Any]] = []
    curves: list[pd.DataFrame] = []
    for i, unit in enumerate(ids):
        free = np.flatnonzero(~np.isnan(ranks[i].ravel()))
        rng = np.random.default_rng(seed)
        by_rank = free[np.argsort(-ranks[i].ravel()[free], kind="stable")]
        orders = [by_rank, *(rng.permutation(free) for _ in range(random))]
        counts = np.unique(np.round(np.linspace(0, len(free), steps + 1)).astype(int))
        for kind in ("deletion", "insertion"):
            found = np.stack([_curve(predict, own[i], stands[i], o, counts, kind == "insertion", wide) for o in orders])
            share = counts / max(len(free), 1)
            areas = ((found[:, 1:] + found[:, :-1]) / 2 * np.diff(share)).sum(axis=1)
            sign = 1.0 if kind == "insertion" else -1.0
            rows.append({
                "unit": unit, "kind": kind, "auc": areas[0], "random_auc": areas[1:].mean(),
                "random_sd": areas[1:].std(ddof=1) if random > 1 else np.nan, "gain": sign * (areas[0] - areas[1:].mean()),
            })  # fmt: skip
            for order, values in (("attribution", found[0]), ("random", found[1:].mean(axis=0))):
                curves.append(pd.DataFrame({"unit": unit, "kind": kind, "order": order, "share": share, "prediction": values}))
    return PerturbationResult(
        table=pd.DataFrame(rows), curves=pd.concat(curves, ignore_index=True),
        method=f"Deletion and insertion in {steps} steps, areas under the curves over the share changed, beside the mean of "
        f"{random} random orders.",
    )  # fmt: skip


def _curve(
    predict: Callable[[Any], ArrayLike], own: FloatArray, stands: FloatArray, order: NDArray[np.int_], counts: NDArray[np.int_],
    insert: bool, wide: bool,
) -> FloatArray:  # fmt: skip
    """Predictions after so many places have been changed in this order."""
    start, end = (stands, own) if insert else (own, stands)
    size = start.size if wide else start[0].size
    place = np.full(size, len(order))
    place[order] = np.arange(len(order))
    changed = place[None] < counts[:, None]
    # what has no rank keeps the unit's own value
    kept = np.where(np.isin(np.arange(size), order), False, True)
    shape = start.shape if wide else start.shape[1:]
    mask, fixed = changed.reshape(-1, *shape), kept.reshape(shape)
    if not wide:
        mask, fixed = mask[:, None], fixed[None]
    points = np.where(fixed, own, np.where(mask, end, start))
    found = np.asarray(predict(points), dtype=float)
    if found.size != len(counts):
        raise fail("RG705", "`predict` must give one number per row", value=found.shape)
    return found.reshape(-1)
