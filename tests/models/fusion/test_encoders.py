"""Encoders of single inputs, and what early fusion lays on one another."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from radiogen.errors import RadiogenError
from radiogen.models.fusion.batch import Batch
from radiogen.models.fusion.early import Stack, stacks
from radiogen.models.fusion.encoders import PictureReader, TableEncoder, TimePool, make_encoder, with_times
from radiogen.models.fusion.network import FusionNet
from radiogen.models.fusion.spec import InputSpec, NetSettings, Plan
from tests.models.fusion.small_nets import HEADS, INPUTS, mixed_batch, net_of

NET = NetSettings(width=4, hidden=4)
GREY, SWE = INPUTS[1], INPUTS[3]


def test_the_bypass_of_a_table_is_linear() -> None:
    encoder = TableEncoder(columns=3, hidden=4, width=2, dropout=0.0)
    for layer in (encoder.inner[3],):
        torch.nn.init.zeros_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    with torch.no_grad():
        encoder.bypass.weight.copy_(torch.tensor([[1.0, 0.0, 2.0], [0.0, -1.0, 0.0]]))
    assert encoder(torch.tensor([[1.0, 2.0, 3.0]])).tolist() == [[7.0, -2.0]]


@pytest.mark.usefixtures("tiny")
def test_a_picture_s_level_stands_beside_its_features() -> None:
    reader = PictureReader(SWE)
    assert reader.features == 5 + 6
    half = torch.zeros(1, 3, 16, 16)
    half[0, 0, :8] = 1.0  # mean 1/2, standard deviation 1/2; the other channels are 0
    half[0, 2] = 0.25
    level = reader.read(half)[0, 5:]
    expected = torch.tensor([4 * 0.5 - 1, -1.0, 0.0, 4 * 0.5 - 1, -1.0, -1.0])
    assert torch.allclose(level, expected, atol=5e-3)


@pytest.mark.usefixtures("tiny")
def test_an_even_picture_has_a_finite_gradient() -> None:
    pixels = torch.zeros(1, 3, 16, 16, requires_grad=True)
    PictureReader(SWE)(pixels).sum().backward()
    assert pixels.grad.isfinite().all()


@pytest.mark.usefixtures("tiny")
def test_only_pictures_of_those_who_have_the_modality_are_read() -> None:
    encoder = make_encoder(GREY, NET).eval()
    batch = mixed_batch()
    sizes: list[int] = []
    encoder.reader.backbone.register_forward_hook(lambda module, given, made: sizes.append(len(given[0])))
    present = torch.tensor([False, True, True, False, False, False])
    vectors, has = encoder(batch, present)
    encoder(batch, torch.zeros(6, dtype=torch.bool))
    owners = batch.pictures["bmode"][1]
    assert sizes == [int(((owners == 1) | (owners == 2)).sum())]
    assert torch.equal(has, present)
    assert (vectors[~present] == 0).all()
    assert (vectors[present].abs().sum(1) > 0).all()


@pytest.mark.usefixtures("tiny")
def test_several_pictures_are_pooled_whatever_their_order() -> None:
    encoder = make_encoder(GREY, NET).eval()
    batch = mixed_batch()
    pixels, owner = batch.pictures["bmode"]
    order = torch.randperm(len(owner), generator=torch.Generator().manual_seed(0))
    other = replace(batch, pictures={"bmode": (pixels[order], owner[order])})
    with torch.no_grad():
        assert torch.allclose(encoder(batch, batch.present[:, 0])[0], encoder(other, batch.present[:, 0])[0], atol=1e-6)
        torch.nn.init.zeros_(encoder.pool.score.weight)
        mean = torch.stack([encoder.project(encoder.reader(pixels[owner == k])).mean(0) for k in range(6)])
        assert torch.allclose(encoder(batch, batch.present[:, 0])[0], mean, atol=1e-6)


def test_times_of_frames_by_hand() -> None:
    frames = with_times(torch.zeros(1, 3, 2))
    assert frames.shape == (1, 3, 9)
    assert torch.allclose(frames[0, 1, 2:], torch.tensor([0.5, 1.0, 0.0, -1.0, 0.0, -1.0, 0.0]), atol=1e-6)
    assert torch.allclose(frames[0, :, 2], torch.tensor([0.0, 0.5, 1.0]))
    assert with_times(torch.zeros(1, 1, 2))[0, 0, 2:].tolist() == [0, 0, 0, 0, 1, 1, 1]


def test_the_course_of_a_number_by_hand() -> None:
    pool = TimePool(width=1, hidden=1)
    torch.nn.init.zeros_(pool.pool.score.weight)
    # frames at 0, 1/2 and 1: cosines of half a turn 1, 0, -1; of a turn 1, -1, 1; of one and a half 1, 0, -1
    found = pool(torch.tensor([[[6.0], [3.0], [0.0]]]))
    assert torch.allclose(found, torch.tensor([[3.0, (6 - 0) / 3, (6 - 3 + 0) / 3, (6 - 0) / 3]]), atol=1e-5)


@pytest.mark.usefixtures("tiny")
def test_the_order_of_frames_and_the_curve_matter() -> None:
    encoder, batch = make_encoder(INPUTS[4], NET).eval(), mixed_batch()
    everyone = batch.present[:, 0]
    pixels, owner = batch.pictures["ceus"]
    backwards = replace(batch, pictures={"ceus": (pixels.flip(1), owner)})
    other_curve = replace(batch, tables={"ceus": batch.tables["ceus"] + 1})
    with torch.no_grad():
        vectors = encoder(batch, everyone)[0]
        for changed in (backwards, other_curve):
            assert ((encoder(changed, everyone)[0] - vectors).abs().amax(1) > 1e-4).all()


@pytest.mark.usefixtures("tiny")
def test_a_loop_needs_no_curve() -> None:
    encoder = make_encoder(replace(INPUTS[4], columns=()), NET)
    batch = mixed_batch()
    vectors, has = encoder(replace(batch, tables={}), batch.present[:, 0])
    assert vectors.shape == (6, 4)
    assert has.all()


def test_what_is_stacked() -> None:
    word = {"aligned": "plane"}
    inputs = (
        InputSpec("a", "image", **word), InputSpec("t", "table", columns=("x",)), InputSpec("b", "image", **word),
        InputSpec("small", "image", size=(32, 32), **word), InputSpec("loop", "cine", **word), InputSpec("loose", "image"),
        InputSpec("other", "image", backbone="resnet18", **word), InputSpec("loose too", "image"),
    )  # fmt: skip
    assert [[i.name for i in s] for s in stacks(inputs)] == [["a", "b"], ["small"], ["loop"], ["loose"], ["other"], ["loose too"]]


@pytest.mark.usefixtures("tiny")
def test_the_kth_pictures_form_one_stack() -> None:
    stack = Stack((GREY, SWE), NET)
    seen: list[torch.Tensor] = []
    stack.reader.backbone.register_forward_hook(lambda module, given, made: seen.append(given[0]))
    grey = torch.stack([torch.full((1, 16, 16), v, dtype=torch.uint8) for v in (51, 102, 153)])
    swe = torch.stack([torch.full((3, 16, 16), v, dtype=torch.uint8) for v in (204, 255)])
    # unit 0 has two grey pictures and one of SWE, unit 1 one of SWE alone, unit 2 one grey picture, hidden
    batch = Batch(torch.ones(3, 2, dtype=torch.bool), {}, {
        "bmode": (grey, torch.tensor([0, 2, 0])), "swe": (swe, torch.tensor([1, 0])),
    })  # fmt: skip
    vectors, has = stack(batch, torch.tensor([[True, True], [True, True], [False, True]]))
    assert torch.allclose(seen[0][:, [0, 1, 3], 0, 0], torch.tensor([[0.2, 1.0, 1.0], [0.6, 0.0, 0.0], [0.0, 0.8, 0.8]]))
    assert has.tolist() == [[True, True], [False, True], [False, False]]
    assert vectors.shape == (3, 5 + 2 * 4 + 2)
    assert (vectors[2] == 0).all()
    assert vectors[1, -2:].tolist() == [0.0, 1.0]


@pytest.mark.usefixtures("tiny")
def test_stacked_inputs_need_their_pixels() -> None:
    net, batch = net_of("early"), mixed_batch()
    features = torch.zeros(len(batch.pictures["bmode"][1]), net.readers()["bmode+swe"].features)
    with pytest.raises(RadiogenError) as caught:
        net(replace(batch, pictures={**batch.pictures, "bmode": (features, batch.pictures["bmode"][1])}))
    assert caught.value.code == "RG705"


def test_real_backbones_of_their_names() -> None:
    inputs = (InputSpec("bmode", "image", size=(32, 32)), InputSpec("swe", "image", channels=3, size=(32, 32)))
    torch.manual_seed(0)
    net = FusionNet(Plan(inputs, HEADS)).eval()
    assert net.readers()["swe"].backbone.name == "compact"
    pixels = {k: (torch.randint(0, 256, (2, c, 32, 32), dtype=torch.uint8), torch.arange(2)) for k, c in (("bmode", 1), ("swe", 3))}
    with torch.no_grad():
        out = net(Batch(torch.tensor([[True, True], [True, False]]), {}, pixels))
    assert all(v.isfinite().all() for v in out.values())
    assert math.prod(out["subtype"].shape) == 8
