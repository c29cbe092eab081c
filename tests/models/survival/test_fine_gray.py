"""Fine and Gray's model under the interface: equal to R's cmprsk, and what it says of incidence and survival."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from radiogen.errors import RadiogenError
from radiogen.models.survival import Cox, FineGray
from radiogen.stats import fine_gray


def _data() -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    x = pd.DataFrame(random.normal(size=(200, 2)), columns=["a", "b"])
    time = np.ceil(10 * random.exponential(np.exp(-0.6 * x["a"].to_numpy())))
    return x, time, random.choice([0, 1, 1, 2], 200)


def test_coefficients_are_those_of_cmprsk(shared: Path) -> None:
    folder = shared / "reference" / "r"
    frame = pd.read_csv(folder / "metabric.csv").dropna(subset=["time", "status", "x1", "x2", "b1"])
    answer = json.loads((folder / "metabric.json").read_text())["competing"]
    model = FineGray().fit(frame[["x1", "x2", "b1"]], frame["time"], frame["status"])
    assert model.coef_ == pytest.approx(answer["fine_gray_coef"], rel=1e-6)
    assert model.summary_["se"].to_numpy() == pytest.approx(answer["fine_gray_se"], rel=1e-6)


@pytest.mark.parametrize("cause", [1, 2])
def test_incidence_is_that_of_the_statistics(cause: int) -> None:
    x, time, status = _data()
    model, at = FineGray(cause=cause).fit(x, time, status), [0.0, 1, 4.5, 20, 1e4]
    found = fine_gray(x.assign(t=time, s=status), "t", "s", ["a", "b"], cause=cause)
    incidence = model.predict_incidence(x, at)
    assert incidence == pytest.approx(found.predict(x, at), abs=1e-9)
    assert model.predict_survival(x, at) == pytest.approx(1 - incidence) and incidence[:, 0] == pytest.approx(0)
    assert model.summary_["p"].to_numpy() == pytest.approx(found.p) and model.log_hazard(x).mean() == pytest.approx(0, abs=1e-12)


def test_without_competing_events_it_is_cox() -> None:
    x, time, status = _data()
    event = (status == 1).astype(int)
    one, other = FineGray().fit(x, time, event), Cox(ties="breslow").fit(x, time, event)
    assert one.coef_ == pytest.approx(other.coef_, rel=1e-6)
    assert one.predict_survival(x, [3, 9]) == pytest.approx(other.predict_survival(x, [3, 9]), abs=1e-6)


def test_times_of_0_move_nothing_else() -> None:
    x, time, status = _data()
    early = time.copy()
    early[time == time.min()] = 0.0
    one, other = FineGray().fit(x, time, status), FineGray().fit(x, early, status)
    assert one.coef_ == pytest.approx(other.coef_) and other.predict_incidence(x, [0.0])[:, 0].min() > 0


def test_refusals_and_aliased_columns() -> None:
    x, time, status = _data()
    model = FineGray().fit(x.assign(c=x["a"] + x["b"]), time, status)
    assert model.aliased_ == {"c": "linear combination of a, b"} and model.coef_[2] == 0
    for settings, code in (({"cause": 3}, "RG410"), ({"cause": 0}, "RG708"), ({"level": 1.5}, "RG708")):
        with pytest.raises(RadiogenError) as caught:
            FineGray(**settings).fit(x, time, status)  # type: ignore[arg-type]
        assert caught.value.code == code
