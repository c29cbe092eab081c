"""Names as a reader says them: markers, modalities, models, and columns with a unit at their end."""

from __future__ import annotations

import re

from radiogen.plots.text import listed, plain

_WORDS = {
    "er": "ER", "pr": "PR", "her2": "HER2", "ki67": "Ki-67", "ki_67": "Ki-67", "ar": "AR", "subtype": "molecular subtype",
    "bmode": "B-mode", "b_mode": "B-mode", "swe": "shear-wave elastography", "ceus": "contrast-enhanced ultrasound",
    "doppler": "Doppler", "clinical": "clinical data", "mri": "MRI", "ct": "CT", "pet": "PET",
}
#: at the start of a longer name
_FIRST = {
    "bmode": "B-mode", "swe": "SWE", "ceus": "CEUS", "doppler": "Doppler", "er": "ER", "pr": "PR", "her2": "HER2",
    "ki67": "Ki-67",
}
#: only endings that mean one thing
_UNITS = {
    "mm": "mm", "cm": "cm", "mm2": "mm²", "mm3": "mm³", "ml": "ml", "kpa": "kPa", "pct": "%", "percent": "%", "hz": "Hz",
    "years": "years", "months": "months", "days": "days", "kg": "kg",
}
#: more of a name stops a sentence
_LONGEST = 80
_MODELS = {
    "elastic_net": "elastic net", "forest": "random forest", "svm": "support vector machine", "cox": "Cox",
    "coxnet": "Cox elastic net", "rsf": "random survival forest", "fusion": "fusion network",
    "firth_cox": "Cox, Firth's penalty", "gbm": "boosted Cox", "deepsurv": "DeepSurv", "discrete": "discrete-time network",
}


def model_name(name: object) -> str:
    """A model's name in words.

    Examples
    --------
    >>> model_name("elastic_net"), model_name("my_model")
    ('elastic net', 'my model')
    """
    word = plain(name)
    return _MODELS.get(word, word.replace("_", " "))


def with_unit(name: object) -> tuple[str, str]:
    """A column's name in words, and the unit at its end or nothing.

    A name in mixed case or without an underscore stays as it is: it is a name that was chosen, such as that of a gene or
    of a radiomics feature.

    Examples
    --------
    >>> with_unit("size_mm"), with_unit("swe_mean_kpa"), with_unit("TP53")
    (('size', 'mm'), ('SWE mean', 'kPa'), ('TP53', ''))
    >>> with_unit("LYMPH_NODES_POSITIVE"), with_unit("bmode_original_glcm_Idn")
    (('lymph nodes positive', ''), ('bmode_original_glcm_Idn', ''))
    """
    word = plain(name)
    known = _WORDS.get(word.casefold())
    if known is not None:
        return known, ""
    if not re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)+|[A-Z0-9]+(_[A-Z0-9]+)+", word):
        return plain(word, _LONGEST), ""
    parts = word.lower().split("_")
    unit = _UNITS.get(parts[-1], "") if len(parts) > 1 else ""
    parts = parts[:-1] if unit else parts
    return " ".join([_FIRST.get(parts[0], parts[0]), *parts[1:]]), unit


def readable(name: object) -> str:
    """A name in words, its unit in brackets.

    Examples
    --------
    >>> readable("ki67"), readable("size_mm"), readable("bmode")
    ('Ki-67', 'size (mm)', 'B-mode')
    """
    words, unit = with_unit(name)
    return f"{words} ({unit})" if unit else words


def inputs_name(label: object) -> str:
    """The blocks of a label such as ``clinical + swe``, in words.

    Examples
    --------
    >>> inputs_name("clinical + bmode + swe")
    'clinical data, B-mode and shear-wave elastography'
    """
    return listed(readable(part) for part in plain(label).split(" + "))
