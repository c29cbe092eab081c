"""Loops: pages, frames and slices, their times, and what bounds their memory."""

from __future__ import annotations

import struct
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK
from PIL import Image as PillowImage

from radiogen.errors import RadiogenError
from radiogen.imaging import image as image_module
from radiogen.imaging import read_image
from radiogen.imaging.formats.frames import Frames
from tests.imaging.files import write

LOOP = np.arange(4 * 3 * 5, dtype=np.uint8).reshape(4, 3, 5)


def pages(path: Path, arrays: Any, **options: Any) -> Path:
    first, *others = [PillowImage.fromarray(a) for a in arrays]
    first.save(path, save_all=True, append_images=others, **options)
    return path


def refused(path: Path, **declared: Any) -> tuple[str, str]:
    with pytest.raises(RadiogenError) as caught:
        read_image(path, **declared)
    assert caught.value.problems[0].file == str(path)
    return caught.value.code, caught.value.problems[0].message


# --- pages ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_pages_of_a_tiff_are_kept_as_stored(tmp_path: Path, dtype: type) -> None:
    image = read_image(pages(tmp_path / "a.tif", LOOP.astype(dtype) * dtype(2)))
    assert (image.n_frames, image.is_loop, image.kind, image.shape) == (4, True, "grey", (3, 5))
    assert image.pixels.dtype == dtype and image.frame_times_s is None
    np.testing.assert_array_equal(image.pixels, LOOP * 2)


def test_one_page_is_a_still(tmp_path: Path) -> None:
    image = read_image(pages(tmp_path / "a.tif", LOOP[:1]))
    assert not image.is_loop and image.pixels.dtype == np.float64 and image.pixels.shape == (3, 5)


def test_grey_only_where_all_frames_are_grey(tmp_path: Path) -> None:
    rgb = np.repeat(LOOP[..., None], 3, axis=3)
    assert read_image(pages(tmp_path / "grey.tif", rgb)).kind == "grey"
    rgb[2, 1, 1] = (200, 0, 0)  # the third frame has a colour: the two before it become colour frames
    image = read_image(pages(tmp_path / "colour.tif", rgb))
    assert image.kind == "rgb" and image.pixels.dtype == np.uint8
    np.testing.assert_array_equal(image.pixels, rgb)


def test_a_thousand_pages(tmp_path: Path) -> None:
    image = read_image(pages(tmp_path / "a.tif", [np.full((2, 2), k % 251, np.uint8) for k in range(1000)]))
    assert image.n_frames == 1000
    np.testing.assert_array_equal(image.pixels[:, 0, 0], np.arange(1000) % 251)


def test_pages_that_do_not_fit_together(tmp_path: Path) -> None:
    assert refused(pages(tmp_path / "a.tif", [LOOP[0], LOOP[0, :2]])) == (
        "RG502", "frame 2 has 2 × 5 pixels, the frames before it 3 × 5"
    )  # fmt: skip
    assert refused(pages(tmp_path / "b.tif", [LOOP[0], LOOP[0].astype(np.uint16)]))[0] == "RG502"
    nan = np.array([[0, np.nan]], np.float32)
    assert refused(pages(tmp_path / "c.tif", [nan])) == ("RG502", "the image has pixels that are not finite numbers")


def test_smaller_copies_of_a_page_are_left_out(tmp_path: Path) -> None:
    tifffile = pytest.importorskip("tifffile")
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        writer.write(LOOP[0])
        writer.write(LOOP[0, ::2, ::2], subfiletype=1)
    image = read_image(tmp_path / "a.tif")
    np.testing.assert_array_equal(image.pixels, LOOP[0])
    assert [p.code for p in image.problems] == ["RG514"]


def test_a_damaged_chain_of_pages_ends(tmp_path: Path) -> None:
    """The second page of a TIFF names the first as its next."""
    data = bytearray(pages(tmp_path / "a.tif", LOOP[:2]).read_bytes())
    first = struct.unpack("<I", data[4:8])[0]
    entries = struct.unpack("<H", data[first : first + 2])[0]
    second = struct.unpack("<I", data[first + 2 + 12 * entries :][:4])[0]
    entries = struct.unpack("<H", data[second : second + 2])[0]
    data[second + 2 + 12 * entries : second + 6 + 12 * entries] = struct.pack("<I", first)
    (tmp_path / "b.tif").write_bytes(data)
    try:
        assert read_image(tmp_path / "b.tif").n_frames == 2
    except RadiogenError as error:
        assert error.code == "RG502"


# --- slices --------------------------------------------------------------------------------------------------------


