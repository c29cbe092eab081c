"""Colour and power Doppler: flow apart from grey, its direction and velocity, and the indices of a lesion.

The pulsed-wave strips are measured by :mod:`radiogen.imaging.flow.spectrum`, whose public names stand here too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from radiogen.errors import Problem, RadiogenError, fail, problem
from radiogen.imaging.colour.colourbar import ColourBar, find_colour_bar
from radiogen.imaging.colour.strips import chroma
from radiogen.imaging.flow.flowindices import FLOW_NAMES, flow_indices
from radiogen.imaging.flow.flowpixels import FlowPixels, find_flow, places_on_bar
from radiogen.imaging.flow.spectrum import SPECTRUM_NAMES, Calibration, Spectrum, calibrate, measure_spectrum
from radiogen.imaging.image import Image, Spacing, check_spacing, coloured_pixels, positive
from radiogen.imaging.regions import Box, Mask, as_box, bounding_box, box_slices, region_mask

__all__ = [
    "FLOW_NAMES", "SPECTRUM_NAMES", "Calibration", "Flow", "Spectrum", "calibrate", "measure_flow", "measure_spectrum",
]  # fmt: skip

#: rows and columns around the bar in which its frame and ticks lie
_BAR_MARGIN = 3
#: chroma (of 255) below which a colour in the middle of a bar is its dark gap
_GAP_CHROMA = 14.0
#: vessels may look like a bar: around a lesion none is searched for, so far as this share of the lesion's width
_VESSELS_BEYOND = 0.2
#: a bar found in a box of known place covers at least this share of its length
_MOST_OF_BOX = 0.75
#: where the gap lies farther than this share of the bar from the zero of the scale, the baseline was moved
_OFF_ZERO = 0.1


@dataclass(frozen=True, eq=False)
class Flow:
    """What was measured in a colour or power Doppler picture.

    Parameters
    ----------
    coloured : ndarray of bool, H × W
        Pixels that show flow.
    direction : ndarray of int8, H × W
        1 towards the probe, -1 away from it, 0 without flow, in power pictures and without a colour bar.
    amplitude : ndarray of float64, H × W
        0 to 1: velocity as a share of its end of the scale, or place on the bar of power; NaN without flow or bar.
    velocity_cm_s : ndarray of float64, H × W
        Positive towards the probe; NaN where there is no flow or no scale.
    labels : ndarray of int, H × W
        Number of the connected region (eight neighbours) of at least 4 pixels; 0 without flow.
    bar : ColourBar or None
    lesion : ndarray of bool, H × W
        The lesion as far as flow can be shown in it.
    soft : bool
        Whether the picture's colour edges are soft (JPEG, resized).
    values : mapping of str to float
        Numbers by the names of :data:`FLOW_NAMES`; what could not be measured is not in it.
    missing : mapping of str to str
        Why, by name.
    quality : mapping of str to float
        ``in_field_share`` of the lesion, ``soft_edges`` (1 or 0), ``colour_bar`` (1 or 0).
    problems : tuple of Problem
        Warnings: RG519 no bar, RG520 a bar that does not fit the scale, RG521 a lesion partly outside the colour box.
    """

    coloured: Mask
    direction: NDArray[np.int8]
    amplitude: NDArray[np.float64]
    velocity_cm_s: NDArray[np.float64]
    labels: NDArray[np.int64]
    bar: ColourBar | None
    lesion: Mask
    soft: bool
    values: Mapping[str, float]
    missing: Mapping[str, str]
    quality: Mapping[str, float]
    problems: tuple[Problem, ...] = field(default=())


def measure_flow(
    image: Image | NDArray[np.uint8],
    mask: Mask,
    *,
    spacing_mm: float | Spacing | None = None,
    scale_max: float | None = None,
    scale_min: float | None = None,
    bar: Box | ColourBar | None = None,
    power: bool = False,
) -> Flow:
    """Measure the flow shown in a lesion.

    Parameters
    ----------
    image : Image or ndarray of uint8, H × W × 3
        A still; a grey picture has no flow.
    mask : ndarray of bool, H × W
        The lesion.
    spacing_mm : float or (float, float), optional
        Millimetres per row and per column.  Default: that of the image at the lesion; None there too: lengths and
        areas are missing.
    scale_max, scale_min : float, optional
        Velocity in cm/s at the upper and lower end of the bar; ``scale_min`` by default minus ``scale_max``.  Without
        them velocities are missing, and the zero of the bar is the middle of its dark gap (without a gap its middle).
    bar : (top, bottom, left, right) or ColourBar, optional
        Place of the colour bar.  Default: from the DICOM regions, else searched for beside the lesion.
    power : bool, default False
        Power Doppler: one bar of amplitude; no direction, no velocity.

    Returns
    -------
    Flow

    Raises
    ------
    RadiogenError
        RG505 empty mask, RG504 a mask of another size, RG511 a loop, RG522 a lesion outside the colour box, RG519 no
        bar in the declared box, RG509 wrong spacing, RG708 a scale whose ends are not in order.

    Notes
    -----
    The upper end of the bar is flow towards the probe, whichever colour it has.  A velocity beyond the scale comes
    back at its other end (aliasing) and is decoded there: that is not undone.  Colours lie over the grey without
    transparency.  Where the file has a DICOM region of colour flow, flow is looked for in it alone and the
    lesion counts as far as it lies in it; otherwise in the whole picture but the bar.  Definitions of the indices:
    :func:`radiogen.imaging.flow.flowindices.flow_indices`.

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.imaging.doppler import measure_flow
    >>> picture = np.full((100, 100, 3), 60, np.uint8)
    >>> picture[48:51, 30:50] = (200, 0, 0)                 # a red vessel of 3 × 20 pixels
    >>> mask = np.zeros((100, 100), bool); mask[20:80, 20:80] = True
    >>> flow = measure_flow(picture, mask, spacing_mm=0.1)
    >>> round(flow.values["vascularity_index_pct"], 2), round(flow.values["vessel_length_mm"], 2)
    (1.67, 2.0)
    >>> flow.missing["flow_index"]
    'the picture has no colour bar'
    """
    rgb = _rgb(image)
    shape = (rgb.shape[0], rgb.shape[1])
    _check(mask, shape, scale_max, scale_min)
    spacing = check_spacing(spacing_mm)
    if spacing is None and isinstance(image, Image):
        spacing = image.spacing_for(mask)
    problems: list[Problem] = []
    box, lesion = _fields(image, mask, shape, problems)
    found = _bar(image, rgb, bar, power, _no_bar(box, mask), problems)
    shown = box & ~found.mask(shape, _BAR_MARGIN) if found is not None else box
    pixels = find_flow(rgb, shown, found)
    amplitude, signed = _decoded(rgb, pixels, found, power, scale_max, scale_min, problems)
    direction = np.zeros(shape, dtype=np.int8)
    if not power:
        direction[pixels.coloured & (signed > 0)] = 1
        direction[pixels.coloured & (signed < 0)] = -1
    velocity = np.full(shape, np.nan)
    if scale_max is not None and not power and found is not None:
        velocity = np.where(signed >= 0, signed * scale_max, -signed * _low(scale_max, scale_min))
    why = "the picture has no colour bar" if found is None else "power Doppler has no direction" if power else ""
    values, missing = flow_indices(
        pixels.coloured, lesion, spacing_mm=spacing, amplitude=None if found is None else amplitude,
        direction=None if why else direction, velocity_cm_s=None if why or scale_max is None else velocity, no_direction=why,
    )  # fmt: skip
    quality = {
        "in_field_share": float(lesion.sum() / mask.sum()),
        "soft_edges": float(pixels.soft),
        "colour_bar": float(found is not None),
    }
    return Flow(pixels.coloured, direction, amplitude, velocity, pixels.labels, found, lesion, pixels.soft, values, missing,
                quality, tuple(problems))  # fmt: skip


def _rgb(image: Image | NDArray[np.uint8]) -> NDArray[np.uint8]:
    if isinstance(image, Image):
        return image.rgb()
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise fail("RG705", f"a colour picture is H × W × 3 of type uint8, not {image.shape} of {image.dtype}")
    return image


def _check(mask: Mask, shape: tuple[int, int], scale_max: float | None, scale_min: float | None) -> None:
    if mask.shape != shape:
        raise fail("RG504", f"the mask has {mask.shape[0]} × {mask.shape[1]} pixels, the image {shape[0]} × {shape[1]}")
    if mask.dtype != np.bool_:
        raise fail("RG705", f"the mask must be of type bool, it is {mask.dtype}")
    if not mask.any():
        raise fail("RG505", "the mask has no pixel")
    if scale_max is not None and not positive(scale_max):
        raise fail("RG708", "scale_max must be above zero", value=scale_max)
    if scale_min is not None and (scale_max is None or not scale_min < 0):
        raise fail("RG708", "scale_min is a velocity away from the probe, below zero, and needs scale_max", value=scale_min)


def _low(scale_max: float, scale_min: float | None) -> float:
    return -scale_max if scale_min is None else scale_min


def _fields(
    image: Image | NDArray[np.uint8], mask: Mask, shape: tuple[int, int], problems: list[Problem]
) -> tuple[Mask, Mask]:
    """Where flow can be shown, and the part of the lesion that lies there."""
    regions = image.regions_of("colour flow") if isinstance(image, Image) else ()
    if not regions:
        return np.ones(shape, dtype=bool), mask
    box = np.zeros(shape, dtype=bool)
    for region in regions:
        box |= region_mask(region, shape)
    lesion = mask & box
    share = float(lesion.sum() / mask.sum())
    if share == 0:
        raise fail("RG522", "the lesion lies outside the colour box")
    if share < 1:
        problems.append(problem("RG521", f"{1 - share:.0%} of the lesion lies outside the colour box and is not counted"))
    return box, lesion


def _no_bar(box: Mask, mask: Mask) -> Mask:
    """Where no bar is searched for: the colour box where it is known, and around the lesion, where vessels are."""
    margin = round(_VESSELS_BEYOND * float(np.sqrt(mask.sum())))
    near = np.zeros_like(mask)
    near[box_slices(bounding_box(mask, margin=margin))] = True
    return near if box.all() else near | box


def _bar(
    image: Image | NDArray[np.uint8], rgb: NDArray[np.uint8], bar: Box | ColourBar | None, power: bool, without: Mask,
    problems: list[Problem],
) -> ColourBar | None:
    """The colour bar; a picture without one still has its coloured pixels."""
    if isinstance(bar, ColourBar):
        return bar
    regions = image.regions_of("colour bar") if isinstance(image, Image) else ()
    box = None if bar is None else as_box(bar)
    try:
        kind: Literal["sequential", "diverging"] = "sequential" if power else "diverging"
        found = find_colour_bar(rgb, regions=regions, box=box, kind=kind, exclude=without)
    except RadiogenError as error:
        if error.code != "RG519" or box is not None:
            raise
        text = "no colour bar was found: coloured pixels are counted, their direction and velocity are not known"
        if not coloured_pixels(rgb).any():
            text = "the picture has no colour at all, not even a bar: it counts as a lesion without vessels; is it B-mode?"
        problems.append(problem("RG519", text, severity="warning"))
        return None
    if box is None and regions:
        (top, bottom), (left, right) = regions[0].rows, regions[0].columns
        box = (max(top, 0), min(bottom, rgb.shape[0] - 1), max(left, 0), min(right, rgb.shape[1] - 1))
    return found if box is None or power else _both_halves(rgb, found, box)


def _both_halves(rgb: NDArray[np.uint8], found: ColourBar, box: Box) -> ColourBar:
    """The whole of a known box where only one half of a diverging bar was recognised in it."""
    vertical = box[1] - box[0] >= box[3] - box[2]
    crop = rgb[box_slices(box)].astype(np.float64)
    crop = crop[::-1] if vertical else crop.transpose(1, 0, 2)
    if len(found.colours) >= _MOST_OF_BOX * len(crop):
        return found
    inner = crop[:, crop.shape[1] // 4 : max(crop.shape[1] // 4 + 1, crop.shape[1] - crop.shape[1] // 4)]
    return ColourBar(np.median(inner, axis=1), box, "vertical" if vertical else "horizontal", "top" if vertical else "right",
                     clean=False)  # fmt: skip


def _decoded(
    rgb: NDArray[np.uint8], pixels: FlowPixels, bar: ColourBar | None, power: bool, scale_max: float | None,
    scale_min: float | None, problems: list[Problem],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Amplitude from 0 to 1, and the same with the sign of the direction; NaN without flow or bar."""
    signed = np.full(pixels.coloured.shape, np.nan)
    if bar is None:
        return signed, signed.copy()
    signed[pixels.coloured] = places_on_bar(rgb[pixels.coloured], bar, pixels.soft)
    if power:
        return signed, signed.copy()
    zero = _zero(np.hypot(*chroma(bar.colours).T), scale_max, scale_min, problems)
    signed = np.where(signed >= zero, (signed - zero) / max(1 - zero, 1e-9), (signed - zero) / max(zero, 1e-9))
    return np.abs(signed), signed


def _zero(strength: NDArray[np.float64], scale_max: float | None, scale_min: float | None, problems: list[Problem]) -> float:
    """Where velocity zero lies on the bar, from 0 (lower end) to 1."""
    middle = slice(len(strength) // 10, len(strength) - len(strength) // 10)
    dark = np.flatnonzero(strength[middle] <= _GAP_CHROMA) + middle.start
    gap = float(dark.mean() / (len(strength) - 1)) if len(dark) else None
    if scale_max is None:
        return 0.5 if gap is None else gap
    low = _low(scale_max, scale_min)
    zero = -low / (scale_max - low)
    if gap is not None and abs(gap - zero) > _OFF_ZERO:
        scale = f"the zero of the scale ({low:g} to {scale_max:g} cm/s) at {zero:.0%}"
        text = f"the dark middle of the colour bar lies at {gap:.0%} of its length, {scale}"
        fix = "Declare both `scale_min` and `scale_max` as they stand at the ends of the bar."
        problems.append(problem("RG520", text, severity="warning", fix=fix))
    return float(zero)
