"""What near-duplicate images mean for a cohort: fold groups, and labels that contradict each other."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from radiogen.cohort.cohort import Cohort
from radiogen.cohort.modality import PLAIN
from radiogen.errors import Problem, Severity, problem
from radiogen.imaging import Fingerprint, find_duplicates
from radiogen.imaging.duplicates import MIN_CORRELATION

#: copies of a screen, saved again or changed in size, agree better than this; screens of two patients do not
_SCREEN_CORRELATION = 0.95
_LABELLED = ("binary", "ordinal", "multiclass")


@dataclass(frozen=True)
class Picture:
    """One readable image of a cohort: whose it is, where it is named, and its fingerprint."""

    unit: str
    modality: str
    image: str
    manifest: str
    row: int
    fingerprint: Fingerprint

    @property
    def name(self) -> str:
        """File name and row, for messages."""
        return f"'{Path(self.image).name}' (row {self.row})"


@dataclass(frozen=True)
class Twins:
    """Two images of different fold groups that are nearly one picture."""

    a: Picture
    b: Picture
    exact: bool
    correlation: float

    @property
    def likeness(self) -> str:
        """How alike they are, in words."""
        return "all pixels equal" if self.exact else f"correlation {self.correlation:.2f}"


def find_twins(pictures: Sequence[Picture], groups: pd.Series, screens: Collection[str] = ()) -> list[Twins]:
    """Near-duplicates within each modality whose units are in different fold groups.

    Two pictures of one patient are no leak: their units are in one fold anyway.

    Parameters
    ----------
    pictures : sequence of Picture
    groups : Series, index unit id
        Group labels.
    screens : collection of str
        Modalities whose pictures are alike by their nature (a stiff disc in a soft field, vessels in a box): there only
        pictures that agree to 0.95 are one picture.
    """
    found = []
    for modality in dict.fromkeys(p.modality for p in pictures):
        these = [p for p in pictures if p.modality == modality]
        least = _SCREEN_CORRELATION if modality in screens else MIN_CORRELATION
        for pair in find_duplicates([p.fingerprint for p in these], min_correlation=least):
            a, b = these[pair.i], these[pair.j]
            if groups.loc[a.unit] != groups.loc[b.unit]:
                found.append(Twins(a, b, pair.exact, pair.correlation))
    return found


def screens_of(cohort: Cohort) -> tuple[str, ...]:
    """Modalities that show more than a plain B-mode picture."""
    return tuple(n for n, s in cohort.config.modalities.items() if s.kind_for(n) not in PLAIN)


def merge_groups(groups: pd.Series, pairs: Iterable[tuple[str, str]]) -> pd.Series:
    """Fold groups in which the units of every pair share one group.

    Parameters
    ----------
    groups : Series, index unit id
        Group labels.
    pairs : iterable of (unit, unit)

    Returns
    -------
    Series
        Merged groups carry the label that comes first in the cohort.

    Examples
    --------
    >>> import pandas as pd
    >>> from radiogen.features.near_duplicates import merge_groups
    >>> merge_groups(pd.Series({"u1": "a", "u2": "b", "u3": "c"}), [("u2", "u3")]).to_dict()
    {'u1': 'a', 'u2': 'b', 'u3': 'b'}
    """
    order = {label: place for place, label in enumerate(dict.fromkeys(groups))}
    parent = {label: label for label in order}

    def root(label: object) -> object:
        while parent[label] != label:
            parent[label] = parent[parent[label]]
            label = parent[label]
        return label

    for first, second in pairs:
        a, b = root(groups.loc[first]), root(groups.loc[second])
        if a != b:
            first_in_cohort, other = sorted((a, b), key=order.__getitem__)
            parent[other] = first_in_cohort
    return groups.map(root)


def conflicts(cohort: Cohort, twins: Twins) -> list[str]:
    """Endpoints whose known labels differ between the two units, as ``"name: a against b"``."""
    found = []
    for endpoint in cohort.endpoints.values():
        if endpoint.kind not in _LABELLED:
            continue
        a, b = (endpoint.data["value"].get(p.unit) for p in (twins.a, twins.b))
        if pd.notna(a) and pd.notna(b) and a != b:
            found.append(f"{endpoint.name}: {a} against {b}")
    return found


def conflict_problem(cohort: Cohort, twins: Twins, column: str, severity: Severity) -> Problem | None:
    """RG506 where the labels of two nearly equal images contradict each other."""
    labels = conflicts(cohort, twins)
    if not labels:
        return None
    text = f"the images {twins.a.name} and {twins.b.name} are nearly one picture ({twins.likeness}) with different labels"
    return _place(problem("RG506", f"{text}: {'; '.join(labels)}", severity=severity), twins, column)


def twin_problem(cohort: Cohort, twins: Twins, column: str) -> Problem:
    """RG507 for one pair."""
    text = f"the images {twins.a.name} and {twins.b.name} are nearly one picture ({twins.likeness})"
    external = cohort.units["external"]
    if bool(external.loc[twins.a.unit]) != bool(external.loc[twins.b.unit]):
        text += ", and one of the two is external data"
    return _place(problem("RG507", text), twins, column)


def summary_problem(cohort: Cohort, twins: Sequence[Twins], column: str) -> Problem:
    """RG507 for all pairs of one modality, with the first of them."""
    first = twin_problem(cohort, twins[0], column)
    units = {p.unit for t in twins for p in (t.a, t.b)}
    across = [t for t in twins if cohort.units["external"].loc[t.a.unit] != cohort.units["external"].loc[t.b.unit]]
    text = (
        f"{len(twins)} {'pair' if len(twins) == 1 else 'pairs'} of nearly equal images in '{twins[0].a.modality}' join "
        f"{len(units)} {cohort.unit}s to common fold groups"
    )
    if across:
        text += f"; {len(across)} of them join development and external data, so that the external test is not independent"
    return _place(problem("RG507", f"{text}; first: {first.message}"), twins[0], column)


def _place(found: Problem, twins: Twins, column: str) -> Problem:
    from dataclasses import replace

    return replace(
        found, file=twins.b.manifest, row=twins.b.row, column=column, value=Path(twins.b.image).name
    )
