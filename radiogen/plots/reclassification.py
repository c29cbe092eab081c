"""Figures of reclassification: old against new class of risk, and net reclassification with its intervals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from radiogen.errors import fail
from radiogen.plots import theme
from radiogen.plots.text import interval, num, p_equals, share, text

_TABLE = "reclassification"
_WORDS = {
    "event": "Events", "nonevent": "Non-events", "all": "All units",
    "nri": "net reclassification", "idi": "integrated discrimination", "events": "events", "nonevents": "non-events",
}  # fmt: skip


def reclassification_table(frame: pd.DataFrame, *, table: str = _TABLE) -> go.Figure:
    """Old against new class of risk, events and non-events apart.

    Parameters
    ----------
    frame : DataFrame
        Columns ``outcome`` ("event", "nonevent" or "all"), ``old``, ``new``, ``n``, as
        ``radiogen.stats.net_reclassification(…, cuts).table`` has them.
    table : str
        Key of the table that holds the numbers.

    Returns
    -------
    plotly.graph_objects.Figure
        One panel for each outcome; a cell shows its count and share of the outcome, and its colour says whether the units
        moved rightly, wrongly or not: events should move up, non-events down.

    Raises
    ------
    RadiogenError
        RG705 where the table is empty or holds moves without classes (a continuous index).
    """
    if frame.empty or not {"outcome", "old", "new", "n"} <= set(frame):
        raise fail("RG705", "a reclassification table needs the columns outcome, old, new and n")
    classes = list(dict.fromkeys(frame["old"]))
    if set(frame["new"]) != set(classes):
        raise fail("RG705", "the moves have no classes of risk", fix="Give `cuts` to net_reclassification.")
    outcomes = list(dict.fromkeys(frame["outcome"]))
    labels = [text(c, 16) for c in classes]
    fig = theme.figure(
        "Reclassification", _table_caption(frame, classes), table, height=200 + 58 * len(classes),
        min_width=(110 + 74 * len(classes)) * len(outcomes), max_width=(200 + 150 * len(classes)) * len(outcomes),
    )
    layout = make_subplots(rows=1, cols=len(outcomes), shared_yaxes=True, horizontal_spacing=0.06)
    fig.update_layout({k: v for k, v in layout.layout.to_plotly_json().items() if k.startswith(("xaxis", "yaxis"))})
    for panel, outcome in enumerate(outcomes):
        part = frame[frame["outcome"] == outcome]
        counts = part.pivot(index="old", columns="new", values="n").reindex(index=classes, columns=classes).to_numpy(dtype=float)
        total = counts.sum()
        suffix = "" if panel == 0 else str(panel + 1)
        fig.add_heatmap(
            z=_worth(len(classes), outcome), x=labels, y=labels, xaxis=f"x{suffix}", yaxis=f"y{suffix}", zmin=-1, zmax=1,
            showscale=False, hoverinfo="skip", xgap=2, ygap=2, opacity=0.55, colorscale=[list(s) for s in theme.DIVERGING],
            text=[[f"{num(c)}<br>{share(c / total if total else None)}" for c in row] for row in counts],
            texttemplate="%{text}",
        )
        name = f"{_WORDS.get(str(outcome), str(outcome))} ({num(total)}): new class"
        fig.update_layout({
            f"xaxis{suffix}": {"title": {"text": text(name)}, "type": "category", "showgrid": False, "side": "top"},
            f"yaxis{suffix}": {"type": "category", "showgrid": False, "autorange": "reversed"},
        })  # fmt: skip
    fig.update_layout({"yaxis": {"title": {"text": "Old class"}}})
    return fig


def _worth(size: int, outcome: object) -> list[list[float]]:
    """-1 where a move is right, 1 where it is wrong, and nothing where the outcome is not known or nobody moves."""
    side = {"event": -1.0, "nonevent": 1.0}.get(str(outcome), 0.0)
    order = np.arange(size)
    return (side * np.sign(order[None, :] - order[:, None]) * 0.6).tolist()


def _table_caption(frame: pd.DataFrame, classes: list[object]) -> str:
    place = {name: k for k, name in enumerate(classes)}
    step = frame["new"].map(place).astype(int) - frame["old"].map(place).astype(int)
    parts = []
    for outcome in dict.fromkeys(frame["outcome"]):
        own = frame["outcome"] == outcome
        total = int(frame.loc[own, "n"].sum())
        up, down = (int(frame.loc[own & side, "n"].sum()) for side in (step > 0, step < 0))
        parts.append(f"of {num(total)} {_WORDS.get(str(outcome), str(outcome)).lower()} {num(up)} move up and {num(down)} down")
    sentence = "; ".join(parts)
    return f"{sentence[0].upper()}{sentence[1:]}."


def reclassification(frame: pd.DataFrame, *, table: str = _TABLE) -> go.Figure:
    """Net reclassification or integrated discrimination with its interval: the sum, events and non-events.

    Parameters
    ----------
    frame : DataFrame
        Columns ``label``, ``estimate``, ``lower``, ``upper`` and, where known, ``p``, as ``to_frame()`` of the result has
        them; with ``comparison`` there are several, one series each.
    table : str
        Key of the table that holds the numbers.

    Returns
    -------
    plotly.graph_objects.Figure

    Raises
    ------
    RadiogenError
        RG705 where there is no estimate to draw.
    """
    data = frame.dropna(subset=["estimate"])
    if data.empty:
        raise fail("RG705", "there is no reclassification to draw")
    rows = list(dict.fromkeys(data["label"]))
    groups = list(data.groupby("comparison", sort=False)) if "comparison" in data else [("", data)]
    fig = theme.figure(
        "Reclassification", _caption(data), table, height=130 + len(rows) * max(36, 16 + 18 * len(groups)),
        min_width=theme.room_for([_WORDS.get(str(r), str(r)) for r in rows]), max_width=820,
    )
    for index, (name, part) in enumerate(groups):
        shift = ((len(groups) - 1) / 2 - index) * 0.5 / max(len(groups), 1)
        fig.add_scatter(
            x=part["estimate"], y=[len(rows) - 1 - rows.index(r) + shift for r in part["label"]], mode="markers",
            name=text(name, 50), showlegend=len(groups) > 1,
            marker={"symbol": theme.symbol(index), "color": theme.colour(index), "size": 9},
            error_x={
                "array": part["upper"] - part["estimate"], "arrayminus": part["estimate"] - part["lower"],
                "symmetric": False, "thickness": 1.4, "width": 3,
            },
            text=[interval(e, lo, up) for e, lo, up in zip(part["estimate"], part["lower"], part["upper"], strict=True)],
            hoverinfo="text+name" if len(groups) > 1 else "text",
        )
    theme.reference_line(fig, x=0)
    fig.update_xaxes(title_text="Improvement by the new model")
    fig.update_yaxes(
        tickvals=list(range(len(rows))), ticktext=[text(_WORDS.get(str(r), str(r)), 40) for r in reversed(rows)],
        showgrid=False, range=[-0.6, len(rows) - 0.4],
    )
    return fig


def _caption(data: pd.DataFrame) -> str:
    row = data.iloc[0]
    name = _WORDS.get(str(row["label"]), str(row["label"]))
    tail = f" ({p_equals(row['p'])})" if "p" in data and pd.notna(row["p"]) else ""
    return f"The {name} index is {interval(row['estimate'], row['lower'], row['upper'])}{tail}."
