"""Changes from one visit to another, as named columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pandas as pd

from radiogen.errors import fail
from radiogen.models.tabular.table import Floats, check_word, read_table

DeltaKind = Literal["difference", "ratio", "log_ratio", "percent"]
_PREFIX: dict[str, str] = {
    "difference": "delta_", "ratio": "delta_ratio_", "log_ratio": "delta_log_ratio_", "percent": "delta_percent_",
}  # fmt: skip
_NO_BASE = {"ratio": "zero", "log_ratio": "zero or negative at either visit", "percent": "zero"}


def delta_features(
    before: pd.DataFrame, after: pd.DataFrame, kind: DeltaKind = "difference", *, days: Any = None
) -> pd.DataFrame:
    """The change of every column from the first visit to the second.

    Parameters
    ----------
    before, after : DataFrame, shapes (n1, p) and (n2, p)
        One row per unit, numbers, with the same columns; rows are matched by the index.  NaN: not known.
    kind : {"difference", "ratio", "log_ratio", "percent"}, default "difference"
        a - b; a / b; ln(a / b); 100 (a - b) / abs(b), whose sign is that of the change also where the values are negative.
    days : Series or array, optional
        Days between the visits of each unit, above zero (NaN: not known); the change is given per day then.  An array has the
        order of the rows of the result.  A ratio has no rate: take ``log_ratio``.

    Returns
    -------
    DataFrame
        Units of ``before`` in their order, then those of ``after`` alone.  Columns ``delta_…``, ``delta_ratio_…``,
        ``delta_log_ratio_…`` or ``delta_percent_…``, with ``_per_day`` at the end of a rate.  NaN where a visit or a value is
        missing and where the change is not defined; never infinite.  ``frame.attrs["notes"]`` says how many values are not
        defined, and of how many units a visit is missing.

    Raises
    ------
    RadiogenError
        RG705 for tables that are no DataFrames, other columns, a unit twice, text or infinite values, days that are not above
        zero or of another length; RG708 for an unknown kind, or days with a ratio.

    Notes
    -----
    Log ratios treat a doubling and a halving alike; differences keep the unit of the feature.

    Examples
    --------
    >>> import pandas as pd
    >>> from radiogen.models.paired.deltas import delta_features
    >>> t0 = pd.DataFrame({"swe_mean_kpa": [40.0, 0.0]}, index=["P1", "P2"])
    >>> t1 = pd.DataFrame({"swe_mean_kpa": [30.0, 5.0]}, index=["P1", "P2"])
    >>> changes = delta_features(t0, t1, "percent")
    >>> changes["delta_percent_swe_mean_kpa"].tolist()
    [-25.0, nan]
    >>> changes.attrs["notes"]
    ('delta_percent_swe_mean_kpa: not defined in 1 unit, whose value is zero',)
    """
    check_word("kind", kind, tuple(_PREFIX))
    if kind == "ratio" and days is not None:
        raise fail("RG708", "a ratio has no rate per day", fix="Use `log_ratio`, or leave `days` out.", value=kind)
    b, a, index, columns = _matched(before, after)
    with np.errstate(all="ignore"):
        change = _CHANGE[kind](b, a)
        rate = np.ones(len(index)) if days is None else _days(days, index)
        change = change / rate[:, None]
    defined = np.isfinite(change)
    base = np.isfinite(a) & np.isfinite(b) & np.isfinite(rate)[:, None]
    names = [f"{_PREFIX[kind]}{c}{'' if days is None else '_per_day'}" for c in columns]
    found = pd.DataFrame(np.where(defined, change, np.nan), index=index, columns=names)
    found.attrs["notes"] = _notes(names, (base & ~defined).sum(axis=0), kind, before, after)
    return found


def _log_ratio(b: Floats, a: Floats) -> Floats:
    return np.where((a > 0) & (b > 0), np.log(a) - np.log(b), np.nan)


_CHANGE: dict[str, Callable[[Floats, Floats], Floats]] = {
    "difference": lambda b, a: a - b,
    "ratio": lambda b, a: a / b,
    "log_ratio": _log_ratio,
    "percent": lambda b, a: 100 * (a - b) / np.abs(b),
}


def _matched(before: Any, after: Any) -> tuple[Floats, Floats, pd.Index, list[str]]:
    """Values of both visits for all units, NaN where a visit is missing."""
    for frame, what in ((before, "before"), (after, "after")):
        if not isinstance(frame, pd.DataFrame):
            raise fail("RG705", f"`{what}` must be a DataFrame whose index names the units")
        if frame.index.has_duplicates:
            unit = frame.index[frame.index.duplicated()][0]
            raise fail("RG705", f"a unit stands twice in `{what}`: one row per unit and visit", value=unit)
        read_table(frame, what, missing=True)
    if set(before.columns) != set(after.columns):
        odd = sorted(map(str, set(before.columns) ^ set(after.columns)))
        raise fail("RG705", f"{len(odd)} columns are in one of the two visits only", column=odd[0])
    index = before.index.append(after.index[~after.index.isin(before.index)])
    b, a = (f.reindex(index)[list(before.columns)].to_numpy(dtype=np.float64, na_value=np.nan) for f in (before, after))
    return b, a, index, [str(c) for c in before.columns]


def _days(days: Any, index: pd.Index) -> Floats:
    if isinstance(days, pd.Series):
        if days.index.has_duplicates:
            raise fail("RG705", "a unit stands twice in `days`")
        days = days.reindex(index)
    if np.ndim(days) != 1:
        raise fail("RG705", "`days` must have one value per unit")
    values = read_table(pd.DataFrame({"days": np.asarray(days)}), "days", missing=True)[0][:, 0]
    if len(values) != len(index):
        raise fail("RG705", f"`days` has {len(values)} values, and there are {len(index)} units")
    if (values <= 0).any():
        raise fail("RG705", f"`days` is not above zero in {int((values <= 0).sum())} units", value=float(values[values <= 0][0]))
    return values


def _notes(names: list[str], undefined: Any, kind: str, before: pd.DataFrame, after: pd.DataFrame) -> tuple[str, ...]:
    notes = []
    for frame, other, word in ((before, after, "second"), (after, before, "first")):
        lacking = int((~frame.index.isin(other.index)).sum())
        if lacking:
            notes.append(f"the {word} visit of {lacking} unit{'s' if lacking > 1 else ''} is missing")
    for name, count in zip(names, undefined, strict=True):
        if count:
            why = f"whose value is {_NO_BASE[kind]}" if kind in _NO_BASE else "where it is too large for a number"
            notes.append(f"{name}: not defined in {count} unit{'s' if count > 1 else ''}, {why}")
    return tuple(notes)
