"""Which pixels of a Doppler picture show flow: colour apart from grey."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_closing, label, maximum_filter
from scipy.spatial import cKDTree

from radiogen.imaging.colour.colourbar import ColourBar
from radiogen.imaging.colour.strips import chroma
from radiogen.imaging.image import LUMINANCE
from radiogen.imaging.regions import Mask

Floats = NDArray[np.float64]

#: distance from the grey axis (of 255) above which a pixel is coloured: JPEG leaves less in grey pictures
_COLOURED = 14.0
#: traces of colour: above rounding, below colour.  A picture with more of them than this share of its coloured pixels
#: has soft edges: it was compressed with loss or resized
_TRACE, _SOFT = 3.0, 0.15
#: in a picture with soft edges a pixel shows flow where it has this share of the strongest colour in the window around
#: it, as that colour was before it was smeared; somewhat less than half, because a thin vessel lost more than its edge.
#: On simulated vessels of 1 to 6 pixels in JPEG of quality 85 this share leaves the area as it was
_HALF, _AROUND = 0.44, 5
#: colours of flow have the hue of some colour of the bar, to within so many degrees; in soft pictures
_HUE, _SOFT_HUE = 15.0, 30.0
#: a mark drawn in one colour that is not on the bar differs from the bar's colours by at least this much (of 255)
_OFF_BAR = 60.0
#: weight of the hue against the brightness (of 255) where a bar's colour is looked for by both
_HUE_WEIGHT = 80.0
#: connected pixels that are flow, at least: fewer are noise
LEAST_PIXELS = 4
_EIGHT = np.ones((3, 3), dtype=bool)


@dataclass(frozen=True, eq=False)
class FlowPixels:
    """Where flow is shown.

    Parameters
    ----------
    coloured : ndarray of bool, H × W
    labels : ndarray of int, H × W
        Number of the connected region (eight neighbours) from 1; 0 without flow.
    soft : bool
        Whether the picture has soft colour edges (JPEG, resized), so that colour is judged against the strongest beside it.
    """

    coloured: Mask
    labels: NDArray[np.int64]
    soft: bool


def find_flow(rgb: NDArray[np.uint8], field: Mask, bar: ColourBar | None = None) -> FlowPixels:
    """The pixels of a picture that show flow.

    A pixel is coloured where it lies off the grey axis by more than 14 of 255; a tint that the whole grey picture has is
    taken off first.  Compression with loss and resizing smear colour into the grey beside a vessel.  Where a picture
    has many traces of colour, a pixel therefore counts only if it has 44 % of the strongest colour within two pixels
    (of the strength that its brightness gives it on the bar), so that the edge stays where it was.  With a colour
    bar, only hues of the bar count: green and white marks do not.  Connected groups of fewer than 4 pixels are noise.

    Parameters
    ----------
    rgb : ndarray of uint8, H × W × 3
    field : ndarray of bool, H × W
        Where flow can be shown: the colour box, or the picture without its bar.
    bar : ColourBar, optional

    Returns
    -------
    FlowPixels
    """
    tint = chroma(rgb.astype(np.float64))
    tint = tint - _ground(rgb, tint, field)
    strength = np.hypot(tint[..., 0], tint[..., 1])
    strong = (strength > _COLOURED) & field
    traces = (strength > _TRACE) & ~strong & field
    soft = int(traces.sum()) > _SOFT * max(int(strong.sum()), 1)
    coloured = strong
    if soft:
        full = strength if bar is None else _unsmeared(rgb, strength, strong, bar)
        coloured = strong & (strength >= _HALF * _of_strongest(full, strength * field))
        # smearing leaves gaps in thin vessels
        coloured |= binary_closing(coloured, structure=_EIGHT) & strong
    if bar is not None and coloured.any():
        coloured[coloured] = _hue_of_bar(tint[coloured], bar, _SOFT_HUE if soft else _HUE)
    labels, number = label(coloured, structure=_EIGHT)
    keep = np.bincount(labels.ravel(), minlength=number + 1) >= LEAST_PIXELS
    keep[0] = False
    if bar is not None and not soft and number:
        keep[1:] &= _near_bar(rgb, labels, number, bar)
    coloured = keep[labels]
    labels, _ = label(coloured, structure=_EIGHT)
    return FlowPixels(coloured, np.asarray(labels, dtype=np.int64), soft)


def _of_strongest(values: Floats, strength: Floats) -> Floats:
    """At every pixel the value that stands where the strength is largest within the window around it."""
    number = np.arange(strength.size, dtype=np.int64).reshape(strength.shape)
    packed = (np.rint(16 * strength).astype(np.int64) << 32) + number
    return np.asarray(values.ravel()[maximum_filter(packed, size=_AROUND) & 0xFFFFFFFF], dtype=np.float64)


def _unsmeared(rgb: NDArray[np.uint8], strength: Floats, strong: Mask, bar: ColourBar) -> Floats:
    """Strength of colour before it was smeared, if a pixel shows flow.

    Compression with loss keeps the brightness of every pixel and smears its colour.  Brightness and hue together give
    the colour of the bar, whose strength is the one sought; it is not less than what is left of it, nor
    more than twice as much.
    """
    full = strength.copy()
    if strong.any():
        sharp = chroma(bar.colours[_like(rgb[strong], bar)])
        full[strong] = np.clip(np.hypot(sharp[:, 0], sharp[:, 1]), strength[strong], 2 * strength[strong])
    return full


def places_on_bar(colours: NDArray[np.uint8], bar: ColourBar, soft: bool) -> Floats:
    """Where on the bar colours stand, from 0 (low end) to 1.

    Parameters
    ----------
    colours : ndarray of uint8, n × 3
    bar : ColourBar
    soft : bool
        Whether the colours were smeared: then brightness and hue decide, otherwise the nearest colour.
    """
    if soft:
        nearest = _like(colours, bar)
    else:
        usable = np.flatnonzero(_chromatic(bar))
        nearest = usable[cKDTree(bar.colours[usable]).query(colours.astype(np.float64))[1]]
    return np.asarray(nearest / (len(bar.colours) - 1), dtype=np.float64)


def _chromatic(bar: ColourBar) -> Mask:
    """Places of the bar that are colours of flow: not its dark gap."""
    strength = np.hypot(*chroma(bar.colours).T)
    return strength > _COLOURED if (strength > _COLOURED).any() else np.ones(len(strength), dtype=bool)


def _like(colours: NDArray[np.uint8], bar: ColourBar) -> NDArray[np.int64]:
    """Numbers of the bar's colours that are like the given ones in brightness and hue."""
    usable = np.flatnonzero(_chromatic(bar))

    def marks(values: Floats) -> Floats:
        return np.column_stack([values @ LUMINANCE, _HUE_WEIGHT * _unit(chroma(values))])

    return np.asarray(usable[cKDTree(marks(bar.colours[usable])).query(marks(colours.astype(np.float64)))[1]])


