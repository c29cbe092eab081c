"""Tables of a classification, each number from the out-of-fold predictions alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radiogen.errors import RadiogenError
from radiogen.stats import withinfold
from radiogen.stats.withinfold import Concordance

if TYPE_CHECKING:
    from radiogen.analysis.classification import ClassData, FoldFit

_FOUND = ["metric", "estimate", "lower", "upper"]
PERFORMANCE = ["target", "class", "model", "inputs", "set", *_FOUND, "p", "n", "events", "method"]
COMPARISONS = ["target", "model", "inputs_a", "inputs_b", "set", *_FOUND, "statistic", "p", "n", "method"]
_WITHIN = "pairs within test folds, DeLong variance from placements averaged over repeats, Wald"
_DELONG = "DeLong, Wald"
_REPEATS = "mean of estimate and Wilson limits over repeats"
#: predictions of 0 or 1 are cut to this for the calibration slope
_CLIP = 0.001


def probability_columns(classes: tuple[str, ...]) -> list[str]:
    """Columns of the predictions that hold probabilities: one for two classes, else one per class."""
    return ["probability"] if len(classes) == 2 else [f"probability_{c}" for c in classes]


def predictions_of(data: ClassData, fits: list[FoldFit]) -> pd.DataFrame:
    """One row per unit, repeat, model and inputs; external units have repeat 0 and fold -1.

    ``probability`` is that of the second (positive) class; more classes have one column each.
    ``predicted`` is the class from ``threshold`` on, or the most probable of several.
    """
    ids, units = data.design.frame.index, data.design.group
    outside = np.flatnonzero(data.design.external)
    names = np.asarray(data.classes, dtype=object)
    columns = probability_columns(data.classes)
    parts = []
    for fit in fits:
        rows = outside if fit.locked is not None else data.design.development[fit.split.test]
        if not len(rows):
            continue
        p = fit.probability
        second = p[:, 1] >= fit.threshold if fit.threshold is not None else None
        guess = second.astype(int) if second is not None else p.argmax(axis=1)
        part = pd.DataFrame({
            "unit": ids[rows], "group": units[rows], "repeat": max(fit.split.repeat, 0), "fold": fit.split.fold,
            "model": fit.model, "inputs": fit.label, "set": "external" if fit.locked is not None else "development",
            "truth": names[data.y[rows]], "predicted": names[guess],
            "threshold": np.nan if fit.threshold is None else fit.threshold,
        })  # fmt: skip
        for i, column in enumerate(columns):
            part[column] = p[:, 1] if len(columns) == 1 else p[:, i]
        parts.append(part)
    frame = pd.concat(parts, ignore_index=True)
    order = ["set", "model", "inputs", "repeat", "unit"]
    place = {label: i for i, label in enumerate(data.design.sets)}
    return frame.sort_values(
        order, key=lambda c: c.map(place) if c.name == "inputs" else c, kind="stable", ignore_index=True
    )


def class_tables(
    target: str, classes: tuple[str, ...], base: str, fits: list[FoldFit], predictions: pd.DataFrame
) -> tuple[dict[str, pd.DataFrame], tuple[str, ...]]:
    """All tables but the flow, and notes for the reader."""
    performance, curves, cuts, confusion, calibration, bins = [], [], [], [], [], []
    areas: dict[tuple[str, str, str], Concordance] = {}
    notes: list[str] = []
    for key, part in parts_of(predictions):
        model, label, which = key
        head = {"target": target, "model": model, "inputs": label, "set": which}
        for name, area in class_areas(part, classes):
            performance.append(_area_row(head, name, area, part))
            if area is None:
                notes.append(f"No AUC of {name} in the {which} set: fewer than two units on one side.")
            elif area.degenerate:
                notes.append(f"No interval of the AUC of {model} on {label} ({which}): {area.degenerate}.")
            if area is not None and name in ("macro", classes[1]) and (len(classes) == 2 or name == "macro"):
                areas[key] = area
            if name != "macro" and area is not None:
                curves.append(_roc_rows(head, name, part, classes, which))
        performance += _share_rows(head, part, classes)
        confusion.append(_confusion_rows(head, part, classes))
        if len(classes) == 2:
            cuts += _cut_rows(head, part, classes)
            row, note = _calibration_row(head, part, classes)
            calibration.append(row)
            notes += note
            bins.append(_bins(head, part, classes))
    tables = {
        "performance": pd.DataFrame(performance)[PERFORMANCE],
        "comparisons": _comparisons(classes, base, areas, predictions, target),
        "roc": _stack(curves, ["target", "class", "model", "inputs", "set", "fpr", "tpr", "threshold"]),
        "confusion": _stack(confusion, ["model", "inputs", "set", "truth", "predicted", "n"]),
        "features": feature_table([(f.model, f.label, f.names, f.weights) for f in fits if f.locked is None]),
    }
    if len(classes) == 2:
        tables["thresholds"] = pd.DataFrame(cuts)
        tables["calibration"] = pd.DataFrame(calibration)
        tables["calibration_curve"] = _stack(bins, ["model", "inputs", "set", "predicted", "observed", "lower", "upper", "n"])
    return tables, tuple(dict.fromkeys(notes))


def parts_of(predictions: pd.DataFrame) -> Iterator[tuple[tuple[str, str, str], pd.DataFrame]]:
    """Predictions of one model, set of inputs and set of units at a time."""
    for key, part in predictions.groupby(["model", "inputs", "set"], sort=False):
        yield (str(key[0]), str(key[1]), str(key[2])), part


# -- areas -----------------------------------------------------------------------


def _codes(part: pd.DataFrame) -> tuple[NDArray[np.int_], NDArray[np.int_], NDArray[np.int_]]:
    """Fold number of each row, unit number of each row, and group number of each unit."""
    fold = part["repeat"].to_numpy() * 1000 + part["fold"].to_numpy()
    unit, _ = pd.factorize(part["unit"])
    group_of_unit = part.drop_duplicates("unit")["group"]
    return fold, unit, pd.factorize(group_of_unit)[0]


def class_areas(part: pd.DataFrame, classes: tuple[str, ...]) -> list[tuple[str, Concordance | None]]:
    """One-versus-rest areas by class and their macro mean; of two classes the positive one's alone."""
    fold, unit, group = _codes(part)
    truth = part["truth"].to_numpy()
    named = [classes[1]] if len(classes) == 2 else list(classes)
    found: list[tuple[str, Concordance | None]] = []
    for name, column in zip(named, probability_columns(classes), strict=True):
        found.append((name, withinfold.fold_auc(truth == name, part[column].to_numpy(), fold, unit, group)))
    if len(classes) > 2:
        areas = [a for _, a in found]
        whole = [a for a in areas if a is not None]
        found.append(("macro", withinfold.mean(whole) if len(whole) == len(areas) else None))
    return found


