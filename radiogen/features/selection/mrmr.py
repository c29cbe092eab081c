"""Columns that go with the outcome and not with one another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radiogen.errors import fail
from radiogen.features.selection.relevance import concordance, information, statistic, three_levels
from radiogen.features.selection.selector import Selector, inside, one_of, standardised, varies
from radiogen.features.selection.target import Floats, Target

#: least redundancy of two columns: a quotient must not be decided by a correlation that happens to be 0
_FLOOR = 0.001
#: relative closeness at which two scores are equal
_EQUAL = 1e-12


class MRMR(Selector):
    """Minimum redundancy, maximum relevance: add, one by one, the column that is relevant and least like those chosen.

    Parameters
    ----------
    n_features : int, default 20
        Number of columns that stay, at most; constant columns are never among them.
    criterion : {"quotient", "difference"}, default "quotient"
        Relevance over mean redundancy, or less it.
    relevance : {"statistic", "information", "concordance"}, default "statistic"
        - "statistic": F statistic of the classes (with "quotient" the paper's FCQ, with "difference" FCD), or, of survival,
          the Cox score statistic; redundancy is the absolute Pearson correlation.
        - "information": mutual information of the classes with the column in three levels (cut half a standard deviation below
          and above its mean), and of two such columns as redundancy (MIQ and MID).  Not for survival.
        - "concordance": ``|2 C − 1|`` of Harrell's C or the area under the curve, and absolute correlation: both lie between
          0 and 1, which makes it the natural choice with "difference".  Survival and two classes.

    Attributes
    ----------
    support_ : ndarray of bool, shape (p,)
    rank_ : ndarray of int, shape (p,)
        Place of each column in the order of choice, from 1; 0 where it was not chosen.
    relevance_ : ndarray, shape (p,)

    Notes
    -----
    A redundancy below 0.001 counts as 0.001, in the quotient.  Of equal scores the first by name is taken.  The
    first column is the most relevant one.

    References
    ----------
    Ding C, Peng H. Minimum redundancy feature selection from microarray gene expression data. J Bioinform Comput Biol
    2005;3:185. doi:10.1142/S0219720005001004

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.features.selection import MRMR
    >>> y = np.array([0, 0, 0, 1, 1, 1])
    >>> a = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    >>> x = np.column_stack([a, a + [0.1, 0.0, 0.0, 0.0, 0.0, 0.1], [3.0, 1.0, 2.0, 3.0, 4.0, 2.0]])
    >>> MRMR(n_features=2, criterion="difference", relevance="concordance").fit(x, y).rank_
    array([1, 0, 2])
    """

    def __init__(self, n_features: int = 20, criterion: str = "quotient", relevance: str = "statistic") -> None:
        self.n_features = n_features
        self.criterion = criterion
        self.relevance = relevance

    def _learn(self, x: Floats, target: Target | None, groups: NDArray[Any] | None) -> Mapping[str, NDArray[Any]]:
        assert target is not None  # _outcome_needed
        inside(self.n_features, "n_features", 1, np.inf, whole=True)
        one_of(self.criterion, "criterion", ("quotient", "difference"))
        relevance = self._relevance(x, target)
        like: NDArray[Any] = three_levels(x) if self.relevance == "information" else standardised(x)
        rank = np.zeros(x.shape[1], dtype=np.int64)
        open_ = varies(x)
        redundancy = np.zeros(x.shape[1])
        for place in range(1, min(self.n_features, int(open_.sum())) + 1):
            score = relevance
            if place > 1:
                mean = redundancy / (place - 1)
                score = relevance / mean if self.criterion == "quotient" else relevance - mean
            chosen = _first_best(np.where(open_, score, -np.inf))
            rank[chosen], open_[chosen] = place, False
            redundancy += np.maximum(self._redundancy(like, chosen), _FLOOR if self.criterion == "quotient" else 0.0)
        return {"support": rank > 0, "rank": rank, "relevance": relevance}

    def _relevance(self, x: Floats, target: Target) -> Floats:
        one_of(self.relevance, "relevance", ("statistic", "information", "concordance"))
        if self.relevance == "information":
            if target.kind == "survival":
                raise fail("RG708", "mutual information needs classes; a survival outcome has 'statistic' and 'concordance'",
                           column="relevance", value=self.relevance)  # fmt: skip
            return information(three_levels(x), target.codes)
        if self.relevance == "concordance":
            if target.kind == "multiclass":
                raise fail("RG708", "concordance is for survival and two classes", column="relevance", value=self.relevance)
            return concordance(x, target)
        return statistic(x, target)

    def _redundancy(self, like: NDArray[Any], chosen: int) -> Floats:
        if self.relevance == "information":
            return information(like, like[:, chosen])
        return np.abs(like.T @ like[:, chosen]) / len(like)


def _first_best(score: Floats) -> int:
    """The first of those that are the largest but for rounding."""
    top = score.max()
    return int(np.argmax(score >= top - _EQUAL * abs(top)))
