"""Numbers on the quality of one picture, and which of them are worth a look.

They say whether a picture can be measured, not what is in it: sharpness, saturation, contrast of the lesion, shadow,
marks drawn over it, and calibration.  Nothing is set aside by them; :func:`flags` names what a reader should look at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from radiogen.errors import fail
from radiogen.imaging.image import LUMINANCE, Image, Spacing, coloured_pixels
from radiogen.imaging.marks import find_marks, full_scale
from radiogen.imaging.regions import Mask, bounding_box, box_slices

Floats = NDArray[np.float64]

#: names of the numbers, in their order
NAMES = (
    "focus", "saturated_pct", "black_pct", "cnr", "gcnr", "shadow_index", "marks_in_roi_pct", "text_over_lesion",
    "calipers_in_roi", "calibrated", "n_frames", "rows", "columns",
)  # fmt: skip


@dataclass(frozen=True)
class Threshold:
    """When a number is worth a look.

    Parameters
    ----------
    name : str
        One of :data:`NAMES`.
    side : {"below", "above"}
    value : float
        Strictly below, strictly above.
    words : str
        What a reader is told.
    """

    name: str
    side: Literal["below", "above"]
    value: float
    words: str

    def crossed(self, value: float) -> bool:
        """Whether a number is beyond; not known is not."""
        return bool(value < self.value if self.side == "below" else value > self.value)


#: flag -> threshold.  They were set on the 92 lesions of BUSI as they are (5th, 50th, 95th percentile, share flagged) and
#: on the same pictures made worse.  Focus 0.48, 0.58, 0.65, none (simulated pictures 0.69, 0.74, 0.79): a blur with a
#: standard deviation of 1 pixel flags 11 %, of 1.5 pixels 47 %, of 2 pixels 99 %.  Saturated 0, 0, 0.05 %, none: twice the
#: gain flags 72 %.  Black 0, 0.05, 24 %, 3 % (cysts): 60 grey levels less flag 61 %.  gCNR 0.31, 0.67, 0.87, 4 %.  Shadow
#: index -0.38, -0.04, 0.56, 4 %: most shadows belong to the lesion, these hide what is below it.
THRESHOLDS: Mapping[str, Threshold] = {
    "blurred": Threshold("focus", "below", 0.40, "not sharp: out of focus, or enlarged after it was taken"),
    "saturated": Threshold("saturated_pct", "above", 2.0, "part of the lesion is at the top of the grey scale"),
    "black": Threshold("black_pct", "above", 50.0, "more than half of the lesion is black: a cyst, or too little gain"),
    "low contrast": Threshold("gcnr", "below", 0.25, "the lesion hardly differs from what is around it"),
    "shadow": Threshold("shadow_index", "above", 0.60, "a shadow hides what lies below the lesion"),
    "text": Threshold("text_over_lesion", "above", 0.5, "text is written over the lesion"),
    "calipers": Threshold("calipers_in_roi", "above", 0.5, "calipers are drawn into the lesion"),
}

#: pixels of the window of the second blur; the measure saturates at blurs of that width
_BLUR = 9
#: pixels around the lesion in which sharpness is measured, and the longest side that is looked at
_AROUND, _SIDE = 40, 512
#: grey values within this of the ends of a full scale of 255 are at the ends: JPEG moves them
_ENDS = 2.0
#: ring of the contrast: from so many pixels off the border, as wide as this share of the lesion's radius, within bounds
_GAP, _RING_SHARE, _RING = 2, 0.5, (6.0, 60.0)
#: rows of a lesion from which on every second pixel is enough for its contrast, and so on
_ENOUGH = 150
#: bins of the histograms of the generalised contrast over the full scale: at most, at least, and pixels for each
_BINS, _PER_BIN = (8, 64), 20
#: fewest pixels of a sample
_FEWEST = 30
#: mean grey value of 255 below which depth alone has taken the signal, so that there is no shadow to see
_DARK = 8.0


def assess(
    image: Image, mask: Mask | None = None, *, spacing_mm: Spacing | None = None, colour: bool | None = None
) -> dict[str, float]:
    """Numbers on the quality of a picture.

    Parameters
    ----------
    image : Image
        Still or loop; of a loop the frame in the middle is looked at.
    mask : ndarray of bool, shape ``image.shape``, optional
        The lesion.  Without it what concerns the lesion is NaN, and sharpness and saturation are those of the picture.
    spacing_mm : (float, float), optional
        Millimetres per row and column at the lesion, where known.
    colour : bool, optional
        Whether colour is what is measured (elastography, Doppler), so that it is no mark; default told by the picture
        (:func:`radiogen.imaging.marks.find_marks`).

    Returns
    -------
    dict of str to float
        Always all of :data:`NAMES`, NaN where a number does not apply:

        - ``focus``, 0 to 1: how much of the change from pixel to pixel a blur of 9 pixels would take away, the mean of
          both directions [1]_; in the lesion's box and 40 pixels around it, in units of pixels: a picture that was
          enlarged is less sharp.
        - ``saturated_pct``, ``black_pct``: share of the lesion at the top of the scale and at 0, in %.
        - ``cnr``: difference of the means of the lesion and of the ring around it, over the root of the sum of their
          variances.
        - ``gcnr``, 0 to 1: generalised contrast-to-noise ratio [2]_, one less the overlap of the histograms of lesion
          and ring.  It hardly depends on the grey map.
        - ``shadow_index``, -1 to 1: (beside − below) / (beside + below) of the mean grey below the lesion and at the
          same depth at its sides.  Above 0 the lesion casts a shadow, below it enhances.
        - ``marks_in_roi_pct``, ``text_over_lesion`` (0, 1), ``calipers_in_roi`` (0, 1):
          :func:`radiogen.imaging.marks.find_marks`.  Text beside the lesion is no fault.
        - ``calibrated`` (0, 1), ``n_frames``, ``rows``, ``columns``.

    Raises
    ------
    RadiogenError
        RG504 where the mask has another size.

    Notes
    -----
    In colour pictures the grey pixels alone count: what is covered with colour has no grey value.  Marks are left out
    of all numbers but their own.

    References
    ----------
    .. [1] Crété-Roffet F et al. The blur effect. Proc. SPIE 6492, 2007. doi 10.1117/12.702790
    .. [2] Rodriguez-Molares A et al. The generalized contrast-to-noise ratio. IEEE TUFFC 67:745, 2020.
       doi 10.1109/TUFFC.2019.2956855

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.imaging import Image
    >>> from radiogen.imaging.quality import assess
    >>> grey = np.full((90, 90), 120.0); mask = np.zeros((90, 90), bool); mask[30:60, 30:60] = True
    >>> grey[mask] = 40
    >>> found = assess(Image(grey, None, "PNG", "L"), mask)
    >>> found["gcnr"], found["calibrated"], found["marks_in_roi_pct"]
    (1.0, 0.0, 0.0)
    """
    if mask is not None and mask.shape != image.shape:
        (rows, columns), (high, wide) = mask.shape, image.shape
        raise fail("RG504", f"the mask has {rows} × {columns} pixels, the image {high} × {wide}")
    found = dict.fromkeys(NAMES, float("nan"))
    found["calibrated"] = float(spacing_mm is not None)
    found["n_frames"], (found["rows"], found["columns"]) = float(image.n_frames), map(float, image.shape)
    lesion = mask if mask is not None and mask.any() else None
    still = image.frame(image.n_frames // 2)
    if lesion is None:
        grey, usable = _grey(still, full_scale(image), (slice(None), slice(None)))
        found["saturated_pct"], found["black_pct"] = _ends(grey, usable)
        middle = _window(grey.shape, None)
        found["focus"] = _sharpness(grey[middle], usable[middle])
        return found
    top, bottom, left, right = bounding_box(lesion)
    place = box_slices(bounding_box(lesion, max(bottom - top + 1, right - left + 1, int(_RING[1])) + 2 * _GAP + 1))
    marks, part = find_marks(image, lesion, colour=colour), lesion[place]
    text, calipers = marks.text[place], marks.calipers[place]
    found["marks_in_roi_pct"] = 100.0 * float((text | calipers)[part].mean())
    found["text_over_lesion"], found["calipers_in_roi"] = float(text[part].any()), float(calipers[part].any())
    grey, usable = _grey(still, full_scale(image), place)
    usable &= ~(text | calipers)
    found["cnr"], found["gcnr"] = _contrast(grey, part, usable)
    found["shadow_index"] = _shadow(grey, part, usable)
    found["saturated_pct"], found["black_pct"] = _ends(grey, part & usable)
    around = _window(grey.shape, part)
    found["focus"] = _sharpness(grey[around], usable[around])
    return found


def flags(quality: Mapping[str, float]) -> tuple[str, ...]:
    """What of a picture is worth a look: the keys of :data:`THRESHOLDS` whose threshold is crossed.

    Parameters
    ----------
    quality : mapping of str to float
        As :func:`assess` gives it; more numbers do no harm, and those that are missing or NaN raise no flag.

    Examples
    --------
    >>> from radiogen.imaging.quality import flags
    >>> flags({"focus": 0.6, "calipers_in_roi": 1.0}), flags({"focus": float("nan")})
    (('calipers',), ())
    """
    return tuple(flag for flag, t in THRESHOLDS.items() if t.crossed(quality.get(t.name, float("nan"))))


def _grey(still: Image, top: float, place: tuple[slice, slice]) -> tuple[Floats, Mask]:
    """Grey values of a part of a still on a scale of 255, and which pixels have one."""
    pixels = still.pixels[place]
    if still.kind == "grey":
        return np.asarray(pixels, dtype=np.float64) * (255.0 / top), np.ones(pixels.shape, dtype=bool)
    return np.asarray(pixels.astype(np.float64) @ LUMINANCE), ~coloured_pixels(pixels)


def _ends(grey: Floats, where: Mask) -> tuple[float, float]:
    values = grey[where]
    if values.size < _FEWEST:
        return float("nan"), float("nan")
    return 100.0 * float((values >= 255 - _ENDS).mean()), 100.0 * float((values <= _ENDS).mean())


# -- sharpness ------------------------------------------------------------------------------------


def _window(shape: tuple[int, int], lesion: Mask | None) -> tuple[slice, slice]:
    """The lesion's box with its surroundings, or the picture; of what is very large the middle."""
    box = (0, shape[0] - 1, 0, shape[1] - 1) if lesion is None else bounding_box(lesion, _AROUND)
    rows, columns = box_slices(box)
    return _middle(rows), _middle(columns)


