"""What was asked and answered, in sentences made from the tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from radiogen.plots.frames import records, row_of_max, row_of_min
from radiogen.plots.text import count, interval, is_number, listed, num, p_equals, plain, share

if TYPE_CHECKING:
    from radiogen.analysis.result import Result
    from radiogen.cohort import Cohort

_ALPHA = 0.05


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


def sentences(result: Result) -> list[str]:
    """The findings of one result; none for a kind without a known table."""
    makers = {"describe": _describe, "associate": _associate, "classify": _classify, "survive": _survive}
    maker = makers.get(result.kind)
    return [] if maker is None else [s for s in maker(result.tables) if s]


Tables = dict[str, pd.DataFrame]


def _frame(tables: Tables, name: str, *columns: str) -> pd.DataFrame:
    """The table if it has rows and these columns, else an empty frame."""
    frame = tables.get(name)
    return frame if frame is not None and len(frame) and set(columns) <= set(frame) else pd.DataFrame()


def _describe(tables: Tables) -> list[str]:
    out = []
    modalities = _frame(tables, "modalities", "modality", "n", "share")
    if len(modalities):
        parts = [f"{plain(r['modality'])} in {num(r['n'])} ({share(r['share'])})" for r in records(modalities)]
        out.append(f"Available modalities: {listed(parts)}.")
    missing = _frame(tables, "missing", "variable", "share")
    if len(missing) and (missing["share"] > 0).any():
        worst = row_of_max(missing, "share")
        out.append(f"The variable that is most often not known is {plain(worst['variable'])} ({share(worst['share'])}).")
    return out


def _associate(tables: Tables) -> list[str]:
    frame = _frame(tables, "associations", "feature", "target", "effect", "effect_name", "p", "q")
    frame = frame[frame["p"].notna()] if len(frame) else frame
    if frame.empty:
        return []
    found = frame[frame["q"] < _ALPHA]
    out = [
        f"{count(frame['feature'].nunique(), 'feature')} were tested against "
        f"{listed(plain(t) for t in dict.fromkeys(frame['target']))}: {len(found):,} of {count(len(frame), 'association')} "
        f"{'has' if len(found) == 1 else 'have'} a false discovery rate below {_ALPHA:g}."
    ]
    best = row_of_min(frame, "p")
    shown = interval(best["effect"], best.get("lower"), best.get("upper"))
    adjusted = ""
    if is_number(best.get("adjusted_or")):
        ratio = interval(best["adjusted_or"], best.get("adjusted_lower"), best.get("adjusted_upper"))
        adjusted = f"; adjusted odds ratio per standard deviation {ratio}"
    out.append(
        f"The smallest p-value is that of {plain(best['feature'])} with {plain(best['target'])}: "
        f"{plain(best['effect_name'])} {shown}, {p_equals(best['p'])}, {p_equals(best['q'], 'q')}{adjusted}."
    )
    return out


def _classify(tables: Tables) -> list[str]:
    frame = _frame(tables, "performance", "metric", "estimate", "lower", "upper", "model", "inputs")
    return [*_discrimination(frame, "AUC"), *_comparison(tables)]


def _survive(tables: Tables) -> list[str]:
    out = []
    logrank = _frame(tables, "logrank", "grouping", "p")
    for row in records(logrank[logrank["p"].notna()].head(3)) if len(logrank) else []:
        events = f", {num(row['events'])} events" if is_number(row.get("events")) else ""
        out.append(f"Survival by {plain(row['grouping'])}: log-rank {p_equals(row['p'])}{events}.")
    cox = _frame(tables, "cox", "term", "estimate", "lower", "upper", "p")
    if len(cox):
        out.append(_cox(cox))
    frame = _frame(tables, "performance", "metric", "estimate", "lower", "upper", "model", "inputs")
    return [*out, *_discrimination(frame, "C"), *_comparison(tables)]


def _cox(cox: pd.DataFrame) -> str:
    rows = cox[cox["model"] == "multivariable"] if "model" in cox and (cox["model"] == "multivariable").any() else cox
    name = "multivariable" if rows is not cox else "univariable"
    clear = rows[(rows["p"] < _ALPHA) & rows["estimate"].notna()].sort_values("p", kind="stable").head(4)
    missing = int(rows["estimate"].isna().sum())
    tail = f" {count(missing, 'term')} could not be estimated." if missing else ""
    if clear.empty:
        return f"In the {name} Cox model no term has p < {_ALPHA:g}.{tail}"
    words = [
        f"{plain(r['term'])}{_level(r.get('level'))} {interval(r['estimate'], r['lower'], r['upper'])}"
        for r in records(clear)
    ]
    return f"Hazard ratios with p < {_ALPHA:g} in the {name} Cox model: {listed(words)}.{tail}"


def _level(level: object) -> str:
    return f" ({plain(level)})" if isinstance(level, str) and plain(level) else ""


def _discrimination(frame: pd.DataFrame, start: str) -> list[str]:
    """The best estimate of each set, beside the clinical model alone of the same model family."""
    if frame.empty:
        return []
    rows = frame[frame["estimate"].notna()]
    if rows.empty:
        return []
    named = rows["metric"].astype(str).str.upper()
    for preferred in (("MACRO",), (start, "HARRELL", "UNO")):
        if named.str.startswith(preferred).any():
            rows = rows[named.str.startswith(preferred)]
            break
    rows = rows[rows["metric"] == rows["metric"].iloc[0]]
    if "class" in rows and rows["class"].astype(str).str.startswith("macro").any():
        rows = rows[rows["class"].astype(str).str.startswith("macro")]
    out = []
    for name, part in rows.groupby("set", sort=False) if "set" in rows else [("", rows)]:
        best = row_of_max(part, "estimate")
        where = {"development": "Out of fold", "external": "In the external data"}.get(str(name), plain(name).capitalize())
        among = f" among {len(part)} combinations of model and inputs" if len(part) > 1 else ""
        text = (
            f"{where + ', ' if where else ''}the {'highest ' if among else ''}{plain(best['metric'])}{among} is "
            f"{interval(best['estimate'], best['lower'], best['upper'])}, of {plain(best['model']).replace('_', ' ')} with "
            f"{plain(best['inputs'])}"
        )
        clinical = part[(part["inputs"] == "clinical") & (part["model"] == best["model"])]
        if len(clinical) == 1 and best["inputs"] != "clinical":
            row = records(clinical)[0]
            text += f"; with clinical inputs alone it is {interval(row['estimate'], row['lower'], row['upper'])}"
        out.append(f"{text[0].upper()}{text[1:]}.")
    return out


def _comparison(tables: Tables) -> list[str]:
    frame = _frame(tables, "comparisons", "inputs_a", "inputs_b", "estimate", "lower", "upper", "p", "metric")
    if frame.empty:
        return []
    rows = frame[(frame["inputs_b"] == "clinical") & frame["p"].notna()]
    if rows.empty:
        return []
    # the inputs listed last are all together, which is the study's question; picking the smallest p would flatter
    inside = rows[rows["set"] == "development"] if "set" in rows and (rows["set"] == "development").any() else rows
    together = inside[inside["inputs_a"] == inside["inputs_a"].iloc[-1]]
    row = records(together)[0]
    model = f" ({plain(row['model']).replace('_', ' ')})" if "model" in row else ""
    method = f", {plain(row['method'])}" if isinstance(row.get("method"), str) and len(row["method"]) <= 30 else ""
    return [
        f"Paired comparison of {plain(row['inputs_a'])} with clinical alone{model}: difference in {plain(row['metric'])} "
        f"{interval(row['estimate'], row['lower'], row['upper'])}, {p_equals(row['p'])}{method}."
    ]
