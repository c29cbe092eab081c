"""What pictures of a modality can be made of, and what their pixels mean."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from radiogen.cohort.modality import Kind
from radiogen.errors import fail
from radiogen.features.jobs import ImageRow

#: kinds of pictures by kind of modality, the usual one first
KINDS: dict[Kind, tuple[str, ...]] = {
    "bmode": ("grey", "colour"),
    "grey": ("grey", "colour"),
    "swe": ("stiffness", "colour"),
    "doppler": ("colour", "power", "spectrum"),
    "ceus": ("cine",),
}
#: kinds whose pixels may be asked for in colour, and the kind that this is
_COLOURED = {"grey": "colour", "stiffness": "colour", "colour": "colour", "power": "power", "spectrum": "spectrum"}
RGB = ("red", "green", "blue")
#: the settings of the modality's family that decide a pixel
SETTINGS: dict[str, tuple[str, ...]] = {
    "stiffness": ("unit", "shown", "scale_max", "scale_min", "opacity", "bar"),
    "cine": ("dynamic_range_db", "contrast_box", "tissue_box", "curve", "motion"),
}
#: unit of a colour scale as :mod:`radiogen.features.elastography` writes it
_UNITS = {"kpa": "kPa", "m_s": "m/s"}


@dataclass(frozen=True)
class Scale:
    """What the values 0 and 255 of the first channel stand for; values between are linear.

    Parameters
    ----------
    low, high : float
    unit : str
        ``"kPa"`` or ``"m/s"``, or ``"of full scale"`` of the display, from 0 to 1.

    Examples
    --------
    >>> from radiogen.features.pictures import Scale
    >>> Scale(0.0, 180.0, "kPa").value(85)
    60.0
    """

    low: float
    high: float
    unit: str

    def value(self, pixel: float) -> float:
        """The value that a pixel stands for, in :attr:`unit`."""
        return self.low + (self.high - self.low) * pixel / 255


def kind_of_pictures(modality: Kind, kind: str | None, colour: bool) -> str:
    """The kind asked for, or the usual one.

    Raises
    ------
    RadiogenError
        RG708 for a kind that the modality does not have.
    """
    wanted = KINDS[modality][0] if kind is None else kind
    if wanted not in KINDS[modality]:
        known = ", ".join(f"'{k}'" for k in KINDS[modality])
        raise fail("RG708", f"pictures of this modality are of the kind {known}", value=kind, column="kind",
                   fix="Name one of these kinds.")  # fmt: skip
    if not colour:
        return wanted
    if wanted not in _COLOURED:
        raise fail("RG708", "loops are taken by their grey levels, not in colour", value=colour, column="colour")
    return _COLOURED[wanted]


def channels_of(kind: str, colour: bool, shown: str) -> tuple[str, ...]:
    """The meaning of each channel."""
    if kind == "stiffness":
        return (_UNITS[shown], "valid")
    return RGB if kind in ("colour", "power") or colour else ("grey",)


def scale_of(kind: str, shown: str, top: float) -> Scale:
    """The scale of the first channel."""
    return Scale(0.0, top, _UNITS[shown]) if kind == "stiffness" else Scale(0.0, 1.0, "of full scale")


def common_top(scales: Sequence[float | None], unit: str | None, shown: str) -> float:
    """The highest declared end of a scale in the unit shown; NaN where there is no picture.

    Raises
    ------
    RadiogenError
        RG520 where there are pictures and none has a scale.
    """
    if not scales:
        return math.nan
    known = [float(s) for s in scales if s is not None]
    if not known:
        raise fail("RG520", "the value at the high end of the colour bar is not declared", column="scale_max")
    # Young's modulus of a shear-wave speed c is 3ρc², as StiffnessMap.to_kpa has it
    return 3 * max(known) ** 2 if unit == "m/s" and shown == "kpa" else max(known)


def is_asked_for(row: ImageRow, modality: Kind, kind: str) -> bool:
    """Whether a picture is of this kind, or may be: where the manifest is silent the file tells."""
    return modality != "doppler" or row.type is None or row.type == kind
