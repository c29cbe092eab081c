"""Backbones: their maps against torchvision's own features, the folded stems, freezing, and the small net."""

from __future__ import annotations

import copy
import subprocess
import sys
from importlib.util import find_spec

import pytest
import torch
from torch import Tensor, nn

from radiogen.errors import RadiogenError
from radiogen.imaging.outlines import unet_weights
from radiogen.models import backbone
from radiogen.models.backbones.compact import CompactTrunk, multiplications
from radiogen.models.backbones.make import Backbone
from radiogen.models.backbones.stems import FoldedStem, fold_first
from radiogen.models.backbones.vision import torchvision_models

FIVE = ("resnet18", "resnet50", "densenet121", "mobilenet_v2", "googlenet")
WIDTHS = {"resnet18": 512, "resnet50": 2048, "densenet121": 1024, "mobilenet_v2": 1280, "googlenet": 1024}
MEAN = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
STD = torch.tensor([0.229, 0.224, 0.225])[:, None, None]
needs_lite0 = pytest.mark.skipif(find_spec(unet_weights.PACKAGE) is None, reason="the package of the weights is not installed")


def _pair(name: str, channels: int, folder, monkeypatch: pytest.MonkeyPatch | None = None) -> tuple[nn.Module, Backbone]:
    """torchvision's network, whose statistics are those of some training, and ours with the same weights."""
    torch.manual_seed(0)
    options = {"aux_logits": False, "init_weights": False, "transform_input": True} if name == "googlenet" else {}
    net = torchvision_models().get_model(name, weights=None, num_classes=7, **options).eval()
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.uniform_(-0.1, 0.1), module.running_var.uniform_(0.8, 1.2)
                module.weight.uniform_(0.5, 1.0), module.bias.uniform_(-0.2, 0.2)
    torch.save(net.state_dict(), folder / "net.pth")
    return net, backbone(name, channels, folder / "net.pth")


def _pooled(net: nn.Module, x: Tensor) -> Tensor:
    """What torchvision's classifier sees: the input of its last layer, caught on its way."""
    caught: list[Tensor] = []
    last = [m for m in net.modules() if isinstance(m, nn.Linear)][-1]
    handle = last.register_forward_pre_hook(lambda _, args: caught.append(args[0]))
    with torch.no_grad():
        net(x)
    handle.remove()
    return caught[0]


@pytest.mark.parametrize("name", FIVE)
def test_grey_pictures_give_what_repeated_and_normalised_ones_give(name: str, tmp_path) -> None:
    """At odd sizes too, where every pixel of a small map has seen the border."""
    net, ours = _pair(name, 1, tmp_path)
    grey = torch.rand(2, 1, 48, 65)
    wanted = _pooled(net, (grey.expand(-1, 3, -1, -1) - MEAN) / STD)
    with torch.no_grad():
        found, maps = ours(grey), ours.feature_map(grey)
    assert ours.features == WIDTHS[name] == found.shape[1] == maps.shape[1]
    scale = float(wanted.abs().max())
    assert scale > 0.01
    assert float((found - wanted).abs().max()) < 1e-5 * max(1.0, scale)
    assert torch.equal(found, maps.mean((2, 3)))  # so that an activation map adds up
    assert len(ours.report.head) == 2 and ours.report.complete
    assert len(ours.report.reshaped) == 1


def test_rgb_and_repeated_channels(tmp_path) -> None:
    net, rgb = _pair("resnet18", 3, tmp_path)
    five = backbone("resnet18", 5, tmp_path / "net.pth")
    colour, grey = torch.rand(2, 3, 40, 40), torch.rand(2, 1, 40, 40)
    with torch.no_grad():
        torch.testing.assert_close(rgb(colour), _pooled(net, (colour - MEAN) / STD), atol=1e-5, rtol=1e-5)
        inflated = five(grey.expand(-1, 5, -1, -1))
        torch.testing.assert_close(inflated, _pooled(net, (grey.expand(-1, 3, -1, -1) - MEAN) / STD), atol=1e-5, rtol=1e-5)
    assert rgb.report.reshaped == ()


