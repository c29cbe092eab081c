"""Probabilities and losses by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from radiogen.errors import RadiogenError
from radiogen.models.fusion.batch import LabelBatch
from radiogen.models.fusion.heads import OrdinalHead, log_probabilities, make_head, probabilities, total_loss
from radiogen.models.fusion.spec import HeadSpec, TrainSettings
from tests.models.fusion.small_nets import HEADS

BINARY, FOUR, GRADE, OS = HEADS
PLAIN = TrainSettings()


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def one(name: str, target: list, known: list[bool] | None = None) -> LabelBatch:
    targets = torch.tensor(target, dtype=torch.float64) if name == "os" else torch.tensor(target)
    return LabelBatch({name: targets}, {name: torch.tensor(known or [True] * len(target))})


def test_ordinal_probabilities_and_loss_by_hand() -> None:
    # P(y > 0) = σ(1), P(y > 1) = σ(-0.5)
    logits = torch.tensor([[1.0, -0.5]])
    expected = [1 - sigmoid(1), sigmoid(1) - sigmoid(-0.5), sigmoid(-0.5)]
    assert np.allclose(probabilities(logits, GRADE)[0], expected, atol=1e-6)
    for k, p in enumerate(expected):
        loss, _ = total_loss({"grade": logits}, one("grade", [k]), [GRADE], PLAIN)
        assert math.isclose(float(loss), -math.log(p), rel_tol=1e-5)


def test_ordinal_head_starts_with_equal_classes_and_keeps_its_cuts_in_order() -> None:
    head = OrdinalHead(4, 5)
    assert np.allclose(probabilities(head(torch.zeros(1, 4)), HeadSpec("g", "ordinal", tuple("abcde"))).detach(), 0.2, atol=1e-6)
    with torch.no_grad():
        head.log_gaps.copy_(torch.tensor([-3.0, 2.0, -1.0]))
        head.first.fill_(-7.0)
    assert (torch.diff(head.cuts) > 0).all()
    assert torch.allclose(head.cuts[1], torch.tensor(-7.0 + math.exp(-3.0)))
    assert OrdinalHead(4, 2)(torch.zeros(3, 4)).shape == (3, 1)


def test_extreme_logits_stay_finite() -> None:
    wild = torch.tensor([[500.0, -500.0], [80.0, 79.9], [-500.0, -500.1]], requires_grad=True)
    log_p = log_probabilities(wild, GRADE)
    log_p.sum().backward()
    assert log_p.isfinite().all()
    assert wild.grad.isfinite().all()
    assert torch.allclose(log_p.exp().sum(1), torch.ones(3), atol=1e-5)


def test_binary_and_multiclass_are_torch_s() -> None:
    rng = torch.Generator().manual_seed(3)
    logit, four = torch.randn(9, 1, generator=rng), torch.randn(9, 4, generator=rng)
    y, k = torch.arange(9) % 2, torch.arange(9) % 4
    loss, _ = total_loss({"TP53": logit}, one("TP53", y.tolist()), [BINARY], PLAIN)
    assert torch.allclose(loss, torch.nn.functional.binary_cross_entropy_with_logits(logit[:, 0], y.float()))
    loss, _ = total_loss({"subtype": four}, one("subtype", k.tolist()), [FOUR], PLAIN)
    assert torch.allclose(loss, torch.nn.functional.cross_entropy(four, k))
    assert torch.allclose(probabilities(logit, BINARY)[:, 1], torch.sigmoid(logit[:, 0]))


def test_focal_loss_by_hand() -> None:
    # p of the true class: 0.9 and 0.2; γ = 2
    logits = torch.tensor([[math.log(9.0)], [math.log(4.0)]])
    loss, _ = total_loss({"TP53": logits}, one("TP53", [1, 0]), [BINARY], TrainSettings(loss="focal", focal_gamma=2.0))
    assert math.isclose(float(loss), (-(0.1**2) * math.log(0.9) - 0.8**2 * math.log(0.2)) / 2, rel_tol=1e-5)


def test_focal_loss_with_gamma_zero_is_cross_entropy_and_its_gradient_stays_finite() -> None:
    logits = torch.tensor([[60.0], [0.3]], requires_grad=True)
    plain, _ = total_loss({"TP53": logits}, one("TP53", [1, 1]), [BINARY], PLAIN)
    zero, _ = total_loss({"TP53": logits}, one("TP53", [1, 1]), [BINARY], TrainSettings(loss="focal", focal_gamma=0.0))
    assert torch.equal(plain, zero)
    half, _ = total_loss({"TP53": logits}, one("TP53", [1, 1]), [BINARY], TrainSettings(loss="focal", focal_gamma=0.5))
    half.backward()
    assert logits.grad.isfinite().all()


def test_class_weights_by_hand() -> None:
    logits = torch.zeros(3, 1)
    loss, _ = total_loss({"TP53": logits}, one("TP53", [1, 0, 0]), [BINARY], PLAIN, {"TP53": torch.tensor([0.5, 2.0])})
    assert math.isclose(float(loss), math.log(2) * (2.0 + 0.5 + 0.5) / 3, rel_tol=1e-6)


def test_survival_by_hand() -> None:
    # no ties; risk sets {1, 2, 3}, {2, 3}; the third is censored; log-hazards 0, log 2, log 3
    logits = torch.log(torch.tensor([[1.0], [2.0], [3.0]]))
    loss, _ = total_loss({"os": logits}, one("os", [[1.0, 1], [2.0, 1], [3.0, 0]]), [OS], PLAIN)
    assert math.isclose(float(loss), -(math.log(1 / 6) + math.log(2 / 5)) / 2, rel_tol=1e-5)


def test_heads_are_weighted_and_reported_apart() -> None:
    heads = [HeadSpec("TP53", "binary", ("-", "+"), weight=2.0), HeadSpec("grade", "ordinal", ("1", "2", "3"), weight=0.5)]
    outputs = {"TP53": torch.zeros(2, 1), "grade": torch.tensor([[1.0, -0.5]] * 2)}
    labels = LabelBatch({"TP53": torch.tensor([0, 1]), "grade": torch.tensor([1, 1])},
                        {k: torch.ones(2, dtype=torch.bool) for k in outputs})  # fmt: skip
    loss, parts = total_loss(outputs, labels, heads, PLAIN)
    middle = -math.log(sigmoid(1) - sigmoid(-0.5))
    assert math.isclose(float(parts["TP53"]), math.log(2), rel_tol=1e-6)
    assert math.isclose(float(parts["grade"]), middle, rel_tol=1e-5)
    assert math.isclose(float(loss), 2 * math.log(2) + 0.5 * middle, rel_tol=1e-5)


@pytest.mark.parametrize("loss", ["cross_entropy", "focal"])
def test_unknown_labels_have_no_gradient_and_no_influence(loss: str) -> None:
    rng = torch.Generator().manual_seed(5)
    outputs = {h.name: torch.randn(6, h.outputs, generator=rng) for h in HEADS}
    outputs["grade"] = outputs["grade"].sort(1, descending=True).values
    known = {
        "TP53": torch.tensor([1, 1, 0, 1, 0, 0]).bool(), "subtype": torch.tensor([0, 1, 1, 0, 1, 1]).bool(),
        "grade": torch.tensor([1, 0, 0, 0, 1, 0]).bool(), "os": torch.tensor([1, 1, 1, 0, 1, 0]).bool(),
    }  # fmt: skip
    targets = {
        "TP53": torch.tensor([1, 0, 1, 1, 0, 0]), "subtype": torch.tensor([0, 1, 2, 3, 0, 1]), "grade": torch.tensor([2, 1, 0, 0, 1, 2]),
        "os": torch.tensor([[3, 1], [1, 1], [2, 0], [9, 1], [4, 1], [5, 1]]).double(),
    }  # fmt: skip
    spoilt = {k: torch.where(w if t.dim() == 1 else w[:, None], t, 7) for (k, t), w in zip(targets.items(), known.values(), strict=True)}
    grads = []
    settings = TrainSettings(loss=loss)
    for labels in (LabelBatch(targets, known), LabelBatch(spoilt, known)):
        leaves = {k: o.clone().requires_grad_() for k, o in outputs.items()}
        total_loss(leaves, labels, HEADS, settings)[0].backward()
        grads.append({k: leaf.grad for k, leaf in leaves.items()})
    for name, w in known.items():
        assert torch.equal(grads[0][name], grads[1][name])
        assert torch.equal(grads[0][name][~w], torch.zeros_like(grads[0][name][~w]))
        only = {name: outputs[name][w].clone().requires_grad_()}
        short = LabelBatch({name: targets[name][w]}, {name: torch.ones(int(w.sum()), dtype=torch.bool)})
        total_loss(only, short, [h for h in HEADS if h.name == name], settings)[0].backward()
        assert torch.equal(grads[0][name][w], only[name].grad)


def test_a_head_without_a_known_label_adds_nothing() -> None:
    for head, target in ((BINARY, [0, 1]), (OS, [[1.0, 1], [2.0, 1]])):
        logits = torch.tensor([[1.0], [torch.inf]], requires_grad=True)
        loss, parts = total_loss({head.name: logits}, one(head.name, target, [False, False]), [head], PLAIN)
        loss.backward()
        assert loss.item() == parts[head.name].item() == 0
        assert logits.grad.tolist() == [[0.0], [0.0]]


@pytest.mark.parametrize("head", [HeadSpec("a", "binary", ("x",)), HeadSpec("a", "multiclass", ("x",)), HeadSpec("a", "survival", ("x", "y"))])
def test_classes_fit_the_kind(head: HeadSpec) -> None:
    with pytest.raises(RadiogenError) as caught:
        make_head(head, 4)
    assert caught.value.code == "RG705"


def test_survival_has_no_class_probabilities() -> None:
    assert torch.equal(probabilities(torch.tensor([[0.7]]), OS), torch.tensor([[0.7]]))
    with pytest.raises(RadiogenError):
        log_probabilities(torch.zeros(1, 1), OS)
