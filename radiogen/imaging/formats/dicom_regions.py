"""The calibration of DICOM ultrasound: SequenceOfUltrasoundRegions, else PixelSpacing."""

from __future__ import annotations

from typing import Any, NamedTuple

from radiogen.errors import Problem, fail, problem
from radiogen.imaging.image import positive
from radiogen.imaging.region import CENTIMETRES, Region, Spacing

#: two pictures whose scales differ by less than this are taken as one scale
_SAME_SCALE = 1e-3


class Calibration(NamedTuple):
    """The regions that lie in the image, the spacing that holds in all its pictures, and remarks."""

    regions: tuple[Region, ...] = ()
    spacing_mm: Spacing | None = None
    problems: tuple[Problem, ...] = ()


def calibration_of(header: Any, rows: int, columns: int, declared: bool) -> Calibration:
    """What a DICOM header says of the physical scale of its image.

    Parameters
    ----------
    header : pydicom.Dataset
    rows, columns : int
        Size of the image.
    declared : bool
        Whether the caller declares the spacing, so that the file's own is not needed.

    Raises
    ------
    RadiogenError
        RG518 where a region by which something is measured lies beyond the image and no spacing is declared.
    """
    complete, problems = _complete(header)
    outside = [r for r in complete if not _fits(r, rows, columns)]
    stale = [r for r in outside if r.is_calibrated]
    if stale:
        r = stale[0]
        place = f"rows {r.rows[0]} to {r.rows[1]}, columns {r.columns[0]} to {r.columns[1]}"
        text = f"a calibrated region ({r.kind}: {place}) lies beyond the image of {rows} × {columns} pixels"
        if not declared:
            raise fail("RG518", f"{text}: it was cropped or resized after calibration, so that its scale is wrong")
        problems.append(problem("RG514", f"{text}; the spacing declared is used and the file's calibration is not"))
        return Calibration(problems=tuple(problems))
    if outside:
        names = ", ".join(dict.fromkeys(r.kind for r in outside))
        problems.append(problem("RG514", f"{len(outside)} regions ({names}) lie beyond the image and are not used"))
    regions = tuple(_clipped(r, rows, columns) for r in complete if _fits(r, rows, columns))
    return Calibration(regions, _spacing(header, regions), tuple(problems))


def _spacing(header: Any, regions: tuple[Region, ...]) -> Spacing | None:
    """The spacing that holds in every picture of the image; None where it is not known or there are several."""
    pictures = [r for r in regions if r.is_picture]
    if not any(r.is_tissue for r in pictures):
        return _pixel_spacing(header)
    first = pictures[0].spacing_mm
    return first if all(_same(r.spacing_mm, first) for r in pictures) else None


def _same(a: Spacing | None, b: Spacing | None) -> bool:
    return a is not None and b is not None and all(abs(x / y - 1) < _SAME_SCALE for x, y in zip(a, b, strict=True))


def _fits(region: Region, rows: int, columns: int) -> bool:
    # the standard names the last pixel inside; some makers write the first one outside
    return min(*region.rows, *region.columns) >= 0 and region.rows[1] <= rows and region.columns[1] <= columns


def _clipped(region: Region, rows: int, columns: int) -> Region:
    if region.rows[1] < rows and region.columns[1] < columns:
        return region
    place = (region.rows[0], min(region.rows[1], rows - 1)), (region.columns[0], min(region.columns[1], columns - 1))
    fields = {**vars(region), "rows": place[0], "columns": place[1]}
    return Region(**fields)


def _complete(header: Any) -> tuple[list[Region], list[Problem]]:
    found: list[Region] = []
    problems: list[Problem] = []
    try:
        items = list(header.get("SequenceOfUltrasoundRegions") or ())
    except Exception:  # a damaged sequence raises anything; its text may hold what stands in the header
        items = []
        problems.append(_unused("the ultrasound regions of the DICOM file cannot be read and are not used"))
    for number, item in enumerate(items, start=1):
        try:
            region = _region(item)
        except Exception:
            problems.append(_unused(f"ultrasound region {number} of the DICOM file is incomplete and is not used"))
            continue
        if region.rows[0] > region.rows[1] or region.columns[0] > region.columns[1]:
            problems.append(_unused(f"ultrasound region {number} of the DICOM file ends before it begins and is not used"))
            continue
        found.append(region)
    return found, problems


def _unused(text: str) -> Problem:
    return problem("RG509", text, severity="warning")


def _region(item: Any) -> Region:
    top, left = int(item.RegionLocationMinY0), int(item.RegionLocationMinX0)
    units = _pair(item, "PhysicalUnitsYDirection", "PhysicalUnitsXDirection")
    delta = _pair(item, "PhysicalDeltaY", "PhysicalDeltaX")
    offset = _pair(item, "ReferencePixelY0", "ReferencePixelX0")
    value = _pair(item, "ReferencePixelPhysicalValueY", "ReferencePixelPhysicalValueX")
    codes = (0, 0) if units is None else (int(units[0]), int(units[1]))
    return Region(
        rows=(top, int(item.RegionLocationMaxY1)),
        columns=(left, int(item.RegionLocationMaxX1)),
        data_type=int(item.RegionDataType),
        spatial_format=int(item.RegionSpatialFormat),
        spacing_mm=_length(codes, delta),
        units=codes,
        delta=delta,
        reference_pixel=None if offset is None else (top + int(offset[0]), left + int(offset[1])),
        reference_value=value,
    )


def _pair(item: Any, row: str, column: str) -> tuple[float, float] | None:
    values = (item.get(row), item.get(column))
    return None if None in values else (float(values[0]), float(values[1]))


def _length(units: tuple[int, int], delta: tuple[float, float] | None) -> Spacing | None:
    if units != (CENTIMETRES, CENTIMETRES) or delta is None:
        return None
    row, column = (abs(d) * 10 for d in delta)
    return (row, column) if positive(row, column) else None


def _pixel_spacing(header: Any) -> Spacing | None:
    try:
        row, column = (float(v) for v in header.get("PixelSpacing") or ())
    except Exception:  # text where a number belongs, or one number
        return None
    return (row, column) if positive(row, column) else None
