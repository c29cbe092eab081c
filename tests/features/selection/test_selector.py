"""What holds for every selector."""

from __future__ import annotations

import pickle
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

from radiogen.errors import RadiogenError
from radiogen.features.selection import (
    MRMR,
    CorrelationClusters,
    ElasticNet,
    Lasso,
    Selector,
    ShadowFeatures,
    StabilitySelection,
    UnivariableFDR,
    Variance,
)
from tests.features.selection.conftest import TRUE, planted

SELECTORS = [
    Variance(),
    CorrelationClusters(),
    MRMR(n_features=3),
    UnivariableFDR(at_least=1),
    Lasso(n_penalties=6, n_splits=3, at_least=1),
    ElasticNet(n_penalties=6, n_splits=3, at_least=1),
    ShadowFeatures(n_trees=15, max_runs=8, at_least=1),
    StabilitySelection(n_pairs=3, at_least=1),
]
each = pytest.mark.parametrize("selector", SELECTORS, ids=lambda s: type(s).__name__)


@each
def test_names_are_kept_and_columns_are_as_they_were(selector: Selector, problem: tuple[pd.DataFrame, Any]) -> None:
    frame, y = problem
    found = clone(selector).fit(frame, y)
    chosen = found.transform(frame)
    assert isinstance(chosen, pd.DataFrame)
    assert list(chosen.columns) == list(found.get_feature_names_out()) == list(frame.columns[found.get_support()])
    pd.testing.assert_frame_equal(chosen, frame[chosen.columns])
    # by name, whatever the order; and with an array of the same columns
    pd.testing.assert_frame_equal(found.transform(frame[frame.columns[::-1]]), chosen)
    np.testing.assert_array_equal(found.transform(frame.to_numpy()), chosen.to_numpy())


@each
def test_the_order_of_the_columns_does_not_matter(selector: Selector) -> None:
    frame, y = planted("binary", n=100, p=12)
    frame["f05"] = frame["f03"]  # a tie
    other = frame[np.random.default_rng(1).permutation(frame.columns)]
    first, second = clone(selector).fit(frame, y), clone(selector).fit(other, y)
    assert set(first.get_feature_names_out()) == set(second.get_feature_names_out())


@each
def test_the_same_twice(selector: Selector) -> None:
    frame, y = planted("binary", n=80, p=10)
    np.testing.assert_array_equal(clone(selector).fit(frame, y).get_support(), clone(selector).fit(frame, y).get_support())


@each
def test_missing_and_infinite_values_are_refused_by_name(selector: Selector) -> None:
    frame, y = planted("binary", n=40, p=6)
    for value in (np.nan, np.inf):
        frame.loc[3, "f04"] = value
        with pytest.raises(RadiogenError) as raised:
            clone(selector).fit(frame, y)
        assert (raised.value.code, raised.value.problems[0].column) == ("RG705", "f04")


@each
def test_in_a_pipeline_inside_folds(selector: Selector) -> None:
    frame, y = planted("binary", n=120, p=12)
    frame = frame.mask(np.random.default_rng(2).random(frame.shape) < 0.03)
    imputer = SimpleImputer(strategy="median").set_output(transform="pandas")
    steps = make_pipeline(imputer, clone(selector), LogisticRegression())
    assert cross_val_score(steps, frame, y, cv=3, scoring="roc_auc").mean() > 0.6
    assert set(steps.fit(frame, y)[:-1].get_feature_names_out()) <= set(frame.columns)


def test_the_container_can_be_set() -> None:
    frame, y = planted("binary")
    found = UnivariableFDR().fit(frame, y).set_output(transform="pandas").transform(frame)
    assert list(found.columns) == list(TRUE)


