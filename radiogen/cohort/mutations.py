"""Mutations of any layout into one patient × gene table of mutated, wild type and not tested."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from radiogen.cohort.config import MutationSection
from radiogen.cohort.ids import known_ids, read_ids
from radiogen.cohort.mutation_cells import CellReader, Job
from radiogen.cohort.mutation_values import NON_SILENT, SILENT, gene_spelling
from radiogen.cohort.states import MUTATED, NOT_TESTED, WILD_TYPE
from radiogen.cohort.tables import RawTable
from radiogen.cohort.tested import read_tested
from radiogen.cohort.values import listing, suggest
from radiogen.errors import Findings

#: columns that tell one change of a MAF from another
_MAF_CHANGE = ("Chromosome", "Start_Position", "Reference_Allele", "Tumor_Seq_Allele2")


@dataclass
class _Evidence:
    """What the rows of a table say of each patient and gene, and which patients have a row for which gene."""

    states: dict[tuple[str, str], str] = field(default_factory=dict)
    rows: dict[tuple[str, str], int] = field(default_factory=dict)
    seen: frozenset[tuple[str, str]] = frozenset()


def build_mutations(
    table: pd.DataFrame, section: MutationSection, patients: pd.Index, *, sequenced: pd.DataFrame | None, file: str,
    sequenced_file: str | None = None, rows: pd.Series, sequenced_rows: pd.Series | None = None, findings: Findings,
) -> pd.DataFrame:
    """The state of every gene asked for in every patient.

    Parameters
    ----------
    table : DataFrame of str, shape (m, k)
        The mutation table as text; None or NaN is missing.
    section : MutationSection
        Its layout, and the genes.
    patients : Index of str, length n
        Ids of the cohort's patients.
    sequenced : DataFrame of str or None
        The tested list, in one of three layouts: one row per patient (tested for all genes); with ``gene`` declared,
        one row per patient and gene, or per patient with a panel such as ``TP53;PIK3CA``; or one column per gene with
        1/0, yes/no or tested/not tested.
    file, sequenced_file : str
        The files, for messages.
    rows, sequenced_rows : Series of int
        Row of each line in its file.
    findings : Findings
        Takes what is wrong; nothing is raised.

    Returns
    -------
    DataFrame, shape (n, genes), index ``patients``
        ``"mutated"``, ``"wild type"`` or ``"not tested"``.

    Notes
    -----
    Found and recorded: RG104, RG105, RG203, RG204, RG206 to RG209, RG213, RG214 (columns and ids), RG310 to RG317.

    *maf, cbioportal*: a row counts if its ``Variant_Classification`` is not silent, or is in ``keep_classes``.
    *long*: a row counts as what its ``change`` says: HGVS text, WT or 0, MUT or 1, an allele frequency, or a value of
    ``values``.  Without ``change`` every row is a mutation.  Synonymous changes (``T125=``) do not count, which RG316
    notes; where they stand for splice variants that should count, leave ``change`` out.
    *wide*: each gene's cell says it in the same way; an empty cell is not tested, unless ``values: {"": wild_type}``.
    A column that names mutations and never says wild type needs that declaration (RG310).

    In lists of mutations, a patient without a row for a gene is wild type if the tested list has the patient (for that
    gene), and not tested otherwise.  Without the list ``absent_is`` decides: with ``wild_type`` all such patients are
    wild type, with ``not_tested`` nobody is: a row for another gene does not show that this one was tested
    (``sequenced: {…, every_gene: true}`` declares that it does).
    In a wide table a patient without a row is not tested, unless ``absent_is: wild_type``.

    The symbol of a gene may differ in case and spaces (RG317); a gene that is nowhere mutated is RG311.

    Examples
    --------
    >>> import pandas as pd
    >>> from radiogen.cohort.config import MutationSection
    >>> from radiogen.errors import Findings
    >>> table = pd.DataFrame({"id": ["p1", "p2"], "gene": ["TP53", "PIK3CA"], "change": ["R175H", "H1047R"]})
    >>> section = MutationSection(path="m.csv", format="long", id="id", gene="gene", change="change",
    ...                           genes=["TP53"], absent_is="not_tested")
    >>> build_mutations(table, section, pd.Index(["p1", "p2", "p3"]), sequenced=None, file="m.csv",
    ...                 rows=pd.Series([2, 3]), findings=Findings())["TP53"].tolist()
    ['mutated', 'not tested', 'not tested']
    """
    genes = tuple(dict.fromkeys(section.genes))
    unknown = pd.DataFrame(NOT_TESTED, index=patients, columns=list(genes), dtype=object)
    errors = len(findings.errors)
    job = _start(RawTable(_plain(table), rows, file, "mutations"), section, genes, patients, findings)
    tested = None
    if sequenced is not None:
        numbers = pd.Series(range(2, len(sequenced) + 2)) if sequenced_rows is None else sequenced_rows
        listed = RawTable(_plain(sequenced), numbers, sequenced_file or "tested list", "mutations.sequenced")
        tested = read_tested(listed, section, genes, patients, findings)
    if job is None:
        return unknown
    evidence = _READERS[section.format](job)
    if evidence is None or (tested is None and section.sequenced is not None) or not _declared(job, tested):
        return unknown
    result = _combine(evidence, unknown, section, tested)
    if tested is not None:
        _check_tested(job, evidence, tested)
    if len(findings.errors) == errors:
        _report_unmutated(job, result, tested)
    return result


def _plain(table: pd.DataFrame) -> pd.DataFrame:
    """The table with None for every missing cell and positions as its index."""
    return table.astype(object).where(table.notna(), None).reset_index(drop=True)


def _start(
    raw: RawTable, section: MutationSection, genes: tuple[str, ...], patients: pd.Index, findings: Findings
) -> Job | None:
    """The rows that belong to patients of the cohort; None if the ids cannot be read."""
    listed = section.format in ("maf", "cbioportal")
    column = section.id or ("Tumor_Sample_Barcode" if listed else None)
    if column is None:
        findings.add("RG105", f"a {section.format} mutation table needs `id:`, the column of the patient", file=raw.file,
                     column="mutations.id", fix=f"Declare `id:`; the columns are {listing(raw.frame.columns)}.")
        return None
    ids = read_ids(raw, column, findings, section.id_pattern)
    if ids is None:
        return None
    keep = known_ids(ids, patients, raw, column, findings)
    return Job(raw.take(keep), ids[keep].reset_index(drop=True), section, genes, findings)


# -- lists of mutations ------------------------------------------------------------------


def _read_list(job: Job) -> _Evidence | None:
    """Evidence of a MAF or a long table."""
    section, raw = job.section, job.raw
    maf = section.format in ("maf", "cbioportal")
    gene_column = section.gene or ("Hugo_Symbol" if maf else None)
    if gene_column is None:
        job.report("RG105", "a long mutation table needs `gene:`, the column of the gene", column="mutations.gene",
                   fix=f"Declare `gene:`; the columns are {listing(raw.frame.columns)}.")
        return None
    needed = [gene_column, *(["Variant_Classification"] if maf else [section.change] if section.change else [])]
    missing = [column for column in needed if not raw.has(column, job.findings)]
    if missing:
        return None
    symbols = raw.frame[gene_column]
    for position, symbol in enumerate(symbols):
        # between genes a MAF has rows without one
        if symbol is None and not (maf and raw.frame["Variant_Classification"].iloc[position] in SILENT):
            job.report("RG313", "the row has no gene", position, column=gene_column,
                       fix="Write the gene, or remove the row; who was tested goes into `sequenced:`.")
    spelling = gene_spelling(symbols.dropna(), job.genes)
    _note_spelling(job, symbols, spelling, gene_column)
    states = (_maf_states if maf else _long_states)(job, symbols.map(spelling))
    genes = symbols.map(spelling)
    evidence = _collect(job, genes, states, _change_keys(job, maf))
    evidence.seen = frozenset((str(p), str(g)) for p, g in zip(job.ids, genes, strict=True) if not pd.isna(g))
    return evidence


def _note_spelling(job: Job, symbols: pd.Series, spelling: dict[str, str], column: str) -> None:
    for written, gene in spelling.items():
        if written != gene:
            count = int((symbols == written).sum())
            job.report("RG317", f"'{written}' is taken as {gene} ({count} rows)", column=column, value=written)


def _maf_states(job: Job, genes: pd.Series) -> list[str | None]:
    classes, keep = job.raw.frame["Variant_Classification"], job.section.keep_classes
    counted = NON_SILENT if keep is None else frozenset(keep)
    if keep is not None:
        _check_classes(job, classes)
    states: list[str | None] = [None] * len(genes)
    left_out: Counter[str] = Counter()
    for position, (gene, kind) in enumerate(zip(genes, classes, strict=True)):
        if pd.isna(gene):
            continue
        if kind in counted:
            states[position] = MUTATED
        elif kind is not None and (keep is not None or kind in SILENT):
            left_out[kind] += 1
        else:
            what = "is empty" if kind is None else "is not a class that MAF files are known to have"
            near = "" if kind is None else suggest(kind, sorted(NON_SILENT | SILENT))
            job.report("RG313", f"the Variant_Classification {what}.{near}", position, value=kind,
                       column="Variant_Classification", fix="Correct it, or list all classes that count in `keep_classes`.")
    if left_out:
        kinds = ", ".join(f"{k} {n}" for k, n in left_out.most_common())
        job.report("RG316", f"{sum(left_out.values())} rows of the genes asked for do not count: {kinds}",
                   column="Variant_Classification")
    return states


def _check_classes(job: Job, classes: pd.Series) -> None:
    """RG104 for a class in ``keep_classes`` that is nowhere to be found."""
    known = NON_SILENT | SILENT | set(classes.dropna())
    for kind in job.section.keep_classes or ():
        if kind not in known:
            job.findings.add("RG104", f"`keep_classes` names '{kind}', which does not occur.{suggest(kind, known)}",
                             column="mutations.keep_classes", value=kind)


def _long_states(job: Job, genes: pd.Series) -> list[str | None]:
    column = job.section.change
    states: list[str | None] = [None] * len(genes)
    reader = CellReader(job)
    for position, gene in enumerate(genes):
        if pd.isna(gene):
            continue
        if column is None:
            states[position] = MUTATED
            continue
        text = job.raw.frame[column].iloc[position]
        states[position] = reader.read(text, str(gene), column, position)
        if text is None and states[position] is None:
            job.report("RG313", f"the row names {gene} and no change", position, column=column,
                       fix='Write the change or WT, declare `values: {"": mutated}` (or wild_type), or leave `change:` '
                       "out if every row is a mutation.")
    reader.finish()
    return states


def _change_keys(job: Job, maf: bool) -> list[tuple[Any, ...]]:
    """What tells the change in a row from others; without it only wholly equal rows are the same."""
    frame = job.raw.frame
    columns = list(frame.columns)
    if maf and set(_MAF_CHANGE) <= set(columns):
        columns = list(_MAF_CHANGE)
    elif job.section.change is not None and job.section.change in columns:
        columns = [job.section.change]
    return list(frame[columns].itertuples(index=False, name=None))


def _collect(job: Job, genes: pd.Series, states: list[str | None], changes: list[tuple[Any, ...]]) -> _Evidence:
    """Rows to patients and genes; RG314 for repeated ones, RG313 for contradictions."""
    evidence = _Evidence()
    seen: set[tuple[Any, ...]] = set()
    repeated: list[int] = []
    for position, (patient, gene, state) in enumerate(zip(job.ids, genes, states, strict=True)):
        if state is None:
            continue
        if (patient, gene, *changes[position]) in seen:
            repeated.append(position)
        seen.add((patient, gene, *changes[position]))
        here, row = (str(patient), str(gene)), int(job.raw.rows.iloc[position])
        before = evidence.states.setdefault(here, state)
        first = evidence.rows.setdefault(here, row)
        if before != state:
            job.report("RG313", f"'{patient}' is {before} for {gene} in row {first} and {state} in row {row}", position,
                       value=patient, fix="Keep the row that is right.")
    if repeated:
        job.report("RG314", f"{len(repeated)} rows repeat a change of the same gene and patient", repeated[0],
                   value=job.ids.iloc[repeated[0]])
    return evidence


# -- wide tables -----------------------------------------------------------------------------


def _read_wide(job: Job) -> _Evidence | None:
    section = job.section
    for gene in section.columns:
        if gene not in job.genes:
            job.findings.add("RG109", f"`columns` names '{gene}', which is not in `genes`.{suggest(gene, job.genes)}",
                             column=f"mutations.columns.{gene}", value=gene)
    places = {gene: section.columns.get(gene, gene) for gene in job.genes}
    missing = [gene for gene, column in places.items() if not job.raw.has(column, job.findings, f"mutations.columns.{gene}")]
    if missing:
        return None
    reader = CellReader(job)
    cells = {
        gene: [reader.read(text, gene, column, p) for p, text in enumerate(job.raw.frame[column])]
        for gene, column in places.items()
    }
    reader.finish()
    return _one_row_each(job, cells)


def _one_row_each(job: Job, cells: dict[str, list[str | None]]) -> _Evidence:
    """Wide rows to patients; equal rows of one patient are counted (RG314), others are an error (RG204)."""
    evidence = _Evidence()
    first: dict[str, int] = {}
    repeated: list[int] = []
    for position, patient in enumerate(job.ids):
        here = {gene: states[position] or NOT_TESTED for gene, states in cells.items()}
        row = int(job.raw.rows.iloc[position])
        if patient not in first:
            first[patient] = row
            evidence.states.update({(patient, gene): state for gene, state in here.items()})
            evidence.rows.update(dict.fromkeys(((patient, gene) for gene in here), row))
        elif all(evidence.states[patient, gene] == state for gene, state in here.items()):
            repeated.append(position)
        else:
            job.report("RG204", f"'{patient}' stands in rows {first[patient]} and {row}, with different states", position,
                       value=patient)
    if repeated:
        job.report("RG314", f"{len(repeated)} rows repeat a patient with the same states", repeated[0],
                   value=job.ids.iloc[repeated[0]])
    return evidence


_READERS: dict[str, Callable[[Job], _Evidence | None]] = {
    "maf": _read_list, "cbioportal": _read_list, "long": _read_list, "wide": _read_wide,
}


# -- together ------------------------------------------------------------------------------------


def _declared(job: Job, tested: pd.DataFrame | None) -> bool:
    """Whether it is known what absence means; RG310 or RG104 if not."""
    section = job.section
    if tested is not None and section.absent_is == "wild_type":
        job.findings.add("RG104", "with a tested list, who is not on it is not tested; `absent_is: wild_type` contradicts it",
                         column="mutations.absent_is", fix="Keep `sequenced` or `absent_is`.")
        return False
    if tested is None and section.absent_is is None and section.format != "wide":
        job.report("RG310", "the table lists mutations; who was tested and has none is not known", column="mutations.sequenced")
        return False
    return True


def _combine(
    evidence: _Evidence, unknown: pd.DataFrame, section: MutationSection, tested: pd.DataFrame | None
) -> pd.DataFrame:
    """States of all patients from what the table says and who was tested."""
    wide = section.format == "wide"
    result = unknown.copy()
    for gene in result.columns:
        states: list[str] = []
        for patient in result.index:
            said = evidence.states.get((patient, gene))
            if tested is not None:
                absent = WILD_TYPE if tested.at[patient, gene] and not wide else NOT_TESTED
                said = NOT_TESTED if said == WILD_TYPE and not tested.at[patient, gene] else said
            elif section.absent_is == "wild_type":
                absent = WILD_TYPE
            else:
                # a row that does not count, a silent one, shows that the gene was looked at
                absent = WILD_TYPE if (patient, gene) in evidence.seen else NOT_TESTED
            states.append(absent if said is None else said)
        result[gene] = states
    return result


def _check_tested(job: Job, evidence: _Evidence, tested: pd.DataFrame) -> None:
    """RG312 for mutations of genes that were not tested in that patient."""
    for (patient, gene), state in evidence.states.items():
        if state == MUTATED and not tested.at[patient, gene]:
            job.findings.add("RG312", f"'{patient}' has a mutation of {gene} and is not on the tested list for it",
                             file=job.raw.file, row=evidence.rows[patient, gene], value=patient)


def _report_unmutated(job: Job, result: pd.DataFrame, tested: pd.DataFrame | None) -> None:
    """RG311 for genes without a mutated patient, with the nearest symbol of the table."""
    column = job.section.gene or "Hugo_Symbol"
    symbols = sorted(set(job.raw.frame[column].dropna())) if column in job.raw.frame and job.section.format != "wide" else []
    for gene in result.columns:
        if (result[gene] == MUTATED).any():
            continue
        nobody = ", and the tested list has nobody for it" if tested is not None and not tested[gene].any() else ""
        job.report("RG311", f"no patient has a mutation of {gene}{nobody}.{suggest(gene, symbols)}", value=gene,
                   column=None if job.section.format == "wide" else column)
