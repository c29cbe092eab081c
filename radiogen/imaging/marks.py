"""Marks that a scanner draws into its pictures: calipers, dotted lines and text.

Ink differs from tissue by its edges: a stroke of one to four pixels, of one grey value or colour, that falls to the
ground beside it within a single pixel.  Speckle and fascia are drawn through the beam and the interpolation of the
scanner, so that their edges take several pixels.  What is sharp enough to be ink still has to have the shape of a mark:
crossed strokes (calipers), a row of even dots (the line between them), or letters side by side (text).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radiogen.imaging.image import COLOUR_SHARE, LUMINANCE, Image, coloured_pixels
from radiogen.imaging.regions import Mask, bounding_box, box_slices

Floats = NDArray[np.float64]

#: strokes must be narrower, in pixels, less two for the places where they meet
_WINDOW = 7
#: the same in pictures of so many rows and more, whose letters are drawn larger
_LARGE_ROWS, _LARGE_WINDOW = 1000, 11
#: of a full scale of 255: how bright ink is at least, how far above the ground that is broader than a stroke
_BRIGHT, _ABOVE = 140.0, 50.0
#: mean fall of one step across the border of a stroke, of 255, and as a share of its height over the ground.  On the 92
#: lesions of BUSI, tissue falls by 36 at most (77 in simulated pictures with pixels as large as the speckle; of its
#: height 0.6 at most, 0.7 simulated) and ink by 100 in the median (0.95)
_FALL, _FALL_SHARE = 50.0, 0.62
#: distance between the channels of coloured ink, and the factor by which its luminance is made up: green has 150 of 255
_COLOURED, _MADE_UP = 40.0, 1.6
#: hues are told of pixels whose channels are so far apart, of so many at least; in bins of so many degrees
_HUE_CLEAR, _HUE_PIXELS, _HUE_BIN = 80, 30, 6
#: ink: so many bins hold this share of the coloured pixels
_INKS, _INK_SHARE = 6, 0.9
#: standard deviation of the grey values of one stroke: smoothed fonts have 30
_SPREAD = 45.0
#: pixels of the smallest letter, and of the largest dot
_LETTER_PIXELS, _DOT_PIXELS = 8, 14
#: arms of a caliper, in pixels
_ARM = (3, 20)
#: letters: rows, and the gap to the next one as a share of them
_LETTER_ROWS, _LETTER_GAP = (5, 40), 0.9
#: a word whose letters touch: columns for each row, and the mean number of strokes that a row of pixels crosses
_WORD, _WORD_STROKES = (1.5, 15.0), 2.0
#: dots of a line, at least, and the largest gap between two of them
_DOTS, _DOT_GAP = 7, 16.0
#: pixels around the region that are searched with it: marks at its border reach beyond it
_AROUND = 40


@dataclass(frozen=True, eq=False)
class Marks:
    """Where the marks are.

    Parameters
    ----------
    calipers : ndarray of bool, H × W
        Crosses (+ and ×), the dotted lines between them, and digits beside them.
    text : ndarray of bool, H × W
        Letters and digits, two and more side by side.
    """

    calipers: Mask
    text: Mask

    @property
    def all(self) -> Mask:
        """Marks of every kind."""
        return np.asarray(self.calipers | self.text)


def find_marks(image: Image, within: Mask | None = None, *, colour: bool | None = None) -> Marks:
    """Find calipers and text that are burnt into a picture.

    Parameters
    ----------
    image : Image
        Grey or colour; of a loop the frame in the middle is looked at.
    within : ndarray of bool, shape ``image.shape``, optional
        Where marks matter; they are searched for there and 40 pixels around.  Default: the whole picture.
    colour : bool, optional
        Whether colour is what is measured (elastography, Doppler): then white marks alone are found, otherwise those of
        every colour.  Default: told by the picture, by its share of coloured pixels (5 % and more) and by their
        hues: ink has a few, measured colour a range.

    Returns
    -------
    Marks

    Notes
    -----
    Missed are marks on tissue as bright as they are, strokes wider than about four pixels (eight in pictures of 1,000 rows
    and more), marks of a picture that was made smaller after they were drawn, and single letters.

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.imaging import Image
    >>> from radiogen.imaging.marks import find_marks
    >>> grey = np.full((60, 60), 40.0)
    >>> grey[30:32, 25:37] = grey[25:37, 30:32] = 225                      # a caliper: crossed strokes
    >>> found = find_marks(Image(grey, None, "PNG", "L"))
    >>> int(found.calipers.sum()), int(found.text.sum())
    (44, 0)
    """
    calipers, text = np.zeros(image.shape, dtype=bool), np.zeros(image.shape, dtype=bool)
    if within is not None and not within.any():
        return Marks(calipers, text)
    place = box_slices(bounding_box(within, _AROUND)) if within is not None else (slice(None), slice(None))
    window = _LARGE_WINDOW if image.shape[0] >= _LARGE_ROWS else _WINDOW
    for plane in _planes(image, place, colour):
        ink = _strokes(plane, window)
        measured, written = _shapes(ink)
        calipers[place] |= measured
        text[place] |= written
    return Marks(calipers, text & ~calipers)


def _planes(image: Image, place: tuple[slice, slice], colour: bool | None) -> list[Floats]:
    """Brightness in which ink stands out, on a scale of 255.

    Of coloured ink the brightest channel; and, since JPEG smears colour and keeps the luminance sharp, the luminance
    with the ink's made up to that of white.
    """
    still = image.frame(image.n_frames // 2)
    pixels = np.asarray(still.pixels[place])
    if still.kind == "grey":
        return [np.asarray(pixels, dtype=np.float64) * (255.0 / full_scale(image))]
    if _measures(still) if colour is None else colour:
        return [pixels.min(axis=2).astype(np.float64)]
    brightest = pixels.max(axis=2).astype(np.float64)
    coloured = pixels.min(axis=2) + _COLOURED < brightest
    if not coloured.any():
        return [brightest]
    from scipy.ndimage import maximum_filter

    luminance = pixels.astype(np.float64) @ LUMINANCE
    return [brightest, np.where(maximum_filter(coloured, 3), _MADE_UP * luminance, luminance)]


def _measures(still: Image) -> bool:
    """Whether the colours of a picture are a measurement and not ink."""
    coloured = coloured_pixels(still.pixels)
    if float(coloured.mean()) > COLOUR_SHARE:
        return True
    pixels = still.pixels[coloured].astype(np.float64)
    pixels = pixels[np.ptp(pixels, axis=1) >= _HUE_CLEAR]
    if len(pixels) < _HUE_PIXELS:
        return False
    red, green, blue = pixels.T
    hue = np.arctan2(np.sqrt(3.0) * (green - blue), 2 * red - green - blue)
    counts = np.bincount((np.degrees(hue) // _HUE_BIN).astype(np.intp) % (360 // _HUE_BIN), minlength=360 // _HUE_BIN)
    return float(np.sort(counts)[::-1][:_INKS].sum()) < _INK_SHARE * len(pixels)


def _shapes(ink: _Ink) -> tuple[Mask, Mask]:
    """Calipers with their lines and digits, and text, among strokes of ink."""
    from scipy.ndimage import binary_dilation

    if not len(ink.numbers):
        return ink.mask, ink.mask
    crosses = _crosses(ink)
    measured = crosses | _dotted(ink, crosses)
    letters = _letters(ink, measured)
    if crosses.any():  # the digit beside a caliper
        near = binary_dilation(crosses, np.ones((3, 3)), iterations=8)
        measured |= np.isin(ink.labels, np.setdiff1d(np.unique(ink.labels[near & ~letters]), [0]))
    return measured, letters


def full_scale(image: Image) -> float:
    """The brightest value that the picture's pixels could hold.

    Returns
    -------
    float
        255 for 8 bits and colour; else the least 2ⁿ − 1 that is not below the maximum.

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.imaging import Image
    >>> from radiogen.imaging.marks import full_scale
    >>> full_scale(Image(np.array([[0.0, 90.0]]), None, "PNG", "L"))
    255.0
    >>> full_scale(Image(np.array([[0.0, 3000.0]]), None, "TIFF", "I;16"))
    4095.0
    """
    top = float(image.pixels.max()) if image.kind == "grey" and image.pixels.size else 255.0
    return 255.0 if top <= 255 else float(2 ** int(np.ceil(np.log2(top + 1))) - 1)


# -- ink ------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Ink:
    """Strokes as sharp as ink: their pixels, numbers, and per stroke area, value and box."""

    mask: Mask
    labels: NDArray[np.int32]
    numbers: NDArray[np.intp]
    area: Floats
    value: Floats
    centres: Floats
    boxes: NDArray[np.intp]


def _strokes(v: Floats, window: int) -> _Ink:
    """Thin, bright, even and sharp: the strokes that could be ink."""
    from scipy import ndimage

    ground = ndimage.maximum_filter(ndimage.minimum_filter(v, window), window)
    above = v - ground
    candidates = (v >= _BRIGHT) & (above >= _ABOVE)
    labels, n = ndimage.label(candidates, np.ones((3, 3)))
    if n == 0:
        return _ink(candidates, labels, np.zeros(0, np.intp), v)
    rows, columns = np.nonzero(candidates)
    which = labels[rows, columns]
    fall, steps = _falls(v, candidates, rows, columns)

    def total(values: Floats | None = None) -> Floats:
        return np.bincount(which, weights=values, minlength=n + 1)[1:].astype(np.float64)

    size, inside = total(), v[rows, columns]
    mean_fall = total(fall) / np.maximum(total(steps), 1)
    height = total(above[rows, columns]) / size
    spread = np.sqrt(np.maximum(total(inside**2) / size - (total(inside) / size) ** 2, 0))
    sharp = (mean_fall >= _FALL) & (mean_fall >= _FALL_SHARE * height) & (spread <= _SPREAD)
    return _ink(candidates, labels, 1 + np.flatnonzero(sharp), v)


def _ink(candidates: Mask, labels: NDArray[np.int32], numbers: NDArray[np.intp], v: Floats) -> _Ink:
    from scipy import ndimage

    mask = np.isin(labels, numbers) & candidates
    kept = np.where(mask, labels, 0)
    if not len(numbers):
        return _Ink(mask, kept, numbers, np.zeros(0), np.zeros(0), np.zeros((0, 2)), np.zeros((0, 4), np.intp))
    found = ndimage.find_objects(kept)
    boxes = np.array([[s.start if e == 0 else s.stop for s in found[n - 1] for e in (0, 1)] for n in numbers], dtype=np.intp)
    return _Ink(
        mask, kept, numbers, np.asarray(ndimage.sum_labels(mask, kept, numbers)), np.asarray(ndimage.mean(v, kept, numbers)),
        np.asarray(ndimage.center_of_mass(mask, kept, numbers)), boxes,
    )  # fmt: skip


def _falls(v: Floats, inside: Mask, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> tuple[Floats, Floats]:
    """At each pixel of a mask the fall to its neighbours outside, summed, and how many they are."""
    padded, within = np.pad(v, 1, mode="edge"), np.pad(inside, 1, mode="edge")
    here = v[rows, columns]
    fall, steps = np.zeros(len(rows)), np.zeros(len(rows))
    for down, across in ((0, 1), (2, 1), (1, 0), (1, 2)):
        border = ~within[rows + down, columns + across]
        fall += np.where(border, here - padded[rows + down, columns + across], 0.0)
        steps += border
    return fall, steps


# -- shapes ---------------------------------------------------------------------------------------

_UPRIGHT = ((-1, 0), (1, 0), (0, -1), (0, 1))
_OBLIQUE = ((-1, -1), (1, 1), (-1, 1), (1, -1))


def _crosses(ink: _Ink) -> Mask:
    """Strokes crossed at right angles with arms of even length; one arm may run on into a line or a digit."""
    found = np.zeros_like(ink.mask)
    for number, box in zip(ink.numbers, ink.boxes, strict=True):
        top, bottom, left, right = (int(b) for b in box)
        if min(bottom - top, right - left) < 2 * _ARM[0] + 1:
            continue
        part = ink.labels[top:bottom, left:right] == number
        cross = _cross(part, _UPRIGHT, _OBLIQUE) | _cross(part, _OBLIQUE, _UPRIGHT)
        if cross.any():
            found[top:bottom, left:right] |= cross
    return found


def _cross(part: Mask, arms: tuple[tuple[int, int], ...], gaps: tuple[tuple[int, int], ...]) -> Mask:
    """The crosses of one stroke with arms along four directions and nothing between them."""
    rows, columns = np.nonzero(part)
    lengths = np.stack([_run(part, rows, columns, step) for step in arms])
    ordered = np.sort(lengths, axis=0)
    # three of the arms are alike; the longest one may be a line that begins here
    even = (ordered[0] >= _ARM[0]) & (ordered[2] <= _ARM[1]) & (ordered[0] >= 0.5 * ordered[2])
    out = np.zeros_like(part)
    for i in np.flatnonzero(even):
        half = max(2, round(float(ordered[1, i]) * (0.6 if arms is _UPRIGHT else 0.8)))
        open_ = sum(not _at(part, rows[i] + half * a, columns[i] + half * b) for a, b in gaps)
        reach = int(ordered[2, i]) + 1
        if open_ >= 3:
            top, left = max(rows[i] - reach, 0), max(columns[i] - reach, 0)
            place = (slice(top, rows[i] + reach + 1), slice(left, columns[i] + reach + 1))
            out[place] |= part[place]
    return out


def _run(part: Mask, rows: NDArray[np.intp], columns: NDArray[np.intp], step: tuple[int, int]) -> NDArray[np.intp]:
    """Pixels of the stroke that follow each other from each pixel in one direction, that pixel not counted."""
    padded = np.pad(part, 1)
    length, going = np.zeros(len(rows), dtype=np.intp), np.ones(len(rows), dtype=bool)
    r, c = rows + 1, columns + 1
    for _ in range(_ARM[1] + 5):
        r = np.clip(r + step[0], 0, padded.shape[0] - 1)
        c = np.clip(c + step[1], 0, padded.shape[1] - 1)
        going = going & padded[r, c]
        if not going.any():
            break
        length += going
    return length


def _at(part: Mask, row: int, column: int) -> bool:
    return 0 <= row < part.shape[0] and 0 <= column < part.shape[1] and bool(part[row, column])


def _dotted(ink: _Ink, crosses: Mask) -> Mask:
    """Rows of small dots or dashes of one value, evenly spaced along a straight line."""
    small = ink.area <= _DOT_PIXELS
    found = np.zeros_like(ink.mask)
    numbers, at, value = ink.numbers[small], ink.centres[small], ink.value[small]
    for _ in range(6):  # calipers come in twos or threes
        chain = _line(at, value)
        if chain is None:
            break
        found |= np.isin(ink.labels, numbers[chain])
        keep = np.ones(len(numbers), dtype=bool)
        keep[chain] = False
        numbers, at, value = numbers[keep], at[keep], value[keep]
    return found & ~crosses


def _line(at: Floats, value: Floats) -> NDArray[np.intp] | None:
    """The longest chain of evenly spaced dots on one straight line, or None where there is none of enough dots."""
    if not _DOTS <= len(at) <= 3000:
        return None
    angle = np.deg2rad(np.arange(0, 180, 1.0))
    distance = at[:, :1] * np.sin(angle) + at[:, 1:] * np.cos(angle)
    bins = np.round(distance / 1.5).astype(np.intp)
    bins -= bins.min()
    counts = np.zeros((len(angle), int(bins.max()) + 1), dtype=np.intp)
    np.add.at(counts, (np.broadcast_to(np.arange(len(angle)), bins.shape), bins), 1)
    best: NDArray[np.intp] | None = None
    for flat in np.argsort(counts, axis=None, kind="stable")[::-1][:12]:
        which, place = np.unravel_index(int(flat), counts.shape)
        if counts[which, place] < _DOTS:
            break
        chosen = np.flatnonzero(np.abs(distance[:, which] / 1.5 - (place + np.round(distance / 1.5).min())) <= 1.0)
        along = at[chosen, 0] * np.cos(angle[which]) - at[chosen, 1] * np.sin(angle[which])
        chain = _even_chain(chosen[np.argsort(along, kind="stable")], np.sort(along), value)
        if chain is not None and (best is None or len(chain) > len(best)):
            best = chain
    return best


def _even_chain(order: NDArray[np.intp], along: Floats, value: Floats) -> NDArray[np.intp] | None:
    """The longest part of a row of dots whose gaps are small, and even but for a few dots lost in bright tissue."""
    gaps = np.diff(along)
    parts = np.split(np.arange(len(order)), np.flatnonzero(gaps > _DOT_GAP) + 1)
    part = max(parts, key=len)
    if len(part) < _DOTS:
        return None
    inner = np.diff(along[part])
    typical = float(np.median(inner))
    alike = np.abs(inner - typical) <= max(1.0, 0.25 * typical)
    ink = value[order[part]]
    if typical < 2 or alike.mean() < 0.6 or float(np.median(np.abs(ink - np.median(ink)))) > _SPREAD:
        return None
    return np.asarray(order[part])


def _letters(ink: _Ink, taken: Mask) -> Mask:
    """Letters and digits: strokes of the height of letters, two and more side by side."""
    top, bottom, left, right = ink.boxes.T
    rows, columns = bottom - top, right - left
    free = ~np.isin(ink.numbers, np.unique(ink.labels[taken]))
    high = free & (ink.area >= _LETTER_PIXELS) & (rows >= _LETTER_ROWS[0]) & (rows <= _LETTER_ROWS[1])
    wide = np.flatnonzero(high & (columns > _WORD[0] * rows) & (columns <= _WORD[1] * rows))
    words = [i for i in wide if _is_word(ink, int(i))]
    at = np.flatnonzero(high & (columns <= _WORD[0] * rows))
    t, b, le, r, h = top[at], bottom[at], left[at], right[at], rows[at]
    shared = np.minimum(b[:, None], b) - np.maximum(t[:, None], t)
    gap = np.maximum(le[:, None], le) - np.minimum(r[:, None], r)
    tall = np.maximum(h[:, None], h)
    beside = (shared >= 0.6 * tall) & (gap <= _LETTER_GAP * tall) & (gap >= 0)
    beside &= np.abs(ink.value[at][:, None] - ink.value[at]) <= _SPREAD
    np.fill_diagonal(beside, False)
    return np.isin(ink.labels, ink.numbers[[*at[beside.any(axis=1)], *words]]) & ink.mask


def _is_word(ink: _Ink, index: int) -> bool:
    """Whether a wide stroke is made of letters: its rows cross several strokes, those of a line or a border one."""
    top, bottom, left, right = (int(b) for b in ink.boxes[index])
    part = np.pad(ink.labels[top:bottom, left:right] == ink.numbers[index], ((0, 0), (1, 0)))
    return float((part[:, 1:] & ~part[:, :-1]).sum(axis=1).mean()) >= _WORD_STROKES
