"""Forest plot of the effect of a treatment or marker in subgroups, with the test of interaction."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from radiogen.errors import fail
from radiogen.plots.effects import forest
from radiogen.plots.text import is_number, p_equals, plain


def subgroup_forest(subgroups: pd.DataFrame, *, p: float | None = None, effect: str = "Hazard ratio") -> go.Figure:
    """The effect in all units and in each subgroup.

    Parameters
    ----------
    subgroups : DataFrame
        The ``subgroups`` of :func:`radiogen.stats.interaction_test`: ``label``, ``estimate``, ``lower``,
        ``upper``, and where known ``term``, ``p``, ``n``, ``events``, ``note``.  Several tests may be put
        one below the other.
    p : float, optional
        p-value of the interaction; it goes into the caption.
    effect : str
        Title of the axis.

    Returns
    -------
    plotly.graph_objects.Figure

    Raises
    ------
    RadiogenError
        RG705 without a subgroup.
    """
    if subgroups.empty:
        raise fail("RG705", "there is no subgroup to draw")
    frame = subgroups.copy()
    if "term" in frame:
        known = frame.loc[frame["estimate"].notna(), "term"]
        if known.nunique() > 1:
            frame["label"] = [f"{label}, {term}" for label, term in zip(frame["label"], frame["term"], strict=True)]
        frame = frame.drop(columns="term")
    if {"n", "events"} <= set(frame):
        sizes = zip(frame["label"], frame["events"], frame["n"], strict=True)
        frame["label"] = [f"{plain(label)} ({int(events)}/{int(n)})" for label, events, n in sizes]
    fig = forest(frame, effect=effect, table="subgroups")
    meta = dict(fig.layout.meta)
    test = f" Test of interaction: {p_equals(p)}." if is_number(p) else ""
    sizes_words = " Events and units in brackets." if {"n", "events"} <= set(frame) else ""
    meta.update(title="Effect in subgroups", caption=f"{meta['caption']}{sizes_words}{test}")
    fig.update_layout(meta=meta)
    return fig
