"""Class labels by name: genes, markers, subtype and endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from radiogen.cohort.endpoint import Target
from radiogen.cohort.states import MUTATED, NOT_TESTED, WILD_TYPE
from radiogen.cohort.values import listing, suggest
from radiogen.errors import fail

if TYPE_CHECKING:
    from radiogen.cohort.cohort import Cohort

MARKER_CLASSES = {
    "er": ("negative", "positive"), "pr": ("negative", "positive"), "her2": ("negative", "positive"), "ki67": ("low", "high"),
}


def target_names(cohort: Cohort) -> list[str]:
    """All names that :func:`find_target` knows for a cohort."""
    markers = [m for m in MARKER_CLASSES if m in cohort.markers.columns]
    subtype = ["subtype"] if cohort.config.subtype is not None else []
    endpoints = [n for n, e in cohort.endpoints.items() if e.kind not in ("survival", "competing")]
    return [*cohort.genes, *markers, *subtype, *endpoints]


def find_target(cohort: Cohort, name: str) -> Target:
    """The target of a name.

    Raises
    ------
    RadiogenError
        RG109 for an unknown name, RG703 for a survival endpoint.
    """
    if name in cohort.genes:
        values = cohort.mutations[name].where(cohort.mutations[name] != NOT_TESTED)
        return Target(name, "binary", values, (WILD_TYPE, MUTATED), "mutation", _mutation_columns(cohort, name))
    endpoint = cohort.endpoints.get(name)
    if endpoint is not None:
        if endpoint.kind in ("survival", "competing"):
            raise fail("RG703", f"'{name}' is a survival endpoint; classes are needed here", value=name,
                       fix="Use `survive` for it.")
        return Target(name, endpoint.kind, endpoint.data["value"], endpoint.labels, "endpoint", endpoint.columns)  # type: ignore[arg-type]
    if name.lower() in MARKER_CLASSES and name.lower() in cohort.markers.columns:
        marker = name.lower()
        return Target(marker, "binary", cohort.markers[marker], MARKER_CLASSES[marker], "marker", _marker_columns(cohort, marker))
    if name == "subtype" and cohort.config.subtype is not None:
        return _subtype(cohort)
    known = target_names(cohort)
    raise fail("RG109", f"there is no target '{name}'.{suggest(name, known)}", value=name,
               fix=f"Use one of {listing(known)}.")


def _mutation_columns(cohort: Cohort, gene: str) -> tuple[str, ...]:
    section = cohort.config.mutations
    return () if section is None or section.format != "wide" else (section.columns.get(gene, gene),)


def _marker_columns(cohort: Cohort, marker: str) -> tuple[str, ...]:
    section = getattr(cohort.config.markers, marker)
    fields = ("column", "ihc", "ish", "ish_ratio", "ish_copies")
    return tuple(c for c in (getattr(section, f, None) for f in fields) if c)


def _subtype(cohort: Cohort) -> Target:
    section = cohort.config.subtype
    assert section is not None
    if section.column is not None:
        columns: tuple[str, ...] = (section.column,)
        present = set(cohort.subtype.dropna())
        classes = tuple(str(c) for c in section.classes) or tuple(sorted(present))
    else:
        columns = tuple(c for m in MARKER_CLASSES if getattr(cohort.config.markers, m) for c in _marker_columns(cohort, m))
        from radiogen.cohort.subtype import SUBTYPES

        present = set(cohort.subtype.dropna())
        classes = tuple(s for s in SUBTYPES if s in present)
    return Target("subtype", "multiclass", cohort.subtype, classes, "subtype", columns)
