"""The frames of a DICOM file, decoded one by one."""

from __future__ import annotations

import math
from collections.abc import Generator
from contextlib import closing
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from radiogen.errors import RadiogenError, fail
from radiogen.imaging.formats.codestream import frame_size, is_complete
from radiogen.imaging.formats.dicom_file import DicomFile, integer_of, value_of

_GREY = ("MONOCHROME1", "MONOCHROME2")
#: colours of which pydicom gives red, green and blue
_COLOURS = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
#: colour transforms that are part of JPEG 2000 and undone by its decoder
_JPEG_2000_COLOURS = ("YBR_ICT", "YBR_RCT")
_DECODERS = "pip install pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg"


def photometric_of(header: Any) -> str:
    """The photometric interpretation.

    Raises
    ------
    RadiogenError
        RG511 where it is none of those that are read.
    """
    text = str(value_of(header, "PhotometricInterpretation") or "").strip()
    if text not in (*_GREY, "PALETTE COLOR", *_COLOURS):
        named = text if text.startswith("YBR_PARTIAL") or text in ("HSV", "ARGB", "CMYK", "XYB") else "not one that is read"
        raise fail("RG511", f"the photometric interpretation of the DICOM file is {named}")
    return text


def decoded_frames(
    file: DicomFile, frames: int, rows: int, columns: int, photometric: str
) -> Generator[NDArray[Any], None, None]:
    """Every frame in turn: H × W as stored (MONOCHROME1 inverted, so that 0 is black), or H × W × 3 uint8.

    Raises
    ------
    RadiogenError
        RG502 where the pixels cannot be decoded, or are more or fewer frames than the header says, RG511 colours that
        do not belong to the compression, RG902 where there is no decoder.
    """
    header, samples = file.header, 1 if photometric in (*_GREY, "PALETTE COLOR") else 3
    stored = integer_of(header, "SamplesPerPixel", 1)
    if stored != samples:
        raise fail("RG502", f"the DICOM file is {photometric} and has {stored} samples per pixel")
    _check_decoder(file, photometric)
    finish = _finisher(header, photometric)
    if not file.syntax.is_encapsulated:
        _check_native(file, frames, rows * columns * samples, photometric)
    with closing(_compressed(file, frames, rows, columns)) as compressed, closing(_plain(file)) as plain:
        for number in range(1, frames + 1):
            if file.syntax.is_encapsulated and next(compressed, None) is None:
                raise _miscounted(f"{number - 1}", frames)
            frame = next(plain, None)
            if frame is None:
                raise _miscounted(f"{number - 1}", frames)
            if frame.shape != ((rows, columns) if samples == 1 else (rows, columns, 3)):
                raise fail("RG502", f"frame {number} has pixels of shape {frame.shape}, the header says {rows} × {columns}")
            yield finish(frame)
        if next(compressed, None) is not None:
            raise _miscounted("more", frames)


def _miscounted(found: str, frames: int) -> RadiogenError:
    return fail("RG502", f"the header of the DICOM file says {frames} frames, its pixels are {found}")


def _check_decoder(file: DicomFile, photometric: str) -> None:
    from pydicom.pixels import get_decoder

    name = file.syntax.name
    if "MPEG" in name or "HEVC" in name:
        mend = "Export it as a DICOM loop in JPEG, or as AVI or MP4."
        raise fail("RG511", f"the loop is a video within DICOM ({name})", fix=mend)
    if photometric in _JPEG_2000_COLOURS and "JPEG 2000" not in name and "JPEG2000" not in name:
        raise fail("RG511", f"the colours are {photometric}, which belongs to JPEG 2000, and the file is {name}")
    try:
        available = get_decoder(file.syntax).is_available
    except NotImplementedError:
        raise fail("RG511", f"images compressed as {name} are not read") from None
    if not available:
        raise fail("RG902", f"the image is compressed as {name}, for which no decoder is installed", fix=_DECODERS)


def _check_native(file: DicomFile, frames: int, samples: int, photometric: str) -> None:
    if file.length is None:
        raise fail("RG502", "the length of the uncompressed pixels is not given")
    bits = samples * integer_of(file.header, "BitsAllocated", 8)
    bits = bits * 2 // 3 if photometric == "YBR_FULL_422" else bits
    whole = math.ceil(bits * frames / 8)
    if file.length < whole:
        raise fail("RG502", f"the pixels are cut short: {file.length:,} of {whole:,} bytes")
    if file.length - whole >= math.ceil(bits / 8):
        raise _miscounted(f"{file.length * 8 // bits}", frames)


def _compressed(file: DicomFile, frames: int, rows: int, columns: int) -> Generator[bytes, None, None]:
    """The frames as they are compressed, each checked before a decoder sees it; none where they are not."""
    from pydicom.encaps import generate_frames, parse_basic_offsets, parse_fragments

    if not file.syntax.is_encapsulated:
        return
    tables = [value_of(file.header, k) for k in ("ExtendedOffsetTable", "ExtendedOffsetTableLengths")]
    offsets = (tables[0], tables[1]) if all(tables) else None
    with file.opened() as stream:
        try:
            stream.seek(file.start)
            parse_basic_offsets(stream)
            _check_fragments(stream, parse_fragments(stream)[1], file.end)
            stream.seek(file.start)
            found = generate_frames(stream, number_of_frames=frames, extended_offsets=offsets)
            for number, frame in enumerate(found, start=1):
                _check_frame(frame, number, file, rows, columns)
                yield frame
        except RadiogenError:
            raise
        except Exception as error:
            raise _undecodable(error) from error


