"""AVI and MP4 loops."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from radiogen.errors import RadiogenError
from radiogen.imaging import read_image
from tests.imaging.files import write_video

av = pytest.importorskip("av")
COLOURS = np.random.default_rng(0).integers(0, 255, (12, 48, 64, 3)).astype(np.uint8)
RAMP = np.stack([np.tile(np.roll(np.linspace(0, 255, 64).astype(np.uint8), k), (48, 1)) for k in range(12)])
GREY = np.repeat(RAMP[..., None], 3, axis=3)


def refused(path: Path) -> tuple[str, str]:
    with pytest.raises(RadiogenError) as caught:
        read_image(path)
    assert caught.value.problems[0].file == str(path)
    return caught.value.code, caught.value.problems[0].message


@pytest.mark.parametrize(("codec", "pixel_format"), [("rawvideo", "bgr24"), ("ffv1", "bgr0"), ("png", "rgb24")])
def test_lossless_avi(tmp_path: Path, codec: str, pixel_format: str) -> None:
    image = read_image(write_video(tmp_path / "a.avi", COLOURS, codec, pixel_format))
    np.testing.assert_array_equal(image.pixels, COLOURS)
    assert (image.n_frames, image.kind, image.format, image.spacing_mm) == (12, "rgb", "AVI", None)
    assert image.frame_times_s == pytest.approx(np.arange(12) / 10)


def test_the_kind_is_told_by_content(tmp_path: Path) -> None:
    write_video(tmp_path / "a.avi", COLOURS).rename(tmp_path / "a.png")
    assert read_image(tmp_path / "a.png").format == "AVI"


@pytest.mark.parametrize(("name", "codec", "pixel_format"), [
    ("a.avi", "rawvideo", "gray"), ("a.avi", "ffv1", "gray"), ("a.avi", "mjpeg", "yuvj420p"), ("a.mp4", "libx264", "yuv420p"),
    ("a.mp4", "mpeg4", "yuv420p"),
])  # fmt: skip
def test_grey_loops_are_grey(tmp_path: Path, name: str, codec: str, pixel_format: str) -> None:
    if codec not in av.codecs_available:
        pytest.skip("this build of PyAV has no such encoder")
    image = read_image(write_video(tmp_path / name, GREY, codec, pixel_format))
    assert image.kind == "grey" and image.pixels.dtype == np.uint8 and image.n_frames == 12
    assert np.abs(image.pixels.astype(int) - RAMP)[:, :, 8:].mean() < (1 if pixel_format == "gray" else 6)


def test_lossy_colours_are_the_right_ones(tmp_path: Path) -> None:
    """Flat patches survive compression: red, green, blue and grey come back within a few levels."""
    frames = np.zeros((5, 64, 64, 3), np.uint8)
    patches = {(0, 0): (200, 30, 40), (0, 32): (30, 180, 60), (32, 0): (40, 60, 210), (32, 32): (128, 128, 128)}
    for (row, column), colour in patches.items():
        frames[:, row : row + 32, column : column + 32] = colour
    image = read_image(write_video(tmp_path / "a.mp4", frames, "mpeg4", "yuv420p"))
    for (row, column), colour in patches.items():
        np.testing.assert_allclose(image.pixels[2, row + 16, column + 16], colour, atol=12)
    assert any("half its resolution" in p.message for p in image.problems)


def test_uneven_presentation_times(tmp_path: Path) -> None:
    """Frames at 0, 100, 150 and 400 ms, on a clock of a thousandth of a second that starts at 2 s."""
    from fractions import Fraction

    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=1000)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for number, at in enumerate((2000, 2100, 2150, 2400)):
            frame = av.VideoFrame.from_ndarray(GREY[number], format="rgb24")
            frame.pts, frame.time_base = at, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    image = read_image(path)
    assert image.frame_times_s == pytest.approx([0, 0.1, 0.15, 0.4], abs=0.002)
    declared = read_image(path, frame_interval_ms=50)
    assert declared.frame_times_s == pytest.approx([0, 0.05, 0.1, 0.15])
    assert [p.severity for p in declared.problems] == ["warning"]


@pytest.mark.parametrize(("name", "codec", "pixel_format"), [("a.avi", "mjpeg", "yuvj444p"), ("a.avi", "rawvideo", "bgr24"),
                                                             ("a.mp4", "mpeg4", "yuv420p")])  # fmt: skip
def test_a_truncated_video_is_refused(tmp_path: Path, name: str, codec: str, pixel_format: str) -> None:
    whole = write_video(tmp_path / name, COLOURS, codec, pixel_format).read_bytes()
    for share in (0.01, 0.3, 0.6, 0.9):
        part = tmp_path / f"part-{name}"
        part.write_bytes(whole[: int(len(whole) * share)])
        assert refused(part)[0] == "RG502"


def test_the_size_is_capped_before_decoding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from radiogen.imaging import image as image_module

    path = write_video(tmp_path / "a.avi", COLOURS)
    monkeypatch.setattr(image_module, "MAX_LOOP_PIXELS", 12 * 48 * 64 - 1)
    assert refused(path)[0] == "RG508"


def test_a_container_without_a_picture(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + b"\0\0\0\x08free" * 9)
    assert refused(tmp_path / "a.mp4")[0] == "RG502"


def test_without_pyav_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_video(tmp_path / "a.avi", COLOURS)
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "av":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(RadiogenError) as caught:
        read_image(path)
    assert caught.value.code == "RG902" and caught.value.problems[0].fix == "pip install radiogen[video]"
