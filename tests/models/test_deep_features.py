"""Deep features: averaged by hand, the same for any batch size, kept on disk by content, and out of a trained network."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from radiogen.errors import RadiogenError
from radiogen.models import backbone, deep_features, embeddings
from radiogen.models.deep.embedding import embed_pictures, encoder_digest
from radiogen.models.deep.kept import KeptEmbeddings
from radiogen.models.fusion.examples import Examples, Pictures


class Corners(nn.Module):
    """The picture itself as a map of one channel: its mean and its largest value are known."""

    name, features, in_channels = "corners", 1, 1

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))
        self.seen = 0

    def feature_map(self, x: Tensor) -> Tensor:
        self.seen += len(x)
        return self.scale * x

    def forward(self, x: Tensor) -> Tensor:
        return self.feature_map(x).mean((2, 3))


def _pictures(m: int = 7, size: int = 48, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (m, 1, size, size), dtype=np.uint8)


def test_units_are_means_of_their_pictures() -> None:
    """Two pictures of P1: 0 0 0 255 and 255 255 255 255, means 1/4 and 1; P3 has one: 51, a fifth; P2 has none."""
    pixels = np.array([[0, 0, 0, 255], [51] * 4, [255] * 4], dtype=np.uint8).reshape(3, 1, 2, 2)
    table = deep_features(Pictures(pixels, np.array([0, 2, 0])), ["P1", "P2", "P3"], Corners())
    assert (table.index.tolist(), table.index.name, table.columns.tolist()) == (["P1", "P2", "P3"], "unit", ["deep_corners_0"])
    np.testing.assert_allclose(table["deep_corners_0"], [0.625, np.nan, 0.2], rtol=1e-6)
    largest = deep_features(Pictures(pixels, np.array([0, 2, 0])), ["P1", "P2", "P3"], Corners(), pool="max")
    np.testing.assert_allclose(largest["deep_corners_0"], [1.0, np.nan, 0.2], rtol=1e-6)


def test_frames_of_a_loop_are_averaged() -> None:
    """Frames 0, 51, 255: (0 + 0.2 + 1) / 3."""
    loop = np.repeat(np.array([0, 51, 255], dtype=np.uint8), 4).reshape(1, 3, 1, 2, 2)
    for size in (1, 2, 8):
        table = deep_features(Pictures(loop, np.array([0])), ["P1"], Corners(), batch_size=size)
        assert table.iloc[0, 0] == pytest.approx(0.4)


@pytest.mark.parametrize("name", ["compact", "resnet18"])
def test_the_batch_size_changes_nothing(name: str) -> None:
    pictures = Pictures(_pictures(), np.arange(7))
    tables = [deep_features(pictures, list("abcdefg"), name, batch_size=size) for size in (1, 3, 7)]
    for other in tables[1:]:
        np.testing.assert_allclose(other.to_numpy(), tables[0].to_numpy(), rtol=1e-6, atol=1e-6)


def test_random_weights_come_from_the_seed_and_leave_torch_alone() -> None:
    pictures, units = Pictures(_pictures(2), np.arange(2)), ["a", "b"]
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    first = deep_features(pictures, units)
    assert torch.equal(torch.rand(1), expected)
    assert first.equals(deep_features(pictures, units))
    assert not first.equals(deep_features(pictures, units, seed=1))


def test_networks_stay_as_they_were() -> None:
    net = backbone("compact").train()
    before = {k: v.clone() for k, v in net.state_dict().items()}
    embed_pictures(_pictures(2), net)
    assert net.training and all(p.grad is None for p in net.parameters())
    assert all(torch.equal(before[k], v) for k, v in net.state_dict().items())


def test_embeddings_are_computed_once_per_picture_and_weights(tmp_path: Path) -> None:
    pixels, net = _pictures(5, 4), Corners()
    fresh = embed_pictures(pixels, net, cache=tmp_path)
    assert net.seen == 5
    np.testing.assert_array_equal(embed_pictures(pixels[[3, 0]], net, cache=tmp_path), fresh[[3, 0]])
    assert net.seen == 5
    embed_pictures(np.concatenate([pixels, _pictures(2, 4, seed=9)]), net, cache=tmp_path)
    assert net.seen == 7  # the new pictures alone
    embed_pictures(pixels, net, cache=tmp_path, pool="max")
    assert net.seen == 12
    with torch.no_grad():
        net.scale.mul_(2)
    np.testing.assert_allclose(embed_pictures(pixels, net, cache=tmp_path), 2 * fresh, rtol=1e-6)
    assert net.seen == 17
    assert not list(tmp_path.rglob("*.tmp"))


def test_a_damaged_entry_is_computed_again(tmp_path: Path) -> None:
    pixels, net = _pictures(1, 4), Corners()
    fresh = embed_pictures(pixels, net, cache=tmp_path)
    (entry,) = tmp_path.rglob("*.embedding")
    for damage in (b"", b"short", entry.read_bytes()[:-1] + b"\xff"):
        entry.write_bytes(damage)
        np.testing.assert_array_equal(embed_pictures(pixels, net, cache=tmp_path), fresh)
        assert KeptEmbeddings(tmp_path).get(entry.stem) is not None


def test_keys_know_the_shape_of_the_picture(tmp_path: Path) -> None:
    kept = KeptEmbeddings(tmp_path)
    flat = np.arange(16, dtype=np.uint8)
    assert kept.key("net", flat.reshape(1, 2, 8)) != kept.key("net", flat.reshape(1, 4, 4))
    assert encoder_digest(Corners(), "mean", "cpu") == encoder_digest(Corners(), "mean", "cpu") != encoder_digest(Corners(), "max", "cpu")


@pytest.mark.parametrize(
    ("pictures", "options", "code"),
    [
        (Pictures(_pictures(2).astype(float), np.arange(2)), {}, "RG705"),
        (Pictures(_pictures(2)[:, 0], np.arange(2)), {}, "RG705"),
        (Pictures(_pictures(2), np.array([0, 2])), {}, "RG705"),
        (Pictures(_pictures(2), np.array([0, -1])), {}, "RG705"),
        (Pictures(_pictures(2), np.arange(1)), {}, "RG705"),
        (Pictures(_pictures(2), np.arange(2)), {"pool": "sum"}, "RG708"),
        (Pictures(_pictures(2), np.arange(2)), {"batch_size": 0}, "RG708"),
        (Pictures(_pictures(2), np.arange(2)), {"backbone": "compcat"}, "RG730"),
        (Pictures(_pictures(2), np.arange(2)), {"backbone": nn.Flatten(), "pool": "max"}, "RG708"),
    ],
)
def test_what_is_refused(pictures: Pictures, options: dict[str, Any], code: str) -> None:
    with pytest.raises(RadiogenError) as caught:
        deep_features(pictures, ["a", "b"], **options)
    assert caught.value.code == code


def test_numbers_that_are_not_finite_are_refused() -> None:
    net = Corners()
    with torch.no_grad():
        net.scale.fill_(float("inf"))
    with pytest.raises(RadiogenError) as caught:
        embed_pictures(_pictures(1, 4), net)
    assert caught.value.code == "RG705"


def test_no_pictures_give_no_rows(tmp_path: Path) -> None:
    assert embed_pictures(_pictures(0), backbone("compact"), cache=tmp_path).shape == (0, 64)
    table = deep_features(Pictures(_pictures(0), np.zeros(0, dtype=int)), ["a"], backbone("compact"))
    assert table.shape == (1, 64) and table.isna().all(axis=None)


def test_within_a_trained_network() -> None:
    """Each input's own vectors, NaN where a unit has it not, the same for any batch size."""
    from radiogen.models.fusion.batch import to_batch
    from radiogen.models.fusion.network import FusionNet
    from radiogen.models.fusion.spec import HeadSpec, InputSpec, NetSettings, Plan

    plan = Plan(
        (InputSpec("clinical", "table", columns=("age", "size")), InputSpec("bmode:ring", "image", modality="bmode", size=(48, 48))),
        (HeadSpec("TP53", "binary", ("wild type", "mutated")),), NetSettings(width=4, hidden=4),
    )  # fmt: skip
    torch.manual_seed(0)
    net = FusionNet(plan)
    examples = Examples(
        np.array(["a", "b", "c"]), ("clinical", "bmode"), np.array([[True, True], [True, False], [False, True]]),
        {"clinical": np.arange(6.0).reshape(3, 2)}, {"bmode:ring": Pictures(_pictures(3), np.array([0, 2, 2]))},
    )  # fmt: skip
    trained: Any = SimpleNamespace(plan=plan, nets=[net])
    table = embeddings(trained, examples)
    assert table.columns.tolist() == [f"deep_{name}_{k}" for name in ("clinical", "bmode_ring") for k in range(4)]
    assert table.isna().to_numpy()[:, [0, 4]].tolist() == [[False, False], [False, True], [True, False]]
    assert net.training
    net.eval()
    with torch.no_grad():
        wanted = net.embed(to_batch(examples))["bmode:ring"].numpy()
    np.testing.assert_allclose(table.iloc[[0, 2], 4:], wanted[[0, 2]], atol=1e-6)
    np.testing.assert_allclose(embeddings(trained, examples, batch_size=1), table, atol=1e-6)
    with pytest.raises(RadiogenError) as caught:
        embeddings(trained, examples, net=1)
    assert caught.value.code == "RG708"


def test_a_unit_with_the_modality_but_no_picture_has_no_embedding() -> None:
    from radiogen.models.fusion.network import FusionNet
    from radiogen.models.fusion.spec import HeadSpec, InputSpec, NetSettings, Plan

    plan = Plan(
        (InputSpec("bmode:table", "table", modality="bmode", columns=("area",)), InputSpec("bmode", "image", size=(48, 48))),
        (HeadSpec("TP53", "binary", ("wild type", "mutated")),), NetSettings(width=4, hidden=4),
    )  # fmt: skip
    torch.manual_seed(0)
    examples = Examples(
        np.array(["a", "b"]), ("bmode",), np.ones((2, 1), dtype=bool), {"bmode:table": np.ones((2, 1))},
        {"bmode": Pictures(_pictures(1), np.array([1]))},
    )  # fmt: skip
    trained: Any = SimpleNamespace(plan=plan, nets=[FusionNet(plan)])
    table = embeddings(trained, examples)
    assert table.isna().to_numpy()[:, [0, 4]].tolist() == [[False, True], [False, False]]
