"""Which numbers are taken from which kind of picture: one line per kind."""

from __future__ import annotations

from importlib import import_module

from radiogen.cohort.modality import Kind
from radiogen.features.family import Family

#: kind -> module and name of its family; imported when first used
FAMILIES: dict[Kind, tuple[str, str]] = {
    "bmode": ("radiogen.features.grey", "GREY"),
    "grey": ("radiogen.features.grey", "GREY"),
    "swe": ("radiogen.features.elastography", "ELASTOGRAPHY"),
    "doppler": ("radiogen.features.doppler", "DOPPLER"),
    "ceus": ("radiogen.features.contrast", "CONTRAST"),
}


def family_of(kind: Kind) -> Family:
    """The family of a kind of picture.

    Examples
    --------
    >>> from radiogen.features.families import family_of
    >>> family_of("bmode").name
    'radiomics/2'
    """
    module, name = FAMILIES[kind]
    found: Family = getattr(import_module(module), name)
    return found
