"""Who the patients are: clinic, receptors and mutations, as they truly are."""

from __future__ import annotations

import numpy as np
import pandas as pd

from radiogen.simulate.draws import Floats, expit, generator, logit, normal, normals, uniforms
from radiogen.simulate.effects import Effects

GENES = ("TP53", "PIK3CA", "GATA3", "CDH1", "PTEN")
#: share of mutated patients that the log odds are centred on
GENE_SHARES = {"TP53": 0.33, "PIK3CA": 0.32, "GATA3": 0.10, "CDH1": 0.10, "PTEN": 0.06}
#: means about which causes are centred, so that shares stay when effects change
ER_SHARE, GRADE_MEAN, LOBULAR_SHARE = 0.77, 2.21, 0.12
LOG_SIZE_MEAN, LOG_SIZE_SD = float(np.log(21.0)), 0.42

LUMINAL_A, LUMINAL_B_NEG, LUMINAL_B_POS = "Luminal A-like", "Luminal B-like HER2-", "Luminal B-like HER2+"
HER2_RICH, TRIPLE_NEGATIVE, UNCLASSIFIED = "HER2-positive non-luminal", "Triple negative", "Unclassified"
#: how luminal a subtype looks; see ``subtype_on_shadow``
LUMINAL_SCORE = {
    LUMINAL_A: 1.0, LUMINAL_B_NEG: 0.5, LUMINAL_B_POS: 0.0, HER2_RICH: -0.4, TRIPLE_NEGATIVE: -1.0, UNCLASSIFIED: 0.0,
}  # fmt: skip


