"""Figures of internal validation: optimism, bootstrap distributions, thresholds and paths of penalties."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from radiogen.errors import fail
from radiogen.plots import theme
from radiogen.plots.text import count, interval, num, plain, text
from radiogen.stats import BootstrapResult, OptimismResult

#: columns of threshold_table that are proportions, with their names
_PROPORTIONS = {
    "sensitivity": "Sensitivity", "specificity": "Specificity", "ppv": "Positive predictive value",
    "npv": "Negative predictive value",
}  # fmt: skip
#: more terms than this have no line of their own in the legend
_NAMED = 12


def optimism(result: OptimismResult) -> go.Figure:
    """Apparent and corrected performance of each measure, with the interval of the corrected.

    Parameters
    ----------
    result : OptimismResult
        Of :func:`radiogen.stats.optimism_bootstrap`.

    Returns
    -------
    plotly.graph_objects.Figure
        Its numbers are in ``layout.meta["data"]``.

    Raises
    ------
    RadiogenError
        RG705 for another object.
    """
    if not isinstance(result, OptimismResult):
        raise fail("RG705", "`result` must be that of optimism_bootstrap.", value=type(result).__name__)
    table = result.table
    corrected, lower, upper = (np.asarray(v, dtype=float) for v in (result.estimate, result.lower, result.upper))
    names = [text(name) for name in table.index]
    worst = int(np.nanargmax(np.abs(table["optimism"].to_numpy(dtype=float))))
    caption = (
        f"{count(len(table), 'measure')}; the largest optimism is that of {plain(table.index[worst])}: "
        f"{num(table['index.orig'].iloc[worst])} on the data of the fit, {num(corrected[worst])} corrected."
    )
    fig = theme.figure(
        "Apparent and corrected performance", caption, "optimism", height=140 + 34 * len(names), min_width=theme.room_for(names)
    )  # fmt: skip
    # a measure computed from others has no interval of its own
    known = np.isfinite(lower) & np.isfinite(upper)
    fig.add_scatter(
        x=corrected, y=names, mode="markers", name="corrected",
        marker={"symbol": theme.symbol(0), "size": 10, "color": theme.colour(0)},
        error_x={
            "type": "data", "symmetric": False, "array": np.where(known, upper - corrected, 0.0),
            "arrayminus": np.where(known, corrected - lower, 0.0), "color": theme.colour(0), "thickness": 1.5,
        },
    )  # fmt: skip
    fig.add_scatter(
        x=table["index.orig"], y=names, mode="markers", name="apparent",
        marker={"symbol": theme.symbol(1, open_=True), "size": 10, "color": theme.colour(1), "line": {"width": 2}},
    )  # fmt: skip
    fig.update_yaxes(autorange="reversed")
    fig.update_xaxes(title_text="Value")
    return _with_data(fig, table.reset_index().assign(lower=lower, upper=upper))


def bootstrap_distribution(result: BootstrapResult, *, name: str = "Statistic") -> go.Figure:
    """The replicates of one statistic as a histogram, with the estimate and its interval.

    Parameters
    ----------
    result : BootstrapResult
        Of :func:`radiogen.stats.bootstrap_ci` for one statistic.
    name : str
        What the statistic is.

    Returns
    -------
    plotly.graph_objects.Figure

    Raises
    ------
    RadiogenError
        RG705 for another object or for several statistics.
    """
    if not isinstance(result, BootstrapResult) or result.replicates.ndim != 1 or result.lower is None or result.upper is None:
        raise fail("RG705", "`result` must be that of bootstrap_ci for one statistic.", value=type(result).__name__)
    counts, edges = np.histogram(result.replicates, bins="auto" if np.ptp(result.replicates) > 0 else 1)
    caption = (
        f"{plain(name)}: {interval(result.estimate, result.lower, result.upper)}, from "
        f"{count(result.replicates.size, 'resample')}."
    )
    fig = theme.figure("Bootstrap distribution", caption, "bootstrap", height=360, min_width=340)
    fig.add_bar(
        x=(edges[:-1] + edges[1:]) / 2, y=counts, width=np.diff(edges), showlegend=False, marker={"color": theme.colour(0)},
        hovertemplate="%{x:.4g}<br>%{y} resamples<extra></extra>",
    )  # fmt: skip
    for place in (result.estimate, result.lower, result.upper):
        theme.reference_line(fig, x=float(np.asarray(place)))
    fig.update_xaxes(title_text=text(name))
    fig.update_yaxes(title_text="Resamples")
    return _with_data(fig, pd.DataFrame({"from": edges[:-1], "to": edges[1:], "resamples": counts}))


def threshold_curves(table: pd.DataFrame) -> go.Figure:
    """Sensitivity, specificity and predictive values over thresholds, with their intervals as bands.

    Parameters
    ----------
    table : DataFrame
        Of :func:`radiogen.stats.threshold_table`.

    Returns
    -------
    plotly.graph_objects.Figure

    Raises
    ------
    RadiogenError
        RG705 without the columns or with fewer than two thresholds.
    """
    wanted = {"threshold", *_PROPORTIONS}
    if not isinstance(table, pd.DataFrame) or not wanted <= set(table.columns) or len(table) < 2:
        raise fail("RG705", "`table` must be that of threshold_table, with two thresholds or more.")
    table = table.sort_values("threshold")
    youden = (table["sensitivity"] + table["specificity"]).to_numpy(dtype=float)
    best = table.iloc[int(np.nanargmax(youden))]
    caption = (
        f"At {num(best['threshold'])} sensitivity {num(best['sensitivity'])} and specificity {num(best['specificity'])} have "
        f"the largest sum of the {count(len(table), 'threshold')}."
    )
    fig = theme.figure("Performance over thresholds", caption, "thresholds", height=420, min_width=380)
    x = table["threshold"].to_numpy(dtype=float)
    for index, (column, name) in enumerate(_PROPORTIONS.items()):
        known = table[column].notna().to_numpy()
        low, high = (table[f"{column}_{side}"].to_numpy(dtype=float)[known] for side in ("lower", "upper"))
        fig.add_scatter(
            x=np.r_[x[known], x[known][::-1]], y=np.r_[high, low[::-1]], fill="toself", mode="lines", hoverinfo="skip",
            line={"width": 0}, fillcolor=theme.tint(theme.colour(index), 0.1), showlegend=False, legendgroup=column,
        )  # fmt: skip
        fig.add_scatter(
            x=x[known], y=table[column].to_numpy(dtype=float)[known], mode="lines", name=name, legendgroup=column,
            line={"color": theme.colour(index), "width": 2, "dash": theme.dash(index)},
        )  # fmt: skip
    fig.update_xaxes(title_text="Threshold")
    fig.update_yaxes(title_text="Proportion", range=[0, 1])
    return _with_data(fig, table)


def coefficient_path(coefficients: pd.DataFrame) -> go.Figure:
    """Penalised coefficients over the strength of the penalty.

    Parameters
    ----------
    coefficients : DataFrame
        The ``coefficients`` of :func:`radiogen.stats.cox_elastic_net`: terms × penalties.

    Returns
    -------
    plotly.graph_objects.Figure

    Raises
    ------
    RadiogenError
        RG705 with fewer than two penalties.
    """
    if not isinstance(coefficients, pd.DataFrame) or coefficients.shape[1] < 2 or coefficients.empty:
        raise fail("RG705", "`coefficients` must be those of cox_elastic_net, with two penalties or more.")
    path = coefficients[sorted(coefficients.columns)]
    weakest = int((path.iloc[:, 0] != 0).sum())
    caption = f"{weakest} of {count(len(path), 'term')} have a coefficient at the weakest penalty, {num(path.columns[0])}."
    fig = theme.figure("Coefficients over the penalty", caption, "path", height=420, min_width=380)
    for index, (term, row) in enumerate(path.iterrows()):
        fig.add_scatter(
            x=path.columns.to_numpy(dtype=float), y=row.to_numpy(dtype=float), mode="lines", name=text(term),
            showlegend=len(path) <= _NAMED, line={"color": theme.colour(index), "width": 2, "dash": theme.dash(index)},
        )  # fmt: skip
    theme.reference_line(fig, y=0.0)
    fig.update_xaxes(title_text="Penalty", type="log")
    fig.update_yaxes(title_text="Coefficient")
    return _with_data(fig, path.rename_axis(columns=None).rename(columns=str).reset_index(names="term"))


def _with_data(fig: go.Figure, table: pd.DataFrame) -> go.Figure:
    data: dict[str, Any] = {str(c): [None if pd.isna(v) else v for v in table[c].tolist()] for c in table.columns}
    fig.layout.meta = {**fig.layout.meta, "data": data}
    return fig
