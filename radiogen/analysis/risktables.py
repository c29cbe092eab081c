"""Tables of predicted risk, each number from the predictions alone."""

from __future__ import annotations

import numpy as np
import pandas as pd

from radiogen.analysis.classtables import COMPARISONS, PERFORMANCE, parts_of
from radiogen.stats import withinfold


def risk_tables(endpoint: str, base: str, predictions: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Harrell's C of each model and inputs, paired differences from the base, and notes."""
    rows, found, notes = [], {}, []
    for (model, label, which), part in parts_of(predictions):
        fold = part["repeat"].to_numpy() * 1000 + part["fold"].to_numpy()
        unit, _ = pd.factorize(part["unit"])
        units = part.drop_duplicates("unit")
        c = withinfold.fold_harrell(
            part["time"].to_numpy(), part["event"].to_numpy(), part["risk"].to_numpy(), fold, unit,
            pd.factorize(units["group"])[0],
        )  # fmt: skip
        where = "pairs within test folds, " if which == "development" else ""
        row = {
            "target": endpoint, "class": "", "model": model, "inputs": label, "set": which, "metric": "Harrell C",
            "n": len(units), "events": int(units["event"].sum()),
            "method": f"Harrell's C, {where}infinitesimal jackknife, Wald",
        }  # fmt: skip
        if c is None:
            empty = dict.fromkeys(("estimate", "lower", "upper", "p"), np.nan)
            rows.append({**row, **empty, "method": "no comparable pair"})
            continue
        if c.degenerate:
            notes.append(f"No interval of Harrell's C of {model} on {label} ({which}): {c.degenerate}.")
        rows.append({**row, "estimate": c.estimate, "lower": c.lower, "upper": c.upper, "p": c.p})
        found[model, label, which] = c, row
    comparisons = []
    for (model, label, which), (c, row) in found.items():
        if label != base and (model, base, which) in found:
            d = withinfold.difference(c, found[model, base, which][0])
            comparisons.append({
                **row, "inputs_a": label, "inputs_b": base, "estimate": d.estimate, "lower": d.lower,
                "upper": d.upper, "statistic": d.statistic, "p": d.p, "method": f"paired difference, {row['method']}",
            })  # fmt: skip
    return pd.DataFrame(rows)[PERFORMANCE], pd.DataFrame(comparisons, columns=COMPARISONS), notes
