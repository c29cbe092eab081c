"""A DICOM file opened: its header, and where in the file the pixels lie."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from radiogen.errors import fail
from radiogen.imaging.image import MAX_BYTES

_UNDEFINED = 0xFFFFFFFF
_DEFLATED, _INFLATED = b"1.2.840.10008.1.2.1.99", b"1.2.840.10008.1.2.1\0\0\0"
#: the file meta information begins here, after preamble and "DICM"
_META = 132


@dataclass(frozen=True)
class DicomFile:
    """The header of a DICOM file and the place of its pixels.

    Parameters
    ----------
    header : pydicom.Dataset
        Everything before the pixels.
    syntax : pydicom.uid.UID
        How the file is encoded.
    start : int
        Offset of the value of PixelData.
    length : int or None
        Its bytes, as far as the file holds them; None where it is encapsulated.
    vr : str
        Its value representation, ``"OB"`` or ``"OW"``, which decides the order of bytes in big-endian files.
    end : int
        Bytes of the file.
    opened : callable
        Gives a new stream of the file from its beginning.
    """

    header: Any
    syntax: Any
    start: int
    length: int | None
    vr: str
    end: int
    opened: Callable[[], BinaryIO]


def open_dicom(path: Path) -> DicomFile:
    """Read the header of a DICOM file; the pixels stay where they are.

    Raises
    ------
    RadiogenError
        RG502 where the file is not DICOM or holds no pixels, RG508 where it is deflated and would fill the memory.
    """
    opened = _opener(path)
    with opened() as file:
        header = _header(file)
        syntax = _syntax(header)
        if not value_of(header, "Rows") or not value_of(header, "Columns"):
            raise fail("RG502", "the file is damaged or no DICOM image: it holds no Rows and Columns")
        place = file.tell()
        element = _pixel_element(file, syntax)
        end = file.seek(0, io.SEEK_END)
    if element is None or element[0] <= place or element[0] > end:
        raise fail("RG502", "the DICOM file ends before its pixels")
    start, length, vr = element
    length = None if length is None else min(length, end - start)
    return DicomFile(header, syntax, start, length, vr, end, opened)


def value_of(header: Any, keyword: str) -> Any:
    """A value of the header, None where it is absent; RG502 where it is damaged: pydicom reads values when asked for."""
    try:
        return header.get(keyword)
    except Exception:  # the text of the error may hold what stands in the header
        raise fail("RG502", f"{keyword} of the DICOM file cannot be read") from None


def integer_of(header: Any, keyword: str, default: int = 0) -> int:
    """A whole number of the header, ``default`` where it is absent; RG502 where it is something else."""
    try:
        return int(value_of(header, keyword) or default)
    except (TypeError, ValueError, OverflowError):
        raise fail("RG502", f"{keyword} of the DICOM file is not a number") from None


def _opener(path: Path) -> Callable[[], BinaryIO]:
    with path.open("rb") as file:
        head = file.read(4096)
    meta = _meta_length(head)
    if _DEFLATED not in head[_META : _META + meta]:
        return lambda: path.open("rb")
    inflated = _inflated(path, _META + meta)
    return lambda: io.BytesIO(inflated)


def _meta_length(head: bytes) -> int:
    """Bytes of the file meta information, its group length included; 0 where it does not say."""
    if head[_META : _META + 8] != b"\x02\x00\x00\x00UL\x04\x00" or len(head) < _META + 12:
        return 0
    return 12 + int(struct.unpack("<I", head[_META + 8 : _META + 12])[0])


def _inflated(path: Path, start: int) -> bytes:
    """A deflated file as an uncompressed one of otherwise the same content, up to the cap of files."""
    data = path.read_bytes()
    decoder = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        body = decoder.decompress(data[start:], MAX_BYTES)
    except zlib.error as error:
        raise fail("RG502", "the deflated DICOM file is damaged") from error
    if decoder.unconsumed_tail:
        raise fail("RG508", f"the deflated DICOM file holds more than {MAX_BYTES:,} bytes")
    if not decoder.eof:
        raise fail("RG502", "the deflated DICOM file is cut short")
    return data[:start].replace(_DEFLATED, _INFLATED) + body


def _header(file: BinaryIO) -> Any:
    import pydicom

    try:
        # force: files without the 128-byte preamble exist; what is not DICOM has no Rows then
        return pydicom.dcmread(file, force=True, stop_before_pixels=True)
    except Exception as error:  # damaged files raise anything, and its text may hold what stands in the header
        raise fail("RG502", f"the DICOM header cannot be read ({type(error).__name__})") from None


def _syntax(header: Any) -> Any:
    from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

    declared = getattr(header, "file_meta", {}).get("TransferSyntaxUID")
    if declared:
        return UID(str(declared))
    implicit, little = header.original_encoding  # as pydicom found them in a file without meta information
    return ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian if little else ExplicitVRBigEndian


def _pixel_element(file: BinaryIO, syntax: Any) -> tuple[int, int | None, str] | None:
    """Offset, length and representation of PixelData, at whose tag the file stands; None where it does not."""
    order = "<" if _known(syntax) and syntax.is_little_endian else ">"
    head = file.read(8)
    if len(head) < 8:
        return None
    group, element = struct.unpack(f"{order}HH", head[:4])
    if (group, element) in ((0x7FE0, 0x0008), (0x7FE0, 0x0009)):
        raise fail("RG511", "the DICOM file holds fractional numbers and not grey values")
    if (group, element) != (0x7FE0, 0x0010):
        return None
    raw, vr = head[4:], "OW"
    if not syntax.is_implicit_VR and head[4:6].isalpha():  # there are explicit files whose pixels have no representation
        raw, vr = file.read(4), head[4:6].decode("ascii")
        if len(raw) < 4:
            return None
    length = int(struct.unpack(f"{order}L", raw)[0])
    return file.tell(), None if length == _UNDEFINED else length, vr


def _known(syntax: Any) -> bool:
    """Whether the name of the encoding is one of DICOM's: others raise where they are asked anything."""
    if syntax.is_transfer_syntax and not syntax.is_private:
        return True
    raise fail("RG502", "the DICOM file is encoded in a way that is not part of DICOM (TransferSyntaxUID)")
