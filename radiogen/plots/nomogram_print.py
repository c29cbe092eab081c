"""Nomograms as SVG text for print, without Plotly."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from radiogen.errors import fail
from radiogen.files import in_one_step
from radiogen.plots.nomogram_rows import Row, nomogram_rows
from radiogen.plots.text import plain

if TYPE_CHECKING:
    from radiogen.stats import NomogramResult

#: everything below is in millimetres
_FONT, _TITLE_FONT, _MARGIN = 2.6, 2.9, 8.0
_TITLE, _ABOVE, _BELOW, _TICK = 5.6, 3.6, 5.6, 1.3
_FAMILY = "Helvetica, Arial, 'Liberation Sans', sans-serif"
_INK, _GUIDE = "#000000", "#d0d0d0"


def nomogram_svg(
    result: NomogramResult, path: str | Path | None = None, *, width: float = 180.0, title: str = "",
    labels: Mapping[str, str] | None = None, event: str = "", unit: str = "", linear: bool = False,
) -> str:
    """A nomogram as an SVG drawing in real millimetres, black on white.

    Parameters
    ----------
    result : NomogramResult
        What ``radiogen.stats.nomogram`` returned.
    path : str or Path, optional
        A file to write the drawing to.
    width : float, default 180
        Width in millimetres; 180 fits between the margins of A4.
    title : str
        Heading of the drawing.
    labels, event, unit, linear
        As for :func:`radiogen.plots.nomogram`.

    Returns
    -------
    str
        The whole SVG document.

    Raises
    ------
    RadiogenError
        RG705 for something else than a nomogram; RG708 for a width below 80; RG801 where the file cannot be written.
    """
    if isinstance(width, bool) or not isinstance(width, int | float) or not 80 <= width <= 2000:
        raise fail("RG708", "`width` must be 80 to 2000 millimetres.", value=width)
    room = width - 2 * _MARGIN
    rows = nomogram_rows(result, room, _FONT, labels=labels, event=event, unit=unit, linear=linear)
    y = _MARGIN + (_TITLE_FONT * 1.8 if title else 0.0)
    parts, lines = [], []
    for row in rows:
        y += _TITLE + (_ABOVE if row.above else 0.0)
        lines.append(y)
        parts += _drawn(row, y, room)
        y += _BELOW
    height = y + _MARGIN / 2
    head = [_text(_MARGIN, _MARGIN, plain(title), _TITLE_FONT * 1.25, "start", bold=True)] if title else []
    document = "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}mm" height="{height:.2f}mm" '
        f'viewBox="0 0 {width:g} {height:.2f}" font-family="{_FAMILY}" fill="{_INK}" role="img">',
        f"<title>{escape(plain(title) or 'Nomogram')}</title>",
        f'<rect width="{width:g}" height="{height:.2f}" fill="#ffffff"/>',
        *_guides(rows, lines, room), *head, *parts, "</svg>", "",
    ])  # fmt: skip
    if path is not None:
        with in_one_step(Path(path), "the nomogram") as part:
            part.write_text(document, encoding="utf-8")
    return document


def _drawn(row: Row, y: float, room: float) -> list[str]:
    top = y - _TICK - (_ABOVE if row.above else 0.0) - 0.9
    parts = [_text(_MARGIN, top, row.title, _TITLE_FONT, "start", bold=row.kind in ("points", "total"))]
    places = [_MARGIN + t.place * room for t in row.ticks]
    if places:
        parts.append(_line(min(places), y, max(places), y, _INK, 0.3))
    for tick, x in zip(row.ticks, places, strict=True):
        parts.append(_line(x, y, x, y + (-_TICK if tick.side > 0 else _TICK), _INK, 0.25))
        if tick.side:
            parts.append(_text(x, y - _TICK - 0.6 if tick.side > 0 else y + _TICK + _FONT, tick.label, _FONT, "middle"))
    return parts


def _guides(rows: list[Row], lines: list[float], room: float) -> list[str]:
    parts = []
    for kind, others in (("points", ("predictor",)), ("total", ("linear", "outcome"))):
        start = next(k for k, r in enumerate(rows) if r.kind == kind)
        ends = [k for k, r in enumerate(rows) if r.kind in others]
        for tick in rows[start].ticks if ends else ():
            x = _MARGIN + tick.place * room
            parts.append(_line(x, lines[start], x, lines[max(ends)], _GUIDE, 0.15))
    return parts


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, thickness: float) -> str:
    return f'<path d="M{x1:.3f} {y1:.3f}L{x2:.3f} {y2:.3f}" stroke="{colour}" stroke-width="{thickness:g}" fill="none"/>'


def _text(x: float, y: float, words: str, size: float, anchor: str, bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x:.3f}" y="{y:.3f}" font-size="{size:g}" text-anchor="{anchor}"{weight}>{escape(words)}</text>'
