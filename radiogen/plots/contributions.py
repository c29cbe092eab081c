"""Figures of what modalities contributed to predictions, and of how models do elsewhere than where they were developed."""

from __future__ import annotations

from typing import Any

import pandas as pd
import plotly.graph_objects as go

from radiogen.errors import fail
from radiogen.plots import theme
from radiogen.plots.frames import Row, records
from radiogen.plots.naming import model_name, readable
from radiogen.plots.text import count, distinct, interval, is_number, num, plain, share, text

#: rows of the figure of drift
_ROWS = 40
#: a residual below this is what rounding left
_ROUNDING = 1e-9
#: where a measure of calibration should be
_IDEAL = {"calibration slope": 1.0, "calibration intercept": 0.0}


def modality_contributions(frame: pd.DataFrame, *, scale: str = "", table: str = "modalities") -> go.Figure:
    """The mean absolute contribution of each modality with its interval, by class.

    Parameters
    ----------
    frame : DataFrame
        Columns ``modality``, ``estimate``, ``lower``, ``upper``, and where there are any ``class``, ``share`` (of all
        contributions to the class), ``n`` (units that have the modality), ``residual``.
    scale : str
        What contributions are measured in, such as "log-odds".
    table : str
        Key of the table that holds the numbers.

    Returns
    -------
    plotly.graph_objects.Figure

    Raises
    ------
    RadiogenError
        RG705 where nothing is known.
    """
    data = frame[frame["estimate"].notna()]
    if data.empty:
        raise fail("RG705", "there is no contribution to draw", column="estimate")
    order = data.groupby("modality", sort=False)["estimate"].mean().sort_values(kind="stable").index
    classes = list(dict.fromkeys(data["class"])) if "class" in data else [""]
    labels = [text(readable(m), 30) for m in order]
    beside = 90 if len(classes) == 1 else 20
    fig = theme.figure(
        "Contribution of each modality to the predictions", _caption(data, scale, classes), table,
        height=110 + (34 + 14 * (len(classes) - 1)) * len(order) + (24 if len(classes) > 1 else 0),
        min_width=theme.room_for(labels, 260 + beside), max_width=900,
    )
    for k, name in enumerate(classes):
        part = data[data["class"] == name] if "class" in data else data
        _add_class(fig, part, list(order), k, len(classes), str(name))
    top = float(data[["estimate", "upper"]].max().max())
    unit = f" ({text(scale, 30)})" if scale else ""
    fig.update_xaxes(title_text=f"Mean absolute Shapley value{unit}", range=[0, 1.06 * top if top > 0 else 1.0])
    fig.update_yaxes(tickvals=list(range(len(order))), ticktext=labels, showgrid=False, range=[-0.6, len(order) - 0.4], ticks="")
    fig.update_layout(showlegend=len(classes) > 1, margin_r=24 + beside)
    return fig


def _add_class(fig: go.Figure, part: pd.DataFrame, order: list[str], k: int, classes: int, name: str) -> None:
    rows = records(part)
    width = 0.7 / classes
    # the first class stands at the top of each modality, as in the legend
    at = [order.index(r["modality"]) + ((classes - 1) / 2 - k) * width for r in rows]
    fig.add_bar(
        x=[r["estimate"] for r in rows], y=at, orientation="h", width=0.9 * width, name=text(name, 40),
        marker={"color": theme.colour(k), "line": {"width": 0},
                "pattern": {"shape": ["", "/", "x", ".", "-", "|", "+", "\\"][k % 8], **theme.HATCH}},
        error_x={**_arms(rows), "color": theme.INK},
        hovertext=[_hover(r, name if classes > 1 else "") for r in rows], hoverinfo="text",
    )  # fmt: skip
    if classes > 1:
        return
    for row, y in zip(rows, at, strict=True):
        if is_number(row.get("share")):
            fig.add_annotation(x=1.01, xref="paper", xanchor="left", y=y, showarrow=False, text=f"{share(row['share'])} of all",
                               font={"size": 11, "color": theme.MUTED})  # fmt: skip


def _arms(rows: list[Row]) -> dict[str, Any]:
    return {
        "array": [_arm(r["upper"], r["estimate"]) for r in rows], "arrayminus": [_arm(r["estimate"], r["lower"]) for r in rows],
        "symmetric": False, "thickness": 1.4, "width": 3,
    }  # fmt: skip


def _arm(high: object, low: object) -> float:
    return float(high) - float(low) if is_number(high) and is_number(low) else 0.0  # type: ignore[arg-type]


