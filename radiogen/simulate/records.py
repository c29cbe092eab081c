"""The tables as a hospital would hand them over: rounded, and with values missing."""

from __future__ import annotations

import numpy as np
import pandas as pd

from radiogen.simulate.draws import uniforms

#: each centre writes "not known" in its own way; both are declared in the YAML
MISSING = {"A": "NA", "B": "not available"}
#: ISH that was not called for
NOT_DONE = "not done"
#: share of values that are missing, by column
_MISSING_SHARE = {
    "grade": 0.03, "node_status": 0.02, "er_percent": 0.01, "pr_percent": 0.03, "her2_ihc": 0.03, "ki67_percent": 0.08,
}  # fmt: skip
_FOLLOW_UP_MISSING, _TESTED, _ISH_MISSING = 0.02, 0.90, 0.15
#: the columns of the clinical table, as the simulation and as the file name them
_COLUMNS = {
    "patient_id": "patient_id", "centre": "centre", "scanner": "scanner", "age": "age", "menopause": "menopause",
    "histology": "histology", "grade": "grade", "size_mm": "size_mm", "node_status": "node_status",
    "er_percent": "ER", "pr_percent": "PR", "her2_ihc": "HER2_IHC", "her2_ish": "HER2_ISH", "ki67_percent": "Ki67",
    "neoadjuvant": "neoadjuvant", "surgery": "surgery", "adjuvant_chemo": "adjuvant_chemo",
    "endocrine_therapy": "endocrine_therapy", "pcr": "pCR", "os_months": "os_months", "os_status": "os_status",
    "rfs_months": "rfs_months", "rfs_status": "rfs_status",
}  # fmt: skip


def draw_tested(n: int, seed: int) -> pd.Series:
    """Whose tumour was sequenced; it depends on nothing."""
    return pd.Series(uniforms(seed, "missing", n, 16)[:, 4] < _TESTED)


def clinical_table(truth: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The clinical table, all values as text.

    Parameters
    ----------
    truth : DataFrame
        Patients, treatment and outcome, complete.
    seed : int
        Seed of the simulation.

    Returns
    -------
    DataFrame of str, n rows
    """
    n = len(truth)
    u = uniforms(seed, "missing", n, 16)
    lost = truth["centre"].map(MISSING)
    table = truth.assign(her2_ish=_ish(truth, u[:, 5]))
    table["pcr"] = np.where(table["pcr"], "1", "0")
    table = table[list(_COLUMNS)].astype(str)
    table["pcr"] = table["pcr"].where(truth["neoadjuvant"] == "yes", lost)
    for k, (column, share) in enumerate(_MISSING_SHARE.items()):
        table[column] = table[column].where(u[:, 6 + k] >= share, lost)
    followed = u[:, 12] >= _FOLLOW_UP_MISSING
    for column in ("os_months", "os_status", "rfs_months", "rfs_status"):
        table[column] = table[column].where(followed, lost)
    return table.rename(columns=_COLUMNS)


def _ish(truth: pd.DataFrame, u: np.ndarray) -> np.ndarray:
    """ISH is done where IHC is 2+, and even there not always."""
    result = np.where(truth["her2"], "amplified", "not amplified")
    done = (truth["her2_ihc"] == "2+").to_numpy() & (u >= _ISH_MISSING)
    return np.where(done, result, NOT_DONE)


def panel_table(truth: pd.DataFrame) -> pd.DataFrame:
    """Who was tested: one row per sequenced patient."""
    tested = truth.loc[truth["tested"], ["patient_id"]]
    return tested.assign(panel="breast-7", material="core biopsy")


def modality_table(truth: pd.DataFrame, features: pd.DataFrame, present: pd.Series) -> pd.DataFrame:
    """A feature table: one row per patient who has the modality, ``NA`` in empty cells."""
    table = pd.concat([truth[["patient_id"]], features], axis=1)[present.to_numpy()]
    whole = [c for c in table.columns[1:] if (table[c].dropna() % 1 == 0).all()]
    return table.astype(dict.fromkeys(whole, "Int64"))
