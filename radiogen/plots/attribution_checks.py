"""Figures that go with attributions: interactions of modalities, deletion and insertion curves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from radiogen.errors import fail
from radiogen.plots import theme
from radiogen.plots.attributions import of_output
from radiogen.plots.frames import records
from radiogen.plots.naming import readable
from radiogen.plots.text import count, fixed, num, plain, share, text, wrap


def interaction_heatmap(
    frame: pd.DataFrame, *, cross_modal: float | None = None, output: Any = None, scale: str = "", table: str = "interactions"
) -> go.Figure:
    """Mean pairwise interactions between modalities.

    Parameters
    ----------
    frame : DataFrame
        ``attribution["interactions"]``: ``unit``, ``first``, ``second``, ``value``; NaN where a unit lacks one of the two.
    cross_modal : float, optional
        Share of the attribution that is interaction, for the caption.
    output : optional
        Which output, where there are several.
    scale : str
        What they are measured in.
    table : str
        Key of the table that holds the numbers.

    Returns
    -------
    plotly.graph_objects.Figure

    Raises
    ------
    RadiogenError
        RG705 where no unit has two modalities.
    """
    data = of_output(frame, output)
    mean = data.groupby(["first", "second"], sort=False)["value"].agg(["mean", "count"]).reset_index()
    order = list(dict.fromkeys([*frame["first"], *frame["second"]]))
    grid = pd.DataFrame(np.nan, index=order, columns=order)
    for row in records(mean):
        grid.loc[row["first"], row["second"]] = grid.loc[row["second"], row["first"]] = row["mean"]
    best = max(records(mean), key=lambda r: abs(r["mean"]))
    how = "more" if best["mean"] > 0 else "less"
    part = f"; interactions make up {share(cross_modal)} of the attribution" if cross_modal is not None else ""
    caption = (
        f"{readable(best['first'])} and {readable(best['second'])} add {num(abs(best['mean']))} {how} together than each alone, "
        f"in the mean of {count(int(best['count']), 'unit')}{part}."
    )
    labels = [wrap(readable(m), 14, 3) for m in order]
    fig = theme.figure(
        "Interactions between modalities", caption, table, height=200 + 46 * len(order), min_width=190 + 52 * len(order),
        max_width=320 + 90 * len(order),
    )
    z = grid.to_numpy(dtype=float)
    most = float(np.nanmax(np.abs(z))) or 1.0
    fig.add_heatmap(
        z=z, x=labels, y=labels, zmin=-most, zmax=most, colorscale=[list(s) for s in theme.DIVERGING], xgap=2, ygap=2,
        text=[[fixed(v, 2) if np.isfinite(v) else "" for v in line] for line in z], texttemplate="%{text}", hoverongaps=False,
        hovertemplate="%{y} and %{x}: %{z:.3f}<extra></extra>",
        colorbar={"title": {"text": f"Interaction<br>({text(scale, 20)})" if scale else "Interaction"}, "thickness": 12},
    )
    fig.update_xaxes(type="category", showgrid=False)
    fig.update_yaxes(type="category", showgrid=False, autorange="reversed")
    return fig


def perturbation_curves(
    frame: pd.DataFrame, summary: pd.DataFrame | None = None, *, scale: str = "", table: str = "perturbation"
) -> go.Figure:
    """Deletion and insertion curves beside those of random orders.

    Parameters
    ----------
    frame : DataFrame
        ``PerturbationResult.mean_curves()`` (or ``curves`` of one unit): ``kind``, ``order``, ``share``, ``prediction``.
    summary : DataFrame, optional
        ``PerturbationResult.summary()``: areas for the caption.
    scale : str
        What is predicted.
    table : str
        Key of the table that holds the numbers.

    Returns
    -------
    plotly.graph_objects.Figure

    Raises
    ------
    RadiogenError
        RG705 where there is no curve.
    """
    if frame.empty:
        raise fail("RG705", "there is no deletion or insertion curve to draw")
    kinds = list(dict.fromkeys(frame["kind"]))
    fig = theme.figure("Deletion and insertion", _caption(kinds, summary), table, height=460, min_width=340, max_width=760)
    for index, kind in enumerate(kinds):
        for order, dash in (("attribution", "solid"), ("random", "dot")):
            part = frame[(frame["kind"] == kind) & (frame["order"] == order)]
            if part.empty:
                continue
            word = "random order" if order == "random" else "by attribution"
            fig.add_scatter(
                x=part["share"].tolist(), y=part["prediction"].tolist(), mode="lines",
                name=text(f"{kind}, {word}"), showlegend=True,
                line={"color": theme.colour(index), "dash": dash, "width": 2.4 if order == "attribution" else 1.6},
                hovertemplate="share %{x:.2f}<br>prediction %{y:.3g}<extra></extra>",
            )
    fig.update_xaxes(title_text="Share deleted or inserted", range=[-0.01, 1.01], tickvals=[0, 0.2, 0.4, 0.6, 0.8, 1])
    fig.update_yaxes(title_text=f"Prediction ({text(scale, 30)})" if scale else "Prediction")
    return fig


def _caption(kinds: list[str], summary: pd.DataFrame | None) -> str:
    if summary is None or summary.empty:
        return f"Predictions along {' and '.join(plain(k) for k in kinds)}, by attribution and in random order."
    parts = [
        f"{plain(r['kind'])} {num(r['auc'])} against {num(r['random_auc'])} in random order"
        for r in records(summary)
    ]  # fmt: skip
    return f"Areas under the curves over {count(int(summary['n'].max()), 'unit')}: {'; '.join(parts)}."