def _hover(row: Row, name: str) -> str:
    lines = [text(readable(row["modality"])), text(name, 40), interval(row["estimate"], row.get("lower"), row.get("upper"))]
    lines += [f"{share(row['share'])} of all contributions"] if is_number(row.get("share")) else []
    lines += [f"n = {num(row['n'])}"] if is_number(row.get("n")) else []
    return "<br>".join(line for line in lines if line)


def _caption(data: pd.DataFrame, scale: str, classes: list[str]) -> str:
    best = records(data.sort_values("estimate", kind="stable").tail(1))[0]
    size = interval(best["estimate"], best.get("lower"), best.get("upper"))
    what = f"the {scale}" if scale else "the prediction"
    of = f" of {plain(best['class'])}" if plain(best.get("class", "")) else ""
    # per patient who has it; the share is of the sum over patients, of whom not all have it
    part = f", and made up {share(best['share'])} of all contributions" if is_number(best.get("share")) else ""
    among = f"the most of {count(data['modality'].nunique(), 'modality', 'modalities')}"
    among += f" and {len(classes)} classes" if len(classes) > 1 else ""
    residual = float(data["residual"].max()) if "residual" in data and data["residual"].notna().any() else None
    within = "to rounding" if residual is not None and residual < _ROUNDING else f"to within {residual:.0e}"
    adds = "" if residual is None else f"; contributions add up to the predictions {within}"
    return f"On average {readable(best['modality'])} moved {what}{of} by {size}, {among}{part}{adds}."


def drift(frame: pd.DataFrame, metric: str, *, table: str = "drift") -> go.Figure:
    """A measure of locked models in another cohort, with its interval, beside that of the development data.

    Parameters
    ----------
    frame : DataFrame
        Columns ``model``, ``inputs``, ``metric``, ``development``, ``estimate``, ``lower``, ``upper``.
    metric : str
        Which rows of it.
    table : str
        Key of the table that holds the numbers.

    Returns
    -------
    plotly.graph_objects.Figure

    Raises
    ------
    RadiogenError
        RG705 where the measure is not known of any model.
    """
    known = frame[(frame["metric"] == metric) & frame["estimate"].notna()]
    if known.empty:
        raise fail("RG705", f"there is no {metric} to draw", column="metric", value=metric)
    data = known.head(_ROWS)
    names = [f"{r['inputs']}, {model_name(r['model'])}" for r in records(data)]
    labels = [text(n) for n in distinct(names, 44)]
    title = plain(metric)
    fig = theme.figure(
        f"{title[:1].upper()}{title[1:]} here and in development", _drift_caption(data, title, len(known)), table,
        height=150 + 26 * len(data), min_width=theme.room_for(labels, 320), max_width=980,
    )
    at = list(range(len(data)))[::-1]
    fig.add_scatter(
        x=data["development"], y=at, mode="markers", name="out of fold in development", hoverinfo="x",
        marker={"symbol": theme.symbol(1, open_=True), "size": 9, "color": theme.colour(1), "line": {"width": 1.6}},
    )
    rows = records(data)
    fig.add_scatter(
        x=data["estimate"], y=at, mode="markers", name="here", hoverinfo="text",
        hovertext=[f"{name}<br>{interval(r['estimate'], r['lower'], r['upper'])}" for name, r in zip(labels, rows, strict=True)],
        marker={"symbol": theme.symbol(0), "size": 8, "color": theme.colour(0)}, error_x=_arms(rows),
    )
    theme.reference_line(fig, x=_IDEAL.get(metric, 0.5))
    fig.update_xaxes(title_text=text(title))
    fig.update_yaxes(tickvals=at, ticktext=labels, showgrid=False, range=[-0.6, len(data) - 0.4], ticks="")
    fig.update_layout(margin_t=56)
    return fig


def _drift_caption(data: pd.DataFrame, title: str, rows: int) -> str:
    both = data[data["development"].notna()]
    shown = f"; the first {_ROWS} of {rows:,} are drawn" if rows > _ROWS else ""
    if both.empty:
        return f"The {title} of {count(len(data), 'model')}; it is not known in development{shown}."
    row = records(both.tail(1))[0]
    own = interval(row["estimate"], row["lower"], row["upper"])
    known = both[both["lower"].notna() & both["upper"].notna()]
    outside = known[(known["development"] < known["lower"]) | (known["development"] > known["upper"])]
    does = "does" if len(outside) == 1 else "do"
    which = f"{len(outside)} of {count(len(known), 'interval')} {does} not hold the value of development"
    return (
        f"{which if len(known) else 'There are no intervals'}; for {model_name(row['model'])} on {plain(row['inputs'])} "
        f"the {title} is {own} here and {num(row['development'])} in development{shown}."
    )
