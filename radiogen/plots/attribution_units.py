"""Figures of the attribution of one unit, and of attributions over time."""

from __future__ import annotations

from typing import Any

import pandas as pd
import plotly.graph_objects as go

from radiogen.errors import fail
from radiogen.plots import theme
from radiogen.plots.attributions import TOP, of_output
from radiogen.plots.frames import Row, records
from radiogen.plots.naming import readable
from radiogen.plots.text import count, distinct, is_number, listed, num, plain, text


def waterfall(
    frame: pd.DataFrame, unit: Any, *, output: Any = None, scale: str = "", top: int = TOP, table: str = "attributions"
) -> go.Figure:
    """How the attributions of one unit lead from the base to its prediction.

    Parameters
    ----------
    frame : DataFrame
        ``Attribution.to_frame()``: ``unit``, ``feature``, ``value``, ``base``, ``prediction``, and where known
        ``feature_value``, ``residual``.
    unit : object
        Its id.
    output : optional
        Which output, where there are several.
    scale : str
        What the attributions are measured in, such as "log-odds".
    top : int, default 20
        Features with a bar of their own; the others are summed in one.
    table : str
        Key of the table that holds the numbers.

    Returns
    -------
    plotly.graph_objects.Figure
        Read from the bottom: the base, then the features up to the largest at the top, and the prediction.

    Raises
    ------
    RadiogenError
        RG708 for a unit that is not there; RG705 where there is nothing to draw.
    """
    if not (frame["unit"] == unit).any():
        raise fail("RG708", f"there is no unit '{unit}' in the attributions", value=unit)
    own = frame[frame["unit"] == unit]
    data = of_output(own, output)
    every = own if output is None else own[own["output"] == output]
    absent = [plain(f, 40) for f in every.loc[every["value"].isna(), "feature"]]
    steps = _steps(data, top)
    base, end = float(data["base"].iloc[0]), float(data["prediction"].iloc[0])
    fig = theme.figure(
        f"Attribution of unit {plain(unit, 40)}", _caption(steps, base, end, absent, data), table,
        height=130 + 25 * (len(steps) + 2), min_width=theme.room_for([s["label"] for s in steps], 330), max_width=900,
    )
    at = base
    for place, step in enumerate(steps, start=1):
        _add_step(fig, place, at, step)
        at += step["value"]
    _ends(fig, base, end, len(steps))
    labels = ["base", *[s["label"] for s in steps], "prediction"]
    fig.update_yaxes(tickvals=list(range(len(labels))), ticktext=[text(la) for la in labels], showgrid=False,
                     range=[-0.7, len(labels) - 0.3])  # fmt: skip
    reached = [base, end]
    for step in steps:
        reached.append(reached[-1] + step["value"] if len(reached) > 2 else base + step["value"])
    low, high = min(reached), max(reached)
    room = 0.24 * ((high - low) or 1.0)
    name = f"Prediction ({text(scale, 40)})" if scale else "Prediction"
    fig.update_xaxes(title_text=name, range=[low - room, high + room])
    fig.update_layout(meta={**fig.layout.meta, "data": {"step": labels, "value": [base, *[s["value"] for s in steps], end]}})
    return fig


def _steps(data: pd.DataFrame, top: int) -> list[Row]:
    """From the smallest to the largest, what is summed first."""
    ordered = data.assign(size=data["value"].abs()).sort_values("size", ascending=False, kind="stable")
    named, others = ordered.iloc[:top], ordered.iloc[top:]
    labels = distinct([_labelled(row) for row in records(named)], 44)
    # what rounding left of zero is zero
    values = named["value"].where(named["value"].abs() > 1e-9 * float(ordered["size"].iloc[0]), 0.0)
    steps = [{"label": la, "value": float(v)} for la, v in zip(labels, values, strict=True)]
    if len(others):
        steps.append({"label": f"{len(others):,} others, summed", "value": float(others["value"].sum())})
    left = float(data["residual"].iloc[0]) if "residual" in data else 0.0
    if abs(left) > 0.005 * float(ordered["size"].iloc[0]):
        steps.append({"label": "residual: not attributed", "value": left})
    return steps[::-1]


def _labelled(row: Row) -> str:
    value = row.get("feature_value")
    if is_number(value):
        return f"{readable(row['feature'])} = {num(value)}"
    return f"{readable(row['feature'])} = {plain(value, 16)}" if isinstance(value, str) else readable(row["feature"])


