"""Figures of trained networks: learning curves, and risk against the share that is predicted."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from radiogen.errors import fail
from radiogen.plots import theme
from radiogen.plots.frames import records, row_of_min
from radiogen.plots.text import count, num, plain, share, text

#: more networks than this are shown by their median and range
_FEW = 1
_WORDS = {"train": "training part", "validation": "validation part"}


def learning_curves(history: pd.DataFrame, head: str = "total") -> go.Figure:
    """Loss by epoch on the part trained on and on the inner validation part.

    Parameters
    ----------
    history : DataFrame
        ``member``, ``epoch`` (from 0), ``part``, ``head``, ``loss``: the ``history`` of
        :class:`radiogen.models.training.Trained`.
    head : str, default "total"
        Whose loss is drawn; ``"total"`` is the weighted sum that was minimised.

    Returns
    -------
    plotly.graph_objects.Figure
        Of an ensemble the median over members, in a band from the least to the largest; a marker stands at the epoch with the
        least validation loss.

    Raises
    ------
    RadiogenError
        RG705 where there is no such loss.

    Notes
    -----
    The training loss is that of the steps, with dropout, hidden modalities and augmentation, and is therefore often above
    the validation loss.
    """
    data = history[(history["head"] == head) & history["loss"].notna()]
    if data.empty:
        raise fail("RG705", f"there is no loss of '{head}' to draw", column="head")
    name = "" if head == "total" else f" of {plain(head)}"
    fig = theme.figure(f"Learning curves{name}", _curves_caption(data, name), "history", height=400, min_width=340)
    for index, part in enumerate(dict.fromkeys(data["part"])):
        _add_part(fig, data[data["part"] == part], str(part), index)
    fig.update_xaxes(title_text="Epoch", exponentformat="none")
    fig.update_yaxes(title_text=f"Loss{text(name, 40)}")
    return fig


def _add_part(fig: go.Figure, data: pd.DataFrame, part: str, index: int) -> None:
    colour, label = theme.colour(index), _WORDS.get(part, plain(part))
    by_epoch = data.groupby("epoch")["loss"].agg(["median", "min", "max", "count"]).reset_index()
    epoch = by_epoch["epoch"] + 1
    if data["member"].nunique() > _FEW:
        for bound, fill in (("max", None), ("min", "tonexty")):
            fig.add_scatter(
                x=epoch, y=by_epoch[bound], mode="lines", line={"width": 0, "color": colour}, fill=fill,
                fillcolor=theme.tint(colour), showlegend=False, hoverinfo="skip", legendgroup=part,
            )  # fmt: skip
    fig.add_scatter(
        x=epoch, y=by_epoch["median"], mode="lines", name=text(label, 40), legendgroup=part, showlegend=True,
        line={"color": colour, "dash": theme.dash(index), "width": 2},
        hovertemplate="epoch %{x}<br>loss %{y:.4g}<extra></extra>",
    )  # fmt: skip
    if part == "validation":
        best = [row_of_min(own, "loss") for _, own in data.groupby("member", sort=False)]
        fig.add_scatter(
            x=[row["epoch"] + 1 for row in best], y=[row["loss"] for row in best], mode="markers", name="least",
            marker={"color": colour, "symbol": theme.symbol(index), "size": 8}, legendgroup=part, showlegend=True,
            hovertemplate="least at epoch %{x}<br>loss %{y:.4g}<extra></extra>",
        )  # fmt: skip


def _curves_caption(data: pd.DataFrame, name: str) -> str:
    members = int(data["member"].nunique())
    epochs = int(data["epoch"].max()) + 1
    of = f" of {count(members, 'network')}" if members > 1 else ""
    held = data[data["part"] == "validation"]
    if held.empty:
        last = data[data["epoch"] == data["epoch"].max()]["loss"].median()
        return f"After {count(epochs, 'epoch')} the training loss{name}{of} is {num(last)}; nothing was put aside for validation."
    best = [row_of_min(own, "loss") for _, own in held.groupby("member", sort=False)]
    low, high = min(r["epoch"] for r in best) + 1, max(r["epoch"] for r in best) + 1
    at = f"epoch {low}" if low == high else f"epochs {low} to {high}"
    least = num(float(pd.Series([r["loss"] for r in best]).median()))
    return f"Of {count(epochs, 'epoch')} the validation loss{name}{of} is least at {at}, with {least}."


def risk_coverage_curve(curves: pd.DataFrame, *, risk: str = "Share of wrong predictions") -> go.Figure:
    """The mean loss of those who are predicted, when the least sure are left out.

    Parameters
    ----------
    curves : DataFrame
        ``coverage``, ``risk`` and, where there is more than one curve, ``model``: of
        :func:`radiogen.models.training.risk_coverage`.
    risk : str
        What the loss is, for the axis.

    Returns
    -------
    plotly.graph_objects.Figure

    Raises
    ------
    RadiogenError
        RG705 without a curve.
    """
    data = curves.dropna(subset=["coverage", "risk"])
    if data.empty:
        raise fail("RG705", "there is no risk to draw against coverage")
    models = list(dict.fromkeys(data["model"])) if "model" in data else [""]
    fig = theme.figure(
        "Risk and coverage", _risk_caption(data, risk), "risk_coverage", height=400 + 20 * (len(models) - 1), max_width=760
    )
    for index, model in enumerate(models):
        part = (data[data["model"] == model] if "model" in data else data).sort_values("coverage", kind="stable")
        fig.add_scatter(
            x=part["coverage"], y=part["risk"], mode="lines", name=text(str(model), 50),
            # the risk stays what it is until the next unit is predicted too
            line={"color": theme.colour(index), "dash": theme.dash(index), "width": 2, "shape": "hv"},
            hovertemplate="predicted %{x:.0%}<br>risk %{y:.3g}<extra></extra>",
        )  # fmt: skip
    fig.update_xaxes(title_text="Share of units predicted", range=[0, 1.01], tickformat=".0%")
    fig.update_yaxes(title_text=text(risk, 60), rangemode="tozero")
    fig.update_layout(showlegend=len(models) > 1)
    return fig


def _risk_caption(data: pd.DataFrame, risk: str) -> str:
    sentences = []
    for model, part in data.groupby("model", sort=False) if "model" in data else [("", data)]:
        rows = records(part.sort_values("coverage", kind="stable"))
        # the curve at the coverage nearest to 80 %
        near = min(rows, key=lambda r: abs(r["coverage"] - 0.8))
        of = f" of {plain(model)}" if str(model) else ""
        sentences.append(f"{num(near['risk'])}{of} with {share(near['coverage'])} predicted and {num(rows[-1]['risk'])} with all")
    words = plain(risk)
    return f"{words[:1].upper()}{words[1:]}: {'; '.join(sentences[:4])}."
