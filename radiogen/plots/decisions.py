"""Figures of decision curves: net benefit and interventions avoided over thresholds of risk."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from radiogen.errors import fail
from radiogen.plots import theme
from radiogen.plots.frames import is_missing
from radiogen.plots.naming import model_name
from radiogen.plots.text import count, fixed, listed, share, text

_TABLE = "decision_curve"
_ALL, _NONE = "all", "none"
#: column, its limits, axis and heading of each quantity
_QUANTITIES = {
    "net_benefit": ("net_benefit", "lower", "upper", "Net benefit", "Decision curve"),
    "standardised": (
        "standardised", "standardised_lower", "standardised_upper", "Standardised net benefit", "Decision curve, standardised",
    ),
    "interventions_avoided": (
        "interventions_avoided", "interventions_avoided_lower", "interventions_avoided_upper",
        "Net interventions avoided per 100", "Interventions avoided",
    ),
}  # fmt: skip


def decision_curve(frame: pd.DataFrame, *, quantity: str = "net_benefit", table: str = _TABLE) -> go.Figure:
    """Net benefit of each model beside treating all and treating none.

    Parameters
    ----------
    frame : DataFrame
        Columns ``model``, ``threshold``, ``net_benefit`` and, where known, ``lower`` and ``upper``, as
        ``radiogen.stats.decision_curve(…).curve`` has them; "all" and "none" are the two strategies without a model.
    quantity : {"net_benefit", "standardised", "interventions_avoided"}, default "net_benefit"
        What is drawn, with the columns of that name; interventions avoided are those against treating all.
    table : str
        Key of the table that holds the numbers.

    Returns
    -------
    plotly.graph_objects.Figure
        Bands are drawn for one or two models; those of more hide each other, and the table has them.

    Raises
    ------
    RadiogenError
        RG705 where there is nothing to draw or a column is missing; RG708 for an unknown quantity.
    """
    if quantity not in _QUANTITIES:
        raise fail("RG708", f"`quantity` must be one of {', '.join(_QUANTITIES)}.", value=quantity)
    column, low, high, axis, heading = _QUANTITIES[quantity]
    if not {"model", "threshold", column} <= set(frame):
        raise fail("RG705", f"the table of a decision curve needs the columns model, threshold and {column}")
    data = frame.dropna(subset=["threshold", column])
    if data.empty:
        raise fail("RG705", "there is no decision curve to draw")
    names = [name for name in dict.fromkeys(data["model"]) if name not in (_ALL, _NONE)]
    fig = theme.figure(
        heading, _caption(data, names, column, quantity), table, height=400 + 20 * len(names), min_width=360, max_width=860
    )
    for index, name in enumerate(names):
        part = data[data["model"] == name].sort_values("threshold")
        colour = theme.colour(index)
        if len(names) <= 2 and {low, high} <= set(part):
            _band(fig, part.dropna(subset=[low, high]), low, high, colour, f"m{index}")
        fig.add_scatter(
            x=part["threshold"], y=part[column], mode="lines", name=text(model_name(name), 60), legendgroup=f"m{index}",
            line={"color": colour, "dash": theme.dash(index), "width": 2}, showlegend=True,
            hovertemplate="threshold %{x:.0%}<br>%{y:.3f}<extra></extra>",
        )
    for name, words, dash in ((_ALL, "treat all", "dot"), (_NONE, "treat none", "solid")):
        part = data[data["model"] == name].sort_values("threshold")
        # interventions avoided are counted against treating all, whose line is 0
        if len(part) and not (quantity == "interventions_avoided" and name == _NONE):
            fig.add_scatter(
                x=part["threshold"], y=part[column], mode="lines", name=words, showlegend=True,
                line={"color": theme.MUTED if name == _ALL else theme.INK, "width": 1.3, "dash": dash},
                hovertemplate="threshold %{x:.0%}<br>%{y:.3f}<extra></extra>",
            )
    fig.update_xaxes(title_text="Threshold of risk", tickformat=".0%")
    fig.update_yaxes(title_text=axis, range=_range(data, names, column, quantity))
    return fig


def _band(fig: go.Figure, part: pd.DataFrame, low: str, high: str, colour: str, group: str) -> None:
    for bound, fill in ((high, None), (low, "tonexty")):
        fig.add_scatter(
            x=part["threshold"], y=part[bound], mode="lines", line={"width": 0, "color": colour}, fill=fill,
            fillcolor=theme.tint(colour), showlegend=False, hoverinfo="skip", legendgroup=group,
        )


def _range(data: pd.DataFrame, names: list[str], column: str, quantity: str) -> list[float]:
    """From a little below 0 to the highest curve: treating all falls without limit."""
    top = float(data[column].max())
    if quantity == "interventions_avoided":
        lowest = float(data.loc[data["model"].isin(names), column].min()) if names else 0.0
        return [max(lowest, -25.0) - 2, max(top, 10.0) * 1.05]
    top = top if top > 0 else 0.1
    return [-0.15 * top, 1.08 * top]


def _caption(data: pd.DataFrame, names: list[str], column: str, quantity: str) -> str:
    if quantity == "interventions_avoided" or not names:
        span = f"{share(data['threshold'].min())} to {share(data['threshold'].max())}"
        return f"{count(len(names), 'model')} at thresholds from {span}."
    wide = data.pivot_table(index="threshold", columns="model", values=column, aggfunc="first")
    without = [c for c in (_ALL, _NONE) if c in wide]
    # nobody is treated where the table names neither strategy
    others = wide[without].assign(nobody=0.0).max(axis=1)
    sentences = []
    for name in names:
        better = wide.index[(wide[name] > others).to_numpy()]
        best = wide[name] - others
        if is_missing(best.max()) or not len(better):
            sentences.append(f"{model_name(name)} nowhere has more net benefit than treating all or none")
            continue
        where = f"at {share(better.min())}" if len(better) == 1 else f"between {share(better.min())} and {share(better.max())}"
        inside = wide.index[(wide.index >= better.min()) & (wide.index <= better.max())]
        some = "at some thresholds " if len(inside) > len(better) else ""
        gain = f", at most by {fixed(best.max(), 3)} at {share(float(best.idxmax()))}"
        sentences.append(f"{model_name(name)} has more net benefit than treating all or none {some}{where}{gain}")
    return f"{listed(sentences[:4])}{'; others are not named' if len(sentences) > 4 else ''}."


