"""Locked models on another cohort: predictions, performance, calibration drift, and inputs outside the training range."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from radiogen.analysis.bundles.files import load_bundle
from radiogen.analysis.bundles.summary import units_of_modalities
from radiogen.analysis.classtables import class_tables, probability_columns
from radiogen.analysis.locked import LockedModel, LockedModels, LockedNetwork
from radiogen.analysis.provenance import settings_of, versions
from radiogen.analysis.result import Result
from radiogen.analysis.risktables import risk_tables
from radiogen.errors import RadiogenError, fail

if TYPE_CHECKING:
    from radiogen.cohort.cohort import Cohort

RANGES = ["predictor", "low", "high", "n", "outside", "missing", "missing_in_development", "new_levels"]
DRIFT = ["model", "inputs", "metric", "development", "estimate", "lower", "upper", "n"]
#: fewer units with a known outcome of a class, or events, are not judged
_FEWEST = 2


def predict(bundle: str | Path | LockedModels, cohort: Cohort, model: str | None = None, inputs: str | None = None) -> Result:
    """Apply locked models to a cohort that they were not developed on.

    Parameters
    ----------
    bundle : path or LockedModels
        A folder that ``result.model.save(folder)`` wrote, or ``result.model`` itself.
    cohort : Cohort
        With features extracted; what is declared in it decides units, scales and codes.
    model, inputs : str, optional
        Only this model, or these inputs; default all that the cohort has the blocks for.

    Returns
    -------
    Result
        Of kind ``"predict"``: ``predictions`` with one row per unit, model and inputs (truth where it is known; ``absent``
        names the blocks of which nothing is known of the unit); tables ``ranges`` (each predictor's share of values outside
        the central 98 % of the development data, and of missing values), and where the outcome is known ``performance``,
        ``comparisons``, ``roc``, ``confusion`` and ``drift`` (discrimination and calibration here and out of fold in
        development).

    Raises
    ------
    RadiogenError
        RG802 for a folder that is no bundle, RG702 for a model that it does not hold, RG701 where the cohort has none of
        the blocks, RG203 for predictors that the cohort lacks, RG706 for features that are not extracted, RG705 for pictures
        in another unit, RG109 or RG709 for a batch that is not declared, or that harmonisation does not know.

    Notes
    -----
    Nothing is learnt from the cohort: preprocessing, harmonisation, weights and cut-points stay as they were locked.
    A network predicts from the blocks that the cohort has; other models need all of theirs.

    Examples
    --------
    >>> import radiogen as rg                                                      # doctest: +SKIP
    >>> result = rg.analysis.classify(cohort, "TP53", model="fusion")              # doctest: +SKIP
    >>> folder = result.model.save("tp53-bundle")                                  # doctest: +SKIP
    >>> rg.analysis.predict("tp53-bundle", rg.load_cohort("other/cohort.yaml")).tables["drift"]   # doctest: +SKIP
    """
    models = bundle if isinstance(bundle, LockedModels) else load_bundle(bundle)
    about = models.about
    if not hasattr(cohort, "modalities"):
        raise fail("RG705", f"`cohort` must be a cohort, not {type(cohort).__name__}", value=cohort,
                   fix="Give rg.load_cohort(\"cohort.yaml\").")  # fmt: skip
    chosen = chosen_models(models, model, inputs)
    _same_units(about, cohort, {b for m in chosen.values() for b in m.blocks})
    known, truth, notes = _truth(about, cohort)
    parts = []
    for (name, label), locked in chosen.items():
        lacking = [b for b in locked.blocks if _has_nothing_of(cohort, b, about["blocks"].get(b, ()))]
        if lacking and (isinstance(locked, LockedModel) or len(lacking) == len(locked.blocks)):
            notes.append(f"{name} on {label} was left out: the cohort has no {', '.join(lacking)}.")
            continue
        if lacking:
            notes.append(f"The cohort has no {', '.join(lacking)}; {name} on {label} predicts from the rest.")
        parts.append(_rows(locked, cohort, name, label, known, truth, about["blocks"]))
    if about["cohort"] == cohort.name:
        notes.append("The cohort has the name of that of development: predictions for the same units are no validation.")
    if lost := list(dict.fromkeys(e["model"] for e in about.get("left_out", ()))):
        notes.append(f"Not in the bundle, because they hold values of patients: {', '.join(lost)}.")
    if not parts:
        raise fail("RG701", f"no model of the bundle can be applied to {cohort.name}: " + " ".join(notes))
    predictions = pd.concat(parts, ignore_index=True)
    tables, more = _judged(about, predictions)
    used = {(p["model"].iloc[0], p["inputs"].iloc[0]) for p in parts}
    tables["ranges"] = input_ranges(about["predictors"], cohort, {b for k in used for b in chosen[k].blocks})
    return Result(
        kind="predict", title=f"{about['target']}: locked models of {about['cohort']} on {cohort.name}", tables=tables,
        predictions=predictions, settings=settings_of(cohort, analysis="predict", target=about["target"],
                                                      developed_on=about["cohort"], developed_n=about["n"]),
        versions=versions(), methods=(_method(about, cohort),), notes=(*notes, *more), model=models,
    )  # fmt: skip


def _same_units(about: Mapping[str, Any], cohort: Cohort, blocks: set[str]) -> None:
    """RG705 where a modality is declared in another unit than that of development: its numbers mean something else."""
    here = units_of_modalities(cohort, blocks)
    for name, unit in about.get("units", {}).items():
        if here.get(name, unit) != unit:
            raise fail("RG705", f"the models know {name} in {unit}, and the cohort declares {here[name]}",
                       column=f"modalities.{name}.unit", value=here[name],
                       fix="Convert it (`to_kpa: true` for elastograms in m/s), or leave these inputs out.")  # fmt: skip


def chosen_models(
    models: LockedModels, model: str | None, inputs: str | None
) -> dict[tuple[str, str], LockedModel | LockedNetwork]:
    """The models of these names.

    Raises
    ------
    RadiogenError
        RG702 if there is none.
    """
    found = {k: m for k, m in models.models.items() if model in (None, k[0]) and inputs in (None, k[1])}
    if not found:
        names = "; ".join(f"{m} on {i}" for m, i in models.models)
        raise fail("RG702", f"the bundle has no model '{model or '(any)'}' on '{inputs or '(any)'}'", value=model or inputs,
                   fix=f"It has: {names}.")  # fmt: skip
    return found


def _has_nothing_of(cohort: Cohort, block: str, columns: Sequence[str]) -> bool:
    """Whether a block is not there at all; a modality whose features are yet to be extracted is there."""
    if block in cohort.config.modalities:
        return False
    return block not in cohort.blocks or not set(columns) & set(cohort.frame(block).columns)


def _truth(about: Mapping[str, Any], cohort: Cohort) -> tuple[pd.Series, pd.DataFrame, list[str]]:
    """Whose outcome is known, and it; nobody's where the cohort does not declare it, and a note where it declares another."""
    target = about["target"]
    nobody = pd.Series(False, index=cohort.index), pd.DataFrame(index=cohort.index)
    try:
        if about["kind"] == "survive":
            found = cohort.survival(target)[["time", "event"]].reindex(cohort.index)
            return found.notna().all(axis=1), found, []
        values = cohort.target(target).values.reindex(cohort.index)
    except RadiogenError as error:
        first = error.problems[0]
        return *nobody, [] if first.code == "RG109" else [f"{target} cannot be compared with: {first.message}."]
    values = values.astype(object).where(values.notna(), None)
    words = values.map(str, na_action="ignore")
    known = words.isin(list(about["classes"]))
    strange = sorted(set(words[~known].dropna()))
    notes = [f"{int((words.notna() & ~known).sum())} units are of a class that the models do not know ({', '.join(strange)})."]
    return known, pd.DataFrame({"truth": words}), notes if strange else []


