"""DICOM files as written, read by pydicom and by the package's own reader."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from scipy.ndimage import gaussian_filter

from radiogen.imaging import read_image
from radiogen.simulate.dicom_writer import (
    colour_bar_region,
    colour_flow_region,
    spectrum_region,
    tissue_region,
    unique_identifier,
    write_dicom,
)

RNG = np.random.default_rng(3)
GREY = RNG.integers(0, 256, (21, 33)).astype(np.uint8)
COLOUR = RNG.integers(0, 256, (21, 33, 3)).astype(np.uint8)
LOOP = RNG.integers(0, 256, (4, 21, 33)).astype(np.uint8)
COLOUR_LOOP = RNG.integers(0, 256, (4, 21, 33, 3)).astype(np.uint8)
WHO = {"key": "7 SIM-00001/a", "patient_id": "SIM-00001", "model": "Alpha"}


@pytest.mark.parametrize(
    ("pixels", "frame_time_ms"), [(GREY, None), (COLOUR, None), (LOOP, 500.0), (COLOUR_LOOP, 100 / 3)],
    ids=["grey", "colour", "loop", "colour loop"],
)  # fmt: skip
def test_uncompressed_pixels_come_back_unchanged(tmp_path: Path, pixels: np.ndarray, frame_time_ms: float | None) -> None:
    path = tmp_path / "a.dcm"
    write_dicom(path, pixels, **WHO, frame_time_ms=frame_time_ms)
    assert np.array_equal(pydicom.dcmread(path).pixel_array, pixels)
    image = read_image(path)
    assert np.array_equal(image.pixels, pixels)
    assert (image.maker, image.model) == ("Simulated", "Alpha")
    if frame_time_ms is None:
        assert not image.is_loop
        return
    assert image.n_frames == 4 and image.frame_times_s is not None
    assert image.frame_times_s == pytest.approx(np.arange(4) * frame_time_ms / 1000, abs=1e-9)


@pytest.mark.parametrize("colour", [False, True])
def test_jpeg_loses_a_few_grey_values_of_a_smooth_loop(tmp_path: Path, colour: bool) -> None:
    smooth = gaussian_filter(RNG.standard_normal((3, 48, 64)), (0, 3, 3))
    loop = np.clip(128 + 400 * smooth, 0, 255).astype(np.uint8)
    loop = np.stack([loop, loop // 2, 255 - loop], axis=-1) if colour else loop
    path = tmp_path / "a.dcm"
    write_dicom(path, loop, **WHO, frame_time_ms=100.0, compression="jpeg")
    dataset = pydicom.dcmread(path)
    assert dataset.file_meta.TransferSyntaxUID.name == "JPEG Baseline (Process 1)"
    assert dataset.LossyImageCompression == "01"
    read = read_image(path).pixels
    assert read.shape == loop.shape
    assert 0 < np.abs(read.astype(int) - loop).mean() < 3


def test_regions_are_written_as_the_standard_has_them(tmp_path: Path) -> None:
    regions = [
        tissue_region((0, 9), (0, 24), 0.2, low_priority=True),
        colour_flow_region((2, 7), (4, 20), 0.2),
        colour_bar_region((0, 9), (27, 30)),
        spectrum_region((11, 20), (3, 32), cm_s_per_px=0.5, s_per_px=0.01, baseline_row=17),
    ]
    path = tmp_path / "a.dcm"
    write_dicom(path, COLOUR, **WHO, regions=regions)
    tissue, flow, bar, spectrum = pydicom.dcmread(path).SequenceOfUltrasoundRegions
    assert [int(r.RegionDataType) for r in (tissue, flow, bar, spectrum)] == [1, 2, 14, 3]
    assert [int(r.RegionFlags) for r in (tissue, flow)] == [1, 0]
    # 3 is centimetres: 0.2 mm are 0.02
    assert (tissue.PhysicalUnitsXDirection, tissue.PhysicalUnitsYDirection) == (3, 3)
    assert (tissue.PhysicalDeltaX, tissue.PhysicalDeltaY) == pytest.approx((0.02, 0.02))
    assert (flow.RegionLocationMinX0, flow.RegionLocationMinY0) == (4, 2)
    assert (flow.RegionLocationMaxX1, flow.RegionLocationMaxY1) == (20, 7)
    # 4 is seconds, 7 is cm/s; velocity falls downwards, and the baseline is row 17 of the picture, 6 of the region
    assert (spectrum.PhysicalUnitsXDirection, spectrum.PhysicalUnitsYDirection) == (4, 7)
    assert (spectrum.PhysicalDeltaX, spectrum.PhysicalDeltaY) == pytest.approx((0.01, -0.5))
    assert (spectrum.ReferencePixelX0, spectrum.ReferencePixelY0) == (0, 6)
    assert spectrum.ReferencePixelPhysicalValueY == 0
    assert read_image(path).spacing_mm == pytest.approx((0.2, 0.2))


def test_nothing_names_a_person_and_identifiers_follow_from_the_key(tmp_path: Path) -> None:
    write_dicom(tmp_path / "a.dcm", GREY, **WHO)
    write_dicom(tmp_path / "b.dcm", GREY, **WHO)
    assert (tmp_path / "a.dcm").read_bytes() == (tmp_path / "b.dcm").read_bytes()
    write_dicom(tmp_path / "c.dcm", GREY, **{**WHO, "key": "7 SIM-00001/c"})
    a, c = pydicom.dcmread(tmp_path / "a.dcm"), pydicom.dcmread(tmp_path / "c.dcm")
    assert a.PatientName == "" and a.PatientBirthDate == "" and a.PatientID == "SIM-00001"
    assert a.StudyInstanceUID == c.StudyInstanceUID
    assert len({a.SOPInstanceUID, c.SOPInstanceUID, a.SeriesInstanceUID, c.SeriesInstanceUID}) == 4
    for uid in (a.SOPInstanceUID, a.StudyInstanceUID, a.file_meta.ImplementationClassUID):
        assert uid.is_valid and uid.startswith("2.25.")


def test_identifiers_are_name_based_uuids() -> None:
    import uuid

    found = uuid.UUID(int=int(unique_identifier("a").removeprefix("2.25.")))
    assert found.version == 8 and found.variant == uuid.RFC_4122
