"""Figures of class predictions: ROC curves, calibration, confusion matrix, performance."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from radiogen.errors import fail
from radiogen.plots import theme
from radiogen.plots.frames import Row, is_missing, records, row_of_max, row_of_min
from radiogen.plots.naming import model_name
from radiogen.plots.text import count, interval, is_number, num, plain, share, text, wrap

_KEYS = ("model", "inputs", "class", "set")
_POINTS = 400


def roc(curves: pd.DataFrame, performance: pd.DataFrame | None = None) -> go.Figure:
    """Receiver operating characteristic, one curve for each model, inputs, class and set.

    Parameters
    ----------
    curves : DataFrame
        Points of the curves: ``fpr``, ``tpr`` and, where there is more than one curve,
        ``model``, ``inputs``, ``class``, ``set``.
    performance : DataFrame, optional
        Rows with ``metric`` "AUC" and the same keys, ``estimate``, ``lower``, ``upper``: the
        areas are written into the legend.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    if curves.empty:
        raise fail("RG705", "there is no ROC curve to draw")
    series = list(_series(curves))
    areas = [_area(performance, key) for key, _, _ in series]
    fig = theme.figure(
        "ROC curves", _roc_caption([label for _, label, _ in series], areas), "roc", height=430 + 20 * len(series), max_width=640
    )
    for index, ((_, label, part), area) in enumerate(zip(series, areas, strict=True)):
        fpr, tpr = _simplify(part["fpr"].to_numpy(dtype=float), part["tpr"].to_numpy(dtype=float))
        name = f"{text(label, 60)}" + (f", AUC {interval(*area)}" if area else "")
        fig.add_scatter(
            x=fpr, y=tpr, mode="lines", name=name, line={"color": theme.colour(index), "dash": theme.dash(index), "width": 2},
            hovertemplate="1 − specificity %{x:.2f}<br>sensitivity %{y:.2f}<extra></extra>",
        )
    fig.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", showlegend=False, hoverinfo="skip",
        line={"color": theme.MUTED, "width": 1, "dash": "dot"},
    )
    fig.update_xaxes(title_text="1 − specificity", range=[-0.01, 1.01], constrain="domain", tickvals=_FIFTHS)
    fig.update_yaxes(
        title_text="Sensitivity", range=[-0.01, 1.01], tickvals=_FIFTHS, scaleanchor="x", constrain="domain"
    )
    return fig


_FIFTHS = [0, 0.2, 0.4, 0.6, 0.8, 1]


def _series(frame: pd.DataFrame) -> Iterator[tuple[Row, str, pd.DataFrame]]:
    """Key, label and rows of each curve; the label names only what differs between curves."""
    keys = [k for k in _KEYS if k in frame]
    if not keys:
        yield {}, "curve", frame
        return
    varying = [k for k in keys if frame[k].nunique(dropna=False) > 1]
    for values, part in frame.groupby(keys, sort=False, dropna=False):
        key = dict(zip(keys, values, strict=True))
        words = [_word(k, key[k]) for k in (varying or ["model"]) if k in key and not is_missing(key[k])]
        yield key, ", ".join(words) or "curve", part


def _word(key: str, value: object) -> str:
    return model_name(value) if key == "model" else plain(value).replace("_", " ")


def _area(performance: pd.DataFrame | None, key: Row) -> tuple[float, float, float] | None:
    if performance is None or performance.empty:
        return None
    rows = performance[performance["metric"].astype(str).str.upper() == "AUC"]
    for name, value in key.items():
        if name in rows:
            rows = rows[rows[name].isna()] if is_missing(value) else rows[rows[name] == value]
    if len(rows) != 1 or not is_number(rows["estimate"].iloc[0]):
        return None
    row = records(rows)[0]
    return float(row["estimate"]), float(row["lower"]), float(row["upper"])


