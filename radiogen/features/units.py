"""Units of the columns of feature tables, as their names tell them."""

from __future__ import annotations

from radiogen.features.radiomics.names import PHYSICAL

#: end of a name -> unit; the longest end that fits counts
_ENDS = {
    "_kpa_per_mm": "kPa/mm", "_kpa": "kPa", "_mm2": "mm²", "_mm": "mm", "_pct": "%", "_per_cm2": "1/cm²", "_cm_per_s": "cm/s",
    "_cm_s": "cm/s", "_cm_s2": "cm/s²", "_per_s": "1/s", "_ms": "ms", "_s": "s", "_db": "dB", "_deg": "°", "_px": "px",
    "_per_min": "1/min", "_au": "au", "_au_s": "au·s", "_au_per_s": "au/s",
}  # fmt: skip
#: radiomics features in mm; the area of a pixel is in the total energy too
_RADIOMICS = {"MeshSurface": "mm²", "PixelSurface": "mm²", "PerimeterSurfaceRatio": "1/mm", "TotalEnergy": "mm²"}


def unit_of(column: str) -> str | None:
    """The unit of a column of a feature table; None where it is a pure number or a grey value.

    Parameters
    ----------
    column : str
        Such as ``swe_mean_kpa`` or ``bmode_original_shape2D_Perimeter``.

    Examples
    --------
    >>> from radiogen.features.units import unit_of
    >>> unit_of("swe_mean_kpa"), unit_of("bmode_original_shape2D_MeshSurface"), unit_of("bmode_original_glcm_MCC")
    ('kPa', 'mm²', None)
    """
    words = column.split("_")
    if tuple(words[-2:]) in PHYSICAL:
        return _RADIOMICS.get(words[-1], "mm")
    ends = [end for end in _ENDS if column.endswith(end)]
    return _ENDS[max(ends, key=len)] if ends else None
