"""Finished feature tables: numbers by unit, nothing left out in silence."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd

from radiogen.cohort import ids as id_checks
from radiogen.cohort.config import CohortConfig, ModalitySection
from radiogen.cohort.frames import feature_name, safe_name
from radiogen.cohort.join import Joined
from radiogen.cohort.manifests import check_visits, id_column
from radiogen.cohort.paths import Folder
from radiogen.cohort.tables import RawTable, read_table
from radiogen.cohort.values import is_decimal_comma, is_infinite, is_number, listing, looks_missing
from radiogen.errors import Findings

#: a column with at least this share of numbers is one of numbers, in which text is an error
_NUMERIC_SHARE = 0.2
#: names that programs give to the count of rows
_COUNTERS = ("", "Unnamed: 0", "...1")


def read_features(
    config: CohortConfig, joined: Joined, everyone: pd.Index, folder: Folder
) -> dict[str, pd.DataFrame]:
    """Feature tables of the YAML: one row per unit, columns ``{modality}_{feature}``."""
    found: dict[str, pd.DataFrame] = {}
    owner: dict[str, str] = {}
    for name, section in config.modalities.items():
        if section.features is None:
            continue
        frame = _feature_table(name, section, config, joined, everyone, folder)
        if frame is None:
            continue
        for column in frame.columns:
            if owner.setdefault(column, name) != name:
                folder.findings.add("RG215", f"the modalities '{owner[column]}' and '{name}' both bring the feature '{column}'",
                                    column=f"modalities.{name}", value=column, fix="Rename one of the modalities.")
        found[name] = frame
    return found


def _feature_table(
    name: str, section: ModalitySection, config: CohortConfig, joined: Joined, everyone: pd.Index, folder: Folder
) -> pd.DataFrame | None:
    key = f"modalities.{name}"
    assert section.features is not None
    raw = read_table(section.reading(section.features), f"{key}.features", folder)
    if raw is None:
        return None
    column = id_column(section, config, joined)
    ids = id_checks.read_ids(raw, column, folder.findings)
    if ids is None:
        return None
    id_checks.known_ids(ids, everyone, raw, column, folder.findings)
    visit_column = section.columns.get("visit", "visit")
    keep = ids.isin(joined.units.index)
    check_visits(raw, keep, ids, section, config, key, folder)
    if config.visits is not None and visit_column in raw.frame.columns:
        keep &= raw.frame[visit_column] == config.visits.baseline
    fixed = {column, visit_column, *config.batch.values(), *joined.id_columns.values()}
    names = section.use or [c for c in raw.frame.columns if c not in fixed]
    there = [raw.has(c, folder.findings, f"{key}.use") for c in names]
    if not all(there) or not distinct_names(name, names, raw, folder.findings):
        return None
    frame = feature_columns(name, names, raw, section, key, folder)[keep.to_numpy()]
    frame.index = pd.Index(ids[keep], name=joined.units.index.name)
    if frame.index.has_duplicates:
        frame = _one_row_each(frame, section, raw, folder.findings)
    return frame.reindex(joined.units.index)


def distinct_names(modality: str, names: list[str], raw: RawTable, findings: Findings) -> bool:
    """RG210 for features whose names are one after what formulas cannot hold is taken away."""
    seen: dict[str, str] = {}
    before = len(findings)
    for column in names:
        other = seen.setdefault(feature_name(modality, column), column)
        if other != column:
            findings.add("RG210", f"the features '{other}' and '{column}' both become '{feature_name(modality, column)}'",
                         file=raw.file, row=1, column=column, fix="Rename one of the two columns.")
    return len(findings) == before


def _one_row_each(frame: pd.DataFrame, section: ModalitySection, raw: RawTable, findings: Findings) -> pd.DataFrame:
    how = section.aggregate
    units = frame.index[frame.index.duplicated()].unique()
    findings.add("RG226", f"{len(units)} units have several rows, such as {listing(units[:3])}; their `{how}` is taken",
                 file=raw.file, column="aggregate")
    grouped = frame.groupby(level=0, sort=False)
    return grouped.nth(0) if how == "first" else grouped.agg(how)


# -- columns ---------------------------------------------------------------------------------


def feature_columns(
    modality: str, names: list[str], raw: RawTable, section: ModalitySection, key: str, folder: Folder
) -> pd.DataFrame:
    """Feature columns as numbers; RG225 counts the columns left out, and each odd value is reported once."""
    columns: dict[str, np.ndarray] = {}
    left_out: list[str] = []
    odd: dict[tuple[str, str], list[tuple[str, int]]] = {}
    for name in names:
        text = raw.frame[name]
        bad = [i for i, v in enumerate(text) if v is not None and not is_number(v)]
        counter = name in _COUNTERS or not safe_name(name)
        if section.use is None and (counter or _is_text(text, bad)):
            left_out.append(name or "(without a name)")
            continue
        for i in bad:
            odd.setdefault(_kind(str(text.iloc[i]), odd), []).append((name, i))
        known = text.where(text.notna(), "nan").to_numpy()
        known[bad] = "nan"
        columns[feature_name(modality, name)] = known.astype(float)
    for (code, _), places in odd.items():
        _report_odd(code, places, raw, folder.findings)
    if left_out:
        folder.findings.add("RG225", f"{len(left_out)} columns of '{Path(raw.file).name}' are no features and are left out: "
                            f"{listing(left_out, 8)}", file=raw.file, column=f"{key}.use")
    if not columns:
        folder.findings.add("RG706", f"no column of '{Path(raw.file).name}' holds numbers", file=raw.file,
                            column=f"{key}.features", fix="Check the file; features are columns of numbers.")
    return pd.DataFrame(columns, index=raw.frame.index, dtype=float)


def _is_text(text: pd.Series, bad: list[int]) -> bool:
    """Whether a column is text altogether, and not numbers written in a way that is not understood."""
    if not bad:
        return False
    present = int(text.notna().sum())
    numeric = sum(is_decimal_comma(text.iloc[i]) or looks_missing(text.iloc[i]) or is_infinite(text.iloc[i]) for i in bad)
    return present - len(bad) + numeric < _NUMERIC_SHARE * present


#: so many different texts are reported one by one, the others together
_TEXTS = 20


def _kind(value: str, seen: Collection[tuple[str, str]]) -> tuple[str, str]:
    """Code of a value that is no number, and the text by which it is reported: one problem, however many cells."""
    if is_decimal_comma(value):
        return "RG217", ""
    if is_infinite(value):
        return "RG219", ""
    code = "RG212" if looks_missing(value) else "RG211"
    return (code, value) if (code, value) in seen or len(seen) < _TEXTS else (code, "")


_ODD = {
    "RG217": ("has a decimal comma", "Write the numbers of the file with a point."),
    "RG219": ("is infinite or too large", None),
    "RG212": ("looks like 'not known'", "Add it to `missing:` of the modality: `missing: [\"{value}\"]`."),
    "RG211": ("is not a number", "Correct the value, add it to `missing:` of the modality, or name the real features in `use:`."),
}


def _report_odd(code: str, places: list[tuple[str, int]], raw: RawTable, findings: Findings) -> None:
    """One problem for values of one kind."""
    column, position = places[0]
    value = str(raw.frame[column].iloc[position])
    what, fix = _ODD[code]
    columns = len({name for name, _ in places})
    more = f" ({len(places)} cells in {columns} columns)" if len(places) > 1 else ""
    findings.add(code, f"'{value}' in the feature '{column}' {what}{more}", file=raw.file, row=int(raw.rows.iloc[position]),
                 column=column, value=value, fix=None if fix is None else fix.format(value=value))
