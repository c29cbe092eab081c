"""Which figures each kind of result has: tables in, figures of :mod:`radiogen.plots` out.

A table that is absent or empty leaves its figure out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pandas as pd

from radiogen.analysis.result import FIGURE_BUILDERS, Result

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

Figures = dict[str, "Figure"]

#: rows of the forest plot of adjusted odds ratios
_ADJUSTED_ROWS = 20
#: an absolute weight up to this is zero but for rounding
_NOTHING = 1e-9


def _table(result: Result, *names: str) -> pd.DataFrame:
    """The first of these tables that is there and has rows; else an empty frame."""
    for name in names:
        table = result.tables.get(name)
        if table is not None and len(table):
            return table
    return pd.DataFrame()


def _has(frame: pd.DataFrame, *columns: str) -> bool:
    """Whether the columns are there and each has a value that is known."""
    return all(c in frame and bool(frame[c].notna().any()) for c in columns)


def _key(*words: object) -> str:
    """A name for a figure: lower-case ASCII letters, digits and underscores."""
    return re.sub(r"[^a-z0-9]+", "_", "_".join(str(w) for w in words).lower()).strip("_")


def _put(figures: Figures, name: str, figure: Figure, table: str, suffix: str = "") -> None:
    """Add a figure under a free name, with the key of its table and what tells it from its neighbours."""
    meta = dict(figure.layout.meta)
    meta["table"] = table
    if suffix:
        meta["title"] = f"{meta['title']} ({suffix})"
    figure.layout.meta = meta
    free, index = name, 2
    while free in figures:
        free, index = f"{name}_{index}", index + 1
    figures[free] = figure


def _parts(frame: pd.DataFrame, *keys: str) -> Iterator[tuple[str, pd.DataFrame]]:
    """The frame cut by the keys it has; the word names only keys that vary."""
    present = [k for k in keys if k in frame]
    if not present:
        yield "", frame
        return
    varying = [k for k in present if frame[k].nunique(dropna=False) > 1]
    for _, part in frame.groupby(present, sort=False, dropna=False):
        yield ", ".join(_word(k, part[k].iloc[0]) for k in varying), part


def _word(key: str, value: object) -> str:
    from radiogen.plots.naming import model_name

    return model_name(value) if key == "model" else str(value).replace("_", " ")


def associate(result: Result) -> Figures:
    """Volcano plot and heat map for each effect measure, forest plot of adjusted odds ratios."""
    from radiogen import plots

    figures: Figures = {}
    frame = _table(result, "associations")
    if not _has(frame, "effect", "effect_name", "p"):
        return figures
    frame = frame[frame["effect"].notna() & frame["p"].notna()]
    if "q" not in frame:
        frame = frame.assign(q=float("nan"))
    for word, part in _parts(frame, "effect_name"):
        _put(figures, _key("volcano", word), plots.volcano(part), "associations")
    for word, part in _parts(frame, "effect_name"):
        if part["feature"].nunique() > 1 and part["target"].nunique() > 1:
            _put(figures, _key("heatmap", word), plots.association_heatmap(part), "associations")
    if _has(frame, "adjusted_or", "adjusted_lower", "adjusted_upper", "adjusted_p"):
        _put(figures, "adjusted", plots.forest(
            _adjusted(frame), effect="Adjusted odds ratio per SD", table="associations"
        ), "associations")
    return figures


def _adjusted(frame: pd.DataFrame) -> pd.DataFrame:
    from radiogen.plots.text import distinct, plain

    top = frame[frame["adjusted_or"].notna()].sort_values("adjusted_p", kind="stable").head(_ADJUSTED_ROWS)
    several = frame["target"].nunique() > 1
    label = top["feature"].astype(str) + (", " + top["target"].astype(str) if several else "")
    columns = {"adjusted_or": "estimate", "adjusted_lower": "lower", "adjusted_upper": "upper", "adjusted_p": "p"}
    kept = top[[*columns, *(["n"] if "n" in top else [])]].rename(columns=columns)
    short = pd.Series(distinct(top["feature"], 36), index=top.index) + (
        pd.Series([f", {plain(t, 20)}" for t in top["target"]], index=top.index) if several else ""
    )
    return kept.assign(label=label, short=short)


def classify(result: Result) -> Figures:
    """Performance, differences, ROC, calibration, confusion matrices and features."""
    from radiogen import plots

    figures: Figures = {}
    performance = _table(result, "performance")
    if _has(performance, "metric", "estimate"):
        metric = _first_metric(performance)
        _put(figures, "performance", plots.performance(_headline(performance, metric), metric), "performance")
    _add_differences(figures, result)
    curves = _table(result, "roc")
    if _has(curves, "fpr", "tpr"):
        for word, part in _parts(_without_macro(curves), "set", "model"):
            _put(figures, _key("roc", word), plots.roc(part, performance), "roc", word)
    _add_calibration(figures, result)
    confusion = _table(result, "confusion")
    if _has(confusion, "truth", "predicted", "n"):
        for word, part in _last_inputs(confusion):
            _put(figures, _key("confusion", word), plots.confusion_matrix(part), "confusion", word)
    _add_importance(figures, result)
    _add_contributions(figures, result)
    _add_batches(figures, result)
    return figures


def _add_contributions(figures: Figures, result: Result) -> None:
    """What each modality contributed to the predictions of networks."""
    from radiogen import plots
    from radiogen.analysis.contributions import SCALES

    frame = _table(result, "modalities")
    if _has(frame, "modality", "estimate"):
        method = str(frame["method"].iloc[0]) if "method" in frame else ""
        scale = next((s for s in SCALES.values() if f", {s}," in method), "")
        _put(figures, "modalities", plots.modality_contributions(frame, scale=scale), "modalities")


def _add_batches(figures: Figures, result: Result) -> None:
    """What harmonisation did to the batches."""
    from radiogen import plots

    what = str(result.settings.get("harmonize", {}).get("batch", "batch"))
    for name, draw in (("batch_variance", plots.batch_variance), ("batch_components", plots.batch_components)):
        frame = _table(result, name)
        if _has(frame, "stage"):
            _put(figures, name, draw(frame, what=what), name)


def _add_calibration(figures: Figures, result: Result) -> None:
    """Calibration by set and model; of a single group of predictions there is no curve."""
    from radiogen import plots

    frame = _table(result, "calibration_curve")
    if not _has(frame, "predicted", "observed"):
        return
    for word, part in _parts(frame, "set", "model"):
        keys = [k for k in ("inputs", "class") if k in part]
        if (part.groupby(keys, dropna=False).size().max() if keys else len(part)) > 1:
            _put(figures, _key("calibration", word), plots.calibration_curve(part), "calibration_curve", word)


def _first_metric(frame: pd.DataFrame) -> str:
    """The measure of discrimination: of many classes the macro average where there is one."""
    known = [str(m) for m in frame.loc[frame["estimate"].notna(), "metric"]]
    macro = [m for m in known if m.lower().startswith("macro")]
    preferred = [m for m in known if m.upper().startswith(("AUC", "C", "HARRELL", "UNO"))]
    return (macro or preferred or known)[0]


def _headline(frame: pd.DataFrame, metric: str) -> pd.DataFrame:
    """The rows of this metric; of many classes the macro average where there is one."""
    rows = frame[frame["metric"] == metric]
    if "class" in rows:
        macro = rows[rows["class"].astype(str).str.startswith("macro")]
        rows = macro if len(macro) else rows
    return rows


def _without_macro(curves: pd.DataFrame) -> pd.DataFrame:
    """Of many classes, the curves of the last inputs only: all of them at once cannot be read."""
    if "class" not in curves or curves["class"].nunique() < 3 or "inputs" not in curves:
        return curves
    return curves[curves["inputs"] == curves["inputs"].iloc[-1]]


def _last_inputs(frame: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Confusion matrices of the last inputs listed, which are all together, for each model and set."""
    rows = frame[frame["inputs"] == frame["inputs"].iloc[-1]] if "inputs" in frame else frame
    yield from _parts(rows, "set", "model")


