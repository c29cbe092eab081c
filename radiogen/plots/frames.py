"""Rows of frames as dicts, for figures and sentences that read one row at a time."""

from __future__ import annotations

from typing import Any

import pandas as pd

Row = dict[str, Any]


def records(frame: pd.DataFrame) -> list[Row]:
    """The rows, each a dict by column name."""
    return [{str(k): v for k, v in row.items()} for row in frame.to_dict("records")]


def row_of_max(frame: pd.DataFrame, column: str) -> Row:
    """The first row with the largest value of a column."""
    return _at(frame, pd.to_numeric(frame[column]).reset_index(drop=True).idxmax())


def row_of_min(frame: pd.DataFrame, column: str) -> Row:
    """The first row with the smallest value of a column."""
    return _at(frame, pd.to_numeric(frame[column]).reset_index(drop=True).idxmin())


def _at(frame: pd.DataFrame, place: Any) -> Row:
    return records(frame.iloc[[int(place)]])[0]


def is_missing(value: Any) -> bool:
    """Whether a single value is NaN, NA or None."""
    return bool(pd.isna(value))
