"""Figures of attributions over a cohort: beeswarm, bars and dependence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from radiogen.errors import fail
from radiogen.plots import theme
from radiogen.plots.frames import records
from radiogen.plots.naming import readable
from radiogen.plots.text import count, distinct, is_number, listed, num, share, text

#: features with a row of their own; the rest is one row
TOP = 20
#: points of one row of a beeswarm; more are thinned evenly over their values
_POINTS = 400
_TABLE = "attributions"
#: low, middle and high values of a feature: blue to orange, with contrast on both grounds
VALUE_SCALE = ((0.0, theme.PALETTE[0]), (0.5, theme.MUTED), (1.0, theme.PALETTE[1]))
_BARS = 60
_ZERO = 1e-9


def of_output(frame: pd.DataFrame, output: Any) -> pd.DataFrame:
    """The rows of one output that have an attribution.

    Raises
    ------
    RadiogenError
        RG705 where there is none, or several outputs and none was chosen.
    """
    data = frame
    if output is not None:
        data = data[data["output"] == output]
    elif "output" in data and data["output"].nunique() > 1:
        raise fail("RG705", "the attributions are of several outputs; draw one figure for each", column="output")
    data = data[data["value"].notna()] if "value" in data else data
    if data.empty:
        raise fail("RG705", "there is no attribution to draw", column="value")
    return data


def axis_title(scale: str) -> str:
    """What an attribution is measured in."""
    return f"Attribution ({text(scale, 40)})" if scale else "Attribution"


def beeswarm(frame: pd.DataFrame, *, output: Any = None, scale: str = "", top: int = TOP, table: str = _TABLE) -> go.Figure:
    """Attributions of every unit by feature, coloured by the feature's value.

    Parameters
    ----------
    frame : DataFrame
        ``Attribution.to_frame()``: columns ``unit``, ``feature``, ``value``, and where known ``feature_value``, ``output``.
    output : optional
        Which output, where there are several.
    scale : str
        What the attributions are measured in, such as "log-odds".
    top : int, default 20
        Features with a row of their own, those of the largest mean absolute attribution; the others are summed in one row.
    table : str
        Key of the table that holds the numbers.

    Returns
    -------
    plotly.graph_objects.Figure
        Low values of a feature are blue, high ones orange, by rank among the units.

    Raises
    ------
    RadiogenError
        RG705 where there is nothing to draw, or several outputs and none chosen.
    """
    data = of_output(frame, output)
    rows, names, rest = _rows(data, top)
    labels = [text(n) for n in names]
    fig = theme.figure(
        "Attribution by feature and unit", _swarm_caption(data, rows, rest), table, height=130 + 26 * len(rows),
        min_width=theme.room_for(labels, 230), max_width=980,
    )
    widest = float(np.abs(data["value"]).max())
    for at, part in enumerate(rows):
        _add_row(fig, part, len(rows) - 1 - at, widest)
    theme.reference_line(fig, x=0.0)
    fig.update_xaxes(title_text=axis_title(scale))
    fig.update_yaxes(
        tickvals=list(range(len(rows)))[::-1], ticktext=labels, showgrid=False, range=[-0.7, len(rows) - 0.3], ticks=""
    )
    if any("rank" in part and part["rank"].notna().any() for part in rows):
        # one bar for all rows
        fig.update_layout(coloraxis=_colours("Value of the feature"), margin={"t": 70}, height=(fig.layout.height or 0) + 40)
    return fig


def _colours(title: str) -> dict[str, Any]:
    """The scale of a feature's values, as a bar above the figure."""
    return {
        "colorscale": [list(s) for s in VALUE_SCALE], "cmin": 0, "cmax": 1,
        "colorbar": {
            "title": {"text": title, "side": "top"}, "tickvals": [0, 0.5, 1], "ticktext": ["low", "median", "high"],
            "orientation": "h", "thickness": 10, "len": 0.6, "x": 0, "xanchor": "left", "y": 1.0, "yanchor": "bottom",
        },
    }  # fmt: skip


