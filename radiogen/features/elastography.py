"""Stiffness of the lesion, of the shell around it and of both, from shear-wave elastography."""

from __future__ import annotations

import math
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from radiogen.errors import Problem, RadiogenError, fail, problem
from radiogen.features.family import Examination, Family, Measured, Settings, series
from radiogen.features.radiomics import engine_versions, extract, feature_names, load_settings
from radiogen.imaging.elastography import StiffnessMap, decode_stiffness
from radiogen.imaging.regions import Mask, ring

Floats = NDArray[np.float64]

#: zones and the prefix of their names
ZONES = {"lesion": "", "shell": "shell_", "with_shell": "with_shell_"}
#: width of the shell where none is declared, as most readers of breast SWE take it
SHELL_MM = 2.0
#: above this a lesion counts as stiff where no threshold is declared: 80 kPa (BE1), the same in m/s by E = 3ρc²
STIFF_KPA = 80.0
#: fixed bins of the texture features, about the reproducibility of a reader's measurement
BIN_WIDTH = {"kpa": 5.0, "m_s": 0.25}
#: a larger share of the lesion that could not be decoded is told
_UNDECODED = 0.10
_PARTS = ("mean", "max", "min", "sd", "median", "p90")
_NO_SHELL = "the pixel spacing is not known, and the shell is in mm"


def settings(options: Mapping[str, Any]) -> Settings:
    """Complete settings from the keys of the modality.

    Parameters
    ----------
    options : mapping
        ``unit``, ``scale_max``, ``scale_min``, ``to_kpa``, ``opacity``, ``bar``, ``stiff_above``, ``shell_mm``,
        ``shell_px``, ``settings`` (of radiomics); None where not declared.

    Returns
    -------
    dict of plain values
    """
    unit = options.get("unit")
    shown = "m_s" if unit == "m/s" and not options.get("to_kpa") else "kpa"
    stiff = options.get("stiff_above")
    if stiff is None:
        stiff = STIFF_KPA if shown == "kpa" else round(math.sqrt(STIFF_KPA / 3), 2)
    shell_px, shell_mm = options.get("shell_px"), options.get("shell_mm")
    bar = options.get("bar")
    return {
        "unit": unit,
        "shown": shown,
        "scale_max": options.get("scale_max"),
        "scale_min": options.get("scale_min"),
        "opacity": options.get("opacity"),
        "bar": None if bar is None else [int(v) for v in bar],
        "stiff_above": float(stiff),
        "shell": float(shell_px if shell_px is not None else shell_mm if shell_mm is not None else SHELL_MM),
        "shell_unit": "px" if shell_px is not None else "mm",
        "texture": _texture_settings(options.get("settings"), shown),
    }


def names(settings: Settings, *, calibrated: bool) -> tuple[str, ...]:
    """Names of all features, without the modality: those of each zone, then radiomics of the lesion's stiffness."""
    own = tuple(prefix + part for prefix in ZONES.values() for part in _zone_names(settings))
    return own + feature_names(settings["texture"], calibrated=calibrated)


