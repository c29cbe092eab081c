"""Integrated and expected gradients, by hand and against captum."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from radiogen.errors import RadiogenError
from radiogen.explain import expected_gradients, integrated_gradients

NAN = float("nan")


def quadratic(x: torch.Tensor) -> torch.Tensor:
    return x[:, 0] ** 2 + x[:, 0] * x[:, 1]


class Two(nn.Module):
    """A small net of two inputs with kinks and a product, float64."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.a, self.b, self.out = nn.Linear(4, 16), nn.Linear(3, 16), nn.Linear(32, 2)
        self.double()

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        u, v = torch.relu(self.a(a)), torch.nn.functional.gelu(self.b(b))
        return self.out(torch.cat([u, u * v], 1))


def two_inputs(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 4)), rng.normal(size=(n, 3))


def test_a_quadratic_from_zero():
    """Slopes along the path to (2, 3): (4a + 3a, 2a); 2 * 7/2 = 7 and 3 * 1 = 3; f = 10."""
    found = integrated_gradients(quadratic, np.array([[2.0, 3.0]]), np.zeros((1, 2)))
    assert found.arrays[0][0] == pytest.approx([7, 3])
    assert found.residual == pytest.approx([0], abs=1e-9) and found.adds_up


def test_a_quadratic_from_another_baseline():
    """From (1, 1): slopes (2(1 + a) + 1 + 2a, 1 + a); 1 * 5 = 5 and 2 * 3/2 = 3; f(2, 3) - f(1, 1) = 10 - 2."""
    found = integrated_gradients(quadratic, np.array([[2.0, 3.0]]), np.ones((1, 2)), steps=2)
    assert found.arrays[0][0] == pytest.approx([5, 3])
    assert found.base.tolist() == [2.0] and found.prediction.tolist() == [10.0]


def test_tuple_in_tuple_out_as_captum():
    captum = pytest.importorskip("captum.attr")
    net, x, start = Two(), two_inputs(5, 1), two_inputs(5, 2)
    own = integrated_gradients(net, x, start, steps=64, target=1)
    tensors, baselines = (tuple(torch.as_tensor(t) for t in part) for part in (x, start))
    other = captum.IntegratedGradients(net).attribute(tensors, baselines, target=1, n_steps=64, method="gausslegendre")
    assert len(own.arrays) == 2
    for a, b in zip(own.arrays, other, strict=True):
        np.testing.assert_allclose(a, b.numpy(), atol=1e-10)
    assert own.adds_up


def test_too_few_steps_do_not_add_up_and_it_says_so():
    step = torch.tensor(8.0)
    found = integrated_gradients(lambda x: torch.sigmoid(step * (x[:, 0] - 0.9)), np.array([[1.0]]), np.array([[0.0]]), steps=2)
    assert not found.adds_up
    assert "do not add up" in found.note and "unit 0" in found.note


def test_expected_gradients_of_a_linear_function_are_exact():
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(4, 3)), rng.normal(size=(4, 2, 2))
    back = rng.normal(size=(7, 3)), rng.normal(size=(7, 2, 2))
    w, v = np.array([1.0, -2.0, 0.5]), np.array([[1.0, 0.0], [3.0, -1.0]])
    found = expected_gradients(
        lambda x, y: x @ torch.as_tensor(w) + (y * torch.as_tensor(v)).sum((1, 2)) + 7, (a, b), back, samples=14
    )
    np.testing.assert_allclose(found.arrays[0], w * (a - back[0].mean(axis=0)), atol=1e-12)
    np.testing.assert_allclose(found.arrays[1], v * (b - back[1].mean(axis=0)), atol=1e-12)
    assert np.abs(found.residual).max() < 1e-12 and found["samples"].tolist() == [14] * 4
    assert found.totals().shape == (4, 2)


def test_the_background_is_shared_by_the_inputs():
    """f = x * y with background (0, 0) and (1, 1): E f = 1/2.  A baseline mixed of two units would give 1/4."""
    one = np.array([[2.0]])
    back = np.array([[0.0], [1.0]])
    found = expected_gradients(lambda x, y: (x * y)[:, 0], (one, one), (back, back), samples=400)
    assert found.base.tolist() == [0.5]
    # by symmetry half of 4 - 1/2 each
    assert [float(v[0, 0]) for v in found.arrays] == pytest.approx([1.75, 1.75], rel=0.02)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_default_budget_leaves_two_percent(seed):
    net, x, back = Two(seed), two_inputs(6, 5), two_inputs(60, 6)
    found = expected_gradients(net, x, back, target=0)
    assert (np.abs(found.residual) <= 0.02 * np.abs(found.prediction - found.base)).all()
    assert found.adds_up
    base = net(*(torch.as_tensor(t) for t in back)).detach().numpy()[:, 0].mean()
    assert found.base == pytest.approx([base] * 6)


