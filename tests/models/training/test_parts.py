"""Rates, samples, splits, hidden modalities and devices, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from radiogen.errors import RadiogenError
from radiogen.models.fusion.examples import Labels
from radiogen.models.fusion.spec import HeadSpec, TrainSettings
from radiogen.models.training.devices import autocast_type, computes_bfloat16, float32_norms, pick_device
from radiogen.models.training.optimiser import Optimiser
from radiogen.models.training.sampling import class_weights, epoch_batches, hide_modalities, unit_weights
from radiogen.models.training.schedule import learning_rate
from radiogen.models.training.seeds import Purpose, generator, torch_seed
from radiogen.models.training.splitting import inner_split

A, B, OS = HeadSpec("a", "binary", ("no", "yes")), HeadSpec("b", "multiclass", ("x", "y", "z")), HeadSpec("os", "survival")


def test_rates() -> None:
    cosine = TrainSettings(epochs=4, learning_rate=0.2)
    # half-way down the cosine: a hundredth plus 99 hundredths of a half
    assert learning_rate(cosine, 0, 0, 10) == pytest.approx(0.2)
    assert learning_rate(cosine, 2, 0, 10) == pytest.approx(0.2 * (0.01 + 0.99 / 2))
    assert learning_rate(cosine, 1, 5, 10) == pytest.approx(0.2 * (0.01 + 0.99 * (1 + np.cos(np.pi * 1.5 / 4)) / 2))
    assert learning_rate(TrainSettings(schedule="constant", learning_rate=0.3), 59, 3, 5) == 0.3


def test_class_and_unit_weights_by_hand() -> None:
    labels = Labels(
        {"a": np.array([0, 0, 0, 1]), "b": np.array([0, 0, 2, 1]), "os": np.ones((4, 2))},
        {"a": np.ones(4, dtype=bool), "b": np.array([True, True, True, False]), "os": np.ones(4, dtype=bool)},
    )
    found = class_weights(labels, [A, B, OS])
    assert set(found) == {"a", "b"}
    # 4 labels, 2 classes: 4 / (2·3) and 4 / (2·1)
    assert found["a"].tolist() == pytest.approx([2 / 3, 2])
    # 3 known labels of the two classes that occur: 3 / (2·2), unused, 3 / (2·1)
    assert found["b"].tolist() == pytest.approx([3 / 4, 1, 3 / 2])
    # means over heads known: (2/3 + 3/4) / 2 twice, (2/3 + 3/2) / 2, 2 alone
    assert unit_weights(labels, [A, B, OS]).tolist() == pytest.approx([17 / 24, 17 / 24, 13 / 12, 2])
    assert unit_weights(labels, [OS]).tolist() == [1, 1, 1, 1]


def test_balanced_sampling_draws_classes_alike() -> None:
    y = np.repeat([0, 1], [90, 10])
    weights = unit_weights(Labels({"a": y}, {"a": np.ones(100, dtype=bool)}), [A])
    drawn = np.concatenate([np.concatenate(epoch_batches(np.arange(100), 32, np.random.default_rng(k), weights)) for k in range(50)])
    assert y[drawn].mean() == pytest.approx(0.5, abs=0.03)
    once = np.concatenate(epoch_batches(np.arange(100), 32, np.random.default_rng(0)))
    assert sorted(once) == list(range(100))


def test_hidden_modalities() -> None:
    present = np.zeros((6000, 3), dtype=bool)
    present[:4000, 0] = present[2000:, 1] = True
    seen = hide_modalities(present, 0.4, np.random.default_rng(0))
    assert not (seen & ~present).any()
    assert seen.any(axis=1).all()
    # alone: always there; of two: kept with 0.6, or the one drawn of two hidden, 0.6 + 0.4² / 2
    assert seen[:2000, 0].all()
    assert seen[2000:4000].mean(axis=0)[:2] == pytest.approx([0.68, 0.68], abs=0.03)
    nobody = np.zeros((3, 2), dtype=bool)
    assert not hide_modalities(nobody, 0.5, np.random.default_rng(0)).any()
    assert hide_modalities(present, 0.0, np.random.default_rng(0)) is present


def test_inner_split_keeps_groups_and_shares() -> None:
    rng = np.random.default_rng(0)
    n = 200
    groups = rng.integers(0, 80, n)
    a, b = (rng.random(n) < 0.1).astype(int), rng.integers(0, 3, n)
    os = np.stack([rng.exponential(size=n), rng.random(n) < 0.3], axis=1).astype(float)
    known = {"a": rng.random(n) < 0.8, "b": np.ones(n, dtype=bool), "os": np.ones(n, dtype=bool)}
    split = inner_split(Labels({"a": a, "b": b, "os": os}, known), [A, B, OS], groups, np.arange(n), 0.2, np.random.default_rng(1))
    assert not set(groups[split.train]) & set(groups[split.validation])
    assert sorted([*split.train, *split.validation]) == list(range(n))
    assert len(split.validation) == pytest.approx(40, abs=6)
    positive = known["a"] & (a == 1)
    assert positive[split.validation].sum() == pytest.approx(0.2 * positive.sum(), abs=2)
    assert os[split.validation, 1].mean() == pytest.approx(os[:, 1].mean(), abs=0.07)


def test_inner_split_says_why_there_is_none() -> None:
    one = Labels({"a": np.repeat([0, 1], [19, 1])}, {"a": np.ones(20, dtype=bool)})
    split = inner_split(one, [A], np.arange(20), np.arange(20), 0.2, np.random.default_rng(0))
    assert not len(split.validation) and len(split.train) == 20 and "two classes" in split.note
    few = Labels({"a": np.repeat([0, 1], 10)}, {"a": np.ones(20, dtype=bool)})
    assert "4 groups" in inner_split(few, [A], np.arange(20) % 4, np.arange(20), 0.2, np.random.default_rng(0)).note
    censored = Labels({"os": np.stack([np.arange(20.0), np.zeros(20)], axis=1)}, {"os": np.ones(20, dtype=bool)})
    assert not len(inner_split(censored, [OS], np.arange(20), np.arange(20), 0.2, np.random.default_rng(0)).validation)


def test_streams_are_apart() -> None:
    draws = {generator(1, p, m, e).integers(2**60) for p in Purpose for m in range(3) for e in range(3)}
    assert len(draws) == len(Purpose) * 9
    assert torch_seed(1, Purpose.NETWORK, 0) != torch_seed(1, Purpose.NETWORK, 1)
    torch.Generator().manual_seed(torch_seed(2**40, Purpose.START, 0))


def test_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    assert pick_device("cpu") == torch.device("cpu")
    with pytest.raises(RadiogenError) as caught:
        pick_device("mps")
    assert caught.value.code == "RG723"
    cpu = torch.device("cpu")
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_f": True, "avx512_bf16": False, "amx_bf16": False}, raising=False)
    assert not computes_bfloat16(cpu)
    assert autocast_type(TrainSettings(), cpu, pictures=True) is None
    assert autocast_type(TrainSettings(precision="bfloat16"), cpu, pictures=True) is torch.bfloat16
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": True}, raising=False)
    assert autocast_type(TrainSettings(), cpu, pictures=True) is torch.bfloat16
    assert autocast_type(TrainSettings(), cpu, pictures=False) is None
    assert autocast_type(TrainSettings(precision="float32"), cpu, pictures=True) is None
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False, raising=False)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: True, raising=False)
    assert computes_bfloat16(cpu)


def test_group_norms_in_float32_and_back() -> None:
    net = torch.nn.Sequential(torch.nn.Conv2d(1, 8, 3), torch.nn.GroupNorm(2, 8), torch.nn.Conv2d(8, 2, 1))
    seen: list[torch.dtype] = []
    net[1].register_forward_hook(lambda _, inputs, __: seen.append(inputs[0].dtype))
    with torch.autocast("cpu", torch.bfloat16):
        with float32_norms(net, torch.device("cpu")):
            assert net(torch.zeros(1, 1, 8, 8)).dtype == torch.bfloat16
        net(torch.zeros(1, 1, 8, 8))
    assert seen == [torch.float32, torch.bfloat16]


def test_only_weights_decay() -> None:
    """With a gradient of 0, AdamW multiplies weights by 1 - rate · decay and leaves biases alone."""
    net = torch.nn.Linear(2, 1)
    before = {k: v.clone() for k, v in net.state_dict().items()}
    optimiser = Optimiser(net, TrainSettings(weight_decay=0.5))
    for p in net.parameters():
        p.grad = torch.zeros_like(p)
    optimiser.step(0.1)
    assert torch.allclose(net.weight, before["weight"] * 0.95)
    assert torch.equal(net.bias, before["bias"])
