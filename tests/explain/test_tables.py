"""SHAP values, groups of columns, and survival over time."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from radiogen.errors import RadiogenError
from radiogen.explain import feature_groups, grouped_shapley, shap_values, time_dependent, time_importance

pytest.importorskip("shap")
NAN = float("nan")
RNG = np.random.default_rng(7)
FRAME = pd.DataFrame(RNG.normal(size=(60, 4)), columns=["age", "size_mm", "swe_mean_kpa", "swe_sd_kpa"])
BACK, UNITS = FRAME.iloc[:20], FRAME.iloc[20:26]


def test_a_linear_classifier_has_weight_times_distance_from_the_mean():
    from sklearn.linear_model import LogisticRegression

    y = (FRAME["age"] + FRAME["size_mm"] > 0).astype(int)
    model = LogisticRegression().fit(FRAME, y)
    found = shap_values(model, UNITS, BACK)
    np.testing.assert_allclose(found.values.to_numpy(), model.coef_[0] * (UNITS - BACK.mean()).to_numpy(), atol=1e-10)
    np.testing.assert_allclose(found.prediction, model.decision_function(UNITS))
    assert found.scale == "log-odds" and found.adds_up and list(found.units) == list(UNITS.index)
    assert found.to_frame()["feature_value"].iloc[0] == UNITS.iloc[0, 0]


def test_a_stump_by_hand():
    """The tree says 0 below and 1 above a cut of the first column; 5 of 20 background rows lie above: x above gets 1 - 1/4."""
    from sklearn.tree import DecisionTreeRegressor

    # no cut of the second column separates the first
    x = np.column_stack([np.r_[np.zeros(15), np.ones(5)], np.tile([0.0, 1.0], 10)])
    model = DecisionTreeRegressor(max_depth=1, random_state=0).fit(x, x[:, 0])
    found = shap_values(model, np.array([[1.0, 1.0], [0.0, 1.0]]), x, names=["a", "b"])
    np.testing.assert_allclose(found.values.to_numpy(), [[0.75, 0], [-0.25, 0]], atol=1e-9)
    assert "TreeSHAP" in found.method and found.adds_up


@pytest.mark.parametrize("name", ["RandomForestClassifier", "GradientBoostingClassifier", "HistGradientBoostingClassifier"])
def test_trees_add_up(name):
    from sklearn import ensemble

    y = (FRAME["age"] * FRAME["size_mm"] > 0).astype(int)
    size = {"max_iter": 8, "min_samples_leaf": 5} if name.startswith("Hist") else {"n_estimators": 8}
    model = getattr(ensemble, name)(random_state=0, **size).fit(FRAME, y)
    found = shap_values(model, UNITS, BACK)
    assert found.adds_up and found.outputs == ("prediction",)
    if name.startswith("Random"):
        np.testing.assert_allclose(found.prediction, model.predict_proba(UNITS)[:, 1], atol=1e-6)
        assert found.scale == "probability"
    else:
        np.testing.assert_allclose(found.prediction, model.decision_function(UNITS), atol=1e-5)
        assert found.scale == "log-odds"


def test_scales_are_named_for_what_the_model_gives():
    from sklearn.linear_model import LogisticRegression
    from sklearn.svm import LinearSVC
    from sklearn.tree import DecisionTreeClassifier

    y = (FRAME["age"] > FRAME["age"].median()).astype(int)
    scales = [shap_values(m.fit(FRAME, y), UNITS, BACK).scale
              for m in (LogisticRegression(max_iter=2000), LinearSVC(), DecisionTreeClassifier(max_depth=2))]  # fmt: skip
    # the distance from a support vector machine's plane has no unit; the leaves of a tree are shares
    assert scales == ["log-odds", "", "probability"]


def test_several_classes_keep_their_names():
    from sklearn.ensemble import RandomForestClassifier

    y = np.array(["A", "B", "C"])[pd.qcut(FRAME["age"], 3, labels=False)]
    found = shap_values(RandomForestClassifier(5, random_state=0).fit(FRAME, y), UNITS, BACK)
    assert found.outputs == ("A", "B", "C") and found.adds_up
    assert found.of("B").values.shape == (6, 4)


def product(frame: pd.DataFrame) -> np.ndarray:
    return (frame["age"] * frame["size_mm"] + 2 * frame["swe_mean_kpa"]).to_numpy()


def test_permutation_values_are_exact_shapley_values_of_a_product():
    """Antithetic orders are exact for pairwise interactions; the reference plays all subsets of columns."""
    found = shap_values(product, UNITS, BACK)
    exact = grouped_shapley(product, UNITS, BACK, {c: c for c in FRAME})
    np.testing.assert_allclose(found.values.to_numpy(), exact.values.to_numpy(), atol=1e-9)
    assert found.adds_up and "permutations" in found.method


def test_numpy_goes_on_as_if_nothing_had_happened():
    np.random.seed(123)
    expected = np.random.random(3)
    np.random.seed(123)
    first = shap_values(product, UNITS.iloc[:2], BACK)
    assert np.random.random(3).tolist() == expected.tolist()
    alone = shap_values(product, UNITS.iloc[1:2], BACK)
    np.testing.assert_array_equal(first.values.iloc[1].to_numpy(), alone.values.iloc[0].to_numpy())


@pytest.mark.parametrize(("call", "code"), [
    ({"kind": "deep"}, "RG708"), ({"kind": "linear"}, "RG708"), ({"kind": "tree"}, "RG708"), ({"names": ["a"]}, "RG705"),
    ({"X": UNITS.assign(age="old")}, "RG705"), ({"background": BACK.iloc[:, :2]}, "RG705"), ({"background": BACK.to_numpy()}, "RG705"), ({"model": 3}, "RG708"),
])  # fmt: skip
def test_wrong_calls(call, code):
    arguments = {"model": product, "X": UNITS, "background": BACK, **call}
    with pytest.raises(RadiogenError) as error:
        shap_values(arguments.pop("model"), arguments.pop("X"), arguments.pop("background"), **arguments)
    assert error.value.code == code


# -- groups ------------------------------------------------------------------------


def test_groups_by_hand():
    """f = ab + c from zero at (2, 3, 5): a with b share 6, and c is b's: 3 and 3 + 5."""
    found = grouped_shapley(lambda z: z[:, 0] * z[:, 1] + z[:, 2], np.array([[2.0, 3, 5]]), np.zeros((1, 3)), {0: "a", 1: "b", 2: "b"})
    assert found.values.iloc[0].to_dict() == {"a": 3.0, "b": 8.0} and found.adds_up


