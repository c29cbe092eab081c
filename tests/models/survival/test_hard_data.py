"""Hard data for every survival model: a finite answer that makes sense, or an error with a code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from radiogen.errors import RadiogenError
from radiogen.models import survival
from radiogen.models.survival import SurvivalModel

NET = {"hidden": (8,), "epochs": 30, "patience": 10, "device": "cpu"}
MODELS: dict[str, dict[str, Any]] = {
    "Cox": {}, "Coxnet": {"n_folds": 3, "n_penalties": 15}, "FirthCox": {"intervals": "wald"}, "SurvivalForest": {"n_trees": 10},
    "GradientBoostedCox": {"n_stages": 20, "n_folds": 2}, "FineGray": {}, "DeepSurv": NET, "DiscreteTime": {"device": "cpu"},
}  # fmt: skip
Data = tuple[pd.DataFrame, np.ndarray, np.ndarray]


def _plain(n: int = 120, p: int = 3, seed: int = 0) -> Data:
    random = np.random.default_rng(seed)
    x = pd.DataFrame(random.normal(size=(n, p))).add_prefix("f")
    time, censor = random.exponential(np.exp(-x["f0"])), random.exponential(1.5, n)
    return x, np.minimum(time, censor), (time <= censor).astype(int)


def _separation() -> Data:
    # with x = 1 nobody has an event, and they are followed up as long
    x, time, event = _plain()
    x["safe"] = (np.arange(120) % 4 == 0) * 1.0
    return x, time, event * (x["safe"] == 0).to_numpy()


def _ordered() -> Data:
    # one column orders the events fully
    time = np.arange(1.0, 61)
    return pd.DataFrame({"f0": -time, "f1": np.random.default_rng(1).normal(size=60)}), time, np.ones(60, dtype=int)


def _duplicate() -> Data:
    x, time, event = _plain()
    return x.assign(again=x["f0"], same=4.2), time, event


def _tied() -> Data:
    x, time, event = _plain()
    return x, np.full(time.size, 3.0), event


def _five_events() -> Data:
    x, time, _ = _plain()
    event = np.zeros(120, dtype=int)
    event[np.argsort(time)[10:60:10]] = 1
    return x, time, event


def _censored() -> Data:
    x, time, event = _plain(400)
    cut = np.quantile(time[event == 1], 0.09)
    return x, np.minimum(time, cut), event * (time <= cut)


def _levels(events_everywhere: bool) -> Data:
    random = np.random.default_rng(2)
    level = np.arange(400) % 40
    x = pd.get_dummies(pd.Series(level).astype(str), dtype=float).add_prefix("centre_")
    time, event = random.exponential(size=400), (random.random(400) < 0.7).astype(int)
    if not events_everywhere:
        event[level == 3] = 0
    return x, time, event


def _wide() -> Data:
    return _plain(60, 3000, seed=3)


def _zeros() -> Data:
    x, time, event = _plain()
    time[:10] = 0.0
    return x, time, event


CASES: dict[str, Callable[[], Data]] = {
    "separation": _separation, "ordered": _ordered, "duplicate": _duplicate, "tied": _tied, "five events": _five_events,
    "95 % censored": _censored, "40 levels": lambda: _levels(True), "40 levels, one safe": lambda: _levels(False), "wide": _wide,
    "times of 0": _zeros,
}  # fmt: skip
#: what is refused, with which code and which words; everything else is answered
REFUSED = {
    ("Cox", "separation"): ("RG704", "'safe'"), ("FineGray", "separation"): ("RG704", "safe"),
    ("Cox", "ordered"): ("RG704", "'f0'"), ("FineGray", "ordered"): ("RG704", "f0"),
    ("Cox", "40 levels, one safe"): ("RG704", "'centre_3'"), ("FineGray", "40 levels, one safe"): ("RG704", "centre_3"),
    ("Cox", "wide"): ("RG701", "Coxnet"), ("FirthCox", "wide"): ("RG701", "Coxnet"), ("FineGray", "wide"): ("RG701", "Coxnet"),
    ("SurvivalForest", "tied"): ("RG704", "one follow-up time"),
}  # fmt: skip


def _model(name: str) -> SurvivalModel:
    made: SurvivalModel = getattr(survival, name)(**MODELS[name])
    return made


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", MODELS)
def test_hard_data(name: str, case: str) -> None:
    x, time, event = CASES[case]()
    model = _model(name)
    if (name, case) in REFUSED:
        code, words = REFUSED[name, case]
        with pytest.raises(RadiogenError, match=words) as caught:
            model.fit(x, time, event)
        assert caught.value.code == code
        return
    model.fit(x, time, event)
    at = np.r_[0.0, np.quantile(time, [0.3, 0.6]), time.max(), 10 * time.max()]
    risk, eta, curve = model.predict_risk(x), model.log_hazard(x), model.predict_survival(x, at)
    assert np.isfinite(risk).all() and np.isfinite(eta).all() and np.isfinite(curve).all()
    assert (curve >= 0).all() and (curve <= 1).all() and (np.diff(curve, axis=1) <= 1e-12).all()
    assert curve[:, 3] == pytest.approx(curve[:, 4])
    _makes_sense(case, x, time, event, risk, curve)


@pytest.mark.parametrize("case", ["separation", "ordered", "duplicate", "tied", "five events", "95 % censored", "times of 0"])
def test_firth_with_profile_intervals(case: str) -> None:
    x, time, event = CASES[case]()
    table = survival.FirthCox().fit(x, time, event).summary_.query("note == ''")
    assert (table["lower"] < table["hr"]).all() and (table["hr"] < table["upper"]).all() and np.isfinite(table["coef"]).all()
    if case == "separation":
        assert table.loc["safe", "hr"] < 0.2 and table.loc["safe", "upper"] < 1


def _makes_sense(case: str, x: pd.DataFrame, time: np.ndarray, event: np.ndarray, risk: np.ndarray, curve: np.ndarray) -> None:
    if case == "separation":
        safe = x["safe"] == 1
        assert risk[safe].mean() <= risk[~safe].mean() + 1e-9
    if case == "ordered":
        assert np.corrcoef(np.argsort(np.argsort(risk)), -time)[0, 1] > 0.5
    if case == "95 % censored":
        assert curve[:, 3].mean() > 0.85
    if case == "tied":
        # nobody has an event before the one time that there is
        assert curve[:, 0] == pytest.approx(1.0)
    if case == "40 levels":
        # the share without event at the end is about that of Kaplan and Meier
        assert curve[:, 2].mean() < curve[:, 1].mean() < 1.0


@pytest.mark.parametrize("name", MODELS)
def test_predicts_as_a_frame_and_as_an_array_and_in_any_order_of_units(name: str) -> None:
    x, time, event = _plain()
    model = _model(name).fit(x, time, event)
    risk = model.predict_risk(x)
    assert np.array_equal(risk, model.predict_risk(x[["f2", "f0", "f1"]])) and np.array_equal(risk, model.predict_risk(x.to_numpy()))
    mixed = np.random.default_rng(0).permutation(len(x))
    assert risk[mixed] == pytest.approx(model.predict_risk(x.iloc[mixed]), rel=1e-9)
    again = _model(name).fit(x, time, event)
    assert np.array_equal(risk, again.predict_risk(x))
    assert np.corrcoef(risk, x["f0"])[0, 1] > 0.5 or name in ("DeepSurv", "DiscreteTime")


@pytest.mark.parametrize("name", MODELS)
def test_parameters_as_scikit_learn_has_them(name: str) -> None:
    model = _model(name)
    assert type(model)(**model.get_params()).get_params() == clone(model).get_params() == model.get_params()
    with pytest.raises(RadiogenError):
        model.set_params(surely_not=1)
    with pytest.raises(RadiogenError):
        model.predict_risk(np.zeros((2, 2)))


@pytest.mark.parametrize("name", MODELS)
def test_without_events(name: str) -> None:
    x, time, _ = _plain()
    with pytest.raises(RadiogenError) as caught:
        _model(name).fit(x, time, np.zeros(120))
    assert caught.value.code == "RG410"
