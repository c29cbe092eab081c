"""Status columns (positive or negative as text), and the tidying of marker texts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pandas as pd

from radiogen.cohort.values import canonical, canonical_set, listing
from radiogen.errors import Findings

_TRANSLATE = str.maketrans({
    **dict.fromkeys("‐‑‒–—―−", "-"), "％": "%", "＜": "<", "＞": ">", "～": "~", "\u00a0": " ", "\u202f": " ",
    "\u3000": " ", "≤": "<=", "≦": "<=", "⩽": "<=", "≥": ">=", "≧": ">=", "⩾": ">=",
})
POSITIVE_WORDS = frozenset({"positive", "pos", "+"})
NEGATIVE_WORDS = frozenset({"negative", "neg", "-"})


def tidy_text(text: str) -> str:
    """A cell with one kind of dash, percent sign, comparison sign and space."""
    return text.translate(_TRANSLATE).strip()


def known_cells(raw: pd.Series) -> Iterator[tuple[int, str]]:
    """Position and text of the cells that are not missing."""
    for position, value in enumerate(raw):
        if not pd.isna(value):
            yield position, str(value)


def read_status(
    raw: pd.Series, positive: Iterable[Any], negative: Iterable[Any], words: tuple[frozenset[str], frozenset[str]],
    *, key: str, column: str, file: str, rows: pd.Series, findings: Findings,
) -> list[bool | None]:
    """Positive (True), negative (False) or not known (None) of every cell of a status column.

    Parameters
    ----------
    raw : Series of str, shape (n,)
        Cells; None or NaN is missing.
    positive, negative : iterable of scalar
        Declared values; numbers are compared as numbers, other text exactly, without spaces around it.
    words : (frozenset of str, frozenset of str)
        Self-evident words for positive and negative, used in any case only where both lists are empty.
    key, column, file, rows, findings
        Where it stands, and what takes RG302 and RG104.

    Returns
    -------
    list of bool or None, length n
    """
    yes, no = canonical_set(positive), canonical_set(negative)
    for both in sorted(yes & no):
        findings.add("RG104", f"the value '{both}' stands in both `positive` and `negative` of `{key}`", column=key,
                     value=both, fix="Keep it in one of the two lists.")
    declared = bool(yes or no)
    lone_dash = not any(tidy_text(t) == "+" for _, t in known_cells(raw))
    found: list[bool | None] = [None] * len(raw)
    for position, text in known_cells(raw):
        word = canonical(text) if declared else tidy_text(text).casefold()
        in_yes, in_no = (word in yes, word in no) if declared else (word in words[0], word in words[1])
        if in_yes == in_no or (not declared and word == "-" and lone_dash):
            _refuse_status(text, declared, positive, negative, words, key=key, column=column, file=file,
                           row=int(rows.iloc[position]), findings=findings)
        else:
            found[position] = in_yes
    return found


def _refuse_status(
    text: str, declared: bool, positive: Iterable[Any], negative: Iterable[Any],
    words: tuple[frozenset[str], frozenset[str]], *, key: str, column: str, file: str, row: int, findings: Findings,
) -> None:
    if declared:
        message = f"'{text}' is neither in `positive` ({listing(positive)}) nor in `negative` ({listing(negative)})"
        fix = f"Add it to one of the two lists of `{key}`, or to `missing` of the table."
    else:
        message = f"'{text}' is not one of {listing(sorted(words[0] | words[1]))}"
        fix = f"Declare `positive: […]` and `negative: […]` in `{key}`, or add it to `missing` of the table."
    findings.add("RG302", message, file=file, row=row, column=column, value=text, fix=fix)
