"""Shear-wave elastography: the colours of a picture turned into stiffness by the picture's own colour bar."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from radiogen.errors import Problem, fail, problem
from radiogen.imaging.colour.blending import CELL, Curve, curve_of, impossible, solve
from radiogen.imaging.colour.colourbar import ColourBar, find_colour_bar
from radiogen.imaging.colour.compression import has_jpeg_traces
from radiogen.imaging.colour.opacity import Opacity, estimate_opacity, speckle_opacity
from radiogen.imaging.colour.outliers import marks, settled
from radiogen.imaging.colour.overlay import find_overlay
from radiogen.imaging.colour.strips import Floats, chroma
from radiogen.imaging.image import Image, coloured_pixels
from radiogen.imaging.regions import Box, Mask, as_box, box_mask

Unit = Literal["kPa", "m/s"]
#: units of stiffness (Young's modulus) and of shear-wave speed
UNITS: tuple[Unit, ...] = ("kPa", "m/s")
#: pixels around the bar that are no overlay: its frame, its ticks, and what JPEG mixes
_MARGIN = 3
#: a pixel is not decoded from this distance to the bar's colours on (of 255): so many times the picture's own noise, …
_TIMES = 5.0
#: … at least and at most this much (lossless and compressed)
_LEAST, _LEAST_LOSSY, _MOST = 1.6, 6.0, 15.0
#: grey values beyond black and white that rounding, and JPEG, may add
_SLACK, _SLACK_LOSSY = 1.5, 6.0
#: fewer coloured pixels than this are no overlay
_FEWEST = 50
#: where a smaller share of the overlay has colours of the bar the bar is not the overlay's
_FITTING = 0.5
#: uncertainty of the opacity that moves the values by more than this share of the scale is told
_DOUBT = 0.02


@dataclass(frozen=True, repr=False, eq=False)
class StiffnessMap:
    """Stiffness per pixel of a picture.

    Parameters
    ----------
    values : ndarray, H × W float64
        Stiffness in ``unit``; NaN outside the overlay and where a pixel could not be decoded.
    residual : ndarray, H × W float64
        Distance of each pixel of the overlay to the nearest colour that the bar can make over any grey, in units
        of 0 to 255 (Euclidean, over red, green and blue), less what the map may bend between two rows of the bar;
        NaN outside.
    overlay : ndarray of bool, H × W
        Where the colours lie.
    flagged : ndarray of bool, H × W
        Pixels of the overlay that were not decoded: text, cross-hairs, no colour, colours that are not on the bar.
    opacity : float
        Of the overlay, 0 to 1.
    opacity_range : (float, float)
        Opacities that explain the picture as well; equal to ``opacity`` twice where it was declared.
    threshold : float
        Residual above which pixels are flagged.
    bar : ColourBar
    unit : {"kPa", "m/s"}
    scale : (float, float)
        Values at the low and high end of the bar.
    problems : tuple of Problem
        Warnings of decoding.
    """

    values: NDArray[np.float64]
    residual: NDArray[np.float64]
    overlay: Mask
    flagged: Mask
    opacity: float
    opacity_range: tuple[float, float]
    threshold: float
    bar: ColourBar
    unit: Unit
    scale: tuple[float, float]
    problems: tuple[Problem, ...] = ()

    @property
    def decoded(self) -> Mask:
        """Where there is a value; H × W."""
        return self.overlay & ~self.flagged

    @property
    def saturated(self) -> Mask:
        """Decoded pixels at the high end of the scale (the last 1 %): the tissue may be stiffer; H × W."""
        low, high = self.scale
        with np.errstate(invalid="ignore"):
            return np.asarray(self.values >= high - 0.01 * (high - low))

    @property
    def counts(self) -> dict[str, int]:
        """Pixels of the overlay, decoded, flagged and saturated."""
        masks = {"overlay": self.overlay, "decoded": self.decoded, "flagged": self.flagged, "saturated": self.saturated}
        return {name: int(mask.sum()) for name, mask in masks.items()}

    def to_kpa(self, density: float = 1000.0) -> StiffnessMap:
        """Shear-wave speed as Young's modulus, E = 3 ρ c²; a map in kPa as it is.

        That holds for tissue that is elastic, isotropic, incompressible and large against the wave length.

        Parameters
        ----------
        density : float, default 1000
            ρ in kg/m³; that of soft tissue is 950 to 1060.

        Raises
        ------
        RadiogenError
            RG708 where the density is not above zero.

        References
        ----------
        Shiina T et al. WFUMB guidelines and recommendations for clinical use of ultrasound elastography: part 1.
        Ultrasound Med Biol 2015;41(5):1126-1147. doi:10.1016/j.ultrasmedbio.2015.03.009
        """
        if not (math.isfinite(density) and density > 0):
            raise fail("RG708", "the density must be above zero, in kg/m³", value=density)
        if self.unit == "kPa":
            return self
        factor = 3 * density / 1000  # Pa to kPa
        low, high = self.scale
        return replace(self, values=factor * self.values**2, unit="kPa", scale=(factor * low**2, factor * high**2))

    def __repr__(self) -> str:
        counts = self.counts
        low, high = self.scale
        text = f"{counts['decoded']:,} of {counts['overlay']:,} pixels decoded, {low:g} to {high:g} {self.unit}"
        return f"<StiffnessMap {text}, opacity {self.opacity:.2f}>"


def decode_stiffness(
    image: Image | NDArray[np.uint8],
    *,
    scale_max: float | None,
    scale_min: float | None = None,
    unit: str = "kPa",
    bar: Box | ColourBar | None = None,
    opacity: float | None = None,
    box: Box | None = None,
) -> StiffnessMap:
    """Stiffness of every pixel of the colour overlay of a shear-wave picture.

    Each pixel is taken as ``opacity · C(t) + (1 − opacity) · g``: the colour at place t of the picture's own colour
    bar, laid over an unknown grey g.  The part of the pixel across the grey axis does not depend on g and gives t;
    the rest must be a grey value between 0 and 255, which decides where two places of the bar have the same tint
    (a bar from black through red and yellow to white).  The place is the value's share of the scale, which is linear.

    Parameters
    ----------
    image : Image or ndarray, H × W × 3 uint8
        A still.
    scale_max : float or None
        Value at the high end of the bar.  It is never read off the picture.
    scale_min : float, optional
        Value at the low end; default 0, as in all scanners.
    unit : {"kPa", "m/s"}, default "kPa"
        What the scale counts: Young's modulus or shear-wave speed.
    bar : (top, bottom, left, right) or ColourBar, optional
        Place of the colour bar; default the DICOM region, else found (:func:`find_colour_bar`).
    opacity : float, optional
        0 to 1; default estimated from the picture.
    box : (top, bottom, left, right), optional
        Place of the overlay; default found as the coloured area.

    Returns
    -------
    StiffnessMap

    Raises
    ------
    RadiogenError
        RG520 scale missing or not understood, RG519 no colour bar, or one whose colours the overlay does not have,
        RG522 no coloured area, RG511 a grey or 16-bit picture or a loop, RG708 boxes beyond the picture or an opacity
        outside 0 to 1.

    Notes
    -----
    A pixel is flagged and left out where its distance to all colours of the bar is above five times the picture's
    median distance (at least 1.6 of 255 and at most 15; at least 4 in a picture with traces of JPEG), or where its
    value jumps out of its surroundings: stiffness maps are smooth, marks are thin.  Where the end of a colour map is
    grey, white or black, marks of the same grey have a residual of 0 and only the second rule finds them.

    Not decoded rightly are overlays that are not mixed linearly (hue with the B-mode's brightness), tinted B-mode,
    and scales that are not linear.

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.imaging.elastography import decode_stiffness
    >>> ramp = np.linspace(0, 1, 100)
    >>> colours = 255 * np.stack([ramp, 1 - np.abs(2 * ramp - 1), 1 - ramp], axis=1)
    >>> picture = np.zeros((140, 160, 3))
    >>> picture[20:120, 140:150] = colours[::-1, None]
    >>> picture[20:120, 10:110] = 0.5 * colours[None] + 0.5 * 90
    >>> found = decode_stiffness(np.rint(picture).astype(np.uint8), scale_max=180)
    >>> found
    <StiffnessMap 10,000 of 10,000 pixels decoded, 0 to 180 kPa, opacity 0.50>
    >>> bool(np.abs(found.values[60, 10:110] - 180 * ramp).max() < 1)
    True
    """
    scale = _checked_scale(scale_min, scale_max, unit)
    if opacity is not None and not 0 < opacity <= 1:
        raise fail("RG708", "the opacity must lie between 0 and 1", value=opacity)
    rgb = image.rgb() if isinstance(image, Image) else _checked_pixels(image)
    if not coloured_pixels(rgb).any():
        raise fail("RG511", "the picture has no colour: an elastogram's stiffness is in its colours",
                   fix="Export the elastogram in colour, with its colour bar.")
    found = bar if isinstance(bar, ColourBar) else find_colour_bar(
        rgb, box=None if bar is None else as_box(bar), regions=image.regions if isinstance(image, Image) else ()
    )  # fmt: skip
    lossy = not found.clean or (isinstance(image, Image) and image.format == "JPEG") or has_jpeg_traces(rgb)
    beside = found.mask((rgb.shape[0], rgb.shape[1]), _MARGIN)
    where = find_overlay(rgb, beside, lossy=lossy) if box is None else box_mask(as_box(box), rgb.shape[:2]) & ~beside
    if int(where.sum()) < _FEWEST:
        raise fail("RG522", "the picture has no area of transparent colour beside its colour bar")
    return _decoded(rgb, where, found, opacity, lossy, scale, "kPa" if unit == "kPa" else "m/s")


def _decoded(
    rgb: NDArray[np.uint8], where: Mask, bar: ColourBar, opacity: float | None, lossy: bool, scale: tuple[float, float],
    unit: Unit,
) -> StiffnessMap:
    curve = curve_of(bar.colours, clean=not lossy)
    colours = rgb[where]
    slack = _SLACK_LOSSY if lossy else _SLACK
    if opacity is None:
        speckle = speckle_opacity(rgb, where, bar.mask((rgb.shape[0], rgb.shape[1]), _MARGIN))
        known = estimate_opacity(colours, curve, slack, speckle)
    else:
        known = Opacity(float(opacity), float(opacity), float(opacity), math.nan)
    shares, residual = _places(where, colours, curve, known.value, slack)
    noise = float(np.median(residual[where]))
    threshold = float(np.clip(_TIMES * noise, _LEAST_LOSSY if lossy else _LEAST, _MOST))
    blur = known.value * float(np.linalg.norm(np.diff(curve.tints, axis=0), axis=1).sum()) if lossy else 0.0
    wrong = marks(shares, residual, rgb.mean(axis=2), where, threshold, blur=blur)
    fitting = 1 - float(wrong.sum() / where.sum())
    if fitting < _FITTING:
        raise fail("RG519", f"only {fitting:.0%} of the coloured area has colours of the colour bar {bar!r}")
    low, high = scale
    values = np.where(where & ~wrong, low + (high - low) * shares, np.nan)
    remarks = () if opacity is not None else _doubts(known, colours[:: max(1, len(colours) // 500)], curve)
    return StiffnessMap(
        values, np.where(where, residual, np.nan), where, wrong, known.value, (known.low, known.high), threshold, bar, unit,
        scale, remarks,
    )  # fmt: skip


def _places(where: Mask, colours: NDArray[np.uint8], curve: Curve, opacity: float, slack: float) -> tuple[Floats, Floats]:
    """Place on the bar and residual of every pixel of the overlay, H × W."""
    pixels = colours.astype(np.float64)
    tints, brightness = chroma(pixels), pixels.mean(axis=1)
    cells = np.rint(tints / CELL).astype(np.int64)
    _, first, inverse = np.unique(cells[:, 0] * 100_000 + cells[:, 1], return_index=True, return_inverse=True)
    found = solve(tints[first], curve, opacity)
    places, distances = found.places[inverse], found.distances[inverse]
    extra = impossible(brightness[:, None], places, curve, opacity, slack)
    costs = np.hypot(distances, extra)
    best = costs.argmin(axis=1)
    rows = np.arange(len(best))
    shares, residual = np.zeros(where.shape), np.zeros(where.shape)
    near = costs <= (costs[rows, best] + 1.0 + 0.5 * float(np.median(costs[rows, best])))[:, None]
    torn = (near & (np.abs(places - places[rows, best][:, None]) > 0.03)).any(axis=1)
    if torn.any() and not torn.all():
        best = settled(where, places, near, best, torn)
    shares[where] = places[rows, best]
    bends = opacity * np.interp(shares[where], curve.places, curve.bends)
    residual[where] = np.maximum(costs[rows, best] - bends, 0)
    return shares, residual


def _doubts(known: Opacity, colours: NDArray[np.uint8], curve: Curve) -> tuple[Problem, ...]:
    """A warning where the opacity is so uncertain that the values are."""
    pixels = colours.astype(np.float64)
    ends = [solve(chroma(pixels), curve, a).places[:, 0] for a in (known.low, known.high)]
    change = float(np.median(np.abs(ends[0] - ends[1]))) / 2
    if change <= _DOUBT:
        return ()
    text = f"the opacity of the overlay cannot be told well from its colours ({known.low:.2f} to {known.high:.2f})"
    text += f"; values may be wrong by {change:.0%} of the scale"
    return (problem("RG528", text, fix="Declare `opacity`, from the scanner's settings."),)


def _checked_scale(low: float | None, high: float | None, unit: str) -> tuple[float, float]:
    if unit not in UNITS:
        raise fail("RG520", f"the unit of the scale must be one of {', '.join(UNITS)}", value=unit)
    if high is None:
        raise fail("RG520", "the value at the high end of the colour bar is not declared", column="scale_max")
    first = 0.0 if low is None else float(low)
    if not (math.isfinite(first) and math.isfinite(high) and 0 <= first < high):
        raise fail("RG520", "the scale must run from a value that is not negative to a higher one", value=[low, high])
    return first, float(high)


def _checked_pixels(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8:
        raise fail("RG511", f"a picture of H × W × 3 uint8 is needed, not {pixels.shape} {pixels.dtype}")
    return pixels