def _add_step(fig: go.Figure, place: int, start: float, step: Row) -> None:
    value, up = step["value"], step["value"] >= 0
    left = step["label"].startswith("residual:")
    tone = theme.MUTED if left else theme.colour(1) if up else theme.colour(0)
    fig.add_bar(
        x=[value], base=[start], y=[place], orientation="h", width=0.66, showlegend=False, hoverinfo="text",
        hovertext=f"{text(step['label'], 60)}<br>{'+' if value > 0 else ''}{num(value)}",
        text=f"{'+' if value > 0 else ''}{num(value)}", textposition="outside", textangle=0, textfont={"size": 10.5},
        cliponaxis=False, constraintext="none",
        marker={"color": tone, "line": {"width": 0}, "pattern": {"shape": "" if up else "/", **theme.HATCH}},
    )
    # from the end of this bar to the next
    fig.add_scatter(
        x=[start + value] * 2, y=[place + 0.33, place + 0.67], mode="lines", line={"color": theme.MUTED, "width": 1},
        hoverinfo="skip", showlegend=False,
    )


def _ends(fig: go.Figure, base: float, end: float, steps: int) -> None:
    for x, y, word in ((base, 0, "base"), (end, steps + 1, "prediction")):
        fig.add_scatter(
            x=[x], y=[y], mode="markers+text", text=[num(x)], textposition="middle right", hoverinfo="text",
            hovertext=f"{word} {num(x)}", showlegend=False, textfont={"size": 10.5},
            marker={"symbol": "diamond", "size": 9, "color": theme.INK},
        )
    fig.add_scatter(
        x=[base] * 2, y=[0, steps + 1], mode="lines", line={"color": theme.MUTED, "width": 1, "dash": "dot"}, hoverinfo="skip",
        showlegend=False,
    )


def _caption(steps: list[Row], base: float, end: float, absent: list[str], data: pd.DataFrame) -> str:
    best = max(records(data), key=lambda r: abs(r["value"]))
    way = "raises" if best["value"] >= 0 else "lowers"
    without = ""
    if absent:
        named = listed(absent[:5]) if len(absent) <= 5 else count(len(absent), "feature")
        without = f"; the unit does not have {named}"
    return (
        f"The prediction {num(end)} lies {num(abs(end - base))} {'above' if end >= base else 'below'} the base {num(base)}; "
        f"{readable(best['feature'])} {way} it most, by {num(abs(best['value']))}{without}."
    )


def attribution_over_time(
    frame: pd.DataFrame, *, unit: Any = None, unit_of_time: str = "", top: int = 8, table: str = "attribution_times"
) -> go.Figure:
    """Attributions of survival over time: of one unit, or mean absolute ones over all.

    Parameters
    ----------
    frame : DataFrame
        Of :func:`radiogen.explain.time_dependent`: ``unit``, ``time``, ``feature``, ``value``.
    unit : object, optional
        Its signed curves; default the mean absolute attribution over all units.
    unit_of_time : str
        Such as "months".
    top : int, default 8
        Curves, those of the largest area.
    table : str
        Key of the table that holds the numbers.

    Returns
    -------
    plotly.graph_objects.Figure

    Raises
    ------
    RadiogenError
        RG708 for a unit that is not there; RG705 where there is nothing to draw.
    """
    if unit is not None and not (frame["unit"] == unit).any():
        raise fail("RG708", f"there is no unit '{unit}' in the attributions", value=unit)
    data = of_output(frame if unit is None else frame[frame["unit"] == unit], None)
    shown = data if unit is not None else data.assign(value=data["value"].abs())
    curves = shown.groupby(["feature", "time"], sort=False)["value"].mean().reset_index()
    sizes = curves["value"].abs().groupby(curves["feature"]).mean()
    order = sizes.sort_values(ascending=False, kind="stable")
    kept = list(order.index[:top])
    what = f"of unit {plain(unit, 40)}" if unit is not None else f"over {count(data['unit'].nunique(), 'unit')}"
    rest = f"; {count(len(order) - len(kept), 'feature')} with smaller ones are not drawn" if len(order) > len(kept) else ""
    fig = theme.figure(
        "Attribution of survival over time",
        f"{'The' if unit is not None else 'The mean absolute'} attribution {what} is largest for {readable(kept[0])}{rest}.",
        table, height=420 + 14 * len(kept), min_width=340, max_width=900,
    )  # fmt: skip
    names = distinct([readable(f) for f in kept], 36)
    for index, (feature, name) in enumerate(zip(kept, names, strict=True)):
        part = curves[curves["feature"] == feature].sort_values("time")
        fig.add_scatter(
            x=part["time"].tolist(), y=part["value"].tolist(), mode="lines", name=text(name), showlegend=True,
            line={"color": theme.colour(index), "dash": theme.dash(index), "width": 2},
            hovertemplate="%{x:.4g}: %{y:.3f}<extra></extra>",
        )
    theme.reference_line(fig, y=0.0)
    fig.update_xaxes(title_text=f"Time ({text(unit_of_time, 20)})" if unit_of_time else "Time")
    fig.update_yaxes(title_text="Attribution (survival)" if unit is not None else "Mean absolute attribution (survival)")
    return fig
