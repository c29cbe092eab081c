"""Radiomics in rings along the border of a lesion."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image as PillowImage

import radiogen as rg
from radiogen.cohort.cohort import Cohort
from radiogen.features.families import family_of
from radiogen.features.family import Examination
from radiogen.imaging import Image
from radiogen.imaging.regions import ring

CohortOf = Callable[..., Cohort]
#: means and extremes only: their values can be worked out by hand
FIRST_ORDER = {"featureClass": {"firstorder": ["Mean", "Maximum"]}, "setting": {"minimumROISize": 2}}


def test_a_ring_is_measured_where_it_lies(trio: list[dict[str, Any]], cohort_of: CohortOf) -> None:
    rings = [{"width": 3, "unit": "px"}, {"width": 0.2, "unit": "mm", "side": "inside"}]
    cohort = cohort_of([{**r, "spacing_row_mm": 0.1, "spacing_col_mm": 0.1} for r in trio],
                       modality={"settings": FIRST_ORDER, "rings": rings})
    table = rg.extract(cohort, cache=False).modalities["bmode"]
    grey = np.asarray(PillowImage.open(trio[0]["image"])).astype(float)
    mask = np.asarray(PillowImage.open(trio[0]["masks"][0])) > 0
    around, rim = ring(mask, 3, unit="px"), ring(mask, 2, unit="px", side="inside")
    row = table.loc["u0"]
    assert row["bmode_original_firstorder_Mean"] == pytest.approx(grey[mask].mean(), rel=1e-12)
    assert row["bmode_outside_3_px_original_firstorder_Mean"] == pytest.approx(grey[around].mean(), rel=1e-12)
    assert row["bmode_inside_0p2_mm_original_firstorder_Maximum"] == grey[rim].max()


def test_a_ring_in_mm_without_spacing_is_missing(trio: list[dict[str, Any]], cohort_of: CohortOf) -> None:
    cohort = cohort_of(trio, modality={"settings": FIRST_ORDER, "rings": [{"width": 2}]})
    table = rg.extract(cohort, cache=False).modalities["bmode"]
    assert table["bmode_outside_2_mm_original_firstorder_Mean"].isna().all()
    assert table["bmode_original_firstorder_Mean"].notna().all()


def test_rings_have_no_shape_and_all_names_are_given() -> None:
    family = family_of("bmode")
    from radiogen.cohort.modality import ModalitySection

    section = ModalitySection.model_validate({"images": "i.csv", "rings": [{"width": 2}]})
    settings = family.settings(section.options())
    names = family.names(settings, calibrated=True)
    assert not [n for n in names if n.startswith("outside_2_mm") and "shape2D" in n]
    image = np.random.default_rng(1).integers(0, 255, (60, 60)).astype(float)
    mask = np.zeros((60, 60), bool)
    mask[20:40, 20:40] = True
    found = family.measure(Examination(Image(image, (0.1, 0.1), "PNG", "L"), mask, None, (0.1, 0.1)), settings, "pyradiomics")
    assert tuple(found.values.index) == names


def test_a_lesion_that_nearly_fills_the_picture_has_no_surroundings() -> None:
    family = family_of("bmode")
    from radiogen.cohort.modality import ModalitySection

    section = ModalitySection.model_validate({"images": "i.csv", "rings": [{"width": 2, "unit": "px"}], "settings": FIRST_ORDER})
    settings = family.settings(section.options())
    image = np.random.default_rng(1).integers(0, 255, (30, 30)).astype(float)
    mask = np.ones((30, 30), bool)
    mask[-1] = False  # what is left is one row
    found = family.measure(Examination(Image(image, None, "PNG", "L"), mask), settings, "pyradiomics").values
    assert np.isnan(found["outside_2_px_original_firstorder_Mean"])
    assert "too small" in found.attrs["missing"]["outside_2_px_original_firstorder_Mean"]
    assert found["original_firstorder_Maximum"] == image[mask].max()
