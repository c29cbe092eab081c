"""Typing the columns of the joined tables, strictly for those that models use."""

from __future__ import annotations

import pandas as pd

from radiogen.cohort.config import CohortConfig, Scalar, TableSection
from radiogen.cohort.join import Joined
from radiogen.cohort.values import (
    canonical,
    fold,
    is_decimal_comma,
    is_infinite,
    is_number,
    listing,
    looks_missing,
    suggest,
    to_number,
)
from radiogen.errors import Findings


def type_columns(config: CohortConfig, joined: Joined) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """All columns typed, and the names of the predictors.

    Numeric where every value is a number, otherwise text; predictors that are
    not numeric are categorical, their levels in the declared or alphabetical order.
    """
    findings = joined.findings
    strict = _strict_columns(config, joined)
    typed: dict[str, pd.Series] = {}
    predictors: list[str] = []
    for name, section in config.tables.items():
        for column in section.predictors:
            if joined.column(column, f"tables.{name}.predictors") is not None and column not in predictors:
                predictors.append(column)
        for key in ("types", "levels", "ordered"):
            for column in getattr(section, key):
                where = f"tables.{name}.{key}.{column}"
                owner = joined.table_of.get(column, name)
                if joined.column(column, where) is not None and owner != name:
                    findings.add("RG203", f"the column '{column}' belongs to the table '{owner}', and its `{key}` stand under "
                                 f"'{name}'", column=where, value=column, fix=f"Move it to `tables: {{{owner}: …}}`.")
    for column in joined.text.columns:
        section = config.tables[joined.table_of[column]]
        typed[column] = _type(column, joined, section, column in strict, findings)
    frame = pd.DataFrame(typed, index=joined.text.index)
    used = tuple(p for p in predictors if p in frame.columns)
    _report_constant(frame, used, joined)
    _report_sentinels(frame, used, joined)
    _report_identifiers(config, frame, used, joined)
    return frame, used


def _strict_columns(config: CohortConfig, joined: Joined) -> set[str]:
    """Columns in which a doubtful value would change a result."""
    typed = {c for s in config.tables.values() for c in (*s.predictors, *s.types, *s.levels, *s.ordered)}
    groups = {c for a in config.analyses for c in (*(getattr(a, "adjust", None) or ()), *getattr(a, "groups", ()))}
    return typed | groups | {c for c in (config.table_one,) if c}


def _type(column: str, joined: Joined, section: TableSection, strict: bool, findings: Findings) -> pd.Series:
    text = joined.text[column]
    if column in section.ordered:
        return _coded(column, text, section.ordered[column], joined, findings, scored=True)
    if column in section.levels:
        return _coded(column, text, section.levels[column], joined, findings, scored=False)
    declared = section.types.get(column)
    present = text.dropna()
    numbers = present.map(is_number)
    if declared == "numeric" or (declared is None and numbers.all()) or (strict and declared is None and numbers.mean() >= 0.5):
        _report_text(column, present[~numbers], joined, findings)
        return text.map(lambda v: to_number(v) if v is not None and is_number(v) else float("nan")).astype(float)
    if strict and declared is None and len(present) and (present.map(is_decimal_comma) | numbers).mean() >= 0.5:
        bad = present[present.map(is_decimal_comma)].index[0]
        findings.add("RG217", f"the numbers of '{column}' have a decimal comma", value=present[bad], **joined.where(column, bad))
    if not strict:
        return text.astype(object)
    _report_lookalikes(column, present, joined, findings)
    _report_case_variants(column, present, joined, findings)
    return pd.Series(pd.Categorical(text, categories=sorted(present.unique())), index=text.index)


def _coded(
    column: str, text: pd.Series, levels: list[Scalar], joined: Joined, findings: Findings, *, scored: bool
) -> pd.Series:
    """A column with declared levels: scores 1, 2, … or a categorical."""
    table = {canonical(level): i for i, level in enumerate(levels)}
    codes = text.map(lambda v: table.get(canonical(v), -1) if v is not None else None)
    for value in dict.fromkeys(text[codes == -1]):
        unit = text.index[text == value][0]
        count = int((text == value).sum())
        findings.add("RG221", f"'{value}' is not among the declared levels of '{column}' ({listing(levels)}); it stands in "
                     f"{count} row{'s' if count > 1 else ''}.{suggest(value, levels)}", value=value, **joined.where(column, unit))
    if scored:
        return codes.map(lambda c: float("nan") if c is None or pd.isna(c) or c < 0 else float(c + 1)).astype(float)
    names = [str(level) for level in levels]
    labels = [None if c is None or pd.isna(c) or c < 0 else names[int(c)] for c in codes]
    return pd.Series(pd.Categorical(labels, categories=names), index=text.index)


