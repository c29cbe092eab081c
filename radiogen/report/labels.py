"""Words for the columns, tables and kinds that radiogen itself names; all else is shown as it stands."""

from __future__ import annotations

COLUMNS = {
    "adjusted_or": "Adjusted odds ratio", "adjusted_p": "Adjusted p", "adjusted_q": "Adjusted q",
    "brier": "Brier score", "class": "Class", "code": "Code", "coefficient": "Coefficient", "df": "df",
    "effect": "Effect", "effect_name": "Effect measure", "estimate": "Estimate", "events": "Events",
    "feature": "Feature", "features": "Features", "gene": "Gene", "group": "Group", "grouping": "Grouping",
    "ici": "ICI", "images": "Images", "importance": "Importance", "inputs": "Inputs", "inputs_a": "Inputs",
    "inputs_b": "against", "intercept": "Intercept", "level": "Level", "marker": "Marker",
    "message": "What was found", "method": "Method", "metric": "Metric", "missing": "Missing", "modality": "Modality",
    "model": "Model", "mutated": "Mutated", "n": "n", "note": "Note", "n_censor": "Censored", "n_event": "Events",
    "n_risk": "At risk", "negative": "Negative", "not_known": "Not known", "not_tested": "Not tested",
    "observed": "Observed", "p": "p", "positive": "Positive", "predicted": "Predicted", "q": "q", "reason": "Reason",
    "scope": "Concerns", "selected_share": "Used in folds", "set": "Set", "severity": "Severity", "share": "Share",
    "slope": "Slope", "smd": "SMD", "statistic": "Statistic", "step": "Step", "subtype": "Subtype",
    "survival": "Survival", "target": "Target", "term": "Term", "test": "Test", "threshold": "Threshold",
    "time": "Time", "truth": "Truth", "variable": "Variable", "where": "Where", "wild_type": "Wild type",
    "fpr": "1 − specificity", "tpr": "Sensitivity", "overall": "Overall", "endpoint": "Endpoint",
    "follow_up": "Median follow-up", "median_follow_up": "Median follow-up", "label": "Label", "detail": "Detail",
    "incidence": "Incidence", "cause": "Cause", "block": "Block", "value": "Value", "kind": "Kind", "name": "Name",
    "stage": "Harmonisation", "batch": "Batch", "partial": "Share beyond covariates", "adjusted": "Share less chance",
    "pc1": "First component", "pc2": "Second component", "share1": "Share of the first", "share2": "Share of the second",
    "median": "Median", "unit": "Unit", "known": "Known", "tests": "Tests", "classes": "Classes", "target_class": "Class",
    "readable": "Readable", "calibrated": "Calibrated", "automatic_masks": "Automatic masks", "duplicates": "Duplicates",
    "flagged": "Flagged", "flag": "Flag", "flags": "Flags", "manifest": "Manifest", "row": "Row", "measure": "Measure",
    "focus": "Sharpness", "gcnr": "gCNR", "saturated_pct": "Saturated, %", "black_pct": "Black, %",
    "shadow_index": "Shadow index", "marks_in_roi_pct": "Marks, %", "p10": "10th percentile", "p25": "25th percentile",
    "p75": "75th percentile", "p90": "90th percentile",
    "first": "One modality", "second": "Another", "residual": "Residual", "cross_modal_share": "Share that is interaction",
    "development": "In development", "predictor": "Predictor", "low": "1st percentile", "high": "99th percentile",
    "outside": "Outside", "missing_in_development": "Missing in development", "new_levels": "New levels",
    "q_below_0.05": "q < 0.05", "adjusted_tests": "Adjusted tests", "variant": "Variant", "cut_point": "Cut-point",
}

#: headings that depend on the table
IN_TABLE = {
    ("medians", "estimate"): "Median time", ("cox", "estimate"): "Hazard ratio", ("comparisons", "estimate"): "Difference",
    ("features", "coefficient"): "Weight", ("thresholds", "threshold"): "Mean threshold",
    ("modalities", "estimate"): "Mean absolute contribution", ("modality_interactions", "estimate"): "Mean absolute interaction",
    ("drift", "estimate"): "Here",
}

#: what stands under a table
NOTES = {
    "features": "Weight: coefficient per standard deviation, averaged over training folds (several classes: the mean absolute "
    "one); of a random forest the mean decrease in impurity.",
    "ranges": "Outside: share of the known values beyond the 1st and 99th percentiles of the development data, which by "
    "definition have 2 % there, or share of categories that the development data did not have.",
}
#: and under those that privacy makes coarser
COARSE_NOTES = {
    "km": "Values at the times of the numbers at risk: every step of a curve is the date of a patient.",
    "cumulative_incidence": "Values at the times of the numbers at risk: every step of a curve is the date of a patient.",
}

#: values of ``metric`` that are abbreviations
METRICS = {"ppv": "positive predictive value", "npv": "negative predictive value"}

TABLES = {
    "associations": "Associations", "calibration": "Calibration", "calibration_curve": "Calibration curves",
    "comparisons": "Paired comparisons of inputs", "confusion": "Confusion matrices", "cox": "Cox regression",
    "endpoints": "Endpoints", "features": "Features of the models", "flow": "Exclusions", "importance": "Importance",
    "km": "Kaplan-Meier estimates", "cumulative_incidence": "Cumulative incidence", "medians": "Median times",
    "logrank": "Log-rank tests", "markers": "Markers", "missing": "Values not known", "modalities": "Modalities",
    "mutations": "Mutations", "performance": "Performance", "qc": "Quality control", "risk_table": "Numbers at risk",
    "roc": "ROC curves", "subtype": "Subtypes", "table_one": "Characteristics of the cohort",
    "quality_images": "Images by modality", "quality_flags": "Flags and their meaning",
    "quality_flagged": "Flagged images", "quality_by_group": "Sharpness and contrast by group",
    "thresholds": "Performance at the threshold chosen in training",
    "batch_variance": "Variance explained by the batch", "batch_components": "Principal components of the features",
    "proportional_hazards": "Test of proportional hazards", "families": "Families of tests",
    "modality_interactions": "Interactions between modalities", "drift": "Here, and out of fold in development",
    "ranges": "Inputs against the range of the development data",
}

KINDS = {
    "describe": "Description", "associate": "Associations", "classify": "Classification", "survive": "Survival analysis",
    "predict": "Validation of locked models",
}

#: p-values and the like
P_COLUMNS = frozenset({"p", "q", "adjusted_p", "adjusted_q", "p_value"})
SHARES = frozenset({"share", "selected_share", "partial", "adjusted", "share1", "share2", "cross_modal_share",
                    "outside", "missing_in_development"})  # fmt: skip


def column_label(name: object, table: str = "") -> str:
    """Heading of a column."""
    return IN_TABLE.get((table, str(name))) or COLUMNS.get(str(name), str(name))


def table_title(name: str, kind: str = "") -> str:
    """Title of a table; some mean another thing in another kind of result."""
    if name == "modalities" and kind not in ("", "describe"):
        return "Contributions of the modalities"
    return TABLES.get(name, name.replace("_", " ").capitalize())
