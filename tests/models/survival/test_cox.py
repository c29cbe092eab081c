"""Cox's model equals R's coxph, and says what it cannot estimate."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from radiogen.errors import RadiogenError
from radiogen.models.survival import Cox
from radiogen.stats import rcs

R = json.loads((Path(__file__).parent / "reference" / "cox.json").read_text())
LUNG, OVARIAN, HEART, BLADDER, ZERO = (pd.DataFrame(R["data"][k]) for k in ("lung", "ovarian", "heart", "bladder", "zero"))
THREE, FOUR = ["age", "sex", "ph.karno"], ["age", "year", "surgery", "transplant"]


def _code(call: Any, *args: Any, **named: Any) -> RadiogenError:
    with pytest.raises(RadiogenError) as caught:
        call(*args, **named)
    return caught.value


def _equal(model: Cox, answer: dict[str, Any], rel: float = 1e-6) -> None:
    # R's single numbers are no lists in JSON
    answer = {k: v if isinstance(v, list) or k not in ("terms", "coef", "se", "z", "p", "lower", "upper") else [v] for k, v in answer.items()}
    table, kept = model.summary_, [v is not None for v in answer["coef"]]
    assert table.index.tolist() == answer["terms"]
    assert table["coef"].isna().tolist() == [not k for k in kept]

    def values(name: str) -> list[float]:
        return [v for v, there in zip(answer[name], kept, strict=True) if there]

    own = table[kept]
    se = "robust_se" if answer["robust"] else "se"
    for column, name in (("coef", "coef"), ("se", "se"), ("z", "z"), ("lower", "lower"), ("upper", "upper")):
        found = own[column].to_numpy()
        assert found == pytest.approx(values(name), rel=rel), column
    if answer["robust"]:
        assert own[se].to_numpy() == pytest.approx(values("robust"), rel=rel)
    assert own["p"].to_numpy() == pytest.approx(values("p"), rel=1e-5)
    assert model.loglik_ == pytest.approx(answer["loglik"], rel=1e-9)
    assert model.tests_["statistic"].to_numpy()[1:] == pytest.approx([answer["wald"], answer["score"]], rel=1e-5)


CASES = {
    "efron": ({}, "time", {}), "breslow": ({"ties": "breslow"}, "time", {}), "exact": ({"ties": "exact"}, "week", {}),
    "efron_weeks": ({}, "week", {}), "breslow_weeks": ({"ties": "breslow"}, "week", {}),
    "weighted": ({}, "week", {"weights": "w"}), "weighted_robust": ({"robust": True}, "week", {"weights": "w"}),
    "weighted_breslow": ({"robust": True, "ties": "breslow"}, "week", {"weights": "w"}),
    "robust": ({"robust": True}, "week", {}), "cluster": ({}, "time", {"cluster": "inst"}),
    "cluster_weighted": ({}, "time", {"cluster": "inst", "weights": "w"}), "entry": ({}, "time", {"entry": "entry"}),
    "entry_weighted": ({"robust": True}, "time", {"entry": "entry", "weights": "w"}),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_lung(name: str) -> None:
    settings, time, columns = CASES[name]
    model = Cox(**settings).fit(LUNG[THREE], LUNG[time], LUNG["event"], **{k: LUNG[v] for k, v in columns.items()})
    answer = R[name]
    _equal(model, answer)
    if "survival" in answer:
        curve = model.predict_survival(pd.DataFrame(answer["new"]), answer["times"])
        assert curve == pytest.approx(np.array(answer["survival"]), rel=1e-6)


def test_aliased_column_is_named_and_dropped() -> None:
    frame = LUNG[["age", "ph.karno", "sex"]].assign(twice=2 * LUNG["age"] - LUNG["ph.karno"])[["age", "ph.karno", "twice", "sex"]]
    model = Cox().fit(frame, LUNG["time"], LUNG["event"])
    _equal(model, R["aliased"])
    assert model.aliased_ == {"twice": "linear combination of age, ph.karno"} and "linear" in model.summary_.loc["twice", "note"]
    without = Cox().fit(frame.drop(columns="twice"), LUNG["time"], LUNG["event"])
    assert model.log_hazard(frame) == pytest.approx(without.log_hazard(frame))


def test_strata() -> None:
    columns = ["age", "ph.karno", "sex"]
    model = Cox(strata="sex").fit(LUNG[columns], LUNG["time"], LUNG["event"])
    _equal(model, R["strata"])
    new = pd.DataFrame({"age": [50, 70], "ph.karno": [90, 60], "sex": [1, 2]})
    assert model.predict_survival(new, [100, 300, 500]) == pytest.approx(np.array(R["strata"]["survival"]), rel=1e-6)
    assert sorted(model.baselines_) == ["sex=1", "sex=2"] and not hasattr(model, "baseline_")
    _equal(Cox(strata="sex", ties="exact").fit(LUNG[columns], LUNG["week"], LUNG["event"]), R["strata_exact"])
    _equal(Cox(strata="sex", robust=True).fit(LUNG[columns], LUNG["time"], LUNG["event"]), R["strata_robust"])
    assert _code(model.predict_survival, new.assign(sex=3), [100]).code == "RG705"
    assert _code(Cox(strata="centre").fit, LUNG[columns], LUNG["time"], LUNG["event"]).code == "RG203"
    assert _code(Cox(strata="sex").fit, LUNG[columns].to_numpy(), LUNG["time"], LUNG["event"]).code == "RG705"


def test_strata_of_text_in_two_columns() -> None:
    frame = LUNG[["age"]].assign(a=np.where(LUNG["sex"] == 1, "m", "f"), b=np.where(LUNG["inst"] > 6, "north", "south"))
    joint = frame[["age"]].assign(one=frame["a"] + frame["b"])
    two, one = (Cox(strata=s).fit(f, LUNG["time"], LUNG["event"]) for f, s in ((frame, ["a", "b"]), (joint, "one")))
    assert two.coef_ == pytest.approx(one.coef_) and "a=f, b=north" in two.baselines_
    # a column that is constant within strata has no estimate
    assert _code(Cox(strata="a").fit, frame[["a"]].assign(sex=LUNG["sex"]), LUNG["time"], LUNG["event"]).code == "RG704"


def test_ovarian() -> None:
    _equal(Cox().fit(OVARIAN[["age", "resid.ds", "rx", "ecog.ps"]], OVARIAN["futime"], OVARIAN["fustat"]), R["ovarian"])


@pytest.mark.parametrize("name", ["heart", "heart_exact", "heart_cluster"])
def test_heart_rows_over_time(name: str) -> None:
    more = {"cluster": HEART["id"]} if name == "heart_cluster" else {"ids": HEART["id"]}
    model = Cox(ties="exact" if name == "heart_exact" else "efron")
    _equal(model.fit(HEART[FOUR], HEART["stop"], HEART["event"], entry=HEART["start"], **more), R[name])


def test_several_events_of_a_unit_are_clustered() -> None:
    x, rows = BLADDER[["rx", "size", "number"]], {"entry": BLADDER["start"], "ids": BLADDER["id"]}
    _equal(Cox().fit(x, BLADDER["stop"], BLADDER["event"], **rows), R["recurrent"])
    assert _code(Cox().fit, x, BLADDER["stop"], BLADDER["event"], ids=BLADDER["id"]).code == "RG705"
    late = BLADDER["start"] + (BLADDER["stop"] - BLADDER["start"]) / 2
    overlapping = {"entry": np.where(late > 20, 1.0, BLADDER["start"]), "ids": BLADDER["id"]}
    assert _code(Cox().fit, x, BLADDER["stop"], BLADDER["event"], **overlapping).code == "RG705"


def test_times_of_0() -> None:
    model = Cox().fit(ZERO[["x"]], ZERO["time"], ZERO["event"])
    _equal(model, R["zero"])
    assert model.predict_survival(pd.DataFrame({"x": [0.0, 2]}), [0, 2, 6]) == pytest.approx(np.array(R["zero"]["survival"]), rel=1e-6)


def test_whole_weights_are_copies() -> None:
    copies = (np.arange(len(LUNG)) % 3) + 1
    rows = np.repeat(np.arange(len(LUNG)), copies)
    one = Cox(ties="breslow").fit(LUNG[THREE], LUNG["time"], LUNG["event"], weights=copies)
    many = Cox(ties="breslow").fit(LUNG[THREE].iloc[rows], LUNG["time"].iloc[rows], LUNG["event"].iloc[rows])
    assert one.coef_ == pytest.approx(many.coef_, rel=1e-8) and one.summary_["se"].to_numpy() == pytest.approx(many.summary_["se"])


def test_exact_by_hand() -> None:
    # at time 1 two of four units die: hazards 1, r (dead), 1, r (not) with r = exp(b); pairs: 1·r of r·r + 4r + 1·1
    x, time, event = np.array([[0.0], [1], [0], [1]]), np.array([1, 1, 2, 2]), np.array([1, 1, 0, 0])
    model = Cox(ties="exact").fit(x, time, event)
    assert model.loglik_ == pytest.approx((-np.log(6), -np.log(6))) and model.coef_ == pytest.approx([0], abs=1e-9)
    # its information at 0: variance of the number of dead with x = 1 in a hypergeometric draw of 2 of 4, 2 of them with x = 1
    assert model.summary_["se"].iloc[0] == pytest.approx(np.sqrt(3))


def test_splines_are_those_of_the_statistics() -> None:
    model = Cox(splines={"age": 4}).fit(LUNG[["age", "sex"]], LUNG["time"], LUNG["event"])
    assert model.summary_.index.tolist() == ["age", "age'", "age''", "sex"]
    made = np.column_stack([rcs(LUNG["age"], model.knots_["age"]), LUNG["sex"]])
    assert model.coef_ == pytest.approx(Cox().fit(made, LUNG["time"], LUNG["event"]).coef_)
    new = pd.DataFrame({"age": [45.0, 80], "sex": [1, 2]})
    assert np.diff(model.log_hazard(new)) == pytest.approx(
        np.diff(np.column_stack([rcs(new["age"], model.knots_["age"]), new["sex"]]) @ model.coef_)
    )
    assert _code(Cox(splines={"size": 3}).fit, LUNG[["age"]], LUNG["time"], LUNG["event"]).code == "RG203"


def test_separation_is_named_and_firth_offered() -> None:
    time, x = np.arange(1.0, 31), np.random.default_rng(0).normal(size=(30, 2))
    error = _code(Cox().fit, pd.DataFrame({"a": x[:, 0], "never": (time > 12) * 1.0, "b": x[:, 1]}), time, time <= 12)
    assert error.code == "RG704" and "'never'" in str(error) and "FirthCox" in str(error)


@pytest.mark.parametrize(
    ("settings", "columns", "code"),
    [({"ties": "cox"}, {}, "RG708"), ({"level": 95}, {}, "RG708"), ({}, {"weights": 0.0}, "RG705"), ({}, {"entry": 2000.0}, "RG705"),
     ({}, {"entry": -1.0}, "RG402"), ({"ties": "exact"}, {"weights": 1.5}, "RG708"), ({"ties": "exact", "robust": True}, {}, "RG708"),
     ({}, {"cluster": 1.0}, "RG701")],
)  # fmt: skip
def test_refused(settings: dict[str, Any], columns: dict[str, float], code: str) -> None:
    given = {name: np.full(len(LUNG), value) for name, value in columns.items()}
    assert _code(Cox(**settings).fit, LUNG[THREE], LUNG["time"], LUNG["event"], **given).code == code


def test_exact_with_too_many_ties_says_so() -> None:
    x = np.random.default_rng(0).normal(size=(1500, 2))
    event = np.arange(1500) % 2
    assert _code(Cox(ties="exact").fit, x, np.where(event, 1.0, 2.0), event).code == "RG708"


def test_where_all_die_at_one_time_the_exact_likelihood_knows_nothing() -> None:
    x = np.random.default_rng(0).normal(size=(12, 2))
    error = _code(Cox(ties="exact").fit, x, np.ones(12), np.ones(12))
    assert error.code == "RG704" and "nothing" in str(error)
    # Breslow's likelihood has its maximum at 0 there
    assert Cox(ties="breslow").fit(x, np.ones(12), np.ones(12)).coef_ == pytest.approx([0, 0], abs=1e-6)


def test_one_pass_is_the_sum_over_risk_sets() -> None:
    from radiogen.models.survival.casesets import CaseSets

    random = np.random.default_rng(4)
    time, event = random.integers(1, 9, 60).astype(float), random.integers(0, 2, 60) > 0
    x, weights, beta = random.normal(size=(60, 3)), random.uniform(0.5, 2, 60), np.array([0.4, -0.3, 1.1])
    for ties in ("efron", "breslow"):
        quick, slow = (CaseSets(time, event, x, entry, ties, weights).evaluate(beta) for entry in (None, np.zeros(60)))
        for one, other in zip(quick, slow, strict=True):
            assert one == pytest.approx(other, rel=1e-10)


def test_a_nearly_collinear_column_is_named_or_fitted() -> None:
    random = np.random.default_rng(1)
    a = random.normal(size=80)
    x = pd.DataFrame({"a": a, "almost": a + 1e-5 * random.normal(size=80)})
    model = Cox().fit(x, random.exponential(size=80), np.ones(80))
    assert np.isfinite(model.coef_).all() and model.summary_["se"].min() > 100
