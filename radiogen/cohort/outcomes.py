"""Endpoints from declared columns: nothing about events, units or classes is guessed."""

from __future__ import annotations

import re
from datetime import datetime

import numpy as np
import pandas as pd

from radiogen.cohort.config import (
    BinaryEndpoint,
    CohortConfig,
    CompetingEndpoint,
    MultiClassEndpoint,
    OrdinalEndpoint,
    Scalar,
    SurvivalEndpoint,
)
from radiogen.cohort.endpoint import Endpoint
from radiogen.cohort.join import Joined
from radiogen.cohort.ledger import Ledger
from radiogen.cohort.values import canonical, canonical_set, is_decimal_comma, is_number, listing, looks_missing, suggest

#: mean length of a unit in days; months and years of the Gregorian calendar
DAYS = {"days": 1.0, "weeks": 7.0, "months": 365.2425 / 12, "years": 365.2425}
#: follow-up beyond this many years is taken for a wrong unit
_LONGEST_YEARS = 70
#: years outside are slips of the pen or placeholders
_YEARS = (1901, 2100)
#: the time of day after a date, which counts for nothing where no form is declared
_DAY_TIME = re.compile(r"[T ]\d{1,2}:\d\d(:\d\d(\.\d+)?)?\s*(Z|[+-]\d\d:?\d\d)?$")


def build_endpoints(config: CohortConfig, joined: Joined, ledger: Ledger) -> tuple[dict[str, Endpoint], Ledger]:
    """Build every endpoint of the YAML and note in the ledger for whom it is not known."""
    endpoints: dict[str, Endpoint] = {}
    used = {getattr(a, "endpoint", getattr(a, "target", None)) for a in config.analyses}
    for name, section in config.endpoints.items():
        errors = len(joined.findings.errors)
        if isinstance(section, SurvivalEndpoint | CompetingEndpoint):
            built, ledger = _timed(name, section, joined, ledger)
        else:
            built = _classes(name, section, joined)
        if built is not None:
            endpoints[name] = built
            if len(joined.findings.errors) == errors:
                _report_one_sided(built, name in used, joined)
            unknown = joined.text.index[~built.known]
            ledger = ledger.add("endpoints", f"{built.label or name}: not known", _not_noted(unknown, ledger, name), name)
    return endpoints, ledger


def _report_one_sided(endpoint: Endpoint, used: bool, joined: Joined) -> None:
    """RG410 for no event or one class: an error where an analysis needs it, else a warning."""
    known = endpoint.data[endpoint.known]
    what = ""
    if known.empty:
        what = f"the endpoint '{endpoint.name}' is not known of anybody"
    elif endpoint.kind in ("survival", "competing"):
        if not (known.iloc[:, 1] == 1).any():
            what = f"the endpoint '{endpoint.name}' has no event among {len(known)} patients"
    elif known["value"].nunique() < 2:
        what = f"all {len(known)} patients of '{endpoint.name}' are '{known['value'].iloc[0]}'"
    if what:
        severity = "error" if used else "warning"
        joined.findings.add("RG410", what, column=f"endpoints.{endpoint.name}", severity=severity)


def _not_noted(units: pd.Index, ledger: Ledger, name: str) -> list[str]:
    noted = {i for e in ledger.of(name) for i in e.ids}
    return [u for u in units if u not in noted]


# -- survival and competing risks -----------------------------------------------------


def _timed(
    name: str, section: SurvivalEndpoint | CompetingEndpoint, joined: Joined, ledger: Ledger
) -> tuple[Endpoint | None, Ledger]:
    key = f"endpoints.{name}"
    findings = joined.findings
    if section.unit is None:
        findings.add("RG411", f"the endpoint '{name}' does not say the unit of its time", column=f"{key}.unit")
    status = joined.column(section.event, f"{key}.event")
    times = _times(name, section, joined)
    if status is None or times is None or section.unit is None:
        return None, ledger
    codes = _status_codes(name, section, status, joined)
    if codes is None:
        return None, ledger
    time = times.copy()
    ledger, time = _check_times(name, section, time, joined, ledger)
    half = times.notna() ^ codes.notna()
    if half.any():
        findings.add("RG407", f"{int(half.sum())} patients have a time or a status of '{name}' but not both", column=key)
    both = time.notna() & codes.notna()
    time, codes = time.where(both), codes.where(both)
    if both.any() and time.max() * DAYS[section.unit] / DAYS["years"] > _LONGEST_YEARS:
        findings.add("RG413", f"the longest time of '{name}' is {time.max():g} {section.unit}", column=f"{key}.unit")
    columns = tuple(c for c in (section.time, section.origin, section.until, section.event) if c)
    label = section.label or name
    if isinstance(section, SurvivalEndpoint):
        data = pd.DataFrame({"time": time, "event": codes})
        return Endpoint(name, "survival", data, (), section.unit, columns, label), ledger
    names = tuple(n for n in dict.fromkeys(section.codes.values()) if n != "censored")
    data = pd.DataFrame({"time": time, "status": codes})
    return Endpoint(name, "competing", data, names, section.unit, columns, label), ledger


