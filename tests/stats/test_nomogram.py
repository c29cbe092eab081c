"""Splines, interactions and nomograms: by hand, against R's rms, and what they refuse."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from radiogen import stats
from radiogen.errors import RadiogenError
from radiogen.stats._pretty import pretty

REFERENCE = Path(__file__).parent / "reference" / "competing.json"


@pytest.fixture(scope="module")
def reference() -> dict[str, Any]:
    return json.loads(REFERENCE.read_text())


@pytest.fixture(scope="module")
def pbc(reference: dict[str, Any]) -> pd.DataFrame:
    data = pd.DataFrame(reference["data"])
    return data.assign(event=(data["status"] > 0).astype(int))


@pytest.fixture(scope="module")
def toy() -> pd.DataFrame:
    x = np.tile(np.arange(5.0), 8)
    return pd.DataFrame({"x": x, "z": np.repeat(["a", "b"], 20), "y": (np.arange(40) * 7 % 11 > 4).astype(int)})


def check(result: stats.NomogramResult, want: dict[str, Any], absolute: float) -> None:
    for title, axis in want["axes"].items():
        own = result.axes[result.axes["axis"] == title]
        if isinstance(axis["value"][0], str):
            assert own["value"].tolist() == axis["value"]
        else:
            np.testing.assert_allclose(own["number"], axis["value"], rtol=1e-12)
        np.testing.assert_allclose(own["points"], axis["points"], atol=absolute, rtol=0)
    assert set(result.axes["axis"]) == set(want["axes"])
    np.testing.assert_allclose(result.total, want["ends"]["total"])
    np.testing.assert_allclose(result.linear["linear_predictor"], want["ends"]["lp_points"], atol=1e-12)
    np.testing.assert_allclose(result.linear["points"], want["ends"]["lp"], atol=absolute, rtol=0)


# -- splines and terms


def test_the_basis_by_hand() -> None:
    # knots 1, 2, 3; ((x-1)+³ - 2 (x-2)+³ + (x-3)+³) / 4
    got = stats.rcs([0, 1.5, 2.5, 4, 5], [1, 2, 3])
    assert got[:, 0].tolist() == [0, 1.5, 2.5, 4, 5]
    assert got[:, 1] == pytest.approx([0, 0.125 / 4, (3.375 - 0.25) / 4, (27 - 16 + 1) / 4, (64 - 54 + 8) / 4])


def test_the_basis_is_straight_beyond_the_knots() -> None:
    got = stats.rcs(np.array([9.0, 10, 11, -3, -2, -1]), [0, 2, 5, 8])
    assert np.diff(got[:3], n=2, axis=0) == pytest.approx(np.zeros((1, 3)), abs=1e-12)
    assert np.diff(got[3:], n=2, axis=0) == pytest.approx(np.zeros((1, 3)), abs=1e-12)


def test_knots_and_basis_in_r(reference: dict[str, Any], pbc: pd.DataFrame) -> None:
    for count, knots in reference["knots"].items():
        np.testing.assert_allclose(stats.rcs_knots(pbc["bili"], int(count)), knots, rtol=1e-13)
    # fewer than 100 values; half of the values piled at the least one
    np.testing.assert_allclose(stats.rcs_knots(pbc["age"][:60], 4), reference["knots_small"], rtol=1e-13)
    np.testing.assert_allclose(stats.rcs_knots(np.maximum(pbc["bili"] - 1, 0), 4), reference["knots_floor"], rtol=1e-13)
    np.testing.assert_allclose(stats.rcs(pbc["bili"], 4), np.array(reference["basis"]).T, atol=1e-12)


def test_round_numbers_in_r(reference: dict[str, Any]) -> None:
    for case in reference["pretty"]:
        for count in (10, 5):
            np.testing.assert_allclose(pretty(*case["range"], count), np.atleast_1d(case[f"n{count}"]), rtol=1e-12, atol=1e-15)


def test_terms_by_hand() -> None:
    frame = pd.DataFrame({"x": [0.0, 1, 2, 3, 4], "g": list("abcab")})
    terms = stats.model_terms(frame, ["x", "g"], splines={"x": [1, 2, 3]}, interactions=[("x", "g")])
    assert terms.columns == ["x", "g", "x'", "x:g[b]", "x:g[c]", "x':g[b]", "x':g[c]"]
    cubic = [0, 0, 0.25, 1.5, 3]
    assert terms.frame["x'"].tolist() == pytest.approx(cubic)
    assert terms.frame["x:g[b]"].tolist() == [0, 1, 0, 0, 4]
    assert terms.frame["x':g[c]"].tolist() == pytest.approx([0, 0, 0.25, 0, 0])
    assert terms.built["x'"] == ("x",) and terms.built["x:g[c]"] == ("x", "g")
    again = terms.apply(frame.iloc[[4, 2]])
    pd.testing.assert_frame_equal(again, terms.frame.iloc[[4, 2]])


# -- nomograms


def test_points_by_hand(toy: pd.DataFrame) -> None:
    # x from 0 to 4 with b = 0.5 spans 2, z = b adds 1: 50 points a unit; 150 points are -2 + 3
    fit = replace(stats.logistic_regression(toy, "y", ["x", "z"]), estimate=np.array([-2.0, 0.5, 1.0]))
    n = stats.nomogram(fit)
    assert n.axes[n.axes["axis"] == "x"]["points"].tolist() == pytest.approx([0, 25, 50, 75, 100])
    assert n.axes[n.axes["axis"] == "z"][["value", "points"]].to_numpy().tolist() == [["a", 0.0], ["b", pytest.approx(50)]]
    assert n.points_per_unit == pytest.approx(50) and n.at_zero == pytest.approx(-2)
    got = n.points(pd.DataFrame({"x": [4.0, 3.0], "z": ["b", "a"]}, index=["p", "q"]))
    assert got.loc["p"].tolist() == pytest.approx([100, 50, 150]) and got.loc["q", "total"] == pytest.approx(75)
    assert n.predict([150])["probability"].tolist() == pytest.approx([1 / (1 + np.exp(-1))])
    assert np.asarray(n.estimate).tolist() == pytest.approx([100, 50])


def test_a_negative_coefficient_starts_at_the_other_end(toy: pd.DataFrame) -> None:
    fit = replace(stats.logistic_regression(toy, "y", ["x", "z"]), estimate=np.array([1.0, -0.5, 1.0]))
    n = stats.nomogram(fit, max_points=10)
    assert n.axes[n.axes["axis"] == "x"]["points"].tolist() == pytest.approx([10, 7.5, 5, 2.5, 0])
    # 0 points: x = 4 and z = a
    assert n.predict([0])["linear_predictor"].tolist() == pytest.approx([-1])


def test_cox_with_spline_and_interaction_in_r(reference: dict[str, Any], pbc: pd.DataFrame) -> None:
    want = reference["cox"]
    terms = stats.model_terms(pbc, ["bili", "age", "sex", "stage"], splines={"bili": 4}, interactions=[("age", "sex")])
    fit = stats.cox_regression(terms.frame, "time", "event", terms.columns)
    np.testing.assert_allclose(fit.linear_predictor[:20], want["lp"], atol=1e-9)
    n = stats.nomogram(fit, [60, 12], terms=terms)
    check(n, want, 1e-8)
    got = n.predict(n.points(pbc)["total"])
    np.testing.assert_allclose(got["linear_predictor"], fit.linear_predictor, atol=1e-10)
    np.testing.assert_allclose(got[["risk_60", "risk_12"]], fit.predict_risk(terms.frame, [60, 12]), atol=1e-10)
    np.testing.assert_allclose(1 - got["risk_60"][:20], want["s60"], atol=1e-9)
    alive = stats.nomogram(fit, [60], terms=terms, survival=True)
    np.testing.assert_allclose(alive.predict(alive.points(pbc)["total"])["survival_60"] + got["risk_60"], 1, atol=1e-12)


def test_logistic_with_spline_and_interaction_in_r(reference: dict[str, Any], pbc: pd.DataFrame) -> None:
    want = reference["logistic"]
    terms = stats.model_terms(pbc, ["albumin", "sex", "age", "edema"], splines={"age": 3}, interactions=[("albumin", "sex")])
    fit = stats.logistic_regression(terms.frame, "event", terms.columns)
    n = stats.nomogram(fit, terms=terms)
    check(n, want, 1e-8)
    got = n.predict(n.points(pbc)["total"])
    np.testing.assert_allclose(got["linear_predictor"], fit.linear_predictor, atol=1e-10)
    np.testing.assert_allclose(got["probability"], fit.predict_risk(terms.frame), atol=1e-10)
    np.testing.assert_allclose(got["linear_predictor"][:20], want["lp"], atol=1e-7)


def test_breslow_and_fine_gray_keep_their_probabilities(pbc: pd.DataFrame) -> None:
    names = ["age", "stage", "bili"]
    breslow = stats.cox_regression(pbc, "time", "event", names, ties="breslow")
    n = stats.nomogram(breslow, 60)
    np.testing.assert_allclose(n.predict(n.points(pbc)["total"])["risk_60"], breslow.predict_risk(pbc, 60)[:, 0], atol=1e-10)
    fine = stats.fine_gray(pbc, "time", "status", names)
    n = stats.nomogram(fine, [36, 60])
    np.testing.assert_allclose(n.predict(n.points(pbc)["total"])[["risk_36", "risk_60"]], fine.predict(pbc, [36, 60]), atol=1e-10)
    # the ticks of the probabilities lie where the total gives them
    own = n.outcomes[n.outcomes["axis"] == "risk_36"]
    np.testing.assert_allclose(n.predict(own["points"])["risk_36"], own["probability"], atol=1e-12)


def test_metabric(shared: Path) -> None:
    folder = shared / "reference" / "r"
    data, want = pd.read_csv(folder / "metabric.csv"), json.loads((folder / "metabric.json").read_text())["nomogram"]
    fit = stats.cox_regression(data, "time", "event", ["x1", "x2", "b1"])

    def compare(model: stats.CoxResult, relative: float, absolute: float) -> None:
        n = stats.nomogram(model)
        for name in ("x1", "x2", "b1"):
            own = n.axes[n.axes["axis"] == name]
            assert own["number"].tolist() == want[name]["value"]
            np.testing.assert_allclose(own["points"], want[name]["points"], rtol=relative, atol=absolute)
        assert n.total.tolist() == want["total_points"]
        assert n.linear["linear_predictor"].tolist() == want["lp_points"]
        np.testing.assert_allclose(n.linear["points"], want["lp"], rtol=relative, atol=max(absolute, 1e-10))

    # rms::cph stops where the log-likelihood changes by less than 1e-4 of itself, a step before the maximum
    compare(fit, 2e-4, 4e-3)
    compare(stats.cox_regression(data, "time", "event", ["x1", "x2", "b1"], eps=1e-4), 1e-10, 1e-10)


def test_predictors_joined_by_a_chain_of_interactions_share_their_points(pbc: pd.DataFrame) -> None:
    terms = stats.model_terms(pbc, ["age", "sex", "bili"], interactions=[("age", "sex"), ("sex", "bili")])
    fit = stats.cox_regression(terms.frame, "time", "event", terms.columns)
    n = stats.nomogram(fit, [60], terms=terms, settings={"bili": [1, 5]})
    assert n.label == ["age, sex, bili"]
    assert n.axes["axis"].unique().tolist() == [f"age (sex={s} bili={b})" for b in (1, 5) for s in "fm"]
    got = n.predict(n.points(pbc)["total"])
    np.testing.assert_allclose(got["linear_predictor"], fit.linear_predictor, atol=1e-10)


def test_aliased_columns_add_nothing(pbc: pd.DataFrame) -> None:
    fit = stats.cox_regression(pbc.assign(twice=2 * pbc["age"]), "time", "event", ["age", "twice", "bili"])
    n = stats.nomogram(fit, [60])
    assert n.axes["predictor"].unique().tolist() == ["age", "bili"]
    np.testing.assert_allclose(n.predict(n.points(pbc)["total"])["linear_predictor"], fit.linear_predictor, atol=1e-10)
    assert "not estimable" in n.notes[0]


def test_chosen_ticks(pbc: pd.DataFrame) -> None:
    fit = stats.cox_regression(pbc, "time", "event", ["age", "stage"])
    n = stats.nomogram(fit, [60], values={"age": [40, 60], "stage": ["s4", "s2"]}, probabilities=[0.5, 0.25])
    assert n.axes["value"].tolist() == ["40", "60", "s4", "s2"]
    assert n.outcomes["probability"].tolist() == [0.25, 0.5]


CASES: dict[str, tuple[str, Any]] = {
    "other model": ("RG705", lambda d: stats.nomogram(stats.kaplan_meier(d["time"], d["event"]))),
    "horizons of a logistic model": ("RG708", lambda d: stats.nomogram(stats.logistic_regression(d, "event", ["age"]), [60])),
    "survival with competing events": (
        "RG708", lambda d: stats.nomogram(stats.fine_gray(d, "time", "status", ["age"]), [60], survival=True)),
    "strata": ("RG708", lambda d: stats.nomogram(stats.cox_regression(d, "time", "event", ["age"], strata="sex"), [60])),
    "horizon before all events": ("RG708", lambda d: stats.nomogram(stats.cox_regression(d, "time", "event", ["age"]), [0.01])),
    "horizon nan": ("RG705", lambda d: stats.nomogram(stats.cox_regression(d, "time", "event", ["age"]), [np.nan])),
    "horizon twice": ("RG708", lambda d: stats.nomogram(stats.cox_regression(d, "time", "event", ["age"]), [60, 60])),
    "spline without terms": ("RG708", lambda d: stats.nomogram(_spline(d)[0], [60])),
    "unknown predictor": ("RG708", lambda d: stats.nomogram(stats.cox_regression(d, "time", "event", ["age"]), values={"x": [1]})),
    "unknown level": ("RG708", lambda d: stats.nomogram(stats.cox_regression(d, "time", "event", ["sex"]), values={"sex": ["x"]})),
    "probability of 1": (
        "RG708", lambda d: stats.nomogram(stats.logistic_regression(d, "event", ["age"]), probabilities=[0.5, 1.0])),
    "eps": ("RG708", lambda d: stats.cox_regression(d, "time", "event", ["age"], eps=0)),
    "no points": ("RG708", lambda d: stats.nomogram(stats.logistic_regression(d, "event", ["age"]), max_points=0)),
    "points of a frame without the column": (
        "RG203", lambda d: stats.nomogram(stats.logistic_regression(d, "event", ["age"])).points(d[["sex"]])),
    "points with nan": (
        "RG705", lambda d: stats.nomogram(stats.logistic_regression(d, "event", ["age"])).points(pd.DataFrame({"age": [np.nan]}))),
    "points of a new level": (
        "RG705", lambda d: stats.nomogram(stats.logistic_regression(d, "event", ["sex"])).points(pd.DataFrame({"sex": ["x"]}))),
    "predict nan": ("RG705", lambda d: stats.nomogram(stats.logistic_regression(d, "event", ["age"])).predict([np.nan])),
    "rcs nan": ("RG705", lambda d: stats.rcs([1, np.nan, 3], [1, 2, 3])),
    "rcs two knots": ("RG708", lambda d: stats.rcs([1, 2, 3], [1, 2])),
    "rcs equal knots": ("RG708", lambda d: stats.rcs([1, 2, 3], [1, 1, 2])),
    "rcs constant": ("RG705", lambda d: stats.rcs([1, 1, 1, 1], 3)),
    "rcs binary": ("RG705", lambda d: stats.rcs([0, 1, 1, 0], 3)),
    "rcs count": ("RG708", lambda d: stats.rcs_knots(d["age"], 2)),
    "spline of a category": ("RG703", lambda d: stats.model_terms(d, ["sex"], splines={"sex": 3})),
    "spline of another column": ("RG708", lambda d: stats.model_terms(d, ["sex"], splines={"age": 3})),
    "interaction of one": ("RG708", lambda d: stats.model_terms(d, ["sex", "age"], interactions=[("age",)])),
    "interaction of another": ("RG708", lambda d: stats.model_terms(d, ["sex", "age"], interactions=[("age", "bili")])),
    "interaction twice": ("RG708", lambda d: stats.model_terms(d, ["sex", "age"], interactions=[("age", "sex"), ("sex", "age")])),
    "name taken": ("RG210", lambda d: stats.model_terms(d.assign(**{"age'": 1}), ["age"], splines={"age": 3})),
    "terms nan": ("RG705", lambda d: stats.model_terms(d.assign(age=np.nan), ["age"], splines={"age": 3})),
}  # fmt: skip


def _spline(data: pd.DataFrame) -> tuple[stats.CoxResult, stats.ModelTerms]:
    terms = stats.model_terms(data, ["age"], splines={"age": 4})
    return stats.cox_regression(terms.frame, "time", "event", terms.columns), terms


@pytest.mark.parametrize("case", sorted(CASES))
def test_bad_input(case: str, pbc: pd.DataFrame) -> None:
    code, call = CASES[case]
    with pytest.raises(RadiogenError) as error:
        call(pbc)
    assert error.value.code == code


def test_a_late_horizon_is_noted(pbc: pd.DataFrame) -> None:
    n = stats.nomogram(stats.cox_regression(pbc, "time", "event", ["age"]), [1000])
    assert "No event is seen after" in n.notes[-1]
