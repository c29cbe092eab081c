"""PNG, JPEG, BMP and TIFF, through Pillow."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from radiogen.errors import Problem, RadiogenError, fail, problem
from radiogen.imaging.formats.frames import Frames
from radiogen.imaging.image import Image, check_size

FORMATS = ("PNG", "JPEG", "BMP", "TIFF")
_GREY = {"L", "I", "F", "I;16", "I;16B", "I;16L", "I;16N"}
_ORIENTATION = 0x0112  # EXIF tag
_KIND_OF_PAGE = 254  # TIFF tag NewSubfileType; its lowest bit says: a smaller copy of another page
_BITS = 258  # TIFF tag BitsPerSample
_WIDE = {"I": 4, "F": 4}
_T = TypeVar("_T")


def read_raster(data: bytes) -> Image:
    """A PNG, JPEG, BMP or TIFF file as :class:`Image`; its spacing is not known.  Several pages are a loop.

    Raises
    ------
    RadiogenError
        RG502 unreadable, RG508 too large, RG511 CMYK, Lab, HSV and 1-bit pictures.
    """
    picture = _guarded(lambda: _opened(data))
    pages = _guarded(lambda: _pages(picture))
    frames = Frames(pages)
    notes: list[Problem] = []
    smaller = 0
    for page in range(pages):
        if pages > 1:
            _guarded(partial(picture.seek, page))
            check_size(picture.height, picture.width, pages, _WIDE.get(picture.mode, 1))
            if page and _is_smaller_copy(picture):
                smaller += 1
                continue
        _guarded(picture.load)
        frames.add(_guarded(lambda: _pixels(picture)))
        notes += [n for n in _notes(picture, data) if n not in notes]
    if smaller:
        notes.append(_note(f"{smaller} pages are smaller copies of another page, by their own account, and are left out"))
    pixels, count = frames.pixels()
    return Image(pixels, None, str(picture.format), str(picture.mode), problems=tuple(notes), n_frames=count)


def open_raster(data: bytes) -> Any:
    """Decode a still picture and give it as :class:`PIL.Image.Image`, fully loaded.

    Raises
    ------
    RadiogenError
        RG502 unreadable, RG508 too large, RG532 more than one page.
    """
    picture = _guarded(lambda: _opened(data))
    pages = _guarded(lambda: _pages(picture))
    if pages > 1:
        raise fail("RG532", f"the file has {pages} pages; one still picture is needed", fix="Save one page as a file of its own.")
    _guarded(picture.load)
    return picture


def _guarded(act: Callable[[], _T]) -> _T:
    """What Pillow gives, or a coded error: a damaged file makes decoders raise anything."""
    from PIL import Image as PillowImage
    from PIL import UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            # of size, which the cap below replaces, and of damaged EXIF data, which are not used
            warnings.simplefilter("ignore")
            return act()
    except RadiogenError:
        raise
    except PillowImage.DecompressionBombError as error:
        raise fail("RG508", "the header claims too many pixels to be decoded") from error
    except UnidentifiedImageError as error:
        text = "the file begins like a picture, and the rest of its header is damaged or of a kind that is not read"
        raise fail("RG502", text) from error
    except MemoryError as error:
        raise fail("RG508", "there is not enough memory to decode the picture") from error
    except Exception as error:
        raise fail("RG502", f"the picture cannot be decoded: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:120]}" if text else type(error).__name__


def _opened(data: bytes) -> Any:
    from PIL import Image as PillowImage

    picture = PillowImage.open(io.BytesIO(data), formats=FORMATS)
    check_size(picture.height, picture.width, 1, _WIDE.get(picture.mode, 1))
    return picture


def _pages(picture: Any) -> int:
    # an MPO is a JPEG with a second, smaller preview; an animated PNG begins with the picture that is meant
    pages = int(getattr(picture, "n_frames", 1)) if picture.format == "TIFF" else 1
    check_size(picture.height, picture.width, pages, _WIDE.get(picture.mode, 1))
    picture.seek(0)
    return pages


def _is_smaller_copy(picture: Any) -> bool:
    return bool(int(picture.tag_v2.get(_KIND_OF_PAGE, 0)) & 1)


def _pixels(picture: Any) -> NDArray[Any]:
    mode = picture.mode
    if mode in _GREY:
        grey = np.asarray(picture)
        return grey if grey.dtype.isnative else grey.astype(grey.dtype.newbyteorder("="))
    if mode == "LA":
        return np.asarray(picture)[..., 0]
    if mode in ("RGB", "RGBA", "RGBX", "YCbCr"):
        # the alpha channel is left out by slicing: convert("RGB") would do the same
        return np.asarray(picture if mode != "YCbCr" else picture.convert("RGB"))[..., :3]
    if mode in ("P", "PA"):
        return np.asarray(picture.convert("RGB"))
    if mode == "1":
        raise fail("RG511", "the picture has 1 bit per pixel and no grey values; is it a mask?")
    raise fail("RG511", f"the picture is stored as {mode}, which has no unambiguous grey values")


def _notes(picture: Any, data: bytes) -> list[Problem]:
    notes = []
    if picture.mode in ("RGBA", "LA", "PA") and picture.getchannel("A").getextrema()[0] < 255:
        notes.append(_note("the picture is partly transparent; its transparency is ignored"))
    if picture.mode in ("RGB", "RGBA", "RGBX") and _bits(picture, data) > 8:
        notes.append(_note("16 bits per colour were reduced to 8"))
    if picture.format == "PNG" and getattr(picture, "n_frames", 1) > 1:
        notes.append(_note("the picture is animated; its first frame is used"))
    if picture.format in ("JPEG", "MPO") and _guarded(picture.getexif).get(_ORIENTATION, 1) != 1:
        notes.append(_note("the file asks viewers to turn the picture (EXIF); it is used as stored"))
    return notes


def _bits(picture: Any, data: bytes) -> int:
    """Bits per channel in the file: Pillow gives colours in eight."""
    if picture.format == "TIFF":
        return max(int(b) for b in picture.tag_v2.get(_BITS, (8,)))
    return data[24] if picture.format == "PNG" else 8  # bit depth in IHDR


def _note(message: str) -> Problem:
    return problem("RG514", message)
