"""What an analysis gives: tables, predictions, figures, and how they were made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

#: kind of result -> function that builds its figures from its tables
FIGURE_BUILDERS: dict[str, Callable[[Result], dict[str, Figure]]] = {}


@dataclass(frozen=True, repr=False)
class Result:
    """The outcome of one analysis.

    Parameters
    ----------
    kind : {"describe", "associate", "classify", "survive", "predict"}
        Which analysis.
    title : str
        Heading in the report.
    tables : dict of str to DataFrame
        Tidy tables; the columns ``estimate``, ``lower``, ``upper``, ``p``, ``q``, ``n``, ``events`` and
        ``method`` mean the same everywhere.
    predictions : DataFrame or None
        One row per unit, repeat, model and inputs, all out of fold: ``unit``, ``group``,
        ``repeat``, ``fold``, ``model``, ``inputs``, ``set`` ("development" or "external"), the
        truth and the prediction.
    settings : dict
        Everything that the run depended on, seed included; JSON-serialisable.
    versions : dict of str to str
        Versions of the packages used.
    methods : tuple of str
        Sentences for a methods section, with every setting.
    notes : tuple of str
        Limits found on the way, for the reader.
    model : object or None
        The final model, fitted on all development data, if there is one.
    """

    kind: str
    title: str
    tables: dict[str, pd.DataFrame]
    predictions: pd.DataFrame | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    methods: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    model: Any = None

    def figures(self) -> dict[str, Figure]:
        """Plotly figures, by name, built from the tables alone.

        Each figure's ``layout.meta`` has ``title``, ``caption`` (one sentence computed from
        the numbers) and ``table`` (the key in :attr:`tables` that it shows).
        """
        import radiogen.analysis.figures  # noqa: F401  registers the builders

        build = FIGURE_BUILDERS.get(self.kind)
        return {} if build is None else build(self)

    def save(self, folder: str | Path) -> Path:
        """Write Parquet and JSON to a folder; :func:`load_result` reads them back."""
        from radiogen.analysis.storage import save_result

        return save_result(self, Path(folder))

    def __repr__(self) -> str:
        shapes = ", ".join(f"{k} {v.shape[0]}×{v.shape[1]}" for k, v in self.tables.items())
        return f"<radiogen Result '{self.title}' ({self.kind}): {shapes}>"

    def _repr_html_(self) -> str:
        from html import escape

        parts = [f"<h3>{escape(self.title)}</h3>"]
        for key, table in self.tables.items():
            parts.append(f"<h4>{escape(key)}</h4>{table.head(20).to_html(index=False, escape=True)}")
        return "\n".join(parts)