def _rows(data: pd.DataFrame, top: int) -> tuple[list[pd.DataFrame], list[str], int]:
    """Rows of the swarm, the largest first, with their names, and how many features are in the last."""
    size = data["value"].abs().groupby(data["feature"], sort=False).mean().sort_values(ascending=False, kind="stable")
    named, others = list(size.index[:top]), list(size.index[top:])
    rows = [_ranked(data[data["feature"] == f]) for f in named]
    labels = distinct([readable(f) for f in named], 40)
    if others:
        rest = data[data["feature"].isin(others)].groupby("unit", sort=False)["value"].sum().reset_index()
        rows.append(rest)
        labels.append(f"{len(others):,} others, summed")
    return rows, labels, len(others)


def _ranked(part: pd.DataFrame) -> pd.DataFrame:
    """The rank of each unit's value among the units, from 0 to 1; missing where the value is no number."""
    if "feature_value" not in part:
        return part
    values = pd.to_numeric(part["feature_value"], errors="coerce")
    ranks = values.rank(method="average")
    span = ranks.max() - ranks.min()
    return part.assign(rank=(ranks - ranks.min()) / span if span > 0 else ranks.where(ranks.isna(), 0.5))


def _add_row(fig: go.Figure, part: pd.DataFrame, at: int, widest: float) -> None:
    ordered = part.sort_values("value", kind="stable").reset_index(drop=True)
    if len(ordered) > _POINTS:
        ordered = ordered.iloc[np.unique(np.linspace(0, len(ordered) - 1, _POINTS).round().astype(int))]
    y = at + _spread(ordered["value"].to_numpy(dtype=float), widest)
    known = ordered["rank"].notna().to_numpy() if "rank" in ordered else np.zeros(len(ordered), dtype=bool)
    hover = [_point(row) for row in records(ordered)]
    for chosen, coloured in ((known, True), (~known, False)):
        if not chosen.any():
            continue
        colour: dict[str, Any] = (
            {"color": ordered["rank"][chosen].tolist(), "coloraxis": "coloraxis"} if coloured else {"color": theme.MUTED}
        )
        fig.add_scatter(
            x=ordered["value"][chosen].tolist(), y=y[chosen].tolist(), mode="markers", showlegend=False, hoverinfo="text",
            hovertext=[h for h, c in zip(hover, chosen, strict=True) if c],
            marker={"size": 5, "symbol": "circle" if coloured else "circle-open", **colour},
        )


