"""Who was tested for which gene: the list beside a list of mutations."""

from __future__ import annotations

import re

import pandas as pd

from radiogen.cohort.config import MutationSection, SequencedSection
from radiogen.cohort.ids import known_ids, read_ids
from radiogen.cohort.mutation_values import gene_spelling
from radiogen.cohort.tables import RawTable
from radiogen.cohort.values import canonical, listing
from radiogen.errors import Findings

_YES = frozenset({"1", "yes", "y", "true", "tested"})
_NO = frozenset({"0", "no", "n", "false", "not tested", "not_tested"})
#: names of columns that say whether somebody was tested
_ABOUT_TESTS = re.compile(r"test|sequenc|profil|assay|panel|(?<![a-z])ngs", re.IGNORECASE)


def read_tested(
    raw: RawTable, section: MutationSection, genes: tuple[str, ...], patients: pd.Index, findings: Findings
) -> pd.DataFrame | None:
    """Which patients were tested for which genes.

    Parameters
    ----------
    raw : RawTable
        The tested list.
    section : MutationSection
        Its ``sequenced`` names the id column (default the first) and the gene column, if there is one; with
        ``every_gene`` whoever has a row was tested for all genes, whatever else the row says.  Its
        ``id_pattern`` is used here too, unless the list has one of its own or holds ids of the cohort as they are.
    genes : tuple of str
        Genes asked for.
    patients : Index of str
        Ids of the cohort's patients.
    findings : Findings
        Takes RG104, RG105, RG203, RG206 to RG209, RG213, RG214 and RG313.

    Returns
    -------
    DataFrame of bool, index patients, columns genes, or None
        None if the list cannot be read.
    """
    declared = section.sequenced if isinstance(section.sequenced, SequencedSection) else None
    column = (declared.id if declared else None) or str(raw.frame.columns[0])
    gene_column = declared.gene if declared else None
    if gene_column is not None and not raw.has(gene_column, findings, "mutations.sequenced.gene"):
        return None
    pattern = declared.id_pattern if declared else None
    if pattern is None and column in raw.frame and not raw.frame[column].isin(patients).any():
        pattern = section.id_pattern
    ids = read_ids(raw, column, findings, pattern)
    if ids is None:
        return None
    keep = known_ids(ids, patients, raw, column, findings)
    part, ids = raw.take(keep), ids[keep].reset_index(drop=True)
    tested = pd.DataFrame(False, index=patients, columns=list(genes))
    if declared is not None and declared.every_gene:
        tested.loc[ids.unique(), :] = True
        return tested
    if gene_column is not None:
        return _by_gene_column(part, ids, gene_column, tested, findings)
    if gene_spelling(part.frame.columns.drop(column), genes):
        return _by_gene_columns(part, ids, tested, findings)
    if not _has_no_genes(part, column, tested, findings) or not _all_say_yes(part, column, findings):
        return None
    tested.loc[ids.unique(), :] = True
    return tested


def _by_gene_column(
    raw: RawTable, ids: pd.Series, column: str, tested: pd.DataFrame, findings: Findings
) -> pd.DataFrame | None:
    """One gene, or a panel of genes, in each row."""
    whole = True
    for position, text in enumerate(raw.frame[column]):
        if text is None:
            whole = False
            findings.add("RG313", "the row names no gene", file=raw.file, row=int(raw.rows.iloc[position]), column=column,
                         fix="Name the genes tested, separated by ';', or remove the row.")
            continue
        for gene in gene_spelling(_symbols(text), tested.columns).values():
            tested.at[ids.iloc[position], gene] = True
    return tested if whole else None


def _by_gene_columns(raw: RawTable, ids: pd.Series, tested: pd.DataFrame, findings: Findings) -> pd.DataFrame | None:
    """One column of yes and no for each gene; empty is not tested."""
    missing = [g for g in tested.columns if not raw.has(g, findings, f"mutations.sequenced.{g}")]
    whole = not missing
    for gene in tested.columns.difference(missing, sort=False):
        for position, text in enumerate(raw.frame[gene]):
            word = "" if text is None else canonical(text).casefold()
            if word in _YES:
                tested.at[ids.iloc[position], gene] = True
            elif word and word not in _NO:
                whole = False
                findings.add("RG313", f"'{text}' says neither tested nor not tested", file=raw.file, column=gene,
                             row=int(raw.rows.iloc[position]), value=text,
                             fix=f"Write one of {listing(sorted(_YES | _NO))}, or leave the cell empty.")
    return tested if whole else None


def _has_no_genes(raw: RawTable, column: str, tested: pd.DataFrame, findings: Findings) -> bool:
    """Whether the list really is one of patients alone: a column of genes that is not declared would be overlooked."""
    for other in raw.frame.columns:
        if other == column:
            continue
        for position, text in enumerate(raw.frame[other]):
            if text is not None and gene_spelling(_symbols(text), tested.columns):
                findings.add(
                    "RG105", f"column '{other}' of the tested list names genes and is not declared", file=raw.file,
                    row=int(raw.rows.iloc[position]), column="mutations.sequenced.gene", value=text,
                    fix=f"Write `sequenced: {{path: …, id: {column}, gene: {other}}}`; or `every_gene: true` instead of "
                    "`gene` if whoever has a row was tested for all genes.",
                )
                return False
    return True


def _all_say_yes(raw: RawTable, column: str, findings: Findings) -> bool:
    """Whether no row of a list of patients says that its patient was not tested: each row counts as tested."""
    whole = True
    for other in raw.frame.columns.drop(column):
        words = raw.frame[other].map(lambda v: "" if v is None else canonical(v).casefold())
        about_tests = _ABOUT_TESTS.search(str(other)) or words.isin(["tested", "not tested", "not_tested"]).any()
        if not about_tests or not words.isin(_YES | _NO | {""}).all():
            continue
        for position in words.isin(_NO).to_numpy().nonzero()[0]:
            whole = False
            findings.add("RG313", f"the column '{other}' of the tested list says '{raw.frame[other].iloc[position]}', and a row "
                         "of this list means that the patient was tested", file=raw.file, column=str(other),
                         row=int(raw.rows.iloc[position]), value=raw.frame[other].iloc[position],
                         fix="Remove the rows of patients who were not tested, or declare `every_gene: true` if they were.")
    return whole


def _symbols(text: str) -> list[str]:
    return [part for part in re.split(r"[;,|]", text) if part.strip()]