def _unit(tint: Floats) -> Floats:
    return tint / np.maximum(np.hypot(tint[:, 0], tint[:, 1]), 1e-9)[:, None]


def _ground(rgb: NDArray[np.uint8], tint: Floats, field: Mask) -> Floats:
    """The tint of the grey picture itself by its brightness, where it has one; else nothing.

    Some scanners show B-mode in sepia or blue.  Then most pixels, not a few, lie off the grey axis.
    """
    light = np.rint(rgb @ LUMINANCE).astype(np.int64)
    seen = field & (light > 20)
    if not seen.any() or float(np.median(np.hypot(*tint[seen].T))) <= _TRACE:
        return np.zeros((1, 1, 2))
    bins = light // 16
    medians, known = np.zeros((16, 2)), np.zeros(16, dtype=bool)
    for number in range(16):
        inside = field & (bins == number)
        if int(inside.sum()) >= 50:
            medians[number], known[number] = np.median(tint[inside], axis=0), True
    if not known.any():
        return np.zeros((1, 1, 2))
    places = np.arange(16) * 16 + 8.0
    smooth = [np.interp(np.arange(256), places[known], medians[known, axis]) for axis in range(2)]
    return np.stack(smooth, axis=1)[light]


def _hue_of_bar(tint: Floats, bar: ColourBar, degrees: float) -> Mask:
    """Whether the hue of each tint is that of some colour of the bar."""
    known = chroma(bar.colours[_chromatic(bar)])
    distance, _ = cKDTree(_unit(known)).query(_unit(tint))
    return np.asarray(distance <= 2 * np.sin(np.radians(degrees) / 2), dtype=bool)


def _near_bar(rgb: NDArray[np.uint8], labels: NDArray[np.int64], number: int, bar: ColourBar) -> Mask:
    """Whether each region has colours of the bar, and not one colour of its own, as marks have."""
    inside = labels > 0
    distance, _ = cKDTree(bar.colours).query(rgb[inside].astype(np.float64))
    off = np.bincount(labels[inside], distance > _OFF_BAR, minlength=number + 1)[1:]
    return np.asarray(off <= 0.5 * np.bincount(labels[inside], minlength=number + 1)[1:], dtype=bool)
