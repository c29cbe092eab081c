"""AVI and MP4 loops, through PyAV."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radiogen.errors import Problem, RadiogenError, fail, problem
from radiogen.imaging.formats.frames import Frames
from radiogen.imaging.image import MAX_PIXELS, Image, check_size

#: the only demuxers that are asked: others may open further files
_DEMUXERS = {"AVI": "avi", "MP4": "mov"}
#: bilinear, with rounding that is the same on every processor, colours at full width (SWS_* of libswscale)
_SCALER = 0x2 | 0x2000 | 0x40000 | 0x80000
#: colour planes this close to neutral are grey: encoders leave such traces in grey pictures
_NEUTRAL = 2
_PLANAR = ("yuv420p", "yuv422p", "yuv444p", "yuvj420p", "yuvj422p", "yuvj444p")


def read_video(path: Path) -> Image:
    """An AVI, MP4 or MOV file as a loop; its spacing is not known.

    The frame times are the presentation times of the file, the first at 0.

    Raises
    ------
    RadiogenError
        RG502 unreadable or without a picture, RG508 too large, RG902 where PyAV is not installed.
    """
    av = _av()
    with path.open("rb") as file:
        kind = "MP4" if file.read(8)[4:] == b"ftyp" else "AVI"
        file.seek(0)
        try:
            with av.open(file, mode="r", format=_DEMUXERS[kind]) as container:
                return _loop(container, kind)
        except RadiogenError:
            raise
        except MemoryError:
            raise
        except Exception as error:  # a damaged file makes decoders raise anything
            text = " ".join(str(error).split())
            raise fail("RG502", f"the video cannot be decoded: {type(error).__name__}: {text[:120]}") from error


def _av() -> Any:
    try:
        import av
    except ImportError as error:
        raise fail("RG902", "AVI and MP4 loops need PyAV", fix="pip install radiogen[video]") from error
    av.logging.set_level(None)  # what it has to say is said by the exceptions
    return av


def _loop(container: Any, kind: str) -> Image:
    if not container.streams.video:
        raise fail("RG502", "the file holds no moving picture")
    stream = container.streams.video[0]
    coder = stream.codec_context
    rows, columns = int(coder.height), int(coder.width)
    announced = max(int(stream.frames), 0)
    check_size(rows, columns, announced, 3)
    coder.options = {"max_pixels": str(MAX_PIXELS)}
    coder.thread_type = "NONE"  # the same frames, and one core, whatever the machine
    frames, times = Frames(announced), []
    for frame in container.decode(stream):
        if frame.is_corrupt:
            raise fail("RG502", f"frame {len(frames) + 1} of the video is damaged")
        frames.add(_pixels(frame))
        times.append(None if frame.pts is None or frame.time_base is None else frame.pts * frame.time_base)
    dropped = _dropped(stream, announced - len(frames), times)
    mode = str(coder.pix_fmt)
    pixels, count = frames.pixels()
    seconds, problems = _times(times) if count > 1 else (None, [])
    coloured = pixels.shape[-1] == 3 and pixels.ndim == (4 if count > 1 else 3)
    problems += _remarks(container, stream, mode if coloured else "", dropped)
    return Image(pixels, None, kind, mode, problems=tuple(problems), n_frames=count, frame_times_s=seconds)


def _dropped(stream: Any, missing: int, times: list[Fraction | None]) -> int:
    """Frames announced and not there, where the video reaches its end all the same; RG502 where it is cut short."""
    if missing <= 0 or not stream.frames:
        return 0
    last = times[-1] if times else None
    if stream.duration is None or stream.time_base is None or last is None:
        raise _short(stream, missing)
    step = stream.duration * stream.time_base / stream.frames
    if last + (stream.start_time or 0) * stream.time_base + 2 * step < stream.duration * stream.time_base:
        raise _short(stream, missing)
    return missing


def _short(stream: Any, missing: int) -> RadiogenError:
    return fail("RG502", f"the video is cut short: {stream.frames - missing} of {stream.frames} frames could be decoded")


def _pixels(frame: Any) -> NDArray[Any]:
    """Grey values where there are no colours, else red, green and blue."""
    name = frame.format.name
    if name == "gray" or (name in _PLANAR and all(_is_neutral(plane) for plane in frame.planes[1:])):
        return np.asarray(frame.to_ndarray(format="gray", **_scaler()))
    return np.asarray(frame.to_ndarray(format="rgb24", **_scaler()))


@cache
def _scaler() -> dict[str, int]:
    """How pixels are turned to grey or RGB; releases of PyAV that know single methods only keep their own."""
    import av

    try:
        av.VideoFrame(16, 16, "yuv420p").reformat(format="rgb24", interpolation=_SCALER)
    except (KeyError, TypeError, ValueError):
        return {}
    return {"interpolation": _SCALER}


def _is_neutral(plane: Any) -> bool:
    values = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]
    return int(np.abs(values.astype(np.int16) - 128).max()) <= _NEUTRAL


def _times(times: list[Fraction | None]) -> tuple[NDArray[np.float64] | None, list[Problem]]:
    known = [t for t in times if t is not None]
    if len(known) == len(times):
        seconds = np.array([float(t - known[0]) for t in known])
        if (np.diff(seconds) > 0).all():
            return seconds, []
    text = "the presentation times of the video are incomplete or not in order; the times of its frames are not known"
    return None, [problem("RG514", text, severity="warning")]


def _remarks(container: Any, stream: Any, mode: str, dropped: int) -> list[Problem]:
    found = []
    if dropped:
        found.append(problem("RG514", f"{dropped} frames of the video are empty: the scanner or the export left them out"))
    if len(container.streams.video) > 1:
        found.append(problem("RG514", "the file holds several moving pictures; the first is used"))
    ratio = stream.sample_aspect_ratio
    if ratio is not None and ratio not in (0, 1):
        text = f"the pixels of the video are not square ({ratio}); they are used as stored, and a spacing needs two numbers"
        found.append(problem("RG514", text))
    if mode.startswith("yuv420") or mode.startswith("yuvj420"):
        found.append(problem("RG514", "the colours of the video are stored at half its resolution, as in most videos"))
    return found
