"""Attributions of real fusion networks: they add up for every fusion, whatever stands where nothing is."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from radiogen.errors import RadiogenError
from radiogen.explain import background_game, fusion_cam, fusion_gradients, mask_game, modality_shapley
from radiogen.models.fusion.batch import Batch, to_batch
from radiogen.models.fusion.examples import Examples, Pictures
from radiogen.models.fusion.network import FusionNet
from radiogen.models.fusion.spec import FUSIONS, HeadSpec, InputSpec, NetSettings, Plan

N = 10
HEADS = (HeadSpec("TP53", "binary", ("wild type", "mutated")), HeadSpec("subtype", "multiclass", ("A", "B", "C")), HeadSpec("os", "survival"))
TABLES = (
    InputSpec("clinical", "table", columns=("age", "size")), InputSpec("swe", "table", columns=("mean", "sd")),
    InputSpec("ceus", "table", columns=("mean",)),
)  # fmt: skip
PICTURES = (
    InputSpec("clinical", "table", columns=("age", "size")), InputSpec("grey", "image", modality="bmode", size=(32, 32)),
    InputSpec("ceus", "cine", columns=("peak",), size=(16, 16)),
)  # fmt: skip


def net(inputs: tuple[InputSpec, ...], fusion: str, seed: int = 0) -> FusionNet:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        made = FusionNet(Plan(inputs, HEADS, NetSettings(fusion=fusion, width=8, hidden=8)))
        for weight in made.parameters():
            # heads start at zero; steeper than at the start, as after training
            if weight.ndim > 1:
                weight.data = 2 * weight.data + 0.4 * torch.randn_like(weight)
    return made.eval()


def tables(present: np.ndarray | None = None) -> Examples:
    rng = np.random.default_rng(1)
    have = rng.random((N, 3)) < 0.7 if present is None else present
    have[:4] = True
    have[4] = [True, False, False]
    values = {"clinical": rng.normal(size=(N, 2)), "swe": rng.normal(size=(N, 2)), "ceus": rng.normal(size=(N, 1))}
    return Examples(np.array([f"u{i}" for i in range(N)]), ("clinical", "swe", "ceus"), have, values)


def pictures() -> Examples:
    rng = np.random.default_rng(2)
    have = np.ones((4, 3), dtype=bool)
    have[3] = [True, False, True]
    owner = np.array([0, 0, 1, 2])
    return Examples(
        np.array(list("abcd")), ("clinical", "bmode", "ceus"), have,
        {"clinical": rng.normal(size=(4, 2)), "ceus": rng.normal(size=(4, 1))},
        {"grey": Pictures(rng.integers(0, 256, (4, 1, 32, 32)).astype(np.uint8), owner),
         "ceus": Pictures(rng.integers(0, 256, (4, 3, 1, 16, 16)).astype(np.uint8), np.arange(4))},
    )  # fmt: skip


@pytest.mark.parametrize("fusion", FUSIONS)
def test_modality_shapley_adds_up_for_every_fusion(fusion):
    made, units = net(TABLES, fusion), tables()

    def score(examples: Examples) -> np.ndarray:
        with torch.no_grad():
            return made(to_batch(examples))["subtype"].numpy()

    by_mask = modality_shapley(mask_game(score, units), N, units.modalities, units.present, empty=[0.1, 0.2, 0.3])
    others = units.take([0, 1, 2])
    by_others = modality_shapley(
        background_game(score, units, others), N, units.modalities, units.present, background=others.present
    )
    for found in (by_mask, by_others):
        assert np.abs(found.residual).max() <= 1e-5 and found.adds_up
        assert found.of(0).values.isna().to_numpy().tolist() == (~units.present).tolist()
    np.testing.assert_allclose(by_mask.prediction, score(units), atol=1e-6)


@pytest.mark.parametrize("fusion", FUSIONS)
def test_expected_gradients_leave_two_percent_at_the_default_budget(fusion):
    made, units = net(TABLES, fusion), tables()
    found = fusion_gradients(made, to_batch(units), to_batch(units, range(4)), "TP53", units=list(units.units))
    assert (np.abs(found.prediction - found.base) > 1e-4).all()
    assert (np.abs(found.residual) <= 0.02 * np.abs(found.prediction - found.base) + 1e-6).all() and found.adds_up
    # two inputs have a column of the same name
    assert list(found.values.columns) == ["age", "size", "swe_mean", "sd", "ceus_mean"]
    assert found["modality"]["swe_mean"] == "swe" and found.scale == "log-odds"
    absent = np.repeat(~units.present, [2, 2, 1], axis=1)
    assert found.values.isna().to_numpy().tolist() == absent.tolist()


def test_numbers_of_an_absent_modality_do_not_matter():
    made, units = net(TABLES, "attention"), tables()
    batch = to_batch(units)
    junk = Batch(batch.present, {k: t.clone() for k, t in batch.tables.items()}, {})
    for column, name in enumerate(units.modalities):
        junk.tables[name][~batch.present[:, column]] = torch.nan
    one, two = (fusion_gradients(made, b, to_batch(units, range(4)), "os", samples=40) for b in (batch, junk))
    np.testing.assert_array_equal(one.values.to_numpy(), two.values.to_numpy())
    assert one.scale == "log-hazard"


def test_an_ensemble_is_explained_by_the_mean_of_its_logits():
    nets, units = [net(TABLES, "concat", s) for s in (0, 1)], tables()
    nets[0].train()
    batch, back = to_batch(units, [0, 1]), to_batch(units, range(4))
    both = fusion_gradients(nets, batch, back, "TP53", samples=40, tolerance=1e-3)
    assert nets[0].training
    with torch.no_grad():
        expected = np.mean([m.eval()(batch)["TP53"][:, 0].numpy() for m in nets], axis=0)
    np.testing.assert_allclose(both.prediction, expected, atol=1e-6)
    other = fusion_gradients(nets, batch, back, "TP53", target=0, samples=40, tolerance=1e-3)
    np.testing.assert_allclose(other.prediction, -expected, atol=1e-6)


def test_pictures_loops_and_curves():
    made, units = net(PICTURES, "gated"), pictures()
    found = fusion_gradients(made, to_batch(units), to_batch(units, [0, 1, 2]), "subtype", target=1, samples=30)
    assert list(found.values.columns) == ["age", "size", "grey", "peak", "ceus"]
    assert np.isnan(found.values.loc[3, "grey"]) and found.values.loc[3, "ceus"] != 0
    shapes = [None if p is None else p.shape for p in found["pixels"]["grey"]]
    assert shapes == [(2, 1, 32, 32), (1, 1, 32, 32), (1, 1, 32, 32), None]
    assert found.values.loc[0, "grey"] == pytest.approx(found["pixels"]["grey"][0].sum())
    assert found.adds_up and found["modality"]["grey"] == "bmode"


def test_a_background_unit_must_have_all_inputs():
    made, units = net(PICTURES, "gated"), pictures()
    with pytest.raises(RadiogenError, match="no background unit has all the inputs of unit a"):
        fusion_gradients(made, to_batch(units, [0]), to_batch(units, [3]), "TP53", units=["a"])


@pytest.mark.parametrize("kind", ["cam", "grad_cam", "grad_cam_plus_plus"])
def test_maps_of_one_input(kind):
    made, units = net(PICTURES, "late"), pictures()
    batch = to_batch(units)
    found = fusion_cam(made, batch, "grey", "TP53", kind=kind, units=list(units.units))
    assert found.units == ("a, picture 1", "a, picture 2", "b", "c") and found["owner"].tolist() == [0, 0, 1, 2]
    assert found.values["grey"].shape == (4, 32, 32) and found["map"].shape == (4, 2, 2)
    with torch.no_grad():
        assert found.prediction == pytest.approx(made(batch)["TP53"][[0, 0, 1, 2], 0].numpy(), abs=1e-6)
    alone = fusion_cam(made, to_batch(units, [1]), "grey", "TP53", kind=kind)
    np.testing.assert_allclose(alone["map"][0], found["map"][2], atol=1e-6)
    frames = fusion_cam(made, batch, "ceus", "subtype", target=2, kind=kind)
    assert frames.values["ceus"].shape == (12, 16, 16)
    # the backbone is as it was
    assert "feature_map" not in vars(made.readers()["grey"].backbone)


def test_a_plus_in_the_name_of_an_input_is_no_stack():
    """ "lesion+ring" is a view; early fusion joins the names of stacked inputs by a plus too."""
    lesion, both = (InputSpec(f"bmode:{v}", "image", modality="bmode", size=(32, 32), aligned="plane") for v in ("lesion", "lesion+ring"))
    rng = np.random.default_rng(0)
    shown = Examples(
        np.array(["a", "b"]), ("bmode",), np.ones((2, 1), dtype=bool), {},
        {s.name: Pictures(rng.integers(0, 256, (2, 1, 32, 32)).astype(np.uint8), np.arange(2)) for s in (lesion, both)},
    )  # fmt: skip
    apart = net((lesion, both), "concat")
    found = fusion_cam(apart, to_batch(shown), "bmode:lesion+ring", "TP53", kind="cam")
    other = fusion_cam(apart, to_batch(shown), "bmode:lesion", "TP53", kind="cam")
    assert found.values["bmode:lesion+ring"].shape == (2, 32, 32) and not np.allclose(found["map"], other["map"])
    stacked = fusion_cam(net((lesion, both), "early"), to_batch(shown), "bmode:lesion+ring", "TP53", kind="cam")
    assert stacked.values["bmode:lesion+ring"].shape == (2, 32, 32)
    for name in ("ring", "bmode:lesion+bmode:lesion+ring"):
        with pytest.raises(RadiogenError, match="no pictures called"):
            fusion_cam(net((lesion, both), "early"), to_batch(shown), name, "TP53")


def test_grad_cam_of_the_other_class_is_another_map():
    made, units = net(PICTURES, "concat"), pictures()
    one, two = (fusion_cam(made, to_batch(units), "grey", "TP53", target=t, kind="cam")["map"] for t in (0, 1))
    np.testing.assert_allclose(one, -two, atol=1e-9)


@pytest.mark.parametrize(("name", "head", "target"), [("clinical", "TP53", None), ("grey", "KRAS", None), ("grey", "TP53", 2), ("grey", "subtype", None)])
def test_wrong_names(name, head, target):
    with pytest.raises(RadiogenError) as error:
        fusion_cam(net(PICTURES, "concat"), to_batch(pictures()), name, head, target=target)
    assert error.value.code == "RG708"
