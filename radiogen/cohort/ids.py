"""Ids: text, checked within a table and against the cohort."""

from __future__ import annotations

import re

import pandas as pd

from radiogen.cohort.raw_table import RawTable
from radiogen.cohort.values import bare, fold, listing, looks_missing
from radiogen.errors import Findings

#: what spreadsheets make of ids: a float of a long number, and dates of ids such as 2-3
_REWRITTEN = re.compile(
    r"\d(\.\d+)?[eE]\+\d{2,}|\d{4}-\d\d-\d\d([T ].*)?|\d{1,2}-(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)", re.IGNORECASE
)
_TOTALS = frozenset(
    {"total", "totals", "sum", "mean", "average", "median", "sd", "min", "max", "count", "summe", "gesamt", "合计", "总计"}
)


def read_ids(raw: RawTable, column: str, findings: Findings, pattern: str | None = None) -> pd.Series | None:
    """The ids of a table, in row order; findings for empty ids, stray spaces and case variants.

    Parameters
    ----------
    raw : RawTable
    column : str
        Id column.
    findings : Findings
        Takes RG203, RG207, RG208, RG209.
    pattern : str, optional
        Regular expression whose first group is the id (``id_pattern``).

    Returns
    -------
    Series of str or None
        None if the column is missing or an id cannot be read.
    """
    if not raw.has(column, findings, f"{raw.key}.id"):
        return None
    before = len(findings)
    texts = (raw.frame if raw.untouched is None else raw.untouched)[column]
    for position, (text, tidied) in enumerate(zip(texts, raw.frame[column], strict=True)):
        if text is None or not bare(text) or tidied is None:
            findings.add("RG209", "the id is empty", file=raw.file, row=int(raw.rows.iloc[position]), column=column)
        elif text != bare(text):
            findings.add("RG207", "the id has spaces or invisible characters around it", file=raw.file,
                         row=int(raw.rows.iloc[position]), column=column, value=text)
    if len(findings) > before:
        return None
    ids = texts.astype(str)
    _report_no_ids(ids, raw, column, findings)
    if pattern is not None:
        found = _extract(ids, pattern, raw, column, findings)
        if found is None:
            return None
        ids = found
    _report_alike(ids, raw, column, findings)
    return ids


