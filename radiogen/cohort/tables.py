"""Tables read as text: CSV, TSV, Excel, Parquet, cBioPortal, REDCap and built-in ones."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from radiogen.cohort.config import Reading
from radiogen.cohort.paths import Folder
from radiogen.cohort.values import canonical, is_decimal_comma, is_number, listing, suggest
from radiogen.errors import Findings

_EXCEL = (".xlsx", ".xlsm")


@dataclass(frozen=True)
class RawTable:
    """A table as text.

    Parameters
    ----------
    frame : DataFrame of str or None
        None is missing; the index counts from 0.
    rows : Series of int
        The row as a spreadsheet numbers it (the header is usually 1).
    file : str
        For messages.
    key : str
        Dotted key of the YAML, for messages.
    untouched : DataFrame, optional
        The cells before stripping and missing codes, in which ids are checked.
    """

    frame: pd.DataFrame
    rows: pd.Series
    file: str
    key: str
    untouched: pd.DataFrame | None = None

    def has(self, column: str, findings: Findings, key: str | None = None) -> bool:
        """Whether a column is there; if not, a finding that lists the columns (RG203)."""
        if column in self.frame.columns:
            return True
        findings.add(
            "RG203",
            f"'{self.file}' has no column '{column}'.{suggest(column, self.frame.columns)}",
            fix=f"Use one of its columns: {listing(self.frame.columns)}.",
            file=self.file, column=key or column,
        )
        return False

    def take(self, keep: Any) -> RawTable:
        """Some of the rows, by a boolean array or by positions."""
        at = np.asarray(keep)
        at = np.flatnonzero(at) if at.dtype == bool else at
        raw = None if self.untouched is None else self.untouched.iloc[at].reset_index(drop=True)
        return replace(
            self, frame=self.frame.iloc[at].reset_index(drop=True), rows=self.rows.iloc[at].reset_index(drop=True), untouched=raw
        )


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
    readers: dict[str, Callable[[Path, Reading, str, Findings], RawTable | None]] = {
        "excel": _read_excel, "parquet": _read_parquet,
    }
    reader = readers.get(kind or _kind(section, path), _read_text)
    try:
        raw = reader(path, section, key, folder.findings)
        folder.remember(path)
    except OSError as error:
        folder.findings.add("RG202", f"'{path.name}' cannot be read: {error.strerror or error}", file=path, column=key)
        return None
    if raw is None:
        return None
    if raw.frame.empty:
        folder.findings.add("RG220", f"'{path.name}' has no rows", file=path, column=key)
        return None
    return raw


# -- text files -------------------------------------------------------------------


def _read_text(path: Path, section: Reading, key: str, findings: Findings) -> RawTable | None:
    text = _decode(path, section.encoding, key, findings)
    if text is None:
        return None
    if "\x00" in text[:10_000]:
        findings.add("RG202", f"'{path.name}' is not a text table", file=path, column=key,
                     fix="Declare `format: excel` or `parquet` if it is one of these.")
        return None
    comment = section.comment or ("#" if path.suffix.lower() == ".maf" else None)
    delimiter = section.delimiter or _delimiter(text, path, section, comment)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    header: list[str] | None = None
    body: list[list[str]] = []
    rows: list[int] = []
    try:
        start = 1
        for cells in reader:
            line, start = start, reader.line_num + 1
            if not any(c.strip() for c in cells) or (comment and cells[0].startswith(comment)):
                continue
            if header is None:
                header = [c.strip() for c in cells]
            elif len(cells) < len(header) or any(c.strip() for c in cells[len(header) :]):
                findings.add(
                    "RG202", f"row {line} of '{path.name}' has {len(cells)} cells and the header has {len(header)}",
                    file=path, row=line, column=key, fix="Mend the row; a text with the separator in it needs quotes.",
                )
                return None
            else:
                body.append(cells[: len(header)])
                rows.append(line)
    except csv.Error as error:
        findings.add("RG202", f"'{path.name}' is not a table of text: {error}", file=path, row=reader.line_num, column=key)
        return None
    if header is None:
        findings.add("RG220", f"'{path.name}' is empty", file=path, column=key)
        return None
    if not _unique(header, path, key, findings):
        return None
    return RawTable(pd.DataFrame(body, columns=header, dtype=object), pd.Series(rows, dtype=int), str(path), key)


def _decode(path: Path, encoding: str, key: str, findings: Findings) -> str | None:
    data = path.read_bytes()
    if encoding.lower().replace("_", "-") in ("utf-8", "utf8"):
        encoding = "utf-8-sig"
        if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            encoding = "utf-16"
    try:
        return data.decode(encoding)
    except LookupError:
        findings.add("RG202", f"there is no encoding '{encoding}'", file=path, column=key, value=encoding,
                     fix="Use a name such as utf-8, latin-1, cp1252 or gb18030.")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        findings.add(
            "RG202", f"'{path.name}' is not text in {encoding.removesuffix('-sig')}: byte 0x{data[error.start]:02x}",
            file=path, row=line, column=key,
            fix="Declare `encoding:` of the table (latin-1, cp1252, gb18030, …) or save it as UTF-8.",
        )
    return None


def _delimiter(text: str, path: Path, section: Reading, comment: str | None) -> str:
    """The separator by the ending; where the header has none of it, the one that it has."""
    usual = "\t" if _kind(section, path) in ("tsv", "cbioportal") else ","
    header = next((ln for ln in text.splitlines() if ln.strip() and not (comment and ln.startswith(comment))), "")
    if usual in header:
        return usual
    return next((mark for mark in (";", "\t", ",", "|") if mark in header), usual)


def _unique(header: Sequence[str], path: Path, key: str, findings: Findings) -> bool:
    seen: set[str] = set()
    twice = [name for name in header if name in seen or seen.add(name)]  # type: ignore[func-returns-value]
    for name in dict.fromkeys(twice):
        findings.add("RG210", f"'{path.name}' has two columns '{name}'", file=path, column=name or key)
    return not twice


# -- Excel and Parquet --------------------------------------------------------------


def _read_excel(path: Path, section: Reading, key: str, findings: Findings) -> RawTable | None:
    import zipfile

    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError) as error:
        findings.add("RG202", f"'{path.name}' is not an Excel workbook (.xlsx): {error}", file=path, column=key,
                     fix="Save it as .xlsx or as CSV.")
        return None
    sheet = _sheet(book, section.sheet, path, key, findings)
    if sheet is None:
        return None
    header: list[str] | None = None
    body: list[list[str | None]] = []
    rows: list[int] = []
    for number, cells in enumerate(sheet.iter_rows(values_only=True), start=1):
        texts = [_cell(c) for c in cells]
        if not any(texts):
            continue
        if header is None:
            header = [(t or "").strip() for t in texts]
            while header and not header[-1]:
                header.pop()
        else:
            body.append((texts + [None] * len(header))[: len(header)])
            rows.append(number)
    book.close()
    if header is None:
        findings.add("RG220", f"the sheet of '{path.name}' is empty", file=path, column=key)
        return None
    if not _unique(header, path, key, findings):
        return None
    return RawTable(pd.DataFrame(body, columns=header, dtype=object), pd.Series(rows, dtype=int), str(path), key)


def _sheet(book: Any, wanted: str | int | None, path: Path, key: str, findings: Findings) -> Any:
    names = book.sheetnames
    if wanted is None:
        return book[names[0]]
    if isinstance(wanted, int) and 1 <= wanted <= len(names):
        return book[names[wanted - 1]]
    if wanted in names:
        return book[wanted]
    findings.add("RG202", f"'{path.name}' has no sheet '{wanted}'.{suggest(str(wanted), names)}", file=path,
                 column=f"{key}.sheet", value=wanted, fix=f"Its sheets are {listing(names)}.")
    return None


def _cell(value: Any) -> str | None:
    """A cell of a typed file as text: whole numbers without a point, dates as ISO."""
    if value is None or value is pd.NaT or (isinstance(value, float) and np.isnan(value)):
        return None
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    if isinstance(value, float | np.floating):
        number = float(value)
        return str(int(number)) if np.isfinite(number) and number == int(number) and abs(number) < 1e15 else repr(number)
    if hasattr(value, "isoformat"):
        return str(value.isoformat()).removesuffix("T00:00:00")
    return str(value)


def _read_parquet(path: Path, section: Reading, key: str, findings: Findings) -> RawTable | None:
    import pyarrow as pa

    try:
        frame = pd.read_parquet(path)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, ValueError) as error:
        findings.add("RG202", f"'{path.name}' is not a Parquet file: {str(error).splitlines()[0]}", file=path, column=key)
        return None
    if not isinstance(frame.index, pd.RangeIndex):
        frame = frame.reset_index()
    if not _unique([str(c) for c in frame.columns], path, key, findings):
        return None
    texts = {str(c): [_cell(None if v is pd.NA else v) for v in frame[c].tolist()] for c in frame.columns}
    rows = pd.Series(np.arange(2, len(frame) + 2), dtype=int)
    return RawTable(pd.DataFrame(texts, dtype=object), rows, str(path), key)


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
        frame = _points(frame, raw, findings)
    tidy = replace(raw, frame=frame, untouched=untouched)
    for column, mapping in section.recode.items():
        if not tidy.has(column, findings, f"{raw.key}.recode.{column}"):
            return None
        table = {canonical(old): None if new is None else _cell(new) for old, new in mapping.items()}
        frame[column] = [v if v is None else table.get(canonical(v), v) for v in frame[column]]
        unused = [old for old in mapping if canonical(old) not in {canonical(v) for v in raw.frame[_old(section, column)] if v}]
        for old in unused:
            findings.add("RG109", f"`recode` of '{column}' names the value '{old}', which does not occur",
                         file=raw.file, column=column, value=old, severity="warning",
                         fix="Check its spelling; nothing was changed by it.")
    return tidy


_THOUSANDS = re.compile(r"[+-]?\d{1,3}(\.\d{3})+(,\d+)?")


def _points(frame: pd.DataFrame, raw: RawTable, findings: Findings) -> pd.DataFrame:
    """Numbers with a decimal comma rewritten with a point; a column that mixes both is refused."""

    def rewrite(value: str | None) -> str | None:
        if value is not None and (is_decimal_comma(value) or _THOUSANDS.fullmatch(value)):
            return value.replace(".", "").replace(",", ".")
        return value

    columns = {}
    for column in frame.columns:
        cells = frame[column]
        commas = cells.map(lambda v: v is not None and is_decimal_comma(v))
        if not commas.any():
            columns[column] = cells
            continue
        points = cells.map(lambda v: v is not None and is_number(v) and "." in v and not _THOUSANDS.fullmatch(v))
        for position in np.flatnonzero(points):
            findings.add("RG217", f"'{cells.iloc[position]}' has a decimal point in a table declared with a comma", file=raw.file,
                         row=int(raw.rows.iloc[position]), column=str(column), value=cells.iloc[position],
                         fix="Write all numbers of the table in one way.")
        columns[column] = cells.map(rewrite)
    return pd.DataFrame(columns, dtype=object, index=frame.index)


def _old(section: Reading, column: str) -> str:
    return next((old for old, new in section.rename.items() if new == column), column)


def apply_missing(frame: pd.DataFrame, codes: Sequence[Any]) -> pd.DataFrame:
    """Strip all cells; empty ones and the declared codes become None.

    A code given as text is compared as text, one given as a number as a number.
    """
    wanted = {c.strip() for c in codes if isinstance(c, str)}
    numbers = {canonical(c) for c in codes if not isinstance(c, str)}

    def clean(value: str | None) -> str | None:
        if value is None:
            return None
        text = value.strip()
        if not text or text in wanted or (numbers and canonical(text) in numbers):
            return None
        return text

    return pd.DataFrame({c: [clean(v) for v in frame[c]] for c in frame.columns}, dtype=object, index=frame.index)
