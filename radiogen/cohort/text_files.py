"""Text files: CSV, TSV and their relatives, strictly, so that no row is swallowed or shifted."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

from radiogen.cohort.config import Reading
from radiogen.cohort.raw_table import RawTable, make_table
from radiogen.errors import Findings

#: first bytes of files that are no text, and what they are
_MAGIC = (
    (b"PK\x03\x04", "an Excel workbook", "Name it .xlsx, or declare `format: excel`."),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook (.xls)", "Save it as .xlsx or as CSV."),
    (b"PAR1", "a Parquet file", "Name it .parquet, or declare `format: parquet`."),
    (b"%PDF", "a PDF", "Export the table as CSV or Excel."),
    (b"\x1f\x8b", "compressed (gzip)", "Unpack it first."),
)
#: encodings in which any bytes are text, so that a wrong declaration goes unnoticed
_ANY_BYTES = ("iso8859", "cp125", "cp437", "cp850", "mac", "latin")


def read_text(path: Path, section: Reading, key: str, findings: Findings, *, usual: str = ",") -> RawTable | None:
    """Read a text table; ``usual`` is the separator that files of this ending have."""
    text = _decode(path, section.encoding, key, findings)
    if text is None:
        return None
    if "\x00" in text:
        row = text[: text.index("\x00")].count("\n") + 1
        findings.add("RG202", f"'{path.name}' is not a text table, or its encoding is another", file=path, row=row, column=key,
                     fix="Declare `encoding: utf-16`, or `format: excel` or `parquet` if it is one of these.")
        return None
    comment = section.comment or ("#" if path.suffix.lower() == ".maf" else None)
    delimiter = section.delimiter or _delimiter(text, usual, comment)
    return _parse(text, delimiter, comment, path, key, findings)


def _parse(text: str, delimiter: str, comment: str | None, path: Path, key: str, findings: Findings) -> RawTable | None:
    header: list[str] | None = None
    body: list[list[str | None]] = []
    rows: list[int] = []

    def refuse(row: int, message: str, fix: str) -> None:
        findings.add("RG202", message, file=path, row=row, column=key, fix=fix)

    last = 0
    try:
        for line, last, cells in _records(text, delimiter, comment):
            if not any(c.strip() for c in cells) or (comment and cells[0].startswith(comment)):
                continue
            if last > line and _swallowed(cells, delimiter, header):
                refuse(line, f"the quote that opens in row {line} of '{path.name}' closes in row {last} only, and whole rows lie "
                       "between", "Close or remove the quote.")
                return None
            if header is None:
                header = cells
            elif len(cells) < len(header) or any(c.strip() for c in cells[len(header) :]):
                refuse(line, f"row {line} of '{path.name}' has {len(cells)} cells and the header has {len(header)}",
                       "Mend the row; a text with the separator in it needs quotes. If this row is the header, remove "
                       "the lines above it.")
                return None
            else:
                body.append(list(cells[: len(header)]))
                rows.append(line)
    except csv.Error as error:
        what = "a quote is opened and never closed" if "unexpected end" in str(error) else str(error)
        refuse(last + 1, f"row {last + 1} of '{path.name}' cannot be read: {what}",
               "Mend the quotes: a quote inside a quoted text is written twice.")
        return None
    if header is None:
        findings.add("RG220", f"'{path.name}' is empty", file=path, column=key)
        return None
    return make_table(header, body, rows, path, key, findings)


def _records(text: str, delimiter: str, comment: str | None) -> Iterator[tuple[int, int, list[str]]]:
    """First line, last line and cells of every record.

    cBioPortal and MAF files have no quoting: where every line of a tab-separated file is a whole row, a quote is a
    character like others, except around a whole cell.
    """
    if delimiter == "\t" and '"' in text:
        lines = [ln.split("\t") for ln in re.split(r"\r\n|\n|\r", text)]
        kept = [c for c in lines if any(c) and not (comment and c[0].startswith(comment))]
        if kept and all(len(c) >= len(kept[0]) for c in kept):
            yield from ((i, i, [_unquoted(c) for c in cells]) for i, cells in enumerate(lines, start=1))
            return
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    start = 1
    for cells in reader:
        yield start, reader.line_num, cells
        start = reader.line_num + 1


def _unquoted(cell: str) -> str:
    quoted = len(cell) > 1 and cell[0] == cell[-1] == '"'
    return cell[1:-1].replace('""', '"') if quoted else cell


def _swallowed(cells: list[str], delimiter: str, header: list[str] | None) -> bool:
    """Whether a cell of several lines holds what looks like whole rows: an unclosed quote has eaten them."""
    wanted = max(len(header or cells) - 1, 1)
    return any("\n" in c and any(ln.count(delimiter) >= wanted for ln in c.splitlines()[1:]) for c in cells)


def _decode(path: Path, encoding: str, key: str, findings: Findings) -> str | None:
    data = path.read_bytes()
    for magic, what, fix in _MAGIC:
        if data.startswith(magic):
            findings.add("RG202", f"'{path.name}' is {what} and no text", file=path, column=key, fix=fix)
            return None
    try:
        name = codecs.lookup(encoding).name
        if name == "utf-8":
            marked = data[:2] in (b"\xff\xfe", b"\xfe\xff")
            return data.decode("utf-16" if marked else "utf-8-sig")
        text = data.decode(encoding)
    except LookupError:
        findings.add("RG202", f"there is no text encoding '{encoding}'", file=path, column=f"{key}.encoding", value=encoding,
                     fix="Use a name such as utf-8, latin-1, cp1252 or gb18030.")
        return None
    except UnicodeError as error:
        at = getattr(error, "start", 0)
        line = data[:at].count(b"\n") + 1
        findings.add(
            "RG202", f"'{path.name}' is not text in {encoding}: byte 0x{data[at] if at < len(data) else 0:02x}",
            file=path, row=line, column=key,
            fix="Declare `encoding:` of the table (latin-1, cp1252, gb18030, …) or save it as UTF-8.",
        )
        return None
    if name.startswith(_ANY_BYTES) and not data.isascii() and _is_utf8(data):
        findings.add("RG202", f"'{path.name}' is declared as {encoding} and is text in UTF-8", file=path,
                     column=f"{key}.encoding", value=encoding, fix="Remove `encoding`, or declare `encoding: utf-8`.")
        return None
    return text


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _delimiter(text: str, usual: str, comment: str | None) -> str:
    """The separator by the ending; where the header has none of it, the one that it has."""
    header = next((ln for ln in text.splitlines() if ln.strip() and not (comment and ln.startswith(comment))), "")
    header = re.sub(r'"[^"]*"', "", header)  # a separator inside a quoted name separates nothing
    if usual in header:
        return usual
    return next((mark for mark in (";", "\t", ",", "|") if mark in header), usual)
