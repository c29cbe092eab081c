"""The small U-Net: it learns a few pictures by heart, repeats itself, and is the same after a file."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from radiogen.errors import RadiogenError
from radiogen.imaging.image import Image
from radiogen.imaging.outlines.overlap import dice
from radiogen.imaging.outlines.unet import NetSettings, SegmentationNet, enlarge, lesion_of, load_net, seen, shrink

pytest.importorskip("torch")

from radiogen.imaging.outlines.unet_training import lesson, train_net, train_on
from tests.imaging.ellipses import ellipses

TINY = NetSettings(size=32, base=8, depth=2, steps=90, batch=6, learning_rate=0.01, dropout=0.0, nets=1)


@pytest.fixture(scope="module")
def net() -> SegmentationNet:
    return train_net(*ellipses(6), settings=TINY, seed=1)


def test_it_learns_a_few_pictures_and_finds_lesions_it_has_not_seen(net: SegmentationNet) -> None:
    for pictures, masks in (ellipses(6), ellipses(4, seed=9)):
        scores = [dice(net.predict(p), m) for p, m in zip(pictures, masks, strict=True)]
        assert np.mean(scores) > 0.8
    assert net.trained_on == 6


def test_equal_seeds_give_equal_networks_and_others_give_others() -> None:
    short = replace(TINY, steps=4)
    first, again, other = (train_net(*ellipses(4), settings=short, seed=s) for s in (3, 3, 4))
    for name, array in first.weights[0].items():
        assert np.array_equal(array, again.weights[0][name])
    assert any(not np.array_equal(a, other.weights[0][n]) for n, a in first.weights[0].items())


def test_training_leaves_torch_as_it_was() -> None:
    import torch

    torch.manual_seed(5)
    state, threads = torch.random.get_rng_state(), torch.get_num_threads()
    train_net(*ellipses(4), settings=replace(TINY, steps=2), seed=3)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.get_num_threads() == threads


def test_the_file_holds_the_network_and_nothing_that_runs(net: SegmentationNet, tmp_path: Path) -> None:
    path = net.save(tmp_path / "net.npz")
    back = load_net(path)
    picture = ellipses(1, seed=7)[0][0]
    assert np.array_equal(back.probability(picture), net.probability(picture))
    assert (back.settings, back.trained_on) == (net.settings, net.trained_on)
    with np.load(path, allow_pickle=False) as stored:
        assert all(stored[name].dtype != object for name in stored.files)
    assert [p.name for p in tmp_path.iterdir()] == ["net.npz"]


def test_files_of_another_kind_are_refused(net: SegmentationNet, tmp_path: Path) -> None:
    path = tmp_path / "net.npz"
    net.save(path)
    whole = path.read_bytes()
    about = {"format": "radiogen U-Net 1", "settings": {"size": 33}, "trained_on": 1, "nets": 1}
    for content in (b"", b"no archive", whole[: len(whole) // 2]):
        path.write_bytes(content)
        with pytest.raises(RadiogenError) as error:
            load_net(path)
        assert error.value.code == "RG802"
    for arrays in (
        {"other": np.zeros(3)},
        {"about": np.array([{"a": 1}], dtype=object)},  # a pickle
        {"about": np.frombuffer(json.dumps(about).encode(), dtype=np.uint8)},  # settings that make no sense
    ):
        np.savez(path, **arrays)
        with pytest.raises(RadiogenError) as error:
            load_net(path)
        assert error.value.code == "RG802"
    with pytest.raises(RadiogenError) as error:
        load_net(tmp_path / "nowhere.npz")
    assert error.value.code == "RG802"


def test_weights_that_do_not_fit_are_told(net: SegmentationNet) -> None:
    wrong = SegmentationNet(replace(TINY, base=4), net.weights)
    with pytest.raises(RadiogenError) as error:
        wrong.probability(ellipses(1)[0][0])
    assert error.value.code == "RG802"


def test_a_prediction_does_not_depend_on_its_neighbours_gain_or_bits(net: SegmentationNet) -> None:
    pictures = ellipses(3, seed=2)[0]
    together = net.probabilities(pictures)
    assert np.array_equal(together[1], net.probability(pictures[1]))
    assert np.allclose(net.probability(pictures[0] * 257), together[0], atol=1e-4)
    colour = np.repeat(np.rint(pictures[0]).astype(np.uint8)[..., None], 3, axis=2)
    assert np.allclose(net.probability(Image(colour, None, "PNG", "RGB")), net.probability(np.rint(pictures[0])), atol=1e-6)
    assert net.probabilities([]) == []


def test_several_networks_are_averaged(net: SegmentationNet) -> None:
    other = train_net(*ellipses(4), settings=replace(TINY, steps=3), seed=8)
    both = SegmentationNet(TINY, (*net.weights, *other.weights))
    picture = ellipses(1, seed=4)[0][0]
    assert np.allclose(both.probability(picture), (net.probability(picture) + other.probability(picture)) / 2, atol=1e-6)


def test_the_heaviest_part_is_the_lesion() -> None:
    p = np.zeros((20, 30))
    p[2:8, 2:8] = 0.95  # 36 × 0.95 = 34.2
    p[10:18, 15:23] = 0.6  # 64 × 0.6 = 38.4
    p[13, 18] = 0.1  # a hole is filled
    found = lesion_of(p)
    assert found.sum() == 64 and found[13, 18] and not found[3, 3]
    assert lesion_of(p, 0.7).sum() == 36  # the other one is too faint
    assert lesion_of(np.full((5, 5), 0.4), 0.4).all()
    with pytest.raises(RadiogenError) as error:
        lesion_of(np.full((5, 5), 0.4))
    assert error.value.code == "RG530"


def test_pictures_without_a_lesion_teach_and_do_not_count() -> None:
    pictures, masks = ellipses(4)
    blank = np.full((48, 64), 150.0) + np.random.default_rng(0).normal(0, 12, (48, 64))
    found = train_net([*pictures, blank], [*masks, np.zeros((48, 64), bool)], settings=replace(TINY, steps=2), seed=0)
    assert found.trained_on == 4
    with pytest.raises(RadiogenError) as error:
        train_net([*pictures[:3], blank], [*masks[:3], np.zeros((48, 64), bool)], settings=TINY)
    assert error.value.code == "RG701"


def test_progress_counts_steps() -> None:
    seen_by: list[tuple[int, int]] = []
    train_net(*ellipses(4), settings=replace(TINY, steps=3, nets=2), seed=0, progress=lambda d, t: seen_by.append((d, t)))
    assert seen_by == [(k, 6) for k in range(1, 7)]


def test_small_pictures_made_beforehand_train_the_same_network() -> None:
    short = replace(TINY, steps=3)
    pictures, masks = ellipses(4)
    one = train_net(pictures, masks, settings=short, seed=2)
    two = train_on([lesson(p, m, short) for p, m in zip(pictures, masks, strict=True)], settings=short, seed=2)
    assert all(np.array_equal(a, two.weights[0][n]) for n, a in one.weights[0].items())


def test_sizes_there_and_back() -> None:
    picture = ellipses(1)[0][0]
    assert shrink(picture, 32).shape == (32, 32)
    assert shrink(picture, 32).mean() == pytest.approx(picture.mean(), rel=0.02)
    assert enlarge(shrink(picture, 32), (48, 64)).shape == (48, 64)
    small = seen(picture, 32)
    assert (small.min(), small.max()) == (0.0, 1.0)
    assert seen(np.full((10, 10), 3.0), 8).max() == 0.0


@pytest.mark.parametrize(
    "wrong", [{"size": 100}, {"size": 0}, {"depth": 9}, {"nets": 0}, {"steps": True}, {"learning_rate": 0.0}, {"dropout": 1.0}]
)
def test_settings_are_checked(wrong: dict) -> None:
    with pytest.raises(RadiogenError) as error:
        NetSettings(**wrong)
    assert error.value.code == "RG708"


def test_lessons_are_checked() -> None:
    pictures, masks = ellipses(4)
    for call in (
        lambda: train_net(pictures, masks[:3], settings=TINY),
        lambda: train_net(pictures, [m[:10] for m in masks], settings=TINY),
        lambda: train_net([np.zeros((4, 4, 3))], [np.ones((4, 4), bool)], settings=TINY),
    ):
        with pytest.raises(RadiogenError) as error:
            call()
        assert error.value.code == "RG705"
