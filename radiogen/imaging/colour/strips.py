"""Straight strips of a picture whose colour changes along them and not across: candidates for a colour bar."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects, label, maximum_filter1d, minimum_filter1d

from radiogen.imaging.image import LUMINANCE
from radiogen.imaging.regions import Box, Mask

Floats = NDArray[np.float64]

#: two axes of the plane across the grey axis, both of length 1: what is left of a colour without its brightness
CHROMA = np.array([[1.0, -1.0, 0.0], [1.0, 1.0, -2.0]]).T / np.sqrt([2.0, 6.0])
#: how unequal (of 255) the pixels across a strip may be: none in PNG, more and more as JPEG takes its toll
TOLERANCES = (3, 12, 28, 60)
#: the shortest strip in pixels, and the least length for its width
_SHORTEST, _SLENDER = 40, 1.6
#: rows bridged (ticks), and the longest dark gap of a diverging bar as a share of its length
_BRIDGE, _GAP = 7, 0.35
#: pieces of a bar this far apart are one, whatever lies between: a line, and a block of JPEG on either side
_LINES = 32
#: the longest line across a bar that is stepped over at its ends
_LINE = 4
#: half of the pixels of a strip are no further (of 255) from their row's colour, whatever JPEG did to the others
_UNEVEN = 5.0
#: how far (of 255) a bar's colours are from what lies beside it
_EDGE = 15.0


@dataclass(frozen=True, eq=False)
class Strip:
    """A strip: its colours from the top (left) on, its place, and how clean it is."""

    colours: Floats
    box: Box
    vertical: bool
    clean: bool

    @property
    def length(self) -> int:
        """Pixels along the strip."""
        return len(self.colours)

    def moved(self, down: int, right: int) -> Strip:
        """The strip of a crop, in the coordinates of the picture."""
        top, bottom, first, last = self.box
        return replace(self, box=(top + down, bottom + down, first + right, last + right))

    def turned(self) -> Strip:
        """The strip of the transposed picture, in the coordinates of the picture."""
        return replace(self, box=(*self.box[2:], *self.box[:2]), vertical=not self.vertical)


def chroma(colours: Floats) -> Floats:
    """The part of colours across the grey axis: … × 3 to … × 2, in units of 0 to 255."""
    return np.asarray(colours @ CHROMA, dtype=np.float64)


def find_strips(
    rgb: NDArray[np.uint8], *, tolerance: int = TOLERANCES[0], exclude: Mask | None = None, gap: bool = False,
    framed: bool = False, lossy: bool = False,
) -> list[Strip]:  # fmt: skip
    """Strips that could be colour bars.

    Parameters
    ----------
    rgb : ndarray, H × W × 3 uint8
    tolerance : int, default 3
        How unequal (of 255) the pixels across a strip may be.
    exclude : ndarray of bool, H × W, optional
        Pixels in which none is searched for.
    gap : bool, default False
        Whether two aligned strips with a dark gap between them are one (a diverging bar).
    framed : bool, default False
        Whether the picture is a crop around a bar: then colours may go on to its border even where they are
        those of the background.
    lossy : bool, default False
        Whether the picture was compressed with loss, so that the ends of a strip are blurred.
    """
    across = np.ascontiguousarray(rgb.transpose(1, 0, 2))
    found = _vertical(rgb, exclude, tolerance, gap, framed, lossy)
    turned = _vertical(across, None if exclude is None else exclude.T, tolerance, gap, framed, lossy)
    return found + [strip.turned() for strip in turned]


def measure_strip(rgb: NDArray[np.uint8]) -> Strip:
    """A whole picture taken as one strip along its longer side."""
    rows, columns = rgb.shape[:2]
    vertical = rows >= columns
    values = (rgb if vertical else rgb.transpose(1, 0, 2)).astype(np.float64)
    colours = np.median(values, axis=1)
    clean = bool(np.abs(values - colours[:, None]).max() <= TOLERANCES[0])
    return Strip(colours, (0, rows - 1, 0, columns - 1), vertical, clean)


def _vertical(
    rgb: NDArray[np.uint8], exclude: Mask | None, tolerance: int, gap: bool, framed: bool, lossy: bool
) -> list[Strip]:
    if rgb.shape[0] < _SHORTEST or rgb.shape[1] < 5:
        return []
    red, green, blue = (rgb[..., c] for c in range(3))
    spread = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
    coloured = spread > 12
    steady = _steady(rgb, tolerance, 5 if tolerance <= 12 else 3) & coloured
    if exclude is not None:
        steady &= ~exclude
    bridge = _BRIDGE if tolerance <= TOLERANCES[0] else 2 * _BRIDGE
    steady = _along(_along(steady, bridge, grow_first=True), _SHORTEST // 2, grow_first=False)
    pieces, count = label(steady)
    boxes = [] if count == 0 else [_box_of(s) for s in find_objects(pieces)]
    boxes = [b for b in boxes if b[1] - b[0] + 1 >= _SHORTEST // 2]
    strips = [_checked(rgb, box, tolerance, framed, lossy) for box in _joined(rgb, boxes, tolerance, gap)]
    return [s for s in strips if s is not None]


def _steady(rgb: NDArray[np.uint8], tolerance: int, width: int) -> Mask:
    """Where so many pixels side by side are nearly one colour."""
    steady = np.ones(rgb.shape[:2], dtype=bool)
    for plane in np.moveaxis(rgb, 2, 0):
        plane = np.ascontiguousarray(plane)
        # nothing below zero: the largest is never under the smallest
        most = maximum_filter1d(plane, width, axis=1, mode="nearest")
        steady &= most - minimum_filter1d(plane, width, axis=1, mode="nearest") <= tolerance
    return steady


def _along(mask: Mask, length: int, *, grow_first: bool) -> Mask:
    """Closing (opening where not ``grow_first``) along the rows by so many pixels."""
    first, then = (maximum_filter1d, minimum_filter1d) if grow_first else (minimum_filter1d, maximum_filter1d)
    # an even window sits half a pixel off; the odd one keeps its place
    size = length | 1
    grey = first(mask.astype(np.uint8), size, axis=0, mode="constant")
    return np.asarray(then(grey, size, axis=0, mode="constant"), dtype=bool)


def _box_of(found: tuple[slice, slice]) -> Box:
    rows, columns = found
    return rows.start, rows.stop - 1, columns.start, columns.stop - 1


def _joined(rgb: NDArray[np.uint8], boxes: list[Box], tolerance: int, gap: bool) -> list[Box]:
    """Boxes over one another, of the same columns, become one where little lies between them.

    That is a line across the bar, with what JPEG makes of its surroundings, and in a diverging bar the dark gap.
    """
    chains: list[Box] = []
    for box in sorted(boxes):
        for k, upper in enumerate(chains):
            if _continues(rgb, upper, box, tolerance, gap):
                chains[k] = (upper[0], box[1], max(upper[2], box[2]), min(upper[3], box[3]))
                break
        else:
            chains.append(box)
    return chains


def _continues(rgb: NDArray[np.uint8], upper: Box, lower: Box, tolerance: int, gap: bool) -> bool:
    """Whether the second box goes on where the first ends."""
    same = abs(upper[2] - lower[2]) <= 3 and abs(upper[3] - lower[3]) <= 3 and max(upper[2], lower[2]) <= min(upper[3], lower[3])
    rows = lower[0] - upper[1] - 1
    if not same or rows < 0:
        return False
    length = lower[1] - upper[0] + 1
    if rows <= min(_LINES, length // 4):
        return True
    between = rgb[upper[1] + 1 : lower[0], max(upper[2], lower[2]) : min(upper[3], lower[3]) + 1]
    # narrow strips side by side may share no column
    return gap and between.size > 0 and rows <= _GAP * length and float(np.median(np.ptp(between, axis=1))) <= max(tolerance, 12)


def _checked(rgb: NDArray[np.uint8], box: Box, tolerance: int, framed: bool, lossy: bool) -> Strip | None:
    """The strip around a box of steady colour, with its true ends; None where it is no bar."""
    top, bottom, left, right = box
    if right - left < 1 or (bottom - top) < _SLENDER * (right - left + 1) or bottom - top + 1 < _SHORTEST:
        return None
    columns = rgb[:, left : right + 1].astype(np.float64)
    profile = np.median(columns, axis=1)
    uneven = np.median(np.abs(columns - profile[:, None]).max(axis=2), axis=1)
    typical = np.abs(columns[top : bottom + 1] - profile[top : bottom + 1, None]).max(axis=2)
    if np.quantile(uneven[top : bottom + 1], 0.85) > max(tolerance, 3) / 2 or np.median(typical) > _UNEVEN + tolerance / 10:
        return None
    left, right = _width(rgb, profile, (top, bottom, left, right), tolerance)
    if not _stands_out(rgb, profile, (top, bottom, left, right)):
        return None
    clean = tolerance == TOLERANCES[0] and not lossy and not _bleeds(rgb, profile, (top, bottom, left, right))
    top, bottom = _ends(profile, uneven, _beside(rgb, left, right), (top, bottom), clean, framed)
    strip = Strip(profile[top : bottom + 1], (top, bottom, left, right), True, clean)
    return strip if _is_ramp(strip) and strip.length >= _SLENDER * (right - left + 1) else None


def _stands_out(rgb: NDArray[np.uint8], profile: Floats, box: Box) -> bool:
    """Whether the strip has an edge on either side (or ends with the picture): a piece of the overlay has none."""
    top, bottom, left, right = box
    rows = slice(top, bottom + 1)
    sides = [c for c in (left - 3, right + 3) if 0 <= c < rgb.shape[1]]
    away = [np.abs(rgb[rows, c] - profile[rows]).max(axis=1) for c in sides]
    # a smooth picture changes as much within the strip as beyond it
    within = float(np.median(np.abs(rgb[rows, left].astype(np.float64) - rgb[rows, right]).max(axis=1)))
    return all(float(np.quantile(a, 0.3)) >= _EDGE and float(np.median(a)) >= 1.5 * within for a in away)


def _bleeds(rgb: NDArray[np.uint8], profile: Floats, box: Box) -> bool:
    """Whether the strip's tints go on beyond its edge, as subsampled chroma does in JPEG."""
    top, bottom, left, right = box
    tints = chroma(profile[top : bottom + 1])
    for column in (left - 1, right + 1):
        if not 0 <= column < rgb.shape[1]:
            continue
        other = chroma(rgb[top : bottom + 1, column].astype(np.float64))
        if any(_alike(other[:, axis], tints[:, axis]) for axis in range(2)):
            return True
    return False