def test_slices_of_nrrd_and_nifti(tmp_path: Path) -> None:
    stack = SimpleITK.GetImageFromArray(LOOP)
    stack.SetSpacing((0.2, 0.1, 3.0))
    for name in ("a.nrrd", "a.nii.gz"):
        SimpleITK.WriteImage(stack, str(tmp_path / name))
        image = read_image(tmp_path / name)
        np.testing.assert_array_equal(image.pixels, LOOP)
        assert image.spacing_mm == pytest.approx((0.1, 0.2)) and image.frame_times_s is None
        assert image.pixels.dtype == np.uint8


@pytest.mark.parametrize(("units", "seconds"), [(2 + 8, 0.05), (2 + 16, 0.00005), (2, None), (2 + 32, None)])
def test_the_time_axis_of_nifti(tmp_path: Path, units: int, seconds: float | None) -> None:
    stack = SimpleITK.GetImageFromArray(LOOP[:, None], isVector=False)
    stack.SetSpacing((0.2, 0.1, 1.0, 0.05))
    SimpleITK.WriteImage(stack, str(tmp_path / "a.nii"))
    data = bytearray((tmp_path / "a.nii").read_bytes())
    assert data[123] == 2 + 8  # xyzt_units: millimetres and seconds
    data[123] = units
    (tmp_path / "b.nii").write_bytes(data)
    times = read_image(tmp_path / "b.nii").frame_times_s
    assert times == (None if seconds is None else pytest.approx(np.arange(4) * seconds))


def test_two_axes_of_frames_are_refused(tmp_path: Path) -> None:
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(np.zeros((2, 3, 4, 5)), isVector=False), str(tmp_path / "a.nrrd"))
    assert refused(tmp_path / "a.nrrd") == ("RG511", "the file holds 5 × 4 × 3 × 2 values; a picture or one loop is needed")


# --- frames of DICOM, and their times ------------------------------------------------------------------------------


TIMES: list[tuple[dict[str, Any], list[float] | None, list[str]]] = [
    ({}, None, []),
    ({"FrameTime": 40}, [0, 0.04, 0.08, 0.12], []),
    ({"FrameTimeVector": [0, 40, 50, 60]}, [0, 0.04, 0.09, 0.15], []),
    ({"FrameTimeVector": [40, 50, 60]}, [0, 0.04, 0.09, 0.15], []),  # the first left out
    ({"FrameTimeVector": [33, 40, 50, 60]}, [0, 0.04, 0.09, 0.15], []),  # the first is of no meaning
    ({"FrameTimeVector": [0, 40, 50, 60], "FrameTime": 99}, [0, 0.04, 0.09, 0.15], []),
    ({"FrameTimeVector": [0, 40, 50, 60], "FrameTime": 99, "FrameIncrementPointer": 0x00181063}, [0, 0.099, 0.198, 0.297], []),
    ({"FrameTimeVector": [0, 40], "FrameTime": 99}, [0, 0.099, 0.198, 0.297], ["FrameTimeVector of the DICOM file does not fit"]),
    ({"FrameTimeVector": [0, 40, -50, 60]}, None, ["FrameTimeVector of the DICOM file does not fit"]),
    ({"FrameTime": 0, "CineRate": 20}, [0, 0.05, 0.1, 0.15], ["FrameTime of the DICOM file does not fit", "follow CineRate, 20 per"]),
    ({"RecommendedDisplayFrameRate": 10}, [0, 0.1, 0.2, 0.3], ["follow RecommendedDisplayFrameRate"]),
    ({"CineRate": 0}, None, []),
]  # fmt: skip


@pytest.mark.parametrize(("tags", "expected", "said"), TIMES)
def test_times_of_dicom_frames(tmp_path: Path, tags: dict[str, Any], expected: list[float] | None, said: list[str]) -> None:
    image = read_image(write(tmp_path / "a.dcm", LOOP, frames=4, **tags))
    np.testing.assert_array_equal(image.pixels, LOOP)
    assert image.frame_times_s == (None if expected is None else pytest.approx(expected))
    assert len(image.problems) == len(said)
    assert all(part in p.message for part, p in zip(said, image.problems, strict=True))


def test_a_declared_interval_wins(tmp_path: Path) -> None:
    path = write(tmp_path / "a.dcm", LOOP, frames=4, FrameTime=40)
    image = read_image(path, frame_interval_ms=100)
    assert image.frame_times_s == pytest.approx([0, 0.1, 0.2, 0.3])
    assert [(p.code, p.severity) for p in image.problems] == [("RG514", "warning")]
    assert "declared, 100 ms, is used; the file says 40 ms" in image.problems[0].message
    assert read_image(path, frame_interval_ms=40.2).problems == ()
    assert read_image(pages(tmp_path / "a.tif", LOOP), frame_interval_ms=100).frame_times_s == pytest.approx([0, 0.1, 0.2, 0.3])


