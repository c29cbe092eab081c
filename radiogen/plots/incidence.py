"""Figures of competing events: the incidence of every cause by group, and all states of one group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from radiogen.errors import fail
from radiogen.plots import theme
from radiogen.plots.survival import cumulative_incidence
from radiogen.plots.text import listed, num, p_equals, plain, text

if TYPE_CHECKING:
    from radiogen.stats import CumulativeIncidenceResult, StatResult

#: points of a stacked curve
_POINTS = 400


def cumulative_incidences(
    result: CumulativeIncidenceResult, *, causes: Mapping[int, str] | None = None, unit: str = "", test: StatResult | None = None
) -> go.Figure:
    """Cumulative incidence of every cause in every group, with pointwise bands for up to four curves.

    Parameters
    ----------
    result : CumulativeIncidenceResult
        What ``radiogen.stats.cumulative_incidence`` returned.
    causes : mapping of int to str, optional
        Names of the causes; those not named are not drawn.
    unit : str
        Unit of time.
    test : StatResult, optional
        What ``radiogen.stats.gray_test`` returned; its p-values go into the caption.

    Returns
    -------
    plotly.graph_objects.Figure

    Raises
    ------
    RadiogenError
        RG705 where there is nothing to draw.
    """
    names = _names(result, causes)
    data = result.curve[result.curve["cause"].isin(names)].copy()
    alone = len(result.groups) == 1
    data["group"] = [names[c] if alone else f"{names[c]}, {plain(g)}" for c, g in zip(data["cause"], data["group"], strict=True)]
    # the marks of the censored would stand once on every cause's curve
    fig = cumulative_incidence(data.drop(columns="n_censor"), unit=unit)
    if test is not None:
        known = dict(zip(test.label or (), np.atleast_1d(np.asarray(test.p)), strict=True))
        said = [f"{p_equals(float(known[f'cause {c}']))} for {n}" for c, n in names.items() if f"cause {c}" in known]
        fig.layout.meta = {**fig.layout.meta, "caption": f"{fig.layout.meta['caption'][:-1]}; Gray's test: {listed(said)}."}
    return fig


def stacked_incidence(
    result: CumulativeIncidenceResult, group: object = None, *, causes: Mapping[int, str] | None = None, unit: str = "",
    free: str = "no event",
) -> go.Figure:
    """Shares of one group in each state over time, one on the other; they add up to 1.

    Parameters
    ----------
    result : CumulativeIncidenceResult
        What ``radiogen.stats.cumulative_incidence`` returned.
    group : object, optional
        The group; it may be left out where there is one only.
    causes : mapping of int to str, optional
        Names of the causes.
    unit : str
        Unit of time.
    free : str
        Name of the state of those without any event.

    Returns
    -------
    plotly.graph_objects.Figure

    Raises
    ------
    RadiogenError
        RG705 for a group that is not there, or none named out of several.
    """
    chosen = result.groups[0] if group is None and len(result.groups) == 1 else group
    if chosen not in result.groups:
        raise fail("RG705", f"choose one of the groups {listed(plain(g) for g in result.groups)}", value=group)
    names = {**{c: f"cause {c}" for c in result.causes}, **{c: plain(n) for c, n in (causes or {}).items()}}
    own = result.curve[result.curve["group"] == chosen]
    wide = own.pivot(index="time", columns="cause", values="incidence")
    wide = wide.iloc[np.unique(np.linspace(0, len(wide) - 1, min(len(wide), _POINTS)).round().astype(int))]
    start = pd.DataFrame(0.0, index=[0.0], columns=wide.columns)
    wide = pd.concat([start, wide])
    last = wide.iloc[-1]
    said = [f"{names[c]} {num(last[c])}" for c in wide.columns] + [f"{free} {num(1 - last.sum())}"]
    where = f" in {plain(chosen)}" if len(result.groups) > 1 else ""
    when = f"{num(wide.index[-1])}{' ' + plain(unit) if unit else ''}"
    caption = f"At {when} the shares{where} are {listed(said)}."
    fig = theme.figure("States over time", caption, "cumulative_incidence", min_width=320)
    states = [(names[c], wide[c]) for c in wide.columns] + [(free, 1 - wide.sum(axis=1))]
    for index, (name, values) in enumerate(states):
        last_one = index == len(states) - 1
        colour = theme.MUTED if last_one else theme.colour(index)
        fig.add_scatter(
            x=wide.index, y=values, stackgroup="states", mode="lines", name=text(name, 40),
            line={"shape": "hv", "width": 1.5, "color": colour, "dash": theme.dash(index)},
            fillcolor=theme.GRID if last_one else theme.tint(colour),
            text=[f"{text(name, 40)}<br>time {num(t)}<br>share {num(v)}" for t, v in values.items()], hoverinfo="text",
        )  # fmt: skip
    fig.update_xaxes(title_text=f"Time ({text(unit)})" if unit else "Time", range=[0, float(wide.index[-1])])
    fig.update_yaxes(title_text="Share", range=[0, 1])
    return fig


def _names(result: CumulativeIncidenceResult, causes: Mapping[int, str] | None) -> dict[int, str]:
    names = {c: plain((causes or {}).get(c, f"cause {c}")) for c in result.causes if causes is None or c in causes}
    if not names:
        raise fail("RG705", "none of the causes named occurs", value=list(causes or {}))
    return names
