"""Features that were measured again: by another reader, on another image, in a perturbed region."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from radiogen.cohort import ids as id_checks
from radiogen.cohort.config import CohortConfig, ModalitySection
from radiogen.cohort.feature_tables import distinct_names, feature_columns
from radiogen.cohort.join import Joined
from radiogen.cohort.manifests import id_column
from radiogen.cohort.paths import Folder
from radiogen.cohort.tables import read_table
from radiogen.cohort.values import listing
from radiogen.errors import Problem, problem

#: the column that tells the measurements of one unit apart
REPEAT = "repeat"


def read_repeats(config: CohortConfig, joined: Joined, everyone: pd.Index, folder: Folder) -> dict[str, pd.DataFrame]:
    """The tables of `modalities: {…: {repeats: …}}`: index (unit, repeat), columns ``{modality}_{feature}``."""
    tables = {
        name: _repeats(name, section, config, joined, everyone, folder)
        for name, section in config.modalities.items()
        if section.repeats is not None
    }
    return {name: frame for name, frame in tables.items() if frame is not None}


def foreign_repeats(repeats: Mapping[str, pd.DataFrame], modalities: Mapping[str, pd.DataFrame]) -> tuple[Problem, ...]:
    """RG228 for each modality whose repeats have none of its features; modalities without features are not judged."""
    return tuple(
        problem("RG228", f"the repeats of '{name}' have no feature of that modality; their first is '{frame.columns[0]}'",
                column=f"modalities.{name}.repeats", value=frame.columns[0], fix="Name the columns of both tables alike.")
        for name, frame in repeats.items()
        if name in modalities and not frame.columns.isin(modalities[name].columns).any()
    )  # fmt: skip


def _repeats(
    name: str, section: ModalitySection, config: CohortConfig, joined: Joined, everyone: pd.Index, folder: Folder
) -> pd.DataFrame | None:
    key = f"modalities.{name}.repeats"
    assert section.repeats is not None
    raw = read_table(section.reading(section.repeats), key, folder)
    if raw is None:
        return None
    column = id_column(section, config, joined)
    ids = id_checks.read_ids(raw, column, folder.findings)
    if ids is None or not raw.has(REPEAT, folder.findings, key):
        return None
    id_checks.known_ids(ids, everyone, raw, column, folder.findings)
    fixed = {column, REPEAT, *config.batch.values(), *joined.id_columns.values()}
    names = [c for c in raw.frame.columns if c not in fixed]
    if not distinct_names(name, names, raw, folder.findings):
        return None
    frame = feature_columns(name, names, raw, section, key, folder)
    frame.index = pd.MultiIndex.from_arrays([ids, raw.frame[REPEAT].fillna("")], names=[joined.units.index.name, REPEAT])
    if frame.index.has_duplicates:
        unit, repeat = frame.index[frame.index.duplicated()][0]
        folder.findings.add("RG228", f"the unit '{unit}' has the repeat '{repeat}' twice", file=raw.file, column=REPEAT,
                            value=repeat, fix="Give every measurement of a unit a name of its own.")
        return None
    frame = frame[ids.isin(joined.units.index).to_numpy()]
    single = frame.groupby(level=0).size()
    if len(single) and (single < 2).all():
        folder.findings.add("RG228", f"no unit was measured twice, such as {listing(single.index[:3])}", file=raw.file,
                            column=REPEAT, fix="Give at least two rows, with different `repeat`, of each unit.")
        return None
    return frame
