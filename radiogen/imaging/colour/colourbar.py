"""The colour bar of a picture: found, measured, and turned into an ordered list of colours."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from radiogen.errors import fail
from radiogen.imaging.colour.compression import has_jpeg_traces
from radiogen.imaging.colour.strips import TOLERANCES, Strip, chroma, find_strips, measure_strip
from radiogen.imaging.image import Region, coloured_pixels
from radiogen.imaging.regions import Box, Mask, box_mask, box_slices

Orientation = Literal["vertical", "horizontal"]
End = Literal["top", "bottom", "left", "right"]

#: RegionDataType of a colour bar in a DICOM ultrasound image
COLOUR_BAR = 14
#: pixels outside the bars that are looked at when several bars compete
_SAMPLE = 2000
#: a strip that explains this share of the coloured pixels is the bar, and no other is looked for
_ENOUGH = 0.6
#: a strip uneven across (by more than this of 255) must explain this share at least
_EVEN, _LEAST_SHARE = 12, 0.45
#: strips that are compared, the longest
_CONTENDERS = 12
#: a bar whose colours (of 255) do not come this far from grey is a grey bar
_LEAST_CHROMA = 25.0


@dataclass(frozen=True, repr=False, eq=False)
class ColourBar:
    """The colours of a colour bar, from its low to its high end.

    Parameters
    ----------
    colours : ndarray, K × 3 float64
        Red, green and blue, 0 to 255: one row per pixel along the bar, the first for the low end of the scale.
    box : (int, int, int, int)
        Top, bottom, left and right of the bar in the picture, from 0, both ends inside; without frame and ticks.
    orientation : {"vertical", "horizontal"}
    high_end : {"top", "bottom", "left", "right"}
        Where the high end is.  Always the top of a vertical and the right of a horizontal bar: all makers draw
        it so, and the picture itself does not say it otherwise than by its labels.  A picture whose bar runs
        the other way is decoded with :meth:`reversed`.
    clean : bool, default True
        Whether the colours are constant across the bar, as in a picture that was never compressed with loss.
    """

    colours: NDArray[np.float64]
    box: Box
    orientation: Orientation
    high_end: End
    clean: bool = True

    def mask(self, shape: tuple[int, int], margin: int = 0) -> Mask:
        """The bar, and a margin around it as far as the picture goes, as a mask."""
        top, bottom, left, right = self.box
        rows = max(top - margin, 0), min(bottom + margin, shape[0] - 1)
        return box_mask((*rows, max(left - margin, 0), min(right + margin, shape[1] - 1)), shape)

    def reversed(self) -> ColourBar:
        """The same bar with its high end at the other side."""
        opposite: dict[End, End] = {"top": "bottom", "bottom": "top", "left": "right", "right": "left"}
        return ColourBar(self.colours[::-1].copy(), self.box, self.orientation, opposite[self.high_end], self.clean)

    def __repr__(self) -> str:
        top, bottom, left, right = self.box
        place = f"rows {top} to {bottom}, columns {left} to {right}"
        return f"<ColourBar {self.orientation}, {len(self.colours)} colours, {place}, high end at the {self.high_end}>"


def find_colour_bar(
    rgb: NDArray[np.uint8],
    *,
    regions: Iterable[Region] = (),
    box: Box | None = None,
    kind: Literal["sequential", "diverging"] = "sequential",
    exclude: Mask | None = None,
) -> ColourBar:
    """The colour bar of a picture.

    It is taken from the declared box; else from the DICOM region of type "colour bar"; else it is searched for: a
    long straight strip whose colour is constant across its width and changes steadily along it.  Frames, ticks
    across the strip and labels beside it do not disturb.  Of several strips the one is taken whose colours
    occur in most of the coloured rest of the picture.

    Parameters
    ----------
    rgb : ndarray, H × W × 3 uint8
    regions : iterable of Region, optional
        Calibrated regions of a DICOM image.
    box : (top, bottom, left, right), optional
        Declared place, in pixels from 0, both ends inside.  It may be drawn a little too large: the strip in it is
        searched for, and only where none is found is the box taken as it is.
    kind : {"sequential", "diverging"}, default "sequential"
        A diverging bar (Doppler) may have a dark gap in the middle.
    exclude : ndarray of bool, H × W, optional
        Pixels in which no bar is searched for, such as the examined field.

    Returns
    -------
    ColourBar
        With the high end at the top (vertical) or at the right (horizontal), as all makers draw it: of a Doppler
        bar that is the flow towards the probe.

    Raises
    ------
    RadiogenError
        RG519 no bar, or a declared box without colours; RG708 a box beyond the picture; RG705 not a colour picture.

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.imaging.colour.colourbar import find_colour_bar
    >>> picture = np.zeros((150, 120, 3), np.uint8)
    >>> ramp = np.linspace(255, 0, 100)
    >>> picture[20:120, 90:104] = np.stack([ramp, 255 - np.abs(2 * ramp - 255), 255 - ramp], axis=1)[:, None]
    >>> find_colour_bar(picture)
    <ColourBar vertical, 100 colours, rows 20 to 119, columns 90 to 103, high end at the top>
    """
    if rgb.ndim != 3 or rgb.shape[2] != 3:
        raise fail("RG705", f"a colour bar is searched for in a picture of H × W × 3, not {rgb.shape}")
    shape = (int(rgb.shape[0]), int(rgb.shape[1]))
    diverging = kind == "diverging"
    if box is not None:
        return _declared(rgb, box, diverging, "the declared box")
    for region in regions:
        if region.data_type == COLOUR_BAR:
            (top, bottom), (left, right) = region.rows, region.columns
            inside = (max(top, 0), min(bottom, shape[0] - 1), max(left, 0), min(right, shape[1] - 1))
            return _declared(rgb, inside, diverging, "the DICOM region of the colour bar")
    strip = _searched(rgb, exclude, diverging)
    if strip is None:
        raise fail("RG519", "no colour bar was found in the picture")
    return _bar(strip)


def _searched(rgb: NDArray[np.uint8], exclude: Mask | None, gap: bool) -> Strip | None:
    """The strip that explains the picture's colours best; rougher ones are looked for only where no clean one does."""
    lossy = has_jpeg_traces(rgb)
    seen: list[tuple[float, Strip]] = []
    for tolerance in TOLERANCES:
        found = find_strips(rgb, tolerance=tolerance, exclude=exclude, gap=gap, lossy=lossy)
        if not found:
            continue
        strip, share = _best(rgb, sorted(found, key=lambda s: -s.length)[:_CONTENDERS])
        if share >= _ENOUGH:
            return _whole(rgb, strip, tolerance, gap) if lossy else strip
        # a rough strip is believed only where the picture's colours speak for it
        if share >= _LEAST_SHARE or tolerance <= _EVEN:
            seen.append((share, strip))
    return max(seen, key=lambda pair: pair[0])[1] if seen else None


