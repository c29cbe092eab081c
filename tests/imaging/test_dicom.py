"""DICOM stills: pixels, calibrated regions, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from radiogen.errors import RadiogenError
from radiogen.imaging import read_image

pydicom = pytest.importorskip("pydicom")
PIXELS = np.arange(48, dtype=np.uint8).reshape(6, 8)


def region(**changes: Any) -> Any:
    """A tissue region over the whole 6 × 8 image at 0.02 cm per row and 0.01 cm per column."""
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


def write(path: Path, pixels: np.ndarray = PIXELS, regions: list[Any] | None = None, **changes: Any) -> Path:
    dataset = pydicom.Dataset()
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = pydicom.uid.UltrasoundImageStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = "1.2.3"
    colour = pixels.ndim == 3
    dataset.Rows, dataset.Columns = pixels.shape[:2]
    dataset.SamplesPerPixel = 3 if colour else 1
    dataset.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    if colour:
        dataset.PlanarConfiguration = 0
    bits = pixels.dtype.itemsize * 8
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = bits, bits, bits - 1
    dataset.PixelRepresentation = 0
    dataset.PixelData = pixels.tobytes()
    if regions is not None:
        dataset.SequenceOfUltrasoundRegions = pydicom.Sequence(regions)
    for key, value in changes.items():
        setattr(dataset, key, value)
    dataset.save_as(path, enforce_file_format=True)
    return path


def code(path: Path) -> str:
    with pytest.raises(RadiogenError) as caught:
        read_image(path)
    return caught.value.code


def test_pixels_and_spacing_in_centimetres(tmp_path: Path) -> None:
    image = read_image(write(tmp_path / "a.dcm", regions=[region()]))
    np.testing.assert_array_equal(image.pixels, PIXELS)
    assert image.spacing_mm == pytest.approx((0.2, 0.1))  # 0.02 cm down, 0.01 cm across
    assert image.regions[0].data_type == 1


@pytest.mark.parametrize(
    ("regions", "expected"),
    [
        (None, None),
        ([region(PhysicalUnitsXDirection=4)], None),  # seconds across: M-mode or Doppler
        ([region(RegionSpatialFormat=3, RegionDataType=3)], None),  # a spectrum
        ([region(PhysicalDeltaX=-0.01)], (0.2, 0.1)),  # the sign is a direction
        ([region(PhysicalDeltaX=0.0)], None),
        ([region(RegionDataType=14, PhysicalDeltaX=9.0), region()], (0.2, 0.1)),  # colour bar first
        ([region(RegionLocationMaxX1=80)], None),  # beyond the image: stale
        ([region(PhysicalDeltaX=None)], None),
    ],
)
def test_which_region_counts(tmp_path: Path, regions: list[Any] | None, expected: tuple[float, float] | None) -> None:
    found = read_image(write(tmp_path / "a.dcm", regions=regions)).spacing_mm
    assert found == (None if expected is None else pytest.approx(expected))


def test_stale_and_incomplete_regions_are_reported(tmp_path: Path) -> None:
    stale = read_image(write(tmp_path / "a.dcm", regions=[region(RegionLocationMaxX1=80)], PixelSpacing=[0.3, 0.3]))
    assert stale.spacing_mm is None
    assert [(p.code, p.severity) for p in stale.problems] == [("RG509", "warning")]
    incomplete = read_image(write(tmp_path / "b.dcm", regions=[region(RegionDataType=None), region()]))
    assert incomplete.spacing_mm == pytest.approx((0.2, 0.1))
    assert [p.code for p in incomplete.problems] == ["RG509"]


def test_two_panes_with_different_scales(tmp_path: Path) -> None:
    left = region(RegionLocationMaxX1=3)
    right = region(RegionLocationMinX0=4, PhysicalDeltaX=0.03, PhysicalDeltaY=0.04)
    image = read_image(write(tmp_path / "a.dcm", regions=[left, right]))
    assert image.spacing_mm is None
    mask = np.zeros((6, 8), bool)
    mask[2:4, 5:7] = True
    assert image.spacing_for(mask) == pytest.approx((0.4, 0.3))
    mask[2:4, 2:7] = True  # across both panes
    assert image.spacing_for(mask) is None


def test_pixel_spacing_where_there_are_no_regions(tmp_path: Path) -> None:
    assert read_image(write(tmp_path / "a.dcm", PixelSpacing=[0.5, 0.25])).spacing_mm == (0.5, 0.25)
    assert read_image(write(tmp_path / "b.dcm", PixelSpacing=[0, 0])).spacing_mm is None


def test_a_declared_spacing_that_differs_is_used_and_reported(tmp_path: Path) -> None:
    image = read_image(write(tmp_path / "a.dcm", regions=[region()]), spacing_mm=(0.3, 0.1))
    assert image.spacing_mm == (0.3, 0.1)
    assert [(p.code, p.severity) for p in image.problems] == [("RG509", "warning")]


def test_photometric_interpretations(tmp_path: Path) -> None:
    inverted = read_image(write(tmp_path / "a.dcm", PhotometricInterpretation="MONOCHROME1"))
    np.testing.assert_array_equal(inverted.pixels, 255.0 - PIXELS)
    rgb = np.repeat(PIXELS[..., None], 3, axis=2)
    np.testing.assert_array_equal(read_image(write(tmp_path / "b.dcm", rgb)).pixels, PIXELS)
    rgb[0, 0] = (9, 0, 200)
    np.testing.assert_array_equal(read_image(write(tmp_path / "c.dcm", rgb)).pixels, rgb)
    deep = PIXELS.astype(np.uint16) * 900
    np.testing.assert_array_equal(read_image(write(tmp_path / "d.dcm", deep)).pixels, deep)


def test_colours_of_real_files_are_converted_once() -> None:
    """pydicom's own examples: a colour still, whose preamble looks like a TIFF, and a YBR loop."""
    still = pydicom.examples.get_path("rgb_color")
    np.testing.assert_array_equal(read_image(still).pixels, pydicom.dcmread(still).pixel_array)
    assert code(pydicom.examples.get_path("ybr_color")) == "RG511"


def test_what_is_refused(tmp_path: Path) -> None:
    assert code(write(tmp_path / "loop.dcm", np.zeros((6, 8), np.uint8), NumberOfFrames=30)) == "RG511"
    assert code(write(tmp_path / "huge.dcm", Rows=60_000, Columns=60_000)) == "RG508"
    assert code(write(tmp_path / "short.dcm", PixelData=b"\0" * 10)) == "RG502"
    whole = write(tmp_path / "a.dcm").read_bytes()
    for share in (0.4, 0.95):
        (tmp_path / "part.dcm").write_bytes(whole[: int(len(whole) * share)])
        assert code(tmp_path / "part.dcm") == "RG502"
