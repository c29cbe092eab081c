"""From the name that a family gives to the entry that describes it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from radiogen.cohort.frames import feature_name
from radiogen.cohort.modality import Kind
from radiogen.errors import fail
from radiogen.features.dictionary.entry import Entry
from radiogen.features.dictionary.filters import filter_of
from radiogen.features.dictionary.sheets import Line, sheet
from radiogen.features.dictionary.units import filled, unit_of_name
from radiogen.features.family import Settings

#: class and feature at the end of a radiomics name
_RADIOMICS = re.compile(r"(?P<image>[^_]+)_(?P<cls>firstorder|shape2D|glcm|glrlm|glszm|gldm|ngtdm)_(?P<feature>\w+)")
_RING = re.compile(r"(?P<side>outside|inside)_(?P<width>\d+(?:p\d+)?)_(?P<unit>mm|px)_(?P<rest>.+)")
#: zones of elastography, the longer name first
_ZONES = (("with_shell_", "lesion and shell"), ("shell_", "shell"), ("", "lesion"))
_STIFF = re.compile(r"share_above_(?P<threshold>\d+(?:p\d+)?)_(?P<unit>kpa|m_s)_pct")
_LESION = "lesion"


def describe(modality: str, kind: Kind, name: str, settings: Settings) -> Entry:
    """The entry of one name of a family.

    Parameters
    ----------
    modality : str
        Name of the modality in the cohort.
    kind : str
        What its pictures are.
    name : str
        As the family gives it, without the modality.
    settings : mapping
        The family's.

    Raises
    ------
    RadiogenError
        RG708 for a name that no description fits.
    """
    found = _DESCRIBERS[kind](name, settings)
    if found is None:
        raise fail("RG708", f"no description fits the feature '{name}' of '{modality}'", value=name)
    return replace(found, feature=feature_name(modality, name), modality=modality)


def _radiomics(name: str, value_unit: str, setting: Mapping[str, Any]) -> Entry | None:
    match = _RADIOMICS.fullmatch(name)
    if match is None:
        return None
    page = sheet(match["cls"])
    line = page.lines.get(match["feature"])
    if line is None:
        return None
    filtered = filter_of(match["image"], setting)
    shape = match["cls"] == "shape2D"
    return Entry(
        feature="", modality="", region=_LESION, feature_class=match["cls"], short=match["feature"],
        filter="" if shape else filtered.label, unit=filled(line.unit, filled(filtered.unit, value_unit)), formula=line.formula,
        ibsi=line.ibsi, note=line.note, filter_formula="" if shape else filtered.formula, reference=page.reference,
        symbols=page.symbols,
    )  # fmt: skip


def _plain(page_name: str, name: str, group: str = "") -> Entry | None:
    page = sheet(page_name)
    line = page.lines.get(name)
    return None if line is None else _entry(page_name, name, line, group)


def _entry(page_name: str, name: str, line: Line, group: str = "", region: str = _LESION) -> Entry:
    page = sheet(page_name)
    return Entry(
        feature="", modality="", region=region, feature_class=line.group or group, short=name,
        unit=line.unit or unit_of_name(name), formula=line.formula, note=line.note,
        reference=line.reference or page.reference, symbols=page.symbols,
    )  # fmt: skip


def _grey(name: str, settings: Settings) -> Entry | None:
    radiomics = settings["radiomics"]
    setting = {**radiomics["setting"], **radiomics["imageType"].get("Gradient", {})}
    ring = _RING.fullmatch(name)
    if ring is None:
        return _radiomics(name, "grey value", setting)
    found = _radiomics(ring["rest"], "grey value", setting)
    width = ring["width"].replace("p", ".")
    return None if found is None else replace(found, region=f"ring {width} {ring['unit']} {ring['side']}")


def _stiffness(name: str, settings: Settings) -> Entry | None:
    texture = settings["texture"]
    setting = {**texture["setting"], **texture["imageType"].get("Gradient", {})}
    shown = unit_of_name(f"_{settings['shown']}")
    found = _radiomics(name, shown, setting)
    if found is not None:
        return replace(found, note=_joined(found.note, "of the stiffness map"))
    page = sheet("elastography")
    prefix, region = next((p, r) for p, r in _ZONES if name.startswith(p))
    part = name.removeprefix(prefix)
    stiff = _STIFF.fullmatch(part)
    if stiff is not None:
        line = page.lines["share_above"]
        threshold = f"{stiff['threshold'].replace('p', '.')} {shown}"
        return replace(_entry("elastography", part, line, "stiffness", region), formula=line.formula.format(threshold=threshold))
    line = page.lines.get(part.removesuffix(f"_{settings['shown']}"))  # type: ignore[assignment]
    return None if line is None else _entry("elastography", part, line, "stiffness", region)


def _joined(*notes: str) -> str:
    return "; ".join(n for n in notes if n)


def _flow(name: str, settings: Settings) -> Entry | None:
    found = _plain("doppler", name)
    # a strip has no lesion
    return replace(found, region="vessel") if found is not None and found.feature_class == "spectrum" else found


def _kinetics(name: str, settings: Settings) -> Entry | None:
    found = _plain("contrast", name)
    if found is None or settings.get("dynamic_range_db") is not None or "a.u." not in found.unit:
        return found
    return replace(found, note=_joined(found.note, "without dynamic_range_db in grey levels, not linear"))


_DESCRIBERS: dict[Kind, Callable[[str, Settings], Entry | None]] = {
    "bmode": _grey, "grey": _grey, "swe": _stiffness, "doppler": _flow, "ceus": _kinetics,
}  # fmt: skip
