"""Reading masks: which pixels are lesion."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from radiogen.errors import RadiogenError, fail
from radiogen.imaging.readers import kind_of, located, read_bytes, read_head, read_image

#: JPEG leaves small values around a region: only the upper half of the scale counts in a JPEG mask
_JPEG_CUT = 128
#: values that a message lists at most
_LISTED = 12
Label = int | tuple[int, int, int] | None


def read_mask(
    paths: str | Path | Iterable[str | Path],
    shape: tuple[int, int],
    *,
    resize: Literal["nearest"] | None = None,
    label: int | str | None = None,
) -> NDArray[np.bool_]:
    """Read one mask, or several and unite them.

    A pixel is lesion where any mask is not zero.  Masks may be 1-bit, grey, palette or colour pictures (a
    palette counts by its colours), DICOM, NRRD or NIfTI.  Of a mask with an alpha channel, pixels are lesion
    that are coloured and not fully transparent; where all colours are black, or all pixels transparent, the
    other of the two alone decides.  In a JPEG mask values from 128 on count, because compression leaves small
    values around the region.  Outlines drawn in LabelMe (JSON) become masks by
    :func:`radiogen.imaging.formats.polygons.read_polygons`.

    Parameters
    ----------
    paths : path or iterable of paths
        Mask files of one image.
    shape : (int, int)
        Rows and columns of the image.
    resize : {"nearest"}, optional
        Bring a mask of another size to the image's by nearest neighbour (outlines: by scaling).  Default: another
        size is an error, since it most often means that the mask belongs to another image.
    label : int or str, optional
        What is the lesion: a pixel value (of a palette picture, the number of the colour), a colour (``"#ff0000"`` or
        a name of HTML) or, of outlines, their label.  Default: all that is not zero.

    Returns
    -------
    ndarray of bool, shape ``shape``

    Raises
    ------
    RadiogenError
        RG503 mask missing, RG502 unreadable, RG504 another size than the image, RG505 all masks empty,
        RG508 too large, RG511 a JPEG mask and a label, which compression does not keep, RG531 outlines that cannot be
        used, RG532 a loop, RG708 no path, an unknown ``resize`` or ``label``.

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
    if label is not None and (isinstance(label, bool) or not isinstance(label, int | str)):
        raise fail("RG708", "the label must be a whole number or text", value=label)
    union = np.zeros(shape, dtype=bool)
    there: set[str] = set()
    for path in files:
        try:
            union |= _read(path, shape, resize, label, there)
        except RadiogenError as error:
            raise located(error, path) from error.__cause__
    if not union.any():
        raise fail("RG505", _nothing(files, label, there), file=files[0])
    return union


def _nothing(files: list[Path], label: int | str | None, there: set[str]) -> str:
    names = ", ".join(p.name for p in files)
    if label is not None:
        seen = ", ".join(sorted(there, key=lambda v: (len(v), v))[:_LISTED])
        return f"no pixel of {names} has the label '{label}'" + (f"; there is {seen}" if seen else "")
    jpeg = any(p.suffix.lower() in (".jpg", ".jpeg") for p in files)
    return f"no pixel of {names} is lesion" + ("; in a JPEG mask only values from 128 on count" if jpeg else "")


def _read(path: Path, shape: tuple[int, int], resize: Any, label: int | str | None, there: set[str]) -> NDArray[np.bool_]:
    head = read_head(path, "RG503")
    if head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
        from radiogen.imaging.formats.polygons import read_polygons

        return read_polygons(read_bytes(path, "RG503"), shape, resize=resize, label=label)
    wanted = _wanted(label)
    if kind_of(path, head) == "raster":
        from radiogen.imaging.formats.raster import open_raster

        found = _raster_mask(open_raster(read_bytes(path, "RG503")), wanted, there)
    else:
        image = read_image(path, calibration="ignore")
        if image.is_loop:
            raise fail("RG532", f"the mask has {image.n_frames} frames or slices; one picture is needed")
        found = _labelled(image.pixels, wanted, there) if wanted is not None else _not_zero(image.pixels)
    return _fitted(found, shape, resize)