def _report_text(column: str, bad: pd.Series, joined: Joined, findings: Findings) -> None:
    """RG211, RG212 or RG217 for each kind of text among numbers."""
    for value in dict.fromkeys(bad):
        units = bad.index[bad == value]
        where = joined.where(column, units[0])
        rows = f" ({len(units)} rows)" if len(units) > 1 else ""
        if is_decimal_comma(value):
            findings.add("RG217", f"'{value}' in the numbers of '{column}' has a decimal comma{rows}", value=value, **where)
        elif is_infinite(value):
            findings.add("RG219", f"'{value}' in '{column}' is infinite or too large{rows}", value=value, **where)
        elif looks_missing(value):
            findings.add("RG212", f"'{value}' in the numbers of '{column}' looks like 'not known'{rows}", value=value, **where)
        else:
            findings.add("RG211", f"'{value}' in '{column}' is not a number, and most values are{rows}", value=value, **where)


def _report_lookalikes(column: str, present: pd.Series, joined: Joined, findings: Findings) -> None:
    for value in dict.fromkeys(present):
        if looks_missing(value):
            units = present.index[present == value]
            findings.add("RG212", f"'{value}' in '{column}' looks like 'not known' ({len(units)} rows) and would be a category",
                         value=value, **joined.where(column, units[0]))


def _report_case_variants(column: str, present: pd.Series, joined: Joined, findings: Findings) -> None:
    seen: dict[str, str] = {}
    for value in dict.fromkeys(present):
        other = seen.setdefault(fold(value), value)
        if other != value:
            unit = present.index[present == value][0]
            findings.add("RG221", f"the categories '{other}' and '{value}' of '{column}' differ only in case, spaces or kinds of "
                         "character",
                         value=value, fix=f"Correct the file, or `recode: {{{column}: {{\"{value}\": \"{other}\"}}}}`.",
                         **joined.where(column, unit))


def _report_constant(frame: pd.DataFrame, predictors: tuple[str, ...], joined: Joined) -> None:
    for column in predictors:
        values = frame[column].dropna()
        if values.nunique() <= 1:
            what = f"has only the value '{values.iloc[0]}'" if len(values) else "has no value at all"
            joined.findings.add("RG218", f"the predictor '{column}' {what}", severity="warning",
                                file=joined.files[joined.table_of[column]], column=column)


#: a text with more categories than this, and than half the patients, tells patients apart
_MANY = 10


def _report_identifiers(config: CohortConfig, frame: pd.DataFrame, predictors: tuple[str, ...], joined: Joined) -> None:
    """RG223 for predictors that are an id, or a text that differs in most patients."""
    ids = {c for s in config.tables.values() for c in (s.id, s.patient) if c}
    for column in predictors:
        section = config.tables[joined.table_of[column]]
        known = frame[column].dropna()
        many = known.nunique() > max(_MANY, len(known) // 2)
        text = not pd.api.types.is_numeric_dtype(frame[column]) and column not in section.levels
        if column in ids:
            what = f"the predictor '{column}' is an id"
        elif text and many and column not in section.types:
            what = f"the predictor '{column}' is text with {known.nunique()} categories in {len(known)} patients"
        else:
            continue
        joined.findings.add("RG223", what, value=known.iloc[0], **joined.where(column, str(known.index[0])))


#: numbers by which statistics programs write "not known"
_SENTINELS = (-1.0, -9.0, -99.0, -999.0, 9.0, 99.0, 999.0, 9999.0, 99999.0)


def _report_sentinels(frame: pd.DataFrame, predictors: tuple[str, ...], joined: Joined) -> None:
    """RG227 for a usual code that lies farther from the other values than these spread."""
    for column in predictors:
        if not pd.api.types.is_numeric_dtype(frame[column]):
            continue
        values = frame[column].dropna()
        for code in _SENTINELS:
            others = values[values != code]
            if (values == code).any() and len(others) and _apart(code, others):
                units = values.index[values == code]
                span = f"{others.min():g} to {others.max():g}"
                text = f"{len(units)} values of '{column}' are {code:g}, far from all others ({span})"
                joined.findings.add("RG227", text, value=f"{code:g}", **joined.where(column, units[0]))


def _apart(code: float, others: pd.Series) -> bool:
    """Whether a code is negative among numbers that are not, or above them by more than they spread."""
    low, high = float(others.min()), float(others.max())
    return (code < 0 <= low) or code - high > max(high - low, 1.0)
