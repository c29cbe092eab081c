"""PNG, JPEG, BMP and TIFF, through Pillow."""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radiogen.errors import Problem, RadiogenError, fail, problem
from radiogen.imaging.image import SAVE_A_STILL, Image, check_size, from_rgb

FORMATS = ("PNG", "JPEG", "BMP", "TIFF")
_GREY = {"L", "I", "F", "I;16", "I;16B", "I;16L", "I;16N"}
_ORIENTATION = 0x0112  # EXIF tag


def open_raster(data: bytes) -> Any:
    """Decode a picture and give it as :class:`PIL.Image.Image`, fully loaded.

    Raises
    ------
    RadiogenError
        RG502 unreadable, RG508 too large, RG511 more than one page.
    """
    from PIL import Image as PillowImage
    from PIL import UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            # of size, which the cap below replaces, and of damaged EXIF data, which are not used
            warnings.simplefilter("ignore")
            picture = PillowImage.open(io.BytesIO(data), formats=FORMATS)
            frames = int(getattr(picture, "n_frames", 1))
            check_size(picture.height, picture.width, frames)
            if frames > 1 and picture.format != "MPO":  # MPO: a JPEG with a second, smaller preview
                raise fail("RG511", f"the file has {frames} pages; one still picture is needed", fix=SAVE_A_STILL)
            picture.load()
            return picture
    except RadiogenError:
        raise
    except PillowImage.DecompressionBombError as error:
        raise fail("RG508", f"the header claims too many pixels: {error}") from error
    except UnidentifiedImageError as error:
        raise fail("RG502", "the file begins like a picture, and the rest of its header is damaged") from error
    except Exception as error:  # a damaged file makes decoders raise anything, from OSError to struct.error
        raise fail("RG502", f"the picture cannot be decoded: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:120]}" if text else type(error).__name__


def read_raster(data: bytes) -> Image:
    """A PNG, JPEG, BMP or TIFF picture as :class:`Image`; its spacing is not known.

    Raises
    ------
    RadiogenError
        RG502, RG508, or RG511 for CMYK, Lab, HSV and 1-bit pictures.
    """
    picture = open_raster(data)
    notes = _notes(picture, data)
    return Image(_pixels(picture), None, str(picture.format), str(picture.mode), problems=notes)


def _pixels(picture: Any) -> NDArray[np.float64] | NDArray[np.uint8]:
    mode = picture.mode
    if mode in _GREY:
        grey = np.asarray(picture).astype(np.float64)
        if not np.isfinite(grey).all():
            raise fail("RG502", "the picture has pixels that are not finite numbers")
        return grey
    if mode == "LA":
        return np.asarray(picture)[..., 0].astype(np.float64)
    if mode in ("RGB", "RGBA", "RGBX", "YCbCr"):
        # the alpha channel is left out by slicing: convert("RGB") would do the same
        return from_rgb(np.asarray(picture if mode != "YCbCr" else picture.convert("RGB"))[..., :3])
    if mode in ("P", "PA"):
        return from_rgb(np.asarray(picture.convert("RGB")))
    if mode == "1":
        raise fail("RG511", "the picture has 1 bit per pixel and no grey values; is it a mask?")
    raise fail("RG511", f"the picture is stored as {mode}, which has no unambiguous grey values")


def _notes(picture: Any, data: bytes) -> tuple[Problem, ...]:
    notes = []
    if picture.mode in ("RGBA", "LA", "PA") and picture.getchannel("A").getextrema()[0] < 255:
        notes.append(_note("the picture is partly transparent; its transparency is ignored"))
    if picture.format == "PNG" and data[24] == 16 and picture.mode in ("RGB", "RGBA"):  # bit depth in IHDR
        notes.append(_note("16 bits per colour were reduced to 8"))
    if picture.format == "JPEG" and picture.getexif().get(_ORIENTATION, 1) != 1:
        notes.append(_note("the file asks viewers to turn the picture (EXIF); it is used as stored"))
    return tuple(notes)


def _note(message: str) -> Problem:
    return problem("RG514", message)
