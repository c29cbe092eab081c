"""Files of weights: every array accounted for, nothing run, other networks refused, ImageNet's weights without a network."""

from __future__ import annotations

import hashlib
import os
import pickle
import re
from dataclasses import FrozenInstanceError
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.error import URLError

import pytest
import torch
from torch import nn

from radiogen.errors import RadiogenError
from radiogen.models import backbone
from radiogen.models.backbones import published
from radiogen.models.backbones.vision import torchvision_models


@pytest.fixture(scope="module")
def resnet() -> dict[str, Any]:
    torch.manual_seed(0)
    return dict(torchvision_models().resnet18(num_classes=2).state_dict())


@pytest.fixture(scope="module")
def conv1(resnet: dict[str, Any]) -> Any:
    return backbone_of(resnet)


def backbone_of(state: dict[str, Any]) -> Any:
    """What the folded first convolution must be: the weights over the deviations, summed over the channels."""
    return (state["conv1.weight"] / torch.tensor([0.229, 0.224, 0.225])[:, None, None]).sum(1, keepdim=True)


def refused(code: str, *arguments: Any) -> str:
    with pytest.raises(RadiogenError) as caught:
        backbone(*arguments)
    assert caught.value.code == code
    return str(caught.value)


@pytest.mark.parametrize("wrapped", ["bare", "state_dict", "module.", "model.backbone.", "safetensors"])
def test_files_as_people_save_them(resnet: dict[str, Any], conv1: Any, wrapped: str, tmp_path: Path) -> None:
    path, prefix = tmp_path / "net.pth", wrapped if wrapped.endswith(".") else ""
    state: dict[str, Any] = {prefix + k: v for k, v in resnet.items()}
    if wrapped == "safetensors":
        from safetensors.torch import save_file

        path = tmp_path / "net.safetensors"
        save_file(state, path)
    else:
        torch.save({"epoch": 3, "state_dict": state} if wrapped == "state_dict" else state, path)
    net = backbone("resnet18", 1, str(path))
    report = net.report
    torch.testing.assert_close(net.trunk.conv1.weight, conv1)
    assert (report.missing, report.unexpected, report.reshaped) == ((), (), ("conv1.weight",))
    assert report.head == (prefix + "fc.bias", prefix + "fc.weight")
    assert (report.prefix, report.loaded, report.complete) == (prefix, 100, True)  # 20 convolutions, 20 normalisations of 4 arrays
    assert report.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(FrozenInstanceError):
        report.loaded = 1


def test_missing_and_unexpected_arrays_are_reported(resnet: dict[str, Any], tmp_path: Path) -> None:
    state = {k: v for k, v in resnet.items() if k not in ("layer1.0.bn1.bias", "bn1.num_batches_tracked")}
    torch.save({**state, "extra.weight": torch.ones(2)}, tmp_path / "net.pth")
    report = backbone("resnet18", 1, tmp_path / "net.pth").report
    assert not report.complete
    assert report.frame().to_numpy().tolist() == [
        ["layer1.0.bn1.bias", "missing"], ["extra.weight", "unexpected"], ["conv1.weight", "reshaped"],
        ["fc.bias", "head"], ["fc.weight", "head"],
    ]  # fmt: skip
    assert re.fullmatch(r"99 arrays from .*net\.pth \(1 missing, 1 unexpected, 1 reshaped, 2 head\)", str(report))


def test_children_numbered_by_a_sequential(resnet: dict[str, Any], conv1: Any, tmp_path: Path) -> None:
    """``Sequential(*list(net.children())[:-1])``, as encoders are often cut off."""
    net = torchvision_models().resnet18(num_classes=2)
    net.load_state_dict(resnet)
    torch.save({f"backbone.{k}": v for k, v in nn.Sequential(*list(net.children())[:-1]).state_dict().items()}, tmp_path / "net.pth")
    ours = backbone("resnet18", 1, tmp_path / "net.pth")
    torch.testing.assert_close(ours.trunk.conv1.weight, conv1)
    assert (ours.report.complete, ours.report.prefix, ours.report.unexpected) == (True, "backbone.", ())


