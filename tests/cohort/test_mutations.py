"""Mutations of four layouts, and who was tested."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from radiogen.cohort.config import MutationSection, SequencedSection
from radiogen.cohort.mutation_values import cell_state, hgvs_state
from radiogen.cohort.mutations import build_mutations
from radiogen.errors import Findings, Problem

MUT, WT, NT = "mutated", "wild type", "not tested"
PATIENTS = ["P1", "P2", "P3", "P4"]


def build(
    table: dict[str, list[Any]], patients: list[str] | None = None, *, tested: dict[str, list[Any]] | None = None, **options: Any
) -> tuple[pd.DataFrame, list[Problem]]:
    """Build from columns whose first row stands in row 2 of its file."""
    findings = Findings()
    frame = pd.DataFrame(table, dtype=object)
    listed = None if tested is None else pd.DataFrame(tested, dtype=object)
    if tested is not None:
        options.setdefault("sequenced", "panel.csv")
    section = MutationSection(path="mut.csv", **options)
    result = build_mutations(
        frame, section, pd.Index(PATIENTS if patients is None else patients), sequenced=listed, file="mut.csv",
        sequenced_file="panel.csv", rows=pd.Series(range(2, len(frame) + 2)),
        sequenced_rows=None if listed is None else pd.Series(range(2, len(listed) + 2)), findings=findings,
    )
    return result, list(findings)


def codes(problems: list[Problem]) -> list[str]:
    return [p.code for p in problems]


LONG = {"id": ["P1", "P1", "P2"], "gene": ["TP53", "PIK3CA", "GATA3"], "change": ["R175H", "H1047R", "A1fs*3"]}


def long(table: dict[str, list[Any]] | None = None, **options: Any) -> tuple[pd.DataFrame, list[Problem]]:
    declared = {"format": "long", "id": "id", "gene": "gene", "change": "change", "genes": ["TP53", "PIK3CA"]}
    return build(LONG if table is None else table, **{**declared, **options})


def maf(**columns: list[Any]) -> dict[str, list[Any]]:
    names = {"id": "Tumor_Sample_Barcode", "gene": "Hugo_Symbol", "kind": "Variant_Classification"}
    return {names.get(k, k): v for k, v in columns.items()}


# -- what absence means -------------------------------------------------------------------------


def test_absent_is_wild_type() -> None:
    result, problems = long(absent_is="wild_type")
    assert problems == []
    assert result.index.tolist() == PATIENTS and result.columns.tolist() == ["TP53", "PIK3CA"]
    assert result["TP53"].tolist() == [MUT, WT, WT, WT]
    assert result["PIK3CA"].tolist() == [MUT, WT, WT, WT]


def test_absent_is_not_tested_even_with_a_row_for_another_gene() -> None:
    # P2 has a GATA3 mutation, which does not show that TP53 was tested
    result, problems = long(absent_is="not_tested")
    assert problems == []
    assert result["TP53"].tolist() == [MUT, NT, NT, NT]


@pytest.mark.parametrize("layout", ["long", "maf", "cbioportal"])
def test_absence_not_declared(layout: str) -> None:
    table = LONG if layout == "long" else maf(id=["P1"], gene=["TP53"], kind=["Missense_Mutation"])
    names = {"id": "id", "gene": "gene"} if layout == "long" else {}
    result, problems = build(table, format=layout, genes=["TP53"], **names)
    assert codes(problems) == ["RG310"] and "sequenced" in problems[0].fix
    assert (result == NT).all(axis=None)


def test_tested_list_of_patients() -> None:
    result, problems = long(tested={"patient": ["P1", "P3", "P3"]})
    assert problems == []
    # P2 has a row for another gene and is not on the list
    assert result["TP53"].tolist() == [MUT, NT, WT, NT]


def test_mutated_but_not_on_the_list() -> None:
    _, problems = long(tested={"patient": ["P2", "P3"]})
    assert [(p.code, p.row, p.value) for p in problems] == [("RG312", 2, "P1"), ("RG312", 3, "P1")]


@pytest.mark.parametrize(
    "tested",
    [
        {"pid": ["P1", "P1", "P2", "P3"], "tested": ["TP53", "PIK3CA", "TP53", "PIK3CA"]},
        {"pid": ["P1", "P2", "P3"], "tested": ["TP53; PIK3CA;GATA3", "tp53,GATA3", "PIK3CA|BRCA1"]},
    ],
)
def test_tested_list_by_gene(tested: dict[str, list[str]]) -> None:
    listed = SequencedSection(path="panel.csv", id="pid", gene="tested")
    result, problems = long(tested=tested, sequenced=listed)
    assert problems == []
    assert result["TP53"].tolist() == [MUT, WT, NT, NT]
    assert result["PIK3CA"].tolist() == [MUT, NT, WT, NT]


def test_tested_list_with_a_column_per_gene() -> None:
    tested = {"pid": ["P1", "P2", "P3"], "TP53": ["1", "yes", None], "PIK3CA": ["1.0", "0", "Tested"]}
    result, problems = long(tested=tested)
    assert problems == []
    assert result["TP53"].tolist() == [MUT, WT, NT, NT]
    assert result["PIK3CA"].tolist() == [MUT, NT, WT, NT]
    _, problems = long(tested={**tested, "TP53": ["1", "maybe", None]})
    assert [(p.code, p.row, p.column, p.value, p.file) for p in problems] == [("RG313", 3, "TP53", "maybe", "panel.csv")]
    _, problems = long(tested={"pid": ["P1", "P2"], "TP53": ["1", "1"]})
    assert codes(problems) == ["RG203"] and "PIK3CA" in problems[0].message
    _, problems = long(tested={"pid": ["P1"], "tp53": ["1"], "PIK3CA": ["1"]})
    assert codes(problems) == ["RG203"] and "Did you mean 'tp53'?" in problems[0].message


def test_undeclared_gene_column_of_the_tested_list() -> None:
    # taken as a list of patients, all would count as tested for both genes
    result, problems = long(tested={"pid": ["P1", "P2"], "symbol": ["PIK3CA", "TP53"]})
    assert codes(problems) == ["RG105"] and "gene: symbol" in problems[0].fix
    assert (result == NT).all(axis=None)
    _, problems = long(tested={"pid": ["P1"], "g": ["TP53"]}, sequenced=SequencedSection(path="x", id="pid", gene="gene"))
    assert codes(problems) == ["RG203"]


def test_a_list_of_patients_that_says_no_of_some() -> None:
    # taken as a list of those tested, P2 would be of wild type
    result, problems = long(tested={"pid": ["P1", "P2", "P3"], "sequenced": ["yes", "No", None]})
    assert [(p.code, p.row, p.column, p.value) for p in problems] == [("RG313", 3, "sequenced", "No")]
    assert (result == NT).all(axis=None)
    result, problems = long(tested={"pid": ["P1", "P2"], "sequenced": ["yes", "yes"], "smoker": ["no", "yes"]})
    assert problems == [] and result["TP53"].tolist() == [MUT, WT, NT, NT]


def test_tested_list_where_any_row_means_tested_for_all() -> None:
    listed = SequencedSection(path="panel.csv", id="pid", every_gene=True)
    result, problems = long(tested={"pid": ["P1", "P2", "P2"], "symbol": ["PIK3CA", "GATA3", "CDH1"]}, sequenced=listed)
    assert problems == []
    assert result["TP53"].tolist() == [MUT, WT, NT, NT] and result["PIK3CA"].tolist() == [MUT, WT, NT, NT]


def test_tested_list_and_absent_is() -> None:
    assert codes(long(tested={"pid": ["P1", "P2"]}, absent_is="wild_type")[1]) == ["RG104"]
    assert codes(long(tested={"pid": ["P1", "P2"]}, absent_is="not_tested")[1]) == []


def test_unreadable_tested_list_leaves_all_open() -> None:
    result, problems = long(sequenced="missing.csv")
    assert problems == [] and (result == NT).all(axis=None)


# -- ids ----------------------------------------------------------------------------------------


def test_ids_unknown_to_the_cohort() -> None:
    table = {"id": ["P1", "X1", "X2", "X2"], "gene": ["TP53"] * 4, "change": ["R175H"] * 4}
    result, problems = long(table, absent_is="wild_type", genes=["TP53"])
    assert [(p.code, p.severity) for p in problems] == [("RG213", "warning")] and "2 ids" in problems[0].message
    assert result["TP53"].tolist() == [MUT, WT, WT, WT]
    _, problems = long({**table, "id": ["X1", "X2", "X3", "X4"]}, absent_is="wild_type")
    assert "RG214" in codes(problems)


def test_ids_that_nearly_match() -> None:
    table = {"id": ["7", "p2"], "gene": ["TP53"] * 2, "change": ["R175H"] * 2}
    _, problems = long(table, patients=["007", "P2", "P3"], absent_is="wild_type", genes=["TP53"])
    assert sorted(codes(problems)) == ["RG206", "RG208"]


def test_id_pattern() -> None:
    table = maf(id=["TCGA-A1-A0SB-01A", "TCGA-A1-A0SD-01A"], gene=["TP53", "TP53"], kind=["Missense_Mutation", "Silent"])
    patients = ["TCGA-A1-A0SB", "TCGA-A1-A0SD", "TCGA-A1-A0SE"]
    options = {"format": "maf", "genes": ["TP53"], "id_pattern": r"^(TCGA-\w\w-\w{4})"}
    # the tested list may hold samples or patients
    for tested in (["TCGA-A1-A0SB-01A", "TCGA-A1-A0SD-01A"], ["TCGA-A1-A0SB", "TCGA-A1-A0SD"]):
        result, problems = build(table, patients, tested={"sample": tested}, **options)
        assert codes(problems) == ["RG316"]
        assert result["TP53"].tolist() == [MUT, WT, NT]
    assert "RG214" in codes(build(table, patients, absent_is="wild_type", format="maf", genes=["TP53"])[1])
    table["Tumor_Sample_Barcode"][1] = "blood"
    problems = build(table, patients, absent_is="wild_type", **options)[1]
    assert [(p.row, p.value) for p in problems] == [(3, "blood")]


def test_columns_missing_or_not_declared() -> None:
    problems = long(id="ID", absent_is="wild_type")[1]
    assert codes(problems) == ["RG203"] and "Did you mean 'id'?" in problems[0].message and "gene" in problems[0].fix
    assert codes(long(gene="Gene", change="chnge", absent_is="wild_type")[1]) == ["RG203", "RG203"]
    assert codes(long(id=None, absent_is="wild_type")[1]) == ["RG105"]
    assert codes(long(gene=None, absent_is="wild_type")[1]) == ["RG105"]
    problems = build({"Tumor_Sample_Barcode": ["P1"], "Hugo_Symbol": ["TP53"]}, format="maf", genes=["TP53"],
                     absent_is="wild_type")[1]
    assert codes(problems) == ["RG203"] and "Variant_Classification" in problems[0].message


# -- MAF ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", ["maf", "cbioportal"])
def test_silent_rows_of_a_maf(layout: str) -> None:
    table = maf(id=["P1", "P2", "P3", "P4", "P4"], gene=["TP53"] * 5,
                kind=["Missense_Mutation", "Silent", "Splice_Site", "Intron", "Frame_Shift_Del"])
    # a silent row shows that the gene was tested
    result, problems = build(table, format=layout, genes=["TP53"], absent_is="not_tested")
    assert result["TP53"].tolist() == [MUT, WT, MUT, MUT]
    assert [(p.code, p.severity) for p in problems] == [("RG316", "note")]
    assert problems[0].message.startswith("2 rows") and "Silent 1" in problems[0].message and "Intron 1" in problems[0].message


def test_keep_classes() -> None:
    table = maf(id=["P1", "P2", "P3"], gene=["TP53"] * 3, kind=["Missense_Mutation", "Silent", "missense_variant"])
    result, _ = build(table, format="maf", genes=["TP53"], absent_is="wild_type", keep_classes=["Silent", "missense_variant"])
    assert result["TP53"].tolist() == [WT, MUT, MUT, WT]
    problems = build(table, format="maf", genes=["TP53"], absent_is="wild_type", keep_classes=["Misense_Mutation"])[1]
    assert "RG104" in codes(problems) and "Did you mean 'Missense_Mutation'?" in problems[0].message
    # a class that no MAF has is neither counted nor dropped
    problems = build(table, format="maf", genes=["TP53"], absent_is="wild_type")[1]
    assert [(p.code, p.row, p.value) for p in problems if p.severity == "error"] == [("RG313", 4, "missense_variant")]


def test_repeated_rows_of_a_maf() -> None:
    table = maf(id=["P1", "P1", "P1"], gene=["TP53"] * 3, kind=["Missense_Mutation"] * 3, Chromosome=["17"] * 3,
                Start_Position=["7578406", "7578406", "7577120"], Reference_Allele=["C"] * 3, Tumor_Seq_Allele2=["T"] * 3)
    result, problems = build(table, format="maf", genes=["TP53"], absent_is="wild_type")
    assert [(p.code, p.severity, p.row) for p in problems] == [("RG314", "note", 3)] and problems[0].message.startswith("1 rows")
    assert result["TP53"].tolist() == [MUT, WT, WT, WT]


def test_rows_between_genes() -> None:
    table = maf(id=["P1", "P2", "P3"], gene=["TP53", None, None], kind=["Missense_Mutation", "IGR", "Missense_Mutation"])
    problems = build(table, format="maf", genes=["TP53"], absent_is="wild_type")[1]
    assert [(p.code, p.row) for p in problems] == [("RG313", 4)]


# -- long ---------------------------------------------------------------------------------------


def test_repeated_rows() -> None:
    table = {"id": ["P1"] * 3, "gene": ["TP53"] * 3, "change": ["R175H", "R248Q", "R175H"]}
    problems = long(table, absent_is="wild_type", genes=["TP53"])[1]
    assert [(p.code, p.row) for p in problems] == [("RG314", 4)]
    # without the change, two rows of one gene may be two changes; only wholly equal rows are repeated
    problems = long(table, absent_is="wild_type", genes=["TP53"], change=None)[1]
    assert [(p.code, p.row) for p in problems] == [("RG314", 4)]


def test_changes_that_are_no_mutation() -> None:
    table = {"id": ["P1", "P2", "P3", "P4"], "gene": ["TP53"] * 4, "change": ["R175H", "WT", "p.T125=", "R213R"]}
    result, problems = long(table, absent_is="not_tested", genes=["TP53"])
    assert result["TP53"].tolist() == [MUT, WT, WT, WT]
    assert codes(problems) == ["RG316"] and "change:" in problems[0].fix
    result, problems = long(table, absent_is="not_tested", genes=["TP53"], change=None)
    assert problems == [] and result["TP53"].tolist() == [MUT] * 4


def test_change_missing_not_understood_or_contradictory() -> None:
    table = {"id": ["P1", "P2", "P2", "P3"], "gene": ["TP53"] * 4, "change": [None, "R175H", "WT", "exon 5 loss"]}
    problems = long(table, absent_is="wild_type", genes=["TP53"])[1]
    assert sorted((p.code, p.row) for p in problems) == [("RG313", 2), ("RG313", 4), ("RG313", 5)]
    assert '""' in problems[[p.row for p in problems].index(2)].fix
    table["change"][2] = "R248Q"
    result, problems = long(table, absent_is="wild_type", genes=["TP53"], values={"": "wild_type", "exon 5 loss": "mutated"})
    assert problems == [] and result["TP53"].tolist() == [WT, MUT, MUT, WT]


def test_melted_table() -> None:
    table = {"id": ["P1", "P1", "P2", "P2"], "gene": ["TP53", "PIK3CA"] * 2, "change": ["1", "0", "0.0", "1.0"]}
    result, problems = long(table, absent_is="not_tested")
    assert problems == []
    assert result["TP53"].tolist() == [MUT, WT, NT, NT] and result["PIK3CA"].tolist() == [WT, MUT, NT, NT]


def test_gene_spelling() -> None:
    table = {"id": ["P1", "P2", "P3"], "gene": ["tp53", "TP 53", "TP53"], "change": ["R175H"] * 3}
    result, problems = long(table, absent_is="wild_type", genes=["TP53"])
    assert result["TP53"].tolist() == [MUT, MUT, MUT, WT]
    assert [(p.code, p.severity, p.value) for p in problems] == [("RG317", "note", "tp53"), ("RG317", "note", "TP 53")]


def test_gene_never_mutated() -> None:
    _, problems = long(absent_is="wild_type", genes=["TP53", "PI3KCA"])
    assert [(p.code, p.severity, p.value) for p in problems] == [("RG311", "warning", "PI3KCA")]
    assert "Did you mean 'PIK3CA'?" in problems[0].message
    _, problems = long(tested={"pid": ["P1"], "g": ["TP53"]}, sequenced=SequencedSection(path="x", id="pid", gene="g"),
                       genes=["TP53", "CDH1"])
    assert codes(problems) == ["RG311"] and "nobody" in problems[0].message


def test_row_without_gene() -> None:
    table = {"id": ["P1", "P2"], "gene": ["TP53", None], "change": ["R175H", None]}
    problems = long(table, absent_is="wild_type", genes=["TP53"])[1]
    assert [(p.code, p.row, p.column) for p in problems] == [("RG313", 3, "gene")]


# -- wide ---------------------------------------------------------------------------------------


def wide(cells: list[Any], **options: Any) -> tuple[list[str], list[Problem]]:
    ids = [f"P{i + 1}" for i in range(len(cells))]
    result, problems = build({"id": ids, "TP53": cells}, options.pop("patients", ids), format="wide", id="id", genes=["TP53"],
                             **options)
    return result["TP53"].tolist(), problems


@pytest.mark.parametrize("cell", ["0", "0.0", "WT", "wt", "wild type", "Wild-Type", "wildtype", "False"])
def test_wild_type_cells(cell: str) -> None:
    assert wide(["1", cell]) == ([MUT, WT], [])


@pytest.mark.parametrize(
    "cell",
    ["1", "1.0", "MUT", "mutated", "Mutant", "True", "p.R175H", "R175H", "c.524G>A", "E545K;H1047R", "E545K H1047R",
     "E545K, H1047R", "p.(Arg175His)", "p.Arg342Ter", "R342*", "R342X", "A499Gfs*16", "p.Lys132fs", "X125_splice", "M1?",
     "H450_P458del", "E770_A771insGIRD", "W80delinsCRD", "*188Yext*22", "NM_000546.5:c.524G>A", "NM_000546.5(TP53):c.375+1G>A",
     "c.524G>A (p.R175H)", "p.?", "c.-124C>T", "R175H/T125="],
)
def test_mutated_cells(cell: str) -> None:
    assert wide(["0", cell]) == ([WT, MUT], [])


@pytest.mark.parametrize("cell", ["2", "35", "35%", "-0.1", "n.d.", "positive", "T2", "G12", "?", "12/40", "yes"])
def test_cells_refused(cell: str) -> None:
    states, problems = wide(["1", "0", cell], vaf_min=0.05)
    assert [(p.code, p.row, p.column, p.value) for p in problems] == [("RG313", 4, "TP53", cell)]
    assert states == [MUT, WT, NT]
    assert ("vaf_min" in problems[0].fix) == (cell in ("2", "35", "35%"))


def test_declared_values() -> None:
    states, problems = wide(["pos", "2", "n.d.", "0"], values={"pos": "mutated", 2: "mutated", "n.d.": "not_tested"})
    assert states == [MUT, MUT, NT, WT] and problems == []
    # a declared value goes before the usual reading
    assert wide(["1", "2"], values={1: "wild_type", 2: "mutated"}) == ([WT, MUT], [])


def test_silent_cells_are_wild_type() -> None:
    states, problems = wide(["R175H", "p.T125=", "0", "p.T125T"])
    assert states == [MUT, WT, WT, WT]
    assert [(p.code, p.severity) for p in problems] == [("RG316", "note")] and "2 synonymous" in problems[0].message


def test_allele_frequencies() -> None:
    states, problems = wide(["0.05", "0.049", "0", "1", "0.3", None], vaf_min=0.05)
    assert states == [MUT, WT, WT, MUT, MUT, NT] and problems == []
    states, problems = wide(["0", "1", "0.3", "0.2"])
    assert [(p.code, p.row, p.column, p.value) for p in problems] == [("RG315", 4, "TP53", "0.3")]
    assert problems[0].message.startswith("2 cells")


def test_empty_cells_and_patients_without_a_row() -> None:
    patients = ["P1", "P2", "P3", "P9"]
    assert wide(["1", "0", None], patients=patients) == ([MUT, WT, NT, NT], [])
    assert wide(["1", "0", None], patients=patients, absent_is="wild_type") == ([MUT, WT, NT, WT], [])


def test_column_that_names_mutations_only() -> None:
    _, problems = wide(["R175H", None, None])
    assert codes(problems) == ["RG310"] and problems[0].column == "TP53"
    assert wide(["R175H", None, None], values={"": "wild_type"}) == ([MUT, WT, WT], [])
    assert wide(["R175H", None, None], values={"": "not_tested"}) == ([MUT, NT, NT], [])


def test_wide_with_a_tested_list() -> None:
    # a 0 of someone who was not tested is not wild type
    states, problems = wide(["1", "0", "0", None], tested={"pid": ["P1", "P2", "P4"]})
    assert states == [MUT, WT, NT, NT] and problems == []
    assert codes(wide(["1", "1"], tested={"pid": ["P2"]})[1]) == ["RG312"]
    # being on the list does not say what the result was
    states, _ = wide(["1", "0"], patients=["P1", "P2", "P3"], tested={"pid": ["P1", "P2", "P3"]})
    assert states == [MUT, WT, NT]


def test_wide_columns() -> None:
    table = {"id": ["P1", "P2"], "tp53_mut": ["1", "0"], "PIK3CA": ["0", "1"]}
    result, problems = build(table, format="wide", id="id", genes=["TP53", "PIK3CA"], columns={"TP53": "tp53_mut"})
    assert problems == [] and result["TP53"].tolist() == [MUT, WT, NT, NT]
    problems = build(table, format="wide", id="id", genes=["TP53", "PIK3CA"])[1]
    assert codes(problems) == ["RG203"] and "Did you mean 'tp53_mut'?" in problems[0].message
    problems = build(table, format="wide", id="id", genes=["PIK3CA"], columns={"PIK3C": "x"})[1]
    assert codes(problems) == ["RG109"] and "Did you mean 'PIK3CA'?" in problems[0].message


def test_wide_rows_of_one_patient() -> None:
    table = {"id": ["P1", "P1", "P2"], "TP53": ["1", "MUT", "0"]}
    result, problems = build(table, format="wide", id="id", genes=["TP53"])
    assert [(p.code, p.row) for p in problems] == [("RG314", 3)] and result["TP53"].tolist() == [MUT, WT, NT, NT]
    problems = build({**table, "TP53": ["1", "0", "0"]}, format="wide", id="id", genes=["TP53"])[1]
    assert [(p.code, p.row, p.value) for p in problems] == [("RG204", 3, "P1")] and "rows 2 and 3" in problems[0].message


# -- real data -----------------------------------------------------------------------------------


def test_protein_decides_over_dna() -> None:
    assert hgvs_state("c.375G>A p.T125=") == "silent"
    assert cell_state("0.3", {}, None) == "frequency"


def metabric(shared: Path, **options: Any) -> tuple[pd.DataFrame, list[Problem], pd.DataFrame]:
    folder = shared / "data" / "metabric"
    table = pd.read_csv(folder / "metabric_mutations.tsv", sep="\t", dtype=str, keep_default_na=False)
    patients = pd.read_csv(folder / "metabric_clinical.tsv", sep="\t", dtype=str)["patientId"].tolist()
    declared = {"format": "long", "id": "patientId", "gene": "hugoGeneSymbol", "absent_is": "not_tested",
                "genes": ["TP53", "PIK3CA"]}
    result, problems = build({c: table[c].tolist() for c in table}, patients, **{**declared, **options})
    return result, problems, table


def test_metabric_as_a_list(shared: Path) -> None:
    result, problems, table = metabric(shared)
    assert problems == []
    for gene in ("TP53", "PIK3CA"):
        mutated = set(table.loc[table["hugoGeneSymbol"] == gene, "patientId"])
        assert set(result.index[result[gene] == MUT]) == mutated
        assert set(result.index[result[gene] == NT]) == set(result.index) - mutated
    assert Counter(result["TP53"]) == {MUT: 658, NT: 1322}
    assert Counter(result["PIK3CA"]) == {MUT: 795, NT: 1185}
    reference = pd.read_csv(shared / "reference" / "r" / "metabric.csv", dtype={"id": str}).set_index("id")["y"]
    assert ((result.loc[reference.index, "TP53"] == MUT).astype(int) == reference).all()


def test_metabric_with_changes(shared: Path) -> None:
    result, problems, table = metabric(shared, change="proteinChange")
    assert [(p.code, p.value) for p in problems] == [("RG316", "T125=")]
    assert Counter(result["TP53"]) == {MUT: 657, WT: 1, NT: 1322}
    states = Counter(hgvs_state(c) for c in table["proteinChange"])
    # 90 changes end in '=', one is '*3*'; all others are understood as mutations
    assert states == {"mutated": len(table) - 91, "silent": 91}
    # the one repeated row of the file
    _, problems, _ = metabric(shared, change="proteinChange", genes=["DNAH5"])
    assert sorted(codes(problems)) == ["RG314", "RG316"]
