"""The one theme of all figures: colours, symbols, dashes and the plotly template ``radiogen``.

The palette follows Okabe and Ito (2008), darkened where a colour had less than 3:1
contrast on white; a dash or a marker symbol goes with each colour, so that no
distinction rests on colour alone.  :data:`DARK` gives the colour that stands for each
of these on a dark ground; the report exchanges them when the reader's screen is dark.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import plotly.graph_objects as go
import plotly.io as pio

from radiogen.plots.text import width

NAME = "radiogen"
INK, MUTED, GRID, SURFACE = "#1f2933", "#5c6873", "#e4e8ec", "#ffffff"
PALETTE = ("#0072b2", "#c94f00", "#00845f", "#aa4f8b", "#96690a", "#3a86b8", "#7a3b2e", "#5d6b00")
_PALETTE_DARK = ("#58a6ec", "#f58a4b", "#35c79b", "#e3a0cb", "#e0b04a", "#9bd0f2", "#d99383", "#b9c64a")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "triangle-down", "cross", "x", "star")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot", "6px 2px 2px 2px", "2px 6px")
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'Noto Sans', Arial, sans-serif"

#: name of annotations for which a narrow screen has no room
WIDE_ONLY = "wide-only"
#: how axes and colour bars write powers of ten
EXPONENT = "e"

#: low, middle, high of a scale with a neutral middle
DIVERGING = ((0.0, "#0b5c94"), (0.25, "#7fb2d6"), (0.5, "#f6f7f8"), (0.75, "#f0a679"), (1.0, "#b04500"))
#: from nothing to much
SEQUENTIAL = ((0.0, "#f6f7f8"), (0.5, "#7fb2d6"), (1.0, "#0b5c94"))
#: how the pattern of a bar lies over its colour
HATCH: dict[str, Any] = {"fillmode": "overlay", "fgcolor": SURFACE, "size": 7, "solidity": 0.2, "fgopacity": 0.45}


def tint(colour: str, opacity: float = 0.16) -> str:
    """The colour as a transparent fill for bands.

    Examples
    --------
    >>> tint("#0072b2")
    'rgba(0,114,178,0.16)'
    """
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity:g})"


#: colour on a light ground -> colour on a dark ground
DARK: dict[str, str] = {
    INK: "#e6eaee",
    MUTED: "#a3aeb9",
    GRID: "#333b44",
    SURFACE: "#15191e",
    "#f6f7f8": "#20262d",
    "#7fb2d6": "#2f6d9b",
    "#0b5c94": "#3f86bd",
    "#f0a679": "#a5592a",
    "#b04500": "#ff9b5e",
    **dict(zip(PALETTE, _PALETTE_DARK, strict=True)),
    **{tint(a): tint(b, 0.22) for a, b in zip(PALETTE, _PALETTE_DARK, strict=True)},
}


def colour(index: int) -> str:
    """Colour of the series of this number; they repeat after eight, with another dash."""
    return PALETTE[index % len(PALETTE)]


def symbol(index: int, open_: bool = False) -> str:
    """Marker symbol of the series of this number."""
    base = SYMBOLS[index % len(SYMBOLS)]
    return f"{base}-open" if open_ else base


def dash(index: int) -> str:
    """Line dash of the series of this number."""
    return DASHES[(index + index // len(DASHES)) % len(DASHES)]


def _template() -> go.layout.Template:
    axis = {
        "automargin": True,
        "gridcolor": GRID,
        "linecolor": MUTED,
        "showline": True,
        "ticks": "outside",
        "tickcolor": MUTED,
        "ticklen": 4,
        "zeroline": False,
        "title": {"standoff": 10},
        # powers as 1e-5: plotly's default sets them with a style attribute, which a strict policy forbids
        "exponentformat": EXPONENT,
        "separatethousands": True,
    }
    return go.layout.Template(
        layout={
            "font": {"family": FONT, "size": 12.5, "color": INK},
            "colorway": list(PALETTE),
            "paper_bgcolor": SURFACE,
            "plot_bgcolor": SURFACE,
            "margin": {"l": 12, "r": 22, "t": 32, "b": 12},
            "xaxis": axis,
            "yaxis": axis,
            "legend": {
                "orientation": "h", "x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom",
                "bgcolor": "rgba(0,0,0,0)", "itemsizing": "trace",
            },
            "hoverlabel": {
                "namelength": -1, "align": "left", "bgcolor": SURFACE, "bordercolor": MUTED,
                "font": {"family": FONT, "size": 12, "color": INK},
            },
            "annotationdefaults": {"font": {"color": INK}},
            "separators": ".,",
        }
    )


pio.templates[NAME] = _template()


def figure(
    title: str, caption: str, table: str, *, height: int = 420, min_width: int = 0, max_width: int = 0, **layout: Any
) -> go.Figure:
    """An empty figure in the theme, with the meta that every figure carries.

    Parameters
    ----------
    title : str
        Heading, as plain text: whoever shows it escapes it.
    caption : str
        One sentence of what the figure shows, computed from its numbers; plain text.
    table : str
        Key of the table that holds the numbers.
    height : int
        Height in pixels.
    min_width : int
        The narrowest width in pixels at which the figure can still be read; a page that is narrower
        lets it scroll.  0 is any.
    max_width : int
        The width in pixels beyond which more room would only stretch it.  0 is any.
    **layout
        Further properties of the layout.
    """
    meta = {"title": title, "caption": caption, "table": table, "min_width": min_width, "max_width": max_width}
    return go.Figure(layout={"template": NAME, "meta": meta, "height": height, **layout})


def room_for(labels: Iterable[str], beside: int = 260) -> int:
    """The least width in pixels of a figure with these labels at its left and so much room beside them.

    Examples
    --------
    >>> room_for(["TP53", "PIK3CA"])
    301
    """
    lines = (line for label in labels for line in label.split("<br>"))
    return beside + round(6.9 * max((width(line) for line in lines), default=0))


def reference_line(fig: go.Figure, *, x: float | None = None, y: float | None = None, **place: Any) -> None:
    """Add the thin line of no effect, under the data."""
    line = {"color": MUTED, "width": 1, "dash": "dot"}
    if x is not None:
        fig.add_vline(x=x, line=line, layer="below", **place)
    if y is not None:
        fig.add_hline(y=y, line=line, layer="below", **place)
