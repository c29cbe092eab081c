"""The quality of a cohort's images: one table, and what is to be said about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from radiogen.cohort.cohort import Cohort
from radiogen.errors import Problem, problem
from radiogen.features.job import Outcome
from radiogen.features.jobs import ImageRow, column_of
from radiogen.features.near_duplicates import Twins
from radiogen.imaging.quality import NAMES, THRESHOLDS, flags

#: columns before the numbers
COLUMNS = (
    "unit", "patient", "modality", "visit", "image", "manifest", "row", "mask_source", "readable", "duplicate_of",
    "duplicate_row", "flags",
)  # fmt: skip
#: flags that mean something where grey is not what is measured (elastography, Doppler), or where brightness and contrast
#: change with the bolus; all flags elsewhere
_COLOUR_FLAGS = ("text", "calipers")
_FLAGS_OF: Mapping[str, tuple[str, ...]] = {
    "swe": _COLOUR_FLAGS,
    "doppler": _COLOUR_FLAGS,
    "ceus": ("saturated", *_COLOUR_FLAGS),
}
#: percentiles that describe a spread
_PERCENTILES = {"p10": 0.1, "p25": 0.25, "median": 0.5, "p75": 0.75, "p90": 0.9}


def quality_table(
    cohort: Cohort, rows: Sequence[ImageRow], outcomes: Sequence[Outcome], twins: Sequence[Twins]
) -> pd.DataFrame:
    """One row per image: where it is named, what is doubtful about it, and the numbers behind that.

    Parameters
    ----------
    cohort : Cohort
    rows : sequence of ImageRow
        The images, in the order of the manifests.
    outcomes : sequence of Outcome
        What became of each.
    twins : sequence of Twins
        Near-duplicates of different fold groups.

    Returns
    -------
    DataFrame
        ``unit``, ``patient``, ``modality``, ``visit``, ``image`` (path), ``manifest``, ``row``, ``mask_source``,
        ``readable`` (bool); ``duplicate_of`` and ``duplicate_row`` (file name and row of the first image of which this
        is a copy: nearly the same picture of another fold group, or all pixels equal in the same unit; None and NaN
        where there is none); ``flags`` (tuple of str: those of :func:`radiogen.imaging.quality.flags` that mean
        something for the modality, ``"duplicate"``, and ``"unreadable: RG502"`` or ``"not measured: RG504"`` with the
        code of the error); then the numbers of :func:`radiogen.imaging.quality.assess` and of the modality, NaN where
        there is none.
    """
    copies = {**_repeated(rows, outcomes), **_near(twins)}
    numbers = list(dict.fromkeys([*NAMES, *(name for o in outcomes for name in o.quality)]))
    records = []
    for row, outcome in zip(rows, outcomes, strict=True):
        copy_of = copies.get((row.manifest, row.row))
        records.append({
            "unit": row.unit, "patient": row.patient, "modality": row.modality, "visit": row.visit, "image": row.image,
            "manifest": row.manifest, "row": row.row, "mask_source": row.mask_source if row.masks else None,
            "readable": outcome.fingerprint is not None,
            "duplicate_of": None if copy_of is None else copy_of[0], "duplicate_row": np.nan if copy_of is None else copy_of[1],
            "flags": _flags(cohort, row, outcome, copy_of is not None),
            **{name: float(outcome.quality.get(name, np.nan)) for name in numbers},
        })  # fmt: skip
    table = pd.DataFrame(records, columns=[*COLUMNS, *numbers])
    for text in ("visit", "mask_source", "duplicate_of"):
        table[text] = table[text].astype(object).where(table[text].notna(), None)
    return table


def _flags(cohort: Cohort, row: ImageRow, outcome: Outcome, copy: bool) -> tuple[str, ...]:
    found = ["duplicate"] if copy else []
    if outcome.error is not None:
        found.append(f"{'unreadable' if outcome.fingerprint is None else 'not measured'}: {outcome.error.code}")
    kind = cohort.config.modalities[row.modality].kind_for(row.modality)
    meant = _FLAGS_OF.get(kind, tuple(THRESHOLDS))
    return (*(f for f in flags(outcome.quality) if f in meant), *found)


def _near(twins: Sequence[Twins]) -> dict[tuple[str, int], tuple[str, int]]:
    """Manifest and row of an image -> name and row of the earlier one that it resembles."""
    found: dict[tuple[str, int], tuple[str, int]] = {}
    for pair in twins:
        first, second = sorted((pair.a, pair.b), key=lambda p: p.row)
        found.setdefault((second.manifest, second.row), (Path(first.image).name, first.row))
    return found


def _repeated(rows: Sequence[ImageRow], outcomes: Sequence[Outcome]) -> dict[tuple[str, int], tuple[str, int]]:
    """Images of one unit whose pixels and masks are those of an earlier one: they count twice."""
    first: dict[tuple[str, str, str, tuple[str, ...]], ImageRow] = {}
    found: dict[tuple[str, int], tuple[str, int]] = {}
    for row, outcome in zip(rows, outcomes, strict=True):
        if outcome.fingerprint is None:
            continue
        earlier = first.setdefault((row.modality, row.unit, outcome.fingerprint.digest, row.masks), row)
        if earlier is not row:
            found[(row.manifest, row.row)] = (Path(earlier.image).name, earlier.row)
    return found


def quality_findings(cohort: Cohort, table: pd.DataFrame) -> list[Problem]:
    """One RG528 for each modality and each flag of the pictures, with how many there are and where the first stands.

    Copies and unreadable files are left out: other findings name them one by one.

    Parameters
    ----------
    cohort : Cohort
    table : DataFrame
        Of :func:`quality_table`.
    """
    found = []
    for modality in dict.fromkeys(table["modality"]):
        images = table[table["modality"] == modality]
        for flag, threshold in THRESHOLDS.items():
            these = images[[flag in f for f in images["flags"]]]
            if these.empty:
                continue
            first = these.iloc[0]
            text = f"{len(these)} of {len(images)} images of '{modality}': {threshold.words}"
            found.append(problem(
                "RG528", text, file=first["manifest"], row=int(first["row"]), column=column_of(cohort, modality, "image"),
                value=Path(first["image"]).name,
            ))  # fmt: skip
    return found


def quality_spread(cohort: Cohort, table: pd.DataFrame, measures: Sequence[str]) -> pd.DataFrame:
    """Percentiles of numbers on quality, by modality and by scanner (else by centre, else all together).

    Parameters
    ----------
    cohort : Cohort
    table : DataFrame
        Of :func:`quality_table`.
    measures : sequence of str
        Columns of it.

    Returns
    -------
    DataFrame
        ``measure``, ``modality``, ``group`` (``"all"`` where neither scanner nor centre is declared, ``"not known"``
        where it is missing), ``images`` and ``patients`` (with a number), ``p10``, ``p25``, ``median``, ``p75``, ``p90``.
    """
    by = next((c for c in ("scanner", "centre") if c in cohort.units), None)
    group = pd.Series("all", index=table.index) if by is None else table["unit"].map(cohort.units[by]).astype(object)
    known = table.assign(group=group.where(group.notna(), "not known").astype(str))
    rows = []
    for measure in measures:
        for (modality, name), part in known[known[measure].notna()].groupby(["modality", "group"], sort=True):
            values = part[measure].quantile(list(_PERCENTILES.values())).to_list()
            rows.append({
                "measure": measure, "modality": modality, "group": name, "images": len(part),
                "patients": part["patient"].nunique(), **dict(zip(_PERCENTILES, values, strict=True)),
            })  # fmt: skip
    return pd.DataFrame(rows, columns=["measure", "modality", "group", "images", "patients", *_PERCENTILES])