def test_a_folded_stem_by_hand() -> None:
    """One tap at the centre, weights 1, 2, 3: x / s · (1, 2, 3) - m / s · (1, 2, 3), with s = 0.5 and m = (0.1, 0.2, 0.3)."""
    conv = nn.Conv2d(3, 1, 3, padding=1, bias=False)
    with torch.no_grad():
        conv.weight.zero_()
        conv.weight[0, :, 1, 1] = torch.tensor([1.0, 2.0, 3.0])
    stem = FoldedStem(conv, 1, (0.1, 0.2, 0.3), (0.5, 0.5, 0.5))
    found = stem(torch.full((1, 1, 2, 2), 0.7))
    torch.testing.assert_close(found, torch.full((1, 1, 2, 2), (6 * 0.7 - 1.4) / 0.5))


def test_padding_stands_for_the_mean_at_the_border() -> None:
    """A tap beside the pixel: at the border it meets the padding, which adds nothing."""
    conv = nn.Conv2d(3, 1, 3, padding=1, bias=False)
    with torch.no_grad():
        conv.weight.zero_()
        conv.weight[0, 0, 1, 0] = 1.0
    stem = FoldedStem(conv, 1, (0.4, 0.0, 0.0), (0.2, 1.0, 1.0))
    found = stem(torch.tensor([[[[0.6, 0.8]]]]))
    torch.testing.assert_close(found, torch.tensor([[[[0.0, 1.0]]]]))


@pytest.mark.parametrize("conv", [nn.Conv2d(1, 2, 3), nn.Conv2d(3, 3, 3, groups=3), nn.Conv2d(3, 2, 3, padding=1, padding_mode="reflect")])
def test_stems_that_cannot_be_folded(conv: nn.Conv2d) -> None:
    with pytest.raises(RadiogenError) as caught:
        FoldedStem(conv, 1, (0, 0, 0), (1, 1, 1))
    assert caught.value.code == "RG705"


def test_a_network_without_a_first_convolution() -> None:
    with pytest.raises(RadiogenError) as caught:
        fold_first(nn.Sequential(nn.Conv2d(1, 2, 3)), 1, (0, 0, 0), (1, 1, 1))
    assert caught.value.code == "RG705"


@needs_lite0
def test_lite0_gives_what_its_parts_give() -> None:
    """Encoder and last convolution on the picture on ImageNet's scale, the padding of its first convolution included."""
    from radiogen.imaging.outlines.unet_encoder import Encoder, as_imagenet

    encoder = Encoder()
    encoder.load_imagenet()
    arrays = unet_weights.imagenet_weights()
    grey = torch.rand(2, 1, 64, 96)
    ours = backbone("efficientnet_lite0", 1, "imagenet")
    with torch.no_grad():
        last = torch.nn.functional.conv2d(encoder(as_imagenet(grey))[-1], arrays["_conv_head.weight"])
        normed = torch.nn.functional.batch_norm(last, *(arrays[f"_bn1.{k}"] for k in ("running_mean", "running_var", "weight", "bias")), eps=1e-3)
        wanted = normed.clamp(0, 6).mean((2, 3))
        found = ours(grey)
    assert (ours.features, ours.report.complete, ours.training) == (1280, True, False)
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", ["mobilenet_v3_small", "squeezenet1_1", "shufflenet_v2_x0_5", "mnasnet0_5", "regnet_y_400mf", "efficientnet_b0"])
def test_other_classifiers_are_taken_apart_too(name: str) -> None:
    ours = backbone(name).eval()
    with torch.no_grad():
        maps = ours.feature_map(torch.rand(1, 1, 64, 64))
    assert maps.shape[1] == ours.features and maps.ndim == 4