def measure(examination: Examination, settings: Settings, engine: str) -> Measured:
    """Features of one shear-wave picture with its mask.

    In each zone (lesion; the shell around it; both together, ``with_shell_``), over the decoded pixels:

    - ``mean_kpa``, ``sd_kpa`` (n − 1), ``median_kpa``, ``p90_kpa`` (linear interpolation) of the pixels;
    - ``max_kpa`` and ``min_kpa`` of the map smoothed by a median of 3 × 3, so that one wrong pixel does not decide:
      E_max is the stiffest spot of about two pixels' width, and not the single stiffest pixel;
    - ``ratio``: the mean over the mean in the reference region (fat);
    - ``share_above_80_kpa_pct``: percentage of the decoded pixels above the threshold.

    With ``unit: m/s`` and without ``to_kpa`` the names end in ``_m_s``.  Then, of the lesion, radiomics of the
    stiffness map (original image only, no shape; fixed bins of 5 kPa or 0.25 m/s, so that a bin means the same
    stiffness in all patients).  Pixels that were not decoded are in no zone.

    Parameters
    ----------
    examination : Examination
    settings : mapping
        From :func:`settings`.
    engine : str
        Of radiomics.

    Returns
    -------
    Measured
        ``quality``: ``decoded_share_pct`` and ``saturated_share_pct`` of the lesion, ``shell_decoded_share_pct``,
        ``opacity``, ``residual_median``.

    Raises
    ------
    RadiogenError
        RG705 no mask, RG520 unit or scale missing, RG519 no colour bar, RG522 no pixel of the lesion in the overlay,
        RG511 not a colour still.

    References
    ----------
    Berg WA et al. Shear-wave elastography improves the specificity of breast US: the BE1 multinational study of 939
    masses. Radiology 2012;262(2):435-449. doi:10.1148/radiol.11110640
    """
    if examination.mask is None:
        raise fail("RG705", "stiffness is measured in a lesion, and no mask is given")
    if settings["unit"] is None:
        raise fail("RG520", "the unit of the colour scale is not declared (`unit: kPa` or `unit: m/s`)", column="unit")
    decoded = decode_stiffness(
        examination.image, scale_max=settings["scale_max"], scale_min=settings["scale_min"], unit=settings["unit"],
        bar=None if settings["bar"] is None else tuple(settings["bar"]), opacity=settings["opacity"],
    )  # fmt: skip
    if settings["shown"] == "kpa":
        decoded = decoded.to_kpa()
    lesion = examination.mask
    if not (lesion & decoded.overlay).any():
        raise fail("RG522", "no pixel of the lesion lies in the colour overlay")
    zones = {"lesion": lesion, **_shells(examination, settings)}
    values, missing = _zone_values(decoded, zones, examination.reference, settings)
    texture, reasons, remarks = _texture(decoded, lesion, examination.spacing_mm, settings, engine)
    known = examination.spacing_mm is not None
    found = series({**values, **texture}, names(settings, calibrated=known), {**missing, **reasons})
    quality = _quality(decoded, zones)
    return Measured(found, (*decoded.problems, *_warnings(quality), *remarks), quality)


def versions(engine: str) -> dict[str, str]:
    """Versions of the packages that decide a value."""
    return {"scipy": version("scipy"), **engine_versions(engine)}


ELASTOGRAPHY = Family("elastography/1", measure, names, settings, versions)


def _zone_names(settings: Settings) -> tuple[str, ...]:
    shown = settings["shown"]
    above = f"{settings['stiff_above']:g}".replace(".", "p")
    return (*(f"{part}_{shown}" for part in _PARTS), "ratio", f"share_above_{above}_{shown}_pct")


def _texture_settings(declared: Any, shown: str) -> dict[str, dict[str, Any]]:
    if declared is not None:
        return load_settings(declared)
    classes: dict[str, list[str]] = {name: [] for name in ("firstorder", "glcm", "glrlm", "glszm", "gldm", "ngtdm")}
    return load_settings(
        {"imageType": {"Original": {}}, "featureClass": classes, "setting": {"binWidth": BIN_WIDTH[shown], "minimumROISize": 64}}
    )


def _shells(examination: Examination, settings: Settings) -> dict[str, Mask]:
    """The shell, and lesion with shell; nothing where the shell is in mm and the spacing not known."""
    assert examination.mask is not None
    if settings["shell_unit"] == "mm" and examination.spacing_mm is None:
        return {}
    shell = ring(examination.mask, settings["shell"], spacing_mm=examination.spacing_mm, unit=settings["shell_unit"])
    return {"shell": shell, "with_shell": shell | examination.mask}


