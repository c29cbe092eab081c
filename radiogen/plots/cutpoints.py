"""The statistic over all cut-points that were searched: one, as a profile; two, as a map."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from radiogen.errors import fail
from radiogen.plots import theme
from radiogen.plots.frames import row_of_max
from radiogen.plots.text import count, is_number, num, p_equals, plain, text


def cutpoint_profile(profile: pd.DataFrame, *, marker: str = "", p: float | None = None) -> go.Figure:
    """The standardised log-rank statistic over the cut-points of a marker.

    Parameters
    ----------
    profile : DataFrame
        The ``profile`` of :func:`radiogen.stats.maximally_selected_cutpoint` (``cutpoint``, ``statistic``,
        ``n_lower``, ``n_upper``) or of :func:`radiogen.stats.xtile` (``lower``, ``upper``, ``statistic``).
    marker : str
        Name of the marker.
    p : float, optional
        p-value of the maximum, corrected for the search; it goes into the caption.

    Returns
    -------
    plotly.graph_objects.Figure

    Raises
    ------
    RadiogenError
        RG705 without a cut-point.
    """
    if profile.empty:
        raise fail("RG705", "there is no cut-point to draw")
    test = f", corrected {p_equals(p)}" if is_number(p) else ""
    return _pairs(profile, marker, test) if "lower" in profile else _line(profile, marker, test)


def _line(profile: pd.DataFrame, marker: str, test: str) -> go.Figure:
    best = row_of_max(profile, "statistic")
    name = plain(marker) or "the marker"
    caption = (
        f"Of {count(len(profile), 'cut-point')} of {name} the largest statistic, {num(best['statistic'])}, is at "
        f"{num(best['cutpoint'])} ({num(best['n_lower'])} units up to it, {num(best['n_upper'])} above){test}."
    )
    fig = theme.figure("Statistic over cut-points", caption, "cutpoints", height=380, min_width=340)
    fig.add_scatter(
        x=profile["cutpoint"], y=profile["statistic"], mode="lines", line={"color": theme.colour(0), "width": 2, "shape": "hv"},
        customdata=profile[["n_lower", "n_upper"]], showlegend=False,
        hovertemplate="cut-point %{x}<br>statistic %{y:.2f}<br>%{customdata[0]} and %{customdata[1]} units<extra></extra>",
    )
    fig.add_scatter(
        x=[best["cutpoint"]], y=[best["statistic"]], mode="markers", showlegend=False, hoverinfo="skip",
        marker={"symbol": theme.symbol(2), "size": 11, "color": theme.colour(1)},
    )
    theme.reference_line(fig, x=float(best["cutpoint"]))
    fig.update_xaxes(title_text=text(marker) or "Cut-point")
    fig.update_yaxes(title_text="Standardised log-rank statistic", rangemode="tozero")
    return fig


def _pairs(profile: pd.DataFrame, marker: str, test: str) -> go.Figure:
    best = row_of_max(profile, "statistic")
    name = plain(marker) or "the marker"
    caption = (
        f"Of {count(len(profile), 'pair')} of cut-points of {name} the largest statistic, {num(best['statistic'])}, is at "
        f"{num(best['lower'])} and {num(best['upper'])}{test}."
    )
    fig = theme.figure("Statistic over pairs of cut-points", caption, "cutpoints", height=430, min_width=380, max_width=620)
    table = profile.pivot(index="upper", columns="lower", values="statistic")
    places = [np.arange(n) for n in table.shape]
    fig.add_heatmap(
        z=table.to_numpy(dtype=float), x=places[1], y=places[0], hoverongaps=False,
        colorscale=[list(c) for c in theme.SEQUENTIAL],
        customdata=np.dstack(np.meshgrid(table.columns, table.index)), colorbar={"title": {"text": "Statistic"}},
        hovertemplate="lower %{customdata[0]:.4g}<br>upper %{customdata[1]:.4g}<br>statistic %{z:.2f}<extra></extra>",
    )
    fig.add_scatter(
        x=[table.columns.get_loc(best["lower"])], y=[table.index.get_loc(best["upper"])], mode="markers", hoverinfo="skip",
        marker={"symbol": theme.symbol(2), "size": 11, "color": theme.colour(1), "line": {"width": 1, "color": theme.SURFACE}},
        showlegend=False,
    )
    for axis, values, word in ((fig.update_xaxes, table.columns, "Lower"), (fig.update_yaxes, table.index, "Upper")):
        ticks = np.unique(np.linspace(0, len(values) - 1, 6).round().astype(int))
        axis(title_text=f"{word} cut-point", tickvals=ticks, ticktext=[num(values[i]) for i in ticks], showgrid=False)
    return fig
