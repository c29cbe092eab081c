"""What all survival models share: checks, names, parameters, and the baseline hazard."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from radiogen.errors import RadiogenError
from radiogen.models.survival import DeepSurv, SurvivalModel, baseline_hazard

X = pd.DataFrame({"a": [1.0, 2, 3, 4, 5, 6], "b": [1.0, 0, 0, 1, 0, 1]})
TIME, EVENT = np.array([1.0, 2, 2, 3, 4, 4]), np.array([1, 1, 1, 0, 1, 1])


class Half(SurvivalModel):
    """Log-hazard: half the first column."""

    def __init__(self, factor: float = 0.5) -> None:
        self.factor = factor

    def _fit(self, x: np.ndarray, time: np.ndarray, event: np.ndarray, **extra: object) -> None:
        self.baseline_ = baseline_hazard(self._log_hazard(x), time, event)

    def _log_hazard(self, x: np.ndarray) -> np.ndarray:
        return self.factor * x[:, 0]


def _code(call: object, *args: object, **named: object) -> str:
    with pytest.raises(RadiogenError) as caught:
        call(*args, **named)  # type: ignore[operator]
    return caught.value.code


def test_survival_by_hand() -> None:
    # hazards 1, 2, 1, 3, 2, 1: risk sets weigh 10 at 1, 9 at 2, 3 at 4
    eta = np.log([1.0, 2, 1, 3, 2, 1])
    hazard = np.array([1 / 10, 1 / 10 + 2 / 9, 1 / 10 + 2 / 9 + 2 / 3])
    found = baseline_hazard(eta, TIME, EVENT)
    assert found.times.tolist() == [1, 2, 4] and np.exp(found.log_hazard) == pytest.approx(hazard)
    curve = found.survival([0.0, np.log(2)], [0, 0.99, 1, 3, 4, 99])
    steps = np.r_[0, 0, hazard[0], hazard[1], hazard[2], hazard[2]]
    assert curve == pytest.approx(np.exp(-np.outer([1, 2], steps)))
    efron = baseline_hazard(eta, TIME, EVENT, ties="efron")
    assert np.exp(efron.log_hazard) == pytest.approx(np.cumsum([1 / 10, 1 / 9 + 1 / 7.5, 1 / 3 + 1 / 1.5]))


def test_baseline_with_weights_is_that_of_copies() -> None:
    random = np.random.default_rng(0)
    time, event, eta, copies = random.integers(1, 9, 50), random.integers(0, 2, 50), random.normal(size=50), random.integers(0, 3, 50)
    rows = np.repeat(np.arange(50), copies)
    one, other = baseline_hazard(eta, time, event, weights=copies), baseline_hazard(eta[rows], time[rows], event[rows])
    assert one.times.tolist() == other.times.tolist() and one.log_hazard == pytest.approx(other.log_hazard)


def test_survival_of_extreme_log_hazards_is_a_number() -> None:
    eta = np.array([-2000.0, 0.0, 2000.0])
    curve = baseline_hazard(eta, [3, 2, 1], [1, 1, 1]).survival(eta, [0, 1, 2, 3])
    # the unit with hazard exp(2000) has a risk set of its own weight: exp(-1) after its event, then nothing is left of it
    assert curve[2] == pytest.approx([1, np.exp(-1), 0, 0])
    assert curve[0] == pytest.approx([1, 1, 1, np.exp(-1)])


def test_names_of_columns_are_kept_and_their_order_does_not_matter() -> None:
    model = Half().fit(X, TIME, EVENT)
    assert model.feature_names_in_.tolist() == ["a", "b"] and model.n_features_in_ == 2
    assert np.array_equal(model.log_hazard(X[["b", "a"]]), model.log_hazard(X))
    assert np.array_equal(model.predict_risk(X.to_numpy()), model.log_hazard(X))
    assert Half().fit(X.to_numpy(), TIME, EVENT).feature_names_in_.tolist() == ["x0", "x1"]
    assert model.predict_survival(X, 2.0).shape == (6, 1) and model.last_time_ == 4
    assert _code(model.log_hazard, X[["a"]]) == "RG203"
    assert _code(model.log_hazard, X.to_numpy()[:, :1]) == "RG705"


def test_parameters_as_scikit_learn_has_them() -> None:
    from sklearn.base import clone

    model = DeepSurv(hidden=(3,), l2=0.5)
    assert clone(model).get_params() == model.get_params()
    assert repr(model) == "DeepSurv(hidden=(3,), l2=0.5)"
    assert model.set_params(epochs=7).epochs == 7
    assert _code(model.set_params, epoch=7) == "RG708"


def _with(column: object) -> pd.DataFrame:
    return X.assign(b=column)


@pytest.mark.parametrize(
    ("x", "time", "event", "code"),
    [
        (_with([1, 0, np.nan, 0, 0, 0]), TIME, EVENT, "RG705"), (_with([1, 0, np.inf, 0, 0, 0]), TIME, EVENT, "RG705"),
        (_with(list("abcabc")), TIME, EVENT, "RG705"), (X["a"], TIME, EVENT, "RG705"), (X.iloc[:, :0], TIME, EVENT, "RG705"),
        (X.set_axis(["a", "a"], axis=1), TIME, EVENT, "RG210"), (X[:5], TIME, EVENT, "RG705"), (X, TIME[:5], EVENT, "RG705"),
        (X, TIME, EVENT[:5], "RG705"), (X, -TIME, EVENT, "RG402"), (X, TIME * np.nan, EVENT, "RG705"), (X, TIME, 2 * EVENT, "RG705"),
        (X, TIME, 0 * EVENT, "RG410"), (X, TIME, EVENT * np.nan, "RG705"),
    ],
)  # fmt: skip
def test_refused(x: object, time: object, event: object, code: str) -> None:
    assert _code(Half().fit, x, time, event) == code


def test_the_column_that_is_wrong_is_named() -> None:
    with pytest.raises(RadiogenError, match=r"X\['b'\]"):
        Half().fit(_with([1, 0, np.nan, 0, 0, 0]), TIME, EVENT)


def test_refused_in_prediction() -> None:
    assert _code(Half().predict_risk, X) == "RG708"
    model = Half().fit(X, TIME, EVENT)
    assert _code(model.predict_survival, X, [-1.0]) == "RG708"
    assert _code(model.predict_survival, X, [np.nan]) == "RG705"


def test_times_of_zero_are_allowed() -> None:
    curve = Half(0.0).fit(X, TIME - 1, EVENT).predict_survival(X, [0.0])
    assert curve == pytest.approx(np.exp(-1 / 6))


def test_torch_is_imported_late() -> None:
    code = "import radiogen.models.survival as s, sys; s.DeepSurv(); s.DiscreteTime(); s.published('whas'); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
