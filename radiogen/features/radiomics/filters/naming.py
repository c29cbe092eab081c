"""Names of the filtered images of one image type: pyradiomics' where it has the type."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

Options = Mapping[str, Any]

#: names of the image types that have one image each
_SINGLE = {"LBP2D": "lbp-2D"}


def names_of(kind: str, options: Options) -> tuple[str, ...]:
    """Names of the images of an image type, in the order in which the filter gives them.

    Parameters
    ----------
    kind : str
        Image type.
    options : mapping
        Common settings with those of the image type in place of them.
    """
    if kind == "LoG":
        return tuple(f"log-sigma-{number(s)}-mm-3D" for s in options["sigma"])
    if kind == "Wavelet":
        return _wavelets(int(options.get("level", 1)))
    if kind == "Mean":
        return tuple(f"mean-{size}" for size in options["meanSize"])
    if kind == "Laws":
        return tuple(f"laws-{kernels}{_laws_suffix(options)}" for kernels in options["lawsKernels"])
    if kind == "Gabor":
        return tuple(_gabor(options, *variant) for variant in gabor_variants(options))
    return (_SINGLE.get(kind, kind.lower()),)


def number(value: float) -> str:
    """A number as pyradiomics writes it in a name: 2.5 as ``2-5``."""
    return str(value).replace(".", "-")


def _wavelets(levels: int) -> tuple[str, ...]:
    """Details of every level, then the approximation of the last."""
    prefix = ["wavelet", *(f"wavelet{n}" for n in range(2, levels + 1))]
    details = [f"{p}-{detail}" for p, detail in product(prefix, ("LH", "HL", "HH"))]
    return (*details, f"{prefix[-1]}-LL")


def _laws_suffix(options: Options) -> str:
    rotated = f"-rot-{options.get('lawsPooling', 'max')}" if options.get("lawsRotation", False) else ""
    distance = options.get("lawsEnergyDistance")
    return rotated + (f"-energy-{distance}" if distance is not None else "")


def gabor_variants(options: Options) -> tuple[tuple[float, float, float | None], ...]:
    """Width, wavelength and angle of every Gabor image; the angle is None where all angles are pooled."""
    angles = (None,) if options.get("gaborRotationStep") is not None else tuple(options.get("gaborAngle", (0.0,)))
    return tuple(product(options["gaborSigma"], options["gaborWavelength"], angles))


def _gabor(options: Options, sigma: float, wavelength: float, angle: float | None) -> str:
    if angle is None:
        turned = f"rot-{number(options['gaborRotationStep'])}-{options.get('gaborPooling', 'mean')}"
    else:
        turned = f"theta-{number(angle)}"
    aspect = number(options.get("gaborAspect", 1.0))
    return f"gabor-sigma-{number(sigma)}-mm-lambda-{number(wavelength)}-mm-gamma-{aspect}-{turned}"
