"""NRRD and NIfTI files, through SimpleITK: one slice is a still, several are a loop."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radiogen.errors import fail
from radiogen.imaging.formats.frames import Frames
from radiogen.imaging.image import Image, Spacing, check_size, positive

_MOST_CHANNELS = 4
#: bytes before the pixels at least
_NIFTI_HEADER = 348
_METRIC = {1, 2, 3}  # xyzt_units of NIfTI: metre, millimetre, micrometre
_TIME = {8, 16, 24}  # second, millisecond, microsecond; ITK gives seconds for all three


def read_volume(path: Path) -> Image:
    """An NRRD or NIfTI file.

    Rows are the second axis of the file and columns the first, as everywhere in ITK.  The third axis, or the fourth
    where the third has one slice, counts frames.  Frames along the fourth axis of a NIfTI file whose unit is a time
    have their times from there.

    Raises
    ------
    RadiogenError
        RG502, RG508, or RG511 for more than one axis of frames.
    """
    _refuse_detached(path)
    reader = _reader(path)
    size = [int(n) for n in reader.GetSize()]
    extents = [axis for axis in range(2, len(size)) if size[axis] != 1]
    if len(size) < 2 or len(extents) > 1:
        raise fail("RG511", f"the file holds {' × '.join(map(str, size))} values; a picture or one loop is needed")
    count = size[extents[0]] if extents else 1
    check_size(size[1], size[0], count, _bytes_per_pixel(reader))
    if _format(path) == "NIfTI":
        _refuse_short(path, size[1] * size[0] * count * _bytes_per_pixel(reader))
    try:
        stored = reader.Execute()
    except RuntimeError as error:
        raise fail("RG502", f"the pixels cannot be decoded: {_last_line(error)}") from error
    frames = Frames(count)
    for frame in _slices(stored, count, size):
        frames.add(frame)
    pixels, count = frames.pixels()
    times = _times(reader, extents[0], count) if extents else None
    kind = stored.GetPixelIDTypeAsString()
    return Image(pixels, _spacing(reader), _format(path), kind, n_frames=count, frame_times_s=times)


def _refuse_detached(path: Path) -> None:
    """An NRRD header may name another file for its pixels: any file of the machine."""
    with path.open("rb") as file:
        data = file.read(1 << 16)
    header = data.replace(b"\r", b"").split(b"\n\n")[0].lower()
    named = (b"data file:", b"datafile:")
    if data.startswith(b"NRRD000") and any(line.startswith(named) for line in header.split(b"\n")):
        raise fail("RG502", "the NRRD header keeps its pixels in another file", fix="Save it as one .nrrd file.")


def _refuse_short(path: Path, pixels: int) -> None:
    """ITK takes the pixels that a NIfTI file lacks for zeros, so that they are counted here."""
    left = _NIFTI_HEADER + pixels
    try:
        with gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb") as file:
            while left > 0 and (read := len(file.read(min(left, 1 << 20)))):
                left -= read
    except (EOFError, OSError, zlib.error) as error:
        raise fail("RG502", "the compressed file is damaged or cut short") from error
    if left > 0:
        raise fail("RG502", f"the pixels are cut short: {left:,} bytes are missing")


def _format(path: Path) -> str:
    return "NIfTI" if path.name.lower().endswith((".nii", ".nii.gz")) else "NRRD"


def _reader(path: Path) -> Any:
    import SimpleITK

    SimpleITK.ProcessObject.SetGlobalWarningDisplay(False)  # of damaged headers, which become coded errors here
    reader = SimpleITK.ImageFileReader()
    reader.SetImageIO("NiftiImageIO" if _format(path) == "NIfTI" else "NrrdImageIO")
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise fail("RG502", f"the header cannot be read: {_last_line(error)}") from error
    return reader


def _last_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1][:120] if lines else type(error).__name__


def _bytes_per_pixel(reader: Any) -> int:
    """Asked of an image of one pixel: a header names its type, and no size."""
    import SimpleITK

    channels = int(reader.GetNumberOfComponents())
    if channels > _MOST_CHANNELS:
        raise fail("RG511", f"the image has {channels} channels")
    try:
        one = SimpleITK.Image([1, 1], reader.GetPixelID(), max(channels, 1))
    except (RuntimeError, TypeError, ValueError) as error:
        raise fail("RG511", "the image has pixels of a type that is not read") from error
    return int(one.GetSizeOfPixelComponent() * one.GetNumberOfComponentsPerPixel())


def _slices(stored: Any, count: int, size: list[int]) -> NDArray[Any]:
    import SimpleITK

    channels = int(stored.GetNumberOfComponentsPerPixel())
    array = SimpleITK.GetArrayViewFromImage(stored)
    if channels == 1:
        if np.iscomplexobj(array):
            raise fail("RG511", "the image has complex values")
        return array.reshape((count, size[1], size[0]))
    if channels not in (3, 4) or array.dtype != np.uint8:
        raise fail("RG511", f"the image has {channels} channels of type {array.dtype}")
    return array.reshape((count, size[1], size[0], channels))[..., :3]


def _units(reader: Any) -> int | None:
    """xyzt_units of a NIfTI file; None for NRRD, which says nothing of its units."""
    key = "xyzt_units"
    return int(float(reader.GetMetaData(key))) if reader.HasMetaDataKey(key) else None


def _spacing(reader: Any) -> Spacing | None:
    spacing = reader.GetSpacing()
    found = (float(spacing[1]), float(spacing[0]))
    if found == (1.0, 1.0):  # what these formats carry where nobody set a spacing
        return None
    units = _units(reader)
    if units is not None and units & 7 not in _METRIC:
        return None
    return found if positive(*found) else None


def _times(reader: Any, axis: int, count: int) -> NDArray[np.float64] | None:
    units = _units(reader)
    if axis != 3 or units is None or units & 56 not in _TIME or count < 2:
        return None
    step = float(reader.GetSpacing()[axis])
    # 1 is what the format carries where nobody set a time
    return np.arange(count, dtype=np.float64) * step if positive(step) and step != 1.0 else None
