"""Bootstrap intervals and optimism: by hand, against R's boot and rms, fast forms against slow ones."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from radiogen import stats
from radiogen.errors import RadiogenError
from radiogen.stats._performance import gini, largest_error
from tests.stats.binary_data import answers, close, pbc


def test_limits_from_the_replicates_by_hand() -> None:
    x = np.array([1.0, 2.0, 4.0, 9.0])
    percentile, basic = (stats.bootstrap_ci(np.mean, x, method=m, n_boot=400, seed=3) for m in ("percentile", "basic"))
    low, high = np.quantile(percentile.replicates, [0.025, 0.975])
    close([percentile.lower, percentile.upper], [low, high])
    close([basic.lower, basic.upper], [2 * 4 - high, 2 * 4 - low])
    close(percentile.se, percentile.replicates.std(ddof=1))
    close(percentile["bias"], percentile.replicates.mean() - 4)


def test_bca_by_hand() -> None:
    from scipy.stats import norm

    x = np.array([1.0, 2.0, 4.0, 9.0])
    r = stats.bootstrap_ci(np.mean, x, n_boot=400, seed=3)
    # leaving out one: 5, 14/3, 4, 7/3, their mean is 4
    gap = np.array([-1, -2 / 3, 0, 5 / 3])
    a = (gap**3).sum() / 6 / (gap**2).sum() ** 1.5
    close(r["acceleration"], a)
    below = np.mean(r.replicates < 4 - 1e-9) + np.mean(np.abs(r.replicates - 4) < 1e-9) / 2
    z0 = norm.ppf(below)
    close(r["bias_correction"], z0)
    probability = [norm.cdf(z0 + (z0 + z) / (1 - a * (z0 + z))) for z in norm.ppf([0.025, 0.975])]
    close([r.lower, r.upper], np.quantile(r.replicates, probability))


def test_against_boot() -> None:
    want = answers()["boot"]

    def variance(x: np.ndarray, w: np.ndarray) -> np.ndarray:
        mean = w @ x / w.sum(axis=1)
        return (w @ x**2 - w.sum(axis=1) * mean**2) / (w.sum(axis=1) - 1)

    for method in ("percentile", "basic", "bca"):
        r = stats.bootstrap_ci(variance, pbc()["albumin"].to_numpy(), method=method, n_boot=20_000, weighted=True)
        close(r.estimate, want["estimate"])
        close([r.lower, r.upper], want[method], rel=0.01)


def test_fast_statistics_are_the_slow_ones() -> None:
    rng = np.random.default_rng(4)
    y, score = rng.integers(0, 2, 50), np.round(rng.normal(size=50), 1)
    time, event = rng.integers(1, 20, 50), rng.integers(0, 2, 50)
    fast = stats.bootstrap_ci("auc", (y, score), n_boot=100)
    slow = stats.bootstrap_ci(lambda a, b: stats.roc_auc(a, b).estimate, (y, score), n_boot=100)
    close(fast.replicates, slow.replicates)
    close([fast.lower, fast.upper], [slow.lower, slow.upper])
    fast = stats.bootstrap_ci("concordance", (time, event, score), n_boot=100)
    slow = stats.bootstrap_ci(lambda a, b, c: stats.concordance(a, b, c).estimate, (time, event, score), n_boot=100)
    close(fast.replicates, slow.replicates)
    close([fast.lower, fast.upper], [slow.lower, slow.upper])


def test_clusters() -> None:
    rng = np.random.default_rng(5)
    x = rng.normal(size=30)
    one = stats.bootstrap_ci(np.mean, x, n_boot=500)
    twice = stats.bootstrap_ci(np.mean, np.repeat(x, 2), n_boot=500, cluster=np.repeat(np.arange(30), 2))
    close([twice.lower, twice.upper, twice["acceleration"]], [one.lower, one.upper, one["acceleration"]])
    assert stats.bootstrap_ci(np.mean, np.repeat(x, 2), n_boot=500).se < 0.8 * one.se


def test_strata_keep_their_size() -> None:
    y = np.r_[np.ones(5), np.zeros(45)]
    r = stats.bootstrap_ci(lambda v: v.sum(), y, method="percentile", n_boot=50, strata=y)
    assert set(r.replicates.tolist()) == {5.0} and "same in every resample" in r.notes[0]


def test_frames_and_several_numbers() -> None:
    d = pbc()[["bili", "albumin"]]
    r = stats.bootstrap_ci(lambda f: f.mean().to_numpy(), d, n_boot=200)
    close(r.estimate, d.mean())
    assert r.replicates.shape == (200, 2) and len(r.to_frame()) == 2


def test_resamples_without_a_class_are_counted() -> None:
    y, s = np.r_[1, 1, np.zeros(10)], np.arange(12.0)
    r = stats.bootstrap_ci(lambda a, b: stats.roc_auc(a, b).estimate, (y, s), method="percentile", n_boot=200)
    lost = int(r.notes[0].split()[0])
    # fewer than two positives: binomial(12, 1/6)
    assert 60 < lost < 100 and r.replicates.size == 200 - lost


def test_blocks_of_the_jackknife_give_the_acceleration() -> None:
    x = np.random.default_rng(6).exponential(size=6000)

    def mean(v: np.ndarray, w: np.ndarray) -> np.ndarray:
        return w @ v / w.sum(axis=1)

    r = stats.bootstrap_ci(mean, x, n_boot=50, weighted=True)
    gap = x - x.mean()
    close(r["acceleration"], (gap**3).sum() / 6 / (gap**2).sum() ** 1.5, rel=0.25)


@pytest.mark.parametrize(
    ("code", "how"),
    [
        ("RG708", {"method": "t"}), ("RG708", {"n_boot": 1}), ("RG708", {"statistic": "auk"}), ("RG708", {"level": 95}),
        ("RG708", {"statistic": 3}), ("RG705", {"data": ([1, 2], [1, 2, 3])}), ("RG705", {"data": 5}), ("RG705", {"data": []}),
        ("RG705", {"statistic": "auc"}), ("RG701", {"cluster": np.zeros(4)}), ("RG705", {"cluster": np.zeros(3)}),
        ("RG705", {"statistic": lambda x: float("nan")}), ("RG705", {"statistic": lambda x: len(set(x)), "data": np.arange(30.0)}), ("RG701", {"data": [1.0]}),
    ],
)  # fmt: skip
def test_refused(code: str, how: dict[str, object]) -> None:
    # a resample of 30 has fewer different values: the count lies outside all replicates
    with pytest.raises(RadiogenError) as caught:
        stats.bootstrap_ci(**{"statistic": np.mean, "data": np.array([1.0, 2.0, 4.0, 9.0]), "n_boot": 60, **how})
    assert caught.value.code == code


# -- optimism ---------------------------------------------------------------------------


def test_apparent_values_and_optimism_on_metabric(shared: Path) -> None:
    folder = shared / "reference" / "r"
    d, want = pd.read_csv(folder / "metabric.csv"), json.loads((folder / "metabric.json").read_text())["optimism"]
    r = stats.optimism_bootstrap("logistic", d[["x1", "b1", "m1"]], d["y"], n_boot=100)
    check_validate(r, want["values"], 400)


def test_optimism_on_pbc() -> None:
    want, d = answers()["validate"], pbc()
    r = stats.optimism_bootstrap("logistic", d[["age", "bili", "albumin"]], d["y"], n_boot=400)
    check_validate(r, want["values"], 2000)


def check_validate(r: stats.OptimismResult, want: dict[str, list[float]], theirs: int) -> None:
    ours = r["resamples"][0]
    for name, row in r.table.iterrows():
        key = {"dxy": "Dxy", "brier": "B", "g": "g", "gp": "gp"}.get(name, name.capitalize())
        if name == "auc":
            continue
        # what is not resampled agrees fully
        close(row["index.orig"], want[key][0], rel=1e-6, absolute=1e-7)
        if name == "emax":
            continue
        # one resample's optimism varies like its apparent value, that of the slope like its standard error
        k = list(r.label).index(name)
        spread = {"intercept": 0.3, "slope": 0.2, "u": 0.01}.get(name, r.se[k])
        close(row["optimism"], want[key][3], rel=0, absolute=4 * spread * np.sqrt(1 / theirs + 1 / ours))


def test_parts_of_the_table_by_hand() -> None:
    rng = np.random.default_rng(7)
    x = rng.normal(size=(60, 4))
    y = (rng.random(60) < expit(x[:, 0])).astype(int)
    calls: list[int] = []

    def fit(a: np.ndarray, b: np.ndarray):
        calls.append(len(b))
        return lambda new: np.full(len(new), b.mean())

    r = stats.optimism_bootstrap(fit, x, y, {"error": lambda b, p: np.mean((b - p) ** 2)}, n_boot=30)
    assert calls == [60] * 31
    close(r["index_orig"], y.mean() * (1 - y.mean()))
    close(r["optimism"], r["training"] - r["test"])
    close(r.estimate, r["index_orig"] - r["optimism"])
    # balanced: over all resamples each unit is drawn equally often, so the mean training share is the share itself
    shares: list[float] = []

    def remember(a: np.ndarray, b: np.ndarray):
        shares.append(b.mean())
        return lambda new: np.full(len(new), 0.5)

    stats.optimism_bootstrap(remember, x, y, {"error": lambda b, p: 0.0}, n_boot=30)
    close(np.mean(shares[1:]), y.mean())


def test_632_plus_of_a_memory() -> None:
    # labels without meaning and a model that remembers: apparent error 0, one half on new units
    rng = np.random.default_rng(8)
    x, y = np.arange(100.0)[:, None], rng.permutation(np.repeat([0, 1], 50))

    def remember(a: np.ndarray, b: np.ndarray):
        def predict(new: np.ndarray) -> np.ndarray:
            nearest = np.abs(new[:, 0][:, None] - a[:, 0][None, :]).argmin(axis=1)
            return b[nearest].astype(float)

        return predict

    def error(b: np.ndarray, p: np.ndarray) -> float:
        return float(np.mean(b != p))

    plain, plus = (stats.optimism_bootstrap(remember, x, y, {"error": error}, 60, m) for m in (".632", ".632+"))
    assert plain["index_orig"][0] == 0
    close(plain.estimate, 0.632 * plain["test"])
    # the units left out err as without information, so all weight is on them
    assert plus["weight"][0] > 0.9
    assert plain.estimate[0] < 0.4 < plus.estimate[0] < 0.6


def test_survival_and_estimators() -> None:
    from sklearn.linear_model import LogisticRegression

    d = pbc()
    r = stats.optimism_bootstrap("cox", d[["age", "bili", "albumin"]], d[["time", "event"]], n_boot=40)
    fit = stats.cox_regression(d, "time", "event", ["age", "bili", "albumin"])
    close(r["index_orig"][0], fit.concordance.estimate)
    # R's validate of the same model: Dxy, R2, slope, D, U, Q, g as it prints them
    printed = [0.6618, 0.4459, 1.0000, 0.1399, -0.0016, 0.1415, 1.5465]
    close(r["index_orig"][1:], printed, rel=0, absolute=1e-4)  # R's own fit stops at 1e-4
    assert r.value("slope") < 1 and r.value("concordance") < r["index_orig"][0]
    same = stats.optimism_bootstrap("cox", d[["age", "bili", "albumin"]], (d["time"], d["event"]), n_boot=40)
    close(same.estimate, r.estimate)
    with_library = LogisticRegression(C=np.inf, max_iter=1000, tol=1e-10)
    theirs = stats.optimism_bootstrap(with_library, d[["age", "bili"]].to_numpy(), d["y"], ["auc", "brier"], n_boot=20)
    ours = stats.optimism_bootstrap("logistic", d[["age", "bili"]], d["y"], ["auc", "brier"], n_boot=20)
    close(theirs.estimate, ours.estimate, rel=1e-3)


def test_a_useless_model_is_found_out() -> None:
    rng = np.random.default_rng(9)
    x, y = rng.normal(size=(80, 15)), rng.permutation(np.repeat([0, 1], 40))
    r = stats.optimism_bootstrap("logistic", x, y, ["auc"], n_boot=60)
    # the labels mean nothing, and the model finds 0.79
    assert r["index_orig"][0] > 0.75 and r.estimate[0] < 0.67
    assert r.lower[0] < r.estimate[0] < r.upper[0]


def test_ginis_mean_difference_and_the_largest_error() -> None:
    # distances of 1, 2, 4: 1, 3, 2
    close(gini(np.array([4.0, 1.0, 2.0])), 2)
    close(largest_error(0.0, 1.0), 0)
    close(largest_error(0.0, 0.0), 0.4995)


@pytest.mark.parametrize(
    ("code", "how"),
    [
        ("RG708", {"fit": "forest"}), ("RG708", {"fit": "cox"}), ("RG708", {"metrics": ["kappa"]}), ("RG708", {"method": "cv"}),
        ("RG708", {"metrics": {}}), ("RG705", {"X": np.zeros((3, 2))}), ("RG701", {"y": np.ones(20)}), ("RG705", {"y": np.arange(20.0)}),
        ("RG704", {"X": np.r_[np.zeros(10), np.ones(10)][:, None], "y": np.r_[np.zeros(10), np.ones(10)]}),
        ("RG705", {"X": np.full((20, 2), np.nan)}), ("RG705", {"fit": lambda x, y: 3, "metrics": ["auc"]}),
        ("RG705", {"fit": lambda x, y: lambda new: np.full(len(new), np.nan), "metrics": ["auc"]}),
    ],
)  # fmt: skip
def test_optimism_refused(code: str, how: dict[str, object]) -> None:
    rng = np.random.default_rng(0)
    given = {"fit": "logistic", "X": rng.normal(size=(20, 2)), "y": np.tile([0, 1], 10), "n_boot": 5, **how}
    with pytest.raises(RadiogenError) as caught:
        stats.optimism_bootstrap(**given)
    assert caught.value.code == code
