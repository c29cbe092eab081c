"""Losses and the teacher, worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from radiogen.errors import RadiogenError
from radiogen.models.weak.losses import noisy_loss
from radiogen.models.weak.teacher import MeanTeacher, ramp_up

# probabilities .5, .3, .2
LOGITS = torch.tensor([[0.5, 0.3, 0.2]], dtype=torch.float64).log() + 3
CODE = torch.tensor([1])


@pytest.mark.parametrize(
    ("kind", "rate", "q", "loss"),
    [
        ("none", 0.0, 0.7, -math.log(0.3)),
        ("smoothing", 0.2, 0.7, -(0.8 * math.log(0.3) + 0.1 * math.log(0.5) + 0.1 * math.log(0.2))),
        ("gce", 0.0, 0.7, (1 - 0.3**0.7) / 0.7),
        ("gce", 0.0, 1.0, 0.7),
        ("gce", 0.0, 0.0, -math.log(0.3)),
        ("forward", 0.2, 0.7, -math.log(0.8 * 0.3 + 0.1 * 0.5 + 0.1 * 0.2)),
        ("forward", 0.0, 0.7, -math.log(0.3)),
    ],
)
def test_losses_by_hand(kind: str, rate: float, q: float, loss: float) -> None:
    assert float(noisy_loss(LOGITS, CODE, kind, noise_rate=rate, q=q)) == pytest.approx(loss, abs=1e-12)


def test_rates_per_class_by_hand() -> None:
    rates = torch.tensor([0.4, 0.0, 0.2])
    # class 0 is labelled 1 in .2, class 1 in 1, class 2 in .1
    assert float(noisy_loss(LOGITS, CODE, "forward", noise_rate=rates)) == pytest.approx(-math.log(0.5 * 0.2 + 0.3 + 0.2 * 0.1), abs=1e-7)


def test_the_gradient_is_finite_without_noise() -> None:
    logits = torch.tensor([[30.0, -30.0], [-200.0, 200.0]], requires_grad=True)
    for kind in ("none", "smoothing", "gce", "forward"):
        (gradient,) = torch.autograd.grad(noisy_loss(logits, torch.tensor([1, 0]), kind, noise_rate=0.0).sum(), logits)
        assert torch.isfinite(gradient).all()


def test_losses_refuse() -> None:
    for bad in (
        lambda: noisy_loss(LOGITS, CODE, "robust"), lambda: noisy_loss(LOGITS, CODE, "gce", q=1.5),
        lambda: noisy_loss(LOGITS, CODE, "forward", noise_rate=0.7),
    ):  # fmt: skip
        with pytest.raises(RadiogenError, match="RG708"):
            bad()


def test_the_teacher_is_the_running_average() -> None:
    student = nn.Linear(1, 1)
    pair = MeanTeacher(student, decay=0.15)
    with torch.no_grad():
        student.weight.fill_(0.0)
        pair.teacher.weight.fill_(1.0)
        pair.update()  # keeps 1/10
        assert float(pair.teacher.weight) == pytest.approx(0.1)
        student.weight.fill_(1.0)
        pair.update()  # would keep 2/11, and keeps .15
        assert float(pair.teacher.weight) == pytest.approx(0.1 * 0.15 + 0.85)
    assert float(student.weight.detach()) == 1.0


def test_agreement_moves_the_student_alone() -> None:
    pair = MeanTeacher(nn.Linear(2, 2))
    x = torch.tensor([[1.0, -1.0]])
    assert float(pair.consistency(x, x).detach()) == 0
    with torch.no_grad():
        pair.student.weight.copy_(torch.zeros(2, 2))
        pair.student.bias.zero_()
        pair.teacher.weight.zero_()
        pair.teacher.bias.copy_(torch.tensor([math.log(3.0), 0.0]))
    loss = pair.consistency(x, x)
    loss.backward()
    # (.5, .5) against (.75, .25)
    assert float(loss.detach()) == pytest.approx(2 * 0.25**2)
    assert pair.student.bias.grad is not None and pair.teacher.bias.grad is None


def test_ramp() -> None:
    assert ramp_up(5, 10) == pytest.approx(math.exp(-1.25)) and ramp_up(3, 0) == 1
