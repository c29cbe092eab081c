"""The ledger: who was left out, at which step and why.

Flow diagrams and numbers of patients in reports come from the ledger alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Entry:
    """Units left out at one step for one reason.

    ``scope`` is ``"cohort"`` where the units leave the cohort, ``"external"``
    where they are set aside for validation, the modality's name where only
    its images or features are lost, and the endpoint's name where only that
    endpoint is not known.
    """

    step: str
    reason: str
    ids: tuple[str, ...]
    scope: str = "cohort"

    @property
    def n(self) -> int:
        """How many."""
        return len(self.ids)


@dataclass(frozen=True)
class Ledger:
    """All exclusions of a cohort, in order.

    Parameters
    ----------
    start : int
        Units in the first table, before any rule.
    entries : tuple of Entry
        What was left out.

    Examples
    --------
    >>> from radiogen.cohort import Ledger
    >>> ledger = Ledger(start=3).add("rules", "no lesion", ["p2"])
    >>> ledger.remaining
    2
    """

    start: int
    entries: tuple[Entry, ...] = ()

    def add(self, step: str, reason: str, ids: Iterable[str], scope: str = "cohort") -> Ledger:
        """A new ledger with one more entry; nothing is added for no ids."""
        found = tuple(str(i) for i in ids)
        if not found:
            return self
        return Ledger(self.start, (*self.entries, Entry(step, reason, found, scope)))

    def of(self, scope: str) -> tuple[Entry, ...]:
        """The entries of one scope."""
        return tuple(e for e in self.entries if e.scope == scope)

    @property
    def remaining(self) -> int:
        """Units in the cohort after all rules (external ones included)."""
        return self.start - sum(e.n for e in self.of("cohort"))

    def to_frame(self) -> pd.DataFrame:
        """One row per entry: step, scope, reason, n."""
        rows = [(e.step, e.scope, e.reason, e.n) for e in self.entries]
        return pd.DataFrame(rows, columns=["step", "scope", "reason", "n"])

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(index=False, escape=True))
