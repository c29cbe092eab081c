"""A table as text, with the row in its file of every line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from radiogen.cohort.values import bare, listing, suggest
from radiogen.errors import Findings


@dataclass(frozen=True)
class RawTable:
    """A table as text.

    Parameters
    ----------
    frame : DataFrame of str or None
        None is missing; the index counts from 0.
    rows : Series of int
        The row as a spreadsheet numbers it (the header is usually 1).
    file : str
        For messages.
    key : str
        Dotted key of the YAML, for messages.
    untouched : DataFrame, optional
        The cells before stripping and missing codes, in which ids are checked.
    """

    frame: pd.DataFrame
    rows: pd.Series
    file: str
    key: str
    untouched: pd.DataFrame | None = None

    def has(self, column: str, findings: Findings, key: str | None = None) -> bool:
        """Whether a column is there; if not, a finding that lists the columns (RG203)."""
        if column in self.frame.columns:
            return True
        findings.add(
            "RG203",
            f"'{self.file}' has no column '{column}'.{suggest(column, self.frame.columns)}",
            fix=f"Use one of its columns: {listing(self.frame.columns)}.",
            file=self.file, column=key or column,
        )
        return False

    def take(self, keep: Any) -> RawTable:
        """Some of the rows, by a boolean array or by positions."""
        at = np.asarray(keep)
        at = np.flatnonzero(at) if at.dtype == bool else at
        raw = None if self.untouched is None else self.untouched.iloc[at].reset_index(drop=True)
        return replace(
            self, frame=self.frame.iloc[at].reset_index(drop=True), rows=self.rows.iloc[at].reset_index(drop=True), untouched=raw
        )


def make_table(
    header: Sequence[str | None], body: list[list[str | None]], rows: Sequence[int], path: Path, key: str, findings: Findings
) -> RawTable | None:
    """A table from its header and cells; None and RG210 where two columns have one name.

    Spaces and invisible characters around names are left out, and columns that have neither a name nor a value.
    """
    names = [bare(h or "") for h in header]
    keep = [i for i, name in enumerate(names) if name or any(bare(cells[i] or "") for cells in body)]
    named = [names[i] for i in keep]
    if not _unique(named, path, key, findings):
        return None
    columns = {name: [cells[i] for cells in body] for name, i in zip(named, keep, strict=True)}
    index = pd.RangeIndex(len(body))
    return RawTable(pd.DataFrame(columns, dtype=object, index=index), pd.Series(rows, dtype=int), str(path), key)


def _unique(header: Sequence[str], path: Path, key: str, findings: Findings) -> bool:
    seen: set[str] = set()
    twice = [name for name in header if name in seen or seen.add(name)]  # type: ignore[func-returns-value]
    for name in dict.fromkeys(twice):
        what = f"two columns '{name}'" if name else "two columns without a name"
        findings.add("RG210", f"'{path.name}' has {what}", file=path, row=1, column=name or key)
    return not twice
