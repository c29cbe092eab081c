"""What was asked and answered, in sentences made from the tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import pandas as pd

from radiogen.plots.frames import Row, records, row_of_min
from radiogen.plots.naming import inputs_name, model_name, readable, with_unit
from radiogen.plots.text import count, interval, is_number, listed, lower_first, num, p_equals, plain, share

if TYPE_CHECKING:
    from radiogen.analysis.result import Result
    from radiogen.cohort import Cohort

Names = Mapping[str, str]

_ALPHA = 0.05
#: share of values not known that the summary mentions
_OFTEN = 0.2
#: share of values outside the development range that is more than the 2 % which are there by definition
_OUTSIDE = 0.04
_SETS = {"development": "Out of fold", "external": "In the external data", "": "Estimated"}


def cohort_sentences(cohort: Cohort) -> list[str]:
    """How many there are, of which kind, and what was set aside."""
    n, start = len(cohort), cohort.ledger.start
    words = [f"{plain(cohort.name)} holds {count(n, cohort.unit)}"]
    if start != n:
        words.append(f" of the {start:,} in the tables")
    if cohort.unit == "lesion" and "patient" in cohort.units:
        words.append(f", from {count(cohort.units['patient'].nunique(), 'patient')}")
    out = ["".join(words) + "."]
    external = int(cohort.units["external"].sum()) if "external" in cohort.units else 0
    if external:
        out.append(f"{external:,} of them were set aside for external validation; models were developed on {n - external:,}.")
    return out


def sentences(result: Result, names: Names | None = None) -> list[str]:
    """The findings of one result; none for a kind without a known table.

    Parameters
    ----------
    result : Result
    names : mapping of str to str, optional
        What endpoints are called, by their key.

    Notes
    -----
    Of models and inputs no best one is picked: the sentences state the first model listed with the clinical inputs
    alone, with all inputs together, and their paired difference.
    """
    makers: dict[str, Callable[[Result, Names], list[str]]] = {
        "describe": _describe, "associate": _associate, "classify": _classify, "survive": _survive,
        "predict": _predict,
    }
    maker = makers.get(result.kind)
    return [] if maker is None else [s for s in maker(result, names or {}) if s]


def _frame(tables: Mapping[str, pd.DataFrame], name: str, *columns: str) -> pd.DataFrame:
    """The table if it has rows and these columns, else an empty frame."""
    frame = tables.get(name)
    return frame if frame is not None and len(frame) and set(columns) <= set(frame) else pd.DataFrame()


def _describe(result: Result, names: Names) -> list[str]:
    out = []
    modalities = _frame(result.tables, "modalities", "modality", "n", "share")
    if len(modalities):
        parts = [f"{readable(r['modality'])} in {num(r['n'])} ({share(r['share'])})" for r in records(modalities)]
        out.append(f"Available: {listed(parts)}.")
    missing = _frame(result.tables, "missing", "variable", "share")
    if len(missing):
        often = missing[missing["share"] >= _OFTEN].sort_values("share", ascending=False, kind="stable").head(3)
        parts = [f"{_named(r['variable'], names)} ({share(r['share'])})" for r in records(often)]
        out.append(f"Often not known: {listed(parts)}." if parts else "")
    return out


def _named(key: object, names: Names) -> str:
    return plain(names.get(str(key)) or readable(key))


def _associate(result: Result, names: Names) -> list[str]:
    frame = _frame(result.tables, "associations", "feature", "target", "effect", "effect_name", "p", "q")
    frame = frame[frame["p"].notna()] if len(frame) else frame
    if frame.empty:
        return []
    found = frame[frame["q"] < _ALPHA]
    targets = listed(_named(t, names) for t in dict.fromkeys(frame["target"]))
    features = frame["feature"].nunique()
    out = [
        f"{count(features, 'feature')} {'was' if features == 1 else 'were'} tested against {targets}: "
        f"{len(found):,} of {count(len(frame), 'association')} "
        f"{'has' if len(found) == 1 else 'have'} a false discovery rate below {_ALPHA:g}."
    ]
    best = row_of_min(frame, "p")
    shown = interval(best["effect"], best.get("lower"), best.get("upper"))
    adjusted = ""
    if is_number(best.get("adjusted_or")):
        ratio = interval(best["adjusted_or"], best.get("adjusted_lower"), best.get("adjusted_upper"))
        adjusted = f"; adjusted odds ratio per standard deviation {ratio}"
    out.append(
        f"The smallest p-value is that of {readable(best['feature'])} with {_named(best['target'], names)}: "
        f"{plain(best['effect_name'])} {shown}, {p_equals(best['p'])}, {p_equals(best['q'], 'q')}{adjusted}."
    )
    return out


def _classify(result: Result, names: Names) -> list[str]:
    return _compared(result, ("MACRO", "AUC"))


def _predict(result: Result, names: Names) -> list[str]:
    """The first model listed on the most inputs, here and in development; then what lies outside the range."""
    out = []
    frame = _frame(result.tables, "drift", "model", "inputs", "metric", "development", "estimate", "lower", "upper")
    for start in ("MACRO", "AUC", "HARRELL"):
        rows = frame[frame["metric"].astype(str).str.upper().str.startswith(start)] if len(frame) else frame
        if len(rows):
            row = records(rows[rows["model"] == rows["model"].iloc[0]].tail(1))[0]
            own = interval(row["estimate"], row["lower"], row["upper"])
            before = f", and {num(row['development'])} out of fold in development" if is_number(row["development"]) else ""
            out.append(
                f"In these data the {plain(row['metric'])} of the locked {model_name(row['model'])} with "
                f"{inputs_name(row['inputs'])} is {own}{before}."
            )
            break
    ranges = _frame(result.tables, "ranges", "predictor", "outside")
    if len(ranges):
        odd = ranges[ranges["outside"] > _OUTSIDE]
        worst = f", most of all {readable(odd['predictor'].iloc[0])} ({share(odd['outside'].iloc[0])})" if len(odd) else ""
        has = "has" if len(odd) == 1 else "have"
        out.append(
            f"{len(odd)} of {count(len(ranges), 'input')} {has} more than {share(_OUTSIDE)} of the values outside the range of "
            f"the development data{worst}."
        )
    return out


def _survive(result: Result, names: Names) -> list[str]:
    key = result.settings.get("endpoint")
    what = lower_first(_named(key, names)) if key is not None else "time to the event"
    unit = plain(result.settings.get("time_unit", result.settings.get("unit", "")))
    return [_median(result, what, unit), _logrank(result, what), _cox(result), *_compared(result, ("HARRELL", "UNO", "C"))]


def _median(result: Result, what: str, unit: str) -> str:
    frame = _frame(result.tables, "medians", "n", "events", "estimate", "lower", "upper")
    rows = frame[frame["grouping"] == "overall"] if "grouping" in frame else frame
    if len(rows) != 1:
        return ""
    row = records(rows)[0]
    counts = f"{num(row['events'])} events in {num(row['n'])}"
    after = f" {unit}" if unit else ""
    follow = f"; median follow-up {num(row['follow_up'])}{after}" if is_number(row.get("follow_up")) else ""
    if not is_number(row["estimate"]):
        return f"Median {what} was not reached: {counts}{follow}."
    ends = [num(row[k]) if is_number(row[k]) else "not reached" for k in ("lower", "upper")]
    return f"Median {what} was {num(row['estimate'])}{after} ({ends[0]} to {ends[1]}): {counts}{follow}."


def _logrank(result: Result, what: str) -> str:
    frame = _frame(result.tables, "logrank", "grouping", "p")
    rows = records(frame[frame["p"].notna()].head(4)) if len(frame) else []
    parts = [
        f"{readable(r['grouping'])} {p_equals(r['p'])}" + (f" ({num(r['events'])} events)" if is_number(r.get("events")) else "")
        for r in rows
    ]
    return f"Log-rank tests of {what} by group: {listed(parts)}." if parts else ""


def _cox(result: Result) -> str:
    cox = _frame(result.tables, "cox", "term", "estimate", "lower", "upper", "p")
    if cox.empty:
        return ""
    rows = cox[cox["model"] == "multivariable"] if "model" in cox and (cox["model"] == "multivariable").any() else cox
    name = "multivariable" if rows is not cox else "univariable"
    clear = rows[(rows["p"] < _ALPHA) & rows["estimate"].notna()].sort_values("p", kind="stable").head(4)
    missing = int(rows["estimate"].isna().sum())
    tail = f" {count(missing, 'term')} could not be estimated." if missing else ""
    if clear.empty:
        return f"In the {name} Cox model no term has p < {_ALPHA:g}.{tail}"
    words = [f"{_term(r, rows)} {interval(r['estimate'], r['lower'], r['upper'])}" for r in records(clear)]
    return f"Hazard ratios with p < {_ALPHA:g} in the {name} Cox model: {listed(words)}.{tail}"


def _term(row: Row, rows: pd.DataFrame) -> str:
    """A term in words: a level against its reference, or a number per unit."""
    words, unit = with_unit(row["term"])
    level = plain(row["level"]) if isinstance(row.get("level"), str) else ""
    if not level:
        return f"{words} per {unit or 'unit'}"
    same = rows[(rows["term"] == row["term"]) & (rows["estimate"] == 1) & rows["lower"].isna()] if "level" in rows else rows[:0]
    against = f" against {plain(same['level'].iloc[0])}" if len(same) == 1 else ""
    return f"{words} {level}{against}"


# -- discrimination: what was asked beforehand, not what came out best -------------------------------


def _compared(result: Result, metrics: tuple[str, ...]) -> list[str]:
    """For each set: the first model with the base inputs, with all inputs, and the paired difference."""
    frame = _frame(result.tables, "performance", "metric", "estimate", "lower", "upper", "model", "inputs")
    rows = _of_metric(frame, metrics)
    if rows.empty:
        return []
    models, inputs = _order(result, rows, "models", "model"), _order(result, rows, "inputs", "inputs")
    together, base = inputs[-1], "clinical" if "clinical" in inputs else inputs[0]
    own = rows[(rows["model"] == models[0]) & rows["inputs"].isin([base, together])]
    differences = _frame(result.tables, "comparisons", "inputs_a", "inputs_b", "estimate", "lower", "upper", "p")
    out: list[str] = []
    for which, part in own.groupby("set", sort=False) if "set" in own else [("", own)]:
        first = "" if out else _first(models, len(inputs))
        found = {str(r["inputs"]): r for r in records(part)}
        if together in found:
            difference = _difference(differences, models[0], base, together, which)
            out.append(first + _values(found, base, together, str(which), difference, named=not out))
    return out


def _of_metric(frame: pd.DataFrame, metrics: tuple[str, ...]) -> pd.DataFrame:
    """The rows of the first of these metrics that occurs; of many classes the macro average."""
    if frame.empty:
        return frame
    for start in metrics:
        rows = frame[frame["metric"].astype(str).str.upper().str.startswith(start) & frame["estimate"].notna()]
        rows = rows[rows["metric"] == rows["metric"].iloc[0]] if len(rows) else rows
        if len(rows):
            macro = rows["class"].astype(str).str.startswith("macro") if "class" in rows else pd.Series(False, index=rows.index)
            return rows[macro] if macro.any() else rows
    return frame.iloc[:0]


def _order(result: Result, rows: pd.DataFrame, setting: str, column: str) -> list[str]:
    """Models or inputs as they were listed, those without an estimate left out."""
    present = [str(v) for v in dict.fromkeys(rows[column])]
    listed_ = [str(v) for v in result.settings.get(setting, ())]
    return [v for v in listed_ if v in present] or present


def _first(models: list[str], inputs: int) -> str:
    model = model_name(models[0])
    if len(models) == 1:
        return f"Model: {model}. "
    others = listed(model_name(m) for m in models[1:])
    return f"Model: {model}, the first listed ({others}: in the table). "


def _values(found: dict[str, Row], base: str, together: str, which: str, difference: Row | None, named: bool) -> str:
    row = found[together]
    counts = f"{num(row['n'])}" if is_number(row.get("n")) else ""
    if is_number(row.get("events")) and not str(row.get("class", "")).startswith("macro"):
        counts += f", {num(row['events'])} {plain(row['class']) if row.get('class') else 'events'}"
    where = _SETS.get(which, plain(which).capitalize())
    start = f"{where}{f' (n = {counts})' if counts else ''}, the {_metric(row['metric'])} is "
    own = interval(row["estimate"], row["lower"], row["upper"])
    if together == base or base not in found:
        return f"{start}{own} with {inputs_name(together)}."
    other = found[base]
    text = (
        f"{start}{interval(other['estimate'], other['lower'], other['upper'])} with {inputs_name(base)} alone and {own} "
        f"with all together{f' ({inputs_name(together)})' if named else ''}"
    )
    if difference is not None:
        gap = interval(difference["estimate"], difference["lower"], difference["upper"])
        text += f"; paired difference {gap}, {p_equals(difference['p'])}"
    return text + "."


def _metric(name: object) -> str:
    word = plain(name)
    if word.upper().startswith("HARRELL"):
        return "C-index"
    return "AUC averaged over classes" if word == "macro AUC" else word


def _difference(frame: pd.DataFrame, model: str, base: str, together: str, which: object) -> Row | None:
    if frame.empty:
        return None
    rows = frame[(frame["inputs_a"] == together) & (frame["inputs_b"] == base) & frame["p"].notna()]
    for column, value in (("model", model), ("set", which)):
        rows = rows[rows[column] == value] if column in rows else rows
    return records(rows)[0] if len(rows) == 1 else None
