"""Units and labels as tensors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from radiogen.errors import RadiogenError
from radiogen.models.fusion.batch import LabelBatch, to_batch, to_label_batch
from radiogen.models.fusion.examples import Examples, Labels, Pictures
from tests.models.fusion.small_nets import HEADS


def label_batch(units: int) -> LabelBatch:
    """Known labels of all heads."""
    at = torch.arange(units)
    targets = {"TP53": at % 2, "subtype": at % 4, "grade": at % 3, "os": torch.stack([1.0 + at * 7 % units, at % 3 != 0], 1).double()}
    return LabelBatch(targets, {k: torch.ones(units, dtype=torch.bool) for k in targets})


def examples() -> Examples:
    pixels = np.arange(5 * 1 * 2 * 2, dtype=np.uint8).reshape(5, 1, 2, 2)
    return Examples(
        np.array(["a", "b", "c"]), ("clinical", "bmode"), np.array([[True, True], [False, True], [True, False]]),
        {"clinical": np.arange(6.0).reshape(3, 2)}, {"bmode": Pictures(pixels, np.array([1, 0, 1, 0, 1]))},
    )  # fmt: skip


def test_units_become_tensors_and_pictures_stay_bytes() -> None:
    batch = to_batch(examples(), rows=[1, 0])
    assert batch.present.tolist() == [[False, True], [True, True]]
    assert batch.tables["clinical"].dtype == torch.float32
    assert batch.tables["clinical"].tolist() == [[2, 3], [0, 1]]
    pixels, owner = batch.pictures["bmode"]
    assert pixels.dtype == torch.uint8
    assert pixels[:, 0, 0, 0].tolist() == [0, 8, 16, 4, 12]
    assert owner.tolist() == [0, 0, 0, 1, 1]


@pytest.mark.parametrize("rows", [[2, 0, 1], [1, 1, 0], [2], []])
def test_taking_rows_before_and_after_is_the_same(rows: list[int]) -> None:
    before, after = to_batch(examples(), rows), to_batch(examples()).take(torch.tensor(rows, dtype=torch.int64))
    assert len(before) == len(after) == len(rows)
    assert torch.equal(before.present, after.present)
    assert torch.equal(before.tables["clinical"], after.tables["clinical"])
    for a, b in zip(before.pictures["bmode"], after.pictures["bmode"], strict=True):
        assert torch.equal(a, b)


def test_what_is_absent_cannot_be_shown() -> None:
    batch = to_batch(examples()).hide(torch.tensor([[True, False], [True, True], [True, True]]))
    assert batch.present.tolist() == [[True, False], [False, True], [True, False]]


@pytest.mark.filterwarnings("error")
def test_a_memory_map_is_read_without_a_warning(tmp_path: Path) -> None:
    np.save(tmp_path / "pixels.npy", np.full((2, 1, 4, 4), 7, dtype=np.uint8))
    pixels = np.load(tmp_path / "pixels.npy", mmap_mode="r")
    units = Examples(np.array(["a", "b"]), ("bmode",), np.ones((2, 1), dtype=bool), {}, {"bmode": Pictures(pixels, np.array([0, 1]))})
    for rows in (None, [1]):
        assert (to_batch(units, rows).pictures["bmode"][0] == 7).all()


def test_labels_keep_times_exact_and_hide_what_is_not_known() -> None:
    times = np.array([[100.123456789, 1], [100.123456788, 0], [np.nan, np.nan]])
    labels = Labels({"TP53": np.array([1, np.nan, 0]), "os": times}, {"TP53": np.array([True, False, True]), "os": np.array([True, True, False])})
    batch = to_label_batch(labels, [HEADS[0], HEADS[3]], rows=[2, 1, 0])
    assert batch.targets["TP53"].tolist() == [0, 0, 1]
    assert batch.known["TP53"].tolist() == [True, False, True]
    assert batch.targets["os"].dtype == torch.float64
    assert batch.targets["os"][2, 0] > batch.targets["os"][1, 0]
    assert batch.take(torch.tensor([2])).targets["TP53"].tolist() == [1]


@pytest.mark.parametrize(
    ("head", "target"),
    [(0, [0.0, 2.0]), (0, [0.5, 1.0]), (2, [-1.0, 0.0]), (1, [np.nan, 0.0]), (3, [[-1.0, 1], [1, 0]]), (3, [[1.0, 2], [1, 0]]), (3, [1.0, 2.0])],
)
def test_labels_that_are_none_are_refused(head: int, target: list) -> None:
    name = HEADS[head].name
    labels = Labels({name: np.array(target)}, {name: np.array([True, True])})
    with pytest.raises(RadiogenError) as caught:
        to_label_batch(labels, [HEADS[head]])
    assert caught.value.code == "RG705"


def test_a_head_needs_labels() -> None:
    with pytest.raises(RadiogenError):
        to_label_batch(Labels({}, {}), HEADS)
