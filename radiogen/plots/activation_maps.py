"""A map of attribution laid over the picture that it belongs to."""

from __future__ import annotations

import base64
import io

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from radiogen.errors import fail
from radiogen.plots import theme
from radiogen.plots.text import num, plain, share, text

FloatArray = NDArray[np.float64]

#: longest side of the picture and of the map as they are drawn, in pixels
_SIDE = 384
_MAP_SIDE = 96
#: from nothing, which lets the picture through, to much; the hues differ in lightness too
_ONE_SIDED = (
    (0.0, "rgba(255,200,60,0)"), (0.25, "rgba(255,200,60,0.25)"), (0.6, "rgba(240,120,30,0.6)"), (1.0, "rgba(200,40,90,0.85)")
)  # fmt: skip
_TWO_SIDED = (
    (0.0, "rgba(30,110,200,0.85)"), (0.3, "rgba(90,170,235,0.5)"), (0.5, "rgba(128,128,128,0)"), (0.7, "rgba(255,170,70,0.5)"),
    (1.0, "rgba(214,80,0,0.85)"),
)  # fmt: skip


def activation_overlay(
    picture: ArrayLike,
    values: ArrayLike,
    *,
    title: str = "Activation map",
    of: str = "",
    meaning: str = "",
    note: str = "",
    table: str = "activation",
) -> go.Figure:
    """A picture beside the same picture under its map, with the map's scale.

    Parameters
    ----------
    picture : array, shape (rows, columns), (rows, columns, 3) or (1 or 3, rows, columns)
        uint8 from 0 to 255, or float from 0 to 1.
    values : array, shape (rows, columns)
        The map at the size of the picture, such as ``attribution.values["bmode"][0]``.  Where it has negative values, blue is
        against and orange for; otherwise yellow to red.  Where it is weak the picture shows through.
    title : str
    of : str
        What the map speaks for: a class, a unit.
    meaning : str
        What the scale measures; default "share of the largest value".
    note : str
        The attribution's note, which goes into the caption.
    table : str
        Key of the table that holds the numbers.

    Returns
    -------
    plotly.graph_objects.Figure

    Raises
    ------
    RadiogenError
        RG705 where the shapes do not fit, or the map is not finite.
    """
    shown = _as_rgb(picture)
    found = np.asarray(values, dtype=float)
    if found.shape != shown.shape[:2] or not np.isfinite(found).all():
        raise fail("RG705", f"the map must be finite and have the shape {shown.shape[:2]}", value=found.shape)
    most = float(np.abs(found).max())
    signed = bool((found < 0).any())
    relative = found / most if most > 0 else found
    rows, columns = found.shape
    ratio = rows / columns
    fig = theme.figure(
        plain(title, 80), _caption(relative, most, of, note), table, height=round(110 + 380 * min(ratio, 1.6)), min_width=330,
        max_width=820, margin={"t": 76},
    )
    source = _data_uri(shown)
    small = _reduced(relative)
    x = (np.arange(small.shape[1]) + 0.5) * columns / small.shape[1]
    y = (np.arange(small.shape[0]) + 0.5) * rows / small.shape[0]
    for axis in ("", "2"):
        fig.add_layout_image(
            source=source, xref=f"x{axis}", yref=f"y{axis}", x=0, y=0, sizex=columns, sizey=rows, sizing="stretch", layer="below"
        )
    # the left picture needs a trace, or its axes are not drawn
    fig.add_scatter(x=[0, columns], y=[0, rows], mode="markers", marker={"opacity": 0}, hoverinfo="skip", showlegend=False)
    fig.add_heatmap(
        z=small, x=x, y=y, xaxis="x2", yaxis="y2", zmin=-1 if signed else 0, zmax=1, zsmooth="best",
        colorscale=[list(s) for s in (_TWO_SIDED if signed else _ONE_SIDED)],
        hovertemplate="%{z:.2f}<extra></extra>",
        colorbar={
            "orientation": "h", "x": 0.5, "xanchor": "center", "y": 1.0, "yanchor": "bottom", "len": 0.9, "thickness": 12,
            "title": {"text": text(meaning, 80) or _meaning(signed), "side": "top"},
            "tickvals": [-1, -0.5, 0, 0.5, 1] if signed else [0, 0.5, 1],
            "ticktext": ["against −1", "−0.5", "0", "0.5", "for 1"] if signed else ["none 0", "0.5", "most 1"],
            "outlinewidth": 1, "outlinecolor": theme.MUTED,
        },
    )  # fmt: skip
    for axis, domain in (("", [0.0, 0.49]), ("2", [0.51, 1.0])):
        fig.update_layout({
            f"xaxis{axis}": {"domain": domain, "range": [0, columns], "visible": False, "constrain": "domain",
                             "anchor": f"y{axis}"},
            f"yaxis{axis}": {"range": [rows, 0], "visible": False, "scaleanchor": f"x{axis}", "constrain": "domain",
                             "constraintoward": "top", "anchor": f"x{axis}"},
        })  # fmt: skip
    return fig


def _meaning(signed: bool) -> str:
    return "Share of the largest absolute value" if signed else "Share of the largest value"


def _as_rgb(picture: ArrayLike) -> NDArray[np.uint8]:
    array = np.asarray(picture)
    if array.ndim == 3 and array.shape[0] in (1, 3) and array.shape[2] not in (1, 3):
        array = np.moveaxis(array, 0, -1)
    if array.ndim == 2:
        array = array[:, :, None]
    if array.ndim != 3 or array.shape[2] not in (1, 3) or not array.size:
        raise fail("RG705", "a picture has rows and columns, and 1 or 3 channels", value=np.shape(picture))
    if array.dtype != np.uint8:
        array = np.round(255 * np.clip(np.nan_to_num(array.astype(float)), 0, 1)).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(array, (*array.shape[:2], 3)))


def _data_uri(picture: NDArray[np.uint8]) -> str:
    """A PNG without any metadata, in the address itself."""
    from PIL import Image as Pillow

    grey = bool((picture == picture[:, :, :1]).all())
    drawn = Pillow.fromarray(picture[:, :, 0] if grey else picture)
    drawn.thumbnail((_SIDE, _SIDE), Pillow.Resampling.BILINEAR)
    written = io.BytesIO()
    drawn.save(written, format="PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(written.getvalue()).decode('ascii')}"


def _reduced(values: FloatArray) -> FloatArray:
    """Means over cells, so that the longer side has at most 96: a map is smooth, and a page holds many."""
    step = -(-max(values.shape) // _MAP_SIDE)
    if step == 1:
        return np.round(values, 4)
    edges = [np.arange(0, side, step) for side in values.shape]
    sums = np.add.reduceat(np.add.reduceat(values, edges[0], axis=0), edges[1], axis=1)
    counts = np.outer(*[np.diff(np.append(e, side)) for e, side in zip(edges, values.shape, strict=True)])
    return np.asarray(np.round(sums / counts, 4))


def _caption(relative: FloatArray, most: float, of: str, note: str) -> str:
    what = f" for {plain(of, 60)}" if of else ""
    if most == 0:
        return f"The map{what} is zero everywhere. {plain(note, 300)}".strip()
    at = np.unravel_index(int(np.argmax(np.abs(relative))), relative.shape)
    down, right = (at[0] + 0.5) / relative.shape[0], (at[1] + 0.5) / relative.shape[1]
    half = float((np.abs(relative) >= 0.5).mean())
    said = (
        f"The map{what} is strongest ({num(most)}) {share(down)} of the way down and {share(right)} from the left; "
        f"{share(half)} of the picture has at least half of that."
    )
    return f"{said} {plain(note, 300)}".strip()
