"""Nothing that learns sees a unit, or a unit of its group, that it is later tested on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from radiogen.analysis import classify, survive
from radiogen.models import preprocess

from .making import make_cohort

Call = tuple[str, int, frozenset[str]]


@pytest.fixture
def spied(monkeypatch: pytest.MonkeyPatch) -> list[Call]:
    """Every fit and transform of the preprocessing: what, which object, which units."""
    calls: list[Call] = []
    keep: list[object] = []  # objects stay alive, so that their ids stay different
    for name in ("fit", "transform"):
        original = getattr(preprocess.Preprocessor, name)

        def watch(self: Any, frame: pd.DataFrame, *rest: Any, _name: str = name, _original: Any = original) -> Any:
            keep.append(self)
            calls.append((_name, id(self), frozenset(frame.index)))
            return _original(self, frame, *rest)

        monkeypatch.setattr(preprocess.Preprocessor, name, watch)
    return calls


def check(calls: list[Call], group: dict[str, str]) -> int:
    """Each object is fitted once; what it transforms is what it was fitted on, or shares no group with it."""
    fitted = {key: units for name, key, units in calls if name == "fit"}
    assert len(fitted) == sum(name == "fit" for name, _, _ in calls)
    tested = 0
    for name, key, units in calls:
        if name == "transform" and units != fitted[key]:
            assert not {group[u] for u in units} & {group[u] for u in fitted[key]}
            tested += 1
    return tested


def test_classification(spied: list[Call], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("radiogen.models.classifiers.FOREST_TREES", 5)
    groups = [f"g{i // 2}" for i in range(90)]
    cohort = make_cohort(90, 8, external=10, groups=groups, missing=0.1)
    classify(cohort, "TP53", models=["elastic_net", "forest", "svm"], folds=3, repeats=2)
    group = dict(zip(cohort.index, groups, strict=True))
    # 3 input sets × (6 outer test parts + 7 × 3 inner test parts + 1 external)
    assert check(spied, group) == 3 * (6 + 21 + 1)
    external = set(cohort.index[cohort.units["external"]])
    assert all(not units & external for name, _, units in spied if name == "fit")


def test_survival(spied: list[Call]) -> None:
    groups = [f"g{i // 2}" for i in range(90)]
    cohort = make_cohort(90, 4, external=10, groups=groups)
    survive(cohort, "os", models=["coxnet"], folds=3, repeats=1)
    assert check(spied, dict(zip(cohort.index, groups, strict=True))) == 3 * (3 + 4 * 3 + 1)


def test_the_test_outcomes_do_not_matter() -> None:
    # the external outcomes are exchanged; no prediction may change
    cohort = make_cohort(90, 5, external=20)
    first = classify(cohort, "TP53", folds=3, repeats=1).predictions
    outside = cohort.units["external"].to_numpy()
    cohort.mutations.loc[outside, "TP53"] = np.where(cohort.mutations.loc[outside, "TP53"] == "mutated", "wild type", "mutated")
    second = classify(cohort, "TP53", folds=3, repeats=1).predictions
    assert first is not None and second is not None
    pd.testing.assert_series_equal(first["probability"], second["probability"])
    assert (first["truth"] != second["truth"]).sum() == 3 * 20
