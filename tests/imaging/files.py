"""Files that the tests of the readers are given: DICOM by hand, video by PyAV."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.encaps import encapsulate

PIXELS = np.arange(48, dtype=np.uint8).reshape(6, 8)


def region(**changes: Any) -> Any:
    """A tissue region over the whole 6 × 8 image at 0.02 cm per row and 0.01 cm per column; None removes a tag."""
    item = pydicom.Dataset()
    values = {
        "RegionSpatialFormat": 1, "RegionDataType": 1, "RegionFlags": 0,
        "RegionLocationMinX0": 0, "RegionLocationMinY0": 0, "RegionLocationMaxX1": 7, "RegionLocationMaxY1": 5,
        "PhysicalUnitsXDirection": 3, "PhysicalUnitsYDirection": 3, "PhysicalDeltaX": 0.01, "PhysicalDeltaY": 0.02,
        **changes,
    }  # fmt: skip
    for key, value in values.items():
        if value is not None:
            setattr(item, key, value)
    return item


def dataset(pixels: np.ndarray = PIXELS, frames: int = 1, **changes: Any) -> pydicom.Dataset:
    """An uncompressed ultrasound image: H × W, H × W × 3, or with a first axis of ``frames``."""
    ds = pydicom.Dataset()
    ds.file_meta = pydicom.dataset.FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID = pydicom.uid.UltrasoundImageStorage
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID = "1.2.3"
    size = pixels.shape[1:] if frames > 1 else pixels.shape
    colour = len(size) == 3
    ds.Rows, ds.Columns = size[:2]
    ds.SamplesPerPixel = 3 if colour else 1
    ds.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    if colour:
        ds.PlanarConfiguration = 0
    if frames > 1:
        ds.NumberOfFrames = frames
    bits = pixels.dtype.itemsize * 8
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = bits, bits, bits - 1
    ds.PixelRepresentation = int(pixels.dtype.kind == "i")
    ds.PixelData = pixels.tobytes() + b"\0" * (pixels.nbytes % 2)
    for key, value in changes.items():
        setattr(ds, key, value)
    return ds


def save(path: Path, ds: pydicom.Dataset) -> Path:
    ds.save_as(path, enforce_file_format=True)
    return path


def write(path: Path, pixels: np.ndarray = PIXELS, regions: list[Any] | None = None, frames: int = 1, **changes: Any) -> Path:
    """:func:`dataset` with regions, saved."""
    ds = dataset(pixels, frames, **changes)
    if regions is not None:
        ds.SequenceOfUltrasoundRegions = pydicom.Sequence(regions)
    return save(path, ds)


def write_encapsulated(
    path: Path, codestreams: list[bytes], syntax: str, like: np.ndarray, photometric: str, **changes: Any
) -> Path:
    """Frames that are compressed already; ``like`` has the shape and type of all frames together."""
    ds = dataset(like, len(codestreams), **changes)
    ds.file_meta.TransferSyntaxUID = syntax
    ds.PhotometricInterpretation = photometric
    ds.PixelData = encapsulate(codestreams)
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    return save(path, ds)


def write_video(path: Path, frames: np.ndarray, codec: str = "ffv1", pixel_format: str = "bgr0", rate: int = 10) -> Path:
    """N × H × W × 3 as a loop at ``rate`` frames per second."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        stream.width, stream.height, stream.pix_fmt = frames.shape[2], frames.shape[1], pixel_format
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
    return path
