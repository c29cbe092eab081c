"""Cox and logistic regression: hand-worked fits, aliasing, separation, adjusted odds ratios."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from radiogen import stats
from radiogen.errors import RadiogenError
from radiogen.stats._partial import efron


def test_efron_likelihood_by_hand() -> None:
    # times 1 (two events: x = 1, 0), 2 (censored, x = 1), 3 (event, x = 0), r = exp(beta)
    # Efron: r·1 / [(2r + 2)(2r + 2 - (r + 1)/2)] · 1
    time, event = np.array([1.0, 1, 2, 3]), np.array([True, True, False, True])
    x = np.array([[1.0], [0.0], [1.0], [0.0]])
    objective = efron(time, event, x)
    for beta in (-0.7, 0.0, 1.3):
        r = np.exp(beta)
        loglik, gradient, information = objective(np.array([beta]))
        assert loglik == pytest.approx(np.log(r / ((2 * r + 2) * (1.5 * r + 1.5))))
        # with s = 2r/(2r + 2) = r/(1 + r) at both steps: U = 1 - 2s, I = 2 s (1 - s)
        s = r / (1 + r)
        assert gradient[0] == pytest.approx(1 - 2 * s)
        assert information[0, 0] == pytest.approx(2 * s * (1 - s))


def test_efron_gradient_and_information_are_the_derivatives() -> None:
    rng = np.random.default_rng(0)
    time = rng.integers(1, 6, 25).astype(float)
    objective = efron(time, rng.random(25) < 0.7, rng.normal(size=(25, 3)))
    beta, h = rng.normal(size=3) * 0.5, 1e-5
    _, gradient, information = objective(beta)
    for k in range(3):
        step = h * np.eye(3)[k]
        up, down = objective(beta + step), objective(beta - step)
        assert (up[0] - down[0]) / (2 * h) == pytest.approx(gradient[k], abs=1e-6)
        np.testing.assert_allclose(-(up[1] - down[1]) / (2 * h), information[k], atol=1e-6)


def test_score_test_is_the_log_rank_test_without_ties() -> None:
    rng = np.random.default_rng(4)
    d = pd.DataFrame({"t": rng.permutation(40) + 1.0, "e": rng.integers(0, 2, 40), "g": rng.integers(0, 2, 40)})
    score = stats.cox_regression(d, "t", "e", ["g"]).tests.set_index("test").loc["score", "statistic"]
    assert score == pytest.approx(stats.log_rank_test(d["t"], d["e"], d["g"]).statistic)


def test_cox_does_not_depend_on_scale_and_origin() -> None:
    rng = np.random.default_rng(8)
    d = pd.DataFrame({"t": rng.exponential(size=80), "e": rng.integers(0, 2, 80), "x": rng.normal(size=80)})
    plain = stats.cox_regression(d, "t", "e", ["x"])
    moved = stats.cox_regression(d.assign(x=1e4 + 1e-3 * d["x"]), "t", "e", ["x"])
    assert moved.estimate[0] == pytest.approx(1e3 * plain.estimate[0], rel=1e-6)
    assert moved.p[0] == pytest.approx(plain.p[0], rel=1e-6)
    frame = plain.to_frame()
    assert frame["hazard_ratio"].iloc[0] == pytest.approx(np.exp(plain.estimate[0]))
    assert frame["hr_lower"].iloc[0] == pytest.approx(np.exp(plain.lower[0]))


def test_cox_constant_and_duplicate_columns_are_named() -> None:
    rng = np.random.default_rng(1)
    d = pd.DataFrame({"t": rng.exponential(size=60), "e": 1, "x": rng.normal(size=60), "one": 3.0})
    d["twice"] = 2 * d["x"] + 5
    r = stats.cox_regression(d, "t", "e", ["x", "one", "twice"])
    assert r.not_estimable == {"one": "constant", "twice": "linear combination of x"}
    assert r.to_frame()["note"].tolist() == ["", "not estimable: constant", "not estimable: linear combination of x"]
    assert any(note.startswith("RG707") for note in r.notes)
    alone = stats.cox_regression(d, "t", "e", ["x"])
    assert r.estimate[0] == alone.estimate[0]
    assert r.tests["df"].tolist() == [1, 1, 1]


def test_cox_column_that_varies_only_outside_all_risk_sets() -> None:
    d = pd.DataFrame({"t": [1, 2, 3, 4, 5], "e": [0, 1, 1, 0, 1], "x": [1, 0, 0, 0, 0], "z": [1, 2, 1, 3, 2.5]})
    assert stats.cox_regression(d, "t", "e", ["z", "x"]).not_estimable == {"x": "constant"}


def test_cox_monotone_likelihood_is_found() -> None:
    # every event has the largest x of those at risk
    d = pd.DataFrame({"t": np.arange(1, 21), "e": 1, "x": np.arange(20, 0, -1.0), "z": [0, 1] * 10})
    with pytest.raises(RadiogenError) as caught:
        stats.cox_regression(d, "t", "e", ["z", "x"])
    assert caught.value.code == "RG704"
    assert "x" in caught.value.problems[0].message
    # no event in one group: its hazard ratio is 0
    rng = np.random.default_rng(0)
    d = pd.DataFrame({"t": rng.exponential(size=60), "g": [0, 1] * 30, "z": rng.normal(size=60)})
    d["e"] = d["g"]
    with pytest.raises(RadiogenError) as caught:
        stats.cox_regression(d, "t", "e", ["z", "g"])
    assert caught.value.code == "RG704"
    assert caught.value.problems[0].column == "g"


def test_logistic_of_a_two_by_two_table_by_hand() -> None:
    # 3 of 4 against 1 of 4: odds ratio (3/1)/(1/3) = 9; variance 1/3 + 1 + 1 + 1/3
    d = pd.DataFrame({"y": [0, 0, 0, 1, 1, 0, 1, 1], "x": [0, 0, 0, 0, 1, 1, 1, 1]})
    r = stats.logistic_regression(d, "y", ["x"])
    assert r.estimate.tolist() == pytest.approx([np.log(1 / 3), np.log(9)])
    assert r.se[1] == pytest.approx(np.sqrt(1 / 3 + 1 + 1 + 1 / 3))
    assert r.loglik[1] == pytest.approx(2 * (3 * np.log(0.75) + np.log(0.25)))
    assert r.loglik[0] == pytest.approx(8 * np.log(0.5))


@pytest.mark.parametrize("x", [[1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 3, 4, 4, 6, 7, 8]], ids=["complete", "quasi"])
def test_logistic_separation_is_found(x: list[float]) -> None:
    d = pd.DataFrame({"y": [0, 0, 0, 0, 1, 1, 1, 1], "x": x, "z": [1, 0, 1, 0, 1, 0, 1, 0]})
    with pytest.raises(RadiogenError) as caught:
        stats.logistic_regression(d, "y", ["z", "x"])
    assert caught.value.code == "RG704"
    assert caught.value.problems[0].column == "x"


def test_logistic_near_separation_still_converges() -> None:
    rng = np.random.default_rng(6)
    x = rng.normal(size=200)
    y = x > 0
    y[np.argsort(np.abs(x))[:2]] ^= True
    r = stats.logistic_regression(pd.DataFrame({"y": y, "x": x}), "y", ["x"])
    assert np.isfinite(r.estimate).all()
    assert r.estimate[1] > 20


def test_more_columns_than_rows_is_refused() -> None:
    rng = np.random.default_rng(0)
    d = pd.DataFrame(rng.normal(size=(10, 15))).add_prefix("x").assign(y=[0, 1] * 5, t=np.arange(1, 11), e=1)
    names = [c for c in d.columns if c.startswith("x")]
    for call in (lambda: stats.logistic_regression(d, "y", names), lambda: stats.cox_regression(d, "t", "e", names)):
        with pytest.raises(RadiogenError) as caught:
            call()
        assert caught.value.code == "RG704"


def test_adjusted_odds_ratio_is_the_logistic_model_of_each_feature() -> None:
    rng = np.random.default_rng(7)
    n = 120
    z = pd.DataFrame({"age": rng.normal(60, 10, n), "centre": rng.choice(list("ABC"), n)})
    x = pd.DataFrame(rng.normal(size=(n, 3)), columns=["a", "b", "c"])
    y = rng.random(n) < 1 / (1 + np.exp(-x["a"]))
    x["flat"], x["old"] = 1.0, 3 * z["age"] + 1
    x["leak"] = y * 10.0 + rng.normal(size=n)
    x.loc[:19, "b"] = np.nan
    r = stats.adjusted_odds_ratio(x, y, z, missing="drop")
    assert r.n.tolist() == [n, n - 20, n, n, n, n]
    for k, name in enumerate("abc"):
        d = pd.concat([x[[name]], z], axis=1).assign(y=y).dropna()
        d[name] /= d[name].std(ddof=1)
        whole = stats.logistic_regression(d, "y", [name, "age", "centre"])
        assert np.log(r.estimate[k]) == pytest.approx(whole.estimate[1], rel=1e-8)
        assert r.se[k] == pytest.approx(whole.se[1], rel=1e-7)
        assert r.p[k] == pytest.approx(whole.p[1], rel=1e-6)
    assert r["reason"] == ["", "", "", "constant", "linear combination of the covariates", "separates the classes"]
    assert np.isnan(r.estimate[3:]).all()
    with pytest.raises(RadiogenError) as caught:
        stats.adjusted_odds_ratio(x, y, z)
    assert caught.value.code == "RG705"


def test_adjusted_odds_ratio_without_covariates_by_hand() -> None:
    r = stats.adjusted_odds_ratio([0, 0, 0, 0, 1, 1, 1, 1], [0, 0, 0, 1, 1, 0, 1, 1], per_sd=False)
    assert r.estimate == pytest.approx(9)
    sd = np.std([0, 1], ddof=0) * np.sqrt(8 / 7)
    per_sd = stats.adjusted_odds_ratio([0, 0, 0, 0, 1, 1, 1, 1], [0, 0, 0, 1, 1, 0, 1, 1])
    assert per_sd.estimate == pytest.approx(9**sd)


def test_cox_equals_lifelines_on_real_data(repo: Path) -> None:
    from lifelines import CoxPHFitter

    import radiogen as rg

    cohort = rg.load_cohort(repo / "cohorts" / "gbsg2")
    frame = cohort.frame("clinical")[["age", "tsize", "tgrade", "pnodes", "progrec"]].join(cohort.survival("rfs"))
    ours = stats.cox_regression(frame, "time", "event", ["age", "tsize", "tgrade", "pnodes", "progrec"])
    theirs = CoxPHFitter().fit(frame, "time", "event")
    np.testing.assert_allclose(ours.estimate, theirs.params_.to_numpy(), rtol=1e-5)
    np.testing.assert_allclose(ours.se, theirs.standard_errors_.to_numpy(), rtol=1e-5)
    # lifelines stops a little earlier, which shows in a p of 1e-11
    np.testing.assert_allclose(ours.p, theirs.summary["p"].to_numpy(), rtol=1e-3)
