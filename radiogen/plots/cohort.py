"""Figures of who is in a cohort: flow diagram, availability, counts by class."""

from __future__ import annotations

from itertools import groupby

import pandas as pd
import plotly.graph_objects as go

from radiogen.errors import fail
from radiogen.plots import theme
from radiogen.plots.frames import Row, records, row_of_max, row_of_min
from radiogen.plots.text import count, distinct, is_number, listed, num, plain, share, text, wrap

_LINE, _PAD, _GAP = 16, 9, 22
_MAIN, _SIDE = (0.0, 0.44), (0.52, 1.0)
_LISTED = 12


def flow(ledger: pd.DataFrame, start: int, *, unit: str = "patient") -> go.Figure:
    """Flow diagram of a cohort, from the first table to what is analysed.

    Parameters
    ----------
    ledger : DataFrame
        ``Ledger.to_frame()``: ``step``, ``scope``, ``reason``, ``n``.  Scope "cohort" leaves the cohort,
        "external" is set aside, any other names the modality or endpoint that is not available.
    start : int
        Units in the first table.
    unit : str
        What is counted, in the singular.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    boxes = _Boxes()
    left = start
    boxes.main(f"{count(start, unit)} in the tables")
    out = ledger[ledger["scope"] == "cohort"]
    for step, rows in groupby(records(out), key=lambda r: r["step"]):
        entries = list(rows)
        lost = sum(int(r["n"]) for r in entries)
        boxes.side([f"Left out, {plain(step)} (n = {lost:,})", *(f"{plain(r['reason'])}: {int(r['n']):,}" for r in entries)])
        left -= lost
        boxes.main(f"{count(left, unit)} left")
    external = int(ledger.loc[ledger["scope"] == "external", "n"].sum())
    if external:
        boxes.side([f"Set aside for external validation (n = {external:,})"])
        boxes.main(f"{count(left - external, unit)} for development")
    boxes.panel(f"Not known or not available, of the {count(left, unit)}", gaps(ledger))
    excluded = start - left
    caption = f"All {count(start, unit)} of the tables are in the cohort" if not excluded else (
        f"Of {count(start, unit)}, {excluded:,} ({share(excluded / start if start else None)}) "
        f"{'was' if excluded == 1 else 'were'} left out and {left:,} {'is' if left == 1 else 'are'} in the cohort"
    )
    caption += f", {external:,} of them set aside for external validation." if external else "."
    fig = theme.figure("Flow of the cohort", caption, "flow", height=int(boxes.y) + 8, min_width=600)
    fig.update_layout(margin={"l": 2, "r": 2, "t": 2, "b": 2}, shapes=boxes.shapes, annotations=boxes.notes)
    fig.add_scatter(x=[0], y=[0], mode="markers", marker={"opacity": 0}, hoverinfo="skip", showlegend=False)
    fig.update_xaxes(visible=False, range=[-0.005, 1.005], fixedrange=True)
    fig.update_yaxes(visible=False, range=[boxes.y + 2, -2], fixedrange=True)
    return fig


def gaps(ledger: pd.DataFrame) -> list[str]:
    """What is not known or not available, one line for each kind of thing and reason.

    Parameters
    ----------
    ledger : DataFrame
        ``step``, ``scope``, ``reason``, ``n``; rows of scope "cohort" and "external" are left out.

    Examples
    --------
    >>> reasons = ["TP53: not tested", "PTEN: not tested"]
    >>> gaps(pd.DataFrame({"step": "mutations", "scope": ["TP53", "PTEN"], "reason": reasons, "n": 14}))
    ['Genes not tested: TP53 and PTEN (14 each)']
    """
    found: dict[tuple[str, str], list[tuple[str, int]]] = {}
    for row in records(ledger[~ledger["scope"].isin(["cohort", "external"])]):
        kind, scope = _KINDS.get(plain(row["step"]), plain(row["step"])), plain(row["scope"])
        subject, what = _split(scope, plain(row["reason"]))
        found.setdefault((kind, what), []).append((subject, int(row["n"])))
    return [_gap(kind, what, entries) for (kind, what), entries in found.items()]


#: step of the ledger -> what it is about
_KINDS = {"markers": "Markers", "mutations": "Genes", "endpoints": "Endpoints", "modalities": "Modalities", "subtype": "Subtype"}
#: so many subjects are named in a line
_NAMED = 8


def _split(scope: str, reason: str) -> tuple[str, str]:
    """Subject and reason without saying the subject twice: "er: not known" of er, "no swe" of swe."""
    if reason == f"no {scope}":
        return scope, "not available"
    for between in (": ", " "):
        if reason.startswith(scope + between):
            return scope, reason[len(scope + between) :]
    # an endpoint by its label
    head, colon, tail = reason.rpartition(": ")
    return (head, tail) if colon and tail in ("not known", "not tested", "time of 0", "not available") else (scope, reason)


def _gap(kind: str, what: str, entries: list[tuple[str, int]]) -> str:
    kind = kind[:1].upper() + kind[1:]
    if len(entries) == 1 and entries[0][0].lower() == kind.lower():
        return f"{kind} {what}: {entries[0][1]:,}"
    shown = entries if len(entries) <= _NAMED else sorted(entries, key=lambda e: -e[1])[:_NAMED]
    by_count: dict[int, list[str]] = {}
    for subject, n in shown:
        by_count.setdefault(n, []).append(subject)
    # names that hold a comma or an "and" cannot be listed with others
    apart = any("," in s or " and " in s for s, _ in shown)
    words = [f"{s} ({n:,})" for s, n in shown] if apart else [
        f"{listed(names)} ({n:,}{' each' if len(names) > 1 else ''})" for n, names in by_count.items()
    ]
    more = len(entries) - len(shown)
    tail = f"; and {more:,} more with at most {shown[-1][1]:,} each" if more else ""
    return f"{kind} {what}: {('; ' if apart else ', ').join(words)}{tail}"


class _Boxes:
    """Boxes from top to bottom; ``y`` is in pixels."""

    def __init__(self) -> None:
        self.y = 0.0
        self.shapes: list[dict[str, object]] = []
        self.notes: list[dict[str, object]] = []
        self._last: float | None = None

    def main(self, label: str) -> None:
        lines = wrap(label, 38)
        height = 2 * _PAD + _LINE * (1 + lines.count("<br>"))
        if self._last is not None:
            self._arrow((0.22, self._last), (0.22, self.y))
        self._box(_MAIN, height, [lines], "center")
        self.y += height
        self._last = self.y
        self.y += _GAP

    def side(self, labels: list[str]) -> None:
        lines = [wrap(label, 46, 3) for label in labels]
        height = 2 * _PAD + _LINE * sum(1 + line.count("<br>") for line in lines)
        self._arrow((0.22, self.y + height / 2), (_SIDE[0], self.y + height / 2))
        self._box(_SIDE, height, lines, "left")
        self.y += height + _GAP * 0.8

    def panel(self, title: str, labels: list[str]) -> None:
        """A wide box below, which is no step: nobody leaves here."""
        if not labels:
            return
        kept = labels if len(labels) <= _LISTED else [*labels[: _LISTED - 1], f"and {len(labels) - _LISTED + 1} more reasons"]
        lines = [text(title), *(wrap(label, 100, 3) for label in kept)]
        height = 2 * _PAD + _LINE * sum(1 + line.count("<br>") for line in lines)
        self._box((0.0, 1.0), height, lines, "left")
        self.y += height

    def _box(self, span: tuple[float, float], height: float, lines: list[str], align: str) -> None:
        self.shapes.append({
            "type": "rect", "x0": span[0], "x1": span[1], "y0": self.y, "y1": self.y + height,
            "line": {"color": theme.MUTED, "width": 1}, "fillcolor": theme.SURFACE, "layer": "below",
        })
        middle = align == "center"
        self.notes.append({
            "x": (span[0] + span[1]) / 2 if middle else span[0], "y": self.y + height / 2, "text": "<br>".join(lines),
            "showarrow": False, "align": align, "xanchor": "center" if middle else "left", "yanchor": "middle",
            "xshift": 0 if middle else 8, "font": {"size": 12, "color": theme.INK},
        })

    def _arrow(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        self.notes.append({
            "ax": start[0], "ay": start[1], "x": end[0], "y": end[1], "axref": "x", "ayref": "y", "text": "",
            "showarrow": True, "arrowhead": 2, "arrowsize": 1, "arrowwidth": 1, "arrowcolor": theme.MUTED,
        })


def availability(frame: pd.DataFrame) -> go.Figure:
    """How many units have each modality.

    Parameters
    ----------
    frame : DataFrame
        Columns ``modality``, ``n``, ``share`` (0 to 1), and where known ``images``, ``features``.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    data = frame[frame["share"].notna()].iloc[::-1]
    if data.empty:
        raise fail("RG705", "there is no modality to draw")
    low, high = row_of_min(data, "share"), row_of_max(data, "share")
    caption = f"{plain(high['modality'])} is available in {share(high['share'])} (n = {num(high['n'])})"
    caption += "." if len(data) == 1 else f", {plain(low['modality'])} in {share(low['share'])} (n = {num(low['n'])})."
    fig = theme.figure("Availability of the modalities", caption, "modalities", height=100 + 34 * len(data),
                       min_width=theme.room_for(plain(m, 30) for m in data["modality"]))
    _bars(fig, data, [_available(row) for row in records(data)])
    fig.update_xaxes(title_text="Share of the cohort")
    return fig


