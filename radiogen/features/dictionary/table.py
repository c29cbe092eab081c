"""The dictionary of features: every column that extraction makes, with unit, formula and identifier."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import ValidationError

from radiogen.cohort.modality import ModalitySection
from radiogen.cohort.values import listing, suggest
from radiogen.errors import Findings, fail
from radiogen.features.dictionary.describing import describe
from radiogen.features.dictionary.entry import COLUMNS, Entry
from radiogen.features.families import FAMILIES, family_of

#: the modalities that have a family of their own
MODALITIES = ("bmode", "swe", "doppler", "ceus")
#: keys without which a family has no names
_DEFAULTS: dict[str, dict[str, Any]] = {"swe": {"unit": "kPa"}}

Keys = Mapping[str, Any]


def feature_dictionary(
    settings: Mapping[str, Keys] | None = None, modalities: Sequence[str] | None = None, *, calibrated: bool = True
) -> pd.DataFrame:
    """Every feature that extraction makes, described.

    Parameters
    ----------
    settings : mapping of str to mapping, optional
        Modality -> its keys, as they stand under ``modalities:`` of a cohort file: ``kind``, ``settings``, ``rings``, ``unit``,
        ``stiff_above`` and so on.  Default: the four kinds with their defaults.
    modalities : sequence of str, optional
        Only these.
    calibrated : bool, default True
        Names for images whose pixel spacing is known.  Otherwise the widths of filters count pixels, and the names say so.

    Returns
    -------
    DataFrame
        One row per feature, all columns text:

        - ``feature``: the column in the joined frame;
        - ``modality``; ``region`` (lesion, shell, ring, vessel); ``class``; ``filter`` (empty where there is none);
        - ``unit``: empty for a plain number; ``formula``: its letters are explained in docs/features.md and by
          ``radiogen features --show``;
        - ``ibsi``: identifier of the IBSI reference manual [1]_ where the definition is IBSI's, else empty; ``note``: how it
          deviates, and what to know;
        - ``filter_formula``, ``reference``.

    Raises
    ------
    RadiogenError
        RG708 for an unknown modality; RG104 for keys of wrong form; what the settings of radiomics raise.

    References
    ----------
    .. [1] Zwanenburg A et al. Image biomarker standardisation initiative, reference manual. arXiv:1612.07003.
       doi:10.48550/arXiv.1612.07003

    Examples
    --------
    >>> from radiogen.features.dictionary import feature_dictionary
    >>> table = feature_dictionary().set_index("feature")
    >>> table.loc["bmode_wavelet_LH_glcm_JointEntropy", ["class", "filter", "unit", "ibsi"]].tolist()
    ['glcm', 'wavelet LH', 'bit', 'TU9B']
    """
    return as_frame(entries(settings, modalities, calibrated=calibrated))


def entries(
    settings: Mapping[str, Keys] | None = None, modalities: Sequence[str] | None = None, *, calibrated: bool = True
) -> list[Entry]:
    """The rows of :func:`feature_dictionary`, with the symbols of the formulas."""
    wanted = dict(settings) if settings is not None else {name: {} for name in MODALITIES}
    for name in modalities or ():
        if name not in wanted:
            text = f"there is no modality '{name}'.{suggest(name, wanted)} There are {listing(wanted)}."
            raise fail("RG708", text, value=name)
    found: list[Entry] = []
    for name, keys in wanted.items():
        if modalities is None or name in modalities:
            found += _of_modality(name, keys, calibrated=calibrated)
    return found


def _of_modality(name: str, keys: Keys, *, calibrated: bool) -> list[Entry]:
    section = _section(name, keys)
    kind = section.kind_for(name)
    family = family_of(kind)
    options = section.options()
    options.update({k: v for k, v in _DEFAULTS.get(kind, {}).items() if options.get(k) is None})
    settings = family.settings(options)
    return [describe(name, kind, feature, settings) for feature in family.names(settings, calibrated=calibrated)]


def _section(name: str, keys: Keys) -> ModalitySection:
    try:
        return ModalitySection.model_validate({"images": "images", **keys})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise fail("RG104", f"the keys of '{name}' are not understood: {first['msg']}", column=where) from error


def cohort_settings(path: str | Path) -> dict[str, dict[str, Any]]:
    """The keys of the modalities of a cohort file that have images; its tables are not read.

    Raises
    ------
    RadiogenError
        What is wrong with the file; RG706 where no modality has images.
    """
    from radiogen.cohort.yaml_file import read_config

    file = Path(path)
    file = file / "cohort.yaml" if file.is_dir() else file
    findings = Findings()
    config = read_config(file, findings)
    findings.raise_if_errors()
    assert config is not None
    found = {n: m.model_dump(exclude_unset=True) for n, m in config.modalities.items() if m.images is not None}
    if not found:
        fix = "Without a cohort `radiogen features` lists the defaults."
        raise fail("RG706", "no modality of the cohort has images: its feature tables are its own", file=file, fix=fix)
    return found


def as_frame(found: Iterable[Entry]) -> pd.DataFrame:
    """Entries as a table."""
    return pd.DataFrame([e.row() for e in found], columns=list(COLUMNS), dtype=object)


def kinds() -> tuple[str, ...]:
    """The kinds of pictures that have a family."""
    return tuple(FAMILIES)
