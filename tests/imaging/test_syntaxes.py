"""DICOM in each transfer syntax: what another tool wrote reads to the same pixels.

Independent of the reader under test are the writers (GDCM within SimpleITK, highdicom, Pillow, CharLS) and, for the
files of pydicom, the decoder (GDCM).
"""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import SimpleITK
from PIL import Image as PillowImage
from pydicom import uid

from radiogen.errors import RadiogenError
from radiogen.imaging import Image, read_image
from tests.imaging.files import dataset, save, write_encapsulated

SimpleITK.ProcessObject.SetGlobalWarningDisplay(False)
FOLDER = Path(pydicom.__file__).parent / "data" / "test_files"


def picture(shape: tuple[int, ...], dtype: type = np.uint8, seed: int = 0) -> np.ndarray:
    """A smooth picture with an edge, as scans are; noise would be unfair to lossy compression."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[: shape[-3 if shape[-1] == 3 else -2], : shape[-2 if shape[-1] == 3 else -1]]
    top = float(np.iinfo(dtype).max)
    base = (0.5 + 0.3 * np.sin(rows / 7) * np.cos(columns / 9) + 0.2 * (columns > columns.max() / 2)) * 0.9
    frames = np.stack([np.roll(base, k, axis=1) for k in range(int(np.prod(shape)) // base.size)])
    stacked = np.moveaxis(frames.reshape(-1, 3, *base.shape), 1, -1) if shape[-1] == 3 else frames
    return (stacked.reshape(shape) * top * 0.95 + rng.integers(0, 3, shape)).astype(dtype)


GREY, DEEP, COLOUR = picture((40, 56)), picture((40, 56), np.uint16), picture((40, 56, 3))
LOOP, COLOUR_LOOP = picture((5, 40, 56)), picture((3, 40, 56, 3))


def same(image: Image, expected: np.ndarray) -> None:
    np.testing.assert_array_equal(image.pixels, expected)


# --- written by GDCM -----------------------------------------------------------------------------------------------


def by_gdcm(path: Path, array: np.ndarray, compressor: str | None) -> Path:
    writer = SimpleITK.ImageFileWriter()
    writer.SetImageIO("GDCMImageIO")
    writer.SetFileName(str(path))
    writer.SetUseCompression(compressor is not None)
    if compressor is not None:
        writer.SetCompressor(compressor)
    writer.Execute(SimpleITK.GetImageFromArray(array, isVector=array.shape[-1] == 3))
    return path


@pytest.mark.parametrize("array", [GREY, DEEP, COLOUR, LOOP, COLOUR_LOOP], ids=["grey", "deep", "colour", "loop", "colour loop"])
@pytest.mark.parametrize("compressor", [None, "JPEG", "JPEG2000"])
def test_files_of_simpleitk(tmp_path: Path, array: np.ndarray, compressor: str | None) -> None:
    path = by_gdcm(tmp_path / "a.dcm", array, compressor)
    name = pydicom.dcmread(path, stop_before_pixels=True).file_meta.TransferSyntaxUID.name
    assert {None: "Implicit VR Little Endian", "JPEG": "JPEG Lossless", "JPEG2000": "JPEG 2000 Image Compression (Lossless Only)"}[compressor] in name
    same(read_image(path), array)


# --- written by highdicom ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("array", [GREY, DEEP, COLOUR], ids=["grey", "deep", "colour"])
@pytest.mark.parametrize(
    "syntax", [uid.ExplicitVRLittleEndian, uid.ImplicitVRLittleEndian, uid.RLELossless, uid.JPEG2000Lossless, uid.JPEGLSLossless]
)
def test_files_of_highdicom(tmp_path: Path, array: np.ndarray, syntax: uid.UID) -> None:
    highdicom = pytest.importorskip("highdicom")
    colour = array.ndim == 3
    photometric = "MONOCHROME2" if not colour else "YBR_RCT" if syntax == uid.JPEG2000Lossless else "RGB"
    made = highdicom.sc.SCImage(
        pixel_array=array, photometric_interpretation=photometric, bits_allocated=array.dtype.itemsize * 8,
        coordinate_system="PATIENT", study_instance_uid=highdicom.UID(), series_instance_uid=highdicom.UID(), series_number=1,
        sop_instance_uid=highdicom.UID(), instance_number=1, manufacturer="Maker", patient_orientation=("L", "P"),
        transfer_syntax_uid=syntax,
    )  # fmt: skip
    image = read_image(save(tmp_path / "a.dcm", made))
    same(image, array)
    assert image.maker == "Maker"


# --- compressed by pydicom's encoders, and by Pillow ---------------------------------------------------------------


@pytest.mark.parametrize("array", [GREY, DEEP, COLOUR, LOOP, COLOUR_LOOP], ids=["grey", "deep", "colour", "loop", "colour loop"])
@pytest.mark.parametrize("syntax", [uid.RLELossless, uid.JPEG2000Lossless, uid.JPEGLSLossless])
def test_lossless_compression(tmp_path: Path, array: np.ndarray, syntax: uid.UID) -> None:
    frames = array.shape[0] if array.ndim == (4 if array.shape[-1] == 3 else 3) else 1
    ds = dataset(array, frames)
    ds.compress(syntax, generate_instance_uid=False)
    same(read_image(save(tmp_path / "a.dcm", ds)), array)


@pytest.mark.parametrize("array", [GREY, COLOUR, LOOP, COLOUR_LOOP], ids=["grey", "colour", "loop", "colour loop"])
@pytest.mark.parametrize("subsampling", [0, 1])
def test_jpeg_baseline_is_what_pillow_makes_of_it(tmp_path: Path, array: np.ndarray, subsampling: int) -> None:
    colour = array.shape[-1] == 3
    frames = array if array.ndim == (4 if colour else 3) else array[None]
    streams, expected = [], []
    for frame in frames:
        buffer = io.BytesIO()
        PillowImage.fromarray(frame).save(buffer, "JPEG", quality=95, **({"subsampling": subsampling} if colour else {}))
        streams.append(buffer.getvalue() + b"\0" * (len(buffer.getvalue()) % 2))
        expected.append(np.asarray(PillowImage.open(io.BytesIO(buffer.getvalue()))))
    photometric = "MONOCHROME2" if not colour else "YBR_FULL_422" if subsampling else "YBR_FULL"
    image = read_image(write_encapsulated(tmp_path / "a.dcm", streams, uid.JPEGBaseline8Bit, frames if len(frames) > 1 else frames[0],
                                          photometric))  # fmt: skip
    assert image.n_frames == len(frames)
    difference = np.abs(image.pixels.astype(int) - np.squeeze(np.stack(expected)).astype(int))
    # decoders round differently, twice where there are colours; a second conversion to RGB would be 50 levels off
    assert difference.max() <= 4 and difference.mean() < 0.3 and (difference > 2).mean() < 0.01


@pytest.mark.parametrize("array", [GREY, COLOUR], ids=["grey", "colour"])
def test_lossy_jpeg_2000_is_what_pillow_makes_of_it(tmp_path: Path, array: np.ndarray) -> None:
    buffer = io.BytesIO()
    PillowImage.fromarray(array).save(buffer, "JPEG2000", quality_mode="dB", quality_layers=[40], irreversible=True,
                                      no_jp2=True)  # fmt: skip
    data = buffer.getvalue() + b"\0" * (len(buffer.getvalue()) % 2)
    photometric = "YBR_ICT" if array.ndim == 3 else "MONOCHROME2"
    image = read_image(write_encapsulated(tmp_path / "a.dcm", [data], uid.JPEG2000, array, photometric))
    expected = np.asarray(PillowImage.open(io.BytesIO(buffer.getvalue())))
    assert np.abs(image.pixels.astype(int) - expected.astype(int)).max() <= 1
    assert 0 < np.abs(image.pixels.astype(int) - array.astype(int)).max() < 25  # it is lossy, and it is this picture


# --- not compressed ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("array", [GREY, DEEP, COLOUR, LOOP, COLOUR_LOOP], ids=["grey", "deep", "colour", "loop", "colour loop"])
@pytest.mark.parametrize(
    "syntax", [uid.ExplicitVRLittleEndian, uid.ImplicitVRLittleEndian, uid.ExplicitVRBigEndian, uid.DeflatedExplicitVRLittleEndian]
)
def test_uncompressed(tmp_path: Path, array: np.ndarray, syntax: uid.UID) -> None:
    ds = dataset(array, array.shape[0] if array.ndim == (4 if array.shape[-1] == 3 else 3) else 1)
    ds.file_meta.TransferSyntaxUID = syntax
    if array.dtype == np.uint16 and syntax == uid.ExplicitVRBigEndian:
        ds.PixelData = array.astype(">u2").tobytes()
    ds["PixelData"].VR = "OW" if array.dtype == np.uint16 else "OB"
    same(read_image(save(tmp_path / "a.dcm", ds)), array)


@pytest.mark.parametrize("array", [COLOUR, COLOUR_LOOP], ids=["colour", "colour loop"])
def test_colours_by_plane(tmp_path: Path, array: np.ndarray) -> None:
    planes = np.ascontiguousarray(np.moveaxis(array, -1, -3))
    ds = dataset(array, array.shape[0] if array.ndim == 4 else 1, PlanarConfiguration=1, PixelData=planes.tobytes())
    same(read_image(save(tmp_path / "a.dcm", ds)), array)


def test_subsampled_colours_without_compression(tmp_path: Path) -> None:
    """Two pixels share Cb and Cr: Y1 Y2 Cb Cr.  Y 100 and 140, Cb 168, Cr 98 by ITU-R BT.601."""
    pairs = np.tile(np.array([100, 140, 168, 98], np.uint8), (4, 3, 1))
    ds = dataset(np.zeros((4, 6, 3), np.uint8), PhotometricInterpretation="YBR_FULL_422", PixelData=pairs.tobytes())
    image = read_image(save(tmp_path / "a.dcm", ds))
    np.testing.assert_allclose(image.pixels[0, :2], [[57.94, 107.66, 170.88], [97.94, 147.66, 210.88]], atol=1)
    assert (image.pixels[:, ::2] == image.pixels[0, 0]).all() and (image.pixels[:, 1::2] == image.pixels[0, 1]).all()


# --- pydicom's own files, against GDCM -----------------------------------------------------------------------------

#: where two decoders of lossy JPEG may differ, and by how much
LOSSY = {
    "JPGExtended.dcm": 1, "SC_jpeg_no_color_transform.dcm": 1, "SC_jpeg_no_color_transform_2.dcm": 1,
    "SC_rgb_dcmtk_+eb+cr.dcm": 1, "SC_rgb_dcmtk_+eb+cy+n1.dcm": 2, "SC_rgb_dcmtk_+eb+cy+np.dcm": 2, "SC_rgb_jpeg_app14_dcmd.dcm": 1,
    "SC_rgb_jpeg_lossy_gdcm.dcm": 2, "examples_ybr_color.dcm": 3,
}  # fmt: skip
EXACT = (
    "693_J2KI.dcm", "CT_small.dcm", "ExplVR_BigEnd.dcm", "GDCMJ2K_TextGBR.dcm", "J2K_pixelrep_mismatch.dcm", "JPEG2000.dcm",
    "JPEGLSNearLossless_08.dcm", "JPEGLSNearLossless_16.dcm", "MR_small.dcm", "MR_small_RLE.dcm", "MR_small_bigendian.dcm",
    "MR_small_expb.dcm", "MR_small_implicit.dcm", "MR_small_jp2klossless.dcm", "MR_small_jpeg_ls_lossless.dcm",
    "MR_small_padded.dcm", "SC_rgb_dcmtk_+eb+cy+n2.dcm", "SC_rgb_dcmtk_+eb+cy+s2.dcm", "SC_rgb_dcmtk_+eb+cy+s4.dcm",
    "SC_rgb_gdcm_KY.dcm", "SC_rgb_jls_lossy_line.dcm", "SC_rgb_jls_lossy_sample.dcm", "SC_rgb_jpeg_dcmd.dcm",
    "SC_rgb_jpeg_dcmtk.dcm", "SC_rgb_jpeg_gdcm.dcm", "SC_rgb_rle.dcm", "SC_rgb_rle_2frame.dcm", "SC_rgb_small_odd.dcm",
    "SC_rgb_small_odd_big_endian.dcm", "SC_rgb_small_odd_jpeg.dcm", "SC_ybr_full_422_uncompressed.dcm", "examples_jpeg2k.dcm",
    "examples_overlay.dcm", "examples_palette.dcm", "examples_rgb_color.dcm", "image_dfl.dcm", "rtdose.dcm", "rtdose_rle.dcm",
)  # fmt: skip


def by_gdcm_decoded(path: Path) -> np.ndarray:
    array = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path), imageIO="GDCMImageIO"))
    return array[0] if array.shape[0] == 1 else array


@pytest.mark.parametrize("name", [*EXACT, *LOSSY])
def test_files_of_pydicom(name: str) -> None:
    image = read_image(FOLDER / name, calibration="ignore")
    expected = by_gdcm_decoded(FOLDER / name)
    found = np.repeat(image.pixels[..., None], 3, axis=-1) if image.pixels.ndim == expected.ndim - 1 else image.pixels
    difference = np.abs(found.astype(float) - expected.astype(float))
    assert difference.max() <= LOSSY.get(name, 0)
    assert difference.mean() < 0.15


@pytest.mark.parametrize("name", sorted({*EXACT, *LOSSY, "SC_rgb_jpeg.dcm"} - {"examples_palette.dcm"}))
def test_files_of_pydicom_against_pixel_array(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ds = pydicom.dcmread(FOLDER / name)
        expected = ds.pixel_array.astype(float) * float(ds.get("RescaleSlope", 1)) + float(ds.get("RescaleIntercept", 0))
    same(read_image(FOLDER / name, calibration="ignore"), expected)


def test_the_palette_of_pydicom() -> None:
    ds = pydicom.dcmread(FOLDER / "examples_palette.dcm")
    same(read_image(FOLDER / "examples_palette.dcm", calibration="ignore"), pydicom.pixels.apply_color_lut(ds.pixel_array, ds) >> 8)


def test_the_same_dose_in_both_orders_of_bytes() -> None:
    """GDCM misreads 32-bit big-endian files; the little-endian original says what is right."""
    same(read_image(FOLDER / "rtdose_expb.dcm"), read_image(FOLDER / "rtdose.dcm").pixels)


@pytest.mark.parametrize("name", ["SC_rgb_rle_16bit.dcm", "SC_rgb_rle_32bit.dcm", "SC_rgb_rle_32bit_2frame.dcm"])
def test_of_deep_colours_the_upper_eight_bits(name: str) -> None:
    ds = pydicom.dcmread(FOLDER / name)
    same(read_image(FOLDER / name), ds.pixel_array >> (ds.BitsStored - 8))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("test-SR.dcm", "no DICOM image"),
        ("rtplan.dcm", "no DICOM image"),
        ("waveform_ecg.dcm", "no DICOM image"),
        ("MR_truncated.dcm", "cut short: 8,130 of 8,192"),
        ("badVR.dcm", "NumberOfFrames of the DICOM file is not a number"),
        ("rtplan_truncated.dcm", "no DICOM image"),
        ("JPEG2000-embedded-sequence-delimiter.dcm", "the header says 1024 × 256"),
        ("no_meta.dcm", "no DICOM image"),
    ],
)
def test_files_of_pydicom_that_are_no_images(name: str, said: str) -> None:
    with pytest.raises(RadiogenError) as caught:
        read_image(FOLDER / name)
    assert caught.value.code == "RG502" and said in caught.value.problems[0].message


def test_a_missing_decoder_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pydicom.pixels import get_decoder

    monkeypatch.setattr(get_decoder(uid.JPEGLosslessSV1), "_available", {})
    with pytest.raises(RadiogenError) as caught:
        read_image(by_gdcm(tmp_path / "a.dcm", GREY, "JPEG"))
    assert caught.value.code == "RG902" and "pylibjpeg" in caught.value.problems[0].fix


def test_a_video_within_dicom_is_refused_by_name(tmp_path: Path) -> None:
    path: Any = write_encapsulated(tmp_path / "a.dcm", [b"\0\0\1\xb3" * 9], uid.MPEG4HP41, COLOUR, "YBR_PARTIAL_420")
    with pytest.raises(RadiogenError) as caught:
        read_image(path)
    assert caught.value.code == "RG511"
