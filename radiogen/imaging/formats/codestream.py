"""What the header of a compressed frame says of itself, read before a decoder takes its word for it."""

from __future__ import annotations

_SOI, _EOI = b"\xff\xd8", b"\xff\xd9"
_J2K = b"\xff\x4f\xff\x51"
_JP2 = b"\x00\x00\x00\x0cjP  "
#: start-of-frame markers of JPEG, and that of JPEG-LS
_START_OF_FRAME = {0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF, 0xF7}
_START_OF_SCAN = 0xDA
#: markers without a length: padding, restarts and the start of the image
_BARE = {0x00, 0x01, 0xFF, *range(0xD0, 0xD9)}
#: a JP2 file has boxes before its codestream; colour profiles among them
_SEARCHED = 1 << 20


def frame_size(frame: bytes) -> tuple[int, int] | None:
    """Rows and columns of a JPEG, JPEG-LS or JPEG 2000 codestream.

    Parameters
    ----------
    frame : bytes
        One compressed frame.

    Returns
    -------
    (int, int) or None
        None where the bytes are none of these, or damaged before their size.

    Examples
    --------
    >>> from radiogen.imaging.formats.codestream import frame_size
    >>> frame_size(bytes.fromhex("ffd8 ffe0 0004 0000 ffc0 000b 08 0010 0020 01 011100 ffda 0008 01 0100 003f00 0000 ffd9"))
    (16, 32)
    >>> frame_size(b"text") is None
    True
    """
    if frame.startswith(_SOI):
        return _jpeg_size(frame)
    start = 0 if frame.startswith(_J2K) else frame.find(_J2K, 0, _SEARCHED) if frame.startswith(_JP2) else -1
    return None if start < 0 else _j2k_size(frame[start : start + 24])


def is_complete(frame: bytes) -> bool:
    """Whether a codestream has its end marker; what follows it may be padding."""
    return _EOI in frame[-16:] or frame.rstrip(b"\x00").endswith(_EOI)


def _jpeg_size(frame: bytes) -> tuple[int, int] | None:
    """From the start of the frame; None where no scan follows it, of which some decoders make a black picture."""
    at, size = 2, None
    while at + 9 <= len(frame):
        if frame[at] != 0xFF:
            return None
        marker = frame[at + 1]
        if marker in _BARE:
            at += 1 if marker == 0xFF else 2
            continue
        if marker in _START_OF_FRAME:
            size = int.from_bytes(frame[at + 5 : at + 7], "big"), int.from_bytes(frame[at + 7 : at + 9], "big")
        if marker == _START_OF_SCAN:
            return size
        at += 2 + int.from_bytes(frame[at + 2 : at + 4], "big")
    return None


def _j2k_size(head: bytes) -> tuple[int, int] | None:
    """From the SIZ segment: the reference grid less the offset of the image on it."""
    if len(head) < 24:
        return None
    width, height, left, top = (int.from_bytes(head[at : at + 4], "big") for at in (8, 12, 16, 20))
    return height - top, width - left
