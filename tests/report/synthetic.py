"""Made-up results of every kind and a small cohort: what a report is made from, without an analysis."""

from __future__ import annotations

import numpy as np
import pandas as pd

from radiogen.analysis.result import Result
from radiogen.cohort.cohort import Cohort, Source
from radiogen.cohort.config import CohortConfig
from radiogen.cohort.ledger import Ledger
from radiogen.errors import problem

INPUTS = ("clinical", "bmode", "swe", "clinical + bmode + swe")
MODELS = ("elastic_net", "forest")


def cohort(
    n: int = 60, *, simulated: bool = True, name: str = "Example", show_ids: bool = False, min_cell: int = 5
) -> Cohort:
    """A cohort of n patients, ids P0001 …, of which the report needs name, ledger, findings and sources."""
    config = CohortConfig.model_validate({
        "radiogen": 1,
        "cohort": {
            "name": name, "description": "A small cohort for tests.", "citation": "Nobody et al., 2026",
            "simulated": {"n": n, "seed": 3} if simulated else None,
        },
        "tables": {"clinical": {"path": "clinical.csv", "id": "patient_id"}},
        "privacy": {"min_cell": min_cell, "show_ids": show_ids},
        "seed": 7,
    })
    index = pd.Index([f"P{i:04d}" for i in range(n)], name="patient")
    units = pd.DataFrame({"patient": index, "group": index, "external": [i >= n - 12 for i in range(n)]}, index=index)
    ledger = (
        Ledger(n + 9)
        .add("reading", "clinical table has no row", [f"x{i}" for i in range(4)])
        .add("rules", "benign lesion", [f"y{i}" for i in range(5)])
        .add("split", "centre B", index[-12:], scope="external")
        .add("extraction", "empty mask", index[:3], scope="bmode")
        .add("endpoints", "time not known", index[:7], scope="os")
    )
    found = (
        problem("RG304", "HER2 2+ without ISH in 6 patients"),
        problem("RG507", f"images of '{index[0]}' and '{index[1]}' are nearly the same", file="bmode.csv", row=3),
    )
    empty = pd.DataFrame(index=index)
    return Cohort(
        config=config, units=units, clinical=empty, predictors=(), markers=empty, mutations=empty,
        subtype=pd.Series(index=index, dtype=object), endpoints={}, images=pd.DataFrame({"unit": []}), modalities={},
        ledger=ledger, findings=found, sources=(Source("clinical", "clinical.csv", "ab" * 32),),
    )


def associations(features: int = 40, targets: tuple[str, ...] = ("TP53", "PIK3CA"), seed: int = 1) -> pd.DataFrame:
    """Associations of the binary targets (AUC) and of subtype (epsilon squared)."""
    rng = np.random.default_rng(seed)
    rows = []
    for target in (*targets, "subtype"):
        p = np.clip(rng.uniform(size=features) ** 3, 1e-9, 1)
        q = np.minimum(1, p * features / (np.argsort(np.argsort(p)) + 1))
        for i in range(features):
            effect = 0.5 + rng.choice([-1, 1]) * 0.05 * -np.log10(p[i]) / 1.5 if target != "subtype" else -np.log10(p[i]) / 20
            rows.append({
                "feature": f"bmode_original_glcm_Feature{i:02d}" if i % 2 else f"swe_mean_{i:02d}_kpa",
                "modality": "bmode" if i % 2 else "swe", "target": target,
                "test": "Mann-Whitney" if target != "subtype" else "Kruskal-Wallis", "statistic": 100.0 + i,
                "effect": effect, "effect_name": "AUC" if target != "subtype" else "epsilon squared",
                "lower": effect - 0.07, "upper": effect + 0.07, "n": 52 - i % 3, "p": p[i], "q": q[i],
                "adjusted_or": np.nan if target == "subtype" else float(np.exp((effect - 0.5) * 5)),
                "adjusted_lower": np.nan if target == "subtype" else float(np.exp((effect - 0.5) * 5 - 0.4)),
                "adjusted_upper": np.nan if target == "subtype" else float(np.exp((effect - 0.5) * 5 + 0.4)),
                "adjusted_p": np.nan if target == "subtype" else min(1.0, p[i] * 1.5),
                "adjusted_q": np.nan if target == "subtype" else min(1.0, q[i] * 1.5),
            })
    return pd.DataFrame(rows)


def associate(features: int = 40) -> Result:
    """An associate result."""
    return Result(
        "associate", "Features and genes", {"associations": associations(features)},
        settings={"seed": 7, "targets": ["TP53", "PIK3CA", "subtype"], "adjust": ["age", "grade"]},
        versions={"python": "3.11", "pandas": "2.3"},
        methods=("Each feature was compared between classes with the Mann-Whitney test.", "P-values were adjusted."),
        notes=("PIK3CA has 9 mutated patients only.",),
    )


