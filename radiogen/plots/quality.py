"""Figure of the quality of images: how a number is spread in each group."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from radiogen.errors import fail
from radiogen.plots import theme
from radiogen.plots.frames import Row, records, row_of_max, row_of_min
from radiogen.plots.text import count, distinct, is_number, lower_first, num, plain, text

_ROWS = 24


def image_quality(
    frame: pd.DataFrame, *, title: str, axis: str, worth_a_look: float | None = None, table: str = "quality_by_group"
) -> go.Figure:
    """Spread of one number on image quality in each group: median, middle half, and 10th to 90th percentile.

    Parameters
    ----------
    frame : DataFrame
        Columns ``group``, ``images``, ``p10``, ``p25``, ``median``, ``p75``, ``p90``; one row for each group, from
        above to below.  A row without a median (too few images to be shown) is left out; ``images`` may be NaN.
    title, axis : str
        Heading, and title of the axis.
    worth_a_look : float, optional
        The value below which a picture is flagged; a dotted line.
    table : str
        Key of the table that holds the numbers.

    Returns
    -------
    plotly.graph_objects.Figure

    Raises
    ------
    RadiogenError
        RG705 where no group can be drawn.
    """
    data = frame[frame["median"].notna()]
    if data.empty:
        raise fail("RG705", "there is no group of images to draw")
    known, data = len(data), data.head(_ROWS).iloc[::-1]
    names = distinct(data["group"], 30)
    fig = theme.figure(
        title, _caption(data, title, known, worth_a_look), table, height=96 + 34 * len(data),
        min_width=theme.room_for(names, 220),
    )
    rows = list(range(len(data)))
    for first, last, width, label in (("p10", "p90", 1.5, "10th to 90th percentile"), ("p25", "p75", 9, "middle half")):
        ends = [(float(a), float(b)) for a, b in zip(data[first], data[last], strict=True)]
        fig.add_scatter(
            x=[v for a, b in ends for v in (a, b, None)], y=[v for r in rows for v in (r, r, None)], mode="lines", name=label,
            line={"color": theme.colour(0), "width": width}, hoverinfo="skip", showlegend=False,
        )
    fig.add_scatter(
        x=data["median"].astype(float).tolist(), y=rows, mode="markers", name="median", hoverinfo="text", showlegend=False,
        marker={"symbol": "line-ns", "size": 15, "color": theme.INK, "line": {"color": theme.INK, "width": 2.5}},
        hovertext=[_said(row, name) for row, name in zip(records(data), names, strict=True)],
    )
    if worth_a_look is not None:
        theme.reference_line(fig, x=worth_a_look)
    low, high = float(data["p10"].min()), float(data["p90"].max())
    low = low if worth_a_look is None else min(low, worth_a_look)
    room = max(0.05 * (high - low), 0.01)
    fig.update_xaxes(title_text=text(axis), range=[low - room, high + room])
    fig.update_yaxes(tickvals=rows, ticktext=[text(n) for n in names], showgrid=False, range=[-0.6, len(data) - 0.4])
    return fig


def _said(row: Row, name: str) -> str:
    said = f"{text(name)}<br>median {num(row['median'])}, half of the images {num(row['p25'])} to {num(row['p75'])}"
    return said + (f"<br>{count(int(row['images']), 'image')}" if is_number(row["images"]) else "")


def _caption(data: pd.DataFrame, title: str, known: int, worth_a_look: float | None) -> str:
    low, high = row_of_min(data, "median"), row_of_max(data, "median")
    what = f"The median {lower_first(plain(title))}"
    if len(data) == 1:
        said = f"{what} is {num(low['median'])} in {plain(low['group'])}."
    elif num(low["median"]) == num(high["median"]):
        said = f"{what} is {num(low['median'])} in all {len(data)} groups."
    else:
        said = (
            f"{what} is lowest in {plain(low['group'])} ({num(low['median'])}) and highest in {plain(high['group'])} "
            f"({num(high['median'])})."
        )
    said += " Thick lines are the middle half of the images, thin ones reach from the 10th to the 90th percentile"
    said += "." if worth_a_look is None else "; a picture below the dotted line is flagged."
    return said if known <= len(data) else f"{said} The first {len(data)} of {known} groups are drawn."
