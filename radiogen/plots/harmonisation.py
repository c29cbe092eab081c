"""Figures of harmonisation: what the batch explains, and units in the plane of components, before and after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from radiogen.errors import fail
from radiogen.plots import theme
from radiogen.plots.frames import records
from radiogen.plots.text import count, distinct, listed, lower_first, plain, share, text

#: points of one curve; more cannot be told apart
_POINTS = 400
#: batches that have a sign of their own: there are so many pairs of colour and symbol that look different
_BATCHES = 12
#: points of one panel
_DRAWN = 4000
#: a batch that explains more than this is seen in a model
_MUCH = 0.1


def batch_variance(
    frame: pd.DataFrame, *, what: str = "batch", column: str = "partial", table: str = "batch_variance"
) -> go.Figure:
    """Share of each feature's variance that goes with the batch, as a distribution over features.

    Parameters
    ----------
    frame : DataFrame
        Columns ``stage`` (such as "before" and "after", drawn in their order) and ``column`` (0 to 1, of
        :func:`radiogen.features.harmonize.variance_explained`; missing ones are left out); one row for each feature.
    what : str
        What the batch is, such as "scanner".
    column : {"partial", "share", "adjusted"}
        ``"partial"``: of the variance that covariates leave; without covariates that is the ``"share"`` of all of it.
    table : str
        Key of the table that holds the numbers.

    Returns
    -------
    plotly.graph_objects.Figure
        For each share of variance, the share of features in which the batch explains at most that much.

    Raises
    ------
    RadiogenError
        RG705 where there is no share, or one outside 0 to 1.
    """
    data = frame[frame[column].notna()]
    if data.empty or not data[column].between(0, 1 + 1e-9).all():
        raise fail("RG705", "shares of variance between 0 and 1 are needed, and there is none" if data.empty else
                   "a share of variance lies outside 0 to 1", column=column)  # fmt: skip
    series = [(str(stage), np.sort(part[column].to_numpy(dtype=float))) for stage, part in data.groupby("stage", sort=False)]
    fig = theme.figure(
        f"Variance explained by {lower_first(plain(what))}", _variance_caption(series, plain(what)), table,
        height=400, max_width=760,
    )
    for index, (stage, shares) in enumerate(series):
        at = np.unique(np.round(np.linspace(0, len(shares) - 1, min(len(shares), _POINTS))).astype(int))
        fig.add_scatter(
            x=[0.0, *shares[at]], y=[0.0, *(at + 1) / len(shares)], mode="lines", name=text(stage, 30),
            line={"color": theme.colour(index), "dash": theme.dash(index), "width": 2, "shape": "hv"},
            hovertemplate="at most %{x:.1%} of the variance<br>in %{y:.0%} of the features<extra></extra>",
        )
    reach = max(float(shares[-1]) for _, shares in series)
    fig.update_xaxes(
        title_text=text(f"Share of variance that goes with the {what}"), tickformat=".0%", range=[0, max(1.04 * reach, 0.02)]
    )
    fig.update_yaxes(title_text="Share of features", tickformat=".0%", range=[0, 1.02])
    return fig


def _variance_caption(series: Sequence[tuple[str, np.ndarray]], what: str) -> str:
    parts = [
        f"{share(float(np.median(s)))} of the variance of the median feature {plain(stage)} "
        f"(more than {share(_MUCH)} in {int((s > _MUCH).sum()):,} of {count(len(s), 'feature')})"
        for stage, s in series
    ]
    return f"The {what} explains {listed(parts)}."


def batch_components(frame: pd.DataFrame, *, what: str = "batch", table: str = "batch_components") -> go.Figure:
    """Units in the plane of the first two principal components, one panel for each ``stage``.

    Parameters
    ----------
    frame : DataFrame
        Columns ``stage``, ``batch``, ``pc1``, ``pc2`` (of :func:`radiogen.features.harmonize.principal_components`), and,
        where known, ``share1`` and ``share2``, the shares of the variance of both components in that stage.
    what : str
        What the batch is, such as "scanner".
    table : str
        Key of the table that holds the numbers.

    Returns
    -------
    plotly.graph_objects.Figure

    Raises
    ------
    RadiogenError
        RG705 where there is nothing to draw.

    Notes
    -----
    Batches are told apart by colour and by symbol.  Of more than 12 those with the most units have signs of their own.
    Of more than 4,000 units in a panel every second, third, … is drawn.
    """
    data = frame[frame["pc1"].notna() & frame["pc2"].notna()]
    if data.empty:
        raise fail("RG705", "there is no unit with two components to draw")
    stages = list(dict.fromkeys(data["stage"]))
    order = _order(data["batch"])
    shares = _shares(data)
    fig = theme.figure(
        f"Principal components by {lower_first(plain(what))}",
        _components_caption(data, stages, order, shares, plain(what)), table, height=430,
        min_width=300 * len(stages), max_width=560 * len(stages),
        grid={"rows": 1, "columns": len(stages), "pattern": "independent", "xgap": 0.12},
    )
    names = distinct(order, 24)
    for panel, stage in enumerate(stages):
        suffix = "" if panel == 0 else str(panel + 1)
        part = data[data["stage"] == stage]
        part = part.iloc[:: -(-len(part) // _DRAWN)]
        group = part["batch"].where(part["batch"].isin(order), None)
        for index, batch in enumerate([*order, None]):
            points = part[group.isna()] if batch is None else part[group == batch]
            if len(points):
                name = "other" if batch is None else names[index]
                fig.add_trace(_points(points, name, index, str(stage), suffix, first=panel == 0))
        fig.update_layout({f"xaxis{suffix}": {"title": {"text": _axis(1, stage, shares)}, "zeroline": False},
                           f"yaxis{suffix}": {"title": {"text": _axis(2, stage, shares)}, "zeroline": False}})  # fmt: skip
        fig.add_annotation(
            text=text(stage, 40), xref=f"x{suffix} domain", yref=f"y{suffix} domain", x=0, y=1, yanchor="bottom", xanchor="left",
            showarrow=False, font={"size": 12.5},
        )
    fig.update_layout(legend={"y": 1.1}, margin_t=64)
    return fig


def _order(batches: pd.Series) -> list[str]:
    """Batches by their number of units; beyond the limit they are not named."""
    counts = batches.value_counts().sort_index(kind="stable").sort_values(ascending=False, kind="stable")
    return list(counts.index[:_BATCHES])


def _points(points: pd.DataFrame, name: str, index: int, stage: str, suffix: str, first: bool) -> go.Scatter:
    other = name == "other" and index >= _BATCHES
    return go.Scatter(
        x=points["pc1"], y=points["pc2"], mode="markers", name=text(name), legendgroup=f"b{index}", showlegend=first,
        xaxis=f"x{suffix}", yaxis=f"y{suffix}", hoverinfo="text", hovertext=f"{text(name)}, {text(stage, 40)}",
        marker={
            # the symbols run on after eight, so that no batch has both colour and symbol of another
            "symbol": "circle-open" if other else theme.symbol(index + index // len(theme.PALETTE)), "size": 6.5, "opacity": 0.75,
            "color": theme.MUTED if other else theme.colour(index),
        },
    )  # fmt: skip


def _shares(data: pd.DataFrame) -> dict[str, tuple[float, float]]:
    """Shares of the variance of both components by stage, where they are known."""
    if "share1" not in data or "share2" not in data:
        return {}
    firsts = data.dropna(subset=["share1", "share2"]).drop_duplicates("stage")
    return {str(r["stage"]): (float(r["share1"]), float(r["share2"])) for r in records(firsts)}


def _axis(number: int, stage: object, shares: Mapping[str, tuple[float, float]]) -> str:
    found = shares.get(str(stage))
    return f"Component {number}" + ("" if found is None else f" ({share(found[number - 1])})")


def _components_caption(
    data: pd.DataFrame, stages: list, order: list[str], shares: Mapping[str, tuple[float, float]], what: str
) -> str:
    units = int((data["stage"] == stages[0]).sum())
    known = data["batch"].nunique()
    said = f"{count(units, 'unit')} of {count(known, what, _plural(what))}"
    said += f", {listed(plain(w) for w in stages)} harmonisation" if len(stages) > 1 else ""
    parts = [f"{share(sum(shares[str(w)]))} {plain(w)}" for w in stages if str(w) in shares]
    said += f"; the two components hold {listed(parts)} of the variance" if parts else ""
    return said + ("." if known <= len(order) else f"; the {len(order)} with the most units have signs of their own.")


def _plural(what: str) -> str:
    return f"{what}es" if what.endswith(("s", "ch", "x")) else f"{what}s"