def _simplify(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Leave out points on straight lines, then keep at most 400, which changes no pixel."""
    if len(x) > 2:
        cross = np.diff(x)[:-1] * np.diff(y)[1:] - np.diff(y)[:-1] * np.diff(x)[1:]
        keep = np.concatenate([[True], np.abs(cross) > 1e-15, [True]])
        x, y = x[keep], y[keep]
    if len(x) > _POINTS:
        index = np.unique(np.linspace(0, len(x) - 1, _POINTS).round().astype(int))
        x, y = x[index], y[index]
    return x, y


def _roc_caption(labels: list[str], areas: list[tuple[float, float, float] | None]) -> str:
    known = [(area, label) for area, label in zip(areas, labels, strict=True) if area is not None]
    if not known:
        return f"{count(len(labels), 'curve')}: {', '.join(labels[:6])}."
    best, label = max(known, key=lambda pair: pair[0][0])
    if len(known) == 1:
        return f"The area under the curve of {label} is {interval(*best)}."
    least, other = min(known, key=lambda pair: pair[0][0])
    return f"The area under the curve goes from {interval(*least)} for {other} to {interval(*best)} for {label}."


def calibration_curve(frame: pd.DataFrame, histogram: pd.DataFrame | None = None) -> go.Figure:
    """Observed share against predicted probability, with the distribution of the predictions below.

    Parameters
    ----------
    frame : DataFrame
        Columns ``predicted``, ``observed``, where known ``lower``, ``upper``, and ``model``, ``inputs``,
        ``set``, ``class`` where there is more than one curve.
    histogram : DataFrame, optional
        Distribution of the predictions of one model: ``lower``, ``upper`` (limits of each bin) and ``events`` and
        ``nonevents``, or ``n`` where censoring hides the outcome.  Events stand up, non-events hang down.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    data = frame.dropna(subset=["predicted", "observed"])
    if data.empty:
        raise fail("RG705", "there is no calibration curve to draw")
    series = list(_series(data))
    fig = theme.figure(
        "Calibration", _calibration_caption(series), "calibration_curve", height=430 + 20 * len(series), max_width=640
    )
    for index, (_, label, part) in enumerate(series):
        # the bars of more than two curves hide each other; the table has them
        _add_calibration(fig, part.sort_values("predicted"), label, index, bounds=len(series) <= 2)
    fig.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", showlegend=False, hoverinfo="skip",
        line={"color": theme.MUTED, "width": 1, "dash": "dot"},
    )
    fig.update_xaxes(title_text="Predicted probability", range=[-0.01, 1.01], constrain="domain", tickvals=_FIFTHS)
    fig.update_yaxes(
        title_text="Observed share", range=[-0.01, 1.01], tickvals=_FIFTHS, scaleanchor="x", constrain="domain"
    )
    if histogram is not None and len(histogram):
        _add_histogram(fig, histogram)
    return fig


def _add_histogram(fig: go.Figure, bins: pd.DataFrame) -> None:
    """Bars under the curve on an axis of their own."""
    centre = (bins["lower"] + bins["upper"]) / 2
    span = (bins["upper"] - bins["lower"]).to_numpy(dtype=float)
    parts = [("events", "events", 1, 0), ("nonevents", "non-events", -1, 2)] if "events" in bins else [("n", "units", 1, 0)]
    for column, name, side, index in parts:
        number = bins[column].to_numpy(dtype=float)
        pattern = {**theme.HATCH, "shape": "/" if side < 0 else ""}
        fig.add_bar(
            x=centre, y=side * number, width=span * 0.9, name=name, yaxis="y2", customdata=number, showlegend=True,
            marker={"color": theme.colour(index), "pattern": pattern, "line": {"width": 0}},
            hovertemplate="%{x:.2f}: %{customdata:.0f}<extra></extra>",
        )
    fig.update_layout(
        height=(fig.layout.height or 430) + 110, barmode="relative",
        yaxis={"domain": [0.27, 1.0]},
        xaxis={"anchor": "y2"},
        yaxis2={"domain": [0.0, 0.2], "anchor": "x", "title": {"text": "Units"}, "nticks": 4, "zeroline": True,
                "zerolinecolor": theme.MUTED, "showticklabels": "n" in bins and "events" not in bins},
    )


