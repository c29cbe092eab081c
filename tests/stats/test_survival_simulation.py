"""Coverage and type-I errors of the survival statistics: small runs always, long ones marked slow."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtri

from radiogen import stats

Draw = Callable[[np.random.Generator], float]
HORIZON, TAU, N = 0.7, 1.2, 200
#: a grid of the standard normal covariate
GRID = ndtri((np.arange(600) + 0.5) / 600)
#: probability of the event by the horizon with hazard exp(x)
BY_THEN = 1 - np.exp(-HORIZON * np.exp(GRID))


def censored(rng: np.random.Generator, hazard: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Exponential times with exponential censoring: about one third censored."""
    t, c = rng.exponential(1 / hazard), rng.exponential(2.0, hazard.size)
    return np.minimum(t, c), t <= c


def by_covariate(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    x = rng.normal(size=N)
    return *censored(rng, np.exp(x)), x


def uno_truth() -> float:
    a, b = np.exp(GRID)[:, None], np.exp(GRID)
    first = a / (a + b) * (1 - np.exp(-(a + b) * TAU))
    won = (GRID[:, None] > GRID) + 0.5 * (GRID[:, None] == GRID)
    return float((won * first).sum() / first.sum())


def auc_truth() -> float:
    # the higher of two independent covariates has the case: the grid is ascending
    case, control = BY_THEN / BY_THEN.sum(), (1 - BY_THEN) / (1 - BY_THEN).sum()
    return float(np.sum(case * (np.cumsum(control) - control / 2)))


UNO, AUC, BRIER = uno_truth(), auc_truth(), float(np.mean(BY_THEN * (1 - BY_THEN)))
IPA = 1 - BRIER / float(BY_THEN.mean() * (1 - BY_THEN.mean()))


def inside(r: stats.StatResult, truth: float, row: int = 0) -> bool:
    return bool(np.atleast_1d(r.lower)[row] <= truth <= np.atleast_1d(r.upper)[row])


def uno_covered(rng: np.random.Generator) -> bool:
    t, e, x = by_covariate(rng)
    return inside(stats.concordance(t, e, x, method="uno", tau=TAU), UNO)


def auc_covered(rng: np.random.Generator) -> bool:
    t, e, x = by_covariate(rng)
    return inside(stats.time_dependent_auc(t, e, x, HORIZON), AUC)


def brier_covered(rng: np.random.Generator) -> bool:
    t, e, x = by_covariate(rng)
    return inside(stats.brier_score(t, e, 1 - np.exp(-HORIZON * np.exp(x)), HORIZON), BRIER, 1)


def ipa_covered(rng: np.random.Generator) -> bool:
    t, e, x = by_covariate(rng)
    return inside(stats.index_of_prediction_accuracy(t, e, 1 - np.exp(-HORIZON * np.exp(x)), HORIZON), IPA)


def rmst_covered(rng: np.random.Generator) -> bool:
    group = np.repeat([0, 1], N // 2)
    rate = np.where(group == 1, 0.6, 1.0)
    t, e = censored(rng, rate)
    truth = (1 - np.exp(-0.6)) / 0.6 - (1 - np.exp(-1))
    return inside(stats.rmst_difference(t, e, group, 1.0), truth)


COVERED = [uno_covered, auc_covered, brier_covered, ipa_covered, rmst_covered]


def null(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return *censored(rng, np.ones(N)), rng.normal(size=N)


def rmst_p(rng: np.random.Generator) -> float:
    t, e, _ = null(rng)
    return float(stats.rmst_difference(t, e, np.repeat([0, 1], N // 2), 1.0).p)


def gehan_p(rng: np.random.Generator) -> float:
    t, e, _ = null(rng)
    return float(stats.log_rank_test(t, e, np.repeat([0, 1, 2, 3], N // 4), weight="gehan").p)


def late_p(rng: np.random.Generator) -> float:
    t, e, _ = null(rng)
    return float(stats.log_rank_test(t, e, np.repeat([0, 1], N // 2), rho=0, gamma=1).p)


def trend_p(rng: np.random.Generator) -> float:
    t, e, x = null(rng)
    return float(stats.log_rank_test(t, e, np.digitize(x, [-0.5, 0.5]), trend=True, strata=np.arange(N) % 2).p)


def ph_p(rng: np.random.Generator) -> float:
    t, e, x = by_covariate(rng)
    r = stats.proportional_hazards_test(pd.DataFrame({"t": t, "e": e.astype(int), "x": x, "z": rng.normal(size=N)}), "t", "e", ["x", "z"])
    return float(np.asarray(r.p)[-1])


def interaction_p(rng: np.random.Generator) -> float:
    t, e, x = by_covariate(rng)
    d = pd.DataFrame({"t": t, "e": e.astype(int), "x": x, "g": rng.integers(0, 2, N)})
    return float(stats.interaction_test(d, "t", "e", "x", "g").p)


def cutpoint_p(rng: np.random.Generator) -> float:
    t, e, x = null(rng)
    return float(stats.maximally_selected_cutpoint(x, t, e, "permutation", n_perm=199, seed=int(rng.integers(1 << 31))).p)


def xtile_p(rng: np.random.Generator) -> float:
    t, e, x = null(rng)
    return float(stats.xtile(x[:80], t[:80], e[:80], n_perm=199, seed=int(rng.integers(1 << 31))).p[0])


def uno_p(rng: np.random.Generator) -> float:
    t, e, x = by_covariate(rng)
    a, b = x + rng.normal(size=N), x + rng.normal(size=N)
    return float(stats.concordance_difference(t, e, a, b, method="uno", tau=TAU).p)


def auc_p(rng: np.random.Generator) -> float:
    t, e, x = by_covariate(rng)
    a, b = x + rng.normal(size=N), x + rng.normal(size=N)
    return float(stats.time_dependent_auc_difference(t, e, a, b, HORIZON).p[0])


def brier_p(rng: np.random.Generator) -> float:
    t, e, x = by_covariate(rng)
    a, b = (1 - np.exp(-HORIZON * np.exp(x + 0.8 * rng.normal(size=N))) for _ in range(2))
    return float(stats.brier_difference(t, e, a, b, HORIZON).p[0])


def screen_p(rng: np.random.Generator) -> float:
    t, e, x = null(rng)
    return float(stats.cox_screen(x[:, None], t, e)["p"].iloc[0])


TESTS = [rmst_p, gehan_p, late_p, trend_p, ph_p, interaction_p, cutpoint_p, xtile_p, uno_p, auc_p, brier_p, screen_p]


@pytest.mark.parametrize("covered", COVERED)
def test_coverage_small(covered: Draw) -> None:
    rng = np.random.default_rng(21)
    # three standard errors of 100 draws
    assert abs(np.mean([covered(rng) for _ in range(100)]) - 0.95) < 0.066


@pytest.mark.parametrize("draw", [t for t in TESTS if t not in (cutpoint_p, xtile_p)])
def test_type_one_error_small(draw: Draw) -> None:
    rng = np.random.default_rng(20)
    assert abs(np.mean([draw(rng) < 0.05 for _ in range(100)]) - 0.05) < 0.066


@pytest.mark.slow
@pytest.mark.parametrize("covered", COVERED)
def test_coverage(covered: Draw) -> None:
    rng = np.random.default_rng(1)
    assert 0.935 < np.mean([covered(rng) for _ in range(2000)]) < 0.965


@pytest.mark.slow
@pytest.mark.parametrize("draw", TESTS)
def test_type_one_error(draw: Draw) -> None:
    rng = np.random.default_rng(1)
    # the margin is two standard errors of 2,000 draws only, so the quick tests get more of them
    draws = 2000 if draw in (ph_p, interaction_p, xtile_p, uno_p) else 6000
    # permutation p-values reach 0.05 exactly
    assert 0.04 < np.mean([draw(rng) <= 0.05 for _ in range(draws)]) < 0.06


@pytest.mark.slow
def test_formulas_of_the_cutpoint_do_not_reject_too_often() -> None:
    rng = np.random.default_rng(2)
    rejected = {"Lau92": 0.0, "Lau94": 0.0}
    for _ in range(2000):
        t, e, x = null(rng)
        for method in rejected:
            rejected[method] += float(stats.maximally_selected_cutpoint(x, t, e, method).p) < 0.05
    assert all(count / 2000 < 0.06 for count in rejected.values())