def _times(name: str, section: SurvivalEndpoint | CompetingEndpoint, joined: Joined) -> pd.Series | None:
    key, findings = f"endpoints.{name}", joined.findings
    if section.time is not None and (section.origin or section.until):
        findings.add("RG104", f"'{name}' gives both `time` and dates", column=key, fix="Keep one of the two ways.")
        return None
    if section.time is not None:
        text = joined.column(section.time, f"{key}.time")
        return None if text is None else _numbers(section.time, text, joined)
    if section.origin is None or section.until is None:
        findings.add("RG105", f"'{name}' needs `time`, or the dates `origin` and `until`", column=key)
        return None
    origin = joined.column(section.origin, f"{key}.origin")
    until = joined.column(section.until, f"{key}.until")
    if origin is None or until is None:
        return None
    start = _dates(section.origin, origin, section.date_format, joined)
    end = _dates(section.until, until, section.date_format, joined)
    days = (end - start) / 86400
    for unit in days.index[days < 0]:
        findings.add("RG405", f"'{section.until}' ({until[unit]}) lies before '{section.origin}' ({origin[unit]})",
                     value=until[unit], **joined.where(section.until, unit))
    return days.where(days >= 0) / DAYS[section.unit or "days"]


def _numbers(column: str, text: pd.Series, joined: Joined) -> pd.Series:
    values: list[float] = []
    for unit, value in text.items():
        if value is None or is_number(value):
            values.append(np.nan if value is None else float(value))
            continue
        values.append(np.nan)
        where = joined.where(column, str(unit))
        if is_decimal_comma(value):
            joined.findings.add("RG217", f"the time '{value}' has a decimal comma", value=value, **where)
        else:
            hint = " (it looks like 'not known')" if looks_missing(value) else ""
            joined.findings.add("RG404", f"the time '{value}' is not a number{hint}", value=value, **where)
    return pd.Series(values, index=text.index, dtype=float)


def _dates(column: str, text: pd.Series, form: str | None, joined: Joined) -> pd.Series:
    """Seconds since the beginning of the calendar; NaN where missing or refused (RG412)."""
    values: list[float] = []
    for unit, value in text.items():
        seconds = None if value is None else _seconds(value, form)
        values.append(np.nan if seconds is None else seconds)
        if value is None or seconds is not None:
            continue
        joined.findings.add("RG412", f"'{value}' is not a date of the form {form or 'YYYY-MM-DD'} between {_YEARS[0]} and "
                            f"{_YEARS[1]}", value=value, **joined.where(column, str(unit)))
    return pd.Series(values, index=text.index, dtype=float)


def _seconds(value: str, form: str | None) -> float | None:
    """A date as a number; None if it is none, or one that no patient can have.

    ISO dates are read beside the declared form: that is how the date cells of a workbook arrive.
    """
    date = _parsed(value, form) if form else None
    date = date or _parsed(_DAY_TIME.sub("", value), "%Y-%m-%d")
    if date is None:
        return None
    if not _YEARS[0] <= date.year <= _YEARS[1]:
        return None
    return date.toordinal() * 86400.0 + date.hour * 3600 + date.minute * 60 + date.second