def classify() -> Result:
    """A classify result of a binary target with two models and an external set."""
    rng = np.random.default_rng(4)
    performance, curves, confusion, calibration, features, comparisons, thresholds = [], [], [], [], [], [], []
    for m, model in enumerate(MODELS):
        for i, inputs in enumerate(INPUTS):
            auc = 0.62 + 0.05 * i + 0.02 * m
            base = {"model": model, "inputs": inputs, "set": "development"}
            performance.append({
                "target": "TP53", "class": "mutated", **base, "metric": "AUC", "estimate": auc, "lower": auc - 0.09,
                "upper": auc + 0.08, "p": np.nan, "n": 48, "events": 21, "method": "DeLong",
            })
            fpr = np.linspace(0, 1, 40)
            tpr = fpr ** ((1 - auc) / auc)
            curves += [{"target": "TP53", "class": "mutated", **base, "fpr": a, "tpr": b, "threshold": 1 - a}
                       for a, b in zip(fpr, tpr, strict=True)]
            calibration += [{**base, "predicted": x, "observed": min(1, max(0, x + rng.normal(0, 0.06))),
                             "lower": max(0, x - 0.15), "upper": min(1, x + 0.15)} for x in np.linspace(0.1, 0.9, 6)]
            confusion += [{**base, "truth": t, "predicted": p, "n": v} for (t, p), v in {
                ("wild type", "wild type"): 20 + i, ("wild type", "mutated"): 7 - i,
                ("mutated", "wild type"): 8 - i, ("mutated", "mutated"): 13 + i}.items()]
            thresholds += [{**base, "class": "mutated", "threshold": 0.43, "metric": k, "estimate": v, "lower": v - 0.1,
                            "upper": v + 0.08, "n": 48} for k, v in {"sensitivity": 0.7, "specificity": 0.75}.items()]
            if i < 3:
                comparisons.append({
                    "target": "TP53", "model": model, "inputs_a": INPUTS[3], "inputs_b": inputs, "metric": "AUC",
                    "estimate": 0.15 - 0.05 * i, "lower": 0.02 - 0.05 * i, "upper": 0.28 - 0.05 * i, "statistic": 2.2,
                    "p": 0.027 * (i + 1), "n": 48, "method": "paired DeLong",
                })
            features += [{"model": model, "inputs": inputs, "feature": f"swe_feature_{k}_kpa",
                          "selected_share": 1 - k / 14, "coefficient": (-1) ** k * (1.2 - k / 12)} for k in range(12)]
    tables = {
        "performance": performance, "comparisons": comparisons, "roc": curves, "thresholds": thresholds,
        "confusion": confusion, "calibration_curve": calibration, "features": features,
        "calibration": [{"model": "elastic_net", "inputs": INPUTS[3], "set": "development", "intercept": 0.02,
                         "intercept_lower": -0.3, "intercept_upper": 0.34, "slope": 0.91, "slope_lower": 0.5,
                         "slope_upper": 1.3, "brier": 0.19, "ici": 0.04}],
    }
    predictions = pd.DataFrame({"unit": ["P0001"], "group": ["P0001"], "truth": [1.0], "prediction": [0.4]})
    return Result(
        "classify", "TP53 mutation", {k: pd.DataFrame(v) for k, v in tables.items()}, predictions=predictions,
        settings={"seed": 7, "target": "TP53", "folds": 5, "repeats": 3}, versions={"python": "3.11", "scikit-learn": "1.9"},
        methods=("Models were evaluated by nested cross-validation, 5 folds, 3 repeats.",),
        notes=("There are 2.6 events for each candidate variable.",),
    )