def test_tables_that_are_refused() -> None:
    y = [0, 1, 0, 1]
    twice = pd.DataFrame(np.eye(4)[:, :2], columns=["a", "a"])
    text = pd.DataFrame({"a": [1.0, 2, 3, 4], "b": list("wxyz")})
    for table in (twice, text, np.zeros((4, 0)), np.array([["a"], ["b"], ["c"], ["d"]])):
        with pytest.raises(RadiogenError) as raised:
            UnivariableFDR().fit(table, y)
        assert raised.value.code == "RG705"
    with pytest.raises(RadiogenError, match="5 units"):
        UnivariableFDR().fit(np.eye(4), [0, 1, 1, 0, 1])
    with pytest.raises(RadiogenError, match="not fitted"):
        Variance().transform(np.eye(3))
    with pytest.raises(RadiogenError, match="not in the table"):
        UnivariableFDR(at_least=2).fit(text[["a"]].assign(c=[1.0, 0, 1, 1]), y).transform(text[["a"]])


@pytest.mark.parametrize(
    "wrong",
    [
        MRMR(n_features=0), MRMR(criterion="ratio"), MRMR(relevance="f"), UnivariableFDR(alpha=2), UnivariableFDR(test="t"),
        UnivariableFDR(method="holm"), Lasso(rule="best"), ElasticNet(l1_ratio=0), ShadowFeatures(n_trees=0),
        ShadowFeatures(forest="pine"), StabilitySelection(threshold=0.4), StabilitySelection(base="ridge"),
        StabilitySelection(threshold=0.51, n_pairs=10), CorrelationClusters(method="kendall"), Variance(max_share=2),
    ],
    ids=repr,
)  # fmt: skip
def test_parameters_out_of_range(wrong: Selector) -> None:
    frame, y = planted("binary", n=40, p=5)
    with pytest.raises(RadiogenError) as raised:
        wrong.fit(frame, y)
    assert raised.value.code == "RG708"


@pytest.mark.parametrize("kind", ["binary", "multiclass", "survival"])
def test_truth_is_found(kind: str) -> None:
    """Each selector that uses the outcome finds the three columns; the number of false ones is bounded by its promise."""
    frame, y = planted(kind, p=20)
    most_false = [
        (MRMR(n_features=6), 3), (UnivariableFDR(), 1), (Lasso(n_penalties=8, n_splits=4), 6), (ElasticNet(n_penalties=8, n_splits=4), 7),
        (ShadowFeatures(n_trees=30, max_runs=25), 4), (StabilitySelection(n_pairs=5), 1),
    ]  # fmt: skip
    for selector, most in most_false:
        found = set(selector.fit(frame, y).get_feature_names_out())
        assert set(TRUE) <= found, (selector, found)
        assert len(found) - 3 <= most, (selector, found)


def test_choosing_before_the_folds_makes_noise_look_good() -> None:
    """Pure noise, 60 units, 1,000 columns: inside the folds the area is 0.5, and chosen beforehand far above."""
    rng = np.random.default_rng(4)
    honest, leaky = [], []
    for _ in range(6):
        x, y = rng.normal(size=(60, 1000)), np.repeat([0, 1], 30)
        model = LogisticRegression()
        honest.append(cross_val_score(make_pipeline(MRMR(n_features=10), model), x, y, cv=5, scoring="roc_auc").mean())
        leaky.append(cross_val_score(model, MRMR(n_features=10).fit_transform(x, y), y, cv=5, scoring="roc_auc").mean())
    assert abs(np.mean(honest) - 0.5) < 0.1
    assert np.mean(leaky) > 0.85


@each
@pytest.mark.parametrize("kind", ["binary", "multiclass", "survival"])
def test_odd_columns(selector: Selector, kind: str) -> None:
    """Constants, copies, switches, extreme scales and nullable numbers: no warning, no NaN where a number is promised."""
    frame, y = planted(kind, n=60, p=4)
    odd = frame.assign(
        constant=1.0, copy=frame["f03"], switch=frame["f01"] > 0, big=1e9 * frame["f02"], tiny=1e-12 * frame["f00"],
        nullable=pd.array(frame["f00"], dtype="Float64"),
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = clone(selector).fit(odd, y)
    assert not found.get_support()[list(odd).index("constant")] or isinstance(selector, CorrelationClusters)
    again = pickle.loads(pickle.dumps(found))  # noqa: S301 - made here
    assert again.get_support().tolist() == found.get_support().tolist()
    for name, values in vars(found).items():
        if isinstance(values, np.ndarray) and values.dtype.kind == "f" and name not in ("p_", "q_", "entry_"):
            assert np.isfinite(values).all(), name
