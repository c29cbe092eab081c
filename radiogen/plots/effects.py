"""Figures of effects: forest plot and importance of features."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from radiogen.errors import fail
from radiogen.plots import theme
from radiogen.plots.frames import Row, is_missing, records, row_of_max
from radiogen.plots.text import count, distinct, interval, is_number, lower_first, num, p_equals, plain, share, text, wrap

#: an interval that leaves this range of a ratio is cut, and an arrow says so
_LIMITS = (1 / 64, 64.0)
_ROWS = 40


def forest(frame: pd.DataFrame, *, effect: str = "Hazard ratio", ratio: bool = True, table: str = "cox") -> go.Figure:
    """Effects with their intervals, one row for each term; ratios on a log axis.

    Parameters
    ----------
    frame : DataFrame
        Columns ``estimate``, ``lower``, ``upper`` and a name: ``label``, or ``term`` and ``level``; ``short``
        is a shorter name beside the axis.
        Where there are any: ``model`` (one symbol each, such as univariable and multivariable),
        ``p``, ``n``, ``events``, ``note``.  A row without an estimate is shown as not estimable.
        Two effects of one name and model have rows of their own.
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
    data = frame.assign(row=_row_names(frame))
    known = list(dict.fromkeys(data["row"]))
    rows = known[:_ROWS]
    data = data[data["row"].isin(rows)]
    models = list(dict.fromkeys(data["model"])) if "model" in data else [""]
    height = 26 + 13 * (len(models) - 1)
    short = dict(zip(data["row"], data["short"], strict=True)) if "short" in data else {}
    labels = _tick_labels([str(short.get(r, r)) for r in reversed(rows)], two_lines=height >= 36)
    widest = max(len(_beside(row)) for row in records(data))
    fig = theme.figure(
        f"Forest plot: {lower_first(plain(effect))}", _forest_caption(data, effect, ratio, len(known)), table,
        height=110 + 12 * len(models) + height * len(rows), min_width=max(620, theme.room_for(labels, 280 + 6 * widest)),
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
        tickvals=list(range(len(rows))), ticktext=labels, showgrid=False,
        range=[-0.6, len(rows) - 0.4],
    )
    fig.update_layout(margin_r=24 + 6.3 * widest, showlegend=len(models) > 1)
    return fig


def _row_names(frame: pd.DataFrame) -> list[str]:
    """Names of the rows; what comes twice for one model is told apart by its set, else by a number."""
    names = [row_label(r) for r in records(frame)]
    models = frame["model"].astype(str).tolist() if "model" in frame else [""] * len(frame)
    if "set" in frame and len(set(zip(names, models, strict=True))) < len(frame):
        names = [f"{n}, {plain(s)}" for n, s in zip(names, frame["set"], strict=True)]
    seen: Counter[tuple[str, str]] = Counter()
    out = []
    for key in zip(names, models, strict=True):
        seen[key] += 1
        out.append(key[0] if seen[key] == 1 else f"{key[0]} ({seen[key]})")
    return out


def _tick_labels(rows: list[str], two_lines: bool, limit: int = 42) -> list[str]:
    """Names beside an axis: short enough, and different where the rows are."""
    if two_lines and all(len(word) <= limit for row in rows for word in row.split(" ")):
        return [wrap(row, limit, 2) if len(row) <= 2 * limit else text(row, 2 * limit) for row in rows]
    return [text(name) for name in distinct(rows, limit)]


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


def _forest_caption(data: pd.DataFrame, effect: str, ratio: bool, rows: int) -> str:
    known = data[data["lower"].notna() & data["upper"].notna()]
    missing = int(data["estimate"].isna().sum())
    tail = f"; {count(missing, 'effect')} could not be estimated" if missing else ""
    tail += f"; the first {_ROWS} of {rows:,} rows are drawn" if rows > _ROWS else ""
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


