"""Broken and hostile files: each is one explained error that names its file, and none fills memory or disk."""

from __future__ import annotations

import io
import struct
import tempfile
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK
from PIL import Image as PillowImage
from pydicom import uid

from radiogen.errors import RadiogenError
from radiogen.imaging import Image, read_image, read_mask
from tests.imaging.files import dataset, region, save, write, write_encapsulated, write_video

RNG = np.random.default_rng(5)
GREY = RNG.integers(0, 255, (48, 64)).astype(np.uint8)
COLOUR = RNG.integers(0, 255, (48, 64, 3)).astype(np.uint8)
LOOP = RNG.integers(0, 255, (4, 48, 64)).astype(np.uint8)


def jpeg(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    PillowImage.fromarray(array).save(buffer, "JPEG", quality=90)
    return buffer.getvalue() + b"\0" * (len(buffer.getvalue()) % 2)


def outcome(path: Path) -> str:
    """The code of the error, which must name the file, or "read"; anything else that is raised fails the test."""
    try:
        image = read_image(path)
    except RadiogenError as error:
        assert error.problems[0].file == str(path) and error.problems[0].message
        return error.code
    assert isinstance(image, Image) and image.pixels.size > 0
    return "read"


# --- whole files of every kind, to be broken -----------------------------------------------------------------------


def tiff(path: Path) -> None:
    first, *others = [PillowImage.fromarray(a) for a in LOOP]
    first.save(path, save_all=True, append_images=others)


def packed_tiff(path: Path) -> None:
    PillowImage.fromarray(GREY).save(path, compression="tiff_lzw")


def dicom(path: Path, syntax: str = uid.ExplicitVRLittleEndian) -> None:
    ds = dataset(LOOP, 4, FrameTime=40)
    ds.SequenceOfUltrasoundRegions = pydicom.Sequence([region()])
    if syntax in (uid.RLELossless, uid.JPEG2000Lossless, uid.JPEGLSLossless):
        ds.compress(syntax, generate_instance_uid=False)
    ds.file_meta.TransferSyntaxUID = syntax
    ds["PixelData"].VR = "OB"
    save(path, ds)


def dicom_jpeg(path: Path) -> None:
    write_encapsulated(path, [jpeg(f) for f in LOOP], uid.JPEGBaseline8Bit, LOOP, "MONOCHROME2")


def volume(path: Path) -> None:
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(LOOP), str(path))


KINDS: dict[str, Callable[[Path], object]] = {
    "a.png": lambda p: PillowImage.fromarray(GREY).save(p),
    "a.jpg": lambda p: PillowImage.fromarray(COLOUR).save(p),
    "a.bmp": lambda p: PillowImage.fromarray(COLOUR).save(p),
    "a.tif": tiff,
    "lzw.tif": packed_tiff,
    "plain.dcm": dicom,
    "implicit.dcm": lambda p: dicom(p, uid.ImplicitVRLittleEndian),
    "big.dcm": lambda p: dicom(p, uid.ExplicitVRBigEndian),
    "deflated.dcm": lambda p: dicom(p, uid.DeflatedExplicitVRLittleEndian),
    "rle.dcm": lambda p: dicom(p, uid.RLELossless),
    "j2k.dcm": lambda p: dicom(p, uid.JPEG2000Lossless),
    "jls.dcm": lambda p: dicom(p, uid.JPEGLSLossless),
    "jpeg.dcm": dicom_jpeg,
    "a.nrrd": volume,
    "a.nii": volume,
    "a.nii.gz": volume,
    "a.avi": lambda p: write_video(p, np.repeat(LOOP[..., None], 3, axis=3)),
    "a.mp4": lambda p: write_video(p, np.repeat(LOOP[..., None], 3, axis=3), "mpeg4", "yuv420p"),
}


