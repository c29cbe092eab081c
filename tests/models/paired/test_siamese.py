"""The Siamese network of pictures: shared weights, identity, antisymmetry and absent visits."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from radiogen.errors import RadiogenError
from radiogen.models.paired.siamese import SiameseNet, compare


def _backbone(width: int = 3) -> nn.Module:
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, width))
    net.features = width
    return net


@pytest.fixture
def net() -> SiameseNet:
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        return SiameseNet(_backbone(), 2).eval()


@pytest.fixture
def pictures() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    first, second = (torch.rand(5, 1, 8, 8, generator=generator) for _ in range(2))
    return first, second


def test_what_the_head_sees_by_hand() -> None:
    one, two = torch.tensor([[1.0, 5.0]]), torch.tensor([[4.0, 3.0]])
    assert compare(one, two).tolist() == [[1, 5, 4, 3, 3, -2, 3, 2]]
    assert compare(one, two, torch.tensor([[True, False]])).tolist() == [[1, 5, 0, 0, 0, 0, 0, 0]]


def test_equal_pictures_give_no_change_and_swapped_ones_the_opposite(net: SiameseNet, pictures: tuple) -> None:
    first, second = pictures
    same = compare(*net.embed(first, first))
    assert torch.equal(same[:, 6:], torch.zeros(5, 6))
    there, back = compare(*net.embed(first, second)), compare(*net.embed(second, first))
    assert torch.equal(there[:, 6:9], -back[:, 6:9]) and torch.equal(there[:, 9:], back[:, 9:])
    assert torch.equal(there[:, :3], back[:, 3:6])


def test_both_visits_share_the_weights(net: SiameseNet, pictures: tuple) -> None:
    ours = sum(p.numel() for p in net.parameters())
    assert ours == sum(p.numel() for p in _backbone().parameters()) + (4 * 3 + 2) * 2 + 2
    net(*pictures).sum().backward()
    assert all(p.grad is not None for p in net.backbone.parameters())


@pytest.mark.parametrize("deltas", [True, False])
def test_an_absent_picture_changes_nothing(pictures: tuple, deltas: bool) -> None:
    net = SiameseNet(_backbone(), 2, deltas=deltas).eval()
    first, second = pictures
    present = torch.tensor([[True, False]] * 4 + [[True, True]])
    outputs, gradients = [], []
    for garbage in (0.0, 99.0, float("nan")):
        other = second.clone()
        other[:4] = garbage
        net.zero_grad()
        logits = net(first, other, present)
        logits.square().sum().backward()
        outputs.append(logits.detach())
        gradients.append([p.grad.clone() for p in net.parameters()])
    for k in (1, 2):
        assert torch.equal(outputs[0], outputs[k])
        assert all(torch.equal(a, b) for a, b in zip(gradients[0], gradients[k], strict=True))
    assert torch.isfinite(outputs[0]).all()


def test_refusals(net: SiameseNet, pictures: tuple) -> None:
    first, second = pictures
    for bad, code in (
        (lambda: SiameseNet(nn.Flatten()), "RG705"), (lambda: SiameseNet(_backbone(), 0), "RG708"),
        (lambda: net(first, second[:, :, :4]), "RG705"), (lambda: net(first, second, torch.ones(5, 3, dtype=torch.bool)), "RG705"),
    ):  # fmt: skip
        with pytest.raises(RadiogenError) as error:
            bad()
        assert error.value.code == code
