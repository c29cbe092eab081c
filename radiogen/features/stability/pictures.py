"""The grey pictures of a cohort with their regions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radiogen.cohort.cohort import Cohort
from radiogen.cohort.modality import PLAIN
from radiogen.errors import fail
from radiogen.features.jobs import ImageRow, rows_of
from radiogen.imaging import read_image, read_mask


@dataclass(frozen=True)
class Picture:
    """Where one picture and its region are, and how they are read.

    Parameters
    ----------
    lesion : str
        Id of the unit.
    row : ImageRow
    options : mapping
        ``resize``, ``label`` and ``calibration`` of the modality.
    """

    lesion: str
    row: ImageRow
    options: Mapping[str, Any]


def pictures_of(cohort: Cohort, modality: str | None) -> tuple[list[Picture], Mapping[str, Any] | None, str]:
    """Pictures with a region at the baseline visit, the modality's radiomics settings, and its ``aggregate``.

    Raises
    ------
    RadiogenError
        RG708 for a modality that is not of grey pictures, or several and none named; RG109 an unknown one.
    """
    name = chosen_modality(cohort, modality, plain=True)
    section = cohort.config.modalities[name]
    options = {"resize": section.resize, "label": section.mask_label, "calibration": section.calibration}
    found = [Picture(row.unit, row, options) for row in baseline_rows(cohort, name) if row.masks]
    return found, section.settings, section.aggregate


def chosen_modality(cohort: Cohort, modality: str | None, *, plain: bool) -> str:
    """The modality named, or the only one that has images (and, with ``plain``, grey ones)."""
    sections = cohort.config.modalities
    if modality is not None and modality not in sections:
        raise fail("RG109", f"there is no modality '{modality}'; the cohort has {', '.join(sections) or 'none'}", value=modality)
    fitting = [n for n, s in sections.items() if s.images and (not plain or s.kind_for(n) in PLAIN)]
    if modality is None and len(fitting) == 1:
        return fitting[0]
    if modality is None:
        raise fail("RG708", f"name the modality: {', '.join(fitting) or 'none'} could be meant", column="modality")
    if modality not in fitting:
        raise fail("RG708", f"'{modality}' has no {'grey ' if plain else ''}pictures whose regions could be measured again",
                   value=modality, fix="Name another modality.")  # fmt: skip
    return modality


def baseline_rows(cohort: Cohort, modality: str) -> list[ImageRow]:
    """The images of a modality at the baseline visit."""
    images = cohort.images[cohort.images["modality"] == modality]
    if cohort.config.visits is not None:
        images = images[images["visit"].eq(cohort.config.visits.baseline)]
    return rows_of(images)


def read_picture(
    picture: Picture,
) -> tuple[NDArray[np.float64], NDArray[np.bool_], tuple[float, float] | None]:
    """Grey values, region, and spacing at the region."""
    row, options = picture.row, picture.options
    image = read_image(row.image, spacing_mm=row.spacing_mm, calibration=options["calibration"])
    grey, _ = image.grey()
    mask = read_mask(row.masks, image.shape, resize=options["resize"], label=options["label"])
    return grey, mask, image.spacing_for(mask)
