"""What each setting of the radiomics may be: pyradiomics' own schema for two dimensions, and radiogen's filters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from radiogen.cohort.values import nearest
from radiogen.errors import fail

Check = Callable[[Any], bool]

#: keys that mean nothing for a 2D image whose mask radiogen has read, or would change more than this image
IGNORED = (
    "label", "label_channel", "force2D", "force2Ddimension", "additionalInfo", "geometryTolerance", "correctMask",
    "lbp3DLevels", "lbp3DIcosphereRadius", "lbp3DIcosphereSubdivision",
)  # fmt: skip

_INTERPOLATORS = (
    "sitkNearestNeighbor", "sitkLinear", "sitkBSpline", "sitkGaussian", "sitkLabelGaussian", "sitkHammingWindowedSinc",
    "sitkCosineWindowedSinc", "sitkWelchWindowedSinc", "sitkLanczosWindowedSinc", "sitkBlackmanWindowedSinc",
)  # fmt: skip
_LAWS = ("L3", "E3", "S3", "L5", "E5", "S5", "W5", "R5")


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < float("inf")


def _whole(least: int) -> Check:
    return lambda v: isinstance(v, int) and not isinstance(v, bool) and v >= least


def _above_zero(value: Any) -> bool:
    return _number(value) and value > 0


def _one_of(*allowed: str) -> Check:
    return lambda v: v in allowed


def _each(check: Check, lengths: range = range(1, 1000)) -> Check:
    return lambda v: isinstance(v, list | tuple) and len(v) in lengths and all(check(x) for x in v)


def _range(value: Any) -> bool:
    return _each(_number, range(1, 3))(value) and value[0] <= value[-1]


def _switch(value: Any) -> bool:
    return isinstance(value, bool)


def _interpolator(value: Any) -> bool:
    return value in _INTERPOLATORS if isinstance(value, str) else _whole(1)(value) and value <= 10


def _wavelet(value: Any) -> bool:
    import pywt

    return value in pywt.wavelist(kind="discrete")


def _laws(value: Any) -> bool:
    return isinstance(value, str) and len(value) == 4 and value[:2] in _LAWS and value[2:] in _LAWS


def _odd(value: Any) -> bool:
    return _whole(3)(value) and value % 2 == 1


def _step(value: Any) -> bool:
    return _above_zero(value) and value <= 180 and abs(180 / value - round(180 / value)) < 1e-9


#: setting -> what it must be, in words and as a check
RULES: dict[str, tuple[str, Check]] = {
    "minimumROIDimensions": ("1, 2 or 3", lambda v: _whole(1)(v) and v <= 3),
    "minimumROISize": ("a whole number above zero", _whole(1)),
    "binWidth": ("above zero", _above_zero),
    "binCount": ("a whole number above zero", _whole(1)),
    "normalize": ("true or false", _switch),
    "normalizeScale": ("above zero", _above_zero),
    "removeOutliers": ("above zero", _above_zero),
    "resampledPixelSpacing": (
        "two numbers (mm per column, mm per row), each above zero or 0 for no change",
        _each(lambda v: _number(v) and v >= 0, range(2, 4)),
    ),
    "interpolator": (f"one of {', '.join(_INTERPOLATORS)}, or 1 to 10", _interpolator),
    "padDistance": ("a whole number from 0", _whole(0)),
    "preCrop": ("true or false", _switch),
    "resegmentRange": ("a list of one or two numbers, the lower first", _range),
    "resegmentMode": ("absolute, relative or sigma", _one_of("absolute", "relative", "sigma")),
    "resegmentShape": ("true or false", _switch),
    "distances": ("a list of whole numbers above zero", _each(_whole(1))),
    "symmetricalGLCM": ("true or false", _switch),
    "weightingNorm": (
        "euclidean, manhattan, infinity or no_weighting",
        _one_of("euclidean", "manhattan", "infinity", "no_weighting"),
    ),
    "gldm_a": ("a whole number from 0", _whole(0)),
    "voxelArrayShift": ("a whole number", lambda v: isinstance(v, int) and not isinstance(v, bool)),
    "sigma": ("a list of positive numbers", _each(_above_zero)),
    "wavelet": ("the name of a discrete wavelet of PyWavelets, such as coif1", _wavelet),
    "level": ("a whole number above zero", _whole(1)),
    "start_level": ("a whole number from 0", _whole(0)),
    "gradientUseSpacing": ("true or false", _switch),
    "lbp2DRadius": ("above zero", _above_zero),
    "lbp2DSamples": ("a whole number above zero", _whole(1)),
    "lbp2DMethod": ("default, ror, uniform or var", _one_of("default", "ror", "uniform", "var")),
    "meanSize": ("a list of odd whole numbers from 3", _each(_odd)),
    "lawsKernels": (f"a list of pairs such as E5L5 of {', '.join(_LAWS)}", _each(_laws)),
    "lawsRotation": ("true or false", _switch),
    "lawsPooling": ("max, mean or min", _one_of("max", "mean", "min")),
    "lawsEnergyDistance": ("a whole number above zero", _whole(1)),
    "gaborSigma": ("a list of positive numbers", _each(_above_zero)),
    "gaborWavelength": ("a list of positive numbers", _each(_above_zero)),
    "gaborAspect": ("above zero", _above_zero),
    "gaborAngle": ("a list of numbers", _each(_number)),
    "gaborRotationStep": ("a part of 180°, such as 45", _step),
    "gaborPooling": ("max, mean or min", _one_of("max", "mean", "min")),
}

#: settings that only radiogen's own engine knows
NATIVE = tuple(name for name in RULES if name.startswith(("mean", "laws", "gabor")))
#: settings for which null says something; elsewhere it stands for the default
_NULLABLE = ("interpolator", "binCount", "weightingNorm")
#: image type -> settings without which it has no image
_REQUIRED = {
    "LoG": ("sigma",), "Mean": ("meanSize",), "Laws": ("lawsKernels",), "Gabor": ("gaborSigma", "gaborWavelength"),
}  # fmt: skip


def checked(setting: Mapping[Any, Any]) -> dict[str, Any]:
    """Settings in one form: without what has no meaning in two dimensions and what is null.

    Raises
    ------
    RadiogenError
        RG102 unknown name, RG104 wrong value.
    """
    found: dict[str, Any] = {}
    for key, value in setting.items():
        name = str(key)
        if name in IGNORED:
            continue
        if name not in RULES:
            raise fail("RG102", f"unknown radiomics setting '{name}'.{hint(name, tuple(RULES))}", value=name)
        if value is None:
            found |= {name: None} if name in _NULLABLE else {}
            continue
        words, check = RULES[name]
        if not check(value):
            raise fail("RG104", f"the radiomics setting '{name}' must be {words}", value=value, column=name)
        found[name] = list(value) if isinstance(value, tuple) else value
    if "resampledPixelSpacing" in found:  # a third number is the distance of slices
        found["resampledPixelSpacing"] = found["resampledPixelSpacing"][:2]
    return found


def check_required(kind: str, options: Mapping[str, Any]) -> None:
    """Refuse an image type without the settings that it cannot do without (RG104)."""
    for name in _REQUIRED.get(kind, ()):
        if options.get(name) is None:
            raise fail("RG104", f"the image type {kind} needs `{name}`, {RULES[name][0]}", column=name)


def hint(key: str, known: tuple[str, ...]) -> str:
    """The nearest of the known words, or all of them where they are few."""
    close = nearest(key, known)
    if close:
        return f" Did you mean '{close}'?"
    return f" Known are: {', '.join(known)}." if len(known) < 20 else " docs/radiomics.md lists them."
