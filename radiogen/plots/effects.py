"""Figures of effects: forest plot and importance of features."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from radiogen.errors import fail
from radiogen.plots import theme
from radiogen.plots.frames import Row, is_missing, records, row_of_max
from radiogen.plots.text import count, interval, is_number, lower_first, num, p_equals, plain, share, text

#: an interval that leaves this range of a ratio is cut, and an arrow says so
_LIMITS = (1 / 64, 64.0)
_ROWS = 40


def forest(frame: pd.DataFrame, *, effect: str = "Hazard ratio", ratio: bool = True, table: str = "cox") -> go.Figure:
    """Effects with their intervals, one row for each term; ratios on a log axis.

    Parameters
    ----------
    frame : DataFrame
        Columns ``estimate``, ``lower``, ``upper`` and a name: ``label``, or ``term`` and ``level``.
        Where there are any: ``model`` (one symbol each, such as univariable and multivariable),
        ``p``, ``n``, ``events``, ``note``.  A row without an estimate is shown as not estimable.
    effect : str
        Title of the axis.
    ratio : bool
        Ratios have a log axis and no effect at 1; differences a linear one and 0.
    table : str
        Key of the table that holds the numbers.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    if frame.empty:
        raise fail("RG705", "there is no effect to draw")
    data = frame.assign(row=[row_label(r) for r in records(frame)])
    rows = list(dict.fromkeys(data["row"]))[:_ROWS]
    data = data[data["row"].isin(rows)]
    models = list(dict.fromkeys(data["model"])) if "model" in data else [""]
    height = 26 + 13 * (len(models) - 1)
    fig = theme.figure(
        f"Forest plot: {lower_first(plain(effect))}", _forest_caption(data, effect, ratio), table,
        height=110 + height * len(rows), min_width=620,
    )
    low, high = _range(data, ratio)
    for index, model in enumerate(models):
        part = data[data["model"] == model] if "model" in data else data
        shift = ((len(models) - 1) / 2 - index) * 0.5 / max(len(models), 1) * 1.3
        _add_effects(fig, part, rows, index, shift, (low, high), str(model))
    theme.reference_line(fig, x=1.0 if ratio else 0.0)
    fig.update_xaxes(title_text=text(effect), type="log" if ratio else "linear")
    if ratio:
        ticks = [t for t in (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50) if low <= t <= high]
        fig.update_xaxes(range=[math.log10(low), math.log10(high)], tickvals=ticks, ticktext=[f"{t:g}" for t in ticks])
    fig.update_yaxes(
        tickvals=list(range(len(rows))), ticktext=[text(r, 42) for r in reversed(rows)], showgrid=False,
        range=[-0.6, len(rows) - 0.4],
    )
    widest = max(len(_beside(row)) for row in records(data))
    fig.update_layout(margin_r=24 + 6.3 * widest, showlegend=len(models) > 1)
    return fig


def row_label(row: Row) -> str:
    """Name of a row of a forest plot: its label, or term and level."""
    if row.get("label") is not None:
        return plain(row["label"])
    level = row.get("level")
    term = plain(row.get("term", ""))
    return term if level is None or is_missing(level) or not plain(level) else f"{term}: {plain(level)}"


def _range(data: pd.DataFrame, ratio: bool) -> tuple[float, float]:
    values = [float(v) for c in ("estimate", "lower", "upper") for v in data[c] if is_number(v) and (v > 0 or not ratio)]
    if ratio:
        low, high = min([0.5, *values]), max([2.0, *values])
        return max(low * 0.8, _LIMITS[0]), min(high * 1.25, _LIMITS[1])
    low, high = min([0.0, *values]), max([0.0, *values])
    pad = 0.06 * (high - low or 1.0)
    return low - pad, high + pad


def _add_effects(
    fig: go.Figure, part: pd.DataFrame, rows: list[str], index: int, shift: float, limits: tuple[float, float], name: str
) -> None:
    colour = theme.colour(index)
    drawn: list[tuple[float, float, float, float, str]] = []
    for row in records(part):
        at = len(rows) - 1 - rows.index(row["row"]) + shift
        estimate, lower, upper = row["estimate"], row["lower"], row["upper"]
        fig.add_annotation(
            x=1.01, xref="paper", xanchor="left", y=at, showarrow=False, align="left", text=_beside(row),
            font={"size": 11, "color": theme.INK if is_number(estimate) else theme.MUTED},
        )
        if not (is_number(estimate) and limits[0] <= estimate <= limits[1]):
            continue
        low = max(lower, limits[0]) if is_number(lower) else estimate
        high = min(upper, limits[1]) if is_number(upper) else estimate
        drawn.append((estimate, at, high - estimate, estimate - low, _hover(row)))
        if is_number(lower) and lower < limits[0]:
            _add_cut(fig, low, at, "triangle-left", colour)
        if is_number(upper) and upper > limits[1]:
            _add_cut(fig, high, at, "triangle-right", colour)
    fig.add_scatter(
        x=[d[0] for d in drawn], y=[d[1] for d in drawn], mode="markers", name=text(name, 40), hoverinfo="text",
        text=[d[4] for d in drawn], marker={"symbol": theme.symbol(index + 1), "size": 8, "color": colour},
        error_x={
            "array": [d[2] for d in drawn], "arrayminus": [d[3] for d in drawn], "symmetric": False, "thickness": 1.4,
            "width": 3,
        },
    )


