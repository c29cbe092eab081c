"""Scaled Schoenfeld residuals over time with their smooth: is a hazard ratio the same all along."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from radiogen.errors import fail
from radiogen.plots import theme
from radiogen.plots.text import count, is_number, num, p_equals, plain, text

#: more points than this hide each other; evenly spaced ones are drawn
_POINTS = 1500


def schoenfeld(
    residuals: pd.DataFrame, smooth: pd.DataFrame, term: str, *, coefficient: float | None = None, p: float | None = None,
    unit: str = "",
) -> go.Figure:  # fmt: skip
    """Scaled Schoenfeld residuals of one term against time, with their smooth and its band.

    Parameters
    ----------
    residuals : DataFrame
        What :func:`radiogen.stats.schoenfeld_residuals` gives: ``time``, ``transformed`` and a column of the term.
    smooth : DataFrame
        What :func:`radiogen.stats.schoenfeld_smooth` gives of them.
    term : str
        The term drawn.
    coefficient : float, optional
        Log hazard ratio of the model, drawn as a line: under proportional hazards the smooth stays at it.
    p : float, optional
        p-value of the test of proportional hazards; it goes into the caption.
    unit : str
        Unit of time.

    Returns
    -------
    plotly.graph_objects.Figure

    Raises
    ------
    RadiogenError
        RG705 where the term has no residuals or no smooth.

    Notes
    -----
    The axis follows the transformed time and is labelled with times.  It is cut to the middle 98 % of the
    residuals where a few lie far out; the caption says how many are not shown.
    """
    line = smooth[smooth["term"] == term] if "term" in smooth else smooth.iloc[:0]
    if term not in residuals or line.empty or residuals[term].dropna().empty:
        raise fail("RG705", f"there are no residuals of '{plain(term)}' to draw")
    data = residuals.dropna(subset=[term]).sort_values("transformed", kind="stable")
    low, high = _range(data[term].to_numpy(dtype=float), line)
    hidden = int(((data[term] < low) | (data[term] > high)).sum())
    fig = theme.figure(
        f"Scaled Schoenfeld residuals: {plain(term)}", _caption(line, term, p, len(data), hidden, unit), "schoenfeld",
        height=420, min_width=340,
    )
    shown = data.iloc[np.unique(np.linspace(0, len(data) - 1, min(len(data), _POINTS)).round().astype(int))]
    fig.add_scatter(
        x=shown["transformed"], y=shown[term], mode="markers", showlegend=False, customdata=shown["time"],
        marker={"color": theme.MUTED, "size": 4, "opacity": 0.5, "symbol": theme.symbol(0, open_=True)},
        hovertemplate="time %{customdata:.4g}<br>residual %{y:.3g}<extra></extra>",
    )
    common = {"mode": "lines", "hoverinfo": "skip", "showlegend": False}
    for bound, fill in (("upper", None), ("lower", "tonexty")):
        fig.add_scatter(
            x=line["transformed"], y=line[bound], line={"width": 0, "color": theme.colour(0)}, fill=fill,
            fillcolor=theme.tint(theme.colour(0)), **common,
        )
    fig.add_scatter(
        x=line["transformed"], y=line["estimate"], mode="lines", name="smooth", customdata=line["time"],
        line={"color": theme.colour(0), "width": 2.2},
        hovertemplate="time %{customdata:.4g}<br>log hazard ratio %{y:.3g}<extra></extra>",
    )
    if is_number(coefficient):
        ends = [float(data["transformed"].min()), float(data["transformed"].max())]
        fig.add_scatter(
            x=ends, y=[coefficient] * 2, mode="lines", name="Cox model", hoverinfo="skip",
            line={"color": theme.colour(1), "dash": theme.dash(1), "width": 1.6},
        )
    theme.reference_line(fig, y=0.0)
    at = line.iloc[np.unique(np.linspace(0, len(line) - 1, 6).round().astype(int))]
    fig.update_xaxes(
        title_text=f"Time ({text(unit)})" if unit else "Time", tickvals=at["transformed"], ticktext=[num(t) for t in at["time"]]
    )
    fig.update_yaxes(title_text="Log hazard ratio", range=[low, high])
    return fig


def _range(values: np.ndarray, line: pd.DataFrame) -> tuple[float, float]:
    ends = np.quantile(values, [0.01, 0.99])
    low, high = min(float(ends[0]), float(line["lower"].min())), max(float(ends[1]), float(line["upper"].max()))
    pad = 0.05 * ((high - low) or 1.0)
    return low - pad, high + pad


def _caption(line: pd.DataFrame, term: str, p: float | None, events: int, hidden: int, unit: str) -> str:
    first, last = line.iloc[0], line.iloc[-1]
    ending = f" {plain(unit)}" if unit else ""
    test = f"; test of proportional hazards {p_equals(p)}" if is_number(p) else ""
    beyond = f"; {count(hidden, 'residual')} beyond the axis" if hidden else ""
    return (
        f"The smoothed log hazard ratio of {plain(term)} goes from {num(first['estimate'])} at {num(first['time'])}{ending} to "
        f"{num(last['estimate'])} at {num(last['time'])}{ending} ({count(events, 'event')}){test}{beyond}."
    )
