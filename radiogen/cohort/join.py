"""Joining the tables on their ids."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from radiogen.cohort import ids as id_checks
from radiogen.cohort.config import CohortConfig, TableSection
from radiogen.cohort.paths import Folder
from radiogen.cohort.redcap import is_redcap, one_row_per_id
from radiogen.cohort.tables import RawTable, read_table
from radiogen.cohort.values import listing, suggest
from radiogen.errors import Findings


@dataclass
class Joined:
    """All tables side by side, as text, with the place that every cell came from.

    Parameters
    ----------
    units : DataFrame, index unit id
        ``patient``.
    text : DataFrame of str or None, index unit id
    table_of : dict of str to str
        Column -> name of its table.
    rows : dict of str to Series
        Table -> spreadsheet row of every unit.
    files : dict of str to str
        Table -> file.
    twice : dict of str to list of str
        Columns that stand in several tables -> those tables.
    """

    units: pd.DataFrame
    text: pd.DataFrame
    findings: Findings
    table_of: dict[str, str] = field(default_factory=dict)
    rows: dict[str, pd.Series] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    twice: dict[str, list[str]] = field(default_factory=dict)
    id_columns: dict[str, str] = field(default_factory=dict)
    #: a table could not be joined: columns that are missing are not reported again
    incomplete: bool = False

    def column(self, name: str, key: str) -> pd.Series | None:
        """The text of a column that the YAML names; None and a finding if it is missing or ambiguous."""
        if name in self.twice:
            self.findings.add("RG215", f"the column '{name}' stands in the tables {listing(self.twice[name])}", column=key,
                              value=name)
            return None
        if name not in self.text.columns and self.incomplete:
            return None
        if name not in self.text.columns:
            self.findings.add(
                "RG203", f"no table ({listing(map(_basename, self.files.values()), 4)}) has a column '{name}'."
                f"{suggest(name, self.text.columns)}",
                fix=f"Use one of the columns: {listing(self.text.columns, 60)}.", column=key, value=name,
            )
            return None
        return self.text[name]

    def where(self, column: str, unit: str) -> dict[str, object]:
        """File, row and column of a cell, for a message."""
        table = self.table_of[column]
        row = self.rows[table].get(unit)
        return {"file": self.files[table], "row": None if row is None or pd.isna(row) else int(row), "column": column}

    def source_rows(self, column: str) -> pd.Series:
        """Spreadsheet row of every unit in the table of a column (0 where it has none)."""
        return self.rows[self.table_of[column]].reindex(self.text.index).fillna(0).astype(int)

    def select(self, keep: pd.Index) -> Joined:
        """The same for some units."""
        return Joined(
            self.units.loc[keep], self.text.loc[keep], self.findings, self.table_of, self.rows, self.files, self.twice,
            self.id_columns, self.incomplete,
        )


def _basename(file: str) -> str:
    return Path(file).name


def join_tables(config: CohortConfig, folder: Folder) -> Joined | None:
    """Read and join all tables of the YAML.

    The first table (for lesions: the first one with ``patient``) says who is in
    the cohort; the others are joined to it.  None if that is impossible.
    """
    findings = folder.findings
    raws = {name: _read(name, section, folder) for name, section in config.tables.items()}
    lesion_tables = [n for n, s in config.tables.items() if s.patient is not None]
    if config.cohort.unit == "patient" and lesion_tables:
        findings.add("RG104", f"the table '{lesion_tables[0]}' has `patient`, so it is one of lesions, and the unit is patient",
                     file=folder.yaml, column=f"tables.{lesion_tables[0]}.patient",
                     fix="Declare `cohort: {unit: lesion}`, or remove `patient`.")
        return None
    if config.cohort.unit == "lesion" and not lesion_tables:
        findings.add("RG105", "the unit is lesion and no table has the key `patient`", file=folder.yaml, column="tables",
                     fix="Add `patient: COLUMN` to the table of lesions.")
        return None
    first = lesion_tables[0] if lesion_tables else next(iter(config.tables))
    units = _units(config, first, raws, findings)
    if units is None:
        for name, raw in raws.items():
            if raw is not None and name != first:
                id_checks.read_ids(raw, config.tables[name].id, findings, config.tables[name].id_pattern)
        return None
    joined = Joined(units, pd.DataFrame(index=units.index), findings)
    for name in [first, *(n for n in config.tables if n != first)]:
        _attach(joined, name, config.tables[name], raws[name], first, findings)
        joined.incomplete |= name not in joined.files
    return joined


def _read(name: str, section: TableSection, folder: Folder) -> RawTable | None:
    raw = read_table(section, f"tables.{name}", folder)
    if raw is not None and is_redcap(raw, section):
        return one_row_per_id(raw, section, folder.findings)
    return raw


def _units(config: CohortConfig, first: str, raws: dict[str, RawTable | None], findings: Findings) -> pd.DataFrame | None:
    raw, section = raws[first], config.tables[first]
    if raw is None:
        return None
    ids = id_checks.read_ids(raw, section.id, findings, section.id_pattern)
    if ids is None or id_checks.report_duplicates(ids, raw, section.id, config.cohort.unit, findings):
        return None
    index = pd.Index(ids.tolist(), name=config.cohort.unit, dtype=object)
    if section.patient is None:
        return pd.DataFrame({"patient": index.to_numpy()}, index=index)
    if not raw.has(section.patient, findings, f"tables.{first}.patient"):
        return None
    patients = id_checks.read_ids(raw, section.patient, findings)
    if patients is None:
        return None
    masters = [(n, s) for n, s in config.tables.items() if s.patient is None]
    if masters and (master_raw := raws[masters[0][0]]) is not None:
        name, master = masters[0]
        known = id_checks.read_ids(master_raw, master.id, Findings(), master.id_pattern)
        if known is not None:
            _report_orphans(patients, pd.Index(known), ids, raw, section.patient, name, findings)
    return pd.DataFrame({"patient": patients.to_numpy()}, index=index)


def _report_orphans(
    patients: pd.Series, known: pd.Index, lesions: pd.Series, raw: RawTable, column: str, table: str, findings: Findings
) -> None:
    for position in (~patients.isin(known)).to_numpy().nonzero()[0]:
        text = patients.iloc[position]
        findings.add("RG205", f"the lesion '{lesions.iloc[position]}' belongs to the patient '{text}', who is not in the "
                     f"table '{table}'.{suggest(text, known)}", file=raw.file, row=int(raw.rows.iloc[position]),
                     column=column, value=text)


def _report_other_patients(
    lesions: pd.Series, raw: RawTable, column: str, patients: pd.Series, table: str, findings: Findings
) -> None:
    """RG205 where another table of lesions gives a lesion to another patient than the first one does."""
    for position, lesion in lesions.items():
        text = raw.frame[column].iloc[int(str(position))]
        if text is not None and text != patients[lesion]:
            findings.add("RG205", f"the lesion '{lesion}' belongs to the patient '{text}' here and to '{patients[lesion]}' in "
                         f"the table '{table}'", file=raw.file, row=int(raw.rows.iloc[int(str(position))]), column=column,
                         value=text)


def _attach(
    joined: Joined, name: str, section: TableSection, raw: RawTable | None, first: str, findings: Findings
) -> None:
    if raw is None:
        return
    index = joined.units.index
    by_patient = index.name == "lesion" and section.patient is None
    ids = pd.Series(index) if name == first else id_checks.read_ids(raw, section.id, findings, section.id_pattern)
    if ids is None:
        return
    ids = ids.set_axis(range(len(ids)))
    if name != first:
        master = pd.Index(joined.units["patient"].unique()) if by_patient else index
        if id_checks.report_duplicates(ids, raw, section.id, "patient" if by_patient else str(index.name), findings):
            return
        known = id_checks.known_ids(ids, master, raw, section.id, findings)
        if not known.any():
            return
        if section.patient is not None and raw.has(section.patient, findings, f"tables.{name}.patient"):
            _report_other_patients(ids[known.to_numpy()], raw, section.patient, joined.units["patient"], first, findings)
    keys = joined.units["patient"] if by_patient else pd.Series(index, index=index)
    frame = raw.frame.set_axis(pd.Index(ids.to_numpy()), axis=0).reindex(keys.to_numpy()).set_axis(index, axis=0)
    rows = raw.rows.set_axis(pd.Index(ids.to_numpy())).reindex(keys.to_numpy()).set_axis(index)
    joined.rows[name], joined.files[name] = rows, raw.file
    joined.id_columns[name] = section.id
    frame = frame.astype(object).where(frame.notna(), None)
    for column in frame.columns:
        if column in joined.text.columns:
            if column not in joined.id_columns.values():
                joined.twice.setdefault(column, [joined.table_of[column]]).append(name)
            continue
        joined.table_of[column] = name
    new = [c for c in frame.columns if joined.table_of.get(c) == name and c not in joined.text.columns]
    joined.text = pd.concat([joined.text, frame[new]], axis=1)