def _area_row(head: dict[str, str], name: str, area: Concordance | None, part: pd.DataFrame) -> dict[str, object]:
    units = part.drop_duplicates("unit")
    events = len(units) if name == "macro" else int((units["truth"] == name).sum())
    row: dict[str, object] = {
        **head, "class": name, "metric": "macro AUC" if name == "macro" else "AUC", "n": len(units), "events": events,
        "method": _WITHIN if head["set"] == "development" else _DELONG,
    }  # fmt: skip
    if area is None:
        return {**row, "estimate": np.nan, "lower": np.nan, "upper": np.nan, "p": np.nan, "method": "not estimable"}
    return {**row, "estimate": area.estimate, "lower": area.lower, "upper": area.upper, "p": area.p}


def _comparisons(
    classes: tuple[str, ...], base: str, areas: dict[tuple[str, str, str], Concordance], predictions: pd.DataFrame, target: str
) -> pd.DataFrame:
    """Each set of inputs against the base (clinical), on the same units and folds."""
    rows = []
    metric = "AUC" if len(classes) == 2 else "macro AUC"
    for (model, label, which), area in areas.items():
        if label == base or (model, base, which) not in areas:
            continue
        d = withinfold.difference(area, areas[model, base, which])
        n = predictions.loc[predictions["set"] == which, "unit"].nunique()
        rows.append({
            "target": target, "model": model, "inputs_a": label, "inputs_b": base, "set": which, "metric": metric,
            "estimate": d.estimate, "lower": d.lower, "upper": d.upper, "statistic": d.statistic, "p": d.p, "n": n,
            "method": f"paired difference, {_WITHIN if which == 'development' else _DELONG}",
        })  # fmt: skip
    return pd.DataFrame(rows, columns=COMPARISONS)


