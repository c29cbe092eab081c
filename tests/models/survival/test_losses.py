"""Losses of survival networks: by hand, against finite differences and the Cox likelihood of radiogen.stats."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from radiogen.errors import RadiogenError
from radiogen.models.survival.coxpass import cox_order
from radiogen.models.survival.discrete_losses import deephit_loss, nnet_survival_loss
from radiogen.models.survival.losses import cox_loss, ordered_cox_loss
from radiogen.stats._partial import risk_sets
from radiogen.stats.nelson import breslow_likelihood

# six units whose hazards are 1, 2, 1, 3, 2, 1: the risk sets of the times 1, 2 and 4 weigh 10, 9 and 3
TIME, EVENT, HAZARD = [1, 2, 2, 3, 4, 4], [1, 1, 1, 0, 1, 1], torch.tensor([1.0, 2, 1, 3, 2, 1], dtype=torch.float64)
# products of the risk sets' weights: Efron takes half of the tied 2 + 1 away for the second of two tied events
BY_HAND = {"efron": 10 * 9 * (9 - 1.5) * 3 * (3 - 1.5), "breslow": 10 * 9 * 9 * 3 * 3}


def _some(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return np.ceil(random.exponential(5, n)), random.integers(0, 2, n), random.normal(size=n)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_six_units_by_hand(ties: str) -> None:
    # the tied events at 2 weigh 2 and 1, those at 4 too
    loss = cox_loss(HAZARD.log(), TIME, EVENT, ties)
    assert float(loss) == pytest.approx(-np.log(2 * 2 / BY_HAND[ties]) / 5, rel=1e-12)


def test_gradient_of_six_units_by_hand() -> None:
    eta = HAZARD.log().requires_grad_()
    cox_loss(eta, TIME, EVENT, "breslow").backward()
    # the first unit is in the first risk set alone; the fourth in those of times 1 and 2, of which the latter counts twice
    assert float(eta.grad[0]) == pytest.approx((1 / 10 - 1) / 5)
    assert float(eta.grad[3]) == pytest.approx((3 / 10 + 2 * 3 / 9) / 5)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_equals_the_likelihood_of_the_statistics(ties: str) -> None:
    time, event, eta = _some(300)
    strata = np.arange(300) % 3
    sets = risk_sets(time, event.astype(bool), eta[:, None], strata, ties=ties)
    wanted = -sum(s.evaluate(np.ones(1))[0] for _, s in sets) / event.sum()
    assert float(cox_loss(torch.from_numpy(eta), time, event, ties, strata=strata)) == pytest.approx(wanted, rel=1e-12)
    if ties == "breslow":
        wanted = -breslow_likelihood(eta[:, None], time, event)[0] / event.sum()
        assert float(cox_loss(torch.from_numpy(eta), time, event, ties)) == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_gradient_equals_finite_differences(ties: str) -> None:
    time, event, eta = _some(12, seed=3)
    weights, strata = np.r_[np.linspace(0.2, 3, 11), 0.0], np.arange(12) % 2
    start = torch.from_numpy(eta).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: cox_loss(x, time, event, ties), start)
    assert torch.autograd.gradcheck(lambda x: cox_loss(x, time, event, ties, strata, weights), start)


def test_whole_weights_of_breslow_are_copies_and_weight_zero_is_absence() -> None:
    time, event, eta = _some(40, seed=1)
    copies = np.random.default_rng(2).integers(0, 4, 40)
    rows = np.repeat(np.arange(40), copies)
    weighted = cox_loss(torch.from_numpy(eta), time, event, "breslow", weights=copies)
    copied = cox_loss(torch.from_numpy(eta[rows]), time[rows], event[rows], "breslow")
    assert float(weighted) == pytest.approx(float(copied), rel=1e-12)
    kept = copies > 0
    one = cox_loss(torch.from_numpy(eta), time, event, "efron", weights=kept)
    assert float(one) == pytest.approx(float(cox_loss(torch.from_numpy(eta[kept]), time[kept], event[kept], "efron")), rel=1e-12)


@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_log_hazards_of_500_neither_overflow_nor_vanish(kind: torch.dtype, ties: str) -> None:
    # the risk set of the last two holds -500 and -500 alone: each has a half; log of the sum must not be lost to +500
    eta = torch.tensor([500.0, -500.0, 500.0, -500.0, -500.0], dtype=kind, requires_grad=True)
    loss = cox_loss(eta, [1, 2, 3, 4, 4], [1, 1, 1, 1, 0], ties)
    loss.backward()
    # first: two of +500 at risk, log 2; second: -500 against +500, 1000; third: alone at its height, 0; fourth: log 2
    assert loss.item() == pytest.approx((np.log(2) + 1000 + 0 + np.log(2)) / 4, rel=1e-6)
    assert eta.grad.tolist() == pytest.approx([-0.125, -0.25, (0.5 + 1 + 1 - 1) / 4, -0.125, 0.125], abs=1e-7)


def test_float32_is_as_exact_as_float64() -> None:
    time, event, eta = _some(5000, seed=5)
    single, double = (torch.from_numpy(8 * eta).to(kind) for kind in (torch.float32, torch.float64))
    assert float(cox_loss(single, time, event)) == pytest.approx(float(cox_loss(double, time, event)), rel=1e-6)


def test_edges() -> None:
    eta = torch.zeros(4, requires_grad=True)
    loss = cox_loss(eta[:, None], [1, 2, 3, 4], [0, 0, 0, 0])
    loss.backward()
    assert loss.item() == 0 and eta.grad.tolist() == [0, 0, 0, 0]
    one = torch.ones(1, requires_grad=True)
    cox_loss(one, [0.0], [1]).backward()
    assert one.grad.tolist() == [0.0]
    # all four tied: Efron divides by 4 · 3 · 2 · 1, Breslow by 4⁴
    assert float(cox_loss(torch.zeros(4), [5] * 4, [1] * 4)) == pytest.approx(np.log(24) / 4)
    assert float(cox_loss(torch.zeros(4), [5] * 4, [1] * 4, "breslow")) == pytest.approx(np.log(4))


def test_a_time_of_zero_is_a_time() -> None:
    assert float(cox_loss(torch.zeros(3), [0, 0, 1], [1, 0, 0])) == pytest.approx(np.log(3))


def test_sorted_once_gives_the_same() -> None:
    time, event, eta = _some(50, seed=7)
    order, x = cox_order(time, event), torch.from_numpy(eta)
    assert float(ordered_cox_loss(x, order)) == float(cox_loss(x, time, event))


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((torch.zeros(3), [1, 2], [1, 1]), "RG705"), ((torch.zeros(2), [1, 2], [1, 3]), "RG705"),
        ((torch.zeros(2), [1, -2], [1, 1]), "RG402"), ((torch.zeros(2), [1, np.nan], [1, 1]), "RG705"),
        ((torch.tensor([0.0, np.nan]), [1, 2], [1, 1]), "RG705"), ((torch.zeros(2, 2), [1, 2], [1, 1]), "RG705"),
        ((torch.zeros(2), [1, 2], [1, 1], "exact"), "RG708"), ((torch.zeros(2), [1, 2], [1, 1], "efron", None, [1, -1]), "RG705"),
    ],
)  # fmt: skip
def test_refused(arguments: tuple, code: str) -> None:
    with pytest.raises(RadiogenError) as caught:
        cox_loss(*arguments)
    assert caught.value.code == code


def test_nnet_survival_by_hand() -> None:
    # hazards 1/2, 1/4: an event in the second interval has (1 - 1/2) · 1/4, two intervals survived 1/2 · 3/4
    logits = torch.tensor([0.0, -np.log(3)], dtype=torch.float64).repeat(2, 1)[:, :, None]
    loss = nnet_survival_loss(logits, torch.tensor([1, 2]), torch.tensor([1, 0]))
    assert float(loss) == pytest.approx(-np.log(1 / 8 * 3 / 8) / 2)


def test_nnet_survival_with_two_causes_by_hand() -> None:
    # per interval: nothing, cause 1 and cause 2 as 1 : 1 : 2
    logits = torch.tensor([0.0, np.log(2)]).repeat(1, 2, 1)
    loss = nnet_survival_loss(logits, torch.tensor([1]), torch.tensor([2]))
    assert float(loss) == pytest.approx(-np.log(1 / 4 * 2 / 4), rel=1e-6)


def test_deephit_likelihood_by_hand() -> None:
    # masses of two intervals and beyond: 1/2, 1/4, 1/4; censored after the first interval leaves a half
    logits, beyond = torch.tensor([[[np.log(2)], [0.0]]]).repeat(2, 1, 1), torch.zeros(2)
    loss = deephit_loss(logits, beyond, torch.tensor([0, 1]), torch.tensor([1, 0]), ranking=0.0)
    assert float(loss) == pytest.approx(-np.log(1 / 2 * 1 / 2) / 2)


def test_deephit_ranking_equals_the_double_loop() -> None:
    random = np.random.default_rng(0)
    logits = torch.from_numpy(random.normal(size=(30, 4, 2)))
    beyond = torch.from_numpy(random.normal(size=30))
    event = torch.from_numpy(random.integers(0, 3, 30))
    interval = torch.from_numpy(np.where(event > 0, random.integers(0, 4, 30), random.integers(0, 5, 30)))
    masses = torch.softmax(torch.cat([logits.reshape(30, -1), beyond[:, None]], 1), 1)[:, :-1].reshape(30, 4, 2)
    incidence = masses.cumsum(1)
    penalties = [
        float(torch.exp((incidence[j, k, c] - incidence[i, k, c]) / 0.1))
        for i in range(30) if event[i] > 0 for k, c in [(interval[i], event[i] - 1)] for j in range(30) if interval[j] > k
    ]  # fmt: skip
    both, alone = (float(deephit_loss(logits, beyond, interval, event, ranking=r)) for r in (0.5, 0.0))
    assert both - alone == pytest.approx(0.5 * np.mean(penalties), rel=1e-10)


def test_discrete_gradients_and_refusals() -> None:
    logits, beyond = torch.randn(5, 3, 2, dtype=torch.float64, requires_grad=True), torch.zeros(5, dtype=torch.float64)
    interval, event = torch.tensor([0, 1, 3, 2, 2]), torch.tensor([1, 2, 0, 0, 1])
    assert torch.autograd.gradcheck(lambda x: nnet_survival_loss(x, interval, event), logits)
    assert torch.autograd.gradcheck(lambda x: deephit_loss(x, beyond, interval, event), logits)
    for loss in (nnet_survival_loss, lambda a, b, c: deephit_loss(a, beyond, b, c)):
        with pytest.raises(RadiogenError, match="RG705"):
            loss(logits, interval, torch.tensor([1, 2, 1, 0, 1]))
