"""What is known of one feature."""

from __future__ import annotations

from dataclasses import dataclass

#: columns of the table, in its order
COLUMNS = (
    "feature", "modality", "region", "class", "filter", "unit", "formula", "ibsi", "note", "filter_formula", "reference",
)  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """One feature.

    Parameters
    ----------
    feature : str
        Name of the column in the joined frame.
    modality : str
    region : str
        Where it is measured: the lesion, a shell, a ring.
    feature_class : str
    short : str
        The name inside its class, such as ``JointEntropy``.
    filter : str
        The filtered picture of a radiomics feature, such as ``wavelet LH``; empty elsewhere.
    unit : str
        Empty for a plain number.
    formula : str
    ibsi : str
        Identifier of the IBSI reference manual where the definition is IBSI's, else empty.
    note : str
    filter_formula : str
    reference : str
    symbols : str
        What the letters of the formula are.
    """

    feature: str
    modality: str
    region: str
    feature_class: str
    short: str
    filter: str = ""
    unit: str = ""
    formula: str = ""
    ibsi: str = ""
    note: str = ""
    filter_formula: str = ""
    reference: str = ""
    symbols: str = ""

    def row(self) -> dict[str, str]:
        """The entry as a row of the table."""
        return {c: getattr(self, "feature_class" if c == "class" else c) for c in COLUMNS}
