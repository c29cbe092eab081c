"""The planes through a patient's lesion in which pictures are taken."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from radiogen.simulate.bmode import Picture, Traits, draw_picture
from radiogen.simulate.scanner import SCANNERS, Scanner

#: a plane beside the largest one shows so much of the diameter at least
_SMALLEST_SHARE = 0.88


def traits_of(patient: pd.Series) -> Traits:
    """What a patient's lesion looks like in grey."""
    return Traits(
        diameter_mm=float(patient["latent_diameter_mm"]),
        **{k: float(patient[f"latent_{k}"]) for k in ("margin", "texture", "shadow", "contrast", "aspect")},
    )


def scanner_of(patient: pd.Series) -> Scanner:
    """The machine that a patient was examined with."""
    return SCANNERS[str(patient["scanner"])]


def draw_plane(rng: np.random.Generator, patient: pd.Series) -> Picture:
    """A B-mode picture of the lesion in a plane near the one of its largest diameter."""
    traits = traits_of(patient)
    share = float(rng.uniform(_SMALLEST_SHARE, 1.0))
    return draw_picture(rng, replace(traits, diameter_mm=traits.diameter_mm * share), scanner_of(patient))


def geometry(picture: Picture, view: int) -> dict[str, Any]:
    """The true outline of a picture's lesion, for ``truth.json``."""
    lesion = picture.lesion
    return {
        "view": view,
        "spacing_mm": picture.spacing_mm,
        "centre_x_mm": lesion.x_mm,
        "centre_y_mm": lesion.y_mm,
        "half_width_mm": lesion.half_width_mm,
        "half_height_mm": lesion.half_height_mm,
        "tilt_rad": lesion.tilt,
        "waves": [list(w) for w in lesion.waves],
        "spikes": [list(s) for s in lesion.spikes],
        "area_mm2": lesion.area_mm2,
        "diameter_mm": lesion.diameter_mm,
        "shadow_db": picture.shadow_db,
        "heterogeneity_db": picture.heterogeneity_db,
    }