def _middle(part: slice) -> slice:
    extra = max(part.stop - part.start - _SIDE, 0)
    return slice(part.start + extra // 2, part.start + extra // 2 + min(part.stop - part.start, _SIDE))


def _sharpness(grey: Floats, usable: Mask) -> float:
    """One less the blur effect of Crété-Roffet, the mean of both directions."""
    from scipy.ndimage import binary_dilation, uniform_filter1d

    if min(grey.shape) <= 2 * _BLUR:
        return float("nan")
    clear = usable if usable.all() else ~binary_dilation(~usable, np.ones((_BLUR, _BLUR)))
    found = []
    for axis in (0, 1):
        change = np.abs(np.diff(grey, axis=axis))
        left = np.abs(np.diff(uniform_filter1d(grey, _BLUR, axis=axis), axis=axis))
        # at the ends the window holds what is not there
        inner = tuple(slice(_BLUR // 2, -(_BLUR // 2)) if a == axis else slice(None) for a in (0, 1))
        both = (clear[1:] & clear[:-1] if axis == 0 else clear[:, 1:] & clear[:, :-1])[inner]
        change, left = change[inner], left[inner]
        total = float(change[both].sum())
        if total <= 0:
            return float("nan")
        found.append(float(np.maximum(change - left, 0)[both].sum()) / total)
    return sum(found) / 2


# -- contrast and shadow --------------------------------------------------------------------------


def _contrast(grey: Floats, lesion: Mask, usable: Mask) -> tuple[float, float]:
    """CNR and gCNR of the lesion against the ring around it, without what lies in its shadow."""
    step = max(1, int(np.sqrt(lesion.sum()) / _ENOUGH))
    grey, lesion, usable = grey[::step, ::step], lesion[::step, ::step], usable[::step, ::step]
    inside, outside = grey[lesion & usable], grey[_ring(lesion, step) & usable]
    if min(inside.size, outside.size) < _FEWEST:
        return float("nan"), float("nan")
    noise = float(np.hypot(inside.std(), outside.std()))
    cnr = abs(float(inside.mean() - outside.mean())) / noise if noise > 0 else float("nan")
    # few pixels in many bins overlap little whatever they are
    bins = int(np.clip(min(inside.size, outside.size) // _PER_BIN, *_BINS))
    a, b = (
        np.bincount(np.clip(x * (bins / 255.0), 0, bins - 1).astype(np.intp), minlength=bins) / x.size for x in (inside, outside)
    )
    return cnr, 1.0 - float(np.minimum(a, b).sum())


def _ring(lesion: Mask, step: int) -> Mask:
    """The ring around a lesion of which every so manieth pixel is given."""
    from scipy.ndimage import distance_transform_edt

    low, high = _RING
    width = float(np.clip(_RING_SHARE * np.sqrt(lesion.sum() / np.pi), low / step, high / step))
    if not lesion.any():
        return np.zeros_like(lesion)
    gap = _GAP / step
    place = box_slices(bounding_box(lesion, int(np.ceil(gap + width)) + 1))
    part = lesion[place]
    distance = distance_transform_edt(~part)
    ring = (distance > gap) & (distance <= gap + width)
    columns = np.flatnonzero(part.any(axis=0))
    below = np.arange(part.shape[0])[:, None] > np.flatnonzero(part.any(axis=1)).mean()
    ring[:, columns[0] : columns[-1] + 1] &= ~below
    out = np.zeros_like(lesion)
    out[place] = ring
    return out


def _shadow(grey: Floats, lesion: Mask, usable: Mask) -> float:
    """Grey below the lesion against grey at the same depth at its sides."""
    top, bottom, left, right = bounding_box(lesion)
    height, width = bottom - top + 1, right - left + 1
    first, last = bottom + 1 + _GAP, min(bottom + 1 + _GAP + max(height, 10), grey.shape[0])
    core = slice(left + width // 4, right + 1 - width // 4)
    sides = (slice(max(left - width, 0), max(left - width // 4, 0)), slice(right + 1 + width // 4, right + 1 + width))
    rows = slice(first, last)
    below = grey[rows, core][usable[rows, core]]
    beside = np.concatenate([grey[rows, s][usable[rows, s]] for s in sides])
    if min(below.size, beside.size) < _FEWEST or float(beside.mean()) < _DARK:
        return float("nan")
    return float((beside.mean() - below.mean()) / (beside.mean() + below.mean()))
