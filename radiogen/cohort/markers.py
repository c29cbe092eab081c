"""ER, PR and Ki-67: text in percent, fraction, Allred score or status to status and percent."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

import numpy as np
import pandas as pd

from radiogen.cohort.config import PercentMarker
from radiogen.cohort.status import NEGATIVE_WORDS, POSITIVE_WORDS, known_cells, read_status, tidy_text
from radiogen.cohort.values import is_decimal_comma
from radiogen.errors import Findings

#: the cut from which on a marker is positive (high), in percent
DEFAULT_CUTS = {"er": 1.0, "pr": 1.0, "ki67": 20.0}
#: names as people write them
LABELS = {"er": "ER", "pr": "PR", "ki67": "Ki-67"}

_UNSIGNED = r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_POINT = re.compile(rf"(-?{_UNSIGNED})\s*(%?)")
_RANGE = re.compile(rf"({_UNSIGNED})\s*(%?)\s*(?:-|~|to)\s*({_UNSIGNED})\s*(%?)")
_LIMIT = re.compile(rf"(<=|>=|<|>)\s*({_UNSIGNED})\s*(%?)")


@dataclass(frozen=True)
class _Reading:
    """One cell: a number, or the interval that a range or a limit stands for, in the column's own unit.

    ``signed`` says that it carries a percent sign.
    """

    kind: Literal["number", "range", "below", "above"]
    low: Decimal
    high: Decimal
    signed: bool
    low_open: bool = False
    high_open: bool = False

    def scaled(self, factor: int) -> _Reading:
        return _Reading(self.kind, self.low * factor, self.high * factor, self.signed, self.low_open, self.high_open)

    @property
    def written(self) -> Decimal:
        """The largest number that stands in the cell."""
        return self.low if self.kind == "above" else self.high

    def side(self, cut: float) -> bool | None:
        """True if all of the interval is at or above the cut, False if all is below, None if it straddles."""
        if float(self.low) >= cut:
            return True
        if float(self.high) < cut or (float(self.high) == cut and self.high_open):
            return False
        return None


@dataclass(frozen=True)
class _Place:
    """Where the column stands, for messages."""

    name: str
    section: PercentMarker
    file: str
    rows: pd.Series
    findings: Findings

    def report(self, code: str, message: str, *, position: int | None = None, **more: Any) -> None:
        row = None if position is None else int(self.rows.iloc[position])
        self.findings.add(code, message, file=self.file, column=self.section.column, row=row, **more)

    @property
    def key(self) -> str:
        return f"markers.{self.name}"

    @property
    def cut(self) -> float:
        return marker_cut(self.name, self.section)


def marker_cut(name: str, section: PercentMarker) -> float:
    """The percentage from which on a marker's status is positive (high).

    Parameters
    ----------
    name : {"er", "pr", "ki67"}
    section : PercentMarker

    Returns
    -------
    float
        ``cut`` where it is declared, else 1 (Ki-67: 20) for a column of numbers and NaN, not known, for a status or
        an Allred score.

    Examples
    --------
    >>> marker_cut("ki67", PercentMarker(column="Ki67", unit="percent"))
    20.0
    """
    if section.cut is not None:
        return float(section.cut)
    return DEFAULT_CUTS[name] if section.unit in ("percent", "fraction") else math.nan


def parse_percent_marker(
    name: str, raw: pd.Series, section: PercentMarker, *, file: str, rows: pd.Series, findings: Findings
) -> pd.DataFrame:
    """Read the column of ER, PR or Ki-67.

    Parameters
    ----------
    name : {"er", "pr", "ki67"}
        The marker.
    raw : Series of str, shape (n,)
        The cells as text; None or NaN is missing.
    section : PercentMarker
        How the column is written. ``unit`` is never guessed.
    file : str
        The table, for messages.
    rows : Series of int, shape (n,)
        Row of each cell in the file.
    findings : Findings
        Takes what is wrong; nothing is raised.

    Returns
    -------
    DataFrame, index as ``raw``
        ``{name}``: ``"positive"`` or ``"negative"`` (Ki-67: ``"high"``, ``"low"``), NaN where not known;
        ``{name}_percent``: float, percent of cells, NaN where not known or where the unit is Allred or status;
        ``{name}_source``: the text as read.

    Notes
    -----
    Found and recorded: RG217 (decimal comma), RG301 (two units), RG302 (not understood), RG303 (out of range),
    RG306 (unit not declared), RG307 (fractions in a percent column), RG308 (status without a percentage) and RG104
    (lists or options that contradict).

    ER and PR are positive from 1 % on [1]_, Ki-67 is high from 20 % on [2]_, or from ``cut`` on.  Allred scores are
    0 and 2 to 8, the sum of a proportion (0 to 5) and an intensity (0 to 3) that are 0 together; positive is 3 and
    more [3]_.

    ``<5`` is taken as ``below`` says, ``10-20`` as ``ranges`` says, and ``>90`` is the range from 90 to 100.  The
    status comes from the interval wherever all of it lies on one side of the cut: ``<1`` is negative with every
    setting of ``below``.  Where the option is ``refuse`` (the default), a Ki-67 written so is RG302.  For ER and PR
    it is RG302 only if the interval straddles the cut: ``<1`` and ``≥10`` are how pathologists report these two, so
    that the status is known; the percentage stays unknown and one RG308 counts such cells.

    Without ``positive`` and ``negative`` a status column may hold only positive, negative, pos, neg, + and - (Ki-67:
    high and low too).  A lone ``-`` counts as negative only if the column holds ``+`` too, as it often means missing.

    References
    ----------
    .. [1] Allison KH et al. J Clin Oncol 2020;38:1346. doi:10.1200/JCO.19.02309
    .. [2] Goldhirsch A et al. Ann Oncol 2013;24:2206. doi:10.1093/annonc/mdt303
    .. [3] Harvey JM et al. J Clin Oncol 1999;17:1474. doi:10.1200/JCO.1999.17.5.1474

    Examples
    --------
    >>> import pandas as pd
    >>> from radiogen.cohort.config import PercentMarker
    >>> from radiogen.errors import Findings
    >>> cells = pd.Series(["20 %", "<1", None], dtype=object)
    >>> section = PercentMarker(column="ER", unit="percent", below="half")
    >>> read = parse_percent_marker(
    ...     "er", cells, section, file="c.csv", rows=pd.Series([2, 3, 4]), findings=Findings())
    >>> read["er"].tolist(), read["er_percent"].tolist()
    (['positive', 'negative', nan], [20.0, 0.5, nan])
    """
    place = _Place(name, section, file, rows, findings)
    status: list[bool | None] = [None] * len(raw)
    percent = np.full(len(raw), np.nan)
    if section.unit is None:
        place.report("RG306", f"the unit of {LABELS[name]} is not declared",
                     fix=f"Add `unit: percent` (or fraction, allred, status) to `{place.key}`.")
    elif section.unit == "status":
        words = (POSITIVE_WORDS, NEGATIVE_WORDS)
        if name == "ki67":
            words = (POSITIVE_WORDS | {"high"}, NEGATIVE_WORDS | {"low"})
        status = read_status(raw, section.positive, section.negative, words, key=place.key, column=section.column,
                             file=file, rows=rows, findings=findings)
    elif section.unit == "allred":
        status = _read_allred(raw, place)
    else:
        status, percent = _read_percent(raw, place)
    yes, no = ("high", "low") if name == "ki67" else ("positive", "negative")
    return pd.DataFrame(
        {name: _labels(status, yes, no, raw.index), f"{name}_percent": pd.Series(percent, index=raw.index),
         f"{name}_source": raw.where(raw.notna(), np.nan).astype(object)}
    )


def _labels(status: Iterable[bool | None], yes: str, no: str, index: pd.Index) -> pd.Series:
    words: list[Any] = [np.nan if s is None else yes if s else no for s in status]
    return pd.Series(words, index=index, dtype=object)


# -- Allred -----------------------------------------------------------------------------


def _read_allred(raw: pd.Series, place: _Place) -> list[bool | None]:
    found: list[bool | None] = [None] * len(raw)
    if place.name == "ki67" or place.section.cut is not None:
        what = "Ki-67 has no Allred score" if place.name == "ki67" else "`cut` is a percentage; Allred is positive from 3 on"
        place.findings.add("RG104", what, column=place.key, fix="Correct the unit, or remove `cut`.")
        return found
    for position, text in known_cells(raw):
        match = re.fullmatch(rf"(-?{_UNSIGNED})(?:\s*/\s*8)?", tidy_text(text))
        if match is None:
            place.report("RG302", f"'{text}' is not an Allred score", position=position, value=text)
            continue
        score = float(match.group(1))
        if score in (0, 2, 3, 4, 5, 6, 7, 8):
            found[position] = score >= 3
        else:
            place.report("RG303", f"'{text}' is not an Allred score: they are 0 and 2 to 8", position=position, value=text)
    return found


# -- percent and fraction ---------------------------------------------------------------


def _read_percent(raw: pd.Series, place: _Place) -> tuple[list[bool | None], np.ndarray]:
    status: list[bool | None] = [None] * len(raw)
    percent = np.full(len(raw), np.nan)
    readings = {p: r for p, t in known_cells(raw) if (r := _parse(p, t, place)) is not None}
    if not _one_unit(raw, readings, place):
        return status, percent
    factor, top = (100, 1) if place.section.unit == "fraction" else (1, 100)
    status_only: list[int] = []
    for position, reading in readings.items():
        if reading.low < 0 or reading.high > top:
            # the upper end of '>0.9' is the top of the unit, so that only what is written can be out of range
            place.report("RG303", f"'{raw.iloc[position]}' is not between 0 and {top}", position=position,
                         value=raw.iloc[position], fix=_range_fix(place, reading))
            continue
        scaled = reading.scaled(factor)
        value = _value(scaled, place.section)
        side = scaled.side(place.cut)
        if value is not None:
            percent[position] = value
        elif place.name != "ki67" and side is not None:
            status_only.append(position)
        else:
            _refuse_interval(raw.iloc[position], scaled, position, place)
        status[position] = side if side is not None or value is None else value >= place.cut
    if status_only:
        place.report(
            "RG308", f"{len(status_only)} cells such as '{raw.iloc[status_only[0]]}' give the status of "
            f"{LABELS[place.name]} and no percentage", position=status_only[0], value=raw.iloc[status_only[0]],
            fix=f"Nothing if the status is enough; for percentages declare `below:` or `ranges:` in `{place.key}`.",
        )
    return status, percent


def _parse(position: int, text: str, place: _Place) -> _Reading | None:
    plain = tidy_text(text)
    top = Decimal(1 if place.section.unit == "fraction" else 100)
    if point := _POINT.fullmatch(plain):
        number = Decimal(point.group(1))
        return _Reading("number", number, number, bool(point.group(2)))
    if limit := _LIMIT.fullmatch(plain):
        sign, number, signed = limit.group(1), Decimal(limit.group(2)), bool(limit.group(3))
        if sign[0] == "<":
            return _Reading("below", Decimal(0), number, signed, high_open=sign == "<")
        return _Reading("above", number, max(top, number), signed, low_open=sign == ">")
    if span := _RANGE.fullmatch(plain):
        low, high = Decimal(span.group(1)), Decimal(span.group(3))
        if low <= high:
            return _Reading("range", low, high, bool(span.group(2) or span.group(4)))
    if is_decimal_comma(plain.rstrip("% ")):
        place.report("RG217", f"'{text}' has a decimal comma", position=position, value=text)
    else:
        place.report("RG302", f"'{text}' is not a percentage, a range such as 10-20 or a limit such as <1",
                     position=position, value=text)
    return None


def _value(reading: _Reading, section: PercentMarker) -> float | None:
    """The number an interval is taken as; None where the YAML refuses to take it as one."""
    if reading.kind == "number":
        return float(reading.low)
    if reading.kind == "below":
        parts = {"half": reading.high / 2, "zero": Decimal(0), "limit": reading.high}
        return None if section.below == "refuse" else float(parts[section.below])
    ends = {"lower": reading.low, "upper": reading.high, "midpoint": (reading.low + reading.high) / 2}
    return None if section.ranges == "refuse" else float(ends[section.ranges])


def _refuse_interval(text: str, reading: _Reading, position: int, place: _Place) -> None:
    option = "below: half` (or zero, limit)" if reading.kind == "below" else "ranges: midpoint` (or lower, upper)"
    place.report("RG302", f"'{text}' is not one number and the YAML does not say what it is taken as",
                 position=position, value=text, fix=f"Declare `{option} in `{place.key}`.")


def _range_fix(place: _Place, reading: _Reading) -> str:
    if place.section.unit == "fraction" and 0 <= reading.high <= 100:
        return f"Correct the value, or declare `unit: percent` in `{place.key}`."
    return "Correct the value or the unit."


# -- one unit in one column ---------------------------------------------------------------


def _one_unit(raw: pd.Series, readings: dict[int, _Reading], place: _Place) -> bool:
    """Whether the column holds one unit only; RG301, RG302 or RG307 if not."""
    bare = {p: r for p, r in readings.items() if r.kind in ("number", "range") and not r.signed and r.low >= 0}
    signed = [p for p, r in readings.items() if r.signed]
    above_one = [p for p, r in readings.items() if not r.signed and r.written > 1]
    if place.section.unit == "fraction":
        small = [p for p, r in bare.items() if 0 < r.high <= 1]
        if signed and not small:
            place.report("RG302", "the values carry a percent sign and the YAML says `unit: fraction`",
                         position=signed[0], value=raw.iloc[signed[0]], fix=f"Declare `unit: percent` in `{place.key}`.")
            return False
        return not _mixed(raw, small, [*signed, *above_one], place)
    if place.section.confirm:
        return True
    if _mixed(raw, [p for p, r in bare.items() if 0 < r.high < 1], [*signed, *above_one], place):
        return False
    # a column of zeros is the same in both units
    if signed or above_one or not any(r.high > 0 for r in bare.values()):
        return True
    codes = all(r.high in (0, 1) for r in bare.values())
    first = next(p for p, r in bare.items() if r.high > 0)
    place.report(
        "RG307", f"all {len(bare)} numbers lie between 0 and 1", position=first, value=raw.iloc[first],
        fix=f"Declare `unit: {'status' if codes else 'fraction'}` in `{place.key}`, or `unit: percent` with "
        "`confirm: true` if no value really is above 1 %.",
    )
    return False


def _mixed(raw: pd.Series, fractions: list[int], percents: list[int], place: _Place) -> bool:
    if not fractions or not percents:
        return False
    one, other = fractions[0], percents[0]
    place.report(
        "RG301", f"'{raw.iloc[one]}' in row {int(place.rows.iloc[one])} reads as a fraction and '{raw.iloc[other]}' in "
        f"row {int(place.rows.iloc[other])} as a percentage ({len(fractions)} and {len(percents)} cells)",
        position=one, value=raw.iloc[one],
        fix="Write all values in one unit"
        + (f", or `confirm: true` in `{place.key}` if the small ones really are below 1 %." if place.section.unit == "percent"
           else "; the unit is declared once per column."),
    )
    return True
