"""Kaplan-Meier and cumulative incidence curves with their risk table."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from radiogen.errors import fail
from radiogen.plots import theme
from radiogen.plots.frames import records
from radiogen.plots.text import count, distinct, interval, is_number, listed, num, p_equals, plain, text, width

_BOTTOM = 26
#: curves that can be told apart, and bands that do not hide each other
_GROUPS, _BANDS = 12, 4
#: a change of the curve that can be seen, and places along the axis that can be told apart
_PIXEL, _TICKS = 0.002, 300


def kaplan_meier(
    curves: pd.DataFrame, at_risk: pd.DataFrame | None = None, *, unit: str = "", by: str = "",
    p: float | None = None,
) -> go.Figure:
    """Survival over time by group: steps, bands, censoring ticks and numbers at risk.

    Parameters
    ----------
    curves : DataFrame
        Columns ``group``, ``time``, ``survival``, and where known ``lower``, ``upper``, ``n_censor``;
        one grouping.
    at_risk : DataFrame, optional
        Columns ``group``, ``time``, ``n_risk``: the table under the axis.
    unit : str
        Unit of time.
    by : str
        What the groups are groups of; it stands before their names.
    p : float, optional
        p-value of the log-rank test; it goes into the caption.

    Returns
    -------
    plotly.graph_objects.Figure

    Notes
    -----
    Of more than twelve groups the largest twelve are drawn; intervals are drawn for up to four.
    """
    fig = _steps(curves, "survival", 1.0, at_risk, unit, by, f"; log-rank {p_equals(p)}" if is_number(p) else "")
    fig.update_layout(yaxis={"title": {"text": "Survival"}, "range": [0, 1.02], "tickvals": [0, 0.25, 0.5, 0.75, 1]})
    return fig


def cumulative_incidence(
    curves: pd.DataFrame, at_risk: pd.DataFrame | None = None, *, unit: str = "", by: str = ""
) -> go.Figure:
    """Cumulative incidence of one cause over time by group, where other events compete.

    Parameters
    ----------
    curves : DataFrame
        Columns ``group``, ``time``, ``incidence``, and where known ``lower``, ``upper``, ``n_censor``;
        one grouping and one cause.
    at_risk : DataFrame, optional
        As for :func:`kaplan_meier`.
    unit : str
        Unit of time.
    by : str
        As for :func:`kaplan_meier`.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    fig = _steps(curves, "incidence", 0.0, at_risk, unit, by, "")
    fig.update_layout(yaxis={"title": {"text": "Cumulative incidence"}, "rangemode": "tozero"})
    return fig


#: what the curve is called, and the title of the figure
_NAMES = {"survival": ("survival", "Kaplan-Meier curves", "km"),
          "incidence": ("cumulative incidence", "Cumulative incidence", "cumulative_incidence")}