def _add_differences(figures: Figures, result: Result) -> None:
    """Paired differences, one row for each inputs and model, one symbol for each set."""
    from radiogen import plots
    from radiogen.plots.naming import model_name

    frame = _table(result, "comparisons")
    if not _has(frame, "estimate", "lower", "upper", "inputs_a", "inputs_b"):
        return
    one_base, several = frame["inputs_b"].nunique() == 1, "model" in frame and frame["model"].nunique() > 1
    against = str(frame["inputs_b"].iloc[0])
    labels = [
        str(r["inputs_a"]) + ("" if one_base else f" − {r['inputs_b']}") + (f" ({model_name(r['model'])})" if several else "")
        for r in frame.to_dict("records")
    ]
    frame = frame.drop(columns="model", errors="ignore").assign(label=labels)
    if "set" in frame and frame["set"].nunique() > 1:
        frame = frame.assign(model=frame["set"])
    for word, part in _parts(frame, "metric"):
        metric = str(part["metric"].iloc[0]) if "metric" in part else "estimate"
        which = f"from {against} alone" if one_base else "between inputs"
        figure = plots.forest(part, effect=f"Difference in {metric} {which}", ratio=False, table="comparisons")
        figure.layout.meta = {**figure.layout.meta, "title": f"Differences in {metric} {which}"}
        _put(figures, _key("differences", word), figure, "comparisons")


