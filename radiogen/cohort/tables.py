"""Tables read as text: CSV, TSV, Excel, Parquet, cBioPortal, REDCap and built-in ones."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from radiogen.cohort.config import Reading
from radiogen.cohort.paths import Folder
from radiogen.cohort.raw_table import RawTable
from radiogen.cohort.text_files import read_text
from radiogen.cohort.values import bare, canonical, is_decimal_comma, is_number
from radiogen.cohort.workbooks import cell_text, read_excel, read_parquet
from radiogen.errors import Findings

__all__ = ["RawTable", "apply_missing", "read_file", "read_table"]

_EXCEL = (".xlsx", ".xlsm")


def read_table(section: Reading, key: str, folder: Folder) -> RawTable | None:
    """Read a table named in the YAML; None and findings if it cannot be read.

    Values come back as text, stripped, with the declared missing codes as
    None, after ``rename`` and ``recode``.
    """
    findings = folder.findings
    if section.builtin is not None:
        from radiogen.cohort.builtin import read_builtin

        raw = read_builtin(section.builtin, key, folder)
        return None if raw is None else _tidy(raw, section, findings)
    path = folder.existing(str(section.path), f"{key}.path")
    if path is None:
        return None
    kind = _kind(section, path)
    if kind == "cbioportal":
        from radiogen.cohort.cbioportal import read_study_table

        raw = read_study_table(section, path, key, folder)
    elif path.is_dir():
        findings.add("RG202", f"'{section.path}' is a folder; only a cBioPortal study is one", file=path, column=key,
                     fix="Name the file, or declare `format: cbioportal`.")
        return None
    else:
        raw = read_file(path, section, key, folder, kind)
    return None if raw is None else _tidy(raw, section, findings)


def _kind(section: Reading, path: Path) -> str:
    declared = getattr(section, "format", None)
    if declared in ("csv", "tsv", "excel", "parquet", "cbioportal"):
        return str(declared)
    by_ending = {".tsv": "tsv", ".txt": "tsv", ".maf": "tsv", ".tab": "tsv", ".parquet": "parquet", ".pq": "parquet"}
    if path.suffix.lower() in (*_EXCEL, ".xls"):
        return "excel"
    return by_ending.get(path.suffix.lower(), "csv")


def read_file(path: Path, section: Reading, key: str, folder: Folder, kind: str | None = None) -> RawTable | None:
    """Read one file of a known kind into text, before missing codes and recoding."""
    kind = kind or _kind(section, path)
    try:
        if kind == "excel":
            raw = read_excel(path, section, key, folder.findings)
        elif kind == "parquet":
            raw = read_parquet(path, section, key, folder.findings)
        else:
            raw = read_text(path, section, key, folder.findings, usual="\t" if kind in ("tsv", "cbioportal") else ",")
        folder.remember(path)
    except OSError as error:
        folder.findings.add("RG202", f"'{path.name}' cannot be read: {error.strerror or error}", file=path, column=key,
                            fix="Check the file's permissions.")
        return None
    if raw is None:
        return None
    if raw.frame.empty:
        folder.findings.add("RG220", f"'{path.name}' has no rows", file=path, column=key)
        return None
    return raw


# -- missing codes, renaming, recoding ------------------------------------------------


def _tidy(raw: RawTable, section: Reading, findings: Findings) -> RawTable | None:
    """Apply ``rename``, ``missing`` and ``recode``."""
    there = [raw.has(c, findings, f"{raw.key}.rename.{c}") for c in section.rename]
    if not all(there):
        return None
    frame = raw.frame.rename(columns=section.rename)
    if frame.columns.has_duplicates:
        twice = frame.columns[frame.columns.duplicated()][0]
        findings.add("RG210", f"after `rename` there are two columns '{twice}'", file=raw.file, column=str(twice))
        return None
    untouched = frame
    frame = apply_missing(frame, section.missing)
    if section.decimal == ",":
        typed = _kind(section, Path(raw.file)) in ("excel", "parquet")
        frame = apply_missing(_points(frame, raw, findings, typed=typed), section.missing)
    tidy = replace(raw, frame=frame, untouched=untouched)
    for column, mapping in section.recode.items():
        if not tidy.has(column, findings, f"{raw.key}.recode.{column}"):
            return None
        table = {canonical(old): None if new is None else cell_text(new) for old, new in mapping.items()}
        frame[column] = [v if v is None else table.get(canonical(v), v) for v in frame[column]]
        occur = {canonical(v) for v in raw.frame[_old(section, column)] if v}
        for old in (old for old in mapping if canonical(old) not in occur):
            findings.add("RG109", f"`recode` of '{column}' names the value '{old}', which does not occur",
                         file=raw.file, column=column, value=old, severity="warning",
                         fix="Check its spelling; nothing was changed by it.")
    return tidy


_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(\.\d{3})+(,\d+)?")


def _points(frame: pd.DataFrame, raw: RawTable, findings: Findings, *, typed: bool) -> pd.DataFrame:
    """Numbers with a decimal comma rewritten with a point; what could be read in two ways is refused.

    ``1.234`` is a thousand only in a column that shows it, with a cell such as ``1.234,5``.  In ``typed`` files the
    numbers come with a point and are not in doubt, unless the column has commas too.
    """
    columns = {}
    for column in frame.columns:
        cells = frame[column]
        dotted = [i for i, v in enumerate(cells) if v is not None and "." in v and (is_number(v) or _THOUSANDS.fullmatch(v))]
        thousands = [i for i in dotted if _THOUSANDS.fullmatch(cells.iloc[i])]
        commas = any(v is not None and is_decimal_comma(v) for v in cells)
        shown = any("," in cells.iloc[i] for i in thousands)
        doubtful: list[int] = []
        if commas or shown:
            doubtful = [i for i in dotted if not shown or i not in thousands]
        elif len(thousands) == len(dotted) and not typed:
            doubtful = dotted
        for i in doubtful:
            findings.add("RG217", f"'{cells.iloc[i]}' has a point in a table declared with a decimal comma", file=raw.file,
                         row=int(raw.rows.iloc[i]), column=str(column), value=cells.iloc[i],
                         fix="Write all numbers of the table with a comma, and thousands without a point.")
        columns[column] = cells.map(_with_point) if commas or shown else cells
    return pd.DataFrame(columns, dtype=object, index=frame.index)


def _with_point(value: str | None) -> str | None:
    if value is not None and (is_decimal_comma(value) or _THOUSANDS.fullmatch(value)):
        return value.replace(".", "").replace(",", ".")
    return value


def _old(section: Reading, column: str) -> str:
    return next((old for old, new in section.rename.items() if new == column), column)


def apply_missing(frame: pd.DataFrame, codes: Sequence[Any]) -> pd.DataFrame:
    """Strip all cells; empty ones and the declared codes become None.

    A code given as text is compared as text, one given as a number as a number.
    """
    wanted = {bare(c) for c in codes if isinstance(c, str)}
    numbers = {canonical(c) for c in codes if not isinstance(c, str)}

    def clean(value: str | None) -> str | None:
        if value is None:
            return None
        text = bare(value)
        if not text or text in wanted or (numbers and canonical(text) in numbers):
            return None
        return text

    return pd.DataFrame({c: [clean(v) for v in frame[c]] for c in frame.columns}, dtype=object, index=frame.index)
