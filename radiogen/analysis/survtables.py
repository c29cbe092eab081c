"""Curves, numbers at risk, log-rank tests and Cox tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from radiogen.errors import RadiogenError, fail
from radiogen.stats.incidence import cause_curve

if TYPE_CHECKING:
    from radiogen.analysis.design import Design
    from radiogen.analysis.survival import RiskData
    from radiogen.cohort.cohort import Cohort
    from radiogen.cohort.endpoint import Endpoint

#: a modality with at most so many features joins the Cox table
FEW = 10
#: a numeric grouping column with more values is split at its median
_MOST_LEVELS = 6
COX = ["model", "term", "level", "estimate", "lower", "upper", "p", "n", "events", "method", "note"]
HAZARDS = ["term", "statistic", "df", "p", "n", "events", "method"]
_COX_METHOD = "Cox, Efron ties, Wald"


# -- curves --------------------------------------------------------------------------


def curve_tables(
    cohort: Cohort, endpoint: Endpoint, data: pd.DataFrame, groups: Sequence[str]
) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """Curves overall and by group, numbers at risk, medians and log-rank tests.

    Parameters
    ----------
    cohort : Cohort
    endpoint : Endpoint
        For its kind and labels.
    data : DataFrame, index unit id
        ``time``, ``event`` and, with competing events, ``status``; development units alone.
    groups : sequence of str

    Returns
    -------
    tables, notes
    """
    from radiogen.stats import kaplan_meier, log_rank_test, reverse_kaplan_meier

    notes: list[str] = []
    parts: dict[str, list[pd.DataFrame]] = {"curve": [], "risk": [], "median": []}
    tests = []
    times = tick_times(float(data["time"].max()))
    for grouping in ("overall", *groups):
        level = pd.Series("all", index=data.index) if grouping == "overall" else _levels(cohort, endpoint, grouping, data, notes)
        own = data.loc[level.notna()]
        level = level.dropna()
        if grouping != "overall" and level.nunique() < 2:
            raise fail("RG701", f"'{grouping}' has one group among the {len(own)} units with {endpoint.name}", value=grouping)
        km = kaplan_meier(own["time"], own["event"], level)
        parts["risk"].append(km.at_risk(times)[["group", "time", "n_risk"]].assign(grouping=grouping))
        if endpoint.kind == "competing":
            parts["curve"].append(_incidence(own, level, endpoint).assign(grouping=grouping))
        else:
            parts["curve"].append(km.curve.assign(grouping=grouping))
            follow = reverse_kaplan_meier(own["time"], own["event"], level)
            parts["median"].append(_medians(km, follow).assign(grouping=grouping))
        if grouping != "overall":
            test = log_rank_test(own["time"], own["event"], level)
            tests.append((grouping, test.statistic, test.df, test.p, len(own), int(own["event"].sum())))
    tables = {
        "risk_table": pd.concat(parts["risk"], ignore_index=True)[["grouping", "group", "time", "n_risk"]],
        "logrank": pd.DataFrame(tests, columns=["grouping", "statistic", "df", "p", "n", "events"]),
    }
    curve = pd.concat(parts["curve"], ignore_index=True)
    if endpoint.kind == "competing":
        first = ["grouping", "group", "cause", "time", "incidence", "lower", "upper", "n_risk", "n_event", "n_censor"]
        return {"cumulative_incidence": curve[first], **tables}, notes
    first = ["grouping", "group", "time", "survival", "lower", "upper", "n_risk", "n_event", "n_censor"]
    medians = pd.concat(parts["median"], ignore_index=True)
    return {"km": curve[first], **tables, "medians": medians[["grouping", *medians.columns.drop("grouping")]]}, notes


def tick_times(end: float) -> np.ndarray:
    """About six round times from 0 to the end of follow-up."""
    raw = end / 6
    power = 10.0 ** np.floor(np.log10(raw))
    step = next(m * power for m in (1, 2, 3, 5, 6, 10, 12) if m * power >= raw)
    return np.arange(0.0, end + step / 1e6, step)


def _levels(cohort: Cohort, endpoint: Endpoint, name: str, data: pd.DataFrame, notes: list[str]) -> pd.Series:
    """Group of each unit: a gene, marker or subtype by its classes, or a clinical column."""
    from radiogen.cohort.targets import target_names

    if name in {c for e in cohort.endpoints.values() for c in e.columns} or name in cohort.endpoints:
        raise fail("RG408", f"the grouping column '{name}' is an outcome", value=name)
    if name in cohort.clinical.columns:
        column = cohort.display(name).loc[data.index]
    elif name in target_names(cohort):
        target = cohort.target(name)
        order = pd.CategoricalDtype([str(c) for c in target.classes], ordered=True)
        return target.values.loc[data.index].astype(order)
    else:
        raise fail("RG109", f"there is no column, gene, marker or subtype '{name}' to group by", value=name)
    numeric = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    if numeric and column.nunique() > _MOST_LEVELS:
        middle = float(column.median())
        names = [f"≤ {middle:g}", f"> {middle:g}"]
        notes.append(f"'{name}' is split at its median, {middle:g}.")
        cut = pd.Series(np.where(column > middle, names[1], names[0]), index=column.index).where(column.notna())
        return cut.astype(pd.CategoricalDtype(names, ordered=True))
    if numeric:
        order_ = [f"{v:g}" for v in sorted(column.dropna().unique())]
        return column.map(lambda v: f"{v:g}", na_action="ignore").astype(pd.CategoricalDtype(order_, ordered=True))
    return column.cat.remove_unused_categories() if isinstance(column.dtype, pd.CategoricalDtype) else column


def _medians(km: Any, follow: Any) -> pd.DataFrame:
    """Median survival and median follow-up (reverse Kaplan-Meier) by group; NaN is not reached."""
    one = km.to_frame()[["label", "n", "events", "estimate", "lower", "upper"]].rename(columns={"label": "group"})
    return one.assign(follow_up=np.asarray(follow.estimate, dtype=float))


def _incidence(own: pd.DataFrame, level: pd.Series, endpoint: Endpoint) -> pd.DataFrame:
    """Cumulative incidence of every cause, by group."""
    parts = []
    for group in list(level.cat.categories) if isinstance(level.dtype, pd.CategoricalDtype) else sorted(level.unique()):
        rows = own[(level == group).to_numpy()]
        for cause, label in enumerate(endpoint.labels, start=1):
            if len(rows):
                curve = cause_curve(rows["time"].to_numpy(float), rows["status"].to_numpy(int), cause)
                parts.append(curve.assign(group=str(group), cause=label))
    return pd.concat(parts, ignore_index=True)


# -- Cox table -------------------------------------------------------------------------


def cox_table(design: Design, data: RiskData) -> tuple[pd.DataFrame, list[str]]:
    """Hazard ratios of each predictor alone and of all together, on development units.

    Each model uses the units without a missing value in its columns.  Image features join where their modality has
    at most ten.  Reference levels have a row of their own with hazard ratio 1.
    """
    rows = data.design.development
    columns = _few_columns(design)
    notes: list[str] = []
    if len(np.unique(design.group[rows])) < len(rows):
        notes.append("Several units share a patient or picture; curves, log-rank tests and the Cox table ignore that.")
    if not columns:
        notes.append("No Cox table: all inputs are modalities with more than ten features.")
        return pd.DataFrame(columns=COX), notes
    prepared, levels = _prepared(design, data, columns)
    tables = [_cox(prepared, [c], "univariable", levels, notes) for c in columns]
    if len(columns) > 1:
        tables.append(_cox(prepared, columns, "multivariable", levels, notes))
    return pd.concat(tables, ignore_index=True)[COX], notes


def hazards_table(design: Design, data: RiskData) -> tuple[pd.DataFrame, list[str]]:
    """The test of proportional hazards of the Cox model of all predictors that stand in the Cox table."""
    from radiogen.stats import proportional_hazards_test

    empty = pd.DataFrame(columns=HAZARDS)
    columns = _few_columns(design)
    if not columns:
        return empty, []
    prepared, _ = _prepared(design, data, columns)
    used = prepared.dropna()
    try:
        found = proportional_hazards_test(used, ":time", ":event", columns)
    except RadiogenError as error:
        return empty, [f"Proportional hazards could not be tested: {error.problems[0].message}"]
    table = found.to_frame().rename(columns={"label": "term"})
    return table.assign(n=len(used), events=int(used[":event"].sum()))[HAZARDS], []


def _prepared(design: Design, data: RiskData, columns: list[str]) -> tuple[pd.DataFrame, dict[str, list[str]]]:
    """Predictors of the development units with time and event, and the levels of the categorical ones."""
    from radiogen.models.preprocess import is_numeric, levels_of

    rows = data.design.development
    frame = design.frame.iloc[rows]
    prepared = pd.DataFrame(index=frame.index)
    levels: dict[str, list[str]] = {}
    for column in columns:
        if is_numeric(frame[column].dtype):
            prepared[column] = frame[column].astype(float)
        else:
            levels[column] = levels_of(frame[column])
            text = frame[column].astype(object).map(str, na_action="ignore")
            prepared[column] = text.astype(pd.CategoricalDtype(levels[column]))
    # names that no predictor can have
    prepared[":time"], prepared[":event"] = data.time[rows], data.event[rows]
    return prepared, levels


def _few_columns(design: Design) -> list[str]:
    chosen: list[str] = []
    for label, columns in design.sets.items():
        if label == design.together and len(design.sets) > 1:
            continue
        if not set(columns) & design.screened or len(columns) <= FEW:
            chosen += columns
    return chosen


def _cox(
    frame: pd.DataFrame, columns: list[str], model: str, levels: dict[str, list[str]], notes: list[str]
) -> pd.DataFrame:
    from radiogen.stats import cox_regression

    used = frame[[*columns, ":time", ":event"]].dropna()
    base = {"model": model, "n": len(used), "events": int(used[":event"].sum()), "method": _COX_METHOD}
    try:
        table = cox_regression(used, ":time", ":event", columns).to_frame().set_index("label")
    except RadiogenError as error:
        reason = error.problems[0].message
        names = ", ".join(columns[:4]) + (" …" if len(columns) > 4 else "")
        notes.append(f"The {model} Cox model of {names} could not be fitted: {reason}")
        table, failed = pd.DataFrame(), reason
    else:
        failed = ""
    rows = []
    for column in columns:
        if column not in levels:
            rows.append({**base, "term": column, "level": "", **_hazard(table, column, failed or "per unit", failed)})
            continue
        present = [v for v in levels[column] if (used[column] == v).any()]
        for i, level in enumerate(present):
            if i == 0:
                numbers: dict[str, Any] = {"estimate": 1.0, "lower": np.nan, "upper": np.nan, "p": np.nan, "note": "reference"}
            else:
                numbers = _hazard(table, f"{column}[{level}]", failed, failed)
            rows.append({**base, "term": column, "level": level, **numbers})
    return pd.DataFrame(rows)


def _hazard(table: pd.DataFrame, label: str, note: str, failed: str) -> dict[str, Any]:
    if failed or label not in table.index:
        return {"estimate": np.nan, "lower": np.nan, "upper": np.nan, "p": np.nan, "note": note or "not estimable"}
    row = table.loc[label]
    own = row.get("note")
    said = own if isinstance(own, str) and own else note
    return {"estimate": row["hazard_ratio"], "lower": row["hr_lower"], "upper": row["hr_upper"], "p": row["p"], "note": said}