def _check_fragments(stream: BinaryIO, offsets: list[int], end: int) -> None:
    if not offsets:
        raise fail("RG502", "the compressed pixels are empty")
    stream.seek(offsets[-1] + 4)
    if offsets[-1] + 8 + int.from_bytes(stream.read(4), "little") > end:
        raise fail("RG502", "the compressed pixels are cut short")


def _check_frame(frame: bytes, number: int, file: DicomFile, rows: int, columns: int) -> None:
    if file.syntax.name.startswith("RLE"):
        raw = rows * columns * integer_of(file.header, "SamplesPerPixel", 1) * integer_of(file.header, "BitsAllocated", 8) // 8
        if len(frame) > 2 * raw + 1024:  # at worst it grows by 1 part in 128
            raise fail("RG502", f"frame {number} is longer compressed than plain")
        return
    size = frame_size(frame)
    if size is None or not is_complete(frame):
        raise fail("RG502", f"the compressed data of frame {number} are damaged or cut short")
    if size != (rows, columns):
        raise fail("RG502", f"frame {number} is compressed as {size[0]} × {size[1]} pixels, the header says {rows} × {columns}")


def _plain(file: DicomFile) -> Generator[NDArray[Any], None, None]:
    """The frames as pydicom decodes them; colour comes as red, green and blue, so that nothing is converted twice."""
    from pydicom.pixels import as_pixel_options, get_decoder

    defaults = {"PixelRepresentation": 0, "PlanarConfiguration": 0}
    absent = {keyword: value for keyword, value in defaults.items() if keyword not in file.header}
    with file.opened() as stream:
        try:
            header = file.header.copy() if absent else file.header
            for keyword, value in absent.items():
                setattr(header, keyword, value)
            options = as_pixel_options(header, transfer_syntax_uid=file.syntax, pixel_keyword="PixelData", pixel_vr=file.vr)
            stream.seek(file.start)
            for frame, _ in get_decoder(file.syntax).iter_array(stream, **options):
                yield frame
        except MemoryError:
            raise
        except Exception as error:  # damaged pixels raise anything
            raise _undecodable(error) from error


def _undecodable(error: Exception) -> RadiogenError:
    text = " ".join(str(error).split())
    return fail("RG502", f"the pixels cannot be decoded: {type(error).__name__}: {text[:160]}")


def _finisher(header: Any, photometric: str) -> Any:
    """What turns a decoded frame into pixels."""
    if photometric == "PALETTE COLOR":
        return _looked_up(header)
    if photometric in _GREY:
        return _grey(header, photometric)
    shift = max(integer_of(header, "BitsStored", 8) - 8, 0)
    return lambda frame: (frame >> shift).astype(np.uint8, copy=False)  # of deeper colours the upper eight bits


def _looked_up(header: Any) -> Any:
    from pydicom.pixels import apply_color_lut

    def colours(frame: NDArray[Any]) -> NDArray[np.uint8]:
        try:
            found = apply_color_lut(frame, header)
        except Exception as error:
            raise fail("RG502", "the palette of the DICOM file is damaged") from error
        return np.asarray((found >> _surplus(header) if found.dtype.itemsize > 1 else found)[..., :3].astype(np.uint8))

    return colours


def _surplus(header: Any) -> int:
    """Bits of a palette's entries beyond eight; some makers write 8-bit entries and call them 16-bit."""
    tables = [value_of(header, f"{c}PaletteColorLookupTableData") for c in ("Red", "Green", "Blue")]
    if all(isinstance(t, bytes) and len(t) % 2 == 0 for t in tables):
        largest = max(int(np.frombuffer(t, "<u2").max(initial=0)) for t in tables)
        return 0 if largest < 256 else 8
    return 8


def _grey(header: Any, photometric: str) -> Any:
    bits, signed = integer_of(header, "BitsStored", 8), integer_of(header, "PixelRepresentation") == 1
    white = -1 if signed else 2**bits - 1
    try:
        slope, intercept = float(value_of(header, "RescaleSlope") or 1), float(value_of(header, "RescaleIntercept") or 0)
    except (TypeError, ValueError):
        raise fail("RG502", "RescaleSlope or RescaleIntercept of the DICOM file is not a number") from None
    plain = (slope, intercept) == (1.0, 0.0)

    def grey(frame: NDArray[Any]) -> NDArray[Any]:
        native = frame if frame.dtype.isnative else frame.astype(frame.dtype.newbyteorder("="))
        if photometric == "MONOCHROME1":  # 0 is white there
            native = (white - native.astype(np.int64)).astype(native.dtype)
        return native if plain else native * np.float64(slope) + intercept

    return grey
