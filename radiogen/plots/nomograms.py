"""Nomograms as Plotly figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from radiogen.plots import theme
from radiogen.plots.nomogram_rows import Row, nomogram_rows, outcome_title
from radiogen.plots.text import count, listed, lower_first, num, plain, text

if TYPE_CHECKING:
    from radiogen.stats import NomogramResult

#: labels are placed for the length of an axis on a telephone
_ROOM, _FONT = 300, 11
_MARGIN = 24
#: heights in pixels: title, space for labels above and below the line
_TITLE, _ABOVE, _BELOW = 22, 18, 26


def nomogram(
    result: NomogramResult, *, labels: Mapping[str, str] | None = None, event: str = "", unit: str = "", linear: bool = False
) -> go.Figure:
    """A nomogram: points, one axis per predictor, total points and probabilities.

    Parameters
    ----------
    result : NomogramResult
        What ``radiogen.stats.nomogram`` returned.
    labels : mapping of str to str, optional
        Titles of the predictors' axes.
    event : str
        What the event is, for the titles of the probabilities: "relapse".
    unit : str
        Unit of the horizons.
    linear : bool, default False
        Also show the linear predictor; it is shown in any case where there are no probabilities.

    Returns
    -------
    plotly.graph_objects.Figure

    Raises
    ------
    RadiogenError
        RG705 for something else than a nomogram.

    Notes
    -----
    Titles stand over their axes and labels are left out where they would lie on each other at the width of a
    telephone; every tick tells its value and points where it is pointed at.  Labels above a line belong to the
    part of an axis that runs back, or had no room below.
    """
    rows = nomogram_rows(result, _ROOM, _FONT, labels=labels, event=event, unit=unit, linear=linear)
    height = sum(_height(r) for r in rows) + 2 * _MARGIN
    caption = _caption(result, labels or {}, event, unit)
    fig = theme.figure("Nomogram", caption, "nomogram", height=height, min_width=_ROOM + 2 * _MARGIN, max_width=1100)
    lines, y = [], 0.0
    for row in rows:
        y += _TITLE + (_ABOVE if row.above else 0)
        lines.append(y)
        y += _BELOW
    _add_guides(fig, rows, lines)
    for row, line in zip(rows, lines, strict=True):
        _add_row(fig, row, line)
    fig.update_layout(
        showlegend=False, margin={"l": _MARGIN, "r": _MARGIN, "t": _MARGIN, "b": _MARGIN}, hovermode="closest",
        xaxis={"visible": False, "range": [-0.015, 1.015], "fixedrange": True},
        yaxis={"visible": False, "range": [y, 0], "fixedrange": True},
    )  # fmt: skip
    return fig


def _height(row: Row) -> int:
    return _TITLE + _BELOW + (_ABOVE if row.above else 0)


def _add_guides(fig: go.Figure, rows: list[Row], lines: list[float]) -> None:
    """Thin lines down from the ticks of the points to the predictors, and of the total to the probabilities."""
    for kind, others in (("points", ("predictor",)), ("total", ("linear", "outcome"))):
        start = next(k for k, r in enumerate(rows) if r.kind == kind)
        ends = [k for k, r in enumerate(rows) if r.kind in others]
        x: list[float | None] = []
        y: list[float | None] = []
        for tick in rows[start].ticks if ends else ():
            x += [tick.place, tick.place, None]
            y += [lines[start], lines[max(ends)], None]
        fig.add_scatter(x=x, y=y, mode="lines", line={"color": theme.GRID, "width": 1}, hoverinfo="skip")


def _add_row(fig: go.Figure, row: Row, line: float) -> None:
    colour = theme.INK if row.kind != "outcome" else theme.colour(0)
    places = [t.place for t in row.ticks]
    if places:
        fig.add_scatter(
            x=[min(places), max(places)], y=[line, line], mode="lines", line={"color": colour, "width": 1.5}, hoverinfo="skip",
        )  # fmt: skip
    fig.add_scatter(
        x=places, y=[line] * len(places), mode="markers", name=text(row.title, 40),
        marker={"symbol": "line-ns-open", "size": 9, "color": colour, "line": {"width": 1.3}},
        text=[text(t.hover, 90) for t in row.ticks], hoverinfo="text", cliponaxis=False,
    )  # fmt: skip
    for side, where in ((-1, "bottom center"), (1, "top center")):
        own = [t for t in row.ticks if t.side == side]
        if own:
            fig.add_scatter(
                x=[t.place for t in own], y=[line - 5 * side] * len(own), mode="text",
                text=[text(t.label) for t in own], textposition=where, textfont={"size": _FONT, "color": colour},
                hoverinfo="skip", cliponaxis=False,
            )  # fmt: skip
    bold = row.kind in ("points", "total")
    fig.add_annotation(
        x=0, xref="paper", xanchor="left", y=line - (_ABOVE if row.above else 0) - 4, yanchor="bottom", showarrow=False,
        text=text(row.title), font={"size": _FONT + (1.5 if bold else 1), "color": colour},
    )  # fmt: skip


def _caption(result: NomogramResult, labels: Mapping[str, str], event: str, unit: str) -> str:
    sets = result.axes.drop_duplicates("set").reset_index(drop=True)
    best = sets["set"].iloc[int(np.argmax(np.asarray(result.estimate)))]
    names = listed(plain(labels.get(n, n)) for n in best.split(", "))
    middle = float(result.total[len(result.total) // 2])
    predicted = result.predict(middle).iloc[0]
    shown = dict.fromkeys(result.outcomes["axis"])
    said = [f"{lower_first(outcome_title(n, event, unit))} is {num(predicted[n])}" for n in shown]
    said = said or [f"the linear predictor is {num(predicted['linear_predictor'])}"]
    predictors = sum(len(s.split(", ")) for s in sets["set"])
    return (
        f"Nomogram of {count(predictors, 'predictor')}; {names} {'spans' if ', ' not in best else 'span'} the most points. "
        f"At {middle:g} total points {listed(said)}."
    )
