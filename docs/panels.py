"""Parts of the documentation's pictures: enlarged pixels with outlines (PNG), and small plots (SVG)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont
from scipy.ndimage import binary_dilation, binary_erosion

from radiogen.simulate.colourmaps import colours_of

Mask = NDArray[np.bool_]
Colour = tuple[int, int, int]
#: colours that are told apart with any kind of colour vision, on grey pictures and on white paper
YELLOW, ORANGE, SKY = (240, 228, 66), (230, 159, 0), (86, 180, 233)
BLUE, RED, WHITE = (0, 114, 178), (213, 94, 0), (255, 255, 255)
#: rows of the line of text below a panel, and height of its letters
_FOOT, _LETTER = 34, 19
#: columns of a scale at the right of a panel
_SCALE = 42


@dataclass
class Panel:
    """A picture enlarged by a whole factor; everything is drawn in the picture's own pixels.

    Parameters
    ----------
    pixels : ndarray of uint8, H × W or H × W × 3
    factor : int
    smooth : bool
        Whether enlarged pixels are interpolated, as a screen shows B-mode.
    """

    pixels: NDArray[np.uint8]
    factor: int = 2
    smooth: bool = False

    def __post_init__(self) -> None:
        rgb = self.pixels if self.pixels.ndim == 3 else np.repeat(self.pixels[..., None], 3, axis=2)
        size = (rgb.shape[1] * self.factor, rgb.shape[0] * self.factor)
        how = Pillow.Resampling.BICUBIC if self.smooth else Pillow.Resampling.NEAREST
        self.canvas = Pillow.fromarray(np.ascontiguousarray(rgb)).resize(size, how)

    def outline(self, mask: Mask, colour: Colour, width: int = 2) -> Panel:
        """The border of a mask, inside it, on a thin dark line."""
        large = mask.repeat(self.factor, axis=0).repeat(self.factor, axis=1)
        line = large & ~binary_erosion(large, iterations=width)
        array = np.asarray(self.canvas).copy()
        array[binary_dilation(line) & ~line] //= 3
        array[line] = colour
        self.canvas = Pillow.fromarray(array)
        return self

    def tint(self, mask: Mask, colour: Colour, opacity: float) -> Panel:
        """A transparent colour over a mask."""
        large = mask.repeat(self.factor, axis=0).repeat(self.factor, axis=1)
        array = np.asarray(self.canvas).astype(np.float64)
        array[large] = (1 - opacity) * array[large] + opacity * np.array(colour)
        self.canvas = Pillow.fromarray(np.rint(array).astype(np.uint8))
        return self

    def box(self, box: Sequence[float], colour: Colour, label: str = "") -> Panel:
        """A rectangle (top, bottom, left, right, both ends inside) with a word in its upper left corner."""
        top, bottom, left, right = box
        draw, f = ImageDraw.Draw(self.canvas), self.factor
        draw.rectangle((left * f, top * f, (right + 1) * f - 1, (bottom + 1) * f - 1), outline=colour, width=2)
        if label:
            self.word(top + 2, left + 3, label, colour)
        return self

    def word(self, row: float, column: float, text: str, colour: Colour) -> Panel:
        """A word with a dark border."""
        draw = ImageDraw.Draw(self.canvas)
        place = (column * self.factor, row * self.factor)
        draw.text(place, text, colour, font=ImageFont.load_default(_LETTER), stroke_width=2, stroke_fill=(0, 0, 0))
        return self

    def line(self, rows: Sequence[float], columns: Sequence[float], colour: Colour, width: int = 2) -> Panel:
        """A line through the centres of pixels."""
        points = [((c + 0.5) * self.factor, (r + 0.5) * self.factor) for r, c in zip(rows, columns, strict=True)]
        ImageDraw.Draw(self.canvas).line(points, fill=colour, width=width, joint="curve")
        return self

    def dot(self, row: float, column: float, colour: Colour, radius: int = 5) -> Panel:
        """A filled circle with a dark border."""
        x, y = (column + 0.5) * self.factor, (row + 0.5) * self.factor
        place = (x - radius, y - radius, x + radius, y + radius)
        ImageDraw.Draw(self.canvas).ellipse(place, fill=colour, outline=(0, 0, 0))
        return self

    def save(self, path: Path, foot: str = "") -> None:
        """Write the panel, with a line of text below it."""
        canvas = self.canvas
        if foot:
            larger = max(1.0, canvas.width / 560)  # a wide panel is shown smaller on a phone
            canvas = Pillow.new("RGB", (canvas.width, canvas.height + round(_FOOT * larger)), (20, 20, 20))
            canvas.paste(self.canvas, (0, 0))
            font = ImageFont.load_default(_LETTER * larger)
            ImageDraw.Draw(canvas).text((8, self.canvas.height + 5 * larger), foot, WHITE, font=font)
        canvas.save(path, optimize=True)


def coloured(values: NDArray[np.float64], low: float, high: float, ground: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
    """Numbers in colours (viridis); where there is none the dimmed ground, else dark grey."""
    known = np.isfinite(values)
    share = np.clip((np.where(known, values, low) - low) / (high - low), 0, 1)
    colours = np.rint(colours_of("viridis", share)).astype(np.uint8)
    dark = np.full(values.shape, 40.0) if ground is None else 0.55 * ground.astype(np.float64)
    grey = np.repeat(np.rint(dark).astype(np.uint8)[..., None], 3, axis=2)
    return np.where(known[..., None], colours, grey)


def with_scale(picture: NDArray[np.uint8], low: float, high: float, unit: str, factor: int = 2, wide: float = 1.0) -> Panel:
    """A picture of :func:`coloured` with its scale at the right, narrower where the factor is large."""
    rows, columns = picture.shape[:2]
    canvas = np.zeros((rows, columns + round(_SCALE * wide), 3), dtype=np.uint8)
    canvas[:, :columns] = picture
    step = 2 / factor
    top, bottom, left = round(16 * step), rows - round(10 * step), columns + round(6 * step)
    canvas[top:bottom, left : left + round(8 * step)] = np.rint(colours_of("viridis", np.linspace(1, 0, bottom - top)))[:, None]
    panel = Panel(canvas, factor)
    panel.word(step, left - 4 * step, unit, WHITE)
    for share in (0.0, 0.5, 1.0):
        row = bottom - share * (bottom - top) - 6 * step
        panel.word(row, left + 10 * step, f"{low + share * (high - low):g}", WHITE)
    return panel


def beside_scale(mask: Mask, wide: float = 1.0) -> Mask:
    """A mask of the picture as wide as the panel of :func:`with_scale`."""
    return np.pad(mask, ((0, 0), (0, round(_SCALE * wide))))


# -- plots ----------------------------------------------------------------------------------------

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 480, 340, 76, 14, 16, 52


def _hex(colour: Colour) -> str:
    return f"#{colour[0]:02x}{colour[1]:02x}{colour[2]:02x}"


@dataclass
class Plot:
    """A small plot with linear axes, as SVG on white, legible at the width of a phone.

    Parameters
    ----------
    x, y : (float, float)
        Limits of the axes.
    x_label, y_label : str
    x_ticks, y_ticks : sequence of float
    """

    x: tuple[float, float]
    y: tuple[float, float]
    x_label: str
    y_label: str
    x_ticks: Sequence[float]
    y_ticks: Sequence[float]
    parts: list[str] = field(default_factory=list)

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Where a point stands in the drawing."""
        across = (x - self.x[0]) / (self.x[1] - self.x[0]) * (_WIDTH - _LEFT - _RIGHT) + _LEFT
        down = (1 - (y - self.y[0]) / (self.y[1] - self.y[0])) * (_HEIGHT - _TOP - _BOTTOM) + _TOP
        return round(across, 1), round(down, 1)

    def _points(self, x: Sequence[float], y: Sequence[float]) -> str:
        return " ".join(f"{a},{b}" for a, b in (self.place(u, v) for u, v in zip(x, y, strict=True)))

    def curve(self, x: Sequence[float], y: Sequence[float], colour: Colour, width: float = 2.5, dash: str = "") -> Plot:
        """A line."""
        style = f' stroke-dasharray="{dash}"' if dash else ""
        line = f'<polyline points="{self._points(x, y)}" fill="none" stroke="{_hex(colour)}" stroke-width="{width}"{style}/>'
        self.parts.append(line)
        return self

    def area(self, x: Sequence[float], y: Sequence[float], base: float, colour: Colour, opacity: float = 0.25) -> Plot:
        """The area between a line and a level."""
        points = self._points([x[0], *x, x[-1]], [base, *y, base])
        self.parts.append(f'<polygon points="{points}" fill="{_hex(colour)}" fill-opacity="{opacity}"/>')
        return self

    def dots(self, x: Sequence[float], y: Sequence[float], colour: Colour, radius: float = 2.4, opacity: float = 0.8) -> Plot:
        """Points."""
        for u, v in zip(x, y, strict=True):
            a, b = self.place(u, v)
            self.parts.append(f'<circle cx="{a}" cy="{b}" r="{radius}" fill="{_hex(colour)}" fill-opacity="{opacity}"/>')
        return self

    def text(self, x: float, y: float, text: str, colour: Colour = (40, 40, 40), anchor: str = "middle", up: float = 0) -> Plot:
        """A word."""
        a, b = self.place(x, y)
        # a white border keeps it legible on lines
        style = 'paint-order="stroke" stroke="#fff" stroke-width="4" stroke-linejoin="round"'
        word = f'<text x="{a}" y="{b - up}" text-anchor="{anchor}" fill="{_hex(colour)}" {style}>{escape(text)}</text>'
        self.parts.append(word)
        return self

    def span(self, x: tuple[float, float], y: float, text: str, colour: Colour) -> Plot:
        """A horizontal distance with bars at both ends."""
        (a, b), (c, _) = self.place(x[0], y), self.place(x[1], y)
        path = f"M{a},{b - 5}V{b + 5}M{a},{b}H{c}M{c},{b - 5}V{b + 5}"
        self.parts.append(f'<path d="{path}" stroke="{_hex(colour)}" stroke-width="1.8" fill="none"/>')
        return self.text((x[0] + x[1]) / 2, y, text, colour, up=7)

    def height(self, x: float, y: tuple[float, float], text: str, colour: Colour) -> Plot:
        """A vertical distance with bars at both ends."""
        (a, b), (_, d) = self.place(x, y[0]), self.place(x, y[1])
        path = f"M{a - 5},{b}H{a + 5}M{a},{b}V{d}M{a - 5},{d}H{a + 5}"
        self.parts.append(f'<path d="{path}" stroke="{_hex(colour)}" stroke-width="1.8" fill="none"/>')
        return self.text(x, (y[0] + y[1]) / 2, f" {text}", colour, anchor="start")

    def save(self, path: Path, title: str) -> None:
        """Write the plot; the title is for screen readers."""
        path.write_text(self._svg(title), encoding="utf-8")

    def _svg(self, title: str) -> str:
        (left, bottom), (right, top) = self.place(self.x[0], self.y[0]), self.place(self.x[1], self.y[1])
        ticks = []
        for value in self.x_ticks:
            a, _ = self.place(value, 0)
            ticks.append(f'<path d="M{a},{bottom}v5" stroke="#444"/>')
            ticks.append(f'<text x="{a}" y="{bottom + 21}" text-anchor="middle">{value:g}</text>')
        for value in self.y_ticks:
            _, b = self.place(0, value)
            ticks.append(f'<path d="M{left},{b}H{right}" stroke="#ddd"/>')
            ticks.append(f'<text x="{left - 7}" y="{b + 5}" text-anchor="end">{value:,g}</text>')
        middle = (top + bottom) / 2
        labels = (
            f'<text x="{(left + right) / 2}" y="{_HEIGHT - 8}" text-anchor="middle">{escape(self.x_label)}</text>'
            f'<text x="15" y="{middle}" text-anchor="middle" transform="rotate(-90 15 {middle})">{escape(self.y_label)}</text>'
        )
        axes = f'<path d="M{left},{top}V{bottom}H{right}" stroke="#444" fill="none"/>'
        drawn = "".join((*ticks, *self.parts, axes, labels))
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}" '
            f'role="img" font-family="sans-serif" font-size="16" fill="#333"><title>{escape(title)}</title>'
            f'<rect width="{_WIDTH}" height="{_HEIGHT}" rx="4" fill="#fff"/>{drawn}</svg>\n'
        )
