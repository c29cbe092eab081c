"""What a cohort holds, in tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from radiogen.analysis.provenance import settings_of, versions
from radiogen.analysis.result import Result
from radiogen.cohort.config import ClassifySection
from radiogen.cohort.states import MUTATED, NOT_TESTED, WILD_TYPE
from radiogen.cohort.targets import target_names
from radiogen.errors import fail

if TYPE_CHECKING:
    from radiogen.cohort.cohort import Cohort

_MARKERS = ("er", "pr", "her2", "ki67")


def describe(cohort: Cohort) -> Result:
    """Count and describe all that a cohort holds.

    Parameters
    ----------
    cohort : Cohort
        External units are included; they are only described.

    Returns
    -------
    Result
        Kind ``"describe"``; tables ``table_one``, ``modalities``, ``missing``, ``markers``, ``mutations``,
        ``subtype``, ``endpoints``, ``qc``.

    Notes
    -----
    Table 1 is split by ``table_one`` of the YAML, else by the target of the first classification, else into
    development and external units, else not at all.
    """
    by, label = _grouping(cohort)
    tables, notes = _table_one(cohort, by, label)
    tables |= {
        "modalities": _modalities(cohort),
        "missing": _missing(cohort),
        "markers": _markers(cohort),
        "mutations": _mutations(cohort),
        "subtype": _counts(cohort.subtype, "subtype"),
        "endpoints": _endpoints(cohort),
        "qc": pd.DataFrame(
            [(p.code, p.severity, p.message, p.where) for p in cohort.findings], columns=["code", "severity", "message", "where"]
        ),
    }
    return Result(
        kind="describe",
        title=f"The cohort {cohort.name}",
        tables=tables,
        settings=settings_of(cohort, analysis="describe", table_one=label, start=cohort.ledger.start),
        versions=versions(),
        methods=(
            "Numbers are described by median and quartiles and compared by the Wilcoxon or Kruskal-Wallis test, categories by "
            "counts and Fisher's or the chi-squared test; the standardised mean difference (SMD) is the largest over pairs of "
            "groups.",
        ),
        notes=tuple(notes),
    )


# -- table 1 ---------------------------------------------------------------------------


def _grouping(cohort: Cohort) -> tuple[pd.Series | None, str]:
    """Groups of Table 1 and their name."""
    name = cohort.config.table_one
    if name is None:
        name = next((a.target for a in cohort.config.analyses if isinstance(a, ClassifySection)), None)
    if name is not None:
        if name in target_names(cohort):
            target = cohort.target(name)
            order = pd.CategoricalDtype([str(c) for c in target.classes], ordered=True)
            return target.values.astype(object).map(str, na_action="ignore").astype(order), name
        if name in cohort.clinical.columns:
            return cohort.display(name), name
        if name in cohort.units.columns:
            return cohort.units[name], name
        raise fail("RG109", f"`table_one` names '{name}', which is neither a column nor a target", value=name)
    external = cohort.units["external"]
    if external.any():
        words = np.where(external, "external", "development")
        return pd.Series(words, index=cohort.index).astype(pd.CategoricalDtype(["development", "external"])), "set"
    return None, ""


def _table_one(cohort: Cohort, by: pd.Series | None, label: str) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """Table 1 of predictors, markers and subtype, as people read it."""
    from radiogen.stats import table_one

    frame = pd.DataFrame({c: cohort.display(c) for c in cohort.predictors if c != label}, index=cohort.index)
    for marker in _MARKERS:
        if marker in cohort.markers.columns and marker != label and marker not in frame:
            frame[marker] = cohort.markers[marker]
    if cohort.config.subtype is not None and label != "subtype" and "subtype" not in frame:
        frame["subtype"] = cohort.subtype
    empty = [c for c in frame.columns if frame[c].notna().sum() == 0]
    notes = [f"Nothing is known of {', '.join(empty)}."] if empty else []
    frame = frame.drop(columns=empty)
    if not frame.shape[1]:
        return {"table_one": pd.DataFrame({"variable": ["n"], "level": [""], "overall": [str(len(cohort))]})}, notes
    split = by is not None and by.nunique() > 1
    if split:
        frame[":by"] = by
    made = table_one(frame, ":by" if split else None)
    notes += [n.replace("':by'", f"'{label}'") for n in made.notes]
    notes += _rough_tests(made.tests)
    fixed = {"Variable": "variable", "Level": "level", "Overall": "overall", "Missing": "missing", "Test": "test", "SMD": "smd"}
    position = list(made.formatted.columns)
    groups = position[position.index("Overall") + 1 : position.index("Missing")] if "Missing" in position else []
    names = {**{g: f"{label}: {g}" for g in groups}, **{k: v for k, v in fixed.items() if k not in groups}}
    formatted = made.formatted.rename(columns=names)
    if cohort.units["patient"].duplicated().any() and split:
        # tests and p-values would count every lesion of a patient as a patient
        formatted = formatted.drop(columns=[c for c in ("Test", "test", "p") if c in formatted])
        notes.append(
            f"Rows count {cohort.unit}s, of {cohort.units['patient'].nunique()} patients. There are no p-values: "
            f"{cohort.unit}s of one patient are not independent."
        )
    first = [c for c in ("variable", "level", "missing", "overall") if c in formatted]
    return {"table_one": formatted[[*first, *(c for c in formatted.columns if c not in first)]].astype(str)}, notes


def _rough_tests(tests: pd.DataFrame) -> list[str]:
    """A remark on chi-squared tests of larger tables whose expected counts are small."""
    if not len(tests) or "note" not in tests:
        return []
    small = tests["note"].astype(str).str.contains("below 5")
    rough = tests.loc[small & ~tests["test"].astype(str).str.contains("Fisher"), "variable"]
    if not len(rough):
        return []
    return [f"The chi-squared test is rough where an expected count is below 5: {', '.join(map(str, dict.fromkeys(rough)))}."]


# -- what there is ----------------------------------------------------------------------


def _modalities(cohort: Cohort) -> pd.DataFrame:
    rows = []
    for name in dict.fromkeys((*cohort.config.modalities, *cohort.modalities)):
        mine = cohort.images[cohort.images["modality"] == name] if len(cohort.images) else cohort.images
        frame = cohort.modalities.get(name)
        have = set(mine["unit"]) if len(mine) else set()
        if frame is not None:
            have |= set(frame.index[frame.notna().any(axis=1)])
        n = len(have & set(cohort.index))
        rows.append((name, n, n / len(cohort) if len(cohort) else np.nan, len(mine), 0 if frame is None else frame.shape[1]))
    return pd.DataFrame(rows, columns=["modality", "n", "share", "images", "features"])


def _missing(cohort: Cohort) -> pd.DataFrame:
    """Share of units without a known value, per predictor, marker, gene, subtype and endpoint."""
    rows = [("clinical", c, int(cohort.clinical[c].isna().sum())) for c in cohort.predictors]
    rows += [("markers", m, int(cohort.markers[m].isna().sum())) for m in _MARKERS if m in cohort.markers.columns]
    rows += [("mutations", g, int((cohort.mutations[g] == NOT_TESTED).sum())) for g in cohort.genes]
    if cohort.config.subtype is not None:
        rows.append(("subtype", "subtype", int(cohort.subtype.isna().sum())))
    rows += [("endpoints", n, int((~e.known).sum())) for n, e in cohort.endpoints.items()]
    frame = pd.DataFrame(rows, columns=["block", "variable", "missing"])
    return frame.assign(n=len(cohort), share=frame["missing"] / max(len(cohort), 1))


def _counts(values: pd.Series, name: str) -> pd.DataFrame:
    """Counts of a column's values, 'not known' last."""
    if not len(values) or values.isna().all():
        return pd.DataFrame(columns=[name, "n"])
    known = values.dropna().astype(str).value_counts()
    rows = [(v, int(n)) for v, n in known.items()]
    if values.isna().any():
        rows.append(("not known", int(values.isna().sum())))
    return pd.DataFrame(rows, columns=[name, "n"])


