"""Ids: text, checked within a table and against the cohort."""

from __future__ import annotations

import re

import pandas as pd

from radiogen.cohort.tables import RawTable
from radiogen.cohort.values import listing
from radiogen.errors import Findings

_INVISIBLE = "\u00a0\u200b\u200c\u200d\ufeff\u2060"


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
    source = raw.frame if raw.untouched is None else raw.untouched
    texts = source[column]
    for position, text in enumerate(texts):
        if text is None or not text.strip(_INVISIBLE + " \t\r\n") or raw.frame[column].iloc[position] is None:
            findings.add("RG209", "the id is empty", file=raw.file, row=int(raw.rows.iloc[position]), column=column)
        elif text != text.strip(_INVISIBLE + " \t\r\n"):
            findings.add("RG207", "the id has spaces or invisible characters around it", file=raw.file,
                         row=int(raw.rows.iloc[position]), column=column, value=text)
    if len(findings) > before:
        return None
    ids = texts.astype(str)
    if pattern is not None:
        found = _extract(ids, pattern, raw, column, findings)
        if found is None:
            return None
        ids = found
    _report_case(ids, raw, column, findings)
    return ids


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


def _report_case(ids: pd.Series, raw: RawTable, column: str, findings: Findings) -> None:
    folded: dict[str, str] = {}
    reported: set[str] = set()
    for position, text in enumerate(ids):
        first = folded.setdefault(text.casefold(), text)
        if first != text and text not in reported:
            reported.add(text)
            findings.add("RG208", f"the ids '{first}' and '{text}' differ only in case", file=raw.file,
                         row=int(raw.rows.iloc[position]), column=column, value=text)


def report_duplicates(ids: pd.Series, raw: RawTable, column: str, what: str, findings: Findings) -> bool:
    """RG204 for every id that stands twice; True if there is one."""
    first_rows: dict[str, int] = {}
    found = False
    for position, text in enumerate(ids):
        row = int(raw.rows.iloc[position])
        if text in first_rows:
            found = True
            findings.add("RG204", f"the {what} '{text}' stands in rows {first_rows[text]} and {row}", file=raw.file,
                         row=row, column=column, value=text)
        first_rows.setdefault(text, row)
    return found


def known_ids(ids: pd.Series, master: pd.Index, raw: RawTable, column: str, findings: Findings) -> pd.Series:
    """Which rows belong to the cohort; findings for ids that nearly do.

    An unknown id that equals one of the cohort after leading zeros (or a
    trailing ``.0``) are taken away is RG206, after case is ignored RG208;
    the others are counted in one RG213.  RG214 if none is known.
    """
    known = ids.isin(master)
    if known.all():
        return known
    bare = {_bare(i): i for i in master}
    folded = {str(i).casefold(): i for i in master}
    strangers: list[str] = []
    seen: set[str] = set()
    explained = False
    for position in range(len(ids)):
        text = ids.iloc[position]
        if known.iloc[position] or text in seen:
            continue
        seen.add(text)
        row = int(raw.rows.iloc[position])
        if folded.get(text.casefold()) is not None:
            explained = True
            findings.add("RG208", f"the id '{text}' is '{folded[text.casefold()]}' in the first table", file=raw.file,
                         row=row, column=column, value=text)
        elif _bare(text) in bare:
            explained = True
            findings.add("RG206", f"the id '{text}' is '{bare[_bare(text)]}' in the first table", file=raw.file, row=row,
                         column=column, value=text)
        else:
            strangers.append(text)
    if not known.any() and not explained:
        findings.add(
            "RG214", f"none of the {len(seen)} ids in '{column}' is in the cohort (here {listing(list(seen)[:3])}; "
            f"there {listing(list(master[:3]))})", file=raw.file, row=int(raw.rows.iloc[0]), column=column, value=ids.iloc[0],
        )
    elif strangers:
        rows = "row" if len(strangers) == 1 else "ids"
        findings.add("RG213", f"{len(strangers)} {rows} of this table are not in the cohort, such as "
                     f"{listing(strangers, 3)}", file=raw.file, column=column)
    return known


def _bare(text: str) -> str:
    """An id without what spreadsheets take away or add: leading zeros, a trailing ``.0``."""
    plain = re.sub(r"\.0$", "", str(text))
    return re.sub(r"(?<!\d)0+(?=\d)", "", plain)