def _rows(
    locked: LockedModel | LockedNetwork, cohort: Cohort, name: str, label: str, known: pd.Series, truth: pd.DataFrame,
    blocks: Mapping[str, Sequence[str]],
) -> pd.DataFrame:  # fmt: skip
    found = LockedModels({(name, label): locked}).predict(cohort, name, label)
    frame = pd.DataFrame({
        "unit": found.index, "group": pd.factorize(cohort.units.loc[found.index, "group"])[0], "repeat": 0, "fold": -1,
        "model": name, "inputs": label, "set": "external", "known": known.loc[found.index].to_numpy(),
        "absent": _absent(cohort, locked.blocks, blocks).loc[found.index].to_numpy(),
    })  # fmt: skip
    for column in truth.columns:
        frame[column] = truth.loc[found.index, column].to_numpy()
    if not locked.classes:
        frame["risk"] = found["risk"].to_numpy()
        return frame
    values = found.to_numpy()
    names = np.asarray(locked.classes, dtype=object)
    frame["predicted"] = names[values.argmax(axis=1)]
    if locked.threshold is not None:
        frame["predicted"] = names[(values[:, 1] >= locked.threshold).astype(int)]
    frame["threshold"] = np.nan if locked.threshold is None else locked.threshold
    columns = probability_columns(locked.classes)
    for k, column in enumerate(columns):
        frame[column] = values[:, 1] if len(columns) == 1 else values[:, k]
    return frame


def _absent(cohort: Cohort, names: Sequence[str], blocks: Mapping[str, Sequence[str]]) -> pd.Series:
    """By unit, the blocks of which none of the predictors is known."""
    words = pd.Series("", index=cohort.index)
    for name in names:
        there = name in cohort.blocks and (name in cohort.modalities or name not in cohort.config.modalities)
        frame = cohort.frame(name) if there else pd.DataFrame(index=cohort.index)
        own = [c for c in blocks.get(name, ()) if c in frame.columns]
        nothing = ~frame[own].notna().any(axis=1)
        words = words.where(~nothing, words + (words != "").map({True: ", ", False: ""}) + name)
    return words


