"""REDCap exports: one row per patient, event and repeat instance, down to one per patient."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from radiogen.cohort.config import TableSection
from radiogen.cohort.tables import RawTable
from radiogen.cohort.values import listing, suggest
from radiogen.errors import Findings

EVENT, INSTRUMENT, INSTANCE = "redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance"


def is_redcap(raw: RawTable, section: TableSection) -> bool:
    """Whether a table is a REDCap export, declared or by its columns."""
    return section.format == "redcap" or EVENT in raw.frame.columns or INSTANCE in raw.frame.columns


def one_row_per_id(raw: RawTable, section: TableSection, findings: Findings) -> RawTable | None:
    """Choose the event and the repeat instance that the YAML declares.

    A patient's row without instance and the chosen instance's row are one: a cell
    that is empty in the first is filled from the second.

    Notes
    -----
    Refused with RG216 where a patient has several events or instances and the
    YAML does not say which.
    """
    if section.id not in raw.frame.columns:
        return raw
    chosen = _choose_event(raw, section, findings)
    if chosen is None or INSTANCE not in chosen.frame.columns:
        return chosen
    instance = pd.to_numeric(chosen.frame[INSTANCE], errors="coerce")
    bad = instance.isna() & chosen.frame[INSTANCE].notna()
    if bad.any():
        findings.add("RG216", "a repeat instance is not a number", file=raw.file, row=int(chosen.rows[bad].iloc[0]),
                     column=INSTANCE, value=chosen.frame.loc[bad, INSTANCE].iloc[0], fix="Correct the value.")
        return None
    repeated = instance.notna()
    if not repeated.any():
        return chosen
    if section.repeat is None:
        row = int(chosen.rows[repeated].iloc[0])
        findings.add("RG216", "the export has repeat instances and `repeat` is not declared", file=raw.file, row=row,
                     column=INSTANCE, value=chosen.frame.loc[repeated, INSTANCE].iloc[0])
        return None
    return _fill(chosen, section, instance, findings)


def _choose_event(raw: RawTable, section: TableSection, findings: Findings) -> RawTable | None:
    if EVENT not in raw.frame.columns:
        if section.event is not None:
            raw.has(EVENT, findings, f"{raw.key}.event")
            return None
        return raw
    events = list(dict.fromkeys(e for e in raw.frame[EVENT] if e is not None))
    if section.event is None:
        if len(events) > 1:
            row = int(raw.rows[raw.frame[EVENT] != events[0]].iloc[0])
            findings.add("RG216", f"the export has the events {listing(events)} and `event` is not declared",
                         file=raw.file, row=row, column=EVENT)
            return None
        return raw
    if section.event not in events:
        findings.add("RG109", f"there is no event '{section.event}'.{suggest(section.event, events)}", file=raw.file,
                     column=f"{raw.key}.event", value=section.event, fix=f"The events are {listing(events)}.")
        return None
    here = (raw.frame[EVENT] == section.event).to_numpy()
    _report_without(raw, section, set(raw.frame.loc[here, section.id]), f"the event '{section.event}'", findings)
    return raw.take(here)


def _report_without(raw: RawTable, section: TableSection, have: set[str], what: str, findings: Findings) -> None:
    """RG224 for patients who are in the export and have no row that is used."""
    lost = [i for i in dict.fromkeys(raw.frame[section.id]) if i is not None and i not in have]
    if lost:
        findings.add("RG224", f"{len(lost)} patients have no row of {what}, such as {listing(lost[:3])}; nothing is taken of "
                     "them", file=raw.file, column=section.id)


def _fill(raw: RawTable, section: TableSection, instance: pd.Series, findings: Findings) -> RawTable:
    """One row per id: the plain row, its empty cells filled from the chosen instance of every instrument."""
    keep: list[int] = []
    frame = raw.frame.copy()
    empty = pd.Series("", index=frame.index)
    instrument = frame[INSTRUMENT].fillna("") if INSTRUMENT in frame.columns else empty
    for _, positions in frame.groupby(section.id, sort=False, dropna=False).indices.items():
        plain = [int(p) for p in positions if pd.isna(instance.iloc[p])]
        numbers = instance.iloc[positions].dropna().sort_values(kind="stable")
        picked = [p for _, own in numbers.groupby(instrument[numbers.index], sort=False) for p in _pick(own, section.repeat)]
        if not plain and not picked:
            continue
        row = plain[0] if plain else picked[0]
        keep.extend(plain or [row])
        for source in picked:
            blank = frame.loc[row].isna()
            frame.loc[row, blank] = frame.loc[source, blank]
    cleaned = frame.astype(object).where(frame.notna(), None)
    filled = replace(raw, frame=cleaned)
    _report_without(raw, section, set(cleaned[section.id].iloc[keep]), f"instance {section.repeat}", findings)
    return filled.take(sorted(keep))


def _pick(numbers: pd.Series, repeat: str | int | None) -> list[int]:
    """Positions of the chosen instance of one instrument, from its numbers in ascending order."""
    if repeat in ("first", "last"):
        return [int(numbers.index[0 if repeat == "first" else -1])]
    return [int(p) for p in numbers.index[numbers == repeat]]
