"""NRRD and NIfTI files that hold one picture, through SimpleITK."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from radiogen.errors import fail
from radiogen.imaging.image import SAVE_A_STILL, Image, Spacing, check_size, from_rgb, positive

_METRIC = {1, 2, 3}  # xyzt_units of NIfTI: metre, millimetre, micrometre


def read_volume(path: Path, data: bytes) -> Image:
    """An NRRD or NIfTI file with one slice.

    Rows are the second axis of the file and columns the first, as everywhere in ITK.

    Raises
    ------
    RadiogenError
        RG502, RG508, or RG511 for more than one slice.
    """
    _refuse_detached(data)
    reader = _reader(path)
    size = [int(n) for n in reader.GetSize()]
    while len(size) > 2 and size[-1] == 1:
        size.pop()
    check_size(size[1] if len(size) > 1 else 1, size[0], int(np.prod(size[2:])))
    if len(size) != 2:
        raise fail("RG511", f"the file holds {' × '.join(map(str, size))} values; one still picture is needed", fix=SAVE_A_STILL)
    try:
        stored = reader.Execute()
    except RuntimeError as error:
        raise fail("RG502", f"the pixels cannot be decoded: {_last_line(error)}") from error
    return Image(_pixels(stored, size), _spacing(reader), _format(path), stored.GetPixelIDTypeAsString())


def _refuse_detached(data: bytes) -> None:
    """An NRRD header may name another file for its pixels: any file of the machine."""
    header = data[: 1 << 16].split(b"\n\n")[0].replace(b"\r", b"").lower()
    named = (b"data file:", b"datafile:")
    if data.startswith(b"NRRD000") and any(line.startswith(named) for line in header.split(b"\n")):
        raise fail("RG502", "the NRRD header keeps its pixels in another file", fix="Save it as one .nrrd file.")


def _format(path: Path) -> str:
    return "NIfTI" if path.name.lower().endswith((".nii", ".nii.gz")) else "NRRD"


def _reader(path: Path) -> Any:
    import SimpleITK

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


def _pixels(stored: Any, size: list[int]) -> Any:
    import SimpleITK

    array = SimpleITK.GetArrayFromImage(stored)
    channels = int(stored.GetNumberOfComponentsPerPixel())
    array = array.reshape((size[1], size[0]) if channels == 1 else (size[1], size[0], channels))
    if channels == 1:
        if not np.isfinite(array).all():
            raise fail("RG502", "the image has pixels that are not finite numbers")
        return array.astype(np.float64)
    if channels not in (3, 4) or array.dtype != np.uint8:
        raise fail("RG511", f"the image has {channels} channels of type {array.dtype}")
    return from_rgb(array[..., :3])


def _spacing(reader: Any) -> Spacing | None:
    spacing = reader.GetSpacing()
    found = (float(spacing[1]), float(spacing[0]))
    if found == (1.0, 1.0):  # what these formats carry where nobody set a spacing
        return None
    key = "xyzt_units"
    if reader.HasMetaDataKey(key) and int(float(reader.GetMetaData(key))) & 7 not in _METRIC:
        return None
    return found if positive(*found) else None
