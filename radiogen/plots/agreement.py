"""Figures of agreement: differences of two measurements against their mean, with bias and limits."""

from __future__ import annotations

import plotly.graph_objects as go

from radiogen.errors import fail
from radiogen.plots import theme
from radiogen.plots.frames import Row, records
from radiogen.plots.text import count, num, p_equals, plain, text
from radiogen.stats.differences import BlandAltmanResult

#: dash of bias and limits
_DASHES = ("solid", "dash", "dash")


def bland_altman(
    result: BlandAltmanResult, *, first: str = "first", second: str = "second", unit: str = "", table: str = "bland_altman"
) -> go.Figure:
    """Differences against means, with bias, limits of agreement and their intervals as bands.

    Parameters
    ----------
    result : BlandAltmanResult
        Of :func:`radiogen.stats.bland_altman`.
    first, second : str
        Names of the two ways of measuring.
    unit : str
        Unit of measure.
    table : str
        Key of the table that holds the numbers; they are also in ``layout.meta["data"]``.

    Returns
    -------
    plotly.graph_objects.Figure

    Raises
    ------
    RadiogenError
        RG705 where there is no point.
    """
    if result.points.empty:
        raise fail("RG705", "there is no pair of measurements to draw")
    ratio = result.scale == "ratio"
    rows = records(result.to_frame())
    fig = theme.figure(
        "Bland-Altman plot", _caption(result, rows, plain(first), plain(second)), table, height=440, min_width=420, max_width=900
    )
    points = result.points
    fig.update_layout(meta={**fig.layout.meta, "data": points.to_dict("list"), "limits": rows})
    low, high = float(points["mean"].min()), float(points["mean"].max())
    pad = 0.04 * (high - low or abs(high) or 1.0)
    ends = [low - pad, high + pad]
    for index, row in enumerate(rows):
        tone = theme.colour(0 if index == 0 else 1)
        fig.add_scatter(
            x=[*ends, *ends[::-1]], y=[row["lower"]] * 2 + [row["upper"]] * 2, mode="lines", line={"width": 0}, fill="toself",
            fillcolor=theme.tint(tone), hoverinfo="skip", showlegend=False,
        )
        fig.add_scatter(
            x=ends, y=[row["estimate"]] * 2, mode="lines", line={"color": tone, "width": 1.6, "dash": _DASHES[index]},
            hoverinfo="text", text=[_said(row)] * 2, showlegend=False,
        )
        fig.add_annotation(
            x=1.01, xref="paper", xanchor="left", y=row["estimate"], showarrow=False, align="left", font={"size": 11},
            text=f"{text(_short(str(row['label'])))}<br>{num(row['estimate'])}",
        )
    fig.add_scatter(
        x=points["mean"], y=points["difference"], mode="markers", showlegend=False, hoverinfo="text",
        text=[f"mean {num(a)}<br>{'ratio' if ratio else 'difference'} {num(b)}" for a, b in points.itertuples(index=False)],
        marker={"symbol": "circle-open", "size": 7, "color": theme.INK},
    )
    theme.reference_line(fig, y=1.0 if ratio else 0.0)
    of = f" ({unit})" if unit else ""
    fig.update_xaxes(title_text=text(f"{'Geometric mean' if ratio else 'Mean'} of {first} and {second}{of}", 70), range=ends)
    fig.update_yaxes(title_text=text(f"{first} / {second}" if ratio else f"{first} − {second}{of}", 60))
    fig.update_layout(margin_r=110)
    return fig


def _short(label: str) -> str:
    return label.replace(" limit of agreement", " limit").capitalize()


def _said(row: Row) -> str:
    return f"{text(_short(str(row['label'])))}<br>{num(row['estimate'])} ({num(row['lower'])} to {num(row['upper'])})"


def _caption(result: BlandAltmanResult, rows: list[Row], first: str, second: str) -> str:
    bias, lower, upper = rows
    ratio = result.scale == "ratio"
    words = (
        f"{first} is on average {num(bias['estimate'])} times {second}" if ratio
        else f"{first} minus {second} is on average {num(bias['estimate'])}"
    )
    slope = result.slope
    tail = ""
    if slope is not None and isinstance(slope.p, float):
        verb = "changes" if slope.p < 0.05 else "does not clearly change"
        tail = f"; the {'ratio' if ratio else 'difference'} {verb} with size ({p_equals(slope.p)})"
    return (
        f"In {count(len(result.points), 'unit')} {words} ({num(bias['lower'])} to {num(bias['upper'])}); "
        f"{100 * float(result['agreement']):g}% of differences are expected between {num(lower['estimate'])} and "
        f"{num(upper['estimate'])}{tail}."
    )
