"""The frozen object that every function of this room returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

#: a number, or one number per term, group or time
Value = float | NDArray[np.float64] | None

_COLUMNS = ("label", "estimate", "se", "lower", "upper", "statistic", "df", "p", "n", "events", "method")


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class StatResult:
    """An estimate with its interval and test, and how they were made.

    A field that does not apply is None.  Where there are several terms, groups or times, the
    fields hold arrays of one length and :meth:`to_frame` gives one row for each.

    Parameters
    ----------
    method : str
        Estimator, tie rule and interval in words, fit for a table's footnote.
    estimate, se, lower, upper : float or ndarray, optional
        Estimate, its standard error and the limits of its interval.
    p, statistic, df : float or ndarray, optional
        Two-sided p-value, test statistic and its degrees of freedom.
    n, events : int or ndarray, optional
        Units used, and those with the event (or in the positive class).
    label : str or sequence of str, optional
        Name of the term, group, class or time of each row.
    level : float
        Level of the interval.
    extra : mapping of str to anything
        Further numbers of this method by name; ``result["name"]`` reads one.  Numbers and
        arrays of the same length as the rows become columns of :meth:`to_frame`.
    notes : tuple of str
        Limits of this very result that a reader must know.

    Examples
    --------
    >>> r = StatResult(estimate=0.7, lower=0.6, upper=0.8, method="DeLong", n=50)
    >>> r
    DeLong: 0.7 (95% CI 0.6 to 0.8), n = 50
    >>> r.to_frame()["estimate"].tolist()
    [0.7]
    """

    method: str
    estimate: Value = None
    se: Value = None
    lower: Value = None
    upper: Value = None
    p: Value = None
    statistic: Value = None
    df: Value = None
    n: int | NDArray[np.int64] | None = None
    events: int | NDArray[np.int64] | None = None
    label: str | Sequence[str] | None = None
    level: float = 0.95
    extra: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Arrays of a frozen result cannot be written to; they are copies, so that no caller's array is locked."""
        for name in ("estimate", "se", "lower", "upper", "p", "statistic", "df", "n", "events"):
            value = getattr(self, name)
            if isinstance(value, np.ndarray):
                own = value.copy()
                own.setflags(write=False)
                object.__setattr__(self, name, own)

    def __getitem__(self, name: str) -> Any:
        return self.extra[name]

    @property
    def rows(self) -> int:
        """Number of terms, groups or times."""
        sizes = [np.size(v) for v in (self.estimate, self.statistic, self.p) if v is not None]
        if self.label is not None and not isinstance(self.label, str):
            sizes.append(len(self.label))
        return max(sizes, default=1)

    def to_frame(self) -> pd.DataFrame:
        """One row per term, with the same columns for every method."""
        rows = self.rows
        columns: dict[str, Any] = {}
        for name in _COLUMNS:
            value = getattr(self, name)
            columns[name] = [value] * rows if _is_scalar(value) else list(value)
        for name, value in self.extra.items():
            if isinstance(value, int | float | str | np.number):
                columns[name] = [value] * rows
            elif isinstance(value, np.ndarray | tuple | list) and np.ndim(value) == 1 and len(value) == rows:
                columns[name] = list(value)
        frame = pd.DataFrame(columns)
        for name in ("estimate", "se", "lower", "upper", "statistic", "df", "p"):
            frame[name] = frame[name].astype(float)
        return frame

    def __repr__(self) -> str:
        if self.rows > 1:
            shown = self.to_frame().drop(columns="method").dropna(axis=1, how="all")
            return f"{self.method}\n{shown.to_string(index=False)}"
        parts = []
        if self.estimate is not None:
            text = f"{_one(self.estimate):.4g}"
            if self.lower is not None and self.upper is not None:
                text += f" ({100 * self.level:g}% CI {_one(self.lower):.4g} to {_one(self.upper):.4g})"
            parts.append(text)
        for name in ("statistic", "df", "p", "n", "events"):
            value = getattr(self, name)
            if value is not None:
                form = ".10g" if name in ("n", "events") else ".4g"
                parts.append(f"{name} = {_one(value):{form}}")
        return f"{self.method}: {', '.join(parts)}"

    def _repr_html_(self) -> str:
        shown = self.to_frame().drop(columns="method").dropna(axis=1, how="all")
        parts = [f"<p>{escape(self.method)}</p>", shown.to_html(index=False, escape=True)]
        parts += [f"<p>{escape(note)}</p>" for note in self.notes]
        return "\n".join(parts)


def _is_scalar(value: Any) -> bool:
    return value is None or isinstance(value, str) or np.ndim(value) == 0


def _one(value: Any) -> float:
    return float(np.asarray(value).reshape(-1)[0])