def _zone_values(
    decoded: StiffnessMap, zones: Mapping[str, Mask], reference: Mask | None, settings: Settings
) -> tuple[dict[str, float], dict[str, str]]:
    """Values by name, and the reasons of those that are missing."""
    smooth = _median3(decoded.values)
    base, no_ratio = _reference_mean(decoded, reference)
    values: dict[str, float] = {}
    missing: dict[str, str] = {}
    for zone, prefix in ZONES.items():
        own = [prefix + name for name in _zone_names(settings)]
        inside = zones[zone] & decoded.decoded if zone in zones else None
        if inside is None or not inside.any():
            missing |= dict.fromkeys(own, _NO_SHELL if inside is None else "no pixel of the zone could be decoded")
            continue
        pixels, calm = decoded.values[inside], smooth[inside]
        mean = float(pixels.mean())
        spread = float(pixels.std(ddof=1)) if len(pixels) > 1 else math.nan
        ratio = mean / base if base > 0 else math.nan
        numbers = (mean, calm.max(), calm.min(), spread, np.median(pixels), np.quantile(pixels, 0.9), ratio)
        above = 100 * float((pixels > settings["stiff_above"]).mean())
        values |= {name: float(v) for name, v in zip(own, (*numbers, above), strict=True)}
        missing |= {own[6]: no_ratio, own[3]: "the zone has one pixel"}
    return values, missing


def _reference_mean(decoded: StiffnessMap, reference: Mask | None) -> tuple[float, str]:
    """Mean in the reference region, or NaN and why there is none."""
    if reference is None:
        return math.nan, "no reference region is drawn"
    inside = reference & decoded.decoded
    if not inside.any():
        return math.nan, "no pixel of the reference region could be decoded"
    return float(decoded.values[inside].mean()), "the reference region has a stiffness of 0"


def _median3(values: Floats) -> Floats:
    """Median of the decoded pixels among a pixel and its eight neighbours; NaN where the pixel was not decoded."""
    rows, columns = values.shape
    found = np.full(values.shape, np.nan)
    known = np.isfinite(values)
    if not known.any():
        return found
    padded = np.pad(values, 1, constant_values=np.nan)
    y, x = np.nonzero(known)
    around = np.stack([padded[y + i, x + j] for i in range(3) for j in range(3)])
    found[known] = np.nanmedian(around, axis=0)
    return found.reshape(rows, columns)


def _texture(
    decoded: StiffnessMap, lesion: Mask, spacing: tuple[float, float] | None, settings: Settings, engine: str
) -> tuple[dict[str, float], dict[str, str], tuple[Problem, ...]]:
    """Radiomics of the decoded part of the lesion, by name; a lesion too small for texture keeps its other features."""
    wanted = feature_names(settings["texture"], calibrated=spacing is not None)
    inside = lesion & decoded.decoded
    if not wanted:
        return {}, {}, ()
    if not inside.any():
        return {}, dict.fromkeys(wanted, "no pixel of the zone could be decoded"), ()
    # filters of declared settings look beyond the region: what is not known there is as the nearest that is
    nearest = distance_transform_edt(~decoded.decoded, return_distances=False, return_indices=True)
    filled = decoded.values[tuple(nearest)]
    try:
        found = extract(filled, inside, spacing, settings["texture"], engine)
    except RadiogenError as error:
        if error.code != "RG510":
            raise
        remark = problem("RG510", f"texture is missing: {error.problems[0].message}", severity="warning")
        return {}, dict.fromkeys(wanted, "the decoded part of the lesion is too small for texture"), (remark,)
    return {str(k): float(v) for k, v in found.items()}, dict(found.attrs["missing"]), ()


def _quality(decoded: StiffnessMap, zones: Mapping[str, Mask]) -> dict[str, float]:
    lesion = zones["lesion"]
    known = lesion & decoded.decoded
    found = {
        "decoded_share_pct": 100 * float(known.sum() / lesion.sum()),
        "saturated_share_pct": 100 * float((lesion & decoded.saturated).sum() / max(int(known.sum()), 1)),
        "opacity": decoded.opacity,
        "residual_median": float(np.nanmedian(decoded.residual)),
    }
    shell = zones.get("shell")
    if shell is not None and shell.any():
        found["shell_decoded_share_pct"] = 100 * float((shell & decoded.decoded).sum() / shell.sum())
    return found


def _warnings(quality: Mapping[str, float]) -> tuple[Problem, ...]:
    lost = 1 - quality["decoded_share_pct"] / 100
    if lost <= _UNDECODED:
        return ()
    return (problem("RG521", f"{lost:.0%} of the lesion's pixels could not be decoded or lie outside the overlay"),)
