"""Data that a page carries for its scripts: figures and downloads as JSON that cannot end its element."""

from __future__ import annotations

import json
from itertools import groupby
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

_UNSAFE = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def json_block(value: Any) -> Markup:
    """JSON for a ``<script type="application/json">`` element.

    Examples
    --------
    >>> str(json_block({"a": "</script>"}))
    '{"a":"\\\\u003c/script\\\\u003e"}'
    """
    body = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character, escape in _UNSAFE.items():
        body = body.replace(character, escape)
    return Markup(body)


def neutralise(cell: str) -> str:
    """A text cell that a spreadsheet does not take for a formula.

    Examples
    --------
    >>> neutralise("=cmd|' /C calc'!A0"), neutralise("TP53")
    ("'=cmd|' /C calc'!A0", 'TP53')
    """
    return "'" + cell if cell.lstrip(" \u00a0").startswith(_FORMULA) or cell.startswith(("\t", "\r", "\n")) else cell


def columnar(frame: pd.DataFrame, digits: int = 10) -> dict[str, Any]:
    """A frame for the download: numbers as numbers, texts neutralised and listed once.

    Parameters
    ----------
    frame : DataFrame
    digits : int
        Significant digits of numbers.

    Returns
    -------
    dict
        ``names`` and ``columns``; a column is ``{"v": […]}`` (numbers, null where not known) or
        ``{"l": levels, "c": codes}`` (texts, -1 where not known).  Where that is shorter, ``vr`` and ``cr`` hold
        value and number of repeats in turn instead.
    """
    names = [neutralise(str(c)) for c in frame.columns]
    return {"names": names, "columns": [_column(frame.iloc[:, i], digits) for i in range(frame.shape[1])], "rows": len(frame)}


def _column(series: pd.Series, digits: int) -> dict[str, Any]:
    if pd.api.types.is_numeric_dtype(series) and not pd.api.types.is_bool_dtype(series):
        return _runs("v", [_number(v, digits) for v in series.to_numpy(dtype=float, na_value=np.nan)])
    mixed = [v if not isinstance(v, (float, np.floating)) or not np.isnan(v) else None for v in series.tolist()]
    if any(isinstance(v, (int, float)) and not isinstance(v, bool) for v in mixed):
        return _runs("v", [_mixed(v, digits) for v in mixed])
    texts = [None if v is None or v is pd.NA else neutralise(str(v)) for v in mixed]
    codes, levels = pd.factorize(pd.Series(texts, dtype=object))
    return {"l": [str(v) for v in levels], **_runs("c", [int(c) for c in codes])}


def _runs(name: str, values: list[Any]) -> dict[str, Any]:
    """The values, or value and number of repeats in turn where that is less than half as long."""
    runs: list[Any] = []
    for value, group in groupby(values):
        runs += [value, sum(1 for _ in group)]
    return {f"{name}r": runs} if len(runs) < len(values) / 2 else {name: values}


def _number(value: float, digits: int) -> float | int | str | None:
    if np.isnan(value):
        return None
    if np.isinf(value):
        return "Inf" if value > 0 else "'-Inf"
    return int(value) if value.is_integer() and abs(value) < 2**53 else float(f"{value:.{digits}g}")


def _mixed(value: Any, digits: int) -> Any:
    if value is None or value is pd.NA:
        return None
    if isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool):
        return _number(float(value), digits)
    return neutralise(str(value))
