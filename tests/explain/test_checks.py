"""Deletion and insertion, randomised weights, and what every attribution says of itself."""

from __future__ import annotations

import subprocess
import sys
from copy import deepcopy

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import radiogen.explain
from radiogen.errors import RadiogenError
from radiogen.explain import deletion_insertion, integrated_gradients, weight_randomisation
from radiogen.explain.attribution import assemble

NAN = float("nan")
W = np.array([2.0, -1.0, 1.0])


def linear(z: np.ndarray) -> np.ndarray:
    return z @ W


def test_curves_of_a_linear_model():
    """Attributions 2, -1, 3.  Deletion 4, 1, -1, 0: (2.5 + 0 - .5) / 3; insertion 0, 3, 5, 4: (1.5 + 4 + 4.5) / 3."""
    x = np.array([[1.0, 1.0, 3.0]])
    found = deletion_insertion(linear, x, x * W, np.zeros(3), steps=3, random=400)
    curves = found.curves[found.curves["order"] == "attribution"]
    assert curves[curves["kind"] == "deletion"]["prediction"].tolist() == [4, 1, -1, 0]
    assert curves[curves["kind"] == "insertion"]["prediction"].tolist() == [0, 3, 5, 4]
    table = found.table.set_index("kind")
    assert table["auc"].to_dict() == pytest.approx({"deletion": 2 / 3, "insertion": 10 / 3})
    # in the mean over all orders the curve is a straight line from 4 to 0
    assert table["random_auc"].to_list() == pytest.approx([2, 2], abs=0.15)
    assert (table["gain"] > 1).all() and found.summary()["better"].tolist() == [1, 1]


def test_an_attribution_turned_round_is_worse_than_chance():
    x = np.random.default_rng(0).normal(size=(5, 3))
    found = deletion_insertion(linear, x, -x * W, np.zeros(3), steps=3)
    assert (found.table["gain"] < 0).all()


def test_what_is_nan_stays_as_it_is():
    x = np.array([[1.0, 1.0, 3.0]])
    found = deletion_insertion(linear, x, np.array([[2.0, NAN, 3.0]]), np.zeros(3), steps=2)
    own = found.curves[(found.curves["order"] == "attribution") & (found.curves["kind"] == "insertion")]
    # from -1 of the column that is never changed
    assert own["prediction"].tolist() == [-1, 2, 4]


def test_pictures_are_changed_in_all_channels_at_once():
    picture = np.arange(1.0, 9.0).reshape(1, 2, 2, 2)
    found = deletion_insertion(lambda z: z.sum(axis=(1, 2, 3)), picture, picture.sum(axis=1), np.zeros((2, 2, 2)), steps=4)
    own = found.curves[(found.curves["order"] == "attribution") & (found.curves["kind"] == "deletion")]
    # the pixels sum to 12, 10, 8, 6 over both channels
    assert own["prediction"].tolist() == [36, 24, 14, 6, 0]


@pytest.mark.parametrize(("values", "baseline", "steps"), [(np.zeros((1, 2)), np.zeros(3), 2), (np.zeros((1, 3)), np.zeros(2), 2), (np.zeros((1, 3)), np.zeros(3), 0)])
def test_shapes_must_fit(values, baseline, steps):
    with pytest.raises(RadiogenError):
        deletion_insertion(linear, np.ones((1, 3)), values, baseline, steps=steps)


# -- randomised weights ------------------------------------------------------------


