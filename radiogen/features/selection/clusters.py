"""Of columns that say nearly the same, one stays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radiogen.features.selection.relevance import statistic
from radiogen.features.selection.selector import Selector, inside, one_of, standardised
from radiogen.features.selection.target import Floats, Target


class CorrelationClusters(Selector):
    """Cluster columns by their absolute correlation and keep one of each cluster.

    Parameters
    ----------
    max_correlation : float, default 0.9
        Where the tree is cut: clusters join while their absolute correlation is at least this.
    method : {"spearman", "pearson"}, default "spearman"
        Ranks by default: radiomics has heavy tails, and a monotone copy (a logarithm, a square) is a copy.
    linkage : {"complete", "average", "single"}, default "complete"
        How the correlation of two clusters is read from those of their members.  With "complete" every two members of a cluster
        correlate at least so strongly.
    use_outcome : bool, default True
        Keep the member most related to the outcome (F statistic, or Cox score statistic); if False, or without an outcome,
        the medoid, which correlates most with the others.

    Attributes
    ----------
    support_ : ndarray of bool, shape (p,)
    cluster_ : ndarray of int, shape (p,)
        Number of each column's cluster, from 1, in the order of the columns' names.
    n_clusters_ : int

    Notes
    -----
    Of equal members the first by name stays (the first column of an array).  A constant column is a cluster of its own.

    References
    ----------
    Park MY, Hastie T, Tibshirani R. Averaged gene expressions for regression. Biostatistics 2007;8:212.
    doi:10.1093/biostatistics/kxl002

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.features.selection import CorrelationClusters
    >>> x = np.array([[1.0, 2.0, 5.0], [2.0, 4.1, 1.0], [3.0, 6.2, 4.0], [4.0, 8.0, 2.0]])
    >>> CorrelationClusters().fit(x).cluster_
    array([1, 1, 2])
    """

    _outcome_needed = False

    def __init__(
        self, max_correlation: float = 0.9, method: str = "spearman", linkage: str = "complete", use_outcome: bool = True
    ) -> None:
        self.max_correlation = max_correlation
        self.method = method
        self.linkage = linkage
        self.use_outcome = use_outcome

    def _learn(self, x: Floats, target: Target | None, groups: NDArray[Any] | None) -> Mapping[str, NDArray[Any]]:
        inside(self.max_correlation, "max_correlation", 0, 1)
        one_of(self.method, "method", ("spearman", "pearson"))
        one_of(self.linkage, "linkage", ("complete", "average", "single"))
        correlation = np.abs(_correlation(x, self.method))
        cluster = _clusters(correlation, self.max_correlation, self.linkage)
        if target is not None and self.use_outcome:
            score = np.round(statistic(x, target), 10)
        else:
            same = cluster[:, None] == cluster[None, :]
            score = np.round((correlation * same).sum(axis=1), 10)
        support = np.zeros(x.shape[1], dtype=bool)
        for number in np.unique(cluster):
            members = np.flatnonzero(cluster == number)
            support[members[np.argmax(score[members])]] = True
        self.n_clusters_ = int(cluster.max())
        return {"support": support, "cluster": cluster}


def _correlation(x: Floats, method: str) -> Floats:
    from scipy.stats import rankdata

    z = standardised(rankdata(x, axis=0) if method == "spearman" else x)
    return np.clip(z.T @ z / len(z), -1.0, 1.0)


def _clusters(correlation: Floats, cut: float, linkage: str) -> NDArray[np.int64]:
    """Numbers from 1, in the order in which the clusters' first members stand."""
    from scipy.cluster.hierarchy import fcluster
    from scipy.cluster.hierarchy import linkage as tree
    from scipy.spatial.distance import squareform

    if len(correlation) == 1:
        return np.ones(1, dtype=np.int64)
    distance = np.round(1.0 - correlation, 12)
    np.fill_diagonal(distance, 0.0)
    labels = fcluster(tree(squareform(distance, checks=False), linkage), round(1.0 - cut, 12), "distance")
    first = {int(label): i for i, label in reversed(list(enumerate(labels)))}
    numbers = {label: k for k, label in enumerate(sorted(first, key=lambda label: first[label]), start=1)}
    return np.array([numbers[int(label)] for label in labels], dtype=np.int64)