def _roc_rows(
    head: dict[str, str], name: str, part: pd.DataFrame, classes: tuple[str, ...], which: str
) -> pd.DataFrame:
    from radiogen.stats import roc_curve

    column = "probability" if len(classes) == 2 else f"probability_{name}"
    truth, score = (part["truth"] == name).to_numpy(), part[column].to_numpy()
    if which == "external":
        curve = roc_curve(truth.astype(int), score)
    else:
        # a mean of curves has no threshold of its own
        fpr, tpr = withinfold.mean_roc(truth, score, _codes(part)[0])
        curve = pd.DataFrame({"fpr": fpr, "tpr": tpr, "threshold": np.nan})
    return curve.assign(**head, **{"class": name})


# -- shares: per repeat, then the mean over repeats -----------------------------------


def _mean_share(pairs: list[tuple[int, int]]) -> tuple[float, float, float]:
    """Mean over repeats of k / n and its Wilson limits; repeats without a denominator are left out."""
    from radiogen.stats import proportion_interval

    kept = [(k, n) for k, n in pairs if n]
    if not kept:
        return float("nan"), float("nan"), float("nan")
    found = proportion_interval(np.array([k for k, _ in kept]), np.array([n for _, n in kept]))
    return tuple(float(np.mean(v)) for v in (found.estimate, found.lower, found.upper))  # type: ignore[return-value, arg-type]


def _share_rows(head: dict[str, str], part: pd.DataFrame, classes: tuple[str, ...]) -> list[dict[str, object]]:
    """Accuracy and balanced accuracy of the predicted classes."""
    right = (part["truth"] == part["predicted"]).groupby(part["repeat"])
    n, units = part["unit"].nunique(), part.drop_duplicates("unit")
    events = n if len(classes) > 2 else int((units["truth"] == classes[1]).sum())
    common = {**head, "class": classes[1] if len(classes) == 2 else "all", "p": np.nan, "n": n, "events": events}
    accuracy = _mean_share([(int(k), int(m)) for k, m in zip(right.sum(), right.size(), strict=True)])
    recalls = []
    for name in classes:
        own = part[part["truth"] == name]
        hit = (own["predicted"] == name).groupby(own["repeat"])
        if len(own):
            recalls.append(_mean_share([(int(k), int(m)) for k, m in zip(hit.sum(), hit.size(), strict=True)]))
    mid, low, high = (np.array(v) for v in zip(*recalls, strict=True))
    balanced = float(mid.mean())
    # the limits of a sum of independent shares from their own limits: Zou and Donner (2008), Stat Med 27:1693
    below, above = (float(np.sqrt((d**2).sum())) / len(mid) for d in (mid - low, high - mid))
    limits = (balanced - below, balanced + above)
    return [
        {**common, "metric": "balanced accuracy", "estimate": balanced, "lower": limits[0], "upper": limits[1],
         "method": "mean recall over classes and repeats, limits combined from Wilson's (MOVER)"},
        {**common, "metric": "accuracy", "estimate": accuracy[0], "lower": accuracy[1], "upper": accuracy[2],
         "method": _REPEATS},
    ]  # fmt: skip


def _cut_rows(head: dict[str, str], part: pd.DataFrame, classes: tuple[str, ...]) -> list[dict[str, object]]:
    """Sensitivity and its kin at the cut-points that the training folds chose."""
    sick, called = part["truth"] == classes[1], part["predicted"] == classes[1]
    cells: dict[str, list[tuple[int, int]]] = {m: [] for m in ("sensitivity", "specificity", "ppv", "npv", "accuracy")}
    for _, rows in part.groupby("repeat").groups.items():
        s, c = sick.loc[rows], called.loc[rows]
        cells["sensitivity"].append((int((s & c).sum()), int(s.sum())))
        cells["specificity"].append((int((~s & ~c).sum()), int((~s).sum())))
        cells["ppv"].append((int((s & c).sum()), int(c.sum())))
        cells["npv"].append((int((~s & ~c).sum()), int((~c).sum())))
        cells["accuracy"].append((int((s == c).sum()), len(s)))
    made = []
    for metric, pairs in cells.items():
        estimate, lower, upper = _mean_share(pairs)
        made.append({
            **head, "class": classes[1], "threshold": float(part["threshold"].mean()), "metric": metric,
            "estimate": estimate, "lower": lower, "upper": upper, "n": round(float(np.mean([n for _, n in pairs]))),
            "method": f"{_REPEATS}; cut-points of the training folds, their mean is shown",
        })  # fmt: skip
    return made


def _confusion_rows(head: dict[str, str], part: pd.DataFrame, classes: tuple[str, ...]) -> pd.DataFrame:
    """Counts per unit, averaged over repeats: rows sum to the size of the class."""
    counts = pd.crosstab(part["truth"], part["predicted"]).reindex(index=classes, columns=classes, fill_value=0)
    long = (counts / part["repeat"].nunique()).stack().rename("n").reset_index()
    return long.assign(**{k: v for k, v in head.items() if k != "target"})