#: models whose weights are no coefficients, and what they are
_WEIGHTS = {
    "forest": "Importance (mean decrease in impurity)", "rsf": "Importance",
}


def _add_importance(figures: Figures, result: Result) -> None:
    """The weights of the last inputs, which are all together, by the name that fits the model."""
    from radiogen import plots

    for name in ("features", "importance"):
        frame = _table(result, name)
        weights = [c for c in ("importance", "coefficient", "selected_share") if _has(frame, c)]
        if not weights or "feature" not in frame:
            continue
        rows = frame[frame["inputs"] == frame["inputs"].iloc[-1]] if "inputs" in frame else frame
        several = len(result.settings.get("classes", ())) > 2
        for word, part in _parts(rows, "model", "class"):
            model = str(part["model"].iloc[0]) if "model" in part else ""
            weight = next((w for w in ("importance", "coefficient") if _has(part, w)), "")
            called = ""
            if weight == "coefficient":
                called = _WEIGHTS.get(model, "Mean absolute coefficient per SD" if several else "Coefficient per SD")
            if model in _WEIGHTS and weight == "coefficient":
                part = part.drop(columns="importance", errors="ignore").rename(columns={"coefficient": "importance"})
                weight = "importance"
            # a weight of nothing but zeros, and a share where every feature was always used, say nothing
            if (part[weight].abs() > _NOTHING).any() if weight else part["selected_share"].nunique() > 1:
                _put(figures, _key("importance", word), plots.importance(part, weight_name=called), name, word)
        return


def survive(result: Result) -> Figures:
    """Kaplan-Meier curves by grouping, forest plot of Cox models, discrimination."""
    from radiogen import plots

    figures: Figures = {}
    _add_curves(figures, result)
    cox = _table(result, "cox")
    if _has(cox, "estimate") and {"lower", "upper"} <= set(cox):
        _put(figures, "forest", plots.forest(cox), "cox")
    performance = _table(result, "performance")
    if _has(performance, "metric", "estimate"):
        metric = _first_metric(performance)
        _put(figures, "performance", plots.performance(_headline(performance, metric), metric), "performance")
    _add_differences(figures, result)
    _add_calibration(figures, result)
    _add_importance(figures, result)
    _add_contributions(figures, result)
    _add_batches(figures, result)
    return figures