def _judged(about: Mapping[str, Any], predictions: pd.DataFrame) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """Tables from the units whose outcome is known."""
    own = predictions[predictions["known"]].drop(columns="known").reset_index(drop=True)
    if not len(own):
        return {}, ["The outcome is not known in this cohort: predictions are not judged."]
    labels = list(dict.fromkeys(own["inputs"]))
    base = "clinical" if "clinical" in labels else labels[0]
    if about["kind"] == "survive":
        if own.drop_duplicates("unit")["event"].sum() < _FEWEST:
            return {}, ["There are too few events in this cohort: predictions are not judged."]
        own = own.astype({"event": int})
        performance, comparisons, notes = risk_tables(about["target"], base, own)
        tables = {"performance": performance, "comparisons": comparisons}
    else:
        classes = tuple(about["classes"])
        present = own.drop_duplicates("unit")["truth"].value_counts()
        if (present >= _FEWEST).sum() < 2:
            return {}, ["Fewer than two classes have two units with a known outcome here: predictions are not judged."]
        tables, made = class_tables(about["target"], classes, base, [], own)
        notes = list(made)
        tables.pop("features")
    tables["drift"] = _drift(about["development"], tables)
    return tables, notes


def _drift(development: Mapping[str, Sequence[Mapping[str, Any]]], tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Each measure here beside the out-of-fold one of the development data."""
    before: dict[tuple[str, str, str], float] = {}
    for row in development.get("performance", ()):
        before[row["model"], row["inputs"], _metric(row)] = _number(row["estimate"])
    for row in development.get("calibration", ()):
        for name in _CALIBRATION:
            before[row["model"], row["inputs"], f"calibration {name}"] = _number(row.get(name))
    rows = [
        {"model": r["model"], "inputs": r["inputs"], "metric": _metric(r), "estimate": r["estimate"], "lower": r["lower"],
         "upper": r["upper"], "n": r["n"]}
        for r in tables["performance"].to_dict("records")
    ]  # fmt: skip
    for r in tables["calibration"].to_dict("records") if "calibration" in tables else ():
        rows += [
            {"model": r["model"], "inputs": r["inputs"], "metric": f"calibration {name}", "estimate": r.get(name, np.nan),
             "lower": r.get(f"{name}_lower", np.nan), "upper": r.get(f"{name}_upper", np.nan), "n": r.get("n", np.nan)}
            for name in _CALIBRATION
        ]  # fmt: skip
    frame = pd.DataFrame(rows)
    frame["development"] = [before.get((r["model"], r["inputs"], r["metric"]), np.nan) for r in rows]
    return frame[DRIFT]


_CALIBRATION = ("intercept", "slope", "brier")


def _metric(row: Mapping[str, Any]) -> str:
    """The measure with its class where there are several."""
    return f"AUC of {row['class']}" if row["metric"] == "AUC" and row["class"] else str(row["metric"])


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)


def input_ranges(predictors: Mapping[str, Mapping[str, Any]], cohort: Cohort, blocks: set[str]) -> pd.DataFrame:
    """How far the values of a cohort lie outside those of the development data.

    Parameters
    ----------
    predictors : mapping
        Of the bundle: ``low`` and ``high`` (1st and 99th percentile) or ``levels``, and ``missing``, of each column.
    cohort : Cohort
    blocks : set of str
        Blocks that the models use.

    Returns
    -------
    DataFrame
        ``predictor``, ``low``, ``high``, ``n`` (known here), ``outside`` (share of these; 0.02 is what the development
        data have), ``missing`` here and ``missing_in_development``, ``new_levels``; the farthest first.
    """
    there = [b for b in cohort.blocks if b in blocks and (b in cohort.modalities or b not in cohort.config.modalities)]
    frame = cohort.frame(*there) if there else pd.DataFrame(index=cohort.index)
    rows: list[dict[str, Any]] = []
    for name, own in predictors.items():
        if name not in frame.columns:
            continue
        known = frame[name].dropna()
        row = {
            "predictor": name, "low": own.get("low", np.nan), "high": own.get("high", np.nan), "n": len(known),
            "missing": float(frame[name].isna().mean()), "missing_in_development": own["missing"], "new_levels": "",
        }  # fmt: skip
        if "levels" in own:
            words = known.map(lambda v: f"{v:.15g}" if isinstance(v, float) else str(v)).astype(object)
            strange = ~words.isin(own["levels"])
            row["new_levels"] = ", ".join(sorted(set(words[strange])))
        elif own["low"] is None:
            strange = pd.Series(False, index=known.index)
        else:
            number = pd.to_numeric(known, errors="coerce")
            strange = ~number.between(own["low"], own["high"])
        rows.append({**row, "outside": float(strange.mean()) if len(known) else np.nan})
    made = pd.DataFrame(rows, columns=RANGES)
    return made.sort_values(["outside", "predictor"], ascending=[False, True], ignore_index=True)


def _method(about: Mapping[str, Any], cohort: Cohort) -> str:
    return (
        f"Models of {about['target']}, developed on {about['n']} units of {about['cohort']} and locked, were applied to "
        f"{len(cohort)} units of {cohort.name} without any change; ranges of inputs are the central 98 % of the development data."
    )
