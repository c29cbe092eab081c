"""Penalised models, shadows and stability."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression
from sksurv.linear_model import CoxnetSurvivalAnalysis
from sksurv.util import Surv

from radiogen.errors import RadiogenError
from radiogen.features.selection import MRMR, ElasticNet, Lasso, ShadowFeatures, StabilitySelection, as_target
from radiogen.features.selection.paths import path, penalties
from radiogen.features.selection.penalised import folds
from radiogen.features.selection.selector import standardised
from radiogen.features.selection.stability import _constant, first_on_path, halves
from tests.features.selection.conftest import TRUE, planted

# -- paths ----------------------------------------------------------------------------


def test_the_strongest_penalty_by_hand() -> None:
    # x is ±1, y follows it but for one of four: |Σ x (y − ½)| / 4 = |−½·−1 …| = (0.5 + 0.5 + 0.5 − 0.5) / 4
    x, target = np.array([[-1.0], [-1.0], [1.0], [1.0]]), as_target([0, 1, 1, 0])
    assert penalties(x, target, 1.0, 2)[0] == pytest.approx(1e-10)  # nothing in common
    target = as_target([0, 0, 1, 1])
    assert penalties(x, target, 1.0, 2)[0] == pytest.approx(0.5)
    assert penalties(x, target, 0.5, 2)[0] == pytest.approx(1.0)
    # soft threshold: at strength s the slope is where ½ − expit(−b) … = s, so b = logit(1 − s)
    (_, empty), (_, b) = path(x, target, np.array([0.5, 0.2]), 1.0)
    assert empty.tolist() == [[0.0]]
    assert b[0, 0] == pytest.approx(np.log(0.8 / 0.2), abs=1e-4)


@pytest.mark.parametrize(("kind", "l1_ratio"), [("binary", 1.0), ("binary", 0.5), ("multiclass", 1.0)])
def test_paths_as_scikit_learn(kind: str, l1_ratio: float) -> None:
    frame, y = planted(kind, n=100, p=40)
    x, target = standardised(frame.to_numpy()), as_target(y)
    strengths = penalties(x, target, l1_ratio, 12)
    fits = list(path(x, target, strengths, l1_ratio))
    assert not fits[0][1].any()
    for i in (3, 9):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = LogisticRegression(
                penalty="elasticnet", l1_ratio=l1_ratio, C=1 / (len(x) * strengths[i]), solver="saga", tol=1e-7, max_iter=20_000
            ).fit(x, y)
        np.testing.assert_allclose(fits[i][1], model.coef_, atol=1e-2 if kind == "multiclass" else 5e-4)


def test_paths_as_scikit_survival() -> None:
    frame, y = planted("survival", n=100, p=40)
    x, target = standardised(frame.to_numpy()), as_target(y)
    strengths = penalties(x, target, 1.0, 12)
    found = np.array([b[0] for _, b in path(x, target, strengths, 1.0)])
    model = CoxnetSurvivalAnalysis(n_alphas=12, l1_ratio=1.0, alpha_min_ratio=0.01).fit(x, Surv.from_arrays(y["event"] == 1, y["time"]))
    # the strongest penalty is scikit-survival's, without its knowledge, and so is the path
    assert model.alphas_[0] == pytest.approx(strengths[0], rel=1e-6)
    assert not found[0].any() and found[1].any()
    np.testing.assert_allclose(found, model.coef_.T, atol=1e-6)


def test_inner_folds_keep_patients_whole_and_classes_even() -> None:
    rng = np.random.default_rng(0)
    patients = np.repeat(np.arange(30), 3)
    target = as_target(rng.integers(0, 2, 30)[patients])
    tests = []
    for train, test in folds(target, patients, 5, 0):
        assert not set(patients[train]) & set(patients[test])
        tests.append(test)
    assert sorted(np.concatenate(tests)) == list(range(90))
    with pytest.raises(RadiogenError) as raised:
        folds(as_target([0] * 20 + [1] * 3), None, 5, 0)
    assert raised.value.code == "RG603"
    few_events = as_target(np.column_stack([np.arange(1.0, 21), [1] * 3 + [0] * 17]))
    with pytest.raises(RadiogenError, match="3 events"):
        folds(few_events, None, 5, 0)
    few_censored = as_target(np.column_stack([np.arange(1.0, 21), [0] * 3 + [1] * 17]))
    assert len(folds(few_censored, None, 5, 0)) == 5


def test_groups_change_the_folds_of_repeated_patients() -> None:
    """Six rows a patient, noise columns that are the patient's: without groups the penalty is chosen far too weak."""
    rng = np.random.default_rng(1)
    patients = np.repeat(np.arange(30), 6)
    x = rng.normal(size=(30, 40))[patients] + 0.05 * rng.normal(size=(180, 40))
    y = rng.integers(0, 2, 30)[patients]
    blind = Lasso(n_penalties=20, rule="min").fit(x, y)
    honest = Lasso(n_penalties=20, rule="min").fit(x, y, groups=patients)
    assert honest.get_support().sum() <= 5 < 15 <= blind.get_support().sum()


