"""Whether the edges of a patient graph add anything: the graph beside the two controls, on units that none has seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from radiogen.errors import fail
from radiogen.models.graphs.patients import GraphClassifier
from radiogen.models.tabular.split import inner_folds
from radiogen.models.tabular.table import Floats, check_range, read_classes, read_groups, read_table
from radiogen.stats.withinfold import Concordance, difference, fold_auc

_METHOD = (
    "out-of-fold AUC of pairs in one fold, folds by group; DeLong's variance with units of a group summed; paired difference "
    "graph - control, Wald interval"
)
_LEVEL = 0.05


def graph_with_controls(
    X: Any, y: Any, groups: Any = None, *, folds: int = 5, seed: int = 0, model: GraphClassifier | None = None
) -> pd.DataFrame:
    """Out-of-fold AUC of the graph, of the perceptron without edges and of the graph with shuffled edges.

    Parameters
    ----------
    X : DataFrame or array, shape (n, p)
        Without missing values; standardised in each training part.
    y : array-like, shape (n,)
        Two classes; the second one, in order, is positive.
    groups : array-like, shape (n,), optional
        Patient of each unit: none stands on both sides of a fold.
    folds : int, default 5
    seed : int, default 0
        Of the folds and of all networks.
    model : GraphClassifier, optional
        Its settings; default ``GraphClassifier()``.  Its ``edges`` and ``random_state`` are replaced.

    Returns
    -------
    DataFrame
        One row for each of ``graph``, ``mlp`` and ``shuffled``: ``model``, ``auc``, ``lower``, ``upper``; ``difference``
        (graph - this one) with ``difference_lower``, ``difference_upper`` and ``p``; ``n``, ``events``, ``method``.
        ``frame.attrs["sentence"]`` says whether the edges added anything.

    Raises
    ------
    RadiogenError
        RG703 for more than two classes, RG701 where a class has fewer groups than there are folds, RG708 for ``folds`` out of
        range; what :meth:`GraphClassifier.fit` raises.

    Notes
    -----
    The graph must beat both controls (each at p < 0.05): a win over the perceptron alone may come of averaging over other
    units, whoever they are; one over shuffled edges alone, of random neighbours doing harm.

    References
    ----------
    DeLong E et al. (1988) Biometrics 44:837, doi 10.2307/2531595; LeDell E et al. (2015) Electron J Stat 9:1583,
    doi 10.1214/15-EJS1035.

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.models.graphs.controls import graph_with_controls
    >>> from radiogen.models.graphs.patients import GraphClassifier
    >>> x = np.random.default_rng(1).normal(size=(60, 3))
    >>> quick = GraphClassifier(hidden=8, epochs=15, calibration_folds=0)
    >>> table = graph_with_controls(x, x[:, 0] > 0, folds=2, model=quick)
    >>> table["model"].tolist()
    ['graph', 'mlp', 'shuffled']
    """
    values, _ = read_table(X)
    classes, codes = read_classes(y, len(values))
    if len(classes) != 2:
        raise fail("RG703", f"there are {len(classes)} classes, and AUCs are compared for two")
    check_range("folds", folds, 2, 100, whole=True)
    check_range("seed", seed, 0, 2**32 - 1, whole=True)
    owner = read_groups(groups, len(values))
    parts = inner_folds(codes, owner, int(folds), int(seed))
    if not parts:
        raise fail("RG701", f"a class has fewer groups than there are folds ({folds})")
    graph = clone(model or GraphClassifier()).set_params(edges="nearest", random_state=int(seed))
    scores, fold = {}, np.empty(len(values), dtype=np.int64)
    for name, estimator in {"graph": graph, **graph.controls()}.items():
        scores[name] = np.empty(len(values))
        for number, (train, test) in enumerate(parts):
            fold[test] = number
            fitted = clone(estimator).fit(values[train], codes[train], owner[train])
            scores[name][test] = fitted.predict_proba(values[test])[:, 1]
    return _table({name: _auc(codes == 1, score, fold, owner) for name, score in scores.items()}, codes == 1)


def _auc(positive: Any, score: Floats, fold: Any, owner: Any) -> Concordance:
    found = fold_auc(positive, score, fold, np.arange(len(score)), owner)
    if found is None:
        raise fail("RG701", "a class has fewer than two units")
    return found


def _table(found: dict[str, Concordance], positive: Any) -> pd.DataFrame:
    graph = found["graph"]
    rows = []
    for name, auc in found.items():
        row = {"model": name, "auc": auc.estimate, "lower": auc.lower, "upper": auc.upper}
        gap = None if name == "graph" else difference(graph, auc)
        row |= {
            "difference": np.nan if gap is None else gap.estimate,
            "difference_lower": np.nan if gap is None else gap.lower,
            "difference_upper": np.nan if gap is None else gap.upper,
            "p": np.nan if gap is None else gap.p,
            "n": len(positive), "events": int(positive.sum()), "method": _METHOD,
        }  # fmt: skip
        rows.append(row)
    frame = pd.DataFrame(rows)
    frame.attrs["sentence"] = edges_sentence(frame)
    return frame


def edges_sentence(table: pd.DataFrame) -> str:
    """One sentence on whether the edges added anything, from the table of :func:`graph_with_controls`.

    Parameters
    ----------
    table : DataFrame

    Returns
    -------
    str
    """
    by = table.set_index("model")
    gaps = by.loc[["mlp", "shuffled"]]
    wins, loses = (gaps["difference"] > 0) & (gaps["p"] < _LEVEL), (gaps["difference"] < 0) & (gaps["p"] < _LEVEL)
    detail = (
        f"AUC {by.at['graph', 'auc']:.3f}, against {by.at['mlp', 'auc']:.3f} without edges (p = {by.at['mlp', 'p']:.3g}) and "
        f"{by.at['shuffled', 'auc']:.3f} with shuffled ones (p = {by.at['shuffled', 'p']:.3g})"
    )
    if wins.all():
        return f"The edges added to the prediction: {detail}."
    if loses.any():
        return f"The edges did not add to the prediction, and the graph did worse than a control: {detail}."
    if wins.any():
        other = "shuffled" if wins["mlp"] else "mlp"
        word = "shuffled edges" if other == "shuffled" else "no edges at all"
        return f"That the edges added anything is not shown, for the graph did not beat {word}: {detail}."
    return f"There is no sign that the edges added anything: {detail}."
