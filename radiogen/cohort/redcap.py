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
    repeated = instance.notna()
    if not repeated.any():
        return chosen
    if section.repeat is None:
        row = int(chosen.rows[repeated].iloc[0])
        findings.add("RG216", "the export has repeat instances and `repeat` is not declared", file=raw.file, row=row,
                     column=INSTANCE, value=chosen.frame.loc[repeated, INSTANCE].iloc[0])
        return None
    return _fill(chosen, section, instance)


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
    return raw.take((raw.frame[EVENT] == section.event).to_numpy())


def _fill(raw: RawTable, section: TableSection, instance: pd.Series) -> RawTable:
    """One row per id: the plain row, its empty cells filled from the chosen instance."""
    keep: list[int] = []
    frame = raw.frame.copy()
    for _, positions in frame.groupby(section.id, sort=False, dropna=False).indices.items():
        numbers = instance.iloc[positions]
        plain = [p for p in positions if pd.isna(instance.iloc[p])]
        given = numbers.dropna().sort_values()
        if section.repeat in ("first", "last"):
            picked = given.index[:1] if section.repeat == "first" else given.index[-1:]
        else:
            picked = given.index[given == section.repeat]
        if not plain:
            keep.extend(int(p) for p in picked)
            continue
        keep.extend(int(p) for p in plain)
        for source in picked:
            empty = frame.loc[plain[0]].isna()
            frame.loc[plain[0], empty] = frame.loc[source, empty]
    order = sorted(keep)
    cleaned = frame.astype(object).where(frame.notna(), None)
    return replace(raw, frame=cleaned).take(order)
