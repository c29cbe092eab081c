"""Figures of stability: intraclass correlation of each feature, by class and filter, and how many are stable."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from radiogen.errors import fail
from radiogen.plots import theme
from radiogen.plots.frames import Row, records, row_of_max, row_of_min
from radiogen.plots.text import count, distinct, interval, is_number, num, plain, share, text

#: limits of moderate, good and excellent reliability (Koo and Li 2016)
_LIMITS = (0.5, 0.75, 0.9)
#: features that have a named row; more are drawn by rank
_ROWS = 40
#: features of a ranking that are drawn
_DRAWN = 1500
_TABLE = "stability"


def icc_intervals(frame: pd.DataFrame, *, threshold: float = 0.75, table: str = _TABLE) -> go.Figure:
    """Intraclass correlation of every feature with its interval, from the most stable on.

    Parameters
    ----------
    frame : DataFrame, index feature
        Columns ``icc``, ``lower``, ``upper``, and where there are any ``n``, ``k``; of one model
        (:func:`radiogen.features.stability.icc`).  Features without an ICC are counted in the caption.
    threshold : float, default 0.75
        A feature is stable whose lower limit reaches it; a dotted line.
    table : str
        Key of the table that holds the numbers.

    Returns
    -------
    plotly.graph_objects.Figure
        Up to 40 features have a row with their name; more are drawn by rank.

    Raises
    ------
    RadiogenError
        RG705 where no feature has an ICC, or the frame has several models.
    """
    if "model" in frame and frame["model"].nunique() > 1:
        raise fail("RG705", "the table holds several forms of the ICC; draw one figure for each", column="model")
    known = frame[frame["icc"].notna()].sort_values("icc", ascending=False, kind="stable")
    if known.empty:
        raise fail("RG705", "there is no feature with an intraclass correlation to draw")
    data = known.assign(feature=[str(i) for i in known.index]).reset_index(drop=True)
    caption = _interval_caption(data, len(frame), threshold)
    return _named(data, caption, threshold, table) if len(data) <= _ROWS else _ranked(data, caption, threshold, table)


def _named(data: pd.DataFrame, caption: str, threshold: float, table: str) -> go.Figure:
    names = distinct(data["feature"], 44)
    rows = list(range(len(data) - 1, -1, -1))
    fig = theme.figure(
        "Stability of the features", caption, table, height=100 + 21 * len(data), min_width=theme.room_for(names)
    )
    fig.add_scatter(
        x=data["icc"], y=rows, mode="markers", hoverinfo="text", hovertext=[_said(r) for r in records(data)], showlegend=False,
        marker={"symbol": "square", "size": 7, "color": theme.colour(0)},
        error_x={"type": "data", "symmetric": False, "array": (data["upper"] - data["icc"]).to_list(),
                 "arrayminus": (data["icc"] - data["lower"]).to_list(), "thickness": 1.3, "width": 3, "color": theme.colour(0)},
    )  # fmt: skip
    theme.reference_line(fig, x=threshold)
    fig.update_xaxes(title_text="Intraclass correlation", range=_range(data))
    fig.update_yaxes(
        tickvals=rows, ticktext=[text(n) for n in names], showgrid=False, range=[-0.7, len(data) - 0.3]
    )
    return fig


def _ranked(data: pd.DataFrame, caption: str, threshold: float, table: str) -> go.Figure:
    fig = theme.figure("Stability of the features", caption, table, height=420, min_width=340)
    # every so many of them, the first and the last too
    at = np.unique(np.round(np.linspace(0, len(data) - 1, min(len(data), _DRAWN))).astype(int))
    drawn, rank = data.iloc[at], at + 1
    ends = list(zip(rank.tolist(), drawn["lower"].tolist(), drawn["upper"].tolist(), strict=True))
    fig.add_scatter(
        x=[v for r, _, _ in ends for v in (r, r, None)], y=[v for _, a, b in ends for v in (a, b, None)], mode="lines",
        name="interval", hoverinfo="skip", line={"color": theme.tint(theme.colour(0)), "width": 1.2},
    )
    fig.add_scatter(
        x=rank, y=drawn["icc"], mode="markers", name="estimate", hoverinfo="text", hovertext=[_said(r) for r in records(drawn)],
        marker={"size": 3.5, "color": theme.colour(0)},
    )
    theme.reference_line(fig, y=threshold)
    fig.update_xaxes(title_text="Features by rank", range=[0, len(data) + 1])
    fig.update_yaxes(title_text="Intraclass correlation", range=_range(data))
    return fig


def _range(data: pd.DataFrame) -> list[float]:
    low = float(np.nanmin([data["lower"].replace(-np.inf, np.nan).min(), data["icc"].min()]))
    # intervals that reach far below 0 say no more than that
    return [max(min(0.0, low), -0.5) - 0.02, 1.02]


def _said(row: Row) -> str:
    said = f"{text(row['feature'], 70)}<br>ICC {interval(row['icc'], row['lower'], row['upper'])}"
    counts = [f"{num(row[k])} {w}" for k, w in (("n", "lesions"), ("k", "repeats")) if is_number(row.get(k))]
    return said + (f"<br>{', '.join(counts)}" if counts else "")


def _interval_caption(data: pd.DataFrame, whole: int, threshold: float) -> str:
    stable = int((data["lower"] >= threshold).sum())
    said = f"The lower limit of the intraclass correlation reaches {threshold:g} in {stable:,} of {count(len(data), 'feature')}"
    if len(data) > 1:
        best, worst = row_of_max(data, "icc"), row_of_min(data, "icc")
        ends = [f"{interval(r['icc'], r['lower'], r['upper'])} for {plain(r['feature'], 60)}" for r in (worst, best)]
        said += f"; the estimates reach from {ends[0]} to {ends[1]}"
    lost = whole - len(data)
    return said + ("." if not lost else f"; {count(lost, 'feature')} {'has' if lost == 1 else 'have'} none.")


def icc_heatmap(summary: pd.DataFrame, *, threshold: float = 0.75, table: str = "stability_by_class") -> go.Figure:
    """Share of stable features by class and filtered picture.

    Parameters
    ----------
    summary : DataFrame
        Columns ``filter``, ``class``, ``n``, ``stable``, ``share``, ``median``, of one model
        (:func:`radiogen.features.stability.summarise`).
    threshold : float, default 0.75
        The one the summary was made with; for the caption.
    table : str
        Key of the table that holds the numbers.

    Returns
    -------
    plotly.graph_objects.Figure

    Raises
    ------
    RadiogenError
        RG705 where there is nothing to draw, or a cell twice.
    """
    data = summary[summary["n"] > 0]
    if data.empty:
        raise fail("RG705", "there is no class of features to draw")
    if data.duplicated(["filter", "class"]).any():
        raise fail("RG705", "a filter and class stands twice; draw one model at a time", column="filter")
    data = data.assign(filter=[str(f) or "none" for f in data["filter"]])
    cells = data.pivot(index="filter", columns="class", values="share")
    rows, columns = list(dict.fromkeys(data["filter"])), list(dict.fromkeys(data["class"]))
    cells = cells.reindex(index=rows, columns=columns)
    about = {(r["filter"], r["class"]): r for r in records(data)}
    names = distinct(rows, 36)
    fig = theme.figure(
        "Stable features by class and filter", _heatmap_caption(data, threshold), table, height=120 + 24 * len(rows),
        min_width=theme.room_for(names, 110 + 52 * len(columns)),
    )
    fig.add_heatmap(
        z=cells.to_numpy(dtype=float), x=[text(c) for c in distinct(columns, 20)], y=[text(n) for n in names], zmin=0, zmax=1,
        colorscale=[list(stop) for stop in theme.SEQUENTIAL], xgap=1.5, ygap=1.5, hoverinfo="text",
        text=[["" if pd.isna(v) else share(v) for v in row] for row in cells.to_numpy(dtype=float)], texttemplate="%{text}",
        textfont={"size": 11}, hovertext=[[_cell(about.get((r, c))) for c in columns] for r in rows],
        colorbar={"title": {"text": "stable", "side": "right"}, "thickness": 10, "outlinewidth": 0, "len": 0.9,
                  "tickformat": ".0%"},
    )
    fig.update_xaxes(side="top", showgrid=False, type="category", tickangle=0 if len(columns) <= 6 else -40)
    fig.update_yaxes(autorange="reversed", showgrid=False, type="category", dtick=1)
    return fig


def _cell(row: Row | None) -> str:
    if row is None:
        return ""
    return (
        f"{text(row['filter'], 40)}, {text(row['class'], 30)}<br>{num(row['stable'])} of {num(row['n'])} stable"
        f"<br>median ICC {num(row['median'])}"
    )


def _heatmap_caption(data: pd.DataFrame, threshold: float) -> str:
    stable, whole = int(data["stable"].sum()), int(data["n"].sum())
    said = f"{stable:,} of {count(whole, 'feature')} ({share(stable / whole)}) are stable, with a limit of {threshold:g}"
    if len(data) == 1:
        return said + "."
    best, worst = row_of_max(data, "share"), row_of_min(data, "share")
    return (
        f"{said}: most in {plain(best['class'])} of {plain(best['filter'])} ({share(best['share'])}), "
        f"fewest in {plain(worst['class'])} of {plain(worst['filter'])} ({share(worst['share'])})."
    )


def icc_shares(frame: pd.DataFrame, *, table: str = "stability_shares") -> go.Figure:
    """Share of features whose intraclass correlation reaches each threshold.

    Parameters
    ----------
    frame : DataFrame
        Columns ``threshold``, ``n``, ``of``, ``share``, and ``model`` where there are several
        (:func:`radiogen.features.stability.share_above`).
    table : str
        Key of the table that holds the numbers.

    Returns
    -------
    plotly.graph_objects.Figure

    Raises
    ------
    RadiogenError
        RG705 where there is no share.
    """
    data = frame[frame["share"].notna()].reset_index(drop=True)
    if data.empty:
        raise fail("RG705", "there is no share of stable features to draw")
    models = list(dict.fromkeys(data["model"])) if "model" in data else [None]
    limits = sorted({float(t) for t in data["threshold"]})
    fig = theme.figure(
        "Stable features by threshold", _shares_caption(data), table, height=120 + 34 * len(limits) * len(models), min_width=340
    )
    for index, model in enumerate(models):
        part = (data if model is None else data[data["model"] == model]).set_index("threshold").reindex(limits)
        fig.add_bar(
            x=part["share"], y=[_limit_name(t) for t in limits], orientation="h", showlegend=len(models) > 1,
            name="" if model is None else text(f"ICC({model})", 20),
            marker={"color": theme.colour(index), "line": {"width": 0},
                    "pattern": {"shape": ("", "/", ".")[index % 3], **theme.HATCH}},
            text=[f"{num(r['n'])} of {num(r['of'])}, {share(r['share'])}" for r in records(part)], constraintext="none",
            textposition=["inside" if s > 0.6 else "outside" for s in part["share"]], textfont={"size": 11.5}, hoverinfo="none",
            insidetextanchor="start",
        )
    fig.update_xaxes(title_text="Share of features", range=[0, 1.02], tickformat=".0%", tickvals=[0, 0.25, 0.5, 0.75, 1])
    fig.update_yaxes(type="category", showgrid=False)
    fig.update_layout(bargap=0.35, barmode="group")
    return fig


def _limit_name(limit: float) -> str:
    words = dict(zip(_LIMITS, ("moderate", "good", "excellent"), strict=True))
    return f"≥ {limit:g}" + (f" ({words[limit]})" if limit in words else "")


def _shares_caption(data: pd.DataFrame) -> str:
    parts = [
        f"{share(r['share'])} of {count(int(r['of']), 'feature')} reach {r['threshold']:g}"
        + (f" by ICC({plain(r['model'])})" if "model" in data and data["model"].nunique() > 1 else "")
        for r in records(data)
    ]
    return "; ".join(parts) + "."
