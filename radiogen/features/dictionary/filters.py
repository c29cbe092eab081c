"""The filters of radiomics, told by the name of the filtered picture: one line each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from radiogen.errors import fail

_IBSI2 = "Whybra P et al. Radiology 2024;310:e231319. doi:10.1148/radiol.231319"


@dataclass(frozen=True)
class Filter:
    """A filter.

    Parameters
    ----------
    label : str
        Short, with the filter's parameters.
    formula : str
        I is the picture, ∗ the convolution, M the largest |I| of the whole picture.
    unit : str
        Of the filtered values; ``{x}`` is the unit of the picture's.
    ibsi : str
        Identifier of the filter in IBSI 2, or empty.
    reference : str
    """

    label: str
    formula: str
    unit: str = "{x}"
    ibsi: str = ""
    reference: str = ""


#: names of filtered pictures -> what they are; groups of the pattern stand in label and formula
FILTERS: tuple[tuple[str, Filter], ...] = (
    (r"original", Filter("original", "I")),
    (r"wavelet-(?P<bands>[LH]{2})",
     Filter("wavelet {bands}", "sub-band {bands} of the undecimated wavelet: L low, H high pass, first letter along the rows",
            ibsi="25BO", reference="Mallat SG. IEEE Trans Pattern Anal Mach Intell 1989;11:674. doi:10.1109/34.192463")),
    (r"wavelet(?P<level>\d+)-(?P<bands>[LH]{2})",
     Filter("wavelet {bands}, level {level}", "sub-band {bands} of the low-pass picture of the level before")),
    (r"log-sigma-(?P<sigma>[\d-]+)-mm-3D",
     Filter("LoG σ {sigma} mm", "σ² ∇²(G_σ ∗ I), σ = {sigma} mm", ibsi="L6PA",
            reference="Marr D, Hildreth E. Proc R Soc Lond B 1980;207:187. doi:10.1098/rspb.1980.0020")),
    (r"log-sigma-(?P<sigma>[\d-]+)-px-2D",
     Filter("LoG σ {sigma} px", "σ² ∇²(G_σ ∗ I), σ = {sigma} pixels; the spacing is not known",
            reference="Marr D, Hildreth E. Proc R Soc Lond B 1980;207:187. doi:10.1098/rspb.1980.0020")),
    (r"square", Filter("square", "I² / M")),
    (r"squareroot", Filter("square root", "sign(I) √(M |I|)")),
    (r"logarithm", Filter("logarithm", "sign(I) ln(|I| + 1) · M / ln(M + 1)")),
    (r"exponential", Filter("exponential", "exp(I ln(M) / M)")),
    (r"gradient", Filter("gradient", "|∇I|, central differences over mm", "{x}/mm")),
    (r"gradient-px", Filter("gradient, per pixel", "|∇I|, central differences over pixels; the spacing is not known", "{x}/px")),
    (r"lbp-2D",
     Filter("LBP", "local binary pattern: which points of a circle are at least as bright as its centre", "",
            reference="Ojala T, Pietikäinen M, Mäenpää T. IEEE Trans Pattern Anal Mach Intell 2002;24:971. "
                      "doi:10.1109/TPAMI.2002.1017623")),
    (r"mean-(?P<size>\d+)", Filter("mean {size} × {size}", "mean over {size} × {size} pixels", ibsi="S60F", reference=_IBSI2)),
    (r"laws-(?P<kernels>(?:[LESWR]\d){2})(?P<rest>.*)",
     Filter("Laws {kernels}{rest}", "Laws' kernels {kernels} ∗ I, the first along the rows{rest}", ibsi="JTXT",
            reference="Laws KI. Proc SPIE 1980;238:376. doi:10.1117/12.959169")),
    (r"gabor-sigma-(?P<sigma>[\d-]+)-(?P<length>mm|px)-lambda-(?P<wave>[\d-]+)-(?:mm|px)-gamma-(?P<gamma>[\d-]+)-(?P<rest>.*)",
     Filter("Gabor σ {sigma}, λ {wave} {length}, γ {gamma}{rest}",
            "|exp(−(u² + γ²v²)/2σ² + 2πiu/λ) ∗ I|, σ = {sigma}, λ = {wave} {length}, γ = {gamma}{rest}", ibsi="Q88H",
            reference=_IBSI2)),
)  # fmt: skip

#: what the rest of a name says of pooling and angles
_RESTS: tuple[tuple[str, str], ...] = (
    (r"-?rot-(?P<step>\d[\d-]*)-(?P<pool>[a-z]+)", ", {pool} over turns by {step}°"),
    (r"-?rot-(?P<pool>[a-z]+)", ", {pool} over quarter turns"),
    (r"-?theta-(?P<angle>-?[\d-]+)", ", θ {angle}°"),
    (r"-?energy-(?P<distance>\d+)", ", energy within {distance} px"),
)


def filter_of(image: str, setting: Mapping[str, Any] | None = None) -> Filter:
    """What the name of a filtered picture says.

    Parameters
    ----------
    image : str
        Such as ``"wavelet-LH"``.
    setting : mapping, optional
        Settings of the image type, where the name does not say everything: ``gradientUseSpacing``.

    Raises
    ------
    RadiogenError
        RG708 for a name that no line describes.

    Examples
    --------
    >>> from radiogen.features.dictionary.filters import filter_of
    >>> filter_of("log-sigma-2-5-mm-3D").label
    'LoG σ 2.5 mm'
    """
    if image == "gradient" and setting is not None and not setting.get("gradientUseSpacing", True):
        return Filter("gradient, per pixel", "|∇I|, central differences over pixels", "{x}/px")
    for pattern, found in FILTERS:
        match = re.fullmatch(pattern, image)
        if match:
            words = {k: _word(k, v) for k, v in match.groupdict().items()}
            return Filter(found.label.format(**words), found.formula.format(**words), found.unit, found.ibsi, found.reference)
    raise fail("RG708", f"no filter makes a picture called '{image}'", value=image)


def _word(name: str, text: str) -> str:
    if name == "rest":
        return _rest(text)
    if name in ("kernels", "bands", "length"):
        return text
    return _number(text)


def _number(text: str) -> str:
    """``2-0`` is 2, ``2-5`` is 2.5, ``-45-0`` is −45."""
    sign = "−" if text.startswith("-") else ""
    number = text.lstrip("-").replace("-", ".")
    return sign + (number.rstrip("0").rstrip(".") if "." in number else number)


def _rest(text: str) -> str:
    said = ""
    while text:
        for pattern, words in _RESTS:
            match = re.match(pattern, text)
            if match:
                groups = {k: v if k == "pool" else _number(v) for k, v in match.groupdict().items()}
                said += words.format(**groups)
                text = text[match.end() :]
                break
        else:
            return f"{said}, {text.strip('-')}"
    return said

