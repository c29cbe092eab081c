"""DICOM stills and loops, through pydicom."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from radiogen.imaging.formats.dicom_file import integer_of, open_dicom
from radiogen.imaging.formats.dicom_pixels import decoded_frames, photometric_of
from radiogen.imaging.formats.dicom_regions import Calibration, calibration_of
from radiogen.imaging.formats.dicom_times import frame_times
from radiogen.imaging.formats.frames import Frames
from radiogen.imaging.image import Image, check_size

#: names of makers and models are short; what is longer is something else
_LONGEST_NAME = 64


def read_dicom(path: Path, *, calibration: Literal["file", "ignore"] = "file", declared: bool = False) -> Image:
    """A DICOM image of one frame or several.

    Of the header only what follows is kept: pixels, spacing, regions, frame times, maker and model.

    Parameters
    ----------
    path : Path
    calibration : {"file", "ignore"}, default "file"
        ``"ignore"``: neither spacing nor regions are read.
    declared : bool, default False
        Whether the caller declares the spacing; then a calibration that does not fit the image is no error.

    Raises
    ------
    RadiogenError
        RG502 unreadable, RG508 too large, RG511 a kind of pixel that is not read, RG518 a calibrated region beyond the
        image, RG902 where a package for its compression is missing.
    """
    with _silent():
        return _read(path, calibration == "ignore", declared)


@contextmanager
def _silent() -> Iterator[None]:
    """Keeps pydicom quiet: it warns of every value that breaks its own rules, and quotes it, whoever's name it is."""
    logger = logging.getLogger("pydicom")
    before = logger.disabled
    logger.disabled = True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.disabled = before


def _read(path: Path, ignore: bool, declared: bool) -> Image:
    file = open_dicom(path)
    header = file.header
    rows, columns, frames = (integer_of(header, k, 1) for k in ("Rows", "Columns", "NumberOfFrames"))
    photometric = photometric_of(header)
    depth = max(integer_of(header, "BitsAllocated", 8) // 8, 1) if photometric.startswith("MONO") else 3
    check_size(rows, columns, frames, depth)
    calibration = Calibration() if ignore else calibration_of(header, rows, columns, declared)
    times, remarks = frame_times(header, frames)
    collected = Frames(frames)
    for frame in decoded_frames(file, frames, rows, columns, photometric):
        collected.add(frame)
    pixels, count = collected.pixels()
    return Image(
        pixels,
        calibration.spacing_mm,
        "DICOM",
        photometric,
        calibration.regions,
        (*calibration.problems, *remarks),
        n_frames=count,
        frame_times_s=times,
        maker=_name(header, "Manufacturer"),
        model=_name(header, "ManufacturerModelName"),
    )


def _name(header: Any, keyword: str) -> str | None:
    try:
        text = str(header.get(keyword) or "").strip()
    except Exception:  # text in a damaged or unknown character set
        return None
    return text if 0 < len(text) <= _LONGEST_NAME and text.isprintable() else None
