"""The :class:`Image` that every reader gives: pixels, spacing and where they came from."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from radiogen.errors import Problem, fail, problem
from radiogen.imaging.region import Region as Region
from radiogen.imaging.region import Spacing as Spacing

#: rows × columns of a still that are decoded at most: a 4K screenshot has 8 million
MAX_PIXELS = 100_000_000
#: rows × columns × frames of a loop that are decoded at most: a minute at 10 Hz and 768 × 1024 has 472 million
MAX_LOOP_PIXELS = 600_000_000
#: the largest file that is opened: such a minute, uncompressed in colour, has 1.4 billion bytes
MAX_BYTES = 2_000_000_000
#: the longest side that is decoded
MAX_SIDE = 32_767
#: bytes of decoded pixels: 32-bit and 64-bit files reach them before they reach the number of pixels
MAX_DECODED_BYTES = 2_000_000_000
#: what to do where a file holds more than one picture
SAVE_A_STILL = "Save one frame or page as a file of its own."
#: ITU-R BT.601 weights of red, green and blue in the luminance
LUMINANCE = np.array([0.299, 0.587, 0.114])
#: channels may differ by this much (of 255) and still be grey: JPEG leaves such traces in grey pictures
GREY_TOLERANCE = 12
#: a larger share of coloured pixels is a colour picture, not a grey one with marks on it
COLOUR_SHARE = 0.05


@dataclass(frozen=True, repr=False, eq=False)
class Image:
    """A still picture or a loop in memory; nothing in it names the patient.

    Parameters
    ----------
    pixels : ndarray
        Grey still: H × W float64, as stored (8-bit 0 to 255, 16-bit 0 to 65,535, no rescaling).
        Colour still: H × W × 3 uint8, red, green, blue.
        Loop: N × H × W as stored (uint8, uint16 …: a loop in float64 would not fit into memory), or
        N × H × W × 3 uint8.
    spacing_mm : tuple of float or None
        Millimetres per row and per column; None where it is not known.  Never guessed: the
        print resolution in PNG, JPEG, BMP and TIFF files says nothing about tissue.
    format : str
        Kind of file: ``"PNG"``, ``"JPEG"``, ``"BMP"``, ``"TIFF"``, ``"DICOM"``, ``"NRRD"``, ``"NIfTI"``, ``"AVI"``,
        ``"MP4"``.
    mode : str
        How the pixels were stored, such as ``"L"``, ``"RGB"``, ``"I;16"`` or ``"MONOCHROME2"``.
    regions : tuple of Region
        Calibrated regions of a DICOM ultrasound image.
    problems : tuple of Problem
        Warnings and notes of reading.
    n_frames : int
        Frames of the loop (pages of the file); 1 for a still, whose ``pixels`` have no axis of frames.
    frame_times_s : ndarray of float64, length ``n_frames``, or None
        Time of each frame in seconds, the first at 0; None where it is not known, and for stills.
    maker, model : str or None
        Manufacturer and model of the scanner, where the file says so.
    spacing_declared : bool
        Whether the caller declared ``spacing_mm``, so that it holds in every part of the image.
    """

    pixels: NDArray[Any]
    spacing_mm: Spacing | None
    format: str
    mode: str
    regions: tuple[Region, ...] = ()
    problems: tuple[Problem, ...] = field(default=())
    n_frames: int = 1
    frame_times_s: NDArray[np.float64] | None = None
    maker: str | None = None
    model: str | None = None
    spacing_declared: bool = False

    @property
    def is_loop(self) -> bool:
        """Whether there are several frames."""
        return self.n_frames > 1

    @property
    def kind(self) -> Literal["grey", "rgb"]:
        """``"grey"`` or ``"rgb"``."""
        return "grey" if self.pixels.ndim == (3 if self.is_loop else 2) else "rgb"

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        first = 1 if self.is_loop else 0
        return (int(self.pixels.shape[first]), int(self.pixels.shape[first + 1]))

    def frame(self, number: int) -> Image:
        """One frame of a loop as a still; the still itself for number 0.

        Raises
        ------
        RadiogenError
            RG708 where there is no such frame.
        """
        if not 0 <= number < self.n_frames:
            raise fail("RG708", f"the image has {self.n_frames} frames, counted from 0", value=number)
        if not self.is_loop:
            return self
        pixels = self.pixels[number]
        pixels = pixels.astype(np.float64) if self.kind == "grey" else pixels
        return replace(self, pixels=pixels, n_frames=1, frame_times_s=None)

    def rgb(self) -> NDArray[np.uint8]:
        """The pixels of a still as red, green, blue; an 8-bit grey picture three times.

        Returns
        -------
        ndarray, H × W × 3 uint8

        Raises
        ------
        RadiogenError
            RG511 for a loop, and for grey values outside 0 to 255.
        """
        if self.is_loop:
            raise fail("RG511", f"the image is a loop of {self.n_frames} frames; one still picture is needed", fix=SAVE_A_STILL)
        if self.kind == "rgb":
            return np.asarray(self.pixels, dtype=np.uint8)
        if self.pixels.min() < 0 or self.pixels.max() > 255:
            raise fail("RG511", "grey values outside 0 to 255 have no colours")
        return np.repeat(np.rint(self.pixels).astype(np.uint8)[..., None], 3, axis=2)

    def luminance(self) -> NDArray[np.float64]:
        """Brightness of whatever it is: grey values, luminance of colours, of a loop the frame in the middle.

        Returns
        -------
        ndarray, H × W float64
        """
        still = self.frame(self.n_frames // 2)
        if still.kind == "grey":
            return np.asarray(still.pixels, dtype=np.float64)
        return np.asarray(still.pixels.astype(np.float64) @ LUMINANCE)

    def regions_of(self, kind: str) -> tuple[Region, ...]:
        """The regions of one kind (:attr:`Region.kind`), such as ``"spectrum"`` or ``"colour bar"``, in the file's order."""
        return tuple(r for r in self.regions if r.kind == kind)

    def spacing_for(self, mask: NDArray[np.bool_]) -> Spacing | None:
        """Spacing at a region of interest, in millimetres per row and column.

        A DICOM image may hold several panes with different scales, and a colour box within a pane.  The spacing is
        that of the smallest calibrated picture in which the whole mask lies.  A mask that crosses a border has a
        spacing where all pictures that it touches have the same; one that touches none has none.  A declared spacing
        holds everywhere.

        Parameters
        ----------
        mask : ndarray of bool, shape :attr:`shape`

        Returns
        -------
        (float, float) or None
            None where it is not known.
        """
        pictures = [r for r in self.regions if r.is_picture]
        if self.spacing_declared or not mask.any() or not pictures:
            return self.spacing_mm
        within = [r for r in pictures if r.is_tissue and r.contains(mask)]
        if within:
            return min(within, key=lambda r: r.area).spacing_mm
        found = {r.spacing_mm for r in pictures if r.touches(mask)}
        return found.pop() if len(found) == 1 else None

    def calibrated_field(self, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """The part of the image in which a region of interest was measured, by which rings around it are cut off.

        Parameters
        ----------
        mask : ndarray of bool, shape :attr:`shape`

        Returns
        -------
        ndarray of bool, shape :attr:`shape`
            The smallest picture of the regions in which the whole mask lies; where it crosses a border, all pictures
            that it touches; the whole image where there is none.
        """
        pictures = [r for r in self.regions if r.is_picture] if mask.any() else []
        within = [r for r in pictures if r.contains(mask)]
        chosen = [min(within, key=lambda r: r.area)] if within else [r for r in pictures if r.touches(mask)]
        field = np.full(self.shape, not chosen, dtype=bool)
        for region in chosen:
            field[region.slices()] = True
        return field

    def grey(self) -> tuple[NDArray[np.float64], tuple[Problem, ...]]:
        """Grey values, and a warning where coloured marks were turned to grey.

        Colour is turned into the luminance of ITU-R BT.601 (0.299 R + 0.587 G + 0.114 B).  That is right for
        a grey picture with a few coloured marks (calipers, a logo, the focus sign) and wrong for colour that
        carries the measurement (elastography, Doppler); so a picture in which more than 5 % of the pixels are
        coloured (channels more than 12 of 255 apart) is refused.

        Returns
        -------
        grey : ndarray, H × W float64
        problems : tuple of Problem
            Empty, or one RG512.

        Raises
        ------
        RadiogenError
            RG511 for a colour picture and for a loop.
        """
        if self.is_loop:
            raise fail("RG511", f"the image is a loop of {self.n_frames} frames; one still picture is needed", fix=SAVE_A_STILL)
        if self.kind == "grey":
            return np.asarray(self.pixels, dtype=np.float64), ()
        coloured = coloured_pixels(self.pixels)
        share = float(coloured.mean())
        if share > COLOUR_SHARE:
            raise fail("RG511", f"{share:.0%} of the pixels are coloured; grey values are needed here")
        grey = self.pixels.astype(np.float64) @ LUMINANCE
        if not coloured.any():
            return grey, ()
        found = problem("RG512", f"{int(coloured.sum())} coloured pixels ({share:.2%}) were taken by their luminance")
        return grey, (found,)

    def __repr__(self) -> str:
        size = f"{self.shape[0]} × {self.shape[1]}"
        spacing = "not known" if self.spacing_mm is None else f"{self.spacing_mm[0]:g} × {self.spacing_mm[1]:g} mm"
        frames = f"{self.n_frames} frames of " if self.is_loop else ""
        return f"<Image {frames}{size} {self.kind}, {self.format} {self.mode}, spacing {spacing}>"


def coloured_pixels(pixels: NDArray[np.uint8] | NDArray[np.float64]) -> NDArray[np.bool_]:
    """Where red, green and blue differ by more than the traces that JPEG leaves; H × W."""
    return np.asarray(np.ptp(pixels.astype(np.int16), axis=2) > GREY_TOLERANCE)


def from_rgb(pixels: NDArray[np.uint8]) -> NDArray[np.float64] | NDArray[np.uint8]:
    """Grey (float64) where the three channels are equal everywhere, without loss; else the colours."""
    first = pixels[..., 0]
    if np.array_equal(first, pixels[..., 1]) and np.array_equal(first, pixels[..., 2]):
        return first.astype(np.float64)
    return np.ascontiguousarray(pixels)


def check_size(rows: int, columns: int, frames: int = 1, bytes_per_pixel: int = 1) -> None:
    """Refuse a picture that could exhaust the memory, before it is decoded.

    Raises
    ------
    RadiogenError
        RG508 above :data:`MAX_PIXELS` (a loop :data:`MAX_LOOP_PIXELS` in all), :data:`MAX_SIDE` along a side or
        :data:`MAX_DECODED_BYTES`.
    """
    cap = MAX_LOOP_PIXELS if frames > 1 else MAX_PIXELS
    total = rows * columns * max(frames, 1)
    size = f"{rows} rows × {columns} columns × {max(frames, 1)} frames"
    if rows * columns > MAX_PIXELS or total > cap or max(rows, columns) > MAX_SIDE:
        raise fail("RG508", f"{size} is above the cap of {cap:,} pixels, {MAX_SIDE:,} along a side")
    if total * bytes_per_pixel > MAX_DECODED_BYTES:
        raise fail("RG508", f"{size} of {bytes_per_pixel} bytes is above the cap of {MAX_DECODED_BYTES:,} bytes")


def positive(*values: float) -> bool:
    """Whether all values are finite and above zero."""
    return all(math.isfinite(v) and v > 0 for v in values)


def check_spacing(spacing_mm: float | Spacing | None) -> Spacing | None:
    """A declared spacing as (row, column) in mm; RG509 where it is not two positive numbers.

    Examples
    --------
    >>> from radiogen.imaging.image import check_spacing
    >>> check_spacing(0.1)
    (0.1, 0.1)
    """
    if spacing_mm is None:
        return None
    try:
        pair = (spacing_mm, spacing_mm) if isinstance(spacing_mm, int | float) else tuple(spacing_mm)
        row, column = (float(v) for v in pair)
    except (TypeError, ValueError) as error:
        raise fail("RG509", "spacing_mm must be a number or (row, column)", value=spacing_mm) from error
    if not positive(row, column):
        raise fail("RG509", "the pixel spacing is not a positive number of millimetres", value=spacing_mm)
    return (row, column)
