"""Every way of joining, worked out by hand with fixed weights."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from radiogen.models.fusion.joins import BilinearJoin, ConcatJoin, GatedJoin, make_join
from radiogen.models.fusion.late import LateHeads
from tests.models.fusion.small_nets import HEADS

BINARY, _, GRADE, _ = HEADS
BOTH, FIRST = torch.tensor([[True, True]]), torch.tensor([[True, False]])


def fill(layer: nn.Module, weight: float, bias: float | None = None) -> None:
    with torch.no_grad():
        layer.weight.fill_(weight)
        if bias is not None:
            layer.bias.fill_(bias)


def test_gates_by_hand() -> None:
    # one dimension; scores 1·z + 0 and 0·z + log 3; contents tanh(2 z)
    join = GatedJoin(inputs=2, width=1, heads=1, dropout=0.0)
    for k, (weight, bias) in enumerate([(1.0, 0.0), (0.0, math.log(3))]):
        fill(join.gate[k], weight, bias)
        fill(join.content[k], 2.0, 0.0)
    z = torch.tensor([[[math.log(2)], [0.5]]])
    assert torch.allclose(join.gates(z, BOTH), torch.tensor([[[0.4], [0.6]]]))
    # tanh(2 log 2) = (16 - 1) / (16 + 1)
    assert torch.allclose(join(z, BOTH), torch.tensor([[[0.4 * 15 / 17, 0.6 * math.tanh(1.0)]]]))
    assert torch.allclose(join(z, FIRST), torch.tensor([[[15 / 17, 0.0]]]))


def test_concatenation_by_hand() -> None:
    # hidden = GELU(z1 + 10 z2 + 100 bit1 + 1000 bit2), far from 0, where GELU is the identity
    join = ConcatJoin(inputs=2, width=1, hidden=1, heads=1, dropout=0.0)
    with torch.no_grad():
        join.hidden[0].weight.copy_(torch.tensor([[1.0, 10.0, 100.0, 1000.0]]))
        join.hidden[0].bias.zero_()
    assert join(torch.tensor([[[2.0], [3.0]]]), BOTH).tolist() == [[[1132.0, 2.0, 3.0, 1.0, 1.0]]]
    assert join(torch.tensor([[[2.0], [0.0]]]), FIRST).tolist() == [[[102.0, 2.0, 0.0, 1.0, 0.0]]]


def test_bilinear_by_hand() -> None:
    # U = (1, 2, 3): (2 z1 z2 + 3 z1 z3 + 6 z2 z3) / √3
    join = BilinearJoin(inputs=3, width=1, heads=1, dropout=0.0)
    for k in range(3):
        fill(join.factor[k], k + 1.0)
    for has, pairs in (((1, 1, 1), 12 + 30 + 90), ((1, 0, 1), 30), ((0, 1, 0), 0)):
        there = torch.tensor([has]).bool()
        z = torch.tensor([[[2.0], [3.0], [5.0]]]) * there[:, :, None]
        assert torch.allclose(join(z, there), torch.tensor([[[*z.flatten().tolist(), pairs / math.sqrt(3)]]]))


def test_a_head_s_query_by_hand() -> None:
    # the block passes tokens on unchanged; normalised they are (1, -1), (-1, 1) and, of the token of no input, (0, 0)
    join = make_join("attention", inputs=2, width=2, hidden=2, heads=2, dropout=0.0)
    with torch.no_grad():
        join.kind.zero_()
        join.key.weight.copy_(torch.eye(2))
        half = math.log(3) * math.sqrt(2) / 2
        join.query.copy_(torch.tensor([[half, -half], [0.0, 0.0]]))
    z = torch.tensor([[[4.0, 2.0], [1.0, 9.0]]])
    # scores log 3, -log 3 and 0: weights in the ratio 3 : 1/3 : 1; the second head's query is 0: three thirds
    shares = torch.tensor([[[9 / 13, 1 / 13], [1 / 3, 1 / 3]]])
    assert torch.allclose(join.weights(z, BOTH), shares, atol=1e-4)
    assert torch.allclose(join(z, BOTH), (shares[..., None] * z[:, None]).flatten(2), atol=1e-4)
    alone = torch.tensor([[[3 / 4, 0.0], [1 / 2, 0.0]]])
    assert torch.allclose(join.weights(z, FIRST), alone, atol=1e-4)
    assert torch.allclose(join(z, FIRST), (alone[..., None] * z[:, None]).flatten(2), atol=1e-4)


@pytest.mark.parametrize("fusion", ["concat", "gated", "attention", "bilinear"])
def test_nothing_present_is_finite_with_finite_gradients(fusion: str) -> None:
    torch.manual_seed(0)
    join = make_join(fusion, inputs=3, width=8, hidden=8, heads=2, dropout=0.0)
    tokens = torch.zeros(2, 3, 8, requires_grad=True)
    out = join(tokens, torch.zeros(2, 3, dtype=torch.bool))
    out.sum().backward()
    assert out.shape == (2, 2, join.features)
    assert out.isfinite().all()
    assert all(p.grad is None or p.grad.isfinite().all() for p in (tokens, *join.parameters()))


def late(learnt: bool) -> LateHeads:
    """Three inputs, the first two of one modality; logits 1·z + 0, 1·z + 0, 1·z + 5."""
    heads = LateHeads([0, 0, 1], 1, (BINARY,), learnt)
    for k, bias in enumerate((0.0, 0.0, 5.0)):
        fill(heads.heads[k][0], 1.0, bias)
    return heads


@pytest.mark.parametrize(
    ("has", "expected"),
    [((1, 1, 1), ((2 + 4) / 2 + (6 + 5)) / 2), ((1, 0, 1), (2 + 11) / 2), ((1, 1, 0), 3.0), ((0, 0, 1), 11.0), ((0, 0, 0), 5 / 3)],
)
def test_late_average_by_hand(has: tuple[int, int, int], expected: float) -> None:
    there = torch.tensor([has]).bool()
    z = torch.tensor([[[2.0], [4.0], [6.0]]]) * there[:, :, None]
    for learnt in (False, True):  # learnt weights start alike
        assert math.isclose(late(learnt)(z, there)[0].item(), expected, rel_tol=1e-6)


def test_stacked_weights_by_hand() -> None:
    heads = late(True)
    with torch.no_grad():
        heads.scores.copy_(torch.tensor([[math.log(3.0), 0.0]]))
    z = torch.tensor([[[2.0], [4.0], [6.0]]])
    assert math.isclose(heads(z, torch.tensor([[True] * 3]))[0].item(), 0.75 * 3 + 0.25 * 11, rel_tol=1e-6)
    only = torch.tensor([[False, False, True]])
    assert math.isclose(heads(z * only[:, :, None], only)[0].item(), 11.0, rel_tol=1e-6)
    assert heads.scores.requires_grad
    assert not late(False).scores.requires_grad


def test_averaged_cumulative_logits_stay_in_order() -> None:
    torch.manual_seed(1)
    heads = LateHeads([0, 1, 2], 4, (GRADE,), True)
    with torch.no_grad():
        for parameter in heads.parameters():
            parameter.add_(torch.randn_like(parameter))
    out = heads(torch.randn(20, 3, 4), torch.ones(20, 3, dtype=torch.bool))[0]
    assert (out[:, 0] > out[:, 1]).all()
