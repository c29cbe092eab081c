"""The modality and the class of columns, from the dictionary of features or from their names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from radiogen.errors import fail

_CLASS = re.compile(r"_(firstorder|shape2D|glcm|glrlm|glszm|gldm|ngtdm)_")
_MODALITIES = ("bmode", "swe", "doppler", "ceus", "mri", "ct", "pet", "mammography")


def feature_groups(
    columns: Iterable[str],
    by: Literal["modality", "class", "both"] = "modality",
    *,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    modalities: Sequence[str] = (),
    other: str = "clinical",
) -> dict[str, str]:
    """The group of each column, for :func:`radiogen.explain.grouped_shapley`.

    Parameters
    ----------
    columns : iterable of str
        As in the joined frame of a cohort.
    by : {"modality", "class", "both"}
        ``"class"``: firstorder, glcm, stiffness …; ``"both"``: modality and class, such as ``"bmode glcm"``.
    settings : mapping, optional
        Of the modalities, as :func:`radiogen.features.dictionary.feature_dictionary` takes them; default its defaults.
    modalities : sequence of str
        Further names that stand before the columns of a modality (``"mri"``, ``"us2"``).
    other : str, default "clinical"
        Group of columns that belong to no modality.

    Returns
    -------
    dict of str to str

    Raises
    ------
    RadiogenError
        RG708 for another ``by``.

    Examples
    --------
    >>> from radiogen.explain import feature_groups
    >>> names = ["age", "bmode_original_glcm_Contrast", "swe_mean_kpa"]
    >>> feature_groups(names, "both")
    {'age': 'clinical', 'bmode_original_glcm_Contrast': 'bmode glcm', 'swe_mean_kpa': 'swe stiffness'}
    """
    if by not in ("modality", "class", "both"):
        raise fail("RG708", "`by` must be modality, class or both", value=by)
    from radiogen.features.dictionary import entries

    known = {e.feature: (e.modality, e.feature_class) for e in entries(settings)}
    prefixes = sorted({*(modalities or ()), *(settings or ()), *_MODALITIES}, key=len, reverse=True)
    found = {}
    for column in columns:
        modality, kind = known.get(column) or _from_name(str(column), prefixes)
        words = {"modality": [modality], "class": [kind], "both": [modality, kind]}[by]
        found[column] = " ".join(w for w in words if w) or modality or other
    return found


def _from_name(column: str, prefixes: list[str]) -> tuple[str, str]:
    modality = next((p for p in prefixes if column.startswith(f"{p}_")), "")
    found = _CLASS.search(column) if modality else None
    return modality, found[1] if found else ""
