"""Augmentation moves what is aligned alike, keeps measured values and never turns depth upside down."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from radiogen.errors import RadiogenError
from radiogen.models.fusion.spec import InputSpec
from radiogen.models.training.augment import Augmenter, move
from radiogen.models.training.augmentation import Augmentation

STILL = Augmentation(0, 0, 0, 0, gain=0, tgc=0, attenuation=0, speckle=0, speckled=0, blur=0, shadow=0, shadow_depth=0)


def spec(name: str = "bmode", **changes: object) -> InputSpec:
    return InputSpec(name, "image", size=(32, 40), **changes)  # type: ignore[arg-type]


def noise(m: int, channels: int = 1, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).integers(0, 256, (m, channels, 32, 40), dtype=np.uint8))


def apply(
    inputs: list[InputSpec], pictures: dict[str, torch.Tensor], owner: list[int], settings: Augmentation | None = None, seed: int = 1
) -> dict[str, torch.Tensor]:
    augment = Augmenter(inputs, np.random.default_rng(0), settings)
    pairs = {name: (pixels, torch.tensor(owner)) for name, pixels in pictures.items()}
    return {name: p for name, (p, _) in augment(pairs, max(owner) + 1, np.random.default_rng(seed)).items()}


def test_nothing_asked_nothing_done() -> None:
    x = noise(3)
    assert torch.equal(apply([spec()], {"bmode": x}, [0, 1, 2], STILL)["bmode"], x.float() / 255)


def test_seeded_and_different_for_each() -> None:
    x = noise(1).expand(4, -1, -1, -1)
    a, b = (apply([spec()], {"bmode": x}, [0, 1, 2, 3])["bmode"] for _ in range(2))
    assert torch.equal(a, b)
    assert not torch.equal(a[0], a[1])
    assert not torch.equal(a, apply([spec()], {"bmode": x}, [0, 1, 2, 3], seed=2)["bmode"])
    assert a.min() >= 0 and a.max() <= 1


def test_measured_values_are_moved_and_never_changed() -> None:
    x = noise(30, channels=3)
    moved = apply([spec(physical=True, channels=3)], {"bmode": x}, list(range(30)))["bmode"]
    # pixels keep their three values together: every colour of the outcome is one of the input
    for before, after in zip(x, moved, strict=True):
        colours = {tuple(c) for c in before.permute(1, 2, 0).reshape(-1, 3).tolist()}
        assert {tuple(c) for c in (after * 255).round().to(torch.uint8).permute(1, 2, 0).reshape(-1, 3).tolist()} <= colours
        assert torch.equal((after * 255).round() / 255, after)
    assert not torch.equal(moved, x.float() / 255)


def test_aligned_inputs_of_a_unit_are_moved_alike() -> None:
    x = noise(6)
    inputs = [spec("grey", aligned="plane", physical=True), spec("kpa", aligned="plane", physical=True), spec("other", physical=True)]
    settings = replace(STILL, flip=0.5, rotation=20, scale=0.2, moved=1.0)
    found = apply(inputs, {"grey": x, "kpa": x, "other": x}, [0, 0, 1, 1, 2, 2], settings)
    assert torch.equal(found["grey"], found["kpa"])
    assert not torch.equal(found["grey"], found["other"])
    twins = apply([inputs[0]], {"grey": x[:1].expand(2, -1, -1, -1)}, [0, 0], settings)["grey"]
    assert torch.equal(twins[0], twins[1])


def test_aligned_inputs_of_two_sizes_turn_by_one_angle() -> None:
    """A bright spot off the centre lands at the same share of width and depth in pictures of two aspects."""
    geometry = np.array([[-1.0, 0.1, 1.05]], dtype=np.float32)
    places = []
    for rows, columns in ((60, 60), (120, 120)):
        x = torch.zeros(1, 1, rows, columns)
        x[0, 0, rows // 4 : rows // 4 + rows // 20, columns // 4 : columns // 4 + columns // 20] = 1
        y = move(x, geometry, nearest=False)[0, 0].numpy()
        at = np.argwhere(y > 0.5).mean(axis=0) + 0.5
        places.append(at / [rows, columns])
    assert places[0] == pytest.approx(places[1], abs=0.01)


def test_a_turn_by_hand() -> None:
    """A turn by 90° of 3 × 3, a mirror image, and a picture of twice the size."""
    x = torch.arange(9.0).reshape(1, 1, 3, 3)
    turned = move(x, np.array([[1, np.pi / 2, 1]], dtype=np.float32), nearest=True)[0, 0]
    assert torch.equal(turned, torch.rot90(x[0, 0], 1)) or torch.equal(turned, torch.rot90(x[0, 0], -1))
    assert torch.equal(move(x, np.array([[-1, 0, 1]], dtype=np.float32), nearest=True), x.flip(-1))
    wide = torch.arange(8.0).reshape(1, 1, 1, 8)
    assert move(wide, np.array([[1, 0, 2]], dtype=np.float32), nearest=True)[0, 0, 0].tolist() == [2, 2, 3, 3, 4, 4, 5, 5]


def test_depth_is_never_turned_upside_down() -> None:
    ramp = torch.linspace(0, 255, 32).to(torch.uint8)[None, None, :, None].expand(200, 1, 32, 40)
    moved = apply([spec()], {"bmode": ramp}, list(range(200)))["bmode"]
    assert (moved[:, 0, -8:].mean((1, 2)) > moved[:, 0, :8].mean((1, 2))).all()


def test_a_mirror_image_in_half_of_the_pictures() -> None:
    ramp = torch.linspace(0, 255, 40).to(torch.uint8)[None, None, None, :].expand(2000, 1, 32, 40)
    moved = apply([spec()], {"bmode": ramp}, list(range(2000)), replace(STILL, flip=0.5))["bmode"]
    mirrored = moved[:, 0, 0, 0] > moved[:, 0, 0, -1]
    assert float(mirrored.float().mean()) == pytest.approx(0.5, abs=0.04)


@pytest.mark.parametrize(("name", "settings"), [
    ("gain", {"gain": 0.3}), ("attenuation", {"attenuation": 0.4}), ("tgc", {"tgc": 0.3}), ("speckle", {"speckle": 0.5, "speckled": 1}),
    ("shadow", {"shadow": 1, "shadow_depth": 0.6}),
])  # fmt: skip
def test_brightness_by_what_it_is(name: str, settings: dict[str, float]) -> None:
    flat = torch.full((100, 1, 32, 40), 100, dtype=torch.uint8)
    y = apply([spec()], {"bmode": flat}, list(range(100)), replace(STILL, **settings))["bmode"][:, 0] / (100 / 255)
    along = y.mean(2)
    if name in ("gain", "attenuation", "tgc"):
        assert torch.allclose(y, along[:, :, None].expand_as(y))  # nothing differs from left to right
    if name == "gain":
        assert torch.allclose(along, along[:, :1].expand_as(along))
        assert 0.7 <= along.min() < 0.75 and 1.25 < along.max() <= 1.3
    elif name == "attenuation":
        assert torch.allclose(along[:, 0], torch.ones(100))
        assert (along.diff(dim=1) <= 1e-6).all() and 0.6 <= along.min() < 0.65
    elif name == "tgc":
        # smooth: no step between rows is more than a knot's range times a cosine's steepest slope
        assert along.diff(dim=1).abs().max() < 0.6 * np.pi / 2 * 3 / 31 + 1e-3
        assert along.min() < 0.8 and along.max() > 1.2
    elif name == "speckle":
        assert y.mean() == pytest.approx(1.0, abs=0.02)  # Rayleigh noise of mean 1
        strength = y.std((1, 2))
        assert strength.min() < 0.05 and 0.2 < strength.max() < 0.5 * 0.6
    else:
        assert (y <= 1 + 1e-6).all() and 0.4 <= y.min() < 0.5
        assert (y.diff(dim=1) <= 1e-6).all()  # it goes on to the bottom


def test_blur_keeps_the_mean_and_evens_out() -> None:
    x = noise(20)
    y = apply([spec()], {"bmode": x}, list(range(20)), replace(STILL, blur=1))["bmode"]
    assert y.mean() == pytest.approx(float(x.float().mean()) / 255, abs=0.01)
    # variance of a binomial mean of 9 independent pixels: (6/16)²
    assert y.std() / (x.float().std() / 255) == pytest.approx(6 / 16, abs=0.02)


def test_a_loop_is_drawn_for_once() -> None:
    loop = noise(1)[:, None].expand(2, 5, -1, -1, -1)
    spec_ = InputSpec("ceus", "cine", size=(32, 40))
    augment = Augmenter([spec_], np.random.default_rng(0))
    found, owner = augment({"ceus": (loop, torch.tensor([0, 1]))}, 2, np.random.default_rng(3))["ceus"]
    assert found.shape == (2, 5, 1, 32, 40) and owner.tolist() == [0, 1]
    assert all(torch.equal(found[k, 0], found[k, f]) for k in range(2) for f in range(5))
    assert not torch.equal(found[0], found[1])


def test_no_pictures_and_settings_out_of_range() -> None:
    augment = Augmenter([spec()], np.random.default_rng(0))
    none = augment({"bmode": (noise(1)[:0], torch.zeros(0, dtype=torch.int64))}, 3, np.random.default_rng(0))
    assert len(none["bmode"][0]) == 0
    for wrong in ({"flip": 1.5}, {"rotation": -1}, {"tgc_knots": 1}, {"scale": 1}):
        with pytest.raises(RadiogenError) as caught:
            Augmentation(**wrong)  # type: ignore[arg-type]
        assert caught.value.code == "RG708"