def _spread(values: NDArray[np.float64], widest: float) -> NDArray[np.float64]:
    """Places above and below the row's line, so that points of near values lie beside each other; values are sorted."""
    bins = np.floor(values / (widest or 1.0) * _BARS).astype(int)
    offsets = np.zeros(len(values))
    most = int(np.unique(bins, return_counts=True)[1].max(initial=1))
    step = min(0.12, 0.8 / most)
    for b in np.unique(bins):
        own = np.flatnonzero(bins == b)
        order = np.arange(len(own))
        offsets[own] = step * np.where(order % 2 == 0, order // 2, -(order // 2 + 1))
    return offsets


def _point(row: dict[str, Any]) -> str:
    value = row.get("feature_value")
    shown = num(value) if is_number(value) else text(value, 30) if isinstance(value, str) else ""
    name = text(row["feature"], 60) if "feature" in row else "others"
    return f"{name}{f' = {shown}' if shown else ''}<br>attribution {num(row['value'])}"


def _swarm_caption(data: pd.DataFrame, rows: list[pd.DataFrame], rest: int) -> str:
    n = data["unit"].nunique()
    first = rows[0]
    best, size = readable(first["feature"].iloc[0]), float(first["value"].abs().mean())
    tail = f"; {count(rest, 'further feature')} {'is' if rest == 1 else 'are'} summed in the last row" if rest else ""
    thinned = f"; of more than {_POINTS} units points are thinned evenly" if n > _POINTS else ""
    return f"Over {count(n, 'unit')} {best} has the largest mean absolute attribution ({num(size)}){tail}{thinned}."


def attribution_bar(
    frame: pd.DataFrame, *, output: Any = None, scale: str = "", top: int = TOP, groups: dict[str, str] | None = None,
    table: str = "attribution_importance",
) -> go.Figure:  # fmt: skip
    """Mean absolute attribution over the cohort, by feature, group or modality.

    Parameters
    ----------
    frame : DataFrame
        ``Attribution.importance()``: ``feature``, ``mean_absolute``, ``n``, ``share``, and where there is one ``output``.
    output : optional
        Which output, where there are several.
    scale : str
        What the attributions are measured in.
    top : int, default 20
        Bars; the others are summed in a last one.
    groups : dict of str to str, optional
        Feature to group (modality): each group has a colour and a pattern.
    table : str
        Key of the table that holds the numbers.

    Returns
    -------
    plotly.graph_objects.Figure

    Raises
    ------
    RadiogenError
        RG705 where there is nothing to draw, or several outputs and none chosen.
    """
    data = of_output(frame.rename(columns={"mean_absolute": "value"}), output)
    data = data.sort_values("value", ascending=False, kind="stable")
    named, others = data.iloc[:top], data.iloc[top:]
    labels = distinct([readable(f) for f in named["feature"]], 40)
    # what rounding left of zero is zero
    values = named["value"].where(named["value"] > _ZERO * named["value"].max(), 0.0)
    bars = [(la, float(v), str(f)) for la, v, f in zip(labels, values, named["feature"], strict=True)]
    if len(others):
        bars.append((f"{len(others):,} others, summed", float(others["value"].sum()), ""))
    fig = theme.figure(
        "Mean absolute attribution", _bar_caption(data, others), table, height=100 + 23 * len(bars),
        min_width=theme.room_for([b[0] for b in bars]), max_width=900,
    )
    belongs = [(groups or {}).get(f, "") if f else "others" for _, _, f in bars] if groups else [""] * len(bars)
    found = [g for g in dict.fromkeys(belongs) if g not in ("", "others")]
    for group in dict.fromkeys(belongs):
        own = [i for i, g in enumerate(belongs) if g == group]
        index = found.index(group) if group in found else -1
        tone = theme.colour(index) if index >= 0 else theme.colour(0) if not groups else theme.MUTED
        fig.add_bar(
            x=[bars[i][1] for i in own], y=[len(bars) - 1 - i for i in own], orientation="h", width=0.7,
            name=text(readable(group), 40) if group else "", showlegend=bool(groups and group), hoverinfo="text",
            hovertext=[f"{text(bars[i][2] or bars[i][0], 60)}<br>{num(bars[i][1])}" for i in own],
            text=[num(bars[i][1]) for i in own], textposition="outside", textangle=0, cliponaxis=False, textfont={"size": 10.5},
            constraintext="none",
            marker={"color": tone, "line": {"width": 0},
                    "pattern": {"shape": _PATTERNS[index % len(_PATTERNS)] if index >= 0 else "", **theme.HATCH}},
        )  # fmt: skip
    fig.update_xaxes(title_text=f"Mean absolute {axis_title(scale).lower()}" if scale else "Mean absolute attribution")
    fig.update_xaxes(range=[0, 1.14 * max(b[1] for b in bars) or 1.0])
    fig.update_yaxes(
        tickvals=list(range(len(bars)))[::-1], ticktext=[text(b[0]) for b in bars], showgrid=False,
        range=[-0.6, len(bars) - 0.4],
    )
    return fig


_PATTERNS = ("", "/", ".", "x", "\\", "-", "|", "+")


def _bar_caption(data: pd.DataFrame, others: pd.DataFrame) -> str:
    first = records(data.iloc[:1])[0]
    part = f", {share(first['share'])} of all" if is_number(first.get("share")) else ""
    tail = f"; the last bar sums {count(len(others), 'further feature')}" if len(others) else ""
    units = f" over {count(int(data['n'].max()), 'unit')}" if "n" in data else ""
    following = [readable(f) for f in data["feature"].iloc[1:3]]
    then = f", followed by {listed(following)}" if following else ""
    size = f"({num(first['value'])}{part})"
    return f"{readable(first['feature'])} has the largest mean absolute attribution{units} {size}{then}{tail}."


def dependence(
    frame: pd.DataFrame, feature: str, *, colour_by: str | None = None, output: Any = None, scale: str = "", table: str = _TABLE
) -> go.Figure:
    """Attribution of one feature against its value.

    Parameters
    ----------
    frame : DataFrame
        ``Attribution.to_frame()`` with ``feature_value``.
    feature : str
    colour_by : str, optional
        Another feature whose value colours the points, by rank: where the colours part, the two interact.
    output : optional
        Which output, where there are several.
    scale : str
        What the attributions are measured in.
    table : str
        Key of the table that holds the numbers.

    Returns
    -------
    plotly.graph_objects.Figure

    Raises
    ------
    RadiogenError
        RG705 where there is nothing to draw; RG708 for a feature that is not there.
    """
    data = of_output(frame, output)
    for name in (feature, colour_by):
        if name is not None and not (data["feature"] == name).any():
            raise fail("RG708", f"there is no attribution of '{name}'", value=name)
    if "feature_value" not in data:
        raise fail("RG705", "dependence needs the values of the features", column="feature_value")
    own = data[(data["feature"] == feature) & data["feature_value"].notna()]
    if own.empty:
        raise fail("RG705", f"'{feature}' has no value", value=feature)
    numeric = pd.to_numeric(own["feature_value"], errors="coerce").notna().all()
    x = pd.to_numeric(own["feature_value"]) if numeric else own["feature_value"].map(lambda v: text(v, 24))
    fig = theme.figure(
        "Attribution against the feature's value", _dependence_caption(own, feature, bool(numeric)), table, height=420,
        min_width=320, max_width=760,
    )
    marker: dict[str, Any] = {"size": 6, "color": theme.colour(0), "opacity": 0.8}
    if colour_by is not None:
        other = _ranked(data[data["feature"] == colour_by]).set_index("unit")["rank"]
        marker |= {
            "color": own["unit"].map(other).tolist(), "coloraxis": "coloraxis",
        }  # fmt: skip
        fig.update_layout(margin={"t": 80}, height=460, coloraxis=_colours(text(readable(colour_by), 40)))
    fig.add_scatter(
        x=x.tolist(), y=own["value"].tolist(), mode="markers", showlegend=False, marker=marker, hoverinfo="text",
        hovertext=[_point(row) for row in records(own)],
    )
    theme.reference_line(fig, y=0.0)
    # beside a bar above the plot plotly counts the standoff from the axis, not from its ticks
    fig.update_xaxes(title={"text": text(readable(feature), 60), "standoff": 34}, **({} if numeric else {"type": "category"}))
    fig.update_yaxes(title_text=axis_title(scale))
    return fig


def _dependence_caption(own: pd.DataFrame, feature: str, numeric: bool) -> str:
    low, high = float(own["value"].min()), float(own["value"].max())
    units = count(own["unit"].nunique(), "unit")
    said = f"The attribution of {readable(feature)} goes from {num(low)} to {num(high)} over {units}"
    values = pd.to_numeric(own["feature_value"], errors="coerce")
    if not numeric or values.nunique() < 2 or high == low:
        return f"{said}."
    rank = float(np.corrcoef(values.rank(), own["value"].rank())[0, 1])
    return f"{said}; its rank correlation with the value is {num(round(rank, 2))}."
