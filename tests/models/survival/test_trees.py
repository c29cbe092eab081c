"""Forest and boosting: equal to scikit-survival where they should be, bounded, reproducible."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sksurv.ensemble import GradientBoostingSurvivalAnalysis, RandomSurvivalForest
from sksurv.metrics import concordance_index_censored
from sksurv.util import Surv

from radiogen.errors import RadiogenError
from radiogen.models.survival import GradientBoostedCox, SurvivalForest
from radiogen.models.survival.coxpass import cox_order

Data = tuple[np.ndarray, np.ndarray, np.ndarray]


def _data(n: int = 500, seed: int = 0) -> Data:
    random = np.random.default_rng(seed)
    x = random.normal(size=(n, 4))
    time, censor = random.exponential(np.exp(-x[:, 0] - 0.7 * x[:, 1] ** 2)), random.exponential(1, n)
    return x, np.minimum(time, censor), (time <= censor).astype(int)


def _c(time: np.ndarray, event: np.ndarray, risk: np.ndarray) -> float:
    return float(concordance_index_censored(event == 1, time, risk)[0])


def _code(call: object, *args: object, **named: object) -> str:
    with pytest.raises(RadiogenError) as caught:
        call(*args, **named)  # type: ignore[operator]
    return caught.value.code


# --- forest ---------------------------------------------------------------------------------------------


def test_forest_on_few_times_is_that_of_scikit_survival() -> None:
    x, time, event = _data(200)
    # seven times with events each, and censoring at them: nothing is lost by intervals that end there
    at = np.minimum(np.ceil(4 * time), 7.0)
    model = SurvivalForest(n_trees=20, random_state=3).fit(x, at, event)
    assert model.cuts_.tolist() == list(range(1, 8))
    whole = RandomSurvivalForest(20, min_samples_leaf=15, min_samples_split=30, random_state=model.forest_.random_state)
    whole.fit(x, Surv.from_arrays(event == 1, at))
    assert model.predict_risk(x) == pytest.approx(whole.predict(x), rel=1e-9)
    steps = whole.predict_survival_function(x, return_array=True)
    assert model.predict_survival(x, np.arange(1.0, 8)) == pytest.approx(steps, abs=1e-12)
    # between the cuts a straight line
    assert model.predict_survival(x, [1.5])[:, 0] == pytest.approx((steps[:, 0] + steps[:, 1]) / 2)


def test_forest_on_coarse_times_is_as_good() -> None:
    x, time, event = _data(600)
    new = _data(600, 1)
    model = SurvivalForest(n_trees=60).fit(x, time, event)
    whole = RandomSurvivalForest(60, min_samples_leaf=15, min_samples_split=30, random_state=0, low_memory=True)
    whole.fit(x, Surv.from_arrays(event == 1, time))
    assert abs(_c(*new[1:], model.predict_risk(new[0])) - _c(*new[1:], whole.predict(new[0]))) < 0.01
    # every node holds a curve of so many times and no more
    assert model.forest_.estimators_[0].tree_.value.shape[1] <= 51
    own = -np.log(np.maximum(np.diag(model.predict_survival(x, time)), 1e-12))
    assert own.sum() == pytest.approx(event.sum(), rel=0.25)


def test_forest_does_not_depend_on_threads() -> None:
    x, time, event = _data(150)
    one, two = (SurvivalForest(n_trees=12, n_jobs=jobs).fit(x, time, event) for jobs in (1, 2))
    assert np.array_equal(one.predict_risk(x), two.predict_risk(x))
    assert not np.array_equal(one.predict_risk(x), SurvivalForest(n_trees=12, random_state=1).fit(x, time, event).predict_risk(x))


def test_forest_importance_out_of_bag() -> None:
    x, time, event = _data(400)
    frame = pd.DataFrame(x, columns=list("abcd"))
    model = SurvivalForest(n_trees=40, importance=True).fit(frame, time, event)
    fall = model.importance_["importance"]
    assert fall.index.tolist() == list("abcd") and fall["a"] > fall["b"] > 0.02 and fall[["c", "d"]].abs().max() < 0.02
    # out of bag is honest: below what the forest says of its own units
    assert 0.65 < model.oob_concordance_ < _c(time, event, model.predict_risk(frame))


def test_forest_refuses() -> None:
    x, time, event = _data(60)
    assert _code(SurvivalForest(min_leaf=31).fit, x, time, event) == "RG701"
    assert _code(SurvivalForest(n_trees=0).fit, x, time, event) == "RG708"
    assert _code(SurvivalForest(max_features="all").fit, x, time, event) == "RG708"


# --- boosting -------------------------------------------------------------------------------------------


def test_boosting_is_that_of_scikit_survival() -> None:
    x, time, event = _data(200)
    model = GradientBoostedCox(n_stages=25, n_folds=0, subsample=1.0, ties="breslow").fit(x, time, event)
    whole = GradientBoostingSurvivalAnalysis(
        n_estimators=25, learning_rate=0.05, max_depth=2, min_samples_leaf=10, min_samples_split=20, random_state=0
    ).fit(x, Surv.from_arrays(event == 1, time))
    assert model.trees_(x) == pytest.approx(whole.predict(x), abs=1e-6)
    assert model.trees_.stages(x)[-1] == pytest.approx(model.trees_(x)) and model.log_hazard(x).mean() == pytest.approx(0, abs=1e-12)


def test_boosting_stops_where_units_left_out_gain_no_more() -> None:
    x, time, event = _data(300)
    model = GradientBoostedCox(n_stages=400, learning_rate=0.2, n_folds=3, patience=20).fit(x, time, event)
    losses = model.loss_["loss"]
    assert model.n_stages_ == int(losses.argmin()) == len(losses) - 21 and model.n_stages_ > 5
    assert model.trees_.trees.root.size == model.n_stages_
    # before any tree: the likelihood of equal risks, fold by fold
    assert losses[0] > losses.min() and losses[0] > 0
    new = _data(400, 1)
    assert _c(*new[1:], model.predict_risk(new[0])) > 0.7


def test_boosting_finds_nothing_where_there_is_nothing() -> None:
    x, time, event = _data(200)
    random = np.random.default_rng(5)
    model = GradientBoostedCox(n_folds=3).fit(random.normal(size=(200, 2)), time, event)
    assert model.n_stages_ <= 15 and np.abs(model.log_hazard(x[:, :2])).max() < 0.5


def test_the_loss_is_that_of_the_folds_given() -> None:
    x, time, event = _data(120)
    a, b = np.arange(120) < 80, np.arange(120) >= 80
    halves = [((x[a], time[a], event[a]), (x[b], time[b], event[b]))]
    model = GradientBoostedCox(n_stages=12, patience=12).fit_stages(x, time, event, halves)
    part = GradientBoostedCox(n_stages=12, n_folds=0).fit_stages(x[a], time[a], event[a], ())
    stages = part.trees_.stages(x[b])
    expected = [cox_order(time[b], event[b]).evaluate(eta)[0] for eta in [np.zeros(40), *stages]]
    assert model.loss_["loss"].to_numpy() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("settings", [{"n_stages": 0}, {"learning_rate": 0}, {"subsample": 2}, {"n_folds": 1}, {"ties": "exact"}, {"max_features": "all"}])
def test_boosting_refuses(settings: dict[str, object]) -> None:
    assert _code(GradientBoostedCox(**{"n_folds": 0, **settings}).fit, *_data(60)) == "RG708"  # type: ignore[arg-type]


def test_boosting_with_one_event() -> None:
    x, time, _ = _data(60)
    one = np.zeros(60, dtype=int)
    one[3] = 1
    assert _code(GradientBoostedCox().fit, x, time, one) == "RG701"
    assert np.isfinite(GradientBoostedCox(n_folds=0, n_stages=5).fit(x, time, one).log_hazard(x)).all()