# -- calibration ----------------------------------------------------------------------


def _calibration_row(
    head: dict[str, str], part: pd.DataFrame, classes: tuple[str, ...]
) -> tuple[dict[str, object], list[str]]:
    """Each measure per repeat, then the mean of estimates and limits over repeats."""
    from radiogen.stats import calibration

    row: dict[str, object] = {k: head[k] for k in ("model", "inputs", "set")}
    spread = part.groupby(["repeat", "fold"])["probability"].agg(np.ptp)
    brier = float(((part["truth"] == classes[1]) - part["probability"]).pow(2).mean())
    names = ("intercept", "intercept_lower", "intercept_upper", "slope", "slope_lower", "slope_upper")
    values: list[list[float]] = []
    why = "the predictions of every fold are constant" if (spread < 1e-9).all() else ""
    for _, one in [] if why else list(part.groupby("repeat")):
        try:
            found = calibration((one["truth"] == classes[1]).astype(int).to_numpy(), one["probability"].to_numpy(), clip=_CLIP)
        except RadiogenError as error:
            why = error.problems[0].message
            break
        estimate, lower, upper = (np.asarray(v, dtype=float) for v in (found.estimate, found.lower, found.upper))
        values.append([*(v[0] for v in (estimate, lower, upper)), *(v[1] for v in (estimate, lower, upper)), found.value("ici")])
    means = [float("nan")] * 7 if why else [float(v) for v in np.mean(values, axis=0)]
    row |= dict(zip(names, means[:6], strict=True)) | {"brier": brier, "ici": means[6], "n": part["unit"].nunique()}
    note = [f"No calibration slope of {head['model']} on {head['inputs']} ({head['set']}): {why}."] if why else []
    return row, note


def _bins(head: dict[str, str], part: pd.DataFrame, classes: tuple[str, ...]) -> pd.DataFrame:
    """Groups of equal size by predicted probability, each with at least 20 units where there are so many.

    A unit's probability is here its mean over repeats.
    """
    from radiogen.stats import proportion_interval

    units = part.groupby("unit", sort=False).agg(p=("probability", "mean"), truth=("truth", "first"))
    ranked = units.sort_values("p", kind="stable")
    pieces = np.array_split(np.arange(len(ranked)), max(1, min(10, len(ranked) // 20)))
    rows = []
    for piece in pieces:
        own = ranked.iloc[piece]
        share = proportion_interval(int((own["truth"] == classes[1]).sum()), len(own))
        rows.append((own["p"].mean(), share.estimate, share.lower, share.upper, len(own)))
    frame = pd.DataFrame(rows, columns=["predicted", "observed", "lower", "upper", "n"])
    return frame.assign(**{k: head[k] for k in ("model", "inputs", "set")})


# -- features -------------------------------------------------------------------------


def feature_table(fits: list[tuple[str, str, tuple[str, ...], NDArray[np.float64] | None]]) -> pd.DataFrame:
    """How often each column was used, and its mean weight over folds.

    A column is used where a linear model gave it a coefficient that is not zero, and where it passed the filters
    of another model.  The weight is the standardised coefficient (several classes: the mean absolute one), or
    the importance of a forest; a fold that did not use the column counts as zero.
    """
    totals: dict[tuple[str, str], dict[str, list[float]]] = {}
    folds: dict[tuple[str, str], int] = {}
    for model, label, names, weights in fits:
        sums = totals.setdefault((model, label), {})
        folds[model, label] = folds.get((model, label), 0) + 1
        if weights is None:
            value, used = np.full(len(names), np.nan), np.ones(len(names))
        else:
            value = weights[0] if len(weights) == 1 else np.abs(weights).mean(axis=0)
            used = np.ones(len(names)) if model == "forest" else (np.abs(weights) > 0).any(axis=0).astype(float)
        for name, v, u in zip(names, value, used, strict=True):
            own = sums.setdefault(name, [0.0, 0.0])
            own[0] += u
            own[1] += v
    rows = [
        (model, label, name, used / folds[model, label], value / folds[model, label])
        for (model, label), sums in totals.items()
        for name, (used, value) in sums.items()
    ]
    return pd.DataFrame(rows, columns=["model", "inputs", "feature", "selected_share", "coefficient"])


def _stack(parts: list[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)