def _add_calibration(fig: go.Figure, part: pd.DataFrame, label: str, index: int, bounds: bool) -> None:
    colour, few = theme.colour(index), len(part) <= 15
    bars = None
    if bounds and {"lower", "upper"} <= set(part) and part["lower"].notna().any():
        if few:
            bars = {
                "array": part["upper"] - part["observed"], "arrayminus": part["observed"] - part["lower"],
                "symmetric": False, "thickness": 1, "width": 2, "color": colour,
            }
        else:
            known = part.dropna(subset=["lower", "upper"])
            for bound, fill in (("upper", None), ("lower", "tonexty")):
                fig.add_scatter(
                    x=known["predicted"], y=known[bound], mode="lines", line={"width": 0, "color": colour}, fill=fill,
                    fillcolor=theme.tint(colour), showlegend=False, hoverinfo="skip", legendgroup=f"c{index}",
                )
    fig.add_scatter(
        x=part["predicted"], y=part["observed"], mode="lines+markers" if few else "lines", name=text(label, 60),
        legendgroup=f"c{index}", showlegend=True, error_y=bars,
        line={"color": colour, "dash": theme.dash(index), "width": 2},
        marker={"symbol": theme.symbol(index), "size": 7},
        hovertemplate="predicted %{x:.2f}<br>observed %{y:.2f}<extra></extra>",
    )


def _calibration_caption(series: list[tuple[Row, str, pd.DataFrame]]) -> str:
    gaps = [(float((p["observed"] - p["predicted"]).abs().max()), label) for _, label, p in series]
    widest, label = max(gaps)
    least, other = min(gaps)
    if len(gaps) == 1:
        of = "" if label == "curve" else f" of {label}"
        return f"Observed and predicted share differ by at most {widest:.2f} along the curve{of}."
    return (
        f"The widest gap between observed and predicted share is {widest:.2f} for {label} and {least:.2f} for {other}."
    )


def confusion_matrix(frame: pd.DataFrame) -> go.Figure:
    """Truth against prediction of one model, with counts and shares of the truth.

    Parameters
    ----------
    frame : DataFrame
        Columns ``truth``, ``predicted``, ``n``; the rows of one model, inputs and set.

    Returns
    -------
    plotly.graph_objects.Figure

    Raises
    ------
    RadiogenError
        RG705 where a pair of classes stands in more than one row.
    """
    if frame.empty or frame.duplicated(["truth", "predicted"]).any():
        raise fail("RG705", "a confusion matrix takes the rows of one model, inputs and set", column="truth")
    order = list(dict.fromkeys([*frame["truth"], *frame["predicted"]]))
    counts = frame.pivot(index="truth", columns="predicted", values="n").reindex(index=order, columns=order).fillna(0)
    shares = counts.div(counts.sum(axis=1).where(lambda s: s > 0), axis=0)
    labels = [text(c, 24) for c in order]
    cells = [
        [f"{num(counts.iat[i, j])}<br>{share(shares.iat[i, j])}" for j in range(len(order))] for i in range(len(order))
    ]
    right = float(np.trace(counts.to_numpy(dtype=float)))
    total = float(counts.to_numpy(dtype=float).sum())
    agreed = share(right / total if total else None)
    # counts of several repeats are averaged, and so need not be whole
    mean = ", in the mean over repeats" if (counts.to_numpy(dtype=float) % 1 > 0).any() else ""
    caption = f"{num(right)} of {num(total)} predictions agree with the truth ({agreed}){mean}."
    fig = theme.figure(
        "Confusion matrix", caption, "confusion", height=170 + 62 * len(order), min_width=140 + 72 * len(order),
        max_width=200 + 130 * len(order),
    )
    fig.add_heatmap(
        z=shares.to_numpy(dtype=float), x=labels, y=labels, zmin=0, zmax=1, showscale=False, text=cells,
        texttemplate="%{text}", hoverinfo="skip", xgap=2, ygap=2, colorscale=[list(s) for s in theme.SEQUENTIAL],
    )
    fig.update_xaxes(title_text="Predicted", type="category", showgrid=False, side="top")
    fig.update_yaxes(title_text="Truth", type="category", showgrid=False, autorange="reversed")
    return fig