def _markers(cohort: Cohort) -> pd.DataFrame:
    parts = [
        _counts(cohort.markers[m], "value").assign(marker=m) for m in _MARKERS if m in cohort.markers.columns
    ]
    parts = [p for p in parts if len(p)]
    columns = ["marker", "value", "n"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def _mutations(cohort: Cohort) -> pd.DataFrame:
    """Counts of patients: a mutation is of the patient, whatever the unit of analysis."""
    one = cohort.mutations[~cohort.units["patient"].duplicated().to_numpy()]
    rows = [(g, *(int((one[g] == state).sum()) for state in (MUTATED, WILD_TYPE, NOT_TESTED))) for g in cohort.genes]
    return pd.DataFrame(rows, columns=["gene", "mutated", "wild_type", "not_tested"])


def _endpoints(cohort: Cohort) -> pd.DataFrame:
    """Units and events; median follow-up by the reverse Kaplan-Meier curve, any event ending the follow-up of no one."""
    from radiogen.stats import reverse_kaplan_meier

    rows = []
    for name, endpoint in cohort.endpoints.items():
        data = endpoint.data[endpoint.known]
        events, follow, detail = np.nan, np.nan, ""
        if endpoint.kind in ("survival", "competing") and len(data):
            status = data["event" if endpoint.kind == "survival" else "status"].astype(int)
            events = int((status == 1).sum())
            follow = float(np.asarray(reverse_kaplan_meier(data["time"], (status > 0).astype(int)).estimate).ravel()[0])
            if endpoint.kind == "competing":
                detail = ", ".join(f"{label} {int((status == i).sum())}" for i, label in enumerate(endpoint.labels, start=1))
        elif endpoint.kind not in ("survival", "competing"):
            counts = data["value"].astype(str).value_counts()
            detail = ", ".join(f"{c} {int(counts.get(str(c), 0))}" for c in endpoint.labels)
            events = int(counts.get(str(endpoint.labels[1]), 0)) if endpoint.kind == "binary" else np.nan
        rows.append((name, endpoint.label, endpoint.kind, endpoint.unit, len(data), events, follow, detail))
    return pd.DataFrame(rows, columns=["name", "label", "kind", "unit", "n", "events", "median_follow_up", "detail"])