def trained() -> tuple[nn.Sequential, np.ndarray]:
    """A net that learnt which of ten columns matter."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 10)).astype(np.float32)
    y = torch.as_tensor((x @ np.r_[3.0, -2.0, np.zeros(8)]).astype(np.float32))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = nn.Sequential(nn.Linear(10, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 1))
        step = torch.optim.Adam(net.parameters(), 0.02)
        for _ in range(80):
            step.zero_grad()
            ((net(torch.as_tensor(x))[:, 0] - y) ** 2).mean().backward()
            step.step()
    return net, x[:30]


def test_gradients_depend_on_the_weights():
    net, x = trained()
    before, state = deepcopy(net.state_dict()), torch.random.get_rng_state()
    found = weight_randomisation(lambda m: integrated_gradients(m, x, np.zeros((1, 10)), steps=16), net, seed=1)
    assert found.passed and "depends on what was learnt" in found.note
    assert found.table["layer"].tolist() == ["4", "2", "0"] and abs(found.table["spearman"].iloc[-1]) < 0.7
    # the net and torch's generator are as they were
    assert all(torch.equal(before[k], v) for k, v in net.state_dict().items())
    assert torch.equal(state, torch.random.get_rng_state())
    again = weight_randomisation(lambda m: integrated_gradients(m, x, np.zeros((1, 10)), steps=16), net, seed=1)
    pd.testing.assert_frame_equal(found.table, again.table)


def test_an_edge_detector_is_found_out():
    """What looks at the picture alone says the same of a random net."""
    net, x = trained()
    found = weight_randomisation(lambda m: np.abs(np.diff(x, axis=1)), net)
    assert not found.passed and found.table["spearman"].tolist() == [1, 1, 1]
    assert "hardly depends" in found.note and "hardly" in found._repr_html_()


def test_a_constant_attribution_has_no_correlation():
    found = weight_randomisation(lambda m: np.zeros((3, 5)), trained()[0])
    assert found.table["spearman"].tolist() == [0, 0, 0]
    # it has no correlation because it says nothing, not because it depends on the weights
    assert not found.passed and "shows nothing" in found.note


def test_own_parameters_are_drawn_anew_and_layers_can_be_named():
    class Query(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.query = nn.Parameter(torch.arange(6.0))

    net = Query()
    found = weight_randomisation(lambda m: m.query.detach().numpy()[None].copy(), net, seed=3, repeats=20)
    assert abs(found.table["spearman"].iloc[0]) < 0.5
    assert net.query.tolist() == [0, 1, 2, 3, 4, 5]
    with pytest.raises(RadiogenError, match="no layer 'x'"):
        weight_randomisation(lambda m: np.zeros((1, 2)), trained()[0], layers=["x"])
    with pytest.raises(RadiogenError, match="no weights"):
        weight_randomisation(lambda m: np.zeros((1, 2)), nn.ReLU())


# -- the object --------------------------------------------------------------------


def made(**change: object):
    call = {"base": 0.5, "prediction": [1.5, 2.0], "method": "By hand.", "units": ["p1", "p2"], **change}
    return assemble(np.array([[1.0, 0.0], [2.0, NAN]]), ["<b>age</b>", "swe"], **call)  # type: ignore[arg-type]


def test_it_says_when_it_does_not_add_up():
    found = made()
    assert found.residual.tolist() == [0.0, -0.5] and not found.adds_up
    assert "1 of 2 units do not add up" in found.note and "unit p2 is 0.5, 33.3 %" in found.note
    assert found.note.replace("−", "&") and "do not add up" in found._repr_html_()
    assert made(prediction=[1.5, 2.5]).adds_up and made(prediction=[1.5, 2.5]).note == ""


def test_it_is_frozen_and_escapes():
    found = made(prediction=[1.5, 2.5])
    with pytest.raises(AttributeError):
        found.base = 1  # type: ignore[misc]
    with pytest.raises(ValueError, match="read-only"):
        found.base[0] = 1
    assert "<b>age" not in found._repr_html_() and "&lt;b&gt;age" in found._repr_html_()
    assert "The attributions add up" in found._repr_html_()


def test_importance_counts_the_units_that_have_it():
    found = made(prediction=[1.5, 2.5]).importance().set_index("feature")
    assert found.loc["<b>age</b>", ["mean_absolute", "n", "share"]].tolist() == [1.5, 2, 1.0]
    assert found.loc["swe", ["mean_absolute", "n"]].tolist() == [0.0, 1]
    with pytest.raises(RadiogenError, match="no output 'x'"):
        made().of("x")


def test_public_names_are_loaded_late():
    assert set(radiogen.explain.__all__) == set(dir(radiogen.explain)) == set(radiogen.explain._HOMES)
    for name in radiogen.explain.__all__:
        assert getattr(radiogen.explain, name).__doc__
    code = "import radiogen.explain, sys; print([m for m in ('torch', 'shap', 'sklearn', 'plotly', 'pandas') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
