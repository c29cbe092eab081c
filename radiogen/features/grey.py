"""Radiomics of grey pictures: in the lesion, and in rings along its border."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from radiogen.errors import Problem, RadiogenError
from radiogen.features.family import Examination, Family, Measured, Settings
from radiogen.features.radiomics import engine_versions, extract, feature_names, load_settings
from radiogen.features.radiomics.engine import check_region
from radiogen.imaging.regions import ring

#: codes of a ring that has too few pixels; the lesion itself can still be measured
_TOO_SMALL = ("RG505", "RG510")


def _settings(options: Mapping[str, Any]) -> Settings:
    rings = [{"width": r.width, "unit": r.unit, "side": r.side, "name": r.name} for r in options.get("rings") or ()]
    return {"radiomics": load_settings(options.get("settings")), "rings": rings}


def _in_rings(settings: Settings) -> dict[str, Any]:
    """The radiomics settings of a ring: its outline is the lesion's, so that it has no shape of its own."""
    radiomics = settings["radiomics"]
    return {**radiomics, "featureClass": {k: v for k, v in radiomics["featureClass"].items() if k != "shape2D"}}


def _names(settings: Settings, *, calibrated: bool) -> tuple[str, ...]:
    own = feature_names(settings["radiomics"], calibrated=calibrated)
    around = feature_names(_in_rings(settings), calibrated=calibrated) if settings["rings"] else ()
    return (*own, *(f"{r['name']}_{n}" for r in settings["rings"] for n in around))


def _check(examination: Examination, settings: Settings) -> tuple[Problem, ...]:
    _, problems = examination.image.grey()
    if examination.mask is not None:
        check_region(examination.mask, settings["radiomics"])
    return problems


def _measure(examination: Examination, settings: Settings, engine: str) -> Measured:
    grey, problems = examination.image.grey()
    assert examination.mask is not None  # needs_mask
    spacing = examination.spacing_mm
    lesion = extract(grey, examination.mask, spacing, settings["radiomics"], engine)
    parts, missing = [lesion], dict(lesion.attrs["missing"])
    for declared in settings["rings"]:
        found = _ring(examination, grey, declared, _in_rings(settings), engine)
        missing.update(found.attrs["missing"])
        parts.append(found)
    values = pd.concat(parts)
    values.attrs["missing"] = missing
    return Measured(values, problems)


def _ring(examination: Examination, grey: Any, declared: Mapping[str, Any], settings: dict[str, Any], engine: str) -> pd.Series:
    """Radiomics of one ring; missing with the reason where it cannot be drawn or is too small."""
    assert examination.mask is not None
    prefix = declared["name"]
    spacing = examination.spacing_mm
    if declared["unit"] == "mm" and spacing is None:
        return _missing(settings, prefix, "the pixel spacing is not known", calibrated=False)
    field = examination.image.calibrated_field(examination.mask)
    place = ring(
        examination.mask, declared["width"], spacing_mm=spacing, unit=declared["unit"], side=declared["side"], within=field
    )
    try:
        found = extract(grey, place, spacing, settings, engine)
    except RadiogenError as error:
        if not set(error.codes) <= set(_TOO_SMALL):
            raise
        return _missing(settings, prefix, f"the ring is too small: {error.problems[0].message}", calibrated=spacing is not None)
    reasons = {f"{prefix}_{k}": v for k, v in found.attrs["missing"].items()}
    found = found.rename(lambda n: f"{prefix}_{n}")
    found.attrs["missing"] = reasons
    return found


def _missing(settings: dict[str, Any], prefix: str, reason: str, *, calibrated: bool) -> pd.Series:
    names = [f"{prefix}_{n}" for n in feature_names(settings, calibrated=calibrated)]
    found = pd.Series(float("nan"), index=names, dtype=float)
    found.attrs["missing"] = dict.fromkeys(names, reason)
    return found


GREY = Family("radiomics/2", _measure, _names, _settings, engine_versions, check=_check)
