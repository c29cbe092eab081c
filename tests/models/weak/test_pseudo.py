"""Pseudo-labels picked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from radiogen.errors import RadiogenError
from radiogen.models.weak.pseudo import pseudo_labels

# most probable class and its probability: 0 .95, 0 .91, 1 .97, 0 .99, 1 .6, 0 .95
P = np.array([[0.95, 0.05], [0.91, 0.09], [0.03, 0.97], [0.99, 0.01], [0.4, 0.6], [0.95, 0.05]])


def test_balanced_by_hand() -> None:
    found = pseudo_labels(P, threshold=0.9)
    assert (found.rows.tolist(), found.codes.tolist()) == ([3, 2], [0, 1])
    assert found.candidates.tolist() == [4, 1] and found.confidence.tolist() == [0.99, 0.97]


def test_shares_and_no_balance() -> None:
    # one of class 1 allows two of class 0; of the two with .95 the one that stands first
    assert pseudo_labels(P, shares=[2, 1]).rows.tolist() == [3, 0, 2]
    assert pseudo_labels(P, balanced=False).rows.tolist() == [3, 0, 5, 1, 2]
    # one of class 1 allows three of class 0; with two of class 1 the four of class 0 are the limit, and allow one and a third
    assert pseudo_labels(P, shares=[0.3, 0.1]).rows.tolist() == [3, 0, 5, 2]
    assert pseudo_labels(P, shares=[0.3, 0.1], threshold=0.5).rows.tolist() == [3, 0, 5, 1, 2]


def test_a_class_without_candidates_stops_the_others() -> None:
    found = pseudo_labels(P[[0, 1]])
    assert not len(found.rows) and found.candidates.tolist() == [2, 0]
    assert not len(pseudo_labels(P, threshold=1.0).rows)


def test_a_callable_and_units_that_cannot_be_predicted() -> None:
    x = np.arange(6)
    holes = P.copy()
    holes[3] = np.nan
    assert pseudo_labels(lambda rows: P[rows], x).rows.tolist() == [3, 2]
    assert pseudo_labels(holes).rows.tolist() == [0, 2]


def test_refusals() -> None:
    for bad, code in (
        (lambda: pseudo_labels(P + 1), "RG705"), (lambda: pseudo_labels(P[:, :1]), "RG705"), (lambda: pseudo_labels(P, threshold=2), "RG708"),
        (lambda: pseudo_labels(P, shares=[1, 0]), "RG705"), (lambda: pseudo_labels(P, shares=[1]), "RG705"),
    ):  # fmt: skip
        with pytest.raises(RadiogenError) as error:
            bad()
        assert error.value.code == code