def test_they_are_the_mean_of_integrated_gradients_over_the_background():
    net, x, back = Two(4), two_inputs(2, 5), two_inputs(12, 6)
    found = expected_gradients(net, x, back, target=0, tolerance=1e-4)
    for i in range(2):
        own = tuple(np.repeat(t[i : i + 1], 12, axis=0) for t in x)
        each = integrated_gradients(net, own, back, steps=400, target=0)
        for a, b in zip(found.arrays, each.arrays, strict=True):
            np.testing.assert_allclose(a[i], b.mean(axis=0), atol=0.02 * np.abs(b.mean(axis=0)).max())


def test_draws_are_refined_where_they_are_too_few():
    """A steep step far from the background needs more draws than a slope."""
    x, back = np.array([[1.0]]), np.array([[0.0], [0.05]])
    steep = expected_gradients(lambda z: torch.sigmoid(400 * (z[:, 0] - 0.5)), x, back, samples=4, max_samples=6400)
    assert steep.adds_up and steep["samples"][0] > 4
    short = expected_gradients(lambda z: torch.sigmoid(400 * (z[:, 0] - 0.5)), x, back, samples=4, max_samples=4)
    assert short["samples"].tolist() == [4] and not short.adds_up and "residual" in short.note


def test_a_unit_does_not_depend_on_the_units_beside_it():
    net, x, back = Two(), two_inputs(6, 5), two_inputs(40, 6)
    together = expected_gradients(net, x, back, target=0, seed=4)
    alone = expected_gradients(net, tuple(t[3:4] for t in x), back, target=0, seed=4, batch=7)
    np.testing.assert_allclose(together.arrays[1][3:4], alone.arrays[1], atol=1e-12)


def masked(a: torch.Tensor, b: torch.Tensor, present: torch.Tensor) -> torch.Tensor:
    return a[:, 0] * present[:, 0] + 2 * b[:, 0] * present[:, 1]


def test_an_absent_input_is_nan_whatever_stands_there():
    present = np.array([[True, True], [True, False]])
    back = (np.array([[0.0], [4.0]]), np.array([[1.0], [NAN]]))
    have = np.array([[True, True], [True, False]])
    for junk in (NAN, 99.0):
        x = (np.array([[1.0], [3.0]]), np.array([[5.0], [junk]]))
        found = expected_gradients(masked, x, back, present=present, background_present=have)
        # the first has both, so that only (0, 1) stands in: 1 - 0 and 2 * (5 - 1); the second 3 - (0 + 4) / 2
        np.testing.assert_allclose(np.column_stack(found.arrays), [[1, 8], [1, NAN]], atol=1e-9)
        assert found.base.tolist() == [2.0, 2.0] and found.adds_up
        path = integrated_gradients(masked, x, (np.zeros((1, 1)), np.zeros((1, 1))), present=present)
        np.testing.assert_allclose(np.column_stack(path.arrays), [[1, 10], [3, NAN]], atol=1e-9)


def test_an_input_that_is_not_read_gets_zero():
    found = integrated_gradients(lambda x, y: x[:, 0], (np.ones((2, 1)), np.ones((2, 3))), (np.zeros((1, 1)), np.zeros((1, 3))))
    assert (found.arrays[1] == 0).all() and found.adds_up


@pytest.mark.parametrize(("change", "code"), [
    ({"target": 5}, "RG708"), ({"target": None}, "RG708"), ({"samples": 0}, "RG708"), ({"names": ["a"]}, "RG705"),
    ({"background": two_inputs(3, 0)[::-1]}, "RG705"), ({"background": ()}, "RG705"),
])  # fmt: skip
def test_wrong_calls(change, code):
    call = {"background": two_inputs(3, 0), "target": 0, **change}
    with pytest.raises(RadiogenError) as error:
        expected_gradients(Two(), two_inputs(2, 1), call.pop("background"), **call)
    assert error.value.code == code
