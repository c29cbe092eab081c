"""Stiffness in pixels: values drawn into a picture come back, and what is not known is not a value."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as PillowImage

from radiogen.cohort.cohort import Cohort
from radiogen.errors import RadiogenError
from radiogen.features.pictures import stack, stiffness
from tests.features.conftest import write_mask

CohortOf = Callable[..., Cohort]
BOX = (70, 110, 80, 120)


def colours(share: NDArray[np.float64]) -> NDArray[np.float64]:
    """From blue through green to red."""
    t = np.asarray(share, dtype=np.float64)
    return 255 * np.stack([np.clip(2 * t - 1, 0, 1), 1 - np.abs(2 * t - 1), np.clip(1 - 2 * t, 0, 1)], axis=-1)


def draw(path: Path) -> Path:
    """A lesion of 40 × 40 pixels, 0.9 of the scale in its upper half and 0.5 below, 0.2 around it; overlay from row 10."""
    share = np.full((200, 240), 0.2)
    share[70:110, 80:120] = 0.5
    share[70:90, 80:120] = 0.9
    picture = np.zeros((200, 240, 3))
    picture[10:190, 10:200] = (0.5 * colours(share) + 0.5 * 80)[10:190, 10:200]
    picture[40:141, 215:227] = colours(np.linspace(1, 0, 101))[:, None]
    PillowImage.fromarray(np.rint(picture).astype(np.uint8)).save(path)
    return path


@pytest.fixture
def rows(tmp_path: Path) -> list[dict[str, Any]]:
    mask = write_mask(tmp_path / "m.png", size=(200, 240), box=BOX)
    return [{"unit": "a", "image": draw(tmp_path / "a.png"), "masks": (mask,)}]


def swe(cohort_of: CohortOf, rows: list[dict[str, Any]], **section: Any) -> Cohort:
    """Tiny cohorts have one modality, which is called bmode whatever its kind."""
    return cohort_of(rows, modality={"kind": "swe", "unit": "kPa", "scale_max": 100.0, **section})


def test_kilopascals_come_back(rows: list[dict[str, Any]], cohort_of: CohortOf) -> None:
    found = stack(swe(cohort_of, rows), "bmode", size=(60, 60), cache=False)  # a margin of ten pixels: no resampling
    assert found.channels == ("kPa", "valid") and found.physical and found.pixels.shape == (1, 2, 60, 60)
    assert (found.scale.low, found.scale.high, found.scale.unit) == (0, 100, "kPa")
    kpa, valid = found.pixels[0, 0] * (100 / 255), found.pixels[0, 1]
    assert (valid == 255).all()
    # half a step of 1/255 of the scale, and half a kPa for the decoding of 8-bit colours
    for part, value in ((kpa[12:28, 12:48], 90), (kpa[32:48, 12:48], 50), (kpa[:8], 20), (kpa[:, 52:], 20)):
        assert np.abs(part - value).max() <= 100 / 255 / 2 + 0.5
    assert found.scale.value(255) == 100


def test_beyond_the_overlay_nothing_is_valid(rows: list[dict[str, Any]], cohort_of: CohortOf) -> None:
    # ten rows and columns beyond the overlay: a margin of 70 pixels reaches row 0
    found = stack(swe(cohort_of, rows), "bmode", size=(180, 180), margin=1.75, cache=False)
    valid = found.pixels[0, 1]
    # rows 0 to 179 of the picture, columns 10 to 189, of which the overlay begins at row 10
    assert not valid[:10].any() and (valid[10:] == 255).mean() > 0.99
    assert not found.pixels[0, 0][valid == 0].any()
    assert found.details["decoded_share"][0] == pytest.approx(170 / 180, abs=0.005)
    assert not [p for p in found.problems if p.code == "RG521"]  # the lesion itself is decoded


def test_one_scale_for_all_pictures(rows: list[dict[str, Any]], cohort_of: CohortOf) -> None:
    pair = [*rows, {**rows[0], "unit": "b", "declared": {"scale_max": 50.0}}]
    found = stack(swe(cohort_of, pair), "bmode", size=(60, 60), cache=False)
    assert found.scale.high == 100
    # the same colours stand for half of the stiffness
    half = found.pixels[:, 0, 12:28, 12:48].mean(axis=(1, 2)) * 100 / 255
    assert half == pytest.approx([90, 45], abs=0.5)
    # declared: what lies above is cut off and counted, 16 of 36 rows at 90 of 80 kPa
    low = stack(swe(cohort_of, pair), "bmode", size=(60, 60), view="masked", scale_max=80.0, cache=False)
    assert (low.pixels[0, 0, 12:28, 12:48] == 255).all() and low.options["scale_max"] == 80.0
    assert low.details["cut_off_share"].tolist() == pytest.approx([0.5, 0.0], abs=0.02)


def test_metres_per_second(rows: list[dict[str, Any]], cohort_of: CohortOf) -> None:
    speed = stack(swe(cohort_of, rows, unit="m/s", scale_max=10.0), "bmode", size=(60, 60), cache=False)
    assert speed.channels == ("m/s", "valid") and speed.scale.high == 10
    kpa = stack(swe(cohort_of, rows, unit="m/s", scale_max=10.0, to_kpa=True), "bmode", size=(60, 60), cache=False)
    assert kpa.channels == ("kPa", "valid") and kpa.scale.high == 300  # 3 · 10²
    # 5 m/s are 75 kPa; half a step of 300/255 and the decoding
    assert np.abs(kpa.pixels[0, 0, 32:48, 12:48] * (300 / 255) - 75).max() <= 0.6 + 3


def test_as_it_is_displayed(rows: list[dict[str, Any]], cohort_of: CohortOf) -> None:
    found = stack(swe(cohort_of, rows), "bmode", size=(60, 60), colour=True, cache=False)
    assert found.channels == ("red", "green", "blue") and not found.physical
    np.testing.assert_array_equal(
        np.moveaxis(found.pixels[0], 0, 2), np.asarray(PillowImage.open(rows[0]["image"]))[60:120, 70:130]
    )


def test_the_whole_is_the_overlay(rows: list[dict[str, Any]], cohort_of: CohortOf) -> None:
    found = stack(swe(cohort_of, rows), "bmode", view="whole", size=(190, 190), cache=False)
    # 180 × 190 pixels of overlay: five rows of black above and below
    assert (np.flatnonzero(found.pixels[0, 1].any(axis=1)) == np.arange(5, 185)).all()


def test_without_a_scale(rows: list[dict[str, Any]], cohort_of: CohortOf) -> None:
    with pytest.raises(RadiogenError, match="RG520"):
        stack(swe(cohort_of, rows, scale_max=None), "bmode", cache=False)


def test_decoded_once_for_all_views(
    rows: list[dict[str, Any]], cohort_of: CohortOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cohort = swe(cohort_of, rows)
    fresh = stack(cohort, "bmode", view="ring", ring_share=0.3, scale_max=120.0, cache=False)
    stack(cohort, "bmode", view="lesion", cache=tmp_path)

    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("decoded again")

    monkeypatch.setattr(stiffness, "decode_stiffness", refuse)
    other = stack(cohort, "bmode", view="ring", ring_share=0.3, scale_max=120.0, cache=tmp_path)
    np.testing.assert_array_equal(other.pixels, fresh.pixels)
