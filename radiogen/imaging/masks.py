"""Reading masks: which pixels are lesion."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from radiogen.errors import RadiogenError, fail
from radiogen.imaging.readers import kind_of, located, read_bytes, read_image

#: JPEG leaves small values around a region: only the upper half of the scale counts in a JPEG mask
_JPEG_CUT = 128


def read_mask(
    paths: str | Path | Iterable[str | Path],
    shape: tuple[int, int],
    *,
    resize: Literal["nearest"] | None = None,
) -> NDArray[np.bool_]:
    """Read one mask, or several and unite them.

    A pixel is lesion where any mask is not zero.  Masks may be 1-bit, grey, palette or colour pictures (a
    palette counts by its colours), DICOM, NRRD or NIfTI.  Of a mask with an alpha channel, pixels are lesion
    that are coloured and not fully transparent; where all colours are black, or all pixels transparent, the
    other of the two alone decides.  In a JPEG mask values from 128 on count, because compression leaves small
    values around the region.

    Parameters
    ----------
    paths : path or iterable of paths
        Mask files of one image.
    shape : (int, int)
        Rows and columns of the image.
    resize : {"nearest"}, optional
        Bring a mask of another size to the image's by nearest neighbour.  Default: another size is an error,
        since it most often means that the mask belongs to another image.

    Returns
    -------
    ndarray of bool, shape ``shape``

    Raises
    ------
    RadiogenError
        RG503 mask missing, RG502 unreadable, RG504 another size than the image, RG505 all masks empty,
        RG508 too large, RG708 no path or an unknown ``resize``.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> from PIL import Image as pillow
    >>> from radiogen.imaging import read_mask
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     pillow.fromarray(np.eye(3, dtype=np.uint8)).save(folder + "/m.png")
    ...     int(read_mask(folder + "/m.png", (3, 3)).sum())
    3
    """
    files = [Path(paths)] if isinstance(paths, str | Path) else [Path(p) for p in paths]
    if not files:
        raise fail("RG708", "read_mask needs at least one path")
    if resize not in (None, "nearest"):
        raise fail("RG708", "resize must be 'nearest' or None", value=resize)
    union = np.zeros(shape, dtype=bool)
    for path in files:
        try:
            union |= _fitted(_read(path), shape, resize)
        except RadiogenError as error:
            raise located(error, path) from error.__cause__
    if not union.any():
        names = ", ".join(p.name for p in files)
        jpeg = any(p.suffix.lower() in (".jpg", ".jpeg") for p in files)
        hint = "; in a JPEG mask only values from 128 on count" if jpeg else ""
        raise fail("RG505", f"no pixel of {names} is lesion{hint}", file=files[0])
    return union


def _read(path: Path) -> NDArray[np.bool_]:
    data = read_bytes(path, "RG503")
    if kind_of(path, data) != "raster":
        pixels = read_image(path).pixels
        return np.asarray(pixels != 0 if pixels.ndim == 2 else (pixels != 0).any(axis=2))
    from radiogen.imaging.raster import open_raster

    return _raster_mask(open_raster(data))


def _raster_mask(picture: Any) -> NDArray[np.bool_]:
    if picture.mode in ("CMYK", "LAB", "HSV"):
        raise fail("RG511", f"the mask is stored as {picture.mode}; export it as 8-bit grey")
    if picture.format == "JPEG":
        return np.asarray(picture.convert("L")) >= _JPEG_CUT
    if picture.mode == "P":
        picture = picture.convert("RGBA" if "transparency" in picture.info else "RGB")
    elif picture.mode == "PA":
        picture = picture.convert("RGBA")
    array = np.asarray(picture)
    if array.ndim == 2:
        return array != 0
    if picture.mode not in ("LA", "RGBA"):
        return np.asarray((array != 0).any(axis=2))
    coloured, opaque = (array[..., :-1] != 0).any(axis=2), array[..., -1] != 0
    if not coloured.any():  # drawn in the alpha channel alone; a uniform alpha channel draws nothing
        return opaque if not opaque.all() else coloured
    return coloured & opaque if opaque.any() else coloured


def _fitted(mask: NDArray[np.bool_], shape: tuple[int, int], resize: str | None) -> NDArray[np.bool_]:
    if mask.shape == tuple(shape):
        return mask
    if resize is None:
        sizes = f"the mask has {mask.shape[0]} × {mask.shape[1]} pixels (rows × columns), the image {shape[0]} × {shape[1]}"
        raise fail("RG504", sizes)
    rows = _nearest(mask.shape[0], shape[0])
    columns = _nearest(mask.shape[1], shape[1])
    return mask[np.ix_(rows, columns)]


def _nearest(old: int, new: int) -> NDArray[np.intp]:
    """For each of ``new`` pixel centres the old pixel in which it lies."""
    return np.minimum(((np.arange(new) + 0.5) * old / new).astype(np.intp), old - 1)
