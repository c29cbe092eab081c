"""Attention pooling by hand."""

from __future__ import annotations

import math

import torch

from radiogen.models.fusion.pooling import GatedPool, by_owner, masked_softmax, places


def test_masked_softmax_by_hand() -> None:
    scores = torch.tensor([[0.0, math.log(3.0), 50.0], [1.0, 2.0, 3.0]])
    mask = torch.tensor([[True, True, False], [False, False, False]])
    assert torch.allclose(masked_softmax(scores, mask), torch.tensor([[0.25, 0.75, 0.0], [0.0, 0.0, 0.0]]))


def test_masked_scores_have_exactly_no_influence_and_no_gradient() -> None:
    mask = torch.tensor([[True, False, True], [False, False, False]])
    scores = torch.tensor([[0.3, 1.0, -2.0], [0.0, 1.0, 2.0]], requires_grad=True)
    other = torch.where(mask, scores.detach(), 1e30)
    assert torch.equal(masked_softmax(scores, mask), masked_softmax(other, mask))
    (masked_softmax(scores, mask) * torch.tensor([1.0, 5.0, 2.0])).sum().backward()
    assert torch.equal(scores.grad[~mask], torch.zeros(4))
    assert (scores.grad[mask] != 0).all()


def test_things_are_laid_beside_their_owners_in_order() -> None:
    owner = torch.tensor([2, 0, 2, 2, 0])
    place, count = places(owner, 4)
    assert place.tolist() == [0, 0, 1, 2, 1]
    assert count.tolist() == [2, 0, 3, 0]
    padded, mask = by_owner(torch.arange(1.0, 6.0)[:, None], owner, 4)
    assert padded.squeeze(-1).tolist() == [[2, 5, 0], [0, 0, 0], [1, 3, 4], [0, 0, 0]]
    assert mask.tolist() == [[True, True, False], [False] * 3, [True] * 3, [False] * 3]


def test_nobody_has_anything() -> None:
    padded, mask = by_owner(torch.zeros(0, 3), torch.zeros(0, dtype=torch.int64), 2)
    assert padded.shape == (2, 0, 3)
    assert GatedPool(3, 2)(padded, mask).tolist() == [[0, 0, 0], [0, 0, 0]]


def test_weights_of_zero_give_the_mean() -> None:
    pool = GatedPool(2, 2)
    torch.nn.init.zeros_(pool.score.weight)
    values = torch.tensor([[[1.0, 2.0], [3.0, 8.0], [99.0, 99.0]], [[5.0, 5.0], [7.0, 7.0], [0.0, 3.0]]])
    mask = torch.tensor([[True, True, False], [True, True, True]])
    assert torch.allclose(pool(values, mask), torch.tensor([[2.0, 5.0], [4.0, 5.0]]))


def test_gated_attention_by_hand() -> None:
    # one number h per element, V = 1, U = 2, w = 3: score 3 tanh(h) σ(2h)
    pool = GatedPool(1, 1)
    with torch.no_grad():
        for layer, value in ((pool.content, 1.0), (pool.gate, 2.0), (pool.score, 3.0)):
            layer.weight.fill_(value)
            if layer.bias is not None:
                layer.bias.zero_()
    h = [0.5, -1.0]
    e = [math.exp(3 * math.tanh(x) / (1 + math.exp(-2 * x))) for x in h]
    expected = (e[0] * h[0] + e[1] * h[1]) / (e[0] + e[1])
    found = pool(torch.tensor([[[h[0]], [h[1]]]]), torch.ones(1, 2, dtype=torch.bool)).item()
    assert math.isclose(found, expected, rel_tol=1e-5)
