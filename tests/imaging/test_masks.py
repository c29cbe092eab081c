"""Masks of every kind, united, resized or refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from radiogen.errors import RadiogenError
from radiogen.imaging import read_mask

SHAPE = (4, 6)
TRUTH = np.zeros(SHAPE, bool)
TRUTH[1:3, 2:5] = True


def save(path: Path, array: np.ndarray, **options: object) -> Path:
    PillowImage.fromarray(array).save(path, **options)
    return path


def code(*paths: Path, shape: tuple[int, int] = SHAPE) -> tuple[str, str]:
    with pytest.raises(RadiogenError) as caught:
        read_mask(paths, shape)
    return caught.value.code, caught.value.problems[0].message


def stack(*channels: np.ndarray) -> np.ndarray:
    return np.dstack(channels).astype(np.uint8)


OPAQUE, CLEAR, BLACK = np.full(SHAPE, 255), np.zeros(SHAPE), np.zeros(SHAPE)


@pytest.mark.parametrize(
    "array",
    [
        TRUTH,  # 1 bit
        TRUTH.astype(np.uint8),  # label 1
        TRUTH.astype(np.uint8) * 255,
        TRUTH.astype(np.uint16) * 300,
        stack(TRUTH * 9, BLACK, BLACK),  # one channel alone
        stack(TRUTH * 255, TRUTH * 255, TRUTH * 255, OPAQUE),
        stack(BLACK, BLACK, BLACK, TRUTH * 255),  # drawn in the alpha channel
        stack(OPAQUE, OPAQUE, OPAQUE, TRUTH * 255),  # white, transparent outside
        stack(TRUTH * 255, TRUTH * 255, TRUTH * 255, CLEAR),  # alpha channel left empty
        stack(TRUTH * 255, OPAQUE),  # grey with alpha
    ],
)
def test_every_mode_gives_the_same_mask(tmp_path: Path, array: np.ndarray) -> None:
    np.testing.assert_array_equal(read_mask(save(tmp_path / "m.png", array), SHAPE), TRUTH)


def test_a_palette_counts_by_its_colours(tmp_path: Path) -> None:
    picture = PillowImage.fromarray(TRUTH.astype(np.uint8), mode="L").convert("P")
    indices = np.asarray(picture)
    lesion = int(indices[1, 2])
    colours = [0, 0, 0] * 256
    colours[3 * lesion : 3 * lesion + 3] = [128, 0, 0]
    picture.putpalette(colours)
    picture.save(tmp_path / "m.png")
    np.testing.assert_array_equal(read_mask(tmp_path / "m.png", SHAPE), TRUTH)


def test_jpeg_noise_around_the_region_does_not_count(tmp_path: Path) -> None:
    truth = np.zeros((64, 64), bool)
    truth[17:45, 22:50] = True
    path = save(tmp_path / "m.jpg", truth.astype(np.uint8) * 255, quality=75)
    assert (np.asarray(PillowImage.open(path)) > 0).sum() > truth.sum()  # the noise is there
    np.testing.assert_array_equal(read_mask(path, (64, 64)), truth)


def test_several_masks_are_united(tmp_path: Path) -> None:
    first, second = TRUTH.copy(), np.zeros(SHAPE, bool)
    second[0, 0] = True
    paths = [save(tmp_path / "a.png", first), save(tmp_path / "b.png", second)]
    np.testing.assert_array_equal(read_mask(paths, SHAPE), first | second)


def test_nearest_neighbour_only_when_asked(tmp_path: Path) -> None:
    path = save(tmp_path / "m.png", np.array([[0, 255], [0, 0]], np.uint8))
    found, message = code(path)
    assert found == "RG504" and "2 × 2" in message and "4 × 6" in message
    by_hand = np.zeros(SHAPE, bool)
    by_hand[:2, 3:] = True  # each old pixel becomes 2 rows and 3 columns
    np.testing.assert_array_equal(read_mask(path, SHAPE, resize="nearest"), by_hand)
    small = read_mask(save(tmp_path / "big.png", np.kron(TRUTH, np.ones((3, 3))).astype(np.uint8)), SHAPE, resize="nearest")
    np.testing.assert_array_equal(small, TRUTH)


def test_errors_are_coded(tmp_path: Path) -> None:
    assert code(tmp_path / "none.png")[0] == "RG503"
    assert code(save(tmp_path / "empty.png", np.zeros(SHAPE, np.uint8)))[0] == "RG505"
    assert code(save(tmp_path / "opaque.png", stack(BLACK, BLACK, BLACK, OPAQUE)))[0] == "RG505"
    (tmp_path / "text.png").write_text("mask")
    assert code(tmp_path / "text.png")[0] == "RG502"
    good = save(tmp_path / "good.png", TRUTH)
    assert code(good, tmp_path / "none.png")[0] == "RG503"
    assert code()[0] == "RG708"
    with pytest.raises(RadiogenError, match="RG708"):
        read_mask(good, SHAPE, resize="linear")  # type: ignore[arg-type]


def test_an_empty_mask_beside_a_full_one_is_fine(tmp_path: Path) -> None:
    paths = [save(tmp_path / "a.png", np.zeros(SHAPE, np.uint8)), save(tmp_path / "b.png", TRUTH)]
    np.testing.assert_array_equal(read_mask(paths, SHAPE), TRUTH)


def test_masks_as_nrrd(tmp_path: Path) -> None:
    sitk = pytest.importorskip("SimpleITK")
    sitk.WriteImage(sitk.GetImageFromArray(TRUTH.astype(np.uint8)), str(tmp_path / "m.nrrd"))
    np.testing.assert_array_equal(read_mask(tmp_path / "m.nrrd", SHAPE), TRUTH)


# --- labels ---------------------------------------------------------------------------------------------------------

LABELS = TRUTH.astype(np.uint8)
LABELS[0, 0] = 2


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_one_value_of_several(tmp_path: Path, dtype: type) -> None:
    path = save(tmp_path / "m.png", LABELS.astype(dtype))
    np.testing.assert_array_equal(read_mask(path, SHAPE, label=1), TRUTH)
    np.testing.assert_array_equal(read_mask(path, SHAPE, label="2"), LABELS == 2)
    np.testing.assert_array_equal(read_mask(path, SHAPE), LABELS > 0)
    with pytest.raises(RadiogenError) as caught:
        read_mask(path, SHAPE, label=255)
    assert caught.value.code == "RG505"
    assert caught.value.problems[0].message == "no pixel of m.png has the label '255'; there is 0, 1, 2"


def test_a_palette_by_its_number_and_by_its_colour(tmp_path: Path) -> None:
    picture = PillowImage.fromarray(LABELS, mode="L").convert("P")
    numbers = np.asarray(picture)
    colours = [0] * 768
    for value, colour in ((1, (255, 0, 0)), (2, (0, 128, 0))):
        index = int(numbers[value == LABELS][0])
        colours[3 * index : 3 * index + 3] = colour
    picture.putpalette(colours)
    picture.save(tmp_path / "m.png")
    stored = np.asarray(PillowImage.open(tmp_path / "m.png"))
    np.testing.assert_array_equal(read_mask(tmp_path / "m.png", SHAPE, label=int(stored[1, 2])), TRUTH)
    np.testing.assert_array_equal(read_mask(tmp_path / "m.png", SHAPE, label="#ff0000"), TRUTH)
    np.testing.assert_array_equal(read_mask(tmp_path / "m.png", SHAPE, label="green"), LABELS == 2)


def test_one_colour_of_several(tmp_path: Path) -> None:
    colours = stack(TRUTH * 255, (LABELS == 2) * 255, BLACK)
    path = save(tmp_path / "m.png", colours)
    np.testing.assert_array_equal(read_mask(path, SHAPE, label="#FF0000"), TRUTH)
    np.testing.assert_array_equal(read_mask(path, SHAPE, label="lime"), LABELS == 2)
    for label, found in ((255, "RG708"), ("lesion", "RG708"), ("#0000ff", "RG505")):
        with pytest.raises(RadiogenError) as caught:
            read_mask(path, SHAPE, label=label)
        assert caught.value.code == found
    grey = save(tmp_path / "g.png", stack(LABELS, LABELS, LABELS, OPAQUE))
    np.testing.assert_array_equal(read_mask(grey, SHAPE, label=1), TRUTH)
    np.testing.assert_array_equal(read_mask(grey, SHAPE, label="#020202"), LABELS == 2)


def test_labels_in_other_files(tmp_path: Path) -> None:
    sitk = pytest.importorskip("SimpleITK")
    sitk.WriteImage(sitk.GetImageFromArray(LABELS), str(tmp_path / "m.nrrd"))
    np.testing.assert_array_equal(read_mask(tmp_path / "m.nrrd", SHAPE, label=1), TRUTH)
    np.testing.assert_array_equal(read_mask(save(tmp_path / "bit.png", TRUTH), SHAPE, label=1), TRUTH)
    jpeg = save(tmp_path / "m.jpg", LABELS)
    for path, label, found in ((jpeg, 1, "RG511"), (tmp_path / "m.nrrd", True, "RG708"), (tmp_path / "m.nrrd", 1.5, "RG708")):
        with pytest.raises(RadiogenError) as caught:
            read_mask(path, SHAPE, label=label)  # type: ignore[arg-type]
        assert caught.value.code == found


def test_labels_are_sought_in_all_files(tmp_path: Path) -> None:
    paths = [save(tmp_path / "a.png", (LABELS == 2).astype(np.uint8) * 3), save(tmp_path / "b.png", LABELS)]
    np.testing.assert_array_equal(read_mask(paths, SHAPE, label=1), TRUTH)
    with pytest.raises(RadiogenError) as caught:
        read_mask(paths, SHAPE, label=9)
    assert "there is 0, 1, 2, 3" in caught.value.problems[0].message


def test_a_mask_is_one_picture(tmp_path: Path) -> None:
    sitk = pytest.importorskip("SimpleITK")
    sitk.WriteImage(sitk.GetImageFromArray(np.stack([LABELS, LABELS])), str(tmp_path / "m.nrrd"))
    pages = [PillowImage.fromarray(LABELS) for _ in range(2)]
    pages[0].save(tmp_path / "m.tif", save_all=True, append_images=pages[1:])
    assert code(tmp_path / "m.nrrd")[0] == code(tmp_path / "m.tif")[0] == "RG532"
