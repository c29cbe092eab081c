"""Labels that a model gives to units without one, where it is sure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from radiogen.errors import fail
from radiogen.models.tabular.table import Floats, Ints, check_range, read_table

#: probabilities of float32 networks sum to 1 to a few digits
_SUM = 1e-3


@dataclass(frozen=True)
class PseudoLabels:
    """Units that were labelled, the most certain of each class first.

    Parameters
    ----------
    rows : array of int, shape (k,)
        Rows of the units.
    codes : array of int, shape (k,)
        Number of the class (column of the probabilities) of each.
    confidence : array, shape (k,)
        Its probability.
    candidates : array of int, shape (classes,)
        Units of each class above the threshold, before balancing.
    """

    rows: Ints
    codes: Ints
    confidence: Floats
    candidates: Ints


def pseudo_labels(
    predict_proba: Callable[[Any], Any] | Any,
    X: Any = None,
    *,
    threshold: float = 0.9,
    balanced: bool = True,
    shares: Any = None,
) -> PseudoLabels:
    """Label the units of which a model is sure.

    Parameters
    ----------
    predict_proba : callable or array, shape (n, classes)
        What gives probabilities for ``X``, or the probabilities themselves.  Rows of NaN are not labelled.
    X : optional
        Units without a label; only for a callable.
    threshold : float, default 0.9
        Least probability of the most probable class.
    balanced : bool, default True
        Whether classes are taken in the proportions ``shares``: the most certain of each, as many as the scarcest class allows;
        otherwise a class that the model prefers grows from round to round.  Where a class has no candidate none is labelled.
    shares : array, shape (classes,), optional
        Default equal shares.

    Returns
    -------
    PseudoLabels

    Raises
    ------
    RadiogenError
        RG705 for probabilities that are none, or shares of another length or not above zero; RG708 for a threshold that is not
        between 0 and 1.

    References
    ----------
    Lee D-H (2013) ICML Workshop on Challenges in Representation Learning; Zou Y et al. (2018) ECCV 297-313,
    doi 10.1007/978-3-030-01219-9_18 (class-balanced self-training).

    Examples
    --------
    >>> from radiogen.models.weak.pseudo import pseudo_labels
    >>> found = pseudo_labels([[0.95, 0.05], [0.99, 0.01], [0.08, 0.92], [0.5, 0.5]])
    >>> found.rows.tolist(), found.codes.tolist()
    ([1, 2], [0, 1])
    """
    check_range("threshold", threshold, 0, 1)
    proba, _ = read_table(predict_proba(X) if callable(predict_proba) else predict_proba, "predict_proba", missing=True)
    known = ~np.isnan(proba).any(axis=1)
    values, classes = proba[known], proba.shape[1]
    if classes < 2 or (values < 0).any() or (np.abs(values.sum(axis=1) - 1) > _SUM).any():
        raise fail("RG705", "probabilities lie from 0 to 1, sum to 1 in each row and have two columns at least, one per class")
    weight = _shares(shares, classes)
    best = np.where(known, np.where(np.isnan(proba), -1.0, proba).argmax(axis=1), -1)
    sure = np.where(known, proba[np.arange(len(proba)), np.maximum(best, 0)], -1.0)
    own = [np.flatnonzero((best == k) & (sure >= threshold)) for k in range(classes)]
    # the most certain first; equals as they stand
    own = [rows[np.argsort(-sure[rows], kind="stable")] for rows in own]
    counts = np.array([len(rows) for rows in own])
    if balanced:
        # a hair of tolerance, so that 3 / 0.3 × 0.3 is three
        taken = np.floor((counts / weight).min() * weight + 1e-9).astype(int)
        own = [rows[:k] for rows, k in zip(own, taken, strict=True)]
    rows = np.concatenate(own).astype(np.int64)
    return PseudoLabels(rows, best[rows].astype(np.int64), sure[rows], counts.astype(np.int64))


def _shares(shares: Any, classes: int) -> Floats:
    if shares is None:
        return np.full(classes, 1 / classes)
    values = np.asarray(shares, dtype=np.float64)
    if values.shape != (classes,) or not np.isfinite(values).all() or (values <= 0).any():
        raise fail("RG705", f"`shares` needs a number above zero for each of the {classes} classes")
    return np.asarray(values / values.sum())
