"""HER2 from immunohistochemistry and in-situ hybridisation by ASCO/CAP 2018, or from a finished status."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from radiogen.cohort.config import Her2Marker
from radiogen.cohort.status import NEGATIVE_WORDS, POSITIVE_WORDS, known_cells, read_status, tidy_text
from radiogen.cohort.values import is_decimal_comma, is_number
from radiogen.errors import Findings

RULE = "ASCO/CAP 2018"
AMPLIFIED, NOT_AMPLIFIED = "amplified", "not amplified"

_IHC = re.compile(r"(?:her-?2|ihc|score)?\s*:?\s*(?:([0-9]+(?:\.0+)?)\s*\+?|(\+{1,3}))")
_ISH_WORDS = (
    POSITIVE_WORDS | {AMPLIFIED, "amp"},
    NEGATIVE_WORDS | {NOT_AMPLIFIED, "non-amplified", "nonamplified", "non amplified", "not-amplified", "unamplified"},
)
#: HER2 by IHC score and ISH group; a score of None is missing IHC, a group of None missing ISH.
#: True is positive, False negative, None not decided.
_DECISION: dict[int | None, dict[int | None, bool | None]] = {
    0: dict.fromkeys((None, 1, 2, 3, 4, 5), False),
    1: dict.fromkeys((None, 1, 2, 3, 4, 5), False),
    2: {None: None, 1: True, 2: False, 3: True, 4: False, 5: False},
    3: dict.fromkeys((None, 1, 2, 3, 4, 5), True),
    None: {None: None, 1: True, 2: None, 3: None, 4: None, 5: False},
}


@dataclass
class _Case:
    """What is known of one patient."""

    ihc: int | None = None
    ish: bool | None = None
    ratio: float = math.nan
    copies: float = math.nan
    broken: bool = False
    sources: list[str] = field(default_factory=list)

    @property
    def groups(self) -> tuple[int, ...]:
        """ISH groups that ratio and copies allow; none where neither is known."""
        if math.isnan(self.ratio) and math.isnan(self.copies):
            return ()
        ratios = (1.0, 2.0) if math.isnan(self.ratio) else (self.ratio,)
        copies = (3.0, 5.0, 6.0) if math.isnan(self.copies) else (self.copies,)
        return tuple(sorted({ish_group(r, c) for r in ratios for c in copies}))


def ish_group(ratio: float, copies: float) -> int:
    """The ISH group (1 to 5) of ASCO/CAP 2018.

    Parameters
    ----------
    ratio : float
        HER2/CEP17 ratio.
    copies : float
        Mean HER2 copies per cell.

    Returns
    -------
    int
        1: ratio ≥ 2 and copies ≥ 4; 2: ratio ≥ 2 and copies < 4; 3: ratio < 2 and copies ≥ 6; 4: ratio < 2 and copies
        4 to < 6; 5: ratio < 2 and copies < 4.

    References
    ----------
    Wolff AC et al. J Clin Oncol 2018;36:2105. doi:10.1200/JCO.2018.77.8738

    Examples
    --------
    >>> ish_group(1.99, 6.0)
    3
    """
    if ratio >= 2:
        return 1 if copies >= 4 else 2
    if copies >= 6:
        return 3
    return 4 if copies >= 4 else 5


def parse_her2(
    columns: Mapping[str, pd.Series], section: Her2Marker, *, file: str, rows: pd.Series, findings: Findings
) -> pd.DataFrame:
    """HER2 status of every patient, with the rule that decided it.

    Parameters
    ----------
    columns : mapping of str to Series of str, shape (n,)
        The cells of the columns declared: some of ``ihc``, ``ish``, ``ish_ratio``, ``ish_copies``, or ``column`` alone.
    section : Her2Marker
        Names of the columns and, for ``ish`` and ``column``, the values that mean positive and negative.
    file : str
        The table, for messages.
    rows : Series of int, shape (n,)
        Row of each cell in the file.
    findings : Findings
        Takes what is wrong; nothing is raised.

    Returns
    -------
    DataFrame, index as the cells
        ``her2`` (``"positive"``, ``"negative"`` or NaN), ``her2_ihc`` (``"0"``, ``"1+"``, ``"2+"``, ``"3+"``),
        ``her2_ish`` (``"amplified"``, ``"not amplified"``; from ratio and copies in groups 1 and 5 only),
        ``her2_ratio``, ``her2_copies`` (float), ``her2_rule`` (what decided) and ``her2_source`` (the texts).

    Notes
    -----
    Found and recorded: RG217 (decimal comma), RG302 (not understood), RG303 (out of range), RG304 (a note that counts
    the patients with 2+ that ISH does not decide), RG305 (IHC and ISH disagree), RG104.

    The rule is ASCO/CAP 2018 [1]_:

    ====================================  =======  ========  ========  ==============
    ISH                                   0, 1+    2+        3+        IHC missing
    ====================================  =======  ========  ========  ==============
    none                                  neg      unknown   pos       unknown
    group 1: ratio ≥ 2, copies ≥ 4        neg (*)  pos       pos       pos
    group 2: ratio ≥ 2, copies < 4        neg      neg       pos       unknown
    group 3: ratio < 2, copies ≥ 6        neg      pos       pos       unknown
    group 4: ratio < 2, copies 4 to < 6   neg      neg       pos       unknown
    group 5: ratio < 2, copies < 4        neg      neg       pos (*)   neg
    text: amplified                       neg (*)  pos       pos       pos
    text: not amplified                   neg      neg       pos (*)   neg
    ====================================  =======  ========  ========  ==============

    IHC 0, 1+ and 3+ decide by themselves; ISH is asked where IHC is 2+ or missing.  Where the two contradict each
    other (*) IHC wins and RG305 asks for a review.

    With only one of ratio and copies, all groups that are still possible are tried; HER2 is known only if they agree
    (copies ≥ 6 or < 4 decide 2+ alone, a ratio alone does not), else the ISH text is asked.  If the text contradicts
    group 1 or group 5, ISH decides nothing (RG305).

    References
    ----------
    .. [1] Wolff AC et al. J Clin Oncol 2018;36:2105. doi:10.1200/JCO.2018.77.8738

    Examples
    --------
    >>> import pandas as pd
    >>> from radiogen.cohort.config import Her2Marker
    >>> from radiogen.errors import Findings
    >>> cells = {"ihc": pd.Series(["2+", "2+"]), "ish": pd.Series(["amplified", None])}
    >>> read = parse_her2(cells, Her2Marker(ihc="IHC", ish="FISH"), file="c.csv", rows=pd.Series([2, 3]),
    ...                   findings=Findings())
    >>> read["her2"].tolist()
    ['positive', nan]
    """
    place = _Place(section, file, rows, findings)
    first = next(iter(columns.values()))
    cases = [_Case() for _ in range(len(first))]
    for key, cells in columns.items():
        column = str(getattr(section, key))
        for position, text in known_cells(cells):
            cases[position].sources.append(text if len(columns) == 1 else f"{column}: {text}")
    if "column" in columns:
        return _finished(columns["column"], cases, place)
    if "ihc" in columns:
        _read_ihc(columns["ihc"], cases, place)
    if "ish" in columns:
        _read_ish(columns["ish"], cases, place)
    if "ish_ratio" in columns:
        _read_numbers(columns["ish_ratio"], cases, "ratio", place)
    if "ish_copies" in columns:
        _read_numbers(columns["ish_copies"], cases, "copies", place)
    decided = [_decide(case, position, place) for position, case in enumerate(cases)]
    _note_equivocal(cases, decided, place)
    return _frame(cases, decided, first.index)


@dataclass(frozen=True)
class _Place:
    """Where the columns stand, for messages."""

    section: Her2Marker
    file: str
    rows: pd.Series
    findings: Findings

    def report(self, code: str, message: str, position: int | None, key: str, **more: Any) -> None:
        row = None if position is None else int(self.rows.iloc[position])
        self.findings.add(code, message, file=self.file, row=row, column=str(getattr(self.section, key)), **more)


# -- reading ---------------------------------------------------------------------------


def _read_ihc(cells: pd.Series, cases: list[_Case], place: _Place) -> None:
    for position, text in known_cells(cells):
        plain = tidy_text(text).casefold()
        if plain.startswith("(") and plain.endswith(")"):
            plain = plain[1:-1].strip()
        match = _IHC.fullmatch(plain)
        if match is None:
            cases[position].broken = True
            fix = "Write 0, 1+, 2+ or 3+, `recode` it, or add it to `missing` of the table."
            if plain in POSITIVE_WORDS | NEGATIVE_WORDS:
                fix = "A finished status goes into `markers.her2: {column: …}`; `ihc` takes the scores 0, 1+, 2+, 3+."
            place.report("RG302", f"'{text}' is not an IHC score", position, "ihc", value=text, fix=fix)
            continue
        score = len(match.group(2)) if match.group(2) else int(float(match.group(1)))
        if score > 3:
            cases[position].broken = True
            place.report("RG303", f"'{text}' is not an IHC score: they are 0, 1+, 2+ and 3+", position, "ihc", value=text)
        else:
            cases[position].ihc = score


def _read_ish(cells: pd.Series, cases: list[_Case], place: _Place) -> None:
    section = place.section
    found = read_status(cells, section.positive, section.negative, _ISH_WORDS, key="markers.her2", file=place.file,
                        column=str(section.ish), rows=place.rows, findings=place.findings)
    for position, _ in known_cells(cells):
        cases[position].ish = found[position]
        cases[position].broken |= found[position] is None


def _read_numbers(cells: pd.Series, cases: list[_Case], what: str, place: _Place) -> None:
    key = f"ish_{what}"
    for position, text in known_cells(cells):
        plain = tidy_text(text)
        value = float(plain) if is_number(plain) else math.nan
        if is_decimal_comma(plain):
            place.report("RG217", f"'{text}' has a decimal comma", position, key, value=text)
        elif not math.isfinite(value):
            place.report("RG302", f"'{text}' is not a number", position, key, value=text)
        elif value < 0:
            place.report("RG303", f"'{text}' is below 0", position, key, value=text)
        if 0 <= value < math.inf:
            setattr(cases[position], what, value)
        else:
            cases[position].broken = True


# -- deciding ---------------------------------------------------------------------------


@dataclass(frozen=True)
class _Decision:
    her2: bool | None
    ish: bool | None
    rule: str | None


def _decide(case: _Case, position: int, place: _Place) -> _Decision:
    """The status of one patient; RG305 where IHC and ISH, or the ISH text and numbers, disagree."""
    if case.broken or (case.ihc is None and case.ish is None and not case.groups):
        return _Decision(None, None, None)
    ish, from_group, ish_text = _ish(case)
    ihc_text = "" if case.ihc is None else f"IHC {_score(case.ihc)}"
    if ish_text == "contradictory":
        _disagree(case, position, place, f"ISH is called {_word(bool(case.ish))} and its numbers say group {case.groups[0]}")
        her2, ish_text = _DECISION[case.ihc][None], "ISH contradictory"
    elif from_group:
        results = {_DECISION[case.ihc][group] for group in case.groups}
        her2 = results.pop() if len(results) == 1 else None
    elif ish is not None:
        her2 = _DECISION[case.ihc][1 if ish else 5]
    else:
        her2 = _DECISION[case.ihc][None]
    if ish is not None and case.ihc in (0, 1, 3) and ish != (case.ihc == 3):
        _disagree(case, position, place, f"{ihc_text} and {ish_text}")
    parts = ", ".join(p for p in (ihc_text, ish_text) if p)
    return _Decision(her2, ish, f"{parts}, {RULE}" if her2 is not None else f"{parts}: not decided, {RULE}")


def _ish(case: _Case) -> tuple[bool | None, bool, str]:
    """Result of ISH by itself, whether the groups are to be used, and its text."""
    groups = case.groups
    alone = {1: True, 5: False}.get(groups[0]) if len(groups) == 1 else None
    if case.ish is not None and alone is not None and alone != case.ish:
        return None, False, "contradictory"
    undecided = len({_DECISION[case.ihc][g] for g in groups}) > 1
    if case.ish is not None and (undecided or not groups):
        return case.ish, False, f"ISH {_word(case.ish)}"
    text = f"ISH group {' or '.join(str(g) for g in groups)}" if groups else ""
    return case.ish if alone is None else alone, bool(groups), text


def _word(amplified: bool) -> str:
    return AMPLIFIED if amplified else NOT_AMPLIFIED


def _score(ihc: int) -> str:
    return "0" if ihc == 0 else f"{ihc}+"


def _disagree(case: _Case, position: int, place: _Place, message: str) -> None:
    key = next(k for k in ("ihc", "ish", "ish_ratio") if getattr(place.section, k) is not None)
    place.report("RG305", message, position, key, value="; ".join(case.sources))


def _note_equivocal(cases: Iterable[_Case], decided: Iterable[_Decision], place: _Place) -> None:
    """One RG304 for the patients whose 2+ is not decided."""
    open_cases = [c for c, d in zip(cases, decided, strict=True) if c.ihc == 2 and d.her2 is None and not c.broken]
    if not open_cases:
        return
    partial = sum(1 for c in open_cases if c.groups or c.ish is not None)
    message = f"{len(open_cases)} patients are HER2 2+ and not decided by ISH"
    if partial:
        message += f"; {partial} of them have ISH that is contradictory or has only one of ratio and copies"
    place.report("RG304", message, None, "ihc")


# -- frames -----------------------------------------------------------------------------


def _finished(cells: pd.Series, cases: list[_Case], place: _Place) -> pd.DataFrame:
    section = place.section
    found = read_status(cells, section.positive, section.negative, (POSITIVE_WORDS, NEGATIVE_WORDS), key="markers.her2",
                        column=str(section.column), file=place.file, rows=place.rows, findings=place.findings)
    return _frame(cases, [_Decision(s, None, None if s is None else "status as read") for s in found], cells.index)


def _frame(cases: list[_Case], decided: list[_Decision], index: pd.Index) -> pd.DataFrame:
    def words(values: Iterable[str | None]) -> pd.Series:
        return pd.Series([np.nan if v is None else v for v in values], index=index, dtype=object)

    return pd.DataFrame({
        "her2": words(None if d.her2 is None else "positive" if d.her2 else "negative" for d in decided),
        "her2_ihc": words(None if c.ihc is None else _score(c.ihc) for c in cases),
        "her2_ish": words(None if d.ish is None else _word(d.ish) for d in decided),
        "her2_ratio": pd.Series([c.ratio for c in cases], index=index, dtype=float),
        "her2_copies": pd.Series([c.copies for c in cases], index=index, dtype=float),
        "her2_rule": words(d.rule for d in decided),
        "her2_source": words("; ".join(c.sources) or None for c in cases),
    })
