"""Where there is nothing to find, nothing is found: areas about one half, p-values uniform."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kstest

from radiogen.analysis import associate, classify, survive

from .making import make_cohort


def areas(seeds: range, models: list[str], repeats: int) -> np.ndarray:
    found = []
    for seed in seeds:
        cohort = make_cohort(90, 20, seed=seed, effect=0.0)
        table = classify(cohort, "TP53", ["clinical", "bmode"], models=models, folds=5, repeats=repeats, seed=seed).tables["performance"]
        found.append(table.loc[table["metric"] == "AUC", "estimate"].to_numpy())
    return np.array(found)


def test_few_null_cohorts() -> None:
    found = areas(range(8), ["elastic_net"], repeats=1)
    # standard deviation of one area is about .07: the mean of 8 cohorts is within .075 but for 1 in 400
    assert abs(found.mean() - 0.5) < 0.075


def test_association_p_values_are_uniform() -> None:
    p = np.concatenate([
        associate(make_cohort(80, 40, seed=s, effect=0.0), ["TP53"], adjust=[]).tables["associations"]["p"] for s in range(6)
    ])  # fmt: skip
    assert len(p) == 240
    assert kstest(p, "uniform").pvalue > 0.01


@pytest.mark.slow
def test_twenty_null_cohorts() -> None:
    found = areas(range(20), ["elastic_net", "forest", "svm"], repeats=3)
    assert np.abs(found.mean(axis=0) - 0.5).max() < 0.03


@pytest.mark.slow
def test_twenty_null_survival_cohorts() -> None:
    found = []
    for seed in range(20):
        cohort = make_cohort(90, 20, seed=seed, effect=0.0)
        found.append(survive(cohort, "os", models=["cox", "coxnet"], repeats=2).tables["performance"]["estimate"].to_numpy())
    assert np.abs(np.mean(found, axis=0) - 0.5).max() < 0.03