def test_one_standard_error_is_sparser_and_null_is_nearly_empty() -> None:
    frame, y = planted("binary", effect=0.8)
    few, many = Lasso(n_penalties=20).fit(frame, y), Lasso(n_penalties=20, rule="min").fit(frame, y)
    assert few.penalty_ > many.penalty_
    assert few.get_support().sum() < many.get_support().sum()
    rng = np.random.default_rng(0)
    sizes = [Lasso(n_penalties=12).fit(rng.normal(size=(80, 60)), np.repeat([0, 1], 40)).get_support().sum() for _ in range(5)]
    assert np.mean(sizes) < 1.5


def test_multinomial_coefficients_and_entry() -> None:
    found = ElasticNet(n_penalties=8, n_splits=3).fit(*planted("multiclass"))
    assert found.coef_.shape == (30, 3)
    assert set(np.argsort(-np.nan_to_num(found.entry_))[:3]) == {3, 7, 11}
    assert (found.coef_ != 0).any(axis=1).tolist() == found.get_support().tolist()


# -- shadows --------------------------------------------------------------------------


def test_decisions_by_hand() -> None:
    """Ten runs, one column: P(10 hits of 10) = 1/1024 < 0.025; P(≥ 9) = 11/1024 < 0.025; P(≥ 8) = 56/1024 is not."""
    selector = ShadowFeatures()
    start = np.full(6, "tentative", dtype=object)
    hits = np.array([10, 9, 8, 5, 1, 0])
    one = selector._decide(start, hits, 10, 1)
    assert one.tolist() == ["confirmed", "confirmed", "tentative", "tentative", "rejected", "rejected"]
    # divided by six tests 9 hits no longer do: 11/1024 > 0.05/12
    assert selector._decide(start, hits, 10, 6).tolist()[:2] == ["confirmed", "tentative"]


def test_shadows_find_copies_too() -> None:
    frame, y = planted("binary", n=120, p=9, effect=2.0)
    frame["copy"] = frame["f03"] + 0.05 * np.random.default_rng(0).normal(size=len(frame))
    found = ShadowFeatures(n_trees=25, max_runs=20).fit(frame, y)
    assert {"f03", "copy", "f07"} <= set(found.get_feature_names_out())
    assert found.n_runs_ <= 20 and set(found.decision_) <= {"confirmed", "tentative", "rejected"}


def test_constants_are_rejected_and_tentative_ones_can_stay() -> None:
    frame, y = planted("binary", n=60, p=4)
    frame["constant"] = 2.0
    found = ShadowFeatures(n_trees=20, max_runs=3, keep_tentative=True).fit(frame, y)
    # three runs decide nothing: P(3 of 3) = 1/8
    assert found.decision_.tolist() == ["tentative"] * 4 + ["rejected"]
    assert found.get_support().tolist() == [True] * 4 + [False]