def test_the_old_names_of_densenet(tmp_path: Path) -> None:
    state = torchvision_models().densenet121(num_classes=2).state_dict()
    old = {re.sub(r"(denselayer\d+\.(?:norm|conv))(\d)", r"\1.\2", k): v for k, v in state.items()}
    assert old.keys() != state.keys()
    torch.save(old, tmp_path / "old.pth")
    report = backbone("densenet121", 1, tmp_path / "old.pth").report
    assert report.complete and not report.unexpected


def test_weights_learnt_on_grey_pictures_stay_as_they_are(resnet: dict[str, Any], tmp_path: Path) -> None:
    grey = torch.rand(64, 1, 7, 7)
    torch.save({**resnet, "conv1.weight": grey}, tmp_path / "grey.pth")
    net = backbone("resnet18", 1, tmp_path / "grey.pth")
    assert torch.equal(net.trunk.conv1.weight, grey) and not net.trunk.conv1.shift.any()
    assert net.report.complete and net.report.reshaped == () and net.report.loaded == 100
    refused("RG734", "resnet18", 3, tmp_path / "grey.pth")


@pytest.mark.parametrize(("name", "channels"), [("compact", 1), ("compact", 3), ("resnet18", 1), ("efficientnet_lite0", 2)])
def test_saved_and_loaded_backbones_are_the_same(name: str, channels: int, tmp_path: Path) -> None:
    """Alone, or as a part of a larger network."""
    net, x = backbone(name, channels).eval(), torch.rand(2, channels, 64, 64)
    for number, prefix in enumerate(("", "encoders.swe.backbone.")):
        torch.save({prefix + k: v for k, v in net.state_dict().items()}, tmp_path / f"{number}.pth")
        again = backbone(name, channels, tmp_path / f"{number}.pth")
        with torch.no_grad():
            assert torch.equal(net(x), again(x))
        assert again.report.complete and not again.report.unexpected
        assert again.report.prefix == prefix + "trunk."


class _Code:
    def __reduce__(self) -> Any:
        return os.system, ("touch it_ran",)


def _write(kind: str, path: Path, resnet: dict[str, Any]) -> None:
    if kind == "code":
        torch.save({"conv1.weight": _Code()}, path)
    elif kind == "whole network":
        torch.save(nn.Linear(2, 2), path)
    elif kind == "cut":
        torch.save(resnet, path)
        path.write_bytes(path.read_bytes()[:10_000])
    elif kind == "text":
        path.write_text("no weights at all")
    elif kind == "pickle":
        path.write_bytes(pickle.dumps({"a": _Code()}, protocol=2))
    elif kind == "no arrays":
        torch.save({"epoch": 3}, path)
    elif kind == "not finite":
        torch.save({**resnet, "bn1.bias": torch.full((64,), float("nan"))}, path)
    elif kind == "another network":
        torch.save(torchvision_models().mobilenet_v2(num_classes=2).state_dict(), path)
    elif kind == "another width":
        torch.save({**resnet, "layer4.1.conv2.weight": torch.rand(256, 512, 3, 3)}, path)