def _alike(first: Floats, second: Floats) -> bool:
    """Whether two tints go up and down together."""
    return bool(min(first.std(), second.std()) > 0.5 and np.corrcoef(first, second)[0, 1] > 0.5)


def _width(rgb: NDArray[np.uint8], profile: Floats, box: Box, tolerance: int) -> tuple[int, int]:
    """First and last column that look like those in the middle."""
    top, bottom, left, right = box
    rows = slice(top + (bottom - top) // 10, bottom + 1 - (bottom - top) // 10)
    limit = max(6.0, float(tolerance))
    while left > 0 and _unlike(rgb[rows, left - 1], profile[rows]) <= limit:
        left -= 1
    while right < rgb.shape[1] - 1 and _unlike(rgb[rows, right + 1], profile[rows]) <= limit:
        right += 1
    return left, right


def _unlike(column: NDArray[np.uint8], profile: Floats) -> float:
    return float(np.median(np.abs(column - profile).max(axis=1)))


def _beside(rgb: NDArray[np.uint8], left: int, right: int) -> Floats:
    """Colours of the rows a little left and a little right of a strip, 2 × H × 3 (NaN beyond the picture)."""
    sides = np.full((2, rgb.shape[0], 3), np.nan)
    for k, (first, last) in enumerate(((left - 5, left - 3), (right + 3, right + 5))):
        if first >= 0 and last < rgb.shape[1]:
            sides[k] = np.median(rgb[:, first : last + 1].astype(np.float64), axis=1)
    return sides


def _ends(
    profile: Floats, uneven: Floats, beside: Floats, rows: tuple[int, int], clean: bool, framed: bool
) -> tuple[int, int]:
    """First and last row of the bar.

    From well inside the strip the rows are followed outwards until the colour jumps (a frame, the background) or is
    that of the picture on both sides.
    """
    top, bottom = rows
    steps = np.abs(np.diff(profile[top : bottom + 1], axis=0)).max(axis=1)
    inner = steps[len(steps) // 10 : len(steps) - len(steps) // 10]
    # a tick may make a jump of its own, and a bar of few colours many: the larger steps inside say what is usual
    jump = max(14.0 if clean else 22.0, 2.0 * float(np.quantile(inner, 0.95)))
    slope = float(np.median(inner))
    blend, near = (1.0, 1.0) if clean else (12.0, 5.0)
    with np.errstate(invalid="ignore"):
        background = (np.abs(beside - profile[None]).max(axis=2) <= blend).all(axis=0)
    if framed:
        background = np.zeros_like(background)
    flat = uneven <= (4.0 if clean else 20.0)
    usable = flat & ~background
    first = _end(profile, usable, top, -1, jump, slope, clean)
    last = _end(profile, usable, bottom, 1, jump, slope, clean)
    if not clean:
        first, last = _half(profile, first, -1), _half(profile, last, 1)
    if framed:
        return first, last
    return _faded(profile, first, -1, near), _faded(profile, last, 1, near)


def _end(profile: Floats, usable: Mask, end: int, step: int, jump: float, slope: float, clean: bool) -> int:
    """The end of a strip whose steady colours end about at ``end``, in the direction of ``step``."""
    if clean:
        return _follow(profile, usable, end - 3 * step, step, jump, slope, _LINE)
    # blocks of 16 in which JPEG spreads tints beyond the end: start where the bar itself must be
    found = _follow(profile, usable, end - 14 * step, step, jump, slope, 0)
    if (end - found) * step > 10:  # stopped by a line across, not by the end
        found = _follow(profile, usable, end - 4 * step, step, jump, slope, 0)
    return found


def _follow(profile: Floats, usable: Mask, start: int, step: int, jump: float, slope: float, line: int) -> int:
    """The last row reached from ``start`` without a jump; a line across the bar is stepped over."""
    row = start
    while True:
        ahead = [(k, row + k * step) for k in range(1, line + 2) if 0 <= row + k * step < len(profile)]
        reached = next((r for k, r in ahead if usable[r] and np.abs(profile[r] - profile[row]).max() <= jump + k * slope), None)
        if reached is None:
            return row
        row = reached


def _faded(profile: Floats, end: int, step: int, blend: float) -> int:
    """The end of a bar that fades into the background: the rows that go on as the last ones did, down to black."""
    inner = profile[[end - 4 * step, end - 3 * step, end - 2 * step, end - step, end]]
    slope = np.median(np.diff(inner, axis=0), axis=0)
    row = end
    while 0 <= row + step < len(profile) and abs(row - end) < 8:
        ahead = profile[end] + slope * (abs(row - end) + 1)
        if ahead.min() < -np.abs(slope).max() or np.abs(profile[row + step] - ahead).max() > blend or np.abs(slope).max() < 0.2:
            break
        row += step
    return row


def _half(profile: Floats, end: int, step: int) -> int:
    """The end of a blurred strip: where brightness breaks off, which compression leaves sharp.

    Where it does not it is half way between the strip's colour and the background's.
    """
    light = profile @ LUMINANCE
    rows = [r for r in (end + k * step for k in range(-12, 2)) if min(r, r + step) >= 0 and max(r, r + step) < len(profile)]
    if not rows:
        return end
    breaks = {r: abs(float(light[r] - light[r + step])) for r in rows}
    usual = float(np.median(list(breaks.values())))
    strong = [r for r in rows if breaks[r] > max(8.0, 4 * usual, 0.4 * max(breaks.values()))]
    # the row before must belong to the strip, and not to a frame around it
    kept = [r for r in strong if (r - end) * step <= 0 or np.abs(profile[r] - profile[r - step]).max() <= 40]
    if kept:
        return kept[-1]
    beyond = [r for r in (end + k * step for k in range(3, 6)) if 0 <= r < len(profile)]
    if not beyond:
        return end
    outside, inside = np.median(profile[beyond], axis=0), profile[end - 4 * step]
    way = inside - outside
    if np.linalg.norm(way) < 40:
        return end
    near = [r for r in (end + k * step for k in range(-4, 3)) if 0 <= r < len(profile)]
    own = [r for r in near if (profile[r] - outside) @ way >= 0.5 * (way @ way)]
    return own[-1] if own else end


def _is_ramp(strip: Strip) -> bool:
    """Whether the colours go a long way without coming back: a bar, and not a patch, a logo or a piece of the overlay."""
    colours = strip.colours
    points = colours[np.linspace(0, len(colours) - 1, 13).round().astype(int)]
    reach = np.linalg.norm(chroma(points)[:, None] - chroma(points)[None], axis=2).max()
    if reach < 60:
        return False
    steps = np.linalg.norm(np.diff(colours, axis=0), axis=1)
    if np.quantile(steps, 0.9) > 60:
        return False
    bright = points.max(axis=1) > 40  # the dark gap of a diverging bar, a black low end
    apart = np.linalg.norm(points[:, None] - points[None], axis=2)
    order = np.abs(np.subtract.outer(np.arange(len(points)), np.arange(len(points))))
    pairs = bright[:, None] & bright[None] & (order >= 3)
    return bool(pairs.sum() >= 20 and np.quantile(apart[pairs], 0.05) > 14)
