"""Columns that are chosen again and again in halves of the units."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radiogen.errors import fail
from radiogen.features.selection.paths import path, penalties
from radiogen.features.selection.selector import Selector, at_least, inside, one_of, standardised, varies
from radiogen.features.selection.target import Bools, Floats, Target

#: penalties of a path that is followed until enough columns have entered, and the last of them, as a share of the first
_STEPS, _LAST = 40, 0.02


class StabilitySelection(Selector):
    """Select in many random halves of the units, and keep what is chosen in most of them, with a bound on the false ones.

    Parameters
    ----------
    base : "lasso" or a selector, default "lasso"
        "lasso": the first ``q`` columns on the lasso path (logistic, multinomial, Cox).  A selector of this package, or of
        scikit-learn: what it selects.
    threshold : float, default 0.75
        Columns chosen in at least this share of the halves stay; above 0.5 to 1.
    pfer : float, default 1
        Bound on the expected number of false columns among those kept; it sets ``q`` for the lasso.
    q : int, optional
        Columns chosen in each half, in place of ``pfer``; for the lasso only.
    n_pairs : int, default 50
        Pairs of complementary halves; two selections each.
    bound : {"unimodal", "worst"}, default "unimodal"
        "worst": Meinshausen and Bühlmann's bound, whatever the distribution of a false column's share.  "unimodal": Shah and
        Samworth's, where that distribution has one peak, which is sharper.
    at_least : int, default 0
        Keep the columns chosen most often up to this number where fewer pass; the bound then does not hold.
    random_state : int, default 0
        Every pair has a seed of its own.

    Attributes
    ----------
    support_ : ndarray of bool, shape (p,)
    probability_ : ndarray, shape (p,)
        Share of the halves in which the column was chosen.
    q_ : float
        Mean number chosen in a half.
    pfer_ : float
        The bound for ``q_``, ``threshold`` and the number of columns that vary.

    Notes
    -----
    With p columns and q chosen in a half, the expected number of false ones among those kept is at most C q² / p:

    - worst: C = 1 / (2 τ − 1);
    - unimodal, with B pairs: C = 1 / (2 (2 τ − 1 − 1/(2 B))) for τ up to 3/4, and 4 (1 − τ + 1/(2 B)) / (1 + 1/B) above.

    A false column is one that a half chooses with a probability of at most q/p; copies of a true column count as
    false only where they are chosen as seldom.  Of two near copies each is chosen in half of the halves, and neither may pass:
    put :class:`CorrelationClusters` before it.  Halves are stratified by class or event, and patients stay
    whole where ``fit`` is given ``groups``.

    References
    ----------
    Meinshausen N, Bühlmann P. Stability selection. J R Stat Soc B 2010;72:417. doi:10.1111/j.1467-9868.2010.00740.x.
    Shah RD, Samworth RJ. Variable selection with error control: another look at stability selection. J R Stat Soc B
    2013;75:55. doi:10.1111/j.1467-9868.2011.01034.x

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.features.selection import StabilitySelection
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(100, 20))
    >>> y = (x[:, 7] + x[:, 11] + 0.5 * rng.normal(size=100) > 0).astype(int)
    >>> StabilitySelection(n_pairs=10).fit(x, y).get_support(indices=True)
    array([ 7, 11])
    """

    def __init__(
        self, base: Any = "lasso", threshold: float = 0.75, pfer: float = 1.0, q: int | None = None, n_pairs: int = 50,
        bound: str = "unimodal", at_least: int = 0, random_state: int = 0,
    ) -> None:  # fmt: skip
        self.base = base
        self.threshold = threshold
        self.pfer = pfer
        self.q = q
        self.n_pairs = n_pairs
        self.bound = bound
        self.at_least = at_least
        self.random_state = random_state

    def _learn(self, x: Floats, target: Target | None, groups: NDArray[Any] | None) -> Mapping[str, NDArray[Any]]:
        assert target is not None  # _outcome_needed
        self._check()
        known = varies(x)
        columns = max(int(known.sum()), 1)
        q = self._number(columns)
        chosen = np.zeros(x.shape[1])
        for seed in np.random.SeedSequence(self.random_state).spawn(self.n_pairs):
            rng = np.random.default_rng(seed)
            for rows in halves(target, groups, rng):
                part = None if groups is None else groups[rows]
                chosen += self._select(x[rows], target.take(rows), part, q, int(rng.integers(2**31))) & known
        probability = chosen / (2 * self.n_pairs)
        self.q_ = float(probability.sum())
        self.pfer_ = float(_constant(self.threshold, self.n_pairs, self.bound) * self.q_**2 / columns)
        support = probability >= self.threshold - 1e-12
        ranked = np.where(known, probability, np.nan)
        return {"support": at_least(support, ranked, self.at_least), "probability": probability}

    def _check(self) -> None:
        inside(self.threshold, "threshold", 0.51, 1)
        inside(self.pfer, "pfer", 1e-6, np.inf)
        inside(self.n_pairs, "n_pairs", 1, np.inf, whole=True)
        inside(self.at_least, "at_least", 0, np.inf, whole=True)
        one_of(self.bound, "bound", ("unimodal", "worst"))
        if self.q is not None:
            inside(self.q, "q", 1, np.inf, whole=True)
        if isinstance(self.base, str):
            one_of(self.base, "base", ("lasso",))
        elif not hasattr(self.base, "get_support"):
            raise fail("RG708", "`base` is 'lasso' or a selector with `fit` and `get_support`", column="base", value=self.base)
        if _constant(self.threshold, self.n_pairs, self.bound) <= 0:
            text = f"with {self.n_pairs} pairs there is no bound for this threshold"
            raise fail("RG708", text, column="threshold", value=self.threshold)

    def _number(self, columns: int) -> int:
        if self.q is not None:
            return min(self.q, columns)
        most = np.sqrt(self.pfer * columns / _constant(self.threshold, self.n_pairs, self.bound))
        return int(np.clip(np.floor(most + 1e-9), 1, columns))

    def _select(self, x: Floats, target: Target, groups: NDArray[Any] | None, q: int, seed: int) -> Bools:
        from sklearn.base import clone

        if isinstance(self.base, str):
            return first_on_path(x, target, q)
        base = clone(self.base)
        if "random_state" in base.get_params():
            base.set_params(random_state=seed)
        if isinstance(base, Selector):
            return np.asarray(base.fit(x, target, groups).get_support())
        if target.kind == "survival":
            raise fail("RG708", "a selector of scikit-learn does not know survival", column="base", value=base)
        return np.asarray(base.fit(x, target.codes).get_support())


def _constant(threshold: float, pairs: int, bound: str) -> float:
    if bound == "worst":
        return 1 / (2 * threshold - 1)
    if threshold <= 0.75:
        rest = 2 * threshold - 1 - 1 / (2 * pairs)
        return 1 / (2 * rest) if rest > 0 else 0.0
    return 4 * (1 - threshold + 1 / (2 * pairs)) / (1 + 1 / pairs)


def halves(
    target: Target, groups: NDArray[Any] | None, rng: np.random.Generator
) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    """Two complementary halves of the units, stratified by class or event; patients whole, a patient's stratum is its highest."""
    patients = np.arange(len(target)) if groups is None else groups
    stratum = np.zeros(int(patients.max()) + 1, dtype=np.int64)
    np.maximum.at(stratum, patients, target.codes)
    first = np.zeros(len(stratum), dtype=bool)
    for level in np.unique(stratum):
        members = rng.permutation(np.flatnonzero(stratum == level))
        # of an odd number the one in the middle goes to either half
        first[members[: (len(members) + int(rng.integers(2))) // 2]] = True
    one = first[patients]
    return np.flatnonzero(one), np.flatnonzero(~one)


def first_on_path(x: Floats, target: Target, q: int) -> Bools:
    """The first q columns that get a coefficient on the lasso path; of those that enter in one step the largest."""
    z = standardised(x)
    chosen = np.zeros(x.shape[1], dtype=bool)
    for _, b in path(z, target, penalties(z, target, 1.0, _STEPS, _LAST), 1.0):
        size = np.abs(b).max(axis=0)
        new = np.flatnonzero((size > 0) & ~chosen)
        order = new[np.argsort(-size[new], kind="stable")]
        chosen[order[: q - int(chosen.sum())]] = True
        if chosen.sum() >= q:
            break
    return chosen
