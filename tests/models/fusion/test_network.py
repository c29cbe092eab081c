"""Whole networks: presence is exact, units do not see one another, and all fusions take all subsets."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch

from radiogen.errors import RadiogenError
from radiogen.models.fusion.batch import Batch
from radiogen.models.fusion.heads import probabilities, total_loss
from radiogen.models.fusion.network import FusionNet
from radiogen.models.fusion.spec import HeadSpec, InputSpec, NetSettings, Plan, TrainSettings
from tests.models.fusion.small_nets import FUSIONS, HEADS, INPUTS, garbage, mixed_batch, net_of, with_pictures
from tests.models.fusion.test_batch import label_batch

pytestmark = pytest.mark.usefixtures("tiny")
ALL = sorted({*FUSIONS})
#: every subset of the four modalities, the empty one first
SUBSETS = torch.tensor(list(product([False, True], repeat=4)))


def largest_difference(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> float:
    return max((a[k] - b[k]).abs().max().item() for k in a)


@pytest.mark.parametrize("fusion", ALL)
def test_every_subset_gives_finite_predictions_of_the_right_shape(fusion: str) -> None:
    net, batch = net_of(fusion), mixed_batch(SUBSETS, units=16)
    with torch.no_grad():
        out = net(batch)
    for head in HEADS:
        assert out[head.name].shape == (16, head.outputs)
        p = probabilities(out[head.name], head)
        assert p.isfinite().all()
        if head.classes:
            assert p.shape == (16, len(head.classes))
            assert torch.allclose(p.sum(1), torch.ones(16), atol=1e-5)
            assert (p >= 0).all()


@pytest.mark.parametrize("fusion", ALL)
def test_hiding_a_modality_is_never_having_had_it(fusion: str) -> None:
    net, full = net_of(fusion), mixed_batch(units=16)
    without = replace(full, present=SUBSETS)
    # those who never had a modality have no pictures of it and other numbers in its tables
    column = {i.name: net.plan.modalities.index(i.modality) for i in INPUTS}
    never = with_pictures(without, lambda k, p, o: (p[SUBSETS[o, column[k]]], o[SUBSETS[o, column[k]]]))
    never = replace(never, tables={k: torch.where(SUBSETS[:, [column[k]]], t, torch.nan) for k, t in never.tables.items()})
    with torch.no_grad():
        hidden, absent = net(full, SUBSETS), net(never)
    assert largest_difference(hidden, absent) == 0
    assert largest_difference(hidden, net(full)) > 1e-3


@pytest.mark.parametrize("fusion", ALL)
def test_absent_numbers_change_neither_output_nor_gradient(fusion: str) -> None:
    net = net_of(fusion)
    batch = mixed_batch(SUBSETS[1:], units=15)
    spoilt = garbage(batch)
    zeros = with_pictures(spoilt, lambda _, p, o: (p.nan_to_num(0.0), o))
    zeros = replace(zeros, tables={k: t.nan_to_num(0.0) for k, t in zeros.tables.items()})
    found = []
    for units in (spoilt, zeros):
        for values in (*units.tables.values(), *(p for p, _ in units.pictures.values())):
            values.requires_grad_()
        net.zero_grad()
        out = net(units)
        total_loss(out, label_batch(15), HEADS, TrainSettings())[0].backward()
        weights = [p.grad for p in net.parameters() if p.grad is not None]
        inputs = [*(t.grad for t in units.tables.values()), *(p.grad for p, _ in units.pictures.values())]
        found.append((out, weights, inputs))
    (out, weights, inputs), (other_out, other_weights, other_inputs) = found
    assert largest_difference(out, other_out) == 0
    assert all(g.isfinite().all() for g in (*weights, *inputs))
    assert len(weights) == len(other_weights) > 0
    assert all(torch.equal(a, b) for a, b in zip(weights, other_weights, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(inputs, other_inputs, strict=True))
    for spec in INPUTS:
        absent = ~batch.present[:, net.of[INPUTS.index(spec)]]
        if spec.name in spoilt.tables:
            assert (spoilt.tables[spec.name].grad[absent] == 0).all()
        if spec.name in spoilt.pictures:
            pixels, owner = spoilt.pictures[spec.name]
            assert (pixels.grad[absent[owner]] == 0).all()
            assert (pixels.grad[~absent[owner]] != 0).any()


@pytest.mark.parametrize("fusion", ALL)
def test_a_prediction_does_not_depend_on_the_others(fusion: str) -> None:
    net = net_of(fusion)
    present = SUBSETS[torch.tensor([15, 3, 8, 13, 6, 1])]
    batch = mixed_batch(present)
    threads = torch.get_num_threads()
    with torch.no_grad():
        whole = net(batch)
        order = torch.tensor([4, 0, 5, 2, 1, 3])
        shuffled = net(batch.take(order))
        alone = [net(batch.take(torch.tensor([i]))) for i in range(6)]
        twice = net(batch.take(torch.tensor([2, 2, 0])))
        try:
            torch.set_num_threads(2)
            on_two = net(batch)
        finally:
            torch.set_num_threads(threads)
    for name, values in whole.items():
        assert torch.allclose(shuffled[name], values[order], atol=1e-5)
        assert torch.allclose(torch.cat([a[name] for a in alone]), values, atol=1e-5)
        assert torch.allclose(twice[name], values[[2, 2, 0]], atol=1e-5)
        assert torch.allclose(on_two[name], values, atol=1e-5)
        assert values[0].ne(values[1]).any()


@pytest.mark.parametrize("fusion", ALL)
@pytest.mark.parametrize("only", INPUTS, ids=lambda i: i.name)
def test_a_single_input_works_with_every_fusion(fusion: str, only: InputSpec) -> None:
    net = net_of(fusion, inputs=(only,))
    batch = replace(mixed_batch(), present=torch.tensor([True] * 5 + [False])[:, None])
    out = net(batch)
    total_loss(out, label_batch(6), HEADS, TrainSettings())[0].backward()
    assert all(v.isfinite().all() for v in out.values())
    first = next(iter(net.parameters())).grad
    assert first is not None
    assert first.isfinite().all()


@pytest.mark.parametrize("fusion", ALL)
def test_every_weight_learns_from_units_that_have_all(fusion: str) -> None:
    net = net_of(fusion)
    loss, _ = total_loss(net(mixed_batch()), label_batch(6), HEADS, TrainSettings())
    loss.backward()
    without = [name for name, p in net.named_parameters() if p.requires_grad and (p.grad is None or not (p.grad != 0).any())]
    assert without == []


@pytest.mark.parametrize("fusion", ALL)
def test_nothing_is_normalised_over_units_and_the_network_stays_small(fusion: str) -> None:
    inputs = tuple(InputSpec(f"m{k}", "table", columns=tuple(f"x{j}" for j in range(20))) for k in range(5))
    net = FusionNet(Plan(inputs, HEADS, NetSettings(fusion=fusion)))
    assert not [m for m in net.modules() if "BatchNorm" in type(m).__name__]
    assert sum(p.numel() for p in net.parameters()) < 26_000


@pytest.mark.parametrize("fusion", ALL)
def test_seeds_decide(fusion: str) -> None:
    batch = mixed_batch()
    with torch.no_grad():
        a, b, c = (net_of(fusion, seed=s)(batch) for s in (0, 0, 1))
    assert largest_difference(a, b) == 0
    assert largest_difference(a, c) > 1e-3


@pytest.mark.parametrize("fusion", ALL)
def test_a_plan_and_its_weights_make_the_same_network(fusion: str) -> None:
    net, batch = net_of(fusion), mixed_batch(SUBSETS, units=16)
    again = FusionNet(Plan.from_dict(json.loads(json.dumps(net.plan.to_dict())))).eval()
    again.load_state_dict({k: v.clone() for k, v in net.state_dict().items()})
    with torch.no_grad():
        assert largest_difference(net(batch), again(batch)) == 0


def test_an_untrained_network_has_no_opinion() -> None:
    for fusion in ALL:
        torch.manual_seed(0)
        net = FusionNet(Plan(INPUTS, HEADS, NetSettings(fusion=fusion))).eval()
        with torch.no_grad():
            out = net(mixed_batch())
        for head in HEADS[:3]:
            assert torch.allclose(probabilities(out[head.name], head), torch.tensor(1 / len(head.classes)), atol=1e-6)
        assert (out["os"] == 0).all()


def test_embeddings_by_input_are_zero_where_absent() -> None:
    net, batch = net_of("attention"), mixed_batch(SUBSETS, units=16)
    vectors = net.embed(batch)
    assert list(vectors) == [i.name for i in INPUTS]
    for spec, column in zip(INPUTS, net.of, strict=True):
        assert vectors[spec.name].shape == (16, 8)
        assert torch.equal(vectors[spec.name].abs().sum(1) > 0, SUBSETS[:, column])
    assert net_of("early").embed(batch)["early"].shape == (16, 8)


def test_a_present_modality_without_a_picture_counts_as_not_there() -> None:
    batch = mixed_batch()
    lost = with_pictures(batch, lambda k, p, o: (p[o != 2], o[o != 2]) if k in ("swe", "ceus") else (p, o))
    hidden = torch.ones(6, 4, dtype=torch.bool)
    hidden[2, 2:] = False
    for fusion in ALL:
        net = net_of(fusion)
        with torch.no_grad():
            assert largest_difference(net(lost), net(batch, hidden)) == 0


@pytest.mark.parametrize("fusion", ["gated", "attention", "late", "stacked"])
def test_shares_add_up_over_what_is_present(fusion: str) -> None:
    net, batch = net_of(fusion), mixed_batch(SUBSETS, units=16)
    shown = SUBSETS[:, net.of]
    for share in net.shares(batch).values():
        assert (share[~shown] == 0).all()
        assert (share[shown] > 0).all()
        total = share.sum(1)[1:]
        assert (total < 1).all() if fusion == "attention" else torch.allclose(total, torch.ones(15), atol=1e-5)


def test_a_frozen_backbone_s_features_may_stand_for_the_pixels() -> None:
    batch = mixed_batch()
    for fusion in ("attention", "early"):
        net = net_of(fusion, inputs=(INPUTS[0], replace(INPUTS[1], aligned=""), INPUTS[4]))
        part = replace(batch, present=batch.present[:, [0, 1, 3]])
        readers = net.readers()
        assert set(readers) == {"bmode", "ceus"}
        with torch.no_grad():
            cached = with_pictures(part, lambda k, p, o, r=readers: (r[k].read(p), o) if k in r else (p, o))
            assert cached.pictures["ceus"][0].shape == (7, 3, readers["ceus"].features)
            assert largest_difference(net(part), net(cached)) < 1e-6


def test_pixels_as_bytes_and_as_floats_are_the_same() -> None:
    batch = mixed_batch()
    floats = with_pictures(batch, lambda _, p, o: (p.float() / 255, o))
    for fusion in ("concat", "early"):
        net = net_of(fusion)
        with torch.no_grad():
            assert largest_difference(net(batch), net(floats)) < 1e-6


def test_half_precision_keeps_to_the_presence() -> None:
    batch = garbage(mixed_batch(SUBSETS, units=16))
    for fusion in ALL:
        net = net_of(fusion)
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            out = net(batch)
            loss, _ = total_loss(out, label_batch(16), HEADS, TrainSettings())
        assert loss.isfinite()
        assert largest_difference(out, net(batch)) < 0.2


def test_what_a_network_cannot_take_is_refused() -> None:
    batch = mixed_batch()
    net = net_of("concat")
    wrong = {
        "columns": replace(batch, tables={**batch.tables, "clinical": torch.zeros(6, 2)}),
        "no table": replace(batch, tables={k: t for k, t in batch.tables.items() if k != "clinical"}),
        "no pictures": replace(batch, pictures={}),
        "channels": with_pictures(batch, lambda k, p, o: (p[:, :1], o) if k == "swe" else (p, o)),
        "presence": replace(batch, present=torch.ones(6, 3, dtype=torch.bool)),
    }
    for what, units in wrong.items():
        with pytest.raises(RadiogenError) as caught:
            net(units)
        assert caught.value.code == "RG705", what
    with pytest.raises(RadiogenError):
        net(batch, torch.ones(5, 4, dtype=torch.bool))
    with pytest.raises(RadiogenError) as caught:
        net.shares(batch)
    assert caught.value.code == "RG708"
    for inputs in ((), (INPUTS[0], INPUTS[0]), (InputSpec("empty", "table"),)):
        with pytest.raises(RadiogenError) as caught:
            FusionNet(Plan(inputs, HEADS))
        assert caught.value.code == "RG705"


@pytest.mark.parametrize("fusion", ALL)
def test_what_is_planted_in_one_modality_is_learnt(fusion: str) -> None:
    rng = np.random.default_rng(7)
    x = {name: torch.from_numpy(rng.normal(size=(300, 3)).astype(np.float32)) for name in ("swe", "clinical")}
    truth = (x["swe"][:, 0] - x["swe"][:, 1] > 0).long()
    plan = Plan(tuple(InputSpec(n, "table", columns=("a", "b", "c")) for n in x), (HeadSpec("y", "binary", ("-", "+")),),
                NetSettings(fusion=fusion, width=8, hidden=8, dropout=0.0))  # fmt: skip
    torch.manual_seed(0)
    net = FusionNet(plan)
    step = torch.optim.Adam(net.parameters(), 0.02)
    train, test = Batch(torch.ones(200, 2, dtype=torch.bool), {k: v[:200] for k, v in x.items()}), {k: v[200:] for k, v in x.items()}
    for _ in range(40):
        step.zero_grad()
        torch.nn.functional.binary_cross_entropy_with_logits(net(train)["y"][:, 0], truth[:200].float()).backward()
        step.step()
    with torch.no_grad():
        logits = net.eval()(Batch(torch.ones(100, 2, dtype=torch.bool), test))["y"][:, 0]
        blind = net(Batch(torch.ones(100, 2, dtype=torch.bool), test), torch.tensor([[False, True]]).expand(100, 2))["y"][:, 0]
    assert ((logits > 0) == truth[200:].bool()).float().mean() > 0.85
    assert ((blind > 0) == truth[200:].bool()).float().mean() < 0.7
