"""Contrast-enhanced ultrasound: from a loop with a mask to the time-intensity curves of lesion and reference."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from radiogen.errors import Findings, Problem, fail
from radiogen.imaging.bolus.cine import Cine, intensities
from radiogen.imaging.bolus.motion import Motion, follow
from radiogen.imaging.image import Image, coloured_pixels
from radiogen.imaging.regions import Box, Mask, as_box, bounding_box, box_mask, box_slices, region_mask

Floats = NDArray[np.float64]

#: a frame in which more than this share of a region has left the pane is left out
_LEFT_PANE = 0.2
#: a region with more white pixels than this has lost part of its amplitude
_WHITE = 0.02
#: panes whose sides differ by no more than this are of one size
_SAME_SIZE = 2
#: a pane with more coloured pixels than this is tinted
_TINTED = 0.05
TWO_DIMENSIONAL = 1


@dataclass(frozen=True)
class Panes:
    """The contrast pane, the tissue pane beside it where there is one, and the masks in the contrast pane."""

    contrast: Box
    tissue: Box | None
    mask: Mask
    reference: Mask | None


@dataclass(frozen=True)
class TimeIntensity:
    """Time-intensity curves of one loop.

    Parameters
    ----------
    times_s : ndarray of float64, length N
    lesion : ndarray of float64, length N
        Mean intensity of the lesion; NaN in frames left out.
    reference : ndarray of float64, length N, or None
        That of the reference region, where one is given.
    linear : bool
        Whether intensities are linear in the power of the echo.
    unit : {"linear a.u.", "relative grey"}
        1 linear a.u. is the power that the scanner shows as black; relative grey is the grey level, 0 to 255.
    shifts_px : ndarray of float64, N × 2
        How far each frame has moved since the first, in pixels of the contrast pane: rows, columns.
    excluded : ndarray of bool, length N
        Frames left out because they lie too far away.
    panes : Panes
    cine : Cine
        The contrast pane, for maps.
    saturated_share : float
        Share of white pixels of the lesion in the frame that has most.
    problems : tuple of Problem
        RG527, RG528, RG533, RG514.
    """

    times_s: Floats
    lesion: Floats
    reference: Floats | None
    linear: bool
    unit: Literal["linear a.u.", "relative grey"]
    shifts_px: Floats
    excluded: NDArray[np.bool_]
    panes: Panes
    cine: Cine
    saturated_share: float
    problems: tuple[Problem, ...] = ()

    def curve_of(self, *masks: Mask) -> Floats:
        """Curves of other regions of the contrast pane, in the same way; masks × N."""
        curves = self.cine.curves(*masks)
        curves[:, self.excluded] = np.nan
        return curves


def time_intensity(
    image: Image,
    mask: Mask,
    *,
    times_s: Floats | None = None,
    dynamic_range_db: float | None = None,
    contrast_box: Box | list[int] | None = None,
    tissue_box: Box | list[int] | None = None,
    reference: Mask | None = None,
    motion: Literal["rigid", "none"] = "rigid",
) -> TimeIntensity:
    """The time-intensity curves of a lesion, and of a reference region, in a contrast loop.

    Parameters
    ----------
    image : Image
        The loop, 8 bits, grey or in a colour map; it is not changed.
    mask : ndarray of bool, H × W
        The lesion, drawn where it lies in the first frame; without a tissue pane, where it lies most of the time.
    times_s : ndarray of float, length N, optional
        Time of each frame in seconds; default ``image.frame_times_s``.
    dynamic_range_db : float, optional
        Range of the log compression, from black to white.  Declared, never guessed: without it the curves are mean
        grey levels, ``linear`` is False, and amplitudes are relative.
    contrast_box, tissue_box : (top, bottom, left, right), optional
        Places of the contrast pane and of the B-mode pane beside it, in pixels from 0, both ends inside.
    reference : ndarray of bool, H × W, optional
        A region beside the lesion to compare it with, in the same pane as the mask.
    motion : {"rigid", "none"}, default "rigid"
        Whether the frames are moved back by a shift.

    Returns
    -------
    TimeIntensity

    Raises
    ------
    RadiogenError
        RG532 no loop, RG525 times not known, RG504 or RG505 mask of another size or empty, RG522 mask outside the
        contrast pane, RG511 more than 8 bits, RG705 wrong times, RG708 wrong range, box or motion.

    Notes
    -----
    Grey levels become intensities pixel by pixel (:func:`radiogen.imaging.bolus.cine.intensities`), and the region is
    averaged after that: the mean of logarithms is not the logarithm of the mean, and in speckle lies 2.5 dB below it.
    Of a tinted map the luminance (ITU-R BT.601) is taken for the grey level, with a remark.

    Panes: where ``contrast_box`` is declared it holds.  Else, where the DICOM file has two-dimensional regions, the one
    in which the mask lies is the contrast pane, and the other one of two is the tissue pane; else the whole picture is
    the contrast pane.  A mask that lies in the declared tissue pane is carried over to the contrast pane if both have
    the same size.

    Motion is followed on the tissue pane, whose brightness does not change (:func:`radiogen.imaging.bolus.motion.follow`);
    without such a pane it is not corrected, and a note says so: before the bolus a contrast pane shows nothing to follow.

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.imaging import Image
    >>> from radiogen.imaging.contrast import time_intensity
    >>> loop = np.zeros((3, 8, 8), np.uint8); loop[1, 2:6, 2:6] = 170; loop[2, 2:6, 2:6] = 85
    >>> image = Image(loop, None, "DICOM", "MONOCHROME2", n_frames=3, frame_times_s=np.array([0.0, 1.0, 2.0]))
    >>> mask = np.zeros((8, 8), bool); mask[2:6, 2:6] = True
    >>> time_intensity(image, mask, dynamic_range_db=60, motion="none").lesion.round(1).tolist()   # 40 and 20 dB
    [0.0, 9999.0, 99.0]
    """
    if not image.is_loop:
        raise fail("RG532", "a time-intensity curve needs a loop; this is one still picture")
    if motion not in ("rigid", "none"):
        raise fail("RG708", "motion is 'rigid' or 'none'", value=motion)
    if dynamic_range_db is not None and not (math.isfinite(dynamic_range_db) and dynamic_range_db > 0):
        raise fail("RG708", "the dynamic range must be a positive number of dB", value=dynamic_range_db)
    times = _times(image, times_s)
    image = _eight_bits(image)
    panes = find_panes(image, mask, reference, contrast_box, tissue_box)
    found = Findings()
    moved = _motion(image, panes, motion, found)
    cine = Cine(image, panes.contrast, intensities(dynamic_range_db), moved.shifts_px)
    excluded = moved.too_far | (cine.outside(panes.mask) > _LEFT_PANE)
    if excluded.any():
        text = f"{int(excluded.sum())} of {len(times)} frames lie too far from the first, or show another plane"
        found.add("RG533", f"{text}; they were left out of the curve")
    regions = (panes.mask,) if panes.reference is None else (panes.mask, panes.reference)
    curves = cine.curves(*regions)
    curves[:, excluded] = np.nan
    white = cine.saturated(panes.mask)
    _remarks(image, panes, dynamic_range_db, white, found)
    return TimeIntensity(
        times, curves[0], curves[1] if len(regions) == 2 else None, dynamic_range_db is not None,
        "relative grey" if dynamic_range_db is None else "linear a.u.", moved.shifts_px, excluded, panes, cine, white,
        tuple(found),
    )  # fmt: skip


def _times(image: Image, declared: Floats | None) -> Floats:
    known = image.frame_times_s if declared is None else declared
    if known is None:
        raise fail("RG525", f"the times of the {image.n_frames} frames are not known")
    times = np.asarray(known, dtype=np.float64)
    if times.shape != (image.n_frames,):
        raise fail("RG705", f"{image.n_frames} frames need as many times, not an array of shape {times.shape}")
    if not np.isfinite(times).all() or (np.diff(times) <= 0).any():
        raise fail("RG705", "the times of the frames must be finite and increase from frame to frame")
    return times


def _eight_bits(image: Image) -> Image:
    """The loop with uint8 pixels; other kinds only where no level is lost."""
    if image.pixels.dtype == np.uint8:
        return image
    if image.pixels.min() < 0 or image.pixels.max() > 255:
        raise fail("RG511", "a contrast loop is read with 8 bits a pixel, grey levels from 0 to 255; this one has more")
    return replace(image, pixels=np.rint(image.pixels).astype(np.uint8))


# -- panes --------------------------------------------------------------------------------------------------------------


def find_panes(
    image: Image,
    mask: Mask,
    reference: Mask | None = None,
    contrast_box: Box | list[int] | None = None,
    tissue_box: Box | list[int] | None = None,
) -> Panes:
    """Which part of the picture carries contrast and which tissue, and the masks as they lie in the contrast pane.

    Parameters, rules and errors are those of :func:`time_intensity`.
    """
    for region in (mask,) if reference is None else (mask, reference):
        if region.shape != image.shape:
            sizes = [f"{shape[0]} × {shape[1]}" for shape in (region.shape, image.shape)]
            raise fail("RG504", f"the mask is {sizes[0]} pixels, the image {sizes[1]}")
        if not region.any():
            raise fail("RG505", "the mask has no pixel")
    tissue = None if tissue_box is None else _declared(tissue_box, image)
    if contrast_box is not None:
        contrast = _declared(contrast_box, image)
    else:
        contrast, beside = _from_regions(image, mask)
        tissue = tissue or beside
    places = [_in_pane(region, contrast, tissue) for region in ((mask,) if reference is None else (mask, reference))]
    return Panes(contrast, tissue, places[0], places[1] if len(places) == 2 else None)


def _declared(box: Box | list[int], image: Image) -> Box:
    found = as_box(box)
    box_mask(found, image.shape)  # RG708 where it leaves the image
    return found


def _from_regions(image: Image, mask: Mask) -> tuple[Box, Box | None]:
    """The pane of a DICOM file in which the mask lies, and the other one of two; else the whole picture."""
    flat = [r for r in image.regions if r.spatial_format == TWO_DIMENSIONAL]
    boxes = list(dict.fromkeys(bounding_box(region_mask(r, image.shape)) for r in flat if _in_picture(r.rows, r.columns, image)))
    held = [box for box in boxes if (mask & box_mask(box, image.shape)).sum() > 0.5 * mask.sum()]
    if len(held) != 1:
        return (0, image.shape[0] - 1, 0, image.shape[1] - 1), None
    others = [box for box in boxes if box != held[0] and not (box_mask(box, image.shape) & box_mask(held[0], image.shape)).any()]
    return held[0], others[0] if len(others) == 1 else None


def _in_picture(rows: tuple[int, int], columns: tuple[int, int], image: Image) -> bool:
    return rows[0] < image.shape[0] and columns[0] < image.shape[1] and min(rows[1], columns[1]) >= 0 and rows[0] <= rows[1]


def _in_pane(mask: Mask, contrast: Box, tissue: Box | None) -> Mask:
    """The part of a mask in the contrast pane; of a mask in the tissue pane its copy there."""
    inside = mask & box_mask(contrast, mask.shape)
    if inside.any():
        return inside
    if tissue is None or not (mask & box_mask(tissue, mask.shape)).any():
        raise fail("RG522", "the region has no pixel in the contrast pane")
    sizes = [(box[1] - box[0], box[3] - box[2]) for box in (contrast, tissue)]
    if max(abs(a - b) for a, b in zip(*sizes, strict=True)) > _SAME_SIZE:
        raise fail("RG522", "the region lies in the tissue pane, and the contrast pane has another size")
    rows, columns = np.nonzero(mask & box_mask(tissue, mask.shape))
    moved = np.zeros_like(mask)
    moved[
        np.clip(rows - tissue[0] + contrast[0], contrast[0], contrast[1]),
        np.clip(columns - tissue[2] + contrast[2], contrast[2], contrast[3]),
    ] = True
    return moved


# -- motion and remarks -------------------------------------------------------------------------------------------------


def _motion(image: Image, panes: Panes, motion: str, found: Findings) -> Motion:
    n = image.n_frames
    still = Motion(np.zeros((n, 2)), np.ones(n), np.zeros(n, dtype=bool), followed=False)
    if motion == "none":
        return still
    if panes.tissue is None:
        # before the bolus a contrast pane is nearly empty, and what is followed there is noise
        found.add("RG533", "there is no B-mode pane beside the contrast pane: motion is not corrected", severity="note",
                  fix="Declare `tissue_box` where there is one, or `motion: none` to say that none is wanted.")
        return still
    rows, columns = box_slices(panes.tissue)
    moved = follow(image.pixels[:, rows, columns])
    if not moved.followed:
        found.add("RG533", "the pane has no structure that could be followed: motion is not corrected")
    # the two panes may show the same tissue at different sizes
    scale = [
        (panes.contrast[k + 1] - panes.contrast[k] + 1) / (panes.tissue[k + 1] - panes.tissue[k] + 1) for k in (0, 2)
    ]
    return replace(moved, shifts_px=moved.shifts_px * scale)


def _remarks(image: Image, panes: Panes, dynamic_range_db: float | None, white: float, found: Findings) -> None:
    if dynamic_range_db is None:
        found.add("RG527", "the dynamic range is not declared: amplitudes are mean grey levels and relative")
    if white > _WHITE:
        found.add("RG528", f"up to {white:.0%} of the lesion's pixels are white: the top of the curve is cut off")
    if image.kind == "rgb":
        rows, columns = box_slices(bounding_box(panes.mask))
        share = max(float(coloured_pixels(image.pixels[k][rows, columns]).mean()) for k in range(0, image.n_frames, 5))
        if share > _TINTED:
            text = "the contrast pane is tinted; the luminance of its colours was taken as grey level, which holds for"
            found.add("RG514", f"{text} amplitudes only as far as the map's luminance is even. Export it in grey.")
