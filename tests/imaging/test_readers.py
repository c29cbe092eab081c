"""Still images of every kind, and every way in which a file can be broken."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from radiogen.errors import RadiogenError
from radiogen.imaging import read_image

GREY = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20


def save(path: Path, array: np.ndarray, mode: str | None = None, **options: object) -> Path:
    picture = PillowImage.fromarray(array)
    (picture.convert(mode) if mode else picture).save(path, **options)
    return path


def code(path: Path, **declared: object) -> str:
    with pytest.raises(RadiogenError) as caught:
        read_image(path, **declared)
    assert caught.value.problems[0].file == str(path) or caught.value.code == "RG509"
    return caught.value.code


@pytest.mark.parametrize("ending", ["png", "bmp", "tif"])
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P"])
def test_grey_comes_back_without_loss_from_every_mode(tmp_path: Path, ending: str, mode: str) -> None:
    path = save(tmp_path / f"a.{ending}", GREY, mode)
    image = read_image(path)
    assert image.kind == "grey"
    assert image.pixels.dtype == np.float64
    np.testing.assert_array_equal(image.pixels, GREY)
    assert image.spacing_mm is None


def test_palette_indices_are_not_taken_for_grey_values(tmp_path: Path) -> None:
    picture = PillowImage.fromarray(np.array([[0, 1], [1, 0]], np.uint8), mode="L").convert("P")
    picture.putpalette([200, 200, 200, 10, 10, 10])
    picture.save(tmp_path / "p.png")
    np.testing.assert_array_equal(read_image(tmp_path / "p.png").pixels, [[200, 10], [10, 200]])


def test_sixteen_bits_are_kept(tmp_path: Path) -> None:
    deep = np.array([[0, 257], [40_000, 65_535]], np.uint16)
    for name in ("a.png", "a.tif"):
        np.testing.assert_array_equal(read_image(save(tmp_path / name, deep)).pixels, deep)


def test_jpeg_is_read_and_its_print_resolution_is_no_spacing(tmp_path: Path) -> None:
    image = read_image(save(tmp_path / "a.jpg", np.full((16, 16), 90, np.uint8), dpi=(254, 254)))
    assert image.spacing_mm is None
    assert image.format == "JPEG"
    np.testing.assert_array_equal(image.pixels, 90)


def test_the_kind_is_told_by_content_not_by_name(tmp_path: Path) -> None:
    save(tmp_path / "a.png", GREY)
    (tmp_path / "a.png").rename(tmp_path / "a.jpg")
    assert read_image(tmp_path / "a.jpg").format == "PNG"


def test_colour_stays_colour_and_marks_become_luminance(tmp_path: Path) -> None:
    colours = np.full((10, 10, 3), 100, np.uint8)
    colours[0, 0] = (255, 0, 0)
    image = read_image(save(tmp_path / "mark.png", colours))
    assert image.kind == "rgb" and image.pixels.dtype == np.uint8
    grey, problems = image.grey()
    assert grey[0, 0] == pytest.approx(0.299 * 255)  # ITU-R BT.601
    assert grey[5, 5] == pytest.approx(100)
    assert [p.code for p in problems] == ["RG512"] and "1 coloured" in problems[0].message

    colours[:, :5] = (0, 90, 255)
    with pytest.raises(RadiogenError) as caught:
        read_image(save(tmp_path / "colour.png", colours)).grey()
    assert caught.value.code == "RG511"


def test_traces_of_jpeg_colour_are_still_grey(tmp_path: Path) -> None:
    nearly = np.full((10, 10, 3), 100, np.uint8)
    nearly[..., 2] = 106
    grey, problems = read_image(save(tmp_path / "n.png", nearly)).grey()
    assert problems == ()
    assert grey[0, 0] == pytest.approx(100 + 0.114 * 6)


@pytest.mark.parametrize(("mode", "ending"), [("CMYK", "jpg"), ("CMYK", "tif"), ("1", "png"), ("LAB", "tif")])
def test_modes_without_grey_values_are_refused(tmp_path: Path, mode: str, ending: str) -> None:
    rgb = np.zeros((8, 8, 3), np.uint8)
    path = tmp_path / f"a.{ending}"
    PillowImage.fromarray(rgb).convert(mode if mode != "LAB" else "RGB").save(path)
    if mode == "LAB":
        PillowImage.new("LAB", (8, 8)).save(path)
    assert code(path) == "RG511"


def test_broken_files_are_coded(tmp_path: Path) -> None:
    assert code(tmp_path / "none.png") == "RG501"
    (tmp_path / "empty.png").write_bytes(b"")
    assert code(tmp_path / "empty.png") == "RG502"
    (tmp_path / "text.png").write_text("patient_id,image\n1,a.png\n")
    assert code(tmp_path / "text.png") == "RG502"
    (tmp_path / "text.dcm").write_text("not a DICOM file at all, but long enough to have a preamble " * 9)
    assert code(tmp_path / "text.dcm") == "RG502"
    (tmp_path / "text.nii.gz").write_text("no volume")
    assert code(tmp_path / "text.nii.gz") == "RG502"
    (tmp_path / "folder.png").mkdir()
    assert code(tmp_path / "folder.png") == "RG502"


@pytest.mark.parametrize("ending", ["png", "jpg", "bmp", "tif"])
def test_truncated_at_any_place(tmp_path: Path, ending: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64), dtype=np.uint8)
    whole = save(tmp_path / f"a.{ending}", noise).read_bytes()
    for share in (0.02, 0.3, 0.7):
        part = tmp_path / f"part.{ending}"
        part.write_bytes(whole[: int(len(whole) * share)])
        assert code(part) == "RG502"


def png_header(width: int, height: int) -> bytes:
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))


@pytest.mark.parametrize(("width", "height"), [(100_000, 2), (12_000, 12_000), (300_000, 300_000)])
def test_huge_pictures_are_refused_before_decoding(tmp_path: Path, width: int, height: int) -> None:
    idat = b"IDAT" + zlib.compress(b"\0")
    data = png_header(width, height) + struct.pack(">I", len(idat) - 4) + idat + struct.pack(">I", zlib.crc32(idat))
    (tmp_path / "bomb.png").write_bytes(data + b"\0\0\0\0IEND\xaeB`\x82")
    assert code(tmp_path / "bomb.png") == "RG508"


def test_declared_spacing(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", GREY)
    assert read_image(path, spacing_mm=0.1).spacing_mm == (0.1, 0.1)
    assert read_image(path, spacing_mm=(0.1, 0.2)).spacing_mm == (0.1, 0.2)
    for wrong in (0, -0.1, float("nan"), (0.1, float("inf")), (0.1, 0.1, 0.1), "0.1mm"):
        assert code(path, spacing_mm=wrong) == "RG509"


def test_other_declarations_are_checked(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", GREY)
    for wrong in ({"calibration": "none"}, {"frame_interval_ms": 0}, {"frame_interval_ms": float("nan")}, {"frame_interval_ms": "9"}):
        with pytest.raises(RadiogenError) as caught:
            read_image(path, **wrong)
        assert caught.value.code == "RG708"
    assert read_image(path, frame_interval_ms=50).frame_times_s is None  # a still has no times


def test_transparency_is_ignored_and_noted(tmp_path: Path) -> None:
    rgba = np.dstack([GREY, GREY, GREY, np.full_like(GREY, 7)])
    image = read_image(save(tmp_path / "a.png", rgba))
    np.testing.assert_array_equal(image.pixels, GREY)
    assert [p.code for p in image.problems] == ["RG514"]


def test_nrrd_and_nifti(tmp_path: Path) -> None:
    sitk = pytest.importorskip("SimpleITK")
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    picture = sitk.GetImageFromArray(array)
    sitk.WriteImage(picture, str(tmp_path / "unset.nrrd"))
    picture.SetSpacing((0.2, 0.1))  # columns first
    for name in ("a.nrrd", "a.nii.gz", "a.nii"):
        sitk.WriteImage(picture, str(tmp_path / name))
        image = read_image(tmp_path / name)
        np.testing.assert_array_equal(image.pixels, array)
        assert image.spacing_mm == pytest.approx((0.1, 0.2))
    assert read_image(tmp_path / "unset.nrrd").spacing_mm is None
    assert read_image(tmp_path / "a.nrrd", calibration="ignore").spacing_mm is None
    whole = (tmp_path / "a.nii.gz").read_bytes()
    (tmp_path / "half.nii.gz").write_bytes(whole[: len(whole) // 2])
    assert code(tmp_path / "half.nii.gz") == "RG502"
    one_slice = sitk.GetImageFromArray(array[None])
    one_slice.SetSpacing((0.2, 0.1, 1.0))
    sitk.WriteImage(one_slice, str(tmp_path / "slice.nii.gz"))
    np.testing.assert_array_equal(read_image(tmp_path / "slice.nii.gz").pixels, array)


def test_pixels_of_other_types(tmp_path: Path) -> None:
    sitk = pytest.importorskip("SimpleITK")
    many = sitk.GetImageFromArray(np.zeros((4, 5, 7), np.uint8), isVector=True)
    sitk.WriteImage(many, str(tmp_path / "seven.nrrd"))
    assert code(tmp_path / "seven.nrrd") == "RG511"
    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((4, 5), complex)), str(tmp_path / "complex.nii"))
    assert code(tmp_path / "complex.nii") == "RG511"
    colours = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)
    sitk.WriteImage(sitk.GetImageFromArray(colours, isVector=True), str(tmp_path / "colour.nrrd"))
    np.testing.assert_array_equal(read_image(tmp_path / "colour.nrrd").pixels, colours)
    (tmp_path / "block.nrrd").write_bytes(b"NRRD0004\ntype: block\nblock size: 5\ndimension: 2\nsizes: 2 2\nencoding: raw\n\n" + b"a" * 20)
    assert code(tmp_path / "block.nrrd") in ("RG502", "RG511")


def test_a_detached_nrrd_header_is_refused(tmp_path: Path) -> None:
    sitk = pytest.importorskip("SimpleITK")
    sitk.WriteImage(sitk.GetImageFromArray(GREY), str(tmp_path / "a.nhdr"))
    assert code(tmp_path / "a.nhdr") == "RG502"


def test_names_that_cannot_be_files(tmp_path: Path) -> None:
    assert code(tmp_path / ("x" * 5000)) == "RG502"
    assert code(tmp_path / "a\0b.png") == "RG502"
    save(tmp_path / "a.png", GREY)
    assert code(tmp_path / "a.png" / "b.png") == "RG501"


def test_repr_says_size_and_spacing(tmp_path: Path) -> None:
    assert repr(read_image(save(tmp_path / "a.png", GREY))) == "<Image 3 × 4 grey, PNG L, spacing not known>"