def test_swin_gives_maps_with_channels_first(tmp_path) -> None:
    net, ours = _pair("swin_t", 1, tmp_path)
    grey = torch.rand(1, 1, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(ours(grey), _pooled(net, (grey.expand(-1, 3, -1, -1) - MEAN) / STD), atol=1e-5, rtol=1e-5)


def test_a_transformer_has_an_embedding_and_no_map() -> None:
    ours = backbone("vit_b_32").eval()
    with torch.no_grad():
        assert ours(torch.rand(1, 1, 224, 224)).shape == (1, 768)
    for call, shape, code in ((ours.feature_map, (1, 1, 224, 224), "RG731"), (ours, (1, 1, 96, 96), "RG705")):
        with pytest.raises(RadiogenError) as caught:
            call(torch.rand(*shape))
        assert caught.value.code == code


@pytest.mark.parametrize(
    ("name", "channels", "code", "said"),
    [("resnet81", 1, "RG730", "resnet18"), ("Compact", 1, "RG730", "compact"), ("fasterrcnn_resnet50_fpn", 1, "RG730", ""), ("compact", 0, "RG708", "")],
)
def test_names_that_do_not_exist(name: str, channels: int, code: str, said: str) -> None:
    with pytest.raises(RadiogenError) as caught:
        backbone(name, channels)
    assert caught.value.code == code and said in str(caught.value)


@pytest.mark.parametrize("shape", [(1, 3, 48, 48), (1, 48, 48), (1, 1, 12, 48)])
def test_pictures_of_another_shape(shape: tuple[int, ...]) -> None:
    with pytest.raises(RadiogenError) as caught:
        backbone("compact")(torch.rand(*shape))
    assert caught.value.code == "RG705"


def test_frozen_statistics_survive_training() -> None:
    net = nn.Sequential(backbone("resnet18"), nn.Linear(512, 1))
    net[0].freeze()
    before = copy.deepcopy(net[0].state_dict())
    net.train()
    net(torch.rand(4, 1, 32, 32)).sum().backward()
    assert all(torch.equal(before[k], v) for k, v in net[0].state_dict().items())
    assert all(p.grad is None for p in net[0].parameters()) and net[1].weight.grad is not None
    net[0].freeze(False, statistics=True)
    net(torch.rand(4, 1, 32, 32)).sum().backward()
    assert all(torch.equal(before[k], v) for k, v in net[0].state_dict().items())
    assert all(p.grad is not None for p in net[0].parameters())
    net[0].freeze(False)
    net(torch.rand(4, 1, 32, 32))
    assert not torch.equal(before["trunk.bn1.running_mean"], net[0].trunk.bn1.running_mean)


def test_the_small_net_is_small() -> None:
    assert 50_000 < sum(p.numel() for p in CompactTrunk().parameters()) < 150_000
    assert multiplications(size=96) < 15e6


def test_the_small_net_does_not_see_the_batch_and_learns() -> None:
    """Discs brighter at the left against discs brighter at the right: told apart within a few steps."""
    torch.manual_seed(1)
    net = nn.Sequential(backbone("compact"), nn.Linear(64, 1))
    x = 0.5 + 0.1 * torch.randn(64, 1, 32, 32)
    y = (torch.arange(64) % 2).float()
    x[y == 1, :, 8:24, 4:16] += 0.3
    x[y == 0, :, 8:24, 16:28] += 0.3
    optimiser = torch.optim.AdamW(net.parameters(), lr=3e-3)
    for _ in range(25):
        optimiser.zero_grad()
        nn.functional.binary_cross_entropy_with_logits(net(x[:48]).squeeze(1), y[:48]).backward()
        optimiser.step()
    with torch.no_grad():
        together = net(x).squeeze(1)
        alone = torch.cat([net(x[i : i + 1]) for i in range(48, 64)]).squeeze(1)  # in training mode: GroupNorm has no statistics
    torch.testing.assert_close(alone, together[48:], atol=1e-4, rtol=1e-4)
    assert ((alone > 0) == (y[48:] == 1)).float().mean() > 0.9


def test_importing_the_room_imports_no_torch() -> None:
    code = "import radiogen.models, sys; print([m for m in ('torch', 'torchvision', 'safetensors') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
