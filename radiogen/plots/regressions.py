"""Regression tables as forest plots."""

from __future__ import annotations

import plotly.graph_objects as go

from radiogen.errors import fail
from radiogen.plots.effects import forest
from radiogen.stats.regression_tables import RegressionTable


def regression_forest(result: RegressionTable, *, table: str = "regression") -> go.Figure:
    """A regression table drawn: one row per term, one symbol per model, what is not estimable said.

    Parameters
    ----------
    result : RegressionTable
        Of :func:`radiogen.stats.regression_table`.
    table : str
        Key of the table that holds the numbers; they are also in ``layout.meta["data"]``.

    Returns
    -------
    plotly.graph_objects.Figure

    Raises
    ------
    RadiogenError
        RG705 for a table without rows.
    """
    if result.tidy.empty:
        raise fail("RG705", "there is no effect to draw")
    names = zip(result.tidy["term"], result.tidy["level"], strict=True)
    frame = result.tidy.assign(label=[f"{term}: {level}" if level else term for term, level in names])
    if frame["model"].nunique() == 1:
        frame = frame.drop(columns="model")
    fig = forest(frame, effect=result.effect.capitalize(), table=table)
    fig.update_layout(meta={**fig.layout.meta, "data": result.tidy.to_dict("list")})
    return fig