def _steps(
    curves: pd.DataFrame, value: str, start: float, at_risk: pd.DataFrame | None, unit: str, by: str, test: str
) -> go.Figure:
    data = curves.dropna(subset=["time", value]).rename(columns={value: "value"})
    if data.empty:
        raise fail("RG705", f"there is no curve of {_NAMES[value][0]} to draw")
    everyone = list(dict.fromkeys(data["group"]))
    groups = _largest(data, everyone)
    data = data[data["group"].isin(groups)]
    table = at_risk if at_risk is not None and len(at_risk) else None
    below = _BOTTOM + 20 * len(groups) if table is not None else 0
    # one below the other: rows of many would be wrapped again once the axis has got its margin, and lie on the curves
    stacked = len(groups) > 6 or (len(groups) > 1 and any(width(_called(by, g)) > 24 for g in groups))
    legend = 20 * len(groups) if stacked else 22 * ((len(groups) + 2) // 3)
    height = 400 + below + legend
    name, title, key = _NAMES[value]
    caption = _caption(data, name, table, groups, unit, by, test)
    if len(groups) < len(everyone):
        caption = caption.replace(_in_all(groups), "") + f" The {len(groups)} largest of {len(everyone):,} groups are drawn."
    fig = theme.figure(title, caption, key, height=height, min_width=360)
    reach = float(data["time"].max()) or 1.0
    for index, group in enumerate(groups):
        own = _from_start(data[data["group"] == group], start)
        _add_ticks(fig, own, index, reach)
        _add_curve(fig, own, _called(by, group), name, index, len(groups))
    end = reach
    time = f"Time ({text(unit)})" if unit else "Time"
    fig.update_layout(xaxis={"title": {"text": time}, "exponentformat": "none", "range": [-0.035 * end, 1.02 * end]})
    if stacked:
        fig.update_layout(legend={"entrywidth": 1, "entrywidthmode": "fraction"})
    if table is not None:
        _add_risk_table(fig, table, groups, by, below / (400 + below - 60))
    return fig


def _largest(data: pd.DataFrame, groups: list[object]) -> list[object]:
    """The groups that are drawn, in their own order."""
    if len(groups) <= _GROUPS:
        return groups
    size = "n_risk" if "n_risk" in data else "time"
    first = data.groupby("group", sort=False)[size].max().sort_values(ascending=False, kind="stable")
    kept = set(first.index[:_GROUPS])
    return [g for g in groups if g in kept]


def _called(by: str, group: object) -> str:
    return f"{plain(by)}: {plain(group)}" if by else plain(group)


def _from_start(part: pd.DataFrame, start: float) -> pd.DataFrame:
    part = part.sort_values("time", kind="stable")
    if part["time"].iloc[0] <= 0:
        return part
    known = {"time": 0.0, "value": start, "lower": start, "upper": start, "n_censor": 0, "n_event": 0}
    first = pd.DataFrame([{c: known.get(c, part[c].iloc[0]) for c in part.columns}])
    return pd.concat([first, part], ignore_index=True)


def _add_curve(fig: go.Figure, whole: pd.DataFrame, group: str, name: str, index: int, groups: int) -> None:
    colour, part = theme.colour(index), _visible(whole)
    common = {"legendgroup": f"g{index}", "hoverinfo": "skip", "showlegend": False}
    if {"lower", "upper"} <= set(part) and groups <= _BANDS:
        known = part.dropna(subset=["lower", "upper"])
        for bound, fill in (("upper", None), ("lower", "tonexty")):
            fig.add_scatter(
                x=known["time"], y=known[bound], mode="lines", line={"shape": "hv", "width": 0, "color": colour},
                fill=fill, fillcolor=theme.tint(colour), **common,
            )
    hover = [
        f"{text(group, 40)}<br>time {num(row['time'])}<br>{name} {interval(row['value'], row.get('lower'), row.get('upper'))}"
        for row in records(part)
    ]
    fig.add_scatter(
        x=part["time"], y=part["value"], mode="lines", name=text(group, 40), legendgroup=f"g{index}",
        line={"shape": "hv", "color": colour, "dash": theme.dash(index), "width": 2}, text=hover, hoverinfo="text",
        showlegend=groups > 1,
    )


def _visible(part: pd.DataFrame) -> pd.DataFrame:
    """The rows at which a line moves by a pixel or more since the last row kept, the first and the last."""
    columns = [c for c in ("value", "lower", "upper") if c in part]
    values = part[columns].to_numpy(dtype=float)
    keep = [0]
    for i in range(1, len(values)):
        moved = np.abs(values[i] - values[keep[-1]])
        if np.nanmax(np.where(np.isnan(moved), np.isnan(values[i]) != np.isnan(values[keep[-1]]), moved)) >= _PIXEL:
            keep.append(i)
    return part.iloc[sorted({*keep, len(part) - 1})]


def _add_ticks(fig: go.Figure, part: pd.DataFrame, index: int, reach: float) -> None:
    """A tick where somebody was censored; one for each place that can be told from its neighbours."""
    if "n_censor" not in part or not (part["n_censor"] > 0).any():
        return
    ticks = part[part["n_censor"] > 0]
    ticks = ticks[~(ticks["time"] / reach * _TICKS).round().duplicated()]
    colour = theme.colour(index)
    fig.add_scatter(
        x=ticks["time"], y=ticks["value"], mode="markers", legendgroup=f"g{index}", hoverinfo="skip", showlegend=False,
        marker={"symbol": "line-ns", "size": 7, "color": colour, "line": {"width": 1.2, "color": colour}},
    )


def _add_risk_table(fig: go.Figure, table: pd.DataFrame, groups: list[object], by: str, part: float) -> None:
    """A second panel under the axis with the numbers at risk at the ticks."""
    times = sorted(float(t) for t in table["time"].unique())
    step = max(1, -(-len(times) // 8))
    shown = times[::step]
    rows = [g for g in groups if g in set(table["group"])]
    for index, group in enumerate(rows):
        mine = table[(table["group"] == group) & table["time"].isin(shown)]
        fig.add_scatter(
            x=mine["time"], y=[len(rows) - 1 - index] * len(mine), mode="text", text=[num(n) for n in mine["n_risk"]],
            textfont={"size": 11.5, "color": theme.colour(groups.index(group))}, xaxis="x", yaxis="y2", showlegend=False,
            hoverinfo="skip", cliponaxis=False,
        )
    fig.update_layout(
        yaxis_domain=[part + 0.13, 1],
        xaxis={"anchor": "y", "tickvals": shown},
        yaxis2={
            "domain": [0, part * 0.8], "range": [-0.6, len(rows) - 0.4], "showgrid": False, "showline": False, "ticks": "",
            "tickvals": list(range(len(rows))), "ticktext": [text(n) for n in distinct(rows[::-1], 24)], "fixedrange": True,
        },
    )
    fig.add_annotation(
        x=0, xref="paper", xanchor="left", y=part * 0.8, yref="paper", yanchor="bottom", showarrow=False,
        text=f"Number at risk, {text(by, 40)}" if by else "Number at risk", font={"size": 11.5, "color": theme.MUTED},
    )


def _caption(
    data: pd.DataFrame, name: str, table: pd.DataFrame | None, groups: list[object], unit: str, by: str, test: str
) -> str:
    """Values at the last time of the risk table at which every group is still followed."""
    when = min(float(data.loc[data["group"] == g, "time"].max()) for g in groups)
    if table is not None:
        inside = [float(t) for t in table["time"] if 0 < float(t) <= when]
        when = max(inside, default=when)
    words = [f"{_at(data[data['group'] == g], when)} in {_called(by, g)}" for g in groups[:4]]
    if len(groups) == 1:
        words = [_at(data, when)]
    more = _in_all(groups) if len(groups) > 4 else ""
    return f"At {num(when)}{' ' + plain(unit) if unit else ''} {name} is {listed(words)}{more}{test}."


def _in_all(groups: list[object]) -> str:
    return f" ({count(len(groups), 'group')} in all)"


def _at(part: pd.DataFrame, when: float) -> str:
    before = part[part["time"] <= when].sort_values("time", kind="stable")
    if before.empty:
        return "as at the start"
    row = records(before.tail(1))[0]
    return interval(row["value"], row.get("lower"), row.get("upper"))
