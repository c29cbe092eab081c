"""Class activation maps of a net of one convolution, by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from radiogen.errors import RadiogenError
from radiogen.explain import cam, grad_cam, grad_cam_plus_plus

X = np.array([[[[1.0, 2.0], [3.0, 4.0]]]])


def convolution() -> nn.Conv2d:
    """Two maps: the picture and its negative."""
    net = nn.Conv2d(1, 2, 1, bias=False).double()
    with torch.no_grad():
        net.weight.copy_(torch.tensor([1.0, -1.0]).reshape(2, 1, 1, 1))
    return net


def head() -> nn.Linear:
    """Class 0: 3 and 1 with bias 1/2; class 1: the negative weights."""
    net = nn.Linear(2, 2).double()
    with torch.no_grad():
        net.weight.copy_(torch.tensor([[3.0, 1.0], [-3.0, -1.0]]))
        net.bias.copy_(torch.tensor([0.5, 0.0]))
    return net


def test_cam_is_the_logit_without_its_bias():
    """3x - x = 2x with the mean 5; the logit is 3 * 2.5 - 2.5 + 0.5."""
    found = cam(convolution(), head(), X, target=0)
    assert found["map"][0] == pytest.approx(2 * X[0, 0])
    assert found["map"].mean() == pytest.approx(found.prediction[0] - 0.5) and found.prediction.tolist() == [5.5]
    assert found.base.tolist() == [0.5] and found.residual == pytest.approx([0], abs=1e-12) and found.adds_up


def test_cam_of_a_head_that_is_not_linear_says_so():
    """Of p1² + p2² the slopes are 5 and -5, the map 10x with the mean 25; the logit is 12.5."""
    found = cam(convolution(), lambda p: (p**2).sum(1), X)
    assert found.residual == pytest.approx([-12.5])
    assert not found.adds_up and "do not add up" in found.note


def test_grad_cam():
    """Slopes 3/4 and 1/4 per pixel; 3/4 x - 1/4 x = x/2.  Against class 1 nothing is positive."""
    assert grad_cam(convolution(), head(), X, target=0)["map"][0] == pytest.approx(X[0, 0] / 2)
    other = grad_cam(convolution(), head(), X, target=1)
    assert (other["map"] == 0).all()
    assert not other.adds_up and "where the net looked" in other.note


def test_grad_cam_plus_plus():
    """g = 3/4 and 1/4, sums of the maps 10 and -10: shares 1 / (2 + 7.5) and 1 / (2 - 2.5) = -2.

    Weights 4 * 3/4 / 9.5 = 6/19 and 4 * 1/4 * -2 = -2, so that the map is (6/19 + 2) x.
    """
    found = grad_cam_plus_plus(convolution(), head(), X, target=0)
    assert found["map"][0] == pytest.approx((6 / 19 + 2) * X[0, 0])


def test_maps_are_enlarged_to_the_picture_and_keep_their_mean():
    pooled = nn.AvgPool2d(4)
    pictures = np.random.default_rng(0).normal(size=(3, 1, 8, 16))
    found = cam(pooled, lambda p: 2 * p[:, 0] + 1, pictures, name="bmode", units=["a", "b", "c"])
    assert found["map"].shape == (3, 2, 4) and found.values["bmode"].shape == (3, 8, 16)
    assert found.values["bmode"].mean(axis=(1, 2)) == pytest.approx(found["map"].mean(axis=(1, 2)))
    assert found.adds_up
    assert cam(pooled, lambda p: p[:, 0], pictures, size=(5, 7)).values["picture"].shape == (3, 5, 7)
    assert found.to_frame()["unit"].tolist() == ["a", "b", "c"]


def test_grad_cam_finds_the_bright_corner():
    """One feature that answers to bright pixels: the map is largest where they are."""
    picture = np.zeros((1, 1, 8, 8))
    picture[..., :2, 6:] = 1.0
    found = grad_cam(lambda x: torch.relu(x - 0.5), lambda p: p[:, 0], picture)
    at = np.unravel_index(int(found.values["picture"][0].argmax()), (8, 8))
    assert at[0] < 2 and at[1] >= 6


@pytest.mark.parametrize(("target", "features"), [(None, convolution()), (2, convolution()), (0, nn.Flatten())])
def test_wrong_calls(target, features):
    with pytest.raises(RadiogenError):
        grad_cam(features, head(), X, target=target)