def _available(row: Row) -> str:
    words = [f"n = {num(row['n'])}, {share(row['share'])}"]
    words += [f"{num(row[k])} {k}" for k in ("images", "features") if is_number(row.get(k)) and row[k]]
    return ", ".join(words)


def _bars(fig: go.Figure, data: pd.DataFrame, labels: list[str]) -> None:
    names = [text(m) for m in distinct(data["modality"], 30)]
    shares = data["share"].astype(float)
    fig.add_bar(
        x=shares, y=list(range(len(data))), orientation="h", marker={"color": theme.colour(0), "line": {"width": 0}},
        width=0.55, text=labels, hovertext=[f"{n}<br>{t}" for n, t in zip(names, labels, strict=True)], hoverinfo="text",
        textposition=["inside" if s > 0.55 else "outside" for s in shares], insidetextanchor="start",
        textfont={"size": 11.5}, constraintext="none",
    )
    fig.update_yaxes(tickvals=list(range(len(data))), ticktext=names, showgrid=False)
    fig.update_xaxes(range=[0, 1.01], tickformat=".0%", tickvals=[0, 0.25, 0.5, 0.75, 1], ticklabeloverflow="allow")


def missingness(frame: pd.DataFrame, *, top: int = 25) -> go.Figure:
    """Share of units for which each variable is not known.

    Parameters
    ----------
    frame : DataFrame
        Columns ``variable`` and ``share`` (0 to 1), and ``n`` where counted.
    top : int
        So many variables are shown, those with the largest share.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    data = frame[frame["share"] > 0].sort_values("share", ascending=False, kind="stable")
    if data.empty:
        raise fail("RG705", "nothing is missing")
    first, whole = data.iloc[0], len(frame) - len(data)
    caption = (
        f"{plain(first['variable'])} has the most missing values ({share(first['share'])}); "
        f"{count(whole, 'variable')} of {len(frame):,} {'has' if whole == 1 else 'have'} none."
    )
    shown = data.head(top).iloc[::-1].rename(columns={"variable": "modality"})
    fig = theme.figure("Values not known", caption, "missing", height=100 + 24 * len(shown),
                       min_width=theme.room_for(plain(m, 30) for m in shown["modality"]))
    _bars(fig, shown, [share(v) for v in shown["share"]])
    fig.update_xaxes(title_text="Share not known")
    return fig


#: columns of :func:`mutations`, with the label and the pattern of each
_STATES = (("mutated", "mutated", ""), ("wild_type", "wild type", "/"), ("not_tested", "not tested", "."))


def mutations(frame: pd.DataFrame) -> go.Figure:
    """Mutated, wild type and not tested, by gene.

    Parameters
    ----------
    frame : DataFrame
        Columns ``gene``, ``mutated``, ``wild_type``, ``not_tested``: counts; NaN where a count is
        suppressed, and then the bar is left out.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    data = frame.iloc[::-1]
    if data.empty:
        raise fail("RG705", "there is no gene to draw")
    tested = (frame["mutated"] + frame["wild_type"]).astype(float)
    shares = frame["mutated"].astype(float) / tested.where(tested > 0)
    known = frame.assign(tested=tested, mutated_share=shares)[shares.notna()]
    caption = "The counts of these genes are too small to be shown."
    if len(known):
        best = row_of_max(known, "mutated_share")
        caption = (
            f"{plain(best['gene'])} is mutated most often, in {num(best['mutated'])} of {num(best['tested'])} "
            f"tested ({share(best['mutated_share'])})."
        )
    fig = theme.figure("Mutations", caption, "mutations", height=110 + 34 * len(data), barmode="stack")
    for (column, label, pattern), tone in zip(_STATES, (theme.colour(1), theme.colour(0), theme.MUTED), strict=True):
        fig.add_bar(
            x=data[column], y=list(range(len(data))), orientation="h", name=label, width=0.6,
            marker={"color": tone, "pattern": {"shape": pattern, **theme.HATCH}, "line": {"width": 0}},
            text=[num(v) if is_number(v) else "" for v in data[column]], textposition="inside", insidetextanchor="middle",
            textangle=0, textfont={"size": 11}, hovertemplate="%{x}<extra>" + label + "</extra>",
        )
    fig.update_xaxes(title_text="Number", exponentformat="none")
    fig.update_yaxes(tickvals=list(range(len(data))), ticktext=[text(g, 24) for g in data["gene"]], showgrid=False)
    fig.update_layout(legend_traceorder="normal")
    return fig