def test_extra_trees_of_survival() -> None:
    frame, y = planted("survival", p=10, effect=1.5)
    assert set(TRUE[:2]) <= set(ShadowFeatures("extra_trees", n_trees=30, max_runs=25).fit(frame, y).get_feature_names_out())


# -- stability ------------------------------------------------------------------------


def test_bounds_by_hand() -> None:
    assert _constant(0.75, 50, "worst") == pytest.approx(2.0)
    assert _constant(0.75, 50, "unimodal") == pytest.approx(1 / (2 * 0.49))
    assert _constant(0.9, 50, "unimodal") == pytest.approx(4 * 0.11 / 1.02)
    frame, y = planted("binary", p=100)
    # worst case: q = √(1 · 100 / 2) = 7.07; E[V] ≤ 2 · 49 / 100
    found = StabilitySelection(n_pairs=4, bound="worst").fit(frame, y)
    assert (found.q_, found.pfer_) == (pytest.approx(7), pytest.approx(0.98))
    assert StabilitySelection(n_pairs=4, q=3).fit(frame, y).q_ == pytest.approx(3)


def test_halves_are_complementary_and_even() -> None:
    target = as_target([0] * 21 + [1] * 10)
    one, two = halves(target, None, np.random.default_rng(0))
    assert sorted([*one, *two]) == list(range(31))
    assert (target.codes[one] == 1).sum() == 5 and abs(len(one) - len(two)) <= 1
    patients = np.repeat(np.arange(10), 3)
    one, two = halves(as_target(np.repeat([0, 1], 15)), patients, np.random.default_rng(0))
    assert not set(patients[one]) & set(patients[two]) and len(one) in (12, 15, 18)


def test_the_first_on_the_path() -> None:
    frame, y = planted("binary", effect=2.0)
    assert np.flatnonzero(first_on_path(frame.to_numpy(), as_target(y), 3)).tolist() == [3, 7, 11]
    assert first_on_path(frame.to_numpy(), as_target(y), 5).sum() == 5


def test_probabilities_are_shares_and_the_threshold_cuts() -> None:
    found = StabilitySelection(n_pairs=5).fit(*planted("multiclass", p=12))
    np.testing.assert_allclose(found.probability_ * 10, np.round(found.probability_ * 10), atol=1e-9)
    assert found.get_support().tolist() == (found.probability_ >= 0.75).tolist()


@pytest.mark.parametrize("kind", ["binary", "survival"])
def test_false_ones_are_fewer_than_the_bound(kind: str) -> None:
    """Noise only, 40 columns, at most one false column expected: the mean over 8 data sets stays below."""
    rng = np.random.default_rng(8)
    counts = []
    for seed in range(8):
        x = rng.normal(size=(60, 40))
        y = np.repeat([0, 1], 30) if kind == "binary" else np.column_stack([rng.exponential(size=60) + 1e-3, rng.integers(0, 2, 60)])
        counts.append(StabilitySelection(n_pairs=6, pfer=1, random_state=seed).fit(x, y).get_support().sum())
    assert np.mean(counts) <= 1


def test_other_selectors_as_base() -> None:
    frame, y = planted("binary")
    for base in (MRMR(n_features=4), SelectKBest(k=4)):
        found = StabilitySelection(base=base, n_pairs=8).fit(frame, y)
        assert found.q_ == pytest.approx(4)
        assert set(found.get_feature_names_out()) == set(TRUE)
    with pytest.raises(RadiogenError, match="does not know survival"):
        StabilitySelection(base=SelectKBest(k=2)).fit(*planted("survival"))
    table = StabilitySelection(base=MRMR(n_features=3), n_pairs=8).fit(*planted("survival"))
    assert isinstance(table.transform(frame), pd.DataFrame)
