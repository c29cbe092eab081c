"""Risk groups from a score: cut-points that can be carried to other data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from radiogen.errors import fail
from radiogen.stats._validate import Floats, choice, number, numbers, same_length
from radiogen.stats.cutpoints import maximally_selected_cutpoint, xtile
from radiogen.stats.result import StatResult

#: shares of the units below each cut-point
_SHARES = {
    "median": (0.5,),
    "tertiles": (1 / 3, 2 / 3),
    "quartiles": (0.25, 0.5, 0.75),
    "quintiles": (0.2, 0.4, 0.6, 0.8),
    "cox": (0.16, 0.5, 0.84),
}
_NAMES = {2: ("low", "high"), 3: ("low", "intermediate", "high")}


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class RiskGroups(StatResult):
    """Groups by cut-points; ``estimate`` holds the cut-points, one row each.

    Parameters
    ----------
    groups : Categorical, shape (n,)
        The group of each unit, lowest first in its order.
    names : tuple of str
        The names of the groups from low to high.
    """

    groups: pd.Categorical = field(default_factory=lambda: pd.Categorical([]))
    names: tuple[str, ...] = ()

    @property
    def cutpoints(self) -> tuple[float, ...]:
        """The cut-points; a score up to and including one is in the lower group."""
        return tuple(float(v) for v in np.atleast_1d(np.asarray(self.estimate)))

    def assign(self, score: ArrayLike) -> pd.Categorical:
        """Put other units into the same groups by the same cut-points.

        Parameters
        ----------
        score : array-like of float, shape (m,)
            Scores on the same scale.

        Returns
        -------
        Categorical, shape (m,)
        """
        return _cut(number(score, "score"), self.cutpoints, self.names)


def risk_groups(
    score: ArrayLike,
    method: str = "median",
    cutpoints: float | Sequence[float] | None = None,
    labels: Sequence[str] | None = None,
    time: ArrayLike | None = None,
    event: ArrayLike | None = None,
    seed: int = 0,
) -> RiskGroups:
    """Divide units into groups of low to high risk.

    Parameters
    ----------
    score : array-like of float, shape (n,)
        Risk score; higher is worse.
    method : str, default "median"
        "median", "tertiles", "quartiles", "quintiles"; "cox" (the 16th, 50th and 84th centile, as Cox 1957
        and Royston and Altman 2013 advise for showing a prognostic index); "cutpoint" with ``cutpoints``;
        "maximally_selected" and "xtile" with ``time`` and ``event``.
    cutpoints : float or sequence of float, optional
        Cut-points of "cutpoint", ascending: those found on development data.
    labels : sequence of str, optional
        Names of the groups from low to high; default low, (intermediate,) high, or 1, 2, ….
    time, event : array-like, shape (n,), optional
        Outcome, for the methods that search.
    seed : int, default 0
        Seed of the permutations of "xtile".

    Returns
    -------
    RiskGroups
        ``groups``, ``cutpoints`` and ``assign(score)`` for other data; ``p`` only from a search (corrected).

    Raises
    ------
    RadiogenError
        RG705 for unusable arrays or a constant score; RG701 where a group stays empty; RG708 for an
        unknown method, or cut-points or an outcome that are missing or do not belong.

    Notes
    -----
    A score equal to a cut-point belongs to the lower group.  Quantiles are those of ``numpy.quantile``
    (R's type 7).  Cut-points from the data at hand make groups look more different than they are on
    others: fix them on development data and ``assign``.

    References
    ----------
    Royston and Altman, BMC Med Res Methodol 2013;13:33, doi 10.1186/1471-2288-13-33.

    Examples
    --------
    >>> r = risk_groups([0.1, 0.4, 0.2, 0.9], "median")
    >>> list(r.groups), [round(c, 2) for c in r.cutpoints]
    (['low', 'high', 'low', 'high'], [0.3])
    """
    searching = ("maximally_selected", "xtile")
    choice(method, "method", (*_SHARES, "cutpoint", *searching))
    values = number(score, "score")
    if (cutpoints is not None) != (method == "cutpoint"):
        raise fail("RG708", "`cutpoints` belong to the method \"cutpoint\" and to no other.", value=method)
    if (time is None or event is None) and method in searching:
        raise fail("RG708", f"The method {method} needs `time` and `event`.", value=method)
    p = None
    if method in _SHARES:
        if np.ptp(values) == 0:
            raise fail("RG705", "`score` is constant.", value=values[0])
        cuts = np.quantile(values, _SHARES[method])
    elif method == "cutpoint":
        cuts = numbers(cutpoints, "cutpoints")
    else:
        assert time is not None and event is not None
        same_length(score=values, time=number(time, "time"))
        found = maximally_selected_cutpoint(values, time, event) if method != "xtile" else xtile(values, time, event, seed=seed)
        cuts, p = np.array(found.cutpoints), float(np.atleast_1d(np.asarray(found.p))[0])
    return _groups(values, cuts, labels, method, p)


def _groups(values: Floats, cuts: Floats, labels: Sequence[str] | None, method: str, p: float | None) -> RiskGroups:
    if (np.diff(cuts) <= 0).any():
        raise fail("RG708", "Cut-points must be ascending and different.", value=cuts.tolist())
    k = cuts.size + 1
    names = tuple(_NAMES.get(k, tuple(str(i + 1) for i in range(k))) if labels is None else map(str, labels))
    if len(names) != k or len(set(names)) != k:
        raise fail("RG708", f"`labels` must be {k} different names.", value=list(names))
    groups = _cut(values, tuple(cuts), names)
    counts = np.bincount(np.asarray(groups.codes), minlength=k)
    if (counts == 0).any() and method != "cutpoint":
        raise fail("RG701", f"Group '{names[int(np.argmin(counts))]}' stays empty: too many scores are equal.")
    return RiskGroups(
        method=f"risk groups, {method.replace('_', ' ')}",
        estimate=cuts,
        p=None if p is None else np.full(cuts.size, p),
        n=values.size,
        label=[f"{a} | {b}" for a, b in pairwise(names)],
        extra={"sizes": dict(zip(names, counts.tolist(), strict=True))},
        groups=groups,
        names=names,
    )


def _cut(values: Floats, cuts: Sequence[float], names: Sequence[str]) -> pd.Categorical:
    codes = np.searchsorted(np.asarray(cuts), values, side="left")
    return pd.Categorical.from_codes(codes.tolist(), categories=list(names), ordered=True)