def survive() -> Result:
    """A survive result with two groups and a term that cannot be estimated."""
    km, risk = [], []
    for g, (group, rate) in enumerate({"Ki-67 low": 0.006, "Ki-67 high": 0.016}.items()):
        n, survival = 30, 1.0
        for k in range(25):
            survival *= 1 - rate * 2
            n -= 1
            km.append({
                "grouping": "ki67", "group": group, "time": 4.0 * (k + 1), "survival": survival,
                "lower": max(0, survival - 0.02 * k**0.5 * 3), "upper": min(1, survival + 0.015 * k**0.5 * 3),
                "n_risk": n, "n_event": (k + g) % 2, "n_censor": (k + g + 1) % 2,
            })
        risk += [{"grouping": "ki67", "group": group, "time": float(t), "n_risk": max(0, 30 - t // 4)}
                 for t in range(0, 101, 20)]
    cox = []
    for model in ("univariable", "multivariable"):
        for term, level, hr in (("age", "", 1.02), ("grade", "3", 2.1), ("swe_mean_kpa", "", 1.35), ("er", "positive", np.nan)):
            cox.append({
                "model": model, "term": term, "level": level, "estimate": hr, "lower": hr * 0.8, "upper": hr * 1.4,
                "p": np.nan if np.isnan(hr) else 0.04, "n": 60, "events": 24, "method": "Cox, Efron",
                "note": "separates the outcome" if np.isnan(hr) else "",
            })
    performance = [{
        "target": "os", "model": "cox", "inputs": i, "set": "development", "metric": "Harrell's C", "estimate": 0.6 + k / 20,
        "lower": 0.5 + k / 20, "upper": 0.68 + k / 20, "p": np.nan, "n": 60, "events": 24, "method": "infinitesimal jackknife",
    } for k, i in enumerate(INPUTS)]
    logrank = [{"grouping": "ki67", "statistic": 5.1, "df": 1, "p": 0.024, "n": 60, "events": 24}]
    return Result(
        "survive", "Overall survival",
        {"km": pd.DataFrame(km), "risk_table": pd.DataFrame(risk), "logrank": pd.DataFrame(logrank),
         "cox": pd.DataFrame(cox), "performance": pd.DataFrame(performance)},
        settings={"seed": 7, "endpoint": "os", "unit": "months"}, versions={"lifelines": "0.30"},
        methods=("Survival was estimated by the Kaplan-Meier method with log-log intervals.",),
    )


def describe(group: str = "TP53") -> Result:
    """A describe result with a small cell in Table 1, in the mutations and in the subtypes."""
    table_one = pd.DataFrame([
        ("n", "", "", "60", "28", "32", "", ""),
        ("age", "mean (SD)", "0", "54.1 (11.2)", "53.0 (10.1)", "55.2 (12.0)", "0.412", "0.20"),
        ("grade", "1", "2", "11 (19.0 %)", "3 (11.1 %)", "8 (25.8 %)", "0.048", "0.52"),
        ("grade", "2", "", "27 (46.6 %)", "12 (44.4 %)", "15 (48.4 %)", "", ""),
        ("grade", "3", "", "20 (34.5 %)", "12 (44.4 %)", "8 (25.8 %)", "", ""),
    ], columns=["variable", "level", "missing", "overall", f"{group} mutated", f"{group} wild type", "p", "smd"])
    return Result("describe", "The cohort", {
        "table_one": table_one,
        "modalities": pd.DataFrame({"modality": ["bmode", "swe", "ceus"], "n": [57, 41, 22], "share": [0.95, 41 / 60, 22 / 60],
                                    "images": [60, 41, 0], "features": [107, 12, 9]}),
        "missing": pd.DataFrame({"variable": ["age", "grade", "ki67"], "n": [0, 2, 9], "share": [0, 2 / 60, 0.15]}),
        "markers": pd.DataFrame({"marker": ["er", "her2"], "positive": [40, 9], "negative": [18, 45], "not_known": [2, 6]}),
        "mutations": pd.DataFrame({"gene": ["TP53", "PIK3CA"], "mutated": [28, 3], "wild_type": [32, 49], "not_tested": [0, 8]}),
        "subtype": pd.DataFrame({"subtype": ["Luminal A-like", "Triple negative", "Luminal B-like HER2+"], "n": [31, 25, 4]}),
        "qc": pd.DataFrame({"code": ["RG304"], "severity": ["note"], "message": ["HER2 2+ without ISH"], "where": ["her2.csv"],
                            "n": [6]}),
    }, settings={"seed": 7}, versions={"python": "3.11"}, methods=("Continuous variables are given as mean and SD.",))


def extreme() -> list[Result]:
    """What real cohorts have and the others here lack: very small and very large numbers, an external set, forty groups."""
    tiny = associations(12).assign(effect_name="beta")
    small = tiny.assign(**{c: (tiny[c] - 0.5) * 1e-19 for c in ("effect", "lower", "upper")})
    inside = classify().tables
    both = {k: pd.concat([v, v.assign(set="external")], ignore_index=True) for k, v in inside.items()}
    features = inside["features"].assign(coefficient=lambda f: f["coefficient"] * 3e-7)
    shrunk = {**both, "features": features.assign(feature=[f"{'bmode_log_sigma_1_0_mm_3D_glcm_' * 3}{i}" for i in range(len(features))])}
    rows = [(f"the hospital of district {g}", 2e6 * (k + 1), 1 - 0.1 * (k + 1)) for g in range(40) for k in range(6)]
    curve = pd.DataFrame(rows, columns=["group", "time", "survival"]).assign(grouping="centre", n_risk=30, n_event=1, n_censor=0)
    risk = pd.DataFrame([("centre", f"the hospital of district {g}", t, 30) for g in range(40) for t in (0.0, 4e6, 8e6)],
                        columns=["grouping", "group", "time", "n_risk"])
    six = curve[curve["group"].str[-2:].isin([f" {g}" for g in range(6)])].assign(
        grouping="subtype", group=lambda f: "Luminal " + f["group"].str[-1])
    flat = curve[curve["group"] == "the hospital of district 0"].assign(survival=1.0, grouping="overall", n_event=0, lower=1.0, upper=1.0)
    many = {"km": pd.concat([curve, six, flat]), "risk_table": risk}
    counts = pd.DataFrame({"gene": ["TP53"], "mutated": [2e7], "wild_type": [3e7], "not_tested": [1e7]})
    return [
        Result("associate", "Small effects", {"associations": small}), Result("classify", "Inside and outside", shrunk),
        Result("survive", "Forty centres", many, settings={"unit": "days"}), Result("describe", "Large counts", {"mutations": counts}),
    ]


def results() -> list[Result]:
    """One result of each kind."""
    return [describe(), associate(), classify(), survive()]