@pytest.mark.parametrize(
    ("kind", "code", "said"),
    [
        ("code", "RG733", "system"), ("whole network", "RG733", "Linear"), ("pickle", "RG733", "system"), ("cut", "RG732", "damaged"),
        ("text", "RG732", "damaged"), ("no arrays", "RG732", "no named arrays"), ("not finite", "RG732", "bn1.bias"),
        ("absent", "RG732", "No such file"), ("another network", "RG734", "conv1.weight"), ("another width", "RG734", "(256, 512, 3, 3)"),
    ],
)  # fmt: skip
def test_files_that_are_refused(kind: str, code: str, said: str, resnet: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    _write(kind, tmp_path / "net.pth", resnet)
    assert said in refused(code, "resnet18", 1, tmp_path / "net.pth")
    assert not (tmp_path / "it_ran").exists()


def test_a_damaged_safetensors(tmp_path: Path) -> None:
    (tmp_path / "net.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0garbage")
    refused("RG732", "resnet18", 1, tmp_path / "net.safetensors")


def test_there_are_no_imagenet_weights_of_compact() -> None:
    refused("RG735", "compact", 1, "imagenet")


class _Answer:
    """An answer of the network in pieces, which may break off."""

    def __init__(self, body: bytes, broken: bool = False) -> None:
        self.body, self.broken = body, broken

    def __enter__(self) -> _Answer:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def read(self, size: int) -> bytes:
        if not self.body and self.broken:
            raise ConnectionResetError("reset by peer")
        piece, self.body = self.body[:size], self.body[size:]
        return piece


@pytest.fixture
def hub(resnet: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """An empty cache, and a published file of which name and contents are ours."""
    torch.save(resnet, tmp_path / "source.pth")
    body = (tmp_path / "source.pth").read_bytes()
    url = f"https://example.org/models/resnet18-{hashlib.sha256(body).hexdigest()[:8]}.pth"
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    monkeypatch.setattr(published, "published", lambda name: SimpleNamespace(url=url))
    return SimpleNamespace(body=body, url=url, file=tmp_path / "hub" / "checkpoints" / url.rpartition("/")[2])


def test_the_cache_is_used_without_the_network(hub: SimpleNamespace, conv1: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(published, "urlopen", lambda *_, **__: pytest.fail("the network was asked"))
    hub.file.parent.mkdir(parents=True)
    hub.file.write_bytes(hub.body)
    torch.testing.assert_close(backbone("resnet18", 1, "imagenet").trunk.conv1.weight, conv1)
    hub.file.write_bytes(hub.body + b"!")
    assert "delete it" in refused("RG735", "resnet18", 1, "imagenet")


def test_a_download_comes_whole_or_not_at_all(hub: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {"broken": _Answer(hub.body[:1000], broken=True), "another": _Answer(b"<html>please log in</html>"), "sound": _Answer(hub.body)}
    for kind, said in (("broken", "connection broke"), ("another", "SHA-256")):
        monkeypatch.setattr(published, "urlopen", lambda *_, kind=kind, **__: answers[kind])
        assert said in refused("RG735", "resnet18", 1, "imagenet")
        assert list(hub.file.parent.iterdir()) == []
    monkeypatch.setattr(published, "urlopen", lambda *_, **__: answers["sound"])
    net = backbone("resnet18", 1, "imagenet")
    assert net.report.complete and net.report.source == str(hub.file) and not net.training
    assert hub.file.read_bytes() == hub.body


@pytest.mark.parametrize("error", [URLError("Name or service not known"), TimeoutError("timed out"), ConnectionRefusedError("refused")])
def test_a_closed_network_is_told_with_the_way_round(hub: SimpleNamespace, error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(url: str, timeout: float) -> Any:
        assert url == hub.url and 0 < timeout <= 60
        raise error

    monkeypatch.setattr(published, "urlopen", closed)
    said = refused("RG735", "resnet18", 1, "imagenet")
    assert hub.url in said and str(hub.file) in said and "weights='<folder>/" in said


def test_the_published_files_are_those_of_the_original_training() -> None:
    from radiogen.models.backbones.zoo import published as entry

    assert entry("resnet50").url.endswith("resnet50-0676ba61.pth")
    assert entry("densenet121").url.endswith("densenet121-a639ec97.pth")
    assert published._as_published("0676ba61" + "0" * 56, Path("resnet50-0676ba61.pth"))
    assert not published._as_published("1" * 64, Path("resnet50-0676ba61.pth"))
