"""From a data frame, or raw examples, to standardised examples; fitted on training rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from radiogen.errors import fail
from radiogen.models.fusion.examples import Examples, FloatArray
from radiogen.models.fusion.spec import InputSpec
from radiogen.models.preprocess import Preprocessor
from radiogen.models.tabular.table import Scaling

#: what to do about a modality that an inner fold lacks
_RARE = "Leave the modality out, or use fewer `folds`: so few units have it that a training part can be without."


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
                raise fail("RG701", f"no unit of a training part has a known value of '{name}'", value=name, fix=_RARE)
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
            part = _as_trained(frame[list(own)], self.tables[name].kinds())
            present.append(part.notna().any(axis=1).to_numpy())
            tables[name] = self.tables[name].transform(part)
        return Examples(frame.index.to_numpy(dtype=str), tuple(self.columns), np.column_stack(present), tables)


def _check_columns(frame: pd.DataFrame, name: str, columns: Sequence[str]) -> None:
    """RG203 where a modality has columns that the frame lacks, RG705 where it has none."""
    if isinstance(columns, str) or not columns:
        raise fail("RG705", f"the modality '{name}' must be given a list of columns", column=name, value=columns)
    if len(set(columns)) < len(columns):
        twice = next(c for c in columns if list(columns).count(c) > 1)
        raise fail("RG705", f"the modality '{name}' names a column twice", column=str(twice), fix="Name each column once.")
    lacking = [c for c in columns if c not in frame.columns]
    if lacking:
        raise fail("RG203", f"{len(lacking)} columns of '{name}' are missing", column=str(lacking[0]))


def _as_trained(part: pd.DataFrame, number: Mapping[str, bool]) -> pd.DataFrame:
    """The columns, those that were numbers in training as finite numbers; RG705 where they are not."""
    for column in (c for c, is_number in number.items() if is_number):
        try:
            values = part[column].to_numpy(dtype=np.float64, na_value=np.nan)
        except (TypeError, ValueError) as error:
            raise fail("RG705", "a column that held numbers in training holds something else", column=column,
                       fix="Bring the column to numbers, with NaN where a value is not known.") from error  # fmt: skip
        if np.isinf(values).any():
            raise fail("RG705", "a predictor holds an infinite value", column=column,
                       fix="Set it to NaN where it is not known.")  # fmt: skip
        if values.dtype != part[column].dtype:
            part = part.assign(**{column: values})
    return part


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
            own = examples.tables[spec.name][examples.present[:, _place(spec.modality, examples)]]
            if not len(own):
                raise fail("RG701", f"no unit of a training part has the input '{spec.name}'", value=spec.name, fix=_RARE)
            _finite(spec.name, own)
            scales[spec.name] = Scaling.of(own)
        return cls(tuple(inputs), scales)

    def __call__(self, examples: Examples) -> Examples:
        """The examples with standardised tables, their modalities in the order of the inputs."""
        modalities = tuple(dict.fromkeys(spec.modality for spec in self.inputs))
        present = examples.present[:, [_place(name, examples) for name in modalities]]
        tables = dict(examples.tables)
        for spec in self.inputs:
            if spec.name in tables and spec.name in self.scales:
                _finite(spec.name, tables[spec.name][present[:, modalities.index(spec.modality)]])
                tables[spec.name] = self.scales[spec.name](tables[spec.name])
        return replace(examples, modalities=modalities, present=present, tables=tables)


def _place(modality: str, examples: Examples) -> int:
    if modality not in examples.modalities:
        known = ", ".join(examples.modalities)
        raise fail("RG705", f"the examples have no modality '{modality}'; they have {known}", value=modality)
    return examples.modalities.index(modality)


def _finite(name: str, own: FloatArray) -> None:
    """RG705 where those who have the input have not all its values."""
    if not np.isfinite(own).all():
        raise fail("RG705", f"the table '{name}' has missing or infinite values where its modality is present", value=name)
