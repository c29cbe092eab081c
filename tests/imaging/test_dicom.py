"""DICOM stills: pixels, calibrated regions, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest

from radiogen.errors import RadiogenError
from radiogen.imaging import Region, read_image
from tests.imaging.files import PIXELS, region, write


def code(path: Path, **declared: Any) -> str:
    with pytest.raises(RadiogenError) as caught:
        read_image(path, **declared)
    assert caught.value.problems[0].file == str(path)
    return caught.value.code


def mask(rows: slice, columns: slice) -> np.ndarray:
    found = np.zeros((6, 8), bool)
    found[rows, columns] = True
    return found


def test_pixels_and_spacing_in_centimetres(tmp_path: Path) -> None:
    image = read_image(write(tmp_path / "a.dcm", regions=[region()]))
    np.testing.assert_array_equal(image.pixels, PIXELS)
    assert image.spacing_mm == pytest.approx((0.2, 0.1))  # 0.02 cm down, 0.01 cm across
    assert image.regions[0].data_type == 1
    assert not image.is_loop and image.frame_times_s is None


@pytest.mark.parametrize(
    ("regions", "expected"),
    [
        (None, None),
        ([region(PhysicalUnitsXDirection=4)], None),  # seconds across: M-mode or Doppler
        ([region(RegionSpatialFormat=3, RegionDataType=3)], None),  # a spectrum
        ([region(PhysicalDeltaX=-0.01)], (0.2, 0.1)),  # the sign is a direction
        ([region(PhysicalDeltaX=0.0)], None),
        ([region(PhysicalDeltaX=float("nan"))], None),
        ([region(RegionDataType=14, PhysicalDeltaX=9.0), region()], (0.2, 0.1)),  # colour bar first
        ([region(RegionDataType=2)], (0.2, 0.1)),  # colour flow is a picture of tissue too
        ([region(RegionDataType=10, RegionSpatialFormat=4, RegionLocationMaxX1=80), region()], (0.2, 0.1)),  # an ECG, unused
        ([region(RegionLocationMaxX1=8, RegionLocationMaxY1=6)], (0.2, 0.1)),  # the first pixel outside
        ([region(PhysicalDeltaX=None)], None),
        ([region(), region(PhysicalDeltaX=None)], None),  # one pane has a scale and one has none
    ],
)
def test_which_region_counts(tmp_path: Path, regions: list[Any] | None, expected: tuple[float, float] | None) -> None:
    found = read_image(write(tmp_path / "a.dcm", regions=regions)).spacing_mm
    assert found == (None if expected is None else pytest.approx(expected))


STALE = [
    region(RegionLocationMaxX1=80),
    region(RegionLocationMaxY1=7),
    region(RegionDataType=2, RegionLocationMaxX1=80),
    region(RegionSpatialFormat=3, RegionDataType=3, PhysicalUnitsXDirection=4, PhysicalUnitsYDirection=7, RegionLocationMaxX1=80),
    region(RegionDataType=14, RegionLocationMaxY1=80),
]


@pytest.mark.parametrize("stale", STALE)
def test_a_calibrated_region_beyond_the_image_is_an_error(tmp_path: Path, stale: Any) -> None:
    path = write(tmp_path / "a.dcm", regions=[region(), stale], PixelSpacing=[0.3, 0.3])
    assert code(path) == "RG518"
    declared = read_image(path, spacing_mm=0.4)
    assert declared.spacing_mm == (0.4, 0.4) and declared.regions == ()
    assert [(p.code, p.severity) for p in declared.problems] == [("RG514", "note")]
    ignored = read_image(path, calibration="ignore")
    assert ignored.spacing_mm is None and ignored.regions == () and ignored.problems == ()
    assert read_image(path, calibration="ignore", spacing_mm=0.4).spacing_mm == (0.4, 0.4)


def test_the_stale_file_of_pydicom() -> None:
    path = pydicom.examples.get_path("ybr_color")
    assert code(path) == "RG518"  # columns 84 to 595 of 320
    image = read_image(path, spacing_mm=0.7)
    assert (image.n_frames, image.maker, image.model) == (30, "SonoSite, Inc.", "Turbo")
    assert image.frame_times_s is not None and image.frame_times_s[29] == pytest.approx(29 * 0.033333)


def test_a_region_of_no_use_beyond_the_image_is_left_out(tmp_path: Path) -> None:
    ecg = region(RegionDataType=10, RegionSpatialFormat=4, RegionLocationMaxX1=80)
    image = read_image(write(tmp_path / "a.dcm", regions=[ecg, region()]))
    assert [r.kind for r in image.regions] == ["tissue"]
    assert [p.code for p in image.problems] == ["RG514"] and "ECG" in image.problems[0].message


def test_incomplete_regions_are_reported(tmp_path: Path) -> None:
    damaged = [region(RegionDataType=None), region(RegionLocationMinX0=7, RegionLocationMaxX1=2), region()]
    image = read_image(write(tmp_path / "b.dcm", regions=damaged))
    assert image.spacing_mm == pytest.approx((0.2, 0.1))
    assert [(p.code, p.severity) for p in image.problems] == [("RG509", "warning")] * 2


def test_what_a_region_keeps(tmp_path: Path) -> None:
    """A PW spectrum: 2 cm/s per row upwards, 5 ms per column, baseline in row 1 + 2 = 3 of the image."""
    strip = region(
        RegionSpatialFormat=3, RegionDataType=3, RegionLocationMinY0=1, RegionLocationMinX0=2,
        PhysicalUnitsXDirection=4, PhysicalUnitsYDirection=7, PhysicalDeltaX=0.005, PhysicalDeltaY=-2.0,
        ReferencePixelX0=-4, ReferencePixelY0=2, ReferencePixelPhysicalValueX=0.0, ReferencePixelPhysicalValueY=0.0,
    )  # fmt: skip
    bar = region(RegionDataType=14, PhysicalUnitsXDirection=0, PhysicalUnitsYDirection=0)
    image = read_image(write(tmp_path / "a.dcm", regions=[strip, bar]))
    assert image.regions_of("spectrum") == (
        Region((1, 5), (2, 7), 3, 3, None, units=(7, 4), delta=(-2.0, 0.005), reference_pixel=(3, -2), reference_value=(0.0, 0.0)),
    )
    assert [r.kind for r in image.regions_of("colour bar")] == ["colour bar"]
    assert image.regions_of("tissue") == ()
    assert [r.is_calibrated for r in image.regions] == [True, True]


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, "tissue"),
        ({"RegionDataType": 2}, "colour flow"),
        ({"RegionSpatialFormat": 2}, "M-mode"),
        ({"RegionSpatialFormat": 3, "RegionDataType": 4}, "spectrum"),
        ({"RegionDataType": 13}, "grey bar"),
        ({"RegionDataType": 14}, "colour bar"),
        ({"RegionDataType": 99}, "other"),
    ],
)
def test_kinds_of_region(tmp_path: Path, changes: dict[str, int], kind: str) -> None:
    assert read_image(write(tmp_path / "a.dcm", regions=[region(**changes)])).regions[0].kind == kind


def test_two_panes_with_different_scales(tmp_path: Path) -> None:
    left = region(RegionLocationMaxX1=3)
    right = region(RegionLocationMinX0=4, PhysicalDeltaX=0.03, PhysicalDeltaY=0.04)
    image = read_image(write(tmp_path / "a.dcm", regions=[left, right]))
    assert image.spacing_mm is None
    inside = mask(slice(2, 4), slice(5, 7))
    assert image.spacing_for(inside) == pytest.approx((0.4, 0.3))
    np.testing.assert_array_equal(image.calibrated_field(inside), mask(slice(0, 6), slice(4, 8)))
    across = mask(slice(2, 4), slice(2, 7))
    assert image.spacing_for(across) is None
    assert image.calibrated_field(across).all()
    declared = read_image(tmp_path / "a.dcm", spacing_mm=0.5)
    assert declared.spacing_for(across) == declared.spacing_for(inside) == (0.5, 0.5)
    assert [r.spacing_mm for r in declared.regions] == [(0.5, 0.5)] * 2


def test_two_panes_of_one_scale_and_a_margin_without(tmp_path: Path) -> None:
    panes = [region(RegionLocationMaxX1=2), region(RegionLocationMinX0=3, RegionLocationMaxX1=5)]
    image = read_image(write(tmp_path / "a.dcm", regions=panes))
    assert image.spacing_mm == pytest.approx((0.2, 0.1))
    assert image.spacing_for(mask(slice(1, 3), slice(1, 5))) == pytest.approx((0.2, 0.1))  # across both
    assert image.spacing_for(mask(slice(1, 3), slice(4, 8))) == pytest.approx((0.2, 0.1))  # half in the margin
    outside = mask(slice(1, 3), slice(6, 8))
    assert image.spacing_for(outside) is None  # text beside the picture has no scale
    assert image.calibrated_field(outside).all()


def test_of_overlapping_regions_the_smallest_counts(tmp_path: Path) -> None:
    box = region(RegionDataType=2, RegionLocationMinX0=2, RegionLocationMaxX1=6, RegionLocationMinY0=1, RegionLocationMaxY1=4,
                 PhysicalDeltaX=0.05)  # fmt: skip
    image = read_image(write(tmp_path / "a.dcm", regions=[region(), box]))
    assert image.spacing_for(mask(slice(2, 4), slice(3, 5))) == pytest.approx((0.2, 0.5))
    assert image.spacing_for(mask(slice(2, 4), slice(0, 4))) == pytest.approx((0.2, 0.1))
    np.testing.assert_array_equal(image.calibrated_field(mask(slice(2, 4), slice(3, 5))), mask(slice(1, 5), slice(2, 7)))


def test_without_regions_the_field_is_the_whole_image(tmp_path: Path) -> None:
    image = read_image(write(tmp_path / "a.dcm"))
    assert image.calibrated_field(mask(slice(0, 1), slice(0, 1))).all()
    assert image.spacing_for(mask(slice(0, 1), slice(0, 1))) is None


def test_pixel_spacing_where_there_are_no_regions(tmp_path: Path) -> None:
    path = write(tmp_path / "a.dcm", PixelSpacing=[0.5, 0.25])
    assert read_image(path).spacing_mm == (0.5, 0.25)
    assert read_image(path, calibration="ignore").spacing_mm is None
    assert read_image(write(tmp_path / "b.dcm", PixelSpacing=[0, 0])).spacing_mm is None


def test_a_declared_spacing_that_differs_is_used_and_reported(tmp_path: Path) -> None:
    image = read_image(write(tmp_path / "a.dcm", regions=[region()]), spacing_mm=(0.3, 0.1))
    assert image.spacing_mm == (0.3, 0.1)
    assert [(p.code, p.severity) for p in image.problems] == [("RG509", "warning")]
    same = read_image(tmp_path / "a.dcm", spacing_mm=(0.2001, 0.1))
    assert same.problems == ()


def test_photometric_interpretations(tmp_path: Path) -> None:
    inverted = read_image(write(tmp_path / "a.dcm", PhotometricInterpretation="MONOCHROME1"))
    np.testing.assert_array_equal(inverted.pixels, 255.0 - PIXELS)
    rgb = np.repeat(PIXELS[..., None], 3, axis=2)
    np.testing.assert_array_equal(read_image(write(tmp_path / "b.dcm", rgb)).pixels, PIXELS)
    rgb[0, 0] = (9, 0, 200)
    np.testing.assert_array_equal(read_image(write(tmp_path / "c.dcm", rgb)).pixels, rgb)
    deep = PIXELS.astype(np.uint16) * 900
    np.testing.assert_array_equal(read_image(write(tmp_path / "d.dcm", deep)).pixels, deep)
    assert code(write(tmp_path / "e.dcm", rgb, PhotometricInterpretation="YBR_PARTIAL_420")) == "RG511"
    assert code(write(tmp_path / "f.dcm", rgb, PhotometricInterpretation="YBR_RCT")) == "RG511"  # belongs to JPEG 2000
    assert code(write(tmp_path / "g.dcm", rgb, PhotometricInterpretation="MONOCHROME2")) == "RG502"


def test_ybr_is_converted_once(tmp_path: Path) -> None:
    """Y 100, Cb 128 + 40, Cr 128 − 30 by the equations of ITU-R BT.601: R 57.94, G 107.66, B 170.88."""
    ybr = np.empty((6, 8, 3), np.uint8)
    ybr[...] = (100, 168, 98)
    found = read_image(write(tmp_path / "a.dcm", ybr, PhotometricInterpretation="YBR_FULL")).pixels
    np.testing.assert_allclose(found, np.broadcast_to([57.94, 107.66, 170.88], found.shape), atol=1)


def test_palette_of_eight_and_of_sixteen_bits(tmp_path: Path) -> None:
    colours = np.random.default_rng(0).integers(0, 256, (256, 3)).astype(np.uint16)
    for name, factor in (("a.dcm", 1), ("b.dcm", 257)):
        table = {f"{c}PaletteColorLookupTableData": (colours[:, i] * factor).astype("<u2").tobytes()
                 for i, c in enumerate(("Red", "Green", "Blue"))}  # fmt: skip
        entries = {f"{c}PaletteColorLookupTableDescriptor": [256, 0, 16] for c in ("Red", "Green", "Blue")}
        path = write(tmp_path / name, PhotometricInterpretation="PALETTE COLOR", **entries, **table)
        np.testing.assert_array_equal(read_image(path).pixels, colours[PIXELS])


def test_colours_of_real_files_are_converted_once() -> None:
    """pydicom's own example of a colour still, whose preamble looks like a TIFF."""
    still = pydicom.examples.get_path("rgb_color")
    np.testing.assert_array_equal(read_image(still).pixels, pydicom.dcmread(still).pixel_array)