#: below this a weight is what rounding left of zero
_ZERO = 1e-9
_TITLES = {
    "selected_share": "Share of the training folds in which the feature was used", "coefficient": "Coefficient",
    "importance": "Importance",
}


def importance(frame: pd.DataFrame, *, top: int = 20, weight_name: str = "") -> go.Figure:
    """How much features weigh in a model, and how often they were used.

    Parameters
    ----------
    frame : DataFrame
        Columns ``feature`` and a weight: ``importance``, ``coefficient`` or ``selected_share`` (share of the training
        folds in which the feature was used).  One model and inputs.
    top : int
        So many features are shown, those of the largest absolute weight.
    weight_name : str
        What the weight is, such as "Coefficient per SD"; default from the column.

    Returns
    -------
    plotly.graph_objects.Figure

    Raises
    ------
    RadiogenError
        RG705 where no feature has a weight other than 0.
    """
    weight = next((c for c in ("importance", "coefficient", "selected_share") if c in frame and frame[c].notna().any()), None)
    used = frame[frame[weight].abs() > _ZERO] if weight is not None else frame.iloc[:0]
    if weight is None or used.empty:
        raise fail("RG705", "there is no importance to draw")
    order = used[weight].abs().sort_values(ascending=False, kind="stable").index[:top]
    data = used.loc[order[::-1]]
    title = weight_name or _TITLES[weight]
    names = distinct(data["feature"], 44)
    # what stands in brackets is for the axis
    short = title.split(" (")[0]
    fig = theme.figure(
        f"Features by {lower_first(short)}", _importance_caption(data, weight, short, len(used), len(frame)), "features",
        height=90 + 21 * len(data), min_width=theme.room_for(names),
    )
    _add_bars(fig, data, weight)
    fig.update_xaxes(title_text=text(title))
    fig.update_yaxes(showgrid=False, tickvals=list(range(len(data))), ticktext=[text(n) for n in names])
    return fig


def _add_bars(fig: go.Figure, data: pd.DataFrame, weight: str) -> None:
    positive = data[weight] >= 0
    shares = [None] * len(data) if weight == "selected_share" else data.get("selected_share", [None] * len(data))
    beside = [f"{share(v)} of folds" if is_number(v) else "" for v in shares]
    about = zip(data["feature"], data[weight], beside, strict=True)
    fig.add_bar(
        x=data[weight], y=list(range(len(data))), orientation="h", width=0.7,
        marker={
            "color": [theme.colour(0) if p else theme.colour(1) for p in positive],
            "pattern": {"shape": ["" if p else "/" for p in positive], **theme.HATCH}, "line": {"width": 0},
        },
        text=beside, textposition="outside", textfont={"size": 10.5}, constraintext="none", cliponaxis=False, textangle=0,
        hovertext=["<br>".join(p for p in (text(f), num(v), b) if p) for f, v, b in about], hoverinfo="text",
    )
    low, high = min(0.0, float(data[weight].min())), max(0.0, float(data[weight].max()))
    # room for the words beside the bars
    room = 0.2 * (high - low) if any(beside) else 0.03 * (high - low)
    fig.update_xaxes(range=[low - room if low < 0 else 0.0, high + room if high > 0 else 0.0])


def _importance_caption(data: pd.DataFrame, weight: str, title: str, used: int, known: int) -> str:
    best = records(data.tail(1))[0]
    often = ""
    if weight != "selected_share" and is_number(best.get("selected_share")):
        often = f", used in {share(best['selected_share'])} of the training folds"
    size = "largest absolute" if float(data[weight].min()) < 0 else "largest"
    value = share(best[weight]) if weight == "selected_share" else num(best[weight])
    shown = f"; the {len(data)} largest of {used:,} are shown" if used > len(data) else ""
    unused = f"; {count(known - used, 'feature')} {'has' if known - used == 1 else 'have'} none" if known > used else ""
    return f"{plain(best['feature'])} has the {size} {lower_first(title)} ({value}{often}){shown}{unused}."