def centres(seed: int, n: int) -> list[str]:
    """Centre of each patient: in each four patients in a row one, drawn by lot, is of centre B."""
    lots = [int(generator(seed, "centre", block).integers(4)) for block in range((n + 3) // 4)]
    return ["B" if lots[i // 4] == i % 4 else "A" for i in range(n)]


def _mix(shared: Floats, weight: float, own: Floats) -> Floats:
    """A unit-variance mixture of a shared and an own normal number."""
    return weight * shared + np.sqrt(max(0.0, 1.0 - weight**2)) * own


def draw_patients(n: int, seed: int, effects: Effects) -> pd.DataFrame:
    """Clinic, markers and mutations of n patients, complete and without error.

    Returns
    -------
    DataFrame, n rows
        Besides the clinical columns: ``er`` … ``her2`` (bool), ``*_percent``, ``her2_ihc``,
        ``subtype``, ``luminal_score``, ``mut_GENE`` (bool) and ``lp_GENE`` (log odds).
    """
    place = centres(seed, n)
    frame = pd.DataFrame({"patient_id": [f"SIM-{i + 1:05d}" for i in range(n)], "centre": place})
    frame["scanner"] = frame["centre"].map({"A": "Alpha", "B": "Beta"})
    z = normals(seed, "clinic", n, 7)
    aggressive = z[:, 0]
    return _with_mutations(_with_markers(_with_clinic(frame, z, effects), aggressive, seed, effects), seed, effects)


def _with_clinic(frame: pd.DataFrame, z: Floats, effects: Effects) -> pd.DataFrame:
    shared, c = z[:, 0], effects.aggressiveness
    age = np.clip(np.rint(57 + 12 * z[:, 1]), 26, 90)
    grade = 1 + (_mix(shared, 0.75 * c, z[:, 2]) > np.array([[-0.95], [0.31]])).sum(axis=0)
    log_size = LOG_SIZE_MEAN + LOG_SIZE_SD * _mix(shared, 0.35 * c, z[:, 3])
    size = np.clip(np.rint(np.exp(log_size)), 6, 60)
    size_z = (np.log(size) - LOG_SIZE_MEAN) / LOG_SIZE_SD
    nodes = z[:, 4] < -0.3 + c * (0.3 * size_z + 0.15 * shared)
    histology = np.select([z[:, 5] < -1.175, z[:, 5] > 1.4], ["lobular", "other"], "ductal")
    return frame.assign(
        age=age.astype(int),
        menopause=np.where(age > 51 + 3 * z[:, 6], "post", "pre"),
        grade=grade,
        size_mm=size.astype(int),
        size_z=size_z,
        node_status=np.where(nodes, "positive", "negative"),
        histology=histology,
    )


def _with_markers(frame: pd.DataFrame, shared: Floats, seed: int, effects: Effects) -> pd.DataFrame:
    n, c = len(frame), effects.aggressiveness
    u = uniforms(seed, "markers", n, 7)
    er = u[:, 0] < expit(1.45 - 1.1 * c * shared)
    # ER and PR go together even in a null cohort: both only make the subtype
    pr = u[:, 1] < np.where(er, 0.85, 0.03)
    her2 = u[:, 2] < expit(-1.75 + c * (0.35 * shared + 0.5 * (ER_SHARE - er)))
    ki67 = np.clip(np.rint(np.exp(np.log(18) + 0.55 * _mix(shared, 0.6 * c, normal(u[:, 6])))), 1, 95)
    ihc_positive = np.where(u[:, 5] < 0.8, "3+", "2+")
    ihc_negative = np.select([u[:, 5] < 0.35, u[:, 5] < 0.80], ["0", "1+"], "2+")
    frame = frame.assign(
        er=er,
        pr=pr,
        her2=her2,
        er_percent=np.where(er, np.maximum(1, 5 * np.rint(20 * u[:, 3] ** 0.3)), 0).astype(int),
        pr_percent=np.where(pr, np.maximum(1, 5 * np.rint(20 * u[:, 4] ** 0.7)), 0).astype(int),
        ki67_percent=ki67.astype(int),
        her2_ihc=np.where(her2, ihc_positive, ihc_negative),
    )
    frame["subtype"] = st_gallen_2013(frame)
    frame["luminal_score"] = frame["subtype"].map(LUMINAL_SCORE)
    return frame


def st_gallen_2013(frame: pd.DataFrame) -> pd.Series:
    """Subtype of patients whose markers are all known (Ki-67 cut 20, PR cut 20).

    References
    ----------
    Goldhirsch et al., Annals of Oncology 2013, 24:2206, doi:10.1093/annonc/mdt303
    """
    er, pr, her2 = frame["er"], frame["pr"], frame["her2"]
    low = (frame["ki67_percent"] < 20) & (frame["pr_percent"] >= 20)
    rules = [er & her2, er & ~her2 & low, er & ~her2, ~er & pr, ~er & ~pr & her2]
    names = [LUMINAL_B_POS, LUMINAL_A, LUMINAL_B_NEG, UNCLASSIFIED, HER2_RICH]
    return pd.Series(np.select(rules, names, TRIPLE_NEGATIVE), index=frame.index)


def _with_mutations(frame: pd.DataFrame, seed: int, effects: Effects) -> pd.DataFrame:
    er = frame["er"].to_numpy(float) - ER_SHARE
    grade = frame["grade"].to_numpy(float) - GRADE_MEAN
    lobular = (frame["histology"] == "lobular").to_numpy(float) - LOBULAR_SHARE
    causes = {
        "TP53": effects.er_on_tp53 * er + effects.grade_on_tp53 * grade,
        "PIK3CA": effects.er_on_pik3ca * er,
        "GATA3": effects.er_on_gata3 * er,
        "CDH1": effects.lobular_on_cdh1 * lobular,
        "PTEN": np.zeros(len(frame)),
    }
    u = uniforms(seed, "mutations", len(frame), len(GENES))
    columns: dict[str, np.ndarray] = {}
    for column, gene in enumerate(GENES):
        lp = logit(GENE_SHARES[gene]) + causes[gene]
        columns[f"lp_{gene}"] = lp
        columns[f"mut_{gene}"] = u[:, column] < expit(lp)
    return frame.assign(**columns)
