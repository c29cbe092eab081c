"""Excel workbooks and Parquet files as text, cell by cell."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from radiogen.cohort.config import Reading
from radiogen.cohort.raw_table import RawTable, make_table
from radiogen.cohort.values import listing, suggest
from radiogen.errors import Findings

_MERGED = re.compile(rb'<mergeCell [^>]*ref="([A-Z]+)([0-9]+):([A-Z]+)([0-9]+)"')


def read_excel(path: Path, section: Reading, key: str, findings: Findings) -> RawTable | None:
    """One sheet of a workbook; formulas by the values that the spreadsheet program stored."""
    try:
        return _read_workbook(path, section, key, findings)
    except OSError:
        raise
    except Exception as error:  # a damaged workbook makes its readers raise anything, from KeyError to ParseError
        findings.add("RG202", f"'{path.name}' is not an Excel workbook (.xlsx): {_reason(error)}", file=path, column=key,
                     fix="Save it as .xlsx or as CSV.")
        return None


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__


def _read_workbook(path: Path, section: Reading, key: str, findings: Findings) -> RawTable | None:
    import openpyxl

    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    sheet = _sheet(book, section.sheet, path, key, findings)
    if sheet is None:
        return None
    header: list[str | None] | None = None
    body: list[list[str | None]] = []
    rows: list[int] = []
    for number, cells in enumerate(sheet.iter_rows(values_only=True), start=1):
        texts = [cell_text(c) for c in cells]
        if not any(t and t.strip() for t in texts):
            continue
        if header is None:
            header = texts
            while header and not header[-1]:
                header.pop()
            header_row = number
        elif any(t and t.strip() for t in texts[len(header) :]):
            findings.add("RG202", f"row {number} of '{path.name}' has more cells than the header", file=path, row=number,
                         column=key, fix="Give every column a name; remove notes beside the table and lines above the header.")
            return None
        else:
            body.append((texts + [None] * len(header))[: len(header)])
            rows.append(number)
    part, title = sheet._worksheet_path, sheet.title
    book.close()
    if header is None:
        findings.add("RG220", f"the sheet '{title}' of '{path.name}' is empty", file=path, column=key,
                     fix="Check the file, or name another sheet with `sheet:`.")
        return None
    if _merged(path, part, header_row, key, findings) or _uncalculated(path, title, key, findings):
        return None
    return make_table(header, body, rows, path, key, findings)


def _merged(path: Path, part: str, header_row: int, key: str, findings: Findings) -> bool:
    """RG202 for merged cells in the table: only the first of them has the value, the others would be missing."""
    with zipfile.ZipFile(path) as archive:
        found = _MERGED.findall(archive.read(part.lstrip("/")))
    inside = [m for m in found if int(m[3]) >= header_row]
    if inside:
        first, row, last, end = (x.decode() for x in inside[0])
        findings.add("RG202", f"the cells {first}{row}:{last}{end} of '{path.name}' are merged; only the first of them holds "
                     f"the value ({len(inside)} in all)", file=path, row=int(row), column=key, value=f"{first}{row}:{last}{end}",
                     fix="Unmerge them and write the value into each cell.")
    return bool(inside)


def _uncalculated(path: Path, title: str, key: str, findings: Findings) -> bool:
    """RG202 for formulas without a stored value, which a program other than a spreadsheet has written."""
    import openpyxl

    with zipfile.ZipFile(path) as archive:
        if not any(b"<f" in archive.read(n) for n in archive.namelist() if n.startswith("xl/worksheets/") and n.endswith("xml")):
            return False
    values = openpyxl.load_workbook(path, read_only=True, data_only=True)
    formulas = openpyxl.load_workbook(path, read_only=True)
    pairs = zip(values[title].iter_rows(values_only=True), formulas[title].iter_rows(values_only=True), strict=False)
    empty = [
        (number, str(formula))
        for number, (stored, written) in enumerate(pairs, start=1)
        for value, formula in zip(stored, written, strict=False)
        if value is None and isinstance(formula, str) and formula.startswith("=")
    ]
    values.close()
    formulas.close()
    if empty:
        findings.add("RG202", f"{len(empty)} formulas of '{path.name}' have no stored value", file=path, row=empty[0][0],
                     column=key, value=empty[0][1], fix="Open the file in a spreadsheet program and save it, or paste values.")
    return bool(empty)


def _sheet(book: Any, wanted: str | int | None, path: Path, key: str, findings: Findings) -> Any:
    names = [sheet.title for sheet in book.worksheets]
    if wanted is None and names:
        return book[names[0]]
    if isinstance(wanted, int) and 1 <= wanted <= len(names):
        return book[names[wanted - 1]]
    if wanted in names:
        return book[wanted]
    findings.add("RG202", f"'{path.name}' has no sheet '{wanted}'.{suggest(str(wanted), names)}", file=path,
                 column=f"{key}.sheet", value=wanted, fix=f"Its sheets are {listing(names)}.")
    return None


def cell_text(value: Any) -> str | None:
    """A cell of a typed file as text: whole numbers without a point, dates as ISO."""
    if value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return None
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    if isinstance(value, float | np.floating):
        number = float(value)
        return str(int(number)) if np.isfinite(number) and number == int(number) and abs(number) < 1e15 else repr(number)
    if hasattr(value, "isoformat"):
        return str(value.isoformat()).removesuffix("T00:00:00")
    return str(value)


def read_parquet(path: Path, section: Reading, key: str, findings: Findings) -> RawTable | None:
    """A Parquet file; an index that is no mere count comes first."""
    try:
        frame = pd.read_parquet(path)
        if not isinstance(frame.index, pd.RangeIndex):
            frame = frame.reset_index()
    except OSError:
        raise
    except Exception as error:  # as many kinds as there are ways to damage the file
        findings.add("RG202", f"'{path.name}' is not a Parquet file: {_reason(error)}", file=path, column=key)
        return None
    columns = [[cell_text(v) for v in frame.iloc[:, i].tolist()] for i in range(frame.shape[1])]
    body = [list(cells) for cells in zip(*columns, strict=True)]
    return make_table([str(c) for c in frame.columns], body, range(2, len(frame) + 2), path, key, findings)
