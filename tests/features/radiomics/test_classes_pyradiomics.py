"""The native feature classes against pyradiomics 3.0.1: every feature of every class within 1e-8."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from radiogen.features.radiomics import with_pyradiomics
from radiogen.features.radiomics.classes.registry import chosen, measure
from radiogen.features.radiomics.filtered import FilteredImage
from radiogen.features.radiomics.names import FEATURES
from radiogen.features.radiomics.settings import load_settings

pytest.importorskip("radiomics")

SHAPE = (26, 31)


def native(image: np.ndarray, mask: np.ndarray, spacing: tuple[float, float], setting: dict[str, Any]) -> dict[str, float]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    filtered = FilteredImage("original", np.ascontiguousarray(image[box]), np.ascontiguousarray(mask[box]), spacing, setting)
    return {f"original_{k}": v for k, v in measure(filtered, chosen({name: [] for name in FEATURES})).items()}


def compare(image: np.ndarray, mask: np.ndarray, setting: dict[str, Any], spacing: tuple[float, float] = (1.0, 1.0)) -> None:
    settings = load_settings({"featureClass": {name: list(features) for name, features in FEATURES.items()}, "setting": setting})
    expected = with_pyradiomics.compute(image, mask, spacing, settings)
    found = native(image, mask, spacing, setting)
    assert set(found) == set(expected)
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-8, abs=1e-12, nan_ok=True), name


def regions() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    smooth = gaussian_filter(rng.normal(size=SHAPE), 1.5)
    found = {name: np.zeros(SHAPE, bool) for name in ("lesion", "holes", "parts", "thin", "border", "sparse")}
    r, c = np.indices(SHAPE)
    found["lesion"] = ((r - 13) / 10) ** 2 + ((c - 15) / 12) ** 2 < 1
    found["holes"][2:24, 3:28] = smooth[2:24, 3:28] < 0.12
    found["parts"] = smooth > 0.02
    found["thin"][12], found["thin"][:, 9] = True, True
    found["border"][:20, :] = True
    found["sparse"][1::3, ::4] = True
    return found


def images() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    smooth = gaussian_filter(rng.normal(size=SHAPE), 1.5)
    return {
        "speckle": np.clip(np.round(smooth * 300 + rng.normal(0, 15, SHAPE) + 120), 0, 255),
        "detail": smooth * 40,  # around zero, as in a wavelet's detail
        "levels": rng.integers(0, 4, SHAPE) * 13.0,
        "outliers": np.where(rng.random(SHAPE) < 0.02, 900.0, rng.normal(0, 20, SHAPE)),
        "two": np.where(smooth > 0, 10.0, 90.0),
        "flat": np.full(SHAPE, 0.1),  # whose mean is not 0.1 to the last bit
        "nearly flat": 37.5 + smooth * 1e-13,
        "halves": np.where(np.arange(SHAPE[0])[:, None] < 12, 0.0, 100.0) * np.ones(SHAPE),
    }


SETTINGS: list[dict[str, Any]] = [
    {"binWidth": 5}, {"binWidth": 25}, {"binCount": 32}, {"binCount": 128}, {"binWidth": 0.7},
    {"binWidth": 10, "distances": [1, 2]}, {"binWidth": 10, "distances": [3, 1, 1]}, {"binWidth": 10, "distances": [5]},
    {"binWidth": 10, "weightingNorm": "euclidean"}, {"binWidth": 10, "weightingNorm": "manhattan", "distances": [1, 2]},
    {"binCount": 16, "weightingNorm": "infinity"}, {"binCount": 16, "weightingNorm": "no_weighting"},
    {"binWidth": 10, "symmetricalGLCM": False}, {"binWidth": 10, "symmetricalGLCM": False, "weightingNorm": "euclidean"},
    {"binWidth": 10, "gldm_a": 2}, {"binWidth": 5, "voxelArrayShift": 300},
]  # fmt: skip


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_every_setting(setting: dict[str, Any]) -> None:
    """The lesion with speckle, and a scattered region with values around zero, with pixels that are not square."""
    compare(images()["speckle"], regions()["lesion"], setting, (0.3, 0.2))
    compare(images()["detail"], regions()["parts"], setting)


@pytest.mark.parametrize("image", images())
@pytest.mark.parametrize("region", regions())
def test_every_image_in_every_region(image: str, region: str) -> None:
    compare(images()[image], regions()[region], {"binWidth": 5})


def test_two_pixels_that_do_not_touch() -> None:
    """Nothing to pair: what pyradiomics gives where matrices are empty, for separate and for summed matrices."""
    mask = np.zeros(SHAPE, bool)
    mask[3, 4] = mask[5, 9] = mask[12, 20] = True
    for setting in ({"binWidth": 5}, {"binWidth": 5, "weightingNorm": "euclidean"}, {"binWidth": 900, "weightingNorm": "euclidean"}):
        compare(images()["speckle"], mask, setting)


@pytest.mark.parametrize(("name", "setting"), [("benign (100)", {"binWidth": 5}), ("malignant (180)", {"binCount": 128})])
def test_breast_lesions(shared: Path, name: str, setting: dict[str, Any]) -> None:
    from PIL import Image

    folder = shared / "data" / "busi"
    image = np.asarray(Image.open(folder / "images" / f"{name}.png").convert("L"), float)
    mask = np.asarray(Image.open(folder / "masks" / f"{name}_mask.png").convert("L")) > 0
    compare(image, mask, setting)
