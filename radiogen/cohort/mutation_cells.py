"""Reading the cells of a mutation table, with what is reported once per column or table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from radiogen.cohort.config import MutationSection
from radiogen.cohort.mutation_values import CellState, cell_state, declared_values
from radiogen.cohort.states import WILD_TYPE
from radiogen.cohort.tables import RawTable
from radiogen.cohort.values import is_number
from radiogen.errors import Findings


@dataclass(frozen=True)
class Job:
    """One table on its way to evidence."""

    raw: RawTable
    ids: pd.Series
    section: MutationSection
    genes: tuple[str, ...]
    findings: Findings

    def report(self, code: str, message: str, position: int | None = None, **more: Any) -> None:
        row = None if position is None else int(self.raw.rows.iloc[position])
        self.findings.add(code, message, file=self.raw.file, row=row, **more)


class CellReader:
    """Reads cells and counts what is reported once per column or once per table."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.values = declared_values(job.section.values)
        self.silent: list[str] = []
        self.frequencies: dict[str, list[int]] = {}
        self.said: dict[str, set[str]] = {}

    def read(self, text: str | None, gene: str, column: str, position: int) -> str | None:
        """The state a cell names; None where it names none (empty, silent in a list, not understood)."""
        if text is None:
            self.said.setdefault(column, set()).add("empty")
            return self.values.get("")
        found: CellState = cell_state(text, self.values, self.job.section.vaf_min)
        if found == "frequency":
            self.frequencies.setdefault(column, []).append(position)
        elif found == "unknown":
            self._refuse(text, gene, column, position)
        elif found == "silent":
            self.silent.append(text)
            # the patient was tested; in a list other rows may still name a mutation of the gene
            return WILD_TYPE if self.job.section.format == "wide" else None
        else:
            self.said.setdefault(column, set()).add(found)
            return found
        return None

    def _refuse(self, text: str, gene: str, column: str, position: int) -> None:
        number = text.rstrip("% ")
        percent = is_number(number) and 1 < float(number) <= 100
        fix = "Correct the value, or declare what it means: `values: {…: mutated}` (or wild_type, not_tested) in `mutations`."
        if percent:
            fix = "Write allele frequencies between 0 and 1 and declare `vaf_min`; a percentage is not converted."
        self.job.report("RG313", f"'{text}' says neither mutated nor wild type of {gene}", position, column=column,
                        value=text, fix=fix)

    def finish(self) -> None:
        """RG315 for each column of frequencies, RG316 for the silent changes."""
        for column, positions in self.frequencies.items():
            text = self.job.raw.frame[column].iloc[positions[0]]
            self.job.report("RG315", f"{len(positions)} cells such as '{text}' are allele frequencies and `vaf_min` is not "
                            "declared", positions[0], column=column, value=text)
        if self.silent:
            wide = self.job.section.format == "wide"
            fix = ("To count them, declare `values: {…: mutated}`." if wide
                   else "To count them too, leave `change:` out: then every row is a mutation.")
            self.job.report("RG316", f"{len(self.silent)} synonymous changes such as '{self.silent[0]}' do not count as mutated",
                            value=self.silent[0], fix=fix)
        if self.job.section.format == "wide":
            self._names_only()

    def _names_only(self) -> None:
        """RG310 for a column with mutations and empty cells that never says wild type."""
        for column, said in self.said.items():
            if "mutated" in said and "empty" in said and "wild type" not in said and "" not in self.values:
                self.job.report(
                    "RG310", f"'{column}' names mutations and is empty otherwise; empty may mean wild type or not tested",
                    column=column, fix='Declare `values: {"": wild_type}` or `values: {"": not_tested}` in `mutations`.',
                )
