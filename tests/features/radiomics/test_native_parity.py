"""The engine ``native`` gives pyradiomics' numbers: every class, every image type that both have."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from radiogen.features.radiomics import extract

pytest.importorskip("radiomics")

IMAGES: dict[str, Any] = {
    "Original": {}, "Wavelet": {"wavelet": "coif1"}, "LoG": {"sigma": [1.0, 2.0]}, "Square": {}, "SquareRoot": {},
    "Logarithm": {}, "Exponential": {}, "Gradient": {}, "LBP2D": {"binWidth": 1},
}  # fmt: skip
EIGHT: dict[str, Any] = {"Original": {}, "Wavelet": {"wavelet": "coif1"}, "LoG": {"sigma": [1.0, 2.0, 3.0]}}

SETTINGS: dict[str, tuple[dict[str, Any], tuple[float, float] | None]] = {
    "width 5": ({"binWidth": 5}, None),
    "width 25": ({"binWidth": 25}, (0.1, 0.08)),
    "count 32": ({"binCount": 32}, (0.1, 0.1)),
    "count 128": ({"binCount": 128}, None),
    "resampled": ({"binWidth": 5, "resampledPixelSpacing": [0.15, 0.15]}, (0.1, 0.1)),
    "resampled in one direction": (
        {"binWidth": 5, "resampledPixelSpacing": [0, 0.07], "interpolator": "sitkLinear", "padDistance": 12}, (0.1, 0.08),
    ),
    "normalised": ({"binWidth": 5, "normalize": True, "normalizeScale": 100}, None),
    "without outliers": ({"binCount": 16, "normalize": True, "removeOutliers": 2}, None),
    "resegmented": ({"binWidth": 5, "resegmentRange": [15, 120]}, (0.1, 0.1)),
    "resegmented by sigma": (
        {"binWidth": 5, "resegmentRange": [-1.5, 1.5], "resegmentMode": "sigma", "resegmentShape": True}, None,
    ),
    "cropped": ({"binWidth": 5, "preCrop": True, "padDistance": 3}, None),
    "matrices": (
        {"binWidth": 10, "distances": [1, 2], "weightingNorm": "euclidean", "symmetricalGLCM": False, "gldm_a": 2,
         "voxelArrayShift": 50}, None,
    ),
}  # fmt: skip


def speckle(seed: int, shape: tuple[int, int], *, at_border: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Rayleigh speckle of 8 bits with an anechoic, perfectly black part, and an elliptic region over both."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    image = np.clip(rng.rayleigh(45, shape), 0, 255).round()
    image[(rows - shape[0] / 3) ** 2 + (columns - shape[1] / 2) ** 2 < (shape[0] / 6) ** 2] = 0
    centre = (shape[0] * 0.9, shape[1] * 0.95) if at_border else (shape[0] / 2, shape[1] / 2)
    return image, ((rows - centre[0]) / shape[0]) ** 2 + ((columns - centre[1]) / shape[1]) ** 2 < 0.09


def assert_equal(image: np.ndarray, mask: np.ndarray, spacing: Any, settings: dict[str, Any]) -> None:
    theirs = extract(image, mask, spacing, settings, engine="pyradiomics")
    ours = extract(image, mask, spacing, settings, engine="native")
    assert list(ours.index) == list(theirs.index) and len(ours)
    np.testing.assert_array_equal(ours.isna(), theirs.isna())
    np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("name", SETTINGS)
def test_speckle(name: str) -> None:
    setting, spacing = SETTINGS[name]
    image, mask = speckle(len(name), (61, 84))
    assert_equal(image, mask, spacing, {"imageType": IMAGES, "setting": setting})


@pytest.mark.parametrize("shape", [(45, 38), (64, 51)])
def test_a_region_at_the_border(shape: tuple[int, int]) -> None:
    image, mask = speckle(7, shape, at_border=True)
    assert mask[-1].any() and mask[:, -1].any()
    assert_equal(image, mask, None, {"imageType": IMAGES, "setting": {"binWidth": 5}})


def test_levels_of_the_wavelet_and_options_of_image_types() -> None:
    image, mask = speckle(11, (52, 47))
    images = {
        "Wavelet": {"wavelet": "db3", "level": 2, "start_level": 1, "binWidth": 9},
        "LoG": {"sigma": [1, 0.5], "binCount": 12},
        "LBP2D": {"lbp2DRadius": 2.0, "lbp2DSamples": 12, "lbp2DMethod": "ror", "binWidth": 50},
        "Gradient": {"gradientUseSpacing": False, "binWidth": 2.5},
    }
    assert_equal(image, mask, (0.9, 0.7), {"imageType": images, "setting": {"binWidth": 5}})


def test_values_that_are_no_whole_numbers() -> None:
    image, mask = speckle(13, (58, 63))
    image = image / 7 - 11
    assert_equal(image, mask, None, {"imageType": IMAGES, "setting": {"binWidth": 0.7}})


@pytest.mark.parametrize("level", [0.0, 13.7])
def test_a_flat_region(level: float) -> None:
    """One grey level: what is not defined is missing in both, and what is defined is equal."""
    image, mask = speckle(17, (41, 49))
    image[5:36, 8:44] = level
    inside = np.zeros_like(mask)
    inside[14:27, 17:33] = True
    assert_equal(image, inside, None, {"imageType": {"Original": {}, "Wavelet": {"wavelet": "haar"}}, "setting": {"binWidth": 5}})


def busi(shared: Path) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The smallest and the median lesion of every eightieth picture with one."""
    folder = shared / "data" / "busi"
    with (folder / "index.csv").open(encoding="utf-8", newline="") as file:
        rows = [r for r in csv.DictReader(file) if r["label"] != "normal"][::80]
    rows.sort(key=lambda r: int(r["width"]) * int(r["height"]) * float(r["lesion_area_fraction"]))
    for row in (rows[0], rows[len(rows) // 2]):
        outline = folder / "masks" / row["masks"].split(";")[0]
        with Image.open(folder / "images" / row["image"]) as image, Image.open(outline) as mask:
            yield np.asarray(image.convert("L"), float), np.asarray(mask.convert("L")) > 127


def test_breast_ultrasound(shared: Path) -> None:
    if not (shared / "data" / "busi" / "index.csv").is_file():
        pytest.skip("the BUSI images are not beside the repository")
    for image, mask in busi(shared):
        assert_equal(image, mask, None, {"imageType": EIGHT, "setting": {"binWidth": 5}})
