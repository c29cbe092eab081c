"""Figures of planning: power, or the size needed, along a quantity that is not known."""

from __future__ import annotations

import math

import pandas as pd
import plotly.graph_objects as go

from radiogen.errors import fail
from radiogen.plots import theme
from radiogen.plots.frames import Row, records
from radiogen.plots.text import interval, is_number, num, plain, text


def sample_size_curve(
    frame: pd.DataFrame, *, x: str = "n", y: str = "estimate", x_title: str = "Patients", y_title: str = "Power",
    target: float | None = None, table: str = "sample_size",
) -> go.Figure:  # fmt: skip
    """A curve of power over size, or of size over an effect.

    Parameters
    ----------
    frame : DataFrame
        Columns ``x`` and ``y``; ``lower`` and ``upper`` where there are any (:func:`radiogen.stats.power_by_simulation`),
        and ``model`` for several curves.
    x, y : str
        Names of the two columns.
    x_title, y_title : str
        Titles of the axes.
    target : float, optional
        Level that is to be reached; a dotted line, and the caption says where each curve first reaches it.
    table : str
        Key of the table that holds the numbers; they are also in ``layout.meta["data"]``.

    Returns
    -------
    plotly.graph_objects.Figure

    Raises
    ------
    RadiogenError
        RG705 where a column is missing or there is nothing to draw.
    """
    if missing := [name for name in (x, y) if name not in frame]:
        raise fail("RG705", f"the table has no column '{missing[0]}'", column=missing[0])
    data = frame[frame[x].notna() & frame[y].notna()]
    if data.empty:
        raise fail("RG705", "there is no point to draw")
    models = list(dict.fromkeys(data["model"])) if "model" in data else [""]
    curves = [(str(m), (data[data["model"] == m] if "model" in data else data).sort_values(x)) for m in models]
    fig = theme.figure(
        f"{plain(y_title)} by {plain(x_title).lower()}", _caption(curves, x, y, plain(x_title), plain(y_title), target), table,
        height=400 + 22 * (len(models) > 1), min_width=360, max_width=900,
    )
    fig.update_layout(meta={**fig.layout.meta, "data": data.to_dict("list")})
    for index, (model, part) in enumerate(curves):
        _add(fig, part, x, y, index, model)
    if target is not None:
        theme.reference_line(fig, y=target)
    fig.update_xaxes(title_text=text(x_title, 60))
    fig.update_yaxes(title_text=text(y_title, 60), rangemode="tozero")
    fig.update_layout(showlegend=len(models) > 1)
    return fig


def _add(fig: go.Figure, part: pd.DataFrame, x: str, y: str, index: int, model: str) -> None:
    tone = theme.colour(index)
    if {"lower", "upper"} <= set(part.columns) and part[["lower", "upper"]].notna().all(axis=None):
        across = part[x].tolist()
        fig.add_scatter(
            x=[*across, *across[::-1]], y=[*part["lower"].tolist(), *part["upper"].tolist()[::-1]], mode="lines",
            line={"width": 0}, fill="toself", fillcolor=theme.tint(tone), hoverinfo="skip", showlegend=False,
        )
    fig.add_scatter(
        x=part[x], y=part[y], mode="lines+markers", name=text(model, 40), hoverinfo="text",
        text=[_said(row, x, y, model) for row in records(part)], line={"color": tone, "width": 1.8, "dash": theme.dash(index)},
        marker={"symbol": theme.symbol(index), "size": 7, "color": tone},
    )


def _said(row: Row, x: str, y: str, model: str) -> str:
    limits = is_number(row.get("lower")) and is_number(row.get("upper"))
    value = interval(row[y], row["lower"], row["upper"]) if limits else num(row[y])
    return "<br>".join(line for line in (text(model, 40), f"{text(x)} {num(row[x])}", f"{text(y)} {value}") if line)


def _caption(curves: list[tuple[str, pd.DataFrame]], x: str, y: str, x_title: str, y_title: str, target: float | None) -> str:
    parts = []
    for model, part in curves:
        name = f"{plain(model)}: " if model else ""
        if target is None:
            ends = part.iloc[[0, -1]]
            parts.append(
                f"{name}{y_title} goes from {num(ends[y].iloc[0])} at {num(ends[x].iloc[0])} to {num(ends[y].iloc[1])} at "
                f"{num(ends[x].iloc[1])}"
            )
            continue
        reached = part[part[y] >= target]
        where = math.nan if reached.empty else float(reached[x].iloc[0])
        said = f"does not reach {target:g}" if reached.empty else f"first reaches {target:g} at {where:g}"
        parts.append(f"{name}{y_title} {said}")
    return f"{'; '.join(parts)} ({x_title.lower()})."