@pytest.mark.parametrize("name", KINDS)
def test_truncated_anywhere(tmp_path: Path, name: str) -> None:
    KINDS[name](tmp_path / name)
    assert outcome(tmp_path / name) == "read"
    whole = (tmp_path / name).read_bytes()
    for share in (0.001, 0.01, 0.05, 0.2, 0.5, 0.8, 0.93):
        part = tmp_path / f"part-{name}"
        part.write_bytes(whole[: max(int(len(whole) * share), 1)])
        assert outcome(part) == "RG502", share


@pytest.mark.parametrize("name", KINDS)
def test_damaged_anywhere(tmp_path: Path, name: str) -> None:
    """Bytes overwritten at random, most in the header: an explained error, or a picture where nothing is checked."""
    KINDS[name](tmp_path / name)
    whole = (tmp_path / name).read_bytes()
    rng = np.random.default_rng(len(name))
    for trial in range(25):
        data = bytearray(whole)
        reach = len(data) if trial % 3 == 0 else min(len(data), 700)
        for at in rng.integers(0, reach, rng.integers(1, 12)):
            data[at] = rng.integers(0, 256)
        part = tmp_path / f"part-{name}"
        part.write_bytes(data)
        assert outcome(part) in ("read", "RG502", "RG508", "RG511", "RG518", "RG902")


@pytest.mark.parametrize("name", KINDS)
def test_under_another_name(tmp_path: Path, name: str) -> None:
    """Most kinds are known by their content; NIfTI is known by its name only."""
    KINDS[name](tmp_path / name)
    for other in ("wrong.png", "wrong.dcm", "wrong.mp4", "wrong"):
        (tmp_path / other).write_bytes((tmp_path / name).read_bytes())
        assert outcome(tmp_path / other) == ("RG502" if ".nii" in name else "read")


@pytest.mark.parametrize("ending", ["png", "jpg", "bmp", "tif", "dcm", "nrrd", "nii", "nii.gz", "avi", "mp4"])
@pytest.mark.parametrize("content", [b"", b"\0", b"patient;image\n1;a.png\n" * 99, b"\0" * 4096, b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff",
                                     b"NRRD0005\n", b"\0\0\0\x18ftyp", b"RIFF\0\0\0\0AVI ", b"\0" * 128 + b"DICM", b"II*\0", b"BM"])  # fmt: skip
def test_nothing_behind_a_beginning(tmp_path: Path, ending: str, content: bytes) -> None:
    path = tmp_path / f"a.{ending}"
    path.write_bytes(content)
    assert outcome(path) == "RG502"


# --- bombs ---------------------------------------------------------------------------------------------------------


def png(width: int, height: int, body: bytes, extra: bytes = b"") -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(body)) + chunk(b"IEND", b"")


def tiff_header(width: int, height: int) -> bytes:
    tags = [(256, 4, width), (257, 4, height), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 8), (277, 3, 1), (278, 4, height),
            (279, 4, 9)]  # fmt: skip
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    return b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(tags)) + entries + b"\0\0\0\0" + b"\0" * 9


def bomb(name: str) -> bytes:
    if name == "wide.png":
        return png(100_000, 2, b"\0" * 200_002)
    if name == "many.png":
        return png(12_000, 12_000, b"\0")
    if name == "text.png":  # 200 MB of text packed into 200 kB
        packed = b"Comment\0\0" + zlib.compress(b"a" * 200_000_000)
        extra = struct.pack(">I", len(packed)) + b"zTXt" + packed + struct.pack(">I", zlib.crc32(b"zTXt" + packed))
        return png(4, 4, b"\0" * 20, extra)
    if name == "wide.tif":
        return tiff_header(100_000, 3)
    if name == "many.tif":
        return tiff_header(60_000, 60_000)
    if name == "wide.bmp":
        return b"BM" + struct.pack("<IHHI", 99, 0, 0, 54) + struct.pack("<IiiHHIIiiII", 40, 100_000, 100_000, 1, 8, 0, 0, 0, 0, 0, 0)
    if name == "many.nrrd":
        return b"NRRD0004\ntype: double\ndimension: 3\nsizes: 9000 9000 900\nencoding: raw\nendian: little\n\n" + b"\0" * 99
    raise ValueError(name)