def _whole(rgb: NDArray[np.uint8], strip: Strip, tolerance: int, gap: bool) -> Strip:
    """The strip, or a longer one of which it is a piece: lines across a bar tear it apart in a compressed picture."""
    top, bottom, left, right = strip.box
    rows, columns = (0, rgb.shape[0] - 1), (max(left - 16, 0), min(right + 16, rgb.shape[1] - 1))
    if not strip.vertical:
        rows, columns = (max(top - 16, 0), min(bottom + 16, rgb.shape[0] - 1)), (0, rgb.shape[1] - 1)
    crop = rgb[box_slices((*rows, *columns))]
    found = [strip]
    for rougher in (t for t in TOLERANCES[:-1] if t > tolerance):
        others = (s.moved(rows[0], columns[0]) for s in find_strips(crop, tolerance=rougher, gap=gap, lossy=True))
        found += [s for s in others if s.vertical == strip.vertical and _holds(s, strip)]
    longest = max(found, key=lambda s: s.length)
    return longest if longest.length >= 1.1 * strip.length else strip


def _holds(longer: Strip, shorter: Strip) -> bool:
    """Whether the shorter strip lies within the longer one, but for a few pixels."""
    a, b = longer.box, shorter.box
    return a[0] <= b[0] + 6 and a[1] >= b[1] - 6 and a[2] <= b[2] + 6 and a[3] >= b[3] - 6


