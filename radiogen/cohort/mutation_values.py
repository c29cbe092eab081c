"""Cells of mutation tables: classes of a MAF, wild type, mutated, HGVS text and allele frequencies."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from radiogen.cohort.states import MUTATED, NOT_TESTED, WILD_TYPE
from radiogen.cohort.values import canonical, is_number

#: MAF Variant_Classification values that change the protein or its splicing: those of maftools
#: (Mayakonda 2018, doi 10.1101/gr.239244.118), and Oncotator's finer names for start and stop codons
NON_SILENT = frozenset({
    "Frame_Shift_Del", "Frame_Shift_Ins", "In_Frame_Del", "In_Frame_Ins", "Missense_Mutation", "Nonsense_Mutation",
    "Nonstop_Mutation", "Splice_Site", "Translation_Start_Site", "Start_Codon_SNP", "Start_Codon_Del", "Start_Codon_Ins",
    "Stop_Codon_Del", "Stop_Codon_Ins",
})
#: the values that do not count unless ``keep_classes`` lists them
SILENT = frozenset({
    "Silent", "Intron", "5'UTR", "3'UTR", "5'Flank", "3'Flank", "IGR", "RNA", "lincRNA", "Splice_Region",
    "Targeted_Region", "De_novo_Start_InFrame", "De_novo_Start_OutOfFrame",
})

_WILD_TYPE_WORDS = frozenset({"0", "wt", "wild type", "wild-type", "wildtype", "wild_type", "false"})
_MUTATED_WORDS = frozenset({"1", "mut", "mutated", "mutant", "mutation", "true"})
_NOT_TESTED_WORDS = frozenset({"not tested", "not_tested"})
_DECLARED = {"mutated": MUTATED, "wild_type": WILD_TYPE, "not_tested": NOT_TESTED}

_ONE = "[ACDEFGHIKLMNPQRSTUVWYX*]"
_THREE = (
    "(?:Ala|Arg|Asn|Asp|Cys|Gln|Glu|Gly|His|Ile|Leu|Lys|Met|Phe|Pro|Sec|Ser|Thr|Trp|Tyr|Val|Ter|Xaa)"
)
_AA = rf"(?:{_THREE}|{_ONE})"
_SHIFT = r"fs(?:(?:\*|Ter|X)?(?:[0-9]+|\?)?)?"
_OUTCOME = (
    rf"(?:{_AA}?{_SHIFT}|{_AA}?ext(?:-?[0-9]+|(?:\*|Ter|X)?(?:[0-9]+|\?)?)|_splice|dup|del(?:{_AA}+|[0-9]+)?"
    rf"|(?:del)?ins(?:{_AA}+|[0-9]+)|{_AA}+|\?|=)"
)
_PLACE = rf"(?:{_AA}|-)[0-9]+"
#: a change of the protein, with or without 'p.'
_PROTEIN = re.compile(rf"(?:p\.)?{_PLACE}(?:_{_PLACE})?{_OUTCOME}|p\.(?:\?|0\??|=)")
#: a residue that stays the same: T125=, T125T
_SAME = re.compile(rf"(?:p\.)?({_AA})[0-9]+(?:\1|=)|[pcgmnr]\..*=")
#: a change of DNA or RNA; the prefix makes it unmistakable, so that the rest is not checked in detail
_NUCLEOTIDE = re.compile(r"[cgmnr]\.(?:[-*]?[0-9?][-+*0-9A-Za-z_>=?\[\]]*|=|\?|0)")
_REFERENCE = re.compile(r"^[A-Za-z][\w.()-]*:(?=\(?[cgmnrp]\.)")

#: what a cell says; the last three are not states: a synonymous change, a frequency without a threshold, not understood
CellState = Literal["mutated", "wild type", "not tested", "silent", "frequency", "unknown"]


def cell_state(text: str, values: Mapping[str, str], vaf_min: float | None) -> CellState:
    """What one cell of a wide table, or one change of a long one, says.

    Parameters
    ----------
    text : str
        The cell, not missing.
    values : mapping of str to str
        Declared meanings, from :func:`declared_values`.
    vaf_min : float or None
        Variant allele frequency (0 to 1) from which on a gene is mutated.

    Returns
    -------
    {"mutated", "wild type", "not tested", "silent", "frequency", "unknown"}
        ``"silent"``: HGVS text of changes that leave the protein the same (``p.T125=``, ``T125T``).  ``"frequency"``: a number
        between 0 and 1 where ``vaf_min`` is not declared.  ``"unknown"``: anything else, such as 35 or ``n.d.``.

    Examples
    --------
    >>> cell_state("E545K;H1047R", {}, None), cell_state("0.3", {}, 0.05), cell_state("35", {}, 0.05)
    ('mutated', 'mutated', 'unknown')
    """
    key = canonical(text)
    if key in values:
        return values[key]  # type: ignore[return-value]
    word = key.casefold()
    if word in _WILD_TYPE_WORDS:
        return "wild type"
    if word in _MUTATED_WORDS:
        return "mutated"
    if word in _NOT_TESTED_WORDS:
        return "not tested"
    if is_number(text.strip()):
        frequency = float(text)
        if not 0 < frequency < 1:
            return "unknown"
        if vaf_min is None:
            return "frequency"
        return "mutated" if frequency >= vaf_min else "wild type"
    return hgvs_state(text)


def declared_values(values: Mapping[Any, str]) -> dict[str, str]:
    """``values:`` of the YAML with its keys in canonical form and states as they stand in the cohort."""
    return {canonical(key): _DECLARED[state] for key, state in values.items()}


def hgvs_state(text: str) -> Literal["mutated", "silent", "unknown"]:
    """Whether a text is one or several HGVS changes, and whether any of them changes the protein.

    Parameters
    ----------
    text : str
        Such as ``p.R175H``, ``R175H``, ``p.(Arg175His)``, ``c.524G>A``, ``NM_000546.5:c.524G>A``, ``X125_splice``,
        ``A499Gfs*16``; several are separated by ``;``, ``,``, ``|``, ``/`` or spaces.

    Returns
    -------
    {"mutated", "silent", "unknown"}
        Where DNA and protein changes stand together, the protein decides.

    References
    ----------
    den Dunnen JT et al. Hum Mutat 2016;37:564. doi:10.1002/humu.22981

    Examples
    --------
    >>> hgvs_state("c.524G>A (p.R175H)"), hgvs_state("p.T125="), hgvs_state("T2")
    ('mutated', 'silent', 'unknown')
    """
    parts = [_REFERENCE.sub("", p).replace("(", "").replace(")", "") for p in re.split(r"[\s;,|/]+", text.strip()) if p]
    protein = [p for p in parts if _PROTEIN.fullmatch(p)]
    dna = [p for p in parts if p not in protein and _NUCLEOTIDE.fullmatch(p)]
    if not parts or len(protein) + len(dna) < len(parts):
        return "unknown"
    return "silent" if all(_SAME.fullmatch(p) for p in protein or dna) else "mutated"


def gene_key(symbol: str) -> str:
    """A gene symbol without case and spaces: human symbols never differ in these alone."""
    return re.sub(r"\s+", "", symbol).casefold()


def gene_spelling(symbols: Iterable[str], genes: Iterable[str]) -> dict[str, str]:
    """Each symbol of a table that names a gene asked for, and that gene.

    Parameters
    ----------
    symbols : iterable of str
        As they stand in the table.
    genes : iterable of str
        Genes asked for.

    Returns
    -------
    dict of str to str

    Examples
    --------
    >>> gene_spelling(["tp53", "GATA3", "TP53"], ["TP53"])
    {'tp53': 'TP53', 'TP53': 'TP53'}
    """
    wanted = {gene_key(g): g for g in genes}
    return {s: wanted[gene_key(s)] for s in dict.fromkeys(symbols) if gene_key(s) in wanted}
