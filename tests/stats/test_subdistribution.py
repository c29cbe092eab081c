"""Fine and Gray's model: by hand, against R, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from radiogen import stats
from radiogen.errors import RadiogenError

REFERENCE = Path(__file__).parent / "reference" / "competing.json"
SMALL = pd.DataFrame({"t": [1, 2, 3, 4, 5], "s": [1, 2, 0, 1, 1], "x": [1, 0, 1, 0, 1]})


@pytest.fixture(scope="module")
def reference() -> dict[str, Any]:
    return json.loads(REFERENCE.read_text())


@pytest.fixture(scope="module")
def pbc(reference: dict[str, Any]) -> pd.DataFrame:
    data = pd.DataFrame(reference["data"])
    return data.assign(log_bili=np.log(data["bili"]))


def test_by_hand() -> None:
    # Three are at risk of the censoring at 3, so G is 2/3 from then on; the unit whose competing event came at 2 weighs
    # 2/3 at 4 and at 5.  With u = exp(b) the three events give
    # l = b - log(3u + 2) - log(1 + u + 2/3) + b - log(u + 2/3)
    fit = stats.fine_gray(SMALL, "t", "s", ["x"])
    u = np.exp(fit.estimate[0])
    assert 1 - 3 * u / (3 * u + 2) - u / (u + 5 / 3) + 1 - u / (u + 2 / 3) == pytest.approx(0, abs=1e-10)
    assert fit.loglik[1] == pytest.approx(2 * np.log(u) - np.log(3 * u + 2) - np.log(u + 5 / 3) - np.log(u + 2 / 3))
    # Breslow's steps for x = 0 are 1 over those sums
    steps = np.cumsum([1 / (3 * u + 2), 1 / (u + 5 / 3), 1 / (u + 2 / 3)])
    got = fit.predict(pd.DataFrame({"x": [0, 1]}), [0.5, 1, 4, 99])
    assert got[0] == pytest.approx(1 - np.exp(-np.r_[0, steps]))
    assert got[1] == pytest.approx(1 - np.exp(-u * np.r_[0, steps]))
    assert (fit.n, fit.events) == (5, 3)


def test_without_competing_events_it_is_cox_with_a_robust_variance(pbc: pd.DataFrame) -> None:
    data = pbc.assign(event=(pbc["status"] == 1).astype(int))
    fit = stats.fine_gray(data, "time", "event", ["age", "log_bili", "sex"])
    cox = stats.cox_regression(data, "time", "event", ["age", "log_bili", "sex"], ties="breslow", robust=True)
    np.testing.assert_allclose(fit.estimate, cox.estimate, rtol=1e-9)
    np.testing.assert_allclose(fit.se, cox.se, rtol=1e-9)
    np.testing.assert_allclose(fit.loglik, cox.loglik, rtol=1e-12)


@pytest.mark.parametrize(("key", "more"), [("crr", {}), ("crr_cause2", {"cause": 2})])
def test_crr(reference: dict[str, Any], pbc: pd.DataFrame, key: str, more: dict[str, Any]) -> None:
    want = reference[key]
    names = ["age", "log_bili", "sex", "edema"] if key == "crr" else ["age", "log_bili", "sex"]
    fit = stats.fine_gray(pbc, "time", "status", names, **more)
    np.testing.assert_allclose(fit.estimate, want["coef"], rtol=1e-9)
    np.testing.assert_allclose(fit.covariance, want["var"], rtol=1e-9)
    np.testing.assert_allclose(fit.loglik, [want["loglik_null"], want["loglik"]], rtol=1e-12)
    rows = pbc.iloc[np.array(want["rows"]) - 1]
    np.testing.assert_allclose(fit.predict(rows, want["times"]), want["cif"], rtol=1e-9)


def test_censoring_by_group(reference: dict[str, Any], pbc: pd.DataFrame) -> None:
    want = reference["crr_groups"]
    fit = stats.fine_gray(pbc, "time", "status", ["age", "log_bili", "sex", "edema"], censoring_group="sex")
    np.testing.assert_allclose(fit.estimate, want["coef"], rtol=1e-8)
    # the coefficients are R's; how cmprsk adds up the groups' censoring in the variance differs in the third digit
    np.testing.assert_allclose(fit.se, want["se"], rtol=5e-3)


def test_metabric(shared: Path) -> None:
    folder = shared / "reference" / "r"
    data, want = pd.read_csv(folder / "metabric.csv"), json.loads((folder / "metabric.json").read_text())["competing"]
    fit = stats.fine_gray(data, "time", "status", ["x1", "x2", "b1"])
    # R stops at a gradient of 1e-6 of the likelihood
    np.testing.assert_allclose(fit.estimate, want["fine_gray_coef"], rtol=2e-8)
    np.testing.assert_allclose(fit.se, want["fine_gray_se"], rtol=1e-8)


def test_predictions_come_back_on_the_data(pbc: pd.DataFrame) -> None:
    fit = stats.fine_gray(pbc, "time", "status", ["age", "stage", "sex"])
    assert fit.label == ["age", "stage[s2]", "stage[s3]", "stage[s4]", "sex[m]"]
    np.testing.assert_allclose(fit.predict_linear(pbc), fit.linear_predictor, atol=1e-12)
    # the mean predicted incidence follows Aalen and Johansen's
    observed = stats.cumulative_incidence(pbc["time"], pbc["status"]).incidence_at(60)["incidence"].iloc[0]
    assert fit.predict(pbc, 60).mean() == pytest.approx(observed, abs=0.02)


def test_predictions_are_calibrated_in_groups(pbc: pd.DataFrame) -> None:
    risk = stats.fine_gray(pbc, "time", "status", ["age", "log_bili", "edema"]).predict(pbc, 60)[:, 0]
    from radiogen.stats.calibrate_survival import calibration_survival

    bins = calibration_survival(pbc["time"], pbc["status"], risk, 60, groups=4, clip=1e-6).bins
    groups = np.searchsorted(np.quantile(risk, [0.25, 0.5, 0.75]), risk)
    for k, row in bins.iterrows():
        own = groups == k
        direct = stats.cumulative_incidence(pbc["time"][own], pbc["status"][own]).incidence_at(60)["incidence"].iloc[0]
        assert row["observed"] == pytest.approx(direct, abs=1e-12)
        assert row["predicted"] == pytest.approx(risk[own].mean(), abs=1e-6)


def test_collinear_and_constant_columns_are_named(pbc: pd.DataFrame) -> None:
    data = pbc.assign(twice=2 * pbc["age"] + 1, same=1.0)
    fit = stats.fine_gray(data, "time", "status", ["age", "twice", "same", "sex"])
    assert set(fit.not_estimable) == {"twice", "same"}
    assert np.isnan(fit.estimate[[1, 2]]).all()
    only = stats.fine_gray(data, "time", "status", ["age", "sex"])
    np.testing.assert_allclose(fit.estimate[[0, 3]], only.estimate, rtol=1e-10)
    np.testing.assert_allclose(fit.predict(data, 60), only.predict(data, 60), rtol=1e-9)


N = 40
RNG = np.random.default_rng(1)
GOOD = pd.DataFrame({"t": RNG.exponential(size=N) + 0.1, "s": RNG.integers(0, 3, N), "x": RNG.normal(size=N), "g": list("ab") * 20})


def changed(column: str, value: Any) -> pd.DataFrame:
    out = GOOD.astype({"s": float})
    out.loc[3, column] = value
    return out


CASES: dict[str, tuple[str, Any]] = {
    "negative time": ("RG402", lambda: stats.fine_gray(changed("t", -1.0), "t", "s", ["x"])),
    "zero time": ("RG403", lambda: stats.fine_gray(changed("t", 0.0), "t", "s", ["x"])),
    "nan time": ("RG705", lambda: stats.fine_gray(changed("t", np.nan), "t", "s", ["x"])),
    "nan status": ("RG705", lambda: stats.fine_gray(changed("s", np.nan), "t", "s", ["x"])),
    "half status": ("RG705", lambda: stats.fine_gray(changed("s", 0.5), "t", "s", ["x"])),
    "nan covariate": ("RG705", lambda: stats.fine_gray(changed("x", np.nan), "t", "s", ["x"])),
    "infinite covariate": ("RG705", lambda: stats.fine_gray(changed("x", np.inf), "t", "s", ["x"])),
    "all censored": ("RG701", lambda: stats.fine_gray(GOOD.assign(s=0), "t", "s", ["x"])),
    "no such event": ("RG701", lambda: stats.fine_gray(GOOD, "t", "s", ["x"], cause=7)),
    "cause 0": ("RG708", lambda: stats.fine_gray(GOOD, "t", "s", ["x"], cause=0)),
    "constant": ("RG704", lambda: stats.fine_gray(GOOD.assign(x=1.0), "t", "s", ["x"])),
    "no column": ("RG203", lambda: stats.fine_gray(GOOD, "t", "s", ["z"])),
    "no covariates": ("RG705", lambda: stats.fine_gray(GOOD, "t", "s", [])),
    "empty": ("RG705", lambda: stats.fine_gray(GOOD.iloc[:0], "t", "s", ["x"])),
    "text for a list": ("RG705", lambda: stats.fine_gray(GOOD, "t", "s", "x")),
    "level": ("RG708", lambda: stats.fine_gray(GOOD, "t", "s", ["x"], level=95)),
    "separated": ("RG704", lambda: stats.fine_gray(GOOD.assign(x=(GOOD["s"] == 1) * 1.0), "t", "s", ["x"])),
    "n below p": ("RG704", lambda: stats.fine_gray(
        pd.DataFrame(RNG.normal(size=(6, 9)), columns=list("abcdefghi")).assign(t=range(1, 7), s=[1, 2, 1, 0, 1, 1]), "t", "s",
        list("abcdefghi"))),
    "new level": ("RG705", lambda: stats.fine_gray(GOOD, "t", "s", ["g"]).predict(pd.DataFrame({"g": ["c"]}), 1)),
    "missing level": ("RG705", lambda: stats.fine_gray(GOOD, "t", "s", ["g"]).predict(pd.DataFrame({"g": [None]}), 1)),
    "negative horizon": ("RG708", lambda: stats.fine_gray(GOOD, "t", "s", ["g"]).predict(GOOD, -1)),
}  # fmt: skip


@pytest.mark.parametrize("case", sorted(CASES))
def test_bad_input(case: str) -> None:
    code, call = CASES[case]
    with pytest.raises(RadiogenError) as error:
        call()
    assert error.value.code == code


def test_one_event_and_one_tied_time() -> None:
    one = GOOD.assign(s=np.where(np.arange(N) == int(GOOD["t"].to_numpy().argmin()), 1, 0))
    with pytest.raises(RadiogenError) as error:
        # the one event has the largest x of all at risk
        stats.fine_gray(one.assign(x=one["s"] * 1.0), "t", "s", ["x"])
    assert error.value.code == "RG704"
    tied = stats.fine_gray(GOOD.assign(t=2.0), "t", "s", ["x"])
    assert np.isfinite(tied.estimate).all() and np.isfinite(tied.se).all()


@pytest.mark.slow
def test_intervals_cover_and_the_test_keeps_its_level() -> None:
    rng = np.random.default_rng(8)
    n, runs, truth, p = 300, 2000, 0.5, 0.6
    covered = rejected = 0
    for _ in range(runs):
        x, z = rng.normal(size=n), rng.normal(size=n)
        # Fine and Gray's scheme: F1(t) = 1 - (1 - p (1 - exp(-t)))^exp(b x)
        ratio = np.exp(truth * x)
        ever = rng.uniform(size=n) < 1 - (1 - p) ** ratio
        u = rng.uniform(size=n) * (1 - (1 - p) ** ratio)
        first = -np.log1p(-(1 - (1 - u) ** (1 / ratio)) / p)
        time = np.where(ever, first, rng.exponential(size=n))
        lost = rng.uniform(0.2, 4.0, n)
        frame = pd.DataFrame({"t": np.minimum(time, lost), "s": np.where(lost < time, 0, np.where(ever, 1, 2)), "x": x, "z": z})
        fit = stats.fine_gray(frame, "t", "s", ["x", "z"])
        covered += fit.lower[0] <= truth <= fit.upper[0]
        rejected += fit.p[1] < 0.05
    assert 0.935 <= covered / runs <= 0.965
    assert 0.04 <= rejected / runs <= 0.06
