"""A filter that keeps stable features, and learns from training units alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from radiogen.errors import RadiogenError
from radiogen.features.stability import StabilityFilter, icc, share_above, summarise
from radiogen.features.stability.summary import split_name

TABLE = pd.DataFrame(
    {"model": "2,1", "icc": [0.95, 0.8, 0.76, np.nan], "lower": [0.9, 0.75, 0.6, np.nan]}, index=["a", "b", "c", "constant"]
)


def code(call) -> str:
    with pytest.raises(RadiogenError) as error:
        call()
    return error.value.code


def units(n: int = 30, noise: tuple[float, ...] = (0.1, 0.3, 1.0, 3.0), seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Features of n units, and three more measurements of each with more noise from feature to feature."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=(n, len(noise)))
    index, names = [f"u{i}" for i in range(n)], [f"noise_{s}" for s in noise]
    again = truth[:, None, :] + rng.normal(size=(n, 3, len(noise))) * np.array(noise)
    rows = pd.MultiIndex.from_product([index, ["r1", "r2", "r3"]], names=["lesion", "repeat"])
    return pd.DataFrame(truth, index=index, columns=names), pd.DataFrame(again.reshape(3 * n, -1), index=rows, columns=names)


def test_the_lower_limit_decides_unless_the_estimate_is_asked_for() -> None:
    X = pd.DataFrame(np.zeros((2, 4)), columns=TABLE.index)
    assert StabilityFilter(TABLE).fit(X).get_support().tolist() == [True, True, False, False]  # 0.75 reaches 0.75
    assert StabilityFilter(TABLE, bound="estimate").fit(X).get_support().tolist() == [True, True, True, False]
    assert StabilityFilter(TABLE, threshold=0.9).fit(X).get_feature_names_out().tolist() == ["a"]
    assert StabilityFilter(TABLE).fit(X).get_support(indices=True).tolist() == [0, 1]


def test_repeats_are_measured_in_fit() -> None:
    X, repeats = units()
    found = StabilityFilter(repeats=repeats).fit(X)
    pd.testing.assert_frame_equal(found.table_, icc(repeats))
    assert found.n_units_ == 30 and found.get_feature_names_out().tolist() == ["noise_0.1", "noise_0.3"]
    # reliabilities 1 / (1 + s²): 0.99, 0.92, 0.5, 0.1
    np.testing.assert_allclose(found.table_["icc"], [1 / 1.01, 1 / 1.09, 0.5, 0.1], atol=0.25)


def test_units_that_are_not_in_training_have_no_part() -> None:
    X, repeats = units()
    train = X.index[:20]
    found = StabilityFilter(repeats=repeats).fit(X.loc[train])
    pd.testing.assert_frame_equal(found.table_, icc(repeats.loc[list(train)]))
    spoilt = repeats.copy()
    spoilt.loc[list(X.index[20:])] = np.random.default_rng(1).normal(size=(30, 4)) * 1e6
    again = StabilityFilter(repeats=spoilt).fit(X.loc[train])
    pd.testing.assert_frame_equal(found.table_, again.table_)
    assert again.n_units_ == 20


def test_the_outcome_is_never_looked_at() -> None:
    X, repeats = units()
    y = np.arange(30) % 2
    one, two = (StabilityFilter(repeats=repeats).fit(X, t).get_support() for t in (y, None))
    np.testing.assert_array_equal(one, two)


def test_in_a_pipeline_and_a_search() -> None:
    X, repeats = units(60)
    y = (X["noise_0.1"] > 0).astype(int)
    scaled = StandardScaler().set_output(transform="pandas")
    model = make_pipeline(scaled, StabilityFilter(repeats=repeats), LogisticRegression())
    assert cross_val_score(model, X, y, cv=3).mean() > 0.8
    search = GridSearchCV(model, {"stabilityfilter__threshold": [0.3, 0.75, 0.95]}, cv=3).fit(X, y)
    assert search.best_estimator_[1].n_units_ == 60
    copy = clone(search.best_estimator_[1])
    assert not hasattr(copy, "support_") and copy.get_params()["repeats"].equals(repeats)


def test_output_follows_input_and_set_output() -> None:
    X, repeats = units()
    fitted = StabilityFilter(repeats=repeats).fit(X)
    found = fitted.transform(X)
    pd.testing.assert_frame_equal(found, X[["noise_0.1", "noise_0.3"]])
    array = StabilityFilter(TABLE).fit(np.zeros((3, 4)))
    assert isinstance(array.transform(np.zeros((3, 4))), np.ndarray) and array.transform(np.zeros((3, 4))).shape == (3, 2)
    framed = StabilityFilter(TABLE).set_output(transform="pandas").fit(np.zeros((3, 4))).transform(np.zeros((3, 4)))
    assert list(framed.columns) == ["a", "b"]


def test_columns_that_were_not_measured_again() -> None:
    X, repeats = units()
    X = X.assign(age=1.0)
    assert "age" not in StabilityFilter(repeats=repeats).fit(X).get_feature_names_out()
    assert "age" in StabilityFilter(repeats=repeats, unmeasured="keep").fit(X).get_feature_names_out()
    assert code(lambda: StabilityFilter(repeats=repeats, unmeasured="refuse").fit(X)) == "RG705"


def test_nothing_stable_leaves_nothing() -> None:
    X, repeats = units()
    assert StabilityFilter(repeats=repeats, threshold=1.0).fit_transform(X).shape == (30, 0)


def test_what_is_refused() -> None:
    X, repeats = units()
    fitted = StabilityFilter(repeats=repeats).fit(X)
    assert code(lambda: StabilityFilter().fit(X)) == "RG708"
    assert code(lambda: StabilityFilter(TABLE, repeats).fit(X)) == "RG708"
    assert code(lambda: StabilityFilter(TABLE, threshold=75).fit(X)) == "RG708"
    assert code(lambda: StabilityFilter(TABLE, bound="upper").fit(X)) == "RG708"
    assert code(lambda: StabilityFilter(repeats=repeats, model="x").fit(X)) == "RG708"
    assert code(lambda: StabilityFilter(repeats=repeats).fit(X.to_numpy())) == "RG705"
    assert code(lambda: StabilityFilter(repeats=repeats).fit(X.reset_index(drop=True))) == "RG701"
    assert code(lambda: StabilityFilter(repeats=repeats.reset_index(drop=True)).fit(X)) == "RG705"
    assert code(lambda: StabilityFilter(repeats=repeats).fit(X.add_prefix("x"))) == "RG705"
    assert code(lambda: StabilityFilter(TABLE.drop(columns="lower")).fit(X)) == "RG705"
    assert code(lambda: StabilityFilter(pd.concat([TABLE, TABLE])).fit(X)) == "RG705"
    assert code(lambda: StabilityFilter(TABLE).fit(np.zeros((3, 5)))) == "RG705"
    assert code(lambda: fitted.transform(X.iloc[:, ::-1])) == "RG705"
    assert code(lambda: StabilityFilter(TABLE).fit(np.zeros((3, 4))).transform(np.zeros((3, 5)))) == "RG705"


def test_choosing_stable_features_on_all_units_is_what_the_filter_avoids() -> None:
    """The features chosen in two disjoint halves differ where repeats are few: so the choice must be made in the fold."""
    X, repeats = units(24, noise=tuple(0.3 + 0.001 * i for i in range(40)), seed=3)
    one, two = (
        set(StabilityFilter(repeats=repeats).fit(X.loc[half]).get_feature_names_out()) for half in (X.index[:12], X.index[12:])
    )
    assert one != two and one and two


# -- summaries ----------------------------------------------------------------------------


def test_shares() -> None:
    found = share_above(TABLE, (0.5, 0.75, 0.9))
    assert found["n"].to_list() == [3, 2, 1] and found["of"].to_list() == [3, 3, 3]
    assert share_above(TABLE, (0.9,), bound="estimate")["n"].to_list() == [1]
    assert code(lambda: share_above(TABLE, bound="upper")) == "RG708"


def test_summary_by_class_and_filter() -> None:
    names = ["bmode_original_glcm_Contrast", "bmode_original_glcm_Idm", "bmode_log_sigma_2_0_mm_3D_glszm_ZoneEntropy", "swe_mean_kpa"]
    table = pd.DataFrame({"model": "2,1", "icc": [0.9, 0.7, 0.5, 1.0], "lower": [0.8, 0.5, 0.3, 0.9]}, index=names)
    found = summarise(table).set_index(["filter", "class"])
    assert found.loc[("original", "glcm"), ["n", "median", "stable", "share"]].to_list() == [2, pytest.approx(0.8), 1, 0.5]
    assert found.loc[("log_sigma_2_0_mm_3D", "glszm"), "stable"] == 0
    assert found.loc[("", "other"), "share"] == 1.0


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("original_shape2D_Sphericity", ("original", "shape2D")),
        ("b_mode_wavelet_LH_firstorder_Mean", ("wavelet_LH", "firstorder")),
        ("bmode_outside_2_mm_original_ngtdm_Contrast", ("outside_2_mm_original", "ngtdm")),
        ("squareroot_gldm_DependenceEntropy", ("squareroot", "gldm")),
        ("swe_glcm_number", ("", "other")),
    ],
)
def test_names_are_split(name: str, expected: tuple[str, str]) -> None:
    assert split_name(name) == expected