def test_what_is_refused(tmp_path: Path) -> None:
    assert code(write(tmp_path / "huge.dcm", Rows=60_000, Columns=60_000)) == "RG508"
    assert code(write(tmp_path / "short.dcm", PixelData=b"\0" * 10)) == "RG502"
    whole = write(tmp_path / "a.dcm").read_bytes()
    for share in (0.4, 0.95):
        (tmp_path / "part.dcm").write_bytes(whole[: int(len(whole) * share)])
        assert code(tmp_path / "part.dcm") == "RG502"


@pytest.mark.filterwarnings("error")
def test_nothing_of_the_patient_is_kept_or_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Name, number and date stand in every text field of the header, in place of numbers too."""
    secret = {
        "PatientName": "Musterfrau^Erika", "PatientID": "4711-0815", "PatientBirthDate": "19640812",
        "InstitutionName": "Musterfrau", "StationName": "Musterfrau", "StudyDescription": "Musterfrau 4711-0815",
        "Manufacturer": "Maker", "ManufacturerModelName": "Model", "OperatorsName": "Musterfrau",
    }  # fmt: skip
    image = read_image(write(tmp_path / "a.dcm", regions=[region()], **secret))
    assert (image.maker, image.model) == ("Maker", "Model")
    seen = repr(image) + repr(vars(image)) + repr(image.problems)
    whole = (tmp_path / "a.dcm").read_bytes()
    wrong = [
        {"PhotometricInterpretation": "MUSTERFRAU"},
        {"NumberOfFrames": 9},
        {"PixelData": b"\0" * 4},
        {"Rows": 50_000, "Columns": 50_000},
        {"SamplesPerPixel": 3},
    ]
    for changes in wrong:
        with pytest.raises(RadiogenError) as caught:
            read_image(write(tmp_path / "b.dcm", **secret, **changes))
        seen += str(caught.value) + repr(caught.value.__cause__)
    for at in range(200, len(whole), 7):  # every value in turn overwritten by the name, lengths and tags too
        (tmp_path / "c.dcm").write_bytes(whole[:at] + b"Musterfrau" + whole[at + 10 :])
        try:
            found = read_image(tmp_path / "c.dcm")
            seen += repr(found.regions) + repr(found.problems) + repr(found.spacing_mm)
        except RadiogenError as error:
            seen += str(error)
    seen += caplog.text
    for word in ("Musterfrau", "Erika", "4711", "19640812"):
        assert word not in seen.replace("MUSTERFRAU", "Musterfrau").replace(str(tmp_path), "")
