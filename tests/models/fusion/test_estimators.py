"""Fusion networks in scikit-learn's manners."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from radiogen.errors import RadiogenError
from radiogen.models import FusionClassifier, FusionSurvival
from radiogen.models.fusion.examples import Examples, Pictures
from radiogen.models.fusion.spec import InputSpec
from radiogen.models.fusion.tables import ExamplePreparer, FramePreparer

BLOCKS = {"clinical": ["age", "side"], "swe": ["swe_a"]}
TINY: dict[str, Any] = {"folds": 2, "options": {"epochs": 3, "width": 8}}


@pytest.fixture(scope="module")
def data() -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(2)
    y = np.tile([0, 1], 30)
    frame = pd.DataFrame({
        "age": rng.normal(size=60), "side": rng.choice(["left", "right"], 60), "swe_a": 2.0 * y + rng.normal(size=60),
    }, index=[f"u{i}" for i in range(60)])  # fmt: skip
    frame.loc[frame.index[::5], "swe_a"] = np.nan
    return frame, y


@pytest.fixture(scope="module")
def fitted(data: tuple[pd.DataFrame, np.ndarray]) -> FusionClassifier:
    return FusionClassifier(BLOCKS, folds=2, options={"epochs": 30, "width": 8, "learning_rate": 0.01}).fit(*data)


def test_it_learns_and_says_probabilities(fitted: FusionClassifier, data: tuple[pd.DataFrame, np.ndarray]) -> None:
    frame, y = data
    proba = fitted.predict_proba(frame)
    assert proba.shape == (60, 2) and fitted.classes_.tolist() == [0, 1]
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    assert fitted.score(frame, y) > 0.7
    assert fitted.inner_.shape == (60, 2) and not np.isnan(fitted.inner_).any()
    assert fitted.present(frame)[:6, 1].tolist() == [False, True, True, True, True, False]


def test_inner_predictions_are_those_of_the_network_that_did_not_see_the_unit(
    fitted: FusionClassifier, data: tuple[pd.DataFrame, np.ndarray]
) -> None:
    frame, _ = data
    members = np.stack([t.predict(prepare(frame))["y"] for prepare, t in fitted.fitted_.members])
    same = (members == fitted.inner_).all(axis=2)
    # each unit's comes from exactly one of the two, and each of them gives one half
    assert same.sum(axis=0).tolist() == [1] * 60 and same.sum(axis=1).tolist() == [30, 30]
    np.testing.assert_allclose(fitted.predict_proba(frame), members.mean(axis=0))


def test_a_prediction_does_not_depend_on_who_else_is_asked_for(
    fitted: FusionClassifier, data: tuple[pd.DataFrame, np.ndarray]
) -> None:
    frame, _ = data
    whole = fitted.predict_proba(frame)
    np.testing.assert_allclose(fitted.predict_proba(frame.iloc[[7]]), whole[[7]], atol=1e-6)
    np.testing.assert_allclose(fitted.predict_proba(frame.iloc[::-1])[::-1], whole, atol=1e-6)


def test_scores_are_log_odds_and_modalities_can_be_hidden(
    fitted: FusionClassifier, data: tuple[pd.DataFrame, np.ndarray]
) -> None:
    frame, _ = data
    proba = fitted.predict_proba(frame)
    np.testing.assert_allclose(fitted.score_with(frame)[:, 0], np.log(proba[:, 1] / proba[:, 0]), atol=1e-9)
    hidden = fitted.score_with(frame, np.tile([True, False], (60, 1)))
    np.testing.assert_allclose(hidden, fitted.score_with(frame.assign(swe_a=np.nan)), atol=1e-6)
    assert not np.allclose(hidden, fitted.score_with(frame))


def test_the_same_seed_gives_the_same_network(data: tuple[pd.DataFrame, np.ndarray]) -> None:
    frame, y = data
    first = FusionClassifier(BLOCKS, random_state=4, **TINY)
    one, two = (clone(first).fit(frame, y).predict_proba(frame) for _ in range(2))
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, clone(first).set_params(random_state=5).fit(frame, y).predict_proba(frame))


def test_patients_stay_on_one_side(data: tuple[pd.DataFrame, np.ndarray]) -> None:
    frame, y = data
    patient = np.repeat(np.arange(20), 3)
    fitted = FusionClassifier(BLOCKS, **TINY).fit(frame, y, groups=patient)
    first = fitted.fitted_.members[0]
    mine = (first[1].predict(first[0](frame))["y"] == fitted.inner_).all(axis=1)
    assert all(len(set(mine[patient == p])) == 1 for p in range(20)) and 0 < mine.sum() < 60


def test_too_few_modalities_are_nan_and_no_class(data: tuple[pd.DataFrame, np.ndarray]) -> None:
    frame, y = data
    fitted = FusionClassifier(BLOCKS, folds=2, options={"epochs": 2, "min_modalities": 2}).fit(frame, y)
    proba = fitted.predict_proba(frame)
    assert np.isnan(proba).all(axis=1).tolist() == frame["swe_a"].isna().tolist()
    with pytest.raises(RadiogenError, match="12 units") as error:
        fitted.predict(frame)
    assert error.value.code == "RG705"
    assert set(fitted.predict(frame.dropna())) <= {0, 1}


def test_names_of_classes_and_arrays_are_taken_as_they_are() -> None:
    rng = np.random.default_rng(0)
    y = np.tile(["no", "yes", "perhaps"], 12)
    fitted = FusionClassifier(**TINY).fit(rng.normal(size=(36, 3)), y)
    assert fitted.classes_.tolist() == ["no", "perhaps", "yes"] and fitted.modalities_ == ("table",)
    assert fitted.score_with(rng.normal(size=(4, 3))).shape == (4, 3)
    assert set(fitted.predict(rng.normal(size=(4, 3)))) <= set(y)


def test_examples_with_pictures_are_taken_as_they_are() -> None:
    rng = np.random.default_rng(1)
    y = np.tile([0, 1], 12)
    present = np.ones((24, 2), dtype=bool)
    present[::6, 1] = False
    owner = np.flatnonzero(present[:, 1])
    pixels = (rng.integers(0, 60, (len(owner), 1, 32, 32)) + 120 * y[owner][:, None, None, None]).astype(np.uint8)
    examples = Examples(
        np.array([f"u{i}" for i in range(24)]), ("clinical", "bmode"), present, {"clinical": 50 + 9 * rng.normal(size=(24, 2))},
        {"bmode": Pictures(pixels, owner)},
    )  # fmt: skip
    inputs = [InputSpec("clinical", "table", columns=("a", "b")), InputSpec("bmode", "image", size=(32, 32))]
    fitted = FusionClassifier(inputs=inputs, fusion="late", folds=2, options={"epochs": 1, "width": 4}).fit(examples, y)
    assert fitted.predict_proba(examples).shape == (24, 2)
    np.testing.assert_array_equal(fitted.present(examples), present)
    with pytest.raises(RadiogenError, match="inputs") as error:
        FusionClassifier(folds=2).fit(examples, y)
    assert error.value.code == "RG705"


def test_survival_has_a_baseline_and_falls_with_time(data: tuple[pd.DataFrame, np.ndarray]) -> None:
    frame, y = data
    rng = np.random.default_rng(5)
    time, event = rng.exponential(np.exp(-1.5 * y)) + 0.01, rng.random(60) < 0.8
    net = FusionSurvival(BLOCKS, folds=2, options={"epochs": 20, "learning_rate": 0.01}).fit(frame, time, event)
    curve = net.predict_survival(frame, [0.0, 0.2, 0.5, 1.0])
    assert (np.diff(curve, axis=1) <= 1e-12).all() and (curve[:, 0] == 1).all()
    risk = net.predict_risk(frame)
    assert risk[y == 1].mean() > risk[y == 0].mean()
    # a higher log-hazard means less survival, in the same order
    assert (np.argsort(risk) == np.argsort(-curve[:, 2])).all()
    np.testing.assert_allclose(net.score_with(frame)[:, 0], risk)
    # each member's hazards are centred on its own training units
    assert abs(risk.mean()) < 1


@pytest.mark.parametrize(
    ("make", "y", "code"),
    [
        (lambda f: FusionClassifier({"swe": ["typo"]}, **TINY), "y", "RG203"),
        (lambda f: FusionClassifier({"swe": "swe_a"}, **TINY), "y", "RG705"),
        (lambda f: FusionClassifier({"swe": []}, **TINY), "y", "RG705"),
        (lambda f: FusionClassifier(BLOCKS, fusion="foo"), "y", "RG708"),
        (lambda f: FusionClassifier(BLOCKS, options={"epoch": 3}), "y", "RG708"),
        (lambda f: FusionClassifier(BLOCKS, options={"epochs": 0}), "y", "RG708"),
        (lambda f: FusionClassifier(BLOCKS, **TINY), "short", "RG705"),
        (lambda f: FusionClassifier(BLOCKS, **TINY), "one", "RG701"),
        (lambda f: FusionClassifier(BLOCKS, folds=40), "y", "RG603"),
    ],
)
def test_wrong_calls_are_refused(data: tuple[pd.DataFrame, np.ndarray], make: Any, y: str, code: str) -> None:
    frame, labels = data
    given = {"y": labels, "short": labels[:-1], "one": np.zeros(60)}[y]
    with pytest.raises(RadiogenError) as error:
        make(frame).fit(frame, given)
    assert error.value.code == code


def test_unfitted_and_lacking_columns(fitted: FusionClassifier, data: tuple[pd.DataFrame, np.ndarray]) -> None:
    frame, _ = data
    with pytest.raises(RadiogenError) as error:
        FusionClassifier(BLOCKS).predict_proba(frame)
    assert error.value.code == "RG708"
    with pytest.raises(RadiogenError) as error:
        fitted.predict_proba(frame.drop(columns="swe_a"))
    assert error.value.code == "RG203"
    with pytest.raises(RadiogenError) as error:
        FusionSurvival(BLOCKS, **TINY).fit(frame, np.ones(60), np.zeros(60))
    assert error.value.code == "RG410"


def test_a_frame_is_scaled_by_those_who_have_the_modality() -> None:
    frame = pd.DataFrame({"a": [1.0, 3.0, np.nan, np.nan], "b": [0.0, 1.0, 2.0, 3.0]})
    prepared = FramePreparer.fit(frame, {"x": ["a"], "y": ["b"]})
    made = prepared(frame)
    assert made.present.tolist() == [[True, True], [True, True], [False, True], [False, True]]
    # mean 2 and standard deviation 1 of the two who have it
    assert made.tables["x"][:2, 0].tolist() == [-1.0, 1.0]
    with pytest.raises(RadiogenError) as error:
        FramePreparer.fit(frame.iloc[2:], {"x": ["a"]})
    assert error.value.code == "RG701"


def test_examples_are_scaled_by_those_who_have_the_modality() -> None:
    present = np.array([[True], [True], [False]])
    table = np.array([[1.0], [3.0], [np.nan]])
    examples = Examples(np.array(["a", "b", "c"]), ("x",), present, {"x": table})
    spec = (InputSpec("x", "table", columns=("v",)),)
    assert ExamplePreparer.fit(examples, spec)(examples).tables["x"][:2, 0].tolist() == [-1.0, 1.0]
    with pytest.raises(RadiogenError, match="missing or infinite") as error:
        ExamplePreparer.fit(Examples(examples.units, ("x",), np.ones((3, 1), bool), {"x": table}), spec)
    assert error.value.code == "RG705"