def test_a_group_of_a_linear_model_has_the_sum_of_its_columns():
    w = np.array([1.0, -2.0, 3.0, 0.5])
    found = grouped_shapley(lambda f: f.to_numpy() @ w, UNITS, BACK, feature_groups(FRAME.columns))
    each = w * (UNITS - BACK.mean()).to_numpy()
    np.testing.assert_allclose(found.values["clinical"], each[:, :2].sum(axis=1))
    np.testing.assert_allclose(found.values["swe"], each[:, 2:].sum(axis=1))


def test_sampled_orders_agree_with_all_subsets_within_their_errors():
    def f(frame: pd.DataFrame) -> np.ndarray:
        x = frame.to_numpy()
        return np.tanh(x[:, 0] * x[:, 1] * x[:, 2]) + x[:, 3] * (x[:, 0] > 0)

    groups = {c: c for c in FRAME}
    exact = grouped_shapley(f, UNITS, BACK, groups)
    sampled = grouped_shapley(f, UNITS, BACK, groups, exact=False, permutations=800)
    assert sampled.adds_up and sampled.se is not None
    # 24 comparisons
    z = (sampled.values - exact.values) / sampled.se
    assert np.abs(z.to_numpy()).max() < 4
    np.testing.assert_allclose(sampled.base, exact.base)
    assert "se" in sampled.to_frame()


def test_more_than_twelve_groups_are_sampled():
    x = np.random.default_rng(0).normal(size=(8, 15))
    found = grouped_shapley(lambda z: z.sum(axis=1), x[:2], x[2:], dict.fromkeys(range(15)) | {i: f"g{i}" for i in range(15)})
    assert found.se is not None and found.adds_up and "orders" in found.method
    # additive: only the background differs between orders, and every row is used equally often
    np.testing.assert_allclose(found.values.to_numpy(), x[:2] - x[2:].mean(axis=0), atol=1e-9)
    with pytest.raises(RadiogenError, match="at most 12"):
        grouped_shapley(lambda z: z.sum(axis=1), x[:2], x[2:], {i: i for i in range(15)}, exact=True)