def performance(frame: pd.DataFrame, metric: str | None = None) -> go.Figure:
    """Discrimination with its interval, by inputs and model.

    Parameters
    ----------
    frame : DataFrame
        Columns ``model``, ``inputs``, ``metric``, ``estimate``, ``lower``, ``upper``, and where there
        are any ``set``, ``class``.
    metric : str, optional
        The metric drawn; default the first one.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    chosen = metric if metric is not None else (frame["metric"].iloc[0] if len(frame) else "")
    data = frame[(frame["metric"] == chosen) & frame["estimate"].notna()]
    if data.empty:
        raise fail("RG705", f"there is no estimate of '{chosen}' to draw", column="metric")
    keys = [k for k in ("model", "class", "set") if k in data and data[k].nunique(dropna=False) > 1]
    rows = list(dict.fromkeys(data["inputs"]))
    groups = list(data.groupby(keys, sort=False, dropna=False)) if keys else [((), data)]
    lines = max(1 + wrap(r, 30, 3).count("<br>") for r in rows)
    fig = theme.figure(
        f"Performance: {plain(chosen)}", _performance_caption(data, plain(chosen)), "performance",
        height=110 + len(rows) * max(24 + 15 * len(groups), 18 * lines),
        min_width=theme.room_for(wrap(r, 30, 3) for r in rows),
    )
    for index, (values, part) in enumerate(groups):
        each = values if isinstance(values, tuple) else (values,)
        words = [_word(k, v) for k, v in zip(keys, each, strict=True) if not is_missing(v)]
        name = ", ".join(words) or model_name(part["model"].iloc[0])
        shift = ((len(groups) - 1) / 2 - index) * 0.62 / max(len(groups), 1)
        fig.add_scatter(
            x=part["estimate"], y=[len(rows) - 1 - rows.index(i) + shift for i in part["inputs"]], mode="markers",
            name=text(name, 50), marker={"symbol": theme.symbol(index), "color": theme.colour(index), "size": 9},
            error_x={
                "array": part["upper"] - part["estimate"], "arrayminus": part["estimate"] - part["lower"],
                "symmetric": False, "thickness": 1.4, "width": 3,
            },
            text=[f"{text(i, 60)}<br>{interval(e, lo, up)}" for i, e, lo, up in
                  zip(part["inputs"], part["estimate"], part["lower"], part["upper"], strict=True)],
            hoverinfo="text+name", showlegend=True,
        )
    if _is_chance_half(str(chosen)):
        theme.reference_line(fig, x=0.5)
        low, high = float(data["lower"].min()), float(data["upper"].max())
        if is_number(low) and is_number(high):
            fig.update_xaxes(range=[min(low, 0.5) - 0.02, max(high, 0.5) + 0.02])
    fig.update_xaxes(title_text=text(chosen))
    fig.update_yaxes(
        tickvals=list(range(len(rows))), ticktext=[wrap(i, 30, 3) for i in reversed(rows)], showgrid=False,
        range=[-0.6, len(rows) - 0.4],
    )
    return fig


def _is_chance_half(metric: str) -> bool:
    return metric.lower().startswith(("auc", "macro auc", "harrell", "uno", "c-index", "c index", "concordance")) or metric == "C"


def _performance_caption(data: pd.DataFrame, metric: str) -> str:
    def name(row: Row) -> str:
        words = [plain(row["inputs"]), model_name(row["model"])]
        words += [plain(row["set"])] if "set" in data and data["set"].nunique() > 1 else []
        return ", ".join(words)

    best, least = row_of_max(data, "estimate"), row_of_min(data, "estimate")
    shown = interval(best["estimate"], best["lower"], best["upper"])
    if len(data) == 1:
        return f"{metric} is {shown} for {name(best)}."
    other = interval(least["estimate"], least["lower"], least["upper"])
    return f"{metric} is highest for {name(best)}, {shown}, and lowest for {name(least)}, {other}."
