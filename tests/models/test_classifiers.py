"""Elastic net, sigmoid and survival models against other implementations and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from radiogen.models.classifiers import _platt
from radiogen.models.linear import Penalty, fit_elastic_net, penalty_grid, predict_elastic_net
from radiogen.models.risk import RiskFold, RiskTraining, fit_risk_model, partial_likelihood


def data(n: int, p: int) -> tuple[np.ndarray, np.ndarray]:
    r = np.random.default_rng(0)
    x = r.normal(size=(n, p)) + r.normal(size=(n, 1))
    return (x - x.mean(axis=0)) / x.std(axis=0), x[:, 0] - x[:, 1] + r.normal(size=n)


@pytest.mark.parametrize(("n", "p", "penalty"), [(80, 6, Penalty(0.02, 0.5)), (40, 60, Penalty(0.1, 1.0)), (80, 6, Penalty(0.05, 0.1))])
def test_logistic_elastic_net_is_that_of_scikit_learn(n: int, p: int, penalty: Penalty) -> None:
    x, score = data(n, p)
    y = (score > 0.2).astype(int)
    b0, b = fit_elastic_net(x, y[:, None].astype(float), (penalty,), tolerance=1e-8, max_iter=50_000)
    other = LogisticRegression(C=1 / (n * penalty.strength), l1_ratio=penalty.l1_ratio, solver="saga", tol=1e-10, max_iter=100_000)
    other.fit(x, y)
    assert b[0, 0] == pytest.approx(other.coef_[0], abs=1e-5)
    assert b0[0, 0] == pytest.approx(other.intercept_[0], abs=1e-5)
    assert predict_elastic_net(x, b0, b)[0] == pytest.approx(other.predict_proba(x), abs=1e-5)


def test_multinomial_elastic_net_is_that_of_scikit_learn() -> None:
    x, score = data(90, 5)
    y = np.digitize(score, [-0.7, 0.7])
    b0, b = fit_elastic_net(x, np.eye(3)[y], (Penalty(0.03, 0.5),), tolerance=1e-9, max_iter=50_000)
    other = LogisticRegression(C=1 / (90 * 0.03), l1_ratio=0.5, solver="saga", tol=1e-10, max_iter=100_000).fit(x, y)
    assert b[0] == pytest.approx(other.coef_, abs=1e-5)
    assert predict_elastic_net(x, b0, b)[0] == pytest.approx(other.predict_proba(x), abs=1e-5)


def test_the_strongest_penalty_of_a_grid_empties_the_model() -> None:
    x, score = data(60, 8)
    y = (score > 0).astype(float)[:, None]
    grid = penalty_grid(x, y)
    b0, b = fit_elastic_net(x, y, grid)
    for i, penalty in enumerate(grid):
        first = i % 12 == 0
        assert (np.abs(b[i]).max() < 1e-4) == first, penalty
    assert b0[0, 0] == pytest.approx(np.log(y.mean() / (1 - y.mean())), abs=1e-4)


def test_platt_is_the_maximum_of_its_likelihood_and_never_falls() -> None:
    r = np.random.default_rng(1)
    decision = r.normal(size=60)
    truth = decision + r.normal(size=60) > 0.3
    slope, offset = _platt(decision, truth)
    n1, n0 = truth.sum(), (~truth).sum()
    label = np.where(truth, (n1 + 1) / (n1 + 2), 1 / (n0 + 2))

    def loss(b: np.ndarray) -> float:
        eta = b[0] * decision + b[1]
        return float(np.sum(np.logaddexp(0, eta) - label * eta))

    assert [slope, offset] == pytest.approx(minimize(loss, [0.0, 0.0], tol=1e-12).x, abs=1e-4)
    flat = _platt(-decision, truth)
    assert flat[0] == 0.0
    assert flat[1] == pytest.approx(np.log(label.mean() / (1 - label.mean())))


def test_partial_likelihood_with_ties_by_hand() -> None:
    # times 1* 1* 2: both events have the risk set {1, 2, 3} (Breslow)
    x, b = np.array([[1.0], [0.0], [2.0]]), np.array([[0.0, 0.5]])
    found = partial_likelihood(x, np.array([1.0, 1.0, 2.0]), np.array([1, 1, 0]), b)
    total = np.log(np.exp(0.5) + 1 + np.exp(1.0))
    assert found == pytest.approx([-2 * np.log(3), 0.5 - 2 * total])


def survival(n: int, p: int) -> RiskTraining:
    r = np.random.default_rng(2)
    x = r.normal(size=(n, p))
    time, censored = r.exponential(np.exp(-x[:, 0])) + 0.01, r.exponential(2, n)
    fold = np.arange(n) % 3
    parts = [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(3)]
    return RiskTraining(
        x, np.minimum(time, censored), (time < censored).astype(int), lambda: [RiskFold(x[a], a, x[b], b) for a, b in parts]
    )


def test_cox_is_that_of_the_statistics() -> None:
    import pandas as pd

    from radiogen.stats import cox_regression

    training = survival(90, 3)
    fit = fit_risk_model("cox", training, 0)
    frame = pd.DataFrame(training.x, columns=list("abc")).assign(t=training.time, e=training.event)
    assert fit.weights is not None
    # the ridge of 1e-4 moves the coefficients by less than that
    assert fit.weights[0] == pytest.approx(cox_regression(frame, "t", "e", list("abc")).estimate, abs=2e-4)


@pytest.mark.parametrize("p", [5, 120])
def test_coxnet_finds_the_planted_column_and_is_empty_without_one(p: int) -> None:
    training = survival(80, p)
    fit = fit_risk_model("coxnet", training, 0)
    assert fit.weights is not None and int(np.abs(fit.weights[0]).argmax()) == 0
    r = np.random.default_rng(3)
    shuffled = r.permutation(80)
    null = RiskTraining(training.x, training.time[shuffled], training.event[shuffled], training.inner)
    empty = fit_risk_model("coxnet", null, 0)
    assert empty.weights is not None and np.abs(empty.weights).sum() < 0.5 * np.abs(fit.weights).sum()


def test_a_survival_forest_ranks_the_planted_column() -> None:
    training = survival(120, 4)
    risk = fit_risk_model("rsf", training, 1).predict(training.x)
    assert np.corrcoef(risk, training.x[:, 0])[0, 1] > 0.6
