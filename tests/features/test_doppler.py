"""Doppler as a family of features."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from radiogen.errors import RadiogenError
from radiogen.features.doppler import DOPPLER, NAMES, kind_of
from radiogen.features.families import family_of
from radiogen.features.family import Examination
from radiogen.imaging import Image
from radiogen.imaging.doppler import FLOW_NAMES, SPECTRUM_NAMES
from radiogen.imaging.region import Region

SPECTRUM = Region((0, 159), (0, 399), 3, 3, None, (7, 4), (-0.2, 0.01), (120, 0), (0.0, 0.0))
COLOUR = Region((0, 159), (0, 399), 2, 1, (0.1, 0.1), (3, 3))


def settings(**options: Any) -> Any:
    return DOPPLER.settings(options)


def strip() -> np.ndarray:
    """From 4 to 20 cm/s in 0.1 s and back in 0.7 s: 0.2 cm/s a row, 0.01 s a column, zero in row 120."""
    phase = (np.arange(400) * 0.01 + 0.3) % 0.8
    velocity = 4 + 16 * np.where(phase < 0.1, phase / 0.1, 1 - (phase - 0.1) / 0.7)
    height = 120 - np.arange(160)[:, None]
    return np.where((height > 0) & (height <= velocity / 0.2), 170.0, 15.0)


def colour() -> tuple[Image, np.ndarray]:
    """A red vessel of 3 × 40 pixels in a lesion of 80 × 100."""
    pixels = np.full((160, 400, 3), 60, np.uint8)
    pixels[60:63, 40:80] = (200, 0, 0)
    mask = np.zeros((160, 400), bool)
    mask[20:100, 20:120] = True
    return Image(pixels, (0.1, 0.1), "PNG", "RGB"), mask


def test_the_family_is_registered() -> None:
    assert family_of("doppler") is DOPPLER
    assert DOPPLER.names(settings(), calibrated=True) == DOPPLER.names(settings(), calibrated=False) == NAMES
    assert len(set(NAMES)) == len(NAMES) == len(FLOW_NAMES) + len(SPECTRUM_NAMES)
    assert set(DOPPLER.versions("pyradiomics")) == {"scipy", "scikit-image"}


def test_the_names_of_the_simulated_tables_are_kept() -> None:
    assert {"vascularity_index_pct", "vessel_count", "psv_cm_s", "edv_cm_s", "ri"} <= set(NAMES)


def test_settings_are_plain_values() -> None:
    found = settings(scale_max=6.0, bar=(1, 2, 3, 4), unit="kPa", baseline_row=120)
    assert json.loads(json.dumps(found)) == found
    assert found == {"scale_max": 6.0, "scale_min": None, "bar": [1, 2, 3, 4], "cm_s_per_px": None, "s_per_px": None,
                     "baseline_row": 120}  # fmt: skip


@pytest.mark.parametrize("kind", ["colour", "power"])
def test_a_colour_picture_gives_its_own_numbers(kind: str) -> None:
    image, mask = colour()
    found = DOPPLER.measure(Examination(image, mask, None, (0.1, 0.1), kind), settings(), "pyradiomics")
    assert tuple(found.values.index) == NAMES
    assert found.values["vascularity_index_pct"] == pytest.approx(100 * 120 / 8000)
    assert found.values["vessel_length_mm"] == pytest.approx(4.0)
    assert found.values[list(SPECTRUM_NAMES)].isna().all()
    assert found.values.attrs["missing"]["psv_cm_s"] == f"another kind of picture: {kind} Doppler"
    assert set(found.values.attrs["missing"]) == set(found.values.index[found.values.isna()])
    assert found.quality["colour_bar"] == 0
    assert [p.code for p in found.problems] == ["RG519"]


def test_spacing_comes_from_the_examination() -> None:
    image, mask = colour()
    found = DOPPLER.measure(Examination(image, mask, None, (0.2, 0.2), None), settings(), "pyradiomics")
    assert found.values["vessel_area_mm2"] == pytest.approx(120 * 0.04)


def test_a_strip_needs_no_mask_and_gives_its_own_numbers() -> None:
    image = Image(strip(), None, "PNG", "L")
    declared = settings(cm_s_per_px=0.2, s_per_px=0.01, baseline_row=120)
    found = DOPPLER.measure(Examination(image, type="spectrum"), declared, "pyradiomics")
    assert found.values["psv_cm_s"] == pytest.approx(20, rel=0.05)
    assert found.values["n_beats"] == 4
    assert found.values[list(FLOW_NAMES)].isna().all()
    assert found.values.attrs["missing"]["vessel_count"] == "another kind of picture: a spectrum"
    assert found.quality["reliable"] == 1
    assert not DOPPLER.needs_mask("spectrum")
    assert DOPPLER.needs_mask("colour") and DOPPLER.needs_mask("power") and DOPPLER.needs_mask(None)


def test_a_strip_without_calibration_costs_its_row() -> None:
    with pytest.raises(RadiogenError) as raised:
        DOPPLER.measure(Examination(Image(strip(), None, "PNG", "L"), type="spectrum"), settings(), "pyradiomics")
    assert raised.value.code == "RG523"


def test_the_kind_follows_the_file_where_it_is_not_declared() -> None:
    mask = np.ones((160, 400), bool)

    def kind(regions: tuple[Region, ...], mask: np.ndarray | None = None, declared: str | None = None) -> str:
        return kind_of(Examination(Image(strip(), None, "DICOM", "MONOCHROME2", regions), mask, type=declared))

    assert kind((SPECTRUM,)) == "spectrum"
    assert kind((SPECTRUM,), mask) == "spectrum"
    assert kind((COLOUR, SPECTRUM)) == "spectrum"
    assert kind((COLOUR, SPECTRUM), mask) == "colour"
    assert kind(()) == kind((COLOUR,), mask) == "colour"
    assert kind((SPECTRUM,), None, "power") == "power"
    with pytest.raises(RadiogenError) as raised:
        kind((), None, "pw")
    assert raised.value.code == "RG708"


def test_a_colour_picture_without_a_lesion_is_refused() -> None:
    with pytest.raises(RadiogenError) as raised:
        DOPPLER.measure(Examination(colour()[0], type="colour"), settings(), "pyradiomics")
    assert raised.value.code == "RG708"