@pytest.mark.parametrize("name", ["wide.png", "many.png", "wide.tif", "many.tif", "wide.bmp", "many.nrrd", "text.png"])
def test_bombs_are_refused_without_memory(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(bomb(name))
    outcome(path)  # imports are not counted
    tracemalloc.start()
    found = outcome(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == ("RG502" if name == "text.png" else "RG508")
    assert peak < 20_000_000


def test_a_frame_that_unpacks_to_more_than_the_header_says(tmp_path: Path) -> None:
    """Rows and Columns are small, and the JPEG within the DICOM file claims 65,500 × 65,500."""
    stream = bytearray(jpeg(GREY))
    at = stream.index(b"\xff\xc0")
    stream[at + 5 : at + 9] = struct.pack(">HH", 65_500, 65_500)
    path = write_encapsulated(tmp_path / "a.dcm", [bytes(stream)], uid.JPEGBaseline8Bit, GREY, "MONOCHROME2")
    assert outcome(path) == "RG502"
    ds = dataset(GREY)
    ds.compress(uid.JPEG2000Lossless, generate_instance_uid=False)
    (tmp_path / "b.dcm").write_bytes(b"")
    data = save(tmp_path / "b.dcm", ds).read_bytes()
    at = data.index(b"\xff\x4f\xff\x51")
    (tmp_path / "b.dcm").write_bytes(data[: at + 8] + struct.pack(">II", 60_000, 60_000) + data[at + 16 :])
    assert outcome(tmp_path / "b.dcm") == "RG502"


def test_a_deflated_file_that_would_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from radiogen.imaging.formats import dicom_file

    dicom(tmp_path / "a.dcm", uid.DeflatedExplicitVRLittleEndian)
    monkeypatch.setattr(dicom_file, "MAX_BYTES", 5000)
    assert outcome(tmp_path / "a.dcm") == "RG508"


def test_a_file_above_the_cap_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from radiogen.imaging import readers

    PillowImage.fromarray(GREY).save(tmp_path / "a.png")
    monkeypatch.setattr(readers, "MAX_BYTES", 100)
    assert outcome(tmp_path / "a.png") == "RG508"


def test_no_memory_is_an_explained_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from radiogen.imaging.formats.frames import Frames

    def full(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(Frames, "add", full)
    for name in ("a.png", "plain.dcm", "a.avi", "a.nrrd"):
        KINDS[name](tmp_path / name)
        assert outcome(tmp_path / name) == "RG508"


# --- DICOM that contradicts itself ---------------------------------------------------------------------------------


def test_compressed_frames_that_are_none(tmp_path: Path) -> None:
    whole = [jpeg(f) for f in LOOP]
    wrong: dict[str, list[bytes]] = {
        "text": [whole[0], b"no JPEG at all, but text ", whole[2], whole[3]],
        "empty": [whole[0], b"\0\0", whole[2], whole[3]],
        "short": [whole[0], whole[1][: len(whole[1]) // 2], whole[2], whole[3]],
        "zeros": [whole[0], whole[1][:200] + b"\0" * (len(whole[1]) - 202) + b"\xff\xd9", whole[2], whole[3]],
        "other size": [whole[0], jpeg(GREY[:40]), whole[2], whole[3]],
        "colour": [whole[0], jpeg(COLOUR), whole[2], whole[3]],
    }
    for name, streams in wrong.items():
        path = write_encapsulated(tmp_path / f"{name}.dcm", streams, uid.JPEGBaseline8Bit, LOOP, "MONOCHROME2")
        assert outcome(path) == "RG502", name


def test_fragments_that_do_not_add_up(tmp_path: Path) -> None:
    whole = [jpeg(f) for f in LOOP]
    data = write_encapsulated(tmp_path / "a.dcm", whole, uid.JPEGBaseline8Bit, LOOP, "MONOCHROME2").read_bytes()
    items = [at for at in range(len(data)) if data.startswith(b"\xfe\xff\x00\xe0", at)]  # the offset table, then the frames
    assert len(items) == 5
    for at in items[1:]:  # an item that claims more than the file holds, and one of undefined length
        for length in (b"\xff\xff\xff\x0f", b"\xff\xff\xff\xff"):
            (tmp_path / "b.dcm").write_bytes(data[: at + 4] + length + data[at + 8 :])
            assert outcome(tmp_path / "b.dcm") == "RG502"
    last = items[-1]
    (tmp_path / "c.dcm").write_bytes(data[:last] + b"\xfe\xff\xdd\xe0\0\0\0\0")  # the last frame taken out
    assert outcome(tmp_path / "c.dcm") == "RG502"


def test_one_frame_in_many_fragments_is_read(tmp_path: Path) -> None:
    from pydicom.encaps import encapsulate

    ds = pydicom.dcmread(write_encapsulated(tmp_path / "a.dcm", [jpeg(GREY)], uid.JPEGBaseline8Bit, GREY, "MONOCHROME2"))
    expected = read_image(tmp_path / "a.dcm").pixels
    ds.PixelData = encapsulate([jpeg(GREY)], fragments_per_frame=5)
    np.testing.assert_array_equal(read_image(save(tmp_path / "b.dcm", ds)).pixels, expected)


@pytest.mark.parametrize(
    "changes",
    [
        {"NumberOfFrames": -3}, {"NumberOfFrames": 2_000_000_000}, {"BitsAllocated": 0}, {"BitsAllocated": 7}, {"BitsAllocated": 64},
        {"BitsStored": 99}, {"SamplesPerPixel": 0}, {"SamplesPerPixel": 4}, {"PhotometricInterpretation": ""}, {"PixelData": b""},
        {"Rows": 0}, {"Columns": 65_535, "Rows": 65_535}, {"PixelRepresentation": 7},
    ],
)  # fmt: skip
def test_headers_that_cannot_be(tmp_path: Path, changes: dict[str, object]) -> None:
    assert outcome(write(tmp_path / "a.dcm", GREY, **changes)) in ("RG502", "RG508", "RG511", "read")
    if set(changes) - {"BitsStored", "PixelRepresentation", "SamplesPerPixel", "NumberOfFrames"}:
        assert outcome(tmp_path / "a.dcm") != "read"


def test_regions_that_cannot_be(tmp_path: Path) -> None:
    for name, value in (("RegionLocationMaxX1", 4_000_000_000), ("PhysicalDeltaX", 1e300), ("PhysicalDeltaX", float("inf"))):
        found = outcome(write(tmp_path / "a.dcm", GREY, regions=[region(**{name: value})]))
        assert found == ("RG518" if name.startswith("Region") else "read")
    many = [region() for _ in range(300)]
    assert len(read_image(write(tmp_path / "b.dcm", GREY, regions=many)).regions) == 300


# --- a folder ------------------------------------------------------------------------------------------------------


def make_folder(folder: Path, good: int) -> dict[str, tuple[str, str]]:
    """``good`` readable pairs of image and mask, and 20 broken ones; gives the code and a word of what is said of each."""
    for k in range(good):
        name = ("a.png", "a.jpg", "a.bmp", "lzw.tif", "plain.dcm")[k % 5]
        KINDS[name](folder / f"good{k:04}.{name.split('.')[1]}")
        PillowImage.fromarray(GREY > 99).save(folder / f"good{k:04}_mask.png")
    mask = folder / "mask.png"
    PillowImage.fromarray(GREY > 99).save(mask)
    broken: dict[str, tuple[str, str]] = {}

    def bad(name: str, data: bytes, code: str, said: str) -> None:
        (folder / name).write_bytes(data)
        broken[name] = (code, said)

    def part(name: str, share: float) -> bytes:
        KINDS[name](folder / f"tmp-{name}")
        whole = (folder / f"tmp-{name}").read_bytes()
        (folder / f"tmp-{name}").unlink()
        return whole[: int(len(whole) * share)]

    def by_pillow(picture: PillowImage.Image, ending: str) -> bytes:
        buffer = io.BytesIO()
        picture.save(buffer, ending)
        return buffer.getvalue()

    bad("x01.png", part("a.png", 0.5), "RG502", "truncated")
    bad("x02.jpg", part("a.jpg", 0.5), "RG502", "truncated")
    bad("x03.tif", part("a.tif", 0.5), "RG502", "cannot be decoded")
    bad("x04.dcm", part("plain.dcm", 0.5), "RG502", "cut short")
    bad("x05.dcm", part("jpeg.dcm", 0.5), "RG502", "cut short")
    bad("x06.png", b"", "RG502", "empty (0 bytes)")
    bad("x07.dcm", b"", "RG502", "empty (0 bytes)")
    bad("x08.png", b"patient_id;image\n1;a.png\n" * 40, "RG502", "none of the kinds")
    bad("x09.dcm", b"patient_id;image\n1;a.png\n" * 40, "RG502", "no DICOM image")
    bad("x10.jpg", by_pillow(PillowImage.fromarray(COLOUR).convert("CMYK"), "JPEG"), "RG511", "CMYK")
    bad("x11.png", by_pillow(PillowImage.fromarray(GREY > 99), "PNG"), "RG511", "1 bit")
    bad("x12.png", bomb("wide.png"), "RG508", "100000 columns")
    bad("x13.tif", bomb("wide.tif"), "RG508", "100000 columns")
    bad("x14.png", bomb("many.png"), "RG508", "above the cap")
    bad("x15.dcm", (FOLDER / "test-SR.dcm").read_bytes(), "RG502", "no DICOM image")
    bad("x16.dcm", (FOLDER / "examples_ybr_color.dcm").read_bytes(), "RG518", "beyond the image")
    bad("x17.png", part("a.png", 1), "RG504", "the image 48 × 64")
    PillowImage.fromarray(GREY[:40] > 99).save(folder / "x17_mask.png")
    bad("x18.png", part("a.png", 1), "RG505", "no pixel of")
    PillowImage.fromarray(np.zeros_like(GREY)).save(folder / "x18_mask.png")
    bad("x19.tif", by_pillow(PillowImage.fromarray(np.full((4, 4), np.nan, np.float32)), "TIFF"), "RG502", "not finite")
    bad("x20.png", part("a.png", 1), "RG503", "no file")
    (folder / "x20_mask.png").unlink(missing_ok=True)
    for name in broken:
        if name not in ("x17.png", "x18.png", "x20.png"):
            (folder / f"{Path(name).stem}_mask.png").write_bytes(mask.read_bytes())
    mask.unlink()
    return broken


FOLDER = Path(pydicom.__file__).parent / "data" / "test_files"


def run_folder(folder: Path) -> dict[str, RadiogenError]:
    """What goes wrong with each image and its mask; nothing but coded errors is caught."""
    failed = {}
    for path in sorted(p for p in folder.iterdir() if "_mask" not in p.name):
        try:
            image = read_image(path)
            read_mask(folder / f"{path.stem}_mask.png", image.shape)
        except RadiogenError as error:
            failed[path.name] = error
    return failed


def test_a_folder_with_twenty_broken_images(tmp_path: Path) -> None:
    broken = make_folder(tmp_path, 40)
    assert len(broken) == 20
    before = set(Path(tempfile.gettempdir()).iterdir())
    failed = run_folder(tmp_path)
    assert {name: error.code for name, error in failed.items()} == {name: code for name, (code, _) in broken.items()}
    for name, error in failed.items():
        assert broken[name][1] in error.problems[0].message, (name, error.problems[0].message)
        assert Path(error.problems[0].file or "").stem.removesuffix("_mask") == Path(name).stem
        assert error.problems[0].fix
    left = {p.name for p in set(Path(tempfile.gettempdir()).iterdir()) - before}
    assert not {name for name in left if "radiogen" in name or name.endswith((".png", ".dcm", ".avi"))}
