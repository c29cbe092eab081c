"""Near-duplicates: copies are found however they were saved, different pictures are kept apart."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image as PillowImage
from scipy.ndimage import gaussian_filter

from radiogen.imaging import Fingerprint, find_duplicates, fingerprint, read_image
from radiogen.imaging.duplicates import _area_average


def picture(seed: int, size: tuple[int, int] = (180, 240)) -> np.ndarray:
    """Bright above, dark below, and a layout of its own: what all breast ultrasound has in common."""
    layout = gaussian_filter(np.random.default_rng(seed).normal(size=size), 5)
    depth = np.linspace(150, 40, size[0])[:, None]
    return np.clip(depth + 25 * layout / layout.std(), 0, 255)


def jpeg(grey: np.ndarray) -> np.ndarray:
    buffer = io.BytesIO()
    PillowImage.fromarray(grey.astype(np.uint8)).save(buffer, "JPEG", quality=30)
    return np.asarray(PillowImage.open(buffer)).astype(float)


def smaller(grey: np.ndarray) -> np.ndarray:
    return np.asarray(PillowImage.fromarray(grey.astype(np.uint8)).resize((150, 130))).astype(float)


def with_calipers(grey: np.ndarray) -> np.ndarray:
    marked = grey.copy()
    for row, column in ((30, 40), (90, 100), (120, 60), (60, 200)):
        marked[row - 4 : row + 5, column] = marked[row, column - 4 : column + 5] = 255
    return marked


COPIES = {
    "jpeg": jpeg,
    "another size": smaller,
    "gamma": lambda g: 255 * (g / 255) ** 0.7,
    "gain": lambda g: np.clip(g * 1.3 + 10, 0, 255),
    "calipers": with_calipers,
    "trimmed": lambda g: g[3:-4, 5:-2],
}


@pytest.mark.parametrize("change", list(COPIES))
def test_a_changed_copy_is_found_among_others(change: str) -> None:
    originals = [picture(seed) for seed in range(12)]
    prints = [fingerprint(g) for g in (*originals, COPIES[change](originals[4]))]
    pairs = find_duplicates(prints)
    assert [(p.i, p.j, p.exact) for p in pairs] == [(4, 12, False)]
    assert pairs[0].correlation > 0.7 and pairs[0].distance <= 90


def test_equal_pixels_are_exact() -> None:
    pairs = find_duplicates([fingerprint(picture(1)), fingerprint(picture(2)), fingerprint(picture(1))])
    assert pairs == [(0, 2, 0, 1.0, True)]


def test_different_pictures_stay_apart() -> None:
    assert find_duplicates([fingerprint(picture(seed)) for seed in range(60)]) == []


def test_pictures_without_layout_are_no_copies_of_each_other() -> None:
    flat = [fingerprint(np.full((40 + k, 50), 7.0 * k)) for k in range(3)]
    assert find_duplicates(flat) == []


def test_few_or_no_pictures() -> None:
    assert find_duplicates([]) == []
    assert find_duplicates([fingerprint(picture(0))]) == []


def test_area_average_by_hand() -> None:
    # three columns into two cells: each takes one column and half of the middle one
    found = _area_average(np.array([[0.0, 6.0, 12.0], [0.0, 6.0, 12.0]]), 2)
    np.testing.assert_allclose(found, [[2.0, 10.0], [2.0, 10.0]])


def test_the_fingerprint_survives_json() -> None:
    first = fingerprint(picture(3))
    second = Fingerprint.from_json(first.to_json())
    np.testing.assert_array_equal(first.bits, second.bits)
    np.testing.assert_array_equal(first.thumbnail, second.thumbnail)
    assert first.digest == second.digest


def test_busi(shared: Path) -> None:
    """Of 114 images two are neighbouring frames of one lesion; no others are alike."""
    folder = shared / "data" / "busi"
    names = pd.read_csv(folder / "index.csv")["image"].tolist()
    prints = [fingerprint(read_image(folder / "images" / name).grey()[0]) for name in names]
    pairs = find_duplicates(prints)
    assert [(names[p.i], names[p.j]) for p in pairs] == [("malignant (27).png", "malignant (28).png")]
    assert not pairs[0].exact