@pytest.mark.parametrize("exact", [True, False])
def test_a_group_that_a_unit_lacks_is_nan_and_keeps_its_missing_values(exact):
    def f(z: np.ndarray) -> np.ndarray:
        return z[:, 0] + np.where(np.isnan(z[:, 1]), 10.0, z[:, 1])

    x, back = np.array([[1.0, 5.0], [1.0, NAN]]), np.array([[0.0, 1.0], [0.0, 3.0]])
    found = grouped_shapley(f, x, back, {0: "a", 1: "b"}, present=[[True, True], [True, False]], exact=exact)
    np.testing.assert_allclose(found.values.to_numpy(), [[1, 3], [1, NAN]])
    assert found.base.tolist() == [2.0, 10.0] and found.adds_up


def test_columns_keep_their_types():
    frame = pd.DataFrame({"grade": pd.Categorical(["1", "3"]), "age": [40, 60]})
    seen = []

    def f(x: pd.DataFrame) -> np.ndarray:
        seen.append(x.dtypes.tolist())
        return (x["grade"] == "3").to_numpy(dtype=float) + x["age"].to_numpy(dtype=float)

    found = grouped_shapley(f, frame, frame, {"grade": "g", "age": "a"})
    assert found.values.to_numpy().tolist() == [[-0.5, -10.0], [0.5, 10.0]]
    assert all(t == frame.dtypes.tolist() for t in seen)


def test_every_column_needs_a_group():
    with pytest.raises(RadiogenError, match="has no group"):
        grouped_shapley(product, UNITS, BACK, {"age": "a"})


def test_feature_groups():
    names = ["age", "bmode_wavelet_LH_glcm_JointEntropy", "ceus_time_to_peak_s", "mri_original_glrlm_Odd", "us2_x"]
    assert list(feature_groups(names).values()) == ["clinical", "bmode", "ceus", "mri", "clinical"]
    assert list(feature_groups(names, "both", modalities=["us2"]).values())[1:] == ["bmode glcm", "ceus kinetics", "mri glrlm", "us2"]
    assert feature_groups(["swe_mean_kpa"], "class") == {"swe_mean_kpa": "stiffness"}
    with pytest.raises(RadiogenError):
        feature_groups(names, "unit")  # type: ignore[arg-type]


# -- over time ---------------------------------------------------------------------


def survival(x: np.ndarray, t: np.ndarray) -> np.ndarray:
    return np.exp(-np.outer(0.1 * 2 ** x[:, 0] * 3 ** x[:, 1], t))


def test_survival_over_time_by_hand():
    """Hazards .1, .2 (a), .3 (b), .6 (both): at t = 1 a has ((S2 - S1) + (S6 - S3)) / 2."""
    x, back = np.array([[1.0, 1.0]]), np.zeros((1, 2))
    frame = time_dependent(lambda f: grouped_shapley(f, x, back, {0: "a", 1: "b"}), survival, [1.0, 4.0])
    s = {h: np.exp(-h / 10 * np.array([1.0, 4.0])) for h in (1, 2, 3, 6)}
    a = frame[frame["feature"] == "a"].sort_values("time")
    assert a["value"].to_numpy() == pytest.approx(((s[2] - s[1]) + (s[6] - s[3])) / 2)
    sums = frame.groupby("time")["value"].sum()
    assert sums.to_numpy() == pytest.approx(s[6] - s[1])
    assert frame["time"].dtype == float and "output" not in frame
    by_shap = time_dependent(lambda f: shap_values(f, x, back, kind="permutation"), survival, [1.0, 4.0])
    assert by_shap["value"].to_numpy() == pytest.approx(frame["value"].to_numpy())


def test_importance_is_the_mean_over_time():
    """Between 0 and 2 the curve rises to .2, then stays to 3: (.2 + .2) / 3."""
    rows = pd.DataFrame({"unit": 0, "time": [0, 2, 3] * 2, "feature": list("aaabbb"), "value": [0, -0.2, -0.2, 0, 0, 0.0]})
    found = time_importance(rows).set_index("feature")
    assert found["importance"].to_dict() == pytest.approx({"a": 0.4 / 3, "b": 0.0})
    assert found.loc["a", "share"] == 1


@pytest.mark.parametrize("times", [[], [2.0, 1.0], [1.0, NAN]])
def test_times_must_rise(times):
    with pytest.raises(RadiogenError, match="times"):
        time_dependent(lambda f: None, survival, times)  # type: ignore[arg-type,return-value]
