"""Which of the three kinds an outcome is, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sksurv.util import Surv

from radiogen.errors import RadiogenError
from radiogen.features.selection import as_target


@pytest.mark.parametrize("y", [[0, 1, 1, 0], ["a", "b", "b", "a"], [True, False, True, False], pd.Categorical(["x", "y", "y", "x"])])
def test_two_classes(y: Any) -> None:
    found = as_target(y)
    assert (found.kind, len(found), len(found.classes)) == ("binary", 4, 2)


def test_classes_of_a_categorical_keep_their_order_and_unused_ones_go() -> None:
    y = pd.Series(pd.Categorical(["high", "low", "high", "low"], categories=["low", "middle", "high"]))
    found = as_target(y)
    assert found.classes == ("low", "high")
    assert found.codes.tolist() == [1, 0, 1, 0]


def test_more_classes() -> None:
    assert as_target(["lumA", "lumB", "TN", "lumA", "TN", "lumB"]).kind == "multiclass"
    assert as_target(np.array([3.0, 1.0, 2.0, 1.0, 2.0, 3.0])).codes.tolist() == [2, 0, 1, 0, 1, 2]


SURVIVAL = [
    Surv.from_arrays([True, False, True], [5.0, 8.0, 2.5]),
    pd.DataFrame({"event": [1, 0, 1], "time": [5.0, 8.0, 2.5]}),
    np.array([[5.0, 1], [8.0, 0], [2.5, 1]]),
    np.array([(5.0, True), (8.0, False), (2.5, True)], dtype=[("months", float), ("relapse", bool)]),
]


@pytest.mark.parametrize("y", SURVIVAL)
def test_survival(y: Any) -> None:
    found = as_target(y)
    assert found.kind == "survival"
    assert found.times.tolist() == [5.0, 8.0, 2.5]
    assert found.event.tolist() == [True, False, True]


def test_rows_are_taken_with_the_classes() -> None:
    found = as_target(["a", "b", "c", "a", "b", "c"]).take(np.array([0, 3]))
    assert (found.codes.tolist(), found.classes) == ([0, 0], ("a", "b", "c"))
    assert as_target(found) is found


REFUSED = [
    ([0.1, 0.5, 0.7, 0.2], "RG703"),
    (np.arange(60), "RG703"),
    (pd.DataFrame({"a": [1, 2], "b": [3, 4]}), "RG703"),
    (np.zeros((4, 3)), "RG703"),
    (np.array([(1.0, 2.0)], dtype=[("a", float), ("b", float)]), "RG703"),
    ([0, 1, np.nan], "RG705"),
    ([], "RG705"),
    (None, "RG705"),
    (np.array([[1, 5.0], [0, 8.0]]), "RG705"),
    (np.array([[np.nan, 1], [4, 1]]), "RG705"),
    (pd.DataFrame({"time": ["soon", "late"], "event": [1, 1]}), "RG705"),
    ([1, 1, 1], "RG701"),
    ([0, 0, 1], "RG701"),
    (np.array([[3.0, 1], [4, 0], [5, 0]]), "RG701"),
    (np.array([[-3.0, 1], [4, 1]]), "RG402"),
    (np.array([[0.0, 1], [4, 1]]), "RG403"),
]


@pytest.mark.parametrize(("y", "code"), REFUSED)
def test_what_is_refused(y: Any, code: str) -> None:
    with pytest.raises(RadiogenError) as raised:
        as_target(y)
    assert raised.value.code == code


def test_columns_the_wrong_way_round_are_told() -> None:
    with pytest.raises(RadiogenError, match="wrong way round"):
        as_target(np.array([[1, 5.0], [0, 8.0], [1, 3.0]]))
