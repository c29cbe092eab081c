"""Doppler pictures as numbers: vascular indices of colour and power pictures, velocities of pulsed-wave strips."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from radiogen.errors import fail
from radiogen.features.family import Examination, Family, Measured, Settings, series
from radiogen.imaging.doppler import FLOW_NAMES, SPECTRUM_NAMES, measure_flow, measure_spectrum

#: the manifest's words for the kind of picture
TYPES = ("colour", "power", "spectrum")
_KEYS = ("scale_max", "scale_min", "bar", "cm_s_per_px", "s_per_px", "baseline_row")
#: packages that decide a value: filters and labels, and the skeleton of the vessels
_PACKAGES = ("scipy", "scikit-image")
NAMES = (*FLOW_NAMES, *SPECTRUM_NAMES)


def kind_of(examination: Examination) -> str:
    """``"colour"``, ``"power"`` or ``"spectrum"``.

    What the manifest says; without a word, by the DICOM regions: a file with a spectrum is a spectrum, unless it has a
    colour box too (a duplex picture) and a lesion is drawn.  All else is a colour picture.

    Raises
    ------
    RadiogenError
        RG708 for another word.
    """
    if examination.type is not None:
        if examination.type not in TYPES:
            raise fail("RG708", f"the type of a Doppler picture is {', '.join(TYPES)}", value=examination.type)
        return examination.type
    image = examination.image
    duplex = bool(image.regions_of("colour flow")) and examination.mask is not None
    return "spectrum" if image.regions_of("spectrum") and not duplex else "colour"


def _settings(options: Mapping[str, Any]) -> Settings:
    found = {key: options.get(key) for key in _KEYS}
    return {**found, "bar": None if found["bar"] is None else [int(v) for v in found["bar"]]}


def _names(settings: Settings, *, calibrated: bool) -> tuple[str, ...]:
    return NAMES


def _versions(engine: str) -> dict[str, str]:
    return {name: version(name) for name in _PACKAGES}


def _measure(examination: Examination, settings: Settings, engine: str) -> Measured:
    kind = kind_of(examination)
    if kind == "spectrum":
        keys = ("cm_s_per_px", "s_per_px", "baseline_row")
        strip = measure_spectrum(examination.image, **{k: settings[k] for k in keys})
        other = dict.fromkeys(FLOW_NAMES, "another kind of picture: a spectrum")
        return Measured(series(strip.values, NAMES, {**other, **strip.missing}), strip.problems, strip.quality)
    if examination.mask is None:
        raise fail("RG708", f"a {kind} Doppler picture is measured in a lesion, and no mask is given")
    bar = settings["bar"]
    flow = measure_flow(
        examination.image, examination.mask, spacing_mm=examination.spacing_mm, scale_max=settings["scale_max"],
        scale_min=settings["scale_min"], bar=None if bar is None else (bar[0], bar[1], bar[2], bar[3]), power=kind == "power",
    )  # fmt: skip
    other = dict.fromkeys(SPECTRUM_NAMES, f"another kind of picture: {kind} Doppler")
    return Measured(series(flow.values, NAMES, {**other, **flow.missing}), flow.problems, flow.quality)


DOPPLER = Family(
    name="doppler/1",
    measure=_measure,
    names=_names,
    settings=_settings,
    versions=_versions,
    needs_mask=lambda kind: kind != "spectrum",
)