def predict(result: Result) -> Figures:
    """Locked models in another cohort: each measure beside that of development, ROC, calibration, confusion matrices."""
    from radiogen import plots

    figures: Figures = {}
    frame = _table(result, "drift")
    if _has(frame, "metric", "estimate"):
        discrimination = [m for m in dict.fromkeys(frame["metric"]) if "AUC" in m or m.startswith("Harrell")]
        for metric in (*discrimination, "calibration slope", "calibration intercept"):
            if frame.loc[frame["metric"] == metric, "estimate"].notna().any():
                _put(figures, _key("drift", metric), plots.drift(frame, metric), "drift")
    _add_differences(figures, result)
    curves = _table(result, "roc")
    if _has(curves, "fpr", "tpr"):
        for word, part in _parts(_without_macro(curves), "model"):
            _put(figures, _key("roc", word), plots.roc(part, _table(result, "performance")), "roc", word)
    _add_calibration(figures, result)
    confusion = _table(result, "confusion")
    if _has(confusion, "truth", "predicted", "n"):
        for word, part in _last_inputs(confusion):
            _put(figures, _key("confusion", word), plots.confusion_matrix(part), "confusion", word)
    return figures


def _add_curves(figures: Figures, result: Result) -> None:
    """Survival, or with competing events the cumulative incidence of each cause, by grouping."""
    from radiogen import plots

    risk, logrank = _table(result, "risk_table"), _table(result, "logrank")
    unit = str(result.settings.get("time_unit", result.settings.get("unit", "")))
    for name, column, keys in (("km", "survival", ("grouping",)), ("cumulative_incidence", "incidence", ("grouping", "cause"))):
        curves = _table(result, name)
        if not _has(curves, "time", column, "group"):
            continue
        for _, part in _parts(curves, *keys):
            grouping = part["grouping"].iloc[0] if "grouping" in part else None
            at_risk, several = _of(risk, grouping), part["group"].nunique() > 1
            by = str(grouping) if several and grouping is not None else ""
            if name == "km":
                figure = plots.kaplan_meier(part, at_risk, unit=unit, by=by, p=_p_of(_of(logrank, grouping)))
            else:
                figure = plots.cumulative_incidence(part, at_risk, unit=unit, by=by)
            words = [str(part["cause"].iloc[0])] if "cause" in part else []
            words += [str(grouping)] if several and grouping is not None else []
            _put(figures, _key(name, *words), figure, name, ", ".join(words))


def _of(frame: pd.DataFrame, grouping: object) -> pd.DataFrame:
    return frame[frame["grouping"] == grouping] if len(frame) and "grouping" in frame and grouping is not None else frame


def _p_of(logrank: pd.DataFrame) -> float | None:
    return float(logrank["p"].iloc[0]) if len(logrank) == 1 and _has(logrank, "p") else None


def describe(result: Result) -> Figures:
    """Availability of modalities, values not known, mutations and subtypes."""
    from radiogen import plots

    figures: Figures = {}
    modalities = _table(result, "modalities")
    if _has(modalities, "modality", "n", "share"):
        _put(figures, "availability", plots.availability(modalities), "modalities")
    missing = _table(result, "missing")
    if _has(missing, "variable", "share") and (missing["share"] > 0).any():
        _put(figures, "missing", plots.missingness(missing), "missing")
    genes = _table(result, "mutations")
    if {"gene", "mutated", "wild_type", "not_tested"} <= set(genes):
        _put(figures, "mutations", plots.mutations(genes), "mutations")
    subtype = _table(result, "subtype")
    if _has(subtype, "subtype", "n"):
        _put(figures, "subtype", plots.classes(subtype), "subtype")
    return figures


_BUILDERS: dict[str, Callable[[Result], Figures]] = {
    "associate": associate,
    "classify": classify,
    "survive": survive,
    "describe": describe,
    "predict": predict,
}
FIGURE_BUILDERS.update(_BUILDERS)
