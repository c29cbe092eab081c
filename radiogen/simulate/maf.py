"""The mutations as a MAF: who carries which change, silent ones included."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from radiogen.simulate.draws import generator
from radiogen.simulate.patients import GENES

MAF_HEADER = "#version 2.4\n"


@dataclass(frozen=True)
class Change:
    """One protein change and how often it is drawn among the changes of its gene."""

    protein: str
    classification: str
    kind: str
    weight: float


def _missense(protein: str, weight: float) -> Change:
    return Change(protein, "Missense_Mutation", "SNP", weight)


def _stop(protein: str, weight: float) -> Change:
    return Change(protein, "Nonsense_Mutation", "SNP", weight)


def _shift(protein: str, kind: str, weight: float) -> Change:
    return Change(protein, f"Frame_Shift_{'Del' if kind == 'DEL' else 'Ins'}", kind, weight)


ENTREZ = {
    "TP53": 7157, "PIK3CA": 5290, "GATA3": 2625, "CDH1": 999, "PTEN": 5728, "MAP3K1": 4214, "KMT2C": 58508,
}  # fmt: skip
CHANGES: dict[str, tuple[Change, ...]] = {
    "TP53": (
        _missense("p.R175H", 5), _missense("p.R248Q", 4), _missense("p.R248W", 3), _missense("p.R273H", 4),
        _missense("p.Y220C", 2), _missense("p.H179R", 1), _stop("p.R213*", 3), _stop("p.R196*", 2),
        _shift("p.P152Rfs*18", "DEL", 1), Change("p.X125_splice", "Splice_Site", "SNP", 2),
    ),
    "PIK3CA": (
        _missense("p.H1047R", 9), _missense("p.E545K", 5), _missense("p.E542K", 4), _missense("p.N345K", 2),
        _missense("p.H1047L", 2), Change("p.E110del", "In_Frame_Del", "DEL", 1),
    ),
    "GATA3": (
        _shift("p.P409Afs*99", "INS", 4), _shift("p.S308Afs*43", "INS", 2), Change("p.X308_splice", "Splice_Site", "DEL", 3),
    ),
    "CDH1": (_stop("p.Q23*", 4), _shift("p.A298Cfs*7", "DEL", 1), Change("p.X387_splice", "Splice_Site", "SNP", 1)),
    "PTEN": (_stop("p.R130*", 3), _missense("p.R130Q", 2), _shift("p.T319*", "DEL", 2)),
    "MAP3K1": (_stop("p.S398*", 1), _shift("p.R364Dfs*30", "DEL", 1)),
    "KMT2C": (_missense("p.S321C", 1), _stop("p.Q2680*", 1)),
}  # fmt: skip
#: changes that alter no protein; they must not count as mutations
SILENT = {"TP53": "p.R213=", "PIK3CA": "p.T1025=", "GATA3": "p.A112=", "CDH1": "p.A692=", "PTEN": "p.L108="}
#: genes on the panel that nothing depends on, and the share mutated
_BYSTANDERS = {"MAP3K1": 0.07, "KMT2C": 0.07}
_SILENT_SHARE, _SECOND_SHARE = 0.02, 0.08


def maf_table(truth: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The MAF's rows: every true mutation of the tested, and some silent changes.

    Parameters
    ----------
    truth : DataFrame
        ``patient_id``, ``tested`` and ``mut_GENE`` (bool).
    seed : int
        Seed of the simulation.

    Returns
    -------
    DataFrame
        A tested patient whose gene is mutated has one or two rows of that gene that alter
        the protein; nobody else has one.
    """
    rows: list[dict[str, object]] = []
    for i, patient in enumerate(truth.to_dict("records")):
        if not patient["tested"]:
            continue
        rng = generator(seed, "maf", i)
        for gene in GENES:
            rows += _gene_rows(str(patient["patient_id"]), gene, bool(patient[f"mut_{gene}"]), rng)
        for gene, share in _BYSTANDERS.items():
            rows += _gene_rows(str(patient["patient_id"]), gene, bool(rng.random() < share), rng)
    columns = [*_row("", "", CHANGES["TP53"][0], np.random.default_rng(0))]
    return pd.DataFrame(rows, columns=columns)


def _gene_rows(patient: str, gene: str, mutated: bool, rng: np.random.Generator) -> list[dict[str, object]]:
    found: list[Change] = []
    if mutated:
        changes = CHANGES[gene]
        weights = np.array([c.weight for c in changes])
        number = 2 if rng.random() < _SECOND_SHARE else 1
        picked = rng.choice(len(changes), size=number, replace=False, p=weights / weights.sum())
        found += [changes[int(k)] for k in picked]
    if gene in SILENT and rng.random() < _SILENT_SHARE:
        found.append(Change(SILENT[gene], "Silent", "SNP", 1.0))
    return [_row(patient, gene, change, rng) for change in found]


def _row(patient: str, gene: str, change: Change, rng: np.random.Generator) -> dict[str, object]:
    depth = int(rng.integers(180, 900))
    alternative = int(rng.binomial(depth, rng.uniform(0.12, 0.55)))
    return {
        "Hugo_Symbol": gene,
        "Entrez_Gene_Id": ENTREZ.get(gene, 0),
        "Variant_Classification": change.classification,
        "Variant_Type": change.kind,
        "Tumor_Sample_Barcode": patient,
        "HGVSp_Short": change.protein,
        "t_depth": depth,
        "t_alt_count": alternative,
    }
