"""Frozen backbones stay as they are, and their pictures are read once without changing anything."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from radiogen.models.fusion.encoders import PictureReader
from radiogen.models.fusion.network import FusionNet
from radiogen.models.fusion.spec import Plan
from radiogen.models.training import embedded, train
from radiogen.models.training import member as member_module
from tests.models.training.conftest import make, with_heads, with_training


def net_of(plan: Plan) -> FusionNet:
    torch.manual_seed(0)
    return FusionNet(plan)


def backbone_weights(net: FusionNet) -> list[torch.Tensor]:
    return [p.detach().clone() for p in net.readers()["bmode"].backbone.parameters()]


def equal(a: list[torch.Tensor], b: list[torch.Tensor]) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def far(a: Any, b: Any) -> float:
    pairs = zip(a.nets[0].parameters(), b.nets[0].parameters(), strict=True)
    return max(float((x - y).detach().abs().max()) for x, y in pairs)


def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    read: list[int] = []
    original = PictureReader.read

    def count(self: PictureReader, pixels: torch.Tensor) -> torch.Tensor:
        read.append(len(pixels))
        return original(self, pixels)

    monkeypatch.setattr(PictureReader, "read", count)
    return read


@pytest.mark.parametrize("heads", [("TP53",), ("TP53", "os")])
def test_read_once_is_read_always(monkeypatch: pytest.MonkeyPatch, heads: tuple[str, ...]) -> None:
    plan, examples, labels = make(n=32, pictures=True)
    plan = with_training(with_heads(plan, *heads), freeze_epochs=-1, augment=False, epochs=2, batch_size=32)
    net, groups = net_of(plan), np.arange(32)
    read = counted(monkeypatch)
    cached = train(plan, examples, labels, groups, seed=1, net=net)
    once = len(examples.pictures["bmode"].pixels)
    # the temperature reads the validation part again, in full precision
    validated = sum(read) - once
    assert 0 < validated < once
    read.clear()
    monkeypatch.setattr(member_module, "cacheable", lambda *_: [])
    uncached = train(plan, examples, labels, groups, seed=1, net=net)
    assert sum(read) > 1.5 * once
    assert far(cached, uncached) < 1e-6
    assert np.allclose(cached.history["loss"], uncached.history["loss"], atol=1e-6)
    assert equal(backbone_weights(net), backbone_weights(cached.nets[0]))


def test_augmentation_and_the_cache_exclude_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    plan, examples, labels = make(n=24, pictures=True)
    plan = with_training(with_heads(plan, "TP53"), freeze_epochs=-1, augment=True, epochs=2, patience=0, modality_dropout=0.0)
    read = counted(monkeypatch)
    trained = train(plan, examples, labels, np.arange(24), seed=1, net=net_of(plan))
    assert any("augmentation" in note for note in trained.notes)
    used = np.isin(examples.pictures["bmode"].owner, np.flatnonzero(labels.known["TP53"]))
    assert sum(read) == 2 * used.sum()
    assert equal(backbone_weights(net_of(plan)), backbone_weights(trained.nets[0]))


def test_frozen_for_the_first_epochs_alone() -> None:
    plan, examples, labels = make(n=24, pictures=True)
    plan = with_training(with_heads(plan, "TP53"), augment=False, patience=0)
    start = net_of(plan)
    after = {}
    for epochs in (2, 3):
        own = with_training(plan, freeze_epochs=2, epochs=epochs)
        after[epochs] = backbone_weights(train(own, examples, labels, np.arange(24), seed=1, net=start).nets[0])
    assert equal(after[2], backbone_weights(start))
    assert not equal(after[3], backbone_weights(start))


def test_random_backbones_are_never_frozen() -> None:
    plan, examples, labels = make(n=24, pictures=True)
    plan = with_training(with_heads(plan, "TP53"), freeze_epochs=-1, epochs=2, patience=0)
    one, two = (train(with_training(plan, epochs=e), examples, labels, np.arange(24), seed=1) for e in (1, 2))
    assert not equal(backbone_weights(one.nets[0]), backbone_weights(two.nets[0]))


def test_embedded_examples_serve_a_search(monkeypatch: pytest.MonkeyPatch) -> None:
    plan, examples, labels = make(n=32, pictures=True)
    plan = with_training(with_heads(plan, "TP53"), freeze_epochs=-1, augment=False, epochs=2)
    net = net_of(plan)
    ready = embedded(plan, examples, net)
    assert ready.pictures["bmode"].pixels.shape == (len(examples.pictures["bmode"].owner), 64 + 2)
    a = train(plan, examples, labels, np.arange(32), seed=1, net=net)
    read = counted(monkeypatch)
    b = train(plan, ready, labels, np.arange(32), seed=1, net=net)
    found = b.predict(ready)["TP53"]
    assert not read
    assert far(a, b) < 1e-6
    assert np.allclose(found, b.predict(examples)["TP53"], atol=1e-6)
    read.clear()
    other = replace(plan, net=replace(plan.net, fusion="gated"))
    train(other, ready, labels, np.arange(32), seed=1, net=net_of(other))
    assert not read


def test_bfloat16_trains_and_predicts_in_full_precision() -> None:
    plan, examples, labels = make(n=32, pictures=True)
    plan = with_training(with_heads(plan, "TP53"), precision="bfloat16", epochs=2, patience=0)
    half = train(plan, examples, labels, np.arange(32), seed=1)
    full = train(with_training(plan, precision="float32"), examples, labels, np.arange(32), seed=1)
    assert 0 < far(half, full) < 0.05
    assert all(p.dtype == torch.float32 for p in half.nets[0].parameters())
    assert half.predict(examples)["TP53"].dtype == np.float64
