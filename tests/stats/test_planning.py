"""Sample sizes against published examples, R and simulation; power by simulation."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm

from radiogen import stats
from radiogen.errors import RadiogenError
from radiogen.stats.planning import smallest, up

size_model, size_auc, size_rank = stats.sample_size_prediction_model, stats.sample_size_auc, stats.sample_size_log_rank


# ---- prediction models


def test_binary_criteria_by_hand() -> None:
    # ten parameters, R² .2, S .9: 10 / (-.1 ln(1 - .2/.9)) = 397.9; risk: (1.96/.05)² .5 .5 = 384.16
    found = size_model("binary", 10, r2_cs=0.2, prevalence=0.5)
    largest = 1 - np.exp(2 * np.log(0.5))
    second = 0.2 / (0.2 + 0.05 * largest)
    want = [10 / (-0.1 * np.log(1 - 0.2 / 0.9)), 10 / ((second - 1) * np.log(1 - 0.2 / second)), (1.96 / 0.05) ** 2 / 4]
    assert found.criteria["n"].tolist() == [int(np.ceil(v)) for v in want]
    assert found["max_r2_cs"] == pytest.approx(0.75) and found["r2_nagelkerke"] == pytest.approx(0.2 / 0.75)
    assert found.n == max(found.criteria["n"]) and found.events == int(np.ceil(found.n / 2))


@pytest.mark.parametrize(("r2", "parameters", "prevalence", "sizes", "per"), [
    (0.288, 24, 0.174, [623, 662, 221], 4.8), (0.55, 24, 0.174, [255, 532, 221], 3.86), (0.288, 36, 0.174, [934, 992, 221], 4.79),
    (0.288, 24, 0.25, [623, 590, 289], 6.49),
])  # fmt: skip
def test_binary_examples_of_pmsampsize(r2: float, parameters: int, prevalence: float, sizes: list[int], per: float) -> None:
    found = size_model("binary", parameters, r2_cs=r2, prevalence=prevalence)
    assert found.criteria["n"].tolist() == sizes and found.n == max(sizes)
    assert found["per_parameter"] == pytest.approx(per, abs=0.005)


@pytest.mark.parametrize(("r2", "parameters", "rate", "sizes", "per"), [
    (0.051, 30, 0.065, [5143, 1039], 23.07), (0.051, 25, 0.065, [4286, 866], 23.07), (0.065, 25, 0.065, [3335, 859], 17.95),
    (0.051, 50, 0.065, [8572, 1731], 23.07), (0.051, 25, 0.1, [4286, 731], 35.49),
])  # fmt: skip
def test_survival_examples_of_pmsampsize(r2: float, parameters: int, rate: float, sizes: list[int], per: float) -> None:
    found = size_model("survival", parameters, r2_cs=r2, rate=rate, horizon=2, mean_follow_up=2.07)
    assert found.criteria["n"].tolist()[:2] == sizes and found.n == max(sizes)
    assert found["per_parameter"] == pytest.approx(per, abs=0.005)


def test_third_criterion_of_survival_gives_the_margin() -> None:
    found = size_model("survival", 1, r2_cs=0.2, rate=0.065, horizon=2, mean_follow_up=2.07)
    n = int(found.criteria["n"].iloc[2])

    def reach(n: float) -> float:
        spread = 1.96 * np.sqrt(0.065 / (n * 2.07))
        risk = [1 - np.exp(-2 * v) for v in (0.065 - spread, 0.065, 0.065 + spread)]
        return max(risk[1] - risk[0], risk[2] - risk[1])

    assert reach(n) <= 0.05 < reach(n - 1)


def test_r2_of_a_c_statistic_is_that_of_a_large_simulation() -> None:
    found = size_model("binary", 24, c_statistic=0.8, prevalence=0.3)
    rng = np.random.default_rng(0)
    y = (rng.random(200_000) < 0.3).astype(float)
    score = rng.normal(size=y.size) + np.sqrt(2) * norm.ppf(0.8) * y
    gap = np.sqrt(2) * norm.ppf(0.8)
    eta = np.log(0.3 / 0.7) + gap * score - gap**2 / 2
    loglik, null = np.mean(y * eta - np.logaddexp(0, eta)), 0.3 * np.log(0.3) + 0.7 * np.log(0.7)
    assert found["r2_cs"] == pytest.approx(1 - np.exp(2 * (null - loglik)), abs=0.003)
    assert stats.roc_auc(y[:20000], score[:20000]).estimate == pytest.approx(0.8, abs=0.01)


def test_nagelkerke_is_scaled_by_its_maximum() -> None:
    one = size_model("binary", 10, r2_nagelkerke=0.15, prevalence=0.1)
    assert size_model("binary", 10, r2_cs=one["r2_cs"], prevalence=0.1).n == one.n
    assert one["r2_cs"] == pytest.approx(0.15 * one["max_r2_cs"])


# ---- log-rank


def test_events_by_hand() -> None:
    # z = 1.959964 + .841621; equal groups and HR 1/2: 4 z² / (ln 2)² = 65.3, Freedman z² (1.5/.5)² = 70.6
    z = norm.ppf(0.975) + norm.ppf(0.8)
    assert size_rank(0.5).estimate == pytest.approx(4 * z**2 / np.log(2) ** 2)
    assert size_rank(0.5).events == 66 and size_rank(0.5, method="freedman").events == 71
    assert size_rank(0.5).n is None
    # a hazard ratio turned round, with the groups turned round, is the same question
    for method in ("schoenfeld", "freedman"):
        one, two = size_rank(0.6, share=0.3, method=method), size_rank(1 / 0.6, share=0.7, method=method)
        assert one.estimate == pytest.approx(two.estimate)


def test_example_of_collett() -> None:
    # log hazard ratio -.557, power 90 %: 135.5, that is 136 deaths
    assert size_rank(float(np.exp(-0.557)), power=0.9).events == 136


def test_event_share_is_the_integral_over_entry_times() -> None:
    found = size_rank(0.7, control_median=24, accrual=18, follow_up=30, dropout=0.004)
    entry = np.linspace(0, 18, 20001)
    seen = 48 - entry
    for row, hazard in zip(found.criteria.itertuples(), np.log(2) / 24 * np.array([1, 0.7]), strict=True):
        both = hazard + 0.004
        share = hazard / both * (1 - np.exp(-both * seen))
        assert row.event_share == pytest.approx(np.trapezoid(share, entry) / 18, rel=1e-7)
    assert found.n == int(np.ceil(found.events / found["event_share"]))
    at_once = size_rank(0.7, control_median=24, follow_up=24)
    assert at_once.criteria["event_share"].iloc[0] == pytest.approx(0.5)


@pytest.mark.slow
def test_power_of_the_planned_log_rank_test() -> None:
    plan = size_rank(0.6, power=0.8, control_median=20, accrual=10, follow_up=20)

    def draw(n: int, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        group = np.arange(n) % 2
        time = rng.exponential(20 / np.log(2) / np.where(group == 1, 0.6, 1.0))
        limit = 30 - rng.uniform(0, 10, n)
        return np.minimum(time, limit), (time <= limit).astype(int), group

    found = stats.power_by_simulation(draw, lambda s: stats.log_rank_test(*s), plan.n, simulations=2000)
    assert found.estimate == pytest.approx(0.8, abs=0.03)
    null = stats.power_by_simulation(
        lambda n, rng: (rng.exponential(size=n), np.ones(n), np.arange(n) % 2), lambda s: stats.log_rank_test(*s), 100, simulations=2000
    )
    assert 0.035 <= null.estimate <= 0.065


# ---- area under the curve


def test_auc_is_that_of_proc() -> None:
    for want in json.loads((Path(__file__).parent / "reference" / "agreement.json").read_text())["auc"]:
        found = size_auc(want["auc"], 1 / (1 + want["ratio"]), null=0.5, power=0.9)
        assert found["cases"] == pytest.approx(want["cases"], rel=1e-6)
        assert found["controls"] == pytest.approx(want["ratio"] * want["cases"], rel=1e-6)


def test_precision_example_of_pmvalsampsize() -> None:
    found = size_auc(0.8, prevalence=0.018, width=0.1)
    assert (found.n, found.events) == (4252, 77)


def test_hanley_and_mcneil_by_hand() -> None:
    # A = .8: Q1 = .8/1.2, Q2 = 1.28/1.8; n cases and n controls: (.16 + (n - 1)(Q1 + Q2 - 1.28)) / n²
    found = size_auc(0.8, null=0.5, method="hanley")
    k = found["cases"]

    def se(a: float) -> float:
        return float(np.sqrt((a * (1 - a) + (k - 1) * (a / (2 - a) + 2 * a**2 / (1 + a) - 2 * a**2)) / k**2))

    assert norm.ppf(0.975) * se(0.5) + norm.ppf(0.8) * se(0.8) == pytest.approx(0.3)


def test_interval_of_the_planned_width() -> None:
    plan = size_auc(0.75, prevalence=0.4, width=0.15, method="hanley")
    rng = np.random.default_rng(1)
    widths = []
    for _ in range(60):
        y = (np.arange(plan.n) < 0.4 * plan.n).astype(int)
        area = stats.roc_auc(y, rng.normal(size=plan.n) + np.sqrt(2) * norm.ppf(0.75) * y)
        widths.append(area.upper - area.lower)
    assert np.mean(widths) == pytest.approx(0.15, rel=0.06)


# ---- simulation


def test_power_by_simulation_counts_and_is_reproducible() -> None:
    def draw(n: int, rng: np.random.Generator) -> float:
        return float(rng.random())

    one = stats.power_by_simulation(draw, lambda p: p, [10, 20], simulations=400, seed=3)
    again = stats.power_by_simulation(draw, lambda p: p, [20, 10], simulations=400, seed=3)
    assert one.estimate.tolist() == again.estimate[::-1].tolist()
    assert (np.abs(one.estimate - 0.05) < 0.035).all() and one.n.tolist() == [10, 20]
    exact = stats.proportion_interval(round(one.estimate[0] * 400), 400, "exact")
    assert (one.lower[0], one.upper[0]) == (exact.lower, exact.upper)


def test_studies_that_cannot_be_tested_find_nothing_and_are_counted() -> None:
    def draw(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        return rng.normal(size=n), np.zeros(n) if rng.random() < 0.5 else np.arange(n) % 2

    found = stats.power_by_simulation(draw, lambda s: stats.rank_sum_test(*s), 20, simulations=100)
    assert 30 < found["refused"] < 70 and found.estimate < 0.2 and "refused" in found.notes[0]


def test_rounding_up_and_the_smallest_size() -> None:
    assert up(10.0) == 10 and up(10 + 1e-12) == 10 and up(10.001) == 11
    assert smallest(lambda n: n >= 37.25, 2) == pytest.approx(37.25)


def nothing(n: int, rng: np.random.Generator) -> int:
    return n


CASES: dict[str, tuple[str, Callable[[], Any]]] = {
    "model kind": ("RG708", lambda: size_model("count", 10, r2_cs=0.2, prevalence=0.3)),
    "model no prevalence": ("RG708", lambda: size_model("binary", 10, r2_cs=0.2)),
    "model prevalence 0": ("RG708", lambda: size_model("binary", 10, r2_cs=0.2, prevalence=0.0)),
    "model prevalence 1": ("RG708", lambda: size_model("binary", 10, r2_cs=0.2, prevalence=1.0)),
    "model two r2": ("RG708", lambda: size_model("binary", 10, r2_cs=0.2, c_statistic=0.8, prevalence=0.3)),
    "model no r2": ("RG708", lambda: size_model("binary", 10, prevalence=0.3)),
    "model r2 above max": ("RG708", lambda: size_model("binary", 10, r2_cs=0.9, prevalence=0.1)),
    "model c of survival": ("RG708", lambda: size_model("survival", 10, c_statistic=0.8, rate=0.1, mean_follow_up=2, horizon=2)),
    "model no horizon": ("RG708", lambda: size_model("survival", 10, r2_cs=0.1, rate=0.1, mean_follow_up=2)),
    "model too many events": ("RG708", lambda: size_model("survival", 10, r2_cs=0.1, rate=1, mean_follow_up=2, horizon=2)),
    "model parameters": ("RG708", lambda: size_model("binary", 0, r2_cs=0.2, prevalence=0.3)),
    "model superfluous": ("RG708", lambda: size_model("binary", 3, r2_cs=0.2, prevalence=0.3, rate=0.1)),
    "model nan": ("RG708", lambda: size_model("binary", 3, r2_cs=float("nan"), prevalence=0.3)),
    "rank hazard 1": ("RG708", lambda: size_rank(1.0)),
    "rank negative": ("RG708", lambda: size_rank(-0.5)),
    "rank infinite": ("RG708", lambda: size_rank(float("inf"))),
    "rank share": ("RG708", lambda: size_rank(0.5, share=1.0)),
    "rank power": ("RG708", lambda: size_rank(0.5, power=1.0)),
    "rank method": ("RG708", lambda: size_rank(0.5, method="cox")),
    "rank half a design": ("RG708", lambda: size_rank(0.5, control_median=10)),
    "rank design without median": ("RG708", lambda: size_rank(0.5, follow_up=10)),
    "rank tiny effect": ("RG708", lambda: size_rank(1.00001)),
    "rank sides": ("RG708", lambda: size_rank(0.5, sides=3)),
    "auc both": ("RG708", lambda: size_auc(0.8, null=0.5, width=0.1)),
    "auc neither": ("RG708", lambda: size_auc(0.8)),
    "auc below chance": ("RG708", lambda: size_auc(0.4, null=0.5)),
    "auc equal": ("RG708", lambda: size_auc(0.7, null=0.7)),
    "auc of one": ("RG708", lambda: size_auc(1.0, width=0.1)),
    "auc method": ("RG708", lambda: size_auc(0.8, width=0.1, method="obuchowski")),
    "power sizes": ("RG708", lambda: stats.power_by_simulation(nothing, lambda s: 0.5, [])),
    "power size 0": ("RG708", lambda: stats.power_by_simulation(nothing, lambda s: 0.5, 0)),
    "power simulations": ("RG708", lambda: stats.power_by_simulation(nothing, lambda s: 0.5, 10, simulations=5)),
    "power nan": ("RG705", lambda: stats.power_by_simulation(nothing, lambda s: float("nan"), 10)),
    "power no p": ("RG705", lambda: stats.power_by_simulation(nothing, lambda s: stats.StatResult(method="x"), 10)),
}


@pytest.mark.parametrize("name", CASES)
def test_coded_error(name: str) -> None:
    code, call = CASES[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RadiogenError) as caught:
            call()
    assert caught.value.code == code, str(caught.value)
