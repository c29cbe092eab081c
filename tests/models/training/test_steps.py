"""The gradient of a step is that of the whole, however it is cut up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from radiogen.models.fusion.batch import to_batch, to_label_batch
from radiogen.models.fusion.heads import total_loss
from radiogen.models.fusion.network import FusionNet
from radiogen.models.fusion.spec import Plan
from radiogen.models.training import train
from radiogen.models.training.optimiser import Optimiser
from radiogen.models.training.steps import backward, backward_in_pieces
from radiogen.models.training.team import Team
from tests.models.training.conftest import make, with_heads, with_training


def started(plan: Plan) -> FusionNet:
    """A network none of whose weights is 0: heads that begin at 0 pass no gradient down."""
    torch.manual_seed(0)
    net = FusionNet(plan).train()
    with torch.no_grad():
        for p in net.parameters():
            p.add_(0.2 * torch.randn_like(p))
    return net


def gradients(net: torch.nn.Module) -> list[torch.Tensor]:
    found = [torch.zeros_like(p) if p.grad is None else p.grad.clone() for p in net.parameters()]
    net.zero_grad()
    return found


def far(a: list[torch.Tensor], b: list[torch.Tensor]) -> float:
    return max(float((x - y).detach().abs().max()) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("size", [1, 7, 23, 24])
def test_risk_sets_in_pieces_have_the_gradient_of_the_whole(size: int) -> None:
    plan, examples, labels = make(n=24, pictures=True)
    plan = replace(plan, net=replace(plan.net, dropout=0.0))
    net = started(plan)
    loss_of = partial(total_loss, labels=to_label_batch(labels, plan.heads), heads=plan.heads, settings=plan.training)
    whole = backward(net, to_batch(examples), loss_of, nullcontext())
    wanted = gradients(net)
    cuts = [np.arange(at, min(at + size, 24)) for at in range(0, 24, size)]
    pieces = backward_in_pieces(net, lambda k: to_batch(examples, cuts[k]), range(len(cuts)), loss_of, nullcontext())
    assert far(gradients(net), wanted) < 1e-6
    assert {k: float(v) for k, v in whole.items()} == pytest.approx({k: float(v) for k, v in pieces.items()}, abs=1e-6)
    # what a mean over pieces would have given is something else
    if size == 7:
        for cut in cuts:
            part = partial(total_loss, labels=to_label_batch(labels, plan.heads, cut), heads=plan.heads, settings=plan.training)
            backward(net, to_batch(examples, cut), lambda out, part=part: (part(out)[0] / len(cuts), part(out)[1]), nullcontext())
        assert far(gradients(net), wanted) > 1e-3


def test_pieces_are_computed_twice_with_one_dropout() -> None:
    plan, examples, labels = make(n=24)
    plan = replace(plan, net=replace(plan.net, dropout=0.5))
    net = started(plan)
    seen: list[torch.Tensor] = []
    net.register_forward_hook(lambda _, __, out: seen.append(out["os"].detach().clone()))
    loss_of = partial(total_loss, labels=to_label_batch(labels, plan.heads), heads=plan.heads, settings=plan.training)
    backward_in_pieces(net, lambda k: to_batch(examples, np.arange(24).reshape(2, 12)[k]), [3, 4], loss_of, nullcontext())
    assert torch.equal(seen[0], seen[2]) and torch.equal(seen[1], seen[3])
    assert not torch.equal(seen[0], seen[1])


def test_survival_with_pictures_steps_along_the_gradient_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gradient with which the loop steps, on pieces of 7 against all 40 at once."""
    plan, examples, labels = make(n=40, pictures=True)
    plan = replace(with_heads(plan, "os"), net=replace(plan.net, dropout=0.0))
    net = started(plan)
    found: list[list[torch.Tensor]] = []
    monkeypatch.setattr(Optimiser, "step", lambda self, rate: found.append([p.grad.clone() for p in self._parameters if p.grad is not None]))
    for size in (40, 7):
        alike = with_training(plan, batch_size=size, epochs=1, patience=0, modality_dropout=0.0, augment=False)
        train(alike, examples, labels, np.arange(40), seed=1, net=net)
    assert len(found) == 2 and len(found[0]) == len(found[1]) > 20
    assert max(float(g.abs().max()) for g in found[0]) > 1e-2
    assert far(*found) < 1e-6


@contextmanager
def two_in_one() -> Iterator[list[torch.Tensor]]:
    """``all_reduce`` replaced by the sum with what the other process would send."""
    sent: list[torch.Tensor] = []

    def all_reduce(flat: torch.Tensor) -> None:
        if sent:
            flat += sent[0]
        else:
            sent.append(flat.clone())

    original = torch.distributed.all_reduce
    torch.distributed.all_reduce = all_reduce
    try:
        yield sent
    finally:
        torch.distributed.all_reduce = original


def test_averaged_gradients_are_those_of_the_batch() -> None:
    """Units 0, 2, 4 … in one process and 1, 3, 5 … in the other, 24 labels in all, against all in one."""
    plan, examples, labels = make(n=24)
    plan = replace(with_heads(plan, "TP53", "grade"), net=replace(plan.net, dropout=0.0))
    labels = replace(labels, known={k: np.ones(24, dtype=bool) for k in labels.known})
    net = started(plan)
    rows = np.arange(24)

    def add(part: Any) -> None:
        own = to_label_batch(labels, plan.heads, part)
        loss_of = partial(total_loss, labels=own, heads=plan.heads, settings=plan.training)
        backward(net, to_batch(examples, part), loss_of, nullcontext())

    add(rows)
    wanted = gradients(net)
    with two_in_one():
        for rank in (1, 0):
            team = Team(rank, 2)
            net.zero_grad()
            add(team.share(rows))
            team.average(net.parameters(), len(team.share(rows)) / 24)
    assert far(gradients(net), wanted) < 1e-6


@pytest.mark.slow
def test_two_processes_train_what_one_does(tmp_path: Path) -> None:
    plan, examples, labels = make(n=34)
    plan = replace(with_heads(plan, "TP53"), net=replace(plan.net, dropout=0.0))
    labels = replace(labels, known={k: np.ones(34, dtype=bool) for k in labels.known})
    plan = with_training(plan, epochs=2, batch_size=8)
    path = tmp_path / "run.safetensors"
    one = train(plan, examples, labels, np.arange(34), seed=1)
    two = train(with_training(plan, devices=2), examples, labels, np.arange(34), seed=1, checkpoint=path)
    assert far([*one.nets[0].parameters()], [*two.nets[0].parameters()]) < 1e-5
    assert np.allclose(one.history["loss"], two.history["loss"], atol=1e-5)
    assert path.exists()


def test_risk_sets_stay_on_one_device() -> None:
    plan, examples, labels = make()
    trained = train(with_training(plan, devices=2, epochs=1), examples, labels, np.arange(48), seed=1)
    assert any("one device" in note for note in trained.notes)
