"""Figures of the radiogenomic map: volcano plot and heat map."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from radiogen.errors import fail
from radiogen.plots import theme
from radiogen.plots.frames import Row, records, row_of_min
from radiogen.plots.text import count, distinct, interval, num, p_equals, plain, text

#: at most this many points are drawn; the rest would lie on top of each other
DRAWN = 2500
#: value of no effect, by the first word of the effect's name
_NEUTRAL = {"auc": 0.5, "odds": 1.0, "hazard": 1.0}


def volcano(associations: pd.DataFrame, *, alpha: float = 0.05, labelled: int = 8) -> go.Figure:
    """Effect against p-value, one point for each feature and target.

    Parameters
    ----------
    associations : DataFrame
        Columns ``feature``, ``target``, ``effect``, ``effect_name``, ``p``, ``q``, and where there
        are any ``lower``, ``upper``, ``modality``, ``n``.  One effect measure only.
    alpha : float
        Level of the false discovery rate above which points are drawn open.
    labelled : int
        So many points, those of smallest p, carry their feature's name.

    Returns
    -------
    plotly.graph_objects.Figure

    Raises
    ------
    RadiogenError
        RG705 where the frame mixes effect measures or has no finite effect.

    Notes
    -----
    Of more than 2,500 points those that lie on top of each other are drawn once;
    points below ``alpha`` are always drawn.
    """
    data = _usable(associations)
    measure = _measure(data)
    significant = (data["q"] < alpha).to_numpy()
    fig = theme.figure(
        f"Associations: {measure}", _volcano_caption(data, measure, significant, alpha), "associations", height=460
    )
    data = data.assign(height=_minus_log10(data["p"]), significant=significant)
    drawn = _thin(data)
    for index, (target, part) in enumerate(drawn.groupby("target", sort=False)):
        for is_open, points in ((False, part[part["significant"]]), (True, part[~part["significant"]])):
            if len(points):
                _add_points(fig, points, str(target), index, is_open, first=not is_open or not part["significant"].any())
    _label(fig, drawn.nsmallest(labelled, "p"))
    theme.reference_line(fig, x=_neutral(measure))
    if significant.any():
        theme.reference_line(
            fig, y=float(data.loc[significant, "height"].min()), annotation_text=text(f"q < {alpha:g} above"),
            annotation_position="bottom right", annotation_font={"color": theme.MUTED, "size": 11},
        )
    fig.update_xaxes(title_text=text(measure))
    fig.update_yaxes(title_text="−log₁₀ p", rangemode="tozero")
    return fig


def _usable(frame: pd.DataFrame) -> pd.DataFrame:
    data = frame[np.isfinite(frame["effect"].astype(float)) & frame["p"].notna()]
    if data.empty:
        raise fail("RG705", "there is no association with an effect and a p-value to draw")
    return data.reset_index(drop=True)


def _measure(data: pd.DataFrame) -> str:
    names = sorted({str(v) for v in data["effect_name"]})
    if len(names) > 1:
        raise fail("RG705", f"the associations mix the effect measures {names}; draw one figure for each", column="effect_name")
    return plain(names[0])


def _neutral(measure: str) -> float:
    return next((v for k, v in _NEUTRAL.items() if measure.lower().startswith(k)), 0.0)


def _minus_log10(p: pd.Series) -> np.ndarray:
    # a p of exactly 0 is one below what floating point can hold
    return -np.log10(np.clip(p.to_numpy(dtype=float), 1e-300, 1.0))


def _thin(data: pd.DataFrame) -> pd.DataFrame:
    if len(data) <= DRAWN:
        return data
    x, y = data["effect"].to_numpy(), data["height"].to_numpy()
    cells = pd.DataFrame({
        "target": data["target"],
        "x": np.round((x - x.min()) / (np.ptp(x) or 1) * 160),
        "y": np.round((y - y.min()) / (np.ptp(y) or 1) * 120),
    })
    top = data.sort_values("p", kind="stable").index[:DRAWN]
    keep = ~cells.duplicated() | (data["significant"] & data.index.isin(top)) | data.index.isin(top[:200])
    return data[keep]


def _add_points(fig: go.Figure, points: pd.DataFrame, target: str, index: int, is_open: bool, first: bool) -> None:
    fig.add_scatter(
        x=points["effect"], y=points["height"], mode="markers", name=text(target, 40), legendgroup=f"t{index}",
        showlegend=first, text=[_hover(row) for row in records(points)], hoverinfo="text",
        marker={
            "symbol": theme.symbol(index, is_open), "color": theme.colour(index), "size": 7 if not is_open else 5.5,
            "opacity": 0.9 if not is_open else 0.45,
        },
    )


def _hover(row: Row) -> str:
    effect = interval(row["effect"], row.get("lower"), row.get("upper"))
    lines = [text(row["feature"], 70), f"{text(row['target'], 40)}: {effect}"]
    lines.append(text(f"{p_equals(row['p'])}, {p_equals(row.get('q'), 'q')}"))
    if row.get("n") is not None:
        lines.append(f"n = {num(row['n'])}")
    return "<br>".join(lines)


def _label(fig: go.Figure, best: pd.DataFrame) -> None:
    """Write the names of the best features beside their points, each under the last."""
    shown = best.sort_values("height", ascending=False)
    placed: list[tuple[float, float]] = []
    span_x = float(np.ptp(_values(fig, "x"))) or 1.0
    span_y = float(np.max(_values(fig, "y"))) or 1.0
    middle = float(np.mean([_values(fig, "x").min(), _values(fig, "x").max()]))
    for row, name in zip(records(shown), distinct(shown["feature"], 28), strict=True):
        x, y = float(row["effect"]), float(row["height"])
        near = any(abs(y - b) < 0.05 * span_y and abs(x - a) < 0.45 * span_x for a, b in placed)
        if near:
            continue
        placed.append((x, y))
        fig.add_annotation(
            x=x, y=y, text=text(name), name=theme.WIDE_ONLY, showarrow=False, xanchor="right" if x > middle else "left",
            xshift=-8 if x > middle else 8, font={"size": 11, "color": theme.MUTED},
        )


def _values(fig: go.Figure, axis: str) -> np.ndarray:
    return np.concatenate([np.asarray(trace[axis], dtype=float) for trace in fig.data])


def _volcano_caption(data: pd.DataFrame, measure: str, significant: np.ndarray, alpha: float) -> str:
    best = row_of_min(data, "p")
    strongest = (
        f"the smallest p is that of {plain(best['feature'])} with {plain(best['target'])} "
        f"({measure} {interval(best['effect'], best.get('lower'), best.get('upper'))}, {p_equals(best['q'], 'q')})"
    )
    return (
        f"{int(significant.sum()):,} of {count(len(data), 'association')} "
        f"({count(data['feature'].nunique(), 'feature')}, {count(data['target'].nunique(), 'target')}) "
        f"{'has' if significant.sum() == 1 else 'have'} a false discovery rate below {alpha:g}; {strongest}."
    )


def association_heatmap(associations: pd.DataFrame, *, top: int = 30, alpha: float = 0.05) -> go.Figure:
    """Effects of the top features on every target, ordered by clustering.

    Parameters
    ----------
    associations : DataFrame
        As for :func:`volcano`.
    top : int
        So many features are shown: those with the smallest p for any target.
    alpha : float
        Cells whose q is below this carry a dot.

    Returns
    -------
    plotly.graph_objects.Figure

    Raises
    ------
    RadiogenError
        RG705 where the frame mixes effect measures or has no finite effect.

    Notes
    -----
    Rows and columns are ordered by average linkage of the Euclidean distance between
    effects, with the leaves in optimal order.  A cell without an estimate stays empty;
    for the ordering it counts as no effect.
    """
    data = _usable(associations)
    measure = _measure(data)
    best = data.groupby("feature", sort=False)["p"].min().sort_values(kind="stable").index[:top]
    data = data[data["feature"].isin(best)]
    effects = data.pivot_table(index="feature", columns="target", values="effect", aggfunc="first", sort=False)
    neutral = _neutral(measure)
    effects = effects.iloc[_leaves(effects - neutral), _leaves((effects - neutral).T)]
    q = data.pivot_table(index="feature", columns="target", values="q", aggfunc="first", sort=False)
    q = q.reindex(index=effects.index, columns=effects.columns)
    fig = theme.figure(
        f"Heat map: {measure}", _heatmap_caption(effects, q, measure, alpha), "associations",
        height=150 + 20 * len(effects), min_width=theme.room_for(distinct(effects.index, 44), 110 + 44 * effects.shape[1]),
    )
    fig.add_heatmap(**_cells(effects, q, measure, neutral, alpha))
    fig.update_xaxes(side="top", showgrid=False, type="category", tickangle=0 if effects.shape[1] <= 6 else -40)
    fig.update_yaxes(autorange="reversed", showgrid=False, type="category", dtick=1)
    return fig


def _leaves(frame: pd.DataFrame) -> list[int]:
    from scipy.cluster.hierarchy import leaves_list, linkage

    values = frame.fillna(0.0).to_numpy(dtype=float)
    if len(values) < 3:
        return list(range(len(values)))
    return [int(i) for i in leaves_list(linkage(values, method="average", optimal_ordering=True))]


def _cells(effects: pd.DataFrame, q: pd.DataFrame, measure: str, neutral: float, alpha: float) -> dict[str, object]:
    z = effects.to_numpy(dtype=float)
    signed = neutral != 0 or bool((z < 0).any())
    reach = float(np.nanmax(np.abs(z - neutral))) or 1.0
    hover = [
        [f"{text(f, 70)}<br>{text(t, 40)}: {num(z[i, j])}<br>{text(p_equals(q.iat[i, j], 'q'))}" for j, t in enumerate(effects)]
        for i, f in enumerate(effects.index)
    ]
    return {
        "z": z, "x": [text(c) for c in distinct(effects.columns, 24)],
        "y": [text(c) for c in distinct(effects.index, 44)],
        "zmin": neutral - reach if signed else 0.0, "zmax": neutral + reach if signed else reach,
        "colorscale": [list(stop) for stop in (theme.DIVERGING if signed else theme.SEQUENTIAL)],
        "text": [["•" if v < alpha else "" for v in row] for row in q.to_numpy(dtype=float)],
        "texttemplate": "%{text}", "textfont": {"size": 15}, "hovertext": hover, "hoverinfo": "text",
        "xgap": 1.5, "ygap": 1.5,
        "colorbar": {"title": {"text": text(measure), "side": "right"}, "thickness": 10, "outlinewidth": 0, "len": 0.9,
                     "exponentformat": theme.EXPONENT},
    }


def _heatmap_caption(effects: pd.DataFrame, q: pd.DataFrame, measure: str, alpha: float) -> str:
    marked = int((q < alpha).to_numpy().sum())
    by_target = (q < alpha).sum().sort_values(ascending=False, kind="stable")
    most = f", most of them with {plain(by_target.index[0])} ({by_target.iloc[0]})" if marked and effects.shape[1] > 1 else ""
    return (
        f"{measure} of the {count(len(effects), 'feature')} with the smallest p on {count(effects.shape[1], 'target')}: "
        f"{marked} of {int(effects.notna().to_numpy().sum())} cells have a false discovery rate below {alpha:g} (dot){most}."
    )
