"""What the estimators refuse, and what they bear: every refusal has a code and names what is wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from radiogen.errors import RadiogenError
from radiogen.models import FusionClassifier, FusionSurvival
from radiogen.models.fusion.estimators import _strata_of_events
from radiogen.models.fusion.examples import Examples
from radiogen.models.fusion.spec import InputSpec, NetSettings, TrainSettings

BLOCKS = {"clinical": ["age"], "swe": ["kpa"]}
TINY: dict[str, Any] = {"folds": 2, "options": {"epochs": 2, "width": 4, "hidden": 4}}
Y = np.tile([0, 1], 20)
FRAME = pd.DataFrame({"age": np.random.default_rng(0).normal(size=40), "kpa": Y + np.random.default_rng(1).normal(size=40)})


@pytest.fixture(scope="module")
def fitted() -> FusionClassifier:
    return FusionClassifier(BLOCKS, **TINY).fit(FRAME, Y)


@pytest.fixture(scope="module")
def on_array() -> FusionClassifier:
    return FusionClassifier({"clinical": [0], "swe": [1]}, **TINY).fit(FRAME.to_numpy(), Y)  # type: ignore[dict-item]


def code_of(call: Any) -> str:
    with pytest.raises(RadiogenError) as error:
        call()
    return error.value.code


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"folds": 1}, "RG708"), ({"folds": 2.5}, "RG708"), ({"folds": "a"}, "RG708"), ({"random_state": None}, "RG708"),
        ({"random_state": -1}, "RG708"), ({"options": ["epochs"]}, "RG708"), ({"options": {"epochs": 2.5}}, "RG708"),
        ({"options": {"fusion": "late"}}, "RG708"), ({"options": {"min_modalities": 3}}, "RG708"),
        ({"modalities": ["age"]}, "RG705"), ({"modalities": {"clinical": ["age", "age"]}}, "RG705"),
    ],
)  # fmt: skip
def test_wrong_options(options: dict[str, Any], code: str) -> None:
    assert code_of(lambda: FusionClassifier(**{"modalities": BLOCKS, **TINY, **options}).fit(FRAME, Y)) == code


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (lambda: pd.concat([FRAME, FRAME[["age"]]], axis=1), "two columns of `X` have one name"),
        (lambda: np.zeros((40, 2, 2)), "table of units"), (lambda: FRAME["age"], "table of units"),
        (lambda: FRAME.assign(kpa=np.inf), "infinite"),
    ],
)  # fmt: skip
def test_wrong_tables(table: Any, says: str) -> None:
    with pytest.raises(RadiogenError, match=says) as error:
        FusionClassifier(BLOCKS, **TINY).fit(table(), Y)
    assert error.value.code == "RG705"


def test_a_modality_that_a_training_part_lacks_is_named() -> None:
    rare = FRAME.assign(kpa=np.where(np.arange(40) == 3, 1.0, np.nan))
    with pytest.raises(RadiogenError, match="known value of 'swe'") as error:
        FusionClassifier(BLOCKS, **TINY).fit(rare, Y)
    assert error.value.code == "RG701" and "fewer `folds`" in str(error.value)


def test_what_comes_to_be_predicted_is_checked(fitted: FusionClassifier) -> None:
    # neither text nor infinity turns into a missing prediction
    for value in ("soft", np.inf):
        with pytest.raises(RadiogenError, match="kpa") as error:
            fitted.predict_proba(FRAME.assign(kpa=value))
        assert error.value.code == "RG705"
    assert code_of(lambda: fitted.score_with(FRAME, np.ones((40, 3)))) == "RG705"
    assert code_of(lambda: fitted.predict_proba(FRAME[:0])) == "RG705"


def test_columns_are_taken_by_name_and_numbers_are_numbers_in_any_dtype(fitted: FusionClassifier) -> None:
    wanted = fitted.predict_proba(FRAME)
    assert fitted.n_features_in_ == 2 and fitted.feature_names_in_.tolist() == ["age", "kpa"]
    for other in (FRAME[["kpa", "age"]], FRAME.astype(object), FRAME.astype("Float64"), FRAME.assign(more="x")):
        np.testing.assert_array_equal(fitted.predict_proba(other), wanted)
    # a frame of objects is learnt from as numbers, not as one category per value
    np.testing.assert_array_equal(FusionClassifier(BLOCKS, **TINY).fit(FRAME.astype(object), Y).predict_proba(FRAME), wanted)


def test_columns_of_arrays_are_counted(fitted: FusionClassifier, on_array: FusionClassifier) -> None:
    np.testing.assert_array_equal(on_array.predict_proba(FRAME.to_numpy()), fitted.predict_proba(FRAME))
    assert not hasattr(on_array, "feature_names_in_")
    for columns in (1, 3):
        assert code_of(lambda n=columns: on_array.predict_proba(np.zeros((4, n)))) == "RG705"  # type: ignore[misc]


def test_scikit_learn_takes_it() -> None:
    groups = np.arange(40) // 2
    scores = cross_val_score(FusionClassifier(BLOCKS, **TINY), FRAME, Y, cv=GroupKFold(2), params={"groups": groups}, groups=groups)
    assert scores.shape == (2,) and np.isfinite(scores).all()
    piped = make_pipeline(StandardScaler().set_output(transform="pandas"), FusionClassifier(BLOCKS, **TINY)).fit(FRAME, Y)
    assert piped.predict_proba(FRAME).shape == (40, 2)


def test_modalities_of_examples_are_found_by_name_in_any_order() -> None:
    inputs = [InputSpec("clinical", "table", columns=("age",)), InputSpec("swe", "table", columns=("kpa",))]
    tables = {"clinical": FRAME[["age"]].to_numpy(), "swe": FRAME[["kpa"]].to_numpy()}
    present = np.column_stack([np.ones(40, dtype=bool), np.arange(40) % 4 > 0])
    units = FRAME.index.to_numpy(dtype=str)
    one = Examples(units, ("clinical", "swe"), present, tables)
    other = Examples(units, ("swe", "mri", "clinical"), np.column_stack([present[:, 1], present[:, 0], present[:, 0]]), tables)
    model = FusionClassifier(inputs=inputs, **TINY).fit(one, Y)
    np.testing.assert_array_equal(model.predict_proba(other), model.predict_proba(one))
    assert model.present(other).tolist() == present.tolist()
    lacking = Examples(units, ("clinical",), present[:, :1], tables)
    assert code_of(lambda: model.predict_proba(lacking)) == "RG705"
    # where the modality is there its numbers must be; where it is absent they may be anything
    holes = {**tables, "swe": np.where(present[:, 1:], tables["swe"], np.nan)}
    np.testing.assert_array_equal(model.predict_proba(Examples(units, one.modalities, present, holes)), model.predict_proba(one))
    assert code_of(lambda: model.predict_proba(Examples(units, one.modalities, np.ones((40, 2), bool), holes))) == "RG705"


def test_survival_with_hardly_anyone_censored() -> None:
    """Folds need events; that one or two units are censored is no reason to refuse."""
    time, event = np.random.default_rng(3).exponential(size=40), np.r_[0, np.ones(39)]
    assert np.isfinite(FusionSurvival(BLOCKS, **TINY).fit(FRAME, time, event).log_hazard(FRAME)).all()
    with pytest.raises(RadiogenError, match="with an event") as error:
        FusionSurvival(BLOCKS, **TINY).fit(FRAME, time, 1 - event)
    assert error.value.code == "RG603"
    assert code_of(lambda: FusionSurvival(BLOCKS, **TINY).predict_survival(FRAME, [1.0])) == "RG708"


def test_strata_of_events_by_hand() -> None:
    groups = np.array([0, 0, 1, 2, 3])
    # three patients with an event, one censored: two folds do without strata, four are too many
    assert _strata_of_events(np.array([1, 1, 1, 1, 0]), groups, 2).tolist() == [0] * 5
    assert _strata_of_events(np.array([1, 1, 1, 1, 0]), groups, 4).tolist() == [1, 1, 1, 1, 0]
    assert _strata_of_events(np.array([1, 1, 1, 0, 0]), groups, 2).tolist() == [1, 1, 1, 0, 0]


@pytest.mark.parametrize("name", ["epochs", "batch_size", "patience", "ensemble"])
def test_numbers_of_things_are_whole(name: str) -> None:
    assert code_of(lambda: TrainSettings(**{name: 2.5})) == "RG708"
    assert code_of(lambda: NetSettings(width=8.5)) == "RG708"  # type: ignore[arg-type]