def _wanted(label: int | str | None) -> Label:
    """The label as a number or as red, green and blue."""
    if label is None or isinstance(label, int):
        return label
    text = label.strip()
    if text.isdecimal():
        return int(text)
    from PIL import ImageColor

    try:
        red, green, blue = ImageColor.getrgb(text)[:3]
    except ValueError as error:
        raise fail("RG708", "the label of a picture is a number or a colour such as '#ff0000'", value=label) from error
    return (red, green, blue)


def _not_zero(pixels: NDArray[Any]) -> NDArray[np.bool_]:
    return np.asarray(pixels != 0 if pixels.ndim == 2 else (pixels != 0).any(axis=2))


def _labelled(pixels: NDArray[Any], wanted: int | tuple[int, int, int], there: set[str]) -> NDArray[np.bool_]:
    """Where the pixels have a value (grey) or a colour; ``there`` is told what else they have."""
    if isinstance(wanted, int) and pixels.ndim == 3:
        if not (np.ptp(pixels, axis=2) == 0).all():
            raise fail("RG708", "the mask is in colours; declare the lesion's, such as '#ff0000'", value=wanted)
        pixels = pixels[..., 0]
    if isinstance(wanted, int):
        there.update(f"{v:g}" for v in np.unique(pixels)[: 2 * _LISTED])
        return np.asarray(pixels == wanted)
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[..., None], 3, axis=2)
    codes = (pixels.astype(np.int64) * (65536, 256, 1)).sum(axis=2)
    there.update(f"#{int(c):06x}" for c in np.unique(codes)[: 2 * _LISTED])
    return np.asarray(codes == wanted[0] * 65536 + wanted[1] * 256 + wanted[2])


def _raster_mask(picture: Any, wanted: Label, there: set[str]) -> NDArray[np.bool_]:
    if picture.mode in ("CMYK", "LAB", "HSV"):
        raise fail("RG511", f"the mask is stored as {picture.mode}; export it as 8-bit grey")
    if picture.format in ("JPEG", "MPO"):
        if wanted is not None:
            raise fail("RG511", "JPEG changes values, so that labels cannot be told apart; export the mask as PNG")
        return np.asarray(picture.convert("L")) >= _JPEG_CUT
    if wanted is not None:
        return _raster_label(picture, wanted, there)
    if picture.mode == "P":
        picture = picture.convert("RGBA" if "transparency" in picture.info else "RGB")
    elif picture.mode == "PA":
        picture = picture.convert("RGBA")
    array = np.asarray(picture)
    if array.ndim == 2 or picture.mode not in ("LA", "RGBA"):
        return _not_zero(array)
    coloured, opaque = (array[..., :-1] != 0).any(axis=2), array[..., -1] != 0
    if not coloured.any():  # drawn in the alpha channel alone; a uniform alpha channel draws nothing
        return opaque if not opaque.all() else coloured
    return coloured & opaque if opaque.any() else coloured


def _raster_label(picture: Any, wanted: int | tuple[int, int, int], there: set[str]) -> NDArray[np.bool_]:
    if isinstance(wanted, int) and picture.mode in ("P", "PA"):
        index = np.asarray(picture)
        return _labelled(index if index.ndim == 2 else index[..., 0], wanted, there)
    if picture.mode in ("P", "PA", "YCbCr"):
        picture = picture.convert("RGB")
    array = np.asarray(picture)
    if array.dtype == bool:
        array = array.astype(np.uint8)
    if picture.mode in ("LA", "RGBA"):
        colours, opaque = array[..., :-1], array[..., -1] != 0
        found = _labelled(colours if picture.mode == "RGBA" else colours[..., 0], wanted, there)
        return found & opaque if opaque.any() else found
    return _labelled(array, wanted, there)


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