def _report_no_ids(ids: pd.Series, raw: RawTable, column: str, findings: Findings) -> None:
    """RG222 for codes of missing, rows of totals, and what spreadsheets have made of ids."""
    doubtful = {i for i in dict.fromkeys(ids) if looks_missing(i) or i.casefold() in _TOTALS or _REWRITTEN.fullmatch(i)}
    if not doubtful or len(doubtful) > max(1, ids.nunique() // 2):
        return  # where most ids look so, they are so
    for position in ids.isin(doubtful).to_numpy().nonzero()[0]:
        text = ids.iloc[position]
        what = "looks like 'not known'" if looks_missing(text) else "looks like a row of totals"
        if _REWRITTEN.fullmatch(text):
            what = "looks like a date or number that a spreadsheet has made of an id"
        findings.add("RG222", f"the id '{text}' {what}", file=raw.file, row=int(raw.rows.iloc[position]), column=column,
                     value=text)


def _extract(ids: pd.Series, pattern: str, raw: RawTable, column: str, findings: Findings) -> pd.Series | None:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        findings.add("RG104", f"`id_pattern` is not a regular expression: {error}", column=f"{raw.key}.id_pattern",
                     value=pattern)
        return None
    if compiled.groups < 1:
        findings.add("RG104", "`id_pattern` needs a group in brackets: the id", column=f"{raw.key}.id_pattern", value=pattern)
        return None
    matches = [compiled.search(i) for i in ids]
    for position, match in enumerate(matches):
        if match is None or match.group(1) is None:
            findings.add("RG214", "the id does not fit `id_pattern`", file=raw.file, row=int(raw.rows.iloc[position]),
                         column=column, value=ids.iloc[position])
    if any(m is None or m.group(1) is None for m in matches):
        return None
    return pd.Series([m.group(1) for m in matches if m is not None], index=ids.index, dtype=object)


def _report_alike(ids: pd.Series, raw: RawTable, column: str, findings: Findings) -> None:
    """RG208 and RG206 for ids of one table that are one id written in two ways."""
    places = ids.reset_index(drop=True).drop_duplicates()
    seen: dict[str, str] = {}
    for position, text in places.items():
        first = seen.setdefault(_bare(fold(text)), text)
        if first == text:
            continue
        row = int(raw.rows.iloc[int(str(position))])
        if fold(first) == fold(text):
            findings.add("RG208", f"the ids '{first}' and '{text}' differ only in case, spaces or kinds of character",
                         file=raw.file, row=row, column=column, value=text)
        else:
            findings.add("RG206", f"the ids '{first}' and '{text}' differ only in zeros", file=raw.file, row=row, column=column,
                         value=text)


def report_duplicates(ids: pd.Series, raw: RawTable, column: str, what: str, findings: Findings) -> bool:
    """RG204 for every id that stands twice; True if there is one."""
    if ids.is_unique:
        return False
    first_rows: dict[str, int] = {}
    for text, number in zip(ids, raw.rows, strict=True):
        row = int(number)
        if text in first_rows:
            findings.add("RG204", f"the {what} '{text}' stands in rows {first_rows[text]} and {row}", file=raw.file,
                         row=row, column=column, value=text)
        first_rows.setdefault(text, row)
    return True


def known_ids(ids: pd.Series, master: pd.Index, raw: RawTable, column: str, findings: Findings) -> pd.Series:
    """Which rows belong to the cohort; findings for ids that nearly do.

    An unknown id that equals one of the cohort after leading zeros (or a trailing ``.0``) are taken away is RG206, after
    case, spaces, separators and look-alike characters are ignored RG208; the others are counted in one RG213.  RG214 if
    none is known.
    """
    known = ids.isin(master)
    if known.all():
        return known
    folded = {_one_separator(fold(str(i))): i for i in master}
    plain = {_bare(f): i for f, i in folded.items()}
    strangers: list[str] = []
    places = ids.reset_index(drop=True)[~known.to_numpy()].drop_duplicates()
    for position, text in places.items():
        row = int(raw.rows.iloc[int(str(position))])
        look = _one_separator(fold(text))
        if look in folded:
            findings.add("RG208", f"the id '{text}' is '{folded[look]}' in the first table", file=raw.file, row=row,
                         column=column, value=text)
        elif _bare(look) in plain:
            findings.add("RG206", f"the id '{text}' is '{plain[_bare(look)]}' in the first table", file=raw.file, row=row,
                         column=column, value=text)
        else:
            strangers.append(text)
    if not known.any() and len(strangers) == len(places):
        findings.add(
            "RG214", f"none of the {len(places)} ids in '{column}' is in the cohort (here {listing(strangers[:3])}; "
            f"there {listing(list(master[:3]))})", file=raw.file, row=int(raw.rows.iloc[0]), column=column, value=ids.iloc[0],
        )
    elif strangers:
        what = "1 id" if len(strangers) == 1 else f"{len(strangers)} ids"
        findings.add("RG213", f"{what} of this table (such as {listing(strangers[:3])}) are not in the cohort; of the cohort's "
                     f"{len(master)} the table has {ids[known].nunique()}", file=raw.file, column=column)
    return known


def _bare(text: str) -> str:
    """An id without what spreadsheets take away or add: leading zeros, a trailing ``.0``."""
    plain = re.sub(r"\.0$", "", str(text))
    return re.sub(r"(?<!\d)0+(?=\d)", "", plain)


def _one_separator(text: str) -> str:
    """An id with one kind of separator, and none between a letter and a digit, where it separates nothing."""
    plain = re.sub(r"[_./\\]", "-", re.sub(r"\.0$", "", text))
    return re.sub(r"(?<=[^\W\d_])-(?=\d)", "", plain)
