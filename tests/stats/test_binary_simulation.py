"""Coverage and type-I error of the measures of binary and censored outcomes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import norm

from radiogen import stats

RUNS = 2000
N = 300


def _models(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Outcome, old and new risk; the new risk knows a second marker."""
    a, b = rng.normal(size=(2, n))
    return (rng.random(n) < expit(-0.5 + a + 0.6 * b)).astype(int), expit(-0.4 + 0.9 * a), expit(-0.5 + a + 0.6 * b)


def _truth() -> dict[str, float]:
    y, old, new = _models(np.random.default_rng(99), 4_000_000)
    change, one, zero = new - old, y == 1, y == 0
    cuts = [0.3, 0.6]
    step = np.sign(np.searchsorted(cuts, new, side="right") - np.searchsorted(cuts, old, side="right"))
    called, odds = new >= 0.4, 0.4 / 0.6
    return {
        "nri": 2 * (np.mean(change[one] > 0) - np.mean(change[zero] > 0)),
        "categorical": step[one].mean() - step[zero].mean(),
        "idi": change[one].mean() - change[zero].mean(),
        "brier": np.mean((new - y) ** 2),
        "scaled": 1 - np.mean((new - y) ** 2) / (y.mean() * (1 - y.mean())),
        "benefit": np.mean(called & one) - np.mean(called & zero) * odds,
    }


def covers(share: float) -> None:
    assert 0.935 <= share <= 0.965, share


@pytest.mark.slow
def test_coverage_of_reclassification_and_brier() -> None:
    rng, truth = np.random.default_rng(1), _truth()
    hits = dict.fromkeys(["nri", "categorical", "idi", "brier", "scaled"], 0)
    for _ in range(RUNS):
        y, old, new = _models(rng, N)
        n, c = stats.net_reclassification(y, old, new), stats.net_reclassification(y, old, new, [0.3, 0.6])
        i, b = stats.integrated_discrimination(y, old, new), stats.calibration(y, new)
        for name, r, k in (("nri", n, 0), ("categorical", c, 0), ("idi", i, 0), ("brier", b, 2), ("scaled", b, 3)):
            hits[name] += r.lower[k] <= truth[name] <= r.upper[k]
    for count in hits.values():
        covers(count / RUNS)


@pytest.mark.slow
def test_coverage_of_calibration_intercept_and_slope() -> None:
    rng = np.random.default_rng(2)
    hits = np.zeros(2)
    for _ in range(RUNS):
        x = rng.normal(size=N)
        r = stats.calibration(rng.random(N) < expit(x), expit(x))
        hits += [r.lower[0] <= 0 <= r.upper[0], r.lower[1] <= 1 <= r.upper[1]]
    for share in hits / RUNS:
        covers(share)


@pytest.mark.slow
def test_coverage_of_decisions_and_bootstrap() -> None:
    rng, truth = np.random.default_rng(3), _truth()
    auc = norm.cdf(1 / np.sqrt(2))
    hits = np.zeros(2)
    for _ in range(RUNS):
        y, _, new = _models(rng, N)
        r = stats.decision_curve(y, new, [0.4], n_boot=300)
        hits[0] += r.lower[0] <= truth["benefit"] <= r.upper[0]
        z = np.repeat([0, 1], 60)
        b = stats.bootstrap_ci("auc", (z, rng.normal(size=120) + z), n_boot=500)
        hits[1] += b.lower <= auc <= b.upper
    for share in hits / RUNS:
        covers(share)


def _times(rng: np.random.Generator, n: int) -> tuple[np.ndarray, ...]:
    # a risk of 1 but for rounding would be refused
    a, b = np.clip(rng.normal(size=(2, n)), -3, 3)
    rate = np.exp(0.8 * a + 0.5 * b)
    time = rng.exponential(1 / rate)
    old, new = 1 - np.exp(-0.5 * np.exp(0.8 * a)), 1 - np.exp(-0.5 * rate)
    censored = rng.exponential(2.0, n)
    return time, np.minimum(time, censored), time <= censored, old, new


@pytest.mark.slow
def test_coverage_of_reclassification_with_censoring() -> None:
    rng = np.random.default_rng(4)
    exact, _, _, old, new = _times(np.random.default_rng(98), 2_000_000)
    early, change = exact <= 0.5, new - old
    nri = 2 * (np.mean(change[early] > 0) - np.mean(change[~early] > 0))
    idi = change[early].mean() - change[~early].mean()
    hits = np.zeros(2)
    for _ in range(RUNS):
        _, time, event, old, new = _times(rng, N)
        r = stats.net_reclassification_survival(time, event, old, new, 0.5, method="ipcw", n_boot=300)
        i = stats.integrated_discrimination_survival(time, event, old, new, 0.5, n_boot=300)
        hits += [r.lower[0] <= nri <= r.upper[0], i.lower[0] <= idi <= i.upper[0]]
    for share in hits / RUNS:
        covers(share)


@pytest.mark.slow
def test_coverage_of_calibration_with_censoring() -> None:
    rng = np.random.default_rng(4)
    hits = np.zeros(4)
    for _ in range(RUNS):
        _, time, event, _, new = _times(rng, N)
        c = stats.calibration_survival(time, event, new, 0.5)
        hits += [c.lower[k] <= ideal <= c.upper[k] for k, ideal in enumerate((1, 0, 1, 1))]
    for share in hits / RUNS:
        covers(share)


def mcnemar_p(rng: np.random.Generator) -> float:
    a, b = rng.random((2, 200)) < 0.7
    return float(stats.mcnemar_test(a, b, exact=False, correct=False).p)


def cochran_p(rng: np.random.Generator) -> float:
    return float(stats.cochran_q(rng.random((150, 4)) < 0.6).p)


def proportions_p(rng: np.random.Generator) -> float:
    return float(stats.compare_proportions(rng.binomial([80, 120], 0.4), [80, 120]).p)


def spiegelhalter_p(rng: np.random.Generator) -> float:
    p = rng.beta(2, 3, 300)
    return float(stats.calibration(rng.random(300) < p, p).tests.set_index("test").loc["spiegelhalter", "p"])


def unreliability_p(rng: np.random.Generator) -> float:
    p = rng.beta(2, 3, 300)
    return float(stats.calibration(rng.random(300) < p, p).tests.set_index("test").loc["unreliability", "p"])


def hosmer_lemeshow_p(rng: np.random.Generator) -> float:
    p = rng.beta(2, 3, 600)
    return float(stats.calibration(rng.random(600) < p, p).tests.set_index("test").loc["hosmer_lemeshow_external", "p"])


def nri_p(rng: np.random.Generator) -> float:
    y = np.repeat([0, 1], 150)
    return float(stats.net_reclassification(y, *rng.uniform(size=(2, 300))).p[0])


def idi_p(rng: np.random.Generator) -> float:
    y = np.repeat([0, 1], 150)
    return float(stats.integrated_discrimination(y, *rng.uniform(size=(2, 300))).p[0])


TESTS = [mcnemar_p, cochran_p, proportions_p, spiegelhalter_p, unreliability_p, hosmer_lemeshow_p, nri_p, idi_p]


@pytest.mark.slow
@pytest.mark.parametrize("draw", TESTS)
def test_type_one_error(draw: Callable[[np.random.Generator], float]) -> None:
    rng = np.random.default_rng(6)
    share = np.mean([draw(rng) < 0.05 for _ in range(RUNS)])
    assert 0.04 <= share <= 0.06, share