def _parsed(value: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(value, form)
    except (ValueError, re.error):
        return None


def _check_times(
    name: str, section: SurvivalEndpoint | CompetingEndpoint, time: pd.Series, joined: Joined, ledger: Ledger
) -> tuple[Ledger, pd.Series]:
    column = section.time or section.until or ""
    for unit in time.index[time < 0]:
        joined.findings.add("RG402", f"the time of '{name}' is {time[unit]:g}", value=joined.text.loc[unit, column],
                            **joined.where(column, str(unit)))
    zero = time.index[time == 0]
    if section.zero_time == "exclude":
        ledger = ledger.add("endpoints", f"{section.label or name}: time of 0", zero, name)
        return ledger, time.where(time > 0)
    for unit in zero:
        joined.findings.add("RG403", f"the time of '{name}' is 0", value=joined.text.loc[unit, column],
                            **joined.where(column, str(unit)))
    return ledger, time


def _status_codes(
    name: str, section: SurvivalEndpoint | CompetingEndpoint, status: pd.Series, joined: Joined
) -> pd.Series | None:
    """0.0 censored, 1.0 and up the events, NaN missing; None and findings if undeclared."""
    key = f"endpoints.{name}"
    if isinstance(section, SurvivalEndpoint):
        groups: list[tuple[float, list[Scalar]]] = [(1.0, section.event_values), (0.0, section.censor_values)]
        if not section.event_values or not section.censor_values:
            lacking = [k for k in ("event_values", "censor_values") if not getattr(section, k)]
            joined.findings.add("RG401", f"'{name}' does not declare {' and '.join(lacking)}; the column '{section.event}' "
                                f"holds {_values(status)}", column=f"{key}.{lacking[0]}")
            return None
    else:
        names = [n for n in dict.fromkeys(section.codes.values()) if n != "censored"]
        if not names or "censored" not in section.codes.values():
            joined.findings.add("RG401", f"`codes` of '{name}' needs one value named 'censored' and at least one event",
                                column=f"{key}.codes")
            return None
        numbers = {"censored": 0.0, **{n: float(i) for i, n in enumerate(names, start=1)}}
        groups = [(numbers[label], [value]) for value, label in section.codes.items()]
    return _map_values(section.event, status, groups, joined, key)


def _values(text: pd.Series) -> str:
    return listing(sorted(text.dropna().unique()), 8)


def _map_values(
    column: str, text: pd.Series, groups: list[tuple[float, list[Scalar]]], joined: Joined, key: str
) -> pd.Series | None:
    """Text to codes by declared values; RG406 for undeclared and RG401 for doubly declared ones."""
    table: dict[str, float] = {}
    for code, values in groups:
        for text_value in canonical_set(values):
            if table.setdefault(text_value, code) != code:
                joined.findings.add("RG401", f"the value '{text_value}' of '{column}' is declared twice, with two meanings",
                                    column=key, value=text_value)
                return None
    codes = text.map(lambda v: np.nan if v is None else table.get(canonical(v), -1.0)).astype(float)
    for value in dict.fromkeys(text[codes == -1.0]):
        units = text.index[text == value]
        joined.findings.add("RG406", f"the value '{value}' of '{column}' is not declared ({len(units)} rows)."
                            f"{suggest(value, (v for _, known in groups for v in known))}", value=value,
                            **joined.where(column, str(units[0])))
    return codes.where(codes >= 0)


# -- classes -----------------------------------------------------------------------------


def _classes(name: str, section: BinaryEndpoint | OrdinalEndpoint | MultiClassEndpoint, joined: Joined) -> Endpoint | None:
    key = f"endpoints.{name}"
    text = joined.column(section.column, f"{key}.column")
    if text is None:
        return None
    label = section.label or name
    if isinstance(section, BinaryEndpoint):
        if not section.positive or not section.negative:
            joined.findings.add("RG401", f"'{name}' does not declare `positive` and `negative`; the column "
                                f"'{section.column}' holds {_values(text)}", column=key)
            return None
        groups = [(0.0, section.negative), (1.0, section.positive)]
        labels: tuple[str, ...] = (_class_name(section.negative, "negative"), _class_name(section.positive, "positive"))
        kind = "binary"
    else:
        values = section.order if isinstance(section, OrdinalEndpoint) else section.classes
        groups = [(float(i), [v]) for i, v in enumerate(values)]
        labels = tuple(str(v) for v in values)
        kind = section.kind
    codes = _map_values(section.column, text, groups, joined, key)
    if codes is None:
        return None
    named = codes.map(lambda c: np.nan if pd.isna(c) else labels[int(c)]).astype(object)
    return Endpoint(name, kind, pd.DataFrame({"value": named}), labels, "", (section.column,), label)  # type: ignore[arg-type]


def _class_name(values: list[Scalar], fallback: str) -> str:
    """The one text value that names a class, or a word for it where it is a number or several."""
    text = str(values[0])
    plain = is_number(text) or text.casefold() in ("yes", "no", "true", "false")
    return text if len(values) == 1 and not plain else fallback