def test_grey_loops_inverted_and_rescaled(tmp_path: Path) -> None:
    image = read_image(write(tmp_path / "a.dcm", LOOP, frames=4, PhotometricInterpretation="MONOCHROME1"))
    assert image.pixels.dtype == np.uint8
    np.testing.assert_array_equal(image.pixels, 255 - LOOP)
    image = read_image(write(tmp_path / "b.dcm", LOOP, frames=4, RescaleSlope=0.5, RescaleIntercept=-3))
    np.testing.assert_array_equal(image.pixels, LOOP * 0.5 - 3)
    assert read_image(write(tmp_path / "c.dcm", LOOP, frames=4, RescaleSlope=1, RescaleIntercept=0)).pixels.dtype == np.uint8


@pytest.mark.parametrize(("stored", "claimed"), [(4, 3), (4, 5), (4, 1), (1, 4), (4, 400)])
def test_a_wrong_number_of_frames_is_found(tmp_path: Path, stored: int, claimed: int) -> None:
    pixels = LOOP[0] if stored == 1 else LOOP[:stored]
    for name, compress in (("plain.dcm", None), ("rle.dcm", "1.2.840.10008.1.2.5")):
        from tests.imaging.files import dataset, save

        ds = dataset(pixels, stored)
        if compress:
            ds.compress(compress, generate_instance_uid=False)
        ds.NumberOfFrames = claimed
        assert refused(save(tmp_path / name, ds))[0] == "RG502"


# --- caps ----------------------------------------------------------------------------------------------------------


def test_too_many_frames_are_refused_before_decoding(tmp_path: Path) -> None:
    path = write(tmp_path / "a.dcm", LOOP, frames=4)
    data = path.read_bytes().replace(struct.pack("<HH", 0x28, 0x10) + b"US\x02\x00\x03\x00", struct.pack("<HH", 0x28, 0x10)
                                     + b"US\x02\x00\x00\x40")  # fmt: skip
    (tmp_path / "b.dcm").write_bytes(data.replace(struct.pack("<HH", 0x28, 0x11) + b"US\x02\x00\x05\x00",
                                                  struct.pack("<HH", 0x28, 0x11) + b"US\x02\x00\x00\x40"))  # fmt: skip
    assert refused(tmp_path / "b.dcm")[0] == "RG508"  # 16,384 × 16,384


def test_frames_stop_at_the_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_module, "MAX_LOOP_PIXELS", 50)
    frames = Frames()
    for _ in range(5):
        frames.add(np.zeros((2, 5), np.uint8))
    with pytest.raises(RadiogenError) as caught:
        frames.add(np.zeros((2, 5), np.uint8))
    assert caught.value.code == "RG508"


def test_wide_numbers_count_by_their_bytes(tmp_path: Path) -> None:
    with pytest.raises(RadiogenError) as caught:
        image_module.check_size(5000, 5000, 20, 8)  # 500 million pixels are allowed, 4 billion bytes are not
    assert caught.value.code == "RG508"
    image_module.check_size(5000, 5000, 20, 1)


def test_a_loop_is_in_memory_once(tmp_path: Path) -> None:
    """16 MB of frames: the peak stays below one and a half times that, though the file is as large."""
    loop = np.zeros((64, 512, 512), np.uint8)
    loop[:, 3, 4] = np.arange(64)
    path = write(tmp_path / "a.dcm", loop, frames=64)
    read_image(write(tmp_path / "b.dcm", LOOP, frames=4))  # imports are not counted
    tracemalloc.start()
    image = read_image(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_array_equal(image.pixels, loop)
    assert peak < 1.5 * loop.nbytes


def test_frames_that_were_not_announced(tmp_path: Path) -> None:
    frames = Frames(expected=2)
    for k in range(100):
        frames.add(np.full((2, 3), k, np.uint16))
    pixels, count = frames.pixels()
    assert count == 100 and pixels.shape == (100, 2, 3) and pixels.dtype == np.uint16
    np.testing.assert_array_equal(pixels[:, 1, 2], np.arange(100))
    with pytest.raises(RadiogenError, match="RG502"):
        Frames().pixels()


def test_a_frame_of_a_loop_is_a_still(tmp_path: Path) -> None:
    image = read_image(write(tmp_path / "a.dcm", LOOP, frames=4, FrameTime=40))
    still = image.frame(2)
    assert not still.is_loop and still.pixels.dtype == np.float64
    np.testing.assert_array_equal(still.pixels, LOOP[2])
    np.testing.assert_array_equal(image.luminance(), LOOP[2])  # the frame in the middle
    assert repr(image) == "<Image 4 frames of 3 × 5 grey, DICOM MONOCHROME2, spacing not known>"
