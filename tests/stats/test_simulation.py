"""Type-I errors and coverage: small runs always, long ones marked slow."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import norm

from radiogen import stats

Draw = Callable[[np.random.Generator], float]


def delong_p(rng: np.random.Generator) -> float:
    y = np.r_[np.ones(40), np.zeros(60)].astype(int)
    common = rng.normal(size=100) + 0.8 * y
    return float(stats.delong_test(y, common + rng.normal(size=100), common + rng.normal(size=100)).p)


def unpaired_p(rng: np.random.Generator) -> float:
    y1, y2 = np.repeat([0, 1], [40, 40]), np.repeat([0, 1], [60, 30])
    return float(stats.delong_test_unpaired(y1, y1 + rng.normal(size=80), y2, y2 + rng.normal(size=90)).p)


def rank_sum_p(rng: np.random.Generator) -> float:
    return float(stats.rank_sum_test(rng.exponential(size=70), np.repeat([0, 1], [30, 40])).p)


def kruskal_p(rng: np.random.Generator) -> float:
    return float(stats.kruskal_wallis(rng.exponential(size=90), np.repeat([0, 1, 2], 30)).p)


def log_rank_p(rng: np.random.Generator) -> float:
    t, c = rng.exponential(size=100), rng.exponential(2, size=100)
    return float(stats.log_rank_test(np.minimum(t, c), t <= c, np.repeat([0, 1], 50)).p)


def concordance_p(rng: np.random.Generator) -> float:
    x = rng.normal(size=120)
    t, c = rng.exponential(np.exp(-x)), rng.exponential(2, size=120)
    a, b = x + rng.normal(size=120), x + rng.normal(size=120)
    return float(stats.concordance_difference(np.minimum(t, c), t <= c, a, b).p)


TESTS = [delong_p, unpaired_p, rank_sum_p, kruskal_p, log_rank_p, concordance_p]


def auc_covered(rng: np.random.Generator) -> bool:
    y = np.repeat([0, 1], [80, 60])
    r = stats.roc_auc(y, rng.normal(size=140) + y)
    return bool(r.lower <= norm.cdf(1 / np.sqrt(2)) <= r.upper)


def concordance_covered(rng: np.random.Generator) -> bool:
    # no censoring and hazards exp(x): C of x is P(T1 < T2 | x1 > x2) = E[1 / (1 + exp(-|x1 - x2|))]
    x = rng.normal(size=150)
    r = stats.concordance(rng.exponential(np.exp(-x)), np.ones(150), x)
    grid = np.linspace(0, 12, 4001)
    density = 2 * norm.pdf(grid, scale=np.sqrt(2))
    truth = float(np.trapezoid(density / (1 + np.exp(-grid)), grid))
    return bool(r.lower <= truth <= r.upper)


def epsilon_covered(rng: np.random.Generator) -> bool:
    # three shifted normals; the population value is the variance of the group means of F(X) over 1/12
    shift = np.array([0, 0.4, 0.8])
    means = norm.cdf((shift[:, None] - shift[None, :]) / np.sqrt(2)).mean(axis=1)
    truth = float(np.var(means) * 12)
    group = np.repeat([0, 1, 2], 50)
    r = stats.kruskal_wallis(rng.normal(size=150) + shift[group], group)
    return bool(r.lower <= truth <= r.upper)


COVERED = [auc_covered, concordance_covered]


@pytest.mark.parametrize("draw", TESTS)
def test_type_one_error_small(draw: Draw) -> None:
    rng = np.random.default_rng(20)
    rejected = np.mean([draw(rng) < 0.05 for _ in range(150)])
    # three standard errors of 150 draws
    assert abs(rejected - 0.05) < 0.054


@pytest.mark.parametrize("covered", COVERED)
def test_coverage_small(covered: Draw) -> None:
    rng = np.random.default_rng(21)
    share = np.mean([covered(rng) for _ in range(150)])
    assert abs(share - 0.95) < 0.054


def test_epsilon_squared_is_covered_at_least_as_often_as_it_says() -> None:
    rng = np.random.default_rng(22)
    share = np.mean([epsilon_covered(rng) for _ in range(300)])
    assert 0.935 < share < 0.99


@pytest.mark.slow
@pytest.mark.parametrize("draw", TESTS)
def test_type_one_error(draw: Draw) -> None:
    rng = np.random.default_rng(1)
    assert 0.04 < np.mean([draw(rng) < 0.05 for _ in range(4000)]) < 0.06


@pytest.mark.slow
@pytest.mark.parametrize("covered", COVERED)
def test_coverage(covered: Draw) -> None:
    rng = np.random.default_rng(1)
    assert 0.935 < np.mean([covered(rng) for _ in range(4000)]) < 0.965