def _declared(rgb: NDArray[np.uint8], box: Box, diverging: bool, what: str) -> ColourBar:
    """The strip in a box, or the whole box where nothing in it looks like one."""
    box_mask(box, (int(rgb.shape[0]), int(rgb.shape[1])))  # RG708 where it leaves the picture
    crop = rgb[box_slices(box)]
    lossy = has_jpeg_traces(rgb)
    found = (find_strips(crop, tolerance=t, gap=diverging, framed=True, lossy=lossy) for t in TOLERANCES)
    strips = next((s for s in found if s), [])
    strip = max(strips, key=lambda s: s.length) if strips else measure_strip(crop)
    reach = float(np.linalg.norm(chroma(strip.colours), axis=1).max())
    if reach < _LEAST_CHROMA or len(strip.colours) < 8:
        raise fail("RG519", f"{what} holds no colours that change along it", value=list(box))
    return _bar(strip.moved(box[0], box[2]))


def _best(rgb: NDArray[np.uint8], strips: list[Strip]) -> tuple[Strip, float]:
    """The strip whose colours, more or less pale, occur in most of the coloured rest of the picture, and that share."""
    rest = np.ones(rgb.shape[:2], dtype=bool)
    for strip in strips:
        rest[box_slices(strip.box)] = False
    coloured = coloured_pixels(rgb) & rest
    tint = chroma(rgb[coloured].astype(np.float64))
    if len(tint) == 0:
        return max(strips, key=lambda s: s.length), 1.0
    tint = tint[:: max(1, len(tint) // _SAMPLE)]
    shares = [_explained(tint, s) for s in strips]
    best = max(range(len(strips)), key=lambda k: (round(shares[k], 2), strips[k].length))
    return strips[best], shares[best]


def _explained(tint: NDArray[np.float64], strip: Strip) -> float:
    """Share of the tints that lie near some colour of the strip at one opacity, the best one."""
    curve = chroma(strip.colours)[:: max(1, strip.length // 100)]
    shares = []
    for opacity in (0.3, 0.4, 0.5, 0.6, 0.7, 0.85, 1.0):
        distance = np.linalg.norm(tint[:, None] - opacity * curve[None], axis=2).min(axis=1)
        shares.append(float((distance < 10).mean()))
    return max(shares)


def _bar(strip: Strip) -> ColourBar:
    colours = _without_marks(strip.colours)
    if not strip.clean:
        colours = _sharp_ends(colours)
    if strip.vertical:  # row 0 is the top, which is the high end
        return ColourBar(colours[::-1].copy(), strip.box, "vertical", "top", strip.clean)
    return ColourBar(colours, strip.box, "horizontal", "right", strip.clean)


def _without_marks(colours: NDArray[np.float64]) -> NDArray[np.float64]:
    """Lines across the bar (ticks) are bridged by the colours on either side."""
    usual = median_filter(colours, size=(min(9, len(colours) | 1), 1), mode="nearest")
    away = np.abs(colours - usual).max(axis=1)
    wrong = away > max(25.0, 6 * float(np.median(away)))
    wrong[[0, -1]] = False
    if not wrong.any():
        return colours
    place, kept = np.arange(len(colours)), ~wrong
    bridged = [np.interp(place, place[kept], colours[kept, c]) for c in range(3)]
    return np.asarray(np.stack(bridged, axis=1), dtype=np.float64)


def _sharp_ends(colours: NDArray[np.float64]) -> NDArray[np.float64]:
    """JPEG mixes the last two rows with what lies beyond: they go on as the rows before them do."""
    if len(colours) < 24:
        return colours
    mended = colours.copy()
    for ordered in (mended, mended[::-1]):  # views: both write into ``mended``
        slope = np.median(np.diff(ordered[2:9], axis=0), axis=0)
        ordered[1] = np.clip(ordered[2] - slope, 0, 255)
        ordered[0] = np.clip(ordered[2] - 2 * slope, 0, 255)
    return mended
