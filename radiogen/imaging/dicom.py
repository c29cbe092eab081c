"""DICOM stills, through pydicom."""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radiogen.errors import Problem, fail, problem
from radiogen.imaging.image import SAVE_A_STILL, Image, Region, Spacing, check_size, from_rgb, positive

_CENTIMETRES = 3
#: two tissue regions whose scales differ by less than this are taken as one scale
_SAME_SCALE = 1e-3


def read_dicom(data: bytes) -> Image:
    """A single-frame DICOM image.

    Raises
    ------
    RadiogenError
        RG502 unreadable, RG508 too large, RG511 several frames or unknown photometric interpretation, RG902
        where a package for its compression is missing.
    """
    header = _dataset(data, stop_before_pixels=True)
    rows, columns = _integer(header, "Rows"), _integer(header, "Columns")
    frames = _integer(header, "NumberOfFrames", 1)
    if rows < 1 or columns < 1:
        raise fail("RG502", "the DICOM file holds no image (Rows and Columns are missing)")
    check_size(rows, columns, frames)
    if frames > 1:
        raise fail("RG511", f"the DICOM file is a loop of {frames} frames; one still picture is needed", fix=SAVE_A_STILL)
    photometric = str(header.get("PhotometricInterpretation", ""))
    pixels = _pixels(_dataset(data), photometric)
    if pixels.shape[:2] != (rows, columns):
        raise fail("RG502", f"the pixels are {pixels.shape[0]} × {pixels.shape[1]}, the header says {rows} × {columns}")
    regions, incomplete = _regions(header)
    spacing, problems = _spacing(header, regions, rows, columns)
    return Image(pixels, spacing, "DICOM", photometric, regions, (*incomplete, *problems))


def _dataset(data: bytes, stop_before_pixels: bool = False) -> Any:
    import pydicom

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydicom warns of every value that breaks its own rules
            # force: files without the 128-byte preamble exist; what is not DICOM has no Rows then
            return pydicom.dcmread(io.BytesIO(data), force=True, stop_before_pixels=stop_before_pixels)
    except Exception as error:  # damaged files raise anything
        raise fail("RG502", f"the DICOM file cannot be read: {type(error).__name__}: {str(error)[:120]}") from error


def _integer(header: Any, keyword: str, default: int = 0) -> int:
    try:
        return int(header.get(keyword, default) or default)
    except (TypeError, ValueError) as error:
        raise fail("RG502", f"{keyword} of the DICOM file is not a number") from error


def _pixels(dataset: Any, photometric: str) -> NDArray[np.float64] | NDArray[np.uint8]:
    array = _decoded(dataset)
    if photometric in ("MONOCHROME1", "MONOCHROME2"):
        return _grey(dataset, array, photometric)
    if photometric == "PALETTE COLOR":
        from pydicom.pixels import apply_color_lut

        array = apply_color_lut(array, dataset)
    elif not photometric.startswith(("RGB", "YBR")):
        raise fail("RG511", f"the photometric interpretation is '{photometric}'")
    if array.ndim != 3 or array.shape[2] < 3:
        raise fail("RG502", f"a colour image with pixels of shape {array.shape}")
    if array.dtype.itemsize == 2:  # lookup tables and colours of 16 bits: the upper eight
        array = array >> 8
    return from_rgb(array[..., :3].astype(np.uint8))


def _decoded(dataset: Any) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return dataset.pixel_array  # colour comes as RGB: pydicom 3 has converted YBR already
    except (NotImplementedError, RuntimeError) as error:
        if "plugin" not in str(error) and "dependencies" not in str(error):
            raise fail("RG502", f"the pixels cannot be decoded: {str(error)[:120]}") from error
        name = getattr(getattr(dataset, "file_meta", None), "TransferSyntaxUID", None)
        text = f"the image is compressed as '{getattr(name, 'name', name)}', for which no decoder is installed"
        raise fail("RG902", text, fix="pip install pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg") from error
    except Exception as error:  # truncated or damaged pixels raise anything
        raise fail("RG502", f"the pixels cannot be decoded: {type(error).__name__}: {str(error)[:120]}") from error


def _grey(dataset: Any, array: Any, photometric: str) -> NDArray[np.float64]:
    if array.ndim != 2:
        raise fail("RG502", f"a grey image with pixels of shape {array.shape}")
    grey = array.astype(np.float64)
    if photometric == "MONOCHROME1":  # 0 is white there
        bits = _integer(dataset, "BitsStored", 8)
        signed = _integer(dataset, "PixelRepresentation") == 1
        grey = (-1.0 if signed else 2.0**bits - 1) - grey
    slope, intercept = dataset.get("RescaleSlope"), dataset.get("RescaleIntercept")
    if slope is not None and intercept is not None:
        grey = grey * float(slope) + float(intercept)
    return grey


def _regions(header: Any) -> tuple[tuple[Region, ...], tuple[Problem, ...]]:
    found, problems = [], []
    for number, item in enumerate(header.get("SequenceOfUltrasoundRegions") or (), start=1):
        try:
            found.append(_region(item))
        except (AttributeError, TypeError, ValueError) as error:
            text = f"ultrasound region {number} of the DICOM file is incomplete and is not used: {error}"
            problems.append(problem("RG509", text, severity="warning"))
    return tuple(found), tuple(problems)


def _region(item: Any) -> Region:
    return Region(
        rows=(int(item.RegionLocationMinY0), int(item.RegionLocationMaxY1)),
        columns=(int(item.RegionLocationMinX0), int(item.RegionLocationMaxX1)),
        data_type=int(item.RegionDataType),
        spatial_format=int(item.RegionSpatialFormat),
        spacing_mm=_region_spacing(item),
    )


def _region_spacing(item: Any) -> Spacing | None:
    units = (item.get("PhysicalUnitsYDirection"), item.get("PhysicalUnitsXDirection"))
    deltas = (item.get("PhysicalDeltaY"), item.get("PhysicalDeltaX"))
    if units != (_CENTIMETRES, _CENTIMETRES) or None in deltas:
        return None
    row, column = (abs(float(d)) * 10 for d in deltas)
    return (row, column) if positive(row, column) else None


def _spacing(
    header: Any, regions: tuple[Region, ...], rows: int, columns: int
) -> tuple[Spacing | None, tuple[Problem, ...]]:
    tissue = [r for r in regions if r.is_tissue]
    if not tissue:
        return _pixel_spacing(header), ()
    # some makers write the last pixel, some the first one outside
    beyond = [r for r in tissue if r.rows[1] > rows or r.columns[1] > columns or min(*r.rows, *r.columns) < 0]
    if beyond:
        text = "a calibrated region lies beyond the image: it was resized after calibration; spacing is not known"
        return None, (problem("RG509", text, severity="warning"),)
    spacings = [r.spacing_mm for r in tissue if r.spacing_mm is not None]
    first = spacings[0]
    if all(abs(a / b - 1) < _SAME_SCALE for s in spacings for a, b in zip(s, first, strict=True)):
        return first, ()
    return None, ()  # several scales: Image.spacing_for finds the one of the lesion


def _pixel_spacing(header: Any) -> Spacing | None:
    value = header.get("PixelSpacing")
    if value is None or len(value) != 2:
        return None
    row, column = float(value[0]), float(value[1])
    return (row, column) if positive(row, column) else None