def _add_cut(fig: go.Figure, x: float, y: float, symbol: str, colour: str) -> None:
    """An arrow head where an interval goes on beyond the axis."""
    fig.add_scatter(
        x=[x], y=[y], mode="markers", marker={"symbol": symbol, "size": 8, "color": colour}, showlegend=False,
        hoverinfo="skip",
    )


def _beside(row: Row) -> str:
    if not is_number(row["estimate"]):
        return "not estimable"
    if row["estimate"] == 1 and not is_number(row["lower"]):
        return "1 (reference)"
    p = f", {p_equals(row['p'])}" if is_number(row.get("p")) else ""
    return text(f"{interval(row['estimate'], row['lower'], row['upper'])}{p}")


def _hover(row: Row) -> str:
    note = plain(row["note"]) if isinstance(row.get("note"), str) else ""
    counts = [f"{name} = {num(row[name])}" for name in ("n", "events") if is_number(row.get(name))]
    lines = [text(row['row'], 70), _beside(row), ", ".join(counts), text(note, 90)]
    return "<br>".join(line for line in lines if line)


def _forest_caption(data: pd.DataFrame, effect: str, ratio: bool) -> str:
    known = data[data["lower"].notna() & data["upper"].notna()]
    missing = int(data["estimate"].isna().sum())
    tail = f"; {count(missing, 'effect')} could not be estimated" if missing else ""
    neutral = 1.0 if ratio else 0.0
    clear = known[(known["lower"] > neutral) | (known["upper"] < neutral)]
    if clear.empty:
        return f"None of the {count(len(known), 'interval')} excludes {neutral:g}{tail}."
    distance = (np.log(clear["estimate"].astype(float)) if ratio else clear["estimate"]).abs()
    best = row_of_max(clear.assign(distance=distance), "distance")
    shown = interval(best["estimate"], best["lower"], best["upper"])
    which = f" ({plain(best['model'])})" if "model" in data and data["model"].nunique() > 1 else ""
    return (
        f"{len(clear)} of {count(len(known), 'interval')} {'excludes' if len(clear) == 1 else 'exclude'} {neutral:g}; "
        f"the largest of these effects is that of {best['row']}{which}, {lower_first(plain(effect))} {shown}{tail}."
    )


def importance(frame: pd.DataFrame, *, top: int = 20) -> go.Figure:
    """How often features were selected, and how much they weigh.

    Parameters
    ----------
    frame : DataFrame
        Columns ``feature`` and ``selected_share`` (share of the training folds in which the feature was
        used) or ``importance``, and ``coefficient`` where the model has one.  One model and inputs.
    top : int
        So many features are shown.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    weight = next((c for c in ("importance", "coefficient", "selected_share") if c in frame and frame[c].notna().any()), None)
    if weight is None or frame.empty:
        raise fail("RG705", "there is no importance to draw")
    data = frame[frame[weight].notna()]
    order = data[weight].abs().sort_values(ascending=False, kind="stable").index[:top]
    data = data.loc[order[::-1]]
    title = weight.replace("_", " ").capitalize()
    fig = theme.figure(
        f"Features by {lower_first(title)}", _importance_caption(data, weight), "features",
        height=90 + 21 * len(data), min_width=340,
    )
    positive = data[weight] >= 0
    fig.add_bar(
        x=data[weight], y=list(range(len(data))), orientation="h", width=0.7,
        marker={
            "color": [theme.colour(0) if p else theme.colour(1) for p in positive],
            "pattern": {"shape": ["" if p else "/" for p in positive], **theme.HATCH}, "line": {"width": 0},
        },
        text=[f"{share(v)} of folds" if is_number(v) else "" for v in data.get("selected_share", [None] * len(data))],
        textposition="auto", textfont={"size": 10.5}, hoverinfo="text", textangle=0,
        hovertext=[f"{text(f, 70)}<br>{num(v)}" for f, v in zip(data["feature"], data[weight], strict=True)],
    )
    fig.update_xaxes(title_text=title)
    fig.update_yaxes(
        showgrid=False, tickvals=list(range(len(data))), ticktext=[text(f, 44) for f in data["feature"]]
    )
    return fig


def _importance_caption(data: pd.DataFrame, weight: str) -> str:
    best = records(data.tail(1))[0]
    often = f", used in {share(best['selected_share'])} of the training folds" if is_number(best.get("selected_share")) else ""
    name = {"selected_share": "share of folds", "coefficient": "coefficient"}.get(weight, weight)
    return f"{plain(best['feature'])} has the largest {name} ({num(best[weight])}{often}) of {count(len(data), 'feature')} shown."
