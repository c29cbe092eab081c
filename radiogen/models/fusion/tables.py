"""From a data frame, or raw examples, to standardised examples; fitted on training rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from radiogen.errors import fail
from radiogen.models.fusion.examples import Examples
from radiogen.models.fusion.spec import InputSpec
from radiogen.models.preprocess import Preprocessor
from radiogen.models.tabular.table import Scaling


@dataclass(frozen=True)
class FramePreparer:
    """A data frame with one table per modality; a modality is absent where none of its columns is known.

    Parameters
    ----------
    columns : mapping of str to tuple of str
        By modality.
    tables : mapping of str to Preprocessor
        Fitted on the rows that have the modality.
    """

    columns: Mapping[str, tuple[str, ...]]
    tables: Mapping[str, Preprocessor]

    @classmethod
    def fit(cls, frame: pd.DataFrame, columns: Mapping[str, Sequence[str]]) -> FramePreparer:
        """Learn medians, levels and scales of each modality.

        Parameters
        ----------
        frame : DataFrame, shape (n, columns)
        columns : mapping of str to sequence of str
        """
        tables = {}
        for name, own in columns.items():
            _check_columns(frame, name, own)
            there = frame[list(own)].notna().any(axis=1)
            if not there.any():
                raise fail("RG701", f"no training unit has a known value of '{name}'", value=name)
            tables[name] = Preprocessor(keep=None).fit(frame.loc[there, list(own)])
        return cls({k: tuple(v) for k, v in columns.items()}, tables)

    @property
    def inputs(self) -> tuple[InputSpec, ...]:
        """One table per modality."""
        return tuple(InputSpec(name, "table", columns=tuple(t.names)) for name, t in self.tables.items())

    def __call__(self, frame: pd.DataFrame) -> Examples:
        """The rows as examples."""
        present, tables = [], {}
        for name, own in self.columns.items():
            _check_columns(frame, name, own)
            part = frame[list(own)]
            present.append(part.notna().any(axis=1).to_numpy())
            tables[name] = self.tables[name].transform(part)
        return Examples(frame.index.to_numpy(dtype=str), tuple(self.columns), np.column_stack(present), tables)


def _check_columns(frame: pd.DataFrame, name: str, columns: Sequence[str]) -> None:
    """RG203 where a modality has columns that the frame lacks, RG705 where it has none."""
    if isinstance(columns, str) or not columns:
        raise fail("RG705", f"the modality '{name}' must be given a list of columns", column=name, value=columns)
    lacking = [c for c in columns if c not in frame.columns]
    if lacking:
        raise fail("RG203", f"{len(lacking)} columns of '{name}' are missing", column=str(lacking[0]))


@dataclass(frozen=True)
class ExamplePreparer:
    """Examples whose tables are brought to mean 0 and standard deviation 1 of the training units that have them.

    Parameters
    ----------
    inputs : tuple of InputSpec
    scales : mapping of str to Scaling
        By input.
    """

    inputs: tuple[InputSpec, ...]
    scales: Mapping[str, Scaling] = field(default_factory=dict)

    @classmethod
    def fit(cls, examples: Examples, inputs: Sequence[InputSpec]) -> ExamplePreparer:
        """Learn the scales of the tables.

        Parameters
        ----------
        examples : Examples
        inputs : sequence of InputSpec
        """
        scales = {}
        for spec in inputs:
            if spec.name not in examples.tables:
                continue
            own = examples.tables[spec.name][examples.present[:, examples.modalities.index(spec.modality)]]
            if not len(own):
                raise fail("RG701", f"no training unit has the input '{spec.name}'", value=spec.name)
            if not np.isfinite(own).all():
                raise fail("RG705", f"the table '{spec.name}' has missing or infinite values where its modality is present",
                           value=spec.name)  # fmt: skip
            scales[spec.name] = Scaling.of(own)
        return cls(tuple(inputs), scales)

    def __call__(self, examples: Examples) -> Examples:
        """The examples with standardised tables."""
        tables = {name: self.scales[name](table) if name in self.scales else table for name, table in examples.tables.items()}
        return replace(examples, tables=tables)
