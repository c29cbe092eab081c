"""Survival models by name in an analysis: they find a planted risk, and are saved and loaded without a change."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd
import pytest

import radiogen as rg
from radiogen.analysis import survive
from radiogen.analysis.bundles.codec import Packer, unpack
from radiogen.analysis.result import Result
from radiogen.cohort import Cohort
from radiogen.cohort.config import SurviveSection
from radiogen.models.risk import RISK_MODELS, RiskFold, RiskTraining, fit_risk_model
from radiogen.models.stored import StoredBoost, StoredTrees, storable

from .making import make_cohort

NEW = ["firth_cox", "gbm", "deepsurv", "discrete"]


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    return make_cohort(300, 3, external=20)


@pytest.fixture(scope="module")
def result(cohort: Cohort) -> Result:
    return survive(cohort, "os", ["bmode"], models=NEW, folds=2, repeats=1, inner_folds=3)


def _training(p: int = 4) -> tuple[RiskTraining, np.ndarray]:
    random = np.random.default_rng(2)
    x = random.normal(size=(150, p))
    time, censored = random.exponential(np.exp(-x[:, 0])) + 0.01, random.exponential(2, 150)
    fold = np.arange(150) % 3
    parts = [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(3)]
    inner = [RiskFold(x[a], a, x[b], b) for a, b in parts]
    made = RiskTraining(x, np.minimum(time, censored), (time < censored).astype(int), lambda: inner)
    return made, random.normal(size=(40, p))


@pytest.mark.parametrize("name", sorted(RISK_MODELS))
def test_every_risk_model_finds_the_planted_column_and_is_kept_exactly(name: str) -> None:
    training, new = _training()
    fit, again = (fit_risk_model(name, training, 3) for _ in range(2))
    risk = fit.predict(new)
    assert np.array_equal(risk, again.predict(new)) and np.corrcoef(risk, new[:, 0])[0, 1] > 0.6
    kept = storable(fit.predict)
    packer = Packer()
    plain = packer.pack(kept)
    found = unpack(plain, packer.arrays)
    assert type(found) is type(kept) and np.array_equal(found(new), kept(new))
    assert found(new) == pytest.approx(risk, rel=1e-9)


def test_a_null_training_part_has_one_risk() -> None:
    training, new = _training()
    for name in NEW:
        empty = RiskTraining(np.zeros((150, 4)), training.time, training.event, training.inner)
        assert np.ptp(fit_risk_model(name, empty, 0).predict(new)) == 0


def test_boosting_without_a_tree_can_be_kept() -> None:
    empty, packer = StoredBoost(StoredTrees.of([], shares=False), 0.1), Packer()
    plain = packer.pack(empty)
    assert unpack(plain, packer.arrays)(np.ones((3, 2))).tolist() == empty(np.ones((3, 2))).tolist() == [0, 0, 0]
    assert empty.stages(np.ones((3, 2))).shape == (0, 3)


def test_the_format_and_the_methods_know_every_model() -> None:
    from radiogen.analysis.survwording import _models
    from radiogen.plots.naming import model_name

    section = SurviveSection.model_validate({"kind": "survive", "endpoint": "os", "models": [*RISK_MODELS, "fusion"]})
    named = get_args(get_args(SurviveSection.model_fields["models"].annotation)[0])
    assert set(named) == set(section.models) == {*RISK_MODELS, "fusion"}
    assert len(_models(tuple(RISK_MODELS))) == len(RISK_MODELS)
    assert all(model_name(name) != name or name == "cox" for name in RISK_MODELS)


def test_firth_is_limited_as_cox_is(result: Result) -> None:
    assert any("takes at most" in note for note in result.notes)
    assert any("Firth's penalty" in m for m in result.methods) and any("DeepSurv" in m for m in result.methods)


def test_a_planted_signal_is_found(result: Result) -> None:
    table = result.tables["performance"].set_index(["model", "inputs", "set"])["estimate"]
    for name in NEW:
        assert table[name, "bmode", "development"] > 0.55, name


def test_saved_models_predict_exactly_as_before(result: Result, cohort: Cohort, tmp_path: Path) -> None:
    folder = result.model.save(tmp_path / "b", patient_values=True)
    before, after = rg.analysis.predict(result.model, cohort), rg.analysis.predict(folder, cohort)
    assert set(before.predictions["model"]) == set(NEW)
    pd.testing.assert_frame_equal(before.predictions, after.predictions, check_exact=True)
    own = result.predictions[result.predictions["set"] == "external"].set_index(["model", "inputs", "unit"])
    again = before.predictions.set_index(["model", "inputs", "unit"])
    np.testing.assert_allclose(again.loc[own.index, "risk"], own["risk"], rtol=1e-9)
