"""Training by hand: gradients against autograd, steps against torch's optimisers."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from radiogen.models.survival import DeepSurv
from radiogen.models.survival.mlp import ACTIVATIONS, Mlp, standardisation
from radiogen.models.survival.netspec import NetSpec, net_spec
from radiogen.models.survival.training_torch import Optimizer, Parameters, Perceptron

TORCH = {"relu": torch.relu, "elu": torch.nn.functional.elu, "selu": torch.selu, "tanh": torch.tanh, "linear": lambda z: z}


def _spec(**settings: object) -> NetSpec:
    return net_spec(DeepSurv(precision="float64", **settings))


def _net(spec: NetSpec, rows: int, p: int = 3) -> Perceptron:
    parameters = Parameters([p, *spec.hidden, 2], spec, np.random.default_rng(1), torch.device("cpu"))
    for offset in parameters.offsets:
        offset.copy_(torch.from_numpy(np.random.default_rng(2).normal(size=offset.shape)))
    return Perceptron(parameters, spec, rows, np.random.SeedSequence(3))


@pytest.mark.parametrize("dropout", [0.0, 0.4])
@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("activation", list(ACTIVATIONS))
def test_gradient_equals_autograd(activation: str, batch_norm: bool, dropout: float) -> None:
    net = _net(_spec(hidden=(5, 4), activation=activation, batch_norm=batch_norm, dropout=dropout), 20)
    drawn = np.random.SFC64(np.random.SeedSequence(3))
    masks = [
        torch.from_numpy(drawn.random_raw(-(-15 * w // 8)).view(np.uint8)[: 15 * w].reshape(15, w) >= net.threshold) for w in (5, 4)
    ]
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(15, 3)))
    outputs = net.forward(x, learning=True).clone()
    net.backward((2 * outputs).clone())
    found = net.p.gradient.clone()

    net.p.vector.requires_grad_()
    parts = [w.shape[0] * w.shape[1] for w in net.p.weights]
    flat, at, value = net.p.vector, 0, x
    for k, (weight, size) in enumerate(zip(net.p.weights, parts, strict=True)):
        own, at = flat[at : at + size].view(weight.shape), at + size
        offset, at = flat[at : at + weight.shape[1]], at + weight.shape[1]
        value = value @ own
        if k == 2:
            value = value + offset
            break
        if batch_norm:
            gain, at = flat[at : at + weight.shape[1]], at + weight.shape[1]
            value = (value - value.mean(0)) / (value.var(0, unbiased=False) + 1e-5).sqrt() * gain
        value = TORCH[activation](value + offset)
        if dropout:
            value = value * masks[k] * net.boost
    value.square().sum().backward()
    assert torch.allclose(value, outputs, rtol=1e-12)
    assert torch.allclose(found, net.p.vector.grad, rtol=1e-9, atol=1e-12)


def test_dropout_leaves_out_its_share_and_nothing_when_judging() -> None:
    net = _net(_spec(hidden=(200,), dropout=0.3, activation="linear"), 500)
    x = torch.ones(500, 3, dtype=torch.float64)
    net.forward(x, learning=True)
    # 100,000 draws: standard error 0.0015; 77 of 256 is the share next to 0.3
    assert float(net.masks[0].double().mean()) == pytest.approx(1 - 77 / 256, abs=0.007)
    assert net.boost == pytest.approx(256 / 179)
    assert len(torch.unique(net.forward(x, learning=False)[:, 0])) == 1


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_steps_equal_those_of_torch(optimizer: str) -> None:
    spec = _spec(hidden=(4,), optimizer=optimizer, momentum=0.8, learning_rate=0.05, lr_decay=0.0)
    net = _net(spec, 1)
    ours = Optimizer(net.p, spec, penalty=0.3)
    theirs = net.p.vector.clone().requires_grad_()
    reference = (
        torch.optim.Adam([theirs], 0.05) if optimizer == "adam" else torch.optim.SGD([theirs], 0.05, momentum=0.8, nesterov=True)
    )
    for k in range(5):
        slope = torch.from_numpy(np.random.default_rng(k).normal(size=theirs.shape))
        net.p.gradient.copy_(slope)
        ours.step(k)
        # the penalty is on weights and not on offsets
        theirs.grad = slope + 2 * 0.3 * theirs.detach() * net.p.decay
        reference.step()
        assert torch.allclose(net.p.vector, theirs.detach(), rtol=1e-10)
    assert int(net.p.decay.sum()) == 3 * 4 + 4 * 2


def test_the_rate_falls_as_written() -> None:
    spec = _spec(hidden=(), optimizer="sgd", momentum=0.0, learning_rate=0.1, lr_decay=0.5)
    net = _net(spec, 1)
    before = net.p.vector.clone()
    net.p.gradient.fill_(1.0)
    Optimizer(net.p, spec, 0.0).step(4)
    # 0.1 / (1 + 0.5 · 4)
    assert torch.allclose(before - net.p.vector, torch.tensor(0.1 / 3, dtype=torch.float64))


def test_arrays_predict_what_the_network_does() -> None:
    for activation in ACTIVATIONS:
        net = _net(_spec(hidden=(6, 5), activation=activation, batch_norm=True, dropout=0.2), 40)
        x = np.random.default_rng(0).normal(size=(40, 3))
        for _ in range(3):
            net.forward(torch.from_numpy(x), learning=True)
        plain = Mlp(net.layers(), activation, np.zeros(3), np.ones(3))
        assert np.allclose(plain(x), net.forward(torch.from_numpy(x), learning=False).numpy(), rtol=1e-9)


def test_a_constant_column_is_not_divided_by_zero() -> None:
    centre, scale = standardisation(np.array([[0.1, 1.0], [0.1, 3.0], [0.1, 5.0]]), True)
    assert scale[0] == 1.0 and scale[1] == pytest.approx((8 / 3) ** 0.5) and centre == pytest.approx([0.1, 3.0])
