"""Coxnet and FirthCox against R's glmnet, the statistics and arithmetic."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from radiogen.errors import RadiogenError
from radiogen.models.survival import Cox, Coxnet, FirthCox
from radiogen.models.survival.coxpath import left_out_gain
from radiogen.stats import cox_elastic_net, firth_cox

Data = tuple[pd.DataFrame, np.ndarray, np.ndarray]


def _data(n: int = 150, p: int = 6, seed: int = 0) -> Data:
    random = np.random.default_rng(seed)
    x = pd.DataFrame(random.normal(size=(n, p)) * np.arange(1, p + 1), columns=[f"swe_{k}" for k in range(p)])
    time, censor = random.exponential(np.exp(-0.8 * x["swe_0"].to_numpy())), random.exponential(1.5, n)
    return x, np.ceil(20 * np.minimum(time, censor)), (time <= censor).astype(int)


def _code(call: object, *args: object, **named: object) -> str:
    with pytest.raises(RadiogenError) as caught:
        call(*args, **named)  # type: ignore[operator]
    return caught.value.code


def test_coxnet_with_a_given_penalty_is_that_of_glmnet(shared: Path) -> None:
    folder = shared / "reference" / "r"
    frame = pd.read_csv(folder / "metabric.csv").dropna(subset=["time", "event", "x1", "x2", "b1"])
    answer = json.loads((folder / "metabric.json").read_text())["coxnet"]
    for penalty, coef in zip(answer["lambda"], answer["coef"], strict=True):
        model = Coxnet(penalty=penalty).fit(frame[["x1", "x2", "b1"]], frame["time"], frame["event"])
        # glmnet moves censored times by less than rounding, so that some of these units leave their risk set; the statistics
        # can repeat that and equal it to all digits, and without it they equal this model
        assert model.coef_ == pytest.approx(coef, rel=3e-4)
        exact = cox_elastic_net(frame, "time", "event", ["x1", "x2", "b1"], penalty)
        assert model.coef_ == pytest.approx(exact.coefficients.iloc[:, 0].to_numpy(), rel=1e-5, abs=1e-9)


def test_coxnet_elastic_net_is_that_of_the_statistics() -> None:
    x, time, event = _data()
    model = Coxnet(penalty=0.05, l1_ratio=0.3).fit(x, time, event)
    frame = x.assign(t=time, e=event)
    frame = frame[frame["t"] > 0]
    exact = cox_elastic_net(frame, "t", "e", list(x), 0.05, l1_ratio=0.3)
    assert model.coef_ == pytest.approx(exact.coefficients.iloc[:, 0].to_numpy(), rel=1e-5, abs=1e-6)


def test_coxnet_chooses_by_its_rule() -> None:
    x, time, event = _data(p=20)
    best, sparse = (Coxnet(rule=rule, n_folds=5).fit(x, time, event) for rule in ("min", "1se"))
    path = best.path_
    at = int(path["loss"].argmin())
    assert best.penalty_ == path["penalty"][at] and path["selected"][0] == 0
    allowed = path[path["loss"] <= path["loss"][at] + path["se"][at]]
    assert sparse.penalty_ == allowed["penalty"].max() > best.penalty_
    assert 0 < (sparse.coef_ != 0).sum() <= (best.coef_ != 0).sum()
    assert best.summary_["coef_per_sd"].to_numpy() == pytest.approx(best.coef_ * x.std(ddof=0).to_numpy())
    several = Coxnet(l1_ratio=[0.2, 1.0], n_folds=5).fit(x, time, event)
    assert several.path_.groupby("l1_ratio")["loss"].min()[several.l1_ratio_] == several.path_["loss"].min()


def test_loss_of_a_fold_again() -> None:
    # what the units left out add to the log-likelihood: of 4 units in order of time, the first left out, under b
    x, time, event = np.array([[1.0], [0], [1], [0]]), np.array([1.0, 2, 3, 4]), np.array([1, 1, 1, 1])
    for b in (0.0, 0.7):
        r = np.exp(b)
        whole = np.log(r / (2 + 2 * r)) + np.log(1 / (2 + r)) + np.log(r / (1 + r))
        part = np.log(1 / (2 + r)) + np.log(r / (1 + r))
        assert left_out_gain(x, time, event, np.array([1, 2, 3]), np.array([[b]])) == pytest.approx([whole - part])


def test_the_formula_is_the_score() -> None:
    x, time, event = _data()
    model = Coxnet(penalty=0.1).fit(x, time, event)
    left, right = model.formula_.split(" = ")
    assert left == "Rad-score"
    score = np.zeros(len(x))
    for part in right.replace(" − ", " + −").split(" + "):
        factor, name = part.split(" × ")
        score += float(factor.replace("−", "-")) * x[name].to_numpy()
    assert model.rad_score(x) == pytest.approx(score, abs=1e-3 * np.abs(score).max())
    assert np.ptp(model.rad_score(x) - model.log_hazard(x)) < 1e-9 and model.log_hazard(x).mean() == pytest.approx(0, abs=1e-9)
    assert Coxnet(penalty=1e3).fit(x, time, event).formula_ == "Rad-score = 0"


def test_groups_stay_in_one_fold() -> None:
    x, time, event = _data(90)
    twice = np.repeat(np.arange(45), 2)
    one, other = (Coxnet(n_folds=5).fit(x, time, event, groups=g) for g in (twice, None))
    assert not one.path_["loss"].equals(other.path_["loss"])
    few = np.where(event == 1, 0, np.arange(90))
    assert _code(Coxnet().fit, x, time, event, groups=few) == "RG701"


@pytest.mark.parametrize("settings", [{"rule": "best"}, {"l1_ratio": 0.0}, {"penalty": 0}, {"n_folds": 1}, {"l1_ratio": [0.5, 1], "penalty": 1.0}])
def test_coxnet_refuses(settings: dict[str, object]) -> None:
    assert _code(Coxnet(**settings).fit, *_data(40)) == "RG708"  # type: ignore[arg-type]


def test_coxnet_without_a_column_that_varies() -> None:
    _, time, event = _data(40)
    assert _code(Coxnet().fit, np.full((40, 2), 7.1), time, event) == "RG704"


# --- Firth --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 1])
def test_firth_is_that_of_the_statistics(seed: int) -> None:
    x, time, event = _data(60, 3, seed)
    time = time + 1
    model = FirthCox().fit(x, time, event)
    found = firth_cox(x.assign(t=time, e=event), "t", "e", list(x)).to_frame().set_index("label")
    assert model.coef_ == pytest.approx(found["estimate"].to_numpy(), rel=1e-5)
    for mine, theirs in (("hr", "hazard_ratio"), ("lower", "hr_lower"), ("upper", "hr_upper"), ("p", "p"), ("se", "se")):
        assert model.summary_[mine].to_numpy() == pytest.approx(found[theirs].to_numpy(), rel=1e-4), mine
    wald = FirthCox(intervals="wald").fit(x, time, event)
    assert wald.coef_ == pytest.approx(model.coef_, abs=1e-4) and wald.summary_["se"].to_numpy() == pytest.approx(model.summary_["se"], rel=1e-3)


@pytest.mark.parametrize(("name", "time"), [("plain", "futime"), ("separated", "futime"), ("tied", "month")])
def test_firth_is_that_of_r(name: str, time: str) -> None:
    reference = json.loads((Path(__file__).parent / "reference" / "firth.json").read_text())
    data, answer = pd.DataFrame(reference["data"]), reference[name]
    table = FirthCox().fit(data[answer["terms"]], data[time], data["fustat"]).summary_
    assert table["coef"].to_numpy() == pytest.approx(answer["coef"], abs=2e-6)
    for side in ("lower", "upper"):
        assert np.log(table[side].to_numpy()) == pytest.approx(answer[side], abs=1e-6)
    assert table["p"].to_numpy() == pytest.approx(answer["p"], rel=1e-6)


def test_firth_by_hand() -> None:
    # two units, the one with x = 1 dies first: log r/(1+r) + ½ log r/(1+r)²; its maximum is at r = 3
    model = FirthCox(intervals="wald").fit(np.array([[1.0], [0], [0.5]]), [1.0, 2, 0.5], [1, 0, 0])
    assert model.coef_ == pytest.approx([np.log(3)], abs=1e-4)


def test_firth_is_cox_where_there_are_many_events() -> None:
    x, time, event = _data(2000, 2, 3)
    firth, cox = FirthCox(intervals="wald").fit(x, time, event), Cox(ties="breslow").fit(x, time, event)
    assert firth.coef_ == pytest.approx(cox.coef_, abs=0.005) and np.abs(firth.coef_[0]) < np.abs(cox.coef_[0])
    at = [0.0, 5.0, 20.0]
    assert firth.predict_survival(x, at) == pytest.approx(cox.predict_survival(x, at), abs=0.01)


def test_firth_drops_and_names_an_aliased_column() -> None:
    x, time, event = _data(80, 2)
    model = FirthCox(intervals="wald").fit(x.assign(again=2 * x["swe_0"]), time, event)
    assert model.aliased_ == {"again": "linear combination of swe_0"} and model.coef_[2] == 0
    assert _code(FirthCox(intervals="none").fit, x, time, event) == "RG708"
