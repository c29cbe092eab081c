"""Calibration of probabilities and of risks at a horizon: by hand and against R."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from radiogen import stats
from radiogen.errors import RadiogenError
from radiogen.stats._horizon import inverse_weights, risk_at
from radiogen.stats._lowess import lowess, lowess_se
from radiogen.stats._pseudo import pseudo_values
from radiogen.stats._rcs import basis
from tests.stats.binary_data import answers, close, pbc


def check_val_prob(y: pd.Series, p: np.ndarray, names: list[str], values: list[float | None]) -> None:
    r = stats.calibration(y, p)
    for name, wanted in zip(names, values, strict=True):
        # rms leaves D:p empty, and rounds the smallest p to 0
        if wanted is not None and wanted != 0:
            close(r.indices[name], wanted, rel=1e-7)
    by_name = dict(zip(names, values, strict=True))
    for ours, theirs in (("brier", "Brier"), ("slope", "Slope"), ("emax", "Emax"), ("e90", "E90"), ("ici", "Eavg")):
        close(r.value(ours), by_name[theirs], rel=1e-7)


def test_val_prob_on_metabric(shared: Path) -> None:
    folder = shared / "reference" / "r"
    d, want = pd.read_csv(folder / "metabric.csv"), json.loads((folder / "metabric.json").read_text())["val_prob"]
    p = expit(0.3 + 0.7 * stats.logistic_regression(d, "y", ["x1", "b1", "m1"]).linear_predictor)
    check_val_prob(d["y"], p, want["names"], want["values"])


def test_val_prob_and_hosmer_lemeshow_on_pbc() -> None:
    want = answers()["val_prob"]
    check_val_prob(pbc()["y"], np.array(want["p"]), want["names"], want["values"])
    test = stats.calibration(pbc()["y"], want["p"]).tests.set_index("test")
    close(test.loc["hosmer_lemeshow", ["statistic", "p"]], list(answers()["hosmer_lemeshow"].values()))
    assert test["df"].tolist()[:2] == [8, 10]


def test_hosmer_lemeshow_and_spiegelhalter_by_hand() -> None:
    # three groups of ten at 0.2, 0.5, 0.8 with 3, 5 and 7 events
    p = np.repeat([0.2, 0.5, 0.8], 10)
    y = np.concatenate([np.r_[np.ones(k), np.zeros(10 - k)] for k in (3, 5, 7)])
    r = stats.calibration(y, p, groups=3)
    assert r.bins["events"].tolist() == [3, 5, 7] and r.bins["n"].tolist() == [10, 10, 10]
    test = r.tests.set_index("test")
    # 1/2 + 1/8 in the first and in the last group
    close(test.loc["hosmer_lemeshow", "statistic"], 2 * (1 / 2 + 1 / 8))
    assert test.loc["hosmer_lemeshow", "df"] == 1 and test.loc["hosmer_lemeshow_external", "df"] == 3
    # sum of (y - p)(1 - 2p) = 0.6 (3 - 2) - 0.6 (7 - 8) = 1.2; variance 20 * 0.36 * 0.16
    close(test.loc["spiegelhalter", "statistic"], 1.2 / np.sqrt(20 * 0.36 * 0.16))
    assert r.histogram[["events", "nonevents"]].sum().tolist() == [15, 15]


def test_scaled_brier_has_the_variance_of_its_bootstrap() -> None:
    rng = np.random.default_rng(1)
    p = rng.beta(2, 4, 300)
    y = (rng.random(300) < p).astype(int)
    r = stats.calibration(y, p)

    def scaled(outcome: np.ndarray, risk: np.ndarray) -> float:
        return 1 - np.mean((outcome - risk) ** 2) / (outcome.mean() * (1 - outcome.mean()))

    boot = stats.bootstrap_ci(scaled, (y, p), method="percentile", n_boot=2000)
    close(r.se[3], boot.se, rel=0.06)


def test_band_of_the_curve_is_that_of_a_weighted_sum() -> None:
    rng = np.random.default_rng(2)
    x = np.round(rng.uniform(size=60), 2)
    variance = rng.uniform(0.1, 0.3, 60)
    # lowess is linear in y: its weights are its answers to unit vectors
    weights = np.column_stack([lowess(x, np.eye(60)[j]) for j in range(60)])
    close(lowess_se(x, variance) ** 2, (weights**2) @ variance)


def test_band_without_bootstrap_is_like_the_bootstrap_band() -> None:
    rng = np.random.default_rng(3)
    p = rng.uniform(0.1, 0.9, 400)
    y = (rng.random(400) < p).astype(int)
    plain, boot = stats.calibration(y, p).curve, stats.calibration(y, p, n_boot=200).curve
    middle = plain["predicted"].between(0.2, 0.8)
    ratio = ((plain["upper"] - plain["lower"]) / (boot["upper"] - boot["lower"]))[middle]
    assert 0.85 < ratio.mean() < 1.15
    assert ((plain["lower"] <= plain["observed"]) & (plain["observed"] <= plain["upper"])).all()


def test_survival_against_r() -> None:
    want, d = answers()["survival"], pbc()
    r = stats.calibration_survival(d["time"], d["event"], want["risk"], want["horizon"])
    for name in ("ici", "e50", "e90", "emax", "slope_cox"):
        close(r.value(name), want[name], rel=1e-6)
    close([r["observed"], r.se[3]], [want["km_risk"], want["slope_cox_se"]], rel=1e-6)
    close(np.log(r["oe_greenwood_upper"] / r.value("oe")) / 1.959963984540054, want["km_se"] / want["km_risk"])
    # the ratio varies like its bootstrap
    time, event, risk = (np.asarray(v, dtype=float) for v in (d["time"], d["event"], want["risk"]))
    w = np.random.default_rng(1).multinomial(len(d), np.full(len(d), 1 / len(d)), 1000).astype(float)
    ratio = risk_at(time, event.astype(int), want["horizon"], w) / (w @ risk / len(d))
    close(r.se[0] / r.value("oe"), np.log(ratio).std(), rel=0.08)
    curve = r.curve.set_index("predicted")
    for j in range(5):
        row = curve.iloc[np.abs(curve.index - want["risk"][j]).argmin()]
        close(row[["observed", "lower", "upper"]], [want["observed"][j], want["lower"][j], want["upper"][j]], rel=1e-6)


def test_pseudo_observations_against_r() -> None:
    want, s, d = answers()["pseudo"], answers()["survival"], pbc()
    close(pseudo_values(d["time"].to_numpy(), d["event"].to_numpy().astype(int), s["horizon"]), want["values"], absolute=1e-9)
    r = stats.calibration_survival(d["time"], d["event"], s["risk"], s["horizon"])
    close([r.value("intercept"), r.se[1], r.value("slope"), r.se[2]],
          [want["intercept"], want["intercept_se"], want["slope"], want["slope_se"]], rel=1e-5)  # fmt: skip


def test_pseudo_observations_leave_one_out_with_ties_and_competing_events() -> None:
    rng = np.random.default_rng(0)
    time, status = rng.integers(1, 12, 40).astype(float), rng.integers(0, 3, 40)
    whole = risk_at(time, status, 7.0)[0]
    slow = [40 * whole - 39 * risk_at(np.delete(time, i), np.delete(status, i), 7.0)[0] for i in range(40)]
    close(pseudo_values(time, status, 7.0), slow)


def test_weights_stand_for_rows() -> None:
    # twice the weight is the same as the unit twice
    time, status = np.array([1.0, 2, 2, 3, 4, 5]), np.array([1, 0, 2, 1, 0, 1])
    weights = np.array([[2.0, 1, 0, 1, 3, 1]])
    rows = np.repeat(np.arange(6), weights[0].astype(int))
    close(risk_at(time, status, 3.5, weights), risk_at(time[rows], status[rows], 3.5))
    inverse = inverse_weights(time, status, 3.5, weights)[0]
    close(inverse[rows], inverse_weights(time[rows], status[rows], 3.5)[0])


def test_competing_risk_against_r() -> None:
    want, s, d = answers()["competing"], answers()["survival"], pbc()
    r = stats.calibration_survival(d["time"], d["status"], s["risk"], s["horizon"], groups=2)
    close(r["observed"], want["all"])
    close(r.bins["observed"].iloc[1], want["high"])
    assert "slope_cox" not in r.label and "pseudo" in r.method
    # the standard error of a mean of pseudo-observations is close to the bootstrap's (here the printed limits')
    time, status = d["time"].to_numpy(), d["status"].to_numpy().astype(int)
    rng = np.random.default_rng(1)
    drawn = risk_at(time, status, 3.0, rng.multinomial(len(d), np.full(len(d), 1 / len(d)), 1000).astype(float))
    close(np.log(r["oe_greenwood_upper"] / r.value("oe")) / 1.959963984540054 * r["observed"], drawn.std(), rel=0.08)


def test_a_right_model_is_calibrated() -> None:
    rng = np.random.default_rng(7)
    x = rng.uniform(-1.5, 1.5, 3000)
    time, censored = rng.exponential(np.exp(-x)), rng.exponential(2, 3000)
    risk = 1 - np.exp(-0.5 * np.exp(x))
    r = stats.calibration_survival(np.minimum(time, censored), time <= censored, risk, 0.5, n_boot=20)
    for name, ideal in (("oe", 1), ("intercept", 0), ("slope", 1), ("slope_cox", 1)):
        k = list(r.label).index(name)
        assert r.lower[k] < ideal < r.upper[k]
    assert r.value("ici") < 0.02
    assert r.lower[-4] <= r.upper[-4]
    twisted = stats.calibration_survival(np.minimum(time, censored), time <= censored, 1 - np.exp(-0.5 * np.exp(2 * x)), 0.5)
    assert twisted.value("slope") == pytest.approx(0.5, abs=0.05)


def test_restricted_cubic_spline_is_straight_beyond_its_knots() -> None:
    knots = np.array([1.0, 2.0, 4.0])
    x = np.array([0.0, 0.5, 1.0, 5.0, 6.0, 7.0])
    cubic = basis(x, knots)[:, 1]
    assert cubic[:3].tolist() == [0, 0, 0]
    close(np.diff(cubic[3:], 2), 0, absolute=1e-12)
    # at 3: (3-1)^3 - (3-2)^3 * 3/2, over the squared range 9
    close(basis(np.array([3.0]), knots)[0, 1], (8 - 1.5) / 9)


def test_two_risks_only_give_a_straight_line() -> None:
    rng = np.random.default_rng(8)
    risk = np.repeat([0.2, 0.6], 50)
    time = rng.exponential(1 / -np.log1p(-risk))
    r = stats.calibration_survival(time, np.ones(100), risk, 1.0)
    assert any("straight line" in note for note in r.notes)


def test_what_has_no_answer_is_refused() -> None:
    d, s = pbc(), answers()["survival"]
    for code, make in (
        ("RG705", lambda: stats.calibration_survival(d["time"], d["event"] + 1, s["risk"], 3)),
        ("RG705", lambda: stats.calibration_survival(d["time"], d["event"], np.zeros(len(d)), 3)),
        ("RG708", lambda: stats.calibration_survival(d["time"], d["event"], s["risk"], 100)),
        ("RG708", lambda: stats.calibration_survival(d["time"], d["status"], s["risk"], 3, smooth="cox")),
        ("RG708", lambda: stats.calibration(pbc()["y"], answers()["val_prob"]["p"]).value("nothing")),
    ):
        with pytest.raises(RadiogenError) as caught:
            make()
        assert caught.value.code == code
