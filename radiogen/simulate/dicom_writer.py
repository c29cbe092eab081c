"""Pictures and loops as DICOM ultrasound files, with their calibrated regions."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

MAKER = "Simulated"
Compression = Literal["none", "jpeg"]

_STILL, _LOOP = "1.2.840.10008.5.1.4.1.1.6.1", "1.2.840.10008.5.1.4.1.1.3.1"
_EXPLICIT, _JPEG_BASELINE = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.50"
#: codes of RegionDataType and of the physical units (PS3.3, C.8.5.5.1)
_TISSUE, _COLOUR_FLOW, _PULSED_WAVE, _COLOUR_BAR = 0x1, 0x2, 0x3, 0xE
_NOTHING, _CENTIMETRES, _SECONDS, _CM_PER_S = 0, 3, 4, 7
_TWO_DIMENSIONAL, _SPECTRAL, _GRAPHICS = 1, 3, 5
#: no examination took place on this day; a date of its own, so that bytes do not depend on the clock
_DATE, _TIME = "20200101", "000000"
_JPEG_QUALITY = 92


@dataclass(frozen=True)
class ScreenRegion:
    """One item of SequenceOfUltrasoundRegions.

    Parameters
    ----------
    rows, columns : (int, int)
        First and last row (column), counted from 0, both inside.
    data_type, spatial_format : int
        Codes of the standard.
    units : (int, int)
        Codes of the units down the rows and along the columns.
    deltas : (float, float)
        Units per row and per column; negative where the value falls.
    reference : (int, int) or None
        Row and column, counted from the region's upper left corner, at which the value is 0 in both directions.
    low_priority : bool
        Whether other regions lie on top of it.
    """

    rows: tuple[int, int]
    columns: tuple[int, int]
    data_type: int
    spatial_format: int
    units: tuple[int, int]
    deltas: tuple[float, float]
    reference: tuple[int, int] | None = None
    low_priority: bool = False


def tissue_region(
    rows: tuple[int, int], columns: tuple[int, int], spacing_mm: float, *, low_priority: bool = False
) -> ScreenRegion:
    """A B-mode (or contrast) pane with square pixels of ``spacing_mm``."""
    delta = spacing_mm / 10
    units = (_CENTIMETRES, _CENTIMETRES)
    return ScreenRegion(rows, columns, _TISSUE, _TWO_DIMENSIONAL, units, (delta, delta), (0, 0), low_priority)


def colour_flow_region(rows: tuple[int, int], columns: tuple[int, int], spacing_mm: float) -> ScreenRegion:
    """The box of colour Doppler, on top of its B-mode picture."""
    delta = spacing_mm / 10
    return ScreenRegion(rows, columns, _COLOUR_FLOW, _TWO_DIMENSIONAL, (_CENTIMETRES, _CENTIMETRES), (delta, delta), (0, 0))


def spectrum_region(
    rows: tuple[int, int], columns: tuple[int, int], cm_s_per_px: float, s_per_px: float, baseline_row: int
) -> ScreenRegion:
    """A strip of pulsed-wave Doppler; ``baseline_row`` is counted from the top of the picture."""
    # velocity falls from row to row
    deltas, reference = (-cm_s_per_px, s_per_px), (baseline_row - rows[0], 0)
    return ScreenRegion(rows, columns, _PULSED_WAVE, _SPECTRAL, (_CM_PER_S, _SECONDS), deltas, reference)


def colour_bar_region(rows: tuple[int, int], columns: tuple[int, int]) -> ScreenRegion:
    """The colour bar; the standard has no calibration for it."""
    return ScreenRegion(rows, columns, _COLOUR_BAR, _GRAPHICS, (_NOTHING, _NOTHING), (0.0, 0.0))


def write_dicom(
    path: Path,
    pixels: NDArray[np.uint8],
    *,
    key: str,
    patient_id: str,
    model: str,
    regions: Sequence[ScreenRegion] = (),
    frame_time_ms: float | None = None,
    compression: Compression = "none",
) -> None:
    """Write a still or a loop as an ultrasound (multi-frame) image.

    Parameters
    ----------
    path : Path
        The file.
    pixels : ndarray of uint8
        H × W grey, H × W × 3 colour; with ``frame_time_ms`` N × H × W or N × H × W × 3.
    key : str
        What the unique identifiers are made of: the same key gives the same ones.  ``key`` up to the first
        ``/`` stands for the study.
    patient_id : str
        A simulated patient's; the name is empty.
    model : str
        ManufacturerModelName; the manufacturer is :data:`MAKER`.
    regions : sequence of ScreenRegion
        Calibration.
    frame_time_ms : float or None
        Time between frames of a loop; None for a still.
    compression : {"none", "jpeg"}, default "none"
        Explicit little endian, or JPEG baseline of quality 92 (with loss, as scanners export loops).

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from pathlib import Path
    >>> from radiogen.imaging import read_image
    >>> from radiogen.simulate.dicom_writer import tissue_region, write_dicom
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "a.dcm"
    ...     pane = tissue_region((0, 39), (0, 59), spacing_mm=0.2)
    ...     write_dicom(path, np.zeros((40, 60), np.uint8), key="s/1", patient_id="SIM-1", model="Alpha", regions=[pane])
    ...     read_image(path).spacing_mm
    (0.2, 0.2)
    """
    from pydicom.dataset import Dataset

    loop = frame_time_ms is not None
    dataset = Dataset()
    _identify(dataset, key, patient_id, model, _LOOP if loop else _STILL)
    if frame_time_ms is not None:
        dataset.FrameTime = _decimal(frame_time_ms)
        dataset.FrameIncrementPointer = 0x00181063  # the attribute above
        dataset.NumberOfFrames = len(pixels)
    if regions:
        dataset.SequenceOfUltrasoundRegions = _sequence(regions)
    _describe(dataset, pixels, loop)
    _compress(dataset, pixels if loop else pixels[None], compression)
    path.write_bytes(_bytes(dataset))


def unique_identifier(key: str) -> str:
    """A DICOM identifier under the root 2.25, made of a text alone.

    Examples
    --------
    >>> from radiogen.simulate.dicom_writer import unique_identifier
    >>> unique_identifier("a") == unique_identifier("a"), unique_identifier("a") == unique_identifier("b")
    (True, False)
    """
    number = int.from_bytes(hashlib.sha256(f"radiogen.simulate:{key}".encode()).digest()[:16], "big")
    # version and variant bits of a name-based UUID, of which identifiers under 2.25 are made
    number = number & ~(0xF << 76) | 8 << 76
    number = number & ~(0x3 << 62) | 2 << 62
    return f"2.25.{number}"


def _decimal(value: float) -> str:
    """A number of at most 16 characters, as the standard wants."""
    return f"{value:.10g}"


def _identify(dataset: Any, key: str, patient_id: str, model: str, storage: str) -> None:
    study = key.split("/", 1)[0]
    dataset.SOPClassUID, dataset.SOPInstanceUID = storage, unique_identifier(f"instance {key}")
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = unique_identifier(f"study {study}"), unique_identifier(f"series {key}")
    dataset.ImageType = ["ORIGINAL", "PRIMARY"]
    dataset.StudyDate = dataset.ContentDate = _DATE
    dataset.StudyTime = dataset.ContentTime = _TIME
    dataset.Modality, dataset.Manufacturer, dataset.ManufacturerModelName = "US", MAKER, model
    dataset.PatientName, dataset.PatientID, dataset.PatientBirthDate, dataset.PatientSex = "", patient_id, "", ""
    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = "Simulated; there is no patient"
    dataset.BurnedInAnnotation = "NO"
    dataset.ReferringPhysicianName, dataset.AccessionNumber, dataset.StudyID = "", "", ""
    dataset.SeriesNumber, dataset.InstanceNumber = 1, 1


def _sequence(regions: Sequence[ScreenRegion]) -> Any:
    from pydicom.sequence import Sequence as Items

    return Items([_item(region) for region in regions])


def _item(region: ScreenRegion) -> Any:
    from pydicom.dataset import Dataset

    item = Dataset()
    item.RegionSpatialFormat, item.RegionDataType = region.spatial_format, region.data_type
    item.RegionFlags = int(region.low_priority)
    item.RegionLocationMinY0, item.RegionLocationMaxY1 = region.rows
    item.RegionLocationMinX0, item.RegionLocationMaxX1 = region.columns
    item.PhysicalUnitsYDirection, item.PhysicalUnitsXDirection = region.units
    item.PhysicalDeltaY, item.PhysicalDeltaX = region.deltas
    if region.reference is not None:
        item.ReferencePixelY0, item.ReferencePixelX0 = region.reference
        item.ReferencePixelPhysicalValueX = item.ReferencePixelPhysicalValueY = 0.0
    return item


def _describe(dataset: Any, pixels: NDArray[np.uint8], loop: bool) -> None:
    colour = pixels.ndim == (4 if loop else 3)
    dataset.Rows, dataset.Columns = pixels.shape[1:3] if loop else pixels.shape[:2]
    dataset.SamplesPerPixel = 3 if colour else 1
    dataset.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    if colour:
        dataset.PlanarConfiguration = 0
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.PixelRepresentation = 7, 0


def _compress(dataset: Any, frames: NDArray[np.uint8], compression: Compression) -> None:
    from pydicom.dataset import FileMetaDataset
    from pydicom.encaps import encapsulate

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = dataset.SOPClassUID, dataset.SOPInstanceUID
    meta.ImplementationClassUID, meta.ImplementationVersionName = unique_identifier("implementation"), "RADIOGEN"
    meta.TransferSyntaxUID = _EXPLICIT if compression == "none" else _JPEG_BASELINE
    dataset.file_meta = meta
    if compression == "none":
        data = np.ascontiguousarray(frames).tobytes()
        dataset.PixelData = data + b"\0" * (len(data) % 2)
        return
    coded = [_jpeg(frame) for frame in frames]
    dataset.PixelData = encapsulate(coded)
    dataset["PixelData"].is_undefined_length = True
    dataset.LossyImageCompression, dataset.LossyImageCompressionMethod = "01", "ISO_10918_1"
    dataset.LossyImageCompressionRatio = _decimal(round(frames.nbytes / sum(map(len, coded)), 2))
    if dataset.SamplesPerPixel == 3:
        dataset.PhotometricInterpretation = "YBR_FULL_422"


def _jpeg(frame: NDArray[np.uint8]) -> bytes:
    from PIL import Image

    stream = io.BytesIO()
    # colour at half width, which is what YBR_FULL_422 says
    Image.fromarray(frame).save(stream, "JPEG", quality=_JPEG_QUALITY, subsampling="4:2:2")
    return stream.getvalue()


def _bytes(dataset: Any) -> bytes:
    stream = io.BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()
