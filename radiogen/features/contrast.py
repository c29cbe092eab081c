"""Features of contrast loops: parameters of the lesion's curve, against a reference, and the pattern of enhancement."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import numpy as np

from radiogen.errors import Findings, fail
from radiogen.features.family import Examination, Family, Measured, Settings, series
from radiogen.imaging.bolus.kinetics import CurveFit, fit_curve
from radiogen.imaging.bolus.parametric import (
    ParametricMaps,
    enhanced_area_ratio,
    heterogeneity,
    non_enhancing_share,
    parametric_maps,
    rim_and_core,
)
from radiogen.imaging.contrast import TimeIntensity, time_intensity

#: feature -> parameter of the fit; "au" is the linear arbitrary unit, or the grey level where the range is not declared
KINETIC: Mapping[str, str] = {
    "peak_enhancement_au": "peak_enhancement",
    "time_to_peak_s": "time_to_peak_s",
    "rise_time_s": "rise_time_s",
    "mean_transit_time_s": "mean_transit_time_s",
    "local_transit_time_s": "local_transit_time_s",
    "wash_in_rate_au_per_s": "wash_in_rate",
    "wash_out_rate_au_per_s": "wash_out_rate",
    "wash_in_auc_au_s": "wash_in_auc",
    "wash_out_auc_au_s": "wash_out_auc",
    "wash_in_wash_out_auc_au_s": "wash_in_wash_out_auc",
    "auc_au_s": "auc",
    "wash_in_perfusion_index_au": "wash_in_perfusion_index",
    "fall_time_s": "fall_time_s",
    "arrival_time_s": "arrival_time_s",
    "fit_r2": "r2",
}
#: against the reference region
RELATIVE = ("peak_enhancement_ratio", "time_to_peak_difference_s", "auc_ratio")
#: pattern of enhancement
PATTERN = (
    "heterogeneity_cv", "non_enhancing_share", "rim_core_arrival_difference_s", "rim_core_peak_ratio", "enhanced_area_ratio",
)  # fmt: skip
NAMES = (*KINETIC, *RELATIVE, *PATTERN)
_OPTIONS = ("frame_interval_ms", "dynamic_range_db", "contrast_box", "tissue_box", "curve", "motion")


def feature_names(settings: Settings, *, calibrated: bool) -> tuple[str, ...]:
    """The names, which are the same whatever the settings; none is in millimetres."""
    return NAMES


def load_settings(options: Mapping[str, Any]) -> Settings:
    """The keys of the modality that decide a value; see :class:`radiogen.cohort.modality.ModalitySection`."""
    found = {key: options.get(key) for key in _OPTIONS}
    return {**found, "curve": found["curve"] or "lognormal", "motion": found["motion"] or "rigid"}


def measure(examination: Examination, settings: Settings, engine: str = "radiogen") -> Measured:
    """The features of one contrast loop.

    Parameters
    ----------
    examination : Examination
        A loop with the lesion's mask, and a reference region where there is one.
    settings : mapping
        Of :func:`load_settings`.  ``frame_interval_ms`` has already given the image its times.
    engine : str
        Of no meaning here.

    Returns
    -------
    Measured
        Missing values say why: no reference, no wash-in, a loop that ends too early.

    Raises
    ------
    RadiogenError
        RG505 no lesion, and the errors of :func:`radiogen.imaging.contrast.time_intensity`.

    Notes
    -----
    ``rim_core_arrival_difference_s`` is arrival in the outer half of the lesion less arrival in the inner half:
    negative where contrast moves inwards (centripetal), positive where it moves outwards (centrifugal).
    ``rim_core_peak_ratio`` is the peak enhancement of the outer half over that of the inner half.
    """
    if examination.mask is None or not examination.mask.any():
        raise fail("RG505", "a contrast loop is measured where a lesion is drawn")
    found = time_intensity(
        examination.image, examination.mask, dynamic_range_db=settings["dynamic_range_db"],
        contrast_box=settings["contrast_box"], tissue_box=settings["tissue_box"], reference=examination.reference,
        motion=settings["motion"],
    )  # fmt: skip
    problems = Findings(found.problems)
    fit = fit_curve(found.times_s, found.lesion, settings["curve"])
    missing: dict[str, str] = {}
    values = _kinetic(fit, missing)
    values |= _relative(found, fit, settings["curve"], missing, problems)
    values |= _pattern(found, fit, settings["curve"], missing)
    if not fit.ok:
        problems.add("RG526", str(fit.reason))
    quality = {
        "r2": fit.r2,
        "signal_to_noise": fit.peak_enhancement / fit.noise_sd if fit.ok and fit.noise_sd > 0 else np.nan,
        "excluded_share": float(found.excluded.mean()),
        "largest_shift_px": float(np.abs(found.shifts_px[~found.excluded]).max(initial=0.0)),
        "saturated_share": found.saturated_share,
        "linear": float(found.linear),
    }
    return Measured(series(values, NAMES, missing), tuple(problems), quality)


def _kinetic(fit: CurveFit, missing: dict[str, str]) -> dict[str, float]:
    missing |= {name: fit.missing[parameter] for name, parameter in KINETIC.items() if parameter in fit.missing}
    return {name: float(getattr(fit, parameter)) for name, parameter in KINETIC.items()}


def _relative(
    found: TimeIntensity, fit: CurveFit, curve: Any, missing: dict[str, str], problems: Findings
) -> dict[str, float]:
    if found.reference is None:
        missing |= dict.fromkeys(RELATIVE, "no reference region is drawn")
        return {}
    beside = fit_curve(found.times_s, found.reference, curve)
    if not beside.ok:
        problems.add("RG526", f"reference region: {beside.reason}")
    if not (fit.ok and beside.ok):
        reason = str(fit.reason) if not fit.ok else f"reference region: {beside.reason}"
        missing |= dict.fromkeys(RELATIVE, reason)
        return {}
    for of in (fit, beside):
        if "auc" in of.missing:
            missing["auc_ratio"] = of.missing["auc"]
    return {
        "peak_enhancement_ratio": fit.peak_enhancement / beside.peak_enhancement,
        "time_to_peak_difference_s": fit.time_to_peak_s - beside.time_to_peak_s,
        "auc_ratio": fit.auc / beside.auc,
    }


def _pattern(found: TimeIntensity, fit: CurveFit, curve: Any, missing: dict[str, str]) -> dict[str, float]:
    if not fit.ok:
        missing |= dict.fromkeys(PATTERN, str(fit.reason))
        return {}
    maps = parametric_maps(found, fit)
    values = {
        "heterogeneity_cv": heterogeneity(maps),
        "non_enhancing_share": non_enhancing_share(maps),
        "enhanced_area_ratio": enhanced_area_ratio(maps),
    }
    small = f"the lesion has fewer than 8 blocks of {maps.block} pixels"
    missing |= {name: _why(maps, name, small) for name, value in values.items() if np.isnan(value)}
    rim, core = (fit_curve(found.times_s, c, curve) for c in _parts(found))
    if rim.ok and core.ok:
        values["rim_core_arrival_difference_s"] = rim.arrival_time_s - core.arrival_time_s
        values["rim_core_peak_ratio"] = rim.peak_enhancement / core.peak_enhancement
    else:
        which, reason = ("outer", rim.reason) if not rim.ok else ("inner", core.reason)
        missing |= dict.fromkeys(("rim_core_arrival_difference_s", "rim_core_peak_ratio"), f"{which} half: {reason}")
    return values


def _parts(found: TimeIntensity) -> tuple[Any, ...]:
    """Curves of the outer and of the inner half; an inner half without pixels has none."""
    rim, core = rim_and_core(found.panes.mask)
    if not core.any():
        return found.curve_of(rim)[0], np.full_like(found.lesion, np.nan)
    return tuple(found.curve_of(rim, core))


def _why(maps: ParametricMaps, name: str, small: str) -> str:
    if name != "enhanced_area_ratio" or maps.inside.sum() < 8:
        return small
    return "the lesion does not stand out from its surroundings, or there are too few of them in the pane"


def _versions(engine: str) -> dict[str, str]:
    return {name: version(name) for name in ("numpy", "scipy")}


CONTRAST = Family("contrast/1", measure, feature_names, load_settings, _versions)