def classes(frame: pd.DataFrame, *, name: str = "subtype") -> go.Figure:
    """Counts of each class.

    Parameters
    ----------
    frame : DataFrame
        A column of this name and ``n``; NaN where a count is suppressed.
    name : str
        The column, which is also the key of the table.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    data = frame.iloc[::-1]
    if data["n"].notna().sum() == 0:
        raise fail("RG705", f"there is no count of {name} to draw")
    hidden = int(data["n"].isna().sum())
    total = float(data["n"].sum())
    most = row_of_max(data, "n")
    title = plain(name).replace("_", " ").capitalize()
    among = f"{num(most['n'])} of {num(total)} ({share(most['n'] / total)})"
    caption = f"The most frequent class is {plain(most[name])}, {among}."
    if hidden:
        caption = f"Of the counts that are shown, that of {plain(most[name])} is the largest ({num(most['n'])}); " \
                  f"{count(hidden, 'count')} {'is' if hidden == 1 else 'are'} suppressed."
    fig = theme.figure(title, caption, name, height=100 + 30 * len(data),
                       min_width=theme.room_for(plain(c, 34) for c in data[name]))
    fig.add_bar(
        x=data["n"], y=list(range(len(data))), orientation="h", width=0.55, hoverinfo="x",
        marker={"color": theme.colour(0), "line": {"width": 0}}, text=[num(v) for v in data["n"]], textposition="auto",
        textangle=0, constraintext="none",
    )
    for at, value in enumerate(data["n"]):
        if not is_number(value):
            small = {"color": theme.MUTED, "size": 11}
            fig.add_annotation(x=0, y=at, text="suppressed", showarrow=False, xanchor="left", font=small)
    fig.update_xaxes(title_text="Number", rangemode="tozero", exponentformat="none")
    fig.update_yaxes(tickvals=list(range(len(data))), ticktext=[text(c) for c in distinct(data[name], 34)], showgrid=False)
    return fig
