"""Figures over horizons: AUC, Brier score and IPA of models over time, and restricted mean survival as areas."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from radiogen.errors import fail
from radiogen.plots import theme
from radiogen.plots.frames import records, row_of_max, row_of_min
from radiogen.plots.text import count, interval, listed, num, plain, text

#: title of the axis, the words in a sentence, the value of no use, and which end is better
_MEASURES = {
    "auc": ("Time-dependent AUC", "time-dependent AUC", 0.5, "largest"),
    "brier": ("Brier score", "Brier score", None, "smallest"),
    "ipa": ("Index of prediction accuracy", "index of prediction accuracy", 0.0, "largest"),
}


def horizon_scores(frame: pd.DataFrame, measure: str = "auc", *, unit: str = "") -> go.Figure:
    """AUC, Brier score or IPA at each horizon, one line with its intervals for each model.

    Parameters
    ----------
    frame : DataFrame
        ``horizon``, ``estimate`` and, where known, ``lower``, ``upper``, ``model``: the ``to_frame()`` of
        :func:`radiogen.stats.time_dependent_auc`, :func:`radiogen.stats.brier_score` or
        :func:`radiogen.stats.index_of_prediction_accuracy`.
    measure : {"auc", "brier", "ipa"}
        What the estimates are.
    unit : str
        Unit of time.

    Returns
    -------
    plotly.graph_objects.Figure

    Raises
    ------
    RadiogenError
        RG705 without a score, RG708 for another measure.
    """
    if measure not in _MEASURES:
        raise fail("RG708", f"`measure` must be one of {', '.join(_MEASURES)}.", value=measure)
    data = frame.dropna(subset=["horizon", "estimate"])
    if data.empty:
        raise fail("RG705", "there is no score over time to draw")
    title, _, neutral, _ = _MEASURES[measure]
    models = list(dict.fromkeys(data["model"])) if "model" in data else [""]
    fig = theme.figure(
        f"{title} over time", _caption(data, measure, unit), measure, height=400 + 22 * ((len(models) + 2) // 3), min_width=360
    )
    reach = float(data["horizon"].max() - data["horizon"].min()) or float(data["horizon"].max())
    for index, model in enumerate(models):
        part = data[data["model"] == model] if "model" in data else data
        # neighbours stand side by side where they share a horizon
        shift = (index - (len(models) - 1) / 2) * 0.008 * reach
        _add_line(fig, part.sort_values("horizon", kind="stable"), str(model), index, shift)
    if neutral is not None:
        theme.reference_line(fig, y=neutral)
    time = f"Horizon ({text(unit)})" if unit else "Horizon"
    fig.update_xaxes(title_text=time, exponentformat="none")
    fig.update_yaxes(title_text=title)
    fig.update_layout(showlegend=len(models) > 1)
    return fig


def _add_line(fig: go.Figure, part: pd.DataFrame, model: str, index: int, shift: float) -> None:
    limits = {"lower", "upper"} <= set(part)
    hover = []
    for row in records(part):
        lines = [text(model, 40), f"horizon {num(row['horizon'])}", interval(row["estimate"], row.get("lower"), row.get("upper"))]
        hover.append("<br>".join(filter(None, lines)))
    fig.add_scatter(
        x=part["horizon"] + shift, y=part["estimate"], mode="lines+markers", name=text(model, 40), text=hover, hoverinfo="text",
        line={"color": theme.colour(index), "dash": theme.dash(index), "width": 2},
        marker={"symbol": theme.symbol(index), "size": 8, "color": theme.colour(index)},
        error_y={
            "array": part["upper"] - part["estimate"], "arrayminus": part["estimate"] - part["lower"], "symmetric": False,
            "thickness": 1.3, "width": 3,
        } if limits else None,
    )


def _caption(data: pd.DataFrame, measure: str, unit: str) -> str:
    _, words, _, end = _MEASURES[measure]
    horizons = sorted(data["horizon"].unique())
    last = data[data["horizon"] == horizons[-1]]
    best = row_of_max(last, "estimate") if end == "largest" else row_of_min(last, "estimate")
    several = len(last) > 1
    whose = f" is that of {plain(best['model'])}," if several else " is"
    when = f"{num(horizons[-1])}{f' {plain(unit)}' if unit else ''}"
    shown = interval(best["estimate"], best.get("lower"), best.get("upper"))
    bars = ", bars are intervals at each" if {"lower", "upper"} <= set(data) else ""
    return f"At {when} the {f'{end} ' if several else ''}{words}{whose} {shown}; {count(len(horizons), 'horizon')}{bars}."


def rmst_areas(curves: pd.DataFrame, table: pd.DataFrame, tau: float, *, unit: str = "") -> go.Figure:
    """Survival curves up to a horizon, with the area under each: the restricted mean survival time.

    Parameters
    ----------
    curves : DataFrame
        ``group``, ``time``, ``survival``: the ``curve`` of :func:`radiogen.stats.kaplan_meier`.
    table : DataFrame
        ``label`` (the group), ``estimate``, ``lower``, ``upper``: the ``to_frame()`` of
        :func:`radiogen.stats.rmst` with the same groups.
    tau : float
        The horizon.
    unit : str
        Unit of time.

    Returns
    -------
    plotly.graph_objects.Figure

    Raises
    ------
    RadiogenError
        RG705 where a group of the table has no curve.
    """
    data = curves.assign(group=curves["group"].map(_label))
    rows = records(table)
    missing = [plain(r["label"]) for r in rows if str(r["label"]) not in set(data["group"])]
    if missing or not rows:
        raise fail("RG705", f"there is no survival curve of {listed(missing) or 'any group'} to draw")
    fig = theme.figure(
        "Restricted mean survival time", _area_caption(rows, tau, unit), "rmst", height=410 + 20 * len(rows), min_width=360
    )
    for index, row in enumerate(rows):
        part = data[(data["group"] == str(row["label"])) & (data["time"] <= tau)].sort_values("time", kind="stable")
        last = float(part["survival"].iloc[-1]) if len(part) else 1.0
        x, y = np.r_[0.0, part["time"], tau], np.r_[1.0, part["survival"], last]
        colour = theme.colour(index)
        mean = interval(row["estimate"], row.get("lower"), row.get("upper"))
        fig.add_scatter(
            x=x, y=y, mode="lines", name=f"{text(row['label'], 40)}: {mean}", fill="tozeroy", fillcolor=theme.tint(colour),
            line={"shape": "hv", "color": colour, "dash": theme.dash(index), "width": 2},
            hovertemplate="time %{x}<br>survival %{y:.2f}<extra></extra>",
        )
    theme.reference_line(fig, x=float(tau))
    time = f"Time ({text(unit)})" if unit else "Time"
    fig.update_xaxes(title_text=time, exponentformat="none", range=[0, 1.04 * tau])
    fig.update_yaxes(title_text="Survival", range=[0, 1.02], tickvals=[0, 0.25, 0.5, 0.75, 1])
    fig.update_layout(legend={"entrywidth": 1, "entrywidthmode": "fraction"})
    return fig


def _label(group: object) -> str:
    whole = isinstance(group, float | np.floating) and float(group).is_integer()
    return str(int(float(group))) if whole else str(group)  # type: ignore[arg-type]


def _area_caption(rows: list[dict[str, object]], tau: float, unit: str) -> str:
    words = [f"{plain(r['label'])}: {interval(r['estimate'], r.get('lower'), r.get('upper'))}" for r in rows]
    ending = f" {plain(unit)}" if unit else ""
    return f"Mean time lived of the first {num(tau)}{ending}, the area under each curve, is {listed(words)}."
